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

/* A switch that goes down to the next smaller Ethernet keeps up. */
static void the_rest_stays_below_the_ethernet(void **state)
{
	static const struct {
		uint64_t rate_mbps, rest_mbps;
	} rows[] = { { 100, 300 }, { 299, 897 }, { 301, 900 }, { 720, 900 }, { 721, 2163 },
		{ 800, 2250 }, { 1400, 2250 }, { 3000, 4500 }, { 6000, 9000 }, { 9000, 27000 } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pf_pacer p = { .rate_bps = rows[i].rate_mbps * 1000000 };
		uint64_t span_ns = 1000000ull * 8000 / rows[i].rest_mbps;

		pf_pacer_begin(&p, PF_PACER_HEAD_MAX_BYTES + 1000000, NOW);
		assert_in_range(pf_pacer_due_ns(&p, PF_PACER_HEAD_MAX_BYTES + 1000000) - NOW,
			span_ns - 1, span_ns + 1);
		/* half a millisecond at once, from sixteen packets to a full train */
		assert_in_range(pf_pacer_train(&p, 600000, 1472) * 1472 * 8000 / rows[i].rest_mbps,
			rows[i].rest_mbps < 3000 ? 235000 : 27000, 630000);
	}
}

/* Frames back to back are no chain of heads. */
static void a_head_must_be_earned(void **state)
{
	struct pf_pacer p = { .rate_bps = 500000000 };
	uint64_t head = PF_PACER_HEAD_BYTES, t = NOW;

	/* 400 KiB: the head and 272 KiB at 900 Mbit/s, then all of it at that */
	for (unsigned i = 0; i < 10; i++) {
		pf_pacer_begin(&p, 400 * 1024, t);
		assert_in_range(p.head_bytes, i ? 0 : head, i ? 100 : head);
		t = pf_pacer_due_ns(&p, 400 * 1024);
	}
	assert_in_range(t - NOW, 35200000, 35300000);
	/* half of it earned, then all */
	pf_pacer_begin(&p, 200 * 1024, t + head / 2 * 8 * 10 / 9);
	assert_in_range(p.head_bytes, head / 2 - 100, head / 2 + 100);
	pf_pacer_begin(&p, 200 * 1024, t + 50000000);
	assert_true(p.head_bytes == head);
}

static void a_burst_is_one_whatever_happens(void **state)
{
	struct pf_pacer p = { .rate_bps = 20000000, .delivery = PF_DELIVERY_BURST, .gentle = true };

	pf_pacer_begin(&p, 4 << 20, NOW);
	assert_true(pf_pacer_due_ns(&p, 4 << 20) == NOW);
	assert_int_equal(pf_pacer_train(&p, 1 << 20, 1472), PF_PACER_TRAIN_MAX);
}

/* How long the last packet of a frame waits. */
static uint64_t smooth_ns(struct pf_pacer *p, uint64_t bytes)
{
	uint64_t last = NOW;

	pf_pacer_begin(p, bytes, NOW);
	assert_true(pf_pacer_due_ns(p, 0) == NOW);
	for (uint64_t sent = 0; sent < bytes;) {
		uint32_t n = pf_pacer_train(p, sent, 1472);

		assert_in_range(n, PF_PACER_TRAIN_MIN, PF_PACER_TRAIN_MAX);
		assert_true(pf_pacer_due_ns(p, sent) >= last);
		last = pf_pacer_due_ns(p, sent);
		sent += n * 1472;
	}
	return pf_pacer_due_ns(p, bytes) - NOW;
}

static void a_smooth_frame_takes_most_of_the_interval(void **state)
{
	struct pf_pacer p = { .rate_bps = 100000000, .delivery = PF_DELIVERY_SMOOTH };
	uint64_t pts = NOW;

	/* 120 Hz; a repeat and a late picture do not mislead it for long */
	for (unsigned i = 0; i < 64; i++, pts += 8333333) {
		pf_pacer_frame_at(&p, pts);
		pf_pacer_frame_at(&p, pts);
	}
	assert_in_range(p.interval_ns, 8333000, 8334000);
	/* frames of mean size and less: 6.25 ms */
	assert_in_range(smooth_ns(&p, 104000), 6249000, 6251000);
	assert_in_range(smooth_ns(&p, 50000), 6249000, 6251000);
	/* a large one at 150 Mbit/s, at most 100 ms */
	assert_in_range(smooth_ns(&p, 1000000), 53333000, 53334000);
	assert_in_range(smooth_ns(&p, 10000000), 99999000, 100001000);
	/* An hour of nothing counts as one long gap. */
	pf_pacer_frame_at(&p, pts + 3600000000000ull);
	assert_in_range(p.interval_ns, 8334000, 10000000);
	/* The clock is set back by as much: 240 Hz from now on is seen all the same. */
	for (unsigned i = 0; i < 64; i++, pts += 4166667)
		pf_pacer_frame_at(&p, pts);
	assert_in_range(p.interval_ns, 4166000, 4167000);
	/* Without frame times a mean frame at 50 Hz. */
	p = (struct pf_pacer){ .rate_bps = 100000000, .delivery = PF_DELIVERY_SMOOTH };
	assert_in_range(smooth_ns(&p, 104000), 14999000, 15001000);
}

/* Four frames wait: out with it, at triple rate from where it is. */
static void a_pile_of_frames_hurries(void **state)
{
	struct pf_pacer p = { .rate_bps = 600000000 };
	uint64_t head = PF_PACER_HEAD_MAX_BYTES, bytes = head + 2000000, mid = head + 1000000;

	pf_pacer_begin(&p, bytes, NOW);
	pf_pacer_hurry(&p, 4, 0, NOW); /* the head is on its way already */
	assert_in_range(pf_pacer_due_ns(&p, mid) - NOW, 8888000, 8889000);
	pf_pacer_hurry(&p, 3, mid, NOW + 8000000); /* it has its time */
	assert_in_range(pf_pacer_due_ns(&p, mid) - NOW, 8888000, 8889000);
	pf_pacer_hurry(&p, 4, mid, NOW + 10000000);
	assert_in_range(pf_pacer_due_ns(&p, mid) - NOW, 9999000, 10001000);
	assert_in_range(pf_pacer_due_ns(&p, bytes) - NOW, 14443000, 14445000);
	pf_pacer_hurry(&p, 9, bytes - 1000, NOW + 20000000);
	assert_in_range(pf_pacer_due_ns(&p, bytes) - NOW, 14443000, 14445000);
	p.gentle = true;
	pf_pacer_begin(&p, bytes, NOW);
	pf_pacer_hurry(&p, 4, mid, NOW);
	assert_in_range(pf_pacer_due_ns(&p, bytes) - NOW, 22700000, 22760000);
}

/* A smooth frame goes on as a capped one when the next is there. */
static void a_smooth_frame_makes_room(void **state)
{
	struct pf_pacer p = { .rate_bps = 100000000, .delivery = PF_DELIVERY_SMOOTH };

	pf_pacer_begin(&p, 300000, NOW);
	assert_in_range(pf_pacer_due_ns(&p, 300000) - NOW, 15999000, 16001000);
	pf_pacer_hurry(&p, 0, 150000, NOW + 8000000);
	assert_in_range(pf_pacer_due_ns(&p, 300000) - NOW, 15999000, 16001000);
	pf_pacer_hurry(&p, 1, 150000, NOW + 8000000);
	assert_in_range(pf_pacer_due_ns(&p, 300000) - NOW, 11999000, 12001000);
}

/* The thread did not run for 20 ms: half a millisecond of it is made up for. */
static void a_stall_makes_no_flood(void **state)
{
	struct pf_pacer p = { .rate_bps = 240000000 };
	uint64_t at = 256 * 1024, due;

	pf_pacer_begin(&p, 512 * 1024, NOW);
	due = pf_pacer_due_ns(&p, at);
	pf_pacer_leaves(&p, at, due + 400000);
	assert_true(pf_pacer_due_ns(&p, at) == due);
	pf_pacer_leaves(&p, at, due + 20000000);
	assert_true(pf_pacer_due_ns(&p, at) == due + 19500000);
	/* The head was never due later than at once. */
	p = (struct pf_pacer){ .rate_bps = 240000000 };
	pf_pacer_begin(&p, 512 * 1024, NOW);
	pf_pacer_leaves(&p, 1000, NOW + 20000000);
	assert_true(pf_pacer_due_ns(&p, at) == due);
}

static void deliveries_have_names(void **state)
{
	assert_string_equal(pf_delivery_name(PF_DELIVERY_CAPPED), "capped");
	assert_string_equal(pf_delivery_name(PF_DELIVERY_BURST), "burst");
	assert_string_equal(pf_delivery_name(PF_DELIVERY_SMOOTH), "smooth");
	assert_null(pf_delivery_name(PF_DELIVERIES));
}

static void a_quarter_of_large_frames_is_the_head(void **state)
{
	struct pf_pacer p = { .rate_bps = 1400000000 };

	pf_pacer_begin(&p, 640000, NOW);
	assert_true(pf_pacer_due_ns(&p, 160000) == NOW);
	assert_true(pf_pacer_due_ns(&p, 220000) > NOW);
	/* but no more than a switch's port holds */
	p = (struct pf_pacer){ .rate_bps = 1400000000 };
	pf_pacer_begin(&p, 4 << 20, NOW);
	assert_true(pf_pacer_due_ns(&p, PF_PACER_HEAD_MAX_BYTES) == NOW);
	assert_true(pf_pacer_due_ns(&p, PF_PACER_HEAD_MAX_BYTES + 20000) > NOW);
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
	/* At high rates 10 ms are too much at once. */
	p.rate_bps = 600000000;
	pf_pacer_begin(&p, 1250000, NOW);
	assert_true(pf_pacer_due_ns(&p, PF_PACER_GENTLE_HEAD_MAX - 1) == NOW);
	assert_true(pf_pacer_due_ns(&p, PF_PACER_GENTLE_HEAD_MAX + 2000) > NOW);
	/* A frame of a slow stream still has a head, and no frame takes for ever. */
	p.rate_bps = 500000;
	pf_pacer_begin(&p, 64 << 20, NOW);
	assert_true(pf_pacer_due_ns(&p, PF_PACER_GENTLE_HEAD_BYTES - 1) == NOW);
	assert_in_range(pf_pacer_due_ns(&p, 64 << 20) - NOW, PF_PACER_GENTLE_SPAN_MAX_NS,
		PF_PACER_GENTLE_SPAN_MAX_NS + 1000);
	p.rate_bps = 0;
	pf_pacer_begin(&p, 64 << 20, NOW);
	assert_true(pf_pacer_due_ns(&p, 64 << 20) == NOW);
}

/* Up by a sixteenth per report once the hold is over; down when that costs packets. */
static void gentleness_ends_slowly(void **state)
{
	struct pf_gentle g = { 0 };
	uint32_t before;

	pf_gentle_report(&g, 100000);
	assert_int_equal(g.percent, 0);
	pf_gentle_lost(&g, PF_GENTLE_ALARM);
	assert_int_equal(g.percent, 125);
	pf_gentle_lost(&g, PF_GENTLE_REPORTS);
	pf_gentle_lost(&g, PF_GENTLE_ALARM);
	for (unsigned i = 0; i < 8; i++) {
		pf_gentle_report(&g, 0);
		assert_int_equal(g.percent, 125);
	}
	for (unsigned i = 0; i < 5; i++) {
		before = g.percent;
		pf_gentle_report(&g, 2000 * i); /* creeping is the link's own */
		assert_int_equal(g.percent, before + before / 16);
	}
	before = g.percent;
	pf_gentle_report(&g, 12000);
	assert_int_equal(g.percent, before * 4 / 5);
	before = g.percent;
	for (unsigned i = 0; i < 8; i++)
		pf_gentle_report(&g, 0);
	assert_int_equal(g.percent, before);
	for (unsigned i = 0; i < 20 && g.percent; i++)
		pf_gentle_report(&g, 0);
	assert_int_equal(g.percent, 0);
	pf_gentle_report(&g, 0);
	assert_int_equal(g.percent, 0);
}

static void bounds_hold(void **state)
{
	struct pf_pacer p = { .rate_bps = 500000 };

	pf_pacer_begin(&p, 64 << 20, NOW);
	assert_in_range(pf_pacer_due_ns(&p, 64 << 20) - NOW, PF_PACER_SPAN_MAX_NS,
		PF_PACER_SPAN_MAX_NS + 1000);
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
		cmocka_unit_test(the_rest_stays_below_the_ethernet),
		cmocka_unit_test(a_head_must_be_earned),
		cmocka_unit_test(a_burst_is_one_whatever_happens),
		cmocka_unit_test(a_smooth_frame_takes_most_of_the_interval),
		cmocka_unit_test(a_pile_of_frames_hurries),
		cmocka_unit_test(a_smooth_frame_makes_room),
		cmocka_unit_test(a_stall_makes_no_flood),
		cmocka_unit_test(deliveries_have_names),
		cmocka_unit_test(a_quarter_of_large_frames_is_the_head),
		cmocka_unit_test(a_gentle_one_makes_no_burst),
		cmocka_unit_test(gentleness_ends_slowly),
		cmocka_unit_test(bounds_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
