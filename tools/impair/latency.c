/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tools/impair/latency.h"
#include <math.h>

/* Small values have a bucket each; above, the five bits below the top one
 * choose among the steps of their doubling. */
static unsigned bucket_of(uint64_t ns)
{
	unsigned top;

	if (ns < PF_LATENCY_STEPS)
		return (unsigned)ns;
	top = 63 - (unsigned)__builtin_clzll(ns);
	return (top - 4) * PF_LATENCY_STEPS + (unsigned)(ns >> (top - 5) & (PF_LATENCY_STEPS - 1));
}

/* Largest value that falls into bucket `i`. */
static uint64_t bucket_top(unsigned i)
{
	unsigned top = i / PF_LATENCY_STEPS + 4;

	if (i < PF_LATENCY_STEPS)
		return i;
	return ((uint64_t)(PF_LATENCY_STEPS + i % PF_LATENCY_STEPS + 1) << (top - 5)) - 1;
}

void pf_latency_add(struct pf_latency *l, uint64_t ns)
{
	l->buckets[bucket_of(ns)]++;
	l->count++;
	if (ns > l->max_ns)
		l->max_ns = ns;
}

uint64_t pf_latency_quantile(const struct pf_latency *l, double q)
{
	uint64_t need, seen = 0;

	if (!l->count)
		return 0;
	need = (uint64_t)ceil(q * (double)l->count);
	for (unsigned i = 0; i < PF_LATENCY_BUCKETS; i++) {
		seen += l->buckets[i];
		if (seen && seen >= need)
			return bucket_top(i) < l->max_ns ? bucket_top(i) : l->max_ns;
	}
	return l->max_ns;
}
