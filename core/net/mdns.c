/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/net/mdns.h"
#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "core/wire/mdns.h"

#define GROUP_V4       "224.0.0.251"
#define GROUP_V6       "ff02::fb"
#define INTERFACES_MAX 32u
#define HOPS	       255 /* RFC 6762 11: shows that nothing forwarded it */

enum { GROUP, OWN_V4, OWN_V6, SOCKETS };

struct pf_mdns_net {
	int fds[SOCKETS]; /* -1 = could not be had */
	unsigned indices[INTERFACES_MAX];
	unsigned count;
	uint8_t packet[PF_MDNS_BYTES];
};

/* Every interface once, whatever addresses it has. */
static void list_interfaces(struct pf_mdns_net *n)
{
	struct ifaddrs *list;

	if (getifaddrs(&list))
		return;
	for (const struct ifaddrs *a = list; a && n->count < INTERFACES_MAX; a = a->ifa_next) {
		unsigned index, i = 0;

		if (!a->ifa_addr || !(a->ifa_flags & IFF_UP) || !(a->ifa_flags & IFF_MULTICAST) ||
			(a->ifa_addr->sa_family != AF_INET && a->ifa_addr->sa_family != AF_INET6))
			continue;
		index = if_nametoindex(a->ifa_name);
		while (i < n->count && n->indices[i] != index)
			i++;
		if (index && i == n->count)
			n->indices[n->count++] = index;
	}
	freeifaddrs(list);
}

static int open_socket(int family)
{
	const int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const int hops = HOPS, one = 1;

	if (fd < 0)
		return -1;
	if (family == AF_INET) {
		(void)setsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &hops, sizeof(hops));
		(void)setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &one, sizeof(one));
	} else {
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof(hops));
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &one, sizeof(one));
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	}
	return fd;
}

/* Bound to the group's address, not to any: what is sent to this machine alone is for
 * the system's responder. */
static int open_group(const struct pf_mdns_net *n)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(PF_MDNS_PORT) };
	const int fd = open_socket(AF_INET), one = 1;
	bool joined = false;

	if (fd < 0)
		return -1;
	inet_pton(AF_INET, GROUP_V4, &at.sin_addr);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
	for (unsigned i = 0; i < n->count; i++) {
		const struct ip_mreqn m = { .imr_multiaddr = at.sin_addr,
			.imr_ifindex = (int)n->indices[i] };

		joined |= !setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof(m));
	}
	if (joined && !bind(fd, (struct sockaddr *)&at, sizeof(at)))
		return fd;
	close(fd);
	return -1;
}

int pf_mdns_net_open(struct pf_mdns_net **out)
{
	struct pf_mdns_net *n = calloc(1, sizeof(*n));

	if (!n)
		return -ENOMEM;
	list_interfaces(n);
	n->fds[GROUP] = open_group(n);
	n->fds[OWN_V4] = open_socket(AF_INET);
	n->fds[OWN_V6] = open_socket(AF_INET6);
	if (!n->count || (n->fds[OWN_V4] < 0 && n->fds[OWN_V6] < 0)) {
		pf_mdns_net_close(n);
		return -EHOSTUNREACH;
	}
	*out = n;
	return 0;
}

void pf_mdns_net_close(struct pf_mdns_net *n)
{
	if (!n)
		return;
	for (unsigned i = 0; i < SOCKETS; i++)
		if (n->fds[i] >= 0)
			close(n->fds[i]);
	free(n);
}

/* ---- sending ---- */

static int ask_v4(int fd, unsigned index, const uint8_t *query, size_t len)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(PF_MDNS_PORT) };
	_Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(struct in_pktinfo))] = { 0 };
	const struct in_pktinfo info = { .ipi_ifindex = (int)index };
	struct iovec iov = { (void *)query, len };
	struct msghdr m = { .msg_name = &to,
		.msg_namelen = sizeof(to),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	inet_pton(AF_INET, GROUP_V4, &to.sin_addr);
	c->cmsg_level = IPPROTO_IP;
	c->cmsg_type = IP_PKTINFO;
	c->cmsg_len = CMSG_LEN(sizeof(info));
	memcpy(CMSG_DATA(c), &info, sizeof(info));
	return sendmsg(fd, &m, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int ask_v6(int fd, unsigned index, const uint8_t *query, size_t len)
{
	struct sockaddr_in6 to = {
		.sin6_family = AF_INET6, .sin6_port = htons(PF_MDNS_PORT), .sin6_scope_id = index
	};

	inet_pton(AF_INET6, GROUP_V6, &to.sin6_addr);
	return sendto(fd, query, len, MSG_NOSIGNAL, (struct sockaddr *)&to, sizeof(to)) < 0 ? -errno
											    : 0;
}

int pf_mdns_net_ask(struct pf_mdns_net *n, const uint8_t *query, size_t len)
{
	int r = -EHOSTUNREACH;
	bool left = false;

	for (unsigned s = 0; s < SOCKETS; s++)
		for (unsigned i = 0; n->fds[s] >= 0 && i < n->count; i++) {
			const int e = s == OWN_V6 ? ask_v6(n->fds[s], n->indices[i], query, len)
						  : ask_v4(n->fds[s], n->indices[i], query, len);

			left |= !e;
			r = e ? e : r;
		}
	return left ? 0 : r;
}

/* ---- receiving ---- */

static unsigned interface_of(struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		struct in_pktinfo v4;
		struct in6_pktinfo v6;

		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			memcpy(&v4, CMSG_DATA(c), sizeof(v4));
			return (unsigned)v4.ipi_ifindex;
		}
		if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			memcpy(&v6, CMSG_DATA(c), sizeof(v6));
			return v6.ipi6_ifindex;
		}
	}
	return 0;
}

static int take(struct pf_mdns_net *n, int fd, char zone[16])
{
	_Alignas(struct cmsghdr) uint8_t control[128];
	struct iovec iov = { n->packet, sizeof(n->packet) };
	struct msghdr m = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control) };
	char name[IF_NAMESIZE] = "";
	const ssize_t len = recvmsg(fd, &m, MSG_DONTWAIT);

	if (len < 0)
		return -errno;
	if (!if_indextoname(interface_of(&m), name))
		name[0] = 0;
	memcpy(zone, name, IF_NAMESIZE);
	return (int)len;
}

int pf_mdns_net_receive(
	struct pf_mdns_net *n, uint64_t deadline_ns, const uint8_t **data, char zone[16])
{
	_Static_assert(IF_NAMESIZE == 16, "zone");
	struct pollfd fds[SOCKETS];

	for (;;) {
		const uint64_t now = pf_clock_mono_ns();

		if (now >= deadline_ns)
			return -ETIMEDOUT;
		for (unsigned i = 0; i < SOCKETS; i++)
			fds[i] = (struct pollfd){ n->fds[i], POLLIN, 0 };
		if (poll(fds, SOCKETS, (int)((deadline_ns - now) / PF_NS_PER_MS) + 1) < 0 &&
			errno != EINTR)
			return -errno;
		for (unsigned i = 0; i < SOCKETS; i++) {
			/* An ICMP error is read away like a packet. */
			const int len = fds[i].revents ? take(n, n->fds[i], zone) : -EAGAIN;

			if (len > 0) {
				*data = n->packet;
				return len;
			}
		}
	}
}
