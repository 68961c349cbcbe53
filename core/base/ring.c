/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/base/ring.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int pf_ring_init(struct pf_ring *r, uint32_t slots, uint32_t slot_bytes)
{
	uint32_t n = 1;

	if (!slots || slots > 1u << 20 || !slot_bytes || slot_bytes > 1u << 20)
		return -EINVAL;
	while (n < slots)
		n <<= 1;
	r->slots = calloc(n, slot_bytes);
	if (!r->slots)
		return -ENOMEM;
	r->slot_bytes = slot_bytes;
	r->mask = n - 1;
	atomic_init(&r->head, 0);
	atomic_init(&r->tail, 0);
	return 0;
}

void pf_ring_finish(struct pf_ring *r)
{
	free(r->slots);
	r->slots = NULL;
}

static void *slot_at(const struct pf_ring *r, uint32_t i)
{
	return r->slots + (size_t)(i & r->mask) * r->slot_bytes;
}

bool pf_ring_put(struct pf_ring *r, const void *slot)
{
	uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);

	if (head - atomic_load_explicit(&r->tail, memory_order_acquire) > r->mask)
		return false;
	memcpy(slot_at(r, head), slot, r->slot_bytes);
	atomic_store_explicit(&r->head, head + 1, memory_order_release);
	return true;
}

bool pf_ring_take(struct pf_ring *r, void *slot)
{
	uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);

	if (tail == atomic_load_explicit(&r->head, memory_order_acquire))
		return false;
	memcpy(slot, slot_at(r, tail), r->slot_bytes);
	atomic_store_explicit(&r->tail, tail + 1, memory_order_release);
	return true;
}

bool pf_ring_skip(struct pf_ring *r)
{
	uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);

	if (tail == atomic_load_explicit(&r->head, memory_order_acquire))
		return false;
	atomic_store_explicit(&r->tail, tail + 1, memory_order_release);
	return true;
}

uint32_t pf_ring_used(const struct pf_ring *r)
{
	return atomic_load_explicit(&r->head, memory_order_acquire) -
	       atomic_load_explicit(&r->tail, memory_order_acquire);
}
