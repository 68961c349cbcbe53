/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <systemd/sd-bus.h>
#include <time.h>
#include <unistd.h>
#include "host/doctor/check.h"
#include "host/sys/files.h"
#include "host/sys/spawn.h"
#include "host/sys/user.h"

#define LOGIND	       "org.freedesktop.login1"
#define LOGIND_PATH    "/org/freedesktop/login1"
#define LOGIND_MANAGER "org.freedesktop.login1.Manager"
#define MIB	       (UINT64_C(1) << 20)
#define FULL_BYTES     (4 * MIB)  /* keys and settings would not fit surely */
#define LOW_BYTES      (64 * MIB) /* logs of some weeks */
#define FILES_LOW      1024	  /* some forty per session, and a desk's own */
#define OLDEST_S       1735689600 /* 2025: before this program */

static void check_user(struct pf_exam *x, const char *arg)
{
	const struct pf_doctor_params *p = pf_exam_params(x);

	if (p->user_error)
		pf_say(x, PF_DOCTOR_FAIL, p->user_error,
			"Make the system user, or name one with --user.",
			"sudo useradd --system --user-group --home-dir /var/lib/punktfunk "
			"--create-home --groups input punktfunk");
	else if (!geteuid())
		pf_say(x, PF_DOCTOR_FAIL, "this is root, as which the host does not work",
			"Start it as an ordinary user.", "sudo punktfunk-host serve --user $USER");
	else
		pf_say(x, PF_DOCTOR_OK, pf_text("user %s", pf_user_here()), NULL, NULL);
}

static void check_settings(struct pf_exam *x, const char *arg)
{
	const struct pf_doctor_params *p = pf_exam_params(x);

	if (p->settings_error)
		pf_say(x, PF_DOCTOR_FAIL, pf_text("the host does not start: %s", p->settings_error),
			"Correct it, or take the line out.",
			p->settings_command ? p->settings_command : "punktfunk-host check");
	else
		pf_say(x, PF_DOCTOR_OK, "they are in order", NULL, NULL);
}

static void check_runtime_dir(struct pf_exam *x, const char *arg)
{
	const char *dir = getenv("XDG_RUNTIME_DIR");
	const char *usual = pf_text("/run/user/%u", geteuid());
	struct pf_reason why = { 0 };
	struct stat st;

	if (!dir) {
		if (!stat(usual, &st) && st.st_uid == geteuid())
			pf_say(x, PF_DOCTOR_OK,
				pf_text("XDG_RUNTIME_DIR is not set; the host finds %s by itself",
					usual),
				NULL, NULL);
		else if (pf_user_runtime_dir(&why))
			pf_say(x, PF_DOCTOR_FAIL, why.text, "Sockets need a place of their own.",
				"export XDG_RUNTIME_DIR=$(mktemp -d)");
		else
			pf_say(x, PF_DOCTOR_WARN,
				pf_text("XDG_RUNTIME_DIR is not set and there is no %s: the host "
					"makes "
					"do with %s",
					usual, getenv("XDG_RUNTIME_DIR")),
				"logind makes it for users who are logged in or may linger.",
				pf_text("sudo loginctl enable-linger %s",
					pf_quote(pf_user_here())));
		return;
	}
	if (*dir != '/' || stat(dir, &st) || !S_ISDIR(st.st_mode))
		pf_say(x, PF_DOCTOR_WARN,
			pf_text("XDG_RUNTIME_DIR is %s, which is no directory: the session's "
				"sockets "
				"are not found",
				dir),
			"Let it be the user's own.",
			pf_text("export XDG_RUNTIME_DIR=%s",
				pf_exists(usual) ? usual : "$(mktemp -d)"));
	else if (st.st_uid != geteuid())
		pf_say(x, PF_DOCTOR_WARN,
			pf_text("XDG_RUNTIME_DIR is %s, which is another user's (%u): su and sudo "
				"leave it as it was",
				dir, (unsigned)st.st_uid),
			"Let it be the user's own.",
			pf_text("export XDG_RUNTIME_DIR=%s",
				pf_exists(usual) ? usual : "$(mktemp -d)"));
	else if (access(dir, W_OK | X_OK))
		pf_say(x, PF_DOCTOR_WARN,
			pf_text("XDG_RUNTIME_DIR %s cannot be written (%s): the host uses another",
				dir, strerror(errno)),
			"Let it be the user's own.",
			errno == EROFS ? "export XDG_RUNTIME_DIR=$(mktemp -d)"
				       : pf_text("chmod 700 %s", pf_quote(dir)));
	else if (st.st_mode & 0077)
		pf_say(x, PF_DOCTOR_WARN,
			pf_text("XDG_RUNTIME_DIR %s is open to others (mode %04o): they reach the "
				"sockets of desks",
				dir, (unsigned)st.st_mode & 07777),
			"Close it.", pf_text("chmod 700 %s", pf_quote(dir)));
	else
		pf_say(x, PF_DOCTOR_OK, dir, NULL, NULL);
}

/* The nearest directory that is there. */
static const char *nearest(const char *path)
{
	char *p = strdup(path), *slash;
	struct stat st;

	while (p && *p && stat(p, &st) && errno == ENOENT && (slash = strrchr(p, '/')) != NULL)
		*slash = 0;
	return p && *p ? p : "/";
}

static const struct {
	enum pf_dir dir;
	const char *id, *title;
} dirs[] = {
	{ PF_DIR_CONFIG, "config", "Directory of the settings" },
	{ PF_DIR_DATA, "data", "Directory of keys and clients" },
	{ PF_DIR_STATE, "state", "Directory of logs" },
};

static void check_dirs(struct pf_exam *x, const char *arg)
{
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		const char *id = pf_text("dir_%s", dirs[i].id), *at;
		char path[PF_PATH_BYTES];
		struct pf_reason why = { 0 };
		struct stat st = { 0 };

		if (pf_dir_path(dirs[i].dir, path, sizeof(path), &why)) {
			pf_say_of(x, id, dirs[i].title, PF_DOCTOR_FAIL, why.text,
				"A service without a home has no place for it.",
				"export HOME=$(getent passwd $(id -u) | cut -d: -f6)");
			continue;
		}
		at = nearest(path);
		(void)stat(at, &st);
		if (!access(at, W_OK | X_OK) && S_ISDIR(st.st_mode))
			pf_say_of(x, id, dirs[i].title, PF_DOCTOR_OK, path, NULL, NULL);
		else if (!S_ISDIR(st.st_mode))
			pf_say_of(x, id, dirs[i].title, PF_DOCTOR_FAIL,
				pf_text("%s is in the way: %s cannot be made", at, path),
				"Move it aside.",
				pf_text("mv %s %s.old", pf_quote(at), pf_quote(at)));
		else if (errno == EROFS)
			pf_say_of(x, id, dirs[i].title, PF_DOCTOR_FAIL,
				pf_text("%s is on a file system that is read-only", at),
				"Make it writable; a service may lack it in ReadWritePaths.",
				pf_text("sudo mount -o remount,rw $(findmnt -no TARGET -T %s)",
					pf_quote(at)));
		else if (st.st_uid != geteuid())
			pf_say_of(x, id, dirs[i].title, PF_DOCTOR_FAIL,
				pf_text("user %s may not write %s, which is of user %u: was the "
					"host "
					"run as another before?",
					pf_user_here(), at, (unsigned)st.st_uid),
				"Give it back.",
				pf_text("sudo chown -R %s: %s", pf_quote(pf_user_here()),
					pf_quote(at)));
		else
			pf_say_of(x, id, dirs[i].title, PF_DOCTOR_FAIL,
				pf_text("%s may not be written (mode %04o)", at,
					(unsigned)st.st_mode & 07777),
				"Give its owner the rights.",
				pf_text("chmod u+rwx %s", pf_quote(at)));
	}
}

static void say_disk(
	struct pf_exam *x, const char *id, const char *title, const char *path, const char *command)
{
	const char *at = nearest(path);
	struct statvfs v;
	uint64_t left;

	if (statvfs(at, &v))
		return;
	left = (uint64_t)v.f_bavail * v.f_frsize;
	if (left < FULL_BYTES || (v.f_files && v.f_favail < 16))
		pf_say_of(x, id, title, PF_DOCTOR_FAIL,
			left < FULL_BYTES ? pf_text("%s is full: %llu KiB left", at,
						    (unsigned long long)(left >> 10))
					  : pf_text("%s has no room for more files (inodes)", at),
			"Clients, settings and logs cannot be written: make room.", command);
	else if (left < LOW_BYTES)
		pf_say_of(x, id, title, PF_DOCTOR_WARN,
			pf_text("%s is nearly full: %llu MiB left", at,
				(unsigned long long)(left / MIB)),
			"Make room.", command);
	else
		pf_say_of(x, id, title, PF_DOCTOR_OK,
			pf_text("%llu MiB left at %s", (unsigned long long)(left / MIB), at), NULL,
			NULL);
}

static void check_disk(struct pf_exam *x, const char *arg)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	char path[PF_PATH_BYTES];

	for (size_t i = 1; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		if (!pf_dir_path(dirs[i].dir, path, sizeof(path), NULL))
			say_disk(x, pf_text("disk_%s", dirs[i].id),
				i == 1 ? "Room for keys and clients" : "Room for logs", path,
				"sudo apt-get clean && sudo journalctl --vacuum-size=100M");
	if (runtime && *runtime == '/')
		say_disk(x, "disk_runtime", "Room for sockets", runtime,
			pf_text("sudo mount -o remount,size=256M $(findmnt -no TARGET -T %s)",
				pf_quote(runtime)));
}

static void check_linger(struct pf_exam *x, const char *arg)
{
	const char *user = pf_user_here();
	char cgroup[1024];

	if (!pf_exists("/run/systemd/system"))
		pf_say(x, PF_DOCTOR_SKIP, "systemd does not run this machine", NULL, NULL);
	else if (pf_slurp("/proc/self/cgroup", cgroup, sizeof(cgroup)) &&
		 strstr(cgroup, "/system.slice/"))
		pf_say(x, PF_DOCTOR_SKIP, "a service of the system outlives every login", NULL,
			NULL);
	else if (pf_exists(pf_text("/var/lib/systemd/linger/%s", user)))
		pf_say(x, PF_DOCTOR_OK, pf_text("user %s may linger", user), NULL, NULL);
	else
		pf_say(x, PF_DOCTOR_WARN,
			pf_text("user %s may not linger: what it runs ends when it logs out, and "
				"does "
				"not start before it logs in",
				user),
			"Let it linger, for a host without a screen.",
			pf_text("sudo loginctl enable-linger %s", pf_quote(user)));
}

#define NO_IDLE                                                                                    \
	"sudo mkdir -p /etc/systemd/logind.conf.d && printf '[Login]\\nIdleAction=ignore\\n' | "   \
	"sudo tee /etc/systemd/logind.conf.d/60-punktfunk.conf && sudo systemctl kill -s HUP "     \
	"systemd-logind"

static void check_sleep(struct pf_exam *x, const char *arg)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus_message *m = NULL;
	const char *why = "", *name;
	char *action = NULL;
	sd_bus *bus = pf_bus(true, &why);
	int r;

	if (!bus) {
		pf_say(x, PF_DOCTOR_SKIP,
			pf_text("the system's D-Bus does not answer (%s): sleep is not noticed",
				why),
			NULL, NULL);
		return;
	}
	if (!pf_bus_has(bus, LOGIND) && !pf_bus_starts(bus, LOGIND)) {
		pf_say(x, PF_DOCTOR_SKIP, "no logind: nothing here puts the machine to sleep", NULL,
			NULL);
		return;
	}
	/* What the host does; the lock ends with this process. */
	r = sd_bus_call_method(bus, LOGIND, LOGIND_PATH, LOGIND_MANAGER, "Inhibit", &error, &m,
		"ssss", "idle", "punktfunk", "doctor tries", "block");
	if (r < 0) {
		name = error.name ? error.name : strerror(-r);
		pf_say(x, PF_DOCTOR_WARN,
			pf_text("logind does not let user %s keep the machine awake (%s): it may "
				"fall "
				"asleep in a stream",
				pf_user_here(), name),
			strstr(name, "AccessDenied") || strstr(name, "InteractiveAuth")
				? "polkit decides that; without it only root may."
				: "It does not answer.",
			strstr(name, "AccessDenied") || strstr(name, "InteractiveAuth")
				? "sudo apt-get install polkitd"
				: "sudo systemctl restart systemd-logind");
		return;
	}
	if (sd_bus_get_property_string(
		    bus, LOGIND, LOGIND_PATH, LOGIND_MANAGER, "IdleAction", NULL, &action) >= 0 &&
		strcmp(action, "ignore"))
		pf_say(x, PF_DOCTOR_WARN,
			pf_text("logind's IdleAction is %s: streams hold the machine awake, but "
				"between them it falls asleep and nobody can connect",
				action),
			"Let it stay awake.", NO_IDLE);
	else
		pf_say(x, PF_DOCTOR_OK, "streams keep the machine awake", NULL, NULL);
}

static void check_clock(struct pf_exam *x, const char *arg)
{
	const bool keeper = pf_exists("/lib/systemd/systemd-timesyncd") ||
			    pf_program_exists("chronyd") || pf_exists("/usr/sbin/chronyd") ||
			    pf_exists("/usr/sbin/ntpd");
	const char *command = !pf_exists("/run/systemd/system") ? "sudo apt-get install chrony"
			      : keeper				? "sudo timedatectl set-ntp true"
				       : "sudo apt-get install systemd-timesyncd";
	struct timex t = { 0 };
	time_t now = time(NULL);
	struct tm tm;
	char day[32] = "?";
	int r = adjtimex(&t);

	if (gmtime_r(&now, &tm))
		strftime(day, sizeof(day), "%Y-%m-%d", &tm);
	if (now < OLDEST_S)
		pf_say(x, PF_DOCTOR_FAIL,
			pf_text("the clock says %s: certificates are not valid yet, and no access "
				"expires",
				day),
			"Set it.", command);
	else if (r == TIME_ERROR && t.status & STA_UNSYNC)
		pf_say(x, PF_DOCTOR_WARN,
			"nobody keeps the clock right: access with an end ends at the wrong time",
			keeper ? "Switch on what sets it." : "Install something that sets it.",
			command);
	else
		pf_say(x, PF_DOCTOR_OK, "the clock is kept right", NULL, NULL);
}

static void check_realtime(struct pf_exam *x, const char *arg)
{
	struct rlimit rt = { 0 }, nice_limit = { 0 };

	if (!pf_exam_config(x)->audio) {
		pf_say(x, PF_DOCTOR_SKIP, "the setting audio is off", NULL, NULL);
		return;
	}
	(void)getrlimit(RLIMIT_RTPRIO, &rt);
	(void)getrlimit(RLIMIT_NICE, &nice_limit);
	if (rt.rlim_cur)
		pf_say(x, PF_DOCTOR_OK,
			pf_text("real-time priority up to %d for sound", (int)rt.rlim_cur), NULL,
			NULL);
	else
		pf_say(x, PF_DOCTOR_WARN,
			pf_text("user %s gets no real-time priority: sound may crackle while a "
				"game "
				"uses the whole processor (rtkit is not asked, limits alone count)",
				pf_user_here()),
			"Give it by PAM's limits, then log in again; a service needs "
			"LimitRTPRIO=88.",
			getgrnam("pipewire") && pf_exists("/etc/security/limits.d/95-pipewire.conf")
				? pf_text("sudo usermod -aG pipewire %s", pf_quote(pf_user_here()))
				: pf_text("echo '%s - rtprio 88' | sudo tee "
					  "/etc/security/limits.d/60-punktfunk.conf",
					  pf_user_here()));
}

static void check_files(struct pf_exam *x, const char *arg)
{
	struct rlimit l = { 0 };

	(void)getrlimit(RLIMIT_NOFILE, &l);
	if (l.rlim_cur < FILES_LOW)
		pf_say(x, PF_DOCTOR_WARN,
			pf_text("only %u files may be open at once: sessions beyond the first few "
				"fail",
				(unsigned)l.rlim_cur),
			"Raise it where the host is started; a service needs LimitNOFILE=4096.",
			"ulimit -n 4096");
	else
		pf_say(x, PF_DOCTOR_OK, pf_text("up to %u", (unsigned)l.rlim_cur), NULL, NULL);
}

const struct pf_check pf_checks_system[] = {
	{ "user", "User of the host", check_user, .limit_ms = 5000 },
	{ "settings", "Settings", check_settings, .limit_ms = 5000 },
	{ "runtime_dir", "Directory of sockets", check_runtime_dir, .limit_ms = 5000 },
	{ "dirs", "Directories", check_dirs, .limit_ms = 5000 },
	{ "disk", "Room on the disk", check_disk, .limit_ms = 5000,
		.hang_cause = "a file system does not answer: is it on a network?" },
	{ "linger", "Running without a login", check_linger, .limit_ms = 5000 },
	{ "sleep", "Staying awake", check_sleep, .limit_ms = 4000,
		.hang_cause = "the system's D-Bus does not answer",
		.hang_command = "sudo systemctl restart systemd-logind" },
	{ "clock", "Clock", check_clock, .limit_ms = 5000 },
	{ "realtime", "Real-time priority", check_realtime, .limit_ms = 5000 },
	{ "files", "Open files", check_files, .limit_ms = 5000 },
	{ 0 },
};
