/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tools/impair/relay.h"
#include <errno.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "tools/impair/relay_impl.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

#define RX_MESSAGES    8
#define RX_BYTES       65536u
#define BATCH_SEGMENTS 64u
#define BATCH_BYTES    65000u /* under the 65507 that one send may carry */
#define SOCKET_BUFFER  (8 << 20)
#define SPARE_BYTES    2048u /* payload of packets that are kept for the next */
#define SPARE_MAX      8192u
/* While many wait, one wake-up serves this long: a timer is late by about as much, and
 * what is due together leaves in one train. */
#define GRAIN_NS (50 * PF_NS_PER_US)

/* One datagram that waits for its time. */
struct pf_relay_packet {
	union {
		uint64_t id;
		struct pf_relay_packet *next; /* on the list of spare ones */
	};
	struct pf_relay_flow *flow;
	enum pf_impair_direction dir;
	bool copy;
	uint32_t len;
	uint8_t data[];
};

/* Datagrams of one flow and direction that leave in one system call. */
struct batch {
	struct pf_relay_flow *flow;
	enum pf_impair_direction dir;
	size_t segment, bytes;
	unsigned count;
	bool closed; /* a short one came: it must be the last */
	struct iovec iov[BATCH_SEGMENTS];
	struct sent {
		uint64_t due_ns, id;
		bool copy;
		struct pf_relay_packet *owned; /* freed once sent */
	} sent[BATCH_SEGMENTS];
};

enum { KIND_STOP, KIND_MAP, KIND_FLOW };

static uint64_t tag_of(unsigned kind, unsigned index)
{
	return (uint64_t)kind << 32 | index;
}

void pf_relay_stats_add(struct pf_relay_stats *sum, const struct pf_relay_stats *s)
{
	sum->received += s->received;
	sum->received_bytes += s->received_bytes;
	sum->forwarded += s->forwarded;
	sum->forwarded_bytes += s->forwarded_bytes;
	for (int i = 0; i < PF_IMPAIR_CAUSES; i++)
		sum->dropped[i] += s->dropped[i];
	sum->duplicated += s->duplicated;
	sum->reordered += s->reordered;
	sum->overflow += s->overflow;
	sum->failed += s->failed;
}

/* Most packets are of one size: they are used again and again. */

static struct pf_relay_packet *new_packet(struct pf_relay *r, uint32_t len)
{
	struct pf_relay_packet *p = r->spare;

	if (len > SPARE_BYTES)
		return malloc(sizeof(*p) + len);
	if (!p)
		return malloc(sizeof(*p) + SPARE_BYTES);
	r->spare = p->next;
	r->spare_count--;
	return p;
}

static void free_packet(struct pf_relay *r, struct pf_relay_packet *p)
{
	if (p->len > SPARE_BYTES || r->spare_count == SPARE_MAX) {
		free(p);
		return;
	}
	p->next = r->spare;
	r->spare = p;
	r->spare_count++;
}

/* The queue: a binary heap by due time, then order of arrival. */

static bool sooner(const struct pf_relay_due *a, const struct pf_relay_due *b)
{
	return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->order < b->order;
}

static void heap_put(struct pf_relay *r, struct pf_relay_packet *p, uint64_t due_ns)
{
	struct pf_relay_due d = { due_ns, r->heap_order++, p };
	unsigned i = r->heap_count++;

	for (; i && sooner(&d, &r->heap[(i - 1) / 2]); i = (i - 1) / 2)
		r->heap[i] = r->heap[(i - 1) / 2];
	r->heap[i] = d;
	r->heap_bytes += p->len;
}

static struct pf_relay_due heap_take(struct pf_relay *r)
{
	struct pf_relay_due first = r->heap[0], last = r->heap[--r->heap_count];
	unsigned i = 0, child;

	while ((child = 2 * i + 1) < r->heap_count) {
		if (child + 1 < r->heap_count && sooner(&r->heap[child + 1], &r->heap[child]))
			child++;
		if (!sooner(&r->heap[child], &last))
			break;
		r->heap[i] = r->heap[child];
		i = child;
	}
	if (r->heap_count)
		r->heap[i] = last;
	r->heap_bytes -= first.packet->len;
	return first;
}

/* Places rather than packets are reserved ahead: growth never fails midway. */
static bool heap_has_room(struct pf_relay *r, uint32_t len)
{
	struct pf_relay_due *bigger;
	unsigned cap;

	if (r->heap_bytes + len > PF_RELAY_QUEUE_BYTES || r->heap_count >= PF_RELAY_QUEUE_COUNT)
		return false;
	if (r->heap_count < r->heap_cap)
		return true;
	cap = r->heap_cap ? r->heap_cap * 2 : 1024;
	bigger = realloc(r->heap, cap * sizeof(*bigger));
	if (!bigger)
		return false;
	r->heap = bigger;
	r->heap_cap = cap;
	return true;
}

/* Sending. */

static ssize_t send_some(struct pf_relay *r, const struct batch *b, unsigned first, unsigned count)
{
	char control[CMSG_SPACE(sizeof(uint16_t))] = { 0 };
	struct msghdr m = { .msg_iov = (struct iovec *)&b->iov[first], .msg_iovlen = count };
	int fd = b->flow->fd;
	ssize_t n;

	if (b->dir == PF_IMPAIR_DOWN) {
		fd = r->maps[b->flow->map].fd;
		m.msg_name = &b->flow->client;
		m.msg_namelen = pf_impair_addr_bytes(&b->flow->client);
	}
	if (count > 1) {
		uint16_t segment = (uint16_t)b->segment;
		struct cmsghdr *c;

		m.msg_control = control;
		m.msg_controllen = sizeof(control);
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = IPPROTO_UDP;
		c->cmsg_type = UDP_SEGMENT;
		c->cmsg_len = CMSG_LEN(sizeof(segment));
		memcpy(CMSG_DATA(c), &segment, sizeof(segment));
	}
	n = sendmsg(fd, &m, 0);
	/* A refusal that an earlier datagram met is told to this one, unsent. */
	if (n < 0 && (errno == ECONNREFUSED || errno == EINTR))
		n = sendmsg(fd, &m, 0);
	return n;
}

static void account(struct pf_relay *r, struct batch *b, unsigned i, bool ok, uint64_t now_ns)
{
	struct pf_relay_side *side = &b->flow->side[b->dir];
	struct sent *s = &b->sent[i];

	if (!ok) {
		side->stats.failed++;
	} else {
		side->stats.forwarded++;
		side->stats.forwarded_bytes += b->iov[i].iov_len;
		side->stats.duplicated += s->copy;
		if (s->id + 1 < side->highest_out)
			side->stats.reordered++;
		else
			side->highest_out = s->id + 1;
		pf_latency_add(&r->added, now_ns > s->due_ns ? now_ns - s->due_ns : 0);
	}
	if (s->owned) {
		b->flow->pending--;
		free_packet(r, s->owned);
	}
}

static void flush(struct pf_relay *r, struct batch *b)
{
	bool ok = false;
	uint64_t now;

	if (!b->count)
		return;
	if (b->count == 1 || !r->no_gso) {
		ok = send_some(r, b, 0, b->count) >= 0;
		if (!ok && b->count > 1 && (errno == EIO || errno == EINVAL))
			r->no_gso = true; /* this interface cannot segment */
	}
	if (ok || b->count == 1) {
		now = pf_clock_mono_ns();
		for (unsigned i = 0; i < b->count; i++)
			account(r, b, i, ok, now);
	} else {
		for (unsigned i = 0; i < b->count; i++) {
			ok = send_some(r, b, i, 1) >= 0;
			account(r, b, i, ok, pf_clock_mono_ns());
		}
	}
	b->count = 0;
	b->bytes = 0;
	b->closed = false;
}

static void add(struct pf_relay *r, struct batch *b, struct pf_relay_flow *flow,
	enum pf_impair_direction dir, const void *data, size_t len, struct sent sent)
{
	if (b->count &&
		(b->closed || b->flow != flow || b->dir != dir || b->count == BATCH_SEGMENTS ||
			len > b->segment || b->bytes + len > BATCH_BYTES))
		flush(r, b);
	if (!b->count) {
		b->flow = flow;
		b->dir = dir;
		b->segment = len;
	}
	b->iov[b->count] = (struct iovec){ (void *)data, len };
	b->sent[b->count++] = sent;
	b->bytes += len;
	b->closed = len < b->segment || !len;
}

static void send_due(struct pf_relay *r, struct batch *b, uint64_t now_ns)
{
	while (r->heap_count && r->heap[0].due_ns <= now_ns) {
		struct pf_relay_due d = heap_take(r);
		struct pf_relay_packet *p = d.packet;

		add(r, b, p->flow, p->dir, p->data, p->len,
			(struct sent){ d.due_ns, p->id, p->copy, p });
	}
	flush(r, b);
}

/* Sockets and flows. */

/* A large buffer where the user may have one, else what the system allows. */
static void enlarge(int fd, int forced, int plain)
{
	int bytes = SOCKET_BUFFER;

	if (setsockopt(fd, SOL_SOCKET, forced, &bytes, sizeof(bytes)))
		(void)setsockopt(fd, SOL_SOCKET, plain, &bytes, sizeof(bytes));
}

static int open_socket(const union pf_impair_addr *bind_to)
{
	int fd = socket(bind_to->sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int on = 1, r;

	if (fd < 0)
		return -errno;
	enlarge(fd, SO_RCVBUFFORCE, SO_RCVBUF);
	enlarge(fd, SO_SNDBUFFORCE, SO_SNDBUF);
	(void)setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof(on));
	(void)setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof(on));
	if (bind(fd, &bind_to->sa, pf_impair_addr_bytes(bind_to))) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

static int watch(struct pf_relay *r, int fd, uint64_t tag)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u64 = tag };

	return epoll_ctl(r->epoll_fd, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

static void retire(struct pf_relay *r, struct pf_relay_flow *f)
{
	for (int d = 0; d < PF_IMPAIR_DIRECTIONS; d++)
		pf_relay_stats_add(&r->maps[f->map].retired[d], &f->side[d].stats);
	close(f->fd);
	f->fd = -1;
}

/* A free slot, or that of the flow that has been silent longest, or NULL. */
static struct pf_relay_flow *flow_slot(struct pf_relay *r, uint64_t now_ns)
{
	struct pf_relay_flow *oldest = NULL;

	for (unsigned i = 0; i < r->flow_count; i++) {
		struct pf_relay_flow *f = &r->flows[i];

		if (f->fd < 0)
			return f;
		if (!f->pending && (!oldest || f->last_ns < oldest->last_ns))
			oldest = f;
	}
	if (r->flow_count < PF_RELAY_FLOWS)
		return &r->flows[r->flow_count++];
	if (!oldest || now_ns - oldest->last_ns < PF_RELAY_IDLE_S * PF_NS_PER_S)
		return NULL;
	retire(r, oldest);
	return oldest;
}

static struct pf_relay_flow *make_flow(
	struct pf_relay *r, unsigned map, const union pf_impair_addr *client, uint64_t now_ns)
{
	const struct pf_impair_map *m = &r->o.maps[map];
	union pf_impair_addr from = r->o.has_from ? r->o.from : m->listen;
	struct pf_relay_flow *f = flow_slot(r, now_ns);
	int fd;

	if (!f)
		return NULL;
	memset(f, 0, sizeof(*f));
	pf_impair_addr_set_port(&from, 0);
	f->fd = fd = open_socket(&from);
	if (fd < 0) {
		f->fd = -1;
		return NULL;
	}
	if (connect(fd, &m->to.sa, pf_impair_addr_bytes(&m->to)) ||
		watch(r, fd, tag_of(KIND_FLOW, (unsigned)(f - r->flows))) < 0) {
		close(fd);
		f->fd = -1;
		return NULL;
	}
	f->map = map;
	f->client = *client;
	f->ordinal = r->maps[map].flows_made++;
	for (unsigned d = 0; d < PF_IMPAIR_DIRECTIONS; d++)
		pf_impair_path_init(&f->side[d].path, m->rough ? &r->o.rules[d] : &r->smooth[d],
			r->o.seed, (uint64_t)map << 32 | (uint64_t)f->ordinal << 1 | d);
	return f;
}

static struct pf_relay_flow *find_flow(
	struct pf_relay *r, unsigned map, const union pf_impair_addr *client)
{
	for (unsigned i = 0; i < r->flow_count; i++) {
		struct pf_relay_flow *f = &r->flows[i];

		if (f->fd >= 0 && f->map == map &&
			!memcmp(&f->client, client, pf_impair_addr_bytes(client)))
			return f;
	}
	return NULL;
}

/* Receiving. */

static void enqueue(struct pf_relay *r, struct pf_relay_flow *flow, enum pf_impair_direction dir,
	const uint8_t *data, uint32_t len, struct sent sent)
{
	struct pf_relay_packet *p = NULL;

	if (heap_has_room(r, len))
		p = new_packet(r, len);
	if (!p) {
		flow->side[dir].stats.overflow++;
		return;
	}
	p->id = sent.id;
	p->flow = flow;
	p->dir = dir;
	p->copy = sent.copy;
	p->len = len;
	memcpy(p->data, data, len);
	flow->pending++;
	heap_put(r, p, sent.due_ns);
}

static void take_datagram(struct pf_relay *r, struct batch *b, struct pf_relay_flow *flow,
	enum pf_impair_direction dir, const uint8_t *data, uint32_t len, uint64_t arrived_ns,
	uint64_t now_ns)
{
	struct pf_relay_side *side = &flow->side[dir];
	struct pf_impair_fate fate;
	struct sent sent = { .id = side->next_id++ };

	side->stats.received++;
	side->stats.received_bytes += len;
	pf_impair_decide(&side->path, &r->link[dir], arrived_ns, len, &fate);
	if (!fate.copies)
		side->stats.dropped[fate.cause]++;
	sent.due_ns = fate.due_ns;
	for (unsigned i = 0; i < fate.copies; i++) {
		sent.copy = i > 0;
		if (fate.due_ns <= now_ns)
			add(r, b, flow, dir, data, len, sent);
		else
			enqueue(r, flow, dir, data, len, sent);
	}
}

/* What the kernel tells beside the bytes. */
struct arrival {
	uint64_t ns; /* monotonic */
	uint32_t segment, drops;
	bool has_drops;
};

static void read_control(
	struct msghdr *m, uint64_t now_ns, int64_t unix_offset_ns, struct arrival *a)
{
	*a = (struct arrival){ .ns = now_ns };
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
			struct timespec ts;
			uint64_t ns;

			memcpy(&ts, CMSG_DATA(c), sizeof(ts));
			ns = (uint64_t)ts.tv_sec * PF_NS_PER_S + (uint64_t)ts.tv_nsec -
			     (uint64_t)unix_offset_ns;
			/* Older than a second: the wall clock was set meanwhile. */
			if (ns <= now_ns && now_ns - ns < PF_NS_PER_S)
				a->ns = ns;
		} else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL) {
			memcpy(&a->drops, CMSG_DATA(c), sizeof(a->drops));
			a->has_drops = true;
		} else if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
			int segment;

			memcpy(&segment, CMSG_DATA(c), sizeof(segment));
			a->segment = segment > 0 ? (uint32_t)segment : 0;
		}
	}
}

static int64_t unix_offset_ns(void)
{
	return (int64_t)(pf_clock_unix_ns() - pf_clock_mono_ns());
}

static void read_socket(struct pf_relay *r, struct batch *b, unsigned kind, unsigned index)
{
	struct pf_relay_flow *flow = kind == KIND_FLOW ? &r->flows[index] : NULL;
	enum pf_impair_direction dir = flow ? PF_IMPAIR_DOWN : PF_IMPAIR_UP;
	uint32_t *drops = flow ? &flow->kernel_drops : &r->maps[index].kernel_drops;
	int fd = flow ? flow->fd : r->maps[index].fd;
	union pf_impair_addr from[RX_MESSAGES];
	char control[RX_MESSAGES][256];
	struct mmsghdr m[RX_MESSAGES] = { 0 };
	struct iovec iov[RX_MESSAGES];
	int64_t offset;
	uint64_t now;
	int n;

	for (int i = 0; i < RX_MESSAGES; i++) {
		iov[i] = (struct iovec){ r->rx + (size_t)i * RX_BYTES, RX_BYTES };
		m[i].msg_hdr.msg_iov = &iov[i];
		m[i].msg_hdr.msg_iovlen = 1;
		m[i].msg_hdr.msg_name = flow ? NULL : &from[i];
		m[i].msg_hdr.msg_namelen = flow ? 0 : sizeof(from[i]);
		m[i].msg_hdr.msg_control = control[i];
		m[i].msg_hdr.msg_controllen = sizeof(control[i]);
	}
	memset(from, 0, sizeof(from));
	/* Errors are ICMP answers to what was sent: nothing to relay. */
	n = recvmmsg(fd, m, RX_MESSAGES, MSG_DONTWAIT, NULL);
	if (n <= 0)
		return;
	offset = unix_offset_ns();
	now = pf_clock_mono_ns();
	/* Whatever was due before these must leave before them. */
	send_due(r, b, now);
	for (int i = 0; i < n; i++) {
		struct pf_relay_flow *f = flow;
		const uint8_t *p = iov[i].iov_base;
		uint32_t left = m[i].msg_len, segment;
		struct arrival a;

		read_control(&m[i].msg_hdr, now, offset, &a);
		if (a.has_drops) {
			r->kernel_dropped += a.drops - *drops;
			*drops = a.drops;
		}
		if (!f)
			f = find_flow(r, index, &from[i]);
		if (!f)
			f = make_flow(r, index, &from[i], now);
		if (!f) {
			r->maps[index].retired[dir].overflow++;
			continue;
		}
		f->last_ns = now;
		segment = a.segment ? a.segment : left;
		do {
			uint32_t len = left < segment ? left : segment;

			take_datagram(r, b, f, dir, p, len, a.ns, now);
			p += len;
			left -= len;
		} while (left);
	}
	flush(r, b);
}

/* Life. */

int pf_relay_open(struct pf_relay **out, const struct pf_impair_options *o, struct pf_reason *why)
{
	struct pf_relay *r = calloc(1, sizeof(*r));
	char text[64];
	int rc;

	if (!r)
		return pf_reason_set(why, -ENOMEM, "out of memory");
	r->o = *o;
	for (int d = 0; d < PF_IMPAIR_DIRECTIONS; d++) {
		struct pf_impair_rules *s = &r->smooth[d];

		*s = o->rules[d];
		s->loss = s->burst_enter = s->burst_loss_good = s->duplicate = s->reorder = 0;
		s->mtu_bytes = 0;
	}
	for (unsigned i = 0; i < PF_IMPAIR_MAPS; i++)
		r->maps[i].fd = -1;
	for (unsigned i = 0; i < PF_RELAY_FLOWS; i++)
		r->flows[i].fd = -1;
	r->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (r->epoll_fd < 0) {
		rc = pf_reason_set(why, -errno, "epoll: %s", strerror(errno));
		goto fail;
	}
	r->rx = malloc(RX_MESSAGES * (size_t)RX_BYTES);
	if (!r->rx) {
		rc = pf_reason_set(why, -ENOMEM, "out of memory");
		goto fail;
	}
	for (unsigned i = 0; i < o->map_count; i++) {
		struct pf_relay_map *m = &r->maps[i];
		socklen_t len = sizeof(m->addr);

		m->fd = rc = open_socket(&o->maps[i].listen);
		if (rc >= 0)
			rc = watch(r, m->fd, tag_of(KIND_MAP, i));
		if (rc >= 0 && getsockname(m->fd, &m->addr.sa, &len))
			rc = -errno;
		if (rc < 0) {
			pf_impair_addr_to_string(&o->maps[i].listen, text, sizeof(text));
			pf_reason_set(why, rc, "cannot listen on %s: %s", text, strerror(-rc));
			goto fail;
		}
	}
	*out = r;
	return 0;
fail:
	pf_relay_close(&r);
	return rc;
}

void pf_relay_close(struct pf_relay **relay)
{
	struct pf_relay *r = *relay;

	if (!r)
		return;
	while (r->heap_count)
		free(heap_take(r).packet);
	while (r->spare) {
		struct pf_relay_packet *next = r->spare->next;

		free(r->spare);
		r->spare = next;
	}
	free(r->heap);
	for (unsigned i = 0; i < r->flow_count; i++)
		if (r->flows[i].fd >= 0)
			close(r->flows[i].fd);
	for (unsigned i = 0; i < PF_IMPAIR_MAPS; i++)
		if (r->maps[i].fd >= 0)
			close(r->maps[i].fd);
	if (r->epoll_fd >= 0)
		close(r->epoll_fd);
	free(r->rx);
	free(r);
	*relay = NULL;
}

/* Time until `ns` as epoll wants it; NULL = no limit. */
static struct timespec *until(uint64_t ns, uint64_t now_ns, struct timespec *ts)
{
	uint64_t wait = ns > now_ns ? ns - now_ns : 0;

	if (ns == UINT64_MAX)
		return NULL;
	ts->tv_sec = (time_t)(wait / PF_NS_PER_S);
	ts->tv_nsec = (long)(wait % PF_NS_PER_S);
	return ts;
}

int pf_relay_run(struct pf_relay *r, int stop_fd)
{
	struct epoll_event ev[32];
	struct batch b = { 0 };
	uint64_t end;
	int rc = watch(r, stop_fd, tag_of(KIND_STOP, 0));

	if (rc < 0)
		return rc;
	r->start_ns = pf_clock_mono_ns();
	end = r->o.run_ns ? r->start_ns + r->o.run_ns : UINT64_MAX;
	for (bool stop = false; !stop;) {
		uint64_t now = pf_clock_mono_ns(), next = end;
		struct timespec ts;
		int n;

		if (now >= end)
			break;
		send_due(r, &b, now);
		if (r->heap_count && r->heap[0].due_ns < next) {
			next = r->heap[0].due_ns;
			if (r->heap_count > 1 && next < now + GRAIN_NS)
				next = now + GRAIN_NS;
		}
		n = epoll_pwait2(r->epoll_fd, ev, 32, until(next, pf_clock_mono_ns(), &ts), NULL);
		if (n < 0 && errno != EINTR) {
			rc = -errno;
			break;
		}
		for (int i = 0; i < n; i++) {
			unsigned kind = (unsigned)(ev[i].data.u64 >> 32);

			if (kind == KIND_STOP)
				stop = true;
			else if (kind != KIND_FLOW || r->flows[(uint32_t)ev[i].data.u64].fd >= 0)
				read_socket(r, &b, kind, (uint32_t)ev[i].data.u64);
		}
	}
	r->ran_ns += pf_clock_mono_ns() - r->start_ns;
	(void)epoll_ctl(r->epoll_fd, EPOLL_CTL_DEL, stop_fd, NULL);
	return rc;
}

const union pf_impair_addr *pf_relay_listen_addr(const struct pf_relay *r, unsigned i)
{
	return &r->maps[i].addr;
}
