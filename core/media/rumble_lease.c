/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/media/rumble_lease.h"
#include <string.h>

static bool still(const struct pf_rumble_level *l)
{
	return !(l->low | l->high | l->left_trigger | l->right_trigger);
}

static bool same(const struct pf_rumble_level *a, const struct pf_rumble_level *b)
{
	return a->low == b->low && a->high == b->high && a->left_trigger == b->left_trigger &&
	       a->right_trigger == b->right_trigger;
}

/* ---- sender ---- */

void pf_rumble_set(struct pf_rumble_sender *s, unsigned pad, const struct pf_rumble_level *level,
	uint64_t now_ns)
{
	struct pf_rumble_lease *l = &s->pads[pad];

	if (same(&l->level, level))
		return;
	l->level = *level;
	if (still(level)) {
		l->stops = PF_RUMBLE_STOPS + 1;
		l->due_ns = now_ns;
	} else {
		l->stops = 0;
		l->due_ns = l->said_ns && now_ns - l->said_ns < PF_RUMBLE_APART_NS
				    ? l->said_ns + PF_RUMBLE_APART_NS
				    : now_ns;
	}
}

void pf_rumble_forget(struct pf_rumble_sender *s, unsigned pad)
{
	struct pf_rumble_lease *l = &s->pads[pad];

	/* The numbers go on: the client remembers the newest. */
	l->level = (struct pf_rumble_level){ 0 };
	l->stops = 0;
	l->due_ns = 0;
}

bool pf_rumble_next(struct pf_rumble_sender *s, uint64_t now_ns, struct pf_rumble_msg *out)
{
	for (unsigned pad = 0; pad < PF_RUMBLE_PADS; pad++) {
		struct pf_rumble_lease *l = &s->pads[pad];
		const bool stop = still(&l->level);

		if (!l->due_ns || l->due_ns > now_ns)
			continue;
		*out = (struct pf_rumble_msg){
			.pad = (uint8_t)pad,
			.level = l->level,
			.has_lease = true,
			.seq = ++l->seq,
			.ttl_ms = stop ? 0 : PF_RUMBLE_TTL_MS,
		};
		l->said_ns = now_ns;
		if (stop)
			l->stops--;
		l->due_ns = stop && !l->stops ? 0 : now_ns + PF_RUMBLE_RENEW_NS;
		return true;
	}
	return false;
}

uint64_t pf_rumble_due_ns(const struct pf_rumble_sender *s)
{
	uint64_t due_ns = UINT64_MAX;

	for (unsigned pad = 0; pad < PF_RUMBLE_PADS; pad++)
		if (s->pads[pad].due_ns && s->pads[pad].due_ns < due_ns)
			due_ns = s->pads[pad].due_ns;
	return due_ns;
}

/* ---- receiver ---- */

bool pf_rumble_hear(struct pf_rumble_receiver *r, const struct pf_rumble_msg *m, uint64_t now_ns,
	struct pf_rumble_level *now)
{
	struct pf_rumble_heard *h = &r->pads[m->pad];
	struct pf_rumble_level level = m->level;
	uint64_t lease_ns = PF_RUMBLE_OLD_NS;

	if (m->has_lease) {
		if (h->known && (int8_t)(uint8_t)(m->seq - h->seq) <= 0)
			return false;
		h->known = true;
		h->seq = m->seq;
		lease_ns = m->ttl_ms < PF_RUMBLE_LEASE_MAX_MS ? m->ttl_ms : PF_RUMBLE_LEASE_MAX_MS;
		lease_ns *= 1000000;
	}
	if (!lease_ns)
		level = (struct pf_rumble_level){ 0 };
	h->until_ns = still(&level) ? 0 : now_ns + lease_ns;
	if (same(&h->level, &level))
		return false;
	h->level = level;
	*now = level;
	return true;
}

bool pf_rumble_expire(struct pf_rumble_receiver *r, uint64_t now_ns, uint8_t *pad)
{
	for (unsigned i = 0; i < PF_RUMBLE_PADS; i++) {
		struct pf_rumble_heard *h = &r->pads[i];

		if (!h->until_ns || h->until_ns > now_ns)
			continue;
		h->until_ns = 0;
		h->level = (struct pf_rumble_level){ 0 };
		*pad = (uint8_t)i;
		return true;
	}
	return false;
}

uint64_t pf_rumble_expiry_ns(const struct pf_rumble_receiver *r)
{
	uint64_t until_ns = UINT64_MAX;

	for (unsigned i = 0; i < PF_RUMBLE_PADS; i++)
		if (r->pads[i].until_ns && r->pads[i].until_ns < until_ns)
			until_ns = r->pads[i].until_ns;
	return until_ns;
}
