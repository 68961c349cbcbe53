/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <opus.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "host/audio/audio.h"
#include "host/audio/opus.h"
#include "host/audio/sound.h"
#include "tests/unit/audio_tone.h"

#define BLOCK_NS (5 * PF_NS_PER_MS)
#define MOST	 400

struct heard {
	pthread_mutex_t lock;
	pthread_cond_t more;
	unsigned count;
	bool stuck; /* on_packet waits while set */
	struct {
		uint32_t seq;
		uint64_t pts_ns;
		uint8_t data[PF_SOUND_PACKET_BYTES], previous[PF_SOUND_PACKET_BYTES];
		size_t len, previous_len;
		bool has_previous;
	} packet[MOST];
};

static void on_packet(void *user, const struct pf_sound_packet *p)
{
	struct heard *h = user;

	pthread_mutex_lock(&h->lock);
	while (h->stuck)
		pthread_cond_wait(&h->more, &h->lock);
	if (h->count < MOST) {
		h->packet[h->count].seq = p->seq;
		h->packet[h->count].pts_ns = p->pts_ns;
		memcpy(h->packet[h->count].data, p->data, p->len);
		h->packet[h->count].len = p->len;
		h->packet[h->count].has_previous = p->previous != NULL;
		if (p->previous)
			memcpy(h->packet[h->count].previous, p->previous, p->previous_len);
		h->packet[h->count].previous_len = p->previous_len;
		h->count++;
	}
	pthread_cond_broadcast(&h->more);
	pthread_mutex_unlock(&h->lock);
}

static void wait_for(struct heard *h, unsigned count)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec += 20;
	pthread_mutex_lock(&h->lock);
	while (h->count < count)
		assert_int_equal(pthread_cond_timedwait(&h->more, &h->lock, &ts), 0);
	pthread_mutex_unlock(&h->lock);
}

static struct heard *heard(void)
{
	static struct heard h;

	memset(&h, 0, sizeof(h));
	pthread_mutex_init(&h.lock, NULL);
	pthread_cond_init(&h.more, NULL);
	return &h;
}

static void push_tone(struct pf_sound *s, unsigned block, uint64_t at_ns)
{
	float pcm[PF_AUDIO_BLOCK * 2] = { 0 };

	tone_add(pcm, PF_AUDIO_BLOCK, 2, 440, 0.5, (unsigned long)block * PF_AUDIO_BLOCK);
	pf_sound_push(s, pcm, 2, at_ns);
}

static void push_silence(struct pf_sound *s, uint64_t at_ns)
{
	static const float zero[PF_AUDIO_BLOCK * 2];

	pf_sound_push(s, zero, 2, at_ns);
}

static struct pf_sound *open_sound(struct heard *h, uint32_t quiet_ms)
{
	const struct pf_sound_params p = {
		.channels = 2, .kbps = 128, .quiet_ms = quiet_ms, .on_packet = on_packet, .user = h
	};
	struct pf_sound *s = NULL;

	assert_int_equal(pf_sound_open(&s, &p, NULL), 0);
	return s;
}

static void every_block_is_a_packet_with_its_time_and_predecessor(void **state)
{
	struct heard *h = heard();
	struct pf_sound *s = open_sound(h, 0);
	struct pf_sound_stats st;
	uint64_t bytes = 0;

	for (unsigned i = 0; i < 100; i++) {
		/* Ten missing after the fiftieth; the clock trembles a little. */
		push_tone(s, i, 1000000 + (i + (i >= 50 ? 10 : 0)) * BLOCK_NS + (i % 3) * 100000);
		wait_for(h, i + 1);
	}
	pf_sound_get_stats(s, &st);
	pf_sound_close(&s);
	for (unsigned i = 0; i < 100; i++) {
		assert_int_equal(h->packet[i].seq, i);
		assert_int_equal(h->packet[i].pts_ns,
			1000000 + (i + (i >= 50 ? 10 : 0)) * BLOCK_NS + (i % 3) * 100000);
		assert_int_equal(h->packet[i].has_previous, i != 0 && i != 50);
		if (h->packet[i].has_previous) {
			assert_int_equal(h->packet[i].previous_len, h->packet[i - 1].len);
			assert_memory_equal(
				h->packet[i].previous, h->packet[i - 1].data, h->packet[i - 1].len);
		}
		bytes += h->packet[i].len;
	}
	assert_int_equal(st.packets, 100);
	assert_int_equal(st.bytes, bytes);
	assert_int_equal(st.silent + st.refused, 0);
}

/* What a desk with other channels plays: by name down, silence where nothing is. */
static void another_layout_is_mixed(void **state)
{
	struct heard *h = heard();
	const struct pf_sound_params p = {
		.channels = 2, .in_channels = 6, .kbps = 256, .on_packet = on_packet, .user = h
	};
	float pcm[PF_AUDIO_BLOCK * 6], out[PF_AUDIO_BLOCK * 2];
	static float left[20 * PF_AUDIO_BLOCK];
	struct pf_sound_stats st;
	struct pf_sound *s = NULL;
	OpusDecoder *dec;
	int err;

	assert_int_equal(pf_sound_open(&s, &p, NULL), 0);
	for (unsigned i = 0; i < 40; i++) {
		memset(pcm, 0, sizeof(pcm));
		tone_add(pcm, PF_AUDIO_BLOCK, 6, 1000, 0.3, (unsigned long)i * PF_AUDIO_BLOCK);
		tone_add(pcm + 2, PF_AUDIO_BLOCK, 6, 3000, 0.3, (unsigned long)i * PF_AUDIO_BLOCK);
		pf_sound_push(s, pcm, 6, i * BLOCK_NS);
		wait_for(h, i + 1);
	}
	pf_sound_push(s, pcm, 2, 40 * BLOCK_NS);
	pf_sound_get_stats(s, &st);
	assert_int_equal(st.refused, 1);
	pf_sound_close(&s);
	dec = opus_decoder_create(48000, 2, &err);
	for (unsigned i = 0; i < 40; i++) {
		assert_int_equal(opus_decode_float(dec, h->packet[i].data,
					 (opus_int32)h->packet[i].len, out, PF_AUDIO_BLOCK, 0),
			PF_AUDIO_BLOCK);
		for (unsigned j = 0; i >= 20 && j < PF_AUDIO_BLOCK; j++)
			left[(i - 20) * PF_AUDIO_BLOCK + j] = out[2 * j];
	}
	opus_decoder_destroy(dec);
	assert_true(fabs(tone_level(left, 20 * PF_AUDIO_BLOCK, 1, 1000) - 0.3) < 0.03);
	assert_true(fabs(tone_level(left, 20 * PF_AUDIO_BLOCK, 1, 3000) - 0.21) < 0.03);
}

static void long_silence_ends_the_packets_until_sound(void **state)
{
	struct heard *h = heard();
	struct pf_sound *s = open_sound(h, 50);
	struct pf_sound_stats st;
	unsigned n = 0;
	struct timespec nap = { 0, 1000000 };

	for (; n < 10; n++)
		push_tone(s, n, n * BLOCK_NS);
	for (; n < 30; n++)
		push_silence(s, n * BLOCK_NS);
	do { /* 10 sounding, 10 of the hang-over, 10 kept back */
		nanosleep(&nap, NULL);
		pf_sound_get_stats(s, &st);
	} while (st.silent < 10);
	assert_int_equal(st.packets, 20);
	push_tone(s, n, n * BLOCK_NS);
	wait_for(h, 21);
	assert_int_equal(h->packet[20].seq, 20);
	assert_int_equal(h->packet[20].pts_ns, 30 * BLOCK_NS);
	assert_false(h->packet[20].has_previous);
	/* One sounding block starts the hang-over anew. */
	push_silence(s, (n + 1) * BLOCK_NS);
	wait_for(h, 22);
	assert_true(h->packet[21].has_previous);
	pf_sound_close(&s);
}

static void a_stuck_receiver_costs_blocks_not_the_pusher(void **state)
{
	struct heard *h = heard();
	struct pf_sound *s = open_sound(h, 0);
	struct pf_sound_stats st;

	pthread_mutex_lock(&h->lock);
	h->stuck = true;
	pthread_mutex_unlock(&h->lock);
	for (unsigned i = 0; i < 100; i++)
		push_tone(s, i, i * BLOCK_NS);
	pf_sound_get_stats(s, &st);
	/* The ring holds 32, one is in the callback. */
	assert_in_range(st.refused, 100 - 33, 100 - 32);
	pthread_mutex_lock(&h->lock);
	h->stuck = false;
	pthread_cond_broadcast(&h->more);
	pthread_mutex_unlock(&h->lock);
	wait_for(h, 32);
	pf_sound_close(&s);
}

static struct pf_sound *open_steady(struct heard *h, unsigned packet_ms)
{
	struct pf_opus_config opus;
	const struct pf_sound_params p = {
		.opus = &opus, .steady = true, .on_packet = on_packet, .user = h
	};
	struct pf_sound *s = NULL;

	assert_int_equal(pf_opus_gamestream(&opus, 2, false, packet_ms, NULL), 0);
	assert_int_equal(pf_sound_open(&s, &p, NULL), 0);
	return s;
}

static void hold(struct heard *h, bool stuck)
{
	pthread_mutex_lock(&h->lock);
	h->stuck = stuck;
	pthread_cond_broadcast(&h->more);
	pthread_mutex_unlock(&h->lock);
}

static void a_steady_stream_needs_no_blocks(void **state)
{
	for (unsigned ms = 5; ms <= 10; ms += 5) {
		struct heard *h = heard();
		const uint64_t start = pf_clock_mono_ns();
		struct pf_sound *s = open_steady(h, ms);
		struct pf_sound_stats st;
		uint64_t took;

		wait_for(h, 41);
		took = pf_clock_mono_ns() - start;
		pf_sound_get_stats(s, &st);
		assert_in_range(st.filled, st.packets * ms / 5, (st.packets + 1) * ms / 5);
		assert_int_equal(st.late + st.refused + st.silent, 0);
		pf_sound_close(&s);
		/* Never faster than its cadence; a busy machine may be slower. */
		assert_true(took >= 40 * ms * PF_NS_PER_MS);
		assert_true(h->packet[0].pts_ns < start + 3 * PF_NS_PER_S);
		for (unsigned i = 0; i < 41; i++) {
			assert_int_equal(h->packet[i].seq, i);
			assert_int_equal(h->packet[i].len, 96 * ms / 8);
			assert_true(!i || h->packet[i].pts_ns > h->packet[i - 1].pts_ns);
		}
	}
}

/* Stops the thread inside the receiver, with a packet that is not counted yet. Blocks
 * then pile up in the ring: what becomes of them depends on no clock but their own. */
static unsigned stop_at_packet(struct heard *h, struct pf_sound *s)
{
	const struct timespec nap = { 0, 1000000 };
	struct pf_sound_stats st;
	unsigned count;

	hold(h, true);
	do {
		nanosleep(&nap, NULL);
		pthread_mutex_lock(&h->lock);
		count = h->count;
		pthread_mutex_unlock(&h->lock);
		pf_sound_get_stats(s, &st);
	} while (st.packets == count);
	return count;
}

static void a_steady_silence_is_encoded_once(void **state)
{
	struct heard *h = heard();
	struct pf_sound *s = open_steady(h, 5);
	struct pf_sound_stats st;
	OpusDecoder *dec;
	float pcm[PF_AUDIO_BLOCK * 2];
	double loud = 0;
	unsigned n;
	int r;

	/* A second settles it. */
	wait_for(h, 240);
	pf_sound_get_stats(s, &st);
	assert_in_range(st.repeated, 30, st.packets - 200);
	for (unsigned i = 200; i < 240; i++)
		assert_memory_equal(h->packet[i].data, h->packet[199].data, h->packet[199].len);
	/* Sound after it is what it was. */
	n = stop_at_packet(h, s);
	for (unsigned i = 0; i < 20; i++)
		push_tone(s, i, (2000 + i) * BLOCK_NS);
	hold(h, false);
	wait_for(h, n + 20);
	pf_sound_close(&s);
	dec = opus_decoder_create(PF_AUDIO_RATE, 2, &r);
	assert_non_null(dec);
	for (unsigned i = 0; i < n + 20; i++) {
		assert_int_equal(opus_decode_float(dec, h->packet[i].data,
					 (opus_int32)h->packet[i].len, pcm, PF_AUDIO_BLOCK, 0),
			PF_AUDIO_BLOCK);
		for (unsigned k = 0; k < PF_AUDIO_BLOCK * 2; k++) {
			if (i < n)
				assert_true(pcm[k] > -1e-4f && pcm[k] < 1e-4f);
			else if (i >= n + 10)
				loud += (double)pcm[k] * (double)pcm[k];
		}
	}
	opus_decoder_destroy(dec);
	/* A sine of 0.5 in one of two channels: its power is 1/16. */
	loud /= 10.0 * PF_AUDIO_BLOCK * 2;
	assert_true(loud > 0.055 && loud < 0.07);
}

static void a_steady_stream_fills_holes(void **state)
{
	static const unsigned blocks[] = { 0, 1, 2, 5, 6 };
	struct heard *h = heard();
	struct pf_sound *s = open_steady(h, 5);
	const uint64_t tremble = BLOCK_NS / 2;
	struct pf_sound_stats st;
	unsigned first;
	uint64_t now;

	wait_for(h, 2);
	first = stop_at_packet(h, s) + 1;
	now = pf_clock_mono_ns();
	for (unsigned i = 0; i < 5; i++)
		push_tone(s, blocks[i], now + blocks[i] * BLOCK_NS + (i == 1 ? tremble : 0));
	hold(h, false);
	wait_for(h, first + 9);
	pf_sound_get_stats(s, &st);
	pf_sound_close(&s);
	for (unsigned i = 0; i < 7; i++) {
		assert_int_equal(h->packet[first + i].seq, first + i);
		assert_int_equal(h->packet[first + i].len, 60);
		assert_int_equal(
			h->packet[first + i].pts_ns, now + i * BLOCK_NS + (i == 1 ? tremble : 0));
	}
	assert_int_equal(st.late + st.refused, 0);
}

/* What a stalled desk delivers at last is as much shorter as silence went out. */
static void a_steady_stream_is_not_delayed_by_a_stall(void **state)
{
	struct heard *h = heard();
	struct pf_sound *s = open_steady(h, 5);
	struct pf_sound_stats st;
	unsigned first, at, owed;
	uint64_t now;

	wait_for(h, 2);
	at = stop_at_packet(h, s) + 1;
	now = pf_clock_mono_ns();
	push_tone(s, 0, now);
	hold(h, false);
	wait_for(h, at + 4);
	assert_int_equal(h->packet[at].pts_ns, now);
	first = stop_at_packet(h, s) + 1;
	owed = first - at - 1;
	for (unsigned i = 0; i < owed + 2; i++)
		push_tone(s, 1 + i, now + (1 + i) * BLOCK_NS);
	hold(h, false);
	wait_for(h, first + 3);
	pf_sound_get_stats(s, &st);
	pf_sound_close(&s);
	assert_in_range(owed, 3, 29);
	assert_int_equal(st.late, owed);
	assert_int_equal(h->packet[first].pts_ns, now + (1 + owed) * BLOCK_NS);
	assert_int_equal(h->packet[first + 1].pts_ns, now + (2 + owed) * BLOCK_NS);
}

static void a_steady_stream_joins_and_mixes(void **state)
{
	static float pcm[PF_AUDIO_BLOCK * 6];
	struct heard *h = heard();
	struct pf_sound *s = open_steady(h, 10);
	struct pf_sound_stats st;
	uint64_t now;
	unsigned first;

	wait_for(h, 1);
	first = stop_at_packet(h, s) + 1;
	now = pf_clock_mono_ns();
	pf_sound_push(s, pcm, 6, now);
	pf_sound_push(s, pcm, 6, now + BLOCK_NS);
	push_silence(s, now + 2 * BLOCK_NS);
	pf_sound_push(s, pcm, 6, now + 4 * BLOCK_NS); /* one missing before it */
	pf_sound_push(s, pcm, 6, now + 5 * BLOCK_NS); /* and its other half after it */
	pf_sound_push(s, pcm, 5, now + 6 * BLOCK_NS);
	pf_sound_get_stats(s, &st);
	assert_int_equal(st.refused, 1);
	hold(h, false);
	wait_for(h, first + 3);
	pf_sound_close(&s);
	assert_int_equal(h->packet[first].pts_ns, now);
	assert_int_equal(h->packet[first + 1].pts_ns, now + 2 * BLOCK_NS);
	assert_int_equal(h->packet[first + 2].pts_ns, now + 4 * BLOCK_NS);
	assert_int_equal(h->packet[first + 2].len, 120);
}

static void wrong_channels_are_refused(void **state)
{
	struct heard *h = heard();
	struct pf_sound_params p = { .channels = 5, .kbps = 128, .on_packet = on_packet };
	struct pf_opus_config opus;
	struct pf_sound *s = NULL;
	struct pf_sound_stats st;
	struct pf_reason why = { 0 };
	float pcm[PF_AUDIO_BLOCK * 6] = { 0 };

	assert_int_equal(pf_sound_open(&s, &p, &why), -EINVAL);
	assert_null(s);
	assert_int_not_equal(why.text[0], 0);
	assert_int_equal(pf_opus_gamestream(&opus, 2, false, 10, NULL), 0);
	p.opus = &opus;
	assert_int_equal(pf_sound_open(&s, &p, &why), -EINVAL);
	assert_null(s);
	s = open_sound(h, 0);
	pf_sound_push(s, pcm, 6, 0);
	pf_sound_get_stats(s, &st);
	assert_int_equal(st.refused, 1);
	pf_sound_close(&s);
	pf_sound_close(&s);
	assert_int_equal(h->count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_block_is_a_packet_with_its_time_and_predecessor),
		cmocka_unit_test(another_layout_is_mixed),
		cmocka_unit_test(long_silence_ends_the_packets_until_sound),
		cmocka_unit_test(a_stuck_receiver_costs_blocks_not_the_pusher),
		cmocka_unit_test(a_steady_stream_needs_no_blocks),
		cmocka_unit_test(a_steady_silence_is_encoded_once),
		cmocka_unit_test(a_steady_stream_fills_holes),
		cmocka_unit_test(a_steady_stream_is_not_delayed_by_a_stall),
		cmocka_unit_test(a_steady_stream_joins_and_mixes),
		cmocka_unit_test(wrong_channels_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
