/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>
#include "core/crypto/secret.h"

static void wipes_what_it_is_told(void **state)
{
	unsigned char buf[40];

	memset(buf, 0x5a, sizeof(buf));
	pf_secret_wipe(buf + 4, 32);
	for (size_t i = 0; i < sizeof(buf); i++)
		assert_int_equal(buf[i], i >= 4 && i < 36 ? 0 : 0x5a);
	pf_secret_wipe(NULL, 0);
}

static void grows_with_what_was_there(void **state)
{
	char *p = pf_secret_grow(NULL, 0, 4), *q;

	assert_non_null(p);
	memcpy(p, "abc", 4);
	q = pf_secret_grow(p, 4, 100000);
	assert_non_null(q);
	assert_string_equal(q, "abc");
	pf_secret_free(q, 100000);
	pf_secret_free(NULL, 0);
}

static void compares_every_byte(void **state)
{
	unsigned char a[33] = { 0 }, b[33] = { 0 };

	assert_true(pf_secret_equal(a, b, sizeof(a)));
	for (size_t i = 0; i < sizeof(a); i++) {
		for (int bit = 0; bit < 8; bit++) {
			b[i] ^= (unsigned char)(1 << bit);
			assert_false(pf_secret_equal(a, b, sizeof(a)));
			assert_true(pf_secret_equal(a, b, i));
			b[i] ^= (unsigned char)(1 << bit);
		}
	}
}

/* Not a test of quality: it shows that the bytes are filled, all of them, anew. */
static void random_fills_all_bytes(void **state)
{
	unsigned char seen[64] = { 0 }, buf[64];

	for (int i = 0; i < 16; i++) {
		memset(buf, 0, sizeof(buf));
		assert_int_equal(pf_random_bytes(buf, sizeof(buf)), 0);
		for (size_t n = 0; n < sizeof(buf); n++)
			seen[n] |= buf[n];
	}
	for (size_t n = 0; n < sizeof(seen); n++)
		assert_int_not_equal(seen[n], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wipes_what_it_is_told),
		cmocka_unit_test(grows_with_what_was_there),
		cmocka_unit_test(compares_every_byte),
		cmocka_unit_test(random_fills_all_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
