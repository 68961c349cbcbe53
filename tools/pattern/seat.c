/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tools/pattern/seat.h"
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xkbcommon/xkbcommon.h>

static void key_map(
	void *user, struct wl_keyboard *keyboard, uint32_t format, int fd, uint32_t size)
{
	struct pf_seat *s = user;
	char *text = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	struct xkb_keymap *keymap = NULL;

	close(fd);
	if (text == MAP_FAILED)
		return;
	if (format == WL_KEYBOARD_KEYMAP_FORMAT_XKB_V1)
		keymap = xkb_keymap_new_from_buffer(s->xkb, text, strnlen(text, size),
			XKB_KEYMAP_FORMAT_TEXT_V1, XKB_KEYMAP_COMPILE_NO_FLAGS);
	munmap(text, size);
	if (!keymap)
		return;
	xkb_state_unref(s->state);
	xkb_keymap_unref(s->keymap);
	s->keymap = keymap;
	s->state = xkb_state_new(keymap);
}

static void key_enter(void *user, struct wl_keyboard *keyboard, uint32_t serial,
	struct wl_surface *surface, struct wl_array *keys)
{
	((struct pf_seat *)user)->report->keyboard_focus = true;
}

static void key_leave(
	void *user, struct wl_keyboard *keyboard, uint32_t serial, struct wl_surface *surface)
{
	((struct pf_seat *)user)->report->keyboard_focus = false;
}

static void key_event(void *user, struct wl_keyboard *keyboard, uint32_t serial, uint32_t time_ms,
	uint32_t key, uint32_t state)
{
	struct pf_seat *s = user;
	struct pf_report *r = s->report;
	const bool pressed = state == WL_KEYBOARD_KEY_STATE_PRESSED;

	if (pressed)
		r->keys_pressed++;
	else
		r->keys_released++;
	if (r->key_count < PF_REPORT_KEYS) {
		r->keys[r->key_count].code = key;
		r->keys[r->key_count++].pressed = pressed;
	}
	if (pressed && s->state) {
		char *end = r->text + r->text_bytes;
		const size_t room = sizeof(r->text) - r->text_bytes;
		const int n = xkb_state_key_get_utf8(s->state, key + 8, end, room);

		/* Ctrl and a digit make a NUL, which JSON readers dislike. */
		if (n > 0 && (size_t)n < room && *end)
			r->text_bytes += (unsigned)n;
	}
}

static void key_modifiers(void *user, struct wl_keyboard *keyboard, uint32_t serial,
	uint32_t depressed, uint32_t latched, uint32_t locked, uint32_t group)
{
	struct pf_seat *s = user;

	s->report->mods = depressed | latched | locked;
	if (s->state)
		xkb_state_update_mask(s->state, depressed, latched, locked, 0, 0, group);
}

static void key_repeat(void *user, struct wl_keyboard *keyboard, int32_t rate, int32_t delay) {}

static const struct wl_keyboard_listener keyboard_listener = {
	.keymap = key_map,
	.enter = key_enter,
	.leave = key_leave,
	.key = key_event,
	.modifiers = key_modifiers,
	.repeat_info = key_repeat,
};

static void place(struct pf_report *r, wl_fixed_t x, wl_fixed_t y)
{
	r->pointer_x = wl_fixed_to_double(x);
	r->pointer_y = wl_fixed_to_double(y);
}

static void pointer_enter(void *user, struct wl_pointer *pointer, uint32_t serial,
	struct wl_surface *surface, wl_fixed_t x, wl_fixed_t y)
{
	struct pf_report *r = ((struct pf_seat *)user)->report;

	r->pointer_focus = true;
	place(r, x, y);
}

static void pointer_leave(
	void *user, struct wl_pointer *pointer, uint32_t serial, struct wl_surface *surface)
{
	((struct pf_seat *)user)->report->pointer_focus = false;
}

static void pointer_motion(
	void *user, struct wl_pointer *pointer, uint32_t time_ms, wl_fixed_t x, wl_fixed_t y)
{
	struct pf_report *r = ((struct pf_seat *)user)->report;

	r->motions++;
	place(r, x, y);
}

static void pointer_button(void *user, struct wl_pointer *pointer, uint32_t serial,
	uint32_t time_ms, uint32_t button, uint32_t state)
{
	struct pf_report *r = ((struct pf_seat *)user)->report;

	r->last_button = button;
	if (state == WL_POINTER_BUTTON_STATE_PRESSED)
		r->buttons_pressed++;
	else
		r->buttons_released++;
}

static void pointer_axis(
	void *user, struct wl_pointer *pointer, uint32_t time_ms, uint32_t axis, wl_fixed_t value)
{
	struct pf_report *r = ((struct pf_seat *)user)->report;

	r->scrolls++;
	if (axis == WL_POINTER_AXIS_VERTICAL_SCROLL)
		r->scroll_y += wl_fixed_to_double(value);
	else
		r->scroll_x += wl_fixed_to_double(value);
}

static void pointer_frame(void *user, struct wl_pointer *pointer) {}

static void pointer_axis_source(void *user, struct wl_pointer *pointer, uint32_t source) {}

static void pointer_axis_stop(
	void *user, struct wl_pointer *pointer, uint32_t time_ms, uint32_t axis)
{
}

static void pointer_axis_discrete(
	void *user, struct wl_pointer *pointer, uint32_t axis, int32_t steps)
{
	struct pf_report *r = ((struct pf_seat *)user)->report;

	if (axis == WL_POINTER_AXIS_VERTICAL_SCROLL)
		r->steps_y += steps;
	else
		r->steps_x += steps;
}

static const struct wl_pointer_listener pointer_listener = {
	.enter = pointer_enter,
	.leave = pointer_leave,
	.motion = pointer_motion,
	.button = pointer_button,
	.axis = pointer_axis,
	.frame = pointer_frame,
	.axis_source = pointer_axis_source,
	.axis_stop = pointer_axis_stop,
	.axis_discrete = pointer_axis_discrete,
};

static void drop_keyboard(struct pf_seat *s)
{
	if (s->keyboard)
		wl_keyboard_release(s->keyboard);
	s->keyboard = NULL;
}

static void drop_pointer(struct pf_seat *s)
{
	if (s->pointer)
		wl_pointer_release(s->pointer);
	s->pointer = NULL;
}

static void capabilities(void *user, struct wl_seat *seat, uint32_t caps)
{
	struct pf_seat *s = user;

	if (!(caps & WL_SEAT_CAPABILITY_KEYBOARD)) {
		drop_keyboard(s);
	} else if (!s->keyboard) {
		s->keyboard = wl_seat_get_keyboard(seat);
		wl_keyboard_add_listener(s->keyboard, &keyboard_listener, s);
	}
	if (!(caps & WL_SEAT_CAPABILITY_POINTER)) {
		drop_pointer(s);
	} else if (!s->pointer) {
		s->pointer = wl_seat_get_pointer(seat);
		wl_pointer_add_listener(s->pointer, &pointer_listener, s);
	}
}

static void seat_name(void *user, struct wl_seat *seat, const char *name) {}

static const struct wl_seat_listener seat_listener = {
	.capabilities = capabilities,
	.name = seat_name,
};

void pf_seat_open(struct pf_seat *s, struct pf_wl *wl, struct pf_report *report)
{
	memset(s, 0, sizeof(*s));
	s->report = report;
	s->xkb = xkb_context_new(XKB_CONTEXT_NO_FLAGS);
	s->seat = pf_wl_bind(wl, &wl_seat_interface, 5, 7);
	if (s->seat)
		wl_seat_add_listener(s->seat, &seat_listener, s);
}

void pf_seat_close(struct pf_seat *s)
{
	drop_keyboard(s);
	drop_pointer(s);
	if (s->seat)
		wl_seat_release(s->seat);
	xkb_state_unref(s->state);
	xkb_keymap_unref(s->keymap);
	xkb_context_unref(s->xkb);
}
