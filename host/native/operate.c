/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the operator does to a session. */
#include <errno.h>
#include "core/base/log.h"
#include "host/native/negotiate.h"
#include "host/native/session.h"

void pf_native_hear(struct pf_native *n, const struct pf_session_hearer *hearer)
{
	n->hearer = *hearer;
}

void pf_native_session_tell(struct pf_native_session *ns, enum pf_session_news news)
{
	const struct pf_session_hearer *h = &ns->n->hearer;

	if (h->fn && ns->accepted)
		h->fn(h->user, news, ns->id);
}

static struct pf_native_session *find(struct pf_native *n, uint64_t id, struct pf_reason *why)
{
	for (struct pf_native_session *ns = n->sessions; ns; ns = ns->next)
		if (ns->id == id && ns->accepted && !ns->ending)
			return ns;
	(void)pf_reason_set(why, -ENOENT, "there is no such session (any more)");
	return NULL;
}

int pf_native_stop(struct pf_native *n, uint64_t id, const char *words, struct pf_reason *why)
{
	struct pf_native_session *ns = find(n, id, why);

	if (!ns)
		return -ENOENT;
	pf_native_session_end(ns, PUNKTFUNK_CLOSE_NORMAL, words);
	return 0;
}

int pf_native_keyframe(struct pf_native *n, uint64_t id, struct pf_reason *why)
{
	struct pf_native_session *ns = find(n, id, why);

	if (!ns)
		return -ENOENT;
	if (!ns->started || !ns->attached)
		return pf_reason_set(why, -EBUSY,
			"no picture is on its way right now; the next one is a keyframe anyway");
	pf_stream_keyframe_now(ns->stream);
	return 0;
}

int pf_native_set_bitrate(struct pf_native *n, uint64_t id, uint32_t kbps, struct pf_reason *why)
{
	const uint32_t most = n->params.config->bitrate_max_kbps;
	struct pf_native_session *ns = find(n, id, why);

	if (!ns)
		return -ENOENT;
	if (kbps && (kbps < PF_NATIVE_KBPS_MIN || kbps > most))
		return pf_reason_set(why, -EINVAL,
			"a bitrate is %u to %u kbit/s (bitrate_max_kbps)", PF_NATIVE_KBPS_MIN,
			most);
	ns->limit_kbps = kbps;
	pf_log(PF_LOG_INFO, "native", "%s: the operator %s %u kbit/s", ns->name,
		kbps ? "sets it to" : "lifts the limit:",
		kbps		 ? kbps
		: ns->asked_kbps ? ns->asked_kbps
				 : ns->welcome.bitrate_kbps);
	if (!kbps)
		kbps = ns->asked_kbps ? ns->asked_kbps : ns->welcome.bitrate_kbps;
	pf_native_apply_bitrate(ns, kbps);
	pf_native_session_tell(ns, PF_SESSION_CHANGED);
	return 0;
}
