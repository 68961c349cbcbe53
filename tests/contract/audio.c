/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What every audio backend owes, run on each that works here; then what only a
 * sound server can show: applications of both kinds, each channel in its place,
 * desks that do not hear each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "host/audio/audio.h"
#include "host/sys/spawn.h"
#include "pf_config.h"
#include "tests/contract/plain_user.h"
#include "tests/unit/audio_tone.h"
#ifdef PF_HAVE_PIPEWIRE
#include <pipewire/pipewire.h>
#endif

#define WINDOW_BLOCKS 4 /* 20 ms: whole periods of multiples of 50 Hz */
#define KEEP_BLOCKS   200
#define WINDOWS	      (KEEP_BLOCKS / WINDOW_BLOCKS)
#define GOOD_WINDOWS  (WINDOWS / 10)
#define PATIENCE_MS   20000

/* What one desk heard. */
struct ear {
	pthread_mutex_t lock;
	pthread_cond_t news;
	unsigned channels, blocks, steady; /* steady: exactly 5 ms after the one before */
	uint64_t last_ns, first_at_ns;
	int64_t oldest_ns; /* largest age at arrival */
	bool backwards, wrong_channels;
	unsigned errors;
	int err;
	float pcm[KEEP_BLOCKS * PF_AUDIO_BLOCK * 8]; /* the latest blocks, as a ring */
};

static void on_pcm(void *user, const float *pcm, unsigned channels, uint64_t capture_ns)
{
	struct ear *e = user;
	const uint64_t now = pf_clock_mono_ns();

	pthread_mutex_lock(&e->lock);
	e->wrong_channels |= channels != e->channels;
	e->backwards |= e->blocks && capture_ns <= e->last_ns;
	e->steady += e->blocks && capture_ns - e->last_ns == 5 * PF_NS_PER_MS;
	if (!e->blocks)
		e->first_at_ns = now;
	if ((int64_t)(now - capture_ns) > e->oldest_ns)
		e->oldest_ns = (int64_t)(now - capture_ns);
	e->last_ns = capture_ns;
	if (!e->wrong_channels)
		memcpy(e->pcm + (size_t)(e->blocks % KEEP_BLOCKS) * PF_AUDIO_BLOCK * channels, pcm,
			PF_AUDIO_BLOCK * channels * sizeof(float));
	e->blocks++;
	pthread_cond_broadcast(&e->news);
	pthread_mutex_unlock(&e->lock);
}

static void on_error(void *user, int err, const char *text)
{
	struct ear *e = user;

	pthread_mutex_lock(&e->lock);
	e->errors++;
	e->err = err;
	pthread_cond_broadcast(&e->news);
	pthread_mutex_unlock(&e->lock);
}

static struct ear *new_ear(unsigned channels)
{
	struct ear *e = calloc(1, sizeof(*e));

	assert_non_null(e);
	pthread_mutex_init(&e->lock, NULL);
	pthread_cond_init(&e->news, NULL);
	e->channels = channels;
	return e;
}

static void free_ear(struct ear *e)
{
	pthread_mutex_destroy(&e->lock);
	pthread_cond_destroy(&e->news);
	free(e);
}

/* Waits for that many more blocks, and errors in all (one may have come before the
 * call); false if they do not come. */
static bool hear(struct ear *e, unsigned blocks, unsigned errors, unsigned patience_ms)
{
	struct timespec end;
	bool in_time = true;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += patience_ms / 1000;
	end.tv_nsec += (long)(patience_ms % 1000) * 1000000;
	end.tv_sec += end.tv_nsec / 1000000000;
	end.tv_nsec %= 1000000000;
	pthread_mutex_lock(&e->lock);
	blocks += e->blocks;
	while (in_time && (e->blocks < blocks || e->errors < errors))
		in_time = !pthread_cond_timedwait(&e->news, &e->lock, &end);
	pthread_mutex_unlock(&e->lock);
	return in_time;
}

/* What a channel must hold: `hz` with at least, or at most, that amplitude. */
struct sound {
	unsigned channel;
	double hz, least, most;
};

static struct sound loud(unsigned channel, double hz, double least)
{
	return (struct sound){ channel, hz, least, 1 };
}

static struct sound quiet(unsigned channel, double hz, double most)
{
	return (struct sound){ channel, hz, 0, most };
}

/* Windows of the blocks kept in which all of that holds; `worst` names one that does
 * not and its level. */
static unsigned good_windows(
	struct ear *e, const struct sound *want, unsigned n, char *worst, size_t len)
{
	const size_t window = WINDOW_BLOCKS * PF_AUDIO_BLOCK;
	float *pcm = malloc(sizeof(e->pcm));
	unsigned good = 0, windows;

	/* A copy: the listener must not hold up the sound. */
	assert_non_null(pcm);
	pthread_mutex_lock(&e->lock);
	memcpy(pcm, e->pcm, sizeof(e->pcm));
	windows = e->blocks >= KEEP_BLOCKS ? WINDOWS : 0;
	pthread_mutex_unlock(&e->lock);
	for (unsigned w = 0; w < windows; w++) {
		unsigned i = 0;

		for (; i < n; i++) {
			const double l =
				tone_level(pcm + w * window * e->channels + want[i].channel, window,
					e->channels, want[i].hz);

			if (l >= want[i].least && l <= want[i].most)
				continue;
			snprintf(worst, len, "%.0f Hz in channel %u at %.3f", want[i].hz,
				want[i].channel, l);
			break;
		}
		good += i == n;
	}
	free(pcm);
	return good;
}

/* Waits for a second of sound of which a tenth is as wanted in every respect. On a busy
 * machine applications miss every other cycle, which is no fault of the backend and
 * spoils whole windows; what is in the wrong place spoils all of them. */
static void hears(struct ear *e, const struct sound *want, unsigned n)
{
	const uint64_t start = pf_clock_mono_ns();
	char worst[80] = "too little";
	uint64_t took_ms = 0;

	while (good_windows(e, want, n, worst, sizeof(worst)) < GOOD_WINDOWS) {
		if (took_ms > PATIENCE_MS)
			fail_msg("%u channels: %s after %u ms", e->channels, worst,
				(unsigned)took_ms);
		assert_true(hear(e, KEEP_BLOCKS / 4, 0, PATIENCE_MS));
		took_ms = (pf_clock_mono_ns() - start) / PF_NS_PER_MS;
	}
	if (took_ms > 2000)
		print_message(
			"# %u channels: as wanted after %u ms\n", e->channels, (unsigned)took_ms);
}

#define HEARS(e, ...)                                                                              \
	hears(e, (const struct sound[]){ __VA_ARGS__ },                                            \
		sizeof((const struct sound[]){ __VA_ARGS__ }) / sizeof(struct sound))

/* A second of sound takes a second: what a stall holds up comes at once after it, but
 * not for long. More than a second is what a busy machine makes of it; see steady. */
static void keeps_time(struct ear *e)
{
	for (int i = 0; i < 10; i++) {
		const uint64_t start = pf_clock_mono_ns();

		assert_true(hear(e, KEEP_BLOCKS, 0, PATIENCE_MS));
		if (pf_clock_mono_ns() - start > 800 * PF_NS_PER_MS)
			return;
	}
	fail_msg("sound comes faster than it plays");
}

static struct pf_audio *open_with(
	const struct pf_audio_ops *ops, struct ear *e, const char *dir, const char *options)
{
	const struct pf_audio_params params = { .channels = e->channels,
		.runtime_dir = dir,
		.log_dir = dir,
		.on_pcm = on_pcm,
		.on_error = on_error,
		.user = e,
		.options = options };
	struct pf_audio *a = NULL;
	struct pf_reason why = { 0 };

	if (ops->open(&a, &params, &why))
		fail_msg("%s: %s", ops->name, why.text);
	assert_ptr_equal(a->ops, ops);
	return a;
}

static const struct pf_audio_ops *need(const char *name)
{
	const struct pf_audio_ops *ops = pf_audio_find(name);
	struct pf_reason why = { 0 };

	if (!ops) {
		print_message("# skipped: built without %s\n", name);
		skip();
	}
	if (ops->probe(&(struct pf_audio_params){ .channels = 2 }, &why)) {
		print_message("# skipped: %s\n", why.text);
		skip();
	}
	return ops;
}

/* An application of that desk that plays `hz`, a list as pf-tone takes it. */
static struct pf_child *play(struct pf_audio *a, const char *dir, const char *hz, bool pulse)
{
	char *tool = pf_test_tool("tools/tone/pf-tone"), log[512];
	const char *const argv[] = { tool, "--gain", "0.3", "--hz", hz, pulse ? "--pulse" : NULL,
		NULL };
	struct pf_audio_env env;
	const struct pf_child_params p = {
		.argv = argv, .env = env.list, .log_path = log, .stdin_fd = -1, .pass_fd = -1
	};
	struct pf_child *child = NULL;
	struct pf_reason why = { 0 };

	a->ops->app_env(dir, &env);
	snprintf(log, sizeof(log), "%s/tone.log", dir);
	if (pf_child_start(&child, &p, &why))
		fail_msg("pf-tone: %s", why.text);
	free(tool);
	return child;
}

/* Runs on every backend: a tone in, the same tone out, in 5 ms blocks. */
static void keeps_the_contract(const struct pf_audio_ops *ops, const char *options)
{
	char *dir = pf_test_subdir("audio-");
	struct pf_child *app = NULL;

	for (int round = 0; round < 2; round++) { /* an address can be used again */
		struct ear *e = new_ear(2);
		struct pf_audio *a = open_with(ops, e, dir, options);
		unsigned blocks;

		if (ops->app_env) {
			struct pf_audio_env env;

			ops->app_env(dir, &env);
			for (const char *const *v = env.list; *v; v++)
				assert_non_null(strchr(*v, '='));
			app = play(a, dir, "400", false);
		}
		assert_true(hear(e, 1, 0, PATIENCE_MS));
		keeps_time(e);
		HEARS(e, loud(0, 400, 0.25), quiet(0, 1000, 0.02));
		ops->close(a);
		blocks = e->blocks;
		usleep(50000);
		assert_int_equal(e->blocks, blocks);
		assert_false(e->backwards || e->wrong_channels);
		assert_int_equal(e->errors, 0);
		print_message(
			"# %s: %u of %u blocks 5 ms after the one before, age up to %.1f ms\n",
			ops->name, e->steady, blocks, (double)e->oldest_ns / 1e6);
		/* A third of them on two cores with twelve busy threads. */
		assert_true(e->steady > blocks / 10);
		pf_child_stop(&app, 500);
		free_ear(e);
	}
	ops->close(NULL);
	free(dir);
}

static void null_keeps_the_contract(void **state)
{
	keeps_the_contract(need("null"), "tone-hz=400");
}

static void pipewire_keeps_the_contract(void **state)
{
	keeps_the_contract(need("pipewire"), NULL);
}

static void null_fails_and_ends_as_asked(void **state)
{
	const struct pf_audio_ops *ops = need("null");
	struct pf_audio_params p = { .channels = 2, .on_pcm = on_pcm, .on_error = on_error };
	struct pf_audio *a = NULL;
	struct pf_reason why = { 0 };
	struct ear *e = new_ear(2);

	p.user = e;
	p.options = "fail-open=1";
	assert_int_equal(ops->open(&a, &p, &why), -EIO);
	p.options = "tone-hz=400,fail-open=2";
	assert_int_equal(ops->open(&a, &p, &why), -EIO);
	p.options = NULL;
	p.channels = 4;
	assert_int_equal(ops->open(&a, &p, &why), -EINVAL);
	assert_null(a);
	assert_int_not_equal(why.text[0], 0);

	a = open_with(ops, e, NULL, "tone-hz=400,gap-every=4,die-ms=200");
	assert_true(hear(e, 0, 1, PATIENCE_MS));
	ops->close(a);
	assert_int_equal(e->errors, 1);
	assert_int_equal(e->blocks, 30); /* of forty */
	assert_int_equal(e->steady, 20);

	/* Without a tone: silence, which is no blocks. */
	e->blocks = 0;
	a = open_with(ops, e, NULL, NULL);
	assert_false(hear(e, 1, 0, 100));
	ops->close(a);
	free_ear(e);
}

static void a_pulseaudio_application_is_heard(void **state)
{
	const struct pf_audio_ops *ops = need("pipewire");
	char *dir = pf_test_subdir("audio-");
	struct ear *e = new_ear(2);
	struct pf_audio *a = open_with(ops, e, dir, NULL);
	struct pf_child *app = play(a, dir, "400,700", true);
	uint64_t start;

	HEARS(e, loud(0, 400, 0.25), quiet(0, 700, 0.02), loud(1, 700, 0.25), quiet(1, 400, 0.02));
	/* When it stops, so do the blocks: an idle desk costs nothing. */
	pf_child_stop(&app, 500);
	start = pf_clock_mono_ns();
	while (hear(e, 1, 0, 300))
		assert_true(pf_clock_mono_ns() - start < PATIENCE_MS * PF_NS_PER_MS);
	assert_int_equal(e->errors, 0);
	ops->close(a);
	free_ear(e);
	free(dir);
}

static void two_desks_hear_their_own_only(void **state)
{
	static const char *const hz[2] = { "400", "1000" };
	const struct pf_audio_ops *ops = need("pipewire");
	struct pf_child *app[2];
	struct pf_audio *a[2];
	struct ear *e[2];
	char *dir[2];

	for (int i = 0; i < 2; i++) {
		dir[i] = pf_test_subdir("audio-");
		e[i] = new_ear(2);
		a[i] = open_with(ops, e[i], dir[i], NULL);
	}
	for (int i = 0; i < 2; i++)
		app[i] = play(a[i], dir[i], hz[i], i == 1);
	for (int i = 0; i < 2; i++)
		HEARS(e[i], loud(0, i ? 1000 : 400, 0.25), quiet(0, i ? 400 : 1000, 0.005));
	/* One desk's end is not the other's. */
	ops->close(a[0]);
	assert_true(hear(e[1], 20, 0, PATIENCE_MS));
	assert_int_equal(e[1]->errors, 0);
	ops->close(a[1]);
	for (int i = 0; i < 2; i++) {
		pf_child_stop(&app[i], 500);
		free_ear(e[i]);
		free(dir[i]);
	}
}

static void each_channel_is_in_its_place(void **state)
{
	static const struct {
		unsigned channels;
		const char *hz;
	} rows[] = { { 2, "400,500" }, { 6, "400,500,600,100,700,800" },
		{ 8, "400,500,600,100,700,800,900,1000" } };
	static const double hz[8] = { 400, 500, 600, 100, 700, 800, 900, 1000 };
	const struct pf_audio_ops *ops = need("pipewire");

	for (unsigned r = 0; r < 3; r++) {
		char *dir = pf_test_subdir("audio-");
		struct ear *e = new_ear(rows[r].channels);
		struct pf_audio *a = open_with(ops, e, dir, NULL);
		struct pf_child *app = play(a, dir, rows[r].hz, r == 1);
		struct sound want[8 * 8];
		unsigned n = 0;

		for (unsigned c = 0; c < rows[r].channels; c++)
			for (unsigned t = 0; t < rows[r].channels; t++)
				want[n++] = t == c ? loud(c, hz[t], 0.25) : quiet(c, hz[t], 0.02);
		hears(e, want, n);
		ops->close(a);
		pf_child_stop(&app, 500);
		free_ear(e);
		free(dir);
	}
}

static void other_layouts_are_mixed(void **state)
{
	const struct pf_audio_ops *ops = need("pipewire");
	char *dir = pf_test_subdir("audio-");
	struct ear *e = new_ear(2);
	struct pf_audio *a = open_with(ops, e, dir, NULL);
	/* Six channels into two: the centre is heard on both sides, the rear on its own. */
	struct pf_child *app = play(a, dir, "400,500,600,100,700,800", false);

	HEARS(e, loud(0, 400, 0.2), quiet(1, 400, 0.02), loud(0, 600, 0.1), loud(1, 600, 0.1),
		loud(0, 700, 0.1), quiet(1, 700, 0.02));
	ops->close(a);
	pf_child_stop(&app, 500);
	free_ear(e);
	free(dir);
}

static void a_killed_server_is_told_once(void **state)
{
	const struct pf_audio_ops *ops = need("pipewire");
	char *dir = pf_test_subdir("audio-");
	struct ear *e = new_ear(2);
	struct pf_audio *a = open_with(ops, e, dir, NULL);
	struct pf_child *app = play(a, dir, "400", false);
	const pid_t pid = pf_test_process_of("pipewire ", dir);

	assert_true(pid > 0);
	assert_true(hear(e, 20, 0, PATIENCE_MS));
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_true(hear(e, 0, 1, PATIENCE_MS));
	usleep(200000);
	assert_int_equal(e->errors, 1);
	assert_int_equal(e->err, -EPIPE);
	ops->close(a);
	assert_int_equal(e->errors, 1);
	pf_child_stop(&app, 500);
	/* The next one works in the same directory. */
	a = open_with(ops, e, dir, NULL);
	app = play(a, dir, "400", false);
	assert_true(hear(e, 20, 0, PATIENCE_MS));
	assert_int_equal(e->errors, 1);
	ops->close(a);
	pf_child_stop(&app, 500);
	free_ear(e);
	free(dir);
}

static void close_leaves_nothing(void **state)
{
	const struct pf_audio_ops *ops = need("pipewire");
	char *dir = pf_test_subdir("audio-");
	struct ear *e = new_ear(2);
	uint64_t start = pf_clock_mono_ns();
	struct pf_audio *a = open_with(ops, e, dir, NULL);
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	print_message("# open took %.1f ms\n", (double)(pf_clock_mono_ns() - start) / 1e6);
	assert_true(pf_test_process_of("pipewire ", dir) > 0);
	start = pf_clock_mono_ns();
	ops->close(a);
	print_message("# close took %.1f ms\n", (double)(pf_clock_mono_ns() - start) / 1e6);
	assert_int_equal(pf_test_process_of("pipewire ", dir), 0);
	snprintf(un.sun_path, sizeof(un.sun_path), "%s/pipewire-0", dir);
	assert_int_equal(connect(fd, (struct sockaddr *)&un, sizeof(un)), -1);
	close(fd);
	assert_int_equal(e->errors, 0);
	free_ear(e);
	free(dir);
}

static void what_is_missing_is_named(void **state)
{
	const struct pf_audio_ops *ops = need("pipewire");
	char *path = strdup(getenv("PATH")), *dir = pf_test_subdir("audio-"), deep[200];
	struct pf_audio_env env;
	struct pf_audio_params p = { .channels = 2, .runtime_dir = dir, .on_pcm = on_pcm };
	struct pf_audio *a = NULL;
	struct pf_reason why = { 0 };

	setenv("PATH", dir, 1);
	assert_int_equal(ops->probe(&p, &why), -ENOENT);
	assert_non_null(strstr(why.text, "package"));
	why.text[0] = 0;
	assert_int_equal(ops->open(&a, &p, &why), -ENOENT);
	assert_non_null(strstr(why.text, "apt-get install pipewire"));
	setenv("PATH", path, 1);

	memset(deep, 'd', sizeof(deep));
	deep[0] = '/';
	deep[sizeof(deep) - 1] = 0;
	p.runtime_dir = deep;
	assert_int_equal(ops->open(&a, &p, &why), -ENAMETOOLONG);
	ops->app_env(deep, &env);
	assert_null(env.list[0]);
	p.runtime_dir = "/proc/nothing";
	assert_true(ops->open(&a, &p, &why) < 0);
	p.runtime_dir = NULL;
	assert_int_equal(ops->open(&a, &p, &why), -EINVAL);
	p.runtime_dir = dir;
	p.channels = 3;
	assert_int_equal(ops->open(&a, &p, &why), -EINVAL);
	assert_null(a);
	free(path);
	free(dir);
}

#ifdef PF_HAVE_PIPEWIRE
static void on_done(void *data, uint32_t id, int seq)
{
	pw_main_loop_quit(data);
}

static void give_up(void *data, uint64_t expirations)
{
	pw_main_loop_quit(data);
}

/* A client from a sandbox gets no answer until somebody admits it. */
static void sandboxed_clients_are_admitted(void **state)
{
	static const struct pw_core_events events = { PW_VERSION_CORE_EVENTS, .done = on_done };
	const struct pf_audio_ops *ops = need("pipewire");
	const struct timespec patience = { PATIENCE_MS / 1000, 0 };
	char *dir = pf_test_subdir("audio-"), remote[512];
	struct ear *e = new_ear(2);
	struct pf_audio *a = open_with(ops, e, dir, NULL);
	struct pw_main_loop *loop;
	struct pw_context *context;
	struct pw_core *core;
	struct spa_source *timer;
	struct spa_hook hook;
	uint64_t start;

	snprintf(remote, sizeof(remote), "%s/pipewire-0", dir);
	pw_init(NULL, NULL);
	loop = pw_main_loop_new(NULL);
	context = pw_context_new(pw_main_loop_get_loop(loop), NULL, 0);
	assert_non_null(context);
	core = pw_context_connect(context,
		pw_properties_new(
			PW_KEY_REMOTE_NAME, remote, PW_KEY_CLIENT_ACCESS, "flatpak", NULL),
		0);
	assert_non_null(core);
	pw_core_add_listener(core, &hook, &events, loop);
	timer = pw_loop_add_timer(pw_main_loop_get_loop(loop), give_up, loop);
	pw_loop_update_timer(
		pw_main_loop_get_loop(loop), timer, (struct timespec *)&patience, NULL, false);
	start = pf_clock_mono_ns();
	pw_core_sync(core, PW_ID_CORE, 0);
	pw_main_loop_run(loop);
	assert_true(pf_clock_mono_ns() - start < PATIENCE_MS / 2 * PF_NS_PER_MS);
	pw_core_disconnect(core);
	pw_context_destroy(context);
	pw_main_loop_destroy(loop);
	pw_deinit();
	ops->close(a);
	free_ear(e);
	free(dir);
}
#endif

int main(void)
{
#ifdef PF_HAVE_PIPEWIRE
	static const char *const tools[] = { "tools/tone/pf-tone", NULL };
#else
	static const char *const tools[] = { NULL };
#endif
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(null_keeps_the_contract),
		cmocka_unit_test(null_fails_and_ends_as_asked),
		cmocka_unit_test(pipewire_keeps_the_contract),
		cmocka_unit_test(a_pulseaudio_application_is_heard),
		cmocka_unit_test(two_desks_hear_their_own_only),
		cmocka_unit_test(each_channel_is_in_its_place),
		cmocka_unit_test(other_layouts_are_mixed),
		cmocka_unit_test(a_killed_server_is_told_once),
		cmocka_unit_test(close_leaves_nothing),
		cmocka_unit_test(what_is_missing_is_named),
#ifdef PF_HAVE_PIPEWIRE
		cmocka_unit_test(sandboxed_clients_are_admitted),
#endif
	};

	pf_test_become_user(tools);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
