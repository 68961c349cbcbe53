/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* device.h - what pads.c asks of one virtual device: uinput_pad.c (Xbox pads),
 * uhid.c (PlayStation pads); and touch_screen.c, pen.c. All calls are on the
 * set's thread; nothing blocks: descriptors are non-blocking. */
#pragma once
#include "host/pads/pads.h"

struct pf_pad_device;

struct pf_pad_device_params {
	enum pf_pad_kind kind;
	uint8_t pad;	  /* its number, for the feedback */
	const char *name; /* of the client; borrowed for open only */
	void (*feedback)(void *user, const struct pf_pad_feedback *fb);
	void *user;
};

struct pf_pad_device_ops {
	const char *name;
	uint32_t kinds; /* bit per pf_pad_kind; 0 = no pad */
	int (*open)(struct pf_pad_device **out, const struct pf_pad_device_params *params,
		struct pf_reason *why);
	/* Removes it from the kernel. Accepts NULL. */
	void (*close)(struct pf_pad_device *d);
	/* The descriptor became readable: takes all requests and answers them. */
	void (*readable)(struct pf_pad_device *d);
	/* Mandatory for pads. The whole state; the same one again may write nothing. */
	void (*state)(struct pf_pad_device *d, const struct pf_pad_state *s);
	/* Optional. */
	void (*touch)(struct pf_pad_device *d, uint8_t surface, const struct pf_touch *t);
	void (*motion)(struct pf_pad_device *d, bool gyro, float x, float y, float z);
	void (*battery)(struct pf_pad_device *d, enum pf_pad_battery state, uint8_t percent);
	void (*pen)(struct pf_pad_device *d, const struct pf_pen *pen);
	/* Buttons, sticks and touches let go. */
	void (*release)(struct pf_pad_device *d);
	/* Optional: something to do at *due_ns (CLOCK_MONOTONIC; 0 = nothing due), as
	 * rumble that ends or a report that is to be repeated. */
	void (*tick)(struct pf_pad_device *d, uint64_t now_ns);
};

struct pf_pad_device {
	const struct pf_pad_device_ops *ops;
	int fd;
	uint64_t due_ns;
};

extern const struct pf_pad_device_ops pf_uinput_pad_ops;
extern const struct pf_pad_device_ops pf_uhid_pad_ops;
extern const struct pf_pad_device_ops pf_touch_screen_ops;
extern const struct pf_pad_device_ops pf_pen_ops;
