/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* conns.h - the connections of the management API: how many there may be and for how
 * long without a request.
 *
 * One that has not said who it is counts as a stranger: of those each address of the
 * network may hold a few, all together some more, and beyond that the one that waits
 * longest is cut off, so that a flood does not keep those out who are signed in. Nor may an
 * address, or all, open them faster than a browser would: the rest is cut off before its
 * handshake. This machine's own are only bounded by the server's limit, at which new ones wait. Any
 * thread, but for create and destroy. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include "host/sys/loop.h"

#define PF_CONNS_MAX		 512
#define PF_CONNS_STRANGERS_MAX	 96
#define PF_CONNS_PER_ADDRESS_MAX 24
/* Requests of strangers, which any page but the log-in's makes few of: likewise. */
#define PF_CONNS_ASK_BURST     100
#define PF_CONNS_ASK_NS	       50000000ull
#define PF_CONNS_ASK_ALL_BURST 400
#define PF_CONNS_ASK_ALL_NS    5000000ull
/* New ones: a burst, then one each; of an address, and of all of the network. */
#define PF_CONNS_BURST	   60
#define PF_CONNS_REFILL_NS 100000000ull
#define PF_CONNS_ALL_BURST 240
#define PF_CONNS_ALL_NS	   20000000ull
/* From the first byte of a request to its last: what drips longer is cut off. */
#define PF_CONNS_REQUEST_LIMIT_S 20

struct pf_conns;
struct pf_conn;

/** 0 or -ENOMEM. */
int pf_conns_create(struct pf_conns **out, struct pf_loop *loop);
/** No more is cut off from now on. Loop thread; may be called twice. Accepts NULL. */
void pf_conns_stop(struct pf_conns *c);
/** When all connections are closed and the loop runs no more. Accepts NULL. */
void pf_conns_destroy(struct pf_conns *c);

/** A connection from `sa` was accepted. NULL when there is no memory for it or its address
 * has too many: then it is shut down. */
struct pf_conn *pf_conn_open(struct pf_conns *c, int fd, const struct sockaddr *sa);
/** Before its descriptor is closed. Accepts NULL. */
void pf_conn_close(struct pf_conn *conn);
/** A whole request is being answered, or was. Accepts NULL. */
void pf_conn_busy(struct pf_conn *conn, bool busy);
/** Whether a request that says not who asks is answered, or there are too many of late. True
 * for NULL. */
bool pf_conn_may_ask(struct pf_conn *conn);
/** Its request may pass: no stranger any more. Accepts NULL. */
void pf_conn_signed_in(struct pf_conn *conn);

/** IPv4 and IPv4 in IPv6 alike. */
bool pf_conn_is_loopback(const struct sockaddr *sa);
