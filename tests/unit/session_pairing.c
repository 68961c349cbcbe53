/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include "core/session/pairing.h"
#include "punktfunk_core.h"
#include "tests/unit/hex.h"

#define S 1000000000ull
/* Any time: only differences count. */
#define T0 (5 * S)

static const uint8_t client_fp[32] = { 1, 2, 3 }, host_fp[32] = { 9, 8, 7 };

struct pair {
	struct pf_pair_gate gate;
	struct pf_pair_host host;
	struct pf_pair_client client;
	struct pf_ctl request, challenge, proof, result;
};

static void arm(struct pair *p, const char *pin)
{
	struct pf_arming a = { 0 };

	strcpy(a.pin, pin);
	pf_pair_gate_arm(&p->gate, &a);
}

static int request_as(struct pair *p, uint64_t now, const uint8_t *fp, struct pf_reason *why)
{
	return pf_pair_host_request(
		&p->host, &p->gate, now, fp, host_fp, &p->request, &p->challenge, why);
}

static void start(struct pair *p, const char *pin)
{
	assert_int_equal(
		pf_pair_client_start(&p->client, pin, "kitchen", client_fp, host_fp, &p->request),
		0);
}

/* Messages go through the codec, as on the wire. */
static void through_wire(struct pf_ctl *m)
{
	static uint8_t buf[4][256];
	static unsigned next;
	uint8_t *b = buf[next++ % 4];
	int n = pf_ctl_build(m, b, 256);

	assert_true(n > 0);
	assert_int_equal(pf_ctl_parse(m, b, (size_t)n), 0);
}

/* punktfunk1.md 21.2. */
static void confirmation_vector(void **state)
{
	uint8_t client[32], host[32], key[32], want[32], got[32];

	for (unsigned i = 0; i < 32; i++) {
		client[i] = (uint8_t)i;
		host[i] = (uint8_t)(32 + i);
	}
	hex_bytes("2b824d9733cced334ac966c69ef6ee0b9f34207b66438f8371b079083dfec9bf", key, 32);
	hex_bytes("dadd89e17b915db74bb34ed405cf08bfbc7d97b627557a45dc6d5163c9fe9243", want, 32);
	pf_pair_confirm(got, true, key, client, host);
	assert_memory_equal(got, want, 32);
	hex_bytes("c055dae3891974b01d1d5d702747707186576b6125e3a1a7aa3ca226a4bd45f3", want, 32);
	pf_pair_confirm(got, false, key, client, host);
	assert_memory_equal(got, want, 32);
}

static void right_pin(void **state)
{
	struct pf_reason why = { 0 };
	struct pair p = { 0 };

	arm(&p, "0042");
	start(&p, "0042");
	through_wire(&p.request);
	assert_int_equal(request_as(&p, T0, client_fp, &why), 0);
	assert_string_equal(p.host.name, "kitchen");
	assert_false(pf_pair_gate_armed(&p.gate, T0)); /* used up already */
	through_wire(&p.challenge);
	assert_int_equal(pf_pair_client_challenge(&p.client, &p.challenge, &p.proof), 0);
	through_wire(&p.proof);
	assert_int_equal(pf_pair_host_proof(&p.host, &p.proof, &p.result), 0);
	assert_int_equal(p.result.type, PF_CTL_PAIR_RESULT);
	assert_true(p.result.pair_ok);
	/* Nothing of it works twice. */
	assert_int_equal(pf_pair_host_proof(&p.host, &p.proof, &p.result), -EINVAL);
	assert_int_equal(pf_pair_client_challenge(&p.client, &p.challenge, &p.proof), -EINVAL);
}

static void wrong_pin(void **state)
{
	struct pair p = { 0 };

	arm(&p, "0042");
	start(&p, "0043");
	assert_int_equal(request_as(&p, T0, client_fp, NULL), 0);
	assert_int_equal(pf_pair_client_challenge(&p.client, &p.challenge, &p.proof), -EACCES);
	/* A client that goes on all the same cannot know the proof. */
	p.proof = (struct pf_ctl){ .type = PF_CTL_PAIR_PROOF };
	assert_int_equal(pf_pair_host_proof(&p.host, &p.proof, &p.result), -EACCES);
	assert_false(p.result.pair_ok);
	assert_false(pf_pair_gate_armed(&p.gate, T0));
}

/* Who sits in the middle shows each side another certificate. */
static void other_certificate(void **state)
{
	static const uint8_t mitm[32] = { 66 };
	struct pair p = { 0 };

	arm(&p, "0042");
	start(&p, "0042");
	assert_int_equal(request_as(&p, T0, mitm, NULL), 0);
	assert_int_equal(pf_pair_client_challenge(&p.client, &p.challenge, &p.proof), -EACCES);
}

static void order_of_checks(void **state)
{
	static const uint8_t other[32] = { 77 };
	struct pf_arming bound = { .pin = "1234", .bound = true };
	struct pf_reason why = { 0 };
	struct pair p = { 0 };

	start(&p, "1234");
	/* No certificate; leaves no trace on the cool-down. */
	assert_int_equal(request_as(&p, T0, NULL, &why), -EACCES);
	assert_int_equal(why.close, PUNKTFUNK_CLOSE_IDENTITY_REQUIRED);
	assert_int_equal(request_as(&p, T0, client_fp, &why), -EACCES);
	assert_int_equal(why.close, PUNKTFUNK_CLOSE_NOT_ARMED);
	/* Armed or not, the next one has to wait; being too early costs nothing more. */
	memcpy(bound.device, client_fp, 32);
	pf_pair_gate_arm(&p.gate, &bound);
	assert_int_equal(request_as(&p, T0 + 2 * S - 1, client_fp, &why), -EACCES);
	assert_int_equal(why.close, PUNKTFUNK_CLOSE_RATE_LIMITED);
	assert_int_equal(request_as(&p, T0 + 2 * S, other, &why), -EACCES);
	assert_int_equal(why.close, PUNKTFUNK_CLOSE_OTHER_DEVICE);
	assert_true(pf_pair_gate_armed(&p.gate, T0 + 2 * S)); /* not used up */
	assert_int_equal(request_as(&p, T0 + 3 * S, client_fp, &why), -EACCES);
	assert_int_equal(why.close, PUNKTFUNK_CLOSE_RATE_LIMITED);
	assert_int_equal(request_as(&p, T0 + 4 * S, client_fp, &why), 0);
	assert_int_equal(request_as(&p, T0 + 6 * S, client_fp, &why), -EACCES);
	assert_int_equal(why.close, PUNKTFUNK_CLOSE_NOT_ARMED);
}

static void arming_ends(void **state)
{
	struct pf_arming a = { .pin = "1234", .until_ns = T0 + 30 * S };
	static const struct pf_arming none;
	struct pf_reason why = { 0 };
	struct pair p = { 0 };

	start(&p, "1234");
	pf_pair_gate_arm(&p.gate, &a);
	assert_true(pf_pair_gate_armed(&p.gate, T0 + 30 * S - 1));
	assert_int_equal(request_as(&p, T0 + 30 * S, client_fp, &why), -EACCES);
	assert_int_equal(why.close, PUNKTFUNK_CLOSE_NOT_ARMED);
	assert_memory_equal(&p.gate.arming, &none, sizeof(none));
	a.until_ns = 0;
	pf_pair_gate_arm(&p.gate, &a);
	assert_true(pf_pair_gate_armed(&p.gate, UINT64_MAX));
	pf_pair_gate_disarm(&p.gate);
	assert_false(pf_pair_gate_armed(&p.gate, 0));
	assert_memory_equal(&p.gate.arming, &none, sizeof(none));
}

static void hostile_request(void **state)
{
	uint8_t point[33] = { 'A', 1 }; /* the identity */
	struct pf_reason why = { 0 };
	struct pair p = { 0 };

	for (unsigned i = 0; i < 2; i++) {
		arm(&p, "1234");
		start(&p, "1234");
		p.request.pair_request.spake =
			(struct pf_ctl_bytes){ i ? p.client.message : point, i ? 32 : 33 };
		assert_int_equal(request_as(&p, T0 + i * 2 * S, client_fp, &why), -EPROTO);
		assert_int_equal(why.close, PUNKTFUNK_CLOSE_SETUP_FAILED);
		assert_false(pf_pair_gate_armed(&p.gate, T0));
		assert_false(p.host.open);
	}
}

static void terms_travel(void **state)
{
	struct pf_arming a = {
		.pin = "9999", .has_terms = true, .grants = 5, .expires_s = 1234567
	};
	struct pair p = { 0 };

	pf_pair_gate_arm(&p.gate, &a);
	start(&p, "9999");
	assert_int_equal(request_as(&p, T0, client_fp, NULL), 0);
	assert_true(p.host.has_terms);
	assert_int_equal(p.host.grants, 5);
	assert_int_equal(p.host.expires_s, 1234567);
	pf_pair_host_wipe(&p.host);
	pf_pair_client_wipe(&p.client);
}

static void pins(void **state)
{
	static const char *const bad[] = { "", "12a4", "12345678901234567", " 123", "-123" };
	char pin[PF_PAIR_PIN_BYTES];
	struct pair p = { 0 };
	bool zero = false;

	for (unsigned i = 0; i < 300; i++) {
		assert_int_equal(pf_pair_mint_pin(pin), 0);
		assert_int_equal(strlen(pin), 4);
		assert_true(pf_pair_pin_ok(pin));
		zero |= pin[0] == '0';
	}
	assert_true(zero); /* leading zeros stay: all miss it once in 10^13 runs */
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(pf_pair_pin_ok(bad[i]));
		assert_int_equal(pf_pair_client_start(
					 &p.client, bad[i], NULL, client_fp, host_fp, &p.request),
			-EINVAL);
	}
	assert_true(pf_pair_pin_ok("1234567890123456"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(confirmation_vector),
		cmocka_unit_test(right_pin),
		cmocka_unit_test(wrong_pin),
		cmocka_unit_test(other_certificate),
		cmocka_unit_test(order_of_checks),
		cmocka_unit_test(arming_ends),
		cmocka_unit_test(hostile_request),
		cmocka_unit_test(terms_travel),
		cmocka_unit_test(pins),
	};

	return cmocka_run_group_tests_name("session_pairing", tests, NULL, NULL);
}
