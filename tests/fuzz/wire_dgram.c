/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* QUIC datagrams: what parses builds, and the built form is a fixed point. */
#include <errno.h>
#include <string.h>
#include "core/wire/pf1_dgram.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t first[1 << 17], second[1 << 17];
	struct pf_dgram d;
	int err = pf_dgram_parse(&d, data, size);
	int len;

	FUZZ_CHECK(err == 0 || err == -EPROTO);
	if (err || size > sizeof(first) - 64)
		return 0;
	len = pf_dgram_build(&d, first, sizeof(first));
	FUZZ_CHECK(len > 0);
	FUZZ_CHECK(pf_dgram_parse(&d, first, (size_t)len) == 0);
	FUZZ_CHECK(pf_dgram_build(&d, second, sizeof(second)) == len);
	FUZZ_CHECK(!memcmp(first, second, (size_t)len));
	FUZZ_CHECK(pf_dgram_build(&d, second, (size_t)len - 1) == -ENOBUFS);
	return 0;
}
