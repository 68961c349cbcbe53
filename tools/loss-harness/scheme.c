/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tools/loss-harness/scheme.h"
#include <stdlib.h>
#include "core/wire/gs_video.h"

#define K_MAX	4096
#define WELCOME 10 /* percent of Welcome: caps a block of punktfunk/1 */

const struct pf_lh_scheme pf_lh_schemes[PF_LH_SCHEMES] = {
	{ "gf8-20", "GF(2^8), up to four blocks, 20 %: GameStream as its hosts send it", PF_LH_GF8,
		20, false },
	{ "gf8-adaptive", "GF(2^8), up to four blocks, adaptive: GameStream as we send it",
		PF_LH_GF8, PF_PARITY_ADAPTIVE, false },
	{ "gf16-10", "GF(2^16), one block, 10 %: punktfunk/1, pinned", PF_LH_GF16, 10, false },
	{ "gf16-20", "GF(2^16), one block, 20 %: punktfunk/1, pinned", PF_LH_GF16, 20, false },
	{ "gf16-adaptive", "GF(2^16), one block, adaptive: punktfunk/1 as we send it", PF_LH_GF16,
		PF_PARITY_ADAPTIVE, false },
	{ "gf16-told", "GF(2^16), one block, adaptive, told what the link is like", PF_LH_GF16,
		PF_PARITY_ADAPTIVE, true },
};

void pf_lh_policy(
	const struct pf_lh_scheme *s, const struct pf_lh_channel *told, struct pf_parity *out)
{
	bool gf8 = s->format == PF_LH_GF8;
	uint8_t welcome = gf8 ? 0 : s->percent == PF_PARITY_ADAPTIVE ? WELCOME : s->percent;

	/* Never fails for the rows of the table. */
	(void)pf_parity_init(out, s->percent, welcome, gf8 ? PF_GS_DATA_MAX : K_MAX);
	if (s->told)
		pf_parity_tell(out, told->loss, told->burst);
}

uint32_t pf_lh_packets_max(enum pf_lh_format format)
{
	return format == PF_LH_GF8 ? PF_LH_BLOCKS_MAX * PF_GS_DATA_MAX : PF_LH_PACKETS_MAX;
}

/* A count that a percentage in the header can say: above 100 packets not all can. */
static uint32_t said(uint32_t k, uint32_t want)
{
	uint32_t percent = 0;

	while (percent < UINT8_MAX && pf_gs_parity_count(k, percent) < want)
		percent++;
	return pf_gs_parity_count(k, percent);
}

/* The most that can be said and fits. */
static uint32_t fitting(uint32_t k, uint32_t want)
{
	uint32_t percent = UINT8_MAX;

	want = said(k, want);
	while (percent && (pf_gs_parity_count(k, percent) > want ||
				  k + pf_gs_parity_count(k, percent) > PF_GS_SHARDS_MAX))
		percent--;
	return pf_gs_parity_count(k, percent);
}

static uint32_t wanted(
	const struct pf_lh_scheme *s, const struct pf_parity *p, uint32_t k, uint32_t blocks)
{
	uint32_t m = s->percent == PF_PARITY_ADAPTIVE ? pf_parity_choose(p, k, blocks)
						      : pf_gs_parity_count(k, s->percent);

	return m > PF_LH_MIN_PARITY ? m : PF_LH_MIN_PARITY;
}

static void plan_gf8(const struct pf_lh_scheme *s, const struct pf_parity *p, uint32_t packets,
	struct pf_lh_plan *out)
{
	bool adaptive = s->percent == PF_PARITY_ADAPTIVE, protect = true;
	uint32_t blocks = 1, each, left = packets, most;

	if (adaptive) {
		for (; blocks < PF_LH_BLOCKS_MAX; blocks++) {
			each = (packets + blocks - 1) / blocks;
			most = wanted(s, p, each, blocks);
			if (each + said(each, most) <= PF_GS_SHARDS_MAX)
				break;
		}
	} else {
		most = 100 * PF_GS_SHARDS_MAX / (100 + s->percent);
		blocks = (packets + most - 1) / most;
		protect = blocks <= PF_LH_BLOCKS_MAX;
		if (!protect)
			blocks = PF_LH_BLOCKS_MAX;
	}
	each = (packets + blocks - 1) / blocks;
	out->blocks = blocks;
	for (uint32_t b = 0; b < blocks; b++, left -= each) {
		uint32_t k = b + 1 < blocks ? each : left;

		out->k[b] = k;
		out->m[b] =
			protect && k < PF_GS_SHARDS_MAX ? fitting(k, wanted(s, p, k, blocks)) : 0;
	}
}

void pf_lh_plan(const struct pf_lh_scheme *s, const struct pf_parity *p, uint32_t packets,
	struct pf_lh_plan *out)
{
	if (s->format == PF_LH_GF8) {
		plan_gf8(s, p, packets, out);
	} else {
		out->blocks = 1;
		out->k[0] = packets;
		out->m[0] = pf_parity_choose(p, packets, 1);
	}
	out->parity = 0;
	for (uint32_t b = 0; b < out->blocks; b++)
		out->parity += out->m[b];
	out->packets = packets + out->parity;
}

struct pf_lh_fate pf_lh_fate(const struct pf_lh_plan *plan, const struct pf_lh_trace *t)
{
	struct pf_lh_fate f = { 0 };
	uint32_t at = 0;

	for (uint32_t b = 0; b < plan->blocks; b++) {
		uint32_t k = plan->k[b], n = k + plan->m[b];
		uint32_t lost = pf_lh_trace_lost(t, at, n);
		bool dead = lost > plan->m[b];
		uint64_t missed = dead ? lost : pf_lh_trace_lost_before(t, at, k);

		f.received += n - lost;
		f.rebuilt += pf_lh_trace_lost(t, at, k);
		f.missed.lost += missed;
		f.missed.lost_sq += missed * missed;
		f.missed.lost_data += missed * k;
		f.missed.frame_lost |= dead;
		at += n;
	}
	f.lost = f.missed.frame_lost;
	if (f.lost)
		f.rebuilt = 0;
	return f;
}

/* The chain walked packet by packet, block after block: good[j] and bad[j] are the
 * probabilities that all is well so far, j of this block are lost, and the newest
 * packet came or did not. */
double pf_lh_exact(const struct pf_lh_plan *plan, const struct pf_lh_channel *c)
{
	double leave, enter, was_good = 1 - c->loss, was_bad = c->loss;
	bool begun = false;

	pf_lh_channel_steps(c, &leave, &enter);
	for (uint32_t b = 0; b < plan->blocks; b++) {
		uint32_t m = plan->m[b], n = plan->k[b] + m;
		double *good = calloc(2 * ((size_t)m + 1), sizeof(*good)), *bad = good + m + 1;

		if (!good)
			return -1;
		good[0] = begun ? was_good * (1 - enter) + was_bad * leave : was_good;
		if (m)
			bad[1] = begun ? was_good * enter + was_bad * (1 - leave) : was_bad;
		for (uint32_t i = 1; i < n; i++) {
			uint32_t top = i + 1 < m ? i + 1 : m;

			for (uint32_t j = top + 1; j-- > 0;) {
				double to_bad =
					j ? good[j - 1] * enter + bad[j - 1] * (1 - leave) : 0;

				good[j] = good[j] * (1 - enter) + bad[j] * leave;
				bad[j] = to_bad;
			}
		}
		was_good = was_bad = 0;
		for (uint32_t j = 0; j <= m; j++) {
			was_good += good[j];
			was_bad += bad[j];
		}
		begun = true;
		free(good);
	}
	was_good = 1 - was_good - was_bad;
	return was_good > 0 ? was_good : 0;
}
