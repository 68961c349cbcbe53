/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/wire/gs_rtsp.h"

#define HEAD "OPTIONS rtsp://10.0.0.2:48010 RTSP/1.0\r\n"

static int parse(struct pf_gs_rtsp_request *out, const char *text)
{
	return pf_gs_rtsp_parse(out, text, strlen(text));
}

static void assert_text(struct pf_gs_text t, const char *want)
{
	assert_int_equal(t.len, strlen(want));
	assert_memory_equal(t.p, want, t.len);
}

static void requests_of_a_real_client(void **state)
{
	static const char setup[] = "SETUP streamid=video/0/0 RTSP/1.0\r\nCSeq: 4\r\n"
				    "X-GS-ClientVersion: 14\r\nHost: 10.0.0.2\r\n"
				    "Session: DEADBEEFCAFE\r\n"
				    "Transport: unicast;X-GS-ClientPort=50000-50001\r\n"
				    "If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT\r\n\r\n";
	struct pf_gs_rtsp_request r;

	assert_int_equal(parse(&r, HEAD "CSeq: 1\r\nX-GS-ClientVersion: 14\r\nHost: 0.0.0.0\r\n"
					"\r\n"),
		0);
	assert_int_equal(r.verb, PF_GS_VERB_OPTIONS);
	assert_int_equal(r.stream, PF_GS_STREAM_NONE);
	assert_text(r.target, "rtsp://10.0.0.2:48010");
	assert_int_equal(r.cseq, 1);
	assert_int_equal(r.client_version, 14);
	assert_true(r.host_any);
	assert_int_equal(r.session.len, 0);
	assert_int_equal(r.payload.len, 0);

	assert_int_equal(parse(&r, setup), 0);
	assert_int_equal(r.verb, PF_GS_VERB_SETUP);
	assert_int_equal(r.stream, PF_GS_STREAM_VIDEO);
	assert_text(r.session, "DEADBEEFCAFE");
	assert_false(r.host_any);
	assert_int_equal(r.header_count, 6);
	assert_text(pf_gs_rtsp_header(&r, "TRANSPORT"), "unicast;X-GS-ClientPort=50000-50001");
	assert_text(pf_gs_rtsp_header(&r, "if-modified-since"), "Thu, 01 Jan 1970 00:00:00 GMT");
	assert_text(pf_gs_rtsp_header(&r, "Accept"), "");
	/* Every prefix wants more. */
	for (size_t n = 0; n < strlen(setup); n++)
		assert_int_equal(pf_gs_rtsp_parse(&r, setup, n), -EAGAIN);

	assert_int_equal(parse(&r, "ANNOUNCE streamid=control/13/0 RTSP/1.0\r\nCSeq: 6\r\n"
				   "Session: AB ; timeout=90\r\nContent-type: application/sdp\r\n"
				   "Content-length: 5\r\n\r\nv=0\r\n"),
		0);
	assert_int_equal(r.verb, PF_GS_VERB_ANNOUNCE);
	assert_int_equal(r.stream, PF_GS_STREAM_CONTROL);
	assert_text(r.session, "AB");
	assert_text(r.payload, "v=0\r\n");
	assert_int_equal(parse(&r, "PLAY / RTSP/1.0\r\nCSeq: 7\r\n\r\n"), 0);
	assert_int_equal(r.verb, PF_GS_VERB_PLAY);
}

static void names_that_are_not_ours(void **state)
{
	struct pf_gs_rtsp_request r;

	assert_int_equal(parse(&r, "RECORD streamid=mic/0/0 RTSP/1.0\r\ncseq:9\r\n\r\n"), 0);
	assert_int_equal(r.verb, PF_GS_VERB_UNKNOWN);
	assert_text(r.verb_text, "RECORD");
	assert_int_equal(r.stream, PF_GS_STREAM_UNKNOWN);
	assert_int_equal(r.cseq, 9);
	assert_int_equal(parse(&r, "SETUP streamid=audio RTSP/1.0\r\nCSeq: 9\r\n\r\n"), 0);
	assert_int_equal(r.stream, PF_GS_STREAM_AUDIO);
	assert_int_equal(parse(&r, "SETUP = RTSP/1.0\r\nCSeq: 9\r\n\r\n"), 0);
	assert_int_equal(r.stream, PF_GS_STREAM_UNKNOWN);
	/* Verbs have one case. */
	assert_int_equal(parse(&r, "setup streamid=audio RTSP/1.0\r\nCSeq: 9\r\n\r\n"), 0);
	assert_int_equal(r.verb, PF_GS_VERB_UNKNOWN);
}

static void malformed_requests(void **state)
{
	static const char *const bad[] = {
		"\r\n",
		" \r\n",
		"OPTIONS / RTSP/1.0 \r\nCSeq: 1\r\n\r\n",
		"OPTIONS  RTSP/1.0\r\nCSeq: 1\r\n\r\n",
		"OPTIONS / HTTP/1.1\r\nCSeq: 1\r\n\r\n",
		"OPTIONS / RTSP/1.0\nCSeq: 1\n\n",
		"OPTIONS / RTSP/1.0\r\nCSeq: 1\r\n\n",
		"OPTIONS / RTSP/1.0\r\nCSeq: 1\r\r\n\r\n",
		"OPTIONS \x01 RTSP/1.0\r\nCSeq: 1\r\n\r\n",
		HEAD "\r\n",			    /* no CSeq */
		HEAD "CSeq: 1\r\nCSeq: 2\r\n\r\n",  /* two */
		HEAD "CSeq: -1\r\n\r\n",	    /* negative */
		HEAD "CSeq: 2147483648\r\n\r\n",    /* too large */
		HEAD "CSeq: 99999999999\r\n\r\n",   /* far too large */
		HEAD "CSeq: 1x\r\n\r\n",	    /* no number */
		HEAD "CSeq: 1\r\nno colon\r\n\r\n", /* no header */
		HEAD "CSeq: 1\r\n: empty\r\n\r\n",  /* no name */
		HEAD "CSeq: 1\r\nA b: c\r\n\r\n",   /* blank in the name */
		HEAD "CSeq: 1\r\nA: b\x07\r\n\r\n", /* control character */
		HEAD "CSeq: 1\r\nContent-length: 0\r\nContent-Length: 0\r\n\r\n",
		HEAD "CSeq: 1\r\nContent-length: -0\r\n\r\n",
		HEAD "CSeq: 1\r\n\r\nx", /* more than one message */
		HEAD "CSeq: 1\r\nContent-length: 1\r\n\r\nxx",
	};
	struct pf_gs_rtsp_request r = { .cseq = 77 };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(parse(&r, bad[i]), -EPROTO);
	assert_int_equal(r.cseq, 77);
}

static void bounds_of_requests(void **state)
{
	static char text[PF_GS_RTSP_MAX + 256];
	struct pf_gs_rtsp_request r;
	size_t n = (size_t)snprintf(text, sizeof(text), HEAD "CSeq: 1\r\nPad: ");

	/* A header that does not end. */
	memset(text + n, 'x', sizeof(text) - n);
	assert_int_equal(pf_gs_rtsp_parse(&r, text, PF_GS_RTSP_MAX - 1), -EAGAIN);
	assert_int_equal(pf_gs_rtsp_parse(&r, text, PF_GS_RTSP_MAX), -EMSGSIZE);
	assert_int_equal(pf_gs_rtsp_parse(&r, text, sizeof(text)), -EMSGSIZE);
	/* The longest message, and one byte more. */
	memcpy(text + PF_GS_RTSP_MAX - 4, "\r\n\r\n", 4);
	assert_int_equal(pf_gs_rtsp_parse(&r, text, PF_GS_RTSP_MAX), 0);
	n = sizeof(HEAD "CSeq: 1\r\nContent-length: 12345\r\n\r\n") - 1;
	for (unsigned over = 0; over < 2; over++) {
		snprintf(text, sizeof(text), HEAD "CSeq: 1\r\nContent-length: %u\r\n\r\n",
			(unsigned)(PF_GS_RTSP_MAX - n) + over);
		assert_int_equal(pf_gs_rtsp_parse(&r, text, n), over ? -EMSGSIZE : -EAGAIN);
	}
	n = (size_t)snprintf(text, sizeof(text), HEAD "CSeq: 1\r\nContent-length: 32600\r\n\r\n");
	assert_int_equal(pf_gs_rtsp_parse(&r, text, n), -EAGAIN);
	assert_int_equal(pf_gs_rtsp_parse(&r, text, n + 32600), 0);
	assert_int_equal(r.payload.len, 32600);
	/* One header too many. */
	n = (size_t)snprintf(text, sizeof(text), HEAD "CSeq: 1\r\n");
	for (int i = 1; i < PF_GS_RTSP_HEADERS_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "A: b\r\n");
	memcpy(text + n, "\r\n", 2);
	assert_int_equal(pf_gs_rtsp_parse(&r, text, n + 2), 0);
	memcpy(text + n, "A: b\r\n\r\n", 8);
	assert_int_equal(pf_gs_rtsp_parse(&r, text, n + 8), -EPROTO);
}

static void check_reply(const struct pf_gs_rtsp_reply *r, const char *want)
{
	char got[1024];
	size_t len = strlen(want);

	assert_int_equal(pf_gs_rtsp_reply(r, got, sizeof(got)), len);
	assert_memory_equal(got, want, len);
	for (size_t cap = 0; cap < len; cap++)
		assert_int_equal(pf_gs_rtsp_reply(r, got, cap), -ENOBUFS);
}

static void replies(void **state)
{
	static const char full[] =
		"RTSP/1.0 200 OK\r\nCSeq: 3\r\nSession: DEADBEEFCAFE;timeout = 90\r\n"
		"Transport: server_port=48000\r\nX-SS-Ping-Payload: 0123456789ABCDEF\r\n"
		"X-SS-Connect-Data: 4294967295\r\nContent-type: application/sdp\r\n"
		"Content-length: 4\r\n\r\na=b\n";
	struct pf_gs_rtsp_reply r = { .status = 404, .cseq = 9 };
	struct pf_gs_rtsp_answer a;
	char buf[64];

	check_reply(&r, "RTSP/1.0 404 NOT FOUND\r\nCSeq: 9\r\n\r\n");
	r = (struct pf_gs_rtsp_reply){ .status = 200,
		.cseq = 3,
		.session = "DEADBEEFCAFE",
		.server_port = 48000,
		.ping_payload = "0123456789ABCDEF",
		.has_connect_data = true,
		.connect_data = UINT32_MAX,
		.payload = "a=b\n",
		.payload_len = 4 };
	check_reply(&r, full);

	assert_int_equal(pf_gs_rtsp_answer_parse(&a, full, strlen(full)), 0);
	assert_int_equal(a.status, 200);
	assert_int_equal(a.cseq, 3);
	assert_text(a.session, "DEADBEEFCAFE");
	assert_int_equal(a.server_port, 48000);
	assert_text(a.ping_payload, "0123456789ABCDEF");
	assert_true(a.has_connect_data && a.connect_data == UINT32_MAX);
	assert_text(a.payload, "a=b\n");

	r = (struct pf_gs_rtsp_reply){ .status = 99 };
	assert_int_equal(pf_gs_rtsp_reply(&r, buf, sizeof(buf)), -EINVAL);
	r = (struct pf_gs_rtsp_reply){ .status = 200, .session = "a b" };
	assert_int_equal(pf_gs_rtsp_reply(&r, buf, sizeof(buf)), -EINVAL);
	r = (struct pf_gs_rtsp_reply){ .status = 200, .session = "" };
	assert_int_equal(pf_gs_rtsp_reply(&r, buf, sizeof(buf)), -EINVAL);
	r = (struct pf_gs_rtsp_reply){ .status = 200, .ping_payload = "0123456789ABCDE" };
	assert_int_equal(pf_gs_rtsp_reply(&r, buf, sizeof(buf)), -EINVAL);
	r = (struct pf_gs_rtsp_reply){ .status = 200, .ping_payload = "0123456789ABCD\r\n" };
	assert_int_equal(pf_gs_rtsp_reply(&r, buf, sizeof(buf)), -EINVAL);
}

static void every_status_has_words(void **state)
{
	for (unsigned s = 100; s < 600; s++)
		assert_true(strlen(pf_gs_rtsp_status_text(s)) > 1);
}

static void answers_of_other_hosts(void **state)
{
	static const char *const bad[] = {
		"",
		"RTSP/1.0 200 OK\r\nCSeq: 1\r\n",
		"RTSP/1.0 200\r\nCSeq: 1\r\n\r\n",
		"RTSP/1.0 999 X\r\nCSeq: 1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nCSeq: 1\r\n\r\n",
	};
	struct pf_gs_rtsp_answer a;
	const char *t = "RTSP/1.0 200 OK\r\nCSeq: 4\r\nTransport: unicast;server_port=1234-1235\r\n"
			"\r\n";

	assert_int_equal(pf_gs_rtsp_answer_parse(&a, t, strlen(t)), 0);
	assert_int_equal(a.server_port, 1234);
	assert_false(a.has_connect_data);
	t = "RTSP/1.0 200 OK\r\nTransport: server_port=65536\r\n\r\n";
	assert_int_equal(pf_gs_rtsp_answer_parse(&a, t, strlen(t)), 0);
	assert_int_equal(a.server_port, 0);
	t = "RTSP/1.0 200 OK\r\nTransport: server_port=\r\n\r\n";
	assert_int_equal(pf_gs_rtsp_answer_parse(&a, t, strlen(t)), 0);
	assert_int_equal(a.server_port, 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(pf_gs_rtsp_answer_parse(&a, bad[i], strlen(bad[i])), -EPROTO);
}

static void built_requests_parse(void **state)
{
	struct pf_gs_rtsp_call c = { "SETUP", "streamid=audio/0/0", 3, "0.0.0.0", "AB", true, NULL,
		0 };
	static const char want[] = "SETUP streamid=audio/0/0 RTSP/1.0\r\nCSeq: 3\r\n"
				   "X-GS-ClientVersion: 14\r\nHost: 0.0.0.0\r\nSession: AB\r\n"
				   "Transport: unicast;X-GS-ClientPort=50000-50001\r\n\r\n";
	struct pf_gs_rtsp_request r;
	char buf[512];
	int len = pf_gs_rtsp_call_build(&c, buf, sizeof(buf));

	assert_int_equal(len, strlen(want));
	assert_memory_equal(buf, want, (size_t)len);
	assert_int_equal(pf_gs_rtsp_call_build(&c, buf, (size_t)len - 1), -ENOBUFS);
	c = (struct pf_gs_rtsp_call){ .verb = "ANNOUNCE",
		.target = "streamid=control/13/0",
		.cseq = 6,
		.payload = "v=0\r\n",
		.payload_len = 5 };
	len = pf_gs_rtsp_call_build(&c, buf, sizeof(buf));
	assert_true(len > 0);
	assert_int_equal(pf_gs_rtsp_parse(&r, buf, (size_t)len), 0);
	assert_text(r.payload, "v=0\r\n");
	c.target = "a b";
	assert_int_equal(pf_gs_rtsp_call_build(&c, buf, sizeof(buf)), -EINVAL);
}

static void sealed_lengths(void **state)
{
	assert_true(pf_gs_rtsp_is_sealed(0x80));
	assert_false(pf_gs_rtsp_is_sealed('O'));
	assert_int_equal(pf_gs_rtsp_sealed_bytes("\x80\0\0", 3), -EAGAIN);
	assert_int_equal(pf_gs_rtsp_sealed_bytes("\x80\0\0\1", 4), 25);
	assert_int_equal(pf_gs_rtsp_sealed_bytes("\x80\0\x80\0", 4), PF_GS_RTSP_MAX + 24);
	assert_int_equal(pf_gs_rtsp_sealed_bytes("\x80\0\x80\1", 4), -EMSGSIZE);
	assert_int_equal(pf_gs_rtsp_sealed_bytes("\xff\xff\xff\xff", 4), -EMSGSIZE);
	assert_int_equal(pf_gs_rtsp_sealed_bytes("\x80\0\0\0", 4), -EPROTO);
	assert_int_equal(pf_gs_rtsp_sealed_bytes("OPTI", 4), -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_of_a_real_client),
		cmocka_unit_test(names_that_are_not_ours),
		cmocka_unit_test(malformed_requests),
		cmocka_unit_test(bounds_of_requests),
		cmocka_unit_test(replies),
		cmocka_unit_test(every_status_has_words),
		cmocka_unit_test(answers_of_other_hosts),
		cmocka_unit_test(built_requests_parse),
		cmocka_unit_test(sealed_lengths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
