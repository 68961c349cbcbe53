/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <opus.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/clock.h"
#include "host/audio/mic.h"
#include "tests/unit/audio_tone.h"

#define MS     1000000ull
#define SECOND 48000

/* A speaker as clients are: mono, VoIP, 48 kbit/s, with redundancy. */
static OpusEncoder *speaker(int channels)
{
	int err;
	OpusEncoder *e = opus_encoder_create(48000, channels, OPUS_APPLICATION_VOIP, &err);

	assert_int_equal(err, OPUS_OK);
	opus_encoder_ctl(e, OPUS_SET_BITRATE(48000 * channels));
	opus_encoder_ctl(e, OPUS_SET_INBAND_FEC(1));
	opus_encoder_ctl(e, OPUS_SET_PACKET_LOSS_PERC(10));
	opus_encoder_ctl(e, OPUS_SET_COMPLEXITY(3));
	return e;
}

struct talk {
	OpusEncoder *enc;
	unsigned channels, frame; /* samples */
	double hz;
	uint32_t seq;
	unsigned long at;
};

static int say(struct talk *t, uint8_t out[1275])
{
	float pcm[2880 * 2] = { 0 };
	int n;

	for (unsigned c = 0; c < t->channels; c++)
		tone_add(pcm + c, t->frame, t->channels, t->hz, 0.4, t->at);
	t->at += t->frame;
	n = opus_encode_float(t->enc, pcm, (int)t->frame, out, 1275);
	assert_true(n > 0);
	return n;
}

static struct pf_mic *new_mic(void)
{
	struct pf_mic *m = NULL;

	assert_int_equal(pf_mic_open(&m, NULL), 0);
	return m;
}

/* `seconds` of speech, pulled in blocks of 5 ms; each packet is lost if `lose` says so.
 * Into `heard`, if there is one. */
static void talk(struct pf_mic *m, struct talk *t, unsigned seconds, bool (*lose)(uint32_t seq),
	float *heard, uint64_t *now_ns)
{
	const uint64_t frame_ns = t->frame * 1000000000ull / 48000;
	uint64_t due = *now_ns;
	float block[240];

	for (unsigned i = 0; i < seconds * 200; i++, *now_ns += 5 * MS) {
		for (; due <= *now_ns; due += frame_ns) {
			uint8_t packet[1275];
			int n = say(t, packet);

			if (!lose || !lose(t->seq))
				pf_mic_put(m, t->seq, packet, (size_t)n, due);
			t->seq++;
		}
		pf_mic_pull(m, block, 240, *now_ns);
		if (heard)
			memcpy(heard + (size_t)i * 240, block, sizeof(block));
	}
}

static void what_is_said_is_heard(void **state)
{
	static const struct {
		unsigned channels, frame;
	} kinds[] = { { 1, 480 }, { 2, 480 }, { 1, 960 }, { 1, 240 }, { 1, 2880 } };
	static float heard[2 * SECOND];

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct talk t = { .enc = speaker((int)kinds[i].channels),
			.channels = kinds[i].channels,
			.frame = kinds[i].frame,
			.hz = 800 };
		struct pf_mic *m = new_mic();
		struct pf_mic_stats st;
		uint64_t now = 5000 * MS;
		double level;

		talk(m, &t, 2, NULL, heard, &now);
		level = tone_level(heard + SECOND / 2, SECOND, 1, 800);
		pf_mic_get_stats(m, &st);
		print_message("# %u channels, %u samples: level %.3f, delay %u ms\n",
			kinds[i].channels, kinds[i].frame, level, st.delay_ms);
		assert_true(level > 0.34 && level < 0.46);
		assert_true(tone_level(heard + SECOND / 2, SECOND, 1, 1300) < 0.01);
		assert_int_equal(st.packets, t.seq);
		assert_true(st.played >= t.seq - 3);
		assert_int_equal(st.invalid + st.refused + st.late + st.concealed, 0);
		pf_mic_close(&m);
		opus_encoder_destroy(t.enc);
	}
}

static bool one_in_twenty(uint32_t seq)
{
	return seq % 20 == 19;
}

static bool three_in_a_row(uint32_t seq)
{
	return seq % 50 >= 47;
}

static void losses_are_hardly_heard(void **state)
{
	bool (*const lose[])(uint32_t) = { one_in_twenty, three_in_a_row };
	static float heard[4 * SECOND];

	for (unsigned i = 0; i < 2; i++) {
		struct talk t = { .enc = speaker(1), .channels = 1, .frame = 480, .hz = 500 };
		struct pf_mic *m = new_mic();
		struct pf_mic_stats st;
		uint64_t now = 1000 * MS;
		double level;

		talk(m, &t, 4, lose[i], heard, &now);
		pf_mic_get_stats(m, &st);
		level = tone_level(heard + SECOND, 2 * SECOND, 1, 500);
		print_message("# %s: level %.3f, %llu recovered, %llu concealed\n",
			i ? "three of fifty in a row" : "one of twenty", level,
			(unsigned long long)st.recovered, (unsigned long long)st.concealed);
		assert_true(level > 0.25);
		assert_true(st.recovered >= (i ? 7 : 18));
		assert_true(st.concealed >= (i ? 14 : 1) && st.concealed < 40);
		pf_mic_close(&m);
		opus_encoder_destroy(t.enc);
	}
}

static void nobody_listens_and_then_hears_what_is_said_now(void **state)
{
	struct talk t = { .enc = speaker(1), .channels = 1, .frame = 480, .hz = 600 };
	struct pf_mic *m = new_mic();
	static float heard[SECOND];
	struct pf_mic_stats st;
	uint64_t now = 9000 * MS;
	uint8_t packet[1275];

	for (unsigned i = 0; i < 300; i++, now += 10 * MS) {
		int n = say(&t, packet);

		pf_mic_put(m, t.seq++, packet, (size_t)n, now);
	}
	pf_mic_get_stats(m, &st);
	assert_int_equal(st.packets, 64);
	assert_int_equal(st.refused, 236);
	t.hz = 1200;
	talk(m, &t, 1, NULL, heard, &now);
	assert_true(tone_level(heard + SECOND / 2, SECOND / 2, 1, 1200) > 0.3);
	assert_true(tone_level(heard, SECOND, 1, 600) < 0.02);
	pf_mic_get_stats(m, &st);
	assert_true(st.delay_ms <= 30);
	/* It ends: made up for 50 ms, then silence. */
	pf_mic_pull(m, heard, SECOND / 4, now);
	for (unsigned i = SECOND / 8; i < SECOND / 4; i++)
		assert_true(heard[i] == 0);
	pf_mic_close(&m);
	opus_encoder_destroy(t.enc);
}

static void what_is_no_opus_is_dropped(void **state)
{
	static const uint8_t big[1400] = { 0x78 };
	/* Three frames of 20 ms and two of 60 ms; code 3 without its count. */
	static const uint8_t long_one[] = { 0x7b, 0x03, 1, 2, 3 }, too_long[] = { 0x19, 1, 2 },
			     broken[] = { 0x7b };
	struct pf_mic *m = new_mic();
	struct pf_mic_stats st;
	float pcm[480];

	pf_mic_put(m, 0, big, sizeof(big), 0);
	pf_mic_put(m, 1, big, 0, 0);
	pf_mic_put(m, 2, broken, sizeof(broken), 0);
	pf_mic_put(m, 3, too_long, sizeof(too_long), 0);
	pf_mic_get_stats(m, &st);
	assert_int_equal(st.invalid, 4);
	pf_mic_put(m, 4, long_one, sizeof(long_one), 0);
	pf_mic_get_stats(m, &st);
	assert_int_equal(st.packets, 1);
	pf_mic_pull(m, pcm, 480, 0);
	pf_mic_close(&m);
	pf_mic_close(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_said_is_heard),
		cmocka_unit_test(losses_are_hardly_heard),
		cmocka_unit_test(nobody_listens_and_then_hears_what_is_said_now),
		cmocka_unit_test(what_is_no_opus_is_dropped),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
