/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "clients/probe/samples.h"
#include <stdlib.h>
#include <string.h>

void pf_samples_add(struct pf_samples *s, int64_t ns)
{
	int64_t us = ns / 1000;
	int32_t v = (int32_t)(us > 1800000000 ? 1800000000 : us < -1800000000 ? -1800000000 : us);

	if (!s->count || v > s->max_us)
		s->max_us = v;
	if (s->count >= PF_SAMPLES_MAX)
		return;
	if (s->count == s->cap) {
		size_t cap = s->cap ? 2 * s->cap : 1024;
		int32_t *grown = realloc(s->us, cap * sizeof(*grown));

		if (!grown)
			return;
		s->us = grown;
		s->cap = cap;
	}
	s->us[s->count++] = v;
}

static int compare(const void *a, const void *b)
{
	int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

	return (x > y) - (x < y);
}

/* The smallest sample that at least `percent` of them do not exceed. */
static double at(const struct pf_samples *s, unsigned percent)
{
	size_t rank = (s->count * percent + 99) / 100;

	return s->us[rank ? rank - 1 : 0] / 1000.0;
}

struct pf_quantiles pf_samples_quantiles(struct pf_samples *s)
{
	if (!s->count)
		return (struct pf_quantiles){ 0 };
	qsort(s->us, s->count, sizeof(*s->us), compare);
	return (struct pf_quantiles){ .count = s->count,
		.p50 = at(s, 50),
		.p95 = at(s, 95),
		.p99 = at(s, 99),
		.max = s->max_us / 1000.0 };
}

void pf_samples_finish(struct pf_samples *s)
{
	free(s->us);
	memset(s, 0, sizeof(*s));
}
