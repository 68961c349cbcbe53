/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The ABI's listener and its connection, one at each end, through the shared library
 * and the public header alone. */
#include <unistd.h>
#include <math.h>
#include "tests/unit/abi_bed.h"

static void a_hello_says_who_asks_for_what(void **state)
{
	PunktfunkHostClient client = { .struct_size = sizeof(client) };
	PunktfunkConnectionInfo info = { .struct_size = sizeof(info) };
	struct host h;
	PunktfunkConnection *c;
	PunktfunkHostSession *s;

	host_start(&h);
	h.accept.grants = PUNKTFUNK_GRANT_POINTER;
	h.accept.expires_in_s = 900;
	c = connect_to(&h);
	s = expect(&h, PUNKTFUNK_HOST_EVENT_HELLO)->session;
	assert_int_equal(punktfunk_host_client(s, &client), 0);
	assert_string_equal(client.name, "bench");
	assert_string_equal(client.launch, "steam:570");
	assert_int_equal(client.width, 1280);
	assert_int_equal(client.height, 720);
	assert_int_equal(client.refresh_hz, 60);
	assert_int_equal(client.bitrate_kbps, 12000);
	assert_int_equal(client.video_codecs, PUNKTFUNK_CODEC_H264);
	assert_int_equal(client.audio_channels, 2);
	assert_int_equal(client.has_certificate, 0);
	assert_memory_equal(client.address, "127.0.0.1:", 10);
	expect(&h, PUNKTFUNK_HOST_EVENT_STARTED);
	/* What the host left at zero is what was asked. */
	assert_int_equal(punktfunk_connection_info(c, &info), 0);
	assert_int_equal(info.width, 1280);
	assert_int_equal(info.bitrate_kbps, 12000);
	assert_int_equal(info.bit_depth, 8);
	assert_int_equal(info.chroma_format_idc, 1);
	assert_int_equal(info.color_primaries, 1);
	assert_int_equal(info.audio_channels, 2);
	assert_int_equal(info.fec_percent, 20);
	assert_int_equal(info.grants, PUNKTFUNK_GRANT_POINTER);
	assert_int_equal(info.expires_in_s, 900);
	assert_memory_equal(info.host_fingerprint, h.fingerprint, 32);
	/* Answered once is answered. */
	assert_int_equal(punktfunk_host_accept(s, &h.accept), PUNKTFUNK_EBUSY);
	punktfunk_connection_close(c, PUNKTFUNK_CLOSE_QUIT);
	assert_int_equal(expect(&h, PUNKTFUNK_HOST_EVENT_CLOSED)->a, PUNKTFUNK_CLOSE_QUIT);
	assert_int_equal(punktfunk_host_push_audio(s, (const uint8_t *)"x", 1, 0), PUNKTFUNK_EPIPE);
	punktfunk_host_release(s);
	host_stop(&h);
}

static void what_is_pushed_arrives(void **state)
{
	static const uint8_t unit[40000] = { 1, 2, 3 }, opus[] = { 9, 8, 7 };
	PunktfunkAccessUnit au = { .struct_size = sizeof(au),
		.flags = PUNKTFUNK_FRAME_IDR,
		.data = unit,
		.size = sizeof(unit) };
	PunktfunkFrame f = { .struct_size = sizeof(f) };
	PunktfunkAudio sound = { .struct_size = sizeof(sound) };
	PunktfunkFeedback fb = { .struct_size = sizeof(fb),
		.kind = PUNKTFUNK_FEEDBACK_RUMBLE,
		.pad = 2,
		.low = 300,
		.high = 500,
		.seq = 1,
		.ttl_ms = 400 };
	PunktfunkStats st = { .struct_size = sizeof(st) };
	struct host h;
	PunktfunkConnection *c;
	PunktfunkHostSession *s;
	PunktfunkEvent e;

	host_start(&h);
	c = connect_to(&h);
	s = expect(&h, PUNKTFUNK_HOST_EVENT_STARTED)->session;

	assert_int_equal(punktfunk_host_push_video(s, &au), 0);
	assert_int_equal(punktfunk_connection_next_frame(c, &f, PATIENCE_S * 1000), 0);
	assert_int_equal(f.size, sizeof(unit));
	assert_memory_equal(f.data, unit, sizeof(unit));
	assert_int_equal(f.flags, PUNKTFUNK_FRAME_VIDEO | PUNKTFUNK_FRAME_IDR);
	e = next_event(c, PUNKTFUNK_EVENT_HOST_TIMING);
	assert_true(e.value == f.pts_unix_ns);
	assert_int_equal(punktfunk_host_session_stats(s, &st), 0);
	assert_true(st.frames == 1 && st.packets > 28);
	/* It leaves the queue a moment after its timing is told. */
	for (unsigned ms = 0; punktfunk_host_queued(s) && ms < PATIENCE_S * 1000; ms++)
		usleep(1000);
	assert_int_equal(punktfunk_host_queued(s), 0);

	/* A time of the caller's is the frame's. */
	au.flags = 0;
	au.size = 10;
	au.capture_ns = 5000000000ull;
	assert_int_equal(punktfunk_host_push_video(s, &au), 0);
	assert_int_equal(punktfunk_connection_next_frame(c, &f, PATIENCE_S * 1000), 0);
	assert_true(f.pts_unix_ns < e.value);

	assert_int_equal(punktfunk_host_push_audio(s, opus, sizeof(opus), 0), 0);
	assert_int_equal(punktfunk_connection_next_audio(c, &sound, PATIENCE_S * 1000), 0);
	assert_int_equal(sound.size, sizeof(opus));
	assert_memory_equal(sound.data, opus, sizeof(opus));

	assert_int_equal(punktfunk_host_push_feedback(s, &fb), 0);
	e = next_event(c, PUNKTFUNK_EVENT_RUMBLE);
	assert_true(e.a == 2 && e.b == 300 && e.c == 500);
	assert_int_equal(punktfunk_host_tell_cursor(s, 7, PUNKTFUNK_CURSOR_VISIBLE, -3, 1079), 0);
	e = next_event(c, PUNKTFUNK_EVENT_CURSOR_STATE);
	assert_true(e.a == 7 && e.b == PUNKTFUNK_CURSOR_VISIBLE);
	assert_true((int32_t)e.c == -3 && e.d == 1079);
	assert_int_equal(punktfunk_host_tell_gap(s, 70), 0);
	assert_int_equal(next_event(c, PUNKTFUNK_EVENT_GAP).a, 70);
	assert_int_equal(punktfunk_host_tell_access(s, PUNKTFUNK_GRANT_NONE, 60), 0);
	e = next_event(c, PUNKTFUNK_EVENT_ACCESS);
	assert_true(e.a == 0 && e.b == 60);

	punktfunk_host_close(s, PUNKTFUNK_CLOSE_APP_EXITED, "the game ended");
	e = next_event(c, PUNKTFUNK_EVENT_CLOSED);
	assert_int_equal(e.a, PUNKTFUNK_CLOSE_APP_EXITED);
	assert_string_equal(e.text, "the game ended");
	expect(&h, PUNKTFUNK_HOST_EVENT_CLOSED);
	punktfunk_host_release(s);
	punktfunk_connection_close(c, 0);
	host_stop(&h);
}

static void wishes_are_events(void **state)
{
	PunktfunkInputEvent in = { .struct_size = sizeof(in),
		.kind = PUNKTFUNK_INPUT_MOUSE_ABSOLUTE,
		.code = 0,
		.x = 640,
		.y = 360,
		.flags = 1280u << 16 | 720 };
	const PunktfunkHostEvent *e;
	struct host h;
	PunktfunkConnection *c;
	PunktfunkHostSession *s;
	PunktfunkEvent got;

	host_start(&h);
	c = connect_to(&h);
	s = expect(&h, PUNKTFUNK_HOST_EVENT_STARTED)->session;

	assert_int_equal(punktfunk_send_input(c, &in), 0);
	e = expect(&h, PUNKTFUNK_HOST_EVENT_INPUT);
	assert_true(e->session == s);
	assert_int_equal(e->a, PUNKTFUNK_INPUT_MOUSE_ABSOLUTE);
	assert_int_equal(e->x, 640);
	assert_int_equal(e->y, 360);
	assert_int_equal(e->c, 1280u << 16 | 720);

	assert_int_equal(punktfunk_request_keyframe(c), 0);
	expect(&h, PUNKTFUNK_HOST_EVENT_KEYFRAME);

	assert_int_equal(punktfunk_request_mode(c, 1920, 1080, 50), 0);
	e = expect(&h, PUNKTFUNK_HOST_EVENT_MODE);
	assert_true(e->a == 1920 && e->b == 1080 && e->c == 50);
	assert_int_equal(punktfunk_host_tell_mode(s, 1, 1920, 1080, 50), 0);
	got = next_event(c, PUNKTFUNK_EVENT_MODE);
	assert_true(got.a == 1920 && got.b == 1080 && got.c == 50);

	assert_int_equal(punktfunk_request_bitrate(c, 9000), 0);
	assert_int_equal(expect(&h, PUNKTFUNK_HOST_EVENT_BITRATE)->a, 9000);
	assert_int_equal(punktfunk_host_tell_bitrate(s, 8000), 0);
	assert_int_equal(next_event(c, PUNKTFUNK_EVENT_BITRATE).a, 8000);

	/* Without a clipboard a wish for one is answered, too. */
	assert_int_equal(punktfunk_clip_control(c, 1), 0);
	got = next_event(c, PUNKTFUNK_EVENT_CLIP_STATE);
	assert_true(!got.a && !got.b && got.c == PUNKTFUNK_CLIP_NO_BACKEND);

	/* The listener may go first: the client learns it, the session can be given back. */
	punktfunk_listener_close(h.l);
	h.l = NULL;
	expect(&h, PUNKTFUNK_HOST_EVENT_CLOSED);
	assert_int_equal(next_event(c, PUNKTFUNK_EVENT_CLOSED).a, PUNKTFUNK_CLOSE_NORMAL);
	assert_int_equal(punktfunk_host_tell_gap(s, 1), PUNKTFUNK_EPIPE);
	punktfunk_host_release(s);
	punktfunk_connection_close(c, 0);
	host_stop(&h);
}

/* Only the longer form of a touch can end a click: from the first one on it is used. */
static void a_click_of_a_pad_ends(void **state)
{
	PunktfunkPadTouch t = { .struct_size = sizeof(t),
		.pad = 3,
		.state = PUNKTFUNK_PAD_TOUCH_DOWN,
		.x = 0x8000,
		.y = 0x8000 };
	static const uint8_t states[] = { PUNKTFUNK_PAD_TOUCH_DOWN | PUNKTFUNK_PAD_TOUCH_CLICK,
		PUNKTFUNK_PAD_TOUCH_DOWN, 0 };
	const PunktfunkHostEvent *e;
	PunktfunkConnection *c;
	PunktfunkHostSession *s;
	struct host h;

	host_start(&h);
	c = connect_to(&h);
	s = expect(&h, PUNKTFUNK_HOST_EVENT_STARTED)->session;
	assert_int_equal(punktfunk_send_pad_touch(c, &t), 0);
	e = expect(&h, PUNKTFUNK_HOST_EVENT_RICH_INPUT);
	assert_int_equal(e->data[0], 1);
	for (unsigned i = 0; i < sizeof(states); i++) {
		t.state = states[i];
		assert_int_equal(punktfunk_send_pad_touch(c, &t), 0);
		e = expect(&h, PUNKTFUNK_HOST_EVENT_RICH_INPUT);
		assert_int_equal(e->size, 11);
		assert_int_equal(e->data[0], 3);
		assert_int_equal(e->data[1], 3);
		assert_int_equal(e->data[4], states[i]);
	}
	/* Another pad has its own form. */
	t.pad = 2;
	assert_int_equal(punktfunk_send_pad_touch(c, &t), 0);
	assert_int_equal(expect(&h, PUNKTFUNK_HOST_EVENT_RICH_INPUT)->data[0], 1);
	t.pad = 16;
	assert_int_equal(punktfunk_send_pad_touch(c, &t), PUNKTFUNK_EINVAL);
	punktfunk_host_release(s);
	punktfunk_connection_close(c, 0);
	host_stop(&h);
}

/* The next input event of this kind. */
static const PunktfunkHostEvent *expect_input(struct host *h, uint32_t kind)
{
	const PunktfunkHostEvent *e;

	do {
		e = expect(h, PUNKTFUNK_HOST_EVENT_INPUT);
	} while (e->a != kind);
	return e;
}

/* Numbers are those of punktfunk1.md 8.2 and 9. */
static void pads_pens_and_voices_reach_the_host(void **state)
{
	PunktfunkPadState pad = { .struct_size = sizeof(pad),
		.pad = 1,
		.buttons = 0x1000,
		.left_trigger = 9,
		.lx = -5,
		.ly = 6 };
	PunktfunkPadTouch touch = { .struct_size = sizeof(touch),
		.pad = 1,
		.finger = 1,
		.state = PUNKTFUNK_PAD_TOUCH_DOWN,
		.x = 0x1234 };
	PunktfunkPadMotion motion = { .struct_size = sizeof(motion),
		.pad = 1,
		.gyro_deg_s = { 1, -1, 5000 },
		.accel_g = { 0, 1, 0 } };
	PunktfunkPenSample pen = {
		.struct_size = sizeof(pen), .state = PUNKTFUNK_PEN_IN_RANGE, .x = 0.5f, .y = 0.25f
	};
	const PunktfunkHostEvent *e;
	struct host h;
	PunktfunkConnection *c;
	PunktfunkHostSession *s;

	host_start(&h);
	h.accept.host_caps = 0x11; /* pads by snapshots, pen */
	c = connect_to(&h);
	s = expect(&h, PUNKTFUNK_HOST_EVENT_STARTED)->session;

	assert_int_equal(punktfunk_pad_arrive(c, 16, 2), PUNKTFUNK_EINVAL);
	assert_int_equal(punktfunk_pad_arrive(c, 1, 256), PUNKTFUNK_EINVAL);
	assert_int_equal(punktfunk_pad_arrive(c, 1, 2), 0);
	e = expect_input(&h, 14);
	assert_true(e->b == 2 && (e->c & 0xff) == 1);
	assert_int_equal(punktfunk_send_pad(c, &pad), 0);
	e = expect_input(&h, 12);
	assert_int_equal(e->b, 0x1000);
	assert_int_equal((uint32_t)e->x, 0xfffb0006);
	assert_int_equal(e->c & 0xffffff, 9 << 16 | 1);
	pad.pad = 16;
	assert_int_equal(punktfunk_send_pad(c, &pad), PUNKTFUNK_EINVAL);

	assert_int_equal(punktfunk_send_pad_touch(c, &touch), 0);
	e = expect(&h, PUNKTFUNK_HOST_EVENT_RICH_INPUT);
	assert_int_equal(e->size, 8);
	assert_memory_equal(e->data, "\x01\x01\x01\x01\x34\x12\x00\x00", 8);
	touch.surface = 2;
	touch.state |= PUNKTFUNK_PAD_TOUCH_CLICK;
	touch.x = 32768;
	assert_int_equal(punktfunk_send_pad_touch(c, &touch), 0);
	e = expect(&h, PUNKTFUNK_HOST_EVENT_RICH_INPUT);
	assert_int_equal(e->size, 11);
	assert_memory_equal(e->data, "\x03\x01\x02\x01\x03\x00\x00\x00\x80", 9);

	/* 20 per degree and second, 10000 per g, cut at what 16 bits hold */
	assert_int_equal(punktfunk_send_pad_motion(c, &motion), 0);
	e = expect(&h, PUNKTFUNK_HOST_EVENT_RICH_INPUT);
	assert_int_equal(e->size, 14);
	assert_memory_equal(e->data, "\x02\x01\x14\x00\xec\xff\xff\x7f\x00\x00\x10\x27", 12);
	motion.accel_g[2] = (float)NAN;
	assert_int_equal(punktfunk_send_pad_motion(c, &motion), PUNKTFUNK_EINVAL);

	assert_int_equal(punktfunk_send_pen(c, &pen, 1), 0);
	e = expect(&h, PUNKTFUNK_HOST_EVENT_RICH_INPUT);
	assert_int_equal(e->data[0], 5);
	assert_int_equal(e->data[2], 1);
	assert_int_equal(punktfunk_pad_remove(c, 16), PUNKTFUNK_EINVAL);
	assert_int_equal(punktfunk_pad_remove(c, 1), 0);
	assert_int_equal(expect_input(&h, 13)->c & 0xff, 1);

	assert_int_equal(
		punktfunk_connection_send_mic(c, NULL, 0, 0), PUNKTFUNK_EINVAL); /* nothing */
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(
			punktfunk_connection_send_mic(c, (const uint8_t *)"voice", 5, 77), 0);
		e = expect(&h, PUNKTFUNK_HOST_EVENT_MICROPHONE);
		assert_int_equal(e->a, i);
		assert_true(e->value == 77);
		assert_int_equal(e->size, 5);
		assert_memory_equal(e->data, "voice", 5);
	}
	punktfunk_connection_close(c, 0);
	expect(&h, PUNKTFUNK_HOST_EVENT_CLOSED);
	punktfunk_host_release(s);
	host_stop(&h);
}

static void a_refusal_reaches_the_client(void **state)
{
	PunktfunkReason why = { .struct_size = sizeof(why) };
	PunktfunkConnection *c = NULL;
	PunktfunkConnectOptions o;
	struct host h;
	const PunktfunkHostEvent *e;

	host_start(&h);
	h.accept_at_once = false;
	o = options_for(&h);
	o.timeout_ms = 300; /* nobody answers: parked */
	assert_int_equal(punktfunk_connect(&o, &c, &why), PUNKTFUNK_ETIMEDOUT);
	assert_null(c);
	e = expect(&h, PUNKTFUNK_HOST_EVENT_HELLO);
	expect(&h, PUNKTFUNK_HOST_EVENT_CLOSED);
	assert_int_equal(punktfunk_host_accept(e->session, &h.accept), PUNKTFUNK_EPIPE);
	punktfunk_host_release(e->session);

	/* A codec the client has not, a parity beyond the limit: told to the caller. */
	h.accept.codec = PUNKTFUNK_CODEC_AV1;
	o.timeout_ms = 300;
	assert_int_equal(punktfunk_connect(&o, &c, NULL), PUNKTFUNK_ETIMEDOUT);
	e = expect(&h, PUNKTFUNK_HOST_EVENT_HELLO);
	assert_int_equal(punktfunk_host_accept(e->session, &h.accept), PUNKTFUNK_EINVAL);
	h.accept.codec = 3;
	assert_int_equal(punktfunk_host_accept(e->session, &h.accept), PUNKTFUNK_EINVAL);
	h.accept.codec = PUNKTFUNK_CODEC_H264;
	h.accept.fec_percent = 91;
	assert_int_equal(punktfunk_host_accept(e->session, &h.accept), PUNKTFUNK_EINVAL);
	punktfunk_host_release(e->session);

	o.host_fingerprint = (const uint8_t *)"another host's, 32 bytes of it...";
	o.timeout_ms = PATIENCE_S * 1000;
	assert_int_equal(punktfunk_connect(&o, &c, &why), PUNKTFUNK_EACCES);
	assert_non_null(strstr(why.text, "expected 616e6f74"));
	host_stop(&h);
}

static void a_pin_lets_one_client_pair(void **state)
{
	PunktfunkPairOptions o = { .struct_size = sizeof(o),
		.host = "127.0.0.1",
		.pin = "0815",
		.name = "kitchen",
		.timeout_ms = PATIENCE_S * 1000 };
	PunktfunkArming a = { .struct_size = sizeof(a), .pin = "0815", .ttl_s = 60 };
	PunktfunkReason why = { .struct_size = sizeof(why) };
	uint8_t mine[32], theirs[32];
	PunktfunkIdentity *id;
	const PunktfunkHostEvent *e;
	struct host h;

	host_start(&h);
	assert_int_equal(punktfunk_identity_open(NULL, &id, NULL), 0);
	punktfunk_identity_fingerprint(id, mine);
	o.identity = id;
	o.port = (uint16_t)punktfunk_listener_port(h.l);
	a.fingerprint = mine;
	assert_int_equal(punktfunk_listener_arm(h.l, &a), 0);
	assert_int_equal(punktfunk_pair(&o, theirs, &why), 0);
	assert_memory_equal(theirs, h.fingerprint, 32);
	e = expect(&h, PUNKTFUNK_HOST_EVENT_PAIRED);
	assert_int_equal(e->a, PUNKTFUNK_PAIR_DONE);
	assert_memory_equal(e->fingerprint, mine, 32);
	assert_string_equal(e->text, "kitchen");
	assert_null(e->session);

	a.pin = "12a4";
	assert_int_equal(punktfunk_listener_arm(h.l, &a), PUNKTFUNK_EINVAL);
	a.pin = NULL;
	assert_int_equal(punktfunk_listener_arm(h.l, &a), PUNKTFUNK_EINVAL);
	assert_int_equal(punktfunk_listener_arm(h.l, NULL), 0);
	punktfunk_identity_free(id);
	host_stop(&h);
}

static void bad_calls_are_refused(void **state)
{
	PunktfunkReason why = { .struct_size = sizeof(why) };
	PunktfunkFeedback fb = { .struct_size = sizeof(fb) };
	PunktfunkAccessUnit au = { .struct_size = sizeof(au), .size = 1 };
	PunktfunkHostClient client = { 0 };
	PunktfunkListener *other = NULL;
	PunktfunkConnection *c;
	PunktfunkHostSession *s;
	PunktfunkStats st = { 0 };
	struct host h;

	host_start(&h);
	assert_int_equal(punktfunk_listen(NULL, &other, &why), PUNKTFUNK_EINVAL);
	assert_int_equal(punktfunk_listen(&h.options, NULL, &why), PUNKTFUNK_EINVAL);
	h.options.callback = NULL;
	assert_int_equal(punktfunk_listen(&h.options, &other, &why), PUNKTFUNK_EINVAL);
	assert_non_null(strstr(why.text, "callback"));
	h.options.callback = on_event;
	h.options.port = (uint16_t)punktfunk_listener_port(h.l);
	assert_int_equal(punktfunk_listen(&h.options, &other, &why), PUNKTFUNK_EADDRINUSE);
	assert_non_null(strstr(why.text, "in use"));
	assert_null(other);
	assert_int_equal(punktfunk_listener_port(NULL), PUNKTFUNK_EINVAL);
	assert_int_equal(punktfunk_listener_arm(NULL, NULL), PUNKTFUNK_EINVAL);
	punktfunk_listener_close(NULL);

	c = connect_to(&h);
	s = expect(&h, PUNKTFUNK_HOST_EVENT_STARTED)->session;
	assert_int_equal(punktfunk_host_client(NULL, &client), PUNKTFUNK_EINVAL);
	assert_int_equal(punktfunk_host_client(s, &client), PUNKTFUNK_EINVAL); /* no size */
	assert_int_equal(punktfunk_host_accept(NULL, &h.accept), PUNKTFUNK_EINVAL);
	assert_int_equal(punktfunk_host_accept(s, NULL), PUNKTFUNK_EINVAL);
	assert_int_equal(punktfunk_host_push_video(s, &au), PUNKTFUNK_EINVAL); /* no data */
	assert_int_equal(punktfunk_host_push_video(s, NULL), PUNKTFUNK_EINVAL);
	au.data = (const uint8_t *)&h;
	au.size = (size_t)65 << 20;
	assert_int_equal(punktfunk_host_push_video(s, &au), PUNKTFUNK_EMSGSIZE);
	assert_int_equal(punktfunk_host_push_audio(s, NULL, 4, 0), PUNKTFUNK_EINVAL);
	assert_int_equal(
		punktfunk_host_push_audio(s, (const uint8_t *)&h, 5000, 0), PUNKTFUNK_EMSGSIZE);
	assert_int_equal(punktfunk_host_push_feedback(s, &fb), PUNKTFUNK_EINVAL); /* no kind */
	fb.kind = PUNKTFUNK_FEEDBACK_RUMBLE;
	fb.pad = 16;
	assert_int_equal(punktfunk_host_push_feedback(s, &fb), PUNKTFUNK_EINVAL);
	fb.kind = PUNKTFUNK_FEEDBACK_HID_OUTPUT;
	assert_int_equal(punktfunk_host_push_feedback(s, &fb), PUNKTFUNK_EINVAL);
	fb.data = (const uint8_t *)&h;
	fb.size = 5000;
	assert_int_equal(punktfunk_host_push_feedback(s, &fb), PUNKTFUNK_EMSGSIZE);
	assert_int_equal(punktfunk_host_tell_mode(NULL, 1, 1, 1, 1), PUNKTFUNK_EINVAL);
	assert_int_equal(punktfunk_host_tell_bitrate(s, 0), PUNKTFUNK_EINVAL);
	assert_int_equal(punktfunk_host_tell_gap(NULL, 1), PUNKTFUNK_EINVAL);
	assert_int_equal(punktfunk_host_tell_access(NULL, 1, 1), PUNKTFUNK_EINVAL);
	assert_int_equal(punktfunk_host_session_stats(s, &st), PUNKTFUNK_EINVAL);
	assert_int_equal(punktfunk_host_queued(NULL), 0);
	punktfunk_host_close(NULL, 0, NULL);
	punktfunk_host_release(NULL);
	punktfunk_host_release(s);
	assert_int_equal(next_event(c, PUNKTFUNK_EVENT_CLOSED).a, PUNKTFUNK_CLOSE_NORMAL);
	punktfunk_connection_close(c, 0);
	host_stop(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hello_says_who_asks_for_what),
		cmocka_unit_test(what_is_pushed_arrives),
		cmocka_unit_test(wishes_are_events),
		cmocka_unit_test(a_click_of_a_pad_ends),
		cmocka_unit_test(pads_pens_and_voices_reach_the_host),
		cmocka_unit_test(a_refusal_reaches_the_client),
		cmocka_unit_test(a_pin_lets_one_client_pair),
		cmocka_unit_test(bad_calls_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
