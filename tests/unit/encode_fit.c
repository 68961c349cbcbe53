/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/encode/fit.h"
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static uint32_t rnd(uint32_t *s)
{
	*s = *s * 1664525u + 1013904223u;
	return *s >> 8;
}

static struct pf_frame frame_of(uint8_t *px, uint32_t w, uint32_t h, uint32_t stride)
{
	return (struct pf_frame){ .refs = 1,
		.kind = PF_MEM_CPU,
		.format = PF_PIXEL_BGRX,
		.width = w,
		.height = h,
		.plane_count = 1,
		.planes = { px },
		.strides = { stride } };
}

static void inner_is(const struct pf_fit *f, int32_t x, int32_t y, int32_t w, int32_t h)
{
	assert_int_equal(f->inner.x, x);
	assert_int_equal(f->inner.y, y);
	assert_int_equal(f->inner.w, w);
	assert_int_equal(f->inner.h, h);
}

static void test_places(void **state)
{
	struct pf_fit f = pf_fit_of(1920, 1080, 1280, 720);
	double x, y;

	inner_is(&f, 0, 0, 1280, 720);
	f = pf_fit_of(1024, 768, 1280, 720); /* bars left and right */
	inner_is(&f, 160, 0, 960, 720);
	x = 0.5, y = 0.25;
	pf_fit_place(&f, &x, &y);
	assert_true(x == 0.5 && y == 0.25);
	x = 160.0 / 1280, y = 1;
	pf_fit_place(&f, &x, &y);
	assert_true(x == 0 && y == 1);
	x = 0.01, y = 0.5; /* on a bar */
	pf_fit_place(&f, &x, &y);
	assert_true(x == 0 && y == 0.5);
	f = pf_fit_of(1920, 1080, 1280, 800); /* above and below */
	inner_is(&f, 0, 40, 1280, 720);
	f = pf_fit_of(16384, 2, 640, 360);
	inner_is(&f, 0, 178, 640, 2);
	for (uint32_t n = 0, seed = 5; n < 20000; n++) {
		uint32_t w = 2 + rnd(&seed) % 3000, h = 2 + rnd(&seed) % 3000;

		f = pf_fit_of(2 + rnd(&seed) % 16383, 2 + rnd(&seed) % 16383, w, h);
		assert_true(f.inner.w >= 2 && f.inner.h >= 2 && f.inner.x >= 0 && f.inner.y >= 0);
		assert_true((uint32_t)(f.inner.x + f.inner.w) <= w);
		assert_true((uint32_t)(f.inner.y + f.inner.h) <= h);
		assert_int_equal((f.inner.x | f.inner.y | f.inner.w | f.inner.h) & 1, 0);
	}
}

/* The definition in floating point. */
static double sample(
	const struct pf_frame *f, const struct pf_fit *fit, uint32_t x, uint32_t y, int c)
{
	double sx = (x + 0.5) * f->width / fit->inner.w - 0.5;
	double sy = (y + 0.5) * f->height / fit->inner.h - 0.5;
	double v[2];
	uint32_t x0, y0;

	sx = fmin(fmax(sx, 0), f->width - 1);
	sy = fmin(fmax(sy, 0), f->height - 1);
	x0 = (uint32_t)sx, y0 = (uint32_t)sy;
	for (uint32_t i = 0; i < 2; i++) {
		const uint8_t *row = f->planes[0] +
				     (y0 + i < f->height ? y0 + i : y0) * (size_t)f->strides[0] + c;
		uint32_t x1 = x0 + 1 < f->width ? x0 + 1 : x0;

		v[i] = row[4 * x0] * (1 - (sx - x0)) + row[4 * x1] * (sx - x0);
	}
	return v[0] * (1 - (sy - y0)) + v[1] * (sy - y0);
}

static void check(uint32_t from_w, uint32_t from_h, uint32_t w, uint32_t h)
{
	uint32_t stride = 4 * from_w + 20, seed = from_w * 31 + h;
	uint8_t *px = malloc((size_t)stride * from_h);
	struct pf_frame f = frame_of(px, from_w, from_h, stride);
	const struct pf_frame *out;
	struct pf_fitter t = { 0 };
	double most = 0;

	for (size_t i = 0; i < (size_t)stride * from_h; i++)
		px[i] = (uint8_t)rnd(&seed);
	assert_int_equal(pf_fitter_show(&t, &f, w, h, &out), 0);
	assert_true(out->width == w && out->height == h && out->format == PF_PIXEL_BGRX);
	assert_int_equal(out->damage_count, 0);
	for (uint32_t y = 0; y < h; y++)
		for (uint32_t x = 0; x < w; x++) {
			const uint8_t *got = out->planes[0] + y * (size_t)out->strides[0] + 4 * x;
			int64_t ix = (int64_t)x - t.fit.inner.x, iy = (int64_t)y - t.fit.inner.y;
			bool in = ix >= 0 && iy >= 0 && ix < t.fit.inner.w && iy < t.fit.inner.h;

			for (int c = 0; c < 3; c++) {
				double want =
					in ? sample(&f, &t.fit, (uint32_t)ix, (uint32_t)iy, c) : 0;

				most = fmax(most, fabs(got[c] - want));
			}
		}
	/* Two roundings, and places in 256ths of a pixel between black and white. */
	if (most > 3)
		fail_msg("%ux%u in %ux%u: off by %.2f", from_w, from_h, w, h, most);
	pf_fitter_finish(&t);
	free(px);
}

static void test_pixels(void **state)
{
	check(64, 36, 64, 36);
	check(64, 36, 128, 72);
	check(128, 72, 64, 36);
	check(101, 77, 64, 36);
	check(33, 100, 200, 30);
	check(2, 2, 50, 40);
	check(300, 2, 20, 20);
}

/* The same size gives the same pixels. */
static void test_identity(void **state)
{
	uint8_t px[16 * 16 * 4];
	struct pf_frame f = frame_of(px, 16, 16, 64);
	const struct pf_frame *out;
	struct pf_fitter t = { 0 };

	for (size_t i = 0; i < sizeof(px); i++)
		px[i] = (uint8_t)(i * 37);
	assert_int_equal(pf_fitter_show(&t, &f, 16, 16, &out), 0);
	assert_memory_equal(out->planes[0], px, sizeof(px));
	pf_fitter_finish(&t);
	pf_fitter_finish(&t);
}

/* Drawing what changed gives the whole picture, and the damage names what differs. */
static void test_damage(void **state)
{
	const uint32_t fw = 90, fh = 50, w = 64, h = 40;
	uint8_t *px = calloc(fh, 4 * fw), *before = calloc(h, 4 * w);
	struct pf_fitter part = { 0 }, whole = { 0 };
	struct pf_frame f = frame_of(px, fw, fh, 4 * fw);
	const struct pf_frame *a, *b;
	uint32_t seed = 3;

	for (unsigned n = 0; n < 400; n++) {
		f.seq = n;
		f.damage_count = n ? 1 + rnd(&seed) % 3 : 0;
		for (unsigned i = 0; i < f.damage_count; i++) {
			struct pf_rect r = { (int32_t)(rnd(&seed) % 100) - 5,
				(int32_t)(rnd(&seed) % 60) - 5, (int32_t)(rnd(&seed) % 9),
				(int32_t)(rnd(&seed) % 9) };

			f.damage[i] = r;
			for (int32_t y = r.y; y < r.y + r.h; y++)
				for (int32_t x = r.x; x < r.x + r.w; x++)
					if (x >= 0 && y >= 0 && x < (int32_t)fw && y < (int32_t)fh)
						px[4 * (y * (int32_t)fw + x)] = (uint8_t)rnd(&seed);
		}
		assert_int_equal(pf_fitter_show(&part, &f, w, h, &a), 0);
		pf_fitter_finish(&whole);
		assert_int_equal(pf_fitter_show(&whole, &f, w, h, &b), 0);
		assert_memory_equal(a->planes[0], b->planes[0], 4 * w * h);
		assert_int_equal(a->damage_count > 0, n > 0);
		for (uint32_t y = 0; n && y < h; y++)
			for (uint32_t x = 0; x < w; x++) {
				bool named = false;

				if (!memcmp(before + 4 * (y * w + x),
					    a->planes[0] + 4 * (y * w + x), 4))
					continue;
				for (unsigned i = 0; i < a->damage_count; i++) {
					const struct pf_rect *r = &a->damage[i];

					named |= (int32_t)x >= r->x && (int32_t)x < r->x + r->w &&
						 (int32_t)y >= r->y && (int32_t)y < r->y + r->h;
				}
				assert_true(named);
			}
		memcpy(before, a->planes[0], 4 * w * h);
	}
	pf_fitter_finish(&part);
	pf_fitter_finish(&whole);
	free(before);
	free(px);
}

static void test_refusals(void **state)
{
	uint8_t px[16 * 16 * 4] = { 0 };
	struct pf_frame f = frame_of(px, 16, 16, 64);
	const struct pf_frame *out = NULL;
	struct pf_fitter t = { 0 };

	f.kind = PF_MEM_DMABUF;
	assert_int_equal(pf_fitter_show(&t, &f, 8, 8, &out), -EINVAL);
	f = frame_of(px, 16, 16, 63);
	assert_int_equal(pf_fitter_show(&t, &f, 8, 8, &out), -EINVAL);
	f = frame_of(px, 1, 16, 64);
	assert_int_equal(pf_fitter_show(&t, &f, 8, 8, &out), -EINVAL);
	f = frame_of(px, 16, 16, 64);
	f.format = PF_PIXEL_NV12;
	assert_int_equal(pf_fitter_show(&t, &f, 8, 8, &out), -EINVAL);
	f.format = PF_PIXEL_BGRX;
	assert_int_equal(pf_fitter_show(&t, &f, 0, 8, &out), -EINVAL);
	assert_int_equal(pf_fitter_show(&t, &f, 8, 16386, &out), -EINVAL);
	assert_null(out);
	pf_fitter_finish(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_pixels),
		cmocka_unit_test(test_identity),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
