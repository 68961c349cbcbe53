/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include "core/crypto/cert.h"
#include "tests/unit/crypto_cert.h"

static const char message[] = "sixteen bytes ok";

static struct pf_cert *take(const char *pem)
{
	struct pf_reason why = { 0 };
	struct pf_cert *c = NULL;

	if (pf_cert_from_pem(&c, pem, strlen(pem), &why))
		fail_msg("%s", why.text);
	return c;
}

static void agrees_with_openssl(void **state)
{
	struct pf_cert *c = take(peer_cert_pem);
	uint8_t fp[32], again[32];
	const uint8_t *p;
	size_t len;

	pf_cert_fingerprint(c, fp);
	assert_memory_equal(fp, peer_fingerprint, 32);
	p = pf_cert_der(c, &len);
	pf_cert_fingerprint_der(p, len, again);
	assert_memory_equal(again, peer_fingerprint, 32);
	p = pf_cert_signature(c, &len);
	assert_int_equal(len, sizeof(peer_signature));
	assert_memory_equal(p, peer_signature, len);
	assert_int_equal(pf_cert_verify_sha256(c, message, 16, signed_by_peer, 256), 0);
	pf_cert_free(c);
}

static void refuses_wrong_signatures(void **state)
{
	struct pf_cert *c = take(peer_cert_pem);
	uint8_t sig[300] = { 0 };

	memcpy(sig, signed_by_peer, 256);
	for (unsigned i = 0; i < 256; i += 15) {
		sig[i] ^= 0x10;
		assert_int_equal(pf_cert_verify_sha256(c, message, 16, sig, 256), -EBADMSG);
		sig[i] ^= 0x10;
	}
	assert_int_equal(pf_cert_verify_sha256(c, message, 15, sig, 256), -EBADMSG);
	assert_int_equal(pf_cert_verify_sha256(c, message, 16, sig, 255), -EBADMSG);
	assert_int_equal(pf_cert_verify_sha256(c, message, 16, sig, 257), -EBADMSG);
	assert_int_equal(pf_cert_verify_sha256(c, message, 16, sig, 0), -EBADMSG);
	assert_int_equal(pf_cert_verify_sha256(c, message, 16, sig, 300), -EBADMSG);
	assert_int_equal(pf_cert_verify_sha256(c, "", 0, sig, 256), -EBADMSG);
	pf_cert_free(c);
}

static void takes_hex_of_either_case(void **state)
{
	char hex[2 * sizeof(peer_cert_pem)];
	struct pf_cert *c = NULL;
	size_t n = strlen(peer_cert_pem);
	uint8_t fp[32];

	for (unsigned round = 0; round < 2; round++) {
		for (size_t i = 0; i < n; i++)
			snprintf(hex + 2 * i, 3, round ? "%02X" : "%02x",
				(unsigned char)peer_cert_pem[i]);
		assert_int_equal(pf_cert_from_hex(&c, hex, 2 * n, NULL), 0);
		pf_cert_fingerprint(c, fp);
		assert_memory_equal(fp, peer_fingerprint, 32);
		pf_cert_free(c);
		c = NULL;
	}
	assert_int_equal(pf_cert_from_hex(&c, hex, 2 * n - 1, NULL), -EBADMSG);
	hex[100] = 'g';
	assert_int_equal(pf_cert_from_hex(&c, hex, 2 * n, NULL), -EBADMSG);
	assert_int_equal(pf_cert_from_hex(&c, "", 0, NULL), -EBADMSG);
	assert_null(c);
}

/* A certificate as some client may make it, signed by the peer's key. */
static void make(
	char *pem, size_t cap, unsigned version, unsigned char serial, time_t begin, time_t end)
{
	gnutls_datum_t key_text = { (unsigned char *)peer_key_pem, sizeof(peer_key_pem) - 1 };
	gnutls_x509_privkey_t key;
	gnutls_x509_crt_t crt;

	assert_int_equal(gnutls_x509_privkey_init(&key), 0);
	assert_int_equal(gnutls_x509_privkey_import(key, &key_text, GNUTLS_X509_FMT_PEM), 0);
	assert_int_equal(gnutls_x509_crt_init(&crt), 0);
	assert_int_equal(gnutls_x509_crt_set_version(crt, version), 0);
	assert_int_equal(gnutls_x509_crt_set_serial(crt, &serial, 1), 0);
	assert_int_equal(gnutls_x509_crt_set_activation_time(crt, begin), 0);
	assert_int_equal(gnutls_x509_crt_set_expiration_time(crt, end), 0);
	assert_int_equal(gnutls_x509_crt_set_dn(crt, "CN=NVIDIA GameStream Client", NULL), 0);
	assert_int_equal(gnutls_x509_crt_set_key(crt, key), 0);
	assert_int_equal(gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0), 0);
	assert_int_equal(gnutls_x509_crt_export(crt, GNUTLS_X509_FMT_PEM, pem, &cap), 0);
	gnutls_x509_crt_deinit(crt);
	gnutls_x509_privkey_deinit(key);
}

static void takes_every_version_and_date(void **state)
{
	time_t now = time(NULL), year = 365 * 86400;
	char pem[4096];

	for (unsigned version = 1; version <= 3; version++) {
		struct pf_cert *c;

		make(pem, sizeof(pem), version, 2, now - 2 * year, now - year); /* expired */
		c = take(pem);
		assert_int_equal(pf_cert_verify_sha256(c, message, 16, signed_by_peer, 256), 0);
		pf_cert_free(c);
		make(pem, sizeof(pem), version, 1, now + year, now + 2 * year); /* not yet */
		pf_cert_free(take(pem));
	}
}

static void refuses_what_is_no_certificate_of_this_plane(void **state)
{
	struct pf_cert *c = NULL, *good = take(peer_cert_pem);
	struct pf_reason why = { 0 };
	char text[PF_CERT_TEXT_BYTES + 16];
	const uint8_t *der;
	size_t n = strlen(peer_cert_pem), len;

	assert_int_equal(pf_cert_from_pem(&c, ec_cert_pem, strlen(ec_cert_pem), &why), -EBADMSG);
	assert_non_null(strstr(why.text, "RSA"));
	assert_int_equal(
		pf_cert_from_pem(&c, weak_cert_pem, strlen(weak_cert_pem), &why), -EBADMSG);
	assert_non_null(strstr(why.text, "2048"));
	assert_int_equal(pf_cert_from_pem(&c, peer_key_pem, strlen(peer_key_pem), &why), -EBADMSG);

	/* Blanks around it are fine, a second one or words are not. */
	memset(text, ' ', sizeof(text));
	memcpy(text + 3, peer_cert_pem, n);
	assert_int_equal(pf_cert_from_pem(&c, text, n + 10, &why), 0);
	pf_cert_free(c);
	c = NULL;
	memcpy(text + 3 + n, peer_cert_pem, n);
	assert_int_equal(pf_cert_from_pem(&c, text, 2 * n + 3, &why), -EBADMSG);
	text[3 + n] = 0;
	assert_int_equal(pf_cert_from_pem(&c, text, n + 4, &why), -EBADMSG);
	memcpy(text, "xy", 2);
	assert_int_equal(pf_cert_from_pem(&c, text, n + 3, &why), -EBADMSG);
	memset(text, ' ', sizeof(text));
	memcpy(text, peer_cert_pem, n);
	assert_int_equal(pf_cert_from_pem(&c, text, PF_CERT_TEXT_BYTES + 1, &why), -EBADMSG);

	/* Cut anywhere, it is none. */
	for (size_t i = 0; i < n - 1; i += 7)
		assert_int_equal(pf_cert_from_pem(&c, peer_cert_pem, i, NULL), -EBADMSG);
	der = pf_cert_der(good, &len);
	for (size_t i = 0; i < len; i += 11)
		assert_int_equal(pf_cert_from_der(&c, der, i, NULL), -EBADMSG);
	assert_int_equal(
		pf_cert_from_der(&c, (const uint8_t *)text, PF_CERT_DER_BYTES + 1, NULL), -EBADMSG);
	assert_null(c);
	pf_cert_free(good);
	pf_cert_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_openssl),
		cmocka_unit_test(refuses_wrong_signatures),
		cmocka_unit_test(takes_hex_of_either_case),
		cmocka_unit_test(takes_every_version_and_date),
		cmocka_unit_test(refuses_what_is_no_certificate_of_this_plane),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
