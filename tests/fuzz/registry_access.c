/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The file of allowed clients: what is found was really asked for. */
#include <string.h>
#include "core/wire/pf1_handshake.h"
#include "host/registry/access.h"
#include "tests/fuzz/fuzz.h"

static void bad(void *user, unsigned line, const char *text)
{
	FUZZ_CHECK(line > 0 && *text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pf_access_entry e;
	uint8_t fp[32];
	char hex[65];

	/* The first 32 bytes are whom to look for. */
	if (size < 32)
		return 0;
	memcpy(fp, data, 32);
	memset(&e, 0xee, sizeof(e));
	if (!pf_access_find(&e, data + 32, size - 32, fp, bad, NULL)) {
		FUZZ_CHECK(!memcmp(e.fingerprint, fp, 32));
		FUZZ_CHECK(!(e.grants & ~(uint32_t)PF_GRANT_ALL));
		FUZZ_CHECK(memchr(e.label, 0, sizeof(e.label)));
	}
	/* Its own name is always found. */
	pf_access_format(fp, hex);
	FUZZ_CHECK(!pf_access_find(&e, (const uint8_t *)hex, 64, fp, NULL, NULL));
	FUZZ_CHECK(e.grants == PF_GRANT_ALL);
	return 0;
}
