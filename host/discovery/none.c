/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include "host/discovery/discovery.h"

int pf_discovery_create(struct pf_discovery **out, const char *name,
	const struct pf_discovery_service *services, size_t count, struct pf_reason *why)
{
	return pf_reason_set(why, -ENOTSUP,
		"built without Avahi: clients do not find this host by themselves; type its "
		"address there");
}

void pf_discovery_destroy(struct pf_discovery *d) {}
