/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "clients/probe/sound.h"
#include <errno.h>
#include <opus/opus_multistream.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RATE	     48000
#define FRAME	     240  /* samples of one packet: 5 ms */
#define FRAME_MAX    5760 /* 120 ms, the most that Opus packs */
#define CHANNELS_MAX 8
#define CONCEAL_MAX  10

struct pf_sound {
	OpusMSDecoder *opus;
	unsigned channels;
	FILE *wav;
	uint32_t wav_bytes;
	bool wav_failed;
	struct pf_sound_stats stats;
	struct pf_tone tone[CHANNELS_MAX];
	float pcm[FRAME_MAX * CHANNELS_MAX];
	float one[FRAME_MAX];
	int16_t words[FRAME_MAX * CHANNELS_MAX];
};

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, (uint16_t)v);
	put16(p + 2, (uint16_t)(v >> 16));
}

static void write_header(struct pf_sound *s)
{
	uint8_t h[44] = "RIFF....WAVEfmt ";
	uint16_t block = (uint16_t)(2 * s->channels);

	put32(h + 4, s->wav_bytes + 36);
	put32(h + 16, 16);
	put16(h + 20, 1);
	put16(h + 22, (uint16_t)s->channels);
	put32(h + 24, RATE);
	put32(h + 28, RATE * block);
	put16(h + 32, block);
	put16(h + 34, 16);
	memcpy(h + 36, "data", 4);
	put32(h + 40, s->wav_bytes);
	s->wav_failed |= fwrite(h, 1, sizeof(h), s->wav) != sizeof(h);
}

int pf_sound_open(struct pf_sound **out, const char *wav_path)
{
	struct pf_sound *s = calloc(1, sizeof(*s));
	int err = 0;

	if (!s)
		return -ENOMEM;
	s->channels = 2;
	if (wav_path) {
		s->wav = fopen(wav_path, "wbe");
		if (!s->wav) {
			err = -errno;
			pf_sound_close(s);
			return err;
		}
		write_header(s);
	}
	*out = s;
	return 0;
}

int pf_sound_start(struct pf_sound *s, unsigned channels)
{
	static const uint8_t identity[CHANNELS_MAX] = { 0, 1, 2, 3, 4, 5, 6, 7 };
	int streams = channels == 2 ? 1 : channels == 6 ? 4 : 5;
	int coupled = channels == 2 ? 1 : channels == 6 ? 2 : 3;
	int err = 0;

	if (s->opus || (channels != 2 && channels != 6 && channels != 8))
		return -EINVAL;
	s->channels = channels;
	s->opus = opus_multistream_decoder_create(
		RATE, (int)channels, streams, coupled, identity, &err);
	return !err ? 0 : err == OPUS_ALLOC_FAIL ? -ENOMEM : -EINVAL;
}

int pf_sound_close(struct pf_sound *s)
{
	int err = 0;

	if (!s)
		return 0;
	if (s->opus)
		opus_multistream_decoder_destroy(s->opus);
	if (s->wav) {
		s->wav_failed |= fseek(s->wav, 0, SEEK_SET) != 0;
		write_header(s);
		s->wav_failed |= fclose(s->wav) != 0;
		err = s->wav_failed ? -EIO : 0;
	}
	free(s);
	return err;
}

static void take_samples(struct pf_sound *s, unsigned count)
{
	size_t total = (size_t)count * s->channels;

	for (unsigned c = 0; c < s->channels; c++) {
		for (unsigned i = 0; i < count; i++)
			s->one[i] = s->pcm[i * s->channels + c];
		pf_tone_feed(&s->tone[c], s->one, count);
	}
	if (!s->wav || s->wav_bytes > UINT32_MAX - 100 - 2 * total)
		return;
	for (size_t i = 0; i < total; i++) {
		float v = s->pcm[i] * 32767;

		s->words[i] = (int16_t)(v > 32767 ? 32767 : v < -32768 ? -32768 : v);
	}
	s->wav_failed |= fwrite(s->words, 2, total, s->wav) != total;
	s->wav_bytes += (uint32_t)(2 * total);
}

void pf_sound_packet(struct pf_sound *s, uint32_t lost, const uint8_t *opus, size_t len)
{
	int n;

	s->stats.lost += lost;
	for (uint32_t i = 0; i < lost && i < CONCEAL_MAX; i++) {
		n = opus_multistream_decode_float(s->opus, NULL, 0, s->pcm, FRAME, 0);
		if (n > 0)
			take_samples(s, (unsigned)n);
		s->stats.concealed += n > 0;
	}
	n = len && len <= 1 << 16
		    ? opus_multistream_decode_float(s->opus, opus, (int)len, s->pcm, FRAME_MAX, 0)
		    : -1;
	if (n <= 0) {
		s->stats.broken++;
		return;
	}
	s->stats.packets++;
	take_samples(s, (unsigned)n);
}

const struct pf_tone *pf_sound_tone(const struct pf_sound *s, unsigned channel)
{
	return &s->tone[channel];
}

struct pf_sound_stats pf_sound_stats(const struct pf_sound *s)
{
	return s->stats;
}
