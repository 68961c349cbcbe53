/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "clients/probe/pads.h"

static struct pf_pad_act act(const char *verb, const char *words)
{
	struct pf_pad_act a;

	assert_int_equal(pf_pads_parse(&a, verb, words), 0);
	return a;
}

static void lines(void **state)
{
	struct pf_pad_act a = act("pad", "3 arrive dualsense");

	assert_int_equal(a.what, PF_ACT_ARRIVE);
	assert_int_equal(a.pad, 3);
	assert_int_equal(a.gamepad, PUNKTFUNK_GAMEPAD_DUALSENSE);
	assert_int_equal(act("pad", "0 arrive 11").gamepad, 11);
	a = act("pad", "1 state 0x1001 1 255 -32768 32767 0 5");
	assert_int_equal(a.what, PF_ACT_STATE);
	assert_int_equal(a.state.buttons, 0x1001);
	assert_int_equal(a.state.right_trigger, 255);
	assert_int_equal(a.state.lx, -32768);
	assert_int_equal(a.state.ry, 5);
	assert_int_equal(act("pad", "1 state 0").state.buttons, 0);
	a = act("pad", "0 touch 1 0.5 1");
	assert_int_equal(a.touch.state, PUNKTFUNK_PAD_TOUCH_DOWN);
	assert_int_equal(a.touch.x, 32768);
	assert_int_equal(a.touch.y, 65535);
	assert_int_equal(act("pad", "0 lift 1").touch.state, 0);
	a = act("pad", "0 motion 1 -2.5 3 0 1 0");
	assert_true(a.motion.gyro_deg_s[1] == -2.5f && a.motion.accel_g[1] == 1);
	assert_int_equal(act("pad", "15 leave").what, PF_ACT_LEAVE);
	a = act("touch", "7 move 10 20");
	assert_int_equal(a.finger.kind, PUNKTFUNK_INPUT_TOUCH_MOVE);
	assert_int_equal(a.finger.code, 7);
	assert_int_equal(act("touch", "7 up").finger.kind, PUNKTFUNK_INPUT_TOUCH_UP);
	a = act("pen", "down 0.5 0.25 1 eraser");
	assert_int_equal(a.pen.state, PUNKTFUNK_PEN_IN_RANGE | PUNKTFUNK_PEN_TOUCHING);
	assert_int_equal(a.pen.tool, PUNKTFUNK_PEN_TOOL_ERASER);
	assert_int_equal(a.pen.pressure, 65535);
	assert_int_equal(act("pen", "out 0 0").pen.state, 0);
}

static void faulty_lines(void **state)
{
	static const char *const bad[][2] = {
		{ "pad", "" },
		{ "pad", "16 leave" },
		{ "pad", "0" },
		{ "pad", "0 leave now" },
		{ "pad", "0 arrive" },
		{ "pad", "0 arrive gamecube" },
		{ "pad", "0 arrive 256" },
		{ "pad", "0 state" },
		{ "pad", "0 state 1 2" },
		{ "pad", "0 state 1 256 0 0 0 0 0" },
		{ "pad", "0 state 1 0 0 0 0 0 0 0 0 0" },
		{ "pad", "0 touch 0 2 0" },
		{ "pad", "0 touch 0 nan 0" },
		{ "pad", "0 motion 0 0 0 0 0" },
		{ "pad", "x leave" },
		{ "touch", "1 down" },
		{ "touch", "1 up 1 1" },
		{ "touch", "1 hover 1 1" },
		{ "pen", "down 0" },
		{ "pen", "down 0 2" },
		{ "pen", "near 0 0" },
		{ "pen", "down 0 0 1 brush" },
	};
	struct pf_pad_act a;

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(pf_pads_parse(&a, bad[i][0], bad[i][1]), -EINVAL);
	assert_int_equal(pf_pads_parse(&a, "move", "1 2"), 1);
}

static void what_pads_were_told(void **state)
{
	struct pf_pads_heard h = { 0 };
	PunktfunkEvent e = {
		.type = PUNKTFUNK_EVENT_RUMBLE, .a = 1, .b = 500, .c = 6, .d = 7 << 16 | 8
	};
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	pf_pads_event(&h, &e);
	e.b = e.c = e.d = 0;
	pf_pads_event(&h, &e);
	e = (PunktfunkEvent){ .type = PUNKTFUNK_EVENT_PAD_LIGHT, .a = 1, .b = 0x0ac81e };
	pf_pads_event(&h, &e);
	e = (PunktfunkEvent){ .type = PUNKTFUNK_EVENT_PAD_TRIGGER,
		.a = 1,
		.b = 1,
		.data_size = 2,
		.data = { 0x21, 7 } };
	pf_pads_event(&h, &e);
	e.data_size = 12; /* nonsense */
	pf_pads_event(&h, &e);
	e.a = 16;
	pf_pads_event(&h, &e);
	pf_pads_json(&h, out);
	fclose(out);
	assert_string_equal(text,
		"[{\"pad\": 1, \"rumbles\": 2, \"rumble\": [0, 0, 0, 0], \"rumble_max\": [500, 6, "
		"7, "
		"8], \"light\": \"0ac81e\", \"player\": null, \"effect_l2\": null, \"effect_r2\": "
		"\"2107\", \"reports\": 0}]");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines),
		cmocka_unit_test(faulty_lines),
		cmocka_unit_test(what_pads_were_told),
	};

	return cmocka_run_group_tests_name("probe_pads", tests, NULL, NULL);
}
