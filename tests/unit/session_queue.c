/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include "core/base/clock.h"
#include "core/session/queue.h"

static bool readable(const struct pf_queue *q)
{
	struct pollfd fd = { .fd = pf_queue_fd(q), .events = POLLIN };

	return poll(&fd, 1, 0) == 1;
}

static void the_oldest_gives_way(void **state)
{
	struct pf_queue q;
	uint32_t v;

	assert_int_equal(pf_queue_init(&q, 4, sizeof(v)), 0);
	assert_false(readable(&q));
	assert_int_equal(pf_queue_take(&q, &v, 0), -EAGAIN);
	for (v = 0; v < 10; v++)
		pf_queue_put(&q, &v);
	assert_true(readable(&q));
	assert_int_equal(pf_queue_dropped(&q), 6);
	for (uint32_t want = 6; want < 10; want++) {
		assert_true(readable(&q));
		assert_int_equal(pf_queue_take(&q, &v, 0), 0);
		assert_int_equal(v, want);
	}
	assert_false(readable(&q));
	pf_queue_finish(&q);
}

static void after_close_the_rest_comes_then_the_end(void **state)
{
	struct pf_queue q;
	uint32_t v = 7;

	assert_int_equal(pf_queue_init(&q, 4, sizeof(v)), 0);
	pf_queue_put(&q, &v);
	pf_queue_close(&q);
	v = 8;
	pf_queue_put(&q, &v);
	assert_int_equal(pf_queue_take(&q, &v, 0), 0);
	assert_int_equal(v, 7);
	assert_int_equal(pf_queue_take(&q, &v, 0), -EPIPE);
	assert_int_equal(pf_queue_take(&q, &v, 10000), -EPIPE);
	assert_true(readable(&q));
	pf_queue_finish(&q);
}

static void a_wait_ends_at_its_time(void **state)
{
	struct pf_queue q;
	uint64_t t = pf_clock_mono_ns();
	uint32_t v;

	assert_int_equal(pf_queue_init(&q, 4, sizeof(v)), 0);
	assert_int_equal(pf_queue_take(&q, &v, 30), -EAGAIN);
	assert_true(pf_clock_mono_ns() - t >= 30 * PF_NS_PER_MS);
	pf_queue_finish(&q);
}

#define ITEMS 20000u

static void *put_all(void *arg)
{
	struct pf_queue *q = arg;

	for (uint32_t v = 0; v < ITEMS; v++)
		pf_queue_put(q, &v);
	pf_queue_close(q);
	return NULL;
}

static void a_waiting_taker_is_woken(void **state)
{
	uint32_t v, last = 0, got = 0;
	struct pf_queue q;
	pthread_t t;
	int err;

	assert_int_equal(pf_queue_init(&q, 16, sizeof(v)), 0);
	assert_int_equal(pthread_create(&t, NULL, put_all, &q), 0);
	while ((err = pf_queue_take(&q, &v, 20000)) == 0) {
		assert_true(!got || v > last);
		last = v;
		got++;
	}
	assert_int_equal(err, -EPIPE);
	pthread_join(t, NULL);
	assert_int_equal(last, ITEMS - 1);
	assert_int_equal(got + pf_queue_dropped(&q), ITEMS);
	pf_queue_finish(&q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_oldest_gives_way),
		cmocka_unit_test(after_close_the_rest_comes_then_the_end),
		cmocka_unit_test(a_wait_ends_at_its_time),
		cmocka_unit_test(a_waiting_taker_is_woken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
