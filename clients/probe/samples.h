/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* samples.h - measured times and their percentiles.
 *
 * Plain data, one thread at a time. Memory is bounded: after PF_SAMPLES_MAX only
 * the maximum follows. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define PF_SAMPLES_MAX (1u << 20)

struct pf_samples {
	int32_t *us; /* microseconds; clocks of two machines may give negative ones */
	size_t count, cap;
	int32_t max_us;
};

/* Milliseconds. */
struct pf_quantiles {
	size_t count;
	double p50, p95, p99, max;
};

/** Times beyond half an hour are cut. Forgets the sample when memory runs out. */
void pf_samples_add(struct pf_samples *s, int64_t ns);
/** Sorts the samples. All zero when there are none. */
struct pf_quantiles pf_samples_quantiles(struct pf_samples *s);
/** Accepts a zeroed one. */
void pf_samples_finish(struct pf_samples *s);
