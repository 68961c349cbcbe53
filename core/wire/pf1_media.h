/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* pf1_media.h - the 40-byte header of a video packet (punktfunk1.md 10.3). */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define PF_MEDIA_HDR_BYTES 40
#define PF_SEAL_SEQ_BYTES  8
#define PF_SEAL_TAG_BYTES  16
#define PF_SEAL_OVERHEAD   (PF_SEAL_SEQ_BYTES + PF_SEAL_TAG_BYTES)
#define PF_DATAGRAM_MAX	   9216
#define PF_SHARD_MIN	   512
#define PF_SHARD_MAX	   9152
#define PF_PUNCH_BYTES	   8
#define PF_PUNCH_MAGIC	   "PFpunch1"

enum pf_packet_flag {
	PF_PKT_PIC = 1,
	PF_PKT_EOF = 2,
	PF_PKT_SOF = 4,
	PF_PKT_PROBE = 8,
};

enum pf_user_flag {
	PF_USER_VIDEO = 0x01,
	PF_USER_IDR = 0x04,
	PF_USER_PROBE = 0x08,
	PF_USER_RECOVERY_POINT = 0x10,
	PF_USER_RECOVERY_ANCHOR = 0x20,
	PF_USER_CHUNK_ALIGNED = 0x40,
	PF_USER_SLICE_STREAM = 0x80,
};

struct pf_media_hdr {
	uint64_t pts_ns;
	uint32_t frame_index;
	uint32_t stream_seq;
	uint32_t frame_bytes;
	uint32_t user_flags;
	uint16_t block_index;
	uint16_t block_count;
	uint16_t data_shards;	  /* k */
	uint16_t recovery_shards; /* m */
	uint16_t shard_index;
	uint16_t shard_bytes;
	uint8_t fec_scheme; /* 0 GF8, 1 GF16 */
	uint8_t flags;	    /* pf_packet_flag */
};

/** 0, or -EPROTO (short, magic). Geometry is the reassembler's to check. */
int pf_media_hdr_parse(struct pf_media_hdr *out, const uint8_t *buf, size_t len);
/** Writes exactly PF_MEDIA_HDR_BYTES. */
void pf_media_hdr_build(const struct pf_media_hdr *h, uint8_t buf[PF_MEDIA_HDR_BYTES]);
