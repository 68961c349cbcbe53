/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "core/fec/gf16.h"
#include "core/media/packetizer.h"
#include "core/wire/pf1_media.h"

#define FEC_GF16   1 /* fec_scheme of the header */
#define HEAD_BYTES (PF_SEAL_SEQ_BYTES + PF_MEDIA_HDR_BYTES)

struct pf1 {
	struct pf_packetizer base;
	struct pf_pf1_params params;
	struct pf_gf16_ctx *fec;
	uint16_t shard_bytes_max; /* of create: what the buffers are for */
	uint32_t stride;
	uint32_t stream_seq;

	/* The frame under way. */
	struct pf_au au;
	uint32_t shards; /* of data, all blocks */
	uint32_t blocks;
	uint32_t packets, sent;
	uint32_t block;	   /* whose packets come next */
	uint32_t index;	   /* next shard of that block */
	bool parity_phase; /* all data is out */
	bool parity_made;  /* of this block */
	bool streams;	   /* one block: its shards go to the code as they leave */
	uint32_t fed;	   /* of these */

	uint8_t *train;		/* PF_TRAIN_MAX packets */
	uint8_t *parity;	/* packets of one block's parity */
	uint32_t parity_cap;	/* in packets */
	uint8_t *last;		/* the last shard, padded with zeros */
	const uint8_t **data;	/* shards of a block, for the code */
	uint8_t **parity_shard; /* their places in `parity` */
	uint16_t *m;		/* parity per block */
	uint32_t m_cap;		/* in blocks */
};

static uint32_t block_data(const struct pf1 *p, uint32_t block)
{
	uint32_t k_max = p->params.max_data_per_block;

	return block + 1 < p->blocks ? k_max : p->shards - block * k_max;
}

static const uint8_t *shard_at(const struct pf1 *p, uint32_t shard)
{
	if (p->au.packets)
		return p->au.packets + (size_t)shard * p->stride + HEAD_BYTES;
	return shard + 1 < p->shards ? p->au.data + (size_t)shard * p->params.shard_bytes : p->last;
}

/* Makes room for one block's parity; contents are not kept. */
static int grow_parity(struct pf1 *p, uint32_t packets)
{
	uint8_t *buf;

	if (packets <= p->parity_cap)
		return 0;
	buf = malloc((size_t)packets * p->stride);
	if (!buf)
		return -ENOMEM;
	free(p->parity);
	p->parity = buf;
	p->parity_cap = packets;
	for (uint32_t j = 0; j < packets; j++)
		p->parity_shard[j] = buf + (size_t)j * p->stride + HEAD_BYTES;
	return 0;
}

static int grow_blocks(struct pf1 *p)
{
	uint16_t *m;

	if (p->blocks <= p->m_cap)
		return 0;
	m = realloc(p->m, p->blocks * sizeof(*m));
	if (!m)
		return -ENOMEM;
	p->m = m;
	p->m_cap = p->blocks;
	return 0;
}

static void pad_last(struct pf1 *p)
{
	uint32_t shard = p->params.shard_bytes;
	size_t offset = (size_t)(p->shards - 1) * shard;
	size_t rest = p->au.len - offset;

	if (rest)
		memcpy(p->last, p->au.data + offset, rest);
	memset(p->last + rest, 0, shard - rest);
}

static int pf1_begin(struct pf_packetizer *base, const struct pf_au *au, struct pf_au_plan *plan)
{
	struct pf1 *p = (struct pf1 *)base;
	uint32_t shard = p->params.shard_bytes, k_max = p->params.max_data_per_block;
	uint32_t parity = 0, m_max = 0;
	int err;

	p->packets = 0;
	p->sent = 0;
	if (au->len > p->params.max_frame_bytes)
		return -EMSGSIZE;
	p->au = *au;
	p->shards = au->len ? (au->len + shard - 1) / shard : 1;
	p->blocks = (p->shards + k_max - 1) / k_max;
	err = grow_blocks(p);
	if (err)
		return err;
	for (uint32_t b = 0; b < p->blocks; b++) {
		/* Filler is sent to be counted. */
		p->m[b] = au->user_flags & PF_USER_PROBE
				  ? 0
				  : (uint16_t)pf_parity_choose(
					    p->params.parity, block_data(p, b), p->blocks);
		parity += p->m[b];
		if (p->m[b] > m_max)
			m_max = p->m[b];
	}
	err = grow_parity(p, m_max);
	if (err)
		return err;
	if (!au->packets)
		pad_last(p);
	p->streams = p->blocks == 1 && p->m[0];
	if (p->streams) {
		err = pf_gf16_enc_begin(p->fec, p->shards, p->m[0], shard);
		assert(!err);
	}
	p->fed = 0;
	p->packets = p->shards + parity;
	p->block = 0;
	p->index = 0;
	p->parity_phase = false;
	p->parity_made = false;
	*plan = (struct pf_au_plan){
		.packets = p->packets,
		.parity_packets = parity,
		.packet_bytes = p->stride,
		.blocks = p->blocks,
	};
	return 0;
}

/* Writes the header of the next packet in send order at its place. */
static void put_header(struct pf1 *p, uint32_t shard_index, uint8_t *packet)
{
	struct pf_media_hdr h = {
		.pts_ns = p->au.pts_ns,
		.frame_index = p->au.frame_index,
		.stream_seq = p->stream_seq++,
		.frame_bytes = p->au.len,
		.user_flags = p->au.user_flags,
		.block_index = (uint16_t)p->block,
		.block_count = (uint16_t)p->blocks,
		.data_shards = (uint16_t)block_data(p, p->block),
		.recovery_shards = p->m[p->block],
		.shard_index = (uint16_t)shard_index,
		.shard_bytes = p->params.shard_bytes,
		.fec_scheme = FEC_GF16,
		.flags = p->au.user_flags & PF_USER_PROBE ? PF_PKT_PROBE : PF_PKT_PIC,
	};

	if (!p->sent)
		h.flags |= PF_PKT_SOF;
	if (++p->sent == p->packets)
		h.flags |= PF_PKT_EOF;
	pf_media_hdr_build(&h, packet + PF_SEAL_SEQ_BYTES);
}

static uint32_t put_data(struct pf1 *p, uint32_t max, uint8_t **base)
{
	uint32_t shard = p->params.shard_bytes, n = 0;

	if (p->au.packets)
		*base = p->au.packets +
			((size_t)p->block * p->params.max_data_per_block + p->index) * p->stride;
	while (n < max && p->block < p->blocks) {
		uint8_t *packet = *base + (size_t)n * p->stride;
		uint32_t at = p->block * p->params.max_data_per_block + p->index;

		put_header(p, p->index, packet);
		if (!p->au.packets)
			memcpy(packet + HEAD_BYTES, shard_at(p, at), shard);
		n++;
		if (++p->index == block_data(p, p->block)) {
			p->index = 0;
			p->block++;
		}
	}
	return n;
}

/* The code gets what is on its way. */
static void feed(struct pf1 *p)
{
	while (p->streams && p->fed < p->sent && p->fed < p->shards) {
		int err = pf_gf16_enc_add(p->fec, shard_at(p, p->fed++));

		assert(!err);
		(void)err;
	}
}

/* Never fails for the shapes that create let through. */
static void make_parity(struct pf1 *p)
{
	uint32_t k = block_data(p, p->block), first = p->block * p->params.max_data_per_block;
	int err;

	p->parity_made = true;
	if (p->streams) {
		err = pf_gf16_enc_finish(p->fec, p->parity_shard);
		assert(!err);
		return;
	}
	for (uint32_t i = 0; i < k; i++)
		p->data[i] = shard_at(p, first + i);
	err = pf_gf16_encode(
		p->fec, k, p->m[p->block], p->params.shard_bytes, p->data, p->parity_shard);
	assert(!err);
	(void)err;
}

/* A train of parity never spans two blocks: they share the buffer. */
static uint32_t put_parity(struct pf1 *p, uint32_t max, uint8_t **base)
{
	uint32_t n = 0;

	while (p->block < p->blocks && p->index == p->m[p->block]) {
		p->block++;
		p->index = 0;
		p->parity_made = false;
	}
	if (p->block == p->blocks)
		return 0;
	if (!p->parity_made)
		make_parity(p);
	*base = p->parity + (size_t)p->index * p->stride;
	for (; n < max && p->index < p->m[p->block]; n++, p->index++)
		put_header(p, block_data(p, p->block) + p->index, *base + (size_t)n * p->stride);
	return n;
}

static void pf1_next(struct pf_packetizer *base, uint32_t max, struct pf_train *out)
{
	struct pf1 *p = (struct pf1 *)base;

	*out = (struct pf_train){
		.base = p->train,
		.stride = p->stride,
		.plain_bytes = PF_MEDIA_HDR_BYTES + p->params.shard_bytes,
	};
	feed(p);
	if (p->sent == p->packets)
		return;
	if (!p->parity_phase) {
		out->count = put_data(p, max, &out->base);
		out->keep = p->au.packets;
		if (p->block == p->blocks) {
			p->parity_phase = true;
			p->block = 0;
		}
	} else {
		out->count = put_parity(p, max, &out->base);
		out->parity = out->count;
	}
}

static void pf1_destroy(struct pf_packetizer *base)
{
	struct pf1 *p = (struct pf1 *)base;

	if (!p)
		return;
	pf_gf16_destroy(p->fec);
	free(p->train);
	free(p->parity);
	free(p->last);
	free(p->data);
	free(p->parity_shard);
	free(p->m);
	free(p);
}

static const struct pf_packetizer_ops pf1_packetizer_ops = {
	.name = "pf1",
	.begin = pf1_begin,
	.next = pf1_next,
	.destroy = pf1_destroy,
};

int pf_packetizer_pf1_create(struct pf_packetizer **out, const struct pf_pf1_params *params)
{
	uint16_t most = params->shard_bytes_max ? params->shard_bytes_max : params->shard_bytes;
	struct pf_gf16_limits limits = {
		.data_max = params->max_data_per_block,
		.parity_max = params->parity->block_cap,
		.shard_bytes_max = most,
	};
	struct pf1 *p;

	if (most < params->shard_bytes || most > PF_SHARD_MAX || most % 2)
		return -EINVAL;
	if (params->shard_bytes < PF_SHARD_MIN || params->shard_bytes > PF_SHARD_MAX ||
		params->shard_bytes % 2 || !params->max_data_per_block ||
		params->max_data_per_block > PF_BLOCK_DATA_MAX ||
		params->max_frame_bytes < PF_FRAME_BYTES_MIN ||
		params->max_frame_bytes > PF_FRAME_BYTES_LIMIT)
		return -EINVAL;
	/* block_count has 16 bits */
	if (params->max_frame_bytes / params->shard_bytes / params->max_data_per_block >=
		UINT16_MAX)
		return -EINVAL;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->base.ops = &pf1_packetizer_ops;
	p->params = *params;
	p->shard_bytes_max = most;
	p->stride = PF_SEAL_OVERHEAD + PF_MEDIA_HDR_BYTES + params->shard_bytes;
	p->train = malloc((size_t)PF_TRAIN_MAX * (PF_SEAL_OVERHEAD + PF_MEDIA_HDR_BYTES + most));
	p->last = malloc(most);
	p->data = calloc(limits.data_max, sizeof(*p->data));
	p->parity_shard = calloc(limits.parity_max, sizeof(*p->parity_shard));
	if (!p->train || !p->last || !p->data || !p->parity_shard ||
		pf_gf16_create(&limits, &p->fec)) {
		pf1_destroy(&p->base);
		return -ENOMEM;
	}
	*out = &p->base;
	return 0;
}

void pf_pf1_layout(uint16_t shard_bytes, struct pf_au_layout *out)
{
	*out = (struct pf_au_layout){
		.head = HEAD_BYTES,
		.piece = shard_bytes,
		.stride = PF_SEAL_OVERHEAD + PF_MEDIA_HDR_BYTES + shard_bytes,
	};
}

void pf_packetizer_pf1_set_shard(struct pf_packetizer *base, uint16_t shard_bytes)
{
	struct pf1 *p = (struct pf1 *)base;

	if (shard_bytes < PF_SHARD_MIN || shard_bytes % 2 || shard_bytes > p->shard_bytes_max)
		return;
	p->params.shard_bytes = shard_bytes;
	p->stride = PF_SEAL_OVERHEAD + PF_MEDIA_HDR_BYTES + shard_bytes;
	/* Its packets lie a stride apart. */
	free(p->parity);
	p->parity = NULL;
	p->parity_cap = 0;
	/* What is left of a frame is laid out for the old size. */
	p->packets = p->sent = 0;
}
