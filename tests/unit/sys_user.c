/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* As root each case forks, and the child becomes someone by executing this very
 * program again, which then tells by its exit code what it finds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "host/sys/rundir.h"
#include "host/sys/user.h"

enum {
	BECAME = 10,
	BAD_UID,
	BAD_GROUPS,
	BAD_HOME,
	BAD_RUNTIME,
	BAD_CONFIG,
	BAD_BUS,
	REFUSED,
};

/* Runs as whoever we became. */
static int inspect(void)
{
	const struct passwd *pw = getpwuid(geteuid());
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	struct stat st;
	gid_t groups[64];
	int n = getgroups(64, groups);

	if (!geteuid() || !getuid() || !pw || !getegid())
		return BAD_UID;
	for (int i = 0; i < n; i++)
		if (!groups[i])
			return BAD_GROUPS;
	if (!getenv("HOME") || strcmp(getenv("HOME"), pw->pw_dir) || !getenv("USER") ||
		strcmp(getenv("USER"), pw->pw_name))
		return BAD_HOME;
	if (!runtime || stat(runtime, &st) || st.st_uid != geteuid() || (st.st_mode & 077) ||
		access(runtime, R_OK | W_OK | X_OK))
		return BAD_RUNTIME;
	if (getenv("XDG_CONFIG_HOME") && stat(getenv("XDG_CONFIG_HOME"), &st) == 0 &&
		st.st_uid != geteuid())
		return BAD_CONFIG;
	if (getenv("KEEP_CONFIG") && !getenv("XDG_CONFIG_HOME"))
		return BAD_CONFIG;
	if (getenv("DBUS_SESSION_BUS_ADDRESS") || getenv("SUDO_UID"))
		return BAD_BUS;
	return BECAME;
}

/* Exit code of a child that became `name`; *why as it was refused. */
static int become(const char *name, const char *sudo_uid, const char *config, struct pf_reason *why)
{
	char *argv[] = { (char *)"sys_user", (char *)"inspect", NULL };
	int pipe_fd[2], status = 0;
	pid_t pid;

	assert_int_equal(pipe(pipe_fd), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		struct pf_reason r = { 0 };

		if (sudo_uid)
			setenv("SUDO_UID", sudo_uid, 1);
		else
			unsetenv("SUDO_UID");
		setenv("XDG_RUNTIME_DIR", "/root", 1);
		setenv("XDG_CONFIG_HOME", config ? config : "/root", 1);
		if (config)
			setenv("KEEP_CONFIG", "1", 1);
		setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/root/bus", 1);
		(void)pf_user_become(name, argv, &r);
		(void)!write(pipe_fd[1], &r, sizeof(r));
		_exit(REFUSED);
	}
	close(pipe_fd[1]);
	memset(why, 0, sizeof(*why));
	(void)!read(pipe_fd[0], why, sizeof(*why));
	close(pipe_fd[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void root_becomes_a_user(void **state)
{
	struct pf_reason why;
	char *dir;

	if (geteuid()) {
		print_message("needs root\n");
		skip();
	}
	assert_int_equal(become("nobody", NULL, NULL, &why), BECAME);
	assert_int_equal(become("", "65534", NULL, &why), BECAME);
	/* A directory that already is the user's was meant. */
	assert_int_equal(pf_rundir_create("/tmp", "pf-user-", &dir, NULL), 0);
	assert_int_equal(chown(dir, 65534, 65534), 0);
	assert_int_equal(become("nobody", NULL, dir, &why), BECAME);
	(void)pf_rundir_remove(dir);
	free(dir);
	assert_int_equal(
		become(NULL, NULL, NULL, &why), getpwnam(PF_USER_DEFAULT) ? BECAME : REFUSED);
	if (!getpwnam(PF_USER_DEFAULT))
		assert_non_null(strstr(why.text, "install-deps"));
}

static void root_is_told_whom_to_name(void **state)
{
	struct pf_reason why;

	if (geteuid()) {
		print_message("needs root\n");
		skip();
	}
	assert_int_equal(become("root", NULL, NULL, &why), REFUSED);
	assert_int_equal(why.code, -EINVAL);
	assert_int_equal(become("pf-nobody-of-this-name", NULL, NULL, &why), REFUSED);
	assert_int_equal(why.code, -ENOENT);
	assert_non_null(strstr(why.text, "pf-nobody-of-this-name"));
	assert_int_equal(become(NULL, "4294967000", NULL, &why), REFUSED);
	assert_non_null(strstr(why.text, "SUDO_UID"));
}

static void a_user_stays_himself(void **state)
{
	struct pf_reason why = { 0 };
	char name[64];
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		if (!geteuid() && setresuid(65534, 65534, 65534))
			_exit(1);
		if (pf_user_become(NULL, NULL, &why) || pf_user_become("", NULL, &why) ||
			pf_user_become(pf_user_name(name, sizeof(name)), NULL, &why))
			_exit(2);
		if (pf_user_become("root", NULL, &why) != -EPERM || !strstr(why.text, "root"))
			_exit(3);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void a_runtime_directory_is_found_or_made(void **state)
{
	struct pf_reason why = { 0 };
	const char *dir;
	char *own;
	struct stat st;

	assert_int_equal(pf_rundir_create("/tmp", "pf-user-", &own, NULL), 0);
	setenv("XDG_RUNTIME_DIR", own, 1);
	assert_int_equal(pf_user_runtime_dir(&why), 0);
	assert_string_equal(getenv("XDG_RUNTIME_DIR"), own);
	(void)pf_rundir_remove(own);
	free(own);
	/* It is gone now: another must take its place. */
	assert_int_equal(pf_user_runtime_dir(&why), 0);
	dir = getenv("XDG_RUNTIME_DIR");
	assert_int_equal(lstat(dir, &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(st.st_uid, geteuid());
	assert_int_equal(st.st_mode & 077, 0);
}

static void terminals_get_a_shell(void **state)
{
	const char *now;

	setenv("SHELL", "/bin/sh", 1);
	pf_user_shell();
	assert_string_equal(getenv("SHELL"), "/bin/sh");
	/* What a service of a system user, or an odd caller, comes with. */
	for (unsigned i = 0; i < 3; i++) {
		static const char *const none[] = { NULL, "/usr/sbin/nologin", "/bin/false" };

		if (none[i])
			setenv("SHELL", none[i], 1);
		else
			unsetenv("SHELL");
		pf_user_shell();
		now = getenv("SHELL");
		assert_non_null(now);
		assert_int_equal(access(now, X_OK), 0);
		assert_null(strstr(now, "nologin"));
		assert_null(strstr(now, "false"));
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(root_becomes_a_user),
		cmocka_unit_test(root_is_told_whom_to_name),
		cmocka_unit_test(a_user_stays_himself),
		cmocka_unit_test(a_runtime_directory_is_found_or_made),
		cmocka_unit_test(terminals_get_a_shell),
	};

	if (argc > 1 && !strcmp(argv[1], "inspect"))
		return inspect();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
