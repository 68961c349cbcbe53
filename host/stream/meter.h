/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* meter.h - durations counted into bins, for percentiles.
 *
 * One thread adds, any thread reads; no lock. Bins are 10 us wide up to 10 ms, then
 * 100 us up to 115 ms; the last one holds everything longer. Embed it zeroed. */
#pragma once
#include <stdatomic.h>
#include <stdint.h>

#define PF_METER_BINS	 2048
#define PF_METER_FINE	 1000 /* of these */
#define PF_METER_FINE_NS 10000ull
#define PF_METER_WIDE_NS 100000ull

struct pf_meter {
	_Atomic uint32_t bins[PF_METER_BINS];
};

static inline void pf_meter_add(struct pf_meter *m, uint64_t ns)
{
	const uint64_t fine_ns = PF_METER_FINE * PF_METER_FINE_NS;
	uint64_t bin = ns < fine_ns ? ns / PF_METER_FINE_NS
				    : PF_METER_FINE + (ns - fine_ns) / PF_METER_WIDE_NS;

	if (bin >= PF_METER_BINS)
		bin = PF_METER_BINS - 1;
	atomic_fetch_add_explicit(&m->bins[bin], 1, memory_order_relaxed);
}

/* How frames leave: of a session, as its sender outlives its stream. */
struct pf_sent_meters {
	struct pf_meter send;  /* access unit ready -> last packet handed to the kernel */
	struct pf_meter total; /* picture complete -> the same; pictures sent before do not count */
};

/* Sender's thread. */
static inline void pf_sent_meters_add(struct pf_sent_meters *m, uint64_t capture_ns,
	uint64_t encode_start_ns, uint64_t encode_end_ns, uint64_t sent_ns)
{
	pf_meter_add(&m->send, sent_ns > encode_end_ns ? sent_ns - encode_end_ns : 0);
	/* What is sent again is "captured" when its encode starts. */
	if (capture_ns != encode_start_ns)
		pf_meter_add(&m->total, sent_ns > capture_ns ? sent_ns - capture_ns : 0);
}

/* Where bin `i` ends. */
static inline uint64_t pf_meter_end_ns(unsigned i)
{
	return i < PF_METER_FINE ? (i + 1) * PF_METER_FINE_NS
				 : PF_METER_FINE * PF_METER_FINE_NS +
					   (i + 1 - PF_METER_FINE) * PF_METER_WIDE_NS;
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
			return pf_meter_end_ns(i);
	}
	return total ? pf_meter_end_ns(PF_METER_BINS - 1) : 0;
}
