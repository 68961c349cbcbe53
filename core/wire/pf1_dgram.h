/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* pf1_dgram.h - QUIC datagrams of punktfunk/1 (punktfunk1.md 8, 9).
 *
 * Pure codecs; payloads are borrowed from the parsed buffer. Readers take
 * longer datagrams and use the prefix they know. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pf_dgram_tag {
	PF_DGRAM_INPUT = 0xc8,
	PF_DGRAM_AUDIO = 0xc9,
	PF_DGRAM_RUMBLE = 0xca,
	PF_DGRAM_MIC = 0xcb,
	PF_DGRAM_RICH_INPUT = 0xcc,
	PF_DGRAM_HID_OUTPUT = 0xcd,
	PF_DGRAM_HDR_META = 0xce,
	PF_DGRAM_HOST_TIMING = 0xcf,
	PF_DGRAM_CURSOR_STATE = 0xd0,
	PF_DGRAM_PAD_AUDIO = 0xd1,
	PF_DGRAM_AUDIO_REDUNDANT = 0xd2,
	PF_DGRAM_PCM = 0xd3,
};

/* Kinds of an input event (punktfunk1.md 9). Kind 16 (normalized scroll) counts
 * as unknown: no host of ours announces it. */
enum pf_input_event_kind {
	PF_INPUT_KEY_DOWN = 0,
	PF_INPUT_KEY_UP = 1,
	PF_INPUT_MOUSE_MOVE = 2,
	PF_INPUT_MOUSE_ABS = 3,
	PF_INPUT_BUTTON_DOWN = 4,
	PF_INPUT_BUTTON_UP = 5,
	PF_INPUT_SCROLL = 6,
	PF_INPUT_PAD_BUTTON = 7,
	PF_INPUT_PAD_AXIS = 8,
	PF_INPUT_TOUCH_DOWN = 9,
	PF_INPUT_TOUCH_MOVE = 10,
	PF_INPUT_TOUCH_UP = 11,
	PF_INPUT_PAD_SNAPSHOT = 12,
	PF_INPUT_PAD_REMOVED = 13,
	PF_INPUT_PAD_ARRIVED = 14,
	PF_INPUT_TEXT = 15,
};

#define PF_PADS_MAX 16

struct pf_dgram {
	enum pf_dgram_tag tag;
	union {
		struct {
			uint8_t kind; /* pf_input_event_kind */
			uint32_t code;
			int32_t x, y;
			uint32_t flags; /* pad kinds: the pad is the low byte */
		} input;
		struct { /* AUDIO, MIC, PCM */
			uint32_t seq;
			uint64_t pts_ns;
			const uint8_t *data; /* borrowed */
			size_t len;
		} audio;
		struct { /* AUDIO_REDUNDANT */
			uint32_t seq;
			uint64_t pts_ns;
			const uint8_t *primary;
			size_t primary_len;
			const uint8_t *previous;
			size_t previous_len;
		} redundant;
		struct {
			uint16_t pad, low, high;
			bool has_lease;
			uint8_t seq;
			uint16_t ttl_ms;
			uint16_t left_trigger, right_trigger;
		} rumble;
		struct {
			uint64_t pts_ns;
			uint32_t host_us;
			bool has_stages;
			uint32_t queue_us, encode_us, pace_us;
			int32_t applied_phase_ns;
		} timing;
		struct {
			uint32_t serial;
			bool visible, relative;
			int32_t x, y;
		} cursor;
		struct { /* RICH_INPUT, HID_OUTPUT, HDR_META, PAD_AUDIO: after the tag */
			const uint8_t *data;
			size_t len;
		} raw;
	};
};

/** 0, or -EPROTO: unknown tag or input kind, short, pad number out of range. The
 * high flag bit of key events is stripped. */
int pf_dgram_parse(struct pf_dgram *out, const uint8_t *buf, size_t len);
/** Name of a tag for statistics, "?" if unknown. */
const char *pf_dgram_tag_to_string(uint8_t tag);
/** Bytes written, -ENOBUFS or -EINVAL (what parse would refuse). Rumble with lease
 * and timing with stages take their longest form. */
int pf_dgram_build(const struct pf_dgram *d, uint8_t *buf, size_t cap);
