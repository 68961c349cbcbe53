/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* loopback.c - sends frames through a lossy link and gets every one of them back.
 *
 * All that a program needs of punktfunk_core.h for its own data plane: a host
 * session, a client session, and here between them a relay that loses 2 % of
 * the packets, always the same ones. Build it with
 *	cc loopback.c -lpunktfunk-core -lpthread
 * Exit status 0 = all frames arrived intact. */
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "punktfunk_core.h"

#define FRAMES	  300
#define FRAME_MAX 60000

/* ---- two UDP sockets connected to each other ---- */

static int open_pair(int fd[2])
{
	struct sockaddr_in addr[2];

	for (int i = 0; i < 2; i++) {
		socklen_t len = sizeof(addr[i]);

		memset(&addr[i], 0, sizeof(addr[i]));
		addr[i].sin_family = AF_INET;
		addr[i].sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		fd[i] = socket(AF_INET, SOCK_DGRAM, 0);
		if (fd[i] < 0 || bind(fd[i], (struct sockaddr *)&addr[i], len) ||
			getsockname(fd[i], (struct sockaddr *)&addr[i], &len))
			return -1;
	}
	for (int i = 0; i < 2; i++)
		if (connect(fd[i], (struct sockaddr *)&addr[!i], sizeof(addr[i])))
			return -1;
	return 0;
}

/* ---- the link: a thread that forwards most packets ---- */

struct link {
	int from, to;
	atomic_bool stop;
	unsigned long passed, lost;
};

static void *run_link(void *arg)
{
	struct link *l = arg;
	uint32_t rng = 12345; /* the seed decides which packets are lost */

	while (!atomic_load(&l->stop)) {
		struct pollfd p = { .fd = l->from, .events = POLLIN };
		char packet[9216];
		ssize_t n;

		if (poll(&p, 1, 20) <= 0)
			continue;
		n = recv(l->from, packet, sizeof(packet), 0);
		if (n <= 0)
			continue;
		rng = rng * 1664525 + 1013904223;
		if (rng >> 16 < 65536 / 50)
			l->lost++;
		else if (send(l->to, packet, (size_t)n, 0) == n)
			l->passed++;
	}
	return NULL;
}

/* ---- frames whose content and size follow from their number ---- */

static size_t make_frame(unsigned number, uint8_t *out)
{
	uint32_t x = number * 2654435761u + 1;
	size_t size = x % FRAME_MAX;

	for (size_t i = 0; i < size; i++) {
		x = x * 1664525 + 1013904223;
		out[i] = (uint8_t)(x >> 24);
	}
	return size;
}

static uint64_t unix_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static PunktfunkSession *open_session(uint8_t role, int fd)
{
	PunktfunkSessionConfig config = {
		.struct_size = sizeof(config),
		.role = role,
		.cipher = PUNKTFUNK_CIPHER_AES128_GCM,
		.fec_percent = PUNKTFUNK_FEC_ADAPTIVE,
		.socket_fd = fd, /* the session takes a duplicate */
		.bitrate_kbps = 100000,
	};
	PunktfunkReason why = { .struct_size = sizeof(why) };
	PunktfunkSession *session;

	/* A real program agrees on these over a secure channel. */
	memset(config.key, 0x42, 16);
	memset(config.salt, 0x17, 4);
	if (punktfunk_session_new(&config, &session, &why)) {
		fprintf(stderr, "loopback: %s\n", why.text);
		exit(1);
	}
	return session;
}

/* Sends frame `number` and waits for it; 1 if it came intact. */
static int exchange(PunktfunkSession *host, PunktfunkSession *client, unsigned number)
{
	static uint8_t data[FRAME_MAX];
	PunktfunkFrame frame = { .struct_size = sizeof(frame) };
	size_t size = make_frame(number, data);
	int err = punktfunk_host_submit_frame(host, data, size, unix_ns(), PUNKTFUNK_FRAME_VIDEO);

	if (err) {
		fprintf(stderr, "loopback: submit: %s\n", punktfunk_strerror(err));
		return 0;
	}
	err = punktfunk_client_poll_frame(client, &frame, 2000);
	if (err) {
		fprintf(stderr, "loopback: frame %u: %s\n", number, punktfunk_strerror(err));
		return 0;
	}
	return frame.frame_index == number && frame.size == size && !memcmp(frame.data, data, size);
}

int main(void)
{
	PunktfunkStats sent = { .struct_size = sizeof(sent) };
	PunktfunkStats got = { .struct_size = sizeof(got) };
	PunktfunkSession *host, *client;
	struct link link = { .passed = 0 };
	int host_side[2], client_side[2];
	unsigned intact = 0;
	pthread_t thread;

	if (open_pair(host_side) || open_pair(client_side)) {
		perror("loopback: sockets");
		return 1;
	}
	host = open_session(PUNKTFUNK_ROLE_HOST, host_side[0]);
	client = open_session(PUNKTFUNK_ROLE_CLIENT, client_side[1]);
	link.from = host_side[1];
	link.to = client_side[0];
	if (pthread_create(&thread, NULL, run_link, &link)) {
		fprintf(stderr, "loopback: cannot start the link's thread\n");
		return 1;
	}

	for (unsigned i = 0; i < FRAMES; i++)
		intact += (unsigned)exchange(host, client, i);

	punktfunk_session_stats(host, &sent);
	punktfunk_session_stats(client, &got);
	punktfunk_session_free(host);
	punktfunk_session_free(client);
	atomic_store(&link.stop, 1);
	pthread_join(thread, NULL);
	for (int i = 0; i < 2; i++) {
		close(host_side[i]);
		close(client_side[i]);
	}
	printf("frames sent %llu, received intact %u, repaired %llu\n",
		(unsigned long long)sent.frames, intact, (unsigned long long)got.frames_repaired);
	printf("packets %llu (parity %llu), lost on the link %lu, shards rebuilt %llu\n",
		(unsigned long long)sent.packets, (unsigned long long)sent.packets_parity,
		link.lost, (unsigned long long)got.shards_recovered);
	return intact == FRAMES && got.frames_repaired > 0 ? 0 : 1;
}
