/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* logbook.h - the newest log lines, kept in memory.
 *
 * Any thread adds, and pays a lock and a copy; nothing is allocated. Lines are numbered,
 * and the numbers go on rising after a restart. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "core/base/log.h"
#include "host/sys/loop.h"

#define PF_LOGBOOK_LINES 1024u
#define PF_LOGBOOK_TEXT	 512 /* longer lines are cut */

struct pf_log_line {
	uint64_t id;
	uint64_t unix_ns;
	enum pf_log_level level;
	char topic[16];
	char text[PF_LOGBOOK_TEXT]; /* perhaps no UTF-8 */
};

struct pf_logbook;

int pf_logbook_create(struct pf_logbook **out);
/** When no thread logs any more. Accepts NULL. */
void pf_logbook_destroy(struct pf_logbook *b);
/** Any thread, and from within anything: it logs nothing itself. */
void pf_logbook_add(
	struct pf_logbook *b, enum pf_log_level level, const char *topic, const char *text);
/** Posts `item` to the loop with the first line after each call of this; NULL: no more.
 * Loop thread. */
void pf_logbook_watch(struct pf_logbook *b, struct pf_loop *loop, struct pf_loop_item *item);

/* What pf_logbook_read found. */
struct pf_logbook_range {
	size_t count;
	uint64_t missed; /* lines behind `after` that are not kept any more */
	uint64_t newest; /* number of the newest line, whatever its level */
};

/** Copies lines of `level` or worse, oldest first: up to `max` behind `after`, or with 0
 * the newest `max`. */
void pf_logbook_read(struct pf_logbook *b, uint64_t after, enum pf_log_level level,
	struct pf_log_line *out, size_t max, struct pf_logbook_range *found);
/** Lines so far, by level. */
void pf_logbook_count(struct pf_logbook *b, uint64_t out[PF_LOG_DEBUG + 1]);
