/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* api_apps.c - the operations on what clients may launch. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "host/mgmt/api_impl.h"
#include "host/mgmt/events.h"
#include "host/registry/art.h"
#include "host/sys/worker.h"

struct listing {
	json_t *list;
	const char *art_dir;
};

static void add_app(void *user, struct pf_app *app)
{
	const struct listing *l = user;
	json_t *o = pf_app_to_json(app);
	const char *art = l->art_dir && pf_art_is_kept(l->art_dir, app->id) ? "kept"
			  : *app->image					    ? "image"
									    : "none";

	if (o && !json_object_set_new(o, "builtin", json_boolean(app->id == PF_APP_DESKTOP_ID)) &&
		!json_object_set_new(o, "art", json_string(art)))
		(void)json_array_append_new(l->list, o);
	else
		json_decref(o);
}

static void get_apps(struct pf_mgmt_op *c)
{
	struct listing l = { json_array(), pf_apps_art_dir(c->p->apps) };

	if (l.list)
		pf_apps_each(c->p->apps, add_app, &l);
	pf_mgmt_reply(c, 200, l.list ? json_pack("{s:o}", "apps", l.list) : NULL);
}

static void tell_changed(struct pf_mgmt *m)
{
	if (m)
		pf_mgmt_event(m, "apps.changed", NULL);
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

static void reply_app(struct pf_mgmt_op *c, unsigned status, uint32_t id)
{
	struct listing l = { json_array(), pf_apps_art_dir(c->p->apps) };
	struct pf_app *app = pf_apps_find(c->p->apps, id);
	json_t *o = NULL;

	if (app && l.list) {
		add_app(&l, app);
		o = json_incref(json_array_get(l.list, 0));
	}
	pf_app_unref(app);
	json_decref(l.list);
	pf_mgmt_reply(c, status, o);
}

/* The app that the path names, the caller's reference; NULL after a failure. */
static struct pf_app *find_app(struct pf_mgmt_op *c)
{
	struct pf_app *app;
	uint32_t id;

	if (!app_id(c, &id))
		return NULL;
	app = pf_apps_find(c->p->apps, id);
	if (!app)
		pf_mgmt_fail(c, 404, "there is no such app");
	return app;
}

static void get_app(struct pf_mgmt_op *c)
{
	struct pf_app *app = find_app(c);

	if (app)
		reply_app(c, 200, app->id);
	pf_app_unref(app);
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
	if (!r)
		tell_changed(c->call->mgmt);
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
	if (!r)
		tell_changed(c->call->mgmt);
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
	if (!r)
		tell_changed(c->call->mgmt);
}

/* ---- pictures ---- */

/* Reads, keeps or forgets a picture on a worker. */
struct art_job {
	struct pf_job job;
	struct pf_mgmt_later *later;
	struct pf_mgmt *mgmt;
	struct pf_apps *apps;
	struct pf_app *app;
	uint8_t *data;
	size_t len;
	const char *type;
	int result;
	struct pf_reason why;
};

static void free_art(struct art_job *j)
{
	pf_app_unref(j->app);
	free(j->data);
	free(j);
}

static void fail_art(struct art_job *j)
{
	unsigned status = j->result == -ENOENT ? 404 : j->result == -EINVAL ? 415 : 500;

	pf_mgmt_later_fail(j->later, status, j->why.text);
	free_art(j);
}

/* Hands what `c` asks of an app's picture to a worker; takes over `data`. */
static void start_art(struct pf_mgmt_op *c, void (*work)(struct pf_job *),
	void (*done)(struct pf_job *), uint8_t *data, size_t len)
{
	struct pf_app *app = find_app(c);
	struct art_job *j = app ? calloc(1, sizeof(*j)) : NULL;

	if (!j) {
		if (app)
			pf_mgmt_fail(c, 500, "out of memory");
		pf_app_unref(app);
		free(data);
		return;
	}
	j->job.work = work;
	j->job.done = done;
	j->mgmt = c->call->mgmt;
	j->apps = c->p->apps;
	j->app = app;
	j->data = data;
	j->len = len;
	if (!c->p->workers || !pf_apps_art_dir(j->apps))
		pf_mgmt_fail(c, 409, "this host keeps no pictures");
	else
		j->later = pf_mgmt_defer(c);
	if (j->later)
		pf_workers_submit(c->p->workers, &j->job);
	else
		free_art(j);
}

static void read_art(struct pf_job *job)
{
	struct art_job *j = (struct art_job *)job;

	j->result =
		pf_art_read(pf_apps_art_dir(j->apps), j->app, &j->data, &j->len, &j->type, &j->why);
}

static void art_read(struct pf_job *job)
{
	struct art_job *j = (struct art_job *)job;
	struct pf_mgmt_answer a = { .status = 200 };

	if (j->result) {
		/* Also for a file that is none: there is no picture. */
		j->result = -ENOENT;
		fail_art(j);
		return;
	}
	a.raw = j->data;
	a.raw_len = j->len;
	a.content_type = j->type;
	j->data = NULL;
	j->later->done(j->later, &a);
	free_art(j);
}

static void write_art(struct pf_job *job)
{
	struct art_job *j = (struct art_job *)job;

	j->result = pf_art_write(pf_apps_art_dir(j->apps), j->app->id, j->data, j->len, &j->why);
}

static void forget_art(struct pf_job *job)
{
	struct art_job *j = (struct art_job *)job;

	j->result = pf_art_remove(pf_apps_art_dir(j->apps), j->app->id, &j->why);
}

static void art_changed(struct pf_job *job)
{
	struct art_job *j = (struct art_job *)job;
	struct pf_app *still = pf_apps_find(j->apps, j->app->id);

	/* The app went meanwhile: so does its picture. */
	if (!still && !j->result) {
		(void)pf_art_remove(pf_apps_art_dir(j->apps), j->app->id, NULL);
		j->result = pf_reason_set(&j->why, -ENOENT, "there is no such app");
	}
	pf_app_unref(still);
	if (j->result) {
		fail_art(j);
		return;
	}
	tell_changed(j->mgmt);
	pf_mgmt_later_reply(j->later, 204, NULL);
	free_art(j);
}

static void get_art(struct pf_mgmt_op *c)
{
	start_art(c, read_art, art_read, NULL, 0);
}

static void put_art(struct pf_mgmt_op *c)
{
	const char *type = c->call->content_type;
	struct pf_app *app = find_app(c);
	uint8_t *copy;

	pf_app_unref(app);
	if (!app)
		return;
	/* A form of another page cannot say this. */
	if (!type || (strcasecmp(type, "image/png") && strcasecmp(type, "image/jpeg") &&
			     strcasecmp(type, "image/webp"))) {
		pf_mgmt_fail(c, 415, "the body must be image/png, image/jpeg or image/webp");
		return;
	}
	copy = malloc(c->call->body_len + 1);
	if (!copy) {
		pf_mgmt_fail(c, 500, "out of memory");
		return;
	}
	if (c->call->body_len)
		memcpy(copy, c->call->body, c->call->body_len);
	start_art(c, write_art, art_changed, copy, c->call->body_len);
}

static void delete_art(struct pf_mgmt_op *c)
{
	start_art(c, forget_art, art_changed, NULL, 0);
}

const struct pf_mgmt_route pf_mgmt_apps_routes[] = {
	{ { "apps" }, 1, "GET, POST", .get = get_apps, .post = post_app },
	{ { "apps", "*" }, 2, "GET, PATCH, DELETE", .get = get_app, .patch = patch_app,
		.remove = delete_app },
	{ { "apps", "*", "art" }, 3, "GET, PUT, DELETE", .client = true, .raw_body = true,
		.body_max = PF_ART_BYTES, .get = get_art, .put = put_art, .remove = delete_art },
	{ { 0 } },
};
