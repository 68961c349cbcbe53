/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The PIN ceremony of punktfunk/1 as a sequence of steps: two honest clients with
 * PINs of their own, raw messages, the operator, time. Whatever the order, one PIN is
 * tried once, attempts keep their distance, and only who held the PIN pairs. */
#include <errno.h>
#include <string.h>
#include "core/session/pairing.h"
#include "punktfunk_core.h"
#include "tests/fuzz/fuzz.h"

#define STEPS 24 /* of one input: each may cost a scalar multiplication */

struct input {
	const uint8_t *p;
	size_t left;
};

static unsigned take(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->p++;
}

static const uint8_t fingerprints[2][32] = { { 1 }, { 2 } }, host_fp[32] = { 9 };

struct actor {
	char pin[PF_PAIR_PIN_BYTES];
	struct pf_pair_client client;
	struct pf_pair_host host; /* of its connection */
	struct pf_ctl challenge, proof;
	bool challenged, proved; /* messages 2 and 3 are there */
	bool knew;		 /* its PIN was the host's at message 1 */
};

struct run {
	struct pf_pair_gate gate;
	uint64_t now, tried;
	bool any_tried;
	struct actor actors[2];
};

/* Message 1 of a client, honest or not. */
static void request(struct run *r, unsigned who, const struct pf_ctl *m)
{
	struct actor *a = &r->actors[who];
	bool armed = pf_pair_gate_armed(&r->gate, r->now);
	bool early = r->any_tried && r->now - r->tried < PF_PAIR_COOL_DOWN_NS;
	bool knew = armed && !strcmp(r->gate.arming.pin, a->pin);
	bool bound = armed && r->gate.arming.bound &&
		     memcmp(r->gate.arming.device, fingerprints[who], 32);
	struct pf_reason why = { 0 };
	int err = pf_pair_host_request(
		&a->host, &r->gate, r->now, fingerprints[who], host_fp, m, &a->challenge, &why);

	a->challenged = a->proved = false;
	a->knew = false;
	if (early)
		FUZZ_CHECK(err && why.close == PUNKTFUNK_CLOSE_RATE_LIMITED);
	else if (!armed)
		FUZZ_CHECK(err && why.close == PUNKTFUNK_CLOSE_NOT_ARMED);
	else if (bound)
		FUZZ_CHECK(err && why.close == PUNKTFUNK_CLOSE_OTHER_DEVICE);
	else if (err)
		FUZZ_CHECK(why.close == PUNKTFUNK_CLOSE_SETUP_FAILED);
	FUZZ_CHECK(pf_pair_gate_armed(&r->gate, r->now) == (armed && (early || bound)));
	if (!early) {
		r->any_tried = true;
		r->tried = r->now;
	}
	FUZZ_CHECK(a->host.open == !err);
	if (!err) {
		a->challenged = true;
		a->knew = knew;
	}
}

static void proof(struct actor *a, const struct pf_ctl *m, bool honest)
{
	struct pf_ctl result = { 0 };
	bool open = a->host.open && m->type == PF_CTL_PAIR_PROOF;
	int err = pf_pair_host_proof(&a->host, m, &result);

	FUZZ_CHECK((err == -EINVAL) == !open);
	if (err != -EINVAL)
		FUZZ_CHECK(result.type == PF_CTL_PAIR_RESULT && result.pair_ok == !err);
	FUZZ_CHECK(err || (honest && a->knew));
	if (!err)
		a->knew = false;
}

static void arm(struct run *r, struct input *in)
{
	unsigned how = take(in);
	struct pf_arming arming = { .until_ns = how & 4 ? r->now + (how >> 4) * 500000000ull : 0,
		.bound = how & 8 };

	snprintf(arming.pin, sizeof(arming.pin), "%04u", how & 1);
	memcpy(arming.device, fingerprints[how >> 1 & 1], 32);
	pf_pair_gate_arm(&r->gate, &arming);
}

static void raw(struct run *r, unsigned who, struct input *in)
{
	size_t len = take(in);
	struct pf_ctl m;

	if (len > in->left)
		len = in->left;
	if (!pf_ctl_parse(&m, in->p, len)) {
		struct pf_ctl out;

		if (m.type == PF_CTL_PAIR_REQUEST)
			request(r, who, &m);
		else
			proof(&r->actors[who], &m, false);
		/* The client's side of the same. */
		(void)pf_pair_client_challenge(&r->actors[who].client, &m, &out);
	}
	in->p += len;
	in->left -= len;
}

static void honest(struct run *r, unsigned who, unsigned step)
{
	struct actor *a = &r->actors[who];
	struct pf_ctl m;
	int err;

	if (step == 0) {
		FUZZ_CHECK(!pf_pair_client_start(
			&a->client, a->pin, "fuzz", fingerprints[who], host_fp, &m));
		request(r, who, &m);
	} else if (step == 1 && a->challenged) {
		bool open = a->client.open;

		err = pf_pair_client_challenge(&a->client, &a->challenge, &a->proof);
		/* A raw request in between is answered to keys that the client lacks. */
		FUZZ_CHECK(err || (open && a->knew));
		a->proved = !err;
	} else if (step == 2 && a->proved) {
		proof(a, &a->proof, true);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct run r = { .now = 1000000000 };

	strcpy(r.actors[0].pin, "0000");
	strcpy(r.actors[1].pin, "0001");
	for (unsigned i = 0; in.left && i < STEPS; i++) {
		unsigned op = take(&in), who = op >> 4 & 1;

		switch (op & 7) {
		case 0:
			arm(&r, &in);
			break;
		case 1:
			pf_pair_gate_disarm(&r.gate);
			break;
		case 2:
			r.now += take(&in) * 20000000ull;
			break;
		case 3:
			raw(&r, who, &in);
			break;
		default:
			honest(&r, who, (op & 7) - 4);
		}
	}
	for (unsigned i = 0; i < 2; i++) {
		pf_pair_client_wipe(&r.actors[i].client);
		pf_pair_host_wipe(&r.actors[i].host);
	}
	return 0;
}
