/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Control messages of either end (first byte), and the input inside them: what
 * parses builds, and the built form is a fixed point. */
#include <errno.h>
#include <string.h>
#include "core/wire/gs_control.h"
#include "core/wire/gs_input.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t first[PF_GS_CTL_MSG_MAX], second[PF_GS_CTL_MSG_MAX];
	enum pf_gs_origin origin;
	struct pf_gs_ctl m;
	struct pf_gs_input in;
	int err, len;

	if (!size)
		return 0;
	origin = data[0] & 1 ? PF_GS_FROM_HOST : PF_GS_FROM_CLIENT;
	err = pf_gs_ctl_parse(&m, origin, data + 1, size - 1);
	FUZZ_CHECK(err == 0 || err == -EPROTO || err == -ENOTSUP);
	if (err)
		return 0;
	FUZZ_CHECK(pf_gs_ctl_origin(m.kind) == origin);
	FUZZ_CHECK(pf_gs_ctl_kind_to_string(m.kind)[0] != '?');
	if (m.kind == PF_GS_CTL_INPUT) {
		err = pf_gs_input_parse(&in, m.input.data, m.input.len);
		FUZZ_CHECK(err == 0 || err == -EPROTO || err == -ENOTSUP);
	}
	len = pf_gs_ctl_build(&m, first, sizeof(first));
	FUZZ_CHECK(len > 0);
	FUZZ_CHECK(!pf_gs_ctl_parse(&m, origin, first, (size_t)len));
	FUZZ_CHECK(pf_gs_ctl_build(&m, second, sizeof(second)) == len);
	FUZZ_CHECK(!memcmp(first, second, (size_t)len));
	FUZZ_CHECK(pf_gs_ctl_build(&m, second, (size_t)len - 1) == -ENOBUFS);
	return 0;
}
