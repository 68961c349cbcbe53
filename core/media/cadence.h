/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* cadence.h - how evenly whole frames come: the time from one to the next, and
 * stalls.
 *
 * A gap is the time between the completion of two frames, less what the source
 * itself paused: captures further apart than their numbers and the usual interval
 * say. So an idle picture makes no gap, and a lost frame does. A stall is a gap of
 * more than 2.5 intervals: one lost frame is none. The interval is the running mean
 * of the captures' own spacing. p99 is of the last 7 to 8 s. Frames that overtook
 * are not counted. Fixed memory, two clocks that need not agree; plain data, one
 * thread. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define PF_CADENCE_SPELLS   8u
#define PF_CADENCE_SPELL_NS 1000000000ull
#define PF_CADENCE_BUCKETS  208u

struct pf_cadence {
	bool started;
	uint32_t index;
	uint64_t pts_ns, done_ns; /* of the newest frame */
	uint64_t interval_ns;	  /* 0 = not known yet */
	uint64_t stalls;
	uint64_t spell_ns; /* when the newest began */
	unsigned spell;
	uint16_t count[PF_CADENCE_SPELLS][PF_CADENCE_BUCKETS];
	uint32_t sum[PF_CADENCE_BUCKETS]; /* of the spells */
	uint32_t gaps;			  /* in all of them */
};

void pf_cadence_init(struct pf_cadence *c);
/** Frame `index`, captured at `pts_ns` of the host's clock, is whole at `done_ns` of
 * ours. */
void pf_cadence_arrived(struct pf_cadence *c, uint32_t index, uint64_t pts_ns, uint64_t done_ns);
/** A gap that 99 of 100 did not exceed, at most 1/16 too large; 0 = none seen. */
uint64_t pf_cadence_p99_ns(const struct pf_cadence *c);
