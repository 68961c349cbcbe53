/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* mdns.h - the sockets that ask the local network by mDNS (RFC 6762).
 *
 * Two ways to the same answers: a socket in the multicast group, beside the system's
 * own responder, hears what all hear; one with a port of its own gets answers that
 * nobody else needs, also where that port is taken. Asks on every interface that can
 * multicast, IPv4 and IPv6. One thread. */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct pf_mdns_net;

/** -ENOMEM, -EHOSTUNREACH when no interface can multicast, others of the system. */
int pf_mdns_net_open(struct pf_mdns_net **out);
/** Accepts NULL. */
void pf_mdns_net_close(struct pf_mdns_net *n);
/** Sends a query everywhere; 0 when it left on one interface at least, else the last
 * error. */
int pf_mdns_net_ask(struct pf_mdns_net *n, const uint8_t *query, size_t len);
/** Waits until `deadline_ns` (monotonic) for a packet: its length, *data valid until the
 * next call, and the name of the interface it came by in `zone`. -ETIMEDOUT. */
int pf_mdns_net_receive(
	struct pf_mdns_net *n, uint64_t deadline_ns, const uint8_t **data, char zone[16]);
