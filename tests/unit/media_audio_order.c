/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>
#include "core/media/audio_order.h"

static const uint8_t bytes[8] = "abcdefgh";

static unsigned take(
	struct pf_audio_order *o, uint32_t seq, bool copy, struct pf_audio_frame out[2])
{
	const struct pf_audio_datagram d = {
		.seq = seq,
		.pts_ns = 1000000000 + (uint64_t)seq * PF_AUDIO_FRAME_NS,
		.data = bytes,
		.len = 4,
		.copy = bytes + 4,
		.copy_len = copy ? 3 : 0,
	};

	return pf_audio_order_take(o, &d, out);
}

static void frames_in_order_pass(void **state)
{
	struct pf_audio_order o = { 0 };
	struct pf_audio_frame out[2];

	/* From before the numbers wrap to after it. */
	for (uint32_t seq = UINT32_MAX - 5; seq != 5; seq++) {
		assert_int_equal(take(&o, seq, true, out), 1);
		assert_int_equal(out[0].seq, seq);
		assert_ptr_equal(out[0].data, bytes);
		assert_int_equal(out[0].len, 4);
		assert_false(out[0].from_copy);
	}
	assert_int_equal(o.frames, 11);
	assert_int_equal(o.lost + o.late + o.recovered, 0);
}

static void a_copy_counts_only_when_its_frame_is_missing(void **state)
{
	struct pf_audio_order o = { 0 };
	struct pf_audio_frame out[2];

	/* Not before the first: nobody says that it was ever sent. */
	assert_int_equal(take(&o, 10, true, out), 1);
	assert_int_equal(take(&o, 12, true, out), 2);
	assert_true(out[0].from_copy);
	assert_int_equal(out[0].seq, 11);
	assert_int_equal(out[0].len, 3);
	assert_ptr_equal(out[0].data, bytes + 4);
	assert_int_equal(out[1].pts_ns - out[0].pts_ns, PF_AUDIO_FRAME_NS);
	assert_int_equal(out[1].seq, 12);
	assert_false(out[1].from_copy);
	/* It comes after all. */
	assert_int_equal(take(&o, 11, true, out), 0);
	assert_int_equal(o.late, 1);
	assert_int_equal(o.lost, 0);
	assert_int_equal(o.recovered, 1);
}

static void what_no_copy_brings_is_lost(void **state)
{
	struct pf_audio_order o = { 0 };
	struct pf_audio_frame out[2];

	take(&o, 0, false, out);
	assert_int_equal(take(&o, 4, true, out), 2); /* 1, 2 are gone */
	assert_int_equal(o.lost, 2);
	assert_int_equal(take(&o, 6, false, out), 1); /* after a capture gap */
	assert_int_equal(o.lost, 3);
	assert_int_equal(out[0].seq, 6);
	assert_int_equal(o.frames, 4);
}

static void duplicates_and_older_ones_are_dropped(void **state)
{
	struct pf_audio_order o = { 0 };
	struct pf_audio_frame out[2];

	take(&o, 2, true, out);
	assert_int_equal(take(&o, 2, true, out), 0);
	assert_int_equal(take(&o, 1, true, out), 0);
	assert_int_equal(take(&o, UINT32_MAX, true, out), 0); /* across the wrap */
	assert_int_equal(take(&o, 2u + INT32_MAX + 1u, true, out), 0);
	assert_int_equal(o.late, 4);
	assert_int_equal(take(&o, 3, true, out), 1);
}

static void an_empty_frame_is_none(void **state)
{
	const struct pf_audio_datagram d = { .seq = 9, .copy = bytes, .copy_len = 4 };
	struct pf_audio_order o = { 0 };
	struct pf_audio_frame out[2];

	assert_int_equal(pf_audio_order_take(&o, &d, out), 0);
	assert_false(o.started);
}

static uint32_t next_random(uint64_t *x)
{
	*x = *x * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*x >> 33);
}

/* A copy mends every loss but the last of several in a row: with independent losses
 * the share is that of the datagrams that arrive. */
static void random_loss_is_mended_as_far_as_copies_go(void **state)
{
	static const unsigned percent[] = { 1, 5, 10 };

	for (unsigned i = 0; i < 3; i++) {
		struct pf_audio_order with = { 0 }, without = { 0 };
		struct pf_audio_frame out[2];
		uint64_t x = 7 + i;
		double share, residual;

		for (uint32_t seq = 0; seq < 400000; seq++) {
			if (seq && next_random(&x) % 1000 < 10 * percent[i])
				continue;
			take(&with, seq, true, out);
			take(&without, seq, false, out);
		}
		share = (double)with.recovered / (double)without.lost;
		residual = (double)with.lost / 400000;
		print_message("# %u %% loss: %.2f %% of the lost frames recovered, %.3f %% missing "
			      "instead of %.2f %%\n",
			percent[i], 100 * share, 100 * residual, (double)without.lost / 4000);
		assert_int_equal(with.recovered + with.lost, without.lost);
		assert_true(
			share > 1 - 1.1 * percent[i] / 100 && share < 1 - 0.9 * percent[i] / 100);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_in_order_pass),
		cmocka_unit_test(a_copy_counts_only_when_its_frame_is_missing),
		cmocka_unit_test(what_no_copy_brings_is_lost),
		cmocka_unit_test(duplicates_and_older_ones_are_dropped),
		cmocka_unit_test(an_empty_frame_is_none),
		cmocka_unit_test(random_loss_is_mended_as_far_as_copies_go),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
