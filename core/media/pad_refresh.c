/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/media/pad_refresh.h"
#include <errno.h>
#include <math.h>
#include <string.h>

#define NS_PER_US 1000u

static void emit_input(
	struct pf_pad_refresh *r, uint8_t kind, uint32_t code, int32_t x, uint32_t flags)
{
	const struct pf_dgram d = { .tag = PF_DGRAM_INPUT,
		.input = { .kind = kind, .code = code, .x = x, .flags = flags } };

	r->emit(r->user, &d, NULL);
}

static void say_arrival(struct pf_pad_refresh *r, unsigned pad)
{
	emit_input(r, PF_INPUT_PAD_ARRIVED, r->pads[pad].kind, 0, pad);
}

static void say_state(struct pf_pad_refresh *r, unsigned pad)
{
	struct pf_refresh_pad *p = &r->pads[pad];
	struct pf_dgram d;

	p->state.seq++;
	pf_pad_snapshot_write(&d, &p->state);
	r->emit(r->user, &d, NULL);
}

static void say_removal(struct pf_pad_refresh *r, unsigned pad)
{
	struct pf_refresh_pad *p = &r->pads[pad];

	p->state.seq++;
	emit_input(r, PF_INPUT_PAD_REMOVED, 0, 0, (uint32_t)p->state.seq << 24 | pad);
}

/* What became another, one message each. */
static void say_changes(struct pf_pad_refresh *r, const struct pf_pad_snapshot *was,
	const struct pf_pad_snapshot *is)
{
	const int32_t before[] = { was->lx, was->ly, was->rx, was->ry, was->lt, was->rt };
	const int32_t after[] = { is->lx, is->ly, is->rx, is->ry, is->lt, is->rt };
	uint32_t changed = was->buttons ^ is->buttons;

	for (; changed; changed &= changed - 1) {
		const uint32_t bit = changed & -changed;

		emit_input(r, PF_INPUT_PAD_BUTTON, bit, (is->buttons & bit) != 0, is->pad);
	}
	for (uint32_t i = 0; i < 6; i++)
		if (before[i] != after[i])
			emit_input(r, PF_INPUT_PAD_AXIS, i, after[i], is->pad);
}

static void start_ticking(struct pf_pad_refresh *r, uint64_t now_ns)
{
	if (!r->tick_ns)
		r->tick_ns = now_ns + PF_REFRESH_NS;
}

void pf_refresh_arrive(struct pf_pad_refresh *r, unsigned pad, uint8_t kind, uint64_t now_ns)
{
	struct pf_refresh_pad *p = &r->pads[pad];

	p->kind = kind;
	p->named = true;
	p->arrivals = PF_REFRESH_AGAIN;
	p->removals = 0;
	if (!r->snapshots)
		return;
	say_arrival(r, pad);
	start_ticking(r, now_ns);
}

static bool same(const struct pf_pad_snapshot *a, const struct pf_pad_snapshot *b)
{
	return a->buttons == b->buttons && a->lx == b->lx && a->ly == b->ly && a->rx == b->rx &&
	       a->ry == b->ry && a->lt == b->lt && a->rt == b->rt;
}

void pf_refresh_state(
	struct pf_pad_refresh *r, const struct pf_pad_snapshot *state, uint64_t now_ns)
{
	struct pf_refresh_pad *p = &r->pads[state->pad];
	const struct pf_pad_snapshot was = p->state;
	const bool anew = !p->live;

	p->state = *state;
	p->state.seq = was.seq;
	p->live = true;
	p->removals = 0;
	if (!r->snapshots) {
		say_changes(r, &was, &p->state);
		return;
	}
	if (anew || !same(&was, state))
		say_state(r, state->pad);
	start_ticking(r, now_ns);
}

void pf_refresh_remove(struct pf_pad_refresh *r, unsigned pad, uint64_t now_ns)
{
	struct pf_refresh_pad *p = &r->pads[pad];
	const struct pf_pad_snapshot was = p->state;
	const bool known = p->live || p->named;

	p->live = p->named = false;
	p->arrivals = 0;
	p->state = (struct pf_pad_snapshot){ .pad = (uint8_t)pad, .seq = was.seq };
	if (!known)
		return;
	if (!r->snapshots) {
		say_changes(r, &was, &p->state);
		return;
	}
	p->removals = PF_REFRESH_AGAIN;
	say_removal(r, pad);
	start_ticking(r, now_ns);
}

static void say_pen(struct pf_pad_refresh *r, const struct pf_pen_sample *samples, unsigned count,
	uint64_t now_ns)
{
	struct pf_rich x;

	memset(&x, 0, sizeof(x));
	x.kind = PF_RICH_PEN;
	x.pen.seq = ++r->pen_seq;
	x.pen.count = (uint8_t)count;
	memcpy(x.pen.samples, samples, count * sizeof(*samples));
	r->pen_ns = now_ns;
	r->emit(r->user, NULL, &x);
}

int pf_refresh_pen(struct pf_pad_refresh *r, const struct pf_pen_sample *samples, unsigned count,
	uint64_t now_ns)
{
	if (!count || count > PF_PEN_SAMPLES)
		return -EINVAL;
	for (unsigned i = 0; i < count; i++)
		if (!isfinite(samples[i].x) || !isfinite(samples[i].y))
			return -EINVAL;
	say_pen(r, samples, count, now_ns);
	/* Guesses are not where the pen is. */
	for (unsigned i = 0; i < count; i++)
		if (!(samples[i].state & PF_PEN_PREDICTED))
			r->pen = samples[i];
	r->pen_in_range = r->pen.state & (PF_PEN_IN_RANGE | PF_PEN_TOUCHING);
	if (r->pen_in_range)
		start_ticking(r, now_ns);
	return 0;
}

static void pen_again(struct pf_pad_refresh *r, uint64_t now_ns)
{
	const uint64_t since_us = (now_ns - r->pen_ns) / NS_PER_US;

	r->pen.dt_us = since_us < UINT16_MAX ? (uint16_t)since_us : UINT16_MAX;
	say_pen(r, &r->pen, 1, now_ns);
}

/* Says one pad again; true while there will be more to say of it. */
static bool again(struct pf_pad_refresh *r, unsigned pad)
{
	struct pf_refresh_pad *p = &r->pads[pad];

	/* Before the state: it names the kind that the state makes. */
	if (p->arrivals) {
		p->arrivals--;
		say_arrival(r, pad);
	}
	if (p->removals) {
		p->removals--;
		say_removal(r, pad);
	}
	if (p->live)
		say_state(r, pad);
	return p->live || p->arrivals || p->removals;
}

uint64_t pf_refresh_poll(struct pf_pad_refresh *r, uint64_t now_ns)
{
	bool more = false;

	if (!r->tick_ns)
		return UINT64_MAX;
	if (now_ns < r->tick_ns)
		return r->tick_ns;
	for (unsigned pad = 0; r->snapshots && pad < PF_PADS_MAX; pad++)
		more |= again(r, pad);
	if (r->pen_in_range) {
		pen_again(r, now_ns);
		more = true;
	}
	/* Late ticks are not made up for. */
	r->tick_ns = more ? now_ns + PF_REFRESH_NS : 0;
	return more ? r->tick_ns : UINT64_MAX;
}
