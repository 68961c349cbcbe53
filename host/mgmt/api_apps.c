/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* api_apps.c - the operations on what clients may launch. */
#include <stdlib.h>
#include <string.h>
#include "host/mgmt/api_impl.h"

static void add_app(void *user, struct pf_app *app)
{
	json_t *o = pf_app_to_json(app);

	if (o && json_object_set_new(o, "builtin", json_boolean(app->id == PF_APP_DESKTOP_ID)) == 0)
		(void)json_array_append_new(user, o);
	else
		json_decref(o);
}

static void get_apps(struct pf_mgmt_op *c)
{
	json_t *list = json_array();

	if (list)
		pf_apps_each(c->p->apps, add_app, list);
	pf_mgmt_reply(c, 200, list ? json_pack("{s:o}", "apps", list) : NULL);
}

static void reply_app(struct pf_mgmt_op *c, unsigned status, uint32_t id)
{
	struct pf_app *app = pf_apps_find(c->p->apps, id);
	json_t *list = json_array(), *o = NULL;

	if (app && list) {
		add_app(list, app);
		o = json_incref(json_array_get(list, 0));
	}
	pf_app_unref(app);
	json_decref(list);
	pf_mgmt_reply(c, status, o);
}

static void post_app(struct pf_mgmt_op *c)
{
	struct pf_reason why = { 0 };
	uint32_t id = 0;
	int r = pf_apps_add(c->p->apps, c->body, &id, &why);

	if (r)
		pf_mgmt_fail_reason(c, r, &why);
	else
		reply_app(c, 201, id);
}

static bool app_id(struct pf_mgmt_op *c, uint32_t *id)
{
	const char *s = c->parts[1];
	size_t len = strlen(s);
	unsigned long n =
		len && len <= 10 && strspn(s, "0123456789") == len ? strtoul(s, NULL, 10) : 0;

	*id = (uint32_t)n;
	if (n >= 1 && n <= INT32_MAX)
		return true;
	pf_mgmt_fail(c, 404, "an app is named apps/NUMBER");
	return false;
}

static void patch_app(struct pf_mgmt_op *c)
{
	struct pf_reason why = { 0 };
	uint32_t id;
	int r;

	if (!app_id(c, &id))
		return;
	r = pf_apps_edit(c->p->apps, id, c->body, &why);
	if (r)
		pf_mgmt_fail_reason(c, r, &why);
	else
		reply_app(c, 200, id);
}

static void delete_app(struct pf_mgmt_op *c)
{
	struct pf_reason why = { 0 };
	uint32_t id;
	int r;

	if (!app_id(c, &id))
		return;
	r = pf_apps_remove(c->p->apps, id, &why);
	if (r)
		pf_mgmt_fail_reason(c, r, &why);
	else
		c->a->status = 204;
}

const struct pf_mgmt_route pf_mgmt_apps_routes[] = {
	{ { "apps" }, 1, "GET, POST", .get = get_apps, .post = post_app },
	{ { "apps", "*" }, 2, "PATCH, DELETE", .patch = patch_app, .remove = delete_app },
	{ { 0 } },
};
