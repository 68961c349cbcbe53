/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* gf16_stream.h - decodes a block of the GF(2^16) code while it arrives.
 *
 * Tell it what arrives, give it a step between packets, and when k of the
 * k + m shards are there little is left to do. A block without a gap costs
 * nothing but the telling; begin may also wait until a gap is seen, what has
 * arrived is then told at once.
 *
 * Shards are borrowed, at any alignment, until the block ends: by finish, drop,
 * or the next begin. A stream belongs to its context's thread; several may
 * share one context, each with a block of its own, and the context may encode
 * and decode other blocks in between. Nothing but create allocates. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "core/fec/gf16.h"

struct pf_gf16_stream;

/** For blocks within the limits of `ctx`, which has to outlive it. 0, -ENOMEM. */
int pf_gf16_stream_create(struct pf_gf16_ctx *ctx, struct pf_gf16_stream **out);
/** Takes NULL. */
void pf_gf16_stream_destroy(struct pf_gf16_stream *s);

/** Begins a block and drops an unfinished one. 0, or -EINVAL as pf_gf16_encode,
 * and the block before stays. RT safe. */
int pf_gf16_stream_begin(struct pf_gf16_stream *s, uint32_t k, uint32_t m, uint32_t shard_bytes);
/** Forgets the block and what it borrowed; nothing where none is begun. RT safe. */
void pf_gf16_stream_drop(struct pf_gf16_stream *s);

/** Data shard i lies at `shard`, which may be its place in the frame. In any
 * order; a second one is not looked at. 0, or -EINVAL when no block is begun or
 * it has no such shard. RT safe. */
int pf_gf16_stream_data(struct pf_gf16_stream *s, uint32_t i, const uint8_t *shard);
/** The same for parity shard j. RT safe. */
int pf_gf16_stream_parity(struct pf_gf16_stream *s, uint32_t j, const uint8_t *shard);

/** Does a piece of the work that can be done with what is here: some
 * microseconds, nothing while there is no gap. Whether there is more of it by
 * now; calling it is never needed. RT safe. */
bool pf_gf16_stream_step(struct pf_gf16_stream *s);

/** Recovers every data shard i that did not arrive into out[i] and ends the
 * block; other out[i] are not used. 0 also when none is lost. -EINVAL when no
 * block is begun or an out buffer is missing, -ENODATA when fewer than k shards
 * are here; then nothing is written and the block stays open. RT safe. */
int pf_gf16_stream_finish(struct pf_gf16_stream *s, uint8_t *const *out);
