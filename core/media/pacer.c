/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/media/pacer.h"
#include <stddef.h>

#define NS_PER_S 1000000000ull

/* Nine tenths of 1, 2.5, 5, 10 Gbit/s, the first that leaves the stream a quarter of
 * itself to spare. */
static uint64_t cap_bps(uint64_t rate_bps)
{
	static const uint64_t caps[] = { 900000000, 2250000000, 4500000000, 9000000000 };

	for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++)
		if (rate_bps + rate_bps / 4 <= caps[i])
			return caps[i];
	return UINT64_MAX;
}

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Frames are far below 2 GiB, so bits times 10^9 fit. */
static uint64_t span_ns(uint64_t bytes, uint64_t bps)
{
	return bps ? bytes * 8 * NS_PER_S / bps : 0;
}

/* What sends `bytes` in `span_ns`. */
static uint64_t bps_over(uint64_t bytes, uint64_t span)
{
	return span ? bytes * 8 * NS_PER_S / span : 0;
}

void pf_pacer_frame_at(struct pf_pacer *p, uint64_t pts_ns)
{
	uint64_t gap = pts_ns - p->last_pts_ns;
	bool first = !p->last_pts_ns;

	if (pts_ns <= p->last_pts_ns) {
		/* The same picture once more; or a clock that was set back. */
		if (p->last_pts_ns - pts_ns > NS_PER_S)
			p->last_pts_ns = pts_ns;
		return;
	}
	p->last_pts_ns = pts_ns;
	if (first || gap < PF_PACER_INTERVAL_MIN_NS)
		return;
	gap = min_u64(gap, PF_PACER_INTERVAL_MAX_NS);
	/* Down at once, up slowly: a picture that did not change leaves a gap. */
	if (!p->interval_ns || gap < p->interval_ns)
		p->interval_ns = gap;
	else
		p->interval_ns += (gap - p->interval_ns) / 16;
}

static void begin_gentle(struct pf_pacer *p)
{
	p->head_bytes = max_u64(
		min_u64(p->rate_bps * PF_PACER_GENTLE_HEAD_MS / 8000, PF_PACER_GENTLE_HEAD_MAX),
		PF_PACER_GENTLE_HEAD_BYTES);
	p->rest_bps = min_u64(p->rate_bps * (p->percent ? p->percent : PF_GENTLE_PERCENT) / 100,
		min_u64(p->rate_bps * 3, cap_bps(p->rate_bps)));
}

static void begin_capped(struct pf_pacer *p)
{
	uint64_t head =
		max_u64(min_u64(p->bytes / 4, PF_PACER_HEAD_MAX_BYTES), PF_PACER_HEAD_BYTES);
	uint64_t cap = cap_bps(p->rate_bps), queued = 0;

	/* Above the largest Ethernet nothing is known to queue. */
	if (cap != UINT64_MAX) {
		if (p->drained_ns > p->start_ns)
			queued = min_u64(p->drained_ns - p->start_ns, NS_PER_S) * (cap / 1000000) /
				 8000;
		p->drained_ns = max_u64(p->drained_ns, p->start_ns) + span_ns(p->bytes, cap);
	}
	p->head_bytes = head > queued ? head - queued : 0;
	p->rest_bps = min_u64(p->rate_bps * 3, cap);
}

/* A frame of mean size or less takes three quarters of the interval, a larger one its
 * time at one and a half times the rate. */
static void begin_smooth(struct pf_pacer *p)
{
	uint64_t interval = p->interval_ns ? p->interval_ns : PF_PACER_INTERVAL_MAX_NS;

	p->head_bytes = 0;
	p->rest_bps =
		min_u64(bps_over(p->bytes, interval - interval / 4), p->rate_bps + p->rate_bps / 2);
}

void pf_pacer_begin(struct pf_pacer *p, uint64_t bytes, uint64_t now_ns)
{
	uint64_t span_max_ns = PF_PACER_SPAN_MAX_NS, rest;

	p->start_ns = p->rest_ns = now_ns;
	p->bytes = p->head_bytes = bytes;
	p->rest_bps = 0;
	if (!p->rate_bps || p->delivery == PF_DELIVERY_BURST)
		return;
	if (p->gentle) {
		begin_gentle(p);
		span_max_ns = PF_PACER_GENTLE_SPAN_MAX_NS;
	} else if (p->delivery == PF_DELIVERY_SMOOTH) {
		begin_smooth(p);
	} else {
		begin_capped(p);
	}
	p->head_bytes = min_u64(p->head_bytes, bytes);
	rest = bytes - p->head_bytes;
	if (!rest)
		p->rest_bps = 0;
	else if (span_ns(rest, p->rest_bps) > span_max_ns)
		p->rest_bps = bps_over(rest, span_max_ns);
}

void pf_pacer_hurry(struct pf_pacer *p, unsigned waiting, uint64_t sent_bytes, uint64_t now_ns)
{
	uint64_t most_bps = p->rate_bps * 3;

	if (waiting < PF_PACER_PILE)
		most_bps = min_u64(most_bps, cap_bps(p->rate_bps));
	if (!waiting || p->gentle || !p->rest_bps || sent_bytes < p->head_bytes ||
		p->rest_bps >= most_bps)
		return;
	p->head_bytes = sent_bytes;
	p->rest_ns = now_ns;
	p->rest_bps = most_bps;
}

uint64_t pf_pacer_due_ns(const struct pf_pacer *p, uint64_t sent_bytes)
{
	if (sent_bytes < p->head_bytes || !p->rest_bps)
		return p->start_ns;
	return p->rest_ns + span_ns(sent_bytes - p->head_bytes, p->rest_bps);
}

void pf_pacer_leaves(struct pf_pacer *p, uint64_t sent_bytes, uint64_t now_ns)
{
	uint64_t due = pf_pacer_due_ns(p, sent_bytes);

	if (sent_bytes > p->head_bytes && p->rest_bps && now_ns > due + PF_PACER_LATE_MAX_NS)
		p->rest_ns += now_ns - due - PF_PACER_LATE_MAX_NS;
}

uint32_t pf_pacer_train(const struct pf_pacer *p, uint64_t sent_bytes, uint32_t packet_bytes)
{
	uint32_t least = p->gentle ? PF_PACER_GENTLE_TRAIN_MIN : PF_PACER_TRAIN_MIN;
	uint64_t n;

	if (!p->rest_bps)
		return PF_PACER_TRAIN_MAX;
	if (sent_bytes < p->head_bytes)
		n = (p->head_bytes - sent_bytes) / packet_bytes;
	else
		n = p->rest_bps * (PF_PACER_STEP_NS / 1000) / 8000000 / packet_bytes;
	n = max_u64(n, least);
	return (uint32_t)min_u64(n, PF_PACER_TRAIN_MAX);
}

/* Loss that comes with a sixteenth more speed is more than this above what was. */
#define LOSS_STEP_PPM 2000u
#define PERCENT_END   300u /* as fast as without it */

void pf_gentle_lost(struct pf_gentle *g, unsigned reports)
{
	g->percent = PF_GENTLE_PERCENT;
	if (g->hold < reports)
		g->hold = reports;
}

void pf_gentle_report(struct pf_gentle *g, uint32_t loss_ppm)
{
	bool more = loss_ppm > g->loss_ppm + LOSS_STEP_PPM;

	g->loss_ppm = loss_ppm;
	if (!g->percent)
		return;
	if (g->hold) {
		g->hold--;
		return;
	}
	if (more) {
		g->percent = g->percent * 4 / 5;
		if (g->percent < PF_GENTLE_PERCENT)
			g->percent = PF_GENTLE_PERCENT;
		g->hold = PF_GENTLE_REPORTS;
	} else {
		g->percent += g->percent / 16;
	}
	if (g->percent >= PERCENT_END)
		g->percent = 0;
}

const char *pf_delivery_name(enum pf_delivery d)
{
	static const char *const names[PF_DELIVERIES] = { "capped", "burst", "smooth" };

	return (unsigned)d < PF_DELIVERIES ? names[d] : NULL;
}
