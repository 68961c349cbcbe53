/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include "core/base/bytes.h"
#include "core/session/finder.h"

#define FP_A "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define FP_B "ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

/* ---- messages ---- */

struct message {
	struct pf_writer w;
	unsigned count;
	uint8_t buf[4096];
};

static void begin(struct message *m)
{
	memset(m, 0, sizeof(*m));
	m->w = pf_writer(m->buf, sizeof(m->buf));
	pf_wr_u16be(&m->w, 0);
	pf_wr_u16be(&m->w, 0x8400);
	pf_wr_be(&m->w, 0, 8);
}

static void name(struct message *m, const char *dotted)
{
	struct pf_mdns_name n;

	assert_true(pf_mdns_name_make(&n, dotted));
	pf_wr_bytes(&m->w, n.wire, n.len);
}

static void record(struct message *m, const char *owner, uint16_t type, uint32_t ttl,
	const uint8_t *body, size_t len)
{
	name(m, owner);
	pf_wr_u16be(&m->w, type);
	pf_wr_u16be(&m->w, 0x8001);
	pf_wr_u32be(&m->w, ttl);
	pf_wr_u16be(&m->w, (uint16_t)len);
	pf_wr_bytes(&m->w, body, len);
	m->count++;
	m->buf[7] = (uint8_t)m->count;
}

static void put_ptr(struct message *m, const char *instance, uint32_t ttl)
{
	struct pf_mdns_name n;

	assert_true(pf_mdns_name_make(&n, instance));
	record(m, "_punktfunk._udp.local", PF_MDNS_PTR, ttl, n.wire, n.len);
}

static void put_srv(struct message *m, const char *instance, uint16_t port, const char *machine)
{
	uint8_t body[300] = { 0, 0, 0, 0, (uint8_t)(port >> 8), (uint8_t)port };
	struct pf_mdns_name n;

	assert_true(pf_mdns_name_make(&n, machine));
	memcpy(body + 6, n.wire, n.len);
	record(m, instance, PF_MDNS_SRV, 120, body, 6u + n.len);
}

/* Words are parted by '|'. */
static void put_txt(struct message *m, const char *instance, const char *words)
{
	struct pf_writer w;
	uint8_t body[1024];

	w = pf_writer(body, sizeof(body));
	while (*words) {
		const size_t len = strcspn(words, "|");

		pf_wr_u8(&w, (uint8_t)len);
		pf_wr_bytes(&w, words, len);
		words += len + (words[len] == '|');
	}
	record(m, instance, PF_MDNS_TXT, 120, body, w.len);
}

static void put_a(struct message *m, const char *machine, uint8_t last)
{
	record(m, machine, PF_MDNS_A, 120, (const uint8_t[]){ 192, 168, 7, last }, 4);
}

static void put_aaaa(struct message *m, const char *machine, uint8_t first, uint8_t last)
{
	const uint8_t body[16] = { first, first == 0xfe ? 0x80 : 0x01, [15] = last };

	record(m, machine, PF_MDNS_AAAA, 120, body, 16);
}

static bool take(struct pf_finder *f, const struct message *m, const char *zone)
{
	return pf_finder_take(f, m->buf, m->w.len, zone);
}

static void put_whole(struct message *m, const char *label, const char *machine, const char *id,
	const char *fp, uint8_t last)
{
	char instance[128], txt[512];

	snprintf(instance, sizeof(instance), "%s._punktfunk._udp.local", label);
	snprintf(txt, sizeof(txt), "proto=punktfunk/1|fp=%s|pair=required|id=%s", fp, id);
	put_ptr(m, instance, 120);
	put_srv(m, instance, 9777, machine);
	put_txt(m, instance, txt);
	put_a(m, machine, last);
}

/* ---- tests ---- */

static PunktfunkFoundHost hosts[PF_FINDER_HOSTS];

static void records_in_any_order_make_a_host(void **state)
{
	struct pf_finder *f;
	struct message m;

	assert_int_equal(pf_finder_create(&f), 0);
	assert_false(pf_finder_lacks(f));
	begin(&m);
	put_a(&m, "printer.local", 1); /* nobody asked */
	assert_false(take(f, &m, "eth0"));
	begin(&m);
	put_txt(&m, "Front Room._punktfunk._udp.local",
		"proto=punktfunk/1|fp=" FP_A "|pair=required|id=abc|mgmt=47990|mac=aa:bb:cc:dd:ee:"
		"ff|os=linux/debian|other=x");
	assert_true(take(f, &m, "eth0"));
	assert_true(pf_finder_lacks(f));
	begin(&m);
	put_aaaa(&m, "box.local", 0xfe, 9);
	put_a(&m, "box.local", 4);
	put_srv(&m, "front room._PUNKTFUNK._udp.local", 9777, "BOX.local");
	assert_true(take(f, &m, "eth0"));
	assert_false(pf_finder_lacks(f));
	assert_false(take(f, &m, "eth0"));
	begin(&m);
	put_aaaa(&m, "box.local", 0x20, 9);
	assert_true(take(f, &m, "eth1"));

	assert_int_equal(pf_finder_hosts(f, hosts), 1);
	assert_int_equal(hosts[0].struct_size, sizeof(hosts[0]));
	assert_string_equal(hosts[0].name, "Front Room");
	assert_int_equal(hosts[0].port, 9777);
	assert_int_equal(hosts[0].mgmt_port, 47990);
	assert_int_equal(hosts[0].has_fingerprint, 1);
	assert_int_equal(hosts[0].fingerprint[1], 0x11);
	assert_int_equal(hosts[0].pairing, PUNKTFUNK_PAIRING_REQUIRED);
	assert_string_equal(hosts[0].id, "abc");
	assert_string_equal(hosts[0].macs, "aa:bb:cc:dd:ee:ff");
	assert_string_equal(hosts[0].os, "linux/debian");
	assert_string_equal(hosts[0].proto, "punktfunk/1");
	assert_int_equal(hosts[0].address_count, 3);
	assert_string_equal(hosts[0].addresses[0], "192.168.7.4");
	assert_string_equal(hosts[0].addresses[1], "2001::9");
	assert_string_equal(hosts[0].addresses[2], "fe80::9%eth0");
	pf_finder_destroy(f);
}

/* The same id and key under two names and two machine names: one host. The same id with
 * another key is another host, so nobody's addresses get into it. */
static void hosts_are_merged_by_id_and_key(void **state)
{
	struct pf_finder *f;
	struct message m;

	assert_int_equal(pf_finder_create(&f), 0);
	begin(&m);
	put_whole(&m, "desk-2", "b.local", "id1", FP_A, 9);
	put_whole(&m, "desk", "a.local", "id1", FP_A, 5);
	put_whole(&m, "attic", "c.local", "id1", FP_B, 7);
	put_whole(&m, "zoo", "d.local", "", "none", 8);
	assert_true(take(f, &m, ""));
	assert_int_equal(pf_finder_hosts(f, hosts), 3);
	assert_string_equal(hosts[0].name, "attic");
	assert_int_equal(hosts[0].address_count, 1);
	assert_string_equal(hosts[1].name, "desk");
	assert_int_equal(hosts[1].address_count, 2);
	assert_string_equal(hosts[1].addresses[0], "192.168.7.5");
	assert_string_equal(hosts[1].addresses[1], "192.168.7.9");
	assert_string_equal(hosts[2].name, "zoo");
	assert_int_equal(hosts[2].has_fingerprint, 0);

	/* A goodbye. */
	begin(&m);
	put_ptr(&m, "attic._punktfunk._udp.local", 0);
	assert_true(take(f, &m, ""));
	assert_int_equal(pf_finder_hosts(f, hosts), 2);
	pf_finder_destroy(f);
}

static void what_is_missing_is_asked_for(void **state)
{
	uint8_t query[PF_FINDER_QUERY_MAX];
	struct pf_finder *f;
	struct message m;

	assert_int_equal(pf_finder_create(&f), 0);
	assert_int_equal(pf_finder_query(f, 7, query), 12 + 23 + 4);
	assert_int_equal(query[5], 1);
	begin(&m);
	put_ptr(&m, "desk._punktfunk._udp.local", 120);
	(void)take(f, &m, "");
	assert_true(pf_finder_lacks(f));
	(void)pf_finder_query(f, 7, query);
	assert_int_equal(query[5], 3);
	begin(&m);
	put_srv(&m, "desk._punktfunk._udp.local", 1, "a.local");
	(void)take(f, &m, "");
	(void)pf_finder_query(f, 7, query);
	assert_int_equal(query[5], 4);
	begin(&m);
	put_txt(&m, "desk._punktfunk._udp.local", "x=y");
	put_a(&m, "a.local", 1);
	(void)take(f, &m, "");
	assert_false(pf_finder_lacks(f));
	(void)pf_finder_query(f, 7, query);
	assert_int_equal(query[5], 1);
	pf_finder_destroy(f);
}

/* A network that makes hosts up fills the places and no more. */
static void numbers_are_bounded(void **state)
{
	uint8_t query[PF_FINDER_QUERY_MAX];
	struct pf_finder *f;
	struct message m;
	char label[32], machine[32], id[32];

	assert_int_equal(pf_finder_create(&f), 0);
	for (unsigned i = 0; i < 2 * PF_FINDER_HOSTS; i++) {
		snprintf(label, sizeof(label), "h%u", i);
		snprintf(machine, sizeof(machine), "m%u.local", i);
		snprintf(id, sizeof(id), "%u", i);
		begin(&m);
		put_whole(&m, label, machine, id, FP_A, (uint8_t)i);
		for (unsigned a = 0; a < 30; a++)
			put_a(&m, machine, (uint8_t)(100 + a));
		assert_int_equal(take(f, &m, ""), i < PF_FINDER_HOSTS);
	}
	assert_int_equal(pf_finder_hosts(f, hosts), PF_FINDER_HOSTS);
	assert_int_equal(hosts[3].address_count, 8);
	begin(&m);
	for (unsigned i = 0; i < 2 * PF_FINDER_HOSTS; i++) {
		snprintf(label, sizeof(label), "h%u._punktfunk._udp.local", i);
		put_ptr(&m, label, 0);
	}
	(void)take(f, &m, "");
	for (unsigned i = 0; i < PF_FINDER_HOSTS; i++) {
		char longest[128];

		snprintf(longest, sizeof(longest), "%060u._punktfunk._udp.local", i);
		begin(&m);
		put_ptr(&m, longest, 120);
		(void)take(f, &m, "");
	}
	assert_in_range(pf_finder_query(f, 0, query), 39, PF_FINDER_QUERY_MAX);
	pf_finder_destroy(f);
}

/* What is of no use is left out, what a terminal must not see is replaced. */
static void odd_values(void **state)
{
	struct pf_finder *f;
	struct message m;

	assert_int_equal(pf_finder_create(&f), 0);
	begin(&m);
	put_whole(&m, "a\x1b[2Jb", "a.local", "i\nd", "0011", 1);
	put_whole(&m, "z", "z.local", "z", FP_A "00", 1);
	put_txt(&m, "z._punktfunk._udp.local", "fp=" FP_A "0|pair=maybe|mgmt=65536|id=z");
	put_aaaa(&m, "z.local", 0xfe, 2); /* of no interface that we know */
	put_srv(&m, "z._punktfunk._udp.local", 0, "z.local");
	assert_true(take(f, &m, ""));
	assert_int_equal(pf_finder_hosts(f, hosts), 2);
	assert_string_equal(hosts[0].name, "a?[2Jb");
	assert_string_equal(hosts[0].id, "i?d");
	assert_int_equal(hosts[0].has_fingerprint, 0);
	assert_int_equal(hosts[1].has_fingerprint, 0);
	assert_int_equal(hosts[1].pairing, PUNKTFUNK_PAIRING_UNKNOWN);
	assert_int_equal(hosts[1].mgmt_port, 0);
	assert_int_equal(hosts[1].port, 9777);
	assert_int_equal(hosts[1].address_count, 1);
	pf_finder_destroy(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_in_any_order_make_a_host),
		cmocka_unit_test(hosts_are_merged_by_id_and_key),
		cmocka_unit_test(what_is_missing_is_asked_for),
		cmocka_unit_test(numbers_are_bounded),
		cmocka_unit_test(odd_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
