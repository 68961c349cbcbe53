/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/session/queue.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "core/base/clock.h"

int pf_queue_init(struct pf_queue *q, unsigned count, size_t slot_bytes)
{
	*q = (struct pf_queue){ .count = count, .slot_bytes = slot_bytes };
	q->slots = calloc(count, slot_bytes);
	if (!q->slots)
		return -ENOMEM;
	if (pipe2(q->fds, O_NONBLOCK | O_CLOEXEC) < 0) {
		int err = -errno;

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
	close(q->fds[0]);
	close(q->fds[1]);
	pthread_mutex_destroy(&q->lock);
}

/* The pipe holds one byte exactly while taking would not wait. */
static void set_ready(struct pf_queue *q)
{
	bool ready = q->used || q->closed;
	char byte = 0;
	ssize_t n;

	if (ready == q->ready)
		return;
	q->ready = ready;
	do
		n = ready ? write(q->fds[1], &byte, 1) : read(q->fds[0], &byte, 1);
	while (n < 0 && errno == EINTR);
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
		struct pollfd fd = { .fd = q->fds[0], .events = POLLIN };
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
	return q->fds[0];
}

uint64_t pf_queue_dropped(struct pf_queue *q)
{
	uint64_t n;

	pthread_mutex_lock(&q->lock);
	n = q->dropped;
	pthread_mutex_unlock(&q->lock);
	return n;
}
