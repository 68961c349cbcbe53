/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Pings over the loopback: who is heard where, and what a connected socket takes
 * over from the port. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-event.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "host/gamestream/ports.h"

struct heard {
	struct pf_loop *loop;
	unsigned count;
	struct pf_gs_ping ping;
	struct pf_gs_path path;
};

static void on_ping(void *user, const struct pf_gs_ping *p, const struct pf_gs_path *path)
{
	struct heard *h = user;

	h->count++;
	h->ping = *p;
	h->path = *path;
}

/* Turns the loop until a ping came (1) or `ms` passed (0). */
static int wait_ping(struct heard *h, unsigned ms)
{
	const uint64_t end = pf_clock_mono_ns() + ms * PF_NS_PER_MS;
	const unsigned before = h->count;

	while (h->count == before && pf_clock_mono_ns() < end)
		assert_true(sd_event_run(pf_loop_event(h->loop), 10000) >= 0);
	return h->count != before;
}

static int client(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

static void ping(int fd, uint16_t port, uint32_t counter, size_t len)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(port) };
	uint8_t data[32] = "0123456789abcdef";
	uint32_t be = htonl(counter);

	memcpy(data + 16, &be, 4);
	assert_int_equal(
		sendto(fd, data, len, 0, (struct sockaddr *)&to, sizeof(to)), (ssize_t)len);
}

/* A port that is free now, by asking for any. */
static uint16_t free_port(void)
{
	struct sockaddr_in a;
	socklen_t len = sizeof(a);
	int fd = client();

	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	close(fd);
	return ntohs(a.sin_port);
}

static struct pf_gs_port *open_port(struct heard *h, uint16_t *port)
{
	struct pf_reason why = { 0 };
	struct pf_gs_port *p = NULL;

	for (unsigned i = 0; i < 20 && !p; i++) {
		*port = free_port();
		(void)pf_gs_port_open(&p, h->loop, "127.0.0.1", *port, on_ping, h, &why);
	}
	assert_non_null(p);
	return p;
}

static void hears_pings_and_counts_strays(void **state)
{
	struct heard h = { 0 };
	struct pf_gs_port *p;
	uint16_t port;
	int fd = client();

	assert_int_equal(pf_loop_create(&h.loop), 0);
	p = open_port(&h, &port);
	ping(fd, port, 7, 4);  /* a client without session ids */
	ping(fd, port, 7, 21); /* one byte too many */
	ping(fd, port, 7, 20);
	assert_int_equal(wait_ping(&h, 5000), 1);
	assert_int_equal(h.count, 1);
	assert_int_equal(h.ping.counter, 7);
	assert_memory_equal(h.ping.id, "0123456789abcdef", 16);
	assert_int_equal(ntohl(h.path.local.sin_addr.s_addr), INADDR_LOOPBACK);
	assert_int_equal(ntohs(h.path.local.sin_port), port);
	assert_int_equal(pf_gs_port_strays(p), 2);
	pf_gs_port_close(p);
	pf_loop_destroy(h.loop);
	close(fd);
}

static void a_taken_port_is_refused(void **state)
{
	struct pf_gs_port *p, *other = NULL;
	struct pf_reason why = { 0 };
	struct heard h = { 0 };
	uint16_t port;

	assert_int_equal(pf_loop_create(&h.loop), 0);
	p = open_port(&h, &port);
	assert_int_equal(
		pf_gs_port_open(&other, h.loop, "127.0.0.1", port, on_ping, &h, &why), -EADDRINUSE);
	assert_non_null(strstr(why.text, "UDP port"));
	pf_gs_port_close(p);
	pf_loop_destroy(h.loop);
}

static void a_connected_socket_takes_over_its_client(void **state)
{
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	struct heard h = { 0 };
	int fd = client(), other = client(), media;
	struct pf_gs_port *p;
	uint16_t port;
	char buf[32];

	assert_int_equal(pf_loop_create(&h.loop), 0);
	p = open_port(&h, &port);
	ping(fd, port, 1, 20);
	assert_int_equal(wait_ping(&h, 5000), 1);
	assert_int_equal(pf_gs_port_connect(p, &h.path, &media), 0);
	/* What it sends comes from the port that the client pinged. */
	assert_int_equal(send(media, "picture", 7, 0), 7);
	assert_int_equal(recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len), 7);
	assert_int_equal(ntohs(from.sin_port), port);
	/* Its later pings are no news to the port, another client's are. */
	ping(fd, port, 2, 20);
	assert_int_equal(wait_ping(&h, 100), 0);
	assert_int_equal(recv(media, buf, sizeof(buf), MSG_DONTWAIT), 20);
	ping(other, port, 9, 20);
	assert_int_equal(wait_ping(&h, 5000), 1);
	assert_int_equal(h.ping.counter, 9);
	/* The client moved: the same socket follows it. */
	assert_int_equal(connect(media, (struct sockaddr *)&h.path.peer, sizeof(h.path.peer)), 0);
	assert_int_equal(send(media, "moved", 5, 0), 5);
	assert_int_equal(recv(other, buf, sizeof(buf), 0), 5);
	close(media);
	pf_gs_port_close(p);
	pf_loop_destroy(h.loop);
	close(fd);
	close(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hears_pings_and_counts_strays),
		cmocka_unit_test(a_taken_port_is_refused),
		cmocka_unit_test(a_connected_socket_takes_over_its_client),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
