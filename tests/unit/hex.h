/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* hex.h - test vectors written as hex text; spaces are allowed between bytes. */
#pragma once
#include <stddef.h>
#include <stdint.h>

static inline int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Bytes written. Fails the test on malformed text or lack of room. */
static inline size_t hex_bytes(const char *text, uint8_t *out, size_t cap)
{
	size_t n = 0;

	while (*text) {
		int hi, lo;

		if (*text == ' ') {
			text++;
			continue;
		}
		hi = hex_digit(text[0]);
		lo = hi < 0 ? -1 : hex_digit(text[1]);
		assert_true(hi >= 0 && lo >= 0 && n < cap);
		out[n++] = (uint8_t)(hi << 4 | lo);
		text += 2;
	}
	return n;
}
