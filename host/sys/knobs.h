/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* knobs.h - "key=value,key=value" for the null and pattern backends.
 *
 * Pure, any thread. A key that nobody asks for is ignored. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/** The number after `key=` in `knobs` (NULL = none), or `otherwise`. */
uint64_t pf_knob_number(const char *knobs, const char *key, uint64_t otherwise);
/** Is there a `key=word` in `knobs`? */
bool pf_knob_is(const char *knobs, const char *key, const char *word);
