/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "host/doctor/check.h"
#include "host/sys/rundir.h"
#include "host/sys/user.h"

const char *pf_text(const char *fmt, ...)
{
	char *text;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	return n < 0 ? "out of memory" : text;
}

const char *pf_quote(const char *word)
{
	size_t len = strlen(word);
	char *out, *o;

	if (len && strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				"_-./:@%+,=") == len)
		return word;
	out = o = malloc(4 * len + 3);
	if (!out)
		return "''";
	*o++ = '\'';
	for (; *word; word++) {
		if (*word == '\'') {
			memcpy(o, "'\\''", 4);
			o += 4;
		} else {
			*o++ = *word;
		}
	}
	*o++ = '\'';
	*o = 0;
	return out;
}

const char *pf_set_command(const struct pf_exam *x, const char *key, const char *value)
{
	const char *file = pf_exam_params(x)->config_file, *slash = strrchr(file, '/');

	if (pf_exam_params(x)->host_pid)
		return pf_text("punktfunk-host settings %s %s", key, pf_quote(value));
	return pf_text("mkdir -p %s && echo %s >>%s",
		pf_quote(pf_text("%.*s", slash ? (int)(slash - file) : 1, slash ? file : ".")),
		pf_quote(pf_text("%s = %s", key, value)), pf_quote(file));
}

const char *pf_user_here(void)
{
	static char name[64];

	return pf_user_name(name, sizeof(name));
}

int pf_capture(const char *const *argv, unsigned limit_ms, char *buf, size_t cap)
{
	uint64_t deadline = pf_clock_mono_ns() + limit_ms * PF_NS_PER_MS;
	size_t len = 0;
	int p[2], status = 0, r = 0;
	pid_t pid;

	*buf = 0;
	if (pipe2(p, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (!pid) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)dup2(p[1], 1);
		execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	close(p[1]);
	if (pid < 0) {
		close(p[0]);
		return -errno;
	}
	for (;;) {
		struct pollfd f = { .fd = p[0], .events = POLLIN };
		uint64_t now = pf_clock_mono_ns();
		char dropped[4096];
		ssize_t n;

		if (now >= deadline) {
			r = -ETIMEDOUT;
			break;
		}
		if (poll(&f, 1, (int)((deadline - now) / PF_NS_PER_MS) + 1) <= 0)
			continue;
		n = len + 1 < cap ? read(p[0], buf + len, cap - 1 - len)
				  : read(p[0], dropped, sizeof(dropped));
		if (n <= 0)
			break;
		if (len + 1 < cap)
			len += (size_t)n;
	}
	buf[len] = 0;
	close(p[0]);
	if (r)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (r)
		return r;
	return WIFEXITED(status) && WEXITSTATUS(status) == 127 ? -ENOENT : status;
}

bool pf_slurp(const char *path, char *buf, size_t cap)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	size_t len = 0;
	ssize_t n;

	*buf = 0;
	if (fd < 0)
		return false;
	while (len + 1 < cap && (n = read(fd, buf + len, cap - 1 - len)) > 0)
		len += (size_t)n;
	close(fd);
	if (len && buf[len - 1] == '\n')
		len--;
	buf[len] = 0;
	return true;
}

const char *pf_process_name(pid_t pid)
{
	static char name[64];

	if (!pf_slurp(pf_text("/proc/%d/comm", (int)pid), name, sizeof(name)) || !*name)
		return "?";
	return name;
}

bool pf_exists(const char *path)
{
	return !access(path, F_OK);
}

int pf_trial_dir(char **path, struct pf_reason *why)
{
	const char *base = getenv("XDG_RUNTIME_DIR");
	glob_t g;

	/* pf-dr-PROCESS-XXXXXX */
	if (base && !glob(pf_text("%s/pf-dr-*", base), 0, NULL, &g)) {
		for (size_t i = 0; i < g.gl_pathc; i++) {
			long pid = strtol(
				strrchr(g.gl_pathv[i], '/') + sizeof("/pf-dr-") - 1, NULL, 10);

			if (pid > 0 && kill((pid_t)pid, 0) && errno == ESRCH)
				(void)pf_rundir_remove(g.gl_pathv[i]);
		}
		globfree(&g);
	}
	return pf_rundir_create(NULL, pf_text("pf-dr-%d-", (int)getpid()), path, why);
}

bool pf_is_loopback(const char *address)
{
	struct in6_addr v6;
	struct in_addr v4;

	if (inet_pton(AF_INET, address, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;
	return inet_pton(AF_INET6, address, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}
