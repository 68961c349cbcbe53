/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include "core/crypto/aead_provider.h"

struct gnutls_aead {
	struct pf_aead base;
	gnutls_aead_cipher_hd_t hd;
};

static int create(struct pf_aead **out, enum pf_aead_alg alg, const uint8_t *key, size_t key_len)
{
	gnutls_cipher_algorithm_t cipher = alg == PF_AEAD_AES128_GCM
						   ? GNUTLS_CIPHER_AES_128_GCM
						   : GNUTLS_CIPHER_CHACHA20_POLY1305;
	gnutls_datum_t k = { .data = (unsigned char *)key, .size = (unsigned)key_len };
	struct gnutls_aead *g = calloc(1, sizeof(*g));
	int err;

	if (!g)
		return -ENOMEM;
	g->base.ops = &gnutls_aead_ops;
	err = gnutls_aead_cipher_init(&g->hd, cipher, &k);
	if (err < 0) {
		free(g);
		return err == GNUTLS_E_MEMORY_ERROR ? -ENOMEM : -ENOTSUP;
	}
	*out = &g->base;
	return 0;
}

static void destroy(struct pf_aead *a)
{
	struct gnutls_aead *g = (struct gnutls_aead *)a;

	gnutls_aead_cipher_deinit(g->hd);
	free(g);
}

/* The one-shot calls are about 40 ns faster but want the tag right behind the
 * ciphertext; the scatter calls work in place with the tag anywhere. */
static int seal(struct pf_aead *a, const struct pf_aead_job *j)
{
	struct gnutls_aead *g = (struct gnutls_aead *)a;
	giovec_t aad = { (void *)j->aad, j->aad_len };
	giovec_t data = { j->out, j->len };
	size_t len = j->len + PF_AEAD_TAG_BYTES, tag_len = PF_AEAD_TAG_BYTES;
	int err;

	if (j->tag == j->out + j->len) {
		err = gnutls_aead_cipher_encrypt(g->hd, j->nonce, PF_AEAD_NONCE_BYTES, j->aad,
			j->aad_len, PF_AEAD_TAG_BYTES, j->in, j->len, j->out, &len);
	} else {
		if (j->in != j->out)
			memmove(j->out, j->in, j->len);
		err = gnutls_aead_cipher_encryptv2(
			g->hd, j->nonce, PF_AEAD_NONCE_BYTES, &aad, 1, &data, 1, j->tag, &tag_len);
	}
	return err < 0 ? -EIO : 0;
}

static int open_(struct pf_aead *a, const struct pf_aead_job *j)
{
	struct gnutls_aead *g = (struct gnutls_aead *)a;
	giovec_t aad = { (void *)j->aad, j->aad_len };
	giovec_t data = { j->out, j->len };
	size_t len = j->len;
	int err;

	if (j->tag == j->in + j->len) {
		err = gnutls_aead_cipher_decrypt(g->hd, j->nonce, PF_AEAD_NONCE_BYTES, j->aad,
			j->aad_len, PF_AEAD_TAG_BYTES, j->in, j->len + PF_AEAD_TAG_BYTES, j->out,
			&len);
	} else {
		if (j->in != j->out)
			memmove(j->out, j->in, j->len);
		err = gnutls_aead_cipher_decryptv2(g->hd, j->nonce, PF_AEAD_NONCE_BYTES, &aad, 1,
			&data, 1, j->tag, PF_AEAD_TAG_BYTES);
	}
	return err < 0 ? -EBADMSG : 0;
}

const struct pf_aead_ops gnutls_aead_ops = {
	.name = "gnutls",
	.create = create,
	.free = destroy,
	.seal = seal,
	.open = open_,
};
