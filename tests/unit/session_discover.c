/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* punktfunk_discover in a network of this process alone: a loopback that multicasts,
 * and a responder that says what the test wants. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "core/wire/mdns.h"
#include "punktfunk_core.h"

/* Patience of a search that ends by itself. */
#define PATIENCE_MS 20000

static bool alone; /* in a network namespace */

/* The service's type at 12, the instance at 40: "Desk"; see wire_mdns. */
#define HEAD "\x84\x00\x00\x00"
#define TYPE "\x0a_punktfunk\x04_udp\x05local\x00"
#define PTR                                                                                        \
	TYPE "\x00\x0c\x00\x01\x00\x00\x00\x0a\x00\x07\x04"                                        \
	     "Desk\xc0\x0c"
#define TXT "\xc0\x2d\x00\x10\x80\x01\x00\x00\x00\x0a\x00\x05\x04id=7"
#define SRV "\xc0\x2d\x00\x21\x80\x01\x00\x00\x00\x0a\x00\x0a\x00\x00\x00\x00\x26\x31\x01x\xc0\x1c"
#define A   "\xc0\x57\x00\x01\x80\x01\x00\x00\x00\x0a\x00\x04\x0a\x4d\x00\x01"

enum script {
	WHOLE,	   /* all in one answer, to who asked */
	IN_GROUP,  /* the same, to everybody */
	IN_PARTS,  /* the name alone; the rest when it is asked for */
	THEN_GONE, /* and a goodbye to the second question */
	NOISE,	   /* what is no answer */
};

struct responder {
	enum script script;
	int fd;
	pthread_t thread;
	atomic_bool stop;
	unsigned asked;
};

static size_t answer(uint8_t *out, const char *records, size_t len, unsigned count)
{
	memset(out, 0, 12);
	memcpy(out + 2, HEAD, 4);
	out[7] = (uint8_t)count;
	memcpy(out + 12, records, len);
	return 12 + len;
}

#define ANSWER(out, records, count) answer(out, records, sizeof(records) - 1, count)

static void respond(struct responder *r, const uint8_t *q, const struct sockaddr_in *from)
{
	static const char gone[] = TYPE "\x00\x0c\x00\x01\x00\x00\x00\x00\x00\x07\x04"
					"Desk\xc0\x0c";
	struct sockaddr_in to = *from;
	uint8_t out[512];
	size_t len;

	switch (r->script) {
	case IN_GROUP:
		inet_pton(AF_INET, "224.0.0.251", &to.sin_addr);
		to.sin_port = htons(5353);
		len = ANSWER(out, PTR TXT SRV A, 4);
		break;
	case IN_PARTS:
		len = q[5] > 1 ? ANSWER(out, PTR TXT SRV A, 4) : ANSWER(out, PTR, 1);
		break;
	case THEN_GONE:
		len = r->asked > 2 ? answer(out, gone, sizeof(gone) - 1, 1)
				   : ANSWER(out, PTR TXT SRV A, 4);
		break;
	case NOISE:
		memset(out, 0xff, sizeof(out));
		len = sizeof(out);
		break;
	default:
		len = ANSWER(out, PTR TXT SRV A, 4);
		break;
	}
	(void)!sendto(r->fd, out, len, 0, (struct sockaddr *)&to, sizeof(to));
}

static void *responder_run(void *arg)
{
	struct responder *r = arg;

	while (!atomic_load(&r->stop)) {
		struct pollfd p = { r->fd, POLLIN, 0 };
		struct sockaddr_in from;
		socklen_t from_len = sizeof(from);
		uint8_t q[2000];
		ssize_t n;

		if (poll(&p, 1, 20) <= 0)
			continue;
		n = recvfrom(r->fd, q, sizeof(q), 0, (struct sockaddr *)&from, &from_len);
		/* A question; our own answers to the group come by, too. */
		if (n < 12 || q[2] & 0x80)
			continue;
		r->asked++;
		respond(r, q, &from);
	}
	return NULL;
}

static void responder_start(struct responder *r, enum script script)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(5353) };
	struct ip_mreqn m = { .imr_ifindex = (int)if_nametoindex("lo") };
	const int one = 1;

	*r = (struct responder){ .script = script };
	inet_pton(AF_INET, "224.0.0.251", &m.imr_multiaddr);
	r->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(r->fd >= 0);
	assert_int_equal(setsockopt(r->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)), 0);
	assert_int_equal(setsockopt(r->fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)), 0);
	assert_int_equal(bind(r->fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(setsockopt(r->fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof(m)), 0);
	assert_int_equal(setsockopt(r->fd, IPPROTO_IP, IP_MULTICAST_IF, &m, sizeof(m)), 0);
	assert_int_equal(pthread_create(&r->thread, NULL, responder_run, r), 0);
}

static void responder_stop(struct responder *r)
{
	atomic_store(&r->stop, true);
	pthread_join(r->thread, NULL);
	close(r->fd);
}

/* ---- the search ---- */

struct found {
	unsigned calls, gone;
	unsigned stop_at; /* calls; 0 = never */
	PunktfunkFoundHost last;
};

static int32_t on_found(void *user, const PunktfunkFoundHost *h)
{
	struct found *f = user;

	f->calls++;
	f->gone += !h->address_count;
	f->last = *h;
	return f->calls == f->stop_at;
}

static void need_network(void)
{
	if (!alone) {
		print_message("# no network namespace: needs root or user namespaces\n");
		skip();
	}
}

static void loopback(bool multicast)
{
	struct ifreq r = { .ifr_name = "lo" };
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	r.ifr_flags = IFF_UP | IFF_LOOPBACK | (multicast ? IFF_MULTICAST : 0);
	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &r), 0);
	close(fd);
}

static void found_once(enum script script)
{
	PunktfunkReason why = { .struct_size = sizeof(why) };
	struct found f = { .stop_at = 1 };
	struct responder r;

	need_network();
	loopback(true);
	responder_start(&r, script);
	assert_int_equal(punktfunk_discover(PATIENCE_MS, on_found, &f, &why), 1);
	responder_stop(&r);
	assert_int_equal(f.calls, 1);
	assert_int_equal(f.last.struct_size, sizeof(f.last));
	assert_string_equal(f.last.name, "Desk");
	assert_int_equal(f.last.port, 9777);
	assert_string_equal(f.last.id, "7");
	assert_int_equal(f.last.address_count, 1);
	assert_string_equal(f.last.addresses[0], "10.77.0.1");
}

static void a_host_that_answers_us(void **state)
{
	found_once(WHOLE);
}

static void a_host_that_answers_all(void **state)
{
	found_once(IN_GROUP);
}

static void a_host_that_must_be_asked_twice(void **state)
{
	found_once(IN_PARTS);
}

static void a_host_that_goes(void **state)
{
	PunktfunkReason why = { .struct_size = sizeof(why) };
	struct found f = { .stop_at = 2 };
	struct responder r;

	need_network();
	loopback(true);
	responder_start(&r, THEN_GONE);
	assert_int_equal(punktfunk_discover(PATIENCE_MS, on_found, &f, &why), 0);
	responder_stop(&r);
	assert_int_equal(f.gone, 1);
	assert_string_equal(f.last.name, "Desk");
}

static void nobody_and_noise(void **state)
{
	PunktfunkReason why = { .struct_size = sizeof(why) };
	struct found f = { 0 };
	struct responder r;

	need_network();
	loopback(true);
	assert_int_equal(punktfunk_discover(50, on_found, &f, &why), 0);
	responder_start(&r, NOISE);
	assert_int_equal(punktfunk_discover(300, on_found, &f, &why), 0);
	responder_stop(&r);
	assert_int_equal(f.calls, 0);
	assert_int_equal(punktfunk_discover(50, NULL, NULL, &why), PUNKTFUNK_EINVAL);
}

static void without_a_network(void **state)
{
	PunktfunkReason why = { .struct_size = sizeof(why) };
	struct found f = { 0 };

	need_network();
	loopback(false);
	assert_int_equal(punktfunk_discover(50, on_found, &f, &why), PUNKTFUNK_EHOSTUNREACH);
	assert_non_null(strstr(why.text, "multicast"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_host_that_answers_us),
		cmocka_unit_test(a_host_that_answers_all),
		cmocka_unit_test(a_host_that_must_be_asked_twice),
		cmocka_unit_test(a_host_that_goes),
		cmocka_unit_test(nobody_and_noise),
		cmocka_unit_test(without_a_network),
	};

	/* Before there are threads. */
	alone = !unshare(CLONE_NEWNET) || !unshare(CLONE_NEWUSER | CLONE_NEWNET);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
