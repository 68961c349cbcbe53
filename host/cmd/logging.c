/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "core/base/log.h"
#include "core/base/utf8.h"
#include "host/cmd/cmd.h"

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

void pf_log_to_stderr(const struct pf_config *c)
{
	pf_log_set(c->log_format == PF_CONFIG_LOG_JSON ? json_line : NULL, NULL,
		(enum pf_log_level)c->log_level);
}
