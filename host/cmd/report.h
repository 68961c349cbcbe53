/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* report.h - what a serving host did, as JSON for scripts.
 *
 * Control loop only. Keeps the figures of the newest sessions that ended. */
#pragma once
#include "host/native/native.h"

#define PF_REPORT_SESSIONS 64

struct pf_report;
struct json_t; /* of jansson */

int pf_report_create(struct pf_report **out);
/** Accepts NULL. */
void pf_report_destroy(struct pf_report *r);
/** Facts of the process, in strings that stay. */
void pf_report_about(struct pf_report *r, const char *user, const char *display, uint16_t port,
	const char *fingerprint);
/** A session ended; as pf_native_params.ended. */
void pf_report_ended(void *report, const struct pf_session_report *s);
/** Adds what the host is, did and does to `o`; sessions that ended if `ended`. `n`
 * may be NULL. -ENOMEM. */
int pf_report_fill(const struct pf_report *r, struct pf_native *n, bool ended, struct json_t *o);
/** The marks that were reached, in ms after the begin. NULL when out of memory. */
struct json_t *pf_report_timeline(const struct pf_timeline *t);
/** What a sender did; NULL when out of memory. */
struct json_t *pf_report_sender(const struct pf_sender_stats *s);
/** Replaces `path`. `n` adds the sessions that live; it may be NULL. */
int pf_report_write(
	struct pf_report *r, struct pf_native *n, const char *path, struct pf_reason *why);
