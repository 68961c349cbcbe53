/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Hello and Start: what parses builds, and the built form is a fixed point. */
#include <string.h>
#include "core/wire/pf1_handshake.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t first[512], second[512];
	struct pf_hello m;
	struct pf_start start;
	int len;

	if (!pf_start_parse(&start, data, size)) {
		FUZZ_CHECK(pf_start_build(&start, first, sizeof(first)) == 6);
		FUZZ_CHECK(!memcmp(first, data, 6));
	}
	if (pf_hello_parse(&m, data, size))
		return 0;
	FUZZ_CHECK(strlen(m.name) <= PF_PF1_NAME_MAX && strlen(m.launch) <= PF_PF1_LAUNCH_MAX);
	len = pf_hello_build(&m, first, sizeof(first));
	FUZZ_CHECK(len > 0);
	FUZZ_CHECK(pf_hello_parse(&m, first, (size_t)len) == 0);
	FUZZ_CHECK(pf_hello_build(&m, second, sizeof(second)) == len);
	FUZZ_CHECK(!memcmp(first, second, (size_t)len));
	for (int cap = 0; cap < len; cap++)
		FUZZ_CHECK(pf_hello_build(&m, second, (size_t)cap) < 0);
	return 0;
}
