/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include "core/wire/gs_audio.h"
#include "tests/unit/rng.h"

static const struct pf_gs_audio_hdr data = {
	.seq = 0x1234, .time_ms = 0x55667788, .ssrc = 0x99aabbcc
};
static const uint8_t data_bytes[] = { 0x80, 97, 0x12, 0x34, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa,
	0xbb, 0xcc };
static const struct pf_gs_audio_hdr parity = { .parity = true,
	.seq = 0x1239,
	.shard = 1,
	.base_seq = 0x1234,
	.base_time_ms = 0x01020304,
	.base_ssrc = 0x05060708 };
static const uint8_t parity_bytes[] = { 0x80, 127, 0x12, 0x39, 0, 0, 0, 0, 0, 0, 0, 0, 1, 97, 0x12,
	0x34, 1, 2, 3, 4, 5, 6, 7, 8 };

static void layout_is_that_of_the_tables(void **state)
{
	uint8_t got[PF_GS_AUDIO_PARITY_HDR_BYTES];

	assert_int_equal(pf_gs_audio_hdr_build(&data, got), sizeof(data_bytes));
	assert_memory_equal(got, data_bytes, sizeof(data_bytes));
	assert_int_equal(pf_gs_audio_hdr_build(&parity, got), sizeof(parity_bytes));
	assert_memory_equal(got, parity_bytes, sizeof(parity_bytes));
	assert_int_equal(pf_gs_audio_hdr_bytes(&data), sizeof(data_bytes));
	assert_int_equal(pf_gs_audio_hdr_bytes(&parity), sizeof(parity_bytes));
}

static void round_trip(void **state)
{
	uint64_t seed = rng_seed();

	for (int i = 0; i < 2000; i++) {
		uint8_t buf[PF_GS_AUDIO_PARITY_HDR_BYTES];
		struct pf_gs_audio_hdr in, out;

		memset(&in, 0, sizeof(in));
		in.parity = i % 2;
		in.seq = (uint16_t)rng_next(&seed);
		in.time_ms = (uint32_t)rng_next(&seed);
		in.ssrc = (uint32_t)rng_next(&seed);
		if (in.parity) {
			in.shard = (uint8_t)rng_below(&seed, 2);
			in.base_seq = (uint16_t)(rng_next(&seed) & ~3u);
			in.base_time_ms = (uint32_t)rng_next(&seed);
			in.base_ssrc = (uint32_t)rng_next(&seed);
		}
		memset(&out, 0, sizeof(out));
		assert_int_equal(
			pf_gs_audio_hdr_parse(&out, buf, pf_gs_audio_hdr_build(&in, buf)), 0);
		assert_memory_equal(&in, &out, sizeof(in));
	}
}

static void refused(const uint8_t *good, size_t len, size_t at, uint8_t value)
{
	uint8_t bad[PF_GS_AUDIO_PARITY_HDR_BYTES];
	struct pf_gs_audio_hdr out, before;

	memset(&out, 0x5a, sizeof(out));
	before = out;
	memcpy(bad, good, len);
	bad[at] = value;
	assert_int_equal(pf_gs_audio_hdr_parse(&out, bad, len), -EPROTO);
	assert_memory_equal(&out, &before, sizeof(out));
}

static void what_a_client_does_not_take_is_refused(void **state)
{
	struct pf_gs_audio_hdr out;

	for (size_t len = 0; len < sizeof(data_bytes); len++)
		assert_int_equal(pf_gs_audio_hdr_parse(&out, data_bytes, len), -EPROTO);
	for (size_t len = 0; len < sizeof(parity_bytes); len++)
		assert_int_equal(pf_gs_audio_hdr_parse(&out, parity_bytes, len), -EPROTO);
	refused(data_bytes, sizeof(data_bytes), 0, 0x81);
	refused(data_bytes, sizeof(data_bytes), 1, 96);
	refused(data_bytes, sizeof(data_bytes), 1, 0xff);
	refused(parity_bytes, sizeof(parity_bytes), 12, 2);   /* shard */
	refused(parity_bytes, sizeof(parity_bytes), 13, 127); /* of what */
	for (uint8_t odd = 1; odd < 4; odd++)
		refused(parity_bytes, sizeof(parity_bytes), 15, 0x34 + odd); /* base */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layout_is_that_of_the_tables),
		cmocka_unit_test(round_trip),
		cmocka_unit_test(what_a_client_does_not_take_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
