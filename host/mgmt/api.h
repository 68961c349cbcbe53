/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* api.h - the operations of the management API, free of HTTP.
 *
 * A call that passed the checks of mgmt.c goes in, status and JSON come out.
 * Control loop only. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include "host/mgmt/mgmt.h"

#define PF_MGMT_BODY_BYTES 65536
/* A body that is announced as larger than this is refused unread: its sender may find the
 * connection gone before it has read why. Up to here it is read, dropped and then refused. */
#define PF_MGMT_BODY_SKIPPED (1u << 20)

struct pf_mgmt_call {
	const char *method;
	const char *path; /* not unescaped */
	const char *body; /* may be NULL */
	size_t body_len;
};

struct pf_mgmt_answer {
	unsigned status;     /* of HTTP */
	struct json_t *body; /* the caller's reference; NULL = none */
	const char *allow;   /* the methods of the path, for 405 */
};

void pf_mgmt_answer_call(
	struct pf_mgmt_answer *a, const struct pf_mgmt_params *p, const struct pf_mgmt_call *call);
/** { "error": { "code": ..., "message": ... } } */
void pf_mgmt_answer_error(struct pf_mgmt_answer *a, unsigned status, const char *message);
/** Whether the path may be asked without token. */
bool pf_mgmt_is_open(const char *method, const char *path);
