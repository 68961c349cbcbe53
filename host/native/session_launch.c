/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/native/session_launch.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/utf8.h"
#include "host/registry/apps.h"

/* 0 for what is no number of an entry. */
static uint32_t id_of(const char *text)
{
	uint32_t id = 0;

	for (; *text >= '0' && *text <= '9' && id <= INT32_MAX / 10; text++)
		id = id * 10 + (uint32_t)(*text - '0');
	return *text || id > INT32_MAX ? 0 : id;
}

static int refuse(struct pf_reason *why, uint32_t close, int r)
{
	why->close = close;
	return r;
}

/* What a desk starts: an entry without a command is the desktop itself. */
static const struct pf_app *started(const struct pf_app *app)
{
	return app && *app->command ? app : NULL;
}

/* The client's desk may be there still. It starts nothing twice, and it is not for us
 * to end what runs there. */
static int check_desk(const struct pf_native_session *ns, struct pf_reason *why)
{
	struct pf_desks *desks = ns->n->params.desks;
	const struct pf_app *now, *want = started(ns->app);

	if (!ns->peer.has_certificate || !pf_desks_has(desks, ns->peer.fingerprint))
		return 0;
	now = pf_desks_app(desks, ns->peer.fingerprint);
	if (now == want || (now && want && now->id == want->id))
		return 0;
	return refuse(why, PUNKTFUNK_CLOSE_SETUP_FAILED,
		pf_reason_set(why, -EBUSY, "%s is still there for this client; quit it first",
			now ? now->title : "the desktop"));
}

int pf_native_launch_choose(struct pf_native_session *ns, uint32_t grants, struct pf_reason *why)
{
	const char *id = ns->hello.launch;
	char shown[PF_PF1_LAUNCH_MAX + 1];
	const struct pf_app *kept;
	int r;

	if (!*id) {
		/* It comes back to what runs on its desk, which ends the session, too. */
		kept = ns->peer.has_certificate
			       ? pf_desks_app(ns->n->params.desks, ns->peer.fingerprint)
			       : NULL;
		if (kept)
			ns->app = pf_app_ref((struct pf_app *)kept);
		return 0;
	}
	if (!(grants & PF_GRANT_LAUNCH))
		return refuse(why, PUNKTFUNK_CLOSE_LAUNCH_DENIED,
			pf_reason_set(why, -EACCES, "this client may not start apps"));
	ns->app = ns->n->params.apps ? pf_apps_find(ns->n->params.apps, id_of(id)) : NULL;
	if (!ns->app) {
		(void)pf_utf8_printable(shown, sizeof(shown), id, strlen(id));
		return refuse(why, PUNKTFUNK_CLOSE_SETUP_FAILED,
			pf_reason_set(why, -ENOENT,
				"this host's library has no app \"%s\"; punktfunk-host apps lists "
				"what it has",
				shown));
	}
	r = check_desk(ns, why);
	if (r) {
		pf_app_unref(ns->app);
		ns->app = NULL;
	}
	return r;
}

void pf_native_launch_ended(void *session, const struct pf_reason *why)
{
	struct pf_native_session *ns = session;
	char text[128];

	if (why)
		snprintf(text, sizeof(text), "%.40s does not start: %.70s", ns->app->title,
			why->text);
	else
		snprintf(text, sizeof(text), "%.100s ended", ns->app->title);
	ns->drop_desk = true;
	pf_native_session_end(
		ns, why ? PUNKTFUNK_CLOSE_SETUP_FAILED : PUNKTFUNK_CLOSE_APP_EXITED, text);
}
