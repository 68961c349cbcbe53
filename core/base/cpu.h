/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* cpu.h - what this processor can do, found once, and a mask over it.
 *
 * Kernels come in tables of {function, name, needed flags}, best first; the
 * first row whose flags are all present wins. Tests narrow the flags with the
 * mask to reach every row. Thread-safe. */
#pragma once
#include <stdint.h>

enum pf_cpu_flag {
	PF_CPU_SSSE3 = 1 << 0,
	PF_CPU_AVX2 = 1 << 1,
	PF_CPU_AVX512 = 1 << 2, /* F, BW, VL, DQ together */
	PF_CPU_GFNI = 1 << 3,
	PF_CPU_AESNI = 1 << 4,
	PF_CPU_VAES = 1 << 5,
	PF_CPU_VPCLMUL = 1 << 6,
	PF_CPU_NEON = 1 << 7,
	PF_CPU_VBMI = 1 << 8, /* AVX-512 byte permutes */
};

/** Flags of this machine, narrowed by the mask. */
uint32_t pf_cpu_flags(void);
/** Narrows what pf_cpu_flags() reports; ~0u lifts it. For tests and --no-simd. */
void pf_cpu_set_mask(uint32_t mask);
/** Space-separated names of `flags`, e.g. "ssse3 avx2", into `buf`; returns buf. */
char *pf_cpu_to_string(uint32_t flags, char *buf, unsigned cap);
