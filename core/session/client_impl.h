/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* client_impl.h - the inside of a client session; private to core/session.
 *
 * client.c connects, asks and pulls on the application's threads;
 * client_events.c is what happens on the quic and the receive thread;
 * client_audio.c is sound, on the quic and the puller's thread;
 * client_rate.c is the bitrate and the capacity probe, on all of them. */
#pragma once
#include <pthread.h>
#include <stdatomic.h>
#include "core/media/audio_order.h"
#include "core/media/clock.h"
#include "core/media/rate_control.h"
#include "core/net/receiver.h"
#include "core/quic/endpoint.h"
#include "core/quic/sendq.h"
#include "core/quic/wake.h"
#include "core/session/client.h"
#include "core/session/client_pads.h"
#include "core/session/clip.h"
#include "core/session/ignored.h"
#include "core/session/queue.h"
#include "core/wire/pf1_control.h"
#include "core/wire/pf1_dgram.h"
#include "core/wire/pf1_handshake.h"

enum pf_client_state {
	PF_CLIENT_DIALING,
	PF_CLIENT_HELLO_SENT,
	PF_CLIENT_CLOCK, /* Start sent, data plane open, clock rounds run */
	PF_CLIENT_OPEN,
	PF_CLIENT_CLOSED,
};

struct pf_audio_slot {
	uint32_t seq;
	uint32_t len;
	uint64_t pts_unix_ns;
	uint32_t flags;
	uint8_t data[PF_DGRAM_MAX_LEN];
};

struct pf_client_mean {
	uint64_t sum_ns;
	unsigned count;
};

struct pf_client_rate {
	bool active; /* the session began with bitrate 0 */
	struct pf_rate_control control;
	struct pf_client_mean decode, encode; /* of the running window */
	uint32_t keyframe_asks;
	unsigned skip; /* windows that a probe spoiled */
	uint32_t delivered_kbps;
	int64_t complete_ns;  /* of the newest window with frames, 0 = none */
	uint64_t probe_at_ns; /* 0 = was made */
};

struct pf_client_probe {
	enum { PF_PROBE_IDLE, PF_PROBE_RUNS, PF_PROBE_OVER } state;
	uint64_t asked_ns, until_ns;
	uint32_t asked_kbps;
	int err;
	PunktfunkSpeedTest result;
};

/* A thread that waits for a fetch; on its stack. */
struct pf_clip_wait {
	struct pf_clip_wait *next;
	uint32_t id;
	bool over;
	int result;
	uint8_t *data;
	size_t len;
};

struct pf_client_clip {
	struct pf_clip link;
	pthread_mutex_t lock; /* the rest */
	pthread_cond_t changed;
	struct pf_clip_wait *waits;
	bool offered; /* the host has */
	struct pf_clip_offer theirs, ours;
};

#define PF_CURSOR_SHAPES 32 /* kept: at most 1.8 MB */

struct pf_cursor_shape {
	uint32_t serial;
	uint64_t used;
	uint16_t w, h, hot_x, hot_y;
	uint8_t *rgba; /* NULL = unused */
};

struct pf_client_display {
	/* under the client's lock */
	struct pf_cursor_shape shapes[PF_CURSOR_SHAPES];
	uint64_t uses;
	bool has_hdr;
	PunktfunkHdrMetadata hdr;
	/* quic thread */
	bool stated;
	PunktfunkEvent state; /* the newest */
};

struct pf_client {
	struct pf_quic *quic;
	struct pf_receiver *receiver; /* from CLOCK on */
	struct pf_hello hello;
	uint32_t flags; /* PUNKTFUNK_CONNECT_... */
	int64_t unix_offset_ns;

	/* quic thread */
	struct pf_welcome welcome;
	struct pf_clock_sync clock;
	int data_fd;
	bool stream_ended; /* before the session was open */

	pthread_mutex_t lock; /* the rest of this block */
	pthread_cond_t changed;
	enum pf_client_state state;
	struct pf_quic_conn *conn; /* a reference, from `opened` on */
	struct pf_quic_close end;
	struct pf_reason failure; /* code != 0: our own reason to end */
	PunktfunkConnectionInfo info;
	struct pf_client_rate rate;
	struct pf_client_probe probe;
	struct pf_audio_order audio_order;

	struct pf_client_pads pads;

	struct pf_wake *closed;
	struct pf_queue audio, events;
	int poll_set;
	_Atomic uint64_t mic_seq;	/* packets of the microphone; its low half is on the wire */
	struct pf_audio_slot audio_out; /* lent by next_audio */
	struct pf_client_clip clip;
	struct pf_client_display display;
	struct pf_ignored ignored;
};

/* This machine's Unix time, by the offset fixed for the session. */
static inline uint64_t pf_client_unix_ns(const struct pf_client *c, uint64_t mono_ns)
{
	return mono_ns + (uint64_t)c->unix_offset_ns;
}

/* What the endpoint calls; user is the client. */
extern const struct pf_quic_events pf_client_events;

/** Any thread. The connection, or NULL before there is one; borrowed. */
struct pf_quic_conn *pf_client_conn(struct pf_client *c);
/** Quic thread: news for the application; struct_size is filled in. */
void pf_client_put_event(struct pf_client *c, PunktfunkEvent *e);
/** Any thread. 0, -EPIPE, -EAGAIN... */
int pf_client_send_control(struct pf_client *c, const struct pf_ctl *msg);
/** Any thread, once there is a connection. 0, -EMSGSIZE, -EPIPE. */
int pf_client_send_datagram(struct pf_client *c, const uint8_t *data, size_t len);
/** Any thread. Has the quic thread look anew at what is due. */
void pf_client_notify(struct pf_client *c);

/* client_audio.c */

/** Quic thread: a datagram C9 or D2. */
void pf_client_audio(struct pf_client *c, const struct pf_dgram *d);
/** Any thread. */
void pf_client_audio_stats(struct pf_client *c, PunktfunkStats *out);

/* client_display.c; quic thread: message 50, datagrams D0 and CE. */

void pf_client_cursor_shape(struct pf_client *c, const struct pf_ctl *m);
void pf_client_cursor_state(struct pf_client *c, const struct pf_dgram *m);
void pf_client_hdr(struct pf_client *c, const struct pf_dgram *m);
void pf_client_display_finish(struct pf_client *c);

/* client_clip.c */

void pf_client_clip_init(struct pf_client *c);
void pf_client_clip_finish(struct pf_client *c);
/** Quic thread: messages 41 and 42. */
void pf_client_clip_message(struct pf_client *c, const struct pf_ctl *m);

/* client_rate.c; those without a word on it from any thread. */

/** Quic thread: frames come from now on. */
void pf_client_rate_open(struct pf_client *c, uint64_t now_ns);
/** Quic thread, when due: the capacity probe. When it is due next, UINT64_MAX =
 * not. */
uint64_t pf_client_rate_poll(struct pf_client *c, uint64_t now_ns);
/** Receive thread: a window is over; may ask the host for another bitrate. */
void pf_client_rate_window(struct pf_client *c, const struct pf_receiver_window *w);
/** The host's pipeline had a gap: the running window counts for nothing. */
void pf_client_rate_gap(struct pf_client *c);
/** Another bitrate, another mode is in force; info tells the mode. */
void pf_client_rate_changed(struct pf_client *c, uint32_t kbps);
void pf_client_rate_mode(struct pf_client *c);
void pf_client_rate_encoded(struct pf_client *c, uint32_t encode_us);
void pf_client_rate_asked_keyframe(struct pf_client *c);
/** ProbeResult came; NULL = it is not waited for any more. Ignored when unasked. */
void pf_client_probe_result(struct pf_client *c, const struct pf_ctl *m);
void pf_client_rate_stats(struct pf_client *c, PunktfunkStats *out);
