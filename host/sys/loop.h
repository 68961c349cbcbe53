/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* loop.h - the control loop: one thread owns all control state.
 *
 * Other threads hand it work as copied messages, which run in the order they
 * were posted, and never wait for it. Timers and descriptors belong to the
 * loop's thread. Not for hot threads: a post takes a lock and allocates. */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct pf_loop;
struct pf_timer;
struct sd_event;

/* A message whose memory the poster owns until `run` starts: for news that must
 * not be lost for want of memory. Embed it; it may be posted again from `run`
 * on. */
struct pf_loop_item {
	struct pf_loop_item *next;
	void (*run)(struct pf_loop_item *item);
};

int pf_loop_create(struct pf_loop **out);
/** Frees it; messages not yet run are dropped. No thread may post any more.
 * Accepts NULL. */
void pf_loop_destroy(struct pf_loop *l);
/** Runs until pf_loop_quit and returns its code. */
int pf_loop_run(struct pf_loop *l);
/** Ends pf_loop_run. Loop thread. */
void pf_loop_quit(struct pf_loop *l, int code);
/** For signals, descriptors and what else the loop's thread waits for. */
struct sd_event *pf_loop_event(struct pf_loop *l);

/** Runs fn(user, copy of msg) on the loop's thread. Any thread. 0 or -ENOMEM. */
int pf_loop_post(struct pf_loop *l, void (*fn)(void *user, void *msg), void *user, const void *msg,
	size_t len);
/** Posts an item, which cannot fail. Any thread. */
void pf_loop_post_item(struct pf_loop *l, struct pf_loop_item *item);

/** Calls fn once, `delay_ns` from now. Loop thread. */
int pf_timer_start(struct pf_timer **out, struct pf_loop *l, uint64_t delay_ns,
	void (*fn)(void *user), void *user);
/** Ends it, run or not, and clears *t. Accepts NULL inside. Loop thread. */
void pf_timer_stop(struct pf_timer **t);
