/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/gamestream/ports.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <systemd/sd-event.h>
#include <unistd.h>
#include "core/net/udp.h"

/* Pings taken in one turn of the loop: a flood leaves it time for others. */
#define TURN_MAX 32

struct pf_gs_port {
	int fd;
	uint16_t port;
	struct pf_loop *loop;
	sd_event_source *source;
	pf_gs_ping_fn *on_ping;
	void *user;
	uint64_t strays;
};

struct pf_gs_ear {
	struct pf_gs_port *port;
	int fd;
	sd_event_source *source;
};

static int open_socket(const struct sockaddr_in *local, int *out)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), err;

	if (fd < 0)
		return -errno;
	/* SO_REUSEPORT and not SO_REUSEADDR: sharing asks for the same user. */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &(int){ 1 }, sizeof(int)) ||
		bind(fd, (const struct sockaddr *)local, sizeof(*local))) {
		err = -errno;
		close(fd);
		return err;
	}
	*out = fd;
	return 0;
}

/* Whether somebody, us included, has the port already: SO_REUSEPORT would share
 * it with another host of the same user without a word. */
static int check_free(const struct sockaddr_in *local)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), err = 0;

	if (fd < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)local, sizeof(*local)))
		err = -errno;
	close(fd);
	return err;
}

int pf_gs_port_refused(struct pf_reason *why, int r, const char *address, uint16_t port)
{
	if (r == -EADDRINUSE)
		return pf_reason_set(why, r,
			"UDP port %u of %s is in use: end the other program (does Sunshine run?) "
			"or set gamestream_port",
			port, address);
	return pf_reason_set(
		why, r, "cannot open UDP port %u of %s: %s", port, address, strerror(-r));
}

static const struct in_pktinfo *packet_info(struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO)
			return (const struct in_pktinfo *)CMSG_DATA(c);
	return NULL;
}

/* One datagram of the port's or of an ear's. -EAGAIN when none waits. */
static int take(struct pf_gs_port *p, int fd)
{
	uint8_t data[PF_GS_PING_BYTES + 1];
	struct pf_gs_ping ping;
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct in_pktinfo))];
	struct pf_gs_path path = { 0 };
	struct iovec v = { data, sizeof(data) };
	struct msghdr m = {
		.msg_name = &path.peer,
		.msg_namelen = sizeof(path.peer),
		.msg_iov = &v,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(fd, &m, 0);
	const struct in_pktinfo *info;

	if (n < 0)
		return errno == EAGAIN ? -EAGAIN : 0; /* ICMP errors say nothing */
	info = packet_info(&m);
	if (pf_gs_ping_parse(&ping, data, (size_t)n) || !info || !path.peer.sin_port) {
		p->strays++;
		return 0;
	}
	path.local.sin_family = AF_INET;
	path.local.sin_addr = info->ipi_addr;
	path.local.sin_port = htons(p->port);
	p->on_ping(p->user, &ping, &path);
	return 0;
}

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *user)
{
	struct pf_gs_port *p = user;

	for (unsigned i = 0; i < TURN_MAX && !take(p, fd); i++)
		;
	return 0;
}

static int on_heard(sd_event_source *source, int fd, uint32_t events, void *user)
{
	struct pf_gs_ear *e = user;

	/* Once in a turn: the session behind it may close the ear. */
	(void)take(e->port, fd);
	return 0;
}

int pf_gs_port_open(struct pf_gs_port **out, struct pf_loop *loop, const char *address,
	uint16_t port, pf_gs_ping_fn *on_ping, void *user, struct pf_reason *why)
{
	struct sockaddr_in local = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct pf_gs_port *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return pf_reason_set(why, -ENOMEM, "out of memory");
	*p = (struct pf_gs_port){
		.fd = -1, .port = port, .loop = loop, .on_ping = on_ping, .user = user
	};
	r = inet_pton(AF_INET, address, &local.sin_addr) == 1 ? 0 : -EINVAL;
	if (!r)
		r = check_free(&local);
	if (!r)
		r = open_socket(&local, &p->fd);
	if (!r && setsockopt(p->fd, IPPROTO_IP, IP_PKTINFO, &(int){ 1 }, sizeof(int)))
		r = -errno;
	if (!r)
		r = sd_event_add_io(
			pf_loop_event(loop), &p->source, p->fd, EPOLLIN, on_readable, p);
	if (r < 0) {
		pf_gs_port_refused(why, r, address, port);
		pf_gs_port_close(p);
		return r;
	}
	*out = p;
	return 0;
}

void pf_gs_port_close(struct pf_gs_port *p)
{
	if (!p)
		return;
	sd_event_source_disable_unref(p->source);
	if (p->fd >= 0)
		close(p->fd);
	free(p);
}

int pf_gs_port_connect(const struct pf_gs_port *p, const struct pf_gs_path *path, int *fd)
{
	int r = open_socket(&path->local, fd);

	if (r)
		return r;
	if (connect(*fd, (const struct sockaddr *)&path->peer, sizeof(path->peer))) {
		r = -errno;
		close(*fd);
		return r;
	}
	pf_udp_grow_buffers(*fd);
	return 0;
}

int pf_gs_ear_open(struct pf_gs_ear **out, struct pf_gs_port *p, int fd)
{
	struct pf_gs_ear *e = calloc(1, sizeof(*e));
	int r = 0;

	if (!e)
		return -ENOMEM;
	e->port = p;
	e->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (e->fd < 0 || setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &(int){ 1 }, sizeof(int)))
		r = -errno;
	if (!r)
		r = sd_event_add_io(
			pf_loop_event(p->loop), &e->source, e->fd, EPOLLIN, on_heard, e);
	if (r < 0) {
		pf_gs_ear_close(&e);
		return r;
	}
	*out = e;
	return 0;
}

void pf_gs_ear_close(struct pf_gs_ear **ear)
{
	struct pf_gs_ear *e = *ear;

	*ear = NULL;
	if (!e)
		return;
	sd_event_source_disable_unref(e->source);
	if (e->fd >= 0)
		close(e->fd);
	free(e);
}

uint64_t pf_gs_port_strays(const struct pf_gs_port *p)
{
	return p->strays;
}
