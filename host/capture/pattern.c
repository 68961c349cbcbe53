/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* pattern.c - a capture whose display it draws itself: content of known motion
 * with the clock strip and the frame number in it, without any compositor.
 *
 * Each picture of the pool remembers where its box lies, so that the box scenes
 * repaint only the old and the new place of it. The strip goes in last: its
 * clock is read when the rest stands. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/clock.h"
#include "host/capture/backends.h"
#include "host/capture/pool.h"
#include "host/capture/ticker.h"
#include "host/sys/knobs.h"

#define POOL_FRAMES 6
#define PERIOD	    128 /* pixels after which the background repeats, both ways */
#define BOX_W	    160
#define BOX_H	    96

/* The strip, as docs/clock-strip.md has it. */
#define BLOCK	      16
#define CLOCK_BITS    40
#define NUMBER_BITS   32
#define NUMBER_HEIGHT 32
#define STRIP_W	      (CLOCK_BITS * BLOCK)
#define STRIP_H	      (BLOCK + NUMBER_HEIGHT)
#define CLOCK_UNIT_NS 100000

enum scene { BOX, SCROLL, NOISE, ISOLATED, STILL };

struct pattern_capture {
	struct pf_capture base;
	struct pf_capture_params params;
	enum scene scene;
	struct pf_mode mode;
	struct pf_frame_pool *pool;
	struct pf_ticker ticker;
	uint32_t *back; /* the background, PERIOD pixels larger both ways */
	uint32_t back_w;
	struct pf_rect drawn[POOL_FRAMES]; /* each picture's box; w = 0: paint all */
	struct pf_rect last;		   /* the box of the picture before */
	uint64_t period_ns, start_ns;
	uint64_t moves; /* steps of the animation so far */
	uint64_t seq;	/* of the next picture; also its number in the strip */
	uint64_t fail_at;
	uint64_t random;
	bool failed;
};

static uint64_t next_random(struct pattern_capture *p)
{
	p->random ^= p->random << 13;
	p->random ^= p->random >> 7;
	p->random ^= p->random << 17;
	return p->random;
}

/* Tiles of two gradients with marks like letters on them. */
static uint32_t background(uint32_t x, uint32_t y)
{
	uint32_t tx = x % 64, ty = y % 64;
	uint32_t letter = (x / 8 % 16 * 31 + y / 16 % 8 * 17 + 5) * 2654435761u;
	uint32_t mx = x % 8, my = y % 16;

	if (mx < 5 && my < 9 && letter >> (mx + my / 2 * 5) & 1)
		return 0xff182028;
	if ((x / 64 + y / 64) % 2)
		return 0xff000000 | (40 + tx * 2) << 16 | (70 + ty * 2) << 8 | 130;
	return 0xff000000 | (220 - ty) << 16 | (200 - tx) << 8 | (120 + tx);
}

static void copy_background(const struct pattern_capture *p, struct pf_frame *f,
	const struct pf_rect *r, uint32_t ox, uint32_t oy)
{
	for (int32_t y = r->y; y < r->y + r->h; y++)
		memcpy(f->planes[0] + (size_t)y * f->strides[0] + 4 * (size_t)r->x,
			p->back + ((size_t)y + oy) * p->back_w + r->x + ox, 4 * (size_t)r->w);
}

static void fill_rect(struct pf_frame *f, const struct pf_rect *r, uint32_t colour)
{
	for (int32_t y = r->y; y < r->y + r->h; y++) {
		uint32_t *row = (void *)(f->planes[0] + (size_t)y * f->strides[0]);

		for (int32_t x = r->x; x < r->x + r->w; x++)
			row[x] = colour;
	}
}

static void draw_bits(struct pf_frame *f, int32_t y, int32_t height, unsigned bits, uint64_t value)
{
	for (unsigned i = 0; i < bits; i++)
		fill_rect(f, &(struct pf_rect){ (int32_t)i * BLOCK, y, BLOCK, height },
			value >> i & 1 ? 0xffffffff : 0xff000000);
}

/* There and back again in steps of 8 pixels. */
static int32_t bounce(uint64_t step, uint32_t room)
{
	uint32_t at = room ? (uint32_t)(step * 8 % (2 * (uint64_t)room)) : 0;

	return (int32_t)(at > room ? 2 * room - at : at);
}

static struct pf_rect box_at(const struct pattern_capture *p)
{
	uint32_t w = p->mode.width < BOX_W ? p->mode.width : BOX_W;
	uint32_t h = p->mode.height < BOX_H ? p->mode.height : BOX_H;

	return (struct pf_rect){ bounce(p->moves, p->mode.width - w),
		bounce(p->moves / 3, p->mode.height - h), (int32_t)w, (int32_t)h };
}

static void draw_box_scene(struct pattern_capture *p, struct pf_frame *f, bool whole)
{
	struct pf_rect *drawn = &p->drawn[pf_frame_pool_index(f)];
	struct pf_rect all = { 0, 0, (int32_t)f->width, (int32_t)f->height };
	struct pf_rect box = box_at(p);
	struct pf_rect inner = { box.x + box.w / 4, box.y + box.h / 4, box.w / 2, box.h / 2 };

	copy_background(p, f, drawn->w ? drawn : &all, 0, 0);
	fill_rect(f, &box, 0xffd03020);
	fill_rect(f, &inner, 0xff20c040);
	*drawn = box;
	if (!whole) {
		f->damage[0] = (struct pf_rect){ 0, 0, STRIP_W, STRIP_H };
		f->damage[1] = p->last;
		f->damage[2] = box;
		f->damage_count = 3;
	}
	p->last = box;
}

static void draw(struct pattern_capture *p, struct pf_frame *f, bool whole)
{
	struct pf_rect all = { 0, 0, (int32_t)f->width, (int32_t)f->height };

	if (p->scene == SCROLL) {
		copy_background(p, f, &all, (uint32_t)(p->moves * 4 % PERIOD),
			(uint32_t)(p->moves * 2 % PERIOD));
	} else if (p->scene == NOISE) {
		for (uint32_t y = 0; y < f->height; y++) {
			uint64_t *row = (void *)(f->planes[0] + (size_t)y * f->strides[0]);

			for (uint32_t x = 0; x < f->width / 2; x++)
				row[x] = next_random(p);
		}
	} else {
		draw_box_scene(p, f, whole);
	}
	if (f->width < STRIP_W || f->height < STRIP_H) {
		f->damage_count = 0;
		return;
	}
	draw_bits(f, BLOCK, NUMBER_HEIGHT, NUMBER_BITS, f->seq);
	draw_bits(f, 0, BLOCK, CLOCK_BITS, pf_clock_unix_ns() / CLOCK_UNIT_NS);
}

static uint64_t next_tick(struct pattern_capture *p, uint64_t now_ns)
{
	uint64_t gap;

	if (p->scene == STILL)
		return 0;
	if (p->scene == ISOLATED) {
		gap = 40 * PF_NS_PER_MS + next_random(p) % (210 * PF_NS_PER_MS);
		/* A gap shorter than two pictures would not stand alone. */
		return now_ns + (gap < 2 * p->period_ns ? 2 * p->period_ns : gap);
	}
	return p->start_ns + ((now_ns - p->start_ns) / p->period_ns + 1) * p->period_ns;
}

static uint64_t pattern_tick(void *user, uint64_t now_ns, bool poked)
{
	struct pattern_capture *p = user;
	struct pf_frame *f;

	if (p->failed)
		return 0;
	if (p->seq == p->fail_at) {
		p->failed = true;
		p->params.on_error(p->params.user, -EIO, "the pattern was told to fail");
		return 0;
	}
	f = pf_frame_pool_take(p->pool);
	if (f) {
		f->seq = p->seq;
		draw(p, f, poked || !p->seq);
		f->capture_ns = pf_clock_mono_ns();
		p->params.on_frame(p->params.user, f);
	}
	p->seq++;
	p->moves += !poked;
	return next_tick(p, now_ns);
}

static void pattern_close(struct pf_capture *c)
{
	struct pattern_capture *p = (struct pattern_capture *)c;

	if (!p)
		return;
	pf_ticker_stop(&p->ticker);
	pf_frame_pool_close(p->pool);
	free(p->back);
	free(p);
}

static enum scene scene_of(const char *knobs)
{
	return pf_knob_is(knobs, "scene", "scroll")	? SCROLL
	       : pf_knob_is(knobs, "scene", "noise")	? NOISE
	       : pf_knob_is(knobs, "scene", "isolated") ? ISOLATED
	       : pf_knob_is(knobs, "scene", "still")	? STILL
							: BOX;
}

static int pattern_open(
	struct pf_capture **out, const struct pf_capture_params *params, struct pf_reason *why)
{
	struct pf_mode mode = params->source->mode;
	const char *knobs = params->source->options;
	struct pattern_capture *p;
	uint32_t back_h;
	int err = pf_mode_check(&mode, why);

	if (err)
		return err;
	p = calloc(1, sizeof(*p));
	if (!p)
		return pf_reason_set(why, -ENOMEM, "out of memory");
	p->base.ops = &pattern_capture_ops;
	p->params = *params;
	p->params.source = NULL;
	p->mode = mode;
	p->scene = scene_of(knobs);
	p->random = pf_knob_number(knobs, "seed", 1) * 0x9e3779b97f4a7c15u | 1;
	p->fail_at = pf_knob_number(knobs, "fail-at", UINT64_MAX);
	p->period_ns = PF_NS_PER_S * 1000 / mode.refresh_mhz;
	p->back_w = mode.width + PERIOD;
	back_h = mode.height + PERIOD;
	p->back = malloc(4 * (size_t)p->back_w * back_h);
	err = p->back ? pf_frame_pool_create(&p->pool, mode.width, mode.height, POOL_FRAMES)
		      : -ENOMEM;
	if (err) {
		pf_reason_set(
			why, err, "out of memory for pictures of %ux%u", mode.width, mode.height);
		goto fail;
	}
	for (uint32_t y = 0; y < back_h; y++)
		for (uint32_t x = 0; x < p->back_w; x++)
			p->back[(size_t)y * p->back_w + x] =
				y < PERIOD && x < PERIOD
					? background(x, y)
					: p->back[(size_t)(y % PERIOD) * p->back_w + x % PERIOD];
	p->start_ns = pf_clock_mono_ns();
	err = pf_ticker_start(&p->ticker, pattern_tick, p);
	if (err) {
		pf_reason_set(why, err, "cannot start a thread: %s", strerror(-err));
		goto fail;
	}
	*out = &p->base;
	return 0;
fail:
	pattern_close(&p->base);
	return err;
}

static void pattern_refresh(struct pf_capture *c)
{
	pf_ticker_poke(&((struct pattern_capture *)c)->ticker);
}

const struct pf_capture_ops pattern_capture_ops = {
	.name = "pattern",
	.source_kinds = 1u << PF_SOURCE_PATTERN,
	.memory = PF_MEM_CPU,
	.open = pattern_open,
	.close = pattern_close,
	.refresh = pattern_refresh,
};
