/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* gf8_kernel.h - the loop of the GF(2^8) code, one row per instruction set;
 * private to core/fec and its kernel test. */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* dst[r] = (init[r] + sum over i < n of src[i] / (x[r] + y[i])) / over[r]
 *
 * for r < rows and `bytes` bytes: of dst from dst_at on, of src and init from src_at
 * on. That is a Cauchy matrix between two diagonal ones, so no factor needs to be
 * worked out before; division by 0 gives 0. n may be 0. dst overlaps nothing. */
struct pf_gf8_sum {
	uint8_t *const *dst;
	const uint8_t *x;
	uint32_t rows;
	const uint8_t *const *src;
	const uint8_t *y;
	uint32_t n;
	const uint8_t *const *init; /* NULL: nothing is added */
	const uint8_t *over;	    /* NULL: 1 */
	size_t dst_at, src_at, bytes;
};

struct pf_gf8_kernel {
	void (*sum)(const struct pf_gf8_sum *s);
	const char *name;
	uint32_t needs; /* pf_cpu_flag bits */
};

/* Best first; the last row is plain C and needs nothing. */
extern const struct pf_gf8_kernel *const pf_gf8_kernels[];
extern const unsigned pf_gf8_kernel_count;

/** The first row whose needs `flags` hold. */
const struct pf_gf8_kernel *pf_gf8_kernel_pick(uint32_t flags);

/** Plain C, the bytes from..to-1 of the rows first..first+rows-1; other rows of the
 * table leave it what is shorter than one of their vectors. */
void pf_gf8_sum_c(
	const struct pf_gf8_sum *s, uint32_t first, uint32_t rows, size_t from, size_t to);
