/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* connect.c - one session with a host.
 *
 * Four threads pull or push beside the main one: frames (stamped by the core,
 * copied to a queue and nothing else, so that a slow decoder or disk moves no
 * figure), the decoder, sound, and events with scripted input. The main thread
 * decides when it is over; then all are joined before the connection closes. */
#include "clients/probe/connect.h"
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "clients/probe/clip.h"
#include "clients/probe/decode.h"
#include "clients/probe/dial.h"
#include "clients/probe/mic.h"
#include "clients/probe/mux.h"
#include "clients/probe/queue.h"
#include "clients/probe/report.h"
#include "clients/probe/script.h"

#define NS_PER_MS 1000000ull
#define NS_PER_S  1000000000ull
#define PULL_MS	  50 /* how long a thread waits before it looks whether to stop */

struct probe {
	const struct pf_probe_options *options;
	PunktfunkIdentity *identity;
	PunktfunkConnection *conn;
	struct pf_queue *queue;
	struct pf_decoder *decoder;
	struct pf_sound *sound;
	struct pf_mux *mux;
	FILE *dump;
	struct pf_script script;
	struct pf_probe_clip clip;
	uint64_t start_ns; /* of the connect call, monotonic like all without unix */

	_Atomic bool stop;
	_Atomic bool ended;	   /* by the host or the network */
	_Atomic uint64_t first_ns; /* the picture that times count from; 0 = none yet */
	_Atomic uint64_t shown_ns; /* first picture that is not uniform; 0 = none */
	_Atomic uint64_t last_ns;  /* newest picture */
	_Atomic uint64_t sound_ns; /* first sound packet */
	_Atomic uint64_t received, received_bytes, overrun, decoded, input_sent, audio;
	_Atomic int64_t offset_ns;
	/* A mode that was asked for, until its first picture. */
	_Atomic uint64_t mode_asked_ns; /* 0 = none */
	_Atomic uint32_t mode_width, mode_height;
	_Atomic uint64_t refused_modes, bitrate_changes, gaps;

	/* Each written by one thread and read after its join. */
	struct pf_track track;	   /* decoder */
	struct pf_host_times host; /* events */
	struct pf_pads_heard pads; /* events */
	struct pf_samples changes; /* decoder: asked for a mode -> its first picture */
	uint64_t changes_not_idr;  /* decoder: that picture did not come as a key frame */
	bool dump_failed;	   /* decoder */
	uint32_t close_code;	   /* events */
	char close_text[128];
	uint64_t decoded_first_ns; /* decoder: first picture of all */

	pthread_mutex_t stages_lock; /* of the next one */
	struct pf_stages stages;     /* decoder and events */
};

static uint64_t now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

static void *frame_thread(void *arg)
{
	struct probe *p = arg;

	while (!atomic_load(&p->stop)) {
		PunktfunkFrame f = { .struct_size = sizeof(f) };
		int r = punktfunk_connection_next_frame(p->conn, &f, PULL_MS);

		if (r == PUNKTFUNK_EAGAIN)
			continue;
		if (r) {
			atomic_store(&p->ended, true);
			break;
		}
		atomic_fetch_add(&p->received, 1);
		atomic_fetch_add(&p->received_bytes, f.size);
		if (!pf_queue_put(p->queue, &f)) {
			/* What follows refers to it. */
			atomic_fetch_add(&p->overrun, 1);
			punktfunk_request_keyframe(p->conn);
		}
	}
	pf_queue_end(p->queue);
	return NULL;
}

static void look_at(struct probe *p, const struct AVFrame *picture, struct pf_track_frame *t)
{
	uint64_t now = now_ns(CLOCK_MONOTONIC);
	uint64_t first = atomic_load(&p->first_ns);
	double png_at = p->options->png_at;
	uint32_t width, height;
	uint64_t asked;
	ptrdiff_t stride;
	const uint8_t *luma = pf_decoder_luma(picture, &stride, &width, &height);

	if (!p->decoded_first_ns)
		p->decoded_first_ns = now;
	atomic_store(&p->last_ns, now);
	if (luma)
		t->has_strip = pf_strip_read(
			luma, stride, width, height, t->completed_ns + t->offset_ns, &t->strip);
	if (!atomic_load(&p->shown_ns) && !pf_decoder_uniform(picture))
		atomic_store(&p->shown_ns, now);
	if (!first && (!p->options->expect_content || atomic_load(&p->shown_ns))) {
		first = now;
		atomic_store(&p->first_ns, now);
	}
	asked = atomic_load(&p->mode_asked_ns);
	if (asked && luma && width == atomic_load(&p->mode_width) &&
		height == atomic_load(&p->mode_height)) {
		atomic_store(&p->mode_asked_ns, 0);
		pf_samples_add(&p->changes, (int64_t)(now - asked));
		p->changes_not_idr += !(t->flags & PUNKTFUNK_FRAME_IDR);
	}
	if (!p->options->png)
		return;
	if (png_at < 0)
		pf_decoder_keep(p->decoder);
	else if (first && (double)(now - first) >= png_at * NS_PER_S &&
		 !pf_decoder_has_kept(p->decoder))
		pf_decoder_keep(p->decoder);
}

/* The core asks for a key frame when none decodes, and holds the times against
 * what it asks for. */
static void report_decoded(struct probe *p, const struct pf_track_frame *t)
{
	const PunktfunkDecoded d = { .struct_size = sizeof(d),
		.frame_index = t->index,
		.flags = t->decoded_ns ? PUNKTFUNK_DECODED_PICTURE : 0,
		.decode_us = (uint32_t)(t->decode_ns / 1000) };

	punktfunk_report_decoded(p->conn, &d);
}

static void join_stages(struct probe *p, const struct pf_track_frame *t)
{
	pthread_mutex_lock(&p->stages_lock);
	pf_stages_frame(
		&p->stages, t->pts_ns, (int64_t)(t->completed_ns + t->offset_ns - t->pts_ns));
	pthread_mutex_unlock(&p->stages_lock);
}

static void *decode_thread(void *arg)
{
	struct probe *p = arg;
	PunktfunkFrame f;

	while (pf_queue_take(p->queue, &f)) {
		uint64_t begin = now_ns(CLOCK_MONOTONIC);
		const struct AVFrame *picture = pf_decoder_decode(p->decoder, f.data, f.size);
		struct pf_track_frame t = { .index = f.frame_index,
			.flags = f.flags,
			.recovered = f.shards_recovered,
			.pts_ns = f.pts_unix_ns,
			.offset_ns = (uint64_t)atomic_load(&p->offset_ns),
			.first_ns = f.first_unix_ns,
			.completed_ns = f.completed_unix_ns };

		if (picture) {
			t.decoded_ns = now_ns(CLOCK_REALTIME);
			t.decode_ns = now_ns(CLOCK_MONOTONIC) - begin;
			look_at(p, picture, &t);
		}
		report_decoded(p, &t);
		join_stages(p, &t);
		pf_track_frame(&p->track, &t);
		atomic_store(&p->decoded, p->track.decoded);
		if (p->dump && fwrite(f.data, 1, f.size, p->dump) != f.size)
			p->dump_failed = true;
		if (p->mux)
			pf_mux_video(p->mux, f.data, f.size, f.pts_unix_ns,
				f.flags & PUNKTFUNK_FRAME_IDR);
	}
	return NULL;
}

static void *sound_thread(void *arg)
{
	struct probe *p = arg;

	while (!atomic_load(&p->stop)) {
		PunktfunkAudio a = { .struct_size = sizeof(a) };
		int r = punktfunk_connection_next_audio(p->conn, &a, PULL_MS);

		if (r == PUNKTFUNK_EAGAIN)
			continue;
		if (r)
			break;
		if (!atomic_load(&p->sound_ns))
			atomic_store(&p->sound_ns, now_ns(CLOCK_MONOTONIC));
		atomic_fetch_add(&p->audio, 1);
		pf_sound_packet(p->sound, a.lost, a.data, a.size);
		if (p->mux)
			pf_mux_audio(p->mux, a.data, a.size, a.pts_unix_ns);
	}
	return NULL;
}

static void take_event(struct probe *p, const PunktfunkEvent *e)
{
	switch (e->type) {
	case PUNKTFUNK_EVENT_HOST_TIMING:
		p->host.frames++;
		pf_samples_add(&p->host.total, (int64_t)e->a * 1000);
		pf_samples_add(&p->host.queue, (int64_t)e->b * 1000);
		pf_samples_add(&p->host.encode, (int64_t)e->c * 1000);
		pf_samples_add(&p->host.pace, (int64_t)e->d * 1000);
		pthread_mutex_lock(&p->stages_lock);
		pf_stages_host(&p->stages, e->value, e->a, e->c);
		pthread_mutex_unlock(&p->stages_lock);
		break;
	case PUNKTFUNK_EVENT_MODE:
		if (!e->value) {
			atomic_store(&p->mode_asked_ns, 0);
			atomic_fetch_add(&p->refused_modes, 1);
		}
		break;
	case PUNKTFUNK_EVENT_BITRATE:
		atomic_fetch_add(&p->bitrate_changes, 1);
		break;
	case PUNKTFUNK_EVENT_GAP:
		atomic_fetch_add(&p->gaps, 1);
		break;
	case PUNKTFUNK_EVENT_CLIP_STATE:
	case PUNKTFUNK_EVENT_CLIP_OFFER:
	case PUNKTFUNK_EVENT_CLIP_REQUEST:
		pf_probe_clip_event(&p->clip, p->conn, e);
		break;
	case PUNKTFUNK_EVENT_RUMBLE:
	case PUNKTFUNK_EVENT_PAD_LIGHT:
	case PUNKTFUNK_EVENT_PAD_PLAYER:
	case PUNKTFUNK_EVENT_PAD_TRIGGER:
	case PUNKTFUNK_EVENT_PAD_REPORT:
		pf_pads_event(&p->pads, e);
		break;
	case PUNKTFUNK_EVENT_CLOSED:
		p->close_code = e->a;
		memcpy(p->close_text, e->text, sizeof(p->close_text));
		p->close_text[sizeof(p->close_text) - 1] = '\0';
		break;
	default:
		break;
	}
}

static void *event_thread(void *arg)
{
	struct probe *p = arg;

	while (!atomic_load(&p->stop)) {
		PunktfunkEvent e = { .struct_size = sizeof(e) };
		int r = punktfunk_connection_next_event(p->conn, &e, PULL_MS);

		if (!r)
			take_event(p, &e);
		else if (r != PUNKTFUNK_EAGAIN)
			break;
	}
	return NULL;
}

static void perform(struct probe *p, const struct pf_script_event *e)
{
	PunktfunkInputEvent input = e->input;

	switch (e->what) {
	case PF_SCRIPT_INPUT:
		if (input.kind == PUNKTFUNK_INPUT_MOUSE_ABSOLUTE)
			input.flags = p->script.width << 16 | p->script.height;
		if (!punktfunk_send_input(p->conn, &input))
			atomic_fetch_add(&p->input_sent, 1);
		break;
	case PF_SCRIPT_MODE:
		p->script.width = e->width;
		p->script.height = e->height;
		atomic_store(&p->mode_width, e->width);
		atomic_store(&p->mode_height, e->height);
		atomic_store(&p->mode_asked_ns, now_ns(CLOCK_MONOTONIC));
		punktfunk_request_mode(p->conn, e->width, e->height, e->refresh_hz);
		break;
	case PF_SCRIPT_BITRATE:
		punktfunk_request_bitrate(p->conn, e->kbps);
		break;
	case PF_SCRIPT_KEYFRAME:
		punktfunk_request_keyframe(p->conn);
		break;
	case PF_SCRIPT_CLIP:
		pf_probe_clip_do(&p->clip, p->conn, e->words, &p->stop);
		break;
	case PF_SCRIPT_PAD:
		if (!pf_pads_do(&e->pad, p->conn, p->script.width, p->script.height))
			atomic_fetch_add(&p->input_sent, 1);
		break;
	}
}

/* Waits for the first picture, then sends each event when it is due. */
static void *input_thread(void *arg)
{
	struct probe *p = arg;
	size_t next = 0;

	while (!atomic_load(&p->stop) && next < p->script.count) {
		uint64_t first = atomic_load(&p->first_ns), now = now_ns(CLOCK_MONOTONIC);
		const struct pf_script_event *e = &p->script.events[next];
		uint64_t wait = 10 * NS_PER_MS;

		if (first && now >= first + e->at_ns) {
			perform(p, e);
			next++;
			continue;
		}
		if (first && first + e->at_ns - now < wait)
			wait = first + e->at_ns - now;
		nanosleep(&(struct timespec){ .tv_nsec = (long)wait }, NULL);
	}
	return NULL;
}

static int read_script(struct probe *p, const char *path)
{
	FILE *f = fopen(path, "re");
	unsigned line = 0;
	char *text = NULL;
	size_t len = 0;
	int r;

	if (!f) {
		fprintf(stderr, "punktfunk-probe: %s: %s\n", path, strerror(errno));
		return -1;
	}
	text = malloc(4u << 20);
	if (text)
		len = fread(text, 1, 4u << 20, f);
	r = text ? pf_script_parse(&p->script, text, len, &line) : -ENOMEM;
	if (r)
		fprintf(stderr, "punktfunk-probe: %s, line %u: %s\n", path, line,
			r == -EINVAL ? "not an event; see punktfunk-probe(1)" : strerror(-r));
	free(text);
	fclose(f);
	return r;
}

static int prepare_input(struct probe *p)
{
	const struct pf_probe_options *o = p->options;
	uint64_t span = o->seconds > 0 ? (uint64_t)(o->seconds * (double)NS_PER_S) : 60 * NS_PER_S;
	int r = 0;

	if (o->input_script && read_script(p, o->input_script))
		return -1;
	if (o->type)
		r = pf_script_type(&p->script, NS_PER_S, 30 * NS_PER_MS, o->type);
	if (!r && o->pointer_path)
		r = pf_script_circle(
			&p->script, NS_PER_S / 2, span, 50 * NS_PER_MS, o->width, o->height);
	if (r) {
		fprintf(stderr, "punktfunk-probe: input: %s\n", strerror(-r));
		return -1;
	}
	pf_script_sort(&p->script);
	return 0;
}

/* What needs no host: files that cannot be written are known before it starts. */
static int prepare(struct probe *p)
{
	const struct pf_probe_options *o = p->options;
	int r;

	if (prepare_input(p))
		return PF_PROBE_LOCAL;
	r = pf_queue_create(&p->queue);
	if (!r && o->dump) {
		p->dump = fopen(o->dump, "wbe");
		if (!p->dump) {
			fprintf(stderr, "punktfunk-probe: %s: %s\n", o->dump, strerror(errno));
			return PF_PROBE_LOCAL;
		}
	}
	if (!r)
		r = pf_sound_open(&p->sound, o->wav);
	if (r) {
		fprintf(stderr, "punktfunk-probe: %s: %s\n", o->wav ? o->wav : "cannot start",
			strerror(-r));
		return PF_PROBE_LOCAL;
	}
	return pf_probe_identity(o, &p->identity);
}

static int do_connect(struct probe *p, PunktfunkConnectionInfo *info)
{
	const struct pf_probe_options *o = p->options;
	int r;

	p->start_ns = now_ns(CLOCK_MONOTONIC);
	r = pf_probe_dial(o, p->identity, &p->conn, info);
	if (r)
		return r;
	atomic_store(&p->offset_ns, info->clock_offset_ns);
	p->script.width = info->width;
	p->script.height = info->height;
	r = pf_sound_start(p->sound, info->audio_channels);
	if (r) {
		fprintf(stderr, "punktfunk-probe: no decoder for sound: %s\n", strerror(-r));
		return PF_PROBE_LOCAL;
	}
	r = pf_decoder_open(&p->decoder, info->codec);
	if (r) {
		fprintf(stderr,
			"punktfunk-probe: this libavcodec cannot decode what the host sends\n");
		return PF_PROBE_LOCAL;
	}
	if (o->mp4) {
		r = pf_mux_open(&p->mux, o->mp4, info->codec, info->width, info->height,
			info->audio_channels);
		if (r) {
			fprintf(stderr, "punktfunk-probe: %s: %s\n", o->mp4, strerror(-r));
			return PF_PROBE_LOCAL;
		}
	}
	return PF_PROBE_OK;
}

static void progress(struct probe *p, uint64_t *last_ns, uint64_t *last_decoded)
{
	uint64_t now = now_ns(CLOCK_MONOTONIC), decoded = atomic_load(&p->decoded);
	PunktfunkStats s = { .struct_size = sizeof(s) };

	if (now - *last_ns < NS_PER_S / 2)
		return;
	punktfunk_connection_stats(p->conn, &s);
	printf("\r%6.1f s  %5.1f fps  %llu frames, %llu repaired, %llu lost  %llu sound packets ",
		(double)(now - p->start_ns) / 1e9,
		(double)(decoded - *last_decoded) * 1e9 / (double)(now - *last_ns),
		(unsigned long long)atomic_load(&p->received),
		(unsigned long long)s.frames_repaired, (unsigned long long)s.frames_dropped,
		(unsigned long long)atomic_load(&p->audio));
	fflush(stdout);
	*last_ns = now;
	*last_decoded = decoded;
}

/* Until the wish is met, the host is gone, or a signal comes. */
static int run(struct probe *p, const sigset_t *signals)
{
	const struct pf_probe_options *o = p->options;
	uint64_t shown_ns = p->start_ns, shown = 0;
	bool tell = isatty(STDOUT_FILENO) && !o->quiet && !o->json;
	int result = PF_PROBE_OK;

	for (unsigned round = 0;; round++) {
		uint64_t first = atomic_load(&p->first_ns), now = now_ns(CLOCK_MONOTONIC);
		struct timespec wait = { .tv_nsec = 20 * NS_PER_MS };

		if (o->frames && atomic_load(&p->received) >= o->frames)
			break;
		if (o->seconds > 0 && first && (double)(now - first) >= o->seconds * NS_PER_S)
			break;
		if (atomic_load(&p->ended)) {
			result = o->frames || o->seconds > 0 ? PF_PROBE_BROKEN : PF_PROBE_OK;
			break;
		}
		if (!first && (double)(now - p->start_ns) >= o->timeout * NS_PER_S) {
			if (atomic_load(&p->last_ns))
				fprintf(stderr,
					"punktfunk-probe: no picture within %.0f s that shows "
					"anything: all of one colour\n",
					o->timeout);
			else
				fprintf(stderr, "punktfunk-probe: no picture within %.0f s\n",
					o->timeout);
			result = PF_PROBE_BROKEN;
			break;
		}
		if (round % 25 == 0) {
			PunktfunkConnectionInfo info = { .struct_size = sizeof(info) };

			if (!punktfunk_connection_info(p->conn, &info))
				atomic_store(&p->offset_ns, info.clock_offset_ns);
		}
		if (tell)
			progress(p, &shown_ns, &shown);
		if (sigtimedwait(signals, NULL, &wait) > 0)
			break;
	}
	if (tell)
		puts("");
	return result;
}

static int session(struct probe *p, struct pf_probe_report *report, const sigset_t *signals)
{
	static void *(*const bodies[])(
		void *) = { frame_thread, decode_thread, sound_thread, event_thread, input_thread };
	pthread_t threads[5];
	struct pf_probe_mic *mic = NULL;
	unsigned count = 0;
	int result = PF_PROBE_OK;

	report->connect_ms = (double)(now_ns(CLOCK_MONOTONIC) - p->start_ns) / 1e6;
	while (count < 5 && !pthread_create(&threads[count], NULL, bodies[count], p))
		count++;
	if (p->options->mic_tone > 0 && count == 5 &&
		pf_probe_mic_start(&mic, p->conn, p->options->mic_tone))
		result = PF_PROBE_LOCAL;
	else if (count == 5)
		result = run(p, signals);
	else
		result = PF_PROBE_LOCAL;
	pf_probe_mic_stop(mic);
	atomic_store(&p->stop, true);
	if (!count)
		pf_queue_end(p->queue);
	while (count)
		pthread_join(threads[--count], NULL);
	/* The reason of an end may have come after its thread looked. */
	for (PunktfunkEvent e = { .struct_size = sizeof(e) };
		!punktfunk_connection_next_event(p->conn, &e, 0); e.struct_size = sizeof(e))
		take_event(p, &e);
	return result;
}

static void fill_report(struct probe *p, struct pf_probe_report *r)
{
	const struct pf_probe_options *o = p->options;
	uint64_t shown = atomic_load(&p->shown_ns), sound = atomic_load(&p->sound_ns);

	r->info.struct_size = sizeof(r->info);
	punktfunk_connection_info(p->conn, &r->info);
	r->stats.struct_size = sizeof(r->stats);
	punktfunk_connection_stats(p->conn, &r->stats);
	r->track = &p->track;
	r->clip = &p->clip;
	for (; r->ignored_count < 32; r->ignored_count++) {
		PunktfunkIgnored *g = &r->ignored[r->ignored_count];

		g->struct_size = sizeof(*g);
		if (punktfunk_connection_ignored(p->conn, r->ignored_count, g))
			break;
	}
	r->changes = &p->changes;
	r->changes_not_idr = p->changes_not_idr;
	r->refused_modes = atomic_load(&p->refused_modes);
	r->bitrate_changes = atomic_load(&p->bitrate_changes);
	r->gaps = atomic_load(&p->gaps);
	r->host = &p->host;
	r->pads = &p->pads;
	r->stages = &p->stages;
	r->received = atomic_load(&p->received);
	r->received_bytes = atomic_load(&p->received_bytes);
	r->overrun = atomic_load(&p->overrun);
	r->seconds = (double)(atomic_load(&p->last_ns) - p->decoded_first_ns) / 1e9;
	r->first_picture_ms =
		p->decoded_first_ns ? (double)(p->decoded_first_ns - p->start_ns) / 1e6 : -1;
	r->first_frame_ms = shown ? (double)(shown - p->start_ns) / 1e6 : -1;
	r->first_sound_ms = sound ? (double)(sound - p->start_ns) / 1e6 : -1;
	r->sound = pf_sound_stats(p->sound);
	r->reject_db = -200;
	for (unsigned i = 0; i < r->info.audio_channels && i < 8; i++) {
		const struct pf_tone *tone = pf_sound_tone(p->sound, i);

		r->tone_hz[i] = pf_tone_dominant(tone);
		if (o->expect_tone[i] > 0)
			r->expect_db[i] = pf_tone_level_db(tone, o->expect_tone[i]);
		if (o->reject_tone > 0)
			r->reject_db = fmax(r->reject_db, pf_tone_level_db(tone, o->reject_tone));
	}
	r->input_sent = atomic_load(&p->input_sent);
	r->close_code = p->close_code;
	memcpy(r->close_text, p->close_text, sizeof(r->close_text));
}

static int complain(const char *path, int err)
{
	fprintf(stderr, "punktfunk-probe: %s: %s\n", path,
		err == -ENODATA	  ? "no key frame came, nothing was written"
		: err == -ENOENT  ? "no picture came, nothing was written"
		: err == -ENOTSUP ? "the picture's format cannot be written"
				  : strerror(-err));
	return PF_PROBE_LOCAL;
}

/* Closes what is open; a file that could not be written is a result. */
static int finish(struct probe *p)
{
	const struct pf_probe_options *o = p->options;
	int result = PF_PROBE_OK, r;

	if (p->conn && o->png) {
		r = p->decoder ? pf_decoder_write_png(p->decoder, o->png) : 0;
		if (r)
			result = complain(o->png, r);
	}
	r = pf_mux_close(p->mux);
	if (r)
		result = complain(o->mp4, r);
	r = pf_sound_close(p->sound);
	if (r)
		result = complain(o->wav, r);
	if (p->dump && (fclose(p->dump) || p->dump_failed))
		result = complain(o->dump, -EIO);
	pf_decoder_close(p->decoder);
	pf_queue_destroy(p->queue);
	pf_script_finish(&p->script);
	pf_probe_clip_finish(&p->clip);
	pf_track_finish(&p->track);
	pf_samples_finish(&p->changes);
	pf_stages_finish(&p->stages);
	pf_samples_finish(&p->host.total);
	pf_samples_finish(&p->host.queue);
	pf_samples_finish(&p->host.encode);
	pf_samples_finish(&p->host.pace);
	if (p->conn)
		punktfunk_connection_close(
			p->conn, o->quit ? PUNKTFUNK_CLOSE_QUIT : PUNKTFUNK_CLOSE_NORMAL);
	punktfunk_identity_free(p->identity);
	return result;
}

static void print(const struct pf_probe_options *o, struct pf_probe_report *r)
{
	if (o->json)
		pf_probe_report_json(r, stdout);
	else if (!o->quiet)
		pf_probe_report_print(r, stdout);
	fflush(stdout);
}

int pf_probe_connect(const struct pf_probe_options *options)
{
	struct probe p = { .options = options,
		.close_code = UINT32_MAX,
		.stages_lock = PTHREAD_MUTEX_INITIALIZER };
	struct pf_probe_report report = { .options = options };
	sigset_t signals;
	int result, files;

	pf_probe_clip_init(&p.clip);
	/* Taken by run(); blocked here, so that no thread of the library dies of them. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);

	result = prepare(&p);
	if (!result)
		result = do_connect(&p, &report.info);
	if (!result) {
		result = session(&p, &report, &signals);
		fill_report(&p, &report);
		print(options, &report);
		if (result == PF_PROBE_BROKEN && report.close_code != UINT32_MAX)
			fprintf(stderr, "punktfunk-probe: the host ended it: 0x%x %s\n",
				report.close_code, report.close_text);
		else if (result == PF_PROBE_BROKEN && atomic_load(&p.ended))
			fprintf(stderr, "punktfunk-probe: the connection broke\n");
		if (!result && pf_probe_report_verify(&report, stderr))
			result = PF_PROBE_UNVERIFIED;
	}
	files = finish(&p);
	return result ? result : files;
}
