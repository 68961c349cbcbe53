/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* recovery.h - the client's answer to lost frames (punktfunk1.md 11).
 *
 * Decides when the picture must freeze and what to ask of the host: an
 * invalidated reference range or a keyframe. A pure function of events and
 * time; plain data, one thread. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define PF_RECOVERY_RFI_MAX	256u	      /* longer gaps ask for a keyframe */
#define PF_RECOVERY_THROTTLE_NS 100000000ull  /* between requests */
#define PF_RECOVERY_OVERDUE_NS	500000000ull  /* frozen that long: ask again */
#define PF_RECOVERY_POINT_NS	1500000000ull /* patience after a recovery point */
#define PF_RECOVERY_REPORTED_NS 1000000000ull /* a loss this soon after its gap is known */
#define PF_RECOVERY_NO_OUTPUT	3u	      /* frames without a picture */

enum pf_ask_kind {
	PF_ASK_NONE,
	PF_ASK_KEYFRAME,
	PF_ASK_RFI,
};

struct pf_ask {
	enum pf_ask_kind kind;
	uint32_t first, last; /* RFI: lost frames, inclusive */
};

struct pf_recovery {
	uint32_t next_index; /* expected frame */
	bool holding;
	uint32_t lift_index;   /* frames before this one cannot lift the freeze */
	unsigned points;       /* recovery points since the latest arming */
	unsigned no_output;    /* frames in a row without decoder output */
	uint64_t overdue_ns;   /* valid while holding */
	uint64_t asked_ns;     /* newest request */
	uint64_t gap_ns;       /* newest reported gap */
	bool asked, gap_known; /* the two above are valid */
};

/** The first frame is number 0. */
void pf_recovery_init(struct pf_recovery *r);
/** A complete frame came out of the reassembler. */
struct pf_ask pf_recovery_delivered(
	struct pf_recovery *r, uint32_t frame_index, uint32_t user_flags, uint64_t now_ns);
/** Frame `frame_index` is lost for good, complete or not. */
struct pf_ask pf_recovery_lost(struct pf_recovery *r, uint32_t frame_index, uint64_t now_ns);
/** Complete frame `frame_index` was thrown away unseen: no gap in the numbers told
 * of it. */
struct pf_ask pf_recovery_dropped(struct pf_recovery *r, uint32_t frame_index, uint64_t now_ns);
/** What the decoder made of a frame; `idr` = it saw an IDR itself. */
struct pf_ask pf_recovery_decoded(
	struct pf_recovery *r, uint32_t frame_index, bool output, bool idr, uint64_t now_ns);
/** To be called at the deadline. */
struct pf_ask pf_recovery_poll(struct pf_recovery *r, uint64_t now_ns);
/** UINT64_MAX = none. */
uint64_t pf_recovery_deadline_ns(const struct pf_recovery *r);
/** True while nothing new may be shown. */
bool pf_recovery_holding(const struct pf_recovery *r);
