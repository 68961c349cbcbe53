/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "host/display/sway_ipc.h"
#include "host/display/sway_output.h"

static void headers_are_built_and_read(void **state)
{
	uint8_t h[PF_SWAY_HEADER_BYTES];
	uint32_t type = 9, len = 9;

	pf_sway_header_build(h, PF_SWAY_RUN_COMMAND, 1000);
	assert_memory_equal(h, "i3-ipc", 6);
	assert_int_equal(pf_sway_header_parse(h, &type, &len), 0);
	assert_int_equal(type, PF_SWAY_RUN_COMMAND);
	assert_int_equal(len, 1000);
	pf_sway_header_build(h, 7, PF_SWAY_REPLY_MAX + 1);
	assert_int_equal(pf_sway_header_parse(h, &type, &len), -EMSGSIZE);
	assert_int_equal(type, PF_SWAY_RUN_COMMAND);
	h[0] = 'I';
	assert_int_equal(pf_sway_header_parse(h, &type, &len), -EPROTO);
}

static void replies_are_believed_only_if_whole(void **state)
{
	static const struct {
		const char *json;
		int result;
		const char *words;
	} rows[] = {
		{ "[ { \"success\": true } ]", 0, "" },
		{ "[{\"success\":true},{\"success\":true}]", 0, "" },
		{ "[{\"success\":true},{\"success\":false,\"parse_error\":true,"
		  "\"error\":\"Unknown/invalid command 'x'\"}]",
			-EINVAL, "Unknown/invalid command 'x'" },
		{ "[{\"success\":false}]", -EINVAL, "no reason given" },
		{ "[{\"success\":false,\"error\":7}]", -EINVAL, "no reason given" },
		{ "[{\"success\":1}]", -EPROTO, "" },
		{ "[{}]", -EPROTO, "" },
		{ "[7]", -EPROTO, "" },
		{ "[]", -EPROTO, "" },
		{ "{\"success\":true}", -EPROTO, "" },
		{ "[{\"success\":true}", -EPROTO, "" },
		{ "", -EPROTO, "" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct pf_reason why = { 0 };

		assert_int_equal(pf_sway_reply_check(rows[i].json, strlen(rows[i].json), &why),
			rows[i].result);
		assert_int_equal(why.code, rows[i].result);
		assert_non_null(strstr(why.text, rows[i].words));
	}
}

/* As sway reads a rate: float, then cut to thousandths. */
static int as_sway_reads(const char *command)
{
	const char *rate = strchr(command, '@');

	assert_non_null(rate);
	return (int)(strtof(rate + 1, NULL) * 1000);
}

static void every_rate_survives_the_float(void **state)
{
	struct pf_mode mode = { 2560, 1440, 0 };
	char command[128];

	for (mode.refresh_mhz = 1000; mode.refresh_mhz <= 1000000; mode.refresh_mhz += 7) {
		pf_sway_mode_command(command, sizeof(command), "HEADLESS-1", &mode);
		assert_int_equal(as_sway_reads(command), mode.refresh_mhz);
	}
	mode.refresh_mhz = 119880;
	pf_sway_mode_command(command, sizeof(command), "HEADLESS-1", &mode);
	assert_string_equal(command, "output HEADLESS-1 mode --custom 2560x1440@119.8804Hz");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_are_built_and_read),
		cmocka_unit_test(replies_are_believed_only_if_whole),
		cmocka_unit_test(every_rate_survives_the_float),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
