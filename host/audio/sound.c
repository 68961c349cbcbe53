/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/audio/sound.h"
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/clock.h"
#include "core/base/ring.h"
#include "host/audio/audio.h"
#include "host/audio/opus.h"

#define RING_BLOCKS 32 /* 160 ms */
#define BLOCK_NS    (5 * PF_NS_PER_MS)
#define SILENCE	    (1.0f / 65536) /* half a step of 16 bits */

struct block {
	uint64_t capture_ns;
	float pcm[PF_AUDIO_BLOCK * 8];
};

struct pf_sound {
	struct pf_sound_params params;
	struct pf_opus *opus;
	struct pf_ring ring;
	uint32_t slot_bytes;
	sem_t wake;
	bool has_wake, started;
	_Atomic bool stop;
	pthread_t thread;
	_Atomic uint64_t packets, bytes, silent, refused, encode_ns;
	/* The thread's own. */
	struct block block;
	uint32_t seq, silent_run; /* blocks */
	uint64_t expect_ns;
	bool has_previous;
	unsigned current; /* which of the two buffers holds the packet at hand */
	uint8_t packet[2][PF_SOUND_PACKET_BYTES];
	size_t packet_len[2];
};

static bool is_silent(const float *pcm, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (fabsf(pcm[i]) > SILENCE)
			return false;
	return true;
}

static void count(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static void encode(struct pf_sound *s)
{
	const struct block *b = &s->block;
	const unsigned at = s->current, before = at ^ 1;
	/* A busy machine shifts a stamp by half a block; more: something is missing. */
	const bool joined = s->has_previous && llabs((int64_t)(b->capture_ns - s->expect_ns)) <
						       (int64_t)BLOCK_NS * 3 / 4;
	struct pf_sound_packet p = {
		.seq = s->seq, .pts_ns = b->capture_ns, .data = s->packet[at]
	};
	uint64_t start;
	int n;

	if (is_silent(b->pcm, PF_AUDIO_BLOCK * s->params.channels))
		s->silent_run++;
	else
		s->silent_run = 0;
	if (s->params.quiet_ms && s->silent_run > s->params.quiet_ms / 5) {
		count(&s->silent, 1);
		s->has_previous = false;
		return;
	}
	start = pf_clock_mono_ns();
	n = pf_opus_encode(s->opus, b->pcm, s->packet[at], sizeof(s->packet[at]));
	count(&s->encode_ns, pf_clock_mono_ns() - start);
	s->expect_ns = b->capture_ns + BLOCK_NS;
	if (n < 0) {
		s->has_previous = false;
		return;
	}
	p.len = s->packet_len[at] = (size_t)n;
	if (joined) {
		p.previous = s->packet[before];
		p.previous_len = s->packet_len[before];
	}
	s->has_previous = true;
	s->current = before;
	s->seq++;
	count(&s->packets, 1);
	count(&s->bytes, p.len);
	s->params.on_packet(s->params.user, &p);
}

static void *run(void *arg)
{
	struct pf_sound *s = arg;

	while (!atomic_load_explicit(&s->stop, memory_order_relaxed)) {
		if (pf_ring_take(&s->ring, &s->block))
			encode(s);
		else
			while (sem_wait(&s->wake) && errno == EINTR)
				;
	}
	return NULL;
}

int pf_sound_open(
	struct pf_sound **out, const struct pf_sound_params *params, struct pf_reason *why)
{
	struct pf_sound *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return pf_reason_set(why, -ENOMEM, "out of memory");
	s->params = *params;
	r = pf_opus_open(&s->opus, params->channels, params->kbps, why);
	if (r)
		goto fail;
	s->slot_bytes = (uint32_t)(offsetof(struct block, pcm) +
				   PF_AUDIO_BLOCK * params->channels * sizeof(float));
	r = pf_ring_init(&s->ring, RING_BLOCKS, s->slot_bytes);
	if (!r && sem_init(&s->wake, 0, 0))
		r = -errno;
	s->has_wake = !r;
	if (!r)
		r = -pthread_create(&s->thread, NULL, run, s);
	if (r) {
		pf_reason_set(why, r, "cannot start the sound thread: %s", strerror(-r));
		goto fail;
	}
	s->started = true;
	*out = s;
	return 0;
fail:
	pf_sound_close(&s);
	return r;
}

void pf_sound_close(struct pf_sound **sound)
{
	struct pf_sound *s = *sound;

	if (!s)
		return;
	if (s->started) {
		atomic_store(&s->stop, true);
		sem_post(&s->wake);
		pthread_join(s->thread, NULL);
	}
	if (s->has_wake)
		sem_destroy(&s->wake);
	pf_ring_finish(&s->ring);
	pf_opus_close(&s->opus);
	free(s);
	*sound = NULL;
}

void pf_sound_push(struct pf_sound *s, const float *pcm, unsigned channels, uint64_t capture_ns)
{
	struct block b;

	if (channels == s->params.channels) {
		b.capture_ns = capture_ns;
		memcpy(b.pcm, pcm, PF_AUDIO_BLOCK * channels * sizeof(float));
		if (pf_ring_put(&s->ring, &b)) {
			sem_post(&s->wake);
			return;
		}
	}
	count(&s->refused, 1);
}

void pf_sound_get_stats(const struct pf_sound *s, struct pf_sound_stats *out)
{
	out->packets = atomic_load_explicit(&s->packets, memory_order_relaxed);
	out->bytes = atomic_load_explicit(&s->bytes, memory_order_relaxed);
	out->silent = atomic_load_explicit(&s->silent, memory_order_relaxed);
	out->refused = atomic_load_explicit(&s->refused, memory_order_relaxed);
	out->encode_ns = atomic_load_explicit(&s->encode_ns, memory_order_relaxed);
}
