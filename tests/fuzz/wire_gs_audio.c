/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* GameStream sound headers: what parses builds back to the same bytes. */
#include <string.h>
#include "core/wire/gs_audio.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t buf[PF_GS_AUDIO_PARITY_HDR_BYTES];
	struct pf_gs_audio_hdr h;
	size_t len;

	if (pf_gs_audio_hdr_parse(&h, data, size))
		return 0;
	len = pf_gs_audio_hdr_build(&h, buf);
	FUZZ_CHECK(len <= size && len == pf_gs_audio_hdr_bytes(&h));
	FUZZ_CHECK(!memcmp(buf, data, len));
	FUZZ_CHECK(h.parity || (!h.shard && !h.base_seq && !h.base_time_ms && !h.base_ssrc));
	return 0;
}
