/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* log.h - where log lines go.
 *
 * The core never logs above debug; host and clients log once, at the place
 * that decides. Lines are dropped below the level set. Thread-safe. Not for hot
 * threads: those count instead. The hook and level are process-wide and meant
 * to be set once at start. */
#pragma once
#include <stdarg.h>

enum pf_log_level {
	PF_LOG_ERROR,
	PF_LOG_WARN,
	PF_LOG_INFO,
	PF_LOG_DEBUG,
};

typedef void (*pf_log_fn)(void *user, enum pf_log_level level, const char *topic, const char *text);

/** Sends lines at or above `max` to `fn`; NULL = standard error. */
void pf_log_set(pf_log_fn fn, void *user, enum pf_log_level max);
/** One line on standard error, as without a hook. */
void pf_log_to_stderr(enum pf_log_level level, const char *topic, const char *text);
/** Formats and hands one line (no newline) to the hook. */
void pf_log(enum pf_log_level level, const char *topic, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
const char *pf_log_level_to_string(enum pf_log_level level);
