/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/contract/plain_user.h"
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "host/sys/rundir.h"

static char *dir;
static pid_t owner;

static void __attribute__((noreturn)) die(const char *what, const char *which)
{
	fprintf(stderr, "%s %s: %m\n", what, which);
	exit(99);
}

static void remove_dir(void)
{
	/* A forked copy leaves it to the test itself. */
	if (getpid() == owner)
		(void)pf_rundir_remove(dir);
	free(dir);
	dir = NULL;
}

static const char *leaf(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static char *built(const char *tool)
{
	const char *root = getenv("PF_BUILD_ROOT");
	char *path;

	if (!root)
		die("not set:", "PF_BUILD_ROOT");
	if (asprintf(&path, "%s/%s", root, tool) < 0)
		die("out of", "memory");
	return path;
}

static void copy_tool(const char *tool)
{
	char *from = built(tool), *to, buf[65536];
	int in = open(from, O_RDONLY | O_CLOEXEC), out;
	ssize_t n;

	if (in < 0 || asprintf(&to, "%s/%s", dir, leaf(tool)) < 0)
		die("cannot read", from);
	out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	if (out < 0)
		die("cannot write", to);
	while ((n = read(in, buf, sizeof(buf))) > 0)
		if (write(out, buf, (size_t)n) != n)
			die("cannot write", to);
	close(in);
	close(out);
	free(from);
	free(to);
}

static void set_home(const char *name, const char *sub)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", dir, sub);
	(void)mkdir(path, 0700);
	setenv(name, path, 1);
}

void pf_test_become_user(const char *const *tools)
{
	const struct passwd *pw;

	if (pf_rundir_create("/tmp", "pf-test-", &dir, NULL))
		die("cannot make a directory in", "/tmp");
	owner = getpid();
	atexit(remove_dir);
	if (geteuid() == 0) {
		for (; tools && *tools; tools++)
			copy_tool(*tools);
		pw = getpwnam("punktfunk");
		if (!pw)
			pw = getpwnam("nobody");
		if (!pw || chown(dir, pw->pw_uid, pw->pw_gid) < 0 || setgroups(0, NULL) < 0 ||
			setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) < 0 ||
			setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) < 0)
			die("cannot become", pw ? pw->pw_name : "nobody");
		/* Changing the user hid /proc/self from ourselves. */
		prctl(PR_SET_DUMPABLE, 1);
	}
	set_home("HOME", "home");
	set_home("XDG_RUNTIME_DIR", "run");
	set_home("XDG_CONFIG_HOME", "config");
	set_home("XDG_CACHE_HOME", "cache");
	unsetenv("WAYLAND_DISPLAY");
	unsetenv("SWAYSOCK");
	unsetenv("DISPLAY");
}

const char *pf_test_dir(void)
{
	return dir;
}

char *pf_test_subdir(const char *prefix)
{
	char *path;

	if (pf_rundir_create(dir, prefix, &path, NULL))
		die("cannot make", prefix);
	return path;
}

char *pf_test_tool(const char *tool)
{
	char *path;

	if (asprintf(&path, "%s/%s", dir, leaf(tool)) < 0)
		die("out of", "memory");
	if (access(path, X_OK) == 0)
		return path;
	free(path);
	return built(tool);
}

pid_t pf_test_process_of(const char *start, const char *word)
{
	DIR *proc = opendir("/proc");
	struct dirent *d;
	pid_t found = 0;

	if (!proc)
		die("cannot read", "/proc");
	while (!found && (d = readdir(proc))) {
		const pid_t pid = (pid_t)strtol(d->d_name, NULL, 10);
		char path[64], line[4096];
		size_t n;
		FILE *f;

		if (pid <= 0 || pid == getpid())
			continue;
		snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
		f = fopen(path, "re");
		if (!f)
			continue;
		n = fread(line, 1, sizeof(line) - 1, f);
		fclose(f);
		for (size_t i = 0; i < n; i++)
			line[i] = line[i] ? line[i] : ' ';
		line[n] = 0;
		if (!strncmp(line, start, strlen(start)) && strstr(line, word))
			found = pid;
	}
	closedir(proc);
	return found;
}
