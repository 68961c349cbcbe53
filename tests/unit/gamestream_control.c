/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The control port, with ENet itself as the client. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <enet/enet.h>
#include <errno.h>
#include <sys/socket.h>
#include <systemd/sd-event.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "host/gamestream/control.h"

#define SESSION 77u
#define BURST	200u /* of 8 bytes: seven datagrams, more messages than one turn takes */

struct bed {
	struct pf_loop *loop;
	struct pf_gs_control *control;
	ENetHost *client;
	ENetPeer *peer;
	unsigned messages, gone;
};

static void *wanted(void *user, uint32_t connect_data)
{
	return connect_data == SESSION ? user : NULL;
}

static bool on_message(
	void *user, void *session, struct pf_gs_link *link, const uint8_t *data, size_t len)
{
	struct bed *b = session;

	assert_ptr_equal(user, b);
	assert_int_equal(len, 8);
	b->messages++;
	return true;
}

static bool on_moved(
	void *user, void *session, const struct pf_gs_link *link, const uint8_t *data, size_t len)
{
	return false;
}

static void on_gone(void *user, void *session, struct pf_gs_link *link)
{
	((struct bed *)session)->gone++;
}

static const struct pf_gs_control_events events = {
	.wanted = wanted,
	.message = on_message,
	.moved = on_moved,
	.gone = on_gone,
};

static uint16_t free_port(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	close(fd);
	return ntohs(a.sin_port);
}

static void open_bed(struct bed *b)
{
	const uint64_t end = pf_clock_mono_ns() + 20 * PF_NS_PER_S;
	ENetAddress at = { 0 };
	ENetEvent e = { 0 };
	int r = -EADDRINUSE;

	*b = (struct bed){ 0 };
	assert_int_equal(pf_loop_create(&b->loop), 0);
	/* Somebody may take it in between. */
	for (int i = 0; i < 10 && r == -EADDRINUSE; i++) {
		at.port = free_port();
		r = pf_gs_control_open(
			&b->control, b->loop, "127.0.0.1", at.port, 4, &events, b, NULL);
	}
	assert_int_equal(r, 0);
	assert_int_equal(enet_address_set_host_ip(&at, "127.0.0.1"), 0);
	b->client = enet_host_create(NULL, 1, PF_GS_CHANNELS, 0, 0);
	assert_non_null(b->client);
	b->peer = enet_host_connect(b->client, &at, PF_GS_CHANNELS, SESSION);
	assert_non_null(b->peer);
	while (e.type != ENET_EVENT_TYPE_CONNECT && pf_clock_mono_ns() < end) {
		assert_true(enet_host_service(b->client, &e, 0) >= 0);
		assert_true(sd_event_run(pf_loop_event(b->loop), 5000) >= 0);
	}
	assert_int_equal(e.type, ENET_EVENT_TYPE_CONNECT);
	/* The end of the handshake. */
	enet_host_flush(b->client);
}

static void finish(struct bed *b)
{
	enet_host_destroy(b->client);
	pf_gs_control_close(b->control);
	pf_loop_destroy(b->loop);
}

/* ENet reads many datagrams at a time, a turn of the loop hands out only so much: the
 * rest must not wait for the next datagram or a slow timer. */
static void a_burst_is_taken_at_once(void **state)
{
	struct bed b;

	open_bed(&b);
	for (unsigned i = 0; i < BURST; i++) {
		ENetPacket *p = enet_packet_create("message", 8, ENET_PACKET_FLAG_RELIABLE);

		assert_int_equal(enet_peer_send(b.peer, 1, p), 0);
	}
	enet_host_flush(b.client);
	/* The slow timer comes after 100 ms. */
	while (b.messages < BURST && sd_event_run(pf_loop_event(b.loop), 20000) > 0)
		;
	assert_int_equal(b.messages, BURST);
	finish(&b);
}

static void a_stranger_is_refused(void **state)
{
	struct pf_gs_control_stats st;
	struct bed b;
	ENetAddress at;
	ENetEvent e;

	open_bed(&b);
	at = b.peer->address;
	enet_peer_reset(b.peer);
	b.peer = enet_host_connect(b.client, &at, PF_GS_CHANNELS, SESSION + 1);
	assert_non_null(b.peer);
	enet_host_flush(b.client);
	do {
		assert_true(sd_event_run(pf_loop_event(b.loop), 20000000) > 0);
		pf_gs_control_stats(b.control, &st);
	} while (!st.refused_connects);
	assert_int_equal(enet_host_service(b.client, &e, 0), 0);
	assert_int_equal(b.gone, 0);
	finish(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_burst_is_taken_at_once),
		cmocka_unit_test(a_stranger_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
