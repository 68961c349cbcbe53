/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* api.h - the command line as a client of the running host's management API.
 *
 * Blocking, one connection per call, the host pinned by the fingerprint that it
 * left in the state directory. Main thread. */
#pragma once
#include <jansson.h>
#include <stdint.h>
#include "core/base/reason.h"
#include "host/cmd/cmd.h"

/** Asks `method` `path` (behind /api/v1/) with `body`, which may be NULL. *status is HTTP's,
 * *answer the caller's reference or NULL. -ENOENT when no host runs, -EACCES when the token
 * cannot be read or the host is another, others from the network; with the words. */
int pf_api_call(const char *method, const char *path, const json_t *body, unsigned *status,
	json_t **answer, struct pf_reason *why);
/** As pf_api_call for a command: complains about every failure, also one that the
 * host answers. PF_EXIT_OK with the answer, or PF_EXIT_FAILURE. */
int pf_api_ask(const char *method, const char *path, const json_t *body, json_t **answer);
/** As pf_api_ask with a body of `type` and an answer that are no JSON. *answer is the
 * caller's; NULL when it does not matter. */
int pf_api_ask_raw(const char *method, const char *path, const char *type, const void *data,
	size_t len, uint8_t **answer, size_t *answer_len);

/** Follows the stream of events at `path` and hands each to fn, until it says false or the
 * host ends the stream. Complains about failures, also one that the host answers. PF_EXIT_OK
 * or PF_EXIT_FAILURE. */
int pf_api_follow(
	const char *path, bool (*fn)(void *user, const char *name, const char *data), void *user);

/** What each of these commands begins with: reads the options, shows the help, becomes
 * the host's user. True when the command shall go on; else *exit_code is its end.
 * `usage` is what follows the command's name. */
bool pf_api_begin(struct pf_options *o, const struct pf_cmd *cmd, const char *usage, int argc,
	char **argv, int *exit_code);
/** Puts into `body` what a client is called, what it may do and until when, as the
 * options say them (NULL = not said; expires "never" = without end). PF_EXIT_OK, or
 * PF_EXIT_USAGE after a complaint. */
int pf_api_set_terms(json_t *body, const char *name, const char *grants, const char *expires);
/** Prints it for machines, as --json does. PF_EXIT_OK or PF_EXIT_FAILURE. */
int pf_api_print(const json_t *o);
/** A member that is text, else ""; lives as long as `o`. */
const char *pf_api_text(const json_t *o, const char *key);
/** A name from the network or a file, fit for a terminal: returns buf. */
const char *pf_printable(char *buf, size_t cap, const char *text);
