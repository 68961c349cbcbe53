/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/fec/gf16.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cpu.h"
#include "core/fec/gf16_block.h"
#include "core/fec/gf16_field.h"

static uint32_t p2(uint32_t n)
{
	uint32_t p = 1;

	while (p < n)
		p *= 2;
	return p;
}

/* Both forms give the same bytes where the powers of two are equal. */
static bool is_low(uint32_t k, uint32_t m)
{
	return p2(k) < p2(m);
}

bool pf_gf16_fits(uint32_t k, uint32_t m)
{
	if (k < 1 || k > PF_GF16_POINTS_MAX || m > PF_GF16_POINTS_MAX)
		return false;
	return is_low(k, m) ? p2(k) + m <= PF_GF16_POINTS_MAX : p2(m) + k <= PF_GF16_POINTS_MAX;
}

int pf_gf16_shape_of(const struct pf_gf16_ctx *ctx, uint32_t k, uint32_t m, uint32_t bytes,
	struct pf_gf16_shape *out)
{
	if (k > ctx->limits.data_max || m > ctx->limits.parity_max || !pf_gf16_fits(k, m))
		return -EINVAL;
	if (bytes < 2 || bytes % 2 || bytes > ctx->limits.shard_bytes_max)
		return -EINVAL;
	out->k = k;
	out->m = m;
	out->bytes = bytes;
	out->groups = (bytes + PF_GF16_GROUP - 1) / PF_GF16_GROUP;
	out->low = is_low(k, m);
	out->chunk = p2(out->low ? k : m);
	out->layers = (uint32_t)__builtin_ctz(out->chunk);
	out->points = p2(out->chunk + (out->low ? m : k));
	return 0;
}

/* For speed only: no row then straddles a cache line. */
static uint8_t *aligned(uint8_t *p)
{
	return p + (-(uintptr_t)p & (PF_GF16_GROUP - 1));
}

int pf_gf16_create(const struct pf_gf16_limits *limits, struct pf_gf16_ctx **out)
{
	const uint32_t k = limits->data_max, m = limits->parity_max;
	struct pf_gf16_ctx *ctx;
	uint32_t most;
	size_t rows_bytes;

	if (k < 1 || k > PF_GF16_POINTS_MAX || m > PF_GF16_POINTS_MAX ||
		limits->shard_bytes_max < 2)
		return -EINVAL;
	ctx = calloc(1, sizeof(*ctx));
	if (!ctx)
		return -ENOMEM;
	ctx->limits = *limits;
	ctx->kern = pf_gf16_kernel_pick(pf_cpu_flags());

	/* The high rate works on two chunks of p2(m) rows. The low rate, with
	 * p2(k) < p2(m), works on all its points, no more than 2 * p2(m) either. */
	most = p2(m);
	rows_bytes = 2 * (size_t)most * PF_GF16_GROUP;
	if (rows_bytes < 2 * PF_GF16_TILE_BYTES)
		rows_bytes = 2 * PF_GF16_TILE_BYTES;
	ctx->points = p2(most + (k > m ? k : m));
	if (ctx->points > PF_GF16_POINTS_MAX)
		ctx->points = PF_GF16_POINTS_MAX;

	ctx->sums_bytes =
		(size_t)most * ((limits->shard_bytes_max - 1) / PF_GF16_GROUP + 1) * PF_GF16_GROUP;
	if (ctx->sums_bytes > PF_GF16_SUMS_MAX)
		ctx->sums_bytes = PF_GF16_SUMS_MAX;

	ctx->rows_memory = malloc(rows_bytes + PF_GF16_SYNDROME_BYTES + PF_GF16_TILE_BYTES +
				  rows_bytes / 2 + PF_GF16_GROUP);
	ctx->sums_memory = malloc(ctx->sums_bytes + PF_GF16_GROUP);
	ctx->zeros = calloc(1, limits->shard_bytes_max);
	ctx->staged = calloc(most, sizeof(*ctx->staged));
	ctx->filled = calloc(k, sizeof(*ctx->filled));
	ctx->data = calloc(k, sizeof(*ctx->data));
	ctx->logs = calloc(ctx->points, sizeof(*ctx->logs));
	ctx->walsh = calloc(ctx->points, sizeof(*ctx->walsh));
	ctx->spectrum = calloc(ctx->points, sizeof(*ctx->spectrum));
	ctx->inverse =
		calloc((size_t)PF_GF16_CLOSED_MAX * PF_GF16_CLOSED_MAX, sizeof(*ctx->inverse));
	ctx->factors = calloc(ctx->points, sizeof(*ctx->factors));
	ctx->lost = calloc(k, sizeof(*ctx->lost));
	ctx->got = calloc(m ? m : 1, sizeof(*ctx->got));
	if (!ctx->rows_memory || !ctx->sums_memory || !ctx->zeros || !ctx->staged || !ctx->filled ||
		!ctx->data || !ctx->logs || !ctx->walsh || !ctx->spectrum || !ctx->inverse ||
		!ctx->factors || !ctx->lost || !ctx->got)
		goto fail;
	ctx->rows = aligned(ctx->rows_memory);
	ctx->syndromes = ctx->rows + rows_bytes;
	ctx->part = ctx->syndromes + PF_GF16_SYNDROME_BYTES;
	ctx->stage = ctx->part + PF_GF16_TILE_BYTES;
	ctx->sums = aligned(ctx->sums_memory);
	for (uint32_t i = 1; i < ctx->points; i++)
		ctx->logs[i] = (uint16_t)pf_gf16_log(i);
	*out = ctx;
	return 0;
fail:
	pf_gf16_destroy(ctx);
	return -ENOMEM;
}

void pf_gf16_destroy(struct pf_gf16_ctx *ctx)
{
	if (!ctx)
		return;
	free(ctx->rows_memory);
	free(ctx->sums_memory);
	free(ctx->zeros);
	free(ctx->staged);
	free(ctx->filled);
	free(ctx->data);
	free(ctx->logs);
	free(ctx->walsh);
	free(ctx->spectrum);
	free(ctx->inverse);
	free(ctx->factors);
	free(ctx->lost);
	free(ctx->got);
	free(ctx);
}

const char *pf_gf16_kernel_name(const struct pf_gf16_ctx *ctx)
{
	return ctx->kern->name;
}

bool pf_gf16_next_tile(uint32_t end, size_t rows, struct pf_gf16_tile *t)
{
	size_t fit = PF_GF16_TILE_BYTES / (rows * PF_GF16_GROUP), left, tiles;

	t->first += t->count;
	if (t->first >= end)
		return false;
	left = end - t->first;
	if (!fit)
		fit = 1;
	/* The last one is no narrower than need be. */
	tiles = (left - 1) / fit + 1;
	t->count = (uint32_t)((left - 1) / tiles + 1);
	t->width = (size_t)t->count * PF_GF16_GROUP;
	return true;
}

/* Whole bytes of the tile, and those of a tail behind them. */
static size_t tile_split(const struct pf_gf16_shape *s, const struct pf_gf16_tile *t, size_t *tail)
{
	size_t begin = (size_t)t->first * PF_GF16_GROUP, left = s->bytes - begin;

	*tail = left < t->width ? left % PF_GF16_GROUP : 0;
	return left < t->width ? left - *tail : t->width;
}

/* A tail of t bytes holds t/2 elements: low bytes first, then the high ones. */
void pf_gf16_load_row(const struct pf_gf16_ctx *ctx, const struct pf_gf16_shape *s,
	const struct pf_gf16_tile *t, uint8_t *row, const uint8_t *shard)
{
	size_t tail, whole = tile_split(s, t, &tail);

	shard += (size_t)t->first * PF_GF16_GROUP;
	ctx->kern->load(row, shard, whole);
	if (tail) {
		uint8_t group[PF_GF16_GROUP] = { 0 };

		memcpy(group, shard + whole, tail / 2);
		memcpy(group + PF_GF16_GROUP / 2, shard + whole + tail / 2, tail / 2);
		ctx->kern->load(row + whole, group, PF_GF16_GROUP);
	}
}

void pf_gf16_store_row(const struct pf_gf16_ctx *ctx, const struct pf_gf16_shape *s,
	const struct pf_gf16_tile *t, const uint8_t *row, uint8_t *shard)
{
	size_t tail, whole = tile_split(s, t, &tail);

	shard += (size_t)t->first * PF_GF16_GROUP;
	ctx->kern->store(shard, row, whole);
	if (tail) {
		uint8_t group[PF_GF16_GROUP];

		ctx->kern->store(group, row + whole, PF_GF16_GROUP);
		memcpy(shard + whole, group, tail / 2);
		memcpy(shard + whole + tail / 2, group + PF_GF16_GROUP / 2, tail / 2);
	}
}

/* Where a tile with a tail lies in whole groups. */
static void stage(const struct pf_gf16_ctx *ctx, uint32_t n, size_t width)
{
	for (uint32_t i = 0; i < n; i++)
		ctx->staged[i] = ctx->stage + i * width;
}

void pf_gf16_gather(const struct pf_gf16_ctx *ctx, const struct pf_gf16_shape *s,
	const struct pf_gf16_tile *t, uint8_t *sum, bool add, const uint8_t *const *data,
	uint32_t n, uint32_t point, uint32_t factor)
{
	size_t at = (size_t)t->first * PF_GF16_GROUP, tail, whole = tile_split(s, t, &tail);
	uint8_t *work = ctx->rows + s->chunk * t->width;

	if (!tail) {
		ctx->kern->gather(sum, add, work, t->width, s->layers, point, data, at, n, factor);
		return;
	}
	stage(ctx, n, t->width);
	for (uint32_t i = 0; i < n; i++) {
		const uint8_t *from = data[i] + at;
		uint8_t *row = ctx->staged[i], *group = row + whole;

		memcpy(row, from, whole);
		memset(group, 0, PF_GF16_GROUP);
		memcpy(group, from + whole, tail / 2);
		memcpy(group + PF_GF16_GROUP / 2, from + whole + tail / 2, tail / 2);
	}
	ctx->kern->gather(sum, add, work, t->width, s->layers, point,
		(const uint8_t *const *)ctx->staged, 0, n, factor);
}

void pf_gf16_scatter(const struct pf_gf16_ctx *ctx, const struct pf_gf16_shape *s,
	const struct pf_gf16_tile *t, const uint8_t *sum, uint8_t *const *parity, uint32_t n,
	uint32_t point)
{
	size_t at = (size_t)t->first * PF_GF16_GROUP, tail, whole = tile_split(s, t, &tail);
	uint8_t *work = ctx->rows + s->chunk * t->width;

	if (!tail) {
		ctx->kern->scatter(parity, at, n, sum, work, t->width, s->layers, point);
		return;
	}
	stage(ctx, n, t->width);
	ctx->kern->scatter(ctx->staged, 0, n, sum, work, t->width, s->layers, point);
	for (uint32_t j = 0; j < n; j++) {
		const uint8_t *row = ctx->staged[j], *group = row + whole;
		uint8_t *to = parity[j] + at;

		memcpy(to, row, whole);
		memcpy(to + whole, group, tail / 2);
		memcpy(to + whole + tail / 2, group + PF_GF16_GROUP / 2, tail / 2);
	}
}

const uint8_t *const *pf_gf16_fill_gaps(
	const struct pf_gf16_ctx *ctx, const struct pf_gf16_shape *s, const uint8_t *const *data)
{
	for (uint32_t i = 0; i < s->k; i++)
		ctx->filled[i] = data[i] ? data[i] : ctx->zeros;
	return ctx->filled;
}

/* The chunks data[from..to-1] of the high rate, the first of which makes the sum. */
static void add_chunks(const struct pf_gf16_ctx *ctx, const struct pf_gf16_shape *s,
	const struct pf_gf16_tile *t, uint8_t *sum, const uint8_t *const *data, uint32_t from,
	uint32_t to)
{
	for (; from < to; from += s->chunk) {
		uint32_t n = to - from < s->chunk ? to - from : s->chunk;

		pf_gf16_gather(ctx, s, t, sum, from != 0, data + from, n, s->chunk + from, 1);
	}
}

static void encode_high(const struct pf_gf16_ctx *ctx, const struct pf_gf16_shape *s,
	const uint8_t *const *data, uint8_t *const *parity)
{
	struct pf_gf16_tile t = { 0 };

	while (pf_gf16_next_tile(s->groups, 2 * (size_t)s->chunk, &t)) {
		add_chunks(ctx, s, &t, ctx->rows, data, 0, s->k);
		pf_gf16_scatter(ctx, s, &t, ctx->rows, parity, s->m, 0);
	}
}

/* Low rate: coefficients of the only chunk, then values at K, 2K, ... */
static void encode_low(const struct pf_gf16_ctx *ctx, const struct pf_gf16_shape *s,
	const uint8_t *const *data, uint8_t *const *parity)
{
	struct pf_gf16_tile t = { 0 };

	while (pf_gf16_next_tile(s->groups, 2 * (size_t)s->chunk, &t)) {
		pf_gf16_gather(ctx, s, &t, ctx->rows, false, data, s->k, 0, 1);
		for (uint32_t at = 0; at < s->m; at += s->chunk) {
			uint32_t n = s->m - at < s->chunk ? s->m - at : s->chunk;

			pf_gf16_scatter(ctx, s, &t, ctx->rows, parity + at, n, s->chunk + at);
		}
	}
}

/* One parity shard is the sum of the data shards, byte for byte. */
void pf_gf16_add_up(const struct pf_gf16_ctx *ctx, const struct pf_gf16_shape *s,
	const uint8_t *const *data, const uint8_t *first, uint8_t *out)
{
	uint32_t i = 0;

	if (!first)
		first = data[i++];
	memcpy(out, first, s->bytes);
	for (; i < s->k; i++)
		if (data[i])
			ctx->kern->add(out, data[i], s->bytes);
}

static void encode_shape(const struct pf_gf16_ctx *ctx, const struct pf_gf16_shape *s,
	const uint8_t *const *data, uint8_t *const *parity)
{
	if (s->k == 1)
		for (uint32_t j = 0; j < s->m; j++)
			memcpy(parity[j], data[0], s->bytes);
	else if (s->m == 1)
		pf_gf16_add_up(ctx, s, data, NULL, parity[0]);
	else if (s->m && s->low)
		encode_low(ctx, s, data, parity);
	else if (s->m)
		encode_high(ctx, s, data, parity);
}

int pf_gf16_encode(struct pf_gf16_ctx *ctx, uint32_t k, uint32_t m, uint32_t shard_bytes,
	const uint8_t *const *data, uint8_t *const *parity)
{
	struct pf_gf16_shape s;
	int r = pf_gf16_shape_of(ctx, k, m, shard_bytes, &s);

	if (r < 0)
		return r;
	ctx->begun = false;
	encode_shape(ctx, &s, data, parity);
	return 0;
}

/* How many shards of the begun block are summed up at a time, or 0: at the end. */
static uint32_t step_of(const struct pf_gf16_ctx *ctx)
{
	const struct pf_gf16_shape *s = &ctx->block;

	if (s->low || s->m < 2 || (size_t)s->chunk * s->groups * PF_GF16_GROUP > ctx->sums_bytes)
		return 0;
	return s->chunk < PF_GF16_STEP_LEAST ? PF_GF16_STEP_LEAST : s->chunk;
}

/* The sum of a tile: tiles lie one behind another. */
static uint8_t *sum_of(const struct pf_gf16_ctx *ctx, const struct pf_gf16_tile *t)
{
	return ctx->sums + (size_t)t->first * PF_GF16_GROUP * ctx->block.chunk;
}

int pf_gf16_enc_begin(struct pf_gf16_ctx *ctx, uint32_t k, uint32_t m, uint32_t shard_bytes)
{
	struct pf_gf16_shape s;
	int r = pf_gf16_shape_of(ctx, k, m, shard_bytes, &s);

	if (r < 0)
		return r;
	ctx->block = s;
	ctx->step = step_of(ctx);
	ctx->added = ctx->summed = 0;
	ctx->begun = true;
	return 0;
}

int pf_gf16_enc_add(struct pf_gf16_ctx *ctx, const uint8_t *shard)
{
	const struct pf_gf16_shape *s = &ctx->block;
	struct pf_gf16_tile t = { 0 };

	if (!ctx->begun || ctx->added == s->k)
		return -EINVAL;
	ctx->data[ctx->added++] = shard;
	if (!ctx->step || ctx->added - ctx->summed < ctx->step || ctx->added == s->k)
		return 0;
	while (pf_gf16_next_tile(s->groups, 2 * (size_t)s->chunk, &t))
		add_chunks(ctx, s, &t, sum_of(ctx, &t), ctx->data, ctx->summed, ctx->added);
	ctx->summed = ctx->added;
	return 0;
}

int pf_gf16_enc_finish(struct pf_gf16_ctx *ctx, uint8_t *const *parity)
{
	const struct pf_gf16_shape *s = &ctx->block;
	struct pf_gf16_tile t = { 0 };

	if (!ctx->begun)
		return -EINVAL;
	if (ctx->added < s->k)
		return -ENODATA;
	ctx->begun = false;
	if (!ctx->summed) {
		encode_shape(ctx, s, ctx->data, parity);
		return 0;
	}
	while (pf_gf16_next_tile(s->groups, 2 * (size_t)s->chunk, &t)) {
		add_chunks(ctx, s, &t, sum_of(ctx, &t), ctx->data, ctx->summed, s->k);
		pf_gf16_scatter(ctx, s, &t, sum_of(ctx, &t), parity, s->m, 0);
	}
	return 0;
}
