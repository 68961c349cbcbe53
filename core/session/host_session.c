/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/session/host_session.h"
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "core/crypto/secret.h"
#include "core/net/udp.h"
#include "core/quic/sendq.h"
#include "core/session/ctl_send.h"
#include "core/session/limits.h"
#include "core/session/public.h"
#include "core/wire/pf1_media.h"

/* A client loses what comes between its clock echoes (punktfunk1.md 3). */
#define HOLD_NS	    (1 * PF_NS_PER_S)
#define HOLD_ECHOES 8
#define HELD_MAX    64
/* While a person decides, where the wire has a message for it. */
#define PENDING_NS (2 * PF_NS_PER_S)
#define MAX_DATA   4096
/* Capacity probes (punktfunk1.md 6). */
/* QUIC has tried what the path carries by then, or, where packets get lost or take
 * long, some looks later. */
#define PATH_KNOWN_NS (4 * PF_NS_PER_S)
#define PATH_LOOKS    15
#define FEC_GF16      1
/* Room for a datagram in QUIC's smallest packet of 1200 bytes. */
#define AUDIO_DGRAM_BYTES 1120
#define REDUNDANT_HEAD	  15 /* tag, seq, pts, length */
/* What Welcome says while parity is chosen per frame; it caps k + m. */
#define ADAPTIVE_SAID 10

struct pf_held {
	struct pf_held *next;
	size_t len;
	uint8_t msg[];
};

enum stamp_word { STAMP_CAPTURE, STAMP_ENCODE_START, STAMP_ENCODE_END };

static void free_held(struct pf_held *h)
{
	while (h) {
		struct pf_held *next = h->next;

		free(h);
		h = next;
	}
}

static void drop_ref(struct pf_host_session *s)
{
	if (atomic_fetch_sub(&s->refs, 1) != 1)
		return;
	free_held(s->held);
	if (s->data.fd >= 0)
		close(s->data.fd);
	pf_secret_wipe(&s->data.keys, sizeof(s->data.keys));
	pf_quic_conn_unref(s->conn);
	pf_clip_finish(&s->clip);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

void pf_peer_of(struct pf_peer *out, const struct pf_quic_conn *c)
{
	const struct pf_quic_peer *qp = pf_quic_conn_peer(c);

	*out = (struct pf_peer){ .addr = qp->addr, .has_certificate = qp->has_certificate };
	memcpy(out->fingerprint, qp->fingerprint, sizeof(out->fingerprint));
}

struct pf_host_session *pf_host_session_create(
	struct pf_listener *l, uint64_t id, struct pf_quic_conn *c, const struct pf_hello *hello)
{
	struct pf_host_session *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	atomic_init(&s->refs, 2);
	s->id = id;
	s->listener = l;
	s->conn = pf_quic_conn_ref(c);
	s->wire = pf_quic_conn_wire(c);
	s->unix_offset_ns = pf_clock_unix_offset_ns();
	s->hello = *hello;
	s->data.fd = -1;
	s->held_tail = &s->held;
	pthread_mutex_init(&s->lock, NULL);
	pf_host_clip_init(s);
	return s;
}

uint64_t pf_host_session_id(const struct pf_host_session *s)
{
	return s->id;
}

const struct pf_hello *pf_host_session_hello(const struct pf_host_session *s)
{
	return &s->hello;
}

void pf_host_session_peer(const struct pf_host_session *s, struct pf_peer *out)
{
	pf_peer_of(out, s->conn);
}

static uint64_t unix_now(const struct pf_host_session *s)
{
	return pf_clock_mono_ns() + (uint64_t)s->unix_offset_ns;
}

/* ---- accept ---- */

static bool is_ipv6(const struct sockaddr_storage *a)
{
	return a->ss_family == AF_INET6 &&
	       !IN6_IS_ADDR_V4MAPPED(&((const struct sockaddr_in6 *)a)->sin6_addr);
}

/* The data socket takes the address that the client already talks to. */
static int open_data_socket(struct pf_host_session *s, uint16_t port, int *fd)
{
	const struct sockaddr_storage *local = pf_quic_conn_local(s->conn);
	char text[INET6_ADDRSTRLEN];
	const void *addr = local->ss_family == AF_INET6
				   ? (const void *)&((const struct sockaddr_in6 *)local)->sin6_addr
				   : (const void *)&((const struct sockaddr_in *)local)->sin_addr;

	if (!inet_ntop(local->ss_family, addr, text, sizeof(text)))
		return -EINVAL;
	return pf_udp_open(text, port, fd);
}

static uint16_t choose_shard(const struct pf_host_session *s)
{
	uint16_t shard = is_ipv6(&pf_quic_conn_peer(s->conn)->addr) ? PF_SHARD_IPV6 : PF_SHARD_IPV4;
	uint16_t max = s->hello.max_shard_payload & ~1u;

	if (max && max < shard)
		shard = max;
	return shard < PF_SHARD_MIN ? PF_SHARD_MIN : shard;
}

static int agree(struct pf_host_session *s, const struct pf_accept *a, struct pf_welcome *w)
{
	struct pf_sender_params *d = &s->data;
	bool chacha = a->welcome.cipher == PF_CIPHER_CHACHA20_POLY1305 &&
		      s->hello.video_caps & PF_VIDEO_CAP_CHACHA20;
	int err;

	*w = a->welcome;
	w->fec_scheme = FEC_GF16;
	w->fec_percent = a->fec_percent == PF_FEC_ADAPTIVE ? ADAPTIVE_SAID : a->fec_percent;
	w->max_data_per_block = MAX_DATA;
	w->shard_payload = choose_shard(s);
	pf_shard_fit_init(&s->shards, w->shard_payload, s->hello.max_shard_payload);
	w->encrypt = 1;
	w->frames = 0;
	w->cipher = chacha ? PF_CIPHER_CHACHA20_POLY1305 : PF_CIPHER_AES128_GCM;
	if (s->wire->one_socket) {
		w->clock_origin_ns = unix_now(s);
		return pf_random_bytes(w->session_id, sizeof(w->session_id));
	}
	err = pf_random_bytes(w->key, sizeof(w->key));
	if (!err)
		err = pf_random_bytes(w->salt, sizeof(w->salt));
	if (!err && chacha)
		err = pf_random_bytes(w->chacha_key, sizeof(w->chacha_key));
	if (!err)
		err = open_data_socket(s, s->listener->data_port, &d->fd);
	if (err)
		return err;
	w->data_port = pf_udp_port(d->fd);
	if (a->dscp)
		pf_udp_set_dscp(d->fd, a->dscp);
	d->delivery = a->delivery;

	/* Also on a fixed port, where the original does not wait: behind a NAT or a
	 * relay the port that the client reports is not the one it comes from. */
	d->await_punch = true;
	d->peer = pf_quic_conn_peer(s->conn)->addr;
	d->keys.alg = chacha ? PF_AEAD_CHACHA20_POLY1305 : PF_AEAD_AES128_GCM;
	if (chacha)
		memcpy(d->keys.key, w->chacha_key, sizeof(w->chacha_key));
	else
		memcpy(d->keys.key, w->key, sizeof(w->key));
	memcpy(d->keys.salt, w->salt, sizeof(w->salt));
	d->direction = PF_FROM_HOST;
	d->shard_bytes = w->shard_payload;
	if (s->listener->jumbo && s->shards.client_max > w->shard_payload)
		d->shard_bytes_max = s->shards.client_max;
	d->max_data_per_block = w->max_data_per_block;
	d->fec_percent = a->fec_percent;
	d->welcome_percent = w->fec_percent;
	d->max_frame_bytes = pf_max_frame_bytes(w->bitrate_kbps, w->refresh_hz);
	d->bitrate_kbps = w->bitrate_kbps;
	s->probe_max_kbps =
		a->probe_max_kbps < PF_PROBE_KBPS_MAX ? a->probe_max_kbps : PF_PROBE_KBPS_MAX;
	s->sent = a->sent;
	s->sent_user = a->sent_user;
	return 0;
}

int pf_host_session_accept(struct pf_host_session *s, const struct pf_accept *a)
{
	uint8_t buf[1024];
	struct pf_welcome w;
	int err = 0;

	pthread_mutex_lock(&s->lock);
	if (s->state == PF_HOST_CLOSED)
		err = -EPIPE;
	else if (s->state != PF_HOST_DECIDING)
		err = -EALREADY;
	else
		err = agree(s, a, &w);
	if (!err) {
		int n = s->wire->welcome_build(&w, buf, sizeof(buf));

		err = n < 0 ? n : pf_quic_conn_send(s->conn, buf, (size_t)n);
		pf_secret_wipe(buf, sizeof(buf));
	}
	if (!err) {
		s->state = PF_HOST_WELCOMED;
		s->start_timer_wanted = true;
	}
	pthread_mutex_unlock(&s->lock);
	pf_secret_wipe(&w, sizeof(w));
	if (!err)
		pf_quic_conn_notify(s->conn);
	return err;
}

/* Before the Welcome some wires have words of their own. */
static void say_refused(struct pf_host_session *s, uint32_t code, const char *text)
{
	struct pf_refusal no = { .code = code };
	uint8_t buf[PF_CTL_REASON_MAX + 64];
	int n;

	snprintf(no.text, sizeof(no.text), "%s", text ? text : "");
	pthread_mutex_lock(&s->lock);
	if (s->state == PF_HOST_DECIDING && s->wire->refused_build) {
		n = s->wire->refused_build(&no, buf, sizeof(buf));
		if (n > 0)
			(void)pf_quic_conn_send(s->conn, buf, (size_t)n);
	}
	pthread_mutex_unlock(&s->lock);
}

void pf_host_session_close(struct pf_host_session *s, uint32_t code, const char *text)
{
	say_refused(s, code, text);
	pf_quic_conn_close(s->conn, code, text);
}

/* ---- the data plane begins ---- */

/* Sender's thread. */
static void on_ready(void *user, const struct sockaddr_storage *peer)
{
	struct pf_host_session *s = user;

	atomic_store(&s->ready, true);
	pf_quic_conn_notify(s->conn);
}

static uint32_t span_us(uint64_t from_ns, uint64_t to_ns)
{
	uint64_t us = to_ns > from_ns ? (to_ns - from_ns) / PF_NS_PER_US : 0;

	return us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
}

/* Sender's thread, after a frame's last packet. */
static void on_sent(void *user, const struct pf_sent_frame *f)
{
	struct pf_host_session *s = user;
	uint64_t encode_start = f->user[STAMP_ENCODE_START];
	uint64_t encode_end = f->user[STAMP_ENCODE_END];
	struct pf_dgram d = { .tag = PF_DGRAM_HOST_TIMING };
	const struct pf_frame_stamps stamps = { f->user[STAMP_CAPTURE], encode_start, encode_end };

	if (s->sent)
		s->sent(s->sent_user, &stamps, f->sent_ns);
	if (!(s->hello.video_caps & PF_VIDEO_CAP_HOST_TIMING))
		return;
	d.timing.pts_ns = f->pts_unix_ns;
	d.timing.host_us = span_us(f->user[STAMP_CAPTURE], f->sent_ns);
	d.timing.has_stages = true;
	d.timing.queue_us = span_us(f->user[STAMP_CAPTURE], encode_start);
	d.timing.encode_us = span_us(encode_start, encode_end);
	d.timing.pace_us = span_us(f->start_ns, f->sent_ns);
	pf_host_session_datagram(s, &d);
}

/* Sender's thread. */
static void on_probed(void *user, const struct pf_sent_probe *p)
{
	struct pf_ctl m = { .type = PF_CTL_PROBE_RESULT };

	m.probe_result.bytes = p->bytes;
	m.probe_result.packets = p->packets;
	m.probe_result.duration_ms = p->duration_ms;
	m.probe_result.has_tail = true;
	m.probe_result.wire_packets = p->wire_packets;
	m.probe_result.send_dropped = p->packets - p->wire_packets;
	(void)pf_host_session_control(user, &m);
}

static const struct pf_sender_events sender_events = {
	.ready = on_ready,
	.sent = on_sent,
	.probed = on_probed,
};

/* Under the lock. */
static int begin_data(struct pf_host_session *s, uint16_t port, struct pf_reason *why)
{
	struct sockaddr_storage *peer = &s->data.peer;
	struct pf_sender *sender;
	int err;

	if (s->wire->one_socket) {
		/* Ready. The media plane of that wire would begin here. */
		s->state = PF_HOST_OPENING;
		atomic_store(&s->ready, true);
		pf_quic_conn_notify(s->conn);
		return 0;
	}
	if (peer->ss_family == AF_INET6)
		((struct sockaddr_in6 *)peer)->sin6_port = htons(port);
	else
		((struct sockaddr_in *)peer)->sin_port = htons(port);
	s->data.events = &sender_events;
	s->data.user = s;
	err = pf_sender_create(&sender, &s->data, why);
	pf_secret_wipe(&s->data.keys, sizeof(s->data.keys));
	if (err)
		return err;
	s->data.fd = -1;
	atomic_store_explicit(&s->sender, sender, memory_order_release);
	s->state = PF_HOST_OPENING;
	s->holding = true;
	pf_quic_conn_set_timer(s->conn, pf_clock_mono_ns() + HOLD_NS);
	return 0;
}

/* Under the lock. */
static void release_held(struct pf_host_session *s)
{
	struct pf_held *h = s->held;

	s->holding = false;
	s->held = NULL;
	s->held_tail = &s->held;
	s->held_count = 0;
	for (struct pf_held *p = h; p; p = p->next)
		pf_quic_conn_send(s->conn, p->msg, p->len);
	free_held(h);
}

/* ---- messages from the client ---- */

static void answer_clock(struct pf_host_session *s, uint64_t t1, uint64_t t2)
{
	struct pf_ctl echo = { .type = PF_CTL_CLOCK_ECHO };

	echo.clock_echo.t1 = t1;
	echo.clock_echo.t2 = t2;
	echo.clock_echo.t3 = unix_now(s);
	pf_ctl_send(s->conn, &echo);
}

/* Under the lock. A client whose filler would mix with its frames, or who asks for
 * none, hears at once that nothing was measured; one that asks too often hears
 * nothing. */
static void probe(struct pf_host_session *s, uint32_t kbps, uint32_t duration_ms)
{
	struct pf_sender *sender = atomic_load(&s->sender);
	struct pf_ctl none = { .type = PF_CTL_PROBE_RESULT };
	uint64_t now = pf_clock_mono_ns();

	if (s->probed_ns && now - s->probed_ns < PF_PROBE_INTERVAL_NS)
		return;
	s->probed_ns = now;
	if (kbps > s->probe_max_kbps)
		kbps = s->probe_max_kbps;
	if (duration_ms > PF_PROBE_MS_MAX)
		duration_ms = PF_PROBE_MS_MAX;
	if (sender && s->hello.video_caps & PF_VIDEO_CAP_PROBE_SEQ &&
		!pf_sender_probe(sender, kbps, duration_ms))
		return;
	pf_ctl_send(s->conn, &none);
}

static void frame_lost(struct pf_host_session *s)
{
	struct pf_sender *sender = atomic_load(&s->sender);

	if (sender)
		pf_sender_frame_lost(sender);
}

static void refuse(struct pf_host_session *s, const char *text)
{
	pf_quic_conn_close(s->conn, PUNKTFUNK_CLOSE_SETUP_FAILED, text);
}

bool pf_host_session_message(
	struct pf_host_session *s, const uint8_t *buf, size_t len, struct pf_ctl *msg)
{
	uint64_t t2 = unix_now(s);
	struct pf_reason why = { 0 };
	struct pf_start start;
	bool forward = false;

	pthread_mutex_lock(&s->lock);
	switch (s->state) {
	case PF_HOST_DECIDING:
		refuse(s, "a message came before Welcome");
		break;
	case PF_HOST_WELCOMED:
		if (s->released)
			break;
		if (s->wire->start_parse(&start, buf, len) < 0)
			refuse(s, "malformed Start");
		else if (begin_data(s, start.client_udp_port, &why) < 0)
			refuse(s, why.text);
		break;
	case PF_HOST_OPENING:
	case PF_HOST_RUNNING:
		if (s->wire->ctl_parse(msg, buf, len) < 0) {
			pf_ignored_message(&s->ignored, buf, len);
			break;
		}
		if (msg->type == PF_CTL_CLOCK_PROBE) {
			answer_clock(s, msg->clock_t1, t2);
			if (s->holding && ++s->echoes >= HOLD_ECHOES)
				release_held(s);
		} else if (msg->type == PF_CTL_LOSS_REPORT) {
			struct pf_sender *sender = atomic_load(&s->sender);

			if (sender)
				pf_sender_loss_report(sender, msg->loss_ppm);
		} else if (msg->type == PF_CTL_SHARD_PAYLOAD_ACK) {
			struct pf_sender *sender = atomic_load(&s->sender);
			uint16_t bytes = pf_shard_fit_ack(&s->shards, msg->shard_payload);

			if (sender && bytes)
				pf_sender_set_shard(sender, bytes);
		} else if (msg->type == PF_CTL_PROBE_REQUEST) {
			probe(s, msg->probe_request.target_kbps, msg->probe_request.duration_ms);
		} else {
			/* It saw a gap: long before its report says so. */
			if (msg->type == PF_CTL_RFI_REQUEST || msg->type == PF_CTL_REQUEST_KEYFRAME)
				frame_lost(s);
			forward = true;
		}
		break;
	case PF_HOST_CLOSED:
		break;
	}
	pthread_mutex_unlock(&s->lock);
	return forward;
}

/* Under the lock. */
static void fit_shard(struct pf_host_session *s)
{
	struct pf_ctl m = { .type = PF_CTL_SHARD_PAYLOAD_CHANGED };
	struct pf_sender *sender = atomic_load(&s->sender);
	uint16_t before = s->shards.in_force;
	struct pf_shard_news news;

	if (s->path_looks && --s->path_looks)
		pf_quic_conn_set_timer(s->conn, pf_clock_mono_ns() + PATH_KNOWN_NS);
	if (!sender)
		return;
	news = pf_shard_fit_path(
		&s->shards, pf_quic_conn_path_bytes(s->conn), PF_QUIC_ETHERNET_BYTES);
	if (!news.tell)
		return;
	m.shard_payload = news.tell;
	if (pf_ctl_send(s->conn, &m))
		pf_shard_fit_unsaid(&s->shards, before);
	else if (news.use)
		pf_sender_set_shard(sender, news.tell);
}

/* Under the lock or before anyone else knows the session. */
static void say_pending(struct pf_host_session *s)
{
	uint8_t buf[16];
	int n = s->wire->pending_build(buf, sizeof(buf));

	if (n > 0)
		(void)pf_quic_conn_send(s->conn, buf, (size_t)n);
	pf_quic_conn_set_timer(s->conn, pf_clock_mono_ns() + PENDING_NS);
}

void pf_host_session_await(struct pf_host_session *s)
{
	/* The first one after a while: most are admitted at once. */
	pf_quic_conn_set_timer(
		s->conn, s->wire->pending_build ? pf_clock_mono_ns() + PENDING_NS : 0);
}

void pf_host_session_timer(struct pf_host_session *s)
{
	pthread_mutex_lock(&s->lock);
	if (s->state == PF_HOST_DECIDING && s->wire->pending_build)
		say_pending(s);
	else if (s->state == PF_HOST_WELCOMED)
		refuse(s, "Start did not come in time");
	else if (s->holding)
		release_held(s);
	else if (s->state == PF_HOST_RUNNING)
		fit_shard(s);
	pthread_mutex_unlock(&s->lock);
}

bool pf_host_session_notified(struct pf_host_session *s)
{
	bool started = false;

	pthread_mutex_lock(&s->lock);
	if (s->start_timer_wanted) {
		s->start_timer_wanted = false;
		if (s->state == PF_HOST_WELCOMED)
			pf_quic_conn_set_timer(s->conn, pf_clock_mono_ns() + s->listener->step_ns);
	}
	if (s->state == PF_HOST_OPENING && atomic_load(&s->ready)) {
		s->state = PF_HOST_RUNNING;
		started = true;
		/* An original client punches after its clock rounds, ours beside them:
		 * it reads what comes between. */
		if (s->holding)
			release_held(s);
		s->path_looks = PATH_LOOKS;
		pf_quic_conn_set_timer(s->conn, pf_clock_mono_ns() + PATH_KNOWN_NS);
	}
	pthread_mutex_unlock(&s->lock);
	return started;
}

bool pf_host_session_begun(struct pf_host_session *s)
{
	bool begun;

	pthread_mutex_lock(&s->lock);
	begun = s->state == PF_HOST_OPENING || s->state == PF_HOST_RUNNING;
	pthread_mutex_unlock(&s->lock);
	return begun;
}

void pf_host_session_ended(struct pf_host_session *s)
{
	atomic_store(&s->closed, true);
	pthread_mutex_lock(&s->lock);
	s->state = PF_HOST_CLOSED;
	s->listener = NULL;
	pthread_mutex_unlock(&s->lock);
	drop_ref(s);
}

/* The sender ends here, on the caller's thread: it may take 100 ms. */
void pf_host_session_unref(struct pf_host_session *s)
{
	struct pf_sender *sender;

	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	s->released = true;
	sender = atomic_exchange(&s->sender, NULL);
	pthread_mutex_unlock(&s->lock);
	pf_quic_conn_close(s->conn, PUNKTFUNK_CLOSE_NORMAL, NULL);
	pf_sender_destroy(sender);
	drop_ref(s);
}

/* ---- the host's side ---- */

int pf_host_session_submit(struct pf_host_session *s, const uint8_t *data, size_t len,
	uint32_t user_flags, const struct pf_frame_stamps *stamps)
{
	struct pf_sender *sender = atomic_load_explicit(&s->sender, memory_order_acquire);
	struct pf_sender_frame f = {
		.data = data,
		.len = len,
		.pts_unix_ns = stamps->capture_ns + (uint64_t)s->unix_offset_ns,
		.user_flags = user_flags | PF_USER_VIDEO,
		.user = {
			[STAMP_CAPTURE] = stamps->capture_ns,
			[STAMP_ENCODE_START] = stamps->encode_start_ns,
			[STAMP_ENCODE_END] = stamps->encode_end_ns,
		},
	};

	if (!sender || atomic_load_explicit(&s->closed, memory_order_relaxed))
		return -EPIPE;
	return pf_sender_submit(sender, &f);
}

unsigned pf_host_session_queued(const struct pf_host_session *s)
{
	struct pf_sender *sender = atomic_load_explicit(&s->sender, memory_order_acquire);

	return sender ? pf_sender_queued(sender) : 0;
}

void pf_host_session_set_bitrate(struct pf_host_session *s, uint32_t kbps)
{
	struct pf_sender *sender = atomic_load(&s->sender);

	if (sender)
		pf_sender_set_bitrate(sender, kbps);
}

int pf_host_session_audio(
	struct pf_host_session *s, const uint8_t *opus, size_t len, uint64_t capture_ns)
{
	struct pf_dgram d = { .tag = PF_DGRAM_AUDIO };

	d.audio.seq = atomic_fetch_add_explicit(&s->audio_seq, 1, memory_order_relaxed);
	d.audio.pts_ns = capture_ns + (uint64_t)s->unix_offset_ns;
	d.audio.data = opus;
	d.audio.len = len;
	return pf_host_session_datagram(s, &d);
}

int pf_host_session_audio_redundant(struct pf_host_session *s, const uint8_t *opus, size_t len,
	const uint8_t *previous, size_t previous_len, uint64_t capture_ns)
{
	struct pf_dgram d = { .tag = PF_DGRAM_AUDIO_REDUNDANT };

	d.redundant.seq = atomic_fetch_add_explicit(&s->audio_seq, 1, memory_order_relaxed);
	d.redundant.pts_ns = capture_ns + (uint64_t)s->unix_offset_ns;
	d.redundant.primary = opus;
	d.redundant.primary_len = len;
	/* What came before the first was never sent. */
	if (d.redundant.seq && previous_len + len + REDUNDANT_HEAD <= AUDIO_DGRAM_BYTES) {
		d.redundant.previous = previous;
		d.redundant.previous_len = previous_len;
	}
	return pf_host_session_datagram(s, &d);
}

int pf_host_session_datagram(struct pf_host_session *s, const struct pf_dgram *d)
{
	uint8_t buf[PF_DGRAM_MAX_LEN];
	int n = pf_dgram_build(d, buf, sizeof(buf));

	return n < 0 ? n : pf_quic_conn_datagram(s->conn, buf, (size_t)n);
}

/* Under the lock. */
static int hold(struct pf_host_session *s, const uint8_t *msg, size_t len)
{
	struct pf_held *h;

	if (s->held_count >= HELD_MAX)
		return -EAGAIN;
	h = malloc(sizeof(*h) + len);
	if (!h)
		return -ENOMEM;
	h->next = NULL;
	h->len = len;
	memcpy(h->msg, msg, len);
	*s->held_tail = h;
	s->held_tail = &h->next;
	s->held_count++;
	return 0;
}

int pf_host_session_control(struct pf_host_session *s, const struct pf_ctl *msg)
{
	uint8_t *buf = malloc(PF_PF1_MAX_MESSAGE);
	int n, err;

	if (!buf)
		return -ENOMEM;
	n = s->wire->ctl_build(msg, buf, PF_PF1_MAX_MESSAGE);
	if (n < 0) {
		free(buf);
		return n;
	}
	pthread_mutex_lock(&s->lock);
	if (s->state == PF_HOST_CLOSED)
		err = -EPIPE;
	else if (s->state < PF_HOST_OPENING || s->holding)
		err = hold(s, buf, (size_t)n);
	else
		err = pf_quic_conn_send(s->conn, buf, (size_t)n);
	pthread_mutex_unlock(&s->lock);
	free(buf);
	return err;
}

void pf_host_session_ignore(struct pf_host_session *s, uint8_t type)
{
	pf_ignored_control(&s->ignored, type);
}

bool pf_host_session_ignored(struct pf_host_session *s, unsigned index, PunktfunkIgnored *out)
{
	return pf_ignored_get(&s->ignored, index, out);
}

void pf_host_session_sender_stats(struct pf_host_session *s, struct pf_sender_stats *out)
{
	*out = (struct pf_sender_stats){ 0 };
	pthread_mutex_lock(&s->lock);
	if (atomic_load(&s->sender))
		pf_sender_stats(atomic_load(&s->sender), out);
	pthread_mutex_unlock(&s->lock);
}

uint64_t pf_host_session_rtt_ns(const struct pf_host_session *s)
{
	return pf_quic_conn_rtt_ns(s->conn);
}

int pf_host_session_stats(struct pf_host_session *s, PunktfunkStats *out)
{
	*out = (PunktfunkStats){ .struct_size = sizeof(*out) };
	pthread_mutex_lock(&s->lock);
	if (atomic_load(&s->sender))
		pf_public_sender_stats(atomic_load(&s->sender), out);
	pthread_mutex_unlock(&s->lock);
	return 0;
}
