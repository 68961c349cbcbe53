/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include "host/clipboard/formats.h"

#define PLAIN "text/plain;charset=utf-8"

static struct pf_clip_local local(unsigned count, const char *const names[])
{
	struct pf_clip_local l = { .count = count };

	for (unsigned i = 0; i < count; i++)
		snprintf(l.names[i], sizeof(l.names[i]), "%s", names[i]);
	return l;
}

static void programs_names_become_the_wires(void **state)
{
	static const char *const names[] = { "STRING", "text/plain", "UTF8_STRING", "SAVE_TARGETS",
		"application/rtf", "image/jpg", "text/html", "application/x-qt-image" };
	struct pf_clip_local l = local(8, names);
	struct pf_clip_offer o = { .seq = 3 };

	pf_clip_to_wire(&o, &l, true);
	assert_int_equal(o.seq, 3);
	assert_int_equal(o.count, 4);
	assert_string_equal(o.formats[0].mime, PLAIN);
	assert_string_equal(o.formats[1].mime, "text/html");
	assert_string_equal(o.formats[2].mime, "text/rtf");
	assert_string_equal(o.formats[3].mime, "image/jpeg");
	/* Each is asked for by the best name that the program has. */
	assert_string_equal(pf_clip_pick(&l, PLAIN), "UTF8_STRING");
	assert_string_equal(pf_clip_pick(&l, "text/rtf"), "application/rtf");
	assert_string_equal(pf_clip_pick(&l, "image/jpeg"), "image/jpg");
	assert_null(pf_clip_pick(&l, "image/png"));
	assert_null(pf_clip_pick(&l, "SAVE_TARGETS"));
	pf_clip_to_wire(&o, &l, false);
	assert_int_equal(o.count, 3);
}

static void case_does_not_matter(void **state)
{
	static const char *const names[] = { "text/plain;charset=UTF-8" };
	struct pf_clip_local l = local(1, names);

	/* The program is asked in its own spelling. */
	assert_string_equal(pf_clip_pick(&l, PLAIN), "text/plain;charset=UTF-8");
}

static void secrets_are_not_offered(void **state)
{
	static const char *const names[] = { "text/plain", "x-kde-passwordManagerHint" };
	struct pf_clip_local l = local(2, names);
	struct pf_clip_offer o;

	pf_clip_to_wire(&o, &l, true);
	assert_int_equal(o.count, 0);
	l.count = 1;
	pf_clip_to_wire(&o, &l, true);
	assert_int_equal(o.count, 1);
}

static void the_wires_formats_get_all_their_names(void **state)
{
	struct pf_clip_offer o = { .count = 3,
		.formats = { { PLAIN, 0 }, { "application/x-punktfunk-files", 0 },
			{ "image/png", 0 } } };
	struct pf_clip_local l;

	pf_clip_to_local(&l, &o, true);
	assert_int_equal(l.count, 6);
	assert_string_equal(l.names[0], PLAIN);
	assert_string_equal(l.names[5], "image/png");
	for (unsigned i = 0; i < 5; i++)
		assert_string_equal(pf_clip_wire_of(l.names[i]), PLAIN);
	pf_clip_to_local(&l, &o, false);
	assert_int_equal(l.count, 5);
	assert_null(pf_clip_wire_of("application/x-punktfunk-files"));
	/* Every format at once, in every spelling, has room. */
	o.count = 0;
	for (unsigned i = 0; i < 6; i++) {
		static const char *const all[] = { PLAIN, "text/html", "text/rtf", "image/png",
			"image/jpeg", "image/gif" };

		snprintf(o.formats[o.count++].mime, PF_CLIP_MIME_MAX, "%s", all[i]);
	}
	pf_clip_to_local(&l, &o, true);
	assert_true(l.count <= PF_CLIP_LOCAL_MAX);
	assert_int_equal(l.count, 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(programs_names_become_the_wires),
		cmocka_unit_test(case_does_not_matter),
		cmocka_unit_test(secrets_are_not_offered),
		cmocka_unit_test(the_wires_formats_get_all_their_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
