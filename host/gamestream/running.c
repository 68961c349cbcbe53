/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Which app each client has in its desk. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "host/gamestream/session.h"

static void free_running(struct pf_gs_running **p)
{
	struct pf_gs_running *r = *p;

	*p = r->next;
	pf_app_unref(r->app);
	free(r);
}

struct pf_app *pf_gs_running_find(struct pf_gamestream *g, const uint8_t fingerprint[32])
{
	struct pf_gs_running **p = &g->running;

	while (*p) {
		if (!pf_desks_has(g->params.desks, (*p)->fingerprint))
			free_running(p);
		else if (!memcmp((*p)->fingerprint, fingerprint, 32))
			return (*p)->app;
		else
			p = &(*p)->next;
	}
	return NULL;
}

int pf_gs_running_set(struct pf_gamestream *g, const uint8_t fingerprint[32], struct pf_app *app)
{
	struct pf_gs_running **p = &g->running, *r;

	while (*p && memcmp((*p)->fingerprint, fingerprint, 32))
		p = &(*p)->next;
	if (*p)
		free_running(p);
	if (!app)
		return 0;
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	memcpy(r->fingerprint, fingerprint, 32);
	r->app = pf_app_ref(app);
	r->next = g->running;
	g->running = r;
	return 0;
}
