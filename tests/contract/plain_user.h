/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* plain_user.h - compositors refuse root, so their tests give it up.
 *
 * Call once, first thing in main, before any thread. */
#pragma once
#include <sys/types.h>

/** As root: copies the named tools of the build (NULL-ended, e.g.
 * "tools/pattern/pf-pattern") into a private directory, becomes the user
 * `punktfunk` or `nobody` for good, with HOME and XDG_* there. As a user: makes
 * the directory only. Exits with words on failure. */
void pf_test_become_user(const char *const *tools);
/** The private directory; removed at exit. */
const char *pf_test_dir(void);
/** A fresh 0700 directory in it, malloc'ed. */
char *pf_test_subdir(const char *prefix);
/** Where a tool named above can be executed; malloc'ed. */
char *pf_test_tool(const char *tool);
/** A process whose command line, words joined by spaces, begins with `start` and
 * holds `word`; 0 if none. */
pid_t pf_test_process_of(const char *start, const char *word);
