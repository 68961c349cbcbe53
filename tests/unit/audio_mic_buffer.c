/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The microphone's jitter buffer on simulated links: a speaker sends a packet every
 * 10 ms, a player takes one every 10 ms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "host/audio/mic_buffer.h"

#define MS    1000000ull
#define FRAME (10 * MS)
#define MOST  70000 /* packets of one run */

struct link {
	unsigned jitter_ms; /* each packet is late by 0 to this, evenly */
	unsigned loss_percent;
	int drift_ppm;			/* the speaker's clock is that much faster */
	unsigned stall_every, stall_ms; /* so often (packets) nothing comes for so long */
	unsigned seconds;
	uint64_t seed;
};

struct outcome {
	unsigned sent, lost, played, recovered, concealed, silence, merged, steps;
	double mean_delay_ms, last_delay_ms; /* of the last tenth */
	uint32_t most_depth;
	struct pf_mic_buffer_stats stats;
};

static uint32_t next_random(uint64_t *x)
{
	*x = *x * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*x >> 33);
}

struct arrival {
	uint64_t at_ns, sent_ns;
	uint32_t seq;
};

static int by_time(const void *a, const void *b)
{
	const struct arrival *x = a, *y = b;

	return x->at_ns < y->at_ns ? -1 : x->at_ns > y->at_ns;
}

static struct pf_mic_buffer *new_buffer(void)
{
	struct pf_mic_buffer *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	pf_mic_buffer_reset(b, FRAME);
	return b;
}

static struct outcome run(const struct link *l)
{
	static struct arrival arrivals[MOST];
	struct pf_mic_buffer *b = new_buffer();
	uint64_t x = l->seed, stalled_until = 0, span = l->seconds * 1000ull * MS;
	const uint64_t every = (uint64_t)((int64_t)FRAME - (int64_t)FRAME * l->drift_ppm / 1000000);
	struct outcome o = { 0 };
	double delay_sum = 0, last_sum = 0;
	unsigned n = 0, at = 0, last_count = 0;
	bool merging = false;
	int64_t newest = -1;

	for (uint64_t sent = 0; sent < span; sent += every) {
		struct arrival *a = &arrivals[n];

		assert_true(n < MOST);
		a->seq = o.sent++;
		a->sent_ns = sent;
		a->at_ns = sent + 20 * MS;
		if (l->jitter_ms)
			a->at_ns += next_random(&x) % (l->jitter_ms * 1000) * 1000;
		if (l->stall_every && a->seq % l->stall_every == l->stall_every - 1)
			stalled_until = a->at_ns + l->stall_ms * MS;
		if (a->at_ns < stalled_until)
			a->at_ns = stalled_until;
		if (next_random(&x) % 100 < l->loss_percent)
			o.lost++;
		else
			n++;
	}
	qsort(arrivals, n, sizeof(arrivals[0]), by_time);
	for (uint64_t now = 3 * MS; now < span; now += merging ? 0 : FRAME) {
		const uint8_t *data = NULL;
		enum pf_mic_step step;
		size_t len = 0;

		for (; at < n && arrivals[at].at_ns <= now; at++) {
			uint8_t bytes[12];

			memcpy(bytes, &arrivals[at].seq, 4);
			memcpy(bytes + 4, &arrivals[at].sent_ns, 8);
			pf_mic_buffer_put(b, arrivals[at].seq, bytes, 12, arrivals[at].at_ns);
			assert_true(b->end - b->next <= PF_MIC_DEPTH_MAX);
		}
		step = pf_mic_buffer_next(b, now, &data, &len);
		o.steps++;
		if (merging)
			assert_int_equal(step, PF_MIC_PLAY);
		merging = step == PF_MIC_MERGE;
		o.silence += step == PF_MIC_SILENCE;
		o.concealed += step == PF_MIC_CONCEAL;
		o.merged += step == PF_MIC_MERGE;
		if (b->stats.depth > o.most_depth)
			o.most_depth = b->stats.depth;
		if (step == PF_MIC_PLAY || step == PF_MIC_MERGE || step == PF_MIC_RECOVER) {
			uint64_t sent_ns;
			uint32_t seq;

			assert_int_equal(len, 12);
			memcpy(&seq, data, 4);
			memcpy(&sent_ns, data + 4, 8);
			if (step == PF_MIC_RECOVER) {
				o.recovered++;
				assert_true((int64_t)seq - 1 > newest);
				newest = (int64_t)seq - 1;
				continue;
			}
			/* Each once, in order. */
			assert_true((int64_t)seq > newest);
			newest = seq;
			o.played++;
			delay_sum += (double)(now - sent_ns) / MS - 20;
			if (now > span / 10 * 9) {
				last_sum += (double)(now - sent_ns) / MS - 20;
				last_count++;
			}
		}
	}
	o.mean_delay_ms = o.played ? delay_sum / o.played : 0;
	o.last_delay_ms = last_count ? last_sum / last_count : 0;
	o.stats = b->stats;
	free(b);
	return o;
}

static void show(const char *name, const struct outcome *o)
{
	print_message("# %s: %u sent, %u lost; %u played, %u recovered, %u concealed, %u silent, "
		      "%u merged, %llu late; delay %.1f ms, in the end %.1f ms\n",
		name, o->sent, o->lost, o->played, o->recovered, o->concealed, o->silence,
		o->merged, (unsigned long long)o->stats.late, o->mean_delay_ms, o->last_delay_ms);
}

static void an_even_link_needs_hardly_any_delay(void **state)
{
	const struct link l = { .seconds = 60, .seed = 1 };
	struct outcome o = run(&l);

	show("even", &o);
	assert_int_equal(o.concealed + o.recovered + o.merged, 0);
	assert_true(o.played > o.sent - 10);
	assert_true(o.mean_delay_ms < 15);
}

static void jitter_is_covered(void **state)
{
	static const unsigned jitter[] = { 5, 15, 30, 60 };

	for (unsigned i = 0; i < 4; i++) {
		const struct link l = { .jitter_ms = jitter[i], .seconds = 120, .seed = 2 + i };
		struct outcome o = run(&l);
		char name[32];

		snprintf(name, sizeof(name), "jitter %u ms", jitter[i]);
		show(name, &o);
		/* Of all that is played, less than one in a hundred is made up. */
		assert_true(o.concealed + o.recovered < o.steps / 100);
		assert_true(o.last_delay_ms < jitter[i] + 25);
		assert_true(o.played > o.sent * 99 / 100);
	}
}

static void losses_are_recovered_from_the_next(void **state)
{
	static const unsigned loss[] = { 1, 5, 10 };

	for (unsigned i = 0; i < 3; i++) {
		const struct link l = {
			.loss_percent = loss[i], .jitter_ms = 15, .seconds = 120, .seed = 7 + i
		};
		struct outcome o = run(&l);
		char name[32];

		snprintf(name, sizeof(name), "loss %u %%", loss[i]);
		show(name, &o);
		assert_true(o.recovered > o.lost * (97 - 2 * loss[i]) / 100);
		assert_true(o.recovered <= o.lost + o.stats.late);
		assert_true(o.silence < 20);
		assert_true(o.last_delay_ms < 50);
	}
}

/* Whoever's clock is faster: the delay stays where it was. */
static void a_drifting_clock_moves_nothing(void **state)
{
	static const int ppm[] = { 300, -300 };

	for (unsigned i = 0; i < 2; i++) {
		const struct link l = {
			.jitter_ms = 5, .drift_ppm = ppm[i], .seconds = 600, .seed = 11
		};
		struct outcome o = run(&l);

		show(i ? "speaker 300 ppm slow" : "speaker 300 ppm fast", &o);
		assert_true(o.last_delay_ms < 30 && o.most_depth <= 5);
		assert_true(o.concealed + o.merged < 120);
		if (!i)
			assert_true(o.merged >= 10); /* 180 ms too many */
	}
}

static void what_a_stall_holds_up_is_caught_up_with(void **state)
{
	const struct link l = {
		.jitter_ms = 5, .stall_every = 2000, .stall_ms = 150, .seconds = 100, .seed = 13
	};
	struct outcome o = run(&l);

	show("stalls of 150 ms", &o);
	assert_true(o.merged > 10);
	assert_true(o.played > o.sent - 100);
	assert_true(o.mean_delay_ms < 80);
	assert_true(o.most_depth <= PF_MIC_DEPTH_MAX);
}

/* Whoever records on a machine that is too busy takes less than is said: now and then a
 * jump, and what is heard is of now. */
static void a_slow_player_hears_what_is_said_now(void **state)
{
	const struct link l = { .jitter_ms = 5, .drift_ppm = 200000, .seconds = 60, .seed = 17 };
	struct outcome o = run(&l);

	show("player takes four of five", &o);
	assert_true(o.stats.skipped + o.merged > o.sent / 8);
	assert_true(o.mean_delay_ms < 150);
	assert_int_equal(o.concealed + o.recovered, 0);
}

static void put(struct pf_mic_buffer *b, uint32_t seq, uint64_t now_ns)
{
	uint8_t byte = (uint8_t)seq;

	pf_mic_buffer_put(b, seq, &byte, 1, now_ns);
}

static void play(struct pf_mic_buffer *b, uint32_t seq, uint64_t now_ns)
{
	const uint8_t *data;
	size_t len;

	assert_int_equal(pf_mic_buffer_next(b, now_ns, &data, &len), PF_MIC_PLAY);
	assert_int_equal(len, 1);
	assert_int_equal(*data, (uint8_t)seq);
}

static void a_pause_is_silence_and_no_jitter(void **state)
{
	struct pf_mic_buffer *b = new_buffer();
	uint64_t now = 0;
	uint32_t seq = 0;
	const uint8_t *data;
	size_t len;

	for (unsigned word = 0; word < 3; word++) {
		for (unsigned i = 0; i < 50; i++, now += FRAME) {
			put(b, seq, now);
			play(b, seq++, now);
		}
		for (unsigned i = 0; i < 5; i++, now += FRAME)
			assert_int_equal(pf_mic_buffer_next(b, now, &data, &len), PF_MIC_CONCEAL);
		for (unsigned i = 0; i < 200; i++, now += FRAME)
			assert_int_equal(pf_mic_buffer_next(b, now, &data, &len), PF_MIC_SILENCE);
	}
	assert_int_equal(b->stats.target, 1);
	free(b);
}

static void numbers_wrap_jump_and_start_anew(void **state)
{
	struct pf_mic_buffer *b = new_buffer();
	const uint8_t *data;
	uint64_t now = 0;
	size_t len;

	for (uint32_t seq = UINT32_MAX - 3; seq != 4; seq++, now += FRAME) {
		put(b, seq, now);
		play(b, seq, now);
	}
	/* Far ahead: it goes on there. */
	for (uint32_t seq = 5000; seq < 5003; seq++, now += FRAME) {
		put(b, seq, now);
		play(b, seq, now);
	}
	/* Once more from the start: taken for late ones first. */
	for (uint32_t seq = 0; seq < 60; seq++, now += FRAME) {
		put(b, seq, now);
		if (seq < 20)
			assert_int_not_equal(pf_mic_buffer_next(b, now, &data, &len), PF_MIC_PLAY);
		else
			play(b, seq, now);
	}
	assert_int_equal(b->stats.late, 20);
	free(b);
}

static void a_flood_is_bounded(void **state)
{
	struct pf_mic_buffer *b = new_buffer();
	static const uint8_t big[PF_MIC_PACKET_MAX + 1];
	const uint8_t *data;
	uint32_t left;
	size_t len;

	for (uint32_t seq = 0; seq < 1000; seq++)
		put(b, seq, 0);
	put(b, 999, 0); /* a duplicate */
	assert_true(b->end - b->next <= PF_MIC_DEPTH_MAX);
	left = b->end - b->next;
	assert_int_equal(b->stats.skipped, 1000 - left);
	pf_mic_buffer_put(b, 1000, big, sizeof(big), 0);
	pf_mic_buffer_put(b, 1000, big, 0, 0);
	assert_int_equal(b->end, 1000);
	for (uint32_t seq = 1000 - left; seq < 1000; seq++)
		play(b, seq, 0);
	assert_int_equal(pf_mic_buffer_next(b, 0, &data, &len), PF_MIC_CONCEAL);
	free(b);
}

static void a_swap_before_the_start_is_put_right(void **state)
{
	struct pf_mic_buffer *b = new_buffer();

	put(b, 8, 0);
	put(b, 7, 0);
	play(b, 7, 0);
	play(b, 8, FRAME);
	put(b, 6, FRAME);
	assert_int_equal(b->stats.late, 1);
	free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_even_link_needs_hardly_any_delay),
		cmocka_unit_test(jitter_is_covered),
		cmocka_unit_test(losses_are_recovered_from_the_next),
		cmocka_unit_test(a_drifting_clock_moves_nothing),
		cmocka_unit_test(what_a_stall_holds_up_is_caught_up_with),
		cmocka_unit_test(a_slow_player_hears_what_is_said_now),
		cmocka_unit_test(a_pause_is_silence_and_no_jitter),
		cmocka_unit_test(numbers_wrap_jump_and_start_anew),
		cmocka_unit_test(a_flood_is_bounded),
		cmocka_unit_test(a_swap_before_the_start_is_put_right),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
