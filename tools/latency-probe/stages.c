/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tools/latency-probe/stages.h"

const char *pf_probe_stage_name(enum pf_probe_stage stage)
{
	static const char *const names[PF_STAGES] = {
		[PF_STAGE_SUBMIT] = "submit",
		[PF_STAGE_QUEUE] = "queue",
		[PF_STAGE_SEAL] = "seal",
		[PF_STAGE_SEND] = "send",
		[PF_STAGE_NETWORK] = "network",
		[PF_STAGE_ARRIVE] = "arrive",
		[PF_STAGE_COMPLETE] = "complete",
		[PF_STAGE_TAKE] = "take",
	};

	return stage < PF_STAGES ? names[stage] : "?";
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

void pf_probe_stages(const struct pf_probe_stamps *s, uint64_t out[PF_STAGES])
{
	uint64_t sent = least(s->sent_ns, s->last_ns), first = most(s->first_ns, sent);
	uint64_t at[PF_STAGES + 1] = { s->called_ns, s->submit_ns, s->start_ns, s->sealed_ns, sent,
		first, s->last_ns, s->completed_ns, s->taken_ns };

	for (unsigned i = 0; i < PF_STAGES; i++)
		out[i] = at[i + 1] > at[i] ? at[i + 1] - at[i] : 0;
}

uint64_t pf_probe_gap_ppm(const uint64_t stages[PF_STAGES], uint64_t total_ns)
{
	uint64_t sum = 0, gap;

	for (unsigned i = 0; i < PF_STAGES; i++)
		sum += stages[i];
	gap = most(sum, total_ns) - least(sum, total_ns);
	return total_ns ? gap * 1000000 / total_ns : gap ? UINT64_MAX : 0;
}

uint64_t pf_probe_permille(const uint64_t *sorted, uint32_t n, uint32_t p)
{
	uint32_t rank = (uint32_t)(((uint64_t)n * p + 999) / 1000);

	return sorted[rank ? rank - 1 : 0];
}
