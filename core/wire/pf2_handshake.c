/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/wire/pf2_handshake.h"
#include <errno.h>
#include <string.h>
#include "core/base/utf8.h"
#include "core/wire/pf2_frame.h"

#define MODE_BYTES   12
#define BUILD_BYTES  1024 /* longest body that we write */
#define SINGLE(last) ((((uint64_t)1 << ((last) + 1)) - 1) & ~(uint64_t)1)

enum {
	HELLO_SUITES = 2,
	HELLO_MODE = 3,
	HELLO_NAME = 7,
	HELLO_LAUNCH = 8,
	HELLO_FEATURES = 9,
	HELLO_HDR = 13,
	HELLO_LAST = 24,
	WELCOME_SESSION = 1,
	WELCOME_FEATURES = 4,
	WELCOME_MODE = 5,
	WELCOME_COLOUR = 15,
	WELCOME_LAST = 27,
	REFUSED_CODE = 1,
	REFUSED_TEXT = 2,
};

/* An integer field and where it lives; left out when it is `neutral`. */
struct row {
	uint8_t tag, bytes;
	size_t offset;
	uint64_t neutral;
};

#define ROW(type, tag, field, neutral)                                                             \
	{                                                                                          \
		tag, sizeof(((struct type *)0)->field), offsetof(struct type, field), neutral      \
	}

static const struct row hello_rows[] = {
	ROW(pf_hello, 4, compositor, 0),
	ROW(pf_hello, 5, gamepad, 0),
	ROW(pf_hello, 6, bitrate_kbps, 0),
	ROW(pf_hello, 10, audio_channels, 2),
	ROW(pf_hello, 11, video_codecs, 0),
	ROW(pf_hello, 12, preferred_codec, 0),
	ROW(pf_hello, 14, max_shard_payload, 0),
	ROW(pf_hello, 15, audio_rate_hz, 48000),
	ROW(pf_hello, 16, audio_bits, 16),
	ROW(pf_hello, 17, audio_layout, 0),
	ROW(pf_hello, 18, video_fit, 0),
};

static const struct row welcome_rows[] = {
	ROW(pf_welcome, 2, clock_origin_ns, 0),
	ROW(pf_welcome, 3, cipher, PF_CIPHER_AES128_GCM),
	ROW(pf_welcome, 6, fec_scheme, 1),
	ROW(pf_welcome, 7, fec_percent, 0),
	ROW(pf_welcome, 8, max_data_per_block, 4096),
	ROW(pf_welcome, 9, shard_payload, 0),
	ROW(pf_welcome, 10, frames, 0),
	ROW(pf_welcome, 11, compositor, 0),
	ROW(pf_welcome, 12, gamepad, 0),
	ROW(pf_welcome, 13, bitrate_kbps, 0),
	ROW(pf_welcome, 14, bit_depth, 8),
	ROW(pf_welcome, 16, chroma_format_idc, 1),
	ROW(pf_welcome, 17, audio_channels, 2),
	ROW(pf_welcome, 18, codec, PF_CODEC_HEVC),
	ROW(pf_welcome, 19, mgmt_port, 0),
	ROW(pf_welcome, 20, grants, PF_GRANT_ALL),
	ROW(pf_welcome, 21, expires_in_s, 0),
	ROW(pf_welcome, 22, audio_codec, 0),
	ROW(pf_welcome, 23, audio_rate_hz, 48000),
	ROW(pf_welcome, 24, audio_bits, 16),
	ROW(pf_welcome, 25, audio_frame_us, 0),
	ROW(pf_welcome, 26, audio_layout, 0),
};

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static uint64_t get(const void *base, const struct row *row)
{
	const uint8_t *p = (const uint8_t *)base + row->offset;
	uint16_t v16;
	uint32_t v32;
	uint64_t v64;

	switch (row->bytes) {
	case 1:
		return *p;
	case 2:
		return memcpy(&v16, p, 2), v16;
	case 4:
		return memcpy(&v32, p, 4), v32;
	default:
		return memcpy(&v64, p, 8), v64;
	}
}

static void set(void *base, const struct row *row, uint64_t v)
{
	uint8_t *p = (uint8_t *)base + row->offset;

	switch (row->bytes) {
	case 1:
		*p = (uint8_t)v;
		break;
	case 2:
		memcpy(p, &(uint16_t){ (uint16_t)v }, 2);
		break;
	case 4:
		memcpy(p, &(uint32_t){ (uint32_t)v }, 4);
		break;
	default:
		memcpy(p, &v, 8);
		break;
	}
}

static void put_rows(struct pf_writer *w, const void *base, const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (get(base, &rows[i]) != rows[i].neutral)
			pf_pf2_put_uint(w, rows[i].tag, get(base, &rows[i]));
}

/* A field of the table. 0, also for those that are not in it; -EPROTO. */
static int take_row(void *base, const struct row *rows, size_t count, const struct pf_pf2_fields *f)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t v;

		if (rows[i].tag != f->tag)
			continue;
		if (pf_pf2_field_uint(f, rows[i].bytes, &v))
			return -EPROTO;
		set(base, &rows[i], v);
	}
	return 0;
}

/* ---- fields of their own kinds ---- */

static void put_mode(
	struct pf_writer *w, uint64_t tag, uint32_t width, uint32_t height, uint32_t refresh_hz)
{
	uint8_t mode[MODE_BYTES];
	struct pf_writer m = pf_writer(mode, sizeof(mode));

	pf_wr_u32le(&m, width);
	pf_wr_u32le(&m, height);
	pf_wr_u32le(&m, refresh_hz);
	pf_pf2_put(w, tag, mode, sizeof(mode));
}

static int take_mode(
	const struct pf_pf2_fields *f, uint32_t *width, uint32_t *height, uint32_t *refresh_hz)
{
	struct pf_reader r = pf_reader(f->value, f->len);

	if (f->len != MODE_BYTES)
		return -EPROTO;
	*width = pf_rd_u32le(&r);
	*height = pf_rd_u32le(&r);
	*refresh_hz = pf_rd_u32le(&r);
	return 0;
}

/* A bad label is dropped, as in punktfunk/1. */
static void take_label(const struct pf_pf2_fields *f, char *out, size_t max)
{
	if (!f->len || f->len > max || memchr(f->value, 0, f->len) ||
		!pf_utf8_valid(f->value, f->len))
		return;
	memcpy(out, f->value, f->len);
	out[f->len] = 0;
}

static void put_label(struct pf_writer *w, uint64_t tag, const char *s, size_t max)
{
	const size_t len = strnlen(s, max);

	if (len && pf_utf8_valid(s, len))
		pf_pf2_put(w, tag, s, len);
}

/* Bits 0 to 31, in four bytes; trailing zeros are left out, more than four skipped. */
static void put_features(struct pf_writer *w, uint64_t tag, const uint8_t bytes[4])
{
	size_t len = 4;

	while (len && !bytes[len - 1])
		len--;
	if (len)
		pf_pf2_put(w, tag, bytes, len);
}

static void take_features(const struct pf_pf2_fields *f, uint8_t bytes[4])
{
	memset(bytes, 0, 4);
	if (f->len)
		memcpy(bytes, f->value, f->len < 4 ? f->len : 4);
}

static int open_as(const uint8_t *msg, size_t len, uint64_t type, struct pf_pf2_fields *f)
{
	uint64_t got;

	*f = (struct pf_pf2_fields){ 0 };
	return pf_pf2_frame_open(msg, len, &got, &f->r) || got != type ? -EPROTO : 0;
}

/* ---- ClientHello ---- */

static int take_hello(
	struct pf_hello *h, const struct pf_pf2_fields *f, bool *has_suites, bool *chacha)
{
	uint8_t features[4];

	switch (f->tag) {
	case HELLO_SUITES:
		*has_suites = true;
		*chacha = f->len && memchr(f->value, PF_CIPHER_CHACHA20_POLY1305, f->len);
		return 0;
	case HELLO_MODE:
		return take_mode(f, &h->width, &h->height, &h->refresh_hz);
	case HELLO_NAME:
		take_label(f, h->name, PF_PF1_NAME_MAX);
		return 0;
	case HELLO_LAUNCH:
		take_label(f, h->launch, PF_PF1_LAUNCH_MAX);
		return 0;
	case HELLO_FEATURES:
		take_features(f, features);
		h->video_caps = features[0];
		h->client_caps = features[1];
		return 0;
	case HELLO_HDR:
		if (f->len != PF_HDR_META_BYTES)
			return -EPROTO;
		pf_hdr_meta_read(&h->display_hdr, f->value);
		h->has_display_hdr = true;
		return 0;
	default:
		return take_row(h, hello_rows, COUNT(hello_rows), f);
	}
}

/* The same neutral values for what nobody knows as punktfunk/1 has (4.1). */
static void settle_hello(struct pf_hello *h, bool has_suites, bool chacha)
{
	if (h->compositor > PF_COMPOSITOR_LAST)
		h->compositor = 0;
	if (h->gamepad > PF_GAMEPAD_LAST)
		h->gamepad = 0;
	if (h->audio_channels != 6 && h->audio_channels != 8)
		h->audio_channels = 2;
	if (h->audio_bits != 24)
		h->audio_bits = 16;
	if (!h->audio_rate_hz)
		h->audio_rate_hz = 48000;
	/* The list of suites is what counts here. */
	h->video_caps &= (uint8_t)~PF_VIDEO_CAP_CHACHA20;
	if (has_suites && chacha)
		h->video_caps |= PF_VIDEO_CAP_CHACHA20;
}

int pf_pf2_hello_parse(struct pf_hello *out, const uint8_t *msg, size_t len)
{
	bool has_suites = false, chacha = false;
	struct pf_pf2_fields f;
	struct pf_hello h;
	int r = open_as(msg, len, PF_PF2_CLIENT_HELLO, &f);

	if (r)
		return r;
	f.single = SINGLE(HELLO_LAST);
	pf_hello_init(&h);
	while ((r = pf_pf2_fields_next(&f)) > 0) {
		r = take_hello(&h, &f, &has_suites, &chacha);
		if (r)
			return r;
	}
	if (r || !(f.seen & 1u << HELLO_MODE))
		return -EPROTO;
	settle_hello(&h, has_suites, chacha);
	*out = h;
	return 0;
}

int pf_pf2_hello_build(const struct pf_hello *h, uint8_t *buf, size_t cap)
{
	static const uint8_t suites[] = { PF_CIPHER_AES128_GCM, PF_CIPHER_CHACHA20_POLY1305 };
	const bool chacha = h->video_caps & PF_VIDEO_CAP_CHACHA20;
	const uint8_t features[4] = { h->video_caps, h->client_caps };
	uint8_t body[BUILD_BYTES], hdr[PF_HDR_META_BYTES];
	struct pf_writer w = pf_writer(body, sizeof(body));

	pf_pf2_put(&w, HELLO_SUITES, suites, chacha ? 2 : 1);
	put_mode(&w, HELLO_MODE, h->width, h->height, h->refresh_hz);
	put_rows(&w, h, hello_rows, COUNT(hello_rows));
	put_label(&w, HELLO_NAME, h->name, PF_PF1_NAME_MAX);
	put_label(&w, HELLO_LAUNCH, h->launch, PF_PF1_LAUNCH_MAX);
	put_features(&w, HELLO_FEATURES, features);
	if (h->has_display_hdr) {
		pf_hdr_meta_write(&h->display_hdr, hdr);
		pf_pf2_put(&w, HELLO_HDR, hdr, sizeof(hdr));
	}
	return w.err ? -ENOBUFS : pf_pf2_frame_build(PF_PF2_CLIENT_HELLO, body, w.len, buf, cap);
}

/* ---- ServerHello and what may come instead ---- */

static int take_welcome(struct pf_welcome *w, const struct pf_pf2_fields *f)
{
	uint8_t features[4];

	switch (f->tag) {
	case WELCOME_SESSION:
		if (f->len != sizeof(w->session_id))
			return -EPROTO;
		memcpy(w->session_id, f->value, sizeof(w->session_id));
		return 0;
	case WELCOME_FEATURES:
		take_features(f, features);
		w->host_caps = features[2];
		w->host_caps2 = features[3];
		return 0;
	case WELCOME_MODE:
		return take_mode(f, &w->width, &w->height, &w->refresh_hz);
	case WELCOME_COLOUR:
		if (f->len != 4)
			return -EPROTO;
		w->primaries = f->value[0];
		w->transfer = f->value[1];
		w->matrix = f->value[2];
		w->full_range = f->value[3];
		return 0;
	default:
		return take_row(w, welcome_rows, COUNT(welcome_rows), f);
	}
}

static int parse_welcome(struct pf_welcome *out, struct pf_pf2_fields *f)
{
	struct pf_welcome w;
	int r;

	f->single = SINGLE(WELCOME_LAST);
	pf_welcome_init(&w);
	while ((r = pf_pf2_fields_next(f)) > 0) {
		r = take_welcome(&w, f);
		if (r)
			return r;
	}
	if (r || !(f->seen & 1u << WELCOME_SESSION) || w.cipher > PF_CIPHER_CHACHA20_POLY1305)
		return -EPROTO;
	*out = w;
	return 0;
}

static int parse_refused(struct pf_refusal *out, struct pf_pf2_fields *f)
{
	struct pf_refusal no = { 0 };
	int r;

	f->single = SINGLE(REFUSED_TEXT);
	while ((r = pf_pf2_fields_next(f)) > 0) {
		uint64_t code;

		if (f->tag == REFUSED_CODE) {
			if (pf_pf2_field_uint(f, 4, &code))
				return -EPROTO;
			no.code = (uint32_t)code;
		} else if (f->tag == REFUSED_TEXT) {
			(void)pf_utf8_printable(no.text, sizeof(no.text), f->value, f->len);
		}
	}
	if (!r)
		*out = no;
	return r;
}

int pf_pf2_answer_parse(enum pf_answer *kind, struct pf_welcome *w, struct pf_refusal *no,
	const uint8_t *msg, size_t len)
{
	struct pf_pf2_fields f = { 0 };
	uint64_t type;
	int r = pf_pf2_frame_open(msg, len, &type, &f.r);

	if (r)
		return r;
	switch (type) {
	case PF_PF2_SERVER_HELLO:
		*kind = PF_ANSWER_WELCOME;
		return parse_welcome(w, &f);
	case PF_PF2_PENDING:
		*kind = PF_ANSWER_PENDING;
		return 0;
	case PF_PF2_REFUSED:
		*kind = PF_ANSWER_REFUSED;
		return parse_refused(no, &f);
	case PF_PF2_REDIRECT:
		/* To another seat or host, whom nobody here pinned. */
		*kind = PF_ANSWER_REFUSED;
		*no = (struct pf_refusal){ .text = "the host sends us elsewhere, which this client "
						   "does not follow" };
		return 0;
	default:
		*kind = PF_ANSWER_IGNORED;
		return 0;
	}
}

int pf_pf2_welcome_build(const struct pf_welcome *m, uint8_t *buf, size_t cap)
{
	const uint8_t features[4] = { 0, 0, m->host_caps, m->host_caps2 };
	const uint8_t colour[4] = { m->primaries, m->transfer, m->matrix, m->full_range };
	uint8_t body[BUILD_BYTES];
	struct pf_writer w = pf_writer(body, sizeof(body));

	pf_pf2_put(&w, WELCOME_SESSION, m->session_id, sizeof(m->session_id));
	put_mode(&w, WELCOME_MODE, m->width, m->height, m->refresh_hz);
	pf_pf2_put(&w, WELCOME_COLOUR, colour, sizeof(colour));
	put_features(&w, WELCOME_FEATURES, features);
	put_rows(&w, m, welcome_rows, COUNT(welcome_rows));
	return w.err ? -ENOBUFS : pf_pf2_frame_build(PF_PF2_SERVER_HELLO, body, w.len, buf, cap);
}

int pf_pf2_pending_build(uint8_t *buf, size_t cap)
{
	return pf_pf2_frame_build(PF_PF2_PENDING, NULL, 0, buf, cap);
}

int pf_pf2_refused_build(const struct pf_refusal *no, uint8_t *buf, size_t cap)
{
	uint8_t body[BUILD_BYTES];
	struct pf_writer w = pf_writer(body, sizeof(body));

	pf_pf2_put_uint(&w, REFUSED_CODE, no->code);
	/* Words for a person: code, two heads and they stay within the type's 256 bytes. */
	pf_pf2_put(&w, REFUSED_TEXT, no->text, pf_utf8_cut(no->text, strlen(no->text), 240));
	return pf_pf2_frame_build(PF_PF2_REFUSED, body, w.len, buf, cap);
}

/* ---- Ready ---- */

int pf_pf2_ready_parse(struct pf_start *out, const uint8_t *msg, size_t len)
{
	struct pf_pf2_fields f;
	int r = open_as(msg, len, PF_PF2_READY, &f);

	while (!r && (r = pf_pf2_fields_next(&f)) > 0)
		r = 0;
	if (!r)
		*out = (struct pf_start){ 0 };
	return r;
}

int pf_pf2_ready_build(const struct pf_start *s, uint8_t *buf, size_t cap)
{
	return pf_pf2_frame_build(PF_PF2_READY, NULL, 0, buf, cap);
}

/* ---- the clock ---- */

int pf_pf2_ctl_parse(struct pf_ctl *out, const uint8_t *msg, size_t len)
{
	struct pf_pf2_fields f = { .single = SINGLE(3) };
	uint64_t type, t[4] = { 0 };
	int r = pf_pf2_frame_open(msg, len, &type, &f.r);

	if (r || (type != PF_PF2_CLOCK_PROBE && type != PF_PF2_CLOCK_ECHO))
		return -EPROTO;
	while ((r = pf_pf2_fields_next(&f)) > 0)
		if (f.tag >= 1 && f.tag <= 3 && pf_pf2_field_uint(&f, 8, &t[f.tag]))
			return -EPROTO;
	if (r || !(f.seen & 2))
		return -EPROTO;
	if (type == PF_PF2_CLOCK_PROBE) {
		*out = (struct pf_ctl){ .type = PF_CTL_CLOCK_PROBE, .clock_t1 = t[1] };
		return 0;
	}
	if ((f.seen & 0xe) != 0xe)
		return -EPROTO;
	*out = (struct pf_ctl){ .type = PF_CTL_CLOCK_ECHO };
	out->clock_echo.t1 = t[1];
	out->clock_echo.t2 = t[2];
	out->clock_echo.t3 = t[3];
	return 0;
}

int pf_pf2_ctl_build(const struct pf_ctl *m, uint8_t *buf, size_t cap)
{
	uint8_t body[64];
	struct pf_writer w = pf_writer(body, sizeof(body));

	if (m->type == PF_CTL_CLOCK_PROBE) {
		pf_pf2_put_uint(&w, 1, m->clock_t1);
		return pf_pf2_frame_build(PF_PF2_CLOCK_PROBE, body, w.len, buf, cap);
	}
	if (m->type != PF_CTL_CLOCK_ECHO)
		return -ENOTSUP;
	pf_pf2_put_uint(&w, 1, m->clock_echo.t1);
	pf_pf2_put_uint(&w, 2, m->clock_echo.t2);
	pf_pf2_put_uint(&w, 3, m->clock_echo.t3);
	return pf_pf2_frame_build(PF_PF2_CLOCK_ECHO, body, w.len, buf, cap);
}

const struct pf_wire pf_pf2_wire = {
	.alpn = "pkf2",
	.framing = &pf_pf2_framing,
	.one_socket = true,
	.hello_parse = pf_pf2_hello_parse,
	.hello_build = pf_pf2_hello_build,
	.answer_parse = pf_pf2_answer_parse,
	.welcome_build = pf_pf2_welcome_build,
	.pending_build = pf_pf2_pending_build,
	.refused_build = pf_pf2_refused_build,
	.start_parse = pf_pf2_ready_parse,
	.start_build = pf_pf2_ready_build,
	.ctl_parse = pf_pf2_ctl_parse,
	.ctl_build = pf_pf2_ctl_build,
};
