/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* news.h - word of sessions that come, change and go, of both planes.
 *
 * Told on the control loop, from within what changes the session: the hearer takes note
 * and calls nothing of the plane. */
#pragma once
#include <stdint.h>

enum pf_session_news {
	PF_SESSION_STARTED, /* it has its place; no picture yet */
	PF_SESSION_CHANGED, /* first picture, another mode, another bitrate of ours */
	PF_SESSION_ENDED,   /* only after it was started */
};

/* Who hears it; one for each plane, fn may be NULL. */
struct pf_session_hearer {
	void (*fn)(void *user, enum pf_session_news news, uint64_t id);
	/* Who pairs or asks for access, or how far that is, may be another. May be NULL. */
	void (*trust)(void *user);
	void *user;
};
