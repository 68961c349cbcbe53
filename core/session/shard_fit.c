/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/session/shard_fit.h"
#include "core/media/seal.h"
#include "core/wire/pf1_media.h"

#define OVER (PF_SEAL_OVERHEAD + PF_MEDIA_HDR_BYTES)

void pf_shard_fit_init(struct pf_shard_fit *f, uint16_t standard, uint16_t client_max)
{
	client_max &= ~1u;
	/* Nobody can have shards as small as that. */
	if (client_max < PF_SHARD_MIN)
		client_max = 0;
	*f = (struct pf_shard_fit){
		.standard = standard,
		.client_max = client_max < PF_SHARD_MAX ? client_max : PF_SHARD_MAX,
		.in_force = standard,
	};
}

struct pf_shard_news pf_shard_fit_path(struct pf_shard_fit *f, unsigned bytes, unsigned ethernet)
{
	struct pf_shard_news none = { 0 };
	unsigned fits;

	if (!f->client_max || bytes < OVER + PF_SHARD_MIN)
		return none;
	fits = (bytes - OVER) & ~1u;
	if (bytes <= ethernet && fits > f->standard)
		fits = f->standard;
	if (fits > f->client_max)
		fits = f->client_max;
	if (fits < f->in_force) {
		f->in_force = (uint16_t)fits;
		f->asked = 0;
		return (struct pf_shard_news){ (uint16_t)fits, true };
	}
	if (fits == f->in_force || fits == f->asked)
		return none;
	f->asked = (uint16_t)fits;
	return (struct pf_shard_news){ (uint16_t)fits, false };
}

void pf_shard_fit_unsaid(struct pf_shard_fit *f, uint16_t before)
{
	f->in_force = before;
	f->asked = 0;
}

uint16_t pf_shard_fit_ack(struct pf_shard_fit *f, uint16_t bytes)
{
	/* An answer to what is no longer asked says nothing about today's path. */
	if (!bytes || bytes != f->asked)
		return 0;
	f->in_force = bytes;
	f->asked = 0;
	return bytes;
}
