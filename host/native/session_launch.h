/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* session_launch.h - the app of the catalogue that a client's Hello names.
 *
 * An id is the number that `punktfunk-host apps` lists. The desk starts the app with
 * its preparation and ends it; here is decided which one, and what its end means.
 * Control loop only. */
#pragma once
#include "host/native/session.h"

/** The app in ns->app, a reference; NULL for none. Refusals carry their close code:
 * without the grant, for an unknown id, and while this client's desk runs another. */
int pf_native_launch_choose(struct pf_native_session *ns, uint32_t grants, struct pf_reason *why);
/** pf_desk_events.app_ended: the session ends with it, its desk too. */
void pf_native_launch_ended(void *session, const struct pf_reason *why);
