/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Opus, tone and WAV together: what was played is what is found. */
#include "clients/probe/sound.h"
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <opus/opus_multistream.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "clients/probe/tone.h"

static float *tone(double hz, double amplitude, unsigned count)
{
	float *p = malloc(count * sizeof(*p));

	for (unsigned i = 0; i < count; i++)
		p[i] = (float)(amplitude * sin(2 * acos(-1) * hz * i / PF_TONE_RATE));
	return p;
}

static void test_tones(void **state)
{
	static const double hz[] = { 55, 440, 441, 997, 3000, 11000 };
	struct pf_tone *t;

	for (unsigned i = 0; i < 6; i++) {
		float *p = tone(hz[i], 0.3, PF_TONE_RATE + 100);

		t = calloc(1, sizeof(*t));
		/* In pieces, as packets bring it. */
		for (unsigned at = 0; at < PF_TONE_RATE; at += 240)
			pf_tone_feed(t, p + at, 240);
		assert_true(fabs(pf_tone_dominant(t) - hz[i]) <= 1);
		assert_true(fabs(pf_tone_level_db(t, hz[i])) < 3);
		assert_true(pf_tone_level_db(t, hz[i] * 1.4) < -60);
		free(t);
		free(p);
	}
}

static void test_silence_and_loudest(void **state)
{
	struct pf_tone *t = calloc(1, sizeof(*t));
	float *quiet = calloc(PF_TONE_RATE, sizeof(*quiet));
	float *low = tone(300, 0.01, PF_TONE_RATE), *loud = tone(800, 0.5, PF_TONE_RATE);

	pf_tone_feed(t, quiet, PF_TONE_RATE);
	assert_true(pf_tone_dominant(t) == 0);
	assert_true(pf_tone_level_db(t, 440) <= -200);
	pf_tone_feed(t, low, PF_TONE_RATE);
	assert_true(fabs(pf_tone_dominant(t) - 300) <= 1);
	pf_tone_feed(t, loud, PF_TONE_RATE);
	pf_tone_feed(t, quiet, PF_TONE_RATE);
	assert_true(fabs(pf_tone_dominant(t) - 800) <= 1);
	free(t);
	free(quiet);
	free(low);
	free(loud);
}

/* Left and right carry different tones through an Opus encoder of the host's kind. */
static void test_channels(void **state)
{
	static const unsigned layouts[] = { 2, 6, 8 };

	for (unsigned l = 0; l < 3; l++) {
		unsigned channels = layouts[l];
		const uint8_t map[8] = { 0, 1, 2, 3, 4, 5, 6, 7 };
		int err;
		OpusMSEncoder *enc = opus_multistream_encoder_create(48000, (int)channels,
			channels == 2	? 1
			: channels == 6 ? 4
					: 5,
			channels == 2	? 1
			: channels == 6 ? 2
					: 3,
			map, OPUS_APPLICATION_RESTRICTED_LOWDELAY, &err);
		struct pf_sound *s = NULL;

		assert_int_equal(err, OPUS_OK);
		assert_int_equal(pf_sound_open(&s, NULL), 0);
		assert_int_equal(pf_sound_start(s, 3), -EINVAL);
		assert_int_equal(pf_sound_start(s, channels), 0);
		for (uint32_t seq = 0; seq < 420; seq++) {
			float pcm[240 * 8] = { 0 };
			uint8_t packet[1500];
			int n;

			for (unsigned i = 0; i < 240; i++) {
				double at = (seq * 240.0 + i) / 48000 * 2 * acos(-1);

				pcm[i * channels] = (float)(0.4 * sin(600 * at));
				pcm[i * channels + 1] = (float)(0.4 * sin(1500 * at));
			}
			n = opus_multistream_encode_float(enc, pcm, 240, packet, sizeof(packet));
			assert_true(n > 0);
			/* One is lost, then more in a row than anybody makes up. */
			if (seq != 50 && (seq < 80 || seq >= 92))
				pf_sound_packet(s,
					seq == 51   ? 1
					: seq == 92 ? 12
						    : 0,
					packet, (size_t)n);
		}
		assert_true(fabs(pf_tone_dominant(pf_sound_tone(s, 0)) - 600) <= 1);
		assert_true(fabs(pf_tone_dominant(pf_sound_tone(s, 1)) - 1500) <= 1);
		assert_true(pf_tone_level_db(pf_sound_tone(s, 0), 1500) < -20);
		assert_int_equal(pf_sound_stats(s).packets, 420 - 13);
		assert_int_equal(pf_sound_stats(s).lost, 13);
		assert_int_equal(pf_sound_stats(s).concealed, 1 + 10);
		pf_sound_packet(s, 0, (const uint8_t *)"", 0);
		assert_int_equal(pf_sound_stats(s).broken, 1);
		assert_int_equal(pf_sound_close(s), 0);
		opus_multistream_encoder_destroy(enc);
	}
}

static void test_wav(void **state)
{
	char path[] = "/tmp/pf-probe-wav-XXXXXX";
	int fd = mkstemp(path), err;
	OpusEncoder *enc =
		opus_encoder_create(48000, 2, OPUS_APPLICATION_RESTRICTED_LOWDELAY, &err);
	struct pf_sound *s = NULL;
	uint8_t h[44];

	close(fd);
	assert_int_equal(pf_sound_open(&s, path), 0);
	assert_int_equal(pf_sound_start(s, 2), 0);
	for (uint32_t seq = 0; seq < 200; seq++) {
		float pcm[480];
		uint8_t packet[400];
		int n;

		for (unsigned i = 0; i < 480; i++)
			pcm[i] = (float)(0.5 *
					 sin(2 * acos(-1) * 440 * (seq * 240 + i / 2) / 48000.0));
		n = opus_encode_float(enc, pcm, 240, packet, sizeof(packet));
		pf_sound_packet(s, 0, packet, (size_t)n);
	}
	assert_int_equal(pf_sound_close(s), 0);
	fd = open(path, O_RDONLY);
	assert_int_equal(read(fd, h, 44), 44);
	assert_memory_equal(h, "RIFF", 4);
	assert_memory_equal(h + 8, "WAVEfmt ", 8);
	assert_int_equal(h[22], 2);
	assert_int_equal(h[40] | h[41] << 8 | h[42] << 16, 200 * 240 * 4);
	assert_int_equal(lseek(fd, 0, SEEK_END), 44 + 200 * 240 * 4);
	close(fd);
	unlink(path);
	opus_encoder_destroy(enc);
	assert_int_equal(pf_sound_open(&s, "/nowhere/at/all.wav"), -ENOENT);
	assert_int_equal(pf_sound_close(NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tones),
		cmocka_unit_test(test_silence_and_loudest),
		cmocka_unit_test(test_channels),
		cmocka_unit_test(test_wav),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
