/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>
#include "host/audio/mix.h"

#define H 0.70710678f /* -3 dB */

/* row: output channel; column: FL FR FC LFE RL RR SL SR of the input */
static const float to2_from6[2][8] = { { 1, 0, H, 0, H }, { 0, 1, H, 0, 0, H } };
static const float to2_from8[2][8] = { { 1, 0, H, 0, 0.5f, 0, 0.5f },
	{ 0, 1, H, 0, 0, 0.5f, 0, 0.5f } };
static const float to6_from8[6][8] = { { 1 }, { 0, 1 }, { 0, 0, 1 }, { 0, 0, 0, 1 },
	{ 0, 0, 0, 0, H, 0, H }, { 0, 0, 0, 0, 0, H, 0, H } };
static const float by_name[8][8] = { { 1 }, { 0, 1 }, { 0, 0, 1 }, { 0, 0, 0, 1 },
	{ 0, 0, 0, 0, 1 }, { 0, 0, 0, 0, 0, 1 }, { 0, 0, 0, 0, 0, 0, 1 },
	{ 0, 0, 0, 0, 0, 0, 0, 1 } };

static const struct {
	unsigned from, to;
	const float (*gain)[8];
} pairs[] = {
	{ 2, 2, by_name },
	{ 2, 6, by_name },
	{ 2, 8, by_name },
	{ 6, 2, to2_from6 },
	{ 6, 6, by_name },
	{ 6, 8, by_name },
	{ 8, 2, to2_from8 },
	{ 8, 6, to6_from8 },
	{ 8, 8, by_name },
};

/* One channel sounds per frame. */
static void gains_are_those_of_the_tables(void **state)
{
	for (unsigned p = 0; p < sizeof(pairs) / sizeof(pairs[0]); p++) {
		float in[8 * 8] = { 0 }, out[8 * 8 + 1];

		for (unsigned c = 0; c < pairs[p].from; c++)
			in[c * pairs[p].from + c] = -0.5f;
		for (unsigned i = 0; i < sizeof(out) / sizeof(out[0]); i++)
			out[i] = 9;
		pf_mix(in, pairs[p].from, out, pairs[p].to, pairs[p].from);
		for (unsigned c = 0; c < pairs[p].from; c++)
			for (unsigned o = 0; o < pairs[p].to; o++)
				assert_float_equal(out[c * pairs[p].to + o],
					-0.5f * (o < pairs[p].from ? pairs[p].gain[o][c] : 0),
					1e-6f);
		assert_float_equal(out[pairs[p].from * pairs[p].to], 9, 0);
	}
}

static void what_is_too_loud_is_clipped(void **state)
{
	float in[2 * 8], out[2 * 6];

	for (unsigned i = 0; i < 16; i++)
		in[i] = i < 8 ? 1 : -1;
	pf_mix(in, 8, out, 2, 2);
	for (unsigned i = 0; i < 4; i++)
		assert_float_equal(out[i], i < 2 ? 1 : -1, 0);
	pf_mix(in, 8, out, 6, 2);
	for (unsigned i = 0; i < 12; i++)
		assert_float_equal(out[i], i < 6 ? 1 : -1, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gains_are_those_of_the_tables),
		cmocka_unit_test(what_is_too_loud_is_clipped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
