/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include "core/wire/gs_video.h"

/* Data shard 3 of 5 with 2 parity (pct' 40) in block 1 of 3. */
static const uint8_t data_bytes[PF_GS_VIDEO_HDR_BYTES] = {
	0x90, 0x00, 0x12, 0x34, /* sequence BE */
	0x01, 0x02, 0x03, 0x04, /* timestamp BE */
	0, 0, 0, 0, 0, 0, 0, 0, /* SSRC, reserved */
	0x00, 0x34, 0x12, 0xab, /* stream index << 8 */
	0x78, 0x56, 0x34, 0x12, /* frame index */
	0x01, 0x00, 0x10, 0x90, /* block 1, last 2 */
	0x80, 0x32, 0x40, 0x01, /* 40 << 4 | 3 << 12 | 5 << 22 */
};
static const struct pf_gs_video_hdr data_hdr = {
	.seq = 0x1234,
	.timestamp = 0x01020304,
	.stream_index = 0xab1234,
	.frame_index = 0x12345678,
	.flags = PF_GS_PIC,
	.block = 1,
	.last_block = 2,
	.data = 5,
	.shard = 3,
	.fec_percent = 40,
};

static void check_hdr(const struct pf_gs_video_hdr *a, const struct pf_gs_video_hdr *b)
{
	assert_int_equal(a->seq, b->seq);
	assert_int_equal(a->timestamp, b->timestamp);
	assert_int_equal(a->stream_index, b->stream_index);
	assert_int_equal(a->frame_index, b->frame_index);
	assert_int_equal(a->flags, b->flags);
	assert_int_equal(a->extra_flags, b->extra_flags);
	assert_int_equal(a->block, b->block);
	assert_int_equal(a->last_block, b->last_block);
	assert_int_equal(a->data, b->data);
	assert_int_equal(a->shard, b->shard);
	assert_int_equal(a->fec_percent, b->fec_percent);
}

static void a_data_header_byte_by_byte(void **state)
{
	struct pf_gs_video_hdr h;
	uint8_t buf[PF_GS_VIDEO_HDR_BYTES];

	memset(buf, 0xee, sizeof(buf));
	pf_gs_video_hdr_build(&data_hdr, buf);
	assert_memory_equal(buf, data_bytes, sizeof(buf));
	assert_int_equal(pf_gs_video_hdr_parse(&h, data_bytes, sizeof(data_bytes)), 0);
	check_hdr(&h, &data_hdr);
}

static void a_parity_header_leaves_parity_alone(void **state)
{
	struct pf_gs_video_hdr h = data_hdr;
	uint8_t buf[PF_GS_VIDEO_HDR_BYTES], want[PF_GS_VIDEO_HDR_BYTES];

	h.shard = 6;
	memset(buf, 0xee, sizeof(buf));
	memcpy(want, data_bytes, sizeof(want));
	memset(want + 16, 0xee, 4);
	memset(want + 24, 0xee, 3);
	want[29] = 0x62;
	pf_gs_parity_hdr_build(&h, buf);
	assert_memory_equal(buf, want, sizeof(buf));
	/* what the client reads of a parity packet */
	assert_int_equal(pf_gs_video_hdr_parse(&h, buf, sizeof(buf)), 0);
	assert_int_equal(h.shard, 6);
	assert_int_equal(h.seq, 0x1234);
	assert_int_equal(h.frame_index, 0x12345678);
}

static void the_widest_values(void **state)
{
	struct pf_gs_video_hdr h, wide = {
		.seq = 0xffff,
		.timestamp = 0xffffffff,
		.stream_index = 0xffffff,
		.frame_index = 0xffffffff,
		.flags = 7,
		.extra_flags = 1,
		.block = 3,
		.last_block = 3,
		.data = PF_GS_DATA_MAX,
		.shard = PF_GS_DATA_MAX - 1,
	};
	uint8_t buf[PF_GS_VIDEO_HDR_BYTES];

	pf_gs_video_hdr_build(&wide, buf);
	assert_memory_equal(buf + 28, ((uint8_t[]){ 0x00, 0xe0, 0xff, 0xff }), 4);
	assert_int_equal(buf[27], 0xf0);
	assert_int_equal(pf_gs_video_hdr_parse(&h, buf, sizeof(buf)), 0);
	check_hdr(&h, &wide);
}

static void bad_headers_are_refused(void **state)
{
	struct pf_gs_video_hdr h = data_hdr, out;
	uint8_t buf[PF_GS_VIDEO_HDR_BYTES];

	memset(&out, 0x5a, sizeof(out));
	for (size_t len = 0; len < sizeof(data_bytes); len++)
		assert_int_equal(pf_gs_video_hdr_parse(&out, data_bytes, len), -EPROTO);
	for (unsigned i = 0; i < 6; i++) {
		h = data_hdr;
		h.data = i == 0 ? 0 : i == 1 ? 256 : i == 2 ? 213 : 5;
		h.shard = i == 3 ? 7 : 0;
		h.fec_percent = i == 2 ? 20 : 40;
		h.block = i == 4 ? 3 : 1;
		pf_gs_video_hdr_build(&h, buf);
		if (i == 5)
			buf[0] = 0x80;
		assert_int_equal(pf_gs_video_hdr_parse(&out, buf, sizeof(buf)), -EPROTO);
	}
	/* untouched by all of that */
	assert_int_equal(out.seq, 0x5a5a);
	assert_int_equal(out.data, 0x5a5a);
}

static void a_frame_header(void **state)
{
	static const uint8_t bytes[] = { 0x01, 0x39, 0x05, 0x02, 0x60, 0x05, 0x00, 0x00 };
	struct pf_gs_frame_hdr h = { 1337, PF_GS_FRAME_IDR, 1376 }, out;
	uint8_t buf[PF_GS_FRAME_HDR_BYTES];

	pf_gs_frame_hdr_build(&h, buf);
	assert_memory_equal(buf, bytes, sizeof(buf));
	assert_int_equal(pf_gs_frame_hdr_parse(&out, bytes, sizeof(bytes)), 0);
	assert_int_equal(out.latency_100us, 1337);
	assert_int_equal(out.type, PF_GS_FRAME_IDR);
	assert_int_equal(out.last_payload_bytes, 1376);
	for (size_t len = 0; len < sizeof(bytes); len++)
		assert_int_equal(pf_gs_frame_hdr_parse(&out, bytes, len), -EPROTO);
	buf[0] = 0x81; /* the long form */
	assert_int_equal(pf_gs_frame_hdr_parse(&out, buf, sizeof(buf)), -EPROTO);
}

static void a_prefix(void **state)
{
	static const uint8_t head[16] = { 0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01, 0, 0, 0,
		'V', 0x04, 0x03, 0x02, 0x01 };
	struct pf_gs_prefix p = { 0x0123456789abcdef, 0x01020304 }, out = { 7, 7 };
	uint8_t buf[PF_GS_PREFIX_BYTES + PF_GS_VIDEO_HDR_BYTES];

	memset(buf, 0xee, sizeof(buf));
	pf_gs_prefix_build(&p, buf);
	assert_memory_equal(buf, head, sizeof(head));
	for (unsigned i = sizeof(head); i < sizeof(buf); i++)
		assert_int_equal(buf[i], 0xee);
	assert_int_equal(pf_gs_prefix_parse(&out, buf, sizeof(buf) - 1), -EPROTO);
	for (unsigned i = 8; i < 12; i++) {
		buf[i] ^= 1;
		assert_int_equal(pf_gs_prefix_parse(&out, buf, sizeof(buf)), -EPROTO);
		buf[i] ^= 1;
	}
	assert_true(out.counter == 7 && out.frame_index == 7);
	assert_int_equal(pf_gs_prefix_parse(&out, buf, sizeof(buf)), 0);
	assert_true(out.counter == p.counter && out.frame_index == p.frame_index);
}

static void a_ping(void **state)
{
	static const uint8_t bytes[PF_GS_PING_BYTES + 1] = "0123456789abcdef\x00\x00\x01\x02";
	struct pf_gs_ping p = { .counter = 7 };
	uint8_t buf[PF_GS_PING_BYTES];

	for (size_t len = 0; len <= sizeof(bytes); len++)
		if (len != PF_GS_PING_BYTES)
			assert_int_equal(pf_gs_ping_parse(&p, bytes, len), -EPROTO);
	assert_int_equal(p.counter, 7);
	assert_int_equal(pf_gs_ping_parse(&p, bytes, PF_GS_PING_BYTES), 0);
	assert_memory_equal(p.id, "0123456789abcdef", 16);
	assert_int_equal(p.counter, 0x102);
	pf_gs_ping_build(&p, buf);
	assert_memory_equal(buf, bytes, sizeof(buf));
}

/* The rows of gamestream.md 4.5. */
static void parity_follows_from_the_percentage(void **state)
{
	static const unsigned rows[][3] = { { 242, 5, 13 }, { 231, 10, 24 }, { 212, 20, 43 },
		{ 196, 30, 59 }, { 170, 50, 85 }, { 127, 100, 127 }, { 1, 200, 2 }, { 5, 40, 2 },
		{ 100, 2, 2 }, { 1023, 0, 0 } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(pf_gs_parity_count(rows[i][0], rows[i][1]), rows[i][2]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_data_header_byte_by_byte),
		cmocka_unit_test(a_parity_header_leaves_parity_alone),
		cmocka_unit_test(the_widest_values),
		cmocka_unit_test(bad_headers_are_refused),
		cmocka_unit_test(a_frame_header),
		cmocka_unit_test(a_prefix),
		cmocka_unit_test(a_ping),
		cmocka_unit_test(parity_follows_from_the_percentage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
