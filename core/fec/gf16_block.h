/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* gf16_block.h - what encoder and decoder of the GF(2^16) code share; private
 * to core/fec and its tests.
 *
 * The code in one formula: with parity at points x and data at points y,
 *   parity(x) = sum over y of s / (x + y) * data(y).
 * High rate: parity at 0.., data at M.., M = p2(m), s = s_M(y), one value per
 * chunk of M data points. Low rate: data at 0.., parity at K.., K = p2(k),
 * s = s_K(x). s_N(z) has coordinates z / N. docs/transport.md tells the rest.
 *
 * All work goes by column tiles: the same groups of all shards, so few that the
 * rows at work stay in the first-level cache. */
#pragma once
#include "core/fec/gf16.h"
#include "core/fec/gf16_kernel.h"

#define PF_GF16_GROUP	   64u
#define PF_GF16_POINTS_MAX 65536u
#define PF_GF16_TILE_BYTES (32u << 10) /* rows of a tile: of a first-level cache */
#define PF_GF16_SUMS_MAX   (8u << 20)  /* of a block that is encoded in pieces */
#define PF_GF16_STEP_LEAST 16u
/* Losses the closed form may solve; its work grows with their square. Their
 * syndromes are kept for many tiles, that factors are made for many groups. */
#define PF_GF16_CLOSED_MAX     64u
#define PF_GF16_SYNDROME_BYTES (PF_GF16_CLOSED_MAX * 1536u)

struct pf_gf16_shape {
	uint32_t k, m;
	uint32_t bytes;
	uint32_t groups; /* of 64 bytes; the last one may be a tail */
	uint32_t chunk;	 /* p2(m) at the high rate, p2(k) at the low one */
	uint32_t layers; /* log2(chunk) */
	uint32_t points; /* p2() of all that are in use */
	bool low;
};

struct pf_gf16_ctx {
	struct pf_gf16_limits limits;
	const struct pf_gf16_kernel *kern;

	/* Encoder: the block begun, its data shards so far, and the sum of coefficients
	 * of the chunks that are complete. */
	struct pf_gf16_shape block;
	bool begun;
	uint32_t added, summed;
	uint32_t step; /* so many are summed up at a time; 0: all at the end */
	const uint8_t **data;
	uint8_t *sums_memory, *sums; /* sums lies within sums_memory */
	size_t sums_bytes;

	uint8_t *rows_memory, *rows; /* of one tile; rows lies within rows_memory */
	uint8_t *stage;		/* of one tile: shards that end in a tail; within rows_memory too */
	uint8_t **staged;	/* its rows */
	uint8_t *zeros;		/* a shard, for those of filled that are not here */
	const uint8_t **filled; /* data shards */
	uint16_t *logs; /* by coordinates, of all points of the largest block; logs[0] = 0 */
	uint32_t points;
	uint32_t *walsh;    /* points */
	uint32_t *spectrum; /* transform of the first spectrum_points logs */
	uint32_t spectrum_points;
	uint8_t *syndromes; /* PF_GF16_SYNDROME_BYTES; within rows_memory too */
	uint8_t *part;	    /* PF_GF16_TILE_BYTES; the same */
	uint16_t *inverse;  /* PF_GF16_CLOSED_MAX squared factors */
	uint16_t *factors;  /* of parity 0 at the high rate, points chunk..factors_end-1 */
	uint32_t factors_layers, factors_end;
	uint32_t *lost; /* data shards, ascending */
	uint32_t *got;	/* parity shards, ascending */
};

/* Groups first..first+count-1 of every shard; width = 64 * count is a row's size. */
struct pf_gf16_tile {
	uint32_t first, count;
	size_t width;
};

/** Fills `out`; -EINVAL as pf_gf16_encode. */
int pf_gf16_shape_of(const struct pf_gf16_ctx *ctx, uint32_t k, uint32_t m, uint32_t shard_bytes,
	struct pf_gf16_shape *out);
/** The next tile below the group `end`, with `rows` rows that fit the scratch; one
 * with count 0 begins at `first`. False behind the last. */
bool pf_gf16_next_tile(uint32_t end, size_t rows, struct pf_gf16_tile *t);
/** One shard's part of a tile, from the wire to the tower and back. */
void pf_gf16_load_row(const struct pf_gf16_ctx *ctx, const struct pf_gf16_shape *s,
	const struct pf_gf16_tile *t, uint8_t *row, const uint8_t *shard);
void pf_gf16_store_row(const struct pf_gf16_ctx *ctx, const struct pf_gf16_shape *s,
	const struct pf_gf16_tile *t, const uint8_t *row, uint8_t *shard);
/** sum =, or with add +=, factor (below 256) * coefficients of the chunk data[0..n-1] that begins
 * at `point`. `chunk` rows of ctx->rows behind the first as many are work. */
void pf_gf16_gather(const struct pf_gf16_ctx *ctx, const struct pf_gf16_shape *s,
	const struct pf_gf16_tile *t, uint8_t *sum, bool add, const uint8_t *const *data,
	uint32_t n, uint32_t point, uint32_t factor);
/** parity[0..n-1] = values of sum, which stays, from `point` on; the same rows are
 * work. */
void pf_gf16_scatter(const struct pf_gf16_ctx *ctx, const struct pf_gf16_shape *s,
	const struct pf_gf16_tile *t, const uint8_t *sum, uint8_t *const *parity, uint32_t n,
	uint32_t point);
/** The data shards with zeros for those that are NULL; good until the next call. */
const uint8_t *const *pf_gf16_fill_gaps(
	const struct pf_gf16_ctx *ctx, const struct pf_gf16_shape *s, const uint8_t *const *data);
/** out = sum of the data shards present, and of `first` unless NULL. */
void pf_gf16_add_up(const struct pf_gf16_ctx *ctx, const struct pf_gf16_shape *s,
	const uint8_t *const *data, const uint8_t *first, uint8_t *out);

/* The decoder encodes again what is there, but only for the lowest `wide` parity
 * points, a power of two: in parts of as many data points, tile by tile. */

/** How many are to be taken for the first `reach` parity shards, high rate. */
uint32_t pf_gf16_wide(const struct pf_gf16_shape *s, uint32_t reach);
/** pf_gf16_next_tile for it. */
bool pf_gf16_wide_tile(const struct pf_gf16_shape *s, uint32_t wide, struct pf_gf16_tile *t);
/** sum += what data[0..], the shards from number `from` on, none of them NULL, give
 * to the coefficients. */
void pf_gf16_add_part(const struct pf_gf16_ctx *ctx, const struct pf_gf16_shape *s, uint32_t wide,
	const struct pf_gf16_tile *t, uint8_t *sum, const uint8_t *const *data, uint32_t from);

/** As pf_gf16_decode. `sums`, unless NULL, holds what all parts of `wide` give: of
 * pf_gf16_wide_tile's tiles, one behind another. It is scratch then. */
int pf_gf16_decode_sums(struct pf_gf16_ctx *ctx, const struct pf_gf16_shape *s,
	const uint8_t *const *data, const uint8_t *const *parity, uint8_t *const *out,
	uint32_t wide, uint8_t *sums);

/* How a decoder works; each gives the same bytes. */
enum pf_gf16_method {
	PF_GF16_AUTO,
	PF_GF16_DIRECT,	 /* rows of the formula, closed inverse */
	PF_GF16_CLOSED,	 /* syndromes by encoding again, closed inverse; high rate */
	PF_GF16_LOCATOR, /* any number of losses */
};
/** As pf_gf16_decode, by the method given; -ENOTSUP where it cannot be had. */
int pf_gf16_decode_by(struct pf_gf16_ctx *ctx, enum pf_gf16_method method, uint32_t k, uint32_t m,
	uint32_t shard_bytes, const uint8_t *const *data, const uint8_t *const *parity,
	uint8_t *const *out);
