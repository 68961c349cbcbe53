/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The code in one formula: with parity at points x and data at points y,
 *   parity(x) = sum over y of s / (x + y) * data(y),
 * s = s_M(y), one value per chunk of M = p2(m) data points, at the high rate,
 * s = s_K(x) at the low rate, K = p2(k); s_N(z) has coordinates z / N.
 * The high rate puts parity at 0.. and data at M.., the low rate data at 0..
 * and parity at K... docs/transport.md tells the rest.
 *
 * Everything works on column tiles: the same groups of all shards, few enough
 * that the rows in work stay in the first-level cache. */
#include "core/fec/gf16.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cpu.h"
#include "core/fec/gf16_field.h"
#include "core/fec/gf16_kernel.h"

#define GROUP	   64u
#define POINTS_MAX 65536u
#define TILE_BYTES (40u << 10) /* of rows in work: most of a first-level cache */
/* Losses solved by the closed form; its work grows with the square. */
#define CLOSED_MAX 64u

struct shape {
	uint32_t k, m;
	uint32_t bytes;
	uint32_t groups; /* of 64 bytes, the last one may be a tail */
	uint32_t chunk;	 /* p2(m) at the high rate, p2(k) at the low one */
	uint32_t layers; /* log2(chunk) */
	bool low;
};

struct pf_gf16_ctx {
	struct pf_gf16_limits limits;
	const struct pf_gf16_kernel *kern;

	/* Encoder: the block begun, its data shards so far. */
	struct shape block;
	bool begun;
	uint32_t added;
	const uint8_t **data;

	uint8_t *rows; /* scratch rows of one tile */
	size_t rows_bytes;
	uint16_t *logs; /* log by coordinates, for every point of the largest block; logs[0] = 0 */
	uint32_t points;
	uint32_t *walsh;       /* two arrays of `points` */
	uint32_t walsh_points; /* the second one holds the transform of this many logs */
	uint16_t *inverse;     /* CLOSED_MAX squared factors */
	uint32_t *lost;	       /* data shards */
	uint32_t *got;	       /* parity shards */
};

static uint32_t p2(uint32_t n)
{
	uint32_t p = 1;

	while (p < n)
		p *= 2;
	return p;
}

static uint32_t log2_of(uint32_t pow2)
{
	return (uint32_t)__builtin_ctz(pow2);
}

/* Both forms give the same bytes where the powers of two are equal. */
static bool is_low(uint32_t k, uint32_t m)
{
	return p2(k) < p2(m);
}

bool pf_gf16_fits(uint32_t k, uint32_t m)
{
	if (k < 1 || k > POINTS_MAX || m > POINTS_MAX)
		return false;
	return is_low(k, m) ? p2(k) + m <= POINTS_MAX : p2(m) + k <= POINTS_MAX;
}

static uint32_t point_count(const struct shape *s)
{
	return p2(s->chunk + (s->low ? s->m : s->k));
}

static int shape_of(
	const struct pf_gf16_ctx *ctx, uint32_t k, uint32_t m, uint32_t bytes, struct shape *out)
{
	if (k > ctx->limits.data_max || m > ctx->limits.parity_max || !pf_gf16_fits(k, m))
		return -EINVAL;
	if (bytes < 2 || bytes % 2 || bytes > ctx->limits.shard_bytes_max)
		return -EINVAL;
	out->k = k;
	out->m = m;
	out->bytes = bytes;
	out->groups = (bytes + GROUP - 1) / GROUP;
	out->low = is_low(k, m);
	out->chunk = p2(out->low ? k : m);
	out->layers = log2_of(out->chunk);
	return 0;
}

/* --- context --- */

int pf_gf16_create(const struct pf_gf16_limits *limits, struct pf_gf16_ctx **out)
{
	const uint32_t k = limits->data_max, m = limits->parity_max;
	struct pf_gf16_ctx *ctx;
	uint32_t rows, most;

	if (k < 1 || k > POINTS_MAX || m > POINTS_MAX || limits->shard_bytes_max < 2)
		return -EINVAL;
	ctx = calloc(1, sizeof(*ctx));
	if (!ctx)
		return -ENOMEM;
	ctx->limits = *limits;
	ctx->kern = pf_gf16_kernel_pick(pf_cpu_flags());

	/* The high rate holds two chunks of p2(m), the low rate all of its points. */
	most = p2(m ? m : 1);
	rows = 2 * most;
	ctx->rows_bytes = (size_t)rows * GROUP > TILE_BYTES ? (size_t)rows * GROUP : TILE_BYTES;
	ctx->points = p2(most + (k > m ? k : m));
	if (ctx->points > POINTS_MAX)
		ctx->points = POINTS_MAX;

	ctx->rows = aligned_alloc(GROUP, ctx->rows_bytes);
	ctx->data = calloc(k, sizeof(*ctx->data));
	ctx->logs = calloc(ctx->points, sizeof(*ctx->logs));
	ctx->walsh = calloc(2 * (size_t)ctx->points, sizeof(*ctx->walsh));
	ctx->inverse = calloc((size_t)CLOSED_MAX * CLOSED_MAX, sizeof(*ctx->inverse));
	ctx->lost = calloc(k, sizeof(*ctx->lost));
	ctx->got = calloc(m ? m : 1, sizeof(*ctx->got));
	if (!ctx->rows || !ctx->data || !ctx->logs || !ctx->walsh || !ctx->inverse || !ctx->lost ||
		!ctx->got) {
		pf_gf16_destroy(ctx);
		return -ENOMEM;
	}
	for (uint32_t i = 1; i < ctx->points; i++)
		ctx->logs[i] = (uint16_t)pf_gf16_log(i);
	*out = ctx;
	return 0;
}

void pf_gf16_destroy(struct pf_gf16_ctx *ctx)
{
	if (!ctx)
		return;
	free(ctx->rows);
	free(ctx->data);
	free(ctx->logs);
	free(ctx->walsh);
	free(ctx->inverse);
	free(ctx->lost);
	free(ctx->got);
	free(ctx);
}

const char *pf_gf16_kernel_name(const struct pf_gf16_ctx *ctx)
{
	return ctx->kern->name;
}

/* --- tiles --- */

/* Groups first..first+count-1 of every shard. */
struct tile {
	uint32_t first, count;
	size_t width; /* bytes of a row: 64 * count */
};

/* Calls for the next tile, `rows` of which have to fit the scratch; start with count 0. */
static bool next_tile(const struct shape *s, size_t rows, struct tile *t)
{
	size_t fit = TILE_BYTES / (rows * GROUP);

	t->first += t->count;
	if (t->first >= s->groups)
		return false;
	t->count = s->groups - t->first;
	if (!fit)
		fit = 1;
	if (t->count > fit)
		t->count = (uint32_t)fit;
	t->width = (size_t)t->count * GROUP;
	return true;
}

/* Whole bytes of the tile, and those of a tail behind them. */
static size_t tile_split(const struct shape *s, const struct tile *t, size_t *tail)
{
	size_t begin = (size_t)t->first * GROUP, left = s->bytes - begin;

	*tail = left < t->width ? left % GROUP : 0;
	return left < t->width ? left - *tail : t->width;
}

/* A tail of t bytes holds t/2 elements: low bytes first, then the high ones. */
static void load_row(const struct pf_gf16_ctx *ctx, const struct shape *s, const struct tile *t,
	uint8_t *row, const uint8_t *shard)
{
	size_t tail, whole = tile_split(s, t, &tail);

	shard += (size_t)t->first * GROUP;
	ctx->kern->load(row, shard, whole);
	if (tail) {
		uint8_t group[GROUP] = { 0 };

		memcpy(group, shard + whole, tail / 2);
		memcpy(group + GROUP / 2, shard + whole + tail / 2, tail / 2);
		ctx->kern->load(row + whole, group, GROUP);
	}
}

static void store_row(const struct pf_gf16_ctx *ctx, const struct shape *s, const struct tile *t,
	const uint8_t *row, uint8_t *shard)
{
	size_t tail, whole = tile_split(s, t, &tail);

	shard += (size_t)t->first * GROUP;
	ctx->kern->store(shard, row, whole);
	if (tail) {
		uint8_t group[GROUP];

		ctx->kern->store(group, row + whole, GROUP);
		memcpy(shard + whole, group, tail / 2);
		memcpy(shard + whole + tail / 2, group + GROUP / 2, tail / 2);
	}
}

/* --- encode --- */

/* High rate: coefficients of the chunks, added up, then values at the parity
 * points 0..end-1, left in rows 0..; rows chunk..2*chunk-1 are work. A lost
 * data shard counts as zero. */
static void parity_rows(const struct pf_gf16_ctx *ctx, const struct shape *s, const struct tile *t,
	const uint8_t *const *data, uint32_t end)
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
				load_row(ctx, s, t, row, data[at + i]);
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
			kern->xor (sum, work, s->chunk * t->width);
		empty = false;
	}
	if (empty)
		memset(sum, 0, s->chunk * t->width);
	kern->fft(sum, t->width, s->layers, 0, 0, end);
}

static void encode_high(const struct pf_gf16_ctx *ctx, const struct shape *s,
	const uint8_t *const *data, uint8_t *const *parity)
{
	struct tile t = { 0 };

	while (next_tile(s, 2 * (size_t)s->chunk, &t)) {
		parity_rows(ctx, s, &t, data, s->m);
		for (uint32_t j = 0; j < s->m; j++)
			store_row(ctx, s, &t, ctx->rows + j * t.width, parity[j]);
	}
}

/* Low rate: coefficients of the only chunk, then values at K, 2K, ... */
static void encode_low(const struct pf_gf16_ctx *ctx, const struct shape *s,
	const uint8_t *const *data, uint8_t *const *parity)
{
	const struct pf_gf16_kernel *kern = ctx->kern;
	struct tile t = { 0 };

	while (next_tile(s, 2 * (size_t)s->chunk, &t)) {
		uint8_t *coef = ctx->rows, *work = coef + s->chunk * t.width;

		for (uint32_t i = 0; i < s->k; i++)
			load_row(ctx, s, &t, coef + i * t.width, data[i]);
		memset(coef + s->k * t.width, 0, (s->chunk - s->k) * t.width);
		kern->ifft(coef, t.width, s->layers, 0, s->k);
		for (uint32_t at = 0; at < s->m; at += s->chunk) {
			uint32_t n = s->m - at < s->chunk ? s->m - at : s->chunk;

			memcpy(work, coef, s->chunk * t.width);
			kern->fft(work, t.width, s->layers, s->chunk + at, 0, n);
			for (uint32_t j = 0; j < n; j++)
				store_row(ctx, s, &t, work + j * t.width, parity[at + j]);
		}
	}
}

/* One parity shard is the sum of the data shards, byte for byte. */
static void add_up(const struct pf_gf16_ctx *ctx, const struct shape *s, const uint8_t *const *data,
	const uint8_t *first, uint8_t *out)
{
	uint32_t i = 0;

	if (!first)
		first = data[i++];
	memcpy(out, first, s->bytes);
	for (; i < s->k; i++)
		if (data[i])
			ctx->kern->xor (out, data[i], s->bytes);
}

static void encode_shape(const struct pf_gf16_ctx *ctx, const struct shape *s,
	const uint8_t *const *data, uint8_t *const *parity)
{
	if (s->k == 1)
		for (uint32_t j = 0; j < s->m; j++)
			memcpy(parity[j], data[0], s->bytes);
	else if (s->m == 1)
		add_up(ctx, s, data, NULL, parity[0]);
	else if (s->m && s->low)
		encode_low(ctx, s, data, parity);
	else if (s->m)
		encode_high(ctx, s, data, parity);
}

int pf_gf16_encode(struct pf_gf16_ctx *ctx, uint32_t k, uint32_t m, uint32_t shard_bytes,
	const uint8_t *const *data, uint8_t *const *parity)
{
	struct shape s;
	int r = shape_of(ctx, k, m, shard_bytes, &s);

	if (r < 0)
		return r;
	ctx->begun = false;
	encode_shape(ctx, &s, data, parity);
	return 0;
}

int pf_gf16_enc_begin(struct pf_gf16_ctx *ctx, uint32_t k, uint32_t m, uint32_t shard_bytes)
{
	struct shape s;
	int r = shape_of(ctx, k, m, shard_bytes, &s);

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

/* --- decode --- */

static uint32_t data_point(const struct shape *s, uint32_t i)
{
	return s->low ? i : s->chunk + i;
}

static uint32_t parity_point(const struct shape *s, uint32_t j)
{
	return s->low ? s->chunk + j : j;
}

/* Log of s of the formula on top, for data shard i and parity shard j. */
static uint32_t scale_log(
	const struct pf_gf16_ctx *ctx, const struct shape *s, uint32_t i, uint32_t j)
{
	uint32_t point = s->low ? parity_point(s, j) : data_point(s, i);

	return ctx->logs[point >> s->layers];
}

/* The e x e inverse of the formula's matrix for parity ctx->got and data
 * ctx->lost, by Cauchy's closed form, row by lost shard. */
static void invert(const struct pf_gf16_ctx *ctx, const struct shape *s, uint32_t e)
{
	const uint16_t *logs = ctx->logs;
	uint32_t x[CLOSED_MAX], y[CLOSED_MAX], x_log[CLOSED_MAX], y_log[CLOSED_MAX];

	for (uint32_t a = 0; a < e; a++) {
		x[a] = parity_point(s, ctx->got[a]);
		y[a] = data_point(s, ctx->lost[a]);
	}
	for (uint32_t a = 0; a < e; a++) {
		uint64_t x_up = 0, x_down = 0, y_up = 0, y_down = 0;

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
static void solve(const struct pf_gf16_ctx *ctx, const struct shape *s, const struct tile *t,
	uint32_t e, uint8_t *const *syndrome, uint8_t *row, uint8_t *const *out)
{
	for (uint32_t b = 0; b < e; b++) {
		const uint16_t *factor = ctx->inverse + b * e;

		ctx->kern->mul(row, syndrome[0], factor[0], t->width);
		for (uint32_t a = 1; a < e; a++)
			ctx->kern->madd(row, syndrome[a], factor[a], t->width);
		store_row(ctx, s, t, row, out[ctx->lost[b]]);
	}
}

/* Few losses: the formula's rows of e parity shards, as they stand. */
static void decode_direct(const struct pf_gf16_ctx *ctx, const struct shape *s, uint32_t e,
	const uint8_t *const *data, const uint8_t *const *parity, uint8_t *const *out)
{
	const struct pf_gf16_kernel *kern = ctx->kern;
	struct tile t = { 0 };

	invert(ctx, s, e);
	while (next_tile(s, e + 1, &t)) {
		uint8_t *syndrome[CLOSED_MAX], *row = ctx->rows + e * t.width;

		for (uint32_t a = 0; a < e; a++) {
			syndrome[a] = ctx->rows + a * t.width;
			load_row(ctx, s, &t, syndrome[a], parity[ctx->got[a]]);
		}
		for (uint32_t i = 0; i < s->k; i++) {
			if (!data[i])
				continue;
			load_row(ctx, s, &t, row, data[i]);
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
static void decode_again(const struct pf_gf16_ctx *ctx, const struct shape *s, uint32_t e,
	const uint8_t *const *data, const uint8_t *const *parity, uint8_t *const *out)
{
	struct tile t = { 0 };

	invert(ctx, s, e);
	while (next_tile(s, 2 * (size_t)s->chunk, &t)) {
		uint8_t *syndrome[CLOSED_MAX], *work = ctx->rows + s->chunk * t.width;

		parity_rows(ctx, s, &t, data, ctx->got[e - 1] + 1);
		for (uint32_t a = 0; a < e; a++) {
			uint32_t j = ctx->got[a];

			syndrome[a] = ctx->rows + j * t.width;
			load_row(ctx, s, &t, work, parity[j]);
			ctx->kern->xor (syndrome[a], work, t.width);
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
	uint32_t *v = ctx->walsh, *spectrum = ctx->walsh + ctx->points;
	/* n is a power of two, 2^16 is 1: that undoes the length. */
	uint64_t unscale = POINTS_MAX / n;

	if (ctx->walsh_points != n) {
		for (uint32_t i = 0; i < n; i++)
			spectrum[i] = ctx->logs[i];
		walsh(spectrum, n);
		ctx->walsh_points = n;
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
static void decode_many(struct pf_gf16_ctx *ctx, const struct shape *s, uint32_t e,
	const uint8_t *const *data, const uint8_t *const *parity, uint8_t *const *out)
{
	const struct pf_gf16_kernel *kern = ctx->kern;
	const uint32_t n = point_count(s), M = s->chunk;
	struct tile t = { 0 };

	memset(ctx->walsh, 0, n * sizeof(*ctx->walsh));
	for (uint32_t j = 0; j < M; j++)
		ctx->walsh[j] = j >= s->m || !parity[j];
	for (uint32_t i = 0; i < e; i++)
		ctx->walsh[data_point(s, ctx->lost[i])] = 1;
	locate(ctx, n);

	while (next_tile(s, 2 * (size_t)M, &t)) {
		uint8_t *rows = ctx->rows, *work = rows + M * t.width;
		uint32_t used = 0;

		parity_rows(ctx, s, &t, data, s->m);
		for (uint32_t j = 0; j < M; j++) {
			uint8_t *row = rows + j * t.width;

			if (j >= s->m || !parity[j]) {
				memset(row, 0, t.width);
				continue;
			}
			load_row(ctx, s, &t, work, parity[j]);
			kern->xor (row, work, t.width);
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
				store_row(ctx, s, &t, row, out[i]);
			}
		}
	}
}

/* Many losses, low rate. The data are values of a polynomial D of degree below
 * K, parity its values further on. With E the polynomial whose roots are all
 * points not known, D*E has a degree below the number of points n and is known
 * at all of them; at a root its derivative is D * E'. */
static void decode_low(struct pf_gf16_ctx *ctx, const struct shape *s, uint32_t e,
	const uint8_t *const *data, const uint8_t *const *parity, uint8_t *const *out)
{
	const struct pf_gf16_kernel *kern = ctx->kern;
	const uint32_t n = point_count(s), layers = log2_of(n), K = s->chunk;
	struct tile t = { 0 };

	for (uint32_t p = 0; p < n; p++) {
		if (p < K)
			ctx->walsh[p] = p < s->k && !data[p];
		else
			ctx->walsh[p] = p - K >= s->m || !parity[p - K];
	}
	locate(ctx, n);

	while (next_tile(s, n, &t)) {
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
			load_row(ctx, s, &t, row, shard);
			kern->mul(row, row, pf_gf16_exp(ctx->walsh[p]), t.width);
			used = p + 1;
		}
		kern->ifft(rows, t.width, layers, 0, used);
		/* The formal derivative in the basis of the transform. */
		for (uint32_t p = 1; p < n; p++) {
			uint32_t w = p & -p;

			kern->xor (rows + (p - w) * t.width, rows + p * t.width, w * t.width);
		}
		kern->fft(rows, t.width, layers, 0, ctx->lost[0], ctx->lost[e - 1] + 1);
		for (uint32_t a = 0; a < e; a++) {
			uint32_t i = ctx->lost[a];
			uint8_t *row = rows + i * t.width;

			kern->mul(row, row, pf_gf16_exp(neg_log(ctx->walsh[i])), t.width);
			store_row(ctx, s, &t, row, out[i]);
		}
	}
}

int pf_gf16_decode(struct pf_gf16_ctx *ctx, uint32_t k, uint32_t m, uint32_t shard_bytes,
	const uint8_t *const *data, const uint8_t *const *parity, uint8_t *const *out)
{
	uint32_t e = 0, have = 0;
	struct shape s;
	int r = shape_of(ctx, k, m, shard_bytes, &s);

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
	if (k == 1)
		memcpy(out[0], parity[ctx->got[0]], shard_bytes);
	else if (m == 1)
		add_up(ctx, &s, data, parity[0], out[ctx->lost[0]]);
	else if (e <= 4)
		decode_direct(ctx, &s, e, data, parity, out);
	else if (s.low)
		decode_low(ctx, &s, e, data, parity, out);
	else if (e <= CLOSED_MAX)
		decode_again(ctx, &s, e, data, parity, out);
	else
		decode_many(ctx, &s, e, data, parity, out);
	return 0;
}
