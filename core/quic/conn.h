/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* conn.h - one QUIC connection and its endpoint; private to core/quic.
 *
 * Everything runs on the quic thread except what endpoint.h marks otherwise.
 * After the end of a connection the ngtcp2 and TLS state is gone at once; the
 * small rest lingers to answer late packets with the close frame. */
#pragma once
#include <gnutls/gnutls.h>
#include <pthread.h>
#include <stdatomic.h>
#include "core/quic/bridge.h"
#include "core/quic/cidmap.h"
#include "core/quic/endpoint.h"
#include "core/quic/sendq.h"
#include "core/quic/stream_impl.h"
#include "core/quic/tls.h"
#include "core/quic/wake.h"
#include "core/wire/wire.h"
#include "core/wire/pf1_frame.h"

#define PF_QUIC_SCID_LEN 16
/* Largest UDP payload either way (punktfunk1.md 2): Ethernet's 1500 less IPv4
 * and UDP headers. */
#define PF_QUIC_MAX_UDP PF_QUIC_ETHERNET_BYTES
/* With `jumbo`: 9000 less IPv6 and UDP headers. */
#define PF_QUIC_JUMBO_UDP 8952
#define PF_QUIC_BUF	  9216

enum pf_conn_state {
	PF_CONN_HANDSHAKE,
	PF_CONN_OPEN,
	PF_CONN_LINGER, /* closed; only close_pkt is left */
	PF_CONN_DEAD,	/* to be freed by the loop */
};

struct pf_quic_conn {
	atomic_uint refs;
	struct pf_quic *q; /* quic thread */
	struct pf_quic_conn *next;
	struct pf_wake *wake;
	enum pf_conn_state state;
	bool server;
	bool settled; /* no longer counts as half-open */
	bool touched; /* something happened: flush in this round */
	bool alpn_wrong;
	bool was_reset; /* the peer sent a stateless reset */
	void *user;

	ngtcp2_conn *ng;
	ngtcp2_crypto_conn_ref ref;
	gnutls_session_t tls;
	struct pf_tls_peer tls_peer;
	struct pf_quic_peer peer;
	struct sockaddr_storage local;

	const struct pf_wire *wire; /* from `opened` on */
	int64_t stream_id;	    /* -1 = not there yet */
	bool stream_dead;	    /* can no longer be written */
	bool fin_sent;
	struct pf_deframer in;
	struct pf_streamq streamq;
	struct pf_dgramq dgramq;
	struct pf_quic_streams streams;
	size_t dgram_len; /* a datagram taken from the queue that did not fit yet */
	uint8_t dgram[PF_DGRAM_MAX_LEN];
	atomic_uint_fast64_t dgram_too_big;
	atomic_uint_fast64_t rtt_ns; /* 0 = not known */

	uint64_t timer_ns; /* 0 = off */
	atomic_bool dirty; /* something was queued, or one of the wishes below */
	atomic_bool notify_wanted;
	atomic_bool fin_wanted;
	atomic_bool close_wanted;
	pthread_mutex_t close_lock; /* the two below */
	uint32_t close_code;
	char close_text[PF_QUIC_CLOSE_TEXT_MAX + 1];

	/* lingering */
	ngtcp2_path_storage close_path;
	uint8_t *close_pkt;
	size_t close_pkt_len;
	unsigned close_copies; /* unasked copies sent so far */
	uint64_t closed_ns, linger_end_ns, close_next_ns, close_last_ns;
};

struct pf_quic {
	struct pf_quic_events events;
	void *user;
	bool server;
	struct pf_alpns alpns;
	bool jumbo;
	uint64_t idle_ns, handshake_ns;
	int fd;
	struct sockaddr_storage local; /* what the socket is bound to */
	socklen_t local_len;
	struct pf_wake *wake;
	pthread_t thread;
	bool thread_started;
	atomic_bool stop;
	struct pf_tls_creds *creds;
	uint8_t reset_secret[32], token_secret[32];
	struct pf_cidmap cids;
	struct pf_quic_conn *conns;
	unsigned lingering;
	uint64_t reset_tokens_ns; /* rate limit of stateless resets */
	atomic_uint_fast64_t accepted, refused, packets_in, packets_out, resets, retries, ignored;
};

/** Creates the server side for a client's first packet. `odcid` is the client's
 * original ID when `hd` carries a verified Retry token, else NULL. */
int pf_conn_accept(struct pf_quic *q, const ngtcp2_pkt_hd *hd, const ngtcp2_path *path,
	const ngtcp2_cid *odcid, uint64_t now, struct pf_quic_conn **out);
int pf_conn_dial(struct pf_quic *q, const ngtcp2_path *path, const uint8_t *pin, uint64_t now,
	struct pf_quic_conn **out);
/** A packet for this connection came. */
void pf_conn_read(struct pf_quic_conn *c, const ngtcp2_path *path, const uint8_t *pkt, size_t len,
	uint64_t now);
/** Wishes of other threads, timers, and everything that can be written. */
void pf_conn_run(struct pf_quic_conn *c, uint64_t now);
/** When pf_conn_run is due without further events. */
uint64_t pf_conn_due(const struct pf_quic_conn *c);
/** The socket reported `err` (negative errno) for this connection's peer. */
void pf_conn_socket_error(struct pf_quic_conn *c, int err, uint64_t now);
/** Any thread. Something was queued. */
void pf_conn_poke(struct pf_quic_conn *c);
/** The loop's reference goes; the connection must be DEAD. */
void pf_conn_drop(struct pf_quic_conn *c);

/** Sends one UDP packet; failures count as loss. -errno of a refusal. */
int pf_quic_tx(struct pf_quic *q, const ngtcp2_path *path, const uint8_t *pkt, size_t len);
