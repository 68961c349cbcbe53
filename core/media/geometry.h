/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* geometry.h - where a packet's shard belongs, or why it cannot be true.
 *
 * The firewall of punktfunk1.md 11: every number of the header is held against
 * the session's limits before anything is stored or allocated. Pure functions
 * of one header. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "core/wire/pf1_media.h"

struct pf_geometry_limits {
	uint16_t shard_bytes;	     /* of Welcome */
	uint16_t max_data_per_block; /* k_max */
	uint32_t max_frame_bytes;
};

struct pf_geometry {
	bool sized;	      /* the packet tells the size of the whole frame */
	bool slice;	      /* slice stream: blocks of any size, one after another */
	uint32_t base;	      /* the block's first shard in the frame */
	uint32_t shards;      /* data shards of the frame; valid if sized */
	uint32_t block_count; /* valid if sized */
};

/** Largest legal k + m. */
uint32_t pf_geometry_block_cap(uint16_t max_data_per_block);
/** Data shards of `frame_bytes`, at least 1. */
uint32_t pf_geometry_shards(uint32_t frame_bytes, uint16_t shard_bytes);
/** `payload_bytes` is what follows the header. 0 or -EPROTO. */
int pf_geometry_check(const struct pf_geometry_limits *limits, const struct pf_media_hdr *h,
	size_t payload_bytes, struct pf_geometry *out);
