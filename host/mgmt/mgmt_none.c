/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The management API of a build without an HTTP server. */
#include <errno.h>
#include <jansson.h>
#include "host/mgmt/api.h"
#include "host/mgmt/feed.h"
#include "host/mgmt/mgmt.h"

int pf_mgmt_create(struct pf_mgmt **out, const struct pf_mgmt_params *params, struct pf_reason *why)
{
	return pf_reason_set(why, -ENOSYS, "this build has no management API (libmicrohttpd)");
}

uint16_t pf_mgmt_port(const struct pf_mgmt *m)
{
	return 0;
}

void pf_mgmt_stop(struct pf_mgmt *m) {}

void pf_mgmt_destroy(struct pf_mgmt *m) {}

void pf_mgmt_event(struct pf_mgmt *m, const char *name, json_t *data)
{
	json_decref(data);
}

struct pf_feed *pf_mgmt_feed(struct pf_mgmt *m)
{
	return NULL;
}

void pf_mgmt_stream_wake(struct pf_mgmt_stream *s) {}
