/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* spake2_side: one side of many exchanges, for spake2_peer.py.
 *
 * A line "A|B PASSWORD IDA IDB" (hex but the side) is answered with our message; the
 * next line is the other side's message, answered with the key or "refused". */
#include <stdio.h>
#include <string.h>
#include "core/crypto/spake2.h"

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Bytes, or -1. */
static int unhex(const char *text, uint8_t *out, size_t cap)
{
	size_t n = 0;

	for (; text[0]; text += 2, n++) {
		if (n == cap || digit(text[0]) < 0 || digit(text[1]) < 0)
			return -1;
		out[n] = (uint8_t)(digit(text[0]) << 4 | digit(text[1]));
	}
	return (int)n;
}

static void say(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		printf("%02x", p[i]);
	puts("");
	fflush(stdout);
}

int main(void)
{
	char line[512], side[2], hex[3][140];
	uint8_t bytes[3][70], key[PF_SPAKE2_KEY_BYTES];

	while (fgets(line, sizeof(line), stdin)) {
		struct pf_spake2_text t[3];
		struct pf_spake2 s;
		int n;

		if (sscanf(line, "%1s %139s %139s %139s", side, hex[0], hex[1], hex[2]) != 4)
			return 2;
		for (unsigned i = 0; i < 3; i++) {
			n = unhex(hex[i], bytes[i], sizeof(bytes[i]));
			if (n < 0)
				return 2;
			t[i] = (struct pf_spake2_text){ bytes[i], (size_t)n };
		}
		if (pf_spake2_start(
			    &s, side[0] == 'A' ? PF_SPAKE2_A : PF_SPAKE2_B, t[0], t[1], t[2], NULL))
			return 3;
		say(s.message, sizeof(s.message));
		if (!fgets(line, sizeof(line), stdin))
			return 2;
		line[strcspn(line, "\n")] = 0;
		n = unhex(line, bytes[0], sizeof(bytes[0]));
		if (n < 0)
			return 2;
		if (pf_spake2_finish(&s, bytes[0], (size_t)n, key)) {
			puts("refused");
			fflush(stdout);
		} else {
			say(key, sizeof(key));
		}
	}
	return 0;
}
