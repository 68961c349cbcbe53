/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/session/client.h"
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "core/base/cpu.h"
#include "core/crypto/secret.h"
#include "core/session/client_impl.h"
#include "core/session/ctl_send.h"
#include "core/session/dial.h"
#include "core/session/public.h"
#include "core/wire/pf1_dgram.h"
#include "core/wire/pf1_media.h"

#define MAX_SHARD_DEFAULT PF_SHARD_MAX
#define AUDIO_SLOTS	  64
#define EVENT_SLOTS	  256

/* What this client's core can do (punktfunk1.md 5). */
#define VIDEO_CAPS                                                                                 \
	(PF_VIDEO_CAP_HOST_TIMING | PF_VIDEO_CAP_PROBE_SEQ | PF_VIDEO_CAP_STREAMED_AU |            \
		PF_VIDEO_CAP_MULTI_SLICE)

/* ---- sending ---- */

struct pf_quic_conn *pf_client_conn(struct pf_client *c)
{
	struct pf_quic_conn *conn;

	pthread_mutex_lock(&c->lock);
	conn = c->conn;
	pthread_mutex_unlock(&c->lock);
	return conn;
}

int pf_client_send_control(struct pf_client *c, const struct pf_ctl *msg)
{
	struct pf_quic_conn *conn = pf_client_conn(c);

	return conn ? pf_ctl_send(conn, msg) : -EPIPE;
}

int pf_client_send_datagram(struct pf_client *c, const uint8_t *data, size_t len)
{
	struct pf_quic_conn *conn = pf_client_conn(c);

	return conn ? pf_quic_conn_datagram(conn, data, len) : -EPIPE;
}

void pf_client_notify(struct pf_client *c)
{
	struct pf_quic_conn *conn = pf_client_conn(c);

	if (conn)
		pf_quic_conn_notify(conn);
}

int pf_client_send_input(struct pf_client *c, const PunktfunkInputEvent *e)
{
	struct pf_dgram d = { .tag = PF_DGRAM_INPUT };
	uint8_t buf[32];
	int n;

	d.input.kind = e->kind;
	d.input.code = e->code;
	d.input.x = e->x;
	d.input.y = e->y;
	d.input.flags = e->flags;
	n = pf_dgram_build(&d, buf, sizeof(buf));
	return n < 0 ? n : pf_client_send_datagram(c, buf, (size_t)n);
}

int pf_client_request_keyframe(struct pf_client *c)
{
	struct pf_ctl m = { .type = PF_CTL_REQUEST_KEYFRAME };

	pf_client_rate_asked_keyframe(c);
	return pf_client_send_control(c, &m);
}

int pf_client_request_bitrate(struct pf_client *c, uint32_t kbps)
{
	struct pf_ctl m = { .type = PF_CTL_SET_BITRATE, .kbps = kbps };

	return pf_client_send_control(c, &m);
}

int pf_client_request_mode(
	struct pf_client *c, uint32_t width, uint32_t height, uint32_t refresh_hz)
{
	struct pf_ctl m = { .type = PF_CTL_RECONFIGURE,
		.reconfigure = { width, height, refresh_hz } };

	return pf_client_send_control(c, &m);
}

/* ---- connect ---- */

static void fill_hello(struct pf_hello *h, const PunktfunkConnectOptions *o)
{
	pf_hello_init(h);
	h->width = o->width;
	h->height = o->height;
	h->refresh_hz = o->refresh_hz;
	h->compositor = o->compositor;
	h->gamepad = o->gamepad;
	h->bitrate_kbps = o->bitrate_kbps;
	h->video_caps = VIDEO_CAPS;
	/* Who asks gets it; with AES instructions it costs five times as much. */
	if (!(pf_cpu_flags() & (PF_CPU_AESNI | PF_CPU_NEON)))
		h->video_caps |= PF_VIDEO_CAP_CHACHA20;
	if (o->audio_channels)
		h->audio_channels = o->audio_channels;
	if (!(o->flags & PUNKTFUNK_CONNECT_NO_AUDIO_COPIES))
		h->client_caps |= PF_CLIENT_CAP_AUDIO_REDUNDANCY;
	if (o->flags & PUNKTFUNK_CONNECT_CURSOR)
		h->client_caps |= PF_CLIENT_CAP_CURSOR;
	if (o->flags & PUNKTFUNK_CONNECT_HDR)
		h->video_caps |= PF_VIDEO_CAP_10BIT | PF_VIDEO_CAP_HDR;
	h->video_codecs = o->video_codecs ? o->video_codecs : PUNKTFUNK_CODEC_H264;
	h->preferred_codec = o->preferred_codec;
	h->max_shard_payload = o->max_shard_payload ? o->max_shard_payload : MAX_SHARD_DEFAULT;
	if (o->name)
		snprintf(h->name, sizeof(h->name), "%.*s", PF_PF1_NAME_MAX, o->name);
	else if (gethostname(h->name, sizeof(h->name)) < 0)
		h->name[0] = 0;
	h->name[sizeof(h->name) - 1] = 0;
	if (o->launch)
		snprintf(h->launch, sizeof(h->launch), "%.*s", PF_PF1_LAUNCH_MAX, o->launch);
}

/* Waits until the session is open or over, or `end_ns` passed; returns the state.
 * `met` tells whether a host answered at all. */
static enum pf_client_state wait_settled(struct pf_client *c, uint64_t end_ns, bool *met)
{
	struct timespec ts = { .tv_sec = (time_t)(end_ns / PF_NS_PER_S),
		.tv_nsec = (long)(end_ns % PF_NS_PER_S) };
	enum pf_client_state state;

	pthread_mutex_lock(&c->lock);
	while (c->state < PF_CLIENT_OPEN)
		if (pthread_cond_timedwait(&c->changed, &c->lock, &ts) == ETIMEDOUT)
			break;
	state = c->state;
	*met = c->conn != NULL;
	pthread_mutex_unlock(&c->lock);
	return state;
}

/* Why the session ended before it was open, in words. */
static int explain(struct pf_client *c, const char *host, struct pf_reason *why)
{
	struct pf_quic_close end;
	struct pf_reason failure;

	pthread_mutex_lock(&c->lock);
	end = c->end;
	failure = c->failure;
	pthread_mutex_unlock(&c->lock);
	if (failure.code)
		return pf_reason_set(why, failure.code, "%s: %s", host, failure.text);
	return pf_dial_explain(host, &end, why);
}

/* One more attempt needs a fresh start. */
static void reset(struct pf_client *c)
{
	pf_quic_destroy(c->quic);
	c->quic = NULL;
	pf_quic_conn_unref(c->conn);
	c->conn = NULL;
	c->state = PF_CLIENT_DIALING;
	c->stream_ended = false;
	c->failure = (struct pf_reason){ 0 };
}

static int queues_init(struct pf_client *c)
{
	int err = pf_queue_init(&c->audio, AUDIO_SLOTS, sizeof(struct pf_audio_slot));

	if (!err)
		err = pf_queue_init(&c->events, EVENT_SLOTS, sizeof(PunktfunkEvent));
	if (!err)
		err = pf_wake_create(&c->closed);
	return err;
}

static void queues_finish(struct pf_client *c)
{
	pf_queue_finish(&c->audio);
	pf_queue_finish(&c->events);
	pf_wake_unref(c->closed);
	c->closed = NULL;
}

/* What one connect is made of, for its attempts. */
struct connecting {
	struct pf_client *c;
	const char *host;
	bool tried;
};

static int attempt(
	void *user, struct pf_quic_params *qp, uint64_t end_ns, bool *again, struct pf_reason *why)
{
	struct connecting *x = user;
	struct pf_client *c = x->c;
	enum pf_client_state state;
	bool met;
	int err;

	if (x->tried) {
		reset(c);
		queues_finish(c);
	}
	x->tried = true;
	err = queues_init(c);
	if (err)
		return pf_reason_set(why, err, "out of memory or files");
	err = pf_quic_dial(&c->quic, qp, why);
	if (err) {
		*again = true;
		return err;
	}
	state = wait_settled(c, end_ns, &met);
	if (state == PF_CLIENT_OPEN)
		return 0;
	if (state != PF_CLIENT_CLOSED)
		return pf_reason_set(why, -ETIMEDOUT,
			met ? "%s: connected, but the host did not start the session in time: "
			      "does it wait for an approval?"
			    : "%s: no answer",
			x->host);
	err = explain(c, x->host, why);
	*again = !met && pf_dial_is_silence(err);
	return err;
}

static int dial(struct pf_client *c, const PunktfunkConnectOptions *o,
	const struct pf_identity *identity, struct pf_reason *why)
{
	struct connecting x = { .c = c, .host = o->host };
	const struct pf_dial d = { .host = o->host,
		.port = o->port,
		.timeout_ms = o->timeout_ms,
		.attempt = attempt,
		.user = &x };
	struct pf_quic_params qp = {
		.identity = identity,
		.events = &pf_client_events,
		.user = c,
		.pin = o->host_fingerprint,
		.alpn = o->flags & PF_CONNECT_PKF2 ? "pkf2" : NULL,
	};

	return pf_dial_run(&d, &qp, why);
}

static void client_free(struct pf_client *c)
{
	pf_quic_destroy(c->quic);
	pf_receiver_destroy(c->receiver);
	pf_quic_conn_unref(c->conn);
	if (c->poll_set >= 0)
		close(c->poll_set);
	if (c->data_fd >= 0)
		close(c->data_fd);
	queues_finish(c);
	pf_client_clip_finish(c);
	pf_client_display_finish(c);
	pf_secret_wipe(&c->welcome, sizeof(c->welcome));
	pf_client_pads_finish(c);
	pthread_cond_destroy(&c->changed);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

int pf_client_connect(struct pf_client **out, const PunktfunkConnectOptions *options,
	const struct pf_identity *identity, struct pf_reason *why)
{
	struct pf_client *c;
	pthread_condattr_t attr;
	int err;

	if (!options->host || !options->width || !options->height || !options->refresh_hz)
		return pf_reason_set(why, -EINVAL, "host, width, height and refresh are needed");
	c = calloc(1, sizeof(*c));
	if (!c)
		return pf_reason_set(why, -ENOMEM, "out of memory");
	c->data_fd = c->poll_set = -1;
	c->unix_offset_ns = pf_clock_unix_offset_ns();
	pthread_mutex_init(&c->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&c->changed, &attr);
	pthread_condattr_destroy(&attr);
	pf_client_clip_init(c);
	pf_client_pads_init(c);
	fill_hello(&c->hello, options);
	c->flags = options->flags;
	err = dial(c, options, identity, why);
	if (err) {
		client_free(c);
		return err;
	}
	*out = c;
	return 0;
}

void pf_client_close(struct pf_client *c, uint32_t code)
{
	if (!c)
		return;
	pf_quic_conn_close(c->conn, code, NULL);
	client_free(c);
}

/* ---- pulling ---- */

void pf_client_info(struct pf_client *c, PunktfunkConnectionInfo *out)
{
	pthread_mutex_lock(&c->lock);
	*out = c->info;
	pthread_mutex_unlock(&c->lock);
}

int pf_client_fd(const struct pf_client *c)
{
	return c->poll_set;
}

static int wait_frame(struct pf_client *c, uint64_t end_ns)
{
	struct pollfd fds[2] = {
		{ .fd = pf_receiver_fd(c->receiver), .events = POLLIN },
		{ .fd = c->closed->fd, .events = POLLIN },
	};
	uint64_t now = pf_clock_mono_ns();
	struct timespec ts;

	if (now >= end_ns)
		return -EAGAIN;
	ts.tv_sec = (time_t)((end_ns - now) / PF_NS_PER_S);
	ts.tv_nsec = (long)((end_ns - now) % PF_NS_PER_S);
	ppoll(fds, 2, &ts, NULL);
	return fds[1].revents ? -EPIPE : 0;
}

int pf_client_next_frame(struct pf_client *c, PunktfunkFrame *out, uint32_t timeout_ms)
{
	uint64_t end_ns = pf_clock_mono_ns() + timeout_ms * PF_NS_PER_MS;
	struct pf_received_frame f;
	int err = 0, over = 0;

	/* What arrived before the end is still delivered. */
	while ((err = pf_receiver_next(c->receiver, &f, 0)) == -EAGAIN && !over)
		over = wait_frame(c, end_ns);
	if (err)
		return over == -EPIPE ? -EPIPE : err;
	pf_public_frame(&f, c->unix_offset_ns, out);
	return 0;
}

int pf_client_next_event(struct pf_client *c, PunktfunkEvent *out, uint32_t timeout_ms)
{
	return pf_queue_take(&c->events, out, timeout_ms);
}

bool pf_client_ignored(struct pf_client *c, unsigned index, PunktfunkIgnored *out)
{
	return pf_ignored_get(&c->ignored, index, out);
}

void pf_client_stats(struct pf_client *c, PunktfunkStats *out)
{
	pf_public_receiver_stats(c->receiver, out);
	pf_client_rate_stats(c, out);
	pf_client_audio_stats(c, out);
}
