/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* track.h - which frames a person would have seen, and how late.
 *
 * Fed in delivery order with every frame the decoder dealt with; a pure function
 * of its input, one thread. A frame counts as shown when it decoded cleanly, in
 * order, with all it refers to, no later than PF_TRACK_LATE_NS after its
 * capture; all others that the host numbered count as not shown. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "clients/probe/samples.h"
#include "clients/probe/strip.h"

#define PF_TRACK_LATE_NS     120000000ll
#define PF_TRACK_ISOLATED_NS 40000000ll

struct pf_track_frame {
	uint32_t index;	    /* the host's frame number */
	uint32_t flags;	    /* PUNKTFUNK_FRAME_... */
	uint32_t recovered; /* data shards rebuilt from parity */
	uint64_t pts_ns;    /* these two on the host's clock */
	uint64_t offset_ns; /* host's clock minus ours, two's complement */
	uint64_t first_ns;  /* these on ours, since 1970 */
	uint64_t completed_ns;
	uint64_t decoded_ns; /* 0 = the decoder gave no picture or reported damage */
	uint64_t decode_ns;  /* time spent in the decoder */
	bool has_strip;
	struct pf_strip strip;
};

struct pf_track {
	uint64_t sent; /* frames the host numbered, up to the newest seen */
	uint64_t decoded;
	uint64_t shown;
	uint64_t repaired;
	uint64_t idrs;
	uint64_t late;	  /* decoded, but too late */
	uint64_t broken;  /* no picture, or a damaged one */
	uint64_t frozen;  /* decoded, but hanging on a lost frame */
	uint64_t repeats; /* the same picture again */
	uint64_t strips;
	uint64_t backwards; /* clock strips that did not go forward */
	struct pf_samples draw, isolated, captured, assemble, decode, to_picture;

	uint32_t next;	 /* expected index */
	bool holding;	 /* a frame is missing: wait for a clean one */
	unsigned points; /* recovery points since */
	bool have_strip;
	struct pf_strip last;
};

/** True when the frame is to be shown. */
bool pf_track_frame(struct pf_track *t, const struct pf_track_frame *f);
/** Frames the host numbered that were not shown. */
uint64_t pf_track_not_shown(const struct pf_track *t);
/** Accepts a zeroed one. */
void pf_track_finish(struct pf_track *t);
