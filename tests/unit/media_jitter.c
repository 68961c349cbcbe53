/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "core/media/jitter.h"
#include "tests/unit/rng.h"

#define MS	 1000000ull
#define INTERVAL (1000 * MS / 60)
/* The host's clock is another one. */
#define HOST 1700000000000000000ull

/* How uneven the steps between releases are, and how long frames waited. */
struct run {
	uint64_t worst_ns, waited_ns, longest_ns;
};

/* `n` frames 1/60 s apart that take 10 ms, and up to `jitter_ns` more. */
static struct run run(
	struct pf_jitter *j, unsigned n, uint64_t *at, uint64_t jitter_ns, uint64_t *rng)
{
	struct run r = { 0 };
	uint64_t before = 0, last = 0;

	for (unsigned i = 0; i < n; i++, *at += INTERVAL) {
		uint64_t late = jitter_ns ? rng_below(rng, (uint32_t)jitter_ns) : 0;
		uint64_t done = *at + 10 * MS + late;
		uint64_t out, step;

		/* Frames are handed on in the order they came. */
		if (done < last)
			done = last;
		last = done;
		out = pf_jitter_arrived(j, HOST + *at, done);
		step = out - before;

		assert_true(out >= done);
		assert_true(out - done <= INTERVAL);
		assert_true(out >= before);
		if (i > n / 2 && step > INTERVAL && step - INTERVAL > r.worst_ns)
			r.worst_ns = step - INTERVAL;
		if (i > n / 2 && out - done > r.longest_ns)
			r.longest_ns = out - done;
		r.waited_ns += out - done;
		before = out;
	}
	r.waited_ns /= n;
	return r;
}

static void a_quiet_link_waits_for_nothing(void **state)
{
	uint64_t at = 5000 * MS, rng = rng_seed();
	struct pf_jitter j;
	struct run r;

	pf_jitter_init(&j, 60);
	r = run(&j, 600, &at, 0, &rng);
	assert_true(r.waited_ns == 0);
	r = run(&j, 600, &at, MS / 2, &rng);
	assert_true(r.waited_ns == 0);
}

static void jitter_is_evened_out(void **state)
{
	uint64_t at = 5000 * MS, rng = rng_seed();
	struct pf_jitter j;
	struct run r;

	pf_jitter_init(&j, 60);
	r = run(&j, 600, &at, 8 * MS, &rng);
	/* Steps were off by up to 8 ms. What is left is the twentieth frame. */
	assert_true(r.worst_ns < 2 * MS);
	assert_true(r.longest_ns <= 9 * MS);
	/* Calm again: the wait goes, within seconds. */
	(void)run(&j, 400, &at, 0, &rng);
	r = run(&j, 60, &at, 0, &rng);
	assert_true(r.waited_ns < MS / 2);
}

static void no_frame_waits_longer_than_one_interval(void **state)
{
	uint64_t at = 5000 * MS, rng = rng_seed();
	struct pf_jitter j;
	struct run r;

	pf_jitter_init(&j, 60);
	r = run(&j, 600, &at, 200 * MS, &rng);
	assert_true(r.longest_ns <= INTERVAL);
	pf_jitter_rate(&j, 240);
	assert_true(j.interval_ns == 1000 * MS / 240);
	pf_jitter_rate(&j, 0);
	assert_true(j.interval_ns == INTERVAL);
}

static void a_longer_way_is_the_way_soon(void **state)
{
	uint64_t at = 5000 * MS, rng = rng_seed(), done;
	struct pf_jitter j;

	pf_jitter_init(&j, 60);
	(void)run(&j, 300, &at, 0, &rng);
	/* 30 ms more from now on: not jitter for longer than two spells. */
	for (unsigned i = 0; i < 600; i++, at += INTERVAL) {
		done = at + 40 * MS;
		assert_true(pf_jitter_arrived(&j, HOST + at, done) - done <= INTERVAL);
	}
	done = at + 40 * MS;
	assert_true(pf_jitter_arrived(&j, HOST + at, done) - done < MS);
}

static void clocks_that_lie_do_no_harm(void **state)
{
	static const uint64_t odd[] = { 0, 1, UINT64_MAX, INT64_MAX, (uint64_t)INT64_MAX + 1,
		HOST };
	struct pf_jitter j;
	uint64_t at = 5000 * MS;

	pf_jitter_init(&j, 60);
	for (unsigned i = 0; i < 1000; i++, at += INTERVAL) {
		uint64_t out = pf_jitter_arrived(&j, odd[(i * 7 + i / 5) % 6], at);

		assert_true(out >= at && out - at <= INTERVAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_quiet_link_waits_for_nothing),
		cmocka_unit_test(jitter_is_evened_out),
		cmocka_unit_test(no_frame_waits_longer_than_one_interval),
		cmocka_unit_test(a_longer_way_is_the_way_soon),
		cmocka_unit_test(clocks_that_lie_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
