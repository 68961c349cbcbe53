/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* content.h - frames whose size and bytes follow from a seed and their number.
 *
 * Every frame is a piece of one seeded pool, so making one costs nothing and
 * checking one is a comparison. One owner, read-only after init. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Plain data that both ends agree on. */
struct pf_content_rules {
	uint64_t seed;
	uint32_t fps;
	uint32_t mean_bytes;	 /* of a frame that is no keyframe */
	uint32_t keyframe_bytes; /* 0 = no keyframes */
	uint32_t keyframe_every; /* frames */
	uint8_t fixed;		 /* all of mean_bytes; else 1/4 to 5/2 of it */
};

struct pf_content {
	struct pf_content_rules rules;
	uint8_t *pool;
	size_t pool_bytes;
};

/** Mean for a stream of `bps` in all, keyframes included. 0, or -EINVAL when they
 * alone are more. */
int pf_content_mean(struct pf_content_rules *rules, uint64_t bps);
/** Largest frame of such a stream. */
size_t pf_content_max_bytes(const struct pf_content_rules *rules);
/** 0 or -ENOMEM. */
int pf_content_init(struct pf_content *c, const struct pf_content_rules *rules);
void pf_content_finish(struct pf_content *c);
/** Whether frame `index` is a keyframe without being asked for. */
bool pf_content_due_keyframe(const struct pf_content *c, uint32_t index);
/** The bytes of frame `index`, borrowed from the pool. */
const uint8_t *pf_content_frame(
	const struct pf_content *c, uint32_t index, bool keyframe, size_t *len);
/** True if this is that frame, byte for byte. */
bool pf_content_is(
	const struct pf_content *c, uint32_t index, bool keyframe, const uint8_t *data, size_t len);
