/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <nettle/chacha-poly1305.h>
#include <nettle/gcm.h>
#include "core/crypto/aead_provider.h"
#include "core/crypto/secret.h"

struct nettle_aead {
	struct pf_aead base;
	enum pf_aead_alg alg;
	union {
		struct gcm_aes128_ctx gcm;
		struct chacha_poly1305_ctx chacha;
	};
};

static int create(struct pf_aead **out, enum pf_aead_alg alg, const uint8_t *key, size_t key_len)
{
	struct nettle_aead *n = calloc(1, sizeof(*n));

	if (!n)
		return -ENOMEM;
	n->base.ops = &nettle_aead_ops;
	n->alg = alg;
	if (alg == PF_AEAD_AES128_GCM)
		gcm_aes128_set_key(&n->gcm, key);
	else
		chacha_poly1305_set_key(&n->chacha, key);
	*out = &n->base;
	return 0;
}

static void destroy(struct pf_aead *a)
{
	pf_secret_wipe(a, sizeof(struct nettle_aead));
	free(a);
}

static int seal(struct pf_aead *a, const struct pf_aead_job *j)
{
	struct nettle_aead *n = (struct nettle_aead *)a;

	if (n->alg == PF_AEAD_AES128_GCM) {
		gcm_aes128_set_iv(&n->gcm, PF_AEAD_NONCE_BYTES, j->nonce);
		gcm_aes128_update(&n->gcm, j->aad_len, j->aad);
		gcm_aes128_encrypt(&n->gcm, j->len, j->out, j->in);
		gcm_aes128_digest(&n->gcm, PF_AEAD_TAG_BYTES, j->tag);
	} else {
		chacha_poly1305_set_nonce(&n->chacha, j->nonce);
		chacha_poly1305_update(&n->chacha, j->aad_len, j->aad);
		chacha_poly1305_encrypt(&n->chacha, j->len, j->out, j->in);
		chacha_poly1305_digest(&n->chacha, PF_AEAD_TAG_BYTES, j->tag);
	}
	return 0;
}

static int open_(struct pf_aead *a, const struct pf_aead_job *j)
{
	struct nettle_aead *n = (struct nettle_aead *)a;
	uint8_t tag[PF_AEAD_TAG_BYTES];

	if (n->alg == PF_AEAD_AES128_GCM) {
		gcm_aes128_set_iv(&n->gcm, PF_AEAD_NONCE_BYTES, j->nonce);
		gcm_aes128_update(&n->gcm, j->aad_len, j->aad);
		gcm_aes128_decrypt(&n->gcm, j->len, j->out, j->in);
		gcm_aes128_digest(&n->gcm, sizeof(tag), tag);
	} else {
		chacha_poly1305_set_nonce(&n->chacha, j->nonce);
		chacha_poly1305_update(&n->chacha, j->aad_len, j->aad);
		chacha_poly1305_decrypt(&n->chacha, j->len, j->out, j->in);
		chacha_poly1305_digest(&n->chacha, sizeof(tag), tag);
	}
	return pf_secret_equal(tag, j->tag, sizeof(tag)) ? 0 : -EBADMSG;
}

const struct pf_aead_ops nettle_aead_ops = {
	.name = "nettle",
	.create = create,
	.free = destroy,
	.seal = seal,
	.open = open_,
};
