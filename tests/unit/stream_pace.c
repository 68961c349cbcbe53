/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include <stdbool.h>
#include <stdlib.h>
#include "core/base/clock.h"
#include "host/stream/meter.h"
#include "host/stream/pace.h"

#define T60 16666666ull

/* Feeds pictures that become ready at `arrive`; returns how many are encoded and
 * the longest time that one waited. A newer one replaces one that waits. */
static unsigned feed(struct pf_pace *p, const uint64_t *arrive, unsigned n, uint64_t *longest_ns)
{
	unsigned encoded = 0;

	*longest_ns = 0;
	for (unsigned i = 0; i < n; i++) {
		uint64_t ready = pf_pace_ready_ns(p), at = arrive[i] > ready ? arrive[i] : ready;

		if (i + 1 < n && at >= arrive[i + 1])
			continue; /* replaced in the mailbox */
		if (at - arrive[i] > *longest_ns)
			*longest_ns = at - arrive[i];
		pf_pace_encoded(p, at, true);
		encoded++;
	}
	return encoded;
}

static void jitter_at_the_clients_rate_loses_nothing(void **state)
{
	uint64_t arrive[600], longest;
	struct pf_pace p;

	srand(1);
	for (unsigned i = 0; i < 600; i++)
		arrive[i] = 1000000000ull + i * T60 + (uint64_t)(rand() % 6000000); /* 6 ms */
	pf_pace_init(&p, 60000, 0, 0);
	assert_int_equal(feed(&p, arrive, 600, &longest), 600);
	assert_true(longest < 2 * PF_NS_PER_MS);
}

static void a_slightly_fast_compositor_never_waits_for_long(void **state)
{
	uint64_t arrive[2000], longest;
	struct pf_pace p;

	/* 16 ms frames, as wlroots' timer gives for 62.5 Hz, toward a client at 60;
	 * the first ones come together, as when a desk starts. */
	for (unsigned i = 0; i < 2000; i++)
		arrive[i] = 1000000000ull + i * 16000000ull + (i < 3 ? (3 - i) * 5000000ull : 0);
	pf_pace_init(&p, 60000, 0, 0);
	assert_true(feed(&p, arrive, 2000, &longest) >= 1998);
	for (unsigned i = 0; i < 1900; i++)
		arrive[i] = arrive[i + 100] + 2000 * 16000000ull;
	/* Once that debt is paid, no picture waits at all. */
	assert_int_equal(feed(&p, arrive, 1900, &longest), 1900);
	assert_int_equal(longest, 0);
}

static void a_fast_source_is_held_to_the_rate(void **state)
{
	uint64_t arrive[4800], longest;
	struct pf_pace p;
	unsigned n;

	for (unsigned i = 0; i < 4800; i++)
		arrive[i] = 1000000000ull + i * 4166666ull; /* 240 Hz, 20 s */
	pf_pace_init(&p, 60000, 0, 0);
	n = feed(&p, arrive, 4800, &longest);
	assert_in_range(n, 1190, 20 * 60 * 16 / 15 + 2);
}

static void a_change_after_silence_goes_at_once(void **state)
{
	struct pf_pace p;

	pf_pace_init(&p, 60000, 0, 0);
	assert_int_equal(pf_pace_ready_ns(&p), 0);
	pf_pace_encoded(&p, 5 * PF_NS_PER_S, true);
	/* Idle time earns no burst: the second waits for half an interval. */
	assert_true(pf_pace_ready_ns(&p) > 5 * PF_NS_PER_S + T60 / 3);
	assert_true(pf_pace_ready_ns(&p) < 5 * PF_NS_PER_S + T60);
	pf_pace_encoded(&p, 9 * PF_NS_PER_S, true);
	assert_true(pf_pace_ready_ns(&p) > 9 * PF_NS_PER_S);
	assert_true(pf_pace_ready_ns(&p) < 9 * PF_NS_PER_S + T60);
}

static void a_still_picture_is_repeated_then_left(void **state)
{
	struct pf_pace p;
	uint64_t now = PF_NS_PER_S;

	pf_pace_init(&p, 60000, 2, 100 * PF_NS_PER_MS);
	assert_int_equal(pf_pace_repeat_ns(&p), PF_PACE_NEVER);
	pf_pace_encoded(&p, now, true);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(pf_pace_repeat_ns(&p), now + 100 * PF_NS_PER_MS);
		now += 100 * PF_NS_PER_MS;
		pf_pace_encoded(&p, now, false);
	}
	assert_int_equal(pf_pace_repeat_ns(&p), PF_PACE_NEVER);
	/* A change begins anew. */
	pf_pace_encoded(&p, now, true);
	assert_true(pf_pace_repeat_ns(&p) != PF_PACE_NEVER);
	pf_pace_init(&p, 60000, 0, 100 * PF_NS_PER_MS);
	pf_pace_encoded(&p, now, true);
	assert_int_equal(pf_pace_repeat_ns(&p), PF_PACE_NEVER);
}

static void quantiles(void **state)
{
	static struct pf_meter m;

	assert_int_equal(pf_meter_quantile(&m, 500), 0);
	for (unsigned i = 1; i <= 100; i++)
		pf_meter_add(&m, i * PF_NS_PER_MS - 1);
	assert_int_equal(pf_meter_quantile(&m, 500), 50 * PF_NS_PER_MS);
	assert_int_equal(pf_meter_quantile(&m, 990), 99 * PF_NS_PER_MS);
	pf_meter_add(&m, UINT64_MAX);
	assert_int_equal(pf_meter_quantile(&m, 1000), 114800 * PF_NS_PER_US);
	/* Short ones are told apart. */
	memset(&m, 0, sizeof(m));
	for (unsigned i = 0; i < 10; i++)
		pf_meter_add(&m, i * 35 * PF_NS_PER_US);
	assert_int_equal(pf_meter_quantile(&m, 500), 150 * PF_NS_PER_US);
	assert_int_equal(pf_meter_quantile(&m, 1000), 320 * PF_NS_PER_US);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(jitter_at_the_clients_rate_loses_nothing),
		cmocka_unit_test(a_slightly_fast_compositor_never_waits_for_long),
		cmocka_unit_test(a_fast_source_is_held_to_the_rate),
		cmocka_unit_test(a_change_after_silence_goes_at_once),
		cmocka_unit_test(a_still_picture_is_repeated_then_left),
		cmocka_unit_test(quantiles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
