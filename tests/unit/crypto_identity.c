/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include "core/crypto/identity.h"

struct fixture {
	char dir[64];
	char path[96];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	strcpy(f->dir, "/tmp/pf-identity-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/host.pem", f->dir);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char name[400];
	DIR *d = opendir(f->dir);

	for (struct dirent *e; d && (e = readdir(d));) {
		snprintf(name, sizeof(name), "%s/%s", f->dir, e->d_name);
		unlink(name);
	}
	closedir(d);
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

static unsigned files_in(const char *dir)
{
	unsigned n = 0;
	DIR *d = opendir(dir);

	for (struct dirent *e; (e = readdir(d));)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static gnutls_x509_crt_t crt_of(const struct pf_identity *id)
{
	const char *pem = pf_identity_cert_pem(id);
	gnutls_datum_t d = { (unsigned char *)pem, (unsigned)strlen(pem) };
	gnutls_x509_crt_t crt;

	assert_int_equal(gnutls_x509_crt_init(&crt), 0);
	assert_int_equal(gnutls_x509_crt_import(crt, &d, GNUTLS_X509_FMT_PEM), 0);
	return crt;
}

static void generates_a_p256_certificate(void **state)
{
	struct pf_identity *id = NULL;
	gnutls_x509_crt_t crt;
	gnutls_ecc_curve_t curve;
	gnutls_datum_t der, x, y;
	uint8_t want[32], got[32];
	unsigned verify = 0;
	char text[128];
	size_t len = sizeof(text);

	assert_int_equal(pf_identity_generate(&id, "punktfunk-client", NULL), 0);
	crt = crt_of(id);
	assert_int_equal(gnutls_x509_crt_get_pk_algorithm(crt, NULL), GNUTLS_PK_ECDSA);
	assert_int_equal(gnutls_x509_crt_get_pk_ecc_raw(crt, &curve, &x, &y), 0);
	assert_int_equal(curve, GNUTLS_ECC_CURVE_SECP256R1);
	gnutls_free(x.data);
	gnutls_free(y.data);
	assert_int_equal(
		gnutls_x509_crt_get_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, 0, text, &len),
		0);
	assert_string_equal(text, "punktfunk-client");
	len = sizeof(text);
	assert_int_equal(
		gnutls_x509_crt_get_subject_alt_name(crt, 0, text, &len, NULL), GNUTLS_SAN_DNSNAME);
	assert_memory_equal(text, "punktfunk-client", len);
	assert_true(gnutls_x509_crt_get_activation_time(crt) <= time(NULL));
	assert_true(gnutls_x509_crt_get_expiration_time(crt) > time(NULL) + 19L * 365 * 86400);

	/* Signed by its own key. */
	assert_int_equal(gnutls_x509_crt_verify(crt, &crt, 1, 0, &verify), 0);
	assert_int_equal(verify & GNUTLS_CERT_INVALID, 0);

	/* The fingerprint is SHA-256 over the DER. */
	assert_int_equal(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_DER, &der), 0);
	assert_int_equal(gnutls_hash_fast(GNUTLS_DIG_SHA256, der.data, der.size, want), 0);
	gnutls_free(der.data);
	pf_identity_fingerprint(id, got);
	assert_memory_equal(got, want, 32);
	gnutls_x509_crt_deinit(crt);
	pf_identity_unref(id);
}

static void takes_any_display_name(void **state)
{
	static const char *const names[] = { "", "Bob's PC", "...", "Küche", "a b.c-",
		"0123456789012345678901234567890123456789012345678901234567890123456789",
		"ÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄ" };
	struct pf_identity *id = NULL;
	struct pf_reason why = { 0 };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(pf_identity_generate(&id, names[i], &why), 0);
		gnutls_x509_crt_deinit(crt_of(id));
		pf_identity_unref(id);
	}
	id = NULL;
	assert_int_equal(pf_identity_generate(&id, "\xff\xfe", &why), -EINVAL);
	assert_null(id);
	assert_int_equal(why.code, -EINVAL);
}

static void two_identities_differ(void **state)
{
	struct pf_identity *a, *b;
	uint8_t fa[32], fb[32];

	assert_int_equal(pf_identity_generate(&a, "x", NULL), 0);
	assert_int_equal(pf_identity_generate(&b, "x", NULL), 0);
	pf_identity_fingerprint(a, fa);
	pf_identity_fingerprint(b, fb);
	assert_memory_not_equal(fa, fb, 32);
	assert_string_not_equal(pf_identity_key_pem(a), pf_identity_key_pem(b));
	pf_identity_unref(a);
	pf_identity_unref(b);
}

static void opens_what_it_created(void **state)
{
	struct fixture *f = *state;
	struct pf_identity *a = NULL, *b = NULL;
	struct stat st;
	uint8_t fa[32], fb[32];

	umask(0); /* the mode must not depend on it */
	assert_int_equal(pf_identity_open(&a, f->path, "host", NULL), 0);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(files_in(f->dir), 1);
	assert_int_equal(pf_identity_open(&b, f->path, "other", NULL), 0);
	pf_identity_fingerprint(a, fa);
	pf_identity_fingerprint(b, fb);
	assert_memory_equal(fa, fb, 32);
	assert_string_equal(pf_identity_key_pem(a), pf_identity_key_pem(b));
	assert_string_equal(pf_identity_cert_pem(a), pf_identity_cert_pem(b));
	pf_identity_unref(a);
	pf_identity_unref(b);
}

static void put_file(const char *path, const char *a, const char *b)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fchmod(fileno(f), 0600), 0);
	fprintf(f, "%s%s", a, b);
	assert_int_equal(fclose(f), 0);
}

static void refuses_bad_files(void **state)
{
	struct fixture *f = *state;
	struct pf_identity *id = NULL, *other = NULL, *none = NULL;
	struct pf_reason why = { 0 };
	char *half;

	assert_int_equal(pf_identity_open(&id, f->path, "host", NULL), 0);
	assert_int_equal(pf_identity_generate(&other, "other", NULL), 0);

	assert_int_equal(chmod(f->path, 0640), 0);
	assert_int_equal(pf_identity_open(&none, f->path, "host", &why), -EPERM);
	assert_non_null(strstr(why.text, "chmod 600"));

	/* The key of one with the certificate of the other. */
	put_file(f->path, pf_identity_key_pem(id), pf_identity_cert_pem(other));
	assert_int_equal(chmod(f->path, 0600), 0);
	assert_int_equal(pf_identity_open(&none, f->path, "host", &why), -EBADMSG);
	assert_non_null(strstr(why.text, "do not belong together"));

	put_file(f->path, pf_identity_key_pem(id), "");
	assert_int_equal(pf_identity_open(&none, f->path, "host", &why), -EBADMSG);
	put_file(f->path, "", pf_identity_cert_pem(id));
	assert_int_equal(pf_identity_open(&none, f->path, "host", &why), -EBADMSG);
	put_file(f->path, "", "");
	assert_int_equal(pf_identity_open(&none, f->path, "host", &why), -EBADMSG);
	half = strndup(pf_identity_key_pem(id), 100);
	put_file(f->path, half, pf_identity_cert_pem(id));
	free(half);
	assert_int_equal(pf_identity_open(&none, f->path, "host", &why), -EBADMSG);

	/* A damaged file is never replaced. */
	assert_int_equal(files_in(f->dir), 1);
	assert_int_equal(pf_identity_open(&none, f->dir, "host", &why), -EBADMSG);
	assert_null(none);
	pf_identity_unref(id);
	pf_identity_unref(other);
}

static void names_the_missing_folder(void **state)
{
	struct fixture *f = *state;
	struct pf_identity *none = NULL;
	struct pf_reason why = { 0 };
	char path[128];

	snprintf(path, sizeof(path), "%s/none/host.pem", f->dir);
	assert_int_equal(pf_identity_open(&none, path, "host", &why), -ENOENT);
	assert_non_null(strstr(why.text, "none/host.pem"));
	assert_null(none);
}

/* Several processes find no file at once: one identity wins, all use it. */
static void first_start_may_race(void **state)
{
	enum { N = 6 };
	struct fixture *f = *state;
	uint8_t prints[N][32];
	int ready[2], result[2];

	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(result), 0);
	for (int i = 0; i < N; i++) {
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (!pid) {
			struct pf_identity *id = NULL;
			uint8_t print[32] = { 0 };
			char go;

			close(ready[1]);
			if (read(ready[0], &go, 1) != 0) /* ends when the parent closes */
				_exit(1);
			if (!pf_identity_open(&id, f->path, "host", NULL))
				pf_identity_fingerprint(id, print);
			_exit(write(result[1], print, 32) != 32);
		}
	}
	close(ready[0]);
	close(ready[1]);
	for (int i = 0; i < N; i++) {
		int status;

		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
		assert_int_equal(read(result[0], prints[i], 32), 32);
		assert_memory_not_equal(prints[i], (uint8_t[32]){ 0 }, 32);
		assert_memory_equal(prints[i], prints[0], 32);
	}
	close(result[0]);
	close(result[1]);
	assert_int_equal(files_in(f->dir), 1);
}

static void reference_keeps_it_alive(void **state)
{
	struct pf_identity *a = NULL, *b;

	assert_int_equal(pf_identity_generate(&a, "x", NULL), 0);
	b = pf_identity_ref(a);
	pf_identity_unref(a);
	assert_non_null(strstr(pf_identity_cert_pem(b), "BEGIN CERTIFICATE"));
	pf_identity_unref(b);
	pf_identity_unref(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(generates_a_p256_certificate),
		cmocka_unit_test(takes_any_display_name),
		cmocka_unit_test(two_identities_differ),
		cmocka_unit_test_setup_teardown(opens_what_it_created, setup, teardown),
		cmocka_unit_test_setup_teardown(refuses_bad_files, setup, teardown),
		cmocka_unit_test_setup_teardown(names_the_missing_folder, setup, teardown),
		cmocka_unit_test_setup_teardown(first_start_may_race, setup, teardown),
		cmocka_unit_test(reference_keeps_it_alive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
