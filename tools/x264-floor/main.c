/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* pf-x264-floor: what libavcodec's x264 alone costs for given frames, with the
 * settings of host/encode/avcodec.c written out again here, so that a mistake
 * there shows. The host's CPU per frame stands beside this figure.
 *
 * The frames lie in memory as NV12 before the clock starts; then they are
 * encoded at their rate and nothing else happens in the process. */
#include <errno.h>
#include <getopt.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include "core/base/clock.h"
#include "host/capture/capture.h"
#include "host/encode/convert.h"

#define MEMORY_LIMIT (1ull << 30)

struct floor_options {
	const char *from; /* "pattern", "pattern:SCENE" or a file */
	unsigned width, height, hz, frames, kbps, threads;
	const char *preset;
	bool flat_out;
};

struct clip {
	struct pf_picture *pictures;
	unsigned count, cap;
	unsigned width, height;
	uint64_t convert_ns; /* of all, 0 = they were YCbCr already */
	pthread_mutex_t lock;
	pthread_cond_t full;
};

static struct pf_picture *next_picture(struct clip *c)
{
	struct pf_picture *p = &c->pictures[c->count];

	if (pf_picture_init(p, PF_PIXEL_NV12, c->width, c->height, &PF_COLOUR_BT709))
		return NULL;
	c->count++;
	return p;
}

/* ---- from the pattern ---- */

static void on_frame(void *user, struct pf_frame *f)
{
	struct clip *c = user;
	struct pf_picture *p;

	pthread_mutex_lock(&c->lock);
	p = c->count < c->cap ? next_picture(c) : NULL;
	if (p) {
		uint64_t begin;

		/* Memory that nobody touched yet would be paid for here. */
		memset(p->planes[0], 1, (size_t)p->strides[0] * p->height);
		memset(p->planes[1], 1, (size_t)p->strides[1] * p->height / 2);
		begin = pf_clock_mono_ns();
		pf_picture_update(p, f);
		c->convert_ns += pf_clock_mono_ns() - begin;
	}
	if (c->count == c->cap)
		pthread_cond_signal(&c->full);
	pthread_mutex_unlock(&c->lock);
	pf_frame_unref(&f);
}

static void on_error(void *user, int err, const char *text)
{
	fprintf(stderr, "pf-x264-floor: %s\n", text);
	exit(1);
}

static int take_pattern(struct clip *c, const struct floor_options *o)
{
	char scene[64] = "";
	struct pf_source source = { .kind = PF_SOURCE_PATTERN,
		.pipewire_fd = -1,
		.mode = { o->width, o->height, o->hz * 1000 },
		.options = scene };
	const struct pf_capture_params params = {
		.source = &source, .on_frame = on_frame, .on_error = on_error, .user = c
	};
	struct pf_capture *capture = NULL;
	struct pf_reason why = { 0 };

	if (o->from[7] == ':')
		snprintf(scene, sizeof(scene), "scene=%s", o->from + 8);
	c->width = o->width;
	c->height = o->height;
	if (pf_capture_find("pattern")->open(&capture, &params, &why)) {
		fprintf(stderr, "pf-x264-floor: %s\n", why.text);
		return -1;
	}
	pthread_mutex_lock(&c->lock);
	while (c->count < c->cap)
		pthread_cond_wait(&c->full, &c->lock);
	pthread_mutex_unlock(&c->lock);
	capture->ops->close(capture);
	return 0;
}

/* ---- from a recording ---- */

static void take_decoded(struct clip *c, const AVFrame *f)
{
	struct pf_picture *p;

	if (c->count == c->cap || f->format != AV_PIX_FMT_YUV420P)
		return;
	if (!c->count) {
		c->width = (unsigned)f->width;
		c->height = (unsigned)f->height;
	}
	if ((unsigned)f->width != c->width || (unsigned)f->height != c->height)
		return;
	p = next_picture(c);
	if (!p)
		return;
	for (unsigned y = 0; y < p->height; y++)
		memcpy(p->planes[0] + (size_t)y * p->strides[0],
			f->data[0] + (ptrdiff_t)y * f->linesize[0], p->width);
	for (unsigned y = 0; y < p->height / 2; y++)
		for (unsigned x = 0; x < p->width / 2; x++) {
			uint8_t *to = p->planes[1] + (size_t)y * p->strides[1] + 2 * (size_t)x;

			to[0] = f->data[1][(ptrdiff_t)y * f->linesize[1] + x];
			to[1] = f->data[2][(ptrdiff_t)y * f->linesize[2] + x];
		}
}

static int take_file(struct clip *c, const char *path)
{
	AVPacket *packet = av_packet_alloc();
	AVFrame *frame = av_frame_alloc();
	AVFormatContext *in = NULL;
	const AVCodec *codec = NULL;
	AVCodecContext *ctx = NULL;
	int stream = -1, r = -1;

	if (packet && frame && avformat_open_input(&in, path, NULL, NULL) >= 0 &&
		avformat_find_stream_info(in, NULL) >= 0)
		stream = av_find_best_stream(in, AVMEDIA_TYPE_VIDEO, -1, -1, &codec, 0);
	if (stream >= 0)
		ctx = avcodec_alloc_context3(codec);
	if (!ctx || avcodec_parameters_to_context(ctx, in->streams[stream]->codecpar) < 0 ||
		avcodec_open2(ctx, codec, NULL) < 0) {
		fprintf(stderr, "pf-x264-floor: %s: no video to read there\n", path);
		goto out;
	}
	while (c->count < c->cap && av_read_frame(in, packet) >= 0) {
		if (packet->stream_index == stream && avcodec_send_packet(ctx, packet) >= 0)
			while (avcodec_receive_frame(ctx, frame) >= 0)
				take_decoded(c, frame);
		av_packet_unref(packet);
	}
	if (avcodec_send_packet(ctx, NULL) >= 0)
		while (avcodec_receive_frame(ctx, frame) >= 0)
			take_decoded(c, frame);
	r = 0;
out:
	avcodec_free_context(&ctx);
	avformat_close_input(&in);
	av_packet_free(&packet);
	av_frame_free(&frame);
	return r;
}

/* ---- the encoder ---- */

static AVCodecContext *open_x264(const struct clip *c, const struct floor_options *o)
{
	const AVCodec *codec = avcodec_find_encoder_by_name("libx264");
	AVCodecContext *x = codec ? avcodec_alloc_context3(codec) : NULL;
	AVDictionary *opts = NULL;
	int r;

	if (!x)
		return NULL;
	x->width = (int)c->width;
	x->height = (int)c->height;
	x->pix_fmt = AV_PIX_FMT_NV12;
	x->time_base = (AVRational){ 1, (int)o->hz };
	x->framerate = (AVRational){ (int)o->hz, 1 };
	x->gop_size = 1 << 30;
	x->max_b_frames = 0;
	x->thread_count = (int)o->threads;
	x->bit_rate = x->rc_max_rate = (int64_t)o->kbps * 1000;
	x->rc_buffer_size = (int)(o->kbps * 1000.0 / o->hz * 2);
	av_dict_set(&opts, "preset", o->preset, 0);
	av_dict_set(&opts, "tune", "zerolatency", 0);
	av_dict_set(&opts, "forced-idr", "1", 0);
	av_dict_set(&opts, "sc_threshold", "0", 0);
	r = avcodec_open2(x, codec, &opts);
	av_dict_free(&opts);
	if (r < 0)
		avcodec_free_context(&x);
	return x;
}

static void nothing_to_free(void *opaque, uint8_t *data) {}

static double cpu_ms(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e3 +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e3;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int encode_all(struct clip *c, const struct floor_options *o)
{
	AVCodecContext *x = open_x264(c, o);
	AVFrame *frame = av_frame_alloc();
	AVPacket *packet = av_packet_alloc();
	double *took = calloc(c->count, sizeof(*took)), cpu, wall;
	uint64_t bytes = 0, start;

	if (!x || !frame || !packet || !took) {
		fprintf(stderr, "pf-x264-floor: this libavcodec opens no libx264\n");
		return 1;
	}
	cpu = cpu_ms();
	start = pf_clock_mono_ns();
	for (unsigned i = 0; i < c->count; i++) {
		struct pf_picture *p = &c->pictures[i];
		uint64_t due = start + i * PF_NS_PER_S / o->hz, begin;
		struct timespec until = { .tv_sec = (time_t)(due / PF_NS_PER_S),
			.tv_nsec = (long)(due % PF_NS_PER_S) };

		if (!o->flat_out)
			clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
		begin = pf_clock_mono_ns();
		av_frame_unref(frame);
		frame->buf[0] = av_buffer_create(p->planes[0],
			(size_t)p->strides[0] * p->height * 3 / 2, nothing_to_free, NULL, 0);
		frame->format = AV_PIX_FMT_NV12;
		frame->width = (int)c->width;
		frame->height = (int)c->height;
		frame->data[0] = p->planes[0];
		frame->data[1] = p->planes[1];
		frame->linesize[0] = (int)p->strides[0];
		frame->linesize[1] = (int)p->strides[1];
		frame->pts = i;
		if (avcodec_send_frame(x, frame) < 0 || avcodec_receive_packet(x, packet) < 0) {
			fprintf(stderr, "pf-x264-floor: frame %u did not encode\n", i);
			return 1;
		}
		bytes += (uint64_t)packet->size;
		av_packet_unref(packet);
		took[i] = (double)(pf_clock_mono_ns() - begin) / 1e6;
	}
	wall = (double)(pf_clock_mono_ns() - start) / 1e9;
	cpu = cpu_ms() - cpu;
	qsort(took, c->count, sizeof(*took), compare);
	printf("{\n  \"frames\": %u,\n  \"mode\": \"%ux%u@%u\",\n  \"preset\": \"%s\",\n"
	       "  \"threads\": %u,\n  \"bitrate_asked_kbps\": %u,\n  \"bitrate_kbps\": %.0f,\n"
	       "  \"encode_cpu_ms_per_frame\": %.3f,\n"
	       "  \"encode_ms\": {\"p50\": %.3f, \"p99\": %.3f, \"max\": %.3f},\n",
		c->count, c->width, c->height, o->hz, o->preset, o->threads, o->kbps,
		(double)bytes * 8 * o->hz / c->count / 1000, cpu / c->count, took[c->count / 2],
		took[c->count - 1 - c->count / 100], took[c->count - 1]);
	if (c->convert_ns)
		printf("  \"convert_ms_per_frame\": %.3f,\n",
			(double)c->convert_ns / c->count / 1e6);
	else
		printf("  \"convert_ms_per_frame\": null,\n");
	printf("  \"seconds\": %.3f\n}\n", wall);
	avcodec_free_context(&x);
	av_frame_free(&frame);
	av_packet_free(&packet);
	free(took);
	return 0;
}

static int usage(FILE *out, int code)
{
	fputs("usage: pf-x264-floor [options]\n"
	      "CPU and time that x264 alone takes for frames, as JSON.\n\n"
	      "  --frames-from WHAT  pattern (default), pattern:SCENE (box, scroll, noise), or a\n"
	      "                      recording: every frame of it, up to --frames\n"
	      "  --mode WxH@HZ       1280x720@60; of a recording only HZ counts\n"
	      "  --frames N          240\n"
	      "  --bitrate KBPS      20000\n"
	      "  --preset NAME       ultrafast\n"
	      "  --threads N         2\n"
	      "  --flat-out          do not keep the rate\n",
		out);
	return code;
}

static int parse(struct floor_options *o, int argc, char **argv)
{
	static const struct option options[] = { { "frames-from", required_argument, NULL, 'f' },
		{ "mode", required_argument, NULL, 'm' },
		{ "frames", required_argument, NULL, 'n' },
		{ "bitrate", required_argument, NULL, 'b' },
		{ "preset", required_argument, NULL, 'p' },
		{ "threads", required_argument, NULL, 't' }, { "flat-out", no_argument, NULL, 'x' },
		{ "help", no_argument, NULL, 'h' }, { 0 } };
	int c, end = 0;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'f':
			o->from = optarg;
			break;
		case 'm':
			end = 0;
			if (sscanf(optarg, "%5ux%5u@%4u%n", &o->width, &o->height, &o->hz, &end) !=
					3 ||
				optarg[end])
				return -1;
			break;
		case 'n':
			o->frames = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'b':
			o->kbps = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'p':
			o->preset = optarg;
			break;
		case 't':
			o->threads = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'x':
			o->flat_out = true;
			break;
		default:
			return c == 'h' ? 1 : -1;
		}
	}
	if (optind != argc || !o->frames || !o->kbps || !o->hz || !o->threads)
		return -1;
	return 0;
}

int main(int argc, char **argv)
{
	struct floor_options o = { .from = "pattern",
		.width = 1280,
		.height = 720,
		.hz = 60,
		.frames = 240,
		.kbps = 20000,
		.threads = 2,
		.preset = "ultrafast" };
	struct clip c = { 0 };
	uint64_t room;
	int r = parse(&o, argc, argv);

	if (r)
		return usage(r > 0 ? stdout : stderr, r > 0 ? 0 : 2);
	av_log_set_level(AV_LOG_ERROR);
	room = MEMORY_LIMIT / ((uint64_t)o.width * o.height * 3 / 2 + 1);
	c.cap = o.frames > room ? (unsigned)room : o.frames;
	c.pictures = calloc(c.cap, sizeof(*c.pictures));
	if (!c.pictures)
		return 1;
	pthread_mutex_init(&c.lock, NULL);
	pthread_cond_init(&c.full, NULL);
	r = !strncmp(o.from, "pattern", 7) && (!o.from[7] || o.from[7] == ':')
		    ? take_pattern(&c, &o)
		    : take_file(&c, o.from);
	if (!r && !c.count) {
		fprintf(stderr, "pf-x264-floor: %s: no frame in it\n", o.from);
		r = -1;
	}
	r = r ? 1 : encode_all(&c, &o);
	for (unsigned i = 0; i < c.count; i++)
		pf_picture_finish(&c.pictures[i]);
	free(c.pictures);
	pthread_cond_destroy(&c.full);
	pthread_mutex_destroy(&c.lock);
	return r;
}
