/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* strip.h - where a test picture carries its time and number: docs/clock-strip.md.
 *
 * Plain data and two pure functions on 32-bit pixels; any thread. */
#pragma once
#include <stdint.h>

#define PF_STRIP_BLOCK	       16 /* pixels: width of a block, height of the clock row */
#define PF_STRIP_CLOCK_Y       0
#define PF_STRIP_CLOCK_BITS    40
#define PF_STRIP_NUMBER_Y      16
#define PF_STRIP_NUMBER_HEIGHT 32
#define PF_STRIP_NUMBER_BITS   32
#define PF_STRIP_WIDTH	       (PF_STRIP_BLOCK * PF_STRIP_CLOCK_BITS)
#define PF_STRIP_HEIGHT	       (PF_STRIP_NUMBER_Y + PF_STRIP_NUMBER_HEIGHT)
#define PF_STRIP_UNITS_PER_S   10000 /* of the clock */
#define PF_STRIP_UNIT_NS       100000

/* One row of blocks: bit i of `value` at x = 16 i. */
static inline void pf_strip_draw_row(
	uint32_t *px, uint32_t stride_px, int y, int height, unsigned bits, uint64_t value)
{
	for (int line = y; line < y + height; line++) {
		uint32_t *p = px + (uint64_t)line * stride_px;

		for (unsigned i = 0; i < bits; i++) {
			const uint32_t c = value >> i & 1 ? 0xffffffffu : 0xff000000u;

			for (int x = 0; x < PF_STRIP_BLOCK; x++)
				*p++ = c;
		}
	}
}

/* Draws both rows into a BGRX picture of at least PF_STRIP_WIDTH x PF_STRIP_HEIGHT. */
static inline void pf_strip_draw(
	uint32_t *px, uint32_t stride_px, uint64_t unix_ns, uint32_t number)
{
	pf_strip_draw_row(px, stride_px, PF_STRIP_CLOCK_Y, PF_STRIP_BLOCK, PF_STRIP_CLOCK_BITS,
		unix_ns / PF_STRIP_UNIT_NS);
	pf_strip_draw_row(px, stride_px, PF_STRIP_NUMBER_Y, PF_STRIP_NUMBER_HEIGHT,
		PF_STRIP_NUMBER_BITS, number);
}
