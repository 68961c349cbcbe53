/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "core/quic/framing.h"

struct got {
	unsigned n;
	size_t len[64];
	uint32_t sum[64];
	unsigned stop_at; /* 0 = never */
};

static uint32_t sum(const uint8_t *p, size_t n)
{
	uint32_t s = 1;

	for (size_t i = 0; i < n; i++)
		s = s * 31 + p[i];
	return s;
}

static int take(void *user, const uint8_t *msg, size_t len)
{
	struct got *g = user;

	assert_true(g->n < 64);
	g->len[g->n] = len;
	g->sum[g->n++] = sum(msg, len);
	return g->n == g->stop_at ? 7 : 0;
}

static const size_t sizes[] = { 0, 1, 2, 255, 256, 1200, 0, 65535, 3 };
#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

static uint8_t *stream(size_t *len, uint32_t sums[SIZES])
{
	uint8_t *buf, *p;

	*len = 0;
	for (size_t i = 0; i < SIZES; i++)
		*len += PF_FRAMING_HDR_BYTES + sizes[i];
	p = buf = malloc(*len);
	assert_non_null(buf);
	for (size_t i = 0; i < SIZES; i++) {
		*p++ = (uint8_t)sizes[i];
		*p++ = (uint8_t)(sizes[i] >> 8);
		for (size_t j = 0; j < sizes[i]; j++)
			p[j] = (uint8_t)(i * 7 + j * 13);
		sums[i] = sum(p, sizes[i]);
		p += sizes[i];
	}
	return buf;
}

/* Every piece size gives the same messages. */
static void pieces_do_not_matter(void **state)
{
	static const size_t pieces[] = { 1, 2, 3, 7, 100, 1199, 4096, 65536, SIZE_MAX };
	uint32_t sums[SIZES];
	size_t len;
	uint8_t *buf = stream(&len, sums);

	for (size_t k = 0; k < sizeof(pieces) / sizeof(pieces[0]); k++) {
		struct pf_framing f = { 0 };
		struct got g = { 0 };

		for (size_t at = 0; at < len;) {
			size_t n = len - at < pieces[k] ? len - at : pieces[k];
			/* A copy of its own lets the sanitizer see a read too far. */
			uint8_t *piece = malloc(n);

			assert_non_null(piece);
			memcpy(piece, buf + at, n);
			assert_int_equal(pf_framing_push(&f, piece, n, take, &g), 0);
			free(piece);
			at += n;
		}
		assert_int_equal(g.n, SIZES);
		for (size_t i = 0; i < SIZES; i++) {
			assert_int_equal(g.len[i], sizes[i]);
			assert_int_equal(g.sum[i], sums[i]);
		}
		pf_framing_finish(&f);
	}
	free(buf);
}

static void a_cut_message_is_not_delivered(void **state)
{
	static const uint8_t cut[] = { 5, 0, 1, 2, 3, 4 };
	struct pf_framing f = { 0 };
	struct got g = { 0 };

	assert_int_equal(pf_framing_push(&f, cut, sizeof(cut), take, &g), 0);
	assert_int_equal(g.n, 0);
	pf_framing_finish(&f);
}

static void the_callback_can_stop(void **state)
{
	static const uint8_t two[] = { 1, 0, 9, 1, 0, 8 };
	struct pf_framing f = { 0 };
	struct got g = { .stop_at = 1 };

	assert_int_equal(pf_framing_push(&f, two, sizeof(two), take, &g), 7);
	assert_int_equal(g.n, 1);
	pf_framing_finish(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_do_not_matter),
		cmocka_unit_test(a_cut_message_is_not_delivered),
		cmocka_unit_test(the_callback_can_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
