/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* facts.h - what `_punktfunk._udp` says about the machine: how to wake it, what
 * icon to show.
 *
 * Read once at the start from files that the caller names, so tests have their own.
 * What cannot be found out is left out. Any thread. */
#pragma once
#include <stddef.h>

#define PF_FACTS_MACS_BYTES 144 /* eight of 17 characters, commas between */
#define PF_FACTS_OS_BYTES   128

/** Addresses of the wired and wireless cards of `sys_net` (/sys/class/net) that are
 * set to wake the machine, "aa:bb:cc:dd:ee:ff,...", at most eight; the card with the
 * default route of `routes` (/proc/net/route) first, the others by name. "" for none. */
void pf_facts_macs(char out[PF_FACTS_MACS_BYTES], const char *sys_net, const char *routes);
/** "linux/debian/ubuntu" out of ID and ID_LIKE of the file `os_release`; "linux" when
 * that says nothing. */
void pf_facts_os(char out[PF_FACTS_OS_BYTES], const char *os_release);
