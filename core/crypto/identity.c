/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/crypto/identity.h"
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include "core/base/utf8.h"
#include "core/crypto/identity_impl.h"
#include "core/crypto/secret.h"

#define NEW_FILE     ".pf-new"
#define CN_MAX	     64 /* ub-common-name of RFC 5280 */
#define DNS_MAX	     63 /* one label */
#define SERIAL_BYTES 16
#define DAY_S	     86400
#define VALID_DAYS   (20 * 365)
#define FILE_MAX     65536

static const struct {
	gnutls_pk_algorithm_t algorithm;
	unsigned bits;
	unsigned usage;
	const char *words;
} kinds[] = {
	[PF_IDENTITY_P256] = { GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1),
		GNUTLS_KEY_DIGITAL_SIGNATURE, "an ECDSA key" },
	[PF_IDENTITY_RSA2048] = { GNUTLS_PK_RSA, 2048,
		GNUTLS_KEY_DIGITAL_SIGNATURE | GNUTLS_KEY_KEY_ENCIPHERMENT, "an RSA-2048 key" },
};

struct pf_identity {
	_Atomic unsigned refs;
	uint8_t fingerprint[32];
	char *key_pem;
	char *cert_pem;
};

static int tls_error(struct pf_reason *why, int err, const char *what)
{
	return pf_reason_set(why, err == GNUTLS_E_MEMORY_ERROR ? -ENOMEM : -EIO, "%s: %s", what,
		gnutls_strerror(err));
}

static void free_secret(char *s)
{
	if (s)
		pf_secret_wipe(s, strlen(s));
	free(s);
}

static void destroy(struct pf_identity *id)
{
	if (!id)
		return;
	free_secret(id->key_pem);
	free(id->cert_pem);
	free(id);
}

/* A DNS name out of a display name: letters, digits, '-' and '.' stay. */
static void dns_name(char out[DNS_MAX + 1], const char *name)
{
	size_t len = 0;

	for (; *name && len < DNS_MAX; name++) {
		char c = *name;

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			((c == '-' || c == '.') && len && out[len - 1] != '.'))
			out[len++] = c;
	}
	while (len && (out[len - 1] == '.' || out[len - 1] == '-'))
		len--;
	out[len] = 0;
	if (!len)
		strcpy(out, "punktfunk");
}

static int fill_certificate(
	gnutls_x509_crt_t crt, gnutls_x509_privkey_t key, unsigned usage, const char *name)
{
	size_t cn_len = pf_utf8_cut(name, strlen(name), CN_MAX);
	uint8_t serial[SERIAL_BYTES];
	char dns[DNS_MAX + 1];
	time_t now = time(NULL);
	int err;

	dns_name(dns, name);
	err = gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof(serial));
	if (err < 0)
		return err;
	serial[0] = (serial[0] & 0x7f) | 0x40; /* positive, full length */
	if ((err = gnutls_x509_crt_set_version(crt, 3)) < 0 ||
		(err = gnutls_x509_crt_set_serial(crt, serial, sizeof(serial))) < 0 ||
		(err = gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0,
			 cn_len ? name : dns, (unsigned)(cn_len ? cn_len : strlen(dns)))) < 0 ||
		(err = gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, dns,
			 (unsigned)strlen(dns), GNUTLS_FSAN_SET)) < 0 ||
		/* A peer's clock may be a little behind. */
		(err = gnutls_x509_crt_set_activation_time(crt, now - DAY_S)) < 0 ||
		(err = gnutls_x509_crt_set_expiration_time(crt, now + (time_t)VALID_DAYS * DAY_S)) <
			0 ||
		(err = gnutls_x509_crt_set_basic_constraints(crt, 0, -1)) < 0 ||
		(err = gnutls_x509_crt_set_key_usage(crt, usage)) < 0 ||
		(err = gnutls_x509_crt_set_key_purpose_oid(crt, GNUTLS_KP_TLS_WWW_SERVER, 0)) < 0 ||
		(err = gnutls_x509_crt_set_key_purpose_oid(crt, GNUTLS_KP_TLS_WWW_CLIENT, 0)) < 0 ||
		(err = gnutls_x509_crt_set_key(crt, key)) < 0)
		return err;
	return gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0);
}

/* Takes a zero-terminated copy of `d` and frees d, wiped. */
static char *take_pem(gnutls_datum_t *d)
{
	char *s = malloc(d->size + 1);

	if (s) {
		memcpy(s, d->data, d->size);
		s[d->size] = 0;
	}
	pf_secret_wipe(d->data, d->size);
	gnutls_free(d->data);
	return s;
}

static int from_objects(struct pf_identity **out, gnutls_x509_privkey_t key, gnutls_x509_crt_t crt,
	struct pf_reason *why)
{
	struct pf_identity *id = calloc(1, sizeof(*id));
	size_t len = sizeof(id->fingerprint);
	gnutls_datum_t pem;
	int err;

	if (!id)
		return pf_reason_set(why, -ENOMEM, "out of memory");
	atomic_init(&id->refs, 1);
	err = gnutls_x509_crt_get_fingerprint(crt, GNUTLS_DIG_SHA256, id->fingerprint, &len);
	if (err < 0)
		goto fail;
	err = gnutls_x509_privkey_export2_pkcs8(
		key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &pem);
	if (err < 0)
		goto fail;
	id->key_pem = take_pem(&pem);
	err = gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &pem);
	if (err < 0)
		goto fail;
	id->cert_pem = take_pem(&pem);
	err = GNUTLS_E_MEMORY_ERROR;
	if (!id->key_pem || !id->cert_pem)
		goto fail;
	*out = id;
	return 0;
fail:
	destroy(id);
	return tls_error(why, err, "cannot encode the identity");
}

int pf_identity_generate_kind(struct pf_identity **out, enum pf_identity_kind kind,
	const char *name, struct pf_reason *why)
{
	gnutls_x509_privkey_t key = NULL;
	gnutls_x509_crt_t crt = NULL;
	int err, r;

	if (!pf_utf8_valid(name, strlen(name)))
		return pf_reason_set(why, -EINVAL, "the identity's name is not UTF-8");
	err = gnutls_x509_privkey_init(&key);
	if (err >= 0)
		err = gnutls_x509_privkey_generate(key, kinds[kind].algorithm, kinds[kind].bits, 0);
	if (err >= 0)
		err = gnutls_x509_crt_init(&crt);
	if (err >= 0)
		err = fill_certificate(crt, key, kinds[kind].usage, name);
	r = err < 0 ? tls_error(why, err, "cannot make an identity")
		    : from_objects(out, key, crt, why);
	if (crt)
		gnutls_x509_crt_deinit(crt);
	if (key)
		gnutls_x509_privkey_deinit(key);
	return r;
}

/* An older ECDSA identity of another curve serves as well; an RSA one is what
 * clients were promised. */
static bool fits(enum pf_identity_kind kind, gnutls_x509_privkey_t key)
{
	unsigned bits = 0;
	int algorithm = gnutls_x509_privkey_get_pk_algorithm2(key, &bits);

	return kind == PF_IDENTITY_P256 || (algorithm == GNUTLS_PK_RSA && bits == 2048);
}

static int parse(struct pf_identity **out, enum pf_identity_kind kind, const char *path, char *text,
	size_t len, struct pf_reason *why)
{
	gnutls_datum_t pem = { .data = (unsigned char *)text, .size = (unsigned)len };
	uint8_t key_id[32], crt_id[32];
	size_t key_id_len = sizeof(key_id), crt_id_len = sizeof(crt_id);
	gnutls_x509_privkey_t key = NULL;
	gnutls_x509_crt_t crt = NULL;
	int err, r;

	err = gnutls_x509_privkey_init(&key);
	if (err >= 0)
		err = gnutls_x509_privkey_import2(key, &pem, GNUTLS_X509_FMT_PEM, NULL, 0);
	if (err >= 0)
		err = gnutls_x509_crt_init(&crt);
	if (err >= 0)
		err = gnutls_x509_crt_import(crt, &pem, GNUTLS_X509_FMT_PEM);
	if (err >= 0)
		err = gnutls_x509_privkey_get_key_id(
			key, GNUTLS_KEYID_USE_SHA256, key_id, &key_id_len);
	if (err >= 0)
		err = gnutls_x509_crt_get_key_id(crt, GNUTLS_KEYID_USE_SHA256, crt_id, &crt_id_len);
	if (err == GNUTLS_E_MEMORY_ERROR)
		r = tls_error(why, err, path);
	else if (err < 0)
		r = pf_reason_set(why, -EBADMSG,
			"%s holds no usable private key and certificate (%s); restore it from a "
			"backup, or move it away to get a new identity",
			path, gnutls_strerror(err));
	else if (key_id_len != crt_id_len || memcmp(key_id, crt_id, key_id_len) != 0)
		r = pf_reason_set(why, -EBADMSG,
			"%s: private key and certificate do not belong together; restore it from "
			"a backup, or move it away to get a new identity",
			path);
	else if (!fits(kind, key))
		r = pf_reason_set(why, -EBADMSG,
			"%s holds another kind of key than %s; move it away to get a new identity",
			path, kinds[kind].words);
	else
		r = from_objects(out, key, crt, why);
	if (crt)
		gnutls_x509_crt_deinit(crt);
	if (key)
		gnutls_x509_privkey_deinit(key);
	return r;
}

/* -ENOENT (without words) when there is no such file. */
static int load(struct pf_identity **out, enum pf_identity_kind kind, const char *path,
	struct pf_reason *why)
{
	struct stat st;
	char *text = NULL;
	size_t used = 0;
	int fd, r;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0) {
		r = -errno;
		return r == -ENOENT ? r : pf_reason_set(why, r, "%s: %s", path, strerror(-r));
	}
	if (fstat(fd, &st) < 0) {
		r = pf_reason_set(why, -errno, "%s: %s", path, strerror(errno));
		goto out;
	}
	if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX) {
		r = pf_reason_set(why, -EBADMSG, "%s is not an identity file", path);
		goto out;
	}
	if (st.st_mode & 077) {
		r = pf_reason_set(why, -EPERM,
			"%s holds a private key that others may read; run: chmod 600 %s", path,
			path);
		goto out;
	}
	text = calloc(1, FILE_MAX + 1);
	if (!text) {
		r = pf_reason_set(why, -ENOMEM, "out of memory");
		goto out;
	}
	while (used < FILE_MAX) {
		ssize_t n = read(fd, text + used, FILE_MAX - used);

		if (!n)
			break;
		if (n > 0) {
			used += (size_t)n;
		} else if (errno != EINTR) {
			r = pf_reason_set(why, -errno, "%s: %s", path, strerror(errno));
			goto out;
		}
	}
	r = parse(out, kind, path, text, used, why);
out:
	if (text)
		pf_secret_wipe(text, used);
	free(text);
	close(fd);
	return r;
}

static int write_all(int fd, const char *s)
{
	for (size_t left = strlen(s); left;) {
		ssize_t n = write(fd, s, left);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		s += n;
		left -= (size_t)n;
	}
	return 0;
}

static void sync_folder(const char *path)
{
	char *folder = strdup(path);
	char *slash = folder ? strrchr(folder, '/') : NULL;
	int fd;

	if (folder) {
		if (slash)
			slash[slash == folder] = 0;
		fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd >= 0) {
			(void)fsync(fd);
			close(fd);
		}
	}
	free(folder);
}

/* The file appears whole or not at all. -EEXIST when another process was first. */
static int store(const struct pf_identity *id, const char *path, struct pf_reason *why)
{
	char *tmp = NULL;
	int fd, r;

	/* As all the host's new files are called, which it removes if it was killed. */
	if (asprintf(&tmp, "%s.XXXXXX" NEW_FILE, path) < 0)
		return pf_reason_set(why, -ENOMEM, "out of memory");
	fd = mkostemps(tmp, sizeof(NEW_FILE) - 1, O_CLOEXEC); /* mode 0600 */
	if (fd < 0) {
		r = pf_reason_set(why, -errno,
			"cannot create %s: %s; its folder must exist and be writable", path,
			strerror(errno));
		free(tmp);
		return r;
	}
	r = write_all(fd, id->key_pem);
	if (!r)
		r = write_all(fd, id->cert_pem);
	if (!r && fsync(fd) < 0)
		r = -errno;
	close(fd);
	if (!r && link(tmp, path) < 0)
		r = -errno;
	/* Some file systems know no hard links. */
	if (r == -EPERM || r == -EOPNOTSUPP || r == -ENOSYS)
		r = rename(tmp, path) < 0 ? -errno : 0;
	unlink(tmp);
	free(tmp);
	if (!r)
		sync_folder(path);
	else if (r != -EEXIST)
		pf_reason_set(why, r, "cannot write %s: %s", path, strerror(-r));
	return r;
}

int pf_identity_open_kind(struct pf_identity **out, enum pf_identity_kind kind, const char *path,
	const char *name, struct pf_reason *why)
{
	struct pf_identity *id = NULL;
	int r = load(out, kind, path, why);

	if (r != -ENOENT)
		return r;
	r = pf_identity_generate_kind(&id, kind, name, why);
	if (r)
		return r;
	r = store(id, path, why);
	if (r == -EEXIST) {
		destroy(id);
		r = load(out, kind, path, why);
		return r == -ENOENT ? pf_reason_set(why, r, "%s vanished", path) : r;
	}
	if (r) {
		destroy(id);
		return r;
	}
	*out = id;
	return 0;
}

int pf_identity_generate(struct pf_identity **out, const char *name, struct pf_reason *why)
{
	return pf_identity_generate_kind(out, PF_IDENTITY_P256, name, why);
}

int pf_identity_open(
	struct pf_identity **out, const char *path, const char *name, struct pf_reason *why)
{
	return pf_identity_open_kind(out, PF_IDENTITY_P256, path, name, why);
}

struct pf_identity *pf_identity_ref(const struct pf_identity *id)
{
	struct pf_identity *i = (struct pf_identity *)id;

	atomic_fetch_add_explicit(&i->refs, 1, memory_order_relaxed);
	return i;
}

void pf_identity_unref(struct pf_identity *id)
{
	if (id && atomic_fetch_sub_explicit(&id->refs, 1, memory_order_acq_rel) == 1)
		destroy(id);
}

void pf_identity_fingerprint(const struct pf_identity *id, uint8_t out[32])
{
	memcpy(out, id->fingerprint, sizeof(id->fingerprint));
}

const char *pf_identity_key_pem(const struct pf_identity *id)
{
	return id->key_pem;
}

const char *pf_identity_cert_pem(const struct pf_identity *id)
{
	return id->cert_pem;
}
