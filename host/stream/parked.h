/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* parked.h - an encoder that waits, between two streams of one desk, for the next.
 *
 * Opening one takes some milliseconds of a start, most of all on a busy machine.
 * No locks: one owner at a time; closing may block. */
#pragma once
#include <stdint.h>
#include "host/encode/encode.h"

struct pf_parked;

/** Takes the encoder, which was opened as `name` ("" = any) with `params` (copied)
 * and has seen `pictures` so far. NULL when out of memory; then it is closed. */
struct pf_parked *pf_parked_make(struct pf_encoder *encoder, const char *name,
	const struct pf_encoder_params *params, uint64_t pictures);
/** Hands the encoder back if it does what `params` ask of `name`, at their bit rate,
 * else closes it and returns NULL. Frees `parked` either way; accepts NULL. */
struct pf_encoder *pf_parked_take(struct pf_parked *parked, const char *name,
	const struct pf_encoder_params *params, uint64_t *pictures);
/** Closes it. Takes a struct pf_parked *; accepts NULL. */
void pf_parked_drop(void *parked);
