/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* block.h - AES-128 block modes of the GameStream plane, all through nettle.
 *
 * ECB and CBC carry no authentication: use them only where a foreign protocol
 * demands it. GCM with a 16-byte nonce lives here and not behind aead.h: GnuTLS
 * reports success and ignores such a nonce (libraries.md 3). In and out may be
 * the same memory but must not overlap otherwise. Pure, any thread; key
 * schedules are wiped. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define PF_AES_BLOCK_BYTES  16
#define PF_AES128_KEY_BYTES 16

/** Whole blocks. 0, or -EINVAL when `len` is no multiple of 16. */
int pf_aes128_ecb_encrypt(
	const uint8_t key[PF_AES128_KEY_BYTES], const uint8_t *in, uint8_t *out, size_t len);
int pf_aes128_ecb_decrypt(
	const uint8_t key[PF_AES128_KEY_BYTES], const uint8_t *in, uint8_t *out, size_t len);
/** Whole blocks, no padding. 0, or -EINVAL when `len` is no multiple of 16. */
int pf_aes128_cbc_encrypt(const uint8_t key[PF_AES128_KEY_BYTES],
	const uint8_t iv[PF_AES_BLOCK_BYTES], const uint8_t *in, uint8_t *out, size_t len);
int pf_aes128_cbc_decrypt(const uint8_t key[PF_AES128_KEY_BYTES],
	const uint8_t iv[PF_AES_BLOCK_BYTES], const uint8_t *in, uint8_t *out, size_t len);
/** Pads by PKCS#7 to the next multiple of 16 above `len`. 0 and that length in
 * *out_len, or -ENOBUFS. */
int pf_aes128_cbc_pad_encrypt(const uint8_t key[PF_AES128_KEY_BYTES],
	const uint8_t iv[PF_AES_BLOCK_BYTES], const uint8_t *in, size_t len, uint8_t *out,
	size_t cap, size_t *out_len);
/** `out` has room for `len` bytes. 0 and the length of the text in *out_len, or
 * -EBADMSG (length, padding; `out` is wiped then). Never tell a peer which: that
 * would be a padding oracle. */
int pf_aes128_cbc_pad_decrypt(const uint8_t key[PF_AES128_KEY_BYTES],
	const uint8_t iv[PF_AES_BLOCK_BYTES], const uint8_t *in, size_t len, uint8_t *out,
	size_t *out_len);

/** AES-128-GCM with a 16-byte nonce. */
void pf_aes128_gcm16_seal(const uint8_t key[PF_AES128_KEY_BYTES], const uint8_t nonce[16],
	const void *aad, size_t aad_len, const uint8_t *in, uint8_t *out, size_t len,
	uint8_t tag[16]);
/** 0, or -EBADMSG (`out` is wiped then). */
int pf_aes128_gcm16_open(const uint8_t key[PF_AES128_KEY_BYTES], const uint8_t nonce[16],
	const void *aad, size_t aad_len, const uint8_t *in, uint8_t *out, size_t len,
	const uint8_t tag[16]);
