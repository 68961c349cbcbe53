/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/native/session_sound.h"
#include "core/base/log.h"
#include "host/audio/opus.h"
#include "host/audio/sound.h"
#include "host/native/session.h"

/* Silence this long ends the audio packets until something sounds. */
#define QUIET_MS 500

/* The desk's audio thread. */
static void on_pcm(void *user, const float *pcm, unsigned channels, uint64_t capture_ns)
{
	struct pf_native_session *ns = user;

	pf_sound_push(ns->sound, pcm, channels, capture_ns);
}

/* The sound thread. */
static void on_packet(void *user, const struct pf_sound_packet *p)
{
	struct pf_native_session *ns = user;
	int r;

	if (!atomic_load_explicit(&ns->playing, memory_order_relaxed))
		return;
	if (ns->welcome.host_caps & PF_HOST_CAP_AUDIO_REDUNDANCY)
		r = pf_host_session_audio_redundant(ns->s, p->data, p->len, p->previous,
			p->previous ? p->previous_len : 0, p->pts_ns);
	else
		r = pf_host_session_audio(ns->s, p->data, p->len, p->pts_ns);
	atomic_fetch_add_explicit(
		r ? &ns->audio_errors : &ns->audio_packets, 1, memory_order_relaxed);
}

void pf_native_sound_open(struct pf_native_session *ns)
{
	const unsigned desk = pf_desk_audio_channels(ns->desk);
	struct pf_sound_params p = {
		.in_channels = desk, .quiet_ms = QUIET_MS, .on_packet = on_packet, .user = ns
	};
	struct pf_welcome *w = &ns->welcome;
	struct pf_opus_plan plan;
	struct pf_reason why = { 0 };

	/* More than the desk plays would be silence. */
	if (w->audio_channels > desk)
		w->audio_channels = (uint8_t)desk;
	plan = pf_opus_plan(w->audio_channels, w->bitrate_kbps,
		(enum pf_opus_tier)ns->n->params.config->audio_quality,
		ns->hello.client_caps & PF_CLIENT_CAP_AUDIO_REDUNDANCY);
	p.channels = w->audio_channels;
	p.kbps = plan.kbps;
	if (pf_sound_open(&ns->sound, &p, &why)) {
		pf_log(PF_LOG_WARN, "native", "%s: no sound, the picture goes on: %s", ns->name,
			why.text);
		return;
	}
	if (plan.redundant)
		w->host_caps |= PF_HOST_CAP_AUDIO_REDUNDANCY;
	pf_log(PF_LOG_DEBUG, "native", "%s: sound of %u channels at %u kbit/s%s", ns->name,
		p.channels, plan.kbps, plan.redundant ? ", each frame twice" : "");
}

void pf_native_sound_listen(struct pf_native_session *ns)
{
	if (ns->sound)
		pf_desk_set_pcm(ns->desk, on_pcm, ns);
}
