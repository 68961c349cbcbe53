/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "core/base/cpu.h"
#include "core/fec/gf16.h"
#include "core/fec/gf16_kernel.h"
#include "core/fec/gf16_stream.h"
#include "tests/unit/fec_shards.h"

struct bed {
	struct pf_gf16_ctx *ctx;
	struct pf_gf16_stream *stream;
	struct block block;
};

static void bed_init(struct bed *bed, uint32_t k, uint32_t m, uint32_t bytes)
{
	const struct pf_gf16_limits limits = { k, m, bytes };
	struct block *b = &bed->block;

	assert_int_equal(pf_gf16_create(&limits, &bed->ctx), 0);
	assert_int_equal(pf_gf16_stream_create(bed->ctx, &bed->stream), 0);
	block_init(b, k, m, bytes);
	assert_int_equal(pf_gf16_encode(bed->ctx, k, m, bytes, in(b->data), b->parity), 0);
}

static void bed_finish(struct bed *bed)
{
	block_finish(&bed->block);
	pf_gf16_stream_destroy(bed->stream);
	pf_gf16_destroy(bed->ctx);
}

/* How shards come. */
enum order {
	IN_ORDER,
	LATE,	  /* one in eight comes up to 200 places later */
	SHUFFLED, /* parity before data, too */
	ORDERS,
};

static void arrange(uint32_t *at, uint32_t n, enum order order)
{
	for (uint32_t i = 0; i < n; i++)
		at[i] = i;
	for (uint32_t i = 0; order != IN_ORDER && i + 1 < n; i++) {
		const uint32_t most = order == LATE && n - i > 200 ? 200 : n - i;
		const uint32_t j = i + rng_below(&rng, most), was = at[i];

		if (order == LATE && rng_below(&rng, 8))
			continue;
		memmove(at + i, at + i + 1, (j - i) * sizeof(*at));
		at[j] = was;
	}
}

/* Tells the stream of everything that is not lost, some of it twice, with steps
 * in between, until the k-th shard; then the rest is not needed. */
static void arrive_and_finish(struct bed *bed, const bool *lost, enum order order, uint32_t steps)
{
	struct block *b = &bed->block;
	const struct received in = receive(b, lost);
	const uint32_t n = b->k + b->m;
	uint32_t *at = calloc(n, sizeof(*at)), have = 0;
	const uint8_t other[2] = { 0 };
	int r = 0;

	assert_non_null(at);
	arrange(at, n, order);
	assert_int_equal(pf_gf16_stream_begin(bed->stream, b->k, b->m, b->bytes), 0);
	for (uint32_t i = 0; i < n && have < b->k; i++) {
		const uint32_t j = at[i];

		if (lost[j]) {
			b->received[j] = NULL;
			continue;
		}
		for (int twice = rng_below(&rng, 16) == 0; twice >= 0; twice--)
			assert_int_equal(j < b->k ? pf_gf16_stream_data(bed->stream, j, in.data[j])
						  : pf_gf16_stream_parity(bed->stream, j - b->k,
							    in.parity[j - b->k]),
				0);
		/* Not looked at: it is there already. */
		if (j < b->k)
			assert_int_equal(pf_gf16_stream_data(bed->stream, j, other), 0);
		have++;
		for (uint32_t s = 0; s < steps && pf_gf16_stream_step(bed->stream); s++)
			;
		if (have < b->k && rng_below(&rng, 64) == 0)
			assert_int_equal(pf_gf16_stream_finish(bed->stream, b->out), -ENODATA);
		at[i] = UINT32_MAX;
	}
	/* What had not come when the block was whole comes back as well. */
	for (uint32_t i = 0; i < n; i++)
		if (at[i] != UINT32_MAX)
			b->received[at[i]] = NULL;
	r = have < b->k ? -ENODATA : 0;
	assert_int_equal(check_recovered(b, &in, pf_gf16_stream_finish(bed->stream, b->out)), r);
	assert_int_equal(pf_gf16_stream_finish(bed->stream, b->out), r ? -ENODATA : -EINVAL);
	free(at);
}

static const struct {
	uint32_t k, m, bytes;
} shapes[] = { { 1, 1, 64 }, { 3, 1, 66 }, { 1, 5, 64 }, { 8, 8, 192 }, { 20, 4, 1408 },
	{ 33, 7, 1388 }, { 64, 13, 1408 }, { 200, 40, 70 }, { 200, 40, 1408 }, { 300, 299, 10 },
	{ 520, 104, 1408 }, { 520, 52, 130 }, { 9, 100, 130 }, { 1000, 200, 64 },
	{ 4000, 800, 64 } };

static void any_order_gives_the_block_back(void **state)
{
	for (size_t v = 0; v < sizeof(shapes) / sizeof(shapes[0]); v++) {
		const uint32_t k = shapes[v].k, m = shapes[v].m, most = k < m ? k : m;
		bool *lost = calloc(k + m, sizeof(*lost));
		struct bed bed;

		assert_non_null(lost);
		bed_init(&bed, k, m, shapes[v].bytes);
		for (uint32_t e = 0; e <= most; e += 1 + e) {
			for (enum order order = IN_ORDER; order < ORDERS; order++) {
				lose_random(&bed.block, e, lost);
				for (uint32_t j = 0; j < m; j++)
					if (rng_below(&rng, 4))
						lost[k + j] = false;
				arrive_and_finish(&bed, lost, order, rng_below(&rng, 5));
			}
		}
		free(lost);
		bed_finish(&bed);
	}
}

/* Any shape, on every kernel row. */
static void random_blocks_come_back(void **state)
{
	for (unsigned row = 0; row < pf_gf16_kernel_count; row++) {
		pf_cpu_set_mask(~0u);
		if (pf_gf16_kernels[row]->needs & ~pf_cpu_flags())
			continue;
		pf_cpu_set_mask(pf_gf16_kernels[row]->needs);
		for (int n = 0; n < 150; n++) {
			const uint32_t k = 1 + rng_below(&rng, n % 2 ? 400 : 40);
			const uint32_t m = 1 + rng_below(&rng, n % 3 ? 1 + k / 3 : 100);
			const uint32_t most = k < m ? k : m;
			bool *lost = calloc(k + m, sizeof(*lost));
			struct bed bed;

			assert_non_null(lost);
			bed_init(&bed, k, m, 2 + 2 * rng_below(&rng, 100));
			for (enum order order = IN_ORDER; order < ORDERS; order++) {
				lose_random(&bed.block, rng_below(&rng, most + 1), lost);
				for (uint32_t j = 0; j < m; j++)
					if (rng_below(&rng, 8))
						lost[k + j] = false;
				arrive_and_finish(&bed, lost, order, 1 + rng_below(&rng, 3));
			}
			free(lost);
			bed_finish(&bed);
		}
	}
	pf_cpu_set_mask(~0u);
}

/* Two blocks at once, and another one of the same context in between. */
static void streams_share_a_context(void **state)
{
	struct pf_gf16_stream *second = NULL;
	struct bed bed;
	struct block *b = &bed.block, other;

	bed_init(&bed, 100, 20, 192);
	assert_int_equal(pf_gf16_stream_create(bed.ctx, &second), 0);
	block_init(&other, 90, 17, 190);
	assert_int_equal(pf_gf16_encode(bed.ctx, 90, 17, 190, in(other.data), other.parity), 0);
	assert_int_equal(pf_gf16_stream_begin(bed.stream, 100, 20, 192), 0);
	assert_int_equal(pf_gf16_stream_begin(second, 90, 17, 190), 0);
	for (uint32_t i = 0; i < 100; i++) {
		if (i % 20)
			assert_int_equal(pf_gf16_stream_data(bed.stream, i, b->data[i]), 0);
		if (i < 90 && i % 30)
			assert_int_equal(pf_gf16_stream_data(second, i, other.data[i]), 0);
		pf_gf16_stream_step(bed.stream);
		pf_gf16_stream_step(second);
		if (i == 50)
			assert_int_equal(
				pf_gf16_encode(bed.ctx, 90, 17, 190, in(other.data), other.parity),
				0);
	}
	for (uint32_t j = 0; j < 5; j++)
		assert_int_equal(pf_gf16_stream_parity(bed.stream, 19 - j, b->parity[19 - j]), 0);
	for (uint32_t j = 0; j < 3; j++)
		assert_int_equal(pf_gf16_stream_parity(second, j, other.parity[j]), 0);
	assert_int_equal(pf_gf16_stream_finish(bed.stream, b->out), 0);
	assert_int_equal(pf_gf16_stream_finish(second, other.out), 0);
	for (uint32_t i = 0; i < 100; i += 20)
		assert_memory_equal(b->out[i], b->data[i], 192);
	for (uint32_t i = 0; i < 90; i += 30)
		assert_memory_equal(other.out[i], other.data[i], 190);
	block_finish(&other);
	pf_gf16_stream_destroy(second);
	bed_finish(&bed);
}

static void misuse_is_refused(void **state)
{
	const uint8_t *shard;
	struct bed bed;

	bed_init(&bed, 8, 4, 64);
	shard = bed.block.data[0];
	pf_gf16_stream_destroy(NULL);
	pf_gf16_stream_drop(bed.stream);
	assert_false(pf_gf16_stream_step(bed.stream));
	assert_int_equal(pf_gf16_stream_data(bed.stream, 0, shard), -EINVAL);
	assert_int_equal(pf_gf16_stream_parity(bed.stream, 0, shard), -EINVAL);
	assert_int_equal(pf_gf16_stream_finish(bed.stream, bed.block.out), -EINVAL);
	assert_int_equal(pf_gf16_stream_begin(bed.stream, 9, 4, 64), -EINVAL);
	assert_int_equal(pf_gf16_stream_begin(bed.stream, 8, 5, 64), -EINVAL);
	assert_int_equal(pf_gf16_stream_begin(bed.stream, 8, 4, 63), -EINVAL);
	assert_int_equal(pf_gf16_stream_begin(bed.stream, 8, 4, 66), -EINVAL);
	assert_int_equal(pf_gf16_stream_begin(bed.stream, 7, 3, 64), 0);
	assert_int_equal(pf_gf16_stream_data(bed.stream, 7, shard), -EINVAL);
	assert_int_equal(pf_gf16_stream_parity(bed.stream, 3, shard), -EINVAL);
	for (uint32_t i = 0; i < 6; i++)
		assert_int_equal(pf_gf16_stream_data(bed.stream, i, bed.block.data[i]), 0);
	assert_int_equal(pf_gf16_stream_finish(bed.stream, bed.block.out), -ENODATA);
	assert_int_equal(pf_gf16_stream_parity(bed.stream, 0, shard), 0);
	free(bed.block.out[6]);
	bed.block.out[6] = NULL;
	assert_int_equal(pf_gf16_stream_finish(bed.stream, bed.block.out), -EINVAL);
	/* A block that cannot be leaves the one begun alone. */
	assert_int_equal(pf_gf16_stream_begin(bed.stream, 9, 4, 64), -EINVAL);
	assert_int_equal(pf_gf16_stream_data(bed.stream, 6, bed.block.data[6]), 0);
	assert_int_equal(pf_gf16_stream_finish(bed.stream, bed.block.out), 0);
	assert_int_equal(pf_gf16_stream_begin(bed.stream, 8, 4, 64), 0);
	pf_gf16_stream_drop(bed.stream);
	assert_int_equal(pf_gf16_stream_finish(bed.stream, bed.block.out), -EINVAL);
	bed_finish(&bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_order_gives_the_block_back),
		cmocka_unit_test(random_blocks_come_back),
		cmocka_unit_test(streams_share_a_context),
		cmocka_unit_test(misuse_is_refused),
	};

	rng = rng_seed();
	return cmocka_run_group_tests_name("fec_gf16_stream", tests, NULL, NULL);
}
