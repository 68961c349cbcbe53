/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Control messages: what parses builds, into no more bytes than it came in, and
 * the built form is a fixed point. */
#include <errno.h>
#include <string.h>
#include "core/wire/pf1_control.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t first[1 << 17], second[1 << 17];
	struct pf_ctl m;
	int err = pf_ctl_parse(&m, data, size);
	int len;

	FUZZ_CHECK(err == 0 || err == -EPROTO || err == -EBADMSG);
	if (err)
		return 0;
	if (m.type == PF_CTL_CURSOR_SHAPE)
		FUZZ_CHECK(
			m.cursor_shape.rgba.len == (size_t)m.cursor_shape.w * m.cursor_shape.h * 4);
	len = pf_ctl_build(&m, first, sizeof(first));
	FUZZ_CHECK(len > 4 && (size_t)len <= size);
	FUZZ_CHECK(pf_ctl_parse(&m, first, (size_t)len) == 0);
	FUZZ_CHECK(pf_ctl_build(&m, second, sizeof(second)) == len);
	FUZZ_CHECK(!memcmp(first, second, (size_t)len));
	FUZZ_CHECK(pf_ctl_build(&m, second, (size_t)len - 1) == -ENOBUFS);
	FUZZ_CHECK(strcmp(pf_ctl_type_to_string((uint8_t)m.type), "?") != 0);
	return 0;
}
