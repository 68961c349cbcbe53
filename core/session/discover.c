/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/session/discover.h"
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/clock.h"
#include "core/crypto/secret.h"
#include "core/net/mdns.h"
#include "core/session/finder.h"

#define DEFAULT_MS   2000u
#define LONGEST_MS   600000u
#define ASK_AGAIN_NS (1000 * PF_NS_PER_MS) /* RFC 6762 5.2: not sooner */
/* What came to be known by name only is asked for soon. */
#define ASK_MORE_NS (100 * PF_NS_PER_MS)

struct search {
	struct pf_finder *finder;
	struct pf_mdns_net *net;
	PunktfunkFoundCallback fn;
	void *user;
	size_t count;
	PunktfunkFoundHost told[PF_FINDER_HOSTS], now[PF_FINDER_HOSTS];
};

static bool is_same(const PunktfunkFoundHost *a, const PunktfunkFoundHost *b)
{
	return !strcmp(a->id, b->id) && !strcmp(a->name, b->name) && a->port == b->port &&
	       a->has_fingerprint == b->has_fingerprint &&
	       !memcmp(a->fingerprint, b->fingerprint, sizeof(a->fingerprint));
}

static const PunktfunkFoundHost *find(
	const PunktfunkFoundHost *list, size_t count, const PunktfunkFoundHost *h)
{
	for (size_t i = 0; i < count; i++)
		if (is_same(&list[i], h))
			return &list[i];
	return NULL;
}

/* Tells what is other than before; false to stop. */
static bool tell(struct search *s)
{
	const size_t count = pf_finder_hosts(s->finder, s->now);
	bool on = true;

	for (size_t i = 0; i < s->count && on; i++)
		if (!find(s->now, count, &s->told[i])) {
			s->told[i].address_count = 0;
			on = !s->fn(s->user, &s->told[i]);
		}
	for (size_t i = 0; i < count && on; i++) {
		const PunktfunkFoundHost *before = find(s->told, s->count, &s->now[i]);

		if (!before || memcmp(before, &s->now[i], sizeof(*before)))
			on = !s->fn(s->user, &s->now[i]);
	}
	memcpy(s->told, s->now, count * sizeof(s->now[0]));
	s->count = count;
	return on;
}

static int run(struct search *s, uint64_t end_ns, struct pf_reason *why)
{
	uint8_t query[PF_FINDER_QUERY_MAX];
	uint64_t ask_ns = 0;
	uint16_t id;
	bool on = true;

	if (pf_random_bytes(&id, sizeof(id)))
		return pf_reason_set(why, -EIO, "no random bytes");
	while (on && pf_clock_mono_ns() < end_ns) {
		const uint64_t now = pf_clock_mono_ns();
		const uint8_t *data;
		char zone[16];
		int n;

		if (now >= ask_ns) {
			n = pf_mdns_net_ask(s->net, query, pf_finder_query(s->finder, id, query));
			if (n && !ask_ns)
				return pf_reason_set(why, n,
					"cannot ask the network: %s; is there one, and does a "
					"firewall let UDP port 5353 out?",
					strerror(-n));
			ask_ns = now + ASK_AGAIN_NS;
		}
		n = pf_mdns_net_receive(s->net, ask_ns < end_ns ? ask_ns : end_ns, &data, zone);
		if (n > 0 && pf_finder_take(s->finder, data, (size_t)n, zone)) {
			on = tell(s);
			if (pf_finder_lacks(s->finder) && ask_ns > now + ASK_MORE_NS)
				ask_ns = now + ASK_MORE_NS;
		} else if (n < 0 && n != -ETIMEDOUT) {
			return pf_reason_set(why, n, "cannot hear the network: %s", strerror(-n));
		}
	}
	return (int)s->count;
}

int pf_discover(uint32_t timeout_ms, PunktfunkFoundCallback fn, void *user, struct pf_reason *why)
{
	const uint32_t ms = !timeout_ms		      ? DEFAULT_MS
			    : timeout_ms > LONGEST_MS ? LONGEST_MS
						      : timeout_ms;
	struct search *s = calloc(1, sizeof(*s));
	int r = -ENOMEM;

	if (!s)
		return pf_reason_set(why, r, "out of memory");
	s->fn = fn;
	s->user = user;
	r = pf_finder_create(&s->finder);
	if (!r)
		r = pf_mdns_net_open(&s->net);
	if (r == -EHOSTUNREACH)
		(void)pf_reason_set(why, r, "no network here that can multicast");
	else if (r)
		(void)pf_reason_set(why, r, "%s", strerror(-r));
	else
		r = run(s, pf_clock_mono_ns() + ms * PF_NS_PER_MS, why);
	pf_mdns_net_close(s->net);
	pf_finder_destroy(s->finder);
	free(s);
	return r;
}
