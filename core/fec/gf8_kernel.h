/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* gf8_kernel.h - the loop of the GF(2^8) code, one row per instruction set;
 * private to core/fec and its kernel test. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define PF_GF8_ROWS 4 /* outputs made in one pass over the inputs */

struct pf_gf8_kernel {
	/* dst[r] = sum over i < n of factors[r * n + i] * src[i], r < rows <= PF_GF8_ROWS,
	 * for the bytes from..to-1 of all; n may be 0. */
	void (*dot)(uint8_t *const *dst, uint32_t rows, const uint8_t *const *src, uint32_t n,
		const uint8_t *factors, size_t from, size_t to);
	const char *name;
	uint32_t needs; /* pf_cpu_flag bits */
};

/* Best first; the last row is plain C and needs nothing. */
extern const struct pf_gf8_kernel *const pf_gf8_kernels[];
extern const unsigned pf_gf8_kernel_count;

/** The first row whose needs `flags` hold. */
const struct pf_gf8_kernel *pf_gf8_kernel_pick(uint32_t flags);

/** Plain C; other rows leave it what is shorter than one of their vectors. */
void pf_gf8_dot_c(uint8_t *const *dst, uint32_t rows, const uint8_t *const *src, uint32_t n,
	const uint8_t *factors, size_t from, size_t to);
