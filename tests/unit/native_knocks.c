/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include "host/native/knocks.h"

#define S 1000000000ull

static int owners[64];

static struct sockaddr_storage from(unsigned last, uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_storage s = { 0 };

	a.sin_addr.s_addr = htonl(0xc0000200u + last);
	memcpy(&s, &a, sizeof(a));
	return s;
}

struct result {
	uint32_t id;
	void *superseded, *dropped;
};

/* Device `d` knocks from address `a`; its connection is owners[o]. */
static struct result knock(struct pf_knocks *k, uint8_t d, unsigned a, unsigned o, uint64_t now)
{
	struct sockaddr_storage s = from(a, (uint16_t)(1000 + o));
	uint8_t fp[32] = { d };
	struct result r;

	r.id = pf_knocks_add(k, fp, "tv", &s, &owners[o], now, &r.superseded, &r.dropped);
	assert_non_null(pf_knocks_find(k, r.id));
	return r;
}

static void the_same_device_again(void **state)
{
	struct pf_knocks k = { 0 };
	struct result one = knock(&k, 1, 1, 0, 5 * S), two;

	assert_null(one.superseded);
	assert_string_equal(pf_knocks_find(&k, one.id)->address, "192.0.2.1");
	two = knock(&k, 1, 2, 1, 6 * S);
	assert_int_equal(two.id, one.id);
	assert_ptr_equal(two.superseded, &owners[0]);
	assert_null(two.dropped);
	assert_int_equal(k.count, 1);
	assert_int_equal(pf_knocks_find(&k, one.id)->since_ns, 6 * S);
	/* The old connection's end says nothing about the new one. */
	assert_false(pf_knocks_left(&k, &owners[0]));
	assert_ptr_equal(pf_knocks_remove(&k, one.id), &owners[1]);
	assert_int_equal(k.count, 0);
	assert_null(pf_knocks_remove(&k, one.id));
	assert_null(pf_knocks_find(&k, one.id));
}

static void limit_per_address(void **state)
{
	struct pf_knocks k = { 0 };
	struct result r;

	for (uint8_t i = 0; i < 4; i++)
		assert_null(knock(&k, i, 1, i, i * S).dropped);
	assert_null(knock(&k, 9, 2, 9, 4 * S).dropped);
	/* Its own again takes no other's place. */
	assert_null(knock(&k, 3, 1, 10, 5 * S).dropped);
	/* The one without connection goes first, else the oldest. */
	assert_true(pf_knocks_left(&k, &owners[2]));
	r = knock(&k, 20, 1, 11, 6 * S);
	assert_null(r.dropped);
	assert_null(pf_knocks_find_device(&k, (const uint8_t[32]){ 2 }));
	r = knock(&k, 21, 1, 12, 7 * S);
	assert_ptr_equal(r.dropped, &owners[0]);
	assert_non_null(pf_knocks_find_device(&k, (const uint8_t[32]){ 9 }));
	assert_int_equal(k.count, 5);
}

static void limit_of_all(void **state)
{
	struct pf_knocks k = { 0 };
	struct result r;

	for (uint8_t i = 0; i < PF_KNOCKS_MAX; i++)
		assert_null(knock(&k, i, i, i, i * S).dropped);
	assert_true(pf_knocks_left(&k, &owners[7]));
	assert_null(knock(&k, 40, 40, 40, 40 * S).dropped);
	assert_null(pf_knocks_find_device(&k, (const uint8_t[32]){ 7 }));
	r = knock(&k, 41, 41, 41, 41 * S);
	assert_ptr_equal(r.dropped, &owners[0]);
	assert_int_equal(k.count, PF_KNOCKS_MAX);
}

static void mapped_addresses_are_the_same(void **state)
{
	struct sockaddr_storage v4 = from(1, 5), v6 = { .ss_family = AF_INET6 };
	struct pf_knocks k = { .per_address = 1 };
	void *superseded, *dropped;

	assert_int_equal(
		inet_pton(AF_INET6, "::ffff:192.0.2.1", &((struct sockaddr_in6 *)&v6)->sin6_addr),
		1);
	pf_knocks_add(&k, (const uint8_t[32]){ 1 }, "a", &v4, &owners[0], 0, &superseded, &dropped);
	pf_knocks_add(&k, (const uint8_t[32]){ 2 }, "b", &v6, &owners[1], 0, &superseded, &dropped);
	assert_ptr_equal(dropped, &owners[0]);
	assert_string_equal(k.list[0].address, "192.0.2.1");
}

static void time_passes(void **state)
{
	struct pf_knocks k = { 0 };
	struct result one = knock(&k, 1, 1, 1, 10 * S), two = knock(&k, 2, 2, 2, 20 * S);

	assert_int_equal(pf_knocks_deadline(&k), 190 * S);
	assert_null(pf_knocks_expired(&k, 190 * S - 1));
	assert_ptr_equal(pf_knocks_expired(&k, 200 * S), &owners[1]);
	assert_ptr_equal(pf_knocks_expired(&k, 200 * S), &owners[2]);
	assert_null(pf_knocks_expired(&k, 200 * S));
	/* They can still be approved for a while. */
	assert_int_equal(k.count, 2);
	assert_int_equal(pf_knocks_deadline(&k), 610 * S);
	assert_null(pf_knocks_expired(&k, 610 * S));
	assert_null(pf_knocks_find(&k, one.id));
	assert_non_null(pf_knocks_find(&k, two.id));
	assert_null(pf_knocks_expired(&k, 620 * S));
	assert_int_equal(k.count, 0);
	assert_true(pf_knocks_deadline(&k) == UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_device_again),
		cmocka_unit_test(limit_per_address),
		cmocka_unit_test(limit_of_all),
		cmocka_unit_test(mapped_addresses_are_the_same),
		cmocka_unit_test(time_passes),
	};

	return cmocka_run_group_tests_name("native_knocks", tests, NULL, NULL);
}
