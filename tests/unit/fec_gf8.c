/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "core/fec/gf8.h"
#include "tests/unit/fec_poly.h"
#include "tests/unit/fec_shards.h"

/* gamestream.md 4.6 */
static void factors_are_those_of_the_client(void **state)
{
	static const uint8_t two[2][5] = { { 0x8e, 0xf4, 0x47, 0xa7, 0x7a },
		{ 0xf4, 0x8e, 0xa7, 0x47, 0xba } };
	static const uint8_t one[5] = { 0x01, 0x8e, 0xf4, 0x47, 0xa7 };

	for (uint32_t i = 0; i < 5; i++) {
		assert_int_equal(pf_gf8_factor(2, 0, i), two[0][i]);
		assert_int_equal(pf_gf8_factor(2, 1, i), two[1][i]);
		assert_int_equal(pf_gf8_factor(1, 0, i), one[i]);
	}
	for (uint32_t m = 1; m < 256; m += 9)
		for (uint32_t j = 0; j < m; j += 5)
			for (uint32_t i = 0; i < 256 - m; i += 7)
				assert_int_equal(pf_gf8_factor(m, j, i), poly_inv8((m + i) ^ j));
}

static void bytes_are_those_of_the_client(void **state)
{
	const uint8_t a = 0x01, b = 0x80, c = 0xff, *data[] = { &a, &b, &c };
	uint8_t p = 0, q = 0, *parity[] = { &p, &q };

	assert_int_equal(pf_gf8_encode(3, 2, 1, data, parity), 0);
	assert_int_equal(p, 0xf3);
	assert_int_equal(q, 0x87);
}

static void check_parity(const struct block *b)
{
	for (uint32_t n = 0; n < 64; n++) {
		uint32_t at = rng_below(&rng, b->bytes), j = rng_below(&rng, b->m), want = 0;

		for (uint32_t i = 0; i < b->k; i++)
			want ^= poly_mul8(poly_inv8((b->m + i) ^ j), b->data[i][at]);
		assert_int_equal(b->parity[j][at], want);
	}
}

static int lose_and_decode(struct block *b, const bool *lost)
{
	const struct received in = receive(b, lost);

	return check_recovered(
		b, &in, pf_gf8_decode(b->k, b->m, b->bytes, in.data, in.parity, b->out));
}

static void every_pattern_of_small_blocks(void **state)
{
	static const uint32_t sizes[] = { 1, 16, 65, 131 };

	for (uint32_t k = 1; k <= 7; k++) {
		for (uint32_t m = 1; m <= 7; m++) {
			struct block b;

			block_init(&b, k, m, sizes[(k * 7 + m) % 4]);
			assert_int_equal(pf_gf8_encode(k, m, b.bytes, in(b.data), b.parity), 0);
			check_parity(&b);
			for (uint32_t lost = 0; lost < 1u << (k + m); lost++) {
				bool flags[14];

				for (uint32_t i = 0; i < k + m; i++)
					flags[i] = lost >> i & 1;
				assert_int_equal(lose_and_decode(&b, flags), expect(k, m, lost));
			}
			block_finish(&b);
		}
	}
}

static void larger_blocks_come_back(void **state)
{
	static const struct {
		uint32_t k, m, bytes;
	} shapes[] = { { 1, 2, 1408 }, { 20, 4, 1393 }, { 64, 13, 1040 }, { 212, 43, 1408 },
		{ 250, 5, 100 }, { 20, 200, 77 }, { 127, 127, 1408 }, { 128, 127, 63 },
		{ 254, 1, 128 }, { 1, 254, 300 } };

	for (size_t v = 0; v < sizeof(shapes) / sizeof(shapes[0]); v++) {
		uint32_t most = shapes[v].m < shapes[v].k ? shapes[v].m : shapes[v].k;
		bool lost[PF_GF8_SHARDS_MAX];
		struct block b;

		block_init(&b, shapes[v].k, shapes[v].m, shapes[v].bytes);
		assert_int_equal(pf_gf8_encode(b.k, b.m, b.bytes, in(b.data), b.parity), 0);
		check_parity(&b);
		for (uint32_t e = 1; e <= most; e = e < most && e * 2 > most ? most : e * 2) {
			lose_random(&b, e, lost);
			assert_int_equal(lose_and_decode(&b, lost), 0);
		}
		block_finish(&b);
	}
}

/* gamestream.md 5.4 */
static void audio_matrix(void **state)
{
	static const uint8_t want[2][4] = { { 0x77, 0x40, 0x38, 0x0e },
		{ 0xc7, 0xa7, 0x0d, 0x6c } };

	for (uint32_t i = 0; i < 4; i++) {
		uint8_t unit[4] = { 0 }, p = 0, q = 0, *parity[] = { &p, &q };
		const uint8_t *data[] = { unit, unit + 1, unit + 2, unit + 3 };

		unit[i] = 1;
		assert_int_equal(pf_gf8_audio_encode(1, data, parity), 0);
		assert_int_equal(p, want[0][i]);
		assert_int_equal(q, want[1][i]);
	}
}

static void audio_comes_back(void **state)
{
	for (uint32_t bytes = 1; bytes < 400; bytes += 57) {
		struct block b;

		block_init(&b, 4, 2, bytes);
		assert_int_equal(pf_gf8_audio_encode(bytes, in(b.data), b.parity), 0);
		for (uint32_t lost = 0; lost < 64; lost++) {
			struct received in;
			bool flags[6];

			for (uint32_t i = 0; i < 6; i++)
				flags[i] = lost >> i & 1;
			in = receive(&b, flags);
			assert_int_equal(
				check_recovered(&b, &in,
					pf_gf8_audio_decode(bytes, in.data, in.parity, b.out)),
				expect(4, 2, lost));
		}
		block_finish(&b);
	}
}

static void bad_arguments_are_refused(void **state)
{
	uint8_t byte[2] = { 1, 2 };
	const uint8_t *data[] = { byte, NULL }, *parity[] = { byte + 1 };
	uint8_t *out[] = { NULL, NULL };

	assert_int_equal(pf_gf8_encode(0, 1, 1, NULL, NULL), -EINVAL);
	assert_int_equal(pf_gf8_encode(1, 1, 0, NULL, NULL), -EINVAL);
	assert_int_equal(pf_gf8_encode(255, 1, 1, NULL, NULL), -EINVAL);
	assert_int_equal(pf_gf8_encode(1, 255, 1, NULL, NULL), -EINVAL);
	assert_int_equal(pf_gf8_encode(1, UINT32_MAX, 1, NULL, NULL), -EINVAL);
	assert_int_equal(pf_gf8_encode(UINT32_MAX, 2, 1, NULL, NULL), -EINVAL);
	assert_int_equal(pf_gf8_encode(1, 0, 1, data, NULL), 0);
	assert_int_equal(pf_gf8_decode(2, 1, 1, data, parity, out), -EINVAL);
	assert_int_equal(pf_gf8_decode(2, 0, 1, data, parity, out), -EINVAL);
	out[1] = byte;
	assert_int_equal(pf_gf8_decode(2, 0, 1, data, parity, out), -ENODATA);
	assert_int_equal(pf_gf8_decode(256, 0, 1, data, parity, out), -EINVAL);
	assert_int_equal(pf_gf8_audio_encode(0, NULL, NULL), -EINVAL);
	assert_int_equal(pf_gf8_audio_decode(0, NULL, NULL, NULL), -EINVAL);
	assert_int_equal(byte[0], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(factors_are_those_of_the_client),
		cmocka_unit_test(bytes_are_those_of_the_client),
		cmocka_unit_test(every_pattern_of_small_blocks),
		cmocka_unit_test(larger_blocks_come_back),
		cmocka_unit_test(audio_matrix),
		cmocka_unit_test(audio_comes_back),
		cmocka_unit_test(bad_arguments_are_refused),
	};

	rng = rng_seed();
	return cmocka_run_group_tests_name("fec_gf8", tests, NULL, NULL);
}
