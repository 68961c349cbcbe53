/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <string.h>
#include "core/wire/gs_control.h"
#include "core/wire/gs_input.h"
#include "tests/unit/hex.h"

/* Floats: 3f000000 = 0.5, 3e800000 = 0.25, 3f800000 = 1; little-endian below. */
#define HALF	"0000003f"
#define QUARTER "0000803e"
#define ONE	"0000803f"
#define TWO	"00000040"
#define MINUS	"000080bf"
#define NAN_	"0000c07f"
#define INF	"0000807f"

static int parse_hex(struct pf_gs_input *out, const char *hex)
{
	static uint8_t buf[512];

	return pf_gs_input_parse(out, buf, hex_bytes(hex, buf, sizeof(buf)));
}

static void check(const struct pf_gs_input *in, uint8_t channel, const char *hex)
{
	uint8_t want[512], got[512], again[512];
	size_t len = hex_bytes(hex, want, sizeof(want));
	struct pf_gs_input back;

	assert_int_equal(pf_gs_input_build(in, got, sizeof(got)), len);
	assert_memory_equal(got, want, len);
	for (size_t cap = 0; cap < len; cap++)
		assert_int_equal(pf_gs_input_build(in, got, cap), -ENOBUFS);
	assert_int_equal(pf_gs_input_parse(&back, want, len), 0);
	assert_int_equal(back.kind, in->kind);
	assert_int_equal(pf_gs_input_build(&back, again, sizeof(again)), len);
	assert_memory_equal(again, want, len);
	assert_int_equal(pf_gs_input_channel(in), channel);
	/* Cut; with a matching size too short for the type; with one byte too many. */
	for (size_t n = 0; n < len; n++)
		assert_int_equal(pf_gs_input_parse(&back, want, n), -EPROTO);
	if (in->kind == PF_GS_INPUT_TEXT)
		return;
	want[3]--;
	assert_int_equal(pf_gs_input_parse(&back, want, len - 1), -EPROTO);
	want[3] += 2;
	want[len] = 0;
	assert_int_equal(pf_gs_input_parse(&back, want, len + 1), -EPROTO);
	want[0] = 0xff;
	assert_int_equal(pf_gs_input_parse(&back, want, len), -EPROTO);
}

static void keyboard(void **state)
{
	struct pf_gs_input in = { .kind = PF_GS_INPUT_KEY,
		.key = { true, false, 0x41, PF_GS_MOD_SHIFT | PF_GS_MOD_META } };

	check(&in, PF_GS_CHANNEL_KEYBOARD, "0000000a 03000000 00 4180 09 0000");
	in.key.down = false;
	in.key.raw = true;
	check(&in, PF_GS_CHANNEL_KEYBOARD, "0000000a 04000000 01 4180 09 0000");
	/* Without the high byte it is the same key; bits that mean nothing are dropped. */
	assert_int_equal(parse_hex(&in, "0000000a 03000000 fe 4100 f2 ffff"), 0);
	assert_true(in.key.down && !in.key.raw);
	assert_int_equal(in.key.vk, 0x41);
	assert_int_equal(in.key.modifiers, PF_GS_MOD_CTRL);
}

static void mouse(void **state)
{
	struct pf_gs_input in = { .kind = PF_GS_INPUT_MOUSE_REL, .mouse_rel = { 1, -1 } };

	check(&in, PF_GS_CHANNEL_MOUSE, "00000008 07000000 0001 ffff");
	in = (struct pf_gs_input){ .kind = PF_GS_INPUT_MOUSE_ABS,
		.mouse_abs = { 640, 360, 1279, 719 } };
	check(&in, PF_GS_CHANNEL_MOUSE, "0000000e 05000000 0280 0168 0000 04ff 02cf");
	in = (struct pf_gs_input){ .kind = PF_GS_INPUT_BUTTON, .button = { true, 1 } };
	check(&in, PF_GS_CHANNEL_MOUSE, "00000005 08000000 01");
	in = (struct pf_gs_input){ .kind = PF_GS_INPUT_BUTTON, .button = { false, 5 } };
	check(&in, PF_GS_CHANNEL_MOUSE, "00000005 09000000 05");
	in = (struct pf_gs_input){ .kind = PF_GS_INPUT_SCROLL, .scroll = { -120 } };
	check(&in, PF_GS_CHANNEL_MOUSE, "0000000a 0a000000 ff88 ff88 0000");
	in = (struct pf_gs_input){ .kind = PF_GS_INPUT_HSCROLL, .scroll = { 7 } };
	check(&in, PF_GS_CHANNEL_MOUSE, "00000006 01000055 0007");

	/* Places beyond the edge, and planes without size. */
	assert_int_equal(parse_hex(&in, "0000000e 05000000 ffff 0300 0000 04ff 02cf"), 0);
	assert_int_equal(in.mouse_abs.x, 0);
	assert_int_equal(in.mouse_abs.y, 719);
	assert_int_equal(parse_hex(&in, "0000000e 05000000 0000 0000 0000 0000 02cf"), -EPROTO);
	assert_int_equal(parse_hex(&in, "0000000e 05000000 0000 0000 0000 04ff 0000"), -EPROTO);
	assert_int_equal(parse_hex(&in, "0000000e 05000000 0000 0000 0000 8000 02cf"), -EPROTO);
	assert_int_equal(parse_hex(&in, "00000005 08000000 00"), -EPROTO);
	assert_int_equal(parse_hex(&in, "00000005 08000000 06"), -EPROTO);
}

static void text(void **state)
{
	struct pf_gs_input in = { .kind = PF_GS_INPUT_TEXT, .text = { "\xe2\x82\xac", 3 } };
	static uint8_t buf[PF_GS_TEXT_MAX + 9];

	check(&in, PF_GS_CHANNEL_TEXT, "00000007 17000000 e282ac");
	assert_int_equal(parse_hex(&in, "00000004 17000000"), -EPROTO);
	assert_int_equal(parse_hex(&in, "00000006 17000000 e282"), -EPROTO);
	assert_int_equal(parse_hex(&in, "00000006 17000000 6100"), -EPROTO);
	memset(buf, 'a', sizeof(buf));
	memcpy(buf, "\0\0\1\4\x17\0\0\0", 8);
	assert_int_equal(pf_gs_input_parse(&in, buf, sizeof(buf) - 1), 0);
	assert_int_equal(in.text.len, PF_GS_TEXT_MAX);
	buf[3]++;
	assert_int_equal(pf_gs_input_parse(&in, buf, sizeof(buf)), -EPROTO);
}

static void touch(void **state)
{
	struct pf_gs_input in = { .kind = PF_GS_INPUT_TOUCH,
		.touch = { PF_GS_TOUCH_DOWN, 90, 7, 0.5f, 0.25f, 1, 0.25f, 0.5f } };

	check(&in, PF_GS_CHANNEL_TOUCH,
		"00000020 02000055 01 00 5a00 07000000" HALF QUARTER ONE QUARTER HALF);
	assert_int_equal(
		parse_hex(&in, "00000020 02000055 03 ff 6801 07000000" TWO MINUS MINUS TWO TWO), 0);
	assert_true(in.touch.x == 1 && in.touch.y == 0 && in.touch.pressure == 0 &&
		    in.touch.major == 1 && in.touch.minor == 1);
	assert_int_equal(in.touch.rotation_deg, PF_GS_ROTATION_UNKNOWN);
	assert_int_equal(
		parse_hex(&in, "00000020 02000055 08 00 0000 07000000" HALF HALF HALF HALF HALF),
		-EPROTO);
	assert_int_equal(
		parse_hex(&in, "00000020 02000055 01 00 0000 07000000" NAN_ HALF HALF HALF HALF),
		-EPROTO);
	assert_int_equal(
		parse_hex(&in, "00000020 02000055 01 00 0000 07000000" HALF INF HALF HALF HALF),
		-EPROTO);
	assert_int_equal(
		parse_hex(&in, "00000020 02000055 01 00 0000 07000000" HALF HALF NAN_ HALF HALF),
		-EPROTO);
	assert_int_equal(
		parse_hex(&in, "00000020 02000055 01 00 0000 07000000" HALF HALF HALF NAN_ HALF),
		-EPROTO);
	assert_int_equal(
		parse_hex(&in, "00000020 02000055 01 00 0000 07000000" HALF HALF HALF HALF NAN_),
		-EPROTO);
}

static void pen(void **state)
{
	struct pf_gs_input in = { .kind = PF_GS_INPUT_PEN,
		.pen = { PF_GS_TOUCH_MOVE, PF_GS_TOOL_ERASER, 5, 0.5f, 0.25f, 1,
			PF_GS_ROTATION_UNKNOWN, 90, 0.25f, 0.5f } };

	check(&in, PF_GS_CHANNEL_PEN,
		"00000020 03000055 03 02 05 00" HALF QUARTER ONE "ffff 5a 00" QUARTER HALF);
	/* An unknown tool, other buttons, a tilt beyond the horizon. */
	assert_int_equal(parse_hex(&in, "00000020 03000055 03 09 f9 00" HALF QUARTER TWO
					"0000 5b 00" QUARTER HALF),
		0);
	assert_int_equal(in.pen.tool, PF_GS_TOOL_UNKNOWN);
	assert_int_equal(in.pen.buttons, 1);
	assert_int_equal(in.pen.tilt_deg, PF_GS_TILT_UNKNOWN);
	assert_int_equal(in.pen.rotation_deg, 0);
	assert_true(in.pen.pressure == 1);
	assert_int_equal(parse_hex(&in, "00000020 03000055 03 01 00 00" HALF NAN_ HALF
					"0000 00 00" QUARTER HALF),
		-EPROTO);
	assert_int_equal(parse_hex(&in, "00000020 03000055 08 01 00 00" HALF HALF HALF
					"0000 00 00" QUARTER HALF),
		-EPROTO);
}

static void pads(void **state)
{
	struct pf_gs_input in = { .kind = PF_GS_INPUT_PAD_STATE,
		.pad_state = { 2, 0x0005, PF_GS_PAD_A | PF_GS_PAD_TOUCHPAD, 0xff, 1, -32768, 32767,
			1, -2 } };

	check(&in, PF_GS_CHANNEL_PAD + 2,
		"0000001e 0c000000 1a00 0200 0500 1400 0010 ff 01 0080 ff7f 0100 feff 9c00 1000"
		"5500");
	in = (struct pf_gs_input){ .kind = PF_GS_INPUT_PAD_ARRIVAL,
		.pad_arrival = { 15, PF_GS_PAD_TYPE_STEAM, 0x01ff, 0x003ff7ff } };
	check(&in, PF_GS_CHANNEL_PAD + 15, "0000000c 04000055 0f 04 ff01 fff73f00");
	in = (struct pf_gs_input){ .kind = PF_GS_INPUT_PAD_TOUCH,
		.pad_touch = { 1, PF_GS_TOUCH_UP, 1, 0x01020304, 0.5f, 0.25f, 1 } };
	check(&in, PF_GS_CHANNEL_PAD + 1,
		"00000018 05000055 01 02 00 01 04030201" HALF QUARTER ONE);
	in = (struct pf_gs_input){ .kind = PF_GS_INPUT_PAD_MOTION,
		.pad_motion = { 3, PF_GS_MOTION_GYRO, 2, -1, 0.5f } };
	check(&in, PF_GS_CHANNEL_SENSOR + 3, "00000014 06000055 03 02 0000" TWO MINUS HALF);
	in = (struct pf_gs_input){ .kind = PF_GS_INPUT_PAD_BATTERY,
		.pad_battery = { 0, PF_GS_BATTERY_FULL, 100 } };
	check(&in, PF_GS_CHANNEL_PAD, "00000008 07000055 00 05 64 00");
	in.pad_battery.percent = PF_GS_PERCENT_UNKNOWN;
	check(&in, PF_GS_CHANNEL_PAD, "00000008 07000055 00 05 ff 00");
	in = (struct pf_gs_input){ .kind = PF_GS_INPUT_HAPTICS, .haptics = { true } };
	check(&in, PF_GS_CHANNEL_GENERIC, "00000006 0d000000 0100");
}

static void pads_out_of_bounds(void **state)
{
	struct pf_gs_input in = { .kind = PF_GS_INPUT_KEY };
	static const char *const bad[] = {
		/* Pad 16, 256 and -1. */
		"0000001e 0c000000 1a00 1000 0500 1400 0010 ff 01 0080 ff7f 0100 feff 9c00 1000"
		"5500",
		"0000001e 0c000000 1a00 0001 0500 1400 0010 ff 01 0080 ff7f 0100 feff 9c00 1000"
		"5500",
		"0000001e 0c000000 1a00 ffff 0500 1400 0010 ff 01 0080 ff7f 0100 feff 9c00 1000"
		"5500",
		"0000000c 04000055 10 04 ff01 fff73f00",
		"00000018 05000055 10 02 00 01 04030201" HALF QUARTER ONE,
		"00000014 06000055 10 02 0000" TWO MINUS HALF,
		"00000008 07000055 10 05 64 00",
		/* Event, touchpad, motion type, battery state and percentage. */
		"00000018 05000055 01 08 00 01 04030201" HALF QUARTER ONE,
		"00000018 05000055 01 02 00 02 04030201" HALF QUARTER ONE,
		"00000014 06000055 03 00 0000" TWO MINUS HALF,
		"00000014 06000055 03 03 0000" TWO MINUS HALF,
		"00000008 07000055 00 06 64 00",
		"00000008 07000055 00 05 65 00",
		/* Numbers that are none. */
		"00000018 05000055 01 02 00 01 04030201" NAN_ QUARTER ONE,
		"00000018 05000055 01 02 00 01 04030201" HALF QUARTER INF,
		"00000014 06000055 03 02 0000" NAN_ MINUS HALF,
		"00000014 06000055 03 02 0000" TWO INF HALF,
		"00000014 06000055 03 02 0000" TWO MINUS NAN_,
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(parse_hex(&in, bad[i]), -EPROTO);
	assert_int_equal(in.kind, PF_GS_INPUT_KEY);
}

static void unknown_magics_are_told_apart(void **state)
{
	struct pf_gs_input in;

	assert_int_equal(parse_hex(&in, "00000008 06000000 00000000"), -ENOTSUP);
	assert_int_equal(parse_hex(&in, "00000004 08000055"), -ENOTSUP);
	assert_int_equal(parse_hex(&in, "00000004 18000000"), -ENOTSUP);
	assert_int_equal(parse_hex(&in, "00000005 08000055"), -EPROTO);
	assert_int_equal(parse_hex(&in, "00000000 0300"), -EPROTO);
	assert_int_equal(parse_hex(&in, "fffffffc"), -EPROTO);
}

static void build_refuses_what_parse_would_change(void **state)
{
	uint8_t buf[64];
	struct pf_gs_input bad[] = {
		{ .kind = PF_GS_INPUT_KEY, .key = { .modifiers = 0x10 } },
		{ .kind = PF_GS_INPUT_MOUSE_ABS, .mouse_abs = { 5, 0, 4, 4 } },
		{ .kind = PF_GS_INPUT_TOUCH, .touch = { .x = 1.5f } },
		{ .kind = PF_GS_INPUT_TOUCH, .touch = { .rotation_deg = 360 } },
		{ .kind = PF_GS_INPUT_PEN, .pen = { .tilt_deg = 91 } },
		{ .kind = PF_GS_INPUT_PEN, .pen = { .x = NAN } },
		{ .kind = PF_GS_INPUT_PAD_STATE, .pad_state = { .pad = 16 } },
		{ .kind = PF_GS_INPUT_TEXT, .text = { "", 0 } },
		{ .kind = PF_GS_INPUT_KINDS },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(pf_gs_input_build(&bad[i], buf, sizeof(buf)), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keyboard),
		cmocka_unit_test(mouse),
		cmocka_unit_test(text),
		cmocka_unit_test(touch),
		cmocka_unit_test(pen),
		cmocka_unit_test(pads),
		cmocka_unit_test(pads_out_of_bounds),
		cmocka_unit_test(unknown_magics_are_told_apart),
		cmocka_unit_test(build_refuses_what_parse_would_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
