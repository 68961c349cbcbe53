/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* api_settings.c - the operations on the settings. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/utf8.h"
#include "host/mgmt/api_impl.h"
#include "host/registry/settings.h"
#include "host/sys/worker.h"

#define CHANGES_MAX PF_CONFIG_KEYS_MAX
#define TRIES_MAX   8			       /* of a change whose files change meanwhile */
#define VALUE_BYTES (PF_CONFIG_TEXT_BYTES + 1) /* one too many is for the table to refuse */

static const char *const types[] = {
	[PF_CONFIG_BOOL] = "bool",
	[PF_CONFIG_NUMBER] = "number",
	[PF_CONFIG_NUMBER_OR_AUTO] = "number",
	[PF_CONFIG_CHOICE] = "choice",
	[PF_CONFIG_CHOICE_NUMBER] = "choice",
	[PF_CONFIG_CHOICES] = "choices",
	[PF_CONFIG_TEXT] = "text",
	[PF_CONFIG_DSCP] = "text",
};

/* The words of a list, cut at each `sep`. */
static json_t *words_json(const char *text, char sep)
{
	const char sep_text[] = { sep, 0 };
	json_t *list = json_array();

	while (*text) {
		size_t n = strcspn(text, sep_text);

		(void)json_array_append_new(list, json_stringn(text, n));
		text += n;
		text += *text == sep;
	}
	return list;
}

/* Files may hold anything. */
static json_t *text_json(const char *text)
{
	char clean[3 * PF_CONFIG_TEXT_BYTES];

	(void)pf_utf8_repair(clean, sizeof(clean), text, strlen(text));
	return json_string(clean);
}

/* A value as JSON has it, out of what a file says. */
static json_t *value_json(const struct pf_config_key *key, const char *text)
{
	switch (key->type) {
	case PF_CONFIG_BOOL:
		return json_boolean(!strcmp(text, "yes"));
	case PF_CONFIG_NUMBER:
	case PF_CONFIG_NUMBER_OR_AUTO:
		return strcmp(text, "auto") ? json_integer((json_int_t)strtoull(text, NULL, 10))
					    : json_string(text);
	case PF_CONFIG_CHOICES:
		return words_json(text, ',');
	default:
		return text_json(text);
	}
}

static json_t *field_json(const struct pf_config *c, const struct pf_config_key *key)
{
	char text[PF_CONFIG_TEXT_BYTES];

	pf_config_format(c, key, text, sizeof(text));
	return value_json(key, text);
}

struct listing {
	json_t *list, *restart;
	bool guarded;
};

static void add_origin(json_t *o, const struct pf_settings_origin *origin)
{
	char where[sizeof(origin->file) + 16];

	json_object_set_new(o, "source", json_string(pf_settings_source_to_string(origin->source)));
	snprintf(where, sizeof(where), "%s:%u", origin->file, origin->line);
	if (*origin->file)
		json_object_set_new(o, "where", text_json(where));
}

static void add_setting(void *user, const struct pf_settings_item *i)
{
	const struct pf_config_key *key = i->key;
	struct listing *l = user;
	const char *guard = l->guarded ? NULL : pf_settings_guard(key);
	char allowed[128];
	json_t *o;

	pf_config_allowed(key, allowed, sizeof(allowed));
	o = json_pack("{s:s, s:s, s:s, s:s, s:b, s:o, s:o}", "name", key->name, "type",
		types[key->type], "help", key->help, "allowed", allowed, "restart", key->restart,
		"default", value_json(key, key->fallback), "value", field_json(i->now, key));
	if (!o)
		return;
	if (key->type == PF_CONFIG_NUMBER || key->type == PF_CONFIG_NUMBER_OR_AUTO) {
		json_object_set_new(o, "min", json_integer(key->min));
		json_object_set_new(o, "max", json_integer(key->max));
		json_object_set_new(o, "auto", json_boolean(key->type == PF_CONFIG_NUMBER_OR_AUTO));
	}
	if (key->choices)
		json_object_set_new(o, "choices", words_json(key->choices, '|'));
	add_origin(o, i->origin);
	if (i->console)
		json_object_set_new(o, "console", value_json(key, i->console));
	if (i->next) {
		json_object_set_new(o, "waits", field_json(i->next, key));
		json_array_append_new(l->restart, json_string(key->name));
	}
	json_object_set_new(o, "settable", json_boolean(!guard && !*i->fixed));
	if (guard || *i->fixed)
		json_object_set_new(o, "why", pf_mgmt_words_json(guard ? guard : i->fixed));
	json_array_append_new(l->list, o);
}

static bool has_settings(struct pf_mgmt_op *c)
{
	if (!c->p->settings)
		pf_mgmt_fail(c, 409, "this host has no settings");
	return c->p->settings;
}

static json_t *settings_json(struct pf_settings *s, bool guarded)
{
	struct listing l = { json_array(), json_array(), guarded };
	struct pf_reason problem = { 0 };
	json_t *o;

	(void)pf_settings_each(s, add_setting, &l, &problem);
	o = json_pack("{s:o, s:o}", "settings", l.list, "restart_needed", l.restart);
	if (o && problem.code)
		json_object_set_new(o, "problem", pf_mgmt_words_json(problem.text));
	return o;
}

static void get_settings(struct pf_mgmt_op *c)
{
	if (has_settings(c))
		pf_mgmt_reply(
			c, 200, settings_json(c->p->settings, c->call->lane == PF_MGMT_LANE_ADMIN));
}

/* What a file would say, of JSON. */
static int value_text(const json_t *v, char text[VALUE_BYTES], struct pf_reason *why)
{
	size_t len = 0, i;
	json_t *item;
	const char *s = json_string_value(v);

	*text = 0;
	if (json_is_boolean(v)) {
		strcpy(text, json_is_true(v) ? "yes" : "no");
	} else if (json_is_integer(v)) {
		snprintf(text, VALUE_BYTES, "%lld", (long long)json_integer_value(v));
	} else if (s) {
		/* Cut, it is longer than any value may be. */
		snprintf(text, VALUE_BYTES, "%s", s);
	} else if (json_is_array(v)) {
		json_array_foreach((json_t *)v, i, item)
		{
			s = json_string_value(item);
			if (!s || strchr(s, ','))
				return pf_reason_set(why, -EINVAL, "a list must hold words");
			len += (size_t)snprintf(
				text + len, VALUE_BYTES - len, "%s%s", len ? "," : "", s);
			if (len >= VALUE_BYTES)
				break;
		}
	} else {
		return pf_reason_set(why, -EINVAL,
			"a value is text, a whole number, true or false, or a list of words");
	}
	return 0;
}

/* A refusal with words for each field. */
static void answer_fields(struct pf_mgmt_answer *a, unsigned status, const struct pf_reason *why,
	const struct pf_settings_change *changes, unsigned count)
{
	json_t *fields = json_object();
	unsigned bad = 0;

	pf_mgmt_answer_error(a, status, why->text);
	for (unsigned i = 0; i < count; i++) {
		if (!changes[i].why.code)
			continue;
		/* A key of the request is UTF-8, the words may be cut anywhere. */
		json_object_set_new(
			fields, changes[i].name, pf_mgmt_words_json(changes[i].why.text));
		bad++;
	}
	if (bad)
		json_object_set(json_object_get(a->body, "error"), "fields", fields);
	json_decref(fields);
}

static unsigned status_of(int r)
{
	switch (r) {
	case -EINVAL:
		return 400;
	case -EACCES:
		return 403;
	case -EEXIST:
	case -EBUSY:
	case -EBADMSG:
		return 409;
	case -EAGAIN:
		return 503;
	default:
		return 500;
	}
}

/* One change under way. */
struct patch {
	struct pf_job job;
	struct pf_workers *workers;
	struct pf_settings *settings;
	struct pf_mgmt_later *later; /* NULL until there is a reason to wait */
	json_t *body;		     /* has the names */
	bool guarded;
	unsigned count, tries;
	struct pf_settings_change changes[CHANGES_MAX];
	char texts[CHANGES_MAX][VALUE_BYTES];
	struct pf_settings_trial trial;
};

static void free_patch(struct patch *p)
{
	json_decref(p->body);
	free(p);
}

static int read_changes(struct patch *p, struct pf_reason *why)
{
	const char *name;
	json_t *v;
	int r = 0;

	json_object_foreach(p->body, name, v)
	{
		struct pf_settings_change *one = &p->changes[p->count];
		char *text = p->texts[p->count++];

		one->name = name;
		one->value = json_is_null(v) ? NULL : text;
		if (one->value && value_text(v, text, &one->why) && !r)
			r = pf_reason_set(why, -EINVAL, "%s: %s", name, one->why.text);
	}
	return r;
}

/* -EINPROGRESS, else *a is complete. */
static int try_change(struct patch *p, struct pf_mgmt_answer *a)
{
	struct pf_reason why = { 0 };
	int r = pf_settings_change(
		p->settings, p->changes, p->count, p->guarded, p->workers ? &p->trial : NULL, &why);

	if (r == -EINPROGRESS)
		return r;
	if (r) {
		answer_fields(a, status_of(r), &why, p->changes, p->count);
		a->retry_after_s = r == -EAGAIN;
		return r;
	}
	a->status = 200;
	a->body = settings_json(p->settings, p->guarded);
	if (!a->body)
		pf_mgmt_answer_error(a, 500, "out of memory");
	return 0;
}

static void work(struct pf_job *job)
{
	pf_settings_trial_run(&((struct patch *)job)->trial);
}

static void done(struct pf_job *job)
{
	struct patch *p = (struct patch *)job;
	struct pf_mgmt_answer a = { 0 };

	if (try_change(p, &a) == -EINPROGRESS) {
		if (++p->tries < TRIES_MAX) {
			pf_workers_submit(p->workers, job);
			return;
		}
		pf_settings_trial_give_up(p->settings, &p->trial);
		pf_mgmt_answer_error(&a, 503, "the settings' files change all the time");
	}
	p->later->done(p->later, &a);
	free_patch(p);
}

static void patch_settings(struct pf_mgmt_op *c)
{
	struct pf_reason why = { 0 };
	struct patch *p;
	int r;

	if (!has_settings(c))
		return;
	if (json_object_size(c->body) > CHANGES_MAX) {
		pf_mgmt_fail(c, 400, "there are not so many settings");
		return;
	}
	p = calloc(1, sizeof(*p));
	if (!p) {
		pf_mgmt_fail(c, 500, "out of memory");
		return;
	}
	p->workers = c->p->workers;
	p->settings = c->p->settings;
	p->body = json_incref(c->body);
	p->guarded = c->call->lane == PF_MGMT_LANE_ADMIN;
	r = read_changes(p, &why);
	if (r) {
		answer_fields(c->a, status_of(r), &why, p->changes, p->count);
	} else if (try_change(p, c->a) == -EINPROGRESS) {
		p->later = pf_mgmt_defer(c);
		if (p->later) {
			p->job = (struct pf_job){ .work = work, .done = done };
			pf_workers_submit(p->workers, &p->job);
			return;
		}
		pf_settings_trial_give_up(p->settings, &p->trial);
	}
	free_patch(p);
}

const struct pf_mgmt_route pf_mgmt_settings_routes[] = {
	{ { "settings" }, 1, "GET, PATCH", .get = get_settings, .patch = patch_settings },
	{ { 0 } },
};
