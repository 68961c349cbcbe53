/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "clients/probe/script.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void expect(const struct pf_script *s, size_t i, unsigned ms, unsigned kind, uint32_t code,
	int32_t x, int32_t y)
{
	assert_true(i < s->count);
	assert_int_equal(s->events[i].at_ns, ms * 1000000ull);
	assert_int_equal(s->events[i].input.kind, kind);
	assert_int_equal(s->events[i].input.code, code);
	assert_int_equal(s->events[i].input.x, x);
	assert_int_equal(s->events[i].input.y, y);
	assert_int_equal(s->events[i].input.struct_size, sizeof(PunktfunkInputEvent));
}

static int parse(struct pf_script *s, const char *text, unsigned *line)
{
	memset(s, 0, sizeof(*s));
	return pf_script_parse(s, text, strlen(text), line);
}

static void test_verbs(void **state)
{
	struct pf_script s;
	unsigned line;

	assert_int_equal(parse(&s,
				 "# a comment\n"
				 "\n"
				 "500 move 100 200\r\n"
				 "  510 rel -3 4\n"
				 "520 button 2 down\n"
				 "530 button 2 up\n"
				 "540 click 1\n"
				 "550 scroll -120\n"
				 "560 scroll 120 60\n"
				 "700 key 0x41 down\n"
				 "710 key 65 up\n"
				 "720 key 0x0d tap",
				 &line),
		0);
	expect(&s, 0, 500, PUNKTFUNK_INPUT_MOUSE_ABSOLUTE, 0, 100, 200);
	expect(&s, 1, 510, PUNKTFUNK_INPUT_MOUSE_RELATIVE, 0, -3, 4);
	expect(&s, 2, 520, PUNKTFUNK_INPUT_BUTTON_DOWN, 2, 0, 0);
	expect(&s, 3, 530, PUNKTFUNK_INPUT_BUTTON_UP, 2, 0, 0);
	expect(&s, 4, 540, PUNKTFUNK_INPUT_BUTTON_DOWN, 1, 0, 0);
	expect(&s, 5, 560, PUNKTFUNK_INPUT_BUTTON_UP, 1, 0, 0);
	expect(&s, 6, 550, PUNKTFUNK_INPUT_SCROLL, 0, -120, 0);
	expect(&s, 7, 560, PUNKTFUNK_INPUT_SCROLL, 0, 120, 0);
	expect(&s, 8, 560, PUNKTFUNK_INPUT_SCROLL, 1, 60, 0);
	expect(&s, 9, 700, PUNKTFUNK_INPUT_KEY_DOWN, 0x41, 0, 0);
	expect(&s, 10, 710, PUNKTFUNK_INPUT_KEY_UP, 0x41, 0, 0);
	expect(&s, 11, 720, PUNKTFUNK_INPUT_KEY_DOWN, 0x0d, 0, 0);
	expect(&s, 12, 740, PUNKTFUNK_INPUT_KEY_UP, 0x0d, 0, 0);
	assert_int_equal(s.count, 13);
	/* In time's order; what is due at once keeps its own. */
	pf_script_sort(&s);
	expect(&s, 5, 550, PUNKTFUNK_INPUT_SCROLL, 0, -120, 0);
	expect(&s, 6, 560, PUNKTFUNK_INPUT_BUTTON_UP, 1, 0, 0);
	expect(&s, 7, 560, PUNKTFUNK_INPUT_SCROLL, 0, 120, 0);
	expect(&s, 8, 560, PUNKTFUNK_INPUT_SCROLL, 1, 60, 0);
	pf_script_finish(&s);
}

static void test_wishes(void **state)
{
	static const char *const bad[] = { "1 mode 640x480", "1 mode 640x480@60 x", "1 bitrate",
		"1 bitrate fast", "1 keyframe now" };
	struct pf_script s;
	unsigned line;

	assert_int_equal(parse(&s,
				 "100 bitrate 4000\n"
				 "50 mode 1366x768@30\n"
				 "200 keyframe\n"
				 "60 click 1\n",
				 &line),
		0);
	pf_script_sort(&s);
	assert_int_equal(s.count, 5);
	assert_int_equal(s.events[0].what, PF_SCRIPT_MODE);
	assert_int_equal(s.events[0].width, 1366);
	assert_int_equal(s.events[0].height, 768);
	assert_int_equal(s.events[0].refresh_hz, 30);
	assert_int_equal(s.events[1].what, PF_SCRIPT_INPUT);
	assert_int_equal(s.events[3].what, PF_SCRIPT_BITRATE);
	assert_int_equal(s.events[3].kbps, 4000);
	assert_int_equal(s.events[4].what, PF_SCRIPT_KEYFRAME);
	assert_true(s.events[4].at_ns == 200000000);
	pf_script_finish(&s);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(parse(&s, bad[i], &line), -EINVAL);
		pf_script_finish(&s);
	}
}

static void test_typing(void **state)
{
	struct pf_script s = { 0 };

	assert_int_equal(pf_script_type(&s, 0, 10000000, "aB;:\\n\xc3\xa9"), 0);
	expect(&s, 0, 0, PUNKTFUNK_INPUT_KEY_DOWN, 'A', 0, 0);
	expect(&s, 1, 5, PUNKTFUNK_INPUT_KEY_UP, 'A', 0, 0);
	expect(&s, 2, 10, PUNKTFUNK_INPUT_KEY_DOWN, 0xa0, 0, 0);
	expect(&s, 3, 10, PUNKTFUNK_INPUT_KEY_DOWN, 'B', 0, 0);
	expect(&s, 4, 15, PUNKTFUNK_INPUT_KEY_UP, 'B', 0, 0);
	expect(&s, 5, 15, PUNKTFUNK_INPUT_KEY_UP, 0xa0, 0, 0);
	expect(&s, 6, 20, PUNKTFUNK_INPUT_KEY_DOWN, 0xba, 0, 0);
	expect(&s, 8, 30, PUNKTFUNK_INPUT_KEY_DOWN, 0xa0, 0, 0);
	expect(&s, 9, 30, PUNKTFUNK_INPUT_KEY_DOWN, 0xba, 0, 0);
	expect(&s, 12, 40, PUNKTFUNK_INPUT_KEY_DOWN, 0x0d, 0, 0);
	/* Not on a US keyboard: as text. */
	expect(&s, 14, 50, PUNKTFUNK_INPUT_TEXT, 0xe9, 0, 0);
	assert_int_equal(s.count, 15);
	pf_script_finish(&s);

	/* Bytes that are no UTF-8 neither crash nor loop. */
	assert_int_equal(pf_script_type(&s, 0, 1, "\xff\xc3\xf0\x9f\xe2\x28\xa1"), 0);
	assert_true(s.count > 0);
	pf_script_finish(&s);
}

/* All printable ASCII is on the keyboard, each with its own key or shift. */
static void test_every_key(void **state)
{
	char seen[2][256] = { { 0 } };

	for (char c = ' '; c < 127; c++) {
		const char text[] = { c == '\\' ? '\\' : c, c == '\\' ? '\\' : '\0', '\0' };
		struct pf_script s = { 0 };
		bool shift;
		uint32_t key;

		assert_int_equal(pf_script_type(&s, 0, 1, text), 0);
		assert_true(s.count == 2 || s.count == 4);
		shift = s.count == 4;
		key = s.events[shift].input.code;
		assert_int_equal(s.events[shift].input.kind, PUNKTFUNK_INPUT_KEY_DOWN);
		assert_in_range(key, 1, 255);
		assert_false(seen[shift][key]++);
		pf_script_finish(&s);
	}
}

static void test_faults(void **state)
{
	static const char *const bad[] = { "move 1 2", "x move 1 2", "5", "5 jump 3", "5 move 1",
		"5 move a b", "5 key 65", "5 key 65 sideways", "5 button x down", "5 key -1 tap",
		"99999999999 move 1 2", "5 move 99999999999 1" };
	struct pf_script s;
	unsigned line;
	char *long_line = malloc(1001);

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(parse(&s, bad[i], &line), -EINVAL);
		assert_int_equal(line, 1);
		pf_script_finish(&s);
	}
	assert_int_equal(parse(&s, "1 move 1 2\n# x\n2 nonsense 3\n", &line), -EINVAL);
	assert_int_equal(line, 3);
	pf_script_finish(&s);
	memset(long_line, '1', 1000);
	long_line[1000] = '\0';
	assert_int_equal(parse(&s, long_line, &line), -EINVAL);
	assert_int_equal(pf_script_parse(&s, "1 text\0 a", 9, &line), -EINVAL);
	pf_script_finish(&s);
	free(long_line);
}

static void test_bounded(void **state)
{
	struct pf_script s = { 0 };

	assert_int_equal(pf_script_circle(&s, 0, 1000000000, 1000, 640, 480), -E2BIG);
	assert_int_equal(s.count, PF_SCRIPT_MAX);
	for (size_t i = 0; i < s.count; i += 997) {
		assert_in_range(s.events[i].input.x, 0, 639);
		assert_in_range(s.events[i].input.y, 0, 479);
	}
	pf_script_finish(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verbs),
		cmocka_unit_test(test_wishes),
		cmocka_unit_test(test_typing),
		cmocka_unit_test(test_every_key),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
