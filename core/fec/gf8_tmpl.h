/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* gf8_tmpl.h - the GF(2^8) loop over the vectors of the file that includes it.
 *
 * Wanted before: V, V_BYTES, v_load, v_store, v_xor, v_zero; T, a linear map of
 * bytes, made by t_of(nib, affine) from either form of tables.h and applied by
 * v_map(v, t). */
#include "core/fec/gf8_kernel.h"
#include "core/fec/tables.h"

#define INLINE static inline __attribute__((always_inline))

/* Two vectors side by side share the load of a factor. */
INLINE void dot_rows(uint8_t *const *dst, const uint32_t rows, const uint8_t *const *src,
	uint32_t n, const uint8_t *factors, size_t from, size_t to, const uint32_t wide)
{
	for (; from < to; from += wide * V_BYTES) {
		V sum[PF_GF8_ROWS][2];

		for (uint32_t r = 0; r < rows; r++)
			for (uint32_t w = 0; w < wide; w++)
				sum[r][w] = v_zero();
		for (uint32_t i = 0; i < n; i++) {
			V in[2];

			for (uint32_t w = 0; w < wide; w++)
				in[w] = v_load(src[i] + from + w * V_BYTES);
			for (uint32_t r = 0; r < rows; r++) {
				const uint8_t c = factors[r * n + i];
				const T t = t_of(pf_gf8_field.nib[c], pf_gf8_field.affine[c]);

				for (uint32_t w = 0; w < wide; w++)
					sum[r][w] = v_xor(sum[r][w], v_map(in[w], t));
			}
		}
		for (uint32_t r = 0; r < rows; r++)
			for (uint32_t w = 0; w < wide; w++)
				v_store(dst[r] + from + w * V_BYTES, sum[r][w]);
	}
}

INLINE void dot_wide(uint8_t *const *dst, uint32_t rows, const uint8_t *const *src, uint32_t n,
	const uint8_t *factors, size_t from, size_t to, const uint32_t wide)
{
	if (rows == 1)
		dot_rows(dst, 1, src, n, factors, from, to, wide);
	else if (rows == 2)
		dot_rows(dst, 2, src, n, factors, from, to, wide);
	else if (rows == 3)
		dot_rows(dst, 3, src, n, factors, from, to, wide);
	else
		dot_rows(dst, 4, src, n, factors, from, to, wide);
}

static void dot(uint8_t *const *dst, uint32_t rows, const uint8_t *const *src, uint32_t n,
	const uint8_t *factors, size_t from, size_t to)
{
	const size_t pairs = to - (to - from) % (2 * V_BYTES), ones = to - (to - from) % V_BYTES;

	dot_wide(dst, rows, src, n, factors, from, pairs, 2);
	dot_wide(dst, rows, src, n, factors, pairs, ones, 1);
	if (ones < to)
		pf_gf8_dot_c(dst, rows, src, n, factors, ones, to);
}
