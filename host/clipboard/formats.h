/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* formats.h - names of formats: those of punktfunk/1 (punktfunk1.md 15) and what
 * programs here call them. Pure, any thread. */
#pragma once
#include <stdbool.h>
#include "core/session/clip.h"

#define PF_CLIP_LOCAL_MAX  64 /* names of one selection that are looked at */
#define PF_CLIP_LOCAL_NAME 128

/* What a program offers. */
struct pf_clip_local {
	unsigned count;
	char names[PF_CLIP_LOCAL_MAX][PF_CLIP_LOCAL_NAME];
};

/** The formats of the wire that stand for `l`, without pictures unless `images`; count
 * 0 when there are none, and when a password manager marked it. Leaves out->seq. */
void pf_clip_to_wire(struct pf_clip_offer *out, const struct pf_clip_local *l, bool images);
/** The name in `l` to ask its program for, or NULL. */
const char *pf_clip_pick(const struct pf_clip_local *l, const char *wire);
/** All names under which an offer of the wire is offered to programs. */
void pf_clip_to_local(struct pf_clip_local *out, const struct pf_clip_offer *o, bool images);
/** The format of the wire that a name means, or NULL. */
const char *pf_clip_wire_of(const char *name);
