/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include "core/wire/pf1_handshake.h"
#include "host/registry/access.h"

#define FP1 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define FP2                                                                                        \
	"FF:01:02:03:04:05:06:07:08:09:0a:0b:0c:0d:0e:0f:10:11:12:13:14:15:16:17:18:19:1a:1b:1c:"  \
	"1d:"                                                                                      \
	"1e:1f"

static void lines(void **state)
{
	static const struct {
		const char *line;
		int result;
		uint32_t grants;
		const char *label;
	} rows[] = {
		{ "", 0, 0, "" },
		{ "  # nothing", 0, 0, "" },
		{ FP1, 1, PF_GRANT_ALL, "" },
		{ "  " FP1 "   # living room \r", 1, PF_GRANT_ALL, "living room" },
		{ FP2 " pointer,keyboard #x", 1, PF_GRANT_POINTER | PF_GRANT_KEYBOARD, "x" },
		{ FP1 " none", 1, 0, "" },
		{ FP1 "#tight", 1, PF_GRANT_ALL, "tight" },
		{ FP1 "0", -EINVAL, 0, "" },
		{ FP1 " pointer,everything", -EINVAL, 0, "" },
		{ FP1 " pointer keyboard", -EINVAL, 0, "" },
		{ "00010203", -EINVAL, 0, "" },
		{ "hello", -EINVAL, 0, "" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pf_access_entry e = { .grants = 77 };
		struct pf_reason why = { 0 };

		if (pf_access_parse_line(&e, rows[i].line, &why) != rows[i].result)
			fail_msg("%s", rows[i].line);
		if (rows[i].result == 1) {
			assert_int_equal(e.grants, rows[i].grants);
			assert_string_equal(e.label, rows[i].label);
		} else {
			assert_int_equal(e.grants, 77);
			assert_int_equal(!!*why.text, rows[i].result < 0);
		}
	}
}

static void count_bad(void *user, unsigned line, const char *text)
{
	*(unsigned *)user = *(unsigned *)user * 10 + line;
}

static void finds_past_bad_lines(void **state)
{
	static const char text[] = "rubbish\n" FP1 " none # first\n" FP1 "\n" FP2;
	struct pf_access_entry e;
	uint8_t fp[32];
	char hex[65];
	unsigned bad = 0;

	for (unsigned i = 0; i < 32; i++)
		fp[i] = (uint8_t)i;
	pf_access_format(fp, hex);
	assert_string_equal(hex, FP1);
	assert_int_equal(
		pf_access_find(&e, (const uint8_t *)text, sizeof(text) - 1, fp, count_bad, &bad),
		0);
	assert_int_equal(e.grants, 0);
	assert_int_equal(bad, 1);
	fp[0] = 0xff;
	assert_int_equal(
		pf_access_find(&e, (const uint8_t *)text, sizeof(text) - 1, fp, NULL, NULL), 0);
	assert_int_equal(e.grants, PF_GRANT_ALL);
	fp[31] = 0;
	assert_int_equal(
		pf_access_find(&e, (const uint8_t *)text, sizeof(text) - 1, fp, NULL, NULL),
		-ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines),
		cmocka_unit_test(finds_past_bad_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
