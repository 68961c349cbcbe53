/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* kernel_rows.h - the rows that exist for this target; private to core/fec.
 *
 * Each instruction set is one file kernel_<name>.c with compiler flags of its
 * own, which gives one row to both tables. */
#pragma once
#include "core/fec/gf16_kernel.h"
#include "core/fec/gf8_kernel.h"

#if defined(__x86_64__)
#define PF_FEC_SSSE3 1
/* gcc does not keep 32-byte vectors aligned on the stack of Windows. */
#if !defined(_WIN32) || defined(__clang__)
#define PF_FEC_AVX 1
#endif
#endif
#if defined(__aarch64__)
#define PF_FEC_NEON 1
#endif

extern const struct pf_gf8_kernel pf_gf8_c, pf_gf8_ssse3, pf_gf8_avx2, pf_gf8_gfni256,
	pf_gf8_gfni512, pf_gf8_neon;
extern const struct pf_gf16_kernel pf_gf16_c, pf_gf16_ssse3, pf_gf16_avx2, pf_gf16_gfni256,
	pf_gf16_gfni512, pf_gf16_neon;
