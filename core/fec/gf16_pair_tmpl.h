/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* gf16_pair_tmpl.h - what gf16_tmpl.h wants, for vectors of 16 or 32 bytes.
 *
 * An E is one vector of low halves and one of high halves. */
#include "core/fec/gf16_field.h"

typedef struct {
	V lo, hi;
} E;
#define E_BYTES (2 * V_BYTES)

typedef struct {
	T lo_lo, lo_hi, hi_lo, hi_hi;
} G;

typedef struct {
	T lo, hi;
} B;

/* Where the n-th E of a row begins: 32 low halves, then their high ones. */
static inline size_t e_at(size_t n)
{
	return n * V_BYTES / 32 * 64 + n * V_BYTES % 32;
}

static inline E e_load(const uint8_t *row, size_t n)
{
	return (E){ v_load(row + e_at(n)), v_load(row + e_at(n) + 32) };
}

static inline void e_store(uint8_t *row, size_t n, E e)
{
	v_store(row + e_at(n), e.lo);
	v_store(row + e_at(n) + 32, e.hi);
}

static inline E e_xor(E a, E b)
{
	return (E){ v_xor(a.lo, b.lo), v_xor(a.hi, b.hi) };
}

static inline E e_mul(E e, T t)
{
	return (E){ v_map(e.lo, t), v_map(e.hi, t) };
}

static inline T t_times(uint32_t c)
{
	return t_of(pf_gf16_sub.nib[c], pf_gf16_sub.affine[c]);
}

static inline G g_of(uint32_t factor)
{
	uint32_t f0 = factor & 255, f1 = factor >> 8;

	return (G){ t_times(f0), t_times(f1), t_times(pf_gf16_theta2(f1)), t_times(f0 ^ f1) };
}

static inline E e_mulg(E e, G g)
{
	return (E){ v_xor(v_map(e.lo, g.lo_lo), v_map(e.hi, g.hi_lo)),
		v_xor(v_map(e.lo, g.lo_hi), v_map(e.hi, g.hi_hi)) };
}

static inline B b_of(const struct pf_gf16_map *lo, const struct pf_gf16_map *hi)
{
	return (B){ t_of(lo->nib, lo->affine), t_of(hi->nib, hi->affine) };
}

/* Either way between coordinates and tower: high halves are mapped, and a
 * second map of them goes to the low ones. */
static inline E e_turn(E e, B b)
{
	return (E){ v_xor(e.lo, v_map(e.hi, b.lo)), v_map(e.hi, b.hi) };
}
