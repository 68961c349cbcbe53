/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "clients/probe/tone.h"
#include <math.h>
#include <string.h>

/* Mean square below which a second counts as silent: -80 dB of full scale. */
#define SILENCE 1e-8
#define COARSE	4800 /* samples: 100 ms, bins of 10 Hz */

/* Puts n samples under a Hann window. */
static void shape(float *out, const float *x, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		out[i] = x[i] * (float)(0.5 - 0.5 * cos(2 * acos(-1) * i / n));
}

/* Energy of the component at `hz` in n shaped samples, in the measure of the sum
 * of squares. */
static double component(const float *shaped, unsigned n, double hz)
{
	double k = 2 * cos(2 * acos(-1) * hz / PF_TONE_RATE);
	double s1 = 0, s2 = 0;

	for (unsigned i = 0; i < n; i++) {
		double s = shaped[i] + k * s1 - s2;

		s2 = s1;
		s1 = s;
	}
	/* The window halves the amplitude; a sine of amplitude a has |X| = a n / 4. */
	return (s1 * s1 + s2 * s2 - k * s1 * s2) * 8 / n;
}

void pf_tone_feed(struct pf_tone *t, const float *samples, unsigned count)
{
	while (count) {
		unsigned n = PF_TONE_RATE - t->count;
		double energy = 0;

		n = n < count ? n : count;
		memcpy(t->now + t->count, samples, n * sizeof(*samples));
		t->count += n;
		samples += n;
		count -= n;
		if (t->count < PF_TONE_RATE)
			return;
		t->count = 0;
		for (unsigned i = 0; i < PF_TONE_RATE; i++)
			energy += (double)t->now[i] * t->now[i];
		if (energy > t->energy) {
			t->energy = energy;
			memcpy(t->best, t->now, sizeof(t->best));
		}
	}
}

double pf_tone_dominant(const struct pf_tone *t)
{
	double best = 0, best_hz = 0, fine_hz;
	float shaped[PF_TONE_RATE];

	if (t->energy < SILENCE * PF_TONE_RATE)
		return 0;
	for (unsigned at = 0; at < 3 * COARSE; at += COARSE)
		shape(shaped + at, t->best + 3 * at, COARSE);
	for (double hz = 50; hz <= 12000; hz += 10) {
		double sum = 0;

		for (unsigned at = 0; at < 3 * COARSE; at += COARSE)
			sum += component(shaped + at, COARSE, hz);
		if (sum > best) {
			best = sum;
			best_hz = hz;
		}
	}
	best = 0;
	fine_hz = best_hz;
	shape(shaped, t->best, PF_TONE_RATE);
	for (double hz = best_hz - 12; hz <= best_hz + 12; hz += 1) {
		double e = component(shaped, PF_TONE_RATE, hz);

		if (e > best) {
			best = e;
			fine_hz = hz;
		}
	}
	return fine_hz;
}

double pf_tone_level_db(const struct pf_tone *t, double hz)
{
	float shaped[PF_TONE_RATE];
	double e;

	if (t->energy < SILENCE * PF_TONE_RATE)
		return -200;
	shape(shaped, t->best, PF_TONE_RATE);
	e = component(shaped, PF_TONE_RATE, hz) / t->energy;
	return e > 1e-20 ? 10 * log10(e) : -200;
}
