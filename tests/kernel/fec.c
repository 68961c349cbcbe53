/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Every row of the kernel tables against plain C.
 *
 * --bench prints instead how fast each is, on rows that lie in the first-level
 * cache, and whole blocks with the row that was picked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/clock.h"
#include "core/base/cpu.h"
#include "core/fec/gf16.h"
#include "core/fec/gf16_kernel.h"
#include "core/fec/gf8.h"
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

static void gf8_row(void **state)
{
	const struct pf_gf8_kernel *kern = *state;

	skip_unless(kern->needs, kern->name);
	for (int round = 0; round < 400; round++) {
		uint32_t rows = 1 + rng_below(&rng, PF_GF8_ROWS), n = rng_below(&rng, 9);
		size_t to = rng_below(&rng, 400), from = rng_below(&rng, (uint32_t)to + 1);
		uint8_t factors[PF_GF8_ROWS * 8], *dst[2][PF_GF8_ROWS];
		struct twin out[PF_GF8_ROWS], src[8];
		const uint8_t *in[8];

		rng_fill(&rng, factors, sizeof(factors));
		for (uint32_t i = 0; i < n; i++) {
			twin_init(&src[i], to);
			in[i] = src[i].p[0];
		}
		for (uint32_t r = 0; r < rows; r++) {
			twin_init(&out[r], to);
			dst[0][r] = out[r].p[0];
			dst[1][r] = out[r].p[1];
		}
		kern->dot(dst[0], rows, in, n, factors, from, to);
		pf_gf8_dot_c(dst[1], rows, in, n, factors, from, to);
		for (uint32_t r = 0; r < rows; r++) {
			twin_check(&out[r]);
			twin_finish(&out[r]);
		}
		for (uint32_t i = 0; i < n; i++)
			twin_finish(&src[i]);
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
		struct twin a, b, c[6], sum, more;
		uint32_t count = rng_below(&rng, 7);
		const uint8_t *src[6];
		uint16_t factors[6];
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

		for (uint32_t i = 0; i < count; i++) {
			twin_init(&c[i], bytes);
			src[i] = c[i].p[0];
			factors[i] = (uint16_t)random_factor();
		}
		kern->madd(a.p[0], src, factors, count, bytes);
		plain()->madd(a.p[1], src, factors, count, bytes);
		twin_check(&a);
		for (uint32_t i = 0; i < count; i++)
			twin_finish(&c[i]);
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
			uint8_t **shards = calloc(2 * n, sizeof(*shards)), **parity = shards + n;
			struct twin data, sum, work, out;

			assert_non_null(shards);
			twin_init(&data, at + (size_t)n * width);
			twin_init(&sum, (size_t)n * width);
			twin_init(&work, (size_t)n * width);
			twin_init(&out, at + (size_t)n * width);
			for (uint32_t i = 0; i < n; i++)
				shards[i] = data.p[0] + (size_t)(n - 1 - i) * width;
			kern->gather(sum.p[0], work.p[0], width, layers, point,
				(const uint8_t *const *)shards, at, used);
			plain()->gather(sum.p[1], work.p[1], width, layers, point,
				(const uint8_t *const *)shards, at, used);
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

/* Best nanoseconds of `call` over some hundred milliseconds at most. */
#define BEST_NS(...)                                                                               \
	({                                                                                         \
		uint64_t best_ = UINT64_MAX, begin_ = pf_clock_mono_ns(), end_ = begin_;           \
		for (int i_ = 0; i_ < 2000 && end_ - begin_ < 60000000; i_++) {                    \
			uint64_t from_ = pf_clock_mono_ns();                                       \
			for (int j_ = 0; j_ < reps; j_++)                                          \
				__VA_ARGS__;                                                       \
			end_ = pf_clock_mono_ns();                                                 \
			if (end_ - from_ < best_)                                                  \
				best_ = end_ - from_;                                              \
		}                                                                                  \
		(double)best_ / reps;                                                              \
	})

#define BENCH_ROWS  16
#define BENCH_WIDTH 1024

static void bench_row(const char *what, double ns, double c_ns, double copy_ns, size_t bytes)
{
	printf("  %-12s %8.1f ns %7.2f GB/s  %6.2f x plain C  %5.2f x memcpy\n", what, ns,
		(double)bytes / ns, c_ns / ns, ns / copy_ns);
}

static void bench_kernels(void)
{
	const size_t all = BENCH_ROWS * BENCH_WIDTH;
	uint8_t *a = aligned_alloc(64, all), *b = aligned_alloc(64, all);
	uint8_t factors[PF_GF8_ROWS * 12], *dst[PF_GF8_ROWS];
	const uint8_t *src[12];
	double copy, dot_c = 0, c[7] = { 0 };
	const int reps = 16;

	rng_fill(&rng, a, all);
	rng_fill(&rng, b, all);
	rng_fill(&rng, factors, sizeof(factors));
	for (int i = 0; i < 12; i++)
		src[i] = a + i * BENCH_WIDTH;
	for (int r = 0; r < PF_GF8_ROWS; r++)
		dst[r] = b + r * BENCH_WIDTH;
	copy = BEST_NS(memcpy(a, b, all); __asm__ volatile("" ::: "memory"));
	for (unsigned i = pf_gf16_kernel_count; i-- > 0;) {
		const struct pf_gf16_kernel *k = pf_gf16_kernels[i];
		const char *const names[] = { "load", "store", "mul", "madd", "add", "ifft 16",
			"fft 16" };
		const uint16_t factor = 0x1234;
		const uint8_t *from = b;
		double ns[7];

		if (k->needs & ~pf_cpu_flags())
			continue;
		ns[0] = BEST_NS(k->load(a, b, all));
		ns[1] = BEST_NS(k->store(a, b, all));
		ns[2] = BEST_NS(k->mul(a, b, 0x1234, all));
		ns[3] = BEST_NS(k->madd(a, &from, &factor, 1, all));
		ns[4] = BEST_NS(k->add(a, b, all));
		ns[5] = BEST_NS(k->ifft(a, BENCH_WIDTH, 4, 16, 16));
		ns[6] = BEST_NS(k->fft(a, BENCH_WIDTH, 4, 0, 0, 16));
		printf("gf16 %s, 16 KiB\n", k->name);
		for (int n = 0; n < 7; n++) {
			if (!k->needs)
				c[n] = ns[n];
			bench_row(names[n], ns[n], c[n], copy, all);
		}
	}
	for (unsigned i = pf_gf8_kernel_count; i-- > 0;) {
		const struct pf_gf8_kernel *k = pf_gf8_kernels[i];
		double ns;

		if (k->needs & ~pf_cpu_flags())
			continue;
		ns = BEST_NS(k->dot(dst, PF_GF8_ROWS, src, 12, factors, 0, BENCH_WIDTH));
		if (!k->needs)
			dot_c = ns;
		printf("gf8 %s, 12 + 4 KiB\n", k->name);
		bench_row("dot 12 to 4", ns, dot_c, copy, all);
	}
	free(a);
	free(b);
}

/* One block of 1408-byte shards, each in a packet of its own; the times are
 * those of a frame that lies in the second-level cache if it fits there. */
static void bench_block(uint32_t k, uint32_t m, const uint32_t *losses, unsigned loss_count)
{
	const struct pf_gf16_limits limits = { k, m, 1408 };
	const size_t packet = 1472;
	uint8_t *arena = aligned_alloc(64, (size_t)(2 * k + m) * packet);
	uint8_t **data = calloc(k, sizeof(*data)), **out = calloc(k, sizeof(*out));
	uint8_t **parity = calloc(m, sizeof(*parity));
	const uint8_t **got = calloc(k, sizeof(*got));
	struct pf_gf16_ctx *ctx = NULL;
	const int reps = 1;
	double copy, ns;

	if (pf_gf16_create(&limits, &ctx) < 0)
		abort();
	rng_fill(&rng, arena, (size_t)(2 * k + m) * packet);
	for (uint32_t i = 0; i < k; i++) {
		data[i] = arena + i * packet + 48;
		out[i] = arena + (k + m + i) * packet;
		got[i] = data[i];
	}
	for (uint32_t j = 0; j < m; j++)
		parity[j] = arena + (k + j) * packet + 48;
	copy = BEST_NS(for (uint32_t i = 0; i < k; i++) memcpy(out[i], data[i], 1408));
	ns = BEST_NS(pf_gf16_encode(ctx, k, m, 1408, (const uint8_t *const *)data, parity));
	printf("gf16 %s %u+%u, 1408 bytes\n", pf_gf16_kernel_name(ctx), k, m);
	printf("  %-12s %8.1f us %7.2f GB/s  %5.2f x memcpy of the data\n", "encode", ns / 1e3,
		k * 1408 / ns, ns / copy);
	for (unsigned n = 0; n < loss_count; n++) {
		char what[32];

		for (uint32_t e = 0; e < losses[n];) {
			uint32_t i = rng_below(&rng, k);

			e += got[i] != NULL;
			got[i] = NULL;
		}
		ns = BEST_NS(
			pf_gf16_decode(ctx, k, m, 1408, got, (const uint8_t *const *)parity, out));
		snprintf(what, sizeof(what), "decode %u", losses[n]);
		printf("  %-12s %8.1f us %7.2f GB/s  %5.2f x memcpy of the data\n", what, ns / 1e3,
			k * 1408 / ns, ns / copy);
		for (uint32_t i = 0; i < k; i++)
			got[i] = data[i];
	}
	pf_gf16_destroy(ctx);
	free(arena);
	free(data);
	free(out);
	free(parity);
	free(got);
}

static void bench_gf8(uint32_t k, uint32_t m)
{
	uint8_t *arena = aligned_alloc(64, (size_t)(k + m) * 1472);
	uint8_t *parity[255];
	const uint8_t *data[255];
	const int reps = 1;
	double ns;

	rng_fill(&rng, arena, (size_t)(k + m) * 1472);
	for (uint32_t i = 0; i < k; i++)
		data[i] = arena + i * 1472;
	for (uint32_t j = 0; j < m; j++)
		parity[j] = arena + (k + j) * 1472;
	ns = BEST_NS(pf_gf8_encode(k, m, 1408, data, parity));
	printf("gf8 %s %u+%u, 1408 bytes\n  %-12s %8.1f us %7.2f GB/s\n", pf_gf8_kernel_name(), k,
		m, "encode", ns / 1e3, k * 1408 / ns);
	free(arena);
}

static int bench(void)
{
	static const struct {
		uint32_t k, m, losses[6];
	} shapes[] = { { 20, 4, { 1, 4 } }, { 74, 15, { 1, 4, 15 } }, { 200, 40, { 1, 10, 40 } },
		{ 520, 104, { 1, 5, 26, 60, 104 } }, { 1000, 200, { 1, 10, 50, 200 } },
		{ 4000, 800, { 1, 40, 200, 800 } } };

	bench_kernels();
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		unsigned n = 0;

		while (n < 6 && shapes[i].losses[n])
			n++;
		bench_block(shapes[i].k, shapes[i].m, shapes[i].losses, n);
	}
	bench_gf8(20, 4);
	bench_gf8(64, 13);
	bench_gf8(200, 40);
	return 0;
}

int main(int argc, char **argv)
{
	struct CMUnitTest tests[32];
	char names[32][48];
	size_t n = 0;

	rng = rng_seed();
	if (argc > 1 && !strcmp(argv[1], "--bench"))
		return bench();
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
		snprintf(names[n], sizeof(names[n]), "gf16 %s walsh", pf_gf16_kernels[i]->name);
		tests[n] = (struct CMUnitTest){ names[n], gf16_row_walsh, NULL, NULL,
			(void *)pf_gf16_kernels[i] };
	}
	return _cmocka_run_group_tests("fec_kernels", tests, n, NULL, NULL);
}
