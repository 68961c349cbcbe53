/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/media/recovery.h"
#include "core/wire/pf1_media.h"

static const struct pf_ask nothing = { .kind = PF_ASK_NONE };

void pf_recovery_init(struct pf_recovery *r)
{
	*r = (struct pf_recovery){ 0 };
}

static void arm(struct pf_recovery *r, uint32_t lift_index, uint64_t now_ns)
{
	r->holding = true;
	r->lift_index = lift_index;
	r->points = 0;
	r->overdue_ns = now_ns + PF_RECOVERY_OVERDUE_NS;
}

static void lift(struct pf_recovery *r)
{
	r->holding = false;
	r->no_output = 0;
}

static struct pf_ask ask(struct pf_recovery *r, struct pf_ask wish, uint64_t now_ns)
{
	if (r->asked && now_ns - r->asked_ns < PF_RECOVERY_THROTTLE_NS)
		return nothing;
	r->asked = true;
	r->asked_ns = now_ns;
	return wish;
}

static struct pf_ask ask_keyframe(struct pf_recovery *r, uint64_t now_ns)
{
	return ask(r, (struct pf_ask){ .kind = PF_ASK_KEYFRAME }, now_ns);
}

/* A frame that the host made to end a freeze. */
static void try_lift(
	struct pf_recovery *r, uint32_t frame_index, uint32_t user_flags, uint64_t now_ns)
{
	if (!r->holding || (int32_t)(frame_index - r->lift_index) < 0)
		return;
	if (user_flags & (PF_USER_IDR | PF_USER_RECOVERY_ANCHOR)) {
		lift(r);
	} else if (user_flags & PF_USER_RECOVERY_POINT) {
		/* The first one may end a wave that began before the loss. */
		if (++r->points >= 2)
			lift(r);
		else
			r->overdue_ns = now_ns + PF_RECOVERY_POINT_NS;
	}
}

struct pf_ask pf_recovery_delivered(
	struct pf_recovery *r, uint32_t frame_index, uint32_t user_flags, uint64_t now_ns)
{
	struct pf_ask wish = nothing;
	uint32_t gap = frame_index - r->next_index;

	if ((int32_t)gap < 0) {
		/* Late: its gap was reported when a newer one came. */
		return nothing;
	}
	r->next_index = frame_index + 1;
	if (gap) {
		arm(r, frame_index, now_ns);
		r->gap_known = true;
		r->gap_ns = now_ns;
	}
	try_lift(r, frame_index, user_flags, now_ns);
	if (!gap || !r->holding)
		return nothing;
	if (gap > PF_RECOVERY_RFI_MAX) {
		wish.kind = PF_ASK_KEYFRAME;
	} else {
		wish.kind = PF_ASK_RFI;
		wish.first = frame_index - gap;
		wish.last = frame_index - 1;
	}
	return ask(r, wish, now_ns);
}

struct pf_ask pf_recovery_lost(struct pf_recovery *r, uint32_t frame_index, uint64_t now_ns)
{
	if (r->gap_known && now_ns - r->gap_ns < PF_RECOVERY_REPORTED_NS &&
		(int32_t)(frame_index - r->next_index) < 0)
		return nothing;
	arm(r, frame_index + 1, now_ns);
	return ask_keyframe(r, now_ns);
}

struct pf_ask pf_recovery_dropped(struct pf_recovery *r, uint32_t frame_index, uint64_t now_ns)
{
	arm(r, frame_index + 1, now_ns);
	return ask_keyframe(r, now_ns);
}

struct pf_ask pf_recovery_decoded(
	struct pf_recovery *r, uint32_t frame_index, bool output, bool idr, uint64_t now_ns)
{
	if (output)
		r->no_output = 0;
	if (idr && output)
		try_lift(r, frame_index, PF_USER_IDR, now_ns);
	if (output || ++r->no_output < PF_RECOVERY_NO_OUTPUT)
		return nothing;
	r->no_output = 0;
	arm(r, frame_index + 1, now_ns);
	return ask_keyframe(r, now_ns);
}

struct pf_ask pf_recovery_poll(struct pf_recovery *r, uint64_t now_ns)
{
	if (!r->holding || now_ns < r->overdue_ns)
		return nothing;
	r->overdue_ns = now_ns + PF_RECOVERY_OVERDUE_NS;
	return ask_keyframe(r, now_ns);
}

uint64_t pf_recovery_deadline_ns(const struct pf_recovery *r)
{
	return r->holding ? r->overdue_ns : UINT64_MAX;
}

bool pf_recovery_holding(const struct pf_recovery *r)
{
	return r->holding;
}
