/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tools/linerate/tap.h"
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include "core/base/bytes.h"
#include "core/base/clock.h"
#include "core/net/os_linux.h"
#include "tools/linerate/linerate.h"

#define MESSAGES     32
#define PACKET_BYTES 9216

struct pf_tap {
	int fd, out_fd, stop_fd;
	FILE *log;
	pthread_t thread;
	uint8_t packet[MESSAGES][PACKET_BYTES];
};

static void pass(struct pf_tap *t, struct mmsghdr *m, int count)
{
	uint64_t now = pf_clock_mono_ns();

	for (int i = 0; i < count; i++) {
		struct pf_reader rd = pf_reader(t->packet[i], m[i].msg_len);
		struct pf_tap_arrival a = { .seq = pf_rd_u64be(&rd), .mono_ns = now };

		if (m[i].msg_len < 8)
			continue; /* no media packet */
		(void)fwrite(&a, sizeof(a), 1, t->log);
		(void)!send(t->out_fd, t->packet[i], m[i].msg_len, MSG_NOSIGNAL);
	}
}

static void *run(void *arg)
{
	struct pf_tap *t = arg;
	struct pollfd p[2] = { { .fd = t->fd, .events = POLLIN },
		{ .fd = t->stop_fd, .events = POLLIN } };
	struct mmsghdr m[MESSAGES] = { 0 };
	struct iovec iov[MESSAGES];

	for (int i = 0; i < MESSAGES; i++) {
		iov[i] = (struct iovec){ t->packet[i], PACKET_BYTES };
		m[i].msg_hdr.msg_iov = &iov[i];
		m[i].msg_hdr.msg_iovlen = 1;
	}
	for (;;) {
		int n = recvmmsg(t->fd, m, MESSAGES, MSG_DONTWAIT, NULL);

		if (n > 0)
			pass(t, m, n);
		else if (poll(p, 2, -1) > 0 && p[1].revents)
			return NULL;
	}
}

int pf_tap_open(struct pf_tap **out, int fd, const char *path, int *passed_fd)
{
	struct pf_tap *t = calloc(1, sizeof(*t));
	int pair[2] = { -1, -1 }, err;

	if (!t)
		return -ENOMEM;
	t->fd = fd;
	t->stop_fd = -1;
	t->log = fopen(path, "we");
	err = t->log ? 0 : -errno;
	if (!err && socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair))
		err = -errno;
	t->out_fd = pair[0];
	if (!err)
		err = pf_wake_open(&t->stop_fd);
	if (!err)
		err = -pthread_create(&t->thread, NULL, run, t);
	if (!err) {
		*passed_fd = pair[1];
		*out = t;
		return 0;
	}
	for (int i = 0; i < 2; i++)
		if (pair[i] >= 0)
			close(pair[i]);
	if (t->stop_fd >= 0)
		close(t->stop_fd);
	if (t->log)
		fclose(t->log);
	free(t);
	return err;
}

int pf_tap_close(struct pf_tap *t)
{
	int bad;

	pf_wake_set(t->stop_fd);
	/* It may wait for a reader that is gone. */
	shutdown(t->out_fd, SHUT_RDWR);
	pthread_join(t->thread, NULL);
	bad = ferror(t->log);
	bad |= fclose(t->log);
	close(t->fd);
	close(t->out_fd);
	close(t->stop_fd);
	free(t);
	return bad ? -EIO : 0;
}
