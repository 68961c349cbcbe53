/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/crypto/tls_client.h"
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <gnutls/gnutls.h>
#include "core/crypto/hash.h"
#include "core/crypto/secret.h"

struct pf_tls_client {
	gnutls_session_t session;
	gnutls_certificate_credentials_t cred;
	uint8_t pin[32];
	bool mismatch, open;
};

static int verify_peer(gnutls_session_t s)
{
	struct pf_tls_client *c = gnutls_session_get_ptr(s);
	unsigned n = 0;
	const gnutls_datum_t *leaf = gnutls_certificate_get_peers(s, &n);
	uint8_t fp[PF_SHA256_BYTES] = { 0 };

	if (leaf && n)
		pf_sha256(leaf->data, leaf->size, fp);
	c->mismatch = !leaf || !n || !pf_secret_equal(fp, c->pin, sizeof(fp));
	return c->mismatch ? GNUTLS_E_CERTIFICATE_ERROR : 0;
}

static int error_of(int err)
{
	switch (err) {
	case GNUTLS_E_AGAIN: /* the socket's time limit */
	case GNUTLS_E_TIMEDOUT:
		return -ETIMEDOUT;
	case GNUTLS_E_PUSH_ERROR:
	case GNUTLS_E_PULL_ERROR:
	case GNUTLS_E_PREMATURE_TERMINATION:
		return -EPIPE;
	case GNUTLS_E_MEMORY_ERROR:
		return -ENOMEM;
	default:
		return -EPROTO;
	}
}

int pf_tls_client_open(
	struct pf_tls_client **out, int fd, const uint8_t pin[32], struct pf_reason *why)
{
	struct pf_tls_client *c = calloc(1, sizeof(*c));
	int err, r;

	if (!c)
		return pf_reason_set(why, -ENOMEM, "out of memory");
	memcpy(c->pin, pin, sizeof(c->pin));
	err = gnutls_certificate_allocate_credentials(&c->cred);
	if (err >= 0) {
		gnutls_certificate_set_verify_function(c->cred, verify_peer);
		err = gnutls_init(&c->session, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL);
	}
	if (err >= 0)
		err = gnutls_priority_set_direct(c->session, "NORMAL:-VERS-ALL:+VERS-TLS1.3", NULL);
	if (err >= 0)
		err = gnutls_credentials_set(c->session, GNUTLS_CRD_CERTIFICATE, c->cred);
	if (err >= 0) {
		gnutls_session_set_ptr(c->session, c);
		gnutls_transport_set_int(c->session, fd);
		do
			err = gnutls_handshake(c->session);
		while (err == GNUTLS_E_INTERRUPTED);
	}
	if (err < 0) {
		r = c->mismatch ? -EACCES : error_of(err);
		pf_reason_set(why, r, "%s",
			c->mismatch ? "the other side has another certificate than it should have"
				    : gnutls_strerror(err));
		pf_tls_client_close(c);
		return r;
	}
	c->open = true;
	*out = c;
	return 0;
}

int pf_tls_client_write(struct pf_tls_client *c, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = gnutls_record_send(c->session, p, len);

		if (n == GNUTLS_E_INTERRUPTED)
			continue;
		if (n < 0)
			return error_of((int)n);
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

ssize_t pf_tls_client_read(struct pf_tls_client *c, void *buf, size_t cap)
{
	ssize_t n;

	do
		n = gnutls_record_recv(c->session, buf, cap);
	while (n == GNUTLS_E_INTERRUPTED || n == GNUTLS_E_REHANDSHAKE);
	return n < 0 ? error_of((int)n) : n;
}

void pf_tls_client_close(struct pf_tls_client *c)
{
	if (!c)
		return;
	if (c->open)
		(void)gnutls_bye(c->session, GNUTLS_SHUT_WR);
	if (c->session)
		gnutls_deinit(c->session);
	if (c->cred)
		gnutls_certificate_free_credentials(c->cred);
	free(c);
}
