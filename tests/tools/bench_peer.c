/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Our own plain C code as a peer of pf-bench; with WRONG_PARITY or WRONG_DATA one
 * byte of what it makes is not what it should be. */
#include <stdlib.h>
#include "core/base/cpu.h"
#include "core/fec/gf16.h"
#include "tools/bench/peer.h"

#ifndef WRONG_PARITY
#define WRONG_PARITY 0
#endif
#ifndef WRONG_DATA
#define WRONG_DATA 0
#endif

struct peer {
	struct pf_gf16_ctx *ctx;
	uint32_t k, m, bytes;
};

static void *open_peer(uint32_t k, uint32_t m, size_t bytes)
{
	const struct pf_gf16_limits limits = { k, m, (uint32_t)bytes };
	struct peer *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	*p = (struct peer){ .k = k, .m = m, .bytes = (uint32_t)bytes };
	pf_cpu_set_mask(0); /* that of this library's own copy of core/ */
	if (pf_gf16_create(&limits, &p->ctx) < 0) {
		free(p);
		return NULL;
	}
	return p;
}

static void close_peer(void *peer)
{
	struct peer *p = peer;

	pf_gf16_destroy(p->ctx);
	free(p);
}

static int encode(void *peer, const uint8_t *const *data, uint8_t *const *parity)
{
	struct peer *p = peer;
	int r = pf_gf16_encode(p->ctx, p->k, p->m, p->bytes, data, parity);

	parity[p->m - 1][p->bytes - 1] ^= WRONG_PARITY;
	return r;
}

static int decode(
	void *peer, const uint8_t *const *data, const uint8_t *const *parity, uint8_t *const *out)
{
	struct peer *p = peer;
	int r = pf_gf16_decode(p->ctx, p->k, p->m, p->bytes, data, parity, out);
	uint32_t i = 0;

	while (data[i])
		i++;
	out[i][0] ^= WRONG_DATA;
	return r;
}

#pragma GCC visibility push(default)
const struct pf_bench_peer pf_bench_peer = { PF_BENCH_PEER_VERSION, "plain", 16, open_peer,
	close_peer, encode, decode };
#pragma GCC visibility pop
