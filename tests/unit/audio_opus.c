/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <opus_multistream.h>
#include <string.h>
#include "host/audio/audio.h"
#include "host/audio/opus.h"
#include "tests/unit/audio_tone.h"

#define BLOCKS 100
#define N      (BLOCKS * PF_AUDIO_BLOCK)

static float in[N * 8], out[N * 8];

/* Encodes `in` block by block, decodes as a client does; mean packet size. */
static unsigned round_trip(unsigned channels, uint32_t kbps)
{
	const struct pf_opus_layout *l = pf_opus_layout(channels);
	OpusMSDecoder *dec;
	struct pf_opus *enc = NULL;
	unsigned bytes = 0;
	uint8_t packet[1275];
	int r;

	assert_int_equal(pf_opus_open(&enc, channels, kbps, NULL), 0);
	dec = opus_multistream_decoder_create(
		48000, (int)channels, l->streams, l->coupled, l->mapping, &r);
	assert_int_equal(r, OPUS_OK);
	for (unsigned i = 0; i < BLOCKS; i++) {
		const size_t at = (size_t)i * PF_AUDIO_BLOCK * channels;
		const int n = pf_opus_encode(enc, in + at, packet, sizeof(packet));

		assert_true(n > 0);
		bytes += (unsigned)n;
		assert_int_equal(
			opus_multistream_decode_float(dec, packet, n, out + at, PF_AUDIO_BLOCK, 0),
			PF_AUDIO_BLOCK);
	}
	opus_multistream_decoder_destroy(dec);
	pf_opus_close(&enc);
	assert_null(enc);
	return bytes / BLOCKS;
}

static double tone_of(unsigned channel)
{
	return channel == 3 ? 80 : 400 + 170 * channel; /* the fourth is the LFE */
}

static void each_channel_comes_back_where_it_was(void **state)
{
	static const unsigned counts[] = { 2, 6, 8 };

	for (unsigned i = 0; i < 3; i++) {
		const unsigned channels = counts[i];

		memset(in, 0, sizeof(in));
		for (unsigned c = 0; c < channels; c++)
			tone_add(in + c, N, channels, tone_of(c), 0.4, 0);
		round_trip(channels, pf_opus_layout(channels)->kbps[PF_OPUS_HIGH]);
		for (unsigned c = 0; c < channels; c++) {
			for (unsigned t = 0; t < channels; t++) {
				const double level = tone_level(out + c + N / 4 * channels,
					N * 3 / 4 /* past the start */, channels, tone_of(t));

				if (t == c)
					assert_true(level > 0.3 && level < 0.5);
				else
					assert_true(level < 0.03);
			}
		}
	}
}

static void packets_keep_to_the_rate(void **state)
{
	static const unsigned counts[] = { 2, 6, 8 };
	uint32_t noise = 1;

	for (unsigned i = 0; i < N * 8; i++) {
		noise = noise * 1664525 + 1013904223;
		in[i] = (float)(int32_t)noise / 4e9f;
	}
	for (unsigned i = 0; i < 3; i++) {
		for (int tier = PF_OPUS_LOW; tier <= PF_OPUS_HIGH; tier++) {
			const uint32_t kbps = pf_opus_layout(counts[i])->kbps[tier];
			const unsigned want = kbps * 5 / 8; /* bytes in 5 ms */
			const unsigned got = round_trip(counts[i], kbps);

			/* Noise wants more than it gets: the constraint holds it near. */
			assert_in_range(got, want * 8 / 10, want * 11 / 10);
		}
	}
}

static void silence_is_small_and_a_cap_is_kept(void **state)
{
	struct pf_opus *enc = NULL;
	uint8_t packet[1275];

	memset(in, 0, sizeof(in));
	assert_true(round_trip(2, 256) <= 10);
	assert_int_equal(pf_opus_open(&enc, 2, 256, NULL), 0);
	for (unsigned i = 0; i < N * 2; i++)
		in[i] = (float)((i * 7919) % 1000) / 1000 - 0.5f;
	for (unsigned i = 0; i < BLOCKS; i++)
		assert_in_range(pf_opus_encode(enc, in + i * 480, packet, 60), 1, 60);
	assert_int_equal(pf_opus_encode(enc, in, packet, 0), -EINVAL);
	pf_opus_close(&enc);
}

static void the_plan_follows_the_budget(void **state)
{
	static const struct {
		unsigned channels;
		uint32_t video_kbps;
		enum pf_opus_tier tier;
		bool both;
		uint32_t kbps;
		bool redundant;
	} rows[] = {
		{ 2, 20000, PF_OPUS_HIGH, true, 256, true }, /* budget 1000 */
		{ 2, 10240, PF_OPUS_HIGH, true, 256, true }, /* 512 just fits */
		{ 2, 10239, PF_OPUS_HIGH, true, 256, false },
		{ 2, 20000, PF_OPUS_HIGH, false, 256, false },
		{ 2, 5120, PF_OPUS_HIGH, true, 256, false },
		{ 2, 5119, PF_OPUS_HIGH, true, 128, false }, /* 255 < 2 x 128 */
		{ 2, 20000, PF_OPUS_STANDARD, true, 128, true },
		{ 2, 20000, PF_OPUS_LOW, true, 96, false },
		{ 2, 1000, PF_OPUS_HIGH, true, 96, false },
		{ 2, 0, PF_OPUS_HIGH, true, 96, false },
		{ 6, 20000, PF_OPUS_HIGH, true, 448, true },
		{ 6, 9000, PF_OPUS_HIGH, true, 448, false },
		{ 6, 5120, PF_OPUS_HIGH, true, 256, false },
		{ 6, 1000, PF_OPUS_HIGH, true, 192, false },
		{ 8, 40000, PF_OPUS_HIGH, true, 768, true },
		{ 8, 16000, PF_OPUS_HIGH, true, 768, false },
		{ 8, 15359, PF_OPUS_HIGH, true, 450, false },
		{ 8, 100, PF_OPUS_HIGH, true, 320, false },
		{ 8, UINT32_MAX, PF_OPUS_HIGH, true, 768, true },
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct pf_opus_plan p = pf_opus_plan(
			rows[i].channels, rows[i].video_kbps, rows[i].tier, rows[i].both);

		if (p.kbps != rows[i].kbps || p.redundant != rows[i].redundant)
			fail_msg("row %u gave %u %d", i, p.kbps, p.redundant);
	}
}

/* streams, coupled and kbit/s at 5 and 10 ms: gamestream.md 5.2; a packet of more
 * than 1375 bytes would not fit. */
static const struct {
	unsigned channels;
	bool high;
	int streams, coupled;
	unsigned kbps, kbps_10;
} gamestream[] = {
	{ 2, false, 1, 1, 96, 96 },
	{ 2, true, 1, 1, 512, 512 },
	{ 6, false, 4, 2, 256, 256 },
	{ 6, true, 6, 0, 1536, 1100 },
	{ 8, false, 5, 3, 450, 450 },
	{ 8, true, 8, 0, 2048, 1100 },
};

static void gamestream_packets_are_all_of_one_size(void **state)
{
	static const uint8_t identity[8] = { 0, 1, 2, 3, 4, 5, 6, 7 };

	for (unsigned i = 0; i < 12; i++) {
		const unsigned ms = i & 1 ? 10 : 5, samples = 48 * ms;
		const unsigned channels = gamestream[i / 2].channels;
		const unsigned kbps = i & 1 ? gamestream[i / 2].kbps_10 : gamestream[i / 2].kbps;
		struct pf_opus_config c;
		struct pf_opus *enc = NULL;
		OpusMSDecoder *dec;
		uint8_t packet[1400];
		uint32_t noise = i;
		int r;

		/* Silence, then tones, then noise; the tones are looked at. */
		memset(in, 0, sizeof(in));
		for (unsigned c1 = 0; c1 < channels; c1++)
			tone_add(in + c1 + N / 10 * channels, N * 8 / 10, channels, tone_of(c1),
				0.4, 0);
		for (unsigned k = N * 9 / 10 * channels; k < N * channels; k++) {
			noise = noise * 1664525 + 1013904223;
			in[k] = (float)(int32_t)noise / 2.2e9f;
		}
		assert_int_equal(
			pf_opus_gamestream(&c, channels, gamestream[i / 2].high, ms, NULL), 0);
		assert_int_equal(c.kbps, kbps);
		assert_int_equal(pf_opus_open_config(&enc, &c, NULL), 0);
		dec = opus_multistream_decoder_create(48000, (int)channels,
			gamestream[i / 2].streams, gamestream[i / 2].coupled, identity, &r);
		assert_int_equal(r, OPUS_OK);
		for (unsigned at = 0; at + samples <= N; at += samples) {
			const int n =
				pf_opus_encode(enc, in + at * channels, packet, sizeof(packet));

			assert_int_equal(n, kbps * ms / 8);
			assert_int_equal(opus_multistream_decode_float(
						 dec, packet, n, out + at * channels, N, 0),
				samples);
		}
		for (unsigned c1 = 0; c1 < channels; c1++)
			for (unsigned t = 0; t < channels; t++) {
				const double level = tone_level(
					out + c1 + N / 4 * channels, N / 2, channels, tone_of(t));

				if (t == c1 ? level < 0.3 || level > 0.5 : level > 0.05)
					fail_msg(
						"row %u, channel %u, tone %u: %f", i, c1, t, level);
			}
		opus_multistream_decoder_destroy(dec);
		pf_opus_close(&enc);
	}
}

static void odd_layouts_are_refused(void **state)
{
	struct pf_opus *o = NULL;
	struct pf_opus_config c;
	struct pf_reason why = { 0 };

	assert_int_equal(pf_opus_open(&o, 3, 128, &why), -EINVAL);
	assert_null(o);
	assert_int_not_equal(why.text[0], 0);
	why.text[0] = 0;
	assert_int_equal(pf_opus_gamestream(&c, 4, false, 5, &why), -EINVAL);
	assert_int_not_equal(why.text[0], 0);
	why.text[0] = 0;
	assert_int_equal(pf_opus_gamestream(&c, 2, false, 20, &why), -EINVAL);
	assert_int_not_equal(why.text[0], 0);
	assert_null(pf_opus_layout(0));
	assert_null(pf_opus_layout(7));
	pf_opus_close(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_channel_comes_back_where_it_was),
		cmocka_unit_test(packets_keep_to_the_rate),
		cmocka_unit_test(silence_is_small_and_a_cap_is_kept),
		cmocka_unit_test(the_plan_follows_the_budget),
		cmocka_unit_test(gamestream_packets_are_all_of_one_size),
		cmocka_unit_test(odd_layouts_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
