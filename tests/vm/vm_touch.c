/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Touch screen and pen, as the kernel's event interface shows them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "tests/vm/vm.h"

static void touch(struct vm_set *s, enum pf_touch_phase phase, uint32_t id, float x, float y)
{
	struct pf_pad_event ev = { .kind = PF_PAD_SCREEN_TOUCH };

	ev.screen = (struct pf_touch){ .phase = phase,
		.id = id,
		.x = x,
		.y = y,
		.pressure = 0.5f,
		.major = 0.25f,
		.minor = 0.125f,
		.rotation_deg = 135 };
	vm_post(s, ev);
}

/* Made by the first event, which touches nothing. */
static int open_screen(struct vm_set **s)
{
	*s = vm_open("client");
	touch(*s, PF_TOUCH_HOVER, 0, 0, 0);
	return vm_node("punktfunk/client/touch", NULL);
}

static void check_axis(int fd, int code, int min, int max, int resolution)
{
	struct input_absinfo a = { .maximum = -1 };

	assert_int_equal(ioctl(fd, EVIOCGABS(code), &a), 0);
	assert_int_equal(a.minimum, min);
	assert_int_equal(a.maximum, max);
	assert_int_equal(a.resolution, resolution);
}

static void check_property(int fd)
{
	uint8_t props[4] = { 0 };

	assert_true(ioctl(fd, EVIOCGPROP(sizeof(props)), props) > 0);
	assert_int_equal(props[0], 1 << INPUT_PROP_DIRECT);
}

static void two_fingers(void **state)
{
	struct vm_set *s;
	int fd = open_screen(&s);

	check_property(fd);
	check_axis(fd, ABS_MT_SLOT, 0, 15, 0);
	check_axis(fd, ABS_MT_POSITION_X, 0, 32767, 64);
	check_axis(fd, ABS_MT_POSITION_Y, 0, 32767, 113);
	check_axis(fd, ABS_MT_PRESSURE, 0, 1023, 0);
	check_axis(fd, ABS_MT_ORIENTATION, -90, 90, 0);
	/* Ids are the client's and may be anything. */
	touch(s, PF_TOUCH_DOWN, 4000000000u, 1, 0.5f);
	VM_EXPECT(fd, EV_ABS, ABS_MT_TRACKING_ID, 1, EV_ABS, ABS_MT_POSITION_X, 32767, EV_ABS,
		ABS_MT_POSITION_Y, 16384, EV_ABS, ABS_MT_PRESSURE, 512, EV_ABS, ABS_MT_TOUCH_MAJOR,
		8192, EV_ABS, ABS_MT_TOUCH_MINOR, 4096, EV_ABS, ABS_MT_ORIENTATION, -45, EV_ABS,
		ABS_X, 32767, EV_ABS, ABS_Y, 16384, EV_ABS, ABS_PRESSURE, 512, EV_KEY, BTN_TOUCH,
		1);
	touch(s, PF_TOUCH_DOWN, 7, 0.25f, 0.25f);
	VM_EXPECT(fd, EV_ABS, ABS_MT_SLOT, 1, EV_ABS, ABS_MT_TRACKING_ID, 2, EV_ABS,
		ABS_MT_POSITION_X, 8192, EV_ABS, ABS_MT_POSITION_Y, 8192, EV_ABS, ABS_MT_PRESSURE,
		512, EV_ABS, ABS_MT_TOUCH_MAJOR, 8192, EV_ABS, ABS_MT_TOUCH_MINOR, 4096, EV_ABS,
		ABS_MT_ORIENTATION, -45);
	touch(s, PF_TOUCH_MOVE, 7, 0.5f, 0.25f);
	VM_EXPECT(fd, EV_ABS, ABS_MT_POSITION_X, 16384);
	touch(s, PF_TOUCH_MOVE, 4000000000u, 0, 0.5f);
	VM_EXPECT(fd, EV_ABS, ABS_MT_SLOT, 0, EV_ABS, ABS_MT_POSITION_X, 0, EV_ABS, ABS_X, 0);
	/* The second becomes the only one. */
	touch(s, PF_TOUCH_UP, 4000000000u, 0, 0);
	VM_EXPECT(fd, EV_ABS, ABS_MT_TRACKING_ID, -1, EV_ABS, ABS_X, 16384, EV_ABS, ABS_Y, 8192);
	touch(s, PF_TOUCH_UP, 7, 0, 0);
	VM_EXPECT(fd, EV_ABS, ABS_MT_SLOT, 1, EV_ABS, ABS_MT_TRACKING_ID, -1, EV_ABS, ABS_PRESSURE,
		0, EV_KEY, BTN_TOUCH, 0);
	/* Nobody of these is down. */
	touch(s, PF_TOUCH_UP, 7, 0, 0);
	touch(s, PF_TOUCH_MOVE, 7, 1, 1);
	touch(s, PF_TOUCH_CANCEL, 9, 1, 1);
	touch(s, PF_TOUCH_LEAVE, 9, 1, 1);
	vm_quiet(fd);
	vm_close(s);
	vm_wait_gone("punktfunk/client/touch");
	close(fd);
}

static void count_slots(int fd, unsigned want_down, unsigned want_palms)
{
	struct {
		uint32_t code;
		int32_t values[16];
	} ids = { .code = ABS_MT_TRACKING_ID }, tools = { .code = ABS_MT_TOOL_TYPE };
	unsigned down = 0, palms = 0;

	assert_true(ioctl(fd, EVIOCGMTSLOTS(sizeof(ids)), &ids) >= 0);
	assert_true(ioctl(fd, EVIOCGMTSLOTS(sizeof(tools)), &tools) >= 0);
	for (unsigned i = 0; i < 16; i++) {
		down += ids.values[i] >= 0;
		palms += tools.values[i] == MT_TOOL_PALM;
	}
	assert_int_equal(down, want_down);
	assert_int_equal(palms, want_palms);
}

/* Reads until BTN_TOUCH has that value. */
static void until_touch(int fd, int value)
{
	struct input_event ev;

	do {
		ev = vm_event(fd, VM_WAIT_MS);
		assert_int_not_equal(ev.type, 0);
	} while (ev.type != EV_KEY || ev.code != BTN_TOUCH || ev.value != value);
}

static void drain(int fd)
{
	while (vm_event(fd, 200).type)
		;
}

static void sixteen_fingers_and_cancel(void **state)
{
	struct vm_set *s;
	int fd = open_screen(&s);

	for (uint32_t i = 0; i < 17; i++)
		touch(s, PF_TOUCH_DOWN, 100 + i, (float)i / 20, 0.5f);
	until_touch(fd, 1);
	drain(fd);
	count_slots(fd, 16, 0);
	touch(s, PF_TOUCH_CANCEL, 103, 0, 0);
	drain(fd);
	count_slots(fd, 15, 1);
	/* The 17th finger may come now. */
	touch(s, PF_TOUCH_DOWN, 116, 0.1f, 0.1f);
	drain(fd);
	count_slots(fd, 16, 0);
	touch(s, PF_TOUCH_CANCEL_ALL, 0, 0, 0);
	until_touch(fd, 0);
	count_slots(fd, 0, 16);
	touch(s, PF_TOUCH_DOWN, 5, 0.1f, 0.1f);
	until_touch(fd, 1);
	vm_post(s, (struct pf_pad_event){ .kind = PF_PAD_RELEASE_ALL });
	until_touch(fd, 0);
	count_slots(fd, 0, 16);
	close(fd);
	vm_close(s);
}

static void pen(struct vm_set *s, struct pf_pen p)
{
	struct pf_pad_event ev = { .kind = PF_PAD_PEN };

	ev.pen = p;
	vm_post(s, ev);
}

static struct pf_pen at(enum pf_touch_phase phase, float x, float y)
{
	return (struct pf_pen){ .phase = phase,
		.x = x,
		.y = y,
		.pressure = -1,
		.distance = -1,
		.tilt_deg = -1,
		.rotation_deg = -1 };
}

static void pen_in_all_its_ways(void **state)
{
	struct pf_pen p = at(PF_TOUCH_HOVER, 0.5f, 1);
	struct vm_set *s;
	int fd;

	s = vm_open("client");
	pen(s, at(PF_TOUCH_LEAVE, 0, 0));
	fd = vm_node("punktfunk/client/pen", NULL);
	check_property(fd);
	check_axis(fd, ABS_X, 0, 32767, 64);
	check_axis(fd, ABS_Y, 0, 32767, 113);
	check_axis(fd, ABS_PRESSURE, 0, 4095, 0);
	check_axis(fd, ABS_DISTANCE, 0, 255, 0);
	check_axis(fd, ABS_TILT_X, -90, 90, 57);
	/* Comes near from the lower middle, its tip pointing to the left. */
	p.distance = 1;
	p.tilt_deg = 30;
	p.rotation_deg = 270;
	pen(s, p);
	VM_EXPECT(fd, EV_KEY, BTN_TOOL_PEN, 1, EV_ABS, ABS_X, 16384, EV_ABS, ABS_Y, 32767, EV_ABS,
		ABS_TILT_X, 30, EV_ABS, ABS_DISTANCE, 255);
	/* Touches, its tip pointing up: it leans towards the user. */
	p.phase = PF_TOUCH_DOWN;
	p.pressure = 0.25f;
	p.rotation_deg = 0;
	pen(s, p);
	VM_EXPECT(fd, EV_ABS, ABS_TILT_X, 0, EV_ABS, ABS_TILT_Y, 30, EV_ABS, ABS_DISTANCE, 0,
		EV_ABS, ABS_PRESSURE, 1024, EV_KEY, BTN_TOUCH, 1);
	/* Between the axes, flat; all buttons. */
	p.phase = PF_TOUCH_MOVE;
	p.pressure = 1;
	p.tilt_deg = 60;
	p.rotation_deg = 45;
	p.buttons = 7;
	pen(s, p);
	VM_EXPECT(fd, EV_ABS, ABS_TILT_X, -51, EV_ABS, ABS_TILT_Y, 51, EV_ABS, ABS_PRESSURE, 4095,
		EV_KEY, BTN_STYLUS, 1, EV_KEY, BTN_STYLUS2, 1, EV_KEY, BTN_STYLUS3, 1);
	p.phase = PF_TOUCH_UP;
	p.buttons = 0;
	p.tilt_deg = -1;
	pen(s, p);
	VM_EXPECT(fd, EV_ABS, ABS_TILT_X, 0, EV_ABS, ABS_TILT_Y, 0, EV_ABS, ABS_PRESSURE, 0, EV_KEY,
		BTN_TOUCH, 0, EV_KEY, BTN_STYLUS, 0, EV_KEY, BTN_STYLUS2, 0, EV_KEY, BTN_STYLUS3,
		0);
	/* Turned round without a word: the pen goes before the eraser comes. */
	p = at(PF_TOUCH_DOWN, 0.5f, 1);
	p.eraser = true;
	pen(s, p);
	VM_EXPECT(fd, EV_KEY, BTN_TOOL_PEN, 0, EV_KEY, BTN_TOOL_RUBBER, 1, EV_ABS, ABS_PRESSURE,
		2047, EV_KEY, BTN_TOUCH, 1);
	pen(s, at(PF_TOUCH_LEAVE, 0, 0));
	VM_EXPECT(fd, EV_KEY, BTN_TOUCH, 0, EV_ABS, ABS_PRESSURE, 0, EV_KEY, BTN_TOOL_RUBBER, 0);
	/* Out of range it has nothing to let go. */
	vm_post(s, (struct pf_pad_event){ .kind = PF_PAD_RELEASE_ALL });
	vm_quiet(fd);
	pen(s, at(PF_TOUCH_DOWN, 0.5f, 1));
	VM_EXPECT(fd, EV_KEY, BTN_TOOL_PEN, 1, EV_ABS, ABS_PRESSURE, 2047, EV_KEY, BTN_TOUCH, 1);
	vm_post(s, (struct pf_pad_event){ .kind = PF_PAD_RELEASE_ALL });
	VM_EXPECT(fd, EV_KEY, BTN_TOUCH, 0, EV_ABS, ABS_PRESSURE, 0, EV_KEY, BTN_TOOL_PEN, 0);
	vm_close(s);
	vm_wait_gone("punktfunk/client/pen");
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_fingers),
		cmocka_unit_test(sixteen_fingers_and_cancel),
		cmocka_unit_test(pen_in_all_its_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
