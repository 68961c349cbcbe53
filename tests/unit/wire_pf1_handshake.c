/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/wire/pf1_handshake.h"
#include "tests/unit/hex.h"
#include "tests/unit/rng.h"

#define HELLO_HEAD "504b4631 02000000 80070000 38040000 3c000000"
#define WELCOME_HEAD                                                                               \
	"504b4631 02000000 3930 00050000 d0020000 3c000000 "                                       \
	"01 0a 0010 8005 01 000102030405060708090a0b0c0d0e0f "                                     \
	"a1a2a3a4 00000000"

static int hello_hex(struct pf_hello *h, const char *hex)
{
	static uint8_t buf[1024];

	return pf_hello_parse(h, buf, hex_bytes(hex, buf, sizeof(buf)));
}

static int welcome_hex(struct pf_welcome *w, const char *hex)
{
	static uint8_t buf[1024];

	return pf_welcome_parse(w, buf, hex_bytes(hex, buf, sizeof(buf)));
}

static void check_hello(const struct pf_hello *h, const char *hex)
{
	uint8_t want[1024], got[1024];
	size_t len = hex_bytes(hex, want, sizeof(want));

	assert_int_equal(pf_hello_build(h, got, sizeof(got)), len);
	assert_memory_equal(got, want, len);
	assert_int_equal(pf_hello_build(h, got, len - 1), -ENOBUFS);
}

static void check_welcome(const struct pf_welcome *w, const char *hex)
{
	uint8_t want[1024], got[1024];
	size_t len = hex_bytes(hex, want, sizeof(want));

	assert_int_equal(pf_welcome_build(w, got, sizeof(got)), len);
	assert_memory_equal(got, want, len);
	assert_int_equal(pf_welcome_build(w, got, len - 1), -ENOBUFS);
}

static struct pf_hello plain_hello(void)
{
	struct pf_hello h;

	pf_hello_init(&h);
	h.width = 1920;
	h.height = 1080;
	h.refresh_hz = 60;
	return h;
}

static struct pf_welcome plain_welcome(void)
{
	struct pf_welcome w;

	pf_welcome_init(&w);
	w.data_port = 12345;
	w.width = 1280;
	w.height = 720;
	w.refresh_hz = 60;
	w.fec_percent = 10;
	w.shard_payload = 1408;
	for (uint8_t i = 0; i < 16; i++)
		w.key[i] = i;
	memcpy(w.salt, "\xa1\xa2\xa3\xa4", 4);
	return w;
}

static void smallest_hello(void **state)
{
	struct pf_hello h, want = plain_hello();

	memset(&h, 0x5a, sizeof(h));
	assert_int_equal(hello_hex(&h, HELLO_HEAD), 0);
	assert_int_equal(h.width, 1920);
	assert_int_equal(h.height, 1080);
	assert_int_equal(h.refresh_hz, 60);
	assert_int_equal(h.compositor, 0);
	assert_int_equal(h.gamepad, 0);
	assert_int_equal(h.bitrate_kbps, 0);
	assert_string_equal(h.name, "");
	assert_string_equal(h.launch, "");
	assert_int_equal(h.audio_channels, 2);
	assert_int_equal(h.audio_rate_hz, 48000);
	assert_int_equal(h.audio_bits, 16);
	assert_false(h.has_display_hdr);
	assert_int_equal(h.max_shard_payload, 0);
	/* A writer always reaches byte 26. */
	check_hello(&want, HELLO_HEAD " 00 00 00000000");
}

/* Each optional field forces the neutral form of all before it, and only those. */
static void hello_emission(void **state)
{
#define TO_BITRATE HELLO_HEAD " 00 00 00000000"
	struct pf_hello h = plain_hello();

	strcpy(h.name, "tv");
	check_hello(&h, TO_BITRATE " 02 7476");
	h = plain_hello();
	strcpy(h.launch, "steam:570");
	check_hello(&h, TO_BITRATE " 00 09 737465616d3a353730");
	h = plain_hello();
	h.video_caps = 0x38;
	check_hello(&h, TO_BITRATE " 00 00 38");
	h = plain_hello();
	h.audio_channels = 6;
	check_hello(&h, TO_BITRATE " 00 00 00 06");
	h = plain_hello();
	h.video_codecs = 3;
	check_hello(&h, TO_BITRATE " 00 00 00 02 03");
	h = plain_hello();
	h.preferred_codec = 1;
	check_hello(&h, TO_BITRATE " 00 00 00 02 00 01");
	h = plain_hello();
	h.has_display_hdr = true;
	h.display_hdr =
		(struct pf_hdr_meta){ { { 1, 2 }, { 3, 4 }, { 5, 6 } }, { 7, 8 }, 9, 10, 11, 12 };
	check_hello(&h, TO_BITRATE " 00 00 00 02 00 00 0100 0200 0300 0400 0500 0600 0700 0800 "
				   "09000000 0a000000 0b00 0c00");
	/* The block has no neutral form: later fields leave it out. */
	h = plain_hello();
	h.client_caps = 5;
	check_hello(&h, TO_BITRATE " 00 00 00 02 00 00 05");
	h = plain_hello();
	h.max_shard_payload = 9152;
	check_hello(&h, TO_BITRATE " 00 00 00 02 00 00 00 c023");
	h = plain_hello();
	h.audio_rate_hz = 96000;
	check_hello(&h, TO_BITRATE " 00 00 00 02 00 00 00 0000 00770100");
	h = plain_hello();
	h.audio_bits = 24;
	check_hello(&h, TO_BITRATE " 00 00 00 02 00 00 00 0000 80bb0000 18");
	h = plain_hello();
	h.audio_layout = 3;
	check_hello(&h, TO_BITRATE " 00 00 00 02 00 00 00 0000 80bb0000 10 03");
	h = plain_hello();
	h.video_fit = 1;
	check_hello(&h, TO_BITRATE " 00 00 00 02 00 00 00 0000 80bb0000 10 00 01");
	h.has_display_hdr = true;
	check_hello(&h, TO_BITRATE " 00 00 00 02 00 00 0000 0000 0000 0000 0000 0000 0000 0000 "
				   "00000000 00000000 0000 0000 00 0000 80bb0000 10 00 01");
	/* Values no reader knows go out as the neutral one. */
	h = plain_hello();
	h.audio_rate_hz = 0;
	h.audio_bits = 17;
	h.audio_channels = 3;
	check_hello(&h, TO_BITRATE);
#undef TO_BITRATE
}

static void hello_odd_values(void **state)
{
	struct pf_hello h;

	assert_int_equal(hello_hex(&h, HELLO_HEAD " 07 13 01000000 00 00 ff 04 ff 03 00 0000 "
						  "00000000 08"),
		0);
	assert_int_equal(h.compositor, 0);
	assert_int_equal(h.gamepad, 0);
	assert_int_equal(h.bitrate_kbps, 1);
	assert_int_equal(h.video_caps, 0xff);
	assert_int_equal(h.audio_channels, 2);
	assert_int_equal(h.video_codecs, 0xff);
	assert_int_equal(h.preferred_codec, 3);
	assert_int_equal(h.audio_rate_hz, 48000);
	assert_int_equal(h.audio_bits, 16);
	assert_int_equal(hello_hex(&h, HELLO_HEAD " 06 12"), 0);
	assert_int_equal(h.compositor, 6);
	assert_int_equal(h.gamepad, 18);
	/* More than we know is ignored. */
	assert_int_equal(hello_hex(&h, HELLO_HEAD " 00 00 00000000 00 00 00 02 00 00 00 0000 "
						  "80bb0000 10 00 00 ffffffffffff"),
		0);
	assert_int_equal(h.video_fit, 0);
	assert_false(h.has_display_hdr);
}

/* 27 bytes behind preferred_codec are fields, 28 begin with the block. */
static void hello_hdr_presence(void **state)
{
	char hex[512] = HELLO_HEAD " 00 00 00000000 00 00 00 02 00 00";
	struct pf_hello h;

	for (int i = 0; i < 27; i++)
		strcat(hex, "01");
	assert_int_equal(hello_hex(&h, hex), 0);
	assert_false(h.has_display_hdr);
	assert_int_equal(h.client_caps, 1);
	assert_int_equal(h.max_shard_payload, 0x0101);
	strcat(hex, "02");
	assert_int_equal(hello_hex(&h, hex), 0);
	assert_true(h.has_display_hdr);
	assert_int_equal(h.display_hdr.primaries[0][0], 0x0101);
	assert_int_equal(h.display_hdr.max_fall, 0x0201);
	assert_int_equal(h.client_caps, 0);
	strcat(hex, "05");
	assert_int_equal(hello_hex(&h, hex), 0);
	assert_true(h.has_display_hdr);
	assert_int_equal(h.client_caps, 5);
}

static void bad_labels_are_dropped(void **state)
{
	char hex[1024];
	struct pf_hello h;

	/* Not UTF-8; the tail is found all the same. */
	assert_int_equal(hello_hex(&h, HELLO_HEAD " 00 00 00000000 02 fffe 01 61 08"), 0);
	assert_string_equal(h.name, "");
	assert_string_equal(h.launch, "a");
	assert_int_equal(h.video_caps, 8);
	/* A zero byte inside. */
	assert_int_equal(hello_hex(&h, HELLO_HEAD " 00 00 00000000 03 610062 00 08"), 0);
	assert_string_equal(h.name, "");
	assert_int_equal(h.video_caps, 8);
	/* Over the limit: 65 bytes of name, 129 of launch. */
	strcpy(hex, HELLO_HEAD " 00 00 00000000 41");
	for (int i = 0; i < 65; i++)
		strcat(hex, "61");
	strcat(hex, "81");
	for (int i = 0; i < 129; i++)
		strcat(hex, "62");
	strcat(hex, "08 06");
	assert_int_equal(hello_hex(&h, hex), 0);
	assert_string_equal(h.name, "");
	assert_string_equal(h.launch, "");
	assert_int_equal(h.video_caps, 8);
	assert_int_equal(h.audio_channels, 6);
	/* Overrunning: dropped, and what would follow is absent. */
	assert_int_equal(hello_hex(&h, HELLO_HEAD " 00 00 00000000 ff 616263"), 0);
	assert_string_equal(h.name, "");
	assert_int_equal(h.video_caps, 0);
	assert_int_equal(h.audio_channels, 2);
	/* At the limit. */
	strcpy(hex, HELLO_HEAD " 00 00 00000000 40");
	for (int i = 0; i < 64; i++)
		strcat(hex, "61");
	assert_int_equal(hello_hex(&h, hex), 0);
	assert_int_equal(strlen(h.name), 64);
}

static void labels_no_reader_takes_go_as_absent(void **state)
{
	struct pf_hello h = plain_hello();

	strcpy(h.name, "\xff");
	check_hello(&h, HELLO_HEAD " 00 00 00000000");
	h.video_caps = 1;
	check_hello(&h, HELLO_HEAD " 00 00 00000000 00 00 01");
}

static void hello_refusals(void **state)
{
	struct pf_hello h, before;
	uint8_t buf[20] = { 'P', 'K', 'F', '1', 2 };

	memset(&h, 0x5a, sizeof(h));
	before = h;
	for (size_t len = 0; len < 20; len++)
		assert_int_equal(pf_hello_parse(&h, buf, len), -EPROTO);
	buf[3] = 'c';
	assert_int_equal(pf_hello_parse(&h, buf, sizeof(buf)), -EPROTO);
	buf[3] = '1';
	buf[4] = 3;
	assert_int_equal(pf_hello_parse(&h, buf, sizeof(buf)), -EPROTONOSUPPORT);
	buf[4] = 2;
	buf[7] = 1;
	assert_int_equal(pf_hello_parse(&h, buf, sizeof(buf)), -EPROTONOSUPPORT);
	assert_memory_equal(&h, &before, sizeof(h));
	buf[7] = 0;
	assert_int_equal(pf_hello_parse(&h, buf, sizeof(buf)), 0);
}

static void random_label(uint64_t *seed, char *out, size_t max)
{
	static const char *const letters[] = { "a", " ", "ä", "€", "😀" };
	size_t len = 0, room = rng_below(seed, (uint32_t)max + 1);

	for (;;) {
		const char *c = letters[rng_below(seed, 5)];

		if (len + strlen(c) > room)
			break;
		strcpy(out + len, c);
		len += strlen(c);
	}
	out[len] = 0;
}

static bool chance(uint64_t *seed)
{
	return rng_below(seed, 2);
}

static struct pf_hello random_hello(uint64_t *seed)
{
	static const uint8_t channels[] = { 2, 6, 8 };
	struct pf_hello h;

	/* Zeroed whole, so that memcmp sees no stray label or padding bytes. */
	memset(&h, 0, sizeof(h));
	h.width = (uint32_t)rng_next(seed);
	h.height = (uint32_t)rng_next(seed);
	h.refresh_hz = (uint32_t)rng_next(seed);
	h.compositor = (uint8_t)rng_below(seed, 7);
	h.gamepad = (uint8_t)rng_below(seed, 19);
	h.bitrate_kbps = (uint32_t)rng_next(seed);
	if (chance(seed))
		random_label(seed, h.name, PF_PF1_NAME_MAX);
	if (chance(seed))
		random_label(seed, h.launch, PF_PF1_LAUNCH_MAX);
	h.video_caps = chance(seed) ? (uint8_t)rng_next(seed) : 0;
	h.audio_channels = channels[rng_below(seed, 3)];
	h.video_codecs = chance(seed) ? (uint8_t)rng_next(seed) : 0;
	h.preferred_codec = chance(seed) ? (uint8_t)rng_next(seed) : 0;
	h.has_display_hdr = chance(seed);
	if (h.has_display_hdr)
		rng_fill(seed, &h.display_hdr, sizeof(h.display_hdr));
	h.client_caps = chance(seed) ? (uint8_t)rng_next(seed) : 0;
	h.max_shard_payload = chance(seed) ? (uint16_t)rng_next(seed) : 0;
	h.audio_rate_hz = chance(seed) ? 1 + (uint32_t)(rng_next(seed) >> 33) : 48000;
	h.audio_bits = chance(seed) ? 16 : 24;
	h.audio_layout = chance(seed) ? (uint8_t)rng_next(seed) : 0;
	h.video_fit = chance(seed) ? (uint8_t)rng_next(seed) : 0;
	return h;
}

static void assert_same_hello(const struct pf_hello *a, const struct pf_hello *b)
{
	assert_int_equal(a->width, b->width);
	assert_int_equal(a->height, b->height);
	assert_int_equal(a->refresh_hz, b->refresh_hz);
	assert_int_equal(a->compositor, b->compositor);
	assert_int_equal(a->gamepad, b->gamepad);
	assert_int_equal(a->bitrate_kbps, b->bitrate_kbps);
	assert_string_equal(a->name, b->name);
	assert_string_equal(a->launch, b->launch);
	assert_int_equal(a->video_caps, b->video_caps);
	assert_int_equal(a->audio_channels, b->audio_channels);
	assert_int_equal(a->video_codecs, b->video_codecs);
	assert_int_equal(a->preferred_codec, b->preferred_codec);
	assert_int_equal(a->has_display_hdr, b->has_display_hdr);
	assert_memory_equal(&a->display_hdr, &b->display_hdr, sizeof(a->display_hdr));
	assert_int_equal(a->client_caps, b->client_caps);
	assert_int_equal(a->max_shard_payload, b->max_shard_payload);
	assert_int_equal(a->audio_rate_hz, b->audio_rate_hz);
	assert_int_equal(a->audio_bits, b->audio_bits);
	assert_int_equal(a->audio_layout, b->audio_layout);
	assert_int_equal(a->video_fit, b->video_fit);
}

/* Round trips, and every truncation of each: accepted from 20 bytes on, with the
 * fixed part intact and what was cut at its neutral value. */
static void hello_property(void **state)
{
	uint64_t seed = rng_seed();
	uint8_t buf[512], *copy;

	for (int i = 0; i < 1000; i++) {
		struct pf_hello in = random_hello(&seed), out;
		int len = pf_hello_build(&in, buf, sizeof(buf));

		assert_in_range(len, 26, sizeof(buf));
		assert_int_equal(pf_hello_parse(&out, buf, (size_t)len), 0);
		assert_same_hello(&in, &out);
		for (size_t n = 0; i < 100 && n < (size_t)len; n++) {
			copy = malloc(n ? n : 1);
			memcpy(copy, buf, n);
			assert_int_equal(pf_hello_parse(&out, copy, n), n < 20 ? -EPROTO : 0);
			free(copy);
			if (n < 20)
				continue;
			assert_int_equal(out.width, in.width);
			assert_int_equal(out.bitrate_kbps, n >= 26 ? in.bitrate_kbps : 0);
			assert_true(!out.name[0] || !strcmp(out.name, in.name));
			assert_true(!out.launch[0] || !strcmp(out.launch, in.launch));
			/* A cut HDR block reads as fields: the wire cannot tell. */
			if (in.video_fit && !in.has_display_hdr)
				assert_int_equal(out.video_fit, 0);
		}
	}
}

/* What hosts of each age send: bytes, then what a reader makes of them. */
static void welcomes_of_old_hosts(void **state)
{
	struct pf_welcome w;

	assert_int_equal(welcome_hex(&w, WELCOME_HEAD), 0); /* 53 bytes */
	assert_int_equal(w.data_port, 12345);
	assert_int_equal(w.width, 1280);
	assert_int_equal(w.height, 720);
	assert_int_equal(w.refresh_hz, 60);
	assert_int_equal(w.fec_scheme, 1);
	assert_int_equal(w.fec_percent, 10);
	assert_int_equal(w.max_data_per_block, 4096);
	assert_int_equal(w.shard_payload, 1408);
	assert_int_equal(w.encrypt, 1);
	assert_int_equal(w.key[15], 15);
	assert_memory_equal(w.salt, "\xa1\xa2\xa3\xa4", 4);
	assert_int_equal(w.frames, 0);
	assert_int_equal(w.compositor, 0);
	assert_int_equal(w.gamepad, 0);
	assert_int_equal(w.bitrate_kbps, 0);
	assert_int_equal(w.bit_depth, 8);
	assert_int_equal(w.primaries, 1);
	assert_int_equal(w.transfer, 1);
	assert_int_equal(w.matrix, 1);
	assert_int_equal(w.full_range, 0);
	assert_int_equal(w.chroma_format_idc, 1);
	assert_int_equal(w.audio_channels, 2);
	assert_int_equal(w.codec, PF_CODEC_HEVC);
	assert_int_equal(w.host_caps, 0);
	assert_int_equal(w.cipher, PF_CIPHER_AES128_GCM);
	assert_int_equal(w.grants, PF_GRANT_ALL);
	assert_int_equal(w.expires_in_s, 0);
	assert_int_equal(w.audio_codec, 0);
	assert_int_equal(w.audio_rate_hz, 48000);
	assert_int_equal(w.audio_bits, 16);
	assert_int_equal(w.audio_frame_us, 0);

#define TO_CHROMA WELCOME_HEAD " 02 01 204e0000 0a 09 10 09 00 03"
	assert_int_equal(welcome_hex(&w, TO_CHROMA), 0); /* 65 bytes */
	assert_int_equal(w.compositor, PF_COMPOSITOR_WLROOTS);
	assert_int_equal(w.gamepad, PF_GAMEPAD_XBOX_360);
	assert_int_equal(w.bitrate_kbps, 20000);
	assert_int_equal(w.bit_depth, 10);
	assert_int_equal(w.primaries, 9);
	assert_int_equal(w.transfer, 16);
	assert_int_equal(w.matrix, 9);
	assert_int_equal(w.chroma_format_idc, 3);
	assert_int_equal(w.audio_channels, 2);
	assert_int_equal(welcome_hex(&w, TO_CHROMA " 06"), 0); /* 66 */
	assert_int_equal(w.audio_channels, 6);
	assert_int_equal(w.codec, PF_CODEC_HEVC);
	assert_int_equal(welcome_hex(&w, TO_CHROMA " 06 01 21"), 0); /* 68 */
	assert_int_equal(w.codec, PF_CODEC_H264);
	assert_int_equal(w.host_caps, 0x21);
	assert_int_equal(w.cipher, PF_CIPHER_AES128_GCM);
#undef TO_CHROMA
}

#define TO_CAPS	   WELCOME_HEAD " 00 00 00000000 08 01 01 01 00 01 02 02 00"
#define CHACHA_HEX "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"

static void welcome_emission(void **state)
{
	struct pf_welcome w = plain_welcome();
	uint8_t buf[256];

	check_welcome(&w, TO_CAPS);
	assert_int_equal(pf_welcome_build(&w, buf, sizeof(buf)), 68);

	w.cipher = PF_CIPHER_CHACHA20_POLY1305;
	for (uint8_t i = 0; i < 32; i++)
		w.chacha_key[i] = (uint8_t)(0x20 + i);
	check_welcome(&w, TO_CAPS " 01 " CHACHA_HEX);
	assert_int_equal(pf_welcome_build(&w, buf, sizeof(buf)), 101);
	w.mgmt_port = 47990;
	check_welcome(&w, TO_CAPS " 01 " CHACHA_HEX " 76bb");

	w = plain_welcome();
	w.mgmt_port = 47990;
	check_welcome(&w, TO_CAPS " 00 76bb");
	w = plain_welcome();
	w.grants = 0x1f;
	check_welcome(&w, TO_CAPS " 00 0000 1f000000 00000000");
	w = plain_welcome();
	w.expires_in_s = 60;
	check_welcome(&w, TO_CAPS " 00 0000 3f000000 3c000000");
	w = plain_welcome();
	w.audio_codec = 2;
	w.audio_rate_hz = 96000;
	w.audio_bits = 24;
	w.audio_frame_us = 2500;
	check_welcome(&w, TO_CAPS " 00 0000 3f000000 00000000 02 00770100 18 c409");
	assert_int_equal(pf_welcome_build(&w, buf, sizeof(buf)), 87);
	/* The block goes out for PCM only, whatever its other fields say. */
	w.audio_codec = 0;
	check_welcome(&w, TO_CAPS);
	w.host_caps2 = 4;
	check_welcome(&w, TO_CAPS " 00 0000 3f000000 00000000 00 80bb0000 10 0000 04");
	w = plain_welcome();
	w.audio_layout = 7;
	check_welcome(&w, TO_CAPS " 00 0000 3f000000 00000000 00 80bb0000 10 0000 00 07");
	w.cipher = 2;
	assert_int_equal(pf_welcome_build(&w, buf, sizeof(buf)), -EINVAL);
}

static void welcome_odd_values(void **state)
{
	struct pf_welcome w;

	/* Unknown enums, chroma 2, 5 channels, two codec bits at once. */
	assert_int_equal(
		welcome_hex(&w, WELCOME_HEAD " 07 13 00000000 0c 02 03 04 01 02 05 03 00"), 0);
	assert_int_equal(w.compositor, 0);
	assert_int_equal(w.gamepad, 0);
	assert_int_equal(w.bit_depth, 12);
	assert_int_equal(w.primaries, 2);
	assert_int_equal(w.full_range, 1);
	assert_int_equal(w.chroma_format_idc, 1);
	assert_int_equal(w.audio_channels, 2);
	assert_int_equal(w.codec, PF_CODEC_HEVC);
	for (unsigned c = 0; c < 256; c++) {
		char hex[512];

		snprintf(hex, sizeof(hex), "%s 00 00 00000000 08 01 01 01 00 01 02 %02x",
			WELCOME_HEAD, c);
		assert_int_equal(welcome_hex(&w, hex), 0);
		assert_int_equal(w.codec, c == 1 || c == 2 || c == 4 || c == 8 ? c : 2);
	}
	/* PCM with rate 0 and 20 bits; an unknown audio codec stays as sent. */
	assert_int_equal(
		welcome_hex(&w, TO_CAPS " 00 0000 3f000000 00000000 02 00000000 14 c409"), 0);
	assert_int_equal(w.audio_codec, 2);
	assert_int_equal(w.audio_rate_hz, 48000);
	assert_int_equal(w.audio_bits, 16);
	assert_int_equal(w.audio_frame_us, 2500);
	assert_int_equal(welcome_hex(&w, TO_CAPS " 00 0000 3f000000 00000000 09"), 0);
	assert_int_equal(w.audio_codec, 9);
	/* An Opus block says nothing, whatever fills it. */
	assert_int_equal(
		welcome_hex(&w, TO_CAPS " 00 0000 3f000000 00000000 00 00770100 18 8813 04 05"), 0);
	assert_int_equal(w.audio_rate_hz, 48000);
	assert_int_equal(w.audio_bits, 16);
	assert_int_equal(w.audio_frame_us, 0);
	assert_int_equal(w.host_caps2, 4);
	assert_int_equal(w.audio_layout, 5);
	/* Anything but 1 is GF(2^8). */
	assert_int_equal(welcome_hex(&w, "504b4631 02000000 3930 00050000 d0020000 3c000000 02 0a "
					 "0010 8005 01 000102030405060708090a0b0c0d0e0f a1a2a3a4 "
					 "00000000"),
		0);
	assert_int_equal(w.fec_scheme, 0);
}

static void welcome_refusals(void **state)
{
	struct pf_welcome w, before;

	memset(&w, 0x5a, sizeof(w));
	before = w;
	assert_int_equal(welcome_hex(&w, TO_CAPS " 02"), -EPROTO);
	assert_int_equal(welcome_hex(&w, TO_CAPS " ff " CHACHA_HEX), -EPROTO);
	assert_int_equal(welcome_hex(&w, TO_CAPS " 01"), -EPROTO);
	/* 31 of 32 key bytes. */
	assert_int_equal(welcome_hex(&w, TO_CAPS " 01 202122232425262728292a2b2c2d2e2f30313233"
						 "3435363738393a3b3c3d3e"),
		-EPROTO);
	assert_int_equal(welcome_hex(&w, "504b4631 03000000 3930 00050000 d0020000 3c000000 01 0a "
					 "0010 8005 01 000102030405060708090a0b0c0d0e0f a1a2a3a4 "
					 "00000000"),
		-EPROTONOSUPPORT);
	assert_memory_equal(&w, &before, sizeof(w));
	assert_int_equal(welcome_hex(&w, TO_CAPS " 01 " CHACHA_HEX), 0);
	assert_int_equal(w.chacha_key[31], 0x3f);
}

static struct pf_welcome random_welcome(uint64_t *seed)
{
	static const uint8_t channels[] = { 2, 6, 8 };
	struct pf_welcome w;

	memset(&w, 0, sizeof(w));
	w.data_port = (uint16_t)rng_next(seed);
	w.width = (uint32_t)rng_next(seed);
	w.height = (uint32_t)rng_next(seed);
	w.refresh_hz = (uint32_t)rng_next(seed);
	w.fec_scheme = (uint8_t)rng_below(seed, 2);
	w.fec_percent = (uint8_t)rng_next(seed);
	w.max_data_per_block = (uint16_t)rng_next(seed);
	w.shard_payload = (uint16_t)rng_next(seed);
	w.encrypt = (uint8_t)rng_below(seed, 2);
	rng_fill(seed, w.key, sizeof(w.key));
	rng_fill(seed, w.salt, sizeof(w.salt));
	w.frames = (uint32_t)rng_next(seed);
	w.compositor = (uint8_t)rng_below(seed, 7);
	w.gamepad = (uint8_t)rng_below(seed, 19);
	w.bitrate_kbps = (uint32_t)rng_next(seed);
	w.bit_depth = (uint8_t)rng_next(seed);
	w.primaries = (uint8_t)rng_next(seed);
	w.transfer = (uint8_t)rng_next(seed);
	w.matrix = (uint8_t)rng_next(seed);
	w.full_range = (uint8_t)rng_next(seed);
	w.chroma_format_idc = chance(seed) ? 1 : 3;
	w.audio_channels = channels[rng_below(seed, 3)];
	w.codec = (uint8_t)(1 << rng_below(seed, 4));
	w.host_caps = (uint8_t)rng_next(seed);
	w.cipher = (uint8_t)rng_below(seed, 2);
	if (w.cipher)
		rng_fill(seed, w.chacha_key, sizeof(w.chacha_key));
	w.mgmt_port = chance(seed) ? (uint16_t)rng_next(seed) : 0;
	w.grants = chance(seed) ? (uint32_t)rng_next(seed) : PF_GRANT_ALL;
	w.expires_in_s = chance(seed) ? (uint32_t)rng_next(seed) : 0;
	w.audio_codec = (uint8_t)rng_below(seed, 3);
	w.audio_rate_hz = w.audio_codec ? 1 + rng_below(seed, 200000) : 48000;
	w.audio_bits = w.audio_codec && chance(seed) ? 24 : 16;
	w.audio_frame_us = w.audio_codec ? (uint16_t)rng_next(seed) : 0;
	w.host_caps2 = chance(seed) ? (uint8_t)rng_next(seed) : 0;
	w.audio_layout = chance(seed) ? (uint8_t)rng_next(seed) : 0;
	return w;
}

/* Round trips, and every truncation: a Welcome is good from 53 bytes on unless the
 * cut goes through the ChaCha key. */
static void welcome_property(void **state)
{
	uint64_t seed = rng_seed();
	uint8_t buf[256], *copy;

	for (int i = 0; i < 1000; i++) {
		struct pf_welcome in = random_welcome(&seed), out;
		int len = pf_welcome_build(&in, buf, sizeof(buf));

		assert_in_range(len, 68, 121);
		memset(&out, 0, sizeof(out));
		assert_int_equal(pf_welcome_parse(&out, buf, (size_t)len), 0);
		assert_memory_equal(&in, &out, sizeof(in));
		for (size_t n = 0; i < 100 && n < (size_t)len; n++) {
			bool cut_key = in.cipher && n > 68 && n < 101;
			int want = n < 53 || cut_key ? -EPROTO : 0;

			copy = malloc(n ? n : 1);
			memcpy(copy, buf, n);
			assert_int_equal(pf_welcome_parse(&out, copy, n), want);
			free(copy);
			if (want)
				continue;
			assert_memory_equal(out.key, in.key, sizeof(in.key));
			assert_int_equal(out.cipher, n > 68 ? in.cipher : 0);
			assert_int_equal(
				out.mgmt_port, n >= (in.cipher ? 103u : 71u) ? in.mgmt_port : 0);
			assert_int_equal(out.grants,
				n >= (in.cipher ? 107u : 75u) ? in.grants : PF_GRANT_ALL);
			assert_int_equal(out.audio_codec,
				n >= (in.cipher ? 112u : 80u) ? in.audio_codec : 0);
		}
	}
}

static void start(void **state)
{
	uint8_t buf[8] = { 0 };
	struct pf_start s = { .client_udp_port = 0x1234 };

	assert_int_equal(pf_start_build(&s, buf, 5), -ENOBUFS);
	assert_int_equal(pf_start_build(&s, buf, sizeof(buf)), 6);
	assert_memory_equal(buf, "PKF1\x34\x12", 6);
	s.client_udp_port = 0;
	for (size_t len = 0; len < 6; len++)
		assert_int_equal(pf_start_parse(&s, buf, len), -EPROTO);
	assert_int_equal(s.client_udp_port, 0);
	assert_int_equal(pf_start_parse(&s, buf, 6), 0);
	assert_int_equal(s.client_udp_port, 0x1234);
	assert_int_equal(pf_start_parse(&s, buf, 8), 0);
	buf[0] = 'x';
	assert_int_equal(pf_start_parse(&s, buf, 6), -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(smallest_hello),
		cmocka_unit_test(hello_emission),
		cmocka_unit_test(hello_odd_values),
		cmocka_unit_test(hello_hdr_presence),
		cmocka_unit_test(bad_labels_are_dropped),
		cmocka_unit_test(labels_no_reader_takes_go_as_absent),
		cmocka_unit_test(hello_refusals),
		cmocka_unit_test(hello_property),
		cmocka_unit_test(welcomes_of_old_hosts),
		cmocka_unit_test(welcome_emission),
		cmocka_unit_test(welcome_odd_values),
		cmocka_unit_test(welcome_refusals),
		cmocka_unit_test(welcome_property),
		cmocka_unit_test(start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
