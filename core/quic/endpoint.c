/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/quic/endpoint.h"
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "core/crypto/secret.h"
#include "core/quic/conn.h"

#define IDLE_DEFAULT_MS 8000
#define IDLE_MIN_MS	1000
#define IDLE_MAX_MS	3600000
#define SOCKET_BYTES	(1024 * 1024)
/* Packets read before timers and writes get their turn. */
#define RX_ROUND 64
/* Beyond this many unfinished handshakes, in all or of its address, a client must
 * prove that address first (Retry): forged sources cannot fill the table, nor lock
 * out who really has the address. */
#define RETRY_ABOVE	 (PF_QUIC_HALF_OPEN_MAX / 2)
#define RETRY_ABOVE_HERE (PF_QUIC_HALF_OPEN_PER_ADDR / 2)
#define RETRY_VALID_NS	 (10 * PF_NS_PER_S)
#define LINGERING_MAX	 256
#define RESET_GAP_NS	 (10 * PF_NS_PER_MS)
/* How long destroy waits so that the first copies of close frames leave. */
#define DESTROY_LINGER_NS (30 * PF_NS_PER_MS)
/* A stateless reset must look like any packet and be smaller than its cause. */
#define RESET_RANDOM_BYTES 23

/* ---- addresses ---- */

static bool same_host(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	if (a->ss_family != b->ss_family)
		return false;
	if (a->ss_family == AF_INET)
		return ((const struct sockaddr_in *)a)->sin_addr.s_addr ==
		       ((const struct sockaddr_in *)b)->sin_addr.s_addr;
	return memcmp(&((const struct sockaddr_in6 *)a)->sin6_addr,
		       &((const struct sockaddr_in6 *)b)->sin6_addr, sizeof(struct in6_addr)) == 0;
}

static int parse_bind(const struct pf_quic_params *p, struct sockaddr_storage *out, socklen_t *len)
{
	const char *text = p->bind_address ? p->bind_address : "0.0.0.0";
	struct sockaddr_in *in4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;

	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, text, &in4->sin_addr) == 1) {
		in4->sin_family = AF_INET;
		in4->sin_port = htons(p->port);
		*len = sizeof(*in4);
		return 0;
	}
	if (inet_pton(AF_INET6, text, &in6->sin6_addr) == 1) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(p->port);
		*len = sizeof(*in6);
		return 0;
	}
	return -EINVAL;
}

/* ---- sending ---- */

union control {
	struct cmsghdr align;
	uint8_t buf[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

/* Answers leave from the address the client spoke to: a host may have several,
 * and a client's connected socket takes no other. */
static void set_source(struct msghdr *msg, union control *ctl, const ngtcp2_addr *local)
{
	struct cmsghdr *cm;

	memset(ctl, 0, sizeof(*ctl));
	msg->msg_control = ctl->buf;
	cm = (struct cmsghdr *)ctl->buf;
	if (((const struct sockaddr *)local->addr)->sa_family == AF_INET) {
		struct in_pktinfo info = {
			.ipi_spec_dst = ((const struct sockaddr_in *)local->addr)->sin_addr
		};

		cm->cmsg_level = IPPROTO_IP;
		cm->cmsg_type = IP_PKTINFO;
		cm->cmsg_len = CMSG_LEN(sizeof(info));
		memcpy(CMSG_DATA(cm), &info, sizeof(info));
		msg->msg_controllen = CMSG_SPACE(sizeof(info));
	} else {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)local->addr;
		struct in6_pktinfo info = { .ipi6_addr = in6->sin6_addr,
			.ipi6_ifindex = in6->sin6_scope_id };

		cm->cmsg_level = IPPROTO_IPV6;
		cm->cmsg_type = IPV6_PKTINFO;
		cm->cmsg_len = CMSG_LEN(sizeof(info));
		memcpy(CMSG_DATA(cm), &info, sizeof(info));
		msg->msg_controllen = CMSG_SPACE(sizeof(info));
	}
}

int pf_quic_tx(struct pf_quic *q, const ngtcp2_path *path, const uint8_t *pkt, size_t len)
{
	struct iovec iov = { (void *)pkt, len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	union control ctl;
	ssize_t n;

	if (q->server) {
		msg.msg_name = (void *)path->remote.addr;
		msg.msg_namelen = path->remote.addrlen;
		set_source(&msg, &ctl, &path->local);
	}
	do
		n = sendmsg(q->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	atomic_fetch_add_explicit(&q->packets_out, 1, memory_order_relaxed);
	return n < 0 ? -errno : 0;
}

/* ---- first packets ---- */

static void answer_version(
	struct pf_quic *q, const ngtcp2_version_cid *vc, const ngtcp2_path *path, size_t pkt_len)
{
	static const uint32_t versions[] = { NGTCP2_PROTO_VER_V1 };
	uint8_t buf[128], rnd;
	ngtcp2_ssize n;

	if (pkt_len < NGTCP2_MAX_UDP_PAYLOAD_SIZE || pf_random_bytes(&rnd, 1) < 0)
		return;
	n = ngtcp2_pkt_write_version_negotiation(
		buf, sizeof(buf), rnd, vc->scid, vc->scidlen, vc->dcid, vc->dcidlen, versions, 1);
	if (n > 0)
		pf_quic_tx(q, path, buf, (size_t)n);
}

/* A packet of a connection we no longer know: the peer learns it at once instead
 * of waiting for its idle time-out. */
static void answer_reset(struct pf_quic *q, const ngtcp2_version_cid *vc, const ngtcp2_path *path,
	size_t pkt_len, uint64_t now)
{
	uint8_t token[NGTCP2_STATELESS_RESET_TOKENLEN], rnd[RESET_RANDOM_BYTES], buf[64];
	ngtcp2_cid cid;
	ngtcp2_ssize n;

	if (pkt_len <= RESET_RANDOM_BYTES + sizeof(token) || now < q->reset_tokens_ns)
		return;
	q->reset_tokens_ns = now + RESET_GAP_NS;
	ngtcp2_cid_init(&cid, vc->dcid, vc->dcidlen);
	if (ngtcp2_crypto_generate_stateless_reset_token(
		    token, q->reset_secret, sizeof(q->reset_secret), &cid) != 0 ||
		pf_random_bytes(rnd, sizeof(rnd)) < 0)
		return;
	n = ngtcp2_pkt_write_stateless_reset(buf, sizeof(buf), token, rnd, sizeof(rnd));
	if (n > 0 && pf_quic_tx(q, path, buf, (size_t)n) == 0)
		atomic_fetch_add(&q->resets, 1);
}

static void answer_retry(
	struct pf_quic *q, const ngtcp2_pkt_hd *hd, const ngtcp2_path *path, uint64_t now)
{
	uint8_t token[NGTCP2_CRYPTO_MAX_RETRY_TOKENLEN], buf[256], raw[PF_QUIC_SCID_LEN];
	ngtcp2_ssize token_len, n;
	ngtcp2_cid scid;

	if (pf_random_bytes(raw, sizeof(raw)) < 0)
		return;
	ngtcp2_cid_init(&scid, raw, sizeof(raw));
	token_len = ngtcp2_crypto_generate_retry_token(token, q->token_secret,
		sizeof(q->token_secret), hd->version, path->remote.addr, path->remote.addrlen,
		&scid, &hd->dcid, now);
	if (token_len < 0)
		return;
	n = ngtcp2_crypto_write_retry(buf, sizeof(buf), hd->version, &hd->scid, &scid, &hd->dcid,
		token, (size_t)token_len);
	if (n > 0 && pf_quic_tx(q, path, buf, (size_t)n) == 0)
		atomic_fetch_add(&q->retries, 1);
}

struct census {
	unsigned half_open, half_open_here, open;
};

static struct census count(const struct pf_quic *q, const struct sockaddr_storage *from)
{
	struct census n = { 0 };

	for (const struct pf_quic_conn *c = q->conns; c; c = c->next) {
		if (c->state == PF_CONN_HANDSHAKE || (c->state == PF_CONN_OPEN && !c->settled)) {
			n.half_open++;
			n.half_open_here += same_host(&c->peer.addr, from);
		} else if (c->state == PF_CONN_OPEN) {
			n.open++;
		}
	}
	return n;
}

static void add_conn(struct pf_quic *q, struct pf_quic_conn *c)
{
	c->next = q->conns;
	q->conns = c;
}

static struct pf_quic_conn *first_packet(
	struct pf_quic *q, const ngtcp2_path *path, const uint8_t *pkt, size_t len, uint64_t now)
{
	struct pf_quic_conn *c = NULL;
	struct census n;
	ngtcp2_cid odcid;
	ngtcp2_pkt_hd hd;
	const uint8_t *token;
	size_t token_len;
	bool proven = false;

	if (ngtcp2_accept(&hd, pkt, len) != 0 || len < NGTCP2_MAX_UDP_PAYLOAD_SIZE) {
		atomic_fetch_add(&q->ignored, 1);
		return NULL;
	}
	n = count(q, (const struct sockaddr_storage *)path->remote.addr);
	if (n.half_open >= PF_QUIC_HALF_OPEN_MAX ||
		n.half_open_here >= PF_QUIC_HALF_OPEN_PER_ADDR ||
		n.half_open + n.open >= PF_QUIC_CONNECTIONS_MAX) {
		atomic_fetch_add(&q->refused, 1);
		return NULL;
	}
	token = pf_ng_hd_token(&hd, &token_len);
	if (token_len && token[0] == NGTCP2_CRYPTO_TOKEN_MAGIC_RETRY)
		proven = ngtcp2_crypto_verify_retry_token(&odcid, token, token_len, q->token_secret,
				 sizeof(q->token_secret), hd.version, path->remote.addr,
				 path->remote.addrlen, &hd.dcid, RETRY_VALID_NS, now) == 0;
	if (!proven && (n.half_open >= RETRY_ABOVE || n.half_open_here >= RETRY_ABOVE_HERE)) {
		answer_retry(q, &hd, path, now);
		return NULL;
	}
	if (pf_conn_accept(q, &hd, path, proven ? &odcid : NULL, now, &c) < 0) {
		atomic_fetch_add(&q->refused, 1);
		return NULL;
	}
	atomic_fetch_add(&q->accepted, 1);
	add_conn(q, c);
	return c;
}

/* ---- receiving ---- */

static void on_packet(
	struct pf_quic *q, const ngtcp2_path *path, const uint8_t *pkt, size_t len, uint64_t now)
{
	struct pf_quic_conn *c;
	ngtcp2_version_cid vc;
	int err;

	atomic_fetch_add_explicit(&q->packets_in, 1, memory_order_relaxed);
	err = ngtcp2_pkt_decode_version_cid(&vc, pkt, len, PF_QUIC_SCID_LEN);
	if (err) {
		atomic_fetch_add(&q->ignored, 1);
		if (err == NGTCP2_ERR_VERSION_NEGOTIATION && q->server)
			answer_version(q, &vc, path, len);
		return;
	}
	c = pf_cidmap_find(&q->cids, vc.dcid, vc.dcidlen);
	if (!c && !q->server) {
		/* A stateless reset carries an ID of the host's making. */
		c = q->conns;
	} else if (!c) {
		if (vc.version) {
			c = first_packet(q, path, pkt, len, now);
		} else {
			atomic_fetch_add(&q->ignored, 1);
			answer_reset(q, &vc, path, len, now);
		}
	}
	if (c)
		pf_conn_read(c, path, pkt, len, now);
}

static void local_of(const struct pf_quic *q, struct msghdr *msg, struct sockaddr_storage *local)
{
	*local = q->local;
	for (struct cmsghdr *cm = CMSG_FIRSTHDR(msg); cm; cm = CMSG_NXTHDR(msg, cm)) {
		if (cm->cmsg_level == IPPROTO_IP && cm->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;

			memcpy(&info, CMSG_DATA(cm), sizeof(info));
			((struct sockaddr_in *)local)->sin_addr = info.ipi_addr;
		} else if (cm->cmsg_level == IPPROTO_IPV6 && cm->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;

			memcpy(&info, CMSG_DATA(cm), sizeof(info));
			((struct sockaddr_in6 *)local)->sin6_addr = info.ipi6_addr;
			if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
				((struct sockaddr_in6 *)local)->sin6_scope_id = info.ipi6_ifindex;
		}
	}
}

static void receive(struct pf_quic *q)
{
	for (unsigned i = 0; i < RX_ROUND; i++) {
		struct sockaddr_storage from, local;
		uint8_t pkt[PF_QUIC_BUF];
		union control ctl;
		struct iovec iov = { pkt, sizeof(pkt) };
		struct msghdr msg = { .msg_name = &from,
			.msg_namelen = sizeof(from),
			.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = ctl.buf,
			.msg_controllen = sizeof(ctl.buf) };
		ngtcp2_path path;
		ssize_t n = recvmsg(q->fd, &msg, MSG_DONTWAIT);

		if (n < 0) {
			int err = -errno;

			if (err == -EAGAIN || err == -EWOULDBLOCK)
				return;
			if (!q->server && q->conns)
				pf_conn_socket_error(q->conns, err, pf_clock_mono_ns());
			continue;
		}
		if (!n || msg.msg_flags & MSG_TRUNC)
			continue;
		local_of(q, &msg, &local);
		path = (ngtcp2_path){
			.local = { .addr = (ngtcp2_sockaddr *)&local, .addrlen = q->local_len },
			.remote = { .addr = (ngtcp2_sockaddr *)&from, .addrlen = msg.msg_namelen },
		};
		on_packet(q, &path, pkt, (size_t)n, pf_clock_mono_ns());
	}
}

/* ---- the loop ---- */

static uint64_t run_all(struct pf_quic *q, uint64_t now)
{
	struct pf_quic_conn **p = &q->conns;
	struct pf_quic_conn *oldest = NULL;
	uint64_t due = UINT64_MAX;

	while (*p) {
		struct pf_quic_conn *c = *p;
		uint64_t at;

		pf_conn_run(c, now);
		if (c->state == PF_CONN_DEAD) {
			*p = c->next;
			pf_conn_drop(c);
			continue;
		}
		if (c->state == PF_CONN_LINGER && (!oldest || c->closed_ns < oldest->closed_ns))
			oldest = c;
		at = pf_conn_due(c);
		if (at < due)
			due = at;
		p = &c->next;
	}
	if (q->lingering > LINGERING_MAX && oldest) {
		oldest->linger_end_ns = now;
		due = 0;
	}
	return due;
}

static void wait_until(struct pf_quic *q, uint64_t due)
{
	struct pollfd fds[2] = {
		{ .fd = q->fd, .events = POLLIN },
		{ .fd = q->wake->fd, .events = POLLIN },
	};
	uint64_t now = pf_clock_mono_ns();
	uint64_t wait = due > now ? due - now : 0;
	struct timespec ts = { .tv_sec = (time_t)(wait / PF_NS_PER_S),
		.tv_nsec = (long)(wait % PF_NS_PER_S) };

	if (ppoll(fds, 2, due == UINT64_MAX ? NULL : &ts, NULL) <= 0)
		return;
	if (fds[1].revents)
		pf_wake_drain(q->wake);
	if (fds[0].revents)
		receive(q);
}

/* Closes what is open and stays until the first copies of the frames left. */
static void wind_down(struct pf_quic *q)
{
	uint64_t now = pf_clock_mono_ns(), end = now;

	for (struct pf_quic_conn *c = q->conns; c; c = c->next)
		pf_quic_conn_close(c, 0, NULL);
	run_all(q, now);
	for (struct pf_quic_conn *c = q->conns; c; c = c->next)
		if (c->close_pkt && c->closed_ns + DESTROY_LINGER_NS > end)
			end = c->closed_ns + DESTROY_LINGER_NS;
	while (now < end) {
		uint64_t due = run_all(q, now);

		wait_until(q, due < end ? due : end);
		now = pf_clock_mono_ns();
	}
	while (q->conns) {
		struct pf_quic_conn *c = q->conns;

		q->conns = c->next;
		c->state = PF_CONN_DEAD;
		pf_conn_drop(c);
	}
}

static void *loop(void *arg)
{
	struct pf_quic *q = arg;

	while (!atomic_load(&q->stop))
		wait_until(q, run_all(q, pf_clock_mono_ns()));
	wind_down(q);
	return NULL;
}

static int start_thread(struct pf_quic *q)
{
	sigset_t all, old;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = -pthread_create(&q->thread, NULL, loop, q);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (!err) {
		q->thread_started = true;
		pthread_setname_np(q->thread, "pf-quic");
	}
	return err;
}

/* ---- making and unmaking ---- */

static int open_socket(struct pf_quic *q, int family, struct pf_reason *why)
{
	int on = 1, bytes = SOCKET_BYTES, probe = IP_PMTUDISC_PROBE;

	q->fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (q->fd < 0)
		return pf_reason_set(why, -errno, "cannot open a UDP socket: %m");
	setsockopt(q->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	setsockopt(q->fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	/* Path MTU discovery is QUIC's: no fragments, no kernel opinion. */
	if (family == AF_INET) {
		setsockopt(q->fd, IPPROTO_IP, IP_MTU_DISCOVER, &probe, sizeof(probe));
		if (q->server)
			setsockopt(q->fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
	} else {
		probe = IPV6_PMTUDISC_PROBE;
		setsockopt(q->fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &probe, sizeof(probe));
		if (q->server)
			setsockopt(q->fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
	}
	return 0;
}

static uint32_t clamp_idle(uint32_t ms)
{
	if (!ms)
		return IDLE_DEFAULT_MS;
	if (ms < IDLE_MIN_MS)
		return IDLE_MIN_MS;
	return ms > IDLE_MAX_MS ? IDLE_MAX_MS : ms;
}

static void choose_alpns(struct pf_alpns *a, bool server, const char *only)
{
	a->count = only || !server ? 1 : pf_wire_count;
	for (unsigned i = 0; i < a->count; i++)
		snprintf(a->names[i], sizeof(a->names[i]), "%s", only ? only : pf_wires[i]->alpn);
}

static struct pf_quic *quic_new(
	const struct pf_quic_params *params, bool server, struct pf_reason *why, int *err)
{
	struct pf_quic *q = calloc(1, sizeof(*q));
	uint64_t seed;

	*err = -ENOMEM;
	if (!q) {
		pf_reason_set(why, -ENOMEM, "out of memory");
		return NULL;
	}
	q->fd = -1;
	q->server = server;
	q->jumbo = params->jumbo;
	q->user = params->user;
	if (params->events)
		q->events = *params->events;
	q->idle_ns = clamp_idle(params->idle_ms) * PF_NS_PER_MS;
	q->handshake_ns =
		(params->handshake_ms ? params->handshake_ms : PF_QUIC_DEFAULT_HANDSHAKE_MS) *
		PF_NS_PER_MS;
	choose_alpns(&q->alpns, server, params->alpn);
	if (pf_random_bytes(&seed, sizeof(seed)) < 0 ||
		pf_random_bytes(q->token_secret, sizeof(q->token_secret)) < 0) {
		*err = pf_reason_set(why, -EIO, "no random numbers");
		goto fail;
	}
	pf_cidmap_init(&q->cids, seed);
	*err = pf_tls_creds_create(&q->creds, params->identity, why);
	/* Fixed per identity: a restarted host can reset its old connections. */
	if (!*err &&
		pf_tls_creds_derive(q->creds, "punktfunk quic stateless reset", q->reset_secret))
		*err = pf_reason_set(why, -EIO, "cannot derive a key");
	if (*err)
		goto fail;
	*err = pf_wake_create(&q->wake);
	if (*err) {
		pf_reason_set(why, *err, "cannot make a wake pipe: too many open files?");
		goto fail;
	}
	return q;

fail:
	pf_quic_destroy(q);
	return NULL;
}

int pf_quic_listen(struct pf_quic **out, const struct pf_quic_params *params, struct pf_reason *why)
{
	struct pf_quic *q;
	int err;

	if (!params->identity)
		return pf_reason_set(why, -EINVAL, "a host needs an identity");
	q = quic_new(params, true, why, &err);
	if (!q)
		return err;
	err = parse_bind(params, &q->local, &q->local_len);
	if (err) {
		pf_reason_set(why, err, "'%s' is no IP address", params->bind_address);
		goto fail;
	}
	err = open_socket(q, q->local.ss_family, why);
	if (err)
		goto fail;
	if (bind(q->fd, (struct sockaddr *)&q->local, q->local_len) < 0) {
		err = pf_reason_set(why, -errno, "cannot listen on %s port %u: %m%s",
			params->bind_address ? params->bind_address : "0.0.0.0", params->port,
			errno == EADDRINUSE ? " (is another host running? choose another port)"
					    : "");
		goto fail;
	}
	getsockname(q->fd, (struct sockaddr *)&q->local, &q->local_len);
	err = start_thread(q);
	if (err) {
		pf_reason_set(why, err, "cannot start a thread");
		goto fail;
	}
	*out = q;
	return 0;

fail:
	pf_quic_destroy(q);
	return err;
}

int pf_quic_dial(struct pf_quic **out, const struct pf_quic_params *params, struct pf_reason *why)
{
	struct pf_quic_conn *c;
	struct pf_quic *q;
	ngtcp2_path path;
	int err;

	q = quic_new(params, false, why, &err);
	if (!q)
		return err;
	err = open_socket(q, params->remote.ss_family, why);
	if (err)
		goto fail;
	q->local_len = sizeof(q->local);
	if (connect(q->fd, (const struct sockaddr *)&params->remote, params->remote_len) < 0 ||
		getsockname(q->fd, (struct sockaddr *)&q->local, &q->local_len) < 0) {
		err = pf_reason_set(why, -errno, "no way to this address: %m");
		goto fail;
	}
	path = (ngtcp2_path){
		.local = { .addr = (ngtcp2_sockaddr *)&q->local, .addrlen = q->local_len },
		.remote = { .addr = (ngtcp2_sockaddr *)&params->remote,
			.addrlen = params->remote_len },
	};
	err = pf_conn_dial(q, &path, params->pin, pf_clock_mono_ns(), &c);
	if (err) {
		pf_reason_set(why, err, "cannot set up QUIC");
		goto fail;
	}
	add_conn(q, c);
	err = start_thread(q);
	if (err) {
		pf_reason_set(why, err, "cannot start a thread");
		goto fail;
	}
	*out = q;
	return 0;

fail:
	pf_quic_destroy(q);
	return err;
}

void pf_quic_destroy(struct pf_quic *q)
{
	if (!q)
		return;
	if (q->thread_started) {
		atomic_store(&q->stop, true);
		/* The flag alone would be lost if a signal is already pending. */
		pf_wake_signal(q->wake);
		pthread_join(q->thread, NULL);
	} else {
		/* A dial whose thread never started: end without events. */
		q->events = (struct pf_quic_events){ 0 };
		wind_down(q);
	}
	pf_cidmap_finish(&q->cids);
	if (q->fd >= 0)
		close(q->fd);
	pf_wake_unref(q->wake);
	pf_tls_creds_free(q->creds);
	pf_secret_wipe(q->reset_secret, sizeof(q->reset_secret));
	pf_secret_wipe(q->token_secret, sizeof(q->token_secret));
	free(q);
}

uint16_t pf_quic_port(const struct pf_quic *q)
{
	return ntohs(q->local.ss_family == AF_INET6
			     ? ((const struct sockaddr_in6 *)&q->local)->sin6_port
			     : ((const struct sockaddr_in *)&q->local)->sin_port);
}

void pf_quic_stats(struct pf_quic *q, struct pf_quic_stats *out)
{
	*out = (struct pf_quic_stats){
		.accepted = atomic_load(&q->accepted),
		.refused = atomic_load(&q->refused),
		.packets_in = atomic_load(&q->packets_in),
		.packets_out = atomic_load(&q->packets_out),
		.resets = atomic_load(&q->resets),
		.retries = atomic_load(&q->retries),
		.ignored = atomic_load(&q->ignored),
	};
}
