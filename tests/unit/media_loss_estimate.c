/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include "core/media/loss_estimate.h"
#include "tests/unit/rng.h"

#define PACKETS 5400 /* per window: frames of 120 packets at 60 Hz for 750 ms */

struct link {
	double loss, burst;
	bool bad;
	uint64_t rng;
};

static double uniform(uint64_t *rng)
{
	return (double)(rng_next(rng) >> 11) * 0x1p-53;
}

/* Packets lost of `count`. */
static double pass(struct link *l, unsigned count)
{
	double burst = l->burst * (1 - l->loss) > 1 ? l->burst : 1 / (1 - l->loss);
	double leave = 1 / burst, enter = l->loss * leave / (1 - l->loss), lost = 0;

	while (count--) {
		l->bad = uniform(&l->rng) < (l->bad ? 1 - leave : enter);
		lost += l->bad;
	}
	return lost;
}

static void windows(struct pf_loss_estimate *e, struct link *l, unsigned count)
{
	while (count--)
		pf_loss_add(e, &(struct pf_loss_window){
				       .lost = pass(l, PACKETS),
				       .seen = PACKETS,
			       });
}

static void nothing_is_known_at_first(void **state)
{
	struct pf_loss_estimate e;

	pf_loss_init(&e);
	assert_true(pf_loss_rate(&e) == 0);
	assert_true(pf_loss_rate_bound(&e) == 0);
	assert_true(fabs(pf_loss_burst(&e) - PF_LOSS_BURST_START) < 1e-9);
	pf_loss_add(&e, &(struct pf_loss_window){ .lost = 0 }); /* nothing was told */
	assert_true(pf_loss_rate(&e) == 0);
	assert_true(fabs(pf_loss_burst(&e) - PF_LOSS_BURST_START) < 0.1);
}

static void independent_loss_is_seen_as_such(void **state)
{
	for (unsigned s = 0; s < 20; s++) {
		struct link l = { .loss = 0.05, .rng = rng_seed() + s };
		struct pf_loss_estimate e;

		pf_loss_init(&e);
		windows(&e, &l, 150);
		assert_true(fabs(pf_loss_rate(&e) - 0.05) < 0.004);
		assert_true(pf_loss_rate_bound(&e) > pf_loss_rate(&e));
		assert_true(pf_loss_burst(&e) < 1.6);
	}
}

static void bursts_are_measured(void **state)
{
	static const double bursts[] = { 3, 8, 16 };

	for (unsigned i = 0; i < 3; i++) {
		double sum = 0;

		for (unsigned s = 0; s < 20; s++) {
			struct link l = { .loss = 0.03, .burst = bursts[i], .rng = rng_seed() + s };
			struct pf_loss_estimate e;

			pf_loss_init(&e);
			windows(&e, &l, 60);
			e.trust = 1;
			sum += pf_loss_burst(&e) / 20;
		}
		/* peaks are held: rather too long than too short */
		assert_true(sum > 0.7 * bursts[i]);
		assert_true(sum < (i < 2 ? 2 : 1.2) * bursts[i]);
	}
}

/* Bursts that begin are seen within seconds, ended ones are forgotten. */
static void bursts_come_and_go(void **state)
{
	struct link l = { .loss = 0.03, .rng = rng_seed() };
	struct pf_loss_estimate e;

	pf_loss_init(&e);
	windows(&e, &l, 150);
	assert_true(pf_loss_burst(&e) < 1.6);
	l.burst = 8;
	/* Frames are lost to them, so the estimate is believed. */
	for (unsigned i = 0; i < 4; i++)
		pf_loss_add(&e,
			&(struct pf_loss_window){
				.lost = pass(&l, PACKETS), .seen = PACKETS, .frame_lost = i > 0 });
	assert_true(pf_loss_burst(&e) > 3);
	assert_true(e.proven == 1);
	windows(&e, &l, 8);
	assert_true(pf_loss_burst(&e) > 4);
	l.burst = 0;
	windows(&e, &l, 160);
	assert_true(pf_loss_burst(&e) < 1.6);
	assert_true(e.proven < 0.6);
}

/* A window of many blocks tells its dispersion itself. */
static void a_measured_dispersion_counts(void **state)
{
	struct pf_loss_window w = { .lost = 100, .seen = 5000, .dispersion = 1 };
	struct pf_loss_estimate e;

	pf_loss_init(&e);
	for (unsigned i = 0; i < 150; i++)
		pf_loss_add(&e, &w);
	assert_true(pf_loss_burst(&e) < 1.1);
	w.dispersion = 11;
	for (unsigned i = 0; i < 40; i++) {
		w.frame_lost = i == 0;
		pf_loss_add(&e, &w);
	}
	/* (11 + 1) / 2 / 0.98 */
	assert_true(fabs(pf_loss_burst(&e) - 6.1) < 1.5);
}

static void one_lost_frame_proves_nothing_two_do(void **state)
{
	struct pf_loss_window w = { .lost = 250, .seen = 5000, .dispersion = 1 };
	struct pf_loss_estimate e;
	double before;

	pf_loss_init(&e);
	for (unsigned i = 0; i < 200; i++)
		pf_loss_add(&e, &w);
	before = pf_loss_burst(&e);
	w.frame_lost = true;
	pf_loss_add(&e, &w);
	assert_true(fabs(pf_loss_burst(&e) - before) < 0.05);
	assert_true(e.proven == 0);
	for (unsigned i = 0; i < 3; i++)
		pf_loss_add(&e, &w);
	assert_true(pf_loss_burst(&e) > before + 0.3);
	assert_true(e.proven == 1);
	for (unsigned i = 0; i < 1000; i++)
		pf_loss_add(&e, &w);
	assert_true(pf_loss_burst(&e) <= PF_LOSS_BURST_MAX);
}

/* Any input leaves an estimate within bounds: the numbers are a stranger's. */
static void nonsense_stays_bounded(void **state)
{
	uint64_t rng = rng_seed();
	struct pf_loss_estimate e;

	pf_loss_init(&e);
	for (unsigned i = 0; i < 20000; i++) {
		double seen = (double)(rng_next(&rng) >> rng_below(&rng, 64));
		struct pf_loss_window w = {
			.seen = seen,
			.lost = seen * uniform(&rng),
			.dispersion = rng_below(&rng, 2) ? 1 / (uniform(&rng) + 1e-300) : 0,
			.frame_lost = rng_below(&rng, 2),
		};

		if (rng_below(&rng, 8) == 0)
			w.lost = rng_below(&rng, 2) ? 0 : seen;
		pf_loss_add(&e, &w);
		assert_true(pf_loss_rate(&e) >= 0 && pf_loss_rate(&e) <= 1);
		assert_true(pf_loss_rate_bound(&e) >= pf_loss_rate(&e));
		assert_true(pf_loss_burst(&e) >= 1 && pf_loss_burst(&e) <= PF_LOSS_BURST_MAX);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_known_at_first),
		cmocka_unit_test(independent_loss_is_seen_as_such),
		cmocka_unit_test(bursts_are_measured),
		cmocka_unit_test(bursts_come_and_go),
		cmocka_unit_test(a_measured_dispersion_counts),
		cmocka_unit_test(one_lost_frame_proves_nothing_two_do),
		cmocka_unit_test(nonsense_stays_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
