/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The management API of a build without an HTTP server. */
#include <errno.h>
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
