/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/sys/proc.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A machine with more processes than this gets its descendants in rounds: the
 * guard kills and looks again until no child is left. */
#define MAX_PROCS 32768

struct proc {
	pid_t pid, ppid;
	bool mine;
};

static pid_t to_pid(const char *s)
{
	long v = 0;

	if (!*s)
		return 0;
	for (; *s; s++) {
		if (*s < '0' || *s > '9' || v > INT_MAX / 10 - 1)
			return 0;
		v = v * 10 + (*s - '0');
	}
	return (pid_t)v;
}

/* "/proc/PID/leaf" opened for reading, or -1. */
static int open_leaf(pid_t pid, const char *leaf)
{
	char digits[12], path[48] = "/proc/";
	size_t n = 0, len = 6;

	for (pid_t v = pid; v > 0; v /= 10)
		digits[n++] = (char)('0' + v % 10);
	while (n)
		path[len++] = digits[--n];
	path[len++] = '/';
	for (const char *p = leaf; *p && len < sizeof(path) - 1; p++)
		path[len++] = *p;
	path[len] = '\0';
	return open(path, O_RDONLY | O_CLOEXEC);
}

static pid_t parent_of(pid_t pid)
{
	char buf[512], *p;
	ssize_t n;
	pid_t ppid = 0;
	int fd = open_leaf(pid, "stat");

	if (fd < 0)
		return 0;
	n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	if (n <= 0)
		return 0;
	buf[n] = '\0';
	/* "pid (name) S ppid ...": the name may hold spaces and brackets. */
	p = strrchr(buf, ')');
	if (!p || p + 4 >= buf + n)
		return 0;
	for (p += 4; *p >= '0' && *p <= '9'; p++)
		ppid = ppid * 10 + (*p - '0');
	return ppid;
}

/* Calls fn for each process; fn returns false to stop. 0 or a negative errno. */
static int each_process(bool (*fn)(void *ctx, pid_t pid), void *ctx)
{
	_Alignas(struct dirent64) char buf[8192];
	int fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	bool more = true;

	if (fd < 0)
		return -errno;
	while (more) {
		long n = syscall(SYS_getdents64, fd, buf, sizeof(buf));

		if (n <= 0) {
			r = n < 0 ? -errno : 0;
			break;
		}
		for (long at = 0; more && at < n;) {
			struct dirent64 *d = (struct dirent64 *)(buf + at);
			pid_t pid = to_pid(d->d_name);

			if (pid > 0)
				more = fn(ctx, pid);
			at += d->d_reclen;
		}
	}
	close(fd);
	return r;
}

struct table {
	struct proc *procs;
	size_t count;
};

static bool add_process(void *ctx, pid_t pid)
{
	struct table *t = ctx;

	t->procs[t->count].pid = pid;
	t->procs[t->count].ppid = parent_of(pid);
	t->procs[t->count].mine = false;
	return ++t->count < MAX_PROCS;
}

static bool mark_round(struct table *t, pid_t self)
{
	bool changed = false;

	for (size_t i = 0; i < t->count; i++) {
		struct proc *p = &t->procs[i];

		if (p->mine || p->ppid <= 0)
			continue;
		if (p->ppid == self)
			p->mine = changed = true;
		for (size_t k = 0; !p->mine && k < t->count; k++)
			if (t->procs[k].mine && t->procs[k].pid == p->ppid)
				p->mine = changed = true;
	}
	return changed;
}

static int kill_below(int sig, bool deep)
{
	const size_t bytes = MAX_PROCS * sizeof(struct proc);
	struct table t = { 0 };
	int count = 0, r;

	t.procs = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (t.procs == MAP_FAILED)
		return -errno;
	r = each_process(add_process, &t);
	if (!r) {
		const pid_t self = getpid();

		if (deep) {
			while (mark_round(&t, self))
				;
		}
		for (size_t i = 0; i < t.count; i++) {
			if (!t.procs[i].mine && t.procs[i].ppid != self)
				continue;
			(void)kill(t.procs[i].pid, sig);
			count++;
		}
	}
	munmap(t.procs, bytes);
	return r ? r : count;
}

int pf_proc_kill_children(int sig)
{
	return kill_below(sig, false);
}

int pf_proc_kill_descendants(int sig)
{
	return kill_below(sig, true);
}

struct tag {
	const char *entry;
	size_t len;
	int sig, count;
};

/* Whether a NUL-separated environment read in pieces holds the entry. */
static bool has_entry(int fd, const char *entry, size_t len)
{
	char buf[4096];
	size_t at = 0; /* bytes of entry matched so far, or SIZE_MAX: skip to NUL */
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		for (ssize_t i = 0; i < n; i++) {
			if (at == len && buf[i] == '\0')
				return true;
			if (buf[i] == '\0')
				at = 0;
			else if (at < len && buf[i] == entry[at])
				at++;
			else
				at = SIZE_MAX;
		}
	}
	return at == len;
}

static bool kill_if_tagged(void *ctx, pid_t pid)
{
	struct tag *t = ctx;
	int fd;

	if (pid == getpid())
		return true;
	fd = open_leaf(pid, "environ");
	if (fd < 0)
		return true;
	if (has_entry(fd, t->entry, t->len)) {
		(void)kill(pid, t->sig);
		t->count++;
	}
	close(fd);
	return true;
}

int pf_proc_kill_tagged(const char *entry, int sig)
{
	struct tag t = { .entry = entry, .len = strlen(entry), .sig = sig };
	int r = each_process(kill_if_tagged, &t);

	return r ? r : t.count;
}
