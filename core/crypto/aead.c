/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/crypto/aead.h"
#include <errno.h>
#include <limits.h>
#include <string.h>
#include "core/crypto/aead_provider.h"
#include "core/crypto/secret.h"
#include "pf_config.h"

/* Fastest first, by `pf-bench --kernel seal,open`; libipsec-mb leads on each of
 * its code paths. */
static const struct pf_aead_ops *const providers[] = {
#if PF_HAVE_IPSEC_MB
	&ipsec_mb_aead_ops,
#endif
	&sodium_aead_ops, /* ChaCha20-Poly1305 only */
	&gnutls_aead_ops,
	&nettle_aead_ops,
};

#define PROVIDERS (sizeof(providers) / sizeof(providers[0]))

static size_t alg_key_bytes(enum pf_aead_alg alg)
{
	switch (alg) {
	case PF_AEAD_AES128_GCM:
		return 16;
	case PF_AEAD_CHACHA20_POLY1305:
		return 32;
	}
	return 0;
}

int pf_aead_create(struct pf_aead **out, enum pf_aead_alg alg, const uint8_t *key, size_t key_len,
	const char *provider)
{
	int err = -ENOTSUP;

	if (!key_len || key_len != alg_key_bytes(alg))
		return -EINVAL;
	for (size_t i = 0; i < PROVIDERS && err == -ENOTSUP; i++) {
		if (!provider || !strcmp(provider, providers[i]->name))
			err = providers[i]->create(out, alg, key, key_len);
	}
	return err;
}

void pf_aead_free(struct pf_aead *a)
{
	if (a)
		a->ops->free(a);
}

const char *pf_aead_provider(const struct pf_aead *a)
{
	return a->ops->name;
}

const char *pf_aead_provider_name(unsigned i)
{
	return i < PROVIDERS ? providers[i]->name : NULL;
}

int pf_aead_seal(struct pf_aead *a, struct pf_aead_job *jobs, size_t n)
{
	int err = 0;

	for (size_t i = 0; i < n; i++) {
		jobs[i].result = jobs[i].len <= INT_MAX ? a->ops->seal(a, &jobs[i]) : -EIO;
		if (jobs[i].result)
			err = -EIO;
	}
	return err;
}

int pf_aead_open(struct pf_aead *a, struct pf_aead_job *jobs, size_t n)
{
	int err = 0;

	for (size_t i = 0; i < n; i++) {
		jobs[i].result = jobs[i].len <= INT_MAX ? a->ops->open(a, &jobs[i]) : -EBADMSG;
		if (!jobs[i].result)
			continue;
		pf_secret_wipe(jobs[i].out, jobs[i].len);
		err = -EBADMSG;
	}
	return err;
}
