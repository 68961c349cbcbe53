/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/media/idr_gate.h"

static const struct pf_answer nothing = { .kind = PF_ANSWER_NONE };

void pf_idr_gate_init(struct pf_idr_gate *g, bool can_invalidate, bool intra_refresh)
{
	*g = (struct pf_idr_gate){
		.can_invalidate = can_invalidate,
		.cooldown_ns = intra_refresh ? PF_IDR_COOLDOWN_REFRESH_NS : PF_IDR_COOLDOWN_NS,
		.flight_ns = PF_IDR_FLIGHT_NS,
	};
}

void pf_idr_gate_sent(struct pf_idr_gate *g, uint64_t now_ns)
{
	g->pending = false;
	g->any_idr = true;
	g->idr_ns = now_ns;
}

static struct pf_answer want_idr(struct pf_idr_gate *g, uint64_t now_ns)
{
	if (g->any_idr && now_ns - g->idr_ns < g->cooldown_ns) {
		/* Sooner than a round trip, the ask is older than the IDR. */
		if (now_ns - g->idr_ns >= g->flight_ns)
			g->pending = true;
		return nothing;
	}
	pf_idr_gate_sent(g, now_ns);
	return (struct pf_answer){ .kind = PF_ANSWER_IDR };
}

static void note_ask(struct pf_idr_gate *g, uint64_t now_ns)
{
	if (g->any_ask && now_ns - g->ask_ns >= PF_IDR_QUIET_NS)
		g->swallowed = 0;
	g->any_ask = true;
	g->ask_ns = now_ns;
}

struct pf_answer pf_idr_gate_keyframe(struct pf_idr_gate *g, uint64_t now_ns)
{
	note_ask(g, now_ns);
	if (g->any_rfi && now_ns - g->rfi_ns < PF_IDR_SWALLOW_NS &&
		g->swallowed < PF_IDR_SWALLOW_MAX) {
		g->swallowed++;
		return nothing;
	}
	g->swallowed = 0;
	return want_idr(g, now_ns);
}

struct pf_answer pf_idr_gate_rfi(
	struct pf_idr_gate *g, uint32_t first, uint32_t last, uint64_t now_ns)
{
	uint32_t width = last - first;

	note_ask(g, now_ns);
	/* A range that runs backwards is as wide as the index space. */
	if (!g->can_invalidate || width >= PF_IDR_RFI_MAX)
		return want_idr(g, now_ns);
	g->any_rfi = true;
	g->rfi_ns = now_ns;
	return (struct pf_answer){ .kind = PF_ANSWER_INVALIDATE, .first = first, .last = last };
}

struct pf_answer pf_idr_gate_poll(struct pf_idr_gate *g, uint64_t now_ns)
{
	return g->pending ? want_idr(g, now_ns) : nothing;
}
