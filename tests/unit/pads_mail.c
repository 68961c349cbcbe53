/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <sched.h>
#include <stdatomic.h>
#include "host/pads/mail.h"

#define ALL 0xffff

static struct pf_pad_feedback rumble(uint8_t pad, uint16_t low)
{
	return (struct pf_pad_feedback){
		.kind = PF_PAD_FB_RUMBLE, .pad = pad, .rumble = { low, 0 }
	};
}

static void the_last_word_of_each_kind_is_kept(void **state)
{
	struct pf_pad_feedback fb = rumble(3, 500);
	const struct pf_pad_feedback led = { .kind = PF_PAD_FB_LED, .pad = 3, .led = { 9, 8, 7 } };
	struct pf_pad_mail m;

	pf_pad_mail_init(&m);
	assert_true(pf_pad_mail_put(&m, &fb));
	fb = rumble(3, 0);
	assert_false(pf_pad_mail_put(&m, &fb)); /* he is on his way */
	assert_false(pf_pad_mail_put(&m, &led));
	pf_pad_mail_come(&m);
	assert_false(pf_pad_mail_take(&m, ALL & ~(1u << 3), &fb));
	assert_true(pf_pad_mail_take(&m, ALL, &fb));
	assert_int_equal(fb.kind, PF_PAD_FB_RUMBLE);
	assert_int_equal(fb.rumble.low, 0);
	assert_true(pf_pad_mail_take(&m, ALL, &fb));
	assert_int_equal(fb.led.r, 9);
	assert_false(pf_pad_mail_take(&m, ALL, &fb));
	fb = rumble(3, 1);
	assert_true(pf_pad_mail_put(&m, &fb));
	pf_pad_mail_finish(&m);
}

static void pads_do_not_hide_each_other(void **state)
{
	struct pf_pad_feedback fb;
	struct pf_pad_mail m;
	uint16_t seen = 0;

	pf_pad_mail_init(&m);
	for (uint8_t pad = 0; pad < PF_PADS_MAX; pad++) {
		fb = rumble(pad, pad);
		(void)pf_pad_mail_put(&m, &fb);
	}
	fb = rumble(PF_PADS_MAX, 1);
	assert_false(pf_pad_mail_put(&m, &fb));
	while (pf_pad_mail_take(&m, ALL, &fb)) {
		assert_int_equal(fb.rumble.low, fb.pad);
		seen |= (uint16_t)(1u << fb.pad);
	}
	assert_int_equal(seen, ALL);
	pf_pad_mail_finish(&m);
}

static void both_sensors_and_both_triggers_count(void **state)
{
	struct pf_pad_feedback fb = { .kind = PF_PAD_FB_MOTION, .motion = { true, 250 } };
	struct pf_pad_mail m;

	pf_pad_mail_init(&m);
	(void)pf_pad_mail_put(&m, &fb);
	fb.motion.gyro = false;
	fb.motion.rate_hz = 0;
	(void)pf_pad_mail_put(&m, &fb);
	assert_true(pf_pad_mail_take(&m, ALL, &fb));
	assert_true(!fb.motion.gyro && !fb.motion.rate_hz);
	assert_true(pf_pad_mail_take(&m, ALL, &fb));
	assert_true(fb.motion.gyro && fb.motion.rate_hz == 250);
	fb = (struct pf_pad_feedback){ .kind = PF_PAD_FB_TRIGGERS,
		.triggers = { .set_left = true, .left = { 1 } } };
	(void)pf_pad_mail_put(&m, &fb);
	fb = (struct pf_pad_feedback){ .kind = PF_PAD_FB_TRIGGERS,
		.triggers = { .set_right = true, .right = { 2 } } };
	(void)pf_pad_mail_put(&m, &fb);
	assert_true(pf_pad_mail_take(&m, ALL, &fb));
	assert_true(fb.triggers.set_left && fb.triggers.set_right);
	assert_int_equal(fb.triggers.left[0], 1);
	assert_int_equal(fb.triggers.right[0], 2);
	pf_pad_mail_finish(&m);
}

static void who_comes_back_hears_what_holds(void **state)
{
	struct pf_pad_feedback fb = rumble(1, 5);
	struct pf_pad_mail m;

	pf_pad_mail_init(&m);
	(void)pf_pad_mail_put(&m, &fb);
	assert_true(pf_pad_mail_take(&m, ALL, &fb));
	pf_pad_mail_again(&m, 2);
	assert_false(pf_pad_mail_take(&m, ALL, &fb));
	pf_pad_mail_again(&m, 1);
	assert_true(pf_pad_mail_take(&m, ALL, &fb));
	assert_int_equal(fb.rumble.low, 5);
	pf_pad_mail_forget(&m, 1);
	pf_pad_mail_again(&m, 1);
	assert_false(pf_pad_mail_take(&m, ALL, &fb));
	pf_pad_mail_finish(&m);
}

struct race {
	struct pf_pad_mail mail;
	atomic_uint calls;
};

#define LAST 20000

static void *write_all(void *arg)
{
	struct race *r = arg;

	for (unsigned i = 1; i <= LAST; i++) {
		const struct pf_pad_feedback fb = rumble((uint8_t)(i % 4), (uint16_t)i);

		if (pf_pad_mail_put(&r->mail, &fb))
			atomic_fetch_add(&r->calls, 1);
	}
	return NULL;
}

static void nothing_is_left_behind_by_a_race(void **state)
{
	static struct race r;
	uint16_t last[4] = { 0 };
	unsigned came = 0;
	pthread_t t;

	pf_pad_mail_init(&r.mail);
	assert_int_equal(pthread_create(&t, NULL, write_all, &r), 0);
	while (last[0] != LAST) {
		struct pf_pad_feedback fb;

		if (atomic_load(&r.calls) == came) {
			sched_yield();
			continue;
		}
		came++;
		pf_pad_mail_come(&r.mail);
		while (pf_pad_mail_take(&r.mail, ALL, &fb)) {
			assert_true(fb.rumble.low > last[fb.pad]);
			last[fb.pad] = fb.rumble.low;
		}
	}
	pthread_join(t, NULL);
	for (unsigned i = 1; i < 4; i++)
		assert_int_equal(last[i], LAST - 4 + i);
	pf_pad_mail_finish(&r.mail);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_word_of_each_kind_is_kept),
		cmocka_unit_test(pads_do_not_hide_each_other),
		cmocka_unit_test(both_sensors_and_both_triggers_count),
		cmocka_unit_test(who_comes_back_hears_what_holds),
		cmocka_unit_test(nothing_is_left_behind_by_a_race),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
