/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/quic/tls.h"
#include <errno.h>
#include <gnutls/crypto.h>
#include <stdlib.h>
#include <string.h>
#include "core/crypto/identity.h"
#include "core/crypto/secret.h"
#include "core/quic/bridge.h"
#include "core/wire/wire.h"

#define PRIORITY                                                                                   \
	"%DISABLE_TLS13_COMPAT_MODE:NORMAL:-VERS-ALL:+VERS-TLS1.3:"                                \
	"-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:"                                \
	"-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:+GROUP-SECP521R1"

struct pf_tls_creds {
	gnutls_certificate_credentials_t cred;
	struct pf_identity *identity;
};

static int verify_peer(gnutls_session_t s)
{
	struct pf_tls_peer *peer = pf_tls_peer_of(gnutls_session_get_ptr(s));
	unsigned n = 0;
	const gnutls_datum_t *leaf = gnutls_certificate_get_peers(s, &n);

	if (leaf && n) {
		if (gnutls_hash_fast(GNUTLS_DIG_SHA256, leaf->data, leaf->size, peer->fingerprint) <
			0)
			return GNUTLS_E_CERTIFICATE_ERROR;
		peer->has_certificate = true;
	}
	if (peer->pinned && (!peer->has_certificate || !pf_secret_equal(peer->fingerprint,
							       peer->pin, sizeof(peer->pin)))) {
		peer->pin_mismatch = true;
		return GNUTLS_E_CERTIFICATE_ERROR;
	}
	return 0;
}

int pf_tls_creds_create(
	struct pf_tls_creds **out, const struct pf_identity *identity, struct pf_reason *why)
{
	struct pf_tls_creds *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return pf_reason_set(why, -ENOMEM, "out of memory");
	err = gnutls_certificate_allocate_credentials(&c->cred);
	if (err < 0)
		goto fail;
	if (identity) {
		const char *cert = pf_identity_cert_pem(identity);
		const char *key = pf_identity_key_pem(identity);
		gnutls_datum_t cert_pem = { (unsigned char *)cert, (unsigned)strlen(cert) };
		gnutls_datum_t key_pem = { (unsigned char *)key, (unsigned)strlen(key) };

		c->identity = pf_identity_ref(identity);
		err = gnutls_certificate_set_x509_key_mem(
			c->cred, &cert_pem, &key_pem, GNUTLS_X509_FMT_PEM);
		if (err < 0)
			goto fail;
	}
	gnutls_certificate_set_verify_function(c->cred, verify_peer);
	*out = c;
	return 0;

fail:
	pf_tls_creds_free(c);
	return pf_reason_set(why, -EIO, "TLS refuses the identity: %s", gnutls_strerror(err));
}

void pf_tls_creds_free(struct pf_tls_creds *c)
{
	if (!c)
		return;
	if (c->cred)
		gnutls_certificate_free_credentials(c->cred);
	if (c->identity)
		pf_identity_unref(c->identity);
	free(c);
}

int pf_tls_creds_derive(const struct pf_tls_creds *c, const char *label, uint8_t out[32])
{
	const char *key;

	if (!c->identity)
		return pf_random_bytes(out, 32);
	key = pf_identity_key_pem(c->identity);
	if (gnutls_hmac_fast(GNUTLS_MAC_SHA256, key, strlen(key), label, strlen(label), out) < 0)
		return -EIO;
	return 0;
}

int pf_tls_session_create(gnutls_session_t *out, struct pf_tls_creds *c, bool server,
	const struct pf_alpns *alpns, void *session_ptr)
{
	gnutls_datum_t protos[PF_ALPN_MAX];
	gnutls_session_t s = NULL;

	for (unsigned i = 0; i < alpns->count; i++)
		protos[i] = (gnutls_datum_t){ (unsigned char *)alpns->names[i],
			(unsigned)strlen(alpns->names[i]) };

	if (gnutls_init(&s, (server ? GNUTLS_SERVER | GNUTLS_NO_AUTO_SEND_TICKET : GNUTLS_CLIENT) |
				    GNUTLS_NO_END_OF_EARLY_DATA) < 0)
		return -ENOMEM;
	gnutls_session_set_ptr(s, session_ptr);
	if (gnutls_priority_set_direct(s, PRIORITY, NULL) < 0 ||
		(server ? ngtcp2_crypto_gnutls_configure_server_session(s)
			: ngtcp2_crypto_gnutls_configure_client_session(s)) != 0 ||
		gnutls_credentials_set(s, GNUTLS_CRD_CERTIFICATE, c->cred) < 0 ||
		gnutls_alpn_set_protocols(s, protos, alpns->count,
			GNUTLS_ALPN_MANDATORY | (server ? GNUTLS_ALPN_SERVER_PRECEDENCE : 0)) < 0 ||
		(!server && gnutls_server_name_set(
				    s, GNUTLS_NAME_DNS, PF_QUIC_SNI, strlen(PF_QUIC_SNI)) < 0)) {
		gnutls_deinit(s);
		return -EIO;
	}
	if (server)
		gnutls_certificate_server_set_request(s, GNUTLS_CERT_REQUEST);
	*out = s;
	return 0;
}

const struct pf_wire *pf_tls_wire(gnutls_session_t s, const struct pf_alpns *alpns)
{
	gnutls_datum_t got;

	if (gnutls_alpn_get_selected_protocol(s, &got) != 0)
		return NULL;
	for (unsigned i = 0; i < alpns->count; i++)
		if (got.size == strlen(alpns->names[i]) &&
			!memcmp(got.data, alpns->names[i], got.size))
			return pf_wire_find(got.data, got.size);
	return NULL;
}

int pf_tls_export(
	gnutls_session_t s, const char *label, const uint8_t *context, size_t len, uint8_t out[32])
{
	return gnutls_prf_rfc5705(
		       s, strlen(label), label, len, (const char *)context, 32, (char *)out) < 0
		       ? -EIO
		       : 0;
}

const char *pf_tls_alert_to_string(uint8_t alert)
{
	const char *name = gnutls_alert_get_name((gnutls_alert_description_t)alert);

	return name ? name : "unknown TLS alert";
}
