/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>
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
	h = good;
	h.repeated = true;
	assert_int_equal(ask(&h), 400);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_clients_pass),
		cmocka_unit_test(row4_cross_site_request_forgery),
		cmocka_unit_test(row4_dns_rebinding),
		cmocka_unit_test(row4_content_types_of_forms_are_refused),
		cmocka_unit_test(only_the_whole_token_opens),
		cmocka_unit_test(limits_and_doubles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
