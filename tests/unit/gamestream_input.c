/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>
#include "core/wire/pf1_dgram.h"
#include "core/wire/pf1_handshake.h"
#include "host/gamestream/input.h"

struct log {
	struct pf_gs_input_map map;
	unsigned count, devices;
	struct pf_input_event ev[16];
};

static void post(void *user, const struct pf_input_event *ev)
{
	struct log *l = user;

	assert_true(l->count < 16);
	l->ev[l->count++] = *ev;
}

static void device(void *user, const struct pf_gs_input *in)
{
	((struct log *)user)->devices++;
}

static struct log make(uint32_t grants)
{
	return (struct log){ .map = { .grants = grants, .post = post, .device = device } };
}

static void send(struct log *l, struct pf_gs_input in)
{
	l->map.user = l;
	l->count = 0;
	pf_gs_input_map(&l->map, &in);
}

static void key(struct log *l, bool down, uint8_t vk, uint8_t modifiers)
{
	send(l, (struct pf_gs_input){ .kind = PF_GS_INPUT_KEY,
			.key = { .down = down, .vk = vk, .modifiers = modifiers } });
}

static void expect(const struct log *l, unsigned i, uint8_t kind, uint32_t code)
{
	assert_true(i < l->count);
	assert_int_equal(l->ev[i].kind, kind);
	assert_int_equal(l->ev[i].code, code);
}

static void places_are_of_the_inner_picture(void **state)
{
	struct pf_fit fit = pf_fit_of(800, 600, 640, 360), none = { 0 };
	const struct pf_fit same = pf_fit_of(1280, 720, 640, 360);
	const struct {
		int16_t x;
		double want;
	} rows[] = { { 0, 0 }, { 79, 0 }, { 319, 0.5 }, { 200, 0.251 }, { 559, 1 }, { 639, 1 } };

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pf_gs_input in = { .kind = PF_GS_INPUT_MOUSE_ABS,
			.mouse_abs = { rows[i].x, 180, 639, 359 } };
		struct pf_gs_input was = in;

		pf_gs_input_place(&same, &in);
		pf_gs_input_place(&none, &in);
		assert_memory_equal(&in, &was, sizeof(in));
		pf_gs_input_place(&fit, &in);
		assert_true(
			fabs(in.mouse_abs.x / (double)in.mouse_abs.x_max - rows[i].want) < 0.002);
		assert_true(fabs(in.mouse_abs.y / (double)in.mouse_abs.y_max - 0.5) < 0.002);
	}
	for (int pen = 0; pen < 2; pen++) {
		struct pf_gs_input in = { .kind = pen ? PF_GS_INPUT_PEN : PF_GS_INPUT_TOUCH };
		float *x = pen ? &in.pen.x : &in.touch.x, *y = pen ? &in.pen.y : &in.touch.y;

		*x = 0.25f, *y = 0.75f;
		pf_gs_input_place(&fit, &in);
		/* 160 of 640 lies 80 into 480. */
		assert_true(fabs(*x - 1.0 / 6) < 1e-6 && fabs(*y - 0.75) < 1e-6);
	}
}

static void keys_keep_their_position(void **state)
{
	struct log l = make(PF_GRANT_ALL);

	key(&l, true, 0x41, 0);
	assert_int_equal(l.count, 1);
	expect(&l, 0, PF_INPUT_KEY_DOWN, 0x41);
	key(&l, false, 0x41, 0);
	assert_int_equal(l.count, 1);
	expect(&l, 0, PF_INPUT_KEY_UP, 0x41);
}

static void modifiers_without_keys_are_held_for_one_key(void **state)
{
	struct log l = make(PF_GRANT_ALL);

	key(&l, true, 0x41, PF_GS_MOD_SHIFT | PF_GS_MOD_CTRL);
	assert_int_equal(l.count, 5);
	expect(&l, 0, PF_INPUT_KEY_DOWN, 0xa0);
	expect(&l, 1, PF_INPUT_KEY_DOWN, 0xa2);
	expect(&l, 2, PF_INPUT_KEY_DOWN, 0x41);
	expect(&l, 3, PF_INPUT_KEY_UP, 0xa2);
	expect(&l, 4, PF_INPUT_KEY_UP, 0xa0);
	/* The release holds nothing. */
	key(&l, false, 0x41, PF_GS_MOD_SHIFT);
	assert_int_equal(l.count, 1);
}

static void modifiers_that_are_down_are_not_pressed_again(void **state)
{
	struct log l = make(PF_GRANT_ALL);

	key(&l, true, 0xa1, PF_GS_MOD_SHIFT); /* the right one */
	assert_int_equal(l.count, 1);
	key(&l, true, 0x41, PF_GS_MOD_SHIFT);
	assert_int_equal(l.count, 1);
	key(&l, false, 0xa1, 0);
	key(&l, true, 0x41, PF_GS_MOD_SHIFT);
	assert_int_equal(l.count, 3);
}

static void pointer_events_carry_their_numbers(void **state)
{
	struct log l = make(PF_GRANT_ALL);

	send(&l, (struct pf_gs_input){
			 .kind = PF_GS_INPUT_MOUSE_ABS, .mouse_abs = { 100, 200, 1279, 719 } });
	expect(&l, 0, PF_INPUT_MOUSE_ABS, 0);
	assert_int_equal(l.ev[0].x, 100);
	assert_int_equal(l.ev[0].y, 200);
	assert_int_equal(l.ev[0].flags, 1280u << 16 | 720u);
	send(&l, (struct pf_gs_input){ .kind = PF_GS_INPUT_MOUSE_REL, .mouse_rel = { -3, 4 } });
	expect(&l, 0, PF_INPUT_MOUSE_MOVE, 0);
	assert_int_equal(l.ev[0].x, -3);
	send(&l, (struct pf_gs_input){ .kind = PF_GS_INPUT_HSCROLL, .scroll = { -120 } });
	expect(&l, 0, PF_INPUT_SCROLL, 1);
	assert_int_equal(l.ev[0].x, -120);
	send(&l, (struct pf_gs_input){ .kind = PF_GS_INPUT_BUTTON, .button = { true, 3 } });
	expect(&l, 0, PF_INPUT_BUTTON_DOWN, 3);
	send(&l, (struct pf_gs_input){ .kind = PF_GS_INPUT_TOUCH,
			 .touch = { .event = PF_GS_TOUCH_DOWN, .pointer = 5, .x = 1, .y = 0.5f } });
	assert_int_equal(l.count, 0);
	assert_int_equal(l.devices, 1);
}

static void text_comes_as_code_points(void **state)
{
	struct log l = make(PF_GRANT_ALL);
	const char *text = "a\xc3\xa4\xf0\x9f\x98\x80";

	send(&l, (struct pf_gs_input){ .kind = PF_GS_INPUT_TEXT, .text = { text, strlen(text) } });
	assert_int_equal(l.count, 3);
	expect(&l, 0, PF_INPUT_TEXT, 'a');
	expect(&l, 1, PF_INPUT_TEXT, 0xe4);
	expect(&l, 2, PF_INPUT_TEXT, 0x1f600);
}

static void what_is_not_granted_is_dropped(void **state)
{
	struct log l = make(PF_GRANT_POINTER);

	key(&l, true, 0x41, 0);
	assert_int_equal(l.count, 0);
	assert_int_equal(l.map.denied, 1);
	send(&l, (struct pf_gs_input){ .kind = PF_GS_INPUT_MOUSE_REL, .mouse_rel = { 1, 1 } });
	assert_int_equal(l.count, 1);
	assert_int_equal(l.map.events, 1);
	send(&l, (struct pf_gs_input){ .kind = PF_GS_INPUT_PAD_STATE });
	assert_int_equal(l.devices, 0);
	assert_int_equal(l.map.denied, 2);
	send(&l, (struct pf_gs_input){ .kind = PF_GS_INPUT_PEN });
	assert_int_equal(l.devices, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places_are_of_the_inner_picture),
		cmocka_unit_test(keys_keep_their_position),
		cmocka_unit_test(modifiers_without_keys_are_held_for_one_key),
		cmocka_unit_test(modifiers_that_are_down_are_not_pressed_again),
		cmocka_unit_test(pointer_events_carry_their_numbers),
		cmocka_unit_test(text_comes_as_code_points),
		cmocka_unit_test(what_is_not_granted_is_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
