/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/audio/mic.h"
#include <errno.h>
#include <math.h>
#include <opus.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/clock.h"
#include "core/base/ring.h"
#include "host/audio/audio.h"
#include "host/audio/mic_buffer.h"

#define RING_PACKETS 64
#define SAMPLES_MIN  120  /* 2.5 ms */
#define SAMPLES_MAX  2880 /* 60 ms */
/* Without a pull for so long nobody listened; and packets this old say nothing. */
#define STALE_NS (200 * PF_NS_PER_MS)

struct packet {
	uint64_t at_ns;
	uint32_t seq;
	uint16_t samples, len;
	uint8_t data[PF_MIC_PACKET_MAX];
};

struct pf_mic {
	OpusDecoder *dec;
	struct pf_ring ring;
	_Atomic uint64_t packets, invalid, refused;
	_Atomic uint64_t played, recovered, concealed, late;
	_Atomic uint32_t delay_ms;
	/* The pulling thread's own. */
	struct pf_mic_buffer buffer;
	struct packet packet;
	unsigned frame; /* samples of a packet; 0 = none came yet */
	uint64_t pulled_ns;
	float pcm[SAMPLES_MAX], blend[SAMPLES_MAX];
	unsigned at, count; /* what of `pcm` is left to give */
};

int pf_mic_open(struct pf_mic **out, struct pf_reason *why)
{
	struct pf_mic *m = calloc(1, sizeof(*m));
	int err = OPUS_OK, r;

	if (!m)
		return pf_reason_set(why, -ENOMEM, "out of memory");
	r = pf_ring_init(&m->ring, RING_PACKETS, sizeof(struct packet));
	if (r) {
		pf_reason_set(why, r, "out of memory");
		goto fail;
	}
	m->dec = opus_decoder_create(PF_AUDIO_RATE, 1, &err);
	if (err != OPUS_OK) {
		r = pf_reason_set(why, err == OPUS_ALLOC_FAIL ? -ENOMEM : -EINVAL,
			"Opus: no decoder: %s", opus_strerror(err));
		goto fail;
	}
	*out = m;
	return 0;
fail:
	pf_mic_close(&m);
	return r;
}

void pf_mic_close(struct pf_mic **mic)
{
	struct pf_mic *m = *mic;

	if (!m)
		return;
	if (m->dec)
		opus_decoder_destroy(m->dec);
	pf_ring_finish(&m->ring);
	free(m);
	*mic = NULL;
}

static void count(_Atomic uint64_t *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

void pf_mic_put(struct pf_mic *m, uint32_t seq, const uint8_t *opus, size_t len, uint64_t now_ns)
{
	struct packet p = { .at_ns = now_ns, .seq = seq, .len = (uint16_t)len };
	int samples = -1;

	if (len && len <= sizeof(p.data))
		samples = opus_packet_get_nb_samples(opus, (opus_int32)len, PF_AUDIO_RATE);
	if (samples < SAMPLES_MIN || samples > SAMPLES_MAX) {
		count(&m->invalid);
		return;
	}
	p.samples = (uint16_t)samples;
	memcpy(p.data, opus, len);
	count(pf_ring_put(&m->ring, &p) ? &m->packets : &m->refused);
}

/* The rest runs on the pulling thread. */

static void forget(struct pf_mic *m)
{
	m->at = m->count = 0;
	m->frame = 0;
	opus_decoder_ctl(m->dec, OPUS_RESET_STATE);
}

static void take_packets(struct pf_mic *m, uint64_t now_ns)
{
	struct packet *p = &m->packet;

	while (pf_ring_take(&m->ring, p)) {
		if (p->at_ns + STALE_NS < now_ns)
			continue;
		if (p->samples != m->frame) {
			m->frame = p->samples;
			pf_mic_buffer_reset(&m->buffer, m->frame * PF_NS_PER_S / PF_AUDIO_RATE);
		}
		pf_mic_buffer_put(&m->buffer, p->seq, p->data, p->len, p->at_ns);
	}
}

/* Into `pcm`: the frame's samples, made up where there are none. */
static void decode(struct pf_mic *m, float *pcm, const uint8_t *data, size_t len, bool fec)
{
	int n = opus_decode_float(m->dec, data, data ? (opus_int32)len : 0, pcm,
		(int)(data && !fec ? SAMPLES_MAX : m->frame), fec);

	if (n != (int)m->frame && data)
		n = opus_decode_float(m->dec, NULL, 0, pcm, (int)m->frame, 0);
	if (n != (int)m->frame)
		memset(pcm, 0, m->frame * sizeof(*pcm));
	/* Whatever a client sends, nobody's ears or programs get more than full scale. */
	for (unsigned i = 0; i < m->frame; i++)
		pcm[i] = fmaxf(-1, fminf(1, pcm[i]));
}

/* The next packet's samples, or nothing. */
static void step(struct pf_mic *m, uint64_t now_ns)
{
	const uint8_t *data = NULL;
	size_t len = 0;
	enum pf_mic_step s = pf_mic_buffer_next(&m->buffer, now_ns, &data, &len);

	m->at = m->count = 0;
	if (s == PF_MIC_SILENCE)
		return;
	decode(m, m->pcm, data, len, s == PF_MIC_RECOVER);
	m->count = m->frame;
	if (s != PF_MIC_MERGE)
		return;
	/* Two packets in the time of one: the first fades into the second. */
	memcpy(m->blend, m->pcm, m->frame * sizeof(*m->pcm));
	pf_mic_buffer_next(&m->buffer, now_ns, &data, &len);
	decode(m, m->pcm, data, len, false);
	for (unsigned i = 0; i < m->frame; i++) {
		const float in = (float)i / (float)m->frame;

		m->pcm[i] = in * m->pcm[i] + (1 - in) * m->blend[i];
	}
}

static void publish(struct pf_mic *m)
{
	const struct pf_mic_buffer_stats *s = &m->buffer.stats;

	atomic_store_explicit(&m->played, s->played, memory_order_relaxed);
	atomic_store_explicit(&m->recovered, s->recovered, memory_order_relaxed);
	atomic_store_explicit(&m->concealed, s->concealed, memory_order_relaxed);
	atomic_store_explicit(&m->late, s->late + s->skipped, memory_order_relaxed);
	if (m->buffer.playing)
		atomic_store_explicit(&m->delay_ms,
			(uint32_t)(s->depth * m->buffer.frame_ns / PF_NS_PER_MS),
			memory_order_relaxed);
}

void pf_mic_pull(struct pf_mic *m, float *pcm, unsigned samples, uint64_t now_ns)
{
	if (now_ns - m->pulled_ns > STALE_NS)
		forget(m);
	m->pulled_ns = now_ns;
	take_packets(m, now_ns);
	while (samples) {
		unsigned n;

		if (!m->count && m->frame)
			step(m, now_ns);
		if (!m->count) {
			memset(pcm, 0, samples * sizeof(*pcm));
			break;
		}
		n = m->count < samples ? m->count : samples;
		memcpy(pcm, m->pcm + m->at, n * sizeof(*pcm));
		m->at += n;
		m->count -= n;
		pcm += n;
		samples -= n;
	}
	publish(m);
}

void pf_mic_get_stats(const struct pf_mic *m, struct pf_mic_stats *out)
{
	*out = (struct pf_mic_stats){
		.packets = atomic_load_explicit(&m->packets, memory_order_relaxed),
		.invalid = atomic_load_explicit(&m->invalid, memory_order_relaxed),
		.refused = atomic_load_explicit(&m->refused, memory_order_relaxed),
		.played = atomic_load_explicit(&m->played, memory_order_relaxed),
		.recovered = atomic_load_explicit(&m->recovered, memory_order_relaxed),
		.concealed = atomic_load_explicit(&m->concealed, memory_order_relaxed),
		.late = atomic_load_explicit(&m->late, memory_order_relaxed),
		.delay_ms = atomic_load_explicit(&m->delay_ms, memory_order_relaxed),
	};
}
