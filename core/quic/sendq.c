/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/quic/sendq.h"
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "core/crypto/secret.h"
#include "core/wire/pf1_frame.h"

struct pf_chunk {
	struct pf_chunk *next;
	size_t len;
	uint8_t data[];
};

void pf_streamq_init(struct pf_streamq *q)
{
	*q = (struct pf_streamq){ .framing = &pf_pf1_framing };
	pthread_mutex_init(&q->lock, NULL);
	q->in_tail = &q->in;
	q->tail = &q->first;
}

static void free_list(struct pf_chunk *c)
{
	while (c) {
		struct pf_chunk *next = c->next;

		/* Control messages carry session keys. */
		pf_secret_wipe(c->data, c->len);
		free(c);
		c = next;
	}
}

void pf_streamq_finish(struct pf_streamq *q)
{
	pf_streamq_discard(q);
	pthread_mutex_destroy(&q->lock);
}

/* Takes the chunk over. */
static int put(struct pf_streamq *q, struct pf_chunk *c)
{
	int err = 0;

	pthread_mutex_lock(&q->lock);
	if (q->closed) {
		err = -EPIPE;
	} else if (q->bytes + c->len > PF_STREAMQ_MAX_BYTES) {
		err = -EAGAIN;
	} else {
		*q->in_tail = c;
		q->in_tail = &c->next;
		q->bytes += c->len;
		c = NULL;
	}
	pthread_mutex_unlock(&q->lock);
	free_list(c);
	return err;
}

int pf_streamq_frame(struct pf_streamq *q, const struct pf_framing *framing, bool opens)
{
	struct pf_chunk *c;

	q->framing = framing;
	if (!opens || !framing->preamble_len)
		return 0;
	c = malloc(sizeof(*c) + framing->preamble_len);
	if (!c)
		return -ENOMEM;
	c->next = NULL;
	c->len = framing->preamble_len;
	memcpy(c->data, framing->preamble, c->len);
	return put(q, c);
}

int pf_streamq_put(struct pf_streamq *q, const uint8_t *msg, size_t len)
{
	uint8_t head[PF_FRAMING_HEAD_MAX];
	struct pf_chunk *c;
	size_t n;

	if (len > q->framing->message_max)
		return -EMSGSIZE;
	n = q->framing->head(head, len);
	c = malloc(sizeof(*c) + n + len);
	if (!c)
		return -ENOMEM;
	c->next = NULL;
	c->len = n + len;
	memcpy(c->data, head, n);
	if (len)
		memcpy(c->data + n, msg, len);
	return put(q, c);
}

bool pf_streamq_peek(struct pf_streamq *q, const uint8_t **data, size_t *len)
{
	struct pf_chunk *in, **in_tail = NULL;

	pthread_mutex_lock(&q->lock);
	in = q->in;
	if (in) {
		in_tail = q->in_tail;
		q->in = NULL;
		q->in_tail = &q->in;
	}
	pthread_mutex_unlock(&q->lock);
	if (in) {
		*q->tail = in;
		q->tail = in_tail;
		if (!q->unsent)
			q->unsent = in;
	}
	if (!q->unsent)
		return false;
	*data = q->unsent->data + q->unsent_off;
	*len = q->unsent->len - q->unsent_off;
	return true;
}

void pf_streamq_sent(struct pf_streamq *q, size_t n)
{
	assert(q->unsent && n <= q->unsent->len - q->unsent_off);
	q->unsent_off += n;
	if (q->unsent_off == q->unsent->len) {
		q->unsent = q->unsent->next;
		q->unsent_off = 0;
	}
}

void pf_streamq_acked(struct pf_streamq *q, uint64_t n)
{
	size_t freed = 0;

	n += q->acked_off;
	while (q->first && q->first != q->unsent && n >= q->first->len) {
		struct pf_chunk *c = q->first;

		q->first = c->next;
		if (!q->first)
			q->tail = &q->first;
		n -= c->len;
		freed += c->len;
		c->next = NULL;
		free_list(c);
	}
	q->acked_off = (size_t)n;
	pthread_mutex_lock(&q->lock);
	q->bytes -= freed;
	pthread_mutex_unlock(&q->lock);
}

void pf_streamq_close(struct pf_streamq *q)
{
	pthread_mutex_lock(&q->lock);
	q->closed = true;
	pthread_mutex_unlock(&q->lock);
}

void pf_streamq_discard(struct pf_streamq *q)
{
	struct pf_chunk *in;

	pthread_mutex_lock(&q->lock);
	q->closed = true;
	in = q->in;
	q->in = NULL;
	q->in_tail = &q->in;
	q->bytes = 0;
	pthread_mutex_unlock(&q->lock);
	free_list(in);
	free_list(q->first);
	q->first = q->unsent = NULL;
	q->tail = &q->first;
	q->unsent_off = q->acked_off = 0;
}

void pf_dgramq_init(struct pf_dgramq *q)
{
	*q = (struct pf_dgramq){ 0 };
	pthread_mutex_init(&q->lock, NULL);
}

void pf_dgramq_finish(struct pf_dgramq *q)
{
	pthread_mutex_destroy(&q->lock);
}

static void ring_write(struct pf_dgramq *q, const uint8_t *p, uint32_t n)
{
	uint32_t at = (q->head + q->used) % PF_DGRAMQ_BYTES;
	uint32_t first = PF_DGRAMQ_BYTES - at < n ? PF_DGRAMQ_BYTES - at : n;

	memcpy(q->ring + at, p, first);
	memcpy(q->ring, p + first, n - first);
	q->used += n;
}

static void ring_read(struct pf_dgramq *q, uint8_t *p, uint32_t n)
{
	uint32_t first = PF_DGRAMQ_BYTES - q->head < n ? PF_DGRAMQ_BYTES - q->head : n;

	if (p) {
		memcpy(p, q->ring + q->head, first);
		memcpy(p + first, q->ring, n - first);
	}
	q->head = (q->head + n) % PF_DGRAMQ_BYTES;
	q->used -= n;
}

static uint32_t ring_read_len(struct pf_dgramq *q)
{
	uint8_t hdr[2];

	ring_read(q, hdr, sizeof(hdr));
	return (uint32_t)hdr[0] | (uint32_t)hdr[1] << 8;
}

int pf_dgramq_put(struct pf_dgramq *q, const uint8_t *data, size_t len)
{
	uint8_t hdr[2] = { (uint8_t)len, (uint8_t)(len >> 8) };
	int err = 0;

	if (!len || len > PF_DGRAM_MAX_LEN)
		return -EMSGSIZE;
	pthread_mutex_lock(&q->lock);
	if (q->closed) {
		err = -EPIPE;
	} else {
		while (PF_DGRAMQ_BYTES - q->used < sizeof(hdr) + len) {
			ring_read(q, NULL, ring_read_len(q));
			q->dropped++;
		}
		ring_write(q, hdr, sizeof(hdr));
		ring_write(q, data, (uint32_t)len);
	}
	pthread_mutex_unlock(&q->lock);
	return err;
}

size_t pf_dgramq_take(struct pf_dgramq *q, uint8_t out[PF_DGRAM_MAX_LEN])
{
	uint32_t len = 0;

	pthread_mutex_lock(&q->lock);
	if (q->used) {
		len = ring_read_len(q);
		ring_read(q, out, len);
	}
	pthread_mutex_unlock(&q->lock);
	return len;
}

uint64_t pf_dgramq_dropped(struct pf_dgramq *q)
{
	uint64_t n;

	pthread_mutex_lock(&q->lock);
	n = q->dropped;
	pthread_mutex_unlock(&q->lock);
	return n;
}

void pf_dgramq_close(struct pf_dgramq *q)
{
	pthread_mutex_lock(&q->lock);
	q->closed = true;
	pthread_mutex_unlock(&q->lock);
}
