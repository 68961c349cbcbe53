/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* rtsp_server.h - the TCP side of RTSP: one message in, one answer out, close
 * (gamestream.md 3.1).
 *
 * Knows no RTSP beyond where a message ends. A connection that is silent, slow
 * or too long is dropped; connections are bounded in all and per address.
 * Control loop. */
#pragma once
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include "core/base/reason.h"
#include "host/sys/loop.h"

#define PF_GS_RTSP_CONNS	32u
#define PF_GS_RTSP_CONNS_PER_IP 8u
#define PF_GS_RTSP_PATIENCE_MS	5000u  /* for a message to arrive, for an answer to leave */
#define PF_GS_RTSP_ANSWER_MS	15000u /* for us to answer: the client waits as long */

struct pf_gs_rtsp_server;
struct pf_gs_rtsp_conn;

struct pf_gs_rtsp_events {
	/* A whole message, sealed or plain. Answer or drop it, now or later. */
	void (*message)(void *user, struct pf_gs_rtsp_conn *c, const uint8_t *data, size_t len);
	/* The connection went before it was answered: forget `c`. */
	void (*gone)(void *user, struct pf_gs_rtsp_conn *c);
};

/** Listens on `port` of `address` (IPv4 literal). -EADDRINUSE etc. with the words. */
int pf_gs_rtsp_server_open(struct pf_gs_rtsp_server **out, struct pf_loop *loop,
	const char *address, uint16_t port, const struct pf_gs_rtsp_events *events, void *user,
	struct pf_reason *why);
/** Closes every connection without a call to `gone`. Accepts NULL. */
void pf_gs_rtsp_server_close(struct pf_gs_rtsp_server *s);
/** Sends a copy of the answer and closes; `c` is gone for the caller. */
void pf_gs_rtsp_answer(struct pf_gs_rtsp_conn *c, const void *data, size_t len);
/** Closes without an answer; `c` is gone for the caller. */
void pf_gs_rtsp_drop(struct pf_gs_rtsp_conn *c);
/** The other end. */
const struct sockaddr_in *pf_gs_rtsp_peer(const struct pf_gs_rtsp_conn *c);
