/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Fewer than k of k + m packets arrive exactly if more than m are lost before
 * the k-th arrival. In Gilbert's chain an arrival is a renewal: behind it comes
 * the next arrival at once (probability 1 - g) or a burst of geometric length.
 * So the losses L before the k-th arrival are k - 1 independent equal terms and
 * one for the start in the stationary state, with the generating functions
 *
 *	term  (a + b z) / (1 - c z),  a = 1 - g, c = 1 - r, b = g r - a c
 *	start (1 - p) + p r z / (1 - c z)
 *
 * where r = 1 / burst and g = p r / (1 - p). The coefficients of the term's
 * power f follow from f' (a + bz)(1 - cz) = (k - 1)(b + ac) f, a recurrence of
 * two steps: m costs O(m), exactly, for every shape and loss pattern. */
#include "core/media/parity.h"
#include <errno.h>
#include <math.h>

#define FRAME_LOST_PPM 50000u /* that a report adds (punktfunk1.md 11) */
#define MEAN_SHARE     (1.0 / 32)

#define ROOM_STEP	 0.15 /* more packets than in the window before */
#define ROOM_PACKETS	 30
#define ROOM_GAIN	 0.3  /* of these that came */
#define ROOM_STILL	 0.75 /* of the loss before */
#define ROOM_USE	 0.97
#define ROOM_LEAST	 0.05 /* parity per data */
#define ROOM_WINDOWS	 16
#define ROOM_WINDOWS_MAX 256

/* Numbers are kept as value * 2^-scale, so that a^(k-1) cannot underflow. */
#define SCALE_STEP 500

uint32_t pf_parity_solve(uint32_t k, double loss, double burst, double residual, uint32_t m_max)
{
	double p = loss, r, g, a, b, c, d, f_old, f, tail, total, need;
	double n = (double)k - 1;
	double scale;

	if (p <= 0)
		return 0;
	if (p >= 1)
		return m_max;
	/* A shorter mean than that of independent loss would be anti-correlation. */
	if (burst < 1 / (1 - p))
		burst = 1 / (1 - p);
	r = 1 / burst;
	g = p * r / (1 - p);
	a = 1 - g;
	c = 1 - r;
	b = g * r - a * c;
	d = g * r; /* b + a c */
	if (a <= 0)
		return m_max;
	scale = -n * log2(a);
	f = 1;
	if (scale < SCALE_STEP) {
		f = exp2(-scale);
		scale = 0;
	}
	f_old = 0;
	tail = 0; /* what the start's burst adds: p r sum c^(j-1-i) f_i */
	total = 0;
	need = scale < 1000 ? (1 - residual) * exp2(scale) : INFINITY;
	for (uint32_t j = 0; j < m_max; j++) {
		double f_new;

		total += (1 - p) * f + tail;
		if (total >= need)
			return j;
		tail = c * tail + p * r * f;
		f_new = ((n * d - (b - a * c) * j) * f + (j ? b * c * (j - 1) * f_old : 0)) /
			(a * (j + 1));
		f_old = f;
		f = f_new > 0 ? f_new : 0;
		if (scale > 0 && (f > 0x1p500 || total > 0x1p500)) {
			f *= 0x1p-500;
			f_old *= 0x1p-500;
			tail *= 0x1p-500;
			total *= 0x1p-500;
			scale -= SCALE_STEP;
			need = scale < 1000 ? (1 - residual) * exp2(scale) : INFINITY;
		}
	}
	return m_max;
}

static void go_by(struct pf_parity *p, double loss, double burst)
{
	if (loss > PF_PARITY_LOSS_MAX)
		loss = PF_PARITY_LOSS_MAX;
	p->loss = loss > PF_PARITY_LOSS_MIN ? loss : PF_PARITY_LOSS_MIN;
	p->burst = burst;
}

/* After each report. */
static void settle(struct pf_parity *p)
{
	p->data = p->total = p->frames = p->blocks = 0;
	p->data_sq = 0;
	p->frames_lost = 0;
	if (p->told)
		return;
	go_by(p, pf_loss_rate_bound(&p->est), pf_loss_burst(&p->est));
	p->burst_share = PF_PARITY_BURST_SHARE +
			 (PF_PARITY_BURST_SHARE_PROVEN - PF_PARITY_BURST_SHARE) * p->est.proven;
}

/* Of the windows that clearly less was sent in, each had as much come through. One with
 * as little for what was sent would say that loss came first and parity followed. */
static bool more_brings_nothing(const struct pf_parity_room *r, double sent, double got)
{
	bool any = false;

	for (unsigned i = 0; i < r->past; i++) {
		double more = sent - r->sent[i];

		if (more < ROOM_PACKETS || more < ROOM_STEP * r->sent[i])
			continue;
		if (got - r->got[i] > ROOM_GAIN * more)
			return false;
		any = true;
	}
	return any;
}

/* On a full link more parity brings more loss: as many packets as before come through,
 * and the more that are lost ask for still more parity. Then parity has what room there
 * is beside the data, by an estimate begun anew. Less loss with less sent bears that out;
 * as much loss as before is the link's own, and nothing is looked for in a long while. */
static void look_for_room(struct pf_parity *p, double loss)
{
	struct pf_parity_room *r = &p->room;
	double sent = (double)p->total, got = sent * (1 - loss);
	bool wrong = r->fresh && loss > ROOM_STILL * r->full_loss;

	r->fresh = false;
	if (r->left && !--r->left)
		r->most = 0;
	if (wrong) {
		r->most = 0;
		r->left = r->patience = ROOM_WINDOWS_MAX;
	} else if (!r->left && more_brings_nothing(r, sent, got)) {
		r->most = ROOM_USE * got / (double)p->data - 1;
		if (r->most < ROOM_LEAST)
			r->most = ROOM_LEAST;
		r->full_loss = loss;
		r->left = r->patience ? r->patience : ROOM_WINDOWS;
		r->patience = 2 * r->left < ROOM_WINDOWS_MAX ? 2 * r->left : ROOM_WINDOWS_MAX;
		r->fresh = true;
		r->past = 0;
		pf_loss_init(&p->est);
		p->est.dispersion = p->est.held = 1;
		return;
	}
	r->sent[r->next] = sent;
	r->got[r->next] = got;
	r->next = (r->next + 1) % PF_PARITY_ROOM_PAST;
	if (r->past < PF_PARITY_ROOM_PAST)
		r->past++;
}

int pf_parity_init(
	struct pf_parity *p, uint8_t percent, uint8_t welcome_percent, uint16_t max_data_per_block)
{
	uint32_t k_max = max_data_per_block;

	if (percent > PF_PARITY_PERCENT_MAX && percent != PF_PARITY_ADAPTIVE)
		return -EINVAL;
	if (welcome_percent > PF_PARITY_PERCENT_MAX || !k_max)
		return -EINVAL;
	*p = (struct pf_parity){
		.percent = percent,
		.block_cap = k_max + (k_max * welcome_percent + 99) / 100,
	};
	if (p->block_cap > UINT16_MAX)
		p->block_cap = UINT16_MAX;
	pf_loss_init(&p->est);
	settle(p);
	return 0;
}

/* Small frames count as the ones around them do: they may take what is little beside
 * large ones. */
static double least_data(const struct pf_parity *p, uint32_t k)
{
	return k > p->mean_data ? k : p->mean_data;
}

static uint32_t burst_cap(const struct pf_parity *p, uint32_t k)
{
	double data = least_data(p, k);

	return (uint32_t)(p->burst_share *
			  (data > PF_PARITY_BURST_DATA_MIN ? data : PF_PARITY_BURST_DATA_MIN));
}

/* For independent loss: the strict aim where it is cheap, else the lenient one. */
static uint32_t for_loss(const struct pf_parity *p, uint32_t k, uint32_t blocks, uint32_t cap)
{
	uint32_t cheap = (uint32_t)(PF_PARITY_CHEAP_SHARE * k), m, least;

	if (cheap < PF_PARITY_CHEAP)
		cheap = PF_PARITY_CHEAP;
	m = pf_parity_solve(k, p->loss, 1, PF_PARITY_RESIDUAL / blocks, cap);
	if (m <= cheap)
		return m;
	least = pf_parity_solve(k, p->loss, 1, PF_PARITY_LENIENT / blocks, m);
	return least > cheap ? least : cheap;
}

static uint32_t adapt(const struct pf_parity *p, uint32_t k, uint32_t blocks, uint32_t cap)
{
	uint32_t most, alone, m;

	if (p->burst * (1 - p->loss) <= 1)
		return for_loss(p, k, blocks, cap);
	most = burst_cap(p, k);
	m = pf_parity_solve(k, p->loss, p->burst, PF_PARITY_RESIDUAL / blocks, cap);
	if (m <= most)
		return m;
	alone = for_loss(p, k, blocks, m);
	return alone > most ? alone : most;
}

uint32_t pf_parity_choose(const struct pf_parity *p, uint32_t k, uint32_t blocks)
{
	uint32_t cap = p->block_cap > k ? p->block_cap - k : 0;
	uint32_t m;

	if (!p->percent)
		return 0;
	if (p->percent != PF_PARITY_ADAPTIVE)
		m = (k * p->percent + 99) / 100;
	else
		m = adapt(p, k, blocks ? blocks : 1, cap);
	if (p->percent == PF_PARITY_ADAPTIVE && p->room.most > 0 && !p->told) {
		uint32_t room = (uint32_t)(p->room.most * least_data(p, k));

		m = m < room ? m : room;
	}
	if (m < PF_PARITY_MIN)
		m = PF_PARITY_MIN;
	return m < cap ? m : cap;
}

void pf_parity_sent(struct pf_parity *p, uint32_t data, uint32_t parity, uint32_t blocks)
{
	p->data += data;
	p->total += (uint64_t)data + parity;
	p->frames++;
	p->blocks += blocks;
	p->data_sq += (double)data * data / (blocks ? blocks : 1);
	p->mean_data += (data - p->mean_data) * MEAN_SHARE;
}

void pf_parity_frames_lost(struct pf_parity *p, uint32_t frames)
{
	p->frames_lost =
		frames < UINT16_MAX - p->frames_lost ? p->frames_lost + frames : UINT16_MAX;
}

void pf_parity_report(struct pf_parity *p, uint32_t loss_ppm)
{
	bool lost = loss_ppm >= FRAME_LOST_PPM && p->frames_lost;
	double seen = (lost ? loss_ppm - FRAME_LOST_PPM : loss_ppm) / 1e6, share = 1, loss;
	struct pf_loss_window w = { .frame_lost = lost };

	if (seen > 1)
		seen = 1;
	/* The client counts rebuilt data shards, lost parity does not show. With
	 * loss x, data packets K of N: seen = xK / ((1 - x)N + xK). */
	if (p->data)
		share = (double)p->data / (double)p->total;
	loss = seen < 1 ? seen / (share + seen * (1 - share)) : 1;
	w.seen = p->data ? (double)p->data : 100; /* some packets were, unknown to us */
	w.lost = loss * w.seen;
	if (lost && p->frames) {
		/* Of a frame that was lost the report counts nothing. */
		double per_frame = (double)(p->total - p->data) / (double)p->frames + 1;
		double frames = p->frames_lost < p->frames ? p->frames_lost : p->frames;

		w.lost += frames * per_frame * share;
		if (w.lost > w.seen)
			w.lost = w.seen;
	}
	pf_loss_add(&p->est, &w);
	p->newest = w.lost / w.seen;
	if (p->data)
		look_for_room(p, w.lost / w.seen);
	settle(p);
}

void pf_parity_missed(struct pf_parity *p, const struct pf_parity_missed *m)
{
	/* A block is complete with as many packets as it has data: while they came,
	 * `lost` others did not. What follows is not looked at. */
	struct pf_loss_window w = {
		.lost = (double)m->lost,
		.seen = (double)p->data + (double)m->lost,
		.dispersion = 1,
		.frame_lost = m->frame_lost,
	};
	double per, sum;

	if (!p->data)
		return;
	/* Each arrival has lost packets before it in a number of its own: with mean
	 * `per` their variance is per (1 + per) if losses are independent. */
	per = (double)m->lost / (double)p->data;
	sum = (double)m->lost_sq - 2 * per * (double)m->lost_data + per * per * p->data_sq;
	if (m->lost && sum > 0)
		w.dispersion = sum / ((double)p->data * per * (1 + per));
	pf_loss_add(&p->est, &w);
	p->newest = w.lost / w.seen;
	if (p->data)
		look_for_room(p, w.lost / w.seen);
	settle(p);
}

void pf_parity_tell(struct pf_parity *p, double loss, double burst)
{
	p->told = true;
	p->burst_share = PF_PARITY_BURST_SHARE_PROVEN;
	go_by(p, loss, burst < PF_LOSS_BURST_MAX ? burst : PF_LOSS_BURST_MAX);
}

uint32_t pf_parity_newest_ppm(const struct pf_parity *p)
{
	return (uint32_t)(p->newest * 1e6 + 0.5);
}

uint32_t pf_parity_loss_ppm(const struct pf_parity *p)
{
	double rate = p->told ? p->loss : pf_loss_rate(&p->est);

	rate = rate > PF_PARITY_LOSS_MIN ? rate : PF_PARITY_LOSS_MIN;
	return (uint32_t)((rate < PF_PARITY_LOSS_MAX ? rate : PF_PARITY_LOSS_MAX) * 1e6 + 0.5);
}
