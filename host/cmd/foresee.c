/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/cmd/foresee.h"
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "core/net/udp.h"
#include "host/encode/encode.h"
#include "host/sys/listen.h"
#include "pf_config.h"

const struct pf_display_ops *pf_choose_display(const struct pf_config *c, char *said, size_t cap)
{
	const struct pf_display_ops *const *list = pf_display_backends();
	const struct pf_display_params p = {
		.mode = { 1280, 720, 60000 },
		.session_socket = *c->session_socket ? c->session_socket : NULL,
		.xwayland = c->xwayland,
	};
	const struct pf_display_ops *one;
	struct pf_reason why = { 0 };
	char name[32];
	size_t len;

	pf_config_format(c, pf_config_find("display_backend"), name, sizeof(name));
	if (c->display_backend != PF_CONFIG_DISPLAY_AUTO) {
		one = pf_display_find(name);
		if (!one)
			snprintf(said, cap, "this build has no display backend \"%s\"", name);
		else if (!one->probe(&p, &why))
			return one;
		else
			snprintf(said, cap, "display backend %s: %s", name, why.text);
		return NULL;
	}
	len = (size_t)snprintf(said, cap, "no display can be made here:");
	for (unsigned i = 0; list[i]; i++) {
		/* Pictures of no desktop are for those who ask for them. */
		if (!strcmp(list[i]->name, "null") || !strcmp(list[i]->name, "pattern"))
			continue;
		if (!list[i]->probe(&p, &why))
			return list[i];
		if (len < cap)
			len += (size_t)snprintf(
				said + len, cap - len, "\n  %s: %s", list[i]->name, why.text);
	}
	if (!list[0] && len < cap)
		snprintf(said + len, cap - len, " this build has no backend");
	return NULL;
}

/* Whether a port that no part of us has could be opened. */
static int try_port(
	const struct pf_config *c, bool tcp, unsigned port, const char *key, struct pf_reason *why)
{
	uint16_t any = (uint16_t)port;
	int fd = -1, r;

	r = tcp ? pf_tcp_listen(c->bind_address, &any, 1, &fd)
		: pf_udp_open(c->bind_address, (uint16_t)port, &fd);
	if (!r) {
		close(fd);
		return 0;
	}
	return pf_reason_set(why, -EINVAL, "%s: %s port %u cannot be opened: %s", key,
		tcp ? "TCP" : "UDP", port, strerror(-r));
}

/* Of the Moonlight clients, as seen from the base port. */
static const struct {
	bool tcp;
	int offset;
} moonlight[] = { { true, -5 }, { true, 0 }, { true, 21 }, { false, 9 }, { false, 10 },
	{ false, 11 } };
#define MOONLIGHT_PORTS (sizeof(moonlight) / sizeof(moonlight[0]))

static bool is_ours(const struct pf_config *now, bool tcp, unsigned port)
{
	if (tcp ? now->mgmt && now->mgmt_port == port : now->port == port)
		return true;
	for (size_t i = 0; i < MOONLIGHT_PORTS && now->gamestream && now->gamestream_port; i++)
		if (moonlight[i].tcp == tcp &&
			(unsigned)((int)now->gamestream_port + moonlight[i].offset) == port)
			return true;
	return false;
}

static int try_moonlight(const struct pf_config *now, const struct pf_config *before,
	const struct pf_config *next, struct pf_reason *why)
{
	const char *key = before->gamestream ? "gamestream_port" : "gamestream";
	struct in_addr v4;
	int r = 0;

	if (!PF_HAVE_GAMESTREAM)
		return pf_reason_set(why, -EINVAL,
			"gamestream: this build has no GameStream: build it with libmicrohttpd and "
			"libenet");
	if (inet_pton(AF_INET, next->bind_address, &v4) != 1)
		return pf_reason_set(why, -EINVAL,
			"gamestream needs an IPv4 bind_address, and this is %.60s",
			next->bind_address);
	if (next->gamestream_port && next->gamestream_port < 6)
		return pf_reason_set(why, -EINVAL,
			"gamestream_port: 0 or at least 6, as ports below it are "
			"used, too");
	for (size_t i = 0; i < MOONLIGHT_PORTS && next->gamestream_port && !r; i++) {
		unsigned port = (unsigned)((int)next->gamestream_port + moonlight[i].offset);

		if (!is_ours(now, moonlight[i].tcp, port))
			r = try_port(next, moonlight[i].tcp, port, key, why);
		else if (moonlight[i].tcp ? next->mgmt && next->mgmt_port == port
					  : next->port == port)
			r = pf_reason_set(
				why, -EINVAL, "%s: port %u is the host's own already", key, port);
	}
	return r;
}

static bool encoders_differ(const struct pf_config *a, const struct pf_config *b)
{
	return strcmp(a->encoder, b->encoder) || a->software_codecs != b->software_codecs;
}

bool pf_foresee_is_slow(const struct pf_config *before, const struct pf_config *next)
{
	return next->display_backend != before->display_backend || encoders_differ(before, next);
}

int pf_foresee_start(const struct pf_config *now, const struct pf_config *before,
	const struct pf_config *next, struct pf_reason *why)
{
	struct pf_encoders encoders;
	struct pf_reason one = { 0 };
	char said[512];
	int r = 0;

	if (next->port && next->port != before->port && !is_ours(now, false, next->port))
		r = try_port(next, false, next->port, "port", why);
	if (!r && next->data_port && next->data_port != before->data_port &&
		!is_ours(now, false, next->data_port))
		r = try_port(next, false, next->data_port, "data_port", why);
	if (!r && next->data_port && next->data_port == next->port)
		r = pf_reason_set(why, -EINVAL, "data_port and port cannot be the same");
	if (!r && next->gamestream &&
		(!before->gamestream || next->gamestream_port != before->gamestream_port))
		r = try_moonlight(now, before, next, why);
	if (r)
		return r;
	if (next->display_backend != before->display_backend &&
		!pf_choose_display(next, said, sizeof(said)))
		return pf_reason_set(why, -EINVAL, "display_backend: %.230s", said);
	if (encoders_differ(before, next) &&
		pf_encoders_find(&encoders, next->encoder, next->software_codecs, &one))
		return pf_reason_set(why, -EINVAL, "%s: %.200s",
			strcmp(next->encoder, before->encoder) ? "encoder" : "software_codecs",
			one.text);
	return 0;
}
