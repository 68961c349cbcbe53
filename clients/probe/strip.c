/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "clients/probe/strip.h"

#define BLOCK	      16
#define CLOCK_BITS    40
#define NUMBER_BITS   32
#define NUMBER_HEIGHT 32
#define UNIT_NS	      100000
#define NEAR_UNITS    (60 * 10000ll)

/* Of the 8x8 pixels in the middle of a block. */
static unsigned mean(const uint8_t *luma, ptrdiff_t stride, unsigned x, unsigned y)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < 8; i++)
		for (unsigned k = 0; k < 8; k++)
			sum += luma[(ptrdiff_t)(y - 4 + i) * stride + x - 4 + k];
	return sum / 64;
}

static bool read_row(
	const uint8_t *luma, ptrdiff_t stride, unsigned y, unsigned bits, uint64_t *value)
{
	*value = 0;
	for (unsigned i = 0; i < bits; i++) {
		unsigned m = mean(luma, stride, i * BLOCK + BLOCK / 2, y);

		/* 16 and 235 are the codes; what lies far from both is no block. */
		if (m > 80 && m < 170)
			return false;
		*value |= (uint64_t)(m >= 170) << i;
	}
	return true;
}

bool pf_strip_read(const uint8_t *luma, ptrdiff_t stride, uint32_t width, uint32_t height,
	uint64_t near_unix_ns, struct pf_strip *out)
{
	const uint64_t wrap = 1ull << CLOCK_BITS;
	uint64_t clock, number, near = near_unix_ns / UNIT_NS;
	int64_t apart;

	if (width < CLOCK_BITS * BLOCK || height < BLOCK + NUMBER_HEIGHT)
		return false;
	if (!read_row(luma, stride, BLOCK / 2, CLOCK_BITS, &clock) ||
		!read_row(luma, stride, BLOCK + NUMBER_HEIGHT / 2, NUMBER_BITS, &number))
		return false;
	/* The signed distance on the ring of 2^40 units. */
	apart = (int64_t)((clock - near) % wrap);
	if (apart >= (int64_t)(wrap / 2))
		apart -= (int64_t)wrap;
	if (apart > NEAR_UNITS || apart < -NEAR_UNITS)
		return false;
	out->unix_ns = (near + (uint64_t)apart) * UNIT_NS;
	out->number = (uint32_t)number;
	return true;
}
