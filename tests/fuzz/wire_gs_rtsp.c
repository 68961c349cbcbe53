/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* RTSP requests and replies as bytes from a socket: verdicts do not depend on how
 * much of a message has come, and what parses keeps inside the buffer. */
#include <errno.h>
#include <string.h>
#include "core/wire/gs_rtsp.h"
#include "tests/fuzz/fuzz.h"

static void inside(struct pf_gs_text t, const uint8_t *data, size_t size)
{
	const uint8_t *p = (const uint8_t *)t.p;

	FUZZ_CHECK(!t.len || (p >= data && p + t.len <= data + size));
}

static void check_request(const uint8_t *data, size_t size)
{
	struct pf_gs_rtsp_request r, cut;
	int err = pf_gs_rtsp_parse(&r, data, size);

	FUZZ_CHECK(err == 0 || err == -EAGAIN || err == -EPROTO || err == -EMSGSIZE);
	if (err == -EAGAIN)
		FUZZ_CHECK(size < PF_GS_RTSP_MAX);
	if (err)
		return;
	FUZZ_CHECK(size <= PF_GS_RTSP_MAX && r.header_count <= PF_GS_RTSP_HEADERS_MAX);
	inside(r.verb_text, data, size);
	inside(r.target, data, size);
	inside(r.session, data, size);
	inside(r.payload, data, size);
	for (unsigned i = 0; i < r.header_count; i++) {
		inside(r.headers[i].name, data, size);
		inside(r.headers[i].value, data, size);
		FUZZ_CHECK(r.headers[i].name.len);
	}
	/* Half of it, and all but a byte, is not enough. */
	FUZZ_CHECK(pf_gs_rtsp_parse(&cut, data, size - 1) == -EAGAIN);
	FUZZ_CHECK(pf_gs_rtsp_parse(&cut, data, size / 2) == -EAGAIN);
}

static void check_answer(const uint8_t *data, size_t size)
{
	char session[65], ping[PF_GS_PING_CHARS + 1], text[4096];
	struct pf_gs_rtsp_answer a, again;
	struct pf_gs_rtsp_reply r = { 0 };
	int len;

	if (pf_gs_rtsp_answer_parse(&a, data, size))
		return;
	inside(a.session, data, size);
	inside(a.ping_payload, data, size);
	inside(a.payload, data, size);
	if (a.session.len >= sizeof(session) || a.payload.len > 2048)
		return;
	r.status = a.status;
	r.cseq = a.cseq;
	r.server_port = a.server_port;
	r.has_connect_data = a.has_connect_data;
	r.connect_data = a.connect_data;
	if (a.session.len) {
		memcpy(session, a.session.p, a.session.len);
		session[a.session.len] = 0;
		r.session = session;
	}
	if (a.ping_payload.len == PF_GS_PING_CHARS) {
		memcpy(ping, a.ping_payload.p, PF_GS_PING_CHARS);
		ping[PF_GS_PING_CHARS] = 0;
		r.ping_payload = ping;
	}
	r.payload = a.payload.p;
	r.payload_len = a.payload.len;
	len = pf_gs_rtsp_reply(&r, text, sizeof(text));
	if (len == -EINVAL)
		return;
	FUZZ_CHECK(len > 0 && !pf_gs_rtsp_answer_parse(&again, text, (size_t)len));
	FUZZ_CHECK(again.status == a.status && again.cseq == a.cseq);
	FUZZ_CHECK(again.server_port == a.server_port && again.connect_data == a.connect_data);
	FUZZ_CHECK(again.session.len == a.session.len && again.payload.len == a.payload.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int total = pf_gs_rtsp_sealed_bytes(data, size);

	FUZZ_CHECK(total < 0 || (total > PF_GS_RTSP_SEAL_BYTES &&
					total <= (int)(PF_GS_RTSP_SEAL_BYTES + PF_GS_RTSP_MAX)));
	if (size)
		FUZZ_CHECK(total < 0 || pf_gs_rtsp_is_sealed(data[0]));
	check_request(data, size);
	check_answer(data, size);
	return 0;
}
