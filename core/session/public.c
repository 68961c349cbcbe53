/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/session/public.h"

void pf_public_sender_stats(const struct pf_sender *s, PunktfunkStats *out)
{
	struct pf_sender_stats st;

	pf_sender_stats(s, &st);
	*out = (PunktfunkStats){
		.struct_size = sizeof(*out),
		.frames = st.frames,
		.frames_dropped = st.dropped,
		.packets = st.packets,
		.packets_parity = st.packets_parity,
		.bytes = st.bytes,
		.send_errors = st.send_errors,
		.loss_ppm = st.loss_ppm,
		.fec_percent = st.fec_percent,
	};
}

void pf_public_receiver_stats(struct pf_receiver *r, PunktfunkStats *out)
{
	struct pf_receiver_stats st;

	pf_receiver_stats(r, &st);
	*out = (PunktfunkStats){
		.struct_size = sizeof(*out),
		.frames = st.frames,
		.frames_dropped = st.frames_lost + st.frames_dropped,
		.frames_repaired = st.frames_repaired,
		.frames_withheld = st.frames_withheld,
		.packets = st.packets,
		.packets_parity = st.packets_parity,
		.bytes = st.bytes,
		.shards_recovered = st.shards_recovered,
		.shards_late = st.shards_late,
		.packets_duplicate = st.packets_duplicate,
		.packets_forged = st.packets_forged,
		.packets_invalid = st.packets_invalid,
		.in_flight_bytes = st.in_flight_bytes,
		.loss_ppm = st.loss_ppm,
		.stalls = st.stalls,
		.packets_read = st.packets_read,
		.read_wakeups = st.wakeups,
		.read_messages = st.receive_messages,
		.path_lost = st.path_lost,
		.path_bursts = st.path_bursts,
		.gap_p99_us = (uint32_t)(st.gap_p99_ns / 1000),
		.path_loss_ppm = st.path_loss_ppm,
		.path_burst_x100 = st.path_burst_x100,
	};
}

void pf_public_frame(const struct pf_received_frame *f, int64_t unix_offset_ns, PunktfunkFrame *out)
{
	*out = (PunktfunkFrame){
		.struct_size = sizeof(*out),
		.frame_index = f->frame_index,
		.data = f->data,
		.size = f->len,
		.pts_unix_ns = f->pts_unix_ns,
		.first_unix_ns = f->first_ns + (uint64_t)unix_offset_ns,
		.completed_unix_ns = f->completed_ns + (uint64_t)unix_offset_ns,
		.flags = (f->user_flags & ~(uint32_t)PUNKTFUNK_FRAME_HOLD) |
			 (f->hold ? PUNKTFUNK_FRAME_HOLD : 0),
		.shards_recovered = f->shards_recovered,
	};
}
