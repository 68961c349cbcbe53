/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* picture.h - what the pattern client shows.
 *
 * Drawing is pure: the picture is a function of size, content and number, so
 * that two buffers with the same number are equal but for the clock. One thread. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum pf_content {
	PF_CONTENT_SCROLL, /* the whole picture moves by (4, 2) px a frame */
	PF_CONTENT_BOX,	   /* a 64 px box moves over the still picture */
};

struct pf_pattern {
	enum pf_content content;
	uint32_t width, height;
	uint32_t *texture; /* wraps around */
};

#define PF_PATTERN_DAMAGE 3
struct pf_pattern_rect {
	int32_t x, y, w, h;
};

/** 0 or -ENOMEM. */
int pf_pattern_init(struct pf_pattern *p, enum pf_content content, uint32_t width, uint32_t height);
/** Accepts a zeroed picture. */
void pf_pattern_finish(struct pf_pattern *p);
/** True if it is large enough to carry a clock strip. */
bool pf_pattern_has_strip(const struct pf_pattern *p);
/** Draws frame `number` into `px`, which holds frame `*drawn` of the same picture
 * (or nothing, if `all`). The strip is not drawn. */
void pf_pattern_draw(
	const struct pf_pattern *p, uint32_t *px, uint32_t number, uint32_t drawn, bool all);
/** What differs on screen between frames `before` and `number`, the strip
 * included: fills `r`, returns how many. */
unsigned pf_pattern_damage(const struct pf_pattern *p, uint32_t number, uint32_t before,
	struct pf_pattern_rect r[PF_PATTERN_DAMAGE]);
