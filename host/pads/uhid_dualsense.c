/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The DualSense on Bluetooth: reports 0x31. hid-playstation and SDL know the bytes; the
 * descriptor is for all others. What is called `body` is the same on USB. */
#include <errno.h>
#include <string.h>
#include "host/pads/uhid.h"

enum {
	/* Byte 0 of the output's body. */
	OUTPUT_VIBRATION = 0x01,
	OUTPUT_HAPTICS_OFF = 0x02,
	OUTPUT_RIGHT_TRIGGER = 0x04,
	OUTPUT_LEFT_TRIGGER = 0x08,
	/* Byte 1. */
	OUTPUT_LED = 0x04,
	OUTPUT_PLAYER = 0x10,
	/* Byte 38: vibration of firmware 2.24 and later. */
	OUTPUT_VIBRATION2 = 0x04,
	STATUS_CHARGING = 0x10,
	STATUS_FULL = 0x20,
};

/* clang-format off */
static const uint8_t descriptor[] = {
	0x05, 0x01, /* generic desktop */
	0x09, 0x05, /* gamepad */
	0xa1, 0x01, /* application */
	0x85, 0x31, /* report 0x31 */
	0x15, 0x00, /* from 0 */
	0x26, 0xff, 0x00, /* to 255 */
	0x75, 0x08, /* bytes */
	0x06, 0x00, 0xff, /* vendor */
	0x09, 0x20, /* tag */
	0x95, 0x01, /* 1 */
	0x81, 0x02, /* data */
	0x05, 0x01, /* generic desktop */
	0x09, 0x30, /* X: left stick */
	0x09, 0x31, /* Y */
	0x09, 0x32, /* Z: right stick */
	0x09, 0x35, /* Rz */
	0x09, 0x33, /* Rx: left trigger */
	0x09, 0x34, /* Ry: right trigger */
	0x95, 0x06, /* 6 */
	0x81, 0x02, /* data */
	0x06, 0x00, 0xff, /* vendor */
	0x09, 0x21, /* counter */
	0x95, 0x01, /* one */
	0x81, 0x02, /* data */
	0x05, 0x01, /* generic desktop */
	0x09, 0x39, /* hat switch */
	0x25, 0x07, /* to 7 */
	0x35, 0x00, /* 0 */
	0x46, 0x3b, 0x01, /* to 315 */
	0x65, 0x14, /* degrees */
	0x75, 0x04, /* bits */
	0x95, 0x01, /* one */
	0x81, 0x42, /* data with a null state */
	0x65, 0x00, /* no unit */
	0x45, 0x00, /* nor physical range */
	0x05, 0x09, /* buttons */
	0x19, 0x01, /* 1 */
	0x29, 0x0f, /* to 15 */
	0x25, 0x01, /* to 1 */
	0x75, 0x01, /* bit */
	0x95, 0x0f, /* 15 */
	0x81, 0x02, /* data */
	0x06, 0x00, 0xff, /* vendor */
	0x09, 0x22, /* spare */
	0x95, 0x0d, /* 13 */
	0x81, 0x02, /* data */
	0x09, 0x23, /* motion, fingers, battery, checksum */
	0x26, 0xff, 0x00, /* to 255 */
	0x75, 0x08, /* bytes */
	0x95, 0x41, /* 65 */
	0x81, 0x02, /* data */
	0x09, 0x24, /* motors, triggers, lights, checksum */
	0x95, 0x4d, /* 77 */
	0x91, 0x02, /* output */
	0x85, 0x05, /* report 0x05 */
	0x09, 0x25, /* calibration */
	0x95, 0x28, /* 40 */
	0xb1, 0x02, /* feature */
	0x85, 0x09, /* report 0x09 */
	0x09, 0x26, /* pairing */
	0x95, 0x13, /* 19 */
	0xb1, 0x02, /* feature */
	0x85, 0x20, /* report 0x20 */
	0x09, 0x27, /* versions */
	0x95, 0x3f, /* 63 */
	0xb1, 0x02, /* feature */
	0xc0,
};
/* clang-format on */

static const struct {
	uint32_t button;
	uint8_t byte, bit;
} buttons[] = {
	{ PF_PAD_X, 7, 0x10 },							  /* square */
	{ PF_PAD_A, 7, 0x20 },							  /* cross */
	{ PF_PAD_B, 7, 0x40 },							  /* circle */
	{ PF_PAD_Y, 7, 0x80 },							  /* triangle */
	{ PF_PAD_LB, 8, 0x01 }, { PF_PAD_RB, 8, 0x02 }, { PF_PAD_BACK, 8, 0x10 }, /* create */
	{ PF_PAD_START, 8, 0x20 },						  /* options */
	{ PF_PAD_L3, 8, 0x40 }, { PF_PAD_R3, 8, 0x80 }, { PF_PAD_GUIDE, 9, 0x01 },
	{ PF_PAD_TOUCHPAD, 9, 0x02 }, { PF_PAD_MISC, 9, 0x04 }, /* microphone */
};

/* A plugged pad that does not charge is shown as one that is not plugged: that
 * state of the report means a fault and hides the level. */
static uint8_t battery(const struct pf_uhid_state *s)
{
	uint8_t level = s->percent / 10;

	if (s->battery == PF_PAD_BATTERY_FULL || s->percent > 100)
		return STATUS_FULL | 10;
	if (s->battery == PF_PAD_BATTERY_CHARGING)
		return STATUS_CHARGING | level;
	return level;
}

static void input(uint8_t report[PF_UHID_REPORT_BYTES], const struct pf_uhid_state *s)
{
	const struct pf_pad_state *p = &s->pad;
	uint8_t *body = report + 2;

	report[0] = 0x31;
	report[1] = 0x01; /* a state follows */
	body[0] = pf_uhid_axis(p->lx, false);
	body[1] = pf_uhid_axis(p->ly, true);
	body[2] = pf_uhid_axis(p->rx, false);
	body[3] = pf_uhid_axis(p->ry, true);
	body[4] = p->lt;
	body[5] = p->rt;
	body[7] = pf_uhid_hat(p->buttons);
	for (size_t i = 0; i < sizeof(buttons) / sizeof(buttons[0]); i++)
		if (p->buttons & buttons[i].button)
			body[buttons[i].byte] |= buttons[i].bit;
	body[8] |= (p->lt ? 0x04 : 0) | (p->rt ? 0x08 : 0);
	for (int i = 0; i < 3; i++) {
		pf_uhid_put16(body + 15 + 2 * i, (uint16_t)s->gyro[i]);
		pf_uhid_put16(body + 21 + 2 * i, (uint16_t)s->accel[i]);
	}
	for (int i = 0; i < 2; i++)
		pf_uhid_put_finger(body + 32 + 4 * i, &s->fingers[i]);
	body[52] = battery(s);
}

static void stamp(uint8_t report[PF_UHID_REPORT_BYTES], uint32_t seq, uint64_t age_ns)
{
	uint8_t *body = report + 2;

	report[1] = (uint8_t)(0x01 | seq << 4);
	body[6] = (uint8_t)seq;
	pf_uhid_put32(body + 11, seq);
	pf_uhid_put32(body + 27, (uint32_t)(age_ns * 3 / 1000)); /* 1/3 us */
}

static void calibration(uint8_t out[PF_UHID_FEATURE_BYTES])
{
	enum { TURN = PF_UHID_GYRO_SPEED * PF_UHID_GYRO_PER_DEG_S };

	for (int i = 0; i < 3; i++) {
		pf_uhid_put16(out + 7 + 4 * i, TURN);
		pf_uhid_put16(out + 9 + 4 * i, (uint16_t)-TURN);
		pf_uhid_put16(out + 23 + 4 * i, PF_UHID_ACCEL_PER_G);
		pf_uhid_put16(out + 25 + 4 * i, (uint16_t)-PF_UHID_ACCEL_PER_G);
	}
	pf_uhid_put16(out + 19, PF_UHID_GYRO_SPEED);
	pf_uhid_put16(out + 21, PF_UHID_GYRO_SPEED);
}

static size_t feature(uint8_t out[PF_UHID_FEATURE_BYTES], uint8_t id, const uint8_t mac[6])
{
	size_t len;

	out[0] = id;
	switch (id) {
	case 0x05:
		calibration(out);
		len = 41;
		break;
	case 0x09:
		for (int i = 0; i < 6; i++)
			out[1 + i] = mac[5 - i];
		len = 20;
		break;
	case 0x20:
		pf_uhid_put32(out + 24, 0x00000100); /* hardware */
		pf_uhid_put32(out + 28, 0x00000100); /* firmware */
		/* From 2.24 on the motors get their whole range instead of half. */
		pf_uhid_put16(out + 44, 0x0224);
		len = 64;
		break;
	default:
		return 0;
	}
	pf_uhid_put32(out + len - 4, pf_uhid_crc(0xa3, out, len - 4));
	return len;
}

static int output(struct pf_uhid_output *out, const uint8_t *report, size_t len)
{
	const uint8_t *body;
	uint8_t flags;
	bool stop;

	if (!pf_uhid_output_ok(report, len, 0x31))
		return -EPROTO;
	/* The kernel numbers its reports and has a byte of tag behind; SDL does not. */
	if (report[1] == 0x02)
		body = report + 2;
	else if (report[2] == 0x10)
		body = report + 3;
	else
		return -EPROTO;
	flags = body[0];
	/* A report that sets nothing is how SDL stops the motors. */
	stop = !(flags | body[1] | body[38]);
	out->rumble = stop || (flags & (OUTPUT_VIBRATION | OUTPUT_HAPTICS_OFF)) ||
		      (body[38] & OUTPUT_VIBRATION2);
	out->weak = stop ? 0 : body[2];
	out->strong = stop ? 0 : body[3];
	out->right = flags & OUTPUT_RIGHT_TRIGGER;
	memcpy(out->right_effect, body + 10, 11);
	out->left = flags & OUTPUT_LEFT_TRIGGER;
	memcpy(out->left_effect, body + 21, 11);
	out->led = body[1] & OUTPUT_LED;
	memcpy(out->rgb, body + 44, 3);
	out->player = body[1] & OUTPUT_PLAYER;
	out->players = body[43] & 0x1f;
	return 0;
}

const struct pf_uhid_model pf_uhid_dualsense = {
	.name = "DualSense Wireless Controller",
	.product = 0x0ce6,
	.descriptor = descriptor,
	.descriptor_len = sizeof(descriptor),
	.touch_height = 1080,
	.calibration = 0x05,
	.input = input,
	.stamp = stamp,
	.feature = feature,
	.output = output,
};
