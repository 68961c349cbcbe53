/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <immintrin.h>
#include <stdbool.h>

#include "core/base/cpu.h"
#include "core/fec/kernel_rows.h"
#include "core/fec/tables.h"

typedef __m256i V;
#define V_BYTES 32u

typedef struct {
	__m256i lo, hi; /* images of the two nibbles */
} T;

static inline V v_load(const uint8_t *p)
{
	return _mm256_loadu_si256((const __m256i *)p);
}

static inline void v_store(uint8_t *p, V v)
{
	_mm256_storeu_si256((__m256i *)p, v);
}

static inline V v_zero(void)
{
	return _mm256_setzero_si256();
}

static inline V v_xor(V a, V b)
{
	return _mm256_xor_si256(a, b);
}

static inline T t_of(const uint8_t *nib, uint64_t affine)
{
	return (T){ _mm256_broadcastsi128_si256(_mm_load_si128((const __m128i *)nib)),
		_mm256_broadcastsi128_si256(_mm_load_si128((const __m128i *)nib + 1)) };
}

static inline V v_map(V v, T t)
{
	const V low = _mm256_set1_epi8(15);

	return _mm256_xor_si256(_mm256_shuffle_epi8(t.lo, _mm256_and_si256(v, low)),
		_mm256_shuffle_epi8(t.hi, _mm256_and_si256(_mm256_srli_epi64(v, 4), low)));
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

const struct pf_gf8_kernel pf_gf8_avx2 = { sum, "avx2", PF_CPU_AVX2 };
const struct pf_gf16_kernel pf_gf16_avx2 = { load, store, mul, add, gather, scatter, ifft, fft,
	walsh, madd, madd_wire, "avx2", PF_CPU_AVX2 };
