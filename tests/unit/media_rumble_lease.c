/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "core/media/rumble_lease.h"

#define MS(n) ((uint64_t)(n)*1000000)

static const struct pf_rumble_level strong = { 40000, 0, 0, 0 }, weak = { 0, 100, 0, 0 }, none;

static void nothing(struct pf_rumble_sender *s, uint64_t now_ns)
{
	struct pf_rumble_msg m;

	assert_false(pf_rumble_next(s, now_ns, &m));
}

static struct pf_rumble_msg one(struct pf_rumble_sender *s, uint64_t now_ns)
{
	struct pf_rumble_msg m;

	assert_true(pf_rumble_next(s, now_ns, &m));
	nothing(s, now_ns);
	assert_true(m.has_lease);
	return m;
}

static void a_level_is_renewed_and_a_stop_repeated(void **state)
{
	struct pf_rumble_sender s = { 0 };
	struct pf_rumble_msg m;

	assert_true(pf_rumble_due_ns(&s) == UINT64_MAX);
	pf_rumble_set(&s, 3, &none, MS(1)); /* still is what it is */
	assert_true(pf_rumble_due_ns(&s) == UINT64_MAX);
	pf_rumble_set(&s, 3, &strong, MS(1000));
	assert_true(pf_rumble_due_ns(&s) == MS(1000));
	m = one(&s, MS(1000));
	assert_int_equal(m.pad, 3);
	assert_int_equal(m.level.low, 40000);
	assert_int_equal(m.ttl_ms, 400);
	assert_int_equal(m.seq, 1);
	nothing(&s, MS(1119));
	assert_true(pf_rumble_due_ns(&s) == MS(1120));
	assert_int_equal(one(&s, MS(1120)).seq, 2);
	assert_int_equal(one(&s, MS(1240)).seq, 3);
	/* The same again says nothing. */
	pf_rumble_set(&s, 3, &strong, MS(1250));
	nothing(&s, MS(1250));

	pf_rumble_set(&s, 3, &none, MS(1300));
	for (unsigned i = 0; i < 3; i++) {
		m = one(&s, MS(1300) + i * PF_RUMBLE_RENEW_NS);
		assert_int_equal(m.ttl_ms, 0);
		assert_int_equal(m.level.low, 0);
		assert_int_equal(m.seq, 4 + i);
	}
	assert_true(pf_rumble_due_ns(&s) == UINT64_MAX);
	nothing(&s, MS(9000));
}

static void a_program_that_shakes_fast_is_slowed(void **state)
{
	struct pf_rumble_sender s = { 0 };
	unsigned said = 0;
	struct pf_rumble_msg m = { 0 };

	for (unsigned t = 1; t <= 1000; t++) {
		const struct pf_rumble_level l = { (uint16_t)t, 0, 0, 0 };

		pf_rumble_set(&s, 0, &l, MS(t));
		said += pf_rumble_next(&s, MS(t), &m);
	}
	assert_in_range(said, 90, 101);
	/* The newest is not lost, and a stop does not wait. */
	assert_true(pf_rumble_next(&s, MS(1011), &m));
	assert_int_equal(m.level.low, 1000);
	pf_rumble_set(&s, 0, &none, MS(1012));
	assert_int_equal(one(&s, MS(1012)).ttl_ms, 0);
}

static void pads_are_apart(void **state)
{
	struct pf_rumble_sender s = { 0 };
	const struct pf_rumble_level triggers = { 0, 0, 5, 6 };
	struct pf_rumble_msg a, b;

	pf_rumble_set(&s, 0, &strong, MS(1));
	pf_rumble_set(&s, 15, &triggers, MS(1));
	assert_true(pf_rumble_next(&s, MS(1), &a));
	assert_true(pf_rumble_next(&s, MS(1), &b));
	nothing(&s, MS(1));
	assert_int_equal(a.pad, 0);
	assert_int_equal(b.pad, 15);
	assert_int_equal(b.level.right_trigger, 6);
	pf_rumble_forget(&s, 0);
	a = one(&s, MS(500));
	assert_int_equal(a.pad, 15);
	/* Its numbers go on when it is there again. */
	pf_rumble_set(&s, 0, &strong, MS(501));
	assert_int_equal(one(&s, MS(501)).seq, 2);
}

static struct pf_rumble_msg lease(uint8_t seq, struct pf_rumble_level level, uint16_t ttl_ms)
{
	return (struct pf_rumble_msg){
		.pad = 2, .level = level, .has_lease = true, .seq = seq, .ttl_ms = ttl_ms
	};
}

static void what_is_not_renewed_ends(void **state)
{
	struct pf_rumble_receiver r = { 0 };
	struct pf_rumble_msg m = lease(250, strong, 400);
	struct pf_rumble_level now;
	uint8_t pad = 99;

	assert_true(pf_rumble_expiry_ns(&r) == UINT64_MAX);
	assert_true(pf_rumble_hear(&r, &m, MS(1000), &now));
	assert_int_equal(now.low, 40000);
	assert_true(pf_rumble_expiry_ns(&r) == MS(1400));
	/* A renewal is no news. */
	m.seq = 3;
	assert_false(pf_rumble_hear(&r, &m, MS(1200), &now));
	assert_true(pf_rumble_expiry_ns(&r) == MS(1600));
	/* An old one and a repeated one move nothing. */
	m = lease(2, weak, 400);
	assert_false(pf_rumble_hear(&r, &m, MS(1300), &now));
	m = lease(3, weak, 400);
	assert_false(pf_rumble_hear(&r, &m, MS(1300), &now));
	assert_false(pf_rumble_expire(&r, MS(1599), &pad));
	assert_true(pf_rumble_expire(&r, MS(1600), &pad));
	assert_int_equal(pad, 2);
	assert_false(pf_rumble_expire(&r, MS(9999), &pad));

	/* A stop, and a level without a time, which is none. */
	m = lease(4, strong, 60000);
	assert_true(pf_rumble_hear(&r, &m, MS(2000), &now));
	assert_true(pf_rumble_expiry_ns(&r) == MS(7000)); /* cut to 5 s */
	m = lease(5, none, 0);
	assert_true(pf_rumble_hear(&r, &m, MS(2100), &now));
	assert_int_equal(now.low, 0);
	assert_true(pf_rumble_expiry_ns(&r) == UINT64_MAX);
	m = lease(6, strong, 0);
	assert_false(pf_rumble_hear(&r, &m, MS(2200), &now));
}

static void old_senders_are_silenced_after_a_second(void **state)
{
	struct pf_rumble_receiver r = { 0 };
	struct pf_rumble_msg m = { .pad = 2, .level = weak };
	struct pf_rumble_level now;
	uint8_t pad;

	assert_true(pf_rumble_hear(&r, &m, MS(10), &now));
	assert_false(pf_rumble_hear(&r, &m, MS(510), &now));
	assert_true(pf_rumble_expiry_ns(&r) == MS(1510));
	assert_true(pf_rumble_expire(&r, MS(1510), &pad));
	m.level = none;
	assert_false(pf_rumble_hear(&r, &m, MS(1600), &now));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_level_is_renewed_and_a_stop_repeated),
		cmocka_unit_test(a_program_that_shakes_fast_is_slowed),
		cmocka_unit_test(pads_are_apart),
		cmocka_unit_test(what_is_not_renewed_ends),
		cmocka_unit_test(old_senders_are_silenced_after_a_second),
	};

	return cmocka_run_group_tests_name("media_rumble_lease", tests, NULL, NULL);
}
