/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/wire/gs_audio.h"
#include <errno.h>
#include "core/base/bytes.h"

#define RTP_VERSION_2 0x80
#define TYPE_DATA     97
#define TYPE_PARITY   127

int pf_gs_audio_hdr_parse(struct pf_gs_audio_hdr *out, const uint8_t *buf, size_t len)
{
	struct pf_reader r = pf_reader(buf, len);
	struct pf_gs_audio_hdr h = { 0 };
	const uint8_t version = pf_rd_u8(&r);
	const uint8_t type = pf_rd_u8(&r);
	uint8_t block_type = TYPE_DATA;

	h.parity = type == TYPE_PARITY;
	h.seq = pf_rd_u16be(&r);
	h.time_ms = pf_rd_u32be(&r);
	h.ssrc = pf_rd_u32be(&r);
	if (h.parity) {
		h.shard = pf_rd_u8(&r);
		block_type = pf_rd_u8(&r);
		h.base_seq = pf_rd_u16be(&r);
		h.base_time_ms = pf_rd_u32be(&r);
		h.base_ssrc = pf_rd_u32be(&r);
	}
	if (r.err || version != RTP_VERSION_2 || (type != TYPE_DATA && type != TYPE_PARITY) ||
		h.shard > 1 || block_type != TYPE_DATA || h.base_seq % 4)
		return -EPROTO;
	*out = h;
	return 0;
}

size_t pf_gs_audio_hdr_build(
	const struct pf_gs_audio_hdr *h, uint8_t buf[PF_GS_AUDIO_PARITY_HDR_BYTES])
{
	struct pf_writer w = pf_writer(buf, pf_gs_audio_hdr_bytes(h));

	pf_wr_u8(&w, RTP_VERSION_2);
	pf_wr_u8(&w, h->parity ? TYPE_PARITY : TYPE_DATA);
	pf_wr_u16be(&w, h->seq);
	pf_wr_u32be(&w, h->time_ms);
	pf_wr_u32be(&w, h->ssrc);
	if (h->parity) {
		pf_wr_u8(&w, h->shard);
		pf_wr_u8(&w, TYPE_DATA);
		pf_wr_u16be(&w, h->base_seq);
		pf_wr_u32be(&w, h->base_time_ms);
		pf_wr_u32be(&w, h->base_ssrc);
	}
	return w.len;
}
