/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "core/fec/gf16_block.h"
#include "core/fec/gf16_field.h"

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

/* out = inverse * syndromes, one tile of ctx->syndromes; `row` is scratch. */
static void solve(const struct pf_gf16_ctx *ctx, const struct pf_gf16_shape *s,
	const struct pf_gf16_tile *t, uint32_t e, uint8_t *row, uint8_t *const *out)
{
	const uint8_t *syndrome[PF_GF16_CLOSED_MAX];

	for (uint32_t a = 0; a < e; a++)
		syndrome[a] = ctx->syndromes + a * t->width;
	for (uint32_t b = 0; b < e; b++) {
		const uint16_t *factors = ctx->inverse + b * e;

		ctx->kern->mul(row, syndrome[0], factors[0], t->width);
		ctx->kern->madd(row, syndrome + 1, factors + 1, e - 1, t->width);
		pf_gf16_store_row(ctx, s, t, row, out[ctx->lost[b]]);
	}
}

/* Few losses: the formula's rows of e parity shards, as they stand. */
static void decode_direct(const struct pf_gf16_ctx *ctx, const struct pf_gf16_shape *s, uint32_t e,
	const uint8_t *const *data, const uint8_t *const *parity, uint8_t *const *out)
{
	enum { BATCH = 4 };
	const struct pf_gf16_kernel *kern = ctx->kern;
	struct pf_gf16_tile t = { 0 };

	invert(ctx, s, e);
	while (pf_gf16_next_tile(s->groups, e + BATCH, &t)) {
		const uint8_t *row[BATCH];
		uint32_t shard[BATCH], n = 0;

		for (uint32_t a = 0; a < e; a++)
			pf_gf16_load_row(
				ctx, s, &t, ctx->syndromes + a * t.width, parity[ctx->got[a]]);
		for (uint32_t r = 0; r < BATCH; r++)
			row[r] = ctx->rows + r * t.width;
		for (uint32_t i = 0; i < s->k; i++) {
			if (data[i]) {
				pf_gf16_load_row(ctx, s, &t, ctx->rows + n * t.width, data[i]);
				shard[n++] = i;
			}
			if (n < BATCH && i + 1 < s->k)
				continue;
			for (uint32_t a = 0; a < e; a++) {
				const uint32_t j = ctx->got[a], x = parity_point(s, j);
				uint16_t factors[BATCH];

				for (uint32_t r = 0; r < n; r++)
					factors[r] = (uint16_t)pf_gf16_exp(
						pf_gf16_log_sub(scale_log(ctx, s, shard[r], j),
							ctx->logs[x ^ data_point(s, shard[r])]));
				kern->madd(ctx->syndromes + a * t.width, row, factors, n, t.width);
			}
			n = 0;
		}
		solve(ctx, s, &t, e, ctx->rows, out);
	}
}

/* More, high rate: the same syndromes by encoding what is there again. The
 * tiles of that are narrow; the inverse wants wide ones, each of many. */
static void decode_again(const struct pf_gf16_ctx *ctx, const struct pf_gf16_shape *s, uint32_t e,
	const uint8_t *const *data, const uint8_t *const *parity, uint8_t *const *out)
{
	struct pf_gf16_tile wide = { 0 };

	data = pf_gf16_fill_gaps(ctx, s, data);
	invert(ctx, s, e);
	while (pf_gf16_next_tile(s->groups, e, &wide)) {
		struct pf_gf16_tile t = { .first = wide.first };

		while (pf_gf16_next_tile(wide.first + wide.count, 2 * (size_t)s->chunk, &t)) {
			uint8_t *syndrome =
				ctx->syndromes + (size_t)(t.first - wide.first) * PF_GF16_GROUP;

			pf_gf16_parity_rows(ctx, s, &t, data, ctx->got[e - 1] + 1);
			for (uint32_t a = 0; a < e; a++, syndrome += wide.width) {
				uint32_t j = ctx->got[a];

				pf_gf16_load_row(ctx, s, &t, syndrome, parity[j]);
				ctx->kern->add(syndrome, ctx->rows + j * t.width, t.width);
			}
		}
		solve(ctx, s, &wide, e, ctx->rows, out);
	}
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

/* Many losses, high rate. With L the polynomial whose roots are the lost data
 * points and those of the M parity points that did not come, L times the sum
 * of s*d/(x + y) over the lost is a polynomial of degree below M, known at
 * all M parity points: syndrome * L, or 0. At a lost y it is s * d * L'. */
static void decode_high(struct pf_gf16_ctx *ctx, const struct pf_gf16_shape *s, uint32_t e,
	const uint8_t *const *data, const uint8_t *const *parity, uint8_t *const *out)
{
	const struct pf_gf16_kernel *kern = ctx->kern;
	const uint32_t n = s->points, M = s->chunk;
	uint32_t *factors = ctx->walsh; /* by point */
	struct pf_gf16_tile t = { 0 };

	data = pf_gf16_fill_gaps(ctx, s, data);
	memset(factors, 0, n * sizeof(*factors));
	for (uint32_t j = 0; j < M; j++)
		factors[j] = j >= s->m || !parity[j];
	for (uint32_t i = 0; i < e; i++)
		factors[data_point(s, ctx->lost[i])] = 1;
	locate(ctx, n);
	for (uint32_t j = 0; j < s->m; j++)
		factors[j] = pf_gf16_exp(factors[j]);
	for (uint32_t a = 0; a < e; a++) {
		uint32_t *f = factors + data_point(s, ctx->lost[a]);

		*f = pf_gf16_exp(neg_log(pf_gf16_log_add(*f, scale_log(ctx, s, ctx->lost[a], 0))));
	}

	while (pf_gf16_next_tile(s->groups, 2 * (size_t)M, &t)) {
		uint8_t *rows = ctx->rows, *work = rows + M * t.width;
		uint32_t used = 0;

		pf_gf16_parity_rows(ctx, s, &t, data, s->m);
		for (uint32_t j = 0; j < M; j++) {
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
		kern->ifft(rows, t.width, s->layers, 0, used);
		for (uint32_t a = 0; a < e;) {
			uint32_t base = ctx->lost[a] & ~(M - 1), b = a;

			while (b < e && ctx->lost[b] - base < M)
				b++;
			memcpy(work, rows, M * t.width);
			kern->fft(work, t.width, s->layers, M + base, ctx->lost[a] - base,
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

static uint64_t butterflies(uint32_t n)
{
	return (uint64_t)(n / 2) * (uint32_t)__builtin_ctz(n);
}

/* The cheapest for e losses. Costs are per group, in quarters of a nanosecond
 * measured with the 512-bit kernels; the other rows have similar ratios. */
static enum pf_gf16_method choose(const struct pf_gf16_shape *s, uint32_t e)
{
	/* Beyond 512 points most factors lie outside the subfield. */
	const uint32_t step = s->points > 512 ? 4 : 3;
	const uint32_t chunks = (s->k + s->chunk - 1) / s->chunk;
	const uint64_t direct = (uint64_t)s->k * (6 + 5 * e) / 2;
	const uint64_t again =
		2ull * s->k + step * (chunks + 1) * butterflies(s->chunk) + 7ull * e * e / 2;
	const uint64_t low = 4ull * s->points + 2 * step * butterflies(s->points);

	if (e <= PF_GF16_CLOSED_MAX && direct <= (s->low ? low : again))
		return PF_GF16_DIRECT;
	/* The locator pays for transforms of its own, the inverse for e squared. */
	if (s->low || e > PF_GF16_CLOSED_MAX || e > 16 + s->chunk / 3)
		return PF_GF16_LOCATOR;
	return PF_GF16_AGAIN;
}

int pf_gf16_decode_by(struct pf_gf16_ctx *ctx, enum pf_gf16_method method, uint32_t k, uint32_t m,
	uint32_t shard_bytes, const uint8_t *const *data, const uint8_t *const *parity,
	uint8_t *const *out)
{
	uint32_t e = 0, have = 0;
	struct pf_gf16_shape s;
	int r = pf_gf16_shape_of(ctx, k, m, shard_bytes, &s);

	if (r < 0)
		return r;
	for (uint32_t i = 0; i < k; i++) {
		if (data[i])
			continue;
		if (!out[i])
			return -EINVAL;
		ctx->lost[e++] = i;
	}
	for (uint32_t j = 0; j < m; j++)
		if (parity[j])
			ctx->got[have++] = j;
	if (e > have)
		return -ENODATA;
	ctx->begun = false;
	if (!e)
		return 0;
	if (k == 1) {
		memcpy(out[0], parity[ctx->got[0]], shard_bytes);
		return 0;
	}
	if (m == 1) {
		pf_gf16_add_up(ctx, &s, data, parity[0], out[ctx->lost[0]]);
		return 0;
	}
	if (method == PF_GF16_AUTO)
		method = choose(&s, e);
	if (method == PF_GF16_LOCATOR) {
		if (s.low)
			decode_low(ctx, &s, e, data, parity, out);
		else
			decode_high(ctx, &s, e, data, parity, out);
		return 0;
	}
	if (e > PF_GF16_CLOSED_MAX || (method == PF_GF16_AGAIN && s.low))
		return -ENOTSUP;
	if (method == PF_GF16_DIRECT)
		decode_direct(ctx, &s, e, data, parity, out);
	else
		decode_again(ctx, &s, e, data, parity, out);
	return 0;
}

int pf_gf16_decode(struct pf_gf16_ctx *ctx, uint32_t k, uint32_t m, uint32_t shard_bytes,
	const uint8_t *const *data, const uint8_t *const *parity, uint8_t *const *out)
{
	return pf_gf16_decode_by(ctx, PF_GF16_AUTO, k, m, shard_bytes, data, parity, out);
}
