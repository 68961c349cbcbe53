/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/mgmt/api_impl.h"
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/utf8.h"
#include "host/registry/access.h"
#include "host/registry/json_file.h"
#include "host/sys/files.h"
#include "pf_config.h"

#define ROOT	"/api/v1/"
#define PIN_MAX 16

static const struct {
	unsigned status;
	const char *code;
} codes[] = {
	{ 400, "bad_request" },
	{ 401, "unauthorized" },
	{ 403, "forbidden" },
	{ 404, "not_found" },
	{ 405, "method_not_allowed" },
	{ 409, "conflict" },
	{ 413, "too_large" },
	{ 415, "unsupported_media_type" },
	{ 500, "internal" },
	{ 503, "unavailable" },
};

void pf_mgmt_answer_error(struct pf_mgmt_answer *a, unsigned status, const char *message)
{
	const char *code = "internal";
	char text[256];

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (codes[i].status == status)
			code = codes[i].code;
	/* A message may quote the request, cut anywhere. */
	(void)pf_utf8_repair(text, sizeof(text), message, strlen(message));
	a->status = status;
	json_decref(a->body);
	a->body = json_pack("{s:{s:s, s:s}}", "error", "code", code, "message", text);
}

void pf_mgmt_fail(struct pf_mgmt_op *c, unsigned status, const char *message)
{
	pf_mgmt_answer_error(c->a, status, message);
}

/* The status that fits an error of the registry. */
void pf_mgmt_fail_reason(struct pf_mgmt_op *c, int r, const struct pf_reason *why)
{
	switch (r) {
	case -EINVAL:
		pf_mgmt_fail(c, 400, why->text);
		break;
	case -ENOENT:
		pf_mgmt_fail(c, 404, why->text);
		break;
	case -EBUSY:
	case -EEXIST:
	case -EALREADY:
	case -EKEYREJECTED:
	case -EPERM:
	case -ENOSPC:
	case -EBADMSG:
		pf_mgmt_fail(c, 409, why->text);
		break;
	default:
		pf_mgmt_fail(c, 500, why->text);
	}
}

/* Takes over `o`. */
void pf_mgmt_reply(struct pf_mgmt_op *c, unsigned status, json_t *o)
{
	if (!o) {
		pf_mgmt_fail(c, 500, "out of memory");
		return;
	}
	c->a->status = status;
	c->a->body = o;
}

/* ---- host ---- */

static void get_health(struct pf_mgmt_op *c)
{
	pf_mgmt_reply(c, 200, json_pack("{s:s}", "status", "ok"));
}

static void count_pair(void *user, const struct pf_mgmt_pair *pair)
{
	++*(unsigned *)user;
}

static void count_knock(void *user, const struct pf_knock *k)
{
	++*(unsigned *)user;
}

static void get_status(struct pf_mgmt_op *c)
{
	const struct pf_mgmt_hooks *h = &c->p->hooks;
	json_t *o = json_pack("{s:s}", "version", PF_VERSION);
	unsigned waiting = 0, asking = 0;

	if (o && h->status)
		h->status(h->user, o);
	if (h->pair_each)
		h->pair_each(h->user, count_pair, &waiting);
	if (h->knock_each)
		h->knock_each(h->user, count_knock, &asking);
	if (o && (json_object_set_new(o, "pair_requests", json_integer(waiting)) ||
			 json_object_set_new(o, "access_requests", json_integer(asking)) ||
			 json_object_set_new(
				 o, "clients", json_integer(pf_clients_count(c->p->clients))))) {
		json_decref(o);
		o = NULL;
	}
	pf_mgmt_reply(c, 200, o);
}

/* ---- pairing ---- */

static void add_pair(void *user, const struct pf_mgmt_pair *pair)
{
	char fp[65];

	pf_access_format(pair->fingerprint, fp);
	(void)json_array_append_new(
		user, json_pack("{s:I, s:s, s:s, s:s, s:s, s:I, s:b}", "id", (json_int_t)pair->id,
			      "plane", pf_client_plane_to_string(pair->plane), "address",
			      pair->address, "name", pair->name, "fingerprint", fp, "age_s",
			      (json_int_t)pair->age_s, "has_pin", pair->has_pin));
}

static void get_pair_requests(struct pf_mgmt_op *c)
{
	const struct pf_mgmt_hooks *h = &c->p->hooks;
	json_t *list = json_array();

	if (list && h->pair_each)
		h->pair_each(h->user, add_pair, list);
	pf_mgmt_reply(c, 200, list ? json_pack("{s:o}", "requests", list) : NULL);
}

/* Whether the body has no fields but those of `names`, NULL-ended. */
bool pf_mgmt_only_fields(struct pf_mgmt_op *c, const char *const *names)
{
	char words[128];
	const char *key;
	json_t *v;

	json_object_foreach(c->body, key, v)
	{
		const char *const *n = names;

		while (*n && strcmp(*n, key))
			n++;
		if (!*n) {
			snprintf(words, sizeof(words), "there is no field \"%.40s\"", key);
			pf_mgmt_fail(c, 400, words);
			return false;
		}
	}
	return true;
}

static void post_pair_pin(struct pf_mgmt_op *c)
{
	static const char *const fields[] = { "pin", "request", NULL };
	const struct pf_mgmt_hooks *h = &c->p->hooks;
	const char *pin = json_string_value(json_object_get(c->body, "pin"));
	json_t *request = json_object_get(c->body, "request");
	json_int_t id = json_integer_value(request);
	struct pf_reason why = { 0 };
	size_t len = pin ? strlen(pin) : 0;
	int r;

	if (!pf_mgmt_only_fields(c, fields))
		return;
	if (!len || len > PIN_MAX || strspn(pin, "0123456789") != len) {
		pf_mgmt_fail(c, 400, "\"pin\" must be the digits that the client shows, as text");
		return;
	}
	if (request && (!json_is_integer(request) || id < 1 || id > UINT32_MAX)) {
		pf_mgmt_fail(c, 400, "\"request\" must be the id of a request that waits");
		return;
	}
	if (!h->pair_pin) {
		pf_mgmt_fail(c, 409,
			"no client can be paired by PIN: the host serves no Moonlight clients; "
			"start it with --gamestream");
		return;
	}
	r = h->pair_pin(h->user, (uint32_t)id, pin, &why);
	if (r)
		pf_mgmt_fail_reason(c, r, &why);
	else
		pf_mgmt_reply(c, 202, json_pack("{s:b}", "accepted", 1));
}

/* ---- clients ---- */

json_t *pf_mgmt_time_json(int64_t s)
{
	char text[32];

	pf_json_time(s, text);
	return *text ? json_string(text) : json_null();
}

json_t *pf_mgmt_client_json(const struct pf_client *e, const char *source)
{
	char fp[65], grants[PF_ACCESS_GRANTS_BYTES];

	pf_access_format(e->fingerprint, fp);
	pf_access_grants_format(e->grants, grants);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o}", "plane",
		pf_client_plane_to_string(e->plane), "fingerprint", fp, "name", e->name, "grants",
		grants, "source", source, "paired", pf_mgmt_time_json(e->paired_s), "seen",
		pf_mgmt_time_json(e->seen_s), "expires", pf_mgmt_time_json(e->expires_s));
}

static void add_client(void *user, const struct pf_client *e)
{
	(void)json_array_append_new(user, pf_mgmt_client_json(e, "paired"));
}

static void add_allowed(void *user, unsigned line, const struct pf_access_entry *e)
{
	struct pf_client client = { .plane = PF_PLANE_NATIVE, .grants = e->grants };

	memcpy(client.fingerprint, e->fingerprint, 32);
	(void)pf_utf8_repair(client.name, sizeof(client.name), e->label, strlen(e->label));
	(void)json_array_append_new(user, pf_mgmt_client_json(&client, "allowed_clients"));
}

static void get_clients(struct pf_mgmt_op *c)
{
	json_t *list = json_array();
	uint8_t *text;
	size_t len;

	if (list) {
		pf_clients_each(c->p->clients, add_client, list);
		if (c->p->allowed_path && !pf_file_read(c->p->allowed_path, PF_ACCESS_FILE_BYTES,
						  &text, &len, NULL)) {
			pf_access_each(text, len, add_allowed, list);
			free(text);
		}
	}
	pf_mgmt_reply(c, 200, list ? json_pack("{s:o}", "clients", list) : NULL);
}

/* The client that the path names, also one past its expiry. */
static bool find_client(struct pf_mgmt_op *c, struct pf_client *w)
{
	const struct pf_client *client;
	struct pf_access_entry e;
	uint8_t *text;
	size_t len;
	int r = -ENOENT;

	memset(w, 0, sizeof(*w));
	if (pf_client_plane_parse(&w->plane, c->parts[1]) ||
		pf_access_fingerprint_parse(w->fingerprint, c->parts[2])) {
		pf_mgmt_fail(c, 404, "a client is named clients/native or gamestream/fingerprint");
		return false;
	}
	client = pf_clients_entry(c->p->clients, w->plane, w->fingerprint);
	if (client) {
		*w = *client;
		return true;
	}
	if (w->plane == PF_PLANE_NATIVE && c->p->allowed_path &&
		!pf_file_read(c->p->allowed_path, PF_ACCESS_FILE_BYTES, &text, &len, NULL)) {
		r = pf_access_find(&e, text, len, w->fingerprint, NULL, NULL);
		free(text);
	}
	if (!r)
		pf_mgmt_fail(c, 409,
			"this client did not pair: the file allowed_clients lists it; edit it "
			"there");
	else
		pf_mgmt_fail(c, 404, "no such client is paired");
	return false;
}

static void patch_client(struct pf_mgmt_op *c)
{
	static const char *const fields[] = { "name", "grants", "expires", NULL };
	struct pf_reason why = { 0 };
	const char *name = NULL;
	struct pf_client w;
	int r;

	if (!pf_mgmt_only_fields(c, fields) || !find_client(c, &w))
		return;
	if (!pf_mgmt_take_name(c, &name))
		return;
	if (name)
		strcpy(w.name, name);
	if (!pf_mgmt_take_terms(c, &w.grants, &w.expires_s))
		return;
	r = pf_clients_update(c->p->clients, &w, &why);
	if (r) {
		pf_mgmt_fail_reason(c, r, &why);
		return;
	}
	(void)find_client(c, &w); /* as it was stored */
	pf_mgmt_reply(c, 200, pf_mgmt_client_json(&w, "paired"));
}

static void delete_client(struct pf_mgmt_op *c)
{
	struct pf_reason why = { 0 };
	struct pf_client w;
	int r;

	if (!find_client(c, &w))
		return;
	r = pf_clients_remove(c->p->clients, w.plane, w.fingerprint, &why);
	if (r)
		pf_mgmt_fail_reason(c, r, &why);
	else
		c->a->status = 204;
}

/* ---- apps ---- */

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

/* ---- dispatch ---- */

/* The operations of one path; "*" stands for any part. */
static const struct route {
	const char *parts[PF_MGMT_PARTS_MAX];
	unsigned count;
	const char *allow;
	void (*get)(struct pf_mgmt_op *c);
	void (*post)(struct pf_mgmt_op *c);
	void (*patch)(struct pf_mgmt_op *c);
	void (*remove)(struct pf_mgmt_op *c);
} routes[] = {
	{ { "health" }, 1, "GET", .get = get_health },
	{ { "status" }, 1, "GET", .get = get_status },
	{ { "pair", "requests" }, 2, "GET", .get = get_pair_requests },
	{ { "pair", "pin" }, 2, "POST", .post = post_pair_pin },
	{ { "pair", "arm" }, 2, "GET, POST, DELETE", .get = pf_mgmt_get_arm,
		.post = pf_mgmt_post_arm, .remove = pf_mgmt_delete_arm },
	{ { "access", "requests" }, 2, "GET", .get = pf_mgmt_get_knocks },
	{ { "access", "requests", "*", "approve" }, 4, "POST", .post = pf_mgmt_post_approve },
	{ { "access", "requests", "*", "deny" }, 4, "POST", .post = pf_mgmt_post_deny },
	{ { "clients" }, 1, "GET", .get = get_clients },
	{ { "clients", "*", "*" }, 3, "PATCH, DELETE", .patch = patch_client,
		.remove = delete_client },
	{ { "apps" }, 1, "GET, POST", .get = get_apps, .post = post_app },
	{ { "apps", "*" }, 2, "PATCH, DELETE", .patch = patch_app, .remove = delete_app },
};

static bool cut_path(struct pf_mgmt_op *c, const char *path)
{
	size_t root = strlen(ROOT);

	if (strncmp(path, ROOT, root) || strlen(path + root) >= sizeof(c->text))
		return false;
	strcpy(c->text, path + root);
	for (char *p = c->text;; p++) {
		if (c->count == PF_MGMT_PARTS_MAX || !*p || *p == '/')
			return false;
		c->parts[c->count++] = p;
		p = strchr(p, '/');
		if (!p)
			return true;
		*p = 0;
	}
}

static const struct route *find_route(const struct pf_mgmt_op *c)
{
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		const struct route *r = &routes[i];
		unsigned k = 0;

		if (r->count != c->count)
			continue;
		while (k < r->count && (*r->parts[k] == '*' || !strcmp(r->parts[k], c->parts[k])))
			k++;
		if (k == r->count)
			return r;
	}
	return NULL;
}

/* Operations that change something take an object. */
static bool take_body(struct pf_mgmt_op *c, const struct pf_mgmt_call *call)
{
	struct pf_reason why = { 0 };
	unsigned line = 1;
	char words[300];

	if (!pf_json_parse(&c->body, call->body ? call->body : "", call->body_len, &line, &why))
		return true;
	snprintf(words, sizeof(words), "the body is no JSON object: line %u: %s", line, why.text);
	pf_mgmt_fail(c, 400, words);
	return false;
}

void pf_mgmt_answer_call(
	struct pf_mgmt_answer *a, const struct pf_mgmt_params *p, const struct pf_mgmt_call *call)
{
	struct pf_mgmt_op c = { .p = p, .method = call->method, .a = a };
	const struct route *r = cut_path(&c, call->path) ? find_route(&c) : NULL;
	void (*run)(struct pf_mgmt_op *) = NULL;
	bool body = false;

	memset(a, 0, sizeof(*a));
	if (!r) {
		pf_mgmt_fail(&c, 404, "there is nothing at this path");
		return;
	}
	if (!strcmp(c.method, "GET"))
		run = r->get;
	else if (!strcmp(c.method, "DELETE"))
		run = r->remove;
	else if (!strcmp(c.method, "POST"))
		run = r->post, body = true;
	else if (!strcmp(c.method, "PATCH"))
		run = r->patch, body = true;
	if (!run) {
		pf_mgmt_fail(&c, 405, "this path does not know this method");
		a->allow = r->allow;
		return;
	}
	if (!body || take_body(&c, call))
		run(&c);
	json_decref(c.body);
}

bool pf_mgmt_is_open(const char *method, const char *path)
{
	return !strcmp(method, "GET") && !strcmp(path, ROOT "health");
}
