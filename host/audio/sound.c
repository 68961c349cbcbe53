/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/audio/sound.h"
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "core/base/clock.h"
#include "core/base/ring.h"
#include "host/audio/audio.h"
#include "host/audio/mix.h"
#include "host/audio/opus.h"

#define RING_BLOCKS 32 /* 160 ms */
#define BLOCK_NS    (5 * PF_NS_PER_MS)
#define SILENCE	    (1.0f / 65536) /* half a step of 16 bits */
/* A steady stream: how long a block may stay away before silence takes its place.
 * A client has some 30 ms in hand. */
#define HOLD_NS (20 * PF_NS_PER_MS)
/* Digital silence at a constant rate makes the same packet again and again, once the
 * encoder's filter for direct current has forgotten what was (some 0.8 s). */
#define SILENCE_SETTLES 200 /* packets of it */
#define SILENCE_SAME	8   /* of these, the latest: equal */

struct block {
	uint64_t capture_ns;
	uint32_t channels;
	float pcm[PF_AUDIO_BLOCK * 8];
};

struct pf_sound {
	struct pf_sound_params params;
	unsigned channels, in_channels, packet_blocks;
	struct pf_opus *opus;
	struct pf_ring ring;
	uint32_t slot_bytes;
	sem_t wake;
	bool has_wake, started;
	_Atomic bool stop;
	pthread_t thread;
	_Atomic uint64_t packets, bytes, silent, repeated, refused, filled, late, encode_ns;
	/* The thread's own. */
	struct block block;
	uint32_t seq, silent_run; /* blocks */
	unsigned zero_run;	  /* packets of digital silence in a row */
	unsigned same_run;	  /* of these, the latest that equal the one before */
	uint64_t expect_ns;
	bool has_previous;
	unsigned current; /* which of the two buffers holds the packet at hand */
	uint8_t packet[2][PF_SOUND_PACKET_MAX];
	size_t packet_len[2], packet_most;
	/* Steady. */
	bool playing;			   /* blocks come */
	uint64_t next_ns;		   /* when the block after the last one should start */
	uint64_t due_ns;		   /* when silence goes out unless a block came */
	uint32_t owed;			   /* not playing: blocks of silence since */
	unsigned joined;		   /* blocks in `pcm` */
	uint64_t pcm_ns;		   /* time of its first */
	float pcm[PF_AUDIO_BLOCK * 8 * 2]; /* else: a block, mixed */
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

static bool is_zero(const float *pcm, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (pcm[i] != 0)
			return false;
	return true;
}

/* Into the current buffer; its length or a negative errno. */
static int encode_packet(struct pf_sound *s, const float *pcm)
{
	const unsigned at = s->current, before = at ^ 1;
	const size_t len = s->packet_len[before];
	int n;

	if (!s->params.steady || !is_zero(pcm, PF_AUDIO_BLOCK * s->channels * s->packet_blocks))
		s->zero_run = s->same_run = 0;
	else if (s->zero_run < SILENCE_SETTLES || s->same_run < SILENCE_SAME)
		s->zero_run++;
	else {
		memcpy(s->packet[at], s->packet[before], len);
		count(&s->repeated, 1);
		return (int)len;
	}
	n = pf_opus_encode(s->opus, pcm, s->packet[at], s->packet_most);
	if (s->zero_run)
		s->same_run = n == (int)len && !memcmp(s->packet[at], s->packet[before], len)
				      ? s->same_run + 1
				      : 0;
	return n;
}

static void encode(struct pf_sound *s, const float *pcm, uint64_t pts_ns)
{
	const unsigned at = s->current, before = at ^ 1;
	/* A busy machine shifts a stamp by half a block; more: something is missing. */
	const bool joined = s->has_previous &&
			    llabs((int64_t)(pts_ns - s->expect_ns)) < (int64_t)BLOCK_NS * 3 / 4;
	struct pf_sound_packet p = { .seq = s->seq, .pts_ns = pts_ns, .data = s->packet[at] };
	uint64_t start;
	int n;

	if (s->params.quiet_ms && is_silent(pcm, PF_AUDIO_BLOCK * s->channels))
		s->silent_run++;
	else
		s->silent_run = 0;
	if (s->params.quiet_ms && s->silent_run > s->params.quiet_ms / 5) {
		count(&s->silent, 1);
		s->has_previous = false;
		return;
	}
	start = pf_clock_mono_ns();
	n = encode_packet(s, pcm);
	count(&s->encode_ns, pf_clock_mono_ns() - start);
	s->expect_ns = pts_ns + BLOCK_NS * s->packet_blocks;
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

/* A block, or silence for NULL, joins the packet at hand; true if that went out. */
static bool join(struct pf_sound *s, const struct block *b, uint64_t at_ns)
{
	float *at = s->pcm + s->joined * PF_AUDIO_BLOCK * s->channels;

	if (b) {
		pf_mix(b->pcm, b->channels, at, s->channels, PF_AUDIO_BLOCK);
	} else {
		memset(at, 0, PF_AUDIO_BLOCK * s->channels * sizeof(*at));
		count(&s->filled, 1);
	}
	if (!s->joined)
		s->pcm_ns = at_ns;
	if (++s->joined < s->packet_blocks)
		return false;
	s->joined = 0;
	encode(s, s->pcm, s->pcm_ns);
	return true;
}

static void take_steady(struct pf_sound *s)
{
	const struct block *b = &s->block;

	/* It goes on where it stopped: a stall. Silence took the place of this one. */
	if (!s->playing && s->owed && b->capture_ns < s->next_ns + BLOCK_NS * 3 / 4) {
		s->owed--;
		s->next_ns = b->capture_ns + BLOCK_NS;
		count(&s->late, 1);
		return;
	}
	/* A hole is filled, so that the client's reserve stays what it was. */
	for (unsigned i = 0; s->playing && i < HOLD_NS / BLOCK_NS &&
			     b->capture_ns > s->next_ns + BLOCK_NS * 3 / 4;
		i++, s->next_ns += BLOCK_NS)
		join(s, NULL, s->next_ns);
	join(s, b, b->capture_ns);
	s->playing = true;
	s->next_ns = b->capture_ns + BLOCK_NS;
	s->due_ns = pf_clock_mono_ns() + BLOCK_NS + HOLD_NS;
}

static void fill_steady(struct pf_sound *s)
{
	const uint64_t now = pf_clock_mono_ns();
	const uint64_t packet_ns = BLOCK_NS * s->packet_blocks;

	/* The client ran dry meanwhile and starts anew: no burst to catch up. */
	if (s->playing || now > s->due_ns + HOLD_NS)
		s->due_ns = now;
	if (s->playing)
		s->owed = 0;
	s->playing = false;
	do
		s->owed++;
	while (!join(s, NULL, s->due_ns - packet_ns));
	s->due_ns += packet_ns;
}

static void take(struct pf_sound *s)
{
	if (s->in_channels == s->channels) {
		encode(s, s->block.pcm, s->block.capture_ns);
		return;
	}
	pf_mix(s->block.pcm, s->in_channels, s->pcm, s->channels, PF_AUDIO_BLOCK);
	encode(s, s->pcm, s->block.capture_ns);
}

static void *run(void *arg)
{
	struct pf_sound *s = arg;

	s->due_ns = pf_clock_mono_ns();
	while (!atomic_load_explicit(&s->stop, memory_order_relaxed)) {
		const struct timespec due = { (time_t)(s->due_ns / PF_NS_PER_S),
			(long)(s->due_ns % PF_NS_PER_S) };

		if (pf_ring_take(&s->ring, &s->block)) {
			if (s->params.steady)
				take_steady(s);
			else
				take(s);
		} else if (!s->params.steady) {
			while (sem_wait(&s->wake) && errno == EINTR)
				;
		} else if (sem_clockwait(&s->wake, CLOCK_MONOTONIC, &due) && errno == ETIMEDOUT) {
			fill_steady(s);
		}
	}
	return NULL;
}

static int open_encoder(struct pf_sound *s, struct pf_reason *why)
{
	const struct pf_opus_config *opus = s->params.opus;

	s->params.opus = NULL; /* the caller's */
	s->channels = opus ? opus->channels : s->params.channels;
	s->in_channels = s->params.in_channels ? s->params.in_channels : s->channels;
	s->packet_blocks = opus ? opus->packet_ms / 5u : 1;
	s->packet_most = opus ? PF_SOUND_PACKET_MAX : PF_SOUND_PACKET_BYTES;
	if (!pf_opus_layout(s->in_channels))
		return pf_reason_set(
			why, -EINVAL, "%u channels: 2, 6 or 8 are possible", s->in_channels);
	if (!opus)
		return pf_opus_open(&s->opus, s->channels, s->params.kbps, why);
	if (s->packet_blocks < 1 || s->packet_blocks > (s->params.steady ? 2 : 1))
		return pf_reason_set(
			why, -EINVAL, "sound packets of %u ms are not possible", opus->packet_ms);
	return pf_opus_open_config(&s->opus, opus, why);
}

int pf_sound_open(
	struct pf_sound **out, const struct pf_sound_params *params, struct pf_reason *why)
{
	struct pf_sound *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return pf_reason_set(why, -ENOMEM, "out of memory");
	s->params = *params;
	r = open_encoder(s, why);
	if (r)
		goto fail;
	s->slot_bytes =
		(uint32_t)(offsetof(struct block, pcm) +
			   PF_AUDIO_BLOCK * (params->steady ? 8 : s->in_channels) * sizeof(float));
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

	if (channels == s->in_channels ||
		(s->params.steady && (channels == 2 || channels == 6 || channels == 8))) {
		b.capture_ns = capture_ns;
		b.channels = channels;
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
	out->repeated = atomic_load_explicit(&s->repeated, memory_order_relaxed);
	out->refused = atomic_load_explicit(&s->refused, memory_order_relaxed);
	out->filled = atomic_load_explicit(&s->filled, memory_order_relaxed);
	out->late = atomic_load_explicit(&s->late, memory_order_relaxed);
	out->encode_ns = atomic_load_explicit(&s->encode_ns, memory_order_relaxed);
}
