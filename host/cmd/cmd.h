/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* cmd.h - the commands of punktfunk-host and what they share.
 *
 * One command = one file. Main thread only. */
#pragma once
#include <stdbool.h>
#include "core/base/reason.h"
#include "host/registry/settings.h"
#include "host/sys/files.h"

/* Exit codes, as in punktfunk-host(1). */
enum pf_exit {
	PF_EXIT_OK,
	PF_EXIT_FAILURE, /* anything without a code of its own */
	PF_EXIT_USAGE,	 /* unknown command or option, missing value */
	PF_EXIT_CONFIG,	 /* a setting that is not allowed, a file that cannot be read */
	PF_EXIT_PORT,	 /* the port is in use or may not be opened */
	PF_EXIT_STATE,	 /* a directory or key file cannot be used */
	PF_EXIT_USER,	 /* no user to become */
	PF_EXIT_DISPLAY, /* no display backend works */
	PF_EXIT_ENCODER, /* no encoder works */
	PF_EXIT_FORCED,	 /* ended by a second signal or a hanging shutdown */
};

struct pf_cmd {
	const char *name;
	const char *summary;
	/* argv[0] is the command's name. Returns a pf_exit. */
	int (*run)(const struct pf_cmd *cmd, int argc, char **argv);
};

/** NULL-name-ended. */
extern const struct pf_cmd pf_commands[];

/* An option of a command beside the settings. */
struct pf_option {
	const char *name;  /* "--ready-fd" */
	const char *value; /* what stands for its value in the help; NULL = none */
	const char *help;
	const char **store; /* where its value goes; "" for one without value */
};

/* What the words behind a command mean. */
struct pf_options {
	const struct pf_option *extra; /* NULL-name-ended, or NULL */
	const char *config_file;       /* --config */
	const char **words; /* takes arguments that are no options; NULL = none allowed */
	unsigned words_max, word_count;
	bool help;
	char **settings; /* pairs: key, value; the command line's, in order */
	unsigned setting_count;
};

/** Reads argv[1..]: the extra options, --config FILE, --set KEY=VALUE, --KEY VALUE
 * for every setting, --help. PF_EXIT_OK, or PF_EXIT_USAGE with a message on
 * standard error. */
int pf_options_parse(struct pf_options *o, int argc, char **argv);
void pf_options_finish(struct pf_options *o);
void pf_options_help(const struct pf_cmd *cmd, const struct pf_option *extra);
/** Without the settings, for commands that need none but `user`; `usage` follows the
 * command's name. */
void pf_options_help_short(
	const struct pf_cmd *cmd, const char *usage, const struct pf_option *extra);

/** Defaults, files and the command line, in this order; reports on standard error
 * unless `quiet`. PF_EXIT_OK or PF_EXIT_CONFIG. */
int pf_load_settings(struct pf_config *c, const struct pf_options *o, bool quiet);
/** Where these come from; borrows from `o` and `dir`. */
void pf_settings_sources(
	struct pf_settings_from *from, char dir[PF_PATH_BYTES], const struct pf_options *o);
/** As root: becomes the user of the settings and executes the program anew with
 * pf_program_argv. PF_EXIT_OK or PF_EXIT_USER. */
int pf_leave_root(const struct pf_options *o);
/** The program's whole argv; set once by main. */
extern char **pf_program_argv;
/** Prints "punktfunk-host: ..." on standard error. */
void pf_complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/** Log lines go to standard error in the format and level of `c`, and into `book` unless it
 * is NULL. */
struct pf_logbook;
void pf_log_begin(const struct pf_config *c, struct pf_logbook *book);

/** Opens the host's identity, made at first use. PF_EXIT_OK or PF_EXIT_STATE. */
struct pf_identity;
int pf_open_identity(struct pf_identity **out, struct pf_reason *why);

int pf_cmd_serve(const struct pf_cmd *cmd, int argc, char **argv);
int pf_cmd_apps(const struct pf_cmd *cmd, int argc, char **argv);
int pf_cmd_approve(const struct pf_cmd *cmd, int argc, char **argv);
int pf_cmd_arm(const struct pf_cmd *cmd, int argc, char **argv);
int pf_cmd_check(const struct pf_cmd *cmd, int argc, char **argv);
int pf_cmd_clients(const struct pf_cmd *cmd, int argc, char **argv);
int pf_cmd_config(const struct pf_cmd *cmd, int argc, char **argv);
int pf_cmd_deny(const struct pf_cmd *cmd, int argc, char **argv);
int pf_cmd_disarm(const struct pf_cmd *cmd, int argc, char **argv);
int pf_cmd_console(const struct pf_cmd *cmd, int argc, char **argv);
int pf_cmd_displays(const struct pf_cmd *cmd, int argc, char **argv);
int pf_cmd_doctor(const struct pf_cmd *cmd, int argc, char **argv);
int pf_cmd_encoders(const struct pf_cmd *cmd, int argc, char **argv);
int pf_cmd_events(const struct pf_cmd *cmd, int argc, char **argv);
int pf_cmd_fingerprint(const struct pf_cmd *cmd, int argc, char **argv);
int pf_cmd_keyframe(const struct pf_cmd *cmd, int argc, char **argv);
int pf_cmd_logs(const struct pf_cmd *cmd, int argc, char **argv);
int pf_cmd_pair(const struct pf_cmd *cmd, int argc, char **argv);
int pf_cmd_pending(const struct pf_cmd *cmd, int argc, char **argv);
int pf_cmd_sessions(const struct pf_cmd *cmd, int argc, char **argv);
int pf_cmd_settings(const struct pf_cmd *cmd, int argc, char **argv);
int pf_cmd_stats(const struct pf_cmd *cmd, int argc, char **argv);
int pf_cmd_status(const struct pf_cmd *cmd, int argc, char **argv);
int pf_cmd_stop(const struct pf_cmd *cmd, int argc, char **argv);
int pf_cmd_unpair(const struct pf_cmd *cmd, int argc, char **argv);
int pf_cmd_version(const struct pf_cmd *cmd, int argc, char **argv);
int pf_cmd_help(const struct pf_cmd *cmd, int argc, char **argv);
