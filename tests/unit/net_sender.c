/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "core/net/sender.h"
#include "core/net/udp.h"
#include "core/wire/pf1_media.h"
#include "tests/unit/udp_pair.h"

#define FRAME_MAX (4u << 20)

/* What the events told. */
struct seen {
	atomic_uint ready, sent;
	struct pf_sent_frame frames[64];
	atomic_uint probed;
	struct pf_sent_probe probe;
	uint16_t peer_port;
};

static void on_ready(void *user, const struct sockaddr_storage *peer)
{
	struct seen *s = user;

	s->peer_port = ntohs(((const struct sockaddr_in *)peer)->sin_port);
	atomic_fetch_add(&s->ready, 1);
}

static void on_sent(void *user, const struct pf_sent_frame *f)
{
	struct seen *s = user;

	s->frames[atomic_load(&s->sent) % 64] = *f;
	atomic_fetch_add(&s->sent, 1);
}

static void on_probed(void *user, const struct pf_sent_probe *p)
{
	struct seen *s = user;

	s->probe = *p;
	atomic_fetch_add(&s->probed, 1);
}

static const struct pf_sender_events events = {
	.ready = on_ready, .sent = on_sent, .probed = on_probed
};

static struct pf_sender_params params_for(int fd, struct seen *seen)
{
	return (struct pf_sender_params){
		.fd = fd,
		.keys = udp_keys(),
		.shard_bytes = 1408,
		.max_data_per_block = 4096,
		.fec_percent = 20,
		.welcome_percent = 20,
		.max_frame_bytes = FRAME_MAX,
		.bitrate_kbps = 20000,
		.events = &events,
		.user = seen,
	};
}

static void wait_for(const atomic_uint *counter, unsigned want)
{
	struct timespec ms = { .tv_nsec = 1000000 };

	for (int i = 0; i < 10000 && atomic_load(counter) < want; i++)
		nanosleep(&ms, NULL);
	assert_int_equal(atomic_load(counter), want);
}

/* Receives until `want` packets are there; checks their sealing; how many. */
static unsigned drain(int fd, struct pf_seal *opener, unsigned want, struct pf_media_hdr *last)
{
	unsigned got = 0;

	while (got < want) {
		uint8_t buf[2048];
		struct pollfd p = { .fd = fd, .events = POLLIN };
		struct pf_sealed in = { .data = buf };

		if (poll(&p, 1, 2000) != 1)
			break;
		in.len = (uint32_t)recv(fd, buf, sizeof(buf), 0);
		assert_int_equal(pf_seal_open(opener, &in, 1), 1);
		assert_true(in.seq == opener->seq++);
		assert_int_equal(pf_media_hdr_parse(last, buf + 8, in.len - 24), 0);
		got++;
	}
	return got;
}

static void frames_leave_sealed_and_stamped(void **state)
{
	static struct seen seen;
	static uint8_t data[100000];
	struct pf_media_keys keys = udp_keys();
	struct pf_sender_params params;
	struct pf_sender_stats stats;
	struct pf_media_hdr last;
	struct pf_sender *s;
	struct pf_seal opener;
	uint64_t before = pf_clock_mono_ns();
	int fd[2];

	udp_pair(fd);
	params = params_for(fd[0], &seen);
	assert_int_equal(pf_seal_init(&opener, &keys, PF_FROM_HOST), 0);
	assert_int_equal(pf_sender_create(&s, &params, NULL), 0);
	for (unsigned i = 0; i < 6; i++) {
		struct pf_sender_frame f = {
			.data = data,
			.len = i * 20000,
			.pts_unix_ns = 1000 + i,
			.user_flags = PF_USER_VIDEO,
			.user = { i, 2, 3, ~0ull },
		};
		unsigned k = i ? (i * 20000 + 1407) / 1408 : 1;
		unsigned m = (k + 4) / 5 < 2 ? 2 : (k + 4) / 5;
		const struct pf_sent_frame *done = &seen.frames[i];

		assert_int_equal(pf_sender_submit(s, &f), 0);
		assert_int_equal(drain(fd[1], &opener, k + m, &last), k + m);
		wait_for(&seen.sent, i + 1);
		assert_int_equal(last.frame_index, i);
		assert_int_equal(last.flags & PF_PKT_EOF, PF_PKT_EOF);
		assert_int_equal(done->frame_index, i);
		assert_true(done->pts_unix_ns == 1000 + i);
		assert_int_equal(done->packets, k + m);
		assert_int_equal(done->parity_packets, m);
		assert_true(done->user[0] == i && done->user[3] == ~0ull);
		assert_true(before <= done->submit_ns && done->submit_ns <= done->start_ns &&
			    done->start_ns <= done->sealed_ns && done->sealed_ns <= done->sent_ns);
	}
	assert_int_equal(seen.ready, 1);
	assert_int_equal(pf_sender_queued(s), 0);
	pf_sender_stats(s, &stats);
	assert_true(stats.frames == 6 && stats.sent == 6 && !stats.dropped && !stats.send_errors);
	assert_true(stats.packets == opener.seq);
	assert_true(stats.bytes == opener.seq * 1472);
	assert_in_range(stats.fec_percent, 20, 22);
	pf_sender_destroy(s);
	pf_seal_finish(&opener);
	close(fd[1]);
}

static void a_punch_settles_the_destination(void **state)
{
	static struct seen seen;
	struct pf_media_keys keys = udp_keys();
	struct pf_sender_frame f = { .data = (const uint8_t *)"x", .len = 1 };
	struct pf_sender_params params;
	struct sockaddr_storage host;
	struct pf_sender_stats stats;
	struct pf_media_hdr last;
	struct pf_sender *s;
	struct pf_seal opener;
	uint64_t begin;
	int host_fd, client;
	unsigned held = 0;

	assert_int_equal(pf_udp_open("127.0.0.1", 0, &host_fd), 0);
	assert_int_equal(pf_udp_open("127.0.0.1", 0, &client), 0);
	host = udp_loopback(pf_udp_port(host_fd));
	params = params_for(host_fd, &seen);
	params.await_punch = true;
	params.peer = udp_loopback(1);
	assert_int_equal(pf_sender_create(&s, &params, NULL), 0);
	/* frames wait for the destination, as many as the ring holds, or fewer old ones */
	while (!pf_sender_submit(s, &f))
		held++;
	assert_in_range(held, PF_SENDER_SLOTS_LOW, PF_SENDER_SLOTS);
	usleep(1000 * (PF_SENDER_WAIT_MS + 1));
	assert_int_equal(pf_sender_submit(s, &f), -EAGAIN);
	assert_int_equal(pf_sender_queued(s), held);
	assert_int_equal(seen.ready, 0);
	assert_int_equal(pf_udp_punch(client, &host), 0);
	wait_for(&seen.sent, held);
	assert_int_equal(seen.ready, 1);
	assert_int_equal(seen.peer_port, pf_udp_port(client));
	/* the dropped frames left a gap in the numbers */
	assert_int_equal(pf_sender_submit(s, &f), 0);
	assert_int_equal(pf_seal_init(&opener, &keys, PF_FROM_HOST), 0);
	assert_int_equal(drain(client, &opener, 3 * (held + 1), &last), 3 * (held + 1));
	assert_int_equal(last.frame_index, held + 2);
	pf_sender_stats(s, &stats);
	assert_true(stats.frames == held + 3 && stats.dropped == 2);
	pf_sender_destroy(s);
	pf_seal_finish(&opener);

	/* and one that never gets a punch ends at once when told to */
	assert_int_equal(pf_udp_open("127.0.0.1", 0, &params.fd), 0);
	assert_int_equal(pf_sender_create(&s, &params, NULL), 0);
	begin = pf_clock_mono_ns();
	pf_sender_destroy(s);
	assert_true(pf_clock_mono_ns() - begin < PF_NS_PER_S);
	close(client);
}

static void large_frames_are_spread(void **state)
{
	static struct seen seen;
	struct pf_sender_frame f = { .len = 400 * 1024, .user_flags = PF_USER_VIDEO };
	struct pf_sender_params params;
	struct pf_sender *s;
	uint64_t took;
	int fd[2];

	f.data = calloc(1, FRAME_MAX);
	assert_non_null(f.data);
	udp_pair(fd);
	params = params_for(fd[0], &seen);
	assert_int_equal(pf_sender_create(&s, &params, NULL), 0);
	assert_int_equal(pf_sender_submit(s, &f), 0);
	wait_for(&seen.sent, 1);
	/* 502 KB on the wire, 131 KB at once, the rest at 60 Mbit/s = 49 ms */
	took = seen.frames[0].sent_ns - seen.frames[0].start_ns;
	assert_true(took > 45 * PF_NS_PER_MS);
	/* ten times the rate */
	pf_sender_set_bitrate(s, 200000);
	assert_int_equal(pf_sender_submit(s, &f), 0);
	wait_for(&seen.sent, 2);
	took = seen.frames[1].sent_ns - seen.frames[1].start_ns;
	assert_true(took > 4 * PF_NS_PER_MS);
	/* a frame above the limit is refused */
	f.len = FRAME_MAX + 1;
	assert_int_equal(pf_sender_submit(s, &f), -EMSGSIZE);
	pf_sender_destroy(s);
	free((void *)f.data);
	close(fd[1]);
}

static void reports_steer_the_parity(void **state)
{
	static struct seen seen;
	static uint8_t data[100 * 1408];
	struct pf_sender_frame f = { .data = data, .len = sizeof(data) };
	struct pf_sender_params params;
	struct pf_sender_stats stats;
	struct pf_sender *s;
	uint32_t before;
	int fd[2];

	udp_pair(fd);
	params = params_for(fd[0], &seen);
	params.fec_percent = PF_FEC_ADAPTIVE;
	assert_int_equal(pf_sender_create(&s, &params, NULL), 0);
	assert_int_equal(pf_sender_submit(s, &f), 0);
	wait_for(&seen.sent, 1);
	pf_sender_stats(s, &stats);
	assert_int_equal(stats.loss_ppm, 20000);
	before = stats.fec_percent;
	assert_in_range(before, 20, 25); /* bursts are possible */
	pf_sender_loss_report(s, 200000);
	assert_int_equal(pf_sender_submit(s, &f), 0);
	wait_for(&seen.sent, 2);
	pf_sender_stats(s, &stats);
	assert_in_range(stats.loss_ppm, 200000, 250000);
	assert_true(stats.fec_percent > 2 * before);
	assert_int_equal(seen.frames[1].parity_packets, stats.fec_percent);
	pf_sender_destroy(s);
	close(fd[1]);
}

/* How long it takes until a frame of 100 KiB has left, at 10 Mbit/s. */
static uint64_t pace_ns(struct pf_sender *s, struct seen *seen, unsigned n)
{
	static uint8_t data[100 * 1024];
	struct pf_sender_frame f = { .data = data, .len = sizeof(data) };

	assert_int_equal(pf_sender_submit(s, &f), 0);
	wait_for(&seen->sent, n);
	return seen->frames[n - 1].sent_ns - seen->frames[n - 1].start_ns;
}

/* A report of a lost frame ends the bursts, until eight reports had none. */
static void lost_frames_make_it_gentle(void **state)
{
	static struct seen seen;
	struct pf_sender_params params;
	struct pf_sender *s;
	int fd[2];

	udp_pair(fd);
	params = params_for(fd[0], &seen);
	params.fec_percent = 0;
	params.bitrate_kbps = 10000;
	assert_int_equal(pf_sender_create(&s, &params, NULL), 0);
	(void)pace_ns(s, &seen, 1);
	pf_sender_loss_report(s, 50000);
	/* 90,000 bytes and their headers at 12.5 Mbit/s */
	assert_true(pace_ns(s, &seen, 2) > 45000000);
	for (unsigned i = 0; i < 7; i++) {
		pf_sender_loss_report(s, 0);
		assert_true(pace_ns(s, &seen, 3 + i) > 45000000);
	}
	/* then faster by a sixteenth each */
	pf_sender_loss_report(s, 0);
	assert_true(pace_ns(s, &seen, 10) > 45000000);
	for (unsigned i = 0; i < 15; i++) {
		pf_sender_loss_report(s, 0);
		(void)pace_ns(s, &seen, 11 + i);
	}
	assert_true(pace_ns(s, &seen, 26) < 45000000);
	pf_sender_destroy(s);
	close(fd[1]);
}

/* A client that asks for a repair need not wait for its report. */
static void a_lost_frame_makes_it_gentle_at_once(void **state)
{
	static struct seen seen;
	struct pf_sender_params params;
	struct pf_sender_stats st;
	struct pf_sender *s;
	int fd[2];

	udp_pair(fd);
	params = params_for(fd[0], &seen);
	params.fec_percent = 0;
	params.bitrate_kbps = 10000;
	assert_int_equal(pf_sender_create(&s, &params, NULL), 0);
	assert_true(pace_ns(s, &seen, 1) < 45000000);
	pf_sender_stats(s, &st);
	assert_false(st.gentle);
	pf_sender_frame_lost(s);
	assert_true(pace_ns(s, &seen, 2) > 45000000);
	pf_sender_stats(s, &st);
	assert_true(st.gentle);
	/* a report that all is well does not cut it short */
	pf_sender_loss_report(s, 0);
	assert_true(pace_ns(s, &seen, 3) > 45000000);
	pf_sender_destroy(s);
	close(fd[1]);
}

/* Burst, capped and smooth, by parameter and by call; what it cost is told. */
static void deliveries_differ(void **state)
{
	static struct seen seen;
	static uint8_t data[200 * 1024];
	struct pf_sender_frame f = { .data = data, .len = sizeof(data), .user_flags = 1 };
	struct pf_sender_params params;
	struct pf_sender_stats st;
	struct pf_sender *s;
	uint64_t took[3], sum = 0, most = 0;
	int fd[2];

	udp_pair(fd);
	params = params_for(fd[0], &seen);
	params.fec_percent = 0;
	params.bitrate_kbps = 50000;
	params.delivery = PF_DELIVERY_BURST;
	assert_int_equal(pf_sender_create(&s, &params, NULL), 0);
	for (unsigned i = 0; i < 3; i++) {
		if (i)
			pf_sender_set_delivery(s, i == 1 ? PF_DELIVERY_CAPPED : PF_DELIVERY_SMOOTH);
		f.pts_unix_ns += 10000000;
		assert_int_equal(pf_sender_submit(s, &f), 0);
		wait_for(&seen.sent, i + 1);
		took[i] = seen.frames[i].sent_ns - seen.frames[i].start_ns;
		sum += took[i];
		if (took[i] > most)
			most = took[i];
	}
	pf_sender_stats(s, &st);
	/* 214 kB: all of it at 75 Mbit/s, or 83 kB at 150 */
	assert_true(took[2] > 21000000);
	assert_true(took[1] > 3000000);
	assert_true(st.pace_ns == sum && st.pace_max_ns == most);
	assert_true(st.queue_ns >= st.queue_max_ns);
	/* At most 60 us at the end of each of two dozen waits, and what else ran then. */
	assert_in_range(st.spin_ns, 0, 30000000);
	/* The burst in full trains, the others in trains of sixteen. */
	assert_in_range(st.trains, 4 + 6 + 10, 4 + 9 + 11);
	assert_in_range(st.calls, st.trains, st.gso ? st.trains : st.packets);
	params.fd = 0;
	params.delivery = PF_DELIVERIES;
	pf_sender_destroy(s);
	assert_int_equal(pf_sender_create(&s, &params, NULL), -EINVAL);
	close(fd[1]);
}

static void a_probe_fills_the_link_beside_the_frames(void **state)
{
	static struct seen seen;
	static uint8_t data[20000];
	struct pf_sender_frame f = { .data = data, .len = sizeof(data) };
	struct pf_media_keys keys = udp_keys();
	unsigned filler = 0, video = 0, trains = 0;
	struct pf_sender_params params;
	struct pf_sender_stats stats;
	struct pf_media_hdr h;
	struct pf_sender *s;
	struct pf_seal opener;
	uint32_t last = 0;
	int fd[2];

	f.user_flags = PF_USER_VIDEO;
	udp_pair(fd);
	params = params_for(fd[0], &seen);
	assert_int_equal(pf_seal_init(&opener, &keys, PF_FROM_HOST), 0);
	assert_int_equal(pf_sender_create(&s, &params, NULL), 0);
	assert_int_equal(pf_sender_probe(s, 0, 100), -EINVAL);
	assert_int_equal(pf_sender_probe(s, 10000, 0), -EINVAL);
	assert_int_equal(pf_sender_probe(s, 16000, 300), 0);
	assert_int_equal(pf_sender_probe(s, 16000, 300), -EBUSY);
	/* Frames do not wait for its end. */
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(pf_sender_submit(s, &f), 0);
		wait_for(&seen.sent, i + 1);
		assert_int_equal(atomic_load(&seen.probed), 0);
	}
	wait_for(&seen.probed, 1);
	/* 16 Mbit/s for 300 ms are 600 kB; never more, less when the machine is busy. */
	assert_in_range(seen.probe.duration_ms, 300, 3000);
	assert_in_range(seen.probe.packets, 100, 600000 / 1472 + 64);
	assert_int_equal(seen.probe.wire_packets, seen.probe.packets);
	assert_true(seen.probe.bytes == seen.probe.packets * 1472ull);
	while (filler < seen.probe.packets || video < 4 * 18) {
		assert_int_equal(drain(fd[1], &opener, 1, &h), 1);
		if (h.user_flags == PF_USER_VIDEO) {
			assert_in_range(h.frame_index, 0, 3);
			video++;
			continue;
		}
		/* Numbers of its own, no parity, a frame per train. */
		assert_int_equal(h.user_flags, PF_USER_PROBE);
		assert_int_equal(h.flags & ~(PF_PKT_SOF | PF_PKT_EOF), PF_PKT_PROBE);
		assert_int_equal(h.recovery_shards, 0);
		assert_int_equal(h.frame_bytes, h.data_shards * 1408);
		if (filler && h.frame_index != last)
			assert_int_equal(h.frame_index, last + 1);
		trains += !filler || h.frame_index != last;
		last = h.frame_index;
		filler++;
	}
	assert_int_equal(last + 1, trains);
	/* Statistics are of the stream. */
	pf_sender_stats(s, &stats);
	assert_int_equal(stats.packets, 4 * 18);
	assert_int_equal(stats.frames, 4);
	assert_int_equal(pf_sender_queued(s), 0);
	/* The next one may come; a sender ends in the middle of it. */
	assert_int_equal(pf_sender_probe(s, 1000, 5000), 0);
	pf_sender_destroy(s);
	pf_seal_finish(&opener);
	close(fd[1]);
}

static void bad_parameters_say_why(void **state)
{
	struct pf_sender *s = NULL;
	int fd[2];

	udp_pair(fd);
	for (unsigned i = 0; i < 5; i++) {
		struct pf_sender_params p = params_for(fd[0], NULL);
		struct pf_reason why = { 0 };

		switch (i) {
		case 0:
			p.shard_bytes = 1407;
			break;
		case 1:
			p.fec_percent = 91;
			break;
		case 2:
			p.max_frame_bytes = 0;
			break;
		case 3:
			p.await_punch = true;
			break;
		case 4:
			p.max_data_per_block = 0;
			break;
		}
		assert_int_equal(pf_sender_create(&s, &p, &why), -EINVAL);
		assert_true(why.text[0] != 0);
		assert_null(s);
	}
	/* the socket stayed ours */
	assert_int_equal(close(fd[0]), 0);
	close(fd[1]);
	pf_sender_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_leave_sealed_and_stamped),
		cmocka_unit_test(a_punch_settles_the_destination),
		cmocka_unit_test(large_frames_are_spread),
		cmocka_unit_test(reports_steer_the_parity),
		cmocka_unit_test(lost_frames_make_it_gentle),
		cmocka_unit_test(a_lost_frame_makes_it_gentle_at_once),
		cmocka_unit_test(deliveries_differ),
		cmocka_unit_test(a_probe_fills_the_link_beside_the_frames),
		cmocka_unit_test(bad_parameters_say_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
