/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tools/impair/options.h"
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/clock.h"

/* A reorder hold or a queue that nobody asked for in figures. */
#define DEFAULT_HOLD_NS	 (3 * PF_NS_PER_MS)
#define DEFAULT_SLOT_NS	 (20 * PF_NS_PER_MS)
#define DEFAULT_QUEUE_MS 100
#define MAX_NS		 (60 * PF_NS_PER_S)

const char *pf_impair_options_help(void)
{
	return "usage: pf-impair --listen ADDR:PORT --to ADDR:PORT [options]\n"
	       "Relays UDP between clients and a host and treats it as a bad network would.\n"
	       "\n"
	       "  --listen A:P --to A:P    one port; P 0 to listen on picks one\n"
	       "  --map A:P[-Q]=A:P[-Q]    the same for a port or a range; may be repeated\n"
	       "  --from ADDR              source address towards the host (default: listen's)\n"
	       "  --only PORT              loss, duplicates, reordering and MTU only on this\n"
	       "                           listening port; may be repeated\n"
	       "  --seed N                 same seed, same luck (default 1)\n"
	       "  --seconds N              stop by itself\n"
	       "  --report FILE            write a JSON report at the end (- = standard output)\n"
	       "\n"
	       "Rules; each takes a leading up: (to the host) or down: (to the client), else "
	       "both:\n"
	       "  --loss P                 each datagram, independently (2% or 0.02)\n"
	       "  --burst ENTER:LEAVE[:BAD[:GOOD]]\n"
	       "                           Gilbert-Elliott: chance per datagram to enter and to\n"
	       "                           leave the bad state, loss in it (100%) and outside "
	       "(0%)\n"
	       "  --delay T                fixed delay (5ms, 800us)\n"
	       "  --jitter T[:uniform|normal[:SLOT]]\n"
	       "                           delay varies by T, wandering from value to value in\n"
	       "                           SLOT (20ms) and in order; SLOT 0: each datagram on its\n"
	       "                           own, overtaking\n"
	       "  --reorder P[:HOLD]       hold a datagram back for HOLD (3ms)\n"
	       "  --duplicate P\n"
	       "  --rate R[:QUEUE]         bottleneck shared by all flows (20mbit), tail drop\n"
	       "                           when QUEUE bytes (k, M; default 100 ms) are waiting\n"
	       "  --mtu BYTES              drop datagrams with a larger payload\n";
}

uint16_t pf_impair_addr_port(const union pf_impair_addr *a)
{
	return ntohs(a->sa.sa_family == AF_INET6 ? a->in6.sin6_port : a->in.sin_port);
}

void pf_impair_addr_set_port(union pf_impair_addr *a, uint16_t port)
{
	if (a->sa.sa_family == AF_INET6)
		a->in6.sin6_port = htons(port);
	else
		a->in.sin_port = htons(port);
}

socklen_t pf_impair_addr_bytes(const union pf_impair_addr *a)
{
	return a->sa.sa_family == AF_INET6 ? sizeof(a->in6) : sizeof(a->in);
}

char *pf_impair_addr_to_string(const union pf_impair_addr *a, char *buf, unsigned cap)
{
	char ip[INET6_ADDRSTRLEN] = "";

	if (a->sa.sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &a->in6.sin6_addr, ip, sizeof(ip));
		snprintf(buf, cap, "[%s]:%u", ip, pf_impair_addr_port(a));
	} else {
		inet_ntop(AF_INET, &a->in.sin_addr, ip, sizeof(ip));
		snprintf(buf, cap, "%s:%u", ip, pf_impair_addr_port(a));
	}
	return buf;
}

/* "1.2.3.4" or "[::1]" of `len` characters. */
static bool parse_ip(const char *text, size_t len, union pf_impair_addr *out)
{
	char ip[INET6_ADDRSTRLEN];
	union pf_impair_addr a;
	bool six = len >= 2 && text[0] == '[' && text[len - 1] == ']';

	memset(&a, 0, sizeof(a));
	if (six) {
		text++;
		len -= 2;
	}
	if (len >= sizeof(ip))
		return false;
	memcpy(ip, text, len);
	ip[len] = 0;
	a.sa.sa_family = six ? AF_INET6 : AF_INET;
	if (inet_pton(a.sa.sa_family, ip, six ? (void *)&a.in6.sin6_addr : &a.in.sin_addr) != 1)
		return false;
	*out = a;
	return true;
}

/* Decimal number at the start of `text`; the rest through `end`. */
static bool parse_uint(const char *text, uint64_t max, uint64_t *out, const char **end)
{
	char *stop;
	unsigned long long v;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	v = strtoull(text, &stop, 10);
	if (errno || v > max)
		return false;
	*out = v;
	*end = stop;
	return true;
}

/* "ADDR:PORT" or "ADDR:FIRST-LAST", `len` characters. */
static bool parse_endpoint(const char *text, size_t len, union pf_impair_addr *out, unsigned *ports)
{
	char buf[96];
	const char *end;
	char *colon;
	uint64_t first, last;

	if (len >= sizeof(buf))
		return false;
	memcpy(buf, text, len);
	buf[len] = 0;
	colon = strrchr(buf, ':');
	if (!colon || !parse_ip(buf, (size_t)(colon - buf), out))
		return false;
	if (!parse_uint(colon + 1, UINT16_MAX, &first, &end))
		return false;
	last = first;
	if (*end == '-' && !parse_uint(end + 1, UINT16_MAX, &last, &end))
		return false;
	if (*end || last < first || (!first && last))
		return false;
	pf_impair_addr_set_port(out, (uint16_t)first);
	*ports = (unsigned)(last - first + 1);
	return true;
}

static int add_maps(struct pf_impair_options *o, const char *listen, size_t listen_len,
	const char *to, struct pf_reason *why)
{
	struct pf_impair_map m = { .rough = true };
	unsigned a, b;

	if (!parse_endpoint(listen, listen_len, &m.listen, &a) ||
		!parse_endpoint(to, strlen(to), &m.to, &b))
		return pf_reason_set(why, -EINVAL,
			"'%.*s' to '%s': write addresses as 127.0.0.2:9777 or [::1]:9777",
			(int)listen_len, listen, to);
	if (!pf_impair_addr_port(&m.to))
		return pf_reason_set(why, -EINVAL, "'%s': the host's port cannot be 0", to);
	if (a != b)
		return pf_reason_set(why, -EINVAL,
			"'%.*s' and '%s' differ in their number of ports", (int)listen_len, listen,
			to);
	if (m.listen.sa.sa_family != m.to.sa.sa_family)
		return pf_reason_set(why, -EINVAL, "'%.*s' and '%s': one is IPv4, the other IPv6",
			(int)listen_len, listen, to);
	if (a > PF_IMPAIR_MAPS - o->map_count)
		return pf_reason_set(why, -EINVAL, "more than %d ports", PF_IMPAIR_MAPS);
	for (unsigned i = 0; i < a; i++) {
		o->maps[o->map_count++] = m;
		pf_impair_addr_set_port(&m.listen, (uint16_t)(pf_impair_addr_port(&m.listen) + 1));
		pf_impair_addr_set_port(&m.to, (uint16_t)(pf_impair_addr_port(&m.to) + 1));
	}
	return 0;
}

/* The parts of "a:b:c", cut in place. */
struct parts {
	char text[128];
	char *part[4];
	unsigned count;
};

static bool split(struct parts *p, const char *text)
{
	size_t len = strlen(text);

	if (len >= sizeof(p->text))
		return false;
	memcpy(p->text, text, len + 1);
	p->part[0] = p->text;
	p->count = 1;
	for (char *c = p->text; *c; c++) {
		if (*c != ':')
			continue;
		if (p->count == 4)
			return false;
		*c = 0;
		p->part[p->count++] = c + 1;
	}
	return true;
}

static bool parse_number(const char *text, double *out, const char **end)
{
	char *stop;
	double v;

	if ((*text < '0' || *text > '9') && *text != '.')
		return false;
	v = strtod(text, &stop);
	if (stop == text || !isfinite(v))
		return false;
	*out = v;
	*end = stop;
	return true;
}

/* "2%" or "0.02" */
static bool parse_chance(const char *text, double *out)
{
	const char *end;
	double v;

	if (!parse_number(text, &v, &end))
		return false;
	if (*end == '%') {
		v /= 100;
		end++;
	}
	if (*end || v > 1)
		return false;
	*out = v;
	return true;
}

/* "5ms", "800us", "1s", "0" */
static bool parse_time(const char *text, uint64_t *out)
{
	static const struct {
		const char *unit;
		double ns;
	} units[] = { { "us", PF_NS_PER_US }, { "ms", PF_NS_PER_MS }, { "s", PF_NS_PER_S } };
	const char *end;
	double v;

	if (!parse_number(text, &v, &end))
		return false;
	if (v == 0 && !*end) {
		*out = 0;
		return true;
	}
	for (unsigned i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(end, units[i].unit))
			continue;
		if (v * units[i].ns > (double)MAX_NS)
			return false;
		*out = (uint64_t)(v * units[i].ns);
		return true;
	}
	return false;
}

/* A number with one of up to three suffixes worth 1, 1000 and 10^6 of `unit`. */
static bool parse_scaled(const char *text, const char *const suffix[3], double max, uint64_t *out)
{
	const char *end;
	double v, scale = 1;

	if (!parse_number(text, &v, &end))
		return false;
	for (int i = 0; i < 3; i++, scale *= 1000) {
		if (strcmp(end, suffix[i]))
			continue;
		if (v * scale < 1 || v * scale > max)
			return false;
		*out = (uint64_t)(v * scale);
		return true;
	}
	return false;
}

static bool parse_loss(struct pf_impair_rules *r, const struct parts *p)
{
	return p->count == 1 && parse_chance(p->part[0], &r->loss);
}

static bool parse_burst(struct pf_impair_rules *r, const struct parts *p)
{
	r->burst_loss_bad = 1;
	r->burst_loss_good = 0;
	return p->count >= 2 && parse_chance(p->part[0], &r->burst_enter) &&
	       parse_chance(p->part[1], &r->burst_leave) &&
	       (p->count < 3 || parse_chance(p->part[2], &r->burst_loss_bad)) &&
	       (p->count < 4 || parse_chance(p->part[3], &r->burst_loss_good));
}

static bool parse_delay(struct pf_impair_rules *r, const struct parts *p)
{
	return p->count == 1 && parse_time(p->part[0], &r->delay_ns);
}

static bool parse_jitter(struct pf_impair_rules *r, const struct parts *p)
{
	r->jitter = PF_IMPAIR_UNIFORM;
	r->jitter_slot_ns = DEFAULT_SLOT_NS;
	if (p->count > 3 || !parse_time(p->part[0], &r->jitter_ns))
		return false;
	if (p->count >= 2 && !strcmp(p->part[1], "normal"))
		r->jitter = PF_IMPAIR_NORMAL;
	else if (p->count >= 2 && strcmp(p->part[1], "uniform"))
		return false;
	return p->count < 3 || parse_time(p->part[2], &r->jitter_slot_ns);
}

static bool parse_reorder(struct pf_impair_rules *r, const struct parts *p)
{
	r->reorder_ns = DEFAULT_HOLD_NS;
	return p->count <= 2 && parse_chance(p->part[0], &r->reorder) &&
	       (p->count < 2 || parse_time(p->part[1], &r->reorder_ns));
}

static bool parse_duplicate(struct pf_impair_rules *r, const struct parts *p)
{
	return p->count == 1 && parse_chance(p->part[0], &r->duplicate);
}

static bool parse_rate(struct pf_impair_rules *r, const struct parts *p)
{
	static const char *const bits[3] = { "bit", "kbit", "mbit" };
	static const char *const bytes[3] = { "", "k", "M" };
	uint64_t queue;

	if (p->count > 2 || !parse_scaled(p->part[0], bits, 1e11, &r->rate_bps))
		return false;
	queue = r->rate_bps / 8 * DEFAULT_QUEUE_MS / 1000;
	if (queue < 3000)
		queue = 3000;
	if (p->count == 2 && !parse_scaled(p->part[1], bytes, 1e9, &queue))
		return false;
	r->queue_bytes = queue > UINT32_MAX ? UINT32_MAX : (uint32_t)queue;
	return true;
}

static bool parse_mtu(struct pf_impair_rules *r, const struct parts *p)
{
	const char *end;
	uint64_t v;

	if (p->count != 1 || !parse_uint(p->part[0], UINT16_MAX, &v, &end) || *end || !v)
		return false;
	r->mtu_bytes = (uint32_t)v;
	return true;
}

static const struct rule {
	const char *name;
	bool (*parse)(struct pf_impair_rules *r, const struct parts *p);
} rules[] = {
	{ "loss", parse_loss },
	{ "burst", parse_burst },
	{ "delay", parse_delay },
	{ "jitter", parse_jitter },
	{ "reorder", parse_reorder },
	{ "duplicate", parse_duplicate },
	{ "rate", parse_rate },
	{ "mtu", parse_mtu },
};
#define RULES (sizeof(rules) / sizeof(rules[0]))

static int set_rule(struct pf_impair_options *o, const struct rule *rule, const char *text,
	struct pf_reason *why)
{
	const char *rest = text;
	bool up = true, down = true;
	struct parts p;

	if (!strncmp(text, "up:", 3)) {
		down = false;
		rest += 3;
	} else if (!strncmp(text, "down:", 5)) {
		up = false;
		rest += 5;
	}
	if (!split(&p, rest) || (up && !rule->parse(&o->rules[PF_IMPAIR_UP], &p)) ||
		(down && !rule->parse(&o->rules[PF_IMPAIR_DOWN], &p)))
		return pf_reason_set(
			why, -EINVAL, "--%s %s: not understood, see --help", rule->name, text);
	return 0;
}

/* Loss and the like stay on the ports that --only names. */
static int apply_only(
	struct pf_impair_options *o, const uint16_t *only, unsigned count, struct pf_reason *why)
{
	for (unsigned i = 0; count && i < o->map_count; i++)
		o->maps[i].rough = false;
	for (unsigned n = 0; n < count; n++) {
		bool found = false;

		for (unsigned i = 0; i < o->map_count; i++) {
			if (pf_impair_addr_port(&o->maps[i].listen) != only[n])
				continue;
			o->maps[i].rough = true;
			found = true;
		}
		if (!found)
			return pf_reason_set(
				why, -EINVAL, "--only %u: no map listens on that port", only[n]);
	}
	return 0;
}

enum {
	OPT_LISTEN = 256,
	OPT_TO,
	OPT_MAP,
	OPT_FROM,
	OPT_ONLY,
	OPT_SEED,
	OPT_SECONDS,
	OPT_REPORT,
	OPT_HELP,
	OPT_RULE
};

int pf_impair_options_parse(
	struct pf_impair_options *o, int argc, char *const *argv, struct pf_reason *why)
{
	static const struct option fixed[] = {
		{ "listen", required_argument, NULL, OPT_LISTEN },
		{ "to", required_argument, NULL, OPT_TO },
		{ "map", required_argument, NULL, OPT_MAP },
		{ "from", required_argument, NULL, OPT_FROM },
		{ "only", required_argument, NULL, OPT_ONLY },
		{ "seed", required_argument, NULL, OPT_SEED },
		{ "seconds", required_argument, NULL, OPT_SECONDS },
		{ "report", required_argument, NULL, OPT_REPORT },
		{ "help", no_argument, NULL, OPT_HELP },
	};
	enum { FIXED = sizeof(fixed) / sizeof(fixed[0]) };
	struct option all[FIXED + RULES + 1] = { 0 };
	const char *listen = NULL, *to = NULL, *sep, *end;
	uint16_t only[PF_IMPAIR_MAPS];
	unsigned only_count = 0;
	uint64_t n;
	double seconds;
	int c, r;

	memset(o, 0, sizeof(*o));
	o->seed = 1;
	memcpy(all, fixed, sizeof(fixed));
	for (unsigned i = 0; i < RULES; i++)
		all[FIXED + i] = (struct option){ rules[i].name, required_argument, NULL,
			OPT_RULE + (int)i };

	optind = 0;
	opterr = 0;
	while ((c = getopt_long(argc, argv, "+", all, NULL)) != -1) {
		switch (c) {
		case OPT_LISTEN:
			listen = optarg;
			break;
		case OPT_TO:
			to = optarg;
			break;
		case OPT_MAP:
			sep = strchr(optarg, '=');
			if (!sep)
				return pf_reason_set(
					why, -EINVAL, "--map %s: write LISTEN=DESTINATION", optarg);
			r = add_maps(o, optarg, (size_t)(sep - optarg), sep + 1, why);
			if (r < 0)
				return r;
			break;
		case OPT_FROM:
			if (!parse_ip(optarg, strlen(optarg), &o->from))
				return pf_reason_set(
					why, -EINVAL, "--from %s: not an address", optarg);
			o->has_from = true;
			break;
		case OPT_ONLY:
			if (!parse_uint(optarg, UINT16_MAX, &n, &end) || *end ||
				only_count == PF_IMPAIR_MAPS)
				return pf_reason_set(why, -EINVAL, "--only %s: not a port", optarg);
			only[only_count++] = (uint16_t)n;
			break;
		case OPT_SEED:
			if (!parse_uint(optarg, UINT64_MAX, &o->seed, &end) || *end)
				return pf_reason_set(
					why, -EINVAL, "--seed %s: not a number", optarg);
			break;
		case OPT_SECONDS:
			if (!parse_number(optarg, &seconds, &end) || *end || seconds > 1e6)
				return pf_reason_set(
					why, -EINVAL, "--seconds %s: not a number", optarg);
			o->run_ns = (uint64_t)(seconds * 1e9);
			break;
		case OPT_REPORT:
			o->report = optarg;
			break;
		case OPT_HELP:
			o->help = true;
			return 0;
		case '?':
			return pf_reason_set(why, -EINVAL,
				"%s: unknown option or value missing, see --help",
				argv[optind - 1]);
		default:
			r = set_rule(o, &rules[c - OPT_RULE], optarg, why);
			if (r < 0)
				return r;
		}
	}
	if (optind < argc)
		return pf_reason_set(why, -EINVAL, "%s: unexpected, see --help", argv[optind]);
	if (!listen != !to)
		return pf_reason_set(why, -EINVAL, "--listen and --to belong together");
	if (listen) {
		r = add_maps(o, listen, strlen(listen), to, why);
		if (r < 0)
			return r;
	}
	if (!o->map_count)
		return pf_reason_set(
			why, -EINVAL, "nothing to relay: give --listen and --to, or --map");
	for (unsigned i = 0; o->has_from && i < o->map_count; i++)
		if (o->maps[i].to.sa.sa_family != o->from.sa.sa_family)
			return pf_reason_set(why, -EINVAL, "--from is of the wrong IP version");
	return apply_only(o, only, only_count, why);
}
