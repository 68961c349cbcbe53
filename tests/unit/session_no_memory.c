/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What opens a session, with each of its allocations failing once: it says so, leaves
 * nothing behind (ASan looks) and works the next time. Allocators are wrapped at link
 * time and fail on the thread that calls, not inside shared libraries. */
#include <stdlib.h>
#include <unistd.h>
#include "core/session/client.h"
#include "core/session/client_pair.h"
#include "core/session/raw.h"
#include "tests/unit/session_host.h"
#include "tests/unit/udp_pair.h"

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__real_aligned_alloc(size_t align, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_aligned_alloc(size_t align, size_t n);

static _Thread_local bool armed, whole;
static _Thread_local unsigned left; /* allocations that still succeed */

static bool fails(void)
{
	if (!armed)
		return false;
	if (left) {
		left--;
		return false;
	}
	armed = false;
	errno = ENOMEM;
	return true;
}

void *__wrap_malloc(size_t n)
{
	return fails() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
	return fails() ? NULL : __real_realloc(p, n);
}

void *__wrap_aligned_alloc(size_t align, size_t n)
{
	return fails() ? NULL : __real_aligned_alloc(align, n);
}

/* What was opened is there, or not: its end is none of the trial. */
static void over(void)
{
	whole = armed;
	armed = false;
}

/* Runs `open` with allocation 0, 1, 2... failing until none is left to fail. It returns
 * its code, calls over() and closes what it opened. */
static void each_allocation(int (*open)(void *arg), void *arg, unsigned least)
{
	unsigned n;

	for (n = 0;; n++) {
		int err;

		left = n;
		armed = true;
		err = open(arg);
		if (whole) {
			assert_int_equal(err, 0);
			break;
		}
		if (err != -ENOMEM)
			fail_msg("allocation %u failed, the call returned %d", n, err);
	}
	print_message("# %u allocations\n", n);
	assert_true(n >= least);
}

struct raw_case {
	PunktfunkSessionConfig config;
};

static int open_raw(void *arg)
{
	struct raw_case *c = arg;
	PunktfunkSession *s = NULL;
	struct pf_reason why = { 0 };
	int err = pf_raw_create(&s, &c->config, &why);

	over();
	assert_int_equal(!s, err != 0);
	if (err)
		assert_true(why.text[0]);
	pf_raw_destroy(s);
	return err;
}

static void raw_sessions(void **state)
{
	int fd[2];

	udp_pair(fd);
	for (unsigned role = 0; role < 2; role++) {
		struct raw_case c = { .config = { .struct_size = sizeof(c.config),
					      .role = (uint8_t)role,
					      .max_data_per_block = 64,
					      .socket_fd = fd[role] } };

		each_allocation(open_raw, &c, 4);
	}
	close(fd[0]);
	close(fd[1]);
}

static int make_identity(void *arg)
{
	struct pf_identity *id = NULL;
	int err = pf_identity_generate(&id, "test", NULL);

	over();
	assert_int_equal(!id, err != 0);
	if (id)
		pf_identity_unref(id);
	return err;
}

static void identities(void **state)
{
	each_allocation(make_identity, NULL, 1);
}

static int open_listener(void *arg)
{
	struct host *h = arg;
	struct pf_listener *l = NULL;
	struct pf_reason why = { 0 };
	int err = pf_listener_create(&l, &h->params, &why);

	over();
	assert_int_equal(!l, err != 0);
	pf_listener_destroy(l);
	return err;
}

static void listeners(void **state)
{
	struct host h;

	host_init(&h);
	each_allocation(open_listener, &h, 4);
	pthread_cond_destroy(&h.changed);
	pthread_mutex_destroy(&h.lock);
}

static int connect_once(void *arg)
{
	struct host *h = arg;
	PunktfunkConnectOptions o = { .struct_size = sizeof(o),
		.host = "127.0.0.1",
		.port = pf_listener_port(h->l),
		.width = 1280,
		.height = 720,
		.refresh_hz = 60,
		.bitrate_kbps = 5000,
		.timeout_ms = PATIENCE_MS };
	struct pf_client *c = NULL;
	struct pf_reason why = { 0 };
	int err = pf_client_connect(&c, &o, host_id, &why);

	over();
	assert_int_equal(!c, err != 0);
	pf_client_close(c, 0);
	return err;
}

static void connections(void **state)
{
	struct host h;

	host_init(&h);
	host_start(&h);
	each_allocation(connect_once, &h, 4);
	host_stop(&h);
}

static int pair_once(void *arg)
{
	struct host *h = arg;
	PunktfunkPairOptions o = { .struct_size = sizeof(o),
		.host = "127.0.0.1",
		.port = pf_listener_port(h->l),
		.pin = "1234",
		.timeout_ms = PATIENCE_MS };
	struct pf_reason why = { 0 };
	uint8_t fp[32];
	int err = pf_client_pair(fp, &o, host_id, &why);

	over();
	/* With memory enough it hears that no PIN is shown. */
	return err == -EACCES && why.close == PUNKTFUNK_CLOSE_NOT_ARMED ? 0 : err;
}

static void pairings(void **state)
{
	struct host h;

	host_init(&h);
	host_start(&h);
	each_allocation(pair_once, &h, 2);
	host_stop(&h);
}

static int make_host_identity(void **state)
{
	return pf_identity_generate(&host_id, "punktfunk", NULL);
}

static int free_host_identity(void **state)
{
	pf_identity_unref(host_id);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(raw_sessions),
		cmocka_unit_test(identities),
		cmocka_unit_test(listeners),
		cmocka_unit_test(connections),
		cmocka_unit_test(pairings),
	};

	return cmocka_run_group_tests(tests, make_host_identity, free_host_identity);
}
