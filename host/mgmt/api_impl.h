/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* api_impl.h - what the operations of the management API share; private to
 * host/mgmt. */
#pragma once
#include <jansson.h>
#include "host/mgmt/api.h"

#define PF_MGMT_PARTS_MAX 4

/* One call while it is answered. */
struct pf_mgmt_op {
	const struct pf_mgmt_params *p;
	const char *method;
	char text[160]; /* the path behind ROOT, cut at its slashes */
	const char *parts[PF_MGMT_PARTS_MAX];
	unsigned count;
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
json_t *pf_mgmt_time_json(int64_t s);
json_t *pf_mgmt_client_json(const struct pf_client *e, const char *source);
/** Reads the field "name" of a client into *name, which stays as it is when there is
 * none; the body owns the text. False after a failure. */
bool pf_mgmt_take_name(struct pf_mgmt_op *c, const char **name);
/** Reads the fields "grants" and "expires" into what they change; false after a
 * failure. */
bool pf_mgmt_take_terms(struct pf_mgmt_op *c, uint32_t *grants, int64_t *expires_s);

/* api_trust.c */
void pf_mgmt_get_arm(struct pf_mgmt_op *c);
void pf_mgmt_post_arm(struct pf_mgmt_op *c);
void pf_mgmt_delete_arm(struct pf_mgmt_op *c);
void pf_mgmt_get_knocks(struct pf_mgmt_op *c);
void pf_mgmt_post_approve(struct pf_mgmt_op *c);
void pf_mgmt_post_deny(struct pf_mgmt_op *c);
