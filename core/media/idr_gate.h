/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* idr_gate.h - what the host does about a client's cries for help.
 *
 * Keyframes cost many times a plain frame, just when the link is in trouble:
 * references are invalidated where the encoder can, keyframes have a cool-down,
 * and a keyframe ask that an invalidation is about to answer is swallowed
 * (punktfunk1.md 11). Pure logic, plain data, one thread. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define PF_IDR_COOLDOWN_NS	   750000000ull
#define PF_IDR_COOLDOWN_REFRESH_NS 2000000000ull /* with intra refresh */
#define PF_IDR_SWALLOW_NS	   300000000ull	 /* after an invalidation */
#define PF_IDR_SWALLOW_MAX	   2u
#define PF_IDR_QUIET_NS		   1000000000ull /* without asks: swallow count ends */
#define PF_IDR_FLIGHT_NS	   100000000ull	 /* an ask this soon crossed the IDR */
#define PF_IDR_RFI_MAX		   256u		 /* wider ranges need an IDR */

enum pf_answer_kind {
	PF_ANSWER_NONE,
	PF_ANSWER_IDR,
	PF_ANSWER_INVALIDATE,
};

struct pf_answer {
	enum pf_answer_kind kind;
	uint32_t first, last; /* frames to invalidate, inclusive */
};

struct pf_idr_gate {
	bool can_invalidate;
	/* Set by init to the values of punktfunk1.md; another protocol may set its own
	 * right after. */
	uint64_t cooldown_ns, flight_ns;

	bool pending; /* an IDR waits for the end of the cool-down */
	bool any_idr, any_rfi, any_ask;
	unsigned swallowed; /* in a row */
	uint64_t idr_ns, rfi_ns, ask_ns;
};

void pf_idr_gate_init(struct pf_idr_gate *g, bool can_invalidate, bool intra_refresh);
/** RequestKeyframe came. */
struct pf_answer pf_idr_gate_keyframe(struct pf_idr_gate *g, uint64_t now_ns);
/** RfiRequest came; several that wait may be merged to min..max before. */
struct pf_answer pf_idr_gate_rfi(
	struct pf_idr_gate *g, uint32_t first, uint32_t last, uint64_t now_ns);
/** An IDR went out for another reason (start, mode change). */
void pf_idr_gate_sent(struct pf_idr_gate *g, uint64_t now_ns);
/** Call once per frame: an IDR that waited for the cool-down. */
struct pf_answer pf_idr_gate_poll(struct pf_idr_gate *g, uint64_t now_ns);
