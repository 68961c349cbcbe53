/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "host/audio/backends.h"

#define BLOCK_NS (5 * PF_NS_PER_MS)

struct null_audio {
	struct pf_audio base;
	struct pf_audio_params params;
	unsigned long tone_hz, gap_every, die_ms;
	bool mic_loop;
	pthread_mutex_t mic_lock;
	struct pf_audio_mic mic; /* under the lock; pull NULL = none */
	int stop_fd;
	bool started;
	pthread_t thread;
};

/* The number after "key=" in a comma list, or 0. */
static unsigned long option(const char *options, const char *key)
{
	const size_t len = strlen(key);

	while (options && *options) {
		if (!strncmp(options, key, len) && options[len] == '=')
			return strtoul(options + len + 1, NULL, 10);
		options = strchr(options, ',');
		options += options != NULL;
	}
	return 0;
}

static void fill(const struct null_audio *a, float *pcm, uint64_t sample)
{
	const unsigned channels = a->params.channels;

	for (unsigned i = 0; i < PF_AUDIO_BLOCK; i++)
		for (unsigned c = 0; c < channels; c++) {
			double turns = (double)(a->tone_hz + 100 * c) * (double)(sample + i) /
				       PF_AUDIO_RATE;

			pcm[i * channels + c] = (float)(0.5 * sin(2 * M_PI * fmod(turns, 1)));
		}
}

/* What the microphone says, always asked for; false if there is none. */
static bool hear_mic(struct null_audio *a, float *pcm)
{
	const unsigned channels = a->params.channels;
	float mono[PF_AUDIO_BLOCK];
	bool there;

	pthread_mutex_lock(&a->mic_lock);
	there = a->mic.pull;
	if (there)
		a->mic.pull(a->mic.user, mono, PF_AUDIO_BLOCK);
	pthread_mutex_unlock(&a->mic_lock);
	for (unsigned i = 0; there && i < PF_AUDIO_BLOCK * channels; i++)
		pcm[i] = mono[i / channels];
	return there;
}

/* True when asked to stop before `until_ns`. */
static bool wait_until(const struct null_audio *a, uint64_t until_ns)
{
	struct pollfd p = { .fd = a->stop_fd, .events = POLLIN };

	for (;;) {
		const uint64_t now = pf_clock_mono_ns();
		const uint64_t left = until_ns > now ? until_ns - now : 0;
		const struct timespec ts = { .tv_sec = (time_t)(left / PF_NS_PER_S),
			.tv_nsec = (long)(left % PF_NS_PER_S) };

		if (ppoll(&p, 1, &ts, NULL) == 1)
			return true;
		if (!left)
			return false;
	}
}

static void *play(void *arg)
{
	struct null_audio *a = arg;
	const uint64_t start = pf_clock_mono_ns();
	float pcm[PF_AUDIO_BLOCK * 8];
	bool heard;

	for (uint64_t n = 0;; n++) {
		const uint64_t at = start + n * BLOCK_NS;

		if (wait_until(a, at + BLOCK_NS))
			return NULL;
		if (a->die_ms && n * 5 >= a->die_ms) {
			a->params.on_error(
				a->params.user, -EPIPE, "the null sound ended, as asked");
			return NULL;
		}
		heard = hear_mic(a, pcm);
		if (a->mic_loop) {
			if (heard)
				a->params.on_pcm(a->params.user, pcm, a->params.channels, at);
			continue;
		}
		if (!a->tone_hz || (a->gap_every && n % a->gap_every == a->gap_every - 1))
			continue;
		fill(a, pcm, n * PF_AUDIO_BLOCK);
		a->params.on_pcm(a->params.user, pcm, a->params.channels, at);
	}
}

static int null_probe(const struct pf_audio_params *params, struct pf_reason *why)
{
	return 0;
}

static void null_close(struct pf_audio *audio)
{
	struct null_audio *a = (struct null_audio *)audio;
	const uint64_t one = 1;

	if (!a)
		return;
	if (a->started && write(a->stop_fd, &one, sizeof(one)) == sizeof(one))
		pthread_join(a->thread, NULL);
	if (a->stop_fd >= 0)
		close(a->stop_fd);
	pthread_mutex_destroy(&a->mic_lock);
	free(a);
}

static int null_set_mic(
	struct pf_audio *audio, const struct pf_audio_mic *mic, struct pf_reason *why)
{
	struct null_audio *a = (struct null_audio *)audio;

	pthread_mutex_lock(&a->mic_lock);
	a->mic = mic ? *mic : (struct pf_audio_mic){ 0 };
	pthread_mutex_unlock(&a->mic_lock);
	return 0;
}

static int null_open(
	struct pf_audio **out, const struct pf_audio_params *params, struct pf_reason *why)
{
	const unsigned long fail = option(params->options, "fail-open");
	const unsigned long delay = option(params->options, "delay-ms");
	const struct timespec ts = { (time_t)(delay / 1000), (long)(delay % 1000) * 1000000 };
	struct null_audio *a;
	int r;

	if (params->channels != 2 && params->channels != 6 && params->channels != 8)
		return pf_reason_set(
			why, -EINVAL, "%u channels: 2, 6 or 8 are possible", params->channels);
	nanosleep(&ts, NULL);
	if (fail == 1)
		return pf_reason_set(why, -EIO, "the null sound failed at step 1, as asked");
	a = calloc(1, sizeof(*a));
	if (!a)
		return pf_reason_set(why, -ENOMEM, "out of memory");
	a->base.ops = &pf_null_audio_ops;
	a->params = *params;
	a->tone_hz = option(params->options, "tone-hz");
	a->gap_every = option(params->options, "gap-every");
	a->die_ms = option(params->options, "die-ms");
	a->mic_loop = option(params->options, "mic-loop");
	pthread_mutex_init(&a->mic_lock, NULL);
	a->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (a->stop_fd < 0) {
		r = pf_reason_set(why, -errno, "eventfd: %s", strerror(errno));
		goto fail;
	}
	if (fail == 2) {
		r = pf_reason_set(why, -EIO, "the null sound failed at step 2, as asked");
		goto fail;
	}
	r = -pthread_create(&a->thread, NULL, play, a);
	if (r) {
		pf_reason_set(why, r, "cannot start a thread: %s", strerror(-r));
		goto fail;
	}
	a->started = true;
	*out = &a->base;
	return 0;
fail:
	null_close(&a->base);
	return r;
}

const struct pf_audio_ops pf_null_audio_ops = {
	.name = "null",
	.probe = null_probe,
	.open = null_open,
	.close = null_close,
	.set_mic = null_set_mic,
};
