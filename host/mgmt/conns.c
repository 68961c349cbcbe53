/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/mgmt/conns.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/clock.h"
#include "host/mgmt/throttle.h"

#define REQUEST_LIMIT_NS (PF_CONNS_REQUEST_LIMIT_S * PF_NS_PER_S)
#define SWEEP_NS	 (5 * PF_NS_PER_S)

static const struct pf_rate each = { PF_CONNS_BURST, PF_CONNS_REFILL_NS };
static const struct pf_rate all = { PF_CONNS_ALL_BURST, PF_CONNS_ALL_NS };
static const struct pf_rate ask_each = { PF_CONNS_ASK_BURST, PF_CONNS_ASK_NS };
static const struct pf_rate ask_all = { PF_CONNS_ASK_ALL_BURST, PF_CONNS_ASK_ALL_NS };

struct gate {
	struct pf_throttle addresses;
	uint64_t all_full_ns;
};

struct pf_conn { /* under lock */
	struct pf_conns *all;
	struct pf_conn *next, **link; /* newest first */
	int fd;
	uint8_t address[16]; /* of pf_throttle_key */
	uint64_t since_ns;   /* opened, or its last request ended */
	bool local, signed_in, busy, cut;
};

struct pf_conns {
	struct pf_loop *loop;
	struct pf_timer *sweep; /* loop */
	pthread_mutex_t lock;
	struct pf_conn *first; /* under lock, as below */
	struct gate opening, asking;
	bool stopping, sweeping;
};

int pf_conns_create(struct pf_conns **out, struct pf_loop *loop)
{
	struct pf_conns *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->loop = loop;
	pthread_mutex_init(&c->lock, NULL);
	*out = c;
	return 0;
}

void pf_conns_stop(struct pf_conns *c)
{
	if (!c)
		return;
	pthread_mutex_lock(&c->lock);
	c->stopping = true;
	pthread_mutex_unlock(&c->lock);
	pf_timer_stop(&c->sweep);
}

void pf_conns_destroy(struct pf_conns *c)
{
	if (!c)
		return;
	pthread_mutex_destroy(&c->lock);
	free(c);
}

/* The descriptor is open as long as its connection is listed. Under lock. */
static void cut(struct pf_conn *conn)
{
	conn->cut = true;
	(void)shutdown(conn->fd, SHUT_RDWR);
}

/* ---- those that drip ---- */

static void sweep(void *user)
{
	struct pf_conns *c = user;
	uint64_t now = pf_clock_mono_ns();
	bool more;

	pf_timer_stop(&c->sweep);
	pthread_mutex_lock(&c->lock);
	for (struct pf_conn *conn = c->first; conn; conn = conn->next)
		if (!conn->busy && now - conn->since_ns > REQUEST_LIMIT_NS)
			cut(conn);
	more = c->first && !c->stopping;
	c->sweeping = more;
	pthread_mutex_unlock(&c->lock);
	if (more && pf_timer_start(&c->sweep, c->loop, SWEEP_NS, sweep, c)) {
		pthread_mutex_lock(&c->lock);
		c->sweeping = false; /* the next connection tries again */
		pthread_mutex_unlock(&c->lock);
	}
}

static void run_sweep_start(void *user, void *msg)
{
	struct pf_conns *c = user;

	if (!c->sweep)
		sweep(c);
}

/* ---- strangers ---- */

bool pf_conn_is_loopback(const struct sockaddr *sa)
{
	if (sa->sa_family == AF_INET)
		return ntohl(((const struct sockaddr_in *)sa)->sin_addr.s_addr) >> 24 == 127;
	if (sa->sa_family == AF_INET6) {
		const struct in6_addr *a = &((const struct sockaddr_in6 *)sa)->sin6_addr;

		return IN6_IS_ADDR_LOOPBACK(a) ||
		       (IN6_IS_ADDR_V4MAPPED(a) && a->s6_addr[12] == 127);
	}
	return false;
}

/* Whether its address, and all of the network, did so seldom enough of late. Under lock. */
static bool pass(struct gate *g, const struct pf_conn *conn, struct pf_rate by_each,
	struct pf_rate by_all, uint64_t now_ns)
{
	uint64_t *full_ns = pf_throttle_bucket(&g->addresses, conn->address);

	if (pf_bucket_wait(*full_ns, by_each, now_ns) ||
		pf_bucket_wait(g->all_full_ns, by_all, now_ns))
		return false;
	*full_ns = pf_bucket_take(*full_ns, by_each, now_ns);
	g->all_full_ns = pf_bucket_take(g->all_full_ns, by_all, now_ns);
	return true;
}

/* Whether there is room for one more; cuts off the stranger that waits longest if
 * that makes it. Under lock. */
static bool make_room(struct pf_conns *c, const struct pf_conn *conn)
{
	unsigned strangers = 0, here = 0;
	struct pf_conn *longest = NULL;

	for (struct pf_conn *o = c->first; o; o = o->next) {
		if (o->local || o->signed_in || o->cut)
			continue;
		strangers++;
		here += !memcmp(o->address, conn->address, sizeof(o->address));
		/* Nor does one stay that reads its answer byte by byte. */
		if ((!o->busy || conn->since_ns - o->since_ns > REQUEST_LIMIT_NS) &&
			(!longest || o->since_ns < longest->since_ns))
			longest = o;
	}
	if (here >= PF_CONNS_PER_ADDRESS_MAX)
		return false;
	if (strangers < PF_CONNS_STRANGERS_MAX)
		return true;
	if (!longest)
		return false;
	cut(longest);
	return true;
}

struct pf_conn *pf_conn_open(struct pf_conns *c, int fd, const struct sockaddr *sa)
{
	struct pf_conn *conn = calloc(1, sizeof(*conn));
	bool start = false, room;

	if (!conn)
		goto fail;
	conn->all = c;
	conn->fd = fd;
	conn->since_ns = pf_clock_mono_ns();
	conn->local = pf_conn_is_loopback(sa);
	pf_throttle_key(conn->address, sa);
	pthread_mutex_lock(&c->lock);
	room = conn->local ||
	       (pass(&c->opening, conn, each, all, conn->since_ns) && make_room(c, conn));
	if (room) {
		conn->next = c->first;
		conn->link = &c->first;
		if (conn->next)
			conn->next->link = &conn->next;
		c->first = conn;
		if (!c->sweeping && !c->stopping)
			start = c->sweeping = true;
	}
	pthread_mutex_unlock(&c->lock);
	if (!room)
		goto fail;
	if (start && pf_loop_post(c->loop, run_sweep_start, c, NULL, 0)) {
		pthread_mutex_lock(&c->lock);
		c->sweeping = false;
		pthread_mutex_unlock(&c->lock);
	}
	return conn;
fail:
	free(conn);
	(void)shutdown(fd, SHUT_RDWR);
	return NULL;
}

void pf_conn_close(struct pf_conn *conn)
{
	struct pf_conns *c = conn ? conn->all : NULL;

	if (!conn)
		return;
	pthread_mutex_lock(&c->lock);
	*conn->link = conn->next;
	if (conn->next)
		conn->next->link = conn->link;
	pthread_mutex_unlock(&c->lock);
	free(conn);
}

void pf_conn_busy(struct pf_conn *conn, bool busy)
{
	if (!conn)
		return;
	pthread_mutex_lock(&conn->all->lock);
	conn->busy = busy;
	conn->since_ns = pf_clock_mono_ns();
	pthread_mutex_unlock(&conn->all->lock);
}

bool pf_conn_may_ask(struct pf_conn *conn)
{
	bool may;

	if (!conn)
		return true;
	pthread_mutex_lock(&conn->all->lock);
	may = conn->local || conn->signed_in ||
	      pass(&conn->all->asking, conn, ask_each, ask_all, pf_clock_mono_ns());
	pthread_mutex_unlock(&conn->all->lock);
	return may;
}

void pf_conn_signed_in(struct pf_conn *conn)
{
	if (!conn)
		return;
	pthread_mutex_lock(&conn->all->lock);
	conn->signed_in = true;
	pthread_mutex_unlock(&conn->all->lock);
}
