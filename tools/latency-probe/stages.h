/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* stages.h - the way of one frame in stages that tile it.
 *
 * Both ends work at once: the first packets are read while later ones are sent, and
 * parity that nobody needs is sent when the frame is whole already. A stage is what
 * the frame waits for: sending counts up to the last packet sent or, if that came
 * earlier, up to the last one needed being read; what was read while sending went on
 * took no time of its own. Plain data, no state. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum pf_probe_stage {
	PF_STAGE_SUBMIT,   /* called -> submit returns: the copy */
	PF_STAGE_QUEUE,	   /* -> the sender took it up */
	PF_STAGE_SEAL,	   /* -> its first train is cut and sealed */
	PF_STAGE_SEND,	   /* -> last packet given to the kernel, parity and pacing included */
	PF_STAGE_NETWORK,  /* -> first packet read */
	PF_STAGE_ARRIVE,   /* -> last needed packet read */
	PF_STAGE_COMPLETE, /* -> opened, recovered, complete */
	PF_STAGE_TAKE,	   /* -> taken by the application */
	PF_STAGES,
};

/* Monotonic nanoseconds of one frame. */
struct pf_probe_stamps {
	uint64_t called_ns, submit_ns, start_ns, sealed_ns, sent_ns;
	uint64_t first_ns, last_ns, completed_ns, taken_ns;
};

const char *pf_probe_stage_name(enum pf_probe_stage stage);
/** The stages' nanoseconds. A stamp before the one it has to follow makes a stage of
 * 0, so that the sum is not the whole: see pf_probe_gap_ppm. */
void pf_probe_stages(const struct pf_probe_stamps *s, uint64_t out[PF_STAGES]);
/** How far the stages' sum is from `total_ns`, in parts per million. */
uint64_t pf_probe_gap_ppm(const uint64_t stages[PF_STAGES], uint64_t total_ns);
/** The p-th of 1000 parts of `n` sorted values; n > 0. */
uint64_t pf_probe_permille(const uint64_t *sorted, uint32_t n, uint32_t p);
