/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Host --fork--> guard --fork, exec--> child.
 *
 * The host and the guard share a socket pair: the host's end going away (stop
 * or death) or a grace written into it tells the guard to end everything; the
 * guard writes the child's wait status into it and closes it when nothing is
 * left. The guard is a subreaper, so a daemon that forked twice or took a new
 * session comes back to it as a child; it leaves only when it has none.
 *
 * Should the guard itself be killed, the child gets SIGKILL as its parent-death
 * signal, and pf_child_stop hunts the rest by a random entry that start put
 * into the child's environment.
 *
 * Between fork and exec or _exit only async-signal-safe calls are allowed: the
 * host has threads, and one of them may have held any lock at the fork. */
#include "host/sys/spawn.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "host/sys/proc.h"

/* What a guard grants when nobody is left to say: long enough for a compositor
 * to take its sockets away, short enough to restart the host at once. */
#define ORPHAN_GRACE_MS 500
/* After SIGKILL a process goes at once or hangs in the kernel for good. */
#define KILL_WAIT_MS 3000
#define CLOSE_FROM   3
/* What the host asks in place of a grace. */
#define ASK_PAUSE    UINT32_MAX
#define ASK_CONTINUE (UINT32_MAX - 1)
#define GRACE_MAX    (UINT32_MAX - 2)

enum step {
	STEP_FORK,
	STEP_CWD,
	STEP_FDS,
	STEP_EXEC,
};

struct failure {
	int step; /* enum step */
	int err;  /* positive errno */
};

/* Everything guard and child need, made before the fork. */
struct launch {
	const char *file; /* resolved path */
	const char *const *argv;
	char **env;
	const char *cwd;
	int in, out, pass; /* pass -1 = none */
	int sock;	   /* the guard's end */
	int fail;	   /* write end, closed by a successful exec */
};

struct pf_child {
	pid_t guard, pid;
	int sock; /* the host's end */
	char tag[40];
};

static uint64_t mono_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* Closes, or marks close-on-exec, every descriptor from `first` on. */
static void shut_from(unsigned first, unsigned flags)
{
	if (!syscall(SYS_close_range, first, ~0u, flags))
		return;
	/* Kernels before 5.11, or a filter that does not know the call. */
	for (int fd = (int)first; fd < 4096; fd++) {
		if (flags)
			(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
		else
			close(fd);
	}
}

static void default_signals(void)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = SIG_DFL;
	for (int s = 1; s < NSIG; s++)
		(void)sigaction(s, &sa, NULL);
}

static void report_failure(int fd, enum step step)
{
	struct failure f = { .step = step, .err = errno };
	ssize_t n = write(fd, &f, sizeof(f));

	(void)n;
}

/* Moves *fd out of the way of 0..3, which are about to be overwritten. */
static bool lift(int *fd)
{
	if (*fd < 0 || *fd > CLOSE_FROM)
		return true;
	*fd = fcntl(*fd, F_DUPFD_CLOEXEC, CLOSE_FROM + 1);
	return *fd >= 0;
}

static void __attribute__((noreturn)) run_child(struct launch *l, pid_t guard)
{
	sigset_t none;
	bool placed;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != guard)
		_exit(127);
	setsid();
	default_signals();
	if (l->cwd && chdir(l->cwd) < 0) {
		report_failure(l->fail, STEP_CWD);
		_exit(127);
	}
	placed = lift(&l->fail) && lift(&l->in) && lift(&l->out) && lift(&l->pass) &&
		 dup2(l->in, STDIN_FILENO) >= 0 && dup2(l->out, STDOUT_FILENO) >= 0 &&
		 dup2(l->out, STDERR_FILENO) >= 0 &&
		 (l->pass < 0 || dup2(l->pass, CLOSE_FROM) >= 0);
	if (!placed) {
		report_failure(l->fail, STEP_FDS);
		_exit(127);
	}
	/* Not closed yet: the failure pipe must outlive a failing exec. */
	shut_from(l->pass < 0 ? CLOSE_FROM : CLOSE_FROM + 1, CLOSE_RANGE_CLOEXEC);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execve(l->file, (char *const *)l->argv, l->env);
	report_failure(l->fail, STEP_EXEC);
	_exit(127);
}

/* Reaps what is dead; reports the child's own end. False: no child is left. */
static bool reap(pid_t child, int sock, bool *child_ended)
{
	for (;;) {
		int status;
		pid_t pid = waitpid(-1, &status, WNOHANG);

		if (pid < 0 && errno == EINTR)
			continue;
		if (pid <= 0)
			return pid == 0;
		if (pid == child) {
			*child_ended = true;
			(void)send(sock, &status, sizeof(status), MSG_NOSIGNAL | MSG_DONTWAIT);
		}
	}
}

static void end_all(pid_t child, bool ended, int sock, int sigfd, uint32_t grace_ms)
{
	uint64_t deadline = mono_ms() + grace_ms;

	if (grace_ms) {
		(void)pf_proc_kill_descendants(SIGTERM);
		/* One that is paused hears it only then. */
		if (!ended)
			kill(child, SIGCONT);
	}
	while (reap(child, sock, &ended)) {
		uint64_t now = mono_ms();
		struct pollfd p = { .fd = sigfd, .events = POLLIN };
		struct signalfd_siginfo info;

		if (now >= deadline)
			break;
		if (poll(&p, 1, (int)(deadline - now)) > 0) {
			ssize_t n = read(sigfd, &info, sizeof(info));

			(void)n;
		}
	}
	deadline = mono_ms() + KILL_WAIT_MS;
	while (reap(child, sock, &ended) && mono_ms() < deadline) {
		struct timespec pause = { .tv_nsec = 1000000 };

		/* Children of a killed process come to us for the next round. */
		(void)pf_proc_kill_children(SIGKILL);
		nanosleep(&pause, NULL);
	}
}

static void __attribute__((noreturn)) run_guard(struct launch *l)
{
	sigset_t watch;
	uint32_t grace_ms = ORPHAN_GRACE_MS;
	const pid_t self = getpid();
	pid_t child;
	int sigfd, fail = l->fail;
	bool ended = false;

	setsid();
	prctl(PR_SET_NAME, "pf-guard");
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	default_signals();
	sigemptyset(&watch);
	sigaddset(&watch, SIGCHLD);
	sigaddset(&watch, SIGTERM);
	sigaddset(&watch, SIGINT);
	sigaddset(&watch, SIGHUP);
	sigprocmask(SIG_SETMASK, &watch, NULL);
	child = _Fork();
	if (child < 0) {
		report_failure(fail, STEP_FORK);
		_exit(127);
	}
	if (!child)
		run_child(l, self);
	(void)send(l->sock, &child, sizeof(child), MSG_NOSIGNAL);

	/* Keep only the socket: whatever the host closes later must be closed. */
	if (!lift(&l->sock) || dup2(l->sock, STDIN_FILENO) < 0)
		_exit(127);
	shut_from(STDIN_FILENO + 1, 0);
	(void)!chdir("/");
	sigfd = signalfd(-1, &watch, SFD_CLOEXEC | SFD_NONBLOCK);

	while (sigfd >= 0 && !ended) {
		struct pollfd p[2] = {
			{ .fd = sigfd, .events = POLLIN },
			{ .fd = STDIN_FILENO, .events = POLLIN },
		};
		struct signalfd_siginfo info;
		uint32_t asked;
		ssize_t n;

		if (poll(p, 2, -1) < 0 && errno != EINTR)
			break;
		n = read(sigfd, &info, sizeof(info));
		if (n == sizeof(info) && info.ssi_signo != SIGCHLD)
			break;
		if (!reap(child, STDIN_FILENO, &ended))
			break;
		n = recv(STDIN_FILENO, &asked, sizeof(asked), MSG_DONTWAIT);
		if (n == sizeof(asked) && asked > GRACE_MAX) {
			/* Not reaped yet, so the number is still its own. */
			if (!ended)
				kill(child, asked == ASK_PAUSE ? SIGSTOP : SIGCONT);
			continue;
		}
		if (n == sizeof(asked))
			grace_ms = asked;
		if (n >= 0 || (errno != EAGAIN && errno != EINTR))
			break;
	}
	end_all(child, ended, STDIN_FILENO, sigfd, grace_ms);
	_exit(0);
}

static const char *env_of(char *const *env, const char *name)
{
	size_t len = strlen(name);

	for (; *env; env++)
		if (!strncmp(*env, name, len) && (*env)[len] == '=')
			return *env + len + 1;
	return NULL;
}

static bool same_name(const char *entry, const char *name)
{
	size_t len = strcspn(name, "=");

	return !strncmp(entry, name, len) && entry[len] == '=';
}

static bool listed(const char *entry, const char *const *names)
{
	for (; names && *names; names++)
		if (same_name(entry, *names))
			return true;
	return false;
}

/* Host's environment without `unset` and what `env` sets, then `env`, then the
 * tag. Pointers only: the strings stay their owners'. */
static char **make_env(const struct pf_child_params *params, char *tag)
{
	size_t n = 2, at = 0;
	char **list;

	for (char **e = environ; e && *e; e++)
		n++;
	for (const char *const *e = params->env; e && *e; e++)
		n++;
	list = calloc(n, sizeof(*list));
	if (!list)
		return NULL;
	for (char **e = environ; e && *e; e++)
		if (!listed(*e, params->unset) && !listed(*e, params->env))
			list[at++] = *e;
	for (const char *const *e = params->env; e && *e; e++)
		list[at++] = (char *)*e;
	list[at++] = tag;
	return list;
}

static bool executable(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISREG(st.st_mode) && !access(path, X_OK);
}

/* A malloc'ed path for `name`, looked up as execvp would; NULL if there is none. */
static char *resolve(const char *name, char *const *env)
{
	const char *path = env_of(env, "PATH");

	if (strchr(name, '/'))
		return strdup(name);
	if (!path || !*path)
		path = "/usr/local/bin:/usr/bin:/bin";
	while (*path) {
		size_t len = strcspn(path, ":");
		char *full;

		if (len && asprintf(&full, "%.*s/%s", (int)len, path, name) >= 0) {
			if (executable(full))
				return full;
			free(full);
		}
		path += len + (path[len] == ':');
	}
	return NULL;
}

bool pf_program_exists(const char *name)
{
	char *path = resolve(name, environ);
	bool found = path && executable(path);

	free(path);
	return found;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Reads what the guard or child wrote before exec closed the pipe. */
static int read_failure(int fd, struct failure *f)
{
	size_t got = 0;

	while (got < sizeof(*f)) {
		ssize_t n = read(fd, (char *)f + got, sizeof(*f) - got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		got += (size_t)n;
	}
	return got == sizeof(*f);
}

static int explain(
	const struct pf_child_params *params, const struct failure *f, struct pf_reason *why)
{
	static const char *const doing[] = {
		[STEP_FORK] = "cannot fork",
		[STEP_CWD] = "cannot enter its directory",
		[STEP_FDS] = "cannot place its descriptors",
		[STEP_EXEC] = "cannot be executed",
	};

	return pf_reason_set(
		why, -f->err, "%s: %s: %s", params->argv[0], doing[f->step], strerror(f->err));
}

/* Waits until the guard has left or `ms` passed; true if it has. */
static bool guard_left(int sock, unsigned ms)
{
	uint64_t deadline = mono_ms() + ms;

	for (;;) {
		uint64_t now = mono_ms();
		struct pollfd p = { .fd = sock, .events = POLLIN };
		char buf[64];
		ssize_t n;

		if (poll(&p, 1, now < deadline ? (int)(deadline - now) : 0) == 0)
			return false;
		n = recv(sock, buf, sizeof(buf), MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			return true;
	}
}

static void reap_guard(struct pf_child *c)
{
	int status = 0;
	pid_t pid;

	do
		pid = waitpid(c->guard, &status, 0);
	while (pid < 0 && errno == EINTR);
	if (pid == c->guard && WIFEXITED(status) && !WEXITSTATUS(status))
		return;
	/* It was killed: nobody watched, so look for what it left. */
	for (int i = 0; i < 100 && pf_proc_kill_tagged(c->tag, SIGKILL) > 0; i++) {
		struct timespec pause = { .tv_nsec = 5000000 };

		nanosleep(&pause, NULL);
	}
}

static int open_stdio(struct launch *l, const struct pf_child_params *params, struct pf_reason *why)
{
	const char *log = params->log_path ? params->log_path : "/dev/null";

	l->in = params->stdin_fd >= 0 ? fcntl(params->stdin_fd, F_DUPFD_CLOEXEC, CLOSE_FROM + 1)
				      : open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (l->in < 0)
		return pf_reason_set(why, -errno, "%s: cannot open its standard input: %s",
			params->argv[0], strerror(errno));
	l->out = open(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
	if (l->out < 0)
		return pf_reason_set(why, -errno, "%s: cannot write its log %s: %s",
			params->argv[0], log, strerror(errno));
	l->pass = params->pass_fd;
	return 0;
}

/* Forks the guard with every signal held, so that no handler of the host runs
 * in the copy. */
static pid_t fork_guard(struct launch *l)
{
	sigset_t all, before;
	pid_t pid;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (!pid)
		run_guard(l);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return pid;
}

int pf_child_start(
	struct pf_child **out, const struct pf_child_params *params, struct pf_reason *why)
{
	struct launch l = { .in = -1, .out = -1, .pass = -1, .sock = -1, .fail = -1 };
	struct pf_child *c = calloc(1, sizeof(*c));
	int pair[2] = { -1, -1 }, fail[2] = { -1, -1 }, r;
	struct failure f;
	char *file = NULL;
	uint64_t id = 0;

	if (!c)
		return pf_reason_set(why, -ENOMEM, "%s: out of memory", params->argv[0]);
	c->sock = -1;
	if (getrandom(&id, sizeof(id), 0) != sizeof(id))
		id = (uint64_t)(uintptr_t)c ^ mono_ms();
	snprintf(c->tag, sizeof(c->tag), "PF_CHILD=%d.%016llx", (int)getpid(),
		(unsigned long long)id);
	l.env = make_env(params, c->tag);
	if (!l.env) {
		r = pf_reason_set(why, -ENOMEM, "%s: out of memory", params->argv[0]);
		goto done;
	}
	file = resolve(params->argv[0], l.env);
	if (!file) {
		r = pf_reason_set(why, -ENOENT, "%s: not found in PATH", params->argv[0]);
		goto done;
	}
	r = open_stdio(&l, params, why);
	if (r)
		goto done;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0 ||
		pipe2(fail, O_CLOEXEC) < 0) {
		r = pf_reason_set(why, -errno, "%s: cannot make a pipe: %s", params->argv[0],
			strerror(errno));
		goto done;
	}
	l.file = file;
	l.argv = params->argv;
	l.cwd = params->cwd;
	l.sock = pair[1];
	l.fail = fail[1];
	c->sock = pair[0];
	c->guard = fork_guard(&l);
	if (c->guard < 0) {
		r = pf_reason_set(
			why, -errno, "%s: cannot fork: %s", params->argv[0], strerror(errno));
		goto done;
	}
	close_fd(&pair[1]);
	close_fd(&fail[1]);
	if (read_failure(fail[0], &f)) {
		r = explain(params, &f, why);
		reap_guard(c);
		goto done;
	}
	if (recv(c->sock, &c->pid, sizeof(c->pid), 0) != sizeof(c->pid)) {
		r = pf_reason_set(
			why, -ECHILD, "%s: its guard process ended at once", params->argv[0]);
		reap_guard(c);
		goto done;
	}
	*out = c;
	c = NULL;
	pair[0] = -1;
	r = 0;
done:
	close_fd(&pair[0]);
	close_fd(&pair[1]);
	close_fd(&fail[0]);
	close_fd(&fail[1]);
	close_fd(&l.in);
	close_fd(&l.out);
	free(file);
	free(l.env);
	free(c);
	return r;
}

void pf_child_stop(struct pf_child **child, unsigned grace_ms)
{
	struct pf_child *c = *child;
	uint32_t grace = grace_ms < GRACE_MAX ? grace_ms : GRACE_MAX;

	*child = NULL;
	if (!c)
		return;
	(void)send(c->sock, &grace, sizeof(grace), MSG_NOSIGNAL);
	if (!guard_left(c->sock, grace_ms + KILL_WAIT_MS + 1000))
		kill(c->guard, SIGKILL);
	reap_guard(c);
	close(c->sock);
	free(c);
}

int pf_child_death_fd(const struct pf_child *child)
{
	return child->sock;
}

bool pf_child_alive(struct pf_child *child)
{
	struct pollfd p = { .fd = child->sock, .events = POLLIN };

	return poll(&p, 1, 0) == 0;
}

int pf_child_wait_status(struct pf_child *child, int *status)
{
	int s;

	if (recv(child->sock, &s, sizeof(s), MSG_PEEK | MSG_DONTWAIT) != sizeof(s))
		return pf_child_alive(child) ? -EAGAIN : -ECHILD;
	*status = s;
	return 0;
}

pid_t pf_child_pid(const struct pf_child *child)
{
	return child->pid;
}

void pf_child_pause(struct pf_child *child, bool pause)
{
	uint32_t asked = pause ? ASK_PAUSE : ASK_CONTINUE;

	(void)send(child->sock, &asked, sizeof(asked), MSG_NOSIGNAL);
}

static uint64_t memory_kib(pid_t pid)
{
	char path[48], line[128];
	unsigned long long kib = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "Pss: %llu kB", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return kib;
}

uint64_t pf_child_memory_kib(const struct pf_child *child)
{
	return memory_kib(child->guard) + memory_kib(child->pid);
}
