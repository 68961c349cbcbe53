/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/media/arrival.h"
#include <string.h>

#define FRACTION 256u /* of the fading counts */

void pf_arrival_init(struct pf_arrival *a)
{
	*a = (struct pf_arrival){ 0 };
}

static void came(struct pf_arrival *a, unsigned n)
{
	a->in_burst = false;
	a->packets += n;
	a->recent_packets += (uint64_t)n * FRACTION;
}

static void missing(struct pf_arrival *a, unsigned n)
{
	if (!a->in_burst) {
		a->in_burst = true;
		a->bursts++;
		a->recent_bursts += FRACTION;
	}
	a->lost += n;
	a->recent_lost += (uint64_t)n * FRACTION;
}

/* `n` numbers, the first in the lowest bit of `bits`; a set bit came. */
static void judge_bits(struct pf_arrival *a, uint64_t bits, unsigned n)
{
	while (n) {
		uint64_t same = bits & 1 ? ~bits : bits;
		unsigned run = same ? (unsigned)__builtin_ctzll(same) : 64;

		if (run > n)
			run = n;
		if (bits & 1)
			came(a, run);
		else
			missing(a, run);
		n -= run;
		bits = run < 64 ? bits >> run : 0;
	}
}

static void judge_to(struct pf_arrival *a, const struct pf_replay *seen, uint64_t end)
{
	while (a->next < end) {
		unsigned at = a->next % 64, n = 64 - at;

		if (end - a->next < n)
			n = (unsigned)(end - a->next);
		judge_bits(a, pf_replay_word(seen, a->next) >> at, n);
		a->next += n;
	}
}

static void begin(struct pf_arrival *a, uint64_t at, uint64_t now_ns)
{
	a->started = true;
	a->in_burst = false;
	a->next = a->mark = a->mark_before = at;
	a->mark_ns = now_ns;
}

static void fade(struct pf_arrival *a, uint64_t now_ns)
{
	if (now_ns - a->spell_ns < PF_ARRIVAL_SPELL_NS)
		return;
	a->spell_ns = now_ns;
	a->recent_packets /= 2;
	a->recent_lost /= 2;
	a->recent_bursts /= 2;
}

void pf_arrival_poll(struct pf_arrival *a, const struct pf_replay *seen, uint64_t now_ns)
{
	if (!seen->any)
		return;
	if (!a->started) {
		a->spell_ns = now_ns;
		begin(a, seen->highest, now_ns);
		return;
	}
	/* The window forgets: a leap is no loss that could be measured, and what it is
	 * about to forget is judged without waiting. */
	if (seen->highest - a->next >= PF_REPLAY_WINDOW) {
		begin(a, seen->highest, now_ns);
		return;
	}
	if (seen->highest - a->next >= PF_REPLAY_WINDOW / 2)
		a->mark_before = seen->highest - PF_REPLAY_WINDOW / 4;
	if (now_ns - a->mark_ns >= PF_ARRIVAL_HORIZON_NS) {
		if (a->mark > a->mark_before)
			a->mark_before = a->mark;
		a->mark = seen->highest;
		a->mark_ns = now_ns;
	}
	judge_to(a, seen, a->mark_before);
	fade(a, now_ns);
}

void pf_arrival_path(const struct pf_arrival *a, struct pf_arrival_path *out)
{
	uint64_t all = a->recent_packets + a->recent_lost;

	*out = (struct pf_arrival_path){
		.packets = a->packets,
		.lost = a->lost,
		.bursts = a->bursts,
		.loss_ppm = all ? (uint32_t)(a->recent_lost * 1000000 / all) : 0,
		.burst_x100 =
			a->recent_bursts ? (uint32_t)(a->recent_lost * 100 / a->recent_bursts) : 0,
	};
}
