/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include "core/quic/cidmap.h"

static void finds_what_was_added(void **state)
{
	static struct pf_cidmap m;
	int a, b;

	pf_cidmap_init(&m, 42);
	assert_null(pf_cidmap_find(&m, (const uint8_t *)"12345678", 8));
	assert_int_equal(pf_cidmap_add(&m, (const uint8_t *)"12345678", 8, &a), 0);
	assert_int_equal(pf_cidmap_add(&m, (const uint8_t *)"12345678", 8, &a), 0);
	assert_int_equal(pf_cidmap_add(&m, (const uint8_t *)"12345678", 8, &b), -EEXIST);
	assert_int_equal(pf_cidmap_add(&m, (const uint8_t *)"1234567", 7, &b), 0);
	assert_int_equal(m.count, 2);
	assert_ptr_equal(pf_cidmap_find(&m, (const uint8_t *)"12345678", 8), &a);
	assert_ptr_equal(pf_cidmap_find(&m, (const uint8_t *)"1234567", 7), &b);
	pf_cidmap_remove(&m, (const uint8_t *)"12345678", 8);
	assert_null(pf_cidmap_find(&m, (const uint8_t *)"12345678", 8));
	assert_int_equal(m.count, 1);
	pf_cidmap_finish(&m);
}

static void bad_lengths_are_refused(void **state)
{
	static struct pf_cidmap m;
	uint8_t cid[PF_CID_MAX + 1] = { 0 };

	pf_cidmap_init(&m, 1);
	assert_int_equal(pf_cidmap_add(&m, cid, 0, &m), -EINVAL);
	assert_int_equal(pf_cidmap_add(&m, cid, sizeof(cid), &m), -EINVAL);
	assert_null(pf_cidmap_find(&m, cid, sizeof(cid)));
	assert_null(pf_cidmap_find(&m, cid, 0));
	pf_cidmap_remove(&m, cid, sizeof(cid));
	pf_cidmap_finish(&m);
}

static void an_owner_leaves_with_all_of_his(void **state)
{
	static struct pf_cidmap m;
	int a, b;

	pf_cidmap_init(&m, 7);
	for (uint32_t i = 0; i < 4000; i++)
		assert_int_equal(pf_cidmap_add(&m, (uint8_t *)&i, sizeof(i), i % 3 ? &a : &b), 0);
	pf_cidmap_remove_owner(&m, &a);
	for (uint32_t i = 0; i < 4000; i++)
		assert_ptr_equal(pf_cidmap_find(&m, (uint8_t *)&i, sizeof(i)), i % 3 ? NULL : &b);
	assert_int_equal(m.count, 4000 / 3 + 1);
	pf_cidmap_finish(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_was_added),
		cmocka_unit_test(bad_lengths_are_refused),
		cmocka_unit_test(an_owner_leaves_with_all_of_his),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
