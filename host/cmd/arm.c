/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "host/cmd/api.h"

#define PATH "pair/arm"

static void show(json_t *o)
{
	json_t *left = json_object_get(o, "left_s");
	const char *device = pf_api_text(o, "device");

	if (!json_is_true(json_object_get(o, "armed"))) {
		printf(json_is_true(json_object_get(o, "running"))
				? "a client pairs just now\n"
				: "no PIN is shown; punktfunk-host arm makes one\n");
		return;
	}
	printf("PIN %s\n", pf_api_text(o, "pin"));
	printf("for one attempt");
	if (json_is_integer(left))
		printf(" within %lld s", (long long)json_integer_value(left));
	if (*device)
		printf(" of the device %.16s", device);
	printf("\n");
	fflush(stdout);
}

static int show_outcome(json_t *last)
{
	const char *result = pf_api_text(last, "result");
	char name[80];

	if (!strcmp(result, "paired")) {
		printf("paired: %s (%.16s)\n",
			pf_printable(name, sizeof(name), pf_api_text(last, "name")),
			pf_api_text(last, "fingerprint"));
		return PF_EXIT_OK;
	}
	pf_complain("the client did not pair: %s. The PIN is used up; arm again for a new one",
		!strcmp(result, "wrong_pin") ? "it had another PIN" : "it left before the end");
	return PF_EXIT_FAILURE;
}

/* Until the PIN of arming `id` was used or is gone. */
static int wait_for(json_int_t id)
{
	const struct timespec pause = { .tv_nsec = 200000000 };
	unsigned idle = 0;

	for (;;) {
		json_t *o = NULL, *last;
		int r = pf_api_ask("GET", PATH, NULL, &o);
		bool busy;

		if (r)
			return r;
		last = json_object_get(o, "last");
		if (json_integer_value(json_object_get(last, "id")) == id) {
			r = show_outcome(last);
			json_decref(o);
			return r;
		}
		busy = json_integer_value(json_object_get(o, "id")) == id &&
		       (json_is_true(json_object_get(o, "armed")) ||
			       json_is_true(json_object_get(o, "running")));
		json_decref(o);
		/* Twice, as the outcome may be on its way. */
		idle = busy ? 0 : idle + 1;
		if (idle > 1) {
			pf_complain("no client paired in time, or the PIN was withdrawn");
			return PF_EXIT_FAILURE;
		}
		nanosleep(&pause, NULL);
	}
}

static int arm(
	const char *ttl, const char *device, const char *grants, const char *expires, bool wait)
{
	json_t *body = json_object(), *o = NULL;
	char *end = NULL;
	long seconds = ttl ? strtol(ttl, &end, 10) : 0;
	json_int_t id;
	int r;

	if (ttl && (!*ttl || *end || seconds < 0 || seconds > 86400)) {
		pf_complain("--ttl %s: 0 (until the PIN is used) to 86400 seconds", ttl);
		r = PF_EXIT_USAGE;
		goto out;
	}
	if (ttl)
		json_object_set_new(body, "ttl_s", json_integer(seconds));
	if (device && json_object_set_new(body, "device", json_string(device))) {
		pf_complain("--device is not UTF-8");
		r = PF_EXIT_USAGE;
		goto out;
	}
	r = pf_api_set_terms(body, NULL, grants, expires);
	if (r)
		goto out;
	r = pf_api_ask("POST", PATH, body, &o);
	if (r)
		goto out;
	show(o);
	id = json_integer_value(json_object_get(o, "id"));
	if (wait)
		r = wait_for(id);
out:
	json_decref(body);
	json_decref(o);
	return r;
}

int pf_cmd_arm(const struct pf_cmd *cmd, int argc, char **argv)
{
	const char *words[1] = { NULL }, *ttl = NULL, *device = NULL, *grants = NULL,
		   *expires = NULL, *wait = NULL;
	const struct pf_option extra[] = {
		{ "--ttl", "S",
			"How long the PIN can be used, in seconds (300); 0 = until it is used.",
			&ttl },
		{ "--device", "HEX", "Only for the client with this fingerprint.", &device },
		{ "--grants", "LIST",
			"What the client may do: all, none, or some of gamepad, pointer, keyboard, "
			"clipboard, microphone, launch. Else as before, or all.",
			&grants },
		{ "--expires", "TIME", "Until when, as 2030-01-31T12:00:00Z, or never.", &expires },
		{ "--wait", NULL, "Wait until a client paired or the time is over.", &wait },
		{ 0 },
	};
	struct pf_options o = { .extra = extra, .words = words, .words_max = 1 };
	json_t *answer = NULL;
	int r;

	if (!pf_api_begin(&o, cmd, "[status | options]", argc, argv, &r))
		goto out;
	if (!o.word_count) {
		r = arm(ttl, device, grants, expires, wait != NULL);
	} else if (!strcmp(words[0], "status")) {
		r = pf_api_ask("GET", PATH, NULL, &answer);
		if (!r)
			show(answer);
	} else {
		pf_complain("usage: punktfunk-host arm [status | options]");
		r = PF_EXIT_USAGE;
	}
	json_decref(answer);
out:
	pf_options_finish(&o);
	return r;
}

int pf_cmd_disarm(const struct pf_cmd *cmd, int argc, char **argv)
{
	struct pf_options o = { 0 };
	json_t *answer = NULL;
	int r;

	if (pf_api_begin(&o, cmd, "", argc, argv, &r))
		r = pf_api_ask("DELETE", PATH, NULL, &answer);
	json_decref(answer);
	pf_options_finish(&o);
	return r;
}
