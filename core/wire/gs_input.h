/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* gs_input.h - input events of the GameStream plane (gamestream.md 7.1-7.3).
 *
 * The payload of a PF_GS_CTL_INPUT message: u32 BE size, u32 LE magic, body.
 * Numbers come out in host order and inside their bounds; what they do is
 * decided in the host. Pure; text is borrowed from the parsed buffer. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PF_GS_INPUT_HEAD_BYTES 8
#define PF_GS_TEXT_MAX	       256u /* bytes of one text event */
#define PF_GS_PADS	       16

enum pf_gs_input_kind {
	PF_GS_INPUT_KEY,
	PF_GS_INPUT_MOUSE_ABS,
	PF_GS_INPUT_MOUSE_REL,
	PF_GS_INPUT_BUTTON,
	PF_GS_INPUT_SCROLL,
	PF_GS_INPUT_HSCROLL,
	PF_GS_INPUT_TEXT,
	PF_GS_INPUT_TOUCH,
	PF_GS_INPUT_PEN,
	PF_GS_INPUT_HAPTICS, /* once, at the start */
	PF_GS_INPUT_PAD_STATE,
	PF_GS_INPUT_PAD_ARRIVAL,
	PF_GS_INPUT_PAD_TOUCH,
	PF_GS_INPUT_PAD_MOTION,
	PF_GS_INPUT_PAD_BATTERY,
	PF_GS_INPUT_KINDS,
};

enum pf_gs_modifier {
	PF_GS_MOD_SHIFT = 1,
	PF_GS_MOD_CTRL = 2,
	PF_GS_MOD_ALT = 4,
	PF_GS_MOD_META = 8,
};

enum pf_gs_button {
	PF_GS_BUTTON_LEFT = 1,
	PF_GS_BUTTON_MIDDLE = 2,
	PF_GS_BUTTON_RIGHT = 3,
	PF_GS_BUTTON_X1 = 4,
	PF_GS_BUTTON_X2 = 5,
};

enum pf_gs_touch_event {
	PF_GS_TOUCH_HOVER = 0,
	PF_GS_TOUCH_DOWN = 1,
	PF_GS_TOUCH_UP = 2,
	PF_GS_TOUCH_MOVE = 3,
	PF_GS_TOUCH_CANCEL = 4,
	PF_GS_TOUCH_BUTTON_ONLY = 5,
	PF_GS_TOUCH_HOVER_LEAVE = 6,
	PF_GS_TOUCH_CANCEL_ALL = 7,
};

enum pf_gs_tool {
	PF_GS_TOOL_UNKNOWN = 0,
	PF_GS_TOOL_PEN = 1,
	PF_GS_TOOL_ERASER = 2,
};

#define PF_GS_ROTATION_UNKNOWN 0xffff
#define PF_GS_TILT_UNKNOWN     0xff
#define PF_GS_PERCENT_UNKNOWN  0xff

enum pf_gs_pad_button {
	PF_GS_PAD_UP = 0x0001,
	PF_GS_PAD_DOWN = 0x0002,
	PF_GS_PAD_LEFT = 0x0004,
	PF_GS_PAD_RIGHT = 0x0008,
	PF_GS_PAD_START = 0x0010,
	PF_GS_PAD_BACK = 0x0020,
	PF_GS_PAD_L3 = 0x0040,
	PF_GS_PAD_R3 = 0x0080,
	PF_GS_PAD_LB = 0x0100,
	PF_GS_PAD_RB = 0x0200,
	PF_GS_PAD_GUIDE = 0x0400,
	PF_GS_PAD_A = 0x1000,
	PF_GS_PAD_B = 0x2000,
	PF_GS_PAD_X = 0x4000,
	PF_GS_PAD_Y = 0x8000,
	PF_GS_PAD_PADDLE1 = 0x010000,
	PF_GS_PAD_PADDLE2 = 0x020000,
	PF_GS_PAD_PADDLE3 = 0x040000,
	PF_GS_PAD_PADDLE4 = 0x080000,
	PF_GS_PAD_TOUCHPAD = 0x100000,
	PF_GS_PAD_MISC = 0x200000, /* share, capture, mute */
};

enum pf_gs_pad_type {
	PF_GS_PAD_TYPE_UNKNOWN = 0,
	PF_GS_PAD_TYPE_XBOX = 1,
	PF_GS_PAD_TYPE_PLAYSTATION = 2,
	PF_GS_PAD_TYPE_NINTENDO = 3,
	PF_GS_PAD_TYPE_STEAM = 4,
};

enum pf_gs_pad_cap {
	PF_GS_PAD_CAP_ANALOG_TRIGGERS = 0x01,
	PF_GS_PAD_CAP_RUMBLE = 0x02,
	PF_GS_PAD_CAP_TRIGGER_RUMBLE = 0x04,
	PF_GS_PAD_CAP_TOUCHPAD = 0x08,
	PF_GS_PAD_CAP_ACCEL = 0x10,
	PF_GS_PAD_CAP_GYRO = 0x20,
	PF_GS_PAD_CAP_BATTERY = 0x40,
	PF_GS_PAD_CAP_LED = 0x80,
	PF_GS_PAD_CAP_SECOND_TOUCHPAD = 0x100,
};

enum pf_gs_battery {
	PF_GS_BATTERY_UNKNOWN = 0,
	PF_GS_BATTERY_ABSENT = 1,
	PF_GS_BATTERY_DISCHARGING = 2,
	PF_GS_BATTERY_CHARGING = 3,
	PF_GS_BATTERY_NOT_CHARGING = 4, /* plugged in */
	PF_GS_BATTERY_FULL = 5,
};

/* Positions, pressure, distance and contact sizes are 0-1 of the video area. */
struct pf_gs_input {
	enum pf_gs_input_kind kind;
	union {
		struct {
			bool down;
			bool raw;	   /* not normalised to a US layout */
			uint8_t vk;	   /* Windows virtual key */
			uint8_t modifiers; /* pf_gs_modifier */
		} key;
		struct {
			int16_t x, y;	      /* 0 to the limit below */
			int16_t x_max, y_max; /* last place of the reference plane, >= 1 */
		} mouse_abs;
		struct {
			int16_t dx, dy;
		} mouse_rel;
		struct {
			bool down;
			uint8_t button; /* pf_gs_button */
		} button;
		struct {		/* SCROLL: up, HSCROLL: right is positive */
			int16_t amount; /* 120 = one notch */
		} scroll;
		struct {
			const char *text; /* UTF-8, no zero byte inside or behind */
			size_t len;	  /* 1 to PF_GS_TEXT_MAX */
		} text;
		struct {
			uint8_t event; /* pf_gs_touch_event */
			uint16_t rotation_deg;
			uint32_t pointer;
			float x, y;
			float pressure; /* or distance while hovering, 1 = farthest */
			float major, minor;
		} touch;
		struct {
			uint8_t event;	 /* pf_gs_touch_event */
			uint8_t tool;	 /* pf_gs_tool */
			uint8_t buttons; /* bits 1, 2, 4 */
			float x, y;
			float pressure; /* or distance while hovering */
			uint16_t rotation_deg;
			uint8_t tilt_deg; /* 0-90 from upright */
			float major, minor;
		} pen;
		struct {
			bool on;
		} haptics;
		struct {
			uint8_t pad;
			uint16_t active;  /* mask of pads that are there */
			uint32_t buttons; /* pf_gs_pad_button */
			uint8_t left_trigger, right_trigger;
			int16_t lx, ly, rx, ry; /* y positive = up */
		} pad_state;
		struct {
			uint8_t pad;
			uint8_t type;	       /* pf_gs_pad_type; newer numbers may come */
			uint16_t capabilities; /* pf_gs_pad_cap */
			uint32_t buttons;      /* those it has */
		} pad_arrival;
		struct {
			uint8_t pad;
			uint8_t event;	  /* pf_gs_touch_event */
			uint8_t touchpad; /* 0 or 1 */
			uint32_t pointer;
			float x, y, pressure;
		} pad_touch;
		struct {
			uint8_t pad;
			uint8_t type;  /* PF_GS_MOTION_* of gs_control.h */
			float x, y, z; /* finite; SDL axes */
		} pad_motion;
		struct {
			uint8_t pad;
			uint8_t state;	 /* pf_gs_battery */
			uint8_t percent; /* 0-100 */
		} pad_battery;
	};
};

/** 0; -ENOTSUP for an unknown magic (ignore it); -EPROTO: length, NaN or infinity,
 * a number out of its enum, pad 16 and above, an empty reference plane, text that
 * is no UTF-8. Positions beyond the edge are moved to it; rotation and tilt
 * beyond the circle count as unknown. */
int pf_gs_input_parse(struct pf_gs_input *out, const uint8_t *buf, size_t len);
/** Bytes written, -ENOBUFS, or -EINVAL (what parse would refuse or change). */
int pf_gs_input_build(const struct pf_gs_input *in, uint8_t *buf, size_t cap);
/** The ENet channel a client sends this on. */
uint8_t pf_gs_input_channel(const struct pf_gs_input *in);
