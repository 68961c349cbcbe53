/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The x86 kernels: convert.h's arithmetic as pmaddubsw (bytes to w0, w1) and
 * pmaddwd (w0 * c0 + w1 * c1). The last block of a row overlaps the one before
 * it instead of leaving a rest: it writes the same values again. */
#include "host/encode/convert_x86.h"

#ifdef PF_CONVERT_X86
#include <immintrin.h>
#include <string.h>

#define SHIFT	 22
#define SHIFT_10 20
#define INLINE	 static inline __attribute__((always_inline))

INLINE int32_t quad(const int8_t m[4])
{
	int32_t v;

	memcpy(&v, m, 4);
	return v;
}

INLINE int32_t pair(const int16_t c[2])
{
	int32_t v;

	memcpy(&v, c, 4);
	return v;
}

/* The entries of one instruction set; what is narrower than one of its blocks of
 * `least` pixels goes to the next set. */
#define ROWS(isa, least, narrower, name, nv12, ten)                                                \
	void pf_convert_##name##_##isa(const struct pf_convert_coef *k, const uint8_t *r0,         \
		const uint8_t *r1, unsigned width, bool left, uint8_t *y0, uint8_t *y1,            \
		uint8_t *u, uint8_t *v)                                                            \
	{                                                                                          \
		if (width < least)                                                                 \
			pf_convert_##name##_##narrower(k, r0, r1, width, left, y0, y1, u, v);      \
		else                                                                               \
			rows_##isa(k, r0, r1, width, left, y0, y1, u, v, nv12, ten);               \
	}
#define ROW(isa, least, narrower, name, ten)                                                       \
	void pf_convert_##name##_##isa(const struct pf_convert_coef *k, const uint8_t *row,        \
		unsigned width, uint8_t *y, uint8_t *u, uint8_t *v)                                \
	{                                                                                          \
		if (width < least)                                                                 \
			pf_convert_##name##_##narrower(k, row, width, y, u, v);                    \
		else                                                                               \
			row_##isa(k, row, width, y, u, v, ten);                                    \
	}

/* ---- SSSE3, 8 pixels a block ---- */

#define SSSE3 __attribute__((target("ssse3")))

struct coef128 {
	__m128i m[3], c[3], bias[3];
};

SSSE3 INLINE struct coef128 spread128(const struct pf_convert_coef *coef)
{
	struct coef128 k;

	for (int i = 0; i < 3; i++) {
		k.m[i] = _mm_set1_epi32(quad(coef->m[i]));
		k.c[i] = _mm_set1_epi32(pair(coef->c[i]));
		k.bias[i] = _mm_set1_epi32(coef->bias[i]);
	}
	return k;
}

SSSE3 INLINE __m128i sample128(const struct coef128 *k, int i, __m128i px, bool ten)
{
	__m128i w = _mm_madd_epi16(_mm_maddubs_epi16(px, k->m[i]), k->c[i]);

	w = _mm_add_epi32(w, k->bias[i]);
	return ten ? _mm_srai_epi32(w, SHIFT_10) : _mm_srai_epi32(w, SHIFT);
}

SSSE3 INLINE __m128i clamp128_10(__m128i v)
{
	return _mm_min_epi16(_mm_max_epi16(v, _mm_setzero_si128()), _mm_set1_epi16(1023));
}

/* Eight samples of eight pixels to place `x` of a row. */
SSSE3 INLINE void store128(const struct coef128 *k, int i, __m128i px0, __m128i px1, uint8_t *row,
	unsigned x, bool ten)
{
	__m128i v = _mm_packs_epi32(sample128(k, i, px0, ten), sample128(k, i, px1, ten));

	if (ten)
		_mm_storeu_si128((void *)(row + 2 * (size_t)x), clamp128_10(v));
	else
		_mm_storel_epi64((void *)(row + x), _mm_packus_epi16(v, v));
}

SSSE3 INLINE __m128i load128(const uint8_t *p)
{
	return _mm_loadu_si128((const void *)p);
}

SSSE3 INLINE __m128i even128(__m128i a, __m128i b)
{
	return _mm_castps_si128(
		_mm_shuffle_ps(_mm_castsi128_ps(a), _mm_castsi128_ps(b), _MM_SHUFFLE(2, 0, 2, 0)));
}

SSSE3 INLINE __m128i odd128(__m128i a, __m128i b)
{
	return _mm_castps_si128(
		_mm_shuffle_ps(_mm_castsi128_ps(a), _mm_castsi128_ps(b), _MM_SHUFFLE(3, 1, 3, 1)));
}

SSSE3 INLINE void rows_ssse3(const struct pf_convert_coef *coef, const uint8_t *r0,
	const uint8_t *r1, unsigned width, bool left, uint8_t *y0, uint8_t *y1, uint8_t *u,
	uint8_t *v, bool nv12, bool ten)
{
	const struct coef128 k = spread128(coef);

	for (unsigned x = 0; x < width; x += 8) {
		__m128i a0, a1, b0, b1, v0, v1, l0, l1, px, out;

		if (x + 8 > width)
			x = width - 8;
		a0 = load128(r0 + 4 * x), a1 = load128(r0 + 4 * x + 16);
		b0 = load128(r1 + 4 * x), b1 = load128(r1 + 4 * x + 16);
		store128(&k, 0, a0, a1, y0, x, ten);
		store128(&k, 0, b0, b1, y1, x, ten);

		v0 = _mm_avg_epu8(a0, b0);
		v1 = _mm_avg_epu8(a1, b1);
		if (x || left)
			l0 = _mm_avg_epu8(load128(r0 + 4 * x - 4), load128(r1 + 4 * x - 4));
		else
			l0 = _mm_shuffle_epi32(v0, _MM_SHUFFLE(2, 1, 0, 0));
		l1 = _mm_avg_epu8(load128(r0 + 4 * x + 12), load128(r1 + 4 * x + 12));
		px = _mm_avg_epu8(_mm_avg_epu8(even128(l0, l1), odd128(v0, v1)), even128(v0, v1));
		out = _mm_packs_epi32(sample128(&k, 1, px, ten), sample128(&k, 2, px, ten));
		if (ten) {
			out = clamp128_10(out);
			_mm_storel_epi64((void *)(u + x), out);
			_mm_storel_epi64((void *)(v + x), _mm_unpackhi_epi64(out, out));
			continue;
		}
		out = _mm_packus_epi16(out, out);
		if (nv12) {
			out = _mm_unpacklo_epi8(out, _mm_srli_si128(out, 4));
			_mm_storel_epi64((void *)(u + x), out);
		} else {
			int32_t four = _mm_cvtsi128_si32(out);

			memcpy(u + x / 2, &four, 4);
			four = _mm_cvtsi128_si32(_mm_srli_si128(out, 4));
			memcpy(v + x / 2, &four, 4);
		}
	}
}

SSSE3 INLINE void row_ssse3(const struct pf_convert_coef *coef, const uint8_t *row, unsigned width,
	uint8_t *y, uint8_t *u, uint8_t *v, bool ten)
{
	const struct coef128 k = spread128(coef);

	for (unsigned x = 0; x < width; x += 8) {
		__m128i a0, a1;

		if (x + 8 > width)
			x = width - 8;
		a0 = load128(row + 4 * x), a1 = load128(row + 4 * x + 16);
		store128(&k, 0, a0, a1, y, x, ten);
		store128(&k, 1, a0, a1, u, x, ten);
		store128(&k, 2, a0, a1, v, x, ten);
	}
}

SSSE3 ROWS(ssse3, 8, c, i420, false, false) SSSE3 ROWS(ssse3, 8, c, nv12, true, false) SSSE3
	ROWS(ssse3, 8, c, i420_10, false, true) SSSE3 ROW(ssse3, 8, c, i444, false) SSSE3
	ROW(ssse3, 8, c, i444_10, true)

/* ---- AVX2, 16 pixels a block ---- */

#define AVX2 __attribute__((target("avx2")))

		struct coef256 {
	__m256i m[3], c[3], bias[3];
};

AVX2 INLINE struct coef256 spread256(const struct pf_convert_coef *coef)
{
	struct coef256 k;

	for (int i = 0; i < 3; i++) {
		k.m[i] = _mm256_set1_epi32(quad(coef->m[i]));
		k.c[i] = _mm256_set1_epi32(pair(coef->c[i]));
		k.bias[i] = _mm256_set1_epi32(coef->bias[i]);
	}
	return k;
}

AVX2 INLINE __m256i sample256(const struct coef256 *k, int i, __m256i px, bool ten)
{
	__m256i w = _mm256_madd_epi16(_mm256_maddubs_epi16(px, k->m[i]), k->c[i]);

	w = _mm256_add_epi32(w, k->bias[i]);
	return ten ? _mm256_srai_epi32(w, SHIFT_10) : _mm256_srai_epi32(w, SHIFT);
}

AVX2 INLINE __m256i clamp256_10(__m256i v)
{
	return _mm256_min_epi16(
		_mm256_max_epi16(v, _mm256_setzero_si256()), _mm256_set1_epi16(1023));
}

/* Sixteen samples of sixteen pixels to place `x` of a row. */
AVX2 INLINE void store256(const struct coef256 *k, int i, __m256i px0, __m256i px1, uint8_t *row,
	unsigned x, bool ten)
{
	__m256i v = _mm256_packs_epi32(sample256(k, i, px0, ten), sample256(k, i, px1, ten));

	v = _mm256_permute4x64_epi64(v, _MM_SHUFFLE(3, 1, 2, 0));
	if (ten)
		_mm256_storeu_si256((void *)(row + 2 * (size_t)x), clamp256_10(v));
	else
		_mm_storeu_si128((void *)(row + x), _mm_packus_epi16(_mm256_castsi256_si128(v),
							    _mm256_extracti128_si256(v, 1)));
}

AVX2 INLINE __m256i load256(const uint8_t *p)
{
	return _mm256_loadu_si256((const void *)p);
}

AVX2 INLINE __m256i even256(__m256i a, __m256i b)
{
	return _mm256_castps_si256(_mm256_shuffle_ps(
		_mm256_castsi256_ps(a), _mm256_castsi256_ps(b), _MM_SHUFFLE(2, 0, 2, 0)));
}

AVX2 INLINE __m256i odd256(__m256i a, __m256i b)
{
	return _mm256_castps_si256(_mm256_shuffle_ps(
		_mm256_castsi256_ps(a), _mm256_castsi256_ps(b), _MM_SHUFFLE(3, 1, 3, 1)));
}

AVX2 INLINE void rows_avx2(const struct pf_convert_coef *coef, const uint8_t *r0, const uint8_t *r1,
	unsigned width, bool left, uint8_t *y0, uint8_t *y1, uint8_t *u, uint8_t *v, bool nv12,
	bool ten)
{
	const __m256i first = _mm256_setr_epi32(0, 0, 1, 2, 3, 4, 5, 6);
	const struct coef256 k = spread256(coef);

	for (unsigned x = 0; x < width; x += 16) {
		__m256i a0, a1, b0, b1, v0, v1, l0, l1, px, out;
		__m128i uv;

		if (x + 16 > width)
			x = width - 16;
		a0 = load256(r0 + 4 * x), a1 = load256(r0 + 4 * x + 32);
		b0 = load256(r1 + 4 * x), b1 = load256(r1 + 4 * x + 32);
		store256(&k, 0, a0, a1, y0, x, ten);
		store256(&k, 0, b0, b1, y1, x, ten);

		v0 = _mm256_avg_epu8(a0, b0);
		v1 = _mm256_avg_epu8(a1, b1);
		if (x || left)
			l0 = _mm256_avg_epu8(load256(r0 + 4 * x - 4), load256(r1 + 4 * x - 4));
		else
			l0 = _mm256_permutevar8x32_epi32(v0, first);
		l1 = _mm256_avg_epu8(load256(r0 + 4 * x + 28), load256(r1 + 4 * x + 28));
		/* Chroma columns come out as 0 1 4 5 | 2 3 6 7. */
		px = _mm256_avg_epu8(
			_mm256_avg_epu8(even256(l0, l1), odd256(v0, v1)), even256(v0, v1));
		out = _mm256_packs_epi32(sample256(&k, 1, px, ten), sample256(&k, 2, px, ten));
		if (ten) {
			__m128i lo, hi;

			out = clamp256_10(out);
			lo = _mm256_castsi256_si128(out);
			hi = _mm256_extracti128_si256(out, 1);
			_mm_storeu_si128((void *)(u + x), _mm_unpacklo_epi32(lo, hi));
			_mm_storeu_si128((void *)(v + x), _mm_unpackhi_epi32(lo, hi));
			continue;
		}
		out = _mm256_packus_epi16(out, out);
		uv = _mm_unpacklo_epi16(
			_mm256_castsi256_si128(out), _mm256_extracti128_si256(out, 1));
		if (nv12) {
			uv = _mm_unpacklo_epi8(uv, _mm_srli_si128(uv, 8));
			_mm_storeu_si128((void *)(u + x), uv);
		} else {
			_mm_storel_epi64((void *)(u + x / 2), uv);
			_mm_storel_epi64((void *)(v + x / 2), _mm_unpackhi_epi64(uv, uv));
		}
	}
}

AVX2 INLINE void row_avx2(const struct pf_convert_coef *coef, const uint8_t *row, unsigned width,
	uint8_t *y, uint8_t *u, uint8_t *v, bool ten)
{
	const struct coef256 k = spread256(coef);

	for (unsigned x = 0; x < width; x += 16) {
		__m256i a0, a1;

		if (x + 16 > width)
			x = width - 16;
		a0 = load256(row + 4 * x), a1 = load256(row + 4 * x + 32);
		store256(&k, 0, a0, a1, y, x, ten);
		store256(&k, 1, a0, a1, u, x, ten);
		store256(&k, 2, a0, a1, v, x, ten);
	}
}

AVX2 ROWS(avx2, 16, ssse3, i420, false, false) AVX2 ROWS(avx2, 16, ssse3, nv12, true, false) AVX2
	ROWS(avx2, 16, ssse3, i420_10, false, true) AVX2 ROW(avx2, 16, ssse3, i444, false) AVX2
	ROW(avx2, 16, ssse3, i444_10, true)

/* ---- AVX-512, 32 pixels a block ---- */

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq")))

		struct coef512 {
	__m512i m[3], c[3], bias[3];
};

AVX512 INLINE struct coef512 spread512(const struct pf_convert_coef *coef)
{
	struct coef512 k;

	for (int i = 0; i < 3; i++) {
		k.m[i] = _mm512_set1_epi32(quad(coef->m[i]));
		k.c[i] = _mm512_set1_epi32(pair(coef->c[i]));
		k.bias[i] = _mm512_set1_epi32(coef->bias[i]);
	}
	return k;
}

/* Clamped below; above by whoever stores it. */
AVX512 INLINE __m512i sample512(const struct coef512 *k, int i, __m512i px, bool ten)
{
	__m512i w = _mm512_madd_epi16(_mm512_maddubs_epi16(px, k->m[i]), k->c[i]);

	w = _mm512_add_epi32(w, k->bias[i]);
	w = ten ? _mm512_srai_epi32(w, SHIFT_10) : _mm512_srai_epi32(w, SHIFT);
	return _mm512_max_epi32(w, _mm512_setzero_si512());
}

/* Sixteen samples to place `x` of a row. */
AVX512 INLINE void store512(
	const struct coef512 *k, int i, __m512i px, uint8_t *row, size_t x, bool ten)
{
	__m512i v = sample512(k, i, px, ten);

	if (ten)
		_mm256_storeu_si256((void *)(row + 2 * x),
			_mm512_cvtepi32_epi16(_mm512_min_epi32(v, _mm512_set1_epi32(1023))));
	else
		_mm_storeu_si128((void *)(row + x), _mm512_cvtusepi32_epi8(v));
}

AVX512 INLINE __m512i load512(const uint8_t *p)
{
	return _mm512_loadu_si512((const void *)p);
}

AVX512 INLINE void rows_avx512(const struct pf_convert_coef *coef, const uint8_t *r0,
	const uint8_t *r1, unsigned width, bool left, uint8_t *y0, uint8_t *y1, uint8_t *u,
	uint8_t *v, bool nv12, bool ten)
{
	const __m512i even =
		_mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
	const __m512i odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
	const __m512i first =
		_mm512_setr_epi32(0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14);
	const struct coef512 k = spread512(coef);

	for (unsigned x = 0; x < width; x += 32) {
		__m512i a0, a1, b0, b1, v0, v1, l0, l1, px, cb, cr;

		if (x + 32 > width)
			x = width - 32;
		a0 = load512(r0 + 4 * x), a1 = load512(r0 + 4 * x + 64);
		b0 = load512(r1 + 4 * x), b1 = load512(r1 + 4 * x + 64);
		store512(&k, 0, a0, y0, x, ten);
		store512(&k, 0, a1, y0, x + 16, ten);
		store512(&k, 0, b0, y1, x, ten);
		store512(&k, 0, b1, y1, x + 16, ten);

		v0 = _mm512_avg_epu8(a0, b0);
		v1 = _mm512_avg_epu8(a1, b1);
		if (x || left)
			l0 = _mm512_avg_epu8(load512(r0 + 4 * x - 4), load512(r1 + 4 * x - 4));
		else
			l0 = _mm512_permutexvar_epi32(first, v0);
		l1 = _mm512_avg_epu8(load512(r0 + 4 * x + 60), load512(r1 + 4 * x + 60));
		px = _mm512_avg_epu8(_mm512_avg_epu8(_mm512_permutex2var_epi32(l0, even, l1),
					     _mm512_permutex2var_epi32(v0, odd, v1)),
			_mm512_permutex2var_epi32(v0, even, v1));
		if (!nv12) {
			store512(&k, 1, px, u, x / 2, ten);
			store512(&k, 2, px, v, x / 2, ten);
			continue;
		}
		cb = _mm512_min_epi32(sample512(&k, 1, px, false), _mm512_set1_epi32(255));
		cr = _mm512_min_epi32(sample512(&k, 2, px, false), _mm512_set1_epi32(255));
		cb = _mm512_or_si512(cb, _mm512_slli_epi32(cr, 8));
		_mm256_storeu_si256((void *)(u + x), _mm512_cvtepi32_epi16(cb));
	}
}

AVX512 INLINE void row_avx512(const struct pf_convert_coef *coef, const uint8_t *row,
	unsigned width, uint8_t *y, uint8_t *u, uint8_t *v, bool ten)
{
	const struct coef512 k = spread512(coef);

	for (unsigned x = 0; x < width; x += 32) {
		__m512i a0, a1;

		if (x + 32 > width)
			x = width - 32;
		a0 = load512(row + 4 * x), a1 = load512(row + 4 * x + 64);
		store512(&k, 0, a0, y, x, ten);
		store512(&k, 0, a1, y, x + 16, ten);
		store512(&k, 1, a0, u, x, ten);
		store512(&k, 1, a1, u, x + 16, ten);
		store512(&k, 2, a0, v, x, ten);
		store512(&k, 2, a1, v, x + 16, ten);
	}
}

AVX512 ROWS(avx512, 32, avx2, i420, false, false) AVX512
	ROWS(avx512, 32, avx2, nv12, true, false) AVX512
	ROWS(avx512, 32, avx2, i420_10, false, true) AVX512
	ROW(avx512, 32, avx2, i444, false) AVX512 ROW(avx512, 32, avx2, i444_10, true)
#endif
