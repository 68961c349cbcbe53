/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* latency.h - counts of durations in buckets 3 % wide, for quantiles.
 *
 * Plain data, no allocation, nothing to free. One thread. */
#pragma once
#include <stdint.h>

#define PF_LATENCY_STEPS   32 /* buckets per doubling */
#define PF_LATENCY_BUCKETS (64 * PF_LATENCY_STEPS)

struct pf_latency {
	uint64_t count, max_ns;
	uint32_t buckets[PF_LATENCY_BUCKETS];
};

void pf_latency_add(struct pf_latency *l, uint64_t ns);
/** The value that a share `q` (0..1) of all samples does not exceed, at most 3 %
 * too high; 0 without samples. */
uint64_t pf_latency_quantile(const struct pf_latency *l, double q);
