/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/fec/gf8.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "core/base/cpu.h"
#include "core/fec/gf8_kernel.h"
#include "core/fec/kernel_rows.h"
#include "core/fec/tables.h"

#define LOSSES_MAX (PF_GF8_SHARDS_MAX / 2) /* as many data as parity shards */
/* Stack room for the syndromes of the columns being solved. */
#define COLUMN_BYTES (16u << 10)

static const uint8_t audio_matrix[PF_GF8_AUDIO_PARITY][PF_GF8_AUDIO_DATA] = {
	{ 0x77, 0x40, 0x38, 0x0e },
	{ 0xc7, 0xa7, 0x0d, 0x6c },
};

static uint8_t mul(uint8_t a, uint8_t b)
{
	return a && b ? pf_gf8_field.exp[pf_gf8_field.log[a] + pf_gf8_field.log[b]] : 0;
}

static uint8_t inv(uint8_t a)
{
	return pf_gf8_field.exp[255 - pf_gf8_field.log[a]];
}

uint8_t pf_gf8_factor(uint32_t m, uint32_t j, uint32_t i)
{
	return inv((uint8_t)((m + i) ^ j));
}

const char *pf_gf8_kernel_name(void)
{
	return pf_gf8_kernel_pick(pf_cpu_flags())->name;
}

void pf_gf8_dot_c(uint8_t *const *dst, uint32_t rows, const uint8_t *const *src, uint32_t n,
	const uint8_t *factors, size_t from, size_t to)
{
	for (uint32_t r = 0; r < rows; r++) {
		for (size_t b = from; b < to; b++)
			dst[r][b] = 0;
		for (uint32_t i = 0; i < n; i++) {
			const uint8_t *nib = pf_gf8_field.nib[factors[r * n + i]];

			for (size_t b = from; b < to; b++)
				dst[r][b] ^= nib[src[i][b] & 15] ^ nib[16 + (src[i][b] >> 4)];
		}
	}
}

const struct pf_gf8_kernel pf_gf8_c = { pf_gf8_dot_c, "c", 0 };

struct code {
	uint32_t k, m;
	bool audio;
};

static uint8_t factor(const struct code *c, uint32_t j, uint32_t i)
{
	return c->audio ? audio_matrix[j][i] : pf_gf8_factor(c->m, j, i);
}

static int check(uint32_t k, uint32_t m, size_t bytes)
{
	if (k < 1 || k > PF_GF8_SHARDS_MAX || m > PF_GF8_SHARDS_MAX - k || !bytes)
		return -EINVAL;
	return 0;
}

static void encode(
	const struct code *c, size_t bytes, const uint8_t *const *data, uint8_t *const *parity)
{
	const struct pf_gf8_kernel *kern = pf_gf8_kernel_pick(pf_cpu_flags());
	uint8_t factors[PF_GF8_ROWS * PF_GF8_SHARDS_MAX];

	for (uint32_t j = 0; j < c->m; j += PF_GF8_ROWS) {
		uint32_t rows = c->m - j < PF_GF8_ROWS ? c->m - j : PF_GF8_ROWS;

		for (uint32_t r = 0; r < rows; r++)
			for (uint32_t i = 0; i < c->k; i++)
				factors[r * c->k + i] = factor(c, j + r, i);
		kern->dot(parity + j, rows, data, c->k, factors, 0, bytes);
	}
}

/* e data shards are lost; as many parity shards are used for them. */
struct losses {
	uint32_t e;
	uint8_t lost[LOSSES_MAX], got[LOSSES_MAX];
	uint8_t inverse[LOSSES_MAX * LOSSES_MAX]; /* row by lost shard */
};

/* With x = j and y = m + i the factors are 1 / (x + y): Cauchy's closed form. */
static void invert_cauchy(const struct code *c, struct losses *l)
{
	const uint8_t *log = pf_gf8_field.log; /* log[0] is 0: leaves itself out of a sum */
	uint32_t x_log[LOSSES_MAX], y_log[LOSSES_MAX];

	for (uint32_t a = 0; a < l->e; a++) {
		const uint32_t x = l->got[a], y = c->m + l->lost[a];
		uint32_t up = 0, down = 0;

		for (uint32_t t = 0; t < l->e; t++) {
			up += log[x ^ (c->m + l->lost[t])];
			down += log[x ^ l->got[t]];
		}
		x_log[a] = up + 255 - down % 255;
		up = down = 0;
		for (uint32_t t = 0; t < l->e; t++) {
			up += log[y ^ l->got[t]];
			down += log[y ^ (c->m + l->lost[t])];
		}
		y_log[a] = up + 255 - down % 255;
	}
	for (uint32_t b = 0; b < l->e; b++)
		for (uint32_t a = 0; a < l->e; a++)
			l->inverse[b * l->e + a] =
				pf_gf8_field.exp[(x_log[a] + y_log[b] + 255 -
							 log[l->got[a] ^ (c->m + l->lost[b])]) %
						 255];
}

/* At most two are lost; there are no signs in this field. */
static void invert_audio(struct losses *l)
{
	const uint8_t i0 = l->lost[0], i1 = l->lost[1];
	const uint8_t *r0 = audio_matrix[l->got[0]], *r1 = audio_matrix[l->got[1]];
	uint8_t over;

	if (l->e == 1) {
		l->inverse[0] = inv(r0[i0]);
		return;
	}
	over = inv(mul(r0[i0], r1[i1]) ^ mul(r0[i1], r1[i0]));
	l->inverse[0] = mul(r1[i1], over);
	l->inverse[1] = mul(r0[i1], over);
	l->inverse[2] = mul(r1[i0], over);
	l->inverse[3] = mul(r0[i0], over);
}

/* out[lost[a]] = parity got[a] less what the data at hand gave to it. */
static void syndromes(const struct code *c, const struct losses *l, size_t bytes,
	const uint8_t *const *data, const uint8_t *const *parity, uint8_t *const *out)
{
	const struct pf_gf8_kernel *kern = pf_gf8_kernel_pick(pf_cpu_flags());
	const uint8_t *src[PF_GF8_SHARDS_MAX + PF_GF8_ROWS];
	uint8_t *dst[PF_GF8_ROWS], factors[PF_GF8_ROWS * (PF_GF8_SHARDS_MAX + PF_GF8_ROWS)];

	for (uint32_t a = 0; a < l->e; a += PF_GF8_ROWS) {
		uint32_t rows = l->e - a < PF_GF8_ROWS ? l->e - a : PF_GF8_ROWS;
		uint32_t all = c->k - l->e + rows, n = 0;

		for (uint32_t i = 0; i < c->k; i++) {
			if (!data[i])
				continue;
			for (uint32_t r = 0; r < rows; r++)
				factors[r * all + n] = factor(c, l->got[a + r], i);
			src[n++] = data[i];
		}
		for (uint32_t p = 0; p < rows; p++) {
			for (uint32_t r = 0; r < rows; r++)
				factors[r * all + n] = r == p;
			dst[p] = out[l->lost[a + p]];
			src[n++] = parity[l->got[a + p]];
		}
		kern->dot(dst, rows, src, n, factors, 0, bytes);
	}
}

/* out[lost] = inverse * out[lost], some columns at a time. */
static void solve(const struct losses *l, size_t bytes, uint8_t *const *out)
{
	const struct pf_gf8_kernel *kern = pf_gf8_kernel_pick(pf_cpu_flags());
	const size_t width = COLUMN_BYTES / l->e & ~(size_t)63;
	uint8_t column[COLUMN_BYTES], *dst[PF_GF8_ROWS];
	const uint8_t *src[LOSSES_MAX];

	for (uint32_t a = 0; a < l->e; a++)
		src[a] = column + a * width;
	for (size_t at = 0; at < bytes; at += width) {
		size_t n = bytes - at < width ? bytes - at : width;

		for (uint32_t a = 0; a < l->e; a++)
			memcpy(column + a * width, out[l->lost[a]] + at, n);
		for (uint32_t b = 0; b < l->e; b += PF_GF8_ROWS) {
			uint32_t rows = l->e - b < PF_GF8_ROWS ? l->e - b : PF_GF8_ROWS;

			for (uint32_t r = 0; r < rows; r++)
				dst[r] = out[l->lost[b + r]] + at;
			kern->dot(dst, rows, src, l->e, l->inverse + b * l->e, 0, n);
		}
	}
}

static int decode(const struct code *c, size_t bytes, const uint8_t *const *data,
	const uint8_t *const *parity, uint8_t *const *out)
{
	struct losses l = { 0 };
	uint32_t e = 0, have = 0;

	for (uint32_t i = 0; i < c->k; i++)
		if (!data[i] && !out[i])
			return -EINVAL;
	for (uint32_t i = 0; i < c->k; i++)
		e += !data[i];
	for (uint32_t j = 0; j < c->m; j++)
		have += parity[j] != NULL;
	if (e > have)
		return -ENODATA;
	if (!e)
		return 0;
	for (uint32_t i = 0; i < c->k; i++)
		if (!data[i])
			l.lost[l.e++] = (uint8_t)i;
	have = 0;
	for (uint32_t j = 0; have < e; j++)
		if (parity[j])
			l.got[have++] = (uint8_t)j;
	syndromes(c, &l, bytes, data, parity, out);
	if (c->audio)
		invert_audio(&l);
	else
		invert_cauchy(c, &l);
	solve(&l, bytes, out);
	return 0;
}

int pf_gf8_encode(
	uint32_t k, uint32_t m, size_t bytes, const uint8_t *const *data, uint8_t *const *parity)
{
	const struct code c = { k, m, false };
	int r = check(k, m, bytes);

	if (r < 0)
		return r;
	encode(&c, bytes, data, parity);
	return 0;
}

int pf_gf8_decode(uint32_t k, uint32_t m, size_t bytes, const uint8_t *const *data,
	const uint8_t *const *parity, uint8_t *const *out)
{
	const struct code c = { k, m, false };
	int r = check(k, m, bytes);

	return r < 0 ? r : decode(&c, bytes, data, parity, out);
}

static const struct code audio_code = { PF_GF8_AUDIO_DATA, PF_GF8_AUDIO_PARITY, true };

int pf_gf8_audio_encode(size_t bytes, const uint8_t *const data[PF_GF8_AUDIO_DATA],
	uint8_t *const parity[PF_GF8_AUDIO_PARITY])
{
	if (!bytes)
		return -EINVAL;
	encode(&audio_code, bytes, data, parity);
	return 0;
}

int pf_gf8_audio_decode(size_t bytes, const uint8_t *const data[PF_GF8_AUDIO_DATA],
	const uint8_t *const parity[PF_GF8_AUDIO_PARITY], uint8_t *const out[PF_GF8_AUDIO_DATA])
{
	return bytes ? decode(&audio_code, bytes, data, parity, out) : -EINVAL;
}
