/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <gnutls/gnutls.h>
#include "core/crypto/identity.h"
#include "core/crypto/tls_client.h"

enum deed {
	ECHO,	 /* sends back what it hears, then says goodbye */
	CUT,	 /* ends without a goodbye */
	SILENCE, /* never shakes hands */
	RUBBISH, /* speaks no TLS */
	OLD_TLS, /* no newer than 1.2 */
};

struct server {
	pthread_t thread;
	int fd[2]; /* client's, server's */
	struct pf_identity *id;
	enum deed deed;
};

static void serve_tls(struct server *s)
{
	const char *cert = pf_identity_cert_pem(s->id), *key = pf_identity_key_pem(s->id);
	gnutls_datum_t c = { (unsigned char *)cert, (unsigned)strlen(cert) };
	gnutls_datum_t k = { (unsigned char *)key, (unsigned)strlen(key) };
	gnutls_certificate_credentials_t cred;
	gnutls_session_t tls;
	char buf[20000];
	ssize_t n;

	gnutls_certificate_allocate_credentials(&cred);
	gnutls_certificate_set_x509_key_mem(cred, &c, &k, GNUTLS_X509_FMT_PEM);
	gnutls_init(&tls, GNUTLS_SERVER | GNUTLS_NO_SIGNAL);
	gnutls_priority_set_direct(
		tls, s->deed == OLD_TLS ? "NORMAL:-VERS-ALL:+VERS-TLS1.2" : "NORMAL", NULL);
	gnutls_credentials_set(tls, GNUTLS_CRD_CERTIFICATE, cred);
	gnutls_transport_set_int(tls, s->fd[1]);
	if (gnutls_handshake(tls) >= 0) {
		n = gnutls_record_recv(tls, buf, sizeof(buf));
		for (size_t done = 0; n > 0 && done < (size_t)n;) {
			ssize_t sent = gnutls_record_send(tls, buf + done, (size_t)n - done);

			if (sent <= 0)
				break;
			done += (size_t)sent;
		}
		if (s->deed == ECHO)
			gnutls_bye(tls, GNUTLS_SHUT_WR);
	}
	gnutls_deinit(tls);
	gnutls_certificate_free_credentials(cred);
}

static void *run(void *arg)
{
	struct server *s = arg;
	char c;

	if (s->deed == RUBBISH)
		(void)!write(s->fd[1], "HTTP/1.1 400 Bad Request\r\n\r\n", 28);
	else if (s->deed == SILENCE)
		while (read(s->fd[1], &c, 1) == 1)
			;
	else
		serve_tls(s);
	shutdown(s->fd[1], SHUT_RDWR);
	return NULL;
}

static void start(struct server *s, enum deed deed, uint8_t pin[32])
{
	struct timeval limit = { .tv_sec = deed == SILENCE ? 0 : 20, .tv_usec = 200000 };

	s->deed = deed;
	assert_int_equal(pf_identity_generate(&s->id, "host", NULL), 0);
	pf_identity_fingerprint(s->id, pin);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s->fd), 0);
	assert_int_equal(setsockopt(s->fd[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
	assert_int_equal(pthread_create(&s->thread, NULL, run, s), 0);
}

static void end(struct server *s)
{
	close(s->fd[0]);
	pthread_join(s->thread, NULL);
	close(s->fd[1]);
	pf_identity_unref(s->id);
}

static void speaks_with_the_one_it_knows(void **state)
{
	struct pf_tls_client *c = NULL;
	struct pf_reason why = { 0 };
	struct server s;
	char buf[16];
	uint8_t pin[32];

	for (enum deed deed = ECHO; deed <= CUT; deed++) {
		start(&s, deed, pin);
		if (pf_tls_client_open(&c, s.fd[0], pin, &why))
			fail_msg("%s", why.text);
		assert_int_equal(pf_tls_client_write(c, "hello", 5), 0);
		assert_int_equal(pf_tls_client_read(c, buf, sizeof(buf)), 5);
		assert_memory_equal(buf, "hello", 5);
		/* An end without goodbye may be a cut-off answer. */
		assert_int_equal(
			pf_tls_client_read(c, buf, sizeof(buf)), deed == ECHO ? 0 : -EPIPE);
		pf_tls_client_close(c);
		end(&s);
	}
	pf_tls_client_close(NULL);
}

static void refuses_all_others(void **state)
{
	static const struct {
		enum deed deed;
		int result, or_result; /* who hangs up first is a race */
	} rows[] = { { ECHO, -EACCES, -EACCES }, { SILENCE, -ETIMEDOUT, -ETIMEDOUT },
		{ RUBBISH, -EPROTO, -EPIPE }, { OLD_TLS, -EPROTO, -EPIPE } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pf_tls_client *c = NULL;
		struct pf_reason why = { 0 };
		struct server s;
		uint8_t pin[32];
		int r;

		start(&s, rows[i].deed, pin);
		if (rows[i].deed == ECHO)
			pin[31] ^= 1;
		r = pf_tls_client_open(&c, s.fd[0], pin, &why);
		assert_true(r == rows[i].result || r == rows[i].or_result);
		assert_int_equal(why.code, r);
		assert_true(*why.text);
		assert_null(c);
		end(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(speaks_with_the_one_it_knows),
		cmocka_unit_test(refuses_all_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
