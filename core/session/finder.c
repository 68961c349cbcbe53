/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/session/finder.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include "core/base/utf8.h"

#define TYPE_NAME     "_punktfunk._udp.local"
#define QUESTIONS_MAX 16u
#define ADDRESSES     (sizeof(((PunktfunkFoundHost *)0)->addresses) / ADDRESS_BYTES)
#define ADDRESS_BYTES sizeof(((PunktfunkFoundHost *)0)->addresses[0])

/* One instance of our service. */
struct service {
	bool used, has_srv, has_txt;
	struct pf_mdns_name name, target;
	PunktfunkFoundHost host; /* what the service itself says: all but addresses */
};

/* A machine name and where it is. */
struct machine {
	bool used;
	struct pf_mdns_name name;
	unsigned count;
	char addresses[ADDRESSES][ADDRESS_BYTES];
};

struct pf_finder {
	struct pf_mdns_name type;
	struct service services[PF_FINDER_HOSTS];
	struct machine machines[PF_FINDER_HOSTS];
};

/* One message under way. */
struct taking {
	struct pf_finder *f;
	const char *zone;
	bool addresses; /* the second time through: now it is known whose are of use */
	bool changed;
};

int pf_finder_create(struct pf_finder **out)
{
	struct pf_finder *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	(void)pf_mdns_name_make(&f->type, TYPE_NAME);
	*out = f;
	return 0;
}

void pf_finder_destroy(struct pf_finder *f)
{
	free(f);
}

/* ---- records ---- */

static struct service *find_service(struct pf_finder *f, const struct pf_mdns_name *name)
{
	for (unsigned i = 0; i < PF_FINDER_HOSTS; i++)
		if (f->services[i].used && pf_mdns_name_equal(&f->services[i].name, name))
			return &f->services[i];
	return NULL;
}

/* NULL when all places are taken. */
static struct service *want_service(struct taking *t, const struct pf_mdns_name *name)
{
	struct service *s = find_service(t->f, name);

	for (unsigned i = 0; !s && i < PF_FINDER_HOSTS; i++) {
		if (t->f->services[i].used)
			continue;
		s = &t->f->services[i];
		*s = (struct service){ .used = true, .name = *name };
		(void)pf_utf8_printable(
			s->host.name, sizeof(s->host.name), name->wire + 1, name->wire[0]);
	}
	return s;
}

static struct machine *find_machine(const struct pf_finder *f, const struct pf_mdns_name *name)
{
	for (unsigned i = 0; i < PF_FINDER_HOSTS; i++)
		if (f->machines[i].used && pf_mdns_name_equal(&f->machines[i].name, name))
			return (struct machine *)&f->machines[i];
	return NULL;
}

/* Whether a host of ours is there: everybody else's addresses come by, too. */
static bool is_wanted(const struct pf_finder *f, const struct pf_mdns_name *machine)
{
	for (unsigned i = 0; i < PF_FINDER_HOSTS; i++)
		if (f->services[i].used && f->services[i].has_srv &&
			pf_mdns_name_equal(&f->services[i].target, machine))
			return true;
	return false;
}

static struct machine *want_machine(struct pf_finder *f, const struct pf_mdns_name *name)
{
	struct machine *m = find_machine(f, name);

	if (!m && !is_wanted(f, name))
		return NULL;
	for (unsigned i = 0; !m && i < PF_FINDER_HOSTS; i++) {
		if (f->machines[i].used && is_wanted(f, &f->machines[i].name))
			continue;
		m = &f->machines[i];
		*m = (struct machine){ .used = true, .name = *name };
	}
	return m;
}

static void gone(struct taking *t, const struct pf_mdns_name *name)
{
	struct service *s = find_service(t->f, name);

	if (!s)
		return;
	s->used = false;
	t->changed = true;
}

static void text(char *out, size_t cap, const struct pf_mdns_record *r, const char *key)
{
	const uint8_t *value;
	int len = pf_mdns_txt_find(r->data, r->data_len, key, &value);

	if (len > 0)
		(void)pf_utf8_printable(out, cap, value, (size_t)len);
	else
		out[0] = 0;
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void take_fingerprint(PunktfunkFoundHost *h, const char *hex)
{
	uint8_t fp[32];

	memset(h->fingerprint, 0, sizeof(h->fingerprint));
	h->has_fingerprint = 0;
	for (unsigned i = 0; i < 32; i++) {
		const int hi = digit(hex[2 * i]), lo = hi < 0 ? -1 : digit(hex[2 * i + 1]);

		if (lo < 0)
			return;
		fp[i] = (uint8_t)(hi << 4 | lo);
	}
	if (hex[64])
		return;
	memcpy(h->fingerprint, fp, sizeof(fp));
	h->has_fingerprint = 1;
}

static uint16_t take_port(const char *digits)
{
	char *end;
	const unsigned long v = strtoul(digits, &end, 10);

	return digits[0] >= '0' && digits[0] <= '9' && !*end && v <= 65535 ? (uint16_t)v : 0;
}

static void take_txt(struct taking *t, const struct pf_mdns_record *r)
{
	struct service *s = want_service(t, &r->name);
	PunktfunkFoundHost h;
	char fp[128], word[32];

	if (!s)
		return;
	h = s->host;
	text(h.id, sizeof(h.id), r, "id");
	text(h.os, sizeof(h.os), r, "os");
	text(h.macs, sizeof(h.macs), r, "mac");
	text(h.proto, sizeof(h.proto), r, "proto");
	text(fp, sizeof(fp), r, "fp");
	take_fingerprint(&h, fp);
	text(word, sizeof(word), r, "mgmt");
	h.mgmt_port = take_port(word);
	text(word, sizeof(word), r, "pair");
	h.pairing = !strcmp(word, "required")	? PUNKTFUNK_PAIRING_REQUIRED
		    : !strcmp(word, "optional") ? PUNKTFUNK_PAIRING_OPTIONAL
						: PUNKTFUNK_PAIRING_UNKNOWN;
	if (s->has_txt && !memcmp(&h, &s->host, sizeof(h)))
		return;
	s->has_txt = true;
	s->host = h;
	t->changed = true;
}

static void take_srv(struct taking *t, const struct pf_mdns_record *r)
{
	struct service *s = want_service(t, &r->name);

	if (!s || !r->port ||
		(s->has_srv && s->host.port == r->port &&
			pf_mdns_name_equal(&s->target, &r->target)))
		return;
	s->has_srv = true;
	s->host.port = r->port;
	s->target = r->target;
	t->changed = true;
}

/* For the order of a host's addresses. */
static int rank(const char *address)
{
	return !strchr(address, ':') ? 0 : !strchr(address, '%') ? 1 : 2;
}

static bool put_address(char list[ADDRESSES][ADDRESS_BYTES], unsigned *count, const char *address)
{
	unsigned at = 0;

	for (unsigned i = 0; i < *count; i++) {
		if (!strcmp(list[i], address))
			return false;
		at += rank(list[i]) < rank(address) ||
		      (rank(list[i]) == rank(address) && strcmp(list[i], address) < 0);
	}
	if (*count == ADDRESSES)
		return false;
	memmove(list + at + 1, list + at, (*count - at) * ADDRESS_BYTES);
	snprintf(list[at], ADDRESS_BYTES, "%s", address);
	++*count;
	return true;
}

static void take_address(struct taking *t, const struct pf_mdns_record *r)
{
	const bool v4 = r->type == PF_MDNS_A;
	const bool link_local = !v4 && r->data[0] == 0xfe && (r->data[1] & 0xc0) == 0x80;
	char address[ADDRESS_BYTES];
	struct machine *m;
	size_t len;

	if (!inet_ntop(v4 ? AF_INET : AF_INET6, r->data, address, sizeof(address)))
		return;
	len = strlen(address);
	if (link_local && (!*t->zone || (size_t)snprintf(address + len, sizeof(address) - len,
						"%%%s", t->zone) >= sizeof(address) - len))
		return;
	m = want_machine(t->f, &r->name);
	if (m && put_address(m->addresses, &m->count, address))
		t->changed = true;
}

static void on_record(void *user, const struct pf_mdns_record *r)
{
	struct taking *t = user;
	const bool ours = pf_mdns_name_is_instance(&r->name, &t->f->type);

	if (t->addresses != (r->type == PF_MDNS_A || r->type == PF_MDNS_AAAA))
		return;
	switch (r->type) {
	case PF_MDNS_PTR:
		if (!pf_mdns_name_equal(&r->name, &t->f->type) ||
			!pf_mdns_name_is_instance(&r->target, &t->f->type))
			break;
		if (!r->ttl)
			gone(t, &r->target);
		else if (!find_service(t->f, &r->target))
			/* By its name alone: there is something to ask for now. */
			t->changed |= want_service(t, &r->target) != NULL;
		break;
	case PF_MDNS_SRV:
		if (ours && r->ttl)
			take_srv(t, r);
		else if (ours)
			gone(t, &r->name);
		break;
	case PF_MDNS_TXT:
		if (ours && r->ttl)
			take_txt(t, r);
		break;
	default:
		if (r->ttl)
			take_address(t, r);
		break;
	}
}

bool pf_finder_take(struct pf_finder *f, const uint8_t *data, size_t len, const char *zone)
{
	struct taking t = { .f = f, .zone = zone };

	(void)pf_mdns_parse(data, len, NULL, on_record, &t);
	t.addresses = true;
	(void)pf_mdns_parse(data, len, NULL, on_record, &t);
	return t.changed;
}

/* ---- queries ---- */

static bool lacks(const struct pf_finder *f, const struct service *s)
{
	return s->used && (!s->has_srv || !s->has_txt || !find_machine(f, &s->target));
}

bool pf_finder_lacks(const struct pf_finder *f)
{
	for (unsigned i = 0; i < PF_FINDER_HOSTS; i++)
		if (lacks(f, &f->services[i]))
			return true;
	return false;
}

size_t pf_finder_query(const struct pf_finder *f, uint16_t id, uint8_t buf[PF_FINDER_QUERY_MAX])
{
	struct pf_mdns_question q[QUESTIONS_MAX] = { { &f->type, PF_MDNS_PTR } };
	size_t count = 1;
	int n;

	for (unsigned i = 0; i < PF_FINDER_HOSTS && count + 3 <= QUESTIONS_MAX; i++) {
		const struct service *s = &f->services[i];

		if (!lacks(f, s))
			continue;
		if (!s->has_txt)
			q[count++] = (struct pf_mdns_question){ &s->name, PF_MDNS_TXT };
		if (!s->has_srv) {
			q[count++] = (struct pf_mdns_question){ &s->name, PF_MDNS_SRV };
		} else if (!find_machine(f, &s->target)) {
			q[count++] = (struct pf_mdns_question){ &s->target, PF_MDNS_A };
			q[count++] = (struct pf_mdns_question){ &s->target, PF_MDNS_AAAA };
		}
	}
	/* The first question alone always fits; the rest are a help. */
	do
		n = pf_mdns_query_build(q, count, id, buf, PF_FINDER_QUERY_MAX);
	while (n < 0 && --count);
	return (size_t)n;
}

/* ---- hosts ---- */

static bool same_host(const PunktfunkFoundHost *a, const PunktfunkFoundHost *b)
{
	if (a->has_fingerprint != b->has_fingerprint || strcmp(a->id, b->id) ||
		memcmp(a->fingerprint, b->fingerprint, sizeof(a->fingerprint)))
		return false;
	return *a->id || a->has_fingerprint || !strcmp(a->name, b->name);
}

static int by_name(const void *a, const void *b)
{
	const PunktfunkFoundHost *x = a, *y = b;
	int c = strcmp(x->name, y->name);

	if (!c)
		c = strcmp(x->id, y->id);
	return c ? c : memcmp(x->fingerprint, y->fingerprint, sizeof(x->fingerprint));
}

static void add_addresses(PunktfunkFoundHost *h, const struct machine *m)
{
	unsigned count = h->address_count;

	for (unsigned i = 0; i < m->count; i++)
		(void)put_address(h->addresses, &count, m->addresses[i]);
	h->address_count = (uint8_t)count;
}

size_t pf_finder_hosts(const struct pf_finder *f, PunktfunkFoundHost out[PF_FINDER_HOSTS])
{
	size_t count = 0;

	for (unsigned i = 0; i < PF_FINDER_HOSTS; i++) {
		const struct service *s = &f->services[i];
		const struct machine *m =
			s->used && s->has_srv ? find_machine(f, &s->target) : NULL;
		size_t at = 0;

		if (!m)
			continue;
		while (at < count &&
			!(same_host(&out[at], &s->host) && out[at].port == s->host.port))
			at++;
		if (at == count) {
			out[count] = s->host;
			out[count++].struct_size = sizeof(*out);
		} else if (strcmp(s->host.name, out[at].name) < 0) {
			/* Whichever came first, it has the same name each time. */
			memcpy(out[at].name, s->host.name, sizeof(out[at].name));
		}
		add_addresses(&out[at], m);
	}
	qsort(out, count, sizeof(*out), by_name);
	return count;
}
