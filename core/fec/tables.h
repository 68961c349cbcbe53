/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* tables.h - constants of the two fields, written by gen_tables.py.
 *
 * One map of eight bits comes in two forms: `nib`, sixteen images of the low
 * nibble then sixteen of the high one (byte shuffles, plain look-ups), and
 * `affine`, the matrix GF2P8AFFINEQB takes. Every `nib` is aligned for a vector
 * load. Read-only, any thread. */
#pragma once
#include <stdint.h>

#define PF_GF256_NO_LOG 512 /* stands for the log of 0: it and any log give exp 0 */

struct pf_gf256 {
	uint8_t nib[256][32]; /* product by the constant c, or quotient */
	uint64_t affine[256];
	/* Two periods, so that a sum of two logs needs no reduction; then zeros. */
	uint8_t exp[PF_GF256_NO_LOG + 256];
	uint8_t log[256]; /* log[0] is 0 and means nothing */
} __attribute__((aligned(64)));

/* GF(2^8) over 0x11D: GameStream. Its maps divide by c, since the factors of a Cauchy
 * matrix are quotients; division by 0 gives 0. */
extern const struct pf_gf256 pf_gf8_field;
/* The subfield of GF(2^16) with Cantor coordinates 0-255, in these coordinates. */
extern const struct pf_gf256 pf_gf16_sub;

struct pf_gf16_map {
	uint8_t nib[32];
	uint64_t affine;
} __attribute__((aligned(32)));

/* GF(2^16) as lo + theta*hi over pf_gf16_sub, theta = the element with
 * coordinates 0x100. To the tower: lo = w_lo + in_lo(w_hi), hi = in_hi(w_hi);
 * back: w_lo = lo + out_lo(hi), w_hi = out_hi(hi). */
struct pf_gf16_tower {
	struct pf_gf16_map in_lo, in_hi, out_lo, out_hi;
	uint8_t theta2;	    /* theta^2 = theta + theta2 */
	uint16_t log1[256]; /* log of r + theta; generator g with g^257 that of pf_gf16_sub */
	/* Logs, in pf_gf16_sub, of the halves of g^0 .. g^256; PF_GF256_NO_LOG where 0. */
	uint16_t exp257_lo[257], exp257_hi[257];
} __attribute__((aligned(64)));
extern const struct pf_gf16_tower pf_gf16_tower;
