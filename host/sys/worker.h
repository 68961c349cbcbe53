/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* worker.h - threads for what may block: opening displays, starting programs,
 * waiting for them to end.
 *
 * A job runs on one of a few threads, then its `done` runs on the control loop.
 * Threads are made when a job finds none free, up to PF_WORKERS_MAX; a job
 * beyond that waits. Jobs may run at the same time and in any order. */
#pragma once
#include "host/sys/loop.h"

#define PF_WORKERS_MAX 16

struct pf_workers;

/* Embed it. The submitter owns the memory; it must stay until `done` ran. */
struct pf_job {
	void (*work)(struct pf_job *job); /* worker thread */
	void (*done)(struct pf_job *job); /* control loop; may submit the job again */
	struct pf_loop_item item;	  /* the pool's */
	struct pf_job *next;		  /* the pool's */
	struct pf_workers *pool;	  /* the pool's */
};

int pf_workers_create(struct pf_workers **out, struct pf_loop *loop);
/** Waits for running jobs and ends the threads; the loop must have run every
 * `done` before, or drop them. Accepts NULL. */
void pf_workers_destroy(struct pf_workers *w);
/** Control loop. Cannot fail once one thread exists, which create makes sure of. */
void pf_workers_submit(struct pf_workers *w, struct pf_job *job);
/** Jobs whose `done` did not run yet. Control loop. */
unsigned pf_workers_pending(const struct pf_workers *w);
