/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* tls.h - the TLS 1.3 side of a QUIC connection: ALPN, pins by fingerprint.
 *
 * Chains, names and dates of certificates are not looked at: a peer is the
 * SHA-256 of its leaf. The host asks for a client certificate and takes none as
 * well; the client demands the pinned fingerprint, or takes any and reports it.
 * Credentials are shared by the connections of one endpoint, on its thread. */
#pragma once
#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <stdint.h>
#include "core/base/reason.h"

#define PF_QUIC_SNI   "punktfunk"
#define PF_ALPN_MAX   4
#define PF_ALPN_BYTES 8 /* of one, with its zero */

/* What is offered or taken, best first. */
struct pf_alpns {
	unsigned count;
	char names[PF_ALPN_MAX][PF_ALPN_BYTES];
};

struct pf_wire;
struct pf_identity;
struct pf_tls_creds;

/* What the handshake found out; part of a connection. */
struct pf_tls_peer {
	bool pinned; /* demand `pin`; set before the handshake */
	uint8_t pin[32];
	bool has_certificate;
	bool pin_mismatch;
	uint8_t fingerprint[32];
};

/** `identity` NULL = no certificate (client only). Takes its own reference.
 * 0, -ENOMEM, -EIO. */
int pf_tls_creds_create(
	struct pf_tls_creds **out, const struct pf_identity *identity, struct pf_reason *why);
void pf_tls_creds_free(struct pf_tls_creds *c);
/** 32 bytes that belong to this identity alone, for `label`. Random without one. */
int pf_tls_creds_derive(const struct pf_tls_creds *c, const char *label, uint8_t out[32]);

/** A session ready for ngtcp2. `session_ptr` is the ngtcp2_crypto_conn_ref;
 * `peer_of` finds the pf_tls_peer behind it. 0 or -ENOMEM/-EIO. A server's
 * order of ALPNs counts. */
int pf_tls_session_create(gnutls_session_t *out, struct pf_tls_creds *c, bool server,
	const struct pf_alpns *alpns, void *session_ptr);
/** The wire of the ALPN that both agreed on, of those in `alpns`; NULL when there is
 * none. */
const struct pf_wire *pf_tls_wire(gnutls_session_t s, const struct pf_alpns *alpns);
/** 32 bytes that only the two ends of this session know, for `label` and `context`
 * (RFC 8446 7.5). -EIO. */
int pf_tls_export(
	gnutls_session_t s, const char *label, const uint8_t *context, size_t len, uint8_t out[32]);
/** Found by the verify function through the session pointer; conn.c defines it. */
struct pf_tls_peer *pf_tls_peer_of(void *session_ptr);
/** Words for a TLS alert. */
const char *pf_tls_alert_to_string(uint8_t alert);
