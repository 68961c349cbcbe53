/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* pf2_keys.h - keys of punktfunk/2's media out of what TLS exports (punktfunk1.md 20).
 *
 * One secret per direction, a key and an IV for each 2^23 packets of it. Pure, any
 * thread; the caller wipes what it got. */
#pragma once
#include <stdint.h>
#include "core/media/seal.h"

#define PF_PF2_EXPORT_LABEL    "EXPORTER-punktfunk/2 media"
#define PF_PF2_SECRET_BYTES    32
#define PF_PF2_PACKETS_PER_KEY ((uint64_t)1 << 23)

struct pf_pf2_key {
	uint8_t iv[12];
	uint8_t key[32]; /* AES-128-GCM takes the first 16 */
};

/** The secret of one direction; `prk` is 32 bytes of the exporter, its context the
 * session id. */
void pf_pf2_secret(
	uint8_t out[PF_PF2_SECRET_BYTES], const uint8_t prk[32], enum pf_direction direction);
/** What seals packet `seq`: seq / PF_PF2_PACKETS_PER_KEY chooses it. */
void pf_pf2_key_of(struct pf_pf2_key *out, const uint8_t secret[PF_PF2_SECRET_BYTES], uint64_t seq);
void pf_pf2_nonce(uint8_t out[12], const uint8_t iv[12], uint64_t seq);
