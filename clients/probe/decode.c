/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "clients/probe/decode.h"
#include <errno.h>
#include <libavcodec/avcodec.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "punktfunk_core.h"

/* Coding shifts a plain area as a whole and hardly spreads it. */
#define UNIFORM_SPAN 4
/* Compositors draw 24 pixels, 48 on dense screens. */
#define POINTER_PX 64

struct pf_decoder {
	AVCodecContext *ctx;
	AVPacket *packet;
	AVFrame *frame, *kept;
	uint8_t *padded; /* the access unit with libavcodec's zero padding behind it */
	size_t cap;
};

static void be_quiet(void *avcl, int level, const char *fmt, va_list args) {}

int pf_decoder_open(struct pf_decoder **out, unsigned codec)
{
	const AVCodec *av = codec == PUNKTFUNK_CODEC_H264   ? avcodec_find_decoder(AV_CODEC_ID_H264)
			    : codec == PUNKTFUNK_CODEC_HEVC ? avcodec_find_decoder(AV_CODEC_ID_HEVC)
			    : codec == PUNKTFUNK_CODEC_AV1
				    ? avcodec_find_decoder_by_name("libdav1d")
				    : NULL;
	struct pf_decoder *d;

	if (!av)
		return -ENOTSUP;
	d = calloc(1, sizeof(*d));
	if (!d)
		return -ENOMEM;
	/* Damage is counted; the decoder's own words about it go nowhere. */
	av_log_set_callback(be_quiet);
	d->ctx = avcodec_alloc_context3(av);
	d->packet = av_packet_alloc();
	d->frame = av_frame_alloc();
	d->kept = av_frame_alloc();
	if (!d->ctx || !d->packet || !d->frame || !d->kept)
		goto fail;
	d->ctx->flags |= AV_CODEC_FLAG_LOW_DELAY;
	/* No patching up: a picture with a hole in it is none. */
	d->ctx->err_recognition = AV_EF_CRCCHECK | AV_EF_BITSTREAM | AV_EF_EXPLODE;
	/* Frame threads would hold pictures back, and with slice threads libavcodec
	 * forgets which slice was damaged. */
	d->ctx->thread_count = 1;
	if (avcodec_open2(d->ctx, av, NULL) < 0)
		goto fail;
	*out = d;
	return 0;
fail:
	pf_decoder_close(d);
	return -ENOMEM;
}

void pf_decoder_close(struct pf_decoder *d)
{
	if (!d)
		return;
	avcodec_free_context(&d->ctx);
	av_packet_free(&d->packet);
	av_frame_free(&d->frame);
	av_frame_free(&d->kept);
	free(d->padded);
	free(d);
}

const AVFrame *pf_decoder_decode(struct pf_decoder *d, const uint8_t *data, size_t size)
{
	if (size > INT32_MAX / 2)
		return NULL;
	if (size + AV_INPUT_BUFFER_PADDING_SIZE > d->cap) {
		size_t cap = 2 * size + AV_INPUT_BUFFER_PADDING_SIZE;
		uint8_t *grown = realloc(d->padded, cap);

		if (!grown)
			return NULL;
		d->padded = grown;
		d->cap = cap;
	}
	memcpy(d->padded, data, size);
	memset(d->padded + size, 0, AV_INPUT_BUFFER_PADDING_SIZE);
	d->packet->data = d->padded;
	d->packet->size = (int)size;
	av_frame_unref(d->frame);
	if (avcodec_send_packet(d->ctx, d->packet) < 0)
		return NULL;
	if (avcodec_receive_frame(d->ctx, d->frame) < 0)
		return NULL;
	if (d->frame->decode_error_flags || d->frame->flags & AV_FRAME_FLAG_CORRUPT)
		return NULL;
	return d->frame;
}

const uint8_t *pf_decoder_luma(
	const AVFrame *frame, ptrdiff_t *stride, uint32_t *width, uint32_t *height)
{
	if (frame->format != AV_PIX_FMT_YUV420P && frame->format != AV_PIX_FMT_YUVJ420P &&
		frame->format != AV_PIX_FMT_YUV444P && frame->format != AV_PIX_FMT_NV12)
		return NULL;
	*stride = frame->linesize[0];
	*width = (uint32_t)frame->width;
	*height = (uint32_t)frame->height;
	return frame->data[0];
}

/* The commonest value, by every eighth row. */
static uint8_t ground_of(const uint8_t *plane, ptrdiff_t stride, uint32_t width, uint32_t height)
{
	uint32_t count[256] = { 0 };
	uint8_t best = 0;

	for (uint32_t y = 0; y < height; y += 8)
		for (uint32_t x = 0; x < width; x++)
			count[plane[(ptrdiff_t)y * stride + x]]++;
	for (unsigned v = 1; v < 256; v++)
		best = count[v] > count[best] ? (uint8_t)v : best;
	return best;
}

bool pf_plane_uniform(
	const uint8_t *plane, ptrdiff_t stride, uint32_t width, uint32_t height, uint32_t spot)
{
	const uint8_t ground = ground_of(plane, stride, width, height);
	uint32_t left = width, right = 0, top = height;

	for (uint32_t y = 0; y < height; y++) {
		const uint8_t *row = plane + (ptrdiff_t)y * stride;

		for (uint32_t x = 0; x < width; x++) {
			if (abs(row[x] - ground) <= UNIFORM_SPAN)
				continue;
			left = x < left ? x : left;
			right = x > right ? x : right;
			top = y < top ? y : top;
			if (right - left >= spot || y - top >= spot)
				return false;
		}
	}
	return true;
}

bool pf_decoder_uniform(const AVFrame *frame)
{
	uint32_t width, height, spot = POINTER_PX;
	ptrdiff_t stride;
	const uint8_t *luma = pf_decoder_luma(frame, &stride, &width, &height);

	if (!luma || !pf_plane_uniform(luma, stride, width, height, POINTER_PX))
		return false;
	if (frame->format == AV_PIX_FMT_NV12)
		return true;
	if (frame->format != AV_PIX_FMT_YUV444P) {
		width = (width + 1) / 2;
		height = (height + 1) / 2;
		spot /= 2;
	}
	return pf_plane_uniform(frame->data[1], frame->linesize[1], width, height, spot) &&
	       pf_plane_uniform(frame->data[2], frame->linesize[2], width, height, spot);
}

void pf_decoder_keep(struct pf_decoder *d)
{
	av_frame_unref(d->kept);
	if (d->frame->buf[0])
		(void)av_frame_ref(d->kept, d->frame);
}

bool pf_decoder_has_kept(const struct pf_decoder *d)
{
	return d->kept->buf[0] != NULL;
}

static uint8_t clamp(double v)
{
	return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v + 0.5);
}

void pf_decoder_rgb(
	unsigned y, unsigned cb, unsigned cr, unsigned matrix, bool full_range, uint8_t out[3])
{
	double kr = matrix == 1 ? 0.2126 : matrix == 9 ? 0.2627 : 0.299;
	double kb = matrix == 1 ? 0.0722 : matrix == 9 ? 0.0593 : 0.114;
	double luma = full_range ? y : (y - 16.0) * 255 / 219;
	double scale = full_range ? 1 : 255.0 / 224;
	double b = (cb - 128.0) * scale, r = (cr - 128.0) * scale;

	out[0] = clamp(luma + 2 * (1 - kr) * r);
	out[1] = clamp(luma - (2 * kb * (1 - kb) * b + 2 * kr * (1 - kr) * r) / (1 - kr - kb));
	out[2] = clamp(luma + 2 * (1 - kb) * b);
}

static int to_rgb(const AVFrame *in, AVFrame *rgb)
{
	bool full = in->color_range == AVCOL_RANGE_JPEG || in->format == AV_PIX_FMT_YUVJ420P;

	if (in->format != AV_PIX_FMT_YUV420P && in->format != AV_PIX_FMT_YUVJ420P)
		return -ENOTSUP;
	rgb->format = AV_PIX_FMT_RGB24;
	rgb->width = in->width;
	rgb->height = in->height;
	if (av_frame_get_buffer(rgb, 0) < 0)
		return -ENOMEM;
	for (int y = 0; y < in->height; y++)
		for (int x = 0; x < in->width; x++)
			pf_decoder_rgb(in->data[0][y * in->linesize[0] + x],
				in->data[1][y / 2 * in->linesize[1] + x / 2],
				in->data[2][y / 2 * in->linesize[2] + x / 2], in->colorspace, full,
				rgb->data[0] + y * rgb->linesize[0] + 3 * x);
	return 0;
}

static int encode_png(const AVFrame *rgb, AVPacket *packet)
{
	const AVCodec *png = avcodec_find_encoder(AV_CODEC_ID_PNG);
	AVCodecContext *ctx = png ? avcodec_alloc_context3(png) : NULL;
	int err = -ENOTSUP;

	if (!ctx)
		return err;
	ctx->width = rgb->width;
	ctx->height = rgb->height;
	ctx->pix_fmt = AV_PIX_FMT_RGB24;
	ctx->time_base = (AVRational){ 1, 1 };
	if (avcodec_open2(ctx, png, NULL) >= 0 && avcodec_send_frame(ctx, rgb) >= 0 &&
		avcodec_receive_packet(ctx, packet) >= 0)
		err = 0;
	avcodec_free_context(&ctx);
	return err;
}

int pf_decoder_write_png(struct pf_decoder *d, const char *path)
{
	AVFrame *rgb = av_frame_alloc();
	AVPacket *packet = av_packet_alloc();
	FILE *f = NULL;
	int err = -ENOMEM;

	if (!rgb || !packet)
		goto out;
	err = -ENOENT;
	if (!pf_decoder_has_kept(d))
		goto out;
	err = to_rgb(d->kept, rgb);
	if (err)
		goto out;
	err = encode_png(rgb, packet);
	if (err)
		goto out;
	f = fopen(path, "wbe");
	if (!f || fwrite(packet->data, 1, (size_t)packet->size, f) != (size_t)packet->size)
		err = errno ? -errno : -EIO;
	if (f && fclose(f) && !err)
		err = -errno;
out:
	av_frame_free(&rgb);
	av_packet_free(&packet);
	return err;
}
