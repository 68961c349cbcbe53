/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include "core/media/arrival.h"
#include "tests/unit/rng.h"

#define MS 1000000ull

struct path {
	struct pf_replay seen;
	struct pf_arrival a;
	uint64_t now_ns;
};

static void path_init(struct path *p)
{
	pf_replay_init(&p->seen);
	pf_arrival_init(&p->a);
	p->now_ns = 1;
}

static void come(struct path *p, uint64_t seq)
{
	assert_true(pf_replay_accept(&p->seen, seq));
	pf_arrival_poll(&p->a, &p->seen, p->now_ns);
}

/* Time for all that came to be judged but the newest. */
static struct pf_arrival_path settle(struct path *p)
{
	struct pf_arrival_path out;

	for (int i = 0; i < 3; i++) {
		p->now_ns += PF_ARRIVAL_HORIZON_NS;
		pf_arrival_poll(&p->a, &p->seen, p->now_ns);
	}
	pf_arrival_path(&p->a, &out);
	return out;
}

static void runs_are_counted_one_by_one(void **state)
{
	static const unsigned lost_from[] = { 10, 62, 120, 190 }, lost_len[] = { 1, 4, 64, 3 };
	static struct path p;
	struct pf_arrival_path out;

	path_init(&p);
	for (uint64_t seq = 0, i = 0; seq < 300; seq++) {
		while (i < 4 && seq == lost_from[i])
			seq += lost_len[i++];
		come(&p, seq);
	}
	pf_arrival_path(&p.a, &out);
	assert_true(!out.packets && !out.lost); /* they may still come */
	out = settle(&p);
	assert_true(out.lost == 72 && out.bursts == 4);
	assert_true(out.packets == 299 - 72);
	assert_int_equal(out.burst_x100, 1800);
	assert_int_equal(out.loss_ppm, 72 * 1000000ull / 299);
	p.now_ns += 100 * PF_ARRIVAL_SPELL_NS;
	assert_true(settle(&p).lost == 72);
}

static void reordering_is_no_loss(void **state)
{
	static struct path p;
	struct pf_arrival_path out;

	path_init(&p);
	come(&p, 5);
	/* In groups of 500 the wrong way round, 145 kpps. */
	for (uint64_t g = 6; g < 200000; g += 500)
		for (uint64_t i = 500; i-- > 0;) {
			p.now_ns += 6900;
			come(&p, g + i);
		}
	out = settle(&p);
	assert_true(!out.lost && !out.bursts && !out.burst_x100 && !out.loss_ppm);
	assert_true(out.packets > 199000);
	/* What comes behind the horizon was lost. */
	come(&p, p.seen.highest + 2);
	(void)settle(&p);
	assert_true(pf_replay_accept(&p.seen, p.seen.highest - 1));
	come(&p, p.seen.highest + 1);
	assert_true(settle(&p).lost == 1);
}

static void a_leap_begins_anew(void **state)
{
	static struct path p;
	struct pf_arrival_path out;

	path_init(&p);
	for (uint64_t s = 0; s < 100; s++)
		come(&p, s);
	come(&p, 99 + 3 * PF_REPLAY_WINDOW);
	come(&p, 100 + 3 * PF_REPLAY_WINDOW);
	out = settle(&p);
	assert_true(!out.lost);
	/* Less than a window is a run, and is judged at once: the window forgets. */
	come(&p, 100 + 3 * PF_REPLAY_WINDOW + PF_REPLAY_WINDOW - 1);
	come(&p, 100 + 4 * PF_REPLAY_WINDOW);
	pf_arrival_path(&p.a, &out);
	assert_true(out.bursts == 1);
	assert_true(settle(&p).lost == PF_REPLAY_WINDOW - 2);
	come(&p, UINT64_MAX);
	(void)settle(&p);
	assert_true(!pf_replay_accept(&p.seen, UINT64_MAX));
}

/* Gilbert's chain: mean run and loss are found again. */
static void estimates_follow_the_path(void **state)
{
	static const struct {
		double loss, burst;
	} paths[] = { { 0.02, 1 }, { 0.02, 8 }, { 0.05, 3 }, { 0.1, 20 } };
	static struct path p;
	uint64_t rng = rng_seed();

	path_init(&p);
	come(&p, 0);
	for (unsigned i = 0; i < 4; i++) {
		/* Independent losses come in runs of 1/(1 - p), too. */
		double r = paths[i].burst > 1 ? 1 / paths[i].burst : 1 - paths[i].loss;
		double g = paths[i].loss * r / (1 - paths[i].loss);
		uint64_t seq = p.seen.highest + 1, end = seq + 145000 * 40ull;
		struct pf_arrival_path out;
		double loss, burst;
		bool bad = false;

		for (; seq < end; seq++) {
			double u = (double)(rng_next(&rng) >> 11) / 9007199254740992.0;

			bad = bad ? u >= r : u < g;
			p.now_ns += 6900;
			if (!bad)
				(void)pf_replay_accept(&p.seen, seq);
			if (seq % 40 == 0)
				pf_arrival_poll(&p.a, &p.seen, p.now_ns);
		}
		pf_arrival_path(&p.a, &out);
		loss = out.loss_ppm / 1e6;
		burst = out.burst_x100 / 100.0;
		assert_true(loss > paths[i].loss * 0.93 && loss < paths[i].loss * 1.07);
		assert_true(burst > 0.93 / r && burst < 1.07 / r);
		print_message("# loss %.4f, runs of %.2f\n", loss, burst);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_are_counted_one_by_one),
		cmocka_unit_test(reordering_is_no_loss),
		cmocka_unit_test(a_leap_begins_anew),
		cmocka_unit_test(estimates_follow_the_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
