/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "host/mgmt/api.h"
#include "host/mgmt/gate.h"

#define TOKEN "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static const struct pf_mgmt_head good = { .method = "POST",
	.path = "/api/v1/pair/pin",
	.host = "localhost:47990",
	.authorization = "Bearer " TOKEN,
	.content_type = "application/json",
	.content_length = "14",
	.from_loopback = true,
	.address = "127.0.0.1",
	.port = 47990 };

static unsigned ask(const struct pf_mgmt_head *h)
{
	const char *message = NULL;
	struct pf_mgmt_keys keys = { .token = TOKEN, .hosts = "desk.example, tv.example" };
	struct pf_mgmt_pass pass;
	unsigned r = pf_mgmt_gate(h, &keys, &pass, &message);

	assert_int_equal(!r, !message);
	return r;
}

static void own_clients_pass(void **state)
{
	static const char *const hosts[] = { "localhost", "LOCALHOST:47990", "127.0.0.1",
		"127.0.0.1:47990" };
	struct pf_mgmt_head h = good;

	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		h.host = hosts[i];
		assert_int_equal(ask(&h), 0);
	}
	h.host = "[::1]:47990";
	h.address = "::1";
	assert_int_equal(ask(&h), 0);
	h = good;
	h.content_type = "application/json; charset=utf-8";
	h.origin = "https://localhost:47990";
	h.sec_fetch_site = "same-origin";
	h.authorization = "bearer " TOKEN;
	assert_int_equal(ask(&h), 0);
}

/* gamestream.md 11 row 4: silent pairing by a page of another site. */
static void row4_cross_site_request_forgery(void **state)
{
	static const char *const origins[] = { "https://evil.example", "null", "",
		"http://localhost:47990", "https://localhost", "https://localhost:47991",
		"https://localhost:47990.evil.example", "https://127.0.0.1:47990" };
	static const char *const sites[] = { "cross-site", "same-site", "" };
	struct pf_mgmt_head h = good;

	for (size_t i = 0; i < sizeof(origins) / sizeof(origins[0]); i++) {
		h.origin = origins[i];
		assert_int_equal(ask(&h), 403);
	}
	h = good;
	for (size_t i = 0; i < sizeof(sites) / sizeof(sites[0]); i++) {
		h.sec_fetch_site = sites[i];
		assert_int_equal(ask(&h), 403);
	}
}

/* A name that another site let point to this machine. */
static void row4_dns_rebinding(void **state)
{
	static const char *const hosts[] = { "evil.example", "evil.example:47990", "",
		"localhost:80", "localhost.evil.example", "127.0.0.1.evil.example",
		"127.0.0.2:47990", "[127.0.0.1]:47990", "localhost:47990 ", "localhost:" };
	struct pf_mgmt_head h = good;

	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		h.host = hosts[i];
		assert_int_equal(ask(&h), 403);
	}
	h.host = NULL;
	assert_int_equal(ask(&h), 403);
	/* Also where no token is asked. */
	h = good;
	h.method = "GET";
	h.path = "/api/v1/health";
	h.authorization = NULL;
	assert_int_equal(ask(&h), 0);
	h.host = "evil.example";
	assert_int_equal(ask(&h), 403);
}

static void row4_content_types_of_forms_are_refused(void **state)
{
	static const char *const types[] = { "text/plain", "application/x-www-form-urlencoded",
		"multipart/form-data; boundary=x", "", "application/jsonx",
		"text/application/json" };
	struct pf_mgmt_head h = good;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		h.content_type = types[i];
		assert_int_equal(ask(&h), 415);
	}
	h.content_type = NULL;
	assert_int_equal(ask(&h), 415);
	h.method = "PATCH";
	assert_int_equal(ask(&h), 415);
	h.method = "DELETE"; /* has none */
	assert_int_equal(ask(&h), 0);
}

static void only_the_whole_token_opens(void **state)
{
	static const char *const words[] = { "", "Bearer", "Bearer ", TOKEN, "Basic " TOKEN,
		"Bearer " TOKEN "0", "Bearer  " TOKEN,
		"Bearer 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1e",
		"Bearer 000102030405060708090a0b0c0d0e0f" };
	struct pf_mgmt_head h = good;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		h.authorization = words[i];
		assert_int_equal(ask(&h), 401);
	}
	h.authorization = NULL;
	assert_int_equal(ask(&h), 401);
	/* Nor from elsewhere. */
	h = good;
	h.from_loopback = false;
	assert_int_equal(ask(&h), 403);
	/* What looks like the open path is not. */
	h = good;
	h.authorization = NULL;
	h.method = "GET";
	h.path = "/api/v1/health/";
	assert_int_equal(ask(&h), 401);
	h.path = "/api/v1/health";
	h.method = "POST";
	assert_int_equal(ask(&h), 401);
}

static void limits_and_doubles(void **state)
{
	struct pf_mgmt_head h = good;

	h.content_length = "1048576";
	assert_int_equal(ask(&h), 0);
	h.content_length = "1048577";
	assert_int_equal(ask(&h), 413);
	h.content_length = "99999999999999999999999999";
	assert_int_equal(ask(&h), 413);
	h.method = "PUT";
	h.path = "/api/v1/apps/1/art";
	h.content_type = "image/png";
	h.content_length = "16777216";
	assert_int_equal(ask(&h), 0);
	h.content_length = "16777217";
	assert_int_equal(ask(&h), 413);
	h = good;
	h.repeated = true;
	assert_int_equal(ask(&h), 400);
}

/* ---- lanes ---- */

struct lanes {
	char dir[64], path[96], cookie[160];
	struct pf_logins *logins;
	struct pf_login login, other;
	struct pf_mgmt_pass pass;
};

static int make_lanes(void **state)
{
	struct lanes *f = calloc(1, sizeof(*f));
	char cookie[PF_LOGIN_TOKEN_BYTES];

	strcpy(f->dir, "/tmp/pf-gate-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/none", f->dir);
	assert_int_equal(pf_logins_create(&f->logins, f->path), 0);
	assert_int_equal(pf_logins_open(f->logins, 1, 1, cookie, &f->other), 0);
	assert_int_equal(pf_logins_open(f->logins, 1, 1, cookie, &f->login), 0);
	snprintf(f->cookie, sizeof(f->cookie), PF_LOGIN_COOKIE "=%s", cookie);
	*state = f;
	return 0;
}

static int drop_lanes(void **state)
{
	struct lanes *f = *state;

	pf_logins_destroy(f->logins);
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

static unsigned ask_lane(struct lanes *f, const struct pf_mgmt_head *h)
{
	const char *message = NULL;
	struct pf_mgmt_keys keys = { .token = TOKEN, .logins = f->logins, .now_ns = 2 };
	unsigned r = pf_mgmt_gate(h, &keys, &f->pass, &message);

	assert_int_equal(!r, !message);
	return r;
}

/* From another machine, without anything that opens. */
static struct pf_mgmt_head from_afar(const char *method, const char *path)
{
	return (struct pf_mgmt_head){ .method = method,
		.path = path,
		.host = "192.0.2.1:47990",
		.address = "192.0.2.1",
		.content_type = "application/json",
		.port = 47990 };
}

static void nothing_opens_what_says_so(void **state)
{
	struct lanes *f = *state;
	struct pf_mgmt_head h = from_afar("GET", "/api/v1/login");

	assert_int_equal(ask_lane(f, &h), 0);
	assert_int_equal(f->pass.lane, PF_MGMT_LANE_OPEN);
	h.method = "POST";
	assert_int_equal(ask_lane(f, &h), 0);
	h.cookie = f->cookie; /* logs in anew */
	assert_int_equal(ask_lane(f, &h), 0);
	assert_int_equal(f->pass.lane, PF_MGMT_LANE_OPEN);
	h.content_type = "text/plain";
	assert_int_equal(ask_lane(f, &h), 415);
	h = from_afar("DELETE", "/api/v1/login");
	assert_int_equal(ask_lane(f, &h), 401);
	h = from_afar("POST", "/api/v1/health");
	assert_int_equal(ask_lane(f, &h), 401);
	h = from_afar("GET", "/api/v1/status");
	assert_int_equal(ask_lane(f, &h), 401);
	h.authorization = "Bearer " TOKEN;
	assert_int_equal(ask_lane(f, &h), 403);
	h.from_loopback = true;
	assert_int_equal(ask_lane(f, &h), 0);
	assert_int_equal(f->pass.lane, PF_MGMT_LANE_ADMIN);
}

/* GHSA-39hj: a cookie alone changes nothing. */
static void a_cookie_reads_and_its_page_changes(void **state)
{
	static const char *const changes[] = { "POST", "PUT", "PATCH", "DELETE", "OPTIONS" };
	struct lanes *f = *state;
	struct pf_mgmt_head h = from_afar("GET", "/api/v1/apps");
	char half[PF_LOGIN_TOKEN_BYTES];

	h.cookie = f->cookie;
	assert_int_equal(ask_lane(f, &h), 0);
	assert_int_equal(f->pass.lane, PF_MGMT_LANE_BROWSER);
	assert_int_equal(f->pass.login.id, f->login.id);
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		h.method = changes[i];
		h.csrf_token = NULL;
		h.origin = "https://192.0.2.1:47990";
		assert_int_equal(ask_lane(f, &h), 403);
		h.csrf_token = "";
		assert_int_equal(ask_lane(f, &h), 403);
		h.csrf_token = f->other.csrf;
		assert_int_equal(ask_lane(f, &h), 403);
		strcpy(half, f->login.csrf);
		half[32] = 0;
		h.csrf_token = half;
		assert_int_equal(ask_lane(f, &h), 403);
		h.csrf_token = f->login.csrf;
		assert_int_equal(ask_lane(f, &h), 0);
		h.origin = NULL;
		assert_int_equal(ask_lane(f, &h), 403);
		h.origin = "https://localhost:47990";
		assert_int_equal(ask_lane(f, &h), 403);
	}
	pf_logins_close(f->logins, f->login.id);
	h = from_afar("GET", "/api/v1/apps");
	h.cookie = f->cookie;
	assert_int_equal(ask_lane(f, &h), 401);
}

static void a_certificate_reads_some(void **state)
{
	struct lanes *f = *state;
	struct pf_mgmt_head h = from_afar("GET", "/api/v1/status");

	h.has_certificate = true;
	assert_int_equal(ask_lane(f, &h), 0);
	assert_int_equal(f->pass.lane, PF_MGMT_LANE_CLIENT);
	h.path = "/api/v1/clients";
	assert_int_equal(ask_lane(f, &h), 401);
	h = from_afar("POST", "/api/v1/status");
	h.has_certificate = true;
	assert_int_equal(ask_lane(f, &h), 401);
	h = from_afar("GET", "/api/v1/nothing");
	h.has_certificate = true;
	assert_int_equal(ask_lane(f, &h), 401);
}

static void names_of_the_setting_pass(void **state)
{
	static const char *const right[] = { "desk.example", "DESK.example:47990", "tv.example" };
	static const char *const wrong[] = { "desk.example:1", "desk", "k.example", "example",
		"desk.example.", ",", "desk.example, tv.example", "" };
	struct pf_mgmt_head h = good;

	h.origin = NULL;
	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
		h.host = right[i];
		assert_int_equal(ask(&h), 0);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		h.host = wrong[i];
		assert_int_equal(ask(&h), 403);
	}
}

static void files_need_a_name_and_no_log_in(void **state)
{
	struct pf_mgmt_keys keys = { .hosts = "" };
	struct pf_mgmt_head h = from_afar("GET", "/");
	const char *message = NULL;

	assert_int_equal(pf_mgmt_gate_file(&h, &keys, &message), 0);
	h.sec_fetch_site = "cross-site";
	assert_int_equal(pf_mgmt_gate_file(&h, &keys, &message), 403);
	h.sec_fetch_mode = "navigate"; /* a link */
	assert_int_equal(pf_mgmt_gate_file(&h, &keys, &message), 0);
	h.origin = "https://evil.example";
	assert_int_equal(pf_mgmt_gate_file(&h, &keys, &message), 403);
	h = from_afar("GET", "/");
	h.host = "evil.example";
	assert_int_equal(pf_mgmt_gate_file(&h, &keys, &message), 403);
	h.host = NULL;
	assert_int_equal(pf_mgmt_gate_file(&h, &keys, &message), 403);
	h = from_afar("GET", "/");
	h.repeated = true;
	assert_int_equal(pf_mgmt_gate_file(&h, &keys, &message), 400);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_clients_pass),
		cmocka_unit_test(row4_cross_site_request_forgery),
		cmocka_unit_test_setup_teardown(nothing_opens_what_says_so, make_lanes, drop_lanes),
		cmocka_unit_test_setup_teardown(
			a_cookie_reads_and_its_page_changes, make_lanes, drop_lanes),
		cmocka_unit_test_setup_teardown(a_certificate_reads_some, make_lanes, drop_lanes),
		cmocka_unit_test(names_of_the_setting_pass),
		cmocka_unit_test(files_need_a_name_and_no_log_in),
		cmocka_unit_test(row4_dns_rebinding),
		cmocka_unit_test(row4_content_types_of_forms_are_refused),
		cmocka_unit_test(only_the_whole_token_opens),
		cmocka_unit_test(limits_and_doubles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
