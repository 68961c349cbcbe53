/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Sessions of the native plane over loopback. */
#include <stdatomic.h>
#include "tests/e2e/native_bed.h"

static void a_picture_and_its_sound_arrive(void **state)
{
	struct fixture *f = *state;
	PunktfunkConnectionInfo info = { .struct_size = sizeof(info) };
	PunktfunkAudio audio = { .struct_size = sizeof(audio) };
	PunktfunkReason why = { .struct_size = sizeof(why) };
	struct pf_session_report r;
	PunktfunkConnectOptions o;
	PunktfunkConnection *c;
	uint8_t fp[32];
	uint32_t seq = 0;

	serve(f);
	o = options(f, NULL);
	o.name = "tv\n\x1b[2J\xc2\x9b"
		 "end"; /* would play tricks on a terminal */
	if (punktfunk_connect(&o, &c, &why))
		fail_msg("%s", why.text);
	assert_int_equal(punktfunk_connection_info(c, &info), 0);
	assert_int_equal(info.width, 640);
	assert_int_equal(info.height, 360);
	assert_int_equal(info.refresh_hz, 60);
	assert_int_equal(info.codec, PUNKTFUNK_CODEC_H264);
	assert_int_equal(info.bitrate_kbps, 4000);
	assert_int_equal(info.color_primaries, 1);
	assert_int_equal(info.audio_channels, 2);
	pf_identity_fingerprint(f->identity, fp);
	assert_memory_equal(info.host_fingerprint, fp, 32);

	assert_int_equal(take_frames(c, 1), PUNKTFUNK_FRAME_VIDEO | PUNKTFUNK_FRAME_IDR);
	assert_int_equal(take_frames(c, 29), PUNKTFUNK_FRAME_VIDEO);
	for (unsigned i = 0; i < 20; i++) {
		assert_int_equal(punktfunk_connection_next_audio(c, &audio, 5000), 0);
		assert_true(audio.size > 10);
		assert_true(!i || audio.seq == seq + 1);
		seq = audio.seq;
	}
	punktfunk_connection_close(c, PUNKTFUNK_CLOSE_NORMAL);
	r = ended(f, 1);
	assert_int_equal(r.close_code, 0);
	assert_true(r.stream.submitted >= 30);
	assert_int_equal(r.stream.dropped, 0);
	assert_true(r.audio_packets >= 20);
	assert_true(r.timeline.ns[PF_MARK_SENT] > r.timeline.ns[PF_MARK_BEGIN]);
	assert_true(r.wire.packets > 30);
	assert_true(r.cpu_ms > 0);
	assert_string_equal(r.client, "");
	assert_string_equal(r.name, "tv??[2J??end");
}

static void the_client_asks_and_is_answered(void **state)
{
	struct fixture *f = *state;
	PunktfunkConnection *c;
	PunktfunkEvent e;
	uint32_t flags;

	serve(f);
	c = connect_as(f, NULL);
	take_frames(c, 10);
	assert_int_equal(punktfunk_request_bitrate(c, 100), 0);
	e = take_event(c, PUNKTFUNK_EVENT_BITRATE);
	assert_int_equal(e.a, 500); /* the least there is */
	assert_int_equal(punktfunk_request_bitrate(c, 2000), 0);
	e = take_event(c, PUNKTFUNK_EVENT_BITRATE);
	assert_int_equal(e.a, 2000);

	usleep(800000); /* past the cool-down of the first IDR */
	assert_int_equal(punktfunk_request_keyframe(c), 0);
	flags = 0;
	for (unsigned i = 0; i < 120 && !(flags & PUNKTFUNK_FRAME_IDR); i++)
		flags = take_frames(c, 1);
	assert_true(flags & PUNKTFUNK_FRAME_IDR);

	/* Another mode: announced, then an IDR, in the same session. */
	assert_int_equal(punktfunk_request_mode(c, 800, 450, 60), 0);
	e = take_event(c, PUNKTFUNK_EVENT_MODE);
	assert_int_equal(e.a, 800);
	assert_int_equal(e.b, 450);
	flags = 0;
	for (unsigned i = 0; i < 120 && !(flags & PUNKTFUNK_FRAME_IDR); i++)
		flags = take_frames(c, 1);
	assert_true(flags & PUNKTFUNK_FRAME_IDR);
	take_frames(c, 5);
	/* One that cannot be is answered with the one in force. */
	usleep(600000);
	assert_int_equal(punktfunk_request_mode(c, 9000, 450, 60), 0);
	e = take_event(c, PUNKTFUNK_EVENT_MODE);
	assert_int_equal(e.a, 800);
	punktfunk_connection_close(c, PUNKTFUNK_CLOSE_NORMAL);
	assert_int_equal(ended(f, 1).width, 800);
}

static void a_mode_that_fails_gives_way_to_the_old_one(void **state)
{
	struct fixture *f = *state;
	PunktfunkConnection *c;
	uint32_t flags = 0;

	strcpy(f->config.encoder, "null");
	strcpy(f->config.encoder_preset, "max-width=640");
	serve(f);
	c = connect_as(f, NULL);
	take_frames(c, 2);
	assert_int_equal(punktfunk_request_mode(c, 800, 450, 60), 0);
	assert_int_equal(take_event(c, PUNKTFUNK_EVENT_MODE).a, 800); /* too early */
	assert_int_equal(take_event(c, PUNKTFUNK_EVENT_MODE).a, 640); /* put right */
	for (unsigned i = 0; i < 60 && !(flags & PUNKTFUNK_FRAME_IDR); i++)
		flags = take_frames(c, 1);
	assert_true(flags & PUNKTFUNK_FRAME_IDR);
	take_frames(c, 5);
	punktfunk_connection_close(c, PUNKTFUNK_CLOSE_NORMAL);
	assert_int_equal(ended(f, 1).width, 640);
	assert_int_equal(ended(f, 1).close_code, 0);
}

static void only_the_listed_may_connect(void **state)
{
	struct fixture *f = *state;
	PunktfunkIdentity *a = new_identity(), *b = new_identity();
	PunktfunkConnection *c;
	uint8_t fp[32];
	char line[128], hex[65];

	f->config.trust_on_first_use = false;
	serve(f);
	punktfunk_identity_fingerprint(a, fp);
	pf_access_format(fp, hex);
	refused(f, NULL, PUNKTFUNK_CLOSE_IDENTITY_REQUIRED, "certificate");
	refused(f, a, PUNKTFUNK_CLOSE_APPROVAL_TIMEOUT, "nobody answered");
	snprintf(line, sizeof(line), "# clients\n%s pointer # a\n", hex);
	assert_int_equal(pf_file_replace(f->allowed, 0600, line, strlen(line), NULL), 0);
	c = connect_as(f, a); /* no restart needed */
	take_frames(c, 1);
	refused(f, b, PUNKTFUNK_CLOSE_APPROVAL_TIMEOUT, "nobody answered");
	/* Grants count: this one may not type. */
	for (unsigned i = 0; i < 3; i++) {
		PunktfunkInputEvent ev = {
			.struct_size = sizeof(ev), .kind = PUNKTFUNK_INPUT_KEY_DOWN, .code = 'A'
		};

		assert_int_equal(punktfunk_send_input(c, &ev), 0);
	}
	take_frames(c, 10);
	punktfunk_connection_close(c, PUNKTFUNK_CLOSE_NORMAL);
	assert_int_equal(ended(f, 1).input_denied, 3);
	assert_string_equal(ended(f, 1).client, hex);
	punktfunk_identity_free(a);
	punktfunk_identity_free(b);
}

/* gamestream.md 11 row 7, here for punktfunk/1: unpaired means gone. */
static void row7_who_is_unpaired_is_gone_at_once(void **state)
{
	struct fixture *f = *state;
	PunktfunkIdentity *a = new_identity();
	PunktfunkInputEvent key = {
		.struct_size = sizeof(key), .kind = PUNKTFUNK_INPUT_KEY_DOWN, .code = 'A'
	};
	struct pf_client client = { .grants = PF_GRANT_ALL, .name = "sofa" };
	PunktfunkConnection *c;

	f->config.trust_on_first_use = false;
	serve(f);
	punktfunk_identity_fingerprint(a, client.fingerprint);
	/* Paired on the other plane it is nobody here. */
	client.plane = PF_PLANE_GAMESTREAM;
	assert_int_equal(on_loop(f, &client, add_client), 0);
	refused(f, a, PUNKTFUNK_CLOSE_APPROVAL_TIMEOUT, "nobody answered");
	client.plane = PF_PLANE_NATIVE;
	assert_int_equal(on_loop(f, &client, add_client), 0);
	c = connect_as(f, a);
	take_frames(c, 2);
	assert_int_equal(punktfunk_send_input(c, &key), 0);
	take_frames(c, 10);
	client.grants = PF_GRANT_POINTER;
	assert_int_equal(on_loop(f, &client, add_client), 0);
	assert_int_equal(punktfunk_send_input(c, &key), 0);
	take_frames(c, 10);
	assert_int_equal(on_loop(f, &client, remove_client), 0);
	assert_int_equal(take_event(c, PUNKTFUNK_EVENT_CLOSED).a, PUNKTFUNK_CLOSE_ACCESS_EXPIRED);
	punktfunk_connection_close(c, PUNKTFUNK_CLOSE_NORMAL);
	assert_int_equal(ended(f, 1).input_denied, 1); /* the second alone */
	refused(f, a, PUNKTFUNK_CLOSE_APPROVAL_TIMEOUT, "nobody answered");
	punktfunk_identity_free(a);
}

static void access_that_runs_out_ends_the_session(void **state)
{
	struct fixture *f = *state;
	PunktfunkIdentity *a = new_identity();
	struct pf_client client = { .grants = PF_GRANT_ALL, .name = "guest" };
	PunktfunkConnection *c;

	f->config.trust_on_first_use = false;
	serve(f);
	punktfunk_identity_fingerprint(a, client.fingerprint);
	client.plane = PF_PLANE_NATIVE;
	assert_int_equal(on_loop(f, &client, add_client), 0);
	c = connect_as(f, a);
	take_frames(c, 2);
	client.expires_s = time(NULL) + 2;
	assert_int_equal(on_loop(f, &client, add_client), 0);
	take_frames(c, 2);
	assert_int_equal(take_event(c, PUNKTFUNK_EVENT_CLOSED).a, PUNKTFUNK_CLOSE_ACCESS_EXPIRED);
	punktfunk_connection_close(c, PUNKTFUNK_CLOSE_NORMAL);
	assert_string_equal(ended(f, 1).close_text, "its access has run out");
	refused(f, a, PUNKTFUNK_CLOSE_APPROVAL_TIMEOUT, "nobody answered");
	punktfunk_identity_free(a);
}

static void what_cannot_be_is_refused_with_words(void **state)
{
	struct fixture *f = *state;
	PunktfunkReason why = { .struct_size = sizeof(why) };
	PunktfunkConnectOptions o;
	PunktfunkConnection *c, *d;

	f->config.max_sessions = 1;
	serve(f);
	o = options(f, NULL);
	o.width = 10000;
	assert_true(punktfunk_connect(&o, &c, &why) < 0);
	assert_int_equal(why.close_code, PUNKTFUNK_CLOSE_SETUP_FAILED);
	assert_non_null(strstr(why.text, "8192"));
	o = options(f, NULL);
	o.video_codecs = PUNKTFUNK_CODEC_AV1;
	assert_true(punktfunk_connect(&o, &c, &why) < 0);
	assert_int_equal(why.close_code, PUNKTFUNK_CLOSE_SETUP_FAILED);
	assert_non_null(strstr(why.text, "codec"));
	c = connect_as(f, NULL);
	take_frames(c, 1);
	refused(f, NULL, PUNKTFUNK_CLOSE_BUSY, "max_sessions");
	punktfunk_connection_close(c, PUNKTFUNK_CLOSE_NORMAL);
	(void)ended(f, 1);
	d = connect_as(f, NULL); /* the place is free again */
	take_frames(d, 1);
	punktfunk_connection_close(d, PUNKTFUNK_CLOSE_NORMAL);
}

static int end_all(struct fixture *f, const struct pf_client *client)
{
	pf_native_end_sessions(f->native, "all go");
	return 0;
}

/* Whatever word it leaves with, a client finds its desk again; only a quit ends it. */
static void any_end_but_a_quit_keeps_the_desk(void **state)
{
	static const uint32_t codes[] = { 0x00, 0x01, 0x42, 0x52, 0x60, 0x61, 0x62, 0x63, 0x64,
		0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6f, 0x70, 0x71, 0x1234, 0x3fffffff };
	enum { N = sizeof(codes) / sizeof(codes[0]) };
	struct fixture *f = *state;
	PunktfunkIdentity *a = new_identity();
	PunktfunkConnection *c;
	unsigned n = 0;

	serve(f);
	for (unsigned i = 0; i < N; i++) {
		c = connect_as(f, a);
		take_frames(c, 1);
		punktfunk_connection_close(c, codes[i]);
		assert_int_equal(ended(f, ++n).close_code, codes[i]);
		assert_string_equal(ended(f, n).desk, "desk 1");
	}
	/* The host's own word, too. */
	c = connect_as(f, a);
	take_frames(c, 1);
	assert_int_equal(on_loop(f, &(struct pf_client){ 0 }, end_all), 0);
	assert_string_equal(ended(f, ++n).desk, "desk 1");
	punktfunk_connection_close(c, PUNKTFUNK_CLOSE_NORMAL);
	c = connect_as(f, a);
	take_frames(c, 1);
	punktfunk_connection_close(c, PUNKTFUNK_CLOSE_QUIT);
	assert_string_equal(ended(f, ++n).desk, "desk 1");
	c = connect_as(f, a);
	take_frames(c, 1);
	punktfunk_connection_close(c, PUNKTFUNK_CLOSE_NORMAL);
	assert_string_equal(ended(f, ++n).desk, "desk 2");
	punktfunk_identity_free(a);
}

static unsigned one_elsewhere(void *user)
{
	return 1;
}

static void settings_cap_what_a_client_gets(void **state)
{
	PunktfunkConnectionInfo info = { .struct_size = sizeof(info) };
	struct fixture *f = *state;
	PunktfunkConnectOptions o;
	PunktfunkReason why = { .struct_size = sizeof(why) };
	PunktfunkConnection *c;
	PunktfunkEvent e;

	f->config.width_max = 640;
	f->config.height_max = 480;
	f->config.refresh_max_hz = 30;
	f->config.bitrate_max_kbps = 3000;
	f->config.max_sessions = 2;
	f->elsewhere = one_elsewhere;
	serve(f);
	o = options(f, NULL);
	o.width = 1280;
	o.height = 720;
	o.bitrate_kbps = 50000;
	assert_int_equal(punktfunk_connect(&o, &c, &why), 0);
	assert_int_equal(punktfunk_connection_info(c, &info), 0);
	assert_int_equal(info.width, 640);
	assert_int_equal(info.height, 360);
	assert_int_equal(info.refresh_hz, 30);
	assert_int_equal(info.bitrate_kbps, 3000);
	take_frames(c, 2);
	assert_int_equal(punktfunk_request_bitrate(c, 9000), 0);
	e = take_event(c, PUNKTFUNK_EVENT_BITRATE);
	assert_int_equal(e.a, 3000);
	assert_int_equal(punktfunk_request_mode(c, 1600, 1200, 120), 0);
	e = take_event(c, PUNKTFUNK_EVENT_MODE);
	assert_int_equal(e.a, 640);
	assert_int_equal(e.b, 480);
	assert_int_equal(e.c, 30);
	take_frames(c, 2);
	/* Who streams by another protocol takes a place, too. */
	refused(f, NULL, PUNKTFUNK_CLOSE_BUSY, "max_sessions");
	punktfunk_connection_close(c, PUNKTFUNK_CLOSE_NORMAL);
}

static void the_same_client_gets_its_desk_back(void **state)
{
	struct fixture *f = *state;
	PunktfunkIdentity *a = new_identity(), *b = new_identity();
	PunktfunkConnection *c, *d, *e;
	PunktfunkEvent ev;

	f->config.max_sessions = 2;
	serve(f);
	c = connect_as(f, a);
	take_frames(c, 2);
	punktfunk_connection_close(c, PUNKTFUNK_CLOSE_NORMAL);
	(void)ended(f, 1);
	c = connect_as(f, a);
	take_frames(c, 2);
	/* Two at once: each its own desk. */
	d = connect_as(f, b);
	take_frames(d, 2);
	take_frames(c, 2);
	/* The same identity once more takes over, though all places are taken. */
	e = connect_as(f, a);
	take_frames(e, 2);
	ev = take_event(c, PUNKTFUNK_EVENT_CLOSED);
	assert_int_equal(ev.a, 0x66);
	punktfunk_connection_close(c, PUNKTFUNK_CLOSE_NORMAL);
	(void)ended(f, 2);
	take_frames(e, 5);
	punktfunk_connection_close(e, PUNKTFUNK_CLOSE_QUIT);
	assert_int_equal(ended(f, 3).close_code, PUNKTFUNK_CLOSE_QUIT);
	/* It quit: the next time everything is new. */
	c = connect_as(f, a);
	take_frames(c, 2);
	punktfunk_connection_close(c, PUNKTFUNK_CLOSE_NORMAL);
	punktfunk_connection_close(d, PUNKTFUNK_CLOSE_NORMAL);
	assert_string_equal(ended(f, 1).desk, "desk 1");
	assert_string_equal(ended(f, 2).desk, "desk 1");
	assert_string_equal(ended(f, 3).desk, "desk 1");
	for (unsigned i = 4; i <= 5; i++) {
		struct pf_session_report r = ended(f, i);
		uint8_t fp[32];
		char hex[65];

		punktfunk_identity_fingerprint(a, fp);
		pf_access_format(fp, hex);
		assert_string_equal(r.desk, strcmp(r.client, hex) ? "desk 2" : "desk 3");
	}
	punktfunk_identity_free(a);
	punktfunk_identity_free(b);
}

static void a_picture_that_stands_still_costs_nothing(void **state)
{
	struct fixture *f = *state;
	PunktfunkFrame frame = { .struct_size = sizeof(frame) };
	PunktfunkConnection *c;
	struct pf_session_report r;

	strcpy(f->config.display_options, "scene=still");
	f->config.audio = false;
	serve(f);
	c = connect_as(f, NULL);
	take_frames(c, 3);
	/* Longer than the idle time-out of the connection: silence does not end it. */
	assert_int_equal(punktfunk_connection_next_frame(c, &frame, 9000), PUNKTFUNK_EAGAIN);
	usleep(100000);
	assert_int_equal(punktfunk_request_keyframe(c), 0);
	assert_true(take_frames(c, 1) & PUNKTFUNK_FRAME_IDR);
	punktfunk_connection_close(c, PUNKTFUNK_CLOSE_NORMAL);
	r = ended(f, 1);
	assert_int_equal(r.stream.encoded, 4);
	assert_int_equal(r.audio_packets, 0);
}

static void a_host_that_stops_says_so(void **state)
{
	struct fixture *f = *state;
	PunktfunkConnection *c;
	PunktfunkEvent e;

	serve(f);
	c = connect_as(f, NULL);
	take_frames(c, 2);
	stop(f);
	e = take_event(c, PUNKTFUNK_EVENT_CLOSED);
	assert_int_equal(e.a, PUNKTFUNK_CLOSE_NORMAL);
	punktfunk_connection_close(c, PUNKTFUNK_CLOSE_NORMAL);
	assert_int_equal(f->ended_count, 1);
}

static void a_desk_that_fails_closes_with_its_words(void **state)
{
	struct fixture *f = *state;
	PunktfunkConnectOptions o;
	PunktfunkReason why = { .struct_size = sizeof(why) };
	PunktfunkConnection *c;

	strcpy(f->config.display_options, "fail-at=5");
	serve(f);
	o = options(f, NULL);
	/* It breaks while it streams. */
	assert_int_equal(punktfunk_connect(&o, &c, &why), 0);
	assert_int_equal(take_event(c, PUNKTFUNK_EVENT_CLOSED).a, PUNKTFUNK_CLOSE_SETUP_FAILED);
	punktfunk_connection_close(c, PUNKTFUNK_CLOSE_NORMAL);
	assert_int_equal(ended(f, 1).close_code, PUNKTFUNK_CLOSE_SETUP_FAILED);
}

static void a_display_that_does_not_open_is_told(void **state)
{
	struct fixture *f = *state;
	PunktfunkReason why = { .struct_size = sizeof(why) };
	PunktfunkConnectOptions o;
	PunktfunkConnection *c;
	PunktfunkEvent e;

	f->display = "null";
	strcpy(f->config.display_options, "fail-open=1,delay-ms=50");
	serve(f);
	o = options(f, NULL);
	/* The Welcome does not wait for the display, so either may come first. */
	if (punktfunk_connect(&o, &c, &why)) {
		assert_int_equal(why.close_code, PUNKTFUNK_CLOSE_SETUP_FAILED);
		assert_non_null(strstr(why.text, "null display"));
	} else {
		e = take_event(c, PUNKTFUNK_EVENT_CLOSED);
		assert_int_equal(e.a, PUNKTFUNK_CLOSE_SETUP_FAILED);
		assert_non_null(strstr(e.text, "null display"));
		punktfunk_connection_close(c, PUNKTFUNK_CLOSE_NORMAL);
	}
	assert_int_equal(ended(f, 1).close_code, PUNKTFUNK_CLOSE_SETUP_FAILED);
	assert_int_equal(ended(f, 1).stream.encoded, 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, make, drop)
	const struct CMUnitTest tests[] = {
		T(a_picture_and_its_sound_arrive),
		T(the_client_asks_and_is_answered),
		T(a_mode_that_fails_gives_way_to_the_old_one),
		T(only_the_listed_may_connect),
		T(row7_who_is_unpaired_is_gone_at_once),
		T(access_that_runs_out_ends_the_session),
		T(what_cannot_be_is_refused_with_words),
		T(any_end_but_a_quit_keeps_the_desk),
		T(settings_cap_what_a_client_gets),
		T(the_same_client_gets_its_desk_back),
		T(a_picture_that_stands_still_costs_nothing),
		T(a_host_that_stops_says_so),
		T(a_desk_that_fails_closes_with_its_words),
		T(a_display_that_does_not_open_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
