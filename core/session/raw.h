/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* raw.h - a data plane without a session: one end of a sealed frame stream over
 * a UDP socket of the caller's.
 *
 * Keys and geometry come from the caller, there is no control channel: no
 * requests, and no loss reports, so adaptive parity stays at its floor. A host
 * submits, a client polls; a call for the other role is -EINVAL. One thread per
 * session, stats from any. */
#pragma once
#include "core/base/reason.h"
#include "punktfunk_core.h"

/** Duplicates config->socket_fd, which must be connected, and starts the thread. */
int pf_raw_create(
	PunktfunkSession **out, const PunktfunkSessionConfig *config, struct pf_reason *why);
/** Stops the thread, frees everything. NULL is fine. */
void pf_raw_destroy(PunktfunkSession *s);
/** Host. 0, -EBUSY when the ring is full, -EMSGSIZE, -ENOMEM. */
int pf_raw_submit(PunktfunkSession *s, const uint8_t *data, size_t size, uint64_t pts_unix_ns,
	uint32_t flags);
/** Client. 0 or -EAGAIN; the frame is borrowed until the next poll. */
int pf_raw_poll(PunktfunkSession *s, PunktfunkFrame *out, uint32_t timeout_ms);
/** Client, any thread. */
int pf_raw_send_input(PunktfunkSession *s, const PunktfunkInputEvent *e);
/** Host, once: `fn` hears the client's input on a thread of its own. -EBUSY. */
int pf_raw_on_input(PunktfunkSession *s, PunktfunkInputCallback fn, void *user);
void pf_raw_stats(PunktfunkSession *s, PunktfunkStats *out);
