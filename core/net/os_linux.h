/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* os_linux.h - what only Linux has, behind names that another system could
 * provide too. Any thread. */
#pragma once
#include <stdint.h>

/** One descriptor that is readable while any of `count` others is; they stay the
 * caller's and must outlive it. Returns it, or a negative errno. */
int pf_os_poll_set(const int *fds, unsigned count);

/** A wake-up: a descriptor that any thread can make readable; the caller closes
 * it. 0 or a negative errno. */
int pf_wake_open(int *fd);
/** Makes it readable; never waits. */
void pf_wake_set(int fd);
/** Makes it unreadable again. */
void pf_wake_clear(int fd);

/** Sleeps until the monotonic time `at_ns`; wakes some 30 us late. */
void pf_sleep_until_ns(uint64_t at_ns);
/** Waits until `at_ns` to a microsecond: sleeps until PF_SPIN_NS before, then spins.
 * Returns for how long it spun. */
#define PF_SPIN_NS 60000ull
uint64_t pf_wait_until_ns(uint64_t at_ns);
