/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* rng.h - reproducible random numbers for property tests.
 *
 * The seed is fixed, so that a failure repeats; PF_TEST_SEED=N tries another. */
#pragma once
#include <stdint.h>
#include <stdlib.h>

static inline uint64_t rng_seed(void)
{
	const char *s = getenv("PF_TEST_SEED");

	return s ? strtoull(s, NULL, 0) : 1;
}

/* splitmix64 */
static inline uint64_t rng_next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

/* 0 .. n - 1 */
static inline uint32_t rng_below(uint64_t *state, uint32_t n)
{
	return (uint32_t)(rng_next(state) % n);
}

static inline void rng_fill(uint64_t *state, void *p, size_t len)
{
	uint8_t *b = p;

	while (len--)
		*b++ = (uint8_t)rng_next(state);
}
