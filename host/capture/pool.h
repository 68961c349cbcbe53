/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* pool.h - a fixed number of BGRX pictures in memory, for captures that draw.
 *
 * The capture takes a free one, fills it and hands it over; the last unref puts
 * it back, on whatever thread. The pool outlives its owner for as long as
 * frames are out. */
#pragma once
#include "host/frame.h"

struct pf_frame_pool;

/** -ENOMEM. */
int pf_frame_pool_create(
	struct pf_frame_pool **out, uint32_t width, uint32_t height, unsigned count);
/** Gives up the owner's share. Accepts NULL. */
void pf_frame_pool_close(struct pf_frame_pool *pool);
/** A free frame with one reference, its pixels as they were left, everything
 * else reset; NULL when all are out. The owner's thread, no allocation. */
struct pf_frame *pf_frame_pool_take(struct pf_frame_pool *pool);
/** 0 .. count - 1, the same for the same pixels. */
unsigned pf_frame_pool_index(const struct pf_frame *f);
