/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* api_logs.c - the newest log lines. */
#include <stdlib.h>
#include <string.h>
#include "host/mgmt/api_impl.h"
#include "host/mgmt/feed.h"

#define LINES_USUAL 200
#define ID_DIGITS   16
#define ID_MAX	    ((1ull << 53) - 1)

static bool parse_number(uint64_t *out, const char *text, uint64_t max)
{
	size_t len = strlen(text);

	if (!len || len > ID_DIGITS || strspn(text, "0123456789") != len)
		return false;
	*out = strtoull(text, NULL, 10);
	return *out <= max;
}

static bool parse_level(enum pf_log_level *out, const char *text)
{
	for (int i = PF_LOG_ERROR; i <= PF_LOG_DEBUG; i++)
		if (!strcmp(text, pf_log_level_to_string((enum pf_log_level)i))) {
			*out = (enum pf_log_level)i;
			return true;
		}
	return false;
}

static void get_logs(struct pf_mgmt_op *c)
{
	struct pf_logbook *book = c->p->logbook;
	enum pf_log_level level = PF_LOG_DEBUG;
	uint64_t after = 0, limit = LINES_USUAL;
	struct pf_logbook_range found;
	struct pf_log_line *lines;
	char text[24];
	int r;

	r = pf_mgmt_query_or_fail(c, "after", text, sizeof(text));
	if (r < 0)
		return;
	if (r && !parse_number(&after, text, ID_MAX)) {
		pf_mgmt_fail(c, 400, "\"after\" is the number of a line");
		return;
	}
	r = pf_mgmt_query_or_fail(c, "limit", text, sizeof(text));
	if (r < 0)
		return;
	if (r && (!parse_number(&limit, text, PF_LOGBOOK_LINES) || !limit)) {
		pf_mgmt_fail(c, 400, "\"limit\" is 1 to 1024");
		return;
	}
	r = pf_mgmt_query_or_fail(c, "level", text, sizeof(text));
	if (r < 0)
		return;
	if (r && !parse_level(&level, text)) {
		pf_mgmt_fail(c, 400, "\"level\" is error, warn, info or debug");
		return;
	}
	lines = book ? calloc(limit, sizeof(*lines)) : NULL;
	if (!lines) {
		pf_mgmt_fail(c, 503, "the host keeps no log lines");
		return;
	}
	pf_logbook_read(book, after, level, lines, limit, &found);
	pf_mgmt_reply(c, 200, pf_feed_lines_json(lines, &found));
	free(lines);
}

const struct pf_mgmt_route pf_mgmt_logs_routes[] = {
	{ { "logs" }, 1, "GET", .get = get_logs },
	{ { 0 } },
};
