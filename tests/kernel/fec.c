/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Every row of the kernel tables against plain C; pf-bench tells how fast they are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/cpu.h"
#include "core/fec/gf16.h"
#include "core/fec/gf16_kernel.h"
#include "core/fec/gf8_kernel.h"
#include "tests/unit/rng.h"

static uint64_t rng;

/* Two copies of the same random bytes, at any alignment, with guards behind. */
struct twin {
	uint8_t *base[2], *p[2];
	size_t bytes;
};

#define GUARD 64

static void twin_init(struct twin *t, size_t bytes)
{
	t->bytes = bytes;
	for (int i = 0; i < 2; i++) {
		t->base[i] = malloc(bytes + 2 * GUARD);
		assert_non_null(t->base[i]);
		t->p[i] = t->base[i] + rng_below(&rng, GUARD);
	}
	rng_fill(&rng, t->p[0], bytes + GUARD);
	memcpy(t->p[1], t->p[0], bytes + GUARD);
}

/* The copies are equal, and so are the guards. */
static void twin_check(const struct twin *t)
{
	assert_memory_equal(t->p[0], t->p[1], t->bytes + GUARD);
}

static void twin_finish(struct twin *t)
{
	free(t->base[0]);
	free(t->base[1]);
}

static uint32_t random_factor(void)
{
	static const uint32_t special[] = { 0, 1, 2, 0xff, 0x100, 0x1ff, 0xff00, 0xffff };

	return rng_below(&rng, 2) ? special[rng_below(&rng, 8)] : rng_below(&rng, 65536);
}

static void skip_unless(uint32_t needs, const char *name)
{
	char missing[128];

	needs &= ~pf_cpu_flags();
	if (!needs)
		return;
	print_message("# %s: this processor has no %s\n", name,
		pf_cpu_to_string(needs, missing, sizeof(missing)));
	skip();
}

#define GF8_ROWS_MOST 14

static void gf8_row(void **state)
{
	const struct pf_gf8_kernel *kern = *state;

	skip_unless(kern->needs, kern->name);
	for (int round = 0; round < 400; round++) {
		const uint32_t rows = 1 + rng_below(&rng, GF8_ROWS_MOST), n = rng_below(&rng, 9);
		const size_t bytes = rng_below(&rng, round % 8 ? 600 : 1500);
		const size_t dst_at = rng_below(&rng, 70), src_at = rng_below(&rng, 70);
		uint8_t x[GF8_ROWS_MOST], y[8], over[GF8_ROWS_MOST], *dst[2][GF8_ROWS_MOST];
		struct twin out[GF8_ROWS_MOST], added[GF8_ROWS_MOST], src[8];
		const uint8_t *in[8], *init[GF8_ROWS_MOST];
		struct pf_gf8_sum s = { .x = x,
			.rows = rows,
			.src = in,
			.y = y,
			.n = n,
			.init = round % 2 ? init : NULL,
			.over = round % 3 ? over : NULL,
			.dst_at = dst_at,
			.src_at = src_at,
			.bytes = bytes };

		rng_fill(&rng, x, sizeof(x));
		rng_fill(&rng, y, sizeof(y));
		rng_fill(&rng, over, sizeof(over));
		if (round % 5 == 0)
			y[0] = x[0]; /* division by 0 */
		for (uint32_t i = 0; i < n; i++) {
			twin_init(&src[i], src_at + bytes);
			in[i] = src[i].p[0];
		}
		for (uint32_t r = 0; r < rows; r++) {
			twin_init(&out[r], dst_at + bytes);
			twin_init(&added[r], src_at + bytes);
			dst[0][r] = out[r].p[0];
			dst[1][r] = out[r].p[1];
			init[r] = added[r].p[0];
		}
		s.dst = dst[0];
		kern->sum(&s);
		s.dst = dst[1];
		pf_gf8_sum_c(&s, 0, rows, 0, bytes);
		for (uint32_t r = 0; r < rows; r++) {
			twin_check(&out[r]);
			twin_check(&added[r]);
			twin_finish(&out[r]);
			twin_finish(&added[r]);
		}
		for (uint32_t i = 0; i < n; i++) {
			twin_check(&src[i]);
			twin_finish(&src[i]);
		}
	}
}

static const struct pf_gf16_kernel *plain(void)
{
	return pf_gf16_kernels[pf_gf16_kernel_count - 1];
}

static void gf16_row(void **state)
{
	const struct pf_gf16_kernel *kern = *state;

	skip_unless(kern->needs, kern->name);
	for (int round = 0; round < 200; round++) {
		size_t bytes = 64 * rng_below(&rng, 24), odd = bytes + rng_below(&rng, 64);
		struct twin a, b, sum, more;
		uint32_t f = random_factor();

		twin_init(&a, bytes);
		twin_init(&b, bytes);
		kern->load(a.p[0], b.p[0], bytes);
		plain()->load(a.p[1], b.p[0], bytes);
		twin_check(&a);
		kern->store(a.p[0], b.p[0], bytes);
		plain()->store(a.p[1], b.p[0], bytes);
		twin_check(&a);
		kern->load(a.p[0], a.p[0], bytes);
		assert_memory_equal(a.p[0], b.p[0], bytes);
		plain()->load(a.p[1], a.p[1], bytes);

		kern->mul(a.p[0], b.p[0], f, bytes);
		plain()->mul(a.p[1], b.p[0], f, bytes);
		twin_check(&a);
		kern->mul(b.p[0], b.p[0], f, bytes);
		assert_memory_equal(a.p[1], b.p[0], bytes);

		twin_init(&sum, odd);
		twin_init(&more, odd);
		kern->add(sum.p[0], more.p[0], odd);
		plain()->add(sum.p[1], more.p[0], odd);
		twin_check(&sum);
		twin_finish(&sum);
		twin_finish(&more);
		twin_finish(&a);
		twin_finish(&b);
	}
}

/* Sums of products, sources in tower form and in wire coordinates. */
static void gf16_row_sums(void **state)
{
	enum { MOST = 18, ROWS = 9 };
	const struct pf_gf16_kernel *kern = *state;

	skip_unless(kern->needs, kern->name);
	for (int round = 0; round < 200; round++) {
		const size_t bytes = 64 * rng_below(&rng, 8), stride = bytes + rng_below(&rng, 70);
		const uint32_t n = rng_below(&rng, MOST + 1), rows = rng_below(&rng, ROWS + 1);
		uint16_t factors[ROWS * MOST];
		const uint8_t *src[MOST];
		struct twin sum, from[MOST];

		twin_init(&sum, rows * stride);
		for (uint32_t i = 0; i < n; i++) {
			twin_init(&from[i], bytes);
			src[i] = from[i].p[0];
		}
		for (uint32_t i = 0; i < n * rows; i++)
			factors[i] = (uint16_t)random_factor();
		kern->madd(sum.p[0], stride, rows, src, factors, n, bytes);
		plain()->madd(sum.p[1], stride, rows, src, factors, n, bytes);
		twin_check(&sum);
		kern->madd_wire(sum.p[0], stride, rows, src, factors, n, bytes);
		plain()->madd_wire(sum.p[1], stride, rows, src, factors, n, bytes);
		twin_check(&sum);
		for (uint32_t i = 0; i < n; i++)
			twin_finish(&from[i]);
		twin_finish(&sum);
	}
}

/* Transforms of every size up to 2^9, factors in and beyond the subfield. */
static void gf16_row_transforms(void **state)
{
	const struct pf_gf16_kernel *kern = *state;

	skip_unless(kern->needs, kern->name);
	for (uint32_t layers = 0; layers < 10; layers++) {
		for (int round = 0; round < 24; round++) {
			const uint32_t n = 1u << layers, width = 64 * (1 + rng_below(&rng, 3));
			/* Points near the bottom, where the subfield ends, anywhere. */
			const uint32_t reach[] = { (512u >> layers) + 1, (4096u >> layers) + 1,
				65536u >> layers };
			const uint32_t most = reach[round % 3];
			const uint32_t point = n * rng_below(&rng, most);
			const uint32_t first = rng_below(&rng, n);
			const uint32_t end = first + 1 + rng_below(&rng, n - first);
			const uint32_t used = round % 4 ? 1 + rng_below(&rng, n) : n;
			struct twin a, before;

			twin_init(&a, (size_t)n * width);
			for (int i = 0; i < 2; i++)
				memset(a.p[i] + used * width, 0, (n - used) * width);
			twin_init(&before, (size_t)n * width);
			memcpy(before.p[0], a.p[0], (size_t)n * width);

			kern->ifft(a.p[0], width, layers, point, used);
			plain()->ifft(a.p[1], width, layers, point, used);
			twin_check(&a);
			kern->fft(a.p[0], width, layers, point, first, end);
			plain()->fft(a.p[1], width, layers, point, first, end);
			/* Back to where it came from, and the guard is whole. */
			for (int i = 0; i < 2; i++)
				assert_memory_equal(a.p[i] + first * width,
					before.p[0] + first * width, (end - first) * width);
			assert_memory_equal(a.p[0] + a.bytes, a.p[1] + a.bytes, GUARD);
			twin_finish(&a);
			twin_finish(&before);
		}
	}
}

/* The encoder's passes: every number of layers, any number of shards, at any
 * alignment, none of whose bytes outside the tile may be touched. */
static void gf16_row_passes(void **state)
{
	const struct pf_gf16_kernel *kern = *state;

	skip_unless(kern->needs, kern->name);
	for (uint32_t layers = 1; layers <= 11; layers++) {
		for (uint32_t round = 0; round < (layers < 8 ? 60u : 9u); round++) {
			const uint32_t n = 1u << layers, width = 64 * (1 + rng_below(&rng, 3));
			const uint32_t reach[] = { (512u >> layers) + 1, (4096u >> layers) + 1,
				65536u >> layers };
			const uint32_t point = n * rng_below(&rng, reach[round % 3]);
			const uint32_t used = round % 4 ? 1 + rng_below(&rng, n) : n;
			const size_t at = rng_below(&rng, 100);
			const uint32_t factor = round % 3 ? 1 : rng_below(&rng, 256);
			uint8_t **shards = calloc(2 * n, sizeof(*shards)), **parity = shards + n;
			struct twin data, sum, work, out;

			assert_non_null(shards);
			twin_init(&data, at + (size_t)n * width);
			twin_init(&sum, (size_t)n * width);
			twin_init(&work, (size_t)n * width);
			twin_init(&out, at + (size_t)n * width);
			for (uint32_t i = 0; i < n; i++)
				shards[i] = data.p[0] + (size_t)(n - 1 - i) * width;
			kern->gather(sum.p[0], round % 2, work.p[0], width, layers, point,
				(const uint8_t *const *)shards, at, used, factor);
			plain()->gather(sum.p[1], round % 2, work.p[1], width, layers, point,
				(const uint8_t *const *)shards, at, used, factor);
			twin_check(&sum);
			twin_check(&data);
			for (int t = 0; t < 2; t++) {
				for (uint32_t i = 0; i < n; i++)
					parity[i] = out.p[t] + (size_t)(n - 1 - i) * width;
				(t ? plain() : kern)
					->scatter(parity, at, used, sum.p[0], work.p[t], width,
						layers, point);
			}
			twin_check(&out);
			twin_check(&sum);
			assert_memory_equal(work.p[0] + work.bytes, work.p[1] + work.bytes, GUARD);
			twin_finish(&data);
			twin_finish(&sum);
			twin_finish(&work);
			twin_finish(&out);
			free(shards);
		}
	}
}

static void gf16_row_walsh(void **state)
{
	const struct pf_gf16_kernel *kern = *state;

	skip_unless(kern->needs, kern->name);
	for (uint32_t n = 2; n <= 4096; n *= 2) {
		uint32_t v[2][4096];

		for (uint32_t i = 0; i < n; i++)
			v[0][i] = v[1][i] = rng_below(&rng, 8) ? rng_below(&rng, 65536) : 65535;
		kern->walsh(v[0], n);
		plain()->walsh(v[1], n);
		for (uint32_t i = 0; i < n; i++)
			assert_int_equal(v[0][i] % 65535, v[1][i] % 65535);
	}
}

/* Whole blocks on one row: the parity of plain C, in one piece and shard by shard,
 * and what was lost. */
static void gf16_row_blocks(void **state)
{
	static const struct {
		uint32_t k, m, bytes;
	} shapes[] = { { 3, 2, 1388 }, { 20, 4, 1408 }, { 4, 9, 130 }, { 74, 15, 202 },
		{ 33, 32, 64 }, { 200, 40, 70 }, { 300, 26, 130 }, { 520, 104, 44 },
		{ 300, 200, 64 }, { 70, 300, 2 } };
	const struct pf_gf16_kernel *kern = *state;

	skip_unless(kern->needs, kern->name);
	for (size_t v = 0; v < sizeof(shapes) / sizeof(shapes[0]); v++) {
		const struct pf_gf16_limits limits = { shapes[v].k, shapes[v].m, shapes[v].bytes };
		const uint32_t k = limits.data_max, m = limits.parity_max;
		const uint32_t bytes = limits.shard_bytes_max, most = m < k ? m : k;
		uint8_t **shards = calloc(2 * k + 3 * m, sizeof(*shards)), **out = shards + k;
		uint8_t **parity[3] = { out + k, out + k + m, out + k + 2 * m };
		struct pf_gf16_ctx *row, *c;
		const uint8_t **data = (const uint8_t **)shards;

		assert_non_null(shards);
		pf_cpu_set_mask(kern->needs);
		assert_int_equal(pf_gf16_create(&limits, &row), 0);
		assert_string_equal(pf_gf16_kernel_name(row), kern->name);
		pf_cpu_set_mask(0);
		assert_int_equal(pf_gf16_create(&limits, &c), 0);
		assert_string_equal(pf_gf16_kernel_name(c), "c");
		pf_cpu_set_mask(~0u);
		for (uint32_t i = 0; i < 2 * k + 3 * m; i++) {
			shards[i] = malloc(bytes);
			assert_non_null(shards[i]);
			rng_fill(&rng, shards[i], bytes);
		}
		assert_int_equal(pf_gf16_encode(c, k, m, bytes, data, parity[0]), 0);
		assert_int_equal(pf_gf16_encode(row, k, m, bytes, data, parity[1]), 0);
		assert_int_equal(pf_gf16_enc_begin(row, k, m, bytes), 0);
		for (uint32_t i = 0; i < k; i++)
			assert_int_equal(pf_gf16_enc_add(row, data[i]), 0);
		assert_int_equal(pf_gf16_enc_finish(row, parity[2]), 0);
		for (uint32_t j = 0; j < m; j++) {
			assert_memory_equal(parity[0][j], parity[1][j], bytes);
			assert_memory_equal(parity[0][j], parity[2][j], bytes);
		}
		for (uint32_t e = 1; e <= most; e = e < most && 3 * e > most ? most : 3 * e) {
			const uint8_t **got = calloc(k, sizeof(*got));

			assert_non_null(got);
			memcpy(got, data, k * sizeof(*got));
			for (uint32_t n = 0; n < e;) {
				uint32_t i = rng_below(&rng, k);

				n += got[i] != NULL;
				got[i] = NULL;
			}
			assert_int_equal(pf_gf16_decode(row, k, m, bytes, got,
						 (const uint8_t *const *)parity[0], out),
				0);
			for (uint32_t i = 0; i < k; i++)
				if (!got[i])
					assert_memory_equal(out[i], data[i], bytes);
			free(got);
		}
		for (uint32_t i = 0; i < 2 * k + 3 * m; i++)
			free(shards[i]);
		free(shards);
		pf_gf16_destroy(row);
		pf_gf16_destroy(c);
	}
}

/* The mask reaches every row: what is picked never needs what is masked. */
static void picks_by_flags(void **state)
{
	const uint32_t have = pf_cpu_flags();

	for (unsigned i = 0; i < pf_gf16_kernel_count; i++) {
		const struct pf_gf16_kernel *k = pf_gf16_kernels[i];

		assert_int_equal(pf_gf16_kernel_pick(have)->needs & ~have, 0);
		assert_ptr_equal(pf_gf16_kernel_pick(k->needs)->load, k->load);
		assert_string_equal(k->name, pf_gf8_kernels[i]->name);
		assert_int_equal(k->needs, pf_gf8_kernels[i]->needs);
	}
	assert_int_equal(pf_gf16_kernel_count, pf_gf8_kernel_count);
	assert_string_equal(pf_gf16_kernel_pick(0)->name, "c");
	assert_string_equal(pf_gf8_kernel_pick(0)->name, "c");
}

int main(void)
{
	struct CMUnitTest tests[48];
	char names[48][48];
	size_t n = 0;

	rng = rng_seed();
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(picks_by_flags);
	for (unsigned i = 0; i < pf_gf8_kernel_count; i++, n++) {
		snprintf(names[n], sizeof(names[n]), "gf8 %s", pf_gf8_kernels[i]->name);
		tests[n] = (struct CMUnitTest){ names[n], gf8_row, NULL, NULL,
			(void *)pf_gf8_kernels[i] };
	}
	for (unsigned i = 0; i < pf_gf16_kernel_count; i++, n++) {
		snprintf(names[n], sizeof(names[n]), "gf16 %s", pf_gf16_kernels[i]->name);
		tests[n] = (struct CMUnitTest){ names[n], gf16_row, NULL, NULL,
			(void *)pf_gf16_kernels[i] };
	}
	for (unsigned i = 0; i < pf_gf16_kernel_count; i++, n++) {
		snprintf(names[n], sizeof(names[n]), "gf16 %s sums", pf_gf16_kernels[i]->name);
		tests[n] = (struct CMUnitTest){ names[n], gf16_row_sums, NULL, NULL,
			(void *)pf_gf16_kernels[i] };
	}
	for (unsigned i = 0; i < pf_gf16_kernel_count; i++, n++) {
		snprintf(
			names[n], sizeof(names[n]), "gf16 %s transforms", pf_gf16_kernels[i]->name);
		tests[n] = (struct CMUnitTest){ names[n], gf16_row_transforms, NULL, NULL,
			(void *)pf_gf16_kernels[i] };
	}
	for (unsigned i = 0; i < pf_gf16_kernel_count; i++, n++) {
		snprintf(names[n], sizeof(names[n]), "gf16 %s passes", pf_gf16_kernels[i]->name);
		tests[n] = (struct CMUnitTest){ names[n], gf16_row_passes, NULL, NULL,
			(void *)pf_gf16_kernels[i] };
	}
	for (unsigned i = 0; i < pf_gf16_kernel_count; i++, n++) {
		snprintf(names[n], sizeof(names[n]), "gf16 %s blocks", pf_gf16_kernels[i]->name);
		tests[n] = (struct CMUnitTest){ names[n], gf16_row_blocks, NULL, NULL,
			(void *)pf_gf16_kernels[i] };
	}
	for (unsigned i = 0; i < pf_gf16_kernel_count; i++, n++) {
		snprintf(names[n], sizeof(names[n]), "gf16 %s walsh", pf_gf16_kernels[i]->name);
		tests[n] = (struct CMUnitTest){ names[n], gf16_row_walsh, NULL, NULL,
			(void *)pf_gf16_kernels[i] };
	}
	return _cmocka_run_group_tests("fec_kernels", tests, n, NULL, NULL);
}
