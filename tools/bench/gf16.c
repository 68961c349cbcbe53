/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Shapes of frames as punktfunk/1 sends them, and losses by which the decoder
 * picks each of its methods. */
#include "core/fec/gf16.h"

#include <stdlib.h>

#include "tools/bench/fec.h"

struct context {
	struct pf_gf16_ctx *ctx;
	uint32_t k, m, bytes;
};

static void *open_ctx(uint32_t k, uint32_t m, size_t bytes)
{
	const struct pf_gf16_limits limits = { k, m, (uint32_t)bytes };
	struct context *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	*c = (struct context){ .k = k, .m = m, .bytes = (uint32_t)bytes };
	if (pf_gf16_create(&limits, &c->ctx) < 0) {
		free(c);
		return NULL;
	}
	return c;
}

static void close_ctx(void *ctx)
{
	struct context *c = ctx;

	pf_gf16_destroy(c->ctx);
	free(c);
}

static int encode(void *ctx, const uint8_t *const *data, uint8_t *const *parity)
{
	struct context *c = ctx;

	return pf_gf16_encode(c->ctx, c->k, c->m, c->bytes, data, parity);
}

static int decode(
	void *ctx, const uint8_t *const *data, const uint8_t *const *parity, uint8_t *const *out)
{
	struct context *c = ctx;

	return pf_gf16_decode(c->ctx, c->k, c->m, c->bytes, data, parity, out);
}

static const struct pf_bench_peer own = { PF_BENCH_PEER_VERSION, "ours", 16, open_ctx, close_ctx,
	encode, decode };

/* Losses: 1, 2, 1 %, 5 % of the data, all that can be mended. */
static const struct pf_bench_shape shapes[] = {
	{ 20, 4, 1408, { 1, 2, 4 }, .quick = true },
	{ 64, 13, 1408, { 1, 2, 3, 13 } },
	{ 74, 15, 1408, { 1, 2, 4, 15 } },
	{ 200, 40, 1408, { 1, 2, 10, 40 } },
	{ 230, 25, 1408, { 1, 2, 11, 25 } },
	{ 500, 10, 1408, { 1, 2, 5, 10 } },
	{ 500, 26, 1408, { 1, 2, 5, 25 } },
	{ 520, 52, 1408, { 1, 2, 5, 26, 52 } },
	{ 500, 100, 1408, { 1, 2, 5, 25, 100 } },
	{ 520, 104, 1408, { 1, 2, 5, 26, 104 } },
	{ 1000, 50, 1408, { 1, 2, 10, 50 } },
	{ 1000, 200, 1408, { 1, 2, 10, 50, 200 } },
	{ 4000, 800, 1408, { 1, 2, 40, 200, 800 } },
	{ 32768, 6554, 1408, { 0 } },
	{ 200, 40, 1024, { 1, 40 } },
	{ 500, 100, 1024, { 1, 100 } },
};

static const struct pf_bench_code code = { "gf16_encode", "gf16_decode", &own, shapes,
	sizeof(shapes) / sizeof(shapes[0]) };

int pf_bench_gf16(struct pf_bench *b)
{
	return pf_bench_fec(b, &code);
}
