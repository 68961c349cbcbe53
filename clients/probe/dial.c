/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "clients/probe/dial.h"
#include <stdio.h>

int pf_probe_exit_of(int32_t code)
{
	switch (code) {
	case PUNKTFUNK_ETIMEDOUT:
	case PUNKTFUNK_ECONNREFUSED:
	case PUNKTFUNK_EHOSTUNREACH:
	case PUNKTFUNK_EIO:
		return PF_PROBE_UNREACHABLE;
	case PUNKTFUNK_EACCES:
	case PUNKTFUNK_EBUSY:
	case PUNKTFUNK_EPIPE:
		return PF_PROBE_REFUSED;
	case PUNKTFUNK_EINVAL:
		return PF_PROBE_USAGE;
	case PUNKTFUNK_ENOMEM:
		return PF_PROBE_LOCAL;
	default:
		return PF_PROBE_BROKEN;
	}
}

int pf_probe_identity(const struct pf_probe_options *o, PunktfunkIdentity **out)
{
	PunktfunkReason why = { .struct_size = sizeof(why) };
	int r = punktfunk_identity_open(o->identity, out, &why);

	if (!r)
		return PF_PROBE_OK;
	fprintf(stderr, "punktfunk-probe: %s\n", why.text[0] ? why.text : punktfunk_strerror(r));
	return PF_PROBE_LOCAL;
}

int pf_probe_dial(const struct pf_probe_options *o, const PunktfunkIdentity *identity,
	PunktfunkConnection **out, PunktfunkConnectionInfo *info)
{
	const PunktfunkConnectOptions c = { .struct_size = sizeof(c),
		.port = o->port,
		.host = o->host,
		.identity = identity,
		.host_fingerprint = o->pinned ? o->fingerprint : NULL,
		.name = o->name,
		.launch = o->launch,
		.width = o->width,
		.height = o->height,
		.refresh_hz = o->refresh_hz,
		.bitrate_kbps = o->bitrate_kbps,
		.video_codecs = o->codec,
		.preferred_codec = o->codec,
		.audio_channels = o->channels,
		.timeout_ms = (uint32_t)(o->timeout * 1000),
		.flags = (o->skip_held ? PUNKTFUNK_CONNECT_SKIP_HELD : 0) |
			 (o->even_out ? PUNKTFUNK_CONNECT_EVEN_OUT : 0) |
			 (o->no_audio_copies ? PUNKTFUNK_CONNECT_NO_AUDIO_COPIES : 0) };
	PunktfunkReason why = { .struct_size = sizeof(why) };
	int r = punktfunk_connect(&c, out, &why);

	if (r) {
		if (why.text[0])
			fprintf(stderr, "punktfunk-probe: %s\n", why.text);
		else
			fprintf(stderr, "punktfunk-probe: %s: %s\n", o->host,
				punktfunk_strerror(r));
		return pf_probe_exit_of(r);
	}
	info->struct_size = sizeof(*info);
	punktfunk_connection_info(*out, info);
	if (o->trust_first && !o->quiet && !o->json) {
		fputs("host fingerprint ", stdout);
		for (unsigned i = 0; i < 32; i++)
			printf("%02x", info->host_fingerprint[i]);
		puts("");
	}
	return PF_PROBE_OK;
}
