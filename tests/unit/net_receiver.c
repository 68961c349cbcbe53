/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "core/media/packetizer.h"
#include "core/net/receiver.h"
#include "core/net/sender.h"
#include "core/net/udp.h"
#include "tests/unit/packets.h"
#include "tests/unit/rng.h"
#include "tests/unit/udp_pair.h"

#define FRAME_MAX (1u << 20)
#define WAIT_MS	  5000

struct seen {
	atomic_uint reports, keyframes, rfis;
	atomic_uint ppm, first, last;
	atomic_uint windows;
	pthread_mutex_t lock;
	struct pf_receiver_window window; /* all of them */
};

static void on_report(void *user, uint32_t ppm)
{
	struct seen *s = user;

	atomic_store(&s->ppm, ppm);
	atomic_fetch_add(&s->reports, 1);
}

static void on_keyframe(void *user)
{
	atomic_fetch_add(&((struct seen *)user)->keyframes, 1);
}

static void on_rfi(void *user, uint32_t first, uint32_t last)
{
	struct seen *s = user;

	atomic_store(&s->first, first);
	atomic_store(&s->last, last);
	atomic_fetch_add(&s->rfis, 1);
}

static void on_window(void *user, const struct pf_receiver_window *w)
{
	struct seen *s = user;

	pthread_mutex_lock(&s->lock);
	s->window.end_ns = w->end_ns;
	s->window.span_ns += w->span_ns;
	s->window.frames += w->frames;
	s->window.frame_bytes += w->frame_bytes;
	s->window.frames_lost += w->frames_lost;
	s->window.frames_dropped += w->frames_dropped;
	if (w->frames)
		s->window.delay_ns = w->delay_ns;
	pthread_mutex_unlock(&s->lock);
	atomic_fetch_add(&s->windows, 1);
}

static const struct pf_receiver_events events = { on_report, on_keyframe, on_rfi, on_window };

/* The host's side made by hand, so that each packet's fate is the test's. */
struct rig {
	int fd; /* host's end */
	struct pf_receiver *r;
	struct pf_parity parity;
	struct pf_packetizer *p;
	struct pf_seal seal;
	struct seen seen;
	struct packet_list l;
};

static void rig_open_as(struct rig *g, bool punch, uint32_t max_frame, bool skip_held, uint32_t hz)
{
	struct pf_pf1_params pp = { 512, 64, max_frame, &g->parity };
	struct pf_receiver_params params = {
		.punch = punch,
		.keys = udp_keys(),
		.direction = PF_FROM_HOST,
		.shard_bytes = 512,
		.max_data_per_block = 64,
		.max_frame_bytes = max_frame,
		.skip_held = skip_held,
		.even_out_hz = hz,
		.events = &events,
		.user = &g->seen,
	};
	int fd[2];

	memset(g, 0, sizeof(*g));
	pthread_mutex_init(&g->seen.lock, NULL);
	udp_pair(fd);
	g->fd = fd[0];
	params.fd = fd[1];
	assert_int_equal(pf_parity_init(&g->parity, 25, 25, 64), 0);
	assert_int_equal(pf_packetizer_pf1_create(&g->p, &pp), 0);
	assert_int_equal(pf_seal_init(&g->seal, &params.keys, PF_FROM_HOST), 0);
	assert_int_equal(pf_receiver_create(&g->r, &params, NULL), 0);
}

static void rig_open(struct rig *g, bool punch, uint32_t max_frame)
{
	rig_open_as(g, punch, max_frame, false, 0);
}

static void rig_close(struct rig *g)
{
	pf_receiver_destroy(g->r);
	g->p->ops->destroy(g->p);
	pf_seal_finish(&g->seal);
	packets_clear(&g->l);
	pthread_mutex_destroy(&g->seen.lock);
	close(g->fd);
}

static void send_packet(struct rig *g, const struct packet *p, bool forge)
{
	uint8_t buf[2048];

	memcpy(buf + 8, p->bytes, p->len);
	assert_int_equal(pf_seal_packets(&g->seal, buf, sizeof(buf), p->len, 1), 0);
	if (forge)
		buf[20] ^= 1;
	assert_int_equal(send(g->fd, buf, p->len + 24, 0), p->len + 24);
}

/* Sends the frame's packets from number `from` on. */
static void send_frame(struct rig *g, uint32_t index, uint32_t len, uint32_t flags, uint32_t from)
{
	static uint8_t data[FRAME_MAX];
	struct pf_au au = { data, len, index, flags | PF_USER_VIDEO, 1000 + index };

	memset(data, (int)index, len);
	packets_clear(&g->l);
	packets_of_frame(&g->l, g->p, &au, 64);
	for (uint32_t i = from; i < g->l.n; i++)
		send_packet(g, &g->l.v[i], false);
}

static struct pf_received_frame next(struct rig *g, uint32_t index, uint32_t len)
{
	struct pf_received_frame f;

	assert_int_equal(pf_receiver_next(g->r, &f, WAIT_MS), 0);
	assert_int_equal(f.frame_index, index);
	assert_int_equal(f.len, len);
	for (uint32_t i = 0; i < len; i++)
		assert_int_equal(f.data[i], (uint8_t)index);
	assert_true(f.pts_unix_ns == 1000 + index);
	assert_true(f.first_ns <= f.last_ns && f.last_ns <= f.completed_ns);
	assert_true(f.completed_ns <= pf_clock_mono_ns());
	return f;
}

static void wait_for(const atomic_uint *counter, unsigned want)
{
	struct timespec ms = { .tv_nsec = 1000000 };

	for (int i = 0; i < WAIT_MS && atomic_load(counter) < want; i++)
		nanosleep(&ms, NULL);
	assert_true(atomic_load(counter) >= want);
}

/* Statistics follow a batch, not each packet. */
static struct pf_receiver_stats stats_when(struct rig *g, uint64_t handled)
{
	struct timespec ms = { .tv_nsec = 1000000 };
	struct pf_receiver_stats s;

	for (int i = 0; i < WAIT_MS; i++) {
		pf_receiver_stats(g->r, &s);
		if (s.packets + s.packets_forged + s.packets_duplicate + s.packets_invalid >=
			handled)
			break;
		nanosleep(&ms, NULL);
	}
	return s;
}

static void frames_come_through_with_repair(void **state)
{
	struct pf_receiver_stats s;
	struct pf_received_frame f;
	struct pollfd p = { .events = POLLIN };
	struct rig g;

	rig_open(&g, false, FRAME_MAX);
	p.fd = pf_receiver_fd(g.r);
	assert_int_equal(poll(&p, 1, 0), 0);
	send_frame(&g, 0, 10 * 512, PF_USER_IDR, 0); /* 10 + 3 */
	assert_int_equal(poll(&p, 1, WAIT_MS), 1);
	f = next(&g, 0, 10 * 512);
	assert_false(f.hold);
	assert_int_equal(f.user_flags, PF_USER_VIDEO | PF_USER_IDR);
	assert_int_equal(poll(&p, 1, 0), 0);
	assert_int_equal(pf_receiver_next(g.r, &f, 1), -EAGAIN);
	send_frame(&g, 1, 10 * 512, 0, 3);
	f = next(&g, 1, 10 * 512);
	assert_int_equal(f.shards_recovered, 3);
	send_frame(&g, 2, 0, 0, 0);
	next(&g, 2, 0);
	s = stats_when(&g, 13 + 10 + 3);
	assert_true(s.frames == 3 && s.frames_repaired == 1 && s.frames_lost == 0);
	assert_true(s.packets == 13 + 10 + 3);
	assert_true(s.packets_parity == 3 + 3 + 2);
	assert_true(s.bytes == 26 * (512 + 64));
	assert_true(s.shards_recovered == 3);
	rig_close(&g);
}

/* Frame 1 lacks three packets in a row, frame 4 one; 40 ms later it is known. */
static void the_path_and_the_cadence_are_told(void **state)
{
	struct pf_receiver_stats s = { 0 };
	struct rig g;

	rig_open(&g, false, FRAME_MAX);
	for (uint32_t i = 0; i < 200 && s.path_lost < 4; i++) {
		send_frame(&g, i, 10 * 512, 0, i == 1 ? 99 : 0);
		for (uint32_t n = 0; i == 1 && n < g.l.n; n++)
			n >= 4 && n < 7 ? (void)g.seal.seq++ : send_packet(&g, &g.l.v[n], false);
		g.seal.seq += i == 4;
		next(&g, i, 10 * 512);
		pf_receiver_stats(g.r, &s);
		usleep(5000);
	}
	assert_true(s.path_lost == 4 && s.path_bursts == 2);
	assert_int_equal(s.path_burst_x100, 200);
	assert_true(s.path_loss_ppm > 0 && s.path_packets > 0);
	assert_true(s.gap_p99_ns > 0);
	assert_true(s.wakeups && s.wakeups <= s.receive_calls);
	assert_true(s.receive_messages && s.receive_messages <= s.packets_read);
	assert_true(s.packets_read >= s.packets);
	rig_close(&g);
}

static void what_is_not_genuine_is_counted_apart(void **state)
{
	struct pf_receiver_stats s;
	struct packet junk = { .len = 552 };
	uint8_t plain[552] = { 0 }, wire[600];
	struct rig g;

	rig_open(&g, false, FRAME_MAX);
	send_frame(&g, 0, 512, 0, 99); /* made, not sent */
	send_packet(&g, &g.l.v[0], true);
	junk.bytes = plain; /* authentic, but no header */
	send_packet(&g, &junk, false);
	assert_int_equal(send(g.fd, "short", 5, 0), 5);
	memcpy(wire + 8, g.l.v[0].bytes, 552);
	assert_int_equal(pf_seal_packets(&g.seal, wire, sizeof(wire), 552, 1), 0);
	assert_int_equal(send(g.fd, wire, 576, 0), 576);
	assert_int_equal(send(g.fd, wire, 576, 0), 576);
	s = stats_when(&g, 5);
	assert_true(s.packets == 1);
	assert_true(s.packets_forged == 1);
	assert_true(s.packets_invalid == 2);
	assert_true(s.packets_duplicate == 1);
	next(&g, 0, 512);
	rig_close(&g);
}

static void a_gap_asks_and_holds(void **state)
{
	struct rig g;

	rig_open(&g, false, FRAME_MAX);
	send_frame(&g, 0, 100, PF_USER_IDR, 0);
	assert_false(next(&g, 0, 100).hold);
	send_frame(&g, 3, 100, 0, 0);
	assert_true(next(&g, 3, 100).hold);
	wait_for(&g.seen.rfis, 1);
	assert_int_equal(g.seen.first, 1);
	assert_int_equal(g.seen.last, 2);
	send_frame(&g, 4, 100, PF_USER_RECOVERY_ANCHOR, 0);
	assert_false(next(&g, 4, 100).hold);
	/* the decoder's word for it counts as well */
	send_frame(&g, 6, 100, 0, 0);
	assert_true(next(&g, 6, 100).hold);
	pf_receiver_decoded(g.r, 6, true, true);
	send_frame(&g, 7, 100, 0, 0);
	assert_false(next(&g, 7, 100).hold);
	for (uint32_t i = 0; i < 3; i++)
		pf_receiver_decoded(g.r, 7, false, false);
	wait_for(&g.seen.keyframes, 1);
	/* nothing comes: it asks again */
	wait_for(&g.seen.keyframes, 2);
	rig_close(&g);
}

static void a_slow_taker_loses_the_oldest(void **state)
{
	struct pf_receiver_stats s;
	struct pf_received_frame f;
	uint32_t expect;
	struct rig g;

	rig_open(&g, false, FRAME_MAX);
	for (uint32_t i = 0; i < 12; i++) {
		send_frame(&g, i, 100, i ? 0 : PF_USER_IDR, 0);
		stats_when(&g, 3 * (i + 1));
	}
	s = stats_when(&g, 36);
	assert_true(s.frames == 12);
	assert_true(s.frames_dropped == 4);
	wait_for(&g.seen.keyframes, 1);
	for (expect = 4; expect < 12; expect++)
		assert_true(next(&g, expect, 100).hold);
	assert_int_equal(pf_receiver_next(g.r, &f, 0), -EAGAIN);
	send_frame(&g, 12, 100, PF_USER_IDR, 0);
	assert_false(next(&g, 12, 100).hold);
	rig_close(&g);
}

static void large_frames_fill_the_ring_sooner(void **state)
{
	struct pf_receiver_stats s;
	struct rig g;

	rig_open(&g, false, 64u << 10);
	for (uint32_t i = 0; i < 6; i++) {
		send_frame(&g, i, 64u << 10, i ? 0 : PF_USER_IDR, 0); /* 128 + 32 packets */
		stats_when(&g, 160 * (i + 1));
	}
	s = stats_when(&g, 6 * 160);
	assert_true(s.frames == 6);
	assert_true(s.frames_dropped == 2);
	for (uint32_t i = 2; i < 6; i++)
		next(&g, i, 64u << 10);
	rig_close(&g);
}

static void loss_is_reported_every_750_ms(void **state)
{
	struct rig g;

	rig_open(&g, false, FRAME_MAX);
	send_frame(&g, 0, 10 * 512, 0, 2);
	next(&g, 0, 10 * 512);
	wait_for(&g.seen.reports, 1);
	assert_int_equal(g.seen.ppm, 2000000 / 13);
	wait_for(&g.seen.reports, 2);
	assert_int_equal(g.seen.ppm, 0);
	rig_close(&g);
}

static void punches_open_the_path(void **state)
{
	struct rig g;

	rig_open(&g, true, FRAME_MAX);
	for (unsigned i = 0; i < 3; i++) {
		struct pollfd p = { .fd = g.fd, .events = POLLIN };
		uint8_t buf[64];

		assert_int_equal(poll(&p, 1, WAIT_MS), 1);
		assert_int_equal(recv(g.fd, buf, sizeof(buf), 0), 8);
		assert_memory_equal(buf, "PFpunch1", 8);
	}
	rig_close(&g);
}

/* ---- both ends, with a link between them that loses and reorders ---- */

struct link {
	int in, out;
	atomic_bool stop;
	pthread_t thread;
	uint64_t rng;
	atomic_uint dropped;
};

static void *run_link(void *arg)
{
	struct link *l = arg;
	uint8_t held[2048];
	ssize_t held_len = 0;

	while (!atomic_load(&l->stop)) {
		struct pollfd p = { .fd = l->in, .events = POLLIN };
		uint8_t buf[2048];
		ssize_t n;

		if (poll(&p, 1, 5) != 1) {
			if (held_len)
				(void)!send(l->out, held, (size_t)held_len, 0);
			held_len = 0;
			continue;
		}
		n = recv(l->in, buf, sizeof(buf), 0);
		if (n <= 0)
			continue;
		if (rng_below(&l->rng, 100) < 3) {
			atomic_fetch_add(&l->dropped, 1);
			continue;
		}
		if (!held_len && rng_below(&l->rng, 100) < 5) {
			memcpy(held, buf, (size_t)n);
			held_len = n;
			continue;
		}
		(void)!send(l->out, buf, (size_t)n, 0);
		if (held_len)
			(void)!send(l->out, held, (size_t)held_len, 0);
		held_len = 0;
	}
	return NULL;
}

static void sender_and_receiver_over_a_bad_link(void **state)
{
	enum { FRAMES = 200 };
	static uint8_t data[120000];
	struct link l = { .rng = rng_seed() };
	struct pf_sender_params sp = {
		.keys = udp_keys(),
		.shard_bytes = 1408,
		.max_data_per_block = 4096,
		.fec_percent = 40,
		.welcome_percent = 40,
		.max_frame_bytes = FRAME_MAX,
		.bitrate_kbps = 1000000,
	};
	struct pf_receiver_params rp = {
		.keys = udp_keys(),
		.shard_bytes = 1408,
		.max_data_per_block = 4096,
		.max_frame_bytes = FRAME_MAX,
	};
	struct pf_receiver_stats stats;
	struct pf_receiver *r;
	struct pf_sender *s;
	int a[2], b[2];

	udp_pair(a);
	udp_pair(b);
	sp.fd = a[0];
	l.in = a[1];
	l.out = b[0];
	rp.fd = b[1];
	assert_int_equal(pf_sender_create(&s, &sp, NULL), 0);
	assert_int_equal(pf_receiver_create(&r, &rp, NULL), 0);
	assert_int_equal(pthread_create(&l.thread, NULL, run_link, &l), 0);
	for (uint32_t i = 0; i < FRAMES; i++) {
		uint32_t len = i * 7919 % sizeof(data);
		struct pf_sender_frame in = { .data = data, .len = len, .pts_unix_ns = i };
		struct pf_received_frame out;

		memset(data, (int)i, len);
		assert_int_equal(pf_sender_submit(s, &in), 0);
		memset(data, 0xee, len); /* it was copied */
		assert_int_equal(pf_receiver_next(r, &out, WAIT_MS), 0);
		assert_int_equal(out.frame_index, i);
		assert_int_equal(out.len, len);
		for (uint32_t j = 0; j < len; j++)
			assert_int_equal(out.data[j], (uint8_t)i);
	}
	pf_receiver_stats(r, &stats);
	assert_true(stats.frames == FRAMES);
	assert_true(stats.shards_recovered > 0);
	assert_true(l.dropped > 0);
	assert_true(stats.packets_forged == 0 && stats.packets_invalid == 0);
	pf_sender_destroy(s);
	pf_receiver_destroy(r);
	atomic_store(&l.stop, true);
	pthread_join(l.thread, NULL);
	close(a[1]);
	close(b[0]);
}

static void bad_parameters_say_why(void **state)
{
	struct pf_receiver_params p = { .shard_bytes = 1408, .max_frame_bytes = FRAME_MAX };
	struct pf_reason why = { 0 };
	struct pf_receiver *r = NULL;

	p.fd = -1;
	assert_int_equal(pf_receiver_create(&r, &p, &why), -EINVAL);
	assert_true(why.text[0] != 0);
	assert_null(r);
	pf_receiver_destroy(NULL);
}

static void held_frames_stay_inside_when_told_so(void **state)
{
	struct pf_receiver_stats st;
	struct pf_received_frame f;
	struct rig g;

	rig_open_as(&g, false, FRAME_MAX, true, 0);
	send_frame(&g, 0, 1000, PF_USER_IDR, 0);
	next(&g, 0, 1000);
	/* number 1 is missing: what follows cannot be shown */
	send_frame(&g, 2, 1000, 0, 0);
	send_frame(&g, 3, 1000, 0, 0);
	wait_for(&g.seen.rfis, 1);
	assert_int_equal(pf_receiver_next(g.r, &f, 200), -EAGAIN);
	send_frame(&g, 4, 1000, PF_USER_RECOVERY_ANCHOR, 0);
	assert_false(next(&g, 4, 1000).hold);
	send_frame(&g, 5, 1000, 0, 0);
	assert_false(next(&g, 5, 1000).hold);
	/* a host that refreshes in waves: the wave behind the first point is needed */
	send_frame(&g, 7, 1000, 0, 0);
	send_frame(&g, 8, 1000, PF_USER_RECOVERY_POINT, 0);
	assert_true(next(&g, 8, 1000).hold);
	send_frame(&g, 9, 1000, 0, 0);
	assert_true(next(&g, 9, 1000).hold);
	send_frame(&g, 10, 1000, PF_USER_RECOVERY_POINT, 0);
	assert_false(next(&g, 10, 1000).hold);
	pf_receiver_stats(g.r, &st);
	assert_true(st.frames_withheld == 3);
	/* nobody takes: the ring of eight loses its oldest, and all that built on it */
	for (uint32_t i = 11; i < 11 + 9; i++)
		send_frame(&g, i, 1000, 0, 0);
	wait_for(&g.seen.keyframes, 1);
	assert_int_equal(pf_receiver_next(g.r, &f, 200), -EAGAIN);
	send_frame(&g, 20, 1000, PF_USER_IDR, 0);
	assert_false(next(&g, 20, 1000).hold);
	rig_close(&g);
}

static void frames_wait_for_their_time_when_told_so(void **state)
{
	struct pf_received_frame f;
	struct pollfd p;
	struct rig g;
	uint64_t begin;
	unsigned waited = 0;

	/* Ten a second, every other one 60 ms late: nobody waits longer than 100 ms. */
	rig_open_as(&g, false, FRAME_MAX, false, 10);
	p = (struct pollfd){ .fd = pf_receiver_fd(g.r), .events = POLLIN };
	begin = pf_clock_mono_ns();
	for (uint32_t i = 0; i < 12; i++) {
		static uint8_t data[1000];
		struct pf_au au = { data, sizeof(data), i, PF_USER_VIDEO,
			1000 * PF_NS_PER_S + i * 100 * PF_NS_PER_MS };
		uint64_t at = begin + i * 100 * PF_NS_PER_MS + (i % 2) * 60 * PF_NS_PER_MS, now;

		while ((now = pf_clock_mono_ns()) < at)
			usleep((useconds_t)((at - now) / 1000 + 1));
		packets_clear(&g.l);
		packets_of_frame(&g.l, g.p, &au, 64);
		for (uint32_t k = 0; k < g.l.n; k++)
			send_packet(&g, &g.l.v[k], false);
		assert_int_equal(poll(&p, 1, WAIT_MS), 1);
		assert_int_equal(pf_receiver_next(g.r, &f, 0), 0);
		assert_int_equal(f.frame_index, i);
		now = pf_clock_mono_ns();
		/* taken once it was due, not when it came */
		waited += i > 2 && i % 2 == 0 && now - f.completed_ns > 30 * PF_NS_PER_MS;
		assert_true(now - f.completed_ns < PF_NS_PER_S);
		/* and nothing is there to be taken now */
		assert_int_equal(poll(&p, 1, 0), 0);
	}
	assert_true(waited >= 3);
	pf_receiver_set_rate(g.r, 60);
	rig_close(&g);
}

static void windows_tell_what_came(void **state)
{
	struct rig g;
	uint64_t begin = pf_clock_mono_ns();
	unsigned n;

	rig_open(&g, false, FRAME_MAX);
	for (uint32_t i = 0; i < 10; i++) {
		send_frame(&g, i, 1000 + i, 0, 0);
		next(&g, i, 1000 + i);
	}
	/* one is lost for good once frames 65 numbers later come */
	send_frame(&g, 11 + 70, 2000, 0, 0);
	next(&g, 11 + 70, 2000);
	n = atomic_load(&g.seen.windows);
	wait_for(&g.seen.windows, n + 2);
	pthread_mutex_lock(&g.seen.lock);
	assert_true(g.seen.window.frames == 11);
	assert_true(g.seen.window.frame_bytes == 10 * 1000 + 45 + 2000);
	assert_true(g.seen.window.frames_lost >= 1);
	assert_int_equal(g.seen.window.frames_dropped, 0);
	assert_true(g.seen.window.span_ns >= 1400 * PF_NS_PER_MS);
	assert_true(g.seen.window.end_ns - begin + PF_NS_PER_S > g.seen.window.span_ns);
	/* of the same two clocks as the first frame's */
	assert_true(g.seen.window.delay_ns >= 0);
	assert_true(g.seen.window.delay_ns < 60 * (int64_t)PF_NS_PER_S);
	pthread_mutex_unlock(&g.seen.lock);
	rig_close(&g);
}

static void filler_is_counted_and_silences_the_reports(void **state)
{
	struct pf_received_probe got;
	uint8_t data[512] = { 0 };
	struct pf_au au = { data, sizeof(data), 0, PF_USER_PROBE, 1 };
	struct rig g;
	unsigned reports;

	rig_open(&g, false, FRAME_MAX);
	pf_receiver_probe_begin(g.r);
	reports = atomic_load(&g.seen.reports);
	for (au.frame_index = 0; au.frame_index < 30; au.frame_index++) {
		packets_clear(&g.l);
		packets_of_frame(&g.l, g.p, &au, 64);
		assert_int_equal(g.l.n, 1); /* no parity */
		send_packet(&g, &g.l.v[0], false);
		usleep(50000);
	}
	/* two windows have passed */
	assert_int_equal(atomic_load(&g.seen.reports), reports);
	assert_int_equal(atomic_load(&g.seen.windows), reports);
	pf_receiver_probe_end(g.r, &got);
	assert_true(got.packets == 30);
	assert_true(got.bytes == 30 * (512 + 40 + 24));
	/* less what the first was read late */
	assert_true(got.last_ns - got.first_ns >= 20 * 50 * PF_NS_PER_MS);
	/* the stream's numbers are its own */
	send_frame(&g, 0, 1000, 0, 0);
	next(&g, 0, 1000);
	wait_for(&g.seen.reports, reports + 1);
	/* and a second probe begins at nothing */
	pf_receiver_probe_begin(g.r);
	pf_receiver_probe_end(g.r, &got);
	assert_true(got.packets == 0 && got.bytes == 0 && got.first_ns == 0);
	rig_close(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_come_through_with_repair),
		cmocka_unit_test(the_path_and_the_cadence_are_told),
		cmocka_unit_test(what_is_not_genuine_is_counted_apart),
		cmocka_unit_test(a_gap_asks_and_holds),
		cmocka_unit_test(a_slow_taker_loses_the_oldest),
		cmocka_unit_test(large_frames_fill_the_ring_sooner),
		cmocka_unit_test(loss_is_reported_every_750_ms),
		cmocka_unit_test(punches_open_the_path),
		cmocka_unit_test(sender_and_receiver_over_a_bad_link),
		cmocka_unit_test(bad_parameters_say_why),
		cmocka_unit_test(held_frames_stay_inside_when_told_so),
		cmocka_unit_test(frames_wait_for_their_time_when_told_so),
		cmocka_unit_test(windows_tell_what_came),
		cmocka_unit_test(filler_is_counted_and_silences_the_reports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
