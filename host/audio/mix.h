/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* mix.h - one channel layout becomes another.
 *
 * A desk's sound keeps its channel count for life; a later client may want
 * another. Down: ITU-R BS.775-3 table 2, centre and surround into left and right
 * at -3 dB, no LFE; the two surround pairs of eight channels first become one,
 * each at -3 dB, which keeps the power of what differs between them. Up: channels
 * keep their names, the others stay silent. Nothing is scaled down in advance, so
 * stereo stays as loud as it was; what goes past full scale is clipped. Pure, any
 * thread, RT safe. */
#pragma once

/** `frames` interleaved samples of `from` channels become as many of `to`, each 2, 6
 * or 8: FL FR FC LFE RL RR SL SR. `in` and `out` do not overlap. */
void pf_mix(const float *in, unsigned from, float *out, unsigned to, unsigned frames);
