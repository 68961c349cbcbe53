/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* secret.h - handling of key material: wipe, compare, random. Any thread. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

/** Overwrites `len` bytes with zeros; never optimised away. Accepts NULL with 0. */
void pf_secret_wipe(void *p, size_t len);
/** Wipes and frees what malloc made; accepts NULL. */
void pf_secret_free(void *p, size_t len);
/** As realloc to `cap` > `len` bytes, but no copy of the `len` that were there is left
 * behind. NULL = no memory; then `p` is as it was. */
void *pf_secret_grow(void *p, size_t len, size_t cap);
/** Whether `len` bytes are equal, in time that depends on `len` only. */
bool pf_secret_equal(const void *a, const void *b, size_t len);
/** Fills `out` with bytes fit for keys. 0, or -EIO when the system has none. */
int pf_random_bytes(void *out, size_t len);
