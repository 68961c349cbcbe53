/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* password.h - the password of the web console: what is kept of it in the state
 * directory.
 *
 * The file mgmt-password, 0600, holds the text of core/crypto/password.h and is replaced
 * whole. Whoever changes it, by the console, the command line or by hand, ends all
 * log-ins: the host looks whether it is still the file it was. Any thread; calls block
 * on the disk, and for a tenth of a second on the hash. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include "core/base/reason.h"

#define PF_MGMT_PASSWORD_FILE	   "mgmt-password"
#define PF_MGMT_PASSWORD_MIN	   8
#define PF_MGMT_PASSWORD_MAX	   128
#define PF_MGMT_PASSWORD_NEW_BYTES 24 /* a made one with its zero */

/** A password of 100 random bits in letters and digits that are not mistaken for each
 * other. 0 or -EIO. The caller wipes it. */
int pf_mgmt_password_make(char out[PF_MGMT_PASSWORD_NEW_BYTES]);
/** Whether a person may choose it; else the words. */
bool pf_mgmt_password_fits(const char *password, size_t len, struct pf_reason *why);
/** Writes what is kept of it to `path`; on the disk when it returns. */
int pf_mgmt_password_set(const char *path, const char *password, size_t len, struct pf_reason *why);
/** 0 when it is the one, -EACCES when not, -ENOENT when none is set, -EPERM when others
 * than the host's user may read or write the file, -EBADMSG when it is damaged. */
int pf_mgmt_password_check(
	const char *path, const char *password, size_t len, struct pf_reason *why);
