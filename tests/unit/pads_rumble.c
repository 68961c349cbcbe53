/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include "core/base/clock.h"
#include "host/pads/rumble.h"

#define MS PF_NS_PER_MS
#define T0 (1000 * MS)

static struct ff_effect rumble(int16_t id, uint16_t strong, uint16_t weak, uint16_t length)
{
	struct ff_effect e = { .type = FF_RUMBLE, .id = id, .replay = { .length = length } };

	e.u.rumble.strong_magnitude = strong;
	e.u.rumble.weak_magnitude = weak;
	return e;
}

static void expect(struct pf_rumble *r, uint64_t at, uint16_t low, uint16_t high, uint64_t due)
{
	uint16_t l, h;
	uint64_t d = pf_rumble_levels(r, at, &l, &h);

	assert_int_equal(l, low);
	assert_int_equal(h, high);
	assert_int_equal(d, due);
}

static void it_ends_when_its_length_is_over(void **state)
{
	struct ff_effect e = rumble(0, 0xc000, 0x4000, 100);
	struct pf_rumble r;

	pf_rumble_init(&r);
	assert_int_equal(pf_rumble_upload(&r, &e, T0), 0);
	expect(&r, T0, 0, 0, 0); /* uploaded is not started */
	pf_rumble_play(&r, 0, 1, T0);
	expect(&r, T0, 0xc000, 0x4000, T0 + 100 * MS);
	expect(&r, T0 + 99 * MS, 0xc000, 0x4000, T0 + 100 * MS);
	expect(&r, T0 + 100 * MS, 0, 0, 0);
}

static void length_zero_lasts_until_stopped(void **state)
{
	struct ff_effect e = rumble(3, 1, 2, 0);
	struct pf_rumble r;

	pf_rumble_init(&r);
	assert_int_equal(pf_rumble_upload(&r, &e, T0), 0);
	pf_rumble_play(&r, 3, 1, T0);
	expect(&r, T0 + 3600000 * MS, 1, 2, 0);
	pf_rumble_play(&r, 3, 0, T0);
	expect(&r, T0, 0, 0, 0);
	pf_rumble_play(&r, 3, 1, T0);
	pf_rumble_erase(&r, 3);
	expect(&r, T0, 0, 0, 0);
	/* A new effect in its place does not play by itself. */
	assert_int_equal(pf_rumble_upload(&r, &e, T0), 0);
	expect(&r, T0, 0, 0, 0);
}

static void delay_and_rounds(void **state)
{
	struct ff_effect e = rumble(1, 10, 20, 50);
	struct pf_rumble r;

	e.replay.delay = 30;
	pf_rumble_init(&r);
	assert_int_equal(pf_rumble_upload(&r, &e, T0), 0);
	pf_rumble_play(&r, 1, 2, T0);
	expect(&r, T0 + 29 * MS, 0, 0, T0 + 30 * MS);
	expect(&r, T0 + 30 * MS, 10, 20, T0 + 80 * MS);
	expect(&r, T0 + 80 * MS, 0, 0, T0 + 110 * MS);
	expect(&r, T0 + 110 * MS, 10, 20, T0 + 160 * MS);
	expect(&r, T0 + 160 * MS, 0, 0, 0);
	/* Asked late, both rounds are over. */
	pf_rumble_play(&r, 1, 2, T0);
	expect(&r, T0 + 1000 * MS, 0, 0, 0);
}

static void several_add_up_to_full_and_gain_scales(void **state)
{
	struct ff_effect a = rumble(0, 0xc000, 100, 1000), b = rumble(15, 0x8000, 200, 500);
	struct pf_rumble r;

	pf_rumble_init(&r);
	assert_int_equal(pf_rumble_upload(&r, &a, T0), 0);
	assert_int_equal(pf_rumble_upload(&r, &b, T0), 0);
	pf_rumble_play(&r, 0, 1, T0);
	pf_rumble_play(&r, 15, 1, T0);
	expect(&r, T0, 0xffff, 300, T0 + 500 * MS);
	expect(&r, T0 + 500 * MS, 0xc000, 100, T0 + 1000 * MS);
	r.gain = 0x8000;
	expect(&r, T0 + 500 * MS, 0x6000, 50, T0 + 1000 * MS);
}

static void a_change_while_it_plays_begins_anew(void **state)
{
	struct ff_effect e = rumble(0, 7, 7, 100);
	struct pf_rumble r;

	pf_rumble_init(&r);
	assert_int_equal(pf_rumble_upload(&r, &e, T0), 0);
	pf_rumble_play(&r, 0, 1, T0);
	e.u.rumble.strong_magnitude = 9;
	assert_int_equal(pf_rumble_upload(&r, &e, T0 + 60 * MS), 0);
	expect(&r, T0 + 60 * MS, 9, 7, T0 + 160 * MS);
}

static void periodic_with_envelope(void **state)
{
	struct ff_effect e = { .type = FF_PERIODIC, .id = 2, .replay = { .length = 1000 } };
	struct pf_rumble r;

	e.u.periodic.waveform = FF_SINE;
	e.u.periodic.magnitude = -0x7fff;
	e.u.periodic.envelope.attack_length = 200;
	e.u.periodic.envelope.fade_length = 400;
	e.u.periodic.envelope.fade_level = 0x7fff;
	pf_rumble_init(&r);
	assert_int_equal(pf_rumble_upload(&r, &e, T0), 0);
	pf_rumble_play(&r, 2, 1, T0);
	expect(&r, T0, 0, 0, T0 + 50 * MS);
	expect(&r, T0 + 100 * MS, 0x7ffe, 0x7ffe, T0 + 150 * MS); /* 0x3fff of 0x7fff */
	expect(&r, T0 + 300 * MS, 0xffff, 0xffff, T0 + 600 * MS);
	expect(&r, T0 + 700 * MS, 0xffff, 0xffff, T0 + 750 * MS);
	expect(&r, T0 + 980 * MS, 0xffff, 0xffff, T0 + 1000 * MS);
	expect(&r, T0 + 1000 * MS, 0, 0, 0);
	e.u.periodic.magnitude = -0x8000;
	e.u.periodic.envelope = (struct ff_envelope){ .fade_length = 100 };
	assert_int_equal(pf_rumble_upload(&r, &e, T0), 0);
	pf_rumble_play(&r, 2, 1, T0);
	expect(&r, T0 + 950 * MS, 0x7ffe, 0x7ffe, T0 + 1000 * MS);
}

static void what_is_no_rumble_is_refused(void **state)
{
	struct ff_effect e = rumble(16, 1, 1, 1);
	struct pf_rumble r;

	pf_rumble_init(&r);
	assert_int_equal(pf_rumble_upload(&r, &e, T0), -EINVAL);
	e.id = -1;
	assert_int_equal(pf_rumble_upload(&r, &e, T0), -EINVAL);
	e.id = 0;
	e.type = FF_SPRING;
	assert_int_equal(pf_rumble_upload(&r, &e, T0), -EINVAL);
	pf_rumble_play(&r, 0, 1, T0);
	pf_rumble_play(&r, 4000000000u, 1, T0);
	pf_rumble_erase(&r, 4000000000u);
	expect(&r, T0, 0, 0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_ends_when_its_length_is_over),
		cmocka_unit_test(length_zero_lasts_until_stopped),
		cmocka_unit_test(delay_and_rounds),
		cmocka_unit_test(several_add_up_to_full_and_gain_scales),
		cmocka_unit_test(a_change_while_it_plays_begins_anew),
		cmocka_unit_test(periodic_with_envelope),
		cmocka_unit_test(what_is_no_rumble_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
