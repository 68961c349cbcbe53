/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* meter.h - durations counted into bins, for percentiles.
 *
 * One thread adds, any thread reads; no lock. Bins are 50 us wide up to 102 ms,
 * the last one holds everything longer. Embed it zeroed. */
#pragma once
#include <stdatomic.h>
#include <stdint.h>

#define PF_METER_BINS	2048
#define PF_METER_BIN_NS 50000ull

struct pf_meter {
	_Atomic uint32_t bins[PF_METER_BINS];
};

static inline void pf_meter_add(struct pf_meter *m, uint64_t ns)
{
	uint64_t bin = ns / PF_METER_BIN_NS;

	if (bin >= PF_METER_BINS)
		bin = PF_METER_BINS - 1;
	atomic_fetch_add_explicit(&m->bins[bin], 1, memory_order_relaxed);
}

/** The smallest bin end that `permille` of all values do not exceed, in ns; 0
 * when there are none. */
static inline uint64_t pf_meter_quantile(const struct pf_meter *m, unsigned permille)
{
	uint64_t total = 0, below = 0;

	for (unsigned i = 0; i < PF_METER_BINS; i++)
		total += atomic_load_explicit(&m->bins[i], memory_order_relaxed);
	for (unsigned i = 0; total && i < PF_METER_BINS; i++) {
		below += atomic_load_explicit(&m->bins[i], memory_order_relaxed);
		if (below * 1000 >= total * permille)
			return (i + 1) * PF_METER_BIN_NS;
	}
	return total ? PF_METER_BINS * PF_METER_BIN_NS : 0;
}
