/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* trace.h - which packets of a frame a link loses, as bursts in order.
 *
 * Gilbert's two-state chain, begun in its stationary state; a mean burst of
 * 1 / (1 - loss) or less is independent loss. A trace depends on seed and frame number alone, so
 * that every scheme meets the same luck. One thread. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct pf_lh_channel {
	double loss;  /* 0 <= loss < 1 */
	double burst; /* mean packets per burst */
};

struct pf_lh_burst {
	uint32_t first, count;
};

struct pf_lh_trace {
	struct pf_lh_burst *bursts;
	uint32_t count, cap;
};

/** How Gilbert's chain goes on: from lost to arrived, from arrived to lost. */
void pf_lh_channel_steps(const struct pf_lh_channel *c, double *leave, double *enter);
/** Bursts among the first `packets` of a frame, or beyond. 0 or -ENOMEM. */
int pf_lh_trace_make(struct pf_lh_trace *t, const struct pf_lh_channel *c, uint64_t seed,
	uint64_t frame, uint32_t packets);
void pf_lh_trace_finish(struct pf_lh_trace *t);
/** Packets lost of `count` from `first` on. */
uint32_t pf_lh_trace_lost(const struct pf_lh_trace *t, uint32_t first, uint32_t count);
/** Packets lost from `first` on before the `arrivals`-th arrival. */
uint32_t pf_lh_trace_lost_before(const struct pf_lh_trace *t, uint32_t first, uint32_t arrivals);
