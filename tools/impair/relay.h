/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* relay.h - the sockets around the model: one thread, epoll, no busy waiting.
 *
 * Each client address on each map is a flow with a socket of its own towards
 * the host, so the host's answers find their way back and the host sees one
 * source address for all maps. The kernel's arrival stamp is the time that the
 * model sees; what the relay itself adds, stamp to sent less what the model
 * asked for, is measured for every datagram. Flows and queued bytes are
 * bounded; what exceeds them is counted as the relay's own failing, as are
 * datagrams that the kernel dropped before the relay read them. */
#pragma once
#include <stdio.h>
#include "core/base/reason.h"
#include "tools/impair/options.h"

#define PF_RELAY_FLOWS	     256
#define PF_RELAY_IDLE_S	     30 /* a flow this long silent may make room for a new one */
#define PF_RELAY_QUEUE_COUNT 131072
#define PF_RELAY_QUEUE_BYTES (64u << 20)

struct pf_relay;

struct pf_relay_stats {
	uint64_t received, received_bytes;
	uint64_t forwarded, forwarded_bytes; /* duplicates included */
	uint64_t dropped[PF_IMPAIR_CAUSES];
	uint64_t duplicated;
	uint64_t reordered; /* left after one that had arrived later */
	uint64_t overflow;  /* relay's own bounds: flows or queued bytes */
	uint64_t failed;    /* send refused by the kernel */
};

/** Binds all maps of `o`, which it copies. 0, or a negative errno with the words. */
int pf_relay_open(struct pf_relay **out, const struct pf_impair_options *o, struct pf_reason *why);
/** Closes all; clears *relay. Accepts NULL inside. */
void pf_relay_close(struct pf_relay **relay);
/** Relays until `stop_fd` is readable or the options' run time is over. What waits
 * in a delay then is not sent. 0 or a negative errno. */
int pf_relay_run(struct pf_relay *relay, int stop_fd);
/** The address that map `i` listens on, port known. */
const union pf_impair_addr *pf_relay_listen_addr(const struct pf_relay *relay, unsigned i);
/** Sum over all flows of a map, ended ones included. Between runs only. */
void pf_relay_map_stats(const struct pf_relay *relay, unsigned map, enum pf_impair_direction dir,
	struct pf_relay_stats *out);
/** Latency that the relay added, quantile 0..1, in nanoseconds. Between runs only. */
uint64_t pf_relay_added_ns(const struct pf_relay *relay, double quantile);
/** JSON object with counts per flow and direction, totals and added latency. */
void pf_relay_write_json(const struct pf_relay *relay, FILE *f);
/** The same in a few lines for people. */
void pf_relay_write_summary(const struct pf_relay *relay, FILE *f);
