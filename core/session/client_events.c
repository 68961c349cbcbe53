/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* client_events.c - handshake, clock and messages on the quic thread, recovery
 * requests on the receive thread. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include "core/base/clock.h"
#include "core/crypto/secret.h"
#include "core/net/os_linux.h"
#include "core/net/udp.h"
#include "core/session/client_impl.h"
#include "core/session/limits.h"
#include "core/wire/pf1_dgram.h"
#include "core/wire/wire.h"

#define CLOSE_FRAME_NS (300 * PF_NS_PER_MS)

/* While the first rounds of the clock run, it is looked for a frame this often. */
#define FRAME_LOOK_NS (2 * PF_NS_PER_MS)

/* ---- the receiver's wishes, on its thread ---- */

static void on_loss_report(void *user, uint32_t loss_ppm)
{
	struct pf_ctl m = { .type = PF_CTL_LOSS_REPORT, .loss_ppm = loss_ppm };

	pf_client_send_control(user, &m);
}

static void on_window(void *user, const struct pf_receiver_window *w)
{
	pf_client_rate_window(user, w);
}

static void on_want_keyframe(void *user)
{
	pf_client_request_keyframe(user);
}

static void on_want_rfi(void *user, uint32_t first, uint32_t last)
{
	struct pf_ctl m = { .type = PF_CTL_RFI_REQUEST, .rfi = { first, last } };

	pf_client_send_control(user, &m);
}

static const struct pf_receiver_events receiver_events = {
	.loss_report = on_loss_report,
	.window = on_window,
	.request_keyframe = on_want_keyframe,
	.request_rfi = on_want_rfi,
};

/* ---- the handshake, on the quic thread ---- */

static void set_state(struct pf_client *c, enum pf_client_state state)
{
	pthread_mutex_lock(&c->lock);
	c->state = state;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->lock);
}

/* Ends the connection for a reason of our own. */
static void give_up(struct pf_client *c, struct pf_quic_conn *conn, int code, const char *text)
{
	pthread_mutex_lock(&c->lock);
	pf_reason_set(&c->failure, code, "%s", text);
	pthread_mutex_unlock(&c->lock);
	pf_quic_conn_close(conn, PUNKTFUNK_CLOSE_SETUP_FAILED, text);
}

static void on_opened(void *user, struct pf_quic_conn *conn)
{
	struct pf_client *c = user;
	uint8_t buf[1024];
	int n = pf_quic_conn_wire(conn)->hello_build(&c->hello, buf, sizeof(buf));

	pthread_mutex_lock(&c->lock);
	c->conn = pf_quic_conn_ref(conn);
	memcpy(c->info.host_fingerprint, pf_quic_conn_peer(conn)->fingerprint, 32);
	pthread_mutex_unlock(&c->lock);
	if (n > 0)
		n = pf_quic_conn_send(conn, buf, (size_t)n);
	if (n < 0) {
		give_up(c, conn, n, "cannot send Hello");
		return;
	}
	set_state(c, PF_CLIENT_HELLO_SENT);
}

static void run_clock(struct pf_client *c, struct pf_quic_conn *conn)
{
	uint64_t now = pf_clock_mono_ns(), due, pads_due = UINT64_MAX, rate_due = UINT64_MAX;
	uint64_t t1 = pf_client_unix_ns(c, now);

	if (pf_clock_sync_poll(&c->clock, now, t1)) {
		struct pf_ctl m = { .type = PF_CTL_CLOCK_PROBE, .clock_t1 = t1 };

		pf_client_send_control(c, &m);
	}
	due = pf_clock_sync_deadline_ns(&c->clock);
	if (c->state == PF_CLIENT_OPEN) {
		rate_due = pf_client_rate_poll(c, now);
		pads_due = pf_client_pads_poll(c, now);
	} else if (c->state == PF_CLIENT_CLOCK && due > now + FRAME_LOOK_NS) {
		due = now + FRAME_LOOK_NS;
	}
	if (rate_due < due)
		due = rate_due;
	if (pads_due < due)
		due = pads_due;
	if (!c->stream_ended)
		pf_quic_conn_set_timer(conn, due == UINT64_MAX ? 0 : due);
}

static void fill_info(struct pf_client *c, const struct pf_welcome *w)
{
	PunktfunkConnectionInfo *i = &c->info;

	pthread_mutex_lock(&c->lock);
	i->width = w->width;
	i->height = w->height;
	i->refresh_hz = w->refresh_hz;
	i->bitrate_kbps = w->bitrate_kbps;
	i->codec = w->codec;
	i->bit_depth = w->bit_depth;
	i->chroma_format_idc = w->chroma_format_idc;
	i->audio_channels = w->audio_channels;
	i->color_primaries = w->primaries;
	i->color_transfer = w->transfer;
	i->color_matrix = w->matrix;
	i->color_full_range = w->full_range;
	i->fec_percent = w->fec_percent;
	i->cipher = w->cipher;
	i->compositor = w->compositor;
	i->host_caps = w->host_caps;
	i->gamepad = w->gamepad;
	i->grants = w->grants;
	i->expires_in_s = w->expires_in_s;
	i->data_port = w->data_port;
	i->shard_payload = w->shard_payload;
	pthread_mutex_unlock(&c->lock);
}

/* From here on frames may come: they wait in the receiver. */
static int begin_data(struct pf_client *c, struct pf_quic_conn *conn)
{
	const struct pf_welcome *w = &c->welcome;
	bool chacha = w->cipher == PF_CIPHER_CHACHA20_POLY1305;
	struct pf_receiver_params p = {
		.fd = c->data_fd,
		.peer = pf_quic_conn_peer(conn)->addr,
		.punch = true,
		.direction = PF_FROM_HOST,
		.shard_bytes = w->shard_payload,
		.max_data_per_block = w->max_data_per_block,
		.max_frame_bytes = pf_max_frame_bytes(w->bitrate_kbps, w->refresh_hz),
		.skip_held = c->flags & PUNKTFUNK_CONNECT_SKIP_HELD,
		.even_out_hz = c->flags & PUNKTFUNK_CONNECT_EVEN_OUT ? w->refresh_hz : 0,
		.events = &receiver_events,
		.user = c,
	};
	struct pf_reason why = { 0 };
	struct pf_receiver *r;
	int err, fds[3];

	if (p.peer.ss_family == AF_INET6)
		((struct sockaddr_in6 *)&p.peer)->sin6_port = htons(w->data_port);
	else
		((struct sockaddr_in *)&p.peer)->sin_port = htons(w->data_port);
	p.keys.alg = chacha ? PF_AEAD_CHACHA20_POLY1305 : PF_AEAD_AES128_GCM;
	if (chacha)
		memcpy(p.keys.key, w->chacha_key, sizeof(w->chacha_key));
	else
		memcpy(p.keys.key, w->key, sizeof(w->key));
	memcpy(p.keys.salt, w->salt, sizeof(w->salt));
	err = pf_receiver_create(&r, &p, &why);
	pf_secret_wipe(&p.keys, sizeof(p.keys));
	pf_secret_wipe(&c->welcome, sizeof(c->welcome));
	if (err) {
		give_up(c, conn, err, why.text);
		return err;
	}
	c->data_fd = -1;
	fds[0] = pf_receiver_fd(r);
	fds[1] = pf_queue_fd(&c->audio);
	fds[2] = pf_queue_fd(&c->events);
	pthread_mutex_lock(&c->lock);
	c->receiver = r;
	c->poll_set = pf_os_poll_set(fds, 3);
	err = c->poll_set < 0 ? c->poll_set : 0;
	pthread_mutex_unlock(&c->lock);
	if (err)
		give_up(c, conn, err, "too many open files");
	return err;
}

static void on_welcome(struct pf_client *c, struct pf_quic_conn *conn)
{
	const struct pf_wire *wire = pf_quic_conn_wire(conn);
	struct pf_welcome *w = &c->welcome;
	struct pf_start start = { 0 };
	uint8_t buf[16];
	int err;

	if (!w->encrypt || w->fec_scheme != 1 || (!w->data_port && !wire->one_socket) ||
		!w->refresh_hz || !w->max_data_per_block || w->shard_payload & 1 ||
		w->shard_payload < PF_SHARD_MIN || w->shard_payload > PF_SHARD_MAX) {
		give_up(c, conn, -EPROTO, "the host's Welcome is out of bounds");
		return;
	}
	if (!(w->codec & c->hello.video_codecs)) {
		give_up(c, conn, -EPROTO, "the host chose a codec that was not offered");
		return;
	}
	if (w->audio_codec != 0) {
		give_up(c, conn, -EPROTO, "the host chose a sound format that was not offered");
		return;
	}
	if (!wire->one_socket) {
		err = pf_udp_open(pf_quic_conn_peer(conn)->addr.ss_family == AF_INET6 ? "::" : NULL,
			0, &c->data_fd);
		if (err) {
			give_up(c, conn, err, "cannot open the data socket");
			return;
		}
		start.client_udp_port = pf_udp_port(c->data_fd);
	}
	fill_info(c, w);
	pf_client_pads_open(c, w->host_caps);
	err = wire->start_build(&start, buf, sizeof(buf));
	if (err > 0)
		err = pf_quic_conn_send(conn, buf, (size_t)err);
	if (err < 0) {
		give_up(c, conn, err, "cannot send Start");
		return;
	}
	set_state(c, PF_CLIENT_CLOCK);
	pf_clock_sync_init(&c->clock, pf_clock_mono_ns());
	/* The host sends as soon as it is punched; the clock need not be known for that. */
	if (wire->one_socket || !begin_data(c, conn))
		run_clock(c, conn);
}

/* The host's close frame, with the reason, is on its way. */
static void await_close(struct pf_client *c, struct pf_quic_conn *conn)
{
	c->stream_ended = true;
	pf_quic_conn_set_timer(conn, pf_clock_mono_ns() + CLOSE_FRAME_NS);
}

static void on_answer(
	struct pf_client *c, struct pf_quic_conn *conn, const uint8_t *msg, size_t len)
{
	struct pf_refusal no;
	enum pf_answer kind;
	int err = pf_quic_conn_wire(conn)->answer_parse(&kind, &c->welcome, &no, msg, len);

	if (err)
		give_up(c, conn, -EPROTO,
			err == -EPROTONOSUPPORT ? "the host speaks another wire version"
						: "the host's Welcome is malformed");
	else if (kind == PF_ANSWER_WELCOME)
		on_welcome(c, conn);
	else if (kind == PF_ANSWER_REFUSED)
		await_close(c, conn); /* it has the same code and words */
}

static void publish_clock(struct pf_client *c)
{
	int64_t offset_ns = c->clock.offset_ns;

	/* Of a host far away a frame may be here first: the best so far must do. */
	if (c->clock.state == PF_CLOCK_FIRST && c->clock.best_rtt_ns != UINT64_MAX)
		offset_ns = c->clock.best_offset_ns;
	pthread_mutex_lock(&c->lock);
	c->info.clock_offset_ns = offset_ns;
	c->info.rtt_ns = c->clock.rtt_ns == UINT64_MAX ? 0 : c->clock.rtt_ns;
	pthread_mutex_unlock(&c->lock);
}

static bool frame_waits(const struct pf_client *c)
{
	struct pollfd p = { .events = POLLIN };

	if (!c->receiver)
		return false;
	p.fd = pf_receiver_fd(c->receiver);
	return poll(&p, 1, 0) > 0;
}

/* After the clock advanced: its rounds at the start may be over, or are not waited
 * for any more. */
static void after_clock(struct pf_client *c, struct pf_quic_conn *conn)
{
	run_clock(c, conn);
	publish_clock(c);
	if (c->state != PF_CLIENT_CLOCK ||
		(c->clock.state == PF_CLOCK_FIRST &&
			(c->clock.best_rtt_ns == UINT64_MAX || !frame_waits(c))))
		return;
	if (!c->receiver) {
		give_up(c, conn, -ENOTSUP,
			"the session is agreed, but this build has no media of punktfunk/2");
		return;
	}
	pf_client_rate_open(c, pf_clock_mono_ns());
	set_state(c, PF_CLIENT_OPEN);
	run_clock(c, conn);
}

/* ---- messages and datagrams of a running session, on the quic thread ---- */

void pf_client_put_event(struct pf_client *c, PunktfunkEvent *e)
{
	e->struct_size = sizeof(*e);
	pf_queue_put(&c->events, e);
}

static void on_reconfigured(struct pf_client *c, const struct pf_ctl *m)
{
	PunktfunkEvent e = { .type = PUNKTFUNK_EVENT_MODE,
		.value = m->reconfigured.accepted,
		.a = m->reconfigured.mode.width,
		.b = m->reconfigured.mode.height,
		.c = m->reconfigured.mode.refresh_hz };

	pthread_mutex_lock(&c->lock);
	c->info.width = e.a;
	c->info.height = e.b;
	c->info.refresh_hz = e.c;
	pthread_mutex_unlock(&c->lock);
	if (m->reconfigured.accepted) {
		pf_client_rate_mode(c);
		if (c->receiver)
			pf_receiver_set_rate(c->receiver, e.c);
	}
	pf_client_put_event(c, &e);
}

static void on_bitrate(struct pf_client *c, uint32_t kbps)
{
	PunktfunkEvent e = { .type = PUNKTFUNK_EVENT_BITRATE, .a = kbps };

	if (!kbps)
		return;
	pthread_mutex_lock(&c->lock);
	c->info.bitrate_kbps = kbps;
	pthread_mutex_unlock(&c->lock);
	pf_client_rate_changed(c, kbps);
	pf_client_put_event(c, &e);
}

static void on_access(struct pf_client *c, const struct pf_ctl *m)
{
	PunktfunkEvent e = {
		.type = PUNKTFUNK_EVENT_ACCESS, .a = m->access.grants, .b = m->access.remaining_s
	};

	pthread_mutex_lock(&c->lock);
	c->info.grants = e.a;
	c->info.expires_in_s = e.b;
	pthread_mutex_unlock(&c->lock);
	pf_client_put_event(c, &e);
}

static void on_shard_payload(struct pf_client *c, uint16_t bytes)
{
	struct pf_ctl ack = { .type = PF_CTL_SHARD_PAYLOAD_ACK, .shard_payload = bytes };

	if (bytes & 1 || bytes < PF_SHARD_MIN || bytes > PF_SHARD_MAX)
		return;
	pthread_mutex_lock(&c->lock);
	c->info.shard_payload = bytes;
	pthread_mutex_unlock(&c->lock);
	pf_client_send_control(c, &ack);
}

static void on_control(struct pf_client *c, struct pf_quic_conn *conn, const struct pf_ctl *m)
{
	uint64_t now = pf_clock_mono_ns();

	switch (m->type) {
	case PF_CTL_CLOCK_ECHO:
		if (pf_clock_sync_echo(&c->clock, now, m->clock_echo.t1, m->clock_echo.t2,
			    m->clock_echo.t3, pf_client_unix_ns(c, now)))
			after_clock(c, conn);
		break;
	case PF_CTL_RECONFIGURED:
		on_reconfigured(c, m);
		break;
	case PF_CTL_BITRATE_CHANGED:
		on_bitrate(c, m->bitrate_changed.kbps);
		break;
	case PF_CTL_ACCESS_UPDATE:
		on_access(c, m);
		break;
	case PF_CTL_SHARD_PAYLOAD_CHANGED:
		on_shard_payload(c, m->shard_payload);
		break;
	case PF_CTL_PIPELINE_GAP:
		if (c->receiver)
			pf_receiver_discard_window(c->receiver);
		pf_client_rate_gap(c);
		pf_client_put_event(
			c, &(PunktfunkEvent){ .type = PUNKTFUNK_EVENT_GAP, .a = m->gap_ms });
		break;
	case PF_CTL_CLIP_STATE:
	case PF_CTL_CLIP_OFFER:
		pf_client_clip_message(c, m);
		break;
	case PF_CTL_PROBE_RESULT:
		pf_client_probe_result(c, m);
		break;
	case PF_CTL_CURSOR_SHAPE:
		pf_client_cursor_shape(c, m);
		break;
	default:
		pf_ignored_control(&c->ignored, m->type);
		break;
	}
}

static void on_message(void *user, struct pf_quic_conn *conn, const uint8_t *msg, size_t len)
{
	struct pf_client *c = user;
	struct pf_ctl m;

	if (c->state == PF_CLIENT_HELLO_SENT)
		on_answer(c, conn, msg, len);
	else if (pf_quic_conn_wire(conn)->ctl_parse(&m, msg, len) == 0)
		on_control(c, conn, &m);
	else
		pf_ignored_message(&c->ignored, msg, len);
}

static void on_notified(void *user, struct pf_quic_conn *conn)
{
	struct pf_client *c = user;

	if (c->state == PF_CLIENT_OPEN)
		run_clock(c, conn);
}

static void on_datagram(void *user, struct pf_quic_conn *conn, const uint8_t *data, size_t len)
{
	struct pf_client *c = user;
	PunktfunkEvent e = { 0 };
	struct pf_dgram d;

	if (pf_dgram_parse(&d, data, len) < 0) {
		pf_ignored_datagram(&c->ignored, data[0]);
		return;
	}
	switch (d.tag) {
	case PF_DGRAM_AUDIO:
	case PF_DGRAM_AUDIO_REDUNDANT:
		pf_client_audio(c, &d);
		break;
	case PF_DGRAM_HOST_TIMING:
		e.type = PUNKTFUNK_EVENT_HOST_TIMING;
		e.value = d.timing.pts_ns;
		e.a = d.timing.host_us;
		if (d.timing.has_stages) {
			pf_client_rate_encoded(c, d.timing.encode_us);
			e.b = d.timing.queue_us;
			e.c = d.timing.encode_us;
			e.d = d.timing.pace_us;
		}
		pf_client_put_event(c, &e);
		break;
	case PF_DGRAM_RUMBLE:
		pf_client_pads_rumble(c, &d, pf_clock_mono_ns());
		on_notified(c, conn); /* its lease has an end */
		break;
	case PF_DGRAM_HID_OUTPUT:
		pf_client_pads_hid(c, &d);
		break;
	case PF_DGRAM_CURSOR_STATE:
		pf_client_cursor_state(c, &d);
		break;
	case PF_DGRAM_HDR_META:
		pf_client_hdr(c, &d);
		break;
	default:
		pf_ignored_datagram(&c->ignored, d.tag);
		break;
	}
}

static void on_timer(void *user, struct pf_quic_conn *conn)
{
	struct pf_client *c = user;

	if (c->stream_ended)
		give_up(c, conn, -EPROTO, "the host ended the control stream without a reason");
	else if (c->state == PF_CLIENT_CLOCK || c->state == PF_CLIENT_OPEN)
		after_clock(c, conn);
}

static void on_stream_opened(void *user, struct pf_quic_conn *conn, struct pf_quic_stream *st)
{
	struct pf_client *c = user;

	pf_clip_stream_opened(&c->clip.link, st);
}

static void on_stream_data(void *user, struct pf_quic_conn *conn, struct pf_quic_stream *st,
	const uint8_t *data, size_t len, bool fin)
{
	struct pf_client *c = user;

	pf_clip_stream_data(&c->clip.link, st, data, len, fin);
}

static void on_stream_closed(
	void *user, struct pf_quic_conn *conn, struct pf_quic_stream *st, uint64_t code)
{
	struct pf_client *c = user;

	pf_clip_stream_closed(&c->clip.link, st, code);
}

static void on_stream_end(void *user, struct pf_quic_conn *conn)
{
	const struct pf_client *c = user;

	/* A session ends with its connection: hosts of the original let go of the
	 * stream a second before that, and may still send pictures. */
	if (c->state != PF_CLIENT_OPEN)
		await_close(user, conn);
}

static void on_closed(void *user, struct pf_quic_conn *conn, const struct pf_quic_close *end)
{
	struct pf_client *c = user;
	PunktfunkEvent e = { .type = PUNKTFUNK_EVENT_CLOSED, .a = end->code };

	pf_client_pads_end(c);
	snprintf(e.text, sizeof(e.text), "%.*s", (int)sizeof(e.text) - 1, end->text);
	pf_client_put_event(c, &e);
	pf_queue_close(&c->events);
	pf_queue_close(&c->audio);
	pthread_mutex_lock(&c->lock);
	c->end = *end;
	c->state = PF_CLIENT_CLOSED;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->lock);
	pf_wake_signal(c->closed);
}

const struct pf_quic_events pf_client_events = {
	.opened = on_opened,
	.message = on_message,
	.stream_end = on_stream_end,
	.datagram = on_datagram,
	.stream_opened = on_stream_opened,
	.stream_data = on_stream_data,
	.stream_closed = on_stream_closed,
	.timer = on_timer,
	.notified = on_notified,
	.closed = on_closed,
};
