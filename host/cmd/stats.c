/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* stats.c - figures of the sessions: now, and recorded. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "host/cmd/api.h"

static double number_of(const json_t *o, const char *key)
{
	return json_number_value(json_object_get(o, key));
}

static void print_session(const json_t *s)
{
	static const char *const stages[] = { "capture", "queue", "convert", "encode", "send",
		"total" };
	const json_t *all = json_object_get(s, "stages"), *rtt = json_object_get(s, "rtt_ms");
	char key[16], way[24] = "not known";

	if (json_is_number(rtt))
		snprintf(way, sizeof(way), "%.2f ms", json_number_value(rtt));
	printf("%s/%.0f: %.1f frames/s, %.0f of %.0f kbit/s, loss %.2f %%, parity %.1f %%, round "
	       "trip %s\n  %.0f frames sent, %.0f dropped; ms (p50, p99):",
		pf_api_text(s, "plane"), number_of(s, "id"), number_of(s, "fps"),
		number_of(s, "bitrate_kbps"), number_of(s, "target_kbps"),
		number_of(s, "loss_percent"), number_of(s, "parity_percent"), way,
		number_of(s, "frames_sent"), number_of(s, "frames_dropped"));
	for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++) {
		const json_t *stage;

		snprintf(key, sizeof(key), "%s_ms", stages[i]);
		stage = json_object_get(all, key);
		if (json_is_object(stage))
			printf(" %s %.2f %.2f", stages[i], number_of(stage, "p50"),
				number_of(stage, "p99"));
	}
	printf("\n");
}

static int show_live(bool json)
{
	json_t *o = NULL, *list, *item;
	size_t i;
	int r = pf_api_ask("GET", "stats/live", NULL, &o);

	list = json_object_get(o, "sessions");
	if (!r && json)
		r = pf_api_print(o);
	else if (!r && !json_array_size(list))
		printf("nobody streams\n");
	else if (!r)
		json_array_foreach(list, i, item)
		{
			print_session(item);
		}
	json_decref(o);
	return r;
}

static int list_recordings(bool json)
{
	json_t *o = NULL, *list, *item;
	char name[200];
	size_t i;
	int r = pf_api_ask("GET", "stats/recordings", NULL, &o);

	list = json_object_get(o, "recordings");
	if (!r && json)
		r = pf_api_print(o);
	else if (!r && !json_array_size(list))
		printf("there are no recordings\n");
	else if (!r)
		json_array_foreach(list, i, item)
		{
			printf("%-6.0f %s  %5.0f s  %s%s\n", number_of(item, "id"),
				pf_api_text(item, "started"), number_of(item, "seconds"),
				pf_printable(name, sizeof(name), pf_api_text(item, "name")),
				json_is_true(json_object_get(item, "running")) ? ", runs" : "");
		}
	json_decref(o);
	return r;
}

static int record(const char *name)
{
	json_t *body = json_object(), *o = NULL;
	int r = PF_EXIT_USAGE;

	if (name && json_object_set_new(body, "name", json_string(name)))
		pf_complain("the name is not UTF-8");
	else
		r = pf_api_ask("POST", "stats/recordings", body, &o);
	if (!r)
		printf("%.0f\n", number_of(o, "id"));
	json_decref(body);
	json_decref(o);
	return r;
}

/* What is done to one that there is. */
static int act(const char *method, const char *id, const char *suffix, bool show)
{
	json_t *body = *method == 'P' ? json_object() : NULL, *o = NULL;
	char path[64];
	int r;

	snprintf(path, sizeof(path), "stats/recordings/%s%s", id, suffix);
	r = pf_api_ask(method, path, body, &o);
	if (!r && show)
		r = pf_api_print(o);
	json_decref(body);
	json_decref(o);
	return r;
}

int pf_cmd_stats(const struct pf_cmd *cmd, int argc, char **argv)
{
	const char *words[2] = { NULL }, *json = NULL;
	const struct pf_option extra[] = {
		{ "--json", NULL, "Print the host's whole answer.", &json },
		{ 0 },
	};
	struct pf_options o = { .extra = extra, .words = words, .words_max = 2 };
	const char *verb, *what;
	int r;

	if (!pf_api_begin(&o, cmd,
		    "[live | list | record [NAME] | stop ID | show ID | remove ID] [options]", argc,
		    argv, &r))
		goto out;
	verb = words[0] ? words[0] : "live";
	what = words[1];
	if (!strcmp(verb, "live") && !what)
		r = show_live(json);
	else if (!strcmp(verb, "list") && !what)
		r = list_recordings(json);
	else if (!strcmp(verb, "record"))
		r = record(what);
	else if (!what || !*what || strlen(what) > 9 || strspn(what, "0123456789") != strlen(what))
		r = PF_EXIT_USAGE;
	else if (!strcmp(verb, "stop"))
		r = act("POST", what, "/stop", false);
	else if (!strcmp(verb, "show"))
		r = act("GET", what, "", true);
	else if (!strcmp(verb, "remove"))
		r = act("DELETE", what, "", false);
	else
		r = PF_EXIT_USAGE;
	if (r == PF_EXIT_USAGE)
		pf_complain("stats [live | list | record [NAME] | stop ID | show ID | remove ID]");
out:
	pf_options_finish(&o);
	return r;
}
