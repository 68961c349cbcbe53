/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The set with devices that record what is asked of them. Those of the kernel are
 * tested by make test-vm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "core/base/log.h"
#include "host/pads/pads_impl.h"

/* What happened, a line each; the main thread waits for lines. */
static struct {
	pthread_mutex_t lock;
	char lines[200][96];
	unsigned count;
	int fail_kinds; /* bits: open fails */
	bool slow;	/* the state call waits until this is false */
	struct fake *last;
} rec = { .lock = PTHREAD_MUTEX_INITIALIZER };

struct fake {
	struct pf_pad_device base;
	struct pf_pad_device_params params;
};

__attribute__((format(printf, 1, 2))) static void note(const char *fmt, ...)
{
	va_list ap;

	pthread_mutex_lock(&rec.lock);
	assert_true(rec.count < 200);
	va_start(ap, fmt);
	vsnprintf(rec.lines[rec.count++], sizeof(rec.lines[0]), fmt, ap);
	va_end(ap);
	pthread_mutex_unlock(&rec.lock);
}

static unsigned seen(const char *line)
{
	unsigned n = 0;

	pthread_mutex_lock(&rec.lock);
	for (unsigned i = 0; i < rec.count; i++)
		n += !strcmp(rec.lines[i], line);
	pthread_mutex_unlock(&rec.lock);
	return n;
}

static void nap(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

static void wait_for(const char *line)
{
	for (int i = 0; i < 10000 && !seen(line); i++)
		nap();
	if (!seen(line))
		for (unsigned i = 0; i < rec.count; i++)
			print_message("# %s\n", rec.lines[i]);
	assert_true(seen(line));
}

static int fake_open(struct pf_pad_device **out, const struct pf_pad_device_params *params,
	struct pf_reason *why)
{
	struct fake *f;

	if (rec.fail_kinds & 1 << params->kind)
		return pf_reason_set(why, -ENOENT, "kind %d is missing", params->kind);
	f = calloc(1, sizeof(*f));
	if (!f)
		return -ENOMEM;
	f->params = *params;
	f->base.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	rec.last = f;
	note("open %u kind %d of %s", params->pad, params->kind, params->name);
	*out = &f->base;
	return 0;
}

static int pad_fake_open(struct pf_pad_device **out, const struct pf_pad_device_params *params,
	struct pf_reason *why);

static void fake_close(struct pf_pad_device *d)
{
	struct fake *f = (struct fake *)d;

	if (!f)
		return;
	note("close %u", f->params.pad);
	close(d->fd);
	free(f);
}

static void fake_readable(struct pf_pad_device *d)
{
	struct fake *f = (struct fake *)d;
	struct pf_pad_feedback fb = { .kind = PF_PAD_FB_RUMBLE, .pad = f->params.pad };
	uint64_t n;

	assert_int_equal(read(d->fd, &n, sizeof(n)), sizeof(n));
	fb.rumble.low = (uint16_t)n;
	f->params.feedback(f->params.user, &fb);
	d->due_ns = pf_clock_mono_ns() + 20 * PF_NS_PER_MS;
}

static void fake_tick(struct pf_pad_device *d, uint64_t now_ns)
{
	note("tick %u early %d", ((struct fake *)d)->params.pad, now_ns < d->due_ns);
	d->due_ns = 0;
}

static void fake_state(struct pf_pad_device *d, const struct pf_pad_state *s)
{
	bool slow;

	do {
		nap();
		pthread_mutex_lock(&rec.lock);
		slow = rec.slow;
		pthread_mutex_unlock(&rec.lock);
	} while (slow);
	if (s->buttons)
		note("state %u %x %d", ((struct fake *)d)->params.pad, s->buttons, s->ly);
}

static void fake_touch(struct pf_pad_device *d, uint8_t surface, const struct pf_touch *t)
{
	note("touch %u surface %u id %u", ((struct fake *)d)->params.pad, surface, t->id);
}

static void fake_motion(struct pf_pad_device *d, bool gyro, float x, float y, float z)
{
	note("motion %d %.0f %.0f %.0f", gyro, x, y, z);
}

static void fake_battery(struct pf_pad_device *d, enum pf_pad_battery state, uint8_t percent)
{
	note("battery %d %u", state, percent);
}

static void fake_pen(struct pf_pad_device *d, const struct pf_pen *pen)
{
	note("pen %d", pen->eraser);
}

static void fake_release(struct pf_pad_device *d)
{
	note("release %u", ((struct fake *)d)->params.pad);
}

static const struct pf_pad_device_ops xbox_ops = {
	.name = "fake-xbox",
	.kinds = 1 << PF_PAD_XBOX_360 | 1 << PF_PAD_XBOX_ONE,
	.open = pad_fake_open,
	.close = fake_close,
	.readable = fake_readable,
	.state = fake_state,
	.release = fake_release,
	.tick = fake_tick,
};
static const struct pf_pad_device_ops sony_ops = {
	.name = "fake-sony",
	.kinds = 1 << PF_PAD_DUALSHOCK4 | 1 << PF_PAD_DUALSENSE,
	.open = pad_fake_open,
	.close = fake_close,
	.readable = fake_readable,
	.state = fake_state,
	.touch = fake_touch,
	.motion = fake_motion,
	.battery = fake_battery,
	.release = fake_release,
	.tick = fake_tick,
};
static const struct pf_pad_device_ops screen_ops = {
	.name = "fake-screen",
	.open = fake_open,
	.close = fake_close,
	.readable = fake_readable,
	.touch = fake_touch,
	.release = fake_release,
};
static const struct pf_pad_device_ops pen_ops = {
	.name = "fake-pen",
	.open = fake_open,
	.close = fake_close,
	.readable = fake_readable,
	.pen = fake_pen,
	.release = fake_release,
};

static int pad_fake_open(struct pf_pad_device **out, const struct pf_pad_device_params *params,
	struct pf_reason *why)
{
	int r = fake_open(out, params, why);

	if (!r)
		(*out)->ops = params->kind <= PF_PAD_XBOX_ONE ? &xbox_ops : &sony_ops;
	return r;
}

static int screen_fake_open(struct pf_pad_device **out, const struct pf_pad_device_params *params,
	struct pf_reason *why)
{
	int r = fake_open(out, params, why);

	if (!r)
		(*out)->ops = params->pad == PF_PADS_MAX ? &screen_ops : &pen_ops;
	return r;
}

static const struct pf_pad_device_ops *const fakes[] = { &xbox_ops, &sony_ops, NULL };

static void feedback(void *user, const struct pf_pad_feedback *fb)
{
	assert_ptr_equal(user, &rec);
	note("feedback %u kind %d low %u", fb->pad, fb->kind, fb->rumble.low);
}

static void on_log(void *user, enum pf_log_level level, const char *topic, const char *text)
{
	note("%s", text);
}

static struct pf_pad_device_ops screen_row, pen_row;

static struct pf_pads *open_set(const struct pf_pads_backends *backends)
{
	static struct pf_pads_backends all = {
		.pads = fakes, .screen = &screen_row, .pen = &pen_row
	};
	struct pf_pads_params params = { .name = "Ada\n", .feedback = feedback, .user = &rec };
	struct pf_pads *p = NULL;

	screen_row = screen_ops;
	screen_row.open = screen_fake_open;
	pen_row = pen_ops;
	pen_row.open = screen_fake_open;
	rec.count = 0;
	rec.fail_kinds = 0;
	rec.slow = false;
	pf_log_set(on_log, NULL, PF_LOG_INFO);
	assert_int_equal(pf_pads_open_with(&p, &params, backends ? backends : &all, NULL), 0);
	return p;
}

static void arrive(struct pf_pads *p, uint8_t pad, enum pf_pad_kind kind)
{
	struct pf_pad_event ev = { .kind = PF_PAD_ARRIVE, .pad = pad, .arrive = kind };

	assert_int_equal(pf_pads_post(p, &ev), 0);
}

static int state(struct pf_pads *p, uint8_t pad, uint32_t buttons)
{
	struct pf_pad_event ev = { .kind = PF_PAD_STATE, .pad = pad };

	ev.state = (struct pf_pad_state){ .buttons = buttons, .ly = -5 };
	return pf_pads_post(p, &ev);
}

static void post(struct pf_pads *p, enum pf_pad_event_kind kind, uint8_t pad)
{
	struct pf_pad_event ev = { .kind = kind, .pad = pad };

	assert_int_equal(pf_pads_post(p, &ev), 0);
}

static void a_pad_arrives_once_and_leaves(void **st)
{
	struct pf_pads *p = open_set(NULL);

	arrive(p, 3, PF_PAD_DUALSENSE);
	arrive(p, 3, PF_PAD_DUALSENSE);
	assert_int_equal(state(p, 3, PF_PAD_A), 0);
	wait_for("state 3 1000 -5");
	assert_int_equal(seen("open 3 kind 3 of Ada?"), 1);
	post(p, PF_PAD_LEAVE, 3);
	post(p, PF_PAD_LEAVE, 3);
	wait_for("close 3");
	arrive(p, 3, PF_PAD_DUALSENSE);
	assert_int_equal(state(p, 3, PF_PAD_B), 0);
	wait_for("state 3 2000 -5");
	assert_int_equal(seen("open 3 kind 3 of Ada?"), 2);
	assert_int_equal(seen("close 3"), 1);
	pf_pads_close(p);
	assert_int_equal(seen("close 3"), 2);
}

static void state_of_an_unknown_pad_is_an_arrival(void **st)
{
	struct pf_pads *p = open_set(NULL);

	assert_int_equal(state(p, 15, PF_PAD_X), 0);
	wait_for("state 15 4000 -5");
	assert_int_equal(seen("open 15 kind 0 of Ada?"), 1);
	/* Not so what only an announced pad sends. */
	post(p, PF_PAD_MOTION, 2);
	post(p, PF_PAD_BATTERY, 2);
	assert_int_equal(state(p, 15, PF_PAD_Y), 0);
	wait_for("state 15 8000 -5");
	assert_int_equal(seen("open 2 kind 0 of Ada?"), 0);
	assert_int_equal(state(p, 16, PF_PAD_X), -EINVAL);
	pf_pads_close(p);
}

static void another_kind_takes_its_place(void **st)
{
	struct pf_pads *p = open_set(NULL);

	arrive(p, 0, PF_PAD_XBOX_360);
	arrive(p, 0, PF_PAD_DUALSHOCK4);
	wait_for("open 0 kind 2 of Ada?");
	/* Its motors stop: nobody else would do that. */
	wait_for("feedback 0 kind 0 low 0");
	assert_int_equal(seen("close 0"), 1);
	pf_pads_close(p);
}

static void the_nearest_kind_steps_in(void **st)
{
	struct pf_pads *p = open_set(NULL);
	const char *line = "a DualSense pad of Ada? becomes a Xbox One pad: kind 3 is missing";

	rec.fail_kinds = 1 << PF_PAD_DUALSENSE | 1 << PF_PAD_DUALSHOCK4;
	arrive(p, 0, PF_PAD_DUALSENSE);
	arrive(p, 1, PF_PAD_DUALSENSE);
	wait_for("open 1 kind 1 of Ada?");
	assert_int_equal(seen("open 0 kind 1 of Ada?"), 1);
	assert_int_equal(state(p, 1, PF_PAD_A), 0);
	wait_for("state 1 1000 -5");
	assert_int_equal(seen(line), 1);
	pf_pads_close(p);
}

static void without_any_backend_it_is_said_once(void **st)
{
	static const struct pf_pad_device_ops *const none[] = { NULL };
	static const struct pf_pads_backends backends = { .pads = none };
	struct pf_pads *p = open_set(&backends);

	for (int i = 0; i < 3; i++) {
		assert_int_equal(state(p, (uint8_t)i, PF_PAD_A), 0);
		post(p, PF_PAD_SCREEN_TOUCH, 0);
		post(p, PF_PAD_PEN, 0);
	}
	wait_for("no gamepads for Ada?: not built in");
	wait_for("no pen for Ada?: not built in");
	pf_pads_close(p);
	assert_int_equal(seen("no gamepads for Ada?: not built in"), 1);
	assert_int_equal(seen("no touch screen for Ada?: not built in"), 1);
	assert_int_equal(seen("no pen for Ada?: not built in"), 1);
}

static void optional_calls_reach_who_has_them(void **st)
{
	struct pf_pads *p = open_set(NULL);
	struct pf_pad_event ev = { .kind = PF_PAD_TOUCH, .pad = 1 };

	arrive(p, 0, PF_PAD_XBOX_ONE);
	arrive(p, 1, PF_PAD_DUALSENSE);
	ev.touch.surface = 1;
	ev.touch.touch.id = 77;
	assert_int_equal(pf_pads_post(p, &ev), 0);
	ev.pad = 0; /* has none */
	assert_int_equal(pf_pads_post(p, &ev), 0);
	ev = (struct pf_pad_event){ .kind = PF_PAD_MOTION, .pad = 1 };
	ev.motion.gyro = true;
	ev.motion.z = 3;
	assert_int_equal(pf_pads_post(p, &ev), 0);
	ev = (struct pf_pad_event){ .kind = PF_PAD_BATTERY, .pad = 1 };
	ev.battery.state = PF_PAD_BATTERY_FULL;
	ev.battery.percent = 99;
	assert_int_equal(pf_pads_post(p, &ev), 0);
	wait_for("battery 3 99");
	assert_int_equal(seen("touch 1 surface 1 id 77"), 1);
	assert_int_equal(seen("touch 0 surface 1 id 77"), 0);
	assert_int_equal(seen("motion 1 0 0 3"), 1);
	pf_pads_close(p);
}

static void screen_and_pen_come_with_their_first_event(void **st)
{
	struct pf_pads *p = open_set(NULL);
	struct pf_pad_event ev = { .kind = PF_PAD_SCREEN_TOUCH };
	uint64_t at_ns;

	at_ns = pf_clock_mono_ns();
	ev.screen.id = 8;
	assert_int_equal(pf_pads_post(p, &ev), 0);
	ev.screen.id = 9;
	assert_int_equal(pf_pads_post(p, &ev), 0);
	wait_for("touch 16 surface 0 id 9");
	/* Held back until a compositor may have opened it. */
	assert_true(pf_clock_mono_ns() - at_ns >= 300 * PF_NS_PER_MS);
	assert_string_equal(rec.lines[1], "touch 16 surface 0 id 8");
	assert_string_equal(rec.lines[2], "touch 16 surface 0 id 9");
	assert_int_equal(seen("open 17 kind 4 of Ada?"), 0);
	ev = (struct pf_pad_event){ .kind = PF_PAD_PEN };
	ev.pen.eraser = true;
	arrive(p, 0, PF_PAD_XBOX_360);
	assert_int_equal(pf_pads_post(p, &ev), 0);
	post(p, PF_PAD_RELEASE_ALL, 0);
	wait_for("release 17");
	assert_int_equal(seen("pen 1"), 1); /* what is held back goes first */
	assert_int_equal(seen("open 16 kind 4 of Ada?"), 1);
	assert_int_equal(seen("release 0"), 1);
	assert_int_equal(seen("release 16"), 1);
	assert_int_equal(seen("close 16"), 0);
	pf_pads_close(p);
	assert_int_equal(seen("release 16"), 2); /* what is held is let go at the end */
	assert_int_equal(seen("close 16"), 1);
	assert_int_equal(seen("close 17"), 1);
}

static void requests_and_due_times_are_served(void **st)
{
	struct pf_pads *p = open_set(NULL);
	uint64_t low = 500;

	arrive(p, 7, PF_PAD_XBOX_360);
	wait_for("open 7 kind 0 of Ada?");
	assert_int_equal(write(rec.last->base.fd, &low, sizeof(low)), sizeof(low));
	wait_for("feedback 7 kind 0 low 500");
	wait_for("tick 7 early 0");
	pf_pads_close(p);
}

static void a_full_ring_drops_and_lets_go(void **st)
{
	struct pf_pads *p = open_set(NULL);
	int r = 0, posted = 0;

	rec.slow = true;
	arrive(p, 0, PF_PAD_XBOX_360);
	while (!r && posted < 5000) {
		r = state(p, 0, 0);
		posted++;
	}
	assert_int_equal(r, -EAGAIN);
	assert_true(posted < 2000);
	assert_int_equal(seen("release 0"), 0);
	pthread_mutex_lock(&rec.lock);
	rec.slow = false;
	pthread_mutex_unlock(&rec.lock);
	wait_for("release 0");
	pf_pads_close(p);
	wait_for("1 events of Ada?'s pads were dropped: the host was busy");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pad_arrives_once_and_leaves),
		cmocka_unit_test(state_of_an_unknown_pad_is_an_arrival),
		cmocka_unit_test(another_kind_takes_its_place),
		cmocka_unit_test(the_nearest_kind_steps_in),
		cmocka_unit_test(without_any_backend_it_is_said_once),
		cmocka_unit_test(optional_calls_reach_who_has_them),
		cmocka_unit_test(screen_and_pen_come_with_their_first_event),
		cmocka_unit_test(requests_and_due_times_are_served),
		cmocka_unit_test(a_full_ring_drops_and_lets_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
