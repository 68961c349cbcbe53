/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/session/client_pair.h"
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "core/crypto/identity.h"
#include "core/quic/endpoint.h"
#include "core/session/ctl_send.h"
#include "core/session/dial.h"
#include "core/session/pairing.h"
#include "core/wire/wire.h"

/* The host ended the stream: its close frame, with the reason, is on its way. */
#define CLOSE_FRAME_NS (300 * PF_NS_PER_MS)

struct pairing {
	const char *host, *pin;
	char name[PF_CTL_NAME_MAX + 1];
	uint8_t own_fp[32];
	struct pf_quic *quic;

	/* quic thread */
	struct pf_pair_client ceremony;
	bool proved; /* message 3 sent */

	pthread_mutex_t lock; /* the rest */
	pthread_cond_t changed;
	bool met, paired, closed;
	uint8_t host_fp[32];
	struct pf_quic_close end;
	struct pf_reason failure; /* our own reason to end */
};

/* ---- quic thread ---- */

static void give_up(struct pairing *p, struct pf_quic_conn *conn, int err, const char *text)
{
	pthread_mutex_lock(&p->lock);
	if (!p->failure.code) {
		pf_reason_set(&p->failure, err, "%s: %s", p->host, text);
		p->failure.close = PUNKTFUNK_CLOSE_PAIRING_FAILED;
	}
	pthread_mutex_unlock(&p->lock);
	pf_quic_conn_close(conn, PUNKTFUNK_CLOSE_PAIRING_FAILED, NULL);
}

static void on_opened(void *user, struct pf_quic_conn *conn)
{
	const struct pf_quic_peer *peer = pf_quic_conn_peer(conn);
	struct pairing *p = user;
	struct pf_ctl request;
	int r;

	pthread_mutex_lock(&p->lock);
	p->met = true;
	memcpy(p->host_fp, peer->fingerprint, 32);
	pthread_mutex_unlock(&p->lock);
	r = pf_pair_client_start(
		&p->ceremony, p->pin, p->name, p->own_fp, peer->fingerprint, &request);
	if (!r)
		r = pf_ctl_send(conn, &request);
	if (r)
		give_up(p, conn, r, "cannot send the pairing request");
}

static void on_challenge(struct pairing *p, struct pf_quic_conn *conn, const struct pf_ctl *m)
{
	struct pf_ctl proof;
	int r = pf_pair_client_challenge(&p->ceremony, m, &proof);

	if (r == -EACCES)
		give_up(p, conn, r,
			"the PIN is not the host's; it takes one guess, so let it show a new one");
	else if (r)
		give_up(p, conn, -EPROTO, "the host's pairing message is malformed");
	else if (pf_ctl_send(conn, &proof))
		give_up(p, conn, -EIO, "cannot send the proof");
	else
		p->proved = true;
}

static void on_message(void *user, struct pf_quic_conn *conn, const uint8_t *msg, size_t len)
{
	struct pairing *p = user;
	struct pf_ctl m;

	if (pf_quic_conn_wire(conn)->ctl_parse(&m, msg, len)) {
		give_up(p, conn, -EPROTO, "the host's pairing message is malformed");
	} else if (m.type == PF_CTL_PAIR_CHALLENGE && !p->proved) {
		on_challenge(p, conn, &m);
	} else if (m.type == PF_CTL_PAIR_RESULT && p->proved && m.pair_ok) {
		pthread_mutex_lock(&p->lock);
		p->paired = true;
		pthread_mutex_unlock(&p->lock);
		pf_quic_conn_close(conn, PUNKTFUNK_CLOSE_NORMAL, NULL);
	} else if (m.type == PF_CTL_PAIR_RESULT && p->proved) {
		give_up(p, conn, -EACCES, "the host did not accept the proof");
	} else {
		give_up(p, conn, -EPROTO, "the host's pairing messages are out of turn");
	}
}

static void on_stream_end(void *user, struct pf_quic_conn *conn)
{
	pf_quic_conn_set_timer(conn, pf_clock_mono_ns() + CLOSE_FRAME_NS);
}

static void on_timer(void *user, struct pf_quic_conn *conn)
{
	give_up(user, conn, -EPROTO, "the host ended the pairing without a reason");
}

static void on_closed(void *user, struct pf_quic_conn *conn, const struct pf_quic_close *end)
{
	struct pairing *p = user;

	pthread_mutex_lock(&p->lock);
	p->end = *end;
	p->closed = true;
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->lock);
}

static const struct pf_quic_events events = {
	.opened = on_opened,
	.message = on_message,
	.stream_end = on_stream_end,
	.timer = on_timer,
	.closed = on_closed,
};

/* ---- caller's thread ---- */

static void reset(struct pairing *p)
{
	pf_quic_destroy(p->quic);
	p->quic = NULL;
	pf_pair_client_wipe(&p->ceremony);
	p->proved = p->met = p->closed = false;
	p->failure = (struct pf_reason){ 0 };
}

static int attempt(
	void *user, struct pf_quic_params *qp, uint64_t end_ns, bool *again, struct pf_reason *why)
{
	const struct timespec ts = { .tv_sec = (time_t)(end_ns / PF_NS_PER_S),
		.tv_nsec = (long)(end_ns % PF_NS_PER_S) };
	struct pairing *p = user;
	int r;

	reset(p);
	r = pf_quic_dial(&p->quic, qp, why);
	if (r) {
		*again = true;
		return r;
	}
	pthread_mutex_lock(&p->lock);
	while (!p->closed)
		if (pthread_cond_timedwait(&p->changed, &p->lock, &ts) == ETIMEDOUT)
			break;
	if (p->paired)
		r = 0;
	else if (!p->closed)
		r = pf_reason_set(why, -ETIMEDOUT, "%s: %s", p->host,
			p->met ? "the host did not finish the pairing in time" : "no answer");
	else if (p->failure.code)
		r = p->failure.code;
	else
		r = pf_dial_explain(p->host, &p->end, why);
	if (r && p->failure.code && why)
		*why = p->failure;
	*again = r && !p->met && pf_dial_is_silence(r);
	pthread_mutex_unlock(&p->lock);
	return r;
}

int pf_client_pair(uint8_t host_fp[32], const PunktfunkPairOptions *options,
	const struct pf_identity *identity, struct pf_reason *why)
{
	struct pairing p = { .host = options->host, .pin = options->pin };
	const struct pf_dial d = { .host = options->host,
		.port = options->port,
		.timeout_ms = options->timeout_ms,
		.attempt = attempt,
		.user = &p };
	struct pf_quic_params qp = { .identity = identity, .events = &events, .user = &p };
	pthread_condattr_t attr;
	int r;

	if (!options->host || !options->pin || !identity)
		return pf_reason_set(why, -EINVAL, "host, PIN and identity are needed");
	if (!pf_pair_pin_ok(options->pin))
		return pf_reason_set(why, -EINVAL, "a PIN is digits only");
	pf_identity_fingerprint(identity, p.own_fp);
	if (options->name)
		snprintf(p.name, sizeof(p.name), "%.*s", PF_CTL_NAME_MAX, options->name);
	else if (gethostname(p.name, sizeof(p.name) - 1))
		p.name[0] = 0;
	pthread_mutex_init(&p.lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&p.changed, &attr);
	pthread_condattr_destroy(&attr);
	r = pf_dial_run(&d, &qp, why);
	pf_quic_destroy(p.quic);
	if (!r)
		memcpy(host_fp, p.host_fp, 32);
	pf_pair_client_wipe(&p.ceremony);
	pthread_cond_destroy(&p.changed);
	pthread_mutex_destroy(&p.lock);
	return r;
}
