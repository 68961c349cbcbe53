/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "core/media/relief.h"

#define MS 1000000ull

static void a_lost_frame_takes_three_tenths(void **state)
{
	struct pf_relief r;

	pf_relief_asked(&r, 100000);
	assert_true(pf_relief_due_ns(&r) == 0);
	assert_int_equal(pf_relief_poll(&r, 1000 * MS), 0);
	assert_int_equal(pf_relief_lost(&r, 1000 * MS), 70000);
	/* What was on its way is lost, too. */
	assert_int_equal(pf_relief_lost(&r, 1249 * MS), 0);
	assert_int_equal(pf_relief_lost(&r, 1250 * MS), 49000);
	assert_int_equal(pf_relief_lost(&r, 1600 * MS), 0);
	assert_true(pf_relief_due_ns(&r) == 3250 * MS);
	assert_int_equal(pf_relief_poll(&r, 3249 * MS), 0);
	assert_int_equal(pf_relief_poll(&r, 3250 * MS), 100000);
	assert_int_equal(pf_relief_poll(&r, 9000 * MS), 0);
	assert_int_equal(pf_relief_lost(&r, 9000 * MS), 70000);
}

static void the_clients_word_counts(void **state)
{
	struct pf_relief r;

	pf_relief_asked(&r, 100000);
	assert_int_equal(pf_relief_lost(&r, 1000 * MS), 70000);
	pf_relief_asked(&r, 70000);
	assert_int_equal(pf_relief_poll(&r, 9000 * MS), 0);
	assert_int_equal(pf_relief_lost(&r, 9000 * MS), 49000);
}

static void slow_streams_are_left_alone(void **state)
{
	struct pf_relief r;

	pf_relief_asked(&r, 7100);
	assert_int_equal(pf_relief_lost(&r, 1000 * MS), 0);
	pf_relief_asked(&r, 7200);
	assert_int_equal(pf_relief_lost(&r, 1000 * MS), 5040);
	assert_int_equal(pf_relief_lost(&r, 1300 * MS), 0);
	assert_int_equal(pf_relief_poll(&r, 3000 * MS), 7200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lost_frame_takes_three_tenths),
		cmocka_unit_test(the_clients_word_counts),
		cmocka_unit_test(slow_streams_are_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
