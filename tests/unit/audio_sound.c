/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "host/audio/audio.h"
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

static void wrong_channels_are_refused(void **state)
{
	struct heard *h = heard();
	struct pf_sound_params p = { .channels = 5, .kbps = 128, .on_packet = on_packet };
	struct pf_sound *s = NULL;
	struct pf_sound_stats st;
	struct pf_reason why = { 0 };
	float pcm[PF_AUDIO_BLOCK * 6] = { 0 };

	assert_int_equal(pf_sound_open(&s, &p, &why), -EINVAL);
	assert_null(s);
	assert_int_not_equal(why.text[0], 0);
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
		cmocka_unit_test(long_silence_ends_the_packets_until_sound),
		cmocka_unit_test(a_stuck_receiver_costs_blocks_not_the_pusher),
		cmocka_unit_test(wrong_channels_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
