/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <string.h>
#include "core/media/pad_refresh.h"

#define MS(n) ((uint64_t)(n)*1000000)

static struct {
	unsigned count;
	struct pf_dgram input[256];
	struct pf_rich rich[256];
} said;

static void keep(void *user, const struct pf_dgram *input, const struct pf_rich *rich)
{
	assert_true(said.count < 256);
	assert_true(!input != !rich);
	memset(&said.input[said.count], 0, sizeof(said.input[0]));
	memset(&said.rich[said.count], 0, sizeof(said.rich[0]));
	if (input)
		said.input[said.count] = *input;
	else
		said.rich[said.count] = *rich;
	said.count++;
}

static struct pf_pad_refresh fresh(bool snapshots)
{
	said.count = 0;
	return (struct pf_pad_refresh){ .snapshots = snapshots, .emit = keep };
}

/* The kind of the next message; its fields in *d. */
static unsigned at;
static unsigned next(struct pf_dgram *d)
{
	assert_true(at < said.count);
	*d = said.input[at++];
	return d->input.kind;
}

static void live_pads_are_said_again(void **state)
{
	struct pf_pad_refresh r = fresh(true);
	struct pf_pad_snapshot s = { .pad = 2, .buttons = 0x1000 }, back;
	struct pf_dgram d;

	at = 0;
	assert_true(pf_refresh_poll(&r, MS(1)) == UINT64_MAX);
	pf_refresh_state(&r, &s, MS(1000));
	assert_int_equal(next(&d), PF_INPUT_PAD_SNAPSHOT);
	pf_pad_snapshot_read(&back, &d);
	assert_int_equal(back.seq, 1);
	assert_int_equal(back.buttons, 0x1000);
	/* The same says nothing, another does. */
	pf_refresh_state(&r, &s, MS(1010));
	assert_int_equal(said.count, 1);
	s.lx = 5;
	pf_refresh_state(&r, &s, MS(1020));
	assert_int_equal(said.count, 2);
	assert_true(pf_refresh_poll(&r, MS(1099)) == MS(1100));
	assert_int_equal(said.count, 2);
	assert_true(pf_refresh_poll(&r, MS(1100)) == MS(1200));
	at = 2;
	assert_int_equal(next(&d), PF_INPUT_PAD_SNAPSHOT);
	pf_pad_snapshot_read(&back, &d);
	assert_int_equal(back.seq, 3);
	assert_int_equal(back.lx, 5);
	/* A tick that is late is one tick. */
	assert_true(pf_refresh_poll(&r, MS(1900)) == MS(2000));
	assert_int_equal(said.count, 4);
}

static void arrival_and_removal_are_said_thrice(void **state)
{
	struct pf_pad_refresh r = fresh(true);
	const struct pf_pad_snapshot s = { .pad = 1 };
	struct pf_dgram d;
	uint64_t t = MS(1000);

	at = 0;
	pf_refresh_arrive(&r, 1, 2, t);
	pf_refresh_state(&r, &s, t);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(next(&d), PF_INPUT_PAD_ARRIVED);
		assert_int_equal(d.input.code, 2);
		assert_int_equal(d.input.flags, 1);
		/* Before the state that makes the pad. */
		assert_int_equal(next(&d), PF_INPUT_PAD_SNAPSHOT);
		assert_int_equal(d.input.flags >> 24, i + 1);
		t = pf_refresh_poll(&r, t + PF_REFRESH_NS) - PF_REFRESH_NS;
	}
	assert_int_equal(next(&d), PF_INPUT_PAD_SNAPSHOT);
	assert_int_equal(at, said.count);
	pf_refresh_remove(&r, 1, t);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(next(&d), PF_INPUT_PAD_REMOVED);
		assert_int_equal(d.input.flags & 0xff, 1);
		assert_int_equal(d.input.flags >> 24, 5 + i);
		t += PF_REFRESH_NS;
		assert_true((pf_refresh_poll(&r, t) == UINT64_MAX) == (i >= 1));
	}
	assert_int_equal(at, said.count);
	/* One that is not there is not removed; one that comes again counts on. */
	pf_refresh_remove(&r, 1, t);
	pf_refresh_remove(&r, 9, t);
	assert_int_equal(at, said.count);
	pf_refresh_state(&r, &s, t);
	assert_int_equal(next(&d), PF_INPUT_PAD_SNAPSHOT);
	assert_int_equal(d.input.flags >> 24, 8);
}

static void old_hosts_get_single_changes(void **state)
{
	struct pf_pad_refresh r = fresh(false);
	struct pf_pad_snapshot s = { .pad = 4, .buttons = 0x1001, .ly = -7, .rt = 9 };
	struct pf_dgram d;

	at = 0;
	pf_refresh_arrive(&r, 4, 2, MS(1));
	assert_int_equal(said.count, 0);
	pf_refresh_state(&r, &s, MS(1));
	assert_int_equal(next(&d), PF_INPUT_PAD_BUTTON);
	assert_int_equal(d.input.code, 1);
	assert_int_equal(d.input.x, 1);
	assert_int_equal(d.input.flags, 4);
	assert_int_equal(next(&d), PF_INPUT_PAD_BUTTON);
	assert_int_equal(d.input.code, 0x1000);
	assert_int_equal(next(&d), PF_INPUT_PAD_AXIS);
	assert_int_equal(d.input.code, 1);
	assert_int_equal(d.input.x, -7);
	assert_int_equal(next(&d), PF_INPUT_PAD_AXIS);
	assert_int_equal(d.input.code, 5);
	s.buttons = 1;
	pf_refresh_state(&r, &s, MS(2));
	assert_int_equal(next(&d), PF_INPUT_PAD_BUTTON);
	assert_int_equal(d.input.x, 0);
	assert_true(pf_refresh_poll(&r, MS(5000)) == UINT64_MAX);
	pf_refresh_remove(&r, 4, MS(5000)); /* all is let go */
	assert_int_equal(said.count, at + 3);
}

static void a_pen_in_range_is_said_again(void **state)
{
	struct pf_pad_refresh r = fresh(true);
	struct pf_pen_sample s[9] = {
		{ .state = PF_PEN_IN_RANGE, .x = 0.25f },
		{ .state = PF_PEN_IN_RANGE, .x = 0.5f, .dt_us = 4000 },
		{ .state = PF_PEN_IN_RANGE | PF_PEN_PREDICTED, .x = 0.75f },
	};

	assert_int_equal(pf_refresh_pen(&r, s, 0, MS(1)), -EINVAL);
	assert_int_equal(pf_refresh_pen(&r, s, 9, MS(1)), -EINVAL);
	assert_int_equal(pf_refresh_pen(&r, s, 3, MS(1000)), 0);
	assert_int_equal(said.rich[0].kind, PF_RICH_PEN);
	assert_int_equal(said.rich[0].pen.count, 3);
	assert_int_equal(said.rich[0].pen.seq, 1);
	assert_true(pf_refresh_poll(&r, MS(1100)) == MS(1200));
	assert_int_equal(said.rich[1].pen.count, 1);
	assert_int_equal(said.rich[1].pen.seq, 2);
	/* Where it is, not where it was thought to go. */
	assert_true(said.rich[1].pen.samples[0].x == 0.5f);
	assert_int_equal(said.rich[1].pen.samples[0].dt_us, 65535);
	s[0].x = NAN;
	assert_int_equal(pf_refresh_pen(&r, s, 1, MS(1150)), -EINVAL);
	s[0] = (struct pf_pen_sample){ 0 };
	assert_int_equal(pf_refresh_pen(&r, s, 1, MS(1150)), 0);
	assert_true(pf_refresh_poll(&r, MS(1200)) == UINT64_MAX);
	assert_int_equal(said.count, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(live_pads_are_said_again),
		cmocka_unit_test(arrival_and_removal_are_said_thrice),
		cmocka_unit_test(old_hosts_get_single_changes),
		cmocka_unit_test(a_pen_in_range_is_said_again),
	};

	return cmocka_run_group_tests_name("media_pad_refresh", tests, NULL, NULL);
}
