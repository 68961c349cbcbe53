/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* backends.h - the rows of input.c's registry, and the null device's counters. */
#pragma once
#include "host/input/input.h"

/* Virtual pointer and keyboard of a wlroots compositor. */
extern const struct pf_input_ops wlr_input_ops;
/* Swallows and counts. Options: fail-open=1; full-after=N (post says -EAGAIN from
 * event N on). */
extern const struct pf_input_ops null_input_ops;

#define PF_INPUT_KINDS 17 /* of the wire: 0 .. 16 */

struct pf_null_input_counts {
	uint64_t kinds[PF_INPUT_KINDS], unknown, dropped, releases;
	unsigned keys_held, buttons_held;
};

/** What a null device got so far. */
void pf_null_input_counts(struct pf_input *in, struct pf_null_input_counts *out);
