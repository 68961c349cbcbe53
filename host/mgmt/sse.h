/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* sse.h - events on their way to HTTP clients, as server-sent events.
 *
 * A stream is an answer without an end. It sleeps until the control loop has news; its
 * text is copied out of the common store when there is room for it. One whose socket stays
 * full for as long as any connection may be idle is closed by the server; one that comes
 * too late for what it missed is told to reset. Private to host/mgmt; control loop unless
 * it says otherwise. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "host/mgmt/api.h"
#include "host/mgmt/events.h"
#include "host/sys/loop.h"

/* Of all clients. */
#define PF_SSE_STREAMS_MAX 256u
/* Text of more events waits no longer than this for the next wake-up. */
#define PF_SSE_GAP_NS (50 * 1000000ull)
/* A stream is never silent for longer: who is gone is noticed. */
#define PF_SSE_BEAT_NS (15 * 1000000000ull)

struct pf_sse;

/** Borrows `events` and `loop`. -ENOMEM. */
int pf_sse_create(struct pf_sse **out, struct pf_events *events, struct pf_loop *loop);
/** After all streams were closed. Accepts NULL. */
void pf_sse_destroy(struct pf_sse *s);
/** A new stream, as pf_event_reader_init. -EBUSY: there are too many; -ENOMEM. */
int pf_sse_open(struct pf_mgmt_stream **out, struct pf_sse *s, uint32_t topics, uint64_t after);
/** There is something to read. */
void pf_sse_news(struct pf_sse *s);
/** Somebody's right to listen ended: all streams look whether it was theirs. */
void pf_sse_recheck(struct pf_sse *s);
/** Wakes nobody from now on. */
void pf_sse_stop(struct pf_sse *s);
/** Streams that are open, and that were. Any thread. */
void pf_sse_count(struct pf_sse *s, unsigned *open, uint64_t *opened);
