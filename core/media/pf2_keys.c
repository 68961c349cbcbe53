/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/media/pf2_keys.h"
#include <string.h>
#include "core/crypto/hash.h"
#include "core/crypto/secret.h"

static void put_be64(uint8_t out[8], uint64_t v)
{
	for (unsigned i = 0; i < 8; i++)
		out[i] = (uint8_t)(v >> (56 - 8 * i));
}

void pf_pf2_secret(
	uint8_t out[PF_PF2_SECRET_BYTES], const uint8_t prk[32], enum pf_direction direction)
{
	const char *label = direction == PF_FROM_HOST ? "pf2 media h2c" : "pf2 media c2h";
	const struct pf_hash_part parts[] = { { label, strlen(label) }, { "\x01", 1 } };

	pf_hmac_sha256(prk, 32, parts, 2, out);
}

void pf_pf2_key_of(struct pf_pf2_key *out, const uint8_t secret[PF_PF2_SECRET_BYTES], uint64_t seq)
{
	uint8_t index[8], iv[PF_SHA256_BYTES];
	struct pf_hash_part parts[] = { { "pf2 iv", 6 }, { index, sizeof(index) }, { "\x01", 1 } };

	put_be64(index, seq / PF_PF2_PACKETS_PER_KEY);
	pf_hmac_sha256(secret, PF_PF2_SECRET_BYTES, parts, 3, iv);
	memcpy(out->iv, iv, sizeof(out->iv));
	pf_secret_wipe(iv, sizeof(iv));
	parts[0] = (struct pf_hash_part){ "pf2 key", 7 };
	pf_hmac_sha256(secret, PF_PF2_SECRET_BYTES, parts, 3, out->key);
}

void pf_pf2_nonce(uint8_t out[12], const uint8_t iv[12], uint64_t seq)
{
	uint8_t n[12] = { 0 };

	put_be64(n + 4, seq);
	for (unsigned i = 0; i < 12; i++)
		out[i] = iv[i] ^ n[i];
}
