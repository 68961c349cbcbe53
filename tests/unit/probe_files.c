/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The probe's decoder, PNG and MP4 on a stream of the host's own encoder. */
#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <math.h>
#include <opus/opus.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "clients/probe/decode.h"
#include "clients/probe/mux.h"
#include "host/encode/encode.h"
#include "punktfunk_core.h"

#define W 320
#define H 192

static char path[64];

static void make_path(const char *ending)
{
	int fd;

	snprintf(path, sizeof(path), "/tmp/pf-probe-files-XXXXXX%s", ending);
	fd = mkstemps(path, (int)strlen(ending));
	assert_true(fd >= 0);
	close(fd);
}

struct stream {
	struct pf_encoder *enc;
	struct pf_frame frame;
	uint32_t *px;
	struct pf_packet packet;
};

/* Orange left, teal right: wrong colours or swapped planes cannot pass. */
static void stream_init(struct stream *s, uint32_t kbps)
{
	const struct pf_encoder_params params = { .codec = PF_CODEC_H264,
		.width = W,
		.height = H,
		.fps_mhz = 60000,
		.bitrate_kbps = kbps,
		.colour = PF_COLOUR_BT709 };
	struct pf_reason why = { 0 };

	memset(s, 0, sizeof(*s));
	s->px = malloc(4 * W * H);
	for (unsigned y = 0; y < H; y++)
		for (unsigned x = 0; x < W; x++)
			s->px[y * W + x] = x < W / 2 ? 0xffff8000 : 0xff008080;
	s->frame = (struct pf_frame){ .refs = 1,
		.kind = PF_MEM_CPU,
		.format = PF_PIXEL_BGRX,
		.width = W,
		.height = H,
		.colour = PF_COLOUR_BT709,
		.plane_count = 1,
		.planes = { (uint8_t *)s->px },
		.strides = { 4 * W } };
	if (pf_encoder_open(&s->enc, NULL, &params, &why))
		fail_msg("%s", why.text);
}

static void stream_next(struct stream *s, unsigned n)
{
	for (unsigned y = H / 2; y < H / 2 + 16; y++)
		for (unsigned x = 0; x < 16; x++)
			s->px[y * W + (n * 4 + x) % W] = 0xffffffff;
	s->frame.seq = n;
	assert_int_equal(s->enc->ops->encode(s->enc, &s->frame, 0, &s->packet), 0);
}

static void stream_finish(struct stream *s)
{
	s->enc->ops->close(s->enc);
	free(s->px);
}

static void test_rgb(void **state)
{
	static const uint8_t known[][6] = {
		{ 16, 128, 128, 0, 0, 0 },
		{ 235, 128, 128, 255, 255, 255 },
		{ 63, 102, 240, 255, 0, 0 },
		{ 173, 42, 26, 0, 255, 0 },
		{ 32, 240, 118, 0, 0, 255 },
	};

	for (unsigned i = 0; i < 5; i++) {
		uint8_t rgb[3];

		pf_decoder_rgb(known[i][0], known[i][1], known[i][2], 1, false, rgb);
		for (unsigned c = 0; c < 3; c++)
			assert_true(abs(rgb[c] - known[i][3 + c]) <= 2);
	}
}

static bool is_uniform(struct stream *s, struct pf_decoder *d, unsigned n)
{
	const AVFrame *picture;

	s->frame.seq = n;
	assert_int_equal(s->enc->ops->encode(s->enc, &s->frame, 0, &s->packet), 0);
	picture = pf_decoder_decode(d, s->packet.data, s->packet.size);
	assert_non_null(picture);
	return pf_decoder_uniform(picture);
}

static void paint(struct stream *s, unsigned x0, unsigned y0, unsigned w, unsigned h, uint32_t px)
{
	for (unsigned y = y0; y < y0 + h; y++)
		for (unsigned x = x0; x < x0 + w; x++)
			s->px[y * W + x] = px;
}

/* Coded coarsely: a bare desk with its pointer is plain; a second mark as small as
 * a prompt, or a change of colour alone, is something. */
static void test_uniform(void **state)
{
	static const uint32_t plain[] = { 0xff323232, 0xff000000, 0xffffffff, 0xff1d6fb5 };

	for (unsigned i = 0; i < 4; i++) {
		struct pf_decoder *d = NULL;
		struct stream s;

		stream_init(&s, 1000);
		assert_int_equal(pf_decoder_open(&d, PUNKTFUNK_CODEC_H264), 0);
		paint(&s, 0, 0, W, H, plain[i]);
		for (unsigned n = 0; n < 3; n++)
			assert_true(is_uniform(&s, d, n));
		paint(&s, 200, 100, 12, 20, plain[i] ^ 0xffffff);
		for (unsigned n = 3; n < 6; n++)
			assert_true(is_uniform(&s, d, n));
		paint(&s, 10, 10, 8, 12, plain[i] ^ 0xffffff);
		assert_false(is_uniform(&s, d, 6));
		/* Both halves of about the same luma. */
		paint(&s, 0, 0, W / 2, H, 0xff808080);
		paint(&s, W / 2, 0, W / 2, H, 0xff00b300);
		assert_false(is_uniform(&s, d, 7));
		stream_finish(&s);
		pf_decoder_close(d);
	}
}

static void test_plane_uniform(void **state)
{
	static uint8_t plane[64 * 40];

	memset(plane, 100, sizeof(plane));
	/* What lies behind the width is not looked at. */
	plane[5 * 64 + 50] = 0;
	assert_true(pf_plane_uniform(plane, 64, 50, 40, 8));
	for (unsigned y = 10; y < 18; y++)
		memset(plane + y * 64 + 20, 200, 8);
	assert_true(pf_plane_uniform(plane, 64, 50, 40, 8));
	assert_false(pf_plane_uniform(plane, 64, 50, 40, 7));
	assert_true(pf_plane_uniform(plane, 64, 4, 4, 1));
	plane[39 * 64] = 105;
	assert_false(pf_plane_uniform(plane, 64, 50, 40, 8));
	plane[39 * 64] = 96;
	assert_true(pf_plane_uniform(plane, 64, 50, 40, 8));
}

static void test_decode_and_png(void **state)
{
	struct pf_decoder *d = NULL;
	uint32_t width, height;
	ptrdiff_t stride;
	AVFormatContext *in = NULL;
	struct stream s;
	AVPacket *p = av_packet_alloc();
	AVFrame *f = av_frame_alloc();
	AVCodecContext *png;

	stream_init(&s, 8000);
	make_path(".png");
	assert_int_equal(pf_decoder_open(&d, PUNKTFUNK_CODEC_H264), 0);
	assert_int_equal(pf_decoder_write_png(d, path), -ENOENT);
	for (unsigned n = 0; n < 5; n++) {
		const AVFrame *picture;
		const uint8_t *luma;

		stream_next(&s, n);
		picture = pf_decoder_decode(d, s.packet.data, s.packet.size);
		assert_non_null(picture);
		luma = pf_decoder_luma(picture, &stride, &width, &height);
		assert_non_null(luma);
		assert_int_equal(width, W);
		assert_int_equal(height, H);
		/* White mark on the left, at the luma of white. */
		assert_true(luma[(H / 2 + 8) * stride + 8] > 220);
	}
	pf_decoder_keep(d);
	assert_int_equal(pf_decoder_write_png(d, path), 0);
	assert_int_equal(pf_decoder_write_png(d, "/nowhere/at/all.png"), -ENOENT);

	/* Read it back with somebody else's reader. */
	assert_int_equal(avformat_open_input(&in, path, NULL, NULL), 0);
	assert_int_equal(av_read_frame(in, p), 0);
	png = avcodec_alloc_context3(avcodec_find_decoder(AV_CODEC_ID_PNG));
	assert_int_equal(avcodec_open2(png, NULL, NULL), 0);
	assert_int_equal(avcodec_send_packet(png, p), 0);
	assert_int_equal(avcodec_receive_frame(png, f), 0);
	assert_int_equal(f->width, W);
	assert_int_equal(f->format, AV_PIX_FMT_RGB24);
	for (unsigned c = 0; c < 3; c++) {
		static const uint8_t orange[3] = { 255, 128, 0 }, teal[3] = { 0, 128, 128 };
		const uint8_t *row = f->data[0] + 20 * f->linesize[0];

		assert_true(abs(row[3 * 40 + c] - orange[c]) <= 6);
		assert_true(abs(row[3 * 280 + c] - teal[c]) <= 6);
	}
	avcodec_free_context(&png);
	avformat_close_input(&in);
	av_packet_free(&p);
	av_frame_free(&f);
	unlink(path);
	pf_decoder_close(d);
	pf_decoder_close(NULL);
	stream_finish(&s);
	assert_int_equal(pf_decoder_open(&d, 64), -ENOTSUP);
}

/* Damage must not look like a picture. */
static void test_damage(void **state)
{
	struct pf_decoder *d = NULL;
	struct stream s;
	size_t last_slice = 0;
	uint8_t *cut;

	stream_init(&s, 8000);
	assert_int_equal(pf_decoder_open(&d, PUNKTFUNK_CODEC_H264), 0);
	/* Without a key frame there is nothing to show. */
	stream_next(&s, 0);
	stream_next(&s, 1);
	assert_null(pf_decoder_decode(d, s.packet.data, s.packet.size));
	assert_null(pf_decoder_decode(d, (const uint8_t *)"nonsense", 8));
	assert_null(pf_decoder_decode(d, NULL, 0));
	pf_decoder_close(d);
	assert_int_equal(pf_decoder_open(&d, PUNKTFUNK_CODEC_H264), 0);
	for (unsigned i = 0, seed = 9; i < W * H; i++) {
		seed = seed * 1664525u + 1013904223u;
		s.px[i] = seed >> 8;
	}
	s.frame.seq = 9;
	assert_int_equal(s.enc->ops->encode(s.enc, &s.frame, PF_ENCODE_IDR, &s.packet), 0);
	cut = malloc(s.packet.size);
	memcpy(cut, s.packet.data, s.packet.size);
	assert_non_null(pf_decoder_decode(d, cut, s.packet.size));
	for (size_t i = 0; i + 4 < s.packet.size; i++)
		if (!cut[i] && !cut[i + 1] && cut[i + 2] == 1 && (cut[i + 3] & 0x1f) == 5)
			last_slice = i;
	assert_true(last_slice > 0);
	assert_null(pf_decoder_decode(d, cut, last_slice));
	assert_null(pf_decoder_decode(d, cut, s.packet.size * 7 / 8));
	for (size_t i = s.packet.size * 7 / 8; i < s.packet.size * 7 / 8 + 20; i++)
		cut[i] ^= 0x5a;
	assert_null(pf_decoder_decode(d, cut, s.packet.size));
	/* The next good one is a picture again. */
	assert_non_null(pf_decoder_decode(d, s.packet.data, s.packet.size));
	free(cut);
	pf_decoder_close(d);
	stream_finish(&s);
}

static void test_mp4(void **state)
{
	int err;
	OpusEncoder *opus =
		opus_encoder_create(48000, 2, OPUS_APPLICATION_RESTRICTED_LOWDELAY, &err);
	const uint64_t begin = 1763700000000000000ull;
	struct pf_mux *m = NULL;
	AVFormatContext *in = NULL;
	unsigned count[2] = { 0 }, decoded = 0;
	AVPacket *p = av_packet_alloc();
	AVFrame *f = av_frame_alloc();
	AVCodecContext *dec;
	struct stream s;
	float pcm[480] = { 0 };
	uint8_t packet[400];
	int n;

	stream_init(&s, 8000);
	make_path(".mp4");
	assert_int_equal(pf_mux_open(&m, path, PUNKTFUNK_CODEC_H264, W, H, 2), 0);
	n = opus_encode_float(opus, pcm, 240, packet, sizeof(packet));
	/* Before the first key frame nothing is taken. */
	pf_mux_audio(m, packet, (size_t)n, begin);
	for (unsigned i = 0; i < 60; i++) {
		stream_next(&s, i);
		pf_mux_video(
			m, s.packet.data, s.packet.size, begin + i * 16666667ull, s.packet.idr);
		for (unsigned k = 0; k < 3; k++) {
			n = opus_encode_float(opus, pcm, 240, packet, sizeof(packet));
			pf_mux_audio(m, packet, (size_t)n, begin + (i * 3 + k) * 5000000ull);
		}
	}
	assert_int_equal(pf_mux_close(m), 0);

	assert_int_equal(avformat_open_input(&in, path, NULL, NULL), 0);
	assert_true(avformat_find_stream_info(in, NULL) >= 0);
	assert_int_equal(in->nb_streams, 2);
	assert_int_equal(in->streams[0]->codecpar->codec_id, AV_CODEC_ID_H264);
	assert_int_equal(in->streams[1]->codecpar->codec_id, AV_CODEC_ID_OPUS);
	assert_int_equal(in->streams[0]->codecpar->width, W);
	assert_true(in->duration > 900000 && in->duration < 1100000);
	dec = avcodec_alloc_context3(avcodec_find_decoder(AV_CODEC_ID_H264));
	avcodec_parameters_to_context(dec, in->streams[0]->codecpar);
	assert_int_equal(avcodec_open2(dec, NULL, NULL), 0);
	while (av_read_frame(in, p) >= 0) {
		count[p->stream_index]++;
		if (!p->stream_index) {
			assert_int_equal(avcodec_send_packet(dec, p), 0);
			decoded += avcodec_receive_frame(dec, f) == 0;
		}
		av_packet_unref(p);
	}
	assert_int_equal(avcodec_send_packet(dec, NULL), 0);
	while (avcodec_receive_frame(dec, f) == 0)
		decoded++;
	assert_int_equal(count[0], 60);
	assert_int_equal(count[1], 180);
	assert_int_equal(decoded, 60);
	avcodec_free_context(&dec);
	avformat_close_input(&in);
	av_packet_free(&p);
	av_frame_free(&f);
	unlink(path);
	opus_encoder_destroy(opus);
	stream_finish(&s);

	assert_true(pf_mux_open(&m, "/nowhere/x.mp4", PUNKTFUNK_CODEC_H264, W, H, 2) < 0);
	make_path(".mp4");
	assert_int_equal(pf_mux_open(&m, path, PUNKTFUNK_CODEC_H264, W, H, 2), 0);
	assert_int_equal(pf_mux_close(m), -ENODATA);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rgb),
		cmocka_unit_test(test_uniform),
		cmocka_unit_test(test_plane_uniform),
		cmocka_unit_test(test_decode_and_png),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_mp4),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
