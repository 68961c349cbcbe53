/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Two endpoints over loopback and the streams beside their control stream. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "core/base/clock.h"
#include "core/crypto/identity.h"
#include "core/quic/endpoint.h"

#define PATIENCE_MS 20000
#define STREAMS	    8

/* What an end saw of one stream. */
struct flow {
	struct pf_quic_stream *st; /* a reference */
	uint64_t bytes, sum, code;
	bool fin, closed;
};

struct end {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct pf_quic_conn *conn;
	struct flow flows[STREAMS];
	unsigned met, opened, closed, fins, messages;
	uint64_t bytes;
	uint64_t deadline_ns; /* for streams of the peer's; 0 = none */
	size_t answer;	      /* bytes that go back once a stream of the peer's ended */
};

static struct pf_identity *host_id;

static void bump(struct end *e, unsigned *counter)
{
	++*counter;
	pthread_cond_broadcast(&e->changed);
}

static bool wait_count(struct end *e, const unsigned *counter, unsigned want)
{
	struct timespec end;
	bool ok;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += PATIENCE_MS / 1000;
	pthread_mutex_lock(&e->lock);
	while (*counter < want)
		if (pthread_cond_timedwait(&e->changed, &e->lock, &end) == ETIMEDOUT)
			break;
	ok = *counter >= want;
	pthread_mutex_unlock(&e->lock);
	return ok;
}

static uint8_t *bulk(size_t len)
{
	uint8_t *p = malloc(len ? len : 1);

	assert_non_null(p);
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(i * 31 + (i >> 9));
	return p;
}

static uint64_t sum_of(uint64_t sum, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum = sum * 31 + p[i];
	return sum;
}

static struct flow *flow_of(struct end *e, struct pf_quic_stream *st)
{
	for (unsigned i = 0; i < STREAMS; i++)
		if (e->flows[i].st == st)
			return &e->flows[i];
	for (unsigned i = 0; i < STREAMS; i++)
		if (!e->flows[i].st) {
			e->flows[i].st = pf_quic_stream_ref(st);
			return &e->flows[i];
		}
	fail();
	return NULL;
}

static void on_opened(void *user, struct pf_quic_conn *c)
{
	struct end *e = user;

	pf_quic_conn_settle(c);
	pthread_mutex_lock(&e->lock);
	e->conn = pf_quic_conn_ref(c);
	bump(e, &e->met);
	pthread_mutex_unlock(&e->lock);
}

static void on_message(void *user, struct pf_quic_conn *c, const uint8_t *msg, size_t len)
{
	struct end *e = user;

	pthread_mutex_lock(&e->lock);
	bump(e, &e->messages);
	pthread_mutex_unlock(&e->lock);
}

static void on_stream(void *user, struct pf_quic_conn *c, struct pf_quic_stream *st)
{
	struct end *e = user;

	pthread_mutex_lock(&e->lock);
	(void)flow_of(e, st);
	pf_quic_stream_set_deadline(st, e->deadline_ns ? pf_clock_mono_ns() + e->deadline_ns : 0);
	bump(e, &e->opened);
	pthread_mutex_unlock(&e->lock);
}

static void on_data(void *user, struct pf_quic_conn *c, struct pf_quic_stream *st,
	const uint8_t *data, size_t len, bool fin)
{
	struct end *e = user;
	struct flow *f;

	pthread_mutex_lock(&e->lock);
	f = flow_of(e, st);
	f->bytes += len;
	f->sum = sum_of(f->sum, data, len);
	e->bytes += len;
	f->fin = fin;
	if (fin)
		bump(e, &e->fins);
	pthread_mutex_unlock(&e->lock);
	if (fin && e->answer)
		assert_int_equal(pf_quic_stream_send(st, bulk(e->answer), e->answer, true), 0);
}

static void on_stream_closed(
	void *user, struct pf_quic_conn *c, struct pf_quic_stream *st, uint64_t code)
{
	struct end *e = user;
	struct flow *f;

	pthread_mutex_lock(&e->lock);
	f = flow_of(e, st);
	f->code = code;
	f->closed = true;
	bump(e, &e->closed);
	pthread_mutex_unlock(&e->lock);
}

static const struct pf_quic_events events = {
	.opened = on_opened,
	.message = on_message,
	.stream_opened = on_stream,
	.stream_data = on_data,
	.stream_closed = on_stream_closed,
};

struct pair {
	struct end host, client;
	struct pf_quic *hq, *cq;
};

static void end_init(struct end *e)
{
	pthread_condattr_t attr;

	memset(e, 0, sizeof(*e));
	pthread_mutex_init(&e->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&e->changed, &attr);
	pthread_condattr_destroy(&attr);
}

static void end_finish(struct end *e)
{
	for (unsigned i = 0; i < STREAMS; i++)
		pf_quic_stream_unref(e->flows[i].st);
	pf_quic_conn_unref(e->conn);
	pthread_cond_destroy(&e->changed);
	pthread_mutex_destroy(&e->lock);
}

static void pair_open(struct pair *p, const struct pf_quic_events *host_events)
{
	struct pf_quic_params hp = { .identity = host_id,
		.events = host_events,
		.user = &p->host,
		.bind_address = "127.0.0.1" };
	struct pf_quic_params cp = { .events = &events, .user = &p->client };
	struct sockaddr_in *to = (struct sockaddr_in *)&cp.remote;

	end_init(&p->host);
	end_init(&p->client);
	assert_int_equal(pf_quic_listen(&p->hq, &hp, NULL), 0);
	to->sin_family = AF_INET;
	to->sin_port = htons(pf_quic_port(p->hq));
	to->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	cp.remote_len = sizeof(*to);
	assert_int_equal(pf_quic_dial(&p->cq, &cp, NULL), 0);
	assert_true(wait_count(&p->client, &p->client.met, 1));
	/* The control stream begins. */
	assert_int_equal(pf_quic_conn_send(p->client.conn, (const uint8_t *)"hello", 5), 0);
	assert_true(wait_count(&p->host, &p->host.messages, 1));
}

static void pair_finish(struct pair *p)
{
	pf_quic_destroy(p->cq);
	pf_quic_destroy(p->hq);
	/* Every stream has its last event by then. */
	for (unsigned i = 0; i < STREAMS; i++) {
		assert_true(!p->host.flows[i].st || p->host.flows[i].closed);
		assert_true(!p->client.flows[i].st || p->client.flows[i].closed);
	}
	end_finish(&p->client);
	end_finish(&p->host);
}

static struct flow *start(struct end *e, size_t len, uint64_t deadline_ns)
{
	struct pf_quic_stream *st;
	struct flow *f;

	assert_int_equal(pf_quic_stream_open(&st, e->conn, deadline_ns), 0);
	pthread_mutex_lock(&e->lock);
	f = flow_of(e, st);
	pthread_mutex_unlock(&e->lock);
	assert_int_equal(pf_quic_stream_send(st, bulk(len), len, true), 0);
	pf_quic_stream_unref(st);
	return f;
}

static void bulk_goes_there_and_back(void **state)
{
	enum { ASK = 100000, ANSWER = 300000 };
	uint8_t *want = bulk(ANSWER);
	struct pair p;
	struct flow *f;

	pair_open(&p, &events);
	p.host.answer = ANSWER;
	f = start(&p.client, ASK, 0);
	assert_true(wait_count(&p.client, &p.client.closed, 1));
	assert_true(wait_count(&p.host, &p.host.closed, 1));
	assert_int_equal(f->bytes, ANSWER);
	assert_int_equal(f->sum, sum_of(0, want, ANSWER));
	assert_int_equal(f->code, 0);
	assert_int_equal(p.host.flows[0].bytes, ASK);
	assert_int_equal(p.host.flows[0].code, 0);
	/* And from the host, who is answered with nothing but an end. */
	p.host.answer = 0;
	p.client.answer = 1;
	f = start(&p.host, 10, 0);
	assert_true(wait_count(&p.host, &p.host.closed, 2));
	assert_int_equal(f->bytes, 1);
	free(want);
	pair_finish(&p);
}

static void no_more_than_four_at_a_time(void **state)
{
	struct pf_quic_stream *st;
	struct pair p;

	pair_open(&p, &events);
	for (unsigned i = 0; i < PF_QUIC_STREAMS; i++)
		start(&p.client, 1, 0);
	assert_int_equal(pf_quic_stream_open(&st, p.client.conn, 0), -EAGAIN);
	assert_true(wait_count(&p.host, &p.host.fins, PF_QUIC_STREAMS));
	/* One that ends makes room for the next. */
	pf_quic_stream_reset(p.host.flows[0].st, 0x70);
	assert_true(wait_count(&p.client, &p.client.closed, 1));
	for (unsigned i = 0; i < PATIENCE_MS; i++) {
		if (!pf_quic_stream_open(&st, p.client.conn, 0))
			break;
		st = NULL;
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	assert_non_null(st);
	assert_int_equal(pf_quic_stream_send(st, bulk(3), 3, true), 0);
	pf_quic_stream_unref(st);
	assert_true(wait_count(&p.host, &p.host.fins, PF_QUIC_STREAMS + 1));
	pair_finish(&p);
}

static void a_reset_says_its_code(void **state)
{
	struct pair p;
	struct flow *f;

	pair_open(&p, &events);
	f = start(&p.client, 10, 0);
	assert_true(wait_count(&p.host, &p.host.fins, 1));
	pf_quic_stream_reset(f->st, 0x70);
	assert_true(wait_count(&p.client, &p.client.closed, 1));
	assert_true(wait_count(&p.host, &p.host.closed, 1));
	assert_int_equal(f->code, 0x70);
	assert_int_equal(p.host.flows[0].code, 0x70);
	assert_int_equal(pf_quic_stream_send(f->st, bulk(1), 1, false), -EPIPE);
	pair_finish(&p);
}

/* Who takes nothing in cannot make the other end hold more by asking again. */
static void what_is_held_is_bounded(void **state)
{
	const size_t half = PF_QUIC_STREAM_BYTES_MAX / 2 + 1;
	struct pf_quic_stream *st;
	struct pair p;

	pair_open(&p, &events);
	(void)start(&p.client, half, 0);
	assert_int_equal(pf_quic_stream_open(&st, p.client.conn, 0), 0);
	assert_int_equal(pf_quic_stream_send(st, bulk(half), half, true), -ENOBUFS);
	assert_int_equal(pf_quic_stream_send(st, bulk(10), 10, true), 0);
	pf_quic_stream_unref(st);
	pair_finish(&p);
}

static void a_deadline_ends_it(void **state)
{
	struct pair p;
	struct flow *f;

	pair_open(&p, &events);
	f = start(&p.client, 10, pf_clock_mono_ns() + 50 * PF_NS_PER_MS);
	assert_true(wait_count(&p.client, &p.client.closed, 1));
	assert_int_equal(f->code, PF_QUIC_STREAM_LATE);
	assert_true(wait_count(&p.host, &p.host.closed, 1));
	assert_int_equal(p.host.flows[0].code, 0x70);
	pair_finish(&p);
}

static void who_wants_none_refuses_them(void **state)
{
	struct pf_quic_events bare = events;
	struct pair p;
	struct flow *f;

	bare.stream_opened = NULL;
	pair_open(&p, &bare);
	f = start(&p.client, 10, 0);
	assert_true(wait_count(&p.client, &p.client.closed, 1));
	assert_int_equal(f->code, 0x71);
	/* The connection goes on. */
	assert_int_equal(pf_quic_conn_send(p.client.conn, (const uint8_t *)"more", 4), 0);
	assert_true(wait_count(&p.host, &p.host.messages, 2));
	pair_finish(&p);
}

/* Bulk keeps to its rate, and a message beside it does not wait for it. */
static void control_passes_bulk(void **state)
{
	enum { BULK = 4 * 1024 * 1024 };
	uint64_t begin, end;
	uint64_t before;
	struct pair p;

	pair_open(&p, &events);
	begin = pf_clock_mono_ns();
	start(&p.client, BULK, 0);
	assert_true(wait_count(&p.host, &p.host.opened, 1));
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(pf_quic_conn_send(p.client.conn, (const uint8_t *)"now", 3), 0);
		assert_true(wait_count(&p.host, &p.host.messages, 2 + i));
	}
	pthread_mutex_lock(&p.host.lock);
	before = p.host.bytes;
	pthread_mutex_unlock(&p.host.lock);
	assert_true(before < BULK);
	assert_true(wait_count(&p.host, &p.host.fins, 1));
	end = pf_clock_mono_ns();
	assert_int_equal(p.host.flows[0].bytes, BULK);
	assert_true((end - begin) > PF_NS_PER_S * 9 / 10 * BULK / PF_QUIC_STREAM_BYTES_PER_S);
	pair_finish(&p);
}

static void the_end_of_the_connection_ends_them(void **state)
{
	struct pair p;

	pair_open(&p, &events);
	start(&p.client, 2000000, 0);
	assert_true(wait_count(&p.host, &p.host.opened, 1));
	pf_quic_conn_close(p.client.conn, 0, NULL);
	assert_true(wait_count(&p.host, &p.host.closed, 1));
	assert_true(wait_count(&p.client, &p.client.closed, 1));
	assert_int_equal(p.host.flows[0].code, PF_QUIC_CODE_LOST);
	assert_false(p.host.flows[0].fin);
	pair_finish(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bulk_goes_there_and_back),
		cmocka_unit_test(no_more_than_four_at_a_time),
		cmocka_unit_test(a_reset_says_its_code),
		cmocka_unit_test(what_is_held_is_bounded),
		cmocka_unit_test(a_deadline_ends_it),
		cmocka_unit_test(who_wants_none_refuses_them),
		cmocka_unit_test(control_passes_bulk),
		cmocka_unit_test(the_end_of_the_connection_ends_them),
	};
	int failed;

	if (pf_identity_generate(&host_id, "host", NULL) < 0)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	pf_identity_unref(host_id);
	return failed;
}
