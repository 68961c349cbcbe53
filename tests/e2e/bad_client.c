/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Clients that a host must outlive: of two kinds that stream and do not listen, and
 * one that only begins handshakes.
 *
 * usage: bad_client deaf-data|deaf-quic ADDRESS PORT WIDTH HEIGHT HZ SECONDS
 *        bad_client half-open ADDRESS PORT COUNT */
#include <arpa/inet.h>
#include <linux/filter.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "core/quic/endpoint.h"
#include "punktfunk_core.h"

static int fail(const char *what)
{
	perror(what);
	return 1;
}

/* From now on nothing reaches the sockets of this process: those of QUIC, or the
 * others. Their number, or -1. */
static int deafen(uint16_t quic_port, bool quic)
{
	struct sock_filter nothing[] = { BPF_STMT(BPF_RET | BPF_K, 0) };
	struct sock_fprog program = { 1, nothing };
	int deaf = 0;

	for (int fd = 3; fd < 256; fd++) {
		struct sockaddr_in peer = { 0 };
		socklen_t len = sizeof(peer), size = sizeof(int);
		int type = 0;
		bool is_quic;

		if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) || type != SOCK_DGRAM)
			continue;
		is_quic = !getpeername(fd, (struct sockaddr *)&peer, &len) &&
			  ntohs(peer.sin_port) == quic_port;
		if (is_quic != quic)
			continue;
		if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)))
			return -1;
		deaf++;
	}
	return deaf;
}

static int deaf(char **argv, bool quic)
{
	PunktfunkConnectOptions o = { .struct_size = sizeof(o),
		.host = argv[2],
		.port = (uint16_t)atoi(argv[3]),
		.name = argv[1],
		.width = (uint32_t)atoi(argv[4]),
		.height = (uint32_t)atoi(argv[5]),
		.refresh_hz = (uint32_t)atoi(argv[6]),
		.bitrate_kbps = 4000,
		.timeout_ms = 15000 };
	uint64_t end_ns = pf_clock_mono_ns() + (uint64_t)atoi(argv[7]) * PF_NS_PER_S;
	PunktfunkReason why = { .struct_size = sizeof(why) };
	unsigned rounds = 0;

	/* A client that hears nothing takes its connection for lost after a while: then
	 * the next one comes. */
	for (; pf_clock_mono_ns() < end_ns; rounds++) {
		PunktfunkFrame frame = { .struct_size = sizeof(frame) };
		PunktfunkInputEvent move = { .struct_size = sizeof(move) };
		uint64_t first_ns = pf_clock_mono_ns() + 10 * PF_NS_PER_S;
		PunktfunkConnection *c;
		int r;

		if (punktfunk_connect(&o, &c, &why)) {
			fprintf(stderr, "%s\n", why.text);
			return 1;
		}
		do
			r = punktfunk_connection_next_frame(c, &frame, 100);
		while (r == PUNKTFUNK_EAGAIN && pf_clock_mono_ns() < first_ns);
		if (r)
			return fail("no first frame");
		if (deafen(o.port, quic) < 1)
			return fail("cannot stop listening");
		move.kind = 2;
		move.x = 1;
		while (pf_clock_mono_ns() < end_ns) {
			r = punktfunk_send_input(c, &move);
			if (r && r != PUNKTFUNK_EAGAIN)
				break;
			if (!quic)
				(void)punktfunk_connection_next_frame(c, &frame, 20);
			else
				usleep(20000);
		}
		punktfunk_connection_close(c, PUNKTFUNK_CLOSE_NORMAL);
	}
	printf("%u\n", rounds);
	return 0;
}

/* Real first packets, each of a connection of its own: dialled to a socket of ours,
 * sent on from an address and port of their own, and never continued. */
static int half_open(char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(argv[3])) };
	struct sockaddr_in *catch;
	socklen_t len = sizeof(*catch);
	struct pf_quic_params p = { .remote_len = len };
	struct timeval patience = { .tv_sec = 2 };
	int count = atoi(argv[4]), sent = 0;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	catch = (struct sockaddr_in *)&p.remote;
	*catch = (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	if (inet_pton(AF_INET, argv[2], &to.sin_addr) != 1 ||
		bind(fd, (struct sockaddr *)catch, len) ||
		getsockname(fd, (struct sockaddr *)catch, &len) ||
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)))
		return fail("socket");
	for (int i = 0; i < count; i++) {
		struct sockaddr_in from = { .sin_family = AF_INET,
			.sin_addr.s_addr = htonl(INADDR_LOOPBACK + (uint32_t)i % 50) };
		int out = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		struct pf_reason why;
		struct pf_quic *q;
		uint8_t pkt[2048];
		ssize_t n;

		if (bind(out, (struct sockaddr *)&from, sizeof(from)) || pf_quic_dial(&q, &p, &why))
			return fail("dial");
		n = recv(fd, pkt, sizeof(pkt), 0);
		pf_quic_destroy(q);
		if (n >= 1200)
			sent += sendto(out, pkt, (size_t)n, 0, (struct sockaddr *)&to,
					sizeof(to)) == n;
		/* The second packet of the same hello, and copies of the first. */
		while (recv(fd, pkt, sizeof(pkt), MSG_DONTWAIT) > 0)
			;
		close(out);
	}
	close(fd);
	printf("%d\n", sent);
	return sent == count ? 0 : 1;
}

int main(int argc, char **argv)
{
	if (argc == 8 && !strcmp(argv[1], "deaf-data"))
		return deaf(argv, false);
	if (argc == 8 && !strcmp(argv[1], "deaf-quic"))
		return deaf(argv, true);
	if (argc == 5 && !strcmp(argv[1], "half-open"))
		return half_open(argv);
	fprintf(stderr, "usage: bad_client deaf-data|deaf-quic|half-open ...\n");
	return 2;
}
