/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include "core/base/clock.h"
#include "core/crypto/secret.h"
#include "core/quic/conn.h"

/* What may leave at once after a pause, and how much must be allowed again before
 * the thread wakes for it. */
#define BURST_BYTES (32 * 1024)
#define WAKE_BYTES  (8 * 1024)
#define NOT_TAKEN   0x71 /* nobody knows what to do with such a stream */

struct piece {
	struct piece *next;
	uint8_t *data;
	size_t len;
};

struct pf_quic_stream {
	atomic_uint refs;
	struct pf_quic_conn *conn; /* a reference */
	struct pf_quic_stream *next;
	bool local;
	uint64_t deadline_ns;

	/* under the connection's streams.lock */
	struct piece *in, **in_tail; /* put and not taken over */
	bool in_fin, reset_wanted, ended;
	uint32_t reset_code;

	/* quic thread */
	int64_t id;		     /* -1 = the library does not know it yet */
	struct piece *first, **tail; /* not acknowledged */
	struct piece *unsent;
	size_t unsent_off, acked_off;
	bool fin, fin_sent, blocked, write_dead;
	bool told; /* stream_closed was */
};

/* How many bytes they held. */
static size_t free_pieces(struct piece *p)
{
	size_t freed = 0;

	while (p) {
		struct piece *next = p->next;

		freed += p->len;
		/* A clipboard may hold a password. */
		pf_secret_wipe(p->data, p->len);
		free(p->data);
		free(p);
		p = next;
	}
	return freed;
}

static void release(struct pf_quic_conn *c, size_t bytes)
{
	pthread_mutex_lock(&c->streams.lock);
	c->streams.held -= bytes;
	pthread_mutex_unlock(&c->streams.lock);
}

static struct pf_quic_stream *stream_new(struct pf_quic_conn *c, bool local)
{
	struct pf_quic_stream *st = calloc(1, sizeof(*st));

	if (!st)
		return NULL;
	atomic_init(&st->refs, 1);
	st->conn = pf_quic_conn_ref(c);
	st->local = local;
	st->id = -1;
	st->in_tail = &st->in;
	st->tail = &st->first;
	return st;
}

struct pf_quic_stream *pf_quic_stream_ref(struct pf_quic_stream *st)
{
	atomic_fetch_add_explicit(&st->refs, 1, memory_order_relaxed);
	return st;
}

void pf_quic_stream_unref(struct pf_quic_stream *st)
{
	struct pf_quic_conn *c;

	if (!st || atomic_fetch_sub(&st->refs, 1) != 1)
		return;
	c = st->conn;
	release(c, free_pieces(st->in) + free_pieces(st->first));
	free(st);
	pf_quic_conn_unref(c);
}

void pf_quic_stream_set_deadline(struct pf_quic_stream *st, uint64_t deadline_ns)
{
	st->deadline_ns = deadline_ns;
}

int64_t pf_stream_id(const struct pf_quic_stream *st)
{
	return st->id;
}

/* ---- any thread ---- */

int pf_quic_stream_open(struct pf_quic_stream **out, struct pf_quic_conn *c, uint64_t deadline_ns)
{
	struct pf_quic_stream *st = stream_new(c, true);
	int err = 0;

	if (!st)
		return -ENOMEM;
	pf_quic_stream_set_deadline(st, deadline_ns);
	pthread_mutex_lock(&c->streams.lock);
	if (c->streams.closed) {
		err = -EPIPE;
	} else if (c->streams.local >= PF_QUIC_STREAMS) {
		err = -EAGAIN;
	} else {
		c->streams.local++;
		st->next = c->streams.made;
		c->streams.made = pf_quic_stream_ref(st);
	}
	pthread_mutex_unlock(&c->streams.lock);
	if (err) {
		pf_quic_stream_unref(st);
		return err;
	}
	*out = st;
	pf_conn_poke(c);
	return 0;
}

int pf_quic_stream_send(struct pf_quic_stream *st, uint8_t *data, size_t len, bool fin)
{
	struct piece *p = calloc(1, sizeof(*p));
	int err = 0;

	if (!p) {
		pf_secret_wipe(data, len);
		free(data);
		return -ENOMEM;
	}
	p->data = data;
	p->len = len;
	pthread_mutex_lock(&st->conn->streams.lock);
	if (st->ended || st->in_fin || st->reset_wanted)
		err = -EPIPE;
	else if (len > PF_QUIC_STREAM_BYTES_MAX - st->conn->streams.held)
		err = -ENOBUFS;
	if (!err) {
		st->conn->streams.held += len;
		*st->in_tail = p;
		st->in_tail = &p->next;
		st->in_fin = fin;
	}
	pthread_mutex_unlock(&st->conn->streams.lock);
	if (err) {
		(void)free_pieces(p);
		return err;
	}
	pf_conn_poke(st->conn);
	return 0;
}

void pf_quic_stream_reset(struct pf_quic_stream *st, uint32_t code)
{
	pthread_mutex_lock(&st->conn->streams.lock);
	if (!st->reset_wanted) {
		st->reset_wanted = true;
		st->reset_code = code;
	}
	pthread_mutex_unlock(&st->conn->streams.lock);
	pf_conn_poke(st->conn);
}

/* ---- the connection ---- */

void pf_streams_init(struct pf_quic_streams *s)
{
	pthread_mutex_init(&s->lock, NULL);
}

void pf_streams_finish(struct pf_quic_streams *s)
{
	pthread_mutex_destroy(&s->lock);
}

static struct pf_quic_stream *find(struct pf_quic_conn *c, int64_t id)
{
	struct pf_quic_stream *st = c->streams.first;

	while (st && st->id != id)
		st = st->next;
	return st;
}

static void tell_closed(struct pf_quic_conn *c, struct pf_quic_stream *st, uint64_t code)
{
	if (st->told)
		return;
	st->told = true;
	pthread_mutex_lock(&c->streams.lock);
	st->ended = true;
	pthread_mutex_unlock(&c->streams.lock);
	if (c->q->events.stream_closed)
		c->q->events.stream_closed(c->q->user, c, st, code);
}

static void drop(struct pf_quic_conn *c, struct pf_quic_stream *st)
{
	struct pf_quic_stream **p = &c->streams.first;

	while (*p != st)
		p = &(*p)->next;
	*p = st->next;
	st->next = NULL;
	if (st->local) {
		pthread_mutex_lock(&c->streams.lock);
		c->streams.local--;
		pthread_mutex_unlock(&c->streams.lock);
	}
	pf_quic_stream_unref(st);
}

static void take_over(struct pf_quic_conn *c)
{
	struct pf_quic_streams *s = &c->streams;
	struct pf_quic_stream *made;

	pthread_mutex_lock(&s->lock);
	made = s->made;
	s->made = NULL;
	pthread_mutex_unlock(&s->lock);
	while (made) {
		struct pf_quic_stream *st = made;

		made = st->next;
		st->next = s->first;
		s->first = st;
	}
}

/* True if it was reset by us. */
static bool take_wishes(struct pf_quic_conn *c, struct pf_quic_stream *st, uint32_t *code)
{
	struct piece *in, **in_tail = NULL;
	bool reset;

	pthread_mutex_lock(&c->streams.lock);
	in = st->in;
	if (in) {
		in_tail = st->in_tail;
		st->in = NULL;
		st->in_tail = &st->in;
	}
	st->fin = st->in_fin;
	reset = st->reset_wanted;
	*code = st->reset_code;
	pthread_mutex_unlock(&c->streams.lock);
	if (in) {
		*st->tail = in;
		st->tail = in_tail;
		if (!st->unsent)
			st->unsent = in;
	}
	return reset;
}

/* Ends it both ways; the library tells when it is gone. */
static void shut(struct pf_quic_conn *c, struct pf_quic_stream *st, uint64_t code, uint64_t told)
{
	st->write_dead = true;
	if (st->id >= 0)
		(void)pf_ng_shutdown_stream(c->ng, st->id, code);
	tell_closed(c, st, told);
	if (st->id < 0)
		drop(c, st);
}

void pf_streams_run(struct pf_quic_conn *c, uint64_t now)
{
	struct pf_quic_stream *next;

	take_over(c);
	for (struct pf_quic_stream *st = c->streams.first; st; st = next) {
		uint32_t code;

		next = st->next;
		if (st->told)
			continue;
		if (take_wishes(c, st, &code))
			shut(c, st, code, code);
		else if (st->deadline_ns && now >= st->deadline_ns)
			shut(c, st, PF_QUIC_STREAM_CANCELLED, PF_QUIC_STREAM_LATE);
		/* The client's first stream is control. */
		else if (st->id < 0 && c->state == PF_CONN_OPEN && c->stream_id >= 0)
			(void)ngtcp2_conn_open_bidi_stream(c->ng, &st->id, NULL);
	}
}

uint64_t pf_streams_due(const struct pf_quic_conn *c)
{
	uint64_t due = c->streams.next_ns ? c->streams.next_ns : UINT64_MAX;

	for (const struct pf_quic_stream *st = c->streams.first; st; st = st->next)
		if (!st->told && st->deadline_ns && st->deadline_ns < due)
			due = st->deadline_ns;
	return due;
}

void pf_streams_begin(struct pf_quic_conn *c, uint64_t now)
{
	struct pf_quic_streams *s = &c->streams;
	uint64_t idle = now - s->tokens_ns;
	uint64_t more =
		idle < PF_NS_PER_S ? idle * PF_QUIC_STREAM_BYTES_PER_S / PF_NS_PER_S : BURST_BYTES;

	/* Too little for a byte: keep the time. */
	if (more) {
		s->tokens = s->tokens + more < BURST_BYTES ? s->tokens + more : BURST_BYTES;
		s->tokens_ns = now;
	}
	s->next_ns = 0;
	for (struct pf_quic_stream *st = s->first; st; st = st->next)
		st->blocked = false;
}

struct pf_quic_stream *pf_streams_next(struct pf_quic_conn *c, ngtcp2_vec *vec, bool *fin)
{
	struct pf_quic_streams *s = &c->streams;

	for (struct pf_quic_stream *st = s->first; st; st = st->next) {
		size_t len;

		if (st->id < 0 || st->blocked || st->write_dead || st->fin_sent ||
			(!st->unsent && !st->fin))
			continue;
		if (!s->tokens) {
			s->next_ns = s->tokens_ns +
				     WAKE_BYTES * PF_NS_PER_S / PF_QUIC_STREAM_BYTES_PER_S;
			return NULL;
		}
		len = st->unsent ? st->unsent->len - st->unsent_off : 0;
		*fin = st->fin && (!st->unsent || !st->unsent->next) && len <= s->tokens;
		*vec = (ngtcp2_vec){ st->unsent ? st->unsent->data + st->unsent_off : NULL,
			len < s->tokens ? len : s->tokens };
		return st;
	}
	return NULL;
}

void pf_stream_sent(struct pf_quic_conn *c, struct pf_quic_stream *st, size_t taken, bool fin)
{
	c->streams.tokens -= taken;
	st->unsent_off += taken;
	if (st->unsent && st->unsent_off == st->unsent->len) {
		st->unsent = st->unsent->next;
		st->unsent_off = 0;
	}
	st->fin_sent = fin && !st->unsent;
}

void pf_stream_blocked(struct pf_quic_stream *st, bool for_ever)
{
	st->blocked = true;
	st->write_dead |= for_ever;
}

/* ---- from the library ---- */

void pf_streams_opened(struct pf_quic_conn *c, int64_t id)
{
	struct pf_quic_stream *st = c->q->events.stream_opened && !atomic_load(&c->close_wanted)
					    ? stream_new(c, false)
					    : NULL;

	if (!st) {
		(void)pf_ng_shutdown_stream(c->ng, id, NOT_TAKEN);
		return;
	}
	st->id = id;
	st->next = c->streams.first;
	c->streams.first = st;
	c->q->events.stream_opened(c->q->user, c, st);
}

void pf_streams_data(struct pf_quic_conn *c, int64_t id, const uint8_t *data, size_t len, bool fin)
{
	struct pf_quic_stream *st = find(c, id);

	if (st && !st->told && !atomic_load(&c->close_wanted) && c->q->events.stream_data)
		c->q->events.stream_data(c->q->user, c, st, data, len, fin);
}

void pf_streams_acked(struct pf_quic_conn *c, int64_t id, uint64_t len)
{
	struct pf_quic_stream *st = find(c, id);

	if (!st)
		return;
	len += st->acked_off;
	while (st->first && st->first != st->unsent && len >= st->first->len) {
		struct piece *p = st->first;

		st->first = p->next;
		if (!st->first)
			st->tail = &st->first;
		len -= p->len;
		p->next = NULL;
		release(c, free_pieces(p));
	}
	st->acked_off = (size_t)len;
}

void pf_streams_reset(struct pf_quic_conn *c, int64_t id, uint64_t code)
{
	struct pf_quic_stream *st = find(c, id);

	if (st)
		shut(c, st, code, code ? code : PF_QUIC_STREAM_CANCELLED);
}

void pf_streams_closed(struct pf_quic_conn *c, int64_t id, uint64_t code)
{
	struct pf_quic_stream *st = find(c, id);

	/* The peer may open another one. */
	if (!ngtcp2_conn_is_local_stream(c->ng, id))
		ngtcp2_conn_extend_max_streams_bidi(c->ng, 1);
	if (!st)
		return;
	tell_closed(c, st, code);
	drop(c, st);
}

void pf_streams_lost(struct pf_quic_conn *c)
{
	pthread_mutex_lock(&c->streams.lock);
	c->streams.closed = true;
	pthread_mutex_unlock(&c->streams.lock);
	take_over(c);
	while (c->streams.first) {
		tell_closed(c, c->streams.first, PF_QUIC_CODE_LOST);
		drop(c, c->streams.first);
	}
	c->streams.next_ns = 0;
}
