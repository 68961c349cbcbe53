/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "core/net/os_linux.h"
#include "core/net/udp.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

#define GSO_SEGMENTS_MAX 64u
#define MESSAGES	 64u		  /* of one sendmmsg */
#define IP_HEADERS(v6)	 ((v6) ? 48 : 28) /* and UDP's */
#define ROOM_WAIT_MS	 20		  /* for space in the socket buffer */
#define RX_MESSAGES	 64u
#define RX_MESSAGES_MIN	 8u
#define RX_BYTES	 (64u << 10) /* a coalesced train */
/* From one buffer to the next: not a power of two, or single packets would share a
 * few sets of the caches. */
#define RX_STRIDE (RX_BYTES + 1536u)
/* Read in one call: as much as stays in the second-level cache until it is opened. */
#define RX_CALL_BYTES (256u << 10)

/* --- wake-up and sleep --- */

int pf_wake_open(int *fd)
{
	int e = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (e < 0)
		return -errno;
	*fd = e;
	return 0;
}

void pf_wake_set(int fd)
{
	uint64_t one = 1;

	/* It fails only when the counter is full: readable all the same. */
	(void)!write(fd, &one, sizeof(one));
}

void pf_wake_clear(int fd)
{
	uint64_t v;

	(void)!read(fd, &v, sizeof(v));
}

void pf_sleep_until_ns(uint64_t at_ns)
{
	struct timespec ts = {
		.tv_sec = (time_t)(at_ns / PF_NS_PER_S),
		.tv_nsec = (long)(at_ns % PF_NS_PER_S),
	};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
}

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

uint64_t pf_wait_until_ns(uint64_t at_ns)
{
	uint64_t now = pf_clock_mono_ns(), from;

	if (now + PF_SPIN_NS < at_ns) {
		pf_sleep_until_ns(at_ns - PF_SPIN_NS);
		now = pf_clock_mono_ns();
	}
	for (from = now; now < at_ns; now = pf_clock_mono_ns())
		relax();
	return now - from;
}

int pf_os_poll_set(const int *fds, unsigned count)
{
	int set = epoll_create1(EPOLL_CLOEXEC);

	if (set < 0)
		return -errno;
	for (unsigned i = 0; i < count; i++) {
		struct epoll_event ev = { .events = EPOLLIN, .data.u32 = i };

		if (epoll_ctl(set, EPOLL_CTL_ADD, fds[i], &ev) < 0) {
			int err = -errno;

			close(set);
			return err;
		}
	}
	return set;
}

/* --- sending --- */

void pf_udp_tx_init(struct pf_udp_tx *tx, int fd)
{
	*tx = (struct pf_udp_tx){ .fd = fd };
}

unsigned pf_udp_train_max(size_t bytes)
{
	size_t n = PF_UDP_TRAIN_BYTES / bytes;

	return n < GSO_SEGMENTS_MAX ? (unsigned)n : GSO_SEGMENTS_MAX;
}

/* Whether to try once more after `err`; `*patience` bounds the tries. */
static bool worth_a_retry(int fd, int err, unsigned *patience)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	if (err == EINTR)
		return true;
	if (!*patience)
		return false;
	--*patience;
	switch (err) {
	case EAGAIN:
	case ENOBUFS:
		return poll(&p, 1, ROOM_WAIT_MS) > 0;
	case ECONNREFUSED:
	case EHOSTUNREACH:
	case ENETUNREACH:
		/* An ICMP answer to an earlier packet: reported once, then gone. */
		return true;
	default:
		return false;
	}
}

static bool offload_refused(int err)
{
	return err == EIO || err == EINVAL || err == EOPNOTSUPP || err == ENOPROTOOPT ||
	       err == EMSGSIZE;
}

/* The largest packet that the path to the peer takes whole; 0 = unknown. */
static uint32_t path_bytes(int fd)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer), mtu_len = sizeof(int);
	bool v6;
	int mtu;

	if (getpeername(fd, (struct sockaddr *)&peer, &len))
		return 0;
	v6 = peer.ss_family == AF_INET6 &&
	     !IN6_IS_ADDR_V4MAPPED(&((const struct sockaddr_in6 *)&peer)->sin6_addr);
	if (getsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_MTU : IP_MTU, &mtu, &mtu_len))
		return 0;
	return mtu > IP_HEADERS(v6) ? (uint32_t)(mtu - IP_HEADERS(v6)) : 0;
}

/* A kernel, device or tunnel that cannot do it says so for every train; packets above the
 * MTU are refused for what they are (EINVAL, newer kernels EMSGSIZE). */
static void remember_refusal(struct pf_udp_tx *tx, size_t bytes)
{
	uint32_t fit = path_bytes(tx->fd);

	if (fit && bytes > fit)
		tx->gso_refuse = fit + 1;
	else
		tx->no_gso = true;
}

/* One call for `count` packets back to back. The count, 0, or -errno. */
static int send_segmented(
	struct pf_udp_tx *tx, const uint8_t *base, size_t bytes, unsigned count, size_t last_bytes)
{
	struct iovec iov = { .iov_base = (void *)base,
		.iov_len = bytes * (count - 1) + last_bytes };
	union {
		char buf[CMSG_SPACE(sizeof(uint16_t))];
		struct cmsghdr align;
	} control = { 0 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	uint16_t segment = (uint16_t)bytes;
	unsigned patience = 2;

	c->cmsg_level = SOL_UDP;
	c->cmsg_type = UDP_SEGMENT;
	c->cmsg_len = CMSG_LEN(sizeof(segment));
	memcpy(CMSG_DATA(c), &segment, sizeof(segment));
	for (;;) {
		int err;

		tx->calls++;
		if (sendmsg(tx->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
			return (int)count;
		err = errno;
		if (!worth_a_retry(tx->fd, err, &patience))
			return -err;
	}
}

static unsigned send_plain(struct pf_udp_tx *tx, const uint8_t *base, size_t bytes, size_t stride,
	unsigned count, size_t last_bytes)
{
	unsigned done = 0, lost = 0, patience = 2;

	while (done + lost < count) {
		struct mmsghdr msgs[MESSAGES];
		struct iovec iov[MESSAGES];
		unsigned at = done + lost;
		unsigned n = count - at < MESSAGES ? count - at : MESSAGES;
		int sent, err;

		for (unsigned i = 0; i < n; i++) {
			iov[i] = (struct iovec){ (void *)(base + (at + i) * stride),
				at + i + 1 < count ? bytes : last_bytes };
			msgs[i] = (struct mmsghdr){
				.msg_hdr = { .msg_iov = &iov[i], .msg_iovlen = 1 },
			};
		}
		tx->calls++;
		sent = sendmmsg(tx->fd, msgs, n, MSG_DONTWAIT | MSG_NOSIGNAL);
		err = errno;
		if (sent > 0) {
			done += (unsigned)sent;
		} else if (!worth_a_retry(tx->fd, err, &patience)) {
			if (err == EAGAIN || err == ENOBUFS)
				break; /* no room for the rest either */
			lost++;
			patience = 2;
		}
	}
	return done;
}

unsigned pf_udp_send_train(
	struct pf_udp_tx *tx, const uint8_t *base, size_t bytes, size_t stride, unsigned count)
{
	return pf_udp_send_train_cut(tx, base, bytes, stride, count, bytes);
}

unsigned pf_udp_send_train_cut(struct pf_udp_tx *tx, const uint8_t *base, size_t bytes,
	size_t stride, unsigned count, size_t last_bytes)
{
	unsigned per_call = pf_udp_train_max(bytes);
	unsigned sent = 0;

	while (count > 1 && per_call > 1 && stride == bytes && !tx->no_gso &&
		(!tx->gso_refuse || bytes < tx->gso_refuse)) {
		unsigned n = count < per_call ? count : per_call;
		int done = send_segmented(tx, base, bytes, n, n < count ? bytes : last_bytes);

		if (done < 0 && offload_refused(-done)) {
			remember_refusal(tx, bytes);
			break;
		}
		if (done > 0)
			sent += (unsigned)done;
		base += n * stride;
		count -= n;
	}
	return sent + (count ? send_plain(tx, base, bytes, stride, count, last_bytes) : 0);
}

/* --- receiving --- */

struct pf_udp_rx {
	int fd;
	unsigned messages, message; /* received, next to hand out */
	size_t offset;		    /* in that message */
	size_t segment;		    /* of it */
	unsigned ask;		    /* messages of the next call */
	struct pf_udp_rx_stats stats;
	struct mmsghdr msgs[RX_MESSAGES];
	struct iovec iov[RX_MESSAGES];
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control[RX_MESSAGES];
	uint8_t *bufs;
};

int pf_udp_rx_create(struct pf_udp_rx **out, int fd)
{
	struct pf_udp_rx *rx = calloc(1, sizeof(*rx));

	if (!rx)
		return -ENOMEM;
	rx->fd = fd;
	rx->ask = RX_MESSAGES_MIN;
	rx->bufs = malloc((size_t)RX_MESSAGES * RX_STRIDE);
	if (!rx->bufs) {
		free(rx);
		return -ENOMEM;
	}
	for (unsigned i = 0; i < RX_MESSAGES; i++) {
		rx->iov[i] = (struct iovec){ rx->bufs + (size_t)i * RX_STRIDE, RX_BYTES };
		rx->msgs[i].msg_hdr.msg_iov = &rx->iov[i];
		rx->msgs[i].msg_hdr.msg_iovlen = 1;
		rx->msgs[i].msg_hdr.msg_control = rx->control[i].buf;
	}
	/* Without it every packet is a message of its own: slower, not wrong. */
	(void)setsockopt(fd, SOL_UDP, UDP_GRO, &(int){ 1 }, sizeof(int));
	*out = rx;
	return 0;
}

void pf_udp_rx_destroy(struct pf_udp_rx *rx)
{
	if (!rx)
		return;
	free(rx->bufs);
	free(rx);
}

/* Packet size inside a message: what was coalesced, else all of it. */
static size_t segment_bytes(struct msghdr *msg, size_t len)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		int size;

		if (c->cmsg_level != SOL_UDP || c->cmsg_type != UDP_GRO)
			continue;
		memcpy(&size, CMSG_DATA(c), sizeof(size));
		if (size > 0 && (size_t)size < len)
			return (size_t)size;
	}
	return len;
}

/* Trains or single packets: what came last tells what comes next. */
static unsigned next_ask(const struct pf_udp_rx *rx)
{
	size_t bytes = 0;

	for (unsigned i = 0; i < rx->messages; i++)
		bytes += rx->msgs[i].msg_len;
	if (bytes * RX_MESSAGES <= (size_t)RX_CALL_BYTES * rx->messages)
		return RX_MESSAGES;
	bytes = RX_CALL_BYTES * (size_t)rx->messages / bytes;
	return bytes > RX_MESSAGES_MIN ? (unsigned)bytes : RX_MESSAGES_MIN;
}

static int refill(struct pf_udp_rx *rx)
{
	int n;

	for (unsigned i = 0; i < rx->ask; i++)
		rx->msgs[i].msg_hdr.msg_controllen = sizeof(rx->control[i].buf);
	rx->message = 0;
	rx->messages = 0;
	rx->stats.calls++;
	n = recvmmsg(rx->fd, rx->msgs, rx->ask, MSG_DONTWAIT, NULL);
	if (n > 0) {
		rx->messages = (unsigned)n;
		rx->stats.messages += (unsigned)n;
		rx->ask = next_ask(rx);
		return 0;
	}
	if (n < 0 && (errno == EBADF || errno == ENOTSOCK || errno == EFAULT))
		return -errno;
	return 0; /* nothing there, or an ICMP error */
}

int pf_udp_receive(struct pf_udp_rx *rx, struct pf_udp_packet *out, unsigned max)
{
	unsigned n = 0;

	if (rx->message == rx->messages) {
		int err = refill(rx);

		if (err)
			return err;
	}
	while (n < max && rx->message < rx->messages) {
		struct mmsghdr *m = &rx->msgs[rx->message];
		size_t left = m->msg_len - rx->offset;

		if (!rx->offset)
			rx->segment = segment_bytes(&m->msg_hdr, m->msg_len);
		out[n++] = (struct pf_udp_packet){
			.data = (uint8_t *)m->msg_hdr.msg_iov->iov_base + rx->offset,
			.len = (uint32_t)(left < rx->segment ? left : rx->segment),
		};
		rx->offset += out[n - 1].len;
		if (rx->offset == m->msg_len) {
			rx->message++;
			rx->offset = 0;
		}
	}
	rx->stats.packets += n;
	return (int)n;
}

void pf_udp_rx_stats(const struct pf_udp_rx *rx, struct pf_udp_rx_stats *out)
{
	*out = rx->stats;
}
