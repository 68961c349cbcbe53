/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Pairing as a sequence of steps: honest clients, raw requests, the operator, time.
 * Whatever the order, what is pending stays bounded, every held request is answered
 * once, and only who went through all phases with the PIN that the operator typed
 * is trusted, once. */
#include <string.h>
#include "core/crypto/rsa_identity.h"
#include "host/gamestream/pairing.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/gs_pair_client.h"

#define ACTORS 4
#define RAWS   16
#define STEPS  64 /* of one input: each may cost a signature */

struct actor {
	struct gs_client c;
	char args[GS_ARGS_BYTES];
	unsigned step; /* requests that were answered well */
	bool waiting;
};

static struct run {
	struct pf_gs_pairing *p;
	uint64_t now;
	struct actor actors[ACTORS];
	bool raws[RAWS]; /* held */
	struct actor *current;
	bool typed[10000], trusted[10000];
	struct pf_gs_pair_answer out;
	struct pf_gs_query q;
	char line[PF_GS_TARGET_MAX];
	uint32_t ids[PF_GS_PAIR_PENDING];
	unsigned pending;
} run;

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

static int on_trust(void *user, const struct pf_gs_pair_pending *who, struct pf_reason *why)
{
	unsigned pin;

	FUZZ_CHECK(who->has_pin && run.current && run.current->step == 3);
	pin = (unsigned)atoi(run.current->c.pin);
	FUZZ_CHECK(run.typed[pin] && !run.trusted[pin]);
	run.trusted[pin] = true;
	return 0;
}

static void check_answer(const struct pf_gs_pair_answer *a)
{
	FUZZ_CHECK(a->status == 200 || a->status == 400);
	FUZZ_CHECK((a->status == 200) == !a->message);
	FUZZ_CHECK(!a->element || (a->paired && strlen(a->hex) < sizeof(a->hex)));
}

static void on_answer(void *user, void *held, const struct pf_gs_pair_answer *a)
{
	check_answer(a);
	if ((bool *)held >= run.raws && (bool *)held < run.raws + RAWS) {
		FUZZ_CHECK(*(bool *)held);
		*(bool *)held = false;
	} else {
		struct actor *actor = held;

		FUZZ_CHECK(actor->waiting && actor->step == 0);
		actor->waiting = false;
		if (a->paired) {
			FUZZ_CHECK(!strcmp(a->element, "plaincert"));
			FUZZ_CHECK(gs_client_take_cert(&actor->c, a->hex, actor->args));
			actor->step = 1;
		}
	}
}

static bool ask(const char *id, const uint8_t ip[16], const char *args, void *held)
{
	int n = snprintf(
		run.line, sizeof(run.line), "/pair?uniqueid=%s&devicename=roth&%s", id, args);

	FUZZ_CHECK(n > 0 && !pf_gs_query_parse(&run.q, run.line, (size_t)n));
	return pf_gs_pairing_request(run.p, run.now, &run.q, ip, "192.0.2.1", held, &run.out);
}

static const char *id_of(const struct actor *a)
{
	static const char *const ids[ACTORS] = { "0", "0123456789ABCDEF", "0123456789ABCDEF",
		"ab" };

	return ids[a - run.actors];
}

/* The next request that an honest client would make. */
static void go_on(struct actor *a, unsigned where)
{
	uint8_t ip[16] = { [10] = 0xff, [11] = 0xff, 10, 0, 0, (uint8_t)where };
	char pin[8];
	bool done;

	if (a->waiting)
		return;
	if (!a->step) {
		snprintf(pin, sizeof(pin), "%04u", (unsigned)(a - run.actors) * 1111);
		gs_client_start(&a->c, pin, a->args);
		a->waiting = true;
		if (!ask(id_of(a), ip, a->args, a))
			return;
		a->waiting = false;
		check_answer(&run.out);
		FUZZ_CHECK(run.out.status == 400);
		return;
	}
	run.current = a;
	done = ask(id_of(a), ip, a->args, a);
	run.current = NULL;
	FUZZ_CHECK(done);
	check_answer(&run.out);
	if (!run.out.paired || a->step == 3)
		a->step = 0;
	else if (a->step == 1 && gs_client_take_challenge(&a->c, run.out.hex, a->args))
		a->step = 2;
	else if (a->step == 2 && gs_client_take_secret(&a->c, run.out.hex, a->args) != GS_MALFORMED)
		a->step = 3;
	else
		a->step = 0;
}

static void raw(struct input *in)
{
	uint8_t ip[16] = { [10] = 0xff, [11] = 0xff, 10, 0, 0, (uint8_t)(take(in) % 8) };
	size_t len = take(in) | take(in) << 8;
	unsigned slot = 0;

	while (slot < RAWS && run.raws[slot])
		slot++;
	len = len < in->left ? len : in->left;
	if (slot < RAWS && !pf_gs_query_parse(&run.q, (const char *)in->p, len)) {
		run.raws[slot] = true;
		if (pf_gs_pairing_request(
			    run.p, run.now, &run.q, ip, "192.0.2.2", &run.raws[slot], &run.out)) {
			run.raws[slot] = false;
			check_answer(&run.out);
		}
	}
	in->p += len;
	in->left -= len;
}

static void note(void *user, const struct pf_gs_pair_pending *r)
{
	FUZZ_CHECK(run.pending < PF_GS_PAIR_PENDING && r->id);
	run.ids[run.pending++] = r->id;
}

static void type_pin(struct input *in)
{
	unsigned which = take(in), pin = take(in) % 8;
	char text[8];

	pin = pin < ACTORS ? pin * 1111 : (take(in) | take(in) << 8) % 10000;
	snprintf(text, sizeof(text), "%04u", pin);
	if (!pf_gs_pair_pin(run.p, run.now, run.pending && which ? run.ids[which % run.pending] : 0,
		    text, NULL)) {
		/* None is accepted a second time. */
		FUZZ_CHECK(!run.typed[pin]);
		run.typed[pin] = true;
	}
}

static void unpair(struct input *in)
{
	uint8_t ip[16] = { [10] = 0xff, [11] = 0xff, 10, 0, 0, (uint8_t)(take(in) % 8) };
	int n = snprintf(run.line, sizeof(run.line), "/unpair?uniqueid=%s",
		id_of(&run.actors[take(in) % ACTORS]));

	FUZZ_CHECK(!pf_gs_query_parse(&run.q, run.line, (size_t)n));
	pf_gs_pairing_unpair(run.p, &run.q, ip);
}

static void step(struct input *in)
{
	unsigned op = take(in) % 8, k = take(in);
	struct actor *a = &run.actors[k % ACTORS];

	switch (op) {
	case 0:
		raw(in);
		break;
	case 1:
	case 2:
		go_on(a, k / ACTORS % 8);
		break;
	case 3:
		type_pin(in);
		break;
	case 4:
		run.now += k * PF_NS_PER_S;
		pf_gs_pairing_expire(run.p, run.now);
		FUZZ_CHECK(pf_gs_pairing_next_ns(run.p) > run.now);
		break;
	case 5:
		if (a->waiting)
			pf_gs_pairing_gone(run.p, a);
		break;
	case 6:
		if (run.pending)
			FUZZ_CHECK(!pf_gs_pair_drop(run.p, run.ids[k % run.pending]));
		break;
	default:
		unpair(in);
		break;
	}
	run.pending = 0;
	pf_gs_pair_each(run.p, note, NULL);
	FUZZ_CHECK(run.pending || pf_gs_pairing_next_ns(run.p) == UINT64_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct pf_identity *identity;
	static struct gs_client stock;
	struct input in = { data, size };
	struct pf_gs_pair_params params = { .trust = on_trust, .answer = on_answer };

	/* Keys cost time: one for all runs. */
	if (!identity) {
		gs_client_init(&stock);
		FUZZ_CHECK(!pf_rsa_identity_generate(&identity, "fuzz", NULL));
	}
	memset(&run, 0, sizeof(run));
	run.now = 1000 * PF_NS_PER_S;
	for (unsigned i = 0; i < ACTORS; i++)
		run.actors[i].c = stock;
	params.identity = identity;
	FUZZ_CHECK(!pf_gs_pairing_create(&run.p, &params, NULL));
	for (unsigned i = 0; i < STEPS && in.left; i++)
		step(&in);
	pf_gs_pairing_destroy(run.p);
	for (unsigned i = 0; i < ACTORS; i++) {
		FUZZ_CHECK(!run.actors[i].waiting);
		if (run.actors[i].c.host_crt)
			gnutls_x509_crt_deinit(run.actors[i].c.host_crt);
	}
	for (unsigned i = 0; i < RAWS; i++)
		FUZZ_CHECK(!run.raws[i]);
	return 0;
}
