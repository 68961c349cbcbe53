/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* recorded.h - control messages that the original, release 0.31.0, sent to us.
 *
 * tests/fixtures/pf1-0.31.0-client.bin: its probe, six sessions and a pairing;
 * pf1-0.31.0-host.bin: its host. As on the stream, length u16 and message; an empty
 * one ends a session. Of the clock rounds two are kept. Assertions are the
 * including test's. */
#pragma once
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct recorded {
	uint8_t bytes[4096];
	size_t len, at;
};

static inline void recorded_open(struct recorded *r, const char *who)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/tests/fixtures/pf1-0.31.0-%s.bin",
		getenv("PF_SOURCE_ROOT"), who);
	f = fopen(path, "rb");
	assert_non_null(f);
	r->len = fread(r->bytes, 1, sizeof(r->bytes), f);
	r->at = 0;
	fclose(f);
	assert_in_range(r->len, 500, sizeof(r->bytes) - 1);
}

/* NULL at the end of the file; length 0 at the end of a session. */
static inline const uint8_t *recorded_next(struct recorded *r, size_t *len)
{
	const uint8_t *msg;

	if (r->at == r->len)
		return NULL;
	assert_in_range(r->at + 2, 0, r->len);
	*len = r->bytes[r->at] | (size_t)r->bytes[r->at + 1] << 8;
	msg = r->bytes + r->at + 2;
	r->at += 2 + *len;
	assert_in_range(r->at, 0, r->len);
	return msg;
}
