/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* api_host.c - the operations that tell what the host is and does. */
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include "core/base/utf8.h"
#include "host/desk/desk.h"
#include "host/encode/encode.h"
#include "host/gamestream/gamestream.h"
#include "host/mgmt/api_impl.h"
#include "host/mgmt/feed.h"
#include "host/registry/access.h"
#include "host/registry/config.h"
#include "pf_config.h"

static void get_health(struct pf_mgmt_op *c)
{
	pf_mgmt_reply(c, 200, json_pack("{s:s}", "status", "ok"));
}

static void count_pair(void *user, const struct pf_mgmt_pair *pair)
{
	++*(unsigned *)user;
}

static void count_knock(void *user, const struct pf_knock *k)
{
	++*(unsigned *)user;
}

/* The figures of the last second, by the names of stats/live; none yet: nothing was sent. */
static void add_figures(json_t *sessions, json_t *live)
{
	json_t *none = json_pack("{s:f, s:f, s:f, s:f, s:n, s:{s:n, s:n, s:n, s:n, s:n, s:n}}",
		"fps", 0.0, "bitrate_kbps", 0.0, "loss_percent", 0.0, "parity_percent", 0.0,
		"rtt_ms", "stages", "capture_ms", "queue_ms", "convert_ms", "encode_ms", "send_ms",
		"total_ms");
	json_t *s, *row, *v;
	const char *name;
	size_t i, k;

	json_array_foreach(sessions, i, s)
	{
		json_t *found = none;

		json_array_foreach(json_object_get(live, "sessions"), k, row)
		{
			if (json_equal(
				    json_object_get(s, "plane"), json_object_get(row, "plane")) &&
				json_equal(json_object_get(s, "id"), json_object_get(row, "id")))
				found = row;
		}
		json_object_foreach(none, name, v)
		{
			json_object_set(s, name, json_object_get(found, name));
		}
	}
	json_decref(none);
}

static void get_status(struct pf_mgmt_op *c)
{
	struct pf_feed *feed = pf_mgmt_feed(c->call->mgmt);
	json_t *live = feed ? pf_live_newest(feed->live) : NULL;
	const struct pf_mgmt_hooks *h = &c->p->hooks;
	json_t *o = json_pack("{s:s}", "version", PF_VERSION);
	unsigned waiting = 0, asking = 0;

	if (o && h->status)
		h->status(h->user, o);
	add_figures(json_object_get(o, "sessions"), live);
	json_decref(live);
	if (h->pair_each)
		h->pair_each(h->user, count_pair, &waiting);
	if (h->knock_each)
		h->knock_each(h->user, count_knock, &asking);
	if (o && (json_object_set_new(o, "pair_requests", json_integer(waiting)) ||
			 json_object_set_new(o, "access_requests", json_integer(asking)) ||
			 json_object_set_new(
				 o, "clients", json_integer(pf_clients_count(c->p->clients))))) {
		json_decref(o);
		o = NULL;
	}
	pf_mgmt_reply(c, 200, o);
}

/* "Debian GNU/Linux 12 (bookworm)" */
static void os_name(char *out, size_t cap)
{
	char line[256];
	FILE *f = fopen("/etc/os-release", "re");

	snprintf(out, cap, "Linux");
	while (f && fgets(line, sizeof(line), f)) {
		char *v = line + strlen("PRETTY_NAME=");

		if (strncmp(line, "PRETTY_NAME=", strlen("PRETTY_NAME=")))
			continue;
		v[strcspn(v, "\n")] = 0;
		if (*v == '"' || *v == '\'') {
			v[strlen(v) - 1] = 0;
			v++;
		}
		(void)pf_utf8_repair(out, cap, v, strlen(v));
	}
	if (f)
		fclose(f);
}

static json_t *encoders_json(const struct pf_encoders *e)
{
	static const char *const codecs[] = { "H.264", "HEVC", "AV1" };
	json_t *list = json_array();

	for (unsigned i = 0; e && i < 3; i++) {
		const char *name = e->by_codec[i] ? e->by_codec[i]->name : NULL;
		json_t *row, *found = NULL;
		size_t k;

		if (!name)
			continue;
		json_array_foreach(list, k, row)
		{
			if (!strcmp(json_string_value(json_object_get(row, "name")), name))
				found = row;
		}
		if (found)
			json_array_append_new(
				json_object_get(found, "codecs"), json_string(codecs[i]));
		else
			json_array_append_new(
				list, json_pack("{s:s, s:b, s:[s]}", "name", name, "hardware",
					      e->by_codec[i]->hardware, "codecs", codecs[i]));
	}
	return list;
}

static json_t *ports_json(const struct pf_mgmt_op *c)
{
	const struct pf_mgmt_params *p = c->p;
	json_t *o = json_pack("{s:i, s:i}", "native", p->native ? pf_native_port(p->native) : 0,
		"mgmt", c->call->mgmt ? pf_mgmt_port(c->call->mgmt) : p->port);

	if (p->gamestream)
		json_object_set_new(
			o, "gamestream", json_integer(pf_gamestream_port(p->gamestream)));
	return o;
}

static void get_host(struct pf_mgmt_op *c)
{
	const struct pf_mgmt_params *p = c->p;
	char fingerprint[65] = "", os[128];
	struct utsname kernel = { 0 };
	uint8_t fp[32];

	if (p->identity) {
		pf_identity_fingerprint(p->identity, fp);
		pf_access_format(fp, fingerprint);
	}
	os_name(os, sizeof(os));
	(void)uname(&kernel);
	pf_mgmt_reply(c, 200,
		json_pack("{s:s, s:s, s:s, s:s, s:s?, s:s, s:o, s:o, s:b, s:b, s:s, s:s, s:s}",
			"name", p->hostname ? p->hostname : "", "version", PF_VERSION, "user",
			p->user ? p->user : "", "fingerprint", fingerprint, "id",
			p->host_id && *p->host_id ? p->host_id : NULL, "display_backend",
			p->desks ? pf_desks_display(p->desks)->name : "", "encoders",
			encoders_json(p->encoders), "ports", ports_json(c), "gamestream",
			p->gamestream != NULL, "discovery", p->config && p->config->discovery, "os",
			os, "kernel", kernel.release, "machine", kernel.machine));
}

const struct pf_mgmt_route pf_mgmt_host_routes[] = {
	{ { "health" }, 1, "GET", .open = true, .get = get_health },
	{ { "host" }, 1, "GET", .client = true, .get = get_host },
	{ { "status" }, 1, "GET", .client = true, .get = get_status },
	{ { 0 } },
};
