/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "clients/probe/discover.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "clients/probe/dial.h"
#include "clients/probe/known.h"
#include "punktfunk_core.h"

#define HOSTS_MAX 64u

struct found {
	size_t count;
	PunktfunkFoundHost hosts[HOSTS_MAX];
};

static int by_name(const void *a, const void *b)
{
	const PunktfunkFoundHost *x = a, *y = b;
	const int c = strcmp(x->name, y->name);

	return c ? c : strcmp(x->id, y->id);
}

static int32_t on_found(void *user, const PunktfunkFoundHost *h)
{
	struct found *f = user;
	size_t i = 0;

	while (i < f->count &&
		(strcmp(f->hosts[i].id, h->id) || strcmp(f->hosts[i].name, h->name) ||
			f->hosts[i].port != h->port ||
			memcmp(f->hosts[i].fingerprint, h->fingerprint, sizeof(h->fingerprint))))
		i++;
	if (!h->address_count && i < f->count)
		f->hosts[i] = f->hosts[--f->count];
	else if (h->address_count && i < HOSTS_MAX)
		f->hosts[i] = *h;
	if (h->address_count && i == f->count && i < HOSTS_MAX)
		f->count++;
	return 0;
}

static const char *pairing_name(const PunktfunkFoundHost *h)
{
	return h->pairing == PUNKTFUNK_PAIRING_REQUIRED	  ? "required"
	       : h->pairing == PUNKTFUNK_PAIRING_OPTIONAL ? "optional"
							  : "unknown";
}

/* Whether its key is one that pairing kept. What it says here proves nothing; to
 * connect demands the kept key. */
static bool known(const PunktfunkFoundHost *h)
{
	return h->has_fingerprint && pf_known_has(h->fingerprint);
}

static void print_hex(const uint8_t fp[32])
{
	for (unsigned i = 0; i < 32; i++)
		printf("%02x", fp[i]);
}

/* Text of the network; the core has replaced control characters. */
static void print_text(const char *key, const char *text)
{
	printf(", \"%s\": \"", key);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putchar('\\');
		putchar(*text);
	}
	putchar('"');
}

static void print_json(const struct found *f)
{
	printf("{\"hosts\": [");
	for (size_t i = 0; i < f->count; i++) {
		const PunktfunkFoundHost *h = &f->hosts[i];

		printf("%s{\"port\": %u", i ? ", " : "", h->port);
		print_text("name", h->name);
		print_text("id", h->id);
		print_text("proto", h->proto);
		print_text("os", h->os);
		print_text("mac", h->macs);
		print_text("pair", pairing_name(h));
		printf(", \"mgmt_port\": %u, \"known\": %s, \"fingerprint\": ", h->mgmt_port,
			known(h) ? "true" : "false");
		if (h->has_fingerprint) {
			putchar('"');
			print_hex(h->fingerprint);
			putchar('"');
		} else {
			fputs("null", stdout);
		}
		fputs(", \"addresses\": [", stdout);
		for (unsigned a = 0; a < h->address_count; a++)
			printf("%s\"%s\"", a ? ", " : "", h->addresses[a]);
		fputs("]}", stdout);
	}
	puts("]}");
}

static void print_text_list(const struct found *f)
{
	for (size_t i = 0; i < f->count; i++) {
		const PunktfunkFoundHost *h = &f->hosts[i];

		printf("%s  port %u  %s  ", h->name, h->port,
			known(h)				   ? "known"
			: h->pairing == PUNKTFUNK_PAIRING_OPTIONAL ? "new, lets everybody in"
								   : "new");
		for (unsigned a = 0; a < h->address_count; a++)
			printf("%s%s", a ? " " : "", h->addresses[a]);
		if (h->has_fingerprint) {
			fputs("  ", stdout);
			print_hex(h->fingerprint);
		}
		puts("");
	}
}

int pf_probe_discover(const struct pf_probe_options *o)
{
	struct found *f = calloc(1, sizeof(*f));
	PunktfunkReason why = { .struct_size = sizeof(why) };
	int r;

	if (!f)
		return PF_PROBE_LOCAL;
	r = punktfunk_discover((uint32_t)(o->timeout * 1000), on_found, f, &why);
	if (r < 0) {
		fprintf(stderr, "punktfunk-probe: %s\n",
			why.text[0] ? why.text : punktfunk_strerror(r));
		free(f);
		return pf_probe_exit_of(r);
	}
	qsort(f->hosts, f->count, sizeof(f->hosts[0]), by_name);
	if (o->json)
		print_json(f);
	else if (!o->quiet)
		print_text_list(f);
	if (!f->count && !o->json)
		fputs("punktfunk-probe: no host answered; does it serve, with discovery on, and "
		      "do firewalls let UDP port 5353 through?\n",
			stderr);
	r = f->count ? PF_PROBE_OK : PF_PROBE_UNREACHABLE;
	free(f);
	return r;
}
