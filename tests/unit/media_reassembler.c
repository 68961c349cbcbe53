/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include "core/media/packetizer.h"
#include "core/media/reassembler.h"
#include "tests/unit/packets.h"
#include "tests/unit/rng.h"

#define MS    1000000ull
#define EPOCH 1800000000000000000ull

struct rig {
	struct pf_parity parity;
	struct pf_packetizer *p;
	struct pf_reassembler *r;
	struct packet_list l;
	uint32_t max_frame;
	uint64_t rng;
	uint32_t pushes, pushed; /* the newest's number in the list */
};

/* `most`: how large shards may become, 0 = no larger. */
static void rig_open_max(struct rig *g, uint16_t shard, uint16_t most, uint16_t k_max,
	uint8_t percent, uint32_t max_frame)
{
	struct pf_pf1_params pp = { shard, k_max, max_frame, &g->parity, most };
	struct pf_reassembler_params rp = { shard, k_max, max_frame };

	*g = (struct rig){ .max_frame = max_frame, .rng = rng_seed() };
	assert_int_equal(pf_parity_init(&g->parity, percent, 90, k_max), 0);
	assert_int_equal(pf_packetizer_pf1_create(&g->p, &pp), 0);
	assert_int_equal(pf_reassembler_create(&g->r, &rp), 0);
}

static void rig_open(
	struct rig *g, uint16_t shard, uint16_t k_max, uint8_t percent, uint32_t max_frame)
{
	rig_open_max(g, shard, 0, k_max, percent, max_frame);
}

static void rig_close(struct rig *g)
{
	packets_clear(&g->l);
	g->p->ops->destroy(g->p);
	pf_reassembler_destroy(g->r);
}

/* Contents of a frame follow from its number. */
static uint8_t *frame_bytes(uint32_t index, uint32_t len)
{
	uint64_t seed = index * 7919ull + 1;
	uint8_t *b = malloc((size_t)len + 8);

	assert_non_null(b);
	for (uint32_t i = 0; i < len; i += 8) {
		uint64_t v = rng_next(&seed);

		memcpy(b + i, &v, 8);
	}
	return b;
}

static void add_frame(struct rig *g, uint32_t index, uint32_t len, uint32_t flags)
{
	uint8_t *b = frame_bytes(index, len);
	struct pf_au au = { b, len, index, flags | PF_USER_VIDEO, EPOCH + index * 8 * MS };

	packets_of_frame(&g->l, g->p, &au, 1 + rng_below(&g->rng, 64));
	free(b);
}

/* Three of four packets come into memory that the reassembler lends, if it does; one
 * of eight with a forged one before. Before one of five is time for a step. */
static int push(struct rig *g, uint32_t i, uint64_t now)
{
	const struct packet *p = &g->l.v[i];
	uint32_t ahead = i - g->pushed, turn = g->pushes++;
	uint8_t spare[PF_SHARD_MAX], *lent = NULL;

	g->pushed = i;
	if (turn % 5 == 0)
		pf_reassembler_step(g->r);
	if (turn % 8 == 1) {
		lent = pf_reassembler_lend(g->r, 1 + turn / 8 % 3, p->len);
		if (lent) {
			memset(lent, 0xee, p->len);
			assert_int_equal(pf_reassembler_settle(g->r, false, spare, now), 0);
		}
	}
	lent = turn % 4 ? pf_reassembler_lend(g->r, ahead, p->len) : NULL;
	if (!lent)
		return pf_reassembler_push(g->r, p->bytes, p->len, now);
	memcpy(lent, p->bytes, p->len);
	return pf_reassembler_settle(g->r, true, spare, now);
}

/* Takes the next frame and checks its bytes; its number, or -1 if there is none. */
static int64_t take(struct rig *g, uint32_t want_len)
{
	struct pf_assembled *f = pf_reassembler_take(g->r);
	int64_t index;
	uint8_t *b;

	if (!f)
		return -1;
	assert_int_equal(f->len, want_len);
	b = frame_bytes(f->frame_index, f->len);
	if (f->len)
		assert_memory_equal(f->data, b, f->len);
	assert_true(f->pts_ns == EPOCH + f->frame_index * 8 * MS);
	free(b);
	index = f->frame_index;
	pf_reassembler_release(g->r, f);
	return index;
}

static const struct pf_reassembler_stats *stats(const struct rig *g)
{
	return pf_reassembler_stats(g->r);
}

/* ---- whole frames ---- */

static void edge_sizes_arrive_whole(void **state)
{
	static const uint32_t sizes[] = { 0, 1, 1408, 1409, 14080, 4096 * 1408, 4096 * 1408 + 1,
		5000 * 1408 - 1, 8u << 20 };
	struct rig g;

	rig_open(&g, 1408, 4096, 10, 8u << 20);
	for (uint32_t f = 0; f < 9; f++) {
		packets_clear(&g.l);
		add_frame(&g, f, sizes[f], 0);
		for (uint32_t i = 0; i < g.l.n; i++) {
			assert_int_equal(push(&g, i, f * MS), 0);
			if (i + 1 < g.l.n && !(g.l.v[i].h.flags & PF_PKT_EOF) &&
				g.l.v[i].h.shard_index + 1 < g.l.v[i].h.data_shards)
				assert_null(pf_reassembler_take(g.r));
		}
		assert_true(take(&g, sizes[f]) == f);
		assert_null(pf_reassembler_take(g.r));
	}
	assert_true(stats(&g)->frames == 9);
	assert_true(stats(&g)->shards_recovered == 0);
	assert_true(stats(&g)->invalid == 0);
	assert_int_equal(pf_reassembler_loss_ppm(g.r), 0);
	rig_close(&g);
}

static void shards_may_become_smaller_on_the_way(void **state)
{
	static const uint16_t sizes[] = { 1408, 1278, 1408, 1279, 0, 511, 512, 1280, 1500 };
	static const uint16_t want[] = { 1408, 1278, 1408, 1408, 1408, 1408, 512, 1280, 1280 };
	struct rig g;

	rig_open(&g, 1408, 64, 25, 1u << 20);
	for (uint32_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		packets_clear(&g.l);
		pf_packetizer_pf1_set_shard(g.p, sizes[i]);
		add_frame(&g, i, 100000 + i, 0);
		/* parity repairs at the new size, too */
		for (uint32_t k = 0; k < g.l.n; k++) {
			assert_int_equal(g.l.v[k].h.shard_bytes, want[i]);
			if (k % 8)
				(void)push(&g, k, MS);
		}
		assert_int_equal(take(&g, 100000 + i), i);
	}
	assert_true(stats(&g)->invalid == 0);
	assert_true(stats(&g)->shards_recovered > 50);
	rig_close(&g);
}

static void shards_may_grow_where_room_was_left_for_it(void **state)
{
	static const uint16_t sizes[] = { 1408, 8888, 512, 9152, 1408 };
	struct rig g;

	rig_open_max(&g, 1408, 9152, 64, 25, 1u << 20);
	for (uint32_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		packets_clear(&g.l);
		pf_packetizer_pf1_set_shard(g.p, sizes[i]);
		/* Two blocks or more, with a last shard that is not full. */
		add_frame(&g, i, 65 * sizes[i] + 7, 0);
		for (uint32_t k = 0; k < g.l.n; k++) {
			assert_int_equal(g.l.v[k].h.shard_bytes, sizes[i]);
			if (k % 8)
				(void)push(&g, k, MS);
		}
		assert_int_equal(take(&g, 65 * sizes[i] + 7), i);
	}
	assert_true(stats(&g)->invalid == 0);
	assert_true(stats(&g)->shards_recovered > 30);
	rig_close(&g);
}

static void a_frame_leaves_with_its_last_needed_packet(void **state)
{
	struct rig g;

	rig_open(&g, 512, 64, 20, 1u << 20);
	add_frame(&g, 0, 40 * 512, 0); /* 40 + 8 */
	for (uint32_t i = 3; i < 42; i++)
		assert_int_equal(push(&g, i, MS), 0);
	assert_null(pf_reassembler_take(g.r));
	assert_true(stats(&g)->memory_bytes > 40 * 512);
	assert_int_equal(push(&g, 45, 2 * MS), 0);
	assert_true(take(&g, 40 * 512) == 0);
	assert_true(stats(&g)->shards_recovered == 3);
	assert_true(stats(&g)->frames_repaired == 1);
	rig_close(&g);
}

/* ---- the property: what can be rebuilt is rebuilt, exactly once, exactly ---- */

struct impairment {
	double drop, dup, cut;
	uint32_t reorder; /* how far a packet may slip */
};

static double uniform(uint64_t *rng)
{
	return (double)(rng_next(rng) >> 11) * 0x1p-53;
}

static void run_property(uint64_t seed, const struct impairment *imp)
{
	enum { FRAMES = 60 };
	static const uint16_t shard_sizes[] = { 512, 514, 1388, 1408 };
	static const uint16_t block_sizes[] = { 1, 3, 16, 100, 4096 };
	static const uint8_t percents[] = { 0, 10, 50, 90, PF_PARITY_ADAPTIVE };
	uint32_t len[FRAMES], first[FRAMES + 1], *order, *slip, n = 0;
	bool *gone, delivered[FRAMES] = { false };
	uint16_t shard, k_max;
	struct rig g;

	rig_open(&g, shard = shard_sizes[seed % 4], k_max = block_sizes[seed / 4 % 5],
		percents[seed / 20 % 5], 1u << 20);
	g.rng ^= seed * 0x9e3779b97f4a7c15;
	for (uint32_t f = 0; f < FRAMES; f++) {
		uint32_t shards = rng_below(&g.rng, k_max > 50 ? 200 : 3 * k_max + 2);

		len[f] = shards * shard + rng_below(&g.rng, shard);
		first[f] = g.l.n;
		add_frame(&g, f, len[f], 0);
	}
	first[FRAMES] = g.l.n;
	gone = calloc(g.l.n, sizeof(*gone));
	order = calloc(2 * (size_t)g.l.n, sizeof(*order));
	slip = calloc(2 * (size_t)g.l.n, sizeof(*slip));
	assert_true(gone && order && slip);
	for (uint32_t i = 0; i < g.l.n; i++) {
		gone[i] = uniform(&g.rng) < imp->drop;
		if (!gone[i])
			order[n++] = i;
		if (!gone[i] && uniform(&g.rng) < imp->dup)
			order[n++] = i;
	}
	for (uint32_t i = 0; i < n; i++)
		slip[i] = i + (imp->reorder ? rng_below(&g.rng, imp->reorder) : 0);
	for (uint32_t i = 1; i < n; i++) { /* nearly sorted already */
		uint32_t o = order[i], s = slip[i], j = i;

		for (; j && slip[j - 1] > s; j--) {
			order[j] = order[j - 1];
			slip[j] = slip[j - 1];
		}
		order[j] = o;
		slip[j] = s;
	}
	for (uint32_t i = 0; i < n; i++) {
		struct packet *p = &g.l.v[order[i]];
		int64_t f;

		if (uniform(&g.rng) < imp->cut) {
			uint32_t cut = rng_below(&g.rng, p->len);

			assert_int_equal(pf_reassembler_push(g.r, p->bytes, cut, MS), -EPROTO);
		}
		assert_int_equal(push(&g, order[i], i * 1000), 0);
		while ((f = take(&g, len[p->h.frame_index])) >= 0) {
			assert_false(delivered[f]);
			delivered[f] = true;
		}
	}
	/* each block of which k shards came makes it */
	for (uint32_t f = 0; f < FRAMES; f++) {
		uint16_t lost[1024] = { 0 };
		bool whole = true;

		for (uint32_t i = first[f]; i < first[f + 1]; i++) {
			const struct pf_media_hdr *h = &g.l.v[i].h;

			assert_true(h->block_index < 1024);
			lost[h->block_index] += gone[i];
			if (lost[h->block_index] > h->recovery_shards)
				whole = false;
		}
		assert_int_equal(delivered[f], whole);
	}
	assert_true(stats(&g)->memory_peak_bytes <= 4ull << 20);
	if (!imp->cut)
		assert_true(stats(&g)->invalid == 0);
	assert_true(stats(&g)->stale == 0);
	free(gone);
	free(order);
	free(slip);
	rig_close(&g);
}

static void random_loss_reorder_duplicates(void **state)
{
	static const struct impairment kinds[] = {
		{ .drop = 0 },
		{ .drop = 0.02 },
		{ .drop = 0.2, .dup = 0.1 },
		{ .drop = 0.05, .dup = 0.05, .reorder = 40 },
		{ .drop = 0.4, .cut = 0.1, .reorder = 8 },
	};

	/* 4 shard sizes x 5 block sizes x 5 parity policies, by the digits of seed */
	for (uint64_t seed = 0; seed < 100; seed++)
		run_property(seed, &kinds[(seed + seed / 5) % 5]);
}

/* ---- hostile but authentic senders ---- */

static void hostile_headers_stay_in_bounds(void **state)
{
	enum { ROUNDS = 40 };
	uint64_t invalid = 0, frames = 0;

	for (uint64_t round = 0; round < ROUNDS; round++) {
		struct rig g;

		rig_open(&g, 512, round % 2 ? 16 : 4096, 50, 256u << 10);
		g.rng += round;
		for (uint32_t f = 0; f < 40; f++)
			add_frame(&g, f, rng_below(&g.rng, 100000),
				f % 3 ? 0 : PF_USER_CHUNK_ALIGNED);
		for (uint32_t i = 0; i < g.l.n; i++) {
			uint32_t n = rng_below(&g.rng, 10) ? 0 : 1 + rng_below(&g.rng, 3);
			struct pf_media_hdr h = g.l.v[i].h;
			struct pf_assembled *f;

			while (n--) {
				uint32_t v = rng_below(&g.rng, 2) ? rng_below(&g.rng, 200)
								  : (uint32_t)rng_next(&g.rng);
				switch (rng_below(&g.rng, 9)) {
				case 0:
					h.frame_index += rng_below(&g.rng, 5);
					break;
				case 1:
					h.frame_bytes = v * 512;
					break;
				case 2:
					h.block_count = (uint16_t)v;
					break;
				case 3:
					h.block_index = (uint16_t)v;
					break;
				case 4:
					h.data_shards = (uint16_t)v;
					break;
				case 5:
					h.recovery_shards = (uint16_t)v;
					break;
				case 6:
					h.shard_index = (uint16_t)v;
					break;
				case 7:
					h.user_flags ^= PF_USER_SLICE_STREAM;
					break;
				case 8:
					h.block_count = 0;
					h.frame_bytes = 0;
					break;
				}
			}
			pf_media_hdr_build(&h, g.l.v[i].bytes);
			push(&g, i, i * 10000);
			pf_reassembler_poll(g.r, i * 10000);
			while ((f = pf_reassembler_take(g.r))) {
				volatile uint8_t sum = 0;

				for (uint32_t j = 0; j < f->len; j++)
					sum = (uint8_t)(sum + f->data[j]);
				pf_reassembler_release(g.r, f);
			}
			assert_true(stats(&g)->memory_bytes <= 4 * (256u << 10));
		}
		assert_true(stats(&g)->memory_peak_bytes <= 4 * (256u << 10));
		invalid += stats(&g)->invalid;
		frames += stats(&g)->frames;
		rig_close(&g);
	}
	assert_true(invalid > 1000);
	assert_true(frames > 100);
}

/* Each packet begins another frame of the largest size. */
static void many_huge_promises_share_the_bound(void **state)
{
	struct pf_media_hdr h = {
		.frame_bytes = 1u << 20,
		.user_flags = PF_USER_VIDEO,
		.block_count = 1,
		.data_shards = 2048,
		.recovery_shards = 1500,
		.shard_bytes = 512,
	};
	uint8_t shard[512] = { 0 };
	struct rig g;

	rig_open(&g, 512, 4096, 10, 1u << 20);
	for (uint32_t f = 0; f < 60; f++) {
		h.frame_index = f;
		packets_make(&g.l, &h, shard);
		assert_int_equal(push(&g, f, MS), 0);
		assert_true(stats(&g)->memory_bytes <= 4u << 20);
	}
	assert_true(stats(&g)->memory_peak_bytes > 3u << 20);
	assert_true(stats(&g)->frames_lost >= 55);
	/* an honest frame of the largest size still gets through, lossy */
	packets_clear(&g.l);
	add_frame(&g, 60, 1u << 20, 0);
	for (uint32_t i = 100; i < g.l.n; i++)
		assert_int_equal(push(&g, i, MS), 0);
	assert_true(take(&g, 1u << 20) == 60);
	assert_true(stats(&g)->memory_peak_bytes <= 4u << 20);
	rig_close(&g);
}

static void contradictions_are_dropped(void **state)
{
	struct rig g;
	struct pf_media_hdr h;
	uint8_t copy[40 + 512];
	uint32_t last;

	rig_open(&g, 512, 64, 20, 1u << 20);
	add_frame(&g, 0, 20 * 512, 0);
	assert_int_equal(push(&g, 0, MS), 0);
	for (unsigned i = 0; i < 5; i++) {
		h = g.l.v[1].h;
		memcpy(copy, g.l.v[1].bytes, sizeof(copy));
		switch (i) {
		case 0:
			h.frame_bytes -= 1;
			break;
		case 1:
			h.recovery_shards += 1;
			break;
		case 2:
			h.frame_bytes -= 512, h.data_shards -= 1;
			break;
		case 3:
			h.user_flags |= PF_USER_SLICE_STREAM;
			break;
		case 4:
			h.block_count = 0, h.frame_bytes = 0, h.data_shards = 64;
			break;
		}
		pf_media_hdr_build(&h, copy);
		assert_int_equal(pf_reassembler_push(g.r, copy, sizeof(copy), MS), -EPROTO);
	}
	assert_true(stats(&g)->invalid == 5);
	last = 19;
	for (uint32_t i = 1; i <= last; i++)
		assert_int_equal(push(&g, i, MS), 0);
	assert_true(take(&g, 20 * 512) == 0);
	rig_close(&g);
}

/* ---- streams ---- */

static struct pf_media_hdr stream_hdr(uint32_t frame, uint32_t block, uint32_t k, uint32_t i)
{
	return (struct pf_media_hdr){
		.pts_ns = EPOCH + frame * 8 * MS,
		.frame_index = frame,
		.user_flags = PF_USER_VIDEO,
		.block_index = (uint16_t)block,
		.data_shards = (uint16_t)k,
		.shard_index = (uint16_t)i,
		.shard_bytes = 512,
	};
}

static void shuffle(struct rig *g, uint32_t from)
{
	for (uint32_t i = g->l.n - 1; i > from; i--) {
		uint32_t j = from + rng_below(&g->rng, i - from + 1);
		struct packet t = g->l.v[i];

		g->l.v[i] = g->l.v[j];
		g->l.v[j] = t;
	}
}

static void make_stream(
	struct rig *g, uint32_t frame, const uint32_t *k, uint32_t blocks, uint32_t len, bool slice)
{
	uint8_t *b = calloc(1, (size_t)len + 512);
	uint8_t *want = frame_bytes(frame, len);
	uint32_t base = 0;

	assert_non_null(b);
	memcpy(b, want, len);
	free(want);
	for (uint32_t i = 0; i < blocks; i++) {
		for (uint32_t s = 0; s < k[i]; s++) {
			struct pf_media_hdr h = stream_hdr(frame, i, k[i], s);

			if (slice)
				h.user_flags |= PF_USER_SLICE_STREAM;
			if (i + 1 == blocks) {
				h.block_count = (uint16_t)blocks;
				h.frame_bytes = len;
			} else if (slice) {
				h.frame_bytes = base * 512;
			}
			packets_make(&g->l, &h, b + (size_t)(base + s) * 512);
		}
		base += k[i];
	}
	free(b);
}

static void streamed_frames_in_any_order(void **state)
{
	static const uint32_t legacy[] = { 16, 16, 5 }, slices[] = { 3, 16, 7, 1 }, one[] = { 4 };
	struct rig g;

	rig_open(&g, 512, 16, 0, 1u << 20);
	for (uint32_t f = 0; f < 60; f += 3) {
		packets_clear(&g.l);
		make_stream(&g, f, legacy, 3, 36 * 512 + 100, false);
		make_stream(&g, f + 1, slices, 4, 26 * 512 + 1, true);
		make_stream(&g, f + 2, one, 1, 4 * 512, true);
		if (f)
			shuffle(&g, 0);
		for (uint32_t i = 0; i < g.l.n; i++) {
			static const uint32_t len[] = { 36 * 512 + 100, 26 * 512 + 1, 2048 };

			assert_int_equal(push(&g, i, MS), 0);
			take(&g, len[g.l.v[i].h.frame_index % 3]);
		}
		assert_true(stats(&g)->frames == f + 3);
	}
	assert_true(stats(&g)->invalid == 0);
	rig_close(&g);
}

static void a_final_block_that_contradicts_ends_the_frame(void **state)
{
	static const uint32_t k[] = { 16, 16, 5 };
	struct rig g;
	struct pf_media_hdr h;
	uint8_t shard[512] = { 0 };

	rig_open(&g, 512, 16, 0, 1u << 20);
	make_stream(&g, 0, k, 3, 37 * 512, false);
	assert_int_equal(push(&g, 0, MS), 0);  /* block 0 */
	assert_int_equal(push(&g, 16, MS), 0); /* block 1 */
	h = stream_hdr(0, 1, 5, 0);	       /* "two blocks in all" */
	h.block_count = 2;
	h.frame_bytes = 21 * 512;
	packets_make(&g.l, &h, shard);
	assert_int_equal(push(&g, g.l.n - 1, MS), -EPROTO);
	assert_true(stats(&g)->frames_lost == 1);
	assert_int_equal(push(&g, 1, MS), 0);
	assert_true(stats(&g)->stale == 1);
	rig_close(&g);

	/* slices with a hole between them can never become a frame */
	rig_open(&g, 512, 16, 0, 1u << 20);
	h = stream_hdr(0, 0, 1, 0);
	h.user_flags |= PF_USER_SLICE_STREAM;
	packets_make(&g.l, &h, shard);
	h = stream_hdr(0, 2, 1, 0);
	h.user_flags |= PF_USER_SLICE_STREAM;
	h.block_count = 3;
	h.frame_bytes = 10 * 512;
	packets_make(&g.l, &h, shard);
	h.block_index = 1;
	h.block_count = 0;
	h.frame_bytes = 1 * 512;
	packets_make(&g.l, &h, shard);
	assert_int_equal(push(&g, 0, MS), 0);
	assert_int_equal(push(&g, 1, MS), 0);
	assert_int_equal(push(&g, 2, MS), -EPROTO);
	assert_null(pf_reassembler_take(g.r));
	rig_close(&g);
}

/* ---- lost, late, partial ---- */

static void old_frames_are_given_up(void **state)
{
	struct rig g;
	uint32_t newest = 99, n;

	/* by pts: 8 ms a frame, so the 16th behind is 128 ms old */
	rig_open(&g, 512, 64, 0, 1u << 20);
	for (uint32_t f = 0; f < 20; f++)
		add_frame(&g, f, 1000, 0); /* two packets each */
	assert_int_equal(push(&g, 0, MS), 0);
	for (uint32_t f = 1; f < 17; f++) {
		assert_int_equal(pf_reassembler_take_lost(g.r, &newest), 0);
		push(&g, 2 * f, MS);
		push(&g, 2 * f + 1, MS);
	}
	n = pf_reassembler_take_lost(g.r, &newest);
	assert_int_equal(n, 1);
	assert_int_equal(newest, 0);
	assert_int_equal(pf_reassembler_take_lost(g.r, &newest), 0);
	push(&g, 1, MS);
	assert_true(stats(&g)->stale == 1);
	assert_true(stats(&g)->frames == 16);
	/* 0 ppm of packets, and the flat part */
	assert_int_equal(pf_reassembler_loss_ppm(g.r), PF_FRAME_LOST_PPM);
	assert_int_equal(pf_reassembler_loss_ppm(g.r), 0);
	rig_close(&g);
}

static void index_distance_counts_too(void **state)
{
	struct pf_media_hdr h = {
		.pts_ns = EPOCH,
		.frame_bytes = 1024,
		.user_flags = PF_USER_VIDEO,
		.block_count = 1,
		.data_shards = 2,
		.shard_bytes = 512,
		.frame_index = UINT32_MAX - 5, /* and across the wrap */
	};
	uint8_t shard[512] = { 0 };
	uint32_t newest = 0;
	struct rig g;

	rig_open(&g, 512, 64, 0, 1u << 20);
	packets_make(&g.l, &h, shard);
	for (uint32_t f = 0; f < 70; f++) {
		h.frame_index = UINT32_MAX - 4 + f;
		h.shard_index = 0;
		packets_make(&g.l, &h, shard);
		h.shard_index = 1;
		packets_make(&g.l, &h, shard);
	}
	for (uint32_t i = 0; i < 1 + 2 * 64; i++)
		push(&g, i, MS);
	assert_int_equal(pf_reassembler_take_lost(g.r, &newest), 0);
	push(&g, 129, MS);
	assert_int_equal(pf_reassembler_take_lost(g.r, &newest), 1);
	assert_int_equal(newest, UINT32_MAX - 5);
	rig_close(&g);
}

static void frames_never_seen_count_as_lost(void **state)
{
	struct rig g;
	uint32_t newest = 0;

	rig_open(&g, 512, 64, 0, 1u << 20);
	add_frame(&g, 3, 10, 0);
	add_frame(&g, 40, 10, 0);
	add_frame(&g, 1000, 10, 0);
	add_frame(&g, 1000 + (1u << 30), 10, 0);
	push(&g, 0, MS);
	assert_int_equal(pf_reassembler_take_lost(g.r, &newest), 0);
	push(&g, 1, MS); /* 0..2 before 3 are far behind by pts; so are 4..39 unseen */
	assert_int_equal(pf_reassembler_take_lost(g.r, &newest), 3);
	assert_int_equal(newest, 2);
	push(&g, 2, MS);
	/* everything but 3 and 40 below 1000 - 64, then by pts up to 1000 */
	assert_true(stats(&g)->frames_lost >= 1000 - 64 - 2);
	assert_true(stats(&g)->frames_lost <= 1000 - 2);
	push(&g, 3, MS); /* a leap must not take time */
	assert_true(stats(&g)->frames == 4);
	assert_true(stats(&g)->frames_lost > (1u << 30) - 100);
	rig_close(&g);

	/* joined in the middle: nothing before it is lost */
	rig_open(&g, 512, 64, 0, 1u << 20);
	add_frame(&g, 5000, 10, 0);
	add_frame(&g, 5001, 10, 0);
	push(&g, 0, MS);
	push(&g, 1, MS);
	assert_true(stats(&g)->frames == 2);
	assert_true(stats(&g)->frames_lost == 0);
	rig_close(&g);
}

static void late_originals_are_not_loss(void **state)
{
	struct rig g;

	rig_open(&g, 512, 16, 50, 1u << 20);
	add_frame(&g, 0, 32 * 512, 0); /* two blocks of 16 + 8 */
	for (uint32_t i = 2; i < 32; i++)
		push(&g, i, MS); /* two of block 0 are missing */
	push(&g, 32, MS);
	push(&g, 33, MS);
	assert_true(take(&g, 32 * 512) == 0);
	assert_true(stats(&g)->shards_recovered == 2);
	push(&g, 0, MS);
	push(&g, 0, MS);
	assert_true(stats(&g)->shards_late == 1);
	assert_true(stats(&g)->duplicates == 1);
	push(&g, 34, MS); /* surplus parity is no duplicate */
	assert_true(stats(&g)->duplicates == 1);
	/* received 30 + 2 + 1 late + 1 surplus = 34, one truly lost */
	assert_int_equal(pf_reassembler_loss_ppm(g.r), 1000000 / 35);

	/* the same while the frame still waits for its other block */
	packets_clear(&g.l);
	add_frame(&g, 1, 32 * 512, 0);
	for (uint32_t i = 1; i < 16; i++)
		push(&g, i, MS);
	push(&g, 32, MS); /* block 0 rebuilt */
	push(&g, 0, MS);
	assert_true(stats(&g)->shards_late == 2);
	assert_int_equal(pf_reassembler_loss_ppm(g.r), 0);
	rig_close(&g);
}

static void reordering_alone_reports_no_loss(void **state)
{
	struct rig g;

	rig_open(&g, 512, 64, 20, 1u << 20);
	for (uint32_t f = 0; f < 50; f++) {
		packets_clear(&g.l);
		add_frame(&g, f, 30 * 512, 0);
		shuffle(&g, 0);
		for (uint32_t i = 0; i < g.l.n; i++)
			push(&g, i, MS);
		assert_true(take(&g, 30 * 512) == f);
	}
	assert_true(stats(&g)->shards_recovered > 0);
	assert_true(stats(&g)->shards_late == stats(&g)->shards_recovered);
	assert_int_equal(pf_reassembler_loss_ppm(g.r), 0);
	rig_close(&g);
}

static void probes_have_a_space_of_their_own(void **state)
{
	struct pf_media_hdr h = {
		.frame_bytes = 512,
		.user_flags = PF_USER_PROBE,
		.block_count = 1,
		.data_shards = 1,
		.shard_bytes = 512,
		.frame_index = 4000000,
	};
	uint8_t shard[512] = { 0 };
	struct rig g;

	rig_open(&g, 512, 64, 0, 1u << 20);
	packets_make(&g.l, &h, shard);
	add_frame(&g, 0, 10, 0);
	push(&g, 0, MS);
	push(&g, 1, MS);
	assert_true(stats(&g)->probe_packets == 1);
	assert_true(stats(&g)->probe_bytes == 552);
	assert_true(take(&g, 10) == 0);
	assert_true(stats(&g)->frames_lost == 0);
	rig_close(&g);
}

static void chunked_frames_may_come_in_part(void **state)
{
	struct pf_assembled *f;
	struct rig g;
	uint8_t *b;

	rig_open(&g, 512, 4, 0, 1u << 20);
	add_frame(&g, 0, 10 * 512, PF_USER_CHUNK_ALIGNED);
	add_frame(&g, 1, 10, PF_USER_CHUNK_ALIGNED);
	add_frame(&g, 2, 10, 0);
	for (uint32_t i = 0; i < 10; i++)
		if (i != 2 && i < 8) /* block 2 stays unseen */
			push(&g, i, 100 * MS);
	assert_true(pf_reassembler_deadline_ns(g.r) == UINT64_MAX); /* nothing newer */
	pf_reassembler_poll(g.r, 200 * MS);
	assert_null(pf_reassembler_take(g.r));
	push(&g, 10, 101 * MS);
	assert_true(take(&g, 10) == 1);
	assert_true(pf_reassembler_deadline_ns(g.r) == 130 * MS);
	pf_reassembler_poll(g.r, 130 * MS - 1);
	assert_null(pf_reassembler_take(g.r));
	pf_reassembler_poll(g.r, 130 * MS);
	f = pf_reassembler_take(g.r);
	assert_non_null(f);
	assert_true(f->partial);
	assert_int_equal(f->frame_index, 0);
	b = frame_bytes(0, 10 * 512);
	memset(b + 2 * 512, 0, 512);
	memset(b + 8 * 512, 0, 2 * 512);
	assert_memory_equal(f->data, b, 10 * 512);
	free(b);
	pf_reassembler_release(g.r, f);
	assert_true(pf_reassembler_deadline_ns(g.r) == UINT64_MAX);
	rig_close(&g);
}

static void taken_frames_survive_what_follows(void **state)
{
	struct pf_assembled *held[20];
	struct rig g;

	rig_open(&g, 512, 64, 20, 64u << 10);
	for (uint32_t f = 0; f < 20; f++) {
		packets_clear(&g.l);
		add_frame(&g, f, 60000, 0);
		for (uint32_t i = 0; i < g.l.n; i++)
			push(&g, i, MS);
		held[f] = pf_reassembler_take(g.r);
		assert_non_null(held[f]);
	}
	for (uint32_t f = 0; f < 20; f++) {
		uint8_t *b = frame_bytes(f, 60000);

		assert_memory_equal(held[f]->data, b, 60000);
		free(b);
		if (f != 7) /* that one is destroy's to free */
			pf_reassembler_release(g.r, held[f]);
	}
	assert_true(stats(&g)->memory_peak_bytes <= 4 * (64u << 10));
	rig_close(&g);
}

/* ---- opened straight into the frame ---- */

static void the_next_shard_is_opened_at_its_place(void **state)
{
	uint8_t spare[512] = { 0 }, *first, *lent, *b = frame_bytes(0, 10 * 512);
	struct pf_assembled *f;
	struct rig g;

	rig_open(&g, 512, 64, 25, 64u << 10);
	assert_null(pf_reassembler_lend(g.r, 1, 552));
	add_frame(&g, 0, 10 * 512, 0); /* 10 + 3 */
	add_frame(&g, 1, 10 * 512, 0);
	assert_int_equal(pf_reassembler_push(g.r, g.l.v[0].bytes, 552, 1), 0);
	/* Not another size, not the same again, not beyond the data. */
	assert_null(pf_reassembler_lend(g.r, 1, 551));
	assert_null(pf_reassembler_lend(g.r, 1, 553));
	assert_null(pf_reassembler_lend(g.r, 0, 552));
	assert_null(pf_reassembler_lend(g.r, 10, 552));
	assert_null(pf_reassembler_lend(g.r, UINT64_MAX, 552));
	first = pf_reassembler_lend(g.r, 1, 552);
	assert_non_null(first);
	memcpy(first, g.l.v[1].bytes, 552);
	assert_int_equal(pf_reassembler_settle(g.r, true, spare, 1), 0);
	/* What is in front of it came back. */
	assert_memory_equal(first + 40 - 512, b, 1024);
	/* One lost: two ahead. */
	lent = pf_reassembler_lend(g.r, 2, 552);
	assert_ptr_equal(lent, first + 1024);
	memcpy(lent, g.l.v[3].bytes, 552);
	assert_int_equal(pf_reassembler_settle(g.r, true, spare, 1), 0);
	/* A forged packet ruins nothing. */
	lent = pf_reassembler_lend(g.r, 1, 552);
	assert_ptr_equal(lent, first + 3 * 512);
	memset(lent, 0, 552);
	assert_int_equal(pf_reassembler_settle(g.r, false, spare, 1), 0);
	assert_memory_equal(first + 40 - 512, b, 1024);
	assert_memory_equal(first + 40 + 1024, b + 3 * 512, 512);
	/* Another frame's packet goes where it belongs, from elsewhere. */
	lent = pf_reassembler_lend(g.r, 1, 552);
	memcpy(lent, g.l.v[14].bytes, 552);
	assert_int_equal(pf_reassembler_settle(g.r, true, spare, 1), 0);
	assert_memory_equal(spare, g.l.v[14].bytes + 40, 512);
	/* The frame under way is another one now; what it lacks is pushed. */
	for (unsigned i = 13; i < 26; i++)
		assert_int_equal(push(&g, i, 2), 0);
	assert_int_equal(take(&g, 10 * 512), 1);
	for (unsigned i = 4; i < 11; i++)
		assert_int_equal(push(&g, i, 2), 0);
	f = pf_reassembler_take(g.r);
	assert_non_null(f);
	assert_int_equal(f->shards_recovered, 1);
	assert_ptr_equal(f->data, first + 40 - 512);
	assert_memory_equal(f->data, b, 10 * 512);
	assert_true(stats(&g)->invalid == 0 && stats(&g)->duplicates == 1);
	/* A frame that is done lends nothing. */
	assert_int_equal(pf_reassembler_push(g.r, g.l.v[11].bytes, 552, 1), 0);
	assert_null(pf_reassembler_lend(g.r, 1, 552));
	pf_reassembler_release(g.r, f);
	free(b);
	rig_close(&g);
}

/* Authentic, but made so that the loan's own frame goes for it: by age, for want of
 * memory, or because it contradicts. */
static void what_was_lent_may_go_with_its_frame(void **state)
{
	static const uint32_t leaps[] = { 1, 65, 200, 1u << 30 };
	uint8_t *lent, spare[512], packet[552] = { 0 };

	for (unsigned i = 0; i < 4; i++) {
		struct pf_media_hdr h;
		struct rig g;

		rig_open(&g, 512, 64, 25, 64u << 10);
		add_frame(&g, 0, 60 * 512, 0);
		assert_int_equal(pf_reassembler_push(g.r, g.l.v[0].bytes, 552, 1), 0);
		h = g.l.v[0].h;
		h.frame_index += leaps[i];
		h.pts_ns += leaps[i] * 8 * MS;
		for (unsigned n = 0; n < 8; n++) {
			lent = pf_reassembler_lend(g.r, 1, 552);
			assert_non_null(lent);
			h.frame_index++;
			h.frame_bytes = 60 * 512 + n % 2 * 512 * 4;
			h.data_shards = (uint16_t)(60 + n % 2 * 4);
			pf_media_hdr_build(&h, packet);
			memcpy(lent, packet, 552);
			assert_int_equal(pf_reassembler_settle(g.r, true, spare, 1), 0);
		}
		/* The same block, of another size: refused, and its frame is unharmed. */
		lent = pf_reassembler_lend(g.r, 1, 552);
		h.recovery_shards++;
		h.shard_index++;
		pf_media_hdr_build(&h, packet);
		memcpy(lent, packet, 552);
		assert_int_equal(pf_reassembler_settle(g.r, true, spare, 1), -EPROTO);
		assert_true(stats(&g)->memory_peak_bytes <= 4 * (64u << 10));
		rig_close(&g);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(edge_sizes_arrive_whole),
		cmocka_unit_test(shards_may_become_smaller_on_the_way),
		cmocka_unit_test(shards_may_grow_where_room_was_left_for_it),
		cmocka_unit_test(a_frame_leaves_with_its_last_needed_packet),
		cmocka_unit_test(random_loss_reorder_duplicates),
		cmocka_unit_test(hostile_headers_stay_in_bounds),
		cmocka_unit_test(many_huge_promises_share_the_bound),
		cmocka_unit_test(contradictions_are_dropped),
		cmocka_unit_test(streamed_frames_in_any_order),
		cmocka_unit_test(a_final_block_that_contradicts_ends_the_frame),
		cmocka_unit_test(old_frames_are_given_up),
		cmocka_unit_test(index_distance_counts_too),
		cmocka_unit_test(frames_never_seen_count_as_lost),
		cmocka_unit_test(late_originals_are_not_loss),
		cmocka_unit_test(reordering_alone_reports_no_loss),
		cmocka_unit_test(probes_have_a_space_of_their_own),
		cmocka_unit_test(chunked_frames_may_come_in_part),
		cmocka_unit_test(taken_frames_survive_what_follows),
		cmocka_unit_test(the_next_shard_is_opened_at_its_place),
		cmocka_unit_test(what_was_lent_may_go_with_its_frame),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
