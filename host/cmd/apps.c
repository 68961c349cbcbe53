/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "host/cmd/api.h"

static int list_apps(void)
{
	json_t *o = NULL, *item;
	char title[140], command[200];
	size_t i;
	int r = pf_api_ask("GET", "apps", NULL, &o);

	if (r)
		return r;
	printf("%-11s %-32s %s\n", "ID", "TITLE", "COMMAND");
	json_array_foreach(json_object_get(o, "apps"), i, item)
	{
		printf("%-11lld %-32s %s\n",
			(long long)json_integer_value(json_object_get(item, "id")),
			pf_printable(title, sizeof(title),
				json_string_value(json_object_get(item, "title"))),
			pf_printable(command, sizeof(command),
				json_string_value(json_object_get(item, "command"))));
	}
	json_decref(o);
	return PF_EXIT_OK;
}

struct fields {
	const char *command, *workdir, *image, *on_exit, *detached;
};

static int add_app(const char *title, const struct fields *f)
{
	json_t *body = json_pack("{s:s}", "title", title), *o = NULL;
	const struct {
		const char *key, *value;
	} rows[] = { { "command", f->command }, { "workdir", f->workdir }, { "image", f->image },
		{ "on_exit", f->on_exit } };
	int r = body ? 0 : -1;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && !r; i++)
		if (rows[i].value)
			r = json_object_set_new(body, rows[i].key, json_string(rows[i].value));
	if (!r && f->detached)
		r = json_object_set_new(body, "detached", json_true());
	if (r) {
		pf_complain("the title or an option is not UTF-8");
		json_decref(body);
		return PF_EXIT_USAGE;
	}
	r = pf_api_ask("POST", "apps", body, &o);
	if (!r)
		printf("%lld\n", (long long)json_integer_value(json_object_get(o, "id")));
	json_decref(body);
	json_decref(o);
	return r;
}

static int remove_app(const char *what)
{
	json_t *o = NULL, *item, *answer = NULL;
	long long id = 0;
	unsigned hits = 0;
	char path[64], number[24];
	size_t i;
	int r = pf_api_ask("GET", "apps", NULL, &o);

	if (r)
		return r;
	json_array_foreach(json_object_get(o, "apps"), i, item)
	{
		const char *title = json_string_value(json_object_get(item, "title"));
		long long n = json_integer_value(json_object_get(item, "id"));

		snprintf(number, sizeof(number), "%lld", n);
		if (strcmp(number, what) && (!title || strcmp(title, what)))
			continue;
		hits++;
		id = n;
	}
	json_decref(o);
	if (hits != 1) {
		pf_complain(hits ? "several apps are called \"%s\"; name one by its id"
				 : "there is no app \"%s\"; punktfunk-host apps lists them",
			what);
		return PF_EXIT_FAILURE;
	}
	snprintf(path, sizeof(path), "apps/%lld", id);
	r = pf_api_ask("DELETE", path, NULL, &answer);
	json_decref(answer);
	return r;
}

int pf_cmd_apps(const struct pf_cmd *cmd, int argc, char **argv)
{
	const char *words[2] = { NULL };
	struct fields f = { 0 };
	const struct pf_option extra[] = {
		{ "--command", "TEXT", "(add) What /bin/sh runs inside the client's desk.",
			&f.command },
		{ "--workdir", "DIR", "(add) Where it runs; the home directory if not given.",
			&f.workdir },
		{ "--image", "FILE", "(add) Picture for the client's list, a PNG.", &f.image },
		{ "--on-exit", "end|stay",
			"(add) Whether the session ends with the command (the default) or stays.",
			&f.on_exit },
		{ "--detached", NULL, "(add) The command only starts something.", &f.detached },
		{ 0 },
	};
	struct pf_options o = { .extra = extra, .words = words, .words_max = 2 };
	int r;

	if (!pf_api_begin(
		    &o, cmd, "[list | add TITLE [options] | remove ID|TITLE]", argc, argv, &r))
		goto out;
	if (!o.word_count || (o.word_count == 1 && !strcmp(words[0], "list"))) {
		r = list_apps();
	} else if (o.word_count == 2 && !strcmp(words[0], "add")) {
		r = add_app(words[1], &f);
	} else if (o.word_count == 2 && !strcmp(words[0], "remove")) {
		r = remove_app(words[1]);
	} else {
		pf_complain("usage: punktfunk-host apps [list | add TITLE [options] | remove "
			    "ID|TITLE]");
		r = PF_EXIT_USAGE;
	}
out:
	pf_options_finish(&o);
	return r;
}
