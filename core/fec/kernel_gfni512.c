/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <immintrin.h>
#include <stdbool.h>

#include "core/base/cpu.h"
#include "core/fec/gf16_field.h"
#include "core/fec/kernel_rows.h"

typedef __m512i V;
#define V_BYTES 64u

typedef __m512i T;

static inline V v_load(const uint8_t *p)
{
	return _mm512_loadu_si512(p);
}

static inline void v_store(uint8_t *p, V v)
{
	_mm512_storeu_si512(p, v);
}

static inline V v_zero(void)
{
	return _mm512_setzero_si512();
}

static inline V v_xor(V a, V b)
{
	return _mm512_xor_si512(a, b);
}

static inline T t_of(const uint8_t *nib, uint64_t affine)
{
	return _mm512_set1_epi64((long long)affine);
}

static inline V v_map(V v, T t)
{
	return _mm512_gf2p8affine_epi64_epi8(v, t, 0);
}

/* 32 registers: 22 to 24 sums, up to four inputs and a factor. */
#define GF8_ROWS       6
#define GF8_WIDE(rows) ((rows) <= 2 ? 11u : 24u / (rows))
#include "core/fec/gf8_tmpl.inc"

/* One group of a row as it lies: low halves in the lower half of the vector. */
typedef __m512i E;
#define E_BYTES 64u

/* What a half gives to itself, and what it gets from the other one. */
typedef struct {
	__m512i own, other;
} G;

typedef G H;
typedef __m512i B;

static inline E e_load(const uint8_t *row, size_t n)
{
	return v_load(row + n * 64);
}

static inline void e_store(uint8_t *row, size_t n, E e)
{
	v_store(row + n * 64, e);
}

static inline E e_xor(E a, E b)
{
	return _mm512_xor_si512(a, b);
}

static inline E e_mul(E e, T t)
{
	return v_map(e, t);
}

static inline E swapped(E e)
{
	return _mm512_shuffle_i64x2(e, e, 0x4e);
}

static inline __m512i halves(uint64_t lo, uint64_t hi)
{
	return _mm512_mask_set1_epi64(_mm512_set1_epi64((long long)lo), 0xf0, (long long)hi);
}

static inline T t_times(uint32_t c)
{
	return _mm512_set1_epi64((long long)pf_gf16_sub.affine[c]);
}

static inline G g_of(uint32_t factor)
{
	const uint64_t *a = pf_gf16_sub.affine;
	uint32_t f0 = factor & 255, f1 = factor >> 8;

	return (G){ halves(a[f0], a[f0 ^ f1]), halves(a[pf_gf16_theta2(f1)], a[f1]) };
}

static inline E e_mulg(E e, G g)
{
	return _mm512_xor_si512(v_map(e, g.own), v_map(swapped(e), g.other));
}

/* The changes of basis to the tower, transposed: a matrix is multiplied from the
 * right by applying the other one's transpose to its rows. */
typedef struct {
	__m512i lo, hi;
} W;

static inline __m512i transposed(uint64_t affine)
{
	__m512i rows = _mm512_set1_epi64(0x0102040810204080);
	__m512i matrix = _mm512_set1_epi64((long long)affine);

	/* clang 14 exchanges the two where it knows that one is a constant. */
	__asm__("" : "+v"(rows), "+v"(matrix));
	return v_map(rows, matrix);
}

static inline W w_of(void)
{
	return (W){ transposed(pf_gf16_tower.in_lo.affine),
		transposed(pf_gf16_tower.in_hi.affine) };
}

static inline G gw_of(uint32_t factor, W w)
{
	const uint64_t *a = pf_gf16_sub.affine;
	const uint32_t c0 = factor & 255, c1 = factor >> 8;
	/* What the high half gives to each half. */
	const __m512i high = _mm512_xor_si512(v_map(halves(a[c0], a[c1]), w.lo),
		v_map(halves(a[pf_gf16_theta2(c1)], a[c0 ^ c1]), w.hi));

	return (G){ _mm512_mask_set1_epi64(high, 0x0f, (long long)a[c0]),
		_mm512_mask_set1_epi64(high, 0xf0, (long long)a[c1]) };
}

static inline H h_of(uint32_t high)
{
	return g_of(pf_gf16_to_tower(high << 8));
}

static inline E e_madd_high(E a, E b, size_t c, H h)
{
	const T own = _mm512_xor_si512(h.own, t_times((uint32_t)c));

	return _mm512_ternarylogic_epi64(a, v_map(b, own), v_map(swapped(b), h.other), 0x96);
}

static inline B b_in(void)
{
	return halves(pf_gf16_tower.in_lo.affine, pf_gf16_tower.in_hi.affine);
}

static inline B b_out(void)
{
	return halves(pf_gf16_tower.out_lo.affine, pf_gf16_tower.out_hi.affine);
}

/* Either way between coordinates and tower: high halves are mapped, and a
 * second map of them goes to the low ones. */
static inline E e_in(const uint8_t *row, size_t n, B b)
{
	const __m256i *at = (const __m256i *)(row + n * 64);
	const E high = _mm512_broadcast_i64x4(_mm256_loadu_si256(at + 1));

	return _mm512_xor_si512(v_map(high, b), _mm512_zextsi256_si512(_mm256_loadu_si256(at)));
}

static inline E e_out(E e, B b)
{
	const E e2 = v_map(_mm512_shuffle_i64x2(e, e, 0xee), b);

	return _mm512_mask_xor_epi64(e2, 0x0f, e2, e);
}

#define PASS_LAYERS 4
#include "core/fec/gf16_tmpl.inc"
#define MADD_MOST 8
#define MADD_ROWS 4
#include "core/fec/gf16_dec_tmpl.inc"

const struct pf_gf8_kernel pf_gf8_gfni512 = { sum, "avx512_gfni", PF_CPU_AVX512 | PF_CPU_GFNI };
const struct pf_gf16_kernel pf_gf16_gfni512 = { load, store, mul, add, gather, scatter, ifft, fft,
	walsh, madd, madd_wire, "avx512_gfni", PF_CPU_AVX512 | PF_CPU_GFNI };
