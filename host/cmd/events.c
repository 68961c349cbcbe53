/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* events.c - what happens on the running host, and what it logs, as it comes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "host/cmd/api.h"

/* ---- events ---- */

struct listening {
	unsigned long left; /* events until the end; 0 = no end */
};

static bool print_event(void *user, const char *name, const char *data)
{
	struct listening *l = user;

	printf("%s %s\n", name, data);
	return !fflush(stdout) && (!l->left || --l->left);
}

static bool is_number(const char *s, size_t digits)
{
	size_t len = strlen(s);

	return len && len <= digits && strspn(s, "0123456789") == len;
}

int pf_cmd_events(const struct pf_cmd *cmd, int argc, char **argv)
{
	const char *words[1] = { NULL }, *after = NULL, *count = NULL;
	const struct pf_option extra[] = {
		{ "--after", "NUMBER", "First those that came after this one.", &after },
		{ "--count", "N", "Stop after so many.", &count },
		{ 0 },
	};
	struct pf_options o = { .extra = extra, .words = words, .words_max = 1 };
	struct listening l = { 0 };
	char path[256];
	int r;

	if (!pf_api_begin(&o, cmd, "[TOPIC,...] [options]", argc, argv, &r))
		goto out;
	if ((after && !is_number(after, 16)) ||
		(count && (!is_number(count, 9) || *count == '0')) ||
		(words[0] && strspn(words[0], "abcdefghijklmnopqrstuvwxyz,") != strlen(words[0])) ||
		(words[0] && strlen(words[0]) > 120)) {
		pf_complain("events [session,pairing,access,clients,displays,game,apps,settings,"
			    "diagnostics,recordings,log,live] [--after NUMBER] [--count N]");
		r = PF_EXIT_USAGE;
		goto out;
	}
	l.left = count ? strtoul(count, NULL, 10) : 0;
	snprintf(path, sizeof(path), "events?after=%s%s%s", after ? after : "0",
		words[0] ? "&topics=" : "", words[0] ? words[0] : "");
	r = pf_api_follow(path, print_event, &l);
out:
	pf_options_finish(&o);
	return r;
}

/* ---- log lines ---- */

struct reading {
	const char *level; /* NULL = all */
	unsigned long long last;
};

static int print_lines(struct reading *l, const char *limit)
{
	json_t *o = NULL, *item;
	char path[128], text[2048];
	size_t i;
	int r;

	snprintf(path, sizeof(path), "logs?after=%llu&limit=%s%s%s", l->last, limit,
		l->level ? "&level=" : "", l->level ? l->level : "");
	r = pf_api_ask("GET", path, NULL, &o);
	if (json_integer_value(json_object_get(o, "missed")))
		printf("(%lld lines are not kept any more)\n",
			(long long)json_integer_value(json_object_get(o, "missed")));
	json_array_foreach(json_object_get(o, "lines"), i, item)
	{
		l->last = (unsigned long long)json_integer_value(json_object_get(item, "id"));
		printf("%s %-5s %s: %s\n", pf_api_text(item, "at"), pf_api_text(item, "level"),
			pf_api_text(item, "topic"),
			pf_printable(text, sizeof(text), pf_api_text(item, "text")));
	}
	(void)fflush(stdout);
	json_decref(o);
	return r;
}

/* There are more lines. */
static bool on_lines(void *user, const char *name, const char *data)
{
	return !print_lines(user, "1024") && !ferror(stdout);
}

int pf_cmd_logs(const struct pf_cmd *cmd, int argc, char **argv)
{
	const char *level = NULL, *limit = "200", *follow = NULL;
	const struct pf_option extra[] = {
		{ "--level", "LEVEL", "error, warn, info or debug: of this or worse.", &level },
		{ "--limit", "N", "So many of the newest, up to 1024 (200).", &limit },
		{ "--follow", NULL, "Go on as more come.", &follow },
		{ 0 },
	};
	struct pf_options o = { .extra = extra };
	struct reading l = { 0 };
	int r;

	if (!pf_api_begin(&o, cmd, "[options]", argc, argv, &r))
		goto out;
	if (!is_number(limit, 4) ||
		(level && strspn(level, "abcdefghijklmnopqrstuvwxyz") != strlen(level)) ||
		(level && strlen(level) > 16)) {
		pf_complain("logs [--level error|warn|info|debug] [--limit N] [--follow]");
		r = PF_EXIT_USAGE;
		goto out;
	}
	l.level = level;
	r = print_lines(&l, limit);
	if (!r && follow)
		r = pf_api_follow("events?topics=log", on_lines, &l);
out:
	pf_options_finish(&o);
	return r;
}
