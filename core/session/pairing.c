/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/session/pairing.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "core/crypto/hash.h"
#include "core/crypto/secret.h"
#include "punktfunk_core.h"

/* ---- the PIN ---- */

int pf_pair_mint_pin(char out[PF_PAIR_PIN_BYTES])
{
	uint16_t n;

	/* 60000 is the largest multiple of 10000 that fits: no PIN is likelier. */
	do {
		int r = pf_random_bytes(&n, sizeof(n));

		if (r)
			return r;
	} while (n >= 60000);
	snprintf(out, PF_PAIR_PIN_BYTES, "%04u", n % 10000u);
	pf_secret_wipe(&n, sizeof(n));
	return 0;
}

bool pf_pair_pin_ok(const char *pin)
{
	size_t len = strnlen(pin, PF_PAIR_PIN_BYTES);

	return len && len < PF_PAIR_PIN_BYTES && strspn(pin, "0123456789") == len;
}

void pf_pair_gate_arm(struct pf_pair_gate *g, const struct pf_arming *a)
{
	g->arming = *a;
	g->armed = true;
}

void pf_pair_gate_disarm(struct pf_pair_gate *g)
{
	pf_secret_wipe(&g->arming, sizeof(g->arming));
	g->armed = false;
}

bool pf_pair_gate_armed(struct pf_pair_gate *g, uint64_t now_ns)
{
	if (g->armed && g->arming.until_ns && now_ns >= g->arming.until_ns)
		pf_pair_gate_disarm(g);
	return g->armed;
}

static int refuse(struct pf_reason *why, uint32_t close, const char *words)
{
	pf_reason_set(why, -EACCES, "%s", words);
	if (why)
		why->close = close;
	return -EACCES;
}

static int enter(
	struct pf_pair_gate *g, uint64_t now_ns, const uint8_t *client_fp, struct pf_reason *why)
{
	if (!client_fp)
		return refuse(why, PUNKTFUNK_CLOSE_IDENTITY_REQUIRED,
			"pairing needs a client certificate");
	if (g->tried && now_ns - g->tried_ns < PF_PAIR_COOL_DOWN_NS)
		return refuse(why, PUNKTFUNK_CLOSE_RATE_LIMITED,
			"another attempt was made just now; wait two seconds");
	g->tried = true;
	g->tried_ns = now_ns;
	if (!pf_pair_gate_armed(g, now_ns))
		return refuse(why, PUNKTFUNK_CLOSE_NOT_ARMED, "pairing is not armed at this host");
	if (g->arming.bound && memcmp(g->arming.device, client_fp, 32))
		return refuse(
			why, PUNKTFUNK_CLOSE_OTHER_DEVICE, "pairing is armed for another device");
	return 0;
}

/* ---- confirmation ---- */

void pf_pair_confirm(uint8_t out[32], bool from_host, const uint8_t key[PF_SPAKE2_KEY_BYTES],
	const uint8_t client_fp[32], const uint8_t host_fp[32])
{
	const char *label = from_host ? "punktfunk-pair-host" : "punktfunk-pair-client";
	const struct pf_hash_part parts[] = { { label, strlen(label) }, { client_fp, 32 },
		{ host_fp, 32 } };

	pf_hmac_sha256(key, PF_SPAKE2_KEY_BYTES, parts, 3, out);
}

/* ---- host ---- */

int pf_pair_host_request(struct pf_pair_host *h, struct pf_pair_gate *g, uint64_t now_ns,
	const uint8_t *client_fp, const uint8_t host_fp[32], const struct pf_ctl *request,
	struct pf_ctl *challenge, struct pf_reason *why)
{
	const struct pf_ctl_bytes *name = &request->pair_request.name;
	struct pf_spake2 spake;
	uint8_t key[PF_SPAKE2_KEY_BYTES], own[PF_SPAKE2_MESSAGE_BYTES];
	int r = enter(g, now_ns, client_fp, why);

	memset(h, 0, sizeof(*h));
	if (r)
		return r;
	r = pf_spake2_start(&spake, PF_SPAKE2_B,
		(struct pf_spake2_text){ g->arming.pin, strlen(g->arming.pin) },
		(struct pf_spake2_text){ client_fp, 32 }, (struct pf_spake2_text){ host_fp, 32 },
		NULL);
	if (!r) {
		memcpy(own, spake.message, sizeof(own));
		r = pf_spake2_finish(&spake, request->pair_request.spake.p,
			request->pair_request.spake.len, key);
	}
	h->has_terms = g->arming.has_terms;
	h->grants = g->arming.grants;
	h->expires_s = g->arming.expires_s;
	h->arming_id = g->arming.id;
	/* Also after a hostile point: whether it was one can depend on the PIN. */
	pf_pair_gate_disarm(g);
	if (r) {
		refuse(why, PUNKTFUNK_CLOSE_SETUP_FAILED, "malformed pairing request");
		return r;
	}
	memcpy(h->client_fp, client_fp, 32);
	memcpy(h->name, name->p, name->len < PF_CTL_NAME_MAX ? name->len : PF_CTL_NAME_MAX);
	memcpy(h->spake, own, sizeof(own));
	pf_pair_confirm(h->proof, false, key, client_fp, host_fp);
	*challenge = (struct pf_ctl){ .type = PF_CTL_PAIR_CHALLENGE };
	challenge->pair_challenge.spake = (struct pf_ctl_bytes){ h->spake, sizeof(h->spake) };
	pf_pair_confirm(challenge->pair_challenge.confirm, true, key, client_fp, host_fp);
	pf_secret_wipe(key, sizeof(key));
	h->open = true;
	return 0;
}

int pf_pair_host_proof(struct pf_pair_host *h, const struct pf_ctl *proof, struct pf_ctl *result)
{
	bool ok;

	if (!h->open || proof->type != PF_CTL_PAIR_PROOF)
		return -EINVAL;
	ok = pf_secret_equal(h->proof, proof->pair_proof, sizeof(h->proof));
	pf_secret_wipe(h->proof, sizeof(h->proof));
	h->open = false;
	*result = (struct pf_ctl){ .type = PF_CTL_PAIR_RESULT, .pair_ok = ok };
	return ok ? 0 : -EACCES;
}

void pf_pair_host_wipe(struct pf_pair_host *h)
{
	pf_secret_wipe(h, sizeof(*h));
}

/* ---- client ---- */

int pf_pair_client_start(struct pf_pair_client *c, const char *pin, const char *name,
	const uint8_t client_fp[32], const uint8_t host_fp[32], struct pf_ctl *request)
{
	int r;

	memset(c, 0, sizeof(*c));
	if (!pf_pair_pin_ok(pin))
		return -EINVAL;
	memcpy(c->client_fp, client_fp, 32);
	memcpy(c->host_fp, host_fp, 32);
	if (name)
		snprintf(c->name, sizeof(c->name), "%s", name);
	r = pf_spake2_start(&c->spake, PF_SPAKE2_A, (struct pf_spake2_text){ pin, strlen(pin) },
		(struct pf_spake2_text){ client_fp, 32 }, (struct pf_spake2_text){ host_fp, 32 },
		NULL);
	if (r)
		return r;
	memcpy(c->message, c->spake.message, sizeof(c->message));
	*request = (struct pf_ctl){ .type = PF_CTL_PAIR_REQUEST };
	request->pair_request.name =
		(struct pf_ctl_bytes){ (const uint8_t *)c->name, strlen(c->name) };
	request->pair_request.spake = (struct pf_ctl_bytes){ c->message, sizeof(c->message) };
	c->open = true;
	return 0;
}

int pf_pair_client_challenge(
	struct pf_pair_client *c, const struct pf_ctl *challenge, struct pf_ctl *proof)
{
	uint8_t key[PF_SPAKE2_KEY_BYTES], want[32];
	int r;

	if (!c->open || challenge->type != PF_CTL_PAIR_CHALLENGE)
		return -EINVAL;
	c->open = false;
	r = pf_spake2_finish(&c->spake, challenge->pair_challenge.spake.p,
		challenge->pair_challenge.spake.len, key);
	if (r)
		return r;
	pf_pair_confirm(want, true, key, c->client_fp, c->host_fp);
	if (!pf_secret_equal(want, challenge->pair_challenge.confirm, sizeof(want))) {
		r = -EACCES;
	} else {
		*proof = (struct pf_ctl){ .type = PF_CTL_PAIR_PROOF };
		pf_pair_confirm(proof->pair_proof, false, key, c->client_fp, c->host_fp);
	}
	pf_secret_wipe(key, sizeof(key));
	pf_secret_wipe(want, sizeof(want));
	return r;
}

void pf_pair_client_wipe(struct pf_pair_client *c)
{
	pf_secret_wipe(c, sizeof(*c));
}
