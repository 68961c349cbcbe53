/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* sessions.c - what streams right now: list, stop, keyframe, bitrate. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "host/cmd/api.h"

#define FIND_MIN 6 /* digits of a fingerprint that may stand for all */

static long long number_of(const json_t *o, const char *key)
{
	return (long long)json_number_value(json_object_get(o, key));
}

static int fetch(json_t **o)
{
	return pf_api_ask("GET", "status", NULL, o);
}

static int list_sessions(void)
{
	json_t *o = NULL, *list, *item;
	char id[48], name[80];
	size_t i;
	int r = fetch(&o);

	if (r)
		return r;
	list = json_object_get(o, "sessions");
	if (!json_array_size(list))
		printf("nobody streams\n");
	else
		printf("%-14s  %-20s  %-17s  %-6s  %7s  %6s  %6s  %8s  %s\n", "SESSION", "CLIENT",
			"MODE", "CODEC", "KBIT/S", "FPS", "LOSS %", "SECONDS", "DESK");
	json_array_foreach(list, i, item)
	{
		snprintf(id, sizeof(id), "%.12s/%lld", pf_api_text(item, "plane"),
			number_of(item, "id"));
		printf("%-14s  %-20s  %-17s  %-6s  %7lld  %6.1f  %6.2f  %8lld  %s%s\n", id,
			pf_printable(name, sizeof(name), pf_api_text(item, "name")),
			pf_api_text(item, "mode"), pf_api_text(item, "codec"),
			number_of(item, "target_kbps"),
			json_number_value(json_object_get(item, "fps")),
			json_number_value(json_object_get(item, "loss_percent")),
			number_of(item, "seconds"), pf_api_text(item, "desk"),
			json_is_integer(json_object_get(item, "limit_kbps")) ? ", limited" : "");
	}
	json_decref(o);
	return PF_EXIT_OK;
}

/* native/3, 3, the client's name, or the begin of its fingerprint. */
static bool is_meant(const json_t *session, const char *what)
{
	const char *client = pf_api_text(session, "client");
	char number[24], whole[48];
	size_t len = strlen(what);

	snprintf(number, sizeof(number), "%lld", number_of(session, "id"));
	snprintf(whole, sizeof(whole), "%.12s/%s", pf_api_text(session, "plane"), number);
	if (!strcmp(what, whole) || !strcmp(what, number) ||
		!strcmp(pf_api_text(session, "name"), what))
		return true;
	return len >= FIND_MIN && len <= strlen(client) && !strncasecmp(client, what, len);
}

/* The path of the one session that `what` names. */
static int find_session(char path[96], const char *what)
{
	json_t *o = NULL, *item;
	unsigned hits = 0;
	char clean[80];
	size_t i;
	int r = fetch(&o);

	if (r)
		return r;
	json_array_foreach(json_object_get(o, "sessions"), i, item)
	{
		if (!json_is_true(json_object_get(item, "live")) || !is_meant(item, what))
			continue;
		hits++;
		snprintf(path, 96, "sessions/%.12s/%lld", pf_api_text(item, "plane"),
			number_of(item, "id"));
	}
	json_decref(o);
	if (hits == 1)
		return PF_EXIT_OK;
	pf_complain(hits ? "several sessions are meant by \"%s\"; name one as punktfunk-host "
			   "sessions lists it"
			 : "no session is meant by \"%s\"; punktfunk-host sessions lists them",
		pf_printable(clean, sizeof(clean), what));
	return PF_EXIT_FAILURE;
}

/* Asks for `path` with `behind` at its end. */
static int ask(const char *method, const char *path, const char *behind, const json_t *body,
	json_t **answer)
{
	char whole[128];

	snprintf(whole, sizeof(whole), "%s%s", path, behind);
	return pf_api_ask(method, whole, body, answer);
}

static int set_bitrate(const char *what, const char *bitrate)
{
	char path[96] = "", *end = NULL;
	json_t *body, *answer = NULL;
	const bool lift = !strcmp(bitrate, "auto");
	const unsigned long kbps = strtoul(bitrate, &end, 10);
	int r;

	if (!lift && (*end || *bitrate < '0' || *bitrate > '9' || kbps > UINT32_MAX)) {
		pf_complain("--bitrate takes a number of kbit/s, or auto");
		return PF_EXIT_USAGE;
	}
	r = find_session(path, what);
	if (r)
		return r;
	body = json_pack(
		"{s:o}", "bitrate_kbps", lift ? json_null() : json_integer((json_int_t)kbps));
	r = ask("PATCH", path, "", body, &answer);
	if (!r && lift)
		printf("%s: as its client wishes\n", path + strlen("sessions/"));
	else if (!r)
		printf("%s: %lld kbit/s\n", path + strlen("sessions/"),
			number_of(answer, "bitrate_kbps"));
	json_decref(body);
	json_decref(answer);
	return r;
}

int pf_cmd_sessions(const struct pf_cmd *cmd, int argc, char **argv)
{
	const char *words[2] = { NULL }, *bitrate = NULL;
	const struct pf_option extra[] = {
		{ "--bitrate", "KBPS",
			"(set) Its bitrate from now on, which its client may go below; auto: as "
			"the client wishes.",
			&bitrate },
		{ 0 },
	};
	struct pf_options o = { .extra = extra, .words = words, .words_max = 2 };
	int r;

	if (!pf_api_begin(&o, cmd, "[list | set SESSION --bitrate KBPS]", argc, argv, &r))
		goto out;
	if (!o.word_count || (o.word_count == 1 && !strcmp(words[0], "list"))) {
		r = list_sessions();
	} else if (o.word_count == 2 && !strcmp(words[0], "set") && bitrate) {
		r = set_bitrate(words[1], bitrate);
	} else {
		pf_complain(
			"usage: punktfunk-host sessions [list | set SESSION --bitrate KBPS|auto]");
		r = PF_EXIT_USAGE;
	}
out:
	pf_options_finish(&o);
	return r;
}

static int stop_all(void)
{
	json_t *o = NULL, *item;
	char path[96];
	size_t i;
	int r = fetch(&o);

	json_array_foreach(json_object_get(o, "sessions"), i, item)
	{
		struct pf_reason why = { 0 };
		json_t *answer = NULL;
		unsigned status = 0;

		snprintf(path, sizeof(path), "sessions/%.12s/%lld", pf_api_text(item, "plane"),
			number_of(item, "id"));
		if (pf_api_call("DELETE", path, NULL, &status, &answer, &why)) {
			pf_complain("%s", why.text);
			r = PF_EXIT_FAILURE;
		} else if (status == 204) {
			printf("%s stopped\n", path + strlen("sessions/"));
		} else if (status != 404) { /* one that ended meanwhile */
			pf_complain("%s: the host answers %u", path, status);
			r = PF_EXIT_FAILURE;
		}
		json_decref(answer);
	}
	json_decref(o);
	return r;
}

/* One word, the session; *path is it, or "" for all where `all` is allowed. */
static bool begin_one(struct pf_options *o, const struct pf_cmd *cmd, bool all, int argc,
	char **argv, char path[96], int *r)
{
	if (!pf_api_begin(o, cmd, all ? "SESSION|all" : "SESSION", argc, argv, r))
		return false;
	*path = 0;
	if (!o->word_count) {
		pf_complain("%s which session? punktfunk-host sessions lists them", cmd->name);
		*r = PF_EXIT_USAGE;
	} else if (!all || strcmp(o->words[0], "all")) {
		*r = find_session(path, o->words[0]);
	}
	return !*r;
}

int pf_cmd_stop(const struct pf_cmd *cmd, int argc, char **argv)
{
	const char *words[1] = { NULL };
	struct pf_options o = { .words = words, .words_max = 1 };
	json_t *answer = NULL;
	char path[96];
	int r;

	if (begin_one(&o, cmd, true, argc, argv, path, &r)) {
		r = *path ? ask("DELETE", path, "", NULL, &answer) : stop_all();
		if (!r && *path)
			printf("%s stopped\n", path + strlen("sessions/"));
	}
	json_decref(answer);
	pf_options_finish(&o);
	return r;
}

int pf_cmd_keyframe(const struct pf_cmd *cmd, int argc, char **argv)
{
	const char *words[1] = { NULL };
	struct pf_options o = { .words = words, .words_max = 1 };
	json_t *body = json_object(), *answer = NULL;
	char path[96];
	int r;

	if (begin_one(&o, cmd, false, argc, argv, path, &r))
		r = ask("POST", path, "/keyframe", body, &answer);
	json_decref(body);
	json_decref(answer);
	pf_options_finish(&o);
	return r;
}
