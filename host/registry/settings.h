/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* settings.h - how the settings of a serving host come together and are changed.
 *
 * host.conf, host.conf.d/ in name order, the command line: the last one wins. One of
 * the files, host.conf.d/90-console.conf, belongs to the host itself: it holds what was
 * set through the API, and nothing else writes it. What the operator says in a file that
 * comes later by name, or on the command line, wins over it.
 *
 * A change has reached the disk, file and folder, before it counts. Control loop only. */
#pragma once
#include "host/registry/config.h"

#define PF_SETTINGS_CONSOLE_FILE "90-console.conf"

enum pf_settings_source {
	PF_SETTINGS_DEFAULT,
	PF_SETTINGS_FILE,
	PF_SETTINGS_CONSOLE, /* 90-console.conf */
	PF_SETTINGS_COMMAND_LINE,
};

/* Where the settings are. Borrowed texts. */
struct pf_settings_from {
	const char *dir;    /* of host.conf; NULL = there is none */
	const char *file;   /* read instead of all files; NULL = none */
	char *const *pairs; /* key, value; the command line's, in order */
	unsigned pair_count;
};

struct pf_settings_origin {
	enum pf_settings_source source;
	unsigned line;	/* of the file, else 0 */
	char file[128]; /* as seen from the settings' folder, cut if longer; else "" */
};

/* What all sources together say. */
struct pf_settings_read {
	struct pf_config config;
	struct pf_settings_origin origins[PF_CONFIG_KEYS_MAX]; /* by place in the table */
};

/** Reads defaults, files and command line. `instead` is for 90-console.conf; may be
 * NULL. All errors are reported, then counted. */
unsigned pf_settings_read(struct pf_settings_read *out, const struct pf_settings_from *from,
	const struct pf_config_instead *instead, const struct pf_config_sink *sink);

/** Why a key can only be changed by who may edit the files, or NULL: it runs commands,
 * opens files, or decides who comes in and what protects them. */
const char *pf_settings_guard(const struct pf_config_key *key);
/** "default", "file", "console", "command_line". */
const char *pf_settings_source_to_string(enum pf_settings_source source);

struct pf_settings;

struct pf_settings_params {
	struct pf_settings_from from;
	struct pf_config *config; /* what is in force; from now on changed by this alone */
	/* May be NULL. Whether a host that runs with `now` would start with `next`, where it
	 * differs from `before`; the words name the key. Any thread. */
	int (*check)(const struct pf_config *now, const struct pf_config *before,
		const struct pf_config *next, struct pf_reason *why);
	/* May be NULL. Whether that check may take long. */
	bool (*is_slow)(const struct pf_config *before, const struct pf_config *next);
	/* May be NULL. Values of `config` have changed, on the control loop. */
	void (*applied)(void *user);
	void *user;
};

/** -ENOMEM. */
int pf_settings_create(struct pf_settings **out, const struct pf_settings_params *params);
/** Accepts NULL. */
void pf_settings_destroy(struct pf_settings *s);
/** Reads all anew and puts in force what needs no restart; the rest is logged.
 * -EBADMSG when something is wrong, which was logged; then nothing has changed. */
int pf_settings_reload(struct pf_settings *s);

/* One key. */
struct pf_settings_item {
	const struct pf_config_key *key;
	const struct pf_settings_origin *origin; /* of the value in force */
	const struct pf_config *now;
	const struct pf_config *next;		/* at the next start; NULL = as now */
	const struct pf_settings_origin *later; /* of that one */
	const char *console;			/* what 90-console.conf says, or NULL */
	char fixed[256];			/* why 90-console.conf cannot change it, or "" */
};

/** Calls fn for each key in the order of the table. The files are looked at: what they say by
 * now is what will be at the next start. *problem gets what keeps it from starting, with
 * file and line, or "". */
int pf_settings_each(struct pf_settings *s,
	void (*fn)(void *user, const struct pf_settings_item *item), void *user,
	struct pf_reason *problem);

struct pf_settings_change {
	const char *name;
	const char *value;    /* as a file says it; NULL = no more by 90-console.conf */
	struct pf_reason why; /* out: what is wrong with it; code 0 = nothing */
};

/* A check that takes long, beside the control loop. Begins as zeros. */
struct pf_settings_trial {
	struct pf_config now, before, next;
	int (*check)(const struct pf_config *now, const struct pf_config *before,
		const struct pf_config *next, struct pf_reason *why);
	bool is_mine, is_done;
	int verdict;
	struct pf_reason why;
};

/** Makes all changes or none. -EINVAL for an unknown key or a bad value, -EACCES for a
 * key that has a guard unless `guarded` says that the caller may, -EEXIST for one that
 * something later fixes, -EBUSY for a value that the host could not start with: each
 * change then has its own words, `why` those of the first. -EBADMSG while the files have
 * errors, -EIO when the disk did not take it. With a `trial` it does not wait for a check
 * that takes long: -EINPROGRESS, and the same call follows pf_settings_trial_run, once
 * unless the files change meanwhile; -EAGAIN while another trial is under way. */
int pf_settings_change(struct pf_settings *s, struct pf_settings_change *changes, unsigned count,
	bool guarded, struct pf_settings_trial *trial, struct pf_reason *why);
/** Any thread. */
void pf_settings_trial_run(struct pf_settings_trial *trial);
/** Instead of the call that would follow. */
void pf_settings_trial_give_up(struct pf_settings *s, struct pf_settings_trial *trial);
