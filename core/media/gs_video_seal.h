/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* gs_video_seal.h - encrypts GameStream video packets (gamestream.md 4.7).
 *
 * AES-128-GCM without associated data; the nonce is a counter that runs through
 * the whole life of the key, so a key has one sealer and never a second one.
 * Not in place: the packetizer still needs the plain packets for parity. One
 * thread; nothing is allocated after init. */
#pragma once
#include <stdint.h>
#include "core/crypto/aead.h"
#include "core/crypto/block.h"
#include "core/wire/gs_video.h"

#define PF_GS_VIDEO_BATCH 64 /* packets handed to the AEAD in one call */

struct pf_gs_video_seal {
	struct pf_aead *aead;
	uint64_t counter; /* of the next packet */
	struct pf_aead_job jobs[PF_GS_VIDEO_BATCH];
};

/** Errors of pf_aead_create. */
int pf_gs_video_seal_init(struct pf_gs_video_seal *s, const uint8_t key[PF_AES128_KEY_BYTES]);
/** Wipes; accepts a zeroed struct. */
void pf_gs_video_seal_finish(struct pf_gs_video_seal *s);
/** Seals `count` packets of `bytes` each that lie back to back in `plain` into
 * `out`, where each gets PF_GS_PREFIX_BYTES more. 0 or -EIO. */
int pf_gs_video_seal_packets(struct pf_gs_video_seal *s, uint32_t frame_index, const uint8_t *plain,
	uint32_t bytes, unsigned count, uint8_t *out);
