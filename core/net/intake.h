/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* intake.h - from the socket to whole frames: read in trains, replay window, open,
 * reassemble. The receiver's work without its thread.
 *
 * A packet that can be expected to hold the next shard of the frame under way is
 * opened straight into the frame, any other one where it was read. One thread;
 * nothing is allocated per packet. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "core/media/arrival.h"
#include "core/media/reassembler.h"
#include "core/media/replay.h"
#include "core/media/seal.h"
#include "core/net/udp.h"

#define PF_INTAKE_BATCH 64u

struct pf_intake {
	struct pf_udp_rx *rx;
	struct pf_seal seal;
	struct pf_replay replay;
	struct pf_arrival arrival;
	struct pf_reassembler *reassembler;

	/* Read, not yet opened. */
	struct pf_udp_packet packets[PF_INTAKE_BATCH];
	unsigned next, count;
	uint64_t read_ns;
	uint64_t pushed_seq; /* of the packet that the reassembler had last */

	uint64_t bytes, forged, replayed, bad_length;
};

/** `fd` stays the caller's. 0; -EINVAL for reassembler parameters out of bounds;
 * -ENOTSUP without a provider; -ENOMEM. Finish it in any case. */
int pf_intake_init(struct pf_intake *in, int fd, const struct pf_media_keys *keys,
	enum pf_direction direction, const struct pf_reassembler_params *params);
/** Wipes; accepts a zeroed struct. */
void pf_intake_finish(struct pf_intake *in);
/** Works off what waits, up to a frame's end or a batch, else does a piece of a
 * recovery under way: 1 = there may be more, 0 = nothing is to be done, or the negative
 * errno of a dead socket. Take what is ready before the next. */
int pf_intake_step(struct pf_intake *in);
