/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* input.h - GameStream input becomes events for a desk's devices
 * (gamestream.md 7, to the kinds of punktfunk1.md 9).
 *
 * Holds what the client's modifier byte needs: which modifiers are down. What
 * the client may not do (its grants) is dropped and counted. One thread. */
#pragma once
#include <stdint.h>
#include "core/wire/gs_input.h"
#include "host/encode/fit.h"
#include "host/input/input.h"

struct pf_gs_input_map {
	uint32_t grants; /* pf_grants bits of the client */
	uint8_t down;	 /* pf_gs_modifier: held by keys of their own */
	uint64_t events, denied;
	void (*post)(void *user, const struct pf_input_event *ev);
	/* Pads, touch and pen, which have devices of their own (pads.h). */
	void (*device)(void *user, const struct pf_gs_input *in);
	void *user;
};

/** Places are of the client's picture, and the desk wants them of its own: moves
 * those of mouse, touch and pen by `fit` (all zero: nothing to do). */
void pf_gs_input_place(const struct pf_fit *fit, struct pf_gs_input *in);
/** Posts the events of one input, in order. */
void pf_gs_input_map(struct pf_gs_input_map *m, const struct pf_gs_input *in);
