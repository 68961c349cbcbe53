/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/crypto/hash.h"
#include <errno.h>
#include <nettle/hkdf.h>
#include <nettle/hmac.h>
#include <nettle/sha2.h>
#include "core/crypto/secret.h"

void pf_sha256(const void *data, size_t len, uint8_t out[PF_SHA256_BYTES])
{
	pf_sha256_parts(&(struct pf_hash_part){ data, len }, 1, out);
}

void pf_sha256_parts(const struct pf_hash_part *parts, size_t n, uint8_t out[PF_SHA256_BYTES])
{
	struct sha256_ctx ctx;

	sha256_init(&ctx);
	for (size_t i = 0; i < n; i++)
		sha256_update(&ctx, parts[i].len, parts[i].p);
	sha256_digest(&ctx, PF_SHA256_BYTES, out);
	pf_secret_wipe(&ctx, sizeof(ctx));
}

void pf_hmac_sha256(const void *key, size_t key_len, const struct pf_hash_part *parts, size_t n,
	uint8_t out[PF_SHA256_BYTES])
{
	struct hmac_sha256_ctx ctx;

	hmac_sha256_set_key(&ctx, key_len, key);
	for (size_t i = 0; i < n; i++)
		hmac_sha256_update(&ctx, parts[i].len, parts[i].p);
	hmac_sha256_digest(&ctx, PF_SHA256_BYTES, out);
	pf_secret_wipe(&ctx, sizeof(ctx));
}

void pf_hkdf_sha256_extract(const void *salt, size_t salt_len, const void *ikm, size_t ikm_len,
	uint8_t prk[PF_SHA256_BYTES])
{
	/* HMAC pads its key with zeros, so an empty salt is that of the RFC. */
	pf_hmac_sha256(salt, salt_len, &(struct pf_hash_part){ ikm, ikm_len }, 1, prk);
}

int pf_hkdf_sha256_expand(const uint8_t prk[PF_SHA256_BYTES], const void *info, size_t info_len,
	uint8_t *out, size_t len)
{
	struct hmac_sha256_ctx ctx;

	if (len > PF_HKDF_MAX_OUT_BYTES)
		return -EINVAL;
	if (!len)
		return 0;
	hmac_sha256_set_key(&ctx, PF_SHA256_BYTES, prk);
	hkdf_expand(&ctx, (nettle_hash_update_func *)hmac_sha256_update,
		(nettle_hash_digest_func *)hmac_sha256_digest, PF_SHA256_BYTES, info_len, info, len,
		out);
	pf_secret_wipe(&ctx, sizeof(ctx));
	return 0;
}
