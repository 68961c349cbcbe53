/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* pending.c - unknown punktfunk clients: list, let in, refuse. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "host/cmd/api.h"

int pf_cmd_pending(const struct pf_cmd *cmd, int argc, char **argv)
{
	struct pf_options options = { 0 };
	json_t *o = NULL, *list, *item;
	char name[80], address[80];
	size_t i;
	int r;

	if (pf_api_begin(&options, cmd, "", argc, argv, &r))
		r = pf_api_ask("GET", "access/requests", NULL, &o);
	list = json_object_get(o, "requests");
	if (list && !json_array_size(list))
		printf("no client asks for access\n");
	else if (list)
		printf("%-8s %-16s  %-24s %-20s %s\n", "REQUEST", "FINGERPRINT", "ADDRESS", "NAME",
			"SINCE");
	json_array_foreach(list, i, item)
	{
		printf("%-8lld %.16s  %-24s %-20s %llds%s\n",
			(long long)json_integer_value(json_object_get(item, "id")),
			pf_api_text(item, "fingerprint"),
			pf_printable(address, sizeof(address), pf_api_text(item, "address")),
			pf_printable(name, sizeof(name), pf_api_text(item, "name")),
			(long long)json_integer_value(json_object_get(item, "age_s")),
			json_is_true(json_object_get(item, "waits")) ? ", waits" : "");
	}
	json_decref(o);
	pf_options_finish(&options);
	return r;
}

/* Answers request `id`; the host's words about it go to *answer. */
static int answer(const char *id, const char *verb, const json_t *body, json_t **o)
{
	char path[64];

	if (!id || !*id || strlen(id) > 10 || strspn(id, "0123456789") != strlen(id)) {
		pf_complain(
			"%s which request? By its number, as punktfunk-host pending lists", verb);
		return PF_EXIT_USAGE;
	}
	snprintf(path, sizeof(path), "access/requests/%s/%s", id, verb);
	return pf_api_ask("POST", path, body, o);
}

int pf_cmd_approve(const struct pf_cmd *cmd, int argc, char **argv)
{
	const char *words[1] = { NULL }, *name = NULL, *grants = NULL, *expires = NULL;
	const struct pf_option extra[] = {
		{ "--name", "NAME", "What to call it.", &name },
		{ "--grants", "LIST",
			"What it may do: all (default), none, or some of gamepad, pointer, "
			"keyboard, "
			"clipboard, microphone, launch.",
			&grants },
		{ "--expires", "TIME", "Until when, as 2030-01-31T12:00:00Z, or never (default).",
			&expires },
		{ 0 },
	};
	struct pf_options o = { .extra = extra, .words = words, .words_max = 1 };
	json_t *body = json_object(), *said = NULL;
	char printable[80];
	int r;

	if (!pf_api_begin(&o, cmd, "REQUEST [options]", argc, argv, &r))
		goto out;
	r = pf_api_set_terms(body, name, grants, expires);
	if (r)
		goto out;
	r = answer(words[0], "approve", body, &said);
	if (!r)
		printf("let in: %s (%.16s)\n",
			pf_printable(printable, sizeof(printable), pf_api_text(said, "name")),
			pf_api_text(said, "fingerprint"));
out:
	json_decref(body);
	json_decref(said);
	pf_options_finish(&o);
	return r;
}

int pf_cmd_deny(const struct pf_cmd *cmd, int argc, char **argv)
{
	const char *words[1] = { NULL };
	struct pf_options o = { .words = words, .words_max = 1 };
	json_t *body = json_object(), *said = NULL;
	int r;

	if (pf_api_begin(&o, cmd, "REQUEST", argc, argv, &r))
		r = answer(words[0], "deny", body, &said);
	json_decref(body);
	json_decref(said);
	pf_options_finish(&o);
	return r;
}
