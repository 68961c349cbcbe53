/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* loss_estimate.h - what a link loses and how far in bursts, from counts per
 * window.
 *
 * The rate is a mean over some twenty windows as long as they agree; one that lies
 * clearly above counts at once, one clearly below slowly. The burst length comes
 * from the dispersion of the counts: losses in bursts make them vary more than
 * independent ones. Bursts are believed as long as frames were lost not long ago.
 * Plain data, one thread, a pure function of its input. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define PF_LOSS_BURST_START 8.0 /* until something is known */
#define PF_LOSS_BURST_MAX   32.0

struct pf_loss_window {
	double lost, seen; /* packets; seen 0 = nothing was told */
	/* Mean square of the counts' distances from what was expected, over that of
	 * independent loss; 0 = not known, this window is held against the last one. */
	double dispersion;
	bool frame_lost; /* one was beyond repair */
};

struct pf_loss_estimate {
	double lost, seen; /* sums that forget */
	double peak;	   /* rate of windows that lie above the mean, falling */
	double last_lost, last_seen;
	double dispersion, held; /* of late, and its peaks, falling slowly */
	double trust;		 /* 0..1: how far the dispersion counts */
	double strikes;		 /* lost frames of late */
	double proven;		 /* 0..1: bursts cost frames in spite of the parity for loss */
	uint32_t windows;
};

void pf_loss_init(struct pf_loss_estimate *l);
void pf_loss_add(struct pf_loss_estimate *l, const struct pf_loss_window *w);
/** 0..1. */
double pf_loss_rate(const struct pf_loss_estimate *l);
/** The rate and one standard error. */
double pf_loss_rate_bound(const struct pf_loss_estimate *l);
/** Mean packets per burst, 1 / (1 - rate) for independent loss. */
double pf_loss_burst(const struct pf_loss_estimate *l);
