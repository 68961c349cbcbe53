/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/wire/gs_video.h"
#include <errno.h>
#include <string.h>
#include "core/base/bytes.h"

#define RTP_HEADER	0x90 /* version 2 with extension */
#define MULTI_FEC_FLAGS 0x10
#define FRAME_HDR_SHORT 0x01
#define FRAME_INDEX	20 /* offsets in the packet header */
#define MULTI_FEC_BLOCK 27

int pf_gs_video_hdr_parse(struct pf_gs_video_hdr *out, const uint8_t *buf, size_t len)
{
	struct pf_reader r = pf_reader(buf, len);
	struct pf_gs_video_hdr h;
	uint32_t fec, parity;

	if (len < PF_GS_VIDEO_HDR_BYTES || pf_rd_u8(&r) != RTP_HEADER)
		return -EPROTO;
	pf_rd_u8(&r); /* packet type */
	h.seq = pf_rd_u16be(&r);
	h.timestamp = pf_rd_u32be(&r);
	pf_rd_bytes(&r, 8); /* SSRC, reserved */
	h.stream_index = pf_rd_u32le(&r) >> 8;
	h.frame_index = pf_rd_u32le(&r);
	h.flags = pf_rd_u8(&r);
	h.extra_flags = pf_rd_u8(&r);
	pf_rd_u8(&r); /* says "blocks follow", or is parity */
	h.last_block = pf_rd_u8(&r);
	h.block = h.last_block >> 4 & 3;
	h.last_block >>= 6;
	fec = pf_rd_u32le(&r);
	h.fec_percent = (uint8_t)(fec >> 4);
	h.shard = fec >> 12 & 0x3ff;
	h.data = (uint16_t)(fec >> 22);
	parity = pf_gs_parity_count(h.data, h.fec_percent);
	if (!h.data || h.shard >= h.data + parity || h.block > h.last_block)
		return -EPROTO;
	if (parity && h.data + parity > PF_GS_SHARDS_MAX)
		return -EPROTO;
	*out = h;
	return 0;
}

static void build_rtp(const struct pf_gs_video_hdr *h, struct pf_writer *w)
{
	pf_wr_u8(w, RTP_HEADER);
	pf_wr_u8(w, 0);
	pf_wr_u16be(w, h->seq);
	pf_wr_u32be(w, h->timestamp);
	pf_wr_u64le(w, 0);
}

static void build_block(const struct pf_gs_video_hdr *h, struct pf_writer *w)
{
	pf_wr_u8(w, (uint8_t)(h->block << 4 | h->last_block << 6));
	pf_wr_u32le(w,
		(uint32_t)h->fec_percent << 4 | (uint32_t)h->shard << 12 | (uint32_t)h->data << 22);
}

void pf_gs_video_hdr_build(const struct pf_gs_video_hdr *h, uint8_t buf[PF_GS_VIDEO_HDR_BYTES])
{
	struct pf_writer w = pf_writer(buf, PF_GS_VIDEO_HDR_BYTES);

	build_rtp(h, &w);
	pf_wr_u32le(&w, h->stream_index << 8);
	pf_wr_u32le(&w, h->frame_index);
	pf_wr_u8(&w, h->flags);
	pf_wr_u8(&w, h->extra_flags);
	pf_wr_u8(&w, MULTI_FEC_FLAGS);
	build_block(h, &w);
}

void pf_gs_parity_hdr_build(const struct pf_gs_video_hdr *h, uint8_t buf[PF_GS_VIDEO_HDR_BYTES])
{
	struct pf_writer w = pf_writer(buf, PF_GS_VIDEO_HDR_BYTES);

	build_rtp(h, &w);
	w.len = FRAME_INDEX;
	pf_wr_u32le(&w, h->frame_index);
	w.len = MULTI_FEC_BLOCK;
	build_block(h, &w);
}

int pf_gs_frame_hdr_parse(struct pf_gs_frame_hdr *out, const uint8_t *buf, size_t len)
{
	struct pf_reader r = pf_reader(buf, len);

	if (len < PF_GS_FRAME_HDR_BYTES || pf_rd_u8(&r) != FRAME_HDR_SHORT)
		return -EPROTO;
	out->latency_100us = pf_rd_u16le(&r);
	out->type = pf_rd_u8(&r);
	out->last_payload_bytes = pf_rd_u16le(&r);
	return 0;
}

void pf_gs_frame_hdr_build(const struct pf_gs_frame_hdr *h, uint8_t buf[PF_GS_FRAME_HDR_BYTES])
{
	struct pf_writer w = pf_writer(buf, PF_GS_FRAME_HDR_BYTES);

	pf_wr_u8(&w, FRAME_HDR_SHORT);
	pf_wr_u16le(&w, h->latency_100us);
	pf_wr_u8(&w, h->type);
	pf_wr_u16le(&w, h->last_payload_bytes);
	pf_wr_u16le(&w, 0);
}

int pf_gs_prefix_parse(struct pf_gs_prefix *out, const uint8_t *buf, size_t len)
{
	struct pf_reader r = pf_reader(buf, len);
	uint64_t counter;

	if (len < PF_GS_PREFIX_BYTES + PF_GS_VIDEO_HDR_BYTES)
		return -EPROTO;
	counter = pf_rd_u64le(&r);
	if (pf_rd_u32le(&r) != (uint32_t)PF_GS_VIDEO_NONCE_MARK << 24)
		return -EPROTO;
	out->counter = counter;
	out->frame_index = pf_rd_u32le(&r);
	return 0;
}

void pf_gs_prefix_build(const struct pf_gs_prefix *p, uint8_t buf[PF_GS_PREFIX_BYTES])
{
	struct pf_writer w = pf_writer(buf, PF_GS_PREFIX_TAG);

	pf_wr_u64le(&w, p->counter);
	pf_wr_u32le(&w, (uint32_t)PF_GS_VIDEO_NONCE_MARK << 24);
	pf_wr_u32le(&w, p->frame_index);
}

int pf_gs_ping_parse(struct pf_gs_ping *out, const uint8_t *buf, size_t len)
{
	struct pf_reader r = pf_reader(buf, len);

	if (len != PF_GS_PING_BYTES)
		return -EPROTO;
	pf_rd_copy(&r, out->id, sizeof(out->id));
	out->counter = pf_rd_u32be(&r);
	return 0;
}

void pf_gs_ping_build(const struct pf_gs_ping *p, uint8_t buf[PF_GS_PING_BYTES])
{
	struct pf_writer w = pf_writer(buf, PF_GS_PING_BYTES);

	pf_wr_bytes(&w, p->id, sizeof(p->id));
	pf_wr_u32be(&w, p->counter);
}
