/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* recordings.h - figures of sessions, kept on disk to be compared later.
 *
 * One file per recording in a folder of the state directory: a line about it, then a line
 * per second as it is sampled, then one that ends it. What a killed host left is complete
 * up to its last line. Bounded in number, length and bytes. Files are read and removed on
 * the control loop, which takes milliseconds; lines are small and are not synced to disk. Private
 * to host/mgmt; control loop. */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/base/reason.h"

#define PF_RECORDINGS_MAX	 32u
#define PF_RECORDING_SAMPLES_MAX 3600u
#define PF_RECORDING_BYTES_MAX	 (3u << 20)
#define PF_RECORDING_NAME_BYTES	 65 /* with the zero */

struct pf_recordings;

/** Lists what is in `dir`, which is made with the first recording. -ENOMEM; a folder that
 * cannot be read is empty. */
int pf_recordings_open(struct pf_recordings **out, const char *dir);
/** Ends the one that runs. Accepts NULL. */
void pf_recordings_close(struct pf_recordings *r);

/** Begins one. -EBUSY while one runs, -ENOSPC when there are too many, others from the disk;
 * with the words. `name` NULL = the time. */
int pf_recordings_start(
	struct pf_recordings *r, const char *name, uint32_t *id, struct pf_reason *why);
/** -ENOENT when there is no such recording, -EALREADY when it has ended. */
int pf_recordings_stop(struct pf_recordings *r, uint32_t id, struct pf_reason *why);
/** -ENOENT. One that runs ends. */
int pf_recordings_remove(struct pf_recordings *r, uint32_t id, struct pf_reason *why);
/** A sample for the one that runs, if one does. True: it has ended, full or for want of
 * disk. */
bool pf_recordings_sample(struct pf_recordings *r, const json_t *sample);
/** False for NULL. */
bool pf_recordings_running(const struct pf_recordings *r);
/** { id, name, started, seconds, bytes, running }; NULL when there is none. */
json_t *pf_recordings_one(const struct pf_recordings *r, uint32_t id);
/** All, oldest first. NULL when out of memory. */
json_t *pf_recordings_list(const struct pf_recordings *r);
/** The text of the object of pf_recordings_one with its "samples" as a list, malloc'ed.
 * -ENOENT, others from the disk. */
int pf_recordings_read(
	const struct pf_recordings *r, uint32_t id, char **out, size_t *len, struct pf_reason *why);
