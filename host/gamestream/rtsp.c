/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* RTSP of a launch: which session a message belongs to, and the answer to each
 * verb (gamestream.md 3). */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "core/base/log.h"
#include "core/crypto/secret.h"
#include "host/gamestream/session.h"

#define REPLY_MAX 4096u

static void send_reply(
	struct pf_gs_session *s, struct pf_gs_rtsp_conn *conn, const struct pf_gs_rtsp_reply *r)
{
	uint8_t sealed[REPLY_MAX + PF_GS_RTSP_SEAL_BYTES];
	char text[REPLY_MAX];
	int n = pf_gs_rtsp_reply(r, text, sizeof(text));

	if (n > 0 && s->launch.corever) {
		n = pf_gs_rtsp_seal(&s->rtsp_seal, text, (size_t)n, sealed, sizeof(sealed));
		if (n > 0)
			pf_gs_rtsp_answer(conn, sealed, (size_t)n);
	} else if (n > 0) {
		pf_gs_rtsp_answer(conn, text, (size_t)n);
	}
	if (n <= 0) {
		pf_log(PF_LOG_ERROR, "gamestream", "%s: an RTSP answer cannot be made: %s", s->name,
			strerror(-n));
		pf_gs_rtsp_drop(conn);
	}
}

static void send_status(
	struct pf_gs_session *s, struct pf_gs_rtsp_conn *conn, uint32_t cseq, unsigned status)
{
	send_reply(s, conn, &(struct pf_gs_rtsp_reply){ .status = status, .cseq = cseq });
}

void pf_gs_rtsp_finish_announce(struct pf_gs_session *s, unsigned status)
{
	struct pf_gs_rtsp_conn *conn = s->waiting;

	s->waiting = NULL;
	if (conn)
		send_status(s, conn, s->waiting_cseq, status);
}

/* ---- policy ---- */

/* Addresses that no router carries across the Internet. */
static bool is_local(const struct sockaddr_in *a)
{
	uint32_t ip = ntohl(a->sin_addr.s_addr);

	return ip >> 24 == 10 || ip >> 24 == 127 || ip >> 20 == 0xac1 || ip >> 16 == 0xc0a8 ||
	       ip >> 16 == 0xa9fe;
}

static bool must_encrypt(const struct pf_gamestream *g)
{
	return g->params.config->gamestream_encryption == PF_CONFIG_ENCRYPTION_MANDATORY;
}

static void describe(
	struct pf_gs_session *s, struct pf_gs_rtsp_conn *conn, const struct pf_gs_rtsp_request *q)
{
	const bool media = must_encrypt(s->g) || !is_local(pf_gs_rtsp_peer(conn));
	const struct pf_gs_describe d = {
		.encryption_supported = PF_GS_ENC_CONTROL_V2 | PF_GS_ENC_VIDEO | PF_GS_ENC_AUDIO,
		/* Clients then switch on what they did not mean to. */
		.encryption_requested =
			PF_GS_ENC_CONTROL_V2 | (media ? PF_GS_ENC_VIDEO | PF_GS_ENC_AUDIO : 0),
		.features = pf_gs_pads_features(s->pads.can, s->pads.screen),
		.modes = s->g->modes,
	};
	char text[REPLY_MAX / 2];
	int n = pf_gs_describe_build(&d, text, sizeof(text));

	if (n < 0) {
		send_status(s, conn, q->cseq, 500);
		return;
	}
	send_reply(s, conn,
		&(struct pf_gs_rtsp_reply){ .status = 200,
			.cseq = q->cseq,
			.payload = text,
			.payload_len = (size_t)n });
}

static void set_up(
	struct pf_gs_session *s, struct pf_gs_rtsp_conn *conn, const struct pf_gs_rtsp_request *q)
{
	struct pf_gs_rtsp_reply r = { .status = 200, .cseq = q->cseq, .session = s->rtsp_session };

	switch (q->stream) {
	case PF_GS_STREAM_AUDIO:
		/* For stereo the only sign of the quality wanted. */
		s->host_any = q->host_any;
		r.server_port = s->g->base + PF_GS_AUDIO_OFFSET;
		r.ping_payload = s->ping_id;
		break;
	case PF_GS_STREAM_VIDEO:
		r.server_port = s->g->base + PF_GS_VIDEO_OFFSET;
		r.ping_payload = s->ping_id;
		break;
	case PF_GS_STREAM_CONTROL:
		r.server_port = s->g->base + PF_GS_CONTROL_OFFSET;
		r.has_connect_data = true;
		r.connect_data = s->connect_data;
		break;
	default:
		send_status(s, conn, q->cseq, 404);
		return;
	}
	send_reply(s, conn, &r);
}

/* What no attribute's bounds say. 0, or the RTSP status with the words. */
static unsigned check(
	const struct pf_gs_session *s, const struct pf_gs_announce *a, struct pf_reason *why)
{
	if (!(a->encryption & PF_GS_ENC_CONTROL_V2)) {
		pf_reason_set(why, -EACCES,
			"the client cannot encrypt the control stream properly; update it "
			"(Moonlight of 2024 or newer)");
		return 403;
	}
	if (!(a->ml_features & PF_GS_ML_SESSION_IDS)) {
		pf_reason_set(why, -EACCES,
			"the client knows no session ids; update it (Moonlight of 2024 or newer)");
		return 403;
	}
	if (must_encrypt(s->g) && !(a->encryption & PF_GS_ENC_VIDEO && a->audio_encrypted)) {
		pf_reason_set(why, -EACCES,
			"gamestream_encryption is mandatory and the client encrypts %s",
			a->encryption & PF_GS_ENC_VIDEO ? "no sound"
			: a->audio_encrypted		? "no picture"
							: "neither picture nor sound");
		return 403;
	}
	if (a->width % 2) {
		pf_reason_set(why, -EINVAL, "the client's width %u is odd", a->width);
		return 400;
	}
	if (!(s->g->modes & pf_gs_mode_of(a->codec, pf_gs_shape_of(a)))) {
		pf_reason_set(why, -ENOTSUP,
			"no encoder here makes what the client wants, %s of %s",
			pf_gs_codec_name(a->codec), pf_encoder_shape_name(pf_gs_shape_of(a)));
		return 400;
	}
	return 0;
}

static void announce(
	struct pf_gs_session *s, struct pf_gs_rtsp_conn *conn, const struct pf_gs_rtsp_request *q)
{
	struct pf_reason why = { 0 };
	struct pf_gs_announce a;
	unsigned status = 400;

	/* One per launch: a second one would reuse nonces (gamestream.md 11, row 12). */
	if (s->announced)
		pf_reason_set(&why, -EALREADY, "a second ANNOUNCE");
	else if (!pf_gs_announce_parse(&a, q->payload.p, q->payload.len, &why))
		status = check(s, &a, &why);
	if (status) {
		pf_log(PF_LOG_WARN, "gamestream", "%s: refused with RTSP status %u: %s", s->name,
			status, why.text);
		send_status(s, conn, q->cseq, status);
		return;
	}
	s->announce = a;
	s->announced = true;
	pf_gs_session_announced(s, conn, q->cseq);
}

static void answer(
	struct pf_gs_session *s, struct pf_gs_rtsp_conn *conn, const struct pf_gs_rtsp_request *q)
{
	pf_mark(&s->timeline, PF_MARK_RTSP);
	switch (q->verb) {
	case PF_GS_VERB_OPTIONS:
		send_status(s, conn, q->cseq, 200);
		break;
	case PF_GS_VERB_DESCRIBE:
		describe(s, conn, q);
		break;
	case PF_GS_VERB_SETUP:
		set_up(s, conn, q);
		break;
	case PF_GS_VERB_ANNOUNCE:
		announce(s, conn, q);
		break;
	case PF_GS_VERB_PLAY:
		send_status(s, conn, q->cseq, s->announced ? 200 : 455);
		break;
	default:
		send_status(s, conn, q->cseq, 404);
		break;
	}
}

/* ---- whose message is it? ---- */

/* RTSP is over for a session once its control connection stands. */
static bool in_rtsp(const struct pf_gs_session *s)
{
	return !s->ending && !s->connected && !s->waiting;
}

static struct pf_gs_session *open_sealed(struct pf_gamestream *g, const uint8_t *data, size_t len,
	char text[PF_GS_RTSP_MAX], int *text_len)
{
	for (struct pf_gs_session *s = g->sessions; s; s = s->next) {
		if (!in_rtsp(s) || !s->launch.corever)
			continue;
		*text_len = pf_gs_rtsp_open(&s->rtsp_seal, data, len, text, PF_GS_RTSP_MAX);
		if (*text_len >= 0)
			return s;
	}
	return NULL;
}

/* Plain RTSP names nobody: it goes to the one launch from that address. */
static struct pf_gs_session *find_plain(struct pf_gamestream *g, const struct pf_gs_rtsp_conn *conn)
{
	struct pf_gs_session *found = NULL;
	char peer[INET_ADDRSTRLEN];

	if (!inet_ntop(AF_INET, &pf_gs_rtsp_peer(conn)->sin_addr, peer, sizeof(peer)))
		return NULL;
	for (struct pf_gs_session *s = g->sessions; s; s = s->next) {
		if (!in_rtsp(s) || s->launch.corever || strcmp(s->launch.peer, peer))
			continue;
		if (found)
			return NULL;
		found = s;
	}
	return found;
}

static void on_message(void *user, struct pf_gs_rtsp_conn *conn, const uint8_t *data, size_t len)
{
	struct pf_gamestream *g = user;
	char text[PF_GS_RTSP_MAX];
	struct pf_gs_rtsp_request q;
	struct pf_gs_session *s;
	int n = 0;

	if (len && pf_gs_rtsp_is_sealed(data[0])) {
		s = open_sealed(g, data, len, text, &n);
	} else {
		s = find_plain(g, conn);
		n = len <= sizeof(text) ? (int)len : -EMSGSIZE;
		if (n > 0)
			memcpy(text, data, len);
	}
	if (!s || n < 0 || pf_gs_rtsp_parse(&q, text, (size_t)n)) {
		/* Anyone can connect: counted, and dropped without a word. */
		g->bad_rtsp++;
		pf_gs_rtsp_drop(conn);
	} else {
		answer(s, conn, &q);
	}
	pf_secret_wipe(text, sizeof(text));
}

static void on_gone(void *user, struct pf_gs_rtsp_conn *conn)
{
	struct pf_gamestream *g = user;

	for (struct pf_gs_session *s = g->sessions; s; s = s->next)
		if (s->waiting == conn)
			s->waiting = NULL;
}

const struct pf_gs_rtsp_events pf_gs_rtsp_handlers = {
	.message = on_message,
	.gone = on_gone,
};
