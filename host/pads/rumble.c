/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/pads/rumble.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/clock.h"

/* While an envelope rises or falls the levels are computed this often. */
#define ENVELOPE_STEP_NS (50 * PF_NS_PER_MS)

void pf_rumble_init(struct pf_rumble *r)
{
	memset(r, 0, sizeof(*r));
	r->gain = 0xffff;
}

static void begin_round(struct pf_rumble_effect *e, uint64_t now_ns)
{
	e->start_ns = now_ns + e->what.replay.delay * PF_NS_PER_MS;
	e->end_ns = e->what.replay.length ? e->start_ns + e->what.replay.length * PF_NS_PER_MS : 0;
}

int pf_rumble_upload(struct pf_rumble *r, const struct ff_effect *effect, uint64_t now_ns)
{
	struct pf_rumble_effect *e;

	if (effect->id < 0 || effect->id >= PF_RUMBLE_EFFECTS ||
		(effect->type != FF_RUMBLE && effect->type != FF_PERIODIC))
		return -EINVAL;
	e = &r->effects[effect->id];
	if (!e->used)
		e->left = 0;
	e->used = true;
	e->what = *effect;
	if (e->left)
		begin_round(e, now_ns);
	return 0;
}

void pf_rumble_erase(struct pf_rumble *r, uint32_t id)
{
	if (id < PF_RUMBLE_EFFECTS)
		r->effects[id].used = false;
}

void pf_rumble_play(struct pf_rumble *r, uint32_t id, int32_t rounds, uint64_t now_ns)
{
	struct pf_rumble_effect *e;

	if (id >= PF_RUMBLE_EFFECTS || !r->effects[id].used)
		return;
	e = &r->effects[id];
	e->left = rounds > 0 ? rounds : 0;
	begin_round(e, now_ns);
}

/* `value` where it rises from the attack level and falls to the fade level. */
static uint32_t shaped(
	const struct pf_rumble_effect *e, uint32_t value, uint64_t now_ns, uint64_t *again_ns)
{
	const struct ff_envelope *v = &e->what.u.periodic.envelope;
	uint64_t attack = v->attack_length * PF_NS_PER_MS, fade = v->fade_length * PF_NS_PER_MS;
	uint64_t at = now_ns - e->start_ns;
	int64_t from, to, num, den;

	if (attack && at < attack) {
		from = v->attack_level > 0x7fff ? 0x7fff : v->attack_level;
		to = value;
		num = (int64_t)at;
		den = (int64_t)attack;
	} else if (fade && e->end_ns && e->end_ns - now_ns < fade) {
		from = v->fade_level > 0x7fff ? 0x7fff : v->fade_level;
		to = value;
		num = (int64_t)(e->end_ns - now_ns);
		den = (int64_t)fade;
	} else {
		if (fade && e->end_ns)
			*again_ns = e->end_ns - fade;
		return value;
	}
	*again_ns = now_ns + ENVELOPE_STEP_NS;
	/* In microseconds the product stays within 64 bits. */
	return (uint32_t)(from + (to - from) * (num / 1000) / (den / 1000));
}

static void sooner(uint64_t *due_ns, uint64_t at_ns)
{
	if (at_ns && (!*due_ns || at_ns < *due_ns))
		*due_ns = at_ns;
}

/* Past rounds are counted off. */
static bool playing(struct pf_rumble_effect *e, uint64_t now_ns)
{
	while (e->used && e->left && e->end_ns && now_ns >= e->end_ns) {
		e->left--;
		begin_round(e, e->end_ns);
	}
	return e->used && e->left;
}

uint64_t pf_rumble_levels(struct pf_rumble *r, uint64_t now_ns, uint16_t *low, uint16_t *high)
{
	uint64_t due_ns = 0, strong = 0, weak = 0;

	for (unsigned i = 0; i < PF_RUMBLE_EFFECTS; i++) {
		struct pf_rumble_effect *e = &r->effects[i];

		if (!playing(e, now_ns))
			continue;
		if (now_ns < e->start_ns) {
			sooner(&due_ns, e->start_ns);
			continue;
		}
		sooner(&due_ns, e->end_ns);
		if (e->what.type == FF_RUMBLE) {
			strong += e->what.u.rumble.strong_magnitude;
			weak += e->what.u.rumble.weak_magnitude;
		} else {
			uint64_t again_ns = 0;
			uint32_t value = (uint32_t)abs(e->what.u.periodic.magnitude);

			value = shaped(e, value > 0x7fff ? 0x7fff : value, now_ns, &again_ns);
			sooner(&due_ns, again_ns);
			strong += value * 2 + (value >> 14);
			weak += value * 2 + (value >> 14);
		}
	}
	strong = strong * r->gain / 0xffff;
	weak = weak * r->gain / 0xffff;
	*low = strong > 0xffff ? 0xffff : (uint16_t)strong;
	*high = weak > 0xffff ? 0xffff : (uint16_t)weak;
	return due_ns;
}
