/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "core/crypto/hash.h"
#include "core/crypto/spake2.h"
#include "tests/unit/hex.h"

static struct pf_spake2_text text_of(const char *s)
{
	return (struct pf_spake2_text){ s, strlen(s) };
}

static void start(struct pf_spake2 *s, enum pf_spake2_side side, const char *password)
{
	assert_int_equal(
		pf_spake2_start(s, side, text_of(password), text_of("a"), text_of("b"), NULL), 0);
}

static void check(const uint8_t *got, size_t len, const char *hex)
{
	uint8_t want[64];

	assert_int_equal(hex_bytes(hex, want, sizeof(want)), len);
	assert_memory_equal(got, want, len);
}

/* A decimal number as 32 little-endian bytes. */
static void decimal(uint8_t out[32], const char *text)
{
	memset(out, 0, 32);
	for (; *text; text++) {
		unsigned carry = (unsigned)(*text - '0');

		for (unsigned i = 0; i < 32; i++) {
			carry += out[i] * 10u;
			out[i] = (uint8_t)carry;
			carry >>= 8;
		}
		assert_int_equal(carry, 0);
	}
}

static void both(struct pf_spake2 *a, struct pf_spake2 *b, const char *message_a,
	const char *message_b, const char *key)
{
	struct pf_spake2 a_copy = *a;
	uint8_t got[2][32];

	check(a->message, 33, message_a);
	check(b->message, 33, message_b);
	assert_int_equal(pf_spake2_finish(a, b->message, 33, got[0]), 0);
	assert_int_equal(pf_spake2_finish(b, a_copy.message, 33, got[1]), 0);
	check(got[0], 32, key);
	check(got[1], 32, key);
}

/* punktfunk1.md 21.2. */
static void published_vector(void **state)
{
	struct pf_spake2_text pw = text_of("password"), id_a = text_of("idA"),
			      id_b = text_of("idB");
	uint8_t x[32], y[32], blind[32];
	struct pf_spake2 a, b;

	decimal(x, "2611694063369306139794446498317402240796898290761098242657700742213257926693");
	decimal(y, "7002393159576182977806091886122272758628412261510164356026361256515836884383");
	decimal(blind,
		"3515301705789368674385125653994241092664323519848410154015274772661223168839");
	assert_int_equal(pf_spake2_start(&a, PF_SPAKE2_A, pw, id_a, id_b, x), 0);
	assert_int_equal(pf_spake2_start(&b, PF_SPAKE2_B, pw, id_a, id_b, y), 0);
	assert_memory_equal(a.blind, blind, 32);
	both(&a, &b, "416fc960df73c9cf8ed7198b0c9534e2e96a5984bfc5edc023fd24dacf371f2af9",
		"42354e97b88406922b1df4bea1d7870f17aed3dba7c720b313edae315b00959309",
		"712295de7219c675ddd31942184aa26e0a957cf216bc230d165b215047b520c1");
}

/* Big-endian hex as 32 little-endian bytes. */
static void number(uint8_t out[32], const char *hex)
{
	uint8_t big[32];

	assert_int_equal(hex_bytes(hex, big, sizeof(big)), 32);
	for (unsigned i = 0; i < 32; i++)
		out[i] = big[31 - i];
}

static void ceremony_vector(void **state)
{
	uint8_t client[32], host[32], x[32], y[32], blind[32];
	struct pf_spake2_text pw = text_of("4821"), id_a = { client, 32 }, id_b = { host, 32 };
	struct pf_spake2 a, b;

	for (unsigned i = 0; i < 32; i++) {
		client[i] = (uint8_t)i;
		host[i] = (uint8_t)(32 + i);
	}
	number(x, "0ae815683b7ab4f30dcb7f3023bb0cb1822f30f4eb14614f67c86564fe47e39e");
	number(y, "05d02ad076f569e61b96fe6047761962ef7f680b333125c8777e67af9f99f34f");
	number(blind, "0e9d238705f994d71134bee5ac59f49254701b319c5c323a5ce1eba4acd03eb0");
	assert_int_equal(pf_spake2_start(&a, PF_SPAKE2_A, pw, id_a, id_b, x), 0);
	assert_int_equal(pf_spake2_start(&b, PF_SPAKE2_B, pw, id_a, id_b, y), 0);
	assert_memory_equal(a.blind, blind, 32);
	both(&a, &b, "410c34ba63cd88f96fb34173ce46ea3c90853b59abd0ba79e2d43a214968447074",
		"423a54386b2f5bc6dd5189d1a5fead0d0485c149f908bf7015ee11009ace26f39d",
		"2b824d9733cced334ac966c69ef6ee0b9f34207b66438f8371b079083dfec9bf");
}

static void random_exchanges(void **state)
{
	for (unsigned i = 0; i < 40; i++) {
		bool same = i & 1;
		struct pf_spake2 a, b;
		uint8_t sent[33], key[2][32];

		start(&a, PF_SPAKE2_A, "0042");
		start(&b, PF_SPAKE2_B, same ? "0042" : "0043");
		memcpy(sent, a.message, sizeof(sent));
		assert_int_equal(pf_spake2_finish(&a, b.message, 33, key[0]), 0);
		assert_int_equal(pf_spake2_finish(&b, sent, 33, key[1]), 0);
		assert_int_equal(memcmp(key[0], key[1], 32) == 0, same);
	}
}

/* Another identity on one side is another key. */
static void identities_count(void **state)
{
	struct pf_spake2_text pw = text_of("1234");
	struct pf_spake2 a, b;
	uint8_t sent[33], key[2][32];

	assert_int_equal(
		pf_spake2_start(&a, PF_SPAKE2_A, pw, text_of("client"), text_of("host"), NULL), 0);
	assert_int_equal(
		pf_spake2_start(&b, PF_SPAKE2_B, pw, text_of("client"), text_of("mitm"), NULL), 0);
	memcpy(sent, a.message, sizeof(sent));
	assert_int_equal(pf_spake2_finish(&a, b.message, 33, key[0]), 0);
	assert_int_equal(pf_spake2_finish(&b, sent, 33, key[1]), 0);
	assert_memory_not_equal(key[0], key[1], 32);
}

static bool is_wiped(const struct pf_spake2 *s)
{
	static const struct pf_spake2 zero;

	return !memcmp(s->scalar, zero.scalar, 32) && !memcmp(s->blind, zero.blind, 32) &&
	       !memcmp(s->hashed, zero.hashed, sizeof(zero.hashed)) && !s->open;
}

static void refuse(const uint8_t *message, size_t len)
{
	uint8_t key[32], untouched[32];
	struct pf_spake2 s;

	memset(key, 0xa5, sizeof(key));
	memset(untouched, 0xa5, sizeof(untouched));
	start(&s, PF_SPAKE2_A, "1234");
	assert_int_equal(pf_spake2_finish(&s, message, len, key), -EPROTO);
	assert_memory_equal(key, untouched, 32);
	assert_true(is_wiped(&s));
	assert_int_equal(pf_spake2_finish(&s, message, len, key), -EINVAL);
}

/* All eight points of small order, encodings out of range, points off the curve
 * and points with a part of small order. */
static void hostile_messages(void **state)
{
	static const char *const points[] = {
		"0100000000000000000000000000000000000000000000000000000000000000",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0000000000000000000000000000000000000000000000000000000000000080",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
		/* the identity, 0 and -1, each plus the field's prime */
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		/* the identity with a sign */
		"0100000000000000000000000000000000000000000000000000000000000080",
		/* no x has this y */
		"0200000000000000000000000000000000000000000000000000000000000000",
		/* the base point plus the one of order 2 */
		"9599999999999999999999999999999999999999999999999999999999999999",
	};
	struct pf_spake2 b;
	uint8_t message[34];

	message[0] = 'B';
	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
		assert_int_equal(hex_bytes(points[i], message + 1, 32), 32);
		refuse(message, 33);
	}
	start(&b, PF_SPAKE2_B, "1234");
	memcpy(message, b.message, 33);
	message[33] = 0;
	refuse(message, 32);
	refuse(message, 34);
	refuse(message, 0);
	message[0] = 'A';
	refuse(message, 33);
	message[0] = 'S';
	refuse(message, 33);
	pf_spake2_wipe(&b);
	assert_true(is_wiped(&b));
}

/* What makes K the identity: our guess of the password, bare. */
static void bare_blinding(void **state)
{
	uint8_t message[33], key[32], zero[32] = { 0 };
	struct pf_spake2 s;

	message[0] = 'B';
	assert_int_equal(hex_bytes("f04f2e7eb734b2a8f8b472eaf9c3c632576ac64aea650b496a8a20ff00e583"
				   "c3",
				 message + 1, 32),
		32);
	start(&s, PF_SPAKE2_A, "1234");
	memcpy(s.blind, zero, 32);
	s.blind[0] = 1;
	assert_int_equal(pf_spake2_finish(&s, message, 33, key), -EPROTO);
	assert_int_equal(
		pf_spake2_start(&s, PF_SPAKE2_A, text_of("1"), text_of("a"), text_of("b"), zero),
		-EINVAL);
	assert_true(is_wiped(&s));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_vector),
		cmocka_unit_test(ceremony_vector),
		cmocka_unit_test(random_exchanges),
		cmocka_unit_test(identities_count),
		cmocka_unit_test(hostile_messages),
		cmocka_unit_test(bare_blinding),
	};

	return cmocka_run_group_tests_name("crypto_spake2", tests, NULL, NULL);
}
