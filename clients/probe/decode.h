/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* decode.h - access units to pictures, and a picture to a PNG file. One thread. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct AVFrame;
struct pf_decoder;

/** `codec` is a PUNKTFUNK_CODEC_... -ENOTSUP when libavcodec has no decoder for it. */
int pf_decoder_open(struct pf_decoder **out, unsigned codec);
/** Accepts NULL. */
void pf_decoder_close(struct pf_decoder *d);
/** The picture of one access unit, borrowed until the next call, or NULL: none
 * came out of it, or a damaged one. */
const struct AVFrame *pf_decoder_decode(struct pf_decoder *d, const uint8_t *data, size_t size);
/** Luma of the newest picture when it is 8-bit planar or semi-planar. */
const uint8_t *pf_decoder_luma(
	const struct AVFrame *frame, ptrdiff_t *stride, uint32_t *width, uint32_t *height);
/** Is one plane of one value all over, but for what fits into one square of `spot`
 * samples? */
bool pf_plane_uniform(
	const uint8_t *plane, ptrdiff_t stride, uint32_t width, uint32_t height, uint32_t spot);
/** Is the picture of one colour, but for a mouse pointer? Unknown formats are not. */
bool pf_decoder_uniform(const struct AVFrame *frame);
/** Keeps a reference to the newest picture for pf_decoder_write_png. */
void pf_decoder_keep(struct pf_decoder *d);
bool pf_decoder_has_kept(const struct pf_decoder *d);
/** -ENOENT when none was kept, -ENOTSUP for its format, -errno of the file. */
int pf_decoder_write_png(struct pf_decoder *d, const char *path);
/** One pixel of YCbCr to R, G, B with the matrix and range of H.273 codes. */
void pf_decoder_rgb(
	unsigned y, unsigned cb, unsigned cr, unsigned matrix, bool full_range, uint8_t out[3]);
