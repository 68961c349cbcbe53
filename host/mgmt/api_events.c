/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* api_events.c - the stream of events. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "host/mgmt/api_impl.h"
#include "host/mgmt/feed.h"

#define ID_DIGITS 16
#define ID_MAX	  ((1ull << 53) - 1)

static bool parse_id(uint64_t *out, const char *text)
{
	size_t len = strlen(text);

	if (!len || len > ID_DIGITS || strspn(text, "0123456789") != len)
		return false;
	*out = strtoull(text, NULL, 10);
	return *out <= ID_MAX;
}

static void get_events(struct pf_mgmt_op *c)
{
	struct pf_feed *feed = pf_mgmt_feed(c->call->mgmt);
	const char *last = c->call->last_event;
	uint32_t topics = PF_TOPICS_ALL;
	uint64_t after = 0;
	char text[128], number[ID_DIGITS + 4];
	int r = pf_mgmt_query_or_fail(c, "topics", text, sizeof(text));

	if (r < 0)
		return;
	if (r && !pf_topics_parse(&topics, text)) {
		pf_mgmt_fail(c, 400,
			"\"topics\" is a list, by commas, of some of session, pairing, access, "
			"clients, displays, game, apps, settings, diagnostics, recordings, log "
			"and live");
		return;
	}
	r = pf_mgmt_query_or_fail(c, "after", number, sizeof(number));
	if (r < 0)
		return;
	/* What a browser that connects anew says in the head is newer than its query. */
	if ((r && !parse_id(&after, number)) || (last && !parse_id(&after, last))) {
		pf_mgmt_fail(c, 400, "an event is named by its number");
		return;
	}
	r = feed ? pf_sse_open(&c->a->stream, feed->sse, topics, after) : -EBUSY;
	if (r) {
		pf_mgmt_fail(c, 503, "too many clients listen to the host's events already");
		return;
	}
	c->a->status = 200;
	c->a->content_type = "text/event-stream";
}

const struct pf_mgmt_route pf_mgmt_events_routes[] = {
	{ { "events" }, 1, "GET", .get = get_events },
	{ { 0 } },
};
