/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* abi_host.c - the exported functions of a host, thin: argument checks and
 * translation only. A PunktfunkHostSession is a struct pf_host_session. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include "core/abi_struct.h"
#include "core/base/clock.h"
#include "core/base/utf8.h"
#include "core/crypto/identity.h"
#include "core/crypto/secret.h"
#include "core/session/listener.h"

#define DEFAULT_KBPS 20000

struct PunktfunkListener {
	struct pf_listener *l;
	struct pf_identity *identity;
	PunktfunkHostCallback callback;
	void *user;
};

static struct pf_host_session *session_of(const PunktfunkHostSession *s)
{
	return (struct pf_host_session *)s;
}

/* A host never waits for anything to come: its EAGAIN is a queue that is full. */
static int32_t sent(int err)
{
	return err == -EAGAIN ? PUNKTFUNK_EBUSY : public_code(err);
}

/* ---- events ---- */

static void tell(PunktfunkListener *l, PunktfunkHostEvent *e)
{
	e->struct_size = sizeof(*e);
	l->callback(l->user, e);
}

static PunktfunkHostEvent event_of(uint32_t type, struct pf_host_session *s)
{
	return (PunktfunkHostEvent){ .type = type, .session = (PunktfunkHostSession *)s };
}

static void on_hello(void *user, struct pf_host_session *s, const struct pf_hello *hello,
	const struct pf_peer *peer)
{
	PunktfunkHostEvent e = event_of(PUNKTFUNK_HOST_EVENT_HELLO, s);

	tell(user, &e);
}

static void on_started(void *user, struct pf_host_session *s)
{
	PunktfunkHostEvent e = event_of(PUNKTFUNK_HOST_EVENT_STARTED, s);

	tell(user, &e);
}

/* These hosts have no clipboard; each such wish has an answer (punktfunk1.md 6). */
static void refuse_clipboard(struct pf_host_session *s)
{
	struct pf_ctl m = { .type = PF_CTL_CLIP_STATE };

	m.clip_state.reason = PUNKTFUNK_CLIP_NO_BACKEND;
	(void)pf_host_session_control(s, &m);
}

static void on_control(void *user, struct pf_host_session *s, const struct pf_ctl *m)
{
	PunktfunkHostEvent e = event_of(0, s);

	switch (m->type) {
	case PF_CTL_REQUEST_KEYFRAME:
		e.type = PUNKTFUNK_HOST_EVENT_KEYFRAME;
		break;
	case PF_CTL_RFI_REQUEST:
		e.type = PUNKTFUNK_HOST_EVENT_FRAMES_LOST;
		e.a = m->rfi.first;
		e.b = m->rfi.last;
		break;
	case PF_CTL_RECONFIGURE:
		e.type = PUNKTFUNK_HOST_EVENT_MODE;
		e.a = m->reconfigure.width;
		e.b = m->reconfigure.height;
		e.c = m->reconfigure.refresh_hz;
		break;
	case PF_CTL_SET_BITRATE:
		e.type = PUNKTFUNK_HOST_EVENT_BITRATE;
		e.a = m->kbps;
		break;
	case PF_CTL_CLIP_CONTROL:
		refuse_clipboard(s);
		return;
	default:
		pf_host_session_ignore(s, m->type);
		return;
	}
	tell(user, &e);
}

static void on_datagram(void *user, struct pf_host_session *s, const struct pf_dgram *d)
{
	PunktfunkHostEvent e = event_of(0, s);

	switch (d->tag) {
	case PF_DGRAM_INPUT:
		e.type = PUNKTFUNK_HOST_EVENT_INPUT;
		e.a = d->input.kind;
		e.b = d->input.code;
		e.c = d->input.flags;
		e.x = d->input.x;
		e.y = d->input.y;
		break;
	case PF_DGRAM_MIC:
		e.type = PUNKTFUNK_HOST_EVENT_MICROPHONE;
		e.a = d->audio.seq;
		e.value = d->audio.pts_ns;
		e.data = d->audio.data;
		e.size = d->audio.len;
		break;
	default:
		e.type = PUNKTFUNK_HOST_EVENT_RICH_INPUT;
		e.data = d->raw.data;
		e.size = d->raw.len;
	}
	tell(user, &e);
}

static void on_closed(void *user, struct pf_host_session *s, uint32_t code, const char *text)
{
	PunktfunkHostEvent e = event_of(PUNKTFUNK_HOST_EVENT_CLOSED, s);

	e.a = code;
	snprintf(e.text, sizeof(e.text), "%s", text ? text : "");
	tell(user, &e);
}

static void on_paired(void *user, const struct pf_pair_outcome *o)
{
	PunktfunkHostEvent e = event_of(PUNKTFUNK_HOST_EVENT_PAIRED, NULL);

	e.a = o->result == PF_PAIR_DONE	       ? PUNKTFUNK_PAIR_DONE
	      : o->result == PF_PAIR_WRONG_PIN ? PUNKTFUNK_PAIR_WRONG_PIN
					       : PUNKTFUNK_PAIR_LEFT;
	memcpy(e.fingerprint, o->peer.fingerprint, sizeof(e.fingerprint));
	pf_utf8_repair(e.text, sizeof(e.text), o->name, strlen(o->name));
	tell(user, &e);
}

static const struct pf_listener_events listener_events = {
	.hello = on_hello,
	.started = on_started,
	.control = on_control,
	.datagram = on_datagram,
	.closed = on_closed,
	.paired = on_paired,
};

/* ---- the listener ---- */

int32_t punktfunk_listen(
	const PunktfunkListenOptions *options, PunktfunkListener **out, PunktfunkReason *why)
{
	struct pf_reason reason = { 0 };
	struct pf_listener_params p = { .events = &listener_events };
	PunktfunkListenOptions o;
	PunktfunkListener *l;
	int err;

	if (!out || !take(&o, sizeof(o), options))
		return PUNKTFUNK_EINVAL;
	if (!o.identity || !o.callback) {
		pf_reason_set(&reason, -EINVAL, "a listener needs an identity and a callback");
		return give_reason(why, PUNKTFUNK_EINVAL, &reason);
	}
	l = calloc(1, sizeof(*l));
	if (!l)
		return give_reason(why, PUNKTFUNK_ENOMEM, &reason);
	l->identity = pf_identity_ref((const struct pf_identity *)o.identity);
	l->callback = o.callback;
	l->user = o.user;
	p.bind_address = o.bind_address;
	p.port = o.port;
	p.identity = l->identity;
	p.user = l;
	p.data_port = o.data_port;
	p.idle_ms = o.idle_ms;
	p.max_sessions = o.max_sessions;
	err = pf_listener_create(&l->l, &p, &reason);
	if (err) {
		punktfunk_listener_close(l);
		return give_reason(why, err, &reason);
	}
	*out = l;
	return PUNKTFUNK_OK;
}

int32_t punktfunk_listener_port(const PunktfunkListener *listener)
{
	return listener ? pf_listener_port(listener->l) : PUNKTFUNK_EINVAL;
}

int32_t punktfunk_listener_arm(PunktfunkListener *listener, const PunktfunkArming *arming)
{
	struct pf_arming a = { 0 };
	PunktfunkArming own;

	if (!listener)
		return PUNKTFUNK_EINVAL;
	if (!arming) {
		pf_listener_disarm(listener->l);
		return PUNKTFUNK_OK;
	}
	if (!take(&own, sizeof(own), arming) || !own.pin || !pf_pair_pin_ok(own.pin))
		return PUNKTFUNK_EINVAL;
	snprintf(a.pin, sizeof(a.pin), "%s", own.pin);
	if (own.ttl_s)
		a.until_ns = pf_clock_mono_ns() + own.ttl_s * PF_NS_PER_S;
	if (own.fingerprint) {
		a.bound = true;
		memcpy(a.device, own.fingerprint, sizeof(a.device));
	}
	pf_listener_arm(listener->l, &a);
	pf_secret_wipe(&a, sizeof(a));
	return PUNKTFUNK_OK;
}

void punktfunk_listener_close(PunktfunkListener *listener)
{
	if (!listener)
		return;
	pf_listener_destroy(listener->l);
	pf_identity_unref(listener->identity);
	free(listener);
}

/* ---- a session's beginning and end ---- */

static void address_text(char *out, size_t cap, const struct sockaddr_storage *a)
{
	char host[48], port[8];
	bool six = a->ss_family == AF_INET6;
	socklen_t len = six ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);

	if (getnameinfo((const struct sockaddr *)a, len, host, sizeof(host), port, sizeof(port),
		    NI_NUMERICHOST | NI_NUMERICSERV))
		return;
	snprintf(out, cap, six ? "[%s]:%s" : "%s:%s", host, port);
}

int32_t punktfunk_host_client(const PunktfunkHostSession *session, PunktfunkHostClient *out)
{
	PunktfunkHostClient own = { 0 };
	const struct pf_hello *h;
	struct pf_peer peer;

	if (!session || !writable(out))
		return PUNKTFUNK_EINVAL;
	h = pf_host_session_hello(session_of(session));
	pf_host_session_peer(session_of(session), &peer);
	own.width = h->width;
	own.height = h->height;
	own.refresh_hz = h->refresh_hz;
	own.bitrate_kbps = h->bitrate_kbps;
	own.video_codecs = h->video_codecs ? h->video_codecs : PF_CODEC_HEVC;
	own.preferred_codec = h->preferred_codec;
	own.video_caps = h->video_caps;
	own.client_caps = h->client_caps;
	own.audio_channels = h->audio_channels;
	own.compositor = h->compositor;
	own.gamepad = h->gamepad;
	own.has_certificate = peer.has_certificate;
	memcpy(own.fingerprint, peer.fingerprint, sizeof(own.fingerprint));
	snprintf(own.name, sizeof(own.name), "%s", h->name);
	snprintf(own.launch, sizeof(own.launch), "%s", h->launch);
	address_text(own.address, sizeof(own.address), &peer.addr);
	give(out, &own, sizeof(own));
	return PUNKTFUNK_OK;
}

static uint32_t either(uint32_t said, uint32_t asked)
{
	return said ? said : asked;
}

int32_t punktfunk_host_accept(PunktfunkHostSession *session, const PunktfunkAccept *accept)
{
	struct pf_accept a = { 0 };
	struct pf_welcome *w = &a.welcome;
	const struct pf_hello *h;
	PunktfunkAccept own;

	if (!session || !take(&own, sizeof(own), accept))
		return PUNKTFUNK_EINVAL;
	h = pf_host_session_hello(session_of(session));
	if (own.fec_percent > 90 && own.fec_percent != PUNKTFUNK_FEC_ADAPTIVE)
		return PUNKTFUNK_EINVAL;
	if (own.codec != PUNKTFUNK_CODEC_H264 && own.codec != PUNKTFUNK_CODEC_HEVC &&
		own.codec != PUNKTFUNK_CODEC_AV1)
		return PUNKTFUNK_EINVAL;
	if (!((h->video_codecs ? h->video_codecs : PF_CODEC_HEVC) & own.codec))
		return PUNKTFUNK_EINVAL;
	pf_welcome_init(w);
	w->width = either(own.width, h->width);
	w->height = either(own.height, h->height);
	w->refresh_hz = either(own.refresh_hz, h->refresh_hz);
	w->bitrate_kbps = either(own.bitrate_kbps, either(h->bitrate_kbps, DEFAULT_KBPS));
	w->codec = own.codec;
	if (own.bit_depth)
		w->bit_depth = own.bit_depth;
	if (own.chroma_format_idc)
		w->chroma_format_idc = own.chroma_format_idc;
	if (own.audio_channels)
		w->audio_channels = own.audio_channels;
	if (own.color_primaries || own.color_transfer || own.color_matrix) {
		w->primaries = own.color_primaries;
		w->transfer = own.color_transfer;
		w->matrix = own.color_matrix;
		w->full_range = own.color_full_range;
	}
	w->cipher = own.cipher;
	w->compositor = own.compositor;
	w->gamepad = own.gamepad;
	w->host_caps = own.host_caps;
	w->grants = either(own.grants, PF_GRANT_ALL) & PF_GRANT_ALL;
	w->expires_in_s = own.expires_in_s;
	a.fec_percent = own.fec_percent;
	if (own.speed_test_max_kbps != UINT32_MAX)
		a.probe_max_kbps = either(own.speed_test_max_kbps, UINT32_MAX);
	return sent(pf_host_session_accept(session_of(session), &a));
}

void punktfunk_host_close(PunktfunkHostSession *session, uint32_t close_code, const char *text)
{
	if (session)
		pf_host_session_close(session_of(session), close_code, text);
}

void punktfunk_host_release(PunktfunkHostSession *session)
{
	pf_host_session_unref(session_of(session));
}

/* ---- what goes to the client ---- */

int32_t punktfunk_host_push_video(PunktfunkHostSession *session, const PunktfunkAccessUnit *unit)
{
	struct pf_frame_stamps stamps;
	PunktfunkAccessUnit own;

	if (!session || !take(&own, sizeof(own), unit) || (own.size && !own.data))
		return PUNKTFUNK_EINVAL;
	if (!own.capture_ns)
		own.capture_ns = pf_clock_mono_ns();
	if (!own.encode_start_ns)
		own.encode_start_ns = own.capture_ns;
	if (!own.encode_end_ns)
		own.encode_end_ns = own.encode_start_ns;
	stamps = (struct pf_frame_stamps){ own.capture_ns, own.encode_start_ns, own.encode_end_ns };
	return sent(pf_host_session_submit(
		session_of(session), own.data, own.size, own.flags, &stamps));
}

uint32_t punktfunk_host_queued(const PunktfunkHostSession *session)
{
	return session ? pf_host_session_queued(session_of(session)) : 0;
}

int32_t punktfunk_host_push_audio(
	PunktfunkHostSession *session, const uint8_t *data, size_t size, uint64_t capture_ns)
{
	if (!session || (size && !data))
		return PUNKTFUNK_EINVAL;
	return sent(pf_host_session_audio(
		session_of(session), data, size, capture_ns ? capture_ns : pf_clock_mono_ns()));
}

int32_t punktfunk_host_push_feedback(
	PunktfunkHostSession *session, const PunktfunkFeedback *feedback)
{
	struct pf_dgram d = { 0 };
	PunktfunkFeedback own;

	if (!session || !take(&own, sizeof(own), feedback))
		return PUNKTFUNK_EINVAL;
	switch (own.kind) {
	case PUNKTFUNK_FEEDBACK_RUMBLE:
		if (own.pad >= PF_PADS_MAX)
			return PUNKTFUNK_EINVAL;
		d.tag = PF_DGRAM_RUMBLE;
		d.rumble.pad = own.pad;
		d.rumble.low = own.low;
		d.rumble.high = own.high;
		d.rumble.has_lease = true;
		d.rumble.seq = own.seq;
		d.rumble.ttl_ms = own.ttl_ms;
		d.rumble.left_trigger = own.left_trigger;
		d.rumble.right_trigger = own.right_trigger;
		break;
	case PUNKTFUNK_FEEDBACK_HID_OUTPUT:
		if (!own.data || !own.size)
			return PUNKTFUNK_EINVAL;
		d.tag = PF_DGRAM_HID_OUTPUT;
		d.raw.data = own.data;
		d.raw.len = own.size;
		break;
	default:
		return PUNKTFUNK_EINVAL;
	}
	return sent(pf_host_session_datagram(session_of(session), &d));
}

static int32_t send_control(PunktfunkHostSession *session, const struct pf_ctl *m)
{
	return sent(pf_host_session_control(session_of(session), m));
}

int32_t punktfunk_host_tell_mode(PunktfunkHostSession *session, uint32_t accepted, uint32_t width,
	uint32_t height, uint32_t refresh_hz)
{
	struct pf_ctl m = { .type = PF_CTL_RECONFIGURED };

	if (!session)
		return PUNKTFUNK_EINVAL;
	m.reconfigured.accepted = accepted != 0;
	m.reconfigured.mode = (struct pf_ctl_mode){ width, height, refresh_hz };
	return send_control(session, &m);
}

int32_t punktfunk_host_tell_bitrate(PunktfunkHostSession *session, uint32_t kbps)
{
	struct pf_ctl m = { .type = PF_CTL_BITRATE_CHANGED };

	if (!session || !kbps)
		return PUNKTFUNK_EINVAL;
	pf_host_session_set_bitrate(session_of(session), kbps);
	m.bitrate_changed.kbps = kbps;
	return send_control(session, &m);
}

int32_t punktfunk_host_tell_gap(PunktfunkHostSession *session, uint32_t gap_ms)
{
	const struct pf_ctl m = { .type = PF_CTL_PIPELINE_GAP, .gap_ms = gap_ms };

	return session ? send_control(session, &m) : PUNKTFUNK_EINVAL;
}

int32_t punktfunk_host_tell_access(
	PunktfunkHostSession *session, uint32_t grants, uint32_t remaining_s)
{
	const struct pf_ctl m = { .type = PF_CTL_ACCESS_UPDATE,
		.access = { grants & PF_GRANT_ALL, remaining_s } };

	return session ? send_control(session, &m) : PUNKTFUNK_EINVAL;
}

int32_t punktfunk_host_tell_cursor_shape(PunktfunkHostSession *session,
	const PunktfunkCursorShape *shape, const uint8_t *rgba, size_t size)
{
	struct pf_ctl m = { .type = PF_CTL_CURSOR_SHAPE };
	PunktfunkCursorShape own;

	if (!session || !rgba || !take(&own, sizeof(own), shape))
		return PUNKTFUNK_EINVAL;
	m.cursor_shape.serial = own.serial;
	m.cursor_shape.w = own.width;
	m.cursor_shape.h = own.height;
	m.cursor_shape.hot_x = own.hot_x;
	m.cursor_shape.hot_y = own.hot_y;
	m.cursor_shape.rgba = (struct pf_ctl_bytes){ rgba, size };
	return send_control(session, &m);
}

int32_t punktfunk_host_tell_cursor(
	PunktfunkHostSession *session, uint32_t serial, uint32_t flags, int32_t x, int32_t y)
{
	struct pf_dgram d = { .tag = PF_DGRAM_CURSOR_STATE };

	if (!session)
		return PUNKTFUNK_EINVAL;
	d.cursor.serial = serial;
	d.cursor.visible = flags & PUNKTFUNK_CURSOR_VISIBLE;
	d.cursor.relative = flags & PUNKTFUNK_CURSOR_RELATIVE;
	d.cursor.x = x;
	d.cursor.y = y;
	return sent(pf_host_session_datagram(session_of(session), &d));
}

int32_t punktfunk_host_tell_hdr(PunktfunkHostSession *session, const PunktfunkHdrMetadata *metadata)
{
	struct pf_dgram d = { .tag = PF_DGRAM_HDR_META };
	uint8_t raw[PF_HDR_META_BYTES];
	PunktfunkHdrMetadata own;
	struct pf_hdr_meta m;

	if (!session || !take(&own, sizeof(own), metadata))
		return PUNKTFUNK_EINVAL;
	memcpy(m.primaries, own.primaries, sizeof(m.primaries));
	memcpy(m.white, own.white, sizeof(m.white));
	m.max_luminance = own.max_luminance;
	m.min_luminance = own.min_luminance;
	m.max_cll = own.max_cll;
	m.max_fall = own.max_fall;
	pf_hdr_meta_write(&m, raw);
	d.raw.data = raw;
	d.raw.len = sizeof(raw);
	return sent(pf_host_session_datagram(session_of(session), &d));
}

int32_t punktfunk_host_ignored(PunktfunkHostSession *session, uint32_t index, PunktfunkIgnored *out)
{
	PunktfunkIgnored own;

	if (!session || !writable(out))
		return PUNKTFUNK_EINVAL;
	if (!pf_host_session_ignored(session_of(session), index, &own))
		return PUNKTFUNK_EAGAIN;
	give(out, &own, sizeof(own));
	return PUNKTFUNK_OK;
}

int32_t punktfunk_host_session_stats(PunktfunkHostSession *session, PunktfunkStats *out)
{
	PunktfunkStats own;

	if (!session || !writable(out))
		return PUNKTFUNK_EINVAL;
	pf_host_session_stats(session_of(session), &own);
	give(out, &own, sizeof(own));
	return PUNKTFUNK_OK;
}
