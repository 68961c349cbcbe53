/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/wire/pf1_media.h"
#include <errno.h>
#include "core/base/bytes.h"

#define MAGIC_OFFSET 36
#define MAGIC	     0xc9
#define VERSION	     1

int pf_media_hdr_parse(struct pf_media_hdr *out, const uint8_t *buf, size_t len)
{
	struct pf_reader r = pf_reader(buf, len);

	if (len < PF_MEDIA_HDR_BYTES || buf[MAGIC_OFFSET] != MAGIC)
		return -EPROTO;
	out->pts_ns = pf_rd_u64le(&r);
	out->frame_index = pf_rd_u32le(&r);
	out->stream_seq = pf_rd_u32le(&r);
	out->frame_bytes = pf_rd_u32le(&r);
	out->user_flags = pf_rd_u32le(&r);
	out->block_index = pf_rd_u16le(&r);
	out->block_count = pf_rd_u16le(&r);
	out->data_shards = pf_rd_u16le(&r);
	out->recovery_shards = pf_rd_u16le(&r);
	out->shard_index = pf_rd_u16le(&r);
	out->shard_bytes = pf_rd_u16le(&r);
	pf_rd_bytes(&r, 2); /* magic, version: a receiver ignores the latter */
	out->fec_scheme = pf_rd_u8(&r);
	out->flags = pf_rd_u8(&r);
	return 0;
}

void pf_media_hdr_build(const struct pf_media_hdr *h, uint8_t buf[PF_MEDIA_HDR_BYTES])
{
	struct pf_writer w = pf_writer(buf, PF_MEDIA_HDR_BYTES);

	pf_wr_u64le(&w, h->pts_ns);
	pf_wr_u32le(&w, h->frame_index);
	pf_wr_u32le(&w, h->stream_seq);
	pf_wr_u32le(&w, h->frame_bytes);
	pf_wr_u32le(&w, h->user_flags);
	pf_wr_u16le(&w, h->block_index);
	pf_wr_u16le(&w, h->block_count);
	pf_wr_u16le(&w, h->data_shards);
	pf_wr_u16le(&w, h->recovery_shards);
	pf_wr_u16le(&w, h->shard_index);
	pf_wr_u16le(&w, h->shard_bytes);
	pf_wr_u8(&w, MAGIC);
	pf_wr_u8(&w, VERSION);
	pf_wr_u8(&w, h->fec_scheme);
	pf_wr_u8(&w, h->flags);
}
