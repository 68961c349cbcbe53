/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* convert.h - captured pixels to the encoder's YCbCr, 4:2:0 or 4:4:4.
 *
 * 4:2:0 has the luma of every pixel, and one chroma pair per 2x2 pixels in the
 * place where H.264 and HEVC put it by default: on the even columns, half way
 * between two rows (chroma_loc type 0). 4:4:4 has all three of every pixel. The
 * picture outlives the frame, so that only damaged rectangles are converted again.
 *
 * Arithmetic, the same in every kernel. A sample is
 *     (w0 * c0 + w1 * c1 + bias) >> 22, clamped to 0..255, with
 *     w0 = p[0] * m[0] + p[1] * m[1],  w1 = p[2] * m[2] + p[3] * m[3]
 * of a pixel's four bytes; m is signed 8 bit, c signed 16 bit, and bias holds
 * the offset (16, 128, 0) plus one half. Chroma takes as its pixel, with avg() =
 * (a + b + 1) >> 1 and v(x) = avg(upper row, lower row),
 *     avg(avg(v(x - 1), v(x + 1)), v(x)),
 * the column left of the picture repeating the first one. A sample of 10 bits is
 * the same >> 20, clamped to 0..1023, with coefficients of its own: the full range
 * goes to 1023 and not to 4 * 255.
 *
 * Plain data, one thread at a time, no locks. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "host/frame.h"

/* One row of m, c, bias each for Y, Cb, Cr. */
struct pf_convert_coef {
	int8_t m[3][4];
	int16_t c[3][2];
	int32_t bias[3];
};

/* Two rows of pixels to two rows of luma and one of chroma. `width` is even and
 * not 0; `left`: the pixel before r0[0] and r1[0] exists. v unused in NV12,
 * where u takes the pairs. */
typedef void (*pf_convert_fn)(const struct pf_convert_coef *k, const uint8_t *r0, const uint8_t *r1,
	unsigned width, bool left, uint8_t *y0, uint8_t *y1, uint8_t *u, uint8_t *v);

/* One row of pixels to one row each of Y, Cb, Cr. */
typedef void (*pf_convert_row_fn)(const struct pf_convert_coef *k, const uint8_t *row,
	unsigned width, uint8_t *y, uint8_t *u, uint8_t *v);

struct pf_convert_kernel {
	const char *name;
	uint32_t need; /* pf_cpu_flag bits */
	pf_convert_fn i420, nv12;
	pf_convert_row_fn i444;
	/* To samples of two bytes, with the coefficients of 10 bits. */
	pf_convert_fn i420_10;
	pf_convert_row_fn i444_10;
};

/** Best first; the last one is plain C and needs nothing. */
const struct pf_convert_kernel *pf_convert_kernels(unsigned *count);
/** The first row whose needs this machine meets. */
const struct pf_convert_kernel *pf_convert_pick(void);
/** Coefficients for `format` (BGRX, RGBX) to `colour`; -EINVAL for a matrix that
 * is not BT.709, BT.601 or BT.2020 non-constant. */
int pf_convert_coef(
	struct pf_convert_coef *k, enum pf_pixel_format format, const struct pf_colour *colour);
/** The same for samples of 10 bits. */
int pf_convert_coef_10(
	struct pf_convert_coef *k, enum pf_pixel_format format, const struct pf_colour *colour);

/* A YCbCr picture that follows a capture's frames. */
struct pf_picture {
	enum pf_pixel_format format; /* PF_PIXEL_I420 and those behind it */
	uint32_t width, height;
	struct pf_colour colour;
	uint8_t *planes[3];  /* one piece of memory from planes[0] on */
	uint32_t strides[3]; /* bytes, multiples of 64 */
	size_t bytes;	     /* of all planes */
	uint64_t pixels;     /* converted so far: what damage saved shows here */

	const struct pf_convert_kernel *kernel;
	struct pf_convert_coef coef;
	enum pf_pixel_format source; /* what coef is for */
	bool filled;
	uint64_t seq; /* of the frame it shows */
};

/** Allocates a black picture of an even size. -EINVAL, -ENOMEM. */
int pf_picture_init(struct pf_picture *p, enum pf_pixel_format format, uint32_t width,
	uint32_t height, const struct pf_colour *colour);
/** Accepts a zeroed picture. */
void pf_picture_finish(struct pf_picture *p);
/** The next frame is of another capture, whatever its number says. */
void pf_picture_forget(struct pf_picture *p);
/** Converts `f`: its damage when `f` is the capture's next frame after the one
 * shown, else everything. -EINVAL when size, memory or format do not fit.
 * Hot path: no allocation. */
int pf_picture_update(struct pf_picture *p, const struct pf_frame *f);
