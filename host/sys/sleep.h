/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* sleep.h - when the machine goes to sleep, as systemd-logind tells it.
 *
 * Holds a delay lock, so that there is time to say goodbye before the network is
 * gone, and while someone is busy a lock against falling asleep for want of a
 * user. Without a system bus or logind nothing happens. Control loop. */
#pragma once
#include <stdbool.h>

struct pf_loop;
struct pf_sleep;

struct pf_sleep_events {
	/* It is about to sleep: end what cannot outlive that, then say ready. logind
	 * waits a few seconds at most. */
	void (*before)(void *user);
	/* It woke up. */
	void (*after)(void *user);
};

/** Starts to listen; answers come later. 0, -ENOMEM. */
int pf_sleep_watch(struct pf_sleep **out, struct pf_loop *loop,
	const struct pf_sleep_events *events, void *user);
/** Gives the locks up. Accepts NULL. */
void pf_sleep_unwatch(struct pf_sleep *s);
/** After `before`: nothing is left to do. */
void pf_sleep_ready(struct pf_sleep *s);
/** Whether somebody streams: then the machine does not fall asleep by itself. */
void pf_sleep_set_busy(struct pf_sleep *s, bool busy);
