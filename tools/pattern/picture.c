/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tools/pattern/picture.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "tools/pattern/strip.h"

/* Powers of two: the texture wraps by masking. */
#define TEXTURE_W 1024u
#define TEXTURE_H 512u
#define CHECKER	  64u
#define GLYPH_W	  8u
#define GLYPH_H	  16u
#define BOX	  64u
#define STEP_X	  4u
#define STEP_Y	  2u

static uint32_t hash(uint32_t v)
{
	v = (v ^ v >> 16) * 0x45d9f3bu;
	v = (v ^ v >> 16) * 0x45d9f3bu;
	return v ^ v >> 16;
}

/* Squares of smooth colour, with letter-like strokes on a text grid. */
static uint32_t texel(uint32_t x, uint32_t y)
{
	const uint32_t square = hash(x / CHECKER + y / CHECKER * (TEXTURE_W / CHECKER));
	const uint32_t glyph =
		hash(0x9e3779b9u + x / GLYPH_W + y / GLYPH_H * (TEXTURE_W / GLYPH_W));
	const uint32_t gx = x % GLYPH_W, gy = y % GLYPH_H;
	const uint32_t sx = x % CHECKER, sy = y % CHECKER;
	uint32_t c[3];

	/* Every third place stays empty, as in running text. */
	if (glyph % 3 && gx >= 1 && gx < 6 && gy >= 4 && gy < 13 &&
		glyph >> ((gx - 1 + (gy - 4) / 2 * 5) % 25 + 4) & 1)
		return square & 1 ? 0xff101418u : 0xffe8ecf0u;
	for (int i = 0; i < 3; i++) {
		const uint32_t from = square >> (i * 8) & 0xff, to = square >> (8 + i * 8) & 0xff;

		c[i] = (from * (2 * CHECKER - sx - sy) + to * (sx + sy)) / (2 * CHECKER);
	}
	return 0xff000000u | c[0] << 16 | c[1] << 8 | c[2];
}

int pf_pattern_init(struct pf_pattern *p, enum pf_content content, uint32_t width, uint32_t height)
{
	uint32_t *t = malloc((size_t)TEXTURE_W * TEXTURE_H * sizeof(*t));

	if (!t)
		return -ENOMEM;
	for (uint32_t y = 0; y < TEXTURE_H; y++)
		for (uint32_t x = 0; x < TEXTURE_W; x++)
			t[y * TEXTURE_W + x] = texel(x, y);
	p->content = content;
	p->width = width;
	p->height = height;
	p->texture = t;
	return 0;
}

void pf_pattern_finish(struct pf_pattern *p)
{
	free(p->texture);
	memset(p, 0, sizeof(*p));
}

bool pf_pattern_has_strip(const struct pf_pattern *p)
{
	return p->width >= PF_STRIP_WIDTH && p->height >= PF_STRIP_HEIGHT;
}

/* Copies the texture, shifted by (ox, oy), into one rectangle. */
static void draw_texture(const struct pf_pattern *p, uint32_t *px, struct pf_pattern_rect r,
	uint32_t ox, uint32_t oy)
{
	for (int32_t y = r.y; y < r.y + r.h; y++) {
		const uint32_t *row =
			p->texture + (((uint32_t)y + oy) & (TEXTURE_H - 1)) * TEXTURE_W;
		uint32_t *to = px + (size_t)y * p->width + r.x;
		uint32_t x = ((uint32_t)r.x + ox) & (TEXTURE_W - 1), left = (uint32_t)r.w;

		while (left) {
			const uint32_t run = left < TEXTURE_W - x ? left : TEXTURE_W - x;

			memcpy(to, row + x, run * sizeof(*to));
			to += run;
			left -= run;
			x = 0;
		}
	}
}

/* Where frame `number` has its box: a walk over the picture below the strip. */
static struct pf_pattern_rect box_of(const struct pf_pattern *p, uint32_t number)
{
	const uint32_t top = p->height > PF_STRIP_HEIGHT + BOX ? PF_STRIP_HEIGHT : 0;
	const uint32_t w = p->width < BOX ? p->width : BOX, h = p->height < BOX ? p->height : BOX;
	const uint32_t range_x = p->width - w + 1, range_y = p->height - top - h + 1;

	return (struct pf_pattern_rect){ (int32_t)(number * 16ull % range_x),
		(int32_t)(top + number * 7ull % range_y), (int32_t)w, (int32_t)h };
}

static void draw_box(const struct pf_pattern *p, uint32_t *px, uint32_t number)
{
	const struct pf_pattern_rect r = box_of(p, number);
	const uint32_t colour = 0xff000000u | hash(number);

	for (int32_t y = r.y; y < r.y + r.h; y++)
		for (int32_t x = r.x; x < r.x + r.w; x++)
			px[(size_t)y * p->width + (uint32_t)x] = colour;
}

void pf_pattern_draw(
	const struct pf_pattern *p, uint32_t *px, uint32_t number, uint32_t drawn, bool all)
{
	const struct pf_pattern_rect whole = { 0, 0, (int32_t)p->width, (int32_t)p->height };

	if (p->content == PF_CONTENT_SCROLL) {
		draw_texture(p, px, whole, number * STEP_X, number * STEP_Y);
		return;
	}
	draw_texture(p, px, all ? whole : box_of(p, drawn), 0, 0);
	draw_box(p, px, number);
}

unsigned pf_pattern_damage(const struct pf_pattern *p, uint32_t number, uint32_t before,
	struct pf_pattern_rect r[PF_PATTERN_DAMAGE])
{
	unsigned n = 0;

	if (p->content == PF_CONTENT_SCROLL) {
		r[n++] = (struct pf_pattern_rect){ 0, 0, (int32_t)p->width, (int32_t)p->height };
		return n;
	}
	r[n++] = box_of(p, before);
	r[n++] = box_of(p, number);
	if (pf_pattern_has_strip(p))
		r[n++] = (struct pf_pattern_rect){ 0, 0, PF_STRIP_WIDTH, PF_STRIP_HEIGHT };
	return n;
}
