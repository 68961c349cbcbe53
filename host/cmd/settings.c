/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "host/cmd/api.h"

/* A value as a file would say it, malloc'ed. */
static char *value_text(const json_t *v)
{
	char *text = NULL;
	size_t len, i;
	json_t *item;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	if (json_is_boolean(v))
		fputs(json_is_true(v) ? "yes" : "no", out);
	else if (json_is_integer(v))
		fprintf(out, "%lld", (long long)json_integer_value(v));
	else if (json_is_string(v))
		fputs(json_string_value(v), out);
	json_array_foreach((json_t *)v, i, item)
		fprintf(out, "%s%s", i ? "," : "", json_string_value(item));
	fclose(out);
	return text;
}

static void print_value(const char *before, const json_t *v, const char *after)
{
	char clean[1024], *text = value_text(v);

	printf("%s%s%s", before, pf_printable(clean, sizeof(clean), text), after);
	free(text);
}

static const char *source_words(const json_t *o)
{
	const char *source = pf_api_text(o, "source");

	return !strcmp(source, "command_line") ? "command line" : source;
}

static void print_line(const json_t *o)
{
	printf("%-22s ", pf_api_text(o, "name"));
	print_value("", json_object_get(o, "value"), "");
	if (strcmp(pf_api_text(o, "source"), "default"))
		printf("  (%s)",
			*pf_api_text(o, "where") ? pf_api_text(o, "where") : source_words(o));
	if (json_object_get(o, "waits"))
		print_value("  from the next start: ", json_object_get(o, "waits"), "");
	putchar('\n');
}

static void print_one(const json_t *o)
{
	printf("%s\n  %s\n  Allowed: %s.", pf_api_text(o, "name"), pf_api_text(o, "help"),
		pf_api_text(o, "allowed"));
	print_value(" Default: ", json_object_get(o, "default"), ".");
	printf("%s\n", json_is_true(json_object_get(o, "restart")) ? " Needs a restart." : "");
	print_value("  Value: ", json_object_get(o, "value"), "");
	printf("  (%s%s%s)\n", source_words(o), *pf_api_text(o, "where") ? ", " : "",
		pf_api_text(o, "where"));
	if (json_object_get(o, "waits"))
		print_value("  From the next start: ", json_object_get(o, "waits"), "\n");
	if (!json_is_true(json_object_get(o, "settable")))
		printf("  Cannot be changed here: %s.\n", pf_api_text(o, "why"));
}

static const json_t *find(const json_t *answer, const char *name)
{
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(answer, "settings"), i,
		item) if (!strcmp(pf_api_text(item, "name"), name)) return item;
	return NULL;
}

static int show(const json_t *answer, const char *name)
{
	const json_t *one;
	json_t *item;
	size_t i;

	if (name) {
		one = find(answer, name);
		if (!one) {
			pf_complain("there is no setting \"%s\"; punktfunk-host settings lists all",
				name);
			return PF_EXIT_FAILURE;
		}
		print_one(one);
	} else {
		json_array_foreach(json_object_get(answer, "settings"), i, item) print_line(item);
	}
	if (*pf_api_text(answer, "problem"))
		printf("The host would not start again: %s\n", pf_api_text(answer, "problem"));
	return PF_EXIT_OK;
}

static int change(const char *name, const char *value)
{
	json_t *body = json_object(), *o = NULL;
	const json_t *one;
	int r = PF_EXIT_USAGE;

	if (json_object_set_new(body, name, value ? json_string(value) : json_null()))
		pf_complain("the value is not UTF-8");
	else
		r = pf_api_ask("PATCH", "settings", body, &o);
	one = r ? NULL : find(o, name);
	if (one)
		print_line(one);
	json_decref(body);
	json_decref(o);
	return r;
}

int pf_cmd_settings(const struct pf_cmd *cmd, int argc, char **argv)
{
	const char *words[2] = { NULL }, *json = NULL, *reset = NULL;
	const struct pf_option extra[] = {
		{ "--reset", NULL,
			"(NAME) Forget what was set here: the files, else the default, decide.",
			&reset },
		{ "--json", NULL, "Print what the API answers.", &json },
		{ 0 },
	};
	struct pf_options o = { .extra = extra, .words = words, .words_max = 2 };
	const struct pf_config_key *key;
	json_t *answer = NULL;
	int r;

	if (!pf_api_begin(&o, cmd, "[NAME [VALUE | --reset]]", argc, argv, &r))
		goto out;
	/* As on the command line, - counts as _. */
	key = words[0] ? pf_config_find(words[0]) : NULL;
	if (key)
		words[0] = key->name;
	if (reset && o.word_count != 1) {
		pf_complain("usage: punktfunk-host settings [NAME [VALUE | --reset]]");
		r = PF_EXIT_USAGE;
	} else if (reset || o.word_count == 2) {
		r = change(words[0], words[1]);
	} else {
		r = pf_api_ask("GET", "settings", NULL, &answer);
		if (!r && json)
			r = pf_api_print(answer);
		else if (!r)
			r = show(answer, words[0]);
	}
	json_decref(answer);
out:
	pf_options_finish(&o);
	return r;
}
