/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* ticker.h - the thread of a capture that makes its own pictures.
 *
 * It calls `tick` at given times, and at once after pf_ticker_poke; `tick` says
 * when it wants to be called next. Late ticks are not made up for. */
#pragma once
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct pf_ticker {
	pthread_t thread;
	bool running;
	int wake; /* eventfd */
	_Atomic bool stop, poked;
	uint64_t (*tick)(void *user, uint64_t now_ns, bool poked);
	void *user;
};

/** Starts the thread; the first tick comes at once. `tick` gets the monotonic
 * time and whether a poke asked for it, and returns the time of the next one
 * (0 = only when poked). Negative errno. */
int pf_ticker_start(
	struct pf_ticker *t, uint64_t (*tick)(void *user, uint64_t now_ns, bool poked), void *user);
/** No tick runs after it. Accepts a ticker that never started (zeroed). */
void pf_ticker_stop(struct pf_ticker *t);
/** Any thread. */
void pf_ticker_poke(struct pf_ticker *t);
