/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* convert_x86.h - the kernels of convert_x86.c, for convert.c's table alone. */
#pragma once
#include "host/encode/convert.h"

#if defined(__x86_64__)
#define PF_CONVERT_X86 1
void pf_convert_i420_ssse3(const struct pf_convert_coef *k, const uint8_t *r0, const uint8_t *r1,
	unsigned width, bool left, uint8_t *y0, uint8_t *y1, uint8_t *u, uint8_t *v);
void pf_convert_nv12_ssse3(const struct pf_convert_coef *k, const uint8_t *r0, const uint8_t *r1,
	unsigned width, bool left, uint8_t *y0, uint8_t *y1, uint8_t *u, uint8_t *v);
void pf_convert_i420_avx2(const struct pf_convert_coef *k, const uint8_t *r0, const uint8_t *r1,
	unsigned width, bool left, uint8_t *y0, uint8_t *y1, uint8_t *u, uint8_t *v);
void pf_convert_nv12_avx2(const struct pf_convert_coef *k, const uint8_t *r0, const uint8_t *r1,
	unsigned width, bool left, uint8_t *y0, uint8_t *y1, uint8_t *u, uint8_t *v);
void pf_convert_i420_avx512(const struct pf_convert_coef *k, const uint8_t *r0, const uint8_t *r1,
	unsigned width, bool left, uint8_t *y0, uint8_t *y1, uint8_t *u, uint8_t *v);
void pf_convert_nv12_avx512(const struct pf_convert_coef *k, const uint8_t *r0, const uint8_t *r1,
	unsigned width, bool left, uint8_t *y0, uint8_t *y1, uint8_t *u, uint8_t *v);
#endif
/* Plain C, which finishes what is narrower than a vector. */
void pf_convert_i420_c(const struct pf_convert_coef *k, const uint8_t *r0, const uint8_t *r1,
	unsigned width, bool left, uint8_t *y0, uint8_t *y1, uint8_t *u, uint8_t *v);
void pf_convert_nv12_c(const struct pf_convert_coef *k, const uint8_t *r0, const uint8_t *r1,
	unsigned width, bool left, uint8_t *y0, uint8_t *y1, uint8_t *u, uint8_t *v);
