/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/encode/fit.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SIDE_MAX 16384

/* `part` of `whole` as even number within it; the nearest one below. */
static uint32_t even_part(uint64_t part, uint32_t whole)
{
	uint32_t v = (uint32_t)(part > whole ? whole : part) & ~1u;

	return v ? v : 2;
}

struct pf_fit pf_fit_of(uint32_t from_w, uint32_t from_h, uint32_t width, uint32_t height)
{
	struct pf_fit fit = { .width = width, .height = height };
	uint32_t w = width & ~1u, h = height & ~1u;

	if ((uint64_t)from_w * height > (uint64_t)from_h * width)
		h = even_part((uint64_t)from_h * width / from_w, height);
	else
		w = even_part((uint64_t)from_w * height / from_h, width);
	fit.inner = (struct pf_rect){ (int32_t)((width - w) / 2 & ~1u),
		(int32_t)((height - h) / 2 & ~1u), (int32_t)w, (int32_t)h };
	return fit;
}

static double place(double v, uint32_t outer, int32_t at, int32_t size)
{
	v = (v * outer - at) / size;
	return v < 0 ? 0 : v > 1 ? 1 : v;
}

void pf_fit_place(const struct pf_fit *fit, double *x, double *y)
{
	*x = place(*x, fit->width, fit->inner.x, fit->inner.w);
	*y = place(*y, fit->height, fit->inner.y, fit->inner.h);
}

/* ---- pixels ---- */

/* The source's place under the middle of pixel `i` of `n`, in 256ths. */
static uint32_t source_of(uint32_t i, uint32_t n, uint32_t from)
{
	int64_t v = ((2 * (int64_t)i + 1) * from * 128) / n - 128;
	int64_t last = ((int64_t)from - 1) * 256;

	return (uint32_t)(v < 0 ? 0 : v > last ? last : v);
}

static inline uint32_t mix(uint32_t a, uint32_t b, uint32_t part)
{
	const uint32_t mask = 0x00ff00ff;
	uint32_t lo = (a & mask) * (256 - part) + (b & mask) * part + 0x00800080;
	uint32_t hi = (a >> 8 & mask) * (256 - part) + (b >> 8 & mask) * part + 0x00800080;

	return (lo >> 8 & mask) | (hi & ~mask);
}

/* Rows y0..y1 and columns x0..x1 of the inner picture. */
static void draw(struct pf_fitter *t, const struct pf_frame *f, int32_t x0, int32_t y0, int32_t x1,
	int32_t y1)
{
	uint32_t first = t->columns[x0] >> 8, last = (t->columns[x1 - 1] >> 8) + 1;

	if (last >= t->from_w)
		last = t->from_w - 1;
	for (int32_t y = y0; y < y1; y++) {
		uint32_t at = source_of((uint32_t)y, (uint32_t)t->fit.inner.h, t->from_h);
		const uint8_t *a = f->planes[0] + (size_t)(at >> 8) * f->strides[0];
		const uint8_t *b = (at >> 8) + 1 < t->from_h ? a + f->strides[0] : a;
		uint8_t *to = t->pixels + (size_t)(t->fit.inner.y + y) * t->frame.strides[0] +
			      4 * (size_t)t->fit.inner.x;
		unsigned part = at & 255;

		for (size_t i = 4 * (size_t)first; i < 4 * ((size_t)last + 1); i++)
			t->line[i] = (uint8_t)((a[i] * (256 - part) + b[i] * part + 128) >> 8);
		for (int32_t x = x0; x < x1; x++) {
			uint32_t column = t->columns[x] >> 8, p, q;

			memcpy(&p, t->line + 4 * (size_t)column, 4);
			memcpy(&q, t->line + 4 * (size_t)(column < last ? column + 1 : last), 4);
			p = mix(p, q, t->columns[x] & 255);
			memcpy(to + 4 * (size_t)x, &p, 4);
		}
	}
}

/* What part of the inner picture a rectangle of the source reaches: a pixel more
 * to each side, and cut. False = none. */
static bool reach(const struct pf_fitter *t, const struct pf_rect *r, struct pf_rect *out)
{
	int64_t x0 = r->x, y0 = r->y, x1 = x0 + r->w, y1 = y0 + r->h;
	int64_t w = t->fit.inner.w, h = t->fit.inner.h, fw = t->from_w, fh = t->from_h;

	x0 = x0 < 1 ? 0 : (x0 - 1) * w / fw - 1;
	y0 = y0 < 1 ? 0 : (y0 - 1) * h / fh - 1;
	x1 = x1 > fw ? w : (x1 + 1) * w / fw + 2;
	y1 = y1 > fh ? h : (y1 + 1) * h / fh + 2;
	x0 = x0 < 0 ? 0 : x0;
	y0 = y0 < 0 ? 0 : y0;
	x1 = x1 > w ? w : x1;
	y1 = y1 > h ? h : y1;
	if (x0 >= x1 || y0 >= y1)
		return false;
	*out = (struct pf_rect){ (int32_t)x0, (int32_t)y0, (int32_t)(x1 - x0), (int32_t)(y1 - y0) };
	return true;
}

static int prepare(struct pf_fitter *t, const struct pf_frame *f, uint32_t width, uint32_t height)
{
	pf_fitter_finish(t);
	t->fit = pf_fit_of(f->width, f->height, width, height);
	t->from_w = f->width;
	t->from_h = f->height;
	t->pixels = calloc(height, 4 * (size_t)width);
	t->line = malloc(4 * (size_t)f->width);
	t->columns = malloc((size_t)t->fit.inner.w * sizeof(*t->columns));
	if (!t->pixels || !t->line || !t->columns) {
		pf_fitter_finish(t);
		return -ENOMEM;
	}
	for (uint32_t x = 0; x < (uint32_t)t->fit.inner.w; x++)
		t->columns[x] = source_of(x, (uint32_t)t->fit.inner.w, f->width);
	t->frame = (struct pf_frame){ .refs = 1,
		.kind = PF_MEM_CPU,
		.width = width,
		.height = height,
		.plane_count = 1,
		.planes = { t->pixels },
		.strides = { 4 * width },
		.acquire_fence = -1 };
	return 0;
}

int pf_fitter_show(struct pf_fitter *t, const struct pf_frame *f, uint32_t width, uint32_t height,
	const struct pf_frame **out)
{
	bool part;

	if (f->kind != PF_MEM_CPU || (f->format != PF_PIXEL_BGRX && f->format != PF_PIXEL_RGBX) ||
		f->width < 2 || f->height < 2 || f->width > SIDE_MAX || f->height > SIDE_MAX ||
		f->strides[0] < 4 * f->width || width < 2 || height < 2 || width > SIDE_MAX ||
		height > SIDE_MAX)
		return -EINVAL;
	if (!t->pixels || t->from_w != f->width || t->from_h != f->height ||
		t->frame.width != width || t->frame.height != height) {
		int r = prepare(t, f, width, height);

		if (r)
			return r;
	}
	part = t->filled && t->frame.format == f->format && f->damage_count &&
	       f->damage_count <= PF_FRAME_DAMAGE && f->seq == t->seq + 1;
	t->frame.damage_count = 0;
	for (unsigned i = 0; part && i < f->damage_count; i++) {
		struct pf_rect r;

		if (!reach(t, &f->damage[i], &r))
			continue;
		draw(t, f, r.x, r.y, r.x + r.w, r.y + r.h);
		r.x += t->fit.inner.x;
		r.y += t->fit.inner.y;
		t->frame.damage[t->frame.damage_count++] = r;
	}
	if (!part)
		draw(t, f, 0, 0, t->fit.inner.w, t->fit.inner.h);
	else if (!t->frame.damage_count) /* 0 would mean everything */
		t->frame.damage[t->frame.damage_count++] = (struct pf_rect){ 0, 0, 0, 0 };
	t->frame.format = f->format;
	t->frame.colour = f->colour;
	t->frame.capture_ns = f->capture_ns;
	t->frame.cursor = f->cursor;
	t->frame.seq = t->seq = f->seq;
	t->filled = true;
	*out = &t->frame;
	return 0;
}

void pf_fitter_finish(struct pf_fitter *t)
{
	free(t->pixels);
	free(t->line);
	free(t->columns);
	memset(t, 0, sizeof(*t));
}
