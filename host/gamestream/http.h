/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* http.h - the HTTP and HTTPS listeners of the GameStream plane.
 *
 * Two libmicrohttpd daemons on their own epoll threads. They touch no state: a
 * request is copied, posted to the control loop, and its connection sleeps until
 * the loop answers. TLS asks everybody for a client certificate and completes
 * whatever is presented; the handler compares it with the paired set. Nothing
 * here logs a query string. All calls on the control loop. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/base/reason.h"
#include "host/gamestream/query.h"
#include "host/sys/loop.h"

#define PF_GS_HTTP_CONNS	48u /* per listener */
#define PF_GS_HTTP_CONNS_PER_IP 12u
#define PF_GS_HTTP_PATIENCE_MS	10000u /* handshake and request together */
#define PF_GS_HTTP_SEND_MS	30000u /* for an answer to leave */

#define PF_GS_XML_TYPE "application/xml; charset=utf-8"

struct pf_gs_http;

#define PF_GS_ADDRESS_BYTES 46 /* INET6_ADDRSTRLEN */

/* Lives from the handler's call until it is answered. */
struct pf_gs_request {
	struct pf_gs_http *http;
	bool https;
	uint8_t peer_ip[16];		 /* IPv4 in its IPv6-mapped form */
	char peer[PF_GS_ADDRESS_BYTES];	 /* the other end, without a port */
	char local[PF_GS_ADDRESS_BYTES]; /* the address of ours it reached */
	bool local_is_ipv4;
	const uint8_t *cert; /* DER of the client's certificate, or NULL */
	size_t cert_len;
	uint8_t fingerprint[32]; /* its SHA-256 */
	void *user;		 /* the handler's */
	struct pf_gs_query query;
};

struct pf_gs_http_params {
	struct pf_loop *loop;
	const char *bind_address;	/* IPv4 or IPv6 literal; NULL = 0.0.0.0 */
	uint16_t port, https_port;	/* 0 = any, for tests */
	const char *key_pem, *cert_pem; /* of the HTTPS listener; borrowed for the call */
	uint32_t patience_ms;		/* 0 = PF_GS_HTTP_PATIENCE_MS */
	/* A request arrived: answer it, now or later. */
	void (*request)(void *user, struct pf_gs_request *r);
	/* The client hung up before the answer (only after pf_gs_http_watch): answer
	 * it all the same. */
	void (*gone)(void *user, struct pf_gs_request *r);
	void *user;
};

/** Opens both ports. -EADDRINUSE etc. with the words. */
int pf_gs_http_create(
	struct pf_gs_http **out, const struct pf_gs_http_params *params, struct pf_reason *why);
/** Answers what is still open with 503 and ends the threads; requests are gone
 * then. Accepts NULL. */
void pf_gs_http_destroy(struct pf_gs_http *h);
uint16_t pf_gs_http_port(const struct pf_gs_http *h);
uint16_t pf_gs_http_https_port(const struct pf_gs_http *h);
/** Calls params.gone when the client hangs up. 0, or a negative errno: then it is
 * not noticed. */
int pf_gs_http_watch(struct pf_gs_request *r);

/** Sends a copy of `body` with HTTP status 200; `r` is gone for the caller. */
void pf_gs_answer(struct pf_gs_request *r, const char *content_type, const void *body, size_t len);
/** An XML root without content: the verdict alone. `message` NULL with 200. */
void pf_gs_answer_status(struct pf_gs_request *r, uint32_t status, const char *message);
