/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* convert_x86.h - the kernels of convert_x86.c, for convert.c's table alone. */
#pragma once
#include "host/encode/convert.h"

/* The five of one instruction set. */
#define PF_CONVERT_KERNELS(isa)                                                                    \
	void pf_convert_i420_##isa(const struct pf_convert_coef *k, const uint8_t *r0,             \
		const uint8_t *r1, unsigned width, bool left, uint8_t *y0, uint8_t *y1,            \
		uint8_t *u, uint8_t *v);                                                           \
	void pf_convert_nv12_##isa(const struct pf_convert_coef *k, const uint8_t *r0,             \
		const uint8_t *r1, unsigned width, bool left, uint8_t *y0, uint8_t *y1,            \
		uint8_t *u, uint8_t *v);                                                           \
	void pf_convert_i420_10_##isa(const struct pf_convert_coef *k, const uint8_t *r0,          \
		const uint8_t *r1, unsigned width, bool left, uint8_t *y0, uint8_t *y1,            \
		uint8_t *u, uint8_t *v);                                                           \
	void pf_convert_i444_##isa(const struct pf_convert_coef *k, const uint8_t *row,            \
		unsigned width, uint8_t *y, uint8_t *u, uint8_t *v);                               \
	void pf_convert_i444_10_##isa(const struct pf_convert_coef *k, const uint8_t *row,         \
		unsigned width, uint8_t *y, uint8_t *u, uint8_t *v)

#if defined(__x86_64__)
#define PF_CONVERT_X86 1
PF_CONVERT_KERNELS(ssse3);
PF_CONVERT_KERNELS(avx2);
PF_CONVERT_KERNELS(avx512);
#endif
/* Plain C, which finishes what is narrower than a vector. */
PF_CONVERT_KERNELS(c);
