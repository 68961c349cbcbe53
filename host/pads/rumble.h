/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* rumble.h - force-feedback effects of the kernel as two motor levels.
 *
 * Programs upload effects with delay, length and envelope and start them; a
 * client knows only two motors. Effects that play at once add up. Plain data,
 * one thread; the caller supplies the time. */
#pragma once
#include <linux/input.h>
#include <stdbool.h>
#include <stdint.h>

#define PF_RUMBLE_EFFECTS 16

struct pf_rumble {
	struct pf_rumble_effect {
		bool used;
		int32_t left;		   /* rounds to play; 0 = stopped */
		uint64_t start_ns, end_ns; /* of this round; end 0 = until stopped */
		struct ff_effect what;
	} effects[PF_RUMBLE_EFFECTS];
	uint16_t gain;
};

void pf_rumble_init(struct pf_rumble *r);
/** Makes or changes the effect of that id; one that plays begins anew. 0, or -EINVAL:
 * neither rumble nor periodic, or an id out of range. */
int pf_rumble_upload(struct pf_rumble *r, const struct ff_effect *effect, uint64_t now_ns);
void pf_rumble_erase(struct pf_rumble *r, uint32_t id);
/** `rounds` 0 stops it. An unknown id is ignored. */
void pf_rumble_play(struct pf_rumble *r, uint32_t id, int32_t rounds, uint64_t now_ns);
/** What the motors do now (*low the strong one), and the time to ask again; 0: nothing
 * changes by itself. */
uint64_t pf_rumble_levels(struct pf_rumble *r, uint64_t now_ns, uint16_t *low, uint16_t *high);
