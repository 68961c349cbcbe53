/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* pf1_control.h - control messages of punktfunk/1 after Start (punktfunk1.md 6).
 *
 * One tagged struct for all messages; variable parts are borrowed from the
 * parsed buffer. Lengths are exact per the table of section 6 (three
 * exceptions there); anything else is -EPROTO, which a receiver counts and
 * ignores. Pure, any thread. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pf_ctl_type {
	PF_CTL_RECONFIGURE = 0x01,
	PF_CTL_RECONFIGURED = 0x02,
	PF_CTL_REQUEST_KEYFRAME = 0x03,
	PF_CTL_LOSS_REPORT = 0x04,
	PF_CTL_SET_BITRATE = 0x05,
	PF_CTL_BITRATE_CHANGED = 0x06,
	PF_CTL_RFI_REQUEST = 0x07,
	PF_CTL_SHARD_PAYLOAD_CHANGED = 0x08,
	PF_CTL_SHARD_PAYLOAD_ACK = 0x09,
	PF_CTL_PIPELINE_GAP = 0x0a,
	PF_CTL_DELIVERY_REPORT = 0x0b,
	PF_CTL_LINK_REPORT = 0x0c,
	PF_CTL_SET_DELIVERY = 0x0d,
	PF_CTL_DELIVERY_CHANGED = 0x0e,
	PF_CTL_HOST_FACTS = 0x0f,
	PF_CTL_PAIR_REQUEST = 0x10,
	PF_CTL_PAIR_CHALLENGE = 0x11,
	PF_CTL_PAIR_PROOF = 0x12,
	PF_CTL_PAIR_RESULT = 0x13,
	PF_CTL_REFUSED = 0x16,
	PF_CTL_PROBE_REQUEST = 0x20,
	PF_CTL_PROBE_RESULT = 0x21,
	PF_CTL_PROBE_SHAPED = 0x22,
	PF_CTL_CLOCK_PROBE = 0x30,
	PF_CTL_CLOCK_ECHO = 0x31,
	PF_CTL_PHASE_REPORT = 0x32,
	PF_CTL_CLIP_CONTROL = 0x40,
	PF_CTL_CLIP_STATE = 0x41,
	PF_CTL_CLIP_OFFER = 0x42,
	PF_CTL_CLIP_FETCH = 0x43,
	PF_CTL_CLIP_FETCH_HDR = 0x44,
	PF_CTL_CURSOR_SHAPE = 0x50,
	PF_CTL_CURSOR_RENDER_MODE = 0x51,
	PF_CTL_ACCESS_UPDATE = 0x58,
	PF_CTL_AUDIO_STATE = 0x59,
	PF_CTL_LAUNCH_OUTCOME = 0x5a,
	PF_CTL_PAD_SLOTS = 0x5b,
};

#define PF_CTL_NAME_MAX	    64	/* of 10, as in Hello */
#define PF_CTL_MESSAGE_MAX  200 /* of 5a */
#define PF_CTL_REASON_MAX   256 /* of 16 */
#define PF_CLIP_FORMATS_MAX 16
#define PF_CLIP_MIME_MAX    128
#define PF_CLIP_NO_FILE	    0xffffffffu
#define PF_CURSOR_SIDE_MAX  120
#define PF_PHASE_ABSENT	    0xffff

/* Reasons of 06: sent only to a client that said it understands them. */
enum pf_bitrate_reason {
	PF_BITRATE_GRANTED = 0,
	PF_BITRATE_ENCODER_LIMIT = 1,
	PF_BITRATE_CADENCE = 2,
	PF_BITRATE_GOVERNOR = 3,
	PF_BITRATE_PINNED = 4,
};

struct pf_ctl_mode {
	uint32_t width, height, refresh_hz;
};

struct pf_ctl_bytes {
	const uint8_t *p; /* borrowed */
	size_t len;
};

struct pf_ctl {
	enum pf_ctl_type type;
	union {
		struct pf_ctl_mode reconfigure;
		struct {
			bool accepted;
			struct pf_ctl_mode mode;
		} reconfigured;
		uint32_t loss_ppm;
		uint32_t kbps; /* SET_BITRATE */
		struct {
			uint32_t kbps;
			bool has_reason;
			uint8_t reason;
		} bitrate_changed;
		struct {
			uint32_t first, last;
		} rfi;
		uint16_t shard_payload; /* 08 and 09 */
		uint32_t gap_ms;
		uint64_t delivered_packets; /* DELIVERY_REPORT */
		uint32_t proven_kbps;	    /* LINK_REPORT */
		struct {
			uint8_t profile; /* 0 burst, 1 capped, 2 smooth */
			uint8_t forced;	 /* DELIVERY_CHANGED only */
		} delivery;
		struct {
			uint8_t iface_kind;
			uint32_t link_mbps, sndbuf_kb;
			uint8_t forced_profile; /* ff = none */
		} host_facts;
		struct {
			uint32_t code;
			struct pf_ctl_bytes reason;
		} refused;
		struct {
			uint32_t target_kbps, duration_ms;
		} probe_request;
		struct {
			uint64_t bytes;
			uint32_t packets, duration_ms;
			bool has_tail;
			uint32_t wire_packets, send_dropped;
		} probe_result;
		struct {
			uint32_t target_kbps, duration_ms;
			uint16_t burst_hz;
			uint32_t group_bytes, group_rate;
		} probe_shaped;
		uint64_t clock_t1; /* CLOCK_PROBE */
		struct {
			uint64_t t1, t2, t3;
		} clock_echo;
		struct {
			uint64_t latch_ns;
			uint32_t period_ns, uncertainty_ns, arrival_lead_ns;
			uint16_t coherence_milli; /* PF_PHASE_ABSENT */
		} phase;
		struct {
			struct pf_ctl_bytes name, spake, key; /* key: len 0 = absent */
		} pair_request;
		struct {
			struct pf_ctl_bytes spake;
			uint8_t confirm[32];
		} pair_challenge;
		uint8_t pair_proof[32];
		bool pair_ok;
		struct {
			bool enabled;
			uint8_t flags;
		} clip_control;
		struct {
			bool enabled;
			uint8_t policy, reason;
		} clip_state;
		struct {
			uint32_t seq;
			uint8_t count;
			struct {
				struct pf_ctl_bytes mime;
				uint64_t size_hint;
			} formats[PF_CLIP_FORMATS_MAX];
		} clip_offer;
		struct {
			uint32_t seq, file_index;
			struct pf_ctl_bytes mime;
		} clip_fetch;
		struct {
			uint8_t status;
			uint64_t total;
		} clip_fetch_hdr;
		struct {
			uint32_t serial;
			uint16_t w, h, hot_x, hot_y;
			struct pf_ctl_bytes rgba;
		} cursor_shape;
		bool client_draws;
		struct {
			uint32_t grants, remaining_s;
		} access;
		bool audio_muted;
		struct {
			uint8_t kind; /* 0 .. 5, unknown reads as 0 */
			struct pf_ctl_bytes message;
		} launch_outcome;
		uint16_t pad_slots;
	};
};

/** 0, -EPROTO (unknown type, wrong length), or -EBADMSG when the magic is not
 * PKFc. Text in 10, 42, 43 may be bad UTF-8: repair it before use. */
int pf_ctl_parse(struct pf_ctl *out, const uint8_t *buf, size_t len);
/** Bytes written (magic, type, body), -ENOBUFS or -EINVAL. Name, message and
 * reason are cut at a character boundary; other limits are errors. */
int pf_ctl_build(const struct pf_ctl *m, uint8_t *buf, size_t cap);
/** Name of a type for logs and statistics, "?" if unknown. */
const char *pf_ctl_type_to_string(uint8_t type);
