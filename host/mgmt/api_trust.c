/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* api_trust.c - the operations that let clients of both planes in. */
#include <stdlib.h>
#include <string.h>
#include "core/base/clock.h"
#include "core/crypto/secret.h"
#include "core/wire/pf1_handshake.h"
#include "host/mgmt/api_impl.h"
#include "host/registry/access.h"
#include "host/registry/json_file.h"

#define TTL_DEFAULT_S 300
#define TTL_MAX_S     86400
#define PIN_MAX	      16
#define TIME_LENGTH   20 /* 2030-01-31T12:00:00Z */

bool pf_mgmt_take_name(struct pf_mgmt_op *c, const char **name)
{
	json_t *field = json_object_get(c->body, "name");
	const char *s = json_string_value(field);

	if (field && (!s || !*s || strlen(s) >= PF_CLIENT_NAME_BYTES)) {
		pf_mgmt_fail(c, 400, "\"name\" must be text of 1 to 64 bytes");
		return false;
	}
	if (field)
		*name = s;
	return true;
}

bool pf_mgmt_take_terms(struct pf_mgmt_op *c, uint32_t *grants, int64_t *expires_s)
{
	json_t *g = json_object_get(c->body, "grants");
	json_t *e = json_object_get(c->body, "expires");
	const char *s = json_string_value(g);
	struct pf_reason why = { 0 };

	if (g && pf_access_grants_parse(grants, s ? s : "", &why)) {
		pf_mgmt_fail(c, 400, why.text);
		return false;
	}
	s = json_is_null(e) ? "" : json_string_value(e);
	/* The parser takes shorter numbers and no text, which the files may have. */
	if (e && (!s || (json_is_string(e) && strlen(s) != TIME_LENGTH) ||
			 !pf_json_time_parse(expires_s, s))) {
		pf_mgmt_fail(c, 400,
			"\"expires\" must be null or a time such as "
			"\"2030-01-31T12:00:00Z\"");
		return false;
	}
	return true;
}

/* ---- PINs that Moonlight clients show ---- */

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

/* ---- pairing by PIN ---- */

static json_t *fingerprint_json(const uint8_t fingerprint[32])
{
	char fp[65];

	pf_access_format(fingerprint, fp);
	return json_string(fp);
}

static json_t *left_json(const struct pf_arming *a)
{
	uint64_t now = pf_clock_mono_ns();

	if (!a->until_ns)
		return json_null();
	return json_integer(a->until_ns > now ? (json_int_t)((a->until_ns - now + PF_NS_PER_S - 1) /
							     PF_NS_PER_S)
					      : 0);
}

static json_t *last_json(const struct pf_native_pairing *p)
{
	static const char *const results[] = {
		[PF_PAIR_DONE] = "paired",
		[PF_PAIR_WRONG_PIN] = "wrong_pin",
		[PF_PAIR_LEFT] = "left",
	};

	if (!p->last_id)
		return json_null();
	return json_pack("{s:I, s:s, s:s, s:o}", "id", (json_int_t)p->last_id, "result",
		results[p->last], "name", p->last_name, "fingerprint",
		fingerprint_json(p->last_fingerprint));
}

static bool has_pairing(struct pf_mgmt_op *c)
{
	if (c->p->hooks.pairing)
		return true;
	pf_mgmt_fail(c, 409, "no client can pair here: the host has no native plane");
	return false;
}

static void reply_pairing(struct pf_mgmt_op *c, unsigned status)
{
	const struct pf_mgmt_hooks *h = &c->p->hooks;
	struct pf_native_pairing p;
	json_t *o;

	h->pairing(h->user, &p);
	o = json_pack("{s:b, s:b, s:I, s:o}", "armed", p.armed, "running", p.running, "id",
		(json_int_t)p.arming_id, "last", last_json(&p));
	if (o && p.armed &&
		(json_object_set_new(o, "pin", json_string(p.arming.pin)) ||
			json_object_set_new(o, "left_s", left_json(&p.arming)) ||
			json_object_set_new(o, "device",
				p.arming.bound ? fingerprint_json(p.arming.device)
					       : json_null()))) {
		json_decref(o);
		o = NULL;
	}
	pf_secret_wipe(&p, sizeof(p));
	pf_mgmt_reply(c, status, o);
}

static void get_arm(struct pf_mgmt_op *c)
{
	if (has_pairing(c))
		reply_pairing(c, 200);
}

static void post_arm(struct pf_mgmt_op *c)
{
	static const char *const fields[] = { "ttl_s", "device", "grants", "expires", NULL };
	const struct pf_mgmt_hooks *h = &c->p->hooks;
	json_t *ttl = json_object_get(c->body, "ttl_s");
	json_t *device = json_object_get(c->body, "device");
	json_int_t ttl_s = ttl ? json_integer_value(ttl) : TTL_DEFAULT_S;
	struct pf_arming a = { .grants = PF_GRANT_ALL };

	if (!has_pairing(c) || !pf_mgmt_only_fields(c, fields))
		return;
	if ((ttl && !json_is_integer(ttl)) || ttl_s < 0 || ttl_s > TTL_MAX_S) {
		pf_mgmt_fail(
			c, 400, "\"ttl_s\" must be 0 (until the PIN is used) to 86400 seconds");
		return;
	}
	if (device && !json_is_null(device)) {
		const char *fp = json_string_value(device);

		if (!fp || pf_access_fingerprint_parse(a.device, fp)) {
			pf_mgmt_fail(c, 400,
				"\"device\" must be the fingerprint of a client, 64 hex digits");
			return;
		}
		a.bound = true;
	}
	if (!pf_mgmt_take_terms(c, &a.grants, &a.expires_s))
		return;
	a.has_terms = json_object_get(c->body, "grants") || json_object_get(c->body, "expires");
	if (h->arm(h->user, &a, (uint32_t)ttl_s))
		pf_mgmt_fail(c, 500, "the system has no random bytes for a PIN");
	else
		reply_pairing(c, 201);
}

static void delete_arm(struct pf_mgmt_op *c)
{
	if (!has_pairing(c))
		return;
	c->p->hooks.disarm(c->p->hooks.user);
	c->a->status = 204;
}

/* ---- approval of unknown clients ---- */

static void add_knock(void *user, const struct pf_knock *k)
{
	uint64_t age_s = (pf_clock_mono_ns() - k->since_ns) / PF_NS_PER_S;

	(void)json_array_append_new(
		user, json_pack("{s:I, s:s, s:s, s:o, s:I, s:b}", "id", (json_int_t)k->id,
			      "address", k->address, "name", k->name, "fingerprint",
			      fingerprint_json(k->fingerprint), "age_s", (json_int_t)age_s, "waits",
			      k->parked != NULL));
}

static void get_knocks(struct pf_mgmt_op *c)
{
	const struct pf_mgmt_hooks *h = &c->p->hooks;
	json_t *list = json_array();

	if (list && h->knock_each)
		h->knock_each(h->user, add_knock, list);
	pf_mgmt_reply(c, 200, list ? json_pack("{s:o}", "requests", list) : NULL);
}

static bool knock_id(struct pf_mgmt_op *c, uint32_t *id)
{
	const char *s = c->parts[2];
	size_t len = strlen(s);
	unsigned long long n =
		len && len <= 10 && strspn(s, "0123456789") == len ? strtoull(s, NULL, 10) : 0;

	*id = (uint32_t)n;
	if (n >= 1 && n <= UINT32_MAX && c->p->hooks.knock_each)
		return true;
	pf_mgmt_fail(c, 404, "no such client asks for access");
	return false;
}

static void post_approve(struct pf_mgmt_op *c)
{
	static const char *const fields[] = { "name", "grants", "expires", NULL };
	const struct pf_mgmt_hooks *h = &c->p->hooks;
	const char *name = NULL;
	uint32_t id, grants = PF_GRANT_ALL;
	struct pf_reason why = { 0 };
	struct pf_client client;
	int64_t expires_s = 0;
	int r;

	if (!knock_id(c, &id) || !pf_mgmt_only_fields(c, fields) || !pf_mgmt_take_name(c, &name) ||
		!pf_mgmt_take_terms(c, &grants, &expires_s))
		return;
	r = h->approve(h->user, id, name, grants, expires_s, &client, &why);
	if (r)
		pf_mgmt_fail_reason(c, r, &why);
	else
		pf_mgmt_reply(c, 200, pf_mgmt_client_json(&client, "paired"));
}

static void post_deny(struct pf_mgmt_op *c)
{
	static const char *const fields[] = { NULL };
	const struct pf_mgmt_hooks *h = &c->p->hooks;
	struct pf_reason why = { 0 };
	uint32_t id;
	int r;

	if (!knock_id(c, &id) || !pf_mgmt_only_fields(c, fields))
		return;
	r = h->deny(h->user, id, &why);
	if (r)
		pf_mgmt_fail_reason(c, r, &why);
	else
		c->a->status = 204;
}

const struct pf_mgmt_route pf_mgmt_trust_routes[] = {
	{ { "pair", "requests" }, 2, "GET", .get = get_pair_requests },
	{ { "pair", "pin" }, 2, "POST", .post = post_pair_pin },
	{ { "pair", "arm" }, 2, "GET, POST, DELETE", .get = get_arm, .post = post_arm,
		.remove = delete_arm },
	{ { "access", "requests" }, 2, "GET", .get = get_knocks },
	{ { "access", "requests", "*", "approve" }, 4, "POST", .post = post_approve },
	{ { "access", "requests", "*", "deny" }, 4, "POST", .post = post_deny },
	{ { 0 } },
};
