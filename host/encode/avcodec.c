/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* avcodec.c - encoders behind libavcodec: x264, NVENC, VAAPI, x265, libaom.
 *
 * One flow for all: convert into a picture of our own, which libavcodec borrows
 * for the call (nothing is copied on our side), send it, take the packet. What
 * differs per encoder is a row of `kind`: its libavcodec names, its options, and
 * whether the picture goes to a device first. */
#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libavutil/hwcontext.h>
#include <libavutil/opt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/clock.h"
#include "core/base/log.h"
#include "host/encode/annexb.h"
#include "host/encode/backends.h"
#include "host/encode/convert.h"

#ifdef __SANITIZE_ADDRESS__
/* x265 3.5 does not give back all of its own memory on close. */
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libx265";
}
#endif

struct kind {
	const struct pf_encoder_ops *ops;
	const char *h264, *hevc, *av1;		 /* libavcodec's encoder names */
	enum pf_pixel_format formats[PF_SHAPES]; /* PF_PIXEL_NONE = not that shape */
	bool device;				 /* VAAPI: pictures go through a pool of surfaces */
	bool constant;	   /* the least rate is the mean rate, too: how libaom knows CBR */
	const char *needs; /* what a machine lacks where it does not open */
	/* The encoder's own way to say what open() says for all. */
	void (*options)(
		AVDictionary **opts, AVCodecContext *ctx, const struct pf_encoder_params *params);
};

struct av_encoder {
	struct pf_encoder base;
	const struct kind *kind;
	struct pf_encoder_params params;
	struct pf_picture picture;
	AVCodecContext *ctx;
	AVFrame *frame;	  /* wraps picture */
	AVFrame *surface; /* device only: what the encoder gets */
	AVPacket *packet;
	AVBufferRef *device;
	int64_t count;
};

/* libavcodec and the encoders below it talk a lot; who wants it asks for debug. */
static void log_line(void *avcl, int level, const char *fmt, va_list args)
{
	char line[400];
	int prefix = 1;

	if (level > AV_LOG_INFO)
		return;
	av_log_format_line2(avcl, level, fmt, args, line, sizeof(line), &prefix);
	line[strcspn(line, "\n")] = '\0';
	if (line[0])
		pf_log(PF_LOG_DEBUG, "avcodec", "%s", line);
}

static int to_errno(int err)
{
	if (err == AVERROR(ENOMEM))
		return -ENOMEM;
	return err > -4096 && err < 0 ? err : -ENODEV;
}

static void nothing_to_free(void *opaque, uint8_t *data) {}

static enum AVPixelFormat av_format(enum pf_pixel_format format)
{
	switch (format) {
	case PF_PIXEL_NV12:
		return AV_PIX_FMT_NV12;
	case PF_PIXEL_I444:
		return AV_PIX_FMT_YUV444P;
	case PF_PIXEL_I420_10:
		return AV_PIX_FMT_YUV420P10;
	case PF_PIXEL_I444_10:
		return AV_PIX_FMT_YUV444P10;
	default:
		return AV_PIX_FMT_YUV420P;
	}
}

static enum AVChromaLocation chroma_place(enum pf_pixel_format format)
{
	return format == PF_PIXEL_I444 || format == PF_PIXEL_I444_10 ? AVCHROMA_LOC_UNSPECIFIED
								     : AVCHROMA_LOC_LEFT;
}

static int wrap_picture(struct av_encoder *e, enum AVPixelFormat format)
{
	struct pf_picture *p = &e->picture;

	e->frame = av_frame_alloc();
	e->packet = av_packet_alloc();
	if (!e->frame || !e->packet)
		return -ENOMEM;
	/* A frame without a buffer would be copied by every send. */
	e->frame->buf[0] = av_buffer_create(p->planes[0], p->bytes, nothing_to_free, NULL, 0);
	if (!e->frame->buf[0])
		return -ENOMEM;
	e->frame->format = format;
	e->frame->width = (int)p->width;
	e->frame->height = (int)p->height;
	e->frame->colorspace = (enum AVColorSpace)p->colour.matrix;
	e->frame->color_primaries = (enum AVColorPrimaries)p->colour.primaries;
	e->frame->color_trc = (enum AVColorTransferCharacteristic)p->colour.transfer;
	e->frame->color_range = p->colour.full_range ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
	e->frame->chroma_location = chroma_place(p->format);
	for (int i = 0; i < (p->format == PF_PIXEL_NV12 ? 2 : 3); i++) {
		e->frame->data[i] = p->planes[i];
		e->frame->linesize[i] = (int)p->strides[i];
	}
	return 0;
}

static int open_device(struct av_encoder *e, struct pf_reason *why)
{
	AVBufferRef *frames;
	AVHWFramesContext *hw;
	int err = av_hwdevice_ctx_create(&e->device, AV_HWDEVICE_TYPE_VAAPI, NULL, NULL, 0);

	if (err < 0)
		return pf_reason_set(why, to_errno(err),
			"vaapi does not open without a GPU and its VA driver (%s)",
			av_err2str(err));
	frames = av_hwframe_ctx_alloc(e->device);
	if (!frames)
		return pf_reason_set(why, -ENOMEM, "out of memory");
	hw = (AVHWFramesContext *)frames->data;
	hw->format = AV_PIX_FMT_VAAPI;
	hw->sw_format = AV_PIX_FMT_NV12;
	hw->width = (int)e->params.width;
	hw->height = (int)e->params.height;
	hw->initial_pool_size = 4;
	err = av_hwframe_ctx_init(frames);
	if (err < 0) {
		av_buffer_unref(&frames);
		return pf_reason_set(
			why, to_errno(err), "vaapi: no surfaces (%s)", av_err2str(err));
	}
	e->ctx->hw_frames_ctx = frames;
	e->ctx->pix_fmt = AV_PIX_FMT_VAAPI;
	e->surface = av_frame_alloc();
	return e->surface ? 0 : pf_reason_set(why, -ENOMEM, "out of memory");
}

static void set_rate(struct av_encoder *e, uint32_t kbps)
{
	e->ctx->bit_rate = (int64_t)kbps * 1000;
	e->ctx->rc_max_rate = e->ctx->bit_rate;
	e->ctx->rc_min_rate = e->kind->constant ? e->ctx->bit_rate : 0;
	e->ctx->rc_buffer_size = (int)pf_encoder_vbv_bits(&e->params, kbps);
}

static void av_close(struct pf_encoder *enc)
{
	struct av_encoder *e = (struct av_encoder *)enc;

	if (!e)
		return;
	avcodec_free_context(&e->ctx);
	av_packet_free(&e->packet);
	av_frame_free(&e->surface);
	av_frame_free(&e->frame);
	av_buffer_unref(&e->device);
	pf_picture_finish(&e->picture);
	free(e);
}

static int av_open(struct pf_encoder **out, const struct kind *kind,
	const struct pf_encoder_params *params, struct pf_reason *why)
{
	const char *name = params->codec == PF_CODEC_H264   ? kind->h264
			   : params->codec == PF_CODEC_HEVC ? kind->hevc
							    : kind->av1;
	const AVCodec *codec = name ? avcodec_find_encoder_by_name(name) : NULL;
	const enum AVPixelFormat format = av_format(kind->formats[params->shape]);
	struct av_encoder *e = NULL;
	AVDictionary *opts = NULL;
	int err;

	av_log_set_callback(log_line);
	if (!kind->formats[params->shape])
		return pf_reason_set(why, -ENOTSUP, "%s does not make pictures of %s",
			kind->ops->name, pf_encoder_shape_name(params->shape));
	if (!codec)
		return pf_reason_set(why, -ENODEV, "%s: this libavcodec has no %s", kind->ops->name,
			name ? name : "encoder for that codec");
	e = calloc(1, sizeof(*e));
	if (!e)
		return pf_reason_set(why, -ENOMEM, "out of memory");
	e->base.ops = kind->ops;
	e->kind = kind;
	e->params = *params;
	e->params.preset = NULL;
	err = pf_picture_init(&e->picture, kind->formats[params->shape], params->width,
		params->height, &params->colour);
	if (!err)
		err = wrap_picture(e, format);
	if (err) {
		pf_reason_set(why, err, "%s: cannot hold a picture of %ux%u", kind->ops->name,
			params->width, params->height);
		goto fail;
	}
	e->ctx = avcodec_alloc_context3(codec);
	if (!e->ctx) {
		err = pf_reason_set(why, -ENOMEM, "out of memory");
		goto fail;
	}
	e->ctx->width = (int)params->width;
	e->ctx->height = (int)params->height;
	e->ctx->pix_fmt = format;
	e->ctx->time_base = (AVRational){ 1000, (int)params->fps_mhz };
	e->ctx->framerate = (AVRational){ (int)params->fps_mhz, 1000 };
	e->ctx->gop_size = 1 << 30; /* no picture is intra unless asked for */
	e->ctx->max_b_frames = 0;
	e->ctx->slices = (int)params->slices;
	if (params->references)
		e->ctx->refs = (int)params->references;
	e->ctx->thread_count = (int)pf_encoder_threads(params);
	e->ctx->colorspace = e->frame->colorspace;
	e->ctx->color_primaries = e->frame->color_primaries;
	e->ctx->color_trc = e->frame->color_trc;
	e->ctx->color_range = e->frame->color_range;
	e->ctx->chroma_sample_location = e->frame->chroma_location;
	set_rate(e, params->bitrate_kbps);
	if (kind->device) {
		err = open_device(e, why);
		if (err)
			goto fail;
	}
	kind->options(&opts, e->ctx, params);
	err = avcodec_open2(e->ctx, codec, &opts);
	av_dict_free(&opts);
	if (err < 0) {
		pf_reason_set(why, to_errno(err), "%s does not open%s%s (%s)", kind->ops->name,
			kind->needs ? " without " : "", kind->needs ? kind->needs : "",
			av_err2str(err));
		err = to_errno(err);
		goto fail;
	}
	*out = &e->base;
	return 0;
fail:
	av_close(&e->base);
	return err;
}

static int upload(struct av_encoder *e)
{
	int err;

	av_frame_unref(e->surface);
	err = av_hwframe_get_buffer(e->ctx->hw_frames_ctx, e->surface, 0);
	if (!err)
		err = av_hwframe_transfer_data(e->surface, e->frame, 0);
	return err < 0 ? -EIO : 0;
}

static int av_encode(
	struct pf_encoder *enc, const struct pf_frame *in, uint32_t flags, struct pf_packet *out)
{
	struct av_encoder *e = (struct av_encoder *)enc;
	uint64_t begin = pf_clock_mono_ns(), converted;
	AVFrame *send = e->frame;
	size_t lead = 0;
	int err;

	/* The first picture of a stream that took the encoder over is an IDR. */
	if (flags & PF_ENCODE_IDR)
		pf_picture_forget(&e->picture);
	err = pf_picture_update(&e->picture, in);
	if (err)
		return err;
	if (e->kind->device) {
		err = upload(e);
		if (err)
			return err;
		send = e->surface;
	}
	converted = pf_clock_mono_ns();
	send->pts = e->count++;
	send->pict_type = flags & PF_ENCODE_IDR ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
	av_packet_unref(e->packet);
	err = avcodec_send_frame(e->ctx, send);
	if (err < 0)
		return -EIO;
	err = avcodec_receive_packet(e->ctx, e->packet);
	if (err == AVERROR(EAGAIN))
		av_packet_unref(e->packet);
	else if (err < 0)
		return -EIO;
	if (e->packet->flags & AV_PKT_FLAG_KEY) {
		if (av_packet_make_writable(e->packet) < 0)
			return -ENOMEM;
		lead = pf_annexb_drop_sei(
			e->params.codec, e->packet->data, (size_t)e->packet->size);
	}
	*out = (struct pf_packet){ .data = lead ? e->packet->data + lead : e->packet->data,
		.size = (size_t)e->packet->size - lead,
		.idr = e->packet->flags & AV_PKT_FLAG_KEY,
		.convert_ns = converted - begin,
		.encode_ns = pf_clock_mono_ns() - converted };
	return 0;
}

/* x264 and NVENC read the rate from the context before each picture and change
 * over without an IDR. */
static int av_set_bitrate(struct pf_encoder *enc, uint32_t kbps)
{
	set_rate((struct av_encoder *)enc, kbps);
	return 0;
}

static void set(AVDictionary **opts, const char *key, const char *value)
{
	av_dict_set(opts, key, value, 0);
}

static void set_number(AVDictionary **opts, const char *key, unsigned value)
{
	av_dict_set_int(opts, key, value, 0);
}

static void x264_options(
	AVDictionary **opts, AVCodecContext *ctx, const struct pf_encoder_params *params)
{
	set(opts, "preset", params->preset ? params->preset : "ultrafast");
	/* Sliced threads, no look-ahead, no B pictures: one in, one out. */
	set(opts, "tune", "zerolatency");
	set(opts, "forced-idr", "1");
	set(opts, "sc_threshold", "0");
	/* Sliced threads make one slice per thread. */
	if (ctx->thread_count < ctx->slices)
		ctx->thread_count = ctx->slices;
}

static void nvenc_options(
	AVDictionary **opts, AVCodecContext *ctx, const struct pf_encoder_params *params)
{
	set(opts, "preset", params->preset ? params->preset : "p1");
	set(opts, "tune", "ull");
	set(opts, "rc", "cbr");
	set(opts, "delay", "0");
	set(opts, "zerolatency", "1");
	set(opts, "forced-idr", "1");
	if (params->references)
		set_number(opts, "dpb_size", params->references);
}

static void vaapi_options(
	AVDictionary **opts, AVCodecContext *ctx, const struct pf_encoder_params *params)
{
	set(opts, "rc_mode", "CBR");
	set(opts, "async_depth", "1");
	set(opts, "idr_interval", "0");
	set(opts, "sei", "0");
}

static void x265_options(
	AVDictionary **opts, AVCodecContext *ctx, const struct pf_encoder_params *params)
{
	char more[200];

	set(opts, "preset", params->preset ? params->preset : "ultrafast");
	set(opts, "tune", "zerolatency");
	set(opts, "forced-idr", "1");
	/* With a second slice or a second frame thread it holds a picture back. Rows of
	 * blocks stand for slices: decoders may share them out, too. */
	ctx->slices = 0;
	snprintf(more, sizeof(more),
		"keyint=-1:open-gop=0:scenecut=0:bframes=0:rc-lookahead=0:lookahead-slices=0:"
		"frame-threads=1:slices=1:wpp=1:pools=%d:repeat-headers=1:info=0:log-level=0",
		ctx->thread_count);
	if (params->references)
		snprintf(more + strlen(more), sizeof(more) - strlen(more), ":ref=%u",
			params->references);
	set(opts, "x265-params", more);
}

/* x264's words for speed as libaom's number, so that one setting serves both; NULL
 * for another word. Not 10: at that speed libaom 3.6 leaves whole blocks of a
 * changed picture as they were, for many frames. */
static const char *aom_speed(const char *preset)
{
	static const struct {
		const char *word, *speed;
	} words[] = { { "ultrafast", "9" }, { "superfast", "8" }, { "veryfast", "7" },
		{ "faster", "6" }, { "fast", "6" }, { "medium", "5" } };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!preset || !strcmp(preset, words[i].word))
			return words[i].speed;
	return NULL;
}

static void aom_options(
	AVDictionary **opts, AVCodecContext *ctx, const struct pf_encoder_params *params)
{
	unsigned tiles = params->slices > (unsigned)ctx->thread_count ? params->slices
								      : (unsigned)ctx->thread_count;
	unsigned log2 = 0;
	char more[160];

	while (log2 < 4 && 1u << log2 < tiles)
		log2++;
	set(opts, "usage", "realtime");
	set(opts, "lag-in-frames", "0");
	set(opts, "row-mt", "1");
	/* AV1 has tiles where others have slices; its eight places for pictures to refer
	 * to are the same for all. */
	set_number(opts, "tile-columns", log2);
	/* libavcodec's own option for speed ends at 8. Costs of symbols that are set once
	 * a tile save time. Those of vectors have to follow each block: else libaom 3.6
	 * makes streams that no decoder takes after some frames, of 10 bits at once. */
	snprintf(more, sizeof(more), "cpu-used=%s:coeff-cost-upd-freq=2:mode-cost-upd-freq=2",
		aom_speed(params->preset));
	set(opts, "aom-params", more);
}

static const struct kind x264_kind = { .ops = &x264_encoder_ops,
	.h264 = "libx264",
	/* NV12 is x264's own layout: planar would be interleaved again. */
	.formats = { PF_PIXEL_NV12, PF_PIXEL_I444 },
	.options = x264_options };
static const struct kind nvenc_kind = { .ops = &nvenc_encoder_ops,
	.h264 = "h264_nvenc",
	.hevc = "hevc_nvenc",
	.needs = "an NVIDIA GPU and its driver",
	.formats = { PF_PIXEL_NV12 },
	.options = nvenc_options };
static const struct kind vaapi_kind = { .ops = &vaapi_encoder_ops,
	.h264 = "h264_vaapi",
	.hevc = "hevc_vaapi",
	.needs = "an encoder for it in the GPU",
	.formats = { PF_PIXEL_NV12 },
	.device = true,
	.options = vaapi_options };
static const struct kind x265_kind = { .ops = &x265_encoder_ops,
	.hevc = "libx265",
	.formats = { PF_PIXEL_I420, PF_PIXEL_I444, PF_PIXEL_I420_10, PF_PIXEL_I444_10 },
	.options = x265_options };
static const struct kind aom_kind = { .ops = &aom_encoder_ops,
	.av1 = "libaom-av1",
	.formats = { PF_PIXEL_I420, PF_PIXEL_I444, PF_PIXEL_I420_10, PF_PIXEL_I444_10 },
	.constant = true,
	.options = aom_options };

#define OPEN(name)                                                                                 \
	static int name##_open(struct pf_encoder **out, const struct pf_encoder_params *params,    \
		struct pf_reason *why)                                                             \
	{                                                                                          \
		return av_open(out, &name##_kind, params, why);                                    \
	}
OPEN(x264)
OPEN(nvenc)
OPEN(vaapi)
OPEN(x265)

static int aom_open(
	struct pf_encoder **out, const struct pf_encoder_params *params, struct pf_reason *why)
{
	/* libavcodec leaks four megabytes when libaom refuses an option. */
	if (!aom_speed(params->preset))
		return pf_reason_set(why, -EINVAL,
			"aom knows the speeds ultrafast to medium, not \"%.40s\"", params->preset);
	return av_open(out, &aom_kind, params, why);
}

const struct pf_encoder_ops x264_encoder_ops = {
	.name = "x264",
	.codecs = PF_CODEC_H264,
	.shapes = 1 << PF_SHAPE_444,
	.memory = PF_MEM_CPU,
	.open = x264_open,
	.close = av_close,
	.encode = av_encode,
	.set_bitrate = av_set_bitrate,
};

const struct pf_encoder_ops nvenc_encoder_ops = {
	.name = "nvenc",
	.codecs = PF_CODEC_H264 | PF_CODEC_HEVC,
	.memory = PF_MEM_CPU,
	.hardware = true,
	.open = nvenc_open,
	.close = av_close,
	.encode = av_encode,
	.set_bitrate = av_set_bitrate,
};

const struct pf_encoder_ops vaapi_encoder_ops = {
	.name = "vaapi",
	.codecs = PF_CODEC_H264 | PF_CODEC_HEVC,
	.memory = PF_MEM_CPU,
	.hardware = true,
	.open = vaapi_open,
	.close = av_close,
	.encode = av_encode,
};

const struct pf_encoder_ops x265_encoder_ops = {
	.name = "x265",
	.codecs = PF_CODEC_HEVC,
	.shapes = 1 << PF_SHAPE_444 | 1 << PF_SHAPE_420_10 | 1 << PF_SHAPE_444_10,
	.memory = PF_MEM_CPU,
	.slow = true,
	.open = x265_open,
	.close = av_close,
	.encode = av_encode,
};

const struct pf_encoder_ops aom_encoder_ops = {
	.name = "aom",
	.codecs = PF_CODEC_AV1,
	.shapes = 1 << PF_SHAPE_444 | 1 << PF_SHAPE_420_10 | 1 << PF_SHAPE_444_10,
	.memory = PF_MEM_CPU,
	.slow = true,
	.open = aom_open,
	.close = av_close,
	.encode = av_encode,
};
