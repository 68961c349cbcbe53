/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* api_stats.c - what the sessions do, in figures. */
#include <stdlib.h>
#include <string.h>
#include "host/mgmt/api_impl.h"
#include "host/mgmt/feed.h"

static struct pf_feed *feed_of(struct pf_mgmt_op *c)
{
	struct pf_feed *f = pf_mgmt_feed(c->call->mgmt);

	if (!f)
		pf_mgmt_fail(c, 503, "the host keeps no figures");
	return f;
}

static void get_live(struct pf_mgmt_op *c)
{
	struct pf_feed *f = feed_of(c);

	if (f)
		pf_mgmt_reply(c, 200, pf_live_newest(f->live));
}

/* ---- recordings ---- */

static struct pf_recordings *recordings_of(struct pf_mgmt_op *c)
{
	struct pf_feed *f = pf_mgmt_feed(c->call->mgmt);

	if (f && f->recordings)
		return f->recordings;
	pf_mgmt_fail(c, 503, "the host keeps no recordings");
	return NULL;
}

static void tell(struct pf_mgmt_op *c)
{
	pf_mgmt_event(c->call->mgmt, "recordings.changed", NULL);
}

static bool recording_id(struct pf_mgmt_op *c, uint32_t *id)
{
	const char *s = c->parts[2];
	size_t len = strlen(s);

	*id = 0;
	if (len && len <= 9 && strspn(s, "0123456789") == len)
		*id = (uint32_t)strtoul(s, NULL, 10);
	if (*id)
		return true;
	pf_mgmt_fail(c, 404, "a recording is named stats/recordings/NUMBER");
	return false;
}

static void get_recordings(struct pf_mgmt_op *c)
{
	struct pf_recordings *r = recordings_of(c);
	json_t *list = r ? pf_recordings_list(r) : NULL;

	if (r)
		pf_mgmt_reply(c, 200, list ? json_pack("{s:o}", "recordings", list) : NULL);
}

static void post_recording(struct pf_mgmt_op *c)
{
	static const char *const fields[] = { "name", NULL };
	struct pf_recordings *r = recordings_of(c);
	json_t *name = json_object_get(c->body, "name");
	const char *text = json_string_value(name);
	struct pf_reason why = { 0 };
	uint32_t id = 0;
	int err;

	if (!r || !pf_mgmt_only_fields(c, fields))
		return;
	if (name && (!text || !*text || strlen(text) >= PF_RECORDING_NAME_BYTES)) {
		pf_mgmt_fail(c, 400, "\"name\" must be text of 1 to 64 bytes");
		return;
	}
	err = pf_recordings_start(r, text, &id, &why);
	if (err) {
		pf_mgmt_fail_reason(c, err, &why);
		return;
	}
	tell(c);
	pf_mgmt_reply(c, 201, pf_recordings_one(r, id));
}

static void get_recording(struct pf_mgmt_op *c)
{
	struct pf_recordings *r = recordings_of(c);
	struct pf_reason why = { 0 };
	uint32_t id;
	char *text;
	size_t len;
	int err;

	if (!r || !recording_id(c, &id))
		return;
	err = pf_recordings_read(r, id, &text, &len, &why);
	if (err)
		pf_mgmt_fail_reason(c, err, &why);
	else
		pf_mgmt_reply_raw(c, 200, "application/json", text, len);
}

static void delete_recording(struct pf_mgmt_op *c)
{
	struct pf_recordings *r = recordings_of(c);
	struct pf_reason why = { 0 };
	uint32_t id;
	int err;

	if (!r || !recording_id(c, &id))
		return;
	err = pf_recordings_remove(r, id, &why);
	if (err) {
		pf_mgmt_fail_reason(c, err, &why);
		return;
	}
	tell(c);
	c->a->status = 204;
}

static void post_stop(struct pf_mgmt_op *c)
{
	static const char *const fields[] = { NULL };
	struct pf_recordings *r = recordings_of(c);
	struct pf_reason why = { 0 };
	uint32_t id;
	int err;

	if (!r || !pf_mgmt_only_fields(c, fields) || !recording_id(c, &id))
		return;
	err = pf_recordings_stop(r, id, &why);
	if (err) {
		pf_mgmt_fail_reason(c, err, &why);
		return;
	}
	tell(c);
	pf_mgmt_reply(c, 200, pf_recordings_one(r, id));
}

const struct pf_mgmt_route pf_mgmt_stats_routes[] = {
	{ { "stats", "live" }, 2, "GET", .get = get_live },
	{ { "stats", "recordings" }, 2, "GET, POST", .get = get_recordings,
		.post = post_recording },
	{ { "stats", "recordings", "*" }, 3, "GET, DELETE", .get = get_recording,
		.remove = delete_recording },
	{ { "stats", "recordings", "*", "stop" }, 4, "POST", .post = post_stop },
	{ { 0 } },
};
