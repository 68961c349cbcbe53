/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* manage.h - joins the management API with what a serving host runs.
 *
 * Control loop only. */
#pragma once
#include "host/cmd/report.h"
#include "host/gamestream/gamestream.h"
#include "host/mgmt/mgmt.h"

struct pf_manage;

struct pf_manage_params {
	struct pf_loop *loop;
	struct pf_workers *workers;
	const struct pf_config *config;
	struct pf_settings *settings;
	const struct pf_identity *identity;
	const char *hostname, *user, *host_id;
	const struct pf_encoders *encoders;
	const char *state_dir, *allowed_path;
	struct pf_logbook *logbook;
	struct pf_clients *clients;
	struct pf_apps *apps;
	const struct pf_report *report;
	struct pf_desks *desks;
	struct pf_native *native;
	struct pf_gamestream *gamestream; /* NULL = off */
};

/** Opens the API and tells the command line where it is. Without it in the build
 * or the settings *out is NULL and it logs so. PF_EXIT_OK, PF_EXIT_PORT or
 * PF_EXIT_STATE, the words in `why`. */
int pf_manage_start(
	struct pf_manage **out, const struct pf_manage_params *params, struct pf_reason *why);
/** 0 = none. Accepts NULL. */
uint16_t pf_manage_port(const struct pf_manage *m);
/** Publishes an event without data. Accepts NULL. */
void pf_manage_event(struct pf_manage *m, const char *name);
/** Before anything of the params ends. May be called twice; accepts NULL. */
void pf_manage_stop(struct pf_manage *m);
/** After workers and loop were destroyed. Accepts NULL. */
void pf_manage_destroy(struct pf_manage *m);
