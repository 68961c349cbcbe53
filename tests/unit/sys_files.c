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
#include <sys/syscall.h>
#include <unistd.h>
#include "host/sys/files.h"
#include "host/sys/rundir.h"

static char *dir;

/* What reached the disk, in order; stands before the C library's. */
static char calls[64];
static char fail_at; /* 'f' a file, 'd' a directory: fsync of it says EIO */

static void note(char c)
{
	size_t n = strlen(calls);

	if (n + 1 < sizeof(calls))
		calls[n] = c;
}

int fsync(int fd)
{
	struct stat st;
	char kind = !fstat(fd, &st) && S_ISDIR(st.st_mode) ? 'd' : 'f';

	note(kind);
	if (kind == fail_at) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fsync, fd);
}

int rename(const char *from, const char *to)
{
	note('r');
	return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

static void expect_calls(const char *want)
{
	assert_string_equal(calls, want);
	memset(calls, 0, sizeof(calls));
}

static int make_dir(void **state)
{
	return pf_rundir_create("/tmp", "pf-files-", &dir, NULL);
}

static int drop_dir(void **state)
{
	(void)pf_rundir_remove(dir);
	free(dir);
	return 0;
}

static const char *in_dir(const char *name)
{
	static char path[PF_PATH_BYTES];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void a_file_is_replaced_whole(void **state)
{
	struct pf_reason why = { 0 };
	struct stat st;
	uint8_t *data;
	size_t len;

	assert_int_equal(pf_file_replace(in_dir("f"), 0600, "first", 5, &why), 0);
	assert_int_equal(pf_file_replace(in_dir("f"), 0640, "second!", 7, &why), 0);
	assert_int_equal(pf_file_read(in_dir("f"), 7, &data, &len, &why), 0);
	assert_int_equal(len, 7);
	assert_string_equal((char *)data, "second!");
	free(data);
	assert_int_equal(stat(in_dir("f"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(pf_file_read(in_dir("f"), 6, &data, &len, &why), -EFBIG);
	assert_int_equal(pf_file_read(in_dir("g"), 6, &data, &len, &why), -ENOENT);
	assert_non_null(strstr(why.text, "/g"));
	assert_int_equal(pf_file_read(dir, 6, &data, &len, &why), -EISDIR);
	assert_int_equal(pf_file_replace(in_dir("no/f"), 0600, "x", 1, &why), -ENOENT);
	/* Nothing is left behind by any of it. */
	assert_int_equal(unlink(in_dir("f")), 0);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(mkdir(dir, 0700), 0);
}

static void directories_follow_xdg(void **state)
{
	struct pf_reason why = { 0 };
	char path[PF_PATH_BYTES], want[PF_PATH_BYTES];
	struct stat st;

	setenv("HOME", dir, 1);
	unsetenv("XDG_DATA_HOME");
	setenv("XDG_STATE_HOME", "relative/does/not/count", 1);
	snprintf(want, sizeof(want), "%s/.local/share/punktfunk", dir);
	assert_int_equal(pf_dir_path(PF_DIR_DATA, path, sizeof(path), &why), 0);
	assert_string_equal(path, want);
	assert_int_equal(access(want, F_OK), -1);
	assert_int_equal(pf_dir_make(PF_DIR_DATA, path, sizeof(path), &why), 0);
	assert_int_equal(stat(want, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(pf_dir_make(PF_DIR_DATA, path, sizeof(path), &why), 0);
	assert_int_equal(pf_dir_path(PF_DIR_STATE, path, sizeof(path), &why), 0);
	assert_non_null(strstr(path, "/.local/state/punktfunk"));
	setenv("XDG_STATE_HOME", in_dir("s"), 1);
	assert_int_equal(pf_dir_path(PF_DIR_STATE, path, sizeof(path), &why), 0);
	assert_string_equal(path, in_dir("s/punktfunk"));
	assert_int_equal(pf_dir_path(PF_DIR_STATE, path, 8, &why), -ENAMETOOLONG);
	unsetenv("XDG_RUNTIME_DIR");
	assert_int_equal(pf_dir_path(PF_DIR_RUNTIME, path, sizeof(path), &why), -ENOENT);
	assert_non_null(strstr(why.text, "XDG_RUNTIME_DIR"));
}

static void a_file_in_the_way_is_told(void **state)
{
	struct pf_reason why = { 0 };
	char path[PF_PATH_BYTES];

	assert_int_equal(pf_file_replace(in_dir("way"), 0600, "", 0, &why), 0);
	setenv("XDG_DATA_HOME", in_dir("way"), 1);
	assert_int_equal(pf_dir_make(PF_DIR_DATA, path, sizeof(path), &why), -ENOTDIR);
	assert_non_null(strstr(why.text, "XDG"));
}

/* A loss of power after success finds the new content under the name: content, name and
 * the folder's own name are written, in this order. */
static void what_was_acknowledged_is_on_the_disk(void **state)
{
	struct pf_reason why = { 0 };
	uint8_t *data;
	size_t len;

	memset(calls, 0, sizeof(calls));
	assert_int_equal(pf_file_replace(in_dir("f"), 0600, "old", 3, &why), 0);
	expect_calls("frd");
	assert_int_equal(pf_mkdirs(in_dir("a/b"), 0700), 0);
	expect_calls("dd");
	assert_int_equal(rmdir(in_dir("a/b")), 0);
	assert_int_equal(rmdir(in_dir("a")), 0);
	fail_at = 'f';
	assert_int_equal(pf_file_replace(in_dir("f"), 0600, "new", 3, &why), -EIO);
	expect_calls("f");
	assert_int_equal(pf_file_read(in_dir("f"), 9, &data, &len, &why), 0);
	assert_string_equal((char *)data, "old");
	free(data);
	fail_at = 'd';
	assert_int_equal(pf_file_replace(in_dir("f"), 0600, "new", 3, &why), -EIO);
	assert_non_null(strstr(why.text, "is on the disk"));
	expect_calls("frd");
	assert_int_equal(pf_file_remove(in_dir("f"), &why), -EIO);
	fail_at = 0;
	assert_int_equal(pf_file_replace(in_dir("f"), 0600, "new", 3, &why), 0);
	memset(calls, 0, sizeof(calls));
	assert_int_equal(pf_file_remove(in_dir("f"), &why), 0);
	expect_calls("d");
}

static void what_a_killed_writer_left_is_swept(void **state)
{
	static const char *const kept[] = { "f", "f.lock", "f.backup", "f.pf-new.x" };
	struct pf_reason why = { 0 };

	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		assert_int_equal(pf_file_replace(in_dir(kept[i]), 0600, "", 0, NULL), 0);
	assert_int_equal(pf_file_replace(in_dir("f.Ab12_x" PF_FILE_NEW), 0600, "", 0, NULL), 0);
	pf_dir_sweep(dir);
	assert_int_equal(pf_file_remove(in_dir("f.Ab12_x" PF_FILE_NEW), &why), -ENOENT);
	assert_non_null(strstr(why.text, "Ab12_x"));
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		assert_int_equal(pf_file_remove(in_dir(kept[i]), &why), 0);
	pf_dir_sweep(in_dir("none"));
}

static void a_pipe_is_no_file_and_is_not_waited_for(void **state)
{
	struct pf_reason why = { 0 };
	uint8_t *data;
	size_t len;

	assert_int_equal(mkfifo(in_dir("pipe"), 0600), 0);
	assert_int_equal(pf_file_read(in_dir("pipe"), 6, &data, &len, &why), -EINVAL);
	assert_int_equal(pf_file_remove(in_dir("pipe"), &why), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_file_is_replaced_whole, make_dir, drop_dir),
		cmocka_unit_test_setup_teardown(directories_follow_xdg, make_dir, drop_dir),
		cmocka_unit_test_setup_teardown(a_file_in_the_way_is_told, make_dir, drop_dir),
		cmocka_unit_test_setup_teardown(
			what_was_acknowledged_is_on_the_disk, make_dir, drop_dir),
		cmocka_unit_test_setup_teardown(
			what_a_killed_writer_left_is_swept, make_dir, drop_dir),
		cmocka_unit_test_setup_teardown(
			a_pipe_is_no_file_and_is_not_waited_for, make_dir, drop_dir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
