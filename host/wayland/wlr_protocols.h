/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* wlr_protocols.h - the wlroots protocols that no Debian package ships.
 *
 * Interface descriptions for libwayland, written from the protocols' facts
 * (names, versions, opcodes, argument types), and one thin call per request
 * that we use: wlr-screencopy 3, wlr-virtual-pointer 2, virtual-keyboard 1.
 * Calls run on the thread that owns the connection. */
#pragma once
#include <stdint.h>
#include <wayland-client.h>

extern const struct wl_interface pf_screencopy_manager_interface;
extern const struct wl_interface pf_screencopy_frame_interface;
extern const struct wl_interface pf_virtual_pointer_manager_interface;
extern const struct wl_interface pf_virtual_pointer_interface;
extern const struct wl_interface pf_virtual_keyboard_manager_interface;
extern const struct wl_interface pf_virtual_keyboard_interface;

struct pf_screencopy_manager;
struct pf_screencopy_frame;
struct pf_virtual_pointer_manager;
struct pf_virtual_pointer;
struct pf_virtual_keyboard_manager;
struct pf_virtual_keyboard;

/* In the order of the wire: the struct is the dispatch table. Every slot is
 * mandatory. */
struct pf_screencopy_frame_listener {
	void (*buffer)(void *user, struct pf_screencopy_frame *f, uint32_t format, uint32_t width,
		uint32_t height, uint32_t stride);
	void (*flags)(void *user, struct pf_screencopy_frame *f, uint32_t flags);
	void (*ready)(void *user, struct pf_screencopy_frame *f, uint32_t tv_sec_hi,
		uint32_t tv_sec_lo, uint32_t tv_nsec);
	void (*failed)(void *user, struct pf_screencopy_frame *f);
	/* Since 2; only after copy_with_damage. */
	void (*damage)(void *user, struct pf_screencopy_frame *f, uint32_t x, uint32_t y,
		uint32_t width, uint32_t height);
	/* Since 3. */
	void (*linux_dmabuf)(void *user, struct pf_screencopy_frame *f, uint32_t format,
		uint32_t width, uint32_t height);
	/* Since 3: all buffer kinds were named. */
	void (*buffer_done)(void *user, struct pf_screencopy_frame *f);
};

#define PF_SCREENCOPY_Y_INVERT 1u

/** A new frame of the whole output; `listener` gets its events. NULL = no memory. */
struct pf_screencopy_frame *pf_screencopy_capture(struct pf_screencopy_manager *m, int cursor,
	struct wl_output *output, const struct pf_screencopy_frame_listener *listener, void *user);
/** Copies the picture of the next commit, changed or not. */
void pf_screencopy_frame_copy(struct pf_screencopy_frame *f, struct wl_buffer *buffer);
/** Since 2. Copies the picture of the next commit that changes it. */
void pf_screencopy_frame_copy_with_damage(struct pf_screencopy_frame *f, struct wl_buffer *buffer);
void pf_screencopy_frame_destroy(struct pf_screencopy_frame *f);
void pf_screencopy_manager_destroy(struct pf_screencopy_manager *m);

/** A pointer on `output` (needs version 2) or, with NULL, on the whole layout. */
struct pf_virtual_pointer *pf_virtual_pointer_create(
	struct pf_virtual_pointer_manager *m, struct wl_seat *seat, struct wl_output *output);
void pf_virtual_pointer_motion(
	struct pf_virtual_pointer *p, uint32_t time_ms, wl_fixed_t dx, wl_fixed_t dy);
void pf_virtual_pointer_motion_absolute(struct pf_virtual_pointer *p, uint32_t time_ms, uint32_t x,
	uint32_t y, uint32_t x_extent, uint32_t y_extent);
void pf_virtual_pointer_button(
	struct pf_virtual_pointer *p, uint32_t time_ms, uint32_t button, uint32_t state);
void pf_virtual_pointer_axis(
	struct pf_virtual_pointer *p, uint32_t time_ms, uint32_t axis, wl_fixed_t value);
void pf_virtual_pointer_axis_source(struct pf_virtual_pointer *p, uint32_t source);
void pf_virtual_pointer_axis_discrete(struct pf_virtual_pointer *p, uint32_t time_ms, uint32_t axis,
	wl_fixed_t value, int32_t discrete);
/** Ends the group of requests that happened together. */
void pf_virtual_pointer_frame(struct pf_virtual_pointer *p);
void pf_virtual_pointer_destroy(struct pf_virtual_pointer *p);
void pf_virtual_pointer_manager_destroy(struct pf_virtual_pointer_manager *m);

struct pf_virtual_keyboard *pf_virtual_keyboard_create(
	struct pf_virtual_keyboard_manager *m, struct wl_seat *seat);
/** The keymap text in `fd` (`size` bytes with the ending NUL); before any key. */
void pf_virtual_keyboard_keymap(struct pf_virtual_keyboard *k, int fd, uint32_t size);
/** `key` is an evdev code, `state` a wl_keyboard.key_state. */
void pf_virtual_keyboard_key(
	struct pf_virtual_keyboard *k, uint32_t time_ms, uint32_t key, uint32_t state);
void pf_virtual_keyboard_modifiers(struct pf_virtual_keyboard *k, uint32_t depressed,
	uint32_t latched, uint32_t locked, uint32_t group);
void pf_virtual_keyboard_destroy(struct pf_virtual_keyboard *k);
/** The manager has no destructor request: forgets it on our side. */
void pf_virtual_keyboard_manager_destroy(struct pf_virtual_keyboard_manager *m);
