/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* gs_sdp.h - the two descriptions of the GameStream plane (gamestream.md 3.4,
 * 3.5): what the host offers (DESCRIBE) and what the client asks for (ANNOUNCE).
 *
 * Pure. ANNOUNCE values are checked against the bounds of gamestream.md 10;
 * policy (which encryption is needed, which modes the encoder can do) is the
 * caller's. Unknown attributes are ignored. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/base/reason.h"

/* encryptionSupported, encryptionRequested, encryptionEnabled */
enum pf_gs_enc {
	PF_GS_ENC_CONTROL_V2 = 1,
	PF_GS_ENC_VIDEO = 2,
	PF_GS_ENC_AUDIO = 4,
};

/* x-ml-general.featureFlags: the client's */
enum pf_gs_ml {
	PF_GS_ML_FEC_STATUS = 1,
	PF_GS_ML_SESSION_IDS = 2,
};

/* x-ss-general.featureFlags: the host's */
enum pf_gs_feature {
	PF_GS_FEATURE_PEN_TOUCH = 1,
	PF_GS_FEATURE_PAD_TOUCH_MOTION = 2,
};

/* x-nv-general.featureFlags: the client's */
enum pf_gs_nv {
	PF_GS_NV_AUDIO_ENCRYPTION = 0x20,
	PF_GS_NV_INPUT_ENCRYPTION = 0x80,
};

/* ServerCodecModeSupport of serverinfo, and what DESCRIBE must agree with. */
enum pf_gs_mode {
	PF_GS_MODE_H264 = 0x000001,
	PF_GS_MODE_HEVC = 0x000100,
	PF_GS_MODE_HEVC_10 = 0x000200,
	PF_GS_MODE_AV1 = 0x010000,
	PF_GS_MODE_AV1_10 = 0x020000,
	PF_GS_MODE_H264_444 = 0x040000,
	PF_GS_MODE_HEVC_444 = 0x080000,
	PF_GS_MODE_HEVC_10_444 = 0x100000,
	PF_GS_MODE_AV1_444 = 0x200000,
	PF_GS_MODE_AV1_10_444 = 0x400000,
};
#define PF_GS_MODES_H264 (PF_GS_MODE_H264 | PF_GS_MODE_H264_444)
#define PF_GS_MODES_HEVC                                                                           \
	(PF_GS_MODE_HEVC | PF_GS_MODE_HEVC_10 | PF_GS_MODE_HEVC_444 | PF_GS_MODE_HEVC_10_444)
#define PF_GS_MODES_AV1                                                                            \
	(PF_GS_MODE_AV1 | PF_GS_MODE_AV1_10 | PF_GS_MODE_AV1_444 | PF_GS_MODE_AV1_10_444)

enum pf_gs_codec {
	PF_GS_CODEC_H264 = 0,
	PF_GS_CODEC_HEVC = 1,
	PF_GS_CODEC_AV1 = 2,
};

enum pf_gs_colour {
	PF_GS_COLOUR_BT601 = 0,
	PF_GS_COLOUR_BT709 = 1,
	PF_GS_COLOUR_BT2020 = 2,
};

/* Bit numbers of pf_gs_announce.present. */
enum pf_gs_attr {
	PF_GS_ATTR_ML_FEATURES,
	PF_GS_ATTR_ENCRYPTION,
	PF_GS_ATTR_CHROMA,
	PF_GS_ATTR_INTRA_REFRESH,
	PF_GS_ATTR_WIDTH,
	PF_GS_ATTR_HEIGHT,
	PF_GS_ATTR_MAX_FPS,
	PF_GS_ATTR_REFRESH_X100,
	PF_GS_ATTR_PACKET_SIZE,
	PF_GS_ATTR_MAXIMUM_KBPS,
	PF_GS_ATTR_CONFIGURED_KBPS,
	PF_GS_ATTR_CODEC,
	PF_GS_ATTR_DYNAMIC_RANGE,
	PF_GS_ATTR_CSC_MODE,
	PF_GS_ATTR_REFERENCE_FRAMES,
	PF_GS_ATTR_SLICES,
	PF_GS_ATTR_MIN_FEC,
	PF_GS_ATTR_VIDEO_QOS,
	PF_GS_ATTR_AUDIO_QOS,
	PF_GS_ATTR_RELIABLE_UDP,
	PF_GS_ATTR_NV_FEATURES,
	PF_GS_ATTR_CHANNELS,
	PF_GS_ATTR_CHANNEL_MASK,
	PF_GS_ATTR_SURROUND,
	PF_GS_ATTR_AUDIO_QUALITY,
	PF_GS_ATTR_PACKET_DURATION,
	PF_GS_ATTR_COUNT,
};

#define PF_GS_PACKET_SIZE_MIN 512
#define PF_GS_PACKET_SIZE_MAX 1456
#define PF_GS_KBPS_MIN	      500
#define PF_GS_KBPS_MAX	      500000
#define PF_GS_FPS_MHZ_MAX     480000
#define PF_GS_SIDE_MIN	      64
#define PF_GS_SIDE_MAX	      16384
#define PF_GS_MIN_FEC_MAX     16
#define PF_GS_SLICES_MAX      16

struct pf_gs_announce {
	uint32_t present;     /* 1 << pf_gs_attr: what the text named */
	uint32_t ml_features; /* pf_gs_ml */
	uint32_t encryption;  /* pf_gs_enc, as sent */
	bool audio_encrypted; /* PF_GS_ENC_AUDIO or PF_GS_NV_AUDIO_ENCRYPTION */
	uint16_t width, height;
	uint32_t max_fps_mhz;  /* maxFPS, which above 4000 counts in mHz */
	uint32_t refresh_x100; /* as sent; may be the panel's */
	uint32_t fps_mhz;      /* the rate to serve: refresh_x100 if near maxFPS */
	uint16_t packet_size;
	uint32_t maximum_kbps;	  /* 0 = absent */
	uint32_t configured_kbps; /* 0 = absent */
	enum pf_gs_codec codec;
	bool ten_bit;	 /* dynamicRangeMode */
	bool yuv444;	 /* chromaSamplingType */
	bool full_range; /* encoderCscMode, low bit */
	enum pf_gs_colour colour;
	bool intra_refresh;
	uint8_t reference_frames; /* most that may be used, 0 = free */
	uint8_t slices;
	uint8_t min_fec_packets;       /* capped */
	uint32_t video_qos, audio_qos; /* not 0 = packets may be marked */
	uint8_t reliable_udp;	       /* always 13 */
	uint32_t nv_features;	       /* pf_gs_nv */
	uint8_t channels;	       /* 2, 6, 8 */
	uint32_t channel_mask;	       /* of WAVE speakers; absent = by channels */
	bool surround;
	bool high_quality;	    /* AudioQuality: the uncoupled surround layout */
	uint8_t packet_duration_ms; /* 5, 10 */
};

/** 0, or -EINVAL with the attribute's name in `why`: missing, no number, given
 * twice, out of bounds. Optional ones that are absent have their neutral value. */
int pf_gs_announce_parse(
	struct pf_gs_announce *out, const void *text, size_t len, struct pf_reason *why);
/** The same as text: those attributes that are in `present`, as a client of
 * `address` would send them. Bytes written (no zero behind) or -ENOBUFS. */
int pf_gs_announce_build(const struct pf_gs_announce *a, const char *address, uint16_t video_port,
	char *buf, size_t cap);

/** Bitrate for the encoder in kbit/s. The client's configured bitrate covers all
 * that the host sends: parity of `fec_percent`, sound and control are taken off
 * it. Without it, the client did that itself and maximumBitrateKbps counts. */
uint32_t pf_gs_announce_encoder_kbps(
	const struct pf_gs_announce *a, unsigned fec_percent, bool high_audio);

struct pf_gs_describe {
	uint32_t features;	       /* pf_gs_feature */
	uint32_t encryption_supported; /* pf_gs_enc */
	uint32_t encryption_requested; /* pf_gs_enc */
	uint32_t modes;		       /* pf_gs_mode, the mask of serverinfo */
	bool ref_invalidation;	       /* only if it will be honoured */
};

/** Bytes written (no zero behind), -ENOBUFS, or -EINVAL: no known mode, or more
 * encryption requested than supported. */
int pf_gs_describe_build(const struct pf_gs_describe *d, char *buf, size_t cap);
/** Reads as the client library does: by substring. `modes` has only the plain
 * 8-bit mode of each codec that is marked. 0, or -EINVAL: not text. */
int pf_gs_describe_parse(struct pf_gs_describe *out, const void *text, size_t len);
/** Opus layout that a client of `channels` (6 or 8) takes from the text: streams,
 * coupled and `channels` mapping digits. 0, or -ENOENT. */
struct pf_gs_opus_layout {
	uint8_t streams, coupled, mapping[8];
};
int pf_gs_describe_layout(struct pf_gs_opus_layout *out, const void *text, size_t len,
	unsigned channels, bool high_quality);
