/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A block of either code as a peer may claim it: k, m, shard size and what is
 * lost come from the input. What the code takes has to come back whole, or be
 * refused exactly when fewer than k shards are left. With STREAM the input also
 * says in which order shards arrive, and does what a caller must not. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include "core/base/bytes.h"
#include "core/fec/gf16.h"
#include "core/fec/gf16_stream.h"
#include "core/fec/gf8.h"
#include "tests/fuzz/fuzz.h"

#define SHARDS_MAX 1024 /* each side; keeps a run short */

enum { GF16, GF8, AUDIO, STREAM, CODES };

struct block {
	uint32_t k, m, bytes;
	uint8_t *data, *parity, *out; /* shards back to back, exact size */
	const uint8_t **received;
	uint8_t **to;
	bool full; /* all of the above was allocated */
};

static void block_init(struct block *b, uint32_t k, uint32_t m, uint32_t bytes, uint8_t seed)
{
	const size_t n = (size_t)k + m;

	*b = (struct block){ k, m, bytes };
	b->data = malloc((size_t)k * bytes + 1);
	b->parity = malloc((size_t)m * bytes + 1);
	b->out = malloc((size_t)k * bytes + 1);
	b->received = calloc(n + 1, sizeof(*b->received));
	b->to = calloc(n + 1, sizeof(*b->to));
	b->full = b->data && b->parity && b->out && b->received && b->to;
	if (!b->full)
		return;
	for (size_t i = 0; i < (size_t)k * bytes; i++)
		b->data[i] = (uint8_t)(seed + i * 7 + (i >> 8) * 131);
	for (uint32_t i = 0; i < k; i++)
		b->received[i] = b->data + (size_t)i * bytes;
	for (uint32_t j = 0; j < m; j++)
		b->to[j] = b->parity + (size_t)j * bytes;
}

static void block_finish(struct block *b)
{
	free(b->data);
	free(b->parity);
	free(b->out);
	free(b->received);
	free(b->to);
}

/* Takes shards away by the bits of the input; the number of data shards lost,
 * and of the parity shards left in *have. */
static uint32_t lose(struct block *b, struct pf_reader *r, uint32_t *have)
{
	uint32_t lost = 0, bits = 0;

	*have = 0;
	for (uint32_t i = 0; i < b->k + b->m; i++) {
		bool gone;

		if (i % 8 == 0)
			bits = pf_rd_u8(r);
		gone = bits >> i % 8 & 1;
		if (i < b->k) {
			b->to[i] = gone ? b->out + (size_t)i * b->bytes : NULL;
			b->received[i] = gone ? NULL : b->received[i];
			lost += gone;
		} else {
			b->received[i] = gone ? NULL : b->parity + (size_t)(i - b->k) * b->bytes;
			*have += !gone;
		}
	}
	return lost;
}

static int encode(struct pf_gf16_ctx *ctx, int code, struct block *b)
{
	switch (code) {
	case GF16:
	case STREAM:
		return pf_gf16_encode(ctx, b->k, b->m, b->bytes, b->received, b->to);
	case GF8:
		return pf_gf8_encode(b->k, b->m, b->bytes, b->received, b->to);
	default:
		return pf_gf8_audio_encode(b->bytes, b->received, b->to);
	}
}

static int decode(struct pf_gf16_ctx *ctx, int code, struct block *b)
{
	const uint8_t *const *parity = b->received + b->k;

	switch (code) {
	case GF16:
	case STREAM:
		return pf_gf16_decode(ctx, b->k, b->m, b->bytes, b->received, parity, b->to);
	case GF8:
		return pf_gf8_decode(b->k, b->m, b->bytes, b->received, parity, b->to);
	default:
		return pf_gf8_audio_decode(b->bytes, b->received, parity, b->to);
	}
}

/* Where a shard lies, or NULL where the block has no such shard. */
static const uint8_t *sent(const struct block *b, uint32_t n)
{
	return n < b->k + b->m ? (n < b->k ? b->data + (size_t)n * b->bytes
					   : b->parity + (size_t)(n - b->k) * b->bytes)
			       : NULL;
}

/* One call of the stream by two bytes of the input: mostly the next shards in
 * order, some of them lost; any shard, one out of bounds too; steps; an end
 * before its time. */
static void stream_call(
	struct pf_gf16_stream *s, struct block *b, uint32_t op, uint32_t *next, bool *here)
{
	uint32_t n = op >> 2, count = 1;

	if ((op & 3) == 0) {
		count = n & 63;
		n = *next;
		*next += count + (op >> 8 & 7);
	} else if ((op & 3) == 2) {
		for (n &= 15; n && pf_gf16_stream_step(s); n--)
			;
		return;
	} else if ((op & 3) == 3 && n & 1) {
		uint32_t have = 0;

		for (uint32_t i = 0; i < b->k + b->m; i++)
			have += here[i];
		if (have < b->k)
			FUZZ_CHECK(pf_gf16_stream_finish(s, b->to) == -ENODATA);
		return;
	}
	for (; count; count--, n++) {
		const bool data = n < b->k;
		const int r = data ? pf_gf16_stream_data(s, n, sent(b, n))
				   : pf_gf16_stream_parity(s, n - b->k, sent(b, n));

		FUZZ_CHECK(r == (n < b->k + b->m ? 0 : -EINVAL));
		if (!r)
			here[n] = true;
	}
}

static void run_stream(struct pf_gf16_ctx *ctx, struct block *b, struct pf_reader *r)
{
	const uint32_t all = b->k + b->m;
	bool *here = calloc((size_t)all + 1, sizeof(*here));
	struct pf_gf16_stream *s = NULL;
	uint32_t next = 0, have = 0;

	if (!here || pf_gf16_stream_create(ctx, &s) < 0) {
		free(here);
		return;
	}
	FUZZ_CHECK(pf_gf16_stream_finish(s, b->to) == -EINVAL);
	if (encode(ctx, STREAM, b) < 0) {
		FUZZ_CHECK(pf_gf16_stream_begin(s, b->k, b->m, b->bytes) == -EINVAL);
		FUZZ_CHECK(pf_gf16_stream_data(s, 0, b->data) == -EINVAL);
		goto done;
	}
	FUZZ_CHECK(pf_gf16_stream_begin(s, b->k, b->m, b->bytes) == 0);
	for (uint32_t i = 0; i < b->k; i++)
		b->to[i] = b->out + (size_t)i * b->bytes;
	while (r->left >= 2 && !r->err)
		stream_call(s, b, (uint32_t)pf_rd_le(r, 2), &next, here);
	for (uint32_t i = 0; i < all; i++)
		have += here[i];
	if (have < b->k) {
		FUZZ_CHECK(pf_gf16_stream_finish(s, b->to) == -ENODATA);
		goto done;
	}
	FUZZ_CHECK(pf_gf16_stream_finish(s, b->to) == 0);
	for (uint32_t i = 0; i < b->k; i++)
		if (!here[i])
			FUZZ_CHECK(!memcmp(b->to[i], sent(b, i), b->bytes));
	FUZZ_CHECK(pf_gf16_stream_data(s, 0, b->data) == -EINVAL);
done:
	pf_gf16_stream_destroy(s);
	free(here);
}

static void run(struct pf_gf16_ctx *ctx, int code, struct block *b, struct pf_reader *r)
{
	const uint32_t k = b->k, m = b->m;
	uint32_t lost, have;

	if (encode(ctx, code, b) < 0) {
		/* What may be refused, and the same on the other side. */
		FUZZ_CHECK((code != GF16 && code != STREAM) || b->bytes < 2 || b->bytes % 2 || !k ||
			   !pf_gf16_fits(k, m) || k > SHARDS_MAX / 2 || m > SHARDS_MAX / 2 ||
			   b->bytes > 128);
		FUZZ_CHECK(code != GF8 || !b->bytes || !k || k + m > PF_GF8_SHARDS_MAX);
		FUZZ_CHECK(code != AUDIO || !b->bytes);
		FUZZ_CHECK(decode(ctx, code, b) == -EINVAL);
		return;
	}
	lost = lose(b, r, &have);
	if (lost > have) {
		FUZZ_CHECK(decode(ctx, code, b) == -ENODATA);
		return;
	}
	FUZZ_CHECK(decode(ctx, code, b) == 0);
	for (uint32_t i = 0; i < k; i++)
		if (b->to[i])
			FUZZ_CHECK(!memcmp(b->to[i], b->data + (size_t)i * b->bytes, b->bytes));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pf_reader r = pf_reader(data, size);
	const struct pf_gf16_limits limits = { SHARDS_MAX / 2, SHARDS_MAX / 2, 128 };
	const int code = pf_rd_u8(&r) % CODES;
	uint32_t k = pf_rd_le(&r, 2) % SHARDS_MAX, m = pf_rd_le(&r, 2) % SHARDS_MAX;
	uint32_t bytes = pf_rd_u8(&r) % 160;
	struct pf_gf16_ctx *ctx = NULL;
	struct block b;

	if (code == AUDIO) {
		k = PF_GF8_AUDIO_DATA;
		m = PF_GF8_AUDIO_PARITY;
	}
	block_init(&b, k, m, bytes, pf_rd_u8(&r));
	if (b.full && ((code != GF16 && code != STREAM) || pf_gf16_create(&limits, &ctx) == 0)) {
		if (code == STREAM)
			run_stream(ctx, &b, &r);
		else
			run(ctx, code, &b, &r);
	}
	pf_gf16_destroy(ctx);
	block_finish(&b);
	return 0;
}
