/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* arrival.h - what the path loses, told by the holes in the sealed sequence
 * numbers: how much, and in runs of how many.
 *
 * A number that is missing counts as lost once the horizon has passed since a
 * newer one was seen, so that reordering is no loss. Every packet counts: video,
 * parity, filler. Reads the replay window's bitmap a word at a time, so it costs
 * next to nothing per packet. Pure function of arrivals and time; plain data, one
 * thread. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "core/media/replay.h"

#define PF_ARRIVAL_HORIZON_NS 20000000ull   /* at least; at most twice that */
#define PF_ARRIVAL_SPELL_NS   4000000000ull /* the estimates halve their memory each */

struct pf_arrival_path {
	uint64_t packets; /* came, of those judged */
	uint64_t lost;
	uint64_t bursts;     /* runs of lost ones */
	uint32_t loss_ppm;   /* of the last seconds */
	uint32_t burst_x100; /* mean length of a run x 100, of the last seconds; 0 = no run */
};

struct pf_arrival {
	bool started, in_burst;
	uint64_t next;		/* first number not judged */
	uint64_t mark, mark_ns; /* highest when the horizon began */
	uint64_t mark_before;	/* and the one before: judged up to here */
	uint64_t packets, lost, bursts;
	uint64_t spell_ns;
	uint64_t recent_packets, recent_lost, recent_bursts; /* x 256, fading */
};

void pf_arrival_init(struct pf_arrival *a);
/** To be called behind each batch, and may be called at any time. */
void pf_arrival_poll(struct pf_arrival *a, const struct pf_replay *seen, uint64_t now_ns);
void pf_arrival_path(const struct pf_arrival *a, struct pf_arrival_path *out);
