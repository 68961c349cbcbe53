/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* gs_pair_client.h - the client's side of GameStream pairing, for tests.
 *
 * Written from the description of the protocol on GnuTLS and nettle alone: it
 * shares nothing with the host's side. Each step gives the arguments of the next
 * request, or checks what came back. */
#pragma once
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <nettle/aes.h>
#include <nettle/sha2.h>

#define GS_ARGS_BYTES 16000

struct gs_client {
	gnutls_x509_privkey_t key;
	gnutls_x509_crt_t crt, host_crt;
	gnutls_datum_t key_pem, crt_pem, crt_der;
	char pin[8];
	uint8_t salt[16], aes[16], challenge[16], secret[16], host_random[16], host_hash[32];
};

static inline void gs_must(int ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "gs_pair_client: %s\n", what);
		abort();
	}
}

static inline void gs_to_hex(char *out, const void *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sprintf(out + 2 * i, "%02x", ((const uint8_t *)data)[i]);
	out[2 * len] = 0;
}

/* Bytes written, or 0 for what is no hex or does not fit. */
static inline size_t gs_from_hex(uint8_t *out, size_t cap, const char *hex)
{
	size_t n = strlen(hex) / 2;

	if (strlen(hex) % 2 || n > cap || strspn(hex, "0123456789abcdefABCDEF") != 2 * n)
		return 0;
	for (size_t i = 0; i < n; i++) {
		char two[3] = { hex[2 * i], hex[2 * i + 1], 0 };

		out[i] = (uint8_t)strtoul(two, NULL, 16);
	}
	return n;
}

/* A certificate like Moonlight's: RSA-2048, no extension. `version` 1 to
 * 3; `days` from now, may be negative: then it has expired. */
static inline void gs_client_init_with(struct gs_client *c, unsigned version, int days)
{
	const char *name = "NVIDIA GameStream Client";
	uint8_t serial = 1; /* theirs is 0, which GnuTLS does not make */
	time_t now = time(NULL);

	memset(c, 0, sizeof(*c));
	gs_must(!gnutls_x509_privkey_init(&c->key) &&
			!gnutls_x509_privkey_generate(c->key, GNUTLS_PK_RSA, 2048, 0),
		"key");
	gs_must(!gnutls_x509_crt_init(&c->crt) && !gnutls_x509_crt_set_version(c->crt, version) &&
			!gnutls_x509_crt_set_serial(c->crt, &serial, 1) &&
			!gnutls_x509_crt_set_dn_by_oid(c->crt, GNUTLS_OID_X520_COMMON_NAME, 0, name,
				(unsigned)strlen(name)) &&
			!gnutls_x509_crt_set_activation_time(c->crt, now - 400 * 86400) &&
			!gnutls_x509_crt_set_expiration_time(c->crt, now + (time_t)days * 86400) &&
			!gnutls_x509_crt_set_key(c->crt, c->key) &&
			!gnutls_x509_crt_sign2(c->crt, c->crt, c->key, GNUTLS_DIG_SHA256, 0),
		"certificate");
	gs_must(!gnutls_x509_crt_export2(c->crt, GNUTLS_X509_FMT_PEM, &c->crt_pem) &&
			!gnutls_x509_crt_export2(c->crt, GNUTLS_X509_FMT_DER, &c->crt_der) &&
			!gnutls_x509_privkey_export2(c->key, GNUTLS_X509_FMT_PEM, &c->key_pem),
		"export");
}

static inline void gs_client_init(struct gs_client *c)
{
	gs_client_init_with(c, 3, 20 * 365);
}

static inline void gs_client_finish(struct gs_client *c)
{
	if (c->host_crt)
		gnutls_x509_crt_deinit(c->host_crt);
	gnutls_x509_crt_deinit(c->crt);
	gnutls_x509_privkey_deinit(c->key);
	gnutls_free(c->crt_pem.data);
	gnutls_free(c->crt_der.data);
	gnutls_free(c->key_pem.data);
}

static inline void gs_client_aes_key(uint8_t out[16], const uint8_t salt[16], const char *pin)
{
	struct sha256_ctx h;
	uint8_t digest[32];

	sha256_init(&h);
	sha256_update(&h, 16, salt);
	sha256_update(&h, strlen(pin), (const uint8_t *)pin);
	sha256_digest(&h, 32, digest);
	memcpy(out, digest, 16);
}

/* 1: shows `pin` to the person. */
static inline void gs_client_start(struct gs_client *c, const char *pin, char args[GS_ARGS_BYTES])
{
	char salt[33], cert[8192];

	gs_must(!gnutls_rnd(GNUTLS_RND_RANDOM, c->salt, sizeof(c->salt)), "random");
	snprintf(c->pin, sizeof(c->pin), "%s", pin);
	gs_client_aes_key(c->aes, c->salt, pin);
	gs_to_hex(salt, c->salt, sizeof(c->salt));
	gs_must(c->crt_pem.size * 2 < sizeof(cert), "certificate size");
	gs_to_hex(cert, c->crt_pem.data, c->crt_pem.size);
	snprintf(args, GS_ARGS_BYTES, "phrase=getservercert&salt=%s&clientcert=%s", salt, cert);
}

/* 1, answered; gives 2. */
static inline bool gs_client_take_cert(
	struct gs_client *c, const char *hex, char args[GS_ARGS_BYTES])
{
	uint8_t pem[4096], sealed[16];
	gnutls_datum_t d = { pem, (unsigned)gs_from_hex(pem, sizeof(pem), hex) };
	struct aes128_ctx aes;
	char text[33];

	if (c->host_crt)
		gnutls_x509_crt_deinit(c->host_crt);
	gs_must(!gnutls_x509_crt_init(&c->host_crt), "host certificate");
	if (!d.size || gnutls_x509_crt_import(c->host_crt, &d, GNUTLS_X509_FMT_PEM))
		return false;
	gs_must(!gnutls_rnd(GNUTLS_RND_RANDOM, c->challenge, sizeof(c->challenge)), "random");
	aes128_set_encrypt_key(&aes, c->aes);
	aes128_encrypt(&aes, 16, sealed, c->challenge);
	gs_to_hex(text, sealed, sizeof(sealed));
	snprintf(args, GS_ARGS_BYTES, "clientchallenge=%s", text);
	return true;
}

static inline size_t gs_signature(gnutls_x509_crt_t crt, uint8_t out[512])
{
	size_t len = 512;

	gs_must(!gnutls_x509_crt_get_signature(crt, (char *)out, &len), "signature");
	return len;
}

/* 2, answered; gives 3. */
static inline bool gs_client_take_challenge(
	struct gs_client *c, const char *hex, char args[GS_ARGS_BYTES])
{
	uint8_t sealed[48], plain[48], sig[512], digest[32];
	struct aes128_ctx aes;
	struct sha256_ctx h;
	char text[65];

	if (gs_from_hex(sealed, sizeof(sealed), hex) != sizeof(sealed))
		return false;
	aes128_set_decrypt_key(&aes, c->aes);
	aes128_decrypt(&aes, sizeof(sealed), plain, sealed);
	memcpy(c->host_hash, plain, 32);
	memcpy(c->host_random, plain + 32, 16);
	gs_must(!gnutls_rnd(GNUTLS_RND_RANDOM, c->secret, sizeof(c->secret)), "random");
	sha256_init(&h);
	sha256_update(&h, 16, c->host_random);
	sha256_update(&h, gs_signature(c->crt, sig), sig);
	sha256_update(&h, 16, c->secret);
	sha256_digest(&h, 32, digest);
	aes128_set_encrypt_key(&aes, c->aes);
	aes128_encrypt(&aes, 32, digest, digest);
	gs_to_hex(text, digest, 32);
	snprintf(args, GS_ARGS_BYTES, "serverchallengeresp=%s", text);
	return true;
}

enum gs_verdict {
	GS_OK,
	GS_MALFORMED,
	GS_MITM,
	GS_WRONG_PIN,
};

/* 3, answered; gives 4, whatever the verdict (as one client does). */
static inline enum gs_verdict gs_client_take_secret(
	struct gs_client *c, const char *hex, char args[GS_ARGS_BYTES])
{
	uint8_t data[16 + 512], sig[512], digest[32];
	size_t len = gs_from_hex(data, sizeof(data), hex);
	gnutls_datum_t host_secret = { data, 16 }, host_sig = { data + 16, (unsigned)(len - 16) };
	gnutls_datum_t own = { c->secret, 16 }, own_sig;
	enum gs_verdict verdict = GS_OK;
	gnutls_privkey_t key;
	gnutls_pubkey_t pub;
	struct sha256_ctx h;
	char text[2 * sizeof(data) + 1];

	if (len <= 16)
		return GS_MALFORMED;
	gs_must(!gnutls_pubkey_init(&pub) && !gnutls_pubkey_import_x509(pub, c->host_crt, 0),
		"host key");
	if (gnutls_pubkey_verify_data2(pub, GNUTLS_SIGN_RSA_SHA256, 0, &host_secret, &host_sig) < 0)
		verdict = GS_MITM;
	gnutls_pubkey_deinit(pub);
	sha256_init(&h);
	sha256_update(&h, 16, c->challenge);
	sha256_update(&h, gs_signature(c->host_crt, sig), sig);
	sha256_update(&h, 16, data);
	sha256_digest(&h, 32, digest);
	if (verdict == GS_OK && memcmp(digest, c->host_hash, 32) != 0)
		verdict = GS_WRONG_PIN;
	gs_must(!gnutls_privkey_init(&key) && !gnutls_privkey_import_x509(key, c->key, 0) &&
			!gnutls_privkey_sign_data2(key, GNUTLS_SIGN_RSA_SHA256, 0, &own, &own_sig),
		"sign");
	memcpy(data, c->secret, 16);
	memcpy(data + 16, own_sig.data, own_sig.size);
	gs_to_hex(text, data, 16 + own_sig.size);
	snprintf(args, GS_ARGS_BYTES, "clientpairingsecret=%s", text);
	gnutls_free(own_sig.data);
	gnutls_privkey_deinit(key);
	return verdict;
}
