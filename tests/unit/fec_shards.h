/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* fec_shards.h - blocks of shards for the tests of both codes.
 *
 * Every shard is an allocation of its exact size, so that a sanitizer sees any
 * byte read or written outside of it. */
#pragma once
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "tests/unit/rng.h"

#define UNTOUCHED 0xee

struct block {
	uint32_t k, m, bytes;
	uint8_t **data, **parity, **out;
	const uint8_t **received; /* k data shards, then m parity shards */
};

/* A block as it arrives: NULL where a shard is lost. */
struct received {
	const uint8_t *const *data, *const *parity;
};

static uint64_t rng;

static inline uint8_t **shards(uint32_t n, uint32_t bytes)
{
	uint8_t **s = calloc(n + 1, sizeof(*s));

	assert_non_null(s);
	for (uint32_t i = 0; i < n; i++) {
		s[i] = malloc(bytes);
		assert_non_null(s[i]);
		memset(s[i], UNTOUCHED, bytes);
	}
	return s;
}

static inline void shards_free(uint8_t **s, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		free(s[i]);
	free(s);
}

/* Random data, parity still to make. */
static inline void block_init(struct block *b, uint32_t k, uint32_t m, uint32_t bytes)
{
	*b = (struct block){ k, m, bytes, shards(k, bytes), shards(m, bytes), shards(k, bytes),
		calloc(k + m, sizeof(*b->received)) };
	assert_non_null(b->received);
	for (uint32_t i = 0; i < k; i++)
		rng_fill(&rng, b->data[i], bytes);
}

static inline void block_finish(struct block *b)
{
	shards_free(b->data, b->k);
	shards_free(b->parity, b->m);
	shards_free(b->out, b->k);
	free(b->received);
}

static inline const uint8_t *const *in(uint8_t **s)
{
	return (const uint8_t *const *)s;
}

/* `lost` has k + m flags. */
static inline struct received receive(struct block *b, const bool *lost)
{
	for (uint32_t i = 0; i < b->k; i++) {
		b->received[i] = lost[i] ? NULL : b->data[i];
		memset(b->out[i], UNTOUCHED, b->bytes);
	}
	for (uint32_t j = 0; j < b->m; j++)
		b->received[b->k + j] = lost[b->k + j] ? NULL : b->parity[j];
	return (struct received){ b->received, b->received + b->k };
}

/* After a decode that returned r: what was lost is back, nothing else is written.
 * Returns r. */
static inline int check_recovered(const struct block *b, const struct received *in, int r)
{
	for (uint32_t i = 0; i < b->k; i++) {
		if (r == 0 && !in->data[i])
			assert_memory_equal(b->out[i], b->data[i], b->bytes);
		else
			for (uint32_t at = 0; at < b->bytes; at++)
				assert_int_equal(b->out[i][at], UNTOUCHED);
	}
	return r;
}

/* What decoding has to return when the shards of the bits in `lost` are gone. */
static inline int expect(uint32_t k, uint32_t m, uint32_t lost)
{
	uint32_t data = lost & ((1u << k) - 1);

	return !data || __builtin_popcount(lost) <= (int)m ? 0 : -ENODATA;
}

/* Flags e data shards and all but e parity shards, at random. */
static inline void lose_random(const struct block *b, uint32_t e, bool *lost)
{
	memset(lost, 0, b->k + b->m);
	for (uint32_t n = 0; n < e;) {
		uint32_t i = rng_below(&rng, b->k);

		n += !lost[i];
		lost[i] = true;
	}
	for (uint32_t n = e; n < b->m;) {
		uint32_t j = b->k + rng_below(&rng, b->m);

		n += !lost[j];
		lost[j] = true;
	}
}
