/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The PIN ceremony between punktfunk_pair and a listener, over loopback. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <pthread.h>
#include <string.h>
#include "core/base/clock.h"
#include "core/crypto/identity.h"
#include "core/quic/endpoint.h"
#include "core/session/listener.h"
#include "punktfunk_core.h"

#define PATIENCE_MS 20000

static struct pf_identity *host_id;
static PunktfunkIdentity *client_id, *other_id;

struct host {
	struct pf_listener *l;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned outcomes;
	struct pf_pair_outcome outcome;
};

static void on_hello(void *user, struct pf_host_session *s, const struct pf_hello *hello,
	const struct pf_peer *peer)
{
	pf_host_session_close(s, PUNKTFUNK_CLOSE_DENIED, "no");
	pf_host_session_unref(s);
}

static void on_paired(void *user, const struct pf_pair_outcome *o)
{
	struct host *h = user;

	pthread_mutex_lock(&h->lock);
	h->outcome = *o;
	h->outcomes++;
	pthread_cond_broadcast(&h->changed);
	pthread_mutex_unlock(&h->lock);
}

static void host_start(struct host *h)
{
	static const struct pf_listener_events events = { .hello = on_hello, .paired = on_paired };
	const struct pf_listener_params p = {
		.bind_address = "127.0.0.1", .identity = host_id, .events = &events, .user = h
	};
	struct pf_reason why;

	memset(h, 0, sizeof(*h));
	pthread_mutex_init(&h->lock, NULL);
	pthread_cond_init(&h->changed, NULL);
	assert_int_equal(pf_listener_create(&h->l, &p, &why), 0);
}

static void host_stop(struct host *h)
{
	pf_listener_destroy(h->l);
	pthread_cond_destroy(&h->changed);
	pthread_mutex_destroy(&h->lock);
}

static void arm(struct host *h, const char *pin, const uint8_t *device)
{
	struct pf_arming a = { .has_terms = true, .grants = 3 };

	strcpy(a.pin, pin);
	a.bound = device != NULL;
	if (device)
		memcpy(a.device, device, 32);
	pf_listener_arm(h->l, &a);
}

static void wait_outcome(struct host *h, unsigned count)
{
	pthread_mutex_lock(&h->lock);
	while (h->outcomes < count)
		pthread_cond_wait(&h->changed, &h->lock);
	pthread_mutex_unlock(&h->lock);
}

static int32_t pair(struct host *h, const char *pin, uint8_t fp[32], PunktfunkReason *why)
{
	const PunktfunkPairOptions o = { .struct_size = sizeof(o),
		.port = pf_listener_port(h->l),
		.host = "127.0.0.1",
		.identity = client_id,
		.pin = pin,
		.name = "kitchen",
		.timeout_ms = PATIENCE_MS };

	*why = (PunktfunkReason){ .struct_size = sizeof(*why) };
	memset(fp, 0, 32);
	return punktfunk_pair(&o, fp, why);
}

static void refused(struct host *h, const char *pin, uint32_t code)
{
	PunktfunkReason why;
	uint8_t fp[32];

	assert_int_equal(pair(h, pin, fp, &why), PUNKTFUNK_EACCES);
	assert_int_equal(why.close_code, code);
}

static void the_right_pin_pairs(void **state)
{
	uint8_t fp[32], want[32];
	PunktfunkReason why;
	struct host h;

	host_start(&h);
	arm(&h, "0815", NULL);
	assert_true(pf_listener_armed(h.l, NULL));
	assert_int_equal(pair(&h, "0815", fp, &why), 0);
	pf_identity_fingerprint(host_id, want);
	assert_memory_equal(fp, want, 32);
	wait_outcome(&h, 1);
	assert_int_equal(h.outcome.result, PF_PAIR_DONE);
	assert_string_equal(h.outcome.name, "kitchen");
	punktfunk_identity_fingerprint(client_id, want);
	assert_memory_equal(h.outcome.peer.fingerprint, want, 32);
	assert_true(h.outcome.has_terms);
	assert_int_equal(h.outcome.grants, 3);
	assert_false(pf_listener_armed(h.l, NULL));
	/* At once again: too early, whatever the PIN. */
	arm(&h, "0815", NULL);
	refused(&h, "0815", PUNKTFUNK_CLOSE_RATE_LIMITED);
	assert_true(pf_listener_armed(h.l, NULL));
	host_stop(&h);
	assert_int_equal(h.outcomes, 1);
}

static void a_wrong_pin_is_one_guess(void **state)
{
	PunktfunkReason why;
	uint8_t fp[32];
	struct host h;

	host_start(&h);
	arm(&h, "0815", NULL);
	assert_int_equal(pair(&h, "4711", fp, &why), PUNKTFUNK_EACCES);
	assert_int_equal(why.close_code, PUNKTFUNK_CLOSE_PAIRING_FAILED);
	assert_non_null(strstr(why.text, "PIN"));
	wait_outcome(&h, 1);
	assert_int_equal(h.outcome.result, PF_PAIR_WRONG_PIN);
	assert_false(pf_listener_armed(h.l, NULL));
	host_stop(&h);
}

static void not_armed_then_too_early(void **state)
{
	struct host h;

	host_start(&h);
	refused(&h, "0815", PUNKTFUNK_CLOSE_NOT_ARMED);
	refused(&h, "0815", PUNKTFUNK_CLOSE_RATE_LIMITED);
	host_stop(&h);
	assert_int_equal(h.outcomes, 0);
}

static void bound_to_another_device(void **state)
{
	uint8_t device[32];
	struct host h;

	host_start(&h);
	punktfunk_identity_fingerprint(other_id, device);
	arm(&h, "0815", device);
	refused(&h, "0815", PUNKTFUNK_CLOSE_OTHER_DEVICE);
	assert_true(pf_listener_armed(h.l, NULL));
	host_stop(&h);
}

static void bound_to_this_device(void **state)
{
	PunktfunkReason why;
	uint8_t fp[32];
	struct host h;

	host_start(&h);
	punktfunk_identity_fingerprint(client_id, fp);
	arm(&h, "0815", fp);
	assert_int_equal(pair(&h, "0815", fp, &why), 0);
	host_stop(&h);
}

static void an_arming_expires(void **state)
{
	struct pf_arming a = { .pin = "0815", .until_ns = pf_clock_mono_ns() + 1 };
	struct host h;

	host_start(&h);
	pf_listener_arm(h.l, &a);
	refused(&h, "0815", PUNKTFUNK_CLOSE_NOT_ARMED);
	host_stop(&h);
}

static void bad_arguments(void **state)
{
	PunktfunkPairOptions o = { .struct_size = sizeof(o), .host = "127.0.0.1", .pin = "12" };
	PunktfunkReason why = { .struct_size = sizeof(why) };
	uint8_t fp[32];

	assert_int_equal(punktfunk_pair(&o, fp, &why), PUNKTFUNK_EINVAL);
	o.identity = client_id;
	o.pin = "12x4";
	assert_int_equal(punktfunk_pair(&o, fp, &why), PUNKTFUNK_EINVAL);
	assert_int_equal(punktfunk_pair(&o, NULL, &why), PUNKTFUNK_EINVAL);
	assert_int_equal(punktfunk_pair(NULL, fp, &why), PUNKTFUNK_EINVAL);
}

/* ---- a client that breaks the rules ---- */

struct rude {
	struct pf_pair_client ceremony;
	uint8_t own_fp[32];
	enum { LEAVES, PROVES_TWICE, SENDS_GARBAGE, NO_PROOF } manners;
	unsigned messages;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool closed;
	struct pf_quic_close why;
};

static void rude_send(struct pf_quic_conn *c, const struct pf_ctl *m)
{
	uint8_t buf[256];
	int n = pf_ctl_build(m, buf, sizeof(buf));

	assert_true(n > 0);
	pf_quic_conn_send(c, buf, (size_t)n);
}

static void rude_opened(void *user, struct pf_quic_conn *c)
{
	struct rude *r = user;
	struct pf_ctl request;

	assert_int_equal(pf_pair_client_start(&r->ceremony, "0815", "rude", r->own_fp,
				 pf_quic_conn_peer(c)->fingerprint, &request),
		0);
	rude_send(c, &request);
}

static void rude_message(void *user, struct pf_quic_conn *c, const uint8_t *msg, size_t len)
{
	struct rude *r = user;
	struct pf_ctl m, proof;

	if (r->messages++ || pf_ctl_parse(&m, msg, len) ||
		pf_pair_client_challenge(&r->ceremony, &m, &proof))
		return;
	switch (r->manners) {
	case LEAVES:
		pf_quic_conn_close(c, 0, NULL);
		break;
	case PROVES_TWICE:
		rude_send(c, &proof);
		rude_send(c, &proof);
		break;
	case SENDS_GARBAGE:
		pf_quic_conn_send(c, (const uint8_t *)"garbage", 7);
		break;
	case NO_PROOF:
		memset(proof.pair_proof, 0, 32);
		rude_send(c, &proof);
		break;
	}
}

static void rude_closed(void *user, struct pf_quic_conn *c, const struct pf_quic_close *why)
{
	struct rude *r = user;

	pthread_mutex_lock(&r->lock);
	r->why = *why;
	r->closed = true;
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->lock);
}

/* The close code that it gets or gives. */
static uint32_t be_rude(struct host *h, int manners, bool with_certificate)
{
	static const struct pf_quic_events events = {
		.opened = rude_opened, .message = rude_message, .closed = rude_closed
	};
	struct pf_identity *id = (struct pf_identity *)client_id;
	struct rude r = { .manners = manners };
	struct pf_quic_params p = {
		.identity = with_certificate ? id : NULL, .events = &events, .user = &r
	};
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons(pf_listener_port(h->l)) };
	struct pf_quic *q;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	memcpy(&p.remote, &to, sizeof(to));
	p.remote_len = sizeof(to);
	pf_identity_fingerprint(id, r.own_fp);
	pthread_mutex_init(&r.lock, NULL);
	pthread_cond_init(&r.changed, NULL);
	assert_int_equal(pf_quic_dial(&q, &p, NULL), 0);
	pthread_mutex_lock(&r.lock);
	while (!r.closed)
		pthread_cond_wait(&r.changed, &r.lock);
	pthread_mutex_unlock(&r.lock);
	pf_quic_destroy(q);
	pthread_cond_destroy(&r.changed);
	pthread_mutex_destroy(&r.lock);
	return r.why.code;
}

static void rude_clients(void **state)
{
	static const struct {
		int manners;
		uint32_t code;
		enum pf_pair_result result;
	} rows[] = {
		{ LEAVES, 0, PF_PAIR_LEFT },
		{ PROVES_TWICE, PUNKTFUNK_CLOSE_SETUP_FAILED, PF_PAIR_DONE },
		{ SENDS_GARBAGE, PUNKTFUNK_CLOSE_SETUP_FAILED, PF_PAIR_LEFT },
	};
	struct host h;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		host_start(&h);
		arm(&h, "0815", NULL);
		assert_int_equal(be_rude(&h, rows[i].manners, true), rows[i].code);
		wait_outcome(&h, 1);
		assert_int_equal(h.outcome.result, rows[i].result);
		assert_false(pf_listener_armed(h.l, NULL));
		host_stop(&h);
		assert_int_equal(h.outcomes, 1);
	}
}

/* It gets a message 4 that says no, and five seconds to leave. */
static void a_forged_proof(void **state)
{
	struct host h;

	host_start(&h);
	arm(&h, "0815", NULL);
	assert_int_equal(be_rude(&h, NO_PROOF, true), 0);
	wait_outcome(&h, 1);
	assert_int_equal(h.outcome.result, PF_PAIR_WRONG_PIN);
	host_stop(&h);
}

static void without_certificate(void **state)
{
	struct host h;

	host_start(&h);
	arm(&h, "0815", NULL);
	assert_int_equal(be_rude(&h, LEAVES, false), PUNKTFUNK_CLOSE_IDENTITY_REQUIRED);
	assert_true(pf_listener_armed(h.l, NULL));
	host_stop(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_right_pin_pairs),
		cmocka_unit_test(a_wrong_pin_is_one_guess),
		cmocka_unit_test(not_armed_then_too_early),
		cmocka_unit_test(bound_to_another_device),
		cmocka_unit_test(bound_to_this_device),
		cmocka_unit_test(an_arming_expires),
		cmocka_unit_test(bad_arguments),
		cmocka_unit_test(rude_clients),
		cmocka_unit_test(a_forged_proof),
		cmocka_unit_test(without_certificate),
	};
	int failed;

	if (pf_identity_generate(&host_id, "host", NULL) ||
		punktfunk_identity_open(NULL, &client_id, NULL) ||
		punktfunk_identity_open(NULL, &other_id, NULL))
		return 1;
	failed = cmocka_run_group_tests_name("session_pair_conn", tests, NULL, NULL);
	pf_identity_unref(host_id);
	punktfunk_identity_free(client_id);
	punktfunk_identity_free(other_id);
	return failed;
}
