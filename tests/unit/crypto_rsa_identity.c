/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include "core/crypto/rsa_identity.h"
#include "tests/unit/crypto_cert.h"

struct fixture {
	char dir[64], path[96];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	strcpy(f->dir, "/tmp/pf-rsa-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/gamestream.pem", f->dir);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	unlink(f->path);
	assert_int_equal(rmdir(f->dir), 0); /* and nothing beside it */
	free(f);
	return 0;
}

static void put_file(const char *path, const char *a, const char *b)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fchmod(fileno(f), 0600), 0);
	fprintf(f, "%s%s", a, b);
	assert_int_equal(fclose(f), 0);
}

static void makes_one_rsa_leaf(void **state)
{
	struct fixture *f = *state;
	struct pf_identity *id = NULL, *again = NULL;
	struct pf_cert *cert = NULL;
	gnutls_x509_crt_t crt;
	gnutls_datum_t d;
	uint8_t a[32], b[32];
	const char *pem;
	char text[128];
	size_t len = sizeof(text);
	unsigned bits = 0, verify = 0;
	struct stat st;

	assert_int_equal(pf_rsa_identity_open(&id, f->path, "Wohnzimmer", NULL), 0);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	pem = pf_identity_cert_pem(id);
	assert_null(strstr(strstr(pem, "BEGIN") + 5, "BEGIN"));
	d = (gnutls_datum_t){ (unsigned char *)pem, (unsigned)strlen(pem) };
	assert_int_equal(gnutls_x509_crt_init(&crt), 0);
	assert_int_equal(gnutls_x509_crt_import(crt, &d, GNUTLS_X509_FMT_PEM), 0);
	assert_int_equal(gnutls_x509_crt_get_pk_algorithm(crt, &bits), GNUTLS_PK_RSA);
	assert_int_equal(bits, 2048);
	assert_int_equal(gnutls_x509_crt_get_signature_algorithm(crt), GNUTLS_SIGN_RSA_SHA256);
	assert_int_equal(
		gnutls_x509_crt_get_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, 0, text, &len),
		0);
	assert_string_equal(text, "Wohnzimmer");
	assert_true(gnutls_x509_crt_get_expiration_time(crt) > time(NULL) + 19L * 365 * 86400);
	assert_int_equal(gnutls_x509_crt_verify(crt, &crt, 1, 0, &verify), 0);
	assert_int_equal(verify & GNUTLS_CERT_INVALID, 0);
	gnutls_x509_crt_deinit(crt);

	assert_int_equal(pf_rsa_identity_cert(&cert, id, NULL), 0);
	pf_cert_fingerprint(cert, a);
	pf_identity_fingerprint(id, b);
	assert_memory_equal(a, b, 32);
	(void)pf_cert_signature(cert, &len);
	assert_int_equal(len, 256);
	pf_cert_free(cert);

	assert_int_equal(pf_rsa_identity_open(&again, f->path, "other", NULL), 0);
	assert_string_equal(pf_identity_cert_pem(again), pem);
	pf_identity_unref(again);
	pf_identity_unref(id);
}

/* PKCS#1 v1.5 is deterministic: the same key signs the same. */
static void signs_as_openssl_does(void **state)
{
	struct fixture *f = *state;
	struct pf_identity *id = NULL;
	struct pf_cert *cert = NULL;
	uint8_t sig[PF_RSA_SIG_BYTES];

	put_file(f->path, peer_key_pem, peer_cert_pem);
	assert_int_equal(pf_rsa_identity_open(&id, f->path, "x", NULL), 0);
	assert_int_equal(pf_rsa_sign_sha256(id, "sixteen bytes ok", 16, sig, NULL), 0);
	assert_memory_equal(sig, signed_by_peer, sizeof(sig));
	assert_int_equal(pf_rsa_identity_cert(&cert, id, NULL), 0);
	assert_int_equal(pf_cert_verify_sha256(cert, "sixteen bytes ok", 16, sig, 256), 0);
	assert_int_equal(pf_rsa_sign_sha256(id, "", 0, sig, NULL), 0);
	assert_int_equal(pf_cert_verify_sha256(cert, "", 0, sig, 256), 0);
	pf_cert_free(cert);
	pf_identity_unref(id);
}

static void does_not_take_the_native_identity(void **state)
{
	struct fixture *f = *state;
	struct pf_identity *id = NULL, *none = NULL;
	struct pf_reason why = { 0 };
	uint8_t sig[PF_RSA_SIG_BYTES];

	assert_int_equal(pf_identity_open(&id, f->path, "x", NULL), 0);
	assert_int_equal(pf_rsa_identity_open(&none, f->path, "x", &why), -EBADMSG);
	assert_non_null(strstr(why.text, "RSA-2048"));
	assert_null(none);
	assert_int_equal(pf_rsa_sign_sha256(id, "x", 1, sig, &why), -EIO);
	pf_identity_unref(id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(makes_one_rsa_leaf, setup, teardown),
		cmocka_unit_test_setup_teardown(signs_as_openssl_does, setup, teardown),
		cmocka_unit_test_setup_teardown(does_not_take_the_native_identity, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
