/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>
#include "host/discovery/discovery.h"

static void names(void **state)
{
	static const char *const rows[][2] = {
		{ "desk", "desk" },
		{ "Living Room PC", "Living-Room-PC" },
		{ "host.example.org", "host" },
		{ "b\xc3\xbcro", "b" },
		{ "\xc3\xbc", "punktfunk" },
		{ "", "punktfunk" },
		{ "a-b_c", "a-b" },
	};
	char out[PF_DISCOVERY_NAME_BYTES], longest[200];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		pf_discovery_name(out, rows[i][0]);
		assert_string_equal(out, rows[i][1]);
	}
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = 0;
	pf_discovery_name(out, longest);
	assert_int_equal(strlen(out), 63);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(names) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
