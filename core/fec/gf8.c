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

void pf_gf8_sum_c(const struct pf_gf8_sum *s, uint32_t first, uint32_t rows, size_t from, size_t to)
{
	for (uint32_t r = first; r < first + rows; r++) {
		const uint8_t *over = pf_gf8_field.nib[s->over ? s->over[r] : 1];
		const uint8_t *init = s->init ? s->init[r] + s->src_at : NULL;
		uint8_t *dst = s->dst[r] + s->dst_at;

		for (size_t b = from; b < to; b++)
			dst[b] = init ? init[b] : 0;
		for (uint32_t i = 0; i < s->n; i++) {
			const uint8_t *nib = pf_gf8_field.nib[s->x[r] ^ s->y[i]];
			const uint8_t *src = s->src[i] + s->src_at;

			for (size_t b = from; b < to; b++)
				dst[b] ^= nib[src[b] & 15] ^ nib[16 + (src[b] >> 4)];
		}
		for (size_t b = from; b < to && s->over; b++)
			dst[b] = over[dst[b] & 15] ^ over[16 + (dst[b] >> 4)];
	}
}

static void sum_all(const struct pf_gf8_sum *s)
{
	pf_gf8_sum_c(s, 0, s->rows, 0, s->bytes);
}

const struct pf_gf8_kernel pf_gf8_c = { sum_all, "c", 0 };

static const struct pf_gf8_kernel *kernel(void)
{
	return pf_gf8_kernel_pick(pf_cpu_flags());
}

static int check(uint32_t k, uint32_t m, size_t bytes)
{
	if (k < 1 || k > PF_GF8_SHARDS_MAX || m > PF_GF8_SHARDS_MAX - k || !bytes)
		return -EINVAL;
	return 0;
}

/* e data shards are lost; the first e parity shards there are used for them. */
struct losses {
	uint32_t e;
	uint8_t lost[LOSSES_MAX], got[LOSSES_MAX];
};

static int find_losses(uint32_t k, uint32_t m, const uint8_t *const *data,
	const uint8_t *const *parity, uint8_t *const *out, struct losses *l)
{
	uint32_t e = 0, have = 0;

	for (uint32_t i = 0; i < k; i++) {
		if (!data[i] && !out[i])
			return -EINVAL;
		e += !data[i];
	}
	for (uint32_t j = 0; j < m && have < e; j++)
		if (parity[j])
			l->got[have++] = (uint8_t)j;
	if (have < e)
		return -ENODATA;
	l->e = 0;
	for (uint32_t i = 0; i < k; i++)
		if (!data[i])
			l->lost[l->e++] = (uint8_t)i;
	return 0;
}

/* With parity at points x and data at points y the factors are 1 / (x + y). The
 * inverse of such a matrix is one of the same kind between two diagonal ones:
 * 1 / (y_b + x_a) / (over_x[a] * over_y[b]), where over_x[a] is the product of x_a +
 * x_t over all t but a by that of x_a + y_t over all t, and over_y likewise. */
static void invert(const uint8_t *x, const uint8_t *y, uint32_t e, uint8_t *over_x, uint8_t *over_y)
{
	const uint8_t *log = pf_gf8_field.log; /* log[0] is 0: leaves itself out of a sum */
	int32_t sum_x[LOSSES_MAX] = { 0 }, sum_y[LOSSES_MAX] = { 0 };

	for (uint32_t a = 0; a < e; a++) {
		int32_t of_x = 0, of_y = 0;

		for (uint32_t t = 0; t < e; t++) {
			const int32_t between = log[x[a] ^ y[t]];

			of_x += log[x[a] ^ x[t]] - between;
			of_y += log[y[a] ^ y[t]];
			sum_y[t] -= between;
		}
		sum_x[a] = of_x;
		sum_y[a] += of_y;
	}
	for (uint32_t a = 0; a < e; a++) {
		/* No sum is below -255 * LOSSES_MAX. */
		over_x[a] = pf_gf8_field.exp[(sum_x[a] + 255 * LOSSES_MAX) % 255];
		over_y[a] = pf_gf8_field.exp[(sum_y[a] + 255 * LOSSES_MAX) % 255];
	}
}

/* What the data at hand leave of the parity, then the inverse of that, some columns
 * at a time. */
static void recover(uint32_t k, uint32_t m, const struct losses *l, size_t bytes,
	const uint8_t *const *data, const uint8_t *const *parity, uint8_t *const *out)
{
	const struct pf_gf8_kernel *kern = kernel();
	const size_t width = COLUMN_BYTES / l->e & ~(size_t)63;
	uint8_t y_have[PF_GF8_SHARDS_MAX], y_lost[LOSSES_MAX], over_x[LOSSES_MAX],
		over_y[LOSSES_MAX], column[COLUMN_BYTES], *left[LOSSES_MAX], *dst[LOSSES_MAX];
	const uint8_t *have[PF_GF8_SHARDS_MAX], *init[LOSSES_MAX];
	struct pf_gf8_sum first = { .dst = left,
		.x = l->got,
		.rows = l->e,
		.src = have,
		.y = y_have,
		.init = init,
		.over = over_x };
	struct pf_gf8_sum then = { .dst = dst,
		.x = y_lost,
		.rows = l->e,
		.src = (const uint8_t *const *)left,
		.y = l->got,
		.n = l->e,
		.over = over_y };

	for (uint32_t i = 0; i < k; i++) {
		if (!data[i])
			continue;
		y_have[first.n] = (uint8_t)(m + i);
		have[first.n++] = data[i];
	}
	for (uint32_t a = 0; a < l->e; a++) {
		y_lost[a] = (uint8_t)(m + l->lost[a]);
		init[a] = parity[l->got[a]];
		dst[a] = out[l->lost[a]];
		left[a] = column + a * width;
	}
	if (l->e == 1) {
		over_x[0] = inv(l->got[0] ^ y_lost[0]);
		first.dst = dst;
		first.bytes = bytes;
		kern->sum(&first);
		return;
	}
	invert(l->got, y_lost, l->e, over_x, over_y);
	for (size_t at = 0; at < bytes; at += width) {
		first.src_at = then.dst_at = at;
		first.bytes = then.bytes = bytes - at < width ? bytes - at : width;
		kern->sum(&first);
		kern->sum(&then);
	}
}

int pf_gf8_encode(
	uint32_t k, uint32_t m, size_t bytes, const uint8_t *const *data, uint8_t *const *parity)
{
	uint8_t x[PF_GF8_SHARDS_MAX], y[PF_GF8_SHARDS_MAX];
	const struct pf_gf8_sum s = {
		.dst = parity, .x = x, .rows = m, .src = data, .y = y, .n = k, .bytes = bytes
	};
	int r = check(k, m, bytes);

	if (r < 0)
		return r;
	for (uint32_t j = 0; j < m; j++)
		x[j] = (uint8_t)j;
	for (uint32_t i = 0; i < k; i++)
		y[i] = (uint8_t)(m + i);
	kernel()->sum(&s);
	return 0;
}

int pf_gf8_decode(uint32_t k, uint32_t m, size_t bytes, const uint8_t *const *data,
	const uint8_t *const *parity, uint8_t *const *out)
{
	struct losses l;
	int r = check(k, m, bytes);

	if (!r)
		r = find_losses(k, m, data, parity, out, &l);
	if (r < 0)
		return r;
	if (l.e)
		recover(k, m, &l, bytes, data, parity, out);
	return 0;
}

/* One row with factors of any kind but 0: with x = 0, y is the inverse of a factor. */
static void audio_row(uint8_t *dst, const uint8_t *const src[PF_GF8_AUDIO_DATA],
	const uint8_t factors[PF_GF8_AUDIO_DATA], size_t bytes)
{
	const uint8_t x = 0;
	uint8_t y[PF_GF8_AUDIO_DATA];
	const struct pf_gf8_sum s = { .dst = &dst,
		.x = &x,
		.rows = 1,
		.src = src,
		.y = y,
		.n = PF_GF8_AUDIO_DATA,
		.bytes = bytes };

	for (uint32_t i = 0; i < PF_GF8_AUDIO_DATA; i++)
		y[i] = inv(factors[i]);
	kernel()->sum(&s);
}

int pf_gf8_audio_encode(size_t bytes, const uint8_t *const data[PF_GF8_AUDIO_DATA],
	uint8_t *const parity[PF_GF8_AUDIO_PARITY])
{
	if (!bytes)
		return -EINVAL;
	for (uint32_t j = 0; j < PF_GF8_AUDIO_PARITY; j++)
		audio_row(parity[j], data, audio_matrix[j], bytes);
	return 0;
}

/* Every lost shard as a sum over the four that serve: first the parity, then the data
 * at hand. No factor is 0, or not any four shards would do. */
int pf_gf8_audio_decode(size_t bytes, const uint8_t *const data[PF_GF8_AUDIO_DATA],
	const uint8_t *const parity[PF_GF8_AUDIO_PARITY], uint8_t *const out[PF_GF8_AUDIO_DATA])
{
	const uint8_t *src[PF_GF8_AUDIO_DATA];
	uint8_t f[PF_GF8_AUDIO_DATA];
	struct losses l;
	int r = bytes ? find_losses(PF_GF8_AUDIO_DATA, PF_GF8_AUDIO_PARITY, data, parity, out, &l)
		      : -EINVAL;

	if (r < 0)
		return r;
	for (uint32_t a = 0; a < l.e; a++) {
		const uint8_t *r0 = audio_matrix[l.got[0]], *r1 = audio_matrix[l.got[l.e - 1]];
		const uint32_t mine = l.lost[a], other = l.lost[l.e - 1 - a];
		/* Of two equations, one less the other times what removes `other`. */
		const uint8_t c0 = l.e == 1 ? 1 : r1[other], c1 = l.e == 1 ? 0 : r0[other];
		const uint8_t over = inv(mul(c0, r0[mine]) ^ mul(c1, r1[mine]));
		uint32_t n = 0;

		src[n] = parity[l.got[0]];
		f[n++] = mul(c0, over);
		if (l.e == 2) {
			src[n] = parity[l.got[1]];
			f[n++] = mul(c1, over);
		}
		for (uint32_t i = 0; i < PF_GF8_AUDIO_DATA; i++) {
			if (!data[i])
				continue;
			src[n] = data[i];
			f[n++] = mul(over, mul(c0, r0[i]) ^ mul(c1, r1[i]));
		}
		audio_row(out[mine], src, f, bytes);
	}
	return 0;
}
