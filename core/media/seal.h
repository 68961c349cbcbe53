/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* seal.h - the sealed form of media packets (punktfunk1.md 10.2).
 *
 * On the wire: seq u64 BE | ciphertext | tag 16. The nonce is the session's
 * salt, its top bit replaced by the sender's direction, followed by seq; the 8
 * seq bytes are the associated data. One sealer or opener belongs to one
 * thread; nothing is allocated after init. */
#pragma once
#include <stdint.h>
#include "core/crypto/aead.h"
#include "core/wire/pf1_media.h"

/* Packets handed to the AEAD in one call. */
#define PF_SEAL_BATCH 64

enum pf_direction {
	PF_FROM_HOST = 0,
	PF_FROM_CLIENT = 1,
};

/* Secrets of one session, as the Welcome carries them. Wipe copies after use. */
struct pf_media_keys {
	enum pf_aead_alg alg;
	uint8_t key[32]; /* AES uses the first 16 */
	uint8_t salt[4];
};

struct pf_seal {
	struct pf_aead *aead;
	uint8_t salt[4]; /* direction bit already in */
	uint64_t seq;	 /* sealer: of the next packet */
	struct pf_aead_job jobs[PF_SEAL_BATCH];
	uint8_t nonces[PF_SEAL_BATCH][PF_AEAD_NONCE_BYTES];
};

/* One sealed packet to open in place. */
struct pf_sealed {
	uint8_t *data; /* from the first seq byte */
	uint32_t len;
	int result;   /* 0, -EBADMSG forged, -EMSGSIZE length out of bounds */
	uint64_t seq; /* valid once opened */
};

/** Direction is the packets' sender's. Errors of pf_aead_create. */
int pf_seal_init(struct pf_seal *s, const struct pf_media_keys *keys, enum pf_direction dir);
/** Wipes; accepts a zeroed struct. */
void pf_seal_finish(struct pf_seal *s);
/** Seals `count` packets in place. Packet i starts at base + i * stride: 8 bytes
 * of room, `plain_bytes` of plaintext, 16 bytes of room. 0 or -EIO. */
int pf_seal_packets(
	struct pf_seal *s, uint8_t *base, uint32_t stride, uint32_t plain_bytes, unsigned count);
/** The same, the plaintext taken from equal packets at `plain`, which stay as they are. */
int pf_seal_packets_from(struct pf_seal *s, uint8_t *base, uint32_t stride, const uint8_t *plain,
	uint32_t plain_bytes, unsigned count);
/** Opens `count` packets in place: plaintext then starts at data + 8 and is
 * len - 24 long. Sets each result; returns how many opened. */
unsigned pf_seal_open(struct pf_seal *s, struct pf_sealed *packets, unsigned count);
/** Opens one packet; the plaintext (len - 24 bytes) goes to `out`, which may be
 * data + 8 and else overlaps nothing. What is at `out` of a packet that does not open
 * is zero. Sets and returns the result. */
int pf_seal_open_at(struct pf_seal *s, struct pf_sealed *packet, uint8_t *out);
