/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* password.h - what is kept of a password: argon2id over libsodium.
 *
 * Each call takes some 64 MiB and a tenth of a second of one core: never on a loop's
 * thread, and few at a time. Any thread. */
#pragma once
#include <stddef.h>

#define PF_PASSWORD_HASH_BYTES 128 /* with its zero */

/** A text from which nobody gets the password back, with a salt of its own. 0, or -ENOMEM. */
int pf_password_hash(char out[PF_PASSWORD_HASH_BYTES], const char *password, size_t len);
/** 0 when `hash` is of this password, -EACCES when not, -EBADMSG when it is no such text. */
int pf_password_verify(const char *hash, const char *password, size_t len);
