/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "clients/probe/stages.h"
#include <string.h>

static void join(
	struct pf_stages *s, const struct pf_stage_half *frame, const struct pf_stage_half *host)
{
	pf_samples_add(&s->transport, frame->received_ns - (int64_t)host->encode_us * 1000);
	pf_samples_add(&s->link, frame->received_ns - (int64_t)host->total_us * 1000);
}

static void add(struct pf_stages *s, const struct pf_stage_half *h)
{
	for (unsigned i = 0; i < PF_STAGES_WAITING; i++) {
		struct pf_stage_half *o = &s->waiting[i];

		if (!o->pts_ns || o->pts_ns != h->pts_ns || o->of_host == h->of_host)
			continue;
		join(s, h->of_host ? o : h, h->of_host ? h : o);
		o->pts_ns = 0;
		return;
	}
	s->waiting[s->next++ % PF_STAGES_WAITING] = *h;
}

void pf_stages_frame(struct pf_stages *s, uint64_t pts_ns, int64_t received_ns)
{
	add(s, &(struct pf_stage_half){ .pts_ns = pts_ns, .received_ns = received_ns });
}

void pf_stages_host(struct pf_stages *s, uint64_t pts_ns, uint32_t total_us, uint32_t encode_us)
{
	add(s, &(struct pf_stage_half){ .pts_ns = pts_ns,
		       .total_us = total_us,
		       .encode_us = encode_us,
		       .of_host = true });
}

void pf_stages_finish(struct pf_stages *s)
{
	pf_samples_finish(&s->transport);
	pf_samples_finish(&s->link);
	memset(s, 0, sizeof(*s));
}
