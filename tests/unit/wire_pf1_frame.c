/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "core/wire/pf1_frame.h"
#include "tests/unit/rng.h"

#define MESSAGES 200
#define MAX	 3000

/* Random messages cut into random pieces come out whole, in order and once. */
static void any_chunking_gives_the_same_messages(void **state)
{
	uint64_t seed = rng_seed();
	size_t total = 0, lens[MESSAGES];
	uint8_t *stream = malloc(MESSAGES * (MAX + 2));

	for (int i = 0; i < MESSAGES; i++) {
		lens[i] = i < 3 ? (size_t[]){ 0, MAX, 1 }[i] : rng_below(&seed, MAX + 1);
		pf_frame_head_build(stream + total, (uint16_t)lens[i]);
		rng_fill(&seed, stream + total + 2, lens[i]);
		total += 2 + lens[i];
	}
	for (int round = 0; round < 8; round++) {
		struct pf_deframer d;
		size_t pushed = 0, at = 0, len;
		const uint8_t *msg;
		int got = 0;

		assert_int_equal(pf_deframer_init(&d, MAX), 0);
		while (pushed < total) {
			size_t piece = round == 0   ? 1
				       : round == 1 ? total
						    : 1 + rng_below(&seed, 1u << (round * 2));
			size_t n;

			if (piece > total - pushed)
				piece = total - pushed;
			n = pf_deframer_push(&d, stream + pushed, piece);
			assert_in_range(n, 1, piece);
			pushed += n;
			while (pf_deframer_next(&d, &msg, &len) == 1) {
				assert_int_equal(len, lens[got]);
				assert_memory_equal(msg, stream + at + 2, len);
				at += 2 + len;
				got++;
			}
		}
		assert_int_equal(got, MESSAGES);
		assert_int_equal(pf_deframer_next(&d, &msg, &len), 0);
		pf_deframer_finish(&d);
	}
	free(stream);
}

static void too_long_is_an_error_at_once(void **state)
{
	struct pf_deframer d;
	const uint8_t *msg = NULL;
	size_t len = 7;

	assert_int_equal(pf_deframer_init(&d, 100), 0);
	assert_int_equal(pf_deframer_push(&d, (const uint8_t *)"\x64", 1), 1);
	assert_int_equal(pf_deframer_next(&d, &msg, &len), 0);
	assert_int_equal(pf_deframer_push(&d, (const uint8_t *)"\x01", 1), 1);
	assert_int_equal(pf_deframer_next(&d, &msg, &len), -EMSGSIZE);
	assert_int_equal(pf_deframer_next(&d, &msg, &len), -EMSGSIZE);
	assert_null(msg);
	assert_int_equal(len, 7);
	pf_deframer_finish(&d);
}

static void holds_no_more_than_its_buffer(void **state)
{
	uint8_t bytes[256] = { 100, 0 };
	struct pf_deframer d;
	const uint8_t *msg;
	size_t len;

	assert_int_equal(pf_deframer_init(&d, 100), 0);
	assert_int_equal(pf_deframer_push(&d, bytes, sizeof(bytes)), 102);
	assert_int_equal(pf_deframer_push(&d, bytes, sizeof(bytes)), 0);
	assert_int_equal(pf_deframer_next(&d, &msg, &len), 1);
	assert_int_equal(len, 100);
	assert_int_equal(pf_deframer_push(&d, bytes, 50), 50);
	pf_deframer_finish(&d);
}

static void init_checks_its_limit(void **state)
{
	struct pf_deframer d = { 0 };

	assert_int_equal(pf_deframer_init(&d, 0), -EINVAL);
	assert_int_equal(pf_deframer_init(&d, 65536), -EINVAL);
	pf_deframer_finish(&d);
	assert_int_equal(pf_deframer_init(&d, 65535), 0);
	pf_deframer_finish(&d);
}

static void stream_head(void **state)
{
	uint8_t head[PF_STREAM_HEAD_BYTES], kind = 0;

	pf_stream_head_build(head, PF_STREAM_CLIP_FETCH);
	assert_memory_equal(head, "PKFs\x01", 5);
	for (size_t len = 0; len < sizeof(head); len++)
		assert_int_equal(pf_stream_head_parse(&kind, head, len), -EAGAIN);
	assert_int_equal(kind, 0);
	assert_int_equal(pf_stream_head_parse(&kind, head, sizeof(head)), 0);
	assert_int_equal(kind, PF_STREAM_CLIP_FETCH);
	for (size_t i = 0; i < 4; i++) {
		head[i] ^= 0x20;
		assert_int_equal(pf_stream_head_parse(&kind, head, i + 1), -EPROTO);
		head[i] ^= 0x20;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_chunking_gives_the_same_messages),
		cmocka_unit_test(too_long_is_an_error_at_once),
		cmocka_unit_test(holds_no_more_than_its_buffer),
		cmocka_unit_test(init_checks_its_limit),
		cmocka_unit_test(stream_head),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
