/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "host/registry/host_id.h"
#include "host/sys/files.h"
#include "host/sys/rundir.h"

static void is_made_once_and_mended(void **state)
{
	char *dir, path[512], first[PF_HOST_ID_BYTES], again[PF_HOST_ID_BYTES];
	struct pf_reason why = { 0 };

	assert_int_equal(pf_rundir_create("/tmp", "pf-test-", &dir, NULL), 0);
	snprintf(path, sizeof(path), "%s/host_id", dir);
	assert_int_equal(pf_host_id_open(first, path, &why), 0);
	assert_int_equal(strlen(first), 36);
	assert_int_equal(first[14], '4');
	for (unsigned i = 0; i < 36; i++)
		assert_non_null(
			strchr(i == 8 || i == 13 || i == 18 || i == 23 ? "-" : "0123456789abcdef",
				first[i]));
	assert_int_equal(pf_host_id_open(again, path, &why), 0);
	assert_string_equal(first, again);

	/* By hand, without the line's end: still an id. */
	assert_int_equal(
		pf_file_replace(path, 0600, "01234567-89ab-4cde-8f01-23456789abcd", 36, &why), 0);
	assert_int_equal(pf_host_id_open(again, path, &why), 0);
	assert_string_equal(again, "01234567-89ab-4cde-8f01-23456789abcd");

	assert_int_equal(pf_file_replace(path, 0600, "nonsense\n", 9, &why), 0);
	assert_int_equal(pf_host_id_open(again, path, &why), 0);
	assert_int_equal(strlen(again), 36);
	assert_int_equal(pf_host_id_open(first, path, &why), 0);
	assert_string_equal(first, again);

	assert_int_equal(pf_rundir_remove(dir), 0);
	assert_true(pf_host_id_open(again, "/proc/none/host_id", &why) < 0);
	assert_string_not_equal(why.text, "");
	free(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(is_made_once_and_mended) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
