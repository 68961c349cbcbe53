/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/audio/mix.h"
#include <string.h>

#define DB3 0.70710678f

enum { FL, FR, FC, LFE, RL, RR, SL, SR };

static float clip(float v)
{
	return v > 1 ? 1 : v < -1 ? -1 : v;
}

void pf_mix(const float *in, unsigned from, float *out, unsigned to, unsigned frames)
{
	const unsigned same = from < to ? from : to;

	for (; frames; frames--, in += from, out += to) {
		float left, right; /* the surround pair of a smaller layout */

		if (from <= to) {
			memcpy(out, in, same * sizeof(*out));
			memset(out + same, 0, (to - same) * sizeof(*out));
			continue;
		}
		left = in[RL];
		right = in[RR];
		if (from == 8) {
			left = DB3 * (left + in[SL]);
			right = DB3 * (right + in[SR]);
		}
		if (to == 6) {
			memcpy(out, in, RL * sizeof(*out));
			out[RL] = clip(left);
			out[RR] = clip(right);
		} else {
			out[FL] = clip(in[FL] + DB3 * in[FC] + DB3 * left);
			out[FR] = clip(in[FR] + DB3 * in[FC] + DB3 * right);
		}
	}
}
