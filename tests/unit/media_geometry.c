/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include "core/media/geometry.h"

static const struct pf_geometry_limits limits = {
	.shard_bytes = 1408,
	.max_data_per_block = 4096,
	.max_frame_bytes = 8u << 20,
};

/* A frame of 10 shards with 2 of parity. */
static struct pf_media_hdr plain(void)
{
	return (struct pf_media_hdr){
		.frame_bytes = 10 * 1408 - 3,
		.user_flags = PF_USER_VIDEO,
		.block_count = 1,
		.data_shards = 10,
		.recovery_shards = 2,
		.shard_index = 11,
		.shard_bytes = 1408,
	};
}

static int check(const struct pf_media_hdr *h, struct pf_geometry *g)
{
	return pf_geometry_check(&limits, h, h->shard_bytes, g);
}

#define REFUSED(change)                                                                            \
	do {                                                                                       \
		struct pf_media_hdr h = plain();                                                   \
		struct pf_geometry g;                                                              \
		change;                                                                            \
		assert_int_equal(check(&h, &g), -EPROTO);                                          \
	} while (0)

static void a_plain_packet_passes(void **state)
{
	struct pf_media_hdr h = plain();
	struct pf_geometry g;

	assert_int_equal(check(&h, &g), 0);
	assert_true(g.sized && !g.slice);
	assert_int_equal(g.base, 0);
	assert_int_equal(g.shards, 10);
	assert_int_equal(g.block_count, 1);
	/* trailing bytes do not matter, missing ones do */
	assert_int_equal(pf_geometry_check(&limits, &h, 2000, &g), 0);
	assert_int_equal(pf_geometry_check(&limits, &h, 1407, &g), -EPROTO);
	h.frame_bytes = 0;
	h.data_shards = 1;
	h.shard_index = 2;
	assert_int_equal(check(&h, &g), 0);
	assert_int_equal(g.shards, 1);
}

static void sizes_out_of_bounds(void **state)
{
	REFUSED(h.shard_bytes = 510);
	REFUSED(h.shard_bytes = 1407);
	REFUSED(h.shard_bytes = 9154);
	REFUSED(h.shard_bytes = 0);
	REFUSED(h.data_shards = 0);
	REFUSED(h.data_shards = 9);
	REFUSED(h.data_shards = 11);
	REFUSED(h.shard_index = 12);
	REFUSED(h.recovery_shards = 7783 - 9);
	REFUSED(h.recovery_shards = UINT16_MAX);
	REFUSED(h.frame_bytes = (8u << 20) + 1);
	REFUSED(h.frame_bytes = UINT32_MAX);
	REFUSED(h.block_count = 2);
	REFUSED(h.block_index = 1);
	REFUSED(h.block_index = UINT16_MAX);
}

static void low_rate_up_to_the_cap(void **state)
{
	struct pf_media_hdr h = plain();
	struct pf_geometry g;

	assert_int_equal(pf_geometry_block_cap(4096), 4096 + 3687);
	assert_int_equal(pf_geometry_block_cap(UINT16_MAX), UINT16_MAX);
	h.recovery_shards = 4096 + 3687 - 10;
	assert_int_equal(check(&h, &g), 0);
}

static void small_shards_of_a_small_session(void **state)
{
	struct pf_geometry_limits small = limits;
	struct pf_media_hdr h = plain();
	struct pf_geometry g;

	small.shard_bytes = 256;
	h.shard_bytes = 256;
	h.frame_bytes = 2560;
	assert_int_equal(pf_geometry_check(&small, &h, 256, &g), 0);
	h.shard_bytes = 254;
	h.frame_bytes = 2540;
	assert_int_equal(pf_geometry_check(&small, &h, 256, &g), -EPROTO);
}

static void blocks_of_a_large_frame(void **state)
{
	struct pf_media_hdr h = plain();
	struct pf_geometry g;

	/* 4096 + 100 shards; three blocks would be a lie */
	h.frame_bytes = (4096 + 100) * 1408;
	h.block_count = 2;
	h.data_shards = 4096;
	assert_int_equal(check(&h, &g), 0);
	assert_int_equal(g.base, 0);
	h.data_shards = 100;
	assert_int_equal(check(&h, &g), -EPROTO);
	h.block_index = 1;
	assert_int_equal(check(&h, &g), 0);
	assert_int_equal(g.base, 4096);
	h.block_count = 3;
	assert_int_equal(check(&h, &g), -EPROTO);
}

static void legacy_streams(void **state)
{
	struct pf_media_hdr h = plain();
	struct pf_geometry g;

	/* the limit is 5958 shards: two blocks, so only block 0 may come unsized */
	h.block_count = 0;
	h.frame_bytes = 0;
	h.data_shards = 4096;
	assert_int_equal(check(&h, &g), 0);
	assert_false(g.sized);
	assert_int_equal(g.base, 0);
	h.block_index = 1;
	assert_int_equal(check(&h, &g), -EPROTO);
	h.block_index = 0;
	h.data_shards = 4095;
	assert_int_equal(check(&h, &g), -EPROTO);
	h.data_shards = 4096;
	h.frame_bytes = 1408;
	assert_int_equal(check(&h, &g), -EPROTO);
}

static void slice_streams(void **state)
{
	struct pf_media_hdr h = plain();
	struct pf_geometry g;

	h.user_flags |= PF_USER_SLICE_STREAM;
	h.block_count = 0;
	h.block_index = 2;
	h.frame_bytes = 40 * 1408;
	assert_int_equal(check(&h, &g), 0);
	assert_true(g.slice && !g.sized);
	assert_int_equal(g.base, 40);
	h.frame_bytes = 1 * 1408; /* two blocks before, one shard */
	assert_int_equal(check(&h, &g), -EPROTO);
	h.frame_bytes = 40 * 1408 + 2;
	assert_int_equal(check(&h, &g), -EPROTO);
	h.frame_bytes = (5957 - 9) * 1408; /* ends at 5958 shards: above 8 MiB */
	assert_int_equal(check(&h, &g), -EPROTO);
	h.frame_bytes = (5957 - 10) * 1408;
	assert_int_equal(check(&h, &g), 0);
	h.block_index = 5958 / 16 + 1;
	assert_int_equal(check(&h, &g), -EPROTO);
	h.block_index = 5958 / 16;
	assert_int_equal(check(&h, &g), 0);
	h.block_index = 0;
	assert_int_equal(check(&h, &g), -EPROTO); /* the first begins at zero */

	/* the final block */
	h.block_index = 2;
	h.block_count = 3;
	h.frame_bytes = 50 * 1408 - 100;
	assert_int_equal(check(&h, &g), 0);
	assert_true(g.sized);
	assert_int_equal(g.base, 40);
	assert_int_equal(g.shards, 50);
	h.block_count = 4;
	assert_int_equal(check(&h, &g), -EPROTO);
	h.block_count = 3;
	h.frame_bytes = 9 * 1408;
	assert_int_equal(check(&h, &g), -EPROTO); /* k > T */
	h.block_index = 0;
	h.block_count = 1;
	h.frame_bytes = 11 * 1408;
	assert_int_equal(check(&h, &g), -EPROTO); /* one block has it all */
	h.frame_bytes = 10 * 1408;
	assert_int_equal(check(&h, &g), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plain_packet_passes),
		cmocka_unit_test(sizes_out_of_bounds),
		cmocka_unit_test(low_rate_up_to_the_cap),
		cmocka_unit_test(small_shards_of_a_small_session),
		cmocka_unit_test(blocks_of_a_large_frame),
		cmocka_unit_test(legacy_streams),
		cmocka_unit_test(slice_streams),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
