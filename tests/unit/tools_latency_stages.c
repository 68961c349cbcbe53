/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "tests/unit/rng.h"
#include "tools/latency-probe/stages.h"

/* One packet: everything happens once and in turn. */
static const struct pf_probe_stamps in_turn = {
	.called_ns = 1000,
	.submit_ns = 1010,
	.start_ns = 1030,
	.sealed_ns = 1060,
	.sent_ns = 1100,
	.first_ns = 1150,
	.last_ns = 1210,
	.completed_ns = 1280,
	.taken_ns = 1360,
};

static void one_after_the_other(void **state)
{
	static const uint64_t want[PF_STAGES] = { 10, 20, 30, 40, 50, 60, 70, 80 };
	uint64_t got[PF_STAGES];

	pf_probe_stages(&in_turn, got);
	assert_memory_equal(got, want, sizeof(want));
	assert_true(pf_probe_gap_ppm(got, 360) == 0);
	for (unsigned i = 0; i < PF_STAGES; i++)
		assert_string_not_equal(pf_probe_stage_name((enum pf_probe_stage)i), "?");
	assert_string_equal(pf_probe_stage_name(PF_STAGES), "?");
}

/* The receiver reads while the sender sends. */
static void both_at_once(void **state)
{
	struct pf_probe_stamps s = in_turn;
	uint64_t got[PF_STAGES];

	s.first_ns = 1070;
	pf_probe_stages(&s, got);
	assert_true(got[PF_STAGE_SEND] == 40 && got[PF_STAGE_NETWORK] == 0);
	assert_true(got[PF_STAGE_ARRIVE] == 110);
	assert_true(pf_probe_gap_ppm(got, 360) == 0);
	/* Whole before the parity was sent. */
	s.last_ns = 1090;
	pf_probe_stages(&s, got);
	assert_true(got[PF_STAGE_SEND] == 30 && got[PF_STAGE_NETWORK] == 0);
	assert_true(got[PF_STAGE_ARRIVE] == 0 && got[PF_STAGE_COMPLETE] == 190);
	assert_true(pf_probe_gap_ppm(got, 360) == 0);
}

/* Whatever overlap there is, stamps in their order tile the whole. */
static void any_order_that_can_be(void **state)
{
	uint64_t rng = rng_seed();

	for (int round = 0; round < 10000; round++) {
		uint64_t at[6], got[PF_STAGES];
		struct pf_probe_stamps s;

		at[0] = rng_next(&rng) >> 20;
		for (int i = 1; i < 6; i++)
			at[i] = at[i - 1] + rng_below(&rng, 100000);
		/* Sent at any time after the first train, read likewise. */
		s = (struct pf_probe_stamps){ at[0], at[1], at[2], at[3],
			at[3] + rng_below(&rng, 300000), at[4], at[5], 0, 0 };
		s.completed_ns = at[5] + rng_below(&rng, 1000);
		s.taken_ns = s.completed_ns + rng_below(&rng, 1000);
		pf_probe_stages(&s, got);
		assert_true(pf_probe_gap_ppm(got, s.taken_ns - s.called_ns) == 0);
	}
}

/* A stamp of another frame or clock shows. */
static void wrong_stamps_do_not_tile(void **state)
{
	uint64_t got[PF_STAGES];
	struct pf_probe_stamps s = in_turn;

	s.start_ns = 990;
	pf_probe_stages(&s, got);
	assert_true(pf_probe_gap_ppm(got, 360) > 10000);
	s = in_turn;
	s.completed_ns = 1400;
	pf_probe_stages(&s, got);
	assert_true(pf_probe_gap_ppm(got, 360) > 10000);
	s = in_turn;
	s.sealed_ns = 0;
	pf_probe_stages(&s, got);
	assert_true(pf_probe_gap_ppm(got, 360) > 10000);
	pf_probe_stages(&in_turn, got);
	assert_true(pf_probe_gap_ppm(got, 380) > 10000);
	assert_true(pf_probe_gap_ppm(got, 361) < 10000);
	assert_true(pf_probe_gap_ppm(got, 0) == UINT64_MAX);
}

static void percentiles(void **state)
{
	uint64_t v[100];

	for (unsigned i = 0; i < 100; i++)
		v[i] = i + 1;
	assert_true(pf_probe_permille(v, 100, 500) == 50);
	assert_true(pf_probe_permille(v, 100, 990) == 99);
	assert_true(pf_probe_permille(v, 100, 1000) == 100);
	assert_true(pf_probe_permille(v, 1, 990) == 1);
	assert_true(pf_probe_permille(v, 1, 0) == 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_after_the_other),
		cmocka_unit_test(both_at_once),
		cmocka_unit_test(any_order_that_can_be),
		cmocka_unit_test(wrong_stamps_do_not_tile),
		cmocka_unit_test(percentiles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
