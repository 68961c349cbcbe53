/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* real.h - the same frames as packets: real packetizers, codes and reassembly.
 *
 * Access units of random bytes are cut into packets, those that the trace names are
 * left out, the rest is put together again and compared byte for byte. One thread. */
#pragma once
#include "core/base/reason.h"
#include "tools/loss-harness/model.h"

struct pf_lh_real_result {
	uint32_t frames;
	uint32_t lost;	    /* not put together again */
	uint32_t different; /* from what the model says: lost or not, and packets sent */
	uint32_t wrong;	    /* came, with other bytes */
};

/** One scheme on one point. 0, or a negative errno and why. */
int pf_lh_real(const struct pf_lh_run *run, const struct pf_lh_point *at,
	const struct pf_lh_scheme *s, struct pf_lh_real_result *out, struct pf_reason *why);
