/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* ANNOUNCE: what is accepted stays in the bounds that the session relies on, and
 * builds to text that means the same. DESCRIBE: read by substring, never beyond. */
#include <errno.h>
#include <string.h>
#include "core/wire/gs_sdp.h"
#include "tests/fuzz/fuzz.h"

static void check_announce(const uint8_t *data, size_t size)
{
	static char first[8192], second[8192];
	struct pf_gs_announce a, b;
	struct pf_reason why = { 0 };
	uint32_t kbps;
	int len;

	if (pf_gs_announce_parse(&a, data, size, &why)) {
		FUZZ_CHECK(why.code == -EINVAL && why.text[0]);
		return;
	}
	FUZZ_CHECK(a.packet_size >= 512 && a.packet_size <= 1456 && a.packet_size % 16 == 0);
	FUZZ_CHECK(a.width >= 64 && a.height >= 64 && a.height % 2 == 0);
	FUZZ_CHECK(a.fps_mhz >= 990 && a.fps_mhz <= 484800);
	FUZZ_CHECK(a.channels == 2 || a.channels == 6 || a.channels == 8);
	FUZZ_CHECK(a.packet_duration_ms == 5 || a.packet_duration_ms == 10);
	FUZZ_CHECK(a.slices >= 1 && a.slices <= 16 && a.min_fec_packets <= 16);
	for (unsigned fec = 0; fec < 300; fec += 50) {
		kbps = pf_gs_announce_encoder_kbps(&a, fec, fec & 4);
		FUZZ_CHECK(kbps >= 250 && kbps <= 500000);
	}
	len = pf_gs_announce_build(&a, "10.0.0.2", 47998, first, sizeof(first));
	FUZZ_CHECK(len > 0);
	FUZZ_CHECK(!pf_gs_announce_parse(&b, first, (size_t)len, NULL));
	FUZZ_CHECK(pf_gs_announce_build(&b, "10.0.0.2", 47998, second, sizeof(second)) == len);
	FUZZ_CHECK(!memcmp(first, second, (size_t)len));
	FUZZ_CHECK(
		pf_gs_announce_build(&a, "10.0.0.2", 47998, second, (size_t)len - 1) == -ENOBUFS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pf_gs_describe d;
	struct pf_gs_opus_layout l;

	check_announce(data, size);
	if (!pf_gs_describe_parse(&d, data, size))
		FUZZ_CHECK(d.modes & PF_GS_MODE_H264);
	for (unsigned i = 0; i < 4; i++)
		if (!pf_gs_describe_layout(&l, data, size, i & 2 ? 8 : 6, i & 1))
			for (unsigned c = 0; c < 8; c++)
				FUZZ_CHECK(l.mapping[c] <= 9 && l.streams <= 9);
	return 0;
}
