/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* gs_video.h - a GameStream video datagram (gamestream.md 4.1 - 4.7).
 *
 * With packet size S every datagram has S + 16 bytes: the packet header and
 * S - 16 bytes of payload. The payload stream of a frame begins with a frame
 * header. Encrypted datagrams carry a prefix in front. Pure functions on plain
 * data, any thread. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define PF_GS_PACKET_MIN      512 /* S: bounds of gamestream.md 10 */
#define PF_GS_PACKET_MAX      1456
#define PF_GS_PACKET_STEP     16
#define PF_GS_VIDEO_EXTRA     16 /* datagram bytes above S */
#define PF_GS_VIDEO_HDR_BYTES 32
#define PF_GS_FRAME_HDR_BYTES 8
#define PF_GS_BLOCKS_MAX      4
#define PF_GS_DATA_MAX	      1023 /* data shards of a block without parity */
#define PF_GS_SHARDS_MAX      255  /* data and parity of a block with parity */
#define PF_GS_PING_BYTES      20
#define PF_GS_PING_ID_BYTES   16

enum pf_gs_packet_flag {
	PF_GS_PIC = 1,
	PF_GS_EOF = 2, /* last data shard of a block, not of a frame */
	PF_GS_SOF = 4, /* first data shard of a block */
};

enum pf_gs_frame_type {
	PF_GS_FRAME_P = 1,
	PF_GS_FRAME_IDR = 2,
	PF_GS_FRAME_INTRA_REFRESH = 4,
	PF_GS_FRAME_RECOVERED = 5, /* P that refers to nothing invalidated */
};

/* In parity packets stream_index, flags and extra_flags are parity. */
struct pf_gs_video_hdr {
	uint16_t seq;
	uint32_t timestamp;    /* 90 kHz */
	uint32_t stream_index; /* 24 bits */
	uint32_t frame_index;
	uint8_t flags; /* pf_gs_packet_flag */
	uint8_t extra_flags;
	uint8_t block;	     /* 0..3 */
	uint8_t last_block;  /* 0..3 */
	uint16_t data;	     /* data shards of the block, 1..PF_GS_DATA_MAX */
	uint16_t shard;	     /* below data + parity */
	uint8_t fec_percent; /* parity follows from it: pf_gs_parity_count */
};

struct pf_gs_frame_hdr {
	uint16_t latency_100us; /* capture to send; 0 = unknown or a repeat */
	uint8_t type;		/* pf_gs_frame_type */
	uint16_t last_payload_bytes;
};

/** Parity shards of a block, as the client derives them. */
static inline uint32_t pf_gs_parity_count(uint32_t data, uint32_t percent)
{
	return (data * percent + 99) / 100;
}

/** 0, or -EPROTO: short, not an RTP header with extension, no data, a shard or
 * block number out of range, more shards than the format has. */
int pf_gs_video_hdr_parse(struct pf_gs_video_hdr *out, const uint8_t *buf, size_t len);
/** Header of a data packet. */
void pf_gs_video_hdr_build(const struct pf_gs_video_hdr *h, uint8_t buf[PF_GS_VIDEO_HDR_BYTES]);
/** Header of a parity packet whose bytes from 16 on hold parity: leaves those
 * that the client needs for recovery as they are. */
void pf_gs_parity_hdr_build(const struct pf_gs_video_hdr *h, uint8_t buf[PF_GS_VIDEO_HDR_BYTES]);

/** 0, or -EPROTO: short, or not the 8-byte form. */
int pf_gs_frame_hdr_parse(struct pf_gs_frame_hdr *out, const uint8_t *buf, size_t len);
void pf_gs_frame_hdr_build(const struct pf_gs_frame_hdr *h, uint8_t buf[PF_GS_FRAME_HDR_BYTES]);

/* ---- encryption: nonce 12 | frame index u32 | tag 16 | ciphertext ---- */

#define PF_GS_PREFIX_BYTES     32
#define PF_GS_PREFIX_NONCE     0 /* offsets */
#define PF_GS_PREFIX_FRAME     12
#define PF_GS_PREFIX_TAG       16
#define PF_GS_VIDEO_NONCE_MARK 'V'

struct pf_gs_prefix {
	uint64_t counter;     /* of datagrams under the key */
	uint32_t frame_index; /* a hint, not authenticated */
};

/** Of a whole datagram. 0, or -EPROTO: no room for a packet, or a nonce of
 * another form. The nonce lies at PF_GS_PREFIX_NONCE, the tag at _TAG. */
int pf_gs_prefix_parse(struct pf_gs_prefix *out, const uint8_t *buf, size_t len);
/** Writes all but the tag. */
void pf_gs_prefix_build(const struct pf_gs_prefix *p, uint8_t buf[PF_GS_PREFIX_BYTES]);

/* ---- ping: what the client sends to the video and the audio port ---- */

struct pf_gs_ping {
	uint8_t id[PF_GS_PING_ID_BYTES]; /* compare in constant time */
	uint32_t counter;		 /* from 1 */
};

/** 0, or -EPROTO: not exactly PF_GS_PING_BYTES (the 4-byte form of clients
 * without session ids is refused too). */
int pf_gs_ping_parse(struct pf_gs_ping *out, const uint8_t *buf, size_t len);
void pf_gs_ping_build(const struct pf_gs_ping *p, uint8_t buf[PF_GS_PING_BYTES]);
