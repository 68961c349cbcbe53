/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* gf16_field.h - single elements of GF(2^16); private to core/fec.
 *
 * An element is written either in Cantor coordinates (the wire, and the number
 * of an evaluation point) or in tower form lo | hi << 8 (what the kernels
 * multiply by); below 256 both are the same. Logs are 0..65534. */
#pragma once
#include <stdint.h>

#include "core/fec/tables.h"

#define PF_GF16_ORDER 65535u

static inline uint32_t pf_gf16_map(const struct pf_gf16_map *map, uint32_t byte)
{
	return map->nib[byte & 15] ^ map->nib[16 + (byte >> 4)];
}

static inline uint32_t pf_gf16_to_tower(uint32_t coord)
{
	uint32_t hi = coord >> 8;

	return ((coord & 255) ^ pf_gf16_map(&pf_gf16_tower.in_lo, hi)) |
	       pf_gf16_map(&pf_gf16_tower.in_hi, hi) << 8;
}

/* theta^2 * byte less theta * byte. */
static inline uint32_t pf_gf16_theta2(uint32_t byte)
{
	const uint8_t *nib = pf_gf16_sub.nib[pf_gf16_tower.theta2];

	return nib[byte & 15] ^ nib[16 + (byte >> 4)];
}

/* x + y of two logs, both below the order. */
static inline uint32_t pf_gf16_log_add(uint32_t x, uint32_t y)
{
	uint32_t s = x + y;

	return s >= PF_GF16_ORDER ? s - PF_GF16_ORDER : s;
}

static inline uint32_t pf_gf16_log_sub(uint32_t x, uint32_t y)
{
	return x >= y ? x - y : x + PF_GF16_ORDER - y;
}

/* Log of a non-zero element in coordinates: lo + theta*hi = hi * (lo/hi + theta),
 * and a subfield element's log is 257 times its log there. */
static inline uint32_t pf_gf16_log(uint32_t coord)
{
	const struct pf_gf256 *f = &pf_gf16_sub;
	uint32_t t = pf_gf16_to_tower(coord), lo = t & 255, hi = t >> 8, ratio;

	if (!hi)
		return 257u * f->log[lo];
	ratio = lo ? f->exp[f->log[lo] + 255 - f->log[hi]] : 0;
	return pf_gf16_log_add(257u * f->log[hi], pf_gf16_tower.log1[ratio]);
}

/* The element with that log, in tower form. */
static inline uint32_t pf_gf16_exp(uint32_t log)
{
	uint32_t high = log / 257, low = log % 257;

	return pf_gf16_sub.exp[pf_gf16_tower.exp257_lo[low] + high] |
	       (uint32_t)pf_gf16_sub.exp[pf_gf16_tower.exp257_hi[low] + high] << 8;
}
