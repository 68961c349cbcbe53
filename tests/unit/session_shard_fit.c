/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "core/session/shard_fit.h"

#define ETHERNET 1472

static struct pf_shard_news path(struct pf_shard_fit *f, unsigned bytes)
{
	return pf_shard_fit_path(f, bytes, ETHERNET);
}

static void smaller_ones_are_used_at_once(void **state)
{
	struct pf_shard_fit f;
	struct pf_shard_news n;

	pf_shard_fit_init(&f, 1408, 9152);
	assert_int_equal(path(&f, 1472).tell, 0);
	n = path(&f, 1400);
	assert_int_equal(n.tell, 1336);
	assert_true(n.use);
	assert_int_equal(path(&f, 1401).tell, 0);
	/* Their acknowledgement changes nothing. */
	assert_int_equal(pf_shard_fit_ack(&f, 1336), 0);
	assert_int_equal(f.in_force, 1336);
	/* Less than a shard can be, or a path that is not known: as it is. */
	assert_int_equal(path(&f, 575).tell, 0);
	assert_int_equal(path(&f, 0).tell, 0);
}

static void larger_ones_wait_for_the_client(void **state)
{
	struct pf_shard_fit f;
	struct pf_shard_news n;

	pf_shard_fit_init(&f, 1408, 9152);
	n = path(&f, 8952);
	assert_int_equal(n.tell, 8888);
	assert_false(n.use);
	assert_int_equal(f.in_force, 1408);
	/* Not asked twice, nor taken for granted, nor granted in part. */
	assert_int_equal(path(&f, 8952).tell, 0);
	assert_int_equal(pf_shard_fit_ack(&f, 8886), 0);
	assert_int_equal(pf_shard_fit_ack(&f, 0), 0);
	assert_int_equal(pf_shard_fit_ack(&f, 8888), 8888);
	assert_int_equal(f.in_force, 8888);
	assert_int_equal(pf_shard_fit_ack(&f, 8888), 0);
	/* The path gets narrower while something larger is asked for. */
	pf_shard_fit_init(&f, 1408, 9152);
	assert_int_equal(path(&f, 8952).tell, 8888);
	assert_int_equal(path(&f, 1300).tell, 1236);
	assert_int_equal(pf_shard_fit_ack(&f, 8888), 0);
	/* And wide again: back to the standard, no further. */
	n = path(&f, 1472);
	assert_int_equal(n.tell, 1408);
	assert_false(n.use);
	assert_int_equal(pf_shard_fit_ack(&f, 1408), 1408);
}

static void the_client_s_limit_holds(void **state)
{
	struct pf_shard_fit f;

	pf_shard_fit_init(&f, 1408, 4001);
	assert_int_equal(path(&f, 8952).tell, 4000);
	pf_shard_fit_init(&f, 1408, 65535);
	assert_int_equal(path(&f, 65000).tell, 9152);
	/* One that takes no changes is asked for none. */
	pf_shard_fit_init(&f, 1408, 0);
	assert_int_equal(path(&f, 8952).tell, 0);
	assert_int_equal(path(&f, 1300).tell, 0);
	/* Nor one whose limit no shard can keep. */
	pf_shard_fit_init(&f, 512, 511);
	assert_int_equal(path(&f, 1472).tell, 0);
	assert_int_equal(path(&f, 8952).tell, 0);
	pf_shard_fit_init(&f, 512, 513);
	assert_int_equal(path(&f, 8952).tell, 0);
	/* IPv6: a path of 1472 is what was guessed, not shown. */
	pf_shard_fit_init(&f, 1388, 9152);
	assert_int_equal(path(&f, 1472).tell, 0);
	assert_int_equal(path(&f, 1474).tell, 1410);
}

static void what_was_not_said_is_said_again(void **state)
{
	struct pf_shard_fit f;

	pf_shard_fit_init(&f, 1408, 9152);
	assert_int_equal(path(&f, 1300).tell, 1236);
	pf_shard_fit_unsaid(&f, 1408);
	assert_int_equal(path(&f, 1300).tell, 1236);
	assert_int_equal(path(&f, 8952).tell, 8888);
	pf_shard_fit_unsaid(&f, 1236);
	assert_int_equal(path(&f, 8952).tell, 8888);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(smaller_ones_are_used_at_once),
		cmocka_unit_test(larger_ones_wait_for_the_client),
		cmocka_unit_test(the_client_s_limit_holds),
		cmocka_unit_test(what_was_not_said_is_said_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
