/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/media/replay.h"
#include <string.h>

static uint64_t *word_of(struct pf_replay *r, uint64_t seq)
{
	return &r->seen[seq % PF_REPLAY_WINDOW / 64];
}

void pf_replay_init(struct pf_replay *r)
{
	memset(r, 0, sizeof(*r));
}

bool pf_replay_fresh(const struct pf_replay *r, uint64_t seq)
{
	if (!r->any || seq > r->highest)
		return true;
	if (r->highest - seq >= PF_REPLAY_WINDOW)
		return false;
	return !(r->seen[seq % PF_REPLAY_WINDOW / 64] >> (seq % 64) & 1);
}

/* Forgets the places of (highest, seq], which numbers a window older hold. */
static void advance(struct pf_replay *r, uint64_t seq)
{
	if (!r->any || seq - r->highest >= PF_REPLAY_WINDOW) {
		memset(r->seen, 0, sizeof(r->seen));
		return;
	}
	for (uint64_t s = r->highest + 1;; s++) {
		if (s % 64 == 0 && seq - s >= 63) {
			*word_of(r, s) = 0;
			s += 63;
		} else {
			*word_of(r, s) &= ~(1ull << (s % 64));
		}
		if (s == seq)
			return;
	}
}

bool pf_replay_accept(struct pf_replay *r, uint64_t seq)
{
	if (!pf_replay_fresh(r, seq))
		return false;
	if (!r->any || seq > r->highest) {
		advance(r, seq);
		r->highest = seq;
		r->any = true;
	}
	*word_of(r, seq) |= 1ull << (seq % 64);
	return true;
}
