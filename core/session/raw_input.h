/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* raw_input.h - input events of a raw session, from its client to its host.
 *
 * There is no QUIC to carry them, so each goes as one sealed packet over the session's
 * own socket, against the stream of frames: the plaintext is an input datagram
 * (punktfunk1.md 8, tag C8), key and salt are the session's, the direction bit is the
 * client's. What the link drops is gone; nothing is delivered twice. */
#pragma once
#include <stdint.h>
#include "core/media/seal.h"
#include "punktfunk_core.h"

struct pf_raw_tx;
struct pf_raw_rx;

/** Client. Duplicates `fd`. */
int pf_raw_tx_create(struct pf_raw_tx **out, int fd, const struct pf_media_keys *keys);
void pf_raw_tx_destroy(struct pf_raw_tx *tx);
/** Any thread. 0; -EINVAL for an unknown kind, -EIO. */
int pf_raw_tx_send(struct pf_raw_tx *tx, const PunktfunkInputEvent *e);

/** Host. Duplicates `fd`; nothing is read before the start. */
int pf_raw_rx_create(struct pf_raw_rx **out, int fd, const struct pf_media_keys *keys);
/** Stops the thread. Accepts NULL. */
void pf_raw_rx_destroy(struct pf_raw_rx *rx);
/** Starts the thread on which `fn` hears events. -EBUSY when it runs already. */
int pf_raw_rx_start(struct pf_raw_rx *rx, PunktfunkInputCallback fn, void *user);
