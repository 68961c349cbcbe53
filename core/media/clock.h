/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* clock.h - the client's estimate of the host's clock (punktfunk1.md 12).
 *
 * Eight probes at the start, each on the echo of the one before; every 60 s a
 * batch of eight more, 7 ms after each echo. 2 s of silence end a batch.
 * The round with the shortest trip decides. Pure logic: the caller sends the
 * probes, stamps the echoes and supplies monotonic time for the timers; t1..t4
 * are Unix nanoseconds. One thread. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define PF_CLOCK_ROUNDS	      8
#define PF_CLOCK_SILENCE_NS   2000000000ull
#define PF_CLOCK_SPACING_NS   7000000ull
#define PF_CLOCK_RESYNC_NS    60000000000ull
#define PF_CLOCK_RTT_FLOOR_NS 2000000ull /* any batch this quick is good enough */

enum pf_clock_state {
	PF_CLOCK_FIRST,	 /* the rounds at the start are running */
	PF_CLOCK_IDLE,	 /* waiting for the next batch */
	PF_CLOCK_RESYNC, /* a batch is running */
	PF_CLOCK_SILENT, /* the host never echoed: one clock is assumed for both */
};

struct pf_clock_sync {
	enum pf_clock_state state;
	int64_t offset_ns; /* host's clock minus ours, in force */
	uint64_t rtt_ns;   /* shortest trip ever seen; UINT64_MAX = none */

	unsigned sent;	   /* probes of this batch */
	unsigned rejected; /* batches in a row */
	bool outstanding;  /* the echo of `t1` may still count */
	uint64_t t1;
	uint64_t due_ns;      /* next thing to do */
	uint64_t best_rtt_ns; /* of this batch */
	int64_t best_offset_ns;
	uint64_t reject_rtt_ns; /* best of the rejected batches */
	int64_t reject_offset_ns;
};

void pf_clock_sync_init(struct pf_clock_sync *c, uint64_t now_ns);
/** True if a ClockProbe with t1 = `unix_ns` must be sent now. Call when the
 * deadline has come, and after each echo. */
bool pf_clock_sync_poll(struct pf_clock_sync *c, uint64_t now_ns, uint64_t unix_ns);
/** When to poll next; UINT64_MAX = never. */
uint64_t pf_clock_sync_deadline_ns(const struct pf_clock_sync *c);
/** An echo arrived at Unix time `t4`. Unasked ones are ignored (false). */
bool pf_clock_sync_echo(struct pf_clock_sync *c, uint64_t now_ns, uint64_t t1, uint64_t t2,
	uint64_t t3, uint64_t t4);
/** Ends the rounds at the start early: something else than an echo came. */
void pf_clock_sync_cut(struct pf_clock_sync *c, uint64_t now_ns);
