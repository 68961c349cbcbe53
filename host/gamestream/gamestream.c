/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/gamestream/gamestream.h"
#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/crypto/secret.h"
#include "host/gamestream/session.h"
#include "host/registry/clients.h"

/* The most that max_sessions can say. */
#define MAX_SESSIONS 64u
#define BASE_TRIES   64u /* with gamestream_port = 0 */
/* So long may the last message to a client take at the end, lost and sent again. */
#define FAREWELL_NS	 PF_NS_PER_S
#define FAREWELL_LOOK_NS (5 * PF_NS_PER_MS)

/* ---- pings ---- */

static struct pf_gs_session *find_ping(struct pf_gamestream *g, const struct pf_gs_ping *ping)
{
	struct pf_gs_session *found = NULL;

	/* All are compared, so that time tells nothing of which one is near. */
	for (struct pf_gs_session *s = g->sessions; s; s = s->next)
		if (pf_secret_equal(s->ping_id, ping->id, PF_GS_PING_ID_BYTES) && !s->ending)
			found = s;
	g->bad_pings += !found;
	return found;
}

static void on_video_ping(void *user, const struct pf_gs_ping *ping, const struct pf_gs_path *path)
{
	struct pf_gs_session *s = find_ping(user, ping);

	if (s)
		pf_gs_session_video_ping(s, ping->counter, path);
}

static void on_audio_ping(void *user, const struct pf_gs_ping *ping, const struct pf_gs_path *path)
{
	struct pf_gs_session *s = find_ping(user, ping);

	if (s)
		pf_gs_session_audio_ping(s, ping->counter, path);
}

/* ---- control ---- */

static void *wanted(void *user, uint32_t connect_data)
{
	struct pf_gamestream *g = user;

	for (struct pf_gs_session *s = g->sessions; s; s = s->next)
		if (s->connect_data == connect_data && s->announced && !s->connected &&
			(!s->ending || s->last_words))
			return s;
	return NULL;
}

static bool on_message(
	void *user, void *session, struct pf_gs_link *link, const uint8_t *data, size_t len)
{
	return pf_gs_session_message(session, link, data, len);
}

static bool on_moved(
	void *user, void *session, const struct pf_gs_link *link, const uint8_t *data, size_t len)
{
	return pf_gs_session_moved(session, link, data, len);
}

static void on_gone(void *user, void *session, struct pf_gs_link *link)
{
	pf_gs_session_gone(session, link);
}

static const struct pf_gs_control_events control_events = {
	.wanted = wanted,
	.message = on_message,
	.moved = on_moved,
	.gone = on_gone,
};

/* ---- HTTP ---- */

static uint32_t running(void *user, const uint8_t fingerprint[32])
{
	const struct pf_app *app = pf_gs_running_find(user, fingerprint);

	return app ? app->id : 0;
}

static void launch(void *user, const struct pf_gs_launch *l, struct pf_gs_request *r)
{
	pf_gs_session_launch(user, l, r);
}

/* Ends what a client has here, desk and programs included. */
static void end_client(struct pf_gamestream *g, const uint8_t fingerprint[32], const char *text)
{
	for (struct pf_gs_session *s = g->sessions; s; s = s->next) {
		if (memcmp(s->launch.fingerprint, fingerprint, 32))
			continue;
		s->drop_desk = true;
		pf_gs_session_end(s, PF_GS_TERM_NORMAL, text);
	}
	(void)pf_desks_end(g->params.desks, fingerprint);
	(void)pf_gs_running_set(g, fingerprint, NULL);
}

static void cancel(void *user, const uint8_t fingerprint[32], struct pf_gs_request *r)
{
	end_client(user, fingerprint, "the client quit the app");
	pf_gs_answer_cancel(r, 200, NULL);
}

static const struct pf_gs_session_ops session_ops = {
	.running = running,
	.launch = launch,
	.cancel = cancel,
};

static void on_client_change(
	struct pf_clients_watch *w, enum pf_client_change change, const struct pf_client *client)
{
	struct pf_gamestream *g =
		(struct pf_gamestream *)((char *)w - offsetof(struct pf_gamestream, watch));

	if (client->plane != PF_PLANE_GAMESTREAM)
		return;
	/* Removed, or past its expiry now. */
	if (!pf_clients_find(g->params.clients, PF_PLANE_GAMESTREAM, client->fingerprint)) {
		end_client(g, client->fingerprint,
			change == PF_CLIENT_EXPIRED ? "its access has run out"
						    : "access was taken away");
		return;
	}
	for (struct pf_gs_session *s = g->sessions; s; s = s->next)
		if (!memcmp(s->launch.fingerprint, client->fingerprint, 32))
			pf_gs_session_set_grants(s, client->grants);
}

/* ---- life ---- */

/* By codec and pf_encoder_shape; H.264 of 10 bits has no place in the mask. */
static const uint32_t mode_bits[3][PF_SHAPES] = {
	{ PF_GS_MODE_H264, PF_GS_MODE_H264_444 },
	{ PF_GS_MODE_HEVC, PF_GS_MODE_HEVC_444, PF_GS_MODE_HEVC_10, PF_GS_MODE_HEVC_10_444 },
	{ PF_GS_MODE_AV1, PF_GS_MODE_AV1_444, PF_GS_MODE_AV1_10, PF_GS_MODE_AV1_10_444 },
};

uint32_t pf_gs_mode_of(enum pf_gs_codec codec, enum pf_encoder_shape shape)
{
	return mode_bits[codec][shape];
}

static uint32_t modes_of(const struct pf_encoders *e)
{
	uint32_t mask = 0;

	for (unsigned i = 0; i < 3; i++)
		for (unsigned shape = 0; shape < PF_SHAPES; shape++)
			if (e->shapes[i] & 1u << shape)
				mask |= mode_bits[i][shape];
	return mask;
}

/* All ports but the control one. */
static void close_media_and_rtsp(struct pf_gamestream *g)
{
	pf_gs_routes_destroy(g->routes);
	pf_gs_rtsp_server_close(g->rtsp);
	pf_gs_port_close(g->video);
	pf_gs_port_close(g->audio);
	g->routes = NULL;
	g->rtsp = NULL;
	g->video = g->audio = NULL;
}

static void close_ports(struct pf_gamestream *g)
{
	close_media_and_rtsp(g);
	pf_gs_control_close(g->control);
	g->control = NULL;
}

static int open_ports(struct pf_gamestream *g, uint16_t base, struct pf_reason *why)
{
	const struct pf_gamestream_params *p = &g->params;
	const char *address = p->config->bind_address;
	const struct pf_gs_routes_params rp = {
		.loop = p->loop,
		.workers = p->workers,
		.bind_address = address,
		.port = base,
		.identity = p->identity,
		.clients = p->clients,
		.apps = p->apps,
		.hostname = p->hostname,
		.unique_id = p->unique_id,
		.codec_modes = g->modes,
		.allow_plain_rtsp = p->config->gamestream_plain_rtsp,
		.session = &session_ops,
		.user = g,
	};
	int r;

	g->base = base;
	r = pf_gs_port_open(
		&g->video, p->loop, address, base + PF_GS_VIDEO_OFFSET, on_video_ping, g, why);
	if (!r)
		r = pf_gs_port_open(&g->audio, p->loop, address, base + PF_GS_AUDIO_OFFSET,
			on_audio_ping, g, why);
	if (!r)
		r = pf_gs_control_open(&g->control, p->loop, address, base + PF_GS_CONTROL_OFFSET,
			MAX_SESSIONS, &control_events, g, why);
	if (!r)
		r = pf_gs_rtsp_server_open(&g->rtsp, p->loop, address, base + PF_GS_RTSP_OFFSET,
			&pf_gs_rtsp_handlers, g, why);
	if (!r)
		r = pf_gs_routes_create(&g->routes, &rp, why);
	if (r)
		close_ports(g);
	return r;
}

/* For tests: a base whose ports are all free. */
static int open_anywhere(struct pf_gamestream *g, struct pf_reason *why)
{
	int r = -EADDRINUSE;

	for (unsigned i = 0; i < BASE_TRIES && r == -EADDRINUSE; i++) {
		uint16_t at;

		if (pf_random_bytes(&at, sizeof(at)))
			return pf_reason_set(why, -EIO, "no random bytes");
		/* Below the ports that the kernel hands out by itself. */
		r = open_ports(g, (uint16_t)(10000 + at % 20000), why);
	}
	return r;
}

int pf_gamestream_create(struct pf_gamestream **out, const struct pf_gamestream_params *params,
	struct pf_reason *why)
{
	const uint32_t port = params->config->gamestream_port;
	struct pf_reason pads = { 0 };
	struct pf_gamestream *g;
	int r;

	if (!params->encoders.by_codec[0])
		return pf_reason_set(why, -ENODEV,
			"GameStream needs an H.264 encoder, and none works here; see "
			"`punktfunk-host encoders`");
	if (port && (port < PF_GS_BASE_MIN || port > PF_GS_BASE_MAX))
		return pf_reason_set(why, -EINVAL, "gamestream_port %u is not in %u..%u", port,
			PF_GS_BASE_MIN, PF_GS_BASE_MAX);
	g = calloc(1, sizeof(*g));
	if (!g)
		return pf_reason_set(why, -ENOMEM, "out of memory");
	g->params = *params;
	g->modes = modes_of(&params->encoders);
	r = port ? open_ports(g, (uint16_t)port, why) : open_anywhere(g, why);
	if (r) {
		free(g);
		return r;
	}
	if (pf_pads_can(&pads) != (PF_PADS_CAN_UINPUT | PF_PADS_CAN_UHID))
		pf_log(PF_LOG_WARN, "gamestream", "clients get not every kind of gamepad: %s",
			pads.text);
	g->watch.changed = on_client_change;
	pf_clients_watch(params->clients, &g->watch);
	*out = g;
	return 0;
}

uint16_t pf_gamestream_port(const struct pf_gamestream *g)
{
	return g->base;
}

struct pf_gs_routes *pf_gamestream_routes(struct pf_gamestream *g)
{
	return g->routes;
}

unsigned pf_gamestream_count(const struct pf_gamestream *g)
{
	unsigned count = 0;

	for (const struct pf_gs_session *s = g->sessions; s; s = s->next)
		count += !s->ending;
	return count;
}

void pf_gamestream_totals(const struct pf_gamestream *g, struct pf_gamestream_totals *out)
{
	struct pf_gs_control_stats st = { 0 };

	if (g->control)
		pf_gs_control_stats(g->control, &st);
	*out = (struct pf_gamestream_totals){
		.bad_pings = g->bad_pings,
		.bad_rtsp = g->bad_rtsp,
		.refused_connects = st.refused_connects,
		.oversized_messages = st.oversized,
		.moves = st.moves,
	};
}

void pf_gamestream_each(struct pf_gamestream *g,
	void (*fn)(void *user, const struct pf_gs_session_report *r), void *user)
{
	struct pf_gs_session_report r;

	for (struct pf_gs_session *s = g->sessions; s; s = s->next) {
		if (s->finished)
			continue;
		pf_gs_session_report(s, &r);
		fn(user, &r);
	}
}

/* Clients show what the last message says, so it is worth a moment. */
static void on_farewell(void *user)
{
	struct pf_gamestream *g = user;

	pf_timer_stop(&g->farewell);
	if (g->control && !pf_gs_control_is_done(g->control) &&
		pf_clock_mono_ns() - g->shut_ns < FAREWELL_NS &&
		!pf_timer_start(&g->farewell, g->params.loop, FAREWELL_LOOK_NS, on_farewell, g))
		return;
	pf_gs_control_close(g->control);
	g->control = NULL;
	g->shut = true;
	if (!g->sessions)
		g->shutdown_done(g->shutdown_user);
}

void pf_gamestream_end_sessions(struct pf_gamestream *g, const char *words)
{
	for (struct pf_gs_session *s = g->sessions; s; s = s->next)
		pf_gs_session_end(s, PF_GS_TERM_NORMAL, words);
}

void pf_gamestream_shutdown(struct pf_gamestream *g, void (*done)(void *user), void *user)
{
	g->shutdown_done = done;
	g->shutdown_user = user;
	g->shut_ns = pf_clock_mono_ns();
	pf_clients_unwatch(g->params.clients, &g->watch);
	pf_gamestream_end_sessions(g, "the host is shutting down");
	close_media_and_rtsp(g);
	if (pf_timer_start(&g->farewell, g->params.loop, 0, on_farewell, g))
		on_farewell(g);
}

void pf_gamestream_destroy(struct pf_gamestream *g)
{
	if (!g)
		return;
	assert(!g->sessions);
	pf_timer_stop(&g->farewell);
	close_ports(g);
	while (g->running)
		(void)pf_gs_running_set(g, g->running->fingerprint, NULL);
	free(g);
}
