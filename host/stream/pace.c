/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/stream/pace.h"

void pf_pace_init(struct pf_pace *p, uint32_t rate_mhz, unsigned repeats, uint64_t repeat_delay_ns)
{
	uint64_t interval_ns = 1000000000000ull / rate_mhz;

	*p = (struct pf_pace){
		.refill_ns = interval_ns * 15 / 16,
		.slack_ns = interval_ns / 2,
		.repeats = repeats,
		.repeat_delay_ns = repeat_delay_ns,
	};
}

uint64_t pf_pace_ready_ns(const struct pf_pace *p)
{
	return p->due_ns > p->slack_ns ? p->due_ns - p->slack_ns : 0;
}

void pf_pace_encoded(struct pf_pace *p, uint64_t now_ns, int changed)
{
	/* Idle time earns nothing: two pictures never follow closer than the slack. */
	if (p->due_ns < now_ns)
		p->due_ns = now_ns;
	p->due_ns += p->refill_ns;
	if (changed)
		p->repeats_left = p->repeats;
	else if (p->repeats_left)
		p->repeats_left--;
	p->repeat_ns = now_ns + p->repeat_delay_ns;
}

uint64_t pf_pace_repeat_ns(const struct pf_pace *p)
{
	return p->repeats_left ? p->repeat_ns : PF_PACE_NEVER;
}
