/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "core/media/clock.h"

#define MS    1000000ull
#define EPOCH 1800000000000000000ull

/* The host's clock is `ahead`; a trip takes `there` and `back`. */
static void round_trip(
	struct pf_clock_sync *c, uint64_t *now, int64_t ahead, uint64_t there, uint64_t back)
{
	uint64_t t1, t2, t3, t4;

	*now = pf_clock_sync_deadline_ns(c) > *now ? pf_clock_sync_deadline_ns(c) : *now;
	t1 = EPOCH + *now;
	assert_true(pf_clock_sync_poll(c, *now, t1));
	assert_false(pf_clock_sync_poll(c, *now, t1));
	t2 = t1 + there + (uint64_t)ahead;
	t3 = t2 + 50000;
	*now += there + 50000 + back;
	t4 = EPOCH + *now;
	assert_false(pf_clock_sync_echo(c, *now, t1 + 1, t2, t3, t4));
	assert_true(pf_clock_sync_echo(c, *now, t1, t2, t3, t4));
	assert_false(pf_clock_sync_echo(c, *now, t1, t2, t3, t4));
}

static void the_quickest_of_eight_rounds_decides(void **state)
{
	struct pf_clock_sync c;
	uint64_t now = 7 * MS;

	pf_clock_sync_init(&c, now);
	for (unsigned i = 0; i < 8; i++) {
		assert_int_equal(c.state, PF_CLOCK_FIRST);
		/* the fifth is quick and even, the others lopsided */
		if (i == 4)
			round_trip(&c, &now, -123456789, MS, MS);
		else
			round_trip(&c, &now, -123456789, 9 * MS, MS);
	}
	assert_int_equal(c.state, PF_CLOCK_IDLE);
	assert_true(c.offset_ns == -123456789);
	assert_true(c.rtt_ns == 2 * MS);
	assert_true(pf_clock_sync_deadline_ns(&c) == now + PF_CLOCK_RESYNC_NS);
	assert_false(pf_clock_sync_poll(&c, now + PF_CLOCK_RESYNC_NS - 1, 1));
}

static void first_rounds(struct pf_clock_sync *c, uint64_t *now, int64_t ahead, uint64_t there)
{
	pf_clock_sync_init(c, *now);
	for (unsigned i = 0; i < 8; i++)
		round_trip(c, now, ahead, there, there);
	assert_int_equal(c->state, PF_CLOCK_IDLE);
}

static void silence_means_one_clock(void **state)
{
	struct pf_clock_sync c;

	pf_clock_sync_init(&c, 0);
	assert_true(pf_clock_sync_poll(&c, 0, EPOCH));
	assert_true(pf_clock_sync_deadline_ns(&c) == PF_CLOCK_SILENCE_NS);
	assert_false(pf_clock_sync_poll(&c, PF_CLOCK_SILENCE_NS, EPOCH));
	assert_int_equal(c.state, PF_CLOCK_SILENT);
	assert_true(c.offset_ns == 0);
	assert_true(pf_clock_sync_deadline_ns(&c) == UINT64_MAX);
	assert_false(pf_clock_sync_echo(&c, 3000 * MS, EPOCH, EPOCH, EPOCH, EPOCH));
}

static void fewer_rounds_are_used(void **state)
{
	struct pf_clock_sync c;
	uint64_t now = 0;

	pf_clock_sync_init(&c, 0);
	round_trip(&c, &now, 77, MS, MS);
	pf_clock_sync_cut(&c, now);
	assert_int_equal(c.state, PF_CLOCK_IDLE);
	assert_true(c.offset_ns == 77);

	pf_clock_sync_init(&c, now);
	round_trip(&c, &now, 78, MS, MS);
	assert_true(pf_clock_sync_poll(&c, now, EPOCH));
	assert_false(pf_clock_sync_poll(&c, now + PF_CLOCK_SILENCE_NS, EPOCH));
	assert_int_equal(c.state, PF_CLOCK_IDLE);
	assert_true(c.offset_ns == 78);
}

static void a_slow_batch_is_refused_three_times(void **state)
{
	struct pf_clock_sync c;
	uint64_t now = 0;

	first_rounds(&c, &now, 1000, 4 * MS);
	/* one drifted, as quick as ever: taken */
	for (unsigned i = 0; i < 8; i++)
		round_trip(&c, &now, 5000, 5 * MS, 5 * MS);
	assert_true(c.offset_ns == 5000);
	for (unsigned batch = 0; batch < 3; batch++) {
		assert_true(c.offset_ns == 5000);
		for (unsigned i = 0; i < 8; i++) {
			uint64_t slow = (batch == 1 ? 20 : 30) * MS;

			assert_true(batch || i || now < pf_clock_sync_deadline_ns(&c));
			round_trip(&c, &now, 9000 + batch, slow, slow);
		}
		assert_int_equal(c.state, PF_CLOCK_IDLE);
	}
	assert_true(c.offset_ns == 9001); /* the best of the three */
	/* and the count starts anew */
	for (unsigned i = 0; i < 8; i++)
		round_trip(&c, &now, 12000, 30 * MS, 30 * MS);
	assert_true(c.offset_ns == 9001);
}

static void a_quick_link_may_wobble(void **state)
{
	struct pf_clock_sync c;
	uint64_t now = 0;

	first_rounds(&c, &now, 0, 50000);
	for (unsigned i = 0; i < 8; i++)
		round_trip(&c, &now, 4000, 900000, 900000); /* 1.8 ms < 2 ms */
	assert_true(c.offset_ns == 4000);
}

static void absurd_numbers_do_no_harm(void **state)
{
	struct pf_clock_sync c;

	pf_clock_sync_init(&c, 0);
	assert_true(pf_clock_sync_poll(&c, 0, EPOCH));
	assert_true(pf_clock_sync_echo(&c, 1, EPOCH, UINT64_MAX, 0, 0));
	assert_true(pf_clock_sync_poll(&c, 1, EPOCH));
	assert_true(pf_clock_sync_echo(&c, 2, EPOCH, 1ull << 63, 1ull << 63, UINT64_MAX));
	assert_int_equal(c.state, PF_CLOCK_FIRST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_quickest_of_eight_rounds_decides),
		cmocka_unit_test(silence_means_one_clock),
		cmocka_unit_test(fewer_rounds_are_used),
		cmocka_unit_test(a_slow_batch_is_refused_three_times),
		cmocka_unit_test(a_quick_link_may_wobble),
		cmocka_unit_test(absurd_numbers_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
