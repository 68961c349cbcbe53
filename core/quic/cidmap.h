/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* cidmap.h - connection ID to connection.
 *
 * A connection answers to every ID it issued and, on the server, to the one the
 * client made up for its first packet. The hash is keyed at random, so that a
 * client cannot aim at one chain. One thread. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define PF_CID_MAX	20
#define PF_CIDMAP_SLOTS 512

struct pf_cid_entry;

struct pf_cidmap {
	uint64_t seed;
	size_t count;
	struct pf_cid_entry *slots[PF_CIDMAP_SLOTS];
};

void pf_cidmap_init(struct pf_cidmap *m, uint64_t seed);
void pf_cidmap_finish(struct pf_cidmap *m);
/** 0, -EEXIST when another owner has it, -EINVAL above PF_CID_MAX, -ENOMEM. */
int pf_cidmap_add(struct pf_cidmap *m, const uint8_t *cid, size_t len, void *owner);
/** The owner, or NULL. */
void *pf_cidmap_find(const struct pf_cidmap *m, const uint8_t *cid, size_t len);
void pf_cidmap_remove(struct pf_cidmap *m, const uint8_t *cid, size_t len);
/** Removes every ID of `owner`. */
void pf_cidmap_remove_owner(struct pf_cidmap *m, const void *owner);
