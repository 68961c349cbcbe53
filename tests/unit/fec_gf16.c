/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <nettle/sha2.h>
#include <stdlib.h>
#include <string.h>
#include "core/fec/gf16.h"
#include "tests/unit/hex.h"
#include "tests/unit/rng.h"

/* A block in memory of its own size per shard, so that a sanitizer sees any
 * byte read or written outside. */
struct block {
	uint32_t k, m, bytes;
	uint8_t **data, **parity, **out;
};

static uint64_t rng;

static uint8_t **shards(uint32_t n, uint32_t bytes)
{
	uint8_t **s = calloc(n + 1, sizeof(*s));

	assert_non_null(s);
	for (uint32_t i = 0; i < n; i++) {
		s[i] = malloc(bytes);
		assert_non_null(s[i]);
		memset(s[i], 0xdb, bytes);
	}
	return s;
}

static void block_init(struct block *b, uint32_t k, uint32_t m, uint32_t bytes)
{
	*b = (struct block){ k, m, bytes, shards(k, bytes), shards(m, bytes), shards(k, bytes) };
}

static void shards_free(uint8_t **s, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		free(s[i]);
	free(s);
}

static void block_finish(struct block *b)
{
	shards_free(b->data, b->k);
	shards_free(b->parity, b->m);
	shards_free(b->out, b->k);
}

static void fill_random(struct block *b)
{
	for (uint32_t i = 0; i < b->k; i++)
		rng_fill(&rng, b->data[i], b->bytes);
}

static const uint8_t *const *in(uint8_t **s)
{
	return (const uint8_t *const *)s;
}

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

/* Loses the data shards of `data_lost` and the parity shards of `parity_lost`
 * (bit or index flags) and checks what comes back. */
static int lose_and_decode(
	struct pf_gf16_ctx *ctx, struct block *b, const bool *data_lost, const bool *parity_lost)
{
	const uint8_t **data = calloc(b->k, sizeof(*data));
	const uint8_t **parity = calloc(b->m + 1, sizeof(*parity));
	int r;

	assert_non_null(data);
	assert_non_null(parity);
	for (uint32_t i = 0; i < b->k; i++) {
		data[i] = data_lost[i] ? NULL : b->data[i];
		memset(b->out[i], 0xee, b->bytes);
	}
	for (uint32_t j = 0; j < b->m; j++)
		parity[j] = parity_lost[j] ? NULL : b->parity[j];
	r = pf_gf16_decode(ctx, b->k, b->m, b->bytes, data, parity, b->out);
	for (uint32_t i = 0; i < b->k; i++) {
		if (r == 0 && data_lost[i])
			assert_memory_equal(b->out[i], b->data[i], b->bytes);
		else
			assert_true(b->out[i][0] == 0xee && b->out[i][b->bytes - 1] == 0xee);
	}
	free(data);
	free(parity);
	return r;
}

static void every_pattern_of_small_blocks(void **state)
{
	static const uint32_t sizes[] = { 2, 64, 134 };
	struct pf_gf16_ctx *ctx = context(6, 6, 134);

	for (uint32_t k = 1; k <= 6; k++) {
		for (uint32_t m = 1; m <= 6; m++) {
			struct block b;

			block_init(&b, k, m, sizes[(k + m) % 3]);
			fill_random(&b);
			assert_int_equal(
				pf_gf16_encode(ctx, k, m, b.bytes, in(b.data), b.parity), 0);
			for (uint32_t lost = 0; lost < 1u << (k + m); lost++) {
				bool flags[12];

				for (uint32_t i = 0; i < k + m; i++)
					flags[i] = lost >> i & 1;
				assert_int_equal(lose_and_decode(ctx, &b, flags, flags + k),
					__builtin_popcount(lost) <= (int)m ? 0
					: (lost & ((1u << k) - 1)) != 0	   ? -ENODATA
									   : 0);
			}
			block_finish(&b);
		}
	}
	pf_gf16_destroy(ctx);
}

/* `data_losses` data shards and as many parity shards as may go with them. */
static void lose_random(struct pf_gf16_ctx *ctx, struct block *b, uint32_t data_losses)
{
	bool *flags = calloc(b->k + b->m, sizeof(*flags));

	assert_non_null(flags);
	for (uint32_t n = 0; n < data_losses;) {
		uint32_t i = rng_below(&rng, b->k);

		n += !flags[i];
		flags[i] = true;
	}
	for (uint32_t n = data_losses; n < b->m;) {
		uint32_t j = b->k + rng_below(&rng, b->m);

		n += !flags[j];
		flags[j] = true;
	}
	assert_int_equal(lose_and_decode(ctx, b, flags, flags + b->k), 0);
	free(flags);
}

static void larger_blocks_come_back(void **state)
{
	static const struct {
		uint32_t k, m, bytes;
	} shapes[] = { { 20, 4, 1408 }, { 64, 13, 1388 }, { 200, 40, 70 }, { 520, 104, 200 },
		{ 1000, 200, 64 }, { 300, 299, 10 }, { 100, 300, 66 }, { 70, 1000, 2 },
		{ 255, 257, 64 } };

	for (size_t v = 0; v < sizeof(shapes) / sizeof(shapes[0]); v++) {
		struct pf_gf16_ctx *ctx = context(shapes[v].k, shapes[v].m, shapes[v].bytes);
		uint32_t most = shapes[v].m < shapes[v].k ? shapes[v].m : shapes[v].k;
		struct block b;

		block_init(&b, shapes[v].k, shapes[v].m, shapes[v].bytes);
		fill_random(&b);
		assert_int_equal(pf_gf16_encode(ctx, b.k, b.m, b.bytes, in(b.data), b.parity), 0);
		for (uint32_t e = 1; e < most; e += 1 + e / 2)
			lose_random(ctx, &b, e);
		lose_random(ctx, &b, most);
		block_finish(&b);
		pf_gf16_destroy(ctx);
	}
}

static void pieces_equal_the_whole(void **state)
{
	struct pf_gf16_ctx *ctx = context(40, 9, 1388);
	uint8_t **again = shards(9, 1388);
	struct block b;

	block_init(&b, 37, 9, 1388);
	fill_random(&b);
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
	fill_random(&b);
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
		cmocka_unit_test(pieces_equal_the_whole),
		cmocka_unit_test(bad_arguments_are_refused),
	};

	rng = rng_seed();
	return cmocka_run_group_tests_name("fec_gf16", tests, NULL, NULL);
}
