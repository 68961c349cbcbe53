/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* PlayStation pads: what is posted is read back through evdev, hidraw, sysfs and
 * SDL2, and what programs send comes back as feedback. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <SDL.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/hidraw.h>
#include <linux/input.h>
#include <math.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "tests/vm/vm.h"

/* Fails the test with its words. */
#define check(cond, ...)                                                                           \
	do {                                                                                       \
		if (!(cond))                                                                       \
			fail_msg(__VA_ARGS__);                                                     \
	} while (0)

static struct vm_set *set;

static void post(struct pf_pad_event ev)
{
	vm_post(set, ev);
}

static void leave(uint8_t pad)
{
	post((struct pf_pad_event){ .kind = PF_PAD_LEAVE, .pad = pad });
}

static void state(uint8_t pad, struct pf_pad_state s)
{
	vm_state(set, pad, s);
}

static void finger(uint8_t pad, enum pf_touch_phase phase, uint32_t id, float x, float y)
{
	post((struct pf_pad_event){ .kind = PF_PAD_TOUCH,
		.pad = pad,
		.touch.touch = { .phase = phase, .id = id, .x = x, .y = y } });
}

static void motion(uint8_t pad, bool gyro, float x, float y, float z)
{
	post((struct pf_pad_event){ .kind = PF_PAD_MOTION,
		.pad = pad,
		.motion = { .gyro = gyro, .x = x, .y = y, .z = z } });
}

static void battery(uint8_t pad, enum pf_pad_battery s, uint8_t percent)
{
	post((struct pf_pad_event){ .kind = PF_PAD_BATTERY,
		.pad = pad,
		.battery = { .state = s, .percent = percent } });
}

static uint64_t now_ms(void)
{
	return pf_clock_mono_ns() / PF_NS_PER_MS;
}

/* No feedback of that kind comes. */
static bool silent(enum pf_pad_feedback_kind kind)
{
	bool none = true;

	usleep(200000);
	pthread_mutex_lock(&set->lock);
	for (unsigned i = set->next; i < set->count; i++)
		none &= set->heard[i].fb.kind != kind;
	pthread_mutex_unlock(&set->lock);
	return none;
}

/* The motion that was asked for last. */
static unsigned last_rate(void)
{
	unsigned rate_hz = 0;

	pthread_mutex_lock(&set->lock);
	for (unsigned i = 0; i < set->count; i++)
		if (set->heard[i].fb.kind == PF_PAD_FB_MOTION)
			rate_hz = set->heard[i].fb.motion.rate_hz;
	pthread_mutex_unlock(&set->lock);
	return rate_hz;
}

static void drain(void)
{
	pthread_mutex_lock(&set->lock);
	set->next = set->count;
	pthread_mutex_unlock(&set->lock);
}

static void expect_rumble(uint16_t low, uint16_t high)
{
	struct pf_pad_feedback fb = vm_feedback(set, PF_PAD_FB_RUMBLE, 0);

	assert_int_equal(fb.rumble.low, low);
	assert_int_equal(fb.rumble.high, high);
}

/* Both sensors are wanted, or none. */
static void expect_motion(bool on)
{
	for (int gyro = 0; gyro < 2; gyro++) {
		struct pf_pad_feedback fb = vm_feedback(set, PF_PAD_FB_MOTION, 0);

		assert_int_equal(fb.motion.gyro, gyro);
		assert_int_equal(fb.motion.rate_hz, on ? 100 : 0);
	}
}

static int read_file(const char *path, char *buf, size_t cap)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, cap - 1);

	if (fd >= 0)
		close(fd);
	if (n < 0)
		return -1;
	while (n && buf[n - 1] == '\n')
		n--;
	buf[n] = 0;
	return (int)n;
}

/* Opens the event node whose device has that name, within 10 s. */
static int open_evdev(const char *name)
{
	uint64_t end = now_ms() + VM_WAIT_MS;
	char path[64], got[256];

	do {
		for (int i = 0; i < 32; i++) {
			int fd;

			snprintf(path, sizeof(path), "/sys/class/input/event%d/device/name", i);
			if (read_file(path, got, sizeof(got)) < 0 || strcmp(got, name) != 0)
				continue;
			snprintf(path, sizeof(path), "/dev/input/event%d", i);
			fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
			if (fd >= 0)
				return fd;
		}
		usleep(20000);
	} while (now_ms() < end);
	return -1;
}

/* How many input devices have that in their name. */
static int count_evdev(const char *part)
{
	char got[256];
	int count = 0;
	glob_t g;

	if (glob("/sys/class/input/event*/device/name", 0, NULL, &g))
		return 0;
	for (size_t i = 0; i < g.gl_pathc; i++)
		count += read_file(g.gl_pathv[i], got, sizeof(got)) > 0 && strstr(got, part);
	globfree(&g);
	return count;
}

/* The n-th hidraw node of that product. */
static int open_hidraw(unsigned product, int nth)
{
	uint64_t end = now_ms() + VM_WAIT_MS;
	struct hidraw_devinfo info;
	char path[64];

	do {
		for (int i = 0, seen = 0; i < 16; i++) {
			int fd;

			snprintf(path, sizeof(path), "/dev/hidraw%d", i);
			fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
			if (fd < 0)
				continue;
			if (!ioctl(fd, HIDIOCGRAWINFO, &info) &&
				(uint16_t)info.product == product && seen++ == nth)
				return fd;
			close(fd);
		}
		usleep(20000);
	} while (now_ms() < end);
	return -1;
}

/* Waits until the device's value of an axis is `want` give or take `slack`. */
static int abs_value(int fd, int code, int want, int slack)
{
	struct input_absinfo info = { 0 };
	uint64_t end = now_ms() + VM_WAIT_MS;

	do {
		if (ioctl(fd, EVIOCGABS(code), &info))
			return INT32_MIN;
		if (abs(info.value - want) <= slack)
			break;
		usleep(5000);
	} while (now_ms() < end);
	return info.value;
}

static bool key_down(int fd, int code, bool want)
{
	uint8_t keys[KEY_MAX / 8 + 1];
	uint64_t end = now_ms() + VM_WAIT_MS;
	bool is = !want;

	do {
		if (ioctl(fd, EVIOCGKEY(sizeof(keys)), keys) < 0)
			return !want;
		is = keys[code / 8] >> (code % 8) & 1;
		if (is == want)
			return is;
		usleep(5000);
	} while (now_ms() < end);
	return is;
}

static bool mt_value(int fd, uint32_t code, int slot, int want, int slack, int *got)
{
	struct {
		uint32_t code;
		int32_t values[2];
	} req = { .code = code };
	uint64_t end = now_ms() + VM_WAIT_MS;

	do {
		if (ioctl(fd, EVIOCGMTSLOTS(sizeof(req)), &req) < 0)
			return false;
		*got = req.values[slot];
		if (abs(*got - want) <= slack)
			return true;
		usleep(5000);
	} while (now_ms() < end);
	return false;
}

struct kind {
	enum pf_pad_kind kind;
	const char *name;
	unsigned product;
	int height;
	uint8_t report;
	const char *sdl;
	SDL_GameControllerType type;
};

static const struct kind kinds[] = {
	{ PF_PAD_DUALSENSE, "DualSense Wireless Controller", 0x0ce6, 1080, 0x31, "PS5 Controller",
		SDL_CONTROLLER_TYPE_PS5 },
	{ PF_PAD_DUALSHOCK4, "Wireless Controller", 0x09cc, 942, 0x11, "PS4 Controller",
		SDL_CONTROLLER_TYPE_PS4 },
};

static int node(const struct kind *k, const char *part)
{
	char name[160];
	int fd;

	snprintf(name, sizeof(name), "%s%s", k->name, part);
	fd = open_evdev(name);
	check(fd >= 0, "no event node of %s", name);
	return fd;
}

static int begin(void **st)
{
	const struct kind *k = *st;

	set = vm_open("VM");
	vm_arrive(set, 0, k->kind);
	/* The last nodes that the drivers make. */
	close(node(k, " Touchpad"));
	close(node(k, ""));
	return 0;
}

static int end(void **st)
{
	uint64_t until = now_ms() + VM_WAIT_MS;

	SDL_Quit();
	vm_close(set);
	while (count_evdev("Wireless Controller") && now_ms() < until)
		usleep(10000);
	return count_evdev("Wireless Controller");
}

static void buttons_and_sticks(void **st)
{
	static const struct {
		uint32_t button;
		int key;
	} rows[] = {
		{ PF_PAD_A, BTN_SOUTH },
		{ PF_PAD_B, BTN_EAST },
		{ PF_PAD_X, BTN_WEST },
		{ PF_PAD_Y, BTN_NORTH },
		{ PF_PAD_LB, BTN_TL },
		{ PF_PAD_RB, BTN_TR },
		{ PF_PAD_BACK, BTN_SELECT },
		{ PF_PAD_START, BTN_START },
		{ PF_PAD_L3, BTN_THUMBL },
		{ PF_PAD_R3, BTN_THUMBR },
		{ PF_PAD_GUIDE, BTN_MODE },
	};
	const struct kind *k = *st;
	int fd = node(k, "");

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		state(0, (struct pf_pad_state){ .buttons = rows[i].button });
		check(key_down(fd, rows[i].key, true), "key %#x does not go down", rows[i].key);
		state(0, (struct pf_pad_state){ 0 });
		check(!key_down(fd, rows[i].key, false), "key %#x does not go up", rows[i].key);
	}
	state(0, (struct pf_pad_state){ .buttons = PF_PAD_LEFT | PF_PAD_UP,
			 .lx = -32768,
			 .ly = 32767,
			 .rx = 32767,
			 .ry = -32768,
			 .lt = 100,
			 .rt = 255 });
	assert_int_equal(abs_value(fd, ABS_X, 0, 0), 0);
	assert_int_equal(abs_value(fd, ABS_Y, 0, 0), 0);
	assert_int_equal(abs_value(fd, ABS_RX, 255, 0), 255);
	assert_int_equal(abs_value(fd, ABS_RY, 255, 0), 255);
	assert_int_equal(abs_value(fd, ABS_Z, 100, 0), 100);
	assert_int_equal(abs_value(fd, ABS_RZ, 255, 0), 255);
	assert_int_equal(abs_value(fd, ABS_HAT0X, -1, 0), -1);
	assert_int_equal(abs_value(fd, ABS_HAT0Y, -1, 0), -1);
	assert_true(key_down(fd, BTN_TL2, true));
	assert_true(key_down(fd, BTN_TR2, true));
	post((struct pf_pad_event){ .kind = PF_PAD_RELEASE_ALL });
	assert_int_equal(abs_value(fd, ABS_X, 128, 0), 128);
	assert_int_equal(abs_value(fd, ABS_RY, 128, 0), 128);
	assert_int_equal(abs_value(fd, ABS_HAT0X, 0, 0), 0);
	assert_false(key_down(fd, BTN_TR2, false));
	close(fd);
}

static void rumble_and_light(void **st)
{
	const struct kind *k = *st;
	struct ff_effect e = { .type = FF_RUMBLE,
		.id = -1,
		.u.rumble = { .strong_magnitude = 0xc000, .weak_magnitude = 0x4000 },
		.replay.length = 5000 };
	struct input_event play = { .type = EV_FF, .value = 1 };
	struct pf_pad_feedback fb = vm_feedback(set, PF_PAD_FB_LED, 0);
	int fd = node(k, "");

	/* The driver's own colour for the first pad. */
	assert_int_equal(fb.led.r, 0);
	assert_true(fb.led.b);
	assert_int_equal(ioctl(fd, EVIOCSFF, &e), 0);
	play.code = (uint16_t)e.id;
	assert_int_equal(write(fd, &play, sizeof(play)), sizeof(play));
	expect_rumble(0xc0c0, 0x4040);
	close(fd); /* the kernel ends what a program leaves behind */
	expect_rumble(0, 0);
}

static void touchpad(void **st)
{
	const struct kind *k = *st;
	int fd = node(k, " Touchpad"), is;

	finger(0, PF_TOUCH_DOWN, 7, 0.25f, 0.5f);
	finger(0, PF_TOUCH_DOWN, 900000, 1.0f, 1.0f);
	check(mt_value(fd, ABS_MT_POSITION_X, 0, 480, 1, &is), "x %d", is);
	check(mt_value(fd, ABS_MT_POSITION_Y, 0, k->height / 2, 1, &is), "y %d", is);
	check(mt_value(fd, ABS_MT_POSITION_X, 1, 1919, 0, &is), "x %d", is);
	check(mt_value(fd, ABS_MT_POSITION_Y, 1, k->height - 1, 0, &is), "y %d", is);
	finger(0, PF_TOUCH_UP, 7, 0.25f, 0.5f);
	check(mt_value(fd, ABS_MT_TRACKING_ID, 0, -1, 0, &is), "finger stays");
	state(0, (struct pf_pad_state){ .buttons = PF_PAD_TOUCHPAD });
	assert_true(key_down(fd, BTN_LEFT, true));
	post((struct pf_pad_event){ .kind = PF_PAD_RELEASE_ALL });
	assert_false(key_down(fd, BTN_LEFT, false));
	check(mt_value(fd, ABS_MT_TRACKING_ID, 1, -1, 0, &is), "finger stays");
	close(fd);
}

/* The group may read and write it, and whoever sits at the machine. */
static void check_access(int fd)
{
	struct group *input = getgrnam("input");
	uint64_t until = now_ms() + VM_WAIT_MS;
	struct stat s;
	char tag[64];

	assert_non_null(input);
	assert_int_equal(fstat(fd, &s), 0);
	snprintf(tag, sizeof(tag), "/run/udev/tags/uaccess/c%u:%u", major(s.st_rdev),
		minor(s.st_rdev));
	/* udev's rules are not done when the node comes. */
	while ((access(tag, F_OK) || (s.st_mode & 0777) != 0660) && now_ms() < until) {
		usleep(10000);
		assert_int_equal(fstat(fd, &s), 0);
	}
	assert_int_equal(access(tag, F_OK), 0);
	assert_int_equal(s.st_mode & 0777, 0660);
	assert_int_equal(s.st_gid, input->gr_gid);
}

static void motion_sensors(void **st)
{
	const struct kind *k = *st;
	struct input_event ev;
	uint32_t first = 0, last = 0;
	uint64_t from;
	int fd = node(k, " Motion Sensors");

	expect_motion(true);
	check_access(fd);
	/* The kernel's units: 1/1024 deg/s, 1/8192 g. */
	motion(0, true, 90.0f, -45.5f, 1000.0f);
	motion(0, false, 0.0f, 9.80665f, -4.903325f);
	assert_int_equal(abs_value(fd, ABS_RX, 92160, 0), 92160);
	assert_int_equal(abs_value(fd, ABS_RY, -46592, 0), -46592);
	assert_int_equal(abs_value(fd, ABS_RZ, 1024000, 0), 1024000);
	assert_int_equal(abs_value(fd, ABS_X, 0, 0), 0);
	assert_int_equal(abs_value(fd, ABS_Y, 8192, 0), 8192);
	assert_int_equal(abs_value(fd, ABS_Z, -4096, 0), -4096);
	while (read(fd, &ev, sizeof(ev)) == sizeof(ev))
		;
	from = now_ms();
	for (int i = 1; i <= 20; i++) {
		motion(0, true, (float)i, 0, 0);
		usleep(10000);
		while (read(fd, &ev, sizeof(ev)) == sizeof(ev)) {
			if (ev.type != EV_MSC || ev.code != MSC_TIMESTAMP)
				continue;
			first = first ? first : (uint32_t)ev.value;
			last = (uint32_t)ev.value;
		}
	}
	check(last - first > 100000 && last - first < (now_ms() - from + 5) * 1000,
		"the sensors' clock goes %u us in %u ms", last - first,
		(unsigned)(now_ms() - from));
	close(fd);
	expect_motion(false);
}

static void wait_supply(const char *attribute, const char *want)
{
	char path[300], is[64] = "nothing";
	uint64_t until = now_ms() + VM_WAIT_MS;
	glob_t g;

	do {
		snprintf(path, sizeof(path), "/sys/class/power_supply/*controller*/%s", attribute);
		if (!glob(path, 0, NULL, &g)) {
			if (read_file(g.gl_pathv[0], is, sizeof(is)) < 0)
				is[0] = 0;
			globfree(&g);
		}
		usleep(10000);
	} while (strcmp(is, want) != 0 && now_ms() < until);
	assert_string_equal(is, want);
}

static void battery_level(void **st)
{
	/* The report has tens; the kernel shows the middle of each. */
	battery(0, PF_PAD_BATTERY_DISCHARGING, 42);
	wait_supply("capacity", "45");
	wait_supply("status", "Discharging");
	battery(0, PF_PAD_BATTERY_CHARGING, 71);
	wait_supply("status", "Charging");
	wait_supply("capacity", "75");
	battery(0, PF_PAD_BATTERY_FULL, 100);
	wait_supply("status", "Full");
	wait_supply("capacity", "100");
}

/* With the checksum of an output report. */
static bool send_effect(int fd, uint8_t effect[78])
{
	uint32_t crc = ~0u;

	for (int i = -1; i < 74; i++) {
		crc ^= i < 0 ? 0xa2 : effect[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
	}
	crc = ~crc;
	for (int i = 0; i < 4; i++)
		effect[74 + i] = (uint8_t)(crc >> (8 * i));
	return write(fd, effect, 78) == 78;
}

static void hidraw_node(void **st)
{
	const struct kind *k = *st;
	int fd = open_hidraw(k->product, 0);
	uint8_t report[78] = { 0 }, effect[78] = { k->report }, *body;
	struct pf_pad_feedback fb;
	struct pollfd p = { .fd = fd, .events = POLLIN };

	/* Greets whoever opens it: SDL waits 16 ms for that, of a machine that is faster. */
	assert_int_equal(poll(&p, 1, VM_WAIT_MS), 1);
	assert_int_equal(read(fd, report, sizeof(report)), 78);
	assert_int_equal(report[0], k->report);
	/* And stays lively for those who take silence for a lost connection. */
	for (int i = 0; i < 30; i++) {
		assert_int_equal(poll(&p, 1, VM_WAIT_MS), 1);
		assert_int_equal(read(fd, report, sizeof(report)), 78);
	}
	check_access(fd);
	drain();
	report[0] = 0x05; /* calibration */
	assert_int_equal(ioctl(fd, HIDIOCGFEATURE(sizeof(report)), report), 41);
	expect_motion(true);
	report[0] = 0x7f;
	assert_int_equal(ioctl(fd, HIDIOCGFEATURE(sizeof(report)), report), -1);
	report[0] = 0x80;
	assert_int_equal(ioctl(fd, HIDIOCSFEATURE(sizeof(report)), report), sizeof(report));
	if (k->kind == PF_PAD_DUALSENSE) {
		effect[2] = 0x10;
		body = effect + 3;
		body[0] = 0x04 | 0x08;
		for (int i = 0; i < 11; i++) {
			body[10 + i] = (uint8_t)(0x21 + i);
			body[21 + i] = (uint8_t)(0x41 + i);
		}
		assert_true(send_effect(fd, effect));
		fb = vm_feedback(set, PF_PAD_FB_TRIGGERS, 0);
		assert_true(fb.triggers.set_left && fb.triggers.set_right);
		assert_memory_equal(fb.triggers.right, body + 10, 11);
		assert_memory_equal(fb.triggers.left, body + 21, 11);
		assert_true(send_effect(fd, effect));
		assert_true(silent(PF_PAD_FB_TRIGGERS));
		body[0] = 1;
		body[3] = 0xff;
	} else {
		effect[1] = 0xc0;
		effect[3] = 3;
		effect[6] = 0x11;
		effect[7] = 0x22;
		effect[9] = 0x80;
		assert_true(send_effect(fd, effect));
		expect_rumble(0x2222, 0x1111);
		assert_int_equal(vm_feedback(set, PF_PAD_FB_LED, 0).led.g, 0x80);
		effect[6] = 0;
		effect[7] = 0xff;
	}
	assert_int_equal(write(fd, effect, sizeof(effect)), sizeof(effect));
	assert_true(silent(PF_PAD_FB_RUMBLE)); /* the checksum is of another report */
	assert_true(send_effect(fd, effect));
	expect_rumble(0xffff, 0);
	/* Whoever goes in the middle of an effect. */
	close(fd);
	expect_rumble(0, 0);
	expect_motion(false);
}

static bool wait_sdl(
	SDL_GameController *c, bool (*done)(SDL_GameController *, const void *), const void *want)
{
	uint64_t end = now_ms() + VM_WAIT_MS;
	SDL_Event ev;

	do {
		while (SDL_PollEvent(&ev))
			;
		if (done(c, want))
			return true;
		usleep(2000);
	} while (now_ms() < end);
	return false;
}

static bool sdl_button(SDL_GameController *c, const void *want)
{
	return SDL_GameControllerGetButton(c, *(const SDL_GameControllerButton *)want);
}

static bool sdl_axes(SDL_GameController *c, const void *want)
{
	const int16_t *w = want;

	for (int i = 0; i < SDL_CONTROLLER_AXIS_MAX; i++)
		if (abs(SDL_GameControllerGetAxis(c, (SDL_GameControllerAxis)i) - w[i]) > 256)
			return false;
	return true;
}

static bool sdl_motion(SDL_GameController *c, const void *want)
{
	const float *w = want;
	float got[6];

	if (SDL_GameControllerGetSensorData(c, SDL_SENSOR_GYRO, got, 3) ||
		SDL_GameControllerGetSensorData(c, SDL_SENSOR_ACCEL, got + 3, 3))
		return false;
	for (int i = 0; i < 6; i++)
		if (fabsf(got[i] - w[i]) > 0.002f)
			return false;
	return true;
}

static bool sdl_touch(SDL_GameController *c, const void *want)
{
	const float *w = want; /* x, y, x, y */
	float x, y;
	uint8_t down;

	for (int i = 0; i < 2; i++) {
		if (SDL_GameControllerGetTouchpadFinger(c, 0, i, &down, &x, &y, NULL) || !down ||
			fabsf(x - w[2 * i]) > 0.01f || fabsf(y - w[2 * i + 1]) > 0.03f)
			return false;
	}
	return true;
}

static void check_sdl_buttons(SDL_GameController *c, const struct kind *k)
{
	static const struct {
		uint32_t button;
		SDL_GameControllerButton sdl;
	} rows[] = {
		{ PF_PAD_A, SDL_CONTROLLER_BUTTON_A },
		{ PF_PAD_B, SDL_CONTROLLER_BUTTON_B },
		{ PF_PAD_X, SDL_CONTROLLER_BUTTON_X },
		{ PF_PAD_Y, SDL_CONTROLLER_BUTTON_Y },
		{ PF_PAD_UP, SDL_CONTROLLER_BUTTON_DPAD_UP },
		{ PF_PAD_DOWN, SDL_CONTROLLER_BUTTON_DPAD_DOWN },
		{ PF_PAD_LEFT, SDL_CONTROLLER_BUTTON_DPAD_LEFT },
		{ PF_PAD_RIGHT, SDL_CONTROLLER_BUTTON_DPAD_RIGHT },
		{ PF_PAD_BACK, SDL_CONTROLLER_BUTTON_BACK },
		{ PF_PAD_START, SDL_CONTROLLER_BUTTON_START },
		{ PF_PAD_GUIDE, SDL_CONTROLLER_BUTTON_GUIDE },
		{ PF_PAD_L3, SDL_CONTROLLER_BUTTON_LEFTSTICK },
		{ PF_PAD_R3, SDL_CONTROLLER_BUTTON_RIGHTSTICK },
		{ PF_PAD_LB, SDL_CONTROLLER_BUTTON_LEFTSHOULDER },
		{ PF_PAD_RB, SDL_CONTROLLER_BUTTON_RIGHTSHOULDER },
		{ PF_PAD_TOUCHPAD, SDL_CONTROLLER_BUTTON_TOUCHPAD },
		{ PF_PAD_MISC, SDL_CONTROLLER_BUTTON_MISC1 },
	};
	size_t count = sizeof(rows) / sizeof(rows[0]) - (k->kind == PF_PAD_DUALSHOCK4);

	for (size_t i = 0; i < count; i++) {
		state(0, (struct pf_pad_state){ .buttons = rows[i].button });
		check(wait_sdl(c, sdl_button, &rows[i].sdl), "no button %d", rows[i].sdl);
	}
}

static SDL_GameController *open_controller(void)
{
	uint64_t until = now_ms() + VM_WAIT_MS;

	do {
		SDL_PumpEvents();
		for (int i = 0; i < SDL_NumJoysticks(); i++)
			if (SDL_IsGameController(i))
				return SDL_GameControllerOpen(i);
		usleep(10000);
	} while (now_ms() < until);
	fail_msg("SDL finds no controller: %s", SDL_GetError());
	return NULL;
}

static void sdl(void **st)
{
	static const int16_t axes[SDL_CONTROLLER_AXIS_MAX] = {
		[SDL_CONTROLLER_AXIS_LEFTX] = 16000,
		[SDL_CONTROLLER_AXIS_LEFTY] = -32768,
		[SDL_CONTROLLER_AXIS_RIGHTX] = -8000,
		[SDL_CONTROLLER_AXIS_RIGHTY] = 32767,
		[SDL_CONTROLLER_AXIS_TRIGGERLEFT] = 0x4000,
		[SDL_CONTROLLER_AXIS_TRIGGERRIGHT] = 32767,
	};
	const float rad = (float)(M_PI / 180);
	const float moved[6] = { 100 * rad, -50 * rad, 12.5f * rad, 1.5f, 9.0f, -3.25f };
	const float touched[4] = { 0.25f, 0.5f, 0.75f, 0.125f };
	const struct kind *k = *st;
	uint8_t effect[47] = { 0x04 };
	struct pf_pad_feedback fb;
	SDL_GameController *c;
	uint64_t until;

	assert_int_equal(SDL_Init(SDL_INIT_GAMECONTROLLER), 0);
	c = open_controller();
	assert_non_null(c);
	assert_int_equal(SDL_GameControllerGetType(c), k->type);
	/* What SDL's own driver calls it, not the kernel. */
	assert_string_equal(SDL_GameControllerName(c), k->sdl);
	check_sdl_buttons(c, k);
	state(0, (struct pf_pad_state){ .lx = 16000,
			 .ly = 32767,
			 .rx = -8000,
			 .ry = -32768,
			 .lt = 128,
			 .rt = 255 });
	assert_true(wait_sdl(c, sdl_axes, axes));
	state(0, (struct pf_pad_state){ 0 });

	assert_true(SDL_GameControllerHasSensor(c, SDL_SENSOR_GYRO));
	assert_true(SDL_GameControllerHasSensor(c, SDL_SENSOR_ACCEL));
	/* Opened is not wanted. SDL had a look at the node of the sensors, which takes so
	 * long on a busy machine that it may have counted for a moment. */
	until = now_ms() + VM_WAIT_MS;
	do
		usleep(200000);
	while (last_rate() && now_ms() < until);
	assert_int_equal(last_rate(), 0);
	drain();
	SDL_GameControllerSetSensorEnabled(c, SDL_SENSOR_GYRO, SDL_TRUE);
	SDL_GameControllerSetSensorEnabled(c, SDL_SENSOR_ACCEL, SDL_TRUE);
	expect_motion(true);
	motion(0, true, 100, -50, 12.5f);
	motion(0, false, 1.5f, 9.0f, -3.25f);
	assert_true(wait_sdl(c, sdl_motion, moved));

	finger(0, PF_TOUCH_DOWN, 1, 0.1f, 0.1f);
	finger(0, PF_TOUCH_DOWN, 2, 0.75f, 0.125f);
	finger(0, PF_TOUCH_MOVE, 1, 0.25f, 0.5f);
	assert_int_equal(SDL_GameControllerGetNumTouchpads(c), 1);
	assert_true(wait_sdl(c, sdl_touch, touched));
	finger(0, PF_TOUCH_CANCEL_ALL, 0, 0, 0);

	drain();
	assert_int_equal(SDL_GameControllerRumble(c, 0x8000, 0xffff, 5000), 0);
	expect_rumble(0x8080, 0xffff);
	assert_int_equal(SDL_GameControllerRumble(c, 0, 0, 0), 0);
	expect_rumble(0, 0);
	assert_int_equal(SDL_GameControllerSetLED(c, 1, 200, 99), 0);
	fb = vm_feedback(set, PF_PAD_FB_LED, 0);
	assert_int_equal(fb.led.r, 1);
	assert_int_equal(fb.led.g, 200);
	assert_int_equal(fb.led.b, 99);
	if (k->kind == PF_PAD_DUALSENSE) {
		effect[10] = 0x25; /* a weapon's trigger */
		effect[11] = 0x44;
		effect[13] = 0x07;
		assert_int_equal(SDL_GameControllerSendEffect(c, effect, sizeof(effect)), 0);
		fb = vm_feedback(set, PF_PAD_FB_TRIGGERS, 0);
		assert_true(fb.triggers.set_right && !fb.triggers.set_left);
		assert_memory_equal(fb.triggers.right, effect + 10, 11);
	}
	leave(0);
	until = now_ms() + VM_WAIT_MS;
	while (SDL_GameControllerGetAttached(c) && now_ms() < until) {
		SDL_GameControllerUpdate();
		usleep(5000);
	}
	assert_false(SDL_GameControllerGetAttached(c));
	SDL_GameControllerClose(c);
}

static int down_now(SDL_GameController *c[4])
{
	int down = 0;

	SDL_GameControllerUpdate();
	for (int i = 0; i < 4; i++)
		down += SDL_GameControllerGetButton(c[i], SDL_CONTROLLER_BUTTON_A);
	return down;
}

/* Two of each kind at once: the drivers refuse a second one of the same address. */
static void four_at_once(void **st)
{
	char serial[4][64] = { "" };
	SDL_GameController *c[4];
	uint64_t until = now_ms() + VM_WAIT_MS;

	for (uint8_t i = 1; i < 4; i++)
		vm_arrive(set, i, kinds[i % 2].kind);
	for (int i = 0; i < 4; i++) {
		int fd = open_hidraw(kinds[i % 2].product, i / 2);

		check(fd >= 0, "no hidraw of pad %d", i);
		assert_true(ioctl(fd, HIDIOCGRAWUNIQ(sizeof(serial[i])), serial[i]) > 0);
		close(fd);
		for (int j = 0; j < i; j++)
			assert_string_not_equal(serial[i], serial[j]);
	}
	while (count_evdev(" Motion Sensors") < 4 && now_ms() < until)
		usleep(20000);
	assert_int_equal(count_evdev(" Motion Sensors"), 4);
	assert_int_equal(SDL_Init(SDL_INIT_GAMECONTROLLER), 0);
	until = now_ms() + VM_WAIT_MS;
	while (SDL_NumJoysticks() < 4 && now_ms() < until) {
		SDL_PumpEvents();
		usleep(20000);
	}
	assert_int_equal(SDL_NumJoysticks(), 4);
	for (int i = 0; i < 4; i++)
		c[i] = SDL_GameControllerOpen(i);
	/* Each is moved by its own events only. */
	for (uint8_t i = 0; i < 4; i++) {
		until = now_ms() + VM_WAIT_MS;
		state(i, (struct pf_pad_state){ .buttons = PF_PAD_A });
		while (down_now(c) != i + 1 && now_ms() < until)
			usleep(2000);
		assert_int_equal(down_now(c), i + 1);
	}
	for (int i = 0; i < 4; i++)
		SDL_GameControllerClose(c[i]);
}

#define OF(kind, test)                                                                             \
	{                                                                                          \
#kind "_" #test, test, begin, end, (void *)&kinds[kind]                            \
	}
#define ALL(kind)                                                                                  \
	OF(kind, buttons_and_sticks), OF(kind, rumble_and_light), OF(kind, touchpad),              \
		OF(kind, motion_sensors), OF(kind, battery_level), OF(kind, hidraw_node),          \
		OF(kind, sdl)

enum { dualsense, dualshock4 };

int main(void)
{
	const struct CMUnitTest tests[] = {
		ALL(dualsense),
		ALL(dualshock4),
		{ "four_at_once", four_at_once, begin, end, (void *)&kinds[0] },
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
