/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "clients/probe/stages.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static double only(struct pf_samples *s)
{
	struct pf_quantiles q = pf_samples_quantiles(s);

	assert_int_equal(q.count, 1);
	return q.p50;
}

static void halves_join_in_any_order(void **state)
{
	for (unsigned host_first = 0; host_first < 2; host_first++) {
		struct pf_stages s = { 0 };

		if (host_first)
			pf_stages_host(&s, 1000, 3100, 2900);
		pf_stages_frame(&s, 1000, 3200000);
		if (!host_first)
			pf_stages_host(&s, 1000, 3100, 2900);
		assert_true(only(&s.transport) > 0.299 && only(&s.transport) < 0.301);
		assert_true(only(&s.link) > 0.099 && only(&s.link) < 0.101);
		/* A half joins once. */
		pf_stages_host(&s, 1000, 3100, 2900);
		(void)only(&s.transport);
		pf_stages_finish(&s);
	}
}

static void one_side_alone_is_nothing(void **state)
{
	struct pf_stages s = { 0 };

	/* Two frames of one time, and a frame whose other half is long forgotten. */
	pf_stages_host(&s, 7, 1, 1);
	for (uint64_t i = 0; i < 2 * PF_STAGES_WAITING; i++)
		pf_stages_frame(&s, 1000 + i / 2, 1000);
	pf_stages_frame(&s, 7, 1000);
	assert_int_equal(s.transport.count, 0);
	pf_stages_host(&s, 1000 + PF_STAGES_WAITING - 1, 0, 0);
	assert_int_equal(s.transport.count, 1);
	pf_stages_finish(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(halves_join_in_any_order),
		cmocka_unit_test(one_side_alone_is_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
