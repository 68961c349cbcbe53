/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* client_audio.c - sound from the host, the microphone to it. */
#include <errno.h>
#include <string.h>
#include "core/base/clock.h"
#include "core/session/client_impl.h"

#define MIC_PACKET_MAX 1275 /* the most that one Opus packet takes */

void pf_client_audio(struct pf_client *c, const struct pf_dgram *d)
{
	struct pf_audio_datagram in = { .seq = d->audio.seq,
		.pts_ns = d->audio.pts_ns,
		.data = d->audio.data,
		.len = d->audio.len };
	struct pf_audio_frame out[2];
	unsigned n;

	if (d->tag == PF_DGRAM_AUDIO_REDUNDANT)
		in = (struct pf_audio_datagram){ .seq = d->redundant.seq,
			.pts_ns = d->redundant.pts_ns,
			.data = d->redundant.primary,
			.len = d->redundant.primary_len,
			.copy = d->redundant.previous,
			.copy_len = d->redundant.previous_len };
	if (in.len > PF_DGRAM_MAX_LEN || in.copy_len > PF_DGRAM_MAX_LEN)
		return;
	pthread_mutex_lock(&c->lock);
	n = pf_audio_order_take(&c->audio_order, &in, out);
	pthread_mutex_unlock(&c->lock);
	for (unsigned i = 0; i < n; i++) {
		struct pf_audio_slot slot = { .seq = out[i].seq,
			.len = (uint32_t)out[i].len,
			.flags = out[i].from_copy ? PUNKTFUNK_AUDIO_RECOVERED : 0,
			.pts_unix_ns = out[i].pts_ns };

		memcpy(slot.data, out[i].data, out[i].len);
		pf_queue_put(&c->audio, &slot);
	}
}

int pf_client_next_audio(struct pf_client *c, PunktfunkAudio *out, uint32_t timeout_ms)
{
	const uint32_t expect = c->audio_out.seq + 1;
	const bool first = !c->audio_out.len;
	int err = pf_queue_take(&c->audio, &c->audio_out, timeout_ms);

	if (err)
		return err;
	*out = (PunktfunkAudio){
		.struct_size = sizeof(*out),
		.seq = c->audio_out.seq,
		.data = c->audio_out.data,
		.size = c->audio_out.len,
		.pts_unix_ns = c->audio_out.pts_unix_ns,
		/* What our own queue dropped is missing, too. */
		.lost = first ? 0 : c->audio_out.seq - expect,
		.flags = c->audio_out.flags,
	};
	return 0;
}

int pf_client_send_mic(struct pf_client *c, const uint8_t *opus, size_t len, uint64_t pts_unix_ns)
{
	struct pf_dgram d = { .tag = PF_DGRAM_MIC };
	uint8_t buf[PF_DGRAM_MAX_LEN];
	int n;

	if (!len || len > MIC_PACKET_MAX)
		return -EINVAL;
	d.audio.seq = (uint32_t)atomic_fetch_add_explicit(&c->mic_seq, 1, memory_order_relaxed);
	d.audio.pts_ns = pts_unix_ns;
	d.audio.data = opus;
	d.audio.len = len;
	n = pf_dgram_build(&d, buf, sizeof(buf));
	return n < 0 ? n : pf_quic_conn_datagram(pf_client_conn(c), buf, (size_t)n);
}

void pf_client_audio_stats(struct pf_client *c, PunktfunkStats *out)
{
	pthread_mutex_lock(&c->lock);
	out->audio_frames = c->audio_order.frames;
	out->audio_recovered = c->audio_order.recovered;
	out->audio_lost = c->audio_order.lost;
	out->audio_late = c->audio_order.late;
	out->mic_packets = atomic_load_explicit(&c->mic_seq, memory_order_relaxed);
	pthread_mutex_unlock(&c->lock);
}
