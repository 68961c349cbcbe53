/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/wire/gs_rtsp.h"
#include <errno.h>
#include <stdio.h>
#include "core/base/bytes.h"

#define NAME_MAX_CHARS 64
#define SEALED_BIT     0x80000000u
#define MIME_SDP       "application/sdp"

static const struct {
	const char *text;
	enum pf_gs_verb verb;
} verbs[] = {
	{ "OPTIONS", PF_GS_VERB_OPTIONS },
	{ "DESCRIBE", PF_GS_VERB_DESCRIBE },
	{ "SETUP", PF_GS_VERB_SETUP },
	{ "ANNOUNCE", PF_GS_VERB_ANNOUNCE },
	{ "PLAY", PF_GS_VERB_PLAY },
	{ "TEARDOWN", PF_GS_VERB_TEARDOWN },
};

static const struct {
	const char *text;
	enum pf_gs_stream stream;
} streams[] = {
	{ "audio", PF_GS_STREAM_AUDIO },
	{ "video", PF_GS_STREAM_VIDEO },
	{ "control", PF_GS_STREAM_CONTROL },
};

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static bool same_name(struct pf_gs_text t, const char *name)
{
	size_t i = 0;

	while (i < t.len && name[i] && lower(t.p[i]) == lower(name[i]))
		i++;
	return i == t.len && !name[i];
}

static bool is_visible(char c)
{
	return c > ' ' && c < 0x7f;
}

/* Text of a header's value or a status: no control characters. */
static bool is_printable(struct pf_gs_text t)
{
	for (size_t i = 0; i < t.len; i++)
		if ((uint8_t)t.p[i] < ' ' || t.p[i] == 0x7f)
			return false;
	return true;
}

static bool is_word(struct pf_gs_text t)
{
	for (size_t i = 0; i < t.len; i++)
		if (!is_visible(t.p[i]))
			return false;
	return t.len > 0;
}

static struct pf_gs_text trim(struct pf_gs_text t)
{
	for (; t.len && (*t.p == ' ' || *t.p == '\t'); t.p++)
		t.len--;
	while (t.len && (t.p[t.len - 1] == ' ' || t.p[t.len - 1] == '\t'))
		t.len--;
	return t;
}

/* The part of `t` up to the first `end`, or all of it. */
static struct pf_gs_text up_to(struct pf_gs_text t, char end)
{
	const char *p = t.len ? memchr(t.p, end, t.len) : NULL;

	if (p)
		t.len = (size_t)(p - t.p);
	return t;
}

/* Plain decimal digits up to `max`; whether all of `t` is that. */
static bool number(struct pf_gs_text t, uint32_t max, uint32_t *out)
{
	uint64_t v = 0;

	if (!t.len || t.len > 10)
		return false;
	for (size_t i = 0; i < t.len; i++) {
		if (t.p[i] < '0' || t.p[i] > '9')
			return false;
		v = v * 10 + (uint64_t)(t.p[i] - '0');
	}
	if (v > max)
		return false;
	*out = (uint32_t)v;
	return true;
}

/* Cuts the line at the front of *rest, which ends with CR LF. -EAGAIN without
 * one, -EPROTO for a lone CR or LF. */
static int take_line(struct pf_gs_text *rest, struct pf_gs_text *line)
{
	const char *lf = rest->len ? memchr(rest->p, '\n', rest->len) : NULL;
	const char *cr = rest->len ? memchr(rest->p, '\r', rest->len) : NULL;

	if (cr && (size_t)(cr - rest->p) + 1 == rest->len)
		return lf ? -EPROTO : -EAGAIN;
	if (!lf && !cr)
		return -EAGAIN;
	if (!lf || cr != lf - 1)
		return -EPROTO;
	line->p = rest->p;
	line->len = (size_t)(cr - rest->p);
	rest->len -= line->len + 2;
	rest->p = lf + 1;
	return 0;
}

/* Cuts the word at the front of *line and the single blank behind it. */
static bool take_word(struct pf_gs_text *line, struct pf_gs_text *word)
{
	*word = up_to(*line, ' ');
	if (!is_word(*word) || word->len == line->len)
		return false;
	line->p += word->len + 1;
	line->len -= word->len + 1;
	return true;
}

/* Reads header lines up to the blank one. */
static int take_headers(struct pf_gs_text *rest, struct pf_gs_rtsp_header *headers, unsigned *count)
{
	for (unsigned n = 0;;) {
		struct pf_gs_text line, name;
		int err = take_line(rest, &line);

		if (err)
			return err;
		if (!line.len) {
			*count = n;
			return 0;
		}
		name = up_to(line, ':');
		if (name.len == line.len || name.len > NAME_MAX_CHARS || !is_word(name) ||
			n == PF_GS_RTSP_HEADERS_MAX)
			return -EPROTO;
		line.p += name.len + 1;
		line.len -= name.len + 1;
		headers[n].name = name;
		headers[n].value = trim(line);
		if (!is_printable(headers[n].value))
			return -EPROTO;
		n++;
	}
}

static struct pf_gs_text find(
	const struct pf_gs_rtsp_header *headers, unsigned count, const char *name, bool *twice)
{
	struct pf_gs_text found = { "", 0 };
	bool any = false;

	*twice = false;
	for (unsigned i = 0; i < count; i++) {
		if (!same_name(headers[i].name, name))
			continue;
		*twice = any;
		if (!any)
			found = headers[i].value;
		any = true;
	}
	return found;
}

/* A header that frames or orders messages: at most once, and a number. */
static int find_number(
	const struct pf_gs_rtsp_header *headers, unsigned count, const char *name, uint32_t *out)
{
	bool twice;
	struct pf_gs_text t = find(headers, count, name, &twice);

	if (twice)
		return -EPROTO;
	if (!t.len)
		return -ENOENT;
	return number(t, INT32_MAX, out) ? 0 : -EPROTO;
}

struct pf_gs_text pf_gs_rtsp_header(const struct pf_gs_rtsp_request *req, const char *name)
{
	bool twice;

	return find(req->headers, req->header_count, name, &twice);
}

static enum pf_gs_stream stream_of(struct pf_gs_text target)
{
	struct pf_gs_text before = up_to(target, '='), word;

	if (before.len == target.len)
		return PF_GS_STREAM_NONE;
	word.p = target.p + before.len + 1;
	word.len = target.len - before.len - 1;
	word = up_to(word, '/');
	for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++)
		if (pf_gs_text_is(word, streams[i].text))
			return streams[i].stream;
	return PF_GS_STREAM_UNKNOWN;
}

int pf_gs_rtsp_parse(struct pf_gs_rtsp_request *out, const void *buf, size_t len)
{
	struct pf_gs_text rest = { buf, len < PF_GS_RTSP_MAX ? len : PF_GS_RTSP_MAX };
	struct pf_gs_rtsp_request r;
	struct pf_gs_text line, host;
	uint32_t content = 0;
	int err;

	memset(&r, 0, sizeof(r));
	err = take_line(&rest, &line);
	if (err)
		goto unfinished;
	if (!take_word(&line, &r.verb_text) || !take_word(&line, &r.target) ||
		!pf_gs_text_is(line, "RTSP/1.0"))
		return -EPROTO;
	err = take_headers(&rest, r.headers, &r.header_count);
	if (err)
		goto unfinished;
	if (find_number(r.headers, r.header_count, "CSeq", &r.cseq))
		return -EPROTO;
	err = find_number(r.headers, r.header_count, "Content-Length", &content);
	if (err && err != -ENOENT)
		return err;
	r.payload.p = rest.p;
	r.payload.len = content;
	if (content > PF_GS_RTSP_MAX - (size_t)(rest.p - (const char *)buf))
		return -EMSGSIZE;
	if (content > rest.len)
		return -EAGAIN;
	if ((size_t)(rest.p - (const char *)buf) + content != len)
		return -EPROTO;

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (pf_gs_text_is(r.verb_text, verbs[i].text))
			r.verb = verbs[i].verb;
	r.stream = stream_of(r.target);
	number(pf_gs_rtsp_header(&r, "X-GS-ClientVersion"), UINT32_MAX, &r.client_version);
	r.session = trim(up_to(pf_gs_rtsp_header(&r, "Session"), ';'));
	host = up_to(pf_gs_rtsp_header(&r, "Host"), ':');
	r.host_any = pf_gs_text_is(host, "0.0.0.0");
	*out = r;
	return 0;

unfinished:
	return err == -EAGAIN && len >= PF_GS_RTSP_MAX ? -EMSGSIZE : err;
}

const char *pf_gs_rtsp_status_text(unsigned status)
{
	switch (status) {
	case 200:
		return "OK";
	case 400:
		return "BAD REQUEST";
	case 401:
		return "UNAUTHORIZED";
	case 403:
		return "FORBIDDEN";
	case 404:
		return "NOT FOUND";
	case 454:
		return "SESSION NOT FOUND";
	case 455:
		return "METHOD NOT VALID IN THIS STATE";
	case 500:
		return "INTERNAL ERROR";
	case 503:
		return "SERVICE UNAVAILABLE";
	default:
		/* Clients refuse a status line without words. */
		return "STATUS";
	}
}

static struct pf_gs_text text_of(const char *s)
{
	return (struct pf_gs_text){ s, strlen(s) };
}

static void add_payload(struct pf_writer *w, const char *payload, size_t len)
{
	if (payload)
		pf_wr_printf(
			w, "Content-type: " MIME_SDP "\r\nContent-length: %u\r\n", (unsigned)len);
	pf_wr_printf(w, "\r\n");
	if (payload)
		pf_wr_bytes(w, payload, len);
}

int pf_gs_rtsp_reply(const struct pf_gs_rtsp_reply *r, char *buf, size_t cap)
{
	struct pf_writer w = pf_writer(buf, cap);

	if (r->status < 100 || r->status > 599 || (r->session && !is_word(text_of(r->session))))
		return -EINVAL;
	if (r->ping_payload &&
		(strlen(r->ping_payload) != PF_GS_PING_CHARS || !is_word(text_of(r->ping_payload))))
		return -EINVAL;
	pf_wr_printf(&w, "RTSP/1.0 %u %s\r\nCSeq: %u\r\n", r->status,
		pf_gs_rtsp_status_text(r->status), (unsigned)r->cseq);
	if (r->session)
		pf_wr_printf(&w, "Session: %s;timeout = 90\r\n", r->session);
	if (r->server_port)
		pf_wr_printf(&w, "Transport: server_port=%u\r\n", r->server_port);
	if (r->ping_payload)
		pf_wr_printf(&w, "X-SS-Ping-Payload: %s\r\n", r->ping_payload);
	if (r->has_connect_data)
		pf_wr_printf(&w, "X-SS-Connect-Data: %u\r\n", (unsigned)r->connect_data);
	add_payload(&w, r->payload, r->payload_len);
	return w.err ? -ENOBUFS : (int)w.len;
}

int pf_gs_rtsp_call_build(const struct pf_gs_rtsp_call *c, char *buf, size_t cap)
{
	struct pf_writer w = pf_writer(buf, cap);

	if (!is_word(text_of(c->verb)) || !is_word(text_of(c->target)) ||
		(c->host && !is_word(text_of(c->host))) ||
		(c->session && !is_word(text_of(c->session))) || c->cseq > INT32_MAX)
		return -EINVAL;
	pf_wr_printf(&w, "%s %s RTSP/1.0\r\nCSeq: %u\r\nX-GS-ClientVersion: 14\r\n", c->verb,
		c->target, (unsigned)c->cseq);
	if (c->host)
		pf_wr_printf(&w, "Host: %s\r\n", c->host);
	if (c->session)
		pf_wr_printf(&w, "Session: %s\r\n", c->session);
	if (c->transport)
		pf_wr_printf(&w, "Transport: unicast;X-GS-ClientPort=50000-50001\r\n");
	add_payload(&w, c->payload, c->payload_len);
	return w.err ? -ENOBUFS : (int)w.len;
}

/* Number behind "server_port=", which may stand anywhere in the value. */
static uint16_t port_of(struct pf_gs_text transport)
{
	static const char mark[] = "server_port=";
	const size_t mark_len = sizeof(mark) - 1;

	for (size_t i = 0; i + mark_len < transport.len; i++) {
		struct pf_gs_text t = { transport.p + i + mark_len, 0 };
		uint32_t port;

		if (memcmp(transport.p + i, mark, mark_len))
			continue;
		while (i + mark_len + t.len < transport.len && t.p[t.len] >= '0' &&
			t.p[t.len] <= '9')
			t.len++;
		return number(t, UINT16_MAX, &port) ? (uint16_t)port : 0;
	}
	return 0;
}

int pf_gs_rtsp_answer_parse(struct pf_gs_rtsp_answer *out, const void *buf, size_t len)
{
	struct pf_gs_rtsp_header headers[PF_GS_RTSP_HEADERS_MAX];
	struct pf_gs_text rest = { buf, len }, line, word;
	struct pf_gs_rtsp_answer a;
	unsigned count;
	bool twice;

	if (len > PF_GS_RTSP_MAX)
		return -EMSGSIZE;
	memset(&a, 0, sizeof(a));
	if (take_line(&rest, &line) || !take_word(&line, &word) ||
		!pf_gs_text_is(word, "RTSP/1.0") || !take_word(&line, &word) ||
		!number(word, 599, &a.status) || a.status < 100 || !line.len ||
		!is_printable(line) || take_headers(&rest, headers, &count))
		return -EPROTO;
	find_number(headers, count, "CSeq", &a.cseq);
	a.session = trim(up_to(find(headers, count, "Session", &twice), ';'));
	a.server_port = port_of(find(headers, count, "Transport", &twice));
	a.ping_payload = find(headers, count, "X-SS-Ping-Payload", &twice);
	a.has_connect_data = number(
		find(headers, count, "X-SS-Connect-Data", &twice), UINT32_MAX, &a.connect_data);
	a.payload = rest;
	*out = a;
	return 0;
}

int pf_gs_rtsp_sealed_bytes(const void *buf, size_t len)
{
	struct pf_reader r = pf_reader(buf, len);
	uint32_t head = pf_rd_u32be(&r);

	if (r.err)
		return -EAGAIN;
	if (!(head & SEALED_BIT) || head == SEALED_BIT)
		return -EPROTO;
	if ((head & ~SEALED_BIT) > PF_GS_RTSP_MAX)
		return -EMSGSIZE;
	return (int)(head & ~SEALED_BIT) + PF_GS_RTSP_SEAL_BYTES;
}
