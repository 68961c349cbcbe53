/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* abi_bed.h - a host and its clients by the public header alone, in one process. What
 * the host's callback hears is kept in order. Assertions are the including test's. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "punktfunk_core.h"

/* Patience of a wait: only a hang uses it up. */
#define PATIENCE_S 20
#define EVENTS	   256

struct host {
	PunktfunkIdentity *id;
	PunktfunkListener *l;
	PunktfunkListenOptions options;
	uint8_t fingerprint[32];
	char address[32];

	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned count, at; /* events that came, that were looked at */
	PunktfunkHostEvent event[EVENTS];
	uint8_t data[EVENTS][64]; /* of each */
	bool accept_at_once;
	PunktfunkAccept accept;
};

static inline void on_event(void *user, const PunktfunkHostEvent *e)
{
	struct host *h = user;

	assert_int_equal(e->struct_size, sizeof(*e));
	if (e->type == PUNKTFUNK_HOST_EVENT_HELLO && h->accept_at_once)
		assert_int_equal(punktfunk_host_accept(e->session, &h->accept), 0);
	pthread_mutex_lock(&h->lock);
	assert_true(h->count < EVENTS);
	h->event[h->count] = *e;
	assert_true(e->size <= sizeof(h->data[0]));
	if (e->size)
		memcpy(h->data[h->count], e->data, e->size);
	h->event[h->count].data = h->data[h->count];
	h->count++;
	pthread_cond_broadcast(&h->changed);
	pthread_mutex_unlock(&h->lock);
}

/* The next event of this type; others before it are passed over. */
static inline const PunktfunkHostEvent *expect(struct host *h, uint32_t type)
{
	const PunktfunkHostEvent *found = NULL;
	struct timespec end;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += PATIENCE_S;
	pthread_mutex_lock(&h->lock);
	while (!found) {
		if (h->at < h->count) {
			if (h->event[h->at++].type == type)
				found = &h->event[h->at - 1];
		} else if (pthread_cond_timedwait(&h->changed, &h->lock, &end)) {
			break;
		}
	}
	pthread_mutex_unlock(&h->lock);
	if (!found)
		fail_msg("event %u did not come", type);
	return found;
}

static inline void host_start(struct host *h)
{
	PunktfunkReason why = { .struct_size = sizeof(why) };

	memset(h, 0, sizeof(*h));
	pthread_mutex_init(&h->lock, NULL);
	pthread_cond_init(&h->changed, NULL);
	assert_int_equal(punktfunk_identity_open(NULL, &h->id, NULL), 0);
	punktfunk_identity_fingerprint(h->id, h->fingerprint);
	h->accept_at_once = true;
	h->accept = (PunktfunkAccept){
		.struct_size = sizeof(h->accept), .codec = PUNKTFUNK_CODEC_H264, .fec_percent = 20
	};
	h->options = (PunktfunkListenOptions){ .struct_size = sizeof(h->options),
		.bind_address = "127.0.0.1",
		.identity = h->id,
		.callback = on_event,
		.user = h };
	if (punktfunk_listen(&h->options, &h->l, &why))
		fail_msg("%s", why.text);
}

static inline void host_stop(struct host *h)
{
	punktfunk_listener_close(h->l);
	punktfunk_identity_free(h->id);
	pthread_cond_destroy(&h->changed);
	pthread_mutex_destroy(&h->lock);
}

static inline PunktfunkConnectOptions options_for(struct host *h)
{
	return (PunktfunkConnectOptions){ .struct_size = sizeof(PunktfunkConnectOptions),
		.host = "127.0.0.1",
		.port = (uint16_t)punktfunk_listener_port(h->l),
		.host_fingerprint = h->fingerprint,
		.name = "bench",
		.launch = "steam:570",
		.width = 1280,
		.height = 720,
		.refresh_hz = 60,
		.bitrate_kbps = 12000,
		.timeout_ms = PATIENCE_S * 1000 };
}

static inline PunktfunkConnection *connect_to(struct host *h)
{
	PunktfunkReason why = { .struct_size = sizeof(why) };
	PunktfunkConnectOptions o = options_for(h);
	PunktfunkConnection *c = NULL;

	if (punktfunk_connect(&o, &c, &why))
		fail_msg("%s", why.text);
	return c;
}

static inline PunktfunkEvent next_event(PunktfunkConnection *c, uint32_t type)
{
	PunktfunkEvent e = { .struct_size = sizeof(e) };

	do {
		assert_int_equal(punktfunk_connection_next_event(c, &e, PATIENCE_S * 1000), 0);
	} while (e.type != type);
	return e;
}
