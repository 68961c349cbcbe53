/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* test_gs_picture CODEC FILE - the last of the pictures that a test received.
 *
 * Standard input: access units of CODEC (0 H.264, 1 HEVC, 2 AV1), each after its
 * length (32 bits, little endian). Writes the last picture to FILE (PPM), made RGB
 * with the matrix and range that the stream names, and a JSON object of what else
 * it says to standard output. The conversion is of this file alone. */
#include <libavcodec/avcodec.h>
#include <libavutil/pixdesc.h>
#include <stdio.h>
#include <stdlib.h>
#include "clients/probe/decode.h"
#include "include/punktfunk_core.h"

#define UNIT_MAX (8u << 20)

static double sample(const AVFrame *f, const AVPixFmtDescriptor *d, int plane, int x, int y)
{
	const uint8_t *row;
	int depth = d->comp[plane].depth;
	unsigned v;

	if (plane) {
		x >>= d->log2_chroma_w;
		y >>= d->log2_chroma_h;
	}
	row = f->data[plane] + (ptrdiff_t)y * f->linesize[plane];
	v = depth > 8 ? row[2 * x] | (unsigned)row[2 * x + 1] << 8 : row[x];
	/* As a part of the nominal range. */
	if (f->color_range == AVCOL_RANGE_JPEG) {
		double top = (1 << depth) - 1;

		return plane ? (v - (double)(1 << (depth - 1))) / top : v / top;
	}
	return plane ? ((double)v / (1 << (depth - 8)) - 128) / 224
		     : ((double)v / (1 << (depth - 8)) - 16) / 219;
}

static int byte_of(double v)
{
	return v < 0 ? 0 : v > 1 ? 255 : (int)(v * 255 + 0.5);
}

static void write_picture(FILE *out, const AVFrame *f, const AVPixFmtDescriptor *d)
{
	double kr = f->colorspace == AVCOL_SPC_BT709 ? 0.2126 : 0.299;
	double kb = f->colorspace == AVCOL_SPC_BT709 ? 0.0722 : 0.114;

	fprintf(out, "P6\n%d %d\n255\n", f->width, f->height);
	for (int y = 0; y < f->height; y++)
		for (int x = 0; x < f->width; x++) {
			double l = sample(f, d, 0, x, y);
			double b = l + 2 * (1 - kb) * sample(f, d, 1, x, y);
			double r = l + 2 * (1 - kr) * sample(f, d, 2, x, y);

			fputc(byte_of(r), out);
			fputc(byte_of((l - kr * r - kb * b) / (1 - kr - kb)), out);
			fputc(byte_of(b), out);
		}
}

static const AVFrame *last_picture(struct pf_decoder *d, uint8_t *unit)
{
	const AVFrame *frame = NULL;
	uint8_t head[4];

	while (fread(head, sizeof(head), 1, stdin) == 1) {
		uint32_t len = head[0] | head[1] << 8 | head[2] << 16 | (uint32_t)head[3] << 24;

		if (len > UNIT_MAX || fread(unit, 1, len, stdin) != len)
			return NULL;
		frame = pf_decoder_decode(d, unit, len);
		if (!frame)
			return NULL;
	}
	return frame;
}

int main(int argc, char **argv)
{
	static const unsigned codecs[] = { PUNKTFUNK_CODEC_H264, PUNKTFUNK_CODEC_HEVC,
		PUNKTFUNK_CODEC_AV1 };
	const AVPixFmtDescriptor *desc;
	struct pf_decoder *d = NULL;
	const AVFrame *f;
	uint8_t *unit = malloc(UNIT_MAX);
	FILE *out = NULL;
	int code = 1;

	if (!unit || argc != 3 || pf_decoder_open(&d, codecs[argv[1][0] - '0']))
		goto out;
	f = last_picture(d, unit);
	desc = f ? av_pix_fmt_desc_get(f->format) : NULL;
	out = f ? fopen(argv[2], "wbe") : NULL;
	if (!out || !desc || desc->nb_components != 3)
		goto out;
	write_picture(out, f, desc);
	/* yuvj420p is the old name of full range. */
	printf("{\"width\": %d, \"height\": %d, \"sub\": [%d, %d], \"depth\": %d, \"matrix\": %d, "
	       "\"primaries\": %d, \"transfer\": %d, \"full\": %s}\n",
		f->width, f->height, desc->log2_chroma_w, desc->log2_chroma_h, desc->comp[0].depth,
		f->colorspace, f->color_primaries, f->color_trc,
		f->color_range == AVCOL_RANGE_JPEG ? "true" : "false");
	code = 0;
out:
	if (out && fclose(out))
		code = 1;
	pf_decoder_close(d);
	free(unit);
	return code;
}
