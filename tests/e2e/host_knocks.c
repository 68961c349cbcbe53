/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Unknown clients ask for access and a person answers; access that changes. */
#include <stdatomic.h>
#include "tests/e2e/native_bed.h"

static int setup(void **state)
{
	struct fixture *f;

	assert_int_equal(make(state), 0);
	f = *state;
	f->config.trust_on_first_use = false;
	f->knock_wait_ns = 0;
	return 0;
}

/* ---- the person ---- */

static unsigned parked;
static struct pf_knock newest;

static void look(void *user, const struct pf_knock *k)
{
	parked += k->parked != NULL;
	newest = *k;
}

static int look_errand(struct fixture *f, const struct pf_client *client)
{
	parked = 0;
	newest.id = 0;
	pf_native_each_knock(f->native, look, NULL);
	return (int)parked;
}

static int list(struct fixture *f)
{
	return on_loop(f, &(struct pf_client){ 0 }, look_errand);
}

/* Waits until so many connections wait; the newest knock is in `newest`. */
static void wait_parked(struct fixture *f, int count)
{
	for (unsigned i = 0; list(f) != count; i++) {
		assert_true(i < 20000);
		usleep(1000);
	}
}

/* client->paired_s carries the request's number. */
static int approve_errand(struct fixture *f, const struct pf_client *c)
{
	return pf_native_approve(
		f->native, (uint32_t)c->paired_s, NULL, c->grants, c->expires_s, NULL, NULL);
}

static int deny_errand(struct fixture *f, const struct pf_client *c)
{
	return pf_native_deny(f->native, (uint32_t)c->paired_s, NULL);
}

static int approve(struct fixture *f, uint32_t id, uint32_t grants)
{
	return on_loop(f, &(struct pf_client){ .paired_s = id, .grants = grants }, approve_errand);
}

static int deny(struct fixture *f, uint32_t id)
{
	return on_loop(f, &(struct pf_client){ .paired_s = id }, deny_errand);
}

/* ---- a client that waits ---- */

struct knocker {
	struct fixture *f;
	const PunktfunkIdentity *id;
	const char *launch;
	unsigned delay_us;
	pthread_t thread;
	PunktfunkConnection *c;
	int result;
	uint32_t close_code;
};

static void *run_knocker(void *arg)
{
	struct knocker *k = arg;
	PunktfunkConnectOptions o = options(k->f, k->id);
	PunktfunkReason why = { .struct_size = sizeof(why) };

	o.timeout_ms = 60000;
	o.launch = k->launch;
	usleep(k->delay_us);
	k->result = punktfunk_connect(&o, &k->c, &why);
	k->close_code = k->result ? why.close_code : 0;
	return NULL;
}

static void knock(struct knocker *k, struct fixture *f, const PunktfunkIdentity *id)
{
	*k = (struct knocker){ .f = f, .id = id };
	assert_int_equal(pthread_create(&k->thread, NULL, run_knocker, k), 0);
}

static void answered(struct knocker *k, uint32_t code)
{
	pthread_join(k->thread, NULL);
	assert_int_equal(k->close_code, code);
	assert_int_equal(k->result == 0, code == 0);
}

static void leave(PunktfunkConnection *c)
{
	punktfunk_connection_close(c, PUNKTFUNK_CLOSE_NORMAL);
}

/* ---- tests ---- */

static void who_is_let_in_goes_on(void **state)
{
	PunktfunkConnectionInfo info = { .struct_size = sizeof(info) };
	struct fixture *f = *state;
	PunktfunkIdentity *a = new_identity();
	struct knocker k;
	uint8_t fp[32];

	serve(f);
	punktfunk_identity_fingerprint(a, fp);
	knock(&k, f, a);
	wait_parked(f, 1);
	assert_memory_equal(newest.fingerprint, fp, 32);
	assert_string_equal(newest.name, "test");
	assert_string_equal(newest.address, "127.0.0.1");
	/* Longer than the idle time: keep-alives hold the connection. */
	usleep(9000000);
	assert_int_equal(list(f), 1);
	assert_int_equal(approve(f, newest.id, PF_GRANT_POINTER | PF_GRANT_KEYBOARD), 0);
	answered(&k, 0);
	assert_int_equal(punktfunk_connection_info(k.c, &info), 0);
	assert_int_equal(info.grants, PUNKTFUNK_GRANT_POINTER | PUNKTFUNK_GRANT_KEYBOARD);
	assert_int_equal(info.expires_in_s, 0);
	take_frames(k.c, 5);
	assert_int_equal(approve(f, newest.id, PF_GRANT_ALL), -ENOENT);
	leave(k.c);
	assert_int_equal(list(f), 0);
	/* It is known from now on. */
	leave(connect_as(f, a));
	punktfunk_identity_free(a);
}

static void who_is_denied_may_ask_again(void **state)
{
	struct fixture *f = *state;
	PunktfunkIdentity *a = new_identity();
	struct knocker k;

	serve(f);
	for (unsigned i = 0; i < 2; i++) {
		knock(&k, f, a);
		wait_parked(f, 1);
		assert_int_equal(deny(f, newest.id), 0);
		answered(&k, PUNKTFUNK_CLOSE_DENIED);
		assert_int_equal(deny(f, newest.id), -ENOENT);
	}
	punktfunk_identity_free(a);
}

static void a_late_approval_counts_next_time(void **state)
{
	struct fixture *f = *state;
	PunktfunkIdentity *a = new_identity();

	f->knock_wait_ns = 200 * PF_NS_PER_MS;
	serve(f);
	refused(f, a, PUNKTFUNK_CLOSE_APPROVAL_TIMEOUT, "nobody answered");
	assert_int_equal(list(f), 0);
	assert_int_not_equal(newest.id, 0);
	assert_int_equal(approve(f, newest.id, PF_GRANT_ALL), 0);
	leave(connect_as(f, a));
	punktfunk_identity_free(a);
}

static void the_newer_knock_counts(void **state)
{
	struct fixture *f = *state;
	PunktfunkIdentity *a = new_identity();
	struct pf_client client = { .plane = PF_PLANE_NATIVE, .grants = PF_GRANT_ALL };
	struct knocker one, two;
	uint32_t id;

	serve(f);
	knock(&one, f, a);
	wait_parked(f, 1);
	id = newest.id;
	knock(&two, f, a);
	answered(&one, PUNKTFUNK_CLOSE_SUPERSEDED);
	wait_parked(f, 1);
	assert_int_equal(newest.id, id);
	/* Whatever makes it known lets it in. */
	punktfunk_identity_fingerprint(a, client.fingerprint);
	assert_int_equal(on_loop(f, &client, add_client), 0);
	answered(&two, 0);
	take_frames(two.c, 1);
	leave(two.c);
	punktfunk_identity_free(a);
}

static void a_fifth_from_one_address_has_no_room(void **state)
{
	struct fixture *f = *state;
	PunktfunkIdentity *ids[5];
	struct knocker k[5];

	serve(f);
	for (unsigned i = 0; i < 5; i++) {
		ids[i] = new_identity();
		knock(&k[i], f, ids[i]);
		if (i < 4)
			wait_parked(f, (int)i + 1);
	}
	answered(&k[0], PUNKTFUNK_CLOSE_APPROVAL_TIMEOUT);
	assert_int_equal(list(f), 4);
	/* A host that stops leaves nobody waiting. */
	stop(f);
	for (unsigned i = 1; i < 5; i++) {
		pthread_join(k[i].thread, NULL);
		assert_int_not_equal(k[i].result, 0);
	}
	for (unsigned i = 0; i < 5; i++)
		punktfunk_identity_free(ids[i]);
}

static void changes_of_access_are_told(void **state)
{
	struct fixture *f = *state;
	struct pf_client client = { .plane = PF_PLANE_NATIVE, .grants = PF_GRANT_ALL };
	PunktfunkConnectionInfo info = { .struct_size = sizeof(info) };
	PunktfunkIdentity *a = new_identity();
	PunktfunkConnection *c;
	PunktfunkEvent e;

	serve(f);
	punktfunk_identity_fingerprint(a, client.fingerprint);
	client.expires_s = time(NULL) + 40;
	assert_int_equal(on_loop(f, &client, add_client), 0);
	c = connect_as(f, a);
	assert_int_equal(punktfunk_connection_info(c, &info), 0);
	assert_in_range(info.expires_in_s, 20, 40);
	take_frames(c, 1);
	client.expires_s = time(NULL) + 62;
	client.grants = PF_GRANT_POINTER;
	assert_int_equal(on_loop(f, &client, add_client), 0);
	e = take_event(c, PUNKTFUNK_EVENT_ACCESS);
	assert_int_equal(e.a, PF_GRANT_POINTER);
	assert_in_range(e.b, 61, 62);
	/* One minute before the end it is told again. */
	e = take_event(c, PUNKTFUNK_EVENT_ACCESS);
	assert_in_range(e.b, 58, 60);
	client.expires_s = 0;
	assert_int_equal(on_loop(f, &client, add_client), 0);
	e = take_event(c, PUNKTFUNK_EVENT_ACCESS);
	assert_int_equal(e.b, 0);
	leave(c);
	punktfunk_identity_free(a);
}

static void apps_need_their_grant(void **state)
{
	struct fixture *f = *state;
	struct pf_client client = { .plane = PF_PLANE_NATIVE,
		.grants = PF_GRANT_ALL & ~PF_GRANT_LAUNCH };
	PunktfunkIdentity *a = new_identity();
	struct knocker k = { .f = f, .id = a, .launch = "steam:570" };

	serve(f);
	punktfunk_identity_fingerprint(a, client.fingerprint);
	assert_int_equal(on_loop(f, &client, add_client), 0);
	run_knocker(&k);
	assert_int_equal(k.close_code, PUNKTFUNK_CLOSE_LAUNCH_DENIED);
	leave(connect_as(f, a));
	punktfunk_identity_free(a);
}

/* ---- many at once ---- */

#define DEVICES 25

struct verdicts {
	const uint8_t (*fps)[32];
	unsigned seed, approved[DEVICES];
};

static struct verdicts verdicts;
static unsigned due[PF_KNOCKS_MAX], due_count;
static bool due_approve[PF_KNOCKS_MAX];

static void judge(void *user, const struct pf_knock *k)
{
	struct verdicts *v = user;

	v->seed = v->seed * 1103515245u + 12345u;
	for (unsigned d = 0; d < DEVICES; d++) {
		if (memcmp(v->fps[d], k->fingerprint, 32) || (v->seed >> 16) % 3)
			continue;
		due_approve[due_count] = d & 1;
		due[due_count++] = k->id;
		v->approved[d] += d & 1;
	}
}

static int judge_errand(struct fixture *f, const struct pf_client *client)
{
	due_count = 0;
	pf_native_each_knock(f->native, judge, &verdicts);
	for (unsigned i = 0; i < due_count; i++) {
		int r = due_approve[i] ? pf_native_approve(f->native, due[i], NULL, PF_GRANT_ALL, 0,
						 NULL, NULL)
				       : pf_native_deny(f->native, due[i], NULL);

		assert_int_equal(r, 0);
	}
	return 0;
}

static atomic_bool judging;

static void *run_judge(void *arg)
{
	struct fixture *f = arg;

	while (atomic_load(&judging)) {
		(void)on_loop(f, &(struct pf_client){ 0 }, judge_errand);
		usleep(3000);
	}
	return NULL;
}

/* Two connections of each device knock while a person lets every other device in
 * and denies the rest: every connection gets an answer that fits its device, each
 * approval leads to a session, and no connection is accepted twice. */
static void fifty_knocks(void **state)
{
	struct fixture *f = *state;
	static struct knocker k[2 * DEVICES];
	static uint8_t fps[DEVICES][32];
	PunktfunkIdentity *ids[DEVICES];
	unsigned admitted[DEVICES] = { 0 };
	pthread_t judge_thread;

	f->knocks_per_address = 2 * DEVICES;
	f->display = "null";
	f->config.max_sessions = 64;
	serve(f);
	verdicts = (struct verdicts){ .fps = (const uint8_t(*)[32])fps, .seed = 7 };
	for (unsigned d = 0; d < DEVICES; d++) {
		ids[d] = new_identity();
		punktfunk_identity_fingerprint(ids[d], fps[d]);
	}
	for (unsigned i = 0; i < 2 * DEVICES; i++) {
		k[i] = (struct knocker){ .f = f, .id = ids[i / 2], .delay_us = i * 7919 % 60000 };
		assert_int_equal(pthread_create(&k[i].thread, NULL, run_knocker, &k[i]), 0);
	}
	atomic_store(&judging, true);
	assert_int_equal(pthread_create(&judge_thread, NULL, run_judge, f), 0);
	for (unsigned i = 0; i < 2 * DEVICES; i++)
		pthread_join(k[i].thread, NULL);
	atomic_store(&judging, false);
	pthread_join(judge_thread, NULL);
	for (unsigned i = 0; i < 2 * DEVICES; i++) {
		bool welcome = i / 2 & 1;

		if (!k[i].result)
			leave(k[i].c);
		if (k[i].result && k[i].close_code != PUNKTFUNK_CLOSE_SUPERSEDED &&
			(welcome || k[i].close_code != PUNKTFUNK_CLOSE_DENIED))
			fail_msg("knock %u: %d, close code 0x%x", i, k[i].result, k[i].close_code);
		assert_true(welcome || k[i].result);
		admitted[i / 2] += !k[i].result;
	}
	assert_int_equal(list(f), 0);
	stop(f);
	for (unsigned i = 0; i < f->ended_count; i++)
		for (unsigned j = 0; j < i; j++)
			assert_int_not_equal(f->ended[i].id, f->ended[j].id);
	for (unsigned d = 0; d < DEVICES; d++) {
		char hex[65];
		unsigned sessions = 0;

		pf_access_format(fps[d], hex);
		for (unsigned i = 0; i < f->ended_count; i++)
			sessions += !strcmp(f->ended[i].client, hex);
		assert_int_equal(verdicts.approved[d], d & 1);
		assert_true(d & 1 ? sessions >= 1 && sessions <= 2 : !sessions);
		assert_true(admitted[d] <= sessions && (!(d & 1) || admitted[d] >= 1));
		punktfunk_identity_free(ids[d]);
	}
}

/* ---- the same, when nobody waits for anybody ---- */

#define JUDGES 3

enum act { ACT_LOOK, ACT_APPROVE, ACT_DENY };

/* Of one device; changed on the loop only, read once nobody judges any more. */
struct fate {
	uint8_t fp[32];
	unsigned approved, approved_waiting, denied;
};

static struct fate fates[DEVICES];

/* Under way between one judge and the loop. */
struct sentence {
	uint32_t seed;
	struct {
		uint32_t id;
		uint8_t fp[32];
		bool waits;
	} list[PF_KNOCKS_MAX];
	unsigned count, chosen;
	enum act act;
	int result;
	struct fixture *f;
	sem_t done;
};

static void note_knock(void *user, const struct pf_knock *k)
{
	struct sentence *s = user;

	s->list[s->count].id = k->id;
	s->list[s->count].waits = k->parked != NULL;
	memcpy(s->list[s->count++].fp, k->fingerprint, 32);
}

static struct fate *fate_of(const uint8_t fp[32])
{
	for (unsigned d = 0; d < DEVICES; d++)
		if (!memcmp(fates[d].fp, fp, 32))
			return &fates[d];
	fail_msg("a knock of nobody");
	return NULL;
}

/* Loop. The list may be old by now: another judge was quicker, or time ran out. */
static void run_sentence(void *user, void *msg)
{
	struct sentence *s = user;
	uint32_t id = s->list[s->chosen].id;
	struct fate *fate;
	int r;

	if (s->act == ACT_LOOK) {
		s->count = 0;
		pf_native_each_knock(s->f->native, note_knock, s);
		sem_post(&s->done);
		return;
	}
	fate = fate_of(s->list[s->chosen].fp);
	if (s->act == ACT_APPROVE) {
		struct sentence now = { .count = 0 };
		bool waits = false;

		pf_native_each_knock(s->f->native, note_knock, &now);
		for (unsigned i = 0; i < now.count; i++)
			waits |= now.list[i].id == id && now.list[i].waits;
		r = pf_native_approve(s->f->native, id, NULL, PF_GRANT_ALL, 0, NULL, NULL);
		fate->approved += !r;
		fate->approved_waiting += !r && waits;
	} else {
		r = pf_native_deny(s->f->native, id, NULL);
		fate->denied += !r;
	}
	s->result = r;
	sem_post(&s->done);
}

static void pass(struct sentence *s, enum act act)
{
	s->act = act;
	assert_int_equal(pf_loop_post(s->f->loop, run_sentence, s, NULL, 0), 0);
	while (sem_wait(&s->done))
		;
}

static uint32_t draw(struct sentence *s, uint32_t n)
{
	s->seed = s->seed * 1103515245u + 12345u;
	return (s->seed >> 16) % n;
}

static void *run_rash_judge(void *arg)
{
	struct sentence *s = arg;

	while (atomic_load(&judging)) {
		unsigned lot;

		pass(s, ACT_LOOK);
		usleep(draw(s, 30000));
		lot = draw(s, 8);
		if (!s->count || lot > 3)
			continue;
		s->chosen = draw(s, s->count);
		pass(s, lot & 1 ? ACT_APPROVE : ACT_DENY);
		/* What is decided already, and nothing else, is not there. */
		assert_true(s->result == 0 || s->result == -ENOENT);
	}
	return NULL;
}

/* Fifty knocks of 25 devices, each waiting 150 ms, while three judges approve and
 * deny what they saw a moment ago, newer knocks supersede older ones, and time runs
 * out. Every connection has one answer, and each has its reason; who was let in while
 * it waited gets a session; nobody gets two; who was let in too late gets in later. */
static void fifty_knocks_against_the_clock(void **state)
{
	struct fixture *f = *state;
	static struct knocker k[2 * DEVICES];
	PunktfunkIdentity *ids[DEVICES];
	static struct sentence judges[JUDGES];
	pthread_t threads[JUDGES];
	unsigned admitted[DEVICES] = { 0 }, denied[DEVICES] = { 0 };
	unsigned by_code[4] = { 0 }, late = 0, sessions, at_once;

	f->knocks_per_address = 2 * DEVICES;
	f->knock_wait_ns = 150 * PF_NS_PER_MS;
	f->display = "null";
	f->config.max_sessions = 64;
	serve(f);
	memset(fates, 0, sizeof(fates));
	for (unsigned d = 0; d < DEVICES; d++) {
		ids[d] = new_identity();
		punktfunk_identity_fingerprint(ids[d], fates[d].fp);
	}
	atomic_store(&judging, true);
	for (unsigned j = 0; j < JUDGES; j++) {
		judges[j] = (struct sentence){ .f = f, .seed = 77 + j };
		sem_init(&judges[j].done, 0, 0);
		assert_int_equal(pthread_create(&threads[j], NULL, run_rash_judge, &judges[j]), 0);
	}
	for (unsigned i = 0; i < 2 * DEVICES; i++) {
		k[i] = (struct knocker){
			.f = f, .id = ids[i / 2], .delay_us = (i * 7919 + (i & 1) * 220000) % 500000
		};
		assert_int_equal(pthread_create(&k[i].thread, NULL, run_knocker, &k[i]), 0);
	}
	for (unsigned i = 0; i < 2 * DEVICES; i++)
		pthread_join(k[i].thread, NULL);
	atomic_store(&judging, false);
	for (unsigned j = 0; j < JUDGES; j++) {
		pthread_join(threads[j], NULL);
		sem_destroy(&judges[j].done);
	}
	for (unsigned i = 0; i < 2 * DEVICES; i++) {
		const struct fate *fate = &fates[i / 2];

		if (!k[i].result)
			leave(k[i].c);
		else if (k[i].close_code == PUNKTFUNK_CLOSE_DENIED)
			denied[i / 2]++;
		else if (k[i].close_code != PUNKTFUNK_CLOSE_SUPERSEDED &&
			 k[i].close_code != PUNKTFUNK_CLOSE_APPROVAL_TIMEOUT)
			fail_msg("knock %u: %d, close code 0x%x", i, k[i].result, k[i].close_code);
		by_code[!k[i].result					? 0
			: k[i].close_code == PUNKTFUNK_CLOSE_DENIED	? 1
			: k[i].close_code == PUNKTFUNK_CLOSE_SUPERSEDED ? 2
									: 3]++;
		admitted[i / 2] += !k[i].result;
		assert_true(k[i].result || fate->approved);
	}
	print_message("# admitted %u, denied %u, superseded %u, timed out %u\n", by_code[0],
		by_code[1], by_code[2], by_code[3]);
	assert_int_equal(list(f), 0);
	for (unsigned d = 0; d < DEVICES; d++) {
		/* Known once, it never knocks again. */
		assert_true(fates[d].approved <= 1);
		assert_true(denied[d] <= fates[d].denied);
		if (fates[d].approved_waiting)
			assert_true(admitted[d] >= 1);
		if (!fates[d].approved)
			continue;
		/* And does not wait the next time, whenever its approval came. */
		late += !fates[d].approved_waiting;
		leave(connect_as(f, ids[d]));
		admitted[d]++;
	}
	print_message("# approved too late for their connection: %u\n", late);
	/* The races that this is about took place. */
	assert_true(by_code[0] && by_code[1] && by_code[3]);
	stop(f);
	assert_true(f->ended_count < ENDED_MAX);
	for (unsigned i = 0; i < f->ended_count; i++)
		for (unsigned j = 0; j < i; j++)
			assert_int_not_equal(f->ended[i].id, f->ended[j].id);
	for (unsigned d = 0; d < DEVICES; d++) {
		char hex[65];

		pf_access_format(fates[d].fp, hex);
		sessions = at_once = 0;
		for (unsigned i = 0; i < f->ended_count; i++)
			sessions += !strcmp(f->ended[i].client, hex);
		/* A session whose client had been superseded meanwhile never came to be
		 * for it; no connection made two. */
		at_once = 2 + (fates[d].approved != 0);
		assert_true(sessions >= admitted[d] && sessions <= at_once);
		assert_true(fates[d].approved || !sessions);
		punktfunk_identity_free(ids[d]);
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, drop)
	const struct CMUnitTest tests[] = {
		T(who_is_let_in_goes_on),
		T(who_is_denied_may_ask_again),
		T(a_late_approval_counts_next_time),
		T(the_newer_knock_counts),
		T(a_fifth_from_one_address_has_no_room),
		T(changes_of_access_are_told),
		T(apps_need_their_grant),
		T(fifty_knocks),
		T(fifty_knocks_against_the_clock),
	};

	return cmocka_run_group_tests_name("host_knocks", tests, NULL, NULL);
}
