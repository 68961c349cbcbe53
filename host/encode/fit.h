/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* fit.h - a captured picture of one size in an encoder's picture of another.
 *
 * For a screen that cannot take the client's mode: the whole picture, as large as
 * its shape allows, in the middle of black. Bilinear, over what changed. Plain
 * data, one thread at a time. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "host/frame.h"

/* Where in `width` x `height` the picture lies. */
struct pf_fit {
	uint32_t width, height;
	struct pf_rect inner; /* even places and sizes, none of them 0 */
};

/** How a picture of from_w x from_h lies in one of width x height. Sizes are 2..16384. */
struct pf_fit pf_fit_of(uint32_t from_w, uint32_t from_h, uint32_t width, uint32_t height);
/** A place of the outer picture, 0 to 1 in either direction, as one of the inner
 * picture; what lies beside it moves to its edge. */
void pf_fit_place(const struct pf_fit *fit, double *x, double *y);

struct pf_fitter {
	struct pf_frame frame; /* what it looks like, fit for an encoder */
	struct pf_fit fit;
	uint32_t from_w, from_h;
	uint8_t *pixels, *line; /* line: one row of the source between two others */
	uint32_t *columns;	/* per column of the inner picture: source column and weight */
	uint64_t seq;		/* of the frame it shows */
	bool filled;
};

/** Shows `f` (BGRX or RGBX in memory) in width x height: *out is f->frame, good until
 * the next call. Allocates when a size changes. 0, -EINVAL for other frames,
 * -ENOMEM. */
int pf_fitter_show(struct pf_fitter *t, const struct pf_frame *f, uint32_t width, uint32_t height,
	const struct pf_frame **out);
/** Accepts a zeroed one. */
void pf_fitter_finish(struct pf_fitter *t);
