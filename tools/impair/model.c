/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tools/impair/model.h"
#include <assert.h>
#include <math.h>
#include <string.h>

/* splitmix64: turns a counter into well-mixed words. */
static uint64_t mix(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

static uint64_t rotl(uint64_t v, unsigned n)
{
	return v << n | v >> (64 - n);
}

/* xoshiro256++ */
static uint64_t next_word(uint64_t s[4])
{
	uint64_t out = rotl(s[0] + s[3], 23) + s[0];
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return out;
}

/* 0 <= x < 1 */
static double unit(uint64_t word)
{
	return (double)(word >> 11) * 0x1p-53;
}

void pf_impair_path_init(struct pf_impair_path *p, const struct pf_impair_rules *rules,
	uint64_t seed, uint64_t stream)
{
	uint64_t s = seed;

	memset(p, 0, sizeof(*p));
	p->rules = rules;
	s = mix(&s) ^ stream;
	for (int i = 0; i < 4; i++)
		p->rng[i] = mix(&s);
	p->slot_seed = mix(&s);
}

/* Jitter between -1 and 1 (uniform) or in sigmas (normal) from two words. */
static double jitter_unit(enum pf_impair_jitter kind, uint64_t a, uint64_t b)
{
	double v;

	if (kind == PF_IMPAIR_UNIFORM)
		return 2 * unit(a) - 1;
	/* Box-Muller; 1 - u keeps the logarithm finite. */
	v = sqrt(-2 * log(1 - unit(a))) * cos(2 * M_PI * unit(b));
	return v > 3 ? 3 : v < -3 ? -3 : v;
}

static double slot_jitter(const struct pf_impair_path *p, uint64_t slot)
{
	uint64_t s = p->slot_seed ^ (slot * 0xd1342543de82ef95ull);
	uint64_t a = mix(&s);

	return jitter_unit(p->rules->jitter, a, mix(&s));
}

static double jitter_ns(const struct pf_impair_path *p, uint64_t now_ns, uint64_t a, uint64_t b)
{
	const struct pf_impair_rules *r = p->rules;
	uint64_t since = now_ns > p->start_ns ? now_ns - p->start_ns : 0;
	uint64_t slot;
	double part, from, to;

	if (!r->jitter_ns)
		return 0;
	if (!r->jitter_slot_ns)
		return jitter_unit(r->jitter, a, b) * (double)r->jitter_ns;
	slot = since / r->jitter_slot_ns;
	part = (double)(since % r->jitter_slot_ns) / (double)r->jitter_slot_ns;
	from = slot_jitter(p, slot);
	to = slot_jitter(p, slot + 1);
	return (from + (to - from) * part) * (double)r->jitter_ns;
}

/* When the last bit of `bytes` has left the bottleneck, or 0 if the queue is full. */
static uint64_t through_link(const struct pf_impair_rules *r, struct pf_impair_link *link,
	uint64_t now_ns, uint32_t bytes)
{
	double ns_per_byte = 8e9 / (double)r->rate_bps;
	uint64_t wire = (uint64_t)bytes + PF_IMPAIR_HEADER_BYTES;
	uint64_t start = link->free_ns > now_ns ? link->free_ns : now_ns;
	double backlog = (double)(start - now_ns) / ns_per_byte;

	if (backlog + (double)wire > (double)r->queue_bytes)
		return 0;
	link->free_ns = start + (uint64_t)((double)wire * ns_per_byte);
	return link->free_ns;
}

void pf_impair_decide(struct pf_impair_path *p, struct pf_impair_link *link, uint64_t now_ns,
	uint32_t bytes, struct pf_impair_fate *out)
{
	const struct pf_impair_rules *r = p->rules;
	bool lost, burst, twice, held;
	uint64_t word[7], left = now_ns;
	double due;

	/* Always the same draws, used or not: luck must not depend on timing. */
	for (int i = 0; i < 7; i++)
		word[i] = next_word(p->rng);
	lost = unit(word[0]) < r->loss;
	if (unit(word[1]) < (p->bad ? r->burst_leave : r->burst_enter))
		p->bad = !p->bad;
	burst = unit(word[2]) < (p->bad ? r->burst_loss_bad : r->burst_loss_good);
	twice = unit(word[3]) < r->duplicate;
	held = unit(word[4]) < r->reorder;
	if (!p->started) {
		p->started = true;
		p->start_ns = now_ns;
	}

	memset(out, 0, sizeof(*out));
	if (r->mtu_bytes && bytes > r->mtu_bytes) {
		out->cause = PF_IMPAIR_MTU;
		return;
	}
	if (r->rate_bps && link) {
		left = through_link(r, link, now_ns, bytes);
		if (!left) {
			out->cause = PF_IMPAIR_QUEUE;
			return;
		}
	}
	/* Lost behind the bottleneck: it has taken its share of the rate. */
	if (lost || burst) {
		out->cause = lost ? PF_IMPAIR_LOSS : PF_IMPAIR_BURST;
		return;
	}
	due = (double)r->delay_ns + jitter_ns(p, now_ns, word[5], word[6]);
	out->due_ns = left + (due > 0 ? (uint64_t)due : 0);
	if (!r->jitter_ns || r->jitter_slot_ns) {
		if (out->due_ns < p->last_due_ns)
			out->due_ns = p->last_due_ns;
		p->last_due_ns = out->due_ns;
	}
	if (held)
		out->due_ns += r->reorder_ns;
	out->held = held;
	out->copies = twice ? 2 : 1;
	out->cause = PF_IMPAIR_PASS;
}

const char *pf_impair_cause_to_string(enum pf_impair_cause cause)
{
	static const char *const names[PF_IMPAIR_CAUSES] = {
		[PF_IMPAIR_PASS] = "pass",
		[PF_IMPAIR_MTU] = "mtu",
		[PF_IMPAIR_QUEUE] = "queue",
		[PF_IMPAIR_LOSS] = "loss",
		[PF_IMPAIR_BURST] = "burst",
	};

	assert(cause < PF_IMPAIR_CAUSES);
	return names[cause];
}
