/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Pads, touch and pen of a native client over loopback, to devices that record what is
 * asked of them and say what a program would. Those of the kernel: make test-vm. */
#include "tests/e2e/native_bed.h"
#include "host/display/display.h"
#include "host/pads/pads_impl.h"

struct fake {
	struct pf_pad_device base;
	struct pf_pad_device_params params;
};

static struct {
	pthread_mutex_t lock;
	char lines[2000][96];
	unsigned count, next;
	struct fake *pads[PF_PADS_MAX]; /* that are open */
} rec = { .lock = PTHREAD_MUTEX_INITIALIZER };

__attribute__((format(printf, 1, 2))) static void note(const char *fmt, ...)
{
	va_list ap;

	pthread_mutex_lock(&rec.lock);
	va_start(ap, fmt);
	if (rec.count < 2000)
		vsnprintf(rec.lines[rec.count++], sizeof(rec.lines[0]), fmt, ap);
	va_end(ap);
	pthread_mutex_unlock(&rec.lock);
}

/* Waits for the line among those that were not passed over yet. */
static void expect(const char *line)
{
	const uint64_t end_ns = pf_clock_mono_ns() + 10 * PF_NS_PER_S;

	while (pf_clock_mono_ns() < end_ns) {
		pthread_mutex_lock(&rec.lock);
		for (unsigned i = rec.next; i < rec.count; i++)
			if (!strcmp(rec.lines[i], line)) {
				rec.next = i + 1;
				pthread_mutex_unlock(&rec.lock);
				return;
			}
		pthread_mutex_unlock(&rec.lock);
		usleep(2000);
	}
	for (unsigned i = rec.next; i < rec.count; i++)
		print_message("# %s\n", rec.lines[i]);
	fail_msg("no \"%s\"", line);
}

static unsigned count_of(const char *start)
{
	unsigned n = 0;

	pthread_mutex_lock(&rec.lock);
	for (unsigned i = 0; i < rec.count; i++)
		n += !strncmp(rec.lines[i], start, strlen(start));
	pthread_mutex_unlock(&rec.lock);
	return n;
}

static void program_says(struct pf_pad_feedback fb)
{
	struct fake *f = rec.pads[fb.pad];

	assert_non_null(f);
	f->params.feedback(f->params.user, &fb);
}

/* ---- the devices ---- */

static int fake_open(struct pf_pad_device **out, const struct pf_pad_device_params *params,
	const struct pf_pad_device_ops *ops)
{
	struct fake *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->params = *params;
	f->base = (struct pf_pad_device){ .ops = ops, .fd = -1 };
	*out = &f->base;
	return 0;
}

static void fake_close(struct pf_pad_device *d)
{
	struct fake *f = (struct fake *)d;

	if (d->ops->kinds) {
		rec.pads[f->params.pad] = NULL;
		note("close %u", f->params.pad);
	}
	free(f);
}

static void fake_readable(struct pf_pad_device *d) {}

static void fake_state(struct pf_pad_device *d, const struct pf_pad_state *s)
{
	note("state %u %x %d %d %d %d %u %u", ((struct fake *)d)->params.pad, s->buttons, s->lx,
		s->ly, s->rx, s->ry, s->lt, s->rt);
}

static void fake_touch(struct pf_pad_device *d, uint8_t surface, const struct pf_touch *t)
{
	if (d->ops->kinds)
		note("pad touch %u %d %u %.2f %.2f", ((struct fake *)d)->params.pad, t->phase,
			t->id, (double)t->x, (double)t->y);
	else
		note("touch %d %u %.2f %.2f", t->phase, t->id, (double)t->x, (double)t->y);
}

static void fake_motion(struct pf_pad_device *d, bool gyro, float x, float y, float z)
{
	note("%s %u %.1f %.1f %.1f", gyro ? "gyro" : "accel", ((struct fake *)d)->params.pad,
		(double)x, (double)y, (double)z);
}

static void fake_pen(struct pf_pad_device *d, const struct pf_pen *p)
{
	note("pen %d eraser %d buttons %u %.2f %.2f pressure %.2f tilt %d to %d", p->phase,
		p->eraser, p->buttons, (double)p->x, (double)p->y, (double)p->pressure, p->tilt_deg,
		p->rotation_deg);
}

static void fake_release(struct pf_pad_device *d)
{
	if (d->ops->kinds)
		note("release %u", ((struct fake *)d)->params.pad);
	else
		note("release %s", d->ops->name);
}

static int pad_open(
	struct pf_pad_device **, const struct pf_pad_device_params *, struct pf_reason *);
static int screen_open(
	struct pf_pad_device **, const struct pf_pad_device_params *, struct pf_reason *);
static int pen_open(
	struct pf_pad_device **, const struct pf_pad_device_params *, struct pf_reason *);

static const struct pf_pad_device_ops pad_ops = {
	.name = "pad",
	.kinds = (1u << PF_PAD_KINDS) - 1,
	.open = pad_open,
	.close = fake_close,
	.readable = fake_readable,
	.state = fake_state,
	.touch = fake_touch,
	.motion = fake_motion,
	.release = fake_release,
};
static const struct pf_pad_device_ops screen_ops = {
	.name = "screen",
	.open = screen_open,
	.close = fake_close,
	.readable = fake_readable,
	.touch = fake_touch,
	.release = fake_release,
};
static const struct pf_pad_device_ops pen_ops = {
	.name = "pen",
	.open = pen_open,
	.close = fake_close,
	.readable = fake_readable,
	.pen = fake_pen,
	.release = fake_release,
};

static int pad_open(struct pf_pad_device **out, const struct pf_pad_device_params *params,
	struct pf_reason *why)
{
	int r = fake_open(out, params, &pad_ops);

	if (!r) {
		rec.pads[params->pad] = (struct fake *)*out;
		note("open %u kind %d of %s", params->pad, params->kind, params->name);
	}
	return r;
}

static int screen_open(struct pf_pad_device **out, const struct pf_pad_device_params *params,
	struct pf_reason *why)
{
	return fake_open(out, params, &screen_ops);
}

static int pen_open(struct pf_pad_device **out, const struct pf_pad_device_params *params,
	struct pf_reason *why)
{
	return fake_open(out, params, &pen_ops);
}

static const struct pf_pad_device_ops *const pads[] = { &pad_ops, NULL };
static const struct pf_pads_backends backends = {
	.pads = pads,
	.screen = &screen_ops,
	.pen = &pen_ops,
};

static int map_device(struct pf_display *d, uint16_t vendor, uint16_t product, const char *name,
	struct pf_reason *why)
{
	return 0;
}

/* A picture whose compositor would read devices, if there were one. */
static struct pf_display_ops reads_devices;

static void serve_devices(struct fixture *f)
{
	reads_devices = *pf_display_find("pattern");
	reads_devices.map_device = map_device;
	f->display_ops = &reads_devices;
	f->pads = &backends;
	pthread_mutex_lock(&rec.lock);
	rec.count = rec.next = 0;
	pthread_mutex_unlock(&rec.lock);
	serve(f);
}

/* ---- tests ---- */

static PunktfunkPadState pad_state(uint8_t pad, uint32_t buttons)
{
	return (PunktfunkPadState){
		.struct_size = sizeof(PunktfunkPadState), .pad = pad, .buttons = buttons
	};
}

static void press(PunktfunkConnection *c, uint8_t pad, uint32_t buttons)
{
	PunktfunkPadState s = pad_state(pad, buttons);

	assert_int_equal(punktfunk_send_pad(c, &s), 0);
}

static void a_pad_is_played_and_answers(void **state)
{
	struct fixture *f = *state;
	PunktfunkPadTouch t = { .struct_size = sizeof(t), .state = PUNKTFUNK_PAD_TOUCH_DOWN };
	PunktfunkPadMotion m = {
		.struct_size = sizeof(m), .gyro_deg_s = { 10, 0, -5 }, .accel_g = { 0, 1, 0 }
	};
	PunktfunkConnectionInfo info = { .struct_size = sizeof(info) };
	PunktfunkPadState s = pad_state(0, PUNKTFUNK_PAD_A);
	PunktfunkConnection *c;
	PunktfunkEvent e;
	unsigned states;

	serve_devices(f);
	c = connect_as(f, NULL);
	take_frames(c, 1);
	assert_int_equal(punktfunk_connection_info(c, &info), 0);
	assert_int_equal(info.host_caps & 0x15, 0x11); /* snapshots, pen; no text here */
	assert_int_equal(info.gamepad, PUNKTFUNK_GAMEPAD_XBOX_360);

	assert_int_equal(punktfunk_pad_arrive(c, 0, PUNKTFUNK_GAMEPAD_STEAM_DECK), 0);
	s.lx = -32768;
	s.ry = 7;
	s.right_trigger = 255;
	assert_int_equal(punktfunk_send_pad(c, &s), 0);
	expect("open 0 kind 3 of test");
	expect("state 0 1000 -32768 0 0 7 0 255");
	/* It is said again, and applied again. */
	states = count_of("state 0 1000");
	for (unsigned i = 0; i < 1000 && count_of("state 0 1000") < states + 3; i++)
		usleep(10000);
	assert_true(count_of("state 0 1000") >= states + 3);

	t.x = t.y = 0x8000;
	assert_int_equal(punktfunk_send_pad_touch(c, &t), 0);
	expect("pad touch 0 1 0 0.50 0.50");
	t.surface = 2;
	t.finger = 1;
	t.state |= PUNKTFUNK_PAD_TOUCH_CLICK;
	assert_int_equal(punktfunk_send_pad_touch(c, &t), 0);
	expect("pad touch 0 1 17 0.75 0.50");
	expect("state 0 101000 -32768 0 0 7 0 255");
	assert_int_equal(punktfunk_send_pad_motion(c, &m), 0);
	expect("gyro 0 10.0 0.0 -5.0");
	expect("accel 0 0.0 9.8 0.0");

	program_says((struct pf_pad_feedback){
		.kind = PF_PAD_FB_RUMBLE, .rumble = { .low = 40000, .high = 20000 } });
	e = take_event(c, PUNKTFUNK_EVENT_RUMBLE);
	assert_int_equal(e.b, 40000);
	assert_int_equal(e.c, 20000);
	/* Renewed past its lease, without another word to us. */
	for (unsigned i = 0; i < 10; i++) {
		const int r = punktfunk_connection_next_event(c, &e, 100);

		assert_true(r == PUNKTFUNK_EAGAIN || (!r && e.type != PUNKTFUNK_EVENT_RUMBLE));
	}
	program_says((struct pf_pad_feedback){
		.kind = PF_PAD_FB_TRIGGER_RUMBLE, .rumble = { .low = 1, .high = 2 } });
	e = take_event(c, PUNKTFUNK_EVENT_RUMBLE);
	assert_int_equal(e.b, 40000);
	assert_int_equal(e.d, 1 << 16 | 2);
	program_says((struct pf_pad_feedback){ .kind = PF_PAD_FB_TRIGGER_RUMBLE });
	assert_int_equal(take_event(c, PUNKTFUNK_EVENT_RUMBLE).d, 0);
	program_says((struct pf_pad_feedback){ .kind = PF_PAD_FB_RUMBLE });
	e = take_event(c, PUNKTFUNK_EVENT_RUMBLE);
	assert_int_equal(e.b | e.c | e.d, 0);

	program_says((struct pf_pad_feedback){ .kind = PF_PAD_FB_LED, .led = { 1, 2, 3 } });
	e = take_event(c, PUNKTFUNK_EVENT_PAD_LIGHT);
	assert_int_equal(e.b, 0x010203);
	program_says((struct pf_pad_feedback){ .kind = PF_PAD_FB_PLAYER, .player = 4 });
	assert_int_equal(take_event(c, PUNKTFUNK_EVENT_PAD_PLAYER).b, 4);
	program_says((struct pf_pad_feedback){ .kind = PF_PAD_FB_TRIGGERS,
		.triggers = { .set_right = true, .right = { 0x21, 7 } } });
	e = take_event(c, PUNKTFUNK_EVENT_PAD_TRIGGER);
	assert_int_equal(e.b, 1);
	assert_int_equal(e.data_size, 11);
	assert_memory_equal(e.data, "\x21\x07\0", 3);

	assert_int_equal(punktfunk_pad_remove(c, 0), 0);
	expect("close 0");
	punktfunk_connection_close(c, PUNKTFUNK_CLOSE_NORMAL);
	assert_int_equal(ended(f, 1).input_denied, 0);
	assert_int_equal(ended(f, 1).input_dropped, 0);
	assert_true(ended(f, 1).input_events > 10);
}

static void fingers_and_a_pen_reach_the_screen(void **state)
{
	struct fixture *f = *state;
	PunktfunkInputEvent touch = { .struct_size = sizeof(touch),
		.kind = PUNKTFUNK_INPUT_TOUCH_DOWN,
		.code = 5,
		.x = 320,
		.y = 90,
		.flags = 640 << 16 | 360 };
	PunktfunkPenSample pen[2] = {
		{ .struct_size = sizeof(pen[0]),
			.state = PUNKTFUNK_PEN_IN_RANGE,
			.tilt = 30,
			.x = 0.25f,
			.y = 0.5f,
			.distance = 0xffff,
			.azimuth = 90,
			.roll = 0xffff },
	};
	PunktfunkConnection *c;

	serve_devices(f);
	c = connect_as(f, NULL);
	take_frames(c, 1);
	assert_int_equal(punktfunk_send_input(c, &touch), 0);
	expect("touch 1 5 0.50 0.25");
	touch.kind = PUNKTFUNK_INPUT_TOUCH_MOVE;
	touch.x = 9999; /* beyond the edge */
	assert_int_equal(punktfunk_send_input(c, &touch), 0);
	expect("touch 2 5 1.00 0.25");
	touch.kind = PUNKTFUNK_INPUT_TOUCH_UP;
	touch.flags = 0;
	assert_int_equal(punktfunk_send_input(c, &touch), 0);
	expect("touch 3 5 0.00 0.00");

	pen[1] = pen[0];
	pen[1].state = PUNKTFUNK_PEN_TOUCHING | PUNKTFUNK_PEN_BARREL1;
	pen[1].pressure = 0x8000;
	assert_int_equal(punktfunk_send_pen(c, pen, 2), 0);
	expect("pen 0 eraser 0 buttons 0 0.25 0.50 pressure -1.00 tilt 30 to 90");
	expect("pen 1 eraser 0 buttons 1 0.25 0.50 pressure 0.50 tilt 30 to 90");
	/* Still there after three times the silence that would end it. */
	usleep(600000);
	assert_int_equal(count_of("pen 4 eraser"), 1); /* of the beginning */
	assert_true(count_of("pen 2 eraser") >= 3);
	/* The other tool: this one goes first. */
	pen[1].tool = PUNKTFUNK_PEN_TOOL_ERASER;
	assert_int_equal(punktfunk_send_pen(c, pen + 1, 1), 0);
	expect("pen 4 eraser 0 buttons 0 0.00 0.00 pressure -1.00 tilt -1 to -1");
	expect("pen 1 eraser 1 buttons 1 0.25 0.50 pressure 0.50 tilt 30 to 90");
	pen[0].x = 0.0f / 0.0f;
	assert_int_equal(punktfunk_send_pen(c, pen, 1), PUNKTFUNK_EINVAL);
	assert_int_equal(punktfunk_send_pen(c, pen, 9), PUNKTFUNK_EINVAL);
	/* The client goes with the pen down. */
	punktfunk_connection_close(c, PUNKTFUNK_CLOSE_NORMAL);
	expect("release pen");
	ended(f, 1);
}

static void pads_wait_for_a_client_that_comes_back(void **state)
{
	struct fixture *f = *state;
	PunktfunkIdentity *id = new_identity();
	PunktfunkConnection *c;

	serve_devices(f);
	c = connect_as(f, id);
	take_frames(c, 1);
	press(c, 2, PUNKTFUNK_PAD_B);
	expect("open 2 kind 0 of test");
	press(c, 3, 0);
	expect("open 3 kind 0 of test");
	program_says(
		(struct pf_pad_feedback){ .kind = PF_PAD_FB_LED, .pad = 2, .led = { 9, 8, 7 } });
	assert_int_equal(take_event(c, PUNKTFUNK_EVENT_PAD_LIGHT).b, 0x090807);
	program_says((struct pf_pad_feedback){
		.kind = PF_PAD_FB_RUMBLE, .pad = 2, .rumble = { .low = 5 } });
	take_event(c, PUNKTFUNK_EVENT_RUMBLE);
	punktfunk_connection_close(c, PUNKTFUNK_CLOSE_NORMAL);
	expect("release 2");
	ended(f, 1);
	assert_int_equal(count_of("close"), 0);

	c = connect_as(f, id);
	take_frames(c, 1);
	press(c, 2, PUNKTFUNK_PAD_X);
	expect("state 2 4000 0 0 0 0 0 0");
	/* What holds is told again. */
	assert_int_equal(take_event(c, PUNKTFUNK_EVENT_PAD_LIGHT).b, 0x090807);
	assert_int_equal(take_event(c, PUNKTFUNK_EVENT_RUMBLE).b, 5);
	assert_int_equal(count_of("open 2"), 1);
	/* The client has one pad now: the other is not said again, and goes. */
	expect("close 3");
	assert_int_equal(count_of("close 2"), 0);
	punktfunk_connection_close(c, PUNKTFUNK_CLOSE_QUIT);
	ended(f, 2);
	expect("close 2");
	punktfunk_identity_free(id);
}

static int set_grants(struct fixture *f, const struct pf_client *client)
{
	return pf_clients_update(f->clients, client, NULL);
}

static void what_is_not_granted_does_nothing(void **state)
{
	struct fixture *f = *state;
	PunktfunkIdentity *id = new_identity();
	struct pf_client client = { .plane = PF_PLANE_NATIVE, .grants = PF_GRANT_KEYBOARD };
	PunktfunkInputEvent touch = { .struct_size = sizeof(touch),
		.kind = PUNKTFUNK_INPUT_TOUCH_DOWN,
		.flags = 640 << 16 | 360 };
	PunktfunkPenSample pen = { .struct_size = sizeof(pen), .state = PUNKTFUNK_PEN_IN_RANGE };
	PunktfunkConnection *c;

	serve_devices(f);
	punktfunk_identity_fingerprint(id, client.fingerprint);
	strcpy(client.name, "test");
	assert_int_equal(on_loop(f, &client, add_client), 0);
	c = connect_as(f, id);
	take_frames(c, 1);
	press(c, 0, PUNKTFUNK_PAD_A);
	assert_int_equal(punktfunk_send_input(c, &touch), 0);
	assert_int_equal(punktfunk_send_pen(c, &pen, 1), 0);
	usleep(300000);
	assert_int_equal(count_of(""), 0);

	client.grants = PF_GRANT_GAMEPAD | PF_GRANT_POINTER;
	assert_int_equal(on_loop(f, &client, set_grants), 0);
	/* Nothing to be said anew: what is live is said again. */
	expect("open 0 kind 0 of test");
	expect("state 0 1000 0 0 0 0 0 0");
	program_says((struct pf_pad_feedback){ .kind = PF_PAD_FB_RUMBLE, .rumble = { .low = 5 } });
	assert_int_equal(take_event(c, PUNKTFUNK_EVENT_RUMBLE).b, 5);
	client.grants = PF_GRANT_POINTER;
	assert_int_equal(on_loop(f, &client, set_grants), 0);
	assert_int_equal(take_event(c, PUNKTFUNK_EVENT_RUMBLE).b, 0);
	expect("close 0");
	punktfunk_connection_close(c, PUNKTFUNK_CLOSE_NORMAL);
	assert_true(ended(f, 1).input_denied >= 3);
	punktfunk_identity_free(id);
}

static sem_t flooded;

static void stall(void *user, void *msg)
{
	while (sem_wait(&flooded))
		;
}

static void what_waits_is_bounded_and_counted(void **state)
{
	struct fixture *f = *state;
	PunktfunkInputEvent touch = { .struct_size = sizeof(touch),
		.kind = PUNKTFUNK_INPUT_TOUCH_MOVE,
		.flags = 640 << 16 | 360 };
	struct pf_session_report r;
	PunktfunkConnection *c;

	serve_devices(f);
	c = connect_as(f, NULL);
	take_frames(c, 1);
	sem_init(&flooded, 0, 0);
	assert_int_equal(pf_loop_post(f->loop, stall, f, NULL, 0), 0);
	for (unsigned i = 0; i < 2000; i++) {
		assert_int_equal(punktfunk_send_input(c, &touch), 0);
		usleep(500);
	}
	usleep(200000); /* what is on its way arrives */
	sem_post(&flooded);
	/* It lives on: what is said now arrives. */
	touch.kind = PUNKTFUNK_INPUT_TOUCH_DOWN;
	touch.code = 77;
	for (unsigned i = 0; i < 1000 && !count_of("touch 1 77"); i++) {
		assert_int_equal(punktfunk_send_input(c, &touch), 0);
		usleep(20000);
	}
	expect("touch 1 77 0.00 0.00");
	punktfunk_connection_close(c, PUNKTFUNK_CLOSE_NORMAL);
	r = ended(f, 1);
	assert_true(r.input_dropped > 0);
	assert_true(r.input_dropped + r.input_events <= 2000 + 1000);
	assert_true(r.input_events >= 1024);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_pad_is_played_and_answers, make, drop),
		cmocka_unit_test_setup_teardown(fingers_and_a_pen_reach_the_screen, make, drop),
		cmocka_unit_test_setup_teardown(pads_wait_for_a_client_that_comes_back, make, drop),
		cmocka_unit_test_setup_teardown(what_is_not_granted_does_nothing, make, drop),
		cmocka_unit_test_setup_teardown(what_waits_is_bounded_and_counted, make, drop),
	};

	return cmocka_run_group_tests_name("host_pads", tests, NULL, NULL);
}
