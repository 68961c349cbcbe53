/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "clients/probe/track.h"
#include <string.h>
#include "punktfunk_core.h"

static void take_strip(struct pf_track *t, const struct pf_track_frame *f)
{
	int64_t received = (int64_t)(f->completed_ns + f->offset_ns);
	int64_t latency = received - (int64_t)f->strip.unix_ns;
	int64_t since = (int64_t)(f->strip.unix_ns - t->last.unix_ns);

	t->strips++;
	if (t->have_strip && f->strip.number == t->last.number && !since) {
		t->repeats++;
		return;
	}
	if (t->have_strip && since <= 0)
		t->backwards++;
	pf_samples_add(&t->draw, latency);
	if (t->have_strip && since >= PF_TRACK_ISOLATED_NS)
		pf_samples_add(&t->isolated, latency);
	t->have_strip = true;
	t->last = f->strip;
}

/* Does this frame stand on its own or on what we have? */
static bool clean(struct pf_track *t, const struct pf_track_frame *f)
{
	if (f->flags & (PUNKTFUNK_FRAME_IDR | PUNKTFUNK_FRAME_RECOVERY_ANCHOR)) {
		t->holding = false;
	} else if (t->holding && f->flags & PUNKTFUNK_FRAME_RECOVERY_POINT) {
		/* The first wave may have begun before the loss. */
		if (++t->points >= 2)
			t->holding = false;
	}
	return !t->holding;
}

bool pf_track_frame(struct pf_track *t, const struct pf_track_frame *f)
{
	int64_t age = (int64_t)(f->decoded_ns + f->offset_ns - f->pts_ns);
	uint32_t ahead = f->index - t->next;
	bool was_clean;

	if (ahead >= 1u << 31) { /* older than what was there: no use to anyone */
		t->late++;
		return false;
	}
	if (ahead) {
		t->holding = true;
		t->points = 0;
	}
	t->sent += 1 + (uint64_t)ahead;
	t->next = f->index + 1;
	t->idrs += f->flags & PUNKTFUNK_FRAME_IDR ? 1 : 0;
	t->repaired += f->recovered ? 1 : 0;
	pf_samples_add(&t->captured, (int64_t)(f->completed_ns + f->offset_ns - f->pts_ns));
	pf_samples_add(&t->assemble, (int64_t)(f->completed_ns - f->first_ns));
	was_clean = clean(t, f);
	if (!f->decoded_ns) {
		/* A decoder may refuse what hangs on a lost frame; else it is a fault. */
		if (was_clean)
			t->broken++;
		else
			t->frozen++;
		t->holding = true;
		t->points = 0;
		return false;
	}
	t->decoded++;
	pf_samples_add(&t->decode, (int64_t)f->decode_ns);
	pf_samples_add(&t->to_picture, age);
	if (!was_clean) {
		t->frozen++;
		return false;
	}
	if (f->has_strip)
		take_strip(t, f);
	if (age > PF_TRACK_LATE_NS) {
		t->late++;
		return false;
	}
	t->shown++;
	return true;
}

uint64_t pf_track_not_shown(const struct pf_track *t)
{
	return t->sent - t->shown;
}

void pf_track_finish(struct pf_track *t)
{
	pf_samples_finish(&t->draw);
	pf_samples_finish(&t->isolated);
	pf_samples_finish(&t->captured);
	pf_samples_finish(&t->assemble);
	pf_samples_finish(&t->decode);
	pf_samples_finish(&t->to_picture);
	memset(t, 0, sizeof(*t));
}
