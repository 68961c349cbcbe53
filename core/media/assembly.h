/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* assembly.h - one frame being put together, and the store of buffers for all
 * of them; private to the reassembler.
 *
 * A shard goes to its place in the frame, parity beside it until its block has
 * k of k + m. The newest block with a gap is decoded while it arrives; any other one
 * at once when it is complete. Buffers only grow and are used again; the store counts every byte
 * and refuses to pass its limit. One thread. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/fec/gf16.h"
#include "core/fec/gf16_stream.h"
#include "core/media/geometry.h"
#include "core/media/reassembler.h"

struct pf_area { /* memory that only grows */
	uint8_t *p;
	size_t cap;
};

struct pf_assembly {
	struct pf_assembled pub;  /* first: what the taker sees */
	struct pf_assembly *next; /* of a list of the holder's */
	struct pf_assembly *all_prev, *all_next;
	uint16_t shard_bytes;
	bool slice, sized;
	uint32_t shards, block_count; /* valid if sized */
	uint32_t blocks_len, blocks_done;
	uint32_t bits_len; /* words */
	uint32_t parity_len;
	struct pf_area data;	   /* shards at their places */
	struct pf_area blocks;	   /* struct block [blocks_len] */
	struct pf_area bits;	   /* uint64_t [bits_len] */
	struct pf_area parity;	   /* shards in order of arrival */
	struct pf_area parity_ref; /* struct parity_ref [parity_len] */
};

struct pf_assembly_store {
	uint32_t max_frame_bytes;
	uint64_t limit_bytes;
	uint64_t bytes, peak_bytes; /* all but what is lent */
	struct pf_assembly *all;
	struct pf_assembly *idle;
	unsigned idle_count;
	/* The code, and its lists of shards. */
	struct pf_gf16_ctx *fec;
	/* What decodes a block with a gap while it arrives: one at a time, the newest. It
	 * borrows what came from the assembly's areas. */
	struct pf_gf16_stream *stream;
	struct pf_assembly *stream_of; /* NULL = none */
	uint32_t stream_block;
	bool stream_work; /* pf_assembly_step has something to do */
	const uint8_t **data_at;
	const uint8_t **parity_at;
	uint8_t **out_at;
};

/* What a packet did to its frame. */
enum pf_assembly_step {
	PF_ASSEMBLY_KEPT,
	PF_ASSEMBLY_DUPLICATE,
	PF_ASSEMBLY_SPARE, /* its block was complete already */
	PF_ASSEMBLY_BLOCK, /* its block has k shards now: complete it */
};

/** 0 or -ENOMEM. */
int pf_assembly_store_init(struct pf_assembly_store *s, const struct pf_geometry_limits *limits);
/** Frees every assembly, wherever it is. Accepts a zeroed store. */
void pf_assembly_store_finish(struct pf_assembly_store *s);

/** A fresh assembly for frames like this packet's, or NULL. */
struct pf_assembly *pf_assembly_get(
	struct pf_assembly_store *s, const struct pf_media_hdr *h, const struct pf_geometry *g);
/** Back to the idle ones. */
void pf_assembly_put(struct pf_assembly_store *s, struct pf_assembly *a);
/** Takes a whole frame out of the count, and back into it as an idle one. */
void pf_assembly_lend(struct pf_assembly_store *s, const struct pf_assembly *a);
void pf_assembly_return(struct pf_assembly_store *s, struct pf_assembly *a);

/** Stores a packet's shard, which may lie at its place already. A step, or -EPROTO it contradicts
 * earlier ones, -EBADMSG it proves that the frame makes no sense, -ENOMEM no room: nothing changed
 * then but buffers, try again after giving others up. */
int pf_assembly_add(struct pf_assembly_store *s, struct pf_assembly *a,
	const struct pf_media_hdr *h, const struct pf_geometry *g, const uint8_t *shard);
/** The first data shard from `from` on that is neither here nor rebuilt; k of the
 * block = none. */
uint32_t pf_assembly_missing(const struct pf_assembly *a, uint32_t block, uint32_t from);
/** Where data shard `i` of the block belongs, while it is missing; else NULL. */
uint8_t *pf_assembly_place(const struct pf_assembly *a, uint32_t block, uint32_t i);
/** Does some microseconds of the work that the block under way will need to be
 * complete, if there is any: false = nothing to do for now. */
bool pf_assembly_step(struct pf_assembly_store *s);
/** Completes a block that has k shards: rebuilds the missing data. */
void pf_assembly_complete(struct pf_assembly_store *s, struct pf_assembly *a, uint32_t block);
/** All blocks are complete. */
bool pf_assembly_whole(const struct pf_assembly *a);
/** The blocks of a whole frame lie end to end. */
bool pf_assembly_tiles(const struct pf_assembly *a);
/** Zeroes what is missing; false if that cannot be said yet. */
bool pf_assembly_patch(struct pf_assembly *a);
