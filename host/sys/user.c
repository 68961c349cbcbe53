/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/sys/user.h"
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_dir_of(const char *path, uid_t uid)
{
	struct stat st;

	return path && *path == '/' && !stat(path, &st) && S_ISDIR(st.st_mode) && st.st_uid == uid;
}

static const struct passwd *choose_user(const char *name, struct pf_reason *why)
{
	const char *sudo = getenv("SUDO_UID");
	const struct passwd *pw;

	if (name && *name) {
		pw = getpwnam(name);
		if (!pw)
			pf_reason_set(why, -ENOENT,
				"there is no user \"%.60s\"; name another with --user", name);
	} else if (sudo && strtoul(sudo, NULL, 10) > 0) {
		pw = getpwuid((uid_t)strtoul(sudo, NULL, 10));
		if (!pw)
			pf_reason_set(why, -ENOENT,
				"SUDO_UID names user %.20s, who does not exist; name one with "
				"--user",
				sudo);
	} else {
		pw = getpwnam(PF_USER_DEFAULT);
		if (!pw)
			pf_reason_set(why, -ENOENT,
				"the host does not run as root, and the system user \"%s\" is "
				"missing; "
				"run scripts/install-deps as root to make it, or name a user with "
				"--user",
				PF_USER_DEFAULT);
	}
	if (pw && !pw->pw_uid) {
		pf_reason_set(why, -EINVAL,
			"the host does not run as root; name an ordinary user with --user");
		return NULL;
	}
	return pw;
}

/* A directory that only `uid` can enter, made by root where nobody else can
 * interfere. */
static int make_runtime_dir(uid_t uid, gid_t gid, char *buf, size_t cap)
{
	static const char base[] = "/run/punktfunk";

	if (mkdir(base, 0711) && errno != EEXIST)
		return -errno;
	if (!is_dir_of(base, 0))
		return -EEXIST;
	snprintf(buf, cap, "%s/%u", base, (unsigned)uid);
	if (mkdir(buf, 0700) && errno != EEXIST)
		return -errno;
	if (lchown(buf, uid, gid) || chmod(buf, 0700))
		return -errno;
	return 0;
}

static int set_environment(const struct passwd *pw, struct pf_reason *why)
{
	/* Root's own places are of no use to the user; one that already belongs to
	 * the user was set for this purpose. */
	static const char *const places[] = { "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME",
		"XDG_CACHE_HOME", "XDG_RUNTIME_DIR" };
	static const char *const roots[] = { "DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "XAUTHORITY",
		"SWAYSOCK", "PULSE_SERVER", "PIPEWIRE_REMOTE", "MAIL", "SUDO_COMMAND", "SUDO_USER",
		"SUDO_UID", "SUDO_GID" };
	char dir[64];
	int r;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (!is_dir_of(getenv(places[i]), pw->pw_uid))
			unsetenv(places[i]);
	for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++)
		unsetenv(roots[i]);
	if (!getenv("XDG_RUNTIME_DIR")) {
		unsetenv("WAYLAND_DISPLAY");
		snprintf(dir, sizeof(dir), "/run/user/%u", (unsigned)pw->pw_uid);
		if (!is_dir_of(dir, pw->pw_uid)) {
			r = make_runtime_dir(pw->pw_uid, pw->pw_gid, dir, sizeof(dir));
			if (r)
				return pf_reason_set(why, r,
					"cannot make a runtime directory below /run/punktfunk: %s; "
					"set "
					"XDG_RUNTIME_DIR to a directory of user %.40s",
					strerror(-r), pw->pw_name);
		}
		setenv("XDG_RUNTIME_DIR", dir, 1);
	}
	setenv("HOME", pw->pw_dir, 1);
	setenv("USER", pw->pw_name, 1);
	setenv("LOGNAME", pw->pw_name, 1);
	unsetenv("SHELL"); /* root's */
	return 0;
}

int pf_user_become(const char *name, char *const argv[], struct pf_reason *why)
{
	const struct passwd *pw;
	int r;

	if (geteuid()) {
		pw = name && *name ? getpwuid(geteuid()) : NULL;
		if (name && *name && (!pw || strcmp(pw->pw_name, name)))
			return pf_reason_set(why, -EPERM,
				"only root can become user \"%.60s\"; drop the setting \"user\" or "
				"start "
				"the host as root",
				name);
		return 0;
	}
	pw = choose_user(name, why);
	if (!pw)
		return why && why->code ? why->code : -ENOENT;
	r = set_environment(pw, why);
	if (r)
		return r;
	if (initgroups(pw->pw_name, pw->pw_gid) || setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) ||
		setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid))
		return pf_reason_set(
			why, -errno, "cannot become user %.60s: %s", pw->pw_name, strerror(errno));
	/* By the open image, not the path: that may lie where the user cannot look. */
	execv("/proc/self/exe", argv);
	return pf_reason_set(why, -errno, "cannot execute the host again as user %.60s: %s",
		pw->pw_name, strerror(errno));
}

int pf_user_runtime_dir(struct pf_reason *why)
{
	const char *set = getenv("XDG_RUNTIME_DIR");
	uid_t uid = geteuid();
	struct stat st;
	char dir[64];

	if (is_dir_of(set, uid) && !access(set, W_OK | X_OK))
		return 0;
	snprintf(dir, sizeof(dir), "/run/user/%u", (unsigned)uid);
	if (is_dir_of(dir, uid) && !access(dir, W_OK | X_OK)) {
		setenv("XDG_RUNTIME_DIR", dir, 1);
		return 0;
	}
	snprintf(dir, sizeof(dir), "/tmp/punktfunk-%u", (unsigned)uid);
	if (mkdir(dir, 0700) && errno != EEXIST)
		return pf_reason_set(why, -errno,
			"cannot make the runtime directory %s: %s; set XDG_RUNTIME_DIR to a "
			"directory of this user",
			dir, strerror(errno));
	/* Anyone can make names in /tmp: take only what is ours and closed. */
	if (lstat(dir, &st) || !S_ISDIR(st.st_mode) || st.st_uid != uid || (st.st_mode & 077))
		return pf_reason_set(why, -EPERM,
			"%s is not a private directory of this user; remove it or set "
			"XDG_RUNTIME_DIR",
			dir);
	setenv("XDG_RUNTIME_DIR", dir, 1);
	return 0;
}

/* nologin and false are programs, but no shells. */
static bool is_shell(const char *path)
{
	const char *s;
	bool found = false;

	setusershell();
	while (path && !found && (s = getusershell()))
		found = !strcmp(s, path) && !access(s, X_OK);
	endusershell();
	return found;
}

void pf_user_shell(void)
{
	const struct passwd *pw;

	if (is_shell(getenv("SHELL")))
		return;
	pw = getpwuid(geteuid());
	setenv("SHELL",
		pw && is_shell(pw->pw_shell) ? pw->pw_shell
		: is_shell("/bin/bash")	     ? "/bin/bash"
					     : "/bin/sh",
		1);
}

const char *pf_user_name(char *buf, unsigned cap)
{
	const struct passwd *pw = getpwuid(geteuid());

	if (pw)
		snprintf(buf, cap, "%s", pw->pw_name);
	else
		snprintf(buf, cap, "%u", (unsigned)geteuid());
	return buf;
}
