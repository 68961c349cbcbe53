/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include "core/media/parity.h"

/* P(more than m of n packets lost) by walking Gilbert's chain packet by packet:
 * another way than the one under test. */
static double tail_by_walking(uint32_t n, uint32_t m, double p, double burst)
{
	double r, g, sum = 0;
	double *good = calloc(m + 2, sizeof(double)), *bad = calloc(m + 2, sizeof(double));

	assert_non_null(good);
	assert_non_null(bad);
	if (burst < 1 / (1 - p))
		burst = 1 / (1 - p);
	r = 1 / burst;
	g = p * r / (1 - p);
	/* good[j], bad[j]: j lost so far, state of the newest packet; all above m
	 * are dropped. */
	good[0] = 1 - p;
	if (m > 0)
		bad[1] = p;
	for (uint32_t t = 1; t < n; t++) {
		for (uint32_t j = m + 1; j-- > 0;) {
			double to_bad = j ? good[j - 1] * g + bad[j - 1] * (1 - r) : 0;
			double to_good = good[j] * (1 - g) + bad[j] * r;

			bad[j] = to_bad;
			good[j] = to_good;
		}
	}
	for (uint32_t j = 0; j <= m; j++)
		sum += good[j] + bad[j];
	free(good);
	free(bad);
	return 1 - sum;
}

static const double losses[] = { 0.001, 0.02, 0.05, 0.1, 0.3, 0.5 };
static const double bursts[] = { 1, 1.5, 3, 10 };

static void the_count_is_the_smallest_that_serves(void **state)
{
	static const uint32_t ks[] = { 1, 2, 3, 6, 8, 15, 40, 120, 300 };

	for (unsigned i = 0; i < 6; i++) {
		for (unsigned b = 0; b < 4; b++) {
			for (unsigned n = 0; n < 9; n++) {
				uint32_t k = ks[n];
				uint32_t m = pf_parity_solve(k, losses[i], bursts[b], 1e-5, 5000);

				assert_true(m < 5000);
				assert_true(tail_by_walking(k + m, m, losses[i], bursts[b]) <=
					    1e-5 * (1 + 1e-6));
				if (m)
					assert_true(tail_by_walking(k + m - 1, m - 1, losses[i],
							    bursts[b]) > 1e-5 * (1 - 1e-6));
			}
		}
	}
}

/* Underflow guard: (1 - g)^4095 is far below the smallest double here. */
static void whole_blocks_at_high_loss(void **state)
{
	uint32_t m = pf_parity_solve(4096, 0.5, 1, 1e-5, 10000);

	assert_in_range(m, 4400, 4600);
	assert_true(tail_by_walking(4096 + m, m, 0.5, 1) <= 1.001e-5);
	assert_true(tail_by_walking(4096 + m - 1, m - 1, 0.5, 1) > 0.999e-5);
	assert_int_equal(pf_parity_solve(4096, 0.5, 1, 1e-5, 410), 410);
	assert_int_equal(pf_parity_solve(10, 0, 1, 1e-5, 410), 0);
	assert_int_equal(pf_parity_solve(10, 1, 1, 1e-5, 410), 410);
}

static uint64_t rng_state = 0x9e3779b97f4a7c15ull;

static double uniform(void)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return (double)(rng_state >> 11) * 0x1p-53;
}

/* Frames through a simulated link: what the formula promises comes true. */
static double simulate(uint32_t k, uint32_t m, double p, double burst, unsigned frames)
{
	double r, g;
	unsigned dead = 0;
	bool bad = uniform() < p;

	if (burst < 1 / (1 - p))
		burst = 1 / (1 - p);
	r = 1 / burst;
	g = p * r / (1 - p);
	for (unsigned f = 0; f < frames; f++) {
		uint32_t lost = 0;

		for (uint32_t i = 0; i < k + m; i++) {
			bad = uniform() < (bad ? 1 - r : g);
			lost += bad;
		}
		dead += lost > m;
	}
	return (double)dead / frames;
}

static void simulated_links_lose_what_was_promised(void **state)
{
	static const struct {
		uint32_t k;
		double p, burst;
	} links[] = { { 6, 0.02, 1 }, { 6, 0.05, 1 }, { 40, 0.02, 1 }, { 6, 0.05, 3 },
		{ 40, 0.1, 5 } };

	/* A residual of 10^-3 gives enough dead frames to count. */
	for (unsigned i = 0; i < 5; i++) {
		uint32_t m = pf_parity_solve(links[i].k, links[i].p, links[i].burst, 1e-3, 1000);
		double with = simulate(links[i].k, m, links[i].p, links[i].burst, 200000);
		double less = simulate(links[i].k, m - 1, links[i].p, links[i].burst, 200000);

		assert_true(with < 1.35e-3);
		assert_true(less > 0.75e-3);
	}
}

static void policy_keeps_its_bounds(void **state)
{
	struct pf_parity p;

	assert_int_equal(pf_parity_init(&p, PF_PARITY_ADAPTIVE, 10, 4096), 0);
	pf_parity_tell(&p, 0.02, 1);
	assert_int_equal(pf_parity_choose(&p, 1, 1), 2);
	assert_int_equal(pf_parity_choose(&p, 6, 1), 4);
	assert_int_equal(pf_parity_choose(&p, 120, 1), 12);
	assert_int_equal(p.block_cap, 4506);
	pf_parity_tell(&p, 0.9, 1);
	assert_int_equal(pf_parity_loss_ppm(&p), 500000);
	assert_int_equal(pf_parity_choose(&p, 4096, 1), 410);
	assert_int_equal(pf_parity_choose(&p, 4505, 1), 1);
	assert_true(pf_parity_choose(&p, 1, 1) > 10); /* low rate: more parity than data */

	assert_int_equal(pf_parity_init(&p, 20, 20, 4096), 0);
	assert_int_equal(pf_parity_choose(&p, 100, 1), 20);
	assert_int_equal(pf_parity_choose(&p, 101, 1), 21);
	assert_int_equal(pf_parity_choose(&p, 1, 1), 2);
	pf_parity_report(&p, 500000);
	assert_int_equal(pf_parity_choose(&p, 100, 1), 20);
	assert_int_equal(pf_parity_choose(&p, 4096, 1), 820);

	assert_int_equal(pf_parity_init(&p, 0, 0, 4096), 0);
	assert_int_equal(pf_parity_choose(&p, 100, 1), 0);
	assert_int_equal(pf_parity_init(&p, 91, 10, 4096), -EINVAL);
	assert_int_equal(pf_parity_init(&p, 10, 91, 4096), -EINVAL);
	assert_int_equal(pf_parity_init(&p, 10, 10, 0), -EINVAL);
}

/* The bars: at 2 % 10^-5 of the frames and 10 % of parity from 120 packets up, at
 * 5 % 10^-4 and 15 %; computed exactly, at every size. */
static void every_size_keeps_both_bars(void **state)
{
	static const struct {
		double loss, residual;
		uint32_t percent;
	} bars[] = { { 0.02, 1e-5, 10 }, { 0.05, 1e-4, 15 } };

	for (unsigned i = 0; i < 2; i++) {
		struct pf_parity p;

		assert_int_equal(pf_parity_init(&p, PF_PARITY_ADAPTIVE, 10, 4096), 0);
		pf_parity_tell(&p, bars[i].loss, 1);
		for (uint32_t k = 1; k <= 4096; k += k < 300 ? 1 : 97) {
			uint32_t m = pf_parity_choose(&p, k, 1);

			assert_true(tail_by_walking(k + m, m, bars[i].loss, 1) <=
				    bars[i].residual * (1 + 1e-6));
			if (k < 120 || 100 * m <= bars[i].percent * k)
				continue;
			/* 125 and 126 packets: no number does both */
			assert_in_range(k, 125, 126);
			assert_true(tail_by_walking(k + m - 1, m - 1, bars[i].loss, 1) >
				    bars[i].residual);
		}
		/* all blocks of a frame count */
		for (uint32_t k = 10; k <= 200; k += 19) {
			uint32_t m = pf_parity_choose(&p, k, 4);

			assert_true(4 * tail_by_walking(k + m, m, bars[i].loss, 1) <=
				    bars[i].residual * (1 + 1e-6));
		}
	}
}

static void the_estimate_rises_at_once_and_falls_slowly(void **state)
{
	struct pf_parity p;
	uint32_t before;

	pf_parity_init(&p, PF_PARITY_ADAPTIVE, 10, 4096);
	pf_parity_sent(&p, 10000, 1000, 100);
	assert_int_equal(pf_parity_newest_ppm(&p), 0);
	pf_parity_report(&p, 0);
	assert_int_equal(pf_parity_loss_ppm(&p), 20000);
	assert_int_equal(pf_parity_newest_ppm(&p), 0);
	/* 5 % lost of 10000 data and 10000 parity: 500 of 19500 are seen */
	pf_parity_sent(&p, 10000, 10000, 100);
	pf_parity_report(&p, (uint32_t)(5 * 1000000.0 / 195));
	assert_in_range(pf_parity_loss_ppm(&p), 49900, 50100);
	assert_in_range(pf_parity_newest_ppm(&p), 49900, 50100);
	before = pf_parity_loss_ppm(&p);
	for (int i = 0; i < 60; i++) {
		pf_parity_sent(&p, 10000, 1000, 100);
		pf_parity_report(&p, 0);
		assert_true(pf_parity_loss_ppm(&p) <= before);
		assert_true(i > 1 || pf_parity_loss_ppm(&p) > 30000);
		before = pf_parity_loss_ppm(&p);
	}
	assert_int_equal(before, 20000);
	for (int i = 0; i < 3; i++)
		pf_parity_report(&p, UINT32_MAX);
	assert_int_equal(pf_parity_loss_ppm(&p), 500000);
}

static void send_100(struct pf_parity *p)
{
	for (unsigned i = 0; i < 100; i++)
		pf_parity_sent(p, 100, 10, 1);
}

/* 5 % of what a report says is not lost packets but a lost frame, if one is known of. */
static void a_lost_frame_is_no_loss_rate(void **state)
{
	struct pf_parity a, b;

	pf_parity_init(&a, PF_PARITY_ADAPTIVE, 10, 4096);
	for (unsigned i = 0; i < 20; i++) {
		send_100(&a);
		pf_parity_report(&a, 10000);
	}
	b = a;
	send_100(&a);
	pf_parity_report(&a, 60000);
	assert_in_range(pf_parity_loss_ppm(&a), 65000, 66000);
	send_100(&b);
	pf_parity_frames_lost(&b, UINT32_MAX);
	pf_parity_frames_lost(&b, 1);
	pf_parity_report(&b, 10000); /* it was lost otherwise, or the client is mistaken */
	assert_int_equal(pf_parity_loss_ppm(&b), 20000);
	assert_true(b.est.strikes == 0);
	send_100(&b);
	pf_parity_frames_lost(&b, 1);
	pf_parity_report(&b, 60000);
	assert_int_equal(pf_parity_loss_ppm(&b), 20000);
	assert_true(b.est.strikes == 1);
}

/* Packets that the client missed while it took in as many as there was data. */
static void missed_packets_are_counted_against_all(void **state)
{
	struct pf_parity_missed m = { .lost = 5, .lost_sq = 25, .lost_data = 50 };
	struct pf_parity p;

	assert_int_equal(pf_parity_init(&p, PF_PARITY_ADAPTIVE, 0, 255), 0);
	pf_parity_missed(&p, &m); /* nothing was sent */
	assert_int_equal(pf_parity_loss_ppm(&p), 20000);
	for (unsigned i = 0; i < 90; i++)
		pf_parity_sent(&p, 10, 5, 1);
	m = (struct pf_parity_missed){ .lost = 100, .lost_sq = 200, .lost_data = 1000 };
	pf_parity_missed(&p, &m);
	assert_int_equal(pf_parity_loss_ppm(&p), 100000);
	pf_parity_sent(&p, 1, 2, 1);
	m = (struct pf_parity_missed){ UINT64_MAX, UINT64_MAX, UINT64_MAX, true };
	pf_parity_missed(&p, &m);
	assert_int_equal(pf_parity_loss_ppm(&p), 500000);
	assert_in_range(pf_parity_choose(&p, 100, 1), 100, 155);
}

static void bursts_need_more_within_bounds(void **state)
{
	struct pf_parity p;
	uint32_t alone;

	pf_parity_init(&p, PF_PARITY_ADAPTIVE, 10, 4096);
	/* nothing known: bursts are possible, a quarter may go to them */
	assert_int_equal(pf_parity_choose(&p, 100, 1), 25);
	assert_int_equal(pf_parity_choose(&p, 15, 1), 5);
	pf_parity_tell(&p, 0.02, 1);
	alone = pf_parity_choose(&p, 100, 1);
	pf_parity_tell(&p, 0.02, 3);
	assert_in_range(pf_parity_choose(&p, 100, 1), 2 * alone, 4 * alone);
	assert_int_equal(pf_parity_choose(&p, 15, 1), 15);
	/* beside large frames a small one may have what it needs */
	for (unsigned i = 0; i < 300; i++)
		pf_parity_sent(&p, 500, 60, 1);
	assert_in_range(pf_parity_choose(&p, 15, 1), 20, 30);
	pf_parity_tell(&p, 0.02, 1e9);
	assert_int_equal(pf_parity_choose(&p, 2000, 1),
		pf_parity_solve(2000, 0.02, PF_LOSS_BURST_MAX, 1e-5, 2506));
	pf_parity_tell(&p, 0.02, 0.5); /* no such thing */
	assert_int_equal(pf_parity_choose(&p, 100, 1), alone);
}

/* Frames of k packets, evenly spread, through a link that carries `carries` per frame
 * and a queue, with loss of its own from frame to frame; what a client of punktfunk/1
 * reports of it. */
struct path {
	double carries, queue;
	double loss, later_loss, ramp; /* the second from half time on; per report, 40 times */
};

struct passed {
	unsigned dead;
	double parity; /* per data, of the second half */
};

static double loss_at(const struct path *l, unsigned f, unsigned frames)
{
	double loss = f >= frames / 2 && l->later_loss > 0 ? l->later_loss : l->loss;

	return loss + l->ramp * (f / 45 % 40);
}

static struct passed pass_frames(const struct path *l, uint32_t k, unsigned frames)
{
	uint64_t received = 0, rebuilt = 0, sent_parity = 0;
	struct passed out = { 0 };
	uint32_t lost_frames = 0;
	struct pf_parity p;
	double level = 0;

	assert_int_equal(pf_parity_init(&p, PF_PARITY_ADAPTIVE, 10, 4096), 0);
	for (unsigned f = 0; f < frames; f++) {
		uint32_t m = pf_parity_choose(&p, k, 1), lost_data = 0, lost = 0;

		pf_parity_sent(&p, k, m, 1);
		for (uint32_t i = 0; i < k + m; i++) {
			bool full;

			level -= l->carries / (k + m);
			level = level > 0 ? level : 0;
			full = level + 1 > l->queue;
			level += !full;
			if (full || uniform() < loss_at(l, f, frames)) {
				lost++;
				lost_data += i < k;
			}
		}
		received += k + m - lost;
		rebuilt += lost > m ? 0 : lost_data;
		lost_frames += lost > m;
		out.dead += lost > m;
		sent_parity += f >= frames / 2 ? m : 0;
		if (f % 45 == 44) {
			uint32_t ppm = (uint32_t)(rebuilt * 1000000 / (received + rebuilt + 1));

			pf_parity_frames_lost(&p, lost_frames);
			pf_parity_report(&p, ppm + (lost_frames ? 50000 : 0));
			received = rebuilt = 0;
			lost_frames = 0;
		}
	}
	out.parity = (double)sent_parity / ((double)k * (frames - frames / 2));
	return out;
}

/* The link has place for the data and a little: more parity would only be lost. Without
 * a look for room parity comes to 85 to 280 % here. */
static void a_full_link_is_not_fed(void **state)
{
	static const struct path links[] = { { .carries = 33, .queue = 40 },
		{ .carries = 36, .queue = 40 }, { .carries = 40, .queue = 40, .loss = 0.05 } };
	static const struct path wide = { .carries = 560, .queue = 200, .loss = 0.01 };
	struct passed r;

	for (unsigned i = 0; i < 3; i++) {
		r = pass_frames(&links[i], 30, 20000);
		assert_true(r.dead <= 20);
		assert_true(r.parity < 0.5);
	}
	r = pass_frames(&wide, 520, 9000);
	assert_true(r.dead <= 20);
	assert_true(r.parity < 0.4);
}

/* Loss of the link's own, constant, in a step, or rising for half a minute, has the
 * parity that it needs. */
static void real_loss_is_not_taken_for_a_full_link(void **state)
{
	static const struct path links[] = {
		{ .carries = 1e6, .queue = 1e6, .loss = 0.1 },
		{ .carries = 1e6, .queue = 1e6, .loss = 0.2 },
		{ .carries = 1e6, .queue = 1e6, .loss = 0.01, .later_loss = 0.15 },
		{ .carries = 1e6, .queue = 1e6, .ramp = 0.005 },
	};
	static const uint32_t ks[] = { 6, 60, 520 };
	/* The first report, also that of a step, comes after 45 frames. */
	static const unsigned dead[] = { 4, 60, 60, 30 };

	for (unsigned i = 0; i < 4; i++)
		for (unsigned j = 0; j < 3; j++) {
			struct passed r = pass_frames(&links[i], ks[j], j < 2 ? 12000 : 6000);

			assert_true(r.dead <= dead[i]);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_count_is_the_smallest_that_serves),
		cmocka_unit_test(whole_blocks_at_high_loss),
		cmocka_unit_test(simulated_links_lose_what_was_promised),
		cmocka_unit_test(policy_keeps_its_bounds),
		cmocka_unit_test(every_size_keeps_both_bars),
		cmocka_unit_test(the_estimate_rises_at_once_and_falls_slowly),
		cmocka_unit_test(missed_packets_are_counted_against_all),
		cmocka_unit_test(a_lost_frame_is_no_loss_rate),
		cmocka_unit_test(bursts_need_more_within_bounds),
		cmocka_unit_test(a_full_link_is_not_fed),
		cmocka_unit_test(real_loss_is_not_taken_for_a_full_link),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
