/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "core/media/idr_gate.h"

#define MS 1000000ull

static void the_first_ask_is_answered(void **state)
{
	struct pf_idr_gate g;
	struct pf_answer a;

	pf_idr_gate_init(&g, false, false);
	assert_int_equal(pf_idr_gate_poll(&g, 0).kind, PF_ANSWER_NONE);
	assert_int_equal(pf_idr_gate_keyframe(&g, 0).kind, PF_ANSWER_IDR);
	pf_idr_gate_init(&g, false, false);
	assert_int_equal(pf_idr_gate_rfi(&g, 3, 4, 0).kind, PF_ANSWER_IDR);
	pf_idr_gate_init(&g, true, false);
	a = pf_idr_gate_rfi(&g, 3, 4, 0);
	assert_int_equal(a.kind, PF_ANSWER_INVALIDATE);
	assert_int_equal(a.first, 3);
	assert_int_equal(a.last, 4);
}

static void wide_ranges_need_an_idr(void **state)
{
	struct pf_idr_gate g;

	pf_idr_gate_init(&g, true, false);
	assert_int_equal(pf_idr_gate_rfi(&g, 0, 255, 0).kind, PF_ANSWER_INVALIDATE);
	assert_int_equal(pf_idr_gate_rfi(&g, 0, 256, 0).kind, PF_ANSWER_IDR);
	pf_idr_gate_init(&g, true, false);
	assert_int_equal(pf_idr_gate_rfi(&g, 5, 4, 0).kind, PF_ANSWER_IDR);
	pf_idr_gate_init(&g, true, false);
	assert_int_equal(pf_idr_gate_rfi(&g, UINT32_MAX, 0, 0).kind, PF_ANSWER_INVALIDATE);
}

static void asks_in_the_cool_down_wait_for_its_end(void **state)
{
	struct pf_idr_gate g;

	pf_idr_gate_init(&g, false, false);
	assert_int_equal(pf_idr_gate_keyframe(&g, 0).kind, PF_ANSWER_IDR);
	/* crossed the IDR on its way: nothing to do */
	assert_int_equal(pf_idr_gate_keyframe(&g, 50 * MS).kind, PF_ANSWER_NONE);
	assert_int_equal(pf_idr_gate_poll(&g, 800 * MS).kind, PF_ANSWER_NONE);
	pf_idr_gate_sent(&g, 1000 * MS);
	assert_int_equal(pf_idr_gate_keyframe(&g, 1200 * MS).kind, PF_ANSWER_NONE);
	assert_int_equal(pf_idr_gate_poll(&g, 1749 * MS).kind, PF_ANSWER_NONE);
	assert_int_equal(pf_idr_gate_poll(&g, 1750 * MS).kind, PF_ANSWER_IDR);
	assert_int_equal(pf_idr_gate_poll(&g, 3000 * MS).kind, PF_ANSWER_NONE);
}

static void intra_refresh_cools_longer(void **state)
{
	struct pf_idr_gate g;

	pf_idr_gate_init(&g, false, true);
	pf_idr_gate_sent(&g, 0);
	assert_int_equal(pf_idr_gate_keyframe(&g, 1999 * MS).kind, PF_ANSWER_NONE);
	assert_int_equal(pf_idr_gate_keyframe(&g, 2000 * MS).kind, PF_ANSWER_IDR);
}

static void an_invalidation_swallows_two_asks(void **state)
{
	struct pf_idr_gate g;

	pf_idr_gate_init(&g, true, false);
	assert_int_equal(pf_idr_gate_rfi(&g, 1, 1, 0).kind, PF_ANSWER_INVALIDATE);
	assert_int_equal(pf_idr_gate_keyframe(&g, 100 * MS).kind, PF_ANSWER_NONE);
	assert_int_equal(pf_idr_gate_keyframe(&g, 200 * MS).kind, PF_ANSWER_NONE);
	assert_int_equal(pf_idr_gate_keyframe(&g, 299 * MS).kind, PF_ANSWER_IDR);

	pf_idr_gate_init(&g, true, false);
	pf_idr_gate_rfi(&g, 1, 1, 0);
	assert_int_equal(pf_idr_gate_keyframe(&g, 300 * MS).kind, PF_ANSWER_IDR);

	/* a quiet second forgets the swallowed ones */
	pf_idr_gate_init(&g, true, false);
	pf_idr_gate_rfi(&g, 1, 1, 0);
	pf_idr_gate_keyframe(&g, 10 * MS);
	pf_idr_gate_keyframe(&g, 20 * MS);
	pf_idr_gate_rfi(&g, 9, 9, 1020 * MS);
	assert_int_equal(pf_idr_gate_keyframe(&g, 1030 * MS).kind, PF_ANSWER_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_ask_is_answered),
		cmocka_unit_test(wide_ranges_need_an_idr),
		cmocka_unit_test(asks_in_the_cool_down_wait_for_its_end),
		cmocka_unit_test(intra_refresh_cools_longer),
		cmocka_unit_test(an_invalidation_swallows_two_asks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
