/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/wire/pf1_handshake.h"
#include <errno.h>
#include "core/base/bytes.h"
#include "core/base/utf8.h"

#define MAGIC		  "PKF1"
#define HELLO_MIN	  20
#define WELCOME_MIN	  53
#define WELCOME_CIPHER_AT 68
#define START_BYTES	  6
#define AUDIO_RATE	  48000
#define AUDIO_BITS	  16

/* Whether a trailing field of n bytes is there. A cut field counts as absent,
 * and so does everything behind it. */
static bool fits(struct pf_reader *r, size_t n)
{
	if (r->left >= n)
		return true;
	r->left = 0;
	return false;
}

static void opt_u8(struct pf_reader *r, uint8_t *field)
{
	if (fits(r, 1))
		*field = pf_rd_u8(r);
}

static void opt_u16(struct pf_reader *r, uint16_t *field)
{
	if (fits(r, 2))
		*field = pf_rd_u16le(r);
}

static void opt_u32(struct pf_reader *r, uint32_t *field)
{
	if (fits(r, 4))
		*field = pf_rd_u32le(r);
}

/* The raw length finds the tail even when the label itself is no good. */
static void opt_label(struct pf_reader *r, char *out, size_t max)
{
	const uint8_t *p;
	size_t len;

	if (!fits(r, 1))
		return;
	len = pf_rd_u8(r);
	if (!fits(r, len))
		return;
	p = pf_rd_bytes(r, len);
	if (!len || len > max || memchr(p, 0, len) || !pf_utf8_valid(p, len))
		return;
	memcpy(out, p, len);
	out[len] = 0;
}

/* Length of a label as it goes on the wire: cut at a character boundary; text
 * that no reader would take goes as absent. */
static size_t label_len(const char *s, size_t max)
{
	size_t len = strnlen(s, max);

	return pf_utf8_valid(s, len) ? len : 0;
}

static void put_label(struct pf_writer *w, const char *s, size_t max)
{
	size_t len = label_len(s, max);

	pf_wr_u8(w, (uint8_t)len);
	pf_wr_bytes(w, s, len);
}

static uint8_t known_or_zero(uint8_t v, uint8_t last)
{
	return v <= last ? v : 0;
}

static uint8_t known_channels(uint8_t v)
{
	return v == 6 || v == 8 ? v : 2;
}

static uint8_t known_bits(uint8_t v)
{
	return v == 24 ? 24 : AUDIO_BITS;
}

static uint32_t known_rate(uint32_t v)
{
	return v ? v : AUDIO_RATE;
}

static int check_head(const uint8_t *buf, size_t len, size_t min)
{
	struct pf_reader r = pf_reader(buf, len);

	if (len < min || memcmp(pf_rd_bytes(&r, 4), MAGIC, 4) != 0)
		return -EPROTO;
	return pf_rd_u32le(&r) == PF_PF1_WIRE_VERSION ? 0 : -EPROTONOSUPPORT;
}

void pf_hdr_meta_read(struct pf_hdr_meta *out, const uint8_t buf[PF_HDR_META_BYTES])
{
	struct pf_reader r = pf_reader(buf, PF_HDR_META_BYTES);

	for (int i = 0; i < 3; i++) {
		out->primaries[i][0] = pf_rd_u16le(&r);
		out->primaries[i][1] = pf_rd_u16le(&r);
	}
	out->white[0] = pf_rd_u16le(&r);
	out->white[1] = pf_rd_u16le(&r);
	out->max_luminance = pf_rd_u32le(&r);
	out->min_luminance = pf_rd_u32le(&r);
	out->max_cll = pf_rd_u16le(&r);
	out->max_fall = pf_rd_u16le(&r);
}

void pf_hdr_meta_write(const struct pf_hdr_meta *m, uint8_t buf[PF_HDR_META_BYTES])
{
	struct pf_writer w = pf_writer(buf, PF_HDR_META_BYTES);

	for (int i = 0; i < 3; i++) {
		pf_wr_u16le(&w, m->primaries[i][0]);
		pf_wr_u16le(&w, m->primaries[i][1]);
	}
	pf_wr_u16le(&w, m->white[0]);
	pf_wr_u16le(&w, m->white[1]);
	pf_wr_u32le(&w, m->max_luminance);
	pf_wr_u32le(&w, m->min_luminance);
	pf_wr_u16le(&w, m->max_cll);
	pf_wr_u16le(&w, m->max_fall);
}

void pf_hello_init(struct pf_hello *h)
{
	*h = (struct pf_hello){
		.audio_channels = 2,
		.audio_rate_hz = AUDIO_RATE,
		.audio_bits = AUDIO_BITS,
	};
}

int pf_hello_parse(struct pf_hello *out, const uint8_t *buf, size_t len)
{
	struct pf_reader r = pf_reader(buf, len);
	int err = check_head(buf, len, HELLO_MIN);

	if (err)
		return err;
	pf_hello_init(out);
	pf_rd_bytes(&r, 8);
	out->width = pf_rd_u32le(&r);
	out->height = pf_rd_u32le(&r);
	out->refresh_hz = pf_rd_u32le(&r);
	opt_u8(&r, &out->compositor);
	opt_u8(&r, &out->gamepad);
	opt_u32(&r, &out->bitrate_kbps);
	opt_label(&r, out->name, PF_PF1_NAME_MAX);
	opt_label(&r, out->launch, PF_PF1_LAUNCH_MAX);
	opt_u8(&r, &out->video_caps);
	opt_u8(&r, &out->audio_channels);
	opt_u8(&r, &out->video_codecs);
	opt_u8(&r, &out->preferred_codec);
	/* All that may follow the block is shorter than the block. */
	if (r.left >= PF_HDR_META_BYTES) {
		out->has_display_hdr = true;
		pf_hdr_meta_read(&out->display_hdr, pf_rd_bytes(&r, PF_HDR_META_BYTES));
	}
	opt_u8(&r, &out->client_caps);
	opt_u16(&r, &out->max_shard_payload);
	opt_u32(&r, &out->audio_rate_hz);
	opt_u8(&r, &out->audio_bits);
	opt_u8(&r, &out->audio_layout);
	opt_u8(&r, &out->video_fit);

	out->compositor = known_or_zero(out->compositor, PF_COMPOSITOR_LAST);
	out->gamepad = known_or_zero(out->gamepad, PF_GAMEPAD_LAST);
	out->audio_channels = known_channels(out->audio_channels);
	out->audio_rate_hz = known_rate(out->audio_rate_hz);
	out->audio_bits = known_bits(out->audio_bits);
	return 0;
}

/* The trailing fields of Hello in wire order. */
enum hello_tail {
	HELLO_NO_TAIL,
	HELLO_NAME,
	HELLO_LAUNCH,
	HELLO_VIDEO_CAPS,
	HELLO_CHANNELS,
	HELLO_CODECS,
	HELLO_PREFERRED,
	HELLO_HDR,
	HELLO_CLIENT_CAPS,
	HELLO_SHARD,
	HELLO_RATE,
	HELLO_BITS,
	HELLO_LAYOUT,
	HELLO_FIT,
};

static enum hello_tail hello_last(const struct pf_hello *h)
{
	if (h->video_fit)
		return HELLO_FIT;
	if (h->audio_layout)
		return HELLO_LAYOUT;
	if (known_bits(h->audio_bits) != AUDIO_BITS)
		return HELLO_BITS;
	if (known_rate(h->audio_rate_hz) != AUDIO_RATE)
		return HELLO_RATE;
	if (h->max_shard_payload)
		return HELLO_SHARD;
	if (h->client_caps)
		return HELLO_CLIENT_CAPS;
	if (h->has_display_hdr)
		return HELLO_HDR;
	if (h->preferred_codec)
		return HELLO_PREFERRED;
	if (h->video_codecs)
		return HELLO_CODECS;
	if (known_channels(h->audio_channels) != 2)
		return HELLO_CHANNELS;
	if (h->video_caps)
		return HELLO_VIDEO_CAPS;
	if (label_len(h->launch, PF_PF1_LAUNCH_MAX))
		return HELLO_LAUNCH;
	if (label_len(h->name, PF_PF1_NAME_MAX))
		return HELLO_NAME;
	return HELLO_NO_TAIL;
}

int pf_hello_build(const struct pf_hello *h, uint8_t *buf, size_t cap)
{
	struct pf_writer w = pf_writer(buf, cap);
	enum hello_tail last = hello_last(h);
	uint8_t hdr[PF_HDR_META_BYTES];

	pf_wr_bytes(&w, MAGIC, 4);
	pf_wr_u32le(&w, PF_PF1_WIRE_VERSION);
	pf_wr_u32le(&w, h->width);
	pf_wr_u32le(&w, h->height);
	pf_wr_u32le(&w, h->refresh_hz);
	pf_wr_u8(&w, h->compositor);
	pf_wr_u8(&w, h->gamepad);
	pf_wr_u32le(&w, h->bitrate_kbps);
	if (last >= HELLO_NAME)
		put_label(&w, h->name, PF_PF1_NAME_MAX);
	if (last >= HELLO_LAUNCH)
		put_label(&w, h->launch, PF_PF1_LAUNCH_MAX);
	if (last >= HELLO_VIDEO_CAPS)
		pf_wr_u8(&w, h->video_caps);
	if (last >= HELLO_CHANNELS)
		pf_wr_u8(&w, known_channels(h->audio_channels));
	if (last >= HELLO_CODECS)
		pf_wr_u8(&w, h->video_codecs);
	if (last >= HELLO_PREFERRED)
		pf_wr_u8(&w, h->preferred_codec);
	if (h->has_display_hdr) {
		pf_hdr_meta_write(&h->display_hdr, hdr);
		pf_wr_bytes(&w, hdr, sizeof(hdr));
	}
	if (last >= HELLO_CLIENT_CAPS)
		pf_wr_u8(&w, h->client_caps);
	if (last >= HELLO_SHARD)
		pf_wr_u16le(&w, h->max_shard_payload);
	if (last >= HELLO_RATE)
		pf_wr_u32le(&w, known_rate(h->audio_rate_hz));
	if (last >= HELLO_BITS)
		pf_wr_u8(&w, known_bits(h->audio_bits));
	if (last >= HELLO_LAYOUT)
		pf_wr_u8(&w, h->audio_layout);
	if (last >= HELLO_FIT)
		pf_wr_u8(&w, h->video_fit);
	return w.err ? -ENOBUFS : (int)w.len;
}

void pf_welcome_init(struct pf_welcome *w)
{
	*w = (struct pf_welcome){
		.fec_scheme = 1,
		.max_data_per_block = 4096,
		.encrypt = 1,
		.bit_depth = 8,
		.primaries = 1,
		.transfer = 1,
		.matrix = 1,
		.chroma_format_idc = 1,
		.audio_channels = 2,
		.codec = PF_CODEC_HEVC,
		.grants = PF_GRANT_ALL,
		.audio_rate_hz = AUDIO_RATE,
		.audio_bits = AUDIO_BITS,
	};
}

static uint8_t known_codec(uint8_t v)
{
	return v == PF_CODEC_H264 || v == PF_CODEC_AV1 || v == PF_CODEC_PYROWAVE ? v
										 : PF_CODEC_HEVC;
}

int pf_welcome_parse(struct pf_welcome *out, const uint8_t *buf, size_t len)
{
	struct pf_reader r = pf_reader(buf, len);
	int err = check_head(buf, len, WELCOME_MIN);

	if (err)
		return err;
	if (len > WELCOME_CIPHER_AT) {
		uint8_t cipher = buf[WELCOME_CIPHER_AT];
		size_t key = cipher == PF_CIPHER_CHACHA20_POLY1305 ? sizeof(out->chacha_key) : 0;

		if (cipher > PF_CIPHER_CHACHA20_POLY1305 || len < WELCOME_CIPHER_AT + 1 + key)
			return -EPROTO;
	}
	pf_welcome_init(out);
	pf_rd_bytes(&r, 8);
	out->data_port = pf_rd_u16le(&r);
	out->width = pf_rd_u32le(&r);
	out->height = pf_rd_u32le(&r);
	out->refresh_hz = pf_rd_u32le(&r);
	out->fec_scheme = pf_rd_u8(&r) == 1;
	out->fec_percent = pf_rd_u8(&r);
	out->max_data_per_block = pf_rd_u16le(&r);
	out->shard_payload = pf_rd_u16le(&r);
	out->encrypt = pf_rd_u8(&r);
	pf_rd_copy(&r, out->key, sizeof(out->key));
	pf_rd_copy(&r, out->salt, sizeof(out->salt));
	out->frames = pf_rd_u32le(&r);
	opt_u8(&r, &out->compositor);
	opt_u8(&r, &out->gamepad);
	opt_u32(&r, &out->bitrate_kbps);
	opt_u8(&r, &out->bit_depth);
	opt_u8(&r, &out->primaries);
	opt_u8(&r, &out->transfer);
	opt_u8(&r, &out->matrix);
	opt_u8(&r, &out->full_range);
	opt_u8(&r, &out->chroma_format_idc);
	opt_u8(&r, &out->audio_channels);
	opt_u8(&r, &out->codec);
	opt_u8(&r, &out->host_caps);
	opt_u8(&r, &out->cipher);
	if (out->cipher == PF_CIPHER_CHACHA20_POLY1305)
		pf_rd_copy(&r, out->chacha_key, sizeof(out->chacha_key));
	opt_u16(&r, &out->mgmt_port);
	opt_u32(&r, &out->grants);
	opt_u32(&r, &out->expires_in_s);
	opt_u8(&r, &out->audio_codec);
	opt_u32(&r, &out->audio_rate_hz);
	opt_u8(&r, &out->audio_bits);
	opt_u16(&r, &out->audio_frame_us);
	opt_u8(&r, &out->host_caps2);
	opt_u8(&r, &out->audio_layout);

	out->compositor = known_or_zero(out->compositor, PF_COMPOSITOR_LAST);
	out->gamepad = known_or_zero(out->gamepad, PF_GAMEPAD_LAST);
	out->chroma_format_idc = out->chroma_format_idc == 3 ? 3 : 1;
	out->audio_channels = known_channels(out->audio_channels);
	out->codec = known_codec(out->codec);
	out->audio_rate_hz = known_rate(out->audio_rate_hz);
	out->audio_bits = known_bits(out->audio_bits);
	if (!out->audio_codec) {
		/* An Opus session may carry the block only to reach later fields. */
		out->audio_rate_hz = AUDIO_RATE;
		out->audio_bits = AUDIO_BITS;
		out->audio_frame_us = 0;
	}
	return 0;
}

/* The trailing fields of Welcome in wire order. */
enum welcome_tail {
	WELCOME_NO_TAIL,
	WELCOME_CIPHER,
	WELCOME_MGMT,
	WELCOME_GRANTS,
	WELCOME_AUDIO,
	WELCOME_CAPS2,
	WELCOME_LAYOUT,
};

static enum welcome_tail welcome_last(const struct pf_welcome *m)
{
	if (m->audio_layout)
		return WELCOME_LAYOUT;
	if (m->host_caps2)
		return WELCOME_CAPS2;
	if (m->audio_codec)
		return WELCOME_AUDIO;
	if (m->grants != PF_GRANT_ALL || m->expires_in_s)
		return WELCOME_GRANTS;
	if (m->mgmt_port)
		return WELCOME_MGMT;
	if (m->cipher)
		return WELCOME_CIPHER;
	return WELCOME_NO_TAIL;
}

int pf_welcome_build(const struct pf_welcome *m, uint8_t *buf, size_t cap)
{
	struct pf_writer w = pf_writer(buf, cap);
	enum welcome_tail last = welcome_last(m);

	if (m->cipher > PF_CIPHER_CHACHA20_POLY1305)
		return -EINVAL;
	pf_wr_bytes(&w, MAGIC, 4);
	pf_wr_u32le(&w, PF_PF1_WIRE_VERSION);
	pf_wr_u16le(&w, m->data_port);
	pf_wr_u32le(&w, m->width);
	pf_wr_u32le(&w, m->height);
	pf_wr_u32le(&w, m->refresh_hz);
	pf_wr_u8(&w, m->fec_scheme);
	pf_wr_u8(&w, m->fec_percent);
	pf_wr_u16le(&w, m->max_data_per_block);
	pf_wr_u16le(&w, m->shard_payload);
	pf_wr_u8(&w, m->encrypt);
	pf_wr_bytes(&w, m->key, sizeof(m->key));
	pf_wr_bytes(&w, m->salt, sizeof(m->salt));
	pf_wr_u32le(&w, m->frames);
	pf_wr_u8(&w, m->compositor);
	pf_wr_u8(&w, m->gamepad);
	pf_wr_u32le(&w, m->bitrate_kbps);
	pf_wr_u8(&w, m->bit_depth);
	pf_wr_u8(&w, m->primaries);
	pf_wr_u8(&w, m->transfer);
	pf_wr_u8(&w, m->matrix);
	pf_wr_u8(&w, m->full_range);
	pf_wr_u8(&w, m->chroma_format_idc);
	pf_wr_u8(&w, m->audio_channels);
	pf_wr_u8(&w, m->codec);
	pf_wr_u8(&w, m->host_caps);
	if (last >= WELCOME_CIPHER)
		pf_wr_u8(&w, m->cipher);
	if (m->cipher == PF_CIPHER_CHACHA20_POLY1305)
		pf_wr_bytes(&w, m->chacha_key, sizeof(m->chacha_key));
	if (last >= WELCOME_MGMT)
		pf_wr_u16le(&w, m->mgmt_port);
	if (last >= WELCOME_GRANTS) {
		pf_wr_u32le(&w, m->grants);
		pf_wr_u32le(&w, m->expires_in_s);
	}
	if (last >= WELCOME_AUDIO) {
		/* Opus has nothing to say here: neutral values. */
		pf_wr_u8(&w, m->audio_codec);
		pf_wr_u32le(&w, m->audio_codec ? m->audio_rate_hz : AUDIO_RATE);
		pf_wr_u8(&w, m->audio_codec ? m->audio_bits : AUDIO_BITS);
		pf_wr_u16le(&w, m->audio_codec ? m->audio_frame_us : 0);
	}
	if (last >= WELCOME_CAPS2)
		pf_wr_u8(&w, m->host_caps2);
	if (last >= WELCOME_LAYOUT)
		pf_wr_u8(&w, m->audio_layout);
	return w.err ? -ENOBUFS : (int)w.len;
}

int pf_start_parse(struct pf_start *out, const uint8_t *buf, size_t len)
{
	struct pf_reader r = pf_reader(buf, len);

	if (len < START_BYTES || memcmp(pf_rd_bytes(&r, 4), MAGIC, 4) != 0)
		return -EPROTO;
	out->client_udp_port = pf_rd_u16le(&r);
	return 0;
}

int pf_start_build(const struct pf_start *s, uint8_t *buf, size_t cap)
{
	struct pf_writer w = pf_writer(buf, cap);

	pf_wr_bytes(&w, MAGIC, 4);
	pf_wr_u16le(&w, s->client_udp_port);
	return w.err ? -ENOBUFS : (int)w.len;
}
