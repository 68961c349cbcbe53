/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* aead.h - authenticated encryption by provider.
 *
 * Providers (libipsec-mb with VAES, libsodium for ChaCha, GnuTLS, nettle) sit in
 * one table, best first; the first that supports the algorithm on this CPU wins.
 * Nonces are 12 bytes: GnuTLS ignores longer ones without a word (libraries.md 3),
 * so the general call refuses them; the 16-byte form has a call of its own that
 * only nettle serves. A context belongs to one thread. Keys are wiped on free. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PF_AEAD_NONCE_BYTES 12
#define PF_AEAD_TAG_BYTES   16

enum pf_aead_alg {
	PF_AEAD_AES128_GCM,
	PF_AEAD_CHACHA20_POLY1305,
};

struct pf_aead;

/* One packet of a batch. `in` and `out` may be the same memory. */
struct pf_aead_job {
	const uint8_t *nonce; /* 12 bytes */
	const uint8_t *aad;
	size_t aad_len;
	const uint8_t *in;
	uint8_t *out;
	size_t len;   /* of in and out, without tag */
	uint8_t *tag; /* 16 bytes: written by seal, checked by open */
	int result;   /* open: 0 or -EBADMSG */
};

/** `provider` NULL = best that fits; else its name ("ipsec-mb", "sodium",
 * "gnutls", "nettle"). key_len 16 (AES) or 32 (ChaCha). 0, -EINVAL, -ENOTSUP, -ENOMEM. */
int pf_aead_create(struct pf_aead **out, enum pf_aead_alg alg, const uint8_t *key, size_t key_len,
	const char *provider);
void pf_aead_free(struct pf_aead *a);
const char *pf_aead_provider(const struct pf_aead *a);
/** Name of provider number i, best first, or NULL past the end. */
const char *pf_aead_provider_name(unsigned i);
/** Seals or opens `n` packets, in place where in == out. No allocation. seal: 0
 * or -EIO. open: 0, or -EBADMSG if at least one failed (see job.result; its
 * output is wiped). */
int pf_aead_seal(struct pf_aead *a, struct pf_aead_job *jobs, size_t n);
int pf_aead_open(struct pf_aead *a, struct pf_aead_job *jobs, size_t n);
