/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* ports.h - the UDP ports that Moonlight clients ping for video and sound
 * (gamestream.md 4.1, 5.1).
 *
 * One unconnected socket per port takes pings from sources not known yet. For
 * each client a second socket with the same local address and port is connected
 * to the source of its ping, so that its media has a queue and a destination of
 * its own; the kernel hands it what comes from there, and an ear reports the
 * pings among it. Control loop. */
#pragma once
#include <netinet/in.h>
#include <stdint.h>
#include "core/base/reason.h"
#include "core/wire/gs_video.h"
#include "host/sys/loop.h"

struct pf_gs_port;
struct pf_gs_ear;

/* Where a ping came from and which address of ours it reached. */
struct pf_gs_path {
	struct sockaddr_in peer, local;
};

/* A datagram of a ping's form; whose id it is has not been checked. */
typedef void pf_gs_ping_fn(
	void *user, const struct pf_gs_ping *ping, const struct pf_gs_path *path);

/** Binds `port` on `address` (IPv4 literal). -EADDRINUSE etc. with the words. */
int pf_gs_port_open(struct pf_gs_port **out, struct pf_loop *loop, const char *address,
	uint16_t port, pf_gs_ping_fn *on_ping, void *user, struct pf_reason *why);
/** Accepts NULL. */
void pf_gs_port_close(struct pf_gs_port *p);
/** A socket of the port's that sends to path->peer; the caller owns *fd. */
int pf_gs_port_connect(const struct pf_gs_port *p, const struct pf_gs_path *path, int *fd);
/** Hands the pings that reach `fd` (of pf_gs_port_connect) to the port's on_ping:
 * without them a ping heard once would count as new. Keeps a duplicate of `fd`;
 * outlive neither the port nor its on_ping. 0 or -errno. */
int pf_gs_ear_open(struct pf_gs_ear **out, struct pf_gs_port *p, int fd);
/** Accepts a NULL ear; sets it to NULL. */
void pf_gs_ear_close(struct pf_gs_ear **ear);
/** The words for a UDP port that `r` keeps from us; returns r. */
int pf_gs_port_refused(struct pf_reason *why, int r, const char *address, uint16_t port);
/** Datagrams that were no ping. */
uint64_t pf_gs_port_strays(const struct pf_gs_port *p);
