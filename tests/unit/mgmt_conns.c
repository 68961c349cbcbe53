/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "host/mgmt/conns.h"

#define MANY 300

struct fixture {
	struct pf_loop *loop;
	struct pf_conns *conns;
	int own[MANY], peer[MANY];
	struct pf_conn *conn[MANY];
	unsigned count;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_int_equal(pf_loop_create(&f->loop), 0);
	assert_int_equal(pf_conns_create(&f->conns, f->loop), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < f->count; i++) {
		pf_conn_close(f->conn[i]);
		close(f->own[i]);
		close(f->peer[i]);
	}
	pf_conns_stop(f->conns);
	pf_conns_destroy(f->conns);
	pf_loop_destroy(f->loop);
	free(f);
	return 0;
}

static struct pf_conn *open_from(struct fixture *f, const char *address)
{
	struct sockaddr_storage sa = { 0 };
	struct sockaddr_in *v4 = (struct sockaddr_in *)&sa;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&sa;
	int pair[2];

	assert_true(f->count < MANY);
	if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
		sa.ss_family = AF_INET;
	} else {
		assert_int_equal(inet_pton(AF_INET6, address, &v6->sin6_addr), 1);
		sa.ss_family = AF_INET6;
	}
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	f->own[f->count] = pair[0];
	f->peer[f->count] = pair[1];
	f->conn[f->count] = pf_conn_open(f->conns, pair[0], (struct sockaddr *)&sa);
	return f->conn[f->count++];
}

static bool is_cut(const struct fixture *f, unsigned i)
{
	struct pollfd p = { .fd = f->peer[i], .events = POLLIN };

	return poll(&p, 1, 0) == 1 && p.revents & POLLHUP;
}

/* CVE-2025-5024: a flood of connections. */
static void an_address_holds_few(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < PF_CONNS_PER_ADDRESS_MAX; i++)
		assert_non_null(open_from(f, "192.0.2.1"));
	assert_null(open_from(f, "192.0.2.1"));
	assert_true(is_cut(f, f->count - 1));
	assert_null(open_from(f, "::ffff:192.0.2.1"));
	assert_false(is_cut(f, 0));
	assert_non_null(open_from(f, "192.0.2.2"));
	/* One that is known now is no stranger; nor is one that is gone. */
	pf_conn_signed_in(f->conn[0]);
	assert_non_null(open_from(f, "192.0.2.1"));
	assert_null(open_from(f, "192.0.2.1"));
	pf_conn_close(f->conn[1]);
	f->conn[1] = NULL;
	assert_non_null(open_from(f, "192.0.2.1"));
	/* This machine may open as many as the server takes. */
	for (int i = 0; i < 100; i++)
		assert_non_null(open_from(f, i % 2 ? "127.0.0.1" : "::1"));
}

static void a_network_of_ipv6_is_one_address(void **state)
{
	struct fixture *f = *state;
	char address[64];

	for (int i = 0; i < PF_CONNS_PER_ADDRESS_MAX; i++) {
		snprintf(address, sizeof(address), "2001:db8:0:1:%x::1", i);
		assert_non_null(open_from(f, address));
	}
	assert_null(open_from(f, "2001:db8:0:1:ffff::1"));
	assert_non_null(open_from(f, "2001:db8:0:2::1"));
}

static void who_waits_longest_makes_room(void **state)
{
	struct fixture *f = *state;
	char address[64];

	for (int i = 0; i < PF_CONNS_STRANGERS_MAX; i++) {
		snprintf(address, sizeof(address), "10.0.%d.1", i);
		assert_non_null(open_from(f, address));
	}
	pf_conn_busy(f->conn[0], true); /* it is being answered */
	assert_non_null(open_from(f, "10.1.0.1"));
	assert_false(is_cut(f, 0));
	assert_true(is_cut(f, 1));
	assert_false(is_cut(f, 2));
	assert_non_null(open_from(f, "10.1.0.2"));
	assert_true(is_cut(f, 2));
}

static void they_open_slowly(void **state)
{
	struct fixture *f = *state;
	unsigned opened = 0;

	/* Each is gone again at once, which leaves room for the next. */
	for (int i = 0; i < 2 * PF_CONNS_BURST; i++) {
		struct pf_conn *c = open_from(f, "192.0.2.1");

		opened += c != NULL;
		pf_conn_close(c);
		f->conn[f->count - 1] = NULL;
	}
	assert_true(opened >= PF_CONNS_BURST);
	assert_true(opened < 2 * PF_CONNS_BURST);
	assert_non_null(open_from(f, "192.0.2.2"));
}

static void strangers_ask_seldom(void **state)
{
	struct fixture *f = *state;
	struct pf_conn *one = open_from(f, "192.0.2.1"), *two = open_from(f, "192.0.2.1");
	struct pf_conn *local = open_from(f, "127.0.0.1"), *other = open_from(f, "192.0.2.2");
	unsigned answered = 0;

	for (int i = 0; i < 4 * PF_CONNS_ASK_BURST; i++) {
		answered += pf_conn_may_ask(i % 2 ? one : two);
		assert_true(pf_conn_may_ask(local));
	}
	assert_true(answered >= PF_CONNS_ASK_BURST);
	assert_true(answered < 2 * PF_CONNS_ASK_BURST);
	assert_true(pf_conn_may_ask(other));
	pf_conn_signed_in(two);
	for (int i = 0; i < 2 * PF_CONNS_ASK_BURST; i++)
		assert_true(pf_conn_may_ask(two));
	assert_true(pf_conn_may_ask(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_address_holds_few, setup, teardown),
		cmocka_unit_test_setup_teardown(a_network_of_ipv6_is_one_address, setup, teardown),
		cmocka_unit_test_setup_teardown(who_waits_longest_makes_room, setup, teardown),
		cmocka_unit_test_setup_teardown(they_open_slowly, setup, teardown),
		cmocka_unit_test_setup_teardown(strangers_ask_seldom, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
