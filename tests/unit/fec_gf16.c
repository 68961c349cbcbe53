/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <nettle/sha2.h>
#include "core/base/cpu.h"
#include "core/fec/gf16.h"
#include "core/fec/gf16_block.h"
#include "tests/unit/fec_poly.h"
#include "tests/unit/fec_shards.h"
#include "tests/unit/hex.h"

static struct pf_gf16_ctx *context(uint32_t k, uint32_t m, uint32_t bytes)
{
	const struct pf_gf16_limits limits = { k, m, bytes };
	struct pf_gf16_ctx *ctx = NULL;

	assert_int_equal(pf_gf16_create(&limits, &ctx), 0);
	assert_non_null(ctx);
	return ctx;
}

/* Made with the library of the original (punktfunk1.md 21.4): shard i byte j is
 * 131 i + 7 j + 13; the digest covers all parity shards in order. */
static const struct {
	uint32_t k, m, bytes;
	const char *sha256, *head;
} vectors[] = {
	{ 1, 1, 1408, "9d909da35d050e4bd7e5281dc4795b42b977fbab96d603167aef08f61c2a3d6e",
		"0d141b222930373e454c535a61686f76" },
	{ 1, 2, 1408, "39016d37b372cbacccfaaefe9e991120d7b8a0b898c5105997e60027a79b0971",
		"0d141b222930373e454c535a61686f76" },
	{ 2, 1, 1408, "ed9b7e7a992e9e566e3f4b42f2bd63367a649d72b9b2c88d9aa75ec5facd6a0b",
		"9d83858785838dff8d83858785839d8f" },
	{ 3, 2, 1388, "5a61c345f8acee1839368d6444f5c88fe7bef764df0c0e143a162744b409b472",
		"8ae4dd066d401f7d175a6d663de28ea4" },
	{ 3, 2, 1408, "8fe0a5e688b97dde15b4d9d41e0e1f27c4af1b6ca0e76446d4eb9a4c8983b94a",
		"8ae4dd066d401f7d175a6d663de28ea4" },
	{ 4, 3, 1388, "9415eaa600cc6803717578ba0c87acec6f14f04a665e3821fc6e89689e460d6d",
		"96800e1a80b52745aa0949845e7ba18f" },
	{ 5, 4, 512, "f337d68f5b7c0b4b442574e70fb6d4d38d191d1a78fc7db9342698c8120531ca",
		"c25620c1814131a693c57d084fd8eb1a" },
	{ 10, 1, 1408, "f5c64aec8cc72f473870cf366941ec4737cf4390bfdcb4fafa80f634c25e7840",
		"ad8b959f958bedf7bdbbb58f959b9d97" },
	{ 10, 5, 1388, "d7921491fcf0fa7176b8a4df7d3442d72a76e98b929d9af7228568d2138c7514",
		"c1acc677a47c620456382c30c4afd2fe" },
	{ 64, 16, 1024, "93e08182f096a6de67e372f935ea98dea53d53a571aa6fe85e43edf861fbc9af",
		"f66d5d7e7a4dd7938028cbb4a4b131ec" },
	{ 200, 20, 1408, "9b6569a6b933f7bf67f6c4df7feda9238667215bef84223ef05683e6a067be78",
		"4229c8d358a7a08d418ef24fb4094ff7" },
	{ 4096, 410, 1408, "e877c0c0d175fec08a481a95f6061e911f1c44147d456915d9e94896c67765f1",
		"03cfcdf4c8a7fc748b138145a99aaf04" },
};

static void bytes_are_those_of_the_original(void **state)
{
	struct pf_gf16_ctx *ctx = context(4096, 410, 1408);

	for (size_t v = 0; v < sizeof(vectors) / sizeof(vectors[0]); v++) {
		struct sha256_ctx sha;
		uint8_t digest[SHA256_DIGEST_SIZE], want[SHA256_DIGEST_SIZE];
		struct block b;

		block_init(&b, vectors[v].k, vectors[v].m, vectors[v].bytes);
		for (uint32_t i = 0; i < b.k; i++)
			for (uint32_t j = 0; j < b.bytes; j++)
				b.data[i][j] = (uint8_t)(131 * i + 7 * j + 13);
		assert_int_equal(pf_gf16_encode(ctx, b.k, b.m, b.bytes, in(b.data), b.parity), 0);
		sha256_init(&sha);
		for (uint32_t j = 0; j < b.m; j++)
			sha256_update(&sha, b.bytes, b.parity[j]);
		sha256_digest(&sha, sizeof(digest), digest);
		assert_int_equal(hex_bytes(vectors[v].head, want, sizeof(want)), 16);
		assert_memory_equal(b.parity[0], want, 16);
		hex_bytes(vectors[v].sha256, want, sizeof(want));
		assert_memory_equal(digest, want, sizeof(want));
		block_finish(&b);
	}
	pf_gf16_destroy(ctx);
}

/* Some elements of the parity, by the formula of the whole code. */
static void check_parity(const struct block *b)
{
	uint32_t K = 1, M = 1;
	bool low;

	while (K < b->k)
		K *= 2;
	while (M < b->m)
		M *= 2;
	low = K < M || (K == M && b->k > b->m);
	for (uint32_t n = 0; n < 1 + 20000 / (1000 + b->k); n++) {
		uint32_t j = rng_below(&rng, b->m), at = rng_below(&rng, b->bytes / 2);
		uint32_t group = at / 32 * 64, half = 32, want = 0, lo, hi;

		if (b->bytes - group < 64)
			half = (b->bytes - group) / 2;
		lo = group + at % 32;
		hi = lo + half;
		for (uint32_t i = 0; i < b->k; i++) {
			uint32_t x = low ? K + j : j, y = low ? i : M + i;
			uint32_t s = low ? x / K : y / M;
			uint32_t d = b->data[i][lo] | (uint32_t)b->data[i][hi] << 8;

			want ^= poly_mul16(poly_mul16(s, poly_inv16(x ^ y)), d);
		}
		assert_int_equal(b->parity[j][lo] | b->parity[j][hi] << 8, want);
	}
}

static void make_parity(struct pf_gf16_ctx *ctx, struct block *b)
{
	assert_int_equal(pf_gf16_encode(ctx, b->k, b->m, b->bytes, in(b->data), b->parity), 0);
	check_parity(b);
}

static int lose_and_decode(
	struct pf_gf16_ctx *ctx, enum pf_gf16_method method, struct block *b, const bool *lost)
{
	const struct received in = receive(b, lost);

	return check_recovered(b, &in,
		pf_gf16_decode_by(ctx, method, b->k, b->m, b->bytes, in.data, in.parity, b->out));
}

/* Every method that can has to give every lost shard back. */
static void recover(struct pf_gf16_ctx *ctx, struct block *b, const bool *lost)
{
	assert_int_equal(lose_and_decode(ctx, PF_GF16_AUTO, b, lost), 0);
	assert_int_equal(lose_and_decode(ctx, PF_GF16_LOCATOR, b, lost), 0);
	for (int method = PF_GF16_DIRECT; method < PF_GF16_LOCATOR; method++) {
		int r = lose_and_decode(ctx, method, b, lost);

		assert_true(r == 0 || r == -ENOTSUP);
	}
}

/* Every pattern, both rates, groups and tails, on the processor's best kernels
 * and on plain C. */
static void every_pattern_of_small_blocks(void **state)
{
	static const uint32_t sizes[] = { 2, 62, 64, 66, 192, 44 };

	for (uint32_t mask = 0;; mask = ~0u) {
		struct pf_gf16_ctx *ctx;

		pf_cpu_set_mask(mask);
		ctx = context(7, 7, 192);
		for (uint32_t k = 1; k <= 7; k++) {
			for (uint32_t m = 1; m <= 7; m++) {
				struct block b;

				block_init(&b, k, m, sizes[(k * 7 + m) % 6]);
				make_parity(ctx, &b);
				for (uint32_t lost = 0; lost < 1u << (k + m); lost++) {
					int want = expect(k, m, lost);
					bool flags[14];

					for (uint32_t i = 0; i < k + m; i++)
						flags[i] = lost >> i & 1;
					if (want == 0)
						recover(ctx, &b, flags);
					else
						assert_int_equal(lose_and_decode(ctx, PF_GF16_AUTO,
									 &b, flags),
							want);
				}
				block_finish(&b);
			}
		}
		pf_gf16_destroy(ctx);
		if (mask)
			break;
	}
}

static void larger_blocks_come_back(void **state)
{
	static const struct {
		uint32_t k, m, bytes;
	} shapes[] = { { 2, 9, 1408 }, { 20, 4, 1408 }, { 64, 13, 1388 }, { 200, 40, 70 },
		{ 255, 257, 64 }, { 300, 299, 10 }, { 520, 104, 200 }, { 1000, 50, 2 },
		{ 1000, 200, 64 }, { 9, 100, 130 }, { 100, 300, 66 }, { 70, 1000, 2 } };

	for (size_t v = 0; v < sizeof(shapes) / sizeof(shapes[0]); v++) {
		const uint32_t k = shapes[v].k, m = shapes[v].m, most = m < k ? m : k;
		struct pf_gf16_ctx *ctx = context(k, m, shapes[v].bytes);
		bool *lost = calloc(k + m, sizeof(*lost));
		struct block b;

		assert_non_null(lost);
		block_init(&b, k, m, shapes[v].bytes);
		make_parity(ctx, &b);
		for (uint32_t e = 1; e < most; e += 1 + e / 2) {
			lose_random(&b, e, lost);
			recover(ctx, &b, lost);
		}
		lose_random(&b, most, lost);
		recover(ctx, &b, lost);
		/* More parity at hand than is needed. */
		memset(lost + k, 0, m);
		recover(ctx, &b, lost);
		free(lost);
		block_finish(&b);
		pf_gf16_destroy(ctx);
	}
}

/* The ends of what the field has room for. */
static void extreme_shapes_come_back(void **state)
{
	static const struct {
		uint32_t k, m;
	} shapes[] = { { 65535, 1 }, { 1, 65535 }, { 65532, 3 }, { 3, 65532 }, { 57344, 8192 },
		{ 8192, 57344 }, { 32768, 32768 } };
	bool *lost = calloc(65536, sizeof(*lost));

	assert_non_null(lost);
	for (size_t v = 0; v < sizeof(shapes) / sizeof(shapes[0]); v++) {
		const uint32_t k = shapes[v].k, m = shapes[v].m;
		struct pf_gf16_ctx *ctx = context(k, m, 2);
		struct block b;

		block_init(&b, k, m, 2);
		make_parity(ctx, &b);
		lose_random(&b, m < k ? m : k, lost);
		assert_int_equal(lose_and_decode(ctx, PF_GF16_AUTO, &b, lost), 0);
		block_finish(&b);
		pf_gf16_destroy(ctx);
	}
	free(lost);
}

static void pieces_equal_the_whole(void **state)
{
	struct pf_gf16_ctx *ctx = context(40, 9, 1388);
	uint8_t **again = shards(9, 1388);
	struct block b;

	block_init(&b, 37, 9, 1388);
	assert_int_equal(pf_gf16_encode(ctx, b.k, b.m, b.bytes, in(b.data), b.parity), 0);
	assert_int_equal(pf_gf16_enc_add(ctx, b.data[0]), -EINVAL);
	assert_int_equal(pf_gf16_enc_finish(ctx, again), -EINVAL);
	assert_int_equal(pf_gf16_enc_begin(ctx, b.k, b.m, b.bytes), 0);
	for (uint32_t i = 0; i < b.k; i++) {
		assert_int_equal(pf_gf16_enc_finish(ctx, again), -ENODATA);
		assert_int_equal(pf_gf16_enc_add(ctx, b.data[i]), 0);
	}
	assert_int_equal(pf_gf16_enc_add(ctx, b.data[0]), -EINVAL);
	assert_int_equal(pf_gf16_enc_finish(ctx, again), 0);
	for (uint32_t j = 0; j < b.m; j++)
		assert_memory_equal(again[j], b.parity[j], b.bytes);
	assert_int_equal(pf_gf16_enc_finish(ctx, again), -EINVAL);
	shards_free(again, 9);
	block_finish(&b);
	pf_gf16_destroy(ctx);
}

static void bad_arguments_are_refused(void **state)
{
	static const struct pf_gf16_limits bad[] = { { 0, 1, 64 }, { 65537, 1, 64 },
		{ 1, 65537, 64 }, { 1, 1, 1 } };
	struct pf_gf16_ctx *ctx = NULL;
	struct block b;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(pf_gf16_create(&bad[i], &ctx), -EINVAL);
		assert_null(ctx);
	}
	pf_gf16_destroy(NULL);
	assert_true(pf_gf16_fits(1, 0));
	assert_true(pf_gf16_fits(32768, 32768));
	assert_true(pf_gf16_fits(65535, 1));
	assert_true(pf_gf16_fits(1, 65535));
	assert_false(pf_gf16_fits(0, 1));
	assert_false(pf_gf16_fits(1, 65536));
	assert_false(pf_gf16_fits(65536, 1));
	assert_false(pf_gf16_fits(32768, 32769));
	assert_false(pf_gf16_fits(UINT32_MAX, UINT32_MAX));

	ctx = context(8, 4, 64);
	block_init(&b, 8, 4, 64);
	assert_int_equal(pf_gf16_encode(ctx, 0, 1, 64, in(b.data), b.parity), -EINVAL);
	assert_int_equal(pf_gf16_encode(ctx, 9, 1, 64, in(b.data), b.parity), -EINVAL);
	assert_int_equal(pf_gf16_encode(ctx, 8, 5, 64, in(b.data), b.parity), -EINVAL);
	assert_int_equal(pf_gf16_encode(ctx, 8, 4, 0, in(b.data), b.parity), -EINVAL);
	assert_int_equal(pf_gf16_encode(ctx, 8, 4, 63, in(b.data), b.parity), -EINVAL);
	assert_int_equal(pf_gf16_encode(ctx, 8, 4, 66, in(b.data), b.parity), -EINVAL);
	assert_int_equal(pf_gf16_enc_begin(ctx, 8, 4, 66), -EINVAL);
	assert_int_equal(pf_gf16_encode(ctx, 8, 0, 64, in(b.data), NULL), 0);
	assert_int_equal(pf_gf16_encode(ctx, 8, 4, 64, in(b.data), b.parity), 0);
	free(b.out[3]);
	b.out[3] = NULL;
	const uint8_t *data[8];

	memcpy(data, b.data, sizeof(data));
	assert_int_equal(pf_gf16_decode(ctx, 8, 0, 64, data, NULL, b.out), 0);
	data[3] = NULL;
	assert_int_equal(pf_gf16_decode(ctx, 8, 4, 64, data, in(b.parity), b.out), -EINVAL);
	data[3] = b.data[3];
	data[4] = NULL;
	assert_int_equal(pf_gf16_decode(ctx, 8, 4, 66, data, in(b.parity), b.out), -EINVAL);
	assert_int_equal(pf_gf16_decode(ctx, 8, 0, 64, data, NULL, b.out), -ENODATA);
	assert_int_equal(pf_gf16_decode(ctx, 8, 4, 64, data, in(b.parity), b.out), 0);
	assert_memory_equal(b.out[4], b.data[4], 64);
	block_finish(&b);
	pf_gf16_destroy(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_are_those_of_the_original),
		cmocka_unit_test(every_pattern_of_small_blocks),
		cmocka_unit_test(larger_blocks_come_back),
		cmocka_unit_test(extreme_shapes_come_back),
		cmocka_unit_test(pieces_equal_the_whole),
		cmocka_unit_test(bad_arguments_are_refused),
	};

	rng = rng_seed();
	return cmocka_run_group_tests_name("fec_gf16", tests, NULL, NULL);
}
