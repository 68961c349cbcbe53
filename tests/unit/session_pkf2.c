/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The second wire over real QUIC, up to Ready: the listener and the client that serve
 * punktfunk/1, and a bare client that speaks it by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "core/media/pf2_keys.h"
#include "core/session/client.h"
#include "core/session/host_session.h"
#include "core/wire/pf2_frame.h"
#include "core/wire/pf2_handshake.h"
#include "tests/unit/session_host.h"

static PunktfunkConnectOptions options(const struct host *h)
{
	return (PunktfunkConnectOptions){
		.struct_size = sizeof(PunktfunkConnectOptions),
		.port = pf_listener_port(h->l),
		.host = "127.0.0.1",
		.name = "second client",
		.launch = "steam:570",
		.width = 1280,
		.height = 720,
		.refresh_hz = 60,
		.bitrate_kbps = 12345,
		.timeout_ms = PATIENCE_MS,
		.flags = PF_CONNECT_PKF2,
	};
}

static void a_session_up_to_ready(void **state)
{
	PunktfunkConnectOptions o;
	struct pf_reason why = { 0 };
	struct pf_client *c = NULL;
	struct host h;

	host_init(&h);
	host_start(&h);
	o = options(&h);
	/* The client comes to the end of what there is, after the clock rounds. */
	assert_int_equal(pf_client_connect(&c, &o, NULL, &why), -ENOTSUP);
	assert_non_null(strstr(why.text, "no media"));
	assert_true(wait_count(&h, &h.started, 1));
	assert_true(wait_count(&h, &h.closed, 1));
	assert_string_equal(pf_quic_conn_wire(h.sessions[0]->conn)->alpn, "pkf2");
	assert_string_equal(h.hello.name, "second client");
	assert_string_equal(h.hello.launch, "steam:570");
	assert_int_equal(h.hello.width, 1280);
	assert_int_equal(h.hello.bitrate_kbps, 12345);
	assert_int_equal(h.hello.max_shard_payload, 9152);
	assert_string_equal(h.close_text, "the session is agreed, but this build has no media of "
					  "punktfunk/2");
	host_stop(&h);
}

static void the_same_host_serves_the_first_wire(void **state)
{
	PunktfunkConnectOptions o;
	struct pf_client *c = NULL;
	struct pf_reason why = { 0 };
	struct host h;

	host_init(&h);
	host_start(&h);
	o = options(&h);
	o.flags = 0;
	if (pf_client_connect(&c, &o, NULL, &why))
		fail_msg("%s", why.text);
	assert_true(wait_count(&h, &h.started, 1));
	assert_string_equal(pf_quic_conn_wire(h.sessions[0]->conn)->alpn, "pkf1");
	pf_client_close(c, PUNKTFUNK_CLOSE_NORMAL);
	assert_true(wait_count(&h, &h.closed, 1));
	host_stop(&h);
}

static void a_refusal_keeps_its_code(void **state)
{
	PunktfunkConnectOptions o;
	struct pf_client *c = NULL;
	struct pf_reason why = { 0 };
	struct host h;

	host_init(&h);
	h.answer = REJECT;
	host_start(&h);
	o = options(&h);
	assert_int_equal(pf_client_connect(&c, &o, NULL, &why), -EACCES);
	assert_int_equal(why.close, PUNKTFUNK_CLOSE_DENIED);
	assert_non_null(strstr(why.text, "not on the list"));
	assert_true(wait_count(&h, &h.closed, 1));
	host_stop(&h);
}

/* ---- a client by hand ---- */

struct hand {
	struct pf_quic *q;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned pending, ready;
	struct pf_welcome welcome;
	uint8_t prk[32], other[32];
};

static void hand_opened(void *user, struct pf_quic_conn *c)
{
	static const uint8_t hello[] = { 1, 17, 2, 1, 0, 3, 12, 0, 5, 0, 0, 0xd0, 2, 0, 0, 60, 0, 0,
		0 };

	assert_int_equal(pf_quic_conn_send(c, hello, sizeof(hello)), 0);
}

static void hand_message(void *user, struct pf_quic_conn *c, const uint8_t *msg, size_t len)
{
	struct hand *x = user;
	struct pf_refusal no;
	struct pf_welcome w;
	enum pf_answer kind;

	assert_int_equal(pf_pf2_answer_parse(&kind, &w, &no, msg, len), 0);
	pthread_mutex_lock(&x->lock);
	if (kind == PF_ANSWER_PENDING) {
		x->pending++;
	} else if (kind == PF_ANSWER_WELCOME) {
		x->welcome = w;
		assert_int_equal(
			pf_quic_conn_export(c, PF_PF2_EXPORT_LABEL, w.session_id, 16, x->prk), 0);
		w.session_id[0] ^= 1;
		assert_int_equal(
			pf_quic_conn_export(c, PF_PF2_EXPORT_LABEL, w.session_id, 16, x->other), 0);
		assert_int_equal(pf_quic_conn_send(c, (const uint8_t *)"\x03\x00", 2), 0);
		x->ready++;
	}
	pthread_cond_broadcast(&x->changed);
	pthread_mutex_unlock(&x->lock);
}

static bool hand_wait(struct hand *x, const unsigned *counter, unsigned want)
{
	struct timespec end;
	bool ok;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += PATIENCE_MS / 1000;
	pthread_mutex_lock(&x->lock);
	while (*counter < want)
		if (pthread_cond_timedwait(&x->changed, &x->lock, &end) == ETIMEDOUT)
			break;
	ok = *counter >= want;
	pthread_mutex_unlock(&x->lock);
	return ok;
}

/* The host's end of the same, when Ready came; quic thread. */
static uint8_t host_prk[32];
static const uint8_t *host_session_id;

static void export_started(void *user, struct pf_host_session *s)
{
	assert_int_equal(
		pf_quic_conn_export(s->conn, PF_PF2_EXPORT_LABEL, host_session_id, 16, host_prk),
		0);
	on_started(user, s);
}

static void both_ends_have_the_same_keys(void **state)
{
	static const struct pf_quic_events hand_events = { .opened = hand_opened,
		.message = hand_message };
	static const uint8_t zero[32];
	struct pf_listener_events host_events = events;
	struct hand x = { 0 };
	struct pf_quic_params p = { .events = &hand_events, .user = &x, .alpn = "pkf2" };
	struct sockaddr_in *to = (struct sockaddr_in *)&p.remote;
	uint8_t a[32], b[32];
	pthread_condattr_t attr;
	struct pf_reason why;
	struct pf_host_session *s;
	struct host h;

	pthread_mutex_init(&x.lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&x.changed, &attr);
	pthread_condattr_destroy(&attr);
	host_events.started = export_started;
	host_session_id = x.welcome.session_id; /* set before Ready leaves */
	host_init(&h);
	h.params.events = &host_events;
	h.answer = WAIT;
	host_start(&h);
	to->sin_family = AF_INET;
	to->sin_port = htons(pf_listener_port(h.l));
	to->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	p.remote_len = sizeof(*to);
	assert_int_equal(pf_quic_dial(&x.q, &p, &why), 0);
	assert_true(wait_count(&h, &h.hellos, 1));
	/* While a person decides the client hears that it is not forgotten. */
	assert_true(hand_wait(&x, &x.pending, 2));
	s = h.sessions[0];
	assert_int_equal(pf_host_session_accept(s, &h.accept), 0);
	assert_true(hand_wait(&x, &x.ready, 1));
	assert_true(wait_count(&h, &h.started, 1));
	assert_int_equal(x.welcome.data_port, 0);
	assert_int_equal(x.welcome.bitrate_kbps, 20000);
	assert_memory_not_equal(x.welcome.session_id, zero, 16);
	assert_memory_equal(x.prk, host_prk, 32);
	assert_memory_not_equal(x.prk, zero, 32);
	assert_memory_not_equal(x.prk, x.other, 32);
	pf_pf2_secret(a, x.prk, PF_FROM_HOST);
	pf_pf2_secret(b, host_prk, PF_FROM_CLIENT);
	assert_memory_not_equal(a, b, 32);
	/* Nothing streams yet. */
	assert_int_equal(
		pf_host_session_submit(s, zero, 32, 0, &(struct pf_frame_stamps){ 0 }), -EPIPE);
	pf_quic_destroy(x.q);
	assert_true(wait_count(&h, &h.closed, 1));
	host_stop(&h);
	pthread_cond_destroy(&x.changed);
	pthread_mutex_destroy(&x.lock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_up_to_ready),
		cmocka_unit_test(the_same_host_serves_the_first_wire),
		cmocka_unit_test(a_refusal_keeps_its_code),
		cmocka_unit_test(both_ends_have_the_same_keys),
	};
	struct pf_reason why;
	int r;

	if (pf_identity_generate(&host_id, "punktfunk-host", &why))
		return 1;
	r = cmocka_run_group_tests(tests, NULL, NULL);
	pf_identity_unref(host_id);
	return r;
}
