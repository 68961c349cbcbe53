/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* pf1_handshake.h - Hello, Welcome and Start of punktfunk/1 (punktfunk1.md 4).
 *
 * Pure codecs: bytes in, struct out and back. Parsers apply the neutral value
 * of every absent trailing field; writers stop after the last field that is not
 * neutral. Strings are copied, ended by zero. Any thread. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PF_PF1_WIRE_VERSION 2
#define PF_PF1_MAX_MESSAGE  65535
#define PF_PF1_NAME_MAX	    64
#define PF_PF1_LAUNCH_MAX   128

/* punktfunk1.md 5 */
enum pf_video_caps {
	PF_VIDEO_CAP_10BIT = 0x01,
	PF_VIDEO_CAP_HDR = 0x02,
	PF_VIDEO_CAP_444 = 0x04,
	PF_VIDEO_CAP_HOST_TIMING = 0x08,
	PF_VIDEO_CAP_PROBE_SEQ = 0x10,
	PF_VIDEO_CAP_STREAMED_AU = 0x20,
	PF_VIDEO_CAP_CHACHA20 = 0x40,
	PF_VIDEO_CAP_MULTI_SLICE = 0x80,
};

enum pf_client_caps {
	PF_CLIENT_CAP_CURSOR = 0x01,
	PF_CLIENT_CAP_PHASE_LOCK = 0x02,
	PF_CLIENT_CAP_AUDIO_REDUNDANCY = 0x04,
	PF_CLIENT_CAP_PAD_AUDIO = 0x08,
	PF_CLIENT_CAP_HIRES_AUDIO = 0x10,
	PF_CLIENT_CAP_KEEP_HOST_AUDIO = 0x20,
	PF_CLIENT_CAP_EXT = 0x40,
};

enum pf_host_caps {
	PF_HOST_CAP_PAD_SNAPSHOTS = 0x01,
	PF_HOST_CAP_CLIPBOARD = 0x02,
	PF_HOST_CAP_TEXT_INPUT = 0x04,
	PF_HOST_CAP_CURSOR = 0x08,
	PF_HOST_CAP_PEN = 0x10,
	PF_HOST_CAP_AUDIO_REDUNDANCY = 0x20,
	PF_HOST_CAP_PAD_AUDIO = 0x40,
	PF_HOST_CAP_HIRES_AUDIO = 0x80,
};

enum pf_grants {
	PF_GRANT_GAMEPAD = 1,
	PF_GRANT_POINTER = 2,
	PF_GRANT_KEYBOARD = 4,
	PF_GRANT_CLIPBOARD = 8,
	PF_GRANT_MICROPHONE = 16,
	PF_GRANT_LAUNCH = 32,
	PF_GRANT_ALL = 0x3f,
};

enum pf_codec {
	PF_CODEC_H264 = 1,
	PF_CODEC_HEVC = 2,
	PF_CODEC_AV1 = 4,
	PF_CODEC_PYROWAVE = 8,
};

enum pf_compositor {
	PF_COMPOSITOR_AUTO,
	PF_COMPOSITOR_KWIN,
	PF_COMPOSITOR_WLROOTS,
	PF_COMPOSITOR_MUTTER,
	PF_COMPOSITOR_GAMESCOPE,
	PF_COMPOSITOR_HYPRLAND,
	PF_COMPOSITOR_WINDOWS,
	PF_COMPOSITOR_LAST = PF_COMPOSITOR_WINDOWS,
};

enum pf_gamepad {
	PF_GAMEPAD_AUTO,
	PF_GAMEPAD_XBOX_360,
	PF_GAMEPAD_DUALSENSE,
	PF_GAMEPAD_XBOX_ONE,
	PF_GAMEPAD_DUALSHOCK4,
	PF_GAMEPAD_STEAM_CONTROLLER,
	PF_GAMEPAD_STEAM_DECK,
	PF_GAMEPAD_DUALSENSE_EDGE,
	PF_GAMEPAD_SWITCH_PRO,
	PF_GAMEPAD_STEAM_CONTROLLER2,
	PF_GAMEPAD_STEAM_CONTROLLER2_DONGLE,
	PF_GAMEPAD_XBOX_ELITE,
	PF_GAMEPAD_HORIPAD_STEAM = 15, /* 12 to 14: 8BitDo */
	PF_GAMEPAD_JOYCONS,
	PF_GAMEPAD_SWITCH2_PRO,
	PF_GAMEPAD_SWITCH2_GAMECUBE,
	PF_GAMEPAD_LAST = PF_GAMEPAD_SWITCH2_GAMECUBE,
};

enum pf_cipher {
	PF_CIPHER_AES128_GCM = 0,
	PF_CIPHER_CHACHA20_POLY1305 = 1,
};

/* punktfunk1.md 8.7 */
struct pf_hdr_meta {
	uint16_t primaries[3][2]; /* G, B, R as x, y in 1/50000 */
	uint16_t white[2];
	uint32_t max_luminance, min_luminance; /* 0.0001 cd/m2 */
	uint16_t max_cll, max_fall;
};

#define PF_HDR_META_BYTES 28

struct pf_hello {
	uint32_t width, height, refresh_hz;
	uint8_t compositor, gamepad;
	uint32_t bitrate_kbps;
	char name[PF_PF1_NAME_MAX + 1];
	char launch[PF_PF1_LAUNCH_MAX + 1];
	uint8_t video_caps;
	uint8_t audio_channels; /* 2, 6, 8 */
	uint8_t video_codecs;	/* 0 = not said: HEVC only */
	uint8_t preferred_codec;
	bool has_display_hdr;
	struct pf_hdr_meta display_hdr;
	uint8_t client_caps;
	uint16_t max_shard_payload;
	uint32_t audio_rate_hz;
	uint8_t audio_bits;
	uint8_t audio_layout;
	uint8_t video_fit;
};

struct pf_welcome {
	uint16_t data_port;
	uint32_t width, height, refresh_hz;
	uint8_t fec_scheme; /* 0 GF8, 1 GF16 */
	uint8_t fec_percent;
	uint16_t max_data_per_block;
	uint16_t shard_payload;
	uint8_t encrypt;
	uint8_t key[16];
	uint8_t salt[4];
	uint32_t frames;
	uint8_t compositor, gamepad;
	uint32_t bitrate_kbps;
	uint8_t bit_depth;
	uint8_t primaries, transfer, matrix, full_range;
	uint8_t chroma_format_idc;
	uint8_t audio_channels;
	uint8_t codec;
	uint8_t host_caps;
	uint8_t cipher;
	uint8_t chacha_key[32];
	uint16_t mgmt_port;
	uint32_t grants;
	uint32_t expires_in_s;
	uint8_t audio_codec; /* 0 Opus, 2 PCM */
	uint32_t audio_rate_hz;
	uint8_t audio_bits;
	uint16_t audio_frame_us;
	uint8_t host_caps2;
	uint8_t audio_layout;
	/* punktfunk/2 alone: not of the pf1 wire */
	uint8_t session_id[16];
	uint64_t clock_origin_ns;
};

struct pf_start {
	uint16_t client_udp_port;
};

/** Neutral values: 2 channels, 48 kHz, 16 bit, everything else 0. */
void pf_hello_init(struct pf_hello *h);
/** Neutral values: wire defaults of absent fields, GF16, 4096, encrypt 1. */
void pf_welcome_init(struct pf_welcome *w);

/** 0; -EPROTO on a bad magic or length < 20; -EPROTONOSUPPORT on another wire
 * version (close 0x67). A bad label is dropped, never an error. */
int pf_hello_parse(struct pf_hello *out, const uint8_t *buf, size_t len);
/** Bytes written, or -ENOBUFS. */
int pf_hello_build(const struct pf_hello *h, uint8_t *buf, size_t cap);
/** 0; -EPROTO (short, magic, unknown or cut cipher), -EPROTONOSUPPORT. */
int pf_welcome_parse(struct pf_welcome *out, const uint8_t *buf, size_t len);
/** Bytes written, -ENOBUFS, or -EINVAL for an unknown cipher. */
int pf_welcome_build(const struct pf_welcome *w, uint8_t *buf, size_t cap);
/** 0, or -EPROTO (short, magic). What follows the port is the extension block. */
int pf_start_parse(struct pf_start *out, const uint8_t *buf, size_t len);
int pf_start_build(const struct pf_start *s, uint8_t *buf, size_t cap);

/** The 28-byte body shared by Hello and datagram CE. */
void pf_hdr_meta_read(struct pf_hdr_meta *out, const uint8_t buf[PF_HDR_META_BYTES]);
void pf_hdr_meta_write(const struct pf_hdr_meta *m, uint8_t buf[PF_HDR_META_BYTES]);
