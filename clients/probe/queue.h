/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* queue.h - access units on their way from the receive thread to the decoder.
 *
 * One thread puts, one takes. Bounded in number and bytes: what does not fit is
 * refused and counted, the receiver never waits. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "punktfunk_core.h"

#define PF_QUEUE_SLOTS 240
#define PF_QUEUE_BYTES (64u << 20)

struct pf_queue;

int pf_queue_create(struct pf_queue **out);
/** Accepts NULL. */
void pf_queue_destroy(struct pf_queue *q);
/** Copies the frame; false when there is no room. */
bool pf_queue_put(struct pf_queue *q, const PunktfunkFrame *f);
/** No more frames will be put: takers drain the rest. */
void pf_queue_end(struct pf_queue *q);
/** Waits; the frame and its data are borrowed until the next take. False at the
 * end. */
bool pf_queue_take(struct pf_queue *q, PunktfunkFrame *out);
