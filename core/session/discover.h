/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* discover.h - punktfunk_discover: asks the network and tells of the hosts it finds.
 *
 * Blocks the calling thread; several calls may run at once. */
#pragma once
#include <stdint.h>
#include "core/base/reason.h"
#include "punktfunk_core.h"

/** Calls `fn` for each host, again when one changed, and with address_count 0 when one
 * is gone, until `timeout_ms` (0 = 2000) have passed or `fn` returns other than 0. The
 * number of hosts there at the end. -ENOMEM; -EHOSTUNREACH, -EIO with the words. */
int pf_discover(uint32_t timeout_ms, PunktfunkFoundCallback fn, void *user, struct pf_reason *why);
