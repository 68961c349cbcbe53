/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/net/udp.h"
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "core/wire/pf1_media.h"

/* A keyframe of a fast stream, and what waits while a thread is not scheduled. */
#define BUFFER_BYTES (8 << 20)

static int parse_address(
	const char *text, uint16_t port, struct sockaddr_storage *out, socklen_t *len)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;

	memset(out, 0, sizeof(*out));
	if (!text || inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		*len = sizeof(*v4);
		return 0;
	}
	if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(port);
		*len = sizeof(*v6);
		return 0;
	}
	return -EINVAL;
}

void pf_udp_grow_buffers(int fd)
{
	static const int names[] = { SO_RCVBUF, SO_SNDBUF };

	/* The system cuts it to its own limit; below that it is still a success. */
	for (unsigned i = 0; i < 2; i++)
		(void)setsockopt(fd, SOL_SOCKET, names[i], &(int){ BUFFER_BYTES }, sizeof(int));
}

void pf_udp_shrink_receive(int fd)
{
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){ 1 }, sizeof(int));
}

int pf_udp_open(const char *address, uint16_t port, int *fd)
{
	struct sockaddr_storage addr;
	socklen_t len;
	int err = parse_address(address, port, &addr, &len);
	int s;

	if (err)
		return err;
	s = socket(addr.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (s < 0)
		return -errno;
	if (bind(s, (struct sockaddr *)&addr, len)) {
		err = -errno;
		close(s);
		return err;
	}
	pf_udp_grow_buffers(s);
	*fd = s;
	return 0;
}

void pf_udp_set_dscp(int fd, unsigned dscp)
{
	int tos = (int)(dscp << 2);

	(void)setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
	(void)setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof(tos));
}

uint16_t pf_udp_port(int fd)
{
	struct sockaddr_storage addr;
	socklen_t len = sizeof(addr);

	if (getsockname(fd, (struct sockaddr *)&addr, &len))
		return 0;
	if (addr.ss_family == AF_INET6)
		return ntohs(((struct sockaddr_in6 *)&addr)->sin6_port);
	return ntohs(((struct sockaddr_in *)&addr)->sin_port);
}

static socklen_t address_len(const struct sockaddr_storage *a)
{
	return a->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
}

int pf_udp_connect(int fd, const struct sockaddr_storage *peer)
{
	return connect(fd, (const struct sockaddr *)peer, address_len(peer)) ? -errno : 0;
}

/* As IPv6 bytes, IPv4 in mapped form. */
static bool ip_bytes(const struct sockaddr_storage *a, uint8_t out[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (a->ss_family == AF_INET6) {
		memcpy(out, &((const struct sockaddr_in6 *)a)->sin6_addr, 16);
		return true;
	}
	if (a->ss_family != AF_INET)
		return false;
	memcpy(out, mapped, 12);
	memcpy(out + 12, &((const struct sockaddr_in *)a)->sin_addr, 4);
	return true;
}

bool pf_udp_same_ip(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	uint8_t x[16], y[16];

	return ip_bytes(a, x) && ip_bytes(b, y) && !memcmp(x, y, 16);
}

int pf_udp_punch(int fd, const struct sockaddr_storage *to)
{
	socklen_t len = to ? address_len(to) : 0;

	for (unsigned tries = 0; tries < 2; tries++)
		/* The first call may only report an ICMP error of before. */
		if (sendto(fd, PF_PUNCH_MAGIC, PF_PUNCH_BYTES, MSG_DONTWAIT | MSG_NOSIGNAL,
			    (const struct sockaddr *)to, len) == PF_PUNCH_BYTES)
			return 0;
	return -errno;
}

static bool take_punch(int fd, const struct sockaddr_storage *peer, struct sockaddr_storage *source)
{
	/* A flood must not keep the deadline from being looked at. */
	for (unsigned i = 0; i < 64; i++) {
		struct sockaddr_storage from;
		socklen_t len = sizeof(from);
		uint8_t buf[PF_PUNCH_BYTES];
		ssize_t n = recvfrom(
			fd, buf, sizeof(buf), MSG_DONTWAIT, (struct sockaddr *)&from, &len);

		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return false;
		if (n < 0 && (errno == EBADF || errno == ENOTSOCK))
			return false;
		if (n != PF_PUNCH_BYTES || memcmp(buf, PF_PUNCH_MAGIC, PF_PUNCH_BYTES) ||
			!pf_udp_same_ip(&from, peer))
			continue;
		*source = from;
		return true;
	}
	return false;
}

int pf_udp_wait_punch(int fd, int stop_fd, const struct sockaddr_storage *peer,
	uint64_t deadline_ns, struct sockaddr_storage *source)
{
	for (;;) {
		struct pollfd p[2] = { { .fd = fd, .events = POLLIN },
			{ .fd = stop_fd, .events = POLLIN } };
		uint64_t now = pf_clock_mono_ns();

		if (now >= deadline_ns)
			return -ETIMEDOUT;
		if (poll(p, 2, (int)((deadline_ns - now) / PF_NS_PER_MS) + 1) < 0 && errno != EINTR)
			return -errno;
		if (p[1].revents)
			return -ECANCELED;
		if (take_punch(fd, peer, source))
			return 0;
	}
}
