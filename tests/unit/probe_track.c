/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "clients/probe/track.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include "punktfunk_core.h"

#define MS 1000000ull

/* Frame `index`, captured at index * 16 ms on a host whose clock is 5 s ahead of
 * ours, drawn 2 ms earlier, received 6 ms and decoded 8 ms after its capture. */
static struct pf_track_frame frame(uint32_t index, uint32_t flags)
{
	uint64_t host = 1000000 * MS + index * 16 * MS;

	return (struct pf_track_frame){ .index = index,
		.flags = PUNKTFUNK_FRAME_VIDEO | flags,
		.pts_ns = host,
		.offset_ns = 5000 * MS,
		.first_ns = host - 5000 * MS + 5 * MS,
		.completed_ns = host - 5000 * MS + 6 * MS,
		.decoded_ns = host - 5000 * MS + 8 * MS,
		.decode_ns = 1 * MS,
		.has_strip = true,
		.strip = { .unix_ns = host - 2 * MS, .number = index } };
}

static bool feed(struct pf_track *t, uint32_t index, uint32_t flags)
{
	struct pf_track_frame f = frame(index, flags);

	return pf_track_frame(t, &f);
}

static void test_all_well(void **state)
{
	struct pf_track t = { 0 };
	struct pf_quantiles q;

	for (uint32_t i = 0; i < 100; i++)
		assert_true(feed(&t, i, i ? 0 : PUNKTFUNK_FRAME_IDR));
	assert_int_equal(t.sent, 100);
	assert_int_equal(t.shown, 100);
	assert_int_equal(t.idrs, 1);
	assert_int_equal(pf_track_not_shown(&t), 0);
	assert_int_equal(t.strips, 100);
	assert_int_equal(t.backwards, 0);
	q = pf_samples_quantiles(&t.draw);
	assert_int_equal(q.count, 100);
	assert_true(q.p50 == 8 && q.max == 8);
	assert_true(pf_samples_quantiles(&t.captured).p50 == 6);
	assert_true(pf_samples_quantiles(&t.assemble).p50 == 1);
	assert_true(pf_samples_quantiles(&t.to_picture).p50 == 8);
	assert_int_equal(pf_samples_quantiles(&t.isolated).count, 0);
	pf_track_finish(&t);
}

/* One frame lost: all up to the next clean one hang on it. */
static void test_loss_until_idr(void **state)
{
	struct pf_track t = { 0 };

	feed(&t, 0, PUNKTFUNK_FRAME_IDR);
	assert_true(feed(&t, 1, 0));
	assert_false(feed(&t, 3, 0));
	assert_false(feed(&t, 4, 0));
	assert_true(feed(&t, 5, PUNKTFUNK_FRAME_IDR));
	assert_true(feed(&t, 6, 0));
	assert_int_equal(t.sent, 7);
	assert_int_equal(t.frozen, 2);
	assert_int_equal(pf_track_not_shown(&t), 3);
	/* An anchor lifts as well, and a clean frame may itself follow a gap. */
	assert_true(feed(&t, 9, PUNKTFUNK_FRAME_RECOVERY_ANCHOR));
	assert_int_equal(pf_track_not_shown(&t), 5);
	pf_track_finish(&t);
}

static void test_recovery_points(void **state)
{
	struct pf_track t = { 0 };

	feed(&t, 0, PUNKTFUNK_FRAME_IDR);
	assert_false(feed(&t, 2, 0));
	assert_false(feed(&t, 3, PUNKTFUNK_FRAME_RECOVERY_POINT));
	assert_false(feed(&t, 4, 0));
	assert_true(feed(&t, 5, PUNKTFUNK_FRAME_RECOVERY_POINT));
	assert_true(feed(&t, 6, 0));
	/* A new gap starts the count anew. */
	assert_false(feed(&t, 8, PUNKTFUNK_FRAME_RECOVERY_POINT));
	assert_true(feed(&t, 9, PUNKTFUNK_FRAME_RECOVERY_POINT));
	pf_track_finish(&t);
}

/* Frames lost before the first one that came count, too. */
static void test_loss_at_start(void **state)
{
	struct pf_track t = { 0 };

	assert_true(feed(&t, 2, PUNKTFUNK_FRAME_IDR));
	assert_int_equal(t.sent, 3);
	assert_int_equal(pf_track_not_shown(&t), 2);
	pf_track_finish(&t);
}

static void test_broken(void **state)
{
	struct pf_track t = { 0 };
	struct pf_track_frame f = frame(1, 0);

	feed(&t, 0, PUNKTFUNK_FRAME_IDR);
	f.decoded_ns = 0;
	assert_false(pf_track_frame(&t, &f));
	f = frame(2, 0); /* not decodable either, but that is no wonder */
	f.decoded_ns = 0;
	assert_false(pf_track_frame(&t, &f));
	assert_false(feed(&t, 3, 0));
	assert_true(feed(&t, 4, PUNKTFUNK_FRAME_IDR));
	assert_int_equal(t.broken, 1);
	assert_int_equal(t.frozen, 2);
	assert_int_equal(t.decoded, 3);
	assert_int_equal(pf_track_not_shown(&t), 3);
	pf_track_finish(&t);
}

static void test_late_and_old(void **state)
{
	struct pf_track t = { 0 };
	struct pf_track_frame f = frame(1, 0);

	feed(&t, 0, PUNKTFUNK_FRAME_IDR);
	f.decoded_ns += 113 * MS; /* 121 ms after its capture */
	assert_false(pf_track_frame(&t, &f));
	assert_int_equal(t.late, 1);
	assert_true(feed(&t, 2, 0));
	/* Out of order: shown is only what comes forward. */
	assert_false(feed(&t, 1, 0));
	assert_int_equal(t.sent, 3);
	assert_int_equal(pf_track_not_shown(&t), 1);
	pf_track_finish(&t);
}

static void test_strip(void **state)
{
	struct pf_track t = { 0 };
	struct pf_track_frame f = frame(1, 0);

	feed(&t, 0, PUNKTFUNK_FRAME_IDR);
	f.strip = frame(0, 0).strip; /* the same picture sent again */
	assert_true(pf_track_frame(&t, &f));
	assert_int_equal(t.repeats, 1);
	assert_int_equal(t.backwards, 0);
	assert_int_equal(pf_samples_quantiles(&t.draw).count, 1);

	f = frame(2, 0); /* another picture with the same time */
	f.strip.unix_ns = frame(0, 0).strip.unix_ns;
	pf_track_frame(&t, &f);
	assert_int_equal(t.backwards, 1);
	f = frame(3, 0); /* an older one */
	f.strip.unix_ns -= 200 * MS;
	pf_track_frame(&t, &f);
	assert_int_equal(t.backwards, 2);
	f = frame(4, 0);
	f.has_strip = false;
	pf_track_frame(&t, &f);
	assert_int_equal(t.strips, 4);
	pf_track_finish(&t);
}

static void test_isolated(void **state)
{
	struct pf_track t = { 0 };
	struct pf_track_frame f;

	feed(&t, 0, PUNKTFUNK_FRAME_IDR);
	feed(&t, 1, 0);
	f = frame(2, 0); /* 40 ms after the one before, 3 ms to get here */
	f.strip.unix_ns = frame(1, 0).strip.unix_ns + 40 * MS;
	f.completed_ns = f.strip.unix_ns - f.offset_ns + 3 * MS;
	f.decoded_ns = f.completed_ns;
	pf_track_frame(&t, &f);
	f.index = 3; /* 39.9 ms after that: not alone */
	f.strip.number = 3;
	f.strip.unix_ns += 39 * MS + MS * 9 / 10;
	pf_track_frame(&t, &f);
	assert_int_equal(pf_samples_quantiles(&t.isolated).count, 1);
	assert_true(pf_samples_quantiles(&t.isolated).p50 == 3);
	pf_track_finish(&t);
}

static void test_index_wraps(void **state)
{
	struct pf_track t = { .next = UINT32_MAX };

	assert_true(feed(&t, UINT32_MAX, PUNKTFUNK_FRAME_IDR));
	assert_true(feed(&t, 0, PUNKTFUNK_FRAME_IDR));
	assert_int_equal(t.sent, 2);
	assert_false(feed(&t, UINT32_MAX, 0));
	assert_int_equal(t.sent, 2);
	pf_track_finish(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_well),
		cmocka_unit_test(test_loss_until_idr),
		cmocka_unit_test(test_recovery_points),
		cmocka_unit_test(test_loss_at_start),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_late_and_old),
		cmocka_unit_test(test_strip),
		cmocka_unit_test(test_isolated),
		cmocka_unit_test(test_index_wraps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
