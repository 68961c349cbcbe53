/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/base/log.h"
#include <stdatomic.h>
#include <stdio.h>
#include "core/base/clock.h"

/* One of the few process-wide states (DESIGN decision 19): set once at start. */
static _Atomic(pf_log_fn) log_fn;
static void *_Atomic log_user;
static _Atomic int log_max = PF_LOG_INFO;

const char *pf_log_level_to_string(enum pf_log_level level)
{
	static const char *const names[] = { "error", "warn", "info", "debug" };

	return (unsigned)level < 4 ? names[level] : "?";
}

void pf_log_to_stderr(enum pf_log_level level, const char *topic, const char *text)
{
	uint64_t now_ms = pf_clock_unix_ns() / PF_NS_PER_MS, now_s = now_ms / 1000;

	fprintf(stderr, "%02d:%02d:%02d.%03d %-5s %s: %s\n", (int)(now_s / 3600 % 24),
		(int)(now_s / 60 % 60), (int)(now_s % 60), (int)(now_ms % 1000),
		pf_log_level_to_string(level), topic, text);
}

void pf_log_set(pf_log_fn fn, void *user, enum pf_log_level max)
{
	atomic_store(&log_user, user);
	atomic_store(&log_fn, fn);
	atomic_store(&log_max, (int)max);
}

void pf_log(enum pf_log_level level, const char *topic, const char *fmt, ...)
{
	pf_log_fn fn;
	char text[1024];
	va_list ap;

	if ((int)level > atomic_load_explicit(&log_max, memory_order_relaxed))
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fn = atomic_load(&log_fn);
	if (fn)
		fn(atomic_load(&log_user), level, topic, text);
	else
		pf_log_to_stderr(level, topic, text);
}
