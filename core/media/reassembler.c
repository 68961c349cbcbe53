/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Frame numbers run through a window of slots: [base, newest] are awaited or in
 * flight, slots behind base remember how a frame ended. base moves on when a
 * newer frame's arrival makes the oldest one too old, so base is never more
 * than PF_FRAME_LOST_INDEXES behind newest and one slot serves one frame. */
#include "core/media/reassembler.h"
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "core/fec/gf16.h"
#include "core/media/geometry.h"
#include "core/media/packetizer.h"

#define SLOTS	      128u /* a power of two above PF_FRAME_LOST_INDEXES */
#define REBUILT_KEPT  4096u
#define IDLE_KEPT     16u
#define DATA_GRANULE  (64u << 10)
#define MEMORY_FACTOR 4

struct block {
	uint32_t base;
	uint32_t bits; /* first word of its k + m arrival bits */
	uint16_t k, m;
	uint16_t data_have, parity_have;
	bool known, complete;
};

struct parity_ref {
	uint16_t block, index;
};

struct area { /* memory that only grows */
	uint8_t *p;
	size_t cap;
};

struct frame {
	struct pf_assembled pub; /* first: what the taker sees */
	struct frame *next;	 /* of the ready or the idle list */
	struct frame *all_prev, *all_next;
	uint16_t shard_bytes;
	bool slice, sized;
	uint32_t shards, block_count; /* valid if sized */
	uint32_t blocks_len, blocks_done;
	uint32_t bits_len; /* words */
	uint32_t parity_len;
	struct area data;	/* shards at their places */
	struct area blocks;	/* struct block [blocks_len] */
	struct area bits;	/* uint64_t [bits_len] */
	struct area parity;	/* shards in order of arrival, parity_len of them */
	struct area parity_ref; /* struct parity_ref [parity_len] */
};

enum slot_state {
	SLOT_UNSEEN,
	SLOT_FLIGHT,
	SLOT_DONE,
	SLOT_LOST,
};

struct slot {
	enum slot_state state;
	uint32_t index;
	uint32_t rebuilt_from; /* its first entry of the rebuilt ring, if any */
	bool rebuilt;
	uint64_t pts_ns;
	struct frame *f; /* while in flight */
};

/* A data shard that parity gave back; its original may still come. */
struct rebuilt {
	uint32_t frame;
	uint16_t block, shard;
};

struct pf_reassembler {
	struct pf_geometry_limits limits;
	struct pf_gf16_ctx *fec;
	struct pf_reassembler_stats stats;

	bool started;
	uint32_t base, newest;
	uint64_t newest_pts_ns;
	struct slot slots[SLOTS];
	unsigned chunked; /* chunk-aligned frames in flight */

	struct frame *all;
	struct frame *idle;
	unsigned idle_count;
	struct frame *ready, **ready_end;

	struct rebuilt rebuilt[REBUILT_KEPT];
	uint32_t rebuilt_head;

	uint32_t lost_pending, lost_newest;
	uint64_t window_received, window_recovered, window_late;
	bool window_lost;

	const uint8_t **data_at; /* scratch for the code */
	const uint8_t **parity_at;
	uint8_t **out_at;
};

/* --- memory --- */

static struct block *block_at(const struct frame *f, uint32_t i)
{
	return (struct block *)f->blocks.p + i;
}

static uint64_t *bits_of(const struct frame *f, const struct block *b)
{
	return (uint64_t *)f->bits.p + b->bits;
}

static uint8_t *shard_at(const struct frame *f, uint32_t shard)
{
	return f->data.p + (size_t)shard * f->shard_bytes;
}

static size_t frame_memory(const struct frame *f)
{
	return sizeof(*f) + f->data.cap + f->blocks.cap + f->bits.cap + f->parity.cap +
	       f->parity_ref.cap;
}

static void take_memory(struct pf_reassembler *r, size_t bytes)
{
	r->stats.memory_bytes += bytes;
	if (r->stats.memory_bytes > r->stats.memory_peak_bytes)
		r->stats.memory_peak_bytes = r->stats.memory_bytes;
}

static void free_frame(struct pf_reassembler *r, struct frame *f)
{
	if (f->all_prev)
		f->all_prev->all_next = f->all_next;
	else
		r->all = f->all_next;
	if (f->all_next)
		f->all_next->all_prev = f->all_prev;
	free(f->data.p);
	free(f->blocks.p);
	free(f->bits.p);
	free(f->parity.p);
	free(f->parity_ref.p);
	free(f);
}

static bool free_one_idle(struct pf_reassembler *r)
{
	struct frame *f = r->idle;

	if (!f)
		return false;
	r->idle = f->next;
	r->idle_count--;
	r->stats.memory_bytes -= frame_memory(f);
	free_frame(r, f);
	return true;
}

static void to_idle(struct pf_reassembler *r, struct frame *f)
{
	f->next = r->idle;
	r->idle = f;
	r->idle_count++;
	if (r->idle_count > IDLE_KEPT)
		free_one_idle(r);
}

static void lose(struct pf_reassembler *r, uint32_t index);

static uint64_t memory_limit(const struct pf_reassembler *r)
{
	return (uint64_t)r->limits.max_frame_bytes * MEMORY_FACTOR;
}

/* Makes `bytes` more fit under the limit: idle buffers go first, then the oldest
 * unfinished frames, never `keep`. */
static bool make_room(struct pf_reassembler *r, const struct frame *keep, size_t bytes)
{
	uint32_t i = r->base;

	while (r->stats.memory_bytes + bytes > memory_limit(r)) {
		struct slot *s;

		if (free_one_idle(r))
			continue;
		for (;; i++) {
			if (i == r->newest + 1)
				return false;
			s = &r->slots[i % SLOTS];
			if (s->state == SLOT_FLIGHT && s->index == i && s->f != keep)
				break;
		}
		lose(r, i);
	}
	return true;
}

/* Grows an area of `f` to `need` bytes, at least doubling it up to `most`. */
static int grow(struct pf_reassembler *r, struct frame *f, struct area *a, size_t need, size_t most)
{
	size_t cap = a->cap * 2;
	uint8_t *p;

	if (need <= a->cap)
		return 0;
	if (cap > most)
		cap = most;
	if (cap < need)
		cap = need;
	if (!make_room(r, f, cap - a->cap)) {
		cap = need;
		if (!make_room(r, f, cap - a->cap))
			return -ENOMEM;
	}
	p = realloc(a->p, cap);
	if (!p)
		return -ENOMEM;
	take_memory(r, cap - a->cap);
	a->p = p;
	a->cap = cap;
	return 0;
}

/* Room for the first `shards` shards of the frame. */
static int grow_data(struct pf_reassembler *r, struct frame *f, uint32_t shards)
{
	size_t need = (size_t)shards * f->shard_bytes;
	size_t most = (size_t)pf_geometry_shards(r->limits.max_frame_bytes, f->shard_bytes) *
		      f->shard_bytes;
	size_t cap = (need + DATA_GRANULE - 1) / DATA_GRANULE * DATA_GRANULE;

	if (need <= f->data.cap)
		return 0;
	if (f->sized && !f->bits_len) {
		/* Nothing is in it yet: no need to copy the last frame's bytes. */
		if (cap > most)
			cap = most;
		if (make_room(r, f, cap - f->data.cap)) {
			r->stats.memory_bytes -= f->data.cap;
			free(f->data.p);
			f->data = (struct area){ .p = malloc(cap) };
			if (!f->data.p)
				return -ENOMEM;
			f->data.cap = cap;
			take_memory(r, cap);
			return 0;
		}
	}
	return grow(r, f, &f->data, need, most);
}

/* --- frames and slots --- */

static struct slot *slot_of(struct pf_reassembler *r, uint32_t index)
{
	return &r->slots[index % SLOTS];
}

static bool slot_is(const struct slot *s, uint32_t index)
{
	return s->state != SLOT_UNSEEN && s->index == index;
}

static bool is_chunked(const struct frame *f)
{
	return f->pub.user_flags & PF_USER_CHUNK_ALIGNED;
}

/* A frame is over; what it was keeps standing in its slot. */
static struct frame *leave_flight(struct pf_reassembler *r, struct slot *s, enum slot_state state)
{
	struct frame *f = s->f;

	r->chunked -= is_chunked(f);
	s->state = state;
	s->f = NULL;
	return f;
}

static void count_lost(struct pf_reassembler *r, uint32_t count, uint32_t newest)
{
	r->stats.frames_lost += count;
	r->lost_pending += count;
	r->lost_newest = newest;
	r->window_lost = true;
}

/* Gives up a frame in flight, or one that was never seen. */
static void lose(struct pf_reassembler *r, uint32_t index)
{
	struct slot *s = slot_of(r, index);

	if (slot_is(s, index))
		to_idle(r, leave_flight(r, s, SLOT_LOST));
	else
		*s = (struct slot){ .state = SLOT_LOST, .index = index };
	count_lost(r, 1, index);
}

static bool resolved(struct pf_reassembler *r, uint32_t index)
{
	const struct slot *s = slot_of(r, index);

	return slot_is(s, index) && s->state != SLOT_FLIGHT;
}

static bool too_old(const struct pf_reassembler *r, uint64_t pts_ns)
{
	return r->newest_pts_ns > pts_ns && r->newest_pts_ns - pts_ns > PF_FRAME_LOST_NS;
}

/* The base frame's pts; of one never seen that of the next one seen. */
static uint64_t base_pts(struct pf_reassembler *r)
{
	for (uint32_t i = r->base; i != r->newest; i++) {
		const struct slot *s = slot_of(r, i);

		if (slot_is(s, i) && s->state != SLOT_LOST)
			return s->pts_ns;
	}
	return r->newest_pts_ns;
}

static void expire(struct pf_reassembler *r)
{
	if (r->newest - r->base >= SLOTS) {
		/* A leap: what lies beyond the slots was never seen. */
		uint32_t beyond = r->base + SLOTS, end = r->newest - PF_FRAME_LOST_INDEXES;

		for (uint32_t i = r->base; i != beyond && i != end; i++)
			if (!resolved(r, i))
				lose(r, i);
		if ((int32_t)(end - beyond) > 0)
			count_lost(r, end - beyond, end - 1);
		r->base = end;
	}
	while (r->base != r->newest) {
		if (!resolved(r, r->base)) {
			if (r->newest - r->base <= PF_FRAME_LOST_INDEXES &&
				!too_old(r, base_pts(r)))
				return;
			lose(r, r->base);
		}
		r->base++;
	}
}

static struct frame *new_frame(struct pf_reassembler *r)
{
	struct frame *f = r->idle;

	if (f) {
		struct frame keep = *f;

		r->idle = f->next;
		r->idle_count--;
		*f = (struct frame){
			.all_prev = keep.all_prev,
			.all_next = keep.all_next,
			.data = keep.data,
			.blocks = keep.blocks,
			.bits = keep.bits,
			.parity = keep.parity,
			.parity_ref = keep.parity_ref,
		};
		return f;
	}
	if (!make_room(r, NULL, sizeof(*f)))
		return NULL;
	f = calloc(1, sizeof(*f));
	if (!f)
		return NULL;
	take_memory(r, sizeof(*f));
	f->all_next = r->all;
	if (r->all)
		r->all->all_prev = f;
	r->all = f;
	return f;
}

static struct frame *start_frame(struct pf_reassembler *r, struct slot *s,
	const struct pf_media_hdr *h, const struct pf_geometry *g, uint64_t now_ns)
{
	struct frame *f = new_frame(r);

	if (!f)
		return NULL;
	f->pub.frame_index = h->frame_index;
	f->pub.user_flags = h->user_flags;
	f->pub.pts_ns = h->pts_ns;
	f->pub.first_ns = now_ns;
	f->shard_bytes = h->shard_bytes;
	f->slice = g->slice;
	*s = (struct slot){
		.state = SLOT_FLIGHT,
		.index = h->frame_index,
		.pts_ns = h->pts_ns,
		.f = f,
	};
	r->chunked += is_chunked(f);
	return f;
}

static void deliver(struct pf_reassembler *r, struct slot *s, uint64_t now_ns)
{
	struct frame *f = leave_flight(r, s, SLOT_DONE);

	f->pub.data = f->data.p;
	f->pub.done_ns = now_ns;
	r->stats.memory_bytes -= frame_memory(f);
	r->stats.frames++;
	r->stats.frames_repaired += f->pub.shards_recovered > 0;
	f->next = NULL;
	*r->ready_end = f;
	r->ready_end = &f->next;
}

/* --- placing a packet --- */

/* Slices follow each other without a hole. */
static bool neighbours_agree(const struct frame *f, uint32_t i, uint32_t base, uint32_t k)
{
	const struct block *b;

	if (!f->slice)
		return true;
	if (i && i - 1 < f->blocks_len) {
		b = block_at(f, i - 1);
		if (b->known && b->base + b->k != base)
			return false;
	}
	if (i + 1 < f->blocks_len) {
		b = block_at(f, i + 1);
		if (b->known && base + k != b->base)
			return false;
	}
	return true;
}

/* Does what a stream's final block says fit the blocks that came before it? */
static bool final_agrees(
	const struct frame *f, const struct pf_media_hdr *h, const struct pf_geometry *g)
{
	uint32_t last = g->block_count - 1;

	if (f->blocks_len > g->block_count)
		return false;
	for (uint32_t i = 0; i < f->blocks_len; i++) {
		const struct block *b = block_at(f, i);

		if (b->known && i == last)
			return false;
		if (b->known && b->base + b->k > (g->slice ? g->base : g->shards))
			return false;
	}
	return h->block_index != last || neighbours_agree(f, last, g->base, h->data_shards);
}

/* Holds the packet against what earlier ones said. 0; -EPROTO drop the packet;
 * -EBADMSG the frame makes no sense any more. */
static int check_consistent(
	struct frame *f, const struct pf_media_hdr *h, const struct pf_geometry *g)
{
	if (h->shard_bytes != f->shard_bytes || g->slice != f->slice)
		return -EPROTO;
	if (g->sized && f->sized)
		return g->shards == f->shards && g->block_count == f->block_count &&
				       h->frame_bytes == f->pub.len
			       ? 0
			       : -EPROTO;
	if (f->sized)
		return h->block_index + 1u < f->block_count && g->base + h->data_shards <= f->shards
			       ? 0
			       : -EPROTO;
	if (!g->sized)
		return 0;
	if (!final_agrees(f, h, g))
		return -EBADMSG;
	f->sized = true;
	f->shards = g->shards;
	f->block_count = g->block_count;
	f->pub.len = h->frame_bytes;
	return 0;
}

static int find_block(struct pf_reassembler *r, struct frame *f, const struct pf_media_hdr *h,
	const struct pf_geometry *g, struct block **out)
{
	uint32_t i = h->block_index, words = (h->data_shards + h->recovery_shards + 63u) / 64;
	struct block *b;
	int err;

	if (i < f->blocks_len && block_at(f, i)->known) {
		b = block_at(f, i);
		if (b->k != h->data_shards || b->m != h->recovery_shards || b->base != g->base)
			return -EPROTO;
		*out = b;
		return 0;
	}
	if (!neighbours_agree(f, i, g->base, h->data_shards))
		return -EPROTO;
	err = grow_data(r, f, f->sized ? f->shards : g->base + h->data_shards);
	if (!err)
		err = grow(r, f, &f->blocks, (i + 1) * sizeof(*b), SIZE_MAX);
	if (!err)
		err = grow(r, f, &f->bits, (f->bits_len + words) * sizeof(uint64_t), SIZE_MAX);
	if (err)
		return err;
	if (i >= f->blocks_len) {
		memset(block_at(f, f->blocks_len), 0, (i + 1 - f->blocks_len) * sizeof(*b));
		f->blocks_len = i + 1;
	}
	b = block_at(f, i);
	*b = (struct block){
		.base = g->base,
		.bits = f->bits_len,
		.k = h->data_shards,
		.m = h->recovery_shards,
		.known = true,
	};
	memset((uint64_t *)f->bits.p + f->bits_len, 0, words * sizeof(uint64_t));
	f->bits_len += words;
	*out = b;
	return 0;
}

static bool test_bit(const uint64_t *bits, uint32_t i)
{
	return bits[i / 64] >> (i % 64) & 1;
}

static void set_bit(uint64_t *bits, uint32_t i)
{
	bits[i / 64] |= 1ull << (i % 64);
}

static int keep_parity(struct pf_reassembler *r, struct frame *f, uint32_t block, uint32_t index,
	const uint8_t *shard)
{
	size_t one = f->shard_bytes;
	struct parity_ref *ref;
	int err = grow(r, f, &f->parity, (f->parity_len + 1) * one, SIZE_MAX);

	if (!err)
		err = grow(r, f, &f->parity_ref, (f->parity_len + 1) * sizeof(*ref), SIZE_MAX);
	if (err)
		return err;
	memcpy(f->parity.p + f->parity_len * one, shard, one);
	ref = (struct parity_ref *)f->parity_ref.p + f->parity_len++;
	*ref = (struct parity_ref){ .block = (uint16_t)block, .index = (uint16_t)index };
	return 0;
}

static void note_rebuilt(struct pf_reassembler *r, struct slot *s, uint32_t block, uint32_t shard)
{
	if (!s->rebuilt) {
		s->rebuilt = true;
		s->rebuilt_from = r->rebuilt_head;
	}
	r->rebuilt[r->rebuilt_head++ % REBUILT_KEPT] = (struct rebuilt){
		.frame = s->index,
		.block = (uint16_t)block,
		.shard = (uint16_t)shard,
	};
	r->stats.shards_recovered++;
	r->window_recovered++;
}

/* An original came behind its reconstruction: it was late, not lost. */
static bool note_late(
	struct pf_reassembler *r, const struct slot *s, uint32_t block, uint32_t shard)
{
	uint32_t i = s->rebuilt_from;

	if (!s->rebuilt)
		return false;
	if (r->rebuilt_head - i > REBUILT_KEPT)
		i = r->rebuilt_head - REBUILT_KEPT;
	for (; i != r->rebuilt_head; i++) {
		struct rebuilt *e = &r->rebuilt[i % REBUILT_KEPT];

		if (e->frame == s->index && e->block == block && e->shard == shard) {
			e->shard = UINT16_MAX; /* no shard has this number */
			r->stats.shards_late++;
			r->window_late++;
			return true;
		}
	}
	return false;
}

/* Rebuilds the missing data of a block of which k shards are here. */
static void recover(struct pf_reassembler *r, struct slot *s, uint32_t block)
{
	struct frame *f = s->f;
	struct block *b = block_at(f, block);
	const struct parity_ref *ref = (const struct parity_ref *)f->parity_ref.p;
	const uint64_t *bits = bits_of(f, b);
	int err;

	memset(r->parity_at, 0, b->m * sizeof(*r->parity_at));
	for (uint32_t i = 0; i < f->parity_len; i++)
		if (ref[i].block == block)
			r->parity_at[ref[i].index] = f->parity.p + (size_t)i * f->shard_bytes;
	for (uint32_t i = 0; i < b->k; i++) {
		uint8_t *at = shard_at(f, b->base + i);
		bool here = test_bit(bits, i);

		r->data_at[i] = here ? at : NULL;
		r->out_at[i] = here ? NULL : at;
		if (!here)
			note_rebuilt(r, s, block, i);
	}
	f->pub.shards_recovered += b->k - b->data_have;
	err = pf_gf16_decode(
		r->fec, b->k, b->m, f->shard_bytes, r->data_at, r->parity_at, r->out_at);
	/* The firewall lets no shape through that the code does not have. */
	assert(!err);
	(void)err;
}

/* Slices may leave a hole between blocks that are not neighbours. */
static bool tiles(const struct frame *f)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < f->block_count; i++) {
		if (block_at(f, i)->base != at)
			return false;
		at += block_at(f, i)->k;
	}
	return at == f->shards;
}

static void finish_block(struct pf_reassembler *r, struct slot *s, struct block *b, uint64_t now_ns)
{
	struct frame *f = s->f;

	b->complete = true;
	f->blocks_done++;
	if (!f->sized || f->blocks_done < f->block_count)
		return;
	if (tiles(f))
		deliver(r, s, now_ns);
	else
		lose(r, s->index);
}

static int place(struct pf_reassembler *r, struct slot *s, const struct pf_media_hdr *h,
	const struct pf_geometry *g, const uint8_t *shard, uint64_t now_ns)
{
	struct frame *f = s->f;
	struct block *b;
	int err = check_consistent(f, h, g);

	if (err == -EBADMSG)
		lose(r, s->index);
	if (!err)
		err = find_block(r, f, h, g, &b);
	if (err)
		return err == -ENOMEM ? err : -EPROTO;
	if (test_bit(bits_of(f, b), h->shard_index)) {
		r->stats.duplicates++;
		return 0;
	}
	if (b->complete) {
		set_bit(bits_of(f, b), h->shard_index);
		if (h->shard_index < b->k)
			note_late(r, s, h->block_index, h->shard_index);
	} else if (h->shard_index < b->k) {
		memcpy(shard_at(f, b->base + h->shard_index), shard, f->shard_bytes);
		set_bit(bits_of(f, b), h->shard_index);
		b->data_have++;
	} else {
		err = keep_parity(r, f, h->block_index, h->shard_index - b->k, shard);
		if (err)
			return err;
		set_bit(bits_of(f, b), h->shard_index);
		b->parity_have++;
	}
	r->stats.packets++;
	r->stats.packets_parity += h->shard_index >= b->k;
	r->window_received++;
	if (b->complete || b->data_have + b->parity_have < b->k)
		return 0;
	if (b->data_have < b->k)
		recover(r, s, h->block_index);
	finish_block(r, s, b, now_ns);
	return 0;
}

/* A packet of a frame that came out already. */
static void after_done(struct pf_reassembler *r, const struct slot *s, const struct pf_media_hdr *h)
{
	if (h->shard_index < h->data_shards && !note_late(r, s, h->block_index, h->shard_index)) {
		r->stats.duplicates++;
		return;
	}
	r->stats.packets++;
	r->stats.packets_parity += h->shard_index >= h->data_shards;
	r->window_received++;
}

/* Moves the window on for the packet's frame; false if that frame is history. */
static bool admit(struct pf_reassembler *r, const struct pf_media_hdr *h)
{
	uint32_t index = h->frame_index;
	const struct slot *s = slot_of(r, index);

	if (!r->started) {
		r->started = true;
		/* Joined in the middle: what came before is not lost. */
		r->base = index <= PF_FRAME_LOST_INDEXES ? 0 : index;
		r->newest = index;
		r->newest_pts_ns = h->pts_ns;
		return true;
	}
	if ((int32_t)(index - r->newest) > 0) {
		r->newest = index;
		r->newest_pts_ns = h->pts_ns;
		expire(r);
		return true;
	}
	if (slot_is(s, index))
		return s->state != SLOT_LOST;
	return (int32_t)(index - r->base) >= 0 && !too_old(r, h->pts_ns);
}

int pf_reassembler_push(struct pf_reassembler *r, const uint8_t *plain, size_t len, uint64_t now_ns)
{
	struct pf_media_hdr h;
	struct pf_geometry g;
	struct slot *s;
	bool fresh;
	int err;

	if (pf_media_hdr_parse(&h, plain, len) ||
		pf_geometry_check(&r->limits, &h, len - PF_MEDIA_HDR_BYTES, &g)) {
		r->stats.invalid++;
		return -EPROTO;
	}
	if ((h.user_flags & (PF_USER_PROBE | PF_USER_VIDEO)) == PF_USER_PROBE) {
		r->stats.probe_packets++;
		r->stats.probe_bytes += len;
		return 0;
	}
	if (!admit(r, &h)) {
		r->stats.stale++;
		return 0;
	}
	s = slot_of(r, h.frame_index);
	fresh = !slot_is(s, h.frame_index);
	if (!fresh && s->state == SLOT_DONE) {
		after_done(r, s, &h);
		return 0;
	}
	if (fresh && !start_frame(r, s, &h, &g, now_ns))
		return -ENOMEM;
	err = place(r, s, &h, &g, plain + PF_MEDIA_HDR_BYTES, now_ns);
	if (err == -EPROTO)
		r->stats.invalid++;
	return err;
}

/* --- out --- */

struct pf_assembled *pf_reassembler_take(struct pf_reassembler *r)
{
	struct frame *f = r->ready;

	if (!f)
		return NULL;
	r->ready = f->next;
	if (!r->ready)
		r->ready_end = &r->ready;
	return &f->pub;
}

void pf_reassembler_release(struct pf_reassembler *r, struct pf_assembled *pub)
{
	struct frame *f = (struct frame *)pub;

	/* No frame in flight gives way to an idle buffer. */
	if (r->stats.memory_bytes + frame_memory(f) > memory_limit(r)) {
		free_frame(r, f);
		return;
	}
	take_memory(r, frame_memory(f));
	to_idle(r, f);
}

static void zero_shards(struct frame *f, uint32_t from, uint32_t to)
{
	if (from < to)
		memset(shard_at(f, from), 0, (size_t)(to - from) * f->shard_bytes);
}

static void zero_missing(struct frame *f)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < f->blocks_len; i++) {
		const struct block *b = block_at(f, i);

		if (!b->known)
			continue;
		zero_shards(f, at, b->base);
		for (uint32_t j = 0; j < b->k && !b->complete; j++)
			if (!test_bit(bits_of(f, b), j))
				zero_shards(f, b->base + j, b->base + j + 1);
		at = b->base + b->k;
	}
	zero_shards(f, at, f->shards);
}

static bool may_be_partial(const struct pf_reassembler *r, const struct slot *s)
{
	return s->state == SLOT_FLIGHT && s->index != r->newest && s->f->sized &&
	       is_chunked(s->f) && s->f->data.cap >= (size_t)s->f->shards * s->f->shard_bytes;
}

void pf_reassembler_poll(struct pf_reassembler *r, uint64_t now_ns)
{
	if (!r->chunked)
		return;
	for (uint32_t i = r->base; i != r->newest; i++) {
		struct slot *s = slot_of(r, i);

		if (s->index != i || !may_be_partial(r, s) ||
			now_ns - s->f->pub.first_ns < PF_FRAME_PARTIAL_NS)
			continue;
		zero_missing(s->f);
		s->f->pub.partial = true;
		deliver(r, s, now_ns);
	}
}

uint64_t pf_reassembler_deadline_ns(const struct pf_reassembler *r)
{
	uint64_t first = UINT64_MAX;

	for (unsigned i = 0; r->chunked && i < SLOTS; i++) {
		const struct slot *s = &r->slots[i];

		if (may_be_partial(r, s) && s->f->pub.first_ns + PF_FRAME_PARTIAL_NS < first)
			first = s->f->pub.first_ns + PF_FRAME_PARTIAL_NS;
	}
	return first;
}

uint32_t pf_reassembler_take_lost(struct pf_reassembler *r, uint32_t *newest)
{
	uint32_t n = r->lost_pending;

	if (n)
		*newest = r->lost_newest;
	r->lost_pending = 0;
	return n;
}

uint32_t pf_reassembler_loss_ppm(struct pf_reassembler *r)
{
	uint64_t lost = 0, all, ppm = 0;

	if (r->window_recovered > r->window_late)
		lost = r->window_recovered - r->window_late;
	all = r->window_received + lost;
	if (all)
		ppm = lost * 1000000 / all;
	if (r->window_lost)
		ppm += PF_FRAME_LOST_PPM;
	r->window_received = 0;
	r->window_recovered = 0;
	r->window_late = 0;
	r->window_lost = false;
	return ppm < 1000000 ? (uint32_t)ppm : 1000000;
}

const struct pf_reassembler_stats *pf_reassembler_stats(const struct pf_reassembler *r)
{
	return &r->stats;
}

/* --- life --- */

int pf_reassembler_create(struct pf_reassembler **out, const struct pf_reassembler_params *params)
{
	uint32_t k_max = params->max_data_per_block, cap;
	struct pf_gf16_limits limits;
	struct pf_reassembler *r;

	if (!params->shard_bytes || params->shard_bytes > PF_SHARD_MAX || !k_max ||
		k_max > PF_BLOCK_DATA_MAX || params->max_frame_bytes < PF_FRAME_BYTES_MIN ||
		params->max_frame_bytes > PF_FRAME_BYTES_LIMIT)
		return -EINVAL;
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->limits = (struct pf_geometry_limits){
		.shard_bytes = params->shard_bytes,
		.max_data_per_block = params->max_data_per_block,
		.max_frame_bytes = params->max_frame_bytes,
	};
	r->ready_end = &r->ready;
	cap = pf_geometry_block_cap(params->max_data_per_block);
	limits = (struct pf_gf16_limits){
		.data_max = k_max,
		.parity_max = cap,
		.shard_bytes_max = PF_SHARD_MAX,
	};
	r->data_at = calloc(k_max, sizeof(*r->data_at));
	r->out_at = calloc(k_max, sizeof(*r->out_at));
	r->parity_at = calloc(cap, sizeof(*r->parity_at));
	if (!r->data_at || !r->out_at || !r->parity_at || pf_gf16_create(&limits, &r->fec)) {
		pf_reassembler_destroy(r);
		return -ENOMEM;
	}
	*out = r;
	return 0;
}

void pf_reassembler_destroy(struct pf_reassembler *r)
{
	if (!r)
		return;
	while (r->all)
		free_frame(r, r->all);
	pf_gf16_destroy(r->fec);
	free(r->data_at);
	free(r->parity_at);
	free(r->out_at);
	free(r);
}
