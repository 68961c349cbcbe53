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

/* out = inverse * syndromes, one tile; `row` is scratch. */
static void solve(const struct pf_gf16_ctx *ctx, const struct pf_gf16_shape *s,
	const struct pf_gf16_tile *t, uint32_t e, uint8_t *const *syndrome, uint8_t *row,
	uint8_t *const *out)
{
	for (uint32_t b = 0; b < e; b++) {
		const uint16_t *factor = ctx->inverse + b * e;

		ctx->kern->mul(row, syndrome[0], factor[0], t->width);
		for (uint32_t a = 1; a < e; a++)
			ctx->kern->madd(row, syndrome[a], factor[a], t->width);
		pf_gf16_store_row(ctx, s, t, row, out[ctx->lost[b]]);
	}
}

/* Few losses: the formula's rows of e parity shards, as they stand. */
static void decode_direct(const struct pf_gf16_ctx *ctx, const struct pf_gf16_shape *s, uint32_t e,
	const uint8_t *const *data, const uint8_t *const *parity, uint8_t *const *out)
{
	const struct pf_gf16_kernel *kern = ctx->kern;
	struct pf_gf16_tile t = { 0 };

	invert(ctx, s, e);
	while (pf_gf16_next_tile(s, e + 1, &t)) {
		uint8_t *syndrome[PF_GF16_CLOSED_MAX], *row = ctx->rows + e * t.width;

		for (uint32_t a = 0; a < e; a++) {
			syndrome[a] = ctx->rows + a * t.width;
			pf_gf16_load_row(ctx, s, &t, syndrome[a], parity[ctx->got[a]]);
		}
		for (uint32_t i = 0; i < s->k; i++) {
			if (!data[i])
				continue;
			pf_gf16_load_row(ctx, s, &t, row, data[i]);
			for (uint32_t a = 0; a < e; a++) {
				uint32_t j = ctx->got[a];
				uint32_t log = pf_gf16_log_sub(scale_log(ctx, s, i, j),
					ctx->logs[parity_point(s, j) ^ data_point(s, i)]);

				kern->madd(syndrome[a], row, pf_gf16_exp(log), t.width);
			}
		}
		solve(ctx, s, &t, e, syndrome, row, out);
	}
}

/* More, high rate: the same syndromes by encoding what is there again. */
static void decode_again(const struct pf_gf16_ctx *ctx, const struct pf_gf16_shape *s, uint32_t e,
	const uint8_t *const *data, const uint8_t *const *parity, uint8_t *const *out)
{
	struct pf_gf16_tile t = { 0 };

	invert(ctx, s, e);
	while (pf_gf16_next_tile(s, 2 * (size_t)s->chunk, &t)) {
		uint8_t *syndrome[PF_GF16_CLOSED_MAX], *work = ctx->rows + s->chunk * t.width;

		pf_gf16_parity_rows(ctx, s, &t, data, ctx->got[e - 1] + 1);
		for (uint32_t a = 0; a < e; a++) {
			uint32_t j = ctx->got[a];

			syndrome[a] = ctx->rows + j * t.width;
			pf_gf16_load_row(ctx, s, &t, work, parity[j]);
			ctx->kern->add(syndrome[a], work, t.width);
		}
		solve(ctx, s, &t, e, syndrome, work, out);
	}
}

/* Sums and differences of logs modulo 65535, in place. */
static void walsh(uint32_t *v, uint32_t n)
{
	for (uint32_t d = 1; d < n; d *= 2) {
		for (uint32_t i = 0; i < n; i += 2 * d) {
			for (uint32_t j = i; j < i + d; j++) {
				uint32_t sum = v[j] + v[j + d];
				uint32_t diff = v[j] + 2 * PF_GF16_ORDER - v[j + d];

				/* Two folds keep a value within 0..65535, where both ends are 0. */
				sum = (sum & 0xffff) + (sum >> 16);
				diff = (diff & 0xffff) + (diff >> 16);
				v[j] = (sum & 0xffff) + (sum >> 16);
				v[j + d] = (diff & 0xffff) + (diff >> 16);
			}
		}
	}
}

/* ctx->walsh holds 1 at the roots of a polynomial with simple roots, 0 elsewhere;
 * makes it the log of its value at every point of n, and at a root the log of
 * its derivative: the sum over the roots z of log(point ^ z). */
static void locate(struct pf_gf16_ctx *ctx, uint32_t n)
{
	uint32_t *v = ctx->walsh, *spectrum = ctx->spectrum;
	/* n is a power of two, 2^16 is 1: that undoes the length. */
	uint64_t unscale = PF_GF16_POINTS_MAX / n;

	if (ctx->spectrum_points != n) {
		for (uint32_t i = 0; i < n; i++)
			spectrum[i] = ctx->logs[i];
		walsh(spectrum, n);
		ctx->spectrum_points = n;
	}
	walsh(v, n);
	for (uint32_t i = 0; i < n; i++)
		v[i] = (uint32_t)(v[i] * unscale * spectrum[i] % PF_GF16_ORDER);
	walsh(v, n);
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
	struct pf_gf16_tile t = { 0 };

	memset(ctx->walsh, 0, n * sizeof(*ctx->walsh));
	for (uint32_t j = 0; j < M; j++)
		ctx->walsh[j] = j >= s->m || !parity[j];
	for (uint32_t i = 0; i < e; i++)
		ctx->walsh[data_point(s, ctx->lost[i])] = 1;
	locate(ctx, n);

	while (pf_gf16_next_tile(s, 2 * (size_t)M, &t)) {
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
			kern->mul(row, row, pf_gf16_exp(ctx->walsh[j]), t.width);
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
				uint32_t log = pf_gf16_log_add(
					ctx->walsh[data_point(s, i)], scale_log(ctx, s, i, 0));

				kern->mul(row, row, pf_gf16_exp(neg_log(log)), t.width);
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
	struct pf_gf16_tile t = { 0 };

	for (uint32_t p = 0; p < n; p++) {
		if (p < K)
			ctx->walsh[p] = p < s->k && !data[p];
		else
			ctx->walsh[p] = p - K >= s->m || !parity[p - K];
	}
	locate(ctx, n);

	while (pf_gf16_next_tile(s, n, &t)) {
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
			kern->mul(row, row, pf_gf16_exp(ctx->walsh[p]), t.width);
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

			kern->mul(row, row, pf_gf16_exp(neg_log(ctx->walsh[i])), t.width);
			pf_gf16_store_row(ctx, s, &t, row, out[i]);
		}
	}
}

/* The cheapest for e losses, more than 1 parity shard. */
static enum pf_gf16_method choose(const struct pf_gf16_shape *s, uint32_t e)
{
	if (e <= 4)
		return PF_GF16_DIRECT;
	return s->low || e > PF_GF16_CLOSED_MAX ? PF_GF16_LOCATOR : PF_GF16_AGAIN;
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
