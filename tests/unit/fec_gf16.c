/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <nettle/sha2.h>
#include "core/base/cpu.h"
#include "core/fec/gf16.h"
#include "core/fec/gf16_block.h"
#include "core/fec/gf16_kernel.h"
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

/* The example of docs/transport.md. */
static void worked_by_hand(void **state)
{
	static const uint8_t first[] = { 1, 0 }, second[] = { 3, 0 }, third[] = { 2, 0 };
	const uint8_t *const data[] = { first, second, third, first };
	struct pf_gf16_ctx *ctx = context(4, 2, 2);
	uint8_t parity[2][2], *const to[] = { parity[0], parity[1] };

	assert_int_equal(pf_gf16_encode(ctx, 2, 2, 2, data, to), 0);
	assert_memory_equal(parity, ((const uint8_t[]){ 2, 0, 0, 0 }), 4);
	assert_int_equal(pf_gf16_encode(ctx, 4, 2, 2, data, to), 0);
	assert_memory_equal(parity, ((const uint8_t[]){ 15, 0, 14, 0 }), 4);
	pf_gf16_destroy(ctx);
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

/* PF_TEST_FULL=1 takes minutes: all that follows on every kernel row. */
static bool full(void)
{
	return getenv("PF_TEST_FULL") != NULL;
}

/* The n-th kernel row that this processor has, best first; false behind the last. */
static bool pick_row(unsigned n)
{
	pf_cpu_set_mask(~0u);
	for (unsigned i = 0; i < pf_gf16_kernel_count; i++) {
		const uint32_t needs = pf_gf16_kernels[i]->needs;

		if (!(needs & ~pf_cpu_flags()) && !n--) {
			pf_cpu_set_mask(needs);
			return true;
		}
	}
	return false;
}

static void every_pattern(struct pf_gf16_ctx *ctx, uint32_t k, uint32_t m)
{
	static const uint32_t sizes[] = { 2, 62, 64, 66, 192, 44 };
	struct block b;

	block_init(&b, k, m, sizes[(k * 7 + m) % 6]);
	make_parity(ctx, &b);
	for (uint32_t lost = 0; lost < 1u << (k + m); lost++) {
		int want = expect(k, m, lost);
		bool flags[16];

		for (uint32_t i = 0; i < k + m; i++)
			flags[i] = lost >> i & 1;
		if (want == 0)
			recover(ctx, &b, flags);
		else
			assert_int_equal(lose_and_decode(ctx, PF_GF16_AUTO, &b, flags), want);
	}
	block_finish(&b);
}

/* Both rates, groups and tails, every method. */
static void every_pattern_of_small_blocks(void **state)
{
	for (unsigned row = 0; pick_row(row); row++) {
		const uint32_t most = full() || !row ? 8 : 5;
		struct pf_gf16_ctx *ctx = context(most, most, 192);

		for (uint32_t k = 1; k <= most; k++)
			for (uint32_t m = 1; m <= most; m++)
				every_pattern(ctx, k, m);
		pf_gf16_destroy(ctx);
	}
}

/* Logs made by multiplying, of elements in coordinates. */
struct logs {
	uint16_t log[65536], exp[2 * 65535];
};

static struct logs *make_logs(void)
{
	struct logs *l = malloc(sizeof(*l));
	const uint32_t generator = poly_coord(2);
	uint32_t power = 1;

	assert_non_null(l);
	for (uint32_t i = 0; i < 65535; i++) {
		assert_true(!i || power != 1);
		l->exp[i] = l->exp[i + 65535] = (uint16_t)power;
		l->log[power] = (uint16_t)i;
		power = poly_mul16(power, generator);
	}
	assert_int_equal(power, 1);
	return l;
}

/* All parity by the formula, element by element. */
static void plain_parity(const struct logs *l, const struct block *b, uint8_t **parity)
{
	uint32_t K = 1, M = 1;

	while (K < b->k)
		K *= 2;
	while (M < b->m)
		M *= 2;
	for (uint32_t j = 0; j < b->m; j++) {
		memset(parity[j], 0, b->bytes);
		for (uint32_t i = 0; i < b->k; i++) {
			const bool low = K < M || (K == M && b->k > b->m);
			const uint32_t x = low ? K + j : j, y = low ? i : M + i;
			const uint32_t factor =
				l->log[low ? x / K : y / M] + 65535u - l->log[x ^ y];

			for (uint32_t at = 0; at < b->bytes; at += 64) {
				const uint32_t left = b->bytes - at;
				const uint32_t half = left < 64 ? left / 2 : 32;

				for (uint32_t lo = at; lo < at + half; lo++) {
					const uint32_t hi = lo + half;
					const uint32_t d = b->data[i][lo] | (uint32_t)b->data[i][hi]
										    << 8;
					uint32_t p;

					if (!d)
						continue;
					p = l->exp[(factor % 65535) + l->log[d]];
					parity[j][lo] ^= (uint8_t)p;
					parity[j][hi] ^= (uint8_t)(p >> 8);
				}
			}
		}
	}
}

/* Mostly small numbers, up to n. */
static uint32_t some(uint32_t n)
{
	uint32_t bits = 1;

	while (bits < 31 && 1u << bits <= n)
		bits++;
	return 1 + rng_below(&rng, 1u << rng_below(&rng, bits + 1)) % n;
}

/* Loses e data shards, at random or together, and leaves at least e parity shards:
 * the first, the last or any. */
static void lose_somehow(const struct block *b, uint32_t e, bool *lost)
{
	const uint32_t have = e + (rng_below(&rng, 2) ? rng_below(&rng, b->m - e + 1) : 0);
	const uint32_t from = rng_below(&rng, b->k), which = rng_below(&rng, 3);

	lose_random(b, e, lost);
	if (rng_below(&rng, 4) == 0)
		for (uint32_t i = 0; i < b->k; i++)
			lost[i] = (i + b->k - from) % b->k < e;
	if (which == 2)
		return;
	for (uint32_t j = 0; j < b->m; j++)
		lost[b->k + j] = which ? j < b->m - have : j >= have;
}

/* Encoder and decoder against the formula of the whole code, on blocks of any shape
 * and size and any loss. */
static void random_blocks_equal_the_formula(void **state)
{
	struct logs *l = make_logs();

	for (unsigned row = 0; pick_row(row) && (full() || !row); row++) {
		struct pf_gf16_ctx *ctx = context(3000, 3000, 1408);

		for (int n = 0; n < 10000; n++) {
			const bool large = n % 100 == 0;
			uint32_t k = some(large ? 3000 : 600), m = some(large ? 3000 : 600), bytes;
			uint64_t most = full() ? 2000000 : large ? 400000 : 60000;
			enum pf_gf16_method method = 1 + rng_below(&rng, PF_GF16_LOCATOR);
			uint8_t **parity;
			struct block b;
			bool *lost;
			int r;

			if ((uint64_t)k * m > most)
				m = 1 + (uint32_t)(most / k) % m;
			bytes = 2 * some(704);
			if ((uint64_t)k * m * bytes / 2 > most)
				bytes = 2 * (uint32_t)(1 + most / ((uint64_t)k * m));
			block_init(&b, k, m, bytes > 1408 ? 1408 : bytes);
			parity = shards(m, b.bytes);
			plain_parity(l, &b, parity);
			assert_int_equal(
				pf_gf16_encode(ctx, k, m, b.bytes, in(b.data), b.parity), 0);
			for (uint32_t j = 0; j < m; j++)
				assert_memory_equal(b.parity[j], parity[j], b.bytes);
			lost = calloc(k + m, sizeof(*lost));
			assert_non_null(lost);
			lose_somehow(&b, rng_below(&rng, (k < m ? k : m) + 1), lost);
			assert_int_equal(lose_and_decode(ctx, PF_GF16_AUTO, &b, lost), 0);
			r = lose_and_decode(ctx, method, &b, lost);
			assert_true(r == 0 || (r == -ENOTSUP && method != PF_GF16_LOCATOR));
			free(lost);
			shards_free(parity, m);
			block_finish(&b);
		}
		pf_gf16_destroy(ctx);
	}
	pf_cpu_set_mask(~0u);
	free(l);
}

static void larger_blocks_come_back(void **state)
{
	static const struct {
		uint32_t k, m, bytes;
	} shapes[] = { { 2, 9, 1408 }, { 20, 4, 1408 }, { 64, 13, 1388 }, { 200, 40, 70 },
		{ 255, 257, 64 }, { 300, 299, 10 }, { 520, 104, 200 }, { 1000, 50, 2 },
		{ 1000, 200, 64 }, { 9, 100, 130 }, { 100, 300, 66 }, { 70, 1000, 2 },
		{ 100, 70, 3070 }, { 9, 6, 16450 }, { 9, 6, 65534 } };

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
		cmocka_unit_test(worked_by_hand),
		cmocka_unit_test(every_pattern_of_small_blocks),
		cmocka_unit_test(random_blocks_equal_the_formula),
		cmocka_unit_test(larger_blocks_come_back),
		cmocka_unit_test(extreme_shapes_come_back),
		cmocka_unit_test(pieces_equal_the_whole),
		cmocka_unit_test(bad_arguments_are_refused),
	};

	rng = rng_seed();
	return cmocka_run_group_tests_name("fec_gf16", tests, NULL, NULL);
}
