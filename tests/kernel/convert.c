/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Every conversion kernel of this machine against plain C, byte for byte;
 * --bench: time per 1280x720 and 1920x1080 picture beside plain C and memcpy. */
#include "host/encode/convert.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "core/base/clock.h"
#include "core/base/cpu.h"

#define GUARD 64

static uint32_t rnd(uint32_t *s)
{
	*s = *s * 1664525u + 1013904223u;
	return *s >> 8;
}

struct output {
	uint8_t y0[1024 + 2 * GUARD], y1[1024 + 2 * GUARD], u[1024 + 2 * GUARD],
		v[1024 + 2 * GUARD];
};

static void run(pf_convert_fn fn, const struct pf_convert_coef *k, const uint8_t *r0,
	const uint8_t *r1, unsigned width, bool left, struct output *o)
{
	memset(o, 0xa5, sizeof(*o));
	fn(k, r0, r1, width, left, o->y0 + GUARD, o->y1 + GUARD, o->u + GUARD, o->v + GUARD);
}

static void run_row(pf_convert_row_fn fn, const struct pf_convert_coef *k, const uint8_t *row,
	unsigned width, struct output *o)
{
	memset(o, 0xa5, sizeof(*o));
	fn(k, row, width, o->y0 + GUARD, o->u + GUARD, o->v + GUARD);
}

/* Both with the coefficients of 8 bits and of 10. */
static void compare(const struct pf_convert_coef *k, const struct pf_convert_coef *k10,
	const struct pf_convert_kernel *row, const struct pf_convert_kernel *plain, uint32_t *seed,
	int content)
{
	struct output want, got;

	for (unsigned width = 2; width <= 400; width += width < 80 ? 2 : 38) {
		/* The rows end where the memory ends and start at odd places, so that a
		 * read outside shows under ASan and no kernel relies on alignment. */
		unsigned shift = rnd(seed) % 17;
		size_t bytes = shift + 4 + 4 * (size_t)width;
		uint8_t *a = malloc(bytes), *b = malloc(bytes);

		for (size_t i = 0; i < bytes; i++) {
			uint32_t x = rnd(seed);

			a[i] = (uint8_t)(content == 0 ? x : content == 1 ? (x & 1) * 255 : 255);
			b[i] = (uint8_t)(content == 0	? x >> 8
					 : content == 1 ? (x >> 1 & 1) * 255
							: 0);
		}
		for (int left = 0; left < 2; left++) {
			size_t at = shift + 4;

			run(plain->i420, k, a + at, b + at, width, left, &want);
			run(row->i420, k, a + at, b + at, width, left, &got);
			assert_memory_equal(&want, &got, sizeof(want));
			run(plain->nv12, k, a + at, b + at, width, left, &want);
			run(row->nv12, k, a + at, b + at, width, left, &got);
			assert_memory_equal(&want, &got, sizeof(want));
			run(plain->i420_10, k10, a + at, b + at, width, left, &want);
			run(row->i420_10, k10, a + at, b + at, width, left, &got);
			assert_memory_equal(&want, &got, sizeof(want));
			run_row(plain->i444, k, a + at, width, &want);
			run_row(row->i444, k, a + at, width, &got);
			assert_memory_equal(&want, &got, sizeof(want));
			run_row(plain->i444_10, k10, b + at, width, &want);
			run_row(row->i444_10, k10, b + at, width, &got);
			assert_memory_equal(&want, &got, sizeof(want));
		}
		free(a);
		free(b);
	}
}

static void test_rows(void **state)
{
	static const struct pf_colour colours[] = { { 1, 1, 1, false }, { 1, 1, 1, true },
		{ 6, 6, 6, false }, { 6, 6, 6, true }, { 9, 14, 9, false }, { 9, 14, 9, true } };
	unsigned count, ran = 0;
	const struct pf_convert_kernel *rows = pf_convert_kernels(&count);
	uint32_t seed = 7;

	for (unsigned i = 0; i + 1 < count; i++) {
		if ((pf_cpu_flags() & rows[i].need) != rows[i].need) {
			print_message("# %s: not on this machine\n", rows[i].name);
			continue;
		}
		ran++;
		for (unsigned c = 0; c < sizeof(colours) / sizeof(colours[0]); c++)
			for (int f = PF_PIXEL_BGRX; f <= PF_PIXEL_RGBX; f++)
				for (int content = 0; content < 3; content++) {
					struct pf_convert_coef k, k10;

					assert_int_equal(pf_convert_coef(&k, f, &colours[c]), 0);
					assert_int_equal(
						pf_convert_coef_10(&k10, f, &colours[c]), 0);
					compare(&k, &k10, &rows[i], &rows[count - 1], &seed,
						content);
				}
		print_message("# %s: equal to plain C\n", rows[i].name);
	}
	if (!ran)
		skip();
}

static void test_pick(void **state)
{
	unsigned count;
	const struct pf_convert_kernel *rows = pf_convert_kernels(&count);

	assert_int_equal(rows[count - 1].need, 0);
	for (unsigned i = 0; i < count; i++) {
		pf_cpu_set_mask(rows[i].need);
		if ((pf_cpu_flags() & rows[i].need) == rows[i].need)
			assert_string_equal(pf_convert_pick()->name, rows[i].name);
	}
	pf_cpu_set_mask(~0u);
}

/* To planes of whole pictures; neither function: memcpy of the source. */
static double time_picture(pf_convert_fn fn, pf_convert_row_fn row, const uint8_t *src,
	uint8_t *dst, unsigned w, unsigned h, unsigned repeats)
{
	struct pf_colour bt709 = PF_COLOUR_BT709;
	size_t plane = 2 * (size_t)w * h;
	struct pf_convert_coef k;
	uint64_t best = ~0ull;

	pf_convert_coef(&k, PF_PIXEL_BGRX, &bt709);
	for (unsigned n = 0; n < repeats; n++) {
		uint64_t t0 = pf_clock_mono_ns(), t;

		if (!fn && !row)
			memcpy(dst, src, (size_t)w * h * 4);
		for (size_t y = 0; fn && y < h; y += 2)
			fn(&k, src + y * w * 4, src + (y + 1) * w * 4, w, false, dst + 2 * y * w,
				dst + 2 * (y + 1) * w, dst + plane + y * w,
				dst + 2 * plane + y * w);
		for (size_t y = 0; row && y < h; y++)
			row(&k, src + y * w * 4, w, dst + 2 * y * w, dst + plane + 2 * y * w,
				dst + 2 * plane + 2 * y * w);
		t = pf_clock_mono_ns() - t0;
		best = t < best ? t : best;
	}
	return (double)best / 1e3;
}

static int bench(void)
{
	static const unsigned sizes[][2] = { { 1280, 720 }, { 1920, 1080 } };
	unsigned count;
	const struct pf_convert_kernel *rows = pf_convert_kernels(&count);

	for (unsigned s = 0; s < 2; s++) {
		unsigned w = sizes[s][0], h = sizes[s][1];
		size_t bytes = (size_t)w * h * 4;
		uint8_t *src = aligned_alloc(64, bytes), *dst = aligned_alloc(64, 2 * bytes);
		uint32_t seed = 1;

		for (size_t i = 0; i < bytes; i++)
			src[i] = (uint8_t)rnd(&seed);
		memset(dst, 0, 2 * bytes);
		printf("%ux%u: memcpy of the source %.0f us\n", w, h,
			time_picture(NULL, NULL, src, dst, w, h, 60));
		for (unsigned i = 0; i < count; i++) {
			const struct pf_convert_kernel *r = &rows[i];
			unsigned n = r->need ? 60 : 10;

			if ((pf_cpu_flags() & r->need) != r->need)
				continue;
			printf("  %-7s us: i420 %5.0f nv12 %5.0f i444 %5.0f i420_10 %5.0f "
			       "i444_10 %5.0f\n",
				r->name, time_picture(r->i420, NULL, src, dst, w, h, n),
				time_picture(r->nv12, NULL, src, dst, w, h, n),
				time_picture(NULL, r->i444, src, dst, w, h, n),
				time_picture(r->i420_10, NULL, src, dst, w, h, n),
				time_picture(NULL, r->i444_10, src, dst, w, h, n));
		}
		free(src);
		free(dst);
	}
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_pick),
	};

	if (argc > 1 && !strcmp(argv[1], "--bench"))
		return bench();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
