/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/gamestream/rtsp_server.h"
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <systemd/sd-event.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "core/crypto/secret.h"
#include "core/wire/gs_rtsp.h"
#include "host/sys/listen.h"

struct pf_gs_rtsp_conn {
	struct pf_gs_rtsp_server *server;
	struct pf_gs_rtsp_conn *next;
	struct sockaddr_in peer;
	int fd;
	sd_event_source *source;
	struct pf_timer *timer;
	bool asked;    /* the message is with the owner */
	bool answered; /* `buf` is on its way out */
	size_t len, sent;
	uint8_t buf[PF_GS_RTSP_MAX + PF_GS_RTSP_SEAL_BYTES];
};

struct pf_gs_rtsp_server {
	struct pf_loop *loop;
	const struct pf_gs_rtsp_events *events;
	void *user;
	int fd;
	sd_event_source *source;
	struct pf_timer *pause; /* no descriptors were left: when to look again */
	struct pf_gs_rtsp_conn *conns;
};

#define PAUSE_NS (200 * PF_NS_PER_MS)

static void conn_free(struct pf_gs_rtsp_conn *c)
{
	struct pf_gs_rtsp_conn **p = &c->server->conns;

	while (*p && *p != c)
		p = &(*p)->next;
	if (*p)
		*p = c->next;
	pf_timer_stop(&c->timer);
	sd_event_source_disable_unref(c->source);
	if (c->fd >= 0)
		close(c->fd);
	/* Plain messages carry session ids. */
	pf_secret_wipe(c->buf, sizeof(c->buf));
	free(c);
}

/* Ends it from our side; tells the owner when it still waits. */
static void conn_end(struct pf_gs_rtsp_conn *c)
{
	if (c->asked && !c->answered)
		c->server->events->gone(c->server->user, c);
	conn_free(c);
}

static void on_late(void *user)
{
	conn_end(user);
}

static int restart_timer(struct pf_gs_rtsp_conn *c, uint64_t ms)
{
	pf_timer_stop(&c->timer);
	return pf_timer_start(&c->timer, c->server->loop, ms * PF_NS_PER_MS, on_late, c);
}

/* Sends what waits; ends the connection when all is out or nothing goes. */
static void push(struct pf_gs_rtsp_conn *c)
{
	while (c->sent < c->len) {
		ssize_t n = send(c->fd, c->buf + c->sent, c->len - c->sent, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			if (sd_event_source_set_io_events(c->source, EPOLLOUT) < 0)
				break;
			return;
		}
		if (n <= 0)
			break;
		c->sent += (size_t)n;
	}
	(void)shutdown(c->fd, SHUT_WR);
	conn_free(c);
}

void pf_gs_rtsp_answer(struct pf_gs_rtsp_conn *c, const void *data, size_t len)
{
	c->answered = true;
	if (len > sizeof(c->buf) || restart_timer(c, PF_GS_RTSP_PATIENCE_MS)) {
		conn_free(c);
		return;
	}
	memcpy(c->buf, data, len);
	c->len = len;
	c->sent = 0;
	push(c);
}

void pf_gs_rtsp_drop(struct pf_gs_rtsp_conn *c)
{
	conn_free(c);
}

const struct sockaddr_in *pf_gs_rtsp_peer(const struct pf_gs_rtsp_conn *c)
{
	return &c->peer;
}

/* 0 when a whole message is there, -EAGAIN when more must come, else it is none. */
static int is_whole(const struct pf_gs_rtsp_conn *c)
{
	struct pf_gs_rtsp_request q;
	int want;

	if (!c->len)
		return -EAGAIN;
	if (pf_gs_rtsp_is_sealed(c->buf[0])) {
		want = pf_gs_rtsp_sealed_bytes(c->buf, c->len);
		if (want < 0)
			return want;
		return c->len < (size_t)want ? -EAGAIN : c->len > (size_t)want ? -EPROTO : 0;
	}
	return pf_gs_rtsp_parse(&q, c->buf, c->len);
}

static int on_conn(sd_event_source *source, int fd, uint32_t events, void *user)
{
	struct pf_gs_rtsp_conn *c = user;
	ssize_t n;
	int r;

	if (c->answered) {
		push(c);
		return 0;
	}
	if (c->asked) {
		/* A half-closed client still reads; one that sends on is none. */
		if (!(events & (EPOLLHUP | EPOLLERR)) && !recv(fd, &(char){ 0 }, 1, MSG_PEEK) &&
			sd_event_source_set_io_events(source, 0) >= 0)
			return 0;
		conn_end(c);
		return 0;
	}
	n = recv(fd, c->buf + c->len, sizeof(c->buf) - c->len, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		conn_end(c);
		return 0;
	}
	c->len += (size_t)n;
	r = is_whole(c);
	if (r == -EAGAIN && c->len < sizeof(c->buf))
		return 0;
	if (r || restart_timer(c, PF_GS_RTSP_ANSWER_MS)) {
		conn_end(c);
		return 0;
	}
	c->asked = true;
	c->server->events->message(c->server->user, c, c->buf, c->len);
	return 0;
}

static bool has_room(const struct pf_gs_rtsp_server *s, const struct sockaddr_in *peer)
{
	unsigned all = 0, same = 0;

	for (const struct pf_gs_rtsp_conn *c = s->conns; c; c = c->next) {
		all++;
		same += c->peer.sin_addr.s_addr == peer->sin_addr.s_addr;
	}
	return all < PF_GS_RTSP_CONNS && same < PF_GS_RTSP_CONNS_PER_IP;
}

static void on_pause_over(void *user)
{
	struct pf_gs_rtsp_server *s = user;

	pf_timer_stop(&s->pause);
	(void)sd_event_source_set_enabled(s->source, SD_EVENT_ON);
}

/* The connection stays in the queue, and the loop would spin on it. */
static void pause_accept(struct pf_gs_rtsp_server *s)
{
	if (!s->pause && !pf_timer_start(&s->pause, s->loop, PAUSE_NS, on_pause_over, s))
		(void)sd_event_source_set_enabled(s->source, SD_EVENT_OFF);
}

static int on_accept(sd_event_source *source, int fd, uint32_t events, void *user)
{
	struct pf_gs_rtsp_server *s = user;
	struct sockaddr_in peer = { 0 };
	socklen_t len = sizeof(peer);
	struct pf_gs_rtsp_conn *c;
	int conn = accept4(fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (conn < 0) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
			pause_accept(s);
		return 0;
	}
	c = has_room(s, &peer) ? calloc(1, sizeof(*c)) : NULL;
	if (!c) {
		close(conn);
		return 0;
	}
	c->server = s;
	c->fd = conn;
	c->peer = peer;
	c->next = s->conns;
	s->conns = c;
	if (sd_event_add_io(pf_loop_event(s->loop), &c->source, conn, EPOLLIN, on_conn, c) < 0 ||
		restart_timer(c, PF_GS_RTSP_PATIENCE_MS))
		conn_free(c);
	return 0;
}

int pf_gs_rtsp_server_open(struct pf_gs_rtsp_server **out, struct pf_loop *loop,
	const char *address, uint16_t port, const struct pf_gs_rtsp_events *events, void *user,
	struct pf_reason *why)
{
	struct pf_gs_rtsp_server *s = calloc(1, sizeof(*s));
	int r = 0;

	if (!s)
		return pf_reason_set(why, -ENOMEM, "out of memory");
	*s = (struct pf_gs_rtsp_server){ .loop = loop, .events = events, .user = user, .fd = -1 };
	/* Sessions are matched by IPv4 addresses. */
	r = inet_pton(AF_INET, address, &(struct in_addr){ 0 }) == 1
		    ? pf_tcp_listen(address, &port, PF_GS_RTSP_CONNS, &s->fd)
		    : -EINVAL;
	if (!r)
		r = sd_event_add_io(pf_loop_event(loop), &s->source, s->fd, EPOLLIN, on_accept, s);
	if (r < 0) {
		pf_reason_set(why, r, "cannot listen on TCP port %u of %s: %s", port, address,
			strerror(-r));
		pf_gs_rtsp_server_close(s);
		return r;
	}
	*out = s;
	return 0;
}

void pf_gs_rtsp_server_close(struct pf_gs_rtsp_server *s)
{
	if (!s)
		return;
	while (s->conns)
		conn_free(s->conns);
	pf_timer_stop(&s->pause);
	sd_event_source_disable_unref(s->source);
	if (s->fd >= 0)
		close(s->fd);
	free(s);
}
