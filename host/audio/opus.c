/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/audio/opus.h"
#include <assert.h>
#include <errno.h>
#include <opus_multistream.h>
#include <stdlib.h>
#include <string.h>
#include "core/media/gs_audio.h"
#include "host/audio/audio.h"

/* Level 10 takes 1.4 times as long (stereo 78 against 57 us a block) for what
 * these rates do not need. */
#define COMPLEXITY 5

struct pf_opus {
	OpusMSEncoder *enc;
	int samples; /* per channel in a packet */
};

const struct pf_opus_layout *pf_opus_layout(unsigned channels)
{
	static const struct pf_opus_layout stereo = { 1, 1, { 0, 1 }, { 96, 128, 256 } };
	static const struct pf_opus_layout five_one = { 4, 2, { 0, 1, 2, 3, 4, 5 },
		{ 192, 256, 448 } };
	static const struct pf_opus_layout seven_one = { 5, 3, { 0, 1, 2, 3, 4, 5, 6, 7 },
		{ 320, 450, 768 } };

	switch (channels) {
	case 2:
		return &stereo;
	case 6:
		return &five_one;
	case 8:
		return &seven_one;
	default:
		return NULL;
	}
}

struct pf_opus_plan pf_opus_plan(
	unsigned channels, uint32_t video_kbps, enum pf_opus_tier tier, bool both_redundant)
{
	static const struct {
		enum pf_opus_tier tier;
		bool redundant;
	} order[] = {
		{ PF_OPUS_HIGH, true },
		{ PF_OPUS_HIGH, false },
		{ PF_OPUS_STANDARD, true },
		{ PF_OPUS_STANDARD, false },
	};
	const struct pf_opus_layout *layout = pf_opus_layout(channels);
	const uint32_t budget = video_kbps / 20 > 96 ? video_kbps / 20 : 96;

	assert(layout);
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		const uint32_t kbps = layout->kbps[order[i].tier];

		if (order[i].tier > tier || (order[i].redundant && !both_redundant))
			continue;
		if (kbps << order[i].redundant <= budget)
			return (struct pf_opus_plan){ kbps, order[i].redundant };
	}
	return (struct pf_opus_plan){ layout->kbps[PF_OPUS_LOW], false };
}

int pf_opus_gamestream(struct pf_opus_config *out, unsigned channels, bool high_quality,
	unsigned packet_ms, struct pf_reason *why)
{
	static const struct pf_opus_config layouts[][2] = {
		{ { 2, 1, 1, { 0, 1 }, .kbps = 96 }, { 2, 1, 1, { 0, 1 }, .kbps = 512 } },
		{ { 6, 4, 2, { 0, 1, 2, 3, 4, 5 }, .kbps = 256 },
			{ 6, 6, 0, { 0, 1, 2, 3, 4, 5 }, .kbps = 1536 } },
		{ { 8, 5, 3, { 0, 1, 2, 3, 4, 5, 6, 7 }, .kbps = 450 },
			{ 8, 8, 0, { 0, 1, 2, 3, 4, 5, 6, 7 }, .kbps = 2048 } },
	};

	if (channels != 2 && channels != 6 && channels != 8)
		return pf_reason_set(why, -EINVAL, "%u channels: 2, 6 or 8 are possible", channels);
	if (packet_ms != 5 && packet_ms != 10)
		return pf_reason_set(
			why, -EINVAL, "sound packets of %u ms: 5 or 10 are possible", packet_ms);
	*out = layouts[channels == 2 ? 0 : channels / 2 - 2][high_quality];
	out->packet_ms = (uint8_t)packet_ms;
	out->cbr = true;
	if (out->kbps * packet_ms / 8 > PF_GS_AUDIO_OPUS_MAX)
		out->kbps = PF_GS_AUDIO_OPUS_MAX * 8 / packet_ms;
	return 0;
}

int pf_opus_open_config(
	struct pf_opus **out, const struct pf_opus_config *config, struct pf_reason *why)
{
	struct pf_opus *o = calloc(1, sizeof(*o));
	int r = OPUS_OK;

	if (!o)
		return pf_reason_set(why, -ENOMEM, "out of memory");
	o->samples = PF_AUDIO_BLOCK * config->packet_ms / 5;
	o->enc = opus_multistream_encoder_create(PF_AUDIO_RATE, config->channels, config->streams,
		config->coupled, config->mapping, OPUS_APPLICATION_RESTRICTED_LOWDELAY, &r);
	if (r == OPUS_OK)
		r = opus_multistream_encoder_ctl(
			o->enc, OPUS_SET_BITRATE((int)config->kbps * 1000));
	if (r == OPUS_OK)
		r = opus_multistream_encoder_ctl(o->enc, OPUS_SET_VBR(!config->cbr));
	if (r == OPUS_OK)
		r = opus_multistream_encoder_ctl(o->enc, OPUS_SET_VBR_CONSTRAINT(1));
	if (r == OPUS_OK)
		r = opus_multistream_encoder_ctl(o->enc, OPUS_SET_COMPLEXITY(COMPLEXITY));
	if (r != OPUS_OK) {
		pf_opus_close(&o);
		return pf_reason_set(why, r == OPUS_ALLOC_FAIL ? -ENOMEM : -EINVAL,
			"Opus refuses %u channels at %u kbit/s: %s", config->channels, config->kbps,
			opus_strerror(r));
	}
	*out = o;
	return 0;
}

int pf_opus_open(struct pf_opus **out, unsigned channels, uint32_t kbps, struct pf_reason *why)
{
	const struct pf_opus_layout *layout = pf_opus_layout(channels);
	struct pf_opus_config config = { .packet_ms = 5, .kbps = kbps };

	if (!layout)
		return pf_reason_set(why, -EINVAL, "%u channels: 2, 6 or 8 are possible", channels);
	config.channels = (uint8_t)channels;
	config.streams = layout->streams;
	config.coupled = layout->coupled;
	memcpy(config.mapping, layout->mapping, sizeof(config.mapping));
	return pf_opus_open_config(out, &config, why);
}

void pf_opus_close(struct pf_opus **o)
{
	if (!*o)
		return;
	if ((*o)->enc)
		opus_multistream_encoder_destroy((*o)->enc);
	free(*o);
	*o = NULL;
}

int pf_opus_encode(struct pf_opus *o, const float *pcm, uint8_t *out, size_t cap)
{
	const opus_int32 most = cap > 65535 ? 65535 : (opus_int32)cap;
	const int n = opus_multistream_encode_float(o->enc, pcm, o->samples, out, most);

	return n > 0 ? n : -EINVAL;
}
