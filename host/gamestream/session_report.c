/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A session in figures. */
#include <stdatomic.h>
#include <stdio.h>
#include "host/gamestream/session.h"
#include "host/registry/access.h"

const char *pf_gs_codec_name(enum pf_gs_codec codec)
{
	static const char *const names[] = { "H.264", "HEVC", "AV1" };

	return names[codec];
}

void pf_gs_session_report(struct pf_gs_session *s, struct pf_gs_session_report *out)
{
	struct pf_stream_stats stream = { 0 };
	struct pf_gs_audio_stats sound = { 0 };
	struct pf_sender_stats st = { 0 };

	if (s->stream)
		pf_stream_stats(s->stream, &stream);
	if (s->sound)
		pf_gs_audio_get_stats(s->sound, &sound);
	if (s->sender)
		pf_sender_stats(s->sender, &st);
	*out = (struct pf_gs_session_report){
		.meters = s->stream && !s->ending ? pf_stream_meters(s->stream) : NULL,
		.sent = &s->sent,
		.id = s->id,
		.live = !s->ending,
		.width = s->want_mode.width,
		.height = s->want_mode.height,
		.refresh_mhz = s->want_mode.refresh_mhz,
		.bitrate_kbps = s->encoder_kbps,
		.target_kbps = stream.bitrate_kbps,
		.limit_kbps = s->limit_kbps,
		.timeline = s->timeline,
		.ended_ns = s->ended_ns,
		.input_events = s->input.events,
		.input_denied = s->input.denied,
		.control_dropped = s->control_dropped,
		.frames_sent = st.sent,
		.frames_dropped = st.dropped,
		.packets = st.packets,
		.packets_parity = st.packets_parity,
		.bytes = st.bytes,
		.idrs = stream.idrs,
		.encoder_kept = stream.encoder_kept,
		.audio_packets = sound.packets,
		.sender = st,
		.rtt_ms = s->link ? pf_gs_link_rtt_ms(s->link) : 0,
	};
	pf_mark_at(&out->timeline, PF_MARK_SENT_SOUND, sound.first_ns);
	pf_access_format(s->launch.fingerprint, out->client);
	snprintf(out->name, sizeof(out->name), "%s", s->client_name);
	snprintf(out->app, sizeof(out->app), "%s", s->app ? s->app->title : "");
	snprintf(out->encoder, sizeof(out->encoder), "%s", stream.encoder);
	snprintf(out->codec, sizeof(out->codec), "%s", pf_gs_codec_name(s->announce.codec));
	snprintf(out->desk, sizeof(out->desk), "%s", s->desk_name);
	snprintf(out->close_text, sizeof(out->close_text), "%s", s->close_text);
}
