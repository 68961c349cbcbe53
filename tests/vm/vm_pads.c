/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Xbox pads, as the kernel's event interface shows them. The side of the game that
 * starts effects is a process of its own: one that waited for itself would prove
 * nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "tests/vm/vm.h"

/* The kernel gives up on an answer after 30 s. */
#define SLOW_NS (8 * PF_NS_PER_S)

static bool has(const uint8_t *bits, unsigned bit)
{
	return bits[bit / 8] >> bit % 8 & 1;
}

static const uint16_t buttons[][2] = {
	/* what is sent, its exponent of two; what is read */
	{ 12, BTN_A },
	{ 13, BTN_B },
	{ 14, BTN_X },
	{ 15, BTN_Y },
	{ 8, BTN_TL },
	{ 9, BTN_TR },
	{ 5, BTN_SELECT },
	{ 4, BTN_START },
	{ 10, BTN_MODE },
	{ 6, BTN_THUMBL },
	{ 7, BTN_THUMBR },
};
#define BUTTONS (sizeof(buttons) / sizeof(buttons[0]))

static void check_pad(
	enum pf_pad_kind kind, const char *name, uint16_t product, uint16_t version, int trigger)
{
	const int axes[8][4] = {
		{ ABS_X, -32768, 32767, 128 },
		{ ABS_Y, -32768, 32767, 128 },
		{ ABS_RX, -32768, 32767, 128 },
		{ ABS_RY, -32768, 32767, 128 },
		{ ABS_Z, 0, trigger, 0 },
		{ ABS_RZ, 0, trigger, 0 },
		{ ABS_HAT0X, -1, 1, 0 },
		{ ABS_HAT0Y, -1, 1, 0 },
	};
	const uint16_t effects[] = { FF_RUMBLE, FF_PERIODIC, FF_SQUARE, FF_TRIANGLE, FF_SINE,
		FF_GAIN };
	uint8_t key[KEY_CNT / 8] = { 0 }, abs[ABS_CNT / 8] = { 0 }, ff[FF_CNT / 8] = { 0 };
	struct input_id id;
	unsigned n[3] = { 0 };
	char is[80] = "";
	struct vm_set *s;
	int fd, max;

	s = vm_open("client");
	vm_arrive(s, 0, kind);
	fd = vm_node("punktfunk/client/pad1", NULL);
	assert_true(ioctl(fd, EVIOCGNAME(sizeof(is)), is) > 0);
	assert_string_equal(is, name);
	assert_int_equal(ioctl(fd, EVIOCGID, &id), 0);
	assert_int_equal(id.bustype, BUS_USB);
	assert_int_equal(id.vendor, 0x045e);
	assert_int_equal(id.product, product);
	assert_int_equal(id.version, version);
	assert_true(ioctl(fd, EVIOCGBIT(EV_KEY, sizeof(key)), key) > 0);
	assert_true(ioctl(fd, EVIOCGBIT(EV_ABS, sizeof(abs)), abs) > 0);
	assert_true(ioctl(fd, EVIOCGBIT(EV_FF, sizeof(ff)), ff) > 0);
	for (unsigned i = 0; i < BUTTONS; i++)
		assert_true(has(key, buttons[i][1]));
	for (unsigned i = 0; i < 8; i++) {
		struct input_absinfo a;

		assert_true(has(abs, (unsigned)axes[i][0]));
		assert_int_equal(ioctl(fd, EVIOCGABS(axes[i][0]), &a), 0);
		assert_int_equal(a.minimum, axes[i][1]);
		assert_int_equal(a.maximum, axes[i][2]);
		assert_int_equal(a.flat, axes[i][3]);
		assert_int_equal(a.fuzz, axes[i][3] ? 16 : 0);
		assert_int_equal(a.value, 0);
	}
	for (unsigned i = 0; i < 6; i++)
		assert_true(has(ff, effects[i]));
	/* No more than these: games count buttons and axes. */
	for (unsigned i = 0; i < KEY_CNT; i++)
		n[0] += has(key, i);
	for (unsigned i = 0; i < ABS_CNT; i++)
		n[1] += has(abs, i);
	for (unsigned i = 0; i < FF_CNT; i++)
		n[2] += has(ff, i);
	assert_int_equal(n[0], BUTTONS);
	assert_int_equal(n[1], 8);
	assert_int_equal(n[2], 6);
	assert_int_equal(ioctl(fd, EVIOCGEFFECTS, &max), 0);
	assert_int_equal(max, 16);

	for (unsigned i = 0; i < BUTTONS; i++) {
		vm_state(s, 0, (struct pf_pad_state){ .buttons = 1u << buttons[i][0] });
		VM_EXPECT(fd, EV_KEY, buttons[i][1], 1);
		vm_state(s, 0, (struct pf_pad_state){ 0 });
		VM_EXPECT(fd, EV_KEY, buttons[i][1], 0);
	}
	vm_state(s, 0, (struct pf_pad_state){ .buttons = PF_PAD_LEFT | PF_PAD_UP });
	VM_EXPECT(fd, EV_ABS, ABS_HAT0X, -1, EV_ABS, ABS_HAT0Y, -1);
	vm_state(s, 0, (struct pf_pad_state){ .buttons = PF_PAD_RIGHT | PF_PAD_DOWN });
	VM_EXPECT(fd, EV_ABS, ABS_HAT0X, 1, EV_ABS, ABS_HAT0Y, 1);
	/* Both at once is neither. */
	vm_state(s, 0, (struct pf_pad_state){ .buttons = 0xf });
	VM_EXPECT(fd, EV_ABS, ABS_HAT0X, 0, EV_ABS, ABS_HAT0Y, 0);
	vm_state(s, 0,
		(struct pf_pad_state){ .lx = -32768, .ly = 32767, .rx = 32767, .ry = -32768 });
	VM_EXPECT(fd, EV_ABS, ABS_X, -32768, EV_ABS, ABS_Y, -32768, EV_ABS, ABS_RX, 32767, EV_ABS,
		ABS_RY, 32767);
	vm_state(s, 0, (struct pf_pad_state){ .lt = 255, .rt = 128, .lx = 8000 });
	VM_EXPECT(fd, EV_ABS, ABS_X, 8000, EV_ABS, ABS_Y, 0, EV_ABS, ABS_RX, 0, EV_ABS, ABS_RY, 0,
		EV_ABS, ABS_Z, trigger, EV_ABS, ABS_RZ, trigger == 255 ? 128 : 513);
	vm_post(s, (struct pf_pad_event){ .kind = PF_PAD_RELEASE_ALL });
	VM_EXPECT(fd, EV_ABS, ABS_X, 0, EV_ABS, ABS_Z, 0, EV_ABS, ABS_RZ, 0);
	/* Share, paddles and touchpad are not there; the same state again is no news. */
	vm_state(s, 0, (struct pf_pad_state){ .buttons = 0x3f0000 });
	vm_state(s, 0, (struct pf_pad_state){ .buttons = 0x3f0000 });
	vm_quiet(fd);
	vm_close(s);
	vm_wait_gone("punktfunk/client/pad1");
	assert_int_equal(read(fd, is, sizeof(is)), -1);
	assert_int_equal(errno, ENODEV);
	close(fd);
}

static void xbox_360(void **state)
{
	check_pad(PF_PAD_XBOX_360, "Microsoft X-Box 360 pad", 0x028e, 0x0110, 255);
}

static void xbox_one(void **state)
{
	check_pad(PF_PAD_XBOX_ONE, "Microsoft X-Box One S pad", 0x02ea, 0x0301, 1023);
}

/* The game: uploads and starts one effect after the other, then erases them, and is
 * told through the pipe after each when to go on. Exits with the number of the step
 * that failed or lasted too long. */
struct game {
	pid_t pid;
	int go;
};

static int step(int n, uint64_t start_ns, bool ok)
{
	if (!ok || pf_clock_mono_ns() - start_ns > SLOW_NS)
		_exit(n);
	return n + 1;
}

static void game_main(int fd, int go, struct ff_effect *effects, unsigned count)
{
	int n = 1;
	char c;

	for (unsigned i = 0; i < count; i++) {
		struct input_event play = { .type = EV_FF, .value = 1 };
		uint64_t at = pf_clock_mono_ns();

		effects[i].id = -1;
		n = step(n, at, !ioctl(fd, EVIOCSFF, &effects[i]));
		play.code = (uint16_t)effects[i].id;
		n = step(n, at, write(fd, &play, sizeof(play)) == sizeof(play));
		if (read(go, &c, 1) != 1)
			_exit(100);
	}
	for (unsigned i = 0; i < count; i++) {
		n = step(n, pf_clock_mono_ns(), !ioctl(fd, EVIOCRMFF, (long)effects[i].id));
		if (read(go, &c, 1) != 1)
			_exit(100);
	}
	_exit(0);
}

static struct game play(const char *node, struct ff_effect *effects, unsigned count)
{
	struct game g;
	int go[2];

	assert_int_equal(pipe(go), 0);
	g.go = go[1];
	g.pid = fork();
	assert_true(g.pid >= 0);
	if (!g.pid) {
		int fd = open(node, O_RDWR);

		close(go[1]);
		if (fd < 0)
			_exit(101);
		game_main(fd, go[0], effects, count);
	}
	close(go[0]);
	return g;
}

static void go_on(struct game *g)
{
	assert_int_equal(write(g->go, "", 1), 1);
}

static void ended_well(struct game *g)
{
	int status;

	assert_int_equal(waitpid(g->pid, &status, 0), g->pid);
	close(g->go);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static struct ff_effect rumble(uint16_t strong, uint16_t weak, uint16_t length)
{
	struct ff_effect e = { .type = FF_RUMBLE, .replay = { .length = length } };

	e.u.rumble.strong_magnitude = strong;
	e.u.rumble.weak_magnitude = weak;
	return e;
}

static void expect_rumble(struct vm_set *s, uint16_t low, uint16_t high)
{
	struct pf_pad_feedback fb = vm_feedback(s, PF_PAD_FB_RUMBLE, 2);

	assert_int_equal(fb.rumble.low, low);
	assert_int_equal(fb.rumble.high, high);
}

static void rumble_travels_back(void **state)
{
	struct ff_effect e[2] = { rumble(0xc000, 0x1000, 0), rumble(0x1000, 0x2000, 0) };
	struct vm_set *s;
	struct game g;
	char node[64];
	int fd;

	s = vm_open("client");
	vm_arrive(s, 2, PF_PAD_XBOX_360);
	fd = vm_node("punktfunk/client/pad3", node);
	g = play(node, e, 2);
	expect_rumble(s, 0xc000, 0x1000);
	go_on(&g);
	expect_rumble(s, 0xd000, 0x3000); /* both */
	go_on(&g);
	expect_rumble(s, 0x1000, 0x2000); /* the first is erased */
	go_on(&g);
	expect_rumble(s, 0, 0);
	go_on(&g);
	ended_well(&g);
	close(fd);
	vm_close(s);
}

static void rumble_ends_by_its_length(void **state)
{
	struct ff_effect e[2] = { rumble(7, 8, 300), { .type = FF_PERIODIC } };
	uint64_t lasted_ns;
	struct vm_set *s;
	struct game g;
	char node[64];
	int fd;

	e[1].replay.length = 100;
	e[1].u.periodic.waveform = FF_SINE;
	e[1].u.periodic.period = 50;
	e[1].u.periodic.magnitude = 0x4000;
	s = vm_open("client");
	vm_arrive(s, 2, PF_PAD_XBOX_ONE);
	fd = vm_node("punktfunk/client/pad3", node);
	g = play(node, e, 2);
	expect_rumble(s, 7, 8);
	expect_rumble(s, 0, 0);
	lasted_ns = s->heard[1].at_ns - s->heard[0].at_ns;
	assert_true(lasted_ns >= 200 * PF_NS_PER_MS);
	go_on(&g);
	expect_rumble(s, 0x8001, 0x8001);
	expect_rumble(s, 0, 0);
	for (int i = 0; i < 3; i++)
		go_on(&g);
	ended_well(&g);
	close(fd);
	vm_close(s);
}

static void gain_and_a_change_reach_the_motors(void **state)
{
	struct input_event gain = { .type = EV_FF, .code = FF_GAIN, .value = 0x8000 };
	struct input_event start = { .type = EV_FF, .value = 1 };
	struct ff_effect e = rumble(0x8000, 0x4000, 0);
	struct vm_set *s;
	uint64_t at;
	int fd;

	s = vm_open("client");
	vm_arrive(s, 2, PF_PAD_XBOX_360);
	fd = vm_node("punktfunk/client/pad3", NULL);
	e.id = -1;
	at = pf_clock_mono_ns();
	assert_int_equal(ioctl(fd, EVIOCSFF, &e), 0);
	print_message("# upload answered after %u us\n",
		(unsigned)((pf_clock_mono_ns() - at) / PF_NS_PER_US));
	start.code = (uint16_t)e.id;
	assert_int_equal(write(fd, &start, sizeof(start)), sizeof(start));
	expect_rumble(s, 0x8000, 0x4000);
	assert_int_equal(write(fd, &gain, sizeof(gain)), sizeof(gain));
	expect_rumble(s, 0x4000, 0x2000);
	gain.value = 0xffff;
	assert_int_equal(write(fd, &gain, sizeof(gain)), sizeof(gain));
	expect_rumble(s, 0x8000, 0x4000);
	e.u.rumble.strong_magnitude = 1;
	assert_int_equal(ioctl(fd, EVIOCSFF, &e), 0);
	expect_rumble(s, 1, 0x4000);
	start.value = 0;
	assert_int_equal(write(fd, &start, sizeof(start)), sizeof(start));
	expect_rumble(s, 0, 0);
	/* 16 fit; the 17th is refused by the kernel. */
	for (int i = 1; i < 16; i++) {
		e.id = -1;
		assert_int_equal(ioctl(fd, EVIOCSFF, &e), 0);
	}
	e.id = -1;
	assert_int_equal(ioctl(fd, EVIOCSFF, &e), -1);
	assert_int_equal(errno, ENOSPC);
	close(fd);
	vm_close(s);
}

static void a_killed_game_stops_rumbling(void **state)
{
	struct ff_effect e = rumble(0xffff, 0xffff, 0);
	struct vm_set *s;
	struct game g;
	char node[64];
	int fd, status;

	s = vm_open("client");
	vm_arrive(s, 2, PF_PAD_XBOX_360);
	fd = vm_node("punktfunk/client/pad3", node);
	g = play(node, &e, 1);
	expect_rumble(s, 0xffff, 0xffff);
	assert_int_equal(kill(g.pid, SIGKILL), 0);
	expect_rumble(s, 0, 0);
	assert_int_equal(waitpid(g.pid, &status, 0), g.pid);
	close(g.go);
	close(fd);
	vm_close(s);
}

/* The host ends while a game rumbles: the game must not hang, either. */
static void the_set_closes_under_a_game(void **state)
{
	struct ff_effect e = rumble(0xffff, 0xffff, 0);
	uint64_t at;
	struct vm_set *s;
	struct game g;
	char node[64];
	int fd, status;

	s = vm_open("client");
	vm_arrive(s, 2, PF_PAD_XBOX_360);
	fd = vm_node("punktfunk/client/pad3", node);
	close(fd);
	g = play(node, &e, 1);
	expect_rumble(s, 0xffff, 0xffff);
	at = pf_clock_mono_ns();
	vm_close(s);
	go_on(&g);
	assert_int_equal(waitpid(g.pid, &status, 0), g.pid);
	assert_true(pf_clock_mono_ns() - at < SLOW_NS);
	close(g.go);
}

static void sixteen_pads_come_and_leave(void **state)
{
	char phys[40];
	struct vm_set *s;
	int fd[PF_PADS_MAX];

	s = vm_open("a/b");
	for (uint8_t i = 0; i < PF_PADS_MAX; i++)
		vm_arrive(s, i, i % 2 ? PF_PAD_XBOX_ONE : PF_PAD_XBOX_360);
	for (uint8_t i = 0; i < PF_PADS_MAX; i++) {
		snprintf(phys, sizeof(phys), "punktfunk/a_b/pad%u", i + 1);
		fd[i] = vm_node(phys, NULL);
	}
	for (uint8_t i = 0; i < PF_PADS_MAX; i++)
		vm_state(s, i, (struct pf_pad_state){ .lx = (int16_t)(1000 * (i + 1)) });
	for (int i = 0; i < PF_PADS_MAX; i++) {
		VM_EXPECT(fd[i], EV_ABS, ABS_X, 1000 * (i + 1));
		close(fd[i]);
	}
	vm_post(s, (struct pf_pad_event){ .kind = PF_PAD_LEAVE, .pad = 4 });
	vm_wait_gone("punktfunk/a_b/pad5");
	assert_true(vm_there("punktfunk/a_b/pad4"));
	vm_close(s);
	vm_wait_gone("punktfunk/a_b/pad4");
}

/* In a child as user and group nobody, perhaps with the group input. */
static unsigned can_as_nobody(bool in_group)
{
	struct group *g = getgrnam("input");
	int status;
	pid_t pid;

	assert_non_null(g);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		if (setgroups(in_group, &g->gr_gid) || setgid(65534) || setuid(65534))
			_exit(100);
		_exit((int)pf_pads_can(NULL));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? (unsigned)WEXITSTATUS(status) : 101;
}

static void the_udev_rule_lets_the_group_input_in(void **state)
{
	assert_int_equal(can_as_nobody(true), PF_PADS_CAN_UINPUT | PF_PADS_CAN_UHID);
	assert_int_equal(can_as_nobody(false), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(xbox_360),
		cmocka_unit_test(xbox_one),
		cmocka_unit_test(rumble_travels_back),
		cmocka_unit_test(rumble_ends_by_its_length),
		cmocka_unit_test(gain_and_a_change_reach_the_motors),
		cmocka_unit_test(a_killed_game_stops_rumbling),
		cmocka_unit_test(the_set_closes_under_a_game),
		cmocka_unit_test(sixteen_pads_come_and_leave),
		cmocka_unit_test(the_udev_rule_lets_the_group_input_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
