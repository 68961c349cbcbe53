/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/gamestream/session.h"
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/crypto/secret.h"
#include "core/net/udp.h"
#include "core/wire/pf1_handshake.h"
#include "host/registry/clients.h"

#define TICK_NS	    (500 * PF_NS_PER_MS)
#define PATIENCE_NS (10 * PF_NS_PER_S) /* gamestream.md 8 */
#define FAREWELL_NS (5 * PF_NS_PER_S)
/* Moonlight asks once per loss and then waits: an IDR that was lost itself must
 * not keep it waiting. */
#define IDR_COOLDOWN_MS 15
#define FRAME_BYTES_MAX (5u << 20) /* four blocks without parity (gamestream.md 10) */
/* What parity is taken to cost while it follows the measured loss. */
#define FEC_GUESS_PERCENT 20
#define DSCP_VIDEO	  40
#define DSCP_AUDIO	  48
#define CLOSE_TEXT(s)	  (*(s)->close_text ? ": " : ""), (s)->close_text

/* ---- the stream's sink; encode thread, after play ---- */

static int sink_submit(void *user, const uint8_t *data, size_t len, uint32_t user_flags,
	const struct pf_frame_stamps *stamps)
{
	struct pf_gs_session *s = user;
	const struct pf_sender_frame f = {
		.data = data,
		.len = len,
		.user_flags = user_flags,
		.capture_ns = stamps->capture_ns,
		/* Only differences count here. */
		.pts_unix_ns = stamps->capture_ns,
		.user = { stamps->capture_ns, stamps->encode_start_ns, stamps->encode_end_ns },
	};
	int r = pf_sender_submit(s->sender, &f);

	if (!r && !atomic_load_explicit(&s->first_sent, memory_order_relaxed)) {
		s->first_stamps = *stamps;
		s->first_sent_ns = pf_clock_mono_ns();
		atomic_store(&s->first_sent, true);
		pf_loop_post_item(s->g->params.loop, &s->first_item);
	}
	return r;
}

/* Sender's thread. */
static void on_sent(void *user, const struct pf_sent_frame *f)
{
	struct pf_gs_session *s = user;

	pf_sent_meters_add(&s->sent, f->user[0], f->user[1], f->user[2], f->sent_ns);
}

static const struct pf_sender_events sender_events = { .sent = on_sent };

static unsigned sink_queued(void *user)
{
	struct pf_gs_session *s = user;

	return pf_sender_queued(s->sender);
}

static void sink_set_bitrate(void *user, uint32_t kbps)
{
	struct pf_gs_session *s = user;

	pf_sender_set_bitrate(s->sender, kbps);
}

/* The first picture is on its way: says once what it took. */
static void first_on_loop(struct pf_loop_item *item)
{
	struct pf_gs_session *s =
		(struct pf_gs_session *)((char *)item - offsetof(struct pf_gs_session, first_item));
	struct pf_stream_stats st;
	char text[384];

	pf_mark_at(&s->timeline, PF_MARK_CAPTURED, s->first_stamps.capture_ns);
	pf_mark_at(&s->timeline, PF_MARK_ENCODED, s->first_stamps.encode_end_ns);
	pf_mark_at(&s->timeline, PF_MARK_SENT, s->first_sent_ns);
	pf_timeline_format(&s->timeline, text, sizeof(text));
	pf_gs_session_tell(s, PF_SESSION_CHANGED);
	pf_stream_stats(s->stream, &st);
	pf_log(PF_LOG_INFO, "gamestream", "%s: first picture on %s (%s%s), ms since the launch: %s",
		s->name, s->desk_name, pf_desk_origin_name(s->desk_origin),
		st.encoder_kept ? ", encoder kept" : "", text);
	if (s->desk)
		pf_desk_shown(s->desk);
}

static void fail_on_loop(void *user, void *msg)
{
	pf_gs_session_end(user, PF_GS_TERM_CONVERSION, msg);
}

static void on_stream_error(void *user, int err, const char *text)
{
	struct pf_gs_session *s = user;
	char copy[256];

	snprintf(copy, sizeof(copy), "%s", text);
	(void)pf_loop_post(s->g->params.loop, fail_on_loop, s, copy, sizeof(copy));
}

/* The display has a size of its own: the client's place in it. */
static void set_fit(struct pf_gs_session *s, uint32_t width, uint32_t height)
{
	s->fit = pf_fit_of(width, height, s->want_mode.width, s->want_mode.height);
	if (width != s->want_mode.width || height != s->want_mode.height)
		pf_log(PF_LOG_INFO, "gamestream",
			"%s: the display gives %ux%u, shown in the client's %ux%u as %dx%d",
			s->name, width, height, s->want_mode.width, s->want_mode.height,
			s->fit.inner.w, s->fit.inner.h);
}

static void mode_on_loop(void *user, void *msg)
{
	struct pf_gs_session *s = user;
	const struct pf_mode *m = msg;

	if (!s->ending)
		set_fit(s, m->width, m->height);
}

static void on_stream_mode(void *user, const struct pf_mode *mode)
{
	struct pf_gs_session *s = user;

	(void)pf_loop_post(s->g->params.loop, mode_on_loop, s, mode, sizeof(*mode));
}

static struct pf_colour colour_of(const struct pf_gs_announce *a)
{
	/* BT.601 as NTSC has it, what clients know it by. BT.2020 belongs to HDR; what
	 * is captured here has the primaries of BT.709, and the stream says so. */
	struct pf_colour c = a->colour == PF_GS_COLOUR_BT601 ? PF_COLOUR_BT601 : PF_COLOUR_BT709;

	c.full_range = a->full_range;
	return c;
}

enum pf_encoder_shape pf_gs_shape_of(const struct pf_gs_announce *a)
{
	if (a->ten_bit)
		return a->yuv444 ? PF_SHAPE_444_10 : PF_SHAPE_420_10;
	return a->yuv444 ? PF_SHAPE_444 : PF_SHAPE_420;
}

static int make_stream(struct pf_gs_session *s, struct pf_reason *why)
{
	const struct pf_config *c = s->g->params.config;
	static const enum pf_codec codecs[] = { PF_CODEC_H264, PF_CODEC_HEVC, PF_CODEC_AV1 };
	const struct pf_stream_params p = {
		.codec = codecs[s->announce.codec],
		.shape = pf_gs_shape_of(&s->announce),
		.colour = colour_of(&s->announce),
		.bitrate_kbps = s->encoder_kbps,
		.encoder = s->g->params.encoders.by_codec[s->announce.codec]->name,
		.preset = *c->encoder_preset ? c->encoder_preset : NULL,
		.threads = c->encoder_threads == PF_CONFIG_AUTO ? 0 : c->encoder_threads,
		.slices = s->announce.slices,
		.references = s->announce.reference_frames,
		.fixed_size = true,
		.cursor = c->cursor,
		.repeats = c->repeat_frames,
		.repeat_delay_ms = c->repeat_delay_ms,
		.idr_cooldown_ms = IDR_COOLDOWN_MS,
		.capture = s->g->params.capture,
		.sink = { sink_submit, sink_queued, sink_set_bitrate },
		.on_error = on_stream_error,
		.on_mode = on_stream_mode,
		.user = s,
	};
	int r = pf_stream_create(&s->stream, &p);

	if (r)
		pf_reason_set(why, r, "cannot make a stream: %s", strerror(-r));
	else
		pf_stream_reuse(s->stream, pf_desk_unpark(s->desk));
	return r;
}

/* ---- desk ---- */

static void on_desk_ready(void *user, const struct pf_reason *why)
{
	struct pf_gs_session *s = user;

	if (why) {
		s->desk = NULL;
		pf_gs_session_end(s, PF_GS_TERM_CONVERSION, why->text);
		return;
	}
	s->desk_ready = true;
	pf_mark_at(&s->timeline, PF_MARK_DISPLAY, pf_desk_display_ns(s->desk));
	pf_mark(&s->timeline, PF_MARK_DESK);
	pf_gs_session_kick(s);
}

static void on_desk_taken(void *user)
{
	pf_gs_session_end(user, PF_GS_TERM_NORMAL, "this client connected again");
}

static void on_desk_died(void *user, const struct pf_reason *why)
{
	pf_gs_session_end(user, PF_GS_TERM_CONVERSION, why->text);
}

static void on_app_ended(void *user, const struct pf_reason *why)
{
	struct pf_gs_session *s = user;
	char text[128];

	snprintf(text, sizeof(text), "%.40s: %.80s", s->app->title, why ? why->text : "ended");
	s->drop_desk = true;
	pf_gs_session_end(s, PF_GS_TERM_NORMAL, text);
}

static const struct pf_desk_events desk_events = {
	.ready = on_desk_ready,
	.taken = on_desk_taken,
	.died = on_desk_died,
	.app_ended = on_app_ended,
	.pad_feedback = pf_gs_session_pads_feedback,
};

static void post_input(void *user, const struct pf_input_event *ev)
{
	struct pf_gs_session *s = user;

	if (s->desk)
		(void)pf_desk_input(s->desk, ev);
}

void pf_gs_session_set_grants(struct pf_gs_session *s, uint32_t grants)
{
	/* What it holds down it may not be allowed to let go. */
	if (s->input.grants & ~grants && s->desk && !s->ending) {
		pf_desk_input_release(s->desk);
		s->input.down = 0;
		pf_gs_session_pads_revoke(s, s->input.grants & ~grants);
	}
	s->input.grants = grants;
}

static int get_desk(struct pf_gs_session *s, struct pf_reason *why)
{
	const uint32_t most = s->g->params.config->audio_channels;
	struct pf_desk_request rq = {
		.known = true,
		.mode = s->want_mode,
		.audio_channels = s->launch.channels ? s->launch.channels : 2,
		.app = s->app,
		.client_name = s->client_name,
	};
	int r;

	if (rq.audio_channels > most)
		rq.audio_channels = most;
	memcpy(rq.key, s->launch.fingerprint, 32);
	r = pf_desk_acquire(&s->desk, s->g->params.desks, &rq, &desk_events, s, why);
	if (r)
		return r;
	s->mode = s->want_mode;
	snprintf(s->desk_name, sizeof(s->desk_name), "%s", pf_desk_name(s->desk));
	pf_gs_session_pads_desk(s);
	s->desk_origin = pf_desk_origin(s->desk);
	return 0;
}

/* ---- jobs ---- */

static struct pf_gs_session *of_job(struct pf_job *job)
{
	return (struct pf_gs_session *)((char *)job - offsetof(struct pf_gs_session, job));
}

static void submit(
	struct pf_gs_session *s, void (*work)(struct pf_job *), void (*done)(struct pf_job *))
{
	s->busy = true;
	s->result = 0;
	memset(&s->why, 0, sizeof(s->why));
	s->job.work = work;
	s->job.done = done;
	pf_workers_submit(s->g->params.workers, &s->job);
}

static void start_work(struct pf_job *job)
{
	struct pf_gs_session *s = of_job(job);

	s->result = pf_stream_start(s->stream, &s->job_mode, &s->why);
}

static void attach_work(struct pf_job *job)
{
	struct pf_gs_session *s = of_job(job);

	s->result = pf_stream_attach(s->stream, &s->source, &s->why);
}

static void stop_work(struct pf_job *job)
{
	struct pf_gs_session *s = of_job(job);

	s->parked = pf_stream_park(s->stream);
}

static void start_done(struct pf_job *job)
{
	struct pf_gs_session *s = of_job(job);

	s->busy = false;
	s->stream_up = !s->result;
	pf_mark(&s->timeline, PF_MARK_ENCODER);
	if (s->result)
		pf_gs_session_end(s, PF_GS_TERM_CONVERSION, s->why.text);
	pf_gs_session_kick(s);
}

static void attach_done(struct pf_job *job)
{
	struct pf_gs_session *s = of_job(job);

	s->busy = false;
	s->attached = !s->result;
	pf_mark(&s->timeline, PF_MARK_CAPTURE);
	if (s->result)
		pf_gs_session_end(s, PF_GS_TERM_CONVERSION, s->why.text);
	pf_gs_session_kick(s);
}

static void stop_done(struct pf_job *job)
{
	struct pf_gs_session *s = of_job(job);

	s->busy = s->stream_up = s->attached = false;
	pf_gs_session_kick(s);
}

/* ---- the end ---- */

static void finish_work(struct pf_job *job)
{
	struct pf_gs_session *s = of_job(job);

	pf_stream_destroy(s->stream);
	pf_parked_drop(s->parked);
	pf_sender_destroy(s->sender);
}

static void finish_done(struct pf_job *job)
{
	struct pf_gs_session *s = of_job(job), **p;
	struct pf_gamestream *g = s->g;

	for (p = &g->sessions; *p != s; p = &(*p)->next)
		;
	*p = s->next;
	pf_gs_rtsp_seal_finish(&s->rtsp_seal);
	pf_gs_ctl_seal_finish(&s->seal);
	pf_app_unref(s->app);
	pf_secret_wipe(s, sizeof(*s));
	free(s);
	if (g->shut && !g->sessions)
		g->shutdown_done(g->shutdown_user);
}

static void finish(struct pf_gs_session *s)
{
	const uint64_t asked = s->timeline.ns[PF_MARK_PING_SOUND];
	const uint64_t heard = s->timeline.ns[PF_MARK_SENT_SOUND];
	char sound[64] = "";
	struct pf_sender_stats st = { 0 };

	if (s->sender)
		pf_sender_stats(s->sender, &st);
	if (heard && asked)
		snprintf(sound, sizeof(sound), ", first sound %.1f ms after it was asked for",
			(double)(heard - asked) / 1e6);
	pf_log(PF_LOG_INFO, "gamestream", "%s: over%s%.100s after %.1f s: %llu frames sent%s",
		s->name, CLOSE_TEXT(s), (double)(s->ended_ns - s->timeline.ns[PF_MARK_BEGIN]) / 1e9,
		(unsigned long long)st.sent, sound);
	s->finished = true;
	submit(s, finish_work, finish_done);
}

static void send_termination(struct pf_gs_session *s, uint32_t code)
{
	const struct pf_gs_ctl term = { .kind = PF_GS_CTL_TERMINATION, .termination.code = code };

	if (code)
		(void)pf_gs_session_send(s, &term);
	pf_gs_link_close(s->link);
	s->link = NULL;
}

static void step_ending(struct pf_gs_session *s)
{
	struct pf_gs_audio_stats sound;

	if (s->stream_up) {
		submit(s, stop_work, stop_done);
		return;
	}
	if (s->desk) {
		struct pf_desk *d = s->desk;

		s->desk = NULL;
		if (!s->drop_desk && s->parked && pf_desk_park(d, s, s->parked, pf_parked_drop))
			s->parked = NULL;
		pf_desk_release(d, s, s->drop_desk);
	}
	if (s->sound) {
		pf_gs_audio_get_stats(s->sound, &sound);
		pf_mark_at(&s->timeline, PF_MARK_SENT_SOUND, sound.first_ns);
	}
	/* The desk hands out no sound any more. */
	pf_gs_audio_close(&s->sound);
	if (s->last_words && s->link) {
		send_termination(s, s->last_words);
		s->last_words = 0;
	}
	if (s->last_words)
		return;
	pf_timer_stop(&s->farewell);
	finish(s);
}

static void farewell_over(void *user)
{
	struct pf_gs_session *s = user;

	s->last_words = 0;
	s->link = NULL;
	pf_gs_control_release(s->g->control, s, NULL);
	pf_gs_session_kick(s);
}

/* The client was told that all is well and is about to connect: it hears there that
 * it is not. */
static bool has_last_words(struct pf_gs_session *s, uint32_t code)
{
	if (!code || s->connected || !s->timeline.ns[PF_MARK_ANSWERED] || s->g->shutdown_done ||
		pf_timer_start(&s->farewell, s->g->params.loop, FAREWELL_NS, farewell_over, s))
		return false;
	s->last_words = code;
	return true;
}

int pf_gs_session_send(struct pf_gs_session *s, const struct pf_gs_ctl *m)
{
	uint8_t msg[PF_GS_CTL_MSG_MAX], packet[PF_GS_CTL_SEAL_BYTES + sizeof(msg)];
	int n = s->link ? pf_gs_ctl_build(m, msg, sizeof(msg)) : -ENOTCONN;

	if (n > 0)
		n = pf_gs_ctl_seal(&s->seal, msg, (size_t)n, packet, sizeof(packet));
	return n > 0 ? pf_gs_link_send(s->link, packet, (size_t)n) : n;
}

void pf_gs_session_end(struct pf_gs_session *s, uint32_t code, const char *text)
{
	if (s->ending) {
		if (s->g->shutdown_done && s->last_words)
			farewell_over(s);
		return;
	}
	s->ending = true;
	s->ended_ns = pf_clock_mono_ns();
	snprintf(s->close_text, sizeof(s->close_text), "%.127s", text ? text : "");
	pf_timer_stop(&s->tick);
	pf_gs_ear_close(&s->video_ear);
	pf_gs_ear_close(&s->audio_ear);
	pf_gs_rtsp_finish_announce(s, 503);
	pf_gs_session_pads_end(s);
	if (s->link)
		send_termination(s, code);
	if (!has_last_words(s, code))
		pf_gs_control_release(s->g->control, s, NULL);
	pf_gs_session_tell(s, PF_SESSION_ENDED);
	pf_gs_session_kick(s);
}

/* ---- state ---- */

/* Everything that a picture needs is there. */
static void try_play(struct pf_gs_session *s)
{
	if (s->playing || !s->sender || !s->stream_up)
		return;
	s->playing = true;
	pf_stream_play(s->stream);
}

/* The next move towards a running stream, or towards the end. */
static void step(struct pf_gs_session *s)
{
	if (s->busy)
		return;
	if (s->ending) {
		step_ending(s);
		return;
	}
	if (!s->announced)
		return;
	if (!s->stream_up) {
		s->job_mode = s->want_mode;
		submit(s, start_work, start_done);
		return;
	}
	/* What was asked for can be done; should the desk fail yet, the client hears so on
	 * its control connection. It goes on meanwhile. */
	pf_gs_rtsp_finish_announce(s, 200);
	pf_mark(&s->timeline, PF_MARK_ANSWERED);
	try_play(s);
	if (!s->desk_ready)
		return;
	if (s->change_mode) {
		s->change_mode = s->desk_ready = false;
		s->mode = s->want_mode;
		pf_desk_set_mode(s->desk, &s->mode);
		return;
	}
	if (!s->attached) {
		s->source = *pf_desk_source(s->desk);
		submit(s, attach_work, attach_done);
	}
}

static void run_kick(struct pf_loop_item *item)
{
	struct pf_gs_session *s =
		(struct pf_gs_session *)((char *)item - offsetof(struct pf_gs_session, kick_item));

	s->kicked = false;
	if (!s->finished)
		step(s);
}

void pf_gs_session_kick(struct pf_gs_session *s)
{
	if (s->kicked || s->finished)
		return;
	s->kicked = true;
	s->kick_item.run = run_kick;
	pf_loop_post_item(s->g->params.loop, &s->kick_item);
}

static void on_tick(void *user)
{
	struct pf_gs_session *s = user;
	uint64_t now = pf_clock_mono_ns();

	pf_timer_stop(&s->tick);
	pf_gs_pads_flush(&s->pads);
	if (!s->connected && now - s->timeline.ns[PF_MARK_BEGIN] > PATIENCE_NS)
		pf_gs_session_end(s, 0, "the client did not connect");
	else if (s->connected && now - s->control_ns > PATIENCE_NS)
		pf_gs_session_end(s, 0, "the client was silent for 10 seconds");
	else if (s->connected && !s->sender && now - s->timeline.ns[PF_MARK_CONTROL] > PATIENCE_NS)
		pf_gs_session_end(s, PF_GS_TERM_NORMAL,
			"no ping came to the video port: is UDP blocked between here and the "
			"client?");
	else if (pf_timer_start(&s->tick, s->g->params.loop, TICK_NS, on_tick, s))
		pf_gs_session_end(s, PF_GS_TERM_NORMAL, "out of memory");
}

/* ---- RTSP ---- */

static bool high_audio(const struct pf_gs_session *s)
{
	/* For stereo only the URL tells (gamestream.md 3.6). */
	return s->announce.channels == 2 ? !s->host_any : s->announce.high_quality;
}

uint32_t pf_gs_session_wish_kbps(const struct pf_gs_session *s)
{
	const struct pf_config *c = s->g->params.config;
	unsigned fec = c->fec_percent == PF_CONFIG_AUTO ? FEC_GUESS_PERCENT : c->fec_percent;
	uint32_t kbps = pf_gs_announce_encoder_kbps(&s->announce, fec, high_audio(s));

	return kbps > c->bitrate_max_kbps ? c->bitrate_max_kbps : kbps;
}

/* What packets are marked with: what the settings say, else what the client asked for. */
static unsigned class_of(const struct pf_gs_session *s, bool asked, unsigned dscp)
{
	const struct pf_config *c = s->g->params.config;

	return c->dscp != PF_CONFIG_AUTO ? c->dscp : asked ? dscp : 0;
}

/* Sound goes to where the newest ping came from. */
static void bind_sound(struct pf_gs_session *s)
{
	struct sockaddr_storage peer = { 0 };
	int fd;

	if (s->sound_bound) {
		memcpy(&peer, &s->audio_path.peer, sizeof(s->audio_path.peer));
		/* No room: the next ping from there tries again. */
		if (pf_gs_audio_set_peer(s->sound, &peer))
			memset(&s->audio_path, 0, sizeof(s->audio_path));
	} else if (!pf_gs_port_connect(s->g->audio, &s->audio_path, &fd)) {
		(void)pf_gs_ear_open(&s->audio_ear, s->g->audio, fd);
		pf_udp_set_dscp(fd, class_of(s, s->announce.audio_qos, DSCP_AUDIO));
		s->sound_bound = !pf_gs_audio_set_socket(s->sound, fd);
	}
}

static void make_sound(struct pf_gs_session *s)
{
	const struct pf_gs_announce *a = &s->announce;
	struct pf_gs_audio_options o = {
		.name = s->name,
		.channels = a->channels,
		.high_quality = high_audio(s),
		.wire = {
			.packet_ms = a->packet_duration_ms,
			.encrypt = a->audio_encrypted,
			.key_id = (uint32_t)s->launch.rikeyid,
		},
		.play_at_host = s->launch.local_audio,
	};
	struct pf_reason why = { 0 };

	memcpy(o.wire.key, s->launch.rikey, sizeof(o.wire.key));
	if (pf_gs_audio_open(&s->sound, &o, &why))
		pf_log(PF_LOG_WARN, "gamestream", "%s: no sound, the picture goes on: %s", s->name,
			why.text);
	else
		pf_desk_set_pcm(s->desk, pf_gs_audio_pcm, s->sound);
	/* Pings begin before ANNOUNCE says what to send. */
	if (s->sound && s->audio_counter)
		bind_sound(s);
	pf_secret_wipe(&o, sizeof(o));
}

void pf_gs_session_announced(struct pf_gs_session *s, struct pf_gs_rtsp_conn *conn, uint32_t cseq)
{
	const struct pf_gs_announce *a = &s->announce;
	struct pf_reason why = { 0 };
	int r = 0;

	s->waiting = conn;
	s->waiting_cseq = cseq;
	pf_mark(&s->timeline, PF_MARK_ANNOUNCE);
	s->want_mode = (struct pf_mode){ a->width, a->height, a->fps_mhz };
	s->encoder_kbps = pf_gs_session_wish_kbps(s);
	if (!s->desk)
		r = get_desk(s, &why);
	else
		s->change_mode = !pf_mode_equal(&s->mode, &s->want_mode);
	if (!r)
		r = make_stream(s, &why);
	if (r) {
		pf_gs_session_end(s, 0, why.text);
		return;
	}
	make_sound(s);
	pf_log(PF_LOG_INFO, "gamestream",
		"%s: %ux%u@%u.%03u %s %s %u kbit/s, packets of %u, %u channels%s%s", s->name,
		a->width, a->height, a->fps_mhz / 1000, a->fps_mhz % 1000,
		pf_gs_codec_name(a->codec), pf_encoder_shape_name(pf_gs_shape_of(a)),
		s->encoder_kbps, a->packet_size, a->channels,
		a->encryption & PF_GS_ENC_VIDEO ? ", video encrypted" : "",
		a->audio_encrypted ? ", sound encrypted" : "");
	if (a->ten_bit)
		pf_log(PF_LOG_INFO, "gamestream",
			"%s: HDR was asked for; displays here have none, so these are 10 bits of "
			"SDR",
			s->name);
	step(s);
}

/* ---- control ---- */

/* One connection per launch (gamestream.md 11, row 12). */
static void bind_link(struct pf_gs_session *s, struct pf_gs_link *link)
{
	s->link = link;
	s->connected = true;
	pf_mark(&s->timeline, PF_MARK_CONTROL);
	pf_gs_control_release(s->g->control, s, link);
	/* Who asks for 10 bits waits to hear whether they are HDR. */
	if (s->announce.ten_bit)
		(void)pf_gs_session_send(s, &(struct pf_gs_ctl){ .kind = PF_GS_CTL_HDR });
}

static void take_fec_status(struct pf_gs_session *s, const struct pf_gs_ctl *m)
{
	const int lost = pf_gs_ctl_fec_lost(m);

	if (s->sender && lost >= 0)
		pf_sender_fec_status(s->sender, (uint32_t)lost, m->fec_status.data_total,
			m->fec_status.data_received + m->fec_status.parity_received <
				m->fec_status.data_total);
}

bool pf_gs_session_message(
	struct pf_gs_session *s, struct pf_gs_link *link, const uint8_t *data, size_t len)
{
	uint8_t text[PF_GS_CTL_MSG_MAX];
	struct pf_gs_input in;
	struct pf_gs_ctl m;
	int n, r;

	if ((s->ending && !s->last_words) || (s->connected && link != s->link))
		return false;
	n = pf_gs_ctl_open(&s->seal, data, len, text);
	if (n < 0) {
		/* Forged or replayed: one such datagram must not end a session. */
		s->control_dropped++;
		return s->connected;
	}
	if (!s->connected)
		bind_link(s, link);
	if (s->ending) {
		pf_gs_session_kick(s);
		return true;
	}
	s->control_ns = pf_clock_mono_ns();
	r = pf_gs_ctl_parse(&m, PF_GS_FROM_CLIENT, text, (size_t)n);
	if (r) {
		/* A newer client may say what this host does not know. */
		s->control_dropped += r != -ENOTSUP;
		return true;
	}
	switch (m.kind) {
	case PF_GS_CTL_IDR_REQUEST:
		/* Also the first message of all, and the first frame is an IDR anyway. */
		if (atomic_load(&s->first_sent)) {
			pf_sender_frame_lost(s->sender);
			pf_stream_keyframe(s->stream);
		}
		break;
	case PF_GS_CTL_INVALIDATE:
		if (s->sender)
			pf_sender_frame_lost(s->sender);
		/* The stream counts frames from 0, this wire from 1. */
		if (m.invalidate.first)
			pf_stream_lost(s->stream, m.invalidate.first - 1, m.invalidate.last - 1);
		break;
	case PF_GS_CTL_FEC_STATUS:
		take_fec_status(s, &m);
		break;
	case PF_GS_CTL_INPUT:
		if (!pf_gs_input_parse(&in, m.input.data, m.input.len)) {
			pf_gs_input_place(&s->fit, &in);
			pf_gs_input_map(&s->input, &in);
		}
		break;
	default: /* ping, start: that it came is all they say */
		break;
	}
	return true;
}

bool pf_gs_session_moved(
	struct pf_gs_session *s, const struct pf_gs_link *link, const uint8_t *data, size_t len)
{
	if (s->ending || link != s->link || !pf_gs_ctl_is_newest(&s->seal, data, len))
		return false;
	pf_log(PF_LOG_INFO, "gamestream", "%s: the control connection has a new address", s->name);
	return true;
}

void pf_gs_session_gone(struct pf_gs_session *s, struct pf_gs_link *link)
{
	bool lost = pf_clock_mono_ns() - s->control_ns > PATIENCE_NS / 2;

	if (link != s->link)
		return;
	s->link = NULL;
	pf_gs_session_end(s, 0, lost ? "the connection was lost" : "the client left");
}

/* ---- media ---- */

static int open_sender(struct pf_gs_session *s, int fd, struct pf_reason *why)
{
	const struct pf_gs_announce *a = &s->announce;
	const struct pf_config *c = s->g->params.config;
	struct pf_sender_params p = {
		.fd = fd,
		.format = PF_SENDER_GS,
		.events = &sender_events,
		.user = s,
		.max_frame_bytes = FRAME_BYTES_MAX,
		.bitrate_kbps = s->encoder_kbps,
		.delivery = (enum pf_delivery)c->delivery,
		.gs = {
			.packet_size = a->packet_size,
			.fec_percent = c->fec_percent == PF_CONFIG_AUTO ? PF_FEC_ADAPTIVE
									: (uint8_t)c->fec_percent,
			.min_parity = a->min_fec_packets,
			.encrypt = a->encryption & PF_GS_ENC_VIDEO,
		},
	};
	int r;

	memcpy(p.gs.key, s->launch.rikey, sizeof(p.gs.key));
	r = pf_sender_create(&s->sender, &p, why);
	pf_secret_wipe(&p, sizeof(p));
	return r;
}

static bool same_peer(const struct pf_gs_path *a, const struct pf_gs_path *b)
{
	return a->peer.sin_port == b->peer.sin_port &&
	       a->peer.sin_addr.s_addr == b->peer.sin_addr.s_addr;
}

void pf_gs_session_video_ping(
	struct pf_gs_session *s, uint32_t counter, const struct pf_gs_path *path)
{
	struct pf_reason why = { 0 };
	struct sockaddr_storage peer = { 0 };
	int fd, r;

	/* A ping that was seen before must not move the stream (gamestream.md 11, 9). */
	if (s->ending || !s->announced || (s->video_counter && counter <= s->video_counter))
		return;
	s->video_counter = counter;
	if (s->sender) {
		if (same_peer(&s->video_path, path))
			return;
		memcpy(&peer, &path->peer, sizeof(path->peer));
		if (pf_sender_set_peer(s->sender, &peer))
			return; /* the next ping from there tries again */
		s->video_path = *path;
		pf_log(PF_LOG_INFO, "gamestream", "%s: the client has a new address", s->name);
		return;
	}
	pf_mark(&s->timeline, PF_MARK_PING);
	s->video_path = *path;
	r = pf_gs_port_connect(s->g->video, path, &fd);
	if (!r) {
		pf_udp_set_dscp(fd, class_of(s, s->announce.video_qos, DSCP_VIDEO));
		(void)pf_gs_ear_open(&s->video_ear, s->g->video, fd);
		r = open_sender(s, fd, &why);
		if (r)
			close(fd);
	} else {
		pf_reason_set(&why, r, "cannot open a video socket: %s", strerror(-r));
	}
	if (r)
		pf_gs_session_end(s, PF_GS_TERM_CONVERSION, why.text);
	else
		try_play(s);
}

void pf_gs_session_audio_ping(
	struct pf_gs_session *s, uint32_t counter, const struct pf_gs_path *path)
{
	if (s->ending || (s->audio_counter && counter <= s->audio_counter))
		return;
	s->audio_counter = counter;
	pf_mark(&s->timeline, PF_MARK_PING_SOUND);
	if (s->sound_bound && same_peer(&s->audio_path, path))
		return;
	s->audio_path = *path;
	if (s->sound)
		bind_sound(s);
}

/* ---- launch ---- */

static int random_ids(struct pf_gs_session *s)
{
	uint8_t r[20];

	if (pf_random_bytes(r, sizeof(r)))
		return -EIO;
	for (unsigned i = 0; i < 8; i++) {
		snprintf(s->ping_id + 2 * i, 3, "%02x", r[i]);
		snprintf(s->rtsp_session + 2 * i, 3, "%02x", r[8 + i]);
	}
	memcpy(&s->connect_data, r + 16, 4);
	/* 0 is what a client without session ids sends. */
	s->connect_data |= 1;
	return 0;
}

static unsigned others(const struct pf_gamestream *g, const uint8_t fingerprint[32])
{
	unsigned n = g->params.elsewhere ? g->params.elsewhere(g->params.user) : 0;

	for (const struct pf_gs_session *s = g->sessions; s; s = s->next)
		n += !s->ending && memcmp(s->launch.fingerprint, fingerprint, 32);
	return n;
}

/* Which app this launch means: 0 and a reference, or the status to answer. */
static uint32_t choose_app(struct pf_gamestream *g, const struct pf_gs_launch *l,
	struct pf_app **out, const char **text)
{
	struct pf_app *now = pf_gs_running_find(g, l->fingerprint);

	if (l->resume) {
		*text = "There is nothing to resume";
		*out = now ? pf_app_ref(now) : NULL;
		return now ? 0 : 503;
	}
	if (now && now->id != l->app_id) {
		*text = "Another app is running; quit it first";
		return 400;
	}
	*text = "There is no such app";
	*out = pf_apps_find(g->params.apps, l->app_id);
	return *out ? 0 : 404;
}

static int begin(struct pf_gs_session *s, struct pf_reason *why)
{
	const struct pf_client *client =
		pf_clients_find(s->g->params.clients, PF_PLANE_GAMESTREAM, s->launch.fingerprint);
	int r = random_ids(s);

	snprintf(s->client_name, sizeof(s->client_name), "%s", client ? client->name : "");
	s->input = (struct pf_gs_input_map){
		.grants = s->launch.grants,
		.post = post_input,
		.device = pf_gs_session_pads_input,
		.user = s,
	};
	pf_gs_session_pads_begin(s);
	if (!r)
		r = pf_gs_ctl_seal_init(
			&s->seal, s->launch.rikey, PF_GS_FROM_HOST, PF_GS_SCHEME_V2);
	if (!r && s->launch.corever)
		r = pf_gs_rtsp_seal_init(&s->rtsp_seal, s->launch.rikey, PF_GS_FROM_HOST);
	if (!r)
		r = pf_timer_start(&s->tick, s->g->params.loop, TICK_NS, on_tick, s);
	if (r)
		return pf_reason_set(why, r, "cannot set up a session: %s", strerror(-r));
	if (s->launch.width) {
		/* The display begins to open while the client talks RTSP. */
		s->want_mode = (struct pf_mode){ s->launch.width, s->launch.height,
			s->launch.refresh_mhz };
		r = get_desk(s, why);
	}
	return r;
}

void pf_gs_session_launch(
	struct pf_gamestream *g, const struct pf_gs_launch *l, struct pf_gs_request *r)
{
	struct pf_reason why = { 0 };
	struct pf_app *app = NULL;
	struct pf_gs_session *s;
	const char *text = NULL;
	uint32_t status = g->shutdown_done ? 503 : choose_app(g, l, &app, &text);

	/* The setting may have changed since the plane was opened. */
	if (!status && !l->corever &&
		g->params.config->gamestream_encryption == PF_CONFIG_ENCRYPTION_MANDATORY) {
		status = 403;
		text = "Encryption is mandatory on this host; this client is too old for it";
	}

	if (!status && others(g, l->fingerprint) >= g->params.config->max_sessions) {
		status = 503;
		text = "All places are taken on this host; try again later";
	}
	s = status ? NULL : calloc(1, sizeof(*s));
	if (!s) {
		pf_app_unref(app);
		pf_gs_answer_refuse(r, status ? status : 503, text ? text : "The host is ending");
		return;
	}
	/* One session for each client: without this, launches that ask for no display
	 * yet would pile up until their patience ends. */
	for (struct pf_gs_session *old = g->sessions; old; old = old->next)
		if (!memcmp(old->launch.fingerprint, l->fingerprint, 32))
			pf_gs_session_end(old, PF_GS_TERM_NORMAL, "this client connected again");
	s->g = g;
	s->id = ++g->number;
	s->launch = *l;
	s->app = app;
	pf_mark(&s->timeline, PF_MARK_BEGIN);
	s->first_item.run = first_on_loop;
	snprintf(s->name, sizeof(s->name), "moonlight %llu", (unsigned long long)s->id);
	s->next = g->sessions;
	g->sessions = s;
	if (begin(s, &why) || pf_gs_running_set(g, l->fingerprint, app)) {
		pf_gs_session_end(s, 0, *why.text ? why.text : "out of memory");
		pf_gs_answer_refuse(r, 503, s->close_text);
		return;
	}
	pf_log(PF_LOG_INFO, "gamestream", "%s: \"%s\" %s %s", s->name, s->client_name,
		l->resume ? "resumes" : "launches", app->title);
	pf_gs_session_tell(s, PF_SESSION_STARTED);
	pf_gs_answer_launch(r, l->corever, g->base + PF_GS_RTSP_OFFSET);
}
