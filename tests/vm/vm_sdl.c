/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Our pads as games get them through SDL2: recognised by its own table, every
 * control in its place, and its rumble back with us. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <SDL.h>
#include <string.h>
#include "tests/vm/vm.h"

static const struct {
	uint32_t sent;
	SDL_GameControllerButton read;
} buttons[] = {
	{ PF_PAD_A, SDL_CONTROLLER_BUTTON_A },
	{ PF_PAD_B, SDL_CONTROLLER_BUTTON_B },
	{ PF_PAD_X, SDL_CONTROLLER_BUTTON_X },
	{ PF_PAD_Y, SDL_CONTROLLER_BUTTON_Y },
	{ PF_PAD_BACK, SDL_CONTROLLER_BUTTON_BACK },
	{ PF_PAD_GUIDE, SDL_CONTROLLER_BUTTON_GUIDE },
	{ PF_PAD_START, SDL_CONTROLLER_BUTTON_START },
	{ PF_PAD_L3, SDL_CONTROLLER_BUTTON_LEFTSTICK },
	{ PF_PAD_R3, SDL_CONTROLLER_BUTTON_RIGHTSTICK },
	{ PF_PAD_LB, SDL_CONTROLLER_BUTTON_LEFTSHOULDER },
	{ PF_PAD_RB, SDL_CONTROLLER_BUTTON_RIGHTSHOULDER },
	{ PF_PAD_UP, SDL_CONTROLLER_BUTTON_DPAD_UP },
	{ PF_PAD_DOWN, SDL_CONTROLLER_BUTTON_DPAD_DOWN },
	{ PF_PAD_LEFT, SDL_CONTROLLER_BUTTON_DPAD_LEFT },
	{ PF_PAD_RIGHT, SDL_CONTROLLER_BUTTON_DPAD_RIGHT },
};
#define BUTTONS (sizeof(buttons) / sizeof(buttons[0]))

static int sdl_init(void **state)
{
	SDL_SetHint(SDL_HINT_JOYSTICK_ALLOW_BACKGROUND_EVENTS, "1");
	return SDL_Init(SDL_INIT_GAMECONTROLLER);
}

static int sdl_quit(void **state)
{
	SDL_Quit();
	return 0;
}

/* Waits until so many controllers are there that SDL has a layout for. */
static void wait_controllers(int want)
{
	int n = -1;

	for (int waited = 0; waited < VM_WAIT_MS && n != want; waited += 10) {
		SDL_PumpEvents();
		n = 0;
		for (int i = 0; i < SDL_NumJoysticks(); i++)
			n += SDL_IsGameController(i);
		SDL_Delay(10);
	}
	assert_int_equal(n, want);
}

static SDL_GameController *open_product(uint16_t vendor, uint16_t product)
{
	for (int i = 0; i < SDL_NumJoysticks(); i++)
		if (SDL_JoystickGetDeviceVendor(i) == vendor &&
			SDL_JoystickGetDeviceProduct(i) == product)
			return SDL_GameControllerOpen(i);
	fail_msg("no %04x:%04x among SDL's controllers", vendor, product);
	return NULL;
}

static uint32_t held(SDL_GameController *c)
{
	uint32_t is = 0;

	for (size_t i = 0; i < BUTTONS; i++)
		if (SDL_GameControllerGetButton(c, buttons[i].read))
			is |= buttons[i].sent;
	return is;
}

/* Waits for exactly these buttons. */
static void expect_held(SDL_GameController *c, uint32_t want)
{
	uint32_t is = ~want;

	for (int waited = 0; waited < VM_WAIT_MS && is != want; waited += 5) {
		SDL_PumpEvents();
		is = held(c);
		SDL_Delay(5);
	}
	assert_int_equal(is, want);
}

static void expect_axis(SDL_GameController *c, SDL_GameControllerAxis axis, int want, int slack)
{
	int is = -99999;

	for (int waited = 0; waited < VM_WAIT_MS && abs(is - want) > slack; waited += 5) {
		SDL_PumpEvents();
		is = SDL_GameControllerGetAxis(c, axis);
		SDL_Delay(5);
	}
	assert_in_range(is + 40000, want - slack + 40000, want + slack + 40000);
}

static void check(enum pf_pad_kind kind, uint16_t product, SDL_GameControllerType type)
{
	SDL_GameController *c;
	struct pf_pad_feedback fb;
	struct vm_set *s;

	s = vm_open("client");
	vm_arrive(s, 0, kind);
	wait_controllers(1);
	c = open_product(0x045e, product);
	assert_non_null(c);
	assert_int_equal(SDL_GameControllerGetType(c), type);
	/* Of SDL's table: one made up on the fly has the device's own name. */
	assert_null(strstr(SDL_GameControllerName(c), "Microsoft"));
	for (size_t i = 0; i < BUTTONS; i++) {
		vm_state(s, 0, (struct pf_pad_state){ .buttons = buttons[i].sent });
		expect_held(c, buttons[i].sent);
	}
	vm_state(
		s, 0, (struct pf_pad_state){ .lx = 32767, .ly = 32767, .rx = -32768, .ry = -9000 });
	expect_held(c, 0);
	expect_axis(c, SDL_CONTROLLER_AXIS_LEFTX, 32767, 40);
	expect_axis(c, SDL_CONTROLLER_AXIS_LEFTY, -32768, 40);
	expect_axis(c, SDL_CONTROLLER_AXIS_RIGHTX, -32768, 40);
	expect_axis(c, SDL_CONTROLLER_AXIS_RIGHTY, 9000, 160);
	expect_axis(c, SDL_CONTROLLER_AXIS_TRIGGERLEFT, 0, 0);
	vm_state(s, 0, (struct pf_pad_state){ .lt = 255, .rt = 64 });
	expect_axis(c, SDL_CONTROLLER_AXIS_TRIGGERLEFT, 32767, 40);
	expect_axis(c, SDL_CONTROLLER_AXIS_TRIGGERRIGHT, 8224, 80);
	expect_axis(c, SDL_CONTROLLER_AXIS_LEFTX, 0, 0);

	assert_true(SDL_GameControllerHasRumble(c));
	assert_false(SDL_GameControllerHasRumbleTriggers(c));
	assert_int_equal(SDL_GameControllerRumble(c, 0xa000, 0x5000, 3000), 0);
	fb = vm_feedback(s, PF_PAD_FB_RUMBLE, 0);
	assert_int_equal(fb.rumble.low, 0xa000);
	assert_int_equal(fb.rumble.high, 0x5000);
	assert_int_equal(SDL_GameControllerRumble(c, 0, 0, 0), 0);
	fb = vm_feedback(s, PF_PAD_FB_RUMBLE, 0);
	assert_int_equal(fb.rumble.low, 0);
	assert_int_equal(fb.rumble.high, 0);
	vm_close(s);
	wait_controllers(0);
	assert_false(SDL_GameControllerGetAttached(c));
	SDL_GameControllerClose(c);
}

static void xbox_360(void **state)
{
	check(PF_PAD_XBOX_360, 0x028e, SDL_CONTROLLER_TYPE_XBOX360);
}

static void xbox_one(void **state)
{
	check(PF_PAD_XBOX_ONE, 0x02ea, SDL_CONTROLLER_TYPE_XBOXONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(xbox_360, sdl_init, sdl_quit),
		cmocka_unit_test_setup_teardown(xbox_one, sdl_init, sdl_quit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
