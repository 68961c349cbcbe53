/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* asleep.h - sessions end with a word before the machine sleeps, and while there
 * are any it does not fall asleep by itself. Control loop. */
#pragma once

struct pf_asleep;
struct pf_gamestream;
struct pf_loop;
struct pf_native;

/** Borrows both planes; `gamestream` may be NULL. 0, -ENOMEM. */
int pf_asleep_start(struct pf_asleep **out, struct pf_loop *loop, struct pf_native *native,
	struct pf_gamestream *gamestream);
/** Before the planes go. Accepts NULL. */
void pf_asleep_stop(struct pf_asleep *a);
