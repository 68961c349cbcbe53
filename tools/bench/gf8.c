/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Blocks as GameStream has them: no more than 255 shards. */
#include "core/fec/gf8.h"

#include <stdlib.h>

#include "core/base/cpu.h"
#include "tools/bench/fec.h"

/* This code has no context of its own and picks its row at each call. */
struct context {
	uint32_t flags;
	uint32_t k, m;
	size_t bytes;
};

static void *open_ctx(uint32_t k, uint32_t m, size_t bytes)
{
	struct context *c = calloc(1, sizeof(*c));

	if (c)
		*c = (struct context){ pf_cpu_flags(), k, m, bytes };
	return c;
}

static int encode(void *ctx, const uint8_t *const *data, uint8_t *const *parity)
{
	const struct context *c = ctx;

	pf_cpu_set_mask(c->flags);
	return pf_gf8_encode(c->k, c->m, c->bytes, data, parity);
}

static int decode(
	void *ctx, const uint8_t *const *data, const uint8_t *const *parity, uint8_t *const *out)
{
	const struct context *c = ctx;

	pf_cpu_set_mask(c->flags);
	return pf_gf8_decode(c->k, c->m, c->bytes, data, parity, out);
}

static const struct pf_bench_peer own = { PF_BENCH_PEER_VERSION, "ours", 8, open_ctx, free, encode,
	decode };

static const struct pf_bench_shape shapes[] = {
	{ 20, 4, 1408, { 1, 2, 3, 4 }, .quick = true },
	{ 64, 13, 1408, { 1, 2, 3, 4, 6, 9, 13 } },
	{ 74, 15, 1408, { 1, 2, 4, 8, 15 } },
	{ 200, 40, 1408, { 1, 2, 3, 4, 6, 8, 10, 13, 20, 30, 40 } },
	{ 230, 25, 1408, { 1, 2, 3, 4, 8, 11, 16, 25 } },
};

static const struct pf_bench_code code = { "gf8_encode", "gf8_decode", &own, shapes,
	sizeof(shapes) / sizeof(shapes[0]) };

int pf_bench_gf8(struct pf_bench *b)
{
	return pf_bench_fec(b, &code);
}
