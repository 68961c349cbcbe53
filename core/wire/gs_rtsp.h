/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* gs_rtsp.h - RTSP messages of the GameStream plane (gamestream.md 3.1-3.3).
 *
 * One request per connection, one reply, then the host closes. The host parses
 * requests and builds replies; the other two calls serve clients and tests.
 * Pure; parsed text is borrowed from the buffer and not ended by zero. Also here:
 * the lengths of the sealed form (rtspenc), which core/media/gs_seal opens. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define PF_GS_RTSP_MAX	       32768u /* bytes of one message, plain */
#define PF_GS_RTSP_HEADERS_MAX 32
#define PF_GS_RTSP_SEAL_BYTES  24 /* in front of a sealed message */
#define PF_GS_PING_CHARS       16 /* of X-SS-Ping-Payload */

/* Borrowed text. */
struct pf_gs_text {
	const char *p;
	size_t len;
};

/** Whether `t` is exactly the string `s`. */
static inline bool pf_gs_text_is(struct pf_gs_text t, const char *s)
{
	return t.len == strlen(s) && !memcmp(t.p, s, t.len);
}

enum pf_gs_verb {
	PF_GS_VERB_UNKNOWN, /* answer 404 */
	PF_GS_VERB_OPTIONS,
	PF_GS_VERB_DESCRIBE,
	PF_GS_VERB_SETUP,
	PF_GS_VERB_ANNOUNCE,
	PF_GS_VERB_PLAY,
	PF_GS_VERB_TEARDOWN,
};

/* The word between '=' and the next '/' of a target. */
enum pf_gs_stream {
	PF_GS_STREAM_NONE, /* the target has no '=' */
	PF_GS_STREAM_AUDIO,
	PF_GS_STREAM_VIDEO,
	PF_GS_STREAM_CONTROL,
	PF_GS_STREAM_UNKNOWN, /* answer 404 */
};

struct pf_gs_rtsp_header {
	struct pf_gs_text name;
	struct pf_gs_text value; /* without blanks around it */
};

struct pf_gs_rtsp_request {
	enum pf_gs_verb verb;
	enum pf_gs_stream stream;
	struct pf_gs_text verb_text, target;
	uint32_t cseq;
	uint32_t client_version;   /* X-GS-ClientVersion, 0 = absent */
	struct pf_gs_text session; /* up to the first ';', empty = absent */
	/* Host is 0.0.0.0: for stereo the only sign that the client wants sound of
	 * normal quality (gamestream.md 3.6). */
	bool host_any;
	struct pf_gs_rtsp_header headers[PF_GS_RTSP_HEADERS_MAX];
	unsigned header_count;
	struct pf_gs_text payload;
};

/** One whole request. 0, -EAGAIN when it goes on beyond `len`, -EMSGSIZE above
 * PF_GS_RTSP_MAX, -EPROTO: malformed, no CSeq, or bytes behind the message. */
int pf_gs_rtsp_parse(struct pf_gs_rtsp_request *out, const void *buf, size_t len);
/** Value of the first header of that name in any case; empty text if absent. */
struct pf_gs_text pf_gs_rtsp_header(const struct pf_gs_rtsp_request *req, const char *name);

/* What a reply carries. */
struct pf_gs_rtsp_reply {
	unsigned status; /* 200, 400, 403, 404, ... */
	uint32_t cseq;
	const char *session;	  /* NULL = none; goes out with a time-out mark */
	uint16_t server_port;	  /* 0 = none */
	const char *ping_payload; /* NULL = none, else PF_GS_PING_CHARS characters */
	bool has_connect_data;
	uint32_t connect_data;
	const char *payload; /* NULL = none, else application/sdp */
	size_t payload_len;
};

/** Bytes written (no zero behind them), -ENOBUFS, or -EINVAL: status out of
 * 100-599, session or ping payload empty or with characters that do not fit. */
int pf_gs_rtsp_reply(const struct pf_gs_rtsp_reply *r, char *buf, size_t cap);
/** Reason phrase of a status; never NULL or empty. */
const char *pf_gs_rtsp_status_text(unsigned status);

/* A request to build. */
struct pf_gs_rtsp_call {
	const char *verb, *target;
	uint32_t cseq;
	const char *host;    /* NULL = none */
	const char *session; /* NULL = none */
	bool transport;	     /* SETUP: name a client port */
	const char *payload; /* NULL = none, else application/sdp */
	size_t payload_len;
};

/** Bytes written, -ENOBUFS, or -EINVAL. */
int pf_gs_rtsp_call_build(const struct pf_gs_rtsp_call *c, char *buf, size_t cap);

/* A parsed reply; texts are empty and numbers 0 where the header is absent. */
struct pf_gs_rtsp_answer {
	unsigned status;
	uint32_t cseq;
	struct pf_gs_text session; /* up to the first ';' */
	uint16_t server_port;
	struct pf_gs_text ping_payload;
	bool has_connect_data;
	uint32_t connect_data;
	struct pf_gs_text payload; /* all behind the blank line */
};

/** A whole reply as read until the host closed. 0, -EPROTO, -EMSGSIZE. */
int pf_gs_rtsp_answer_parse(struct pf_gs_rtsp_answer *out, const void *buf, size_t len);

/** Whether a message that begins with this byte is sealed. */
static inline bool pf_gs_rtsp_is_sealed(uint8_t first)
{
	return first & 0x80;
}

/** Bytes of the whole sealed message that begins at `buf`. -EAGAIN with fewer
 * than 4 bytes, -EPROTO if it is not sealed or empty, -EMSGSIZE if its text is
 * longer than PF_GS_RTSP_MAX. */
int pf_gs_rtsp_sealed_bytes(const void *buf, size_t len);
