/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/encode/convert.h"
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define W 70
#define H 36
/* Codes: half a step of rounding, and what 8-bit multipliers lose. */
#define MAX_ERROR    0.6
#define MAX_ERROR_10 0.9

static uint32_t rnd(uint32_t *s)
{
	*s = *s * 1664525u + 1013904223u;
	return *s >> 8;
}

static void flat(uint8_t *px, size_t stride, uint8_t r, uint8_t g, uint8_t b)
{
	for (unsigned y = 0; y < 2; y++)
		for (unsigned x = 0; x < 16; x++)
			memcpy(px + y * stride + 4 * x, (uint8_t[]){ b, g, r, 0x5a }, 4);
}

static double code_10(const uint8_t *plane, unsigned x)
{
	uint16_t v;

	memcpy(&v, plane + 2 * (size_t)x, 2);
	return v;
}

static void near(double got, double want, double error)
{
	if (fabs(got - want) > error)
		fail_msg("%.0f instead of %.2f", got, want);
}

/* The three other shapes of the same two rows: 4:4:4, and 10 bits of both. */
static void check_shapes(
	const struct pf_colour *colour, const uint8_t *px, double y, double cb, double cr)
{
	const struct pf_convert_kernel *kernel = pf_convert_pick();
	double luma_10 = colour->full_range ? 1023 : 876,
	       chroma_10 = colour->full_range ? 1023 : 896;
	double luma = colour->full_range ? 255 : 219, chroma = colour->full_range ? 255 : 224;
	double offset = colour->full_range ? 0 : 16;
	uint8_t y0[32], y1[32], u[32], v[32];
	struct pf_convert_coef k;

	assert_int_equal(pf_convert_coef(&k, PF_PIXEL_BGRX, colour), 0);
	kernel->i444(&k, px, 16, y0, u, v);
	near(y0[5], y * luma + offset, MAX_ERROR);
	near(u[15], fmin(cb * chroma + 128, 255), MAX_ERROR);
	near(v[0], fmin(cr * chroma + 128, 255), MAX_ERROR);
	assert_int_equal(pf_convert_coef_10(&k, PF_PIXEL_BGRX, colour), 0);
	kernel->i444_10(&k, px, 16, y0, u, v);
	near(code_10(y0, 15), y * luma_10 + 4 * offset, MAX_ERROR_10);
	near(code_10(u, 1), fmin(cb * chroma_10 + 512, 1023), MAX_ERROR_10);
	near(code_10(v, 8), fmin(cr * chroma_10 + 512, 1023), MAX_ERROR_10);
	kernel->i420_10(&k, px, px + 64, 16, false, y0, y1, u, v);
	near(code_10(y0, 0), y * luma_10 + 4 * offset, MAX_ERROR_10);
	assert_memory_equal(y0, y1, 32);
	near(code_10(u, 7), fmin(cb * chroma_10 + 512, 1023), MAX_ERROR_10);
	near(code_10(v, 0), fmin(cr * chroma_10 + 512, 1023), MAX_ERROR_10);
}

static void check_colour(double kr, double kb, const struct pf_colour *colour)
{
	const struct pf_convert_kernel *kernel = pf_convert_pick();
	double luma = colour->full_range ? 255 : 219, chroma = colour->full_range ? 255 : 224;
	double offset = colour->full_range ? 0 : 16;
	struct pf_convert_coef k;
	uint8_t px[2 * 64], y0[16], y1[16], u[8], v[8];

	assert_int_equal(pf_convert_coef(&k, PF_PIXEL_BGRX, colour), 0);
	for (int r = 0; r <= 255; r += 15)
		for (int g = 0; g <= 255; g += 15)
			for (int b = 0; b <= 255; b += 15) {
				double y = (kr * r + (1 - kr - kb) * g + kb * b) / 255;
				double cb = (b / 255.0 - y) / (2 * (1 - kb)) * chroma + 128;
				double cr = (r / 255.0 - y) / (2 * (1 - kr)) * chroma + 128;

				flat(px, 64, (uint8_t)r, (uint8_t)g, (uint8_t)b);
				kernel->i420(&k, px, px + 64, 16, false, y0, y1, u, v);
				assert_true(fabs(y0[3] - (y * luma + offset)) <= MAX_ERROR);
				assert_int_equal(y1[15], y0[3]);
				assert_true(fabs(u[7] - fmin(cb, 255)) <= MAX_ERROR);
				assert_true(fabs(v[0] - fmin(cr, 255)) <= MAX_ERROR);
				check_shapes(
					colour, px, y, (cb - 128) / chroma, (cr - 128) / chroma);
			}
}

/* Against the definition in floating point: off by rounding and a tenth of a code at most. */
static void test_flat_colours(void **state)
{
	check_colour(0.2126, 0.0722, &(struct pf_colour){ 1, 1, 1, false });
	check_colour(0.2126, 0.0722, &(struct pf_colour){ 1, 1, 1, true });
	check_colour(0.299, 0.114, &(struct pf_colour){ 6, 6, 6, false });
	check_colour(0.299, 0.114, &(struct pf_colour){ 6, 6, 6, true });
	check_colour(0.2627, 0.0593, &(struct pf_colour){ 9, 14, 9, false });
	check_colour(0.2627, 0.0593, &(struct pf_colour){ 9, 14, 9, true });
}

/* The named colours of BT.709 limited range as every table gives them. */
static void test_known_codes(void **state)
{
	static const uint8_t known[][6] = {
		{ 0, 0, 0, 16, 128, 128 },
		{ 255, 255, 255, 235, 128, 128 },
		{ 255, 0, 0, 63, 102, 240 },
		{ 0, 255, 0, 173, 42, 26 },
		{ 0, 0, 255, 32, 240, 118 },
		{ 255, 255, 0, 219, 16, 138 },
	};
	struct pf_colour bt709 = PF_COLOUR_BT709;
	struct pf_convert_coef k;
	uint8_t px[2 * 64], y0[16], y1[16], u[8], v[8];

	assert_int_equal(pf_convert_coef(&k, PF_PIXEL_BGRX, &bt709), 0);
	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		flat(px, 64, known[i][0], known[i][1], known[i][2]);
		pf_convert_pick()->i420(&k, px, px + 64, 16, false, y0, y1, u, v);
		assert_int_equal(y0[0], known[i][3]);
		assert_int_equal(u[0], known[i][4]);
		assert_int_equal(v[0], known[i][5]);
	}
}

static void test_grey_has_no_colour(void **state)
{
	struct pf_colour bt709 = PF_COLOUR_BT709;
	struct pf_convert_coef k;
	uint8_t px[2 * 64], y0[16], y1[16], u[8], v[8];
	uint8_t last = 0;

	assert_int_equal(pf_convert_coef(&k, PF_PIXEL_BGRX, &bt709), 0);
	for (int g = 0; g < 256; g++) {
		flat(px, 64, (uint8_t)g, (uint8_t)g, (uint8_t)g);
		pf_convert_pick()->i420(&k, px, px + 64, 16, false, y0, y1, u, v);
		assert_int_equal(u[3], 128);
		assert_int_equal(v[3], 128);
		assert_true(y0[0] >= last);
		last = y0[0];
	}
	for (int full = 0; full < 2; full++) {
		double before = -1;

		bt709.full_range = full;
		assert_int_equal(pf_convert_coef_10(&k, PF_PIXEL_BGRX, &bt709), 0);
		for (int g = 0; g < 256; g++) {
			uint8_t y10[32], u10[32], v10[32];

			flat(px, 64, (uint8_t)g, (uint8_t)g, (uint8_t)g);
			pf_convert_pick()->i444_10(&k, px, 16, y10, u10, v10);
			assert_true(code_10(u10, 3) == 512 && code_10(v10, 3) == 512);
			/* Ten bits keep all greys of eight apart. */
			assert_true(code_10(y10, 3) > before);
			before = code_10(y10, 3);
		}
		assert_true(before == (full ? 1023 : 940));
	}
}

/* One coloured column: which chroma samples see it tells where they sit. */
static void test_chroma_site(void **state)
{
	struct pf_colour bt709 = PF_COLOUR_BT709;
	struct pf_convert_coef k;
	uint8_t px[2 * 64], y0[16], y1[16], u[8], v[8];

	assert_int_equal(pf_convert_coef(&k, PF_PIXEL_BGRX, &bt709), 0);
	for (int column = 4; column <= 5; column++) {
		flat(px, 64, 0, 0, 0);
		for (int row = 0; row < 2; row++)
			px[row * 64 + 4 * column] = 255;
		pf_convert_pick()->i420(&k, px, px + 64, 16, false, y0, y1, u, v);
		if (column == 4) { /* an even column: one sample, half of its weight */
			assert_int_equal(u[1], 128);
			assert_int_equal(u[2], 128 + 56);
			assert_int_equal(u[3], 128);
		} else { /* an odd column: a quarter for either neighbour */
			assert_int_equal(u[2], 128 + 28);
			assert_int_equal(u[3], 128 + 28);
			assert_int_equal(u[4], 128);
		}
	}
}

static void test_rgbx_is_bgrx_swapped(void **state)
{
	struct pf_colour bt709 = PF_COLOUR_BT709;
	struct pf_convert_coef bgrx, rgbx;
	uint8_t a[2 * 64], b[2 * 64], y0[2][16], y1[2][16], u[2][8], v[2][8];
	uint32_t seed = 3;

	assert_int_equal(pf_convert_coef(&bgrx, PF_PIXEL_BGRX, &bt709), 0);
	assert_int_equal(pf_convert_coef(&rgbx, PF_PIXEL_RGBX, &bt709), 0);
	for (int n = 0; n < 200; n++) {
		for (unsigned i = 0; i < sizeof(a); i += 4) {
			for (unsigned c = 0; c < 4; c++)
				a[i + c] = (uint8_t)rnd(&seed);
			memcpy(b + i, (uint8_t[]){ a[i + 2], a[i + 1], a[i], a[i + 3] }, 4);
		}
		pf_convert_pick()->i420(&bgrx, a, a + 64, 16, false, y0[0], y1[0], u[0], v[0]);
		pf_convert_pick()->i420(&rgbx, b, b + 64, 16, false, y0[1], y1[1], u[1], v[1]);
		for (unsigned x = 0; x < 16; x++)
			assert_in_range(y0[0][x] - y0[1][x] + 1, 0, 2);
		for (unsigned x = 0; x < 8; x++) {
			assert_in_range(u[0][x] - u[1][x] + 1, 0, 2);
			assert_in_range(v[0][x] - v[1][x] + 1, 0, 2);
		}
	}
}

static void fill(struct pf_frame *f, uint8_t *px, uint32_t width, uint32_t height, uint32_t stride)
{
	*f = (struct pf_frame){ .kind = PF_MEM_CPU,
		.format = PF_PIXEL_BGRX,
		.width = width,
		.height = height,
		.plane_count = 1,
		.planes = { px },
		.strides = { stride } };
}

/* Width of a row of plane `i` in bytes, and how many there are. */
static unsigned row_bytes(const struct pf_picture *p, int i)
{
	bool whole = p->format == PF_PIXEL_I444 || p->format == PF_PIXEL_I444_10;
	bool ten = p->format == PF_PIXEL_I420_10 || p->format == PF_PIXEL_I444_10;
	unsigned width = !i || whole || p->format == PF_PIXEL_NV12 ? p->width : p->width / 2;

	return width * (ten ? 2 : 1);
}

static void assert_same_picture(const struct pf_picture *a, const struct pf_picture *b)
{
	bool whole = a->format == PF_PIXEL_I444 || a->format == PF_PIXEL_I444_10;

	for (int i = 0; i < (a->format == PF_PIXEL_NV12 ? 2 : 3); i++)
		for (unsigned y = 0; y < (!i || whole ? a->height : a->height / 2); y++)
			assert_memory_equal(a->planes[i] + y * a->strides[i],
				b->planes[i] + y * b->strides[i], row_bytes(a, i));
}

/* Every pixel of a picture of 4:4:4 has its own colour: no neighbour bleeds in. */
static void test_444_is_sharp(void **state)
{
	static const enum pf_pixel_format formats[] = { PF_PIXEL_I444, PF_PIXEL_I444_10 };
	struct pf_colour bt709 = PF_COLOUR_BT709;
	uint8_t *px = calloc(H, 4 * W);
	struct pf_frame f = { .kind = PF_MEM_CPU,
		.format = PF_PIXEL_BGRX,
		.width = W,
		.height = H,
		.plane_count = 1,
		.planes = { px },
		.strides = { 4 * W } };

	for (unsigned y = 0; y < H; y++)
		for (unsigned x = 0; x < W; x++) {
			px[4 * (y * W + x) + 0] = (x + y) % 2 ? 255 : 0;
			px[4 * (y * W + x) + 2] = (x + y) % 2 ? 0 : 255;
		}
	for (int i = 0; i < 2; i++) {
		struct pf_picture p;

		assert_int_equal(pf_picture_init(&p, formats[i], W, H, &bt709), 0);
		assert_int_equal(pf_picture_update(&p, &f), 0);
		for (unsigned y = 0; y < H; y++)
			for (unsigned x = 0; x < W; x++) {
				const uint8_t *u = p.planes[1] + (size_t)y * p.strides[1];
				const uint8_t *v = p.planes[2] + (size_t)y * p.strides[2];
				double cb = i ? code_10(u, x) / 4 : u[x];
				double cr = i ? code_10(v, x) / 4 : v[x];

				/* Blue and red as test_known_codes has them. */
				near(cb, (x + y) % 2 ? 240 : 102, 0.6);
				near(cr, (x + y) % 2 ? 118 : 240, 0.6);
			}
		pf_picture_finish(&p);
	}
	free(px);
}

/* Random small changes: converting only the damage gives the whole picture. */
static void test_damage(void **state)
{
	struct pf_colour bt709 = PF_COLOUR_BT709;
	uint32_t stride = 4 * W + 12, seed = 11;
	uint8_t *px = malloc((size_t)stride * H);
	struct pf_picture part, whole;
	struct pf_frame f;

	for (enum pf_pixel_format format = PF_PIXEL_I420; format <= PF_PIXEL_I444_10; format++) {
		assert_int_equal(pf_picture_init(&part, format, W, H, &bt709), 0);
		memset(px, 0x40, (size_t)stride * H);
		fill(&f, px, W, H, stride);
		for (unsigned n = 0; n < 300; n++) {
			f.seq = n;
			f.damage_count = n ? 1 + rnd(&seed) % 3 : 0;
			for (unsigned i = 0; i < f.damage_count; i++) {
				int32_t x = (int32_t)(rnd(&seed) % (W + 20)) - 10;
				int32_t y = (int32_t)(rnd(&seed) % (H + 20)) - 10;
				int32_t w = (int32_t)(rnd(&seed) % 9),
					h = (int32_t)(rnd(&seed) % 9);

				f.damage[i] = (struct pf_rect){ x, y, w, h };
				for (int32_t yy = y; yy < y + h; yy++)
					for (int32_t xx = x; xx < x + w; xx++)
						if (xx >= 0 && yy >= 0 && xx < W && yy < H)
							px[yy * (int32_t)stride + 4 * xx +
								rnd(&seed) % 3] =
								(uint8_t)rnd(&seed);
			}
			assert_int_equal(pf_picture_update(&part, &f), 0);
			assert_int_equal(pf_picture_init(&whole, format, W, H, &bt709), 0);
			assert_int_equal(pf_picture_update(&whole, &f), 0);
			assert_same_picture(&part, &whole);
			pf_picture_finish(&whole);
		}
		assert_true(part.pixels < 300ull * W * H / 5);
		pf_picture_finish(&part);
	}
	free(px);
}

/* A frame that was never seen may have changed anything. */
static void test_gap_converts_all(void **state)
{
	struct pf_colour bt709 = PF_COLOUR_BT709;
	uint8_t *px = calloc(H, 4 * W);
	struct pf_picture p;
	struct pf_frame f;
	uint64_t before;

	assert_int_equal(pf_picture_init(&p, PF_PIXEL_NV12, W, H, &bt709), 0);
	fill(&f, px, W, H, 4 * W);
	f.seq = 5;
	f.damage_count = 1;
	f.damage[0] = (struct pf_rect){ 0, 0, 2, 2 };
	assert_int_equal(pf_picture_update(&p, &f), 0);
	assert_int_equal(p.pixels, W * H);
	f.seq = 6;
	before = p.pixels;
	assert_int_equal(pf_picture_update(&p, &f), 0);
	assert_int_equal(p.pixels - before, 8);
	f.seq = 8;
	before = p.pixels;
	assert_int_equal(pf_picture_update(&p, &f), 0);
	assert_int_equal(p.pixels - before, W * H);
	f.seq = 9;
	f.damage[0] = (struct pf_rect){ INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX };
	before = p.pixels;
	assert_int_equal(pf_picture_update(&p, &f), 0);
	assert_int_equal(p.pixels, before);
	f.seq = 10;
	f.damage[0] = (struct pf_rect){ INT32_MIN, INT32_MIN, INT32_MAX, INT32_MAX };
	assert_int_equal(pf_picture_update(&p, &f), 0);
	assert_int_equal(p.pixels, before);
	f.seq = 11;
	f.format = PF_PIXEL_RGBX;
	assert_int_equal(pf_picture_update(&p, &f), 0);
	assert_int_equal(p.pixels - before, W * H);
	pf_picture_finish(&p);
	free(px);
}

static void test_refusals(void **state)
{
	struct pf_colour bt709 = PF_COLOUR_BT709, strange = { 1, 1, 4, false };
	uint8_t px[4 * 4 * 4] = { 0 };
	struct pf_picture p;
	struct pf_frame f;

	assert_int_equal(pf_picture_init(&p, PF_PIXEL_NV12, 3, 4, &bt709), -EINVAL);
	assert_int_equal(pf_picture_init(&p, PF_PIXEL_NV12, 4, 3, &bt709), -EINVAL);
	assert_int_equal(pf_picture_init(&p, PF_PIXEL_NV12, 0, 4, &bt709), -EINVAL);
	assert_int_equal(pf_picture_init(&p, PF_PIXEL_NV12, 4, 16386, &bt709), -EINVAL);
	assert_int_equal(pf_picture_init(&p, PF_PIXEL_BGRX, 4, 4, &bt709), -EINVAL);
	assert_int_equal(pf_picture_init(&p, PF_PIXEL_NV12, 4, 4, &strange), -EINVAL);
	assert_int_equal(pf_picture_init(&p, PF_PIXEL_NV12, 4, 4, &bt709), 0);
	fill(&f, px, 4, 4, 16);
	assert_int_equal(pf_picture_update(&p, &f), 0);
	f.kind = PF_MEM_DMABUF;
	assert_int_equal(pf_picture_update(&p, &f), -EINVAL);
	fill(&f, px, 4, 4, 15);
	assert_int_equal(pf_picture_update(&p, &f), -EINVAL);
	fill(&f, px, 2, 4, 16);
	assert_int_equal(pf_picture_update(&p, &f), -EINVAL);
	fill(&f, px, 4, 4, 16);
	f.format = PF_PIXEL_I420;
	assert_int_equal(pf_picture_update(&p, &f), -EINVAL);
	pf_picture_finish(&p);
	pf_picture_finish(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flat_colours),
		cmocka_unit_test(test_known_codes),
		cmocka_unit_test(test_grey_has_no_colour),
		cmocka_unit_test(test_chroma_site),
		cmocka_unit_test(test_rgbx_is_bgrx_swapped),
		cmocka_unit_test(test_444_is_sharp),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_gap_converts_all),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
