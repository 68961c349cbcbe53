/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* ring.h - a bounded single-producer, single-consumer ring of fixed-size slots.
 *
 * One thread puts, one thread takes; no lock, no allocation after init. A full
 * ring refuses the newest (pf_ring_put returns false): the producer decides
 * what to drop and counts it. The consumer may drop oldest with pf_ring_skip.
 * Caller embeds the struct; the ring owns its slot memory. */
#pragma once
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pf_ring {
	uint8_t *slots;
	uint32_t slot_bytes;
	uint32_t mask;			    /* slots - 1, a power of two minus one */
	_Alignas(64) _Atomic uint32_t head; /* next to put; producer writes */
	_Alignas(64) _Atomic uint32_t tail; /* next to take; consumer writes */
};

/** Allocates `slots` (1 .. 2^20, rounded up to a power of two) of `slot_bytes`.
 * 0, -EINVAL or -ENOMEM. */
int pf_ring_init(struct pf_ring *r, uint32_t slots, uint32_t slot_bytes);
/** Frees the slots; accepts a zeroed ring. */
void pf_ring_finish(struct pf_ring *r);
/** Producer: copies one slot in; false if full. */
bool pf_ring_put(struct pf_ring *r, const void *slot);
/** Consumer: copies the oldest slot out; false if empty. */
bool pf_ring_take(struct pf_ring *r, void *slot);
/** Consumer: drops the oldest slot; false if empty. */
bool pf_ring_skip(struct pf_ring *r);
/** Slots in use; exact only on the two threads involved. */
uint32_t pf_ring_used(const struct pf_ring *r);
