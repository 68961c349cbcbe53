/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/capture/pool.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct slot {
	struct pf_frame frame;
	struct pf_frame_pool *pool;
	uint8_t *pixels;
	_Atomic bool out;
};

struct pf_frame_pool {
	_Atomic int shares; /* the owner's and one per frame that is out */
	uint32_t width, height, stride;
	unsigned count;
	struct slot slots[];
};

static void drop_share(struct pf_frame_pool *pool)
{
	if (atomic_fetch_sub_explicit(&pool->shares, 1, memory_order_acq_rel) != 1)
		return;
	for (unsigned i = 0; i < pool->count; i++)
		free(pool->slots[i].pixels);
	free(pool);
}

static void give_back(struct pf_frame *f)
{
	struct slot *s = f->user;

	atomic_store_explicit(&s->out, false, memory_order_release);
	drop_share(s->pool);
}

int pf_frame_pool_create(
	struct pf_frame_pool **out, uint32_t width, uint32_t height, unsigned count)
{
	struct pf_frame_pool *pool = calloc(1, sizeof(*pool) + count * sizeof(struct slot));

	if (!pool)
		return -ENOMEM;
	atomic_init(&pool->shares, 1);
	pool->width = width;
	pool->height = height;
	pool->stride = (4 * width + 63) & ~63u;
	pool->count = count;
	for (unsigned i = 0; i < count; i++) {
		size_t bytes = (size_t)pool->stride * height;

		pool->slots[i].pool = pool;
		pool->slots[i].pixels = aligned_alloc(64, bytes);
		if (!pool->slots[i].pixels) {
			drop_share(pool);
			return -ENOMEM;
		}
		memset(pool->slots[i].pixels, 0, bytes);
	}
	*out = pool;
	return 0;
}

void pf_frame_pool_close(struct pf_frame_pool *pool)
{
	if (pool)
		drop_share(pool);
}

struct pf_frame *pf_frame_pool_take(struct pf_frame_pool *pool)
{
	for (unsigned i = 0; i < pool->count; i++) {
		struct slot *s = &pool->slots[i];

		if (atomic_load_explicit(&s->out, memory_order_acquire))
			continue;
		atomic_store_explicit(&s->out, true, memory_order_relaxed);
		atomic_fetch_add_explicit(&pool->shares, 1, memory_order_relaxed);
		s->frame = (struct pf_frame){ .kind = PF_MEM_CPU,
			.format = PF_PIXEL_BGRX,
			.width = pool->width,
			.height = pool->height,
			.colour = PF_COLOUR_BT709,
			.plane_count = 1,
			.planes = { s->pixels },
			.strides = { pool->stride },
			.fds = { -1, -1, -1, -1 },
			.acquire_fence = -1,
			.release = give_back,
			.user = s };
		atomic_init(&s->frame.refs, 1);
		return &s->frame;
	}
	return NULL;
}

unsigned pf_frame_pool_index(const struct pf_frame *f)
{
	const struct slot *s = f->user;

	return (unsigned)(s - s->pool->slots);
}
