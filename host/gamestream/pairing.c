/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/gamestream/pairing.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/utf8.h"
#include "core/crypto/block.h"
#include "core/crypto/cert.h"
#include "core/crypto/hash.h"
#include "core/crypto/rsa_identity.h"
#include "core/crypto/secret.h"

#define UNIQUEID_BYTES	65
#define SECRET_BYTES	16
#define PIN_DIGITS	4
#define PINS		10000
#define SIG_MAX		512 /* RSA-4096 */
#define STARTERS	16  /* addresses whose rate is remembered */
#define STARTS_BURST	6
#define STARTS_EVERY_NS (5 * PF_NS_PER_S)

/* What the client owes next. */
enum phase {
	PHASE_PIN, /* the operator owes the PIN; the first phase is held */
	PHASE_CHALLENGE,
	PHASE_RESPONSE,
	PHASE_SECRET,
};

struct entry {
	struct entry *next; /* older first */
	enum phase phase;
	char uniqueid[UNIQUEID_BYTES];
	uint8_t ip[16];
	uint64_t deadline_ns;
	void *held; /* while phase is PHASE_PIN */
	struct pf_cert *cert;
	uint8_t salt[SECRET_BYTES];
	uint8_t key[PF_SHA256_BYTES]; /* the first 16 bytes count */
	uint8_t host_secret[SECRET_BYTES];
	uint8_t host_random[SECRET_BYTES];
	uint8_t commitment[PF_SHA256_BYTES];
	struct pf_gs_pair_pending info;
};

/* How often an address started a pairing. */
struct starter {
	uint8_t ip[16];
	uint64_t next_ns; /* one more start costs STARTS_EVERY_NS from here on */
};

struct pf_gs_pairing {
	struct pf_gs_pair_params params;
	struct pf_cert *cert; /* ours */
	struct entry *first;
	uint32_t last_id;
	struct starter starters[STARTERS];
	uint8_t used_pins[(PINS + 7) / 8];
	struct pf_gs_pair_answer later; /* for held requests; too big for a stack */
};

/* ---- answers ---- */

static void answer_init(struct pf_gs_pair_answer *a, uint32_t status, const char *message)
{
	a->status = status;
	a->message = message;
	a->paired = false;
	a->element = NULL;
	a->hex[0] = 0;
}

static bool refuse(struct pf_gs_pair_answer *a, const char *message)
{
	answer_init(a, 400, message);
	return true;
}

static bool accept_with(
	struct pf_gs_pair_answer *a, const char *element, const void *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *p = data;

	if (len > (sizeof(a->hex) - 1) / 2)
		return refuse(a, "answer too long");
	answer_init(a, 200, NULL);
	a->paired = true;
	a->element = element;
	for (size_t i = 0; i < len; i++) {
		a->hex[2 * i] = digits[p[i] >> 4];
		a->hex[2 * i + 1] = digits[p[i] & 15];
	}
	a->hex[2 * len] = 0;
	return true;
}

/* ---- entries ---- */

static void entry_free(struct entry *e)
{
	pf_cert_free(e->cert);
	pf_secret_wipe(e, sizeof(*e));
	free(e);
}

static void unlink_entry(struct pf_gs_pairing *p, struct entry *e)
{
	struct entry **at = &p->first;

	while (*at != e)
		at = &(*at)->next;
	*at = e->next;
}

/* Removes one entry; a held request is answered with `text`. */
static void drop(struct pf_gs_pairing *p, struct entry *e, int error, const char *text)
{
	unlink_entry(p, e);
	if (e->phase == PHASE_PIN) {
		refuse(&p->later, text);
		p->params.answer(p->params.user, e->held, &p->later);
	}
	if (p->params.ended)
		p->params.ended(p->params.user, &e->info, error, text);
	entry_free(e);
}

/* A pairing failed. Once it had the PIN, whoever failed may know it: what else
 * waits for a PIN goes too, so that the operator does not type it again into a
 * request beside it (gamestream.md 11, row 3). */
static void fail(struct pf_gs_pairing *p, struct entry *e, int error, const char *text)
{
	bool had_pin = e->info.has_pin;

	drop(p, e, error, text);
	while (had_pin && p->first)
		drop(p, p->first, -ECANCELED, "another pairing failed; start again");
}

static bool same_ip(const uint8_t a[16], const uint8_t b[16])
{
	return !memcmp(a, b, 16);
}

static struct entry *find(struct pf_gs_pairing *p, const char *uniqueid, const uint8_t ip[16])
{
	for (struct entry *e = p->first; e; e = e->next)
		if (!strcmp(e->uniqueid, uniqueid) && same_ip(e->ip, ip))
			return e;
	return NULL;
}

/* A bucket per address, least recently used first out. */
static bool may_start(struct pf_gs_pairing *p, const uint8_t ip[16], uint64_t now_ns)
{
	struct starter *s = &p->starters[0];

	for (unsigned i = 0; i < STARTERS; i++) {
		struct starter *t = &p->starters[i];

		if (same_ip(t->ip, ip)) {
			s = t;
			break;
		}
		if (t->next_ns < s->next_ns)
			s = t;
	}
	if (!same_ip(s->ip, ip)) {
		memcpy(s->ip, ip, sizeof(s->ip));
		s->next_ns = 0;
	}
	if (s->next_ns < now_ns)
		s->next_ns = now_ns;
	if (s->next_ns - now_ns >= STARTS_BURST * STARTS_EVERY_NS)
		return false;
	s->next_ns += STARTS_EVERY_NS;
	return true;
}

/* ---- phases ---- */

static unsigned count_of(const struct pf_gs_pairing *p, const uint8_t ip[16])
{
	unsigned n = 0;

	for (const struct entry *e = p->first; e; e = e->next)
		n += same_ip(e->ip, ip);
	return n;
}

static unsigned count_all(const struct pf_gs_pairing *p)
{
	unsigned n = 0;

	for (const struct entry *e = p->first; e; e = e->next)
		n++;
	return n;
}

/* Whose place a request of `ip` takes when there is no other: a few addresses must
 * not keep everybody else out for the whole of a pairing's life. NULL = nobody's. */
static struct entry *victim(struct pf_gs_pairing *p, const uint8_t ip[16], uint64_t now_ns)
{
	struct entry *oldest = NULL, *greedy = NULL;
	unsigned mine = count_of(p, ip), most = mine + 1;

	for (struct entry *e = p->first; e; e = e->next) {
		unsigned n = count_of(p, e->ip);

		if (e->phase != PHASE_PIN)
			continue;
		if (n > most) {
			greedy = e;
			most = n;
		}
		if (!oldest && now_ns - e->info.since_ns >= PF_GS_PAIR_HOLD_NS)
			oldest = e;
	}
	return greedy ? greedy : oldest;
}

/* NULL when the request may wait for a PIN, else why not. */
static const char *competes(
	struct pf_gs_pairing *p, const char *uniqueid, const uint8_t ip[16], uint64_t now_ns)
{
	for (struct entry *e = p->first; e; e = e->next) {
		bool near = same_ip(e->ip, ip);

		if (!near && e->info.has_pin)
			return "another device is being paired; try again in a moment";
		if (!near && !strcmp(e->uniqueid, uniqueid))
			return "another device with this id waits for its PIN";
	}
	if (count_of(p, ip) >= PF_GS_PAIR_PER_IP)
		return "this address has too many pairing requests";
	return count_all(p) >= PF_GS_PAIR_PENDING && !victim(p, ip, now_ns)
		       ? "too many pairing requests"
		       : NULL;
}

static bool phase_start(struct pf_gs_pairing *p, uint64_t now_ns, const struct pf_gs_query *q,
	const char *uniqueid, const uint8_t ip[16], const char *peer, void *held,
	struct pf_gs_pair_answer *out)
{
	const char *hex = pf_gs_query_get(q, "clientcert");
	const char *name = pf_gs_query_get(q, "devicename");
	struct entry *e = find(p, uniqueid, ip), **last;
	const char *objection;
	uint8_t salt[SECRET_BYTES];
	size_t len;

	/* The client began anew: what it had before is over. */
	if (e)
		fail(p, e, -ECANCELED, "the client started again");
	if (pf_gs_query_hex(q, "salt", salt, sizeof(salt), &len) || len != sizeof(salt))
		return refuse(out, "salt is missing or malformed");
	objection = competes(p, uniqueid, ip, now_ns);
	if (objection)
		return refuse(out, objection);
	if (!may_start(p, ip, now_ns))
		return refuse(out, "too many pairing requests from this address");
	e = calloc(1, sizeof(*e));
	if (!e)
		return refuse(out, "out of memory");
	if (!hex || pf_cert_from_hex(&e->cert, hex, strlen(hex), NULL)) {
		entry_free(e);
		return refuse(out, "clientcert is missing or malformed");
	}
	/* Last: what is refused anyway costs nobody his place. */
	if (count_all(p) >= PF_GS_PAIR_PENDING)
		drop(p, victim(p, ip, now_ns), -ECANCELED, "another device took its place");
	memcpy(e->salt, salt, sizeof(e->salt));
	memcpy(e->ip, ip, sizeof(e->ip));
	snprintf(e->uniqueid, sizeof(e->uniqueid), "%s", uniqueid);
	e->held = held;
	e->deadline_ns = now_ns + PF_GS_PAIR_LIFE_NS;
	e->info.id = ++p->last_id ? p->last_id : ++p->last_id;
	snprintf(e->info.peer, sizeof(e->info.peer), "%s", peer);
	(void)pf_utf8_printable(
		e->info.name, sizeof(e->info.name), name ? name : "", name ? strlen(name) : 0);
	pf_cert_fingerprint(e->cert, e->info.fingerprint);
	e->info.since_ns = now_ns;
	for (last = &p->first; *last; last = &(*last)->next)
		;
	*last = e;
	return false;
}

static bool phase_challenge(struct pf_gs_pairing *p, struct entry *e, const struct pf_gs_query *q,
	struct pf_gs_pair_answer *out)
{
	uint8_t challenge[SECRET_BYTES], plain[PF_SHA256_BYTES + SECRET_BYTES],
		sealed[sizeof(plain)];
	size_t len, sig_len;
	const uint8_t *sig = pf_cert_signature(p->cert, &sig_len);

	if (pf_gs_query_hex(q, "clientchallenge", challenge, sizeof(challenge), &len) ||
		len != sizeof(challenge)) {
		fail(p, e, -EBADMSG, "clientchallenge is malformed");
		return refuse(out, "clientchallenge is malformed");
	}
	if (pf_random_bytes(e->host_secret, sizeof(e->host_secret)) ||
		pf_random_bytes(e->host_random, sizeof(e->host_random))) {
		fail(p, e, -EIO, "no random numbers");
		return refuse(out, "no random numbers");
	}
	pf_aes128_ecb_decrypt(e->key, challenge, challenge, sizeof(challenge));
	pf_sha256_parts((struct pf_hash_part[]){ { challenge, sizeof(challenge) }, { sig, sig_len },
				{ e->host_secret, sizeof(e->host_secret) } },
		3, plain);
	memcpy(plain + PF_SHA256_BYTES, e->host_random, sizeof(e->host_random));
	pf_aes128_ecb_encrypt(e->key, plain, sealed, sizeof(sealed));
	pf_secret_wipe(plain, sizeof(plain));
	e->phase = PHASE_RESPONSE;
	return accept_with(out, "challengeresponse", sealed, sizeof(sealed));
}

static bool phase_response(struct pf_gs_pairing *p, struct entry *e, const struct pf_gs_query *q,
	struct pf_gs_pair_answer *out)
{
	uint8_t secret[SECRET_BYTES + PF_RSA_SIG_BYTES];
	size_t len;

	if (pf_gs_query_hex(q, "serverchallengeresp", e->commitment, sizeof(e->commitment), &len) ||
		len != sizeof(e->commitment)) {
		fail(p, e, -EBADMSG, "serverchallengeresp is malformed");
		return refuse(out, "serverchallengeresp is malformed");
	}
	pf_aes128_ecb_decrypt(e->key, e->commitment, e->commitment, sizeof(e->commitment));
	memcpy(secret, e->host_secret, sizeof(e->host_secret));
	if (pf_rsa_sign_sha256(p->params.identity, e->host_secret, sizeof(e->host_secret),
		    secret + SECRET_BYTES, NULL)) {
		fail(p, e, -EIO, "cannot sign");
		return refuse(out, "cannot sign");
	}
	e->phase = PHASE_SECRET;
	return accept_with(out, "pairingsecret", secret, sizeof(secret));
}

static bool phase_secret(struct pf_gs_pairing *p, struct entry *e, const struct pf_gs_query *q,
	struct pf_gs_pair_answer *out)
{
	uint8_t secret[SECRET_BYTES + SIG_MAX], expected[PF_SHA256_BYTES];
	size_t len, sig_len;
	const uint8_t *sig = pf_cert_signature(e->cert, &sig_len);
	struct pf_reason why = { 0 };
	bool committed, signed_by_client;

	if (pf_gs_query_hex(q, "clientpairingsecret", secret, sizeof(secret), &len) ||
		len <= SECRET_BYTES) {
		fail(p, e, -EBADMSG, "clientpairingsecret is malformed");
		return refuse(out, "clientpairingsecret is malformed");
	}
	pf_sha256_parts((struct pf_hash_part[]){ { e->host_random, sizeof(e->host_random) },
				{ sig, sig_len }, { secret, SECRET_BYTES } },
		3, expected);
	committed = pf_secret_equal(expected, e->commitment, sizeof(expected));
	signed_by_client = !pf_cert_verify_sha256(
		e->cert, secret, SECRET_BYTES, secret + SECRET_BYTES, len - SECRET_BYTES);
	pf_secret_wipe(secret, sizeof(secret));
	answer_init(out, 200, NULL);
	if (!committed || !signed_by_client) {
		fail(p, e, -EACCES,
			committed ? "the client does not hold the key of its certificate"
				  : "wrong PIN");
		return true;
	}
	if (p->params.trust(p->params.user, &e->info, &why)) {
		fail(p, e, -EIO, "the client could not be stored");
		return true;
	}
	out->paired = true;
	drop(p, e, 0, "paired");
	return true;
}

/* ---- the interface ---- */

int pf_gs_pairing_create(
	struct pf_gs_pairing **out, const struct pf_gs_pair_params *params, struct pf_reason *why)
{
	struct pf_gs_pairing *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return pf_reason_set(why, -ENOMEM, "out of memory");
	p->params = *params;
	r = pf_rsa_identity_cert(&p->cert, params->identity, why);
	if (!r && strlen(pf_identity_cert_pem(params->identity)) > (PF_GS_PAIR_HEX_BYTES - 1) / 2)
		r = pf_reason_set(why, -EMSGSIZE, "the host's certificate is too long to be sent");
	if (r) {
		pf_gs_pairing_destroy(p);
		return r;
	}
	*out = p;
	return 0;
}

void pf_gs_pairing_destroy(struct pf_gs_pairing *p)
{
	if (!p)
		return;
	while (p->first)
		drop(p, p->first, -ESHUTDOWN, "the host stops");
	pf_cert_free(p->cert);
	pf_secret_wipe(p, sizeof(*p));
	free(p);
}

bool pf_gs_pairing_request(struct pf_gs_pairing *p, uint64_t now_ns, const struct pf_gs_query *q,
	const uint8_t peer_ip[16], const char *peer, void *held, struct pf_gs_pair_answer *out)
{
	static const char *const names[] = {
		[PHASE_PIN] = "phrase",
		[PHASE_CHALLENGE] = "clientchallenge",
		[PHASE_RESPONSE] = "serverchallengeresp",
		[PHASE_SECRET] = "clientpairingsecret",
	};
	const char *uniqueid = pf_gs_query_get(q, "uniqueid");
	unsigned phase = 0, named = 0;
	struct entry *e;

	pf_gs_pairing_expire(p, now_ns);
	if (!uniqueid || !*uniqueid || strlen(uniqueid) >= UNIQUEID_BYTES)
		return refuse(out, "uniqueid is missing or malformed");
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (pf_gs_query_get(q, names[i])) {
			phase = i;
			named++;
		}
	}
	e = find(p, uniqueid, peer_ip);
	if (named == 1 && phase == PHASE_PIN &&
		!strcmp(pf_gs_query_get(q, "phrase"), "getservercert"))
		return phase_start(p, now_ns, q, uniqueid, peer_ip, peer, held, out);
	if (named != 1 || phase == PHASE_PIN || !e || e->phase != phase) {
		if (e)
			fail(p, e, -EPROTO, "a phase of pairing came out of order");
		return refuse(out, "pairing phase out of order");
	}
	e->deadline_ns = now_ns + PF_GS_PAIR_PHASE_NS;
	switch (phase) {
	case PHASE_CHALLENGE:
		return phase_challenge(p, e, q, out);
	case PHASE_RESPONSE:
		return phase_response(p, e, q, out);
	default:
		return phase_secret(p, e, q, out);
	}
}

void pf_gs_pairing_unpair(
	struct pf_gs_pairing *p, const struct pf_gs_query *q, const uint8_t peer_ip[16])
{
	const char *uniqueid = pf_gs_query_get(q, "uniqueid");
	struct entry *e = uniqueid ? find(p, uniqueid, peer_ip) : NULL;

	if (e)
		fail(p, e, -ECANCELED, "the client gave up");
}

void pf_gs_pairing_gone(struct pf_gs_pairing *p, void *held)
{
	for (struct entry *e = p->first; e; e = e->next) {
		if (e->phase == PHASE_PIN && e->held == held) {
			drop(p, e, -ECONNRESET, "the client hung up");
			return;
		}
	}
}

uint64_t pf_gs_pairing_next_ns(const struct pf_gs_pairing *p)
{
	uint64_t next = UINT64_MAX;

	for (const struct entry *e = p->first; e; e = e->next)
		if (e->deadline_ns < next)
			next = e->deadline_ns;
	return next;
}

void pf_gs_pairing_expire(struct pf_gs_pairing *p, uint64_t now_ns)
{
	struct entry *e = p->first;

	while (e) {
		if (e->deadline_ns > now_ns) {
			e = e->next;
			continue;
		}
		fail(p, e, -ETIMEDOUT,
			e->info.has_pin ? "the client did not go on"
					: "no PIN was entered in time");
		e = p->first; /* more than one may have gone */
	}
}

void pf_gs_pair_each(struct pf_gs_pairing *p,
	void (*fn)(void *user, const struct pf_gs_pair_pending *r), void *user)
{
	for (struct entry *e = p->first; e; e = e->next)
		fn(user, &e->info);
}

/* The request that a PIN is for, or NULL with the words. */
static struct entry *pick(struct pf_gs_pairing *p, uint32_t id, int *error, struct pf_reason *why)
{
	struct entry *found = NULL;
	unsigned waiting = 0;

	for (struct entry *e = p->first; e; e = e->next) {
		waiting += e->phase == PHASE_PIN;
		if (id ? e->info.id == id : e->phase == PHASE_PIN)
			found = e;
	}
	if (!found)
		*error = pf_reason_set(why, -ENOENT,
			id ? "there is no such pairing request"
			   : "no client waits for a PIN; start pairing on the client first");
	else if (!id && waiting > 1)
		*error = pf_reason_set(
			why, -EEXIST, "%u clients wait for a PIN; name the request", waiting);
	else if (found->phase != PHASE_PIN)
		*error = pf_reason_set(why, -EALREADY, "this request has its PIN already");
	else
		return found;
	return NULL;
}

int pf_gs_pair_pin(struct pf_gs_pairing *p, uint64_t now_ns, uint32_t id, const char *pin,
	struct pf_reason *why)
{
	size_t digits = strspn(pin, "0123456789");
	struct entry *e;
	unsigned number;
	void *held;
	int error;

	pf_gs_pairing_expire(p, now_ns);
	if (digits != PIN_DIGITS || pin[digits])
		return pf_reason_set(
			why, -EINVAL, "a PIN has %d digits; the client shows it", PIN_DIGITS);
	e = pick(p, id, &error, why);
	if (!e)
		return error;
	number = (unsigned)strtoul(pin, NULL, 10);
	if (p->used_pins[number / 8] & 1u << number % 8)
		return pf_reason_set(why, -EKEYREJECTED,
			"this PIN was used before; start pairing on the client again to get "
			"another one");
	p->used_pins[number / 8] |= (uint8_t)(1u << number % 8);
	pf_sha256_parts(
		(struct pf_hash_part[]){ { e->salt, sizeof(e->salt) }, { pin, PIN_DIGITS } }, 2,
		e->key);
	e->info.has_pin = true;
	e->phase = PHASE_CHALLENGE;
	e->deadline_ns = now_ns + PF_GS_PAIR_PHASE_NS;
	held = e->held;
	e->held = NULL;
	accept_with(&p->later, "plaincert", pf_identity_cert_pem(p->params.identity),
		strlen(pf_identity_cert_pem(p->params.identity)));
	p->params.answer(p->params.user, held, &p->later);
	return 0;
}

int pf_gs_pair_drop(struct pf_gs_pairing *p, uint32_t id)
{
	for (struct entry *e = p->first; e; e = e->next) {
		if (e->info.id == id) {
			fail(p, e, -ECANCELED, "refused by the operator");
			return 0;
		}
	}
	return -ENOENT;
}
