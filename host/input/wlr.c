/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A virtual pointer and two virtual keyboards, on a connection and a thread of
 * their own. The first keyboard carries keys in the layout asked for; the second
 * types text from a keymap made of characters (text.h). The compositor hands the
 * keymap of the keyboard that spoke last to its clients.
 *
 * All devices stay for the life of the desk: seat capabilities vanish with their
 * last device, and applications would see keyboard and pointer come and go. */
#include <errno.h>
#include <linux/input-event-codes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xkbcommon/xkbcommon.h>
#include "core/base/clock.h"
#include "core/base/ring.h"
#include "host/input/backends.h"
#include "host/input/keys.h"
#include "host/input/text.h"
#include "host/wayland/conn.h"
#include "host/wayland/wlr_protocols.h"

#define RING_EVENTS	 1024u
#define OPEN_TIMEOUT_MS	 10000
#define CLOSE_TIMEOUT_MS 500
#define FLUSH_TIMEOUT_MS 100
#define KIND_RELEASE	 255 /* ours: not a wire kind */
#define EVDEV_KEYS	 256u
#define BUTTON_BASE	 0x110u
#define DETENT		 120 /* wire units of one wheel step */
#define DETENT_PX	 15  /* what libinput says a step is */
#define SCROLL_MAX	 (DETENT * 100)
#define MOTION_MAX	 32767

struct wlr_input {
	struct pf_input base;
	struct pf_wl *wl;
	struct wl_seat *seat;
	struct pf_virtual_pointer_manager *pointer_manager;
	struct pf_virtual_keyboard_manager *keyboard_manager;
	struct pf_virtual_pointer *pointer;
	struct pf_virtual_keyboard *keyboard, *text_keyboard;
	struct xkb_context *xkb;
	struct xkb_keymap *keymap;
	struct xkb_state *state;

	struct pf_ring ring;
	int wake;
	pthread_t thread;
	bool started;
	_Atomic bool stop, release; /* release: the ring had no room to say it */

	/* Of the thread. */
	uint8_t held[EVDEV_KEYS / 8];
	uint32_t buttons;  /* bit per button from BUTTON_BASE */
	uint32_t mods[4];  /* depressed, latched, locked, group, as last sent */
	int32_t scroll[2]; /* what a whole detent still lacks, per axis */
	struct pf_text_map text;
	unsigned unsent; /* events since the last complete flush */
};

static uint32_t now_ms(void)
{
	return (uint32_t)(pf_clock_mono_ns() / PF_NS_PER_MS);
}

static int32_t clamp(int32_t v, int32_t limit)
{
	return v < -limit ? -limit : v > limit ? limit : v;
}

/* Before an event's requests (four at most): makes room for them. While the
 * compositor does not read, the thread waits here and the ring fills: what is too
 * much is dropped at its entrance. */
static void make_room(struct wlr_input *in)
{
	if (++in->unsent < PF_WL_BURST / 4)
		return;
	in->unsent = 0;
	while (pf_wl_flush(in->wl, FLUSH_TIMEOUT_MS) == -ETIMEDOUT && !atomic_load(&in->stop))
		;
}

static int send_keymap(struct pf_virtual_keyboard *k, const char *text)
{
	const size_t size = strlen(text) + 1;
	int fd = memfd_create("punktfunk-keymap", MFD_CLOEXEC);
	void *map;

	if (fd < 0)
		return -errno;
	map = ftruncate(fd, (off_t)size) < 0
		      ? MAP_FAILED
		      : mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED) {
		close(fd);
		return -ENOMEM;
	}
	memcpy(map, text, size);
	munmap(map, size);
	pf_virtual_keyboard_keymap(k, fd, (uint32_t)size); /* duplicates fd */
	close(fd);
	return 0;
}

/* Sends the modifiers if they are not what the compositor has from us. */
static void sync_modifiers(struct wlr_input *in)
{
	const uint32_t mods[4] = {
		xkb_state_serialize_mods(in->state, XKB_STATE_MODS_DEPRESSED),
		xkb_state_serialize_mods(in->state, XKB_STATE_MODS_LATCHED),
		xkb_state_serialize_mods(in->state, XKB_STATE_MODS_LOCKED),
		xkb_state_serialize_layout(in->state, XKB_STATE_LAYOUT_EFFECTIVE),
	};

	if (!memcmp(mods, in->mods, sizeof(mods)))
		return;
	memcpy(in->mods, mods, sizeof(mods));
	pf_virtual_keyboard_modifiers(in->keyboard, mods[0], mods[1], mods[2], mods[3]);
}

static void set_key(struct wlr_input *in, uint32_t key, bool down)
{
	const uint8_t bit = (uint8_t)(1u << key % 8);

	/* Repeats are the clients' business, an up without a down is nobody's. */
	if (!key || !(in->held[key / 8] & bit) == !down)
		return;
	make_room(in);
	in->held[key / 8] ^= bit;
	pf_virtual_keyboard_key(in->keyboard, now_ms(), key,
		down ? WL_KEYBOARD_KEY_STATE_PRESSED : WL_KEYBOARD_KEY_STATE_RELEASED);
	xkb_state_update_key(in->state, key + 8, down ? XKB_KEY_DOWN : XKB_KEY_UP);
	sync_modifiers(in);
}

static void set_button(struct wlr_input *in, uint32_t button, bool down)
{
	uint32_t bit;

	if (!button)
		return;
	bit = 1u << (button - BUTTON_BASE);
	if (!(in->buttons & bit) == !down)
		return;
	make_room(in);
	in->buttons ^= bit;
	pf_virtual_pointer_button(in->pointer, now_ms(), button,
		down ? WL_POINTER_BUTTON_STATE_PRESSED : WL_POINTER_BUTTON_STATE_RELEASED);
	pf_virtual_pointer_frame(in->pointer);
}

static void release_held(struct wlr_input *in)
{
	for (uint32_t key = 1; key < EVDEV_KEYS; key++)
		set_key(in, key, false);
	for (uint32_t b = 0; b < 32; b++)
		if (in->buttons >> b & 1)
			set_button(in, BUTTON_BASE + b, false);
	in->scroll[0] = in->scroll[1] = 0;
}

static void move(struct wlr_input *in, int32_t dx, int32_t dy)
{
	make_room(in);
	pf_virtual_pointer_motion(in->pointer, now_ms(), wl_fixed_from_int(clamp(dx, MOTION_MAX)),
		wl_fixed_from_int(clamp(dy, MOTION_MAX)));
	pf_virtual_pointer_frame(in->pointer);
}

static void move_to(struct wlr_input *in, const struct pf_input_event *ev)
{
	const int32_t w = (int32_t)(ev->flags >> 16), h = (int32_t)(ev->flags & 0xffff);
	const int32_t x = ev->x < 0 ? 0 : ev->x > w ? w : ev->x;
	const int32_t y = ev->y < 0 ? 0 : ev->y > h ? h : ev->y;

	if (!w || !h)
		return;
	make_room(in);
	pf_virtual_pointer_motion_absolute(
		in->pointer, now_ms(), (uint32_t)x, (uint32_t)y, (uint32_t)w, (uint32_t)h);
	pf_virtual_pointer_frame(in->pointer);
}

/* The wire: + is up and right. Wayland: + is down and right. Clients that count
 * steps get one for each full detent, however finely it came. */
static void scroll(struct wlr_input *in, uint32_t axis, int32_t amount)
{
	const uint32_t wl_axis =
		axis ? WL_POINTER_AXIS_HORIZONTAL_SCROLL : WL_POINTER_AXIS_VERTICAL_SCROLL;
	int32_t units = clamp(amount, SCROLL_MAX), steps;
	wl_fixed_t value;

	if (axis > 1 || !units)
		return;
	if (!axis)
		units = -units;
	value = wl_fixed_from_double((double)units * DETENT_PX / DETENT);
	if ((in->scroll[axis] < 0) != (units < 0))
		in->scroll[axis] = 0; /* turned round: start afresh */
	in->scroll[axis] += units;
	steps = in->scroll[axis] / DETENT;
	in->scroll[axis] -= steps * DETENT;
	make_room(in);
	pf_virtual_pointer_axis_source(in->pointer, WL_POINTER_AXIS_SOURCE_WHEEL);
	if (steps)
		pf_virtual_pointer_axis_discrete(in->pointer, now_ms(), wl_axis, value, steps);
	else
		pf_virtual_pointer_axis(in->pointer, now_ms(), wl_axis, value);
	pf_virtual_pointer_frame(in->pointer);
}

static bool any_held(const struct wlr_input *in)
{
	for (size_t i = 0; i < sizeof(in->held); i++)
		if (in->held[i])
			return true;
	return false;
}

static void type(struct wlr_input *in, uint32_t scalar)
{
	bool changed;
	uint32_t key = pf_text_map_key(&in->text, scalar, &changed);

	if (!key)
		return;
	make_room(in);
	if (changed) {
		char *text = pf_text_map_write(&in->text);
		int r = text ? send_keymap(in->text_keyboard, text) : -ENOMEM;

		free(text);
		if (r)
			return;
	}
	pf_virtual_keyboard_key(in->text_keyboard, now_ms(), key, WL_KEYBOARD_KEY_STATE_PRESSED);
	pf_virtual_keyboard_key(in->text_keyboard, now_ms(), key, WL_KEYBOARD_KEY_STATE_RELEASED);
	/* The text keyboard spoke last and has no modifiers: say ours again. */
	if (any_held(in))
		pf_virtual_keyboard_modifiers(
			in->keyboard, in->mods[0], in->mods[1], in->mods[2], in->mods[3]);
}

static void handle(struct wlr_input *in, const struct pf_input_event *ev)
{
	switch (ev->kind) {
	case 0:
	case 1:
		set_key(in, pf_key_from_vk((uint8_t)ev->code), ev->kind == 0);
		break;
	case 2:
		move(in, ev->x, ev->y);
		break;
	case 3:
		move_to(in, ev);
		break;
	case 4:
	case 5:
		set_button(in, pf_button_from_wire(ev->code), ev->kind == 4);
		break;
	case 6:
		scroll(in, ev->code, ev->x);
		break;
	case 15:
		type(in, ev->code);
		break;
	case KIND_RELEASE:
		release_held(in);
		break;
	default:
		break; /* pads and touch have no virtual device in wlroots */
	}
}

static void *run(void *arg)
{
	struct wlr_input *in = arg;

	pthread_setname_np(pthread_self(), "pf-input");
	while (!atomic_load(&in->stop)) {
		struct pf_input_event ev;
		uint64_t count;
		int r = pf_wl_wait(in->wl, in->wake, -1);

		if (r < 0)
			return NULL; /* the display's death_fd tells the rest */
		if (!(r & PF_WL_EXTRA))
			continue;
		if (read(in->wake, &count, sizeof(count)) < 0 && errno != EAGAIN)
			return NULL;
		while (pf_ring_take(&in->ring, &ev))
			handle(in, &ev);
		if (atomic_exchange(&in->release, false))
			release_held(in);
	}
	return NULL;
}

static void wake(struct wlr_input *in)
{
	const uint64_t one = 1;
	ssize_t n = write(in->wake, &one, sizeof(one));

	(void)n; /* full = it is awake */
}

static int wlr_post(struct pf_input *input, const struct pf_input_event *ev)
{
	struct wlr_input *in = (struct wlr_input *)input;

	if (ev->kind >= PF_INPUT_KINDS)
		return 0;
	if (!pf_ring_put(&in->ring, ev))
		return -EAGAIN;
	wake(in);
	return 0;
}

static void wlr_release_all(struct pf_input *input)
{
	struct wlr_input *in = (struct wlr_input *)input;
	const struct pf_input_event ev = { .kind = KIND_RELEASE };

	if (!pf_ring_put(&in->ring, &ev))
		atomic_store(&in->release, true);
	wake(in);
}

static void wlr_close(struct pf_input *input)
{
	struct wlr_input *in = (struct wlr_input *)input;

	if (!in)
		return;
	if (in->started) {
		atomic_store(&in->stop, true);
		wake(in);
		pthread_join(in->thread, NULL);
		release_held(in);
		(void)pf_wl_roundtrip(in->wl, CLOSE_TIMEOUT_MS);
	}
	if (in->pointer)
		pf_virtual_pointer_destroy(in->pointer);
	if (in->keyboard)
		pf_virtual_keyboard_destroy(in->keyboard);
	if (in->text_keyboard)
		pf_virtual_keyboard_destroy(in->text_keyboard);
	if (in->pointer_manager)
		pf_virtual_pointer_manager_destroy(in->pointer_manager);
	if (in->keyboard_manager)
		pf_virtual_keyboard_manager_destroy(in->keyboard_manager);
	if (in->seat)
		wl_seat_destroy(in->seat);
	pf_wl_close(in->wl);
	xkb_state_unref(in->state);
	xkb_keymap_unref(in->keymap);
	xkb_context_unref(in->xkb);
	pf_ring_finish(&in->ring);
	if (in->wake >= 0)
		close(in->wake);
	free(in);
}

static int make_layout(struct wlr_input *in, const char *layout, struct pf_reason *why)
{
	const struct xkb_rule_names names = { .layout = layout ? layout : "us" };
	xkb_mod_index_t num;

	in->xkb = xkb_context_new(XKB_CONTEXT_NO_FLAGS);
	if (in->xkb)
		in->keymap =
			xkb_keymap_new_from_names(in->xkb, &names, XKB_KEYMAP_COMPILE_NO_FLAGS);
	if (in->keymap)
		in->state = xkb_state_new(in->keymap);
	if (!in->state)
		return pf_reason_set(why, -EINVAL,
			"no keyboard layout \"%s\": is xkb-data installed?", names.layout);
	/* The wire names numpad digits, so NumLock starts on. */
	num = xkb_keymap_mod_get_index(in->keymap, XKB_MOD_NAME_NUM);
	if (num != XKB_MOD_INVALID)
		xkb_state_update_mask(in->state, 0, 0, 1u << num, 0, 0, 0);
	return 0;
}

static int make_keyboards(struct wlr_input *in, struct pf_reason *why)
{
	char *text;
	int r = -ENOMEM;

	/* The layout comes last: it is the one that new clients get. */
	in->text_keyboard = pf_virtual_keyboard_create(in->keyboard_manager, in->seat);
	in->keyboard = pf_virtual_keyboard_create(in->keyboard_manager, in->seat);
	pf_text_map_init(&in->text);
	text = pf_text_map_write(&in->text);
	if (in->text_keyboard && in->keyboard && text)
		r = send_keymap(in->text_keyboard, text);
	free(text);
	text = xkb_keymap_get_as_string(in->keymap, XKB_KEYMAP_FORMAT_TEXT_V1);
	if (!text)
		r = -ENOMEM;
	if (!r)
		r = send_keymap(in->keyboard, text);
	free(text);
	if (r)
		return pf_reason_set(why, r, "cannot send a keymap: %s", strerror(-r));
	sync_modifiers(in);
	return 0;
}

static int make_devices(
	struct wlr_input *in, const struct pf_input_params *params, struct pf_reason *why)
{
	struct pf_wl_output *o;
	int r;

	in->seat = pf_wl_bind(in->wl, &wl_seat_interface, 1, 1);
	in->pointer_manager = pf_wl_bind(in->wl, &pf_virtual_pointer_manager_interface, 1, 2);
	in->keyboard_manager = pf_wl_bind(in->wl, &pf_virtual_keyboard_manager_interface, 1, 1);
	if (!in->seat || !in->pointer_manager || !in->keyboard_manager)
		return pf_reason_set(why, -ENOTSUP,
			"the compositor has no virtual pointer or keyboard: sway and labwc do");
	o = pf_wl_find_output(in->wl, params->target->output_name);
	if (!o)
		return pf_reason_set(why, -ENODEV, "the compositor has no output %s",
			params->target->output_name);
	r = make_layout(in, params->keymap_layout, why);
	if (!r)
		r = make_keyboards(in, why);
	if (r)
		return r;
	in->pointer = pf_virtual_pointer_create(in->pointer_manager, in->seat, o->proxy);
	if (!in->pointer)
		return pf_reason_set(why, -ENOMEM, "out of memory");
	r = pf_wl_roundtrip(in->wl, OPEN_TIMEOUT_MS);
	return r ? pf_reason_set(
			   why, r, "the compositor refused the input devices: %s", strerror(-r))
		 : 0;
}

static int wlr_open(
	struct pf_input **out, const struct pf_input_params *params, struct pf_reason *why)
{
	struct wlr_input *in;
	int r;

	if (params->target->kind != PF_INPUT_WAYLAND)
		return pf_reason_set(why, -EINVAL, "virtual devices need a Wayland target");
	in = calloc(1, sizeof(*in));
	if (!in)
		return pf_reason_set(why, -ENOMEM, "out of memory");
	in->base.ops = &wlr_input_ops;
	in->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = pf_ring_init(&in->ring, RING_EVENTS, sizeof(struct pf_input_event));
	if (in->wake < 0 || r) {
		r = pf_reason_set(why, -ENOMEM, "out of memory");
		goto fail;
	}
	r = pf_wl_open(&in->wl, params->target->wayland_socket, OPEN_TIMEOUT_MS, why);
	if (!r)
		r = make_devices(in, params, why);
	if (r)
		goto fail;
	in->started = true;
	r = -pthread_create(&in->thread, NULL, run, in);
	if (r) {
		in->started = false;
		pf_reason_set(why, r, "cannot start the input thread: %s", strerror(-r));
		goto fail;
	}
	*out = &in->base;
	return 0;
fail:
	wlr_close(&in->base);
	return r;
}

const struct pf_input_ops wlr_input_ops = {
	.name = "wlr",
	.target_kinds = 1u << PF_INPUT_WAYLAND,
	.open = wlr_open,
	.close = wlr_close,
	.post = wlr_post,
	.release_all = wlr_release_all,
};
