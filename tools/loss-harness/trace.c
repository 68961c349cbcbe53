/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tools/loss-harness/trace.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* splitmix64 */
static uint64_t draw(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

/* 0 < u <= 1 */
static double uniform(uint64_t *state)
{
	return (double)((draw(state) >> 11) + 1) * 0x1p-53;
}

/* Packets until the state ends, which it does behind each with probability `end`. */
static uint32_t run_length(uint64_t *state, double end)
{
	double n;

	if (end >= 1)
		return 1;
	if (end <= 0)
		return INT32_MAX;
	n = 1 + floor(log(uniform(state)) / log1p(-end));
	return n < INT32_MAX ? (uint32_t)n : INT32_MAX;
}

void pf_lh_channel_steps(const struct pf_lh_channel *c, double *leave, double *enter)
{
	double burst = c->burst * (1 - c->loss) > 1 ? c->burst : 1 / (1 - c->loss);

	*leave = 1 / burst;
	*enter = c->loss * *leave / (1 - c->loss);
}

static int add_burst(struct pf_lh_trace *t, uint32_t first, uint32_t count)
{
	if (t->count == t->cap) {
		uint32_t cap = t->cap ? 2 * t->cap : 64;
		struct pf_lh_burst *p = realloc(t->bursts, cap * sizeof(*p));

		if (!p)
			return -ENOMEM;
		t->bursts = p;
		t->cap = cap;
	}
	t->bursts[t->count++] = (struct pf_lh_burst){ first, count };
	return 0;
}

int pf_lh_trace_make(struct pf_lh_trace *t, const struct pf_lh_channel *c, uint64_t seed,
	uint64_t frame, uint32_t packets)
{
	uint64_t state = seed * 0xd1342543de82ef95 + frame * 0x2545f4914f6cdd1d;
	double leave, enter;
	uint64_t at = 0;
	bool bad;

	pf_lh_channel_steps(c, &leave, &enter);
	t->count = 0;
	bad = uniform(&state) <= c->loss;
	while (at < packets) {
		uint32_t n = run_length(&state, bad ? leave : enter);

		if (bad && add_burst(t, (uint32_t)at, n))
			return -ENOMEM;
		at += n;
		bad = !bad;
	}
	return 0;
}

void pf_lh_trace_finish(struct pf_lh_trace *t)
{
	free(t->bursts);
	*t = (struct pf_lh_trace){ 0 };
}

uint32_t pf_lh_trace_lost(const struct pf_lh_trace *t, uint32_t first, uint32_t count)
{
	uint64_t end = (uint64_t)first + count;
	uint32_t lost = 0;

	for (uint32_t i = 0; i < t->count && t->bursts[i].first < end; i++) {
		uint64_t from = t->bursts[i].first, to = from + t->bursts[i].count;

		if (from < first)
			from = first;
		if (to > end)
			to = end;
		if (to > from)
			lost += (uint32_t)(to - from);
	}
	return lost;
}

uint32_t pf_lh_trace_lost_before(const struct pf_lh_trace *t, uint32_t first, uint32_t arrivals)
{
	uint64_t end = (uint64_t)first + arrivals; /* moves on with each loss */
	uint32_t lost = 0;

	for (uint32_t i = 0; i < t->count && t->bursts[i].first < end; i++) {
		uint64_t from = t->bursts[i].first, to = from + t->bursts[i].count;

		if (from < first)
			from = first;
		if (to <= from)
			continue;
		lost += (uint32_t)(to - from);
		end += to - from;
	}
	return lost;
}
