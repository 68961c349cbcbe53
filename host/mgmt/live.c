/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/mgmt/live.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "core/base/clock.h"
#include "host/gamestream/gamestream.h"
#include "host/native/native.h"
#include "host/stream/meter.h"

enum stage {
	CAPTURE,
	QUEUE,
	CONVERT,
	ENCODE,
	SEND,
	TOTAL,
	STAGES,
};

static const char *const stage_names[STAGES] = { "capture_ms", "queue_ms", "convert_ms",
	"encode_ms", "send_ms", "total_ms" };

/* What a session counted so far. */
struct counts {
	uint64_t sent, dropped, packets, parity, bytes;
};

struct entry {
	struct entry *next;
	const char *plane;
	uint64_t id;
	bool seen;
	struct counts before;
	uint32_t bins[STAGES][PF_METER_BINS]; /* of the sample before */
};

/* A session now, of whichever plane. */
struct now {
	const char *plane;
	uint64_t id;
	struct counts counts;
	uint32_t target_kbps, loss_ppm;
	double rtt_ms; /* negative: not known */
	const struct pf_stream_meters *meters;
	const struct pf_sent_meters *sent;
};

struct pf_live {
	struct entry *entries;
	json_t *newest;
	uint64_t sampled_ns;
	/* While a sample is taken. */
	json_t *sessions;
	double seconds;
};

void pf_live_time(uint64_t unix_ns, char out[32])
{
	time_t s = (time_t)(unix_ns / PF_NS_PER_S);
	struct tm tm;
	size_t n;

	gmtime_r(&s, &tm);
	n = strftime(out, 32, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + n, 32 - n, ".%03uZ", (unsigned)(unix_ns / PF_NS_PER_MS % 1000));
}

int pf_live_create(struct pf_live **out)
{
	struct pf_live *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	l->sampled_ns = pf_clock_mono_ns();
	*out = l;
	return 0;
}

void pf_live_destroy(struct pf_live *l)
{
	struct entry *e;

	if (!l)
		return;
	while ((e = l->entries)) {
		l->entries = e->next;
		free(e);
	}
	json_decref(l->newest);
	free(l);
}

static const struct pf_meter *meter_of(const struct now *n, enum stage stage)
{
	switch (stage) {
	case CAPTURE:
		return &n->meters->capture;
	case QUEUE:
		return &n->meters->queue;
	case CONVERT:
		return &n->meters->convert;
	case ENCODE:
		return &n->meters->encode;
	case SEND:
		return &n->sent->send;
	default:
		return &n->sent->total;
	}
}

/* The smallest bin end that `permille` of what these bins hold do not exceed. */
static double quantile_ms(const uint32_t *bins, uint64_t total, unsigned permille)
{
	uint64_t below = 0;
	unsigned i = 0;

	for (;; i++) {
		below += bins[i];
		if (below * 1000 >= total * permille || i == PF_METER_BINS - 1)
			break;
	}
	return (double)pf_meter_end_ns(i) / 1e6;
}

/* What came into the bins since the sample before; null when nothing did. */
static json_t *stage_json(uint32_t *before, const struct pf_meter *m)
{
	uint32_t fresh[PF_METER_BINS];
	uint64_t total = 0;

	for (unsigned i = 0; i < PF_METER_BINS; i++) {
		uint32_t v = atomic_load_explicit(&m->bins[i], memory_order_relaxed);

		fresh[i] = v - before[i];
		before[i] = v;
		total += fresh[i];
	}
	if (!total)
		return json_null();
	return json_pack("{s:f, s:f}", "p50", quantile_ms(fresh, total, 500), "p99",
		quantile_ms(fresh, total, 990));
}

static struct entry *find(struct pf_live *l, const struct now *n)
{
	struct entry *e = l->entries;

	while (e && (e->id != n->id || strcmp(e->plane, n->plane) != 0))
		e = e->next;
	if (e)
		return e;
	e = calloc(1, sizeof(*e));
	if (!e)
		return NULL;
	e->plane = n->plane;
	e->id = n->id;
	e->next = l->entries;
	l->entries = e;
	return e;
}

static double rate(uint64_t now, uint64_t before, double seconds)
{
	return now > before && seconds > 0 ? (double)(now - before) / seconds : 0;
}

static void add(struct pf_live *l, const struct now *n)
{
	const struct counts *c = &n->counts;
	struct entry *e = find(l, n);
	uint64_t packets, parity;
	struct counts b;
	json_t *stages, *o;

	if (!e)
		return;
	b = e->before;
	e->before = *c;
	e->seen = true;
	packets = c->packets > b.packets ? c->packets - b.packets : 0;
	parity = c->parity > b.parity ? c->parity - b.parity : 0;
	stages = json_object();
	for (enum stage i = CAPTURE; i < STAGES; i++)
		(void)json_object_set_new(stages, stage_names[i],
			n->meters ? stage_json(e->bins[i], meter_of(n, i)) : json_null());
	o = json_pack("{s:s, s:I, s:f, s:f, s:I, s:f, s:f, s:o, s:o?, s:I, s:I}", "plane", n->plane,
		"id", (json_int_t)n->id, "fps", rate(c->sent, b.sent, l->seconds), "bitrate_kbps",
		rate(c->bytes, b.bytes, l->seconds) * 8 / 1000, "target_kbps",
		(json_int_t)n->target_kbps, "loss_percent", (double)n->loss_ppm / 1e4,
		"parity_percent",
		packets > parity ? 100.0 * (double)parity / (double)(packets - parity) : 0.0,
		"rtt_ms", n->rtt_ms < 0 ? json_null() : json_real(n->rtt_ms), "stages", stages,
		"frames_sent", (json_int_t)c->sent, "frames_dropped", (json_int_t)c->dropped);
	if (o)
		(void)json_array_append_new(l->sessions, o);
}

static void add_native(void *user, const struct pf_session_report *r)
{
	const struct now n = {
		.plane = "native",
		.id = r->id,
		.counts = { .sent = r->sender.sent,
			.dropped = r->stream.dropped,
			.packets = r->wire.packets,
			.parity = r->wire.packets_parity,
			.bytes = r->wire.bytes },
		.target_kbps = r->stream.bitrate_kbps,
		.loss_ppm = r->sender.reported_ppm,
		.rtt_ms = r->rtt_ns ? (double)r->rtt_ns / 1e6 : -1,
		.meters = r->meters,
		.sent = r->sent,
	};

	if (r->live)
		add(user, &n);
}

static void add_gamestream(void *user, const struct pf_gs_session_report *r)
{
	const struct now n = {
		.plane = "gamestream",
		.id = r->id,
		.counts = { .sent = r->frames_sent,
			.dropped = r->frames_dropped,
			.packets = r->packets,
			.parity = r->packets_parity,
			.bytes = r->bytes },
		.target_kbps = r->target_kbps,
		.loss_ppm = r->sender.reported_ppm,
		.rtt_ms = r->rtt_ms ? (double)r->rtt_ms : -1,
		.meters = r->meters,
		.sent = r->sent,
	};

	if (r->live)
		add(user, &n);
}

static void forget_the_gone(struct pf_live *l)
{
	for (struct entry **p = &l->entries; *p;) {
		struct entry *e = *p;

		if (e->seen) {
			p = &e->next;
			continue;
		}
		*p = e->next;
		free(e);
	}
}

json_t *pf_live_sample(struct pf_live *l, struct pf_native *n, struct pf_gamestream *g)
{
	uint64_t now_ns = pf_clock_mono_ns();
	char at[32];
	json_t *o;

	l->seconds = (double)(now_ns - l->sampled_ns) / 1e9;
	l->sampled_ns = now_ns;
	l->sessions = json_array();
	for (struct entry *e = l->entries; e; e = e->next)
		e->seen = false;
	if (n)
		pf_native_each(n, add_native, l);
	if (g)
		pf_gamestream_each(g, add_gamestream, l);
	forget_the_gone(l);
	pf_live_time(pf_clock_unix_ns(), at);
	o = json_pack("{s:s, s:o}", "at", at, "sessions", l->sessions);
	l->sessions = NULL;
	json_decref(l->newest);
	l->newest = json_incref(o);
	return o;
}

json_t *pf_live_newest(const struct pf_live *l)
{
	char at[32];

	if (l->newest)
		return json_incref(l->newest);
	pf_live_time(pf_clock_unix_ns(), at);
	return json_pack("{s:s, s:[]}", "at", at, "sessions");
}

unsigned pf_live_count(const struct pf_live *l)
{
	return (unsigned)json_array_size(json_object_get(l->newest, "sessions"));
}
