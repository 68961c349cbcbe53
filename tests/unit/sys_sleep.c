/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Sleep as logind announces it: a bus of the test's own with a stand-in for
 * logind on it, which the test machines do not run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>
#include <time.h>
#include <unistd.h>
#include "host/sys/loop.h"
#include "host/sys/sleep.h"

struct world {
	struct pf_loop *loop;
	pid_t daemon;
	sd_bus *logind;
	struct pf_sleep *sleep;
	int locks[2]; /* read ends: delay, idle; -1 = not asked for */
	unsigned asked, before, after;
};

static int on_inhibit(sd_bus_message *m, void *user, sd_bus_error *error)
{
	struct world *w = user;
	const char *what, *who, *why, *mode;
	int ends[2], r;

	assert_true(sd_bus_message_read(m, "ssss", &what, &who, &why, &mode) >= 0);
	assert_string_equal(who, "punktfunk");
	assert_string_equal(mode, strcmp(what, "sleep") ? "block" : "delay");
	assert_int_equal(pipe(ends), 0);
	w->locks[strcmp(what, "sleep") != 0] = ends[0];
	w->asked++;
	r = sd_bus_reply_method_return(m, "h", ends[1]);
	close(ends[1]);
	return r;
}

static void before(void *user)
{
	((struct world *)user)->before++;
}

static void after(void *user)
{
	((struct world *)user)->after++;
}

static const sd_bus_vtable manager[] = { SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD("Inhibit", "ssss", "h", on_inhibit, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_SIGNAL("PrepareForSleep", "b", 0), SD_BUS_VTABLE_END };

/* Runs the loop until *what is `want`; fails after ten seconds. */
static void until(struct world *w, const unsigned *what, unsigned want)
{
	for (unsigned i = 0; *what != want && i < 1000; i++)
		assert_true(sd_event_run(pf_loop_event(w->loop), 10000) >= 0);
	assert_int_equal(*what, want);
}

/* The holder closed its end. */
static void until_free(struct world *w, unsigned lock)
{
	struct pollfd p = { .fd = w->locks[lock] };

	for (unsigned i = 0; i < 1000 && !poll(&p, 1, 0); i++)
		assert_true(sd_event_run(pf_loop_event(w->loop), 10000) >= 0);
	assert_true(p.revents & POLLHUP);
	close(w->locks[lock]);
	w->locks[lock] = -1;
}

static bool held(struct world *w, unsigned lock)
{
	struct pollfd p = { .fd = w->locks[lock] };

	for (unsigned i = 0; i < 5; i++)
		assert_true(sd_event_run(pf_loop_event(w->loop), 10000) >= 0);
	return w->locks[lock] >= 0 && !poll(&p, 1, 0);
}

static int start(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	char address[256] = "";
	int out[2];
	ssize_t n;

	assert_non_null(w);
	w->locks[0] = w->locks[1] = -1;
	assert_int_equal(pipe(out), 0);
	w->daemon = fork();
	if (!w->daemon) {
		dup2(out[1], 1);
		execlp("dbus-daemon", "dbus-daemon", "--session", "--nofork", "--nopidfile",
			"--print-address=1", (char *)NULL);
		_exit(127);
	}
	close(out[1]);
	n = read(out[0], address, sizeof(address) - 1);
	close(out[0]);
	if (n <= 0) {
		print_message("dbus-daemon does not start (package dbus)\n");
		return -1;
	}
	address[strcspn(address, "\n")] = 0;
	setenv("DBUS_SYSTEM_BUS_ADDRESS", address, 1);
	assert_int_equal(pf_loop_create(&w->loop), 0);
	assert_true(sd_bus_open_system(&w->logind) >= 0);
	assert_true(sd_bus_add_object_vtable(w->logind, NULL, "/org/freedesktop/login1",
			    "org.freedesktop.login1.Manager", manager, w) >= 0);
	assert_true(sd_bus_request_name(w->logind, "org.freedesktop.login1", 0) >= 0);
	assert_true(sd_bus_attach_event(w->logind, pf_loop_event(w->loop), 0) >= 0);
	assert_int_equal(
		pf_sleep_watch(&w->sleep, w->loop, &(struct pf_sleep_events){ before, after }, w),
		0);
	*state = w;
	return 0;
}

static int stop(void **state)
{
	struct world *w = *state;

	pf_sleep_unwatch(w->sleep);
	sd_bus_close_unref(w->logind);
	pf_loop_destroy(w->loop);
	kill(w->daemon, SIGTERM);
	waitpid(w->daemon, NULL, 0);
	for (unsigned i = 0; i < 2; i++)
		if (w->locks[i] >= 0)
			close(w->locks[i]);
	free(w);
	return 0;
}

static void announce(struct world *w, int starts)
{
	assert_true(sd_bus_emit_signal(w->logind, "/org/freedesktop/login1",
			    "org.freedesktop.login1.Manager", "PrepareForSleep", "b", starts) >= 0);
}

static void sleep_waits_for_the_goodbye(void **state)
{
	struct world *w = *state;

	until(w, &w->asked, 1);
	assert_true(held(w, 0));
	announce(w, 1);
	until(w, &w->before, 1);
	assert_true(held(w, 0));
	pf_sleep_ready(w->sleep);
	until_free(w, 0);
	announce(w, 0);
	until(w, &w->after, 1);
	until(w, &w->asked, 2); /* for the next time */
	assert_true(held(w, 0));
}

static void only_a_stream_keeps_the_machine_awake(void **state)
{
	struct world *w = *state;

	until(w, &w->asked, 1);
	assert_int_equal(w->locks[1], -1);
	pf_sleep_set_busy(w->sleep, true);
	pf_sleep_set_busy(w->sleep, true);
	until(w, &w->asked, 2);
	assert_true(held(w, 1));
	pf_sleep_set_busy(w->sleep, false);
	until_free(w, 1);
	/* Changed its mind before the answer came. */
	pf_sleep_set_busy(w->sleep, true);
	pf_sleep_set_busy(w->sleep, false);
	until(w, &w->asked, 3);
	until_free(w, 1);
}

static void without_a_bus_nothing_happens(void **state)
{
	struct pf_sleep *s;
	struct pf_loop *l;

	(void)state;
	setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus", 1);
	assert_int_equal(pf_loop_create(&l), 0);
	assert_int_equal(
		pf_sleep_watch(&s, l, &(struct pf_sleep_events){ before, after }, NULL), 0);
	pf_sleep_set_busy(s, true);
	pf_sleep_ready(s);
	pf_sleep_unwatch(s);
	pf_loop_destroy(l);
}

/* One that lets connect and says nothing: the loop must not wait for it. */
static void a_mute_bus_holds_up_nothing(void **state)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	char dir[] = "/tmp/pf-sleep-XXXXXX", address[160];
	struct timespec begin, end;
	struct pf_sleep *s;
	struct pf_loop *l;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(a.sun_path, sizeof(a.sun_path), "%s/bus", dir);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 1), 0);
	snprintf(address, sizeof(address), "unix:path=%s", a.sun_path);
	setenv("DBUS_SYSTEM_BUS_ADDRESS", address, 1);
	assert_int_equal(pf_loop_create(&l), 0);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	assert_int_equal(
		pf_sleep_watch(&s, l, &(struct pf_sleep_events){ before, after }, NULL), 0);
	pf_sleep_set_busy(s, true);
	assert_true(sd_event_run(pf_loop_event(l), 10000) >= 0);
	pf_sleep_unwatch(s);
	clock_gettime(CLOCK_MONOTONIC, &end);
	assert_true(end.tv_sec - begin.tv_sec < 8);
	pf_loop_destroy(l);
	close(fd);
	(void)unlink(a.sun_path);
	(void)rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(sleep_waits_for_the_goodbye, start, stop),
		cmocka_unit_test_setup_teardown(only_a_stream_keeps_the_machine_awake, start, stop),
		cmocka_unit_test(without_a_bus_nothing_happens),
		cmocka_unit_test(a_mute_bus_holds_up_nothing),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
