/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* pad_refresh.h - a client's pads over a link that loses datagrams (punktfunk1.md 9).
 *
 * A change is said at once. Every 100 ms all live pads are said again, changed or
 * not, each with a fresh number; arrivals and removals twice more. A pen that is in
 * range is said again, too. Toward a host that knows no snapshots the changes of
 * single buttons and axes go out instead. Plain data, no lock; the caller supplies
 * the monotonic time and sends what comes out. */
#pragma once
#include "core/wire/pf1_pads.h"

#define PF_REFRESH_NS	 100000000ull
#define PF_REFRESH_AGAIN 2

struct pf_pad_refresh {
	bool snapshots; /* the host takes them; set by the owner */
	/* One message to send; either is NULL. */
	void (*emit)(void *user, const struct pf_dgram *input, const struct pf_rich *rich);
	void *user;

	struct pf_refresh_pad {
		bool live;
		bool named;		    /* an arrival said its kind */
		uint8_t arrivals, removals; /* still to be said again */
		uint8_t kind;
		struct pf_pad_snapshot state; /* seq: the newest that was said */
	} pads[PF_PADS_MAX];
	bool pen_in_range;
	uint16_t pen_seq;
	struct pf_pen_sample pen; /* the newest */
	uint64_t pen_ns;	  /* when it was said */
	uint64_t tick_ns;	  /* the next; 0 = nothing is live */
};

/** A pad (below PF_PADS_MAX) is there, of this kind (pf_gamepad). */
void pf_refresh_arrive(struct pf_pad_refresh *r, unsigned pad, uint8_t kind, uint64_t now_ns);
/** Its whole state; seq is filled in. A state that did not change waits for the tick. */
void pf_refresh_state(
	struct pf_pad_refresh *r, const struct pf_pad_snapshot *state, uint64_t now_ns);
void pf_refresh_remove(struct pf_pad_refresh *r, unsigned pad, uint64_t now_ns);
/** Samples, the oldest first; -EINVAL: none, too many, or a place that is no number. */
int pf_refresh_pen(struct pf_pad_refresh *r, const struct pf_pen_sample *samples, unsigned count,
	uint64_t now_ns);
/** Says again what is due. When to call next; UINT64_MAX = nothing is live. */
uint64_t pf_refresh_poll(struct pf_pad_refresh *r, uint64_t now_ns);
