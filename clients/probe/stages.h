/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* stages.h - where the time between capture and reception went, frame by frame.
 *
 * A frame and what the host says of it come on two ways, in any order; their time
 * of capture joins them. Plain data, one thread at a time. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "clients/probe/samples.h"

/* Halves that wait for the other; older ones give way. */
#define PF_STAGES_WAITING 64

struct pf_stage_half {
	uint64_t pts_ns;     /* 0 = none */
	int64_t received_ns; /* after the capture; of the frame */
	uint32_t total_us, encode_us;
	bool of_host;
};

struct pf_stages {
	struct pf_stage_half waiting[PF_STAGES_WAITING];
	unsigned next;
	struct pf_samples transport; /* captured -> received, without convert and encode */
	struct pf_samples link;	     /* last packet sent -> received; two clocks */
};

/** A frame was complete so long after its capture, by the host's clock. */
void pf_stages_frame(struct pf_stages *s, uint64_t pts_ns, int64_t received_ns);
/** What the host says of it: capture to last packet, and of this convert and encode. */
void pf_stages_host(struct pf_stages *s, uint64_t pts_ns, uint32_t total_us, uint32_t encode_us);
/** Accepts a zeroed one. */
void pf_stages_finish(struct pf_stages *s);
