/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* replay.h - which sequence numbers were seen: the newest 131072 of them.
 *
 * Ask pf_replay_fresh before spending time on decryption; call pf_replay_accept
 * only for packets that authenticated, or a forger could push the window on.
 * Plain data, 16 KiB; one thread. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define PF_REPLAY_WINDOW 131072u

struct pf_replay {
	uint64_t highest;
	bool any; /* highest is valid */
	uint64_t seen[PF_REPLAY_WINDOW / 64];
};

void pf_replay_init(struct pf_replay *r);
/** True if `seq` is inside or ahead of the window and was not seen. */
bool pf_replay_fresh(const struct pf_replay *r, uint64_t seq);
/** Marks `seq` as seen; false, without effect, if it was not fresh. */
bool pf_replay_accept(struct pf_replay *r, uint64_t seq);
/** The 64 numbers that `seq` is among, counted from a multiple of 64; a set bit was
 * seen. Of numbers inside the window only. */
static inline uint64_t pf_replay_word(const struct pf_replay *r, uint64_t seq)
{
	return r->seen[seq % PF_REPLAY_WINDOW / 64];
}
