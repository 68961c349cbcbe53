/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* fec_poly.h - both fields by their definition, slow and without any table of
 * core/fec: what the code under test is compared with. */
#pragma once
#include <stdint.h>

static inline uint32_t poly_product(uint32_t a, uint32_t b, uint32_t poly, int bits)
{
	uint32_t r = 0;

	for (; b; b >>= 1) {
		if (b & 1)
			r ^= a;
		a <<= 1;
		if (a >> bits)
			a ^= poly;
	}
	return r;
}

/* GF(2^8) of GameStream. */
static inline uint32_t poly_mul8(uint32_t a, uint32_t b)
{
	return poly_product(a, b, 0x11d, 8);
}

static inline uint32_t poly_inv8(uint32_t a)
{
	uint32_t r = 1;

	for (int i = 0; i < 254; i++)
		r = poly_mul8(r, a);
	return r;
}

/* GF(2^16) of Leopard: an element is written in coordinates of this basis. */
static const uint16_t poly_basis[16] = { 0x0001, 0xacca, 0x3c0e, 0x163e, 0xc582, 0xed2e, 0x914c,
	0x4012, 0x6c98, 0x10d8, 0x6a72, 0xb900, 0xfdb8, 0xfb34, 0xff38, 0x991e };

static inline uint32_t poly_element(uint32_t coord)
{
	uint32_t e = 0;

	for (int i = 0; i < 16; i++)
		e ^= coord >> i & 1 ? poly_basis[i] : 0;
	return e;
}

static inline uint32_t poly_coord(uint32_t element)
{
	static uint16_t coord[65536];

	if (!coord[1])
		for (uint32_t c = 0; c < 65536; c++)
			coord[poly_element(c)] = (uint16_t)c;
	return coord[element];
}

static inline uint32_t poly_mul16(uint32_t a, uint32_t b)
{
	return poly_coord(poly_product(poly_element(a), poly_element(b), 0x1002d, 16));
}

static inline uint32_t poly_inv16(uint32_t a)
{
	uint32_t r = 1, square = a;

	/* a^65534 */
	for (int i = 1; i < 16; i++) {
		square = poly_mul16(square, square);
		r = poly_mul16(r, square);
	}
	return r;
}
