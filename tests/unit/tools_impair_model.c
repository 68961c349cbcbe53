/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Statistical checks run on fixed seeds: they pass or fail the same everywhere.
 * Bounds are four standard deviations of the quantity measured. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>
#include "core/base/clock.h"
#include "tools/impair/latency.h"
#include "tools/impair/model.h"

#define MS    PF_NS_PER_MS
#define COUNT 200000

static double sigma(double p, double n)
{
	return sqrt(p * (1 - p) / n);
}

static void a_perfect_wire_changes_nothing(void **state)
{
	struct pf_impair_rules rules = { 0 };
	struct pf_impair_link link = { 0 };
	struct pf_impair_path p;
	struct pf_impair_fate f;

	pf_impair_path_init(&p, &rules, 1, 0);
	for (uint64_t t = 1000; t < 2000; t++) {
		pf_impair_decide(&p, &link, t, 65507, &f);
		assert_int_equal(f.copies, 1);
		assert_int_equal(f.cause, PF_IMPAIR_PASS);
		assert_int_equal(f.due_ns, t);
	}
}

/* Bits: 1 = lost. */
static void losses(const struct pf_impair_rules *rules, uint64_t seed, uint64_t stream,
	uint64_t step_ns, unsigned char *out, unsigned n)
{
	struct pf_impair_path p;
	struct pf_impair_fate f;

	pf_impair_path_init(&p, rules, seed, stream);
	for (unsigned i = 0; i < n; i++) {
		pf_impair_decide(&p, NULL, 1000 + i * step_ns, 1200, &f);
		out[i] = f.copies == 0;
	}
}

static void luck_hangs_on_seed_and_stream_only(void **state)
{
	struct pf_impair_rules rules = { .loss = 0.1,
		.burst_enter = 0.02,
		.burst_leave = 0.2,
		.burst_loss_bad = 0.8,
		.duplicate = 0.1,
		.jitter_ns = MS };
	struct pf_impair_rules calm = rules;
	unsigned char a[4000], b[4000];

	losses(&rules, 7, 3, 1000, a, sizeof(a));
	losses(&rules, 7, 3, 250 * MS, b, sizeof(b));
	assert_memory_equal(a, b, sizeof(a));
	/* Switching another rule off leaves the luck of loss as it was. */
	calm.duplicate = calm.jitter_ns = 0;
	losses(&calm, 7, 3, 1000, b, sizeof(b));
	assert_memory_equal(a, b, sizeof(a));
	losses(&rules, 8, 3, 1000, b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
	losses(&rules, 7, 4, 1000, b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
}

static void random_loss_has_its_rate_and_no_memory(void **state)
{
	struct pf_impair_rules rules = { .loss = 0.02 };
	static unsigned char lost[COUNT];
	unsigned n = 0, pairs = 0;

	losses(&rules, 1, 0, 1000, lost, COUNT);
	for (unsigned i = 0; i < COUNT; i++) {
		n += lost[i];
		pairs += i && lost[i] && lost[i - 1];
	}
	assert_true(fabs((double)n / COUNT - 0.02) < 4 * sigma(0.02, COUNT));
	assert_true(fabs((double)pairs / COUNT - 0.0004) < 4 * sigma(0.0004, COUNT));
}

static void bursts_have_their_share_and_length(void **state)
{
	struct pf_impair_rules rules = {
		.burst_enter = 0.01, .burst_leave = 0.1, .burst_loss_bad = 1
	};
	static unsigned char lost[COUNT];
	unsigned n = 0, bursts = 0;
	double share, length;

	losses(&rules, 2, 0, 1000, lost, COUNT);
	for (unsigned i = 0; i < COUNT; i++) {
		n += lost[i];
		bursts += lost[i] && (!i || !lost[i - 1]);
	}
	share = (double)n / COUNT;
	length = (double)n / bursts;
	/* Stationary share p / (p + r); mean burst 1 / r with deviation near 1 / r. */
	assert_true(fabs(share - 0.01 / 0.11) < 0.01);
	assert_true(fabs(length - 10) < 4 * 10 / sqrt(bursts));

	rules.burst_loss_bad = 0.5;
	rules.burst_loss_good = 0.01;
	losses(&rules, 2, 0, 1000, lost, COUNT);
	n = 0;
	for (unsigned i = 0; i < COUNT; i++)
		n += lost[i];
	share = 0.5 * 0.01 / 0.11 + 0.01 * 0.1 / 0.11;
	assert_true(fabs((double)n / COUNT - share) < 0.01);
}

static void duplicates_and_held_ones_have_their_share(void **state)
{
	struct pf_impair_rules rules = {
		.duplicate = 0.03, .reorder = 0.05, .reorder_ns = 2 * MS, .delay_ns = 10 * MS
	};
	unsigned twice = 0, held = 0;
	struct pf_impair_path p;
	struct pf_impair_fate f;

	pf_impair_path_init(&p, &rules, 3, 0);
	for (unsigned i = 0; i < COUNT; i++) {
		pf_impair_decide(&p, NULL, 1000 * i, 100, &f);
		twice += f.copies == 2;
		held += f.held;
		assert_int_equal(f.due_ns, 1000 * i + 10 * MS + (f.held ? 2 * MS : 0));
	}
	assert_true(fabs((double)twice / COUNT - 0.03) < 4 * sigma(0.03, COUNT));
	assert_true(fabs((double)held / COUNT - 0.05) < 4 * sigma(0.05, COUNT));
}

static void independent_jitter_has_its_shape(void **state)
{
	struct pf_impair_rules rules = { .delay_ns = 20 * MS, .jitter_ns = 4 * MS };
	struct pf_impair_path p;
	struct pf_impair_fate f;

	for (int kind = PF_IMPAIR_UNIFORM; kind <= PF_IMPAIR_NORMAL; kind++) {
		double sum = 0, squares = 0, low = 1e18, high = 0, mean, dev;
		double want = kind == PF_IMPAIR_UNIFORM ? 4 / sqrt(3) : 4;

		rules.jitter = (enum pf_impair_jitter)kind;
		pf_impair_path_init(&p, &rules, 4, 0);
		for (unsigned i = 0; i < COUNT; i++) {
			double d;

			pf_impair_decide(&p, NULL, i * 1000, 100, &f);
			d = (double)(f.due_ns - i * 1000) / MS;
			sum += d;
			squares += d * d;
			low = fmin(low, d);
			high = fmax(high, d);
		}
		mean = sum / COUNT;
		dev = sqrt(squares / COUNT - mean * mean);
		assert_true(fabs(mean - 20) < 0.05);
		assert_true(fabs(dev - want) < 0.06); /* the cut at 3 sigma takes 1.4 % */
		assert_true(low >= (kind == PF_IMPAIR_UNIFORM ? 16 : 8) - 1e-6);
		assert_true(high <= (kind == PF_IMPAIR_UNIFORM ? 24 : 32) + 1e-6);
	}
}

static void wandering_jitter_keeps_order_and_moves(void **state)
{
	struct pf_impair_rules rules = {
		.delay_ns = 20 * MS, .jitter_ns = 5 * MS, .jitter_slot_ns = 20 * MS
	};
	double low = 1e18, high = 0, biggest_step = 0, before = 0;
	struct pf_impair_path p;
	struct pf_impair_fate f;
	uint64_t last = 0;

	pf_impair_path_init(&p, &rules, 5, 0);
	for (unsigned i = 0; i < 100000; i++) { /* 10 s, 10,000 a second */
		uint64_t now = 5000000000ull + i * 100000ull;
		double d;

		pf_impair_decide(&p, NULL, now, 100, &f);
		assert_true(f.due_ns >= last);
		last = f.due_ns;
		d = (double)(f.due_ns - now) / MS;
		low = fmin(low, d);
		high = fmax(high, d);
		if (i)
			biggest_step = fmax(biggest_step, fabs(d - before));
		before = d;
	}
	assert_true(low >= 15 && low < 16);
	assert_true(high <= 25 && high > 24);
	/* At most from -5 to 5 ms in 20 ms, in steps of 0.1 ms. */
	assert_true(biggest_step <= 0.0501);
}

static void delay_never_turns_negative(void **state)
{
	struct pf_impair_rules rules = { .delay_ns = MS, .jitter_ns = 10 * MS };
	struct pf_impair_path p;
	struct pf_impair_fate f;

	pf_impair_path_init(&p, &rules, 6, 0);
	for (unsigned i = 0; i < 1000; i++) {
		pf_impair_decide(&p, NULL, 50 * MS, 100, &f);
		assert_true(f.due_ns >= 50 * MS);
	}
}

static void the_bottleneck_spaces_and_drops_the_tail(void **state)
{
	/* 972 + 28 bytes at 8 Mbit/s = 1 ms each; room for ten. */
	struct pf_impair_rules rules = { .rate_bps = 8000000, .queue_bytes = 10000 };
	struct pf_impair_link link = { 0 };
	struct pf_impair_path a, b;
	struct pf_impair_fate f;
	uint64_t now = 1000 * MS;

	pf_impair_path_init(&a, &rules, 1, 0);
	pf_impair_path_init(&b, &rules, 1, 1);
	for (unsigned i = 0; i < 12; i++) { /* two flows share the link */
		pf_impair_decide(i % 2 ? &a : &b, &link, now, 972, &f);
		if (i < 10) {
			assert_int_equal(f.copies, 1);
			assert_int_equal(f.due_ns, now + (i + 1) * MS);
		} else {
			assert_int_equal(f.copies, 0);
			assert_int_equal(f.cause, PF_IMPAIR_QUEUE);
		}
	}
	/* One leaves after a millisecond and makes room for one. */
	pf_impair_decide(&a, &link, now + MS, 972, &f);
	assert_int_equal(f.copies, 1);
	assert_int_equal(f.due_ns, now + 11 * MS);
	pf_impair_decide(&a, &link, now + MS, 972, &f);
	assert_int_equal(f.cause, PF_IMPAIR_QUEUE);
	/* An idle link serves at once. */
	pf_impair_decide(&a, &link, now + 100 * MS, 972, &f);
	assert_int_equal(f.due_ns, now + 101 * MS);
}

static void the_mtu_counts_payload(void **state)
{
	struct pf_impair_rules rules = { .mtu_bytes = 1200 };
	struct pf_impair_path p;
	struct pf_impair_fate f;

	pf_impair_path_init(&p, &rules, 1, 0);
	pf_impair_decide(&p, NULL, 1, 1200, &f);
	assert_int_equal(f.copies, 1);
	pf_impair_decide(&p, NULL, 1, 1201, &f);
	assert_int_equal(f.copies, 0);
	assert_int_equal(f.cause, PF_IMPAIR_MTU);
	assert_string_equal(pf_impair_cause_to_string(f.cause), "mtu");
}

static void quantiles_are_close_and_never_low(void **state)
{
	static struct pf_latency l;

	assert_int_equal(pf_latency_quantile(&l, 0.5), 0);
	for (uint64_t i = 1; i <= 100000; i++)
		pf_latency_add(&l, i * 37);
	for (double q = 0.01; q < 1; q += 0.07) {
		double want = q * 100000 * 37, got = (double)pf_latency_quantile(&l, q);

		assert_true(got >= want - 37 && got <= want * 1.04);
	}
	assert_int_equal(pf_latency_quantile(&l, 1), 3700000);
	pf_latency_add(&l, UINT64_MAX);
	pf_latency_add(&l, 0);
	assert_true(pf_latency_quantile(&l, 1) == UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_perfect_wire_changes_nothing),
		cmocka_unit_test(luck_hangs_on_seed_and_stream_only),
		cmocka_unit_test(random_loss_has_its_rate_and_no_memory),
		cmocka_unit_test(bursts_have_their_share_and_length),
		cmocka_unit_test(duplicates_and_held_ones_have_their_share),
		cmocka_unit_test(independent_jitter_has_its_shape),
		cmocka_unit_test(wandering_jitter_keeps_order_and_moves),
		cmocka_unit_test(delay_never_turns_negative),
		cmocka_unit_test(the_bottleneck_spaces_and_drops_the_tail),
		cmocka_unit_test(the_mtu_counts_payload),
		cmocka_unit_test(quantiles_are_close_and_never_low),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
