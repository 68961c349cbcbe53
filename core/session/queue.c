/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/session/queue.h"
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "core/net/os_linux.h"

int pf_queue_init(struct pf_queue *q, unsigned count, size_t slot_bytes)
{
	int err;

	*q = (struct pf_queue){ .count = count, .slot_bytes = slot_bytes };
	q->slots = calloc(count, slot_bytes);
	if (!q->slots)
		return -ENOMEM;
	err = pf_wake_open(&q->fd);
	if (err) {
		free(q->slots);
		q->slots = NULL;
		return err;
	}
	pthread_mutex_init(&q->lock, NULL);
	return 0;
}

void pf_queue_finish(struct pf_queue *q)
{
	if (!q->slots)
		return;
	free(q->slots);
	q->slots = NULL;
	close(q->fd);
	pthread_mutex_destroy(&q->lock);
}

/* The descriptor is readable exactly while taking would not wait. */
static void set_ready(struct pf_queue *q)
{
	bool ready = q->used || q->closed;

	if (ready == q->ready)
		return;
	q->ready = ready;
	if (ready)
		pf_wake_set(q->fd);
	else
		pf_wake_clear(q->fd);
}

void pf_queue_put(struct pf_queue *q, const void *item)
{
	pthread_mutex_lock(&q->lock);
	if (!q->closed) {
		if (q->used == q->count) {
			q->head = (q->head + 1) % q->count;
			q->used--;
			q->dropped++;
		}
		memcpy(q->slots + (q->head + q->used) % q->count * q->slot_bytes, item,
			q->slot_bytes);
		q->used++;
		set_ready(q);
	}
	pthread_mutex_unlock(&q->lock);
}

static int try_take(struct pf_queue *q, void *item)
{
	int err = 0;

	pthread_mutex_lock(&q->lock);
	if (q->used) {
		memcpy(item, q->slots + q->head * q->slot_bytes, q->slot_bytes);
		q->head = (q->head + 1) % q->count;
		q->used--;
		set_ready(q);
	} else {
		err = q->closed ? -EPIPE : -EAGAIN;
	}
	pthread_mutex_unlock(&q->lock);
	return err;
}

int pf_queue_take(struct pf_queue *q, void *item, uint32_t timeout_ms)
{
	uint64_t end = pf_clock_mono_ns() + timeout_ms * PF_NS_PER_MS;
	int err;

	while ((err = try_take(q, item)) == -EAGAIN) {
		struct pollfd fd = { .fd = q->fd, .events = POLLIN };
		uint64_t now = pf_clock_mono_ns();
		struct timespec ts;

		if (now >= end)
			break;
		ts.tv_sec = (time_t)((end - now) / PF_NS_PER_S);
		ts.tv_nsec = (long)((end - now) % PF_NS_PER_S);
		ppoll(&fd, 1, &ts, NULL);
	}
	return err;
}

void pf_queue_close(struct pf_queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->closed = true;
	set_ready(q);
	pthread_mutex_unlock(&q->lock);
}

int pf_queue_fd(const struct pf_queue *q)
{
	return q->fd;
}

uint64_t pf_queue_dropped(struct pf_queue *q)
{
	uint64_t n;

	pthread_mutex_lock(&q->lock);
	n = q->dropped;
	pthread_mutex_unlock(&q->lock);
	return n;
}
