/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* apps.h - the catalogue of what a client may launch.
 *
 * "Desktop" is built in and first; the rest is apps.json beside host.conf, edited
 * by hand or through the API, which replaces it atomically. A file changed by hand is
 * read anew when the catalogue is asked. While the file has errors its good
 * entries are served and changes are refused.
 *
 * An entry is immutable and counted: a launch keeps its own reference, so that
 * an edit does not change what must be undone. Control loop only, except
 * references. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/base/reason.h"

#define PF_APPS_MAX	   256
#define PF_APPS_FILE_BYTES (1u << 20)
#define PF_APP_TITLE_BYTES 129	/* with its zero */
#define PF_APP_TEXT_BYTES  4096 /* command, path or variable, with its zero */
#define PF_APP_ENV_MAX	   64
#define PF_APP_PREP_MAX	   16
#define PF_APP_DESKTOP_ID  1

struct pf_apps;
struct json_t; /* of jansson */

/* What the end of the command means to the session. */
enum pf_app_exit {
	PF_APP_EXIT_END,  /* the session ends, too */
	PF_APP_EXIT_STAY, /* the desk goes on without it */
};

struct pf_app_prep {
	char *do_command;   /* before the app, in order; a failure ends the launch; may be "" */
	char *undo_command; /* after it, in reverse order, whatever happened; may be "" */
};

struct pf_app {
	uint32_t id;			/* stable, 1 to INT32_MAX */
	char title[PF_APP_TITLE_BYTES]; /* UTF-8 without control characters */
	char *command;			/* by /bin/sh -c; "" = nothing to start */
	char *workdir;			/* absolute; "" = the home directory */
	char *image;			/* absolute path of a picture (art.h); "" = none */
	char **env;			/* "NAME=value" */
	unsigned env_count;
	struct pf_app_prep *prep;
	unsigned prep_count;
	bool detached; /* only starts: its end means nothing and cancel leaves it running */
	enum pf_app_exit exit_policy;
	uint32_t exit_timeout_ms; /* from SIGTERM to SIGKILL */
	unsigned refs;		  /* pf_app_ref; changed atomically */
};

/** Reads `path`, which need not exist, and logs its errors. -ENOMEM. */
int pf_apps_open(struct pf_apps **out, const char *path, struct pf_reason *why);
/** From now on pictures of apps are kept in `dir` (art.h) and go with their app. -ENOMEM. */
int pf_apps_keep_art(struct pf_apps *a, const char *dir);
/** That folder, or NULL; as long as the catalogue. Any thread. */
const char *pf_apps_art_dir(const struct pf_apps *a);
/** Accepts NULL. */
void pf_apps_close(struct pf_apps *a);
/** Calls fn for each entry, Desktop first. The entry is valid during the call. */
void pf_apps_each(struct pf_apps *a, void (*fn)(void *user, struct pf_app *app), void *user);
/** A reference to the entry of `id`, or NULL. */
struct pf_app *pf_apps_find(struct pf_apps *a, uint32_t id);
struct pf_app *pf_app_ref(struct pf_app *app);
/** Accepts NULL. */
void pf_app_unref(struct pf_app *app);

/** Adds an entry of the fields given (as in the file); *id is its new number.
 * -EINVAL for a bad field, -ENOSPC when full, -EBADMSG while the file has errors,
 * others from the disk. */
int pf_apps_add(
	struct pf_apps *a, const struct json_t *fields, uint32_t *id, struct pf_reason *why);
/** Replaces the fields given of an entry. -ENOENT; -EPERM for Desktop. */
int pf_apps_edit(
	struct pf_apps *a, uint32_t id, const struct json_t *fields, struct pf_reason *why);
/** -ENOENT; -EPERM for Desktop. */
int pf_apps_remove(struct pf_apps *a, uint32_t id, struct pf_reason *why);
/** The entry as in the file, or NULL without memory. Caller owns it. */
struct json_t *pf_app_to_json(const struct pf_app *app);

/* Where a catalogue's text went wrong. */
struct pf_apps_sink {
	void (*report)(void *user, bool is_error, unsigned line, const char *text);
	void *user;
};
/** Reads the text of a catalogue into `list` (PF_APPS_MAX places, without Desktop);
 * its entries are the caller's references. Hands errors and warnings to `sink`;
 * *errors counts the former. Returns the number of entries. Pure. */
unsigned pf_apps_parse(struct pf_app *list[PF_APPS_MAX], const char *text, size_t len,
	const struct pf_apps_sink *sink, unsigned *errors);
