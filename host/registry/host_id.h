/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* host_id.h - what clients tell this host by, whatever its address, name or key.
 *
 * A random UUID in a file of its own, made on first start. It proves nothing: the
 * fingerprint does. Any thread. */
#pragma once
#include "core/base/reason.h"

#define PF_HOST_ID_BYTES 37 /* 36 characters and the zero */

/** Reads the id from `path`, or makes one there; what is no id is replaced. Errors
 * of the disk with the words. */
int pf_host_id_open(char out[PF_HOST_ID_BYTES], const char *path, struct pf_reason *why);
