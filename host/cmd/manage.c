/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/cmd/manage.h"
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/crypto/secret.h"
#include "host/cmd/cmd.h"
#include "host/display/survey.h"
#include "host/doctor/diagnostics.h"
#include "host/gamestream/routes.h"
#include "host/mgmt/endpoint.h"
#include "host/mgmt/password.h"
#include "host/mgmt/events.h"
#include "host/pads/pads.h"
#include "host/sys/files.h"

struct pf_manage {
	struct pf_manage_params p;
	struct pf_mgmt *mgmt;
	struct pf_display_survey *displays;
	struct pf_diagnostics *diagnostics;
};

/* ---- hooks ---- */

static json_t *mode_text(const struct pf_mode *m)
{
	return json_sprintf("%ux%u@%g", m->width, m->height, (double)m->refresh_mhz / 1000);
}

static void add_moonlight(void *user, const struct pf_gs_session_report *s)
{
	uint64_t end_ns = s->live ? pf_clock_mono_ns() : s->ended_ns;
	uint64_t launch_ns = s->timeline.ns[PF_MARK_BEGIN];
	json_t *o = json_pack("{s:s, s:I, s:b, s:s, s:s, s:s, s:s, s:s, s:s}", "plane",
		"gamestream", "id", (json_int_t)s->id, "live", s->live, "client", s->client, "name",
		s->name, "app", s->app, "codec", s->codec, "encoder", s->encoder, "desk", s->desk);
	const struct {
		const char *key;
		uint64_t value;
	} rows[] = {
		{ "bitrate_kbps", s->bitrate_kbps },
		{ "target_kbps", s->target_kbps },
		{ "frames_sent", s->frames_sent },
		{ "frames_dropped", s->frames_dropped },
		{ "idrs", s->idrs },
		{ "packets", s->packets },
		{ "packets_parity", s->packets_parity },
		{ "packet_bytes", s->bytes },
		{ "audio_packets", s->audio_packets },
		{ "input_events", s->input_events },
		{ "input_denied", s->input_denied },
		{ "control_dropped", s->control_dropped },
		{ "rtt_ms", s->rtt_ms },
	};

	json_object_set_new(o, "start_ms", pf_report_timeline(&s->timeline));
	json_object_set_new(o, "encoder_kept", json_boolean(s->encoder_kept));
	json_object_set_new(
		o, "limit_kbps", s->limit_kbps ? json_integer(s->limit_kbps) : json_null());
	json_object_set_new(
		o, "mode", mode_text(&(struct pf_mode){ s->width, s->height, s->refresh_mhz }));
	json_object_set_new(o, "seconds",
		json_real(end_ns > launch_ns ? (double)(end_ns - launch_ns) / 1e9 : 0));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		json_object_set_new(o, rows[i].key, json_integer((json_int_t)rows[i].value));
	json_object_set_new(o, "sender", pf_report_sender(&s->sender));
	json_array_append_new(user, o);
}

static json_t *moonlight_totals(const struct pf_gamestream *g)
{
	struct pf_gamestream_totals t;

	pf_gamestream_totals(g, &t);
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "bad_pings", (json_int_t)t.bad_pings,
		"bad_rtsp", (json_int_t)t.bad_rtsp, "refused_connects",
		(json_int_t)t.refused_connects, "oversized_messages",
		(json_int_t)t.oversized_messages, "moves", (json_int_t)t.moves);
}

static void add_status(void *user, json_t *status)
{
	struct pf_manage *m = user;
	json_t *notices = json_array();
	struct pf_reason pads = { 0 };
	struct pf_desk_spare spare;

	if (pf_report_fill(m->p.report, m->p.native, false, status))
		pf_log(PF_LOG_DEBUG, "mgmt", "out of memory for the status");
	pf_desks_spare(m->p.desks, &spare);
	if (spare.wanted)
		json_object_set_new(status, "spare_desk",
			json_pack("{s:b, s:o, s:I}", "ready", spare.ready, "mode",
				mode_text(&spare.mode), "memory_kib",
				(json_int_t)spare.memory_kib));
	if (m->p.gamestream) {
		json_object_set_new(status, "gamestream_port",
			json_integer(pf_gamestream_port(m->p.gamestream)));
		json_object_set_new(status, "gamestream", moonlight_totals(m->p.gamestream));
		pf_gamestream_each(
			m->p.gamestream, add_moonlight, json_object_get(status, "sessions"));
		json_array_append_new(notices,
			json_string("GameStream is on: its pairing and encryption are weaker than "
				    "punktfunk/1, use it in trusted networks"));
		if (pf_pads_can(&pads) != (PF_PADS_CAN_UINPUT | PF_PADS_CAN_UHID))
			json_array_append_new(
				notices, json_sprintf("not every kind of gamepad: %s", pads.text));
	}
	if (m->p.config->trust_on_first_use)
		json_array_append_new(notices,
			json_string("trust_on_first_use is on: who reaches the port controls a "
				    "desktop"));
	json_object_set_new(status, "notices", notices);
}

struct each {
	void (*fn)(void *user, const struct pf_mgmt_pair *pair);
	void *user;
	uint64_t now_ns;
};

static void pass_pending(void *user, const struct pf_gs_pair_pending *p)
{
	const struct each *e = user;
	struct pf_mgmt_pair pair = { .id = p->id,
		.plane = PF_PLANE_GAMESTREAM,
		.has_pin = p->has_pin,
		.age_s = (uint32_t)((e->now_ns - p->since_ns) / PF_NS_PER_S) };

	snprintf(pair.address, sizeof(pair.address), "%s", p->peer);
	snprintf(pair.name, sizeof(pair.name), "%s", p->name);
	memcpy(pair.fingerprint, p->fingerprint, sizeof(pair.fingerprint));
	e->fn(e->user, &pair);
}

static void each_pair(
	void *user, void (*fn)(void *fn_user, const struct pf_mgmt_pair *pair), void *fn_user)
{
	struct pf_manage *m = user;
	struct each e = { fn, fn_user, pf_clock_mono_ns() };

	pf_gs_routes_pending(pf_gamestream_routes(m->p.gamestream), pass_pending, &e);
}

static int take_pin(void *user, uint32_t id, const char *pin, struct pf_reason *why)
{
	struct pf_manage *m = user;

	return pf_gs_routes_pin(pf_gamestream_routes(m->p.gamestream), id, pin, why);
}

static int arm(void *user, const struct pf_arming *a, uint32_t ttl_s)
{
	struct pf_manage *m = user;

	return pf_native_arm(m->p.native, a, ttl_s);
}

static void disarm(void *user)
{
	struct pf_manage *m = user;

	pf_native_disarm(m->p.native);
}

static void pairing(void *user, struct pf_native_pairing *out)
{
	struct pf_manage *m = user;

	pf_native_pairing(m->p.native, out);
}

static void each_knock(
	void *user, void (*fn)(void *fn_user, const struct pf_knock *k), void *fn_user)
{
	struct pf_manage *m = user;

	pf_native_each_knock(m->p.native, fn, fn_user);
}

static int approve(void *user, uint32_t id, const char *name, uint32_t grants, int64_t expires_s,
	struct pf_client *out, struct pf_reason *why)
{
	struct pf_manage *m = user;

	return pf_native_approve(m->p.native, id, name, grants, expires_s, out, why);
}

static int deny(void *user, uint32_t id, struct pf_reason *why)
{
	struct pf_manage *m = user;

	return pf_native_deny(m->p.native, id, why);
}

/* ---- life ---- */

/* Where this machine's command line reaches a port bound to `address`. */
static const char *reach(const char *address)
{
	if (!strcmp(address, "0.0.0.0"))
		return "127.0.0.1";
	return strcmp(address, "::") ? address : "::1";
}

static int open_api(struct pf_manage *m, struct pf_reason *why)
{
	const struct pf_manage_params *p = &m->p;
	char token[PF_MGMT_TOKEN_BYTES], password[PF_PATH_BYTES + 32];
	struct pf_mgmt_params mp = { .loop = p->loop,
		.bind_address = p->config->mgmt_bind,
		.port = (uint16_t)p->config->mgmt_port,
		.identity = p->identity,
		.token = token,
		.password_path = password,
		.allowed_path = p->allowed_path,
		.clients = p->clients,
		.apps = p->apps,
		.workers = p->workers,
		.config = p->config,
		.settings = p->settings,
		.desks = p->desks,
		.native = p->native,
		.gamestream = p->gamestream,
		.logbook = p->logbook,
		.state_dir = p->state_dir,
		.hostname = p->hostname,
		.user = p->user,
		.host_id = p->host_id,
		.encoders = p->encoders,
		.displays = m->displays,
		.diagnostics = m->diagnostics,
		.hooks = { .status = add_status,
			.pair_each = p->gamestream ? each_pair : NULL,
			.pair_pin = p->gamestream ? take_pin : NULL,
			.arm = arm,
			.disarm = disarm,
			.pairing = pairing,
			.knock_each = each_knock,
			.approve = approve,
			.deny = deny,
			.user = m } };
	int r = pf_mgmt_token_open(token, p->state_dir, why);

	if (r)
		return r;
	snprintf(password, sizeof(password), "%s/" PF_MGMT_PASSWORD_FILE, p->state_dir);
	r = pf_mgmt_create(&m->mgmt, &mp, why);
	pf_secret_wipe(token, sizeof(token));
	return r;
}

static void diagnostics_changed(void *user)
{
	pf_manage_event(user, "diagnostics.changed");
}

int pf_manage_start(
	struct pf_manage **out, const struct pf_manage_params *params, struct pf_reason *why)
{
	struct pf_mgmt_endpoint e = { .pid = getpid() };
	struct pf_manage *m;
	int r;

	*out = NULL;
	if (!params->config->mgmt)
		return PF_EXIT_OK;
	m = calloc(1, sizeof(*m));
	if (!m) {
		(void)pf_reason_set(why, -ENOMEM, "out of memory");
		return PF_EXIT_FAILURE;
	}
	m->p = *params;
	if (pf_display_survey_create(&m->displays, params->workers, params->config) ||
		pf_diagnostics_create(&m->diagnostics,
			&(struct pf_diagnostics_params){ .workers = params->workers,
				.config = params->config,
				.changed = diagnostics_changed,
				.user = m })) {
		(void)pf_reason_set(why, -ENOMEM, "out of memory");
		pf_manage_destroy(m);
		return PF_EXIT_FAILURE;
	}
	r = open_api(m, why);
	if (r) {
		bool port = r == -EADDRINUSE || r == -EACCES || r == -EADDRNOTAVAIL || r == -EINVAL;

		pf_manage_destroy(m);
		if (r != -ENOSYS)
			return port ? PF_EXIT_PORT : PF_EXIT_STATE;
		pf_log(PF_LOG_INFO, "serve", "%s", why->text);
		return PF_EXIT_OK;
	}
	snprintf(e.address, sizeof(e.address), "%.63s", reach(params->config->mgmt_bind));
	snprintf(e.bind, sizeof(e.bind), "%.63s", params->config->mgmt_bind);
	e.port = pf_mgmt_port(m->mgmt);
	pf_identity_fingerprint(params->identity, e.fingerprint);
	if (pf_mgmt_endpoint_write(params->state_dir, &e, why)) {
		pf_manage_destroy(m);
		return PF_EXIT_STATE;
	}
	*out = m;
	return PF_EXIT_OK;
}

uint16_t pf_manage_port(const struct pf_manage *m)
{
	return m ? pf_mgmt_port(m->mgmt) : 0;
}

void pf_manage_event(struct pf_manage *m, const char *name)
{
	if (m)
		pf_mgmt_event(m->mgmt, name, NULL);
}

void pf_manage_stop(struct pf_manage *m)
{
	if (!m || !m->mgmt)
		return;
	pf_diagnostics_stop(m->diagnostics);
	pf_mgmt_endpoint_remove(m->p.state_dir);
	pf_mgmt_stop(m->mgmt);
}

void pf_manage_destroy(struct pf_manage *m)
{
	if (!m)
		return;
	pf_manage_stop(m);
	pf_mgmt_destroy(m->mgmt);
	pf_display_survey_destroy(m->displays);
	pf_diagnostics_destroy(m->diagnostics);
	free(m);
}
