/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The schedule's vectors of punktfunk1.md 21.3. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>
#include "core/media/pf2_keys.h"

static void secret_of(uint8_t out[32], enum pf_direction direction)
{
	uint8_t prk[32];

	for (unsigned i = 0; i < 32; i++)
		prk[i] = (uint8_t)i;
	pf_pf2_secret(out, prk, direction);
}

static void the_vectors(void **state)
{
	static const uint8_t h2c[] = { 0x74, 0xbd, 0x7b, 0x18, 0xde, 0xd1, 0x2f, 0x17, 0x08, 0x6a,
		0xca, 0xe9, 0x03, 0x81, 0x2f, 0xfa, 0x15, 0x77, 0x36, 0x16, 0x17, 0x66, 0x29, 0x7f,
		0xf1, 0xd5, 0xfb, 0x7f, 0x54, 0x8d, 0x74, 0xa6 };
	static const uint8_t c2h[] = { 0x7b, 0x99, 0x5b, 0x3e, 0x8c, 0xa4, 0xbb, 0x89, 0xb3, 0x68,
		0x49, 0x63, 0xf2, 0xe3, 0x15, 0xe7, 0x69, 0x36, 0xc7, 0xaf, 0xda, 0xbe, 0x90, 0x0c,
		0xd4, 0x58, 0x26, 0x98, 0xc1, 0x79, 0xe1, 0xc6 };
	static const uint8_t iv[] = { 0x2d, 0x6b, 0x97, 0x38, 0x95, 0x27, 0x01, 0x14, 0xc9, 0x4b,
		0xca, 0x34 };
	static const uint8_t key[] = { 0xb0, 0x2e, 0xc5, 0x05, 0x5d, 0x49, 0x6c, 0xec, 0x95, 0x4e,
		0xb3, 0x79, 0xfc, 0x68, 0x2c, 0x99 };
	uint8_t secret[32];
	struct pf_pf2_key k;

	secret_of(secret, PF_FROM_CLIENT);
	assert_memory_equal(secret, c2h, 32);
	secret_of(secret, PF_FROM_HOST);
	assert_memory_equal(secret, h2c, 32);
	pf_pf2_key_of(&k, secret, 0);
	assert_memory_equal(k.iv, iv, sizeof(iv));
	assert_memory_equal(k.key, key, sizeof(key));
}

static void a_key_serves_its_packets(void **state)
{
	uint8_t secret[32], a[12], b[12];
	struct pf_pf2_key first, last, next;

	secret_of(secret, PF_FROM_HOST);
	pf_pf2_key_of(&first, secret, 0);
	pf_pf2_key_of(&last, secret, PF_PF2_PACKETS_PER_KEY - 1);
	pf_pf2_key_of(&next, secret, PF_PF2_PACKETS_PER_KEY);
	assert_memory_equal(&first, &last, sizeof(first));
	assert_memory_not_equal(first.key, next.key, sizeof(first.key));
	assert_memory_not_equal(first.iv, next.iv, sizeof(first.iv));

	/* The number goes into the last eight bytes, most significant first. */
	pf_pf2_nonce(a, first.iv, 0);
	assert_memory_equal(a, first.iv, 12);
	pf_pf2_nonce(b, first.iv, 0x0102030405060708);
	assert_memory_equal(b, first.iv, 4);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(b[4 + i] ^ a[4 + i], i + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_vectors),
		cmocka_unit_test(a_key_serves_its_packets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
