/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* model.h - many frames of one size over one link, under several schemes at once.
 *
 * Counts packets, no bytes; the policy of adaptive schemes runs in its loop, with
 * the reports that a client of the format would send. One thread. */
#pragma once
#include "tools/loss-harness/scheme.h"

struct pf_lh_point {
	struct pf_lh_channel channel;
	uint32_t packets; /* of data, per frame */
};

struct pf_lh_run {
	uint64_t seed;
	uint32_t frames; /* that count */
	uint32_t warm;	 /* before these, for the estimates */
	uint32_t report; /* frames per report of the client */
};

struct pf_lh_result {
	uint32_t frames, lost;
	uint64_t data, parity; /* packets */
	double exact;	       /* P(a frame is lost), the mean over the plans that were used */
};

struct pf_lh_loop; /* one scheme on one point */

/** NULL for want of memory. */
struct pf_lh_loop *pf_lh_loop_create(const struct pf_lh_scheme *s, const struct pf_lh_point *at);
void pf_lh_loop_destroy(struct pf_lh_loop *l);
/** The plan of the next frame. */
const struct pf_lh_plan *pf_lh_loop_plan(const struct pf_lh_loop *l);
/** Its policy, for a packetizer: changes with the reports. */
const struct pf_parity *pf_lh_loop_policy(const struct pf_lh_loop *l);
/** What became of the next frame; `counts` = it is behind the warm-up. */
int pf_lh_loop_frame(struct pf_lh_loop *l, const struct pf_lh_fate *f, bool counts);
/** A report of the client, and what follows from it. */
void pf_lh_loop_report(struct pf_lh_loop *l);
void pf_lh_loop_result(const struct pf_lh_loop *l, struct pf_lh_result *out);

/** results[i] is of schemes[i]; all meet the same losses. 0 or -ENOMEM. */
int pf_lh_model(const struct pf_lh_run *run, const struct pf_lh_point *at,
	const struct pf_lh_scheme *const *schemes, uint32_t count, struct pf_lh_result *results);
