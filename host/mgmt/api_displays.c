/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* api_displays.c - where pictures can come from, and the desks that there are. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "host/desk/desk.h"
#include "host/display/survey.h"
#include "host/mgmt/api_impl.h"
#include "host/registry/access.h"
#include "host/registry/apps.h"
#include "host/registry/config.h"

struct waiting {
	const struct pf_mgmt_params *p;
	struct pf_mgmt_later *later;
};

static bool is_picture_only(const char *name)
{
	return !strcmp(name, "null") || !strcmp(name, "pattern");
}

/* Why it is not used, or why it is. */
static json_t *words_of(const struct pf_mgmt_params *p, const struct pf_display_row *row,
	const struct pf_display_ops *chosen, bool seen)
{
	const bool by_name = p->config->display_backend != PF_CONFIG_DISPLAY_AUTO;

	if (!row->usable)
		return pf_mgmt_words_json(row->why.text);
	if (row->ops == chosen)
		return json_string(by_name ? "display_backend names it"
					   : "the first that worked when the host started");
	if (by_name)
		return json_sprintf("display_backend names %s", chosen->name);
	if (is_picture_only(row->ops->name))
		return json_string("no desktop, for tests: only where display_backend names it");
	return seen ? json_sprintf("%s comes first", chosen->name)
		    : json_string("it did not work when the host started: restart the host");
}

static json_t *backends_json(
	const struct pf_mgmt_params *p, const struct pf_display_row *rows, unsigned count)
{
	const struct pf_display_ops *chosen = pf_desks_display(p->desks);
	json_t *list = json_array();
	bool seen = false;

	for (unsigned i = 0; list && i < count; i++) {
		json_t *why = words_of(p, &rows[i], chosen, seen);

		seen |= rows[i].ops == chosen;
		if (!why || json_array_append_new(
				    list, json_pack("{s:s, s:b, s:b, s:o}", "name",
						  rows[i].ops->name, "usable", rows[i].usable,
						  "chosen", rows[i].ops == chosen, "why", why))) {
			json_decref(list);
			list = NULL;
		}
	}
	return list;
}

struct desks {
	const char *backend;
	json_t *list; /* NULL = out of memory */
};

static void add_desk(void *user, const struct pf_desk_info *d)
{
	struct desks *to = user;
	char client[65];
	json_t *o;

	if (!to->list)
		return;
	pf_access_format(d->key, client);
	o = json_pack("{s:I, s:s, s:s, s:o, s:s?, s:s, s:s, s:s?, s:o, s:o}", "id",
		(json_int_t)d->id, "name", d->name, "backend", to->backend, "mode",
		json_sprintf("%ux%u@%g", d->mode.width, d->mode.height,
			(double)d->mode.refresh_mhz / 1000),
		"client", d->known ? client : NULL, "client_name", d->client_name, "state",
		pf_desk_state_name(d->state), "app", d->app ? d->app->title : NULL, "left_s",
		d->state == PF_DESK_IS_KEPT ? json_integer(d->left_s) : json_null(), "memory_kib",
		d->memory_kib ? json_integer((json_int_t)d->memory_kib) : json_null());
	if (!o || json_array_append_new(to->list, o)) {
		json_decref(to->list);
		to->list = NULL;
	}
}

static void on_rows(void *user, const struct pf_display_row *rows, unsigned count)
{
	struct waiting *w = user;
	const struct pf_mgmt_params *p = w->p;
	struct desks desks = { pf_desks_display(p->desks)->name, json_array() };
	json_t *backends = backends_json(p, rows, count), *o = NULL;

	pf_desks_each(p->desks, add_desk, &desks);
	if (backends && desks.list) {
		o = json_pack("{s:O, s:O, s:I}", "backends", backends, "desks", desks.list,
			"keep_alive_s", (json_int_t)p->config->desk_keep_alive_s);
	}
	json_decref(backends);
	json_decref(desks.list);
	pf_mgmt_later_reply(w->later, 200, o);
	free(w);
}

static void get_displays(struct pf_mgmt_op *c)
{
	struct waiting *w;

	if (!c->p->desks || !c->p->displays || !c->p->config) {
		pf_mgmt_fail(c, 503, "this host has no displays");
		return;
	}
	w = calloc(1, sizeof(*w));
	if (!w) {
		pf_mgmt_fail(c, 500, "out of memory");
		return;
	}
	w->p = c->p;
	w->later = pf_mgmt_defer(c);
	if (!w->later) {
		free(w);
		return;
	}
	if (pf_display_survey_ask(c->p->displays, on_rows, w)) {
		pf_mgmt_later_fail(w->later, 503, "the host is too busy");
		free(w);
	}
}

static void delete_display(struct pf_mgmt_op *c)
{
	const char *s = c->parts[1];
	struct pf_reason why = { 0 };
	int r;

	if (!c->p->desks || strlen(s) > 9 || strspn(s, "0123456789") != strlen(s)) {
		pf_mgmt_fail(c, 404, "a desk is named by its number");
		return;
	}
	r = pf_desks_release(c->p->desks, (unsigned)strtoul(s, NULL, 10), &why);
	if (r)
		pf_mgmt_fail_reason(c, r, &why);
	else
		c->a->status = 204;
}

const struct pf_mgmt_route pf_mgmt_displays_routes[] = {
	{ { "displays" }, 1, "GET", .client = true, .get = get_displays },
	{ { "displays", "*" }, 2, "DELETE", .remove = delete_display },
	{ { 0 } },
};
