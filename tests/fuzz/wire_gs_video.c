/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* GameStream video: first byte chooses the parser; what parses builds back to
 * the same bytes, but for those that carry nothing. */
#include <string.h>
#include "core/wire/gs_video.h"
#include "tests/fuzz/fuzz.h"

static void packet(const uint8_t *data, size_t size)
{
	uint8_t buf[PF_GS_VIDEO_HDR_BYTES], want[PF_GS_VIDEO_HDR_BYTES];
	struct pf_gs_video_hdr h;

	if (pf_gs_video_hdr_parse(&h, data, size))
		return;
	FUZZ_CHECK(size >= sizeof(buf));
	FUZZ_CHECK(h.data && h.data <= PF_GS_DATA_MAX);
	FUZZ_CHECK(h.shard < h.data + pf_gs_parity_count(h.data, h.fec_percent));
	FUZZ_CHECK(h.block <= h.last_block && h.last_block < PF_GS_BLOCKS_MAX);
	memcpy(want, data, sizeof(want));
	want[1] = 0;
	memset(want + 8, 0, 9);
	want[26] = 0x10;
	want[27] &= 0xf0;
	want[28] &= 0xf0;
	pf_gs_video_hdr_build(&h, buf);
	FUZZ_CHECK(!memcmp(buf, want, sizeof(buf)));
	memcpy(buf, data, sizeof(buf));
	pf_gs_parity_hdr_build(&h, buf);
	memcpy(want + 16, data + 16, 4);
	want[26] = data[26];
	FUZZ_CHECK(!memcmp(buf, want, sizeof(buf)));
}

static void frame(const uint8_t *data, size_t size)
{
	uint8_t buf[PF_GS_FRAME_HDR_BYTES];
	struct pf_gs_frame_hdr h;

	if (pf_gs_frame_hdr_parse(&h, data, size))
		return;
	pf_gs_frame_hdr_build(&h, buf);
	FUZZ_CHECK(!memcmp(buf, data, 6));
}

static void prefix(const uint8_t *data, size_t size)
{
	uint8_t buf[PF_GS_PREFIX_BYTES];
	struct pf_gs_prefix p;

	if (pf_gs_prefix_parse(&p, data, size))
		return;
	FUZZ_CHECK(size >= PF_GS_PREFIX_BYTES + PF_GS_VIDEO_HDR_BYTES);
	pf_gs_prefix_build(&p, buf);
	FUZZ_CHECK(!memcmp(buf, data, PF_GS_PREFIX_TAG));
}

static void ping(const uint8_t *data, size_t size)
{
	uint8_t buf[PF_GS_PING_BYTES];
	struct pf_gs_ping p;
	int err = pf_gs_ping_parse(&p, data, size);

	FUZZ_CHECK(!err == (size == PF_GS_PING_BYTES));
	if (err)
		return;
	pf_gs_ping_build(&p, buf);
	FUZZ_CHECK(!memcmp(buf, data, sizeof(buf)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const parsers[])(const uint8_t *, size_t) = { packet, frame, prefix, ping };

	if (size)
		parsers[data[0] % 4](data + 1, size - 1);
	return 0;
}
