/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Every struct of the public header as a caller of another age has it: shorter, longer,
 * or without a size. What a short one lacks counts as zero, what lies behind it is not
 * touched, what a long one has more is zero. */
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>
#include "tests/unit/abi_bed.h"

#define MORE	   32 /* of a caller newer than we are */
#define GUARD	   16
#define STRUCT_MAX 3000

static struct host host;
static PunktfunkConnection *conn;
static PunktfunkHostSession *session;

static void set_size(uint8_t *p, size_t size)
{
	uint32_t n = (uint32_t)size;

	memcpy(p, &n, sizeof(n));
}

static bool all(const uint8_t *p, size_t n, uint8_t value)
{
	while (n--)
		if (*p++ != value)
			return false;
	return true;
}

/* ---- structs that we fill ---- */

/* Each fills one out struct; what it needs is made ready first. */
static void check_out(const char *name, int32_t (*fill)(void *out), size_t size)
{
	const size_t sizes[] = { 4, 5, size / 2, size - 1, size, size + MORE };
	uint8_t whole[STRUCT_MAX], buf[STRUCT_MAX];

	print_message("# %s\n", name);
	assert_true(size + MORE + GUARD < STRUCT_MAX);
	for (unsigned none = 0; none < 4; none++) {
		memset(buf, 0xaa, sizeof(buf));
		set_size(buf, none);
		assert_int_equal(fill(buf), PUNKTFUNK_EINVAL);
		assert_true(all(buf + 4, sizeof(buf) - 4, 0xaa));
	}
	assert_int_equal(fill(NULL), PUNKTFUNK_EINVAL);
	memset(whole, 0xaa, sizeof(whole));
	set_size(whole, size);
	assert_int_equal(fill(whole), 0);
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint32_t said;

		memset(buf, 0xaa, sizeof(buf));
		set_size(buf, sizes[i]);
		assert_int_equal(fill(buf), 0);
		memcpy(&said, buf, sizeof(said));
		assert_int_equal(said, sizes[i]);
		assert_true(all(buf + sizes[i], sizeof(buf) - sizes[i], 0xaa));
		if (sizes[i] > size)
			assert_true(all(buf + size, MORE, 0));
	}
}

static int32_t fill_frame(void *out)
{
	static const uint8_t unit[100];
	PunktfunkAccessUnit au = { .struct_size = sizeof(au), .data = unit, .size = sizeof(unit) };
	uint32_t size = 0;

	if (out)
		memcpy(&size, out, sizeof(size));
	if (size >= 4)
		assert_int_equal(punktfunk_host_push_video(session, &au), 0);
	return punktfunk_connection_next_frame(conn, out, PATIENCE_S * 1000);
}

static int32_t fill_audio(void *out)
{
	uint32_t size = 0;

	if (out)
		memcpy(&size, out, sizeof(size));
	if (size >= 4)
		assert_int_equal(
			punktfunk_host_push_audio(session, (const uint8_t *)"opus", 4, 0), 0);
	return punktfunk_connection_next_audio(conn, out, PATIENCE_S * 1000);
}

static int32_t fill_event(void *out)
{
	uint32_t size = 0;

	if (out)
		memcpy(&size, out, sizeof(size));
	if (size >= 4)
		assert_int_equal(punktfunk_host_tell_gap(session, 5), 0);
	return punktfunk_connection_next_event(conn, out, PATIENCE_S * 1000);
}

static int32_t fill_info(void *out)
{
	return punktfunk_connection_info(conn, out);
}

static int32_t fill_stats(void *out)
{
	return punktfunk_connection_stats(conn, out);
}

static int32_t fill_host_stats(void *out)
{
	return punktfunk_host_session_stats(session, out);
}

static int32_t fill_host_client(void *out)
{
	return punktfunk_host_client(session, out);
}

static int32_t fill_cursor(void *out)
{
	return punktfunk_cursor_shape(conn, 3, out, NULL, 0);
}

static int32_t fill_hdr(void *out)
{
	return punktfunk_hdr_metadata(conn, out);
}

static int32_t fill_ignored(void *out)
{
	return punktfunk_host_ignored(session, 0, out);
}

static int32_t call_cursor(const void *in)
{
	static const uint8_t pixel[4];

	return punktfunk_host_tell_cursor_shape(session, in, pixel, sizeof(pixel));
}

static int32_t call_hdr(const void *in)
{
	return punktfunk_host_tell_hdr(session, in);
}

/* What the host tells once, and what it has no use for. */
static void tell_all(void)
{
	const PunktfunkCursorShape shape = {
		.struct_size = sizeof(shape), .serial = 3, .width = 1, .height = 1
	};
	const PunktfunkHdrMetadata hdr = { .struct_size = sizeof(hdr), .max_cll = 9 };
	PunktfunkIgnored g = { .struct_size = sizeof(g) };
	PunktfunkEvent e = { .struct_size = sizeof(e) };
	bool shaped = false, lit = false;

	assert_int_equal(call_cursor(&shape), 0);
	assert_int_equal(call_hdr(&hdr), 0);
	while (!shaped || !lit) {
		assert_int_equal(punktfunk_connection_next_event(conn, &e, PATIENCE_S * 1000), 0);
		shaped |= e.type == PUNKTFUNK_EVENT_CURSOR_SHAPE;
		lit |= e.type == PUNKTFUNK_EVENT_HDR;
	}
	assert_int_equal(punktfunk_cursor_render(conn, 1), 0);
	for (unsigned i = 0; punktfunk_host_ignored(session, 0, &g); i++) {
		assert_true(i < PATIENCE_S * 1000);
		usleep(1000);
	}
}

static int32_t fill_reason(void *out)
{
	PunktfunkConnectOptions o = { .struct_size = sizeof(o) };
	PunktfunkConnection *c = NULL;
	uint32_t size = 0;

	/* No host: EINVAL, and words. That is what a reason is filled for. */
	assert_int_equal(punktfunk_connect(&o, &c, out), PUNKTFUNK_EINVAL);
	if (out)
		memcpy(&size, out, sizeof(size));
	return size >= 4 ? 0 : PUNKTFUNK_EINVAL;
}

static void structs_that_come_out(void **state)
{
	tell_all();
	check_out("PunktfunkCursorShape", fill_cursor, sizeof(PunktfunkCursorShape));
	check_out("PunktfunkHdrMetadata", fill_hdr, sizeof(PunktfunkHdrMetadata));
	check_out("PunktfunkIgnored", fill_ignored, sizeof(PunktfunkIgnored));
	check_out("PunktfunkReason", fill_reason, sizeof(PunktfunkReason));
	check_out("PunktfunkFrame", fill_frame, sizeof(PunktfunkFrame));
	check_out("PunktfunkAudio", fill_audio, sizeof(PunktfunkAudio));
	check_out("PunktfunkEvent", fill_event, sizeof(PunktfunkEvent));
	check_out("PunktfunkConnectionInfo", fill_info, sizeof(PunktfunkConnectionInfo));
	check_out("PunktfunkStats", fill_stats, sizeof(PunktfunkStats));
	check_out("PunktfunkStats", fill_host_stats, sizeof(PunktfunkStats));
	check_out("PunktfunkHostClient", fill_host_client, sizeof(PunktfunkHostClient));
}

/* The one speed test that a host answers in ten seconds. */
static void a_speed_test_comes_out(void **state)
{
	uint8_t buf[sizeof(PunktfunkSpeedTest) + MORE];

	memset(buf, 0xaa, sizeof(buf));
	set_size(buf, 3);
	assert_int_equal(punktfunk_speed_test(conn, 20000, 100, (PunktfunkSpeedTest *)buf),
		PUNKTFUNK_EINVAL);
	set_size(buf, sizeof(buf));
	assert_int_equal(punktfunk_speed_test(conn, 20000, 100, (PunktfunkSpeedTest *)buf), 0);
	assert_true(all(buf + sizeof(PunktfunkSpeedTest), MORE, 0));
}

/* ---- structs that we read ---- */

/* The call with `own` cut at each size means the call with zeros from there on. */
static void check_in(
	const char *name, int32_t (*call)(const void *in), const void *own, size_t size)
{
	uint8_t cut[STRUCT_MAX], zeros[STRUCT_MAX];

	print_message("# %s\n", name);
	assert_true(size + MORE < STRUCT_MAX);
	assert_int_equal(call(NULL), PUNKTFUNK_EINVAL);
	memset(cut, 0xaa, sizeof(cut));
	memcpy(cut, own, size);
	for (unsigned none = 0; none < 4; none++) {
		set_size(cut, none);
		assert_int_equal(call(cut), PUNKTFUNK_EINVAL);
	}
	/* Not in the middle of a pointer. */
	for (size_t at = 4; at <= size; at += at % 8 ? 4 : 8) {
		memset(zeros, 0, sizeof(zeros));
		memcpy(zeros, own, at);
		set_size(zeros, size);
		memset(cut, 0xaa, sizeof(cut));
		memcpy(cut, own, at);
		set_size(cut, at);
		assert_int_equal(call(cut), call(zeros));
	}
	/* What a newer caller says more is not for us. */
	memcpy(cut, own, size);
	set_size(cut, size + MORE);
	assert_int_equal(call(cut), call(own));
	assert_int_equal(call(own), 0);
}

static int32_t call_input(const void *in)
{
	return punktfunk_send_input(conn, in);
}

static int32_t call_decoded(const void *in)
{
	return punktfunk_report_decoded(conn, in);
}

static int32_t call_feedback(const void *in)
{
	return punktfunk_host_push_feedback(session, in);
}

static int32_t call_unit(const void *in)
{
	int32_t err;

	while ((err = punktfunk_host_push_video(session, in)) == PUNKTFUNK_EBUSY)
		usleep(1000);
	return err;
}

static int32_t call_arming(const void *in)
{
	return in ? punktfunk_listener_arm(host.l, in) : PUNKTFUNK_EINVAL; /* NULL disarms */
}

static int32_t call_accept(const void *in)
{
	int32_t err = punktfunk_host_accept(session, in);

	/* It was let in before: all that is well formed hears that. */
	return err == PUNKTFUNK_EBUSY ? 0 : err;
}

static int32_t call_listen(const void *in)
{
	PunktfunkListener *l = NULL;
	int32_t err = punktfunk_listen(in, &l, NULL);

	punktfunk_listener_close(l);
	return err;
}

static int data_socket;

static int32_t call_session(const void *in)
{
	PunktfunkSession *s = NULL;
	int32_t err = punktfunk_session_new(in, &s, NULL);

	punktfunk_session_free(s);
	return err;
}

static int32_t call_raw_input(const void *in)
{
	PunktfunkSessionConfig c = {
		.struct_size = sizeof(c), .role = PUNKTFUNK_ROLE_CLIENT, .socket_fd = data_socket
	};
	PunktfunkSession *s = NULL;
	int32_t err;

	assert_int_equal(punktfunk_session_new(&c, &s, NULL), 0);
	err = punktfunk_session_send_input(s, in);
	punktfunk_session_free(s);
	return err;
}

static int32_t call_pair(const void *in)
{
	uint8_t fp[32];
	int32_t err = punktfunk_pair(in, fp, NULL);

	/* Nobody listens on port 1, and the host of this test is not armed. */
	return err == PUNKTFUNK_EACCES || err == PUNKTFUNK_ECONNREFUSED ? 0 : err;
}

static int32_t call_pad(const void *in)
{
	return punktfunk_send_pad(conn, in);
}

static int32_t call_pad_touch(const void *in)
{
	return punktfunk_send_pad_touch(conn, in);
}

static int32_t call_pad_motion(const void *in)
{
	return punktfunk_send_pad_motion(conn, in);
}

static int32_t call_pen(const void *in)
{
	return punktfunk_send_pen(conn, in, 1);
}

static int32_t call_clip_offer(const void *in)
{
	return punktfunk_clip_offer(conn, in);
}

static void structs_that_go_in(void **state)
{
	static const uint8_t bytes[40];
	const PunktfunkInputEvent input = {
		.struct_size = sizeof(input), .kind = PUNKTFUNK_INPUT_MOUSE_RELATIVE, .x = 1
	};
	const PunktfunkDecoded decoded = { .struct_size = sizeof(decoded), .flags = 1 };
	const PunktfunkFeedback feedback = { .struct_size = sizeof(feedback),
		.kind = PUNKTFUNK_FEEDBACK_HID_OUTPUT,
		.data = bytes,
		.size = sizeof(bytes) };
	const PunktfunkAccessUnit unit = {
		.struct_size = sizeof(unit), .data = bytes, .size = sizeof(bytes)
	};
	const PunktfunkArming arming = { .struct_size = sizeof(arming), .pin = "1234" };
	const PunktfunkAccept accept = { .struct_size = sizeof(accept),
		.codec = PUNKTFUNK_CODEC_H264 };
	const PunktfunkListenOptions listen = { .struct_size = sizeof(listen),
		.bind_address = "127.0.0.1",
		.identity = host.id,
		.callback = on_event,
		.user = &host };
	const PunktfunkSessionConfig config = {
		.struct_size = sizeof(config), .role = PUNKTFUNK_ROLE_HOST, .socket_fd = data_socket
	};
	const PunktfunkPairOptions pair = { .struct_size = sizeof(pair),
		.port = 1,
		.host = "127.0.0.1",
		.identity = host.id,
		.pin = "1234",
		.timeout_ms = 2000 };
	const PunktfunkPadState pad = { .struct_size = sizeof(pad), .buttons = 0x1000 };
	const PunktfunkPadTouch touch = { .struct_size = sizeof(touch) };
	const PunktfunkPadMotion motion = { .struct_size = sizeof(motion) };
	const PunktfunkPenSample pen = { .struct_size = sizeof(pen) };
	const PunktfunkCursorShape shape = {
		.struct_size = sizeof(shape), .serial = 3, .width = 1, .height = 1
	};
	const PunktfunkHdrMetadata hdr = { .struct_size = sizeof(hdr), .max_cll = 9 };
	const PunktfunkClipOffer clip = { .struct_size = sizeof(clip) };

	check_in("PunktfunkInputEvent", call_input, &input, sizeof(input));
	check_in("PunktfunkInputEvent", call_raw_input, &input, sizeof(input));
	check_in("PunktfunkPadState", call_pad, &pad, sizeof(pad));
	check_in("PunktfunkPadTouch", call_pad_touch, &touch, sizeof(touch));
	check_in("PunktfunkPadMotion", call_pad_motion, &motion, sizeof(motion));
	check_in("PunktfunkPenSample", call_pen, &pen, sizeof(pen));
	check_in("PunktfunkCursorShape", call_cursor, &shape, sizeof(shape));
	check_in("PunktfunkHdrMetadata", call_hdr, &hdr, sizeof(hdr));
	check_in("PunktfunkClipOffer", call_clip_offer, &clip, sizeof(clip));
	check_in("PunktfunkDecoded", call_decoded, &decoded, sizeof(decoded));
	check_in("PunktfunkFeedback", call_feedback, &feedback, sizeof(feedback));
	check_in("PunktfunkAccessUnit", call_unit, &unit, sizeof(unit));
	check_in("PunktfunkArming", call_arming, &arming, sizeof(arming));
	check_in("PunktfunkAccept", call_accept, &accept, sizeof(accept));
	check_in("PunktfunkListenOptions", call_listen, &listen, sizeof(listen));
	check_in("PunktfunkSessionConfig", call_session, &config, sizeof(config));
	check_in("PunktfunkPairOptions", call_pair, &pair, sizeof(pair));
}

/* One caller's whole connection, by a struct that ends before timeout_ms. */
static void an_old_program_connects(void **state)
{
	PunktfunkConnectOptions o;
	PunktfunkConnection *c = NULL;

	memset(&o, 0xaa, sizeof(o));
	memset(&o, 0, offsetof(PunktfunkConnectOptions, timeout_ms));
	o.struct_size = offsetof(PunktfunkConnectOptions, timeout_ms);
	o.host = "127.0.0.1";
	o.port = (uint16_t)punktfunk_listener_port(host.l);
	o.width = 640;
	o.height = 480;
	o.refresh_hz = 30;
	assert_int_equal(punktfunk_connect(&o, &c, NULL), 0);
	expect(&host, PUNKTFUNK_HOST_EVENT_STARTED);
	punktfunk_connection_close(c, 0);
	expect(&host, PUNKTFUNK_HOST_EVENT_CLOSED);
	o.struct_size = 3;
	assert_int_equal(punktfunk_connect(&o, &c, NULL), PUNKTFUNK_EINVAL);
	o.struct_size = offsetof(PunktfunkConnectOptions, host);
	assert_int_equal(punktfunk_connect(&o, &c, NULL), PUNKTFUNK_EINVAL);
}

static int set_up(void **state)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(a);

	data_socket = socket(AF_INET, SOCK_DGRAM, 0);
	if (data_socket < 0 || bind(data_socket, (struct sockaddr *)&a, len) ||
		getsockname(data_socket, (struct sockaddr *)&a, &len) ||
		connect(data_socket, (struct sockaddr *)&a, len))
		return -1;
	host_start(&host);
	host.accept.host_caps = 0x10; /* takes pens */
	conn = connect_to(&host);
	session = expect(&host, PUNKTFUNK_HOST_EVENT_STARTED)->session;
	return 0;
}

static int tear_down(void **state)
{
	punktfunk_connection_close(conn, 0);
	punktfunk_host_release(session);
	host_stop(&host);
	close(data_socket);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(structs_that_come_out),
		cmocka_unit_test(a_speed_test_comes_out),
		cmocka_unit_test(structs_that_go_in),
		cmocka_unit_test(an_old_program_connects),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
