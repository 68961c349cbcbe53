/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "host/cmd/api.h"
#include "host/display/display.h"

/* As the settings of this command line say, whether a host runs or not. */
static void print_backends(const struct pf_config *c)
{
	const struct pf_display_ops *const *list = pf_display_backends();
	const struct pf_display_params p = {
		.mode = { 1280, 720, 60000 },
		.session_socket = *c->session_socket ? c->session_socket : NULL,
		.xwayland = c->xwayland,
	};

	for (unsigned i = 0; list[i]; i++) {
		struct pf_reason why = { 0 };

		if (list[i]->probe(&p, &why))
			printf("%-10s no: %s\n", list[i]->name, why.text);
		else
			printf("%-10s yes\n", list[i]->name);
	}
}

static void print_desk(json_t *d)
{
	json_t *left = json_object_get(d, "left_s"), *kib = json_object_get(d, "memory_kib");
	char name[80], app[160], state[64], memory[32] = "-";

	snprintf(state, sizeof(state), "%s", pf_api_text(d, "state"));
	if (json_is_integer(left))
		snprintf(state, sizeof(state), "%s, %lld s left", pf_api_text(d, "state"),
			(long long)json_integer_value(left));
	if (json_is_integer(kib))
		snprintf(memory, sizeof(memory), "%lld MiB",
			(long long)json_integer_value(kib) / 1024);
	printf("%-6lld  %-20s  %-17s  %-24s  %-10s  %s\n",
		(long long)json_integer_value(json_object_get(d, "id")), state,
		pf_api_text(d, "mode"),
		pf_printable(name, sizeof(name), pf_api_text(d, "client_name")), memory,
		pf_printable(app, sizeof(app), pf_api_text(d, "app")));
}

/* What the running host has; without one there is nothing to say. */
static int print_running(void)
{
	json_t *o = NULL, *item;
	struct pf_reason why = { 0 };
	unsigned status = 0;
	size_t i;
	int r = pf_api_call("GET", "displays", NULL, &status, &o, &why);

	if (r == -ENOENT)
		return PF_EXIT_OK;
	if (r || status != 200) {
		pf_complain("%s", r ? why.text : "the host does not tell its desks");
		json_decref(o);
		return PF_EXIT_FAILURE;
	}
	json_array_foreach(json_object_get(o, "backends"), i, item)
	{
		if (json_is_true(json_object_get(item, "chosen")))
			printf("\nthe running host uses %s: %s\n", pf_api_text(item, "name"),
				pf_api_text(item, "why"));
	}
	if (!json_array_size(json_object_get(o, "desks")))
		printf("it has no desk\n");
	else
		printf("%-6s  %-20s  %-17s  %-24s  %-10s  %s\n", "DESK", "STATE", "MODE", "CLIENT",
			"MEMORY", "APP");
	json_array_foreach(json_object_get(o, "desks"), i, item)
	{
		print_desk(item);
	}
	json_decref(o);
	return PF_EXIT_OK;
}

static int release(const char *what)
{
	json_t *answer = NULL;
	char path[32];
	int r;

	if (!*what || strlen(what) > 9 || strspn(what, "0123456789") != strlen(what)) {
		pf_complain("release which desk? By its number, as punktfunk-host displays lists");
		return PF_EXIT_USAGE;
	}
	snprintf(path, sizeof(path), "displays/%s", what);
	r = pf_api_ask("DELETE", path, NULL, &answer);
	if (!r)
		printf("desk %s ends\n", what);
	json_decref(answer);
	return r;
}

int pf_cmd_displays(const struct pf_cmd *cmd, int argc, char **argv)
{
	const char *words[2] = { NULL };
	struct pf_options o = { .words = words, .words_max = 2 };
	struct pf_config c;
	int r = pf_options_parse(&o, argc, argv);

	if (r || o.help) {
		if (!r)
			pf_options_help(cmd, NULL);
		goto out;
	}
	r = pf_leave_root(&o);
	if (r)
		goto out;
	if (!o.word_count || (o.word_count == 1 && !strcmp(words[0], "list"))) {
		r = pf_load_settings(&c, &o, false);
		if (!r) {
			print_backends(&c);
			r = print_running();
		}
	} else if (o.word_count == 2 && !strcmp(words[0], "release")) {
		r = release(words[1]);
	} else {
		pf_complain("usage: punktfunk-host displays [list | release DESK]");
		r = PF_EXIT_USAGE;
	}
out:
	pf_options_finish(&o);
	return r;
}
