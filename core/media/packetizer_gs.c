/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "core/fec/gf8.h"
#include "core/media/packetizer.h"
#include "core/wire/gs_video.h"
#include "core/wire/pf1_media.h"

/* Where parity begins: the bytes before are set anew in every packet. */
#define FEC_OFFSET  16
#define PERCENT_MAX 255 /* what the header can say */

struct block {
	uint16_t data, parity;
	uint8_t percent; /* what the client derives parity from */
};

struct gs {
	struct pf_packetizer base;
	struct pf_gs_params params;
	uint32_t payload;  /* bytes per packet */
	uint32_t stride;   /* whole packet */
	uint32_t data_max; /* per block, at the pinned percentage */
	uint32_t seq;	   /* of the next packet; both counters of the header */
	uint64_t epoch_ns;
	uint64_t ticks; /* from then to the newest frame */
	bool started;

	/* The frame under way. */
	struct pf_au au;
	uint32_t timestamp;
	uint8_t head[PF_GS_FRAME_HDR_BYTES];
	struct block blocks[PF_GS_BLOCKS_MAX];
	uint32_t block_count;
	uint32_t shard; /* next data shard of the frame */
	uint32_t block; /* whose packets come next */
	uint32_t index; /* next packet of that block */
	uint32_t first; /* data shard of the frame that its first packet is */

	/* One block's packets, data then parity; a block without parity passes
	 * through the front, train by train. Of a frame that lies in its packets already
	 * only the parity. */
	uint8_t *packets;
};

/* The smallest percentage that gives `want` parity shards, where there is one:
 * with more than 100 data shards the next number that a percentage gives. */
static uint32_t percent_for(uint32_t data, uint32_t want)
{
	uint32_t percent = 100 * want / data;

	if (percent < PERCENT_MAX && pf_gs_parity_count(data, percent) < want)
		percent++;
	return percent < PERCENT_MAX ? percent : PERCENT_MAX;
}

/* The percentage that a block should have, whatever its size leads to. */
static uint32_t percent_wanted(const struct gs *g, uint32_t data, uint32_t blocks)
{
	uint32_t percent = g->params.fec_percent, want;

	if (percent == PF_PARITY_ADAPTIVE) {
		want = pf_parity_choose(g->params.parity, data, blocks);
		return percent_for(data, want > g->params.min_parity ? want : g->params.min_parity);
	}
	if (percent && pf_gs_parity_count(data, percent) < g->params.min_parity)
		return percent_for(data, g->params.min_parity);
	return percent;
}

static bool fits(uint32_t data, uint32_t percent)
{
	return data + pf_gs_parity_count(data, percent) <= PF_GS_SHARDS_MAX;
}

static struct block plan_block(const struct gs *g, uint32_t data, uint32_t blocks, bool protect)
{
	uint32_t percent = 0;

	if (protect && data < PF_GS_SHARDS_MAX) {
		percent = percent_wanted(g, data, blocks);
		while (!fits(data, percent))
			percent--;
	}
	return (struct block){
		.data = (uint16_t)data,
		.parity = (uint16_t)pf_gs_parity_count(data, percent),
		.percent = (uint8_t)percent,
	};
}

/* As few blocks as the parity allows: the client drops a frame whose blocks mix
 * on the way. Beyond four, a pinned percentage is given up, as the format's
 * other hosts do; the parity policy takes what room there is. */
static void plan_blocks(struct gs *g, uint32_t shards)
{
	bool adaptive = g->params.fec_percent == PF_PARITY_ADAPTIVE, protect = true;
	uint32_t count = 1, each;

	if (adaptive) {
		for (; count < PF_GS_BLOCKS_MAX; count++) {
			each = (shards + count - 1) / count;
			if (each < PF_GS_SHARDS_MAX && fits(each, percent_wanted(g, each, count)))
				break;
		}
	} else {
		count = (shards + g->data_max - 1) / g->data_max;
		protect = count <= PF_GS_BLOCKS_MAX;
		if (!protect)
			count = PF_GS_BLOCKS_MAX;
	}
	/* More than one block means more than nine shards: the last has some. */
	each = (shards + count - 1) / count;
	for (uint32_t b = 0; b < count; b++, shards -= each)
		g->blocks[b] = plan_block(g, b + 1 < count ? each : shards, count, protect);
	g->block_count = count;
}

static uint8_t frame_type(uint32_t user_flags)
{
	if (user_flags & PF_USER_IDR)
		return PF_GS_FRAME_IDR;
	return user_flags & PF_USER_RECOVERY_ANCHOR ? PF_GS_FRAME_RECOVERED : PF_GS_FRAME_P;
}

/* 90 kHz since the first frame; 0 would mean "no time" to the client. A picture
 * that is sent again keeps its capture time, yet comes later on the screen. */
static uint32_t timestamp(struct gs *g, uint64_t pts_ns)
{
	uint64_t ticks = 0;

	if (!g->started)
		g->epoch_ns = pts_ns;
	g->started = true;
	if (pts_ns > g->epoch_ns)
		ticks = (pts_ns - g->epoch_ns) * 9 / 100000;
	g->ticks = ticks > g->ticks ? ticks : g->ticks + 1;
	return (uint32_t)g->ticks ? (uint32_t)g->ticks : 1;
}

static int gs_begin(struct pf_packetizer *base, const struct pf_au *au, struct pf_au_plan *plan)
{
	struct gs *g = (struct gs *)base;
	uint32_t bytes, shards, parity = 0;
	struct pf_gs_frame_hdr h;

	g->block_count = 0;
	g->block = 0;
	if (au->len > g->params.max_frame_bytes ||
		au->len > pf_gs_frame_bytes_max(g->params.packet_size))
		return -EMSGSIZE;
	g->au = *au;
	bytes = PF_GS_FRAME_HDR_BYTES + au->len;
	shards = (bytes + g->payload - 1) / g->payload;
	plan_blocks(g, shards);
	for (uint32_t b = 0; b < g->block_count; b++)
		parity += g->blocks[b].parity;
	h = (struct pf_gs_frame_hdr){
		.latency_100us = au->latency_100us,
		.type = frame_type(au->user_flags),
		.last_payload_bytes = (uint16_t)(bytes - (shards - 1) * g->payload),
	};
	pf_gs_frame_hdr_build(&h, g->head);
	g->timestamp = timestamp(g, au->pts_ns);
	g->shard = 0;
	g->index = 0;
	g->first = 0;
	*plan = (struct pf_au_plan){
		.packets = shards + parity,
		.parity_packets = parity,
		.packet_bytes = g->stride,
		.blocks = g->block_count,
	};
	return 0;
}

/* The header of the next packet in send order. */
static struct pf_gs_video_hdr next_header(struct gs *g)
{
	const struct block *b = &g->blocks[g->block];
	struct pf_gs_video_hdr h = {
		.seq = (uint16_t)g->seq,
		.timestamp = g->timestamp,
		.stream_index = g->seq & 0xffffff,
		.frame_index = g->au.frame_index,
		.flags = PF_GS_PIC,
		.block = (uint8_t)g->block,
		.last_block = (uint8_t)(g->block_count - 1),
		.data = b->data,
		.shard = (uint16_t)g->index,
		.fec_percent = b->percent,
	};

	if (!g->index)
		h.flags |= PF_GS_SOF;
	if (g->index + 1 == b->data)
		h.flags |= PF_GS_EOF;
	g->seq++;
	g->index++;
	return h;
}

/* The next piece of frame header and access unit. Returns how many bytes of the
 * packet it leaves over. */
static uint32_t put_payload(struct gs *g, uint8_t *to)
{
	uint32_t head = g->shard ? 0 : PF_GS_FRAME_HDR_BYTES;
	uint32_t at = g->shard * g->payload - (g->shard ? PF_GS_FRAME_HDR_BYTES : 0);
	uint32_t room = g->payload - head, n = g->au.len - at < room ? g->au.len - at : room;

	memcpy(to, g->head, head);
	if (!g->au.packets) {
		if (n)
			memcpy(to + head, g->au.data + at, n);
		memset(to + head + n, 0, room - n);
	}
	g->shard++;
	return room - n;
}

static uint8_t *data_at(const struct gs *g, uint32_t index)
{
	return g->au.packets ? g->au.packets + (size_t)(g->first + index) * g->stride
			     : g->packets + (size_t)index * g->stride;
}

static uint8_t *parity_at(const struct gs *g, const struct block *b, uint32_t index)
{
	return g->packets + (size_t)(g->au.packets ? index : b->data + index) * g->stride;
}

/* The code covers whole packets before their RTP header and FEC words are set.
 * These are zero then, so their parity is zero, and parity packets get their own
 * on top: starting behind the RTP header, from finished packets, gives the same
 * bytes. Never fails for the shapes that plan_block makes. */
static void make_parity(struct gs *g, const struct block *b)
{
	const uint8_t *data[PF_GS_SHARDS_MAX];
	uint8_t *parity[PF_GS_SHARDS_MAX];
	int err;

	for (uint32_t i = 0; i < b->data; i++)
		data[i] = data_at(g, i) + FEC_OFFSET;
	for (uint32_t j = 0; j < b->parity; j++)
		parity[j] = parity_at(g, b, j) + FEC_OFFSET;
	err = pf_gf8_encode(b->data, b->parity, g->stride - FEC_OFFSET, data, parity);
	assert(!err);
	(void)err;
}

static void gs_next(struct pf_packetizer *base, uint32_t max, struct pf_train *out)
{
	struct gs *g = (struct gs *)base;
	const struct block *b;
	uint32_t end;

	*out = (struct pf_train){
		.base = g->packets,
		.stride = g->stride,
		.plain_bytes = g->stride,
	};
	if (g->block == g->block_count)
		return;
	b = &g->blocks[g->block];
	if (g->index < b->data) {
		if (b->parity || g->au.packets)
			out->base = data_at(g, g->index);
		out->keep = b->parity || g->au.packets;
		end = b->data;
	} else {
		out->base = parity_at(g, b, g->index - b->data);
		if (g->index == b->data)
			make_parity(g, b);
		end = b->data + b->parity;
	}
	for (; out->count < max && g->index < end; out->count++) {
		uint8_t *packet = out->base + (size_t)out->count * g->stride;
		bool is_data = g->index < b->data;
		struct pf_gs_video_hdr h = next_header(g);

		if (is_data) {
			pf_gs_video_hdr_build(&h, packet);
			/* Parity covers the zeros that fill a frame's last packet; clients
			 * fill them in again themselves. */
			out->unused = put_payload(g, packet + PF_GS_VIDEO_HDR_BYTES);
		} else {
			pf_gs_parity_hdr_build(&h, packet);
			out->parity++;
		}
	}
	if (g->index == b->data + b->parity) {
		g->first += b->data;
		g->block++;
		g->index = 0;
	}
}

static void gs_destroy(struct pf_packetizer *base)
{
	struct gs *g = (struct gs *)base;

	if (!g)
		return;
	free(g->packets);
	free(g);
}

static const struct pf_packetizer_ops gs_packetizer_ops = {
	.name = "gs",
	.begin = gs_begin,
	.next = gs_next,
	.destroy = gs_destroy,
};

uint32_t pf_gs_frame_bytes_max(uint16_t packet_size)
{
	return PF_GS_BLOCKS_MAX * PF_GS_DATA_MAX *
		       (packet_size + PF_GS_VIDEO_EXTRA - PF_GS_VIDEO_HDR_BYTES) -
	       PF_GS_FRAME_HDR_BYTES;
}

void pf_gs_layout(uint16_t packet_size, struct pf_au_layout *out)
{
	uint32_t stride = packet_size + PF_GS_VIDEO_EXTRA;

	*out = (struct pf_au_layout){
		.head = PF_GS_VIDEO_HDR_BYTES,
		.skip = PF_GS_FRAME_HDR_BYTES,
		.piece = stride - PF_GS_VIDEO_HDR_BYTES,
		.stride = stride,
	};
}

int pf_packetizer_gs_create(struct pf_packetizer **out, const struct pf_gs_params *params)
{
	uint32_t percent = params->fec_percent;
	struct gs *g;

	if (params->packet_size < PF_GS_PACKET_MIN || params->packet_size > PF_GS_PACKET_MAX ||
		params->packet_size % PF_GS_PACKET_STEP ||
		params->min_parity > PF_GS_MIN_PARITY_MAX ||
		params->max_frame_bytes < PF_FRAME_BYTES_MIN ||
		params->max_frame_bytes > PF_FRAME_BYTES_LIMIT)
		return -EINVAL;
	if (percent == PF_PARITY_ADAPTIVE ? !params->parity : percent > PF_GS_FEC_PERCENT_MAX)
		return -EINVAL;
	g = calloc(1, sizeof(*g));
	if (!g)
		return -ENOMEM;
	g->base.ops = &gs_packetizer_ops;
	g->params = *params;
	g->stride = params->packet_size + PF_GS_VIDEO_EXTRA;
	g->payload = g->stride - PF_GS_VIDEO_HDR_BYTES;
	if (percent != PF_PARITY_ADAPTIVE) {
		g->data_max = 100 * PF_GS_SHARDS_MAX / (100 + percent);
		while (!fits(g->data_max, percent_wanted(g, g->data_max, 1)))
			g->data_max--;
	}
	g->packets = malloc((size_t)PF_GS_SHARDS_MAX * g->stride);
	if (!g->packets) {
		gs_destroy(&g->base);
		return -ENOMEM;
	}
	*out = &g->base;
	return 0;
}
