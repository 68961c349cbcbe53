/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>
#include "core/base/utf8.h"

static void tells_valid_from_malformed(void **state)
{
	static const char *const good[] = { "", "a", "\x7f", "ä", "\xdf\xbf", "\xe0\xa0\x80", "€",
		"\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80", "😀",
		"\xf4\x8f\xbf\xbf" };
	static const char *const bad[] = { "\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2x",
		"\xe0\x9f\xbf", "\xed\xa0\x80", "\xed\xbf\xbf", "\xe2\x82", "\xf0\x8f\xbf\xbf",
		"\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xf0\x9f\x98", "a\xe2\x82z" };

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(pf_utf8_valid(good[i], strlen(good[i])));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(pf_utf8_valid(bad[i], strlen(bad[i])));
	assert_true(pf_utf8_valid("a\0b", 3));
	assert_true(pf_utf8_valid(NULL, 0));
}

static void cuts_between_characters(void **state)
{
	static const char s[] = "aä€😀"; /* 1 + 2 + 3 + 4 */
	static const size_t want[] = { 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10 };

	for (size_t max = 0; max < sizeof(want) / sizeof(want[0]); max++)
		assert_int_equal(pf_utf8_cut(s, 10, max), want[max]);
	assert_int_equal(pf_utf8_cut("\x80\x80\x80", 3, 2), 0);
}

static void repairs(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{ "plain", "plain" },
		{ "a\xff"
		  "b",
			"a\xef\xbf\xbd"
			"b" },
		/* One replacement per maximal malformed part. */
		{ "\xe2\x82"
		  "z",
			"\xef\xbf\xbd"
			"z" },
		{ "\xc0\x80", "\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xf0\x9f", "\xef\xbf\xbd" },
	};
	char out[16];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len = pf_utf8_repair(out, sizeof(out), cases[i].in, strlen(cases[i].in));

		assert_string_equal(out, cases[i].want);
		assert_int_equal(len, strlen(out));
	}
	assert_int_equal(pf_utf8_repair(out, sizeof(out), "a\0b", 3), 5);
	assert_string_equal(out, "a\xef\xbf\xbd"
				 "b");
	/* Cut where the next character would not fit whole. */
	assert_int_equal(pf_utf8_repair(out, 4, "aä€", 6), 3);
	assert_string_equal(out, "aä");
	assert_int_equal(pf_utf8_repair(out, 1, "abc", 3), 0);
	assert_string_equal(out, "");
}

static void makes_printable(void **state)
{
	static const char in[] = "a\x1b[31m\x7f\t\xc2\x9b"
				 "z\xff\xc2\xa0";
	char out[32];

	size_t len = pf_utf8_printable(out, sizeof(out), in, sizeof(in) - 1);

	assert_int_equal(len, strlen(out));
	assert_string_equal(out, "a?[31m????z\xef\xbf\xbd\xc2\xa0");
}

static void decodes(void **state)
{
	static const struct {
		const char *in;
		size_t len;
		uint32_t code;
	} cases[] = {
		{ "a", 1, 'a' },
		{ "\xc3\xa4", 2, 0xe4 },
		{ "\xe2\x82\xac", 3, 0x20ac },
		{ "\xf0\x9f\x98\x80", 4, 0x1f600 },
		{ "\xff", 0, 0 },
		{ "\xe2\x82", 0, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t code = 0;

		assert_int_equal(
			pf_utf8_decode(cases[i].in, strlen(cases[i].in), &code), cases[i].len);
		assert_int_equal(code, cases[i].code);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_valid_from_malformed),
		cmocka_unit_test(cuts_between_characters),
		cmocka_unit_test(repairs),
		cmocka_unit_test(makes_printable),
		cmocka_unit_test(decodes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
