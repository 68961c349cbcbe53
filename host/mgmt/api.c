/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/mgmt/api_impl.h"
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/utf8.h"
#include "host/registry/json_file.h"

#define ROOT "/api/v1/"

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
	{ 429, "too_many_requests" },
	{ 500, "internal" },
	{ 503, "unavailable" },
};

void pf_mgmt_answer_error(struct pf_mgmt_answer *a, unsigned status, const char *message)
{
	const char *code = "internal";

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (codes[i].status == status)
			code = codes[i].code;
	a->status = status;
	json_decref(a->body);
	a->body = json_pack(
		"{s:{s:s, s:o}}", "error", "code", code, "message", pf_mgmt_words_json(message));
}

json_t *pf_mgmt_words_json(const char *words)
{
	char text[256];

	(void)pf_utf8_repair(text, sizeof(text), words, strlen(words));
	return json_string(text);
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

/* ---- what came with the call ---- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Undoes the escapes of s[0..len). False when it does not fit or is no UTF-8. */
static bool unescape(char *buf, size_t cap, const char *s, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		int hi, lo;

		if (n + 1 >= cap)
			return false;
		if (s[i] != '%') {
			buf[n++] = s[i] == '+' ? ' ' : s[i];
			continue;
		}
		hi = len - i > 2 ? hex_digit(s[i + 1]) : -1;
		lo = len - i > 2 ? hex_digit(s[i + 2]) : -1;
		if (hi < 0 || lo < 0 || !(hi | lo))
			return false;
		buf[n++] = (char)(hi << 4 | lo);
		i += 2;
	}
	buf[n] = 0;
	return pf_utf8_valid(buf, n);
}

/* 1, 0 = not there, -1 = it cannot be had. */
static int query(const struct pf_mgmt_op *c, const char *name, char *buf, size_t cap)
{
	const char *s = c->call->query;
	size_t n = strlen(name);

	while (s && *s) {
		size_t len = strcspn(s, "&");

		if (len >= n && !strncmp(s, name, n) && (len == n || s[n] == '=')) {
			s += n;
			len -= n;
			return unescape(buf, cap, len ? s + 1 : s, len ? len - 1 : 0) ? 1 : -1;
		}
		s += len;
		s += *s == '&';
	}
	return 0;
}

bool pf_mgmt_query(const struct pf_mgmt_op *c, const char *name, char *buf, size_t cap)
{
	return query(c, name, buf, cap) == 1;
}

int pf_mgmt_query_or_fail(struct pf_mgmt_op *c, const char *name, char *buf, size_t cap)
{
	int r = query(c, name, buf, cap);
	char words[96];

	if (r >= 0)
		return r;
	snprintf(words, sizeof(words), "the value of \"%.40s\" is too long or no text", name);
	pf_mgmt_fail(c, 400, words);
	return -1;
}

void pf_mgmt_reply_raw(
	struct pf_mgmt_op *c, unsigned status, const char *content_type, void *data, size_t len)
{
	c->a->status = status;
	c->a->raw = data;
	c->a->raw_len = len;
	c->a->content_type = content_type;
}

void pf_mgmt_answer_finish(struct pf_mgmt_answer *a)
{
	json_decref(a->body);
	free(a->raw);
	if (a->stream)
		a->stream->close(a->stream);
	memset(a, 0, sizeof(*a));
}

/* ---- answers that come later ---- */

struct pf_mgmt_later *pf_mgmt_defer(struct pf_mgmt_op *c)
{
	struct pf_mgmt_later *l = c->call->defer ? c->call->defer(c->call->defer_user) : NULL;

	if (l)
		c->a->later = true;
	else
		pf_mgmt_fail(c, 503, "the host is too busy");
	return l;
}

void pf_mgmt_later_reply(struct pf_mgmt_later *later, unsigned status, json_t *o)
{
	struct pf_mgmt_answer a = { .status = status, .body = o };

	if (!o && status != 204)
		pf_mgmt_answer_error(&a, 500, "out of memory");
	later->done(later, &a);
}

void pf_mgmt_later_fail(struct pf_mgmt_later *later, unsigned status, const char *message)
{
	struct pf_mgmt_answer a = { 0 };

	pf_mgmt_answer_error(&a, status, message);
	later->done(later, &a);
}

/* ---- dispatch ---- */

static const struct pf_mgmt_route *const tables[] = {
	pf_mgmt_apps_routes,
	pf_mgmt_clients_routes,
	pf_mgmt_diagnostics_routes,
	pf_mgmt_displays_routes,
	pf_mgmt_events_routes,
	pf_mgmt_host_routes,
	pf_mgmt_login_routes,
	pf_mgmt_logs_routes,
	pf_mgmt_metrics_routes,
	pf_mgmt_sessions_routes,
	pf_mgmt_settings_routes,
	pf_mgmt_stats_routes,
	pf_mgmt_trust_routes,
};

/* A path below ROOT, or one of the root with at_root. */
static bool cut_path(struct pf_mgmt_parts *c, const char *path)
{
	size_t root = strlen(ROOT);

	memset(c, 0, sizeof(*c));
	c->at_root = strncmp(path, ROOT, root) != 0;
	if (c->at_root)
		root = 1;
	if (*path != '/' || strlen(path + root) >= sizeof(c->text))
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

static const struct pf_mgmt_route *find_route(struct pf_mgmt_parts *c, const char *path)
{
	if (!cut_path(c, path))
		return NULL;
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (const struct pf_mgmt_route *r = tables[i]; r->count; r++) {
			unsigned k = 0;

			if (r->count != c->count || r->at_root != c->at_root)
				continue;
			while (k < r->count &&
				(*r->parts[k] == '*' || !strcmp(r->parts[k], c->parts[k])))
				k++;
			if (k == r->count)
				return r;
		}
	return NULL;
}

const struct pf_mgmt_route *pf_mgmt_route_find(const char *path)
{
	struct pf_mgmt_parts parts;

	return find_route(&parts, path);
}

/* Operations that change something take an object. */
static bool take_body(struct pf_mgmt_op *c)
{
	const struct pf_mgmt_call *call = c->call;
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
	struct pf_mgmt_op c = { .p = p, .call = call, .method = call->method, .a = a };
	const struct pf_mgmt_route *r = find_route(&c.path, call->path);
	void (*run)(struct pf_mgmt_op *) = NULL;
	bool body = false;

	c.parts = c.path.parts;
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
	else if (!strcmp(c.method, "PUT"))
		run = r->put, body = true;
	if (!run) {
		pf_mgmt_fail(&c, 405, "this path does not know this method");
		a->allow = r->allow;
		return;
	}
	if (!body || r->raw_body || take_body(&c))
		run(&c);
	json_decref(c.body);
}
