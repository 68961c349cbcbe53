/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "core/wire/pf1_frame.h"
#include "core/wire/pf2_frame.h"
#include "core/wire/pf2_handshake.h"

/* ---- framing ---- */

static void varints(void **state)
{
	/* RFC 9000 A.1, and the edges. */
	static const struct {
		uint64_t v;
		const char *bytes;
		size_t len;
	} rows[] = {
		{ 0, "\x00", 1 },
		{ 37, "\x25", 1 },
		{ 63, "\x3f", 1 },
		{ 64, "\x40\x40", 2 },
		{ 15293, "\x7b\xbd", 2 },
		{ 16384, "\x80\x00\x40\x00", 4 },
		{ 494878333, "\x9d\x7f\x3e\x7d", 4 },
		{ 1073741824, "\xc0\x00\x00\x00\x40\x00\x00\x00", 8 },
		{ 151288809941952652, "\xc2\x19\x7c\x5e\xff\x14\xe8\x8c", 8 },
		{ PF_PF2_VARINT_MAX, "\xff\xff\xff\xff\xff\xff\xff\xff", 8 },
	};
	uint8_t buf[8];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pf_reader r = pf_reader(rows[i].bytes, rows[i].len);
		struct pf_writer w = pf_writer(buf, sizeof(buf));

		assert_int_equal(pf_pf2_varint_read(&r), rows[i].v);
		assert_false(r.err);
		assert_int_equal(r.left, 0);
		pf_pf2_varint_write(&w, rows[i].v);
		assert_int_equal(w.len, rows[i].len);
		assert_memory_equal(buf, rows[i].bytes, rows[i].len);
		for (size_t cut = 0; cut < rows[i].len; cut++) {
			r = pf_reader(rows[i].bytes, cut);
			(void)pf_pf2_varint_read(&r);
			assert_true(r.err);
		}
	}
	/* Longer than it need be is allowed. */
	struct pf_reader r = pf_reader("\x40\x25", 2);

	assert_int_equal(pf_pf2_varint_read(&r), 37);
	struct pf_writer w = pf_writer(buf, sizeof(buf));

	pf_pf2_varint_write(&w, PF_PF2_VARINT_MAX + 1);
	assert_true(w.err);
}

static void frames_come_in_pieces(void **state)
{
	/* The stream's type, Ready, and an unknown frame of three bytes. */
	static const uint8_t stream[] = { 0, 3, 0, 0x40, 0x99, 3, 'a', 'b', 'c', 3, 0 };

	for (size_t piece = 1; piece <= sizeof(stream); piece++) {
		static const size_t lens[] = { 2, 6, 2 };
		struct pf_deframer d;
		size_t at = 0, count = 0, len;
		const uint8_t *msg;

		assert_int_equal(pf_deframer_init_as(&d, &pf_pf2_framing, true), 0);
		while (at < sizeof(stream)) {
			size_t n = piece < sizeof(stream) - at ? piece : sizeof(stream) - at;

			assert_int_equal(pf_deframer_push(&d, stream + at, n), n);
			at += n;
			while (pf_deframer_next(&d, &msg, &len) == 1) {
				assert_int_equal(len, lens[count]);
				count++;
			}
		}
		assert_int_equal(count, 3);
		pf_deframer_finish(&d);
	}
}

static int first_frame(const void *bytes, size_t n, bool opened)
{
	struct pf_deframer d;
	const uint8_t *msg;
	size_t len;
	int r;

	assert_int_equal(pf_deframer_init_as(&d, &pf_pf2_framing, opened), 0);
	assert_int_equal(pf_deframer_push(&d, bytes, n), n);
	r = pf_deframer_next(&d, &msg, &len);
	pf_deframer_finish(&d);
	return r;
}

static void each_type_has_its_limit(void **state)
{
	/* Another kind of stream. */
	assert_int_equal(first_frame("\x02\x03\x00", 3, true), -EPROTO);
	assert_int_equal(first_frame("\x03\x00", 2, false), 1);
	assert_int_equal(first_frame("\x03", 1, false), 0);
	/* Ready of 256 bytes and one more; a Hello of 16384; a cursor of 131072; unknown. */
	assert_int_equal(first_frame("\x03\x41\x00", 3, false), 0);
	assert_int_equal(first_frame("\x03\x41\x01", 3, false), -EMSGSIZE);
	assert_int_equal(first_frame("\x01\x80\x00\x40\x00", 5, false), 0);
	assert_int_equal(first_frame("\x01\x80\x00\x40\x01", 5, false), -EMSGSIZE);
	assert_int_equal(first_frame("\x30\x80\x02\x00\x00", 5, false), 0);
	assert_int_equal(first_frame("\x30\x80\x02\x00\x01", 5, false), -EMSGSIZE);
	assert_int_equal(first_frame("\x3f\x80\x01\x00\x00", 5, false), 0);
	assert_int_equal(first_frame("\x3f\x80\x01\x00\x01", 5, false), -EMSGSIZE);
	assert_int_equal(first_frame("\x3f\xff\xff\xff\xff\xff\xff\xff\xff", 9, false), -EMSGSIZE);
}

/* ---- handshake ---- */

static struct pf_hello whole_hello(void)
{
	struct pf_hello h;

	pf_hello_init(&h);
	h.width = 1920;
	h.height = 1080;
	h.refresh_hz = 120;
	h.compositor = PF_COMPOSITOR_KWIN;
	h.gamepad = PF_GAMEPAD_DUALSENSE;
	h.bitrate_kbps = 50000;
	strcpy(h.name, "S\xc3\xb6"
		       "fa");
	strcpy(h.launch, "steam:570");
	h.video_caps = 0x78;
	h.client_caps = PF_CLIENT_CAP_CURSOR;
	h.audio_channels = 6;
	h.video_codecs = 3;
	h.preferred_codec = 2;
	h.has_display_hdr = true;
	h.display_hdr.max_cll = 1000;
	h.display_hdr.primaries[1][0] = 7;
	h.max_shard_payload = 9152;
	h.audio_rate_hz = 96000;
	h.audio_bits = 24;
	h.audio_layout = 1;
	h.video_fit = 2;
	return h;
}

static void a_hello_round_trips(void **state)
{
	struct pf_hello in = whole_hello(), out;
	uint8_t buf[1024], again[1024];
	int n = pf_pf2_hello_build(&in, buf, sizeof(buf));

	assert_true(n > 0);
	assert_int_equal(pf_pf2_hello_parse(&out, buf, (size_t)n), 0);
	assert_string_equal(out.name, in.name);
	assert_string_equal(out.launch, in.launch);
	assert_int_equal(out.video_caps, in.video_caps);
	assert_int_equal(out.display_hdr.max_cll, 1000);
	assert_int_equal(pf_pf2_hello_build(&out, again, sizeof(again)), n);
	assert_memory_equal(buf, again, (size_t)n);
	for (int cut = 0; cut < n; cut++) {
		assert_int_equal(pf_pf2_hello_parse(&out, buf, (size_t)cut), -EPROTO);
		assert_int_equal(pf_pf2_hello_build(&in, again, (size_t)cut), -ENOBUFS);
	}
	/* What is cut is untouched. */
	assert_string_equal(out.name, in.name);
}

static void the_bytes_of_a_plain_hello(void **state)
{
	static const uint8_t want[] = { 1, 17, 2, 1, 0, 3, 12, 0, 5, 0, 0, 0xd0, 2, 0, 0, 60, 0, 0,
		0 };
	struct pf_hello h;
	uint8_t buf[64];

	pf_hello_init(&h);
	h.width = 1280;
	h.height = 720;
	h.refresh_hz = 60;
	assert_int_equal(pf_pf2_hello_build(&h, buf, sizeof(buf)), sizeof(want));
	assert_memory_equal(buf, want, sizeof(want));
}

#define MODE "\x03\x0c\x00\x05\x00\x00\xd0\x02\x00\x00\x3c\x00\x00\x00"

static int hello_of(struct pf_hello *out, const char *body, size_t len)
{
	uint8_t buf[1024];
	int n = pf_pf2_frame_build(
		PF_PF2_CLIENT_HELLO, (const uint8_t *)body, len, buf, sizeof(buf));

	assert_true(n > 0);
	return pf_pf2_hello_parse(out, buf, (size_t)n);
}

#define HELLO(out, body) hello_of(out, body, sizeof(body) - 1)

static void what_a_hello_may_hold(void **state)
{
	struct pf_hello h;

	assert_int_equal(HELLO(&h, ""), -EPROTO); /* no mode */
	assert_int_equal(HELLO(&h, MODE), 0);
	assert_int_equal(h.width, 1280);
	assert_int_equal(h.audio_channels, 2);
	assert_int_equal(h.audio_rate_hz, 48000);
	/* Twice, but of tags that nobody knows; integers of any width. */
	assert_int_equal(HELLO(&h, MODE MODE), -EPROTO);
	assert_int_equal(
		HELLO(&h, MODE "\x06\x08\x50\xc3\0\0\0\0\0\0\x40\x63\x01x\x40\x63\x01y"), 0);
	assert_int_equal(h.bitrate_kbps, 50000);
	assert_int_equal(HELLO(&h, MODE "\x30\x01x\x30\x01y"), 0);
	/* Integers that do not fit, or are none. */
	assert_int_equal(HELLO(&h, MODE "\x06\x05\0\0\0\0\x01"), -EPROTO);
	assert_int_equal(HELLO(&h, MODE "\x06\x00"), -EPROTO);
	assert_int_equal(HELLO(&h, MODE "\x06\x09\0\0\0\0\0\0\0\0\0"), -EPROTO);
	assert_int_equal(HELLO(&h, MODE "\x0a\x02\x02\x01"), -EPROTO);
	assert_int_equal(HELLO(&h, "\x03\x0b\0\0\0\0\0\0\0\0\0\0\0"), -EPROTO);
	/* Bad labels are dropped; suites decide about the cipher, not the feature bit. */
	assert_int_equal(HELLO(&h, MODE "\x07\x02\xff\xff\x08\x03"
					"a\0b\x09\x01\x40"),
		0);
	assert_string_equal(h.name, "");
	assert_string_equal(h.launch, "");
	assert_int_equal(h.video_caps, 0);
	assert_int_equal(HELLO(&h, MODE "\x02\x02\x01\x00"), 0);
	assert_int_equal(h.video_caps, PF_VIDEO_CAP_CHACHA20);
	/* More features than we know. */
	assert_int_equal(HELLO(&h, MODE "\x09\x06\x08\x01\0\0\x07\xff"), 0);
	assert_int_equal(h.video_caps, PF_VIDEO_CAP_HOST_TIMING);
	assert_int_equal(h.client_caps, PF_CLIENT_CAP_CURSOR);
	/* Out of their lists, as in punktfunk/1. */
	assert_int_equal(HELLO(&h, MODE "\x04\x01\x63\x05\x01\x63\x0a\x01\x03\x10\x01\x20"), 0);
	assert_int_equal(h.compositor, 0);
	assert_int_equal(h.gamepad, 0);
	assert_int_equal(h.audio_channels, 2);
	assert_int_equal(h.audio_bits, 16);
}

static void a_welcome_round_trips(void **state)
{
	struct pf_welcome in, out;
	struct pf_refusal no;
	uint8_t buf[1024], again[1024];
	enum pf_answer kind;
	int n;

	pf_welcome_init(&in);
	for (unsigned i = 0; i < 16; i++)
		in.session_id[i] = (uint8_t)(i + 1);
	in.clock_origin_ns = 0x0102030405060708;
	in.cipher = PF_CIPHER_CHACHA20_POLY1305;
	in.width = 2560;
	in.height = 1440;
	in.refresh_hz = 144;
	in.shard_payload = 1200;
	in.bitrate_kbps = 80000;
	in.bit_depth = 10;
	in.primaries = 9;
	in.transfer = 16;
	in.matrix = 9;
	in.codec = PF_CODEC_AV1;
	in.host_caps = 0x29;
	in.host_caps2 = 0x04;
	in.mgmt_port = 47990;
	in.grants = PF_GRANT_POINTER;
	in.expires_in_s = 3600;
	n = pf_pf2_welcome_build(&in, buf, sizeof(buf));
	assert_true(n > 0);
	assert_int_equal(pf_pf2_answer_parse(&kind, &out, &no, buf, (size_t)n), 0);
	assert_int_equal(kind, PF_ANSWER_WELCOME);
	assert_memory_equal(out.session_id, in.session_id, 16);
	assert_int_equal(out.clock_origin_ns, in.clock_origin_ns);
	assert_int_equal(out.cipher, in.cipher);
	assert_int_equal(out.transfer, 16);
	assert_int_equal(out.host_caps, 0x29);
	assert_int_equal(out.host_caps2, 4);
	assert_int_equal(out.grants, PF_GRANT_POINTER);
	assert_int_equal(pf_pf2_welcome_build(&out, again, sizeof(again)), n);
	assert_memory_equal(buf, again, (size_t)n);

	/* Without its session id it is none; an unknown suite is refused. */
	n = pf_pf2_frame_build(PF_PF2_SERVER_HELLO, NULL, 0, buf, sizeof(buf));
	assert_int_equal(pf_pf2_answer_parse(&kind, &out, &no, buf, (size_t)n), -EPROTO);
	in.cipher = 2;
	n = pf_pf2_welcome_build(&in, buf, sizeof(buf));
	assert_int_equal(pf_pf2_answer_parse(&kind, &out, &no, buf, (size_t)n), -EPROTO);
}

static void other_answers(void **state)
{
	struct pf_refusal in = { 0x64, "not on the list" }, no;
	struct pf_welcome w;
	enum pf_answer kind;
	uint8_t buf[512];
	int n = pf_pf2_refused_build(&in, buf, sizeof(buf));

	assert_int_equal(pf_pf2_answer_parse(&kind, &w, &no, buf, (size_t)n), 0);
	assert_int_equal(kind, PF_ANSWER_REFUSED);
	assert_int_equal(no.code, 0x64);
	assert_string_equal(no.text, "not on the list");
	/* The longest fits into what a reader takes. */
	memset(in.text, 'x', sizeof(in.text) - 1);
	n = pf_pf2_refused_build(&in, buf, sizeof(buf));
	assert_int_equal(first_frame(buf, (size_t)n, false), 1);
	assert_true(n <= 3 + 256);

	n = pf_pf2_pending_build(buf, sizeof(buf));
	assert_int_equal(n, 2);
	assert_int_equal(pf_pf2_answer_parse(&kind, &w, &no, buf, 2), 0);
	assert_int_equal(kind, PF_ANSWER_PENDING);
	assert_int_equal(
		pf_pf2_answer_parse(&kind, &w, &no, (const uint8_t *)"\x05\x03\x01\x01h", 5), 0);
	assert_int_equal(kind, PF_ANSWER_REFUSED);
	assert_int_equal(pf_pf2_answer_parse(&kind, &w, &no, (const uint8_t *)"\x3e\x00", 2), 0);
	assert_int_equal(kind, PF_ANSWER_IGNORED);
}

static void ready_and_clock(void **state)
{
	struct pf_ctl in = { .type = PF_CTL_CLOCK_ECHO }, out;
	struct pf_start start = { 0 };
	uint8_t buf[64];
	int n = pf_pf2_ready_build(&start, buf, sizeof(buf));

	assert_int_equal(n, 2);
	assert_int_equal(pf_pf2_ready_parse(&start, buf, 2), 0);
	assert_int_equal(pf_pf2_ready_parse(&start, (const uint8_t *)"\x02\x00", 2), -EPROTO);
	in.clock_echo.t1 = 1;
	in.clock_echo.t2 = UINT64_MAX;
	in.clock_echo.t3 = 3;
	n = pf_pf2_ctl_build(&in, buf, sizeof(buf));
	assert_int_equal(pf_pf2_ctl_parse(&out, buf, (size_t)n), 0);
	assert_int_equal(out.type, PF_CTL_CLOCK_ECHO);
	assert_true(out.clock_echo.t2 == UINT64_MAX);
	in = (struct pf_ctl){ .type = PF_CTL_CLOCK_PROBE, .clock_t1 = 77 };
	n = pf_pf2_ctl_build(&in, buf, sizeof(buf));
	assert_int_equal(pf_pf2_ctl_parse(&out, buf, (size_t)n), 0);
	assert_int_equal(out.type, PF_CTL_CLOCK_PROBE);
	assert_int_equal(out.clock_t1, 77);
	/* An echo without its times; what is not built. */
	assert_int_equal(
		pf_pf2_ctl_parse(&out, (const uint8_t *)"\x3b\x03\x01\x01\x05", 5), -EPROTO);
	in.type = PF_CTL_SET_BITRATE;
	assert_int_equal(pf_pf2_ctl_build(&in, buf, sizeof(buf)), -ENOTSUP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(varints),
		cmocka_unit_test(frames_come_in_pieces),
		cmocka_unit_test(each_type_has_its_limit),
		cmocka_unit_test(a_hello_round_trips),
		cmocka_unit_test(the_bytes_of_a_plain_hello),
		cmocka_unit_test(what_a_hello_may_hold),
		cmocka_unit_test(a_welcome_round_trips),
		cmocka_unit_test(other_answers),
		cmocka_unit_test(ready_and_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
