/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* discovery.h - tells the network about our services by mDNS.
 *
 * Through the Avahi daemon of the system: without it one information line is
 * logged and people type the address instead. Published as soon as the daemon is
 * there, again after its restart, under another name after a conflict. Talks to
 * it on a thread of its own, since the library's calls wait for the daemon. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "core/base/reason.h"

#define PF_DISCOVERY_NAME_BYTES 64 /* longest instance name and its zero */

struct pf_discovery;

struct pf_discovery_service {
	const char *type; /* "_nvstream._tcp" */
	uint16_t port;
	const char *const *txt; /* NULL-ended "key=value" list, or NULL = empty */
};

/** An instance name out of a host name: blanks become '-', and it ends before the
 * first byte that is neither alphanumeric nor '-' (gamestream.md 1.2); "punktfunk"
 * when nothing is left. Pure. */
void pf_discovery_name(char out[PF_DISCOVERY_NAME_BYTES], const char *hostname);
/** Publishes copies of `count` services. A daemon that is not there is no error.
 * -ENOMEM; -ENOTSUP with the words when built without Avahi. */
int pf_discovery_create(struct pf_discovery **out, const char *name,
	const struct pf_discovery_service *services, size_t count, struct pf_reason *why);
/** Takes the services back. Accepts NULL. */
void pf_discovery_destroy(struct pf_discovery *d);
