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

/* A page of another site can only come here by a name of its own. */
static bool is_own_host(const struct pf_mgmt_head *h)
{
	return names(h->host, "localhost", false, h->port) ||
	       (h->address && names(h->host, h->address, strchr(h->address, ':') != NULL, h->port));
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

unsigned pf_mgmt_gate(const struct pf_mgmt_head *h, const char *token, enum pf_mgmt_lane *lane,
	const char **message)
{
	const struct pf_mgmt_route *route = pf_mgmt_route_find(h->path);
	bool body = !strcmp(h->method, "POST") || !strcmp(h->method, "PATCH") ||
		    !strcmp(h->method, "PUT");

	if (h->repeated) {
		*message = "a header came twice";
		return 400;
	}
	if (!h->host || !is_own_host(h)) {
		*message = "the Host header names another host";
		return 403;
	}
	if (h->origin && !is_own_origin(h)) {
		*message = "pages of other origins have no access";
		return 403;
	}
	if (h->sec_fetch_site && strcmp(h->sec_fetch_site, "same-origin") &&
		strcmp(h->sec_fetch_site, "none")) {
		*message = "pages of other sites have no access";
		return 403;
	}
	*lane = PF_MGMT_LANE_OPEN;
	if (!is_open(route, h->method)) {
		if (!h->from_loopback) {
			*message = "the token opens from the host's own machine only";
			return 403;
		}
		if (!has_token(h->authorization, token)) {
			*message = "the token is missing or wrong: Authorization: Bearer TOKEN, "
				   "from the file mgmt-token";
			return 401;
		}
		*lane = PF_MGMT_LANE_ADMIN;
	}
	if (body && !(route && route->raw_body) && !is_json(h->content_type)) {
		*message = "the body must be application/json";
		return 415;
	}
	if (h->content_length && strtoull(h->content_length, NULL, 10) > PF_MGMT_BODY_SKIPPED) {
		*message = "the body is too large";
		return 413;
	}
	return 0;
}
