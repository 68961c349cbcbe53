/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "core/wire/pf1_pads.h"
#include "tests/unit/hex.h"

#define SAMPLE(state, xy) state "00 " xy " " xy " 0080 ffff 2d 0e01 ffff 0000"
#define HALF		  "0000003f"

static int rich(struct pf_rich *out, const char *hex)
{
	uint8_t buf[512] = { 0 };

	return pf_rich_parse(out, buf, hex_bytes(hex, buf, sizeof(buf)));
}

static int hid(struct pf_hid *out, const char *hex)
{
	uint8_t buf[512] = { 0 };

	return pf_hid_parse(out, buf, hex_bytes(hex, buf, sizeof(buf)));
}

/* Parses, builds the same bytes, and refuses every shorter form unless `cut`. */
static struct pf_rich rich_layout(const char *hex, bool cut)
{
	uint8_t want[512] = { 0 }, got[512], *exact;
	size_t len = hex_bytes(hex, want, sizeof(want));
	struct pf_rich r;

	assert_int_equal(pf_rich_parse(&r, want, len), 0);
	assert_int_equal(pf_rich_build(&r, got, sizeof(got)), len);
	assert_memory_equal(got, want, len);
	assert_int_equal(pf_rich_build(&r, got, len - 1), -ENOBUFS);
	for (size_t n = 0; n < len && !cut; n++) {
		struct pf_rich none;

		exact = malloc(n ? n : 1);
		memcpy(exact, want, n);
		assert_int_equal(pf_rich_parse(&none, exact, n), -EPROTO);
		free(exact);
	}
	return r;
}

static void rich_layouts(void **state)
{
	struct pf_rich r = rich_layout("01 03 01 01 0080 ff7f", false);

	assert_int_equal(r.pad, 3);
	assert_int_equal(r.touchpad.finger, 1);
	assert_true(r.touchpad.active);
	assert_int_equal(r.touchpad.x, 0x8000);
	assert_int_equal(r.touchpad.y, 0x7fff);

	r = rich_layout("02 00 1400 ecff 0000 0000 1027 f0d8", false);
	assert_int_equal(r.motion.gyro[0], 20);
	assert_int_equal(r.motion.gyro[1], -20);
	assert_int_equal(r.motion.accel[1], 10000);
	assert_int_equal(r.motion.accel[2], -10000);

	r = rich_layout("03 0f 02 00 03 0080 ff7f 3412", false);
	assert_int_equal(r.pad, 15);
	assert_int_equal(r.ext.surface, 2);
	assert_true(r.ext.touch && r.ext.click);
	assert_int_equal(r.ext.x, -32768);
	assert_int_equal(r.ext.y, 32767);
	assert_int_equal(r.ext.pressure, 0x1234);

	r = rich_layout("04 01 03 31 02 03", true);
	assert_int_equal(r.raw.len, 3);
	assert_int_equal(r.raw.data[0], 0x31);

	r = rich_layout("05 00 01 0700 " SAMPLE("03", HALF), false);
	assert_int_equal(r.pen.seq, 7);
	assert_int_equal(r.pen.count, 1);
	assert_true(r.pen.samples[0].x == 0.5f);
	assert_int_equal(r.pen.samples[0].pressure, 0x8000);
	assert_int_equal(r.pen.samples[0].tilt, 45);
	assert_int_equal(r.pen.samples[0].azimuth, 270);

	/* Longer ones are taken by the prefix. */
	assert_int_equal(rich(&r, "01 03 01 00 0080 ff7f aabb"), 0);
	assert_int_equal(rich(&r, "01 10 01 01 0080 ff7f"), -EPROTO);
	assert_int_equal(rich(&r, "03 00 03 00 03 0080 ff7f 3412"), -EPROTO);
	assert_int_equal(rich(&r, "06 00 00 00 00 00 00 00"), -EPROTO);
	assert_int_equal(rich(&r, "00"), -EPROTO);
}

static void lengths_are_cut_to_what_arrived(void **state)
{
	uint8_t buf[300] = { 4, 0, 200 };
	struct pf_rich r;

	assert_int_equal(pf_rich_parse(&r, buf, 3 + 100), 0);
	assert_int_equal(r.raw.len, 64);
	assert_int_equal(pf_rich_parse(&r, buf, 3 + 5), 0);
	assert_int_equal(r.raw.len, 5);
	assert_int_equal(pf_rich_parse(&r, buf, 3), -EPROTO);

	/* Nine samples said, eight taken; two and a half arrived, two taken. */
	memset(buf, 0, sizeof(buf));
	buf[0] = 5;
	buf[2] = 9;
	assert_int_equal(pf_rich_parse(&r, buf, 5 + 9 * 21), 0);
	assert_int_equal(r.pen.count, 8);
	assert_int_equal(pf_rich_parse(&r, buf, 5 + 2 * 21 + 10), 0);
	assert_int_equal(r.pen.count, 2);
	assert_int_equal(pf_rich_parse(&r, buf, 5 + 20), -EPROTO);
	buf[2] = 0;
	assert_int_equal(pf_rich_parse(&r, buf, 5 + 21), -EPROTO);
}

static void a_pen_has_a_place_or_is_refused(void **state)
{
	struct pf_rich r;

	/* 2.0 and -1.0 come to the edge. */
	assert_int_equal(rich(&r, "05 00 01 0000 0100 00000040 000080bf 0000 ffff ff ffff ffff "
				  "0000"),
		0);
	assert_true(r.pen.samples[0].x == 1 && r.pen.samples[0].y == 0);
	/* One that is no number takes the good one with it. */
	assert_int_equal(
		rich(&r, "05 00 02 0000 " SAMPLE("01", HALF) SAMPLE("01", "0000c07f")), -EPROTO);
	assert_int_equal(rich(&r, "05 00 01 0000 " SAMPLE("01", "0000807f")), -EPROTO);
	assert_int_equal(rich(&r, "05 00 01 0000 " SAMPLE("80", "0000807f")), -EPROTO);
	/* Touching implies in range; angles that are none are unknown. */
	assert_int_equal(
		rich(&r, "05 00 01 0000 0200 " HALF HALF "0000 ffff 5b 6801 6801 0000"), 0);
	assert_int_equal(r.pen.samples[0].state, PF_PEN_IN_RANGE | PF_PEN_TOUCHING);
	assert_int_equal(r.pen.samples[0].tilt, PF_PEN_TILT_UNKNOWN);
	assert_int_equal(r.pen.samples[0].azimuth, PF_PEN_ANGLE_UNKNOWN);
	assert_int_equal(r.pen.samples[0].roll, PF_PEN_ANGLE_UNKNOWN);

	r.pen.samples[0].x = NAN;
	assert_int_equal(pf_rich_build(&r, (uint8_t[256]){ 0 }, 256), -EINVAL);
	r.pen.count = 9;
	assert_int_equal(pf_rich_build(&r, (uint8_t[256]){ 0 }, 256), -EINVAL);
}

static struct pf_hid hid_layout(const char *hex, size_t least)
{
	uint8_t want[128] = { 0 }, got[128], *exact;
	size_t len = hex_bytes(hex, want, sizeof(want));
	struct pf_hid h, none;

	assert_int_equal(pf_hid_parse(&h, want, len), 0);
	assert_int_equal(pf_hid_build(&h, got, sizeof(got)), len);
	assert_memory_equal(got, want, len);
	assert_int_equal(pf_hid_build(&h, got, len - 1), -ENOBUFS);
	for (size_t n = 0; n < least; n++) {
		exact = malloc(n ? n : 1);
		memcpy(exact, want, n);
		assert_int_equal(pf_hid_parse(&none, exact, n), -EPROTO);
		free(exact);
	}
	return h;
}

static void hid_layouts(void **state)
{
	struct pf_hid h = hid_layout("01 02 ff8001", 5);
	uint8_t raw[100] = { 5, 0, 0, 0x31 };

	assert_int_equal(h.pad, 2);
	assert_int_equal(h.led.g, 0x80);
	h = hid_layout("02 00 1f", 3);
	assert_int_equal(h.player, 0x1f);
	assert_int_equal(hid(&h, "02 00 ff"), 0);
	assert_int_equal(h.player, 0x1f);
	h = hid_layout("03 01 01 21 01 02 03 04 05 06 07 08 09 0a", 4);
	assert_int_equal(h.trigger.which, 1);
	assert_int_equal(h.trigger.len, 11);
	/* A short effect is one, an empty one is none, a long one is cut. */
	h = hid_layout("03 01 00 05", 4);
	assert_int_equal(h.trigger.len, 1);
	assert_int_equal(h.trigger.data[1], 0);
	assert_int_equal(hid(&h, "03 01 00 21 01 02 03 04 05 06 07 08 09 0a 0b 0c"), 0);
	assert_int_equal(h.trigger.len, 11);
	assert_int_equal(hid(&h, "03 01 02 05"), -EPROTO);
	hid_layout("04 01 01 1000 2000 3000", 9);
	h = hid_layout("05 00 01 31 02", 4);
	assert_int_equal(h.raw.kind, 1);
	assert_int_equal(h.raw.len, 2);
	assert_int_equal(pf_hid_parse(&h, raw, sizeof(raw)), 0);
	assert_int_equal(h.raw.len, 64);
	assert_int_equal(hid(&h, "05 00 02 31"), -EPROTO);
	h = hid_layout("06 0f00 03 010203040506", 10);
	assert_int_equal(h.pad, 15);
	assert_int_equal(h.audio.data[5], 6);
	assert_int_equal(hid(&h, "06 0f01 03 010203040506"), -EPROTO);
	assert_int_equal(hid(&h, "01 10 ff8001"), -EPROTO);
	assert_int_equal(hid(&h, "07 00 ff8001"), -EPROTO);
	h.kind = 7;
	assert_int_equal(pf_hid_build(&h, raw, sizeof(raw)), -EINVAL);
	h = (struct pf_hid){ .kind = PF_HID_LED, .pad = 16 };
	assert_int_equal(pf_hid_build(&h, raw, sizeof(raw)), -EINVAL);
}

static void snapshots(void **state)
{
	const struct pf_pad_snapshot s = {
		.pad = 3,
		.seq = 200,
		.buttons = 0x201000,
		.lx = -32768,
		.ly = 32767,
		.rx = -1,
		.ry = 1,
		.lt = 255,
		.rt = 7,
	};
	struct pf_pad_snapshot back;
	struct pf_dgram d;
	uint8_t buf[32], want[32] = { 0 };
	size_t len = hex_bytes("c8 0c 00102000 ff7f0080 0100ffff 0307ffc8", want, sizeof(want));

	pf_pad_snapshot_write(&d, &s);
	assert_int_equal(pf_dgram_build(&d, buf, sizeof(buf)), len);
	assert_memory_equal(buf, want, len);
	assert_int_equal(pf_dgram_parse(&d, want, len), 0);
	pf_pad_snapshot_read(&back, &d);
	assert_memory_equal(&back, &s, sizeof(s));
	d.input.kind = PF_INPUT_PAD_REMOVED;
	pf_pad_snapshot_read(&back, &d);
	assert_int_equal(back.seq, 200);
	assert_int_equal(back.pad, 3);
	assert_int_equal(back.buttons, 0);

	assert_true(pf_seq8_newer(1, 0));
	assert_true(pf_seq8_newer(0, 255));
	assert_true(pf_seq8_newer(127, 0));
	assert_false(pf_seq8_newer(0, 0));
	assert_false(pf_seq8_newer(128, 0));
	assert_false(pf_seq8_newer(255, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rich_layouts),
		cmocka_unit_test(lengths_are_cut_to_what_arrived),
		cmocka_unit_test(a_pen_has_a_place_or_is_refused),
		cmocka_unit_test(hid_layouts),
		cmocka_unit_test(snapshots),
	};

	return cmocka_run_group_tests_name("wire_pf1_pads", tests, NULL, NULL);
}
