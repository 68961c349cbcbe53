/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* control.h - the ENet side of the control stream (gamestream.md 6.1, 6.2).
 *
 * One ENet host for all clients. A CONNECT is let through to ENet only if its
 * connect data belongs to a session that waits for it, so that strangers take no
 * peer slot. A link follows its client to a new address once a message from there
 * proves whose it is. Carries bytes; what they mean is the session's. Control loop. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/base/reason.h"
#include "host/sys/loop.h"

#define PF_GS_CHANNELS	  48u
#define PF_GS_CONTROL_MAX 1024u /* bytes of one message; real ones stay below 300 */

struct pf_gs_control;
struct pf_gs_link; /* one client's connection */

struct pf_gs_control_events {
	/* Who waits for this connect data? NULL = nobody. */
	void *(*wanted)(void *user, uint32_t connect_data);
	/* One message for `session` (from wanted). Connect data travel in clear: only
	 * a message that proves the key shows whose link it is. Do not close the link
	 * here but by the return value: false ends it. */
	bool (*message)(void *user, void *session, struct pf_gs_link *link, const uint8_t *data,
		size_t len);
	/* This message came from another address: did this link's client make it, after
	 * all that were taken? It comes again by `message`. */
	bool (*moved)(void *user, void *session, const struct pf_gs_link *link, const uint8_t *data,
		size_t len);
	/* This one left, or was silent for ten seconds: forget the link. */
	void (*gone)(void *user, void *session, struct pf_gs_link *link);
};

struct pf_gs_control_stats {
	uint64_t refused_connects, oversized, moves;
};

/** Binds UDP `port` of `address` (IPv4 literal). -EADDRINUSE etc. with the words. */
int pf_gs_control_open(struct pf_gs_control **out, struct pf_loop *loop, const char *address,
	uint16_t port, unsigned max_clients, const struct pf_gs_control_events *events, void *user,
	struct pf_reason *why);
/** Drops every link without a call to `gone`. Accepts NULL. */
void pf_gs_control_close(struct pf_gs_control *c);
/** Sends reliably on channel 0, at once. 0, -EPIPE, -ENOMEM. Not from `wanted`. */
int pf_gs_link_send(struct pf_gs_link *link, const void *data, size_t len);
/** Ends it after what was sent has arrived; `gone` does not come any more. */
void pf_gs_link_close(struct pf_gs_link *link);
/** Ends every link that came for `session` except `keep` (NULL = every one), at
 * once; `gone` does not come for them. */
void pf_gs_control_release(
	struct pf_gs_control *c, const void *session, const struct pf_gs_link *keep);
/** Messages sent and not acknowledged yet, counted to `most` at most. */
unsigned pf_gs_link_backlog(const struct pf_gs_link *link, unsigned most);
/** What was sent has arrived, and every link is closed. */
bool pf_gs_control_is_done(const struct pf_gs_control *c);
/** Round trip time as ENet measures it, in ms. */
unsigned pf_gs_link_rtt_ms(const struct pf_gs_link *link);
void pf_gs_control_stats(const struct pf_gs_control *c, struct pf_gs_control_stats *out);
