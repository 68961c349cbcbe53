/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* session_pads.h - a session's pads, touch and pen, between its connection and the
 * desk's devices. Input comes on the quic thread and waits, bounded, for the loop. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "core/wire/pf1_dgram.h"

struct pf_native_session;

/** Loop: before the Welcome, whose caps and gamepad it fills in; the session has its
 * desk. 0 or -ENOMEM. */
int pf_native_pads_open(struct pf_native_session *ns);
/** Loop: nothing arrives any more. Accepts a session without. */
void pf_native_pads_close(struct pf_native_session *ns);
/** Quic thread. False: the datagram is not for pads, touch or pen. */
bool pf_native_pads_take(struct pf_native_session *ns, const struct pf_dgram *d);
/** Loop: a program has news for the pads. */
void pf_native_pads_news(void *session);
/** Loop: these grants are gone. */
void pf_native_pads_lost(struct pf_native_session *ns, uint32_t grants);
/** Loop: the session lets go of its desk. */
void pf_native_pads_leave_desk(struct pf_native_session *ns);
/** Any thread: events that found the queue full. */
uint64_t pf_native_pads_dropped(const struct pf_native_session *ns);
