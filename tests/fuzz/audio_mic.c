/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A client's microphone: operations of one byte, with a datagram behind those that bring
 * one. The sound stays sound, what waits stays bounded, every packet is counted once. */
#include <math.h>
#include "core/base/clock.h"
#include "core/wire/pf1_dgram.h"
#include "host/audio/mic.h"
#include "host/audio/mic_buffer.h"
#include "tests/fuzz/fuzz.h"

#define STEPS 400

static void put(struct pf_mic *m, const uint8_t *data, size_t size, uint64_t now_ns, uint64_t *came)
{
	struct pf_dgram d;

	if (pf_dgram_parse(&d, data, size) || d.tag != PF_DGRAM_MIC)
		return;
	pf_mic_put(m, d.audio.seq, d.audio.data, d.audio.len, now_ns);
	++*came;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t now_ns = PF_NS_PER_S, came = 0;
	struct pf_mic_stats st;
	struct pf_mic *m;
	float pcm[480];

	if (pf_mic_open(&m, NULL))
		return 0;
	for (unsigned i = 0; size && i < STEPS; i++) {
		const uint8_t op = *data++;
		size_t len;

		size--;
		now_ns += (op >> 2) * PF_NS_PER_MS;
		if (op & 1) {
			const unsigned n = op & 2 ? 480 : 240;

			pf_mic_pull(m, pcm, n, now_ns);
			for (unsigned j = 0; j < n; j++)
				FUZZ_CHECK(fabsf(pcm[j]) <= 1);
			continue;
		}
		if (!size)
			break;
		/* Bit 1: a long one. */
		len = *data++ << (op & 2 ? 3 : 0);
		size--;
		if (len > size)
			len = size;
		put(m, data, len, now_ns, &came);
		data += len;
		size -= len;
	}
	pf_mic_get_stats(m, &st);
	FUZZ_CHECK(st.packets + st.invalid + st.refused == came);
	FUZZ_CHECK(st.played <= st.packets && st.late <= st.packets);
	FUZZ_CHECK(st.delay_ms <= PF_MIC_DEPTH_MAX * 60);
	pf_mic_close(&m);
	return 0;
}
