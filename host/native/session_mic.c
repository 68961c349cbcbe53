/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/native/session_mic.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "host/audio/mic.h"
#include "host/native/session.h"

/* The desk's audio thread. */
static void on_pull(void *user, float *pcm, unsigned samples)
{
	pf_mic_pull(user, pcm, samples, pf_clock_mono_ns());
}

static void open_mic(struct pf_native_session *ns)
{
	struct pf_reason why = { 0 };
	struct pf_mic *m = NULL;

	if (!ns->n->params.config->microphone) {
		pf_log(PF_LOG_INFO, "native", "%s: speaks, but the setting microphone is no",
			ns->name);
		return;
	}
	if (!pf_desk_audio_channels(ns->desk)) {
		pf_log(PF_LOG_INFO, "native", "%s: speaks, but its desk has no sound", ns->name);
		return;
	}
	if (pf_mic_open(&m, &why)) {
		pf_log(PF_LOG_WARN, "native", "%s: no microphone: %s", ns->name, why.text);
		return;
	}
	pthread_mutex_lock(&ns->gate);
	ns->mic = m;
	pthread_mutex_unlock(&ns->gate);
	pf_desk_open_mic(ns->desk, ns->hello.name, on_pull, m);
	pf_log(PF_LOG_INFO, "native", "%s: its microphone is there", ns->name);
}

static void first_packet(void *user, void *msg)
{
	struct pf_native_session *ns = user;

	if (!ns->ending && ns->desk && !ns->mic && (ns->grants & PF_GRANT_MICROPHONE))
		open_mic(ns);
}

void pf_native_mic_packet(struct pf_native_session *ns, const struct pf_dgram *d)
{
	bool first = false;

	pthread_mutex_lock(&ns->gate);
	if (!(ns->gate_grants & PF_GRANT_MICROPHONE)) {
		atomic_fetch_add_explicit(&ns->mic_denied, 1, memory_order_relaxed);
	} else if (ns->mic) {
		pf_mic_put(ns->mic, d->audio.seq, d->audio.data, d->audio.len, pf_clock_mono_ns());
	} else if (ns->gate_desk) {
		first = !ns->mic_asked;
		ns->mic_asked = true;
	}
	pthread_mutex_unlock(&ns->gate);
	if (first)
		(void)pf_loop_post(ns->n->params.loop, first_packet, ns, NULL, 0);
}

void pf_native_mic_access(struct pf_native_session *ns)
{
	if (!(ns->grants & PF_GRANT_MICROPHONE))
		pf_native_mic_close(ns);
}

void pf_native_mic_reload(struct pf_native_session *ns)
{
	/* One that is not there yet comes with the next packet, if it may now. */
	if (!ns->mic || !ns->n->params.config->microphone)
		pf_native_mic_close(ns);
}

void pf_native_mic_close(struct pf_native_session *ns)
{
	struct pf_mic *m;

	pthread_mutex_lock(&ns->gate);
	m = ns->mic;
	ns->mic = NULL;
	ns->mic_asked = false;
	pthread_mutex_unlock(&ns->gate);
	if (!m)
		return;
	if (ns->desk)
		pf_desk_close_mic(ns->desk, m);
	pf_mic_get_stats(m, &ns->mic_stats);
	pf_mic_close(&m);
}
