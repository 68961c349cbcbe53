/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* api_clients.c - the operations on clients that are let in. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/utf8.h"
#include "host/mgmt/api_impl.h"
#include "host/registry/access.h"
#include "host/registry/json_file.h"
#include "host/sys/files.h"

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

const struct pf_mgmt_route pf_mgmt_clients_routes[] = {
	{ { "clients" }, 1, "GET", .get = get_clients },
	{ { "clients", "*", "*" }, 3, "PATCH, DELETE", .patch = patch_client,
		.remove = delete_client },
	{ { 0 } },
};
