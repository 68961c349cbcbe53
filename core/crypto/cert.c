/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/crypto/cert.h"
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include "core/crypto/hash.h"

#define KEY_BITS_MIN 2048
#define KEY_BITS_MAX 4096

struct pf_cert {
	uint8_t fingerprint[32];
	gnutls_datum_t der, signature; /* malloc'ed */
	gnutls_pubkey_t key;
};

/* "%s" is a library's words, never the peer's. */
static int bad(struct pf_reason *why, int err, const char *what)
{
	if (err == GNUTLS_E_MEMORY_ERROR)
		return pf_reason_set(why, -ENOMEM, "out of memory");
	return pf_reason_set(
		why, -EBADMSG, "%s%s%s", what, err ? ": " : "", err ? gnutls_strerror(err) : "");
}

void pf_cert_free(struct pf_cert *c)
{
	if (!c)
		return;
	if (c->key)
		gnutls_pubkey_deinit(c->key);
	free(c->der.data);
	free(c->signature.data);
	free(c);
}

static int copy_der(struct pf_cert *c, const uint8_t *der, size_t len)
{
	c->der.data = malloc(len);
	if (!c->der.data)
		return -ENOMEM;
	memcpy(c->der.data, der, len);
	c->der.size = (unsigned)len;
	pf_sha256(der, len, c->fingerprint);
	return 0;
}

static int copy_signature(struct pf_cert *c, gnutls_x509_crt_t crt)
{
	size_t size = 0;
	int err = gnutls_x509_crt_get_signature(crt, NULL, &size);

	/* No RSA signature is longer than the longest key. */
	if (err != GNUTLS_E_SHORT_MEMORY_BUFFER || !size || size > KEY_BITS_MAX / 8)
		return GNUTLS_E_CERTIFICATE_ERROR;
	c->signature.data = malloc(size);
	if (!c->signature.data)
		return GNUTLS_E_MEMORY_ERROR;
	c->signature.size = (unsigned)size;
	return gnutls_x509_crt_get_signature(crt, (char *)c->signature.data, &size);
}

int pf_cert_from_der(struct pf_cert **out, const uint8_t *der, size_t len, struct pf_reason *why)
{
	gnutls_x509_crt_t crt = NULL;
	struct pf_cert *c;
	unsigned bits = 0;
	int err, r;

	if (!len || len > PF_CERT_DER_BYTES)
		return bad(why, 0, len ? "the certificate is too long" : "no certificate");
	c = calloc(1, sizeof(*c));
	if (!c || copy_der(c, der, len)) {
		pf_cert_free(c);
		return bad(why, GNUTLS_E_MEMORY_ERROR, "");
	}
	r = -EBADMSG;
	err = gnutls_x509_crt_init(&crt);
	if (err >= 0)
		err = gnutls_x509_crt_import(crt, &c->der, GNUTLS_X509_FMT_DER);
	if (err < 0) {
		r = bad(why, err, "this is no certificate");
		goto fail;
	}
	err = gnutls_x509_crt_get_pk_algorithm(crt, &bits);
	if (err != GNUTLS_PK_RSA || bits < KEY_BITS_MIN || bits > KEY_BITS_MAX) {
		r = bad(why, 0, "the certificate's key is not RSA of 2048 to 4096 bits");
		goto fail;
	}
	err = gnutls_pubkey_init(&c->key);
	if (err >= 0)
		err = gnutls_pubkey_import_x509(c->key, crt, 0);
	if (err >= 0)
		err = copy_signature(c, crt);
	if (err < 0) {
		r = bad(why, err, "the certificate cannot be used");
		goto fail;
	}
	gnutls_x509_crt_deinit(crt);
	*out = c;
	return 0;
fail:
	if (crt)
		gnutls_x509_crt_deinit(crt);
	pf_cert_free(c);
	return r;
}

static size_t skip_blanks(const char *text, size_t len, size_t at)
{
	while (at < len && strchr(" \t\r\n", text[at]) && text[at])
		at++;
	return at;
}

static bool starts_with(const char *text, size_t len, size_t at, const char *what)
{
	size_t n = strlen(what);

	return at <= len && n <= len - at && !memcmp(text + at, what, n);
}

int pf_cert_from_pem(struct pf_cert **out, const char *text, size_t len, struct pf_reason *why)
{
	static const char begin[] = "-----BEGIN CERTIFICATE-----";
	static const char end[] = "-----END CERTIFICATE-----";
	gnutls_datum_t pem, der = { 0 };
	const char *tail;
	size_t first, last;
	int err, r;

	if (len > PF_CERT_TEXT_BYTES)
		return bad(why, 0, "the certificate is too long");
	first = skip_blanks(text, len, 0);
	if (!starts_with(text, len, first, begin))
		return bad(why, 0, "this is no certificate in PEM form");
	tail = memmem(text + first, len - first, end, sizeof(end) - 1);
	last = tail ? (size_t)(tail - text) + sizeof(end) - 1 : len;
	if (!tail || skip_blanks(text, len, last) != len)
		return bad(why, 0, "this is not one whole certificate in PEM form");
	pem.data = (unsigned char *)text + first;
	pem.size = (unsigned)(last - first);
	err = gnutls_pem_base64_decode2("CERTIFICATE", &pem, &der);
	if (err < 0)
		return bad(why, err, "the certificate's text is damaged");
	r = pf_cert_from_der(out, der.data, der.size, why);
	gnutls_free(der.data);
	return r;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int pf_cert_from_hex(struct pf_cert **out, const char *hex, size_t len, struct pf_reason *why)
{
	char text[PF_CERT_TEXT_BYTES];

	if (len % 2 || len / 2 > sizeof(text))
		return bad(why, 0, "the certificate's hex text has a wrong length");
	for (size_t i = 0; i < len / 2; i++) {
		int high = hex_digit(hex[2 * i]), low = hex_digit(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return bad(why, 0, "the certificate's text is not hex");
		text[i] = (char)(high << 4 | low);
	}
	return pf_cert_from_pem(out, text, len / 2, why);
}

const uint8_t *pf_cert_der(const struct pf_cert *c, size_t *len)
{
	*len = c->der.size;
	return c->der.data;
}

const uint8_t *pf_cert_signature(const struct pf_cert *c, size_t *len)
{
	*len = c->signature.size;
	return c->signature.data;
}

void pf_cert_fingerprint(const struct pf_cert *c, uint8_t out[32])
{
	memcpy(out, c->fingerprint, sizeof(c->fingerprint));
}

void pf_cert_fingerprint_der(const uint8_t *der, size_t len, uint8_t out[32])
{
	pf_sha256(der, len, out);
}

int pf_cert_verify_sha256(
	const struct pf_cert *c, const void *data, size_t len, const uint8_t *sig, size_t sig_len)
{
	gnutls_datum_t d = { (unsigned char *)data, (unsigned)len };
	gnutls_datum_t s = { (unsigned char *)sig, (unsigned)sig_len };

	if (len > UINT32_MAX || sig_len > KEY_BITS_MAX / 8)
		return -EBADMSG;
	return gnutls_pubkey_verify_data2(c->key, GNUTLS_SIGN_RSA_SHA256, 0, &d, &s) < 0 ? -EBADMSG
											 : 0;
}
