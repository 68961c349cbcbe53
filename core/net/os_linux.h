/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* os_linux.h - what only Linux has, behind names that another system could
 * provide too. Any thread. */
#pragma once

/** One descriptor that is readable while any of `count` others is; they stay the
 * caller's and must outlive it. Returns it, or a negative errno. */
int pf_os_poll_set(const int *fds, unsigned count);
