/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* audio_tone.h - tones made and heard in tests. */
#pragma once
#include <math.h>

/** Amplitude of `hz` in every `step`-th of the samples, by Goertzel's filter: about
 * the sine's own amplitude over many whole periods, near 0 for other tones. */
static inline double tone_level(const float *pcm, unsigned n, unsigned step, double hz)
{
	const double w = 2 * M_PI * hz / 48000, c = 2 * cos(w);
	double a = 0, b = 0, t;

	for (unsigned i = 0; i < n; i++) {
		t = pcm[i * step] + c * a - b;
		b = a;
		a = t;
	}
	return 2 * sqrt(a * a + b * b - c * a * b) / n;
}

static inline void tone_add(
	float *pcm, unsigned n, unsigned step, double hz, double gain, unsigned long from)
{
	for (unsigned i = 0; i < n; i++)
		pcm[i * step] +=
			(float)(gain * sin(2 * M_PI * fmod(hz * (double)(from + i) / 48000, 1)));
}
