/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* session_host.h - the host of a session test: a listener whose events are
 * counted and kept. Assertions are the including test's. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "core/base/clock.h"
#include "core/crypto/identity.h"
#include "core/session/listener.h"
#include "punktfunk_core.h"

/* Patience of a wait: only a hang uses it up. */
#define PATIENCE_MS 20000
#define SESSIONS    24

enum answer { ACCEPT, REJECT, WAIT };

/* The host of a test. */
struct host {
	struct pf_listener *l;
	struct pf_listener_params params;
	enum answer answer;
	struct pf_accept accept;

	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned hellos, started, closed, controls, inputs;
	struct pf_host_session *sessions[SESSIONS];
	struct pf_hello hello;
	struct pf_peer peer;
	struct pf_ctl control;
	struct pf_dgram input;
	uint32_t close_code;
	char close_text[300];
};

/* Made by main. */
static struct pf_identity *host_id;

static inline void bump(struct host *h, unsigned *counter)
{
	++*counter;
	pthread_cond_broadcast(&h->changed);
}

static inline bool wait_count(struct host *h, const unsigned *counter, unsigned want)
{
	struct timespec end;
	bool ok;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += PATIENCE_MS / 1000;
	pthread_mutex_lock(&h->lock);
	while (*counter < want)
		if (pthread_cond_timedwait(&h->changed, &h->lock, &end) == ETIMEDOUT)
			break;
	ok = *counter >= want;
	pthread_mutex_unlock(&h->lock);
	return ok;
}

static inline void on_hello(void *user, struct pf_host_session *s, const struct pf_hello *hello,
	const struct pf_peer *peer)
{
	struct host *h = user;

	if (h->answer == ACCEPT)
		assert_int_equal(pf_host_session_accept(s, &h->accept), 0);
	else if (h->answer == REJECT)
		pf_host_session_close(s, PUNKTFUNK_CLOSE_DENIED, "not on the list");
	pthread_mutex_lock(&h->lock);
	assert_true(h->hellos < SESSIONS);
	h->sessions[h->hellos] = s;
	h->hello = *hello;
	h->peer = *peer;
	bump(h, &h->hellos);
	pthread_mutex_unlock(&h->lock);
}

static inline void on_started(void *user, struct pf_host_session *s)
{
	struct host *h = user;

	pthread_mutex_lock(&h->lock);
	bump(h, &h->started);
	pthread_mutex_unlock(&h->lock);
}

static inline void on_control(void *user, struct pf_host_session *s, const struct pf_ctl *msg)
{
	struct host *h = user;

	pthread_mutex_lock(&h->lock);
	h->control = *msg;
	bump(h, &h->controls);
	pthread_mutex_unlock(&h->lock);
}

static inline void on_datagram(void *user, struct pf_host_session *s, const struct pf_dgram *d)
{
	struct host *h = user;

	pthread_mutex_lock(&h->lock);
	h->input = *d;
	bump(h, &h->inputs);
	pthread_mutex_unlock(&h->lock);
}

static inline void on_closed(void *user, struct pf_host_session *s, uint32_t code, const char *text)
{
	struct host *h = user;

	pthread_mutex_lock(&h->lock);
	h->close_code = code;
	snprintf(h->close_text, sizeof(h->close_text), "%s", text);
	bump(h, &h->closed);
	pthread_mutex_unlock(&h->lock);
}

static const struct pf_listener_events events = {
	.hello = on_hello,
	.started = on_started,
	.control = on_control,
	.datagram = on_datagram,
	.closed = on_closed,
};

static inline void host_init(struct host *h)
{
	struct pf_welcome *w = &h->accept.welcome;
	pthread_condattr_t attr;

	memset(h, 0, sizeof(*h));
	pthread_mutex_init(&h->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&h->changed, &attr);
	pthread_condattr_destroy(&attr);
	pf_welcome_init(w);
	w->width = 1280;
	w->height = 720;
	w->refresh_hz = 60;
	w->bitrate_kbps = 20000;
	w->codec = PF_CODEC_H264;
	w->compositor = PF_COMPOSITOR_WLROOTS;
	w->host_caps = PF_HOST_CAP_PAD_SNAPSHOTS;
	h->accept.fec_percent = PUNKTFUNK_FEC_ADAPTIVE;
	h->accept.probe_max_kbps = UINT32_MAX;
	h->params = (struct pf_listener_params){
		.bind_address = "127.0.0.1", .identity = host_id, .events = &events, .user = h
	};
}

static inline void host_start(struct host *h)
{
	struct pf_reason why;

	assert_int_equal(pf_listener_create(&h->l, &h->params, &why), 0);
}

static inline void host_stop(struct host *h)
{
	pf_listener_destroy(h->l);
	h->l = NULL;
	assert_int_equal(h->closed, h->hellos);
	for (unsigned i = 0; i < h->hellos; i++)
		pf_host_session_unref(h->sessions[i]);
	pthread_cond_destroy(&h->changed);
	pthread_mutex_destroy(&h->lock);
}
