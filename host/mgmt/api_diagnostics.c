/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* api_diagnostics.c - what keeps the machine from streaming, as the doctor says. */
#include <stdlib.h>
#include "host/doctor/diagnostics.h"
#include "host/mgmt/api_impl.h"

struct waiting {
	const struct pf_diagnostics *d;
	struct pf_mgmt_later *later;
};

static json_t *answer_json(const struct pf_diagnostics *d)
{
	const json_t *last = pf_diagnostics_last(d);
	json_t *at = json_object_get(last, "at"), *checks = json_object_get(last, "checks");

	return json_pack("{s:o, s:b, s:o}", "at", at ? json_incref(at) : json_null(), "running",
		pf_diagnostics_running(d), "checks", checks ? json_incref(checks) : json_array());
}

static bool has(struct pf_mgmt_op *c)
{
	if (!c->p->diagnostics)
		pf_mgmt_fail(c, 503, "this host cannot look at itself");
	return c->p->diagnostics;
}

static void get_diagnostics(struct pf_mgmt_op *c)
{
	if (has(c))
		pf_mgmt_reply(c, 200, answer_json(c->p->diagnostics));
}

static void on_looked(void *user, int r, const struct pf_reason *why)
{
	struct waiting *w = user;

	if (r)
		pf_mgmt_later_fail(w->later, 503, why->text);
	else
		pf_mgmt_later_reply(w->later, 200, answer_json(w->d));
	free(w);
}

static void post_refresh(struct pf_mgmt_op *c)
{
	static const char *const fields[] = { NULL };
	struct waiting *w;

	if (!has(c) || !pf_mgmt_only_fields(c, fields))
		return;
	if (pf_diagnostics_running(c->p->diagnostics)) {
		pf_mgmt_fail(
			c, 409, "a look is under way; diagnostics.changed tells when it is over");
		return;
	}
	w = malloc(sizeof(*w));
	if (!w) {
		pf_mgmt_fail(c, 500, "out of memory");
		return;
	}
	*w = (struct waiting){ c->p->diagnostics, pf_mgmt_defer(c) };
	if (!w->later)
		free(w);
	else
		(void)pf_diagnostics_refresh(c->p->diagnostics, on_looked, w);
}

const struct pf_mgmt_route pf_mgmt_diagnostics_routes[] = {
	{ { "diagnostics" }, 1, "GET", .get = get_diagnostics },
	{ { "diagnostics", "refresh" }, 2, "POST", .post = post_refresh },
	{ { 0 } },
};
