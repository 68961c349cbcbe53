/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Touch screen and pen as compositors get them: libinput on devices that udev has
 * named, on a seat. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <libinput.h>
#include <libudev.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "tests/vm/vm.h"

static struct bed {
	struct udev *udev;
	struct libinput *li;
	char words[2000]; /* what libinput complained of */
} bed;

static int open_node(const char *path, int flags, void *user)
{
	int fd = open(path, flags);

	return fd < 0 ? -errno : fd;
}

static void close_node(int fd, void *user)
{
	close(fd);
}

static const struct libinput_interface interface = { open_node, close_node };

__attribute__((format(printf, 3, 0))) static void on_log(
	struct libinput *li, enum libinput_log_priority priority, const char *fmt, va_list args)
{
	size_t len = strlen(bed.words);

	if (priority < LIBINPUT_LOG_PRIORITY_ERROR)
		return;
	vsnprintf(bed.words + len, sizeof(bed.words) - len, fmt, args);
	/* The guest's processor is emulated. */
	if (strstr(bed.words + len, "your system is too slow"))
		bed.words[len] = 0;
}

static int open_seat(void **state)
{
	memset(&bed, 0, sizeof(bed));
	bed.udev = udev_new();
	bed.li = libinput_udev_create_context(&interface, NULL, bed.udev);
	libinput_log_set_handler(bed.li, on_log);
	return libinput_udev_assign_seat(bed.li, "seat0");
}

static int close_seat(void **state)
{
	libinput_unref(bed.li);
	udev_unref(bed.udev);
	return 0;
}

/* The next event of that type; others are passed over. */
static struct libinput_event *next(enum libinput_event_type type)
{
	uint64_t until_ns = pf_clock_mono_ns() + VM_WAIT_MS * PF_NS_PER_MS;
	struct pollfd p = { .fd = libinput_get_fd(bed.li), .events = POLLIN };

	while (pf_clock_mono_ns() < until_ns) {
		struct libinput_event *ev;

		assert_int_equal(libinput_dispatch(bed.li), 0);
		while ((ev = libinput_get_event(bed.li))) {
			if (libinput_event_get_type(ev) == type)
				return ev;
			libinput_event_destroy(ev);
		}
		poll(&p, 1, 100);
	}
	fail_msg("libinput sent no event of type %d; it said: %s", type, bed.words);
	return NULL;
}

static void wait_device(const char *name)
{
	struct libinput_event *ev;
	bool found;

	do {
		ev = next(LIBINPUT_EVENT_DEVICE_ADDED);
		found = !strcmp(libinput_device_get_name(libinput_event_get_device(ev)), name);
		libinput_event_destroy(ev);
	} while (!found);
}

static void touch(struct vm_set *s, enum pf_touch_phase phase, uint32_t id, float x, float y)
{
	struct pf_pad_event ev = { .kind = PF_PAD_SCREEN_TOUCH };

	ev.screen = (struct pf_touch){ .phase = phase, .id = id, .x = x, .y = y, .pressure = -1 };
	ev.screen.rotation_deg = -1;
	vm_post(s, ev);
}

static void expect_touch(enum libinput_event_type type, int slot, double x, double y)
{
	struct libinput_event *ev = next(type);
	struct libinput_event_touch *t = libinput_event_get_touch_event(ev);

	assert_int_equal(libinput_event_touch_get_slot(t), slot);
	if (type == LIBINPUT_EVENT_TOUCH_DOWN || type == LIBINPUT_EVENT_TOUCH_MOTION) {
		assert_float_equal(libinput_event_touch_get_x_transformed(t, 1000), x, 0.5);
		assert_float_equal(libinput_event_touch_get_y_transformed(t, 1000), y, 0.5);
	}
	libinput_event_destroy(ev);
}

static void a_touch_screen(void **state)
{
	struct vm_set *s;

	s = vm_open("client");
	/* Makes the device. An emulated guest's udev needs longer than events are held. */
	touch(s, PF_TOUCH_HOVER, 0, 0, 0);
	wait_device("punktfunk touch screen");
	touch(s, PF_TOUCH_DOWN, 70, 0.25f, 0.75f);
	expect_touch(LIBINPUT_EVENT_TOUCH_DOWN, 0, 250, 750);
	touch(s, PF_TOUCH_DOWN, 71, 0.5f, 0.5f);
	expect_touch(LIBINPUT_EVENT_TOUCH_DOWN, 1, 500, 500);
	touch(s, PF_TOUCH_MOVE, 71, 0.6f, 0.5f);
	expect_touch(LIBINPUT_EVENT_TOUCH_MOTION, 1, 600, 500);
	touch(s, PF_TOUCH_CANCEL, 71, 0, 0);
	expect_touch(LIBINPUT_EVENT_TOUCH_CANCEL, 1, 0, 0);
	touch(s, PF_TOUCH_UP, 70, 0, 0);
	expect_touch(LIBINPUT_EVENT_TOUCH_UP, 0, 0, 0);
	vm_close(s);
	libinput_event_destroy(next(LIBINPUT_EVENT_DEVICE_REMOVED));
	assert_string_equal(bed.words, "");
}

static void pen(struct vm_set *s, struct pf_pen p)
{
	struct pf_pad_event ev = { .kind = PF_PAD_PEN };

	ev.pen = p;
	vm_post(s, ev);
}

static void a_pen(void **state)
{
	struct pf_pen p = { .phase = PF_TOUCH_HOVER,
		.x = 0.25f,
		.y = 0.5f,
		.distance = 0.5f,
		.tilt_deg = 30,
		.rotation_deg = 270 };
	struct libinput_event_tablet_tool *t;
	struct libinput_tablet_tool *tool;
	struct libinput_event *ev;
	struct vm_set *s;

	s = vm_open("client");
	pen(s, (struct pf_pen){ .phase = PF_TOUCH_LEAVE });
	wait_device("punktfunk pen");
	pen(s, p);
	ev = next(LIBINPUT_EVENT_TABLET_TOOL_PROXIMITY);
	t = libinput_event_get_tablet_tool_event(ev);
	tool = libinput_event_tablet_tool_get_tool(t);
	assert_int_equal(libinput_tablet_tool_get_type(tool), LIBINPUT_TABLET_TOOL_TYPE_PEN);
	assert_true(libinput_tablet_tool_has_pressure(tool));
	assert_true(libinput_tablet_tool_has_distance(tool));
	assert_true(libinput_tablet_tool_has_tilt(tool));
	assert_true(libinput_tablet_tool_has_button(tool, BTN_STYLUS));
	assert_float_equal(libinput_event_tablet_tool_get_x_transformed(t, 1000), 250, 0.5);
	assert_float_equal(libinput_event_tablet_tool_get_y_transformed(t, 1000), 500, 0.5);
	assert_float_equal(libinput_event_tablet_tool_get_tilt_x(t), 30, 1.5);
	assert_float_equal(libinput_event_tablet_tool_get_distance(t), 0.5, 0.05);
	libinput_event_destroy(ev);

	p.phase = PF_TOUCH_DOWN;
	p.pressure = 0.5f;
	pen(s, p);
	ev = next(LIBINPUT_EVENT_TABLET_TOOL_TIP);
	t = libinput_event_get_tablet_tool_event(ev);
	assert_int_equal(
		libinput_event_tablet_tool_get_tip_state(t), LIBINPUT_TABLET_TOOL_TIP_DOWN);
	assert_float_equal(libinput_event_tablet_tool_get_pressure(t), 0.5, 0.05);
	libinput_event_destroy(ev);

	p.phase = PF_TOUCH_MOVE;
	p.buttons = 1;
	pen(s, p);
	ev = next(LIBINPUT_EVENT_TABLET_TOOL_BUTTON);
	t = libinput_event_get_tablet_tool_event(ev);
	assert_int_equal(libinput_event_tablet_tool_get_button(t), BTN_STYLUS);
	libinput_event_destroy(ev);

	p.phase = PF_TOUCH_UP;
	p.buttons = 0;
	pen(s, p);
	ev = next(LIBINPUT_EVENT_TABLET_TOOL_TIP);
	t = libinput_event_get_tablet_tool_event(ev);
	assert_int_equal(libinput_event_tablet_tool_get_tip_state(t), LIBINPUT_TABLET_TOOL_TIP_UP);
	libinput_event_destroy(ev);

	/* The eraser, straight onto the surface and of unknown pressure: out, in, tip. */
	p = (struct pf_pen){ .phase = PF_TOUCH_DOWN, .eraser = true, .pressure = -1 };
	p.tilt_deg = p.rotation_deg = -1;
	pen(s, p);
	libinput_event_destroy(next(LIBINPUT_EVENT_TABLET_TOOL_PROXIMITY));
	ev = next(LIBINPUT_EVENT_TABLET_TOOL_TIP);
	t = libinput_event_get_tablet_tool_event(ev);
	tool = libinput_event_tablet_tool_get_tool(t);
	assert_int_equal(libinput_tablet_tool_get_type(tool), LIBINPUT_TABLET_TOOL_TYPE_ERASER);
	assert_int_equal(
		libinput_event_tablet_tool_get_tip_state(t), LIBINPUT_TABLET_TOOL_TIP_DOWN);
	libinput_event_destroy(ev);
	pen(s, (struct pf_pen){ .phase = PF_TOUCH_LEAVE, .eraser = true });
	libinput_event_destroy(next(LIBINPUT_EVENT_TABLET_TOOL_PROXIMITY));
	vm_close(s);
	libinput_event_destroy(next(LIBINPUT_EVENT_DEVICE_REMOVED));
	assert_string_equal(bed.words, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_touch_screen, open_seat, close_seat),
		cmocka_unit_test_setup_teardown(a_pen, open_seat, close_seat),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
