/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/encode/convert.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/cpu.h"
#include "host/encode/convert_x86.h"

#define SHIFT	 22
#define SHIFT_10 20

static inline int32_t weigh(const struct pf_convert_coef *k, unsigned i, const uint8_t *p)
{
	int32_t w0 = p[0] * k->m[i][0] + p[1] * k->m[i][1];
	int32_t w1 = p[2] * k->m[i][2] + p[3] * k->m[i][3];

	return w0 * k->c[i][0] + w1 * k->c[i][1] + k->bias[i];
}

static inline void put(uint8_t *row, unsigned x, int32_t v, bool ten)
{
	uint16_t s;

	v >>= ten ? SHIFT_10 : SHIFT;
	if (!ten) {
		row[x] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
		return;
	}
	s = (uint16_t)(v < 0 ? 0 : v > 1023 ? 1023 : v);
	memcpy(row + 2 * (size_t)x, &s, 2);
}

static inline unsigned avg(unsigned a, unsigned b)
{
	return (a + b + 1) >> 1;
}

static inline void rows_c(const struct pf_convert_coef *k, const uint8_t *r0, const uint8_t *r1,
	unsigned width, bool left, uint8_t *y0, uint8_t *y1, uint8_t *u, uint8_t *v, unsigned step,
	bool ten)
{
	for (unsigned x = 0; x < width; x++) {
		put(y0, x, weigh(k, 0, r0 + 4 * x), ten);
		put(y1, x, weigh(k, 0, r1 + 4 * x), ten);
	}
	for (unsigned x = 0; x < width; x += 2) {
		const uint8_t *a = r0 + 4 * x, *b = r1 + 4 * x;
		int before = x || left ? -4 : 0;
		uint8_t p[4];

		for (int i = 0; i < 4; i++) {
			unsigned sides =
				avg(avg(a[i + before], b[i + before]), avg(a[i + 4], b[i + 4]));

			p[i] = (uint8_t)avg(sides, avg(a[i], b[i]));
		}
		put(u, x / 2 * step, weigh(k, 1, p), ten);
		put(v, x / 2 * step, weigh(k, 2, p), ten);
	}
}

void pf_convert_i420_c(const struct pf_convert_coef *k, const uint8_t *r0, const uint8_t *r1,
	unsigned width, bool left, uint8_t *y0, uint8_t *y1, uint8_t *u, uint8_t *v)
{
	rows_c(k, r0, r1, width, left, y0, y1, u, v, 1, false);
}

void pf_convert_nv12_c(const struct pf_convert_coef *k, const uint8_t *r0, const uint8_t *r1,
	unsigned width, bool left, uint8_t *y0, uint8_t *y1, uint8_t *u, uint8_t *v)
{
	rows_c(k, r0, r1, width, left, y0, y1, u, u + 1, 2, false);
}

void pf_convert_i420_10_c(const struct pf_convert_coef *k, const uint8_t *r0, const uint8_t *r1,
	unsigned width, bool left, uint8_t *y0, uint8_t *y1, uint8_t *u, uint8_t *v)
{
	rows_c(k, r0, r1, width, left, y0, y1, u, v, 1, true);
}

void pf_convert_i444_c(const struct pf_convert_coef *k, const uint8_t *row, unsigned width,
	uint8_t *y, uint8_t *u, uint8_t *v)
{
	for (unsigned x = 0; x < width; x++) {
		put(y, x, weigh(k, 0, row + 4 * x), false);
		put(u, x, weigh(k, 1, row + 4 * x), false);
		put(v, x, weigh(k, 2, row + 4 * x), false);
	}
}

void pf_convert_i444_10_c(const struct pf_convert_coef *k, const uint8_t *row, unsigned width,
	uint8_t *y, uint8_t *u, uint8_t *v)
{
	for (unsigned x = 0; x < width; x++) {
		put(y, x, weigh(k, 0, row + 4 * x), true);
		put(u, x, weigh(k, 1, row + 4 * x), true);
		put(v, x, weigh(k, 2, row + 4 * x), true);
	}
}

#define ROW(name, need)                                                                            \
	{                                                                                          \
#name, need, pf_convert_i420_##name, pf_convert_nv12_##name,                       \
			pf_convert_i444_##name, pf_convert_i420_10_##name,                         \
			pf_convert_i444_10_##name                                                  \
	}

static const struct pf_convert_kernel kernels[] = {
#ifdef PF_CONVERT_X86
	ROW(avx512, PF_CPU_AVX512),
	ROW(avx2, PF_CPU_AVX2),
	ROW(ssse3, PF_CPU_SSSE3),
#endif
	ROW(c, 0),
};

const struct pf_convert_kernel *pf_convert_kernels(unsigned *count)
{
	*count = sizeof(kernels) / sizeof(kernels[0]);
	return kernels;
}

const struct pf_convert_kernel *pf_convert_pick(void)
{
	const struct pf_convert_kernel *k = kernels;

	while ((pf_cpu_flags() & k->need) != k->need)
		k++;
	return k;
}

/* Two bytes' weights a, b as small multipliers p, q under one 16-bit factor:
 * p/q nearest to a/b with |p| + |q| <= 128 keeps the sum of products within 16
 * bits (saturating multiply-add) and the error of a sample below a tenth of a code. */
static void fit_pair(double a, double b, int8_t *p, int8_t *q, int16_t *factor)
{
	double scale = 1 << SHIFT;
	double best = 1e9;

	for (int i = 0; i <= 127; i++)
		for (int j = 0; j <= 127 && i + j <= 128; j++) {
			double s, err;

			if (!i && !j)
				continue;
			s = round((fabs(a) * i + fabs(b) * j) / (i * i + j * j) * scale);
			if (s > 32767)
				continue;
			err = fabs(fabs(a) * scale - s * i) + fabs(fabs(b) * scale - s * j);
			if (err < best) {
				best = err;
				*p = (int8_t)(a < 0 ? -i : i);
				*q = (int8_t)(b < 0 ? -j : j);
				*factor = (int16_t)s;
			}
		}
}

static int make_coef(struct pf_convert_coef *k, enum pf_pixel_format format,
	const struct pf_colour *colour, bool ten)
{
	/* A sample of 10 bits comes out of a shift by two less. */
	double full = ten ? 1023.0 / (4 * 255) : 1;
	double one = 1 << (ten ? SHIFT_10 : SHIFT);
	double kr, kb, kg, luma, chroma;
	double w[3][3]; /* Y, Cb, Cr of R, G, B */

	switch (colour->matrix) {
	case 1:
		kr = 0.2126, kb = 0.0722;
		break;
	case 5:
	case 6:
		kr = 0.299, kb = 0.114;
		break;
	case 9:
		kr = 0.2627, kb = 0.0593;
		break;
	default:
		return -EINVAL;
	}
	if (format != PF_PIXEL_BGRX && format != PF_PIXEL_RGBX)
		return -EINVAL;
	kg = 1 - kr - kb;
	luma = colour->full_range ? full : 219.0 / 255;
	chroma = (colour->full_range ? full : 224.0 / 255) / 2;
	w[0][0] = kr * luma, w[0][1] = kg * luma, w[0][2] = kb * luma;
	w[1][0] = -kr / (1 - kb) * chroma, w[1][1] = -kg / (1 - kb) * chroma, w[1][2] = chroma;
	w[2][0] = chroma, w[2][1] = -kg / (1 - kr) * chroma, w[2][2] = -kb / (1 - kr) * chroma;

	memset(k, 0, sizeof(*k));
	for (int i = 0; i < 3; i++) {
		double first = format == PF_PIXEL_BGRX ? w[i][2] : w[i][0];
		double third = format == PF_PIXEL_BGRX ? w[i][0] : w[i][2];
		double offset = (i ? 128 : colour->full_range ? 0 : 16) * (ten ? 4 : 1);

		fit_pair(first, w[i][1], &k->m[i][0], &k->m[i][1], &k->c[i][0]);
		fit_pair(third, 0, &k->m[i][2], &k->m[i][3], &k->c[i][1]);
		k->bias[i] = (int32_t)((offset + 0.5) * one);
	}
	return 0;
}

int pf_convert_coef(
	struct pf_convert_coef *k, enum pf_pixel_format format, const struct pf_colour *colour)
{
	return make_coef(k, format, colour, false);
}

int pf_convert_coef_10(
	struct pf_convert_coef *k, enum pf_pixel_format format, const struct pf_colour *colour)
{
	return make_coef(k, format, colour, true);
}

static bool is_ten(const struct pf_picture *p)
{
	return p->format == PF_PIXEL_I420_10 || p->format == PF_PIXEL_I444_10;
}

static bool is_444(const struct pf_picture *p)
{
	return p->format == PF_PIXEL_I444 || p->format == PF_PIXEL_I444_10;
}

static void fill_plane(const struct pf_picture *p, uint8_t *plane, size_t bytes, unsigned value)
{
	uint16_t ten = (uint16_t)(4 * value);

	if (!is_ten(p))
		memset(plane, (int)value, bytes);
	else
		for (size_t i = 0; i < bytes; i += 2)
			memcpy(plane + i, &ten, 2);
}

int pf_picture_init(struct pf_picture *p, enum pf_pixel_format format, uint32_t width,
	uint32_t height, const struct pf_colour *colour)
{
	bool nv12 = format == PF_PIXEL_NV12;
	size_t luma_bytes, chroma_bytes;
	uint32_t chroma;

	if (format < PF_PIXEL_I420 || format > PF_PIXEL_I444_10 || !width || !height ||
		width > 16384 || height > 16384 || width % 2 || height % 2)
		return -EINVAL;
	*p = (struct pf_picture){ .format = format,
		.width = width,
		.height = height,
		.colour = *colour,
		.kernel = pf_convert_pick(),
		.source = PF_PIXEL_BGRX };
	if (make_coef(&p->coef, p->source, colour, is_ten(p)))
		return -EINVAL;
	chroma = nv12 || is_444(p) ? width : width / 2;
	p->strides[0] = (width * (is_ten(p) ? 2 : 1) + 63) & ~63u;
	p->strides[1] = (chroma * (is_ten(p) ? 2 : 1) + 63) & ~63u;
	p->strides[2] = nv12 ? 0 : p->strides[1];
	luma_bytes = (size_t)p->strides[0] * height;
	chroma_bytes = (size_t)p->strides[1] * (is_444(p) ? height : height / 2);
	p->bytes = luma_bytes + (nv12 ? 1 : 2) * chroma_bytes;
	p->planes[0] = aligned_alloc(64, p->bytes);
	if (!p->planes[0])
		return -ENOMEM;
	p->planes[1] = p->planes[0] + luma_bytes;
	p->planes[2] = nv12 ? NULL : p->planes[1] + chroma_bytes;
	fill_plane(p, p->planes[0], luma_bytes, colour->full_range ? 0 : 16);
	fill_plane(p, p->planes[1], p->bytes - luma_bytes, 128);
	return 0;
}

void pf_picture_finish(struct pf_picture *p)
{
	free(p->planes[0]);
	memset(p, 0, sizeof(*p));
}

/* 4:4:4 */
static void convert_rows(struct pf_picture *p, const struct pf_frame *f, uint32_t x0, uint32_t y0,
	uint32_t x1, uint32_t y1)
{
	pf_convert_row_fn fn = is_ten(p) ? p->kernel->i444_10 : p->kernel->i444;

	for (uint32_t row = y0; row < y1; row++) {
		size_t at = (size_t)row * p->strides[0] + x0 * (is_ten(p) ? 2 : 1);

		fn(&p->coef, f->planes[0] + (size_t)row * f->strides[0] + 4 * (size_t)x0, x1 - x0,
			p->planes[0] + at, p->planes[1] + at, p->planes[2] + at);
	}
}

static void convert_pairs(struct pf_picture *p, const struct pf_frame *f, uint32_t x0, uint32_t y0,
	uint32_t x1, uint32_t y1)
{
	bool nv12 = p->format == PF_PIXEL_NV12;
	unsigned bytes = is_ten(p) ? 2 : 1;
	pf_convert_fn fn = nv12	       ? p->kernel->nv12
			   : is_ten(p) ? p->kernel->i420_10
				       : p->kernel->i420;
	const uint8_t *src = f->planes[0] + (size_t)y0 * f->strides[0] + 4 * (size_t)x0;
	uint8_t *y = p->planes[0] + (size_t)y0 * p->strides[0] + x0 * bytes;
	size_t at = (size_t)(y0 / 2) * p->strides[1] + (nv12 ? x0 : x0 / 2 * bytes);
	uint8_t *u = p->planes[1] + at;
	uint8_t *v = nv12 ? NULL : p->planes[2] + at;

	for (uint32_t row = y0; row < y1; row += 2) {
		fn(&p->coef, src, src + f->strides[0], x1 - x0, x0 > 0, y, y + p->strides[0], u, v);
		src += 2 * (size_t)f->strides[0];
		y += 2 * (size_t)p->strides[0];
		u += p->strides[1];
		if (v)
			v += p->strides[2];
	}
}

static void convert_area(struct pf_picture *p, const struct pf_frame *f, uint32_t x0, uint32_t y0,
	uint32_t x1, uint32_t y1)
{
	if (is_444(p))
		convert_rows(p, f, x0, y0, x1, y1);
	else
		convert_pairs(p, f, x0, y0, x1, y1);
	p->pixels += (uint64_t)(x1 - x0) * (y1 - y0);
}

/* Cuts a rectangle to the picture and grows it to whole 2x2 blocks, one more to
 * the right: a chroma sample also looks at the column left of it. */
static bool fit_rect(const struct pf_picture *p, const struct pf_rect *r, uint32_t out[4])
{
	int64_t x0 = r->x, y0 = r->y, x1 = x0 + r->w, y1 = y0 + r->h;

	x0 = x0 < 0 ? 0 : x0;
	y0 = y0 < 0 ? 0 : y0;
	x1 = x1 > p->width ? p->width : x1;
	y1 = y1 > p->height ? p->height : y1;
	if (x0 >= x1 || y0 >= y1)
		return false;
	x1 = (x1 + 2) & ~1ll;
	out[0] = (uint32_t)x0 & ~1u;
	out[1] = (uint32_t)y0 & ~1u;
	out[2] = (uint32_t)(x1 > p->width ? p->width : x1);
	out[3] = (uint32_t)((y1 + 1) & ~1ll);
	return true;
}

void pf_picture_forget(struct pf_picture *p)
{
	p->filled = false;
}

int pf_picture_update(struct pf_picture *p, const struct pf_frame *f)
{
	uint32_t r[PF_FRAME_DAMAGE][4];
	unsigned count = 0;
	uint64_t area = 0;
	bool part = p->filled && f->seq == p->seq + 1 && f->damage_count &&
		    f->damage_count <= PF_FRAME_DAMAGE;

	if (f->kind != PF_MEM_CPU || f->width != p->width || f->height != p->height ||
		!f->planes[0] || f->strides[0] < 4 * f->width)
		return -EINVAL;
	if (f->format != p->source) {
		int err = make_coef(&p->coef, f->format, &p->colour, is_ten(p));

		if (err)
			return err;
		p->source = f->format;
		part = false;
	}
	for (unsigned i = 0; part && i < f->damage_count; i++) {
		if (!fit_rect(p, &f->damage[i], r[count]))
			continue;
		area += (uint64_t)(r[count][2] - r[count][0]) * (r[count][3] - r[count][1]);
		count++;
	}
	/* Overlapping rectangles can cost more than the whole. */
	if (!part || area > (uint64_t)p->width * p->height)
		convert_area(p, f, 0, 0, p->width, p->height);
	else
		for (unsigned i = 0; i < count; i++)
			convert_area(p, f, r[i][0], r[i][1], r[i][2], r[i][3]);
	p->filled = true;
	p->seq = f->seq;
	return 0;
}
