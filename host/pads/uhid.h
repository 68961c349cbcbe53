/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* uhid.h - a PlayStation pad as a Bluetooth HID device made through /dev/uhid: what
 * the DualShock 4 and the DualSense share. A model says how its reports are laid
 * out; uhid.c keeps the pad's state, answers the kernel and tells the feedback.
 *
 * On Bluetooth, since SDL 2 passes over a USB device without a USB port, which is
 * all that uhid can make. There the reports have 78 bytes, the first one their
 * number, the last four a checksum.
 *
 * Owned by the set's thread. */
#pragma once
#include "host/pads/device.h"

#define PF_UHID_REPORT_BYTES  78 /* input and output */
#define PF_UHID_FEATURE_BYTES 64
#define PF_UHID_TOUCH_WIDTH   1920

struct pf_uhid_finger {
	bool down;
	uint32_t id;	 /* the client's */
	uint8_t contact; /* 0-127, a new one for each touch */
	uint16_t x, y;	 /* points of the model's surface */
};

/* The pad as programs shall see it. */
struct pf_uhid_state {
	struct pf_pad_state pad;
	struct pf_uhid_finger fingers[2];
	int16_t gyro[3];  /* 16 per deg/s */
	int16_t accel[3]; /* 8192 per g */
	enum pf_pad_battery battery;
	uint8_t percent; /* above 100 = unknown */
};

/* What one output report sets. */
struct pf_uhid_output {
	bool rumble, led, player, left, right;
	uint8_t strong, weak;
	uint8_t rgb[3];
	uint8_t players; /* 5 bits */
	uint8_t left_effect[11], right_effect[11];
};

struct pf_uhid_model {
	const char *name;
	uint16_t product; /* of Sony, 054c */
	const uint8_t *descriptor;
	size_t descriptor_len;
	uint16_t touch_height;
	uint8_t calibration; /* feature report that a program reads before it uses motion */
	/* Fills all but counters and checksum; `report` is zeroed. */
	void (*input)(uint8_t report[PF_UHID_REPORT_BYTES], const struct pf_uhid_state *s);
	/* The counters: the report's number in turn and the age of the pad. */
	void (*stamp)(uint8_t report[PF_UHID_REPORT_BYTES], uint32_t seq, uint64_t age_ns);
	/* Feature report `id` into zeroed `out`; its length, 0 = there is none. */
	size_t (*feature)(uint8_t out[PF_UHID_FEATURE_BYTES], uint8_t id, const uint8_t mac[6]);
	/* 0, or -EPROTO: not a report of this pad; `out` is zeroed. */
	int (*output)(struct pf_uhid_output *out, const uint8_t *report, size_t len);
};

extern const struct pf_uhid_model pf_uhid_ds4;
extern const struct pf_uhid_model pf_uhid_dualsense;

/* Where the nodes of the kernel are; tests have their own. */
struct pf_uhid_paths {
	const char *input; /* NULL = /sys/class/input */
	const char *dev;   /* NULL = /dev */
};

/** What pf_uhid_pad_ops does, on `fd`, an open /dev/uhid, which the pad owns from
 * then on, also when it fails. */
int pf_uhid_open(struct pf_pad_device **out, const struct pf_pad_device_params *params, int fd,
	const struct pf_uhid_paths *paths, struct pf_reason *why);

/* uhid_report.c, for the models. */

/** The d-pad as a hat switch (0 = up, clockwise; 8 = none), a stick
 * (0-255, 128 = middle), the four bytes of a finger, a 16 and a 32 bit number. */
uint8_t pf_uhid_hat(uint32_t buttons);
uint8_t pf_uhid_axis(int16_t v, bool invert);
void pf_uhid_put_finger(uint8_t out[4], const struct pf_uhid_finger *f);
void pf_uhid_put16(uint8_t *out, uint16_t v);
void pf_uhid_put32(uint8_t *out, uint32_t v);
/** CRC-32 of a HID transaction's header (0xa1 input, 0xa2 output, 0xa3 feature) and
 * `len` bytes. */
uint32_t pf_uhid_crc(uint8_t header, const uint8_t *data, size_t len);
/** Whether `report` is an output report of that number, whole and unharmed. */
bool pf_uhid_output_ok(const uint8_t *report, size_t len, uint8_t id);

/* Raw values that calibration of both models makes of a unit. */
enum {
	PF_UHID_GYRO_SPEED = 540, /* deg/s of the calibrating turns */
	PF_UHID_GYRO_PER_DEG_S = 16,
	PF_UHID_ACCEL_PER_G = 8192,
};
