/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/sys/knobs.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void test_numbers(void **state)
{
	const char *knobs = "a=1,fail-at=20,ab=3,,broken,last=x";

	assert_int_equal(pf_knob_number(knobs, "a", 9), 1);
	assert_int_equal(pf_knob_number(knobs, "ab", 9), 3);
	assert_int_equal(pf_knob_number(knobs, "fail-at", 9), 20);
	assert_int_equal(pf_knob_number(knobs, "fail", 9), 9);
	assert_int_equal(pf_knob_number(knobs, "broken", 9), 9);
	assert_int_equal(pf_knob_number(knobs, "last", 9), 0);
	assert_int_equal(pf_knob_number(NULL, "a", 9), 9);
	assert_int_equal(pf_knob_number("", "a", 9), 9);
}

static void test_words(void **state)
{
	assert_true(pf_knob_is("scene=box", "scene", "box"));
	assert_true(pf_knob_is("x=1,scene=box,y=2", "scene", "box"));
	assert_false(pf_knob_is("scene=boxes", "scene", "box"));
	assert_false(pf_knob_is("scene=bo", "scene", "box"));
	assert_false(pf_knob_is(NULL, "scene", "box"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
