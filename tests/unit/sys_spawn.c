/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "host/sys/rundir.h"
#include "host/sys/spawn.h"

struct fixture {
	char *dir;
	char log[512], pids[512], pids_env[560];
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f || pf_rundir_create("/tmp", "pf-spawn-", &f->dir, NULL))
		return -1;
	snprintf(f->log, sizeof(f->log), "%s/log", f->dir);
	snprintf(f->pids, sizeof(f->pids), "%s/pids", f->dir);
	snprintf(f->pids_env, sizeof(f->pids_env), "PIDS=%s", f->pids);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	int r = pf_rundir_remove(f->dir);

	free(f->dir);
	free(f);
	return r;
}

/* Running, that is: neither gone nor a corpse that nobody has reaped yet. */
static bool running(pid_t pid)
{
	char path[64], buf[256] = "", *p;
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	n = fread(buf, 1, sizeof(buf) - 1, f);
	fclose(f);
	buf[n] = '\0';
	p = strrchr(buf, ')');
	return p && p[1] == ' ' && p[2] != 'Z' && p[2] != 'X';
}

static void pause_ms(unsigned ms)
{
	struct timespec ts = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

	nanosleep(&ts, NULL);
}

/* Waits for `want` numbers in the file. */
static void read_pids(const char *path, pid_t *pids, int want)
{
	for (int tries = 0; tries < 1000; tries++, pause_ms(10)) {
		FILE *f = fopen(path, "re");
		int n = 0;

		if (!f)
			continue;
		while (n < want && fscanf(f, "%d", &pids[n]) == 1)
			n++;
		fclose(f);
		if (n == want)
			return;
	}
	fail_msg("the children did not start");
}

static void all_gone_soon(const pid_t *pids, int n)
{
	for (int tries = 0; tries < 500; tries++, pause_ms(10)) {
		int left = 0;

		for (int i = 0; i < n; i++)
			left += running(pids[i]);
		if (!left)
			return;
	}
	fail_msg("a process is still there");
}

/* A family: the child, a background job, a daemon by double fork, and one in a
 * session of its own. Each writes its pid. */
#define FAMILY                                                                                     \
	"echo $$ >> $PIDS; sleep 600 & echo $! >> $PIDS; "                                         \
	"( ( sh -c 'echo $$ >> $PIDS; exec sleep 600' & ) & ); "                                   \
	"setsid sh -c 'trap \"\" TERM HUP; echo $$ >> $PIDS; while :; do sleep 1; done' & wait"
#define FAMILY_SIZE 4

static struct pf_child *start_family(const struct fixture *f)
{
	const char *argv[] = { "sh", "-c", FAMILY, NULL };
	const char *env[] = { f->pids_env, NULL };
	struct pf_child *c = NULL;

	assert_int_equal(pf_child_start(&c,
				 &(struct pf_child_params){
					 .argv = argv, .env = env, .stdin_fd = -1, .pass_fd = -1 },
				 NULL),
		0);
	return c;
}

static void stop_ends_the_whole_family(void **state)
{
	struct fixture *f = *state;
	pid_t pids[FAMILY_SIZE];
	struct pf_child *c = start_family(f);

	read_pids(f->pids, pids, FAMILY_SIZE);
	assert_int_equal(pids[0], pf_child_pid(c));
	assert_true(pf_child_alive(c));
	pf_child_stop(&c, 200);
	assert_null(c);
	for (int i = 0; i < FAMILY_SIZE; i++)
		assert_false(running(pids[i]));
}

static void nothing_outlives_a_killed_host(void **state)
{
	struct fixture *f = *state;
	pid_t pids[FAMILY_SIZE], host = fork();

	if (!host) {
		(void)start_family(f);
		for (;;)
			pause();
	}
	assert_true(host > 0);
	read_pids(f->pids, pids, FAMILY_SIZE);
	for (int i = 0; i < FAMILY_SIZE; i++)
		assert_true(running(pids[i]));
	assert_int_equal(kill(host, SIGKILL), 0);
	assert_int_equal(waitpid(host, NULL, 0), host);
	all_gone_soon(pids, FAMILY_SIZE);
}

static pid_t parent_of(pid_t pid)
{
	char path[64];
	int ppid = 0;
	FILE *s;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	s = fopen(path, "re");
	assert_non_null(s);
	assert_int_equal(fscanf(s, "%*d (%*[^)]) %*c %d", &ppid), 1);
	fclose(s);
	return ppid;
}

static void a_killed_guard_takes_the_child_along_and_stop_the_rest(void **state)
{
	struct fixture *f = *state;
	pid_t pids[FAMILY_SIZE], guard;
	struct pf_child *c = start_family(f);
	struct pollfd p = { .fd = pf_child_death_fd(c), .events = POLLIN };
	int status;

	read_pids(f->pids, pids, FAMILY_SIZE);
	guard = parent_of(pids[0]);
	assert_int_not_equal(guard, getpid());
	assert_int_equal(kill(guard, SIGKILL), 0);
	assert_int_equal(poll(&p, 1, 5000), 1);
	assert_false(pf_child_alive(c));
	assert_int_equal(pf_child_wait_status(c, &status), -ECHILD);
	all_gone_soon(pids, 1);
	pf_child_stop(&c, 0);
	all_gone_soon(pids, FAMILY_SIZE);
}

static void what_a_dead_child_leaves_is_cleared(void **state)
{
	struct fixture *f = *state;
	const char *argv[] = { "/bin/sh", "-c",
		"sh -c 'echo $$ >> $PIDS; exec sleep 600' & "
		"while ! [ -s $PIDS ]; do sleep 0.01; done; exit 7",
		NULL };
	const char *env[] = { f->pids_env, NULL };
	struct pf_child *c = NULL;
	struct pollfd p = { .events = POLLIN };
	int status = 0;
	pid_t left;

	assert_int_equal(pf_child_start(&c,
				 &(struct pf_child_params){
					 .argv = argv, .env = env, .stdin_fd = -1, .pass_fd = -1 },
				 NULL),
		0);
	p.fd = pf_child_death_fd(c);
	assert_int_equal(poll(&p, 1, 10000), 1);
	assert_int_equal(pf_child_wait_status(c, &status), 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 7);
	assert_false(pf_child_alive(c));
	read_pids(f->pids, &left, 1);
	all_gone_soon(&left, 1);
	pf_child_stop(&c, 100);
}

static void a_deaf_child_is_killed_after_its_grace(void **state)
{
	struct fixture *f = *state;
	const char *argv[] = { "sh", "-c",
		"trap '' TERM; echo $$ >> $PIDS; while :; do sleep 1; done", NULL };
	const char *env[] = { f->pids_env, NULL };
	struct pf_child *c = NULL;
	uint64_t start;
	pid_t pid;

	assert_int_equal(pf_child_start(&c,
				 &(struct pf_child_params){
					 .argv = argv, .env = env, .stdin_fd = -1, .pass_fd = -1 },
				 NULL),
		0);
	read_pids(f->pids, &pid, 1);
	start = pf_clock_mono_ns();
	pf_child_stop(&c, 300);
	assert_true(pf_clock_mono_ns() - start >= 290 * PF_NS_PER_MS);
	assert_false(running(pid));
}

static char state_of(pid_t pid)
{
	char path[64], c = 0;
	FILE *s;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	s = fopen(path, "re");
	if (!s)
		return 0;
	assert_int_equal(fscanf(s, "%*d (%*[^)]) %c", &c), 1);
	fclose(s);
	return c;
}

static void await_state(pid_t pid, bool stopped)
{
	for (int tries = 0; tries < 1000; tries++, pause_ms(10))
		if ((state_of(pid) == 'T') == stopped)
			return;
	fail_msg("the child is %s", stopped ? "not stopped" : "stopped");
}

static void a_paused_child_rests_goes_on_and_still_ends_politely(void **state)
{
	struct fixture *f = *state;
	const char *argv[] = { "sh", "-c",
		"trap 'echo 77 >> $PIDS; exit' TERM; echo $$ >> $PIDS; "
		"while :; do sleep 0.01; done",
		NULL };
	const char *env[] = { f->pids_env, NULL };
	struct pf_child *c = NULL;
	uint64_t start;
	pid_t pids[2];

	assert_int_equal(pf_child_start(&c,
				 &(struct pf_child_params){
					 .argv = argv, .env = env, .stdin_fd = -1, .pass_fd = -1 },
				 NULL),
		0);
	read_pids(f->pids, pids, 1);
	assert_true(pf_child_memory_kib(c) > 0);
	pf_child_pause(c, true);
	await_state(pids[0], true);
	assert_true(pf_child_alive(c));
	pf_child_pause(c, false);
	await_state(pids[0], false);
	pf_child_pause(c, true);
	await_state(pids[0], true);
	start = pf_clock_mono_ns();
	pf_child_stop(&c, 20000);
	assert_true(pf_clock_mono_ns() - start < 15 * PF_NS_PER_S);
	read_pids(f->pids, pids, 2); /* it heard the signal */
	assert_int_equal(pids[1], 77);
	assert_false(running(pids[0]));
}

static void a_missing_program_is_named(void **state)
{
	const char *argv[] = { "pf-no-such-program", NULL };
	const char *path[] = { "/nonexistent/pf-no-such-program", NULL };
	const char *sh[] = { "sh", "-c", ":", NULL };
	struct pf_child_params params = { .argv = argv, .stdin_fd = -1, .pass_fd = -1 };
	struct pf_child *c = NULL;
	struct pf_reason why = { 0 };

	assert_int_equal(pf_child_start(&c, &params, &why), -ENOENT);
	assert_int_equal(why.code, -ENOENT);
	assert_string_equal(why.text, "pf-no-such-program: not found in PATH");
	params.argv = path;
	assert_int_equal(pf_child_start(&c, &params, &why), -ENOENT);
	assert_non_null(strstr(why.text, "cannot be executed"));
	params.argv = sh;
	params.cwd = "/nonexistent";
	assert_int_equal(pf_child_start(&c, &params, &why), -ENOENT);
	assert_non_null(strstr(why.text, "directory"));
	params.cwd = NULL;
	params.log_path = "/nonexistent/log";
	assert_int_equal(pf_child_start(&c, &params, &why), -ENOENT);
	assert_non_null(strstr(why.text, "/nonexistent/log"));
	assert_null(c);
}

static void environment_descriptors_and_directory_are_as_asked(void **state)
{
	struct fixture *f = *state;
	/* ls itself opens one more, the directory. */
	const char *argv[] = { "sh", "-c",
		"echo \"$A|${B-unset}|$(pwd)|$(cat <&3)\"; ls /proc/$$/fd | tr '\\n' ' '; cat",
		NULL };
	const char *env[] = { "A=new", NULL };
	const char *unset[] = { "B", NULL };
	struct pf_child *c = NULL;
	struct pollfd p = { .events = POLLIN };
	int pass[2], in[2], extra, fd;
	char buf[512], want[600];
	ssize_t n;

	setenv("A", "old", 1);
	setenv("B", "old", 1);
	assert_int_equal(pipe(pass), 0);
	assert_int_equal(pipe(in), 0);
	extra = dup(0); /* not close-on-exec: must not reach the child */
	assert_int_equal(write(pass[1], "passed", 6), 6);
	close(pass[1]);
	assert_int_equal(write(in[1], "stdin", 5), 5);
	close(in[1]);
	assert_int_equal(pf_child_start(&c,
				 &(struct pf_child_params){ .argv = argv,
					 .env = env,
					 .unset = unset,
					 .cwd = f->dir,
					 .log_path = f->log,
					 .stdin_fd = in[0],
					 .pass_fd = pass[0] },
				 NULL),
		0);
	close(in[0]);
	close(pass[0]);
	close(extra);
	p.fd = pf_child_death_fd(c);
	assert_int_equal(poll(&p, 1, 10000), 1);
	pf_child_stop(&c, 100);
	fd = open(f->log, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	assert_true(n > 0);
	buf[n] = '\0';
	snprintf(want, sizeof(want), "new|unset|%s|passed\n0 1 2 3 stdin", f->dir);
	assert_string_equal(buf, want);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(stop_ends_the_whole_family),
		T(nothing_outlives_a_killed_host),
		T(a_killed_guard_takes_the_child_along_and_stop_the_rest),
		T(what_a_dead_child_leaves_is_cleared),
		T(a_deaf_child_is_killed_after_its_grace),
		T(a_paused_child_rests_goes_on_and_still_ends_politely),
		T(a_missing_program_is_named),
		T(environment_descriptors_and_directory_are_as_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
