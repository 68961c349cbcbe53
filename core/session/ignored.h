/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* ignored.h - what one end said and the other does not act on, counted by kind:
 * unknown, malformed, or of no concern here. Any thread, no lock. */
#pragma once
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "punktfunk_core.h"

struct pf_ignored {
	atomic_uint_fast32_t control[256], datagram[256];
};

/** A control message; its type is at the usual place, if there is one at all. */
static inline void pf_ignored_message(struct pf_ignored *g, const uint8_t *msg, size_t len)
{
	atomic_fetch_add_explicit(&g->control[len > 4 ? msg[4] : 0], 1, memory_order_relaxed);
}

static inline void pf_ignored_control(struct pf_ignored *g, uint8_t type)
{
	atomic_fetch_add_explicit(&g->control[type], 1, memory_order_relaxed);
}

static inline void pf_ignored_datagram(struct pf_ignored *g, uint8_t tag)
{
	atomic_fetch_add_explicit(&g->datagram[tag], 1, memory_order_relaxed);
}

/** The `index`-th kind of which there was any, from 0. False: there are no more. */
bool pf_ignored_get(struct pf_ignored *g, unsigned index, PunktfunkIgnored *out);
