/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* pf-tone: an application that plays a sine of known pitch, through PipeWire or
 * as PulseAudio applications do. */
#include <dlfcn.h>
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <pipewire/pipewire.h>
#include <signal.h>
#include <spa/param/audio/format-utils.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RATE	     48000
#define CHANNELS_MAX 8

enum { EXIT_OK, EXIT_FAILED, EXIT_USAGE };

struct tone {
	double hz[CHANNELS_MAX], gain, seconds;
	unsigned channels;
	bool pulse;
	unsigned long sample, end; /* end 0 = for ever */
	struct pw_main_loop *loop;
	struct pw_stream *stream;
	bool drained, done, failed;
};

static volatile sig_atomic_t stopped;

static void on_stop(int sig)
{
	stopped = 1;
}

/* Up to `most` samples per channel; fewer at the end, 0 after it. */
static unsigned fill(struct tone *t, float *pcm, unsigned most)
{
	unsigned n = most;

	if (t->end && t->end - t->sample < n)
		n = (unsigned)(t->end - t->sample);
	for (unsigned i = 0; i < n; i++, t->sample++)
		for (unsigned c = 0; c < t->channels; c++) {
			const double turn = fmod(t->hz[c] * (double)t->sample / RATE, 1);

			*pcm++ = (float)(t->gain * sin(2 * M_PI * turn));
		}
	return n;
}

/* PipeWire. */

static void on_process(void *data)
{
	struct tone *t = data;
	struct pw_buffer *b = pw_stream_dequeue_buffer(t->stream);
	const uint32_t frame = (uint32_t)(sizeof(float) * t->channels);
	struct spa_data *d;
	unsigned n, most;

	if (!b)
		return;
	d = &b->buffer->datas[0];
	most = d->data ? d->maxsize / frame : 0;
	if (b->requested && b->requested < most)
		most = (unsigned)b->requested;
	n = fill(t, d->data, most);
	d->chunk->offset = 0;
	d->chunk->stride = (int32_t)frame;
	d->chunk->size = n * frame;
	pw_stream_queue_buffer(t->stream, b);
	if (t->end && t->sample == t->end && !t->drained) {
		t->drained = true;
		pw_stream_flush(t->stream, true);
	}
}

static void finish(struct tone *t)
{
	t->done = true;
	pw_main_loop_quit(t->loop);
}

static void on_drained(void *data)
{
	finish(data);
}

static void on_state(
	void *data, enum pw_stream_state old, enum pw_stream_state state, const char *error)
{
	struct tone *t = data;

	if (t->done)
		return;
	if (state == PW_STREAM_STATE_ERROR ||
		(state == PW_STREAM_STATE_UNCONNECTED && old != PW_STREAM_STATE_UNCONNECTED)) {
		fprintf(stderr, "pf-tone: %s\n", error ? error : "PipeWire went away");
		t->failed = true;
		finish(t);
	}
}

static const struct pw_stream_events stream_events = {
	PW_VERSION_STREAM_EVENTS,
	.state_changed = on_state,
	.process = on_process,
	.drained = on_drained,
};

static void on_signal(void *data, int sig)
{
	finish(data);
}

static int play_pipewire(struct tone *t)
{
	static const uint32_t positions[CHANNELS_MAX] = { SPA_AUDIO_CHANNEL_FL,
		SPA_AUDIO_CHANNEL_FR, SPA_AUDIO_CHANNEL_FC, SPA_AUDIO_CHANNEL_LFE,
		SPA_AUDIO_CHANNEL_RL, SPA_AUDIO_CHANNEL_RR, SPA_AUDIO_CHANNEL_SL,
		SPA_AUDIO_CHANNEL_SR };
	struct spa_audio_info_raw info = {
		.format = SPA_AUDIO_FORMAT_F32, .rate = RATE, .channels = t->channels
	};
	uint8_t buf[1024];
	struct spa_pod_builder b = SPA_POD_BUILDER_INIT(buf, sizeof(buf));
	const struct spa_pod *param;
	int r = -1;

	pw_init(NULL, NULL);
	t->loop = pw_main_loop_new(NULL);
	if (!t->loop)
		return -1;
	pw_loop_add_signal(pw_main_loop_get_loop(t->loop), SIGINT, on_signal, t);
	pw_loop_add_signal(pw_main_loop_get_loop(t->loop), SIGTERM, on_signal, t);
	t->stream = pw_stream_new_simple(pw_main_loop_get_loop(t->loop), "pf-tone",
		pw_properties_new(PW_KEY_MEDIA_TYPE, "Audio", PW_KEY_MEDIA_CATEGORY, "Playback",
			PW_KEY_MEDIA_ROLE, "Test", NULL),
		&stream_events, t);
	memcpy(info.position, positions, t->channels * sizeof(uint32_t));
	param = spa_format_audio_raw_build(&b, SPA_PARAM_EnumFormat, &info);
	if (t->stream)
		r = pw_stream_connect(t->stream, PW_DIRECTION_OUTPUT, PW_ID_ANY,
			PW_STREAM_FLAG_AUTOCONNECT | PW_STREAM_FLAG_MAP_BUFFERS, &param, 1);
	if (r < 0) {
		fprintf(stderr, "pf-tone: no PipeWire: %s\n", strerror(errno));
		t->failed = true;
	} else {
		pw_main_loop_run(t->loop);
	}
	if (t->stream)
		pw_stream_destroy(t->stream);
	pw_main_loop_destroy(t->loop);
	pw_deinit();
	return t->failed ? -1 : 0;
}

/* PulseAudio: four functions of libpulse-simple, found when asked for, so that
 * the build needs none of its headers. */

struct pulse_spec {
	int format; /* 5 = float, little endian */
	uint32_t rate;
	uint8_t channels;
};

struct pulse_map {
	uint8_t channels;
	int map[32];
};

static int play_pulse(struct tone *t)
{
	/* FL FR FC LFE RL RR SL SR by PulseAudio's numbers. */
	static const int order[CHANNELS_MAX] = { 1, 2, 3, 7, 5, 6, 10, 11 };
	const struct pulse_spec spec = { 5, RATE, (uint8_t)t->channels };
	struct pulse_map map = { .channels = (uint8_t)t->channels };
	float pcm[480 * CHANNELS_MAX];
	void *lib = dlopen("libpulse-simple.so.0", RTLD_NOW), *play;
	void *(*make)(const char *server, const char *name, int dir, const char *dev,
		const char *stream, const struct pulse_spec *spec, const struct pulse_map *map,
		const void *attr, int *error);
	int (*put)(void *s, const void *data, size_t bytes, int *error);
	int (*drain)(void *s, int *error);
	void (*release)(void *s);
	int error = 0, r = 0;
	unsigned n;

	if (!lib) {
		fprintf(stderr, "pf-tone: %s (package libpulse0)\n", dlerror());
		return -1;
	}
	*(void **)&make = dlsym(lib, "pa_simple_new");
	*(void **)&put = dlsym(lib, "pa_simple_write");
	*(void **)&drain = dlsym(lib, "pa_simple_drain");
	*(void **)&release = dlsym(lib, "pa_simple_free");
	if (!make || !put || !drain || !release) {
		fprintf(stderr, "pf-tone: %s\n", dlerror());
		return -1;
	}
	memcpy(map.map, order, t->channels * sizeof(int));
	play = make(NULL, "pf-tone", 1 /* playback */, NULL, "tone", &spec, &map, NULL, &error);
	if (!play) {
		fprintf(stderr, "pf-tone: no PulseAudio server (its error %d)\n", error);
		return -1;
	}
	signal(SIGINT, on_stop);
	signal(SIGTERM, on_stop);
	while (!r && !stopped && (n = fill(t, pcm, 480)))
		r = put(play, pcm, sizeof(float) * t->channels * n, &error);
	if (!r && !stopped)
		r = drain(play, &error);
	if (r)
		fprintf(stderr, "pf-tone: the PulseAudio server went away (its error %d)\n", error);
	release(play);
	return r;
}

/* "440" for both sides, or one for each of up to eight channels. */
static bool parse_hz(struct tone *t, const char *text)
{
	char *end;

	for (t->channels = 0; t->channels < CHANNELS_MAX; text = end + 1) {
		const double v = strtod(text, &end);

		if (end == text || !(v >= 0 && v < RATE / 2.0))
			return false;
		t->hz[t->channels++] = v;
		if (*end != ',')
			break;
	}
	if (*end)
		return false;
	if (t->channels == 1)
		t->hz[t->channels++] = t->hz[0];
	return true;
}

static bool parse_number(const char *text, double max, double *out)
{
	char *end;
	const double v = strtod(text, &end);

	if (end == text || *end || !(v >= 0 && v <= max))
		return false;
	*out = v;
	return true;
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "hz", required_argument, NULL, 'f' },
		{ "gain", required_argument, NULL, 'g' },
		{ "seconds", required_argument, NULL, 's' }, { "pulse", no_argument, NULL, 'p' },
		{ "help", no_argument, NULL, 'h' }, { 0 } };
	struct tone t = { .hz = { 440, 440 }, .gain = 0.5, .channels = 2 };
	bool ok = true;
	int c;

	while (ok && (c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'f':
			ok = parse_hz(&t, optarg);
			break;
		case 'g':
			ok = parse_number(optarg, 1, &t.gain);
			break;
		case 's':
			ok = parse_number(optarg, 1e6, &t.seconds);
			break;
		case 'p':
			t.pulse = true;
			break;
		case 'h':
			puts("usage: pf-tone [--hz F[,F...]] [--gain 0..1] [--seconds N] "
			     "[--pulse]\n"
			     "Plays a sine: one pitch on both sides, or one for each of 2 to 8 "
			     "channels\n(FL FR FC LFE RL RR SL SR), until a signal without "
			     "--seconds.");
			return EXIT_OK;
		default:
			return EXIT_USAGE;
		}
	}
	if (!ok || optind < argc) {
		fprintf(stderr, "pf-tone: %s not understood, see --help\n",
			ok ? argv[optind] : optarg);
		return EXIT_USAGE;
	}
	t.end = (unsigned long)(t.seconds * RATE);
	return (t.pulse ? play_pulse(&t) : play_pipewire(&t)) ? EXIT_FAILED : EXIT_OK;
}
