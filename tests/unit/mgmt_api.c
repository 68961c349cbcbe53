/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "core/wire/pf1_handshake.h"
#include "host/mgmt/api.h"
#include "host/sys/files.h"

#define FP_PAIRED  "1111111111111111111111111111111111111111111111111111111111111111"
#define FP_ALLOWED "2222222222222222222222222222222222222222222222222222222222222222"

struct fixture {
	char dir[64], clients[96], apps[96], allowed[96], lock[112];
	struct pf_mgmt_params p;
	struct pf_mgmt_pair pending[3];
	unsigned pending_count;
	char got_pin[20];
	uint32_t got_id;
	int pin_result;
	struct pf_native_pairing pairing;
	uint32_t ttl_s;
	int arm_result;
	struct pf_knock knock;
	uint32_t approved, denied, grants;
	int64_t expires_s;
	int answer_result;
};

static void each_pair(
	void *user, void (*fn)(void *fn_user, const struct pf_mgmt_pair *pair), void *fn_user)
{
	struct fixture *f = user;

	for (unsigned i = 0; i < f->pending_count; i++)
		fn(fn_user, &f->pending[i]);
}

static int take_pin(void *user, uint32_t id, const char *pin, struct pf_reason *why)
{
	struct fixture *f = user;

	snprintf(f->got_pin, sizeof(f->got_pin), "%s", pin);
	f->got_id = id;
	return f->pin_result ? pf_reason_set(why, f->pin_result, "the hook says no") : 0;
}

static int arm(void *user, const struct pf_arming *a, uint32_t ttl_s)
{
	struct fixture *f = user;

	f->pairing.armed = true;
	f->pairing.arming = *a;
	f->pairing.arming_id++;
	strcpy(f->pairing.arming.pin, "0042");
	f->ttl_s = ttl_s;
	f->pairing.arming.until_ns = ttl_s ? pf_clock_mono_ns() + ttl_s * PF_NS_PER_S : 0;
	return f->arm_result;
}

static void disarm(void *user)
{
	struct fixture *f = user;

	f->pairing.armed = false;
}

static void pairing(void *user, struct pf_native_pairing *out)
{
	struct fixture *f = user;

	*out = f->pairing;
}

static void knock_each(
	void *user, void (*fn)(void *fn_user, const struct pf_knock *k), void *fn_user)
{
	struct fixture *f = user;

	if (f->knock.id)
		fn(fn_user, &f->knock);
}

static int approve(void *user, uint32_t id, const char *name, uint32_t grants, int64_t expires_s,
	struct pf_client *out, struct pf_reason *why)
{
	struct fixture *f = user;

	f->approved = id;
	f->grants = grants;
	f->expires_s = expires_s;
	*out = (struct pf_client){ .grants = grants };
	snprintf(out->name, sizeof(out->name), "%s", name ? name : f->knock.name);
	return f->answer_result ? pf_reason_set(why, f->answer_result, "the hook says no") : 0;
}

static int deny(void *user, uint32_t id, struct pf_reason *why)
{
	struct fixture *f = user;

	f->denied = id;
	return f->answer_result ? pf_reason_set(why, f->answer_result, "the hook says no") : 0;
}

static void add_status(void *user, json_t *status)
{
	json_object_set_new(status, "user", json_string("me"));
}

static int setup(void **state)
{
	static const char allowed[] = FP_ALLOWED " pointer # den\n";
	struct fixture *f = calloc(1, sizeof(*f));
	struct pf_client c = { .plane = PF_PLANE_GAMESTREAM,
		.grants = PF_GRANT_ALL,
		.name = "roth",
		.paired_s = 1700000000 };

	strcpy(f->dir, "/tmp/pf-mgmt-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->clients, sizeof(f->clients), "%s/clients.json", f->dir);
	snprintf(f->lock, sizeof(f->lock), "%s.lock", f->clients);
	snprintf(f->apps, sizeof(f->apps), "%s/apps.json", f->dir);
	snprintf(f->allowed, sizeof(f->allowed), "%s/allowed_clients", f->dir);
	assert_int_equal(pf_file_replace(f->allowed, 0600, allowed, strlen(allowed), NULL), 0);
	assert_int_equal(pf_clients_open(&f->p.clients, f->clients, NULL, NULL), 0);
	memset(c.fingerprint, 0x11, 32);
	assert_int_equal(pf_clients_add(f->p.clients, &c, NULL), 0);
	assert_int_equal(pf_apps_open(&f->p.apps, f->apps, NULL), 0);
	f->p.allowed_path = f->allowed;
	f->p.hooks = (struct pf_mgmt_hooks){ .status = add_status,
		.pair_each = each_pair,
		.pair_pin = take_pin,
		.arm = arm,
		.disarm = disarm,
		.pairing = pairing,
		.knock_each = knock_each,
		.approve = approve,
		.deny = deny,
		.user = f };
	f->pending[0] = (struct pf_mgmt_pair){ .id = 7,
		.plane = PF_PLANE_GAMESTREAM,
		.address = "192.0.2.1",
		.name = "phone",
		.age_s = 3 };
	f->pending[1] = f->pending[0];
	f->pending[1].id = 8;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	pf_clients_close(f->p.clients);
	pf_apps_close(f->p.apps);
	unlink(f->clients);
	unlink(f->lock);
	unlink(f->apps);
	unlink(f->allowed);
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

/* Asks and expects the status; the answer's body, borrowed until the next call. */
static json_t *ask(
	struct fixture *f, unsigned status, const char *method, const char *path, const char *body)
{
	static json_t *last;
	struct pf_mgmt_answer a = { 0 };
	char whole[300];

	json_decref(last);
	snprintf(whole, sizeof(whole), "%s%s", *path == '/' ? "" : "/api/v1/", path);
	pf_mgmt_answer_call(&a, &f->p,
		&(struct pf_mgmt_call){ .method = method,
			.path = whole,
			.body = body,
			.body_len = body ? strlen(body) : 0 });
	last = a.body;
	if (a.status != status) {
		char *text = last ? json_dumps(last, 0) : NULL;

		fail_msg("%s %s: %u, not %u: %s", method, path, a.status, status, text ? text : "");
	}
	assert_int_equal(a.status == 405, a.allow != NULL);
	if (status >= 400)
		assert_non_null(json_object_get(json_object_get(last, "error"), "message"));
	if (status == 204)
		assert_null(last);
	return last;
}

static const char *text(json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	assert_non_null(s);
	return s;
}

static void paths_and_methods(void **state)
{
	static const char *const none[] = { "", "/", "/api/v1", "/api/v1/", "/api/v2/health",
		"healthy", "health/", "/api/v1//health", "apps//", "apps/1/2", "clients/native",
		"pair", "pair/requests/1", "%68ealth", "../v1/health", "health%00", "clients/a/b/c",
		"*", "apps/*/x" };
	struct fixture *f = *state;
	char lengthy[250];

	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		ask(f, 404, "GET", none[i], NULL);
	memset(lengthy, 'a', sizeof(lengthy) - 1);
	lengthy[sizeof(lengthy) - 1] = 0;
	ask(f, 404, "GET", lengthy, NULL);
	ask(f, 405, "POST", "health", "{}");
	ask(f, 405, "OPTIONS", "apps", NULL);
	ask(f, 405, "HEAD", "status", NULL);
	ask(f, 405, "GET", "pair/pin", NULL);
	ask(f, 405, "PUT", "apps", "{}");
	assert_string_equal(text(ask(f, 200, "GET", "health", NULL), "status"), "ok");
}

static void status_counts(void **state)
{
	struct fixture *f = *state;
	json_t *o;

	f->pending_count = 2;
	o = ask(f, 200, "GET", "status", NULL);
	assert_string_equal(text(o, "user"), "me");
	assert_int_equal(json_integer_value(json_object_get(o, "pair_requests")), 2);
	assert_int_equal(json_integer_value(json_object_get(o, "clients")), 1);
	f->p.hooks = (struct pf_mgmt_hooks){ 0 }; /* the native plane alone */
	o = ask(f, 200, "GET", "status", NULL);
	assert_int_equal(json_integer_value(json_object_get(o, "pair_requests")), 0);
}

static void pins_reach_the_plane(void **state)
{
	static const char *const bad[] = { "", "{", "[]", "{}", "{\"pin\": 1234}",
		"{\"pin\": \"\"}", "{\"pin\": \"12a4\"}", "{\"pin\": \"12345678901234567\"}",
		"{\"pin\": \"1234\", \"request\": \"7\"}", "{\"pin\": \"1234\", \"request\": 0}",
		"{\"pin\": \"1234\", \"request\": -1}",
		"{\"pin\": \"1234\", \"request\": 4294967296}", "{\"pin\": \"1234\", \"extra\": 1}",
		"{\"pin\": \"1\", \"pin\": \"2\"}", "{\"pin\": \"\xff\"}",
		"{\"pin\": \"\\u0000\"}" };
	struct fixture *f = *state;
	json_t *o;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ask(f, 400, "POST", "pair/pin", bad[i]);
	assert_string_equal(f->got_pin, "");
	ask(f, 202, "POST", "pair/pin", "{\"pin\": \"1234\"}");
	assert_string_equal(f->got_pin, "1234");
	assert_int_equal(f->got_id, 0);
	ask(f, 202, "POST", "pair/pin", "{\"pin\": \"0007\", \"request\": 8}");
	assert_string_equal(f->got_pin, "0007");
	assert_int_equal(f->got_id, 8);
	f->pin_result = -EEXIST;
	o = ask(f, 409, "POST", "pair/pin", "{\"pin\": \"1234\"}");
	assert_string_equal(text(json_object_get(o, "error"), "message"), "the hook says no");
	f->pin_result = -ENOENT;
	ask(f, 404, "POST", "pair/pin", "{\"pin\": \"1234\"}");
	f->pin_result = -EKEYREJECTED;
	ask(f, 409, "POST", "pair/pin", "{\"pin\": \"1234\"}");
	f->pending_count = 2;
	o = json_object_get(ask(f, 200, "GET", "pair/requests", NULL), "requests");
	assert_int_equal(json_array_size(o), 2);
	assert_string_equal(text(json_array_get(o, 0), "address"), "192.0.2.1");
	f->p.hooks.pair_pin = NULL;
	f->p.hooks.pair_each = NULL;
	ask(f, 409, "POST", "pair/pin", "{\"pin\": \"1234\"}");
	o = json_object_get(ask(f, 200, "GET", "pair/requests", NULL), "requests");
	assert_int_equal(json_array_size(o), 0);
}

static void clients_of_both_lists(void **state)
{
	struct fixture *f = *state;
	json_t *list = json_object_get(ask(f, 200, "GET", "clients", NULL), "clients"), *o;

	assert_int_equal(json_array_size(list), 2);
	o = json_array_get(list, 0);
	assert_string_equal(text(o, "source"), "paired");
	assert_string_equal(text(o, "paired"), "2023-11-14T22:13:20Z");
	assert_true(json_is_null(json_object_get(o, "seen")));
	o = json_array_get(list, 1);
	assert_string_equal(text(o, "source"), "allowed_clients");
	assert_string_equal(text(o, "grants"), "pointer");
	assert_string_equal(text(o, "name"), "den");

	o = ask(f, 200, "PATCH", "clients/gamestream/" FP_PAIRED,
		"{\"name\": \"K\xc3\xbc"
		"che\", \"grants\": \"pointer,keyboard\", "
		"\"expires\": \"2030-01-31T12:00:00Z\"}");
	assert_string_equal(text(o, "name"), "K\xc3\xbc"
					     "che");
	assert_string_equal(text(o, "grants"), "pointer,keyboard");
	assert_string_equal(text(o, "expires"), "2030-01-31T12:00:00Z");
	o = ask(f, 200, "PATCH", "clients/gamestream/" FP_PAIRED, "{\"expires\": null}");
	assert_true(json_is_null(json_object_get(o, "expires")));
	assert_string_equal(text(o, "grants"), "pointer,keyboard");
	/* One past its expiry can still be changed and removed. */
	ask(f, 200, "PATCH", "clients/gamestream/" FP_PAIRED,
		"{\"expires\": \"2001-01-01T00:00:00Z\"}");
	ask(f, 200, "PATCH", "clients/gamestream/" FP_PAIRED, "{\"expires\": null}");

	ask(f, 400, "PATCH", "clients/gamestream/" FP_PAIRED, "{\"name\": \"\"}");
	ask(f, 400, "PATCH", "clients/gamestream/" FP_PAIRED, "{\"name\": 3}");
	ask(f, 400, "PATCH", "clients/gamestream/" FP_PAIRED, "{\"grants\": \"root\"}");
	ask(f, 400, "PATCH", "clients/gamestream/" FP_PAIRED, "{\"grants\": []}");
	ask(f, 400, "PATCH", "clients/gamestream/" FP_PAIRED, "{\"expires\": \"soon\"}");
	ask(f, 400, "PATCH", "clients/gamestream/" FP_PAIRED, "{\"plane\": \"native\"}");
	ask(f, 404, "PATCH", "clients/native/" FP_PAIRED, "{}");
	ask(f, 404, "DELETE", "clients/native/" FP_PAIRED, NULL);
	ask(f, 404, "DELETE", "clients/x/" FP_PAIRED, NULL);
	ask(f, 404, "DELETE", "clients/gamestream/1111", NULL);
	ask(f, 409, "DELETE", "clients/native/" FP_ALLOWED, NULL);
	ask(f, 204, "DELETE", "clients/gamestream/" FP_PAIRED, NULL);
	ask(f, 404, "DELETE", "clients/gamestream/" FP_PAIRED, NULL);
	assert_int_equal(pf_clients_count(f->p.clients), 0);
}

static void apps_come_and_go(void **state)
{
	struct fixture *f = *state;
	char path[64];
	json_t *o;

	o = json_object_get(ask(f, 200, "GET", "apps", NULL), "apps");
	assert_int_equal(json_array_size(o), 1);
	assert_true(json_is_true(json_object_get(json_array_get(o, 0), "builtin")));
	o = ask(f, 201, "POST", "apps", "{\"title\": \"Steam\", \"command\": \"steam\"}");
	snprintf(path, sizeof(path), "apps/%lld",
		(long long)json_integer_value(json_object_get(o, "id")));
	assert_true(json_is_false(json_object_get(o, "builtin")));
	o = ask(f, 200, "PATCH", path, "{\"on_exit\": \"stay\"}");
	assert_string_equal(text(o, "on_exit"), "stay");
	assert_string_equal(text(o, "command"), "steam");
	ask(f, 400, "POST", "apps", "{\"command\": \"steam\"}");
	ask(f, 400, "POST", "apps", "{\"title\": \"x\", \"id\": 5}");
	ask(f, 400, "PATCH", path, "{\"wokdir\": \"/\"}");
	ask(f, 409, "PATCH", "apps/1", "{\"title\": \"x\"}");
	ask(f, 409, "DELETE", "apps/1", NULL);
	ask(f, 404, "DELETE", "apps/0", NULL);
	ask(f, 404, "DELETE", "apps/-1", NULL);
	ask(f, 404, "DELETE", "apps/99999999999999999999", NULL);
	ask(f, 404, "DELETE", "apps/4294967297", NULL);
	ask(f, 404, "DELETE", "apps/5", NULL);
	ask(f, 204, "DELETE", path, NULL);
	ask(f, 404, "DELETE", path, NULL);
	/* While a person's edit is broken nothing is written over it. */
	assert_int_equal(pf_file_replace(f->apps, 0600, "{", 1, NULL), 0);
	ask(f, 409, "POST", "apps", "{\"title\": \"x\"}");
	unlink(f->apps);
	assert_int_equal(mkdir(f->apps, 0700), 0);
	ask(f, 409, "POST", "apps", "{\"title\": \"x\"}");
	assert_int_equal(rmdir(f->apps), 0);
}

static void a_pin_is_shown(void **state)
{
	static const char *const bad[] = { "[]", "{\"ttl_s\": -1}", "{\"ttl_s\": 86401}",
		"{\"ttl_s\": \"60\"}", "{\"device\": \"12\"}", "{\"device\": 7}",
		"{\"grants\": \"everything\"}", "{\"grants\": 1}", "{\"expires\": \"soon\"}",
		"{\"pin\": \"1234\"}" };
	struct fixture *f = *state;
	json_t *o;

	o = ask(f, 200, "GET", "pair/arm", NULL);
	assert_true(json_is_false(json_object_get(o, "armed")));
	assert_null(json_object_get(o, "pin"));
	assert_true(json_is_null(json_object_get(o, "last")));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ask(f, 400, "POST", "pair/arm", bad[i]);
	assert_false(f->pairing.armed);
	o = ask(f, 201, "POST", "pair/arm", "{}");
	assert_string_equal(text(o, "pin"), "0042");
	assert_int_equal(f->ttl_s, 300);
	assert_int_equal(json_integer_value(json_object_get(o, "left_s")), 300);
	assert_true(json_is_null(json_object_get(o, "device")));
	assert_false(f->pairing.arming.has_terms);
	o = ask(f, 201, "POST", "pair/arm",
		"{\"ttl_s\": 0, \"device\": \"" FP_ALLOWED
		"\", \"grants\": \"pointer\", \"expires\": \"2030-01-31T12:00:00Z\"}");
	assert_true(json_is_null(json_object_get(o, "left_s")));
	assert_string_equal(text(o, "device"), FP_ALLOWED);
	assert_true(f->pairing.arming.has_terms);
	assert_int_equal(f->pairing.arming.grants, PF_GRANT_POINTER);
	assert_int_equal(f->pairing.arming.expires_s, 1896091200);
	ask(f, 204, "DELETE", "pair/arm", NULL);
	ask(f, 204, "DELETE", "pair/arm", NULL);
	f->pairing.last_id = 2;
	f->pairing.last = PF_PAIR_WRONG_PIN;
	o = json_object_get(ask(f, 200, "GET", "pair/arm", NULL), "last");
	assert_string_equal(text(o, "result"), "wrong_pin");
	f->arm_result = -EIO;
	ask(f, 500, "POST", "pair/arm", "{}");
	f->p.hooks = (struct pf_mgmt_hooks){ 0 };
	ask(f, 409, "GET", "pair/arm", NULL);
	ask(f, 409, "POST", "pair/arm", "{}");
	ask(f, 409, "DELETE", "pair/arm", NULL);
}

static void unknown_clients_are_answered(void **state)
{
	static const char *const nobody[] = { "0", "x", "-1", "4294967296", "99999999999", "" };
	struct fixture *f = *state;
	char path[64];
	json_t *o;

	assert_int_equal(json_array_size(json_object_get(
				 ask(f, 200, "GET", "access/requests", NULL), "requests")),
		0);
	f->knock = (struct pf_knock){ .id = 7,
		.name = "phone",
		.address = "192.0.2.1",
		.since_ns = pf_clock_mono_ns(),
		.parked = f };
	o = json_array_get(
		json_object_get(ask(f, 200, "GET", "access/requests", NULL), "requests"), 0);
	assert_string_equal(text(o, "name"), "phone");
	assert_true(json_is_true(json_object_get(o, "waits")));
	assert_int_equal(json_integer_value(json_object_get(
				 ask(f, 200, "GET", "status", NULL), "access_requests")),
		1);
	for (size_t i = 0; i < sizeof(nobody) / sizeof(nobody[0]); i++) {
		snprintf(path, sizeof(path), "access/requests/%s/approve", nobody[i]);
		ask(f, 404, "POST", path, "{}");
	}
	ask(f, 400, "POST", "access/requests/7/approve", "{\"grants\": \"root\"}");
	ask(f, 400, "POST", "access/requests/7/approve", "{\"name\": \"\"}");
	ask(f, 400, "POST", "access/requests/7/approve", "{\"pin\": \"1\"}");
	ask(f, 400, "POST", "access/requests/7/deny", "{\"name\": \"x\"}");
	assert_int_equal(f->approved + f->denied, 0);
	o = ask(f, 200, "POST", "access/requests/7/approve",
		"{\"name\": \"Sofa\", \"grants\": \"pointer\", "
		"\"expires\": \"2030-01-31T12:00:00Z\"}");
	assert_string_equal(text(o, "name"), "Sofa");
	assert_int_equal(f->approved, 7);
	assert_int_equal(f->grants, PF_GRANT_POINTER);
	assert_int_equal(f->expires_s, 1896091200);
	ask(f, 200, "POST", "access/requests/7/approve", "{}");
	assert_int_equal(f->grants, PF_GRANT_ALL);
	assert_int_equal(f->expires_s, 0);
	ask(f, 204, "POST", "access/requests/4294967295/deny", "{}");
	assert_int_equal(f->denied, UINT32_MAX);
	f->answer_result = -ENOENT;
	ask(f, 404, "POST", "access/requests/7/approve", "{}");
	ask(f, 404, "POST", "access/requests/7/deny", "{}");
	f->p.hooks = (struct pf_mgmt_hooks){ 0 };
	ask(f, 200, "GET", "access/requests", NULL);
	ask(f, 404, "POST", "access/requests/7/deny", "{}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(paths_and_methods, setup, teardown),
		cmocka_unit_test_setup_teardown(status_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(pins_reach_the_plane, setup, teardown),
		cmocka_unit_test_setup_teardown(a_pin_is_shown, setup, teardown),
		cmocka_unit_test_setup_teardown(unknown_clients_are_answered, setup, teardown),
		cmocka_unit_test_setup_teardown(clients_of_both_lists, setup, teardown),
		cmocka_unit_test_setup_teardown(apps_come_and_go, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
