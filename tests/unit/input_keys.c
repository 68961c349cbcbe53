/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <linux/input-event-codes.h>
#include <stdlib.h>
#include <string.h>
#include "host/input/keys.h"
#include "pf_config.h"
#ifdef PF_HAVE_WAYLAND
#include <xkbcommon/xkbcommon.h>
#include "host/input/text.h"
#endif

/* What a US keyboard shows for the plain key, checked against xkb's own map: the
 * table is right if the character comes out. */
static void keys_lie_where_a_us_keyboard_has_them(void **state)
{
#ifdef PF_HAVE_WAYLAND
	static const struct {
		uint8_t vk;
		uint32_t keysym;
	} rows[] = {
		{ '0', '0' },
		{ '9', '9' },
		{ 'A', 'a' },
		{ 'M', 'm' },
		{ 'Q', 'q' },
		{ 'Z', 'z' },
		{ 0x20, ' ' },
		{ 0xba, ';' },
		{ 0xbb, '=' },
		{ 0xbc, ',' },
		{ 0xbd, '-' },
		{ 0xbe, '.' },
		{ 0xbf, '/' },
		{ 0xc0, '`' },
		{ 0xdb, '[' },
		{ 0xdc, '\\' },
		{ 0xdd, ']' },
		{ 0xde, '\'' },
		{ 0xe2, '<' },
		{ 0x08, XKB_KEY_BackSpace },
		{ 0x09, XKB_KEY_Tab },
		{ 0x0d, XKB_KEY_Return },
		{ 0x13, XKB_KEY_Pause },
		{ 0x14, XKB_KEY_Caps_Lock },
		{ 0x1b, XKB_KEY_Escape },
		{ 0x21, XKB_KEY_Prior },
		{ 0x22, XKB_KEY_Next },
		{ 0x23, XKB_KEY_End },
		{ 0x24, XKB_KEY_Home },
		{ 0x25, XKB_KEY_Left },
		{ 0x26, XKB_KEY_Up },
		{ 0x27, XKB_KEY_Right },
		{ 0x28, XKB_KEY_Down },
		{ 0x2c, XKB_KEY_Print },
		{ 0x2d, XKB_KEY_Insert },
		{ 0x2e, XKB_KEY_Delete },
		{ 0x5b, XKB_KEY_Super_L },
		{ 0x5c, XKB_KEY_Super_R },
		{ 0x5d, XKB_KEY_Menu },
		{ 0x70, XKB_KEY_F1 },
		{ 0x7b, XKB_KEY_F12 },
		{ 0x90, XKB_KEY_Num_Lock },
		{ 0x91, XKB_KEY_Scroll_Lock },
		{ 0xa0, XKB_KEY_Shift_L },
		{ 0xa1, XKB_KEY_Shift_R },
		{ 0xa2, XKB_KEY_Control_L },
		{ 0xa3, XKB_KEY_Control_R },
		{ 0xa4, XKB_KEY_Alt_L },
		{ 0xa5, XKB_KEY_Alt_R },
		{ 0x10, XKB_KEY_Shift_L },
		{ 0x11, XKB_KEY_Control_L },
		{ 0x12, XKB_KEY_Alt_L },
		{ 0xad, XKB_KEY_XF86AudioMute },
		{ 0xae, XKB_KEY_XF86AudioLowerVolume },
		{ 0xaf, XKB_KEY_XF86AudioRaiseVolume },
		{ 0xb0, XKB_KEY_XF86AudioNext },
		{ 0xb3, XKB_KEY_XF86AudioPlay },
		{ 0x6a, XKB_KEY_KP_Multiply },
		{ 0x6b, XKB_KEY_KP_Add },
		{ 0x6d, XKB_KEY_KP_Subtract },
		{ 0x6f, XKB_KEY_KP_Divide },
	};
	struct xkb_context *xkb = xkb_context_new(XKB_CONTEXT_NO_FLAGS);
	struct xkb_rule_names names = { .layout = "us" };
	struct xkb_keymap *map =
		xkb_keymap_new_from_names(xkb, &names, XKB_KEYMAP_COMPILE_NO_FLAGS);
	struct xkb_state *st = xkb_state_new(map);
	char want[64], got[64];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const uint16_t key = pf_key_from_vk(rows[i].vk);

		assert_true(key > 0);
		xkb_keysym_get_name(rows[i].keysym, want, sizeof(want));
		xkb_keysym_get_name(xkb_state_key_get_one_sym(st, key + 8u), got, sizeof(got));
		assert_string_equal(got, want);
	}
	/* The numpad's digits, with NumLock. */
	xkb_state_update_mask(
		st, 0, 0, 1u << xkb_keymap_mod_get_index(map, XKB_MOD_NAME_NUM), 0, 0, 0);
	for (uint8_t d = 0; d < 10; d++)
		assert_int_equal(
			xkb_state_key_get_one_sym(st, pf_key_from_vk((uint8_t)(0x60 + d)) + 8u),
			XKB_KEY_KP_0 + d);
	xkb_state_unref(st);
	xkb_keymap_unref(map);
	xkb_context_unref(xkb);
#else
	print_message("# skipped: built without wayland\n");
	skip();
#endif
}

static void every_key_fits_xkb_and_none_is_taken_twice(void **state)
{
	/* Windows has two codes for one place here, on purpose. */
	static const uint8_t twins[] = { 0x0c, 0x10, 0x11, 0x12, 0xc2 };
	uint8_t seen[256] = { 0 };
	unsigned count = 0;

	for (unsigned vk = 0; vk < 256; vk++) {
		const uint16_t key = pf_key_from_vk((uint8_t)vk);

		assert_in_range(key, 0, 247);
		if (!key || memchr(twins, (int)vk, sizeof(twins)))
			continue;
		assert_int_equal(seen[key], 0);
		seen[key] = 1;
		count++;
	}
	assert_in_range(count, 120, 200);
	for (uint8_t f = 0; f < 24; f++)
		assert_int_equal(pf_key_from_vk((uint8_t)(0x70 + f)), f < 10   ? KEY_F1 + f
								      : f < 12 ? KEY_F11 + f - 10
									       : KEY_F13 + f - 12);
	assert_int_equal(pf_key_from_vk(0), 0);
	assert_int_equal(pf_key_from_vk(0xff), 0);
}

static void buttons_are_the_wires_five(void **state)
{
	assert_int_equal(pf_button_from_wire(0), 0);
	assert_int_equal(pf_button_from_wire(1), BTN_LEFT);
	assert_int_equal(pf_button_from_wire(2), BTN_MIDDLE);
	assert_int_equal(pf_button_from_wire(3), BTN_RIGHT);
	assert_int_equal(pf_button_from_wire(4), BTN_SIDE);
	assert_int_equal(pf_button_from_wire(5), BTN_EXTRA);
	assert_int_equal(pf_button_from_wire(6), 0);
	assert_int_equal(pf_button_from_wire(UINT32_MAX), 0);
}

#ifdef PF_HAVE_WAYLAND
/* Types through the written keymap as a client would. */
static uint32_t typed(const struct pf_text_map *m, uint32_t key)
{
	struct xkb_context *xkb = xkb_context_new(XKB_CONTEXT_NO_FLAGS);
	char *text = pf_text_map_write(m);
	struct xkb_keymap *map = xkb_keymap_new_from_string(
		xkb, text, XKB_KEYMAP_FORMAT_TEXT_V1, XKB_KEYMAP_COMPILE_NO_FLAGS);
	struct xkb_state *st;
	uint32_t scalar;

	assert_non_null(map);
	st = xkb_state_new(map);
	scalar = xkb_state_key_get_utf32(st, key + 8);
	xkb_state_unref(st);
	xkb_keymap_unref(map);
	xkb_context_unref(xkb);
	free(text);
	return scalar;
}

static void text_is_typed_as_it_is(void **state)
{
	static const uint32_t scalars[] = { 'a', 'A', '~', ' ', 0xe9, 0xdf, 0x20ac, 0x416, 0x3a9,
		0x6f22, 0x1f600, 0x10fffd };
	struct pf_text_map m;
	bool changed;

	pf_text_map_init(&m);
	for (size_t i = 0; i < sizeof(scalars) / sizeof(*scalars); i++) {
		const uint32_t key = pf_text_map_key(&m, scalars[i], &changed);

		assert_in_range(key, 1, 247);
		assert_int_equal(changed, scalars[i] > 0x7e);
		assert_int_equal(typed(&m, key), scalars[i]);
		assert_int_equal(pf_text_map_key(&m, scalars[i], &changed), key);
		assert_false(changed);
	}
	assert_int_equal(typed(&m, pf_text_map_key(&m, '\n', &changed)), '\r');
	assert_int_equal(typed(&m, pf_text_map_key(&m, '\t', &changed)), '\t');
}

static void what_is_no_character_is_not_typed(void **state)
{
	static const uint32_t scalars[] = { 0, 1, 0x0b, 0x1a, 0x80, 0x9f, 0xd800, 0xdfff, 0x110000,
		UINT32_MAX };
	struct pf_text_map m;
	bool changed;

	pf_text_map_init(&m);
	for (size_t i = 0; i < sizeof(scalars) / sizeof(*scalars); i++) {
		assert_int_equal(pf_text_map_key(&m, scalars[i], &changed), 0);
		assert_false(changed);
	}
}

static void slots_are_reused_in_turn_and_ascii_stays(void **state)
{
	struct pf_text_map m;
	bool changed;
	uint32_t a, key = 0;

	pf_text_map_init(&m);
	a = pf_text_map_key(&m, 'a', &changed);
	for (uint32_t c = 0x4e00; c < 0x4e00 + 1000; c++) {
		key = pf_text_map_key(&m, c, &changed);
		assert_in_range(key, 1, 247);
		assert_true(changed);
	}
	assert_int_equal(typed(&m, key), 0x4e00 + 999);
	assert_int_equal(pf_text_map_key(&m, 'a', &changed), a);
	assert_false(changed);
	for (uint32_t c = ' '; c <= '~'; c++)
		assert_int_equal(typed(&m, pf_text_map_key(&m, c, &changed)), c);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_lie_where_a_us_keyboard_has_them),
		cmocka_unit_test(every_key_fits_xkb_and_none_is_taken_twice),
		cmocka_unit_test(buttons_are_the_wires_five),
#ifdef PF_HAVE_WAYLAND
		cmocka_unit_test(text_is_typed_as_it_is),
		cmocka_unit_test(what_is_no_character_is_not_typed),
		cmocka_unit_test(slots_are_reused_in_turn_and_ascii_stays),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
