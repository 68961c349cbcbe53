/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/media/assembly.h"
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_FACTOR 4 /* x max_frame_bytes */
#define IDLE_KEPT     16u
#define DATA_GRANULE  (64u << 10)

struct block {
	uint32_t base; /* its first shard in the frame */
	uint32_t bits; /* first word of its k + m arrival bits */
	uint16_t k, m;
	uint16_t data_have, parity_have;
	bool known, complete;
};

struct parity_ref {
	uint16_t block, index;
};

static struct block *block_at(const struct pf_assembly *a, uint32_t i)
{
	return (struct block *)a->blocks.p + i;
}

static uint64_t *bits_of(const struct pf_assembly *a, const struct block *b)
{
	return (uint64_t *)a->bits.p + b->bits;
}

static uint8_t *shard_at(const struct pf_assembly *a, uint32_t shard)
{
	return a->data.p + (size_t)shard * a->shard_bytes;
}

static bool test_bit(const uint64_t *bits, uint32_t i)
{
	return bits[i / 64] >> (i % 64) & 1;
}

static void set_bit(uint64_t *bits, uint32_t i)
{
	bits[i / 64] |= 1ull << (i % 64);
}

/* --- store --- */

int pf_assembly_store_init(struct pf_assembly_store *s, const struct pf_geometry_limits *limits)
{
	uint32_t k = limits->max_data_per_block;
	uint32_t all = pf_geometry_block_cap(limits->max_data_per_block);
	struct pf_gf16_limits code = {
		.data_max = k,
		.parity_max = all,
		.shard_bytes_max = PF_SHARD_MAX,
	};

	*s = (struct pf_assembly_store){
		.max_frame_bytes = limits->max_frame_bytes,
		.limit_bytes = (uint64_t)limits->max_frame_bytes * MEMORY_FACTOR,
	};
	s->data_at = calloc(k, sizeof(*s->data_at));
	s->out_at = calloc(k, sizeof(*s->out_at));
	s->parity_at = calloc(all, sizeof(*s->parity_at));
	if (!s->data_at || !s->out_at || !s->parity_at || pf_gf16_create(&code, &s->fec) ||
		pf_gf16_stream_create(s->fec, &s->stream)) {
		pf_assembly_store_finish(s);
		return -ENOMEM;
	}
	return 0;
}

static void stream_drop(struct pf_assembly_store *s)
{
	if (s->stream_of)
		pf_gf16_stream_drop(s->stream);
	s->stream_of = NULL;
	s->stream_work = false;
}

static void free_assembly(struct pf_assembly_store *s, struct pf_assembly *a)
{
	if (a->all_prev)
		a->all_prev->all_next = a->all_next;
	else
		s->all = a->all_next;
	if (a->all_next)
		a->all_next->all_prev = a->all_prev;
	free(a->data.p);
	free(a->blocks.p);
	free(a->bits.p);
	free(a->parity.p);
	free(a->parity_ref.p);
	free(a);
}

void pf_assembly_store_finish(struct pf_assembly_store *s)
{
	stream_drop(s);
	while (s->all)
		free_assembly(s, s->all);
	pf_gf16_stream_destroy(s->stream);
	pf_gf16_destroy(s->fec);
	free(s->data_at);
	free(s->parity_at);
	free(s->out_at);
	*s = (struct pf_assembly_store){ 0 };
}

static size_t memory_of(const struct pf_assembly *a)
{
	return sizeof(*a) + a->data.cap + a->blocks.cap + a->bits.cap + a->parity.cap +
	       a->parity_ref.cap;
}

static void count(struct pf_assembly_store *s, size_t bytes)
{
	s->bytes += bytes;
	if (s->bytes > s->peak_bytes)
		s->peak_bytes = s->bytes;
}

static bool free_one_idle(struct pf_assembly_store *s)
{
	struct pf_assembly *a = s->idle;

	if (!a)
		return false;
	s->idle = a->next;
	s->idle_count--;
	s->bytes -= memory_of(a);
	free_assembly(s, a);
	return true;
}

/* Idle buffers make way for new ones. */
static bool make_room(struct pf_assembly_store *s, size_t bytes)
{
	while (s->bytes + bytes > s->limit_bytes)
		if (!free_one_idle(s))
			return false;
	return true;
}

static struct pf_assembly *take_idle(struct pf_assembly_store *s)
{
	struct pf_assembly *a = s->idle, was;

	if (!a)
		return NULL;
	s->idle = a->next;
	s->idle_count--;
	was = *a;
	*a = (struct pf_assembly){
		.all_prev = was.all_prev,
		.all_next = was.all_next,
		.data = was.data,
		.blocks = was.blocks,
		.bits = was.bits,
		.parity = was.parity,
		.parity_ref = was.parity_ref,
	};
	return a;
}

static struct pf_assembly *make_new(struct pf_assembly_store *s)
{
	struct pf_assembly *a = make_room(s, sizeof(*a)) ? calloc(1, sizeof(*a)) : NULL;

	if (!a)
		return NULL;
	count(s, sizeof(*a));
	a->all_next = s->all;
	if (s->all)
		s->all->all_prev = a;
	s->all = a;
	return a;
}

struct pf_assembly *pf_assembly_get(
	struct pf_assembly_store *s, const struct pf_media_hdr *h, const struct pf_geometry *g)
{
	struct pf_assembly *a = take_idle(s);

	if (!a)
		a = make_new(s);
	if (!a)
		return NULL;
	a->shard_bytes = h->shard_bytes;
	a->slice = g->slice;
	a->pub.frame_index = h->frame_index;
	a->pub.user_flags = h->user_flags;
	a->pub.pts_ns = h->pts_ns;
	return a;
}

void pf_assembly_put(struct pf_assembly_store *s, struct pf_assembly *a)
{
	if (s->stream_of == a)
		stream_drop(s);
	a->next = s->idle;
	s->idle = a;
	if (++s->idle_count > IDLE_KEPT)
		free_one_idle(s);
}

void pf_assembly_lend(struct pf_assembly_store *s, const struct pf_assembly *a)
{
	if (s->stream_of == a)
		stream_drop(s);
	s->bytes -= memory_of(a);
}

void pf_assembly_return(struct pf_assembly_store *s, struct pf_assembly *a)
{
	/* No frame in flight gives way to an idle buffer. */
	if (s->bytes + memory_of(a) > s->limit_bytes) {
		free_assembly(s, a);
		return;
	}
	count(s, memory_of(a));
	pf_assembly_put(s, a);
}

/* Grows an area to `need` bytes, at least doubling it up to `most` if that fits. */
static int grow(struct pf_assembly_store *s, struct pf_area *area, size_t need, size_t most)
{
	size_t cap = area->cap * 2;
	uint8_t *p;

	if (need <= area->cap)
		return 0;
	if (cap > most)
		cap = most;
	if (cap < need)
		cap = need;
	if (!make_room(s, cap - area->cap)) {
		cap = need;
		if (!make_room(s, cap - area->cap))
			return -ENOMEM;
	}
	/* It may move, and the stream borrows from it. */
	if (s->stream_of && (area == &s->stream_of->data || area == &s->stream_of->parity))
		stream_drop(s);
	p = realloc(area->p, cap);
	if (!p)
		return -ENOMEM;
	count(s, cap - area->cap);
	area->p = p;
	area->cap = cap;
	return 0;
}

/* Room for the first `shards` shards of the frame. */
static int grow_data(struct pf_assembly_store *s, struct pf_assembly *a, uint32_t shards)
{
	size_t need = (size_t)shards * a->shard_bytes;
	size_t most =
		(size_t)pf_geometry_shards(s->max_frame_bytes, a->shard_bytes) * a->shard_bytes;
	size_t cap = (need + DATA_GRANULE - 1) / DATA_GRANULE * DATA_GRANULE;

	if (need <= a->data.cap)
		return 0;
	if (cap > most)
		cap = most;
	if (!a->sized || a->bits_len || !make_room(s, cap - a->data.cap))
		return grow(s, &a->data, need, most);
	/* Nothing is in it yet: no need to copy the last frame's bytes. */
	s->bytes -= a->data.cap;
	free(a->data.p);
	a->data = (struct pf_area){ .p = malloc(cap) };
	if (!a->data.p)
		return -ENOMEM;
	a->data.cap = cap;
	count(s, cap);
	return 0;
}

/* --- consistency --- */

/* Slices follow each other without a hole. */
static bool neighbours_agree(const struct pf_assembly *a, uint32_t i, uint32_t base, uint32_t k)
{
	const struct block *b;

	if (!a->slice)
		return true;
	if (i && i - 1 < a->blocks_len) {
		b = block_at(a, i - 1);
		if (b->known && b->base + b->k != base)
			return false;
	}
	if (i + 1 < a->blocks_len) {
		b = block_at(a, i + 1);
		if (b->known && base + k != b->base)
			return false;
	}
	return true;
}

/* Does what a stream's final block says fit the blocks that came before it? */
static bool final_agrees(
	const struct pf_assembly *a, const struct pf_media_hdr *h, const struct pf_geometry *g)
{
	uint32_t last = g->block_count - 1;

	if (a->blocks_len > g->block_count)
		return false;
	for (uint32_t i = 0; i < a->blocks_len; i++) {
		const struct block *b = block_at(a, i);

		if (b->known && i == last)
			return false;
		if (b->known && b->base + b->k > (g->slice ? g->base : g->shards))
			return false;
	}
	return h->block_index != last || neighbours_agree(a, last, g->base, h->data_shards);
}

/* Holds the packet against what earlier ones said about the frame. */
static int check_frame(
	struct pf_assembly *a, const struct pf_media_hdr *h, const struct pf_geometry *g)
{
	bool fits;

	if (h->shard_bytes != a->shard_bytes || g->slice != a->slice)
		return -EPROTO;
	if (!a->sized && !g->sized)
		return 0;
	if (a->sized) {
		if (g->sized)
			fits = g->shards == a->shards && g->block_count == a->block_count &&
			       h->frame_bytes == a->pub.len;
		else
			fits = h->block_index + 1u < a->block_count &&
			       g->base + h->data_shards <= a->shards;
		return fits ? 0 : -EPROTO;
	}
	if (!final_agrees(a, h, g))
		return -EBADMSG;
	a->sized = true;
	a->shards = g->shards;
	a->block_count = g->block_count;
	a->pub.len = h->frame_bytes;
	return 0;
}

static int find_block(struct pf_assembly_store *s, struct pf_assembly *a,
	const struct pf_media_hdr *h, const struct pf_geometry *g, struct block **out)
{
	uint32_t i = h->block_index, words = (h->data_shards + h->recovery_shards + 63u) / 64;
	struct block *b;
	int err;

	if (i < a->blocks_len && block_at(a, i)->known) {
		b = block_at(a, i);
		if (b->k != h->data_shards || b->m != h->recovery_shards || b->base != g->base)
			return -EPROTO;
		*out = b;
		return 0;
	}
	if (!neighbours_agree(a, i, g->base, h->data_shards))
		return -EPROTO;
	err = grow_data(s, a, a->sized ? a->shards : g->base + h->data_shards);
	if (!err)
		err = grow(s, &a->blocks, (i + 1) * sizeof(*b), SIZE_MAX);
	if (!err)
		err = grow(s, &a->bits, (a->bits_len + words) * sizeof(uint64_t), SIZE_MAX);
	if (err)
		return err;
	if (i >= a->blocks_len) {
		memset(block_at(a, a->blocks_len), 0, (i + 1 - a->blocks_len) * sizeof(*b));
		a->blocks_len = i + 1;
	}
	b = block_at(a, i);
	*b = (struct block){
		.base = g->base,
		.bits = a->bits_len,
		.k = h->data_shards,
		.m = h->recovery_shards,
		.known = true,
	};
	memset((uint64_t *)a->bits.p + a->bits_len, 0, words * sizeof(uint64_t));
	a->bits_len += words;
	*out = b;
	return 0;
}

/* --- shards --- */

static int keep_parity(struct pf_assembly_store *s, struct pf_assembly *a, uint32_t block,
	uint32_t index, const uint8_t *shard)
{
	size_t one = a->shard_bytes;
	struct parity_ref *ref;
	int err = grow(s, &a->parity, (a->parity_len + 1) * one, SIZE_MAX);

	if (!err)
		err = grow(s, &a->parity_ref, (a->parity_len + 1) * sizeof(*ref), SIZE_MAX);
	if (err)
		return err;
	memcpy(a->parity.p + a->parity_len * one, shard, one);
	ref = (struct parity_ref *)a->parity_ref.p + a->parity_len++;
	*ref = (struct parity_ref){ .block = (uint16_t)block, .index = (uint16_t)index };
	return 0;
}

/* --- decoding while it arrives --- */

static bool streams(const struct pf_assembly_store *s, const struct pf_assembly *a, uint32_t block)
{
	return s->stream_of == a && s->stream_block == block;
}

static void stream_tell(struct pf_assembly_store *s, const struct pf_assembly *a,
	const struct block *b, uint32_t i, uint32_t at)
{
	if (i < b->k)
		pf_gf16_stream_data(s->stream, i, shard_at(a, b->base + i));
	else
		pf_gf16_stream_parity(
			s->stream, i - b->k, a->parity.p + (size_t)at * a->shard_bytes);
	s->stream_work = true;
}

/* All that came so far, and room for the parity to come without a move. */
static void stream_begin(
	struct pf_assembly_store *s, struct pf_assembly *a, const struct block *b, uint32_t block)
{
	const struct parity_ref *ref;
	uint32_t room = b->k - b->data_have - b->parity_have;

	stream_drop(s);
	if (room > b->m)
		room = b->m;
	if (grow(s, &a->parity, (size_t)(a->parity_len + room) * a->shard_bytes, SIZE_MAX) ||
		pf_gf16_stream_begin(s->stream, b->k, b->m, a->shard_bytes))
		return;
	s->stream_of = a;
	s->stream_block = block;
	for (uint32_t i = 0; i < b->k; i++)
		if (test_bit(bits_of(a, b), i))
			stream_tell(s, a, b, i, 0);
	ref = (const struct parity_ref *)a->parity_ref.p;
	for (uint32_t i = 0; i < a->parity_len; i++)
		if (ref[i].block == block)
			stream_tell(s, a, b, b->k + ref[i].index, i);
}

/* Blocks take over from older ones only: frames that interleave must not begin the
 * same work again and again. */
static bool newer(const struct pf_assembly_store *s, const struct pf_assembly *a, uint32_t block)
{
	if (!s->stream_of)
		return true;
	if (s->stream_of == a)
		return block > s->stream_block;
	return (int32_t)(a->pub.frame_index - s->stream_of->pub.frame_index) > 0;
}

/* Shard `i` has come. */
static void stream_note(struct pf_assembly_store *s, struct pf_assembly *a, const struct block *b,
	uint32_t block, uint32_t i)
{
	if (streams(s, a, block))
		stream_tell(s, a, b, i, a->parity_len - 1);
	else if (i >= b->data_have && b->data_have + b->parity_have < b->k && b->m &&
		 newer(s, a, block))
		stream_begin(s, a, b, block);
}

bool pf_assembly_step(struct pf_assembly_store *s)
{
	if (s->stream_work)
		s->stream_work = pf_gf16_stream_step(s->stream);
	return s->stream_work;
}

int pf_assembly_add(struct pf_assembly_store *s, struct pf_assembly *a,
	const struct pf_media_hdr *h, const struct pf_geometry *g, const uint8_t *shard)
{
	uint32_t i = h->shard_index;
	struct block *b;
	int err = check_frame(a, h, g);

	if (!err)
		err = find_block(s, a, h, g, &b);
	if (err)
		return err;
	if (test_bit(bits_of(a, b), i))
		return PF_ASSEMBLY_DUPLICATE;
	if (b->complete) {
		set_bit(bits_of(a, b), i);
		return PF_ASSEMBLY_SPARE;
	}
	if (i < b->k) {
		uint8_t *at = shard_at(a, b->base + i);

		if (at != shard)
			memcpy(at, shard, a->shard_bytes);
		b->data_have++;
	} else {
		err = keep_parity(s, a, h->block_index, i - b->k, shard);
		if (err)
			return err;
		b->parity_have++;
	}
	set_bit(bits_of(a, b), i);
	stream_note(s, a, b, h->block_index, i);
	return b->data_have + b->parity_have == b->k ? PF_ASSEMBLY_BLOCK : PF_ASSEMBLY_KEPT;
}

uint32_t pf_assembly_missing(const struct pf_assembly *a, uint32_t block, uint32_t from)
{
	const struct block *b = block_at(a, block);
	const uint64_t *bits = bits_of(a, b);

	if (b->complete || b->data_have == b->k)
		return b->k;
	while (from < b->k) {
		uint64_t gaps = ~bits[from / 64] >> (from % 64);

		if (gaps) {
			from += (uint32_t)__builtin_ctzll(gaps);
			return from < b->k ? from : b->k;
		}
		from = (from / 64 + 1) * 64;
	}
	return b->k;
}

uint8_t *pf_assembly_place(const struct pf_assembly *a, uint32_t block, uint32_t i)
{
	const struct block *b;

	if (block >= a->blocks_len)
		return NULL;
	b = block_at(a, block);
	if (!b->known || b->complete || i >= b->k || test_bit(bits_of(a, b), i))
		return NULL;
	return shard_at(a, b->base + i);
}

void pf_assembly_complete(struct pf_assembly_store *s, struct pf_assembly *a, uint32_t block)
{
	const struct parity_ref *ref = (const struct parity_ref *)a->parity_ref.p;
	struct block *b = block_at(a, block);
	int err;

	b->complete = true;
	a->blocks_done++;
	if (b->data_have == b->k) {
		if (streams(s, a, block))
			stream_drop(s);
		return;
	}
	a->pub.shards_recovered += b->k - b->data_have;
	if (streams(s, a, block)) {
		for (uint32_t i = 0; i < b->k; i++)
			s->out_at[i] = shard_at(a, b->base + i);
		err = pf_gf16_stream_finish(s->stream, s->out_at);
		stream_drop(s);
		if (!err)
			return;
	}
	memset(s->parity_at, 0, b->m * sizeof(*s->parity_at));
	for (uint32_t i = 0; i < a->parity_len; i++)
		if (ref[i].block == block)
			s->parity_at[ref[i].index] = a->parity.p + (size_t)i * a->shard_bytes;
	for (uint32_t i = 0; i < b->k; i++) {
		uint8_t *at = shard_at(a, b->base + i);
		bool here = test_bit(bits_of(a, b), i);

		s->data_at[i] = here ? at : NULL;
		s->out_at[i] = here ? NULL : at;
	}
	err = pf_gf16_decode(
		s->fec, b->k, b->m, a->shard_bytes, s->data_at, s->parity_at, s->out_at);
	/* The firewall lets no shape through that the code does not have. */
	assert(!err);
	(void)err;
}

/* --- whole and partial frames --- */

bool pf_assembly_whole(const struct pf_assembly *a)
{
	return a->sized && a->blocks_done == a->block_count;
}

bool pf_assembly_tiles(const struct pf_assembly *a)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < a->block_count; i++) {
		if (block_at(a, i)->base != at)
			return false;
		at += block_at(a, i)->k;
	}
	return at == a->shards;
}

static void zero_shards(struct pf_assembly *a, uint32_t from, uint32_t to)
{
	if (from < to)
		memset(shard_at(a, from), 0, (size_t)(to - from) * a->shard_bytes);
}

bool pf_assembly_patch(struct pf_assembly *a)
{
	uint32_t at = 0;

	if (!a->sized || a->data.cap < (size_t)a->shards * a->shard_bytes)
		return false;
	for (uint32_t i = 0; i < a->blocks_len; i++) {
		const struct block *b = block_at(a, i);

		if (!b->known)
			continue;
		zero_shards(a, at, b->base);
		for (uint32_t j = 0; (j = pf_assembly_missing(a, i, j)) < b->k; j++)
			zero_shards(a, b->base + j, b->base + j + 1);
		at = b->base + b->k;
	}
	zero_shards(a, at, a->shards);
	return true;
}
