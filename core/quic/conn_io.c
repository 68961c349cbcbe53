/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* conn_io.c - a connection's packets, timers and end. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/clock.h"
#include "core/base/utf8.h"
#include "core/quic/conn.h"

/* A peer that only listens pings every 4 s: it must still find the close frame. */
#define LINGER_NS	   (5 * PF_NS_PER_S)
#define DRAIN_NS	   (1 * PF_NS_PER_S)
#define CLOSE_REPLY_GAP_NS (5 * PF_NS_PER_MS)
#define TLS_ALERT_NO_ALPN  120

/* Unasked copies of the close frame, after the first: its loss must not cost the
 * peer its idle time-out. */
static const uint64_t close_copy_after_ns[] = { 8 * PF_NS_PER_MS, 24 * PF_NS_PER_MS,
	100 * PF_NS_PER_MS, 400 * PF_NS_PER_MS };
#define CLOSE_COPIES (sizeof(close_copy_after_ns) / sizeof(close_copy_after_ns[0]))

/* ---- the end ---- */

/* Frees the protocol state and tells the owner. `pkt` is the close frame that
 * late packets are answered with, NULL = silence. */
static void finish(struct pf_quic_conn *c, const struct pf_quic_close *why, const uint8_t *pkt,
	size_t pkt_len, uint64_t linger_ns, uint64_t now)
{
	bool tell = c->state == PF_CONN_OPEN || !c->server;
	/* Nobody asked for a second copy before the peer's address is proven. */
	bool copies = c->state == PF_CONN_OPEN;

	ngtcp2_conn_del(c->ng);
	c->ng = NULL;
	gnutls_deinit(c->tls);
	c->tls = NULL;
	pf_streams_lost(c);
	pf_deframer_finish(&c->in);
	pf_streamq_discard(&c->streamq);
	pf_dgramq_close(&c->dgramq);
	c->state = linger_ns ? PF_CONN_LINGER : PF_CONN_DEAD;
	c->closed_ns = c->close_last_ns = now;
	c->linger_end_ns = now + linger_ns;
	c->close_next_ns = UINT64_MAX;
	if (pkt && pkt_len) {
		c->close_pkt = malloc(pkt_len);
		if (c->close_pkt) {
			memcpy(c->close_pkt, pkt, pkt_len);
			c->close_pkt_len = pkt_len;
			if (copies)
				c->close_next_ns = now + close_copy_after_ns[0];
		}
	}
	if (linger_ns)
		c->q->lingering++;
	if (tell && c->q->events.closed)
		c->q->events.closed(c->q->user, c, why);
}

static void lost(struct pf_quic_conn *c, int err, const char *text, uint64_t now)
{
	struct pf_quic_close why = { .code = PF_QUIC_CODE_LOST, .err = err };

	snprintf(why.text, sizeof(why.text), "%s", text);
	finish(c, &why, NULL, 0, 0, now);
}

/* Writes the close frame, then finishes. */
static void close_with(struct pf_quic_conn *c, const pf_ng_ccerr *ccerr,
	const struct pf_quic_close *why, uint64_t now)
{
	uint8_t pkt[PF_QUIC_BUF];
	ngtcp2_ssize n;

	ngtcp2_path_storage_zero(&c->close_path);
	ngtcp2_path_copy(&c->close_path.path, ngtcp2_conn_get_path(c->ng));
	n = ngtcp2_conn_write_connection_close(
		c->ng, &c->close_path.path, NULL, pkt, sizeof(pkt), ccerr, now);
	if (n > 0)
		pf_quic_tx(c->q, &c->close_path.path, pkt, (size_t)n);
	finish(c, why, pkt, n > 0 ? (size_t)n : 0, LINGER_NS, now);
}

static void hex(char *out, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		snprintf(out + 2 * i, 3, "%02x", p[i]);
}

/* The library refused something: tell the peer what, the owner why. */
static void fail(struct pf_quic_conn *c, int liberr, uint64_t now)
{
	struct pf_quic_close why = { .code = PF_QUIC_CODE_LOST, .err = -EPROTO };
	pf_ng_ccerr ccerr;

	memset(&ccerr, 0, sizeof(ccerr));
	if (c->tls_peer.pin_mismatch) {
		char got[65] = "none", pin[65];

		if (c->tls_peer.has_certificate)
			hex(got, c->tls_peer.fingerprint, 32);
		hex(pin, c->tls_peer.pin, 32);
		why.err = -EACCES;
		snprintf(why.text, sizeof(why.text),
			"the host's certificate is %s, expected %s: if the host was set up anew, "
			"pair with it again",
			got, pin);
	} else if (c->alpn_wrong) {
		snprintf(why.text, sizeof(why.text), "the peer does not speak punktfunk/1");
	} else if (liberr == NGTCP2_ERR_CRYPTO) {
		uint8_t alert = ngtcp2_conn_get_tls_alert(c->ng);

		snprintf(why.text, sizeof(why.text), "TLS failed: %s",
			pf_tls_alert_to_string(alert));
	} else {
		snprintf(why.text, sizeof(why.text), "QUIC failed: %s", ngtcp2_strerror(liberr));
	}

	if (c->alpn_wrong)
		pf_ng_ccerr_set_tls_alert(&ccerr, TLS_ALERT_NO_ALPN, NULL, 0);
	else if (liberr == NGTCP2_ERR_CRYPTO)
		pf_ng_ccerr_set_tls_alert(&ccerr, ngtcp2_conn_get_tls_alert(c->ng), NULL, 0);
	else
		pf_ng_ccerr_set_liberr(&ccerr, liberr, NULL, 0);
	close_with(c, &ccerr, &why, now);
}

/* The peer closed, or reset. */
static void drained(struct pf_quic_conn *c, uint64_t now)
{
	struct pf_quic_close why = { .code = PF_QUIC_CODE_LOST };
	pf_ng_ccerr ccerr;

	memset(&ccerr, 0, sizeof(ccerr));
	pf_ng_get_ccerr(c->ng, &ccerr);
	if (c->was_reset) {
		why.err = -ECONNRESET;
		snprintf(why.text, sizeof(why.text), "the peer restarted and lost the connection");
	} else if (ccerr.type == PF_NG_CCERR_APPLICATION) {
		/* Codes of punktfunk/1 are small; a larger one is a plain end. */
		why.code = ccerr.error_code < PF_QUIC_CODE_LOST ? (uint32_t)ccerr.error_code : 0;
		pf_utf8_repair(why.text, sizeof(why.text), ccerr.reason, ccerr.reasonlen);
		for (char *p = why.text; *p; p++)
			if ((unsigned char)*p < 0x20 || *p == 0x7f)
				*p = ' ';
	} else if ((ccerr.error_code & ~0xffull) == NGTCP2_CRYPTO_ERROR) {
		uint8_t alert = (uint8_t)ccerr.error_code;

		why.err = -EPROTO;
		snprintf(why.text, sizeof(why.text), "%s (TLS alert %u)",
			alert == TLS_ALERT_NO_ALPN ? "the peer does not speak punktfunk/1"
						   : pf_tls_alert_to_string(alert),
			alert);
	} else {
		why.err = -EPROTO;
		snprintf(why.text, sizeof(why.text), "the peer ended with QUIC error 0x%llx",
			(unsigned long long)ccerr.error_code);
	}
	finish(c, &why, NULL, 0, DRAIN_NS, now);
}

void pf_conn_socket_error(struct pf_quic_conn *c, int err, uint64_t now)
{
	if (c->state != PF_CONN_HANDSHAKE || c->server)
		return;
	if (err == -ECONNREFUSED)
		lost(c, err, "nothing listens there: is the host running, and on this port?", now);
	else if (err == -EHOSTUNREACH || err == -ENETUNREACH)
		lost(c, -EHOSTUNREACH, "no way to this address: check the network", now);
}

/* ---- packets in and out ---- */

void pf_conn_read(struct pf_quic_conn *c, const ngtcp2_path *path, const uint8_t *pkt, size_t len,
	uint64_t now)
{
	ngtcp2_pkt_info pi = { 0 };
	int err;

	if (c->state == PF_CONN_LINGER) {
		if (c->close_pkt && now - c->close_last_ns >= CLOSE_REPLY_GAP_NS) {
			c->close_last_ns = now;
			pf_quic_tx(c->q, path, c->close_pkt, c->close_pkt_len);
		}
		return;
	}
	if (c->state == PF_CONN_DEAD)
		return;
	c->touched = true;
	err = ngtcp2_conn_read_pkt(c->ng, path, &pi, pkt, len, now);
	switch (err) {
	case 0:
		break;
	case NGTCP2_ERR_DRAINING:
		drained(c, now);
		break;
	case NGTCP2_ERR_DROP_CONN:
	case NGTCP2_ERR_RETRY:
		lost(c, -EPROTO, "the handshake was malformed", now);
		break;
	case NGTCP2_ERR_RECV_VERSION_NEGOTIATION:
		lost(c, -EPROTO, "the host does not speak QUIC version 1", now);
		break;
	default:
		fail(c, err, now);
	}
}

/* The next datagram that fits in `room`, or false. */
static bool next_dgram(struct pf_quic_conn *c, size_t room)
{
	while (!c->dgram_len) {
		c->dgram_len = pf_dgramq_take(&c->dgramq, c->dgram);
		if (!c->dgram_len)
			return false;
		if (c->dgram_len > room) {
			c->dgram_len = 0;
			c->dgram_too_big++;
		}
	}
	return true;
}

/* What the control stream has to send; `fin` = only its end is left. */
static bool next_stream(struct pf_quic_conn *c, ngtcp2_vec *vec, bool *fin)
{
	const uint8_t *data = NULL;
	size_t len = 0;

	if (c->stream_dead)
		return false;
	*fin = !pf_streamq_peek(&c->streamq, &data, &len);
	if (*fin && (c->fin_sent || !atomic_load(&c->fin_wanted)))
		return false;
	*vec = (ngtcp2_vec){ (uint8_t *)data, len };
	return true;
}

/* Whether there is a stream to write to; the client opens it with its first word. */
static bool have_stream(struct pf_quic_conn *c)
{
	ngtcp2_vec vec;
	bool fin;

	if (c->stream_id >= 0)
		return true;
	return !c->server && next_stream(c, &vec, &fin) &&
	       ngtcp2_conn_open_bidi_stream(c->ng, &c->stream_id, NULL) == 0;
}

/* Before 0.14 the library runs no probe timer for packets that hold datagrams only:
 * once the window is full of lost ones, nothing is ever sent again. An empty piece of
 * the control stream in the same packet starts that timer. */
static bool wants_timer(const struct pf_quic_conn *c, bool stream)
{
	return NGTCP2_VERSION_NUM < 0x000e00 && stream && c->stream_id >= 0 && !c->stream_dead &&
	       !c->fin_sent;
}

/* Fills one packet with as much as fits. Bytes, 0 = nothing (more) can leave, or
 * the library's error. From the first to the last write of a packet the library
 * wants no other call. */
static ngtcp2_ssize fill_packet(
	struct pf_quic_conn *c, ngtcp2_path *path, uint8_t *pkt, size_t cap, uint64_t now)
{
	/* Short header: flags 1, ID up to 20, number 4, frame type and length 3, tag 16. */
	size_t room = ngtcp2_conn_get_path_max_tx_udp_payload_size(c->ng) - 44;
	bool open = c->state == PF_CONN_OPEN, stream = open && have_stream(c), timer = false;
	ngtcp2_pkt_info pi = { 0 };
	struct pf_quic_stream *st;
	ngtcp2_vec vec;
	ngtcp2_ssize n;

	for (;;) {
		bool fin = false;

		/* Control first: small, rare, and somebody waits for it. */
		if (stream && next_stream(c, &vec, &fin)) {
			ngtcp2_ssize taken = -1;

			n = ngtcp2_conn_writev_stream(c->ng, path, &pi, pkt, cap, &taken,
				NGTCP2_WRITE_STREAM_FLAG_MORE |
					(fin ? NGTCP2_WRITE_STREAM_FLAG_FIN : 0u),
				c->stream_id, &vec, 1, now);
			if (taken >= 0)
				timer = true;
			if (taken >= 0 && fin)
				c->fin_sent = true;
			else if (taken > 0)
				pf_streamq_sent(&c->streamq, (size_t)taken);
			if (n == NGTCP2_ERR_STREAM_DATA_BLOCKED) {
				stream = false;
				continue;
			}
			if (n == NGTCP2_ERR_STREAM_SHUT_WR || n == NGTCP2_ERR_STREAM_NOT_FOUND) {
				c->stream_dead = true;
				pf_streamq_close(&c->streamq);
				continue;
			}
		} else if (open && next_dgram(c, room)) {
			int accepted = 0;

			vec = (ngtcp2_vec){ c->dgram, c->dgram_len };
			n = ngtcp2_conn_writev_datagram(c->ng, path, &pi, pkt, cap, &accepted,
				NGTCP2_WRITE_DATAGRAM_FLAG_MORE, 0, &vec, 1, now);
			if (accepted)
				c->dgram_len = 0;
			if (accepted && !timer && n == NGTCP2_ERR_WRITE_MORE &&
				wants_timer(c, stream)) {
				timer = true;
				vec = (ngtcp2_vec){ NULL, 0 };
				n = ngtcp2_conn_writev_stream(c->ng, path, &pi, pkt, cap, NULL,
					NGTCP2_WRITE_STREAM_FLAG_MORE, c->stream_id, &vec, 1, now);
				if (n == NGTCP2_ERR_STREAM_SHUT_WR ||
					n == NGTCP2_ERR_STREAM_NOT_FOUND) {
					c->stream_dead = true;
					pf_streamq_close(&c->streamq);
					continue;
				}
			}
			/* The peer takes none, or none that large. */
			if (n == NGTCP2_ERR_INVALID_STATE || n == NGTCP2_ERR_INVALID_ARGUMENT) {
				c->dgram_len = 0;
				c->dgram_too_big++;
				continue;
			}
		} else if (open && (st = pf_streams_next(c, &vec, &fin))) {
			ngtcp2_ssize taken = -1;

			n = ngtcp2_conn_writev_stream(c->ng, path, &pi, pkt, cap, &taken,
				NGTCP2_WRITE_STREAM_FLAG_MORE |
					(fin ? NGTCP2_WRITE_STREAM_FLAG_FIN : 0u),
				pf_stream_id(st), &vec, 1, now);
			if (taken >= 0)
				pf_stream_sent(c, st, (size_t)taken, fin);
			if (n == NGTCP2_ERR_STREAM_DATA_BLOCKED || n == NGTCP2_ERR_STREAM_SHUT_WR ||
				n == NGTCP2_ERR_STREAM_NOT_FOUND) {
				pf_stream_blocked(st, n != NGTCP2_ERR_STREAM_DATA_BLOCKED);
				continue;
			}
		} else {
			n = ngtcp2_conn_writev_stream(c->ng, path, &pi, pkt, cap, NULL,
				NGTCP2_WRITE_STREAM_FLAG_NONE, -1, NULL, 0, now);
		}
		if (n != NGTCP2_ERR_WRITE_MORE)
			return n;
	}
}

static void flush(struct pf_quic_conn *c, uint64_t now)
{
	uint8_t pkt[PF_QUIC_BUF];
	ngtcp2_path_storage ps;
	ngtcp2_ssize n;

	ngtcp2_path_storage_zero(&ps);
	pf_streams_begin(c, now);
	for (;;) {
		int err;

		n = fill_packet(c, &ps.path, pkt, sizeof(pkt), now);
		if (n <= 0)
			break;
		err = pf_quic_tx(c->q, &ps.path, pkt, (size_t)n);
		if (err) {
			pf_conn_socket_error(c, err, now);
			if (c->state >= PF_CONN_LINGER)
				return;
		}
	}
	if (n < 0)
		fail(c, (int)n, now);
}

/* ---- the loop's calls ---- */

static void run_linger(struct pf_quic_conn *c, uint64_t now)
{
	if (now >= c->linger_end_ns) {
		c->state = PF_CONN_DEAD;
		c->q->lingering--;
		return;
	}
	if (now >= c->close_next_ns) {
		pf_quic_tx(c->q, &c->close_path.path, c->close_pkt, c->close_pkt_len);
		c->close_last_ns = now;
		c->close_copies++;
		c->close_next_ns = c->close_copies < CLOSE_COPIES
					   ? c->closed_ns + close_copy_after_ns[c->close_copies]
					   : UINT64_MAX;
	}
}

static void close_locally(struct pf_quic_conn *c, uint64_t now)
{
	struct pf_quic_close why = { .local = true };
	pf_ng_ccerr ccerr;

	memset(&ccerr, 0, sizeof(ccerr));
	pthread_mutex_lock(&c->close_lock);
	why.code = c->close_code;
	memcpy(why.text, c->close_text, sizeof(why.text));
	pthread_mutex_unlock(&c->close_lock);
	pf_ng_ccerr_set_application(&ccerr, why.code, (uint8_t *)why.text, strlen(why.text));
	close_with(c, &ccerr, &why, now);
}

void pf_conn_run(struct pf_quic_conn *c, uint64_t now)
{
	if (c->state == PF_CONN_LINGER)
		run_linger(c, now);
	if (c->state >= PF_CONN_LINGER)
		return;

	if (atomic_exchange(&c->dirty, false)) {
		c->touched = true;
		if (atomic_exchange(&c->notify_wanted, false) && c->state == PF_CONN_OPEN &&
			c->q->events.notified)
			c->q->events.notified(c->q->user, c);
	}
	if (c->timer_ns && now >= c->timer_ns) {
		c->timer_ns = 0;
		c->touched = true;
		if (c->state == PF_CONN_OPEN && c->q->events.timer)
			c->q->events.timer(c->q->user, c);
	}
	if (ngtcp2_conn_get_expiry(c->ng) <= now) {
		int err = ngtcp2_conn_handle_expiry(c->ng, now);

		c->touched = true;
		if (err == NGTCP2_ERR_IDLE_CLOSE) {
			lost(c, -ETIMEDOUT, "nothing heard from the peer any more", now);
			return;
		}
		if (err == NGTCP2_ERR_HANDSHAKE_TIMEOUT) {
			lost(c, -ETIMEDOUT, "no answer", now);
			return;
		}
		if (err) {
			fail(c, err, now);
			return;
		}
	}
	if (now >= pf_streams_due(c))
		c->touched = true;
	if (!c->touched)
		return;
	c->touched = false;
	pf_streams_run(c, now);
	if (c->state == PF_CONN_OPEN)
		atomic_store_explicit(&c->rtt_ns, pf_ng_rtt_ns(c->ng), memory_order_relaxed);
	/* What was queued before the close leaves with it. */
	flush(c, now);
	if (c->state < PF_CONN_LINGER && atomic_load(&c->close_wanted))
		close_locally(c, now);
}

uint64_t pf_conn_due(const struct pf_quic_conn *c)
{
	uint64_t due, streams;

	if (c->state == PF_CONN_DEAD)
		return 0;
	if (c->state == PF_CONN_LINGER)
		return c->close_next_ns < c->linger_end_ns ? c->close_next_ns : c->linger_end_ns;
	/* Set by an event in this very round: run again without sleeping. */
	if (atomic_load(&c->dirty))
		return 0;
	due = ngtcp2_conn_get_expiry(c->ng);
	if (c->timer_ns && c->timer_ns < due)
		due = c->timer_ns;
	streams = pf_streams_due(c);
	return streams < due ? streams : due;
}

void pf_conn_drop(struct pf_quic_conn *c)
{
	pf_cidmap_remove_owner(&c->q->cids, c);
	pf_quic_conn_unref(c);
}
