/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/media/loss_estimate.h"
#include <math.h>

#define KEEP	  (1 - 1.0 / 24) /* of the sums, per window */
#define KEEP_LOW  (1 - 1.0 / 8)	 /* when a window lies clearly below */
#define KEEP_HIGH 0.5		 /* and above */
#define CLEARLY	  3.5		 /* standard deviations */
/* The parity policy looks at no rates below; makes windows with nothing lost no
 * surprise. */
#define RATE_LEAST 0.02

/* Dispersion D of Gilbert's chain: (1 + c) / (1 - c) with c = 1 - r - g, so that
 * burst = 1 / r = (D + 1) / (2 (1 - p)). */
#define DISPERSION_MAX	 (2 * PF_LOSS_BURST_MAX)
#define DISPERSION_DOUBT 2.00 /* 4 sigma of the mean of independent windows */
#define SHARE		 (1.0 / 16)
#define SHARE_START	 3  /* windows that the start counts for */
#define OUTLIER		 20 /* one window against another: counts with a quarter */
#define OUTLIER_MEASURED 3  /* the same for one of many blocks */
#define OUTLIER_SHARE	 0.25
#define OUTLIER_MAX	 32
#define HELD_SHARE	 (1.0 / 32)
#define CLEAN_SHARE	 (1.0 / 4) /* of windows without loss */
#define LOST_TELLING	 4	   /* lost packets that make a window tell all it can */

/* Lost frames are what bursts do; without one for long there are none that matter. */
#define TRUST_KEEP  (1 - 1.0 / 128)
#define STRIKE_KEEP (1 - 1.0 / 16)
#define STRIKES	    1.5 /* the second one soon after the first */
#define STRIKE_RISE 1.5
#define PROVEN_KEEP (1 - 1.0 / 256)

void pf_loss_init(struct pf_loss_estimate *l)
{
	*l = (struct pf_loss_estimate){
		.dispersion = 2 * PF_LOSS_BURST_START - 1,
		.held = 2 * PF_LOSS_BURST_START - 1,
		.trust = 1,
	};
}

static double clamp_rate(double rate)
{
	return rate < RATE_LEAST ? RATE_LEAST : rate < 0.9 ? rate : 0.9;
}

static double mean_rate(const struct pf_loss_estimate *l)
{
	return l->seen > 0 ? l->lost / l->seen : 0;
}

/* Variance of a rate over `seen` packets, bursts included. */
static double variance(const struct pf_loss_estimate *l, double rate, double seen)
{
	double d = l->trust * l->dispersion;

	rate = clamp_rate(rate);
	return rate * (1 - rate) * (d > 1 ? d : 1) / seen;
}

static void add_rate(struct pf_loss_estimate *l, const struct pf_loss_window *w)
{
	double rate = w->lost / w->seen, mean = mean_rate(l), keep = KEEP, z = 0;

	if (l->seen > 0)
		z = (rate - mean) / sqrt(variance(l, mean, w->seen) + variance(l, mean, l->seen));
	l->peak += (mean - l->peak) / 8;
	if (z > CLEARLY) {
		keep = KEEP_HIGH;
		if (rate > l->peak)
			l->peak = rate;
	} else if (z < -CLEARLY) {
		keep = KEEP_LOW;
	}
	/* A window of many packets does not drown in older ones, nor make them void. */
	l->lost = l->lost * keep + w->lost;
	l->seen = l->seen * keep + w->seen;
}

/* This window against the one before: a rate that drifts is no burst. */
static double against_last(const struct pf_loss_estimate *l, const struct pf_loss_window *w)
{
	double rate = clamp_rate((w->lost + l->last_lost) / (w->seen + l->last_seen));
	double diff = w->lost / w->seen - l->last_lost / l->last_seen;

	return diff * diff / (rate * (1 - rate) * (1 / w->seen + 1 / l->last_seen));
}

static void add_dispersion(struct pf_loss_estimate *l, const struct pf_loss_window *w)
{
	double d = w->dispersion, share = SHARE, telling = w->lost / LOST_TELLING;
	double outlier = OUTLIER_MEASURED;

	if (d <= 0) {
		outlier = OUTLIER;
		if (!l->windows)
			return;
		d = against_last(l, w);
		telling += l->last_lost / LOST_TELLING;
	}
	/* A link that loses nothing has no bursts. */
	if (telling < 1)
		d = 1 + (d - 1) * telling;
	if (1.0 / (l->windows + SHARE_START) > share)
		share = 1.0 / (l->windows + SHARE_START);
	/* A second lost frame bears out what the counts say. */
	if (w->frame_lost && l->strikes + 1 >= STRIKES && d > l->dispersion)
		outlier = 0;
	if (d > outlier && share < OUTLIER_SHARE)
		share = OUTLIER_SHARE;
	if (d > OUTLIER_MAX)
		d = OUTLIER_MAX;
	if (w->lost <= 0 && share < CLEAN_SHARE)
		share = CLEAN_SHARE;
	l->dispersion += (d - l->dispersion) * share;
	l->held += (l->dispersion - l->held) * (w->lost > 0 ? HELD_SHARE : CLEAN_SHARE);
}

static void add_frame_lost(struct pf_loss_estimate *l, bool lost)
{
	l->trust *= TRUST_KEEP;
	l->strikes *= STRIKE_KEEP;
	l->proven *= PROVEN_KEEP;
	if (!lost)
		return;
	l->trust = 1;
	/* One frame may be the one in ten thousand that is meant to be lost. */
	l->strikes++;
	if (l->strikes < STRIKES)
		return;
	l->proven = 1;
	l->dispersion *= STRIKE_RISE;
	if (l->dispersion > DISPERSION_MAX)
		l->dispersion = DISPERSION_MAX;
}

void pf_loss_add(struct pf_loss_estimate *l, const struct pf_loss_window *w)
{
	if (w->seen > 0) {
		add_dispersion(l, w);
		add_rate(l, w);
		l->last_lost = w->lost;
		l->last_seen = w->seen;
		if (l->windows < UINT32_MAX)
			l->windows++;
	}
	add_frame_lost(l, w->frame_lost);
	if (l->held < l->dispersion)
		l->held = l->dispersion;
}

double pf_loss_rate(const struct pf_loss_estimate *l)
{
	double mean = mean_rate(l);

	return l->peak > mean ? l->peak : mean;
}

double pf_loss_rate_bound(const struct pf_loss_estimate *l)
{
	double rate = pf_loss_rate(l), mean = mean_rate(l), bound = mean;

	if (l->seen > 0 && mean > 0)
		bound += sqrt(variance(l, mean, l->seen));
	return rate > bound ? rate : bound;
}

double pf_loss_burst(const struct pf_loss_estimate *l)
{
	double d = 1 + l->trust * (l->held - 1), arrive = 1 - mean_rate(l), burst;

	if (d < DISPERSION_DOUBT || arrive <= 0)
		return arrive > 0 ? 1 / arrive : PF_LOSS_BURST_MAX;
	burst = (d + 1) / (2 * arrive);
	return burst < PF_LOSS_BURST_MAX ? burst : PF_LOSS_BURST_MAX;
}
