/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* api_stats.c - what the sessions do, in figures. */
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

const struct pf_mgmt_route pf_mgmt_stats_routes[] = {
	{ { "stats", "live" }, 2, "GET", .get = get_live },
	{ { 0 } },
};
