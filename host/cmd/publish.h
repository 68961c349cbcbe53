/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* publish.h - tells the network about the planes that serve. */
#pragma once
#include <stdint.h>
#include "host/discovery/discovery.h"
#include "host/registry/config.h"

struct pf_publish_params {
	const struct pf_config *config;
	const char *hostname;
	const char *fingerprint;	 /* of the native plane, 64 hex digits */
	const char *id;			 /* pf_host_id_open */
	uint16_t native_port, mgmt_port; /* as opened; 0 = there is none */
	uint16_t gamestream_port;
};

/** Publishes what people may find: nothing when `discovery` is off or the planes
 * listen on loopback, and no port that the settings leave to chance, which is for
 * tests. *out may stay NULL; what is wrong is logged. */
void pf_publish(struct pf_discovery **out, const struct pf_publish_params *params);
