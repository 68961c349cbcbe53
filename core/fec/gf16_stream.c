/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/fec/gf16_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/fec/gf16_block.h"

struct pf_gf16_stream {
	struct pf_gf16_ctx *ctx;
	bool begun;
	struct pf_gf16_shape block;
	const uint8_t **data, **parity; /* where shards lie, NULL: not here */
};

int pf_gf16_stream_create(struct pf_gf16_ctx *ctx, struct pf_gf16_stream **out)
{
	struct pf_gf16_stream *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->ctx = ctx;
	s->data = calloc(ctx->limits.data_max, sizeof(*s->data));
	s->parity = calloc(ctx->limits.parity_max + 1u, sizeof(*s->parity));
	if (!s->data || !s->parity) {
		pf_gf16_stream_destroy(s);
		return -ENOMEM;
	}
	*out = s;
	return 0;
}

void pf_gf16_stream_destroy(struct pf_gf16_stream *s)
{
	if (!s)
		return;
	free(s->data);
	free(s->parity);
	free(s);
}

int pf_gf16_stream_begin(struct pf_gf16_stream *s, uint32_t k, uint32_t m, uint32_t shard_bytes)
{
	struct pf_gf16_shape block;
	int r = pf_gf16_shape_of(s->ctx, k, m, shard_bytes, &block);

	if (r < 0)
		return r;
	s->block = block;
	s->begun = true;
	memset(s->data, 0, k * sizeof(*s->data));
	memset(s->parity, 0, m * sizeof(*s->parity));
	return 0;
}

void pf_gf16_stream_drop(struct pf_gf16_stream *s)
{
	s->begun = false;
}

int pf_gf16_stream_data(struct pf_gf16_stream *s, uint32_t i, const uint8_t *shard)
{
	if (!s->begun || i >= s->block.k)
		return -EINVAL;
	if (!s->data[i])
		s->data[i] = shard;
	return 0;
}

int pf_gf16_stream_parity(struct pf_gf16_stream *s, uint32_t j, const uint8_t *shard)
{
	if (!s->begun || j >= s->block.m)
		return -EINVAL;
	if (!s->parity[j])
		s->parity[j] = shard;
	return 0;
}

bool pf_gf16_stream_step(struct pf_gf16_stream *s)
{
	return false;
}

int pf_gf16_stream_finish(struct pf_gf16_stream *s, uint8_t *const *out)
{
	int r;

	if (!s->begun)
		return -EINVAL;
	r = pf_gf16_decode(s->ctx, s->block.k, s->block.m, s->block.bytes, s->data, s->parity, out);
	if (r == 0)
		s->begun = false;
	return r;
}
