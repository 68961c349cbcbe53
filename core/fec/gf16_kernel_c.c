/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Plain C, written for plainness: the other rows are checked against it. */
#include <string.h>

#include "core/fec/gf16_field.h"
#include "core/fec/gf16_kernel.h"
#include "core/fec/kernel_rows.h"

#define GROUP 64
#define HALF  32

static void load_c(uint8_t *dst, const uint8_t *src, size_t bytes)
{
	for (size_t g = 0; g < bytes; g += GROUP) {
		for (size_t i = g; i < g + HALF; i++) {
			uint32_t t = pf_gf16_to_tower(src[i] | (uint32_t)src[i + HALF] << 8);

			dst[i] = (uint8_t)t;
			dst[i + HALF] = (uint8_t)(t >> 8);
		}
	}
}

static void store_c(uint8_t *dst, const uint8_t *src, size_t bytes)
{
	for (size_t g = 0; g < bytes; g += GROUP) {
		for (size_t i = g; i < g + HALF; i++) {
			uint32_t lo = src[i], hi = src[i + HALF];

			dst[i] = (uint8_t)(lo ^ pf_gf16_map(&pf_gf16_tower.out_lo, hi));
			dst[i + HALF] = (uint8_t)pf_gf16_map(&pf_gf16_tower.out_hi, hi);
		}
	}
}

static inline uint8_t times(const uint8_t *nib, uint8_t x)
{
	return nib[x & 15] ^ nib[16 + (x >> 4)];
}

/* (f0 + f1 theta)(lo + hi theta), with theta^2 = theta + theta2. */
struct factor {
	const uint8_t *lo_lo, *lo_hi, *hi_lo, *hi_hi; /* what lo and hi give to each half */
};

static struct factor factor_of(uint32_t f)
{
	uint32_t f0 = f & 255, f1 = f >> 8;
	const uint8_t(*nib)[32] = pf_gf16_sub.nib;

	return (struct factor){ .lo_lo = nib[f0],
		.lo_hi = nib[f1],
		.hi_lo = nib[pf_gf16_theta2(f1)],
		.hi_hi = nib[f0 ^ f1] };
}

static void mul_c(uint8_t *dst, const uint8_t *src, uint32_t factor, size_t bytes)
{
	const struct factor f = factor_of(factor);

	for (size_t g = 0; g < bytes; g += GROUP) {
		for (size_t i = g; i < g + HALF; i++) {
			uint8_t lo = src[i], hi = src[i + HALF];

			dst[i] = times(f.lo_lo, lo) ^ times(f.hi_lo, hi);
			dst[i + HALF] = times(f.lo_hi, lo) ^ times(f.hi_hi, hi);
		}
	}
}

static void madd_one(uint8_t *dst, const uint8_t *src, uint32_t factor, size_t bytes)
{
	const struct factor f = factor_of(factor);

	for (size_t g = 0; g < bytes; g += GROUP) {
		for (size_t i = g; i < g + HALF; i++) {
			uint8_t lo = src[i], hi = src[i + HALF];

			dst[i] ^= times(f.lo_lo, lo) ^ times(f.hi_lo, hi);
			dst[i + HALF] ^= times(f.lo_hi, lo) ^ times(f.hi_hi, hi);
		}
	}
}

static void add_c(uint8_t *dst, const uint8_t *src, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		dst[i] ^= src[i];
}

/* Layer l pairs rows 1 << l apart; its factor at point p has coordinates p >> l. */
static void ifft_c(uint8_t *rows, size_t width, uint32_t layers, uint32_t point, uint32_t used)
{
	for (uint32_t l = 0; l < layers; l++) {
		size_t half = width << l;

		for (uint32_t p = 0; p < used; p += 2u << l) {
			uint8_t *a = rows + p * width, *b = a + half;
			uint32_t factor = pf_gf16_to_tower((point + p) >> l);

			add_c(b, a, half);
			if (factor)
				madd_one(a, b, factor, half);
		}
	}
}

static void fft_c(
	uint8_t *rows, size_t width, uint32_t layers, uint32_t point, uint32_t first, uint32_t end)
{
	for (uint32_t l = layers; l-- > 0;) {
		size_t half = width << l;

		for (uint32_t p = first & ~((2u << l) - 1); p < end; p += 2u << l) {
			uint8_t *a = rows + p * width, *b = a + half;
			uint32_t factor = pf_gf16_to_tower((point + p) >> l);

			if (factor)
				madd_one(a, b, factor, half);
			add_c(b, a, half);
		}
	}
}

static void gather_c(uint8_t *sum, bool add, uint8_t *work, size_t width, uint32_t layers,
	uint32_t point, const uint8_t *const *src, size_t at, uint32_t n, uint32_t factor)
{
	const size_t all = width << layers;

	for (uint32_t i = 0; i < n; i++)
		load_c(work + i * width, src[i] + at, width);
	memset(work + n * width, 0, all - n * width);
	ifft_c(work, width, layers, point, n);
	if (!add)
		memset(sum, 0, all);
	madd_one(sum, work, factor, all);
}

static void scatter_c(uint8_t *const *dst, size_t at, uint32_t n, const uint8_t *sum, uint8_t *work,
	size_t width, uint32_t layers, uint32_t point)
{
	memcpy(work, sum, width << layers);
	fft_c(work, width, layers, point, 0, n);
	for (uint32_t j = 0; j < n; j++)
		store_c(dst[j] + at, work + j * width, width);
}

static void walsh_c(uint32_t *values, uint32_t n)
{
	for (uint32_t d = 1; d < n; d *= 2) {
		for (uint32_t i = 0; i < n; i++) {
			uint32_t a = values[i], b = values[i ^ d];

			if (i & d)
				continue;
			values[i] = (a + b) % PF_GF16_ORDER;
			values[i ^ d] = (a + PF_GF16_ORDER - b) % PF_GF16_ORDER;
		}
	}
}

static void madd_c(uint8_t *dst, size_t stride, uint32_t rows, const uint8_t *const *src,
	const uint16_t *factors, uint32_t n, size_t bytes)
{
	for (uint32_t r = 0; r < rows; r++)
		for (uint32_t i = 0; i < n; i++)
			madd_one(dst + r * stride, src[i], factors[r * n + i], bytes);
}

static void madd_wire_c(uint8_t *dst, size_t stride, uint32_t rows, const uint8_t *const *src,
	const uint16_t *factors, uint32_t n, size_t bytes)
{
	uint8_t group[GROUP];

	for (uint32_t i = 0; i < n; i++) {
		for (size_t g = 0; g < bytes; g += GROUP) {
			load_c(group, src[i] + g, GROUP);
			for (uint32_t r = 0; r < rows; r++)
				madd_one(dst + r * stride + g, group, factors[r * n + i], GROUP);
		}
	}
}

const struct pf_gf16_kernel pf_gf16_c = { load_c, store_c, mul_c, add_c, gather_c, scatter_c,
	ifft_c, fft_c, walsh_c, madd_c, madd_wire_c, "c", 0 };
