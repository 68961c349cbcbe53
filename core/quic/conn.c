/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/quic/conn.h"
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include "core/base/clock.h"
#include "core/base/utf8.h"
#include "core/crypto/secret.h"

/* LAN first guess; the library's 333 ms would hold back the client's second
 * flight. */
#define INITIAL_RTT_NS	  (5 * PF_NS_PER_MS)
#define KEEP_ALIVE_MAX_NS (4 * PF_NS_PER_S)
#define STREAM_WINDOW	  (128 * 1024)

static struct pf_quic_conn *of(void *user_data)
{
	return user_data;
}

static ngtcp2_conn *conn_of_ref(ngtcp2_crypto_conn_ref *ref)
{
	return of(ref->user_data)->ng;
}

struct pf_tls_peer *pf_tls_peer_of(void *session_ptr)
{
	ngtcp2_crypto_conn_ref *ref = session_ptr;

	return &of(ref->user_data)->tls_peer;
}

/* ---- the handle ---- */

struct pf_quic_conn *pf_quic_conn_ref(struct pf_quic_conn *c)
{
	atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
	return c;
}

void pf_quic_conn_unref(struct pf_quic_conn *c)
{
	if (!c || atomic_fetch_sub(&c->refs, 1) != 1)
		return;
	assert(!c->ng && !c->tls);
	pf_deframer_finish(&c->in);
	pf_streamq_finish(&c->streamq);
	pf_dgramq_finish(&c->dgramq);
	pf_streams_finish(&c->streams);
	pthread_mutex_destroy(&c->close_lock);
	pf_wake_unref(c->wake);
	free(c->close_pkt);
	free(c);
}

void pf_quic_conn_set_user(struct pf_quic_conn *c, void *user)
{
	c->user = user;
}

void *pf_quic_conn_user(const struct pf_quic_conn *c)
{
	return c->user;
}

const struct pf_quic_peer *pf_quic_conn_peer(const struct pf_quic_conn *c)
{
	return &c->peer;
}

const struct sockaddr_storage *pf_quic_conn_local(const struct pf_quic_conn *c)
{
	return &c->local;
}

const struct pf_wire *pf_quic_conn_wire(const struct pf_quic_conn *c)
{
	return c->wire;
}

int pf_quic_conn_export(struct pf_quic_conn *c, const char *label, const uint8_t *context,
	size_t len, uint8_t out[32])
{
	return c->tls ? pf_tls_export(c->tls, label, context, len, out) : -EPIPE;
}

void pf_conn_poke(struct pf_quic_conn *c)
{
	if (!atomic_exchange(&c->dirty, true))
		pf_wake_signal(c->wake);
}

int pf_quic_conn_send(struct pf_quic_conn *c, const uint8_t *msg, size_t len)
{
	int err = pf_streamq_put(&c->streamq, msg, len);

	if (!err)
		pf_conn_poke(c);
	return err;
}

int pf_quic_conn_datagram(struct pf_quic_conn *c, const uint8_t *data, size_t len)
{
	int err = pf_dgramq_put(&c->dgramq, data, len);

	if (!err)
		pf_conn_poke(c);
	return err;
}

void pf_quic_conn_close(struct pf_quic_conn *c, uint32_t code, const char *text)
{
	pthread_mutex_lock(&c->close_lock);
	if (!atomic_load(&c->close_wanted)) {
		c->close_code = code;
		if (text)
			pf_utf8_repair(c->close_text, sizeof(c->close_text), text, strlen(text));
		atomic_store(&c->close_wanted, true);
	}
	pthread_mutex_unlock(&c->close_lock);
	pf_conn_poke(c);
}

void pf_quic_conn_finish(struct pf_quic_conn *c)
{
	pf_streamq_close(&c->streamq);
	atomic_store(&c->fin_wanted, true);
	pf_conn_poke(c);
}

void pf_quic_conn_settle(struct pf_quic_conn *c)
{
	c->settled = true;
}

void pf_quic_conn_notify(struct pf_quic_conn *c)
{
	atomic_store(&c->notify_wanted, true);
	pf_conn_poke(c);
}

void pf_quic_conn_set_timer(struct pf_quic_conn *c, uint64_t deadline_ns)
{
	c->timer_ns = deadline_ns;
}

uint64_t pf_quic_conn_dropped(struct pf_quic_conn *c)
{
	return pf_dgramq_dropped(&c->dgramq) + atomic_load(&c->dgram_too_big);
}

/* ---- callbacks of the library; they must not call writers or finish ---- */

static void rand_cb(uint8_t *dest, size_t len, const ngtcp2_rand_ctx *ctx)
{
	if (pf_random_bytes(dest, len) < 0)
		abort();
}

static int new_cid_cb(
	ngtcp2_conn *ng, ngtcp2_cid *cid, uint8_t *token, size_t cidlen, void *user_data)
{
	struct pf_quic_conn *c = of(user_data);
	struct pf_quic *q = c->q;

	if (pf_random_bytes(cid->data, cidlen) < 0)
		return NGTCP2_ERR_CALLBACK_FAILURE;
	cid->datalen = cidlen;
	if (ngtcp2_crypto_generate_stateless_reset_token(
		    token, q->reset_secret, sizeof(q->reset_secret), cid) != 0 ||
		pf_cidmap_add(&q->cids, cid->data, cid->datalen, c) < 0)
		return NGTCP2_ERR_CALLBACK_FAILURE;
	return 0;
}

static int remove_cid_cb(ngtcp2_conn *ng, const ngtcp2_cid *cid, void *user_data)
{
	pf_cidmap_remove(&of(user_data)->q->cids, cid->data, cid->datalen);
	return 0;
}

/* Pings often enough for the shorter of both ends' idle times. */
static void keep_alive(struct pf_quic_conn *c)
{
	const ngtcp2_transport_params *p = ngtcp2_conn_get_remote_transport_params(c->ng);
	uint64_t idle = c->q->idle_ns;

	if (p && p->max_idle_timeout && p->max_idle_timeout < idle)
		idle = p->max_idle_timeout;
	ngtcp2_conn_set_keep_alive_timeout(
		c->ng, idle / 2 < KEEP_ALIVE_MAX_NS ? idle / 2 : KEEP_ALIVE_MAX_NS);
}

static int completed_cb(ngtcp2_conn *ng, void *user_data)
{
	struct pf_quic_conn *c = of(user_data);
	const ngtcp2_path *path = ngtcp2_conn_get_path(ng);

	/* GnuTLS lets a peer pass that sends no ALPN at all. */
	c->wire = pf_tls_wire(c->tls, &c->q->alpns);
	if (!c->wire) {
		c->alpn_wrong = true;
		return NGTCP2_ERR_CALLBACK_FAILURE;
	}
	if (pf_streamq_frame(&c->streamq, c->wire->framing, !c->server))
		return NGTCP2_ERR_CALLBACK_FAILURE;
	c->state = PF_CONN_OPEN;
	keep_alive(c);
	memcpy(&c->peer.addr, path->remote.addr, path->remote.addrlen);
	c->peer.addr_len = path->remote.addrlen;
	memcpy(&c->local, path->local.addr, path->local.addrlen);
	c->peer.has_certificate = c->tls_peer.has_certificate;
	memcpy(c->peer.fingerprint, c->tls_peer.fingerprint, sizeof(c->peer.fingerprint));
	if (c->q->events.opened)
		c->q->events.opened(c->q->user, c);
	return 0;
}

static int stream_open_cb(ngtcp2_conn *ng, int64_t stream_id, void *user_data)
{
	struct pf_quic_conn *c = of(user_data);

	/* The client's first stream is control, in whatever order they arrive. */
	if (c->server && stream_id == 0)
		c->stream_id = stream_id;
	else
		pf_streams_opened(c, stream_id);
	return 0;
}

static int messages(struct pf_quic_conn *c, const uint8_t *data, size_t len)
{
	int got = 0;

	/* What follows a decision to close is not looked at. */
	while (len && !atomic_load(&c->close_wanted)) {
		const uint8_t *msg;
		size_t n, msg_len;

		if (!c->in.buf) {
			int err = pf_deframer_init_as(&c->in, c->wire->framing, c->server);

			if (err)
				return err;
		}
		n = pf_deframer_push(&c->in, data, len);
		data += n;
		len -= n;
		while (!atomic_load(&c->close_wanted) &&
			(got = pf_deframer_next(&c->in, &msg, &msg_len)) > 0)
			if (c->q->events.message)
				c->q->events.message(c->q->user, c, msg, msg_len);
		if (got < 0)
			return got;
	}
	return 0;
}

static void stream_ended(struct pf_quic_conn *c)
{
	if (!atomic_load(&c->close_wanted) && c->q->events.stream_end)
		c->q->events.stream_end(c->q->user, c);
}

static int stream_data_cb(ngtcp2_conn *ng, uint32_t flags, int64_t stream_id, uint64_t offset,
	const uint8_t *data, size_t len, void *user_data, void *stream_user_data)
{
	struct pf_quic_conn *c = of(user_data);

	ngtcp2_conn_extend_max_stream_offset(ng, stream_id, len);
	ngtcp2_conn_extend_max_offset(ng, len);
	if (stream_id != c->stream_id) {
		pf_streams_data(c, stream_id, data, len, flags & NGTCP2_STREAM_DATA_FLAG_FIN);
		return 0;
	}
	if (messages(c, data, len) != 0)
		return NGTCP2_ERR_CALLBACK_FAILURE;
	if (flags & NGTCP2_STREAM_DATA_FLAG_FIN)
		stream_ended(c);
	return 0;
}

static int stream_reset_cb(ngtcp2_conn *ng, int64_t stream_id, uint64_t final_size, uint64_t code,
	void *user_data, void *stream_user_data)
{
	struct pf_quic_conn *c = of(user_data);

	if (stream_id == c->stream_id)
		stream_ended(c);
	else
		pf_streams_reset(c, stream_id, code);
	return 0;
}

static int stream_close_cb(ngtcp2_conn *ng, uint32_t flags, int64_t stream_id, uint64_t code,
	void *user_data, void *stream_user_data)
{
	struct pf_quic_conn *c = of(user_data);

	if (stream_id != c->stream_id)
		pf_streams_closed(c, stream_id,
			flags & NGTCP2_STREAM_CLOSE_FLAG_APP_ERROR_CODE_SET ? code : 0);
	return 0;
}

static int acked_cb(ngtcp2_conn *ng, int64_t stream_id, uint64_t offset, uint64_t len,
	void *user_data, void *stream_user_data)
{
	struct pf_quic_conn *c = of(user_data);

	if (stream_id == c->stream_id)
		pf_streamq_acked(&c->streamq, len);
	else
		pf_streams_acked(c, stream_id, len);
	return 0;
}

static int datagram_cb(
	ngtcp2_conn *ng, uint32_t flags, const uint8_t *data, size_t len, void *user_data)
{
	struct pf_quic_conn *c = of(user_data);

	if (len && !atomic_load(&c->close_wanted) && c->q->events.datagram)
		c->q->events.datagram(c->q->user, c, data, len);
	return 0;
}

static int reset_cb(ngtcp2_conn *ng, const ngtcp2_pkt_stateless_reset *sr, void *user_data)
{
	of(user_data)->was_reset = true;
	return 0;
}

static const ngtcp2_callbacks callbacks = {
	.client_initial = ngtcp2_crypto_client_initial_cb,
	.recv_client_initial = ngtcp2_crypto_recv_client_initial_cb,
	.recv_crypto_data = ngtcp2_crypto_recv_crypto_data_cb,
	.handshake_completed = completed_cb,
	.encrypt = ngtcp2_crypto_encrypt_cb,
	.decrypt = ngtcp2_crypto_decrypt_cb,
	.hp_mask = ngtcp2_crypto_hp_mask_cb,
	.recv_stream_data = stream_data_cb,
	.acked_stream_data_offset = acked_cb,
	.stream_open = stream_open_cb,
	.stream_close = stream_close_cb,
	.recv_stateless_reset = reset_cb,
	.recv_retry = ngtcp2_crypto_recv_retry_cb,
	.rand = rand_cb,
	.get_new_connection_id = new_cid_cb,
	.remove_connection_id = remove_cid_cb,
	.update_key = ngtcp2_crypto_update_key_cb,
	.stream_reset = stream_reset_cb,
	.delete_crypto_aead_ctx = ngtcp2_crypto_delete_crypto_aead_ctx_cb,
	.delete_crypto_cipher_ctx = ngtcp2_crypto_delete_crypto_cipher_ctx_cb,
	.recv_datagram = datagram_cb,
	.get_path_challenge_data = ngtcp2_crypto_get_path_challenge_data_cb,
	.version_negotiation = ngtcp2_crypto_version_negotiation_cb,
};

/* ---- the beginning ---- */

static struct pf_quic_conn *conn_new(struct pf_quic *q, bool server, const ngtcp2_path *path)
{
	struct pf_quic_conn *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	atomic_init(&c->refs, 1);
	c->q = q;
	c->server = server;
	c->state = PF_CONN_HANDSHAKE;
	c->wake = pf_wake_ref(q->wake);
	c->stream_id = -1;
	c->ref.get_conn = conn_of_ref;
	c->ref.user_data = c;
	memcpy(&c->peer.addr, path->remote.addr, path->remote.addrlen);
	c->peer.addr_len = path->remote.addrlen;
	memcpy(&c->local, path->local.addr, path->local.addrlen);
	pf_streamq_init(&c->streamq);
	pf_dgramq_init(&c->dgramq);
	pf_streams_init(&c->streams);
	pthread_mutex_init(&c->close_lock, NULL);
	return c;
}

/* For a connection that never came to be. */
static void conn_abandon(struct pf_quic_conn *c)
{
	struct pf_quic *q = c->q;

	if (c->ng)
		ngtcp2_conn_del(c->ng);
	c->ng = NULL;
	if (c->tls)
		gnutls_deinit(c->tls);
	c->tls = NULL;
	pf_cidmap_remove_owner(&q->cids, c);
	pf_quic_conn_unref(c);
}

/* The library's own largest probe, where it cannot be told others. */
#if NGTCP2_VERSION_NUM >= 0x010b00
#define PROBE_MAX PF_QUIC_MAX_UDP
#else
#define PROBE_MAX 1444
#endif

static void fill_settings(const struct pf_quic *q, ngtcp2_settings *s, uint64_t now)
{
	ngtcp2_settings_default(s);
	s->initial_ts = now;
	s->initial_rtt = INITIAL_RTT_NS;
	s->handshake_timeout = q->handshake_ns;
	s->max_tx_udp_payload_size = PF_QUIC_MAX_UDP;
#if NGTCP2_VERSION_NUM >= 0x010b00
	static const uint16_t probes[] = { 1392, 1432, PF_QUIC_MAX_UDP, PF_QUIC_JUMBO_UDP };

	s->pmtud_probes = probes;
	s->pmtud_probeslen = sizeof(probes) / sizeof(probes[0]) - !q->jumbo;
	if (q->jumbo)
		s->max_tx_udp_payload_size = PF_QUIC_JUMBO_UDP;
#endif
}

static void fill_params(const struct pf_quic *q, ngtcp2_transport_params *p)
{
	ngtcp2_transport_params_default(p);
	p->initial_max_data = 2 * STREAM_WINDOW;
	p->initial_max_stream_data_bidi_local = STREAM_WINDOW;
	p->initial_max_stream_data_bidi_remote = STREAM_WINDOW;
	p->initial_max_streams_bidi = PF_QUIC_STREAMS + (q->server ? 1 : 0);
	p->initial_max_streams_uni = 0;
	p->max_idle_timeout = q->idle_ns;
	p->max_udp_payload_size = PF_QUIC_JUMBO_UDP;
	p->max_datagram_frame_size = 65535;
	p->disable_active_migration = 1;
}

static int random_cid(ngtcp2_cid *cid, size_t len)
{
	uint8_t buf[PF_CID_MAX];

	if (pf_random_bytes(buf, len) < 0)
		return -EIO;
	ngtcp2_cid_init(cid, buf, len);
	return 0;
}

static int conn_arm(struct pf_quic_conn *c)
{
	struct pf_quic *q = c->q;
	int err = pf_tls_session_create(&c->tls, q->creds, c->server, &q->alpns, &c->ref);

	if (err)
		return err;
	ngtcp2_conn_set_tls_native_handle(c->ng, c->tls);
	c->touched = true;
	return 0;
}

int pf_conn_accept(struct pf_quic *q, const ngtcp2_pkt_hd *hd, const ngtcp2_path *path,
	const ngtcp2_cid *odcid, uint64_t now, struct pf_quic_conn **out)
{
	struct pf_quic_conn *c = conn_new(q, true, path);
	ngtcp2_transport_params params;
	ngtcp2_settings settings;
	ngtcp2_cid scid;
	int err = -ENOMEM;

	if (!c)
		return -ENOMEM;
	fill_settings(q, &settings, now);
	fill_params(q, &params);
	pf_ng_params_original_dcid(&params, odcid ? odcid : &hd->dcid);
	if (odcid) {
		size_t token_len;
		const uint8_t *token = pf_ng_hd_token(hd, &token_len);

		params.retry_scid = hd->dcid;
		params.retry_scid_present = 1;
		pf_ng_settings_token(&settings, token, token_len);
	}
	err = random_cid(&scid, PF_QUIC_SCID_LEN);
	if (err)
		goto fail;
	if (ngtcp2_crypto_generate_stateless_reset_token(params.stateless_reset_token,
		    q->reset_secret, sizeof(q->reset_secret), &scid) != 0) {
		err = -EIO;
		goto fail;
	}
	params.stateless_reset_token_present = 1;
	err = pf_cidmap_add(&q->cids, scid.data, scid.datalen, c);
	if (!err)
		err = pf_cidmap_add(&q->cids, hd->dcid.data, hd->dcid.datalen, c);
	if (err)
		goto fail;
	if (ngtcp2_conn_server_new(&c->ng, &hd->scid, &scid, path, hd->version, &callbacks,
		    &settings, &params, NULL, c) != 0) {
		err = -ENOMEM;
		goto fail;
	}
	err = conn_arm(c);
	if (err)
		goto fail;
	*out = c;
	return 0;

fail:
	conn_abandon(c);
	return err;
}

int pf_conn_dial(struct pf_quic *q, const ngtcp2_path *path, const uint8_t *pin, uint64_t now,
	struct pf_quic_conn **out)
{
	struct pf_quic_conn *c = conn_new(q, false, path);
	ngtcp2_transport_params params;
	ngtcp2_settings settings;
	ngtcp2_cid scid, dcid;
	int err;

	if (!c)
		return -ENOMEM;
	if (pin) {
		c->tls_peer.pinned = true;
		memcpy(c->tls_peer.pin, pin, sizeof(c->tls_peer.pin));
	}
	fill_settings(q, &settings, now);
	fill_params(q, &params);
	err = random_cid(&scid, PF_QUIC_SCID_LEN);
	if (!err)
		err = random_cid(&dcid, PF_QUIC_SCID_LEN);
	if (!err)
		err = pf_cidmap_add(&q->cids, scid.data, scid.datalen, c);
	if (err)
		goto fail;
	if (ngtcp2_conn_client_new(&c->ng, &dcid, &scid, path, NGTCP2_PROTO_VER_V1, &callbacks,
		    &settings, &params, NULL, c) != 0) {
		err = -ENOMEM;
		goto fail;
	}
	err = conn_arm(c);
	if (err)
		goto fail;
	*out = c;
	return 0;

fail:
	conn_abandon(c);
	return err;
}

uint64_t pf_quic_conn_rtt_ns(const struct pf_quic_conn *c)
{
	return atomic_load_explicit(&c->rtt_ns, memory_order_relaxed);
}

unsigned pf_quic_conn_path_bytes(const struct pf_quic_conn *c)
{
	size_t bytes = c->ng ? ngtcp2_conn_get_path_max_tx_udp_payload_size(c->ng) : 0;

	return bytes >= PROBE_MAX && bytes < PF_QUIC_MAX_UDP ? PF_QUIC_MAX_UDP : (unsigned)bytes;
}
