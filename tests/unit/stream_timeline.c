/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>
#include "host/stream/timeline.h"

#define MS 1000000ull

static void only_the_first_time_counts(void **state)
{
	struct pf_timeline t = { 0 };
	uint64_t first;

	pf_mark(&t, PF_MARK_BEGIN);
	first = t.ns[PF_MARK_BEGIN];
	assert_true(first);
	pf_mark(&t, PF_MARK_BEGIN);
	pf_mark_at(&t, PF_MARK_BEGIN, first + 5);
	assert_true(t.ns[PF_MARK_BEGIN] == first);
	pf_mark_at(&t, PF_MARK_DESK, 0);
	assert_true(pf_timeline_ms(&t, PF_MARK_DESK) < 0);
	pf_mark_at(&t, PF_MARK_DESK, first + 2 * MS);
	assert_true(pf_timeline_ms(&t, PF_MARK_DESK) == 2);
	/* A desk that was there before. */
	pf_mark_at(&t, PF_MARK_DISPLAY, first - 2 * MS);
	assert_true(pf_timeline_ms(&t, PF_MARK_DISPLAY) == 0);
}

static void the_words_are_in_the_order_of_time(void **state)
{
	struct pf_timeline t = { 0 };
	char text[256], tight[20];

	pf_mark_at(&t, PF_MARK_BEGIN, 100 * MS);
	pf_timeline_format(&t, text, sizeof(text));
	assert_string_equal(text, "");
	pf_mark_at(&t, PF_MARK_SENT, 150 * MS + MS / 2);
	pf_mark_at(&t, PF_MARK_DISPLAY, 90 * MS);
	pf_mark_at(&t, PF_MARK_ENCODER, 120 * MS);
	pf_mark_at(&t, PF_MARK_RTSP, 120 * MS);
	/* Sound is no step of the way to a picture. */
	pf_mark_at(&t, PF_MARK_SENT_SOUND, 110 * MS);
	pf_timeline_format(&t, text, sizeof(text));
	assert_string_equal(text, "display 0.0, rtsp 20.0, encoder 20.0, sent 50.5");
	pf_timeline_format(&t, tight, sizeof(tight));
	assert_true(strlen(tight) < sizeof(tight));
	assert_memory_equal(tight, text, strlen(tight));
}

static void every_mark_has_a_name_of_its_own(void **state)
{
	for (unsigned i = 0; i < PF_MARKS; i++)
		for (unsigned k = 0; k < i; k++)
			assert_string_not_equal(pf_mark_name(i), pf_mark_name(k));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_first_time_counts),
		cmocka_unit_test(the_words_are_in_the_order_of_time),
		cmocka_unit_test(every_mark_has_a_name_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
