/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* For processors with GFNI but no AVX-512. */
#include <immintrin.h>
#include <stdbool.h>

#include "core/base/cpu.h"
#include "core/fec/kernel_rows.h"
#include "core/fec/tables.h"

typedef __m256i V;
#define V_BYTES 32u

typedef __m256i T;

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
	return _mm256_set1_epi64x((long long)affine);
}

static inline V v_map(V v, T t)
{
	return _mm256_gf2p8affine_epi64_epi8(v, t, 0);
}

/* A map that another one comes before, transposed: a matrix is multiplied from
 * the right by applying the other one's transpose to its rows. */
typedef __m256i U;

static inline U u_of(const struct pf_gf16_map *map)
{
	return _mm256_gf2p8affine_epi64_epi8(_mm256_set1_epi64x(0x0102040810204080),
		_mm256_set1_epi64x((long long)map->affine), 0);
}

static inline T t_after(T t, U before)
{
	return _mm256_gf2p8affine_epi64_epi8(t, before, 0);
}

static inline T t_xor(T a, T b)
{
	return _mm256_xor_si256(a, b);
}

/* 16 registers: up to 12 sums, two inputs, a factor and a product. */
#define GF8_ROWS       6
#define GF8_WIDE(rows) ((rows) <= 3 ? 4u : 2u)
#include "core/fec/gf8_tmpl.inc"
#include "core/fec/gf16_pair_tmpl.inc"
#include "core/fec/gf16_tmpl.inc"
#define MADD_MOST 2
#define MADD_ROWS 2
#include "core/fec/gf16_dec_tmpl.inc"

const struct pf_gf8_kernel pf_gf8_gfni256 = { sum, "avx2_gfni", PF_CPU_AVX2 | PF_CPU_GFNI };
const struct pf_gf16_kernel pf_gf16_gfni256 = { load, store, mul, add, gather, scatter, ifft, fft,
	walsh, madd, madd_wire, "avx2_gfni", PF_CPU_AVX2 | PF_CPU_GFNI };
