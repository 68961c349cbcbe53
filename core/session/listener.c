/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/session/listener.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/clock.h"
#include "core/crypto/identity.h"
#include "core/session/host_session.h"
#include "core/wire/wire.h"

#define DEFAULT_STEP_MS	     10000
#define DEFAULT_MAX_SESSIONS 32

/* ---- events of the endpoint ---- */

static void on_opened(void *user, struct pf_quic_conn *c)
{
	struct pf_listener *l = user;

	pf_quic_conn_set_timer(c, pf_clock_mono_ns() + l->step_ns);
}

static void first_message(
	struct pf_listener *l, struct pf_quic_conn *c, const uint8_t *msg, size_t len)
{
	const struct pf_wire *wire = pf_quic_conn_wire(c);
	struct pf_host_session *s;
	struct pf_hello hello;
	struct pf_ctl ctl;
	struct pf_peer peer;
	char text[64];
	int err;

	if (!wire->ctl_parse(&ctl, msg, len) && ctl.type == PF_CTL_PAIR_REQUEST) {
		pf_pair_conn_begin(l, c, &ctl);
		return;
	}
	err = wire->hello_parse(&hello, msg, len);
	if (err) {
		if (err == -EPROTONOSUPPORT)
			pf_quic_conn_close(
				c, PUNKTFUNK_CLOSE_WIRE_VERSION, "this host speaks wire version 2");
		else
			pf_quic_conn_close(
				c, PUNKTFUNK_CLOSE_SETUP_FAILED, "malformed first message");
		return;
	}
	if (l->sessions >= l->max_sessions) {
		snprintf(text, sizeof(text), "this host serves %u sessions already", l->sessions);
		pf_quic_conn_close(c, PUNKTFUNK_CLOSE_BUSY, text);
		return;
	}
	s = pf_host_session_create(l, ++l->next_id, c, &hello);
	if (!s) {
		pf_quic_conn_close(c, PUNKTFUNK_CLOSE_SETUP_FAILED, "out of memory");
		return;
	}
	l->sessions++;
	pf_quic_conn_settle(c);
	pf_quic_conn_set_user(c, s);
	pf_host_session_await(s);
	pf_peer_of(&peer, c);
	l->events.hello(l->user, s, &hello, &peer);
}

static void on_message(void *user, struct pf_quic_conn *c, const uint8_t *msg, size_t len)
{
	struct pf_listener *l = user;
	struct pf_host_session *s = pf_quic_conn_user(c);
	struct pf_pair_conn *p = s ? NULL : pf_pair_conn_find(l, c);
	struct pf_ctl ctl;

	if (p)
		pf_pair_conn_message(p, msg, len);
	else if (!s)
		first_message(l, c, msg, len);
	else if (pf_host_session_message(s, msg, len, &ctl) && l->events.control)
		l->events.control(l->user, s, &ctl);
}

/* A client that streams may have nothing more to say: clients of the original
 * let go of their control stream and stay for the picture. */
static void on_stream_end(void *user, struct pf_quic_conn *c)
{
	struct pf_host_session *s = pf_quic_conn_user(c);
	struct pf_pair_conn *p = s ? NULL : pf_pair_conn_find(user, c);

	if (p)
		pf_pair_conn_stream_end(p);
	else if (!s || !pf_host_session_begun(s))
		pf_quic_conn_close(c, PUNKTFUNK_CLOSE_NORMAL, NULL);
}

static void on_datagram(void *user, struct pf_quic_conn *c, const uint8_t *data, size_t len)
{
	struct pf_listener *l = user;
	struct pf_host_session *s = pf_quic_conn_user(c);
	struct pf_dgram d;

	if (!s || !l->events.datagram || !pf_host_session_begun(s))
		return;
	/* The others are the host's to send. */
	if (pf_dgram_parse(&d, data, len) < 0)
		pf_ignored_datagram(&s->ignored, data[0]);
	else if (d.tag == PF_DGRAM_INPUT || d.tag == PF_DGRAM_MIC || d.tag == PF_DGRAM_RICH_INPUT)
		l->events.datagram(l->user, s, &d);
	else
		pf_ignored_datagram(&s->ignored, d.tag);
}

static void on_timer(void *user, struct pf_quic_conn *c)
{
	struct pf_host_session *s = pf_quic_conn_user(c);
	struct pf_pair_conn *p = s ? NULL : pf_pair_conn_find(user, c);

	if (s)
		pf_host_session_timer(s);
	else if (p)
		pf_pair_conn_timer(p);
	else
		pf_quic_conn_close(
			c, PUNKTFUNK_CLOSE_SETUP_FAILED, "the first message did not come in time");
}

static void on_notified(void *user, struct pf_quic_conn *c)
{
	struct pf_listener *l = user;
	struct pf_host_session *s = pf_quic_conn_user(c);

	if (s && pf_host_session_notified(s) && l->events.started)
		l->events.started(l->user, s);
}

static void on_closed(void *user, struct pf_quic_conn *c, const struct pf_quic_close *why)
{
	struct pf_listener *l = user;
	struct pf_host_session *s = pf_quic_conn_user(c);
	struct pf_pair_conn *p = s ? NULL : pf_pair_conn_find(l, c);

	if (p)
		pf_pair_conn_ended(p, why);
	if (!s)
		return;
	pf_quic_conn_set_user(c, NULL);
	l->sessions--;
	if (l->events.closed)
		l->events.closed(l->user, s, why->code, why->text);
	pf_host_session_ended(s);
}

static void on_stream_opened(void *user, struct pf_quic_conn *c, struct pf_quic_stream *st)
{
	struct pf_host_session *s = pf_quic_conn_user(c);

	if (s && pf_host_session_begun(s))
		pf_clip_stream_opened(&s->clip, st);
	else
		pf_quic_stream_reset(st, PF_QUIC_STREAM_CANCELLED);
}

static void on_stream_data(void *user, struct pf_quic_conn *c, struct pf_quic_stream *st,
	const uint8_t *data, size_t len, bool fin)
{
	struct pf_host_session *s = pf_quic_conn_user(c);

	if (s)
		pf_clip_stream_data(&s->clip, st, data, len, fin);
}

static void on_stream_closed(
	void *user, struct pf_quic_conn *c, struct pf_quic_stream *st, uint64_t code)
{
	struct pf_host_session *s = pf_quic_conn_user(c);

	if (s)
		pf_clip_stream_closed(&s->clip, st, code);
}

static const struct pf_quic_events quic_events = {
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

/* ---- the listener ---- */

int pf_listener_create(
	struct pf_listener **out, const struct pf_listener_params *params, struct pf_reason *why)
{
	struct pf_listener *l = calloc(1, sizeof(*l));
	struct pf_quic_params qp = {
		.identity = params->identity,
		.events = &quic_events,
		.user = l,
		.idle_ms = params->idle_ms,
		.bind_address = params->bind_address,
		.port = params->port,
		.jumbo = params->jumbo,
	};
	int err;

	if (!l)
		return pf_reason_set(why, -ENOMEM, "out of memory");
	if (!params->events || !params->events->hello) {
		free(l);
		return pf_reason_set(why, -EINVAL, "nobody to decide about clients");
	}
	l->events = *params->events;
	l->user = params->user;
	l->data_port = params->data_port;
	l->jumbo = params->jumbo;
	l->step_ns = (params->step_ms ? params->step_ms : DEFAULT_STEP_MS) * PF_NS_PER_MS;
	l->max_sessions = params->max_sessions ? params->max_sessions : DEFAULT_MAX_SESSIONS;
	pf_identity_fingerprint(params->identity, l->fingerprint);
	pthread_mutex_init(&l->gate_lock, NULL);
	err = pf_quic_listen(&l->quic, &qp, why);
	if (err) {
		pthread_mutex_destroy(&l->gate_lock);
		free(l);
		return err;
	}
	*out = l;
	return 0;
}

void pf_listener_destroy(struct pf_listener *l)
{
	if (!l)
		return;
	pf_quic_destroy(l->quic);
	pf_pair_gate_disarm(&l->gate);
	pthread_mutex_destroy(&l->gate_lock);
	free(l);
}

uint16_t pf_listener_port(const struct pf_listener *l)
{
	return pf_quic_port(l->quic);
}

void pf_listener_stats(struct pf_listener *l, struct pf_listener_stats *out)
{
	struct pf_quic_stats q;

	pf_quic_stats(l->quic, &q);
	*out = (struct pf_listener_stats){
		.accepted = q.accepted,
		.refused = q.refused,
		.retries = q.retries,
		.ignored = q.ignored,
		.resets = q.resets,
	};
}

/* ---- pairing ---- */

void pf_listener_arm(struct pf_listener *l, const struct pf_arming *a)
{
	pthread_mutex_lock(&l->gate_lock);
	pf_pair_gate_arm(&l->gate, a);
	pthread_mutex_unlock(&l->gate_lock);
}

void pf_listener_disarm(struct pf_listener *l)
{
	pthread_mutex_lock(&l->gate_lock);
	pf_pair_gate_disarm(&l->gate);
	pthread_mutex_unlock(&l->gate_lock);
}

bool pf_listener_armed(struct pf_listener *l, struct pf_arming *out)
{
	bool armed;

	pthread_mutex_lock(&l->gate_lock);
	armed = pf_pair_gate_armed(&l->gate, pf_clock_mono_ns());
	if (armed && out)
		*out = l->gate.arming;
	pthread_mutex_unlock(&l->gate_lock);
	return armed;
}

unsigned pf_listener_ceremonies(const struct pf_listener *l)
{
	return atomic_load(&l->ceremonies);
}
