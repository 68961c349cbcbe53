/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* pair_conn.h - connections at the host that began with a pairing request;
 * private to core/session.
 *
 * Few at a time: each used up a PIN that the operator let the host show. Quic
 * thread, but for what listener.h says of the gate. */
#pragma once
#include "core/quic/endpoint.h"
#include "core/session/pairing.h"

struct pf_listener;
struct pf_pair_conn;

/** The first message was a pairing request: answers it or closes. */
void pf_pair_conn_begin(
	struct pf_listener *l, struct pf_quic_conn *c, const struct pf_ctl *request);
/** The ceremony of this connection, or NULL. */
struct pf_pair_conn *pf_pair_conn_find(struct pf_listener *l, const struct pf_quic_conn *c);
void pf_pair_conn_message(struct pf_pair_conn *p, const uint8_t *msg, size_t len);
void pf_pair_conn_timer(struct pf_pair_conn *p);
/** The client finished its side of the stream. */
void pf_pair_conn_stream_end(struct pf_pair_conn *p);
/** The connection ended; frees `p`. */
void pf_pair_conn_ended(struct pf_pair_conn *p, const struct pf_quic_close *why);
