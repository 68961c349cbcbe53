/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* gf16_tmpl.h - the GF(2^16) loops over the elements of the file that includes it.
 *
 * Wanted before, beside what gf8_tmpl.h wants: E, some elements with both their
 * halves; E_BYTES, what an E takes of a row; e_load and e_store of the n-th E of
 * a row; e_xor; e_mul by a subfield constant t_times(c); e_mulg by any constant
 * g_of(factor); e_turn by b_of(), the change of basis; MADD_MOST, how many G the
 * registers hold. */
#include "core/fec/gf16_field.h"
#include "core/fec/gf16_kernel.h"

static void load(uint8_t *dst, const uint8_t *src, size_t bytes)
{
	const B b = b_of(&pf_gf16_tower.in_lo, &pf_gf16_tower.in_hi);

	for (size_t n = 0; n < bytes / E_BYTES; n++)
		e_store(dst, n, e_turn(e_load(src, n), b));
}

static void store(uint8_t *dst, const uint8_t *src, size_t bytes)
{
	const B b = b_of(&pf_gf16_tower.out_lo, &pf_gf16_tower.out_hi);

	for (size_t n = 0; n < bytes / E_BYTES; n++)
		e_store(dst, n, e_turn(e_load(src, n), b));
}

static void mul(uint8_t *dst, const uint8_t *src, uint32_t factor, size_t bytes)
{
	const G g = g_of(factor);

	for (size_t n = 0; n < bytes / E_BYTES; n++)
		e_store(dst, n, e_mulg(e_load(src, n), g));
}

/* dst passes through the registers once for `count` sources. */
INLINE void madd_some(uint8_t *dst, const uint8_t *const *src, const uint16_t *factors,
	size_t bytes, const uint32_t count)
{
	G g[MADD_MOST];

	for (uint32_t i = 0; i < count; i++)
		g[i] = g_of(factors[i]);
	for (size_t n = 0; n < bytes / E_BYTES; n++) {
		E sum = e_load(dst, n);

		for (uint32_t i = 0; i < count; i++)
			sum = e_xor(sum, e_mulg(e_load(src[i], n), g[i]));
		e_store(dst, n, sum);
	}
}

static void madd(
	uint8_t *dst, const uint8_t *const *src, const uint16_t *factors, uint32_t n, size_t bytes)
{
	uint32_t i = 0;

	for (; i + MADD_MOST <= n; i += MADD_MOST)
		madd_some(dst, src + i, factors + i, bytes, MADD_MOST);
	for (; i < n; i++)
		madd_some(dst, src + i, factors + i, bytes, 1);
}

static void add(uint8_t *dst, const uint8_t *src, size_t bytes)
{
	size_t i = 0;

	for (; i + V_BYTES <= bytes; i += V_BYTES)
		v_store(dst + i, v_xor(v_load(dst + i), v_load(src + i)));
	for (; i < bytes; i++)
		dst[i] ^= src[i];
}

/* A factor of the transform: a subfield constant where the point allows it. */
typedef struct {
	T t;
	G g;
} F;

INLINE F f_of(uint32_t coord, const bool any)
{
	F f = { 0 };

	if (any)
		f.g = g_of(pf_gf16_to_tower(coord));
	else
		f.t = t_times(coord);
	return f;
}

/* a + f * b */
INLINE E e_step(E a, E b, const F *f, const bool any)
{
	return e_xor(a, any ? e_mulg(b, f->g) : e_mul(b, f->t));
}

/* All rows of one half of a butterfly share its factor and lie back to back:
 * a pass runs over spans of bytes, not over rows. */
INLINE void ifft2(
	uint8_t *rows, size_t width, uint32_t l, uint32_t point, uint32_t used, const bool any)
{
	const size_t span = width << l;

	for (uint32_t p = 0; p < used; p += 2u << l) {
		uint8_t *a = rows + p * width, *b = a + span;
		const F f = f_of((point + p) >> l, any);

		for (size_t n = 0; n < span / E_BYTES; n++) {
			E ea = e_load(a, n), eb = e_xor(e_load(b, n), ea);

			e_store(b, n, eb);
			e_store(a, n, e_step(ea, eb, &f, any));
		}
	}
}

/* Layers l and l + 1 in one pass. */
INLINE void ifft4(
	uint8_t *rows, size_t width, uint32_t l, uint32_t point, uint32_t used, const bool any)
{
	const size_t span = width << l;

	for (uint32_t p = 0; p < used; p += 4u << l) {
		uint8_t *a = rows + p * width, *b = a + span, *c = b + span, *d = c + span;
		const F f = f_of((point + p) >> l, any);
		const F g = f_of((point + p + (2u << l)) >> l, any);
		const F h = f_of((point + p) >> (l + 1), any);

		for (size_t n = 0; n < span / E_BYTES; n++) {
			E ea = e_load(a, n), eb = e_load(b, n), ec = e_load(c, n),
			  ed = e_load(d, n);

			eb = e_xor(eb, ea);
			ed = e_xor(ed, ec);
			ea = e_step(ea, eb, &f, any);
			ec = e_step(ec, ed, &g, any);
			ec = e_xor(ec, ea);
			ed = e_xor(ed, eb);
			e_store(c, n, ec);
			e_store(d, n, ed);
			e_store(a, n, e_step(ea, ec, &h, any));
			e_store(b, n, e_step(eb, ed, &h, any));
		}
	}
}

INLINE void fft2(uint8_t *rows, size_t width, uint32_t l, uint32_t point, uint32_t first,
	uint32_t end, const bool any)
{
	const size_t span = width << l;

	for (uint32_t p = first & ~((2u << l) - 1); p < end; p += 2u << l) {
		uint8_t *a = rows + p * width, *b = a + span;
		const F f = f_of((point + p) >> l, any);

		for (size_t n = 0; n < span / E_BYTES; n++) {
			E eb = e_load(b, n), ea = e_step(e_load(a, n), eb, &f, any);

			e_store(a, n, ea);
			e_store(b, n, e_xor(eb, ea));
		}
	}
}

/* Layers l + 1 and l in one pass. */
INLINE void fft4(uint8_t *rows, size_t width, uint32_t l, uint32_t point, uint32_t first,
	uint32_t end, const bool any)
{
	const size_t span = width << l;

	for (uint32_t p = first & ~((4u << l) - 1); p < end; p += 4u << l) {
		uint8_t *a = rows + p * width, *b = a + span, *c = b + span, *d = c + span;
		const F f = f_of((point + p) >> l, any);
		const F g = f_of((point + p + (2u << l)) >> l, any);
		const F h = f_of((point + p) >> (l + 1), any);

		for (size_t n = 0; n < span / E_BYTES; n++) {
			E ea = e_load(a, n), eb = e_load(b, n), ec = e_load(c, n),
			  ed = e_load(d, n);

			ea = e_step(ea, ec, &h, any);
			eb = e_step(eb, ed, &h, any);
			ec = e_xor(ec, ea);
			ed = e_xor(ed, eb);
			ea = e_step(ea, eb, &f, any);
			ec = e_step(ec, ed, &g, any);
			e_store(a, n, ea);
			e_store(c, n, ec);
			e_store(b, n, e_xor(eb, ea));
			e_store(d, n, e_xor(ed, ec));
		}
	}
}

/* Whether layer l of a transform has factors outside the subfield. */
static inline bool beyond_subfield(uint32_t layers, uint32_t point, uint32_t l)
{
	return (point + (1u << layers) - 1) >> l > 255;
}

static void ifft(uint8_t *rows, size_t width, uint32_t layers, uint32_t point, uint32_t used)
{
	uint32_t l = 0;

	for (; l + 2 <= layers; l += 2) {
		if (beyond_subfield(layers, point, l))
			ifft4(rows, width, l, point, used, true);
		else
			ifft4(rows, width, l, point, used, false);
	}
	if (l < layers) {
		if (beyond_subfield(layers, point, l))
			ifft2(rows, width, l, point, used, true);
		else
			ifft2(rows, width, l, point, used, false);
	}
}

static void fft(
	uint8_t *rows, size_t width, uint32_t layers, uint32_t point, uint32_t first, uint32_t end)
{
	uint32_t l = layers;

	if (l % 2) {
		l--;
		if (beyond_subfield(layers, point, l))
			fft2(rows, width, l, point, first, end, true);
		else
			fft2(rows, width, l, point, first, end, false);
	}
	for (; l > 0;) {
		l -= 2;
		if (beyond_subfield(layers, point, l))
			fft4(rows, width, l, point, first, end, true);
		else
			fft4(rows, width, l, point, first, end, false);
	}
}

/* Plain C: the compiler makes vectors of it. */
static void walsh(uint32_t *values, uint32_t n)
{
	for (uint32_t d = 1; d < n; d *= 2) {
		for (uint32_t i = 0; i < n; i += 2 * d) {
			uint32_t *restrict a = values + i, *restrict b = a + d;

			for (uint32_t j = 0; j < d; j++) {
				uint32_t sum = a[j] + b[j];
				uint32_t diff = a[j] + PF_GF16_ORDER - b[j];

				/* Below 2^17: one fold leaves at most 65535. */
				a[j] = (sum & 0xffff) + (sum >> 16);
				b[j] = (diff & 0xffff) + (diff >> 16);
			}
		}
	}
}
