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
	if (rows_bytes < PF_GF16_TILE_BYTES)
		rows_bytes = PF_GF16_TILE_BYTES;
	ctx->points = p2(most + (k > m ? k : m));
	if (ctx->points > PF_GF16_POINTS_MAX)
		ctx->points = PF_GF16_POINTS_MAX;

	ctx->rows_memory = malloc(rows_bytes + PF_GF16_TILE_BYTES + PF_GF16_GROUP);
	ctx->data = calloc(k, sizeof(*ctx->data));
	ctx->logs = calloc(ctx->points, sizeof(*ctx->logs));
	ctx->walsh = calloc(ctx->points, sizeof(*ctx->walsh));
	ctx->spectrum = calloc(ctx->points, sizeof(*ctx->spectrum));
	ctx->inverse =
		calloc((size_t)PF_GF16_CLOSED_MAX * PF_GF16_CLOSED_MAX, sizeof(*ctx->inverse));
	ctx->lost = calloc(k, sizeof(*ctx->lost));
	ctx->got = calloc(m ? m : 1, sizeof(*ctx->got));
	if (!ctx->rows_memory || !ctx->data || !ctx->logs || !ctx->walsh || !ctx->spectrum ||
		!ctx->inverse || !ctx->lost || !ctx->got)
		goto fail;
	/* Aligned for speed only: no row then straddles a cache line. */
	ctx->rows = ctx->rows_memory + (-(uintptr_t)ctx->rows_memory & (PF_GF16_GROUP - 1));
	ctx->syndromes = ctx->rows + rows_bytes;
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
	free(ctx->data);
	free(ctx->logs);
	free(ctx->walsh);
	free(ctx->spectrum);
	free(ctx->inverse);
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
	size_t fit = PF_GF16_TILE_BYTES / (rows * PF_GF16_GROUP);

	t->first += t->count;
	if (t->first >= end)
		return false;
	t->count = end - t->first;
	if (!fit)
		fit = 1;
	if (t->count > fit)
		t->count = (uint32_t)fit;
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

/* Coefficients of every chunk, added up, then values at the parity points. */
void pf_gf16_parity_rows(const struct pf_gf16_ctx *ctx, const struct pf_gf16_shape *s,
	const struct pf_gf16_tile *t, const uint8_t *const *data, uint32_t end)
{
	const struct pf_gf16_kernel *kern = ctx->kern;
	uint8_t *sum = ctx->rows, *work = sum + s->chunk * t->width;
	bool empty = true;

	for (uint32_t at = 0; at < s->k; at += s->chunk) {
		uint32_t n = s->k - at < s->chunk ? s->k - at : s->chunk;
		uint8_t *rows = empty ? sum : work;
		uint32_t used = 0;

		for (uint32_t i = 0; i < n; i++) {
			uint8_t *row = rows + i * t->width;

			if (data[at + i]) {
				pf_gf16_load_row(ctx, s, t, row, data[at + i]);
				used = i + 1;
			} else {
				memset(row, 0, t->width);
			}
		}
		if (!used)
			continue;
		memset(rows + n * t->width, 0, (s->chunk - n) * t->width);
		kern->ifft(rows, t->width, s->layers, s->chunk + at, used);
		if (!empty)
			kern->add(sum, work, s->chunk * t->width);
		empty = false;
	}
	if (empty)
		memset(sum, 0, s->chunk * t->width);
	kern->fft(sum, t->width, s->layers, 0, 0, end);
}

static void encode_high(const struct pf_gf16_ctx *ctx, const struct pf_gf16_shape *s,
	const uint8_t *const *data, uint8_t *const *parity)
{
	struct pf_gf16_tile t = { 0 };

	while (pf_gf16_next_tile(s->groups, 2 * (size_t)s->chunk, &t)) {
		pf_gf16_parity_rows(ctx, s, &t, data, s->m);
		for (uint32_t j = 0; j < s->m; j++)
			pf_gf16_store_row(ctx, s, &t, ctx->rows + j * t.width, parity[j]);
	}
}

/* Low rate: coefficients of the only chunk, then values at K, 2K, ... */
static void encode_low(const struct pf_gf16_ctx *ctx, const struct pf_gf16_shape *s,
	const uint8_t *const *data, uint8_t *const *parity)
{
	const struct pf_gf16_kernel *kern = ctx->kern;
	struct pf_gf16_tile t = { 0 };

	while (pf_gf16_next_tile(s->groups, 2 * (size_t)s->chunk, &t)) {
		uint8_t *coef = ctx->rows, *work = coef + s->chunk * t.width;

		for (uint32_t i = 0; i < s->k; i++)
			pf_gf16_load_row(ctx, s, &t, coef + i * t.width, data[i]);
		memset(coef + s->k * t.width, 0, (s->chunk - s->k) * t.width);
		kern->ifft(coef, t.width, s->layers, 0, s->k);
		for (uint32_t at = 0; at < s->m; at += s->chunk) {
			uint32_t n = s->m - at < s->chunk ? s->m - at : s->chunk;

			memcpy(work, coef, s->chunk * t.width);
			kern->fft(work, t.width, s->layers, s->chunk + at, 0, n);
			for (uint32_t j = 0; j < n; j++)
				pf_gf16_store_row(ctx, s, &t, work + j * t.width, parity[at + j]);
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

int pf_gf16_enc_begin(struct pf_gf16_ctx *ctx, uint32_t k, uint32_t m, uint32_t shard_bytes)
{
	struct pf_gf16_shape s;
	int r = pf_gf16_shape_of(ctx, k, m, shard_bytes, &s);

	if (r < 0)
		return r;
	ctx->block = s;
	ctx->added = 0;
	ctx->begun = true;
	return 0;
}

int pf_gf16_enc_add(struct pf_gf16_ctx *ctx, const uint8_t *shard)
{
	if (!ctx->begun || ctx->added == ctx->block.k)
		return -EINVAL;
	ctx->data[ctx->added++] = shard;
	return 0;
}

int pf_gf16_enc_finish(struct pf_gf16_ctx *ctx, uint8_t *const *parity)
{
	if (!ctx->begun)
		return -EINVAL;
	if (ctx->added < ctx->block.k)
		return -ENODATA;
	ctx->begun = false;
	encode_shape(ctx, &ctx->block, ctx->data, parity);
	return 0;
}
