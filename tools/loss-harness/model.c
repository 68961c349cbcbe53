/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tools/loss-harness/model.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FRAME_LOST_PPM 50000u /* punktfunk1.md 11 */
#define PLANS_KEPT     512u

/* The exact figure of a plan takes long: it is made once. */
struct known_plan {
	struct pf_lh_plan plan;
	double exact;
};

struct pf_lh_loop {
	struct pf_lh_scheme scheme;
	struct pf_lh_point at;
	struct pf_parity policy;
	struct pf_lh_plan plan;
	double exact; /* of the plan, < 0 = not looked up */

	/* Since the last report. */
	uint64_t received, rebuilt;
	uint32_t lost_frames;
	struct pf_parity_missed missed;
	bool any_status; /* ever */

	struct pf_lh_result sum;
	struct known_plan known[PLANS_KEPT];
	uint32_t known_count;
};

static bool same_plan(const struct pf_lh_plan *a, const struct pf_lh_plan *b)
{
	if (a->blocks != b->blocks || a->parity != b->parity)
		return false;
	for (uint32_t i = 0; i < a->blocks; i++)
		if (a->k[i] != b->k[i] || a->m[i] != b->m[i])
			return false;
	return true;
}

/* For each frame: the policy also goes by the mean frame size. */
static void replan(struct pf_lh_loop *l)
{
	struct pf_lh_plan old = l->plan;

	pf_lh_plan(&l->scheme, &l->policy, l->at.packets, &l->plan);
	if (!same_plan(&old, &l->plan))
		l->exact = -1;
}

struct pf_lh_loop *pf_lh_loop_create(const struct pf_lh_scheme *s, const struct pf_lh_point *at)
{
	struct pf_lh_loop *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->scheme = *s;
	l->at = *at;
	pf_lh_policy(s, &at->channel, &l->policy);
	replan(l);
	return l;
}

void pf_lh_loop_destroy(struct pf_lh_loop *l)
{
	free(l);
}

const struct pf_lh_plan *pf_lh_loop_plan(const struct pf_lh_loop *l)
{
	return &l->plan;
}

const struct pf_parity *pf_lh_loop_policy(const struct pf_lh_loop *l)
{
	return &l->policy;
}

static int look_up(struct pf_lh_loop *l)
{
	for (uint32_t i = 0; i < l->known_count; i++)
		if (same_plan(&l->known[i].plan, &l->plan)) {
			l->exact = l->known[i].exact;
			return 0;
		}
	l->exact = pf_lh_exact(&l->plan, &l->at.channel);
	if (l->exact < 0)
		return -ENOMEM;
	if (l->known_count < PLANS_KEPT)
		l->known[l->known_count++] = (struct known_plan){ l->plan, l->exact };
	return 0;
}

int pf_lh_loop_frame(struct pf_lh_loop *l, const struct pf_lh_fate *f, bool counts)
{
	uint32_t data = l->plan.packets - l->plan.parity;

	pf_parity_sent(&l->policy, data, l->plan.parity, l->plan.blocks);
	l->received += f->received;
	l->rebuilt += f->rebuilt;
	l->lost_frames += f->lost;
	l->missed.lost += f->missed.lost;
	l->missed.lost_sq += f->missed.lost_sq;
	l->missed.lost_data += f->missed.lost_data;
	l->missed.frame_lost |= f->missed.frame_lost;
	if (counts && l->exact < 0 && look_up(l))
		return -ENOMEM;
	if (counts) {
		l->sum.frames++;
		l->sum.lost += f->lost;
		l->sum.data += data;
		l->sum.parity += l->plan.parity;
		l->sum.exact += l->exact;
	}
	if (l->scheme.percent == PF_PARITY_ADAPTIVE)
		replan(l);
	return 0;
}

void pf_lh_loop_report(struct pf_lh_loop *l)
{
	uint64_t all = l->received + l->rebuilt;

	if (l->scheme.format == PF_LH_GF8) {
		l->any_status |= l->missed.lost > 0;
		if (l->any_status)
			pf_parity_missed(&l->policy, &l->missed);
	} else {
		uint32_t ppm = all ? (uint32_t)(l->rebuilt * 1000000 / all) : 0;

		if (l->lost_frames) {
			pf_parity_frames_lost(&l->policy, l->lost_frames);
			ppm += FRAME_LOST_PPM;
		}
		pf_parity_report(&l->policy, ppm < 1000000 ? ppm : 1000000);
	}
	l->received = l->rebuilt = 0;
	l->lost_frames = 0;
	memset(&l->missed, 0, sizeof(l->missed));
	replan(l);
}

void pf_lh_loop_result(const struct pf_lh_loop *l, struct pf_lh_result *out)
{
	*out = l->sum;
	if (out->frames)
		out->exact /= out->frames;
}

/* One frame under all schemes. */
static int one_frame(const struct pf_lh_run *run, uint32_t frame, struct pf_lh_trace *t,
	struct pf_lh_loop **loops, uint32_t count)
{
	uint32_t most = 0;
	int r;

	for (uint32_t i = 0; i < count; i++)
		if (loops[i]->plan.packets > most)
			most = loops[i]->plan.packets;
	r = pf_lh_trace_make(t, &loops[0]->at.channel, run->seed, frame, most);
	for (uint32_t i = 0; !r && i < count; i++) {
		struct pf_lh_fate f = pf_lh_fate(&loops[i]->plan, t);

		r = pf_lh_loop_frame(loops[i], &f, frame >= run->warm);
		if (!r && frame % run->report == run->report - 1)
			pf_lh_loop_report(loops[i]);
	}
	return r;
}

int pf_lh_model(const struct pf_lh_run *run, const struct pf_lh_point *at,
	const struct pf_lh_scheme *const *schemes, uint32_t count, struct pf_lh_result *results)
{
	struct pf_lh_loop *loops[PF_LH_SCHEMES] = { 0 };
	struct pf_lh_trace t = { 0 };
	int r = 0;

	for (uint32_t i = 0; i < count && !r; i++) {
		loops[i] = pf_lh_loop_create(schemes[i], at);
		if (!loops[i])
			r = -ENOMEM;
	}
	for (uint32_t f = 0; !r && f < run->warm + run->frames; f++)
		r = one_frame(run, f, &t, loops, count);
	for (uint32_t i = 0; i < count; i++) {
		if (!r)
			pf_lh_loop_result(loops[i], &results[i]);
		pf_lh_loop_destroy(loops[i]);
	}
	pf_lh_trace_finish(&t);
	return r;
}
