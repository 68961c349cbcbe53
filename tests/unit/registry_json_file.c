/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "host/registry/json_file.h"
#include "host/sys/files.h"
#include "host/sys/rundir.h"

static void lines_of_elements(void **state)
{
	static const char text[] = "{ \"other\": [ {}, [1, 2],\n {} ],\n"
				   "  \"list\": [ 7,\n"
				   "    \"a]\\\"[{\",\n"
				   "\n"
				   "    { \"list\": [ 1,\n 2 ] },\n"
				   "    null ],\n"
				   "  \"last\": [ 1 ] }";
	static const unsigned want[] = { 3, 4, 6, 8, 1 };

	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		assert_int_equal(pf_json_line_of(text, strlen(text), "list", i), want[i]);
	assert_int_equal(pf_json_line_of(text, strlen(text), "other", 2), 2);
	assert_int_equal(pf_json_line_of(text, strlen(text), "last", 0), 9);
	assert_int_equal(pf_json_line_of(text, strlen(text), "none", 0), 1);
	assert_int_equal(pf_json_line_of("\"", 1, "x", 0), 1);
	assert_int_equal(pf_json_line_of("", 0, "x", 0), 1);
}

static void times_there_and_back(void **state)
{
	static const char *const bad[] = { "x", "2026-01-31", "2026-01-31T12:00:00",
		"2026-01-31T12:00:00Zx", "1960-01-01T00:00:00Z", "2026-13-01T00:00:00Z" };
	char text[32];
	int64_t s = 7;

	pf_json_time(1700000000, text);
	assert_string_equal(text, "2023-11-14T22:13:20Z");
	assert_true(pf_json_time_parse(&s, text));
	assert_int_equal(s, 1700000000);
	pf_json_time(0, text);
	assert_string_equal(text, "");
	assert_true(pf_json_time_parse(&s, ""));
	assert_int_equal(s, 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (pf_json_time_parse(&s, bad[i]))
			fail_msg("%s", bad[i]);
}

static void writes_and_makes_the_folder(void **state)
{
	char *dir = NULL, path[200], name[260];
	struct pf_reason why = { 0 };
	struct stat st;

	assert_int_equal(pf_rundir_create("/tmp", "pf-json-", &dir, NULL), 0);
	snprintf(path, sizeof(path), "%s/new/list.json", dir);
	assert_int_equal(pf_json_write(path, 0600, "{}", &why), 0); /* and its folder */
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	snprintf(name, sizeof(name), "%s/below", path);
	assert_int_equal(pf_json_write(name, 0600, "{}", &why), -EIO);
	assert_true(*why.text);
	(void)pf_rundir_remove(dir);
	free(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_of_elements),
		cmocka_unit_test(times_there_and_back),
		cmocka_unit_test(writes_and_makes_the_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
