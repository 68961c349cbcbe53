/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* login_jobs.h - the few passwords that workers look at; private to host/mgmt.
 *
 * Control loop. Freed after workers and loop were destroyed. */
#pragma once
#include "host/mgmt/logins.h"

struct pf_login_jobs;

/** `logins` is borrowed. 0 or -ENOMEM. */
int pf_login_jobs_create(struct pf_login_jobs **out, struct pf_logins *logins);
/** Wipes what it holds. Accepts NULL. */
void pf_login_jobs_destroy(struct pf_login_jobs *j);
