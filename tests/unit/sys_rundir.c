/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "host/sys/rundir.h"

static void join(char *out, size_t cap, const char *dir, const char *name)
{
	assert_true((size_t)snprintf(out, cap, "%s/%s", dir, name) < cap);
}

static void touch(const char *dir, const char *name)
{
	char path[512];
	int fd;

	join(path, sizeof(path), dir, name);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
}

static void is_private_and_goes_with_its_contents(void **state)
{
	char *a = NULL, *b = NULL, sub[512], link[512], outside[512];
	struct stat st;

	assert_int_equal(pf_rundir_create("/tmp", "pf-test-", &a, NULL), 0);
	assert_int_equal(pf_rundir_create(a, "in-", &b, NULL), 0);
	assert_int_equal(stat(a, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_true(a[0] == '/' && !strncmp(b, a, strlen(a)));

	/* A link out of the directory is removed, its target is not. */
	join(outside, sizeof(outside), a, "keep");
	assert_int_equal(mkdir(outside, 0700), 0);
	touch(outside, "file");
	join(link, sizeof(link), b, "link");
	assert_int_equal(symlink(outside, link), 0);
	join(sub, sizeof(sub), b, "sub");
	assert_int_equal(mkdir(sub, 0700), 0);
	touch(sub, "file");
	touch(b, "file");
	assert_int_equal(pf_rundir_remove(b), 0);
	assert_int_not_equal(access(b, F_OK), 0);
	join(link, sizeof(link), outside, "file");
	assert_int_equal(access(link, F_OK), 0);

	assert_int_equal(pf_rundir_remove(a), 0);
	assert_int_not_equal(access(a, F_OK), 0);
	assert_int_equal(pf_rundir_remove(a), 0);
	free(a);
	free(b);
}

static void a_bad_parent_is_named(void **state)
{
	struct pf_reason why = { 0 };
	char *path = NULL;

	assert_int_equal(pf_rundir_create("/nonexistent", "x", &path, &why), -ENOENT);
	assert_null(path);
	assert_non_null(strstr(why.text, "/nonexistent"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_private_and_goes_with_its_contents),
		cmocka_unit_test(a_bad_parent_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
