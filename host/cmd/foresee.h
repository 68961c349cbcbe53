/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* foresee.h - what a host chooses when it starts, and whether it would start with other
 * settings. Any thread. */
#pragma once
#include "host/display/display.h"
#include "host/registry/config.h"

/** The display backend that the settings mean, if it works here; else NULL, with why in
 * `said`, over several lines where there was a choice. */
const struct pf_display_ops *pf_choose_display(const struct pf_config *c, char *said, size_t cap);
/** Whether a host that runs with `now` would start with `next`, as far as one can tell:
 * tries what differs from `before`, an encoder for up to seconds. 0, or -EINVAL with words
 * that name the key. */
int pf_foresee_start(const struct pf_config *now, const struct pf_config *before,
	const struct pf_config *next, struct pf_reason *why);
/** Whether that opens more than ports. */
bool pf_foresee_is_slow(const struct pf_config *before, const struct pf_config *next);
