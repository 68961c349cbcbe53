/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* doctor.h - says what keeps this machine from streaming, and the one command that
 * mends each cause.
 *
 * Every check runs in a forked process of its own with a time limit: a driver that
 * crashes or a bus that never answers is a finding like any other. Forks, so only for
 * a process with one thread: a serving host runs `punktfunk-host doctor` instead. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "host/registry/config.h"

struct json_t; /* of jansson */

enum pf_doctor_state {
	PF_DOCTOR_OK,
	PF_DOCTOR_WARN, /* works less well than it could, or a risk */
	PF_DOCTOR_FAIL, /* what the settings ask for does not work */
	PF_DOCTOR_SKIP, /* not needed here, or cannot be seen; the cause says why */
};

struct pf_doctor_params {
	const struct pf_config *config;
	const char *config_file;      /* the last that counts: a command adds to it */
	const char *settings_error;   /* what is wrong with the settings; NULL = nothing */
	const char *settings_command; /* that mends it; NULL = none */
	const char *user_error;	      /* why root found no user to become; NULL = it did */
	int64_t host_pid;	      /* the host that serves already; 0 = none known */
	const char *only;	      /* area; NULL = all */
	const struct json_t *facts;   /* of pf_doctor_facts; NULL = none */
};

/** Runs the checks, some at a time, and appends to `out`, in the order of the table,
 * { id, area, state, title, cause, remedy, command }; the last two are null where there
 * is nothing to mend. 0, -ENOENT for an area that is none, -ENOMEM, -errno of fork. */
int pf_doctor_run(const struct pf_doctor_params *p, struct json_t *out);
/** NULL-ended. */
const char *const *pf_doctor_areas(void);
/** What root alone can see, gathered before it becomes the user: rules of firewalls,
 * whose the sockets are. NULL when out of memory; the caller's reference. */
struct json_t *pf_doctor_facts(void);
