/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include "core/base/cpu.h"

static void mask_narrows_and_lifts(void **state)
{
	uint32_t all = pf_cpu_flags();

	pf_cpu_set_mask(PF_CPU_AVX2);
	assert_int_equal(pf_cpu_flags(), all & PF_CPU_AVX2);
	pf_cpu_set_mask(0);
	assert_int_equal(pf_cpu_flags(), 0);
	pf_cpu_set_mask(~0u);
	assert_int_equal(pf_cpu_flags(), all);
}

static void names_fit_the_buffer(void **state)
{
	char buf[64], small[8];

	assert_string_equal(
		pf_cpu_to_string(PF_CPU_SSSE3 | PF_CPU_GFNI, buf, sizeof(buf)), "ssse3 gfni");
	assert_string_equal(pf_cpu_to_string(0, buf, sizeof(buf)), "");
	pf_cpu_to_string(~0u, small, sizeof(small));
	assert_true(strlen(small) < sizeof(small));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mask_narrows_and_lifts),
		cmocka_unit_test(names_fit_the_buffer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
