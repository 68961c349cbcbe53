/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/fec/gf16_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/fec/gf16_block.h"

#define SUMS_MAX  (1u << 20) /* bytes; what wants more is decoded at the end, at once */
#define WIDE_MOST 128u	     /* and so is what wants more parity shards than this */
#define LATE_MAX  32u	     /* shards that may come after their part was summed up */
/* A shard is looked on as lost when one so far behind it is here: trains of packets
 * are swapped in the network rather than shards a train apart. */
#define SLACK 16u

struct pf_gf16_stream {
	struct pf_gf16_ctx *ctx;
	bool begun;
	struct pf_gf16_shape block;
	const uint8_t **data, **parity;	 /* where shards lie, NULL: not here */
	uint32_t have, parity_have, top; /* data shards below `top`; parity shards */
	uint32_t scanned, missing;	 /* data shards below, and those of them not here */

	/* Coefficients of the data shards below `summed`, zeros where they had gaps, that
	 * give the lowest `wide` parity shards; of pf_gf16_wide_tile's tiles, one behind
	 * another. */
	uint8_t *sums_memory, *sums;
	size_t sums_bytes;
	uint32_t wide; /* 0: nothing is summed up */
	uint32_t summed;
	uint32_t late[LATE_MAX], late_count; /* came after their part was summed up */
	bool alone;			     /* too many did: decode at the end */
};

static size_t row_bytes(uint32_t shard_bytes)
{
	return ((size_t)shard_bytes + PF_GF16_GROUP - 1) & ~(size_t)(PF_GF16_GROUP - 1);
}

int pf_gf16_stream_create(struct pf_gf16_ctx *ctx, struct pf_gf16_stream **out)
{
	struct pf_gf16_stream *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->ctx = ctx;
	s->data = calloc(ctx->limits.data_max, sizeof(*s->data));
	s->parity = calloc(ctx->limits.parity_max + 1u, sizeof(*s->parity));
	s->sums_bytes = WIDE_MOST * row_bytes(ctx->limits.shard_bytes_max);
	if (s->sums_bytes > SUMS_MAX)
		s->sums_bytes = SUMS_MAX;
	s->sums_memory = malloc(s->sums_bytes + PF_GF16_GROUP);
	if (!s->data || !s->parity || !s->sums_memory) {
		pf_gf16_stream_destroy(s);
		return -ENOMEM;
	}
	s->sums = s->sums_memory + (-(uintptr_t)s->sums_memory & (PF_GF16_GROUP - 1));
	*out = s;
	return 0;
}

void pf_gf16_stream_destroy(struct pf_gf16_stream *s)
{
	if (!s)
		return;
	free(s->data);
	free(s->parity);
	free(s->sums_memory);
	free(s);
}

int pf_gf16_stream_begin(struct pf_gf16_stream *s, uint32_t k, uint32_t m, uint32_t shard_bytes)
{
	struct pf_gf16_shape block;
	int r = pf_gf16_shape_of(s->ctx, k, m, shard_bytes, &block);

	if (r < 0)
		return r;
	s->block = block;
	s->begun = true;
	s->have = s->parity_have = s->top = 0;
	s->scanned = s->missing = 0;
	s->wide = s->summed = s->late_count = 0;
	s->alone = block.low || k == 1 || m <= 1;
	memset(s->data, 0, k * sizeof(*s->data));
	memset(s->parity, 0, m * sizeof(*s->parity));
	return 0;
}

void pf_gf16_stream_drop(struct pf_gf16_stream *s)
{
	s->begun = false;
}

int pf_gf16_stream_data(struct pf_gf16_stream *s, uint32_t i, const uint8_t *shard)
{
	if (!s->begun || i >= s->block.k)
		return -EINVAL;
	if (s->data[i])
		return 0;
	s->data[i] = shard;
	s->have++;
	if (i >= s->top)
		s->top = i + 1;
	if (i < s->scanned)
		s->missing--;
	if (i >= s->summed)
		return 0;
	if (s->late_count < LATE_MAX)
		s->late[s->late_count++] = i;
	else
		s->alone = true;
	return 0;
}

int pf_gf16_stream_parity(struct pf_gf16_stream *s, uint32_t j, const uint8_t *shard)
{
	if (!s->begun || j >= s->block.m)
		return -EINVAL;
	if (s->parity[j])
		return 0;
	s->parity[j] = shard;
	s->parity_have++;
	return 0;
}

/* Adds rows of the part that begins at `from` to the sums. */
static void add_rows(struct pf_gf16_stream *s, uint32_t from, const uint8_t *const *rows)
{
	struct pf_gf16_tile t = { 0 };

	while (pf_gf16_wide_tile(&s->block, s->wide, &t))
		pf_gf16_add_part(s->ctx, &s->block, s->wide, &t,
			s->sums + (size_t)t.first * PF_GF16_GROUP * s->wide, rows, from);
}

static void add_next(struct pf_gf16_stream *s)
{
	const uint8_t *rows[WIDE_MOST];
	uint32_t i = 0;

	if (!s->summed)
		memset(s->sums, 0, s->wide * row_bytes(s->block.bytes));
	for (; i < s->wide && s->summed + i < s->block.k; i++)
		rows[i] = s->data[s->summed + i] ? s->data[s->summed + i] : s->ctx->zeros;
	add_rows(s, s->summed, rows);
	s->summed += i;
}

/* All late shards of one part: the sums are linear. */
static void add_late(struct pf_gf16_stream *s)
{
	const uint32_t from = s->late[0] / s->wide * s->wide;
	const uint8_t *rows[WIDE_MOST];
	uint32_t left = 0;

	for (uint32_t i = 0; i < s->wide; i++)
		rows[i] = s->ctx->zeros;
	for (uint32_t n = 0; n < s->late_count; n++) {
		const uint32_t i = s->late[n];

		if (i / s->wide * s->wide == from)
			rows[i - from] = s->data[i];
		else
			s->late[left++] = i;
	}
	s->late_count = left;
	add_rows(s, from, rows);
}

/* Looks at shards that later ones have passed, and settles how much parity the
 * sums are to be for. False where they are no use, or not yet. */
static bool prepare(struct pf_gf16_stream *s)
{
	const uint32_t k = s->block.k;
	uint32_t passed = s->top > SLACK ? s->top - SLACK : 0, lost, wide;

	if (s->parity_have)
		passed = k;
	for (; s->scanned < passed; s->scanned++)
		s->missing += !s->data[s->scanned];
	/* More than parity can mend: most of it is still to come. */
	if (!s->missing || s->missing > s->block.m)
		return false;
	if (s->wide && s->missing <= s->wide - s->wide / 8)
		return true;
	/* As many again in proportion, though few shards tell little; and parity is lost
	 * as well. */
	lost = (uint32_t)((uint64_t)s->missing * k / (s->scanned < k / 4 ? k / 4 : s->scanned));
	lost += lost / 8 + 2;
	wide = pf_gf16_wide(&s->block, lost < s->block.m ? lost : s->block.m);
	while (wide > WIDE_MOST || wide * row_bytes(s->block.bytes) > s->sums_bytes)
		wide /= 2;
	if (wide < s->missing || !wide) {
		s->alone = true;
		return false;
	}
	if (wide != s->wide) {
		s->wide = wide;
		s->summed = s->late_count = 0;
	}
	return true;
}

static bool next_is_passed(const struct pf_gf16_stream *s)
{
	const uint32_t end = s->summed + s->wide;

	return s->summed < s->block.k && (end < s->block.k ? end : s->block.k) <= s->scanned;
}

bool pf_gf16_stream_step(struct pf_gf16_stream *s)
{
	if (!s->begun || s->alone || !prepare(s))
		return false;
	if (s->late_count)
		add_late(s);
	else if (next_is_passed(s))
		add_next(s);
	return s->late_count || next_is_passed(s);
}

/* Whether the sums so far save more than they cost, e shards being lost. */
static bool sums_serve(const struct pf_gf16_stream *s, uint32_t e)
{
	uint32_t j = 0;

	if (s->alone || !s->wide || s->summed < s->block.k / 2)
		return false;
	for (uint32_t got = 0; got < e; j++)
		got += s->parity[j] != NULL;
	return j <= s->wide;
}

int pf_gf16_stream_finish(struct pf_gf16_stream *s, uint8_t *const *out)
{
	const struct pf_gf16_shape *b = &s->block;
	uint8_t *sums = NULL;
	int r;

	if (!s->begun)
		return -EINVAL;
	if (s->have + s->parity_have < b->k)
		return -ENODATA;
	if (s->have < b->k && sums_serve(s, b->k - s->have)) {
		while (s->late_count)
			add_late(s);
		while (s->summed < b->k)
			add_next(s);
		sums = s->sums;
	}
	r = pf_gf16_decode_sums(s->ctx, b, s->data, s->parity, out, s->wide, sums);
	if (r == 0)
		s->begun = false;
	return r;
}
