/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* spawn.h - child processes that never outlive the host.
 *
 * Every child runs under a guard: a forked process that is its subreaper and
 * holds the read end of a pipe whose write end the host keeps. When the child
 * ends, when pf_child_stop asks, or when the host dies in any way (kill -9
 * included: the pipe closes), the guard ends the child and everything that it
 * started, SIGTERM first, SIGKILL after a grace. Any thread may start and stop. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "core/base/reason.h"

struct pf_child_params {
	const char *const *argv;  /* argv[0] is looked up in PATH */
	const char *const *env;	  /* NULL-ended "K=V": added over the host's environment */
	const char *const *unset; /* NULL-ended names to drop, or NULL */
	const char *cwd;	  /* NULL = as the host */
	const char *log_path;	  /* stdout and stderr, appended; NULL = /dev/null */
	int stdin_fd;		  /* -1 = /dev/null */
	int pass_fd;		  /* handed on as descriptor 3; -1 = none */
};

struct pf_child;

/** True if `name` is an executable in PATH (or a path to one). */
bool pf_program_exists(const char *name);

/** 0 once exec succeeded (ENOENT etc. are reported here, with the words). */
int pf_child_start(
	struct pf_child **out, const struct pf_child_params *params, struct pf_reason *why);
/** Ends it and all its descendants: SIGTERM, after `grace_ms` SIGKILL; waits, frees,
 * clears *child. Accepts NULL inside. */
void pf_child_stop(struct pf_child **child, unsigned grace_ms);
/** Becomes readable (EOF) when the child has ended. Owned by the child. */
int pf_child_death_fd(const struct pf_child *child);
/** True while it runs. */
bool pf_child_alive(struct pf_child *child);
pid_t pf_child_pid(const struct pf_child *child);
/** Stops it where it is (SIGSTOP), or lets it go on; not what it started. It can be
 * ended all the same. */
void pf_child_pause(struct pf_child *child, bool pause);
/** What it and its guard take of the memory, shared pages by their share, in KiB.
 * 0 = not known. Reads /proc. */
uint64_t pf_child_memory_kib(const struct pf_child *child);
/** How it ended, as waitpid says it. -EAGAIN while it runs, -ECHILD if nobody
 * knows (its guard was killed). */
int pf_child_wait_status(struct pf_child *child, int *status);
