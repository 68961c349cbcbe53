/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tools/linerate/content.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Room for pieces to differ in: 4096 places, 64 bytes apart. */
#define PLACES	    4096u
#define PLACE_BYTES 64u

/* splitmix64 */
static uint64_t mix(uint64_t z)
{
	z += 0x9e3779b97f4a7c15ull;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

int pf_content_mean(struct pf_content_rules *r, uint64_t bps)
{
	uint64_t frame = bps / 8 / r->fps, all = frame * r->keyframe_every;

	if (!r->keyframe_bytes || r->keyframe_every < 2) {
		r->mean_bytes = (uint32_t)frame;
		return 0;
	}
	if (all < r->keyframe_bytes + (uint64_t)r->keyframe_every)
		return -EINVAL;
	r->mean_bytes = (uint32_t)((all - r->keyframe_bytes) / (r->keyframe_every - 1));
	return 0;
}

size_t pf_content_max_bytes(const struct pf_content_rules *r)
{
	size_t most = r->fixed ? r->mean_bytes : (size_t)r->mean_bytes * 5 / 2 + 1;

	return most > r->keyframe_bytes ? most : r->keyframe_bytes;
}

int pf_content_init(struct pf_content *c, const struct pf_content_rules *rules)
{
	size_t words;
	uint64_t s;

	c->rules = *rules;
	words = (pf_content_max_bytes(rules) + (size_t)PLACES * PLACE_BYTES) / 8 + 1;
	c->pool_bytes = words * 8;
	c->pool = malloc(c->pool_bytes);
	if (!c->pool)
		return -ENOMEM;
	for (size_t i = 0; i < words; i++) {
		s = mix(rules->seed * 0x100000001b3ull + i);
		memcpy(c->pool + 8 * i, &s, 8);
	}
	return 0;
}

void pf_content_finish(struct pf_content *c)
{
	free(c->pool);
	c->pool = NULL;
}

bool pf_content_due_keyframe(const struct pf_content *c, uint32_t index)
{
	return c->rules.keyframe_bytes && c->rules.keyframe_every &&
	       index % c->rules.keyframe_every == 0;
}

const uint8_t *pf_content_frame(
	const struct pf_content *c, uint32_t index, bool keyframe, size_t *len)
{
	uint64_t luck = mix(c->rules.seed ^ (uint64_t)index << 20);
	double u = (double)(luck >> 40) * 0x1p-24;

	if (keyframe && c->rules.keyframe_bytes)
		*len = c->rules.keyframe_bytes;
	else if (c->rules.fixed)
		*len = c->rules.mean_bytes;
	else /* many small ones, few large ones, and the mean is kept */
		*len = (size_t)(c->rules.mean_bytes * (0.25 + 2.25 * u * u));
	return c->pool + (size_t)(luck % PLACES) * PLACE_BYTES;
}

bool pf_content_is(
	const struct pf_content *c, uint32_t index, bool keyframe, const uint8_t *data, size_t len)
{
	size_t want;
	const uint8_t *p = pf_content_frame(c, index, keyframe, &want);

	return len == want && !memcmp(p, data, len);
}
