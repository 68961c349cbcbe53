/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* art.h - the pictures of apps.
 *
 * What was uploaded is kept in a folder of the host's own, one file per app, named by
 * the app's number; else the picture is the file that the catalogue names. What a file
 * is, its first bytes say. Any thread; calls block on the disk. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/base/reason.h"
#include "host/registry/apps.h"

#define PF_ART_BYTES	   (1u << 20) /* the most that is taken in */
#define PF_ART_IMAGE_BYTES (4u << 20) /* the most that is read of an app's `image` */

/** "image/png", "image/jpeg", "image/webp", or NULL for anything else. Pure. */
const char *pf_art_type(const uint8_t *data, size_t len);
/** Whether a picture of the app is kept in `dir`. */
bool pf_art_is_kept(const char *dir, uint32_t id);
/** The picture: the one kept, else the file of `app`. *data is the caller's. -ENOENT
 * when there is none, -EINVAL and others for a file that is no picture or cannot be read. `dir`
 * may be NULL. */
int pf_art_read(const char *dir, const struct pf_app *app, uint8_t **data, size_t *len,
	const char **type, struct pf_reason *why);
/** Keeps a picture; on the disk when it returns 0. -EINVAL for what is none, -EFBIG,
 * -EIO with the disk's words. */
int pf_art_write(
	const char *dir, uint32_t id, const uint8_t *data, size_t len, struct pf_reason *why);
/** Forgets the picture that is kept. -ENOENT when there is none, -EIO. */
int pf_art_remove(const char *dir, uint32_t id, struct pf_reason *why);
