/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include "core/base/ring.h"

static void keeps_order_and_refuses_when_full(void **state)
{
	struct pf_ring r;
	uint32_t v;

	assert_int_equal(pf_ring_init(&r, 3, sizeof(v)), 0); /* rounded up to 4 */
	for (v = 0; v < 4; v++)
		assert_true(pf_ring_put(&r, &v));
	assert_false(pf_ring_put(&r, &v));
	assert_int_equal(pf_ring_used(&r), 4);
	assert_true(pf_ring_skip(&r));
	for (uint32_t want = 1; want < 4; want++) {
		assert_true(pf_ring_take(&r, &v));
		assert_int_equal(v, want);
	}
	assert_false(pf_ring_take(&r, &v));
	assert_false(pf_ring_skip(&r));
	pf_ring_finish(&r);
}

static void bad_sizes_are_refused(void **state)
{
	struct pf_ring r = { 0 };

	assert_int_equal(pf_ring_init(&r, 0, 4), -EINVAL);
	assert_int_equal(pf_ring_init(&r, 4, 0), -EINVAL);
	assert_int_equal(pf_ring_init(&r, UINT32_MAX, 4), -EINVAL);
	pf_ring_finish(&r);
}

#define COUNT 200000u

static void *produce(void *arg)
{
	struct pf_ring *r = arg;

	for (uint64_t v = 0; v < COUNT;) {
		if (pf_ring_put(r, &v))
			v++;
		else
			sched_yield();
	}
	return NULL;
}

static void two_threads_lose_nothing(void **state)
{
	struct pf_ring r;
	pthread_t t;
	uint64_t v;

	assert_int_equal(pf_ring_init(&r, 64, sizeof(v)), 0);
	assert_int_equal(pthread_create(&t, NULL, produce, &r), 0);
	for (uint64_t want = 0; want < COUNT;) {
		if (pf_ring_take(&r, &v)) {
			assert_true(v == want);
			want++;
		} else {
			sched_yield();
		}
	}
	pthread_join(t, NULL);
	pf_ring_finish(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_order_and_refuses_when_full),
		cmocka_unit_test(bad_sizes_are_refused),
		cmocka_unit_test(two_threads_lose_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
