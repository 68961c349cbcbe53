/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/base/clock.h"
#include <time.h>

static uint64_t read_clock(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * PF_NS_PER_S + (uint64_t)ts.tv_nsec;
}

uint64_t pf_clock_mono_ns(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

uint64_t pf_clock_unix_ns(void)
{
	return read_clock(CLOCK_REALTIME);
}

int64_t pf_clock_unix_offset_ns(void)
{
	uint64_t best_gap = UINT64_MAX;
	int64_t offset = 0;

	/* A preemption between two readings widens the gap: keep the tightest. */
	for (int i = 0; i < 5; i++) {
		uint64_t before = pf_clock_mono_ns();
		uint64_t wall = pf_clock_unix_ns();
		uint64_t gap = pf_clock_mono_ns() - before;

		if (gap < best_gap) {
			best_gap = gap;
			offset = (int64_t)(wall - (before + gap / 2));
		}
	}
	return offset;
}
