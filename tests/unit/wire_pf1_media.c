/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include "core/wire/pf1_media.h"
#include "tests/unit/rng.h"

static const struct pf_media_hdr sample = {
	.pts_ns = 0x0102030405060708,
	.frame_index = 5,
	.stream_seq = 9,
	.frame_bytes = 3,
	.user_flags = PF_USER_VIDEO | PF_USER_IDR,
	.block_index = 0x1122,
	.block_count = 0x3344,
	.data_shards = 0x5566,
	.recovery_shards = 0x7788,
	.shard_index = 0x99aa,
	.shard_bytes = 1408,
	.fec_scheme = 1,
	.flags = PF_PKT_PIC | PF_PKT_SOF,
};

static void layout_is_that_of_the_table(void **state)
{
	static const uint8_t want[PF_MEDIA_HDR_BYTES] = { 8, 7, 6, 5, 4, 3, 2, 1, 5, 0, 0, 0, 9, 0,
		0, 0, 3, 0, 0, 0, 5, 0, 0, 0, 0x22, 0x11, 0x44, 0x33, 0x66, 0x55, 0x88, 0x77, 0xaa,
		0x99, 0x80, 0x05, 0xc9, 1, 1, 5 };
	uint8_t got[PF_MEDIA_HDR_BYTES];

	pf_media_hdr_build(&sample, got);
	assert_memory_equal(got, want, sizeof(want));
}

static void round_trip(void **state)
{
	uint64_t seed = rng_seed();

	for (int i = 0; i < 2000; i++) {
		struct pf_media_hdr in, out;
		uint8_t buf[PF_MEDIA_HDR_BYTES];

		memset(&in, 0, sizeof(in));
		in.pts_ns = rng_next(&seed);
		in.frame_index = (uint32_t)rng_next(&seed);
		in.stream_seq = (uint32_t)rng_next(&seed);
		in.frame_bytes = (uint32_t)rng_next(&seed);
		in.user_flags = (uint32_t)rng_next(&seed);
		in.block_index = (uint16_t)rng_next(&seed);
		in.block_count = (uint16_t)rng_next(&seed);
		in.data_shards = (uint16_t)rng_next(&seed);
		in.recovery_shards = (uint16_t)rng_next(&seed);
		in.shard_index = (uint16_t)rng_next(&seed);
		in.shard_bytes = (uint16_t)rng_next(&seed);
		in.fec_scheme = (uint8_t)rng_next(&seed);
		in.flags = (uint8_t)rng_next(&seed);
		memset(&out, 0, sizeof(out));
		pf_media_hdr_build(&in, buf);
		assert_int_equal(pf_media_hdr_parse(&out, buf, sizeof(buf)), 0);
		assert_memory_equal(&in, &out, sizeof(in));
	}
}

static void short_or_foreign_is_refused(void **state)
{
	uint8_t buf[PF_MEDIA_HDR_BYTES];
	struct pf_media_hdr out, before;

	memset(&out, 0x5a, sizeof(out));
	before = out;
	pf_media_hdr_build(&sample, buf);
	for (size_t len = 0; len < sizeof(buf); len++)
		assert_int_equal(pf_media_hdr_parse(&out, buf, len), -EPROTO);
	buf[36] ^= 1;
	assert_int_equal(pf_media_hdr_parse(&out, buf, sizeof(buf)), -EPROTO);
	assert_memory_equal(&out, &before, sizeof(out));
}

static void version_is_ignored(void **state)
{
	uint8_t buf[PF_MEDIA_HDR_BYTES];
	struct pf_media_hdr out;

	pf_media_hdr_build(&sample, buf);
	buf[37] = 0xff;
	assert_int_equal(pf_media_hdr_parse(&out, buf, sizeof(buf)), 0);
	assert_int_equal(out.fec_scheme, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layout_is_that_of_the_table),
		cmocka_unit_test(round_trip),
		cmocka_unit_test(short_or_foreign_is_refused),
		cmocka_unit_test(version_is_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
