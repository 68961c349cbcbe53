/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/native/session.h"
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include "core/base/clock.h"
#include "core/base/log.h"
#include "host/audio/sound.h"
#include "host/native/negotiate.h"
#include "host/native/session_clip.h"
#include "host/native/session_launch.h"
#include "host/native/session_mic.h"
#include "host/native/session_pads.h"
#include "host/native/session_sound.h"
#include "host/registry/access.h"

#define CLOSE_LOST	0xffffffffu /* as the listener says it */
#define REFUSALS_LOGGED 30	    /* in a minute */

static double cpu_now_ms(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e3 +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e3;
}

static unsigned codec_place(uint8_t codec)
{
	return codec == PF_CODEC_AV1 ? 2 : codec == PF_CODEC_HEVC ? 1 : 0;
}

static const char *codec_name(uint8_t codec)
{
	static const char *const names[] = { "H.264", "HEVC", "AV1" };

	return names[codec_place(codec)];
}

/* ---- the stream's sink; encode thread ---- */

static int sink_submit(void *user, const uint8_t *data, size_t len, uint32_t user_flags,
	const struct pf_frame_stamps *stamps)
{
	struct pf_native_session *ns = user;
	int r = pf_host_session_submit(ns->s, data, len, user_flags, stamps);

	if (!r && !atomic_load_explicit(&ns->first_sent, memory_order_relaxed)) {
		ns->first_stamps = *stamps;
		ns->first_sent_ns = pf_clock_mono_ns();
		atomic_store(&ns->first_sent, true);
		pf_loop_post_item(ns->n->params.loop, &ns->first_item);
	}
	return r;
}

/* Sender's thread. */
static void on_sent(void *user, const struct pf_frame_stamps *t, uint64_t sent_ns)
{
	struct pf_native_session *ns = user;

	pf_sent_meters_add(&ns->sent, t->capture_ns, t->encode_start_ns, t->encode_end_ns, sent_ns);
}

static bool is_change(const struct pf_native_session *ns)
{
	return ns->change.ns[PF_MARK_BEGIN];
}

static void reached(struct pf_native_session *ns, enum pf_mark mark, uint64_t at_ns)
{
	pf_mark_at(is_change(ns) ? &ns->change : &ns->timeline, mark, at_ns);
}

/* The first picture, or the first in a new mode, is on its way: says what it took. */
static void first_on_loop(struct pf_loop_item *item)
{
	struct pf_native_session *ns =
		(struct pf_native_session *)((char *)item -
					     offsetof(struct pf_native_session, first_item));
	struct pf_stream_stats st;
	char text[384];

	reached(ns, PF_MARK_CAPTURED, ns->first_stamps.capture_ns);
	reached(ns, PF_MARK_ENCODED, ns->first_stamps.encode_end_ns);
	reached(ns, PF_MARK_SENT, ns->first_sent_ns);
	pf_timeline_format(is_change(ns) ? &ns->change : &ns->timeline, text, sizeof(text));
	pf_native_session_tell(ns, PF_SESSION_CHANGED);
	if (is_change(ns)) {
		pf_log(PF_LOG_INFO, "native", "%s: first picture in %ux%u, ms since the wish: %s",
			ns->name, ns->mode.width, ns->mode.height, text);
		return;
	}
	pf_stream_stats(ns->stream, &st);
	pf_log(PF_LOG_INFO, "native", "%s: first picture on %s (%s%s), ms since the Hello: %s",
		ns->name, ns->desk_name, pf_desk_origin_name(ns->desk_origin),
		st.encoder_kept ? ", encoder kept" : "", text);
	if (ns->desk)
		pf_desk_shown(ns->desk);
}

static unsigned sink_queued(void *user)
{
	struct pf_native_session *ns = user;

	return pf_host_session_queued(ns->s);
}

static void sink_set_bitrate(void *user, uint32_t kbps)
{
	struct pf_native_session *ns = user;

	pf_host_session_set_bitrate(ns->s, kbps);
}

static void fail_on_loop(void *user, void *msg)
{
	pf_native_session_end(user, PUNKTFUNK_CLOSE_SETUP_FAILED, msg);
}

static void on_stream_error(void *user, int err, const char *text)
{
	struct pf_native_session *ns = user;
	char copy[256];

	snprintf(copy, sizeof(copy), "%s", text);
	(void)pf_loop_post(ns->n->params.loop, fail_on_loop, ns, copy, sizeof(copy));
}

static void mode_on_loop(void *user, void *msg)
{
	struct pf_native_session *ns = user;

	if (ns->ending || ns->change_mode)
		return;
	memcpy(&ns->mode, msg, sizeof(ns->mode));
	ns->want_mode = ns->mode;
	pf_native_tell_mode(ns, true, &ns->mode);
	pf_native_session_tell(ns, PF_SESSION_CHANGED);
}

static void on_stream_mode(void *user, const struct pf_mode *mode)
{
	struct pf_native_session *ns = user;

	(void)pf_loop_post(ns->n->params.loop, mode_on_loop, ns, mode, sizeof(*mode));
}

/* ---- desk ---- */

static void open_gate(struct pf_native_session *ns)
{
	pthread_mutex_lock(&ns->gate);
	ns->gate_desk = ns->desk;
	ns->gate_grants = ns->grants;
	pthread_mutex_unlock(&ns->gate);
}

static void shut_gate(struct pf_native_session *ns)
{
	pthread_mutex_lock(&ns->gate);
	ns->gate_desk = NULL;
	pthread_mutex_unlock(&ns->gate);
}

static uint32_t remaining_s(const struct pf_native_session *ns)
{
	int64_t left = ns->expires_s - time(NULL);

	/* 0 is for ever. */
	return !ns->expires_s ? 0 : left < 1 ? 1 : left < UINT32_MAX ? (uint32_t)left : UINT32_MAX;
}

static void tell_access(struct pf_native_session *ns)
{
	struct pf_ctl m = { .type = PF_CTL_ACCESS_UPDATE };

	m.access.grants = ns->grants;
	m.access.remaining_s = remaining_s(ns);
	(void)pf_host_session_control(ns->s, &m);
}

static void set_mark_timer(struct pf_native_session *ns);

static void on_mark(void *user)
{
	struct pf_native_session *ns = user;

	if (ns->ending)
		return;
	tell_access(ns);
	set_mark_timer(ns);
}

/* To the next of the marks that are still to come. */
static void set_mark_timer(struct pf_native_session *ns)
{
	static const uint32_t marks_s[] = { 300, 60 };
	uint32_t left = remaining_s(ns);

	pf_timer_stop(&ns->mark_timer);
	for (unsigned i = 0; left && i < 2; i++) {
		if (left <= marks_s[i])
			continue;
		(void)pf_timer_start(&ns->mark_timer, ns->n->params.loop,
			(left - marks_s[i]) * PF_NS_PER_S, on_mark, ns);
		return;
	}
}

static void set_grants(struct pf_native_session *ns, uint32_t grants)
{
	const uint32_t lost = ns->grants & ~grants;

	pthread_mutex_lock(&ns->gate);
	/* The release of what is held down would be denied from now on. */
	if (ns->gate_desk && lost)
		pf_desk_input_release(ns->gate_desk);
	ns->grants = grants;
	ns->gate_grants = grants;
	pthread_mutex_unlock(&ns->gate);
	pf_native_mic_access(ns);
	pf_native_pads_lost(ns, lost);
}

void pf_native_session_set_access(
	struct pf_native_session *ns, const struct pf_native_access *access)
{
	bool same = ns->grants == access->grants && ns->expires_s == access->expires_s;

	if (same)
		return;
	if (ns->grants != access->grants)
		set_grants(ns, access->grants);
	pf_native_clip_update(ns);
	ns->expires_s = access->expires_s;
	tell_access(ns);
	set_mark_timer(ns);
}

static void on_desk_ready(void *user, const struct pf_reason *why)
{
	struct pf_native_session *ns = user;

	if (why) {
		shut_gate(ns);
		ns->desk = NULL;
		pf_native_session_end(
			ns, why->close ? why->close : PUNKTFUNK_CLOSE_SETUP_FAILED, why->text);
		return;
	}
	ns->desk_ready = true;
	ns->landed = !pf_mode_equal(&ns->mode, pf_desk_mode(ns->desk));
	pf_native_sound_listen(ns);
	reached(ns, PF_MARK_DISPLAY, pf_desk_display_ns(ns->desk));
	reached(ns, PF_MARK_DESK, pf_clock_mono_ns());
	pf_native_clip_update(ns);
	pf_native_session_kick(ns);
}

static void on_desk_taken(void *user)
{
	shut_gate(user);
	pf_native_session_end(user, PUNKTFUNK_CLOSE_SUPERSEDED, "this client connected again");
}

static void on_desk_died(void *user, const struct pf_reason *why)
{
	shut_gate(user);
	pf_native_session_end(user, PUNKTFUNK_CLOSE_SETUP_FAILED, why->text);
}

static const struct pf_desk_events desk_events = {
	.ready = on_desk_ready,
	.taken = on_desk_taken,
	.died = on_desk_died,
	.app_ended = pf_native_launch_ended,
	.pad_feedback = pf_native_pads_news,
};

/* ---- jobs ---- */

static struct pf_native_session *of_job(struct pf_job *job)
{
	return (struct pf_native_session *)((char *)job - offsetof(struct pf_native_session, job));
}

static void start_work(struct pf_job *job)
{
	struct pf_native_session *ns = of_job(job);

	ns->result = pf_stream_start(ns->stream, &ns->job_mode, &ns->why);
}

static void attach_work(struct pf_job *job)
{
	struct pf_native_session *ns = of_job(job);

	ns->result = pf_stream_attach(ns->stream, &ns->source, &ns->why);
}

static void stop_work(struct pf_job *job)
{
	pf_stream_stop(of_job(job)->stream);
}

/* The stream does not come up in this mode: back to the one that worked, or the
 * end. */
static void revert(struct pf_native_session *ns)
{
	if (ns->ending)
		return;
	if (!ns->good_mode.width || ns->reverts || pf_mode_equal(&ns->mode, &ns->good_mode)) {
		pf_native_session_end(ns, PUNKTFUNK_CLOSE_SETUP_FAILED, ns->why.text);
		return;
	}
	pf_log(PF_LOG_WARN, "native", "%s: stays at %ux%u: %s", ns->name, ns->good_mode.width,
		ns->good_mode.height, ns->why.text);
	ns->want_mode = ns->good_mode;
	ns->change_mode = ns->reverts = true;
}

static void park_work(struct pf_job *job)
{
	struct pf_native_session *ns = of_job(job);

	ns->parked = pf_stream_park(ns->stream);
}

static void start_done(struct pf_job *job)
{
	struct pf_native_session *ns = of_job(job);

	ns->busy = false;
	ns->stream_up = !ns->result;
	if (ns->result)
		revert(ns);
	else
		reached(ns, PF_MARK_ENCODER, pf_clock_mono_ns());
	pf_native_session_kick(ns);
}

/* What the client saw of the last 750 ms was the rebuild, not the link. */
static void tell_gap(struct pf_native_session *ns)
{
	struct pf_ctl m = { .type = PF_CTL_PIPELINE_GAP };

	if (!ns->paused_ns)
		return;
	m.gap_ms = (uint32_t)((pf_clock_mono_ns() - ns->paused_ns) / PF_NS_PER_MS);
	ns->paused_ns = 0;
	(void)pf_host_session_control(ns->s, &m);
}

static void attach_done(struct pf_job *job)
{
	struct pf_native_session *ns = of_job(job);

	ns->busy = false;
	ns->attached = !ns->result;
	if (ns->result) {
		revert(ns);
	} else {
		ns->good_mode = ns->mode;
		if (ns->reverts)
			pf_native_tell_mode(ns, true, &ns->mode);
		ns->reverts = false;
		tell_gap(ns);
		reached(ns, PF_MARK_CAPTURE, pf_clock_mono_ns());
	}
	pf_native_session_kick(ns);
}

static void stop_done(struct pf_job *job)
{
	struct pf_native_session *ns = of_job(job);

	if (ns->attached && !ns->paused_ns)
		ns->paused_ns = pf_clock_mono_ns();
	ns->busy = ns->stream_up = ns->attached = false;
	if (is_change(ns)) {
		reached(ns, PF_MARK_STOPPED, pf_clock_mono_ns());
		/* No encode thread is there, and what it posted has run. */
		atomic_store(&ns->first_sent, false);
	}
	pf_native_session_kick(ns);
}

static void submit(
	struct pf_native_session *ns, void (*work)(struct pf_job *), void (*done)(struct pf_job *))
{
	ns->busy = true;
	ns->result = 0;
	memset(&ns->why, 0, sizeof(ns->why));
	ns->job.work = work;
	ns->job.done = done;
	pf_workers_submit(ns->n->params.workers, &ns->job);
}

/* ---- state ---- */

static void log_end(const struct pf_native_session *ns, const struct pf_session_report *r)
{
	bool failed = !ns->told_to_end && ns->close_code != PUNKTFUNK_CLOSE_NORMAL &&
		      ns->close_code != PUNKTFUNK_CLOSE_APP_EXITED;

	pf_log(failed ? PF_LOG_WARN : PF_LOG_INFO, "native",
		"%s: %s%s%.100s after %.1f s: %llu frames sent, %llu skipped, %llu dropped",
		ns->name,
		failed					 ? "ended"
		: ns->close_code == CLOSE_LOST		 ? "connection lost"
		: ns->close_code == PUNKTFUNK_CLOSE_QUIT ? "the client quit"
							 : "closed",
		*ns->close_text ? ": " : "", ns->close_text,
		(double)(r->ended_ns - r->timeline.ns[PF_MARK_BEGIN]) / 1e9,
		(unsigned long long)r->stream.submitted, (unsigned long long)r->stream.skipped,
		(unsigned long long)r->stream.dropped);
}

/* Worker: the sender may take 100 ms to stop. */
static void finish_work(struct pf_job *job)
{
	struct pf_native_session *ns = of_job(job);

	pf_stream_destroy(ns->stream);
	pf_parked_drop(ns->parked);
	pf_native_clip_close(ns);
	pf_host_session_unref(ns->s);
}

static void finish_done(struct pf_job *job)
{
	struct pf_native_session *ns = of_job(job), **p;
	struct pf_native *n = ns->n;

	for (p = &n->sessions; *p != ns; p = &(*p)->next)
		;
	*p = ns->next;
	pf_native_clip_free(ns);
	pf_app_unref(ns->app);
	pf_native_pads_close(ns);
	pthread_mutex_destroy(&ns->gate);
	free(ns);
	if (n->shut && !n->sessions)
		n->shutdown_done(n->shutdown_user);
}

static void finish(struct pf_native_session *ns)
{
	struct pf_session_report r;

	if (ns->accepted) {
		pf_native_session_report(ns, &r);
		log_end(ns, &r);
		if (ns->n->params.ended)
			ns->n->params.ended(ns->n->params.user, &r);
	}
	ns->finished = true;
	submit(ns, finish_work, finish_done);
}

static void step_ending(struct pf_native_session *ns)
{
	if (ns->stream_up) {
		submit(ns, park_work, stop_done);
		return;
	}
	pf_native_mic_close(ns);
	pf_native_pads_leave_desk(ns);
	if (ns->desk) {
		struct pf_desk *d = ns->desk;

		shut_gate(ns);
		ns->desk = NULL;
		if (!ns->drop_desk && ns->parked && pf_desk_park(d, ns, ns->parked, pf_parked_drop))
			ns->parked = NULL;
		pf_desk_release(d, ns, ns->drop_desk);
	}
	/* The desk runs on_pcm no more. */
	pf_sound_close(&ns->sound);
	if (ns->wire_closed)
		finish(ns);
}

/* The next move towards a running stream, or towards the end. */
static void step(struct pf_native_session *ns)
{
	if (ns->busy || ns->knocking)
		return;
	if (ns->ending) {
		step_ending(ns);
		return;
	}
	if (ns->change_mode) {
		/* The desk changes already; its answer leads on. */
		if (!ns->desk_ready)
			return;
		if (ns->stream_up) {
			submit(ns, stop_work, stop_done);
			return;
		}
		ns->change_mode = ns->desk_ready = false;
		ns->mode = ns->want_mode;
		pf_desk_set_mode(ns->desk, &ns->mode);
	}
	if (ns->desk_ready && ns->landed) {
		/* Encode what there is, and say so. */
		if (ns->stream_up) {
			submit(ns, stop_work, stop_done);
			return;
		}
		ns->landed = false;
		ns->mode = ns->want_mode = *pf_desk_mode(ns->desk);
		pf_native_tell_mode(ns, true, &ns->mode);
	}
	if (!ns->stream_up) {
		ns->job_mode = ns->mode;
		submit(ns, start_work, start_done);
		return;
	}
	if (ns->desk_ready && !ns->attached) {
		ns->source = *pf_desk_source(ns->desk);
		submit(ns, attach_work, attach_done);
	}
}

static void run_kick(struct pf_loop_item *item)
{
	struct pf_native_session *ns =
		(struct pf_native_session *)((char *)item -
					     offsetof(struct pf_native_session, kick_item));

	ns->kicked = false;
	step(ns);
}

void pf_native_session_kick(struct pf_native_session *ns)
{
	if (ns->kicked || ns->finished)
		return;
	ns->kicked = true;
	ns->kick_item.run = run_kick;
	pf_loop_post_item(ns->n->params.loop, &ns->kick_item);
}

void pf_native_session_end(struct pf_native_session *ns, uint32_t code, const char *text)
{
	if (ns->ending)
		return;
	ns->ending = true;
	if (ns->knocking)
		pf_native_knock_left(ns);
	pf_timer_stop(&ns->mark_timer);
	pf_timer_stop(&ns->relief_timer);
	ns->ended_ns = pf_clock_mono_ns();
	if (ns->started)
		ns->cpu_ms = cpu_now_ms() - ns->cpu_start_ms;
	ns->close_code = code;
	snprintf(ns->close_text, sizeof(ns->close_text), "%.127s", text ? text : "");
	ns->told_to_end = ns->wire_closed;
	if (!ns->wire_closed)
		pf_host_session_close(ns->s, code, text);
	pf_native_session_tell(ns, PF_SESSION_ENDED);
	pf_native_session_kick(ns);
}

void pf_native_session_closed(struct pf_native_session *ns, uint32_t code, const char *text)
{
	if (ns->wire_closed)
		return;
	ns->wire_closed = true;
	ns->drop_desk = code == PUNKTFUNK_CLOSE_QUIT;
	pf_native_session_end(ns, code, text);
	pf_native_session_kick(ns);
}

/* ---- begin ---- */

/* Anyone can knock: that must not fill the disk. */
void pf_native_log_knock(struct pf_native_session *ns, const char *format, ...)
{
	struct pf_native *n = ns->n;
	uint64_t now_ns = pf_clock_mono_ns();
	char words[320];
	va_list ap;

	va_start(ap, format);
	vsnprintf(words, sizeof(words), format, ap);
	va_end(ap);

	if (now_ns - n->refusals_since_ns > 60 * PF_NS_PER_S) {
		n->refusals_since_ns = now_ns;
		n->refusals = 0;
	}
	if (++n->refusals <= REFUSALS_LOGGED)
		pf_log(PF_LOG_INFO, "native", "%s: \"%s\" %s%s", ns->name, ns->hello.name, words,
			n->refusals == REFUSALS_LOGGED ? " (the next ones are not logged)" : "");
}

static void refuse(struct pf_native_session *ns, const struct pf_reason *why)
{
	pf_native_log_knock(ns, "is refused with 0x%02x: %s", why->close, why->text);
	ns->ending = true;
	ns->ended_ns = pf_clock_mono_ns();
	pf_host_session_close(ns->s, why->close, why->text);
	pf_native_session_kick(ns);
}

static bool is_same_client(const struct pf_native_session *a, const struct pf_native_session *b)
{
	return a->peer.has_certificate && b->peer.has_certificate &&
	       !memcmp(a->peer.fingerprint, b->peer.fingerprint, 32);
}

static int check_room(struct pf_native_session *ns, struct pf_reason *why)
{
	uint32_t max = ns->n->params.config->max_sessions;
	const struct pf_native_params *p = &ns->n->params;
	unsigned others = p->elsewhere ? p->elsewhere(p->elsewhere_user) : 0;

	/* One's own older session gives way, so it takes no room. */
	for (const struct pf_native_session *o = ns->n->sessions; o; o = o->next)
		others += o != ns && o->accepted && !o->ending && !is_same_client(o, ns);
	if (others < max)
		return 0;
	pf_reason_set(why, -EBUSY,
		"this host serves %u clients at a time (max_sessions), and all "
		"places are taken; try again later",
		max);
	why->close = PUNKTFUNK_CLOSE_BUSY;
	return -EBUSY;
}

static int make_stream(struct pf_native_session *ns, struct pf_reason *why)
{
	const struct pf_config *c = ns->n->params.config;
	const struct pf_stream_params p = {
		.codec = ns->welcome.codec,
		.colour = PF_COLOUR_BT709,
		.bitrate_kbps = ns->welcome.bitrate_kbps,
		.encoder = ns->n->params.encoders.by_codec[codec_place(ns->welcome.codec)]->name,
		.preset = *c->encoder_preset ? c->encoder_preset : NULL,
		.threads = c->encoder_threads == PF_CONFIG_AUTO ? 0 : c->encoder_threads,
		.cursor = c->cursor,
		.repeats = c->repeat_frames,
		.repeat_delay_ms = c->repeat_delay_ms,
		.capture = ns->n->params.capture,
		.sink = { sink_submit, sink_queued, sink_set_bitrate },
		.on_error = on_stream_error,
		.on_mode = on_stream_mode,
		.user = ns,
	};
	int r = pf_stream_create(&ns->stream, &p);

	if (r)
		pf_reason_set(why, r, "cannot make a stream: %s", strerror(-r));
	return r;
}

static int get_desk(struct pf_native_session *ns, struct pf_reason *why)
{
	struct pf_desk_request rq = {
		.known = ns->peer.has_certificate,
		.mode = ns->mode,
		.client_name = ns->hello.name,
		.audio_channels = ns->welcome.audio_channels,
		.app = ns->app,
	};
	int r;

	memcpy(rq.key, ns->peer.fingerprint, 32);
	r = pf_desk_acquire(&ns->desk, ns->n->params.desks, &rq, &desk_events, ns, why);
	if (r)
		return r;
	if (pf_desk_audio_channels(ns->desk))
		pf_native_sound_open(ns);
	snprintf(ns->desk_name, sizeof(ns->desk_name), "%s", pf_desk_name(ns->desk));
	ns->desk_origin = pf_desk_origin(ns->desk);
	return pf_native_pads_open(ns) ? pf_reason_set(why, -ENOMEM, "out of memory") : 0;
}

/* Everything up to the Welcome; what fails later closes the connection. */
static int admit(struct pf_native_session *ns, struct pf_reason *why)
{
	const struct pf_native_params *p = &ns->n->params;
	struct pf_accept accept = { .fec_percent = PUNKTFUNK_FEC_ADAPTIVE };
	uint8_t codecs = 0, hardware = 0;
	struct pf_native_access access;
	int r;

	for (unsigned i = 0; i < 3; i++) {
		const struct pf_encoder_ops *ops = p->encoders.by_codec[i];

		if (ops)
			codecs |= 1u << i;
		if (ops && ops->hardware)
			hardware |= 1u << i;
	}
	if (ns->n->shutdown_done) {
		why->close = PUNKTFUNK_CLOSE_NORMAL;
		return pf_reason_set(why, -ESHUTDOWN, "the host is shutting down");
	}
	r = pf_native_admit(ns->n, &ns->peer, &access, why);
	if (!r)
		r = check_room(ns, why);
	if (!r)
		r = pf_native_launch_choose(ns, access.grants, why);
	if (!r)
		r = pf_negotiate(
			&ns->welcome, &ns->mode, &ns->hello, p->config, codecs, hardware, why);
	if (r)
		return r;
	ns->want_mode = ns->mode;
	ns->grants = ns->welcome.grants = access.grants;
	ns->expires_s = access.expires_s;
	ns->welcome.expires_in_s = remaining_s(ns);
	r = pf_native_clip_create(ns);
	if (r)
		return pf_reason_set(why, r, "out of memory");
	if (pf_native_clip_possible(ns))
		ns->welcome.host_caps |= PF_HOST_CAP_CLIPBOARD;
	/* Encoder and desk begin to open while the client reads its Welcome. */
	r = make_stream(ns, why);
	if (!r)
		r = get_desk(ns, why);
	if (r)
		return r;
	pf_stream_reuse(ns->stream, pf_desk_unpark(ns->desk));
	open_gate(ns);
	accept.welcome = ns->welcome;
	if (p->config->fec_percent != PF_CONFIG_AUTO)
		accept.fec_percent = (uint8_t)p->config->fec_percent;
	accept.probe_max_kbps = p->config->speed_test_max_kbps;
	accept.delivery = (uint8_t)p->config->delivery;
	if (p->config->dscp != PF_CONFIG_AUTO)
		accept.dscp = (uint8_t)p->config->dscp;
	accept.sent = on_sent;
	accept.sent_user = ns;
	r = pf_host_session_accept(ns->s, &accept);
	if (r)
		return pf_reason_set(why, r, "cannot accept the session: %s", strerror(-r));
	return 0;
}

void pf_native_session_begin(struct pf_native_session *ns)
{
	ns->first_item.run = first_on_loop;
	ns->next = ns->n->sessions;
	ns->n->sessions = ns;
	pf_native_session_resume(ns);
}

void pf_native_session_resume(struct pf_native_session *ns)
{
	struct pf_reason why = { 0 };
	char hex[65] = "no certificate";
	int r;

	ns->knocking = false;
	r = admit(ns, &why);
	if (r == -ENOKEY) {
		pf_native_knock(ns);
		return;
	}
	if (r) {
		if (!why.close && why.code != -ESHUTDOWN)
			why.close = PUNKTFUNK_CLOSE_SETUP_FAILED;
		refuse(ns, &why);
		return;
	}
	ns->accepted = true;
	pf_mark(&ns->timeline, PF_MARK_ANSWERED);
	set_mark_timer(ns);
	if (ns->peer.has_certificate)
		pf_access_format(ns->peer.fingerprint, hex);
	pf_log(PF_LOG_INFO, "native", "%s: \"%s\" (%.16s) gets %ux%u@%u %s %u kbit/s on %s",
		ns->name, ns->hello.name, hex, ns->mode.width, ns->mode.height,
		ns->welcome.refresh_hz, codec_name(ns->welcome.codec), ns->welcome.bitrate_kbps,
		pf_desk_name(ns->desk));
	pf_native_session_tell(ns, PF_SESSION_STARTED);
	step(ns);
}

void pf_native_session_started(struct pf_native_session *ns)
{
	if (ns->ending || ns->started)
		return;
	ns->started = true;
	pf_mark(&ns->timeline, PF_MARK_PING);
	ns->cpu_start_ms = cpu_now_ms();
	atomic_store(&ns->playing, true);
	pf_stream_play(ns->stream);
}

/* ---- figures ---- */

void pf_native_session_report(struct pf_native_session *ns, struct pf_session_report *out)
{
	struct pf_mic_stats mic = ns->mic_stats;

	if (ns->mic)
		pf_mic_get_stats(ns->mic, &mic);
	*out = (struct pf_session_report){
		.id = ns->id,
		.live = !ns->ending,
		.width = ns->mode.width,
		.height = ns->mode.height,
		.refresh_mhz = ns->mode.refresh_mhz,
		.desk_origin = ns->desk_origin,
		.timeline = ns->timeline,
		.change = ns->change,
		.ended_ns = ns->ended_ns ? ns->ended_ns : pf_clock_mono_ns(),
		.cpu_ms = ns->ending	? ns->cpu_ms
			  : ns->started ? cpu_now_ms() - ns->cpu_start_ms
					: 0,
		.input_events = atomic_load(&ns->input_events),
		.input_denied = atomic_load(&ns->input_denied),
		.input_dropped = pf_native_pads_dropped(ns),
		.audio_packets = atomic_load(&ns->audio_packets),
		.audio_errors = atomic_load(&ns->audio_errors),
		.mic_packets = mic.packets,
		.mic_recovered = mic.recovered,
		.mic_concealed = mic.concealed,
		.mic_late = mic.late,
		.mic_dropped = mic.invalid + mic.refused,
		.mic_denied = atomic_load(&ns->mic_denied),
		.close_code = ns->close_code,
		.limit_kbps = ns->limit_kbps,
	};
	if (ns->peer.has_certificate)
		pf_access_format(ns->peer.fingerprint, out->client);
	snprintf(out->name, sizeof(out->name), "%s", ns->hello.name);
	snprintf(out->codec, sizeof(out->codec), "%s", codec_name(ns->welcome.codec));
	snprintf(out->desk, sizeof(out->desk), "%s", ns->desk_name);
	snprintf(out->close_text, sizeof(out->close_text), "%s", ns->close_text);
	if (ns->stream)
		pf_stream_stats(ns->stream, &out->stream);
	snprintf(out->encoder, sizeof(out->encoder), "%s", out->stream.encoder);
	if (ns->stream && !ns->ending) {
		out->meters = pf_stream_meters(ns->stream);
		out->sent = &ns->sent;
	}
	out->rtt_ns = pf_host_session_rtt_ns(ns->s);
	out->wire.struct_size = sizeof(out->wire);
	(void)pf_host_session_stats(ns->s, &out->wire);
	pf_host_session_sender_stats(ns->s, &out->sender);
	while (out->ignored_count < 16 && pf_host_session_ignored(ns->s, out->ignored_count,
						  &out->ignored[out->ignored_count]))
		out->ignored_count++;
}
