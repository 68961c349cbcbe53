/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tools/loss-harness/real.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "core/fec/gf8.h"
#include "core/media/packetizer.h"
#include "core/media/reassembler.h"
#include "core/wire/gs_video.h"
#include "core/wire/pf1_media.h"

#define SHARD	    512u	 /* payload of a packet in both formats */
#define GS_SIZE	    (SHARD + 16) /* S */
#define GS_PACKET   (GS_SIZE + PF_GS_VIDEO_EXTRA)
#define GS_FEC_FROM 16 /* parity covers a packet from here on (gamestream.md 4.6) */
#define FRAME_MAX   (PF_LH_PACKETS_MAX * SHARD)
#define INTERVAL_NS 16666667ull

/* A block of GameStream and those of its packets that came. */
struct gs_block {
	uint32_t k, m, got;
	const uint8_t *packets[PF_GS_DATA_MAX];
};

struct real {
	enum pf_lh_format format;
	struct pf_packetizer *packetizer;
	struct pf_reassembler *reassembler; /* gf16 */
	uint8_t *frame;			    /* what is sent: any bytes */
	uint32_t frame_bytes, frame_index;

	uint8_t *packets, *payload, *rebuilt; /* gf8 */
	uint32_t came, block_count;
	struct gs_block blocks[PF_GS_BLOCKS_MAX];
};

static void close_real(struct real *r)
{
	if (r->packetizer)
		r->packetizer->ops->destroy(r->packetizer);
	pf_reassembler_destroy(r->reassembler);
	free(r->frame);
	free(r->packets);
	free(r->payload);
	free(r->rebuilt);
}

static int open_real(struct real *r, const struct pf_lh_scheme *s, const struct pf_parity *policy)
{
	struct pf_reassembler_params rp = { SHARD, PF_LH_PACKETS_MAX, FRAME_MAX };
	struct pf_gs_params gs = { GS_SIZE, s->percent, PF_LH_MIN_PARITY, FRAME_MAX, policy };
	struct pf_pf1_params pf1 = { SHARD, PF_LH_PACKETS_MAX, FRAME_MAX, policy, 0 };
	uint64_t fill = 1;
	int err;

	r->format = s->format;
	r->frame = malloc(FRAME_MAX);
	if (!r->frame)
		return -ENOMEM;
	for (size_t i = 0; i < FRAME_MAX; i++) {
		fill = fill * 6364136223846793005u + 1442695040888963407u;
		r->frame[i] = (uint8_t)(fill >> 56);
	}
	if (s->format == PF_LH_GF16) {
		err = pf_packetizer_pf1_create(&r->packetizer, &pf1);
		return err ? err : pf_reassembler_create(&r->reassembler, &rp);
	}
	r->packets = malloc((size_t)PF_LH_TOTAL_MAX * GS_PACKET);
	r->payload = malloc(FRAME_MAX);
	r->rebuilt = malloc((size_t)PF_GS_SHARDS_MAX * GS_PACKET);
	if (!r->packets || !r->payload || !r->rebuilt)
		return -ENOMEM;
	return pf_packetizer_gs_create(&r->packetizer, &gs);
}

static int take_gs(struct real *r, const uint8_t *packet)
{
	uint8_t *kept = r->packets + (size_t)r->came++ * GS_PACKET;
	struct pf_gs_video_hdr h;
	struct gs_block *b;

	memcpy(kept, packet, GS_PACKET);
	if (pf_gs_video_hdr_parse(&h, kept, GS_PACKET) || h.shard >= PF_GS_DATA_MAX ||
		h.frame_index != r->frame_index + 1)
		return -EPROTO;
	b = &r->blocks[h.block];
	b->k = h.data;
	b->m = pf_gs_parity_count(h.data, h.fec_percent);
	b->got += !b->packets[h.shard];
	b->packets[h.shard] = kept;
	r->block_count = h.last_block + 1u;
	return 0;
}

/* A block's payload at `to`; false when too little of it came. */
static bool mend_gs(const struct real *r, const struct gs_block *b, uint8_t *to)
{
	const uint8_t *in[PF_GS_DATA_MAX];
	uint8_t *out[PF_GS_DATA_MAX];
	bool whole = true;

	if (!b->k || b->got < b->k)
		return false;
	for (uint32_t i = 0; i < b->k + b->m; i++) {
		in[i] = b->packets[i] ? b->packets[i] + GS_FEC_FROM : NULL;
		out[i] = r->rebuilt + (size_t)(i % PF_GS_SHARDS_MAX) * GS_PACKET;
		whole &= in[i] || i >= b->k;
	}
	if (!whole && pf_gf8_decode(b->k, b->m, GS_PACKET - GS_FEC_FROM, in, in + b->k, out))
		return false;
	for (uint32_t i = 0; i < b->k; i++, to += SHARD)
		memcpy(to, (in[i] ? in[i] : out[i]) + PF_GS_VIDEO_HDR_BYTES - GS_FEC_FROM, SHARD);
	return true;
}

/* The frame's bytes as they came, or NULL. */
static const uint8_t *whole_gs(struct real *r)
{
	uint8_t *to = r->payload;

	if (!r->block_count)
		return NULL;
	for (uint32_t b = 0; b < r->block_count; b++) {
		if (!mend_gs(r, &r->blocks[b], to))
			return NULL;
		to += (size_t)r->blocks[b].k * SHARD;
	}
	return r->payload + PF_GS_FRAME_HDR_BYTES;
}

static int send_packets(struct real *r, const struct pf_lh_trace *t, uint32_t *sent)
{
	struct pf_train train;
	int err = 0;

	for (;;) {
		r->packetizer->ops->next(r->packetizer, PF_TRAIN_MAX, &train);
		if (!train.count)
			return err;
		for (uint32_t i = 0; i < train.count; i++, ++*sent) {
			const uint8_t *p = train.base + (size_t)i * train.stride;

			if (pf_lh_trace_lost(t, *sent, 1))
				continue;
			err = r->format == PF_LH_GF8
				      ? take_gs(r, p)
				      : pf_reassembler_push(r->reassembler, p + PF_SEAL_SEQ_BYTES,
						train.plain_bytes, r->frame_index * INTERVAL_NS);
			if (err)
				return err;
		}
	}
}

/* Whether the frame came; adds to out->wrong if it did with other bytes. */
static bool arrived(struct real *r, struct pf_lh_real_result *out)
{
	struct pf_assembled *f;
	bool any = false;

	if (r->format == PF_LH_GF8) {
		const uint8_t *au = whole_gs(r);

		out->wrong += au && memcmp(au, r->frame, r->frame_bytes);
		return au;
	}
	while ((f = pf_reassembler_take(r->reassembler))) {
		any |= f->frame_index == r->frame_index;
		out->wrong += f->frame_index != r->frame_index || f->len != r->frame_bytes ||
			      memcmp(f->data, r->frame, f->len);
		pf_reassembler_release(r->reassembler, f);
	}
	return any;
}

static int one_frame(struct real *r, struct pf_lh_loop *loop, const struct pf_lh_trace *t,
	struct pf_lh_real_result *out)
{
	struct pf_lh_fate fate = pf_lh_fate(pf_lh_loop_plan(loop), t);
	struct pf_au au = {
		.data = r->frame,
		.len = r->frame_bytes,
		.frame_index = r->frame_index + (r->format == PF_LH_GF8),
		.user_flags = PF_USER_VIDEO,
		.pts_ns = r->frame_index * INTERVAL_NS,
	};
	struct pf_au_plan plan;
	uint32_t sent = 0;
	bool came;
	int err;

	memcpy(r->frame, &r->frame_index, sizeof(r->frame_index));
	r->came = r->block_count = 0;
	memset(r->blocks, 0, sizeof(r->blocks));
	err = r->packetizer->ops->begin(r->packetizer, &au, &plan);
	if (!err)
		err = send_packets(r, t, &sent);
	if (err)
		return err;
	came = arrived(r, out);
	out->frames++;
	out->lost += !came;
	out->different +=
		came == fate.lost || sent != pf_lh_loop_plan(loop)->packets || plan.packets != sent;
	return pf_lh_loop_frame(loop, &fate, false);
}

int pf_lh_real(const struct pf_lh_run *run, const struct pf_lh_point *at,
	const struct pf_lh_scheme *s, struct pf_lh_real_result *out, struct pf_reason *why)
{
	struct pf_lh_loop *loop = pf_lh_loop_create(s, at);
	struct pf_lh_trace t = { 0 };
	struct real *r = calloc(1, sizeof(*r));
	int err = loop && r ? open_real(r, s, pf_lh_loop_policy(loop)) : -ENOMEM;

	*out = (struct pf_lh_real_result){ 0 };
	if (r)
		/* GameStream puts a header in front. */
		r->frame_bytes = at->packets * SHARD - PF_GS_FRAME_HDR_BYTES;
	for (uint32_t f = 0; !err && f < run->warm + run->frames; f++) {
		r->frame_index = f;
		err = pf_lh_trace_make(
			&t, &at->channel, run->seed, f, pf_lh_loop_plan(loop)->packets);
		if (!err)
			err = one_frame(r, loop, &t, out);
		if (!err && f % run->report == run->report - 1)
			pf_lh_loop_report(loop);
	}
	if (err)
		pf_reason_set(why, err, "%s, frame %u of %u packets: %s", s->name, out->frames,
			at->packets, strerror(-err));
	pf_lh_trace_finish(&t);
	if (r)
		close_real(r);
	free(r);
	pf_lh_loop_destroy(loop);
	return err;
}
