/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* api_impl.h - what the operations of the management API share; private to
 * host/mgmt. */
#pragma once
#include <jansson.h>
#include "host/mgmt/api.h"

/* A path, cut at its slashes. */
struct pf_mgmt_parts {
	char text[160];
	const char *parts[PF_MGMT_PARTS_MAX];
	unsigned count;
	bool at_root;
};

/* One call while it is answered. */
struct pf_mgmt_op {
	const struct pf_mgmt_params *p;
	const struct pf_mgmt_call *call;
	const char *method;
	struct pf_mgmt_parts path;
	const char *const *parts; /* those of path */
	json_t *body;
	struct pf_mgmt_answer *a;
};

void pf_mgmt_fail(struct pf_mgmt_op *c, unsigned status, const char *message);
/** With the status that fits an error of the registry. */
void pf_mgmt_fail_reason(struct pf_mgmt_op *c, int r, const struct pf_reason *why);
/** Takes over `o`. */
void pf_mgmt_reply(struct pf_mgmt_op *c, unsigned status, json_t *o);
/** Whether the body has no fields but those of `names`, NULL-ended; else fails. */
bool pf_mgmt_only_fields(struct pf_mgmt_op *c, const char *const *names);
/** Words that may quote a request, cut anywhere, as valid text. */
json_t *pf_mgmt_words_json(const char *words);
json_t *pf_mgmt_time_json(int64_t s);
json_t *pf_mgmt_client_json(const struct pf_client *e, const char *source);
/** Reads the field "name" of a client into *name, which stays as it is when there is
 * none; the body owns the text. False after a failure. */
bool pf_mgmt_take_name(struct pf_mgmt_op *c, const char **name);
/** Reads the fields "grants" and "expires" into what they change; false after a
 * failure. */
bool pf_mgmt_take_terms(struct pf_mgmt_op *c, uint32_t *grants, int64_t *expires_s);

/** One value of the query, unescaped. False when it is not there, does not fit or is no
 * UTF-8 text. */
bool pf_mgmt_query(const struct pf_mgmt_op *c, const char *name, char *buf, size_t cap);
/** As pf_mgmt_query: 1 with the value, 0 when it is not there, -1 after a failure, which is
 * told. */
int pf_mgmt_query_or_fail(struct pf_mgmt_op *c, const char *name, char *buf, size_t cap);
/** Takes over `data`, of malloc; `content_type` is static. */
void pf_mgmt_reply_raw(
	struct pf_mgmt_op *c, unsigned status, const char *content_type, void *data, size_t len);

/** The answer comes later, from the control loop. NULL after a failure, which is told. */
struct pf_mgmt_later *pf_mgmt_defer(struct pf_mgmt_op *c);
/** Each once, ends `later`; also when nobody waits any more or the API has ended. Takes
 * over `o`; NULL with 204. */
void pf_mgmt_later_reply(struct pf_mgmt_later *later, unsigned status, json_t *o);
void pf_mgmt_later_fail(struct pf_mgmt_later *later, unsigned status, const char *message);

/* One table per file, ended by a count of 0; api.c lists them. */
extern const struct pf_mgmt_route pf_mgmt_apps_routes[];
extern const struct pf_mgmt_route pf_mgmt_clients_routes[];
extern const struct pf_mgmt_route pf_mgmt_diagnostics_routes[];
extern const struct pf_mgmt_route pf_mgmt_displays_routes[];
extern const struct pf_mgmt_route pf_mgmt_events_routes[];
extern const struct pf_mgmt_route pf_mgmt_host_routes[];
extern const struct pf_mgmt_route pf_mgmt_login_routes[];
extern const struct pf_mgmt_route pf_mgmt_logs_routes[];
extern const struct pf_mgmt_route pf_mgmt_metrics_routes[];
extern const struct pf_mgmt_route pf_mgmt_sessions_routes[];
extern const struct pf_mgmt_route pf_mgmt_settings_routes[];
extern const struct pf_mgmt_route pf_mgmt_stats_routes[];
extern const struct pf_mgmt_route pf_mgmt_trust_routes[];
