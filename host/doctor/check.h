/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* check.h - what the checks share; private to host/doctor.
 *
 * A check runs alone in its process, which ends after it: texts need no freeing, and
 * what it leaves open is closed. */
#pragma once
#include <stddef.h>
#include "host/doctor/doctor.h"

struct pf_exam; /* a running check */
struct pf_reason;

struct pf_check {
	const char *id;	   /* behind "AREA." */
	const char *title; /* what it looks at, a few words */
	void (*run)(struct pf_exam *x, const char *arg);
	const char *arg;
	unsigned limit_ms;
	/* What is wrong when it does not end, and the command against it; NULL = only
	 * that it does not. */
	const char *hang_cause, *hang_command;
};

/* Each ended by a row without id. */
extern const struct pf_check pf_checks_display[], pf_checks_devices[], pf_checks_sound[],
	pf_checks_encoder[], pf_checks_network[], pf_checks_system[], pf_checks_trust[];

const struct pf_doctor_params *pf_exam_params(const struct pf_exam *x);
const struct pf_config *pf_exam_config(const struct pf_exam *x);

/** A finding of the check. `remedy` and `command` NULL = nothing to mend. */
void pf_say(struct pf_exam *x, enum pf_doctor_state state, const char *cause, const char *remedy,
	const char *command);
/** One of several findings: `id` and `title` in place of the check's own. */
void pf_say_of(struct pf_exam *x, const char *id, const char *title, enum pf_doctor_state state,
	const char *cause, const char *remedy, const char *command);
/** Formatted text that stays. */
const char *pf_text(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/** `word` as one word of a shell command. */
const char *pf_quote(const char *word);
/** The command that sets `key`. */
const char *pf_set_command(const struct pf_exam *x, const char *key, const char *value);
/** The user that this process is. */
const char *pf_user_here(void);
/** What the program prints on standard output, cut at `cap`; its status as waitpid
 * says it, or -errno: it was ended after `limit_ms` (-ETIMEDOUT), is not there
 * (-ENOENT). */
int pf_capture(const char *const *argv, unsigned limit_ms, char *buf, size_t cap);
/** A small file in one text, without its last newline; false when it cannot be read. */
bool pf_slurp(const char *path, char *buf, size_t cap);
/** The name of a process, "?" when nobody knows. */
const char *pf_process_name(pid_t pid);
bool pf_exists(const char *path);
/** As pf_rundir_create, for something that is tried; removes those that ended tries left
 * behind. */
int pf_trial_dir(char **path, struct pf_reason *why);
/** Where nft is, which users do not have in PATH; NULL = not installed. */
const char *pf_nft_program(void);
/** Whether an IPv4 or IPv6 literal is of this machine alone. */
bool pf_is_loopback(const char *address);

/* bus.c: D-Bus, each call with a limit of 2 s. */

struct sd_bus;
/** NULL when there is none; `why` is then the words. */
struct sd_bus *pf_bus(bool system, const char **why);
/** Whether somebody has the name now. */
bool pf_bus_has(struct sd_bus *bus, const char *name);
/** Whether the bus would start somebody for it. */
bool pf_bus_starts(struct sd_bus *bus, const char *name);
