/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* gate.h - who may ask the management API what.
 *
 * Decides from the head of a request alone: name of the host (against DNS
 * rebinding), origin (against other web sites), token, content type. A cookie
 * means nothing here. Pure, any thread. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "host/mgmt/api.h"

/* The head of a request as far as it matters; NULL = not there. */
struct pf_mgmt_head {
	const char *method, *path;
	const char *host, *origin, *authorization, *content_type, *content_length;
	const char *sec_fetch_site, *last_event;
	bool repeated;	     /* one of these came twice */
	bool from_loopback;  /* the peer is on this machine */
	const char *address; /* the connection's own address, numeric */
	uint16_t port;	     /* the API's */
};

/** 0 to let it pass in *lane, else the status to answer with *message. `token` is the only
 * one that opens. */
unsigned pf_mgmt_gate(const struct pf_mgmt_head *h, const char *token, enum pf_mgmt_lane *lane,
	const char **message);
