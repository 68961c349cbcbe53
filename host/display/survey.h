/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* survey.h - which display backends would work right now, asked beside the control loop.
 *
 * A probe may wait for a compositor for seconds: it runs on a worker, once for all who ask
 * meanwhile. Control loop. */
#pragma once
#include "core/base/reason.h"
#include "host/display/display.h"
#include "host/sys/worker.h"

#define PF_DISPLAY_ROWS	   8
#define PF_DISPLAY_WAITERS 64

struct pf_config;

struct pf_display_row {
	const struct pf_display_ops *ops;
	bool usable;
	struct pf_reason why; /* when it is not */
};

struct pf_display_survey;

int pf_display_survey_create(
	struct pf_display_survey **out, struct pf_workers *workers, const struct pf_config *config);
/** No probe may run any more: nobody asked, or pf_workers_pending says so. Accepts NULL. */
void pf_display_survey_destroy(struct pf_display_survey *s);
/** Calls fn once, later, with a row for each backend, best first. 0, or -EBUSY when too many
 * wait already. */
int pf_display_survey_ask(struct pf_display_survey *s,
	void (*fn)(void *user, const struct pf_display_row *rows, unsigned count), void *user);
