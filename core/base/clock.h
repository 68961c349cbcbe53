/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* clock.h - the two clocks.
 *
 * Internal time is monotonic nanoseconds. The wire carries Unix time; a session
 * fixes the difference once, so that a step of the wall clock moves nothing.
 * Sans-I/O modules take time as an argument instead of calling these. */
#pragma once
#include <stdint.h>

#define PF_NS_PER_US 1000ull
#define PF_NS_PER_MS 1000000ull
#define PF_NS_PER_S  1000000000ull

/** CLOCK_MONOTONIC in nanoseconds. Any thread, no lock. */
uint64_t pf_clock_mono_ns(void);
/** CLOCK_REALTIME in nanoseconds since 1970. Any thread, no lock. */
uint64_t pf_clock_unix_ns(void);
/** Unix minus monotonic time now: the smallest-gap reading of a few tries. */
int64_t pf_clock_unix_offset_ns(void);
