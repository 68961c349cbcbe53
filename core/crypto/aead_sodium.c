/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* ChaCha20-Poly1305 where libipsec-mb is missing or the CPU has no AES: GnuTLS and
 * nettle take several times as long for it. Its AES wants one key size that we do
 * not use. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sodium.h>
#include "core/crypto/aead_provider.h"
#include "core/crypto/secret.h"

struct sodium_aead {
	struct pf_aead base;
	uint8_t key[crypto_aead_chacha20poly1305_ietf_KEYBYTES];
};

static int create(struct pf_aead **out, enum pf_aead_alg alg, const uint8_t *key, size_t key_len)
{
	struct sodium_aead *s;

	/* Chooses its code by the CPU; once per process, thread-safe. */
	if (alg != PF_AEAD_CHACHA20_POLY1305 || sodium_init() < 0)
		return -ENOTSUP;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->base.ops = &sodium_aead_ops;
	memcpy(s->key, key, key_len);
	*out = &s->base;
	return 0;
}

static void destroy(struct pf_aead *a)
{
	pf_secret_wipe(a, sizeof(struct sodium_aead));
	free(a);
}

static int seal(struct pf_aead *a, const struct pf_aead_job *j)
{
	struct sodium_aead *s = (struct sodium_aead *)a;
	int err = crypto_aead_chacha20poly1305_ietf_encrypt_detached(
		j->out, j->tag, NULL, j->in, j->len, j->aad, j->aad_len, NULL, j->nonce, s->key);

	return err ? -EIO : 0;
}

static int open_(struct pf_aead *a, const struct pf_aead_job *j)
{
	struct sodium_aead *s = (struct sodium_aead *)a;
	int err = crypto_aead_chacha20poly1305_ietf_decrypt_detached(
		j->out, NULL, j->in, j->len, j->tag, j->aad, j->aad_len, j->nonce, s->key);

	return err ? -EBADMSG : 0;
}

const struct pf_aead_ops sodium_aead_ops = {
	.name = "sodium",
	.create = create,
	.free = destroy,
	.seal = seal,
	.open = open_,
};
