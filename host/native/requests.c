/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a client asks for while it streams. */
#include "core/base/clock.h"
#include "core/base/log.h"
#include "host/native/negotiate.h"
#include "host/native/session.h"
#include "host/native/session_clip.h"

/* A client may change its mode this often. */
#define MODE_INTERVAL_NS (500 * PF_NS_PER_MS)
/* What is asked for right after the start is about the start. */
#define RELIEF_FROM_NS (2 * PF_NS_PER_S)

void pf_native_tell_mode(struct pf_native_session *ns, bool accepted, const struct pf_mode *mode)
{
	struct pf_ctl m = { .type = PF_CTL_RECONFIGURED };

	m.reconfigured.accepted = accepted;
	m.reconfigured.mode =
		(struct pf_ctl_mode){ mode->width, mode->height, (mode->refresh_mhz + 500) / 1000 };
	(void)pf_host_session_control(ns->s, &m);
}

static void reconfigure(struct pf_native_session *ns, const struct pf_ctl_mode *asked)
{
	struct pf_reason why = { 0 };
	uint64_t now_ns = pf_clock_mono_ns();
	struct pf_mode mode;

	if (pf_negotiate_mode(&mode, ns->n->params.config, asked->width, asked->height,
		    asked->refresh_hz, &why)) {
		pf_log(PF_LOG_INFO, "native", "%s: no change of mode: %s", ns->name, why.text);
		pf_native_tell_mode(ns, false, &ns->want_mode);
		return;
	}
	if (ns->mode_changed_ns && now_ns - ns->mode_changed_ns < MODE_INTERVAL_NS) {
		pf_log(PF_LOG_DEBUG, "native", "%s: changes its mode too often", ns->name);
		pf_native_tell_mode(ns, false, &ns->want_mode);
		return;
	}
	ns->mode_changed_ns = now_ns;
	/* Said before it is done; if it lands elsewhere, the next word corrects it. */
	pf_native_tell_mode(ns, true, &mode);
	if (pf_mode_equal(&mode, &ns->want_mode))
		return;
	ns->want_mode = mode;
	ns->change_mode = true;
	ns->change = (struct pf_timeline){ 0 };
	pf_mark(&ns->change, PF_MARK_BEGIN);
	pf_log(PF_LOG_INFO, "native", "%s: changes to %ux%u@%u", ns->name, mode.width, mode.height,
		mode.refresh_mhz / 1000);
	pf_native_session_kick(ns);
}

static void end_relief(void *user)
{
	struct pf_native_session *ns = user;
	uint32_t kbps = pf_relief_poll(&ns->relief, pf_clock_mono_ns());

	if (kbps && !ns->ending)
		pf_stream_set_bitrate(ns->stream, kbps);
}

/* Who leaves the bitrate to us gets less of it at once. The client's own decision comes with
 * its next report. */
static void relieve(struct pf_native_session *ns)
{
	uint64_t now = pf_clock_mono_ns(), began = ns->timeline.ns[PF_MARK_SENT];
	uint32_t kbps;

	if (ns->hello.bitrate_kbps || !began || now - began < RELIEF_FROM_NS)
		return;
	if (!ns->relief.asked_kbps)
		pf_relief_asked(&ns->relief, ns->welcome.bitrate_kbps);
	kbps = pf_relief_lost(&ns->relief, now);
	if (!kbps)
		return;
	pf_stream_set_bitrate(ns->stream, kbps);
	pf_log(PF_LOG_DEBUG, "native", "%s: a frame was lost, %u kbit/s for now", ns->name, kbps);
	pf_timer_stop(&ns->relief_timer);
	/* Without memory for it the client's next word ends it. */
	(void)pf_timer_start(&ns->relief_timer, ns->n->params.loop,
		pf_relief_due_ns(&ns->relief) - now, end_relief, ns);
}

void pf_native_apply_bitrate(struct pf_native_session *ns, uint32_t kbps)
{
	struct pf_ctl m = { .type = PF_CTL_BITRATE_CHANGED };

	m.bitrate_changed.kbps = kbps;
	pf_relief_asked(&ns->relief, kbps);
	pf_timer_stop(&ns->relief_timer);
	pf_stream_set_bitrate(ns->stream, kbps);
	(void)pf_host_session_control(ns->s, &m);
}

static void set_bitrate(struct pf_native_session *ns, uint32_t kbps)
{
	ns->asked_kbps = kbps = pf_negotiate_bitrate(ns->n->params.config, kbps);
	if (ns->limit_kbps && kbps > ns->limit_kbps)
		kbps = ns->limit_kbps;
	pf_native_apply_bitrate(ns, kbps);
}

void pf_native_session_control(struct pf_native_session *ns, const struct pf_ctl *msg)
{
	if (ns->ending || !ns->accepted)
		return;
	switch (msg->type) {
	case PF_CTL_RECONFIGURE:
		reconfigure(ns, &msg->reconfigure);
		break;
	case PF_CTL_REQUEST_KEYFRAME:
		relieve(ns);
		pf_stream_keyframe(ns->stream);
		break;
	case PF_CTL_RFI_REQUEST:
		relieve(ns);
		pf_stream_lost(ns->stream, msg->rfi.first, msg->rfi.last);
		break;
	case PF_CTL_SET_BITRATE:
		set_bitrate(ns, msg->kbps);
		break;
	case PF_CTL_CLIP_CONTROL:
		pf_native_clip_control(ns, msg->clip_control.enabled, msg->clip_control.flags);
		break;
	default:
		break;
	}
}

void pf_native_session_input(struct pf_native_session *ns, const struct pf_input_event *ev)
{
	uint32_t need = pf_input_grant(ev->kind);

	if (!need)
		return;
	pthread_mutex_lock(&ns->gate);
	if (!(ns->gate_grants & need))
		atomic_fetch_add_explicit(&ns->input_denied, 1, memory_order_relaxed);
	else if (ns->gate_desk && !pf_desk_input(ns->gate_desk, ev))
		atomic_fetch_add_explicit(&ns->input_events, 1, memory_order_relaxed);
	pthread_mutex_unlock(&ns->gate);
}
