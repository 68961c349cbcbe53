/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "clients/probe/samples.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

static void near(double a, double b)
{
	assert_true(a - b < 1e-9 && b - a < 1e-9);
}

static void test_quantiles(void **state)
{
	struct pf_samples s = { 0 };
	struct pf_quantiles q = pf_samples_quantiles(&s);

	assert_int_equal(q.count, 0);
	near(q.max, 0);
	/* 1 .. 1000 ms in a shuffled order. */
	for (unsigned i = 0; i < 1000; i++)
		pf_samples_add(&s, (int64_t)(i * 7919 % 1000 + 1) * 1000000);
	q = pf_samples_quantiles(&s);
	assert_int_equal(q.count, 1000);
	near(q.p50, 500);
	near(q.p95, 950);
	near(q.p99, 990);
	near(q.max, 1000);
	pf_samples_finish(&s);
	pf_samples_finish(&s);
}

static void test_one_and_negative(void **state)
{
	struct pf_samples s = { 0 };
	struct pf_quantiles q;

	pf_samples_add(&s, -2500000);
	q = pf_samples_quantiles(&s);
	near(q.p50, -2.5);
	near(q.p99, -2.5);
	near(q.max, -2.5);
	pf_samples_add(&s, INT64_MAX);
	pf_samples_add(&s, INT64_MIN);
	q = pf_samples_quantiles(&s);
	near(q.max, 1800000);
	pf_samples_finish(&s);
}

static void test_bounded(void **state)
{
	struct pf_samples s = { 0 };

	for (unsigned i = 0; i < PF_SAMPLES_MAX + 5; i++)
		pf_samples_add(&s, i < PF_SAMPLES_MAX ? 1000 : 9000);
	assert_int_equal(s.count, PF_SAMPLES_MAX);
	near(pf_samples_quantiles(&s).max, 0.009);
	pf_samples_finish(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quantiles),
		cmocka_unit_test(test_one_and_negative),
		cmocka_unit_test(test_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
