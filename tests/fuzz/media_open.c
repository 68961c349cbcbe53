/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A datagram's way in: open, replay window, header, geometry. The first byte
 * chooses: odd = the rest arrives as it is; even = the rest is sealed first, and
 * one byte of it spoilt if the second byte says so. */
#include <string.h>
#include "core/media/geometry.h"
#include "core/media/replay.h"
#include "core/media/seal.h"
#include "tests/fuzz/fuzz.h"

static const struct pf_geometry_limits limits = {
	.shard_bytes = 64,
	.max_data_per_block = 4096,
	.max_frame_bytes = 1u << 20,
};

static struct pf_seal sealer, opener;

static void start(void)
{
	struct pf_media_keys keys = { .salt = { 1, 2, 3, 4 } };

	FUZZ_CHECK(!pf_seal_init(&sealer, &keys, PF_FROM_HOST));
	FUZZ_CHECK(!pf_seal_init(&opener, &keys, PF_FROM_HOST));
}

static void check_header(const uint8_t *plain, size_t len)
{
	struct pf_media_hdr h;
	struct pf_geometry g;

	if (pf_media_hdr_parse(&h, plain, len) ||
		pf_geometry_check(&limits, &h, len - PF_MEDIA_HDR_BYTES, &g))
		return;
	/* What passes stays inside the largest frame, block and packet. */
	FUZZ_CHECK(h.shard_bytes && h.shard_bytes <= len - PF_MEDIA_HDR_BYTES);
	FUZZ_CHECK(h.shard_index < h.data_shards + h.recovery_shards);
	FUZZ_CHECK((uint64_t)(g.base + h.data_shards) * h.shard_bytes <
		   (uint64_t)limits.max_frame_bytes + h.shard_bytes);
	if (g.sized)
		FUZZ_CHECK(g.base + h.data_shards <= g.shards && h.block_index < g.block_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t packet[PF_DATAGRAM_MAX + 64];
	static struct pf_replay replay;
	struct pf_sealed in = { .data = packet };
	size_t spoil;
	bool genuine;

	if (!sealer.aead)
		start();
	if (size < 2 || size - 2 > PF_DATAGRAM_MAX)
		return 0;
	pf_replay_init(&replay);
	if (data[0] & 1) {
		memcpy(packet, data + 2, size - 2);
		in.len = (uint32_t)(size - 2);
		pf_seal_open(&opener, &in, 1);
		if (!in.result)
			check_header(packet + PF_SEAL_SEQ_BYTES, in.len - PF_SEAL_OVERHEAD);
		return 0;
	}
	memcpy(packet + PF_SEAL_SEQ_BYTES, data + 2, size - 2);
	sealer.seq = data[0] * 1000003ull;
	FUZZ_CHECK(!pf_seal_packets(&sealer, packet, 0, (uint32_t)(size - 2), 1));
	in.len = (uint32_t)(size - 2 + PF_SEAL_OVERHEAD);
	spoil = data[1];
	genuine = !spoil || spoil > in.len;
	if (!genuine)
		packet[in.len - spoil] ^= 0x10;
	FUZZ_CHECK(
		pf_seal_open(&opener, &in, 1) == (genuine && in.len <= PF_DATAGRAM_MAX ? 1u : 0u));
	if (in.result)
		return 0;
	FUZZ_CHECK(!memcmp(packet + PF_SEAL_SEQ_BYTES, data + 2, size - 2));
	FUZZ_CHECK(pf_replay_accept(&replay, in.seq) && !pf_replay_accept(&replay, in.seq));
	check_header(packet + PF_SEAL_SEQ_BYTES, in.len - PF_SEAL_OVERHEAD);
	return 0;
}
