/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* known.h - what the probe keeps between runs: its identity, and the hosts that it
 * paired with.
 *
 * In $XDG_DATA_HOME/punktfunk-probe (0700): identity.pem, and known_hosts (0600) with
 * a line "HOST PORT FINGERPRINT" each, as written on the command line. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The path of `name` in the folder, which is made. 0, -ENOENT without a home,
 * -ENAMETOOLONG, others from the disk. */
int pf_known_path(char *buf, size_t cap, const char *name);
/** The fingerprint kept for a host. 0, -ENOENT, others from the disk. */
int pf_known_find(uint8_t fingerprint[32], const char *host, uint16_t port);
/** Whether it is kept for any host. */
bool pf_known_has(const uint8_t fingerprint[32]);
/** Keeps it, in place of what was kept for this host. 0, or an error of the disk. */
int pf_known_put(const char *host, uint16_t port, const uint8_t fingerprint[32]);
