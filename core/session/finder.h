/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* finder.h - hosts out of the mDNS messages that come in, sans I/O.
 *
 * Records arrive in any order and from several interfaces; services that name the
 * same id, fingerprint and port are one host with all its addresses. All of it is
 * unauthenticated: whoever is on the network can say anything, so numbers are bounded
 * and nothing here decides whom to trust. One thread. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/wire/mdns.h"
#include "punktfunk_core.h"

#define PF_FINDER_HOSTS	    64u /* services, and machines that have addresses */
#define PF_FINDER_QUERY_MAX 1400u

struct pf_finder;

/** -ENOMEM. */
int pf_finder_create(struct pf_finder **out);
/** Accepts NULL. */
void pf_finder_destroy(struct pf_finder *f);
/** The next query into `buf`: who is there, and what is still missing of those that
 * are known. Its length. */
size_t pf_finder_query(const struct pf_finder *f, uint16_t id, uint8_t buf[PF_FINDER_QUERY_MAX]);
/** Takes what an interface received; `zone` names it, for link-local addresses. True
 * when something changed. Malformed messages count as far as they can be read. */
bool pf_finder_take(struct pf_finder *f, const uint8_t *data, size_t len, const char *zone);
/** Whether pf_finder_query asks for more than who is there. */
bool pf_finder_lacks(const struct pf_finder *f);
/** The hosts that are complete (port, an address), sorted by name, then id; their
 * number. struct_size is set. */
size_t pf_finder_hosts(const struct pf_finder *f, PunktfunkFoundHost out[PF_FINDER_HOSTS]);
