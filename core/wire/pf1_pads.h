/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* pf1_pads.h - what pads and pens say beyond buttons, and what pads are told
 * (punktfunk1.md 8.2, 8.3, and kinds 12 to 14 of 9).
 *
 * Pure codecs of what follows the tag byte of PF_DGRAM_RICH_INPUT and
 * PF_DGRAM_HID_OUTPUT. Readers take longer messages and use the prefix they know. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/wire/pf1_dgram.h"

#define PF_RICH_MAX_BYTES 256 /* of one message, either way */
#define PF_PEN_SAMPLES	  8
#define PF_HID_RAW_MAX	  64
#define PF_HID_TRIGGER	  11

enum pf_rich_kind {
	PF_RICH_TOUCHPAD = 1,
	PF_RICH_MOTION = 2,
	PF_RICH_TOUCHPAD_EXT = 3,
	PF_RICH_RAW = 4,
	PF_RICH_PEN = 5,
};

enum pf_pen_state {
	PF_PEN_IN_RANGE = 0x01,
	PF_PEN_TOUCHING = 0x02,
	PF_PEN_BARREL1 = 0x04,
	PF_PEN_BARREL2 = 0x08,
	PF_PEN_PREDICTED = 0x80, /* a guess of the client's: not to be applied */
};

enum pf_pen_tool { PF_PEN_TOOL_PEN = 0, PF_PEN_TOOL_ERASER = 1 };

#define PF_PEN_DISTANCE_UNKNOWN 0xffff
#define PF_PEN_TILT_UNKNOWN	0xff
#define PF_PEN_ANGLE_UNKNOWN	0xffff

struct pf_pen_sample {
	uint8_t state; /* pf_pen_state set */
	uint8_t tool;  /* pf_pen_tool; another one keeps the one before */
	float x, y;    /* 0-1 of the video frame; clamped when read */
	uint16_t pressure, distance;
	uint8_t tilt;		/* degrees from the normal */
	uint16_t azimuth, roll; /* degrees, clockwise from north */
	uint16_t dt_us;		/* since the sample before */
};

struct pf_rich {
	enum pf_rich_kind kind;
	uint8_t pad; /* but pen */
	union {
		struct {
			uint8_t finger;
			bool active;
			uint16_t x, y; /* 0-65535, from the top left */
		} touchpad;
		struct {
			int16_t gyro[3];  /* pitch, yaw, roll; 20 per deg/s */
			int16_t accel[3]; /* right, up, back; 10000 per g */
		} motion;
		struct {
			uint8_t surface; /* 0 single, 1 left, 2 right */
			uint8_t finger;
			bool touch, click;
			int16_t x, y;	   /* from the centre, y down */
			uint16_t pressure; /* 0 = no sensor */
		} ext;
		struct {
			uint8_t len; /* 1-64, the report's number first */
			uint8_t data[PF_HID_RAW_MAX];
		} raw;
		struct {
			uint16_t seq;
			uint8_t count; /* 1-8, the oldest first */
			struct pf_pen_sample samples[PF_PEN_SAMPLES];
		} pen;
	};
};

/** From the kind byte on. 0, or -EPROTO: unknown kind, short, pad out of range, an
 * empty batch, a coordinate that is no number. */
int pf_rich_parse(struct pf_rich *out, const uint8_t *buf, size_t len);
/** Bytes written, -ENOBUFS or -EINVAL (what parse would refuse). */
int pf_rich_build(const struct pf_rich *r, uint8_t *buf, size_t cap);

enum pf_hid_kind {
	PF_HID_LED = 1,
	PF_HID_PLAYER_LEDS = 2,
	PF_HID_TRIGGER_EFFECT = 3,
	PF_HID_HAPTIC = 4, /* allocated, never sent */
	PF_HID_RAW = 5,
	PF_HID_AUDIO_CONTROL = 6,
};

struct pf_hid {
	enum pf_hid_kind kind;
	uint8_t pad;
	union {
		struct {
			uint8_t r, g, b;
		} led;
		uint8_t player; /* low 5 bits */
		struct {
			uint8_t which;		      /* 0 L2, 1 R2 */
			uint8_t len;		      /* 1-11 */
			uint8_t data[PF_HID_TRIGGER]; /* mode first; zeros behind len */
		} trigger;
		struct {
			uint8_t side; /* 0 right, 1 left */
			uint16_t amplitude, period_us, count;
		} haptic;
		struct {
			uint8_t kind; /* 0 output, 1 feature */
			uint8_t len;  /* 1-64 */
			uint8_t data[PF_HID_RAW_MAX];
		} raw;
		struct {
			uint8_t flags;
			uint8_t data[6];
		} audio;
	};
};

/** As pf_rich_parse. */
int pf_hid_parse(struct pf_hid *out, const uint8_t *buf, size_t len);
int pf_hid_build(const struct pf_hid *h, uint8_t *buf, size_t cap);

/* Kinds 12 and 13 of an input event. */
struct pf_pad_snapshot {
	uint8_t pad, seq;
	uint32_t buttons;
	int16_t lx, ly, rx, ry; /* y positive = up */
	uint8_t lt, rt;
};

/** The fields of a PF_DGRAM_INPUT of kind PAD_SNAPSHOT; of PAD_REMOVED pad and seq. */
void pf_pad_snapshot_read(struct pf_pad_snapshot *out, const struct pf_dgram *d);
void pf_pad_snapshot_write(struct pf_dgram *d, const struct pf_pad_snapshot *s);
/** Whether `seq` is newer than `last`, both wrapping at 8 bits. */
static inline bool pf_seq8_newer(uint8_t seq, uint8_t last)
{
	return (int8_t)(uint8_t)(seq - last) > 0;
}
