/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What every display backend owes, run on each that works here; then what only
 * a compositor can show: the exact mode as a client inside sees it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "host/display/display.h"
#include "host/sys/spawn.h"
#include "pf_config.h"
#include "tests/contract/plain_user.h"
#ifdef PF_HAVE_WAYLAND
#include "host/wayland/conn.h"
#include "tests/contract/pattern_client.h"
#endif

static const struct pf_mode hd = { 1280, 720, 60000 };

static struct pf_display *open_with(const struct pf_display_ops *ops, const char *dir,
	const struct pf_mode *mode, const char *options)
{
	struct pf_display_params params = {
		.mode = *mode, .runtime_dir = dir, .log_dir = dir, .options = options
	};
	struct pf_display *d = NULL;
	struct pf_reason why = { 0 };

	if (ops->open(&d, &params, &why))
		fail_msg("%s: %s", ops->name, why.text);
	assert_ptr_equal(d->ops, ops);
	return d;
}

/* The backend of that name if it works here; else skips, saying what is missing. */
static const struct pf_display_ops *need(const char *name)
{
	const struct pf_display_ops *ops = pf_display_find(name);
	struct pf_reason why = { 0 };

	if (!ops) {
		print_message("# skipped: built without %s\n", name);
		skip();
	}
	if (ops->probe(&(struct pf_display_params){ .mode = hd }, &why)) {
		print_message("# skipped: %s\n", why.text);
		skip();
	}
	return ops;
}

static void keeps_the_contract(const struct pf_display_ops *ops)
{
	char *dir = pf_test_subdir("desk-");
	struct pf_display_params params = { .mode = { 1, 0, 60000 }, .runtime_dir = dir };
	struct pf_mode mode = { 801, 601, 75000 };
	struct pf_display *d = NULL;
	struct pf_reason why = { 0 };
	const struct pf_source *s;

	ops->close(NULL);
	assert_int_equal(ops->open(&d, &params, &why), -EINVAL);
	assert_null(d);
	assert_true(why.text[0]);

	d = open_with(ops, dir, &mode, NULL);
	s = ops->source(d);
	assert_int_equal(s->mode.width, 800);
	assert_int_equal(s->mode.height, 600);
	assert_int_equal(s->mode.refresh_mhz, 75000);
	if (s->kind == PF_SOURCE_WAYLAND) {
		assert_int_equal(s->wayland_socket[0], '/');
		assert_non_null(s->output_name);
	}
	assert_int_equal(ops->input_target(d)->rect.w, 800);
	assert_int_equal(ops->input_target(d)->rect.h, 600);
	if (ops->set_mode) {
		struct pf_mode bad = { 0, 600, 60000 }, next = { 1025, 768, 59940 };

		assert_int_equal(ops->set_mode(d, &bad, &why), -EINVAL);
		assert_int_equal(ops->source(d)->mode.width, 800);
		assert_int_equal(ops->set_mode(d, &next, &why), 0);
		assert_int_equal(ops->source(d)->mode.width, 1024);
		assert_int_equal(ops->source(d)->mode.refresh_mhz, 59940);
		assert_int_equal(ops->input_target(d)->rect.h, 768);
	}
	if (ops->rest) {
		struct pf_mode back = { 800, 600, 60000 };

		ops->rest(d, true);
		if (ops->memory_kib)
			assert_true(ops->memory_kib(d) > 1000);
		ops->rest(d, false);
		assert_int_equal(ops->set_mode(d, &back, &why), 0);
		assert_int_equal(ops->source(d)->mode.width, 800);
		/* It can be closed as it is. */
		ops->rest(d, true);
	}
	if (ops->death_fd) {
		struct pollfd p = { .fd = ops->death_fd(d), .events = POLLIN };

		assert_true(p.fd >= 0);
		assert_int_equal(poll(&p, 1, 0), 0);
	}
	ops->close(d);
	free(dir);
}

static void the_null_display_keeps_the_contract(void **state)
{
	keeps_the_contract(need("null"));
}

static void the_null_display_fails_where_asked(void **state)
{
	const struct pf_display_ops *ops = need("null");
	struct pf_display_params params = { .mode = hd };
	const char *const fail[] = { "fail-open=1", "delay-ms=1,fail-open=2", "fail-open=3" };
	struct pf_display *d = NULL;
	struct pf_reason why = { 0 };
	struct pollfd p = { .events = POLLIN };

	for (size_t i = 0; i < sizeof(fail) / sizeof(*fail); i++) {
		params.options = fail[i];
		assert_int_equal(ops->open(&d, &params, &why), -EIO);
		assert_null(d);
	}
	params.options = "die-ms=20,fail-mode=1";
	assert_int_equal(ops->open(&d, &params, &why), 0);
	assert_int_equal(ops->set_mode(d, &hd, &why), -EIO);
	p.fd = ops->death_fd(d);
	assert_int_equal(poll(&p, 1, 5000), 1);
	ops->close(d);
}

static void modes_are_rounded_or_refused(void **state)
{
	static const struct {
		struct pf_mode in, out;
		int result;
	} rows[] = {
		{ { 1280, 720, 60000 }, { 1280, 720, 60000 }, 0 },
		{ { 1281, 721, 59940 }, { 1280, 720, 59940 }, 0 },
		{ { 3, 2, 1000 }, { 2, 2, 1000 }, 0 },
		{ { 16385, 16384, 1000000 }, { 16384, 16384, 1000000 }, 0 },
		{ { 1, 720, 60000 }, { 1, 720, 60000 }, -EINVAL },
		{ { 1280, 0, 60000 }, { 1280, 0, 60000 }, -EINVAL },
		{ { 16386, 720, 60000 }, { 16386, 720, 60000 }, -EINVAL },
		{ { UINT32_MAX, 720, 60000 }, { UINT32_MAX, 720, 60000 }, -EINVAL },
		{ { 1280, 720, 999 }, { 1280, 720, 999 }, -EINVAL },
		{ { 1280, 720, 1000001 }, { 1280, 720, 1000001 }, -EINVAL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct pf_mode m = rows[i].in;

		assert_int_equal(pf_mode_check(&m, NULL), rows[i].result);
		assert_memory_equal(&m, &rows[i].out, sizeof(m));
	}
}

static void unknown_backends_are_not_found(void **state)
{
	assert_null(pf_display_find("nonsense"));
	for (const struct pf_display_ops *const *b = pf_display_backends(); *b; b++)
		assert_ptr_equal(pf_display_find((*b)->name), *b);
}

#ifdef PF_HAVE_WAYLAND
static void a_private_sway_keeps_the_contract(void **state)
{
	keeps_the_contract(need("wlroots"));
}

/* What a Wayland client of its own sees of the output. */
static void sees(const struct pf_source *s, uint32_t w, uint32_t h, uint32_t mhz)
{
	struct pf_wl *wl = NULL;
	const struct pf_wl_output *o;

	assert_int_equal(pf_wl_open(&wl, s->wayland_socket, 10000, NULL), 0);
	o = pf_wl_find_output(wl, s->output_name);
	assert_non_null(o);
	assert_int_equal(o->rect.w, w);
	assert_int_equal(o->rect.h, h);
	assert_int_equal(o->refresh_mhz, mhz);
	pf_wl_close(wl);
}

static const struct pf_mode mode_list[] = {
	{ 1280, 720, 60000 },
	{ 1920, 1080, 60000 },
	{ 2560, 1440, 120000 },
	{ 3840, 2160, 60000 },
	{ 5120, 1440, 240000 },
	{ 1366, 768, 59940 },
	{ 1920, 1080, 23976 },
	{ 640, 480, 143856 },
};

static void sway_has_the_exact_modes_from_the_start_and_later(void **state)
{
	const struct pf_display_ops *ops = need("wlroots");
	const size_t n = sizeof(mode_list) / sizeof(*mode_list);
	struct pf_display *kept = NULL;

	for (size_t i = 0; i < n; i++) {
		const struct pf_mode *m = &mode_list[i];
		char *dir = pf_test_subdir("desk-");
		struct pf_display *d = open_with(ops, dir, m, NULL);

		sees(ops->source(d), m->width, m->height, m->refresh_mhz);
		if (i + 1 < n)
			ops->close(d);
		else
			kept = d;
		free(dir);
	}
	for (size_t i = 0; i < n; i++) {
		const struct pf_mode *m = &mode_list[i];

		assert_int_equal(ops->set_mode(kept, m, NULL), 0);
		sees(ops->source(kept), m->width, m->height, m->refresh_mhz);
	}
	ops->close(kept);
}

/* The same, told by another process: a full-screen client of its size. */
static void a_client_inside_fills_the_exact_mode(void **state)
{
	static const char *const args[] = { "--mode", "still", NULL };
	static const struct pf_mode odd = { 1281, 721, 59940 };
	const struct pf_display_ops *ops = need("wlroots");

	for (size_t i = 0; i < sizeof(mode_list) / sizeof(*mode_list) + 1; i++) {
		const struct pf_mode *m = i ? &mode_list[i - 1] : &odd;
		char *dir = pf_test_subdir("desk-");
		struct pf_display *d = open_with(ops, dir, m, NULL);
		struct pf_test_pattern client = { 0 };
		json_t *r;

		pf_test_pattern_start(&client, d, dir, args);
		r = pf_test_pattern_await(&client, "mode_mhz", 1);
		assert_int_equal(pf_test_number(r, "mode_mhz"), m->refresh_mhz);
		assert_int_equal(pf_test_number(r, "mode_width"), m->width & ~1u);
		assert_int_equal(pf_test_number(r, "mode_height"), m->height & ~1u);
		assert_int_equal(pf_test_number(r, "width"), m->width & ~1u);
		assert_int_equal(pf_test_number(r, "height"), m->height & ~1u);
		json_decref(r);
		pf_test_pattern_stop(&client);
		ops->close(d);
		free(dir);
	}
}

static void two_sways_stand_side_by_side(void **state)
{
	const struct pf_display_ops *ops = need("wlroots");
	char *dir_a = pf_test_subdir("desk-"), *dir_b = pf_test_subdir("desk-");
	struct pf_display *a = open_with(ops, dir_a, &mode_list[0], NULL);
	struct pf_display *b = open_with(ops, dir_b, &mode_list[1], NULL);

	assert_string_not_equal(ops->source(a)->wayland_socket, ops->source(b)->wayland_socket);
	sees(ops->source(a), 1280, 720, 60000);
	sees(ops->source(b), 1920, 1080, 60000);
	ops->close(a);
	sees(ops->source(b), 1920, 1080, 60000);
	ops->close(b);
	free(dir_a);
	free(dir_b);
}

static pid_t sway_of(const struct pf_source *s)
{
	pid_t pid = 0;
	int fd = pf_wl_connect(s->wayland_socket, &pid, NULL);

	assert_true(fd >= 0);
	close(fd);
	return pid;
}

static void a_sway_at_rest_uses_no_processor(void **state)
{
	const struct pf_display_ops *ops = need("wlroots");
	char *dir = pf_test_subdir("desk-"), path[64], text[256];
	struct pf_display *d = open_with(ops, dir, &hd, NULL);
	unsigned long long before = 0, after = 0;
	struct timespec pause = { 0, 300000000 };
	pid_t sway = sway_of(ops->source(d));

	/* /proc/PID/schedstat: nanoseconds on a processor, first of all. */
	snprintf(path, sizeof(path), "/proc/%d/schedstat", (int)sway);
	ops->rest(d, true);
	for (int i = 0; i < 3; i++) {
		FILE *f;

		nanosleep(&pause, NULL);
		f = fopen(path, "r");
		assert_non_null(f);
		assert_non_null(fgets(text, sizeof(text), f));
		fclose(f);
		before = after;
		after = strtoull(text, NULL, 10);
	}
	assert_true(after);
	assert_true(after == before);
	ops->rest(d, false);
	sees(ops->source(d), hd.width, hd.height, hd.refresh_mhz);
	ops->close(d);
	free(dir);
}

static void the_death_of_sway_is_told_and_a_new_one_starts_in_its_place(void **state)
{
	const struct pf_display_ops *ops = need("wlroots");
	char *dir = pf_test_subdir("desk-");
	struct pf_display *d = open_with(ops, dir, &hd, NULL);
	struct pollfd p = { .fd = ops->death_fd(d), .events = POLLIN };

	assert_int_equal(kill(sway_of(ops->source(d)), SIGKILL), 0);
	assert_int_equal(poll(&p, 1, 10000), 1);
	ops->close(d);
	/* Its sockets are still there; they must not fool the next one. */
	d = open_with(ops, dir, &mode_list[1], NULL);
	sees(ops->source(d), 1920, 1080, 60000);
	ops->close(d);
	free(dir);
}

static void sway_fails_with_words_at_each_step(void **state)
{
	const struct pf_display_ops *ops = need("wlroots");
	char *dir = pf_test_subdir("desk-"), *path = strdup(getenv("PATH")), *bin, *fake;
	struct pf_display_params params = { .mode = hd };
	struct pf_display *d = NULL;
	struct pf_reason why = { 0 };
	FILE *f;

	assert_int_equal(ops->open(&d, &params, &why), -EINVAL);
	params.runtime_dir = "/nonexistent";
	assert_int_equal(ops->open(&d, &params, &why), -ENOENT);
	assert_non_null(strstr(why.text, "/nonexistent"));
	params.runtime_dir = dir;
	params.log_dir = "/nonexistent";
	assert_int_equal(ops->open(&d, &params, &why), -ENOENT);

	/* A sway that ends at once, then one without a socket that ends late. */
	bin = pf_test_subdir("bin-");
	assert_true(asprintf(&fake, "%s/sway", bin) > 0);
	f = fopen(fake, "w");
	assert_non_null(f);
	fputs("#!/bin/sh\necho broken\nexit 3\n", f);
	fclose(f);
	chmod(fake, 0755);
	params.log_dir = dir;
	setenv("PATH", bin, 1);
	assert_int_equal(ops->open(&d, &params, &why), -ECHILD);
	assert_non_null(strstr(why.text, "status 3"));
	setenv("PATH", "/nonexistent", 1);
	assert_int_equal(ops->open(&d, &params, &why), -ENOENT);
	assert_non_null(strstr(why.text, "apt-get install sway"));
	setenv("PATH", path, 1);
	assert_null(d);
	free(path);
	free(bin);
	free(fake);
	free(dir);
}

static void sway_starts_fast(void **state)
{
	const struct pf_display_ops *ops = need("wlroots");
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < 3; i++) {
		char *dir = pf_test_subdir("desk-");
		uint64_t start = pf_clock_mono_ns(), took;
		struct pf_display *d = open_with(ops, dir, &hd, NULL);

		took = pf_clock_mono_ns() - start;
		best = took < best ? took : best;
		ops->close(d);
		free(dir);
	}
	print_message("# sway open: %.1f ms, best of 3\n", (double)best / 1e6);
	/* 45 ms on an idle machine. Not a measurement, only a guard against waits. */
	assert_true(best < 2 * PF_NS_PER_S);
}

static const char *value_of(const char *const *env, const char *key)
{
	const size_t len = strlen(key);

	for (; *env; env++)
		if (!strncmp(*env, key, len) && (*env)[len] == '=')
			return *env + len + 1;
	return NULL;
}

static void applications_find_the_display(void **state)
{
	const struct pf_display_ops *ops = need("wlroots");
	char *dir = pf_test_subdir("desk-"), socket[300];
	struct pf_display *d = open_with(ops, dir, &hd, NULL);
	const char *const *env = ops->app_env(d);

	assert_string_equal(value_of(env, "XDG_RUNTIME_DIR"), dir);
	snprintf(socket, sizeof(socket), "%s/%s", dir, value_of(env, "WAYLAND_DISPLAY"));
	assert_string_equal(socket, ops->source(d)->wayland_socket);
	assert_int_equal(access(value_of(env, "SWAYSOCK"), W_OK), 0);
	assert_null(value_of(env, "DISPLAY"));
	ops->close(d);
	free(dir);
}

/* Says hello to the X server of DISPLAY as an X11 client would. */
static uint8_t x11_answer(const char *display)
{
	const uint8_t hello[12] = { 'l', 0, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct pollfd p = { .events = POLLIN };
	uint8_t answer = 0;

	p.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "/tmp/.X11-unix/X%s", display + 1);
	if (!connect(p.fd, (struct sockaddr *)&addr, sizeof(addr)) &&
		write(p.fd, hello, sizeof(hello)) == sizeof(hello) && poll(&p, 1, 20000) == 1)
		(void)!read(p.fd, &answer, 1);
	close(p.fd);
	return answer;
}

static void x11_programs_find_theirs(void **state)
{
	const struct pf_display_ops *ops = need("wlroots");
	char *dir = pf_test_subdir("desk-");
	struct pf_display_params params = {
		.mode = hd, .runtime_dir = dir, .log_dir = dir, .xwayland = true
	};
	struct pf_display *d = NULL;
	const char *display;

	if (!pf_program_exists("Xwayland") || (access("/tmp/.X11-unix", W_OK) && errno != ENOENT)) {
		print_message("# skipped: Xwayland is not installed (apt-get install xwayland) or "
			      "/tmp/.X11-unix is another user's\n");
		free(dir);
		skip();
	}
	assert_int_equal(ops->open(&d, &params, NULL), 0);
	display = value_of(ops->app_env(d), "DISPLAY");
	assert_non_null(display);
	assert_int_equal(x11_answer(display), 1); /* success */
	ops->close(d);
	free(dir);
}

/* A hand-started sway that plays the user's session. */
struct session {
	char *dir, *socket;
	struct pf_child *sway;
};

static void start_session(struct session *s, const char *ipc_dir)
{
	char runtime[256], ipc[256], *config;
	const char *env[] = { runtime, ipc, "WLR_BACKENDS=headless", "WLR_RENDERER=pixman",
		"WLR_LIBINPUT_NO_DEVICES=1", "WLR_HEADLESS_OUTPUTS=1", NULL };
	const char *argv[] = { "sway", "-c", NULL, NULL };
	FILE *f;

	s->dir = pf_test_subdir("session-");
	assert_true(asprintf(&config, "%s/conf", s->dir) > 0);
	f = fopen(config, "w");
	assert_non_null(f);
	fputs("xwayland disable\n", f);
	fclose(f);
	argv[2] = config;
	snprintf(runtime, sizeof(runtime), "XDG_RUNTIME_DIR=%s", s->dir);
	snprintf(ipc, sizeof(ipc), "SWAYSOCK=%s/sway-user.sock", ipc_dir ? ipc_dir : s->dir);
	assert_int_equal(pf_child_start(&s->sway,
				 &(struct pf_child_params){
					 .argv = argv, .env = env, .stdin_fd = -1, .pass_fd = -1 },
				 NULL),
		0);
	assert_true(asprintf(&s->socket, "%s/wayland-1", s->dir) > 0);
	for (int i = 0; i < 1000; i++) {
		struct pf_wl *wl = NULL;

		if (!pf_wl_open(&wl, s->socket, 10000, NULL)) {
			bool ready = pf_wl_find_output(wl, NULL);

			pf_wl_close(wl);
			if (ready)
				break;
		}
		usleep(10000);
	}
	free(config);
}

static void stop_session(struct session *s)
{
	pf_child_stop(&s->sway, 1000);
	free(s->socket);
	free(s->dir);
}

static unsigned outputs_of(const char *socket)
{
	struct pf_wl *wl = NULL;
	unsigned n = 0;

	assert_int_equal(pf_wl_open(&wl, socket, 10000, NULL), 0);
	for (unsigned i = 0; i < PF_WL_OUTPUTS; i++)
		n += wl->outputs[i].proxy != NULL;
	pf_wl_close(wl);
	return n;
}

static void a_running_sway_lends_an_output_and_keeps_its_own(void **state)
{
	const struct pf_display_ops *ops = pf_display_find("session");
	struct session s = { 0 };
	struct pf_display_params params = { .mode = hd };
	struct pf_display *a = NULL, *b = NULL;
	struct pf_reason why = { 0 };
	struct pollfd p = { .events = POLLIN };
	unsigned most;

	(void)need("wlroots");
	assert_int_equal(ops->probe(&params, &why), -ENOENT);
	start_session(&s, NULL);
	params.session_socket = s.socket;
	assert_int_equal(ops->probe(&params, &why), 0);
	assert_int_equal(ops->open(&a, &params, &why), 0);
	assert_string_not_equal(ops->source(a)->output_name, "HEADLESS-1");
	sees(ops->source(a), 1280, 720, 60000);
	params.mode = mode_list[1];
	assert_int_equal(ops->open(&b, &params, &why), 0);
	assert_string_not_equal(ops->source(a)->output_name, ops->source(b)->output_name);
	sees(ops->source(b), 1920, 1080, 60000);
	most = outputs_of(s.socket);
	assert_int_equal(most, 3);
	ops->close(a);
	/* Taken over or made anew: never a fourth one. */
	params.mode = mode_list[2];
	assert_int_equal(ops->open(&a, &params, &why), 0);
	sees(ops->source(a), 2560, 1440, 120000);
	assert_true(outputs_of(s.socket) <= most);
	p.fd = ops->death_fd(b);
	assert_int_equal(poll(&p, 1, 0), 0);
	pf_child_stop(&s.sway, 1000);
	assert_int_equal(poll(&p, 1, 5000), 1);
	ops->close(a);
	ops->close(b);
	stop_session(&s);
}

static void a_session_without_sway_commands_is_mirrored(void **state)
{
	const struct pf_display_ops *ops = pf_display_find("session");
	char *elsewhere;
	struct session s = { 0 };
	struct pf_display_params params = { .mode = { 640, 480, 60000 } };
	struct pf_display *d = NULL;
	struct pf_reason why = { 0 };

	(void)need("wlroots");
	elsewhere = pf_test_subdir("ipc-");
	start_session(&s, elsewhere);
	params.session_socket = s.socket;
	assert_int_equal(ops->open(&d, &params, &why), 0);
	assert_string_equal(ops->source(d)->output_name, "HEADLESS-1");
	sees(ops->source(d), ops->source(d)->mode.width, ops->source(d)->mode.height,
		ops->source(d)->mode.refresh_mhz);
	assert_int_equal(ops->set_mode(d, &hd, &why), -ENOTSUP);
	ops->close(d);
	stop_session(&s);
	free(elsewhere);
}
#endif

int main(void)
{
	static const char *const tools[] = {
#ifdef PF_HAVE_WAYLAND
		PF_TEST_PATTERN,
#endif
		NULL
	};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(modes_are_rounded_or_refused),
		cmocka_unit_test(unknown_backends_are_not_found),
		cmocka_unit_test(the_null_display_keeps_the_contract),
		cmocka_unit_test(the_null_display_fails_where_asked),
#ifdef PF_HAVE_WAYLAND
		cmocka_unit_test(a_private_sway_keeps_the_contract),
		cmocka_unit_test(sway_has_the_exact_modes_from_the_start_and_later),
		cmocka_unit_test(a_client_inside_fills_the_exact_mode),
		cmocka_unit_test(two_sways_stand_side_by_side),
		cmocka_unit_test(a_sway_at_rest_uses_no_processor),
		cmocka_unit_test(the_death_of_sway_is_told_and_a_new_one_starts_in_its_place),
		cmocka_unit_test(sway_fails_with_words_at_each_step),
		cmocka_unit_test(sway_starts_fast),
		cmocka_unit_test(applications_find_the_display),
		cmocka_unit_test(x11_programs_find_theirs),
		cmocka_unit_test(a_running_sway_lends_an_output_and_keeps_its_own),
		cmocka_unit_test(a_session_without_sway_commands_is_mirrored),
#endif
	};

	pf_test_become_user(tools);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
