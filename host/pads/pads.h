/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* pads.h - one client's gamepads, touch screen and pen as devices of the kernel
 * (uinput, uhid), so that any program that reads such devices sees them.
 *
 * A set has one thread: it writes what is posted and answers the kernel at once
 * (a force-feedback request without an answer blocks the game for 30 s). What is
 * held is let go when the set closes or on PF_PAD_RELEASE_ALL; closing removes
 * the devices. Both planes use it; button bits are those of both wires. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/base/reason.h"

#define PF_PADS_MAX 16

/* The touch screen and the pen, as compositors see them. */
#define PF_PADS_VENDOR	      0x5046
#define PF_PADS_TOUCH_PRODUCT 1
#define PF_PADS_TOUCH_NAME    "punktfunk touch screen"
#define PF_PADS_PEN_PRODUCT   2
#define PF_PADS_PEN_NAME      "punktfunk pen"

enum pf_pad_kind {
	PF_PAD_XBOX_360,
	PF_PAD_XBOX_ONE,
	PF_PAD_DUALSHOCK4,
	PF_PAD_DUALSENSE,
	PF_PAD_KINDS,
};

enum pf_pad_button { /* gamestream.md 7.3, punktfunk1.md 9 */
	PF_PAD_UP = 0x0001,
	PF_PAD_DOWN = 0x0002,
	PF_PAD_LEFT = 0x0004,
	PF_PAD_RIGHT = 0x0008,
	PF_PAD_START = 0x0010,
	PF_PAD_BACK = 0x0020,
	PF_PAD_L3 = 0x0040,
	PF_PAD_R3 = 0x0080,
	PF_PAD_LB = 0x0100,
	PF_PAD_RB = 0x0200,
	PF_PAD_GUIDE = 0x0400,
	PF_PAD_A = 0x1000,
	PF_PAD_B = 0x2000,
	PF_PAD_X = 0x4000,
	PF_PAD_Y = 0x8000,
	PF_PAD_PADDLE1 = 0x010000,
	PF_PAD_PADDLE2 = 0x020000,
	PF_PAD_PADDLE3 = 0x040000,
	PF_PAD_PADDLE4 = 0x080000,
	PF_PAD_TOUCHPAD = 0x100000,
	PF_PAD_MISC = 0x200000,
};

struct pf_pad_state {
	uint32_t buttons;	/* pf_pad_button */
	uint8_t lt, rt;		/* triggers, 255 = pulled */
	int16_t lx, ly, rx, ry; /* y positive = up */
};

enum pf_touch_phase {
	PF_TOUCH_HOVER,
	PF_TOUCH_DOWN,
	PF_TOUCH_MOVE,
	PF_TOUCH_UP,
	PF_TOUCH_LEAVE, /* hovered, now out of range */
	PF_TOUCH_CANCEL,
	PF_TOUCH_CANCEL_ALL,
};

struct pf_touch {
	enum pf_touch_phase phase;
	uint32_t id;	    /* of the finger, as the client numbers it */
	float x, y;	    /* 0-1 of the picture, or of the pad's touch surface */
	float pressure;	    /* 0-1, negative = unknown */
	float major, minor; /* contact ellipse, 0-1; 0 = unknown */
	int rotation_deg;   /* negative = unknown */
};

struct pf_pen {
	enum pf_touch_phase phase;
	bool eraser;
	uint8_t buttons; /* bits 1, 2, 4: barrel buttons */
	float x, y;
	float pressure;	  /* 0-1; negative = unknown */
	float distance;	  /* while hovering: 0-1, 1 = farthest; negative = unknown */
	int tilt_deg;	  /* 0 upright - 90; negative = unknown */
	int rotation_deg; /* where the tip points to, clockwise from up; negative = unknown */
};

enum pf_pad_event_kind {
	PF_PAD_ARRIVE, /* a second arrival of the same kind changes nothing */
	PF_PAD_LEAVE,
	PF_PAD_STATE, /* of a pad that did not arrive: it arrives, as an Xbox 360 pad */
	PF_PAD_TOUCH,
	PF_PAD_MOTION,
	PF_PAD_BATTERY,
	PF_PAD_SCREEN_TOUCH,
	PF_PAD_PEN,
	PF_PAD_RELEASE_ALL, /* buttons, sticks, touches, pen; the devices stay */
};

enum pf_pad_battery {
	PF_PAD_BATTERY_UNKNOWN,
	PF_PAD_BATTERY_DISCHARGING,
	PF_PAD_BATTERY_CHARGING,
	PF_PAD_BATTERY_FULL,
	PF_PAD_BATTERY_NOT_CHARGING,
};

struct pf_pad_event {
	enum pf_pad_event_kind kind;
	uint8_t pad; /* 0-15 */
	union {
		enum pf_pad_kind arrive;
		struct pf_pad_state state;
		struct {
			uint8_t surface; /* 0, 1 */
			struct pf_touch touch;
		} touch;
		struct {
			bool gyro;     /* else acceleration */
			float x, y, z; /* deg/s or m/s^2, SDL's axes */
		} motion;
		struct {
			enum pf_pad_battery state;
			uint8_t percent; /* above 100 = unknown */
		} battery;
		struct pf_touch screen;
		struct pf_pen pen;
	};
};

enum pf_pad_feedback_kind {
	PF_PAD_FB_RUMBLE,
	PF_PAD_FB_TRIGGER_RUMBLE,
	PF_PAD_FB_LED,
	PF_PAD_FB_TRIGGERS,
	PF_PAD_FB_PLAYER, /* lights that count players */
	PF_PAD_FB_MOTION, /* what the program wants to hear */
};

struct pf_pad_feedback {
	enum pf_pad_feedback_kind kind;
	uint8_t pad;
	union {
		struct {
			uint16_t low, high; /* motors; trigger rumble: left, right */
		} rumble;
		struct {
			uint8_t r, g, b;
		} led;
		uint8_t player; /* 5 bits */
		struct {	/* raw DualSense effects: mode, then its ten bytes */
			bool set_left, set_right;
			uint8_t left[11], right[11];
		} triggers;
		struct {
			bool gyro;
			uint16_t rate_hz; /* 0 = stop */
		} motion;
	};
};

struct pf_pads;

struct pf_pads_params {
	const char *name; /* the client's, part of the devices' `phys`; copied */
	/* On the set's thread, at most once per change; must not block. */
	void (*feedback)(void *user, const struct pf_pad_feedback *fb);
	void *user;
};

/* What this machine lets us make. */
enum pf_pads_can {
	PF_PADS_CAN_UINPUT = 1, /* Xbox pads, touch screen, pen */
	PF_PADS_CAN_UHID = 2,	/* DualSense, DualShock 4 */
};
/** pf_pads_can bits; for what is missing `why` (if not NULL) has cause and remedy. */
unsigned pf_pads_can(struct pf_reason *why);

/** Starts the thread; devices come with the first event that needs them. 0, -ENOMEM,
 * -errno of the thread. */
int pf_pads_open(struct pf_pads **out, const struct pf_pads_params *params, struct pf_reason *why);
/** Removes the devices. No feedback after it. Accepts NULL. */
void pf_pads_close(struct pf_pads *p);
/** Copies the event into the ring. Any one thread. 0; -EINVAL: pad number; -EAGAIN:
 * full, dropped and counted, and all is let go in its turn. A kind of pad that this
 * machine cannot make becomes the nearest one that it can. */
int pf_pads_post(struct pf_pads *p, const struct pf_pad_event *ev);
