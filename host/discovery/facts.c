/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/discovery/facts.h"
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CARDS_MAX  8u
#define CARD_BYTES 16 /* IFNAMSIZ */
#define MAC_BYTES  18
#define LIKE_MAX   8u

struct card {
	char name[CARD_BYTES], mac[MAC_BYTES];
	bool routed;
};

/* First line, without its end. */
static bool read_word(char *out, size_t cap, const char *dir, const char *card, const char *file)
{
	char path[512];
	FILE *f;
	bool ok;

	if ((size_t)snprintf(path, sizeof(path), "%s/%s/%s", dir, card, file) >= sizeof(path))
		return false;
	f = fopen(path, "re");
	if (!f)
		return false;
	ok = fgets(out, (int)cap, f);
	fclose(f);
	if (ok)
		out[strcspn(out, "\n")] = 0;
	return ok;
}

/* A card of hardware that speaks Ethernet and is set to wake the machine. Bridges and
 * tunnels have no device; a loopback has another type. */
static bool read_card(struct card *c, const char *sys_net, const char *name)
{
	char type[16], wakeup[16];

	if (name[0] == '.' || strlen(name) >= CARD_BYTES ||
		!read_word(type, sizeof(type), sys_net, name, "type") || strcmp(type, "1") ||
		!read_word(wakeup, sizeof(wakeup), sys_net, name, "device/power/wakeup") ||
		strcmp(wakeup, "enabled") ||
		!read_word(c->mac, sizeof(c->mac), sys_net, name, "address") ||
		strlen(c->mac) != MAC_BYTES - 1 || !strcmp(c->mac, "00:00:00:00:00:00"))
		return false;
	strcpy(c->name, name);
	return true;
}

/* The card of the default route with the smallest metric. */
static void default_card(char out[CARD_BYTES], const char *routes)
{
	char line[256], name[CARD_BYTES];
	unsigned long destination, mask, metric, best = ~0ul;
	FILE *f = fopen(routes, "re");

	out[0] = 0;
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%15s %lx %*x %*x %*u %*u %lu %lx", name, &destination, &metric,
			    &mask) != 4 ||
			destination || mask || metric >= best)
			continue;
		best = metric;
		strcpy(out, name);
	}
	if (f)
		fclose(f);
}

static int by_use(const void *a, const void *b)
{
	const struct card *x = a, *y = b;

	return x->routed != y->routed ? y->routed - x->routed : strcmp(x->name, y->name);
}

void pf_facts_macs(char out[PF_FACTS_MACS_BYTES], const char *sys_net, const char *routes)
{
	struct card cards[CARDS_MAX];
	char routed[CARD_BYTES];
	const struct dirent *e;
	DIR *dir = opendir(sys_net);
	unsigned count = 0;
	size_t at = 0;

	out[0] = 0;
	default_card(routed, routes);
	while (dir && count < CARDS_MAX && (e = readdir(dir))) {
		if (!read_card(&cards[count], sys_net, e->d_name))
			continue;
		cards[count].routed = !strcmp(cards[count].name, routed);
		count++;
	}
	if (dir)
		closedir(dir);
	qsort(cards, count, sizeof(cards[0]), by_use);
	for (unsigned i = 0; i < count; i++)
		at += (size_t)snprintf(
			out + at, PF_FACTS_MACS_BYTES - at, "%s%s", i ? "," : "", cards[i].mac);
}

/* KEY=value or KEY="value" of a line, or NULL. Cuts the line. */
static char *value_of(char *line, const char *key)
{
	size_t len = strlen(key);
	char *v = line + len + 1;

	if (strncmp(line, key, len) || line[len] != '=')
		return NULL;
	v[strcspn(v, "\n")] = 0;
	if (*v == '"' || *v == '\'') {
		char *end = strchr(v + 1, *v);

		if (end)
			*end = 0;
		v++;
	}
	return v;
}

static bool plain(const char *word)
{
	return *word && strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789._-") == strlen(word);
}

static size_t append(char out[PF_FACTS_OS_BYTES], size_t at, const char *word)
{
	if (!plain(word) || at + 1 + strlen(word) >= PF_FACTS_OS_BYTES)
		return at;
	return at + (size_t)sprintf(out + at, "/%s", word);
}

void pf_facts_os(char out[PF_FACTS_OS_BYTES], const char *os_release)
{
	char line[512], id[64] = "", like[256] = "", *words[LIKE_MAX], *rest = NULL;
	unsigned count = 0;
	size_t at = (size_t)sprintf(out, "linux");
	FILE *f = fopen(os_release, "re");

	while (f && fgets(line, sizeof(line), f)) {
		const char *v;

		if ((v = value_of(line, "ID")))
			snprintf(id, sizeof(id), "%s", v);
		else if ((v = value_of(line, "ID_LIKE")))
			snprintf(like, sizeof(like), "%s", v);
	}
	if (f)
		fclose(f);
	/* The closest relative is named first there; here the chain ends with it. */
	for (char *w = strtok_r(like, " ", &rest); w && count < LIKE_MAX;
		w = strtok_r(NULL, " ", &rest))
		words[count++] = w;
	while (count)
		at = append(out, at, words[--count]);
	(void)append(out, at, id);
}
