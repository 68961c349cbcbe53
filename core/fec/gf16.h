/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* gf16.h - the erasure code of punktfunk/1: Leopard over GF(2^16), both rates.
 *
 * A block is k data shards and m parity shards of the same even size; any k of
 * the k + m give the data back. Shards are borrowed for the call, lie anywhere,
 * need no alignment and do not overlap; parity and recovered data are written
 * straight to where the caller wants them.
 *
 * A context holds scratch and tables for the largest block it was made for;
 * nothing but create allocates. One context serves one thread at a time, for
 * encoding and decoding alike. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pf_gf16_ctx;

struct pf_gf16_limits {
	uint32_t data_max; /* shards of one block */
	uint32_t parity_max;
	uint32_t shard_bytes_max;
};

/** Whether the code has a block of k data and m parity shards: k >= 1, and both
 * fit the 65,536 points of the field (p2(m) + k or p2(k) + m, by the rate). */
bool pf_gf16_fits(uint32_t k, uint32_t m);

/** 0, -EINVAL for limits no block can have, -ENOMEM. */
int pf_gf16_create(const struct pf_gf16_limits *limits, struct pf_gf16_ctx **out);
/** Takes NULL. */
void pf_gf16_destroy(struct pf_gf16_ctx *ctx);
/** Name of the kernels this context runs on, a static string. */
const char *pf_gf16_kernel_name(const struct pf_gf16_ctx *ctx);

/** Writes parity[0..m-1] from data[0..k-1]; m may be 0. RT safe. -EINVAL, with
 * nothing written, when k, m or shard_bytes lie outside the code or the limits
 * (shard_bytes: even, at least 2). */
int pf_gf16_encode(struct pf_gf16_ctx *ctx, uint32_t k, uint32_t m, uint32_t shard_bytes,
	const uint8_t *const *data, uint8_t *const *parity);

/* The same in pieces, for a frame that is still being made: begin, then add
 * each of the k data shards once in order as it completes, then finish. Added
 * shards stay borrowed until finish returns. Begin drops an unfinished block,
 * and so does pf_gf16_encode or pf_gf16_decode on the same context. */

/** 0, or -EINVAL as pf_gf16_encode. RT safe. */
int pf_gf16_enc_begin(struct pf_gf16_ctx *ctx, uint32_t k, uint32_t m, uint32_t shard_bytes);
/** 0, or -EINVAL when no block is begun or it has all its shards. RT safe. */
int pf_gf16_enc_add(struct pf_gf16_ctx *ctx, const uint8_t *shard);
/** Writes parity[0..m-1] and ends the block. -EINVAL when none is begun,
 * -ENODATA while shards are missing (the block stays open). RT safe. */
int pf_gf16_enc_finish(struct pf_gf16_ctx *ctx, uint8_t *const *parity);

/** Recovers every lost data shard i (data[i] == NULL) into out[i]; parity[j] is
 * NULL where parity is lost. out[i] of shards that are present is not used and
 * may be NULL. 0 also when nothing was lost. -EINVAL as pf_gf16_encode or when
 * an out buffer is missing, -ENODATA when fewer than k shards are present; then
 * nothing is written. RT safe. */
int pf_gf16_decode(struct pf_gf16_ctx *ctx, uint32_t k, uint32_t m, uint32_t shard_bytes,
	const uint8_t *const *data, const uint8_t *const *parity, uint8_t *const *out);
