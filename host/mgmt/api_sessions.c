/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* api_sessions.c - what an operator does to a session that runs. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "host/gamestream/gamestream.h"
#include "host/mgmt/api_impl.h"

#define STOP_WORDS "the operator of the host ended this session"

/* The session that the path names. */
struct which {
	enum pf_client_plane plane;
	uint64_t id;
};

static bool find(struct which *w, struct pf_mgmt_op *c)
{
	const char *s = c->parts[2];

	if (pf_client_plane_parse(&w->plane, c->parts[1]) || strlen(s) > 18 ||
		strspn(s, "0123456789") != strlen(s)) {
		pf_mgmt_fail(c, 404, "a session is named sessions/native or gamestream/number");
		return false;
	}
	w->id = strtoull(s, NULL, 10);
	if (w->plane == PF_PLANE_NATIVE ? c->p->native != NULL : c->p->gamestream != NULL)
		return true;
	pf_mgmt_fail(c, 404, "there is no such session (any more)");
	return false;
}

static void finish(struct pf_mgmt_op *c, int r, const struct pf_reason *why)
{
	if (r)
		pf_mgmt_fail_reason(c, r, why);
	else
		c->a->status = 204;
}

static void delete_session(struct pf_mgmt_op *c)
{
	struct pf_reason why = { 0 };
	struct which w;

	if (!find(&w, c))
		return;
	finish(c,
		w.plane == PF_PLANE_NATIVE
			? pf_native_stop(c->p->native, w.id, STOP_WORDS, &why)
			: pf_gamestream_stop(c->p->gamestream, w.id, STOP_WORDS, &why),
		&why);
}

static void post_keyframe(struct pf_mgmt_op *c)
{
	static const char *const fields[] = { NULL };
	struct pf_reason why = { 0 };
	struct which w;

	if (!pf_mgmt_only_fields(c, fields) || !find(&w, c))
		return;
	finish(c,
		w.plane == PF_PLANE_NATIVE ? pf_native_keyframe(c->p->native, w.id, &why)
					   : pf_gamestream_keyframe(c->p->gamestream, w.id, &why),
		&why);
}

static void patch_session(struct pf_mgmt_op *c)
{
	static const char *const fields[] = { "bitrate_kbps", NULL };
	json_t *value = json_object_get(c->body, "bitrate_kbps");
	struct pf_reason why = { 0 };
	json_int_t kbps = 0;
	struct which w;
	int r;

	if (!pf_mgmt_only_fields(c, fields) || !find(&w, c))
		return;
	if (!json_is_null(value)) {
		kbps = json_integer_value(value);
		if (kbps < 1 || kbps > UINT32_MAX) {
			pf_mgmt_fail(c, 400,
				"\"bitrate_kbps\" must be a number of kbit/s, or null for what "
				"the client wishes");
			return;
		}
	}
	if (w.plane == PF_PLANE_NATIVE)
		r = pf_native_set_bitrate(c->p->native, w.id, (uint32_t)kbps, &why);
	else
		r = pf_gamestream_set_bitrate(c->p->gamestream, w.id, (uint32_t)kbps, &why);
	if (r)
		pf_mgmt_fail_reason(c, r, &why);
	else
		pf_mgmt_reply(c, 200,
			json_pack(
				"{s:o}", "bitrate_kbps", kbps ? json_integer(kbps) : json_null()));
}

const struct pf_mgmt_route pf_mgmt_sessions_routes[] = {
	{ { "sessions", "*", "*" }, 3, "PATCH, DELETE", .patch = patch_session,
		.remove = delete_session },
	{ { "sessions", "*", "*", "keyframe" }, 4, "POST", .post = post_keyframe },
	{ { 0 } },
};
