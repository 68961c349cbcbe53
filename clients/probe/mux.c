/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "clients/probe/mux.h"
#include <errno.h>
#include <libavformat/avformat.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "punktfunk_core.h"

#define VIDEO 0
#define AUDIO 1

struct pf_mux {
	pthread_mutex_t lock;
	AVFormatContext *out;
	AVPacket *packet;
	unsigned codec;
	uint32_t width, height;
	unsigned channels;
	bool started, failed;
	uint64_t begin_ns; /* host time of the first picture */
	int64_t last[2];   /* newest time stamp of each stream */
};

int pf_mux_open(struct pf_mux **out, const char *path, unsigned codec, uint32_t width,
	uint32_t height, unsigned channels)
{
	struct pf_mux *m = calloc(1, sizeof(*m));
	int err = -ENOMEM;

	if (!m)
		return err;
	pthread_mutex_init(&m->lock, NULL);
	m->codec = codec;
	m->width = width;
	m->height = height;
	m->channels = channels;
	m->last[VIDEO] = m->last[AUDIO] = -1;
	m->packet = av_packet_alloc();
	if (!m->packet || avformat_alloc_output_context2(&m->out, NULL, "mp4", path) < 0)
		goto fail;
	err = avio_open(&m->out->pb, path, AVIO_FLAG_WRITE);
	if (err < 0)
		goto fail;
	*out = m;
	return 0;
fail:
	pf_mux_close(m);
	return err;
}

/* Opus's own header, RFC 7845; the mp4 writer makes its box from it. */
static int opus_header(AVCodecParameters *par, unsigned channels)
{
	unsigned table = channels > 2;
	int size = table ? 21 + (int)channels : 19;
	uint8_t *h = av_mallocz((size_t)size + AV_INPUT_BUFFER_PADDING_SIZE);

	if (!h)
		return -ENOMEM;
	memcpy(h, "OpusHead", 8);
	h[8] = 1;
	h[9] = (uint8_t)channels;
	h[10] = 120; /* samples the low-delay mode is behind */
	h[12] = 0x80;
	h[13] = 0xbb; /* 48000 */
	if (table) {
		h[18] = 255;
		h[19] = channels == 6 ? 4 : 5;
		h[20] = channels == 6 ? 2 : 3;
		for (unsigned i = 0; i < channels; i++)
			h[21 + i] = (uint8_t)i;
	}
	par->extradata = h;
	par->extradata_size = size;
	return 0;
}

/* Streams and header, once the first IDR shows the parameter sets. */
static int start(struct pf_mux *m, const uint8_t *data, size_t size)
{
	AVStream *video = avformat_new_stream(m->out, NULL);
	AVStream *audio = avformat_new_stream(m->out, NULL);
	AVCodecParameters *par;

	if (!video || !audio)
		return -ENOMEM;
	par = video->codecpar;
	par->codec_type = AVMEDIA_TYPE_VIDEO;
	par->codec_id = m->codec == PUNKTFUNK_CODEC_HEVC  ? AV_CODEC_ID_HEVC
			: m->codec == PUNKTFUNK_CODEC_AV1 ? AV_CODEC_ID_AV1
							  : AV_CODEC_ID_H264;
	par->width = (int)m->width;
	par->height = (int)m->height;
	/* The whole first access unit: the writer takes the parameter sets out of it. */
	par->extradata = av_mallocz(size + AV_INPUT_BUFFER_PADDING_SIZE);
	if (!par->extradata)
		return -ENOMEM;
	memcpy(par->extradata, data, size);
	par->extradata_size = (int)size;
	video->time_base = (AVRational){ 1, 90000 };
	par = audio->codecpar;
	par->codec_type = AVMEDIA_TYPE_AUDIO;
	par->codec_id = AV_CODEC_ID_OPUS;
	par->sample_rate = 48000;
	par->frame_size = 240;
	av_channel_layout_default(&par->ch_layout, (int)m->channels);
	audio->time_base = (AVRational){ 1, 48000 };
	if (opus_header(par, m->channels))
		return -ENOMEM;
	return avformat_write_header(m->out, NULL) < 0 ? -EIO : 0;
}

static void write_packet(
	struct pf_mux *m, int stream, const uint8_t *data, size_t size, uint64_t pts_ns, bool key)
{
	AVRational ns = { 1, 1000000000 };
	int64_t pts;

	if (pts_ns < m->begin_ns || size > INT32_MAX / 2)
		return;
	pts = av_rescale_q((int64_t)(pts_ns - m->begin_ns), ns, m->out->streams[stream]->time_base);
	if (pts <= m->last[stream])
		pts = m->last[stream] + 1;
	m->last[stream] = pts;
	if (av_new_packet(m->packet, (int)size) < 0) {
		m->failed = true;
		return;
	}
	memcpy(m->packet->data, data, size);
	m->packet->stream_index = stream;
	m->packet->pts = m->packet->dts = pts;
	m->packet->duration = stream == AUDIO ? 240 : 0;
	m->packet->flags = key ? AV_PKT_FLAG_KEY : 0;
	if (av_interleaved_write_frame(m->out, m->packet) < 0)
		m->failed = true;
}

void pf_mux_video(struct pf_mux *m, const uint8_t *data, size_t size, uint64_t pts_ns, bool idr)
{
	pthread_mutex_lock(&m->lock);
	if (!m->started && idr && !m->failed) {
		m->begin_ns = pts_ns;
		m->started = !start(m, data, size);
		m->failed = !m->started;
	}
	if (m->started)
		write_packet(m, VIDEO, data, size, pts_ns, idr);
	pthread_mutex_unlock(&m->lock);
}

void pf_mux_audio(struct pf_mux *m, const uint8_t *opus, size_t size, uint64_t pts_ns)
{
	pthread_mutex_lock(&m->lock);
	if (m->started)
		write_packet(m, AUDIO, opus, size, pts_ns, true);
	pthread_mutex_unlock(&m->lock);
}

int pf_mux_close(struct pf_mux *m)
{
	int err = 0;

	if (!m)
		return 0;
	if (m->started && av_write_trailer(m->out) < 0)
		m->failed = true;
	err = m->failed ? -EIO : m->started ? 0 : -ENODATA;
	if (m->out) {
		avio_closep(&m->out->pb);
		avformat_free_context(m->out);
	}
	av_packet_free(&m->packet);
	pthread_mutex_destroy(&m->lock);
	free(m);
	return err;
}
