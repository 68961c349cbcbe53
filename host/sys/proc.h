/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* proc.h - finding processes through /proc without the C library's help.
 *
 * Everything here is async-signal-safe: no allocation, no lock, plain system
 * calls. A guard runs it in the forked copy of a threaded process. */
#pragma once
#include <stddef.h>
#include <sys/types.h>

/** Signals every direct child of the caller; returns how many there were (the
 * unreaped dead included), or a negative errno when /proc cannot be read. */
int pf_proc_kill_children(int sig);
/** Signals children, their children and so on. Returns as above. */
int pf_proc_kill_descendants(int sig);
/** Signals every readable process whose environment holds the exact entry
 * `entry` ("NAME=value"), the caller excepted. Returns as above. */
int pf_proc_kill_tagged(const char *entry, int sig);
