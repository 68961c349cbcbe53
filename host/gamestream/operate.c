/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the operator does to a session. */
#include <errno.h>
#include "core/base/log.h"
#include "host/gamestream/session.h"

#define KBPS_MIN 500u /* as encoders of the other plane */

void pf_gamestream_hear(struct pf_gamestream *g, const struct pf_session_hearer *hearer)
{
	g->hearer = *hearer;
	pf_gs_routes_hear(g->routes, hearer);
}

void pf_gs_session_tell(struct pf_gs_session *s, enum pf_session_news news)
{
	const struct pf_session_hearer *h = &s->g->hearer;

	/* A launch that failed at once was never heard of. */
	if (news == PF_SESSION_STARTED)
		s->told = true;
	if (h->fn && s->told)
		h->fn(h->user, news, s->id);
}

static struct pf_gs_session *find(struct pf_gamestream *g, uint64_t id, struct pf_reason *why)
{
	for (struct pf_gs_session *s = g->sessions; s; s = s->next)
		if (s->id == id && !s->ending)
			return s;
	(void)pf_reason_set(why, -ENOENT, "there is no such session (any more)");
	return NULL;
}

int pf_gamestream_stop(
	struct pf_gamestream *g, uint64_t id, const char *words, struct pf_reason *why)
{
	struct pf_gs_session *s = find(g, id, why);

	if (!s)
		return -ENOENT;
	pf_gs_session_end(s, PF_GS_TERM_NORMAL, words);
	return 0;
}

int pf_gamestream_keyframe(struct pf_gamestream *g, uint64_t id, struct pf_reason *why)
{
	struct pf_gs_session *s = find(g, id, why);

	if (!s)
		return -ENOENT;
	if (!s->playing || !s->attached)
		return pf_reason_set(why, -EBUSY,
			"no picture is on its way right now; the next one is a keyframe anyway");
	pf_stream_keyframe_now(s->stream);
	return 0;
}

int pf_gamestream_set_bitrate(
	struct pf_gamestream *g, uint64_t id, uint32_t kbps, struct pf_reason *why)
{
	const uint32_t most = g->params.config->bitrate_max_kbps;
	struct pf_gs_session *s = find(g, id, why);

	if (!s)
		return -ENOENT;
	if (kbps && (kbps < KBPS_MIN || kbps > most))
		return pf_reason_set(why, -EINVAL,
			"a bitrate is %u to %u kbit/s (bitrate_max_kbps)", KBPS_MIN, most);
	if (!s->stream)
		return pf_reason_set(
			why, -EBUSY, "the client has not said yet what it wants; try again soon");
	s->limit_kbps = kbps;
	s->encoder_kbps = kbps ? kbps : pf_gs_session_wish_kbps(s);
	pf_stream_set_bitrate(s->stream, s->encoder_kbps);
	pf_log(PF_LOG_INFO, "gamestream", "%s: %s %u kbit/s", s->name,
		kbps ? "the operator sets it to" : "again", s->encoder_kbps);
	pf_gs_session_tell(s, PF_SESSION_CHANGED);
	return 0;
}
