/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* access.h - the file of clients that may connect.
 *
 * One client a line: the SHA-256 fingerprint of its certificate as 64 hex
 * digits (colons allowed), then, if it may not do everything, a list of grants
 * ("pointer,keyboard", "none"), then a # and a label. Only the operator writes it;
 * clients that paired are in clients.h. Pure, any thread. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "core/base/reason.h"

#define PF_ACCESS_FILE_BYTES   (1u << 20)
#define PF_ACCESS_GRANTS_BYTES 80

struct pf_access_entry {
	uint8_t fingerprint[32];
	uint32_t grants; /* pf_grants bits */
	char label[65];
};

/** Reads one line (zero-terminated). 1 when it names a client, 0 when it is
 * empty or a comment, -EINVAL with the words otherwise. */
int pf_access_parse_line(struct pf_access_entry *out, const char *line, struct pf_reason *why);
/** Looks for `fingerprint` in the text of the file. 0 with *out filled, or
 * -ENOENT. Bad lines are handed to `bad` (may be NULL) and skipped. */
int pf_access_find(struct pf_access_entry *out, const uint8_t *text, size_t len,
	const uint8_t fingerprint[32], void (*bad)(void *user, unsigned line, const char *text),
	void *user);
/** Calls fn for each client of the file's text; bad lines are skipped. */
void pf_access_each(const uint8_t *text, size_t len,
	void (*fn)(void *user, unsigned line, const struct pf_access_entry *e), void *user);
/** "all", "none" or a comma list, as in the file. 0 or -EINVAL with the words. */
int pf_access_grants_parse(uint32_t *out, const char *text, struct pf_reason *why);
void pf_access_grants_format(uint32_t grants, char out[PF_ACCESS_GRANTS_BYTES]);
/** 64 hex digits, colons allowed, and nothing else. 0 or -EINVAL. */
int pf_access_fingerprint_parse(uint8_t out[32], const char *text);
/** 64 lower-case hex digits and a zero. */
void pf_access_format(const uint8_t fingerprint[32], char out[65]);
