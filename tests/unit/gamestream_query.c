/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include "host/gamestream/query.h"

static struct pf_gs_query q; /* 17 KiB */

static int parse(const char *target)
{
	return pf_gs_query_parse(&q, target, strlen(target));
}

static void takes_apart(void **state)
{
	assert_int_equal(parse("/pair?a=1&b=x%20y+z&c&d=&&=e&a=2&%61b=%e4"), 0);
	assert_string_equal(q.path, "/pair");
	assert_string_equal(pf_gs_query_get(&q, "a"), "1");
	assert_string_equal(pf_gs_query_get(&q, "b"), "x y z");
	assert_string_equal(pf_gs_query_get(&q, "c"), "");
	assert_string_equal(pf_gs_query_get(&q, "d"), "");
	assert_string_equal(pf_gs_query_get(&q, ""), "e");
	assert_string_equal(pf_gs_query_get(&q, "ab"), "\xe4");
	assert_null(pf_gs_query_get(&q, "e"));
	assert_int_equal(q.count, 7);
	assert_int_equal(parse("/serverinfo"), 0);
	assert_int_equal(q.count, 0);
	assert_int_equal(parse("/serverinfo?"), 0);
	assert_int_equal(parse("/?a=b=c?d"), 0);
	assert_string_equal(pf_gs_query_get(&q, "a"), "b=c?d");
}

static void refuses(void **state)
{
	static const char *const bad[] = { "", "pair", "?a", "http://h/pair", "/a?b=%", "/a?b=%4",
		"/a?b=%4g", "/a?%zz", "/a?b=%00" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (parse(bad[i]) != -EINVAL)
			fail_msg("%s", bad[i]);
		assert_int_equal(q.count, 0);
	}
	assert_int_equal(pf_gs_query_parse(&q, "/a\0b", 4), -EINVAL);
	assert_int_equal(pf_gs_query_parse(&q, "/a?b\0", 5), -EINVAL);
}

static void bounds(void **state)
{
	static char big[PF_GS_TARGET_MAX + 2];
	size_t at;

	memset(big, 'x', sizeof(big));
	memcpy(big, "/p?a=", 5);
	assert_int_equal(pf_gs_query_parse(&q, big, PF_GS_TARGET_MAX), 0);
	assert_int_equal(strlen(pf_gs_query_get(&q, "a")), PF_GS_TARGET_MAX - 5);
	assert_int_equal(pf_gs_query_parse(&q, big, PF_GS_TARGET_MAX + 1), -EMSGSIZE);
	memset(big, 'x', PF_GS_QUERY_PATH + 1);
	big[0] = '/';
	assert_int_equal(pf_gs_query_parse(&q, big, PF_GS_QUERY_PATH - 1), 0);
	assert_int_equal(pf_gs_query_parse(&q, big, PF_GS_QUERY_PATH), -E2BIG);
	memcpy(big, "/p?", 3);
	for (at = 3; at < 3 + 2 * PF_GS_QUERY_ARGS; at += 2)
		memcpy(big + at, "a&", 2);
	assert_int_equal(pf_gs_query_parse(&q, big, at), 0);
	assert_int_equal(q.count, PF_GS_QUERY_ARGS);
	assert_int_equal(pf_gs_query_parse(&q, big, at + 1), -E2BIG);
}

static void numbers(void **state)
{
	int64_t v = 77;

	assert_int_equal(parse("/a?n=-12&z=0&big=9223372036854775807&huge=99999999999999999999"
			       "&text=1x&plus=%2b1&empty=&minus=-&space=%201"),
		0);
	assert_int_equal(pf_gs_query_number(&q, "n", -12, 0, &v), 0);
	assert_int_equal(v, -12);
	assert_int_equal(pf_gs_query_number(&q, "z", 0, 0, &v), 0);
	assert_int_equal(v, 0);
	v = 77;
	assert_int_equal(pf_gs_query_number(&q, "none", 0, 1, &v), -ENOENT);
	assert_int_equal(pf_gs_query_number(&q, "n", -11, 0, &v), -EINVAL);
	assert_int_equal(pf_gs_query_number(&q, "n", -20, -13, &v), -EINVAL);
	assert_int_equal(pf_gs_query_number(&q, "big", 0, INT32_MAX, &v), -EINVAL);
	assert_int_equal(pf_gs_query_number(&q, "huge", 0, INT64_MAX, &v), -EINVAL);
	assert_int_equal(pf_gs_query_number(&q, "text", 0, 9, &v), -EINVAL);
	assert_int_equal(pf_gs_query_number(&q, "plus", 0, 9, &v), -EINVAL);
	assert_int_equal(pf_gs_query_number(&q, "empty", 0, 9, &v), -EINVAL);
	assert_int_equal(pf_gs_query_number(&q, "minus", -9, 9, &v), -EINVAL);
	assert_int_equal(pf_gs_query_number(&q, "space", 0, 9, &v), -EINVAL);
	assert_int_equal(v, 77);
}

static void hex(void **state)
{
	uint8_t out[4] = { 0 };
	size_t len = 77;

	assert_int_equal(parse("/a?h=00aBfF&odd=123&text=0g&empty=&long=0011223344"), 0);
	assert_int_equal(pf_gs_query_hex(&q, "h", out, sizeof(out), &len), 0);
	assert_int_equal(len, 3);
	assert_memory_equal(out, "\x00\xab\xff\x00", 4);
	assert_int_equal(pf_gs_query_hex(&q, "empty", out, sizeof(out), &len), 0);
	assert_int_equal(len, 0);
	assert_int_equal(pf_gs_query_hex(&q, "none", out, sizeof(out), &len), -ENOENT);
	assert_int_equal(pf_gs_query_hex(&q, "odd", out, sizeof(out), &len), -EINVAL);
	assert_int_equal(pf_gs_query_hex(&q, "text", out, sizeof(out), &len), -EINVAL);
	assert_int_equal(pf_gs_query_hex(&q, "long", out, sizeof(out), &len), -EMSGSIZE);
	assert_memory_equal(out, "\x00\xab\xff\x00", 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_apart),
		cmocka_unit_test(refuses),
		cmocka_unit_test(bounds),
		cmocka_unit_test(numbers),
		cmocka_unit_test(hex),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
