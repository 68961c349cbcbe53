/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/crypto/block.h"
#include <errno.h>
#include <string.h>
#include <nettle/aes.h>
#include <nettle/cbc.h>
#include <nettle/gcm.h>
#include "core/crypto/secret.h"

int pf_aes128_ecb_encrypt(
	const uint8_t key[PF_AES128_KEY_BYTES], const uint8_t *in, uint8_t *out, size_t len)
{
	struct aes128_ctx ctx;

	if (len % PF_AES_BLOCK_BYTES)
		return -EINVAL;
	aes128_set_encrypt_key(&ctx, key);
	aes128_encrypt(&ctx, len, out, in);
	pf_secret_wipe(&ctx, sizeof(ctx));
	return 0;
}

int pf_aes128_ecb_decrypt(
	const uint8_t key[PF_AES128_KEY_BYTES], const uint8_t *in, uint8_t *out, size_t len)
{
	struct aes128_ctx ctx;

	if (len % PF_AES_BLOCK_BYTES)
		return -EINVAL;
	aes128_set_decrypt_key(&ctx, key);
	aes128_decrypt(&ctx, len, out, in);
	pf_secret_wipe(&ctx, sizeof(ctx));
	return 0;
}

int pf_aes128_cbc_encrypt(const uint8_t key[PF_AES128_KEY_BYTES],
	const uint8_t iv[PF_AES_BLOCK_BYTES], const uint8_t *in, uint8_t *out, size_t len)
{
	uint8_t chain[PF_AES_BLOCK_BYTES];
	struct aes128_ctx ctx;

	if (len % PF_AES_BLOCK_BYTES)
		return -EINVAL;
	memcpy(chain, iv, sizeof(chain));
	aes128_set_encrypt_key(&ctx, key);
	cbc_encrypt(&ctx, (nettle_cipher_func *)aes128_encrypt, sizeof(chain), chain, len, out, in);
	pf_secret_wipe(&ctx, sizeof(ctx));
	return 0;
}

int pf_aes128_cbc_decrypt(const uint8_t key[PF_AES128_KEY_BYTES],
	const uint8_t iv[PF_AES_BLOCK_BYTES], const uint8_t *in, uint8_t *out, size_t len)
{
	uint8_t chain[PF_AES_BLOCK_BYTES];
	struct aes128_ctx ctx;

	if (len % PF_AES_BLOCK_BYTES)
		return -EINVAL;
	memcpy(chain, iv, sizeof(chain));
	aes128_set_decrypt_key(&ctx, key);
	cbc_decrypt(&ctx, (nettle_cipher_func *)aes128_decrypt, sizeof(chain), chain, len, out, in);
	pf_secret_wipe(&ctx, sizeof(ctx));
	return 0;
}

int pf_aes128_cbc_pad_encrypt(const uint8_t key[PF_AES128_KEY_BYTES],
	const uint8_t iv[PF_AES_BLOCK_BYTES], const uint8_t *in, size_t len, uint8_t *out,
	size_t cap, size_t *out_len)
{
	size_t whole = len - len % PF_AES_BLOCK_BYTES;
	uint8_t fill = (uint8_t)(PF_AES_BLOCK_BYTES - len % PF_AES_BLOCK_BYTES);
	uint8_t chain[PF_AES_BLOCK_BYTES], last[PF_AES_BLOCK_BYTES];
	struct aes128_ctx ctx;

	if (cap < PF_AES_BLOCK_BYTES || whole > cap - PF_AES_BLOCK_BYTES)
		return -ENOBUFS;
	/* Before any output: it may lie where the input is. */
	memset(last, fill, sizeof(last));
	if (len > whole)
		memcpy(last, in + whole, len - whole);
	memcpy(chain, iv, sizeof(chain));
	aes128_set_encrypt_key(&ctx, key);
	cbc_encrypt(
		&ctx, (nettle_cipher_func *)aes128_encrypt, sizeof(chain), chain, whole, out, in);
	cbc_encrypt(&ctx, (nettle_cipher_func *)aes128_encrypt, sizeof(chain), chain, sizeof(last),
		out + whole, last);
	pf_secret_wipe(last, sizeof(last));
	pf_secret_wipe(&ctx, sizeof(ctx));
	*out_len = whole + PF_AES_BLOCK_BYTES;
	return 0;
}

int pf_aes128_cbc_pad_decrypt(const uint8_t key[PF_AES128_KEY_BYTES],
	const uint8_t iv[PF_AES_BLOCK_BYTES], const uint8_t *in, size_t len, uint8_t *out,
	size_t *out_len)
{
	unsigned fill, bad;

	if (!len || pf_aes128_cbc_decrypt(key, iv, in, out, len))
		return -EBADMSG;
	/* All 16 bytes are looked at, whatever the padding says. */
	fill = out[len - 1];
	bad = fill == 0 || fill > PF_AES_BLOCK_BYTES;
	for (unsigned i = 1; i <= PF_AES_BLOCK_BYTES; i++)
		bad |= (unsigned)(i <= fill) & (unsigned)(out[len - i] != fill);
	if (bad) {
		pf_secret_wipe(out, len);
		return -EBADMSG;
	}
	*out_len = len - fill;
	return 0;
}

void pf_aes128_gcm16_seal(const uint8_t key[PF_AES128_KEY_BYTES], const uint8_t nonce[16],
	const void *aad, size_t aad_len, const uint8_t *in, uint8_t *out, size_t len,
	uint8_t tag[16])
{
	struct gcm_aes128_ctx ctx;

	gcm_aes128_set_key(&ctx, key);
	gcm_aes128_set_iv(&ctx, 16, nonce);
	gcm_aes128_update(&ctx, aad_len, aad);
	gcm_aes128_encrypt(&ctx, len, out, in);
	gcm_aes128_digest(&ctx, 16, tag);
	pf_secret_wipe(&ctx, sizeof(ctx));
}

int pf_aes128_gcm16_open(const uint8_t key[PF_AES128_KEY_BYTES], const uint8_t nonce[16],
	const void *aad, size_t aad_len, const uint8_t *in, uint8_t *out, size_t len,
	const uint8_t tag[16])
{
	struct gcm_aes128_ctx ctx;
	uint8_t got[16];

	gcm_aes128_set_key(&ctx, key);
	gcm_aes128_set_iv(&ctx, 16, nonce);
	gcm_aes128_update(&ctx, aad_len, aad);
	gcm_aes128_decrypt(&ctx, len, out, in);
	gcm_aes128_digest(&ctx, sizeof(got), got);
	pf_secret_wipe(&ctx, sizeof(ctx));
	if (pf_secret_equal(got, tag, sizeof(got)))
		return 0;
	pf_secret_wipe(out, len);
	return -EBADMSG;
}
