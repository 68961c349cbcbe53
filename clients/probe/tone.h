/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* tone.h - which tone is in the sound, by Goertzel's algorithm.
 *
 * Keeps the loudest second heard so far. Plain data, one thread. */
#pragma once
#include <stdint.h>

#define PF_TONE_RATE 48000

struct pf_tone {
	float now[PF_TONE_RATE], best[PF_TONE_RATE];
	unsigned count; /* samples in now */
	double energy;	/* of best, sum of squares */
};

/** Samples of one channel, -1..1. */
void pf_tone_feed(struct pf_tone *t, const float *samples, unsigned count);
/** Frequency of the strongest tone between 50 and 12000 Hz, to 1 Hz; 0 in silence. */
double pf_tone_dominant(const struct pf_tone *t);
/** Share of the loudest second's energy at `hz`, in dB: 0 = all of it, -200 = none. */
double pf_tone_level_db(const struct pf_tone *t, double hz);
