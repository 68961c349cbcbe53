/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/crypto/secret.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

void pf_secret_wipe(void *p, size_t len)
{
	if (len)
		gnutls_memset(p, 0, len);
}

void pf_secret_free(void *p, size_t len)
{
	if (p)
		pf_secret_wipe(p, len);
	free(p);
}

void *pf_secret_grow(void *p, size_t len, size_t cap)
{
	void *grown = malloc(cap);

	if (!grown)
		return NULL;
	if (len)
		memcpy(grown, p, len);
	pf_secret_free(p, len);
	return grown;
}

bool pf_secret_equal(const void *a, const void *b, size_t len)
{
	return gnutls_memcmp(a, b, len) == 0;
}

int pf_random_bytes(void *out, size_t len)
{
	return gnutls_rnd(GNUTLS_RND_KEY, out, len) == 0 ? 0 : -EIO;
}
