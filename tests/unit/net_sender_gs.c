/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The sender in GameStream's format, up to what arrives at a socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "core/media/packetizer.h"
#include "core/net/sender.h"
#include "core/wire/pf1_media.h"
#include "tests/unit/gs_client.h"
#include "tests/unit/rng.h"
#include "tests/unit/udp_pair.h"

#define S	  1360
#define FRAME_MAX (16u << 20)
#define PACKETS	  1024u

struct rig {
	struct pf_sender *s;
	int fd; /* the client's */
	bool encrypt;
	struct pf_aead *opener;
	uint64_t nonce; /* of the next datagram */
	struct gsc client;
	atomic_uint sent;
	struct pf_sent_frame newest;
	uint8_t data[400000];
	uint8_t packets[PACKETS * (S + 16)];
	uint64_t cut, cut_all; /* bytes of packets that did not travel: of a frame, of all */
};

static void on_sent(void *user, const struct pf_sent_frame *f)
{
	struct rig *g = user;

	g->newest = *f;
	atomic_fetch_add(&g->sent, 1);
}

static const struct pf_sender_events events = { .sent = on_sent };

static struct pf_sender_params params_for(int fd, struct rig *g)
{
	return (struct pf_sender_params){
		.fd = fd,
		.format = PF_SENDER_GS,
		.max_frame_bytes = FRAME_MAX,
		.bitrate_kbps = 20000,
		.gs = {
			.packet_size = S,
			.fec_percent = 20,
			.min_parity = 2,
			.key = "0123456789abcde",
		},
		.events = &events,
		.user = g,
	};
}

static void rig_open(struct rig *g, bool encrypt, uint8_t percent)
{
	struct pf_sender_params params;
	uint64_t rng = rng_seed();
	int fd[2];

	memset(g, 0, sizeof(*g));
	rng_fill(&rng, g->data, sizeof(g->data));
	g->client = (struct gsc){ .packet_size = S, .next_frame = 1 };
	g->encrypt = encrypt;
	udp_pair(fd);
	g->fd = fd[1];
	params = params_for(fd[0], g);
	params.gs.encrypt = encrypt;
	params.gs.fec_percent = percent;
	assert_int_equal(
		pf_aead_create(&g->opener, PF_AEAD_AES128_GCM, params.gs.key, 16, "nettle"), 0);
	assert_int_equal(pf_sender_create(&g->s, &params, NULL), 0);
}

static void rig_close(struct rig *g)
{
	pf_sender_destroy(g->s);
	pf_aead_free(g->opener);
	gsc_finish(&g->client);
	close(g->fd);
}

static void wait_sent(struct rig *g, unsigned want)
{
	struct timespec ms = { .tv_nsec = 1000000 };

	for (int i = 0; i < 10000 && atomic_load(&g->sent) < want; i++)
		nanosleep(&ms, NULL);
	assert_int_equal(atomic_load(&g->sent), want);
}

/* One datagram, opened, to its place; what of the packet did not travel is zero. */
static void receive(struct rig *g, uint32_t at)
{
	uint8_t buf[2048], *to = g->packets + (size_t)at * (S + 16);
	struct pollfd p = { .fd = g->fd, .events = POLLIN };
	struct pf_aead_job job = {
		.nonce = buf,
		.in = buf + 32,
		.out = to,
		.tag = buf + 16,
	};
	ssize_t len;

	assert_int_equal(poll(&p, 1, 10000), 1);
	len = recv(g->fd, buf, sizeof(buf), 0) - (g->encrypt ? 32 : 0);
	/* Header and at least a byte. */
	assert_in_range(len, 33, S + 16);
	g->cut += (uint64_t)(S + 16 - len);
	memset(to + len, 0, (size_t)(S + 16 - len));
	job.len = (size_t)len;
	if (!g->encrypt) {
		memcpy(to, buf, (size_t)len);
		return;
	}
	assert_int_equal(gsc_le(buf, 4), g->nonce);
	assert_int_equal(gsc_le(buf + 4, 4), 0);
	assert_int_equal(gsc_le(buf + 8, 4), (uint32_t)'V' << 24);
	assert_int_equal(gsc_le(buf + 12, 4), g->client.next_frame);
	assert_int_equal(pf_aead_open(g->opener, &job, 1), 0);
	g->nonce++;
}

static void pass(struct rig *g, struct pf_sender_frame *f)
{
	unsigned sent = atomic_load(&g->sent);

	f->data = g->data;
	assert_int_equal(pf_sender_submit(g->s, f), 0);
	wait_sent(g, sent + 1);
	assert_in_range(g->newest.packets, 3, PACKETS);
	g->cut = 0;
	for (uint32_t i = 0; i < g->newest.packets; i++)
		receive(g, i);
	/* Data goes out as long as it is, parity whole. */
	assert_int_equal(
		g->cut, (g->newest.packets - g->newest.parity_packets) * (S - 16) - 8 - f->len);
	g->cut_all += g->cut;
	assert_int_equal(g->newest.frame_index, g->client.next_frame);
	gsc_frame(&g->client, g->packets, g->newest.packets, NULL);
	gsc_check(&g->client, g->data, (uint32_t)f->len);
	assert_int_equal(g->newest.parity_packets, g->client.parity);
}

static void frames_leave(struct rig *g)
{
	struct pf_sender_stats stats;
	uint64_t now = pf_clock_mono_ns();

	for (unsigned i = 0; i < 6; i++) {
		struct pf_sender_frame f = {
			.len = i * 24000,
			.pts_unix_ns = 77000000000ull + i * 10000000ull,
			.capture_ns = i == 3 ? 0 : now - i * 10000000ull,
			.user_flags = PF_USER_VIDEO | (i ? 0 : PF_USER_IDR),
		};

		pass(g, &f);
		assert_int_equal(g->client.type, i ? 1 : 2);
		assert_int_equal(g->client.timestamp, i ? i * 900 : 1);
		if (i == 3)
			assert_int_equal(g->client.latency, 0);
		else
			assert_in_range(g->client.latency, i * 100, 65535);
	}
	pf_sender_stats(g->s, &stats);
	assert_true(stats.frames == 6 && stats.sent == 6 && !stats.dropped && !stats.send_errors);
	assert_true(stats.packets == g->client.next_seq);
	assert_true(stats.bytes == stats.packets * (S + 16 + (g->encrypt ? 32 : 0)) - g->cut_all);
	assert_true(g->cut_all > 0);
	assert_in_range(stats.fec_percent, 20, 21);
}

static void plain_and_encrypted(void **state)
{
	static struct rig g;

	for (unsigned encrypt = 0; encrypt < 2; encrypt++) {
		rig_open(&g, encrypt, 20);
		frames_leave(&g);
		rig_close(&g);
	}
}

/* The key's counter and the sequence go on across a refused frame and a client
 * that moved; the frame number shows the gap. */
static void counters_never_restart(void **state)
{
	static struct rig g;
	struct pf_sender_frame f = { .len = 50000, .user_flags = PF_USER_VIDEO };
	static uint8_t huge[6 << 20];
	struct sockaddr_storage to;
	int moved;

	rig_open(&g, true, 20);
	pass(&g, &f);
	f.data = huge;
	f.len = pf_gs_frame_bytes_max(S) + 1;
	assert_int_equal(pf_sender_submit(g.s, &f), -EMSGSIZE);
	g.client.next_frame++;
	f.len = 50000;
	pass(&g, &f);
	assert_int_equal(pf_udp_open("127.0.0.1", 0, &moved), 0);
	to = udp_loopback(pf_udp_port(moved));
	assert_int_equal(pf_sender_set_peer(g.s, &to), 0);
	close(g.fd);
	g.fd = moved;
	for (unsigned i = 0; i < 3; i++)
		pass(&g, &f);
	assert_int_equal(g.client.next_frame, 7);
	assert_true(g.nonce == g.client.next_seq);
	rig_close(&g);
}

static void status_messages_steer_the_parity(void **state)
{
	static struct rig g;
	struct pf_sender_frame f = { .len = 40 * (S - 16) - 8, .user_flags = PF_USER_VIDEO };
	struct pf_sender_stats stats;
	uint32_t before;

	rig_open(&g, false, PF_FEC_ADAPTIVE);
	for (unsigned i = 0; i < 3; i++)
		pass(&g, &f);
	before = g.client.parity;
	assert_in_range(before, 10, 11); /* 2 % in bursts until something is known */
	/* 20 of 120 and 20 more */
	pf_sender_fec_status(g.s, 13, 40, false);
	pf_sender_fec_status(g.s, 7, 40, true);
	pass(&g, &f);
	pf_sender_stats(g.s, &stats);
	assert_in_range(stats.loss_ppm, 142000, 143500);
	assert_true(g.client.parity > 2 * before);
	assert_int_equal(stats.fec_percent, (g.client.parity * 100 + 39) / 40);
	rig_close(&g);
}

static void bad_parameters_say_why(void **state)
{
	struct pf_sender *s = NULL;
	int fd[2];

	udp_pair(fd);
	for (unsigned i = 0; i < 4; i++) {
		struct pf_sender_params p = params_for(fd[0], NULL);
		struct pf_reason why = { 0 };

		switch (i) {
		case 0:
			p.gs.packet_size = 1391;
			break;
		case 1:
			p.gs.fec_percent = 101;
			break;
		case 2:
			p.gs.min_parity = 17;
			break;
		case 3:
			p.max_frame_bytes = 0;
			break;
		}
		assert_int_equal(pf_sender_create(&s, &p, &why), -EINVAL);
		assert_true(why.text[0] != 0);
		assert_null(s);
	}
	/* the socket stayed ours */
	assert_int_equal(close(fd[0]), 0);
	close(fd[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_and_encrypted),
		cmocka_unit_test(counters_never_restart),
		cmocka_unit_test(status_messages_steer_the_parity),
		cmocka_unit_test(bad_parameters_say_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
