/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/media/audio_order.h"

unsigned pf_audio_order_take(
	struct pf_audio_order *o, const struct pf_audio_datagram *d, struct pf_audio_frame out[2])
{
	/* The first frame has nothing before it that could be missing. */
	const uint32_t ahead = o->started ? d->seq - o->last : 1;
	unsigned n = 0;

	if (!d->len)
		return 0;
	if (!ahead || ahead > INT32_MAX) {
		o->late++;
		return 0;
	}
	if (ahead >= 2 && d->copy_len)
		out[n++] = (struct pf_audio_frame){
			.seq = d->seq - 1,
			.pts_ns = d->pts_ns - PF_AUDIO_FRAME_NS,
			.data = d->copy,
			.len = d->copy_len,
			.from_copy = true,
		};
	o->recovered += n;
	o->lost += ahead - 1 - n;
	out[n++] = (struct pf_audio_frame){
		.seq = d->seq, .pts_ns = d->pts_ns, .data = d->data, .len = d->len
	};
	o->frames += n;
	o->started = true;
	o->last = d->seq;
	return n;
}
