/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The probe's reader against the strip that tools/pattern draws. */
#include "clients/probe/strip.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tools/pattern/strip.h"

#define W 704
#define H 80

static uint8_t luma[H][W];

/* Draws a strip and takes over its luma in limited range, with some noise. */
static void draw(uint64_t unix_ns, uint32_t number)
{
	static uint32_t px[H * W];
	uint32_t seed = 5;

	memset(px, 0x40, sizeof(px));
	pf_strip_draw(px, W, unix_ns, number);
	for (unsigned y = 0; y < H; y++)
		for (unsigned x = 0; x < W; x++) {
			seed = seed * 1664525u + 1013904223u;
			luma[y][x] = (uint8_t)(16 + (px[y * W + x] & 255) * 219 / 255 +
					       (seed >> 24) % 21);
		}
}

static void test_reads_what_was_drawn(void **state)
{
	static const uint64_t times[] = { 1700000000123400000ull, 1763700000999900000ull,
		PF_STRIP_UNIT_NS * ((1ull << 40) * 3 - 1), PF_STRIP_UNIT_NS * ((1ull << 40) * 3) };
	static const uint32_t numbers[] = { 0, 1, 0xdeadbeef, UINT32_MAX };

	for (unsigned i = 0; i < 4; i++) {
		for (int64_t off = -50; off <= 50; off += 25) {
			struct pf_strip s = { 0 };

			draw(times[i], numbers[i]);
			assert_true(pf_strip_read(
				&luma[0][0], W, W, H, times[i] + (uint64_t)(off * 1000000000), &s));
			assert_int_equal(s.unix_ns, times[i]);
			assert_int_equal(s.number, numbers[i]);
		}
	}
}

static void test_refuses(void **state)
{
	const uint64_t t = 1763700000999900000ull;
	struct pf_strip s = { 0 };

	draw(t, 7);
	assert_false(pf_strip_read(&luma[0][0], W, W, H, t + 61000000000ull, &s));
	assert_false(pf_strip_read(&luma[0][0], W, W, H, t - 61000000000ull, &s));
	assert_false(pf_strip_read(&luma[0][0], W, PF_STRIP_WIDTH - 1, H, t, &s));
	assert_false(pf_strip_read(&luma[0][0], W, W, PF_STRIP_HEIGHT - 1, t, &s));
	assert_true(pf_strip_read(&luma[0][0], W, PF_STRIP_WIDTH, PF_STRIP_HEIGHT, t, &s));
	/* One grey block: that is a picture, not a strip. */
	for (unsigned y = 16; y < 48; y++)
		memset(&luma[y][64], 126, 16);
	assert_false(pf_strip_read(&luma[0][0], W, W, H, t, &s));
	memset(luma, 16, sizeof(luma));
	assert_false(pf_strip_read(&luma[0][0], W, W, H, t, &s));
	memset(luma, 235, sizeof(luma));
	assert_false(pf_strip_read(&luma[0][0], W, W, H, t, &s));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_what_was_drawn),
		cmocka_unit_test(test_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
