/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* gs_control.h - messages of the GameStream control stream (gamestream.md
 * 6.4-6.6): u16 type, u16 payload length, payload.
 *
 * Only the types of the encrypted generation 7. The sealed form around them is
 * core/media/gs_seal. Pure; input payloads are borrowed from the parsed buffer. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PF_GS_CTL_HEAD_BYTES 4
/* Longest message that is taken or made: stock clients stay below 300 bytes. */
#define PF_GS_CTL_MSG_MAX 1024u

/* ENet channels (gamestream.md 6.2). */
enum pf_gs_channel {
	PF_GS_CHANNEL_GENERIC = 0x00,
	PF_GS_CHANNEL_URGENT = 0x01,
	PF_GS_CHANNEL_KEYBOARD = 0x02,
	PF_GS_CHANNEL_MOUSE = 0x03,
	PF_GS_CHANNEL_PEN = 0x04,
	PF_GS_CHANNEL_TOUCH = 0x05,
	PF_GS_CHANNEL_TEXT = 0x06,
	PF_GS_CHANNEL_PAD = 0x10,    /* + pad */
	PF_GS_CHANNEL_SENSOR = 0x20, /* + pad */
	PF_GS_CHANNEL_COUNT = 0x30,
};

/* Who made a message. Two types share a number, one for each direction. */
enum pf_gs_origin {
	PF_GS_FROM_CLIENT,
	PF_GS_FROM_HOST,
};

enum pf_gs_ctl_kind {
	/* client to host */
	PF_GS_CTL_IDR_REQUEST, /* also the first message of a session */
	PF_GS_CTL_START,       /* its second */
	PF_GS_CTL_PING,
	PF_GS_CTL_INVALIDATE,
	PF_GS_CTL_LTR_ACK,
	PF_GS_CTL_FEC_STATUS,
	PF_GS_CTL_LOSS_STATS, /* older clients */
	PF_GS_CTL_INPUT,
	/* host to client */
	PF_GS_CTL_RUMBLE,
	PF_GS_CTL_TRIGGER_RUMBLE,
	PF_GS_CTL_MOTION_REQUEST,
	PF_GS_CTL_LED,
	PF_GS_CTL_ADAPTIVE_TRIGGERS,
	PF_GS_CTL_HDR,
	PF_GS_CTL_TERMINATION,
	PF_GS_CTL_KINDS,
};

#define PF_GS_TERM_NORMAL     0x80030023u
#define PF_GS_TERM_PROTECTED  0x800e9302u /* protected content on the screen */
#define PF_GS_TERM_CONVERSION 0x800e9403u /* frames cannot be converted */

#define PF_GS_MOTION_ACCEL 1 /* m/s^2 */
#define PF_GS_MOTION_GYRO  2 /* deg/s */

#define PF_GS_TRIGGER_RIGHT 4 /* flags of adaptive triggers */
#define PF_GS_TRIGGER_LEFT  8

struct pf_gs_ctl {
	enum pf_gs_ctl_kind kind;
	union {
		struct {
			uint32_t first, last; /* frame indices, both included */
		} invalidate;
		struct {
			uint32_t frame;
		} ltr_ack;
		struct {
			uint32_t frame;
			uint16_t highest_seq, next_contiguous_seq, missing_before_highest;
			uint16_t data_total, parity_total, data_received, parity_received;
			uint8_t fec_percent, block, block_count;
		} fec_status;
		struct {
			uint64_t last_good_frame;
		} loss_stats;
		struct { /* for gs_input.h */
			const uint8_t *data;
			size_t len;
		} input;
		struct {
			uint16_t pad, low, high; /* motors 0-65535 */
		} rumble;
		struct {
			uint16_t pad, left, right;
		} trigger_rumble;
		struct {
			uint16_t pad, rate_hz; /* 0 = stop */
			uint8_t type;	       /* PF_GS_MOTION_* */
		} motion_request;
		struct {
			uint16_t pad;
			uint8_t r, g, b;
		} led;
		struct {
			uint16_t pad;
			uint8_t flags; /* PF_GS_TRIGGER_* */
			uint8_t left_type, right_type;
			uint8_t left[10], right[10]; /* raw DualSense effects */
		} adaptive_triggers;
		struct {
			bool on;
			uint16_t primaries[3][2]; /* R, G, B; x, y in 1/50000 */
			uint16_t white[2];
			uint16_t max_luminance;	    /* nit */
			uint16_t min_luminance;	    /* 1/10000 nit */
			uint16_t max_cll, max_fall; /* nit */
			uint16_t max_full_frame;    /* nit */
		} hdr;
		struct {
			uint32_t code; /* PF_GS_TERM_* */
		} termination;
	};
};

/** 0; -ENOTSUP for a type that is unknown from `origin` (ignore it, though its
 * sender lives); -EPROTO: framing, length or a value out of bounds. */
int pf_gs_ctl_parse(
	struct pf_gs_ctl *out, enum pf_gs_origin origin, const uint8_t *buf, size_t len);
/** Bytes written, -ENOBUFS, or -EINVAL (what parse would refuse). */
int pf_gs_ctl_build(const struct pf_gs_ctl *m, uint8_t *buf, size_t cap);
/** Packets that a FEC status says are lost. A complete block is reported while the
 * rest of it is still on its way: only those before the newest one count. Of a
 * block that the client gave up, all that it does not have. -EPROTO: the numbers
 * contradict each other. */
int pf_gs_ctl_fec_lost(const struct pf_gs_ctl *m);
/** Who sends messages of a kind. */
enum pf_gs_origin pf_gs_ctl_origin(enum pf_gs_ctl_kind kind);
/** Lower-case words for logs and counters; "?" out of range. */
const char *pf_gs_ctl_kind_to_string(enum pf_gs_ctl_kind kind);
