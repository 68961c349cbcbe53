/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include "host/cmd/api.h"

#define FIND_MIN 6 /* digits of a fingerprint that may stand for all */

static int list_clients(void)
{
	json_t *o = NULL, *list, *item;
	char name[80];
	size_t i;
	int r = pf_api_ask("GET", "clients", NULL, &o);

	if (r)
		return r;
	list = json_object_get(o, "clients");
	if (!json_array_size(list))
		printf("no client is paired\n");
	else
		printf("%-16s  %-10s  %-24s  %-20s  %-20s  %s\n", "FINGERPRINT", "PLANE", "NAME",
			"PAIRED", "SEEN", "MAY");
	json_array_foreach(list, i, item)
	{
		const char *expires = pf_api_text(item, "expires");
		bool file = strcmp(pf_api_text(item, "source"), "paired") != 0;

		printf("%.16s  %-10s  %-24s  %-20s  %-20s  %s%s%s\n",
			pf_api_text(item, "fingerprint"), pf_api_text(item, "plane"),
			pf_printable(name, sizeof(name), pf_api_text(item, "name")),
			file ? "allowed_clients" : pf_api_text(item, "paired"),
			*pf_api_text(item, "seen") ? pf_api_text(item, "seen") : "-",
			pf_api_text(item, "grants"), *expires ? " until " : "", expires);
	}
	json_decref(o);
	return PF_EXIT_OK;
}

static bool is_meant(json_t *client, const char *what)
{
	const char *fp = pf_api_text(client, "fingerprint");
	size_t len = strlen(what);

	if (!strcmp(pf_api_text(client, "name"), what))
		return true;
	return len >= FIND_MIN && len <= 64 && !strncasecmp(fp, what, len);
}

/* The path of the one client that `what` names by name or fingerprint. */
static int find_client(char path[128], const char *what)
{
	json_t *o = NULL, *item;
	unsigned hits = 0;
	size_t i;
	int r = pf_api_ask("GET", "clients", NULL, &o);

	if (r)
		return r;
	json_array_foreach(json_object_get(o, "clients"), i, item)
	{
		if (!is_meant(item, what))
			continue;
		hits++;
		snprintf(path, 128, "clients/%.15s/%.64s", pf_api_text(item, "plane"),
			pf_api_text(item, "fingerprint"));
	}
	json_decref(o);
	if (hits == 1)
		return PF_EXIT_OK;
	pf_complain(
		hits ? "several clients are meant by \"%s\"; name one by more of its fingerprint"
		     : "no client is meant by \"%s\"; name it as punktfunk-host clients does, by "
		       "name or at least 6 digits of its fingerprint",
		what);
	return PF_EXIT_FAILURE;
}

static int change(const char *what, const char *name, const char *grants, const char *expires)
{
	json_t *body = json_object(), *o = NULL;
	char path[128];
	int r = find_client(path, what);

	if (r)
		goto out;
	r = pf_api_set_terms(body, name, grants, expires);
	if (r)
		goto out;
	r = pf_api_ask("PATCH", path, body, &o);
out:
	json_decref(body);
	json_decref(o);
	return r;
}

static const char usage[] =
	"[list | set CLIENT [options] | rename CLIENT NAME | grants CLIENT LIST | expires CLIENT "
	"TIME]";

static int print_json(void)
{
	json_t *o = NULL;
	int r = pf_api_ask("GET", "clients", NULL, &o);

	if (!r)
		r = pf_api_print(o);
	json_decref(o);
	return r;
}

int pf_cmd_clients(const struct pf_cmd *cmd, int argc, char **argv)
{
	const char *words[3] = { NULL }, *name = NULL, *grants = NULL, *expires = NULL,
		   *json = NULL;
	const struct pf_option extra[] = {
		{ "--name", "NAME", "(set) What to call it.", &name },
		{ "--grants", "LIST",
			"(set) What it may do: all, none, or some of gamepad, pointer, keyboard, "
			"clipboard, microphone, launch.",
			&grants },
		{ "--expires", "TIME", "(set) Until when, as 2030-01-31T12:00:00Z, or never.",
			&expires },
		{ "--json", NULL, "(list) Print what the API answers.", &json },
		{ 0 },
	};
	struct pf_options o = { .extra = extra, .words = words, .words_max = 3 };
	const char *verb;
	int r;

	if (!pf_api_begin(&o, cmd, usage, argc, argv, &r))
		goto out;
	verb = words[0] ? words[0] : "list";
	if (o.word_count <= 1 && !strcmp(verb, "list"))
		r = json ? print_json() : list_clients();
	else if (o.word_count == 2 && !strcmp(verb, "set") && (name || grants || expires))
		r = change(words[1], name, grants, expires);
	else if (o.word_count == 3 && !strcmp(verb, "rename"))
		r = change(words[1], words[2], NULL, NULL);
	else if (o.word_count == 3 && !strcmp(verb, "grants"))
		r = change(words[1], NULL, words[2], NULL);
	else if (o.word_count == 3 && !strcmp(verb, "expires"))
		r = change(words[1], NULL, NULL, words[2]);
	else {
		pf_complain("usage: punktfunk-host clients %s", usage);
		r = PF_EXIT_USAGE;
	}
out:
	pf_options_finish(&o);
	return r;
}

/* All that paired, or those of one plane. */
static int unpair_all(const char *plane)
{
	json_t *o = NULL, *item, *answer = NULL;
	unsigned count = 0;
	char path[128];
	size_t i;
	int r = pf_api_ask("GET", "clients", NULL, &o);

	json_array_foreach(json_object_get(o, "clients"), i, item)
	{
		if (strcmp(pf_api_text(item, "source"), "paired") ||
			(plane && strcmp(pf_api_text(item, "plane"), plane)))
			continue;
		snprintf(path, sizeof(path), "clients/%.15s/%.64s", pf_api_text(item, "plane"),
			pf_api_text(item, "fingerprint"));
		r = pf_api_ask("DELETE", path, NULL, &answer);
		if (r)
			break;
		count++;
	}
	json_decref(o);
	if (!r || count)
		printf("%u unpaired\n", count);
	return r;
}

static int unpair(const char *what)
{
	json_t *answer = NULL;
	char path[128];
	int r = find_client(path, what);

	if (!r)
		r = pf_api_ask("DELETE", path, NULL, &answer);
	if (!r)
		printf("unpaired\n");
	json_decref(answer);
	return r;
}

int pf_cmd_unpair(const struct pf_cmd *cmd, int argc, char **argv)
{
	const char *words[1] = { NULL }, *all = NULL, *plane = NULL;
	const struct pf_option extra[] = {
		{ "--all", NULL, "Everybody who paired; not those of allowed_clients.", &all },
		{ "--plane", "native|gamestream", "(--all) Only those of one protocol.", &plane },
		{ 0 },
	};
	struct pf_options o = { .extra = extra, .words = words, .words_max = 1 };
	int r;

	if (!pf_api_begin(&o, cmd, "CLIENT | --all", argc, argv, &r))
		goto out;
	if (!o.word_count == !all || (plane && !all)) {
		pf_complain("unpair whom? By name or fingerprint, as punktfunk-host clients lists, "
			    "or --all");
		r = PF_EXIT_USAGE;
	} else if (plane && strcmp(plane, "native") && strcmp(plane, "gamestream")) {
		pf_complain("--plane is native or gamestream");
		r = PF_EXIT_USAGE;
	} else {
		r = all ? unpair_all(plane) : unpair(words[0]);
	}
out:
	pf_options_finish(&o);
	return r;
}
