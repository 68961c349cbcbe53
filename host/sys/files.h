/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* files.h - whole files and the host's own directories.
 *
 * A file is replaced by writing a new one beside it, fsync, rename: a crash at
 * any point leaves the old or the new one. Directories are made 0700. Any
 * thread; calls block on the disk. */
#pragma once
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "core/base/reason.h"

#define PF_PATH_BYTES PATH_MAX
/* How the new file that pf_file_replace writes beside the old one ends: NAME.XXXXXX.pf-new */
#define PF_FILE_NEW ".pf-new"

enum pf_dir {
	PF_DIR_CONFIG,	/* $XDG_CONFIG_HOME/punktfunk */
	PF_DIR_DATA,	/* $XDG_DATA_HOME/punktfunk: keys */
	PF_DIR_STATE,	/* $XDG_STATE_HOME/punktfunk: logs, what may be lost */
	PF_DIR_RUNTIME, /* $XDG_RUNTIME_DIR/punktfunk: sockets */
};

/** The whole file in *data (caller frees; one zero byte follows it), its size in
 * *len. -ENOENT etc. with the words, -EFBIG above `max` bytes, -EINVAL for
 * what is no file; does not wait for a pipe. */
int pf_file_read(const char *path, size_t max, uint8_t **data, size_t *len, struct pf_reason *why);
/** Replaces `path` atomically; on the disk, file and folder, when it returns 0. After a
 * failure there is the old file, or, where only the folder was not written, the new one. */
int pf_file_replace(
	const char *path, mode_t mode, const void *data, size_t len, struct pf_reason *why);
/** Removes a file; gone from the disk, too, when it returns 0. -ENOENT etc. with the words. */
int pf_file_remove(const char *path, struct pf_reason *why);
/** Removes what killed writers left in a directory, which need not be there. While nobody
 * else writes there. */
void pf_dir_sweep(const char *path);
/** The path of one of our directories, by XDG variable or its default. No side
 * effect. -ENOENT when neither the variable nor HOME is set. */
int pf_dir_path(enum pf_dir dir, char *buf, size_t cap, struct pf_reason *why);
/** As pf_dir_path, and makes it (parents 0700 too) and checks that it can be
 * written. */
int pf_dir_make(enum pf_dir dir, char *buf, size_t cap, struct pf_reason *why);
/** Makes `path` and what is missing above it with `mode`. */
int pf_mkdirs(const char *path, mode_t mode);
