/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What every encoder backend owes, asked of each one that works here; packets
 * are decoded with libavcodec. PF_TEST_DUMP=DIR keeps the streams to look at. */
#include "host/encode/encode.h"
#include <errno.h>
#include <libavcodec/avcodec.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "core/base/clock.h"
#include "host/encode/annexb.h"
#include "host/encode/convert.h"

#define W 320
#define H 240

struct source {
	struct pf_frame f;
	uint32_t seed;
};

static void source_init(struct source *s, uint32_t width, uint32_t height)
{
	memset(s, 0, sizeof(*s));
	s->f.refs = 1;
	s->f.kind = PF_MEM_CPU;
	s->f.format = PF_PIXEL_BGRX;
	s->f.width = width;
	s->f.height = height;
	s->f.colour = PF_COLOUR_BT709;
	s->f.plane_count = 1;
	s->f.strides[0] = 4 * width + 64;
	s->f.planes[0] = calloc(height, s->f.strides[0]);
	s->f.acquire_fence = -1;
	s->seed = 1;
}

static void source_finish(struct source *s)
{
	free(s->f.planes[0]);
}

static uint8_t *at(struct source *s, uint32_t x, uint32_t y)
{
	return s->f.planes[0] + (size_t)y * s->f.strides[0] + 4 * (size_t)x;
}

static void put(struct source *s, uint32_t x, uint32_t y, uint8_t r, uint8_t g, uint8_t b)
{
	memcpy(at(s, x, y), (uint8_t[]){ b, g, r, 0xff }, 4);
}

/* Smooth gradients and a box that moves by four pixels a picture. */
static void draw_scene(struct source *s, unsigned n)
{
	uint32_t bx = n * 4 % (s->f.width - 48);

	for (uint32_t y = 0; y < s->f.height; y++)
		for (uint32_t x = 0; x < s->f.width; x++) {
			bool box = x >= bx && x < bx + 48 && y >= 64 && y < 112;

			put(s, x, y, box ? 220 : (uint8_t)(x * 255 / s->f.width),
				box ? 40 : (uint8_t)(y * 255 / s->f.height), box ? 30 : 90);
		}
	s->f.seq = n;
}

/* What a desktop is made of: marks like letters on gradients, a box that moves over
 * them, and a line of hard black and white that flickers. */
static void draw_text(struct source *s, unsigned n)
{
	for (uint32_t y = 0; y < s->f.height; y++)
		for (uint32_t x = 0; x < s->f.width; x++) {
			uint32_t letter = (x / 8 % 16 * 31 + y / 16 % 8 * 17 + 5) * 2654435761u;
			uint32_t mx = x % 8, my = y % 16, tx = x % 64, ty = y % 64;
			uint8_t bit = n * 2654435761u >> (x / 8 % 32) & 1 ? 255 : 0;

			if (y < 8 && x < 512)
				put(s, x, y, bit, bit, bit);
			else if (x >= n * 8 && x < n * 8 + 128 && y < 96)
				put(s, x, y, 208, 48, 32);
			else if (mx < 5 && my < 9 && letter >> (mx + my / 2 * 5) & 1)
				put(s, x, y, 24, 32, 40);
			else if ((x / 64 + y / 64) % 2)
				put(s, x, y, (uint8_t)(40 + tx * 2), (uint8_t)(70 + ty * 2), 130);
			else
				put(s, x, y, (uint8_t)(220 - ty), (uint8_t)(200 - tx),
					(uint8_t)(120 + tx));
		}
	s->f.seq = n;
}

static void draw_noise(struct source *s, unsigned n)
{
	for (uint32_t y = 0; y < s->f.height; y++)
		for (uint32_t x = 0; x < s->f.width; x++) {
			s->seed = s->seed * 1664525u + 1013904223u;
			put(s, x, y, (uint8_t)(s->seed >> 24), (uint8_t)(s->seed >> 16),
				(uint8_t)(s->seed >> 8));
		}
	s->f.seq = n;
}

/* One backend with the first codec of it that works, and a shape. */
struct subject {
	const struct pf_encoder_ops *ops;
	enum pf_codec codec;
	enum pf_encoder_shape shape;
	struct pf_reason why;
	bool works;
};

static bool is_ten(enum pf_encoder_shape shape)
{
	return shape == PF_SHAPE_420_10 || shape == PF_SHAPE_444_10;
}

/* How many pixels share a chroma sample, in either direction. */
static unsigned sub(enum pf_encoder_shape shape)
{
	return shape == PF_SHAPE_420 || shape == PF_SHAPE_420_10 ? 2 : 1;
}

struct decoder {
	enum pf_encoder_shape shape;
	AVCodecContext *ctx;
	AVPacket *packet;
	AVFrame *frame;
	FILE *dump;
};

static void decoder_init(struct decoder *d, const struct subject *s, const char *test)
{
	enum AVCodecID id = s->codec == PF_CODEC_H264	? AV_CODEC_ID_H264
			    : s->codec == PF_CODEC_HEVC ? AV_CODEC_ID_HEVC
							: AV_CODEC_ID_AV1;
	const AVCodec *codec = s->codec == PF_CODEC_AV1 ? avcodec_find_decoder_by_name("libdav1d")
							: avcodec_find_decoder(id);
	const char *dir = getenv("PF_TEST_DUMP");

	assert_non_null(codec);
	d->shape = s->shape;
	d->ctx = avcodec_alloc_context3(codec);
	d->ctx->flags |= AV_CODEC_FLAG_LOW_DELAY;
	d->ctx->thread_count = 1;
	d->ctx->err_recognition = AV_EF_CRCCHECK | AV_EF_BITSTREAM | AV_EF_EXPLODE;
	d->packet = av_packet_alloc();
	d->frame = av_frame_alloc();
	assert_int_equal(avcodec_open2(d->ctx, codec, NULL), 0);
	d->dump = NULL;
	if (dir) {
		char path[400];

		snprintf(path, sizeof(path), "%s/%s-%d-%s.bin", dir, s->ops->name, (int)s->shape,
			test);
		d->dump = fopen(path, "wb");
	}
}

static void decoder_finish(struct decoder *d)
{
	avcodec_free_context(&d->ctx);
	av_packet_free(&d->packet);
	av_frame_free(&d->frame);
	if (d->dump)
		fclose(d->dump);
}

/* True when the packet gave a picture at once. */
static bool decode(struct decoder *d, const struct pf_packet *p)
{
	int err;

	assert_int_equal(av_new_packet(d->packet, (int)p->size), 0);
	memcpy(d->packet->data, p->data, p->size);
	if (d->dump)
		fwrite(p->data, 1, p->size, d->dump);
	err = avcodec_send_packet(d->ctx, d->packet);
	av_packet_unref(d->packet);
	assert_int_equal(err, 0);
	err = avcodec_receive_frame(d->ctx, d->frame);
	if (err == AVERROR(EAGAIN))
		return false;
	assert_int_equal(err, 0);
	switch (d->shape) {
	case PF_SHAPE_444:
		assert_true(d->frame->format == AV_PIX_FMT_YUV444P ||
			    d->frame->format == AV_PIX_FMT_YUVJ444P);
		break;
	case PF_SHAPE_420_10:
		assert_int_equal(d->frame->format, AV_PIX_FMT_YUV420P10);
		break;
	case PF_SHAPE_444_10:
		assert_int_equal(d->frame->format, AV_PIX_FMT_YUV444P10);
		break;
	default:
		assert_true(d->frame->format == AV_PIX_FMT_YUV420P ||
			    d->frame->format == AV_PIX_FMT_YUVJ420P);
	}
	return true;
}

/* A sample in codes of 8 bits. */
static double sample(const uint8_t *row, unsigned x, bool ten)
{
	uint16_t v;

	if (!ten)
		return row[x];
	memcpy(&v, row + 2 * (size_t)x, 2);
	return v / 4.0;
}

/* Of all three planes together, in dB. */
static double psnr(const AVFrame *got, const struct pf_picture *want, enum pf_encoder_shape shape)
{
	bool ten = is_ten(shape);
	double sum = 0, count = 0;

	for (int i = 0; i < 3; i++) {
		uint32_t w = i ? want->width / sub(shape) : want->width;
		uint32_t h = i ? want->height / sub(shape) : want->height;

		for (uint32_t y = 0; y < h; y++)
			for (uint32_t x = 0; x < w; x++) {
				double e =
					sample(got->data[i] + (int)y * got->linesize[i], x, ten) -
					sample(want->planes[i] + y * want->strides[i], x, ten);

				sum += e * e;
			}
		count += (double)w * h;
	}
	return sum == 0 ? 99 : 10 * log10(255 * 255 * count / sum);
}

static struct pf_encoder_params params_for(const struct subject *s, uint32_t width, uint32_t height)
{
	return (struct pf_encoder_params){ .codec = s->codec,
		.shape = s->shape,
		.width = width,
		.height = height,
		.fps_mhz = 60000,
		.bitrate_kbps = 6000,
		.colour = PF_COLOUR_BT709 };
}

static struct pf_encoder *open_or_fail(
	const struct subject *s, const struct pf_encoder_params *params)
{
	struct pf_encoder *enc = NULL;
	struct pf_reason why = { 0 };

	if (s->ops->open(&enc, params, &why))
		fail_msg("%s: %s", s->ops->name, why.text);
	assert_ptr_equal(enc->ops, s->ops);
	return enc;
}

/* Built in and software: it has to work. */
static void test_probe(void **state)
{
	const struct subject *s = *state;

	if (!s->works)
		fail_msg("%s", s->why.text);
}

static bool is_key(const AVFrame *f)
{
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(58, 7, 100)
	return f->flags & AV_FRAME_FLAG_KEY;
#else
	return f->key_frame;
#endif
}

static void run_stream(const struct subject *s, uint32_t width, uint32_t height, const char *test)
{
	static const enum pf_pixel_format formats[PF_SHAPES] = { PF_PIXEL_I420, PF_PIXEL_I444,
		PF_PIXEL_I420_10, PF_PIXEL_I444_10 };
	struct pf_encoder_params params = params_for(s, width, height);
	struct pf_colour bt709 = PF_COLOUR_BT709;
	struct pf_encoder *enc = open_or_fail(s, &params);
	struct pf_picture want;
	struct source src;
	struct decoder dec, late;

	source_init(&src, width, height);
	decoder_init(&dec, s, test);
	decoder_init(&late, s, "late");
	assert_int_equal(pf_picture_init(&want, formats[s->shape], width, height, &bt709), 0);
	for (unsigned n = 0; n < 40; n++) {
		struct pf_packet p = { 0 };

		draw_scene(&src, n);
		assert_int_equal(enc->ops->encode(enc, &src.f, n == 25 ? PF_ENCODE_IDR : 0, &p), 0);
		assert_true(p.size > 0);
		assert_int_equal(p.idr, n == 0 || n == 25);
		assert_true(p.convert_ns > 0 && p.encode_ns > 0);
		assert_true(decode(&dec, &p));
		assert_int_equal(dec.frame->width, (int)width);
		assert_int_equal(dec.frame->height, (int)height);
		assert_int_equal(is_key(dec.frame), p.idr);
		pf_picture_update(&want, &src.f);
		if (psnr(dec.frame, &want, s->shape) <= 30)
			fail_msg(
				"picture %u has only %.1f dB", n, psnr(dec.frame, &want, s->shape));
		/* Who joins at an IDR needs nothing from before it. */
		if (n >= 25) {
			assert_true(decode(&late, &p));
			assert_true(psnr(late.frame, &want, s->shape) > 30);
		}
	}
	enc->ops->close(enc);
	decoder_finish(&dec);
	decoder_finish(&late);
	pf_picture_finish(&want);
	source_finish(&src);
}

static void test_stream(void **state)
{
	run_stream(*state, W, H, "stream");
}

static void test_text(void **state)
{
	const struct subject *s = *state;
	struct pf_encoder_params params = params_for(s, 2 * W, 360);
	struct pf_encoder *enc;
	struct source src;
	struct decoder dec;

	params.fps_mhz = 30000;
	params.bitrate_kbps = 2700;
	params.references = 1;
	params.slices = 1;
	enc = open_or_fail(s, &params);
	source_init(&src, 2 * W, 360);
	decoder_init(&dec, s, "text");
	for (unsigned n = 0; n < 60; n++) {
		struct pf_packet p = { 0 };

		draw_text(&src, n);
		assert_int_equal(enc->ops->encode(enc, &src.f, 0, &p), 0);
		assert_true(decode(&dec, &p));
	}
	enc->ops->close(enc);
	decoder_finish(&dec);
	source_finish(&src);
}

/* An encoder that another stream takes over sees another capture: numbers that seem
 * to go on mean nothing then. */
static void test_another_capture(void **state)
{
	static const enum pf_pixel_format formats[PF_SHAPES] = { PF_PIXEL_I420, PF_PIXEL_I444,
		PF_PIXEL_I420_10, PF_PIXEL_I444_10 };
	const struct subject *s = *state;
	struct pf_encoder_params params = params_for(s, W, H);
	struct pf_encoder *enc = open_or_fail(s, &params);
	struct pf_colour bt709 = PF_COLOUR_BT709;
	struct pf_packet p = { 0 };
	struct pf_picture want;
	struct source src;
	struct decoder dec;

	source_init(&src, W, H);
	decoder_init(&dec, s, "another");
	assert_int_equal(pf_picture_init(&want, formats[s->shape], W, H, &bt709), 0);
	memset(src.f.planes[0], 0x30, (size_t)src.f.strides[0] * H);
	src.f.seq = 4;
	assert_int_equal(enc->ops->encode(enc, &src.f, PF_ENCODE_IDR, &p), 0);
	assert_true(decode(&dec, &p));
	draw_scene(&src, 5);
	src.f.damage_count = 1;
	src.f.damage[0] = (struct pf_rect){ 0, 0, 2, 2 };
	assert_int_equal(enc->ops->encode(enc, &src.f, PF_ENCODE_IDR, &p), 0);
	assert_true(decode(&dec, &p));
	assert_int_equal(pf_picture_update(&want, &src.f), 0);
	assert_true(psnr(dec.frame, &want, s->shape) > 25);
	enc->ops->close(enc);
	decoder_finish(&dec);
	pf_picture_finish(&want);
	source_finish(&src);
}

/* Neither a multiple of 16 nor of a vector: cropping must be right. */
static void test_odd_sizes(void **state)
{
	const struct subject *s = *state;

	run_stream(s, 1366, 768, "1366x768");
	run_stream(s, 322, 182, "322x182");
}

static void test_slices(void **state)
{
	const struct subject *s = *state;
	struct pf_encoder_params params = params_for(s, 2 * W, 2 * H);
	struct pf_encoder *enc;
	struct source src;
	struct pf_packet p = { 0 };
	unsigned slices = 0;

	/* Tall enough for x264, which wants four rows of blocks in a slice. */
	params.slices = 4;
	params.threads = 2;
	enc = open_or_fail(s, &params);
	source_init(&src, 2 * W, 2 * H);
	draw_scene(&src, 0);
	assert_int_equal(enc->ops->encode(enc, &src.f, 0, &p), 0);
	/* Parameter sets lead: a decoder may start at this very packet. */
	for (size_t i = 0; i + 4 < p.size; i++) {
		unsigned type = p.data[i + 3] & 0x1f;

		if (p.data[i] || p.data[i + 1] || p.data[i + 2] != 1)
			continue;
		if (type == 7)
			assert_int_equal(slices, 0);
		slices += type == 5;
	}
	assert_int_equal(slices, 4);
	enc->ops->close(enc);
	source_finish(&src);
}

/* The first bits of an H.264 SPS, up to the number of reference pictures. */
static unsigned sps_references(const struct pf_packet *p)
{
	unsigned bit = 0, value[8] = { 0 }, n = 0, wanted = 5;
	const uint8_t *d = p->data;

	while (d[0] || d[1] || d[2] != 1 || (d[3] & 0x1f) != 7)
		assert_true(++d + 4 < p->data + p->size);
	d += 4;
	/* Behind the profile: set, [chroma, depths, two flags,] frame number bits,
	 * order type, [order bits,] references. */
	if (d[0] == 100)
		wanted = 8;
	bit = 24;
	while (n < wanted) {
		unsigned zeros = 0, v = 0;

		while (!(d[bit / 8] >> (7 - bit % 8) & 1))
			bit++, zeros++;
		for (unsigned i = 0; i <= zeros; i++, bit++)
			v = v << 1 | (d[bit / 8] >> (7 - bit % 8) & 1);
		value[n++] = v - 1;
		if (wanted == 8 && n == 4)
			bit += 2;
		/* Order type 2 has no bits behind it. */
		if (n == wanted - 2 && value[n - 1])
			wanted--;
	}
	return value[wanted - 1];
}

static void test_references(void **state)
{
	const struct subject *s = *state;
	struct pf_encoder_params params = params_for(s, 2 * W, 2 * H);

	for (unsigned references = 0; references < 2; references++) {
		struct pf_encoder *enc;
		struct pf_packet p = { 0 };
		struct source src;

		params.references = references;
		params.preset = strcmp(s->ops->name, "openh264") ? "medium" : NULL;
		enc = open_or_fail(s, &params);
		source_init(&src, 2 * W, 2 * H);
		draw_scene(&src, 0);
		assert_int_equal(enc->ops->encode(enc, &src.f, 0, &p), 0);
		print_message("# %s: %u references where %u are asked\n", s->ops->name,
			sps_references(&p), references);
		if (references)
			assert_int_equal(sps_references(&p), 1);
		else if (!strcmp(s->ops->name, "x264"))
			assert_true(sps_references(&p) > 1);
		enc->ops->close(enc);
		source_finish(&src);
	}
}

/* Every IDR: a long start code first, all parameter sets, and soon the slice,
 * whatever the smallest packet is. Every other picture: at least the code. */
static void test_lead(void **state)
{
	const struct subject *s = *state;
	bool h264 = s->codec == PF_CODEC_H264;
	struct pf_encoder_params params = params_for(s, 1280, 720);
	struct pf_encoder *enc = open_or_fail(s, &params);
	struct source src;
	size_t most = 0;

	source_init(&src, 1280, 720);
	for (unsigned n = 0; n < 6; n++) {
		bool ask = n == 3 || n == 4;
		struct pf_packet p = { 0 };
		uint64_t seen = 0;
		unsigned type;
		size_t slice;

		draw_scene(&src, n);
		assert_int_equal(enc->ops->encode(enc, &src.f, ask ? PF_ENCODE_IDR : 0, &p), 0);
		assert_int_equal(p.idr, ask || !n);
		assert_true(p.size > 6);
		if (s->codec == PF_CODEC_AV1) {
			/* A temporal delimiter, and on a key frame the sequence header. */
			assert_memory_equal(p.data, "\x12\x00", 2);
			assert_int_equal((p.data[2] >> 3 & 15) == 1, p.idr);
			continue;
		}
		assert_memory_equal(p.data, "\0\0\0\1", 4);
		slice = pf_annexb_first_slice(s->codec, p.data, p.size);
		assert_true(slice < p.size);
		most = slice > most ? slice : most;
		assert_true(slice <= PF_ENCODER_LEAD_BYTES);
		/* IDR and no other kind of picture that one may start at, such as CRA. */
		type = p.data[slice + (p.data[slice + 2] == 1 ? 3 : 4)];
		type = h264 ? type & 0x1f : type >> 1 & 0x3f;
		assert_int_equal(p.idr, h264 ? type == 5 : type == 19 || type == 20);
		for (size_t i = 0; i < slice; i++)
			if (!p.data[i] && !p.data[i + 1] && p.data[i + 2] == 1)
				seen |= 1ull << (h264 ? p.data[i + 3] & 0x1f
						      : p.data[i + 3] >> 1 & 0x3f);
		/* SPS and PPS; VPS, SPS and PPS. No SEI (6, 39). */
		if (p.idr)
			assert_true((seen & (h264 ? 0x1c0ull : 0x8700000000ull)) ==
				    (h264 ? 0x180ull : 0x700000000ull));
	}
	print_message("# %s: the first slice begins at byte %zu at most\n", s->ops->name, most);
	enc->ops->close(enc);
	source_finish(&src);
}

static void test_bitrate(void **state)
{
	const struct subject *s = *state;
	struct pf_encoder_params params = params_for(s, W, H);
	struct pf_encoder *enc;
	struct source src;
	uint64_t bytes[3] = { 0 };

	params.bitrate_kbps = 8000;
	enc = open_or_fail(s, &params);
	source_init(&src, W, H);
	for (unsigned n = 0; n < 240; n++) {
		struct pf_packet p = { 0 };

		draw_noise(&src, n);
		if (n == 80)
			assert_int_equal(enc->ops->set_bitrate(enc, 2000), 0);
		if (n == 160)
			assert_int_equal(enc->ops->set_bitrate(enc, 8000), 0);
		assert_int_equal(enc->ops->encode(enc, &src.f, 0, &p), 0);
		assert_int_equal(p.idr, n == 0);
		if (n % 80 >= 40) /* what holds 40 pictures after the change */
			bytes[n / 80] += p.size;
	}
	print_message("# %s: %u, %u, %u kbit/s after asking for 8000, 2000, 8000\n", s->ops->name,
		(unsigned)(bytes[0] * 8 * 60 / 40 / 1000),
		(unsigned)(bytes[1] * 8 * 60 / 40 / 1000),
		(unsigned)(bytes[2] * 8 * 60 / 40 / 1000));
	for (int i = 0; i < 3; i++) {
		double asked = (i == 1 ? 2000.0 : 8000.0) * 1000 / 8 * 40 / 60;

		assert_true((double)bytes[i] > 0.6 * asked && (double)bytes[i] < 1.3 * asked);
	}
	enc->ops->close(enc);
	source_finish(&src);
}

/* What a pure colour is in `c`, in codes of 8 bits. */
static void codes(const struct pf_colour *c, const uint8_t rgb[3], int out[3])
{
	double kr = c->matrix == 1 ? 0.2126 : 0.299, kb = c->matrix == 1 ? 0.0722 : 0.114;
	double y = (kr * rgb[0] + (1 - kr - kb) * rgb[1] + kb * rgb[2]) / 255;
	double chroma = c->full_range ? 255 : 224;

	out[0] = (int)lround(c->full_range ? 255 * y : 16 + 219 * y);
	out[1] = (int)fmin(255, 128 + chroma * (rgb[2] / 255.0 - y) / (2 * (1 - kb)) + 0.5);
	out[2] = (int)fmin(255, 128 + chroma * (rgb[0] / 255.0 - y) / (2 * (1 - kr)) + 0.5);
}

/* The sample that belongs to a pixel, in codes of 8 bits. Full range counts to 1023
 * in 10 bits, which is less than a code beside. */
static int decoded(const struct decoder *d, int plane, unsigned x, unsigned y)
{
	unsigned by = plane ? sub(d->shape) : 1;
	const uint8_t *row = d->frame->data[plane] + (int)(y / by) * d->frame->linesize[plane];

	return (int)lround(sample(row, x / by, is_ten(d->shape)));
}

/* A ramp of greys above, pure colours below: the codes that come out of the
 * decoder are those of the colour asked for, and the stream says so. */
static void run_colours(const struct subject *s, const struct pf_colour *colour, const char *test)
{
	static const uint8_t patch[8][3] = { { 255, 0, 0 }, { 0, 255, 0 }, { 0, 0, 255 },
		{ 255, 255, 0 }, { 0, 255, 255 }, { 255, 0, 255 }, { 255, 255, 255 }, { 0, 0, 0 } };
	struct pf_encoder_params params = params_for(s, W, H);
	struct pf_encoder *enc;
	struct source src;
	struct decoder dec;
	int want[3];

	params.bitrate_kbps = 20000;
	params.colour = *colour;
	enc = open_or_fail(s, &params);
	source_init(&src, W, H);
	decoder_init(&dec, s, test);
	for (uint32_t y = 0; y < H; y++)
		for (uint32_t x = 0; x < W; x++) {
			const uint8_t *c = patch[x / 40];
			uint8_t g = (uint8_t)(x / 8 * 8 * 255 / (W - 8));

			if (y < H / 2)
				put(&src, x, y, g, g, g);
			else
				put(&src, x, y, c[0], c[1], c[2]);
		}
	for (unsigned n = 0; n < 20; n++) {
		struct pf_packet p = { 0 };

		src.f.seq = n;
		assert_int_equal(enc->ops->encode(enc, &src.f, 0, &p), 0);
		assert_true(decode(&dec, &p));
	}
	for (uint32_t x = 4; x < W; x += 8) {
		uint8_t g = (uint8_t)(x / 8 * 8 * 255 / (W - 8));

		codes(colour, (uint8_t[]){ g, g, g }, want);
		for (int c = 0; c < 3; c++) {
			int got = decoded(&dec, c, x, H / 4);

			if (abs(got - want[c]) > 2)
				fail_msg("%s: grey at %u, plane %d: %d instead of %d", test, x, c,
					got, want[c]);
		}
	}
	for (int i = 0; i < 8; i++) {
		codes(colour, patch[i], want);
		for (int c = 0; c < 3; c++) {
			int got = decoded(&dec, c, (unsigned)i * 40 + 20, H * 3 / 4);

			if (abs(got - want[c]) > 3)
				fail_msg("%s: patch %d, plane %d: %d instead of %d", test, i, c,
					got, want[c]);
		}
	}
	assert_int_equal(dec.frame->colorspace, colour->matrix);
	assert_int_equal(dec.frame->color_primaries, colour->primaries);
	assert_int_equal(dec.frame->color_trc, colour->transfer);
	assert_int_equal(
		dec.frame->color_range, colour->full_range ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG);
	enc->ops->close(enc);
	decoder_finish(&dec);
	source_finish(&src);
}

static void test_colours(void **state)
{
	struct pf_colour c = PF_COLOUR_BT709;

	run_colours(*state, &c, "709");
	c.full_range = true;
	run_colours(*state, &c, "709-full");
	c = PF_COLOUR_BT601;
	run_colours(*state, &c, "601");
	c.full_range = true;
	run_colours(*state, &c, "601-full");
}

static void test_wrong_frames(void **state)
{
	const struct subject *s = *state;
	struct pf_encoder_params params = params_for(s, W, H);
	struct pf_encoder *enc = open_or_fail(s, &params);
	struct pf_packet p = { 0 };
	struct source src, small;

	source_init(&src, W, H);
	source_init(&small, W / 2, H);
	assert_int_equal(enc->ops->encode(enc, &small.f, 0, &p), -EINVAL);
	if (!(s->ops->memory & PF_MEM_DMABUF)) {
		src.f.kind = PF_MEM_DMABUF;
		assert_int_equal(enc->ops->encode(enc, &src.f, 0, &p), -EINVAL);
		src.f.kind = PF_MEM_CPU;
	}
	assert_int_equal(enc->ops->encode(enc, &src.f, PF_ENCODE_IDR, &p), 0);
	assert_true(p.idr && p.size);
	enc->ops->close(enc);
	s->ops->close(NULL);
	source_finish(&src);
	source_finish(&small);
}

/* A size or setting that cannot be must be refused with words, and cleanly. */
static void test_bad_open(void **state)
{
	const struct subject *s = *state;
	struct pf_encoder_params params = params_for(s, W, H);
	struct pf_encoder *enc = (void *)state;
	struct pf_reason why = { 0 };

	if (strcmp(s->ops->name, "openh264") && strcmp(s->ops->name, "vaapi")) {
		params.preset = "no-such-preset";
		assert_true(s->ops->open(&enc, &params, &why) < 0);
		assert_true(why.text[0] && why.code < 0);
		assert_ptr_equal(enc, state);
	}
	params = params_for(s, W, H + 1);
	memset(&why, 0, sizeof(why));
	assert_true(s->ops->open(&enc, &params, &why) < 0);
	assert_true(why.text[0] && why.code < 0);
	assert_ptr_equal(enc, state);
}

static void test_null_knobs(void **state)
{
	const struct subject s = { .ops = pf_encoder_find("null"), .codec = PF_CODEC_H264 };
	struct pf_encoder_params params = params_for(&s, W, H);
	struct pf_encoder *enc = NULL;
	struct pf_reason why = { 0 };
	struct pf_packet p = { 0 };
	struct source src;
	uint64_t begin;

	source_init(&src, W, H);
	params.preset = "fail-open=1";
	assert_int_equal(s.ops->open(&enc, &params, &why), -ENODEV);
	params.preset = "bytes=777,latency-us=3000,fail-at=2";
	enc = open_or_fail(&s, &params);
	begin = pf_clock_mono_ns();
	assert_int_equal(enc->ops->encode(enc, &src.f, 0, &p), 0);
	assert_true(pf_clock_mono_ns() - begin >= 3 * PF_NS_PER_MS);
	assert_true(p.idr && p.encode_ns >= 3 * PF_NS_PER_MS);
	assert_int_equal(p.size, 777);
	assert_int_equal(enc->ops->encode(enc, &src.f, 0, &p), 0);
	assert_false(p.idr);
	assert_int_equal(enc->ops->encode(enc, &src.f, 0, &p), -EIO);
	assert_int_equal(enc->ops->encode(enc, &src.f, PF_ENCODE_IDR, &p), 0);
	assert_true(p.idr);
	enc->ops->close(enc);
	params.preset = "hold=1";
	enc = open_or_fail(&s, &params);
	assert_int_equal(enc->ops->encode(enc, &src.f, 0, &p), 0);
	assert_int_equal(p.size, 0);
	enc->ops->close(enc);
	source_finish(&src);
}

static const char *name_of(const struct pf_encoder_ops *ops)
{
	return ops ? ops->name : "none";
}

/* What the settings encoder and software_codecs make of the backends. */
static void test_choice(void **state)
{
	struct pf_encoders e = { 0 };
	struct pf_reason why = { 0 };

	for (unsigned i = 0; pf_encoder_backends()[i]; i++)
		if (pf_encoder_backends()[i]->hardware &&
			!pf_encoder_probe(pf_encoder_backends()[i], PF_CODEC_H264, &why))
			skip();
	assert_int_equal(pf_encoders_find(&e, NULL, PF_CODEC_H264, &why), 0);
	assert_string_equal(name_of(e.by_codec[0]), "x264");
	assert_int_equal(e.shapes[0], 1 << PF_SHAPE_420 | 1 << PF_SHAPE_444);
	assert_int_equal(e.shapes[1] | e.shapes[2], 0);
	assert_null(e.by_codec[1]);
	assert_null(e.by_codec[2]);
	assert_int_equal(pf_encoders_find(&e, "auto", PF_CODEC_HEVC | PF_CODEC_AV1, &why), 0);
	assert_string_equal(name_of(e.by_codec[0]), "none");
	assert_string_equal(name_of(e.by_codec[1]), "x265");
	assert_string_equal(name_of(e.by_codec[2]), "aom");
	assert_int_equal(e.shapes[1], 15);
	assert_int_equal(e.shapes[2], 15);
	assert_int_equal(pf_encoders_find(&e, "openh264", PF_CODEC_H264 | PF_CODEC_AV1, &why), 0);
	assert_string_equal(name_of(e.by_codec[0]), "openh264");
	assert_int_equal(e.shapes[0], 1 << PF_SHAPE_420);
	assert_string_equal(name_of(e.by_codec[1]), "none");
	assert_string_equal(name_of(e.by_codec[2]), "aom");
	assert_int_equal(pf_encoders_find(&e, "x265", PF_CODEC_H264, &why), 0);
	assert_string_equal(name_of(e.by_codec[0]), "x264");
	assert_string_equal(name_of(e.by_codec[1]), "x265");
	assert_int_equal(pf_encoders_find(&e, "null", 0, &why), 0);
	assert_string_equal(name_of(e.by_codec[2]), "null");
	/* Nothing but hardware, and there is none; a named one that does not work. */
	assert_int_equal(pf_encoders_find(&e, NULL, 0, &why), -ENODEV);
	assert_int_equal(pf_encoders_find(&e, "nvenc", PF_CODEC_H264, &why), -ENODEV);
	assert_non_null(strstr(why.text, "nvenc"));
	assert_int_equal(pf_encoders_find(&e, "nonsense", PF_CODEC_H264, &why), -ENODEV);
	assert_string_equal(name_of(e.by_codec[2]), "null");
}

static void test_registry(void **state)
{
	struct pf_encoder_params params = { .codec = PF_CODEC_H264,
		.width = W,
		.height = H,
		.fps_mhz = 60000,
		.bitrate_kbps = 2000,
		.colour = PF_COLOUR_BT709 };
	struct pf_encoder *enc = NULL;
	struct pf_reason why = { 0 };

	assert_int_equal(pf_encoder_open(&enc, "auto", &params, &why), 0);
	assert_false(enc->ops->slow || enc->ops->synthetic);
	print_message("# auto: %s\n", enc->ops->name);
	enc->ops->close(enc);
	enc = NULL;
	assert_int_equal(pf_encoder_open(&enc, "null", &params, &why), 0);
	enc->ops->close(enc);
	enc = NULL;
	assert_int_equal(pf_encoder_open(&enc, "nonsense", &params, &why), -ENOENT);
	assert_non_null(strstr(why.text, "nonsense"));
	/* The machine has no AV1 encoder that may be chosen by itself. */
	params.codec = PF_CODEC_AV1;
	assert_int_equal(pf_encoder_open(&enc, NULL, &params, &why), -ENODEV);
	assert_non_null(strstr(why.text, "AV1"));
	assert_int_equal(pf_encoder_open(&enc, "openh264", &params, &why), -ENOTSUP);
	params.codec = PF_CODEC_H264;
	params.shape = PF_SHAPE_444;
	assert_int_equal(pf_encoder_open(&enc, "openh264", &params, &why), -ENOTSUP);
	assert_non_null(strstr(why.text, "4:4:4"));
	params.shape = PF_SHAPE_420_10;
	assert_int_equal(pf_encoder_open(&enc, NULL, &params, &why), -ENODEV);
	params.shape = PF_SHAPE_420;
	params.width = 321;
	assert_int_equal(pf_encoder_open(&enc, NULL, &params, &why), -EINVAL);
	params.width = W;
	params.bitrate_kbps = 0;
	assert_int_equal(pf_encoder_open(&enc, NULL, &params, &why), -EINVAL);
	assert_null(enc);
}

static bool decodable(const struct pf_encoder_ops *ops)
{
	return strcmp(ops->name, "null") != 0;
}

static bool software_h264(const struct pf_encoder_ops *ops)
{
	return decodable(ops) && !ops->hardware && ops->codecs == PF_CODEC_H264;
}

static bool changes_rate(const struct pf_encoder_ops *ops)
{
	return ops->set_bitrate != NULL;
}

static bool all(const struct pf_encoder_ops *ops)
{
	return true;
}

int main(void)
{
	static const struct {
		const char *name;
		CMUnitTestFunction fn;
		bool (*concerns)(const struct pf_encoder_ops *ops);
		bool shapes; /* asked of every shape */
	} each[] = {
		{ "probe", test_probe, all, true },
		{ "stream", test_stream, decodable, true },
		{ "text", test_text, decodable, true },
		{ "another capture", test_another_capture, decodable, true },
		{ "odd sizes", test_odd_sizes, decodable },
		{ "slices", test_slices, software_h264 },
		{ "references", test_references, software_h264 },
		{ "lead", test_lead, decodable, true },
		{ "bitrate", test_bitrate, changes_rate },
		{ "colours", test_colours, decodable, true },
		{ "wrong frames", test_wrong_frames, all },
		{ "bad open", test_bad_open, decodable },
	};
	static struct subject subjects[16][PF_SHAPES];
	static struct CMUnitTest tests[16 * 12 * PF_SHAPES];
	static char names[16 * 12 * PF_SHAPES][48];
	size_t count = 0;

	for (unsigned i = 0; pf_encoder_backends()[i]; i++) {
		struct subject *s = subjects[i];

		s->ops = pf_encoder_backends()[i];
		for (unsigned bit = 1; bit <= PF_CODEC_AV1 && !s->works; bit <<= 1) {
			if (!(s->ops->codecs & bit))
				continue;
			s->codec = (enum pf_codec)bit;
			s->works = !pf_encoder_probe(s->ops, s->codec, &s->why);
		}
		if (!s->works && s->ops->hardware) {
			fprintf(stderr, "not tested here: %s\n", s->why.text);
			continue;
		}
		for (size_t t = 0; t < PF_SHAPES * sizeof(each) / sizeof(each[0]); t++) {
			size_t row = t / PF_SHAPES, shape = t % PF_SHAPES;
			struct subject *of = s + shape;

			if (!each[row].concerns(s->ops) ||
				(shape && !(each[row].shapes && s->ops->shapes & 1u << shape)))
				continue;
			if (shape && !of->ops) {
				*of = *s;
				of->shape = (enum pf_encoder_shape)shape;
				of->works = !pf_encoder_probe_shape(
					of->ops, of->codec, of->shape, &of->why);
			}
			snprintf(names[count], sizeof(names[0]), "%s%s%s: %s", s->ops->name,
				shape ? " " : "", shape ? pf_encoder_shape_name(of->shape) : "",
				each[row].name);
			tests[count] = (struct CMUnitTest){
				.name = names[count], .test_func = each[row].fn, .initial_state = of
			};
			count++;
		}
	}
	tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_null_knobs);
	tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_choice);
	tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_registry);
	return _cmocka_run_group_tests("encode", tests, count, NULL, NULL);
}
