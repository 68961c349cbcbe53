/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* node.h - the kernel's doors to virtual devices, /dev/uinput and /dev/uhid, and the
 * place that ours claim to be plugged in at. */
#pragma once
#include <stddef.h>
#include "core/base/reason.h"

/** Opens `path` for reading and writing, not blocking; the descriptor, or -errno:
 * `why` then names cause and remedy, `module` being the kernel's part behind it. */
int pf_pad_node_open(const char *path, const char *module, struct pf_reason *why);
/** "punktfunk/<client>/<part>", by which a person or a rule knows our devices; a slash
 * in the client's name becomes an underscore. */
void pf_pad_node_phys(char *out, size_t cap, const char *client, const char *part);
