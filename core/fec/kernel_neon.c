/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <arm_neon.h>
#include <stdbool.h>

#include "core/base/cpu.h"
#include "core/fec/kernel_rows.h"
#include "core/fec/tables.h"

typedef uint8x16_t V;
#define V_BYTES 16u

typedef struct {
	uint8x16_t lo, hi; /* images of the two nibbles */
} T;

static inline V v_load(const uint8_t *p)
{
	return vld1q_u8(p);
}

static inline void v_store(uint8_t *p, V v)
{
	vst1q_u8(p, v);
}

static inline V v_zero(void)
{
	return vdupq_n_u8(0);
}

static inline V v_xor(V a, V b)
{
	return veorq_u8(a, b);
}

static inline T t_of(const uint8_t *nib, uint64_t affine)
{
	return (T){ vld1q_u8(nib), vld1q_u8(nib + 16) };
}

static inline V v_map(V v, T t)
{
	return veorq_u8(
		vqtbl1q_u8(t.lo, vandq_u8(v, vdupq_n_u8(15))), vqtbl1q_u8(t.hi, vshrq_n_u8(v, 4)));
}

/* 32 registers: 16 sums, inputs, two for a factor and what a product takes. */
#define GF8_ROWS       4
#define GF8_WIDE(rows) 4u
#include "core/fec/gf8_tmpl.inc"
#include "core/fec/nib_tmpl.inc"
#include "core/fec/gf16_pair_tmpl.inc"
#include "core/fec/gf16_tmpl.inc"
#define MADD_MOST 1
#define MADD_ROWS 1
#include "core/fec/gf16_dec_tmpl.inc"

const struct pf_gf8_kernel pf_gf8_neon = { sum, "neon", PF_CPU_NEON };
const struct pf_gf16_kernel pf_gf16_neon = { load, store, mul, add, gather, scatter, ifft, fft,
	walsh, madd, madd_wire, "neon", PF_CPU_NEON };
