/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include "core/quic/sendq.h"
#include "core/wire/pf1_frame.h"

static void stream_keeps_bytes_until_acknowledged(void **state)
{
	struct pf_streamq q;
	const uint8_t *data;
	size_t len;

	pf_streamq_init(&q);
	assert_false(pf_streamq_peek(&q, &data, &len));
	assert_int_equal(pf_streamq_put(&q, (const uint8_t *)"abc", 3), 0);
	assert_int_equal(pf_streamq_put(&q, (const uint8_t *)"de", 2), 0);

	assert_true(pf_streamq_peek(&q, &data, &len));
	assert_int_equal(len, 5);
	assert_memory_equal(data, "\x03\0abc", 5);
	pf_streamq_sent(&q, 3);
	assert_true(pf_streamq_peek(&q, &data, &len));
	assert_int_equal(len, 2);
	assert_memory_equal(data, "bc", 2);
	pf_streamq_sent(&q, 2);
	assert_true(pf_streamq_peek(&q, &data, &len));
	assert_memory_equal(data, "\x02\0de", 4);
	pf_streamq_sent(&q, 4);
	assert_false(pf_streamq_peek(&q, &data, &len));
	assert_int_equal(q.bytes, 9);

	/* Acknowledgements come in any grain. */
	pf_streamq_acked(&q, 1);
	assert_int_equal(q.bytes, 9);
	pf_streamq_acked(&q, 6);
	assert_int_equal(q.bytes, 4);
	pf_streamq_acked(&q, 2);
	assert_int_equal(q.bytes, 0);

	/* And it goes on after running empty. */
	assert_int_equal(pf_streamq_put(&q, (const uint8_t *)"f", 1), 0);
	assert_true(pf_streamq_peek(&q, &data, &len));
	assert_memory_equal(data, "\x01\0f", 3);
	pf_streamq_finish(&q);
}

static void stream_is_bounded_and_closes(void **state)
{
	static uint8_t big[PF_STREAM_MSG_MAX + 1];
	struct pf_streamq q;
	unsigned n = 0;

	pf_streamq_init(&q);
	assert_int_equal(pf_streamq_put(&q, big, sizeof(big)), -EMSGSIZE);
	while (pf_streamq_put(&q, big, PF_STREAM_MSG_MAX) == 0)
		n++;
	assert_int_equal(n, PF_STREAMQ_MAX_BYTES / (PF_STREAM_MSG_MAX + PF_FRAME_HEAD_BYTES));
	assert_int_equal(pf_streamq_put(&q, big, PF_STREAM_MSG_MAX), -EAGAIN);
	pf_streamq_close(&q);
	assert_int_equal(pf_streamq_put(&q, big, 1), -EPIPE);
	pf_streamq_finish(&q);
}

static void datagrams_drop_the_oldest(void **state)
{
	uint8_t in[PF_DGRAM_MAX_LEN + 1], out[PF_DGRAM_MAX_LEN];
	struct pf_dgramq q;
	unsigned put = 0, got = 0, first = 0;

	pf_dgramq_init(&q);
	assert_int_equal(pf_dgramq_take(&q, out), 0);
	assert_int_equal(pf_dgramq_put(&q, in, sizeof(in)), -EMSGSIZE);
	assert_int_equal(pf_dgramq_put(&q, in, 0), -EMSGSIZE);

	/* Sizes that wrap the ring at every offset. */
	for (; put < 1000; put++) {
		size_t len = 1 + put * 37 % 300;

		memset(in, (int)(put & 0xff), len);
		assert_int_equal(pf_dgramq_put(&q, in, len), 0);
		if (put % 5 == 0) {
			size_t n = pf_dgramq_take(&q, out);

			assert_int_not_equal(n, 0);
			got++;
		}
	}
	first = put - (unsigned)(put - got - pf_dgramq_dropped(&q));
	assert_true(pf_dgramq_dropped(&q) > 0);
	/* What is left is the newest, whole and in order. */
	for (unsigned i = first; i < put; i++) {
		size_t len = 1 + i * 37 % 300;

		assert_int_equal(pf_dgramq_take(&q, out), len);
		for (size_t j = 0; j < len; j++)
			assert_int_equal(out[j], i & 0xff);
	}
	assert_int_equal(pf_dgramq_take(&q, out), 0);
	pf_dgramq_close(&q);
	assert_int_equal(pf_dgramq_put(&q, in, 1), -EPIPE);
	pf_dgramq_finish(&q);
}

#define MESSAGES 20000

static void *putter(void *arg)
{
	struct pf_streamq *q = arg;

	for (uint32_t i = 0; i < MESSAGES;) {
		int err = pf_streamq_put(q, (const uint8_t *)&i, sizeof(i));

		if (!err)
			i++;
		else if (err != -EAGAIN)
			return arg;
	}
	return NULL;
}

static void two_threads_keep_the_order(void **state)
{
	struct pf_streamq q;
	pthread_t t;
	void *failed;

	pf_streamq_init(&q);
	assert_int_equal(pthread_create(&t, NULL, putter, &q), 0);
	for (uint32_t want = 0; want < MESSAGES;) {
		const uint8_t *data;
		size_t len;
		uint32_t v;

		if (!pf_streamq_peek(&q, &data, &len))
			continue;
		assert_int_equal(len, PF_FRAME_HEAD_BYTES + sizeof(v));
		memcpy(&v, data + PF_FRAME_HEAD_BYTES, sizeof(v));
		assert_int_equal(v, want++);
		pf_streamq_sent(&q, len);
		pf_streamq_acked(&q, len);
	}
	pthread_join(t, &failed);
	assert_null(failed);
	pf_streamq_finish(&q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stream_keeps_bytes_until_acknowledged),
		cmocka_unit_test(stream_is_bounded_and_closes),
		cmocka_unit_test(datagrams_drop_the_oldest),
		cmocka_unit_test(two_threads_keep_the_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
