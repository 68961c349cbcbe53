/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include "core/wire/mdns.h"

/* What an Avahi 0.8 daemon answered to our one-shot query, but for the addresses. */
static const uint8_t answer[] = { 0x12, 0x34, 0x84, 0x00, 0, 1, 0, 1, 0, 0, 0,
	3, /* id, flags, counts */
	/* 12: the question: _punktfunk._udp.local PTR IN */
	10, '_', 'p', 'u', 'n', 'k', 't', 'f', 'u', 'n', 'k', /* 12 */
	4, '_', 'u', 'd', 'p',				      /* 23 */
	5, 'l', 'o', 'c', 'a', 'l', 0,			      /* 28 */
	0, 12, 0, 1,
	/* 39: PTR */
	0xc0, 12, 0, 12, 0, 1, 0, 0, 0, 10, 0, 7, 4, 'D', 'e', 's', 'k', 0xc0, 12,
	/* 58: TXT of the name at 51 */
	0xc0, 51, 0, 16, 0x80, 1, 0, 0, 0, 10, 0, 11, 4, 'i', 'd', '=', '7', 5, 'm', 'g', 'm', 't',
	'=',
	/* 81: SRV, machine pftest.local */
	0xc0, 51, 0, 33, 0x80, 1, 0, 0, 0, 10, 0, 15, 0, 0, 0, 0, 0x26, 0x31, 6, 'p', 'f', 't', 'e',
	's', 't', 0xc0, 28,
	/* 108: A */
	0xc0, 99, 0, 1, 0x80, 1, 0, 0, 0, 10, 0, 4, 10, 77, 0, 1 };

struct seen {
	unsigned count;
	struct pf_mdns_record r[8];
};

static void keep(void *user, const struct pf_mdns_record *r)
{
	struct seen *s = user;

	assert_true(s->count < 8);
	s->r[s->count++] = *r;
}

static void is_name(const struct pf_mdns_name *name, const char *dotted)
{
	struct pf_mdns_name other;

	assert_true(pf_mdns_name_make(&other, dotted));
	assert_true(pf_mdns_name_equal(name, &other));
}

static void an_answer_is_read(void **state)
{
	struct pf_mdns_name type;
	struct seen s = { 0 };
	const uint8_t *v;
	uint16_t id;

	assert_int_equal(pf_mdns_parse(answer, sizeof(answer), &id, keep, &s), 0);
	assert_int_equal(id, 0x1234);
	assert_int_equal(s.count, 4);
	assert_int_equal(s.r[0].type, PF_MDNS_PTR);
	is_name(&s.r[0].name, "_PUNKTFUNK._udp.local");
	is_name(&s.r[0].target, "Desk._punktfunk._udp.local");
	assert_int_equal(s.r[1].type, PF_MDNS_TXT);
	assert_int_equal(pf_mdns_txt_find(s.r[1].data, s.r[1].data_len, "ID", &v), 1);
	assert_int_equal(*v, '7');
	assert_int_equal(pf_mdns_txt_find(s.r[1].data, s.r[1].data_len, "mgmt", &v), 0);
	assert_int_equal(pf_mdns_txt_find(s.r[1].data, s.r[1].data_len, "i", &v), -ENOENT);
	assert_int_equal(s.r[2].type, PF_MDNS_SRV);
	assert_int_equal(s.r[2].port, 9777);
	is_name(&s.r[2].target, "pftest.local");
	assert_int_equal(s.r[3].type, PF_MDNS_A);
	assert_memory_equal(s.r[3].data, "\x0a\x4d\x00\x01", 4);
	is_name(&s.r[3].name, "pftest.local");

	assert_true(pf_mdns_name_make(&type, "_punktfunk._udp.local"));
	assert_true(pf_mdns_name_is_instance(&s.r[0].target, &type));
	assert_false(pf_mdns_name_is_instance(&type, &type));
	assert_false(pf_mdns_name_is_instance(&s.r[3].name, &type));
}

static void cut_anywhere_it_is_refused(void **state)
{
	for (size_t len = 0; len < sizeof(answer); len++) {
		struct seen s = { 0 };

		assert_int_equal(pf_mdns_parse(answer, len, NULL, keep, &s), -EBADMSG);
		assert_true(s.count <= 3);
	}
}

static void refuse(size_t at, uint8_t value)
{
	uint8_t bad[sizeof(answer)];
	struct seen s = { 0 };

	memcpy(bad, answer, sizeof(bad));
	bad[at] = value;
	assert_int_equal(pf_mdns_parse(bad, sizeof(bad), NULL, keep, &s), -EBADMSG);
}

static void what_is_wrong_is_refused(void **state)
{
	refuse(2, 0x04);  /* a query */
	refuse(2, 0x8c);  /* another opcode */
	refuse(3, 3);	  /* an error */
	refuse(7, 2);	  /* more records than there are */
	refuse(40, 39);	  /* a pointer to itself */
	refuse(40, 60);	  /* and ahead */
	refuse(12, 0x40); /* a label of no known kind */
	refuse(50, 6);	  /* a PTR shorter than its name */
	refuse(119, 3);	  /* an IPv4 address of 3 bytes */
}

static void names_have_limits(void **state)
{
	char longest[300];
	struct pf_mdns_name n;

	assert_false(pf_mdns_name_make(&n, ""));
	assert_false(pf_mdns_name_make(&n, "a..b"));
	memset(longest, 'x', sizeof(longest));
	longest[63] = 0;
	assert_true(pf_mdns_name_make(&n, longest));
	assert_int_equal(n.len, 65);
	longest[63] = 'x';
	longest[64] = 0;
	assert_false(pf_mdns_name_make(&n, longest));
	for (unsigned i = 0; i < sizeof(longest); i++)
		longest[i] = i % 50 == 49 ? '.' : 'x';
	longest[253] = 0;
	assert_true(pf_mdns_name_make(&n, longest));
	assert_int_equal(n.len, 255);
	longest[253] = 'x';
	longest[254] = 0;
	assert_false(pf_mdns_name_make(&n, longest));
}

static void a_query_asks_all(void **state)
{
	struct pf_mdns_name a, b;
	const struct pf_mdns_question q[] = { { &a, PF_MDNS_PTR }, { &b, PF_MDNS_AAAA } };
	static const uint8_t want[] = { 0xab, 0xcd, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 1, 'a', 0, 0, 12,
		0, 1, 1, 'b', 1, 'c', 0, 0, 28, 0, 1 };
	uint8_t buf[sizeof(want)];

	assert_true(pf_mdns_name_make(&a, "a") && pf_mdns_name_make(&b, "b.c"));
	assert_int_equal(pf_mdns_query_build(q, 2, 0xabcd, buf, sizeof(buf)), sizeof(want));
	assert_memory_equal(buf, want, sizeof(want));
	assert_int_equal(pf_mdns_query_build(q, 2, 0xabcd, buf, sizeof(buf) - 1), -EMSGSIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_is_read),
		cmocka_unit_test(cut_anywhere_it_is_refused),
		cmocka_unit_test(what_is_wrong_is_refused),
		cmocka_unit_test(names_have_limits),
		cmocka_unit_test(a_query_asks_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
