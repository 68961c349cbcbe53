/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "core/media/pacer.h"

#define NOW 5000000000ull

static void small_frames_leave_at_once(void **state)
{
	struct pf_pacer p = { .rate_bps = 20000000 };

	pf_pacer_begin(&p, 128 * 1024, NOW);
	for (uint64_t sent = 0; sent <= 128 * 1024; sent += 1472)
		assert_true(pf_pacer_due_ns(&p, sent) == NOW);
	assert_int_equal(pf_pacer_train(&p, 0, 1472), PF_PACER_TRAIN_MAX);
}

static void the_rest_takes_its_time_at_triple_rate(void **state)
{
	struct pf_pacer p = { .rate_bps = 240000000 };
	uint64_t rest = 200 * 1024, last = 0;

	/* 200 KiB at 720 Mbit/s = 2.276 ms */
	pf_pacer_begin(&p, 128 * 1024 + rest, NOW);
	assert_true(pf_pacer_due_ns(&p, 128 * 1024 - 1) == NOW);
	assert_true(pf_pacer_due_ns(&p, 128 * 1024) == NOW);
	assert_in_range(pf_pacer_due_ns(&p, 128 * 1024 + rest) - NOW, 2275000, 2276500);
	for (uint64_t sent = 0; sent <= 128 * 1024 + rest; sent += 1472) {
		assert_true(pf_pacer_due_ns(&p, sent) >= last);
		last = pf_pacer_due_ns(&p, sent);
	}
	/* half a millisecond of 720 Mbit/s */
	assert_in_range(pf_pacer_train(&p, 200 * 1024, 1472), 30, 31);
}

static void a_quarter_of_large_frames_is_the_head(void **state)
{
	struct pf_pacer p = { .rate_bps = 1400000000 };

	pf_pacer_begin(&p, 4 << 20, NOW);
	assert_true(pf_pacer_due_ns(&p, 1 << 20) == NOW);
	assert_true(pf_pacer_due_ns(&p, (1 << 20) + 100000) > NOW);
	assert_int_equal(pf_pacer_train(&p, 2 << 20, 1472), PF_PACER_TRAIN_MAX);
}

static void a_gentle_one_makes_no_burst(void **state)
{
	struct pf_pacer p = { .rate_bps = 20000000, .gentle = true };
	uint64_t bytes = 125000, sent = 0, last = NOW;

	/* 10 ms are 25,000 bytes; the rest at 25 Mbit/s takes 32 ms */
	pf_pacer_begin(&p, bytes, NOW);
	assert_true(pf_pacer_due_ns(&p, 24999) == NOW);
	assert_in_range(pf_pacer_due_ns(&p, bytes) - NOW, 31990000, 32010000);
	while (sent < bytes) {
		uint32_t n = pf_pacer_train(&p, sent, 1472);
		uint64_t due = pf_pacer_due_ns(&p, sent);

		assert_true(n > 0 && (sent ? due >= last : due == NOW));
		assert_true(sent + n * 1472 <= 25000 + 1472 || n <= PF_PACER_GENTLE_TRAIN_MIN);
		last = due;
		sent += n * 1472;
	}
	/* A frame of a slow stream still has a head, and no frame takes for ever. */
	p.rate_bps = 500000;
	pf_pacer_begin(&p, 64 << 20, NOW);
	assert_true(pf_pacer_due_ns(&p, PF_PACER_GENTLE_HEAD_BYTES - 1) == NOW);
	assert_true(pf_pacer_due_ns(&p, 64 << 20) == NOW + PF_PACER_GENTLE_SPAN_MAX_NS);
	p.rate_bps = 0;
	pf_pacer_begin(&p, 64 << 20, NOW);
	assert_true(pf_pacer_due_ns(&p, 64 << 20) == NOW);
}

static void bounds_hold(void **state)
{
	struct pf_pacer p = { .rate_bps = 500000 };

	pf_pacer_begin(&p, 64 << 20, NOW);
	assert_true(pf_pacer_due_ns(&p, 64 << 20) == NOW + PF_PACER_SPAN_MAX_NS);
	pf_pacer_begin(&p, 300 * 1024, NOW);
	assert_int_equal(pf_pacer_train(&p, 200 * 1024, 1472), PF_PACER_TRAIN_MIN);
	p.rate_bps = 0;
	pf_pacer_begin(&p, 64 << 20, NOW);
	assert_true(pf_pacer_due_ns(&p, 64 << 20) == NOW);
	pf_pacer_begin(&p, 0, NOW);
	assert_true(pf_pacer_due_ns(&p, 0) == NOW);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_frames_leave_at_once),
		cmocka_unit_test(the_rest_takes_its_time_at_triple_rate),
		cmocka_unit_test(a_quarter_of_large_frames_is_the_head),
		cmocka_unit_test(a_gentle_one_makes_no_burst),
		cmocka_unit_test(bounds_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
