/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/audio/opus.h"
#include <assert.h>
#include <errno.h>
#include <opus_multistream.h>
#include <stdlib.h>
#include "host/audio/audio.h"

/* Level 10 takes 1.4 times as long (stereo 78 against 57 us a block) for what
 * these rates do not need. */
#define COMPLEXITY 5

struct pf_opus {
	OpusMSEncoder *enc;
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

int pf_opus_open(struct pf_opus **out, unsigned channels, uint32_t kbps, struct pf_reason *why)
{
	const struct pf_opus_layout *layout = pf_opus_layout(channels);
	struct pf_opus *o;
	int r = OPUS_OK;

	if (!layout)
		return pf_reason_set(why, -EINVAL, "%u channels: 2, 6 or 8 are possible", channels);
	o = calloc(1, sizeof(*o));
	if (!o)
		return pf_reason_set(why, -ENOMEM, "out of memory");
	o->enc = opus_multistream_encoder_create(PF_AUDIO_RATE, (int)channels, layout->streams,
		layout->coupled, layout->mapping, OPUS_APPLICATION_RESTRICTED_LOWDELAY, &r);
	if (r == OPUS_OK)
		r = opus_multistream_encoder_ctl(o->enc, OPUS_SET_BITRATE((int)kbps * 1000));
	if (r == OPUS_OK)
		r = opus_multistream_encoder_ctl(o->enc, OPUS_SET_VBR(1));
	if (r == OPUS_OK)
		r = opus_multistream_encoder_ctl(o->enc, OPUS_SET_VBR_CONSTRAINT(1));
	if (r == OPUS_OK)
		r = opus_multistream_encoder_ctl(o->enc, OPUS_SET_COMPLEXITY(COMPLEXITY));
	if (r != OPUS_OK) {
		pf_opus_close(&o);
		return pf_reason_set(why, r == OPUS_ALLOC_FAIL ? -ENOMEM : -EINVAL,
			"Opus refuses %u channels at %u kbit/s: %s", channels, kbps,
			opus_strerror(r));
	}
	*out = o;
	return 0;
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
	const int n = opus_multistream_encode_float(o->enc, pcm, PF_AUDIO_BLOCK, out, most);

	return n > 0 ? n : -EINVAL;
}
