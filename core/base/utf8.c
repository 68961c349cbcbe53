/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/base/utf8.h"
#include <string.h>

/* Bytes of the character at s, or 0 if malformed; *bad = length of the malformed
 * part (the bytes a decoder could have accepted so far, at least one). */
static size_t char_len(const uint8_t *s, size_t left, size_t *bad)
{
	uint8_t lo = 0x80, hi = 0xbf;
	size_t n, i;

	*bad = 1;
	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf) {
		n = 2;
	} else if (s[0] >= 0xe0 && s[0] <= 0xef) {
		n = 3;
		if (s[0] == 0xe0)
			lo = 0xa0; /* overlong */
		if (s[0] == 0xed)
			hi = 0x9f; /* surrogates */
	} else if (s[0] >= 0xf0 && s[0] <= 0xf4) {
		n = 4;
		if (s[0] == 0xf0)
			lo = 0x90; /* overlong */
		if (s[0] == 0xf4)
			hi = 0x8f; /* above 10ffff */
	} else {
		return 0;
	}
	for (i = 1; i < n && i < left; i++) {
		if (s[i] < lo || s[i] > hi)
			break;
		lo = 0x80;
		hi = 0xbf;
	}
	if (i == n)
		return n;
	*bad = i;
	return 0;
}

bool pf_utf8_valid(const void *s, size_t len)
{
	const uint8_t *p = s;
	size_t bad;

	for (size_t i = 0, n; i < len; i += n) {
		n = char_len(p + i, len - i, &bad);
		if (!n)
			return false;
	}
	return true;
}

size_t pf_utf8_cut(const void *s, size_t len, size_t max)
{
	const uint8_t *p = s;

	if (len <= max)
		return len;
	for (len = max; len > 0 && (p[len] & 0xc0) == 0x80;)
		len--;
	return len;
}

size_t pf_utf8_repair(char *out, size_t cap, const void *s, size_t len)
{
	const uint8_t *p = s;
	size_t used = 0;

	for (size_t i = 0, n, bad; i < len; i += n ? n : bad) {
		const void *from = p + i;
		size_t add;

		n = char_len(p + i, len - i, &bad);
		add = n;
		if (!n || !p[i]) {
			from = "\xef\xbf\xbd";
			add = 3;
		}
		if (add >= cap - used)
			break;
		memcpy(out + used, from, add);
		used += add;
	}
	out[used] = 0;
	return used;
}

size_t pf_utf8_printable(char *out, size_t cap, const void *s, size_t len)
{
	size_t n = pf_utf8_repair(out, cap, s, len);

	for (unsigned char *p = (unsigned char *)out; *p; p++) {
		if (*p < 0x20 || *p == 0x7f)
			*p = '?';
		if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0)
			p[0] = p[1] = '?';
	}
	return n;
}

size_t pf_utf8_decode(const void *s, size_t len, uint32_t *code)
{
	const uint8_t *p = s;
	size_t bad, n = char_len(p, len, &bad);
	uint32_t c;

	if (!n)
		return 0;
	c = n == 1 ? p[0] : p[0] & (0x7f >> n);
	for (size_t i = 1; i < n; i++)
		c = c << 6 | (p[i] & 0x3f);
	*code = c;
	return n;
}
