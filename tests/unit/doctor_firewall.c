/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include "host/doctor/firewall.h"

/* As `nft -j list ruleset` of nftables 1.0.6 writes them. */
#define TABLE(chains)                                                                              \
	"{\"nftables\":[{\"metainfo\":{\"version\":\"1.0.6\"}},"                                   \
	"{\"table\":{\"family\":\"inet\",\"name\":\"f\",\"handle\":1}}" chains "]}"
#define BASE(name, policy)                                                                         \
	",{\"chain\":{\"family\":\"inet\",\"table\":\"f\",\"name\":\"" name                        \
	"\",\"handle\":2,\"type\":\"filter\",\"hook\":\"input\",\"prio\":0,\"policy\":\"" policy   \
	"\"}}"
#define CHAIN(name)                                                                                \
	",{\"chain\":{\"family\":\"inet\",\"table\":\"f\",\"name\":\"" name "\",\"handle\":3}}"
#define RULE(chain, expr)                                                                          \
	",{\"rule\":{\"family\":\"inet\",\"table\":\"f\",\"chain\":\"" chain                       \
	"\",\"handle\":9,\"expr\":[" expr "]}}"
#define MATCH(op, left, right)                                                                     \
	"{\"match\":{\"op\":\"" op "\",\"left\":" left ",\"right\":" right "}}"
#define PORT(protocol) "{\"payload\":{\"protocol\":\"" protocol "\",\"field\":\"dport\"}}"
#define META(key)      "{\"meta\":{\"key\":\"" key "\"}}"
#define STATE	       "{\"ct\":{\"key\":\"state\"}}"
#define SOURCE	       "{\"payload\":{\"protocol\":\"ip\",\"field\":\"saddr\"}}"
#define NET	       "{\"prefix\":{\"addr\":\"10.0.0.0\",\"len\":8}}"
#define ACCEPT	       "{\"accept\":null}"
#define DROP	       "{\"drop\":null}"
#define REJECT	       "{\"reject\":{\"type\":\"icmpx\",\"expr\":\"port-unreachable\"}}"
#define RETURN	       "{\"return\":null}"
#define COUNTER	       "{\"counter\":{\"packets\":0,\"bytes\":0}}"
#define JUMP(chain)    "{\"jump\":{\"target\":\"" chain "\"}}"
#define GOTO(chain)    "{\"goto\":{\"target\":\"" chain "\"}}"
#define VMAP                                                                                       \
	"{\"vmap\":{\"key\":" STATE ",\"data\":{\"set\":[[\"established\"," ACCEPT                 \
	"],[\"invalid\"," DROP "]]}}}"

static enum pf_firewall_verdict judge(const char *json, bool tcp, uint16_t port)
{
	enum pf_firewall_verdict v = 99;
	char where[64] = "";

	assert_int_equal(pf_firewall_judge(json, tcp, port, where, sizeof(where), &v), 0);
	if (v != PF_FIREWALL_OPEN)
		assert_string_equal(where, "inet f input");
	return v;
}

#define OPEN(json, tcp, port)	assert_int_equal(judge(json, tcp, port), PF_FIREWALL_OPEN)
#define CLOSED(json, tcp, port) assert_int_equal(judge(json, tcp, port), PF_FIREWALL_CLOSED)
#define MAYBE(json, tcp, port)	assert_int_equal(judge(json, tcp, port), PF_FIREWALL_MAYBE)

static void policies(void **state)
{
	OPEN(TABLE(""), false, 9777);
	OPEN(TABLE(BASE("input", "accept")), false, 9777);
	CLOSED(TABLE(BASE("input", "drop")), false, 9777);
	CLOSED(TABLE(BASE("input", "accept") RULE("input", COUNTER "," REJECT)), true, 1);
	/* One that does not see input does not count. */
	OPEN(TABLE(CHAIN("input") RULE("input", DROP)), false, 9777);
	/* The usual beginnings of a ruleset let no stranger in. */
	CLOSED(TABLE(BASE("input", "drop") RULE(
		       "input", MATCH("in", STATE, "[\"established\",\"related\"]") "," ACCEPT)
			       RULE("input", MATCH("==", META("iifname"), "\"lo\"") "," ACCEPT)),
		false, 9777);
	OPEN(TABLE(BASE("input", "drop") RULE("input", MATCH("in", STATE, "\"new\"") "," ACCEPT)),
		false, 9777);
}

static void ports(void **state)
{
	static const char one[] = TABLE(
		BASE("input", "drop") RULE("input", MATCH("==", PORT("udp"), "9777") "," ACCEPT));
	static const char set[] = TABLE(BASE("input", "drop") RULE("input",
		MATCH("==", PORT("udp"), "{\"set\":[9777,{\"range\":[47998,48000]}]}") "," ACCEPT));
	static const char not_one[] = TABLE(
		BASE("input", "accept") RULE("input", MATCH("!=", PORT("udp"), "9777") "," DROP));
	static const char both[] = TABLE(BASE("input", "drop") RULE(
		"input", MATCH("==", META("l4proto"), "{\"set\":[\"tcp\",\"udp\"]}") "," MATCH(
				 "==", PORT("th"), "9777") "," ACCEPT));

	OPEN(one, false, 9777);
	CLOSED(one, true, 9777);
	CLOSED(one, false, 9778);
	OPEN(set, false, 9777);
	OPEN(set, false, 47999);
	CLOSED(set, false, 48001);
	OPEN(not_one, false, 9777);
	CLOSED(not_one, false, 1);
	OPEN(both, true, 9777);
	OPEN(both, false, 9777);
	CLOSED(both, false, 1);
}

static void order_and_chains(void **state)
{
	static const char first[] = TABLE(BASE("input", "drop") RULE(
		"input", MATCH("==", PORT("udp"), "9777") "," DROP) RULE("input", ACCEPT));
	static const char jump[] = TABLE(BASE("input", "drop") CHAIN("in")
			RULE("in", MATCH("==", PORT("udp"), "9777") "," ACCEPT) RULE("in", RETURN)
				RULE("in", ACCEPT) RULE("input", JUMP("in")));
	static const char go[] = TABLE(BASE("input", "drop") CHAIN("in") RULE("in", COUNTER)
			RULE("input", GOTO("in")) RULE("input", ACCEPT));
	static const char loop[] = TABLE(
		BASE("input", "drop") CHAIN("in") RULE("in", JUMP("in")) RULE("input", JUMP("in")));

	CLOSED(first, false, 9777);
	OPEN(first, false, 1);
	OPEN(jump, false, 9777);
	CLOSED(jump, false, 1);
	CLOSED(go, false, 1);
	(void)judge(loop, false, 1); /* ends */
}

static void what_cannot_be_judged(void **state)
{
	MAYBE(TABLE(BASE("input", "drop") RULE("input",
		      MATCH("==", SOURCE, NET) "," MATCH("==", PORT("udp"), "9777") "," ACCEPT)),
		false, 9777);
	MAYBE(TABLE(BASE("input", "drop") RULE("input", "{\"xt\":null}," ACCEPT)), false, 9777);
	/* By the state of a connection it can. */
	CLOSED(TABLE(BASE("input", "drop") RULE("input", VMAP)), false, 9777);
	MAYBE(TABLE(BASE("input", "drop") RULE("input",
		      "{\"vmap\":{\"key\":" META("iifname") ",\"data\":{\"set\":[[\"eth0\"," ACCEPT
							    "]]}}}")),
		false, 9777);
	MAYBE(TABLE(BASE("input", "drop")
			      RULE("input", MATCH("==", PORT("udp"), "\"@games\"") "," ACCEPT)),
		false, 9777);
	/* A drop with conditions is no closed door. */
	OPEN(TABLE(BASE("input", "accept") RULE("input", MATCH("==", SOURCE, NET) "," DROP)), false,
		9777);
}

static void what_is_no_ruleset(void **state)
{
	static const char *const texts[] = { "", "{", "[]", "{}", "{\"nftables\":1}", "null" };
	enum pf_firewall_verdict v;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(pf_firewall_judge(texts[i], false, 1, NULL, 0, &v), -EBADMSG);
	assert_int_equal(pf_firewall_judge("{\"nftables\":[1,{\"chain\":{}},{\"rule\":[]}]}", false,
				 1, NULL, 0, &v),
		0);
	assert_int_equal(v, PF_FIREWALL_OPEN);
}

static void rules_of_ufw(void **state)
{
	static const char rules[] = "*filter\n"
				    "### tuple ### deny udp 9777 0.0.0.0/0 any 192.0.2.1 in\n"
				    "### tuple ### allow udp 9000:9999 0.0.0.0/0 any 0.0.0.0/0 in\n"
				    "### tuple ### limit tcp 22 0.0.0.0/0 any 0.0.0.0/0 in_eth0\n"
				    "### tuple ### allow any 80,443 0.0.0.0/0 any 0.0.0.0/0 in\n"
				    "### tuple ### allow tcp 5000 0.0.0.0/0 any 0.0.0.0/0 out\n"
				    "### tuple ### cut";

	assert_false(pf_firewall_ufw_allows(rules, false, 9777)); /* the first that fits */
	assert_true(pf_firewall_ufw_allows(rules, false, 9778));
	assert_false(pf_firewall_ufw_allows(rules, true, 9778));
	assert_true(pf_firewall_ufw_allows(rules, true, 22));
	assert_true(pf_firewall_ufw_allows(rules, true, 443));
	assert_true(pf_firewall_ufw_allows(rules, false, 80));
	assert_false(pf_firewall_ufw_allows(rules, true, 5000));
	assert_false(pf_firewall_ufw_allows("", true, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(policies),
		cmocka_unit_test(ports),
		cmocka_unit_test(order_and_chains),
		cmocka_unit_test(what_cannot_be_judged),
		cmocka_unit_test(what_is_no_ruleset),
		cmocka_unit_test(rules_of_ufw),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
