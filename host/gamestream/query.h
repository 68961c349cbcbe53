/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* query.h - the request target of an HTTP request, taken apart.
 *
 * "/pair?phrase=x&salt=.." becomes a path and arguments, percent-decoded.
 * Bounded: a target that breaks a bound or a rule is refused
 * whole. Names and values hold no zero byte. When a name comes twice, the first
 * one counts. May hold keys: wipe it after use. Pure, any thread. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PF_GS_TARGET_MAX 16384 /* bytes of a request target (gamestream.md 10) */
#define PF_GS_QUERY_ARGS 64
#define PF_GS_QUERY_PATH 64 /* longest path and its zero */

struct pf_gs_query {
	char path[PF_GS_QUERY_PATH];
	unsigned count;
	struct {
		uint16_t name, value; /* offsets in text */
	} args[PF_GS_QUERY_ARGS];
	char text[PF_GS_TARGET_MAX + 2];
};

/** Parses `len` bytes. 0; -EMSGSIZE above PF_GS_TARGET_MAX, -E2BIG with too many
 * arguments or too long a path, -EINVAL for bad escapes or zero bytes. */
int pf_gs_query_parse(struct pf_gs_query *out, const char *target, size_t len);
/** The value of `name` ("" when it has none), or NULL. */
const char *pf_gs_query_get(const struct pf_gs_query *q, const char *name);
/** The whole value as a decimal number within [min, max]. 0; -ENOENT when it is
 * not there, -EINVAL when it is not such a number. */
int pf_gs_query_number(
	const struct pf_gs_query *q, const char *name, int64_t min, int64_t max, int64_t *out);
/** The value as hex of either case. 0 and the number of bytes in *len (written to
 * `out` up to `cap`); -ENOENT, -EINVAL for odd length or other characters,
 * -EMSGSIZE above `cap`. */
int pf_gs_query_hex(
	const struct pf_gs_query *q, const char *name, uint8_t *out, size_t cap, size_t *len);
