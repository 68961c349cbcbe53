/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Every table entry again, by polynomial products. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "core/fec/gf16_field.h"
#include "core/fec/tables.h"
#include "tests/unit/fec_poly.h"

static uint8_t affine_of(uint64_t matrix, uint8_t x)
{
	uint8_t y = 0;

	for (int bit = 0; bit < 8; bit++)
		y |= (uint8_t)(__builtin_parity((uint8_t)(matrix >> 8 * (7 - bit)) & x) << bit);
	return y;
}

static uint8_t nib_of(const uint8_t *nib, uint8_t x)
{
	return nib[x & 15] ^ nib[16 + (x >> 4)];
}

static void check_field(const struct pf_gf256 *f, uint32_t (*product)(uint32_t, uint32_t),
	uint32_t (*factor)(uint32_t))
{
	for (uint32_t c = 0; c < 256; c++) {
		for (uint32_t x = 0; x < 256; x++) {
			uint32_t want = product(factor(c), x);

			assert_int_equal(nib_of(f->nib[c], (uint8_t)x), want);
			assert_int_equal(affine_of(f->affine[c], (uint8_t)x), want);
			if (c && x)
				assert_int_equal(f->exp[f->log[c] + f->log[x]], product(c, x));
		}
	}
	for (uint32_t i = 0; i < 255; i++) {
		assert_int_equal(f->log[f->exp[i]], i);
		assert_int_equal(f->exp[i + 255], f->exp[i]);
	}
}

static uint32_t itself(uint32_t c)
{
	return c;
}

static uint32_t inverse_or_0(uint32_t c)
{
	return c ? poly_inv8(c) : 0;
}

static void gamestream_field(void **state)
{
	check_field(&pf_gf8_field, poly_mul8, inverse_or_0);
}

static void subfield(void **state)
{
	check_field(&pf_gf16_sub, poly_mul16, itself);
}

static void check_map(const struct pf_gf16_map *map)
{
	for (uint32_t x = 0; x < 256; x++)
		assert_int_equal(nib_of(map->nib, (uint8_t)x), affine_of(map->affine, (uint8_t)x));
}

static void tower_is_the_field(void **state)
{
	const struct pf_gf16_tower *t = &pf_gf16_tower;

	check_map(&t->in_lo);
	check_map(&t->in_hi);
	check_map(&t->out_lo);
	check_map(&t->out_hi);
	assert_int_equal(poly_mul16(0x100, 0x100), 0x100 ^ t->theta2);
	for (uint32_t w = 0; w < 65536; w++) {
		uint32_t tower = pf_gf16_to_tower(w), lo = tower & 255, hi = tower >> 8;

		assert_int_equal(lo ^ poly_mul16(0x100, hi), w);
		assert_int_equal(lo ^ pf_gf16_map(&t->out_lo, hi), w & 255);
		assert_int_equal(pf_gf16_map(&t->out_hi, hi), w >> 8);
	}
}

static void logs_count_powers(void **state)
{
	/* The power of x, element 2, that is the generator: any will do. */
	uint32_t generator = 1, w = 1;

	while (pf_gf16_log(generator) != 1)
		assert_true(++generator < 65536);
	for (uint32_t i = 0; i < PF_GF16_ORDER; i++) {
		assert_int_equal(pf_gf16_log(w), i);
		assert_int_equal(pf_gf16_exp(i), pf_gf16_to_tower(w));
		w = poly_mul16(w, generator);
	}
	assert_int_equal(w, 1);
	assert_int_equal(pf_gf16_log_add(65534, 1), 0);
	assert_int_equal(pf_gf16_log_add(65534, 65534), 65533);
	assert_int_equal(pf_gf16_log_sub(0, 1), 65534);
	assert_int_equal(pf_gf16_log_sub(0, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gamestream_field),
		cmocka_unit_test(subfield),
		cmocka_unit_test(tower_is_the_field),
		cmocka_unit_test(logs_count_powers),
	};

	return cmocka_run_group_tests_name("fec_tables", tests, NULL, NULL);
}
