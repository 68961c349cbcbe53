/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* user.h - the host never works as root.
 *
 * Started by root it becomes an ordinary user as a whole: groups, ids, HOME and
 * the XDG directories, then it executes itself again, so that nothing opened or
 * read as root survives. Main thread, before any other thread exists. */
#pragma once
#include "core/base/reason.h"

#define PF_USER_DEFAULT "punktfunk" /* made by scripts/install-deps */

/** As root: becomes `name`, else the user of SUDO_UID, else PF_USER_DEFAULT, and
 * executes the program anew with `argv`; returns only on failure. As another
 * user: 0, or -EPERM when `name` is someone else. `name` may be NULL or "". */
int pf_user_become(const char *name, char *const argv[], struct pf_reason *why);
/** Makes XDG_RUNTIME_DIR point to a directory of this user: the one that is set,
 * else /run/user/UID, else a private one in /tmp, as there may be no logind. */
int pf_user_runtime_dir(struct pf_reason *why);
/** Sets SHELL, which terminals start, unless it names a shell already: the account's,
 * or a plain one when the account is not for logging in. */
void pf_user_shell(void);
/** Name of the user of this process; returns buf. */
const char *pf_user_name(char *buf, unsigned cap);
