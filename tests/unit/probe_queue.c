/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "clients/probe/queue.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define FRAMES 20000

static size_t size_of(uint32_t i)
{
	return 1 + i * 7919u % 3000;
}

static void *put_all(void *arg)
{
	static uint8_t data[4000];
	struct pf_queue *q = arg;

	for (uint32_t i = 0; i < FRAMES;) {
		PunktfunkFrame f = { .frame_index = i, .data = data, .size = size_of(i) };

		memset(data, (int)(i & 255), f.size);
		i += pf_queue_put(q, &f);
	}
	pf_queue_end(q);
	return NULL;
}

static void test_order(void **state)
{
	struct pf_queue *q = NULL;
	PunktfunkFrame f;
	pthread_t t;

	assert_int_equal(pf_queue_create(&q), 0);
	assert_int_equal(pthread_create(&t, NULL, put_all, q), 0);
	for (uint32_t i = 0; i < FRAMES; i++) {
		assert_true(pf_queue_take(q, &f));
		assert_int_equal(f.frame_index, i);
		assert_int_equal(f.size, size_of(i));
		assert_int_equal(f.data[0], i & 255);
		assert_int_equal(f.data[f.size - 1], i & 255);
	}
	assert_false(pf_queue_take(q, &f));
	pthread_join(t, NULL);
	pf_queue_destroy(q);
	pf_queue_destroy(NULL);
}

static void test_bounds(void **state)
{
	uint8_t *data = calloc(1, PF_QUEUE_BYTES);
	struct pf_queue *q = NULL;
	PunktfunkFrame f = { .data = data, .size = 100 };
	unsigned n = 0;

	assert_int_equal(pf_queue_create(&q), 0);
	while (pf_queue_put(q, &f))
		n++;
	assert_int_equal(n, PF_QUEUE_SLOTS);
	/* What is lent still counts. */
	assert_true(pf_queue_take(q, &f));
	assert_false(pf_queue_put(q, &f));
	assert_true(pf_queue_take(q, &f));
	assert_true(pf_queue_put(q, &f));
	pf_queue_destroy(q);

	assert_int_equal(pf_queue_create(&q), 0);
	f.data = data;
	f.size = PF_QUEUE_BYTES / 2;
	assert_true(pf_queue_put(q, &f));
	assert_true(pf_queue_put(q, &f));
	assert_false(pf_queue_put(q, &f));
	pf_queue_destroy(q);
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
