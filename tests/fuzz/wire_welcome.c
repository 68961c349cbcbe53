/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Welcome: what parses builds, and the built form is a fixed point. */
#include <string.h>
#include "core/wire/pf1_handshake.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t first[256], second[256];
	struct pf_welcome m;
	int len;

	if (pf_welcome_parse(&m, data, size))
		return 0;
	len = pf_welcome_build(&m, first, sizeof(first));
	FUZZ_CHECK(len > 0);
	FUZZ_CHECK(pf_welcome_parse(&m, first, (size_t)len) == 0);
	FUZZ_CHECK(pf_welcome_build(&m, second, sizeof(second)) == len);
	FUZZ_CHECK(!memcmp(first, second, (size_t)len));
	for (int cap = 0; cap < len; cap++)
		FUZZ_CHECK(pf_welcome_build(&m, second, (size_t)cap) < 0);
	return 0;
}
