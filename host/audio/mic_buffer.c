/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/audio/mic_buffer.h"
#include <string.h>

#define DRY_MAX	   5	     /* made up in a row; then silence until enough waits again */
#define OLD_MAX	   20	     /* so many old ones in a row: the sender counts anew */
#define WINDOW	   200	     /* packets over which the earliest counts */
#define FADE	   256	     /* a peak of jitter falls to a third in so many packets */
#define PAUSE_NS   500000000 /* later than this is no jitter: the speaker paused */
#define LOOK_STEPS 100	     /* between looks whether too much waits */
#define HASTE	   3	     /* more than this too much: look sooner */
/* What a clock's grain looks like is no jitter. */
#define GRAIN_NS 1000000

static bool is_full(const struct pf_mic_buffer *b, uint32_t seq)
{
	return (int32_t)(seq - b->end) < 0 && b->slot[seq % PF_MIC_SLOTS].full;
}

static void clear(struct pf_mic_buffer *b)
{
	for (unsigned i = 0; i < PF_MIC_SLOTS; i++)
		b->slot[i].full = false;
	b->any = b->playing = false;
	b->dry = b->old = b->steps = 0;
	b->stats.depth = 0;
}

void pf_mic_buffer_reset(struct pf_mic_buffer *b, uint64_t frame_ns)
{
	const struct pf_mic_buffer_stats stats = b->stats;

	memset(b, 0, offsetof(struct pf_mic_buffer, slot));
	b->stats = stats;
	b->frame_ns = frame_ns;
	b->stats.target = 1;
	clear(b);
}

static void measure(struct pf_mic_buffer *b, uint32_t seq, uint64_t now_ns)
{
	const int64_t frames = (int32_t)(seq - b->base_seq);
	int64_t transit = (int64_t)(now_ns - b->base_ns) - frames * (int64_t)b->frame_ns, least;
	uint64_t need;

	least = b->least_ns[0] < b->least_ns[1] ? b->least_ns[0] : b->least_ns[1];
	if (!b->window || transit - least > PAUSE_NS) {
		b->base_ns = now_ns;
		b->base_seq = seq;
		b->least_ns[0] = b->least_ns[1] = least = transit = 0;
		b->window = 1;
	}
	if (transit < b->least_ns[1])
		b->least_ns[1] = transit;
	if (transit < least)
		least = transit;
	if (++b->window > WINDOW) {
		b->least_ns[0] = b->least_ns[1];
		b->least_ns[1] = transit;
		b->window = 1;
	}
	b->jitter_ns -= b->jitter_ns / FADE;
	if (transit - least > b->jitter_ns)
		b->jitter_ns = transit - least;
	/* One is being taken, the others cover the jitter. */
	need = 1 + ((uint64_t)b->jitter_ns + b->frame_ns - GRAIN_NS) / b->frame_ns;
	b->stats.target = need < PF_MIC_DEPTH_MAX ? (uint32_t)need : PF_MIC_DEPTH_MAX;
}

static void drop_oldest(struct pf_mic_buffer *b)
{
	b->stats.skipped += is_full(b, b->next);
	b->slot[b->next % PF_MIC_SLOTS].full = false;
	b->next++;
}

void pf_mic_buffer_put(
	struct pf_mic_buffer *b, uint32_t seq, const uint8_t *data, size_t len, uint64_t now_ns)
{
	int32_t ahead = (int32_t)(seq - b->next);

	if (!len || len > PF_MIC_PACKET_MAX)
		return;
	if (b->any && ahead < 0) {
		/* Nothing is played yet: it may still be the first. */
		if (!b->playing && b->end - seq <= PF_MIC_DEPTH_MAX && !b->dry) {
			b->next = seq;
			ahead = 0;
		} else if (b->old++ < OLD_MAX) {
			b->stats.late++;
			measure(b, seq, now_ns);
			return;
		} else {
			clear(b);
		}
	}
	/* Far ahead: what is between was not sent, or is gone. */
	if (b->any && ahead >= 4 * PF_MIC_SLOTS)
		clear(b);
	if (!b->any) {
		b->any = true;
		b->next = b->end = seq;
		b->window = 0;
	}
	b->old = 0;
	measure(b, seq, now_ns);
	if (b->next == b->end)
		b->first_ns = now_ns;
	while ((int32_t)(seq - b->end) >= 0)
		b->slot[b->end++ % PF_MIC_SLOTS].full = false;
	/* One jump to where it should be, not a cut in every packet from now on. */
	if (b->end - b->next > PF_MIC_DEPTH_MAX)
		while (b->end - b->next > b->stats.target)
			drop_oldest(b);
	if (is_full(b, seq))
		return;
	b->slot[seq % PF_MIC_SLOTS].full = true;
	b->slot[seq % PF_MIC_SLOTS].len = (uint16_t)len;
	memcpy(b->slot[seq % PF_MIC_SLOTS].data, data, len);
}

/* The packet of that number; it stays readable until its place is needed. */
static void borrow(const struct pf_mic_buffer *b, uint32_t seq, const uint8_t **data, size_t *len)
{
	*data = b->slot[seq % PF_MIC_SLOTS].data;
	*len = b->slot[seq % PF_MIC_SLOTS].len;
}

/* Whether one packet was never needed of late, and more waits than jitter asks for:
 * those on time wait for `target`, the latest for none. */
static bool is_too_much(struct pf_mic_buffer *b)
{
	const unsigned depth = b->end - b->next;
	bool haste;

	if (!b->steps || depth < b->least_depth)
		b->least_depth = depth;
	if (!b->steps || depth > b->most_depth)
		b->most_depth = depth;
	b->steps++;
	haste = b->least_depth > HASTE && b->most_depth > b->stats.target + HASTE;
	if (b->steps < (haste ? LOOK_STEPS / 5 : LOOK_STEPS))
		return false;
	b->steps = 0;
	return b->least_depth > 1 && b->most_depth > b->stats.target;
}

static void start(struct pf_mic_buffer *b, uint64_t now_ns)
{
	const uint32_t depth = b->end - b->next;

	/* A word that is shorter than the delay is over before enough waits. */
	if (!b->any || !depth ||
		(depth < b->stats.target && now_ns - b->first_ns < b->stats.target * b->frame_ns))
		return;
	while (!is_full(b, b->next))
		b->next++;
	b->playing = true;
	b->dry = b->steps = 0;
}

enum pf_mic_step pf_mic_buffer_next(
	struct pf_mic_buffer *b, uint64_t now_ns, const uint8_t **data, size_t *len)
{
	bool merge;

	if (!b->playing)
		start(b, now_ns);
	b->stats.depth = b->any ? b->end - b->next : 0;
	if (!b->playing)
		return PF_MIC_SILENCE;
	if (b->next == b->end) {
		/* Late, most likely: it keeps its turn. */
		b->steps = 0;
		if (++b->dry > DRY_MAX) {
			b->playing = false;
			return PF_MIC_SILENCE;
		}
		b->stats.concealed++;
		return PF_MIC_CONCEAL;
	}
	b->dry = 0;
	merge = is_too_much(b);
	if (is_full(b, b->next)) {
		borrow(b, b->next, data, len);
		b->slot[b->next++ % PF_MIC_SLOTS].full = false;
		b->stats.played++;
		if (!merge || !is_full(b, b->next))
			return PF_MIC_PLAY;
		b->stats.merged++;
		return PF_MIC_MERGE;
	}
	b->next++;
	if (!is_full(b, b->next)) {
		b->stats.concealed++;
		return PF_MIC_CONCEAL;
	}
	borrow(b, b->next, data, len);
	b->stats.recovered++;
	return PF_MIC_RECOVER;
}
