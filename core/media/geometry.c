/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/media/geometry.h"
#include <errno.h>

/* Slices are flushed at 16 shards; the first and the last may be smaller. */
#define SLICE_SHARDS 16

uint32_t pf_geometry_block_cap(uint16_t max_data_per_block)
{
	uint32_t cap = max_data_per_block + (max_data_per_block * 9u + 9) / 10;

	return cap < UINT16_MAX ? cap : UINT16_MAX;
}

uint32_t pf_geometry_shards(uint32_t frame_bytes, uint16_t shard_bytes)
{
	uint32_t n = frame_bytes / shard_bytes + (frame_bytes % shard_bytes != 0);

	return n ? n : 1;
}

static uint32_t blocks_of(uint32_t shards, uint32_t k_max)
{
	return (shards + k_max - 1) / k_max;
}

/* The whole frame is known: every block but the last is full. */
static int check_sized(
	uint32_t k_max, const struct pf_media_hdr *h, uint32_t total, struct pf_geometry *out)
{
	uint32_t count = blocks_of(total, k_max), k = k_max;

	if (h->block_count != count || h->block_index >= count)
		return -EPROTO;
	if (h->block_index == count - 1)
		k = total - (count - 1) * k_max;
	if (h->data_shards != k)
		return -EPROTO;
	*out = (struct pf_geometry){
		.sized = true,
		.base = h->block_index * k_max,
		.shards = total,
		.block_count = count,
	};
	return 0;
}

/* Full blocks of a frame whose size is not known yet. */
static int check_stream(
	uint32_t k_max, const struct pf_media_hdr *h, uint32_t total_max, struct pf_geometry *out)
{
	if (h->frame_bytes || h->data_shards != k_max)
		return -EPROTO;
	if (h->block_index + 1u >= blocks_of(total_max, k_max))
		return -EPROTO;
	*out = (struct pf_geometry){ .base = h->block_index * k_max };
	return 0;
}

static int check_slice(const struct pf_geometry_limits *l, const struct pf_media_hdr *h,
	uint32_t total_max, struct pf_geometry *out)
{
	uint32_t cap = total_max / SLICE_SHARDS + 2, index = h->block_index;
	uint32_t total = pf_geometry_shards(h->frame_bytes, h->shard_bytes);

	*out = (struct pf_geometry){ .slice = true };
	if (h->block_count) {
		if (index + 1 != h->block_count || h->block_count > cap || h->data_shards > total)
			return -EPROTO;
		out->sized = true;
		out->shards = total;
		out->block_count = h->block_count;
		out->base = total - h->data_shards;
	} else {
		if (h->frame_bytes % h->shard_bytes || index + 1 >= cap)
			return -EPROTO;
		if ((uint64_t)h->frame_bytes + (uint64_t)h->data_shards * h->shard_bytes >
			l->max_frame_bytes)
			return -EPROTO;
		out->base = h->frame_bytes / h->shard_bytes;
	}
	/* Every block holds a shard at least, and the first begins at zero. */
	return out->base < index || (!index && out->base) ? -EPROTO : 0;
}

int pf_geometry_check(const struct pf_geometry_limits *limits, const struct pf_media_hdr *h,
	size_t payload_bytes, struct pf_geometry *out)
{
	uint32_t k_max = limits->max_data_per_block;
	uint32_t k = h->data_shards, all = k + h->recovery_shards, total_max;
	struct pf_geometry g;
	int err;

	if ((h->shard_bytes < PF_SHARD_MIN && h->shard_bytes < limits->shard_bytes) ||
		h->shard_bytes > PF_SHARD_MAX || h->shard_bytes % 2 || !h->shard_bytes)
		return -EPROTO;
	if (payload_bytes < h->shard_bytes)
		return -EPROTO;
	if (!k || k > k_max || all > pf_geometry_block_cap(limits->max_data_per_block) ||
		h->shard_index >= all)
		return -EPROTO;
	if (h->frame_bytes > limits->max_frame_bytes)
		return -EPROTO;
	total_max = pf_geometry_shards(limits->max_frame_bytes, h->shard_bytes);
	if (h->user_flags & PF_USER_SLICE_STREAM)
		err = check_slice(limits, h, total_max, &g);
	else if (h->block_count)
		err = check_sized(k_max, h, pf_geometry_shards(h->frame_bytes, h->shard_bytes), &g);
	else
		err = check_stream(k_max, h, total_max, &g);
	if (!err)
		*out = g;
	return err;
}
