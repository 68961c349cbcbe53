/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/mgmt/gate.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "core/crypto/secret.h"

#define AUTHORITY_BYTES 96

/* Whether `s` names this API by `name`, with its port or without one. */
static bool names(const char *s, const char *name, bool v6, uint16_t port)
{
	char want[AUTHORITY_BYTES];

	snprintf(want, sizeof(want), v6 ? "[%s]" : "%s", name);
	if (!strcasecmp(s, want))
		return true;
	snprintf(want, sizeof(want), v6 ? "[%s]:%u" : "%s:%u", name, port);
	return !strcasecmp(s, want);
}

static bool is_listed(const char *hosts, const char *host, uint16_t port)
{
	char name[AUTHORITY_BYTES];

	while (hosts && *hosts) {
		size_t skip = strspn(hosts, ", "), len = strcspn(hosts + skip, ", ");

		hosts += skip;
		if (len && len < sizeof(name) - 8) {
			memcpy(name, hosts, len);
			name[len] = 0;
			if (names(host, name, false, port))
				return true;
		}
		hosts += len;
	}
	return false;
}

/* A page of another site can only come here by a name of its own. */
static bool is_own_host(const struct pf_mgmt_head *h, const char *hosts)
{
	return names(h->host, "localhost", false, h->port) ||
	       (h->address &&
		       names(h->host, h->address, strchr(h->address, ':') != NULL, h->port)) ||
	       is_listed(hosts, h->host, h->port);
}

static bool is_own_origin(const struct pf_mgmt_head *h)
{
	return !strncmp(h->origin, "https://", 8) && !strcasecmp(h->origin + 8, h->host);
}

static bool is_json(const char *type)
{
	static const char json[] = "application/json";
	size_t n = sizeof(json) - 1;

	return type && !strncasecmp(type, json, n) &&
	       (!type[n] || type[n] == ';' || type[n] == ' ' || type[n] == '\t');
}

static bool has_token(const char *authorization, const char *token)
{
	static const char bearer[] = "Bearer ";
	size_t n = sizeof(bearer) - 1, len = strlen(token);

	return authorization && !strncasecmp(authorization, bearer, n) &&
	       strlen(authorization + n) == len && pf_secret_equal(authorization + n, token, len);
}

static bool is_open(const struct pf_mgmt_route *route, const char *method)
{
	if (!route)
		return false;
	return (route->open && !strcmp(method, "GET")) ||
	       (route->open_post && !strcmp(method, "POST"));
}

/* Whether it came by a name of ours and from a page of ours or none. */
static unsigned check_origin(
	const struct pf_mgmt_head *h, const struct pf_mgmt_keys *keys, const char **message)
{
	if (h->repeated) {
		*message = "a header came twice";
		return 400;
	}
	if (!h->host || !is_own_host(h, keys->hosts)) {
		*message = "the Host header names another host; mgmt_hosts lists further names";
		return 403;
	}
	if (h->origin && !is_own_origin(h)) {
		*message = "pages of other origins have no access";
		return 403;
	}
	return 0;
}

/* A log-in's changes come from a page of ours that knows its token. */
static unsigned check_change(
	const struct pf_mgmt_head *h, const struct pf_login *login, const char **message)
{
	size_t len = strlen(login->csrf);

	if (!strcmp(h->method, "GET") || !strcmp(h->method, "HEAD"))
		return 0;
	if (!h->origin) {
		*message = "a change by cookie needs the header Origin";
		return 403;
	}
	if (!h->csrf_token || strlen(h->csrf_token) != len ||
		!pf_secret_equal(h->csrf_token, login->csrf, len)) {
		*message = "a change by cookie needs the header X-CSRF-Token with what the log-in "
			   "answered";
		return 403;
	}
	return 0;
}

static unsigned check_lane(const struct pf_mgmt_head *h, const struct pf_mgmt_keys *keys,
	const struct pf_mgmt_route *route, struct pf_mgmt_pass *out, const char **message)
{
	bool get = !strcmp(h->method, "GET");

	out->lane = PF_MGMT_LANE_OPEN;
	if (is_open(route, h->method) && !get)
		return 0;
	if (h->authorization && !is_open(route, h->method)) {
		if (!h->from_loopback) {
			*message = "the token opens from the host's own machine only";
			return 403;
		}
		if (!has_token(h->authorization, keys->token)) {
			*message = "the token is wrong: Authorization: Bearer TOKEN, from the file "
				   "mgmt-token";
			return 401;
		}
		out->lane = PF_MGMT_LANE_ADMIN;
		return 0;
	}
	if (keys->logins && pf_logins_find(keys->logins, h->cookie, keys->now_ns, &out->login)) {
		out->lane = PF_MGMT_LANE_BROWSER;
		return check_change(h, &out->login, message);
	}
	if (is_open(route, h->method))
		return 0;
	if (h->has_certificate && route && route->client && get) {
		out->lane = PF_MGMT_LANE_CLIENT;
		return 0;
	}
	*message =
		h->has_certificate
			? "a client's certificate does not open this: log in at login"
			: "log in at login, or send Authorization: Bearer TOKEN with the token of "
			  "the file mgmt-token from the host's own machine";
	return 401;
}

unsigned pf_mgmt_gate(const struct pf_mgmt_head *h, const struct pf_mgmt_keys *keys,
	struct pf_mgmt_pass *out, const char **message)
{
	const struct pf_mgmt_route *route = pf_mgmt_route_find(h->path);
	bool body = !strcmp(h->method, "POST") || !strcmp(h->method, "PATCH") ||
		    !strcmp(h->method, "PUT");
	size_t taken = route && route->body_max ? route->body_max : PF_MGMT_BODY_BYTES;
	size_t most = taken * PF_MGMT_BODY_SKIPPED;
	unsigned status = check_origin(h, keys, message);

	memset(out, 0, sizeof(*out));
	if (status)
		return status;
	if (h->sec_fetch_site && strcmp(h->sec_fetch_site, "same-origin") &&
		strcmp(h->sec_fetch_site, "none")) {
		*message = "pages of other sites have no access";
		return 403;
	}
	status = check_lane(h, keys, route, out, message);
	if (status)
		return status;
	if (body && !(route && route->raw_body) && !is_json(h->content_type)) {
		*message = "the body must be application/json";
		return 415;
	}
	if (h->content_length && strtoull(h->content_length, NULL, 10) > most) {
		*message = "the body is too large";
		return 413;
	}
	return 0;
}

unsigned pf_mgmt_gate_file(
	const struct pf_mgmt_head *h, const struct pf_mgmt_keys *keys, const char **message)
{
	unsigned status = check_origin(h, keys, message);

	if (status)
		return status;
	/* Another site may link here, but not use what is here. */
	if (h->sec_fetch_site && strcmp(h->sec_fetch_site, "same-origin") &&
		strcmp(h->sec_fetch_site, "none") &&
		!(h->sec_fetch_mode && !strcmp(h->sec_fetch_mode, "navigate"))) {
		*message = "pages of other sites have no access";
		return 403;
	}
	return 0;
}
