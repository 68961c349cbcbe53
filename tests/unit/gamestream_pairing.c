/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "core/crypto/cert.h"
#include "core/crypto/rsa_identity.h"
#include "host/gamestream/pairing.h"
#include "tests/unit/gs_pair_client.h"

#define ID "0123456789ABCDEF"

/* Made once: keys cost time. */
static struct pf_identity *identity;
static struct gs_client stock, other;

static const uint8_t ip_a[16] = { [10] = 0xff, [11] = 0xff, 192, 168, 1, 5 };
static const uint8_t ip_b[16] = { [10] = 0xff, [11] = 0xff, 192, 168, 1, 66 };

struct bed {
	struct pf_gs_pairing *p;
	uint64_t now;
	struct pf_gs_query q;
	struct pf_gs_pair_answer out;	/* of the last request */
	struct pf_gs_pair_answer later; /* of a held request */
	void *later_held;
	unsigned laters, ends;
	int end_error;
	unsigned trusted;
	int trust_result;
	uint8_t trusted_fp[32];
	char trusted_name[65];
	char args[GS_ARGS_BYTES];
	char line[GS_ARGS_BYTES + 256];
};

static int trust(void *user, const struct pf_gs_pair_pending *who, struct pf_reason *why)
{
	struct bed *b = user;

	assert_true(who->has_pin);
	if (b->trust_result)
		return b->trust_result;
	b->trusted++;
	memcpy(b->trusted_fp, who->fingerprint, 32);
	snprintf(b->trusted_name, sizeof(b->trusted_name), "%s", who->name);
	return 0;
}

static void later(void *user, void *held, const struct pf_gs_pair_answer *a)
{
	struct bed *b = user;

	b->later = *a;
	b->later_held = held;
	b->laters++;
}

static void ended(void *user, const struct pf_gs_pair_pending *who, int error, const char *text)
{
	struct bed *b = user;

	assert_true(who->id && *text);
	b->ends++;
	b->end_error = error;
}

static struct bed *bed_new(void)
{
	struct bed *b = calloc(1, sizeof(*b));
	struct pf_gs_pair_params params = {
		.identity = identity,
		.trust = trust,
		.answer = later,
		.ended = ended,
		.user = b,
	};

	assert_non_null(b);
	b->now = 1000 * PF_NS_PER_S;
	assert_int_equal(pf_gs_pairing_create(&b->p, &params, NULL), 0);
	return b;
}

static void bed_free(struct bed *b)
{
	pf_gs_pairing_destroy(b->p);
	free(b);
}

/* True: answered in b->out. */
static bool ask_as(
	struct bed *b, const char *id, const uint8_t ip[16], const char *args, void *held)
{
	int n = snprintf(b->line, sizeof(b->line),
		"/pair?uniqueid=%s&devicename=roth&updateState=1&%s", id, args);

	assert_int_equal(pf_gs_query_parse(&b->q, b->line, (size_t)n), 0);
	return pf_gs_pairing_request(b->p, b->now, &b->q, ip, "192.0.2.1", held, &b->out);
}

static bool ask(struct bed *b, const char *args)
{
	return ask_as(b, ID, ip_a, args, b);
}

static unsigned pending(struct bed *b);

static void refused(struct bed *b)
{
	assert_int_equal(b->out.status, 400);
	assert_non_null(b->out.message);
	assert_false(b->out.paired);
	assert_null(b->out.element);
}

static void answered(struct bed *b, const char *element)
{
	assert_int_equal(b->out.status, 200);
	assert_null(b->out.message);
	assert_true(b->out.paired);
	assert_string_equal(b->out.element, element);
}

static void count_pending(void *user, const struct pf_gs_pair_pending *r)
{
	++*(unsigned *)user;
}

static unsigned pending(struct bed *b)
{
	unsigned n = 0;

	pf_gs_pair_each(b->p, count_pending, &n);
	return n;
}

static void last_pending(void *user, const struct pf_gs_pair_pending *r)
{
	*(struct pf_gs_pair_pending *)user = *r;
}

static uint32_t last_id(struct bed *b)
{
	struct pf_gs_pair_pending r = { 0 };

	pf_gs_pair_each(b->p, last_pending, &r);
	return r.id;
}

/* Phase 1 of `c`, held. */
static void start(struct bed *b, struct gs_client *c, const char *shown_pin)
{
	gs_client_start(c, shown_pin, b->args);
	assert_false(ask(b, b->args));
}

/* Phases 1 to `last` of four; the operator types `typed`. b->args then holds the
 * next request. */
static void run_to(
	struct bed *b, struct gs_client *c, const char *shown, const char *typed, int last)
{
	start(b, c, shown);
	assert_int_equal(pf_gs_pair_pin(b->p, b->now, 0, typed, NULL), 0);
	assert_ptr_equal(b->later_held, b);
	assert_int_equal(b->later.status, 200);
	assert_true(b->later.paired);
	assert_string_equal(b->later.element, "plaincert");
	assert_true(gs_client_take_cert(c, b->later.hex, b->args));
	if (last < 2)
		return;
	assert_true(ask(b, b->args));
	answered(b, "challengeresponse");
	assert_int_equal(strlen(b->out.hex), 96);
	assert_true(gs_client_take_challenge(c, b->out.hex, b->args));
	if (last < 3)
		return;
	assert_true(ask(b, b->args));
	answered(b, "pairingsecret");
	assert_int_equal(gs_client_take_secret(c, b->out.hex, b->args),
		strcmp(shown, typed) ? GS_WRONG_PIN : GS_OK);
	if (last < 4)
		return;
	assert_true(ask(b, b->args));
}

/* The client of the tests agrees with the published vector. */
static void key_of_the_vector(void **state)
{
	uint8_t salt[16], key[16], want[16];

	for (unsigned i = 0; i < 16; i++)
		salt[i] = (uint8_t)i;
	gs_client_aes_key(key, salt, "1234");
	gs_from_hex(want, sizeof(want), "bad0b4f7cae08eb7c1b5acc763a8ed25");
	assert_memory_equal(key, want, 16);
}

/* The host derives the same: a challenge under the vector's key is understood. */
static void host_uses_the_vector(void **state)
{
	struct bed *b = bed_new();

	gs_client_start(&stock, "1234", b->args);
	for (unsigned i = 0; i < 16; i++)
		stock.salt[i] = (uint8_t)i;
	gs_from_hex(stock.aes, 16, "bad0b4f7cae08eb7c1b5acc763a8ed25");
	memcpy(strstr(b->args, "salt=") + 5, "000102030405060708090a0b0c0d0e0f", 32);
	assert_false(ask(b, b->args));
	assert_int_equal(pf_gs_pair_pin(b->p, b->now, 0, "1234", NULL), 0);
	assert_true(gs_client_take_cert(&stock, b->later.hex, b->args));
	assert_true(ask(b, b->args));
	assert_true(gs_client_take_challenge(&stock, b->out.hex, b->args));
	assert_true(ask(b, b->args));
	assert_int_equal(gs_client_take_secret(&stock, b->out.hex, b->args), GS_OK);
	bed_free(b);
}

static void pairs(void **state)
{
	struct bed *b = bed_new();
	uint8_t fp[32];

	run_to(b, &stock, "4711", "4711", 3);
	assert_int_equal(b->trusted, 0);
	assert_true(ask(b, b->args));
	assert_int_equal(b->out.status, 200);
	assert_true(b->out.paired);
	assert_int_equal(b->trusted, 1);
	assert_int_equal(b->end_error, 0);
	pf_cert_fingerprint_der(stock.crt_der.data, stock.crt_der.size, fp);
	assert_memory_equal(b->trusted_fp, fp, 32);
	assert_string_equal(b->trusted_name, "roth");
	assert_int_equal(pending(b), 0);
	/* Over is over. */
	assert_true(ask(b, b->args));
	refused(b);
	assert_int_equal(b->trusted, 1);
	bed_free(b);
}

/* Certificates as old or careless clients make them. */
static void odd_certificates(void **state)
{
	static const struct {
		unsigned version;
		int days;
	} rows[] = { { 1, 10 }, { 2, 10 }, { 3, -30 } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bed *b = bed_new();
		struct gs_client c;

		gs_client_init_with(&c, rows[i].version, rows[i].days);
		run_to(b, &c, "0001", "0001", 4);
		assert_true(b->out.paired);
		assert_int_equal(b->trusted, 1);
		gs_client_finish(&c);
		bed_free(b);
	}
}

static void upper_case_hex(void **state)
{
	struct bed *b = bed_new();

	gs_client_start(&stock, "1111", b->args);
	for (char *c = strstr(b->args, "salt="); *c; c++)
		if (*c >= 'a' && *c <= 'f' && c > strstr(b->args, "clientcert=") + 10)
			*c = (char)(*c - 32);
	assert_false(ask(b, b->args));
	bed_free(b);
}

static void wrong_pin(void **state)
{
	struct bed *b = bed_new();

	/* The client goes on although it could see that the PIN was wrong. */
	run_to(b, &stock, "1234", "1235", 4);
	assert_int_equal(b->out.status, 200);
	assert_false(b->out.paired);
	assert_int_equal(b->end_error, -EACCES);
	assert_int_equal(b->trusted, 0);
	assert_int_equal(pending(b), 0);
	bed_free(b);
}

/* The commitment is right, but another key signed. */
static void wrong_key(void **state)
{
	struct bed *b = bed_new();
	gnutls_x509_privkey_t key = stock.key;

	run_to(b, &stock, "1234", "1234", 2);
	assert_true(ask(b, b->args));
	stock.key = other.key;
	assert_int_equal(gs_client_take_secret(&stock, b->out.hex, b->args), GS_OK);
	stock.key = key;
	assert_true(ask(b, b->args));
	assert_int_equal(b->out.status, 200);
	assert_false(b->out.paired);
	assert_int_equal(b->trusted, 0);
	bed_free(b);
}

static void store_fails(void **state)
{
	struct bed *b = bed_new();

	b->trust_result = -ENOSPC;
	run_to(b, &stock, "1234", "1234", 4);
	assert_false(b->out.paired);
	assert_int_equal(pending(b), 0);
	bed_free(b);
}

/* Every phase that is not the next one ends the pairing. */
static void wrong_order(void **state)
{
	static const char *const requests[] = {
		"phrase=pairchallenge",
		"phrase=nonsense",
		"clientchallenge=00112233445566778899aabbccddeeff",
		("serverchallengeresp="
		 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"),
		"clientpairingsecret=00112233445566778899aabbccddeeff00",
		"clientchallenge=00112233445566778899aabbccddeeff&phrase=getservercert",
		"nothing=1",
	};

	for (int done = 0; done <= 3; done++) {
		for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
			struct bed *b;

			if ((int)i - 1 == done && done)
				continue; /* the right one */
			b = bed_new();
			if (done)
				run_to(b, &stock, "1234", "1234", done);
			else
				start(b, &stock, "1234");
			assert_true(ask(b, requests[i]));
			refused(b);
			assert_int_equal(pending(b), 0);
			assert_int_equal(b->end_error, -EPROTO);
			/* The held first phase is let go, too. */
			assert_int_equal(b->laters, 1);
			if (!done)
				assert_int_equal(b->later.status, 400);
			assert_int_equal(b->trusted, 0);
			bed_free(b);
		}
	}
}

static void nothing_pending(void **state)
{
	struct bed *b = bed_new();

	assert_true(ask(b, "clientchallenge=00112233445566778899aabbccddeeff"));
	refused(b);
	assert_int_equal(b->ends, 0);
	bed_free(b);
}

static void replays(void **state)
{
	for (int phase = 2; phase <= 3; phase++) {
		struct bed *b = bed_new();
		char *again;

		run_to(b, &stock, "1234", "1234", phase - 1);
		again = strdup(b->args);
		assert_non_null(again);
		assert_true(ask(b, again));
		assert_int_equal(b->out.status, 200);
		assert_true(ask(b, again));
		refused(b);
		assert_int_equal(pending(b), 0);
		free(again);
		bed_free(b);
	}
}

/* Hex that is too short, too long, odd or none. */
static void malformed(void **state)
{
	static const char *const names[] = { "clientchallenge", "serverchallengeresp",
		"clientpairingsecret" };
	static const unsigned digits[][6] = {
		{ 0, 2, 30, 31, 34, 4000 },
		{ 0, 32, 62, 63, 66, 4000 },
		{ 0, 2, 32, 33, 1058, 4000 },
	};
	char line[4200];

	for (int phase = 0; phase < 3; phase++) {
		for (unsigned i = 0; i < 7; i++) {
			struct bed *b = bed_new();
			unsigned n = i < 6 ? digits[phase][i] : 32u + 32u * (phase > 0);
			int at = snprintf(line, sizeof(line), "%s=", names[phase]);

			memset(line + at, i < 6 ? 'a' : 'g', n);
			line[at + (int)n] = 0;
			run_to(b, &stock, "1234", "1234", phase + 1);
			assert_true(ask(b, line));
			refused(b);
			assert_int_equal(pending(b), 0);
			assert_int_equal(b->trusted, 0);
			bed_free(b);
		}
	}
}

static void malformed_start(void **state)
{
	struct bed *b = bed_new();
	static const char *const starts[] = {
		"phrase=getservercert",
		"phrase=getservercert&salt=00112233445566778899aabbccddeeff",
		"phrase=getservercert&salt=00112233445566778899aabbccddeeff&clientcert=",
		"phrase=getservercert&salt=00112233445566778899aabbccddeeff&clientcert=2d2d2d2d2d",
		"phrase=getservercert&salt=00112233445566778899aabbccddee&clientcert=2d2d2d2d2d",
	};

	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		assert_true(ask(b, starts[i]));
		refused(b);
	}
	/* A good certificate, but the salt is not 16 bytes; then one that is cut. */
	gs_client_start(&stock, "1234", b->args);
	memmove(strstr(b->args, "salt=") + 5, strstr(b->args, "salt=") + 7,
		strlen(strstr(b->args, "salt=") + 7) + 1);
	assert_true(ask(b, b->args));
	refused(b);
	gs_client_start(&stock, "1234", b->args);
	b->args[strlen(b->args) - 400] = 0;
	assert_true(ask(b, b->args));
	refused(b);
	/* No id, an empty one, one too long. */
	b->now += 3600 * PF_NS_PER_S;
	gs_client_start(&stock, "1234", b->args);
	assert_true(ask_as(b, "", ip_a, b->args, b));
	refused(b);
	assert_true(ask_as(b, "0123456789012345678901234567890123456789012345678901234567890123456",
		ip_a, b->args, b));
	refused(b);
	assert_int_equal(pending(b), 0);
	bed_free(b);
}

static void expires(void **state)
{
	struct bed *b = bed_new();

	assert_true(pf_gs_pairing_next_ns(b->p) == UINT64_MAX);
	start(b, &stock, "1234");
	assert_true(pf_gs_pairing_next_ns(b->p) == b->now + 180 * PF_NS_PER_S);
	pf_gs_pairing_expire(b->p, b->now + 180 * PF_NS_PER_S - 1);
	assert_int_equal(pending(b), 1);
	pf_gs_pairing_expire(b->p, b->now + 180 * PF_NS_PER_S);
	assert_int_equal(pending(b), 0);
	assert_int_equal(b->laters, 1);
	assert_int_equal(b->later.status, 400);
	assert_int_equal(b->end_error, -ETIMEDOUT);
	/* Between phases a client has less time; a late one finds nothing. */
	run_to(b, &stock, "1234", "1234", 2);
	b->now += PF_GS_PAIR_PHASE_NS;
	assert_true(ask(b, b->args));
	refused(b);
	assert_int_equal(pending(b), 0);
	bed_free(b);
}

static void hangs_up(void **state)
{
	struct bed *b = bed_new();

	start(b, &stock, "1234");
	pf_gs_pairing_gone(b->p, NULL);
	assert_int_equal(pending(b), 1);
	pf_gs_pairing_gone(b->p, b);
	assert_int_equal(pending(b), 0);
	assert_int_equal(b->laters, 1);
	bed_free(b);
}

static void starts_again(void **state)
{
	struct bed *b = bed_new();
	int second;

	start(b, &stock, "1234");
	gs_client_start(&stock, "5678", b->args);
	assert_false(ask_as(b, ID, ip_a, b->args, &second));
	assert_ptr_equal(b->later_held, b); /* the first one was told */
	assert_int_equal(b->later.status, 400);
	assert_int_equal(pending(b), 1);
	assert_int_equal(pf_gs_pair_pin(b->p, b->now, 0, "5678", NULL), 0);
	assert_ptr_equal(b->later_held, &second);
	bed_free(b);
}

static void pin_needs_a_request(void **state)
{
	struct bed *b = bed_new();
	static const char *const bad[] = { "", "123", "12345", "12a4", " 123", "-123", "１２" };
	struct pf_reason why = { 0 };

	assert_int_equal(pf_gs_pair_pin(b->p, b->now, 0, "1234", &why), -ENOENT);
	assert_true(*why.text);
	start(b, &stock, "1234");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(pf_gs_pair_pin(b->p, b->now, 0, bad[i], NULL), -EINVAL);
	assert_int_equal(pf_gs_pair_pin(b->p, b->now, 77, "1234", NULL), -ENOENT);
	assert_int_equal(pf_gs_pair_pin(b->p, b->now, last_id(b), "1234", NULL), 0);
	assert_int_equal(pf_gs_pair_pin(b->p, b->now, last_id(b), "5555", NULL), -EALREADY);
	/* Whom nobody is waiting for, a PIN cannot help; and the first one was not lost. */
	assert_int_equal(pf_gs_pair_pin(b->p, b->now, 0, "5555", NULL), -ENOENT);
	bed_free(b);
}

static void operator_refuses(void **state)
{
	struct bed *b = bed_new();

	start(b, &stock, "1234");
	assert_int_equal(pf_gs_pair_drop(b->p, last_id(b) + 1), -ENOENT);
	assert_int_equal(pf_gs_pair_drop(b->p, last_id(b)), 0);
	assert_int_equal(b->later.status, 400);
	assert_int_equal(pending(b), 0);
	bed_free(b);
}

static void names_are_fit_to_print(void **state)
{
	struct bed *b = bed_new();
	struct pf_gs_pair_pending r = { 0 };

	gs_client_start(&stock, "1234", b->args);
	snprintf(b->line, sizeof(b->line), "/pair?devicename=a%%1b[2J%%c2%%9b%%ff<b>&uniqueid=1&%s",
		b->args);
	assert_int_equal(pf_gs_query_parse(&b->q, b->line, strlen(b->line)), 0);
	assert_false(pf_gs_pairing_request(b->p, b->now, &b->q, ip_a, "192.0.2.1", b, &b->out));
	pf_gs_pair_each(b->p, last_pending, &r);
	assert_string_equal(r.name, "a?[2J??\xef\xbf\xbd<b>");
	assert_string_equal(r.peer, "192.0.2.1");
	assert_false(r.has_pin);
	bed_free(b);
}

/* ---- gamestream.md 11, by row ---- */

/* Row 2: no phase counts before its time, and nobody is trusted before the end of
 * phase 4. */
static void row_2_phases_in_order_and_trust_last(void **state)
{
	struct bed *b = bed_new();

	for (int phase = 1; phase <= 3; phase++) {
		char pin[5];

		snprintf(pin, sizeof(pin), "%04d", phase);
		run_to(b, &stock, pin, pin, phase);
		assert_int_equal(b->trusted, 0);
		/* Skipping to the end does not help. */
		assert_true(
			ask(b, phase == 3 ? "clientchallenge=00112233445566778899aabbccddeeff"
					  : "clientpairingsecret="
					    "00112233445566778899aabbccddeeff0011223344556677"));
		refused(b);
		assert_int_equal(b->trusted, 0);
		assert_int_equal(pending(b), 0);
	}
	bed_free(b);
}

/* Row 3: the PIN goes to one named request. */
static void row_3_pin_names_one_request(void **state)
{
	struct bed *b = bed_new();
	struct pf_reason why = { 0 };
	uint32_t first, second;
	int held_b;

	start(b, &stock, "1234");
	first = last_id(b);
	gs_client_start(&other, "5678", b->args);
	assert_false(ask_as(b, "another", ip_b, b->args, &held_b));
	second = last_id(b);
	assert_int_not_equal(first, second);
	assert_int_equal(pf_gs_pair_pin(b->p, b->now, 0, "1234", &why), -EEXIST);
	assert_true(*why.text);
	assert_int_equal(b->laters, 0);
	assert_int_equal(pf_gs_pair_pin(b->p, b->now, second, "5678", &why), 0);
	assert_int_equal(b->laters, 1);
	assert_ptr_equal(b->later_held, &held_b);
	bed_free(b);
}

/* Row 3: requests that compete from another address are refused. */
static void row_3_competing_requests_are_refused(void **state)
{
	struct bed *b = bed_new();

	start(b, &stock, "1234");
	gs_client_start(&other, "5678", b->args);
	/* The same id from elsewhere. */
	assert_true(ask_as(b, ID, ip_b, b->args, b));
	refused(b);
	assert_int_equal(pending(b), 1);
	assert_int_equal(b->laters, 0);
	/* Nor can it speak for the first. */
	assert_int_equal(pf_gs_pair_pin(b->p, b->now, 0, "1234", NULL), 0);
	assert_true(gs_client_take_cert(&stock, b->later.hex, b->args));
	assert_true(ask_as(b, ID, ip_b, b->args, b));
	refused(b);
	assert_int_equal(pending(b), 1);
	/* While one exchange runs nobody else starts from elsewhere. */
	gs_client_start(&other, "5678", b->line);
	strcpy(b->args, b->line);
	assert_true(ask_as(b, "another", ip_b, b->args, b));
	refused(b);
	assert_int_equal(pending(b), 1);
	bed_free(b);
}

/* Row 3: who ran phases 1 to 3 may know the PIN; typed again it is refused. */
static void row_3_pin_is_never_accepted_again(void **state)
{
	struct bed *b = bed_new();

	run_to(b, &other, "0000", "1234", 4);
	assert_false(b->out.paired);
	start(b, &stock, "1234");
	assert_int_equal(pf_gs_pair_pin(b->p, b->now, 0, "1234", NULL), -EKEYREJECTED);
	assert_int_equal(b->laters, 1);
	assert_int_equal(pf_gs_pair_drop(b->p, last_id(b)), 0);
	/* The same after an attempt that was left standing, and after a success. */
	run_to(b, &other, "2222", "2222", 3);
	pf_gs_pairing_expire(b->p, b->now + PF_GS_PAIR_PHASE_NS);
	run_to(b, &stock, "3333", "3333", 4);
	assert_true(b->out.paired);
	start(b, &other, "9999");
	assert_int_equal(pf_gs_pair_pin(b->p, b->now, 0, "2222", NULL), -EKEYREJECTED);
	assert_int_equal(pf_gs_pair_pin(b->p, b->now, 0, "3333", NULL), -EKEYREJECTED);
	assert_int_equal(pf_gs_pair_pin(b->p, b->now, 0, "9999", NULL), 0);
	bed_free(b);
}

/* Row 3: a failure after the PIN drops whatever else waits for one. */
static void row_3_failure_drops_all_pending(void **state)
{
	struct bed *b = bed_new();
	int held_b;

	start(b, &stock, "1234");
	gs_client_start(&other, "5678", b->args);
	assert_false(ask_as(b, "another", ip_b, b->args, &held_b));
	assert_int_equal(pf_gs_pair_pin(b->p, b->now, last_id(b), "5678", NULL), 0);
	assert_int_equal(pending(b), 2);
	assert_true(ask_as(b, "another", ip_b, "clientpairingsecret=00", &held_b));
	refused(b);
	assert_int_equal(pending(b), 0);
	assert_ptr_equal(b->later_held, b);
	assert_int_equal(b->later.status, 400);
	/* Without a PIN a stranger's failure harms nobody. */
	start(b, &stock, "1234");
	gs_client_start(&other, "5678", b->args);
	assert_false(ask_as(b, "another", ip_b, b->args, &held_b));
	assert_true(ask_as(b, "another", ip_b, "clientpairingsecret=00", &held_b));
	assert_int_equal(pending(b), 1);
	bed_free(b);
}

/* Row 3: pending requests are bounded, in all and per address, and so is their
 * rate. */
static void row_3_floods_are_bounded(void **state)
{
	struct bed *b = bed_new();
	unsigned accepted = 0;

	for (unsigned i = 0; i < 200; i++) {
		uint8_t ip[16] = { [10] = 0xff, [11] = 0xff, 10, 0, 0, (uint8_t)(i % 50) };
		char id[16];

		snprintf(id, sizeof(id), "id%u", i);
		gs_client_start(&stock, "1234", b->args);
		accepted += !ask_as(b, id, ip, b->args, b);
	}
	assert_int_equal(accepted, PF_GS_PAIR_PENDING);
	assert_int_equal(pending(b), PF_GS_PAIR_PENDING);
	/* Whoever takes the place of one of them had to wait for it. */
	b->now += PF_GS_PAIR_HOLD_NS - 1;
	assert_true(ask_as(b, "late", ip_a, b->args, b));
	refused(b);
	b->now++;
	b->laters = 0;
	assert_false(ask_as(b, "late", ip_a, b->args, b));
	assert_int_equal(b->laters, 1);
	assert_int_equal(b->later.status, 400);
	assert_int_equal(pending(b), PF_GS_PAIR_PENDING);
	/* Not for what is refused anyway. */
	assert_true(ask_as(b, "later", ip_b, "phrase=getservercert&salt=00", b));
	assert_int_equal(b->laters, 1);
	bed_free(b);

	/* A few addresses with all the places they may have make way at once, the
	 * oldest of theirs first; whoever has as many as the newcomer does not. */
	b = bed_new();
	for (unsigned i = 0; i < PF_GS_PAIR_PENDING; i++) {
		uint8_t ip[16] = { [10] = 0xff, [11] = 0xff, 10, 0, 0, (uint8_t)(i / 2) };
		char id[16];

		snprintf(id, sizeof(id), "id%u", i);
		gs_client_start(&stock, "1234", b->args);
		assert_false(ask_as(b, id, ip, b->args, (void *)(uintptr_t)(i + 1)));
	}
	assert_false(ask_as(b, "honest", ip_a, b->args, b));
	assert_ptr_equal(b->later_held, (void *)(uintptr_t)1);
	assert_true(ask_as(b, "honest too", ip_a, b->args, b));
	refused(b);
	assert_int_equal(b->laters, 1);
	assert_int_equal(pending(b), PF_GS_PAIR_PENDING);
	bed_free(b);

	b = bed_new();
	for (unsigned i = 0; i < 50; i++) {
		char id[16];

		snprintf(id, sizeof(id), "id%u", i);
		gs_client_start(&stock, "1234", b->args);
		ask_as(b, id, ip_a, b->args, b);
		assert_true(pending(b) <= PF_GS_PAIR_PER_IP);
	}
	/* One that starts over and over is slowed down; then it may again. */
	accepted = 0;
	for (unsigned i = 0; i < 50; i++)
		accepted += !ask_as(b, "same", ip_b, b->args, b);
	assert_true(accepted > 0 && accepted < 10);
	b->now += 60 * PF_NS_PER_S;
	assert_false(ask_as(b, "same", ip_b, b->args, b));
	bed_free(b);
}

/* Row 5: what anybody can send over plain HTTP only takes back what is pending. */
static void row_5_unpair_drops_pending_only(void **state)
{
	struct bed *b = bed_new();

	run_to(b, &stock, "1234", "1234", 4);
	assert_int_equal(b->trusted, 1);
	start(b, &stock, "4321");
	assert_int_equal(pf_gs_query_parse(&b->q, "/unpair?uniqueid=" ID, 17 + strlen(ID)), 0);
	pf_gs_pairing_unpair(b->p, &b->q, ip_b);
	assert_int_equal(pending(b), 1);
	pf_gs_pairing_unpair(b->p, &b->q, ip_a);
	assert_int_equal(pending(b), 0);
	assert_int_equal(b->trusted, 1);
	assert_int_equal(pf_gs_query_parse(&b->q, "/unpair", 7), 0);
	pf_gs_pairing_unpair(b->p, &b->q, ip_a);
	bed_free(b);
}

/* Row 6: whoever does not know the PIN has one guess for each one typed. */
static void row_6_one_guess_per_pin(void **state)
{
	struct bed *b = bed_new();

	run_to(b, &stock, "1234", "8888", 1);
	/* A challenge under a guessed key takes the attempt along to its end. */
	gs_client_aes_key(stock.aes, stock.salt, "8887");
	assert_true(gs_client_take_cert(&stock, b->later.hex, b->args));
	assert_true(ask(b, b->args));
	assert_true(gs_client_take_challenge(&stock, b->out.hex, b->args));
	assert_true(ask(b, b->args));
	assert_int_equal(gs_client_take_secret(&stock, b->out.hex, b->args), GS_WRONG_PIN);
	assert_true(ask(b, b->args));
	assert_false(b->out.paired);
	/* No second guess, not even the right one. */
	gs_client_aes_key(stock.aes, stock.salt, "8888");
	assert_true(gs_client_take_cert(&stock, b->later.hex, b->args));
	assert_true(ask(b, b->args));
	refused(b);
	assert_int_equal(b->trusted, 0);
	bed_free(b);
}

static int set_up(void **state)
{
	gs_client_init(&stock);
	gs_client_init(&other);
	return pf_rsa_identity_generate(&identity, "test host", NULL);
}

static int tear_down(void **state)
{
	gs_client_finish(&stock);
	gs_client_finish(&other);
	pf_identity_unref(identity);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(key_of_the_vector),
		cmocka_unit_test(host_uses_the_vector),
		cmocka_unit_test(pairs),
		cmocka_unit_test(odd_certificates),
		cmocka_unit_test(upper_case_hex),
		cmocka_unit_test(wrong_pin),
		cmocka_unit_test(wrong_key),
		cmocka_unit_test(store_fails),
		cmocka_unit_test(wrong_order),
		cmocka_unit_test(nothing_pending),
		cmocka_unit_test(replays),
		cmocka_unit_test(malformed),
		cmocka_unit_test(malformed_start),
		cmocka_unit_test(expires),
		cmocka_unit_test(hangs_up),
		cmocka_unit_test(starts_again),
		cmocka_unit_test(pin_needs_a_request),
		cmocka_unit_test(operator_refuses),
		cmocka_unit_test(names_are_fit_to_print),
		cmocka_unit_test(row_2_phases_in_order_and_trust_last),
		cmocka_unit_test(row_3_pin_names_one_request),
		cmocka_unit_test(row_3_competing_requests_are_refused),
		cmocka_unit_test(row_3_pin_is_never_accepted_again),
		cmocka_unit_test(row_3_failure_drops_all_pending),
		cmocka_unit_test(row_3_floods_are_bounded),
		cmocka_unit_test(row_5_unpair_drops_pending_only),
		cmocka_unit_test(row_6_one_guess_per_pin),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
