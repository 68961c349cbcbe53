/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A session's gamepads, between the desk's devices and the client's link. */
#include <errno.h>
#include "core/base/clock.h"
#include "core/wire/pf1_handshake.h"
#include "host/gamestream/session.h"

/* Unacknowledged messages beyond which feedback waits, and the newest wins: a game
 * that shakes a pad a thousand times a second must not fill a slow link. */
#define BACKLOG_MAX 16u
#define WAIT_NS	    (10 * PF_NS_PER_MS)

static int post(void *user, const struct pf_pad_event *ev)
{
	struct pf_gs_session *s = user;

	return s->desk ? pf_desk_pad(s->desk, ev) : -ENODEV;
}

static void again(void *user, unsigned pad)
{
	struct pf_gs_session *s = user;

	pf_desk_pad_again(s->desk, pad);
	pf_gs_session_pads_feedback(s);
}

void pf_gs_session_pads_begin(struct pf_gs_session *s)
{
	/* Asked anew for each session: a rule of udev counts for the next one. */
	s->pads = (struct pf_gs_pads){
		.setting = s->g->params.config->gamepad,
		.can = pf_pads_can(NULL),
		.screen = pf_desks_read_devices(s->g->params.desks),
		.post = post,
		.again = again,
		.user = s,
	};
}

void pf_gs_session_pads_desk(struct pf_gs_session *s)
{
	s->pads.there = pf_desk_pads(s->desk);
	if (!(s->input.grants & PF_GRANT_GAMEPAD))
		pf_gs_pads_revoke(&s->pads);
	if (s->input.grants & PF_GRANT_POINTER)
		pf_gs_pads_lift(&s->pads);
}

void pf_gs_session_pads_input(void *user, const struct pf_gs_input *in)
{
	struct pf_gs_session *s = user;

	pf_gs_pads_input(&s->pads, in, pf_clock_mono_ns());
}

static void waited(void *user)
{
	struct pf_gs_session *s = user;

	pf_timer_stop(&s->feedback_wait);
	pf_gs_session_pads_feedback(s);
}

void pf_gs_session_pads_feedback(void *user)
{
	struct pf_gs_session *s = user;
	const uint16_t pads = pf_gs_pads_listening(&s->pads);
	struct pf_pad_feedback fb;
	struct pf_gs_ctl m;

	if (s->ending || !s->link || !s->desk || s->feedback_wait)
		return;
	while (pf_gs_link_backlog(s->link, BACKLOG_MAX) < BACKLOG_MAX) {
		if (!pf_desk_pad_feedback(s->desk, pads, &fb))
			return;
		if (pf_gs_pads_message(&s->pads, &fb, &m))
			(void)pf_gs_session_send(s, &m);
	}
	(void)pf_timer_start(&s->feedback_wait, s->g->params.loop, WAIT_NS, waited, s);
}

void pf_gs_session_pads_end(struct pf_gs_session *s)
{
	struct pf_gs_ctl m;

	pf_timer_stop(&s->feedback_wait);
	while (s->link && pf_gs_pads_hush(&s->pads, &m))
		(void)pf_gs_session_send(s, &m);
}

void pf_gs_session_pads_revoke(struct pf_gs_session *s, uint32_t lost_grants)
{
	if (lost_grants & PF_GRANT_GAMEPAD)
		pf_gs_pads_revoke(&s->pads);
	if (lost_grants & PF_GRANT_POINTER)
		pf_gs_pads_lift(&s->pads);
}
