/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "core/media/cadence.h"
#include "tests/unit/rng.h"

#define MS    1000000ull
#define EPOCH 1800000000000000000ull
#define PACE  (25 * MS / 3) /* 120 Hz */

struct stream {
	struct pf_cadence c;
	uint32_t index;
	uint64_t pts_ns, now_ns;
};

static void stream_init(struct stream *s)
{
	pf_cadence_init(&s->c);
	s->index = UINT32_MAX - 20; /* wraps on the way */
	s->pts_ns = EPOCH;
	s->now_ns = 5;
}

/* The next frame, `lost` numbers and captures further, `late_ns` behind its time. */
static void frame(struct stream *s, uint32_t lost, uint64_t late_ns)
{
	s->index += 1 + lost;
	s->pts_ns += PACE * (1 + lost);
	s->now_ns += PACE * (1 + lost);
	pf_cadence_arrived(&s->c, s->index, s->pts_ns, s->now_ns + late_ns);
}

static void even_frames_are_even(void **state)
{
	struct stream s;
	uint64_t p99;

	stream_init(&s);
	assert_true(pf_cadence_p99_ns(&s.c) == 0);
	for (int i = 0; i < 1000; i++)
		frame(&s, 0, 0);
	p99 = pf_cadence_p99_ns(&s.c);
	assert_true(p99 >= PACE && p99 <= PACE + PACE / 16 + 1);
	assert_true(s.c.stalls == 0);
}

static void one_in_fifty_shows_and_one_in_two_hundred_does_not(void **state)
{
	struct stream s;

	stream_init(&s);
	for (int i = 0; i < 1000; i++)
		frame(&s, 0, i % 200 == 0 ? 5 * MS : 0);
	assert_true(pf_cadence_p99_ns(&s.c) < 9 * MS);
	for (int i = 0; i < 1000; i++)
		frame(&s, 0, i % 50 == 0 ? 5 * MS : 0);
	assert_in_range(pf_cadence_p99_ns(&s.c), PACE + 5 * MS, (PACE + 5 * MS) * 17 / 16 + 1);
	/* And is forgotten. */
	for (int i = 0; i < 1000; i++)
		frame(&s, 0, 0);
	assert_true(pf_cadence_p99_ns(&s.c) < 9 * MS);
	assert_true(s.c.stalls == 0);
}

static void stalls_are_counted(void **state)
{
	struct stream s;

	stream_init(&s);
	for (int i = 0; i < 100; i++)
		frame(&s, 0, 0);
	frame(&s, 0, PACE); /* two intervals: none */
	frame(&s, 0, 0);
	frame(&s, 1, 0); /* one lost: none */
	assert_true(s.c.stalls == 0);
	frame(&s, 2, 0); /* two lost */
	assert_true(s.c.stalls == 1);
	frame(&s, 0, 2 * PACE);
	assert_true(s.c.stalls == 2);
	frame(&s, 0, 2 * PACE); /* behind it the same way: even again */
	assert_true(s.c.stalls == 2);
}

/* The desk shows nothing new for seconds: no gap but what comes too late behind. */
static void a_pause_of_the_source_is_no_gap(void **state)
{
	struct stream s;

	stream_init(&s);
	for (int i = 0; i < 200; i++)
		frame(&s, 0, 0);
	for (int i = 0; i < 5; i++) {
		s.pts_ns += 1500 * MS;
		s.now_ns += 1500 * MS;
		for (int j = 0; j < 30; j++)
			frame(&s, 0, 0);
	}
	assert_true(s.c.stalls == 0);
	assert_true(pf_cadence_p99_ns(&s.c) < 12 * MS);
	s.pts_ns += 1500 * MS;
	s.now_ns += 1500 * MS;
	frame(&s, 0, 40 * MS);
	assert_true(s.c.stalls == 1);
}

static void overtaken_and_absurd_frames_do_no_harm(void **state)
{
	uint64_t rng = rng_seed();
	struct stream s;
	uint64_t stalls;

	stream_init(&s);
	for (int i = 0; i < 100; i++)
		frame(&s, 0, 0);
	pf_cadence_arrived(&s.c, s.index - 3, s.pts_ns - 3 * PACE, s.now_ns + MS);
	pf_cadence_arrived(&s.c, s.index, s.pts_ns, s.now_ns + MS);
	stalls = s.c.stalls;
	frame(&s, 0, 0);
	assert_true(s.c.stalls == stalls && stalls == 0);
	for (int i = 0; i < 100000; i++) {
		s.now_ns += rng_next(&rng) >> (30 + rng_below(&rng, 30));
		pf_cadence_arrived(&s.c, (uint32_t)rng_next(&rng), rng_next(&rng), s.now_ns);
		(void)pf_cadence_p99_ns(&s.c);
		assert_true(s.c.interval_ns <= 100 * MS);
	}
	s.now_ns += 20000 * MS;
	pf_cadence_arrived(&s.c, s.c.index + 1, s.c.pts_ns + 1, s.now_ns);
	assert_int_equal(s.c.gaps, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(even_frames_are_even),
		cmocka_unit_test(one_in_fifty_shows_and_one_in_two_hundred_does_not),
		cmocka_unit_test(stalls_are_counted),
		cmocka_unit_test(a_pause_of_the_source_is_no_gap),
		cmocka_unit_test(overtaken_and_absurd_frames_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
