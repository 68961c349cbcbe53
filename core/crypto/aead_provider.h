/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* aead_provider.h - what an AEAD provider implements; private to core/crypto. */
#pragma once
#include "core/crypto/aead.h"

struct pf_aead_ops {
	const char *name;
	/* Mandatory. key_len fits alg. 0, -ENOTSUP (algorithm or CPU), -ENOMEM. */
	int (*create)(
		struct pf_aead **out, enum pf_aead_alg alg, const uint8_t *key, size_t key_len);
	/* Mandatory. Wipes the key; never NULL. */
	void (*free)(struct pf_aead *a);
	/* Mandatory. One packet; no allocation. 0 or -EIO. */
	int (*seal)(struct pf_aead *a, const struct pf_aead_job *j);
	/* Mandatory. 0 or -EBADMSG; the caller wipes the output then. */
	int (*open)(struct pf_aead *a, const struct pf_aead_job *j);
};

/* First member of each provider's context. */
struct pf_aead {
	const struct pf_aead_ops *ops;
};

extern const struct pf_aead_ops ipsec_mb_aead_ops;
extern const struct pf_aead_ops sodium_aead_ops;
extern const struct pf_aead_ops gnutls_aead_ops;
extern const struct pf_aead_ops nettle_aead_ops;
