/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include "core/media/replay.h"

static void each_number_counts_once(void **state)
{
	static struct pf_replay r;

	pf_replay_init(&r);
	for (uint64_t s = 0; s < 1000; s++) {
		assert_true(pf_replay_fresh(&r, s));
		assert_true(pf_replay_accept(&r, s));
		assert_false(pf_replay_fresh(&r, s));
		assert_false(pf_replay_accept(&r, s));
	}
}

static void the_window_has_an_edge(void **state)
{
	static struct pf_replay r;

	pf_replay_init(&r);
	assert_true(pf_replay_accept(&r, 500000));
	assert_true(pf_replay_accept(&r, 500000 - PF_REPLAY_WINDOW + 1));
	assert_false(pf_replay_accept(&r, 500000 - PF_REPLAY_WINDOW));
	assert_false(pf_replay_accept(&r, 0));
	/* One step on: the oldest number's place now belongs to the newest. */
	assert_true(pf_replay_accept(&r, 500001));
	assert_false(pf_replay_fresh(&r, 500000 - PF_REPLAY_WINDOW + 1));
	assert_true(pf_replay_accept(&r, 500001 - PF_REPLAY_WINDOW + 1));
}

static void a_jump_of_a_window_clears_it(void **state)
{
	static struct pf_replay r;

	pf_replay_init(&r);
	for (uint64_t s = 0; s < 5000; s++)
		assert_true(pf_replay_accept(&r, s));
	assert_true(pf_replay_accept(&r, 4999 + PF_REPLAY_WINDOW));
	for (uint64_t s = 5000; s < 4999 + PF_REPLAY_WINDOW; s++)
		assert_true(pf_replay_accept(&r, s));
	assert_true(pf_replay_accept(&r, UINT64_MAX));
	assert_false(pf_replay_accept(&r, UINT64_MAX));
	assert_false(pf_replay_accept(&r, 4999 + PF_REPLAY_WINDOW));
}

/* Against a plain list of what was seen, with jumps of all sizes. */
static void random_walk_matches_a_list(void **state)
{
	enum { N = 1 << 20 };
	static struct pf_replay r;
	uint8_t *seen = calloc(N, 1);
	uint64_t x = 88172645463325252ull, highest = 0;
	bool any = false;

	assert_non_null(seen);
	pf_replay_init(&r);
	for (int i = 0; i < 300000; i++) {
		uint64_t seq, span;
		bool want;

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		span = (x >> 40) % 100 == 0 ? PF_REPLAY_WINDOW * 3 / 2 : 200;
		seq = x % span;
		seq = x >> 63 ? highest + seq / 32 : (highest > seq ? highest - seq : 0);
		if (seq >= N)
			break;
		want = !seen[seq] && (!any || seq > highest || highest - seq < PF_REPLAY_WINDOW);
		assert_int_equal(pf_replay_fresh(&r, seq), want);
		assert_int_equal(pf_replay_accept(&r, seq), want);
		if (want) {
			seen[seq] = 1;
			if (!any || seq > highest)
				highest = seq;
			any = true;
		}
	}
	assert_true(highest > PF_REPLAY_WINDOW);
	free(seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_number_counts_once),
		cmocka_unit_test(the_window_has_an_edge),
		cmocka_unit_test(a_jump_of_a_window_clears_it),
		cmocka_unit_test(random_walk_matches_a_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
