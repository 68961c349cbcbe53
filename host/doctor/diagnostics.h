/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* diagnostics.h - what the doctor said last of a serving host's machine.
 *
 * The checks run in a child, `punktfunk-host doctor`, with the settings in force, which a
 * worker waits for. Control loop. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "core/base/reason.h"

struct json_t; /* of jansson */
struct pf_config;
struct pf_diagnostics;
struct pf_workers;

struct pf_diagnostics_params {
	struct pf_workers *workers;
	const struct pf_config *config;
	void (*changed)(void *user); /* something else is said now; may be NULL */
	void *user;
};

int pf_diagnostics_create(struct pf_diagnostics **out, const struct pf_diagnostics_params *params);
/** Ends what runs, soon; its `fn` is still called. Accepts NULL. */
void pf_diagnostics_stop(struct pf_diagnostics *d);
/** After workers and loop were destroyed, unless nothing was ever asked. Accepts NULL. */
void pf_diagnostics_destroy(struct pf_diagnostics *d);
/** The last { at, checks }; NULL when nobody asked yet. Borrowed until the loop goes on. */
const struct json_t *pf_diagnostics_last(const struct pf_diagnostics *d);
bool pf_diagnostics_running(const struct pf_diagnostics *d);
/** Looks anew; `fn` is called once, later: 0, or a negative errno with the words. -EBUSY:
 * somebody else's look is under way. */
int pf_diagnostics_refresh(struct pf_diagnostics *d,
	void (*fn)(void *user, int r, const struct pf_reason *why), void *user);
