/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The client against bare QUIC hosts that break the rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "core/base/cpu.h"
#include "core/crypto/identity.h"
#include "core/net/udp.h"
#include "core/quic/endpoint.h"
#include "core/wire/pf1_control.h"
#include "core/wire/pf1_dgram.h"
#include "core/wire/pf1_handshake.h"
#include "punktfunk_core.h"

#define PATIENCE_MS 20000

static struct pf_identity *host_id;

enum manners {
	GARBAGE,	/* no Welcome at all */
	WELCOME,	/* the one in the struct, then clock echoes */
	END,		/* finishes the stream and nothing else */
	END_THEN_CLOSE, /* finishes the stream, closes with a code 100 ms later */
	DEAF,		/* a good Welcome, then no clock echoes */
};

struct bad_host {
	struct pf_quic *q;
	enum manners manners;
	struct pf_welcome welcome;
	struct pf_hello hello;
	int data_fd;
	pthread_mutex_t lock; /* the rest */
	struct pf_quic_conn *conn;
	unsigned messages, keyframes, acks;
	uint16_t acked;
};

static void send_control(struct pf_quic_conn *c, const struct pf_ctl *m)
{
	uint8_t buf[256];
	int n = pf_ctl_build(m, buf, sizeof(buf));

	assert_true(n > 0);
	pf_quic_conn_send(c, buf, (size_t)n);
}

static void on_hello(struct bad_host *h, struct pf_quic_conn *c)
{
	uint8_t buf[512];
	int n;

	switch (h->manners) {
	case GARBAGE:
		pf_quic_conn_send(c, (const uint8_t *)"PKF1 no welcome", 15);
		break;
	case END_THEN_CLOSE:
		pf_quic_conn_set_timer(c, pf_clock_mono_ns() + 100 * PF_NS_PER_MS);
		pf_quic_conn_finish(c);
		break;
	case END:
		pf_quic_conn_finish(c);
		break;
	case WELCOME:
	case DEAF:
		n = pf_welcome_build(&h->welcome, buf, sizeof(buf));
		assert_true(n > 0);
		pf_quic_conn_send(c, buf, (size_t)n);
	}
}

static void on_message(void *user, struct pf_quic_conn *c, const uint8_t *msg, size_t len)
{
	struct bad_host *h = user;
	struct pf_ctl m;

	pthread_mutex_lock(&h->lock);
	if (h->messages++ == 0) {
		assert_int_equal(pf_hello_parse(&h->hello, msg, len), 0);
		h->conn = pf_quic_conn_ref(c);
		on_hello(h, c);
	} else if (pf_ctl_parse(&m, msg, len) == 0) {
		if (m.type == PF_CTL_CLOCK_PROBE && h->manners == WELCOME) {
			struct pf_ctl echo = { .type = PF_CTL_CLOCK_ECHO };
			uint64_t t = pf_clock_unix_ns() + 5 * PF_NS_PER_S;

			/* A host whose clock is five seconds ahead. */
			echo.clock_echo.t1 = m.clock_t1;
			echo.clock_echo.t2 = echo.clock_echo.t3 = t;
			send_control(c, &echo);
		}
		if (m.type == PF_CTL_SHARD_PAYLOAD_ACK) {
			h->acks++;
			h->acked = m.shard_payload;
		}
	}
	pthread_mutex_unlock(&h->lock);
}

static void on_timer(void *user, struct pf_quic_conn *c)
{
	pf_quic_conn_close(c, PUNKTFUNK_CLOSE_IDENTITY_REQUIRED, "who are you?");
}

static void bad_host_start(struct bad_host *h, enum manners manners)
{
	static const struct pf_quic_events ev = { .message = on_message, .timer = on_timer };
	struct pf_quic_params p = {
		.identity = host_id, .events = &ev, .user = h, .bind_address = "127.0.0.1"
	};
	struct pf_welcome *w = &h->welcome;
	struct pf_reason why;

	memset(h, 0, sizeof(*h));
	h->manners = manners;
	pthread_mutex_init(&h->lock, NULL);
	assert_int_equal(pf_udp_open("127.0.0.1", 0, &h->data_fd), 0);
	pf_welcome_init(w);
	w->width = 640;
	w->height = 480;
	w->refresh_hz = 60;
	w->bitrate_kbps = 5000;
	w->shard_payload = 1408;
	w->fec_percent = 10;
	w->codec = PF_CODEC_H264;
	w->data_port = pf_udp_port(h->data_fd);
	assert_int_equal(pf_quic_listen(&h->q, &p, &why), 0);
}

static void bad_host_stop(struct bad_host *h)
{
	pf_quic_destroy(h->q);
	pf_quic_conn_unref(h->conn);
	pthread_mutex_destroy(&h->lock);
	close(h->data_fd);
}

static int32_t connect_to(struct bad_host *h, PunktfunkConnection **c, PunktfunkReason *why)
{
	PunktfunkConnectOptions o = { .struct_size = sizeof(o),
		.port = pf_quic_port(h->q),
		.host = "127.0.0.1",
		.width = 640,
		.height = 480,
		.refresh_hz = 60,
		.timeout_ms = PATIENCE_MS };

	*why = (PunktfunkReason){ .struct_size = sizeof(*why) };
	return punktfunk_connect(&o, c, why);
}

static void expect_failure(struct bad_host *h, int32_t err, const char *words)
{
	PunktfunkConnection *c = NULL;
	PunktfunkReason why;

	assert_int_equal(connect_to(h, &c, &why), err);
	assert_null(c);
	if (!strstr(why.text, words))
		print_message("# %s\n", why.text);
	assert_non_null(strstr(why.text, words));
}

static void a_bad_welcome_is_refused(void **state)
{
	struct bad_host h;

	bad_host_start(&h, GARBAGE);
	expect_failure(&h, PUNKTFUNK_EPROTO, "malformed");
	bad_host_stop(&h);

	bad_host_start(&h, WELCOME);
	h.welcome.codec = PF_CODEC_AV1;
	expect_failure(&h, PUNKTFUNK_EPROTO, "codec");
	bad_host_stop(&h);

	bad_host_start(&h, WELCOME);
	h.welcome.audio_codec = 2;
	expect_failure(&h, PUNKTFUNK_EPROTO, "sound");
	bad_host_stop(&h);

	bad_host_start(&h, WELCOME);
	h.welcome.shard_payload = 100;
	expect_failure(&h, PUNKTFUNK_EPROTO, "out of bounds");
	bad_host_stop(&h);

	bad_host_start(&h, WELCOME);
	h.welcome.refresh_hz = 0;
	expect_failure(&h, PUNKTFUNK_EPROTO, "out of bounds");
	bad_host_stop(&h);

	bad_host_start(&h, WELCOME);
	h.welcome.encrypt = 0;
	expect_failure(&h, PUNKTFUNK_EPROTO, "out of bounds");
	bad_host_stop(&h);
}

/* The typed reason is waited for a while after the stream ended. */
static void an_ended_stream_ends_the_attempt(void **state)
{
	struct bad_host h;

	bad_host_start(&h, END);
	expect_failure(&h, PUNKTFUNK_EPROTO, "without a reason");
	bad_host_stop(&h);

	bad_host_start(&h, END_THEN_CLOSE);
	expect_failure(&h, PUNKTFUNK_EACCES, "who are you?");
	bad_host_stop(&h);
}

static void hello_says_what_this_core_can(void **state)
{
	PunktfunkConnection *c = NULL;
	PunktfunkReason why;
	struct bad_host h;

	bad_host_start(&h, WELCOME);
	assert_int_equal(connect_to(&h, &c, &why), 0);
	/* ChaCha20 only where AES is slow. */
	assert_int_equal(
		h.hello.video_caps, pf_cpu_flags() & (PF_CPU_AESNI | PF_CPU_NEON) ? 0xb8 : 0xf8);
	assert_int_equal(h.hello.video_codecs, PF_CODEC_H264);
	assert_int_equal(h.hello.max_shard_payload, 9152);
	assert_int_equal(h.hello.audio_channels, 2);
	assert_int_not_equal(strlen(h.hello.name), 0);
	punktfunk_connection_close(c, 0);
	bad_host_stop(&h);
}

static void the_hosts_clock_is_measured(void **state)
{
	PunktfunkConnectionInfo info = { .struct_size = sizeof(info) };
	PunktfunkConnection *c = NULL;
	PunktfunkReason why;
	struct bad_host h;
	uint8_t punch[16];
	int64_t error;

	bad_host_start(&h, WELCOME);
	assert_int_equal(connect_to(&h, &c, &why), 0);
	assert_int_equal(punktfunk_connection_info(c, &info), 0);
	error = info.clock_offset_ns - 5 * (int64_t)PF_NS_PER_S;
	assert_true(error > -100 * (int64_t)PF_NS_PER_MS && error < 100 * (int64_t)PF_NS_PER_MS);
	/* And the data plane is open: a punch comes. */
	while (recv(h.data_fd, punch, sizeof(punch), MSG_DONTWAIT) != 8)
		usleep(1000);
	assert_memory_equal(punch, "PFpunch1", 8);
	punktfunk_connection_close(c, 0);
	bad_host_stop(&h);
}

/* An old host that knows no clock probes: one clock is assumed. */
static void a_host_without_clock_still_serves(void **state)
{
	PunktfunkConnectionInfo info = { .struct_size = sizeof(info) };
	PunktfunkConnection *c = NULL;
	PunktfunkReason why;
	struct bad_host h;

	bad_host_start(&h, DEAF);
	assert_int_equal(connect_to(&h, &c, &why), 0);
	assert_int_equal(punktfunk_connection_info(c, &info), 0);
	assert_int_equal(info.clock_offset_ns, 0);
	punktfunk_connection_close(c, 0);
	bad_host_stop(&h);
}

static void wait_acks(struct bad_host *h, unsigned want)
{
	unsigned got = 0;

	for (unsigned i = 0; i < PATIENCE_MS && got < want; i++) {
		usleep(1000);
		pthread_mutex_lock(&h->lock);
		got = h->acks;
		pthread_mutex_unlock(&h->lock);
	}
	assert_int_equal(got, want);
}

static void messages_of_a_running_session(void **state)
{
	struct pf_ctl m = { .type = PF_CTL_SHARD_PAYLOAD_CHANGED };
	struct pf_dgram d = { .tag = PF_DGRAM_RUMBLE };
	PunktfunkEvent e = { .struct_size = sizeof(e) };
	PunktfunkConnection *c = NULL;
	PunktfunkReason why;
	uint8_t buf[64];
	struct bad_host h;
	int n;

	bad_host_start(&h, WELCOME);
	assert_int_equal(connect_to(&h, &c, &why), 0);

	/* Acknowledged when it fits, else not a word. */
	m.shard_payload = 1201;
	send_control(h.conn, &m);
	m.shard_payload = 400;
	send_control(h.conn, &m);
	m.shard_payload = 1200;
	send_control(h.conn, &m);
	wait_acks(&h, 1);
	assert_int_equal(h.acked, 1200);

	/* Nonsense is passed over. */
	pf_quic_conn_send(h.conn, (const uint8_t *)"", 0);
	pf_quic_conn_send(h.conn, (const uint8_t *)"PKFc\xee", 5);
	pf_quic_conn_send(h.conn, (const uint8_t *)"PKFc\x06\x01", 6);
	pf_quic_conn_datagram(h.conn, (const uint8_t *)"\x01", 1);
	pf_quic_conn_datagram(h.conn, (const uint8_t *)"\xc9\x01", 2);

	/* A bitrate of 0 says nothing. */
	m.type = PF_CTL_BITRATE_CHANGED;
	m.bitrate_changed.kbps = 0;
	m.bitrate_changed.has_reason = false;
	send_control(h.conn, &m);
	m.bitrate_changed.kbps = 7000;
	send_control(h.conn, &m);
	assert_int_equal(punktfunk_connection_next_event(c, &e, PATIENCE_MS), 0);
	assert_int_equal(e.type, PUNKTFUNK_EVENT_BITRATE);
	assert_int_equal(e.a, 7000);

	d.rumble.pad = 1;
	d.rumble.low = 300;
	d.rumble.high = 70;
	n = pf_dgram_build(&d, buf, sizeof(buf));
	assert_true(n > 0);
	pf_quic_conn_datagram(h.conn, buf, (size_t)n);
	assert_int_equal(punktfunk_connection_next_event(c, &e, PATIENCE_MS), 0);
	assert_int_equal(e.type, PUNKTFUNK_EVENT_RUMBLE);
	assert_int_equal(e.a, 1);
	assert_int_equal(e.b, 300);
	assert_int_equal(e.c, 70);
	/* Nobody renews it. */
	assert_int_equal(punktfunk_connection_next_event(c, &e, PATIENCE_MS), 0);
	assert_int_equal(e.type, PUNKTFUNK_EVENT_RUMBLE);
	assert_int_equal(e.a, 1);
	assert_int_equal(e.b | e.c | e.d, 0);

	/* Each once: what is malformed, what is not taken, and four that are. */
	pf_quic_conn_datagram(h.conn, (const uint8_t *)"\xcd\x01\x10\x01\x02\x03", 6);
	pf_quic_conn_datagram(h.conn, (const uint8_t *)"\xcd\x04\0\0\0\0\0\0\0\0", 10);
	pf_quic_conn_datagram(h.conn, (const uint8_t *)"\xcd\x01\x02\x01\x02\x03", 6);
	pf_quic_conn_datagram(h.conn, (const uint8_t *)"\xcd\x02\x02\x15", 4);
	pf_quic_conn_datagram(h.conn, (const uint8_t *)"\xcd\x03\x02\x01\x21\x07", 6);
	pf_quic_conn_datagram(h.conn, (const uint8_t *)"\xcd\x05\x02\x00\x31\x02\x03", 7);
	assert_int_equal(punktfunk_connection_next_event(c, &e, PATIENCE_MS), 0);
	assert_int_equal(e.type, PUNKTFUNK_EVENT_PAD_LIGHT);
	assert_int_equal(e.a, 2);
	assert_int_equal(e.b, 0x010203);
	assert_int_equal(punktfunk_connection_next_event(c, &e, PATIENCE_MS), 0);
	assert_int_equal(e.type, PUNKTFUNK_EVENT_PAD_PLAYER);
	assert_int_equal(e.b, 0x15);
	assert_int_equal(punktfunk_connection_next_event(c, &e, PATIENCE_MS), 0);
	assert_int_equal(e.type, PUNKTFUNK_EVENT_PAD_TRIGGER);
	assert_int_equal(e.b, 1);
	assert_int_equal(e.data_size, 2);
	assert_memory_equal(e.data, "\x21\x07", 2);
	assert_int_equal(punktfunk_connection_next_event(c, &e, PATIENCE_MS), 0);
	assert_int_equal(e.type, PUNKTFUNK_EVENT_PAD_REPORT);
	assert_int_equal(e.data_size, 3);
	punktfunk_connection_close(c, 0);
	bad_host_stop(&h);
}

/* Datagrams and the code of the connection still count, whatever the time between. */
static void an_ended_stream_does_not_end_a_session(void **state)
{
	PunktfunkEvent e = { .struct_size = sizeof(e) };
	PunktfunkConnection *c = NULL;
	PunktfunkReason why;
	struct bad_host h;

	bad_host_start(&h, WELCOME);
	assert_int_equal(connect_to(&h, &c, &why), 0);
	pf_quic_conn_finish(h.conn);
	usleep(600 * 1000);
	pf_quic_conn_datagram(h.conn, (const uint8_t *)"\xcd\x01\x02\x01\x02\x03", 6);
	assert_int_equal(punktfunk_connection_next_event(c, &e, PATIENCE_MS), 0);
	assert_int_equal(e.type, PUNKTFUNK_EVENT_PAD_LIGHT);
	pf_quic_conn_close(h.conn, 0, "done");
	assert_int_equal(punktfunk_connection_next_event(c, &e, PATIENCE_MS), 0);
	assert_int_equal(e.type, PUNKTFUNK_EVENT_CLOSED);
	assert_int_equal(e.a, 0);
	assert_string_equal(e.text, "done");
	punktfunk_connection_close(c, 0);
	bad_host_stop(&h);
}

/* Nobody pulls: the queues stay small, the newest survive. */
static void queues_are_bounded(void **state)
{
	PunktfunkAudio a = { .struct_size = sizeof(a) };
	PunktfunkEvent e = { .struct_size = sizeof(e) };
	struct pf_dgram d = { .tag = PF_DGRAM_AUDIO };
	PunktfunkConnection *c = NULL;
	uint8_t buf[64], opus[20] = { 9 };
	PunktfunkReason why;
	uint32_t last = 0, got = 0;
	struct bad_host h;
	int n;

	bad_host_start(&h, WELCOME);
	assert_int_equal(connect_to(&h, &c, &why), 0);
	d.audio.data = opus;
	d.audio.len = sizeof(opus);
	for (d.audio.seq = 0; d.audio.seq < 500; d.audio.seq++) {
		n = pf_dgram_build(&d, buf, sizeof(buf));
		assert_int_equal(pf_quic_conn_datagram(h.conn, buf, (size_t)n), 0);
		usleep(200);
	}
	/* What comes behind the last one shows that it arrived. */
	d = (struct pf_dgram){ .tag = PF_DGRAM_RUMBLE, .rumble = { .low = 1 } };
	n = pf_dgram_build(&d, buf, sizeof(buf));
	assert_true(n > 0);
	do
		assert_int_equal(pf_quic_conn_datagram(h.conn, buf, (size_t)n), 0);
	while (punktfunk_connection_next_event(c, &e, 100) != 0);
	while (punktfunk_connection_next_audio(c, &a, 0) == 0) {
		assert_true(!got || a.seq > last);
		last = a.seq;
		got++;
	}
	assert_in_range(got, 32, 64);
	assert_in_range(last, 480, 499);
	punktfunk_connection_close(c, 0);
	bad_host_stop(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bad_welcome_is_refused),
		cmocka_unit_test(an_ended_stream_ends_the_attempt),
		cmocka_unit_test(hello_says_what_this_core_can),
		cmocka_unit_test(the_hosts_clock_is_measured),
		cmocka_unit_test(a_host_without_clock_still_serves),
		cmocka_unit_test(messages_of_a_running_session),
		cmocka_unit_test(an_ended_stream_does_not_end_a_session),
		cmocka_unit_test(queues_are_bounded),
	};
	int failed;

	if (pf_identity_generate(&host_id, "host", NULL) < 0)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	pf_identity_unref(host_id);
	return failed;
}
