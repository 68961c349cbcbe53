/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* relief.h - a lower bitrate at once when the client tells of a lost frame.
 *
 * For sessions whose client steers the bitrate: its own word comes up to 750 ms later
 * (punktfunk1.md 13), and a bottleneck that shrank loses frames until then. Three tenths
 * less per step, as the client's rule has it, two steps at most. The client's next word
 * ends it, and so do two seconds without one. A pure function of events and time; plain
 * data, one thread. */
#pragma once
#include <stdint.h>

#define PF_RELIEF_STEPS	  2u
#define PF_RELIEF_STEP_NS 250000000ull /* until then what is told was lost before */
#define PF_RELIEF_NS	  2000000000ull

struct pf_relief {
	uint32_t asked_kbps;
	unsigned steps; /* taken; 0 = nothing to go back from */
	uint64_t step_ns;
};

/** The rate of the client's newest word is `kbps`, and in force. */
void pf_relief_asked(struct pf_relief *r, uint32_t kbps);
/** A frame was lost. Returns the rate to go to, 0 = as it is. */
uint32_t pf_relief_lost(struct pf_relief *r, uint64_t now_ns);
/** When pf_relief_poll has something to do; 0 = never. */
uint64_t pf_relief_due_ns(const struct pf_relief *r);
/** The rate to go back to, 0 = as it is. */
uint32_t pf_relief_poll(struct pf_relief *r, uint64_t now_ns);
