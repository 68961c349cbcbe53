/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "host/cmd/api.h"

/* What a client needs from the PIN to its last phase, and more. */
#define WAIT_S 15

static int list_requests(void)
{
	json_t *o = NULL, *list, *item;
	char name[80], address[80];
	size_t i;
	int r = pf_api_ask("GET", "pair/requests", NULL, &o);

	if (r)
		return r;
	list = json_object_get(o, "requests");
	if (!json_array_size(list))
		printf("no client waits for a PIN; start pairing in the client first\n");
	else
		printf("%-10s %-24s %-20s %s\n", "REQUEST", "ADDRESS", "NAME", "SINCE");
	json_array_foreach(list, i, item)
	{
		printf("%-10lld %-24s %-20s %llds%s\n",
			(long long)json_integer_value(json_object_get(item, "id")),
			pf_printable(address, sizeof(address),
				json_string_value(json_object_get(item, "address"))),
			pf_printable(name, sizeof(name),
				json_string_value(json_object_get(item, "name"))),
			(long long)json_integer_value(json_object_get(item, "age_s")),
			json_is_true(json_object_get(item, "has_pin")) ? ", has a PIN" : "");
	}
	json_decref(o);
	return PF_EXIT_OK;
}

/* The entry whose `key` has this value, borrowed, or NULL. */
static json_t *find(json_t *list, const char *key, const char *value)
{
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		const char *s = json_string_value(json_object_get(item, key));

		if (s && !strcmp(s, value))
			return item;
	}
	return NULL;
}

/* The fingerprint of the request that a PIN would go to; "" when there is not just
 * one such, about which the host will complain; how many in *hits_out. */
static int choose(char fp[65], size_t *hits_out, json_int_t id)
{
	json_t *o = NULL, *list, *item;
	size_t i, hits = 0;
	int r = pf_api_ask("GET", "pair/requests", NULL, &o);

	*fp = 0;
	if (r)
		return r;
	list = json_object_get(o, "requests");
	json_array_foreach(list, i, item)
	{
		const char *s = json_string_value(json_object_get(item, "fingerprint"));

		if (s && (!id || json_integer_value(json_object_get(item, "id")) == id)) {
			hits++;
			snprintf(fp, 65, "%s", s);
		}
	}
	if (hits != 1)
		*fp = 0;
	*hits_out = hits;
	json_decref(o);
	return PF_EXIT_OK;
}

/* When client `fp` paired last, in *when; "" = not at all. */
static int paired_at(const char *fp, char when[32])
{
	json_t *o = NULL, *c;
	int r = pf_api_ask("GET", "clients", NULL, &o);

	*when = 0;
	if (r)
		return r;
	c = find(json_object_get(o, "clients"), "fingerprint", fp);
	snprintf(when, 32, "%.31s", c ? json_string_value(json_object_get(c, "paired")) ?: "" : "");
	json_decref(o);
	return PF_EXIT_OK;
}

static int rename_client(const char *fp, const char *name)
{
	json_t *body = json_pack("{s:s}", "name", name), *o = NULL;
	char path[128];
	int r;

	if (!body) {
		pf_complain("the name is not UTF-8");
		return PF_EXIT_USAGE;
	}
	snprintf(path, sizeof(path), "clients/gamestream/%s", fp);
	r = pf_api_ask("PATCH", path, body, &o);
	json_decref(body);
	json_decref(o);
	return r;
}

/* Waits until the exchange with the client ends. */
static int wait_for(const char *fp, const char *before, const char *name)
{
	const struct timespec pause = { .tv_nsec = 200000000 };
	char when[32];
	json_t *o, *request;
	int r;

	for (unsigned i = 0; i < WAIT_S * 5; i++) {
		r = paired_at(fp, when);
		if (r)
			return r;
		if (*when && strcmp(when, before)) {
			printf("paired\n");
			return name ? rename_client(fp, name) : PF_EXIT_OK;
		}
		o = NULL;
		r = pf_api_ask("GET", "pair/requests", NULL, &o);
		if (r)
			return r;
		request = find(json_object_get(o, "requests"), "fingerprint", fp);
		json_decref(o);
		if (!request) {
			/* It may have ended well between the two questions. */
			r = paired_at(fp, when);
			if (r)
				return r;
			if (*when && strcmp(when, before))
				continue;
			pf_complain("the client did not pair: was the PIN right? Start pairing in "
				    "the client again; it will show another PIN");
			return PF_EXIT_FAILURE;
		}
		nanosleep(&pause, NULL);
	}
	pf_complain("the client has not answered yet; punktfunk-host clients shows whether it "
		    "paired");
	return PF_EXIT_FAILURE;
}

static int enter(const char *pin, const char *request, const char *name)
{
	char *end = NULL, fp[65], before[32] = "";
	json_int_t id = request ? strtoll(request, &end, 10) : 0;
	json_t *body, *o = NULL;
	size_t hits = 0;
	int r;

	if (request && (!*request || *end || id < 1)) {
		pf_complain(
			"--request %s: no request has this number; see punktfunk-host pair list",
			request);
		return PF_EXIT_USAGE;
	}
	r = choose(fp, &hits, id);
	if (!r && *fp)
		r = paired_at(fp, before);
	if (r)
		return r;
	body = request ? json_pack("{s:s, s:I}", "pin", pin, "request", id)
		       : json_pack("{s:s}", "pin", pin);
	if (!body) {
		pf_complain("the PIN is the digits that the client shows");
		return PF_EXIT_USAGE;
	}
	r = pf_api_ask("POST", "pair/pin", body, &o);
	json_decref(body);
	json_decref(o);
	if (r) {
		if (!request && hits > 1)
			(void)list_requests();
		return r;
	}
	return *fp ? wait_for(fp, before, name) : PF_EXIT_OK;
}

int pf_cmd_pair(const struct pf_cmd *cmd, int argc, char **argv)
{
	const char *words[1] = { NULL }, *request = NULL, *name = NULL;
	const struct pf_option extra[] = {
		{ "--request", "ID", "Which client the PIN is for, when several wait.", &request },
		{ "--name", "NAME", "What to call the client from now on.", &name },
		{ 0 },
	};
	struct pf_options o = { .extra = extra, .words = words, .words_max = 1 };
	int r;

	if (pf_api_begin(&o, cmd, "[list | PIN [options]]", argc, argv, &r))
		r = !o.word_count || !strcmp(words[0], "list") ? list_requests()
							       : enter(words[0], request, name);
	pf_options_finish(&o);
	return r;
}
