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
#include <stdbool.h>

/* Share of the distance that the estimate falls with each clean report. */
#define DECAY 0.125

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
		.loss = PF_PARITY_LOSS_MIN,
		.burst = 1,
	};
	if (p->block_cap > UINT16_MAX)
		p->block_cap = UINT16_MAX;
	return 0;
}

uint32_t pf_parity_choose(const struct pf_parity *p, uint32_t k)
{
	uint32_t cap = p->block_cap > k ? p->block_cap - k : 0;
	uint32_t m;

	if (!p->percent)
		return 0;
	if (p->percent != PF_PARITY_ADAPTIVE)
		m = (k * p->percent + 99) / 100;
	else
		m = pf_parity_solve(k, p->loss, p->burst, PF_PARITY_RESIDUAL, cap);
	if (m < PF_PARITY_MIN)
		m = PF_PARITY_MIN;
	return m < cap ? m : cap;
}

void pf_parity_sent(struct pf_parity *p, uint32_t data, uint32_t parity)
{
	p->data += data;
	p->total += (uint64_t)data + parity;
}

/* A new report: the counts begin anew, the estimate rises at once. */
static void take(struct pf_parity *p, double loss)
{
	p->data = 0;
	p->total = 0;
	if (loss > PF_PARITY_LOSS_MAX)
		loss = PF_PARITY_LOSS_MAX;
	if (loss < p->loss)
		loss = p->loss + (loss - p->loss) * DECAY;
	p->loss = loss > PF_PARITY_LOSS_MIN ? loss : PF_PARITY_LOSS_MIN;
}

void pf_parity_report(struct pf_parity *p, uint32_t loss_ppm)
{
	double seen = loss_ppm < 1000000 ? loss_ppm / 1e6 : 1;
	double loss = seen;

	/* The client counts rebuilt data shards, lost parity does not show. With
	 * loss x, data packets K of N: seen = xK / ((1 - x)N + xK). */
	if (p->data && seen < 1) {
		double share = (double)p->data / (double)p->total;

		loss = seen / (share + seen * (1 - share));
	}
	take(p, loss);
}

void pf_parity_missed(struct pf_parity *p, uint64_t lost)
{
	/* A block is complete with as many packets as it has data: while they came,
	 * `lost` others did not. What follows is not looked at. */
	take(p, p->data ? (double)lost / ((double)p->data + (double)lost) : p->loss);
}

void pf_parity_set_burst(struct pf_parity *p, double mean_packets)
{
	if (mean_packets >= 1)
		p->burst = mean_packets < 1000 ? mean_packets : 1000;
}

uint32_t pf_parity_loss_ppm(const struct pf_parity *p)
{
	return (uint32_t)(p->loss * 1e6 + 0.5);
}
