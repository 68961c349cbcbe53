/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* gf16_kernel.h - the loops of the GF(2^16) code, one row per instruction set;
 * private to core/fec and its kernel test.
 *
 * Shard bytes are whole 64-byte groups in tower form: 32 low halves, then the 32
 * high halves of the same elements. Nothing need be aligned. `factor` is an
 * element in tower form. A transform works on 1 << layers rows of `width` bytes
 * each, back to back, that stand at the points from `point` on. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pf_gf16_kernel {
	/* dst = src brought from wire coordinates to the tower, and back. */
	void (*load)(uint8_t *dst, const uint8_t *src, size_t bytes);
	void (*store)(uint8_t *dst, const uint8_t *src, size_t bytes);
	/* dst = factor * src; dst may be src. */
	void (*mul)(uint8_t *dst, const uint8_t *src, uint32_t factor, size_t bytes);
	/* dst += src, any number of bytes in any form. */
	void (*add)(uint8_t *dst, const uint8_t *src, size_t bytes);
	/* The encoder's half of a transform: sum = factor * coefficients of n shards in
	 * wire form, zero rows behind them; with add, sum += them. `width` bytes of each, from
	 * src[i] + at. The factor is below 256. */
	void (*gather)(uint8_t *sum, bool add, uint8_t *work, size_t width, uint32_t layers,
		uint32_t point, const uint8_t *const *src, size_t at, uint32_t n, uint32_t factor);
	/* The other: the first n values, in wire form, to dst[j] + at. sum stays. */
	void (*scatter)(uint8_t *const *dst, size_t at, uint32_t n, const uint8_t *sum,
		uint8_t *work, size_t width, uint32_t layers, uint32_t point);
	/* Values to coefficients; rows from `used` on are zero on entry. */
	void (*ifft)(uint8_t *rows, size_t width, uint32_t layers, uint32_t point, uint32_t used);
	/* Coefficients to values; only rows first..end-1 are right on return. */
	void (*fft)(uint8_t *rows, size_t width, uint32_t layers, uint32_t point, uint32_t first,
		uint32_t end);
	/* Walsh-Hadamard transform modulo 65535 of n = 2, 4, .. values, 0 and 65535 being
	 * the same. */
	void (*walsh)(uint32_t *values, uint32_t n);
	/* Rows r < rows, `stride` apart: dst[r] += sum over i < n of factors[r * n + i] *
	 * src[i]; sources in tower form, or in wire coordinates. */
	void (*madd)(uint8_t *dst, size_t stride, uint32_t rows, const uint8_t *const *src,
		const uint16_t *factors, uint32_t n, size_t bytes);
	void (*madd_wire)(uint8_t *dst, size_t stride, uint32_t rows, const uint8_t *const *src,
		const uint16_t *factors, uint32_t n, size_t bytes);
	const char *name;
	uint32_t needs; /* pf_cpu_flag bits */
};

/* Best first; the last row is plain C and needs nothing. */
extern const struct pf_gf16_kernel *const pf_gf16_kernels[];
extern const unsigned pf_gf16_kernel_count;

/** The first row whose needs `flags` hold. */
const struct pf_gf16_kernel *pf_gf16_kernel_pick(uint32_t flags);
