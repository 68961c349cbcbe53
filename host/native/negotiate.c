/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/native/negotiate.h"
#include <errno.h>
#include "punktfunk_core.h"

#define FEC_START_PERCENT 10 /* adaptive sessions begin here */

static int refuse(struct pf_reason *why, uint32_t close, int r)
{
	if (why)
		why->close = close;
	return r;
}

/* Into the settings' bounds; a shape too long for them has no pixels left on the
 * other side, which the caller's check refuses. */
static void cap_mode(struct pf_mode *m, const struct pf_config *c)
{
	if (m->width > c->width_max) {
		m->height = (uint32_t)((uint64_t)m->height * c->width_max / m->width);
		m->width = c->width_max;
	}
	if (m->height > c->height_max) {
		m->width = (uint32_t)((uint64_t)m->width * c->height_max / m->height);
		m->height = c->height_max;
	}
	if (m->refresh_mhz > c->refresh_max_hz * 1000)
		m->refresh_mhz = c->refresh_max_hz * 1000;
}

int pf_negotiate_mode(struct pf_mode *out, const struct pf_config *c, uint32_t width,
	uint32_t height, uint32_t refresh_hz, struct pf_reason *why)
{
	struct pf_mode m = { width, height, 0 };
	int r;

	if (width > PF_NATIVE_SIDE_MAX || height > PF_NATIVE_SIDE_MAX)
		return refuse(why, PUNKTFUNK_CLOSE_SETUP_FAILED,
			pf_reason_set(why, -EINVAL, "mode %ux%u: at most %u pixels a side", width,
				height, PF_NATIVE_SIDE_MAX));
	/* Out of range stays out of range, without overflow. */
	m.refresh_mhz = refresh_hz > 100000 ? UINT32_MAX : refresh_hz * 1000;
	r = pf_mode_check(&m, why);
	if (!r) {
		cap_mode(&m, c);
		r = pf_mode_check(&m, why);
	}
	if (r)
		return refuse(why, PUNKTFUNK_CLOSE_SETUP_FAILED, r);
	*out = m;
	return 0;
}

uint32_t pf_negotiate_bitrate(const struct pf_config *c, uint32_t wish_kbps)
{
	uint32_t kbps = wish_kbps ? wish_kbps : c->bitrate_default_kbps;

	if (kbps > c->bitrate_max_kbps)
		kbps = c->bitrate_max_kbps;
	return kbps < PF_NATIVE_KBPS_MIN ? PF_NATIVE_KBPS_MIN : kbps;
}

/* One bit of `shared`: the client's wish if it is there, else the best here. */
static uint8_t choose_codec(uint8_t shared, uint8_t wish, uint8_t hardware)
{
	static const uint8_t hardware_order[] = { PF_CODEC_HEVC, PF_CODEC_AV1, PF_CODEC_H264 };
	static const uint8_t software_order[] = { PF_CODEC_H264, PF_CODEC_HEVC, PF_CODEC_AV1 };

	/* Of several wishes the lowest bit counts. */
	wish &= shared;
	if (wish)
		return wish & (uint8_t)-wish;
	for (unsigned i = 0; i < 3; i++)
		if (shared & hardware & hardware_order[i])
			return hardware_order[i];
	for (unsigned i = 0; i < 3; i++)
		if (shared & software_order[i])
			return software_order[i];
	return 0;
}

static const char *codec_names(uint8_t codecs)
{
	static const char *const names[] = { "none", "H.264", "HEVC", "H.264 and HEVC", "AV1",
		"H.264 and AV1", "HEVC and AV1", "H.264, HEVC and AV1" };

	return names[codecs & 7];
}

int pf_negotiate(struct pf_welcome *out, struct pf_mode *mode, const struct pf_hello *hello,
	const struct pf_config *c, uint8_t codecs, uint8_t hardware, struct pf_reason *why)
{
	/* A client that does not say takes HEVC. */
	uint8_t theirs = hello->video_codecs ? hello->video_codecs : PF_CODEC_HEVC;
	struct pf_welcome w;
	uint8_t codec;
	int r;

	r = pf_negotiate_mode(mode, c, hello->width, hello->height, hello->refresh_hz, why);
	if (r)
		return r;
	codec = choose_codec(theirs & codecs, hello->preferred_codec, hardware);
	if (!codec)
		return refuse(why, PUNKTFUNK_CLOSE_SETUP_FAILED,
			pf_reason_set(why, -ENOTSUP,
				"no video codec in common: this host encodes %s, the client "
				"decodes %s",
				codec_names(codecs), codec_names(theirs)));
	pf_welcome_init(&w);
	w.width = mode->width;
	w.height = mode->height;
	w.refresh_hz = mode->refresh_mhz / 1000;
	w.fec_percent =
		c->fec_percent == PF_CONFIG_AUTO ? FEC_START_PERCENT : (uint8_t)c->fec_percent;
	/* Test displays take no input and are no compositor. */
	if (c->display_backend != PF_CONFIG_DISPLAY_PATTERN &&
		c->display_backend != PF_CONFIG_DISPLAY_NULL) {
		w.compositor = PF_COMPOSITOR_WLROOTS;
		w.host_caps |= PF_HOST_CAP_TEXT_INPUT;
	}
	w.bitrate_kbps = pf_negotiate_bitrate(c, hello->bitrate_kbps);
	w.bit_depth = 8;
	w.primaries = w.transfer = w.matrix = 1; /* BT.709 */
	w.full_range = 0;
	w.chroma_format_idc = 1;
	w.codec = codec;
	w.audio_channels = hello->audio_channels;
	if (w.audio_channels > c->audio_channels)
		w.audio_channels = (uint8_t)c->audio_channels;
	if (w.audio_channels != 6 && w.audio_channels != 8)
		w.audio_channels = 2;
	/* Only a client that is slow with AES asks. */
	if (hello->video_caps & PF_VIDEO_CAP_CHACHA20)
		w.cipher = PF_CIPHER_CHACHA20_POLY1305;
	*out = w;
	return 0;
}

uint32_t pf_input_grant(uint8_t kind)
{
	/* punktfunk1.md 5 and 9, by kind. */
	static const uint8_t grants[] = {
		[0] = PF_GRANT_KEYBOARD,
		[1] = PF_GRANT_KEYBOARD,
		[2] = PF_GRANT_POINTER,
		[3] = PF_GRANT_POINTER,
		[4] = PF_GRANT_POINTER,
		[5] = PF_GRANT_POINTER,
		[6] = PF_GRANT_POINTER,
		[7] = PF_GRANT_GAMEPAD,
		[8] = PF_GRANT_GAMEPAD,
		[9] = PF_GRANT_POINTER,
		[10] = PF_GRANT_POINTER,
		[11] = PF_GRANT_POINTER,
		[12] = PF_GRANT_GAMEPAD,
		[13] = PF_GRANT_GAMEPAD,
		[14] = PF_GRANT_GAMEPAD,
		[15] = PF_GRANT_KEYBOARD,
		[16] = PF_GRANT_POINTER,
	};

	return kind < sizeof(grants) ? grants[kind] : 0;
}
