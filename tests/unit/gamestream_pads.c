/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include "core/wire/gs_sdp.h"
#include "host/gamestream/pads.h"
#include "host/registry/config.h"

#define BOTH (PF_PADS_CAN_UINPUT | PF_PADS_CAN_UHID)
#define RICH                                                                                       \
	(PF_GS_PAD_CAP_RUMBLE | PF_GS_PAD_CAP_TOUCHPAD | PF_GS_PAD_CAP_ACCEL |                     \
		PF_GS_PAD_CAP_GYRO | PF_GS_PAD_CAP_LED)

struct log {
	struct pf_gs_pads pads;
	uint64_t now_ns;
	int answer; /* of post */
	unsigned count, agains;
	struct pf_pad_event ev[32];
};

static int post(void *user, const struct pf_pad_event *ev)
{
	struct log *l = user;

	if (l->answer)
		return l->answer;
	assert_true(l->count < 32);
	l->ev[l->count++] = *ev;
	return 0;
}

static void again(void *user, unsigned pad)
{
	((struct log *)user)->agains++;
}

static void make(struct log *l)
{
	*l = (struct log){
		.now_ns = 1000,
		.pads = { .can = BOTH, .screen = true, .post = post, .again = again, .user = l },
	};
}

static void send(struct log *l, struct pf_gs_input in)
{
	l->count = 0;
	pf_gs_pads_input(&l->pads, &in, l->now_ns);
}

static void arrival(struct log *l, uint8_t pad, uint8_t type, uint16_t capabilities)
{
	send(l, (struct pf_gs_input){ .kind = PF_GS_INPUT_PAD_ARRIVAL,
			.pad_arrival = {
				.pad = pad, .type = type, .capabilities = capabilities } });
}

static void state(struct log *l, uint8_t pad, uint16_t active, uint32_t buttons)
{
	send(l, (struct pf_gs_input){ .kind = PF_GS_INPUT_PAD_STATE,
			.pad_state = {
				.pad = pad, .active = active, .buttons = buttons, .ly = 7 } });
}

static void expect(const struct log *l, unsigned i, enum pf_pad_event_kind kind, unsigned pad)
{
	assert_true(i < l->count);
	assert_int_equal(l->ev[i].kind, kind);
	assert_int_equal(l->ev[i].pad, pad);
}

static void the_kind_shows_most_of_what_a_pad_has(void **unused)
{
	static const struct {
		uint32_t setting;
		unsigned can;
		uint8_t type;
		uint16_t capabilities;
		enum pf_pad_kind kind;
	} rows[] = {
		{ 0, BOTH, PF_GS_PAD_TYPE_XBOX, PF_GS_PAD_CAP_RUMBLE, PF_PAD_XBOX_ONE },
		{ 0, BOTH, PF_GS_PAD_TYPE_PLAYSTATION, 0, PF_PAD_DUALSENSE },
		{ 0, BOTH, PF_GS_PAD_TYPE_NINTENDO, PF_GS_PAD_CAP_GYRO, PF_PAD_DUALSENSE },
		{ 0, BOTH, PF_GS_PAD_TYPE_STEAM, PF_GS_PAD_CAP_TOUCHPAD, PF_PAD_DUALSENSE },
		{ 0, BOTH, PF_GS_PAD_TYPE_NINTENDO, PF_GS_PAD_CAP_RUMBLE, PF_PAD_XBOX_360 },
		{ 0, BOTH, PF_GS_PAD_TYPE_UNKNOWN, PF_GS_PAD_CAP_TRIGGER_RUMBLE, PF_PAD_XBOX_ONE },
		{ 0, BOTH, 99, 0, PF_PAD_XBOX_360 },
		{ 0, PF_PADS_CAN_UINPUT, PF_GS_PAD_TYPE_PLAYSTATION, RICH, PF_PAD_XBOX_ONE },
		{ 0, PF_PADS_CAN_UHID, PF_GS_PAD_TYPE_XBOX, 0, PF_PAD_DUALSENSE },
		{ PF_CONFIG_GAMEPAD_DUALSHOCK4, BOTH, PF_GS_PAD_TYPE_XBOX, 0, PF_PAD_DUALSHOCK4 },
		{ PF_CONFIG_GAMEPAD_XBOX360, BOTH, PF_GS_PAD_TYPE_PLAYSTATION, RICH,
			PF_PAD_XBOX_360 },
		{ PF_CONFIG_GAMEPAD_XBOXONE, BOTH, 0, 0, PF_PAD_XBOX_ONE },
		{ PF_CONFIG_GAMEPAD_DUALSENSE, BOTH, 0, 0, PF_PAD_DUALSENSE },
		{ PF_CONFIG_GAMEPAD_DUALSENSE, PF_PADS_CAN_UINPUT, 0, 0, PF_PAD_XBOX_ONE },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(pf_gs_pads_kind(rows[i].setting, rows[i].can, rows[i].type,
					 rows[i].capabilities),
			rows[i].kind);
}

static void what_cannot_be_made_is_not_promised(void **unused)
{
	const uint32_t pads = PF_GS_FEATURE_PAD_TOUCH_MOTION, touch = PF_GS_FEATURE_PEN_TOUCH;

	assert_int_equal(pf_gs_pads_features(BOTH, true), pads | touch);
	assert_int_equal(pf_gs_pads_features(BOTH, false), pads);
	assert_int_equal(pf_gs_pads_features(PF_PADS_CAN_UINPUT, true), touch);
	assert_int_equal(pf_gs_pads_features(PF_PADS_CAN_UHID, true), pads);
	assert_int_equal(pf_gs_pads_features(0, true), 0);
}

static void an_arrival_makes_one_device(void **unused)
{
	struct log l;

	make(&l);
	arrival(&l, 2, PF_GS_PAD_TYPE_XBOX, PF_GS_PAD_CAP_RUMBLE);
	assert_int_equal(l.count, 1);
	expect(&l, 0, PF_PAD_ARRIVE, 2);
	assert_int_equal(l.ev[0].arrive, PF_PAD_XBOX_ONE);
	assert_int_equal(l.agains, 1);
	state(&l, 2, 1 << 2, PF_GS_PAD_A);
	assert_int_equal(l.count, 1);
	expect(&l, 0, PF_PAD_STATE, 2);
	assert_int_equal(l.ev[0].state.buttons, PF_PAD_A);
	assert_int_equal(l.ev[0].state.ly, 7);
	arrival(&l, 2, PF_GS_PAD_TYPE_XBOX, PF_GS_PAD_CAP_RUMBLE);
	assert_int_equal(l.count, 0);
	/* Another pad in its place. */
	arrival(&l, 2, PF_GS_PAD_TYPE_PLAYSTATION, RICH);
	expect(&l, 0, PF_PAD_ARRIVE, 2);
	assert_int_equal(l.ev[0].arrive, PF_PAD_DUALSENSE);
}

static void an_old_client_announces_by_the_first_state(void **unused)
{
	struct log l;

	make(&l);
	state(&l, 0, 1, PF_GS_PAD_B);
	assert_int_equal(l.count, 2);
	expect(&l, 0, PF_PAD_ARRIVE, 0);
	assert_int_equal(l.ev[0].arrive, PF_PAD_XBOX_360);
	expect(&l, 1, PF_PAD_STATE, 0);
	/* Neither there nor said to be. */
	state(&l, 1, 1, PF_GS_PAD_B);
	assert_int_equal(l.count, 0);
	state(&l, 0, 0, 0);
	assert_int_equal(l.count, 1);
	expect(&l, 0, PF_PAD_LEAVE, 0);
	state(&l, 0, 0, 0);
	assert_int_equal(l.count, 0);
}

static void a_late_state_of_another_pad_removes_nothing(void **unused)
{
	struct log l;

	make(&l);
	arrival(&l, 0, PF_GS_PAD_TYPE_XBOX, 0);
	arrival(&l, 1, PF_GS_PAD_TYPE_PLAYSTATION, RICH);
	/* Sent before pad 1 came, on a channel of its own. */
	state(&l, 0, 1, PF_GS_PAD_A);
	assert_int_equal(l.count, 1);
	expect(&l, 0, PF_PAD_STATE, 0);
	l.now_ns += PF_GS_PADS_LATE_NS + 1;
	state(&l, 0, 1, PF_GS_PAD_A);
	assert_int_equal(l.count, 2);
	expect(&l, 0, PF_PAD_LEAVE, 1);
	/* Its kind is remembered. */
	state(&l, 1, 3, PF_GS_PAD_A);
	expect(&l, 0, PF_PAD_ARRIVE, 1);
	assert_int_equal(l.ev[0].arrive, PF_PAD_DUALSENSE);
}

static void pads_of_the_session_before_stay(void **unused)
{
	struct log l;

	make(&l);
	l.pads.there = 1 << 0 | 1 << 1 | 1 << 2;
	assert_int_equal(pf_gs_pads_listening(&l.pads), 0);
	/* The set knows whether it is still of that kind. */
	arrival(&l, 0, PF_GS_PAD_TYPE_XBOX, 0);
	assert_int_equal(l.count, 1);
	expect(&l, 0, PF_PAD_ARRIVE, 0);
	state(&l, 0, 1, 0);
	assert_int_equal(l.count, 1);
	/* An older client. */
	state(&l, 1, 3, PF_GS_PAD_X);
	assert_int_equal(l.count, 1);
	expect(&l, 0, PF_PAD_STATE, 1);
	assert_int_equal(l.agains, 2);
	assert_int_equal(pf_gs_pads_listening(&l.pads), 3);
	/* The third did not come back. */
	l.now_ns += PF_GS_PADS_LATE_NS + 1;
	state(&l, 0, 3, 0);
	assert_int_equal(l.count, 2);
	expect(&l, 0, PF_PAD_LEAVE, 2);
}

static void what_finds_the_devices_busy_comes_again(void **unused)
{
	struct log l;

	make(&l);
	l.answer = -EAGAIN;
	arrival(&l, 0, PF_GS_PAD_TYPE_XBOX, 0);
	assert_int_equal(pf_gs_pads_listening(&l.pads), 0);
	l.answer = 0;
	state(&l, 0, 1, PF_GS_PAD_A);
	expect(&l, 0, PF_PAD_ARRIVE, 0);
	assert_int_equal(l.ev[0].arrive, PF_PAD_XBOX_ONE);
	l.answer = -EAGAIN;
	state(&l, 0, 1, PF_GS_PAD_B);
	state(&l, 0, 1, 0);
	l.answer = 0;
	l.count = 0;
	pf_gs_pads_flush(&l.pads);
	assert_int_equal(l.count, 1);
	expect(&l, 0, PF_PAD_STATE, 0);
	assert_int_equal(l.ev[0].state.buttons, 0);
	l.answer = -EAGAIN;
	state(&l, 0, 0, 0);
	l.answer = 0;
	l.count = 0;
	pf_gs_pads_flush(&l.pads);
	pf_gs_pads_flush(&l.pads);
	assert_int_equal(l.count, 1);
	expect(&l, 0, PF_PAD_LEAVE, 0);
}

static void touch_motion_and_battery_reach_the_pad(void **unused)
{
	struct log l;

	make(&l);
	send(&l,
		(struct pf_gs_input){ .kind = PF_GS_INPUT_PAD_MOTION, .pad_motion = { .pad = 3 } });
	assert_int_equal(l.count, 0);
	arrival(&l, 3, PF_GS_PAD_TYPE_PLAYSTATION, RICH);
	send(&l, (struct pf_gs_input){ .kind = PF_GS_INPUT_PAD_MOTION,
			 .pad_motion = { .pad = 3, .type = PF_GS_MOTION_GYRO, .y = -2.5f } });
	expect(&l, 0, PF_PAD_MOTION, 3);
	assert_true(l.ev[0].motion.gyro && l.ev[0].motion.y == -2.5f);
	send(&l, (struct pf_gs_input){ .kind = PF_GS_INPUT_PAD_TOUCH,
			 .pad_touch = { .pad = 3,
				 .event = PF_GS_TOUCH_MOVE,
				 .touchpad = 1,
				 .pointer = 9,
				 .x = 0.25f } });
	expect(&l, 0, PF_PAD_TOUCH, 3);
	assert_int_equal(l.ev[0].touch.surface, 1);
	assert_int_equal(l.ev[0].touch.touch.phase, PF_TOUCH_MOVE);
	assert_int_equal(l.ev[0].touch.touch.id, 9);
	assert_true(l.ev[0].touch.touch.x == 0.25f && l.ev[0].touch.touch.pressure < 0);
	send(&l, (struct pf_gs_input){ .kind = PF_GS_INPUT_PAD_BATTERY,
			 .pad_battery = { 3, PF_GS_BATTERY_FULL, 98 } });
	expect(&l, 0, PF_PAD_BATTERY, 3);
	assert_int_equal(l.ev[0].battery.state, PF_PAD_BATTERY_FULL);
	assert_int_equal(l.ev[0].battery.percent, 98);
	send(&l, (struct pf_gs_input){ .kind = PF_GS_INPUT_PAD_BATTERY,
			 .pad_battery = { 3, PF_GS_BATTERY_ABSENT, 0 } });
	assert_int_equal(l.ev[0].battery.state, PF_PAD_BATTERY_UNKNOWN);
	assert_true(l.ev[0].battery.percent > 100);
}

static void touch_and_pen_need_a_screen_that_hears_them(void **unused)
{
	const struct pf_gs_input down = { .kind = PF_GS_INPUT_TOUCH,
		.touch = { .event = PF_GS_TOUCH_DOWN,
			.pointer = 5,
			.x = 1,
			.pressure = 0.5f,
			.rotation_deg = PF_GS_ROTATION_UNKNOWN } };
	struct pf_gs_input pen = { .kind = PF_GS_INPUT_PEN,
		.pen = { .event = PF_GS_TOUCH_HOVER,
			.tool = PF_GS_TOOL_ERASER,
			.x = 0.5f,
			.pressure = 0.75f,
			.rotation_deg = 90,
			.tilt_deg = PF_GS_TILT_UNKNOWN } };
	struct log l;

	make(&l);
	send(&l, down);
	expect(&l, 0, PF_PAD_SCREEN_TOUCH, 0);
	assert_int_equal(l.ev[0].screen.id, 5);
	assert_int_equal(l.ev[0].screen.rotation_deg, -1);
	assert_true(l.ev[0].screen.x == 1 && l.ev[0].screen.pressure == 0.5f);
	send(&l, pen);
	expect(&l, 0, PF_PAD_PEN, 0);
	assert_true(l.ev[0].pen.eraser && l.ev[0].pen.distance == 0.75f);
	assert_true(l.ev[0].pen.pressure < 0);
	assert_int_equal(l.ev[0].pen.tilt_deg, -1);
	assert_int_equal(l.ev[0].pen.rotation_deg, 90);
	/* A button alone moves nothing. */
	pen.pen.event = PF_GS_TOUCH_BUTTON_ONLY;
	pen.pen.buttons = 1;
	pen.pen.x = 0;
	send(&l, pen);
	assert_int_equal(l.ev[0].pen.phase, PF_TOUCH_HOVER);
	assert_int_equal(l.ev[0].pen.buttons, 1);
	assert_true(l.ev[0].pen.x == 0.5f);
	l.pads.screen = false;
	send(&l, down);
	assert_int_equal(l.count, 0);
	send(&l, pen);
	assert_int_equal(l.count, 0);
}

static void without_nodes_nothing_is_asked_of_the_desk(void **unused)
{
	struct log l;

	make(&l);
	l.pads.can = 0;
	arrival(&l, 0, PF_GS_PAD_TYPE_XBOX, 0);
	state(&l, 0, 1, 1);
	assert_int_equal(l.count, 0);
}

static void who_loses_the_grant_loses_the_pads(void **unused)
{
	struct log l;

	make(&l);
	arrival(&l, 0, PF_GS_PAD_TYPE_XBOX, 0);
	arrival(&l, 5, PF_GS_PAD_TYPE_PLAYSTATION, RICH);
	l.count = 0;
	pf_gs_pads_revoke(&l.pads);
	assert_int_equal(l.count, 2);
	expect(&l, 0, PF_PAD_LEAVE, 0);
	expect(&l, 1, PF_PAD_LEAVE, 5);
	l.count = 0;
	pf_gs_pads_lift(&l.pads);
	assert_int_equal(l.count, 2);
	assert_int_equal(l.ev[0].screen.phase, PF_TOUCH_CANCEL_ALL);
	assert_int_equal(l.ev[1].pen.phase, PF_TOUCH_LEAVE);
	l.pads.screen = false;
	pf_gs_pads_lift(&l.pads);
	assert_int_equal(l.count, 2);
	/* Granted again, the next state brings the pad back. */
	state(&l, 5, 1 << 5 | 1, 0);
	expect(&l, 0, PF_PAD_ARRIVE, 5);
	assert_int_equal(l.ev[0].arrive, PF_PAD_DUALSENSE);
}

static bool message(struct log *l, struct pf_pad_feedback fb, struct pf_gs_ctl *m)
{
	return pf_gs_pads_message(&l->pads, &fb, m);
}

static void feedback_is_what_the_pad_has(void **unused)
{
	const struct pf_pad_feedback rumble = { .kind = PF_PAD_FB_RUMBLE, .rumble = { 100, 200 } },
				     triggers = { .kind = PF_PAD_FB_TRIGGER_RUMBLE,
					     .rumble = { 1, 2 } },
				     led = { .kind = PF_PAD_FB_LED, .led = { 1, 2, 3 } },
				     effects = { .kind = PF_PAD_FB_TRIGGERS,
					     .triggers = { .set_left = true,
						     .left = { 0x21, 1, 2 } } },
				     gyro = { .kind = PF_PAD_FB_MOTION,
					     .motion = { .gyro = true, .rate_hz = 250 } };
	struct pf_gs_ctl m;
	struct log l;

	make(&l);
	state(&l, 0, 1, 0); /* an older client */
	assert_true(message(&l, rumble, &m));
	assert_int_equal(m.kind, PF_GS_CTL_RUMBLE);
	assert_int_equal(m.rumble.low, 100);
	assert_int_equal(m.rumble.high, 200);
	assert_false(message(&l, triggers, &m));
	assert_false(message(&l, led, &m));
	assert_false(message(&l, effects, &m));
	assert_false(message(&l, gyro, &m));
	arrival(&l, 0, PF_GS_PAD_TYPE_PLAYSTATION, RICH);
	assert_false(message(&l, triggers, &m));
	assert_true(message(&l, led, &m));
	assert_int_equal(m.led.b, 3);
	assert_true(message(&l, gyro, &m));
	assert_int_equal(m.motion_request.type, PF_GS_MOTION_GYRO);
	assert_int_equal(m.motion_request.rate_hz, 250);
	assert_true(message(&l, effects, &m));
	assert_int_equal(m.adaptive_triggers.flags, PF_GS_TRIGGER_LEFT);
	assert_int_equal(m.adaptive_triggers.left_type, 0x21);
	assert_int_equal(m.adaptive_triggers.left[1], 2);
	arrival(&l, 0, PF_GS_PAD_TYPE_XBOX, PF_GS_PAD_CAP_TRIGGER_RUMBLE);
	assert_true(message(&l, triggers, &m));
	assert_int_equal(m.trigger_rumble.right, 2);
	assert_false(message(&l, rumble, &m));
	assert_false(message(&l, effects, &m));
}

static void what_rumbles_is_stopped_at_the_end(void **unused)
{
	struct pf_pad_feedback fb = { .kind = PF_PAD_FB_RUMBLE, .pad = 1, .rumble = { 9, 0 } };
	struct pf_gs_ctl m;
	struct log l;

	make(&l);
	arrival(&l, 1, PF_GS_PAD_TYPE_XBOX, PF_GS_PAD_CAP_RUMBLE | PF_GS_PAD_CAP_TRIGGER_RUMBLE);
	assert_false(pf_gs_pads_hush(&l.pads, &m));
	assert_true(message(&l, fb, &m));
	fb.kind = PF_PAD_FB_TRIGGER_RUMBLE;
	assert_true(message(&l, fb, &m));
	assert_true(pf_gs_pads_hush(&l.pads, &m));
	assert_int_equal(m.kind, PF_GS_CTL_RUMBLE);
	assert_int_equal(m.rumble.pad, 1);
	assert_int_equal(m.rumble.low | m.rumble.high, 0);
	assert_true(pf_gs_pads_hush(&l.pads, &m));
	assert_int_equal(m.kind, PF_GS_CTL_TRIGGER_RUMBLE);
	assert_false(pf_gs_pads_hush(&l.pads, &m));
	/* A client that wants none hears of none. */
	send(&l, (struct pf_gs_input){ .kind = PF_GS_INPUT_HAPTICS, .haptics = { false } });
	assert_false(message(&l, fb, &m));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_kind_shows_most_of_what_a_pad_has),
		cmocka_unit_test(what_cannot_be_made_is_not_promised),
		cmocka_unit_test(an_arrival_makes_one_device),
		cmocka_unit_test(an_old_client_announces_by_the_first_state),
		cmocka_unit_test(a_late_state_of_another_pad_removes_nothing),
		cmocka_unit_test(pads_of_the_session_before_stay),
		cmocka_unit_test(what_finds_the_devices_busy_comes_again),
		cmocka_unit_test(touch_motion_and_battery_reach_the_pad),
		cmocka_unit_test(touch_and_pen_need_a_screen_that_hears_them),
		cmocka_unit_test(without_nodes_nothing_is_asked_of_the_desk),
		cmocka_unit_test(who_loses_the_grant_loses_the_pads),
		cmocka_unit_test(feedback_is_what_the_pad_has),
		cmocka_unit_test(what_rumbles_is_stopped_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
