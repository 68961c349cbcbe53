/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* json_file.h - lists that live in a JSON file people may read and edit.
 *
 * A file is one object with one list of objects in it. Reading is bounded and
 * strict (duplicate keys are refused) and errors name file and line; writing
 * replaces the file atomically. Any thread. */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>
#include "core/base/reason.h"

/** Parses `text`, which must be an object. -EBADMSG with "line N: ..." words,
 * *line set (may be NULL). */
int pf_json_parse(
	json_t **out, const char *text, size_t len, unsigned *line, struct pf_reason *why);
/** The line at which element `index` of the list `key` of the top object begins;
 * 1 when it cannot be found. `text` must be what pf_json_parse took. */
unsigned pf_json_line_of(const char *text, size_t len, const char *key, size_t index);
/** `o` as indented text with a final newline, malloc'ed, or NULL. */
char *pf_json_text(const json_t *o);
/** Replaces `path` atomically by `text`; makes its folder. -EIO with the words,
 * whatever the disk said, so that no caller takes it for an answer of its own. */
int pf_json_write(const char *path, mode_t mode, const char *text, struct pf_reason *why);
/** Takes the lock file `path`.lock for this process. Its descriptor in *fd; -EBUSY
 * with the words when another process has it. */
int pf_json_lock(int *fd, const char *path, struct pf_reason *why);
/** Unix time as "2026-01-31T12:00:00Z"; "" for 0. */
void pf_json_time(int64_t s, char out[32]);
/** The reverse; false for what is no such time. */
bool pf_json_time_parse(int64_t *out, const char *text);
