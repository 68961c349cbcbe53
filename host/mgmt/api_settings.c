/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* api_settings.c - the operations on the settings. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/utf8.h"
#include "host/mgmt/api_impl.h"
#include "host/registry/settings.h"

#define CHANGES_MAX PF_CONFIG_KEYS_MAX
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

static void get_settings(struct pf_mgmt_op *c)
{
	struct listing l = { json_array(), json_array(),
		.guarded = c->call->lane == PF_MGMT_LANE_ADMIN };
	struct pf_reason problem = { 0 };
	json_t *o;

	if (has_settings(c)) {
		(void)pf_settings_each(c->p->settings, add_setting, &l, &problem);
		o = json_pack("{s:O, s:O}", "settings", l.list, "restart_needed", l.restart);
		if (problem.code)
			json_object_set_new(o, "problem", pf_mgmt_words_json(problem.text));
		pf_mgmt_reply(c, 200, o);
	}
	json_decref(l.list);
	json_decref(l.restart);
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
static void fail_fields(struct pf_mgmt_op *c, unsigned status, const struct pf_reason *why,
	const struct pf_settings_change *changes, unsigned count)
{
	json_t *fields = json_object();
	unsigned bad = 0;

	pf_mgmt_fail(c, status, why->text);
	for (unsigned i = 0; i < count; i++) {
		if (!changes[i].why.code)
			continue;
		/* A key of the request is UTF-8, the words may be cut anywhere. */
		json_object_set_new(
			fields, changes[i].name, pf_mgmt_words_json(changes[i].why.text));
		bad++;
	}
	if (bad)
		json_object_set(json_object_get(c->a->body, "error"), "fields", fields);
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
	default:
		return 500;
	}
}

static void patch_settings(struct pf_mgmt_op *c)
{
	struct pf_settings_change changes[CHANGES_MAX];
	char(*texts)[VALUE_BYTES];
	struct pf_reason why = { 0 };
	unsigned count = 0;
	const char *name;
	json_t *v;
	int r = 0;

	if (!has_settings(c))
		return;
	if (json_object_size(c->body) > CHANGES_MAX) {
		pf_mgmt_fail(c, 400, "there are not so many settings");
		return;
	}
	texts = calloc(CHANGES_MAX, sizeof(*texts));
	if (!texts) {
		pf_mgmt_fail(c, 500, "out of memory");
		return;
	}
	memset(changes, 0, sizeof(changes));
	json_object_foreach(c->body, name, v)
	{
		struct pf_settings_change *one = &changes[count];

		one->name = name;
		one->value = json_is_null(v) ? NULL : texts[count];
		if (one->value && value_text(v, texts[count], &one->why) && !r)
			r = pf_reason_set(&why, -EINVAL, "%s: %s", name, one->why.text);
		count++;
	}
	if (!r)
		r = pf_settings_change(
			c->p->settings, changes, count, c->call->lane == PF_MGMT_LANE_ADMIN, &why);
	if (r)
		fail_fields(c, status_of(r), &why, changes, count);
	else
		get_settings(c);
	free(texts);
}

const struct pf_mgmt_route pf_mgmt_settings_routes[] = {
	{ { "settings" }, 1, "GET, PATCH", .get = get_settings, .patch = patch_settings },
	{ { 0 } },
};
