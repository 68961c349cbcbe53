/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* queue.h - a bounded queue with a pollable descriptor, for the puller's side of
 * a session.
 *
 * Any thread puts, any thread takes. A full queue drops its oldest item and
 * counts it: late sound and old news are of no use. The descriptor is readable
 * while something waits, and for good once the queue is closed. */
#pragma once
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pf_queue {
	pthread_mutex_t lock;
	uint8_t *slots;
	size_t slot_bytes;
	unsigned count, head, used;
	uint64_t dropped;
	bool closed;
	bool ready; /* the descriptor is readable */
	int fd;
};

/** `count` slots of `slot_bytes`. 0, -ENOMEM, -EMFILE. */
int pf_queue_init(struct pf_queue *q, unsigned count, size_t slot_bytes);
/** Accepts a zeroed struct. Nobody may be waiting. */
void pf_queue_finish(struct pf_queue *q);
/** Copies one item in; ignored after close. No allocation. */
void pf_queue_put(struct pf_queue *q, const void *item);
/** Waits up to `timeout_ms` and copies the oldest item out. 0, -EAGAIN, or -EPIPE
 * when the queue is closed and empty. */
int pf_queue_take(struct pf_queue *q, void *item, uint32_t timeout_ms);
/** What waits can still be taken; nothing more comes in. */
void pf_queue_close(struct pf_queue *q);
/** Readable while something waits or the queue is closed. */
int pf_queue_fd(const struct pf_queue *q);
uint64_t pf_queue_dropped(struct pf_queue *q);
