/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/native/native.h"
#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/utf8.h"
#include "host/native/negotiate.h"
#include "host/native/session.h"
#include "host/native/session_clip.h"
#include "host/native/session_mic.h"
#include "host/native/session_pads.h"

/* What one client may have under way to the loop; what is beyond is dropped, so
 * that a flood stays its own problem. */
#define WAITING_MAX 32u

/* The most that max_sessions can say. */
#define MAX_SESSIONS 64u

#define OF_ITEM(ptr, member)                                                                       \
	((struct pf_native_session *)((char *)(ptr)-offsetof(struct pf_native_session, member)))

/* ---- quic thread ---- */

static struct pf_native_session *find(struct pf_native *n, const struct pf_host_session *s)
{
	struct pf_native_session *ns = n->wire;

	while (ns && ns->s != s)
		ns = ns->wire_next;
	return ns;
}

static void run_hello(struct pf_loop_item *item)
{
	pf_native_session_begin(OF_ITEM(item, hello_item));
}

static void run_started(struct pf_loop_item *item)
{
	pf_native_session_started(OF_ITEM(item, started_item));
}

static void run_closed(struct pf_loop_item *item)
{
	struct pf_native_session *ns = OF_ITEM(item, closed_item);

	pf_native_session_closed(ns, ns->closed_code, ns->closed_text);
}

static void on_hello(void *user, struct pf_host_session *s, const struct pf_hello *hello,
	const struct pf_peer *peer)
{
	struct pf_native *n = user;
	struct pf_native_session *ns = calloc(1, sizeof(*ns));

	if (!ns) {
		pf_host_session_close(s, PUNKTFUNK_CLOSE_SETUP_FAILED, "out of memory");
		pf_host_session_unref(s);
		return;
	}
	ns->n = n;
	ns->s = s;
	ns->hello = *hello;
	(void)pf_utf8_printable(
		ns->hello.name, sizeof(ns->hello.name), hello->name, strlen(hello->name));
	ns->peer = *peer;
	ns->id = pf_host_session_id(s);
	pf_mark(&ns->timeline, PF_MARK_BEGIN);
	snprintf(ns->name, sizeof(ns->name), "session %llu", (unsigned long long)ns->id);
	pthread_mutex_init(&ns->gate, NULL);
	ns->hello_item.run = run_hello;
	ns->started_item.run = run_started;
	ns->closed_item.run = run_closed;
	ns->wire_next = n->wire;
	n->wire = ns;
	pf_loop_post_item(n->params.loop, &ns->hello_item);
}

static void on_started(void *user, struct pf_host_session *s)
{
	struct pf_native *n = user;
	struct pf_native_session *ns = find(n, s);

	if (ns)
		pf_loop_post_item(n->params.loop, &ns->started_item);
}

static void run_control(void *user, void *msg)
{
	struct pf_native_session *ns = user;

	atomic_fetch_sub(&ns->waiting, 1);
	pf_native_session_control(ns, msg);
}

static void on_control(void *user, struct pf_host_session *s, const struct pf_ctl *msg)
{
	struct pf_native *n = user;
	struct pf_native_session *ns = find(n, s);

	/* Only what is answered, none of which borrows memory. */
	switch (msg->type) {
	case PF_CTL_RECONFIGURE:
	case PF_CTL_REQUEST_KEYFRAME:
	case PF_CTL_SET_BITRATE:
	case PF_CTL_RFI_REQUEST:
	case PF_CTL_CLIP_CONTROL:
		break;
	case PF_CTL_CLIP_OFFER:
		if (ns)
			pf_native_clip_offered(ns, msg);
		return;
	default:
		pf_host_session_ignore(s, msg->type);
		return;
	}
	if (!ns || atomic_load(&ns->waiting) >= WAITING_MAX)
		return;
	atomic_fetch_add(&ns->waiting, 1);
	if (pf_loop_post(n->params.loop, run_control, ns, msg, sizeof(*msg)))
		atomic_fetch_sub(&ns->waiting, 1);
}

static void on_datagram(void *user, struct pf_host_session *s, const struct pf_dgram *d)
{
	struct pf_native_session *ns;
	struct pf_input_event ev;

	ns = find(user, s);
	if (!ns)
		return;
	if (d->tag == PF_DGRAM_MIC) {
		pf_native_mic_packet(ns, d);
		return;
	}
	if (pf_native_pads_take(ns, d))
		return;
	ev = (struct pf_input_event){ d->input.kind, d->input.code, d->input.x, d->input.y,
		d->input.flags };
	pf_native_session_input(ns, &ev);
}

static void on_closed(void *user, struct pf_host_session *s, uint32_t code, const char *text)
{
	struct pf_native *n = user;
	struct pf_native_session **p = &n->wire, *ns;

	while (*p && (*p)->s != s)
		p = &(*p)->wire_next;
	ns = *p;
	if (!ns)
		return;
	*p = ns->wire_next;
	ns->closed_code = code;
	(void)pf_utf8_printable(ns->closed_text, sizeof(ns->closed_text), text ? text : "",
		text ? strlen(text) : 0);
	pf_loop_post_item(n->params.loop, &ns->closed_item);
}

static void on_paired(void *user, const struct pf_pair_outcome *o)
{
	struct pf_native *n = user;

	if (pf_loop_post(n->params.loop, pf_native_paired, n, o, sizeof(*o)))
		pf_log(PF_LOG_ERROR, "native", "a client paired, but memory to keep it is missing");
}

static void on_clip_asked(
	void *user, struct pf_host_session *s, uint32_t id, uint32_t seq, const char *mime)
{
	struct pf_native_session *ns = find(user, s);

	if (ns)
		pf_native_clip_asked(ns, id, seq, mime);
}

static void on_clip_withdrawn(void *user, struct pf_host_session *s, uint32_t id)
{
	struct pf_native_session *ns = find(user, s);

	if (ns)
		pf_native_clip_withdrawn(ns, id);
}

static void on_clip_fetched(
	void *user, struct pf_host_session *s, uint32_t id, int result, uint8_t *data, size_t len)
{
	struct pf_native_session *ns = find(user, s);

	if (ns)
		pf_native_clip_fetched(ns, id, result, data, len);
	else
		free(data);
}

static const struct pf_listener_events events = {
	.hello = on_hello,
	.started = on_started,
	.control = on_control,
	.datagram = on_datagram,
	.clip_asked = on_clip_asked,
	.clip_withdrawn = on_clip_withdrawn,
	.clip_fetched = on_clip_fetched,
	.closed = on_closed,
	.paired = on_paired,
};

/* ---- access that changes ---- */

/* A client that was removed is gone at once, new grants count at once. */
static void on_client_changed(
	struct pf_clients_watch *w, enum pf_client_change change, const struct pf_client *client)
{
	struct pf_native *n = (struct pf_native *)((char *)w - offsetof(struct pf_native, watch));

	if (client->plane != PF_PLANE_NATIVE)
		return;
	pf_native_knock_known(n, client->fingerprint);
	for (struct pf_native_session *ns = n->sessions; ns; ns = ns->next) {
		struct pf_reason why = { 0 };
		struct pf_native_access access;

		if (ns->ending || ns->knocking || !ns->peer.has_certificate ||
			memcmp(ns->peer.fingerprint, client->fingerprint, 32))
			continue;
		if (pf_native_admit(n, &ns->peer, &access, &why))
			pf_native_session_end(ns, PUNKTFUNK_CLOSE_ACCESS_EXPIRED,
				change == PF_CLIENT_EXPIRED ? "its access has run out"
							    : "access was taken away");
		else
			pf_native_session_set_access(ns, &access);
	}
}

/* ---- calls ---- */

int pf_native_create(
	struct pf_native **out, const struct pf_native_params *params, struct pf_reason *why)
{
	const struct pf_config *c = params->config;
	struct pf_native *n = calloc(1, sizeof(*n));
	const struct pf_listener_params p = {
		.bind_address = c->bind_address,
		.port = (uint16_t)c->port,
		.identity = params->identity,
		.events = &events,
		.user = n,
		.data_port = (uint16_t)c->data_port,
		.jumbo = c->jumbo_packets,
		/* Room for those that knock while all places are taken. */
		.max_sessions = 2 * MAX_SESSIONS,
	};
	int r;

	if (!n)
		return pf_reason_set(why, -ENOMEM, "out of memory");
	n->params = *params;
	n->knocks.per_address = params->knocks_per_address;
	n->knocks.wait_ns = params->knock_wait_ns;
	n->knocks.keep_ns = params->knock_keep_ns;
	r = pf_listener_create(&n->listener, &p, why);
	if (r) {
		free(n);
		return r;
	}
	n->watch.changed = on_client_changed;
	if (params->clients)
		pf_clients_watch(params->clients, &n->watch);
	*out = n;
	return 0;
}

uint16_t pf_native_port(const struct pf_native *n)
{
	return pf_listener_port(n->listener);
}

void pf_native_wire(const struct pf_native *n, struct pf_listener_stats *out)
{
	*out = (struct pf_listener_stats){ 0 };
	if (n->listener)
		pf_listener_stats(n->listener, out);
}

unsigned pf_native_count(const struct pf_native *n)
{
	unsigned count = 0;

	for (const struct pf_native_session *ns = n->sessions; ns; ns = ns->next)
		count += !ns->ending && !ns->knocking;
	return count;
}

void pf_native_each(
	struct pf_native *n, void (*fn)(void *user, const struct pf_session_report *r), void *user)
{
	struct pf_session_report r;

	for (struct pf_native_session *ns = n->sessions; ns; ns = ns->next) {
		if (ns->finished || ns->knocking)
			continue;
		pf_native_session_report(ns, &r);
		fn(user, &r);
	}
}

/* Runs after everything that the quic thread posted while it lived. */
static void run_shut(struct pf_loop_item *item)
{
	struct pf_native *n =
		(struct pf_native *)((char *)item - offsetof(struct pf_native, shut_item));
	struct pf_native_session *ns = n->sessions;

	n->shut = true;
	while (ns) {
		struct pf_native_session *next = ns->next;

		if (!ns->wire_closed)
			pf_native_session_closed(ns, PUNKTFUNK_CLOSE_NORMAL, "host shut down");
		ns = next;
	}
	if (!n->sessions)
		n->shutdown_done(n->shutdown_user);
}

void pf_native_end_sessions(struct pf_native *n, const char *words)
{
	for (struct pf_native_session *ns = n->sessions; ns; ns = ns->next)
		pf_native_session_end(ns, PUNKTFUNK_CLOSE_NORMAL, words);
}

void pf_native_reload(struct pf_native *n)
{
	for (struct pf_native_session *ns = n->sessions; ns; ns = ns->next) {
		pf_native_clip_update(ns);
		pf_native_mic_reload(ns);
	}
}

void pf_native_shutdown(struct pf_native *n, void (*done)(void *user), void *user)
{
	n->shutdown_done = done;
	n->shutdown_user = user;
	pf_native_end_sessions(n, "the host is shutting down");
	pf_listener_destroy(n->listener);
	n->listener = NULL;
	n->shut_item.run = run_shut;
	pf_loop_post_item(n->params.loop, &n->shut_item);
}

void pf_native_destroy(struct pf_native *n)
{
	if (!n)
		return;
	assert(!n->sessions);
	if (n->params.clients)
		pf_clients_unwatch(n->params.clients, &n->watch);
	pf_timer_stop(&n->knock_timer);
	pf_listener_destroy(n->listener);
	free(n);
}
