/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/doctor/firewall.h"
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>

#define FIREWALLD "org.fedoraproject.FirewallD1"
#define NEEDS_MAX 10
#define DEPTH_MAX 8

struct need {
	bool tcp;
	uint16_t port;
};

static unsigned list_needs(const struct pf_config *c, struct need *out)
{
	unsigned n = 0;
	uint32_t base = c->gamestream_port;

	if (c->port)
		out[n++] = (struct need){ false, (uint16_t)c->port };
	if (c->data_port)
		out[n++] = (struct need){ false, (uint16_t)c->data_port };
	if (c->mgmt && c->mgmt_port && !pf_is_loopback(c->mgmt_bind))
		out[n++] = (struct need){ true, (uint16_t)c->mgmt_port };
	if (c->gamestream && base > 5) {
		out[n++] = (struct need){ true, (uint16_t)(base - 5) };
		out[n++] = (struct need){ true, (uint16_t)base };
		out[n++] = (struct need){ true, (uint16_t)(base + 21) };
		for (unsigned i = 9; i <= 11; i++)
			out[n++] = (struct need){ false, (uint16_t)(base + i) };
	}
	return n;
}

static const char *proto(bool tcp)
{
	return tcp ? "tcp" : "udp";
}

/* ---- nftables ---- */

enum truth { NO, PERHAPS, YES };

struct packet {
	bool tcp;
	uint16_t port;
	const json_t *ruleset;
};

static enum truth either(enum truth a, enum truth b)
{
	return a > b ? a : b;
}

static enum truth text_is(const json_t *v, const char *word)
{
	const char *s = json_string_value(v);

	return s ? (strcmp(s, word) ? NO : YES) : PERHAPS;
}

/* Does the right side of a match hold for a number, or else for a word? */
static enum truth holds(const json_t *right, json_int_t number, const char *word)
{
	const json_t *list, *item;
	size_t i;

	if (json_is_integer(right))
		return json_integer_value(right) == number ? YES : NO;
	if (json_is_string(right)) {
		if (json_string_value(right)[0] == '@')
			return PERHAPS; /* a set by name */
		return word ? text_is(right, word) : PERHAPS;
	}
	list = json_object_get(right, "range");
	if (json_array_size(list) == 2)
		return number >= json_integer_value(json_array_get(list, 0)) &&
				       number <= json_integer_value(json_array_get(list, 1))
			       ? YES
			       : NO;
	list = json_is_array(right) ? right : json_object_get(right, "set");
	if (json_is_array(list)) {
		enum truth t = NO;

		json_array_foreach(list, i, item) t = either(t, holds(item, number, word));
		return t;
	}
	return PERHAPS;
}

static enum truth match(const struct packet *p, const json_t *m)
{
	const json_t *left = json_object_get(m, "left"), *right = json_object_get(m, "right");
	const json_t *payload = json_object_get(left, "payload"),
		     *meta = json_object_get(left, "meta");
	const char *op = json_string_value(json_object_get(m, "op"));
	const char *protocol, *field, *key;
	enum truth t = PERHAPS;

	if (payload) {
		protocol = json_string_value(json_object_get(payload, "protocol"));
		field = json_string_value(json_object_get(payload, "field"));
		if (!protocol || !field)
			return PERHAPS;
		if (!strcmp(protocol, p->tcp ? "udp" : "tcp") || !strncmp(protocol, "icmp", 4))
			return NO;
		if (!strcmp(field, "dport"))
			t = holds(right, p->port, NULL);
		else if (!strcmp(field, "protocol"))
			t = holds(right, p->tcp ? 6 : 17, proto(p->tcp));
	} else if (meta) {
		key = json_string_value(json_object_get(meta, "key"));
		if (key && !strcmp(key, "l4proto"))
			t = holds(right, p->tcp ? 6 : 17, proto(p->tcp));
		else if (key && (!strcmp(key, "iifname") || !strcmp(key, "iif")))
			t = text_is(right, "lo") == YES ? NO : PERHAPS;
	} else {
		key = json_string_value(json_object_get(json_object_get(left, "ct"), "key"));
		if (key && !strcmp(key, "state"))
			t = holds(right, -1, "new");
	}
	if (op && !strcmp(op, "!=") && t != PERHAPS)
		return t == YES ? NO : YES;
	return t;
}

static enum pf_firewall_verdict judge_chain(const struct packet *p, const char *family,
	const char *table, const char *chain, enum pf_firewall_verdict otherwise, unsigned depth);

static bool same(const json_t *o, const char *key, const char *value)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s && !strcmp(s, value);
}

/* By the state of a connection a stranger's packet is new; of other keys nothing is
 * known. */
static bool vmap_may_accept(const json_t *vmap)
{
	const json_t *pairs = json_object_get(json_object_get(vmap, "data"), "set"), *pair;
	const json_t *key = json_object_get(json_object_get(vmap, "key"), "ct");
	size_t i;

	if (!same(key, "key", "state") || !json_is_array(pairs))
		return true;
	json_array_foreach(pairs, i, pair)
	{
		if (text_is(json_array_get(pair, 0), "new") != NO)
			return !json_object_get(json_array_get(pair, 1), "drop");
	}
	return false;
}

/* -1: the rule does not decide. *maybe: it might have let the packet in. */
static int judge_rule(const struct packet *p, const json_t *rule, const char *family,
	const char *table, unsigned depth, bool *maybe)
{
	enum truth t = YES;
	const json_t *e;
	size_t i;

	json_array_foreach(json_object_get(rule, "expr"), i, e)
	{
		const json_t *m = json_object_get(e, "match"), *target = json_object_get(e, "jump");

		if (!target)
			target = json_object_get(e, "goto");
		if (m) {
			enum truth one = match(p, m);

			if (one == NO)
				return -1;
			t = one < t ? one : t;
		} else if (json_object_get(e, "accept")) {
			*maybe |= t == PERHAPS;
			return t == YES ? PF_FIREWALL_OPEN : -1;
		} else if (json_object_get(e, "drop") || json_object_get(e, "reject")) {
			return t == YES ? PF_FIREWALL_CLOSED : -1;
		} else if (json_object_get(e, "vmap")) {
			*maybe |= vmap_may_accept(json_object_get(e, "vmap"));
			return -1;
		} else if (json_object_get(e, "return")) {
			return t == YES ? -2 : -1;
		} else if (target) {
			const char *to = json_string_value(json_object_get(target, "target"));
			/* PF_FIREWALL_MAYBE + 1: it came back. */
			int v = to && depth < DEPTH_MAX ? (int)judge_chain(p, family, table, to,
								  (enum pf_firewall_verdict)(
									  PF_FIREWALL_CLOSED + 1),
								  depth + 1)
							: (int)PF_FIREWALL_MAYBE;

			if (v > (int)PF_FIREWALL_CLOSED)
				return json_object_get(e, "goto") && t == YES ? -2 : -1;
			*maybe |= v == PF_FIREWALL_MAYBE || (t == PERHAPS && v == PF_FIREWALL_OPEN);
			return t == YES && v != PF_FIREWALL_MAYBE ? v : -1;
		} else if (!json_object_get(e, "counter") && !json_object_get(e, "log") &&
			   !json_object_get(e, "comment")) {
			t = PERHAPS; /* limits, extensions of iptables */
		}
	}
	return -1;
}

static enum pf_firewall_verdict judge_chain(const struct packet *p, const char *family,
	const char *table, const char *chain, enum pf_firewall_verdict otherwise, unsigned depth)
{
	bool maybe = false;
	const json_t *o;
	size_t i;

	json_array_foreach(p->ruleset, i, o)
	{
		const json_t *rule = json_object_get(o, "rule");
		int v;

		if (!rule || !same(rule, "family", family) || !same(rule, "table", table) ||
			!same(rule, "chain", chain))
			continue;
		v = judge_rule(p, rule, family, table, depth, &maybe);
		if (v == -2)
			break;
		if (v == PF_FIREWALL_CLOSED && maybe)
			return PF_FIREWALL_MAYBE;
		if (v >= 0)
			return (enum pf_firewall_verdict)v;
	}
	if (maybe && otherwise != PF_FIREWALL_OPEN)
		return PF_FIREWALL_MAYBE;
	return otherwise;
}

int pf_firewall_judge(const char *text, bool tcp, uint16_t port, char *where, size_t cap,
	enum pf_firewall_verdict *out)
{
	json_t *root = json_loads(text, 0, NULL);
	const struct packet p = { tcp, port, json_object_get(root, "nftables") };
	enum pf_firewall_verdict worst = PF_FIREWALL_OPEN;
	const json_t *o;
	size_t i;

	if (!json_is_array(p.ruleset)) {
		json_decref(root);
		return -EBADMSG;
	}
	json_array_foreach(p.ruleset, i, o)
	{
		const json_t *chain = json_object_get(o, "chain");
		const char *family = json_string_value(json_object_get(chain, "family"));
		const char *table = json_string_value(json_object_get(chain, "table"));
		const char *name = json_string_value(json_object_get(chain, "name"));
		enum pf_firewall_verdict v;

		if (!chain || !family || !table || !name || !same(chain, "hook", "input") ||
			!same(chain, "type", "filter") ||
			(strcmp(family, "ip") && strcmp(family, "inet")))
			continue;
		v = judge_chain(&p, family, table, name,
			same(chain, "policy", "drop") ? PF_FIREWALL_CLOSED : PF_FIREWALL_OPEN, 0);
		if (v > worst) {
			worst = v;
			if (where)
				snprintf(where, cap, "%s %s %s", family, table, name);
		}
	}
	json_decref(root);
	*out = worst;
	return 0;
}

/* "{ 1, 2 }" of the ports of one kind. */
static const char *port_set(const struct need *list, unsigned count, bool tcp)
{
	const char *s = "";

	for (unsigned i = 0; i < count; i++)
		if (list[i].tcp == tcp)
			s = pf_text("%s%s%u", s, *s ? ", " : "", list[i].port);
	return *s ? pf_text("{ %s }", s) : "";
}

static const char *port_names(const struct need *list, unsigned count)
{
	const char *s = "";

	for (unsigned i = 0; i < count; i++)
		s = pf_text(
			"%s%s%s %u", s, *s ? ", " : "", list[i].tcp ? "TCP" : "UDP", list[i].port);
	return s;
}

/* Words for settings that no rule with fixed ports fits. */
static const char *also(const struct pf_config *c)
{
	return c->data_port
		       ? ""
		       : " Video has a random port (data_port = 0): a firewall that names ports "
			 "needs a fixed one, too.";
}

static void check_nft(struct pf_exam *x, const struct need *list, unsigned count)
{
	const char *text = json_string_value(json_object_get(pf_exam_params(x)->facts, "nft"));
	char where[256] = "";
	struct need closed[NEEDS_MAX];
	unsigned bad = 0, maybe = 0;
	const char *tcp, *udp;
	int r = text ? 0 : -EACCES;

	if (!pf_nft_program()) {
		pf_say(x, PF_DOCTOR_SKIP,
			"no ufw and no firewalld; rules of nftables cannot be read without nft",
			"Install the program to see them.", "sudo apt-get install nftables");
		return;
	}
	for (unsigned i = 0; i < count && !r; i++) {
		enum pf_firewall_verdict v;
		char at[256];

		r = pf_firewall_judge(text, list[i].tcp, list[i].port, at, sizeof(at), &v);
		if (!r && v == PF_FIREWALL_CLOSED) {
			closed[bad++] = list[i];
			snprintf(where, sizeof(where), "%s", at);
		}
		maybe += !r && v == PF_FIREWALL_MAYBE;
	}
	if (r) {
		pf_say(x, PF_DOCTOR_SKIP,
			"no ufw and no firewalld; rules of nftables are shown to root alone",
			"Ask as root.", "sudo punktfunk-host doctor --only network");
		return;
	}
	if (!bad) {
		pf_say(x, PF_DOCTOR_OK,
			pf_text("nftables lets %s in%s", port_names(list, count),
				maybe ? ", by rules with conditions" : ""),
			NULL, NULL);
		return;
	}
	udp = port_set(closed, bad, false);
	tcp = port_set(closed, bad, true);
	pf_say(x, PF_DOCTOR_FAIL,
		pf_text("nftables (chain %s) keeps clients out of %s", where,
			port_names(closed, bad)),
		pf_text("Let them in; write the same into /etc/nftables.conf to keep it.%s",
			also(pf_exam_config(x))),
		pf_text("%s%s%s",
			*udp ? pf_text("sudo nft insert rule %s udp dport '%s' accept", where, udp)
			     : "",
			*udp && *tcp ? " && " : "",
			*tcp ? pf_text("sudo nft insert rule %s tcp dport '%s' accept", where, tcp)
			     : ""));
}

/* ---- ufw ---- */

/* "9777", "47998:48000", "80,443", "any" */
static bool in_ports(const char *list, uint16_t port)
{
	char *copy = strdup(list), *save = NULL;
	bool in = !strcmp(list, "any");

	for (char *w = copy ? strtok_r(copy, ",", &save) : NULL; w && !in;
		w = strtok_r(NULL, ",", &save)) {
		unsigned a, b;
		int n = sscanf(w, "%u:%u", &a, &b);

		in = n == 2 ? port >= a && port <= b : n == 1 && port == a;
	}
	free(copy);
	return in;
}

bool pf_firewall_ufw_allows(const char *rules, bool tcp, uint16_t port)
{
	static const char mark[] = "### tuple ### ";
	char action[32], kind[16], ports[128], from[64], source[16], to[64], way[32];

	/* ### tuple ### ACTION PROTO DPORT DST SPORT SRC DIRECTION; the first that fits
	 * counts. */
	for (const char *p = rules; (p = strstr(p, mark)) != NULL; p += sizeof(mark) - 1) {
		if (sscanf(p + sizeof(mark) - 1, "%31s %15s %127s %63s %15s %63s %31s", action,
			    kind, ports, to, source, from, way) != 7)
			continue;
		if ((strcmp(kind, "any") && strcmp(kind, proto(tcp))) || strncmp(way, "in", 2) ||
			!in_ports(ports, port))
			continue;
		return !strncmp(action, "allow", 5) || !strncmp(action, "limit", 5);
	}
	return false;
}

static const char *ufw_command(const struct need *list, unsigned count)
{
	const char *s = "";

	for (unsigned i = 0; i < count; i++)
		s = pf_text("%s%ssudo ufw allow %u/%s", s, *s ? " && " : "", list[i].port,
			proto(list[i].tcp));
	return s;
}

/* True when ufw is on, and everything was said. */
static bool check_ufw(struct pf_exam *x, const struct need *list, unsigned count)
{
	static char text[1 << 20];
	const char *rules;
	struct need closed[NEEDS_MAX];
	unsigned bad = 0;

	if (!pf_slurp("/etc/ufw/ufw.conf", text, sizeof(text)) || !strstr(text, "\nENABLED=yes"))
		return false;
	if (pf_slurp("/etc/default/ufw", text, sizeof(text)) &&
		strstr(text, "\nDEFAULT_INPUT_POLICY=\"ACCEPT\"")) {
		pf_say(x, PF_DOCTOR_OK, "ufw is on and lets in what no rule names", NULL, NULL);
		return true;
	}
	rules = json_string_value(json_object_get(pf_exam_params(x)->facts, "ufw"));
	if (!rules && pf_slurp("/etc/ufw/user.rules", text, sizeof(text)))
		rules = text;
	if (!rules) {
		pf_say(x, PF_DOCTOR_WARN,
			pf_text("ufw is on; whether it lets %s in is shown to root alone",
				port_names(list, count)),
			pf_text("Let clients in.%s", also(pf_exam_config(x))),
			ufw_command(list, count));
		return true;
	}
	for (unsigned i = 0; i < count; i++)
		if (!pf_firewall_ufw_allows(rules, list[i].tcp, list[i].port))
			closed[bad++] = list[i];
	if (bad)
		pf_say(x, PF_DOCTOR_FAIL,
			pf_text("ufw is on and keeps clients out of %s", port_names(closed, bad)),
			pf_text("Let them in.%s", also(pf_exam_config(x))),
			ufw_command(closed, bad));
	else
		pf_say(x, PF_DOCTOR_OK,
			pf_text("ufw is on and lets %s in", port_names(list, count)), NULL, NULL);
	return true;
}

/* ---- firewalld ---- */

static int firewalld_allows(sd_bus *bus, const char *zone, const struct need *n)
{
	sd_bus_message *m = NULL;
	int yes = 0;
	int r = sd_bus_call_method(bus, FIREWALLD, "/org/fedoraproject/FirewallD1",
		FIREWALLD ".zone", "queryPort", NULL, &m, "sss", zone, pf_text("%u", n->port),
		proto(n->tcp));

	if (r >= 0)
		r = sd_bus_message_read(m, "b", &yes);
	sd_bus_message_unref(m);
	return r < 0 ? r : yes;
}

static bool check_firewalld(struct pf_exam *x, const struct need *list, unsigned count)
{
	const char *why, *zone = "", *command = "sudo firewall-cmd";
	struct need closed[NEEDS_MAX];
	sd_bus_message *m = NULL;
	unsigned bad = 0;
	sd_bus *bus = pf_bus(true, &why);
	bool seen = true;

	if (!bus || !pf_bus_has(bus, FIREWALLD))
		return false;
	if (sd_bus_call_method(bus, FIREWALLD, "/org/fedoraproject/FirewallD1", FIREWALLD,
		    "getDefaultZone", NULL, &m, "") < 0 ||
		sd_bus_message_read(m, "s", &zone) < 0)
		seen = false;
	for (unsigned i = 0; i < count && seen; i++) {
		int r = firewalld_allows(bus, zone, &list[i]);

		seen = r >= 0;
		if (!r)
			closed[bad++] = list[i];
	}
	if (seen && !bad) {
		pf_say(x, PF_DOCTOR_OK,
			pf_text("firewalld (zone %s) lets %s in", zone, port_names(list, count)),
			NULL, NULL);
		return true;
	}
	for (unsigned i = 0; i < (seen ? bad : count); i++)
		command = pf_text("%s --add-port=%u/%s", command,
			seen ? closed[i].port : list[i].port,
			proto(seen ? closed[i].tcp : list[i].tcp));
	pf_say(x, seen ? PF_DOCTOR_FAIL : PF_DOCTOR_WARN,
		seen ? pf_text("firewalld (zone %s) keeps clients out of %s", zone,
			       port_names(closed, bad))
		     : "firewalld runs; what it lets in it does not tell this user",
		pf_text("Let them in.%s", also(pf_exam_config(x))),
		pf_text("%s && sudo firewall-cmd --runtime-to-permanent", command));
	return true;
}

void pf_check_firewall(struct pf_exam *x, const char *arg)
{
	struct need list[NEEDS_MAX];
	unsigned count = list_needs(pf_exam_config(x), list);

	if (!count || pf_is_loopback(pf_exam_config(x)->bind_address)) {
		pf_say(x, PF_DOCTOR_SKIP,
			count ? "the host serves this machine alone" : "no fixed port to look for",
			NULL, NULL);
		return;
	}
	if (!check_ufw(x, list, count) && !check_firewalld(x, list, count))
		check_nft(x, list, count);
}
