/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Input events: what parses builds, the built form is a fixed point, and the
 * channel is one that exists. */
#include <errno.h>
#include <string.h>
#include "core/wire/gs_control.h"
#include "core/wire/gs_input.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t first[PF_GS_TEXT_MAX + 64], second[PF_GS_TEXT_MAX + 64];
	struct pf_gs_input in;
	int err = pf_gs_input_parse(&in, data, size);
	int len;

	FUZZ_CHECK(err == 0 || err == -EPROTO || err == -ENOTSUP);
	if (err)
		return 0;
	FUZZ_CHECK(pf_gs_input_channel(&in) < PF_GS_CHANNEL_COUNT);
	len = pf_gs_input_build(&in, first, sizeof(first));
	FUZZ_CHECK(len == (int)size);
	FUZZ_CHECK(!pf_gs_input_parse(&in, first, (size_t)len));
	FUZZ_CHECK(pf_gs_input_build(&in, second, sizeof(second)) == len);
	FUZZ_CHECK(!memcmp(first, second, (size_t)len));
	FUZZ_CHECK(pf_gs_input_build(&in, second, (size_t)len - 1) == -ENOBUFS);
	return 0;
}
