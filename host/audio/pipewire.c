/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A private PipeWire daemon per desk, with the PulseAudio server loaded into it,
 * and in the host a client of it that is the desk's only sink: applications
 * play straight into the host's stream, so nothing runs while nothing plays. No
 * session manager: pw_linker.c does what one sink needs. */
#include <errno.h>
#include <pipewire/impl.h>
#include <pipewire/pipewire.h>
#include <poll.h>
#include <pthread.h>
#include <spa/param/audio/format-utils.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "host/audio/backends.h"
#include "host/audio/pw_linker.h"
#include "host/sys/files.h"
#include "host/sys/spawn.h"

#define SINK_NAME	"punktfunk"
#define MIC_NAME	"punktfunk-mic"
#define START_TIMEOUT_S 5
#define STOP_GRACE_MS	500
#define BLOCK_NS	(5 * PF_NS_PER_MS)
#define CHANNELS_MAX	8

/* libpipewire asks getpwuid when it makes and connects a context, and that answers
 * in one static buffer for all threads. */
static pthread_mutex_t passwd_lock = PTHREAD_MUTEX_INITIALIZER;

static const uint32_t positions[CHANNELS_MAX] = { SPA_AUDIO_CHANNEL_FL, SPA_AUDIO_CHANNEL_FR,
	SPA_AUDIO_CHANNEL_FC, SPA_AUDIO_CHANNEL_LFE, SPA_AUDIO_CHANNEL_RL, SPA_AUDIO_CHANNEL_RR,
	SPA_AUDIO_CHANNEL_SL, SPA_AUDIO_CHANNEL_SR };

/* One quantum of 5 ms for everybody: a block per cycle. The values that PipeWire
 * overrides inside virtual machines are not in here. */
static const char daemon_conf[] =
	"context.properties = {\n"
	"  core.daemon = true\n"
	"  core.name = pipewire-0\n"
	"  support.dbus = false\n"
	"  link.max-buffers = 16\n"
	"  default.clock.rate = 48000\n"
	"  default.clock.allowed-rates = [ 48000 ]\n"
	"  default.clock.quantum = 240\n"
	"  default.clock.min-quantum = 240\n"
	"  default.clock.max-quantum = 240\n"
	"  clock.power-of-two-quantum = false\n"
	"  settings.check-quantum = true\n"
	"  settings.check-rate = true\n"
	"}\n"
	"context.spa-libs = {\n"
	"  audio.convert.* = audioconvert/libspa-audioconvert\n"
	"  support.* = support/libspa-support\n"
	"}\n"
	"context.modules = [\n"
	"  { name = libpipewire-module-rt args = { nice.level = -11 } flags = [ ifexists nofail ] "
	"}\n"
	"  { name = libpipewire-module-protocol-native }\n"
	"  { name = libpipewire-module-metadata }\n"
	"  { name = libpipewire-module-spa-node-factory }\n"
	"  { name = libpipewire-module-client-node }\n"
	"  { name = libpipewire-module-access }\n"
	"  { name = libpipewire-module-adapter }\n"
	"  { name = libpipewire-module-link-factory }\n"
	"  { name = libpipewire-module-protocol-pulse\n"
	"    args = { server.address = [ \"unix:native\" ]  pulse.min.quantum = 240/48000 }\n"
	"    flags = [ ifexists nofail ] }\n"
	"]\n"
	"context.objects = [\n"
	"  { factory = metadata args = { metadata.name = default } }\n"
	"  { factory = spa-node-factory args = { factory.name = support.node.driver\n"
	"    node.name = Dummy-Driver  node.group = pipewire.dummy  priority.driver = 20000 } }\n"
	"]\n";

struct pw_audio {
	struct pf_audio base;
	struct pf_audio_params params;
	char conf[PF_PATH_BYTES], socket[PF_PATH_BYTES], log[PF_PATH_BYTES];
	struct pf_child *daemon;
	struct pw_thread_loop *loop;
	struct pw_context *context;
	/* The server holds a connection up while a node takes the settings that it
	 * sent: the linker, which shapes our sink too, needs one of its own. */
	struct pw_core *core[2];
	struct spa_hook core_hook[2], stream_hook;
	struct pw_stream *stream;
	struct pf_pw_linker *linker;
	struct spa_source *death;
	struct pw_stream *mic_stream; /* loop's lock; NULL = no microphone */
	struct spa_hook mic_hook;
	struct pf_audio_mic mic;
	bool initialised;
	bool ready; /* loop's lock */
	bool open;  /* loop's lock: errors go to on_error from here on */
	int err;    /* loop's lock: the first error */
	char err_text[200];
	/* The data thread's own: a block that is not full yet. */
	float part[PF_AUDIO_BLOCK * CHANNELS_MAX];
	unsigned part_samples;
	uint64_t part_ns;
	uint64_t earliest_ns; /* the next cycle cannot have begun before */
};

/* Once: the first error counts. Loop thread. */
static void fail_once(struct pw_audio *a, int err, const char *text)
{
	if (a->err)
		return;
	a->err = err;
	snprintf(a->err_text, sizeof(a->err_text), "%s", text);
	if (a->open)
		a->params.on_error(a->params.user, err, a->err_text);
	pw_thread_loop_signal(a->loop, false);
}

static void on_core_error(void *data, uint32_t id, int seq, int res, const char *message)
{
	/* Other objects come and go with the applications; a refused link is theirs. */
	if (id == PW_ID_CORE && res == -EPIPE)
		fail_once(data, -EPIPE, "the connection to the desk's PipeWire broke");
}

static const struct pw_core_events core_events = {
	PW_VERSION_CORE_EVENTS,
	.error = on_core_error,
};

static void on_daemon_end(void *data, int fd, uint32_t mask)
{
	struct pw_audio *a = data;

	pw_loop_destroy_source(pw_thread_loop_get_loop(a->loop), a->death);
	a->death = NULL;
	fail_once(a, -EPIPE, "the desk's PipeWire ended by itself");
}

static void on_ready(void *user)
{
	struct pw_audio *a = user;

	a->ready = true;
	pw_thread_loop_signal(a->loop, false);
}

/* Data thread from here to on_process: no lock, no allocation. */

static void take(struct pw_audio *a, const float *pcm, unsigned samples, uint64_t now_ns)
{
	const unsigned channels = a->params.channels;

	/* A cycle that runs late reads the clock of the next, which then shows the same
	 * time again: keep the order, stay within half a cycle of the truth. */
	if (now_ns < a->earliest_ns)
		now_ns = a->earliest_ns;
	a->earliest_ns = now_ns + (uint64_t)samples * PF_NS_PER_S / 48000 / 2;
	/* What is left of a block from before a gap belongs to nothing any more. */
	if (a->part_samples) {
		const uint64_t expect =
			a->part_ns + (uint64_t)a->part_samples * PF_NS_PER_S / 48000;
		const uint64_t off = now_ns > expect ? now_ns - expect : expect - now_ns;

		if (off > BLOCK_NS / 2)
			a->part_samples = 0;
	}
	while (samples) {
		const unsigned room = PF_AUDIO_BLOCK - a->part_samples;
		const unsigned n = samples < room ? samples : room;

		if (n == PF_AUDIO_BLOCK) {
			a->params.on_pcm(a->params.user, pcm, channels, now_ns);
		} else {
			if (!a->part_samples)
				a->part_ns = now_ns;
			memcpy(a->part + (size_t)a->part_samples * channels, pcm,
				(size_t)n * channels * sizeof(float));
			a->part_samples += n;
			if (a->part_samples == PF_AUDIO_BLOCK) {
				a->params.on_pcm(a->params.user, a->part, channels, a->part_ns);
				a->part_samples = 0;
			}
		}
		pcm += (size_t)n * channels;
		samples -= n;
		now_ns += (uint64_t)n * PF_NS_PER_S / 48000;
	}
}

static void on_process(void *data)
{
	struct pw_audio *a = data;
	struct pw_buffer *b = pw_stream_dequeue_buffer(a->stream);
	const struct spa_data *d;
	struct pw_time t = { 0 };

	if (!b)
		return;
	d = &b->buffer->datas[0];
	(void)pw_stream_get_time_n(a->stream, &t, sizeof(t));
	if (d->data && d->chunk->offset <= d->maxsize &&
		d->chunk->size <= d->maxsize - d->chunk->offset)
		take(a, SPA_PTROFF(d->data, d->chunk->offset, const float),
			d->chunk->size / (uint32_t)(sizeof(float) * a->params.channels),
			t.now > 0 ? (uint64_t)t.now : pf_clock_mono_ns());
	pw_stream_queue_buffer(a->stream, b);
}

static void on_state(
	void *data, enum pw_stream_state old, enum pw_stream_state state, const char *error)
{
	struct pw_audio *a = data;
	char text[160];

	if (state != PW_STREAM_STATE_ERROR)
		return;
	snprintf(text, sizeof(text), "the desk's sink failed: %s", error ? error : "unknown");
	fail_once(a, -EIO, text);
}

static const struct pw_stream_events stream_events = {
	PW_VERSION_STREAM_EVENTS,
	.state_changed = on_state,
	.process = on_process,
};

/* Data thread. */
static void on_mic_process(void *data)
{
	struct pw_audio *a = data;
	struct pw_buffer *b = pw_stream_dequeue_buffer(a->mic_stream);
	struct spa_data *d;
	uint32_t n;

	if (!b)
		return;
	d = &b->buffer->datas[0];
	n = d->maxsize / (uint32_t)sizeof(float);
	if (n > (b->requested ? b->requested : PF_AUDIO_BLOCK))
		n = b->requested ? (uint32_t)b->requested : PF_AUDIO_BLOCK;
	if (!d->data)
		n = 0;
	else
		a->mic.pull(a->mic.user, d->data, n);
	d->chunk->offset = 0;
	d->chunk->stride = sizeof(float);
	d->chunk->size = n * (uint32_t)sizeof(float);
	pw_stream_queue_buffer(a->mic_stream, b);
}

static const struct pw_stream_events mic_events = {
	PW_VERSION_STREAM_EVENTS,
	.process = on_mic_process,
};

static bool in_path(const char *program)
{
	const char *path = getenv("PATH");
	char file[PF_PATH_BYTES];

	while (path && *path) {
		const char *end = strchrnul(path, ':');

		if (snprintf(file, sizeof(file), "%.*s/%s", (int)(end - path), path, program) <
				(int)sizeof(file) &&
			!access(file, X_OK))
			return true;
		path = *end ? end + 1 : end;
	}
	return false;
}

static int no_program(struct pf_reason *why)
{
	return pf_reason_set(why, -ENOENT,
		"no 'pipewire' program: sound needs the packages pipewire and pipewire-bin "
		"(apt-get install pipewire)");
}

static int pw_probe(const struct pf_audio_params *params, struct pf_reason *why)
{
	return in_path("pipewire") ? 0 : no_program(why);
}

static bool socket_fits(const char *dir)
{
	const struct sockaddr_un *un = NULL;

	return strlen(dir) + sizeof("/pulse/native") <= sizeof(un->sun_path);
}

static int make_paths(struct pw_audio *a, const struct pf_audio_params *p, struct pf_reason *why)
{
	const char *dir = p->runtime_dir;

	if (p->channels != 2 && p->channels != 6 && p->channels != 8)
		return pf_reason_set(
			why, -EINVAL, "%u channels: 2, 6 or 8 are possible", p->channels);
	if (!dir || dir[0] != '/')
		return pf_reason_set(why, -EINVAL, "sound needs an absolute runtime directory");
	if (!socket_fits(dir))
		return pf_reason_set(why, -ENAMETOOLONG,
			"the path %.100s is too long for a socket in it: set a shorter "
			"XDG_RUNTIME_DIR",
			dir);
	snprintf(a->conf, sizeof(a->conf), "%s/pf-pipewire.conf", dir);
	snprintf(a->socket, sizeof(a->socket), "%s/pipewire-0", dir);
	if (p->log_dir)
		snprintf(a->log, sizeof(a->log), "%s/pipewire.log", p->log_dir);
	return 0;
}

static int start_daemon(struct pw_audio *a, struct pf_reason *why)
{
	/* Whatever names another daemon or other settings. */
	static const char *const unset[] = { "PIPEWIRE_REMOTE", "PIPEWIRE_CORE",
		"PIPEWIRE_CONFIG_NAME", "PIPEWIRE_CONFIG_DIR", "PIPEWIRE_CONFIG_PREFIX",
		"PIPEWIRE_LATENCY", "PIPEWIRE_RATE", "PIPEWIRE_QUANTUM", "PULSE_SERVER",
		"PULSE_RUNTIME_PATH", "LISTEN_FDS", "LISTEN_PID", "DBUS_SESSION_BUS_ADDRESS",
		NULL };
	char runtime[PF_PATH_BYTES + 32], pipewire_runtime[PF_PATH_BYTES + 32];
	/* Real-time rights come from limits alone: no bus is needed or waited for. */
	const char *const env[] = { runtime, pipewire_runtime, "DISABLE_RTKIT=1", NULL };
	const char *const argv[] = { "pipewire", "-c", a->conf, NULL };
	const struct pf_child_params p = { .argv = argv,
		.env = env,
		.unset = unset,
		.log_path = a->log[0] ? a->log : NULL,
		.stdin_fd = -1,
		.pass_fd = -1 };
	int r;

	snprintf(runtime, sizeof(runtime), "XDG_RUNTIME_DIR=%s", a->params.runtime_dir);
	snprintf(pipewire_runtime, sizeof(pipewire_runtime), "PIPEWIRE_RUNTIME_DIR=%s",
		a->params.runtime_dir);
	r = pf_file_replace(a->conf, 0600, daemon_conf, sizeof(daemon_conf) - 1, why);
	if (r)
		return r;
	r = pf_child_start(&a->daemon, &p, why);
	return r == -ENOENT ? no_program(why) : r;
}

/* A descriptor connected to the daemon, as soon as it listens. */
static int reach_daemon(struct pw_audio *a, struct pf_reason *why)
{
	const uint64_t end = pf_clock_mono_ns() + START_TIMEOUT_S * PF_NS_PER_S;
	const struct timespec step = { 0, 1000000 };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct pollfd death = { .fd = pf_child_death_fd(a->daemon), .events = POLLIN };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return pf_reason_set(why, -errno, "socket: %s", strerror(errno));
	memcpy(un.sun_path, a->socket, strlen(a->socket) + 1);
	for (;;) {
		if (!connect(fd, (struct sockaddr *)&un, sizeof(un)))
			return fd;
		if (ppoll(&death, 1, &step, NULL) == 1 || pf_clock_mono_ns() > end)
			break;
	}
	close(fd);
	return pf_reason_set(why, -EPIPE, "the desk's PipeWire %s%s%s",
		pf_child_alive(a->daemon) ? "does not answer" : "ended at its start",
		a->log[0] ? ": see " : "; with a log directory its words would be there", a->log);
}

static const struct {
	const char *name, *library;
} spa_libs[] = {
	{ "audio.convert.*", "audioconvert/libspa-audioconvert" },
	{ "support.*", "support/libspa-support" },
};

static const char *const modules[] = {
	"libpipewire-module-protocol-native",
	"libpipewire-module-client-node",
	"libpipewire-module-adapter",
	"libpipewire-module-metadata",
};

/* A client with settings of its own: no configuration file of the user's has a
 * say in it. */
static int make_context(struct pw_audio *a, struct pf_reason *why)
{
	a->loop = pw_thread_loop_new("pf-audio", NULL);
	if (!a->loop)
		return pf_reason_set(why, -errno, "PipeWire: no loop: %s", strerror(errno));
	pthread_mutex_lock(&passwd_lock);
	a->context = pw_context_new(pw_thread_loop_get_loop(a->loop),
		pw_properties_new(PW_KEY_CONFIG_NAME, "null", "support.dbus", "false",
			"default.clock.rate", "48000", NULL),
		0);
	pthread_mutex_unlock(&passwd_lock);
	if (!a->context)
		return pf_reason_set(why, -errno, "PipeWire: no context: %s", strerror(errno));
	for (size_t i = 0; i < SPA_N_ELEMENTS(spa_libs); i++)
		pw_context_add_spa_lib(a->context, spa_libs[i].name, spa_libs[i].library);
	for (size_t i = 0; i < SPA_N_ELEMENTS(modules); i++)
		if (!pw_context_load_module(a->context, modules[i], NULL, NULL))
			return pf_reason_set(why, -errno,
				"PipeWire's %s does not load: %s (package "
				"libpipewire-0.3-modules)",
				modules[i], strerror(errno));
	return 0;
}

static int connect_stream(struct pw_audio *a, struct pf_reason *why)
{
	const unsigned channels = a->params.channels;
	struct spa_audio_info_raw info = {
		.format = SPA_AUDIO_FORMAT_F32, .rate = PF_AUDIO_RATE, .channels = channels
	};
	uint8_t buf[1024];
	struct spa_pod_builder b = SPA_POD_BUILDER_INIT(buf, sizeof(buf));
	const struct spa_pod *param;
	int r;

	memcpy(info.position, positions, channels * sizeof(uint32_t));
	param = spa_format_audio_raw_build(&b, SPA_PARAM_EnumFormat, &info);
	a->stream = pw_stream_new(a->core[0], SINK_NAME,
		pw_properties_new(PW_KEY_MEDIA_CLASS, "Audio/Sink", PW_KEY_NODE_NAME, SINK_NAME,
			PW_KEY_NODE_DESCRIPTION, "punktfunk", PW_KEY_NODE_VIRTUAL, "true",
			PW_KEY_NODE_LATENCY, "240/48000", PW_KEY_PRIORITY_SESSION, "1000", NULL));
	if (!a->stream)
		return pf_reason_set(why, -errno, "PipeWire: no stream: %s", strerror(errno));
	pw_stream_add_listener(a->stream, &a->stream_hook, &stream_events, a);
	r = pw_stream_connect(a->stream, PW_DIRECTION_INPUT, PW_ID_ANY,
		PW_STREAM_FLAG_MAP_BUFFERS | PW_STREAM_FLAG_RT_PROCESS, &param, 1);
	if (r < 0)
		return pf_reason_set(why, r, "PipeWire: no sink: %s", strerror(-r));
	return 0;
}

/* Both under the loop's lock. */

static void remove_mic(struct pw_audio *a)
{
	if (!a->mic_stream)
		return;
	spa_hook_remove(&a->mic_hook);
	pw_stream_destroy(a->mic_stream);
	a->mic_stream = NULL;
}

static int add_mic(struct pw_audio *a, const struct pf_audio_mic *mic, struct pf_reason *why)
{
	struct spa_audio_info_raw info = { .format = SPA_AUDIO_FORMAT_F32,
		.rate = PF_AUDIO_RATE,
		.channels = 1,
		.position = { SPA_AUDIO_CHANNEL_MONO } };
	uint8_t buf[1024];
	struct spa_pod_builder b = SPA_POD_BUILDER_INIT(buf, sizeof(buf));
	const struct spa_pod *param;
	int r;

	param = spa_format_audio_raw_build(&b, SPA_PARAM_EnumFormat, &info);
	a->mic = *mic;
	a->mic_stream = pw_stream_new(a->core[0], MIC_NAME,
		pw_properties_new(PW_KEY_MEDIA_CLASS, "Audio/Source", PW_KEY_NODE_NAME, MIC_NAME,
			PW_KEY_NODE_DESCRIPTION, mic->name, PW_KEY_NODE_VIRTUAL, "true",
			PW_KEY_NODE_LATENCY, "240/48000", PW_KEY_PRIORITY_SESSION, "1000", NULL));
	if (!a->mic_stream)
		return pf_reason_set(why, -errno, "PipeWire: no stream: %s", strerror(errno));
	pw_stream_add_listener(a->mic_stream, &a->mic_hook, &mic_events, a);
	r = pw_stream_connect(a->mic_stream, PW_DIRECTION_OUTPUT, PW_ID_ANY,
		PW_STREAM_FLAG_MAP_BUFFERS | PW_STREAM_FLAG_RT_PROCESS, &param, 1);
	if (r >= 0)
		return 0;
	remove_mic(a);
	return pf_reason_set(why, r, "PipeWire: no microphone: %s", strerror(-r));
}

static int pw_set_mic(struct pf_audio *audio, const struct pf_audio_mic *mic, struct pf_reason *why)
{
	struct pw_audio *a = (struct pw_audio *)audio;
	int r = 0;

	pw_thread_loop_lock(a->loop);
	remove_mic(a);
	if (mic && a->err)
		r = pf_reason_set(why, -EPIPE, "%s", a->err_text);
	else if (mic)
		r = add_mic(a, mic, why);
	pw_thread_loop_unlock(a->loop);
	return r;
}

static int wait_ready(struct pw_audio *a, struct pf_reason *why)
{
	struct timespec end;

	pw_thread_loop_get_time(a->loop, &end, (int64_t)(START_TIMEOUT_S * PF_NS_PER_S));
	while (!a->ready && !a->err)
		if (pw_thread_loop_timed_wait_full(a->loop, &end) < 0)
			break;
	if (a->err)
		return pf_reason_set(why, a->err, "%s", a->err_text);
	if (!a->ready)
		return pf_reason_set(
			why, -ETIMEDOUT, "the desk's sink did not appear in %d s", START_TIMEOUT_S);
	return 0;
}

/* Under the loop's lock. */
static int join_graph(struct pw_audio *a, struct pf_reason *why)
{
	struct pf_pw_linker_params p = { .sink = SINK_NAME,
		.mic = MIC_NAME,
		.channels = a->params.channels,
		.position = positions,
		.ready = on_ready,
		.user = a };
	int r;

	for (int i = 0; i < 2; i++) {
		const int fd = reach_daemon(a, why);

		if (fd < 0)
			return fd;
		pthread_mutex_lock(&passwd_lock);
		a->core[i] = pw_context_connect_fd(a->context, fd, NULL, 0);
		pthread_mutex_unlock(&passwd_lock);
		if (!a->core[i])
			return pf_reason_set(
				why, -errno, "PipeWire: not connected: %s", strerror(errno));
		pw_core_add_listener(a->core[i], &a->core_hook[i], &core_events, a);
	}
	a->death = pw_loop_add_io(pw_thread_loop_get_loop(a->loop), pf_child_death_fd(a->daemon),
		SPA_IO_IN | SPA_IO_HUP, false, on_daemon_end, a);
	if (!a->death)
		return pf_reason_set(why, -errno, "PipeWire: %s", strerror(errno));
	r = connect_stream(a, why);
	if (r)
		return r;
	p.core = a->core[1];
	r = pf_pw_linker_create(&a->linker, &p);
	if (r)
		return pf_reason_set(why, r, "PipeWire: no registry: %s", strerror(-r));
	r = wait_ready(a, why);
	a->open = !r;
	return r;
}

static void pw_close(struct pf_audio *audio)
{
	struct pw_audio *a = (struct pw_audio *)audio;

	if (!a)
		return;
	if (a->loop)
		pw_thread_loop_stop(a->loop);
	pf_pw_linker_destroy(a->linker);
	remove_mic(a);
	if (a->stream) {
		spa_hook_remove(&a->stream_hook);
		pw_stream_destroy(a->stream);
	}
	for (int i = 0; i < 2; i++) {
		if (!a->core[i])
			continue;
		spa_hook_remove(&a->core_hook[i]);
		pw_core_disconnect(a->core[i]);
	}
	if (a->death)
		pw_loop_destroy_source(pw_thread_loop_get_loop(a->loop), a->death);
	if (a->context)
		pw_context_destroy(a->context);
	if (a->loop)
		pw_thread_loop_destroy(a->loop);
	if (a->initialised)
		pw_deinit();
	pf_child_stop(&a->daemon, STOP_GRACE_MS);
	if (a->conf[0])
		unlink(a->conf);
	free(a);
}

static int pw_open(
	struct pf_audio **out, const struct pf_audio_params *params, struct pf_reason *why)
{
	struct pw_audio *a = calloc(1, sizeof(*a));
	int r;

	if (!a)
		return pf_reason_set(why, -ENOMEM, "out of memory");
	a->base.ops = &pf_pipewire_audio_ops;
	a->params = *params;
	r = make_paths(a, params, why);
	if (!r)
		r = start_daemon(a, why);
	if (r)
		goto fail;
	/* While the daemon starts. */
	pw_init(NULL, NULL);
	a->initialised = true;
	/* Its warnings are about rights that we do without. */
	if (!getenv("PIPEWIRE_DEBUG"))
		pw_log_set_level(SPA_LOG_LEVEL_NONE);
	r = make_context(a, why);
	if (r)
		goto fail;
	pw_thread_loop_lock(a->loop);
	r = pw_thread_loop_start(a->loop);
	if (r < 0)
		pf_reason_set(why, r, "PipeWire: no thread: %s", strerror(-r));
	else
		r = join_graph(a, why);
	pw_thread_loop_unlock(a->loop);
	if (r < 0)
		goto fail;
	*out = &a->base;
	return 0;
fail:
	pw_close(&a->base);
	return r;
}

static void pw_app_env(const char *runtime_dir, struct pf_audio_env *out)
{
	memset(out, 0, sizeof(*out));
	/* Where no socket can be, open fails, too. */
	if (!runtime_dir || !socket_fits(runtime_dir))
		return;
	snprintf(out->text[0], sizeof(out->text[0]), "PIPEWIRE_RUNTIME_DIR=%s", runtime_dir);
	snprintf(out->text[1], sizeof(out->text[1]), "PIPEWIRE_REMOTE=pipewire-0");
	snprintf(out->text[2], sizeof(out->text[2]), "PULSE_SERVER=unix:%s/pulse/native",
		runtime_dir);
	for (int i = 0; i < 3; i++)
		out->list[i] = out->text[i];
}

const struct pf_audio_ops pf_pipewire_audio_ops = {
	.name = "pipewire",
	.probe = pw_probe,
	.open = pw_open,
	.close = pw_close,
	.set_mic = pw_set_mic,
	.app_env = pw_app_env,
};
