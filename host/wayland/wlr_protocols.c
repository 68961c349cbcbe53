/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/wayland/wlr_protocols.h"

/* Signatures: u uint, i int, f fixed, h fd, o object, n new object, ? nullable,
 * a leading number = since that version. Types name the interface of each
 * argument, NULL for plain values. */

enum { SCREENCOPY_CAPTURE_OUTPUT, SCREENCOPY_CAPTURE_REGION, SCREENCOPY_DESTROY };
enum { FRAME_COPY, FRAME_DESTROY, FRAME_COPY_WITH_DAMAGE };
enum {
	POINTER_MOTION,
	POINTER_MOTION_ABSOLUTE,
	POINTER_BUTTON,
	POINTER_AXIS,
	POINTER_FRAME,
	POINTER_AXIS_SOURCE,
	POINTER_AXIS_STOP,
	POINTER_AXIS_DISCRETE,
	POINTER_DESTROY,
};
enum { POINTER_CREATE, POINTER_MANAGER_DESTROY, POINTER_CREATE_WITH_OUTPUT };
enum { KEYBOARD_KEYMAP, KEYBOARD_KEY, KEYBOARD_MODIFIERS, KEYBOARD_DESTROY };
enum { KEYBOARD_CREATE };

static const struct wl_interface *plain[8];

static const struct wl_interface *capture_output_types[] = {
	&pf_screencopy_frame_interface,
	NULL,
	&wl_output_interface,
	NULL,
	NULL,
	NULL,
	NULL,
};
static const struct wl_interface *buffer_types[] = { &wl_buffer_interface };

static const struct wl_message screencopy_manager_requests[] = {
	[SCREENCOPY_CAPTURE_OUTPUT] = { "capture_output", "nio", capture_output_types },
	[SCREENCOPY_CAPTURE_REGION] = { "capture_output_region", "nioiiii", capture_output_types },
	[SCREENCOPY_DESTROY] = { "destroy", "", plain },
};
const struct wl_interface pf_screencopy_manager_interface = {
	.name = "zwlr_screencopy_manager_v1",
	.version = 3,
	.method_count = 3,
	.methods = screencopy_manager_requests,
};

static const struct wl_message screencopy_frame_requests[] = {
	[FRAME_COPY] = { "copy", "o", buffer_types },
	[FRAME_DESTROY] = { "destroy", "", plain },
	[FRAME_COPY_WITH_DAMAGE] = { "copy_with_damage", "2o", buffer_types },
};
static const struct wl_message screencopy_frame_events[] = {
	{ "buffer", "uuuu", plain },
	{ "flags", "u", plain },
	{ "ready", "uuu", plain },
	{ "failed", "", plain },
	{ "damage", "2uuuu", plain },
	{ "linux_dmabuf", "3uuu", plain },
	{ "buffer_done", "3", plain },
};
const struct wl_interface pf_screencopy_frame_interface = {
	.name = "zwlr_screencopy_frame_v1",
	.version = 3,
	.method_count = 3,
	.methods = screencopy_frame_requests,
	.event_count = 7,
	.events = screencopy_frame_events,
};

static const struct wl_message pointer_requests[] = {
	[POINTER_MOTION] = { "motion", "uff", plain },
	[POINTER_MOTION_ABSOLUTE] = { "motion_absolute", "uuuuu", plain },
	[POINTER_BUTTON] = { "button", "uuu", plain },
	[POINTER_AXIS] = { "axis", "uuf", plain },
	[POINTER_FRAME] = { "frame", "", plain },
	[POINTER_AXIS_SOURCE] = { "axis_source", "u", plain },
	[POINTER_AXIS_STOP] = { "axis_stop", "uu", plain },
	[POINTER_AXIS_DISCRETE] = { "axis_discrete", "uufi", plain },
	[POINTER_DESTROY] = { "destroy", "1", plain },
};
const struct wl_interface pf_virtual_pointer_interface = {
	.name = "zwlr_virtual_pointer_v1",
	.version = 2,
	.method_count = 9,
	.methods = pointer_requests,
};

static const struct wl_interface *pointer_create_types[] = {
	&wl_seat_interface,
	&pf_virtual_pointer_interface,
};
static const struct wl_interface *pointer_create_with_output_types[] = {
	&wl_seat_interface,
	&wl_output_interface,
	&pf_virtual_pointer_interface,
};
static const struct wl_message pointer_manager_requests[] = {
	[POINTER_CREATE] = { "create_virtual_pointer", "?on", pointer_create_types },
	[POINTER_MANAGER_DESTROY] = { "destroy", "1", plain },
	[POINTER_CREATE_WITH_OUTPUT] = { "create_virtual_pointer_with_output", "2?o?on",
		pointer_create_with_output_types },
};
const struct wl_interface pf_virtual_pointer_manager_interface = {
	.name = "zwlr_virtual_pointer_manager_v1",
	.version = 2,
	.method_count = 3,
	.methods = pointer_manager_requests,
};

static const struct wl_message keyboard_requests[] = {
	[KEYBOARD_KEYMAP] = { "keymap", "uhu", plain },
	[KEYBOARD_KEY] = { "key", "uuu", plain },
	[KEYBOARD_MODIFIERS] = { "modifiers", "uuuu", plain },
	[KEYBOARD_DESTROY] = { "destroy", "1", plain },
};
const struct wl_interface pf_virtual_keyboard_interface = {
	.name = "zwp_virtual_keyboard_v1",
	.version = 1,
	.method_count = 4,
	.methods = keyboard_requests,
};

static const struct wl_interface *keyboard_create_types[] = {
	&wl_seat_interface,
	&pf_virtual_keyboard_interface,
};
static const struct wl_message keyboard_manager_requests[] = {
	[KEYBOARD_CREATE] = { "create_virtual_keyboard", "on", keyboard_create_types },
};
const struct wl_interface pf_virtual_keyboard_manager_interface = {
	.name = "zwp_virtual_keyboard_manager_v1",
	.version = 1,
	.method_count = 1,
	.methods = keyboard_manager_requests,
};

/* Proxies are opaque to us: the named types only keep callers apart. */
#define PROXY(obj) ((struct wl_proxy *)(obj))
#define SEND(obj, op, flags, ...)                                                                  \
	wl_proxy_marshal_flags(                                                                    \
		PROXY(obj), op, NULL, wl_proxy_get_version(PROXY(obj)), flags, ##__VA_ARGS__)
#define MAKE(obj, op, interface, ...)                                                              \
	((void *)wl_proxy_marshal_flags(                                                           \
		PROXY(obj), op, interface, wl_proxy_get_version(PROXY(obj)), 0, __VA_ARGS__))

struct pf_screencopy_frame *pf_screencopy_capture(struct pf_screencopy_manager *m, int cursor,
	struct wl_output *output, const struct pf_screencopy_frame_listener *listener, void *user)
{
	struct pf_screencopy_frame *f = MAKE(
		m, SCREENCOPY_CAPTURE_OUTPUT, &pf_screencopy_frame_interface, NULL, cursor, output);

	if (f)
		wl_proxy_add_listener(PROXY(f), (void (**)(void))listener, user);
	return f;
}

void pf_screencopy_frame_copy(struct pf_screencopy_frame *f, struct wl_buffer *buffer)
{
	SEND(f, FRAME_COPY, 0, buffer);
}

void pf_screencopy_frame_copy_with_damage(struct pf_screencopy_frame *f, struct wl_buffer *buffer)
{
	SEND(f, FRAME_COPY_WITH_DAMAGE, 0, buffer);
}

void pf_screencopy_frame_destroy(struct pf_screencopy_frame *f)
{
	SEND(f, FRAME_DESTROY, WL_MARSHAL_FLAG_DESTROY);
}

void pf_screencopy_manager_destroy(struct pf_screencopy_manager *m)
{
	SEND(m, SCREENCOPY_DESTROY, WL_MARSHAL_FLAG_DESTROY);
}

struct pf_virtual_pointer *pf_virtual_pointer_create(
	struct pf_virtual_pointer_manager *m, struct wl_seat *seat, struct wl_output *output)
{
	if (output && wl_proxy_get_version(PROXY(m)) >= 2)
		return MAKE(m, POINTER_CREATE_WITH_OUTPUT, &pf_virtual_pointer_interface, seat,
			output, NULL);
	return MAKE(m, POINTER_CREATE, &pf_virtual_pointer_interface, seat, NULL);
}

void pf_virtual_pointer_motion(
	struct pf_virtual_pointer *p, uint32_t time_ms, wl_fixed_t dx, wl_fixed_t dy)
{
	SEND(p, POINTER_MOTION, 0, time_ms, dx, dy);
}

void pf_virtual_pointer_motion_absolute(struct pf_virtual_pointer *p, uint32_t time_ms, uint32_t x,
	uint32_t y, uint32_t x_extent, uint32_t y_extent)
{
	SEND(p, POINTER_MOTION_ABSOLUTE, 0, time_ms, x, y, x_extent, y_extent);
}

void pf_virtual_pointer_button(
	struct pf_virtual_pointer *p, uint32_t time_ms, uint32_t button, uint32_t state)
{
	SEND(p, POINTER_BUTTON, 0, time_ms, button, state);
}

void pf_virtual_pointer_axis(
	struct pf_virtual_pointer *p, uint32_t time_ms, uint32_t axis, wl_fixed_t value)
{
	SEND(p, POINTER_AXIS, 0, time_ms, axis, value);
}

void pf_virtual_pointer_axis_source(struct pf_virtual_pointer *p, uint32_t source)
{
	SEND(p, POINTER_AXIS_SOURCE, 0, source);
}

void pf_virtual_pointer_axis_discrete(struct pf_virtual_pointer *p, uint32_t time_ms, uint32_t axis,
	wl_fixed_t value, int32_t discrete)
{
	SEND(p, POINTER_AXIS_DISCRETE, 0, time_ms, axis, value, discrete);
}

void pf_virtual_pointer_frame(struct pf_virtual_pointer *p)
{
	SEND(p, POINTER_FRAME, 0);
}

void pf_virtual_pointer_destroy(struct pf_virtual_pointer *p)
{
	SEND(p, POINTER_DESTROY, WL_MARSHAL_FLAG_DESTROY);
}

void pf_virtual_pointer_manager_destroy(struct pf_virtual_pointer_manager *m)
{
	SEND(m, POINTER_MANAGER_DESTROY, WL_MARSHAL_FLAG_DESTROY);
}

struct pf_virtual_keyboard *pf_virtual_keyboard_create(
	struct pf_virtual_keyboard_manager *m, struct wl_seat *seat)
{
	return MAKE(m, KEYBOARD_CREATE, &pf_virtual_keyboard_interface, seat, NULL);
}

void pf_virtual_keyboard_keymap(struct pf_virtual_keyboard *k, int fd, uint32_t size)
{
	SEND(k, KEYBOARD_KEYMAP, 0, WL_KEYBOARD_KEYMAP_FORMAT_XKB_V1, fd, size);
}

void pf_virtual_keyboard_key(
	struct pf_virtual_keyboard *k, uint32_t time_ms, uint32_t key, uint32_t state)
{
	SEND(k, KEYBOARD_KEY, 0, time_ms, key, state);
}

void pf_virtual_keyboard_modifiers(struct pf_virtual_keyboard *k, uint32_t depressed,
	uint32_t latched, uint32_t locked, uint32_t group)
{
	SEND(k, KEYBOARD_MODIFIERS, 0, depressed, latched, locked, group);
}

void pf_virtual_keyboard_destroy(struct pf_virtual_keyboard *k)
{
	SEND(k, KEYBOARD_DESTROY, WL_MARSHAL_FLAG_DESTROY);
}

void pf_virtual_keyboard_manager_destroy(struct pf_virtual_keyboard_manager *m)
{
	wl_proxy_destroy(PROXY(m));
}
