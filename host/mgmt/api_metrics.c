/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* api_metrics.c - the same figures for Prometheus and its like, as OpenMetrics text. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include "core/base/clock.h"
#include "host/desk/desk.h"
#include "host/mgmt/api_impl.h"
#include "host/mgmt/feed.h"
#include "pf_config.h"

#define TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"

static void family(FILE *f, const char *name, const char *type, const char *unit, const char *help)
{
	fprintf(f, "# TYPE punktfunk_%s %s\n", name, type);
	if (unit)
		fprintf(f, "# UNIT punktfunk_%s %s\n", name, unit);
	fprintf(f, "# HELP punktfunk_%s %s\n", name, help);
}

static void gauge(FILE *f, const char *name, const char *unit, const char *help, double v)
{
	family(f, name, "gauge", unit, help);
	fprintf(f, "punktfunk_%s %.9g\n", name, v);
}

static void counter(FILE *f, const char *name, const char *unit, const char *help, double v)
{
	family(f, name, "counter", unit, help);
	fprintf(f, "punktfunk_%s_total %.15g\n", name, v);
}

static void count_pair(void *user, const struct pf_mgmt_pair *pair)
{
	++*(unsigned *)user;
}

static void count_knock(void *user, const struct pf_knock *k)
{
	++*(unsigned *)user;
}

static double seconds_of(const struct timeval *tv)
{
	return (double)tv->tv_sec + (double)tv->tv_usec / 1e6;
}

static void put_host(FILE *f, const struct pf_mgmt_op *c, const struct pf_feed *feed)
{
	const struct pf_mgmt_hooks *h = &c->p->hooks;
	unsigned pairs = 0, knocks = 0;
	struct rusage u;

	if (h->pair_each)
		h->pair_each(h->user, count_pair, &pairs);
	if (h->knock_each)
		h->knock_each(h->user, count_knock, &knocks);
	getrusage(RUSAGE_SELF, &u);
	family(f, "build", "info", NULL, "What runs.");
	fprintf(f, "punktfunk_build_info{version=\"%s\"} 1\n", PF_VERSION);
	gauge(f, "uptime_seconds", "seconds", "Since the management API opened.",
		(double)(pf_clock_mono_ns() - feed->since_ns) / 1e9);
	counter(f, "cpu_seconds", "seconds", "Processor time of the host process.",
		seconds_of(&u.ru_utime) + seconds_of(&u.ru_stime));
	gauge(f, "memory_peak_bytes", "bytes", "Most memory of the host process so far.",
		(double)u.ru_maxrss * 1024);
	gauge(f, "paired_clients", NULL, "Clients that are paired.",
		c->p->clients ? pf_clients_count(c->p->clients) : 0);
	gauge(f, "pair_requests", NULL, "Clients that wait for their PIN to be entered.", pairs);
	gauge(f, "access_requests", NULL, "Clients that ask for access.", knocks);
	gauge(f, "desks", NULL, "Desktops that exist.",
		c->p->desks ? pf_desks_count(c->p->desks) : 0);
}

static void put_network(FILE *f, const struct pf_mgmt_op *c)
{
	struct pf_listener_stats w = { 0 };

	if (c->p->native)
		pf_native_wire(c->p->native, &w);
	counter(f, "quic_handshakes", NULL, "QUIC handshakes begun.", (double)w.accepted);
	counter(f, "quic_refused", NULL, "QUIC newcomers dropped: too many at once.",
		(double)w.refused);
	counter(f, "quic_retries", NULL, "QUIC newcomers asked to prove their address.",
		(double)w.retries);
	counter(f, "quic_ignored", NULL, "Datagrams of no QUIC connection.", (double)w.ignored);
}

static void put_events(FILE *f, const struct pf_mgmt_op *c, const struct pf_feed *feed)
{
	uint64_t opened, lines[PF_LOG_DEBUG + 1] = { 0 };
	unsigned open;

	pf_sse_count(feed->sse, &open, &opened);
	gauge(f, "event_streams", NULL, "Clients that listen to events.", open);
	counter(f, "event_streams_opened", NULL, "Clients that began to listen.", (double)opened);
	counter(f, "events", NULL, "Events published.", (double)feed->published);
	if (c->p->logbook)
		pf_logbook_count(c->p->logbook, lines);
	family(f, "log_lines", "counter", NULL, "Lines that were logged.");
	for (int i = PF_LOG_ERROR; i <= PF_LOG_DEBUG; i++)
		fprintf(f, "punktfunk_log_lines_total{level=\"%s\"} %llu\n",
			pf_log_level_to_string((enum pf_log_level)i), (unsigned long long)lines[i]);
}

/* ---- sessions ---- */

/* One figure of each session; those without it are left out. */
static const struct figure {
	const char *key, *name, *type, *unit, *help;
	double factor;
} figures[] = {
	{ "fps", "session_frame_rate", "gauge", NULL, "Frames sent in the last second.", 1 },
	{ "bitrate_kbps", "session_bitrate_bits_per_second", "gauge", NULL,
		"Bits sent in the last second, parity included.", 1000 },
	{ "target_kbps", "session_target_bits_per_second", "gauge", NULL,
		"Bit rate that the encoder is set to.", 1000 },
	{ "loss_percent", "session_loss_ratio", "gauge", "ratio",
		"Packets lost on the way, by the client's newest report.", 0.01 },
	{ "parity_percent", "session_parity_ratio", "gauge", "ratio",
		"Parity packets to each other packet.", 0.01 },
	{ "rtt_ms", "session_rtt_seconds", "gauge", "seconds", "Round trip to the client.", 0.001 },
	{ "frames_sent", "session_frames_sent", "counter", NULL, "Frames sent.", 1 },
	{ "frames_dropped", "session_frames_dropped", "counter", NULL,
		"Frames dropped before they were sent.", 1 },
};

static const char *const stages[] = { "capture", "queue", "convert", "encode", "send", "total" };

static void put_labels(FILE *f, const json_t *s)
{
	fprintf(f, "{plane=\"%s\",id=\"%lld\"", json_string_value(json_object_get(s, "plane")),
		(long long)json_integer_value(json_object_get(s, "id")));
}

static void put_figure(FILE *f, const struct figure *g, const json_t *sessions)
{
	json_t *s;
	size_t i;

	family(f, g->name, g->type, g->unit, g->help);
	json_array_foreach(sessions, i, s)
	{
		const json_t *v = json_object_get(s, g->key);

		if (!json_is_number(v))
			continue;
		fprintf(f, "punktfunk_%s%s", g->name, *g->type == 'c' ? "_total" : "");
		put_labels(f, s);
		fprintf(f, "} %.9g\n", json_number_value(v) * g->factor);
	}
}

static void put_stages(FILE *f, const json_t *sessions)
{
	static const struct {
		const char *key, *quantile;
	} rows[] = { { "p50", "0.5" }, { "p99", "0.99" } };
	char key[16];
	json_t *s;
	size_t i;

	family(f, "session_stage_seconds", "summary", "seconds",
		"Where a picture's time went on the host in the last second.");
	json_array_foreach(sessions, i, s)
	{
		for (size_t k = 0; k < sizeof(stages) / sizeof(stages[0]); k++) {
			const json_t *stage;

			snprintf(key, sizeof(key), "%s_ms", stages[k]);
			stage = json_object_get(json_object_get(s, "stages"), key);
			for (size_t q = 0; json_is_object(stage) && q < 2; q++) {
				fputs("punktfunk_session_stage_seconds", f);
				put_labels(f, s);
				fprintf(f, ",stage=\"%s\",quantile=\"%s\"} %.9g\n", stages[k],
					rows[q].quantile,
					json_number_value(json_object_get(stage, rows[q].key)) /
						1000);
			}
		}
	}
}

static void put_sessions(FILE *f, const json_t *sessions)
{
	gauge(f, "sessions", NULL, "Sessions that live.", (double)json_array_size(sessions));
	for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++)
		put_figure(f, &figures[i], sessions);
	put_stages(f, sessions);
}

static void get_metrics(struct pf_mgmt_op *c)
{
	struct pf_feed *feed = pf_mgmt_feed(c->call->mgmt);
	char *text = NULL;
	size_t len = 0;
	json_t *live;
	FILE *f;

	if (!feed) {
		pf_mgmt_fail(c, 503, "the host keeps no figures");
		return;
	}
	f = open_memstream(&text, &len);
	live = f ? pf_live_newest(feed->live) : NULL;
	if (live) {
		put_host(f, c, feed);
		put_network(f, c);
		put_events(f, c, feed);
		put_sessions(f, json_object_get(live, "sessions"));
		fputs("# EOF\n", f);
	}
	if (!f || fclose(f) || !live) {
		free(text);
		pf_mgmt_fail(c, 500, "out of memory");
	} else {
		pf_mgmt_reply_raw(c, 200, TYPE, text, len);
	}
	json_decref(live);
}

const struct pf_mgmt_route pf_mgmt_metrics_routes[] = {
	{ { "metrics" }, 1, "GET", .at_root = true, .get = get_metrics },
	{ { 0 } },
};
