/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "core/media/recovery.h"
#include "core/wire/pf1_media.h"

#define MS 1000000ull

static void frames(struct pf_recovery *r, uint32_t first, uint32_t last, uint64_t now)
{
	for (uint32_t i = first; i <= last; i++)
		assert_int_equal(pf_recovery_delivered(r, i, PF_USER_VIDEO, now).kind, PF_ASK_NONE);
}

static void an_unbroken_stream_asks_nothing(void **state)
{
	struct pf_recovery r;

	pf_recovery_init(&r);
	frames(&r, 0, 1000, MS);
	assert_false(pf_recovery_holding(&r));
	assert_true(pf_recovery_deadline_ns(&r) == UINT64_MAX);
	assert_int_equal(pf_recovery_poll(&r, 100000 * MS).kind, PF_ASK_NONE);
}

static void a_gap_freezes_and_names_the_range(void **state)
{
	struct pf_recovery r;
	struct pf_ask a;

	pf_recovery_init(&r);
	frames(&r, 0, 9, MS);
	a = pf_recovery_delivered(&r, 13, PF_USER_VIDEO, 20 * MS);
	assert_int_equal(a.kind, PF_ASK_RFI);
	assert_int_equal(a.first, 10);
	assert_int_equal(a.last, 12);
	assert_true(pf_recovery_holding(&r));
	/* one of them comes late: no news, no lift, even as an IDR */
	a = pf_recovery_delivered(&r, 11, PF_USER_VIDEO | PF_USER_IDR, 21 * MS);
	assert_int_equal(a.kind, PF_ASK_NONE);
	assert_true(pf_recovery_holding(&r));
	frames(&r, 14, 14, 30 * MS);
	a = pf_recovery_delivered(&r, 15, PF_USER_VIDEO | PF_USER_RECOVERY_ANCHOR, 40 * MS);
	assert_int_equal(a.kind, PF_ASK_NONE);
	assert_false(pf_recovery_holding(&r));
}

static void long_gaps_and_wrapping(void **state)
{
	struct pf_recovery r;
	struct pf_ask a;

	pf_recovery_init(&r);
	a = pf_recovery_delivered(&r, 256, PF_USER_VIDEO, MS);
	assert_int_equal(a.kind, PF_ASK_RFI);
	pf_recovery_init(&r);
	a = pf_recovery_delivered(&r, 257, PF_USER_VIDEO, MS);
	assert_int_equal(a.kind, PF_ASK_KEYFRAME);
	pf_recovery_init(&r);
	r.next_index = UINT32_MAX;
	a = pf_recovery_delivered(&r, 1, PF_USER_VIDEO, MS);
	assert_int_equal(a.kind, PF_ASK_RFI);
	assert_int_equal(a.first, UINT32_MAX);
	assert_int_equal(a.last, 0);
}

static void requests_are_throttled(void **state)
{
	struct pf_recovery r;

	pf_recovery_init(&r);
	assert_int_equal(pf_recovery_delivered(&r, 1, PF_USER_VIDEO, 500 * MS).kind, PF_ASK_RFI);
	assert_int_equal(pf_recovery_delivered(&r, 3, PF_USER_VIDEO, 599 * MS).kind, PF_ASK_NONE);
	assert_int_equal(pf_recovery_delivered(&r, 5, PF_USER_VIDEO, 600 * MS).kind, PF_ASK_RFI);
}

static void an_idr_behind_a_gap_needs_nothing(void **state)
{
	struct pf_recovery r;

	pf_recovery_init(&r);
	frames(&r, 0, 5, MS);
	assert_int_equal(pf_recovery_delivered(&r, 8, PF_USER_VIDEO | PF_USER_IDR, 2 * MS).kind,
		PF_ASK_NONE);
	assert_false(pf_recovery_holding(&r));
	/* the frames in the gap are given up later: known */
	assert_int_equal(pf_recovery_lost(&r, 6, 200 * MS).kind, PF_ASK_NONE);
	assert_false(pf_recovery_holding(&r));
}

static void recovery_points_lift_in_pairs(void **state)
{
	struct pf_recovery r;

	pf_recovery_init(&r);
	assert_int_equal(pf_recovery_delivered(&r, 1, PF_USER_VIDEO, 0).kind, PF_ASK_RFI);
	assert_true(pf_recovery_deadline_ns(&r) == 500 * MS);
	pf_recovery_delivered(&r, 2, PF_USER_VIDEO | PF_USER_RECOVERY_POINT, 100 * MS);
	assert_true(pf_recovery_holding(&r));
	assert_true(pf_recovery_deadline_ns(&r) == 1600 * MS);
	/* a new gap starts the count again */
	pf_recovery_delivered(&r, 4, PF_USER_VIDEO, 200 * MS);
	pf_recovery_delivered(&r, 5, PF_USER_VIDEO | PF_USER_RECOVERY_POINT, 300 * MS);
	assert_true(pf_recovery_holding(&r));
	pf_recovery_delivered(&r, 6, PF_USER_VIDEO | PF_USER_RECOVERY_POINT, 400 * MS);
	assert_false(pf_recovery_holding(&r));
}

static void an_overdue_freeze_asks_again_and_holds(void **state)
{
	struct pf_recovery r;

	pf_recovery_init(&r);
	pf_recovery_delivered(&r, 1, PF_USER_VIDEO, 0);
	assert_int_equal(pf_recovery_poll(&r, 499 * MS).kind, PF_ASK_NONE);
	for (unsigned i = 1; i < 5; i++) {
		assert_int_equal(pf_recovery_poll(&r, i * 500 * MS).kind, PF_ASK_KEYFRAME);
		assert_true(pf_recovery_holding(&r));
		assert_true(pf_recovery_deadline_ns(&r) == (i + 1) * 500 * MS);
	}
}

static void a_loss_without_a_gap_asks_for_a_keyframe(void **state)
{
	struct pf_recovery r;

	pf_recovery_init(&r);
	frames(&r, 0, 3, MS);
	assert_int_equal(pf_recovery_lost(&r, 4, 300 * MS).kind, PF_ASK_KEYFRAME);
	assert_true(pf_recovery_holding(&r));
	pf_recovery_delivered(&r, 5, PF_USER_VIDEO | PF_USER_IDR, 400 * MS);
	assert_false(pf_recovery_holding(&r));
	/* more than a second after its gap a loss counts again */
	pf_recovery_delivered(&r, 7, PF_USER_VIDEO | PF_USER_IDR, 500 * MS);
	assert_false(pf_recovery_holding(&r));
	assert_int_equal(pf_recovery_lost(&r, 6, 1600 * MS).kind, PF_ASK_KEYFRAME);
	assert_true(pf_recovery_holding(&r));
}

static void a_decoder_without_output_freezes(void **state)
{
	struct pf_recovery r;

	pf_recovery_init(&r);
	frames(&r, 0, 10, MS);
	assert_int_equal(pf_recovery_decoded(&r, 1, false, false, MS).kind, PF_ASK_NONE);
	assert_int_equal(pf_recovery_decoded(&r, 2, false, false, MS).kind, PF_ASK_NONE);
	assert_int_equal(pf_recovery_decoded(&r, 3, true, false, MS).kind, PF_ASK_NONE);
	assert_int_equal(pf_recovery_decoded(&r, 4, false, false, MS).kind, PF_ASK_NONE);
	assert_int_equal(pf_recovery_decoded(&r, 5, false, false, MS).kind, PF_ASK_NONE);
	assert_false(pf_recovery_holding(&r));
	assert_int_equal(pf_recovery_decoded(&r, 6, false, false, MS).kind, PF_ASK_KEYFRAME);
	assert_true(pf_recovery_holding(&r));
	/* the decoder may say so itself, but not about a frame of before */
	pf_recovery_decoded(&r, 6, true, true, 2 * MS);
	assert_true(pf_recovery_holding(&r));
	pf_recovery_decoded(&r, 9, true, true, 2 * MS);
	assert_false(pf_recovery_holding(&r));
}

static void a_dropped_frame_freezes_even_behind_a_reported_gap(void **state)
{
	struct pf_recovery r;

	pf_recovery_init(&r);
	frames(&r, 0, 9, MS);
	assert_int_equal(pf_recovery_delivered(&r, 12, PF_USER_VIDEO, 2 * MS).kind, PF_ASK_RFI);
	(void)pf_recovery_delivered(&r, 13, PF_USER_VIDEO | PF_USER_RECOVERY_ANCHOR, 3 * MS);
	assert_false(pf_recovery_holding(&r));
	/* the loss of 10 is no news */
	assert_int_equal(pf_recovery_lost(&r, 10, 200 * MS).kind, PF_ASK_NONE);
	assert_false(pf_recovery_holding(&r));
	/* that 13 went unseen is */
	assert_int_equal(pf_recovery_dropped(&r, 13, 210 * MS).kind, PF_ASK_KEYFRAME);
	assert_true(pf_recovery_holding(&r));
	(void)pf_recovery_delivered(&r, 14, PF_USER_VIDEO | PF_USER_IDR, 220 * MS);
	assert_false(pf_recovery_holding(&r));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_unbroken_stream_asks_nothing),
		cmocka_unit_test(a_gap_freezes_and_names_the_range),
		cmocka_unit_test(long_gaps_and_wrapping),
		cmocka_unit_test(requests_are_throttled),
		cmocka_unit_test(an_idr_behind_a_gap_needs_nothing),
		cmocka_unit_test(recovery_points_lift_in_pairs),
		cmocka_unit_test(an_overdue_freeze_asks_again_and_holds),
		cmocka_unit_test(a_loss_without_a_gap_asks_for_a_keyframe),
		cmocka_unit_test(a_decoder_without_output_freezes),
		cmocka_unit_test(a_dropped_frame_freezes_even_behind_a_reported_gap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
