/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* rundir.h - private directories for sockets and children's files.
 *
 * A desk gets one of its own, mode 0700, so that no other user can reach its
 * compositor. Removing never follows a symbolic link and never leaves the
 * directory's file system. Any thread. */
#pragma once
#include "core/base/reason.h"

/** Makes a fresh 0700 directory `parent`/`prefix`XXXXXX and hands out its
 * malloc'ed absolute path. `parent` NULL means $XDG_RUNTIME_DIR, or /tmp where
 * that is missing or not ours. Negative errno with the words. */
int pf_rundir_create(const char *parent, const char *prefix, char **path, struct pf_reason *why);
/** Removes `path` and what is in it; 0, also when it was not there, or the
 * first negative errno (it removes what it can all the same). */
int pf_rundir_remove(const char *path);
