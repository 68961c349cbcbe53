/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Sound datagrams as a host sends them, each behind its length (u16): what comes out is
 * in order, and every number is accounted for once. */
#include <string.h>
#include "core/media/audio_order.h"
#include "core/wire/pf1_dgram.h"
#include "tests/fuzz/fuzz.h"

static void take(struct pf_audio_order *o, const uint8_t *data, size_t size)
{
	const struct pf_audio_order before = *o;
	struct pf_audio_datagram in = { 0 };
	struct pf_audio_frame out[2];
	struct pf_dgram d;
	unsigned n;

	if (pf_dgram_parse(&d, data, size))
		return;
	if (d.tag == PF_DGRAM_AUDIO)
		in = (struct pf_audio_datagram){ .seq = d.audio.seq,
			.pts_ns = d.audio.pts_ns,
			.data = d.audio.data,
			.len = d.audio.len };
	else if (d.tag == PF_DGRAM_AUDIO_REDUNDANT)
		in = (struct pf_audio_datagram){ .seq = d.redundant.seq,
			.pts_ns = d.redundant.pts_ns,
			.data = d.redundant.primary,
			.len = d.redundant.primary_len,
			.copy = d.redundant.previous,
			.copy_len = d.redundant.previous_len };
	n = pf_audio_order_take(o, &in, out);
	FUZZ_CHECK(n <= 2);
	for (unsigned i = 0; i < n; i++) {
		FUZZ_CHECK(out[i].len && out[i].data >= data &&
			   out[i].data + out[i].len <= data + size);
		FUZZ_CHECK(out[i].from_copy == (n == 2 && i == 0));
		FUZZ_CHECK(out[i].seq == in.seq - (n - 1 - i));
	}
	if (!n) {
		FUZZ_CHECK(o->last == before.last && o->frames == before.frames);
		return;
	}
	FUZZ_CHECK(o->last == in.seq && o->started);
	if (before.started)
		FUZZ_CHECK(o->frames - before.frames + (o->lost - before.lost) ==
			   (uint32_t)(in.seq - before.last));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pf_audio_order o = { 0 };

	while (size >= 2) {
		size_t len = (size_t)data[0] | (size_t)data[1] << 8;

		data += 2;
		size -= 2;
		if (len > size)
			len = size;
		take(&o, data, len);
		data += len;
		size -= len;
	}
	return 0;
}
