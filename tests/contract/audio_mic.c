/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What an audio backend owes about microphones: a program of the desk that records, from
 * before there is one, gets what it says; nothing is asked of one that is removed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "host/audio/audio.h"
#include "host/sys/spawn.h"
#include "tests/contract/plain_user.h"
#include "tests/unit/audio_tone.h"

#define PATIENCE_MS 20000
#define SECOND	    48000
#define WINDOW	    2400 /* 50 ms */

/* A microphone that says a tone, and what the null backend plays of it. */
struct voice {
	double hz;
	unsigned long at;
	_Atomic unsigned long pulled;
	pthread_mutex_t lock;
	float heard[4 * SECOND];
	unsigned count;
};

static void on_pull(void *user, float *pcm, unsigned samples)
{
	struct voice *v = user;

	memset(pcm, 0, samples * sizeof(*pcm));
	tone_add(pcm, samples, 1, v->hz, 0.3, v->at);
	v->at += samples;
	atomic_fetch_add(&v->pulled, samples);
}

static void on_pcm(void *user, const float *pcm, unsigned channels, uint64_t capture_ns)
{
	struct voice *v = user;

	pthread_mutex_lock(&v->lock);
	for (unsigned i = 0; i < PF_AUDIO_BLOCK && v->count < 4 * SECOND; i++)
		v->heard[v->count++] = pcm[i * channels];
	pthread_mutex_unlock(&v->lock);
}

static void on_error(void *user, int err, const char *text)
{
	fail_msg("%s", text);
}

static void wait_pulled(struct voice *v, unsigned long more)
{
	const uint64_t end = pf_clock_mono_ns() + PATIENCE_MS * PF_NS_PER_MS;
	const unsigned long want = atomic_load(&v->pulled) + more;

	while (atomic_load(&v->pulled) < want) {
		if (pf_clock_mono_ns() > end)
			fail_msg("%lu samples were asked for, not %lu", atomic_load(&v->pulled),
				want);
		usleep(1000);
	}
}

static struct pf_child *record(const struct pf_audio_ops *ops, const char *dir, const char *file)
{
	const char *const argv[] = { "pw-record", "--format", "f32", "--rate", "48000",
		"--channels", "2", file, NULL };
	struct pf_audio_env env;
	char log[512];
	const struct pf_child_params p = {
		.argv = argv, .env = env.list, .log_path = log, .stdin_fd = -1, .pass_fd = -1
	};
	struct pf_child *child = NULL;
	struct pf_reason why = { 0 };

	ops->app_env(dir, &env);
	snprintf(log, sizeof(log), "%s/record.log", dir);
	if (pf_child_start(&child, &p, &why))
		fail_msg("pw-record: %s", why.text);
	return child;
}

/* The recorded left channel behind whatever headers a WAV file has. */
static void read_wav(struct voice *v, const char *file)
{
	static uint8_t data[8 * 4 * SECOND + 4096];
	FILE *f = fopen(file, "r");
	size_t len, at = 12;

	assert_non_null(f);
	len = fread(data, 1, sizeof(data), f);
	fclose(f);
	while (at + 8 < len && memcmp(data + at, "data", 4))
		at += 8 + ((size_t)data[at + 4] | (size_t)data[at + 5] << 8);
	v->count = 0;
	for (at += 8; at + 8 <= len && v->count < 4 * SECOND; at += 8)
		memcpy(&v->heard[v->count++], data + at, sizeof(float));
}

/* A tenth of what came is that tone and no other; on a busy machine cycles are missed. */
static void hears(struct voice *v, double hz, double other)
{
	unsigned good = 0, all = 0;

	pthread_mutex_lock(&v->lock);
	for (unsigned at = 0; at + WINDOW <= v->count; at += WINDOW, all++) {
		const double l = tone_level(v->heard + at, WINDOW, 1, hz);

		good += l > 0.27 && l < 0.33 && tone_level(v->heard + at, WINDOW, 1, other) < 0.02;
	}
	pthread_mutex_unlock(&v->lock);
	print_message("# %.0f Hz: %u of %u windows\n", hz, good, all);
	assert_true(all >= 10 && good * 10 >= all);
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
	if (ops->app_env && !pf_program_exists("pw-record")) {
		print_message("# skipped: no pw-record (package pipewire-bin)\n");
		skip();
	}
	return ops;
}

static void keeps_the_contract(const struct pf_audio_ops *ops)
{
	char *dir = pf_test_subdir("mic-"), file[2][300];
	struct voice *v = calloc(1, sizeof(*v)), *w = calloc(1, sizeof(*w));
	const struct pf_audio_params params = { .channels = 2,
		.runtime_dir = dir,
		.log_dir = dir,
		.on_pcm = on_pcm,
		.on_error = on_error,
		.user = v,
		.options = ops->app_env ? NULL : "mic-loop=1" };
	const struct pf_audio_mic mic = { "Ann's phone", on_pull, v },
				  next = { "Bob's phone", on_pull, w };
	struct pf_child *app = NULL;
	struct pf_audio *a = NULL;
	struct pf_reason why = { 0 };
	unsigned long pulled;

	pthread_mutex_init(&v->lock, NULL);
	pthread_mutex_init(&w->lock, NULL);
	v->hz = 500;
	w->hz = 900;
	for (unsigned i = 0; i < 2; i++)
		snprintf(file[i], sizeof(file[i]), "%s/%u.wav", dir, i);
	if (ops->open(&a, &params, &why))
		fail_msg("%s", why.text);
	/* None to remove. */
	assert_int_equal(ops->set_mic(a, NULL, &why), 0);
	/* Who records already gets the one that comes. */
	if (ops->app_env)
		app = record(ops, dir, file[0]);
	assert_int_equal(ops->set_mic(a, &mic, &why), 0);
	wait_pulled(v, 2 * SECOND);
	/* Another in its place: the first is not asked again. */
	assert_int_equal(ops->set_mic(a, &next, &why), 0);
	pulled = atomic_load(&v->pulled);
	wait_pulled(w, SECOND / 10);
	assert_int_equal(atomic_load(&v->pulled), pulled);
	pf_child_stop(&app, 500);
	if (ops->app_env)
		read_wav(v, file[0]);
	hears(v, 500, 1300);
	/* Who comes later gets it, too. */
	v->count = 0;
	if (ops->app_env)
		app = record(ops, dir, file[1]);
	wait_pulled(w, SECOND);
	pf_child_stop(&app, 500);
	if (ops->app_env)
		read_wav(v, file[1]);
	hears(v, 900, 500);
	assert_int_equal(ops->set_mic(a, NULL, &why), 0);
	pulled = atomic_load(&w->pulled);
	usleep(50000);
	assert_int_equal(atomic_load(&w->pulled), pulled);
	/* It may end with one. */
	assert_int_equal(ops->set_mic(a, &mic, &why), 0);
	ops->close(a);
	pulled = atomic_load(&v->pulled);
	usleep(20000);
	assert_int_equal(atomic_load(&v->pulled), pulled);
	free(v);
	free(w);
	free(dir);
}

static void null_keeps_the_contract(void **state)
{
	keeps_the_contract(need("null"));
}

static void pipewire_keeps_the_contract(void **state)
{
	keeps_the_contract(need("pipewire"));
}

int main(void)
{
	static const char *const tools[] = { NULL };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(null_keeps_the_contract),
		cmocka_unit_test(pipewire_keeps_the_contract),
	};

	pf_test_become_user(tools);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
