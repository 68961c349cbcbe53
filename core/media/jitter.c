/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/media/jitter.h"

/* A spread below this share of an interval is not worth a wait. */
#define DEAD_BAND 16
/* A way further than this from the first one is a new clock or a lie. */
#define WAY_MAX_NS 60000000000ll
/* The hold rises at once and falls by this share of what is too much per frame. */
#define DECAY 64

void pf_jitter_rate(struct pf_jitter *j, uint32_t refresh_hz)
{
	j->interval_ns = 1000000000ull / (refresh_hz ? refresh_hz : 60);
}

void pf_jitter_init(struct pf_jitter *j, uint32_t refresh_hz)
{
	*j = (struct pf_jitter){ 0 };
	pf_jitter_rate(j, refresh_hz);
}

static int64_t past_base(const struct pf_jitter *j, uint64_t pts_ns, uint64_t done_ns)
{
	int64_t way = (int64_t)(done_ns - pts_ns - j->base_ns);

	if (way > WAY_MAX_NS)
		return WAY_MAX_NS;
	return way < -WAY_MAX_NS ? -WAY_MAX_NS : way;
}

static void note_way(struct pf_jitter *j, int64_t way_ns, uint64_t done_ns)
{
	if (!j->started || done_ns - j->spell_ns >= PF_JITTER_SPELL_NS) {
		j->least_before_ns = j->started ? j->least_ns : way_ns;
		j->least_ns = way_ns;
		j->spell_ns = done_ns;
		j->started = true;
	}
	if (way_ns < j->least_ns)
		j->least_ns = way_ns;
	j->way_ns[j->next] = way_ns;
	j->next = (j->next + 1) % PF_JITTER_FRAMES;
	if (j->count < PF_JITTER_FRAMES)
		j->count++;
}

/* What 19 of 20 ways do not exceed, past `least`: all but the largest few. */
static uint64_t spread(const struct pf_jitter *j, int64_t least_ns)
{
	int64_t top[PF_JITTER_FRAMES / 20 + 1];
	unsigned keep = j->count / 20 + 1, n = 0;

	for (unsigned i = 0; i < j->count; i++) {
		unsigned at;

		if (n == keep && j->way_ns[i] <= top[n - 1])
			continue;
		at = n < keep ? n++ : n - 1;
		for (; at > 0 && top[at - 1] < j->way_ns[i]; at--)
			top[at] = top[at - 1];
		top[at] = j->way_ns[i];
	}
	return n && top[n - 1] > least_ns ? (uint64_t)(top[n - 1] - least_ns) : 0;
}

uint64_t pf_jitter_arrived(struct pf_jitter *j, uint64_t pts_ns, uint64_t done_ns)
{
	int64_t way, least;
	uint64_t want, release = done_ns;

	if (!j->started)
		j->base_ns = done_ns - pts_ns;
	way = past_base(j, pts_ns, done_ns);
	note_way(j, way, done_ns);
	least = j->least_ns < j->least_before_ns ? j->least_ns : j->least_before_ns;
	want = spread(j, least);
	if (want < j->interval_ns / DEAD_BAND)
		want = 0;
	if (want > j->interval_ns)
		want = j->interval_ns;
	if (want >= j->hold_ns)
		j->hold_ns = want;
	else
		j->hold_ns -= (j->hold_ns - want + DECAY - 1) / DECAY;
	if (way - least < (int64_t)j->hold_ns)
		release += j->hold_ns - (uint64_t)(way - least);
	if (release < j->release_ns && j->release_ns - done_ns <= j->interval_ns)
		release = j->release_ns;
	j->release_ns = release;
	return release;
}
