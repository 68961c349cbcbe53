/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Media header: what parses builds back to the same bytes, but for the version,
 * which a receiver ignores. */
#include <string.h>
#include "core/wire/pf1_media.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t buf[PF_MEDIA_HDR_BYTES];
	struct pf_media_hdr h;
	int err = pf_media_hdr_parse(&h, data, size);

	FUZZ_CHECK((err == 0) == (size >= PF_MEDIA_HDR_BYTES && data[36] == 0xc9));
	if (err)
		return 0;
	pf_media_hdr_build(&h, buf);
	FUZZ_CHECK(buf[37] == 1);
	buf[37] = data[37];
	FUZZ_CHECK(!memcmp(buf, data, sizeof(buf)));
	return 0;
}
