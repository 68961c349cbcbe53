/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The DualShock 4 (second version) on Bluetooth: reports 0x11. Kernels to 6.1 drive it
 * by hid-sony, which takes sticks and buttons from the descriptor's usages too; later
 * ones by hid-playstation. What is called `body` is the same on USB. */
#include <errno.h>
#include <string.h>
#include "host/pads/uhid.h"

enum {
	OUTPUT_MOTORS = 1,
	OUTPUT_LED = 2,
	STATUS_CABLE = 0x10,
	STATUS_FULL = 11, /* with the cable in */
};

/* clang-format off */
static const uint8_t descriptor[] = {
	0x05, 0x01, /* generic desktop */
	0x09, 0x05, /* gamepad */
	0xa1, 0x01, /* application */
	0x85, 0x11, /* report 0x11 */
	0x15, 0x00, /* from 0 */
	0x26, 0xff, 0x00, /* to 255 */
	0x75, 0x08, /* bytes */
	0x06, 0x00, 0xff, /* vendor */
	0x09, 0x20, /* flags */
	0x95, 0x02, /* 2 */
	0x81, 0x02, /* data */
	0x05, 0x01, /* generic desktop */
	0x09, 0x30, /* X: left stick */
	0x09, 0x31, /* Y */
	0x09, 0x32, /* Z: right stick */
	0x09, 0x35, /* Rz */
	0x95, 0x04, /* 4 */
	0x81, 0x02, /* data */
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
	0x29, 0x0e, /* to 14 */
	0x25, 0x01, /* to 1 */
	0x75, 0x01, /* bit */
	0x95, 0x0e, /* 14 */
	0x81, 0x02, /* data */
	0x06, 0x00, 0xff, /* vendor */
	0x09, 0x21, /* counter */
	0x25, 0x3f, /* to 63 */
	0x75, 0x06, /* bits */
	0x95, 0x01, /* one */
	0x81, 0x02, /* data */
	0x05, 0x01, /* generic desktop */
	0x26, 0xff, 0x00, /* to 255 */
	0x75, 0x08, /* bytes */
	0x09, 0x33, /* Rx: left trigger */
	0x09, 0x34, /* Ry: right trigger */
	0x95, 0x02, /* 2 */
	0x81, 0x02, /* data */
	0x06, 0x00, 0xff, /* vendor */
	0x09, 0x22, /* motion, battery, fingers, checksum */
	0x95, 0x42, /* 66 */
	0x81, 0x02, /* data */
	0x09, 0x23, /* motors, light bar, checksum */
	0x95, 0x4d, /* 77 */
	0x91, 0x02, /* output */
	0x85, 0x02, /* report 0x02 */
	0x09, 0x24, /* calibration as on USB */
	0x95, 0x24, /* 36 */
	0xb1, 0x02, /* feature */
	0x85, 0x05, /* report 0x05 */
	0x09, 0x25, /* calibration */
	0x95, 0x28, /* 40 */
	0xb1, 0x02, /* feature */
	0x85, 0xa3, /* report 0xa3 */
	0x09, 0x26, /* versions */
	0x95, 0x30, /* 48 */
	0xb1, 0x02, /* feature */
	0xc0,
};
/* clang-format on */

static const struct {
	uint32_t button;
	uint8_t byte, bit;
} buttons[] = {
	{ PF_PAD_X, 4, 0x10 }, /* square */
	{ PF_PAD_A, 4, 0x20 }, /* cross */
	{ PF_PAD_B, 4, 0x40 }, /* circle */
	{ PF_PAD_Y, 4, 0x80 }, /* triangle */
	{ PF_PAD_LB, 5, 0x01 },
	{ PF_PAD_RB, 5, 0x02 },
	{ PF_PAD_BACK, 5, 0x10 },  /* share */
	{ PF_PAD_START, 5, 0x20 }, /* options */
	{ PF_PAD_L3, 5, 0x40 },
	{ PF_PAD_R3, 5, 0x80 },
	{ PF_PAD_GUIDE, 6, 0x01 },
	{ PF_PAD_TOUCHPAD, 6, 0x02 },
};

/* A plugged pad that does not charge is shown as one that is not plugged: that
 * state of the report means a fault and hides the level. */
static uint8_t battery(const struct pf_uhid_state *s)
{
	uint8_t level = s->percent / 10;

	if (s->battery == PF_PAD_BATTERY_FULL || s->percent > 100)
		return STATUS_CABLE | STATUS_FULL;
	if (s->battery == PF_PAD_BATTERY_CHARGING)
		return STATUS_CABLE | level;
	return level;
}

static void input(uint8_t report[PF_UHID_REPORT_BYTES], const struct pf_uhid_state *s)
{
	const struct pf_pad_state *p = &s->pad;
	uint8_t *body = report + 3;

	report[0] = 0x11;
	report[1] = 0xc0; /* a state with a checksum */
	body[0] = pf_uhid_axis(p->lx, false);
	body[1] = pf_uhid_axis(p->ly, true);
	body[2] = pf_uhid_axis(p->rx, false);
	body[3] = pf_uhid_axis(p->ry, true);
	body[4] = pf_uhid_hat(p->buttons);
	for (size_t i = 0; i < sizeof(buttons) / sizeof(buttons[0]); i++)
		if (p->buttons & buttons[i].button)
			body[buttons[i].byte] |= buttons[i].bit;
	body[5] |= (p->lt ? 0x04 : 0) | (p->rt ? 0x08 : 0);
	body[7] = p->lt;
	body[8] = p->rt;
	for (int i = 0; i < 3; i++) {
		pf_uhid_put16(body + 12 + 2 * i, (uint16_t)s->gyro[i]);
		pf_uhid_put16(body + 18 + 2 * i, (uint16_t)s->accel[i]);
	}
	body[29] = battery(s);
	body[32] = 1; /* one set of fingers follows */
	for (int i = 0; i < 2; i++)
		pf_uhid_put_finger(body + 34 + 4 * i, &s->fingers[i]);
}

static void stamp(uint8_t report[PF_UHID_REPORT_BYTES], uint32_t seq, uint64_t age_ns)
{
	uint8_t *body = report + 3;

	body[6] = (uint8_t)((body[6] & 0x03) | seq << 2);
	pf_uhid_put16(body + 9, (uint16_t)(age_ns * 3 / 16000)); /* 16/3 us */
	body[33] = (uint8_t)(age_ns / 1000000);
}

/* On USB plus and minus of an axis are together, here all plus come first. */
static void calibration(uint8_t out[PF_UHID_FEATURE_BYTES], bool usb)
{
	enum { TURN = PF_UHID_GYRO_SPEED * PF_UHID_GYRO_PER_DEG_S };

	for (int i = 0; i < 3; i++) {
		pf_uhid_put16(out + 7 + (usb ? 4 : 2) * i, TURN);
		pf_uhid_put16(out + (usb ? 9 + 4 * i : 13 + 2 * i), (uint16_t)-TURN);
		pf_uhid_put16(out + 23 + 4 * i, PF_UHID_ACCEL_PER_G);
		pf_uhid_put16(out + 25 + 4 * i, (uint16_t)-PF_UHID_ACCEL_PER_G);
	}
	pf_uhid_put16(out + 19, PF_UHID_GYRO_SPEED);
	pf_uhid_put16(out + 21, PF_UHID_GYRO_SPEED);
}

/* The address is the device's HID_UNIQ: an answer to 0x12, which has it on USB, makes
 * SDL take the pad for one on USB. */
static size_t feature(uint8_t out[PF_UHID_FEATURE_BYTES], uint8_t id, const uint8_t mac[6])
{
	out[0] = id;
	switch (id) {
	case 0x02:
		calibration(out, true);
		return 37;
	case 0x05:
		calibration(out, false);
		pf_uhid_put32(out + 37, pf_uhid_crc(0xa3, out, 37));
		return 41;
	case 0xa3:
		pf_uhid_put16(out + 35, 0x0100); /* hardware */
		pf_uhid_put16(out + 41, 0x0100); /* firmware */
		return 49;
	default:
		return 0;
	}
}

static int output(struct pf_uhid_output *out, const uint8_t *report, size_t len)
{
	if (!pf_uhid_output_ok(report, len, 0x11))
		return -EPROTO;
	out->rumble = report[3] & OUTPUT_MOTORS;
	out->weak = report[6];
	out->strong = report[7];
	out->led = report[3] & OUTPUT_LED;
	memcpy(out->rgb, report + 8, 3);
	return 0;
}

const struct pf_uhid_model pf_uhid_ds4 = {
	.name = "Wireless Controller",
	.product = 0x09cc,
	.descriptor = descriptor,
	.descriptor_len = sizeof(descriptor),
	.touch_height = 942,
	.calibration = 0x05,
	.input = input,
	.stamp = stamp,
	.feature = feature,
	.output = output,
};
