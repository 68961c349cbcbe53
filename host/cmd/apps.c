/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "host/cmd/api.h"
#include "host/registry/art.h"
#include "host/registry/json_file.h"
#include "host/sys/files.h"

static const char usage[] =
	"[list | show APP | add TITLE [fields] | edit APP fields | remove APP | "
	"art APP [FILE | --save FILE | --remove]]";

static int list_apps(void)
{
	json_t *o = NULL, *item;
	char title[140], command[200];
	size_t i;
	int r = pf_api_ask("GET", "apps", NULL, &o);

	if (r)
		return r;
	printf("%-11s %-32s %-6s %s\n", "ID", "TITLE", "ART", "COMMAND");
	json_array_foreach(json_object_get(o, "apps"), i, item)
	{
		const char *art = pf_api_text(item, "art");

		printf("%-11lld %-32s %-6s %s\n",
			(long long)json_integer_value(json_object_get(item, "id")),
			pf_printable(title, sizeof(title), pf_api_text(item, "title")),
			strcmp(art, "none") ? art : "-",
			pf_printable(command, sizeof(command), pf_api_text(item, "command")));
	}
	json_decref(o);
	return PF_EXIT_OK;
}

/* The path of the one app that `what` names by number or title, with `tail`. */
static int find_app(char path[64], const char *what, const char *tail)
{
	json_t *o = NULL, *item;
	long long id = 0;
	unsigned hits = 0;
	char number[24];
	size_t i;
	int r = pf_api_ask("GET", "apps", NULL, &o);

	if (r)
		return r;
	json_array_foreach(json_object_get(o, "apps"), i, item)
	{
		long long n = json_integer_value(json_object_get(item, "id"));

		snprintf(number, sizeof(number), "%lld", n);
		if (strcmp(number, what) && strcmp(pf_api_text(item, "title"), what))
			continue;
		hits++;
		id = n;
	}
	json_decref(o);
	snprintf(path, 64, "apps/%lld%s", id, tail);
	if (hits == 1)
		return PF_EXIT_OK;
	pf_complain(hits ? "several apps are called \"%s\"; name one by its id"
			 : "there is no app \"%s\"; punktfunk-host apps lists them",
		what);
	return PF_EXIT_FAILURE;
}

static int show_app(const char *what)
{
	json_t *o = NULL;
	char path[64];
	int r = find_app(path, what, "");

	if (!r)
		r = pf_api_ask("GET", path, NULL, &o);
	if (!r)
		r = pf_api_print(o);
	json_decref(o);
	return r;
}

struct fields {
	const char *title, *command, *workdir, *image, *on_exit, *detached, *attached, *timeout;
	const char *json;
};

/* What the options say, as the API takes it; NULL after a complaint. */
static json_t *body_of(const struct fields *f)
{
	json_t *body = json_object();
	const struct {
		const char *key, *value;
	} rows[] = { { "title", f->title }, { "command", f->command }, { "workdir", f->workdir },
		{ "image", f->image }, { "on_exit", f->on_exit } };
	struct pf_reason why = { 0 };
	char *end;
	long seconds;
	int r = body ? 0 : -1;

	if (f->json) {
		json_decref(body);
		body = NULL;
		if (pf_json_parse(&body, f->json, strlen(f->json), NULL, &why)) {
			pf_complain("--fields: %s", why.text);
			return NULL;
		}
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && !r; i++)
		if (rows[i].value)
			r = json_object_set_new(body, rows[i].key, json_string(rows[i].value));
	if (!r && (f->detached || f->attached))
		r = json_object_set_new(body, "detached", json_boolean(f->detached != NULL));
	if (!r && f->timeout) {
		seconds = strtol(f->timeout, &end, 10);
		if (!*f->timeout || *end) {
			pf_complain("--exit-timeout must be a number of seconds");
			json_decref(body);
			return NULL;
		}
		r = json_object_set_new(body, "exit_timeout_s", json_integer(seconds));
	}
	if (!r)
		return body;
	pf_complain("the title or an option is not UTF-8");
	json_decref(body);
	return NULL;
}

static int add_app(struct fields *f, const char *title)
{
	json_t *body, *o = NULL;
	int r = PF_EXIT_USAGE;

	f->title = title;
	body = body_of(f);
	if (body)
		r = pf_api_ask("POST", "apps", body, &o);
	if (!r)
		printf("%lld\n", (long long)json_integer_value(json_object_get(o, "id")));
	json_decref(body);
	json_decref(o);
	return r;
}

static int edit_app(const struct fields *f, const char *what)
{
	json_t *body = body_of(f), *o = NULL;
	char path[64];
	int r = PF_EXIT_USAGE;

	if (body && !json_object_size(body))
		pf_complain("edit what of it? See punktfunk-host apps --help");
	else if (body)
		r = find_app(path, what, "");
	if (!r)
		r = pf_api_ask("PATCH", path, body, &o);
	json_decref(body);
	json_decref(o);
	return r;
}

static int remove_app(const char *what)
{
	json_t *answer = NULL;
	char path[64];
	int r = find_app(path, what, "");

	if (!r)
		r = pf_api_ask("DELETE", path, NULL, &answer);
	json_decref(answer);
	return r;
}

static int put_art(const char *path, const char *file)
{
	struct pf_reason why = { 0 };
	uint8_t *data;
	const char *type;
	size_t len;
	int r = pf_file_read(file, PF_ART_BYTES, &data, &len, &why);

	if (r) {
		pf_complain("%s%s", why.text, r == -EFBIG ? "; 1 MiB is the most" : "");
		return PF_EXIT_FAILURE;
	}
	type = pf_art_type(data, len);
	if (type) {
		r = pf_api_ask_raw("PUT", path, type, data, len, NULL, NULL);
	} else {
		pf_complain("%s is no PNG, JPEG or WebP picture", file);
		r = PF_EXIT_FAILURE;
	}
	free(data);
	return r;
}

static int save_art(const char *path, const char *file)
{
	FILE *out = strcmp(file, "-") ? NULL : stdout;
	uint8_t *data = NULL;
	size_t len = 0;
	int r = pf_api_ask_raw("GET", path, NULL, NULL, 0, &data, &len);

	if (r)
		return r;
	if (!out)
		out = fopen(file, "we");
	if (!out || fwrite(data, 1, len, out) != len || fflush(out)) {
		pf_complain("cannot write %s: %s", file, strerror(errno));
		r = PF_EXIT_FAILURE;
	}
	if (out && out != stdout)
		fclose(out);
	free(data);
	return r;
}

static int art(const char *what, const char *file, const char *save, const char *drop)
{
	uint8_t *data = NULL;
	const char *type;
	size_t len = 0;
	char path[64];
	int r = find_app(path, what, "/art");

	if (r)
		return r;
	if (file)
		return put_art(path, file);
	if (drop)
		return pf_api_ask_raw("DELETE", path, NULL, NULL, 0, NULL, NULL);
	if (save)
		return save_art(path, save);
	r = pf_api_ask_raw("GET", path, NULL, NULL, 0, &data, &len);
	if (!r) {
		type = pf_art_type(data, len);
		printf("%s, %zu bytes\n", type ? type : "no picture", len);
	}
	free(data);
	return r;
}

int pf_cmd_apps(const struct pf_cmd *cmd, int argc, char **argv)
{
	const char *words[3] = { NULL }, *json = NULL, *save = NULL, *drop = NULL;
	struct fields f = { 0 };
	const struct pf_option extra[] = {
		{ "--title", "TITLE", "(edit) What clients call it.", &f.title },
		{ "--command", "TEXT", "(add, edit) What /bin/sh runs inside the client's desk.",
			&f.command },
		{ "--workdir", "DIR", "(add, edit) Where it runs; empty is the home directory.",
			&f.workdir },
		{ "--image", "FILE", "(add, edit) Picture for the client's list: a path there.",
			&f.image },
		{ "--on-exit", "end|stay",
			"(add, edit) Whether the session ends with the command (the default) or "
			"stays.",
			&f.on_exit },
		{ "--exit-timeout", "S",
			"(add, edit) Seconds from being asked to end to being killed.",
			&f.timeout },
		{ "--detached", NULL, "(add, edit) The command only starts something.",
			&f.detached },
		{ "--attached", NULL, "(edit) The command is the app itself.", &f.attached },
		{ "--fields", "JSON",
			"(add, edit) Any fields as in apps.json, such as {\"env\": {\"A\": "
			"\"1\"}}.",
			&f.json },
		{ "--save", "FILE", "(art) Write the picture there; - is standard output.", &save },
		{ "--remove", NULL, "(art) Forget the picture that was uploaded.", &drop },
		{ "--json", NULL, "(list) Print what the API answers.", &json },
		{ 0 },
	};
	struct pf_options o = { .extra = extra, .words = words, .words_max = 3 };
	const char *verb;
	json_t *answer = NULL;
	int r;

	if (!pf_api_begin(&o, cmd, usage, argc, argv, &r))
		goto out;
	verb = words[0] ? words[0] : "list";
	if (o.word_count <= 1 && !strcmp(verb, "list") && json) {
		r = pf_api_ask("GET", "apps", NULL, &answer);
		if (!r)
			r = pf_api_print(answer);
		json_decref(answer);
	} else if (o.word_count <= 1 && !strcmp(verb, "list")) {
		r = list_apps();
	} else if (o.word_count == 2 && !strcmp(verb, "show")) {
		r = show_app(words[1]);
	} else if (o.word_count == 2 && !strcmp(verb, "add")) {
		r = add_app(&f, words[1]);
	} else if (o.word_count == 2 && !strcmp(verb, "edit")) {
		r = edit_app(&f, words[1]);
	} else if (o.word_count == 2 && !strcmp(verb, "remove")) {
		r = remove_app(words[1]);
	} else if (!strcmp(verb, "art") &&
		   (o.word_count == 2 || (o.word_count == 3 && !save && !drop))) {
		r = art(words[1], words[2], save, drop);
	} else {
		pf_complain("usage: punktfunk-host apps %s", usage);
		r = PF_EXIT_USAGE;
	}
out:
	pf_options_finish(&o);
	return r;
}
