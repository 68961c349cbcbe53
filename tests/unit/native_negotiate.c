/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include "host/native/negotiate.h"
#include "punktfunk_core.h"

static struct pf_hello hello_720p(void)
{
	struct pf_hello h;

	pf_hello_init(&h);
	h.width = 1280;
	h.height = 720;
	h.refresh_hz = 60;
	h.video_codecs = PF_CODEC_H264 | PF_CODEC_HEVC | PF_CODEC_AV1;
	return h;
}

static void codecs(void **state)
{
	static const struct {
		uint8_t theirs, wish, ours, hardware, want;
	} rows[] = {
		/* software: H.264 first */
		{ 7, 0, 7, 0, 1 },
		{ 6, 0, 7, 0, 2 },
		{ 4, 0, 7, 0, 4 },
		/* hardware: HEVC, AV1, H.264, and before any software */
		{ 7, 0, 7, 7, 2 },
		{ 7, 0, 7, 5, 4 },
		{ 7, 0, 3, 1, 1 },
		/* a wish counts if shared, of several the lowest bit */
		{ 7, 4, 7, 0, 4 },
		{ 7, 6, 7, 0, 2 },
		{ 7, 4, 1, 0, 1 },
		{ 3, 4, 7, 0, 1 },
		{ 7, 8, 7, 0, 1 },
		/* nothing said: HEVC only */
		{ 0, 0, 7, 0, 2 },
		{ 0, 0, 1, 0, 0 },
		{ 8, 8, 7, 0, 0 },
		{ 4, 0, 3, 3, 0 },
	};
	struct pf_config c;

	pf_config_init(&c);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pf_hello h = hello_720p();
		struct pf_welcome w = { .codec = 99 };
		struct pf_reason why = { 0 };
		struct pf_mode mode;
		int r;

		h.video_codecs = rows[i].theirs;
		h.preferred_codec = rows[i].wish;
		r = pf_negotiate(&w, &mode, &h, &c, rows[i].ours, rows[i].hardware, &why);
		if (rows[i].want) {
			assert_int_equal(r, 0);
			if (w.codec != rows[i].want)
				fail_msg("row %zu: %u", i, w.codec);
		} else {
			assert_int_equal(r, -ENOTSUP);
			assert_int_equal(why.close, PUNKTFUNK_CLOSE_SETUP_FAILED);
			assert_non_null(strstr(why.text, "codec"));
			assert_int_equal(w.codec, 99);
		}
	}
}

static void modes(void **state)
{
	static const struct {
		uint32_t w, h, hz, want_w, want_h;
	} rows[] = {
		{ 1280, 720, 60, 1280, 720 },
		{ 5120, 1440, 240, 5120, 1440 },
		{ 1281, 721, 60, 1280, 720 }, /* odd sizes lose a pixel */
		{ 8192, 8192, 1, 8192, 8192 },
		{ 8193, 720, 60, 0, 0 },
		{ 1280, 0, 60, 0, 0 },
		{ 0, 0, 0, 0, 0 },
		{ 1280, 720, 0, 0, 0 },
		{ 1280, 720, 1001, 0, 0 },
		{ 1280, 720, 4294968, 0, 0 }, /* times 1000 it would wrap to 704 mHz */
		{ UINT32_MAX, UINT32_MAX, UINT32_MAX, 0, 0 },
	};
	struct pf_config c;

	pf_config_init(&c);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pf_reason why = { 0 };
		struct pf_mode m = { 1, 2, 3 };
		int r = pf_negotiate_mode(&m, &c, rows[i].w, rows[i].h, rows[i].hz, &why);

		if (rows[i].want_w) {
			assert_int_equal(r, 0);
			assert_int_equal(m.width, rows[i].want_w);
			assert_int_equal(m.height, rows[i].want_h);
			assert_int_equal(m.refresh_mhz, rows[i].hz * 1000);
		} else {
			assert_int_equal(r, -EINVAL);
			assert_int_equal(why.close, PUNKTFUNK_CLOSE_SETUP_FAILED);
			assert_int_equal(m.width, 1);
		}
	}
}

static void settings_cap_the_mode(void **state)
{
	static const struct {
		uint32_t w, h, hz, want_w, want_h, want_hz;
	} rows[] = {
		{ 1920, 1080, 60, 1920, 1080, 60 }, { 1280, 720, 30, 1280, 720, 30 },
		{ 3840, 2160, 120, 1920, 1080, 60 }, { 2560, 1440, 61, 1920, 1080, 60 },
		{ 3440, 1440, 60, 1920, 802, 60 }, { 1080, 1920, 60, 606, 1080, 60 }, /* upright */
		{ 8192, 8192, 1000, 1080, 1080, 60 },
		{ 8192, 4, 60, 0, 0, 0 }, /* nothing of the height is left */
	};
	struct pf_hello h = hello_720p();
	struct pf_reason why = { 0 };
	struct pf_config c;
	struct pf_welcome w;
	struct pf_mode m;

	pf_config_init(&c);
	c.width_max = 1920;
	c.height_max = 1080;
	c.refresh_max_hz = 60;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int r = pf_negotiate_mode(&m, &c, rows[i].w, rows[i].h, rows[i].hz, &why);

		assert_int_equal(r, rows[i].want_w ? 0 : -EINVAL);
		if (r)
			continue;
		assert_int_equal(m.width, rows[i].want_w);
		assert_int_equal(m.height, rows[i].want_h);
		assert_int_equal(m.refresh_mhz, rows[i].want_hz * 1000);
	}
	/* The Welcome says what it became. */
	h.width = 2560;
	h.height = 1440;
	h.refresh_hz = 144;
	assert_int_equal(pf_negotiate(&w, &m, &h, &c, 1, 0, &why), 0);
	assert_int_equal(w.width, 1920);
	assert_int_equal(w.height, 1080);
	assert_int_equal(w.refresh_hz, 60);
}

static void bit_rates_and_the_rest(void **state)
{
	struct pf_hello h = hello_720p();
	struct pf_reason why = { 0 };
	struct pf_config c;
	struct pf_welcome w;
	struct pf_mode mode;

	pf_config_init(&c);
	assert_int_equal(pf_negotiate_bitrate(&c, 0), 20000);
	assert_int_equal(pf_negotiate_bitrate(&c, 1), 500);
	assert_int_equal(pf_negotiate_bitrate(&c, UINT32_MAX), 8000000);
	c.bitrate_max_kbps = 10000;
	assert_int_equal(pf_negotiate_bitrate(&c, 0), 10000);

	h.audio_channels = 8;
	c.audio_channels = 6;
	assert_int_equal(pf_negotiate(&w, &mode, &h, &c, 1, 0, &why), 0);
	assert_int_equal(w.bit_depth, 8);
	assert_int_equal(w.primaries, 1);
	assert_int_equal(w.transfer, 1);
	assert_int_equal(w.matrix, 1);
	assert_int_equal(w.full_range, 0);
	assert_int_equal(w.chroma_format_idc, 1);
	assert_int_equal(w.fec_scheme, 1);
	assert_int_equal(w.fec_percent, 10);
	assert_int_equal(w.audio_channels, 6);
	assert_int_equal(w.bitrate_kbps, 10000);
	assert_int_equal(w.compositor, PF_COMPOSITOR_WLROOTS);
	assert_int_equal(w.host_caps, PF_HOST_CAP_TEXT_INPUT);
	c.display_backend = PF_CONFIG_DISPLAY_PATTERN;
	c.fec_percent = 33;
	assert_int_equal(pf_negotiate(&w, &mode, &h, &c, 1, 0, &why), 0);
	assert_int_equal(w.fec_percent, 33);
	assert_int_equal(w.compositor, PF_COMPOSITOR_AUTO);
	assert_int_equal(w.host_caps, 0);
	/* ChaCha20 for a client that asks, whatever this machine has. */
	assert_int_equal(pf_negotiate(&w, &mode, &h, &c, 1, 0, &why), 0);
	assert_int_equal(w.cipher, PF_CIPHER_AES128_GCM);
	h.video_caps |= PF_VIDEO_CAP_CHACHA20;
	assert_int_equal(pf_negotiate(&w, &mode, &h, &c, 1, 0, &why), 0);
	assert_int_equal(w.cipher, PF_CIPHER_CHACHA20_POLY1305);
}

static void each_kind_of_input_needs_its_grant(void **state)
{
	static const uint32_t want[] = { 4, 4, 2, 2, 2, 2, 2, 1, 1, 2, 2, 2, 1, 1, 1, 4, 2, 0, 0 };

	for (unsigned kind = 0; kind < sizeof(want) / sizeof(want[0]); kind++)
		assert_int_equal(pf_input_grant((uint8_t)kind), want[kind]);
	assert_int_equal(pf_input_grant(255), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codecs),
		cmocka_unit_test(modes),
		cmocka_unit_test(settings_cap_the_mode),
		cmocka_unit_test(bit_rates_and_the_rest),
		cmocka_unit_test(each_kind_of_input_needs_its_grant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
