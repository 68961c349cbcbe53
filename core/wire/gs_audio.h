/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* gs_audio.h - headers of GameStream's sound datagrams (gamestream.md 5.3, 5.4).
 *
 * A data packet is an RTP header of 12 bytes and the payload; a parity packet is
 * an RTP header, 12 bytes that name the block, and the parity of its four
 * payloads. Pure, any thread. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PF_GS_AUDIO_DATA_HDR_BYTES   12
#define PF_GS_AUDIO_PARITY_HDR_BYTES 24
/* What a client's receive buffer takes. */
#define PF_GS_AUDIO_DATAGRAM_MAX 1400

struct pf_gs_audio_hdr {
	bool parity;
	uint16_t seq; /* of a parity packet: last data sequence + 1 + shard, not used */
	uint32_t time_ms;
	uint32_t ssrc;
	/* Parity packets only, else 0: what they stand for. */
	uint8_t shard;	   /* 0 or 1 */
	uint16_t base_seq; /* of the block's first data packet: a multiple of 4 */
	uint32_t base_time_ms;
	uint32_t base_ssrc;
};

/** Bytes in front of the payload. */
static inline size_t pf_gs_audio_hdr_bytes(const struct pf_gs_audio_hdr *h)
{
	return h->parity ? PF_GS_AUDIO_PARITY_HDR_BYTES : PF_GS_AUDIO_DATA_HDR_BYTES;
}

/** 0, or -EPROTO: short, no RTP header as GameStream has it, or a block that a
 * client does not take. */
int pf_gs_audio_hdr_parse(struct pf_gs_audio_hdr *out, const uint8_t *buf, size_t len);
/** Writes the header and returns its length. */
size_t pf_gs_audio_hdr_build(
	const struct pf_gs_audio_hdr *h, uint8_t buf[PF_GS_AUDIO_PARITY_HDR_BYTES]);
