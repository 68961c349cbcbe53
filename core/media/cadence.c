/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/media/cadence.h"
#include <string.h>

/* Buckets: 16 to each doubling from 2^16 ns (66 us) to 2^29 (0.5 s); the last takes
 * all beyond. */
#define STEP_BITS    4
#define FIRST_OCTAVE 16

#define INTERVAL_MIN_NS 1000000ull   /* 1000 Hz */
#define INTERVAL_MAX_NS 100000000ull /* 10 Hz */

void pf_cadence_init(struct pf_cadence *c)
{
	*c = (struct pf_cadence){ 0 };
}

static unsigned bucket_of(uint64_t ns)
{
	unsigned octave;
	uint64_t b;

	if (ns < 1ull << FIRST_OCTAVE)
		return 0;
	octave = 63u - (unsigned)__builtin_clzll(ns);
	b = (octave - FIRST_OCTAVE) * (1u << STEP_BITS) +
	    ((ns >> (octave - STEP_BITS)) & ((1u << STEP_BITS) - 1));
	return b < PF_CADENCE_BUCKETS ? (unsigned)b : PF_CADENCE_BUCKETS - 1;
}

/* Where the bucket ends. */
static uint64_t bucket_ns(unsigned b)
{
	unsigned octave = FIRST_OCTAVE + (b >> STEP_BITS);
	uint64_t step = (b & ((1u << STEP_BITS) - 1)) + 1;

	return (1ull << octave) + (step << (octave - STEP_BITS));
}

static void next_spell(struct pf_cadence *c)
{
	uint16_t *oldest;

	c->spell = (c->spell + 1) % PF_CADENCE_SPELLS;
	oldest = c->count[c->spell];
	for (unsigned i = 0; i < PF_CADENCE_BUCKETS; i++) {
		c->sum[i] -= oldest[i];
		c->gaps -= oldest[i];
		oldest[i] = 0;
	}
}

static void pass_time(struct pf_cadence *c, uint64_t now_ns)
{
	for (unsigned i = 0; now_ns - c->spell_ns >= PF_CADENCE_SPELL_NS; i++) {
		if (i == PF_CADENCE_SPELLS) {
			c->spell_ns = now_ns;
			return;
		}
		next_spell(c);
		c->spell_ns += PF_CADENCE_SPELL_NS;
	}
}

static void count_gap(struct pf_cadence *c, uint64_t gap_ns)
{
	unsigned b = bucket_of(gap_ns);

	if (c->count[c->spell][b] == UINT16_MAX)
		return;
	c->count[c->spell][b]++;
	c->sum[b]++;
	c->gaps++;
}

/* One capture's spacing. A pause of the source counts as four intervals, so that it
 * hardly moves the mean. */
static void learn_interval(struct pf_cadence *c, uint64_t spacing_ns)
{
	if (!c->interval_ns)
		c->interval_ns = spacing_ns;
	if (spacing_ns > 4 * c->interval_ns)
		spacing_ns = 4 * c->interval_ns;
	c->interval_ns = c->interval_ns - c->interval_ns / 16 + spacing_ns / 16;
	if (c->interval_ns < INTERVAL_MIN_NS)
		c->interval_ns = INTERVAL_MIN_NS;
	if (c->interval_ns > INTERVAL_MAX_NS)
		c->interval_ns = INTERVAL_MAX_NS;
}

void pf_cadence_arrived(struct pf_cadence *c, uint32_t index, uint64_t pts_ns, uint64_t done_ns)
{
	uint32_t frames = index - c->index;
	uint64_t captured = pts_ns - c->pts_ns, usual, gap;

	if (!c->started) {
		c->started = true;
		c->spell_ns = done_ns;
	} else {
		/* Overtaken by a newer one, or a clock that was set back. */
		if ((int32_t)frames <= 0)
			return;
		if ((int64_t)captured > 0) {
			learn_interval(c, captured / frames);
			pass_time(c, done_ns);
			usual = c->interval_ns * frames;
			gap = done_ns - c->done_ns;
			if (captured > usual)
				gap = gap > captured - usual ? gap - (captured - usual) : 0;
			count_gap(c, gap);
			c->stalls += 2 * gap > 5 * c->interval_ns;
		}
	}
	c->index = index;
	c->pts_ns = pts_ns;
	c->done_ns = done_ns;
}

uint64_t pf_cadence_p99_ns(const struct pf_cadence *c)
{
	uint32_t above = 0, may = c->gaps / 100;

	if (!c->gaps)
		return 0;
	for (unsigned b = PF_CADENCE_BUCKETS - 1;; b--) {
		above += c->sum[b];
		if (above > may || !b)
			return bucket_ns(b);
	}
}
