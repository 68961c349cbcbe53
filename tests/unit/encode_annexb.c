/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/encode/annexb.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* Runs it on a copy that ends where its memory ends. */
static void check(
	enum pf_codec codec, const uint8_t *in, size_t len, const uint8_t *want, size_t want_len)
{
	uint8_t *copy = malloc(len ? len : 1);
	size_t start;

	memcpy(copy, in, len);
	start = pf_annexb_drop_sei(codec, copy, len);
	assert_int_equal(len - start, want_len);
	assert_memory_equal(copy + start, want, want_len);
	free(copy);
}

#define CHECK(codec, in, want) check(codec, in, sizeof(in), want, sizeof(want))

static void test_h264(void **state)
{
	static const uint8_t in[] = { 0, 0, 0, 1, 0x67, 1, 2, 0, 0, 0, 1, 0x68, 3, 0, 0, 1, 0x06, 5,
		9, 9, 9, 0x80, 0, 0, 1, 0x65, 7, 7, 0, 0, 1, 0x06, 1, 0, 0, 1, 0x65, 8 };
	static const uint8_t want[] = { 0, 0, 0, 1, 0x67, 1, 2, 0, 0, 0, 1, 0x68, 3, 0, 0, 1, 0x65,
		7, 7, 0, 0, 1, 0x06, 1, 0, 0, 1, 0x65, 8 };
	/* SEI first: what follows it gets the long code of a unit's start. */
	static const uint8_t first[] = { 0, 0, 0, 1, 0x06, 5, 0x80, 0, 0, 1, 0x67, 1, 0, 0, 0, 1,
		0x06, 6, 0, 0, 1, 0x65, 7 };
	static const uint8_t first_want[] = { 0, 0, 0, 1, 0x67, 1, 0, 0, 1, 0x65, 7 };

	CHECK(PF_CODEC_H264, in, want);
	CHECK(PF_CODEC_H264, first, first_want);
	assert_int_equal(pf_annexb_first_slice(PF_CODEC_H264, want, sizeof(want)), 13);
}

static void test_hevc(void **state)
{
	static const uint8_t in[] = { 0, 0, 0, 1, 0x40, 1, 2, 0, 0, 0, 1, 0x42, 1, 3, 0, 0, 0, 1,
		0x44, 1, 4, 0, 0, 1, 0x4e, 1, 5, 5, 0x80, 0, 0, 1, 0x26, 1, 7 };
	static const uint8_t want[] = { 0, 0, 0, 1, 0x40, 1, 2, 0, 0, 0, 1, 0x42, 1, 3, 0, 0, 0, 1,
		0x44, 1, 4, 0, 0, 1, 0x26, 1, 7 };

	CHECK(PF_CODEC_HEVC, in, want);
	assert_int_equal(pf_annexb_first_slice(PF_CODEC_HEVC, want, sizeof(want)), 21);
}

/* Nothing to drop, nothing that is Annex B, or no slice at all: as it was. */
static void test_left_alone(void **state)
{
	static const uint8_t clean[] = { 0, 0, 0, 1, 0x67, 1, 0, 0, 1, 0x65, 7 };
	static const uint8_t only_sei[] = { 0, 0, 0, 1, 0x06, 5, 0, 0, 1, 0x06, 5 };
	static const uint8_t junk_first[] = { 9, 0, 0, 1, 0x06, 5, 0, 0, 1, 0x65, 7 };
	static const uint8_t cut[] = { 0, 0, 0, 1, 0x67, 1, 0, 0, 1 };
	static const uint8_t av1[] = { 0x12, 0, 0, 0, 0, 1, 0x06, 5, 0, 0, 1, 0x65, 7 };
	uint8_t many[20 * 5 + 5];

	CHECK(PF_CODEC_H264, clean, clean);
	CHECK(PF_CODEC_H264, only_sei, only_sei);
	CHECK(PF_CODEC_H264, junk_first, junk_first);
	CHECK(PF_CODEC_H264, cut, cut);
	CHECK(PF_CODEC_AV1, av1, av1);
	check(PF_CODEC_H264, clean, 0, clean, 0);
	for (unsigned i = 0; i < 20; i++)
		memcpy(many + 5 * i, (uint8_t[]){ 0, 0, 1, 0x06, 5 }, 5);
	memcpy(many + 100, (uint8_t[]){ 0, 0, 1, 0x65, 5 }, 5);
	CHECK(PF_CODEC_H264, many, many);
	assert_int_equal(pf_annexb_first_slice(PF_CODEC_H264, many, sizeof(many)), sizeof(many));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_h264),
		cmocka_unit_test(test_hevc),
		cmocka_unit_test(test_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
