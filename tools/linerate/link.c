/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tools/linerate/link.h"
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "core/base/clock.h"

static int name_of(const char *path, struct sockaddr_un *a)
{
	*a = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(a->sun_path))
		return -ENAMETOOLONG;
	snprintf(a->sun_path, sizeof(a->sun_path), "%s", path);
	return socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
}

int pf_link_accept(const char *path, int ms)
{
	struct sockaddr_un a;
	struct pollfd p = { .events = POLLIN };
	int fd = name_of(path, &a), got;

	if (fd < 0)
		return fd == -1 ? -errno : fd;
	(void)unlink(path);
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, 1)) {
		got = -errno;
	} else {
		p.fd = fd;
		got = poll(&p, 1, ms) == 1 ? accept4(fd, NULL, NULL, SOCK_CLOEXEC) : -ETIMEDOUT;
		if (got == -1)
			got = -errno;
	}
	close(fd);
	(void)unlink(path);
	return got;
}

int pf_link_connect(const char *path, int ms)
{
	uint64_t until = pf_clock_mono_ns() + (uint64_t)ms * PF_NS_PER_MS;
	struct sockaddr_un a;
	int fd = name_of(path, &a), err;

	if (fd < 0)
		return fd == -1 ? -errno : fd;
	while (connect(fd, (struct sockaddr *)&a, sizeof(a))) {
		err = -errno;
		if ((err != -ENOENT && err != -ECONNREFUSED) || pf_clock_mono_ns() > until) {
			close(fd);
			return err;
		}
		(void)usleep(5000);
	}
	return fd;
}

int pf_link_send(int fd, const struct pf_link_message *m)
{
	return send(fd, m, sizeof(*m), MSG_NOSIGNAL) == sizeof(*m) ? 0 : -errno;
}

int pf_link_receive(int fd, struct pf_link_message *m, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	ssize_t n;

	if (poll(&p, 1, ms) != 1)
		return -EAGAIN;
	n = recv(fd, m, sizeof(*m), 0);
	/* The other end closed with messages unread; its own are still there. */
	if (n < 0 && errno == ECONNRESET)
		n = recv(fd, m, sizeof(*m), 0);
	return n == sizeof(*m) ? 0 : -EPIPE;
}
