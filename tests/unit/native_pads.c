/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include "core/wire/pf1_handshake.h"
#include "host/native/pads.h"
#include "host/registry/config.h"

#define MS(n) ((uint64_t)(n)*1000000)
#define BOTH  (PF_PADS_CAN_UINPUT | PF_PADS_CAN_UHID)

static struct {
	struct pf_pad_event ev[64];
	unsigned count, at;
	struct pf_input_event pointer[16];
	unsigned points;
	unsigned agains;
	int busy; /* what post answers */
} got;

static int post(void *user, const struct pf_pad_event *ev)
{
	if (got.busy)
		return got.busy;
	assert_true(got.count < 64);
	got.ev[got.count++] = *ev;
	return 0;
}

static void pointer(void *user, const struct pf_input_event *ev)
{
	assert_true(got.points < 16);
	got.pointer[got.points++] = *ev;
}

static void again(void *user, unsigned pad)
{
	got.agains++;
}

static struct pf_native_pads fresh(void)
{
	memset(&got, 0, sizeof(got));
	return (struct pf_native_pads){
		.can = BOTH, .screen = true, .post = post, .pointer = pointer, .again = again
	};
}

static const struct pf_pad_event *next(enum pf_pad_event_kind kind)
{
	assert_true(got.at < got.count);
	assert_int_equal(got.ev[got.at].kind, kind);
	return &got.ev[got.at++];
}

static void no_more(void)
{
	assert_int_equal(got.at, got.count);
}

static void snapshot(
	struct pf_native_pads *p, uint8_t pad, uint8_t seq, uint32_t buttons, uint64_t t)
{
	const struct pf_input_event ev = {
		.kind = PF_INPUT_PAD_SNAPSHOT, .code = buttons, .flags = (uint32_t)seq << 24 | pad
	};

	pf_native_pads_input(p, &ev, t);
}

static void input(struct pf_native_pads *p, uint8_t kind, uint32_t code, int32_t x, uint32_t flags)
{
	const struct pf_input_event ev = { .kind = kind, .code = code, .x = x, .flags = flags };

	pf_native_pads_input(p, &ev, MS(1));
}

static void each_kind_has_its_nearest(void **state)
{
	static const enum pf_pad_kind want[] = {
		[PF_GAMEPAD_AUTO] = PF_PAD_XBOX_360,
		[PF_GAMEPAD_XBOX_360] = PF_PAD_XBOX_360,
		[PF_GAMEPAD_DUALSENSE] = PF_PAD_DUALSENSE,
		[PF_GAMEPAD_XBOX_ONE] = PF_PAD_XBOX_ONE,
		[PF_GAMEPAD_DUALSHOCK4] = PF_PAD_DUALSHOCK4,
		[PF_GAMEPAD_STEAM_CONTROLLER] = PF_PAD_DUALSENSE,
		[PF_GAMEPAD_STEAM_DECK] = PF_PAD_DUALSENSE,
		[PF_GAMEPAD_DUALSENSE_EDGE] = PF_PAD_DUALSENSE,
		[PF_GAMEPAD_SWITCH_PRO] = PF_PAD_DUALSENSE,
		[PF_GAMEPAD_STEAM_CONTROLLER2] = PF_PAD_DUALSENSE,
		[PF_GAMEPAD_STEAM_CONTROLLER2_DONGLE] = PF_PAD_DUALSENSE,
		[PF_GAMEPAD_XBOX_ELITE] = PF_PAD_XBOX_ONE,
		[12] = PF_PAD_XBOX_360,
		[PF_GAMEPAD_HORIPAD_STEAM] = PF_PAD_DUALSENSE,
		[PF_GAMEPAD_SWITCH2_PRO] = PF_PAD_DUALSENSE,
		[PF_GAMEPAD_SWITCH2_GAMECUBE] = PF_PAD_XBOX_360,
	};

	for (unsigned i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		if (want[i] || i < 2)
			assert_int_equal(
				pf_native_pads_kind(PF_CONFIG_GAMEPAD_AUTO, BOTH, (uint8_t)i),
				want[i]);
	assert_int_equal(pf_native_pads_kind(PF_CONFIG_GAMEPAD_AUTO, BOTH, 255), PF_PAD_XBOX_360);
	/* The setting comes first, and what cannot be made last. */
	assert_int_equal(
		pf_native_pads_kind(PF_CONFIG_GAMEPAD_DUALSHOCK4, BOTH, 1), PF_PAD_DUALSHOCK4);
	assert_int_equal(pf_native_pads_kind(PF_CONFIG_GAMEPAD_AUTO, PF_PADS_CAN_UINPUT, 2),
		PF_PAD_XBOX_ONE);
	assert_int_equal(
		pf_native_pads_kind(PF_CONFIG_GAMEPAD_AUTO, PF_PADS_CAN_UHID, 1), PF_PAD_DUALSENSE);
	assert_int_equal(pf_native_pads_wire_kind(PF_PAD_DUALSHOCK4), PF_GAMEPAD_DUALSHOCK4);
	assert_int_equal(pf_native_pads_caps(BOTH, true), 0x11);
	assert_int_equal(pf_native_pads_caps(BOTH, false), 0x01);
	assert_int_equal(pf_native_pads_caps(PF_PADS_CAN_UHID, true), 0x01);
	assert_int_equal(pf_native_pads_caps(0, true), 0x01);
}

static void old_snapshots_are_dropped(void **state)
{
	struct pf_native_pads p = fresh();

	snapshot(&p, 3, 200, 1, MS(1)); /* the first applies, whatever its number */
	assert_int_equal(next(PF_PAD_ARRIVE)->arrive, PF_PAD_XBOX_360);
	assert_int_equal(next(PF_PAD_STATE)->state.buttons, 1);
	snapshot(&p, 3, 200, 2, MS(1));
	snapshot(&p, 3, 199, 2, MS(1));
	snapshot(&p, 3, 72, 2, MS(1)); /* 128 on: as old as new */
	no_more();
	snapshot(&p, 3, 71, 4, MS(1));
	assert_int_equal(next(PF_PAD_STATE)->state.buttons, 4);
	/* Removal shares the numbers, and they outlive it. */
	input(&p, PF_INPUT_PAD_REMOVED, 0, 0, 71u << 24 | 3);
	no_more();
	input(&p, PF_INPUT_PAD_REMOVED, 0, 0, 72u << 24 | 3);
	assert_int_equal(next(PF_PAD_LEAVE)->pad, 3);
	snapshot(&p, 3, 72, 4, MS(1));
	no_more();
	snapshot(&p, 3, 73, 4, MS(1));
	next(PF_PAD_ARRIVE);
	next(PF_PAD_STATE);
	no_more();
	snapshot(&p, 16, 1, 4, MS(1));
	no_more();
}

static void arrivals_name_the_kind(void **state)
{
	struct pf_native_pads p = fresh();

	p.session_kind = PF_GAMEPAD_XBOX_ONE;
	for (unsigned i = 0; i < 3; i++)
		input(&p, PF_INPUT_PAD_ARRIVED, PF_GAMEPAD_DUALSENSE, 0, 0x301);
	no_more(); /* a pad is there from its first state on */
	snapshot(&p, 1, 1, 0, MS(1));
	assert_int_equal(next(PF_PAD_ARRIVE)->arrive, PF_PAD_DUALSENSE);
	next(PF_PAD_STATE);
	input(&p, PF_INPUT_PAD_ARRIVED, PF_GAMEPAD_DUALSENSE, 0, 1);
	no_more();
	/* It came after the state: the pad becomes what it is. */
	snapshot(&p, 2, 1, 0, MS(1));
	assert_int_equal(next(PF_PAD_ARRIVE)->arrive, PF_PAD_XBOX_ONE);
	next(PF_PAD_STATE);
	input(&p, PF_INPUT_PAD_ARRIVED, PF_GAMEPAD_DUALSHOCK4, 0, 2);
	assert_int_equal(next(PF_PAD_ARRIVE)->arrive, PF_PAD_DUALSHOCK4);
	no_more();
}

static void single_changes_add_up(void **state)
{
	struct pf_native_pads p = fresh();
	const struct pf_pad_state *s;

	input(&p, PF_INPUT_PAD_BUTTON, 0x1000, 1, 0);
	next(PF_PAD_ARRIVE);
	next(PF_PAD_STATE);
	input(&p, PF_INPUT_PAD_BUTTON, 0x80000001, 1, 0);
	next(PF_PAD_STATE);
	input(&p, PF_INPUT_PAD_AXIS, 1, 99999, 0);
	next(PF_PAD_STATE);
	input(&p, PF_INPUT_PAD_AXIS, 2, -99999, 0);
	next(PF_PAD_STATE);
	input(&p, PF_INPUT_PAD_AXIS, 4, 999, 0);
	next(PF_PAD_STATE);
	input(&p, PF_INPUT_PAD_AXIS, 6, 1, 0);
	no_more();
	input(&p, PF_INPUT_PAD_BUTTON, 0x1000, 0, 0);
	s = &next(PF_PAD_STATE)->state;
	assert_int_equal(s->buttons, 1);
	assert_int_equal(s->ly, 32767);
	assert_int_equal(s->rx, -32768);
	assert_int_equal(s->lt, 255);
}

static void pads_of_a_session_before_stay_or_go(void **state)
{
	struct pf_native_pads p = fresh();

	p.there = 0x0007;
	snapshot(&p, 0, 5, 1, MS(1000));
	next(PF_PAD_STATE); /* of the kind that it is */
	assert_int_equal(got.agains, 1);
	input(&p, PF_INPUT_PAD_ARRIVED, PF_GAMEPAD_DUALSENSE, 0, 0);
	assert_int_equal(next(PF_PAD_ARRIVE)->arrive, PF_PAD_DUALSENSE);
	assert_int_equal(pf_native_pads_listening(&p), 1);
	/* This client plays no more of them after a while. */
	snapshot(&p, 1, 5, 1, MS(2000));
	next(PF_PAD_STATE);
	snapshot(&p, 0, 6, 1, MS(3000));
	next(PF_PAD_STATE);
	assert_int_equal(next(PF_PAD_LEAVE)->pad, 2);
	no_more();
	assert_int_equal(p.there, 3);
	/* A leave that found the devices busy comes again. */
	got.busy = -EAGAIN;
	input(&p, PF_INPUT_PAD_REMOVED, 0, 0, 6u << 24 | 1);
	got.busy = 0;
	no_more();
	snapshot(&p, 0, 7, 1, MS(3001));
	assert_int_equal(next(PF_PAD_LEAVE)->pad, 1);
	next(PF_PAD_STATE);
	pf_native_pads_revoke(&p);
	assert_int_equal(next(PF_PAD_LEAVE)->pad, 0);
	no_more();
	assert_int_equal(p.there, 0);
}

static struct pf_rich ext(uint8_t surface, uint8_t finger, bool touch, bool click)
{
	struct pf_rich r;

	memset(&r, 0, sizeof(r));
	r.kind = PF_RICH_TOUCHPAD_EXT;
	r.ext.surface = surface;
	r.ext.finger = finger;
	r.ext.touch = touch;
	r.ext.click = click;
	return r;
}

static void surfaces_and_sensors(void **state)
{
	struct pf_native_pads p = fresh();
	struct pf_rich r = { .kind = PF_RICH_TOUCHPAD,
		.touchpad = { .finger = 1, .active = true, .x = 65535, .y = 0 } };
	const struct pf_pad_event *ev;

	pf_native_pads_rich(&p, &r, MS(1));
	no_more(); /* no pad */
	snapshot(&p, 0, 1, 0x1000, MS(1));
	got.at = got.count;
	pf_native_pads_rich(&p, &r, MS(1));
	ev = next(PF_PAD_TOUCH);
	assert_int_equal(ev->touch.touch.phase, PF_TOUCH_DOWN);
	assert_true(ev->touch.touch.x == 1 && ev->touch.touch.y == 0);
	pf_native_pads_rich(&p, &r, MS(1));
	assert_int_equal(next(PF_PAD_TOUCH)->touch.touch.phase, PF_TOUCH_MOVE);
	r.touchpad.active = false;
	pf_native_pads_rich(&p, &r, MS(1));
	assert_int_equal(next(PF_PAD_TOUCH)->touch.touch.phase, PF_TOUCH_UP);
	pf_native_pads_rich(&p, &r, MS(1));
	r.touchpad.finger = 8;
	r.touchpad.active = true;
	pf_native_pads_rich(&p, &r, MS(1));
	no_more();

	/* Two fingers click: the button stays until both let go. */
	r = ext(1, 0, true, true);
	pf_native_pads_rich(&p, &r, MS(1));
	ev = next(PF_PAD_TOUCH);
	assert_in_range((int)(ev->touch.touch.x * 1000), 249, 251); /* middle of the left half */
	assert_int_equal(next(PF_PAD_STATE)->state.buttons, 0x101000);
	r = ext(2, 0, true, true);
	pf_native_pads_rich(&p, &r, MS(1));
	ev = next(PF_PAD_TOUCH);
	assert_in_range((int)(ev->touch.touch.x * 1000), 749, 751);
	r = ext(1, 0, true, false);
	pf_native_pads_rich(&p, &r, MS(1));
	next(PF_PAD_TOUCH);
	no_more();
	r = ext(2, 0, false, false);
	pf_native_pads_rich(&p, &r, MS(1));
	assert_int_equal(next(PF_PAD_TOUCH)->touch.touch.phase, PF_TOUCH_UP);
	assert_int_equal(next(PF_PAD_STATE)->state.buttons, 0x1000);

	r = (struct pf_rich){ .kind = PF_RICH_MOTION,
		.motion = { .gyro = { 20, -40, 0 }, .accel = { 0, 10000, 0 } } };
	pf_native_pads_rich(&p, &r, MS(1));
	ev = next(PF_PAD_MOTION);
	assert_true(ev->motion.gyro && ev->motion.x == 1 && ev->motion.y == -2);
	ev = next(PF_PAD_MOTION);
	assert_true(!ev->motion.gyro && ev->motion.y > 9.8f && ev->motion.y < 9.81f);
	r = (struct pf_rich){ .kind = PF_RICH_RAW, .raw = { .len = 1 } };
	pf_native_pads_rich(&p, &r, MS(1));
	no_more();
}

static void pen(struct pf_native_pads *p, uint16_t seq, uint8_t state, uint8_t tool, uint64_t t)
{
	struct pf_rich r;

	memset(&r, 0, sizeof(r));
	r.kind = PF_RICH_PEN;
	r.pen.seq = seq;
	r.pen.count = 1;
	r.pen.samples[0].state = state;
	r.pen.samples[0].tool = tool;
	r.pen.samples[0].pressure = 65535;
	r.pen.samples[0].tilt = PF_PEN_TILT_UNKNOWN;
	r.pen.samples[0].azimuth = 90;
	pf_native_pads_rich(p, &r, t);
}

static void a_pen_has_numbers_and_an_end(void **state)
{
	struct pf_native_pads p = fresh();
	const uint8_t in = PF_PEN_IN_RANGE, down = PF_PEN_IN_RANGE | PF_PEN_TOUCHING;
	const struct pf_pad_event *ev;

	pen(&p, 65535, in, 0, MS(1000));
	ev = next(PF_PAD_PEN);
	assert_int_equal(ev->pen.phase, PF_TOUCH_HOVER);
	assert_int_equal(ev->pen.tilt_deg, -1);
	assert_int_equal(ev->pen.rotation_deg, 90);
	pen(&p, 65535, down, 0, MS(1010));
	pen(&p, 65534, down, 0, MS(1010));
	no_more();
	pen(&p, 0, down | PF_PEN_BARREL2, 0, MS(1020));
	ev = next(PF_PAD_PEN);
	assert_int_equal(ev->pen.phase, PF_TOUCH_DOWN);
	assert_int_equal(ev->pen.buttons, 2);
	assert_true(ev->pen.pressure == 1);
	pen(&p, 1, in | PF_PEN_PREDICTED, 0, MS(1030));
	no_more();
	pen(&p, 2, down, 7, MS(1040)); /* a tool that nobody knows is the one there is */
	assert_int_equal(next(PF_PAD_PEN)->pen.phase, PF_TOUCH_MOVE);
	/* Another tool: out with this one, then down anew. */
	pen(&p, 3, down, PF_PEN_TOOL_ERASER, MS(1050));
	assert_int_equal(next(PF_PAD_PEN)->pen.phase, PF_TOUCH_LEAVE);
	ev = next(PF_PAD_PEN);
	assert_int_equal(ev->pen.phase, PF_TOUCH_DOWN);
	assert_true(ev->pen.eraser);
	pen(&p, 4, down, 7, MS(1060));
	assert_true(next(PF_PAD_PEN)->pen.eraser);
	/* Silence. */
	assert_true(pf_native_pads_tick(&p, MS(1259)) == MS(1260));
	no_more();
	assert_true(pf_native_pads_tick(&p, MS(1260)) == UINT64_MAX);
	assert_int_equal(next(PF_PAD_PEN)->pen.phase, PF_TOUCH_LEAVE);
	pf_native_pads_tick(&p, MS(2000));
	no_more();
	/* What is late is still late. */
	pen(&p, 4, down, 0, MS(2000));
	no_more();
	pen(&p, 5, in, 0, MS(2000));
	next(PF_PAD_PEN);
	pen(&p, 6, 0, 0, MS(2010));
	assert_int_equal(next(PF_PAD_PEN)->pen.phase, PF_TOUCH_LEAVE);
	pen(&p, 7, 0, 0, MS(2020));
	no_more();
	/* A display that reads no devices has no pen. */
	p.screen = false;
	pen(&p, 8, down, 0, MS(2030));
	no_more();
}

static void finger(struct pf_native_pads *p, uint8_t kind, uint32_t id, int32_t x, uint32_t flags)
{
	const struct pf_input_event ev = {
		.kind = kind, .code = id, .x = x, .y = 10, .flags = flags
	};

	pf_native_pads_input(p, &ev, MS(1));
}

static void fingers(void **state)
{
	struct pf_native_pads p = fresh();
	const uint32_t size = 100u << 16 | 100;

	finger(&p, PF_INPUT_TOUCH_DOWN, 1, 50, size);
	assert_true(next(PF_PAD_SCREEN_TOUCH)->screen.x == 0.5f);
	finger(&p, PF_INPUT_TOUCH_DOWN, 2, 50, 100u << 16);
	finger(&p, PF_INPUT_TOUCH_MOVE, 2, 50, 100);
	no_more();
	finger(&p, PF_INPUT_TOUCH_MOVE, 1, -5, size);
	assert_true(next(PF_PAD_SCREEN_TOUCH)->screen.x == 0);
	finger(&p, PF_INPUT_TOUCH_UP, 1, 0, 0);
	assert_int_equal(next(PF_PAD_SCREEN_TOUCH)->screen.phase, PF_TOUCH_UP);
	pf_native_pads_lift(&p);
	assert_int_equal(next(PF_PAD_SCREEN_TOUCH)->screen.phase, PF_TOUCH_CANCEL_ALL);
	next(PF_PAD_PEN);
	assert_int_equal(got.points, 0);

	/* Where nobody reads a touch screen, the first finger points. */
	p.screen = false;
	finger(&p, PF_INPUT_TOUCH_MOVE, 4, 50, size);
	assert_int_equal(got.points, 0);
	finger(&p, PF_INPUT_TOUCH_DOWN, 4, 50, size);
	assert_int_equal(got.points, 2);
	assert_int_equal(got.pointer[0].kind, PF_INPUT_MOUSE_ABS);
	assert_int_equal(got.pointer[0].x, 50);
	assert_int_equal(got.pointer[0].flags, size);
	assert_int_equal(got.pointer[1].kind, PF_INPUT_BUTTON_DOWN);
	finger(&p, PF_INPUT_TOUCH_DOWN, 5, 60, size);
	finger(&p, PF_INPUT_TOUCH_MOVE, 5, 61, size);
	finger(&p, PF_INPUT_TOUCH_UP, 5, 0, 0);
	assert_int_equal(got.points, 2);
	finger(&p, PF_INPUT_TOUCH_MOVE, 4, 70, size);
	finger(&p, PF_INPUT_TOUCH_UP, 4, 0, 0);
	assert_int_equal(got.points, 4);
	assert_int_equal(got.pointer[3].kind, PF_INPUT_BUTTON_UP);
	no_more();
}

static void feedback_is_said_on_change(void **state)
{
	struct pf_native_pads p = fresh();
	struct pf_pad_feedback fb = { .kind = PF_PAD_FB_LED, .led = { 1, 2, 3 } };
	struct pf_rumble_msg m;
	struct pf_hid h[2];

	snapshot(&p, 0, 1, 0, MS(1));
	assert_int_equal(pf_native_pads_feedback(&p, &fb, h, MS(1)), 1);
	assert_int_equal(h[0].kind, PF_HID_LED);
	assert_int_equal(h[0].led.b, 3);
	assert_int_equal(pf_native_pads_feedback(&p, &fb, h, MS(1)), 0);
	fb = (struct pf_pad_feedback){ .kind = PF_PAD_FB_PLAYER };
	assert_int_equal(pf_native_pads_feedback(&p, &fb, h, MS(1)), 1);
	assert_int_equal(pf_native_pads_feedback(&p, &fb, h, MS(1)), 0);
	fb = (struct pf_pad_feedback){ .kind = PF_PAD_FB_TRIGGERS,
		.triggers = { true, true, { 1 }, { 2 } } };
	assert_int_equal(pf_native_pads_feedback(&p, &fb, h, MS(1)), 2);
	assert_int_equal(h[0].trigger.which, 0);
	assert_int_equal(h[1].trigger.which, 1);
	assert_int_equal(h[1].trigger.data[0], 2);
	fb.triggers.left[5] = 9;
	assert_int_equal(pf_native_pads_feedback(&p, &fb, h, MS(1)), 1);
	assert_int_equal(h[0].trigger.which, 0);
	fb = (struct pf_pad_feedback){ .kind = PF_PAD_FB_MOTION, .motion = { true, 100 } };
	assert_int_equal(pf_native_pads_feedback(&p, &fb, h, MS(1)), 0);

	fb = (struct pf_pad_feedback){ .kind = PF_PAD_FB_RUMBLE, .rumble = { 5, 6 } };
	assert_int_equal(pf_native_pads_feedback(&p, &fb, h, MS(2)), 0);
	fb = (struct pf_pad_feedback){ .kind = PF_PAD_FB_TRIGGER_RUMBLE, .rumble = { 7, 8 } };
	assert_int_equal(pf_native_pads_feedback(&p, &fb, h, MS(2)), 0);
	assert_true(pf_rumble_next(&p.rumble, MS(2), &m));
	assert_int_equal(m.level.low, 5);
	assert_int_equal(m.level.right_trigger, 8);
	assert_true(pf_native_pads_tick(&p, MS(2)) == MS(2) + PF_RUMBLE_RENEW_NS);
	/* A pad that is gone is not spoken of. */
	input(&p, PF_INPUT_PAD_REMOVED, 0, 0, 2u << 24);
	assert_true(pf_native_pads_tick(&p, MS(3)) == UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_has_its_nearest),
		cmocka_unit_test(old_snapshots_are_dropped),
		cmocka_unit_test(arrivals_name_the_kind),
		cmocka_unit_test(single_changes_add_up),
		cmocka_unit_test(pads_of_a_session_before_stay_or_go),
		cmocka_unit_test(surfaces_and_sensors),
		cmocka_unit_test(a_pen_has_numbers_and_an_end),
		cmocka_unit_test(fingers),
		cmocka_unit_test(feedback_is_said_on_change),
	};

	return cmocka_run_group_tests_name("native_pads", tests, NULL, NULL);
}
