/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* jitter.h - how long a frame waits so that frames come evenly: between nothing
 * and one frame interval.
 *
 * The quickest way of the last seconds is what the path takes; how much later
 * than that 19 of 20 frames come is what each frame is held up to. On a quiet
 * link that is nothing. A pure function of capture and arrival times on two
 * clocks that need not agree. Plain data, one thread. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define PF_JITTER_FRAMES   64u		 /* that the spread is taken of */
#define PF_JITTER_SPELL_NS 2000000000ull /* the quickest of this spell and the one before */

struct pf_jitter {
	uint64_t interval_ns; /* a frame never waits longer */
	bool started;
	uint64_t base_ns;		   /* the first frame's way */
	int64_t least_ns, least_before_ns; /* quickest, past the base */
	uint64_t spell_ns;		   /* when the spell began */
	int64_t way_ns[PF_JITTER_FRAMES];
	unsigned count, next;
	uint64_t hold_ns;    /* in force */
	uint64_t release_ns; /* of the frame before */
};

/** `refresh_hz` 0 counts as 60. */
void pf_jitter_init(struct pf_jitter *j, uint32_t refresh_hz);
/** Another mode: another interval. */
void pf_jitter_rate(struct pf_jitter *j, uint32_t refresh_hz);
/** When to let a frame go that was captured at `pts_ns` of the host's clock and
 * was whole at `done_ns` of ours: done_ns .. done_ns + one interval, and not before
 * the one before. Frames are told in the order they came. */
uint64_t pf_jitter_arrived(struct pf_jitter *j, uint64_t pts_ns, uint64_t done_ns);
