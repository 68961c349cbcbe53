/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The listener against bare QUIC clients that break the rules, or keep them to
 * the letter. */
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
#include <unistd.h>
#include "core/base/clock.h"
#include "core/crypto/identity.h"
#include "core/quic/endpoint.h"
#include "tests/unit/recorded.h"
#include "tests/unit/session_host.h"

struct raw {
	struct pf_quic *q;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct pf_quic_conn *conn;
	unsigned opened, closed, messages;
	struct pf_quic_close why;
	struct {
		uint8_t data[1024];
		size_t len;
	} got[64];
};

static void raw_bump(struct raw *r, unsigned *counter)
{
	++*counter;
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->lock);
}

static void raw_opened(void *user, struct pf_quic_conn *c)
{
	struct raw *r = user;

	pthread_mutex_lock(&r->lock);
	r->conn = pf_quic_conn_ref(c);
	raw_bump(r, &r->opened);
}

static void raw_message(void *user, struct pf_quic_conn *c, const uint8_t *msg, size_t len)
{
	struct raw *r = user;

	pthread_mutex_lock(&r->lock);
	if (r->messages < 64 && len <= sizeof(r->got[0].data)) {
		memcpy(r->got[r->messages].data, msg, len);
		r->got[r->messages].len = len;
	}
	raw_bump(r, &r->messages);
}

static void raw_closed(void *user, struct pf_quic_conn *c, const struct pf_quic_close *why)
{
	struct raw *r = user;

	pthread_mutex_lock(&r->lock);
	r->why = *why;
	raw_bump(r, &r->closed);
}

static bool raw_wait(struct raw *r, const unsigned *counter, unsigned want, unsigned ms)
{
	uint64_t end = pf_clock_mono_ns() + ms * PF_NS_PER_MS;
	struct timespec ts = { (time_t)(end / PF_NS_PER_S), (long)(end % PF_NS_PER_S) };
	bool ok;

	pthread_mutex_lock(&r->lock);
	while (*counter < want)
		if (pthread_cond_timedwait(&r->changed, &r->lock, &ts) == ETIMEDOUT)
			break;
	ok = *counter >= want;
	pthread_mutex_unlock(&r->lock);
	return ok;
}

static void raw_open(struct raw *r, struct host *h)
{
	static const struct pf_quic_events ev = {
		.opened = raw_opened, .message = raw_message, .closed = raw_closed
	};
	struct pf_quic_params p = { .events = &ev, .user = r };
	struct sockaddr_in *in4 = (struct sockaddr_in *)&p.remote;
	pthread_condattr_t attr;
	struct pf_reason why;

	memset(r, 0, sizeof(*r));
	pthread_mutex_init(&r->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&r->changed, &attr);
	pthread_condattr_destroy(&attr);
	in4->sin_family = AF_INET;
	in4->sin_port = htons(pf_listener_port(h->l));
	in4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	p.remote_len = sizeof(*in4);
	assert_int_equal(pf_quic_dial(&r->q, &p, &why), 0);
	assert_true(raw_wait(r, &r->opened, 1, PATIENCE_MS));
}

static void raw_close(struct raw *r)
{
	pf_quic_destroy(r->q);
	pf_quic_conn_unref(r->conn);
	pthread_cond_destroy(&r->changed);
	pthread_mutex_destroy(&r->lock);
}

static void raw_hello(struct raw *r)
{
	struct pf_hello hello;
	uint8_t buf[512];
	int n;

	pf_hello_init(&hello);
	hello.width = 1280;
	hello.height = 720;
	hello.refresh_hz = 60;
	hello.max_shard_payload = 1201;
	n = pf_hello_build(&hello, buf, sizeof(buf));
	assert_true(n > 0);
	assert_int_equal(pf_quic_conn_send(r->conn, buf, (size_t)n), 0);
}

static void raw_expect_close(struct host *h, const uint8_t *msg, size_t len, uint32_t code)
{
	struct raw r;

	raw_open(&r, h);
	assert_int_equal(pf_quic_conn_send(r.conn, msg, len), 0);
	assert_true(raw_wait(&r, &r.closed, 1, PATIENCE_MS));
	assert_int_equal(r.why.code, code);
	assert_int_not_equal(strlen(r.why.text), 0);
	raw_close(&r);
}

static void bad_first_messages_get_their_codes(void **state)
{
	static const uint8_t garbage[] = "GET / HTTP/1.1";
	static const uint8_t version[] = { 'P', 'K', 'F', '1', 9, 0, 0, 0, 0, 5, 0, 0, 0xd0, 2, 0,
		0, 60, 0, 0, 0 };
	static const uint8_t cut[] = { 'P', 'K', 'F', '1', 2, 0, 0, 0, 0, 5 };
	static const uint8_t pair[] = { 'P', 'K', 'F', 'c', 0x10, 1, 'x', 1, 0, 'A' };
	struct host h;

	host_init(&h);
	host_start(&h);
	raw_expect_close(&h, garbage, sizeof(garbage), PUNKTFUNK_CLOSE_SETUP_FAILED);
	raw_expect_close(&h, (const uint8_t *)"", 0, PUNKTFUNK_CLOSE_SETUP_FAILED);
	raw_expect_close(&h, cut, sizeof(cut), PUNKTFUNK_CLOSE_SETUP_FAILED);
	raw_expect_close(&h, version, sizeof(version), PUNKTFUNK_CLOSE_WIRE_VERSION);
	raw_expect_close(&h, pair, sizeof(pair), PUNKTFUNK_CLOSE_IDENTITY_REQUIRED);
	host_stop(&h);
	assert_int_equal(h.hellos, 0);
}

static void a_probe_is_taken_silently(void **state)
{
	struct host h;
	struct raw r;

	host_init(&h);
	host_start(&h);
	raw_open(&r, &h);
	pf_quic_conn_close(r.conn, 0, NULL);
	raw_close(&r);
	host_stop(&h);
	assert_int_equal(h.hellos, 0);
	assert_int_equal(h.closed, 0);
}

static void a_silent_client_is_dropped_at_each_step(void **state)
{
	static const uint8_t bad_start[] = "PKF?xx";
	struct host h;
	struct raw r[3];

	host_init(&h);
	h.params.step_ms = 300;
	host_start(&h);
	for (unsigned i = 0; i < 3; i++)
		raw_open(&r[i], &h);
	/* The first says nothing, the second stops after Welcome, the third goes wrong. */
	raw_hello(&r[1]);
	raw_hello(&r[2]);
	assert_true(raw_wait(&r[2], &r[2].messages, 1, PATIENCE_MS));
	assert_int_equal(pf_quic_conn_send(r[2].conn, bad_start, 6), 0);
	for (unsigned i = 0; i < 3; i++) {
		assert_true(raw_wait(&r[i], &r[i].closed, 1, PATIENCE_MS));
		assert_int_equal(r[i].why.code, PUNKTFUNK_CLOSE_SETUP_FAILED);
		raw_close(&r[i]);
	}
	host_stop(&h);
	assert_int_equal(h.hellos, 2);
	assert_int_equal(h.started, 0);
}

/* A message between Hello and Welcome ends the connection. */
static void an_early_message_is_refused(void **state)
{
	struct host h;
	struct raw r;

	host_init(&h);
	h.answer = WAIT;
	host_start(&h);
	raw_open(&r, &h);
	raw_hello(&r);
	assert_true(wait_count(&h, &h.hellos, 1));
	raw_hello(&r);
	assert_true(raw_wait(&r, &r.closed, 1, PATIENCE_MS));
	assert_int_equal(r.why.code, PUNKTFUNK_CLOSE_SETUP_FAILED);
	assert_true(wait_count(&h, &h.closed, 1));
	assert_int_equal(pf_host_session_accept(h.sessions[0], &h.accept), -EPIPE);
	raw_close(&r);
	host_stop(&h);
}

static void raw_start(struct raw *r, uint16_t port)
{
	struct pf_start start = { .client_udp_port = port };
	uint8_t buf[16];
	int n = pf_start_build(&start, buf, sizeof(buf));

	assert_true(n > 0);
	assert_int_equal(pf_quic_conn_send(r->conn, buf, (size_t)n), 0);
}

/* The client neither punches nor runs all clock rounds: the host's messages come
 * after its eighth echo or a second, its packets go to the port of Start. */
static void a_client_behind_no_nat_need_not_punch(void **state)
{
	struct sockaddr_in in4 = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct pf_ctl m = { .type = PF_CTL_BITRATE_CHANGED, .bitrate_changed.kbps = 7 };
	struct pf_ctl probe = { .type = PF_CTL_CLOCK_PROBE };
	struct pf_dgram key = { .tag = PF_DGRAM_INPUT, .input = { .kind = 0, .code = 65 } };
	struct pf_frame_stamps t = { 0 };
	struct pf_welcome w;
	struct sockaddr_in from;
	uint8_t buf[2048];
	socklen_t len = sizeof(in4);
	struct host h;
	struct raw r;
	uint64_t before;
	int n;

	assert_int_equal(bind(fd, (struct sockaddr *)&in4, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in4, &len), 0);
	host_init(&h);
	host_start(&h);
	raw_open(&r, &h);
	raw_hello(&r);
	assert_true(raw_wait(&r, &r.messages, 1, PATIENCE_MS));
	assert_int_equal(pf_welcome_parse(&w, r.got[0].data, r.got[0].len), 0);
	/* Our limit, made even. */
	assert_int_equal(w.shard_payload, 1200);
	assert_int_equal(w.max_data_per_block, 4096);
	assert_int_equal(w.fec_percent, 10);

	/* Not before Start and the rounds. */
	assert_int_equal(pf_host_session_control(h.sessions[0], &m), 0);
	before = pf_clock_unix_ns();
	raw_start(&r, ntohs(in4.sin_port));
	for (unsigned i = 0; i < 3; i++) {
		struct pf_ctl echo;

		probe.clock_t1 = 1000 + i;
		n = pf_ctl_build(&probe, buf, sizeof(buf));
		assert_int_equal(pf_quic_conn_send(r.conn, buf, (size_t)n), 0);
		assert_true(raw_wait(&r, &r.messages, 2 + i, PATIENCE_MS));
		assert_int_equal(pf_ctl_parse(&echo, r.got[1 + i].data, r.got[1 + i].len), 0);
		assert_int_equal(echo.type, PF_CTL_CLOCK_ECHO);
		assert_int_equal(echo.clock_echo.t1, 1000 + i);
		assert_true(echo.clock_echo.t2 + PF_NS_PER_S > before);
		assert_true(echo.clock_echo.t3 >= echo.clock_echo.t2);
	}
	/* Who presses a key at once is heard. */
	n = pf_dgram_build(&key, buf, sizeof(buf));
	assert_int_equal(pf_quic_conn_datagram(r.conn, buf, (size_t)n), 0);
	assert_true(wait_count(&h, &h.inputs, 1));
	assert_int_equal(h.started, 0);
	assert_false(raw_wait(&r, &r.messages, 5, 100));
	assert_true(raw_wait(&r, &r.messages, 5, PATIENCE_MS));
	assert_int_equal(pf_ctl_parse(&m, r.got[4].data, r.got[4].len), 0);
	assert_int_equal(m.type, PF_CTL_BITRATE_CHANGED);

	assert_true(wait_count(&h, &h.started, 1));
	t.capture_ns = pf_clock_mono_ns();
	assert_int_equal(pf_host_session_submit(h.sessions[0], buf, 100, 0, &t), 0);
	len = sizeof(from);
	n = (int)recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len);
	assert_int_equal(n, 24 + 40 + 1200);
	assert_int_equal(ntohs(from.sin_port), w.data_port);
	raw_close(&r);
	close(fd);
	host_stop(&h);
}

/* The original's probe lets go of the control stream once it has its answer, and
 * goes on watching. Before Start there is nothing to stay for. */
static void a_stream_that_ends_leaves_the_picture(void **state)
{
	struct pf_ctl m = { .type = PF_CTL_BITRATE_CHANGED, .bitrate_changed.kbps = 7 };
	struct pf_dgram d = { .tag = PF_DGRAM_INPUT, .input = { .kind = 2, .x = 1 } };
	uint8_t buf[64];
	struct host h;
	struct raw r[2];
	int n;

	host_init(&h);
	host_start(&h);
	raw_open(&r[0], &h);
	raw_hello(&r[0]);
	assert_true(raw_wait(&r[0], &r[0].messages, 1, PATIENCE_MS));
	raw_start(&r[0], 9);
	assert_true(wait_count(&h, &h.started, 1));
	pf_quic_conn_finish(r[0].conn);

	raw_open(&r[1], &h);
	raw_hello(&r[1]);
	assert_true(raw_wait(&r[1], &r[1].messages, 1, PATIENCE_MS));
	pf_quic_conn_finish(r[1].conn);
	assert_true(raw_wait(&r[1], &r[1].closed, 1, PATIENCE_MS));
	assert_int_equal(r[1].why.code, PUNKTFUNK_CLOSE_NORMAL);
	assert_true(wait_count(&h, &h.closed, 1));

	/* Input still comes through; what the host says is heard or lost, no more. */
	n = pf_dgram_build(&d, buf, sizeof(buf));
	assert_true(n > 0);
	assert_int_equal(pf_quic_conn_datagram(r[0].conn, buf, (size_t)n), 0);
	assert_true(wait_count(&h, &h.inputs, 1));
	pf_host_session_control(h.sessions[0], &m);
	assert_false(raw_wait(&r[0], &r[0].closed, 1, 200));
	pf_quic_conn_close(r[0].conn, PUNKTFUNK_CLOSE_QUIT, NULL);
	assert_true(wait_count(&h, &h.closed, 2));
	assert_int_equal(h.close_code, PUNKTFUNK_CLOSE_QUIT);
	raw_close(&r[1]);
	raw_close(&r[0]);
	host_stop(&h);
}

/* The original's own words, session by session: each one starts, and each wish in it
 * is answered or reaches the host. */
static void a_recorded_client_is_served(void **state)
{
	unsigned sessions = 0, controls = 0, answers = 0;
	struct recorded rec;
	const uint8_t *msg;
	struct host h;
	struct raw r;
	size_t len;
	bool open = false;

	recorded_open(&rec, "client");
	host_init(&h);
	host_start(&h);
	while ((msg = recorded_next(&rec, &len)) != NULL && sessions < 6) {
		uint8_t type = len > 4 && !memcmp(msg, "PKFc", 4) ? msg[4] : 0;

		if (!len) {
			assert_true(wait_count(&h, &h.controls, controls));
			assert_true(raw_wait(&r, &r.messages, answers, PATIENCE_MS));
			pf_quic_conn_close(r.conn, PUNKTFUNK_CLOSE_NORMAL, NULL);
			assert_true(wait_count(&h, &h.closed, ++sessions));
			raw_close(&r);
			open = false;
			continue;
		}
		if (!open) {
			raw_open(&r, &h);
			open = true;
			answers = 1; /* Welcome */
		}
		assert_int_equal(pf_quic_conn_send(r.conn, msg, len), 0);
		if (len == 6 && !type)
			assert_true(wait_count(&h, &h.started, sessions + 1));
		else if (!type)
			assert_true(raw_wait(&r, &r.messages, 1, PATIENCE_MS));
		else if (type == PF_CTL_CLOCK_PROBE || type == PF_CTL_PROBE_REQUEST)
			answers++;
		else if (type != PF_CTL_LOSS_REPORT)
			controls++;
	}
	assert_int_equal(sessions, 6);
	assert_true(controls > 10);
	host_stop(&h);
}

static struct pf_ctl raw_ask_probe(struct raw *r, uint32_t kbps, uint32_t ms, unsigned messages)
{
	struct pf_ctl m = { .type = PF_CTL_PROBE_REQUEST, .probe_request = { kbps, ms } };
	uint8_t buf[64];
	int n = pf_ctl_build(&m, buf, sizeof(buf));

	assert_int_equal(pf_quic_conn_send(r->conn, buf, (size_t)n), 0);
	m.type = 0;
	if (messages) {
		assert_true(raw_wait(r, &r->messages, messages, PATIENCE_MS));
		assert_int_equal(
			pf_ctl_parse(&m, r->got[messages - 1].data, r->got[messages - 1].len), 0);
	}
	return m;
}

/* This one has no number space for filler: it gets none, and hears so at once. */
static void capacity_probes_are_answered_seldom(void **state)
{
	struct pf_ctl m;
	struct host h;
	struct raw r;

	host_init(&h);
	host_start(&h);
	raw_open(&r, &h);
	raw_hello(&r);
	assert_true(raw_wait(&r, &r.messages, 1, PATIENCE_MS));
	raw_start(&r, 9);
	m = raw_ask_probe(&r, UINT32_MAX, UINT32_MAX, 2);
	assert_int_equal(m.type, PF_CTL_PROBE_RESULT);
	assert_int_equal(m.probe_result.packets, 0);
	assert_int_equal(m.probe_result.duration_ms, 0);
	assert_true(m.probe_result.bytes == 0);
	/* Too soon: no answer at all. */
	raw_ask_probe(&r, 1000, 100, 0);
	assert_false(raw_wait(&r, &r.messages, 3, 1500));
	raw_close(&r);
	host_stop(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_first_messages_get_their_codes),
		cmocka_unit_test(a_probe_is_taken_silently),
		cmocka_unit_test(a_silent_client_is_dropped_at_each_step),
		cmocka_unit_test(an_early_message_is_refused),
		cmocka_unit_test(a_client_behind_no_nat_need_not_punch),
		cmocka_unit_test(a_stream_that_ends_leaves_the_picture),
		cmocka_unit_test(a_recorded_client_is_served),
		cmocka_unit_test(capacity_probes_are_answered_seldom),
	};
	int failed;

	if (pf_identity_generate(&host_id, "host", NULL) < 0)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	pf_identity_unref(host_id);
	return failed;
}
