/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/cmd/report.h"
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include "core/base/clock.h"
#include "host/sys/files.h"
#include "pf_config.h"

struct pf_report {
	const char *user, *display, *fingerprint;
	uint16_t port;
	uint64_t start_ns;
	unsigned count; /* ended sessions so far; the newest are in the ring */
	struct pf_session_report ended[PF_REPORT_SESSIONS];
};

int pf_report_create(struct pf_report **out)
{
	struct pf_report *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->start_ns = pf_clock_mono_ns();
	*out = r;
	return 0;
}

void pf_report_destroy(struct pf_report *r)
{
	free(r);
}

void pf_report_about(struct pf_report *r, const char *user, const char *display, uint16_t port,
	const char *fingerprint)
{
	r->user = user;
	r->display = display;
	r->port = port;
	r->fingerprint = fingerprint;
}

void pf_report_ended(void *report, const struct pf_session_report *s)
{
	struct pf_report *r = report;

	r->ended[r->count++ % PF_REPORT_SESSIONS] = *s;
}

static double ms(uint64_t ns)
{
	return (double)ns / 1e6;
}

json_t *pf_report_timeline(const struct pf_timeline *t)
{
	json_t *o = json_object();

	for (unsigned i = PF_MARK_BEGIN + 1; i < PF_MARKS; i++)
		if (t->ns[i])
			json_object_set_new(o, pf_mark_name(i), json_real(pf_timeline_ms(t, i)));
	return o;
}

static json_t *mean_max(uint64_t sum_ns, uint64_t max_ns, uint64_t count)
{
	return json_pack("{s:f, s:f}", "mean", count ? (double)sum_ns / (double)count / 1e6 : 0.0,
		"max", (double)max_ns / 1e6);
}

json_t *pf_report_sender(const struct pf_sender_stats *s)
{
	return json_pack("{s:I, s:I, s:b, s:b, s:o, s:o, s:f}", "trains", (json_int_t)s->trains,
		"calls", (json_int_t)s->calls, "gso", s->gso, "gentle", s->gentle, "queue_ms",
		mean_max(s->queue_ns, s->queue_max_ns, s->sent), "pace_ms",
		mean_max(s->pace_ns, s->pace_max_ns, s->sent), "spin_ms", (double)s->spin_ns / 1e6);
}

/* By name, what the client said and the host does not act on. */
static json_t *ignored_json(const struct pf_session_report *s)
{
	json_t *o = json_object();

	for (unsigned i = 0; i < s->ignored_count; i++)
		json_object_set_new(
			o, s->ignored[i].name, json_integer((json_int_t)s->ignored[i].count));
	return o;
}

static json_t *session_json(const struct pf_session_report *s)
{
	const struct pf_stream_stats *v = &s->stream;
	uint64_t started_ns = s->timeline.ns[PF_MARK_PING];
	uint64_t begin_ns = started_ns ? started_ns : s->ended_ns;
	double seconds = (double)(s->ended_ns - begin_ns) / 1e9;
	json_t *o = json_pack("{s:s, s:I, s:b, s:s, s:s, s:s, s:s, s:s}", "plane", "native", "id",
		(json_int_t)s->id, "live", s->live, "client", s->client, "name", s->name, "codec",
		s->codec, "encoder", s->encoder, "desk", s->desk);

	if (!o)
		return NULL;
	json_object_set_new(o, "mode",
		json_sprintf("%ux%u@%g", s->width, s->height, (double)s->refresh_mhz / 1000));
	json_object_set_new(o, "seconds", json_real(seconds));
	json_object_set_new(o, "desk_origin", json_string(pf_desk_origin_name(s->desk_origin)));
	json_object_set_new(o, "encoder_kept", json_boolean(v->encoder_kept));
	json_object_set_new(o, "start_ms", pf_report_timeline(&s->timeline));
	if (s->change.ns[PF_MARK_BEGIN])
		json_object_set_new(o, "mode_change_ms", pf_report_timeline(&s->change));
	json_object_set_new(o, "frames_captured", json_integer((json_int_t)v->captured));
	json_object_set_new(o, "frames_skipped", json_integer((json_int_t)v->skipped));
	json_object_set_new(o, "frames_encoded", json_integer((json_int_t)v->encoded));
	json_object_set_new(o, "frames_repeated", json_integer((json_int_t)v->repeated));
	json_object_set_new(o, "frames_sent", json_integer((json_int_t)v->submitted));
	json_object_set_new(o, "frames_dropped", json_integer((json_int_t)v->dropped));
	json_object_set_new(o, "idrs", json_integer((json_int_t)v->idrs));
	json_object_set_new(o, "held_for_link", json_integer((json_int_t)v->held_for_link));
	json_object_set_new(o, "video_bytes", json_integer((json_int_t)v->bytes));
	json_object_set_new(o, "bitrate_kbps", json_integer(v->bitrate_kbps));
	json_object_set_new(o, "target_kbps", json_integer(v->bitrate_kbps));
	json_object_set_new(
		o, "limit_kbps", s->limit_kbps ? json_integer(s->limit_kbps) : json_null());
	json_object_set_new(o, "convert_encode_ms",
		json_pack("{s:f, s:f}", "p50", ms(v->convert_encode_p50_ns), "p99",
			ms(v->convert_encode_p99_ns)));
	json_object_set_new(o, "convert_ms",
		json_pack(
			"{s:f, s:f}", "p50", ms(v->convert_p50_ns), "p99", ms(v->convert_p99_ns)));
	json_object_set_new(o, "capture_ms",
		json_pack(
			"{s:f, s:f}", "p50", ms(v->capture_p50_ns), "p99", ms(v->capture_p99_ns)));
	json_object_set_new(o, "queue_ms",
		json_pack("{s:f, s:f}", "p50", ms(v->queue_p50_ns), "p99", ms(v->queue_p99_ns)));
	json_object_set_new(o, "host_cpu_ms", json_real(s->cpu_ms));
	json_object_set_new(o, "host_cpu_ms_per_frame",
		v->encoded ? json_real(s->cpu_ms / (double)v->encoded) : json_null());
	json_object_set_new(o, "input_events", json_integer((json_int_t)s->input_events));
	json_object_set_new(o, "input_denied", json_integer((json_int_t)s->input_denied));
	json_object_set_new(o, "input_dropped", json_integer((json_int_t)s->input_dropped));
	json_object_set_new(o, "audio_packets", json_integer((json_int_t)s->audio_packets));
	json_object_set_new(o, "audio_errors", json_integer((json_int_t)s->audio_errors));
	json_object_set_new(o, "mic_packets", json_integer((json_int_t)s->mic_packets));
	json_object_set_new(o, "mic_recovered", json_integer((json_int_t)s->mic_recovered));
	json_object_set_new(o, "mic_concealed", json_integer((json_int_t)s->mic_concealed));
	json_object_set_new(o, "mic_late", json_integer((json_int_t)s->mic_late));
	json_object_set_new(o, "mic_dropped", json_integer((json_int_t)s->mic_dropped));
	json_object_set_new(o, "mic_denied", json_integer((json_int_t)s->mic_denied));
	json_object_set_new(o, "packets", json_integer((json_int_t)s->wire.packets));
	json_object_set_new(o, "packets_parity", json_integer((json_int_t)s->wire.packets_parity));
	json_object_set_new(o, "packet_bytes", json_integer((json_int_t)s->wire.bytes));
	json_object_set_new(o, "send_errors", json_integer((json_int_t)s->wire.send_errors));
	json_object_set_new(o, "loss_ppm", json_integer(s->wire.loss_ppm));
	json_object_set_new(o, "fec_percent", json_integer(s->wire.fec_percent));
	json_object_set_new(o, "sender", pf_report_sender(&s->sender));
	json_object_set_new(o, "ignored", ignored_json(s));
	json_object_set_new(o, "close_code", json_integer(s->close_code));
	json_object_set_new(o, "close_text", json_string(s->close_text));
	return o;
}

/* What strangers and broken networks send is counted here, and nowhere else. */
static json_t *wire_json(const struct pf_native *n)
{
	struct pf_listener_stats w = { 0 };

	if (n)
		pf_native_wire(n, &w);
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "handshakes", (json_int_t)w.accepted,
		"refused", (json_int_t)w.refused, "retries", (json_int_t)w.retries, "ignored",
		(json_int_t)w.ignored, "resets", (json_int_t)w.resets);
}

static void add_live(void *user, const struct pf_session_report *s)
{
	if (s->live)
		json_array_append_new(user, session_json(s));
}

static double tv_ms(const struct timeval *tv)
{
	return (double)tv->tv_sec * 1e3 + (double)tv->tv_usec / 1e3;
}

int pf_report_fill(const struct pf_report *r, struct pf_native *n, bool ended, json_t *o)
{
	unsigned kept = r->count < PF_REPORT_SESSIONS ? r->count : PF_REPORT_SESSIONS;
	json_t *sessions = json_array(), *facts;
	struct rusage u;
	int err;

	for (unsigned i = r->count - kept; ended && i < r->count; i++)
		json_array_append_new(sessions, session_json(&r->ended[i % PF_REPORT_SESSIONS]));
	if (n)
		pf_native_each(n, add_live, sessions);
	getrusage(RUSAGE_SELF, &u);
	facts = json_pack("{s:s, s:s, s:s, s:s, s:i, s:f, s:{s:f, s:f}, s:I, s:I, s:o, s:o}",
		"version", PF_VERSION, "user", r->user ? r->user : "", "display_backend",
		r->display ? r->display : "", "fingerprint", r->fingerprint ? r->fingerprint : "",
		"port", (int)r->port, "uptime_ms", ms(pf_clock_mono_ns() - r->start_ns), "cpu_ms",
		"user", tv_ms(&u.ru_utime), "system", tv_ms(&u.ru_stime), "max_rss_kib",
		(json_int_t)u.ru_maxrss, "sessions_ended", (json_int_t)r->count, "sessions",
		sessions, "quic", wire_json(n));
	err = facts ? json_object_update(o, facts) : -1;
	json_decref(facts);
	return err ? -ENOMEM : 0;
}

int pf_report_write(
	struct pf_report *r, struct pf_native *n, const char *path, struct pf_reason *why)
{
	json_t *o = json_object();
	char *text = NULL;
	int err;

	if (o && !pf_report_fill(r, n, true, o))
		text = json_dumps(o, JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(9));
	json_decref(o);
	if (!text)
		return pf_reason_set(why, -ENOMEM, "out of memory for the report");
	err = pf_file_replace(path, 0644, text, strlen(text), why);
	free(text);
	return err;
}
