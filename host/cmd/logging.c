/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "core/base/log.h"
#include "core/base/utf8.h"
#include "host/cmd/cmd.h"
#include "host/sys/logbook.h"

/* One JSON object a line, written at once: lines of several threads stay whole. */
static void json_line(void *user, enum pf_log_level level, const char *topic, const char *text)
{
	char repaired[4096]; /* a message may have been cut inside a character */
	struct timespec ts;
	json_t *o;
	char *line;

	(void)pf_utf8_repair(repaired, sizeof(repaired), text, strlen(text));
	clock_gettime(CLOCK_REALTIME, &ts);
	o = json_pack("{s:f, s:s, s:s, s:s}", "time", (double)ts.tv_sec + (double)ts.tv_nsec / 1e9,
		"level", pf_log_level_to_string(level), "topic", topic, "text", repaired);
	line = o ? json_dumps(o, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(16))
		 : NULL;
	if (line)
		fprintf(stderr, "%s\n", line);
	free(line);
	json_decref(o);
}

static void keep(void *book, enum pf_log_level level, const char *topic, const char *text)
{
	pf_logbook_add(book, level, topic, text);
	pf_log_to_stderr(level, topic, text);
}

static void keep_json(void *book, enum pf_log_level level, const char *topic, const char *text)
{
	pf_logbook_add(book, level, topic, text);
	json_line(NULL, level, topic, text);
}

void pf_log_begin(const struct pf_config *c, struct pf_logbook *book)
{
	bool json = c->log_format == PF_CONFIG_LOG_JSON;

	pf_log_set(book	  ? json ? keep_json : keep
		   : json ? json_line
			  : NULL,
		book, (enum pf_log_level)c->log_level);
}
