/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "tools/pattern/picture.h"
#include "tools/pattern/strip.h"

#define W 800u
#define H 480u

static void the_strip_lies_where_the_document_says(void **state)
{
	uint32_t *px = calloc(W * H, 4);
	const uint64_t unix_ns = 1700000000123456789ull, units = unix_ns / 100000;
	uint64_t clock = 0, number = 0;

	/* The numbers of docs/clock-strip.md, not the header's. */
	pf_strip_draw(px, W, unix_ns, 0xdeadbeef);
	for (unsigned i = 0; i < 40; i++) {
		const uint32_t p = px[8 * W + 16 * i + 8];

		assert_true(p == 0xffffffff || p == 0xff000000);
		clock |= (uint64_t)(p == 0xffffffff) << i;
	}
	for (unsigned i = 0; i < 32; i++)
		number |= (uint64_t)(px[32 * W + 16 * i + 8] == 0xffffffff) << i;
	assert_true(clock == (units & ((1ull << 40) - 1)));
	assert_int_equal(number, 0xdeadbeef);
	/* The edges of blocks and rows. */
	assert_int_equal(px[0], px[15 * W + 15]);
	assert_int_equal(px[16 * W], px[47 * W + 15]);
	assert_int_equal(px[48 * W], 0);
	assert_int_equal(px[640], 0);
	assert_int_equal(px[16 * W + 512], 0);
	free(px);
}

static void drawn_step_by_step_or_at_once_is_the_same(void **state)
{
	static const enum pf_content contents[] = { PF_CONTENT_BOX, PF_CONTENT_SCROLL };
	uint32_t *steps = malloc(W * H * 4), *fresh = malloc(W * H * 4);

	for (int c = 0; c < 2; c++) {
		struct pf_pattern p;
		uint32_t drawn = 0;

		assert_int_equal(pf_pattern_init(&p, contents[c], W, H), 0);
		pf_pattern_draw(&p, steps, 0, 0, true);
		/* Every third number, as one of three buffers sees it. */
		for (uint32_t n = 3; n < 200; n += 3) {
			pf_pattern_draw(&p, steps, n, drawn, false);
			drawn = n;
		}
		pf_pattern_draw(&p, fresh, drawn, 0, true);
		assert_memory_equal(steps, fresh, W * H * 4);
		pf_pattern_finish(&p);
	}
	free(steps);
	free(fresh);
}

static bool inside(const struct pf_pattern_rect *r, unsigned n, int32_t x, int32_t y)
{
	for (unsigned i = 0; i < n; i++)
		if (x >= r[i].x && x < r[i].x + r[i].w && y >= r[i].y && y < r[i].y + r[i].h)
			return true;
	return false;
}

static void damage_covers_every_change_and_pictures_do_change(void **state)
{
	uint32_t *a = malloc(W * H * 4), *b = malloc(W * H * 4);
	struct pf_pattern p;

	assert_int_equal(pf_pattern_init(&p, PF_CONTENT_BOX, W, H), 0);
	assert_true(pf_pattern_has_strip(&p));
	for (uint32_t n = 1; n < 20; n++) {
		struct pf_pattern_rect r[PF_PATTERN_DAMAGE];
		const unsigned count = pf_pattern_damage(&p, n, n - 1, r);
		unsigned changed = 0;

		pf_pattern_draw(&p, a, n - 1, 0, true);
		pf_pattern_draw(&p, b, n, 0, true);
		for (uint32_t y = 0; y < H; y++)
			for (uint32_t x = 0; x < W; x++)
				if (a[y * W + x] != b[y * W + x]) {
					changed++;
					assert_true(inside(r, count, (int32_t)x, (int32_t)y));
				}
		assert_true(changed > 0);
		for (unsigned i = 0; i < count; i++)
			assert_true(r[i].x >= 0 && r[i].y >= 0 && r[i].x + r[i].w <= (int32_t)W &&
				    r[i].y + r[i].h <= (int32_t)H);
	}
	pf_pattern_finish(&p);
	free(a);
	free(b);
}

static void small_pictures_are_drawn_without_a_strip(void **state)
{
	static const uint32_t sizes[][2] = { { 16, 16 }, { 639, 480 }, { 640, 47 }, { 64, 500 } };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		const uint32_t w = sizes[i][0], h = sizes[i][1];
		uint32_t *px = malloc((size_t)w * h * 4);
		struct pf_pattern p;

		assert_int_equal(pf_pattern_init(&p, PF_CONTENT_BOX, w, h), 0);
		assert_false(pf_pattern_has_strip(&p));
		for (uint32_t n = 0; n < 50; n++)
			pf_pattern_draw(&p, px, n, n ? n - 1 : 0, n == 0);
		pf_pattern_finish(&p);
		free(px);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_strip_lies_where_the_document_says),
		cmocka_unit_test(drawn_step_by_step_or_at_once_is_the_same),
		cmocka_unit_test(damage_covers_every_change_and_pictures_do_change),
		cmocka_unit_test(small_pictures_are_drawn_without_a_strip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
