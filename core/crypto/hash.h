/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* hash.h - SHA-256, HMAC-SHA256 and HKDF-SHA256 (RFC 5869).
 *
 * Input may come in parts, hashed in order as if joined. Pure, any thread; the
 * working state is wiped. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define PF_SHA256_BYTES	      32
#define PF_HKDF_MAX_OUT_BYTES (255 * PF_SHA256_BYTES)

struct pf_hash_part {
	const void *p;
	size_t len;
};

void pf_sha256(const void *data, size_t len, uint8_t out[PF_SHA256_BYTES]);
void pf_sha256_parts(const struct pf_hash_part *parts, size_t n, uint8_t out[PF_SHA256_BYTES]);
void pf_hmac_sha256(const void *key, size_t key_len, const struct pf_hash_part *parts, size_t n,
	uint8_t out[PF_SHA256_BYTES]);
/** An empty salt stands for 32 zero bytes. */
void pf_hkdf_sha256_extract(const void *salt, size_t salt_len, const void *ikm, size_t ikm_len,
	uint8_t prk[PF_SHA256_BYTES]);
/** 0, or -EINVAL when `len` is above PF_HKDF_MAX_OUT_BYTES. */
int pf_hkdf_sha256_expand(const uint8_t prk[PF_SHA256_BYTES], const void *info, size_t info_len,
	uint8_t *out, size_t len);
