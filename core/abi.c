/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* abi.c - the exported functions, thin: argument checks and translation only. */
#include "punktfunk_core.h"
#include <stdlib.h>
#include <string.h>
#include "core/abi_struct.h"
#include "core/base/cpu.h"
#include "core/base/log.h"
#include "core/base/reason.h"
#include "core/crypto/identity.h"
#include "core/crypto/secret.h"
#include "core/session/client.h"
#include "core/session/client_pads.h"
#include "core/session/client_pair.h"
#include "core/session/discover.h"
#include "core/session/raw.h"

#define DEFAULT_IDENTITY_NAME "punktfunk-client"

/* ---- version, errors, log ---- */

uint32_t punktfunk_abi_version(void)
{
	return PUNKTFUNK_ABI_VERSION;
}

/* NULL for numbers that are not of the header. */
static const char *words_for(int32_t code)
{
	switch (code) {
	case PUNKTFUNK_OK:
		return "no error";
	case PUNKTFUNK_EIO:
		return "input or output failed";
	case PUNKTFUNK_EAGAIN:
		return "nothing there yet";
	case PUNKTFUNK_ENOMEM:
		return "out of memory";
	case PUNKTFUNK_EACCES:
		return "refused";
	case PUNKTFUNK_EBUSY:
		return "busy";
	case PUNKTFUNK_EINVAL:
		return "invalid argument";
	case PUNKTFUNK_EPIPE:
		return "the other side closed";
	case PUNKTFUNK_EPROTO:
		return "the other side broke the protocol";
	case PUNKTFUNK_EMSGSIZE:
		return "too large";
	case PUNKTFUNK_ENOTSUP:
		return "not supported by the other side";
	case PUNKTFUNK_EADDRINUSE:
		return "the address is in use";
	case PUNKTFUNK_ETIMEDOUT:
		return "no answer in time";
	case PUNKTFUNK_ECONNREFUSED:
		return "nobody listens there";
	case PUNKTFUNK_EHOSTUNREACH:
		return "no way to the host";
	default:
		return NULL;
	}
}

const char *punktfunk_strerror(int32_t code)
{
	const char *words = words_for(code);

	return words ? words : "unknown error";
}

bool pf_abi_knows(int32_t code)
{
	return code >= 0 || words_for(code);
}

/* The numbers of the levels are the same on both sides of the border. */
_Static_assert((int)PUNKTFUNK_LOG_ERROR == (int)PF_LOG_ERROR, "log levels");
_Static_assert((int)PUNKTFUNK_LOG_DEBUG == (int)PF_LOG_DEBUG, "log levels");

struct log_target {
	PunktfunkLogCallback fn;
	void *user;
};

static void to_callback(void *user, enum pf_log_level level, const char *topic, const char *text)
{
	const struct log_target *t = user;

	t->fn(t->user, (int32_t)level, topic, text);
}

void punktfunk_set_log_callback(PunktfunkLogCallback fn, void *user, int32_t max_level)
{
	/* Set once and kept: another thread may be logging through it. */
	struct log_target *t = fn ? malloc(sizeof(*t)) : NULL;

	if (t)
		*t = (struct log_target){ fn, user };
	pf_log_set(t ? to_callback : NULL, t, (enum pf_log_level)max_level);
}

char *punktfunk_cpu_features(char *buf, uint32_t cap)
{
	return pf_cpu_to_string(pf_cpu_flags(), buf, cap);
}

/* ---- identity ---- */

static struct pf_identity *identity_of(const PunktfunkIdentity *id)
{
	return (struct pf_identity *)id;
}

int32_t punktfunk_identity_open(const char *path, PunktfunkIdentity **out, PunktfunkReason *why)
{
	struct pf_reason reason = { 0 };
	struct pf_identity *id;
	int err;

	if (!out)
		return PUNKTFUNK_EINVAL;
	err = path ? pf_identity_open(&id, path, DEFAULT_IDENTITY_NAME, &reason)
		   : pf_identity_generate(&id, DEFAULT_IDENTITY_NAME, &reason);
	if (err)
		return give_reason(why, err, &reason);
	*out = (PunktfunkIdentity *)id;
	return PUNKTFUNK_OK;
}

void punktfunk_identity_free(PunktfunkIdentity *id)
{
	if (id)
		pf_identity_unref(identity_of(id));
}

void punktfunk_identity_fingerprint(const PunktfunkIdentity *id, uint8_t out[32])
{
	pf_identity_fingerprint(identity_of(id), out);
}

/* ---- raw session ---- */

int32_t punktfunk_session_new(
	const PunktfunkSessionConfig *config, PunktfunkSession **out, PunktfunkReason *why)
{
	PunktfunkSessionConfig c;
	struct pf_reason reason = { 0 };
	int err;

	if (!out || !take(&c, sizeof(c), config))
		return PUNKTFUNK_EINVAL;
	err = pf_raw_create(out, &c, &reason);
	pf_secret_wipe(&c, sizeof(c));
	return err ? give_reason(why, err, &reason) : PUNKTFUNK_OK;
}

void punktfunk_session_free(PunktfunkSession *session)
{
	pf_raw_destroy(session);
}

int32_t punktfunk_host_submit_frame(PunktfunkSession *session, const uint8_t *data, size_t size,
	uint64_t pts_unix_ns, uint32_t flags)
{
	return session ? pf_raw_submit(session, data, size, pts_unix_ns, flags) : PUNKTFUNK_EINVAL;
}

int32_t punktfunk_client_poll_frame(
	PunktfunkSession *session, PunktfunkFrame *out, uint32_t timeout_ms)
{
	PunktfunkFrame own;
	int err;

	if (!session || !writable(out))
		return PUNKTFUNK_EINVAL;
	err = pf_raw_poll(session, &own, timeout_ms);
	if (!err)
		give(out, &own, sizeof(own));
	return err;
}

int32_t punktfunk_session_send_input(PunktfunkSession *session, const PunktfunkInputEvent *event)
{
	PunktfunkInputEvent own;

	if (!session || !take(&own, sizeof(own), event))
		return PUNKTFUNK_EINVAL;
	return pf_raw_send_input(session, &own);
}

int32_t punktfunk_set_input_callback(
	PunktfunkSession *session, PunktfunkInputCallback fn, void *user)
{
	return session ? pf_raw_on_input(session, fn, user) : PUNKTFUNK_EINVAL;
}

int32_t punktfunk_session_stats(PunktfunkSession *session, PunktfunkStats *out)
{
	PunktfunkStats own;

	if (!session || !writable(out))
		return PUNKTFUNK_EINVAL;
	pf_raw_stats(session, &own);
	give(out, &own, sizeof(own));
	return PUNKTFUNK_OK;
}

/* ---- discovery ---- */

int32_t punktfunk_discover(
	uint32_t timeout_ms, PunktfunkFoundCallback fn, void *user, PunktfunkReason *why)
{
	struct pf_reason reason = { 0 };
	int n;

	if (!fn)
		return PUNKTFUNK_EINVAL;
	n = pf_discover(timeout_ms, fn, user, &reason);
	return n < 0 ? give_reason(why, n, &reason) : n;
}

/* ---- pairing ---- */

int32_t punktfunk_pair(
	const PunktfunkPairOptions *options, uint8_t host_fingerprint[32], PunktfunkReason *why)
{
	PunktfunkPairOptions o;
	struct pf_reason reason = { 0 };
	int err;

	if (!host_fingerprint || !take(&o, sizeof(o), options))
		return PUNKTFUNK_EINVAL;
	err = pf_client_pair(host_fingerprint, &o, identity_of(o.identity), &reason);
	return err ? give_reason(why, err, &reason) : PUNKTFUNK_OK;
}

/* ---- connection ---- */

static struct pf_client *client_of(PunktfunkConnection *conn)
{
	return (struct pf_client *)conn;
}

int32_t punktfunk_connect(
	const PunktfunkConnectOptions *options, PunktfunkConnection **out, PunktfunkReason *why)
{
	PunktfunkConnectOptions o;
	struct pf_reason reason = { 0 };
	struct pf_client *c;
	int err;

	if (!out || !take(&o, sizeof(o), options))
		return PUNKTFUNK_EINVAL;
	/* What a newer header knows, and what only our own tests ask for. */
	o.flags &= PUNKTFUNK_CONNECT_SKIP_HELD | PUNKTFUNK_CONNECT_EVEN_OUT |
		   PUNKTFUNK_CONNECT_NO_AUDIO_COPIES | PUNKTFUNK_CONNECT_CURSOR |
		   PUNKTFUNK_CONNECT_HDR;
	err = pf_client_connect(&c, &o, identity_of(o.identity), &reason);
	if (err)
		return give_reason(why, err, &reason);
	*out = (PunktfunkConnection *)c;
	return PUNKTFUNK_OK;
}

int32_t punktfunk_connection_info(PunktfunkConnection *conn, PunktfunkConnectionInfo *out)
{
	PunktfunkConnectionInfo own;

	if (!conn || !writable(out))
		return PUNKTFUNK_EINVAL;
	pf_client_info(client_of(conn), &own);
	give(out, &own, sizeof(own));
	return PUNKTFUNK_OK;
}

int32_t punktfunk_connection_fd(PunktfunkConnection *conn)
{
	return conn ? pf_client_fd(client_of(conn)) : PUNKTFUNK_EINVAL;
}

int32_t punktfunk_connection_next_frame(
	PunktfunkConnection *conn, PunktfunkFrame *out, uint32_t timeout_ms)
{
	PunktfunkFrame own;
	int err;

	if (!conn || !writable(out))
		return PUNKTFUNK_EINVAL;
	err = pf_client_next_frame(client_of(conn), &own, timeout_ms);
	if (!err)
		give(out, &own, sizeof(own));
	return err;
}

int32_t punktfunk_connection_next_audio(
	PunktfunkConnection *conn, PunktfunkAudio *out, uint32_t timeout_ms)
{
	PunktfunkAudio own;
	int err;

	if (!conn || !writable(out))
		return PUNKTFUNK_EINVAL;
	err = pf_client_next_audio(client_of(conn), &own, timeout_ms);
	if (!err)
		give(out, &own, sizeof(own));
	return err;
}

int32_t punktfunk_connection_next_event(
	PunktfunkConnection *conn, PunktfunkEvent *out, uint32_t timeout_ms)
{
	PunktfunkEvent own;
	int err;

	if (!conn || !writable(out))
		return PUNKTFUNK_EINVAL;
	err = pf_client_next_event(client_of(conn), &own, timeout_ms);
	if (!err)
		give(out, &own, sizeof(own));
	return err;
}

int32_t punktfunk_connection_send_mic(
	PunktfunkConnection *conn, const uint8_t *opus, size_t size, uint64_t pts_unix_ns)
{
	if (!conn || !opus)
		return PUNKTFUNK_EINVAL;
	return pf_client_send_mic(client_of(conn), opus, size, pts_unix_ns);
}

int32_t punktfunk_send_input(PunktfunkConnection *conn, const PunktfunkInputEvent *event)
{
	PunktfunkInputEvent own;

	if (!conn || !take(&own, sizeof(own), event))
		return PUNKTFUNK_EINVAL;
	return pf_client_send_input(client_of(conn), &own);
}

int32_t punktfunk_pad_arrive(PunktfunkConnection *conn, uint32_t pad, uint32_t kind)
{
	return conn ? pf_client_pad_arrive(client_of(conn), pad, kind) : PUNKTFUNK_EINVAL;
}

int32_t punktfunk_pad_remove(PunktfunkConnection *conn, uint32_t pad)
{
	return conn ? pf_client_pad_remove(client_of(conn), pad) : PUNKTFUNK_EINVAL;
}

int32_t punktfunk_send_pad(PunktfunkConnection *conn, const PunktfunkPadState *state)
{
	PunktfunkPadState own;

	if (!conn || !take(&own, sizeof(own), state))
		return PUNKTFUNK_EINVAL;
	return pf_client_send_pad(client_of(conn), &own);
}

int32_t punktfunk_send_pad_touch(PunktfunkConnection *conn, const PunktfunkPadTouch *touch)
{
	PunktfunkPadTouch own;

	if (!conn || !take(&own, sizeof(own), touch))
		return PUNKTFUNK_EINVAL;
	return pf_client_send_pad_touch(client_of(conn), &own);
}

int32_t punktfunk_send_pad_motion(PunktfunkConnection *conn, const PunktfunkPadMotion *motion)
{
	PunktfunkPadMotion own;

	if (!conn || !take(&own, sizeof(own), motion))
		return PUNKTFUNK_EINVAL;
	return pf_client_send_pad_motion(client_of(conn), &own);
}

int32_t punktfunk_send_pen(
	PunktfunkConnection *conn, const PunktfunkPenSample *samples, uint32_t count)
{
	PunktfunkPenSample own[PUNKTFUNK_PEN_SAMPLES];
	uint32_t stride;

	if (!conn || !samples || !count || count > PUNKTFUNK_PEN_SAMPLES)
		return PUNKTFUNK_EINVAL;
	memcpy(&stride, samples, sizeof(stride));
	for (uint32_t i = 0; i < count; i++)
		if (!take(&own[i], sizeof(own[i]), (const uint8_t *)samples + (size_t)i * stride))
			return PUNKTFUNK_EINVAL;
	return pf_client_send_pen(client_of(conn), own, count);
}

int32_t punktfunk_request_keyframe(PunktfunkConnection *conn)
{
	return conn ? pf_client_request_keyframe(client_of(conn)) : PUNKTFUNK_EINVAL;
}

int32_t punktfunk_request_bitrate(PunktfunkConnection *conn, uint32_t kbps)
{
	return conn ? pf_client_request_bitrate(client_of(conn), kbps) : PUNKTFUNK_EINVAL;
}

int32_t punktfunk_request_mode(
	PunktfunkConnection *conn, uint32_t width, uint32_t height, uint32_t refresh_hz)
{
	return conn ? pf_client_request_mode(client_of(conn), width, height, refresh_hz)
		    : PUNKTFUNK_EINVAL;
}

int32_t punktfunk_report_decoded(PunktfunkConnection *conn, const PunktfunkDecoded *decoded)
{
	PunktfunkDecoded own;

	if (!conn || !take(&own, sizeof(own), decoded))
		return PUNKTFUNK_EINVAL;
	pf_client_decoded(client_of(conn), &own);
	return PUNKTFUNK_OK;
}

int32_t punktfunk_speed_test(
	PunktfunkConnection *conn, uint32_t kbps, uint32_t duration_ms, PunktfunkSpeedTest *out)
{
	PunktfunkSpeedTest own;
	int err;

	if (!conn || !writable(out))
		return PUNKTFUNK_EINVAL;
	err = pf_client_speed_test(client_of(conn), kbps, duration_ms, &own);
	if (!err)
		give(out, &own, sizeof(own));
	return err;
}

int32_t punktfunk_connection_stats(PunktfunkConnection *conn, PunktfunkStats *out)
{
	PunktfunkStats own;

	if (!conn || !writable(out))
		return PUNKTFUNK_EINVAL;
	pf_client_stats(client_of(conn), &own);
	give(out, &own, sizeof(own));
	return PUNKTFUNK_OK;
}

int32_t punktfunk_clip_control(PunktfunkConnection *conn, int32_t enabled)
{
	return conn ? pf_client_clip_control(client_of(conn), enabled) : PUNKTFUNK_EINVAL;
}

int32_t punktfunk_clip_offered(PunktfunkConnection *conn, PunktfunkClipOffer *out)
{
	PunktfunkClipOffer own;
	int err;

	if (!conn || !writable(out))
		return PUNKTFUNK_EINVAL;
	err = pf_client_clip_offered(client_of(conn), &own);
	if (!err)
		give(out, &own, sizeof(own));
	return err;
}

int32_t punktfunk_clip_fetch(PunktfunkConnection *conn, uint32_t seq, const char *mime,
	uint32_t timeout_ms, uint8_t **data, size_t *size)
{
	if (!conn || !mime || !data || !size)
		return PUNKTFUNK_EINVAL;
	return pf_client_clip_fetch(client_of(conn), seq, mime, timeout_ms, data, size);
}

void punktfunk_clip_free(uint8_t *data, size_t size)
{
	if (data)
		pf_secret_wipe(data, size);
	free(data);
}

int32_t punktfunk_clip_offer(PunktfunkConnection *conn, const PunktfunkClipOffer *offer)
{
	PunktfunkClipOffer own;

	if (!conn || !take(&own, sizeof(own), offer))
		return PUNKTFUNK_EINVAL;
	return pf_client_clip_offer(client_of(conn), &own);
}

int32_t punktfunk_clip_serve(
	PunktfunkConnection *conn, uint32_t request, const uint8_t *data, size_t size)
{
	return conn ? pf_client_clip_serve(client_of(conn), request, data, size) : PUNKTFUNK_EINVAL;
}

int32_t punktfunk_cursor_shape(PunktfunkConnection *conn, uint32_t serial,
	PunktfunkCursorShape *out, uint8_t *rgba, size_t size)
{
	PunktfunkCursorShape own;
	int err;

	if (!conn || !writable(out))
		return PUNKTFUNK_EINVAL;
	err = pf_client_cursor(client_of(conn), serial, &own, rgba, size);
	if (!err)
		give(out, &own, sizeof(own));
	return err;
}

int32_t punktfunk_cursor_render(PunktfunkConnection *conn, int32_t client_draws)
{
	return conn ? pf_client_cursor_render(client_of(conn), client_draws) : PUNKTFUNK_EINVAL;
}

int32_t punktfunk_hdr_metadata(PunktfunkConnection *conn, PunktfunkHdrMetadata *out)
{
	PunktfunkHdrMetadata own;
	int err;

	if (!conn || !writable(out))
		return PUNKTFUNK_EINVAL;
	err = pf_client_hdr_metadata(client_of(conn), &own);
	if (!err)
		give(out, &own, sizeof(own));
	return err;
}

int32_t punktfunk_connection_ignored(
	PunktfunkConnection *conn, uint32_t index, PunktfunkIgnored *out)
{
	PunktfunkIgnored own;

	if (!conn || !writable(out))
		return PUNKTFUNK_EINVAL;
	if (!pf_client_ignored(client_of(conn), index, &own))
		return PUNKTFUNK_EAGAIN;
	give(out, &own, sizeof(own));
	return PUNKTFUNK_OK;
}

void punktfunk_connection_close(PunktfunkConnection *conn, uint32_t close_code)
{
	pf_client_close(client_of(conn), close_code);
}
