/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* seal_vectors.h - the sealed packets of punktfunk1.md 21.3: number 7, key 00..1f
 * (AES takes the first half), salt a1020304, a shard of "abc" and a zero byte. */
#pragma once
#include "core/crypto/aead.h"
#include "core/wire/pf1_media.h"

struct seal_vector {
	enum pf_aead_alg alg;
	unsigned from_client;
	const char *packet;
};

static const struct pf_media_hdr seal_vector_hdr = {
	.pts_ns = 0x0102030405060708,
	.frame_index = 5,
	.stream_seq = 9,
	.frame_bytes = 3,
	.block_count = 1,
	.data_shards = 1,
	.recovery_shards = 1,
	.shard_bytes = 4,
	.fec_scheme = 1,
	.flags = PF_PKT_PIC | PF_PKT_SOF,
};

static const struct seal_vector seal_vectors[] = {
	{ PF_AEAD_AES128_GCM, 0,
		"00000000000000071226dccdf684f9cc51ad93c5c5ddd0c55444ba2cf4d66da1ed8bcfa1fff48dc842"
		"0c4a417fcdafcb5ec22cdd6866c00b4689038e1f25736f0452e43a" },
	{ PF_AEAD_AES128_GCM, 1,
		"0000000000000007dc366c6bc67cb2af597857e134c47c1f799448da6a7d1e695d0a5fdb463bd91a30"
		"0778345743361d4133add20f6d943c56da8cc8ffae0c6dc38cc39b" },
	{ PF_AEAD_CHACHA20_POLY1305, 0,
		"00000000000000071f7f3f4dd838d9495e4fc942d91b26d38da4845b11cdb4590797f7e3aaad9d7279"
		"8e00a1c5672f00d2d03ec6a3f2513d89bc3b18f8e203af1961638b" },
};

#define SEAL_VECTORS (sizeof(seal_vectors) / sizeof(seal_vectors[0]))
