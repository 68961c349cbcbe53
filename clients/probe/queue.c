/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "clients/probe/queue.h"
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct slot {
	PunktfunkFrame frame;
	uint8_t *data;
	size_t cap;
};

struct pf_queue {
	pthread_mutex_t lock;
	pthread_cond_t filled;
	struct slot slots[PF_QUEUE_SLOTS];
	unsigned head, used; /* oldest, and how many; the oldest may be with the taker */
	bool lent;	     /* the oldest is with the taker */
	bool ended;
	size_t bytes; /* allocated in all slots */
};

int pf_queue_create(struct pf_queue **out)
{
	struct pf_queue *q = calloc(1, sizeof(*q));

	if (!q)
		return -ENOMEM;
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->filled, NULL);
	*out = q;
	return 0;
}

void pf_queue_destroy(struct pf_queue *q)
{
	if (!q)
		return;
	for (unsigned i = 0; i < PF_QUEUE_SLOTS; i++)
		free(q->slots[i].data);
	pthread_mutex_destroy(&q->lock);
	pthread_cond_destroy(&q->filled);
	free(q);
}

static bool fit(struct pf_queue *q, struct slot *s, size_t size)
{
	uint8_t *grown;

	if (size <= s->cap)
		return true;
	if (size - s->cap > PF_QUEUE_BYTES - q->bytes)
		return false;
	grown = realloc(s->data, size);
	if (!grown)
		return false;
	q->bytes += size - s->cap;
	s->data = grown;
	s->cap = size;
	return true;
}

bool pf_queue_put(struct pf_queue *q, const PunktfunkFrame *f)
{
	struct slot *s = NULL;

	pthread_mutex_lock(&q->lock);
	if (q->used < PF_QUEUE_SLOTS) {
		s = &q->slots[(q->head + q->used) % PF_QUEUE_SLOTS];
		if (!fit(q, s, f->size))
			s = NULL;
	}
	if (s) {
		s->frame = *f;
		s->frame.data = s->data;
		if (f->size)
			memcpy(s->data, f->data, f->size);
		q->used++;
		pthread_cond_signal(&q->filled);
	}
	pthread_mutex_unlock(&q->lock);
	return s != NULL;
}

void pf_queue_end(struct pf_queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->ended = true;
	pthread_cond_signal(&q->filled);
	pthread_mutex_unlock(&q->lock);
}

bool pf_queue_take(struct pf_queue *q, PunktfunkFrame *out)
{
	bool there;

	pthread_mutex_lock(&q->lock);
	if (q->lent) {
		q->head = (q->head + 1) % PF_QUEUE_SLOTS;
		q->used--;
		q->lent = false;
	}
	while (!q->used && !q->ended)
		pthread_cond_wait(&q->filled, &q->lock);
	there = q->used > 0;
	if (there) {
		*out = q->slots[q->head].frame;
		q->lent = true;
	}
	pthread_mutex_unlock(&q->lock);
	return there;
}
