/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/media/relief.h"
#include "core/media/rate_control.h"

void pf_relief_asked(struct pf_relief *r, uint32_t kbps)
{
	*r = (struct pf_relief){ .asked_kbps = kbps };
}

uint32_t pf_relief_lost(struct pf_relief *r, uint64_t now_ns)
{
	uint64_t kbps = r->asked_kbps;

	if (r->steps == PF_RELIEF_STEPS || (r->steps && now_ns - r->step_ns < PF_RELIEF_STEP_NS))
		return 0;
	for (unsigned i = 0; i <= r->steps; i++)
		kbps = kbps * 7 / 10;
	if (kbps < PF_RATE_FLOOR_KBPS)
		return 0;
	r->steps++;
	r->step_ns = now_ns;
	return (uint32_t)kbps;
}

uint64_t pf_relief_due_ns(const struct pf_relief *r)
{
	return r->steps ? r->step_ns + PF_RELIEF_NS : 0;
}

uint32_t pf_relief_poll(struct pf_relief *r, uint64_t now_ns)
{
	if (!r->steps || now_ns < pf_relief_due_ns(r))
		return 0;
	r->steps = 0;
	return r->asked_kbps;
}
