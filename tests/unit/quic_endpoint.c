/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "core/crypto/identity.h"
#include "core/quic/endpoint.h"
#include "core/quic/sendq.h"

/* Patience of a wait: only a hang uses it up. */
#define PATIENCE_MS 20000

/* What one end saw. */
struct seen {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned opened, closed, messages, datagrams, stream_ends, timers, notified;
	struct pf_quic_conn *conn; /* newest opened; a reference */
	struct pf_quic_peer peer;
	struct pf_quic_close why;
	uint8_t last[70000];
	size_t last_len;
	uint64_t bytes;
	/* behaviour */
	bool echo;		/* messages and datagrams go back */
	bool finish;		/* end the stream after the first message's echo */
	bool unsettled;		/* leave clients counted as half-open */
	const char *close_text; /* close with code 0x64 and this on the first message */
};

static void seen_init(struct seen *s)
{
	pthread_condattr_t attr;

	memset(s, 0, sizeof(*s));
	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->changed, &attr);
	pthread_condattr_destroy(&attr);
}

static void seen_finish(struct seen *s)
{
	pf_quic_conn_unref(s->conn);
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->lock);
}

/* Waits until *counter, under the lock, is at least `want`. */
static bool wait_count(struct seen *s, const unsigned *counter, unsigned want)
{
	struct timespec end;
	bool ok;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += PATIENCE_MS / 1000;
	pthread_mutex_lock(&s->lock);
	while (*counter < want)
		if (pthread_cond_timedwait(&s->changed, &s->lock, &end) == ETIMEDOUT)
			break;
	ok = *counter >= want;
	pthread_mutex_unlock(&s->lock);
	return ok;
}

static unsigned count_now(struct seen *s, const unsigned *counter)
{
	unsigned n;

	pthread_mutex_lock(&s->lock);
	n = *counter;
	pthread_mutex_unlock(&s->lock);
	return n;
}

static void bump(struct seen *s, unsigned *counter)
{
	++*counter;
	pthread_cond_broadcast(&s->changed);
}

static void on_opened(void *user, struct pf_quic_conn *c)
{
	struct seen *s = user;

	if (!s->unsettled)
		pf_quic_conn_settle(c);
	pthread_mutex_lock(&s->lock);
	pf_quic_conn_unref(s->conn);
	s->conn = pf_quic_conn_ref(c);
	s->peer = *pf_quic_conn_peer(c);
	bump(s, &s->opened);
	pthread_mutex_unlock(&s->lock);
}

static void on_message(void *user, struct pf_quic_conn *c, const uint8_t *msg, size_t len)
{
	struct seen *s = user;

	pthread_mutex_lock(&s->lock);
	memcpy(s->last, msg, len);
	s->last_len = len;
	s->bytes += len;
	bump(s, &s->messages);
	pthread_mutex_unlock(&s->lock);
	if (s->echo)
		pf_quic_conn_send(c, msg, len);
	if (s->finish)
		pf_quic_conn_finish(c);
	if (s->close_text)
		pf_quic_conn_close(c, 0x64, s->close_text);
}

static void on_datagram(void *user, struct pf_quic_conn *c, const uint8_t *data, size_t len)
{
	struct seen *s = user;

	pthread_mutex_lock(&s->lock);
	memcpy(s->last, data, len);
	s->last_len = len;
	bump(s, &s->datagrams);
	pthread_mutex_unlock(&s->lock);
	if (s->echo)
		pf_quic_conn_datagram(c, data, len);
}

static void on_stream_end(void *user, struct pf_quic_conn *c)
{
	struct seen *s = user;

	pthread_mutex_lock(&s->lock);
	bump(s, &s->stream_ends);
	pthread_mutex_unlock(&s->lock);
}

static void on_timer(void *user, struct pf_quic_conn *c)
{
	struct seen *s = user;

	pthread_mutex_lock(&s->lock);
	bump(s, &s->timers);
	pthread_mutex_unlock(&s->lock);
}

static void on_notified(void *user, struct pf_quic_conn *c)
{
	struct seen *s = user;

	pf_quic_conn_set_timer(c, pf_clock_mono_ns() + PF_NS_PER_MS);
	pthread_mutex_lock(&s->lock);
	bump(s, &s->notified);
	pthread_mutex_unlock(&s->lock);
}

static void on_closed(void *user, struct pf_quic_conn *c, const struct pf_quic_close *why)
{
	struct seen *s = user;

	pthread_mutex_lock(&s->lock);
	s->why = *why;
	bump(s, &s->closed);
	pthread_mutex_unlock(&s->lock);
}

static const struct pf_quic_events events = {
	.opened = on_opened,
	.message = on_message,
	.stream_end = on_stream_end,
	.datagram = on_datagram,
	.timer = on_timer,
	.notified = on_notified,
	.closed = on_closed,
};

static struct pf_identity *host_id, *client_id;

struct pair {
	struct seen host, client;
	struct pf_quic *hq, *cq;
	struct pf_quic_params hp, cp;
};

static void loopback(struct sockaddr_storage *out, socklen_t *len, uint16_t port)
{
	struct sockaddr_in *in4 = (struct sockaddr_in *)out;

	memset(out, 0, sizeof(*out));
	in4->sin_family = AF_INET;
	in4->sin_port = htons(port);
	in4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	*len = sizeof(*in4);
}

static void pair_init(struct pair *p)
{
	memset(p, 0, sizeof(*p));
	seen_init(&p->host);
	seen_init(&p->client);
	p->hp = (struct pf_quic_params){ .identity = host_id,
		.events = &events,
		.user = &p->host,
		.bind_address = "127.0.0.1" };
	p->cp = (struct pf_quic_params){
		.identity = client_id, .events = &events, .user = &p->client
	};
}

static void pair_listen(struct pair *p)
{
	struct pf_reason why;

	assert_int_equal(pf_quic_listen(&p->hq, &p->hp, &why), 0);
	loopback(&p->cp.remote, &p->cp.remote_len, pf_quic_port(p->hq));
}

static void pair_dial(struct pair *p)
{
	struct pf_reason why;

	assert_int_equal(pf_quic_dial(&p->cq, &p->cp, &why), 0);
}

static void pair_open(struct pair *p)
{
	pair_listen(p);
	pair_dial(p);
	assert_true(wait_count(&p->client, &p->client.opened, 1));
	assert_true(wait_count(&p->host, &p->host.opened, 1));
}

static void pair_finish(struct pair *p)
{
	pf_quic_destroy(p->cq);
	pf_quic_destroy(p->hq);
	seen_finish(&p->client);
	seen_finish(&p->host);
}

/* ---- who is who ---- */

static void both_ends_learn_the_fingerprint(void **state)
{
	uint8_t host_fp[32], client_fp[32];
	struct pair p;

	pf_identity_fingerprint(host_id, host_fp);
	pf_identity_fingerprint(client_id, client_fp);
	pair_init(&p);
	p.cp.pin = host_fp;
	pair_open(&p);
	assert_true(p.host.peer.has_certificate);
	assert_memory_equal(p.host.peer.fingerprint, client_fp, 32);
	assert_true(p.client.peer.has_certificate);
	assert_memory_equal(p.client.peer.fingerprint, host_fp, 32);
	assert_int_equal(
		((struct sockaddr_in *)&p.host.peer.addr)->sin_addr.s_addr, htonl(INADDR_LOOPBACK));
	pair_finish(&p);
}

static void a_client_needs_no_certificate(void **state)
{
	uint8_t host_fp[32];
	struct pair p;

	pf_identity_fingerprint(host_id, host_fp);
	pair_init(&p);
	p.cp.identity = NULL;
	pair_open(&p);
	assert_false(p.host.peer.has_certificate);
	/* No pin: any host is taken, and reported. */
	assert_memory_equal(p.client.peer.fingerprint, host_fp, 32);
	pair_finish(&p);
}

static void a_wrong_pin_is_refused(void **state)
{
	uint8_t pin[32];
	struct pair p;

	pf_identity_fingerprint(client_id, pin);
	pair_init(&p);
	p.cp.pin = pin;
	pair_listen(&p);
	pair_dial(&p);
	assert_true(wait_count(&p.client, &p.client.closed, 1));
	assert_int_equal(p.client.opened, 0);
	assert_int_equal(p.client.why.err, -EACCES);
	assert_non_null(strstr(p.client.why.text, "certificate"));
	pair_finish(&p);
	assert_int_equal(p.host.opened, 0);
}

static void another_protocol_is_refused(void **state)
{
	struct pair p;

	pair_init(&p);
	p.cp.alpn = "h3";
	pair_listen(&p);
	pair_dial(&p);
	assert_true(wait_count(&p.client, &p.client.closed, 1));
	assert_int_equal(p.client.opened, 0);
	assert_int_equal(p.client.why.err, -EPROTO);
	assert_non_null(strstr(p.client.why.text, "punktfunk/1"));
	pair_finish(&p);
	assert_int_equal(p.host.opened, 0);
}

/* ---- data ---- */

static void messages_of_every_size_come_back(void **state)
{
	static const size_t sizes[] = { 1, 0, 100, 1400, 5000, 65535, 2 };
	static uint8_t buf[65535];
	struct pair p;

	for (size_t i = 0; i < sizeof(buf); i++)
		buf[i] = (uint8_t)(i * 7 + i / 256);
	pair_init(&p);
	p.host.echo = true;
	pair_open(&p);
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		assert_int_equal(pf_quic_conn_send(p.client.conn, buf, sizes[i]), 0);
		assert_true(wait_count(&p.client, &p.client.messages, i + 1));
		assert_int_equal(p.client.last_len, sizes[i]);
		assert_memory_equal(p.client.last, buf, sizes[i]);
	}
	pair_finish(&p);
}

static void a_finished_stream_ends_after_its_data(void **state)
{
	static const uint8_t buf[30000] = { 1, 2, 3 };
	struct pair p;

	pair_init(&p);
	p.host.echo = p.host.finish = true;
	pair_open(&p);
	assert_int_equal(pf_quic_conn_send(p.client.conn, buf, sizeof(buf)), 0);
	assert_true(wait_count(&p.client, &p.client.stream_ends, 1));
	assert_int_equal(p.client.messages, 1);
	assert_int_equal(p.client.last_len, sizeof(buf));
	assert_int_equal(pf_quic_conn_send(p.host.conn, buf, 1), -EPIPE);
	/* The other direction still works. */
	assert_int_equal(pf_quic_conn_send(p.client.conn, buf, 5), 0);
	assert_true(wait_count(&p.host, &p.host.messages, 2));
	pair_finish(&p);
}

/* More than the flow-control window, in one go. */
static void a_burst_of_messages_arrives(void **state)
{
	static uint8_t buf[60000];
	struct pair p;

	pair_init(&p);
	pair_open(&p);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(pf_quic_conn_send(p.client.conn, buf, sizeof(buf)), 0);
	assert_true(wait_count(&p.host, &p.host.messages, 8));
	assert_int_equal(p.host.bytes, 8 * sizeof(buf));
	/* All acknowledged in the end: the queue is empty again. */
	for (unsigned i = 0; i < 8; i++) {
		int err;

		for (unsigned tries = 0; tries < 2000; tries++) {
			err = pf_quic_conn_send(p.client.conn, buf, sizeof(buf));
			if (err != -EAGAIN)
				break;
			usleep(1000);
		}
		assert_int_equal(err, 0);
	}
	assert_true(wait_count(&p.host, &p.host.messages, 16));
	pair_finish(&p);
}

static void datagrams_go_both_ways(void **state)
{
	uint8_t buf[PF_DGRAM_MAX_LEN + 1];
	struct pair p;

	memset(buf, 0xc8, sizeof(buf));
	pair_init(&p);
	p.host.echo = true;
	pair_open(&p);
	for (unsigned i = 0; i < 20; i++) {
		assert_int_equal(pf_quic_conn_datagram(p.client.conn, buf, 18 + i), 0);
		assert_true(wait_count(&p.client, &p.client.datagrams, i + 1));
		assert_int_equal(p.client.last_len, 18 + i);
		assert_memory_equal(p.client.last, buf, 18 + i);
	}
	/* The largest that every path takes at once (libraries.md 2). */
	assert_int_equal(pf_quic_conn_datagram(p.client.conn, buf, 1150), 0);
	assert_true(wait_count(&p.client, &p.client.datagrams, 21));
	assert_int_equal(pf_quic_conn_datagram(p.client.conn, buf, sizeof(buf)), -EMSGSIZE);
	pair_finish(&p);
}

/* Path MTU discovery finds out that loopback carries full-size packets. */
static void large_datagrams_pass_in_time(void **state)
{
	uint8_t buf[1380] = { 0xc9 };
	unsigned tries = 0;
	struct pair p;

	pair_init(&p);
	pair_open(&p);
	while (!count_now(&p.host, &p.host.datagrams) && ++tries < PATIENCE_MS / 20) {
		assert_int_equal(pf_quic_conn_datagram(p.client.conn, buf, sizeof(buf)), 0);
		usleep(20 * 1000);
	}
	assert_int_not_equal(count_now(&p.host, &p.host.datagrams), 0);
	/* Those before were counted, not queued for ever; some that arrive may still be
	 * on their way. */
	for (unsigned i = 0; i < PATIENCE_MS / 20; i++) {
		if (count_now(&p.host, &p.host.datagrams) + pf_quic_conn_dropped(p.client.conn) ==
			tries)
			break;
		usleep(20 * 1000);
	}
	assert_int_equal(
		count_now(&p.host, &p.host.datagrams) + pf_quic_conn_dropped(p.client.conn), tries);
	print_message("# after %u tries\n", tries);
	pair_finish(&p);
}

/* Median of a datagram's way there and back, woken from other threads. */
static void a_datagram_is_quick(void **state)
{
	uint64_t worst = 0, sum = 0;
	uint8_t buf[18] = { 0xc8 };
	struct pair p;

	pair_init(&p);
	p.host.echo = true;
	pair_open(&p);
	for (unsigned i = 0; i < 50; i++) {
		uint64_t t = pf_clock_mono_ns();

		assert_int_equal(pf_quic_conn_datagram(p.client.conn, buf, sizeof(buf)), 0);
		assert_true(wait_count(&p.client, &p.client.datagrams, i + 1));
		t = pf_clock_mono_ns() - t;
		sum += t;
		worst = t > worst ? t : worst;
	}
	print_message("# round trip: mean %llu us, worst %llu us\n",
		(unsigned long long)(sum / 50 / 1000), (unsigned long long)(worst / 1000));
	/* A timer in the way would cost its period each time. */
	assert_true(sum / 50 < 20 * PF_NS_PER_MS);
	pair_finish(&p);
}

static void notify_and_timer_come_on_the_thread(void **state)
{
	struct pair p;

	pair_init(&p);
	pair_open(&p);
	pf_quic_conn_notify(p.host.conn);
	assert_true(wait_count(&p.host, &p.host.notified, 1));
	assert_true(wait_count(&p.host, &p.host.timers, 1));
	pair_finish(&p);
}

/* ---- ends ---- */

static void the_close_code_and_text_arrive(void **state)
{
	struct pair p;

	pair_init(&p);
	p.host.close_text = "not today";
	pair_open(&p);
	assert_int_equal(pf_quic_conn_send(p.client.conn, (const uint8_t *)"hello", 5), 0);
	assert_true(wait_count(&p.client, &p.client.closed, 1));
	assert_true(wait_count(&p.host, &p.host.closed, 1));
	assert_int_equal(p.client.why.code, 0x64);
	assert_false(p.client.why.local);
	assert_int_equal(p.client.why.err, 0);
	assert_string_equal(p.client.why.text, "not today");
	assert_true(p.host.why.local);
	assert_int_equal(p.host.why.code, 0x64);
	/* Handles outlive it, but take nothing. */
	assert_int_equal(pf_quic_conn_send(p.client.conn, (const uint8_t *)"x", 1), -EPIPE);
	assert_int_equal(pf_quic_conn_datagram(p.client.conn, (const uint8_t *)"x", 1), -EPIPE);
	pf_quic_conn_close(p.client.conn, 1, NULL);
	pf_quic_conn_notify(p.client.conn);
	pair_finish(&p);
}

static void a_long_reason_is_cut_at_a_character(void **state)
{
	char text[600];
	struct pair p;

	for (unsigned i = 0; i < sizeof(text) - 1; i++)
		text[i] = "\xc3\xa4"[(i + 1) % 2]; /* a umlaut, shifted by one */
	text[0] = 'x';
	text[sizeof(text) - 1] = 0;
	pair_init(&p);
	p.host.close_text = text;
	pair_open(&p);
	assert_int_equal(pf_quic_conn_send(p.client.conn, (const uint8_t *)"hello", 5), 0);
	assert_true(wait_count(&p.client, &p.client.closed, 1));
	assert_int_equal(strlen(p.client.why.text), 255);
	assert_memory_equal(p.client.why.text, text, 255);
	pair_finish(&p);
}

static void destroy_tells_the_other_end(void **state)
{
	struct pair p;

	pair_init(&p);
	pair_open(&p);
	pf_quic_destroy(p.hq);
	p.hq = NULL;
	assert_int_equal(p.host.closed, 1);
	assert_true(wait_count(&p.client, &p.client.closed, 1));
	assert_int_equal(p.client.why.code, 0);
	assert_int_equal(p.client.why.err, 0);
	assert_false(p.client.why.local);
	pair_finish(&p);
}

static void nobody_there_is_told_at_once(void **state)
{
	struct sockaddr_storage addr;
	socklen_t len;
	struct pair p;
	int fd;

	/* A port that was free a moment ago. */
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	loopback(&addr, &len, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
	close(fd);
	pair_init(&p);
	p.cp.remote = addr;
	p.cp.remote_len = len;
	pair_dial(&p);
	assert_true(wait_count(&p.client, &p.client.closed, 1));
	assert_int_equal(p.client.why.err, -ECONNREFUSED);
	pair_finish(&p);
}

static void silence_ends_a_handshake(void **state)
{
	struct pair p;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	pair_init(&p);
	loopback(&p.cp.remote, &p.cp.remote_len, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&p.cp.remote, p.cp.remote_len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&p.cp.remote, &p.cp.remote_len), 0);
	p.cp.handshake_ms = 300;
	pair_dial(&p);
	assert_true(wait_count(&p.client, &p.client.closed, 1));
	assert_int_equal(p.client.why.err, -ETIMEDOUT);
	assert_int_equal(p.client.why.code, PF_QUIC_CODE_LOST);
	pair_finish(&p);
	close(fd);
}

/* A forwarder that can go deaf: the peers then hear nothing, not even a close. */
struct relay {
	int in, out; /* towards the client, towards the host */
	pthread_t thread;
	_Atomic bool deaf, stop;
	struct sockaddr_storage client;
	socklen_t client_len;
};

static void *relay_loop(void *arg)
{
	struct relay *r = arg;
	uint8_t buf[2048];

	while (!r->stop) {
		ssize_t n;

		n = recvfrom(r->in, buf, sizeof(buf), MSG_DONTWAIT, (struct sockaddr *)&r->client,
			(r->client_len = sizeof(r->client), &r->client_len));
		if (n > 0 && !r->deaf)
			send(r->out, buf, (size_t)n, 0);
		n = recv(r->out, buf, sizeof(buf), MSG_DONTWAIT);
		if (n > 0 && !r->deaf)
			sendto(r->in, buf, (size_t)n, 0, (struct sockaddr *)&r->client,
				sizeof(struct sockaddr_in));
		usleep(500);
	}
	return NULL;
}

static void relay_start(struct relay *r, struct pair *p)
{
	struct sockaddr_storage host = p->cp.remote;

	memset(r, 0, sizeof(*r));
	r->in = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	r->out = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	loopback(&p->cp.remote, &p->cp.remote_len, 0);
	assert_int_equal(bind(r->in, (struct sockaddr *)&p->cp.remote, p->cp.remote_len), 0);
	assert_int_equal(
		getsockname(r->in, (struct sockaddr *)&p->cp.remote, &p->cp.remote_len), 0);
	assert_int_equal(connect(r->out, (struct sockaddr *)&host, sizeof(struct sockaddr_in)), 0);
	assert_int_equal(pthread_create(&r->thread, NULL, relay_loop, r), 0);
}

static void relay_stop(struct relay *r)
{
	r->stop = true;
	pthread_join(r->thread, NULL);
	close(r->in);
	close(r->out);
}

static void silence_ends_a_connection(void **state)
{
	struct relay r;
	struct pair p;

	pair_init(&p);
	/* The shorter one counts for both. */
	p.hp.idle_ms = 1000;
	pair_listen(&p);
	relay_start(&r, &p);
	pair_dial(&p);
	assert_true(wait_count(&p.host, &p.host.opened, 1));
	/* Keep-alive holds an idle connection. */
	usleep(2500 * 1000);
	assert_int_equal(count_now(&p.host, &p.host.closed), 0);
	assert_int_equal(count_now(&p.client, &p.client.closed), 0);
	r.deaf = true;
	assert_true(wait_count(&p.host, &p.host.closed, 1));
	assert_true(wait_count(&p.client, &p.client.closed, 1));
	assert_int_equal(p.host.why.code, PF_QUIC_CODE_LOST);
	assert_int_equal(p.host.why.err, -ETIMEDOUT);
	assert_int_equal(p.client.why.code, PF_QUIC_CODE_LOST);
	pair_finish(&p);
	relay_stop(&r);
}

/* The close frame's first copies are lost; a later one still tells the peer,
 * long before its idle time-out. */
static void a_lost_close_frame_is_repeated(void **state)
{
	struct relay r;
	struct pair p;

	pair_init(&p);
	pair_listen(&p);
	relay_start(&r, &p);
	pair_dial(&p);
	assert_true(wait_count(&p.host, &p.host.opened, 1));
	assert_true(wait_count(&p.client, &p.client.opened, 1));
	r.deaf = true;
	pf_quic_conn_close(p.host.conn, 0x52, "gone");
	assert_true(wait_count(&p.host, &p.host.closed, 1));
	usleep(30 * 1000);
	r.deaf = false;
	assert_true(wait_count(&p.client, &p.client.closed, 1));
	assert_int_equal(p.client.why.code, 0x52);
	assert_string_equal(p.client.why.text, "gone");
	pair_finish(&p);
	relay_stop(&r);
}

/* A window full of lost datagrams, and nothing else under way: both ends find out and
 * go on. */
static void lost_datagrams_do_not_block(void **state)
{
	uint8_t buf[1000] = { 0xc9 };
	struct relay r;
	struct pair p;
	unsigned before[2];

	pair_init(&p);
	pair_listen(&p);
	relay_start(&r, &p);
	pair_dial(&p);
	assert_true(wait_count(&p.host, &p.host.opened, 1));
	assert_true(wait_count(&p.client, &p.client.opened, 1));
	assert_int_equal(pf_quic_conn_send(p.client.conn, (const uint8_t *)"hello", 5), 0);
	assert_true(wait_count(&p.host, &p.host.messages, 1));
	usleep(200 * 1000);
	r.deaf = true;
	for (unsigned i = 0; i < 60; i++) {
		assert_int_equal(pf_quic_conn_datagram(p.host.conn, buf, sizeof(buf)), 0);
		assert_int_equal(pf_quic_conn_datagram(p.client.conn, buf, sizeof(buf)), 0);
		usleep(2000);
	}
	r.deaf = false;
	before[0] = count_now(&p.host, &p.host.datagrams);
	before[1] = count_now(&p.client, &p.client.datagrams);
	for (unsigned i = 0; i < 150; i++) {
		(void)pf_quic_conn_datagram(p.host.conn, buf, sizeof(buf));
		(void)pf_quic_conn_datagram(p.client.conn, buf, sizeof(buf));
		usleep(20000);
		if (count_now(&p.host, &p.host.datagrams) > before[0] + 10 &&
			count_now(&p.client, &p.client.datagrams) > before[1] + 10)
			break;
	}
	assert_true(count_now(&p.host, &p.host.datagrams) > before[0] + 10);
	assert_true(count_now(&p.client, &p.client.datagrams) > before[1] + 10);
	assert_int_equal(pf_quic_conn_send(p.host.conn, (const uint8_t *)"still", 5), 0);
	assert_true(wait_count(&p.client, &p.client.messages, 1));
	pair_finish(&p);
	relay_stop(&r);
}

/* A host that comes back on its port with its identity resets what it forgot. */
static void a_restarted_host_resets(void **state)
{
	struct pf_quic_stats stats;
	struct pf_reason why;
	struct relay r;
	struct pair p;

	pair_init(&p);
	pair_listen(&p);
	relay_start(&r, &p);
	pair_dial(&p);
	assert_true(wait_count(&p.client, &p.client.opened, 1));
	assert_true(wait_count(&p.host, &p.host.opened, 1));
	r.deaf = true;
	p.hp.port = pf_quic_port(p.hq);
	pf_quic_destroy(p.hq);
	assert_int_equal(pf_quic_listen(&p.hq, &p.hp, &why), 0);
	r.deaf = false;
	assert_int_equal(pf_quic_conn_send(p.client.conn, (const uint8_t *)"there?", 6), 0);
	assert_true(wait_count(&p.client, &p.client.closed, 1));
	assert_int_equal(p.client.why.code, PF_QUIC_CODE_LOST);
	assert_int_equal(p.client.why.err, -ECONNRESET);
	pf_quic_stats(p.hq, &stats);
	assert_true(stats.resets >= 1);
	pair_finish(&p);
	relay_stop(&r);
}

/* ---- odd first packets ---- */

/* The first packet of a fresh client, caught before it reaches a host. */
static size_t first_packet(struct pair *p, uint8_t *buf, size_t cap)
{
	struct pf_quic_params cp = p->cp;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct pf_reason why;
	struct pf_quic *q;
	ssize_t n;

	loopback(&cp.remote, &cp.remote_len, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&cp.remote, cp.remote_len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&cp.remote, &cp.remote_len), 0);
	cp.events = NULL;
	assert_int_equal(pf_quic_dial(&q, &cp, &why), 0);
	n = recv(fd, buf, cap, 0);
	assert_true(n >= 1200);
	pf_quic_destroy(q);
	close(fd);
	return (size_t)n;
}

static void another_version_is_told_ours(void **state)
{
	uint8_t pkt[1200] = { 0xc0, 0x1a, 0x2a, 0x3a, 0x4a, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0 };
	uint8_t buf[200];
	struct pair p;
	ssize_t n;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	pair_init(&p);
	pair_listen(&p);
	assert_int_equal(connect(fd, (struct sockaddr *)&p.cp.remote, p.cp.remote_len), 0);
	/* A short one gets nothing: the answer must not be the larger of the two. */
	assert_int_equal(send(fd, pkt, 600, 0), 600);
	assert_int_equal(send(fd, pkt, sizeof(pkt), 0), sizeof(pkt));
	n = recv(fd, buf, sizeof(buf), 0);
	assert_true(n >= 7 + 8 + 4);
	assert_int_equal(buf[1] | buf[2] | buf[3] | buf[4], 0);
	assert_memory_equal(buf + n - 4, "\0\0\0\1", 4);
	assert_int_equal(recv(fd, buf, sizeof(buf), MSG_DONTWAIT), -1);
	close(fd);
	pair_finish(&p);
}

/* Noise, and first packets with a few bytes changed. */
static void garbage_does_no_harm(void **state)
{
	uint8_t first[2048], pkt[2048];
	uint32_t seed = 7;
	struct pair p;
	size_t len;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	pair_init(&p);
	p.hp.handshake_ms = 300;
	pair_listen(&p);
	assert_int_equal(connect(fd, (struct sockaddr *)&p.cp.remote, p.cp.remote_len), 0);
	len = first_packet(&p, first, sizeof(first));
	for (unsigned i = 0; i < 3000; i++) {
		size_t n = i % 2 ? len : 1 + i * 37 % 1500;

		memcpy(pkt, first, len);
		for (size_t j = 0; j < (i % 2 ? 1 + i % 7 : n); j++) {
			seed = seed * 1664525u + 1013904223u;
			pkt[i % 2 ? (seed >> 8) % len : j] = (uint8_t)(seed >> 24);
		}
		/* An error is an ICMP answer that cannot be: the socket is there. */
		assert_int_equal(send(fd, pkt, n, 0), n);
		if (i % 64 == 0)
			usleep(1000);
	}
	close(fd);
	/* The same host still serves, once the half-open places are free again. */
	pair_dial(&p);
	assert_true(wait_count(&p.client, &p.client.opened, 1));
	assert_true(wait_count(&p.host, &p.host.opened, 1));
	pair_finish(&p);
}

/* ---- many ---- */

static void twenty_clients_at_once(void **state)
{
	enum { N = 20 };
	static struct seen clients[N];
	struct pf_quic *q[N];
	struct pair p;

	pair_init(&p);
	p.host.echo = true;
	pair_listen(&p);
	/* More than the eight that one address may have half-open: the rest of them
	 * get in as the first ones finish. */
	for (unsigned i = 0; i < N; i++) {
		struct pf_reason why;

		seen_init(&clients[i]);
		p.cp.user = &clients[i];
		assert_int_equal(pf_quic_dial(&q[i], &p.cp, &why), 0);
	}
	for (unsigned i = 0; i < N; i++) {
		assert_true(wait_count(&clients[i], &clients[i].opened, 1));
		assert_int_equal(
			pf_quic_conn_send(clients[i].conn, (const uint8_t *)&i, sizeof(i)), 0);
	}
	for (unsigned i = 0; i < N; i++) {
		assert_true(wait_count(&clients[i], &clients[i].messages, 1));
		assert_memory_equal(clients[i].last, &i, sizeof(i));
	}
	for (unsigned i = 0; i < N; i++) {
		pf_quic_destroy(q[i]);
		seen_finish(&clients[i]);
	}
	assert_true(wait_count(&p.host, &p.host.closed, N));
	pair_finish(&p);
}

static int socket_from(unsigned last_byte)
{
	struct sockaddr_in in4 = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(0x7f000000 + last_byte) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&in4, sizeof(in4)), 0);
	return fd;
}

static void wait_taken(struct pair *p, uint64_t want)
{
	struct pf_quic_stats stats;

	for (unsigned tries = 0; tries < PATIENCE_MS; tries++) {
		pf_quic_stats(p->hq, &stats);
		if (stats.accepted + stats.refused + stats.retries >= want)
			return;
		usleep(1000);
	}
	fail();
}

/* Clients that send their first packet and never go on: four per address stay, and
 * beyond, or from 32 on, a newcomer must prove that its address is real. */
static void half_open_handshakes_are_limited(void **state)
{
	enum { PER_ADDR = PF_QUIC_HALF_OPEN_PER_ADDR / 2, ADDRS = 8, EXTRA = 3 };
	struct pf_quic_stats stats;
	uint8_t pkt[2048];
	struct pair p;
	unsigned sent = 0;
	ssize_t n;
	int fd;

	pair_init(&p);
	p.hp.handshake_ms = PATIENCE_MS;
	pair_listen(&p);
	for (unsigned a = 0; a < ADDRS; a++) {
		fd = socket_from(10 + a);
		for (unsigned i = 0; i < PER_ADDR + (a ? 0 : EXTRA); i++) {
			size_t len = first_packet(&p, pkt, sizeof(pkt));

			assert_int_equal(sendto(fd, pkt, len, 0, (struct sockaddr *)&p.cp.remote,
						 p.cp.remote_len),
				len);
			wait_taken(&p, ++sent);
		}
		close(fd);
	}
	pf_quic_stats(p.hq, &stats);
	assert_int_equal(stats.accepted, ADDRS * PER_ADDR);
	assert_int_equal(stats.retries, EXTRA);
	assert_int_equal(stats.refused, 0);

	/* A newcomer is sent a Retry ... */
	fd = socket_from(20);
	n = (ssize_t)first_packet(&p, pkt, sizeof(pkt));
	assert_int_equal(
		sendto(fd, pkt, (size_t)n, 0, (struct sockaddr *)&p.cp.remote, p.cp.remote_len), n);
	n = recv(fd, pkt, sizeof(pkt), 0);
	assert_true(n > 0 && n < 400);
	assert_int_equal(pkt[0] & 0xf0, 0xf0);
	close(fd);
	pf_quic_stats(p.hq, &stats);
	assert_int_equal(stats.accepted, ADDRS * PER_ADDR);

	/* ... and a real one gets in that way. */
	pair_dial(&p);
	assert_true(wait_count(&p.client, &p.client.opened, 1));
	assert_true(wait_count(&p.host, &p.host.opened, 1));
	pair_finish(&p);
}

/* Handshakes done, but not a word: they count as half-open all the same. */
static void clients_that_say_nothing_are_limited(void **state)
{
	enum { N = PF_QUIC_HALF_OPEN_PER_ADDR };
	struct pf_quic_stats stats;
	struct seen extra;
	struct pf_reason why;
	struct pf_quic *q[N + 1];
	struct pair p;

	pair_init(&p);
	p.host.unsettled = true;
	pair_listen(&p);
	seen_init(&extra);
	p.cp.user = &extra;
	for (unsigned i = 0; i < N; i++) {
		assert_int_equal(pf_quic_dial(&q[i], &p.cp, &why), 0);
		assert_true(wait_count(&extra, &extra.opened, i + 1));
		assert_true(wait_count(&p.host, &p.host.opened, i + 1));
	}
	p.cp.handshake_ms = 300;
	assert_int_equal(pf_quic_dial(&q[N], &p.cp, &why), 0);
	assert_true(wait_count(&extra, &extra.closed, 1));
	assert_int_equal(extra.why.err, -ETIMEDOUT);
	pf_quic_stats(p.hq, &stats);
	assert_true(stats.refused >= 1);
	for (unsigned i = 0; i <= N; i++)
		pf_quic_destroy(q[i]);
	seen_finish(&extra);
	pair_finish(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ends_learn_the_fingerprint),
		cmocka_unit_test(a_client_needs_no_certificate),
		cmocka_unit_test(a_wrong_pin_is_refused),
		cmocka_unit_test(another_protocol_is_refused),
		cmocka_unit_test(messages_of_every_size_come_back),
		cmocka_unit_test(a_finished_stream_ends_after_its_data),
		cmocka_unit_test(a_burst_of_messages_arrives),
		cmocka_unit_test(datagrams_go_both_ways),
		cmocka_unit_test(large_datagrams_pass_in_time),
		cmocka_unit_test(a_datagram_is_quick),
		cmocka_unit_test(notify_and_timer_come_on_the_thread),
		cmocka_unit_test(the_close_code_and_text_arrive),
		cmocka_unit_test(a_long_reason_is_cut_at_a_character),
		cmocka_unit_test(destroy_tells_the_other_end),
		cmocka_unit_test(nobody_there_is_told_at_once),
		cmocka_unit_test(silence_ends_a_handshake),
		cmocka_unit_test(silence_ends_a_connection),
		cmocka_unit_test(a_lost_close_frame_is_repeated),
		cmocka_unit_test(lost_datagrams_do_not_block),
		cmocka_unit_test(a_restarted_host_resets),
		cmocka_unit_test(another_version_is_told_ours),
		cmocka_unit_test(garbage_does_no_harm),
		cmocka_unit_test(twenty_clients_at_once),
		cmocka_unit_test(clients_that_say_nothing_are_limited),
		cmocka_unit_test(half_open_handshakes_are_limited),
	};
	int failed;

	if (pf_identity_generate(&host_id, "host", NULL) < 0 ||
		pf_identity_generate(&client_id, "client", NULL) < 0)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	pf_identity_unref(host_id);
	pf_identity_unref(client_id);
	return failed;
}
