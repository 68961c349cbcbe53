/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* host_clip.c - a client's clipboard at the host. */
#include <stdlib.h>
#include "core/session/host_session.h"

static void on_asked(void *user, uint32_t id, uint32_t seq, const char *mime)
{
	struct pf_host_session *s = user;
	struct pf_listener *l = s->listener;

	if (l->events.clip_asked)
		l->events.clip_asked(l->user, s, id, seq, mime);
	else
		(void)pf_clip_answer(&s->clip, id, PF_CLIP_UNAVAILABLE, NULL, 0);
}

static void on_withdrawn(void *user, uint32_t id)
{
	struct pf_host_session *s = user;

	if (s->listener->events.clip_withdrawn)
		s->listener->events.clip_withdrawn(s->listener->user, s, id);
}

static void on_fetched(void *user, uint32_t id, int result, uint8_t *data, size_t len)
{
	struct pf_host_session *s = user;

	if (s->listener->events.clip_fetched)
		s->listener->events.clip_fetched(s->listener->user, s, id, result, data, len);
	else
		free(data);
}

static const struct pf_clip_events clip_events = {
	.asked = on_asked,
	.withdrawn = on_withdrawn,
	.fetched = on_fetched,
};

void pf_host_clip_init(struct pf_host_session *s)
{
	pf_clip_init(&s->clip, &clip_events, s);
}

int64_t pf_host_session_clip_fetch(struct pf_host_session *s, uint32_t seq, const char *mime)
{
	return pf_clip_fetch(&s->clip, s->conn, seq, mime);
}

void pf_host_session_clip_cancel(struct pf_host_session *s, uint32_t id)
{
	pf_clip_cancel(&s->clip, id);
}

int pf_host_session_clip_answer(
	struct pf_host_session *s, uint32_t id, uint8_t status, uint8_t *data, size_t len)
{
	return pf_clip_answer(&s->clip, id, status, data, len);
}
