/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdbool.h>
#include <tmmintrin.h>

#include "core/base/cpu.h"
#include "core/fec/kernel_rows.h"
#include "core/fec/tables.h"

typedef __m128i V;
#define V_BYTES 16u

typedef struct {
	__m128i lo, hi; /* images of the two nibbles */
} T;

static inline V v_load(const uint8_t *p)
{
	return _mm_loadu_si128((const __m128i *)p);
}

static inline void v_store(uint8_t *p, V v)
{
	_mm_storeu_si128((__m128i *)p, v);
}

static inline V v_zero(void)
{
	return _mm_setzero_si128();
}

static inline V v_xor(V a, V b)
{
	return _mm_xor_si128(a, b);
}

static inline T t_of(const uint8_t *nib, uint64_t affine)
{
	return (T){ _mm_load_si128((const __m128i *)nib),
		_mm_load_si128((const __m128i *)nib + 1) };
}

static inline V v_map(V v, T t)
{
	const V low = _mm_set1_epi8(15);

	return _mm_xor_si128(_mm_shuffle_epi8(t.lo, _mm_and_si128(v, low)),
		_mm_shuffle_epi8(t.hi, _mm_and_si128(_mm_srli_epi64(v, 4), low)));
}

/* 16 registers: up to 8 sums, two for a factor and what a product takes. */
#define GF8_ROWS       4
#define GF8_WIDE(rows) 2u
#include "core/fec/gf8_tmpl.inc"
#include "core/fec/nib_tmpl.inc"
#include "core/fec/gf16_pair_tmpl.inc"
#include "core/fec/gf16_tmpl.inc"
#define MADD_MOST 1
#define MADD_ROWS 1
#include "core/fec/gf16_dec_tmpl.inc"

const struct pf_gf8_kernel pf_gf8_ssse3 = { sum, "ssse3", PF_CPU_SSSE3 };
const struct pf_gf16_kernel pf_gf16_ssse3 = { load, store, mul, add, gather, scatter, ifft, fft,
	walsh, madd, madd_wire, "ssse3", PF_CPU_SSSE3 };
