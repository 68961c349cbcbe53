/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "core/media/rate_control.h"
#include "core/wire/pf1_handshake.h"
#include "tests/unit/rate_link.h"

#define MS 1000000ull
#define W  (750 * MS)

/* A quiet window that delivers what is asked for, at `n` windows. */
static struct pf_rate_window good(const struct pf_rate_control *r, unsigned n)
{
	return (struct pf_rate_window){
		.end_ns = 1000 * MS + n * W,
		.span_ns = W,
		.frame_bytes = (uint64_t)r->target_kbps * 1000 / 8 * 3 / 4,
		.has_delay = true,
		.has_decode = true,
		.has_encode = true,
		.delay_ns = 10 * MS,
		.decode_ns = 5 * MS,
		.encode_ns = 3 * MS,
	};
}

static void settle(struct pf_rate_control *r, unsigned *n, unsigned windows)
{
	while (windows--) {
		struct pf_rate_window w = good(r, (*n)++);
		uint32_t kbps = pf_rate_control_window(r, &w);

		if (kbps)
			pf_rate_control_answer(r, kbps);
	}
}

/* Baselines are known, 100 Mbit/s in force and all of it allowed. */
static unsigned ready(struct pf_rate_control *r)
{
	unsigned n = 0;

	pf_rate_control_init(r, 100000, 100000);
	settle(r, &n, 10);
	assert_int_equal(r->target_kbps, 100000);
	return n;
}

static void what_is_severe_and_what_is_bad(void **state)
{
	static const struct {
		struct pf_rate_window w;
		unsigned needs; /* windows until the rate falls, 0 = never */
	} cases[] = {
		{ { .frames_lost = 1 }, 1 },
		{ { .flushes = 1 }, 1 },
		{ { .loss_ppm = 60000 }, 1 },
		{ { .loss_ppm = 59999 }, 2 },
		{ { .loss_ppm = 20000 }, 2 },
		{ { .loss_ppm = 19999 }, 0 },
		{ { .keyframe_asks = 4 }, 1 },
		{ { .keyframe_asks = 2 }, 2 },
		{ { .keyframe_asks = 1 }, 0 },
		{ { .delay_ns = 25 * MS }, 2 },
		{ { .delay_ns = 1000 * MS }, 2 },
		{ { .delay_ns = 25 * MS - 1 }, 0 },
		{ { .decode_ns = 45 * MS }, 1 },
		{ { .decode_ns = 45 * MS - 1 }, 2 },
		{ { .decode_ns = 15 * MS }, 2 },
		{ { .decode_ns = 15 * MS - 1 }, 0 },
		{ { .encode_ns = 12 * MS }, 1 },
		{ { .encode_ns = 12 * MS - 1 }, 2 },
		{ { .encode_ns = 4 * MS }, 2 },
		{ { .encode_ns = 4 * MS - 1 }, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pf_rate_control r;
		unsigned n = ready(&r), fell = 0;

		for (unsigned j = 1; j <= 3 && !fell; j++) {
			struct pf_rate_window w = good(&r, n++);
			uint32_t kbps;

			w.frames_lost = cases[i].w.frames_lost;
			w.flushes = cases[i].w.flushes;
			w.loss_ppm = cases[i].w.loss_ppm;
			w.keyframe_asks = cases[i].w.keyframe_asks;
			w.delay_ns += cases[i].w.delay_ns;
			w.decode_ns += cases[i].w.decode_ns;
			w.encode_ns += cases[i].w.encode_ns;
			kbps = pf_rate_control_window(&r, &w);
			if (kbps) {
				assert_int_equal(kbps, 70000);
				fell = j;
			}
		}
		if (fell != cases[i].needs)
			print_message("case %zu\n", i);
		assert_int_equal(fell, cases[i].needs);
	}
}

static void bad_windows_must_follow_each_other(void **state)
{
	struct pf_rate_control r;
	unsigned n = ready(&r);

	for (unsigned i = 0; i < 20; i++) {
		struct pf_rate_window w = good(&r, n++);

		if (i % 2)
			w.loss_ppm = 30000;
		assert_int_equal(pf_rate_control_window(&r, &w), 0);
	}
}

static void baselines_need_four_windows_and_forget_after_forty(void **state)
{
	struct pf_rate_control r;
	struct pf_rate_window w;
	unsigned n = 0;

	pf_rate_control_init(&r, 100000, 100000);
	/* Nothing to compare with: the fourth window is as slow as it likes. */
	settle(&r, &n, 3);
	w = good(&r, n++);
	w.decode_ns = 500 * MS;
	assert_int_equal(pf_rate_control_window(&r, &w), 0);
	w.end_ns += W;
	assert_int_equal(pf_rate_control_window(&r, &w), 70000);
	/* What is always so is normal. */
	n = ready(&r);
	for (unsigned i = 0; i < 200; i++) {
		uint32_t kbps;

		w = good(&r, n++);
		w.delay_ns = 60 * MS;
		kbps = pf_rate_control_window(&r, &w);
		if (kbps)
			pf_rate_control_answer(&r, kbps);
		if (i > 45)
			assert_true(kbps == 0 || kbps > r.floor_kbps);
	}
	assert_true(r.target_kbps > PF_RATE_FLOOR_KBPS);
	/* A clock that lies does not overflow. */
	n = ready(&r);
	w = good(&r, n++);
	w.delay_ns = INT64_MAX;
	(void)pf_rate_control_window(&r, &w);
	w.end_ns += W;
	w.delay_ns = INT64_MIN;
	(void)pf_rate_control_window(&r, &w);
	w.end_ns += W;
	w.delay_ns = INT64_MAX;
	(void)pf_rate_control_window(&r, &w);
}

static void still_pictures_say_nothing_of_the_encoder(void **state)
{
	struct pf_rate_control r;
	unsigned n = ready(&r);

	for (unsigned i = 0; i < 10; i++) {
		struct pf_rate_window w = good(&r, n++);

		w.frame_bytes /= 5;
		w.encode_ns = 100 * MS;
		assert_int_equal(pf_rate_control_window(&r, &w), 0);
	}
	/* And did not become the baseline. */
	for (unsigned i = 0; i < 2; i++) {
		struct pf_rate_window w = good(&r, n++);

		w.encode_ns = 40 * MS;
		assert_int_equal(pf_rate_control_window(&r, &w), i ? 0 : 70000);
	}
}

static void it_doubles_until_the_first_bad_window_then_crawls(void **state)
{
	struct pf_rate_control r;
	struct pf_rate_window w;
	unsigned n = 0, waited = 0;
	uint32_t kbps = 0;

	pf_rate_control_init(&r, 20000, 500000);
	settle(&r, &n, 3);
	/* Not above where it began while the capacity is not known. */
	assert_int_equal(r.target_kbps, 20000);
	pf_rate_control_capacity(&r, 2000000, PF_RATE_PROBE_KBPS);
	assert_int_equal(pf_rate_control_ceiling(&r), 500000);
	/* One and a half times what was proven. */
	w = good(&r, n++);
	kbps = pf_rate_control_window(&r, &w);
	assert_int_equal(kbps, 30000);
	pf_rate_control_answer(&r, kbps);
	/* 1.5 s between changes. */
	w = good(&r, n++);
	assert_int_equal(pf_rate_control_window(&r, &w), 0);
	w = good(&r, n++);
	kbps = pf_rate_control_window(&r, &w);
	assert_int_equal(kbps, 45000);
	pf_rate_control_answer(&r, kbps);
	settle(&r, &n, 1);
	w = good(&r, n++);
	w.loss_ppm = 30000;
	assert_int_equal(pf_rate_control_window(&r, &w), 0);
	for (kbps = 0; !kbps; waited++) {
		w = good(&r, n++);
		kbps = pf_rate_control_window(&r, &w);
	}
	assert_int_equal(waited, 6);
	assert_int_equal(kbps, 45000 + 45000 * 6 / 100);
}

static void windows_count_that_deliver_what_was_asked(void **state)
{
	struct pf_rate_control r;
	struct pf_rate_window w;
	unsigned n = 0;

	pf_rate_control_init(&r, 20000, 500000);
	pf_rate_control_capacity(&r, 2000000, PF_RATE_PROBE_KBPS);
	for (unsigned i = 0; i < 100; i++) {
		w = good(&r, n++);
		w.frame_bytes = w.frame_bytes * 74 / 100;
		assert_int_equal(pf_rate_control_window(&r, &w), 0);
	}
	w = good(&r, n++);
	w.frame_bytes = w.frame_bytes * 76 / 100;
	assert_int_equal(pf_rate_control_window(&r, &w), 20000 * 76 / 100 * 3 / 2);
}

static void the_floor_and_the_ceilings(void **state)
{
	struct pf_rate_control r;
	struct pf_rate_window w;
	unsigned n = ready(&r);

	for (unsigned i = 0; i < 100; i++) {
		uint32_t kbps;

		w = good(&r, n++);
		w.frames_lost = 3;
		kbps = pf_rate_control_window(&r, &w);
		if (kbps)
			pf_rate_control_answer(&r, kbps);
	}
	assert_int_equal(r.target_kbps, PF_RATE_FLOOR_KBPS);
	/* An operator's lower start is a lower floor. */
	pf_rate_control_init(&r, 3000, 100000);
	w = good(&r, n++);
	w.frames_lost = 3;
	assert_int_equal(pf_rate_control_window(&r, &w), 0);
	/* The probe found less than is in force. */
	n = ready(&r);
	pf_rate_control_capacity(&r, 10000, PF_RATE_PROBE_KBPS);
	w = good(&r, n++);
	assert_int_equal(pf_rate_control_window(&r, &w), 7000);
	pf_rate_control_answer(&r, 7000);
	/* It found nothing: all as it was. */
	n = ready(&r);
	pf_rate_control_capacity(&r, 0, PF_RATE_PROBE_KBPS);
	settle(&r, &n, 50);
	assert_int_equal(r.target_kbps, 100000);
	/* A test of the application that asked for little and got it says little. */
	pf_rate_control_init(&r, 20000, 100000);
	pf_rate_control_capacity(&r, 1000, 1000);
	assert_int_equal(pf_rate_control_ceiling(&r), 20000);
	pf_rate_control_capacity(&r, 60000, PF_RATE_PROBE_KBPS);
	assert_int_equal(pf_rate_control_ceiling(&r), 42000);
	pf_rate_control_capacity(&r, 1000, 1000);
	assert_int_equal(pf_rate_control_ceiling(&r), 42000);
	pf_rate_control_capacity(&r, 90000, 90000);
	assert_int_equal(pf_rate_control_ceiling(&r), 63000);
	/* One that did not get it found the link's end. */
	pf_rate_control_capacity(&r, 30000, 90000);
	assert_int_equal(pf_rate_control_ceiling(&r), 21000);
	/* Pictures that need no more. */
	assert_int_equal(pf_rate_pixel_kbps(1280, 720, 60, PF_CODEC_H264, 8, 1), 55296);
	assert_int_equal(pf_rate_pixel_kbps(1280, 720, 60, PF_CODEC_HEVC, 8, 1), 41472);
	assert_int_equal(pf_rate_pixel_kbps(1280, 720, 60, PF_CODEC_HEVC, 10, 1), 51840);
	assert_int_equal(pf_rate_pixel_kbps(1280, 720, 60, PF_CODEC_HEVC, 10, 3), 77760);
	assert_true(pf_rate_pixel_kbps(UINT32_MAX, UINT32_MAX, UINT32_MAX, 1, 10, 3) == UINT32_MAX);
	/* The probe is as large as what it must show, at most 2 Gbit/s. */
	assert_true(pf_rate_probe_kbps(55296) * 7ull / 10 > 55296);
	assert_true(pf_rate_probe_kbps(55296) < 100000);
	assert_int_equal(pf_rate_probe_kbps(UINT32_MAX), PF_RATE_PROBE_KBPS);
}

static void another_mode_has_another_ceiling_and_other_times(void **state)
{
	struct pf_rate_control r;
	struct pf_rate_window w;
	unsigned n = 0;

	pf_rate_control_init(&r, 20000, 50000);
	pf_rate_control_capacity(&r, 400000, PF_RATE_PROBE_KBPS);
	settle(&r, &n, 20);
	assert_int_equal(r.target_kbps, 50000);
	pf_rate_control_mode(&r, 30000);
	w = good(&r, n++);
	w.decode_ns = w.encode_ns = w.delay_ns = 300 * MS;
	assert_int_equal(pf_rate_control_window(&r, &w), 30000);
	pf_rate_control_answer(&r, 30000);
	pf_rate_control_mode(&r, 60000);
	settle(&r, &n, 20);
	assert_int_equal(r.target_kbps, 60000);
}

static void three_requests_without_an_answer_are_the_last(void **state)
{
	struct pf_rate_control r;
	unsigned n = ready(&r), asked = 0;

	for (unsigned i = 0; i < 100; i++) {
		struct pf_rate_window w = good(&r, n++);

		w.frames_lost = 1;
		asked += pf_rate_control_window(&r, &w) != 0;
	}
	assert_int_equal(asked, 3);
	assert_true(r.disabled);
	/* One answer in between begins the count anew. */
	n = ready(&r);
	asked = 0;
	for (unsigned i = 0; i < 5; i++) {
		struct pf_rate_window w = good(&r, n++);

		w.frames_lost = 1;
		if (pf_rate_control_window(&r, &w) && ++asked == 2)
			pf_rate_control_answer(&r, 49000);
	}
	assert_int_equal(asked, 3);
	assert_false(r.disabled);
}

static void two_equal_short_answers_are_the_host_s_limit(void **state)
{
	struct pf_rate_control r;
	unsigned n = 0, asks[8] = { 0 }, count = 0;
	uint32_t max = 40000;

	pf_rate_control_init(&r, 20000, 500000);
	pf_rate_control_capacity(&r, 2000000, PF_RATE_PROBE_KBPS);
	for (unsigned i = 0; i < 400 && count < 8; i++) {
		struct pf_rate_window w = good(&r, n++);
		uint32_t kbps = pf_rate_control_window(&r, &w);

		if (!kbps)
			continue;
		if (kbps > max) {
			/* Once it is known, an eighth above is tried, ever less often. */
			if (r.host.kbps)
				assert_int_equal(kbps, 45000);
			asks[count++] = i;
		}
		pf_rate_control_answer(&r, kbps < max ? kbps : max);
	}
	assert_int_equal(count, 7);
	assert_int_equal(r.target_kbps, max);
	assert_int_equal(r.host.kbps, max);
	assert_int_equal(asks[2] - asks[1], 16);
	assert_int_equal(asks[3] - asks[2], 32);
	assert_int_equal(asks[4] - asks[3], 64);
	assert_int_equal(asks[5] - asks[4], 128);
	assert_int_equal(asks[6] - asks[5], 128);
	/* The limit is gone: the next try is granted, and the climb goes on. */
	for (unsigned i = 0; i < 200; i++) {
		struct pf_rate_window w = good(&r, n++);
		uint32_t kbps = pf_rate_control_window(&r, &w);

		if (kbps)
			pf_rate_control_answer(&r, kbps);
	}
	assert_int_equal(r.host.kbps, 0);
	assert_true(r.target_kbps > 400000);
}

static void news_without_a_request_is_taken_as_it_is(void **state)
{
	struct pf_rate_control r;
	unsigned n = ready(&r);

	pf_rate_control_answer(&r, 0);
	assert_int_equal(r.target_kbps, 100000);
	for (unsigned i = 0; i < 3; i++)
		pf_rate_control_answer(&r, 30000);
	assert_int_equal(r.target_kbps, 30000);
	assert_int_equal(r.host.kbps, 0);
	settle(&r, &n, 30);
	assert_int_equal(r.target_kbps, 100000);
}

/* ---- simulated links ---- */

/* The link below which nothing is lost and nothing queues: parity is on top. */
static double fits(double capacity_kbps)
{
	return capacity_kbps / (1 + LINK_PARITY);
}

static void assert_rates(const struct link *l, unsigned from, unsigned to, double low, double high)
{
	for (unsigned i = from; i < to; i++)
		if (l->rate[i] < low || l->rate[i] > high) {
			print_message(
				"window %u: %u kbit/s, not %.0f..%.0f\n", i, l->rate[i], low, high);
			fail();
		}
}

static unsigned count_changes(const struct link *l, unsigned from, unsigned to)
{
	unsigned n = 0;

	for (unsigned i = from + 1; i < to; i++)
		n += l->rate[i] != l->rate[i - 1];
	return n;
}

static void a_wide_link_is_used_up_to_what_the_pictures_need(void **state)
{
	struct link l;

	link_init(&l, 300000, 50);
	link_start(&l, 20000, 55296);
	link_run(&l, 4);
	link_probe(&l);
	link_run(&l, 100);
	/* Steps of a half of what was seen to arrive, 1.5 s apart; then rest. */
	assert_rates(&l, 14, 104, 55296, 55296);
	assert_int_equal(l.backoffs, 0);
}

static void a_step_down_is_followed_within_seconds(void **state)
{
	struct link l;
	unsigned at, settled;

	link_init(&l, 60000, 60);
	link_start(&l, 20000, 200000);
	link_run(&l, 4);
	link_probe(&l);
	link_run(&l, 40);
	assert_true(l.rate_kbps > 35000);
	assert_int_equal(l.backoffs, 0);
	at = l.windows;
	l.capacity_kbps = 15000;
	link_run(&l, 60);
	/* From 42 to 14 Mbit/s are four steps of 0.7, 1.5 s each. */
	for (settled = at; l.rate[settled] > fits(15000); settled++)
		;
	assert_true(settled - at <= 10);
	/* Below from then on, with a picture: no more than one more step down, no
	 * lost frame once the queue has drained. */
	assert_rates(&l, settled, settled + 12, 5000, fits(15000));
	for (unsigned i = settled + 4; i < settled + 12; i++)
		assert_true(l.lost[i] == 0);
}

static void a_step_up_is_used_again(void **state)
{
	struct link l;
	unsigned at;

	link_init(&l, 60000, 60);
	link_start(&l, 20000, 200000);
	link_run(&l, 4);
	link_probe(&l);
	link_run(&l, 20);
	l.capacity_kbps = 15000;
	link_run(&l, 30);
	assert_true(l.rate_kbps < fits(15000));
	l.capacity_kbps = 60000;
	at = l.windows;
	link_run(&l, 260);
	/* 6 % each 4.5 s, without a slip, back to 0.7 of the capacity. */
	assert_rates(&l, at + 240, at + 260, 41000, 42000);
	for (unsigned i = at + 1; i < at + 260; i++)
		assert_true(l.rate[i] >= l.rate[i - 1]);
}

static void a_narrow_link_is_found_without_a_probe(void **state)
{
	struct link l;
	unsigned lossy = 0;

	/* Hosts that measure nothing: from 20 Mbit/s down, and never above. */
	link_init(&l, 12000, 80);
	link_start(&l, 20000, 55296);
	link_run(&l, 200);
	assert_rates(&l, 8, 200, 5000, 12000);
	/* A tooth of the saw is many windows long. */
	assert_true(l.backoffs <= 200 / 24);
	/* At its tip frames are lost, in one window of them. */
	for (unsigned i = 12; i < 200; i++)
		lossy += l.lost[i] > 0;
	assert_true(lossy <= l.backoffs + 1);
}

static double wifi(struct link *l, double seconds)
{
	uint64_t slot = (uint64_t)(seconds * 20), rng = slot + 77;

	/* 50 ms slots; every eighth or so carries a tenth. */
	return rng_below(&rng, 8) ? 90000 : 9000;
}

static void bursty_wifi_neither_starves_nor_swings(void **state)
{
	struct link l;

	link_init(&l, 80000, 250);
	l.capacity = wifi;
	link_start(&l, 20000, 200000);
	link_run(&l, 4);
	/* The probe averages over its 800 ms. */
	pf_rate_control_capacity(&l.rc, 75000, PF_RATE_PROBE_KBPS);
	link_run(&l, 300);
	assert_rates(&l, 20, 304, 9000, 60000);
	/* No swinging: most windows do as the one before. */
	assert_true(count_changes(&l, 20, 304) < 284 / 5);
	{
		double sum = 0;

		for (unsigned i = 20; i < 304; i++)
			sum += l.rate[i];
		assert_true(sum / 284 > 15000);
	}
}

static void bufferbloat_is_left_before_it_is_full(void **state)
{
	struct link l;
	unsigned high = 0;

	/* A second of queue, nothing is ever dropped: only delay tells. */
	link_init(&l, 40000, 1000);
	link_start(&l, 20000, 200000);
	link_run(&l, 8);
	pf_rate_control_capacity(
		&l.rc, 200000, PF_RATE_PROBE_KBPS); /* a probe that the queue fooled */
	link_run(&l, 300);
	for (unsigned i = 0; i < l.windows; i++) {
		assert_true(l.lost[i] == 0);
		high += l.delay_ms[i] > 150;
	}
	/* Doubling may run into it once; the saw's teeth stay small. */
	assert_true(high < 16);
	assert_rates(&l, 30, 308, 10000, 45000);
	assert_true(l.backoffs <= 308 / 24);
}

static void capped_content_neither_climbs_nor_falls(void **state)
{
	struct link l;

	link_init(&l, 300000, 50);
	l.content_kbps = 3000;
	link_start(&l, 20000, 200000);
	link_run(&l, 4);
	link_probe(&l);
	link_run(&l, 100);
	assert_int_equal(l.requests, 0);
	/* A game starts: now it climbs. */
	l.content_kbps = 0;
	link_run(&l, 30);
	assert_true(l.rate_kbps > 150000);
	/* And ends: what was reached stays. */
	l.content_kbps = 3000;
	link_run(&l, 100);
	assert_true(l.rate_kbps > 150000);
}

static void random_loss_that_parity_repairs_is_lived_with(void **state)
{
	struct link l;

	link_init(&l, 300000, 50);
	l.loss = 0.01;
	link_start(&l, 20000, 55296);
	link_run(&l, 4);
	link_probe(&l);
	link_run(&l, 60);
	assert_int_equal(l.backoffs, 0);
	assert_int_equal(l.rate_kbps, 55296);
	/* More: 0.7 is tried, loses as much, and what was before comes back. */
	for (unsigned percent = 2; percent <= 5; percent++) {
		unsigned at;
		double sum = 0;

		link_init(&l, 300000, 50);
		l.loss = percent / 100.0;
		link_start(&l, 20000, 55296);
		link_run(&l, 4);
		link_probe(&l);
		link_run(&l, 60);
		at = l.windows;
		link_run(&l, 300);
		for (unsigned i = at; i < at + 300; i++)
			sum += l.rate[i] / 300.0;
		assert_true(sum > 0.9 * 55296);
		assert_true(l.backoffs <= 6);
	}
	/* Six percent are no link to live with. */
	l.loss = 0.065;
	link_run(&l, 60);
	assert_int_equal(l.rate_kbps, PF_RATE_FLOOR_KBPS);
}

/* Loss of its own does not hide that a link is full: it settles where the same link
 * without that loss does, and loses no more frames. */
static void random_loss_does_not_hide_a_full_link(void **state)
{
	static const struct {
		double capacity_kbps, queue_ms;
		double (*capacity)(struct link *l, double seconds);
	} cases[] = {
		{ 12000, 80, NULL },   /* narrower than the start */
		{ 12000, 18, NULL },   /* drops before it delays */
		{ 40000, 1000, NULL }, /* delays before it drops */
		{ 80000, 250, wifi },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		double rate[2] = { 0 }, lost[2] = { 0 };

		for (unsigned lossy = 0; lossy < 2; lossy++) {
			struct link l;

			link_init(&l, cases[i].capacity_kbps, cases[i].queue_ms);
			l.capacity = cases[i].capacity;
			l.loss = lossy ? 0.03 : 0;
			link_start(&l, 20000, 200000);
			link_run(&l, 4);
			link_probe(&l);
			link_run(&l, 296);
			for (unsigned j = 60; j < 300; j++) {
				rate[lossy] += l.rate[j] / 240.0;
				lost[lossy] += l.lost[j];
			}
		}
		assert_true(rate[1] > 0.9 * rate[0] && rate[1] < 1.1 * rate[0]);
		assert_true(lost[1] <= lost[0] + 2);
	}
}

/* The link gets crowded while a lower rate is on trial, or crowded is what it was. */
static void a_trial_that_helps_is_kept(void **state)
{
	struct pf_rate_control r;
	struct pf_rate_window w;
	unsigned n = ready(&r);
	static const struct {
		uint32_t loss_ppm;
		int64_t delay_ns;
		uint32_t then_kbps; /* asked for at the end of the trial, 0 = nothing */
	} cases[] = {
		{ 30000, 0, 100000 },
		{ 22500, 0, 100000 },
		{ 22000, 0, 49000 },
		{ 1000, 0, 0 },
		{ 30000, 30 * MS, 49000 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t kbps = 0;

		n = ready(&r);
		for (unsigned j = 0; j < 2; j++) {
			w = good(&r, n++);
			w.loss_ppm = 30000;
			kbps = pf_rate_control_window(&r, &w);
		}
		assert_int_equal(kbps, 70000);
		pf_rate_control_answer(&r, kbps);
		kbps = 0;
		for (unsigned j = 0; j < 3 && !kbps; j++) {
			w = good(&r, n++);
			w.loss_ppm = cases[i].loss_ppm;
			w.delay_ns += cases[i].delay_ns;
			kbps = pf_rate_control_window(&r, &w);
		}
		assert_int_equal(kbps, cases[i].then_kbps);
		assert_int_equal(r.own_loss_ppm != 0, cases[i].then_kbps == 100000);
	}
}

/* Told to start low, or pushed there by something else: six windows of the same loss
 * at the floor are the link's own, and the climb begins. */
static void the_floor_is_left_again(void **state)
{
	struct link l;

	link_init(&l, 300000, 50);
	l.loss = 0.03;
	link_start(&l, 5000, 55296);
	link_run(&l, 4);
	link_probe(&l);
	link_run(&l, 400);
	assert_true(l.rate_kbps > 20000);
	/* The loss goes: what was forgiven is soon no more. */
	l.loss = 0;
	link_run(&l, 60);
	assert_true(l.rc.own_loss_ppm < 100);
}

static void a_slow_decoder_is_found_and_kept_busy(void **state)
{
	struct link l;
	unsigned over = 0;

	link_init(&l, 1000000, 50);
	l.decoder_kbps = 60000;
	link_start(&l, 20000, 200000);
	link_run(&l, 6);
	link_probe(&l);
	link_run(&l, 600);
	assert_true(l.rc.decoder.kbps > 0);
	assert_rates(&l, 60, 606, 30000, 76000);
	for (unsigned i = 200; i < 606; i++)
		over += l.rate[i] > 60000;
	/* Above only to look whether it is still so. */
	assert_true(over < 30);
	/* The decoder becomes faster. */
	l.decoder_kbps = 0;
	link_run(&l, 800);
	assert_true(l.rate_kbps > 76000);
}

static void a_deaf_host_is_left_alone(void **state)
{
	struct link l;

	link_init(&l, 10000, 50);
	l.deaf = true;
	link_start(&l, 20000, 55296);
	link_run(&l, 100);
	assert_int_equal(l.requests, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_severe_and_what_is_bad),
		cmocka_unit_test(bad_windows_must_follow_each_other),
		cmocka_unit_test(baselines_need_four_windows_and_forget_after_forty),
		cmocka_unit_test(still_pictures_say_nothing_of_the_encoder),
		cmocka_unit_test(it_doubles_until_the_first_bad_window_then_crawls),
		cmocka_unit_test(windows_count_that_deliver_what_was_asked),
		cmocka_unit_test(the_floor_and_the_ceilings),
		cmocka_unit_test(another_mode_has_another_ceiling_and_other_times),
		cmocka_unit_test(three_requests_without_an_answer_are_the_last),
		cmocka_unit_test(two_equal_short_answers_are_the_host_s_limit),
		cmocka_unit_test(news_without_a_request_is_taken_as_it_is),
		cmocka_unit_test(a_wide_link_is_used_up_to_what_the_pictures_need),
		cmocka_unit_test(a_step_down_is_followed_within_seconds),
		cmocka_unit_test(a_step_up_is_used_again),
		cmocka_unit_test(a_narrow_link_is_found_without_a_probe),
		cmocka_unit_test(bursty_wifi_neither_starves_nor_swings),
		cmocka_unit_test(bufferbloat_is_left_before_it_is_full),
		cmocka_unit_test(capped_content_neither_climbs_nor_falls),
		cmocka_unit_test(random_loss_that_parity_repairs_is_lived_with),
		cmocka_unit_test(random_loss_does_not_hide_a_full_link),
		cmocka_unit_test(a_trial_that_helps_is_kept),
		cmocka_unit_test(the_floor_is_left_again),
		cmocka_unit_test(a_slow_decoder_is_found_and_kept_busy),
		cmocka_unit_test(a_deaf_host_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
