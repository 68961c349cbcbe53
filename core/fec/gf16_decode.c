/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "core/base/cpu.h"
#include "core/fec/gf16_block.h"
#include "core/fec/gf16_field.h"

#define BATCH	   64 /* data shards that one kernel call takes */
#define WIDE_LEAST 16u
#define SOLVE_ROWS 4u /* lost shards that one pass over the syndromes gives */

static uint32_t data_point(const struct pf_gf16_shape *s, uint32_t i)
{
	return s->low ? i : s->chunk + i;
}

static uint32_t parity_point(const struct pf_gf16_shape *s, uint32_t j)
{
	return s->low ? s->chunk + j : j;
}

/* Log of s of the formula on top, for data shard i and parity shard j. */
static uint32_t scale_log(
	const struct pf_gf16_ctx *ctx, const struct pf_gf16_shape *s, uint32_t i, uint32_t j)
{
	uint32_t point = s->low ? parity_point(s, j) : data_point(s, i);

	return ctx->logs[point >> s->layers];
}

/* The e x e inverse of the formula's matrix for parity ctx->got and data
 * ctx->lost, by Cauchy's closed form, row by lost shard. */
static void invert(const struct pf_gf16_ctx *ctx, const struct pf_gf16_shape *s, uint32_t e)
{
	const uint16_t *logs = ctx->logs;
	uint32_t x[PF_GF16_CLOSED_MAX], y[PF_GF16_CLOSED_MAX], x_log[PF_GF16_CLOSED_MAX],
		y_log[PF_GF16_CLOSED_MAX];

	for (uint32_t a = 0; a < e; a++) {
		x[a] = parity_point(s, ctx->got[a]);
		y[a] = data_point(s, ctx->lost[a]);
	}
	for (uint32_t a = 0; a < e; a++) {
		uint32_t x_up = 0, x_down = 0, y_up = 0, y_down = 0;

		for (uint32_t b = 0; b < e; b++) {
			x_up += logs[x[a] ^ y[b]];
			y_up += logs[x[b] ^ y[a]];
			x_down += logs[x[a] ^ x[b]]; /* logs[0] is 0: leaves itself out */
			y_down += logs[y[a] ^ y[b]];
		}
		/* s belongs to one side only: at the high rate it does not depend on j. */
		if (s->low)
			x_down += scale_log(ctx, s, 0, ctx->got[a]);
		else
			y_down += scale_log(ctx, s, ctx->lost[a], 0);
		x_log[a] = pf_gf16_log_sub(x_up % PF_GF16_ORDER, x_down % PF_GF16_ORDER);
		y_log[a] = pf_gf16_log_sub(y_up % PF_GF16_ORDER, y_down % PF_GF16_ORDER);
	}
	for (uint32_t b = 0; b < e; b++)
		for (uint32_t a = 0; a < e; a++)
			ctx->inverse[b * e + a] = (uint16_t)pf_gf16_exp(pf_gf16_log_sub(
				pf_gf16_log_add(x_log[a], y_log[b]), logs[x[a] ^ y[b]]));
}

/* out = inverse * syndromes, some groups of them; ctx->rows is scratch. */
static void solve(const struct pf_gf16_ctx *ctx, const struct pf_gf16_shape *s,
	const struct pf_gf16_tile *t, uint32_t e, const uint8_t *const *syndrome,
	uint8_t *const *out)
{
	for (uint32_t b = 0; b < e; b += SOLVE_ROWS) {
		uint32_t rows = e - b < SOLVE_ROWS ? e - b : SOLVE_ROWS;

		memset(ctx->rows, 0, rows * t->width);
		ctx->kern->madd(
			ctx->rows, t->width, rows, syndrome, ctx->inverse + b * e, e, t->width);
		for (uint32_t r = 0; r < rows; r++)
			pf_gf16_store_row(
				ctx, s, t, ctx->rows + r * t->width, out[ctx->lost[b + r]]);
	}
}

/* The formula's factors for parity x = 0 at the high rate, by data point; those of
 * another x are the same ones at point ^ x. */
static void prepare_factors(struct pf_gf16_ctx *ctx, const struct pf_gf16_shape *s)
{
	uint32_t end = s->chunk + (s->k + s->chunk - 1) / s->chunk * s->chunk;
	uint32_t p = s->chunk;

	if (ctx->factors_layers == s->layers && ctx->factors_end > p)
		p = ctx->factors_end;
	else
		ctx->factors_end = 0;
	for (; p < end; p++)
		ctx->factors[p] = (uint16_t)pf_gf16_exp(
			pf_gf16_log_sub(ctx->logs[p >> s->layers], ctx->logs[p]));
	ctx->factors_layers = s->layers;
	if (ctx->factors_end < end)
		ctx->factors_end = end;
}

static uint16_t factor(
	const struct pf_gf16_ctx *ctx, const struct pf_gf16_shape *s, uint32_t i, uint32_t j)
{
	const uint32_t x = parity_point(s, j), y = data_point(s, i);

	if (!s->low)
		return ctx->factors[x ^ y];
	return (uint16_t)pf_gf16_exp(pf_gf16_log_sub(scale_log(ctx, s, i, j), ctx->logs[x ^ y]));
}

/* syndromes += factors * the tile's part of shards as they lie. */
static void add_shards(const struct pf_gf16_ctx *ctx, const struct pf_gf16_shape *s,
	const struct pf_gf16_tile *t, uint32_t e, const uint8_t *const *shard,
	const uint16_t *factors, uint32_t n)
{
	const size_t begin = (size_t)t->first * PF_GF16_GROUP, left = s->bytes - begin;
	const size_t tail = left < t->width ? left % PF_GF16_GROUP : 0;
	const size_t whole = left < t->width ? left - tail : t->width;
	uint8_t groups[BATCH][PF_GF16_GROUP];
	const uint8_t *at[BATCH];

	for (uint32_t i = 0; i < n; i++)
		at[i] = shard[i] + begin;
	ctx->kern->madd_wire(ctx->syndromes, t->width, e, at, factors, n, whole);
	if (!tail)
		return;
	for (uint32_t i = 0; i < n; i++) {
		memset(groups[i], 0, PF_GF16_GROUP);
		memcpy(groups[i], at[i] + whole, tail / 2);
		memcpy(groups[i] + PF_GF16_GROUP / 2, at[i] + whole + tail / 2, tail / 2);
		at[i] = groups[i];
	}
	ctx->kern->madd_wire(ctx->syndromes + whole, t->width, e, at, factors, n, PF_GF16_GROUP);
}

/* Few losses: the formula's rows of e parity shards, over the data where it lies. */
static void decode_direct(struct pf_gf16_ctx *ctx, const struct pf_gf16_shape *s, uint32_t e,
	const uint8_t *const *data, const uint8_t *const *parity, uint8_t *const *out)
{
	struct pf_gf16_tile t = { 0 };

	invert(ctx, s, e);
	if (!s->low)
		prepare_factors(ctx, s);
	while (pf_gf16_next_tile(s->groups, e, &t)) {
		const uint8_t *syndrome[PF_GF16_CLOSED_MAX];
		uint32_t i = 0;

		for (uint32_t a = 0; a < e; a++) {
			uint8_t *row = ctx->syndromes + a * t.width;

			pf_gf16_load_row(ctx, s, &t, row, parity[ctx->got[a]]);
			syndrome[a] = row;
		}
		while (i < s->k) {
			uint16_t factors[BATCH * PF_GF16_CLOSED_MAX];
			const uint8_t *shard[BATCH];
			uint32_t number[BATCH], n = 0;

			for (; i < s->k && n < BATCH; i++) {
				if (data[i]) {
					shard[n] = data[i];
					number[n++] = i;
				}
			}
			for (uint32_t a = 0; a < e; a++)
				for (uint32_t r = 0; r < n; r++)
					factors[a * n + r] = factor(ctx, s, number[r], ctx->got[a]);
			add_shards(ctx, s, &t, e, shard, factors, n);
		}
		solve(ctx, s, &t, e, syndrome, out);
	}
}

uint32_t pf_gf16_wide(const struct pf_gf16_shape *s, uint32_t reach)
{
	uint32_t wide = s->chunk < WIDE_LEAST ? s->chunk : WIDE_LEAST;

	while (wide < reach)
		wide *= 2;
	return wide;
}

bool pf_gf16_wide_tile(const struct pf_gf16_shape *s, uint32_t wide, struct pf_gf16_tile *t)
{
	/* One pass in registers needs no rows of work, or hardly. */
	return pf_gf16_next_tile(s->groups, wide <= WIDE_LEAST ? wide : 2 * (size_t)wide, t);
}

/* A part of `wide` data points gives the parity of the lowest `wide` points what
 * a block with as many parity shards would, but for a factor. */
void pf_gf16_add_part(const struct pf_gf16_ctx *ctx, const struct pf_gf16_shape *s, uint32_t wide,
	const struct pf_gf16_tile *t, uint8_t *sum, const uint8_t *const *data, uint32_t from)
{
	const uint32_t point = s->chunk + from, n = s->k - from < wide ? s->k - from : wide;
	struct pf_gf16_shape part = *s;
	uint32_t log = 0;
	uint16_t scale;

	part.chunk = wide;
	part.layers = (uint32_t)__builtin_ctz(wide);
	for (uint32_t l = part.layers; l < s->layers; l++)
		log = pf_gf16_log_add(log, ctx->logs[point >> l ^ 1]);
	scale = (uint16_t)pf_gf16_exp(log);
	if (scale < 256) {
		pf_gf16_gather(ctx, &part, t, sum, true, data, n, point, scale);
	} else {
		const uint8_t *row = ctx->part;

		pf_gf16_gather(ctx, &part, t, ctx->part, false, data, n, point, 1);
		ctx->kern->madd(sum, 0, 1, &row, &scale, 1, wide * t->width);
	}
}

/* Parity first..end-1 of the data at hand, in tower form; `sums` are the parts
 * added up already, or NULL. */
static uint8_t *again(const struct pf_gf16_ctx *ctx, const struct pf_gf16_shape *s, uint32_t wide,
	const struct pf_gf16_tile *t, const uint8_t *const *data, uint8_t *sums, uint32_t first,
	uint32_t end)
{
	uint8_t *sum = ctx->rows;

	if (sums) {
		sum = sums + (size_t)t->first * PF_GF16_GROUP * wide;
	} else {
		memset(sum, 0, wide * t->width);
		for (uint32_t from = 0; from < s->k; from += wide)
			pf_gf16_add_part(ctx, s, wide, t, sum, data + from, from);
	}
	ctx->kern->fft(sum, t->width, (uint32_t)__builtin_ctz(wide), 0, first, end);
	return sum;
}

/* More, high rate: syndromes by encoding what is there again, no further than the
 * parity that is needed. The tiles of that are narrow; the inverse takes many. */
static void decode_closed(const struct pf_gf16_ctx *ctx, const struct pf_gf16_shape *s, uint32_t e,
	const uint8_t *const *data, const uint8_t *const *parity, uint8_t *const *out,
	uint32_t wide, uint8_t *sums)
{
	/* solve has two tiles of scratch for SOLVE_ROWS rows. */
	const size_t most = 2 * PF_GF16_TILE_BYTES / SOLVE_ROWS, each = PF_GF16_SYNDROME_BYTES / e;
	const size_t stride = (each < most ? each : most) & ~(size_t)(PF_GF16_GROUP - 1);
	const uint8_t *syndrome[PF_GF16_CLOSED_MAX];
	struct pf_gf16_tile t = { 0 }, all = { 0 };

	invert(ctx, s, e);
	for (uint32_t a = 0; a < e; a++)
		syndrome[a] = ctx->syndromes + a * stride;
	while (pf_gf16_wide_tile(s, wide, &t)) {
		const uint8_t *sum;

		if (all.width + t.width > stride) {
			solve(ctx, s, &all, e, syndrome, out);
			all = (struct pf_gf16_tile){ .first = t.first };
		}
		sum = again(ctx, s, wide, &t, data, sums, ctx->got[0], ctx->got[e - 1] + 1);
		for (uint32_t a = 0; a < e; a++) {
			const uint32_t j = ctx->got[a];
			uint8_t *row = ctx->syndromes + a * stride + all.width;

			pf_gf16_load_row(ctx, s, &t, row, parity[j]);
			ctx->kern->add(row, sum + j * t.width, t.width);
		}
		all.count += t.count;
		all.width += t.width;
	}
	solve(ctx, s, &all, e, syndrome, out);
}

/* ctx->walsh holds 1 at the roots of a polynomial with simple roots, 0 elsewhere;
 * makes it the log of its value at every point of n, and at a root the log of
 * its derivative: the sum over the roots z of log(point ^ z). */
static void locate(struct pf_gf16_ctx *ctx, uint32_t n)
{
	uint32_t *v = ctx->walsh, *spectrum = ctx->spectrum;
	/* The transform and its inverse multiply by n; 2^16 is 1. */
	const uint32_t unscale = PF_GF16_POINTS_MAX / n;

	if (ctx->spectrum_points != n) {
		for (uint32_t i = 0; i < n; i++)
			spectrum[i] = ctx->logs[i];
		ctx->kern->walsh(spectrum, n);
		for (uint32_t i = 0; i < n; i++)
			spectrum[i] = (uint32_t)((uint64_t)spectrum[i] * unscale % PF_GF16_ORDER);
		ctx->spectrum_points = n;
	}
	ctx->kern->walsh(v, n);
	for (uint32_t i = 0; i < n; i++)
		v[i] = v[i] * spectrum[i] % PF_GF16_ORDER;
	ctx->kern->walsh(v, n);
	for (uint32_t i = 0; i < n; i++)
		v[i] %= PF_GF16_ORDER;
}

static uint32_t neg_log(uint32_t log)
{
	return pf_gf16_log_sub(0, log);
}

/* Many losses, high rate. Take the lowest `wide` parity points. With L the
 * polynomial whose roots are the lost data points and those of the parity points
 * that did not come, L times the sum of s*d/(x + y) over the lost is a polynomial
 * of degree below `wide`, known at all these points: syndrome * L, or 0. At a
 * lost y it is s * d * L'. */
static void decode_high(struct pf_gf16_ctx *ctx, const struct pf_gf16_shape *s, uint32_t e,
	const uint8_t *const *data, const uint8_t *const *parity, uint8_t *const *out,
	uint32_t wide, uint8_t *sums)
{
	const struct pf_gf16_kernel *kern = ctx->kern;
	const uint32_t n = s->points, layers = (uint32_t)__builtin_ctz(wide);
	const uint32_t end = s->m < wide ? s->m : wide;
	uint32_t *factors = ctx->walsh; /* by point */
	struct pf_gf16_tile t = { 0 };

	memset(factors, 0, n * sizeof(*factors));
	for (uint32_t j = 0; j < wide; j++)
		factors[j] = j >= s->m || !parity[j];
	for (uint32_t i = 0; i < e; i++)
		factors[data_point(s, ctx->lost[i])] = 1;
	locate(ctx, n);
	for (uint32_t j = 0; j < end; j++)
		factors[j] = pf_gf16_exp(factors[j]);
	for (uint32_t a = 0; a < e; a++) {
		uint32_t *f = factors + data_point(s, ctx->lost[a]);

		*f = pf_gf16_exp(neg_log(pf_gf16_log_add(*f, scale_log(ctx, s, ctx->lost[a], 0))));
	}

	while (pf_gf16_wide_tile(s, wide, &t)) {
		uint8_t *rows = again(ctx, s, wide, &t, data, sums, 0, end);
		uint8_t *work = ctx->rows + wide * t.width;
		uint32_t used = 0;

		for (uint32_t j = 0; j < wide; j++) {
			uint8_t *row = rows + j * t.width;

			if (j >= s->m || !parity[j]) {
				memset(row, 0, t.width);
				continue;
			}
			pf_gf16_load_row(ctx, s, &t, work, parity[j]);
			kern->add(row, work, t.width);
			kern->mul(row, row, factors[j], t.width);
			used = j + 1;
		}
		kern->ifft(rows, t.width, layers, 0, used);
		for (uint32_t a = 0; a < e;) {
			uint32_t base = ctx->lost[a] & ~(wide - 1), b = a;

			while (b < e && ctx->lost[b] - base < wide)
				b++;
			memcpy(work, rows, wide * t.width);
			kern->fft(work, t.width, layers, s->chunk + base, ctx->lost[a] - base,
				ctx->lost[b - 1] - base + 1);
			for (; a < b; a++) {
				uint32_t i = ctx->lost[a];
				uint8_t *row = work + (i - base) * t.width;

				kern->mul(row, row, factors[data_point(s, i)], t.width);
				pf_gf16_store_row(ctx, s, &t, row, out[i]);
			}
		}
	}
}

/* Many losses, low rate. The data are values of a polynomial D of degree below
 * K, parity its values further on. With E the polynomial whose roots are all
 * points not known, D*E has a degree below the number of points n and is known
 * at all of them; at a root its derivative is D * E'. */
static void decode_low(struct pf_gf16_ctx *ctx, const struct pf_gf16_shape *s, uint32_t e,
	const uint8_t *const *data, const uint8_t *const *parity, uint8_t *const *out)
{
	const struct pf_gf16_kernel *kern = ctx->kern;
	const uint32_t n = s->points, layers = (uint32_t)__builtin_ctz(n), K = s->chunk;
	uint32_t *factors = ctx->walsh; /* by point */
	struct pf_gf16_tile t = { 0 };

	for (uint32_t p = 0; p < n; p++) {
		if (p < K)
			factors[p] = p < s->k && !data[p];
		else
			factors[p] = p - K >= s->m || !parity[p - K];
	}
	locate(ctx, n);
	for (uint32_t p = 0; p < n; p++)
		factors[p] = pf_gf16_exp(p < s->k && !data[p] ? neg_log(factors[p]) : factors[p]);

	while (pf_gf16_next_tile(s->groups, n, &t)) {
		uint8_t *rows = ctx->rows;
		uint32_t used = 0;

		for (uint32_t p = 0; p < n; p++) {
			const uint8_t *shard = NULL;
			uint8_t *row = rows + p * t.width;

			if (p < s->k)
				shard = data[p];
			else if (p >= K && p - K < s->m)
				shard = parity[p - K];
			if (!shard) {
				memset(row, 0, t.width);
				continue;
			}
			pf_gf16_load_row(ctx, s, &t, row, shard);
			kern->mul(row, row, factors[p], t.width);
			used = p + 1;
		}
		kern->ifft(rows, t.width, layers, 0, used);
		/* The formal derivative in the basis of the transform. */
		for (uint32_t p = 1; p < n; p++) {
			uint32_t w = p & -p;

			kern->add(rows + (p - w) * t.width, rows + p * t.width, w * t.width);
		}
		kern->fft(rows, t.width, layers, 0, ctx->lost[0], ctx->lost[e - 1] + 1);
		for (uint32_t a = 0; a < e; a++) {
			uint32_t i = ctx->lost[a];
			uint8_t *row = rows + i * t.width;

			kern->mul(row, row, factors[i], t.width);
			pf_gf16_store_row(ctx, s, &t, row, out[i]);
		}
	}
}

/* The cheapest for e losses. Costs are per group, in hundredths of a nanosecond
 * measured with the 512-bit kernels; the other rows have similar ratios. */
static enum pf_gf16_method choose(const struct pf_gf16_ctx *ctx, const struct pf_gf16_shape *s,
	uint32_t e, uint32_t wide, const uint8_t *sums)
{
	const uint32_t layers = (uint32_t)__builtin_ctz(s->low ? s->points : wide);
	const uint64_t direct = (uint64_t)s->k * (20 + 46 * e);
	const uint64_t inverse = 60ull * e * e;
	uint64_t again, rest;

	if (s->low) {
		again = s->points * (100ull + 40 * layers);
		return e <= PF_GF16_CLOSED_MAX && direct <= again ? PF_GF16_DIRECT
								  : PF_GF16_LOCATOR;
	}
	again = (uint64_t)s->k * (130 + (layers > 4 ? 40 * (layers - 4) : 0)) + 50 * wide * layers;
	/* What the locator takes behind that: back to coefficients, and values of most parts. */
	rest = 42ull * layers * (s->k + 2 * wide);
	/* By tables a product beyond the subfield is dearer, and the inverse has only such. */
	if (!(ctx->kern->needs & PF_CPU_GFNI))
		rest /= 2;
	if (!sums && e <= PF_GF16_CLOSED_MAX && direct <= again + inverse)
		return PF_GF16_DIRECT;
	return e <= PF_GF16_CLOSED_MAX && inverse <= rest ? PF_GF16_CLOSED : PF_GF16_LOCATOR;
}

/* ctx->lost and ctx->got of the block; the number of lost data shards, or -EINVAL
 * where one has no buffer, -ENODATA. */
static int take_stock(struct pf_gf16_ctx *ctx, const struct pf_gf16_shape *s,
	const uint8_t *const *data, const uint8_t *const *parity, uint8_t *const *out)
{
	uint32_t e = 0, have = 0;

	for (uint32_t i = 0; i < s->k; i++) {
		if (data[i])
			continue;
		if (!out[i])
			return -EINVAL;
		ctx->lost[e++] = i;
	}
	for (uint32_t j = 0; e && j < s->m; j++)
		if (parity[j])
			ctx->got[have++] = j;
	return e > have ? -ENODATA : (int)e;
}

/* Blocks of which one shard is a copy or a sum; whether this is one. */
static bool decode_plain(const struct pf_gf16_ctx *ctx, const struct pf_gf16_shape *s,
	const uint8_t *const *data, const uint8_t *const *parity, uint8_t *const *out)
{
	if (s->k == 1)
		memcpy(out[0], parity[ctx->got[0]], s->bytes);
	else if (s->m == 1)
		pf_gf16_add_up(ctx, s, data, parity[0], out[ctx->lost[0]]);
	else
		return false;
	return true;
}

static int decode_shape(struct pf_gf16_ctx *ctx, enum pf_gf16_method method,
	const struct pf_gf16_shape *s, const uint8_t *const *data, const uint8_t *const *parity,
	uint8_t *const *out, uint32_t wide, uint8_t *sums)
{
	int r = take_stock(ctx, s, data, parity, out);
	uint32_t e;

	if (r < 0)
		return r;
	ctx->begun = false;
	e = (uint32_t)r;
	if (!e || decode_plain(ctx, s, data, parity, out))
		return 0;
	if (!sums)
		wide = s->low ? 0 : pf_gf16_wide(s, ctx->got[e - 1] + 1);
	if (method == PF_GF16_AUTO)
		method = choose(ctx, s, e, wide, sums);
	if (method != PF_GF16_LOCATOR && (e > PF_GF16_CLOSED_MAX))
		return -ENOTSUP;
	if (method == PF_GF16_CLOSED && s->low)
		return -ENOTSUP;
	if (method == PF_GF16_DIRECT) {
		decode_direct(ctx, s, e, data, parity, out);
	} else if (s->low) {
		decode_low(ctx, s, e, data, parity, out);
	} else {
		if (!sums)
			data = pf_gf16_fill_gaps(ctx, s, data);
		if (method == PF_GF16_CLOSED)
			decode_closed(ctx, s, e, data, parity, out, wide, sums);
		else
			decode_high(ctx, s, e, data, parity, out, wide, sums);
	}
	return 0;
}

int pf_gf16_decode_sums(struct pf_gf16_ctx *ctx, const struct pf_gf16_shape *s,
	const uint8_t *const *data, const uint8_t *const *parity, uint8_t *const *out,
	uint32_t wide, uint8_t *sums)
{
	return decode_shape(ctx, PF_GF16_AUTO, s, data, parity, out, wide, sums);
}

int pf_gf16_decode_by(struct pf_gf16_ctx *ctx, enum pf_gf16_method method, uint32_t k, uint32_t m,
	uint32_t shard_bytes, const uint8_t *const *data, const uint8_t *const *parity,
	uint8_t *const *out)
{
	struct pf_gf16_shape s;
	int r = pf_gf16_shape_of(ctx, k, m, shard_bytes, &s);

	return r < 0 ? r : decode_shape(ctx, method, &s, data, parity, out, 0, NULL);
}

int pf_gf16_decode(struct pf_gf16_ctx *ctx, uint32_t k, uint32_t m, uint32_t shard_bytes,
	const uint8_t *const *data, const uint8_t *const *parity, uint8_t *const *out)
{
	return pf_gf16_decode_by(ctx, PF_GF16_AUTO, k, m, shard_bytes, data, parity, out);
}
