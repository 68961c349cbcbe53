/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* shard_fit.h - how large the shards of a session may be (punktfunk1.md 6, 13).
 *
 * What the path was shown to carry decides. Smaller ones are used at once, since the
 * path loses the others, or splits each; larger ones only when the client has said
 * that it takes them. Pure, plain data, one thread at a time. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct pf_shard_fit {
	uint16_t standard;   /* of a full Ethernet packet, as Welcome said */
	uint16_t client_max; /* 0 = the client takes no changes */
	uint16_t in_force;
	uint16_t asked; /* larger ones that the client has not answered yet, or 0 */
};

struct pf_shard_news {
	uint16_t tell; /* payload to announce to the client, 0 = nothing new */
	bool use;      /* and to use from the next frame on */
};

void pf_shard_fit_init(struct pf_shard_fit *f, uint16_t standard, uint16_t client_max);
/** The path carries `bytes` of UDP payload. `ethernet` and less is what is known of any
 * path that carries the standard ones; only more than it makes jumbo shards. */
struct pf_shard_news pf_shard_fit_path(struct pf_shard_fit *f, unsigned bytes, unsigned ethernet);
/** The announcement did not leave: all as before it. */
void pf_shard_fit_unsaid(struct pf_shard_fit *f, uint16_t before);
/** The client acknowledges `bytes`. What to use from now on, or 0. */
uint16_t pf_shard_fit_ack(struct pf_shard_fit *f, uint16_t bytes);
