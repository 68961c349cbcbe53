/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/crypto/rsa_identity.h"
#include <errno.h>
#include <string.h>
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include "core/crypto/identity_impl.h"

int pf_rsa_identity_generate(struct pf_identity **out, const char *name, struct pf_reason *why)
{
	return pf_identity_generate_kind(out, PF_IDENTITY_RSA2048, name, why);
}

int pf_rsa_identity_open(
	struct pf_identity **out, const char *path, const char *name, struct pf_reason *why)
{
	return pf_identity_open_kind(out, PF_IDENTITY_RSA2048, path, name, why);
}

int pf_rsa_sign_sha256(const struct pf_identity *id, const void *data, size_t len,
	uint8_t sig[PF_RSA_SIG_BYTES], struct pf_reason *why)
{
	const char *pem = pf_identity_key_pem(id);
	gnutls_datum_t text = { (unsigned char *)pem, (unsigned)strlen(pem) };
	gnutls_datum_t d = { (unsigned char *)data, (unsigned)len }, s = { 0 };
	gnutls_privkey_t key = NULL;
	int err, r = 0;

	err = len > UINT32_MAX ? GNUTLS_E_INVALID_REQUEST : gnutls_privkey_init(&key);
	if (err >= 0)
		err = gnutls_privkey_import_x509_raw(key, &text, GNUTLS_X509_FMT_PEM, NULL, 0);
	if (err >= 0)
		err = gnutls_privkey_sign_data2(key, GNUTLS_SIGN_RSA_SHA256, 0, &d, &s);
	if (err >= 0 && s.size != PF_RSA_SIG_BYTES)
		err = GNUTLS_E_INTERNAL_ERROR;
	if (err >= 0)
		memcpy(sig, s.data, PF_RSA_SIG_BYTES);
	else
		r = pf_reason_set(why, err == GNUTLS_E_MEMORY_ERROR ? -ENOMEM : -EIO,
			"cannot sign with the host's key: %s", gnutls_strerror(err));
	gnutls_free(s.data);
	if (key)
		gnutls_privkey_deinit(key);
	return r;
}

int pf_rsa_identity_cert(struct pf_cert **out, const struct pf_identity *id, struct pf_reason *why)
{
	const char *pem = pf_identity_cert_pem(id);

	return pf_cert_from_pem(out, pem, strlen(pem), why);
}
