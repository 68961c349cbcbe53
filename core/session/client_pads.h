/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* client_pads.h - gamepads and pen of a client: says their state again while a link may
 * have lost it, and holds what the host lets them do to its time (punktfunk1.md 8, 9).
 *
 * Application threads push, the quic thread says again; rumble is the quic thread's. */
#pragma once
#include <pthread.h>
#include "core/media/pad_refresh.h"
#include "core/media/rumble_lease.h"
#include "core/wire/pf1_pads.h"
#include "punktfunk_core.h"

struct pf_client;

struct pf_client_pads {
	pthread_mutex_t lock; /* of refresh */
	struct pf_pad_refresh refresh;
	uint16_t ext; /* pads whose touch goes out in the longer form; under the lock */
	struct pf_rumble_receiver rumble; /* quic thread */
};

void pf_client_pads_init(struct pf_client *c);
void pf_client_pads_finish(struct pf_client *c);

/** Any thread, once the session is open. 0, -EINVAL, -EPIPE, -ENOTSUP. */
int pf_client_pad_arrive(struct pf_client *c, uint32_t pad, uint32_t kind);
int pf_client_pad_remove(struct pf_client *c, uint32_t pad);
int pf_client_send_pad(struct pf_client *c, const PunktfunkPadState *s);
int pf_client_send_pad_touch(struct pf_client *c, const PunktfunkPadTouch *t);
int pf_client_send_pad_motion(struct pf_client *c, const PunktfunkPadMotion *m);
int pf_client_send_pen(struct pf_client *c, const PunktfunkPenSample *samples, uint32_t count);

/** Quic thread: what the host takes. */
void pf_client_pads_open(struct pf_client *c, uint8_t host_caps);
/** Quic thread: says again and silences what is due. When it is due next. */
uint64_t pf_client_pads_poll(struct pf_client *c, uint64_t now_ns);
/** Quic thread: a datagram of either tag. */
void pf_client_pads_rumble(struct pf_client *c, const struct pf_dgram *d, uint64_t now_ns);
void pf_client_pads_hid(struct pf_client *c, const struct pf_dgram *d);
/** Quic thread: the host is gone, all motors rest. */
void pf_client_pads_end(struct pf_client *c);
