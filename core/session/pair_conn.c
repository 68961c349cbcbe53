/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/session/pair_conn.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/clock.h"
#include "core/crypto/secret.h"
#include "core/session/ctl_send.h"
#include "core/session/host_session.h"

struct pf_pair_conn {
	struct pf_pair_conn *next;
	struct pf_listener *l;
	struct pf_quic_conn *conn; /* quic thread: lives until `ended` */
	struct pf_pair_host ceremony;
	bool told; /* the outcome was reported */
};

static void tell(struct pf_pair_conn *p, enum pf_pair_result result)
{
	const struct pf_quic_peer *peer = pf_quic_conn_peer(p->conn);
	struct pf_pair_outcome o = { .result = result,
		.peer = { .addr = peer->addr, .has_certificate = true },
		.has_terms = p->ceremony.has_terms,
		.grants = p->ceremony.grants,
		.expires_s = p->ceremony.expires_s,
		.arming_id = p->ceremony.arming_id };

	if (p->told)
		return;
	p->told = true;
	memcpy(o.peer.fingerprint, peer->fingerprint, 32);
	memcpy(o.name, p->ceremony.name, sizeof(o.name));
	if (p->l->events.paired)
		p->l->events.paired(p->l->user, &o);
	atomic_fetch_sub(&p->l->ceremonies, 1);
}

void pf_pair_conn_begin(struct pf_listener *l, struct pf_quic_conn *c, const struct pf_ctl *request)
{
	const struct pf_quic_peer *peer = pf_quic_conn_peer(c);
	struct pf_pair_conn *p = calloc(1, sizeof(*p));
	struct pf_reason why = { 0 };
	struct pf_ctl challenge;
	uint64_t now = pf_clock_mono_ns();
	int r;

	if (!p) {
		pf_quic_conn_close(c, PUNKTFUNK_CLOSE_SETUP_FAILED, "out of memory");
		return;
	}
	atomic_fetch_add(&l->ceremonies, 1);
	pthread_mutex_lock(&l->gate_lock);
	r = pf_pair_host_request(&p->ceremony, &l->gate, now,
		peer->has_certificate ? peer->fingerprint : NULL, l->fingerprint, request,
		&challenge, &why);
	pthread_mutex_unlock(&l->gate_lock);
	if (r) {
		atomic_fetch_sub(&l->ceremonies, 1);
		pf_quic_conn_close(c, why.close, why.text);
		free(p);
		return;
	}
	p->l = l;
	p->conn = c;
	p->next = l->pairing;
	l->pairing = p;
	pf_quic_conn_settle(c);
	pf_quic_conn_set_timer(c, now + PF_PAIR_PROOF_NS);
	if (pf_ctl_send(c, &challenge))
		pf_quic_conn_close(c, PUNKTFUNK_CLOSE_SETUP_FAILED, "cannot send the challenge");
}

struct pf_pair_conn *pf_pair_conn_find(struct pf_listener *l, const struct pf_quic_conn *c)
{
	struct pf_pair_conn *p = l->pairing;

	while (p && p->conn != c)
		p = p->next;
	return p;
}

void pf_pair_conn_message(struct pf_pair_conn *p, const uint8_t *msg, size_t len)
{
	struct pf_ctl m, result;
	int r = pf_quic_conn_wire(p->conn)->ctl_parse(&m, msg, len);

	if (!r)
		r = pf_pair_host_proof(&p->ceremony, &m, &result);
	if (r && r != -EACCES) {
		pf_quic_conn_close(p->conn, PUNKTFUNK_CLOSE_SETUP_FAILED,
			"a pairing message is malformed or out of turn");
		return;
	}
	/* The list knows the client before it can knock with what it was told. */
	tell(p, r ? PF_PAIR_WRONG_PIN : PF_PAIR_DONE);
	if (pf_ctl_send(p->conn, &result))
		pf_quic_conn_close(p->conn, PUNKTFUNK_CLOSE_SETUP_FAILED, "cannot send the result");
	pf_quic_conn_finish(p->conn);
	pf_quic_conn_set_timer(p->conn, pf_clock_mono_ns() + PF_PAIR_LEAVE_NS);
}

void pf_pair_conn_timer(struct pf_pair_conn *p)
{
	if (p->ceremony.open)
		pf_quic_conn_close(
			p->conn, PUNKTFUNK_CLOSE_SETUP_FAILED, "the proof did not come in time");
	else
		pf_quic_conn_close(p->conn, PUNKTFUNK_CLOSE_NORMAL, NULL);
}

void pf_pair_conn_stream_end(struct pf_pair_conn *p)
{
	if (p->ceremony.open)
		pf_quic_conn_close(p->conn, PUNKTFUNK_CLOSE_NORMAL, NULL);
}

void pf_pair_conn_ended(struct pf_pair_conn *p, const struct pf_quic_close *why)
{
	struct pf_pair_conn **link = &p->l->pairing;

	while (*link != p)
		link = &(*link)->next;
	*link = p->next;
	/* A client that finds our confirmation wrong leaves without a proof. */
	tell(p, why->code == PUNKTFUNK_CLOSE_PAIRING_FAILED ? PF_PAIR_WRONG_PIN : PF_PAIR_LEFT);
	pf_pair_host_wipe(&p->ceremony);
	free(p);
}
